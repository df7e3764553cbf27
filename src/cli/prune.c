/* `usher prune`: takes back what is older than it has to be kept. */
#include "cli/author.h"
#include "cli/wire.h"
#include "engine/retention.h"
#include "provider/changes/keep.h"

#include <inttypes.h>

enum { STEP_US = 200 * 1000 };

struct pruned {
    struct engine_pruned engine;
    int64_t told; /* changes of tenants, that their feeds need not keep any more */
};

static struct json *pruned_json(struct arena *a, const struct pruned *p)
{
    const struct engine_pruned *n = &p->engine;
    struct json *v = json_new(a, JSON_OBJECT);

    json_add_int(a, v, "records", n->records);
    json_add_int(a, v, "cycles", n->cycles);
    json_add_int(a, v, "changes", n->changes);
    json_add_int(a, v, "tombstones", n->tombstones);
    json_add_int(a, v, "tenantChanges", p->told);
    return v;
}

static void tell(struct cli *c, const char *what, const struct pruned *p)
{
    const struct engine_pruned *n = &p->engine;

    cli_say(c,
            "%s %" PRId64 " records of the provisioning log, %" PRId64 " cycles, %" PRId64
            " changes of the directory, the memory of %" PRId64 " who are gone, %" PRId64
            " changes of tenants",
            what, n->records, n->cycles, n->changes, n->tombstones, p->told);
}

static int show(struct cli_wire *w)
{
    struct cli *c = w->cli;
    struct err err = {.kind = ERR_NONE};
    struct pruned n = {0};

    if (!engine_prunable(&w->engine, c->db_handle, &n.engine, &err) ||
        !provider_changes_prunable(c->db_handle, c->clock, &n.told, &err))
        return cli_fail(c, &err);
    if (c->json)
        cli_print_json(c, pruned_json(c->arena, &n));
    tell(c, "nothing was changed; usher prune would remove", &n);
    return 0;
}

/* What went because somebody asked for it; what 'usher serve' removes goes by the settings. */
static bool note_prune(struct cli *c, const struct pruned *p, struct err *err)
{
    const struct engine_pruned *n = &p->engine;
    const struct audit_change change = {.activity = AUDIT_OTHER,
                                        .subject = STR("old records pruned"),
                                        .after = pruned_json(c->arena, p)};

    return n->records + n->cycles + n->changes + n->tombstones + p->told == 0 ||
           cli_note(c, &change, err);
}

/* All feeds of tenants, as the service keeps them. */
static bool prune_tenants(struct cli *c, int64_t *removed, bool *out_done, struct err *err)
{
    int64_t some;

    for (*out_done = false; !*out_done && !*cli_interrupted(); *removed += some) {
        if (!provider_changes_prune(c->db_handle, c->clock, NULL, &some, out_done, err))
            return false;
    }
    return true;
}

static int run_prune(struct cli *c, const struct cli_args *args)
{
    CLEANUP(cli_wire_end) struct cli_wire w = {.cli = c};
    struct engine_pruning p = {0};
    struct pruned n = {0};
    bool done = false;
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
    if (!prune_tenants(c, &n.told, &done, &err))
        return cli_fail(c, &err);
    n.engine = p.pruned;
    if (!note_prune(c, &n, &err))
        return cli_fail(c, &err);
    if (c->json)
        cli_print_json(c, pruned_json(c->arena, &n));
    tell(c, "removed", &n);
    return p.done && done ? 0 : 1;
}

static const struct cli_option prune_options[] = {
    {"--dry-run", NULL, "only say how much would go"},
};

static const struct cli_command commands[] = {
    {
        .name = "prune",
        .usage = "[--dry-run]",
        .summary = "remove old records now; 'usher serve' does it every hour",
        .help =
            "How long the provisioning log is kept is the setting journal.retention of each\n"
            "application, that of a tenant's change feed changeFeed.days of the tenant. What a job or\n"
            "a webhook still needs stays, and so does the audit log.\n\n"
            "  usher prune --dry-run\n",
        .options = prune_options,
        .option_count = ARRAY_LEN(prune_options),
        .run = run_prune,
    },
};

extern const struct cli_commands prune_commands;
const struct cli_commands prune_commands = {commands, ARRAY_LEN(commands)};
