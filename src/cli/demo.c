/* `usher demo`: everything at once, to look at and to try things on. Each step looks first whether
 * it is done already, so that a second run goes on where the first one ended. */
#include "cli/app.h"
#include "cli/author.h"
#include "cli/cycle.h"
#include "cli/sending.h"
#include "cli/service.h"
#include "cli/status.h"
#include "directory/assignment.h"
#include "directory/sample.h"
#include "gallery/gallery.h"
#include "provider/access/key.h"
#include "provider/tenant.h"

#include <string.h>

#define DEMO        "demo" /* the name of the tenant and of the application */
#define DEMO_KIND   "joynfsm"
#define DEMO_SEED   1
#define GROUP_START STR("Department ") /* the groups that are assigned: everybody is in one */

enum { PAGE = 200 };

struct demo {
    struct cli *cli;
    struct cli_wire wire;
    struct service service;
    struct cli_sending sending;
    struct job job;
    struct str who;    /* userPrincipalName of somebody to try things on */
    struct secret key; /* of the tenant; only in the run that made it */
};

/* --- People --- */

static void on_sample(void *ctx, int64_t done, int64_t total)
{
    cli_progress_step(ctx, done, total);
}

static bool make_people(struct demo *d, struct err *err)
{
    struct cli *c = d->cli;
    struct cli_progress progress;
    struct directory_sample sample = {.seed = DEMO_SEED, .clock = c->clock};
    bool ok;

    cli_progress_begin(&progress, c, "people");
    sample.progress = on_sample;
    sample.ctx = &progress;
    ok = directory_sample(c->db_handle, &sample, err);
    cli_progress_end(&progress);
    return ok;
}

static bool ensure_people(struct demo *d, struct err *err)
{
    struct cli *c = d->cli;
    struct directory_counts counts;
    struct directory_object first;
    char id[UUID_TEXT_MAX];
    bool found;

    if (!directory_count(c->db_handle, &counts, err))
        return false;
    if (!counts.live[SOURCE_USER] && !counts.deleted[SOURCE_USER] &&
        (!make_people(d, err) || !directory_count(c->db_handle, &counts, err)))
        return false;
    if (!directory_load(c->db_handle, c->arena, directory_sample_id(DEMO_SEED, SOURCE_USER, 7, id),
                        &first, &found, err))
        return false;
    if (!found) {
        return err_set(err, ERR_CONFLICT, "notTheSample",
                       "'%s' holds people of yours: choose another folder for the demo, "
                       "usher demo --data ./demo-data",
                       c->data_dir);
    }
    d->who = directory_object_upn(&first);
    cli_say(c, "the directory has %lld people and %lld groups", (long long)counts.live[SOURCE_USER],
            (long long)counts.live[SOURCE_GROUP]);
    return true;
}

/* --- The tenant and the application --- */

static bool is_missing(bool ok, const struct err *err)
{
    return !ok && err->kind == ERR_NOT_FOUND;
}

static bool note_made(struct cli *c, struct str subject, const char *name, struct str value,
                      struct err *err)
{
    struct json *after = json_new(c->arena, JSON_OBJECT);
    const struct audit_change change = {.activity = AUDIT_ADD, .subject = subject, .after = after};

    json_add_str(c->arena, after, name, value);
    return cli_note(c, &change, err);
}

static bool ensure_tenant(struct demo *d, struct err *err)
{
    struct cli *c = d->cli;
    struct provider_tenant tenant;
    struct err why = {.kind = ERR_NONE};
    bool ok = provider_tenant_load(c->db_handle, c->arena, STR(DEMO), &tenant, &why);

    if (is_missing(ok, &why)) {
        return provider_tenant_add(c->db_handle, STR(DEMO_KIND), STR(DEMO), c->clock, err) &&
               note_made(c, STR("tenant " DEMO), "kind", STR(DEMO_KIND), err);
    }
    if (!ok)
        *err = why;
    return ok;
}

static bool save_app(struct demo *d, struct str schema, struct err *err)
{
    struct db *db = d->cli->db_handle;

    if (!db_begin(db, DB_WRITE, err))
        return false;
    if (job_insert(db, &d->job, schema, err) &&
        job_secret_save(db, &d->wire.key, d->job.no, STR("SecretToken"), &d->key, err) &&
        cli_app_note_added(d->cli, &d->job, err))
        return db_commit(db, err);
    db_rollback(db);
    return false;
}

static bool make_app(struct demo *d, struct str url, struct err *err)
{
    struct cli *c = d->cli;
    struct gallery_template template;
    struct json *schema;
    char key_id[PROVIDER_KEY_ID_MAX];
    char *id = arena_alloc(c->arena, UUID_TEXT_MAX);

    if (!gallery_load(c->arena, STR(DEMO_KIND), &template, err) ||
        !gallery_schema(c->arena, &template, c->rng, &schema, err) ||
        !provider_key_add(c->db_handle, STR(DEMO), STR("made by usher demo"), c->clock, c->rng,
                          key_id, &d->key, err) ||
        !note_made(c, STR("key of tenant " DEMO), "id", str_from_z(key_id), err))
        return false;
    d->job = (struct job){
        .id = uuid_new(c->rng, id),
        .name = STR(DEMO),
        .template_id = template.id,
        .base_url = url,
        .scope = JOB_SCOPE_ASSIGNED,
        .interval_us = JOB_INTERVAL_DEFAULT_US,
        .created_us = clock_now(c->clock),
    };
    return save_app(d, json_text(c->arena, schema), err);
}

static bool assign(struct demo *d, struct directory_tx *tx, struct err *err)
{
    struct directory_role role = {.id = STR("")};
    struct directory_object *page;
    struct str after = STR("");
    size_t count;
    bool changed;

    do {
        if (!directory_list(d->cli->db_handle, d->cli->arena, SOURCE_GROUP, DIRECTORY_LIVE, after,
                            PAGE, &page, &count, err))
            return false;
        for (size_t i = 0; i < count; i++) {
            after = page[i].id;
            if (str_starts(directory_object_name(&page[i]), GROUP_START) &&
                !directory_assign(tx, d->job.id, &page[i], &role, &changed, err))
                return false;
        }
    } while (count == PAGE);
    return true;
}

static bool assign_departments(struct demo *d, struct err *err)
{
    struct cli *c = d->cli;
    struct directory_tx tx;

    if (!directory_begin(c->db_handle, c->clock, c->rng, &tx, err))
        return false;
    if (assign(d, &tx, err))
        return directory_commit(&tx, err);
    directory_rollback(&tx);
    return false;
}

static bool ensure_app(struct demo *d, struct err *err)
{
    struct cli *c = d->cli;
    struct str base = service_url(&d->service);
    struct str url = arena_printf(c->arena, "%.*s/scim/" DEMO "/v2", STR_ARG(base));
    struct err why = {.kind = ERR_NONE};
    bool ok = job_load(c->db_handle, c->arena, STR(DEMO), &d->job, &why);

    if (is_missing(ok, &why))
        return make_app(d, url, err) && assign_departments(d, err);
    if (!ok) {
        *err = why;
        return false;
    }
    if (str_eq(d->job.base_url, url))
        return true;
    d->job.base_url = url; /* the demo listens elsewhere than last time */
    return job_update(c->db_handle, &d->job, err);
}

/* --- The first cycle --- */

/* *out_stopped: interrupted; then the next run goes on. */
static bool first_cycle(struct demo *d, bool *out_stopped, struct err *err)
{
    struct cli *c = d->cli;
    struct engine_status status;
    struct cycle cycle;

    *out_stopped = false;
    if (!engine_status_load(&d->wire.engine, d->job.no, c->arena, &status, err))
        return false;
    if (status.has_last && !status.has_cycle)
        return true;
    /* Nobody is assigned if the run that made the application was cut short. */
    if (!assign_departments(d, err) || !engine_start(&d->wire.engine, d->job.no, err) ||
        !cli_cycle_run(&d->wire, &d->job, &cycle, out_stopped, err))
        return false;
    if (!*out_stopped)
        cli_cycle_report(c, &d->job, &cycle);
    return true;
}

/* --- What to try --- */

static const struct {
    const char *what;
    const char *line; /* behind the program's name; WHO is replaced */
} tries[] = {
    {"how it stands", "status demo"},
    {"the people of the directory", "user list --limit 5"},
    {"the application's side: its accounts are counted there", "tenant list"},
    {"what was done, and why", "logs demo --limit 10"},
    {"one person, step by step", "provision demo WHO --dry-run"},
    {"change that person ...", "user set WHO department=Research"},
    {"... and see what follows: the service sends it by itself", "logs demo --who WHO --steps"},
    {"what the next cycle would do", "plan demo"},
    {"follow it live (Ctrl-C ends it)", "watch demo"},
};

static void print_tries(struct demo *d)
{
    struct cli *c = d->cli;
    struct str start = str_from_z(c->program);

    cli_say(c, "\nTo try in another terminal:");
    for (size_t i = 0; i < ARRAY_LEN(tries); i++) {
        const char *line = tries[i].line;
        const char *who = strstr(line, "WHO");

        cli_say(c, "\n# %s", tries[i].what);
        if (who) {
            cli_say(c, "%.*s %.*s%.*s%s", STR_ARG(start), (int)(who - line), line, STR_ARG(d->who),
                    who + 3);
        } else {
            cli_say(c, "%.*s %s", STR_ARG(start), line);
        }
    }
    if (d->key.len) {
        cli_say(c, "\n# the application's side of it; the key is shown this once");
        cli_say(c, "curl -s -H 'Authorization: Bearer %.*s' '%.*s/Users?count=2'",
                STR_ARG(secret_reveal(&d->key)), STR_ARG(d->job.base_url));
    }
    fflush(c->out);
}

static void print_json(struct demo *d)
{
    struct cli *c = d->cli;
    struct json *v = json_new(c->arena, JSON_OBJECT);

    json_add_str(c->arena, v, "url", service_url(&d->service));
    json_add_str(c->arena, v, "application", d->job.name);
    json_add_str(c->arena, v, "baseUrl", d->job.base_url);
    if (d->key.len) {
        json_add_str(c->arena, v, "key", secret_reveal(&d->key));
    } else {
        json_add_null(c->arena, v, "key");
    }
    cli_print_json(c, v);
    fflush(c->out);
}

/* --- The command --- */

static bool prepare(struct demo *d, const struct cli_args *args, struct err *err)
{
    struct service_options options = {.listen = cli_setting(args, "--listen"),
                                      .public_url = cli_setting(args, "--public-url")};
    struct str url;

    if (!cli_wire_begin(&d->wire, d->cli, err) || !ensure_people(d, err) ||
        !service_start(&d->service, &d->wire, &options, err) || !ensure_tenant(d, err) ||
        !ensure_app(d, err))
        return false;
    url = service_url(&d->service);
    cli_say(d->cli, "the application '" DEMO "' is a Joyn FSM tenant at %.*s/scim/" DEMO "/v2",
            STR_ARG(url));
    fflush(d->cli->out);
    return true;
}

static bool run(struct demo *d, const struct cli_args *args, struct err *err)
{
    bool stopped;

    if (!prepare(d, args, err) || !first_cycle(d, &stopped, err))
        return false;
    if (stopped) {
        cli_say(d->cli, "stopped; 'usher demo' goes on from here");
        return true;
    }
    if (d->cli->json) {
        print_json(d);
    } else {
        print_tries(d);
    }
    if (cli_flag(args, "--no-serve"))
        return true;
    if (!cli_sending_init(&d->sending, &d->wire, args, err) ||
        !service_schedule(&d->service, &d->sending.how, err))
        return false;
    cli_say(d->cli, "\nusher keeps serving on %.*s; Ctrl-C ends it, 'usher demo' goes on with it",
            STR_ARG(service_url(&d->service)));
    fflush(d->cli->out);
    cli_interrupt_wait();
    return true;
}

static int run_demo(struct cli *c, const struct cli_args *args)
{
    struct demo d = {.cli = c, .wire = {.cli = c}};
    struct err err = {.kind = ERR_NONE};
    bool ok;

    cli_interrupt_begin();
    ok = run(&d, args, &err);
    service_stop(&d.service);
    cli_sending_done(&d.sending);
    cli_wire_end(&d.wire);
    secret_done(&d.key);
    return ok ? 0 : cli_fail(c, &err);
}

static const struct cli_option demo_options[] = {
    {"--listen", "ADDRESS:PORT", "where to listen (default 127.0.0.1:8080)"},
    {"--no-serve", NULL, "end after the first cycle"},
};

static const struct cli_command commands[] = {
    {
        .name = "demo",
        .makes_data = true,
        .is_service = true,
        .usage = "[--listen ADDRESS:PORT] [--no-serve]",
        .summary = "a sample organisation that is provisioned before your eyes",
        .help =
            "Makes 1,000 people and 40 groups, a Joyn FSM tenant with a key and an application for\n"
            "it, runs the first cycle and keeps serving. Run again, it goes on with what is there.\n\n"
            "  usher demo\n",
        .options = demo_options,
        .option_count = ARRAY_LEN(demo_options),
        .run = run_demo,
    },
};

const struct cli_commands demo_commands = {commands, ARRAY_LEN(commands)};
