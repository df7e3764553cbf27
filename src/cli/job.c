/* `usher start|pause|restart|retry|quarantine N`: the life of an application's job. */
#include "job/job.h"

#include "cli/author.h"
#include "cli/cycle.h"
#include "cli/status.h"
#include "directory/object.h"
#include "engine/failures/quarantine.h"
#include "job/reset.h"
#include "job/retry.h"

#include <string.h>

/* A job and the engine, as every command here needs them. */
static bool begin(struct cli_wire *w, struct cli *c, const struct cli_args *args, struct job *job,
                  struct err *err)
{
    return cli_wire_begin(w, c, err) && cli_job(c, cli_arg(args, 0), job, err);
}

static bool load_status(struct cli_wire *w, int64_t job_no, struct engine_status *out,
                        struct err *err)
{
    return engine_status_load(&w->engine, job_no, w->cli->arena, out, err);
}

/* "before 'NAME' after"; with --json every one of these commands answers with the status that it
 * led to. */
static int done(struct cli_wire *w, const struct job *job, const char *before, const char *after)
{
    struct cli *c = w->cli;
    struct err err = {.kind = ERR_NONE};
    struct engine_status s;

    if (!c->json) {
        cli_say(c, "%s'%.*s'%s", before, STR_ARG(job->name), after);
        return 0;
    }
    if (!load_status(w, job->no, &s, &err))
        return cli_fail(c, &err);
    cli_print_json(c, cli_status_json(c->arena, &s, clock_now(c->clock)));
    return 0;
}

static int wait_for_cycle(struct cli_wire *w, const struct job *job)
{
    struct cli *c = w->cli;
    struct err err = {.kind = ERR_NONE};
    struct cycle cycle;
    bool stopped;

    if (!cli_cycle_run(w, job, &cycle, &stopped, &err))
        return cli_fail(c, &err);
    if (c->json) {
        cli_print_json(c, cli_cycle_json(c->arena, &cycle));
    } else if (stopped) {
        cli_say(c, "stopped; 'usher start %.*s --wait' goes on from here", STR_ARG(job->name));
    } else {
        cli_cycle_report(c, job, &cycle);
    }
    return stopped || cycle.state == CYCLE_FAILED ? 1 : 0;
}

static int run_start(struct cli *c, const struct cli_args *args)
{
    CLEANUP(cli_wire_end) struct cli_wire w = {.cli = c};
    struct err err = {.kind = ERR_NONE};
    struct job job;

    if (!begin(&w, c, args, &job, &err) || !engine_start(&w.engine, job.no, &err))
        return cli_fail(c, &err);
    if (cli_flag(args, "--wait"))
        return wait_for_cycle(&w, &job);
    return done(&w, &job, "started ", "; its cycles run in 'usher serve', or now with --wait");
}

static int run_pause(struct cli *c, const struct cli_args *args)
{
    CLEANUP(cli_wire_end) struct cli_wire w = {.cli = c};
    struct err err = {.kind = ERR_NONE};
    struct job job;

    if (!begin(&w, c, args, &job, &err) || !engine_pause(&w.engine, job.no, &err))
        return cli_fail(c, &err);
    return done(&w, &job, "paused ", "; 'usher start' goes on where it was");
}

/* --- restart --- */

static const struct {
    const char *name; /* as in resetScope */
    unsigned bits;
} reset_scopes[] = {
    {"None", 0},
    {"Watermark", RESET_WATERMARK},
    {"Escrows", RESET_RETRIES},
    {"QuarantineState", RESET_QUARANTINE},
    {"ConnectorDataStore", RESET_CONNECTIONS},
    {"Full", RESET_FULL},
    {"ForceDeletes", RESET_FORCE_DELETES},
};

static bool parse_reset(const char *text, unsigned *out, struct err *err)
{
    struct str rest = str_from_z(text);
    unsigned bits = 0;
    bool more = true;

    while (more) {
        struct str word;
        bool known = false;

        more = str_cut(&rest, ',', &word);
        for (size_t i = 0; i < ARRAY_LEN(reset_scopes); i++) {
            if (str_eq_ascii_nocase(str_trim(word), str_from_z(reset_scopes[i].name))) {
                bits |= reset_scopes[i].bits;
                known = true;
            }
        }
        if (!known) {
            return err_set(
                err, ERR_INVALID, "usage",
                "--reset knows None, Watermark, Escrows, QuarantineState, ConnectorDataStore, "
                "Full and ForceDeletes, not '%.*s'",
                STR_ARG(str_trim(word)));
        }
    }
    *out = bits;
    return true;
}

struct risk {
    struct cli *c;
    int64_t count;
};

static void list_risk(void *ctx, const struct plan_row *row)
{
    struct risk *risk = ctx;

    if (row->intent != INTENT_DISABLE && row->intent != INTENT_DELETE)
        return;
    if (risk->count++ < 20 && !risk->c->json) {
        cli_say(risk->c, "  %s %.*s: account %.*s", plan_intent_name(row->intent),
                STR_ARG(row->source_name), STR_ARG(row->target_id));
    }
}

/* Removals that have not been sent are forgotten with the connections: whoever is out of scope or
 * gone keeps an account that nobody looks after (engine.md 11). */
static bool at_risk(struct cli_wire *w, const struct job *job, struct err *err)
{
    struct risk risk = {.c = w->cli};
    struct plan_counts counts;

    if (!engine_plan(&w->engine, job->no, PLAN_ALL, list_risk, &risk, &counts, err))
        return false;
    if (risk.count == 0)
        return true;
    return err_set(err, ERR_CONFLICT, "removalsOutstanding",
                   "%lld people or groups are out of scope or gone, and their accounts are still "
                   "to be removed; without their connections that is forgotten. Run a cycle first "
                   "(usher start %.*s --wait), or restart all the same with --yes",
                   (long long)risk.count, STR_ARG(job->name));
}

static bool restart(struct cli_wire *w, const struct cli_args *args, struct job *job,
                    struct err *err)
{
    const char *scopes = cli_value(args, "--reset");
    unsigned reset = RESET_DEFAULT;

    if (scopes && cli_flag(args, "--full"))
        return err_set(err, ERR_INVALID, "usage", "either --full or --reset, not both");
    if (scopes && !parse_reset(scopes, &reset, err))
        return false;
    if (cli_flag(args, "--full"))
        reset = RESET_FULL;
    if (cli_flag(args, "--now"))
        reset |= RESET_NOW;
    return begin(w, w->cli, args, job, err) &&
           (!(reset & RESET_CONNECTIONS) || cli_flag(args, "--yes") || at_risk(w, job, err)) &&
           engine_restart(&w->engine, job->no, reset, err);
}

static int run_restart(struct cli *c, const struct cli_args *args)
{
    CLEANUP(cli_wire_end) struct cli_wire w = {.cli = c};
    struct err err = {.kind = ERR_NONE};
    unsigned waiting;
    bool now;
    struct job job;

    if (cli_flag(args, "--undo-reset")) {
        int64_t count;

        if (!begin(&w, c, args, &job, &err) || !engine_undo_reset(&w.engine, job.no, &count, &err))
            return cli_fail(c, &err);
        if (!c->json)
            cli_say(c, "%lld connections are back; the next cycle looks at everybody",
                    (long long)count);
        return c->json ? done(&w, &job, "", "") : 0;
    }
    if (!restart(&w, args, &job, &err))
        return cli_fail(c, &err);
    if (cli_flag(args, "--wait"))
        return wait_for_cycle(&w, &job);
    if (!job_reset_load(c->db_handle, job.no, &waiting, &now, &err))
        return cli_fail(c, &err);
    if (waiting)
        return done(&w, &job, "", " runs a cycle: the restart applies when it has ended");
    return done(&w, &job, "restarted ", "; its cycle runs in 'usher serve', or now with --wait");
}

/* --- retry, quarantine --- */

/* Makes due whom the command line names; of those who are not in the directory any more an id does.
 */
static bool retry_those(struct cli *c, const struct cli_args *args, const struct job *job,
                        int64_t *out_count, struct err *err)
{
    *out_count = 0;
    for (int i = 1; i < cli_arg_count(args); i++) {
        struct str id = str_from_z(cli_arg(args, i));
        struct directory_object o;
        struct err why;
        bool parked;

        if (directory_find(c->db_handle, c->arena, id, DIRECTORY_ANY, &o, &why))
            id = o.id;
        if (!retry_now(c->db_handle, job->no, id, clock_now(c->clock), &parked, err))
            return false;
        if (!parked) {
            return err_set(
                err, ERR_NOT_FOUND, "notParked",
                "'%s' does not wait for another try; 'usher retry %.*s --list' shows who "
                "does",
                cli_arg(args, i), STR_ARG(job->name));
        }
        ++*out_count;
    }
    return true;
}

static bool retry(struct cli *c, const struct cli_args *args, const struct job *job,
                  int64_t *out_count, struct err *err)
{
    struct json *after = json_new(c->arena, JSON_OBJECT);
    int64_t now = clock_now(c->clock);

    if (cli_arg_count(args) > 1 && cli_flag(args, "--all"))
        return err_set(err, ERR_INVALID, "usage", "either WHO or --all, not both");
    if (!db_begin(c->db_handle, DB_WRITE, err))
        return false;
    if ((cli_arg_count(args) > 1 ? retry_those(c, args, job, out_count, err)
                                 : retry_all_now(c->db_handle, job->no, now, out_count, err)) &&
        job_set_next_cycle(c->db_handle, job->no, 0, err)) {
        const struct audit_change change = {
            .activity = AUDIT_ESCROW,
            .app_id = job->id,
            .app_name = job->name,
            .subject = STR("retries"),
            .after = after,
        };

        json_add_int(c->arena, after, "dueNow", *out_count);
        if (cli_note(c, &change, err))
            return db_commit(c->db_handle, err);
    }
    db_rollback(c->db_handle);
    return false;
}

/* "never": it was given up. */
static struct str next_text(struct arena *a, int64_t next_us, int64_t now_us)
{
    char text[TIME_TEXT_MAX];

    if (next_us == RETRY_NEVER)
        return STR("never");
    return next_us <= now_us ? STR("next cycle") : arena_str(a, time_write(next_us, text));
}

/* What waits, by code and one by one; the first that are due first. */
static bool list_retries(struct cli *c, const struct job *job, struct err *err)
{
    enum { CODES = 100, OBJECTS = 200 };
    static const char *const headers[] = {"CODE", "WHO", "TRIED", "NEXT", "WHY"};
    struct cli_table *table = cli_table_new(c, headers, ARRAY_LEN(headers));
    struct json *out = json_new(c->arena, JSON_OBJECT);
    struct json *by_code = json_new(c->arena, JSON_OBJECT);
    struct json *list = json_new(c->arena, JSON_ARRAY);
    int64_t now = clock_now(c->clock);
    struct retry_code *codes;
    struct retry *parked;
    size_t code_count, count;

    if (!retry_codes(c->db_handle, c->arena, job->no, CODES, &codes, &code_count, err) ||
        !retry_list(c->db_handle, c->arena, job->no, OBJECTS, &parked, &count, err))
        return false;
    for (size_t i = 0; i < code_count; i++) {
        json_add_int(c->arena, by_code, codes[i].code.ptr, codes[i].count);
        if (!c->json) {
            cli_say(
                c, "%lld  %.*s%s", (long long)codes[i].count, STR_ARG(codes[i].code),
                codes[i].given_up
                    ? arena_printf(c->arena, " (%lld given up)", (long long)codes[i].given_up).ptr
                    : "");
        }
    }
    for (size_t i = 0; i < count; i++) {
        const struct retry *r = &parked[i];
        struct json *v = json_new(c->arena, JSON_OBJECT);
        struct directory_object o;
        struct err why;
        struct str next = next_text(c->arena, r->next_us, now);
        struct str name = r->source_id;

        if (str_empty(r->code))
            continue;
        if (directory_find(c->db_handle, c->arena, r->source_id, DIRECTORY_ANY, &o, &why) &&
            !str_empty(directory_object_name(&o)))
            name = directory_object_name(&o);
        cli_table_row(table, (struct str[]){r->code, name,
                                            arena_printf(c->arena, "%lld", (long long)r->attempts),
                                            next, r->message});
        json_add_str(c->arena, v, "id", r->source_id);
        json_add_str(c->arena, v, "name", name);
        json_add_bool(c->arena, v, "reference", r->reference);
        json_add_str(c->arena, v, "code", r->code);
        json_add_str(c->arena, v, "message", r->message);
        json_add_int(c->arena, v, "attempts", r->attempts);
        json_add_bool(c->arena, v, "givenUp", r->next_us == RETRY_NEVER);
        json_add_str(c->arena, v, "next", next);
        json_append(list, v);
    }
    json_add(c->arena, out, STR("codes"), by_code);
    json_add(c->arena, out, STR("objects"), list);
    if (c->json) {
        cli_print_json(c, out);
    } else if (code_count == 0) {
        cli_say(c, "nothing of '%.*s' waits for another try", STR_ARG(job->name));
    } else {
        cli_table_print(table);
    }
    return true;
}

static int run_retry(struct cli *c, const struct cli_args *args)
{
    CLEANUP(cli_wire_end) struct cli_wire w = {.cli = c};
    struct err err = {.kind = ERR_NONE};
    struct job job;
    int64_t count;

    if (!begin(&w, c, args, &job, &err))
        return cli_fail(c, &err);
    if (cli_flag(args, "--list"))
        return list_retries(c, &job, &err) ? 0 : cli_fail(c, &err);
    if (!retry(c, args, &job, &count, &err))
        return cli_fail(c, &err);
    if (cli_flag(args, "--wait"))
        return wait_for_cycle(&w, &job);
    cli_say(c, "%lld objects are due now", (long long)count);
    return c->json ? done(&w, &job, "", "") : 0;
}

static int run_quarantine(struct cli *c, const struct cli_args *args)
{
    CLEANUP(cli_wire_end) struct cli_wire w = {.cli = c};
    struct err err = {.kind = ERR_NONE};
    char since[TIME_TEXT_MAX];
    struct job job;

    if (!begin(&w, c, args, &job, &err))
        return cli_fail(c, &err);
    if (cli_flag(args, "--lift")) {
        if (!quarantine_change(&w.engine, c->db_handle, job.no,
                               &(struct quarantine_change){.reason = QUARANTINE_NONE}, &err))
            return cli_fail(c, &err);
        return done(&w, &job, "", " is not in quarantine any more");
    }
    if (cli_flag(args, "--set")) {
        if (!quarantine_change(&w.engine, c->db_handle, job.no,
                               &(struct quarantine_change){
                                   .reason = QUARANTINE_ON_DEMAND,
                                   .code = STR("onDemand"),
                                   .message = STR("An administrator put the job into quarantine"),
                               },
                               &err))
            return cli_fail(c, &err);
        return done(&w, &job, "", " is in quarantine; 'usher quarantine N --lift' ends it");
    }
    if (!job.quarantined)
        return done(&w, &job, "", " is not in quarantine");
    if (c->json)
        return done(&w, &job, "", "");
    cli_say(c, "%.*s since %.*s\n%.*s: %.*s", STR_ARG(job.quarantine_reason),
            STR_ARG(time_write(job.quarantine_since_us, since)), STR_ARG(job.quarantine_code),
            STR_ARG(job.quarantine_message));
    if (job.quarantine_count > 0) {
        cli_say(c, "tried again %lld times, the last time at %.*s", (long long)job.quarantine_count,
                STR_ARG(time_write(job.quarantine_current_us, since)));
    }
    cli_say(c, "next attempt: %.*s",
            STR_ARG(next_text(c->arena, job.next_cycle_us, clock_now(c->clock))));
    cli_say(c, "when that is put right: usher app test '%.*s', then usher start '%.*s'",
            STR_ARG(job.name), STR_ARG(job.name));
    return 0;
}

/* --- Tables --- */

#define WAIT                                                                \
    {                                                                       \
        "--wait", NULL, "run the cycle here and now, and show its progress" \
    }

static const struct cli_option start_options[] = {
    WAIT,
    CLI_RECORD_OPTION,
};
static const struct cli_option restart_options[] = {
    {"--full", NULL, "also forget who is connected to which account; everybody is matched again"},
    {"--reset", "SCOPES",
     "what to clear: Watermark,Escrows,QuarantineState,ConnectorDataStore; ForceDeletes allows "
     "what is held"},
    {"--now", NULL, "a running cycle stops at the next object, instead of ending first"},
    {"--yes", NULL, "clear connections although removals are outstanding"},
    {"--undo-reset", NULL, "put back the connections that a restart has cleared last"},
    WAIT,
    CLI_RECORD_OPTION,
};
static const struct cli_option retry_options[] = {
    {"--list", NULL, "show what waits, by code, and when it is tried next"},
    {"--all", NULL, "everything that waits; also when nobody is named"},
    WAIT,
    CLI_RECORD_OPTION,
};
static const struct cli_option quarantine_options[] = {
    {"--lift", NULL, "lift it; the next cycle decides again"},
    {"--set", NULL, "put the job into it: its cycles are slowed down until it is lifted"},
};

static const struct cli_command commands[] = {
    {
        .name = "start",
        .usage = "N [--wait [--record DIR]]",
        .summary = "switch an application's job on; --wait runs its cycle here",
        .help =
            "The first cycle looks at everybody, the next ones at what has changed. Cycles run\n"
            "in 'usher serve'; with --wait one runs in this process. It goes on where the last\n"
            "one stopped, and start lifts a quarantine.\n\n"
            "  usher start demo --wait\n",
        .options = start_options,
        .option_count = ARRAY_LEN(start_options),
        .min_args = 1,
        .max_args = 1,
        .run = run_start,
    },
    {
        .name = "pause",
        .usage = "N",
        .summary = "switch an application's job off; everything is kept",
        .help = "A running cycle stops at the next object, in whichever process it runs.\n\n"
                "  usher pause demo\n",
        .min_args = 1,
        .max_args = 1,
        .run = run_pause,
    },
    {
        .name = "restart",
        .usage = "N [--full | --reset SCOPES] [--now] [--yes] [--wait] | N --undo-reset",
        .summary = "evaluate everybody again with the next cycle",
        .help =
            "Clears the watermark, parked failures and quarantine; the connections between\n"
            "people and accounts stay unless --full is given, and then --undo-reset puts them back.\n"
            "While a cycle runs it applies when that has ended.\n\n"
            "  usher restart demo --wait\n",
        .options = restart_options,
        .option_count = ARRAY_LEN(restart_options),
        .min_args = 1,
        .max_args = 1,
        .run = run_restart,
    },
    {
        .name = "retry",
        .usage = "N [WHO ... | --all] [--wait] | N --list",
        .summary = "try objects that failed again at once",
        .help =
            "What failed is tried again by itself: in the next cycle, then less and less often, and at once\n"
            "when it changes. After 28 days it is given up, and stays in the list.\n\n"
            "  usher retry demo --list\n",
        .options = retry_options,
        .option_count = ARRAY_LEN(retry_options),
        .min_args = 1,
        .max_args = 100,
        .run = run_retry,
    },
    {
        .name = "quarantine",
        .usage = "N [--set | --lift]",
        .summary = "why a job is in quarantine, and out of it",
        .help = "  usher quarantine demo\n",
        .options = quarantine_options,
        .option_count = ARRAY_LEN(quarantine_options),
        .min_args = 1,
        .max_args = 1,
        .run = run_quarantine,
    },
};

const struct cli_commands job_commands = {commands, ARRAY_LEN(commands)};
