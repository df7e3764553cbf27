/* `usher apply FILE`: does exactly what a saved plan says. */
#include "engine/plans/apply.h"

#include "cli/plan_file.h"
#include "cli/wire.h"

struct apply_print {
    struct cli *cli;
    struct json *refused; /* with --json: rows that were refused or failed */
    struct cli_progress progress;
    int64_t seen;
};

static void on_outcome(void *ctx, const struct apply_outcome *o)
{
    struct apply_print *p = ctx;
    struct cli *c = p->cli;

    cli_progress_step(&p->progress, ++p->seen, 0);
    if (o->result == APPLY_DONE || o->result == APPLY_ALREADY)
        return;
    if (c->json) {
        struct json *v = json_new(c->arena, JSON_OBJECT);

        json_add_z(c->arena, v, "result", apply_result_name(o->result));
        json_add_z(c->arena, v, "action", plan_intent_name(o->row->intent));
        json_add_str(c->arena, v, "sourceId", o->row->source_id);
        json_add_str(c->arena, v, "name", o->row->source_name);
        json_add_str(c->arena, v, "code", o->code);
        json_add_str(c->arena, v, "message", o->message);
        json_append(p->refused, v);
        return;
    }
    cli_progress_end(&p->progress);
    cli_say(c, "%-8s %s %.*s: %.*s", apply_result_name(o->result), plan_intent_name(o->row->intent),
            STR_ARG(o->row->source_name), STR_ARG(o->message));
}

static void print_result(struct apply_print *p, const struct engine_applied *r)
{
    struct cli *c = p->cli;
    struct arena *a = c->arena;

    if (c->json) {
        struct json *v = json_new(a, JSON_OBJECT);

        json_add_str(a, v, "cycle", r->cycle.id);
        json_add_z(a, v, "state", cycle_state_name(r->cycle.state));
        json_add_int(a, v, "rows", r->selected);
        for (int i = 0; i < APPLY_RESULT_COUNT; i++)
            json_add_int(a, v, apply_result_name((enum apply_result)i), r->results[i]);
        json_add(a, v, STR("notDone"), p->refused);
        cli_print_json(c, v);
        return;
    }
    cli_say(c, "%lld of %lld done, %lld done already, %lld refused, %lld failed",
            (long long)r->results[APPLY_DONE], (long long)r->selected,
            (long long)r->results[APPLY_ALREADY], (long long)r->results[APPLY_REFUSED],
            (long long)r->results[APPLY_FAILED]);
    if (r->cycle.state == CYCLE_FAILED)
        cli_say(c, "%.*s", STR_ARG(r->cycle.error_message));
    if (r->results[APPLY_REFUSED])
        cli_say(c, "what was refused is as it was: make a new plan for it");
    cli_say(c, "what was sent: %s logs '%.*s' --cycle %.*s", c->program, STR_ARG(r->job_name),
            STR_ARG(r->cycle.id));
    if (r->purpose == PLAN_OF_UNDO && r->results[APPLY_DONE] + r->results[APPLY_ALREADY] > 0) {
        cli_say(c,
                "what was put back stays so until the configuration is changed, or: %s release "
                "'%.*s' --all",
                c->program, STR_ARG(r->job_name));
    }
}

static struct str *selections(struct cli *c, const struct cli_args *args, size_t *out_count)
{
    size_t count = 0;
    struct str *list;

    while (cli_value_at(args, "--only", count))
        count++;
    list = ARENA_ARRAY(c->arena, struct str, count + 1);
    for (size_t i = 0; i < count; i++)
        list[i] = str_from_z(cli_value_at(args, "--only", i));
    *out_count = count;
    return list;
}

static int run_apply(struct cli *c, const struct cli_args *args)
{
    CLEANUP(cli_wire_end) struct cli_wire w = {.cli = c};
    struct apply_print print = {.cli = c, .refused = json_new(c->arena, JSON_ARRAY)};
    struct engine_apply_options options = {
        .allow_removals = cli_flag(args, "--allow-removals"),
        .initiated_by = STR("command line"),
        .outcome = on_outcome,
        .ctx = &print,
        .stop = cli_interrupted(),
    };
    struct err err = {.kind = ERR_NONE};
    struct engine_applied result;
    bool ok;

    options.only = selections(c, args, &options.only_count);
    if (!cli_wire_begin(&w, c, &err))
        return cli_fail(c, &err);
    cli_interrupt_begin();
    cli_progress_begin(&print.progress, c, "rows");
    ok = engine_apply(&w.engine, cli_arg(args, 0), &options, c->arena, &result, &err);
    cli_progress_end(&print.progress);
    if (!ok && err.code && strcmp(err.code, "badSelection") == 0)
        err.code = "usage";
    if (!ok)
        return cli_fail(c, &err);
    print_result(&print, &result);
    return result.cycle.state == CYCLE_SUCCEEDED && result.results[APPLY_REFUSED] == 0 ? 0 : 1;
}

static const struct cli_option apply_options[] = {
    {"--only", "SELECTION",
     "these rows only: a name, an id, or action=create|update|disable|delete "
     "(repeatable)"},
    {"--allow-removals", NULL, "more removals than the guard lets through count as approved"},
    CLI_RECORD_OPTION,
};

static const struct cli_command commands[] = {
    {
        .name = "apply",
        .usage = "FILE [--only SELECTION ...] [--allow-removals]",
        .summary = "do exactly what a saved plan says",
        .help =
            "A plan that was edited, is of another database or application, or of another\n"
            "version of the configuration is refused whole. A row whose person or account is\n"
            "no longer what it was is refused by itself, and the others are done. Managers and\n"
            "members follow with the next cycle. Exit code 1 when anything was not done.\n\n"
            "  usher plan demo --all --save demo.plan\n"
            "  usher apply demo.plan --only action=update\n",
        .options = apply_options,
        .option_count = ARRAY_LEN(apply_options),
        .min_args = 1,
        .max_args = 1,
        .run = run_apply,
    },
};

const struct cli_commands apply_commands = {commands, ARRAY_LEN(commands)};
