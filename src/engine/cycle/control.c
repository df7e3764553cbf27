/* Start, pause, restart and connection test of a job (engine.md 10, 11). */
#include "engine/cycle/restart.h"
#include "engine/cycle/run.h"
#include "engine/failures/quarantine.h"
#include "engine/guard/held.h"
#include "engine/note.h"
#include "engine/stream.h"
#include "job/reset.h"
#include "job/retry.h"
#include "mapping/document.h"
#include "notify/address.h"
#include "notify/webhook.h"

static bool with_job(const struct engine *e, struct arena *a, int64_t job_no, struct db **db,
                     struct job *job, struct err *err)
{
    return db_open(e->db, db, err) && job_load_no(*db, a, job_no, job, err);
}

bool engine_test(const struct engine *e, int64_t job_no, struct err *err)
{
    CLEANUP(run_close) struct run r;

    if (!run_open(&r, e, job_no, false, err) || !r.target->ops->test(r.target, err))
        return false;
    run_remember_said(&r);
    return true;
}

/* Those saved, if the job is, with the changed ones over them. */
static bool settings_with(const struct engine *e, struct arena *a, const struct job *job,
                          const struct engine_setting *changed, size_t count,
                          struct job_settings *out, struct err *err)
{
    CLEANUP(db_closep) struct db *db = NULL;

    job_settings_default(out);
    if (job->no && (!db_open(e->db, &db, err) || !job_settings_load(db, a, job->no, out, err)))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!job_settings_apply(out, a, changed[i].name, changed[i].value, err))
            return false;
    }
    return true;
}

bool engine_test_new(const struct engine *e, const struct job *job, const struct secret *token,
                     const struct engine_setting *changed, size_t changed_count,
                     struct str schema_json, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(target_closep) struct target *target = NULL;
    const struct mapping_program *program;
    struct mapping_finding *findings = NULL;
    struct job_settings settings;
    struct json *schema;

    return settings_with(e, a, job, changed, changed_count, &settings, err) &&
           mapping_document_parse(a, schema_json, &schema, NULL, err) &&
           mapping_compile(a, schema, &program, &findings, err) &&
           e->open_target(e->target_ctx, job, &settings, token, program, &target, err) &&
           target->ops->test(target, err);
}

/* The same document as a new version: what invalidates a schema's results does so here, for a cycle
 * under way, too. */
static bool begin_anew(const struct engine *e, struct db *db, struct arena *a,
                       const struct job *changed, struct str author, struct str comment,
                       struct err *err)
{
    struct str schema;
    int64_t version;

    return job_schema_load(db, a, changed->no, 0, &schema, err) &&
           job_schema_save(db, changed->no, schema, author, comment, clock_now(e->clock), &version,
                           err) &&
           watermark_save(db, changed->no, STR(""), err) &&
           job_set_next_cycle(db, changed->no, 0, err);
}

/* Nothing is told of a change that changes nothing. */
static bool note_update(const struct engine *e, struct db *db, struct arena *a,
                        const struct job *before, const struct job *after, struct str author,
                        struct err *err)
{
    struct json *was = engine_note_job(a, before);
    struct json *is = engine_note_job(a, after);
    const struct engine_note note = {
        .activity = before->scope == after->scope ? AUDIT_SETTING : AUDIT_MAPPING,
        .author = author,
        .subject = STR("application"),
        .before = was,
        .after = is,
    };

    audit_difference(was, is);
    return was->count == 0 || engine_note(e, db, after, &note, err);
}

/* now, with what differs between the other two. */
static struct job merge(const struct job *now, const struct job *loaded, const struct job *changed)
{
    struct job merged = *now;

    if (!str_eq(loaded->name, changed->name))
        merged.name = changed->name;
    if (!str_eq(loaded->base_url, changed->base_url))
        merged.base_url = changed->base_url;
    if (loaded->scope != changed->scope)
        merged.scope = changed->scope;
    if (loaded->interval_us != changed->interval_us)
        merged.interval_us = changed->interval_us;
    if (!str_eq(loaded->notification_mail, changed->notification_mail))
        merged.notification_mail = changed->notification_mail;
    return merged;
}

static bool update(const struct engine *e, struct db *db, struct arena *a, const struct job *loaded,
                   const struct job *changed, struct str author, struct err *err)
{
    struct job before, after;

    if (!job_lock(db, changed->no, err) || !job_load_no(db, a, changed->no, &before, err))
        return false;
    after = merge(&before, loaded ? loaded : &before, changed);
    return job_update(db, &after, err) &&
           (before.scope == after.scope ||
            begin_anew(e, db, a, &after, author,
                       arena_printf(a, "scope changed to %s", job_scope_name(after.scope)), err)) &&
           note_update(e, db, a, &before, &after, author, err);
}

bool engine_update_since(const struct engine *e, const struct job *loaded,
                         const struct job *changed, struct str author, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(db_closep) struct db *db = NULL;

    if (!notify_addresses_check(changed->notification_mail, err) || !db_open(e->db, &db, err) ||
        !db_begin(db, DB_WRITE, err))
        return false;
    if (update(e, db, a, loaded, changed, author, err))
        return db_commit(db, err);
    db_rollback(db);
    return false;
}

bool engine_update(const struct engine *e, const struct job *changed, struct str author,
                   struct err *err)
{
    return engine_update_since(e, NULL, changed, author, err);
}

/* Whether the verdict on objects that have not changed may be another one. */
static bool concerns_everybody(struct str name)
{
    static const char *const groups[] = {"scope.", "create.", "deprovision.", "source.",
                                         "protected."};
    static const char *const others[] = {"client.disableVia", "client.deleteVia",
                                         "client.groupCreate", "client.groupDelete"};
    struct str group = name;
    size_t dot;

    if (str_eq_ascii_nocase(str_sub(name, 0, 16), STR("deprovision.skip")))
        return false; /* counts from the next event on (engine.md 3.5) */
    if (str_find_char(name, '.', &dot))
        group = str_sub(name, 0, dot + 1);
    for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
        if (str_eq_ascii_nocase(group, str_from_z(groups[i])))
            return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        if (str_eq_ascii_nocase(name, str_from_z(others[i])))
            return true;
    }
    return false;
}

static bool check_kinds(struct str names, struct err *err)
{
    enum notify_kind kind;
    struct str name;
    bool more = names.len > 0;

    while (more) {
        more = str_cut(&names, ',', &name);
        if (!notify_kind_from_name(str_trim(name), &kind)) {
            return err_set(err, ERR_INVALID, "badSetting",
                           "notify.events: there is no event '%.*s'; a list of quarantineEntered, "
                           "quarantineChanged, quarantineLeft, disableWarning, jobDisabled, "
                           "removalsHeld, credentialExpiring, cycleFailed, escrowsGrown, digest",
                           STR_ARG(str_trim(name)));
        }
    }
    return true;
}

/* What a setting means to notices is theirs to judge. */
static bool check_setting(struct str name, struct str value, struct err *err)
{
    if (str_eq_ascii_nocase(name, STR("notify.events")))
        return check_kinds(value, err);
    if (str_eq_ascii_nocase(name, STR("journal.stream")))
        return engine_stream_check(value, err);
    return str_empty(value) || !str_eq_ascii_nocase(name, STR("notify.webhook")) ||
           notify_webhook_check(value, err);
}

/* The address of a webhook often is its secret. */
static void add_setting(struct arena *a, struct json *v, struct str name, struct str value)
{
    if (str_eq_ascii_nocase(name, STR("notify.webhook")) || str_starts(value, STR("http")))
        value = audit_masked_url(a, value);
    json_set(a, v, arena_str(a, name), json_string(a, value));
}

static bool note_settings(const struct engine *e, struct db *db, const struct job *job,
                          struct json *before, struct json *after, struct str author,
                          struct err *err)
{
    const struct engine_note note = {.activity = AUDIT_SETTING,
                                     .author = author,
                                     .subject = STR("settings"),
                                     .before = before,
                                     .after = after};

    return before->count == 0 || engine_note(e, db, job, &note, err);
}

/* What the target cannot be opened with is refused when it is set, not by the next cycle. */
static bool concerns_opening(struct str name)
{
    static const char *const prefixes[] = {"protected.filter", "client.auth", "client.tls."};

    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
        struct str prefix = str_from_z(prefixes[i]);

        if (str_eq_ascii_nocase(str_sub(name, 0, prefix.len), prefix))
            return true;
    }
    return false;
}

static bool is_of_settings(const struct err *err)
{
    static const char *const codes[] = {"invalidFilter", "badCredentials", "badCertificate"};

    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        if (err->code && strcmp(err->code, codes[i]) == 0)
            return true;
    }
    return false;
}

static bool check_opening(const struct engine *e, struct db *db, struct arena *a,
                          const struct job *job, struct err *err)
{
    CLEANUP(target_closep) struct target *target = NULL;
    CLEANUP(secret_done) struct secret token = {0};
    const struct mapping_program *program;
    struct mapping_finding *findings = NULL;
    struct job_settings settings;
    struct json *schema;
    struct err why = {.kind = ERR_NONE};
    struct str text;

    if (!job_settings_load(db, a, job->no, &settings, err) ||
        !job_schema_load(db, a, job->no, 0, &text, err))
        return false;
    if (!mapping_document_parse(a, text, &schema, NULL, &why) ||
        !mapping_compile(a, schema, &program, &findings, &why) ||
        !secret_init(&token, STR("-"), &why) ||
        e->open_target(e->target_ctx, job, &settings, &token, program, &target, &why) ||
        !is_of_settings(&why))
        return true;
    *err = why;
    return false;
}

static bool save_settings(const struct engine *e, struct db *db, struct arena *a,
                          const struct job *job, const struct engine_setting *settings,
                          size_t count, struct str author, struct err *err)
{
    struct json *was = json_new(a, JSON_OBJECT);
    struct json *is = json_new(a, JSON_OBJECT);
    bool anew = false;
    bool opens = false;

    for (size_t i = 0; i < count; i++) {
        struct str before, after;

        if (!check_setting(settings[i].name, settings[i].value, err) ||
            !job_setting_save(db, a, job->no, settings[i].name, settings[i].value, &before, err) ||
            !job_setting_value(db, a, job->no, settings[i].name, &after, err))
            return false;
        if (str_eq_ascii_nocase(settings[i].name, STR("journal.stream")) &&
            !str_eq(before, after) && !engine_stream_follow(db, a, job->no, after, err))
            return false;
        anew |= concerns_everybody(settings[i].name) && !str_eq(before, after);
        opens |= concerns_opening(settings[i].name);
        if (!str_eq(before, after)) {
            if (!json_get(was, settings[i].name)) /* given twice: what it was at first */
                add_setting(a, was, settings[i].name, before);
            add_setting(a, is, settings[i].name, after);
        }
    }
    if ((anew && !removal_check(db, job->no, err)) ||
        (opens && !check_opening(e, db, a, job, err)) ||
        !note_settings(e, db, job, was, is, author, err))
        return false;
    return !anew || begin_anew(e, db, a, job, author, STR("settings changed"), err);
}

bool engine_set(const struct engine *e, int64_t job_no, const struct engine_setting *settings,
                size_t count, struct str author, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(db_closep) struct db *db = NULL;
    struct job job;

    if (!with_job(e, a, job_no, &db, &job, err) || !db_begin(db, DB_WRITE, err))
        return false;
    if (save_settings(e, db, a, &job, settings, count, author, err))
        return db_commit(db, err);
    db_rollback(db);
    return false;
}

static bool lift(const struct engine *e, struct db *db, int64_t job_no, struct err *err)
{
    return quarantine_change(e, db, job_no, &(struct quarantine_change){.reason = QUARANTINE_NONE},
                             err);
}

static bool note_state(const struct engine *e, struct db *db, struct arena *a,
                       const struct job *job, enum job_state state, struct err *err)
{
    struct json *was = json_new(a, JSON_OBJECT);
    struct json *is = json_new(a, JSON_OBJECT);
    const struct engine_note note = {
        .activity = state == JOB_ACTIVE ? AUDIT_START : AUDIT_PAUSE,
        .subject = STR("schedule"),
        .before = was,
        .after = is,
    };

    json_add_z(a, was, "schedule", job_state_name(job->state));
    json_add_z(a, is, "schedule", job_state_name(state));
    audit_difference(was, is);
    return was->count == 0 || engine_note(e, db, job, &note, err);
}

static bool change_state(const struct engine *e, struct db *db, struct arena *a,
                         const struct job *job, enum job_state state, struct err *err)
{
    if (!job_set_state(db, job->no, state, err))
        return false;
    /* What is held waits for a decision, not for a start (8). */
    if (state == JOB_ACTIVE && job->quarantined &&
        quarantine_reason_of(job->quarantine_reason) != QUARANTINE_TOO_MANY_DELETES &&
        !lift(e, db, job->no, err))
        return false;
    if (state == JOB_ACTIVE && (job->state != JOB_ACTIVE || job->quarantined) &&
        !job_set_next_cycle(db, job->no, 0, err))
        return false;
    return job_signal_raise(db, job->no, err) && note_state(e, db, a, job, state, err);
}

/* A change of state that a running cycle has to notice. */
static bool set_state(const struct engine *e, int64_t job_no, enum job_state state, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(db_closep) struct db *db = NULL;
    struct job job;

    if (!with_job(e, a, job_no, &db, &job, err) || !db_begin(db, DB_WRITE, err))
        return false;
    if (change_state(e, db, a, &job, state, err))
        return db_commit(db, err);
    db_rollback(db);
    return false;
}

bool engine_start(const struct engine *e, int64_t job_no, struct err *err)
{
    return set_state(e, job_no, JOB_ACTIVE, err);
}

bool engine_pause(const struct engine *e, int64_t job_no, struct err *err)
{
    return set_state(e, job_no, JOB_PAUSED, err);
}

/* An interrupted cycle does not go on after a restart: its row is ended. */
static bool end_open_cycle(const struct engine *e, struct db *db, struct arena *a, int64_t job_no,
                           struct err *err)
{
    struct cycle cycle;
    bool found;

    if (!cycle_open(db, a, job_no, &cycle, &found, err))
        return false;
    if (!found)
        return true;
    cycle.state = CYCLE_FAILED;
    cycle.error_code = STR("Restarted");
    cycle.error_message = STR("The job was restarted before the cycle came to its end");
    cycle.ended_us = clock_now(e->clock);
    return cycle_update(db, &cycle, err);
}

bool restart_begin_anew(const struct engine *e, struct db *db, struct arena *a, int64_t job_no,
                        struct err *err)
{
    return watermark_save(db, job_no, STR(""), err) && end_open_cycle(e, db, a, job_no, err);
}

bool restart_reset(const struct engine *e, struct db *db, struct arena *a, int64_t job_no,
                   unsigned reset, struct err *err)
{
    if (reset & RESET_WATERMARK && !restart_begin_anew(e, db, a, job_no, err))
        return false;
    if (reset & RESET_RETRIES && !retry_clear(db, job_no, err))
        return false;
    if (reset & RESET_QUARANTINE && !lift(e, db, job_no, err))
        return false;
    if (reset & RESET_FORCE_DELETES && !engine_held_force(e, db, job_no, err))
        return false;
    if (reset & RESET_CONNECTIONS &&
        (!connection_backup(db, job_no, err) || !connection_clear(db, job_no, err) ||
         !held_clear(db, job_no, err)))
        return false;
    return job_set_state(db, job_no, JOB_ACTIVE, err) && job_set_next_cycle(db, job_no, 0, err);
}

static bool note_restart(const struct engine *e, struct db *db, struct arena *a,
                         const struct job *job, unsigned reset, struct err *err)
{
    static const struct {
        unsigned bit;
        const char *name; /* of resetScope */
    } scopes[] = {{RESET_WATERMARK, "Watermark"},
                  {RESET_RETRIES, "Escrows"},
                  {RESET_QUARANTINE, "QuarantineState"},
                  {RESET_CONNECTIONS, "ConnectorDataStore"},
                  {RESET_FORCE_DELETES, "ForceDeletes"}};
    struct json *is = json_new(a, JSON_OBJECT);
    struct json *list = json_new(a, JSON_ARRAY);
    const struct engine_note note = {
        .activity = AUDIT_RESTART, .subject = STR("restart"), .after = is};

    for (size_t i = 0; i < ARRAY_LEN(scopes); i++) {
        if (reset & scopes[i].bit)
            json_append(list, json_string(a, str_from_z(scopes[i].name)));
    }
    json_add(a, is, STR("resetScope"), list);
    return engine_note(e, db, job, &note, err);
}

/* A cycle runs: it applies the restart when it has ended. */
static bool wait_for_end(const struct engine *e, struct db *db, struct arena *a,
                         const struct job *job, unsigned reset, struct err *err)
{
    bool now = (reset & RESET_NOW) != 0;

    if (!db_begin(db, DB_WRITE, err))
        return false;
    if (job_reset_add(db, job->no, reset & ~(unsigned)RESET_NOW, now, err) &&
        note_restart(e, db, a, job, reset, err) && job_signal_raise(db, job->no, err) &&
        db_commit(db, err))
        return true;
    db_rollback(db);
    return false;
}

bool engine_restart(const struct engine *e, int64_t job_no, unsigned reset, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(db_closep) struct db *db = NULL;
    struct job_lease lease;
    struct err ignored;
    struct job job;
    bool ok;

    if (!with_job(e, a, job_no, &db, &job, err))
        return false;
    if (!lease_claim(e, db, job_no, STR(""), &lease, err))
        return err->kind == ERR_CONFLICT && wait_for_end(e, db, a, &job, reset, err);
    ok = db_begin(db, DB_WRITE, err) && restart_reset(e, db, a, job_no, reset, err) &&
         note_restart(e, db, a, &job, reset, err) && db_commit(db, err);
    if (!ok)
        db_rollback(db);
    if (!lease_release(db, &lease, &ignored))
        log_error("lease_not_released", &ignored);
    return ok;
}
