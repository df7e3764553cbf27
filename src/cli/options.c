#include "cli/options.h"

#include "cli/nearest.h"

#include <string.h>

const struct cli_option cli_global_options[] = {
    {"--data", "DIR", "where usher keeps its files (default ./usher-data)"},
    {"--database", "URL", "sqlite:PATH or postgresql://... (default sqlite:DIR/usher.db)"},
    {"--config", "FILE", "settings (default: usher.yaml in DIR, else /etc/usher.yaml)"},
    {"--json", NULL, "print results as JSON, and errors as {code, message, place}"},
    {"--quiet", NULL, "print results only: no notes and no progress"},
    {"--help", NULL, "explain the command"},
    {"--version", NULL, "print the version"},
};
const size_t cli_global_option_count = ARRAY_LEN(cli_global_options);

static const struct cli_option *find_option(const struct cli_option *options, size_t count,
                                            struct str name)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq_z(name, options[i].name))
            return &options[i];
    }
    return NULL;
}

bool cli_option_take(const struct cli_option *options, size_t count, struct cli_line *line,
                     struct cli_given *out, bool *out_known, struct err *err)
{
    const char *word = line->argv[line->at];
    const char *equals = strchr(word, '=');
    struct str name = {word, equals ? (size_t)(equals - word) : strlen(word)};
    const struct cli_option *option;

    if (str_eq_z(name, "-h")) {
        name = STR("--help");
    }
    option = find_option(options, count, name);
    *out_known = option != NULL;
    if (!option) {
        return true;
    }
    if (!option->value && equals) {
        return err_set(err, ERR_INVALID, "usage", "%s takes no value", option->name);
    }
    if (option->value && !equals && line->at + 1 >= line->argc) {
        return err_set(err, ERR_INVALID, "usage", "%s needs a value: %s %s", option->name,
                       option->name, option->value);
    }
    *out = (struct cli_given){.name = option->name};
    if (option->value) {
        out->value = equals ? equals + 1 : line->argv[++line->at];
    }
    line->at++;
    return true;
}

bool cli_global_apply(struct cli *c, const struct cli_given *given, struct err *err)
{
    const char *value = given->value ? given->value : "";

    if (strcmp(given->name, "--data") == 0) {
        if (!*value) {
            return err_set(err, ERR_INVALID, "usage", "--data needs the name of a folder");
        }
        c->data_dir = value;
    } else if (strcmp(given->name, "--database") == 0) {
        c->database = value;
    } else if (strcmp(given->name, "--config") == 0) {
        if (!*value) {
            return err_set(err, ERR_INVALID, "usage", "--config needs the name of a file");
        }
        c->config_path = value;
    } else if (strcmp(given->name, "--json") == 0) {
        c->json = true;
    } else if (strcmp(given->name, "--quiet") == 0) {
        c->quiet = true;
    }
    return true;
}

static bool unknown_option(const struct cli_command *command, const char *given, struct err *err)
{
    struct cli_nearest nearest;

    cli_nearest_init(&nearest, (struct str){given, strcspn(given, "=")});
    for (size_t i = 0; i < command->option_count; i++)
        cli_nearest_try(&nearest, command->options[i].name);
    for (size_t i = 0; i < cli_global_option_count; i++)
        cli_nearest_try(&nearest, cli_global_options[i].name);
    if (nearest.best) {
        return err_set(err, ERR_INVALID, "usage", "'usher %s' has no option %.*s; did you mean %s?",
                       command->name, (int)strcspn(given, "="), given, nearest.best);
    }
    return err_set(err, ERR_INVALID, "usage", "'usher %s' has no option %.*s", command->name,
                   (int)strcspn(given, "="), given);
}

/* One option of the command or a global one. */
static bool take_any(struct cli *c, const struct cli_command *command, struct cli_line *line,
                     struct cli_args *out, bool *out_help, struct err *err)
{
    const char *text = line->argv[line->at];
    struct cli_given given = {0};
    bool known;

    if (!cli_option_take(command->options, command->option_count, line, &given, &known, err)) {
        return false;
    }
    if (known) {
        out->given[out->given_count++] = given;
        return true;
    }
    if (!cli_option_take(cli_global_options, cli_global_option_count, line, &given, &known, err)) {
        return false;
    }
    if (!known || strcmp(given.name, "--version") == 0) {
        return unknown_option(command, text, err);
    }
    if (strcmp(given.name, "--help") == 0) {
        *out_help = true;
    }
    return cli_global_apply(c, &given, err);
}

bool cli_args_parse(struct cli *c, const struct cli_command *command, int argc, char **argv,
                    struct cli_args *out, bool *out_help, struct err *err)
{
    struct cli_args args = {
        .words = ARENA_ARRAY(c->arena, const char *, (size_t)argc + 1),
        .given = ARENA_ARRAY(c->arena, struct cli_given, (size_t)argc + 1),
    };
    struct cli_line line = {.argc = argc, .argv = argv};
    bool options = true;

    *out_help = false;
    while (line.at < argc) {
        const char *word = argv[line.at];

        if (options && strcmp(word, "--") == 0) {
            options = false;
            line.at++;
        } else if (options && word[0] == '-' && word[1]) {
            if (!take_any(c, command, &line, &args, out_help, err)) {
                return false;
            }
        } else {
            args.words[args.word_count++] = word;
            line.at++;
        }
    }
    *out = args;
    return true;
}

const char *cli_arg(const struct cli_args *args, int i)
{
    return i < args->word_count ? args->words[i] : "";
}

int cli_arg_count(const struct cli_args *args)
{
    return args->word_count;
}

bool cli_flag(const struct cli_args *args, const char *option)
{
    for (size_t i = 0; i < args->given_count; i++) {
        if (strcmp(args->given[i].name, option) == 0)
            return true;
    }
    return false;
}

const char *cli_value(const struct cli_args *args, const char *option)
{
    for (size_t i = args->given_count; i > 0; i--) {
        if (strcmp(args->given[i - 1].name, option) == 0)
            return args->given[i - 1].value;
    }
    return NULL;
}

const char *cli_value_at(const struct cli_args *args, const char *option, size_t n)
{
    for (size_t i = 0; i < args->given_count; i++) {
        if (strcmp(args->given[i].name, option) == 0 && n-- == 0)
            return args->given[i].value;
    }
    return NULL;
}

bool cli_value_int(const struct cli_args *args, const char *option, int64_t min, int64_t max,
                   int64_t *value, struct err *err)
{
    const char *text = cli_value(args, option);

    if (text && !str_to_int(str_from_z(text), min, max, value)) {
        return err_set(err, ERR_INVALID, "usage", "%s takes a number from %lld to %lld, not '%s'",
                       option, (long long)min, (long long)max, text);
    }
    return true;
}
