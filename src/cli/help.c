#include "cli/help.h"

#include "cli/commands.h"
#include "cli/config_file.h"
#include "cli/options.h"

#include <string.h>

extern const struct cli_commands help_commands;

/* Words of text in lines of at most width columns; lines after the first begin with indent
 * blanks, and the first is already filled up to column at. */
static void print_wrapped(FILE *out, const char *text, unsigned at, unsigned indent, unsigned width)
{
    struct str rest = str_from_z(text);
    bool first = true;
    bool more = rest.len > 0;

    while (more) {
        struct str word;

        more = str_cut(&rest, ' ', &word);
        if (!first && at + 1 + word.len > width) {
            fprintf(out, "\n%*s", (int)indent, "");
            at = indent;
            first = true;
        }
        fprintf(out, "%s%.*s", first ? "" : " ", STR_ARG(word));
        at += (unsigned)word.len + (first ? 0 : 1);
        first = false;
    }
    fputc('\n', out);
}

static void print_summary(struct cli *c, const struct cli_command *command)
{
    if (command->summary) {
        fprintf(c->out, "  %-21s ", command->name);
        print_wrapped(c->out, command->summary, 24, 24, c->width);
    }
}

static void print_options(FILE *out, const struct cli_option *options, size_t count, unsigned width)
{
    char left[128];

    for (size_t i = 0; i < count; i++) {
        snprintf(left, sizeof(left), "%s%s%s", options[i].name, options[i].value ? " " : "",
                 options[i].value ? options[i].value : "");
        if (strlen(left) > 26) {
            fprintf(out, "  %s\n  %-26s ", left, "");
        } else {
            fprintf(out, "  %-26s ", left);
        }
        print_wrapped(out, options[i].help, 29, 29, width);
    }
}

static bool begins_chapter(size_t entry)
{
    return entry == 0 || strcmp(cli_entries[entry].chapter, cli_entries[entry - 1].chapter) != 0;
}

static void overview(struct cli *c)
{
    fprintf(c->out, "usher keeps the accounts in your applications in step with your directory.\n\n"
                    "  usher demo               a sample organisation to try everything on\n"
                    "  usher COMMAND --help     what a command does, with an example\n");
    for (size_t i = 0; i < cli_entry_count; i++) {
        if (begins_chapter(i))
            fprintf(c->out, "\n%s\n", cli_entries[i].chapter);
        for (size_t k = 0; k < cli_entries[i].table->count; k++)
            print_summary(c, &cli_entries[i].table->commands[k]);
    }
    fprintf(c->out, "\nOptions of every command (also in the environment, as USHER_DATA, "
                    "or in a file)\n");
    print_options(c->out, cli_global_options, cli_global_option_count, c->width);
}

void cli_help_command(struct cli *c, const struct cli_command *command)
{
    fprintf(c->out, "usher %s%s", command->name, *command->usage ? " " : "");
    print_wrapped(c->out, command->usage, (unsigned)strlen(command->name) + 7, 6, c->width);
    if (command->summary)
        fprintf(c->out, "\n%s\n", command->summary);
    if (command->help && *command->help) {
        size_t len = strlen(command->help);

        fprintf(c->out, "\n%s%s", command->help, command->help[len - 1] == '\n' ? "" : "\n");
    }
    if (command->option_count) {
        fprintf(c->out, "\nOptions\n");
        print_options(c->out, command->options, command->option_count, c->width);
    }
    fprintf(c->out, "\nOptions of every command: --data DIR, --database URL, --json, --quiet\n");
}

struct group_print {
    struct cli *cli;
    const char *group;
    size_t count;
};

static void print_member(void *ctx, const struct cli_command *command)
{
    struct group_print *g = ctx;
    size_t len = strlen(g->group);

    if (strncmp(command->name, g->group, len) != 0 ||
        (command->name[len] != ' ' && command->name[len] != '\0'))
        return;
    if (g->count++ == 0)
        fprintf(g->cli->out, "usher %s ...\n\n", g->group);
    print_summary(g->cli, command);
}

int cli_help(struct cli *c, int argc, char **argv)
{
    struct err err = {.kind = ERR_NONE};
    const struct cli_command *command;
    int words;

    if (argc == 0) {
        overview(c);
        return 0;
    }
    if (argc == 1 && cli_command_is_group(str_from_z(argv[0]))) {
        struct group_print g = {.cli = c, .group = argv[0]};

        cli_command_each(print_member, &g);
        fprintf(c->out, "\n'usher %s COMMAND --help' explains one.\n", argv[0]);
        return 0;
    }
    if (!cli_command_find(argc, argv, &command, &words, &err))
        return cli_fail(c, &err);
    if (words < argc)
        return cli_usage(c, "there is no command 'usher %s %s'", argv[0], argv[1]);
    cli_help_command(c, command);
    return 0;
}

/* --- The manual --- */

static void manual_command(void *ctx, const struct cli_command *command)
{
    struct cli *c = ctx;

    if (!command->summary)
        return;
    fprintf(c->out, "\n### usher %s\n\n%s\n\n    usher %s%s%s\n", command->name, command->summary,
            command->name, *command->usage ? " " : "", command->usage);
    if (command->help && *command->help) {
        size_t len = strlen(command->help);

        fprintf(c->out, "\n```text\n%s%s```\n", command->help,
                command->help[len - 1] == '\n' ? "" : "\n");
    }
    if (command->option_count) {
        fprintf(c->out, "\n| option | |\n|---|---|\n");
        for (size_t i = 0; i < command->option_count; i++) {
            const struct cli_option *o = &command->options[i];

            fprintf(c->out, "| `%s%s%s` | %s |\n", o->name, o->value ? " " : "",
                    o->value ? o->value : "", o->help);
        }
    }
}

static void manual_setting(void *ctx, const struct cli_option *option)
{
    struct cli *c = ctx;
    char variable[CLI_VARIABLE_MAX];

    cli_variable_name(option->name, variable);
    fprintf(c->out, "| `%s` | `%s` | %s |\n", option->name + 2, variable, option->help);
}

static void manual_settings(struct cli *c)
{
    fprintf(
        c->out,
        "\n## Settings\n\n"
        "What configures usher itself may stand in the environment or in a configuration file, "
        "too. A flag\ncomes before the environment, and that before the file. The file is the "
        "one that `--config` or\n`USHER_CONFIG` names, else `usher.yaml` in the data directory, "
        "else `/etc/usher.yaml`.\n\n"
        "| key of the file | environment | |\n|---|---|---|\n");
    cli_setting_each(manual_setting, c);
}

static void manual(struct cli *c)
{
    fprintf(c->out,
            "# Commands\n\n"
            "Made by `usher help --manual` from the tables that the program itself uses.\n\n"
            "Exit codes: 0 done, 1 failed, 2 wrong use. With `--json` a command prints one JSON "
            "document,\nand an error is `{\"code\", \"message\", \"place\"}` on standard error.\n\n"
            "Options of every command:\n\n| option | |\n|---|---|\n");
    for (size_t i = 0; i < cli_global_option_count; i++) {
        const struct cli_option *o = &cli_global_options[i];

        fprintf(c->out, "| `%s%s%s` | %s |\n", o->name, o->value ? " " : "",
                o->value ? o->value : "", o->help);
    }
    for (size_t i = 0; i < cli_entry_count; i++) {
        if (begins_chapter(i))
            fprintf(c->out, "\n## %s\n", cli_entries[i].chapter);
        for (size_t k = 0; k < cli_entries[i].table->count; k++)
            manual_command(c, &cli_entries[i].table->commands[k]);
    }
    manual_settings(c);
}

static int run_help(struct cli *c, const struct cli_args *args)
{
    char *words[2];
    int count = cli_arg_count(args);

    if (cli_flag(args, "--manual")) {
        manual(c);
        return 0;
    }
    for (int i = 0; i < count; i++)
        words[i] = arena_z(c->arena, str_from_z(cli_arg(args, i)));
    return cli_help(c, count, words);
}

static const struct cli_option help_options[] = {
    {"--manual", NULL, "print the whole manual of the commands as Markdown"},
};

static const struct cli_command commands[] = {
    {
        .name = "help",
        .usage = "[COMMAND]",
        .summary = "list the commands, or explain one",
        .help = "  usher help user add",
        .options = help_options,
        .option_count = ARRAY_LEN(help_options),
        .max_args = 2,
        .run = run_help,
    },
};

const struct cli_commands help_commands = {commands, ARRAY_LEN(commands)};
