/* Status of a job as an administrator reads it (engine.md 14.1). Every number has an index or a
 * counter behind it: nobody counts the accounts. What a running cycle says of itself comes from its
 * row and its pulse, in whichever process it runs. */
#include "base/holder.h"
#include "engine/cycle/run.h"
#include "job/undone.h"

enum { CODES_MAX = 20 };
#define PULSE_OLD_US (15 * US_PER_SECOND) /* then it says nothing of now */

/* The table of states of graph-api.md 3.3: a job that could be started is Paused. */
static const char *status_code(const struct engine_status *s)
{
    if (s->job.quarantined)
        return "Quarantine";
    if (s->job.state == JOB_DISABLED && !s->has_secrets)
        return "NotConfigured";
    if (s->job.state != JOB_ACTIVE)
        return "Paused";
    return s->history.cycles > 0 ? "Active" : "NotRun";
}

/* A plan that is being applied has a row that counts as failed until its end (apply.c). */
static void show_as_running(struct engine_status *s)
{
    s->cycle = s->last;
    s->cycle.state = CYCLE_RUNNING;
    s->cycle.ended_us = 0;
    s->cycle.error_code = s->cycle.error_message = (struct str){0};
    s->has_cycle = true;
    s->has_last = false;
}

static bool load_cycles(struct db *db, struct arena *a, struct engine_status *s, struct err *err)
{
    int64_t job_no = s->job.no;
    bool found;

    if (!cycle_open(db, a, job_no, &s->cycle, &s->has_cycle, err) ||
        !cycle_last(db, a, job_no, &s->last, &s->has_last, err) ||
        !job_history_load(db, job_no, &s->history, err) ||
        !job_pulse_load(db, a, job_no, &s->pulse, &found, err))
        return false;
    s->has_pulse = found;
    return true;
}

static bool load_counts(struct db *db, struct arena *a, struct engine_status *s, struct err *err)
{
    int64_t job_no = s->job.no;
    struct retry_code *codes;

    if (!connection_count(db, job_no, SOURCE_USER, &s->users, err) ||
        !connection_count(db, job_no, SOURCE_GROUP, &s->groups, err) ||
        !retry_count(db, job_no, &s->retries, err) ||
        !retry_codes(db, a, job_no, CODES_MAX, &codes, &s->escrow_count, err) ||
        !undone_count(db, job_no, s->job.schema_version, &s->undone, err) ||
        !pending_reference_count(db, job_no, &s->pending, err) ||
        !held_count(db, job_no, &s->held, err) ||
        !job_stream_load(db, a, job_no, &s->stream, &s->streams, err) ||
        !due_grace(db, job_no, &s->in_grace, &s->grace_ends_us, err))
        return false;
    s->escrows = codes;
    return true;
}

bool engine_status_load(const struct engine *e, int64_t job_no, struct arena *a,
                        struct engine_status *out, struct err *err)
{
    CLEANUP(db_closep) struct db *db = NULL;
    struct engine_status s = {0};
    int64_t now = clock_now(e->clock);
    int64_t until = 0;
    bool held;

    if (!db_open(e->db, &db, err) || !job_load_no(db, a, job_no, &s.job, err) ||
        !job_has_secrets(db, job_no, &s.has_secrets, err) ||
        !lease_holder(db, a, job_no, &s.runner, &until, err) || !load_cycles(db, a, &s, err) ||
        !load_counts(db, a, &s, err) || !notify_backlog_load(db, a, job_no, now, &s.notices, err))
        return false;
    held = until > now && !holder_is_dead(s.runner);
    s.code = status_code(&s);
    if (held && !s.has_cycle && s.has_last && apply_is_under_way(&s.last))
        show_as_running(&s);
    s.running = s.has_cycle && held;
    s.has_pulse = s.has_pulse && s.running && str_eq(s.pulse.cycle_id, s.cycle.id) &&
                  now - s.pulse.at_us < PULSE_OLD_US;
    s.next_cycle_us = s.job.state == JOB_ACTIVE ? s.job.next_cycle_us : -1;
    *out = s;
    return true;
}
