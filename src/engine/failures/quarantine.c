#include "engine/failures/quarantine.h"

#include "base/log.h"
#include "engine/note.h"
#include "engine/notices.h"

#define SERIES_MAX_US (28 * US_PER_DAY)

static const char *const names[] = {
    [QUARANTINE_NONE] = "",
    [QUARANTINE_EXCEPTION] = "EncounteredQuarantineException",
    [QUARANTINE_TOTAL] = "EncounteredTotalEscrowThreshold",
    [QUARANTINE_BASE] = "EncounteredBaseEscrowThreshold",
    [QUARANTINE_PROPORTION] = "EncounteredEscrowProportionThreshold",
    [QUARANTINE_TOO_MANY_DELETES] = "TooManyDeletes",
    [QUARANTINE_ON_DEMAND] = "QuarantinedOnDemand",
    [QUARANTINE_INGESTION] = "IngestionInterrupted",
    [QUARANTINE_UNKNOWN] = "Unknown",
};
static_assert(ARRAY_LEN(names) == QUARANTINE_REASON_COUNT, "every reason has a name");

const char *quarantine_reason_name(enum quarantine_reason r)
{
    return names[r];
}

enum quarantine_reason quarantine_reason_of(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (str_eq_ascii_nocase(name, str_from_z(names[i])))
            return (enum quarantine_reason)i;
    }
    return QUARANTINE_UNKNOWN;
}

bool quarantine_slows(enum quarantine_reason r)
{
    return r != QUARANTINE_NONE && r != QUARANTINE_TOO_MANY_DELETES;
}

int64_t quarantine_next_us(enum quarantine_reason r, int64_t since_us, int64_t now_us)
{
    enum { PROBES = 4 };
    static const int64_t attempts[] = {
        5 * US_PER_MINUTE, 15 * US_PER_MINUTE, 30 * US_PER_MINUTE, US_PER_HOUR,
        6 * US_PER_HOUR,   12 * US_PER_HOUR,   US_PER_DAY,
    };
    int64_t passed;

    if (since_us > now_us)
        since_us = now_us;
    passed = now_us - since_us;
    for (size_t i = r == QUARANTINE_EXCEPTION ? 0 : PROBES; i < ARRAY_LEN(attempts); i++) {
        if (attempts[i] > passed)
            return since_us + attempts[i];
    }
    return since_us + (passed / US_PER_DAY + 1) * US_PER_DAY;
}

/* --- changes --- */

enum event {
    EVENT_NOTHING,
    EVENT_ENTERED,
    EVENT_CHANGED,
    EVENT_RENEWED,
    EVENT_DISABLED,
    EVENT_LEFT
};

static enum event event_of(const struct job *job, const struct quarantine_change *c, int64_t now_us)
{
    enum quarantine_reason before = quarantine_reason_of(job->quarantine_reason);

    if (!job->quarantined)
        return c->reason == QUARANTINE_NONE ? EVENT_NOTHING : EVENT_ENTERED;
    if (c->reason == QUARANTINE_NONE)
        return EVENT_LEFT;
    if (quarantine_slows(c->reason) && quarantine_slows(before) && job->state == JOB_ACTIVE &&
        now_us - job->quarantine_since_us > SERIES_MAX_US)
        return EVENT_DISABLED;
    return before == c->reason ? EVENT_RENEWED : EVENT_CHANGED;
}

static struct json *reason_json(struct arena *a, struct str reason, struct str code,
                                struct str message)
{
    struct json *v = json_new(a, JSON_OBJECT);

    json_add_str(a, v, "reason", reason);
    json_add_str(a, v, "code", code);
    json_add_str(a, v, "message", message);
    return v;
}

/* What the audit log is told. A job gets into quarantine by itself, whoever runs the cycle. */
static bool note(const struct engine *e, struct db *db, const struct job *job, enum event event,
                 const struct quarantine_change *c, struct err *err)
{
    CLEANUP(arena_freep) struct arena *tmp = arena_new();
    const struct engine_note n = {
        .activity = AUDIT_QUARANTINE,
        .author = event == EVENT_LEFT ? e->author : STR("system"),
        .subject = event == EVENT_DISABLED ? STR("job disabled after 28 days of quarantine")
                                           : STR("quarantine"),
        .before = job->quarantined ? reason_json(tmp, job->quarantine_reason, job->quarantine_code,
                                                 job->quarantine_message)
                                   : NULL,
        .after = event == EVENT_LEFT
                     ? NULL
                     : reason_json(tmp, str_from_z(quarantine_reason_name(c->reason)), c->code,
                                   c->message),
    };

    return event == EVENT_RENEWED || engine_note(e, db, job, &n, err);
}

/* What people are told. Of held removals the guard tells by itself: they may be held while the job
 * is in quarantine for something else. */
static bool notice(const struct engine *e, struct db *db, const struct job *job, enum event event,
                   const struct quarantine_change *c, struct err *err)
{
    static const struct {
        const char *name;
        enum notify_kind kind;
    } kinds[] = {
        [EVENT_ENTERED] = {"quarantineEntered", NOTIFY_QUARANTINE_ENTERED},
        [EVENT_CHANGED] = {"quarantineChanged", NOTIFY_QUARANTINE_CHANGED},
        [EVENT_DISABLED] = {"jobDisabled", NOTIFY_JOB_DISABLED},
        [EVENT_LEFT] = {"quarantineLeft", NOTIFY_QUARANTINE_LEFT},
    };
    int64_t now = clock_now(e->clock);
    char id[80];

    if (event == EVENT_RENEWED || c->reason == QUARANTINE_TOO_MANY_DELETES)
        return true;
    snprintf(id, sizeof(id), "%s/%lld", kinds[event].name, (long long)now);
    return notices_tell(e, db, job,
                        (struct notify_event){
                            .id = str_from_z(id),
                            .kind = c->reason == QUARANTINE_TOO_MANY_DELETES ? NOTIFY_REMOVALS_HELD
                                                                             : kinds[event].kind,
                            .code = event == EVENT_LEFT ? job->quarantine_reason
                                    : c->code.len       ? c->code
                                                  : str_from_z(quarantine_reason_name(c->reason)),
                            .message = c->message,
                            .since_us = event == EVENT_ENTERED ? now : job->quarantine_since_us,
                        },
                        err);
}

/* What is told of a change; in its transaction, so that it is told once and only if it happened. */
static bool tell(const struct engine *e, struct db *db, const struct job *job, enum event event,
                 const struct quarantine_change *c, struct err *err)
{
    static const struct {
        enum log_level level;
        const char *name;
    } events[] = {
        [EVENT_ENTERED] = {LOG_WARNING, "quarantine_entered"},
        [EVENT_CHANGED] = {LOG_WARNING, "quarantine_reason_changed"},
        [EVENT_RENEWED] = {LOG_INFO, "quarantine_renewed"},
        [EVENT_DISABLED] = {LOG_WARNING, "quarantine_job_disabled"},
        [EVENT_LEFT] = {LOG_INFO, "quarantine_left"},
    };

    log_event(events[event].level, events[event].name, LOG_NUM("job", job->no),
              LOG_TEXT("name", job->name),
              LOG_TEXT("reason", str_from_z(quarantine_reason_name(c->reason))),
              LOG_TEXT("code", c->code));
    return note(e, db, job, event, c, err) && notice(e, db, job, event, c, err);
}

/* Removals that are held do not slow the job; one that was slowed by something else goes on when
 * only they are left. */
static bool save(struct db *db, const struct job *job, enum event event,
                 const struct quarantine_change *c, int64_t now_us, struct err *err)
{
    bool was_slow = quarantine_slows(quarantine_reason_of(job->quarantine_reason));
    bool slow = quarantine_slows(c->reason);
    /* The 28 days are those of a job that fails: they do not run while removals are held. */
    bool goes_on = event != EVENT_ENTERED && (was_slow || !slow);
    struct job_quarantine q = {
        .reason = str_from_z(quarantine_reason_name(c->reason)),
        .code = c->code,
        .message = c->message,
        .since_us = goes_on ? job->quarantine_since_us : now_us,
        .current_us = now_us,
        .count = goes_on ? job->quarantine_count + (event == EVENT_RENEWED) : 0,
    };

    if (event == EVENT_LEFT) {
        return job_set_quarantine(db, job->no, NULL, err) &&
               (!was_slow || job_set_next_cycle(db, job->no, 0, err));
    }
    return job_set_quarantine(db, job->no, &q, err) &&
           (event != EVENT_DISABLED || job_set_state(db, job->no, JOB_DISABLED, err)) &&
           (!slow || job_set_next_cycle(db, job->no,
                                        quarantine_next_us(c->reason, q.since_us, now_us), err));
}

static bool change(const struct engine *e, struct db *db, int64_t job_no,
                   const struct quarantine_change *c, struct err *err)
{
    CLEANUP(arena_freep) struct arena *tmp = arena_new();
    int64_t now = clock_now(e->clock);
    enum event event;
    struct job job;

    if (!job_lock(db, job_no, err) || !job_load_no(db, tmp, job_no, &job, err))
        return false;
    event = event_of(&job, c, now);
    return event == EVENT_NOTHING ||
           (save(db, &job, event, c, now, err) && tell(e, db, &job, event, c, err));
}

bool quarantine_change(const struct engine *e, struct db *db, int64_t job_no,
                       const struct quarantine_change *c, struct err *err)
{
    bool own = !db_in_transaction(db);

    if (own && !db_begin(db, DB_WRITE, err))
        return false;
    if (change(e, db, job_no, c, err) && (!own || db_commit(db, err)))
        return true;
    if (own)
        db_rollback(db);
    return false;
}

/* --- thresholds --- */

enum { SHARE_PERCENT = 40, BASE_MAX = 40000, TOTAL_MAX = 60000, COMPAT_LEAST = 5000, LEAST = 20 };

static int64_t least_failures(const struct job_settings *s, int64_t connected)
{
    int64_t scaled = connected / 10;

    if (s->quarantine_min_failures > 0)
        return s->quarantine_min_failures;
    if (s->quarantine_profile == QUARANTINE_COMPAT)
        return COMPAT_LEAST;
    scaled = scaled < COMPAT_LEAST ? scaled : COMPAT_LEAST;
    return scaled > LEAST ? scaled : LEAST;
}

enum quarantine_reason quarantine_judge(const struct job_settings *s,
                                        const struct quarantine_numbers *n)
{
    if (n->failed + n->failed_references > TOTAL_MAX)
        return QUARANTINE_TOTAL;
    if (n->failed < least_failures(s, n->connected))
        return QUARANTINE_NONE;
    if (n->failed > BASE_MAX)
        return QUARANTINE_BASE;
    if (n->failed * 100 > (n->failed + n->good) * SHARE_PERCENT)
        return QUARANTINE_PROPORTION;
    return QUARANTINE_NONE;
}
