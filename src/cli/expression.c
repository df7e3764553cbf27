/* `usher expression ...`: tries expressions, checks them, runs test vectors, lists the functions.
 */
#include "base/file.h"
#include "cli/expression_manual.h"
#include "expr/vectors.h"

enum { VECTORS_MAX_BYTES = 16 << 20 };

/* Shows the expression with a mark below the place of the error, when it is one line. */
static int fail_expression(struct cli *c, const char *text, const struct expr_error *e)
{
    size_t column = 0;

    if (!c->json && e->offset <= strlen(text) && !strchr(text, '\n') && strlen(text) < 200) {
        for (size_t i = 0; i < e->offset; i++)
            column += ((unsigned char)text[i] & 0xC0) != 0x80;
        (void)fprintf(c->err, "  %s\n  %*s^\n", text, (int)column, "");
    }
    return cli_fail(c, &e->err);
}

static int run_check(struct cli *c, const struct cli_args *args)
{
    const char *text = cli_arg(args, 0);
    CLEANUP(buf_done) struct buf canonical = {0};
    struct expr_error error;
    const struct expr *e;

    if (!expr_compile(c->arena, str_from_z(text), NULL, &e, &error))
        return fail_expression(c, text, &error);
    if (c->json) {
        cli_print_json(c, expr_to_json(c->arena, e));
        return 0;
    }
    buf_init(&canonical, (size_t)EXPR_MAX_CHARACTERS * 16);
    expr_print(&canonical, e);
    for (const struct expr_warning *w = expr_lint(c->arena, e); w; w = w->next) {
        if (w->certain)
            return fail_expression(c, text, &w->error);
        cli_say(c, "warning: %s: %s", w->error.err.place, w->error.err.message);
    }
    cli_say(c, "ok: %s", buf_z(&canonical));
    return 0;
}

static bool read_attributes(struct cli *c, const struct cli_args *args, struct json **out,
                            struct err *err)
{
    const char *text = cli_value(args, "--attributes");

    *out = json_new(c->arena, JSON_OBJECT);
    if (!text)
        return true;
    if (!json_parse(c->arena, str_from_z(text), NULL, out, NULL, err))
        return err_wrap(err, "--attributes");
    if (json_is(*out, JSON_OBJECT))
        return true;
    return err_set(err, ERR_INVALID, "usage",
                   "--attributes needs a JSON object such as "
                   "'{\"givenName\": \"Ada\"}'");
}

static int run_eval(struct cli *c, const struct cli_args *args)
{
    const char *text = cli_arg(args, 0);
    struct expr_context context = {.arena = c->arena, .now_us = clock_now(c->clock), .rng = c->rng};
    struct json *attributes;
    struct expr_value value;
    struct expr_error error;
    const struct expr *e;
    const struct json **slots;
    struct err err;

    if (!read_attributes(c, args, &attributes, &err))
        return cli_fail(c, &err);
    if (!expr_compile(c->arena, str_from_z(text), NULL, &e, &error))
        return fail_expression(c, text, &error);
    slots = ARENA_ARRAY(c->arena, const struct json *, expr_names_count(expr_names(e)));
    expr_names_bind(expr_names(e), attributes, slots);
    context.slots = slots;
    if (!expr_evaluate(e, &context, &value, &error))
        return fail_expression(c, text, &error);
    cli_print_json(c, expr_value_json(c->arena, &value));
    return 0;
}

struct tally {
    size_t passed, failed;
    struct json *failures; /* with --json */
};

static void report(struct cli *c, struct tally *t, const struct expr_vector *v, size_t line,
                   struct str got)
{
    struct json *entry;

    t->failed++;
    if (!c->json) {
        cli_say(c,
                "%.*s (line %zu): %.*s\n    with:     %.*s\n    expected: %.*s\n    got:      %.*s",
                STR_ARG(v->id), line, STR_ARG(v->expression), STR_ARG(v->source),
                STR_ARG(v->expected), STR_ARG(got));
        return;
    }
    entry = json_new(c->arena, JSON_OBJECT);
    json_add_str(c->arena, entry, "id", v->id);
    json_add_int(c->arena, entry, "line", (int64_t)line);
    json_add_str(c->arena, entry, "expression", v->expression);
    json_add_str(c->arena, entry, "expected", v->expected);
    json_add_str(c->arena, entry, "got", got);
    json_append(t->failures, entry);
}

static bool run_lines(struct cli *c, const char *path, struct str rest, struct tally *t,
                      struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    size_t number = 0;
    bool more = true;

    while (more) {
        struct expr_vector v;
        struct str line;
        struct str got = {0};
        bool passed;

        more = str_cut(&rest, '\n', &line);
        number++;
        if (!expr_vector_read(line, &v))
            continue;
        if (!expr_vector_run(a, &v, clock_now(c->clock), c->rng, &passed, &got, err))
            return err_at(err, "%s:%zu", path, number);
        if (passed) {
            t->passed++;
        } else {
            report(c, t, &v, number, got);
        }
        arena_reset(a);
    }
    return true;
}

static int run_test(struct cli *c, const struct cli_args *args)
{
    struct tally t = {.failures = json_new(c->arena, JSON_ARRAY)};
    struct str text;
    struct err err;

    if (!file_read(c->arena, cli_arg(args, 0), VECTORS_MAX_BYTES, &text, &err) ||
        !run_lines(c, cli_arg(args, 0), text, &t, &err))
        return cli_fail(c, &err);
    if (c->json) {
        struct json *result = json_new(c->arena, JSON_OBJECT);

        json_add_int(c->arena, result, "passed", (int64_t)t.passed);
        json_add_int(c->arena, result, "failed", (int64_t)t.failed);
        json_add(c->arena, result, STR("failures"), t.failures);
        cli_print_json(c, result);
    } else {
        (void)fprintf(c->out, "%zu passed, %zu failed\n", t.passed, t.failed);
    }
    return t.failed ? 1 : 0;
}

static struct json *function_json(struct arena *a, const struct expr_function_info *f)
{
    struct json *o = json_new(a, JSON_OBJECT);
    struct json *parameters = json_new(a, JSON_ARRAY);

    json_add_z(a, o, "name", f->name);
    json_add_z(a, o, "gives", f->gives);
    json_add_z(a, o, "help", f->help);
    json_add_z(a, o, "example", f->example);
    for (size_t i = 0; i < f->parameter_count; i++) {
        struct json *p = json_new(a, JSON_OBJECT);

        json_add_z(a, p, "name", f->parameters[i].name);
        json_add_z(a, p, "type", f->parameters[i].type);
        json_add_bool(a, p, "required", !f->parameters[i].optional);
        json_add_bool(a, p, "allowMultipleOccurrences", f->parameters[i].repeats);
        json_append(parameters, p);
    }
    json_add(a, o, STR("parameters"), parameters);
    return o;
}

static int run_functions(struct cli *c, const struct cli_args *args)
{
    static const char *const headers[] = {"FUNCTION", "WHAT IT GIVES"};
    struct json *all = json_new(c->arena, JSON_ARRAY);
    struct cli_table *table = NULL;

    if (cli_flag(args, "--manual")) {
        expression_manual(c->out);
        return 0;
    }
    if (!c->json)
        table = cli_table_new(c, headers, ARRAY_LEN(headers));
    for (size_t i = 0; i < expr_function_count(); i++) {
        struct expr_function_info f = expr_function_info(i);

        if (c->json) {
            json_append(all, function_json(c->arena, &f));
        } else {
            cli_table_row(table,
                          (struct str[]){expression_signature(c->arena, &f), str_from_z(f.help)});
        }
    }
    if (c->json) {
        cli_print_json(c, all);
    } else {
        cli_table_print(table);
    }
    return 0;
}

static const struct cli_option eval_options[] = {
    {"--attributes", "JSON", "the source attributes, as one JSON object"},
};

static const struct cli_option functions_options[] = {
    {"--manual", NULL, "print the manual page of expressions, as Markdown"},
};

static const struct cli_command commands[] = {
    {
        .name = "expression eval",
        .usage = "EXPR [--attributes JSON]",
        .summary = "evaluate an expression and print the result",
        .help =
            "The result is printed as JSON: null when there is no value, {\"$flow\": ...} when the\n"
            "expression says that nothing flows. No database is needed.\n\n"
            "  usher expression eval 'Join(\" \", [givenName], [surname])' \\\n"
            "      --attributes '{\"givenName\": \"Ada\", \"surname\": \"Lovelace\"}'\n",
        .options = eval_options,
        .option_count = ARRAY_LEN(eval_options),
        .min_args = 1,
        .max_args = 1,
        .run = run_eval,
    },
    {
        .name = "expression check",
        .usage = "EXPR",
        .summary = "check an expression without evaluating it",
        .help = "Says what is wrong and where, or prints the expression in its canonical form.\n"
                "With --json: the parsed form, as the admin API gives it.\n\n"
                "  usher expression check 'ToLower([mail])'\n",
        .min_args = 1,
        .max_args = 1,
        .run = run_check,
    },
    {
        .name = "expression test",
        .usage = "FILE.tsv",
        .summary = "run expressions with expected results from a file",
        .help =
            "Each line has, separated by tabs: an id, a topic, the expression, the source\n"
            "attributes as a JSON object, and the expected result as JSON or ERROR:Kind. Lines\n"
            "that begin with # are comments. $now and $taken among the attributes set the clock\n"
            "and the values that SelectUniqueValue finds taken. \"-\" reads standard input.\n\n"
            "  printf 'a\\tdemo\\tLen(\"abc\")\\t{}\\t3\\n' | usher expression test -\n",
        .min_args = 1,
        .max_args = 1,
        .run = run_test,
    },
    {
        .name = "expression functions",
        .usage = "",
        .summary = "list the functions of the expression language",
        .help = "  usher expression functions\n",
        .options = functions_options,
        .option_count = ARRAY_LEN(functions_options),
        .run = run_functions,
    },
};

extern const struct cli_commands expression_commands;
const struct cli_commands expression_commands = {commands, ARRAY_LEN(commands)};
