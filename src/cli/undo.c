/* `usher undo N CYCLE` and `usher release N WHO`: what a past cycle did, put back. */
#include "cli/plan_file.h"
#include "cli/wire.h"
#include "engine/plans/apply.h"
#include "job/undone.h"

enum { HELD_AT_ONCE = 250 };

static void on_progress(void *ctx, int64_t done, int64_t total)
{
    cli_progress_step(ctx, done, total);
}

/* What cannot be undone, and why. */
static bool print_not_undone(struct cli *c, const char *path, struct err *err)
{
    CLEANUP(plan_reader_close) struct plan_reader r = {0};
    CLEANUP(arena_freep) struct arena *tmp = arena_new();
    struct plan_row row;
    bool more;

    if (!plan_reader_open(&r, path, err))
        return false;
    for (;;) {
        arena_reset(tmp);
        if (!plan_reader_next(&r, tmp, &row, &more, err))
            return false;
        if (!more)
            return true;
        if (row.intent == INTENT_NOTHING)
            cli_say(c, "not undone  %.*s: %.*s", STR_ARG(row.source_name), STR_ARG(row.reason));
    }
}

static int run_undo(struct cli *c, const struct cli_args *args)
{
    CLEANUP(cli_wire_end) struct cli_wire w = {.cli = c};
    struct cli_progress progress;
    struct engine_plan_options options = {
        .progress = on_progress, .ctx = &progress, .stop = cli_interrupted()};
    const char *path = cli_value(args, "--save");
    struct str id = str_from_z(cli_arg(args, 1));
    struct err err = {.kind = ERR_NONE};
    struct plan_head head;
    struct cycle cycle;
    struct job job;
    bool ok;

    if (!cli_wire_begin(&w, c, &err) || !cli_job(c, cli_arg(args, 0), &job, &err) ||
        !cycle_find(c->db_handle, c->arena, &job, id, &cycle, &err))
        return cli_fail(c, &err);
    if (!path)
        path = arena_printf(c->arena, "undo-%.*s.plan", STR_ARG(str_sub(cycle.id, 0, 8))).ptr;
    cli_interrupt_begin();
    cli_progress_begin(&progress, c, "records");
    ok = engine_undo(&w.engine, job.no, cycle.id, path, &options, c->arena, &head, &err);
    cli_progress_end(&progress);
    if (!ok || (!c->json && !print_not_undone(c, path, &err)))
        return cli_fail(c, &err);
    cli_plan_saved(c, path, &head);
    return head.counts.by_intent[INTENT_NOTHING] < head.rows ? 0 : 1;
}

static void add_held(struct cli *c, struct cli_table *t, struct json *list, const struct undone *u)
{
    char since[TIME_TEXT_MAX];
    struct str at = arena_str(c->arena, time_write(u->at_us, since));

    if (c->json) {
        struct json *v = json_new(c->arena, JSON_OBJECT);

        json_add_str(c->arena, v, "id", u->source_id);
        json_add_z(c->arena, v, "kind", u->kind == SOURCE_USER ? "user" : "group");
        json_add_str(c->arena, v, "name", u->name);
        json_add_str(c->arena, v, "cycle", u->cycle_id);
        json_add_str(c->arena, v, "since", at);
        json_append(list, v);
        return;
    }
    cli_table_row(t, (struct str[]){u->name, u->source_id, at, u->cycle_id});
}

static bool list_held(struct cli *c, const struct job *job, struct cli_table *t, struct json *list,
                      int64_t *out_count, struct err *err)
{
    struct str after = {0};
    size_t count = HELD_AT_ONCE;

    while (count == HELD_AT_ONCE) {
        struct undone *page;

        if (!undone_list(c->db_handle, c->arena, job->no, job->schema_version, after, HELD_AT_ONCE,
                         &page, &count, err))
            return false;
        for (size_t i = 0; i < count; i++)
            add_held(c, t, list, &page[i]);
        *out_count += (int64_t)count;
        if (count > 0)
            after = page[count - 1].source_id;
    }
    return true;
}

static int run_list(struct cli *c, const struct job *job)
{
    static const char *const headers[] = {"NAME", "ID", "SINCE", "CYCLE"};
    struct cli_table *t = cli_table_new(c, headers, ARRAY_LEN(headers));
    struct json *list = json_new(c->arena, JSON_ARRAY);
    struct err err = {.kind = ERR_NONE};
    int64_t count = 0;

    if (!list_held(c, job, t, list, &count, &err))
        return cli_fail(c, &err);
    if (c->json) {
        cli_print_json(c, list);
    } else if (count > 0) {
        cli_table_print(t);
    } else {
        cli_say(c, "no undo holds anybody of '%.*s'", STR_ARG(job->name));
    }
    return 0;
}

static int run_release(struct cli *c, const struct cli_args *args)
{
    CLEANUP(cli_wire_end) struct cli_wire w = {.cli = c};
    bool all = cli_flag(args, "--all");
    struct err err = {.kind = ERR_NONE};
    int64_t count;
    struct job job;

    if (all + (cli_arg_count(args) == 2) + cli_flag(args, "--list") != 1)
        return cli_usage(c, "release takes WHO, --all or --list");
    if (!cli_wire_begin(&w, c, &err) || !cli_job(c, cli_arg(args, 0), &job, &err))
        return cli_fail(c, &err);
    if (cli_flag(args, "--list"))
        return run_list(c, &job);
    if (!engine_release(&w.engine, job.no, all ? STR("") : str_from_z(cli_arg(args, 1)), &count,
                        &err))
        return cli_fail(c, &err);
    if (c->json) {
        struct json *v = json_new(c->arena, JSON_OBJECT);

        json_add_int(c->arena, v, "released", count);
        cli_print_json(c, v);
    }
    if (count == 0) {
        cli_say(c, "no undo holds anybody of '%.*s'", STR_ARG(job.name));
    } else {
        cli_say(c, "%lld released: the next cycle looks at %s", (long long)count,
                count == 1 ? "it" : "them");
    }
    return 0;
}

static const struct cli_option undo_options[] = {
    {"--save", "FILE",
     "where the plan goes (default undo-CYCLE.plan, with the cycle's first letters)"},
};

static const struct cli_option release_options[] = {
    {"--all", NULL, "everybody whom an undo holds"},
    {"--list", NULL, "release nobody: list whom an undo holds"},
};

static const struct cli_command commands[] = {
    {
        .name = "undo",
        .usage = "N CYCLE [--save FILE]",
        .summary = "a plan that puts back what a past cycle changed",
        .help =
            "CYCLE is the id of a cycle as 'usher cycles N' lists them, its first letters, or\n"
            "'last'. Old values are written back, accounts that it created are disabled, those\n"
            "that it disabled are enabled; what cannot be undone is listed. Nothing is sent\n"
            "until 'usher apply'. What was put back is held from later cycles until the\n"
            "configuration is changed, or 'usher release'.\n\n"
            "  usher undo demo last --save undo.plan\n"
            "  usher show undo.plan --summary\n",
        .options = undo_options,
        .option_count = ARRAY_LEN(undo_options),
        .min_args = 2,
        .max_args = 2,
        .run = run_undo,
    },
    {
        .name = "release",
        .usage = "N WHO | N --all | N --list",
        .summary = "let cycles change again what an undo has put back",
        .help = "The next cycle sends the configuration's values again.\n\n"
                "  usher release demo --list\n"
                "  usher release demo --all\n",
        .options = release_options,
        .option_count = ARRAY_LEN(release_options),
        .min_args = 1,
        .max_args = 2,
        .run = run_release,
    },
};

const struct cli_commands undo_commands = {commands, ARRAY_LEN(commands)};
