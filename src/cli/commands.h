/* The one table of commands, from which the command line, the help and the manual are made. */
#pragma once

#include "cli/cli.h"

/* A line of commands.list. The tables of a chapter stand together. */
struct cli_entry {
    const char *chapter;
    const struct cli_commands *table;
};

extern const struct cli_entry cli_entries[];
extern const size_t cli_entry_count;

/* The command that argv[0], or argv[0] and argv[1], name; *out_words is how many words that took.
 * ERR_INVALID "usage" with the nearest command, or with the sub-commands when argv[0] alone is the
 * beginning of some. */
MUST_USE bool cli_command_find(int argc, char **argv, const struct cli_command **out,
                               int *out_words, struct err *err);

/* Calls fn for each command, in the order of the table. */
void cli_command_each(void (*fn)(void *ctx, const struct cli_command *command), void *ctx);

/* True when some command's name is word and a second word. */
bool cli_command_is_group(struct str word);
