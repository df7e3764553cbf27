/* `usher plan N`: what the next cycle would do; nothing is sent. */
#include "cli/record.h"
#include "cli/wire.h"

enum { LIMIT_DEFAULT = 40, LIMIT_MAX = 1000000 };

/* Rows are printed as they come, so that a plan of any size costs no memory. */
struct plan_print {
    struct cli *cli;
    struct arena *tmp; /* of one row */
    int64_t limit;
    int64_t rows;
    bool details;
};

static struct json *row_json(struct arena *a, const struct plan_row *row)
{
    struct json *v = json_new(a, JSON_OBJECT);
    struct json *changes = json_new(a, JSON_ARRAY);

    json_add_z(a, v, "action", plan_intent_name(row->intent));
    json_add_z(a, v, "kind", row->kind == SOURCE_USER ? "user" : "group");
    json_add_str(a, v, "sourceId", row->source_id);
    json_add_str(a, v, "name", row->source_name);
    json_add_str(a, v, "targetId", row->target_id);
    json_add_str(a, v, "reason", row->reason);
    for (size_t i = 0; i < row->change_count; i++) {
        const struct journal_property *p = &row->changes[i];
        struct json *change = json_new(a, JSON_OBJECT);

        json_add_str(a, change, "attribute", p->name);
        json_add(a, change, STR("before"), p->before ? json_clone(a, p->before) : json_null(a));
        json_add(a, change, STR("after"), p->after ? json_clone(a, p->after) : json_null(a));
        json_append(changes, change);
    }
    json_add(a, v, STR("changes"), changes);
    return v;
}

static void print_row(struct plan_print *p, const struct plan_row *row)
{
    FILE *out = p->cli->out;

    fprintf(out, "%-15s %-5s  %.*s", plan_intent_name(row->intent),
            row->kind == SOURCE_USER ? "user" : "group", STR_ARG(row->source_name));
    if (row->reason.len)
        fprintf(out, "  (%.*s)", STR_ARG(row->reason));
    if (row->change_count)
        fprintf(out, "  %zu attribute%s", row->change_count, row->change_count == 1 ? "" : "s");
    fputc('\n', out);
    if (p->details)
        cli_properties_print(p->cli, row->changes, row->change_count, "    ");
}

static void on_row(void *ctx, const struct plan_row *row)
{
    struct plan_print *p = ctx;

    p->rows++;
    if (p->cli->json) {
        arena_reset(p->tmp);
        fprintf(p->cli->out, "%s    %.*s", p->rows == 1 ? "\n" : ",\n",
                STR_ARG(json_text(p->tmp, row_json(p->tmp, row))));
    } else if (p->rows <= p->limit) {
        print_row(p, row);
    }
}

static void print_counts(struct plan_print *p, const struct plan_counts *n)
{
    struct cli *c = p->cli;
    struct arena *a = c->arena;

    if (c->json) {
        struct json *v = json_new(a, JSON_OBJECT);

        json_add_int(a, v, "read", n->read);
        for (int i = 0; i < INTENT_COUNT; i++)
            json_add_int(a, v, plan_intent_name((enum plan_intent)i), n->by_intent[i]);
        json_add_int(a, v, "failed", n->failed);
        fprintf(c->out, "%s],\n  \"counts\": %.*s\n}\n", p->rows ? "\n  " : "",
                STR_ARG(json_text(a, v)));
        return;
    }
    if (p->rows > p->limit) {
        cli_say(c, "... and %lld more (--limit shows more of them)",
                (long long)(p->rows - p->limit));
    }
    cli_say(
        c,
        "%s%lld read: %lld to create or match, %lld to update, %lld to disable, %lld to delete, "
        "%lld without change%s",
        p->rows ? "\n" : "", (long long)n->read, (long long)n->by_intent[INTENT_MATCH_OR_CREATE],
        (long long)n->by_intent[INTENT_UPDATE], (long long)n->by_intent[INTENT_DISABLE],
        (long long)n->by_intent[INTENT_DELETE], (long long)n->by_intent[INTENT_NOTHING],
        n->failed ? "" : "; nothing was sent");
    if (n->failed)
        cli_say(c, "%lld would fail; nothing was sent", (long long)n->failed);
}

static int run_plan(struct cli *c, const struct cli_args *args)
{
    CLEANUP(cli_wire_end) struct cli_wire w = {.cli = c};
    CLEANUP(arena_freep) struct arena *tmp = arena_new();
    struct plan_print print = {
        .cli = c,
        .tmp = tmp,
        .limit = LIMIT_DEFAULT,
        .details = cli_flag(args, "--details"),
    };
    enum plan_of of = cli_flag(args, "--all") ? PLAN_ALL : PLAN_NEXT_CYCLE;
    struct err err = {.kind = ERR_NONE};
    struct plan_counts counts = {0};
    struct job job;

    if (!cli_value_int(args, "--limit", 0, LIMIT_MAX, &print.limit, &err) ||
        !cli_wire_begin(&w, c, &err) || !cli_job(c, cli_arg(args, 0), &job, &err))
        return cli_fail(c, &err);
    if (c->json)
        fprintf(c->out, "{\n  \"rows\": [");
    if (!engine_plan(&w.engine, job.no, of, on_row, &print, &counts, &err))
        return cli_fail(c, &err);
    print_counts(&print, &counts);
    return 0;
}

static const struct cli_option plan_options[] = {
    {"--all", NULL, "plan everybody, as after a restart, not only what has changed"},
    {"--details", NULL, "show each attribute with its old and new value"},
    {"--limit", "N", "how many rows to show (default 40); all are counted. --json has them all"},
};

static const struct cli_command commands[] = {
    {
        .name = "plan",
        .usage = "N [--all] [--details] [--limit N]",
        .summary = "what the next cycle would do; nothing is sent",
        .help =
            "Works from what usher knows: it takes the same decisions as a cycle and stops before\n"
            "the first request.\n\n"
            "  usher plan demo\n",
        .options = plan_options,
        .option_count = ARRAY_LEN(plan_options),
        .min_args = 1,
        .max_args = 1,
        .run = run_plan,
    },
};

const struct cli_commands plan_commands = {commands, ARRAY_LEN(commands)};
