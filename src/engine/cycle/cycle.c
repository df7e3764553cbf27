/* A cycle: phases under one lease (engine.md 3). Where it stands is in its row; a cycle that a
 * crash, a pause or a failure of the target left behind goes on from there. The watermark moves in
 * the transaction that ends the cycle. */
#include "engine/cycle/restart.h"
#include "engine/cycle/run.h"
#include "engine/failures/quarantine.h"
#include "engine/failures/unrecorded.h"
#include "engine/notices.h"
#include "job/history.h"
#include "job/retry.h"

#include <assert.h>

/* What comes after a phase, by kind of cycle. */
static const enum cycle_phase after_initial[PHASE_COUNT] = {
    [PHASE_GATE] = PHASE_REMOVALS,          [PHASE_REMOVALS] = PHASE_USERS,
    [PHASE_USERS] = PHASE_GROUPS,           [PHASE_GROUPS] = PHASE_CONNECTIONS,
    [PHASE_CONNECTIONS] = PHASE_REFERENCES, [PHASE_REFERENCES] = PHASE_DONE,
};
static const enum cycle_phase after_incremental[PHASE_COUNT] = {
    [PHASE_GATE] = PHASE_REMOVALS,   [PHASE_REMOVALS] = PHASE_CHANGES,
    [PHASE_CHANGES] = PHASE_RETRIES, [PHASE_RETRIES] = PHASE_REFERENCES,
    [PHASE_REFERENCES] = PHASE_DONE,
};

static bool enabled(const struct run *r, enum source_kind kind)
{
    const struct mapping_object *m = mapping_for(r->walk_job.program, kind);

    return m && m->enabled;
}

static void expect(struct run *r)
{
    struct source *s = r->source;
    struct err ignored;

    r->cycle.total = 0;
    for (int kind = 0; kind < SOURCE_KIND_COUNT && s->ops->count; kind++) {
        int64_t n = 0;

        if (enabled(r, (enum source_kind)kind) &&
            s->ops->count(s, (enum source_kind)kind, r->walk_job.scope, &n, &ignored)) {
            r->cycle.total += n;
            r->pulse.expected[kind] = n;
        }
    }
}

/* Where nobody is connected there is nothing to remove. */
static bool has_connections(struct run *r, bool *out, struct err *err)
{
    int64_t users, groups;

    if (!connection_count(r->db, r->job.no, SOURCE_USER, &users, err) ||
        !connection_count(r->db, r->job.no, SOURCE_GROUP, &groups, err))
        return false;
    *out = users + groups > 0 || r->guard.rows;
    return true;
}

static bool new_cycle(struct run *r, struct err *err)
{
    char id[UUID_TEXT_MAX];
    bool connected;

    r->cycle = (struct cycle){
        .id = arena_str(r->arena, uuid_new(r->engine->rng, id)),
        .job_no = r->job.no,
        .state = CYCLE_RUNNING,
        .schema_version = r->job.schema_version,
        .began_us = clock_now(r->engine->clock),
    };
    if (!watermark_load(r->db, r->arena, r->job.no, &r->cycle.watermark, err) ||
        !has_connections(r, &connected, err))
        return false;
    if (str_empty(r->cycle.watermark)) {
        r->cycle.kind = CYCLE_INITIAL;
        r->cycle.phase = connected ? PHASE_GATE : PHASE_USERS;
        expect(r);
        if (!r->source->ops->position(r->source, r->arena, &r->cycle.feed_start, err))
            return false;
    } else {
        r->cycle.kind = CYCLE_INCREMENTAL;
        r->cycle.phase = PHASE_GATE;
    }
    return cycle_insert(r->db, &r->cycle, err);
}

/* What belongs to the end of a cycle, in the transaction that records it. */
static bool settle(struct run *r, struct err *err)
{
    return (!r->guard.rows || guard_settle(r->engine, r->db, r->job.no, err)) &&
           watermark_advance(r->db, r->job.no, r->cycle.feed_start, r->cycle.schema_version, err) &&
           notices_cycle_done(r->engine, r->db, &r->job, err);
}

/* Nothing is pending when nothing has failed, now or before. */
static bool add_to_history(struct run *r, struct err *err)
{
    int64_t retries;

    return retry_count(r->db, r->job.no, &retries, err) &&
           job_history_add(
               r->db, &r->cycle,
               retries == 0 && r->cycle.state == CYCLE_SUCCEEDED ? r->cycle.ended_us : 0, err);
}

static bool save(struct run *r, bool ended, struct err *err)
{
    bool ok = run_write_begin(r, err) && (!ended || (settle(r, err) && add_to_history(r, err))) &&
              cycle_update(r->db, &r->cycle, err);

    return run_write_end(r, ok, err);
}

/* An interrupted cycle of an older schema does not go on: saving the newer one has emptied the
 * watermark, so that the next cycle looks at everybody (engine.md 3.5). */
static bool end_outdated(struct run *r, struct err *err)
{
    r->cycle.state = CYCLE_FAILED;
    r->cycle.error_code = STR("SchemaChanged");
    r->cycle.error_message =
        STR("The synchronization schema was changed before the cycle came to its end");
    r->cycle.ended_us = clock_now(r->engine->clock);
    return save(r, false, err);
}

/* Whether creates of an earlier stretch may be without an outcome (listing.h): of this cycle, or of
 * one that was given up. */
static bool was_cut_short(struct run *r, bool goes_on, bool *out, struct err *err)
{
    struct cycle last;
    bool found = false;

    *out = goes_on;
    if (goes_on)
        return true;
    if (!cycle_last(r->db, r->arena, r->job.no, &last, &found, err))
        return false;
    *out = found && last.state == CYCLE_FAILED;
    return true;
}

static bool begin(struct run *r, struct err *err)
{
    bool found;

    if (!guard_open(r, err) || !cycle_open(r->db, r->arena, r->job.no, &r->cycle, &found, err))
        return false;
    if (found && r->cycle.schema_version != r->job.schema_version) {
        if (!end_outdated(r, err))
            return false;
        found = false;
    }
    if (!was_cut_short(r, found, &r->resumed, err) || (!found && !new_cycle(r, err)))
        return false;
    r->cycle.error_code = r->cycle.error_message = (struct str){0};
    snprintf(r->cursor, sizeof(r->cursor), "%.*s", STR_ARG(r->cycle.cursor));
    return true;
}

/* Behind the fence: whoever has lost the lease has nothing to say about the job any more. */
static bool set_quarantine(struct run *r, const struct quarantine_change *c, struct err *err)
{
    bool ok = run_write_begin(r, err) && quarantine_change(r->engine, r->db, r->job.no, c, err);

    return run_write_end(r, ok, err) && job_load_no(r->db, r->arena, r->job.no, &r->job, err);
}

static void enter_quarantine(struct run *r, const struct err *why)
{
    struct quarantine_change c = {
        .reason = QUARANTINE_EXCEPTION,
        .code = str_from_z(why->code),
        .message = str_from_z(why->message),
    };
    struct err err;

    if (!set_quarantine(r, &c, &err))
        log_error("quarantine_not_saved", &err);
}

/* The connection test says nothing of a token that may read but not write: whoever was refused so
 * is let in when a cycle comes to its end. */
static bool was_denied(const struct job *job)
{
    static const char *const codes[] = {"Unauthorized", "InsufficientRights", "NotPermitted"};

    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        if (str_eq_z(job->quarantine_code, codes[i]))
            return true;
    }
    return false;
}

/* The connection test that every cycle begins with; its failure is the job's (engine.md 9.1, 9.4).
 */
static bool test_target(struct run *r, struct err *err)
{
    enum quarantine_reason reason = quarantine_reason_of(r->job.quarantine_reason);

    if (run_test_target(r, err)) {
        return reason != QUARANTINE_EXCEPTION || was_denied(&r->job) ||
               set_quarantine(r, &(struct quarantine_change){.reason = QUARANTINE_NONE}, err);
    }
    if (err->code && strcmp(err->code, "busy") == 0)
        return false; /* says nothing about the job: tried again when the next cycle is due */
    enter_quarantine(r, err);
    return false;
}

/* Once more when an account was found gone in it: what the one in its place owes may belong to a
 * step that was over by then. Only that differs from what is exported; nothing else is sent. */
static bool run_references(struct run *r, struct err *err)
{
    if (!run_drive(r, feed_references, references_start, err))
        return false;
    if (!r->reopened || r->stopping)
        return true;
    r->reopened = false;
    r->had_pending = r->had_retries = true;
    r->cursor[0] = '\0';
    return run_drive(r, feed_references, references_start, err);
}

static bool run_phase(struct run *r, struct err *err)
{
    switch (r->cycle.phase) {
    case PHASE_GATE:
        return gate_run(r, err);
    case PHASE_REMOVALS:
        return !r->guard.rows || run_drive(r, feed_admitted, gate_start, err);
    case PHASE_USERS:
        return !enabled(r, SOURCE_USER) || run_drive(r, feed_users, run_start_walk, err);
    case PHASE_GROUPS:
        return !enabled(r, SOURCE_GROUP) || run_drive(r, feed_groups, run_start_walk, err);
    case PHASE_CONNECTIONS:
        return run_drive(r, feed_connections, run_start_walk, err);
    case PHASE_CHANGES:
        return run_drive(r, feed_changes, run_start_walk, err);
    case PHASE_RETRIES:
        return !r->had_retries || run_drive(r, feed_retries, run_start_walk, err);
    case PHASE_REFERENCES:
        return !references_mapped(r->walk_job.program) || run_references(r, err);
    case PHASE_DONE:
    case PHASE_COUNT:
        break;
    }
    return true;
}

/* What comes first where the gate has found nothing. */
static bool is_early(enum cycle_phase phase)
{
    return phase == PHASE_REMOVALS || phase == PHASE_CHANGES || phase == PHASE_USERS;
}

/* A phase is complete: the next one starts at its beginning. */
static bool next_phase(struct run *r, struct err *err)
{
    if (r->cycle.phase == PHASE_CHANGES) /* what came in until now is what the cycle covers */
        r->cycle.feed_start = arena_str(r->arena, str_from_z(r->cursor));
    assert(r->cycle.phase != PHASE_DONE && r->cycle.phase < PHASE_COUNT);
    r->cycle.phase = r->cycle.kind == CYCLE_INITIAL ? after_initial[r->cycle.phase]
                                                    : after_incremental[r->cycle.phase];
    r->cycle.cursor = r->cycle.phase == PHASE_CHANGES ? r->cycle.watermark : (struct str){0};
    snprintf(r->cursor, sizeof(r->cursor), "%.*s", STR_ARG(r->cycle.cursor));
    if (r->cycle.phase == PHASE_DONE) {
        r->cycle.state = cycle_state_of(&r->cycle.counters);
        r->cycle.ended_us = clock_now(r->engine->clock);
        return save(r, true, err);
    }
    /* Phases that have nothing to do are passed without a commit of their own. */
    if ((r->cycle.phase == PHASE_RETRIES && !r->had_retries) ||
        (r->cycle.phase == PHASE_REFERENCES && !references_mapped(r->walk_job.program)) ||
        (r->cycle.phase == PHASE_GROUPS && !enabled(r, SOURCE_GROUP)) ||
        (is_early(r->cycle.phase) && !r->guard.rows))
        return true;
    return save(r, false, err);
}

/* A failure of the job in the middle: the cycle stays open at its cursor, the job waits in
 * quarantine. */
static void interrupted(struct run *r, const struct err *why)
{
    struct err err;

    /* Either the lease is somebody else's now, and nothing more is ours to write; or outcomes could
     * not be recorded, and the cursor in hand is past them: the one that was committed counts. */
    if (why->kind == ERR_CONFLICT || r->broken)
        return;
    r->cycle.cursor = str_from_z(r->cursor);
    r->cycle.error_code = str_from_z(why->code);
    r->cycle.error_message = arena_str(r->arena, str_from_z(why->message));
    if (!save(r, false, &err))
        log_error("cycle_not_saved", &err);
    if (r->aborted)
        enter_quarantine(r, why);
}

/* What the thresholds say of the failures that live (engine.md 9.4). */
static bool judge(struct run *r, enum quarantine_reason *out, struct err *err)
{
    struct retry_numbers failed;
    int64_t users, groups;

    if (!retry_numbers(r->db, r->job.no, &failed, err) ||
        !connection_count(r->db, r->job.no, SOURCE_USER, &users, err) ||
        !connection_count(r->db, r->job.no, SOURCE_GROUP, &groups, err))
        return false;
    *out = quarantine_judge(&r->settings, &(struct quarantine_numbers){
                                              .failed = failed.objects,
                                              .failed_references = failed.references,
                                              .good = users + groups - failed.connected,
                                              .connected = users + groups,
                                          });
    return true;
}

/* Crossed in the middle of an initial cycle: it goes on to its end (engine.md 9.6). */
static bool prune(struct run *r, struct err *err)
{
    if (r->job.escrows_pruned)
        return true;
    r->job.escrows_pruned = true;
    return job_set_pruned(r->db, r->job.no, true, err);
}

/* After each pass and at the end. A reason that is none of theirs is neither renewed nor lifted
 * here, but a failure of the job that the connection test does not see: it is over with a cycle. */
static bool check_thresholds(struct run *r, struct err *err)
{
    enum quarantine_reason before = quarantine_reason_of(r->job.quarantine_reason);
    bool ended = r->cycle.phase == PHASE_DONE;
    bool ours = before == QUARANTINE_TOTAL || before == QUARANTINE_BASE ||
                before == QUARANTINE_PROPORTION || before == QUARANTINE_EXCEPTION;
    struct quarantine_change c = {.code = STR("tooManyFailures")};

    if (cycle_state_of(&r->cycle.counters) == CYCLE_SUCCEEDED && !r->had_retries && !ours)
        return true;
    if (!judge(r, &c.reason, err))
        return false;
    if (c.reason == QUARANTINE_NONE)
        return !ours || !ended || set_quarantine(r, &c, err);
    if (r->cycle.kind == CYCLE_INITIAL && !ended)
        return prune(r, err);
    if (before == QUARANTINE_ON_DEMAND || (before == c.reason && !ended))
        return true;
    c.message = STR("Too many objects fail: see 'usher retry N --list'");
    return set_quarantine(r, &c, err);
}

static bool run_phases(struct run *r, struct err *err)
{
    if (!unrecorded_look(r, err)) {
        interrupted(r, err);
        return false;
    }
    while (r->cycle.phase != PHASE_DONE) {
        pulse_phase(r);
        if (!run_phase(r, err)) {
            interrupted(r, err);
            return false;
        }
        if (r->paused) {
            r->cycle.cursor = str_from_z(r->cursor);
            return save(r, false, err);
        }
        if (!next_phase(r, err) || !check_thresholds(r, err))
            return false;
        if (r->observer && r->observer->progress)
            r->observer->progress(r->observer->ctx, &r->job, &r->cycle);
    }
    return true;
}

static void result(const struct run *r, struct arena *a, struct cycle *out)
{
    *out = r->cycle;
    out->id = arena_str(a, out->id);
    out->cursor = arena_str(a, out->cursor);
    out->feed_start = arena_str(a, out->feed_start);
    out->watermark = arena_str(a, out->watermark);
    out->error_code = arena_str(a, out->error_code);
    out->error_message = arena_str(a, out->error_message);
}

/* Intervals count from start to start; a cycle that was told to stop goes on at the first
 * opportunity. */
static int64_t next_cycle(struct run *r)
{
    int64_t now = clock_now(r->engine->clock);
    bool allowed = false; /* what an administrator allowed while the cycle ran */
    struct err ignored;

    if (r->paused ||
        (r->found_again && !quarantine_slows(quarantine_reason_of(r->job.quarantine_reason))) ||
        (r->guard.rows && held_any_allowed(r->db, r->job.no, &allowed, &ignored) && allowed))
        return now;
    if (quarantine_slows(quarantine_reason_of(r->job.quarantine_reason))) {
        return quarantine_next_us(quarantine_reason_of(r->job.quarantine_reason),
                                  r->job.quarantine_since_us, now);
    }
    /* Not from a start in the future: the clock may have gone back. */
    return due_wake_us(r, (r->cycle.began_us && r->cycle.began_us < now ? r->cycle.began_us : now) +
                              r->job.interval_us);
}

static bool cycle(const struct engine *e, int64_t job_no, const struct engine_observer *observer,
                  const atomic_bool *stop, struct arena *a, struct cycle *out, struct err *err)
{
    CLEANUP(run_close) struct run r;
    bool ok;
    struct err ignored;

    if (!run_open(&r, e, job_no, false, err))
        return false;
    r.observer = observer;
    r.stop = stop;
    if (r.job.state != JOB_ACTIVE) {
        return err_set(err, ERR_DENIED, "jobNotActive",
                       "'%.*s' is %s: start it first (usher start %.*s)", STR_ARG(r.job.name),
                       job_state_name(r.job.state), STR_ARG(r.job.name));
    }
    if (!run_lease(&r, err))
        return false;
    ok = restart_pending(&r, err) && test_target(&r, err) && begin(&r, err);
    if (ok)
        bulk_open(&r);
    ok = ok && run_phases(&r, err);
    if (!job_set_next_cycle_after(r.db, job_no, r.job.schema_version, next_cycle(&r), &ignored))
        log_error("next_cycle_not_saved", &ignored);
    if (!restart_pending(&r, &ignored)) /* the next cycle does it */
        log_error("restart_not_applied", &ignored);
    if (ok)
        result(&r, a, out);
    return ok;
}

/* That somebody else runs the job, that it is not to run, or that its target is busy, is no failure
 * of a cycle. */
static bool is_failure(const struct err *why)
{
    static const char *const others[] = {"leaseHeld", "leaseLost", "jobNotActive", "jobNotFound",
                                         "busy"};

    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        if (why->code && strcmp(why->code, others[i]) == 0)
            return false;
    }
    return true;
}

static bool tell_failure(const struct engine *e, int64_t job_no, const struct err *why,
                         struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(db_closep) struct db *db = NULL;
    struct job job;

    if (!db_open(e->db, &db, err) || !db_begin(db, DB_WRITE, err))
        return false;
    if (job_lock(db, job_no, err) && job_load_no(db, a, job_no, &job, err) &&
        notices_cycle_failed(e, db, &job, why, err))
        return db_commit(db, err);
    db_rollback(db);
    return false;
}

bool engine_cycle(const struct engine *e, int64_t job_no, const struct engine_observer *observer,
                  const atomic_bool *stop, struct arena *a, struct cycle *out, struct err *err)
{
    struct err untold;

    if (cycle(e, job_no, observer, stop, a, out, err))
        return true;
    if (is_failure(err) && !tell_failure(e, job_no, err, &untold))
        log_error("notice_not_queued", &untold);
    return false;
}
