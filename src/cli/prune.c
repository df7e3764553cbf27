/* `usher prune`: takes back what is older than it has to be kept. */
#include "cli/author.h"
#include "cli/wire.h"
#include "engine/retention.h"

#include <inttypes.h>

enum { STEP_US = 200 * 1000 };

static struct json *pruned_json(struct arena *a, const struct engine_pruned *n)
{
    struct json *v = json_new(a, JSON_OBJECT);

    json_add_int(a, v, "records", n->records);
    json_add_int(a, v, "cycles", n->cycles);
    json_add_int(a, v, "changes", n->changes);
    json_add_int(a, v, "tombstones", n->tombstones);
    return v;
}

static int show(struct cli_wire *w)
{
    struct cli *c = w->cli;
    struct err err = {.kind = ERR_NONE};
    struct engine_pruned n = {0};

    if (!engine_prunable(&w->engine, c->db_handle, &n, &err))
        return cli_fail(c, &err);
    if (c->json)
        cli_print_json(c, pruned_json(c->arena, &n));
    cli_say(c,
            "%" PRId64 " records of the provisioning log, %" PRId64 " cycles, %" PRId64
            " changes of the directory and the memory of %" PRId64
            " who are gone would go; nothing was changed",
            n.records, n.cycles, n.changes, n.tombstones);
    return 0;
}

/* What went because somebody asked for it; what 'usher serve' removes goes by the settings. */
static bool note_prune(struct cli *c, const struct engine_pruned *n, struct err *err)
{
    const struct audit_change change = {.activity = AUDIT_OTHER,
                                        .subject = STR("old records pruned"),
                                        .after = pruned_json(c->arena, n)};

    return n->records + n->cycles + n->changes + n->tombstones == 0 || cli_note(c, &change, err);
}

static int run_prune(struct cli *c, const struct cli_args *args)
{
    CLEANUP(cli_wire_end) struct cli_wire w = {.cli = c};
    struct engine_pruning p = {0};
    struct err err = {.kind = ERR_NONE};
    struct cli_progress progress;

    if (!cli_wire_begin(&w, c, &err))
        return cli_fail(c, &err);
    if (cli_flag(args, "--dry-run"))
        return show(&w);
    cli_interrupt_begin();
    cli_progress_begin(&progress, c, "records");
    while (!p.done && !*cli_interrupted()) {
        if (!engine_prune(&w.engine, c->db_handle, &p, STEP_US, &err)) {
            cli_progress_end(&progress);
            return cli_fail(c, &err);
        }
        cli_progress_step(&progress, p.pruned.records, 0);
    }
    cli_progress_end(&progress);
    if (!note_prune(c, &p.pruned, &err))
        return cli_fail(c, &err);
    if (c->json)
        cli_print_json(c, pruned_json(c->arena, &p.pruned));
    cli_say(c,
            "removed %" PRId64 " records of the provisioning log, %" PRId64 " cycles, %" PRId64
            " changes of the directory and the memory of %" PRId64 " who are gone",
            p.pruned.records, p.pruned.cycles, p.pruned.changes, p.pruned.tombstones);
    return p.done ? 0 : 1;
}

static const struct cli_option prune_options[] = {
    {"--dry-run", NULL, "only say how much would go"},
};

static const struct cli_command commands[] = {
    {
        .name = "prune",
        .usage = "[--dry-run]",
        .summary = "remove old records now; 'usher serve' does it every hour",
        .help = "How long the provisioning log is kept is the setting journal.retention of each\n"
                "application. What a job still needs stays, and so does the audit log.\n\n"
                "  usher prune --dry-run\n",
        .options = prune_options,
        .option_count = ARRAY_LEN(prune_options),
        .run = run_prune,
    },
};

extern const struct cli_commands prune_commands;
const struct cli_commands prune_commands = {commands, ARRAY_LEN(commands)};
