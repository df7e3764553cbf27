/* `usher plan N`: what the next cycle would do; nothing is sent. */
#include "cli/plan_file.h"
#include "cli/wire.h"
#include "engine/plans/apply.h"

enum { LIMIT_DEFAULT = 40, LIMIT_MAX = 1000000 };

/* Rows are printed as they come, so that a plan of any size costs no memory. */
struct plan_print {
    struct cli *cli;
    struct arena *tmp; /* of one row */
    int64_t limit;
    int64_t rows;
    bool details;
};

static void on_row(void *ctx, const struct plan_row *row)
{
    struct plan_print *p = ctx;

    p->rows++;
    if (p->cli->json) {
        arena_reset(p->tmp);
        fprintf(p->cli->out, "%s    %.*s", p->rows == 1 ? "\n" : ",\n",
                STR_ARG(json_text(p->tmp, plan_row_json(p->tmp, row))));
    } else if (p->rows <= p->limit) {
        cli_plan_row_print(p->cli, row, p->details);
    }
}

/* How those to create or match would be looked for. */
static void print_matching(struct cli *c, const struct plan_counts *n)
{
    if (n->by_intent[INTENT_MATCH_OR_CREATE] == 0)
        return;
    if (n->listed_up_to == 0) {
        cli_say(c, "matching: the application is asked for each");
    } else if (n->listed_up_to == INT64_MAX) {
        cli_say(c, "matching: all accounts of the application are read in pages first");
    } else {
        cli_say(
            c,
            "matching: all accounts of the application are read in pages first if it has at most "
            "%lld; else it is asked for each",
            (long long)n->listed_up_to);
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
        json_add_int(a, v, "listedUpTo", n->listed_up_to);
        json_add_z(a, v, "removalsHeld", n->removals_held);
        json_add_z(a, v, "updatesHeld", n->updates_held);
        fprintf(c->out, "%s],\n  \"counts\": %.*s\n}\n", p->rows ? "\n  " : "",
                STR_ARG(json_text(a, v)));
        return;
    }
    if (p->rows > p->limit) {
        cli_say(c, "... and %lld more (--limit shows more of them)",
                (long long)(p->rows - p->limit));
    }
    cli_say(c, "%s%lld read: %.*s%s", p->rows ? "\n" : "", (long long)n->read,
            STR_ARG(cli_plan_counts(p->cli->arena, n->by_intent)),
            n->failed ? "" : "; nothing was sent");
    if (n->failed)
        cli_say(c, "%lld would fail; nothing was sent", (long long)n->failed);
    print_matching(c, n);
    if (n->removals_held[0])
        cli_say(c, "the guard would hold all removals: %s", n->removals_held);
    if (n->updates_held[0])
        cli_say(c, "the guard would hold the changes: %s", n->updates_held);
}

static void on_progress(void *ctx, int64_t done, int64_t total)
{
    cli_progress_step(ctx, done, total);
}

static bool save(struct cli_wire *w, const struct job *job, enum plan_of of,
                 const struct cli_args *args, struct plan_head *out, struct err *err)
{
    struct cli_progress progress;
    struct engine_plan_options options = {
        .ask = cli_flag(args, "--ask"),
        .progress = on_progress,
        .ctx = &progress,
        .stop = cli_interrupted(),
    };
    bool ok;

    cli_interrupt_begin();
    cli_progress_begin(&progress, w->cli, "objects");
    ok = engine_plan_save(&w->engine, job->no, of, cli_value(args, "--save"), &options,
                          w->cli->arena, out, err);
    cli_progress_end(&progress);
    return ok;
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
    struct plan_head head;
    struct job job;

    if (cli_flag(args, "--ask") && !cli_value(args, "--save"))
        return cli_usage(c, "--ask is for a plan that is saved: give --save FILE, too");
    if (!cli_value_int(args, "--limit", 0, LIMIT_MAX, &print.limit, &err) ||
        !cli_wire_begin(&w, c, &err) || !cli_job(c, cli_arg(args, 0), &job, &err))
        return cli_fail(c, &err);
    if (cli_value(args, "--save")) {
        if (!save(&w, &job, of, args, &head, &err))
            return cli_fail(c, &err);
        cli_plan_saved(c, cli_value(args, "--save"), &head);
        return 0;
    }
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
    {"--save", "FILE", "keep the plan in a file, for 'usher show' and 'usher apply'"},
    {"--ask", NULL,
     "ask the target, too: the plan knows then which accounts match, and what they say"},
    CLI_RECORD_OPTION,
};

static const struct cli_command commands[] = {
    {
        .name = "plan",
        .usage = "N [--all] [--details] [--limit N] [--save FILE [--ask]]",
        .summary = "what the next cycle would do; nothing is sent",
        .help =
            "Works from what usher knows: it takes the same decisions as a cycle and stops before\n"
            "the first request.\n\n"
            "  usher plan demo\n"
            "  usher plan demo --all --save demo.plan\n",
        .options = plan_options,
        .option_count = ARRAY_LEN(plan_options),
        .min_args = 1,
        .max_args = 1,
        .run = run_plan,
    },
};

const struct cli_commands plan_commands = {commands, ARRAY_LEN(commands)};
