/* Splits a command line by a command's table of options. Options may stand before, between and
 * after the positional arguments, as "--x v" or "--x=v"; "--" ends them; "-" is a positional
 * argument. */
#pragma once

#include "cli/cli.h"

struct cli_given {
    const char *name;  /* as in the table */
    const char *value; /* NULL for a flag */
};

struct cli_args {
    const char **words; /* positional arguments */
    int word_count;
    struct cli_given *given; /* options, in the order of the command line */
    size_t given_count;
    const struct cli_file *file; /* for cli_setting; NULL: none */
};

/* The options that every command takes. */
extern const struct cli_option cli_global_options[];
extern const size_t cli_global_option_count;

/* The words of a command line and how far they are read. */
struct cli_line {
    int argc;
    char **argv;
    int at;
};

/* Takes the option at line->at, and its value, from a table. *out_known is false, and nothing is
 * taken, when the table does not have it. ERR_INVALID "usage". */
MUST_USE bool cli_option_take(const struct cli_option *options, size_t count, struct cli_line *line,
                              struct cli_given *out, bool *out_known, struct err *err);

/* Applies one global option. */
MUST_USE bool cli_global_apply(struct cli *c, const struct cli_given *given, struct err *err);

/* Parses what follows the command's name; global options are applied to c. *out_help is set by
 * --help. ERR_INVALID "usage": unknown option (with the nearest one), missing or superfluous value.
 */
MUST_USE bool cli_args_parse(struct cli *c, const struct cli_command *command, int argc,
                             char **argv, struct cli_args *out, bool *out_help, struct err *err);
