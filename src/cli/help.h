/* Help text, made from the tables of commands: the overview, one command's page, the manual. */
#pragma once

#include "cli/cli.h"

/* `usher help [WORD [WORD]]`: the overview, a group of commands, or one command. Returns the exit
 * code. */
int cli_help(struct cli *c, int argc, char **argv);
void cli_help_command(struct cli *c, const struct cli_command *command);
