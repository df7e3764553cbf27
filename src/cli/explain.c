/* `usher explain N WHO`: why somebody has an account, or none. */
#include "engine/explain/explain.h"

#include "cli/record.h"
#include "cli/wire.h"

enum { LOG_SHOWN = 5, TRIED_SHOWN = 5 };

static const struct json *get(const struct json *v, const char *name)
{
    return json_get(v, str_from_z(name));
}

static void heading(struct cli *c, const char *text)
{
    fprintf(c->out, "\n%s\n", text);
}

static void print_text(struct cli *c, const struct json *v, const char *name, const char *label)
{
    struct str text = json_get_text(v, name);

    if (text.len > 0)
        fprintf(c->out, "  %-12s %.*s\n", label, STR_ARG(text));
}

static struct str value_text(struct cli *c, const struct json *v)
{
    return cli_one_line(c->arena, cli_value_text(c->arena, v));
}

static void print_source(struct cli *c, const struct json *source)
{
    struct str from = json_get_text(source, "from");

    heading(c, "What the source says");
    if (str_eq_z(from, "nothing")) {
        fprintf(c->out, "  not known\n");
        return;
    }
    fprintf(c->out, "  from the %.*s, as of %.*s\n", STR_ARG(from),
            STR_ARG(json_get_text(source, "asOf")));
    JSON_EACH(item, get(source, "attributes"))
    {
        fprintf(c->out, "  %.*s: %.*s\n", STR_ARG(item->name), STR_ARG(value_text(c, item)));
    }
}

static void field(struct cli *c, const struct json *v, const char *name)
{
    fprintf(c->out, "%.*s", STR_ARG(cli_one_line(c->arena, json_get_text(v, name))));
}

static void print_test(struct cli *c, const struct json *test)
{
    fprintf(c->out, "  %-5s ", json_get_bool(test, "holds", false) ? "true" : "FALSE");
    field(c, test, "test");
    fputs(": ", c->out);
    field(c, test, "value");
    fputc('\n', c->out);
}

static void print_clause(struct cli *c, const struct json *clause)
{
    fprintf(c->out, "    %-5s ", json_get_bool(clause, "holds", false) ? "true" : "FALSE");
    field(c, clause, "text");
    fprintf(c->out, "  (it is %.*s; group ", STR_ARG(value_text(c, get(clause, "value"))));
    field(c, clause, "title");
    fputs(")\n", c->out);
}

static void print_scope(struct cli *c, const struct json *scope)
{
    if (!json_is(scope, JSON_OBJECT))
        return;
    heading(c, json_get_bool(scope, "inScope", false) ? "In scope" : "Out of scope");
    JSON_EACH(test, get(scope, "tests"))
    {
        print_test(c, test);
    }
    JSON_EACH(clause, get(scope, "clauses"))
    {
        print_clause(c, clause);
    }
}

static void print_criterion(struct cli *c, const struct json *criterion)
{
    JSON_EACH(one, criterion)
    {
        fputs("  looked for by ", c->out);
        field(c, one, "attribute");
        fprintf(c->out, " = %.*s\n", STR_ARG(value_text(c, get(one, "value"))));
    }
}

static void print_tried(struct cli *c, const struct json *tried)
{
    int shown = 0;

    JSON_EACH(one, tried)
    {
        if (shown++ == TRIED_SHOWN)
            return;
        fprintf(c->out, "  %.*s  %.*s: ", STR_ARG(json_get_text(one, "time")),
                STR_ARG(json_get_text(one, "status")));
        field(c, one, "text");
        fputc('\n', c->out);
    }
}

static void print_account(struct cli *c, const struct json *v)
{
    const struct json *connection = get(v, "connection");
    const struct json *matching = get(v, "matching");

    heading(c, "Account");
    if (json_is(connection, JSON_OBJECT)) {
        print_text(c, connection, "targetId", "account");
        print_text(c, connection, "origin", "it was");
        print_text(c, connection, "lastSent", "last sent");
    } else {
        fprintf(c->out, "  none\n");
    }
    JSON_EACH(criterion, get(matching, "criteria"))
    {
        print_criterion(c, criterion);
    }
    print_tried(c, get(matching, "tried"));
}

static void print_inputs(struct cli *c, const struct json *inputs, const struct json *value)
{
    JSON_EACH(input, inputs)
    {
        if (inputs->count == 1 && json_equal(input, value))
            continue; /* moved as it is */
        fprintf(c->out, "      %.*s is %.*s\n", STR_ARG(input->name),
                STR_ARG(value_text(c, input)));
    }
}

static void print_mapping(struct cli *c, const struct json *m)
{
    struct str outcome = json_get_text(m, "outcome");
    const struct json *value = get(m, "value");
    const struct json *sent = get(m, "lastSent");

    fprintf(c->out, "  %.*s\n    ", STR_ARG(json_get_text(m, "target")));
    field(c, m, "source");
    if (str_eq_z(outcome, "value")) {
        fprintf(c->out, " = %.*s\n", STR_ARG(value_text(c, value)));
    } else if (str_eq_z(outcome, "reference") && json_get_text(m, "waits").len > 0) {
        fputs(": ", c->out);
        field(c, m, "waits");
        fputc('\n', c->out);
    } else if (str_eq_z(outcome, "reference") && json_is(value, JSON_STRING)) {
        fprintf(c->out, " = account %.*s\n", STR_ARG(value->text));
    } else if (str_eq_z(outcome, "fails")) {
        fprintf(c->out, " FAILS: %.*s\n", STR_ARG(json_get_text(m, "error")));
    } else {
        fprintf(c->out, ": %.*s\n", STR_ARG(outcome));
    }
    print_inputs(c, get(m, "inputs"), value);
    if (!json_is(sent, JSON_NULL) && !json_equal(sent, value))
        fprintf(c->out, "      last sent: %.*s\n", STR_ARG(value_text(c, sent)));
}

static void print_record(struct cli *c, const struct json *r)
{
    fprintf(c->out, "  %.*s  %.*s %.*s", STR_ARG(json_get_text(r, "time")),
            STR_ARG(json_get_text(r, "action")), STR_ARG(json_get_text(r, "status")));
    if (json_get_text(r, "message").len > 0) {
        fputs(": ", c->out);
        field(c, r, "message");
    }
    fputc('\n', c->out);
    JSON_EACH(change, get(r, "changes"))
    {
        fputs("      ", c->out);
        field(c, change, "attribute");
        fprintf(c->out, ": %.*s -> %.*s\n", STR_ARG(value_text(c, get(change, "before"))),
                STR_ARG(value_text(c, get(change, "after"))));
    }
}

static void print_log(struct cli *c, const struct json *log)
{
    int shown = 0;

    heading(c, "What was done");
    if (!log || log->count == 0)
        fprintf(c->out, "  nothing yet\n");
    JSON_EACH(r, log)
    {
        if (shown++ == LOG_SHOWN) {
            fprintf(c->out, "  and more before: usher logs\n");
            return;
        }
        print_record(c, r);
    }
}

static void print_list(struct cli *c, const char *title, const struct json *list,
                       const char *member)
{
    if (!list || list->count == 0)
        return;
    heading(c, title);
    JSON_EACH(item, list)
    {
        struct str text = member ? json_get_text(item, member) : item->text;

        fprintf(c->out, "  %.*s\n", STR_ARG(cli_one_line(c->arena, text)));
    }
}

static void print_retry(struct cli *c, const struct json *retry)
{
    if (!json_is(retry, JSON_OBJECT))
        return;
    heading(c, "Parked after a failure");
    print_text(c, retry, "code", "code");
    print_text(c, retry, "message", "message");
    print_text(c, retry, "firstFailure", "first");
    print_text(c, retry, "next", "next try");
}

static void print_all(struct cli *c, const struct json *v)
{
    const struct json *configuration = get(get(v, "job"), "configuration");

    fprintf(c->out, "%.*s.\n", STR_ARG(cli_one_line(c->arena, json_get_text(v, "answer"))));
    fprintf(c->out, "\n%.*s %.*s, configuration version %lld of %.*s\n",
            STR_ARG(json_get_text(get(v, "who"), "kind")),
            STR_ARG(json_get_text(get(v, "who"), "id")),
            (long long)json_get_int(configuration, "version", 0),
            STR_ARG(json_get_text(configuration, "since")));
    print_list(c, "Held back", get(v, "holds"), "text");
    print_retry(c, get(v, "retry"));
    print_scope(c, get(v, "scope"));
    print_account(c, v);
    print_source(c, get(v, "source"));
    if (get(v, "mappings") && get(v, "mappings")->count > 0) {
        heading(c, "Mappings");
        JSON_EACH(m, get(v, "mappings"))
        {
            print_mapping(c, m);
        }
    }
    print_log(c, get(v, "log"));
    print_list(c, "Notes", get(v, "notes"), NULL);
}

static int run_explain(struct cli *c, const struct cli_args *args)
{
    CLEANUP(cli_wire_end) struct cli_wire w = {.cli = c};
    const char *at = cli_value(args, "--at");
    struct err err = {.kind = ERR_NONE};
    int64_t at_us = 0;
    struct json *v;
    struct job job;

    if (at && (!time_parse(str_from_z(at), &at_us) || at_us <= 0)) {
        return cli_usage(
            c, "--at takes a time such as 2026-03-01 or 2026-03-01T10:15:00Z, not '%s'", at);
    }
    if (!cli_wire_begin(&w, c, &err) || !cli_job(c, cli_arg(args, 0), &job, &err) ||
        !engine_explain(&w.engine, job.no, str_from_z(cli_arg(args, 1)), at_us, c->arena, &v, &err))
        return cli_fail(c, &err);
    if (c->json) {
        cli_print_json(c, v);
    } else {
        print_all(c, v);
    }
    return 0;
}

static const struct cli_option explain_options[] = {
    {"--at", "TIME", "as it was then: by the configuration and the log of that time"},
};

static const struct cli_command commands[] = {
    {
        .name = "explain",
        .usage = "N WHO [--at TIME]",
        .summary = "why somebody has an account in an application, or none",
        .help =
            "One sentence that answers it, then what it comes from: what the source says, each test\n"
            "of the scope, the account, each mapping with its inputs, what was sent and answered,\n"
            "what is parked or held. The application is not asked. WHO is an id on either side,\n"
            "userPrincipalName, mail, employeeId or display name, of a person or a group.\n\n"
            "  usher explain demo WHO\n",
        .options = explain_options,
        .option_count = ARRAY_LEN(explain_options),
        .min_args = 2,
        .max_args = 2,
        .run = run_explain,
    },
};

const struct cli_commands explain_commands = {commands, ARRAY_LEN(commands)};
