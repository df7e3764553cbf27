/* The scheduler: looks once a second at which jobs are due (their interval is over, or their source
 * has moved on since their watermark) and runs each cycle on a thread of its own (engine.md 3.4).
 * Jobs run in parallel, a job never twice: the lease sees to that, also between processes. */
#include "engine/cycle/schedule.h"

#include "engine/cycle/run.h"
#include "engine/drift/drift.h"
#include "engine/failures/quarantine.h"
#include "engine/notices.h"
#include "engine/retention.h"

enum { CYCLES_MAX = 64 };
#define NOTICES_US US_PER_MINUTE

/* So long of each second a pass over what is old may take. */
#define PRUNE_US (100 * US_PER_MS)

struct running {
    pthread_t thread;
    struct engine_scheduler *scheduler;
    int64_t job_no;
    int64_t next_cycle_us; /* of the job, when the cycle was started */
    bool used;
    bool ended; /* the thread can be joined */
};

struct engine_scheduler {
    struct engine engine;
    struct engine_pruning pruning; /* the scheduler's thread's */
    int64_t prune_at_us;           /* monotonic */
    struct engine_observer observer;
    pthread_t thread;
    pthread_mutex_t lock; /* guards cycles and stopping */
    pthread_cond_t wake;
    struct running cycles[CYCLES_MAX];
    struct schedule_rest rests[CYCLES_MAX]; /* the oldest is overwritten; the lock guards it, too */
    size_t next_rest;
    int64_t noticed_us; /* monotonic: when what comes with time was last looked at */
    atomic_bool stop;
};

/* The application is read back when it is time for that (engine.md 17). */
static void look_for_drift(struct engine_scheduler *s, int64_t job_no)
{
    struct err err;
    bool ran;

    if (!engine_drift_when_due(&s->engine, job_no, &s->stop, &ran, &err)) {
        log_error("drift_not_read", &err);
    } else if (ran) {
        log_event(LOG_INFO, "drift_read", LOG_NUM("job", job_no));
    }
}

static void *run_cycle(void *arg)
{
    struct running *c = arg;
    struct engine_scheduler *s = c->scheduler;
    struct arena *a = arena_new();
    struct cycle cycle;
    struct err err = {0};
    bool ran = engine_cycle(&s->engine, c->job_no, &s->observer, &s->stop, a, &cycle, &err);
    bool held_elsewhere = !ran && err.kind == ERR_CONFLICT && strcmp(err.code, "leaseHeld") == 0;

    if (ran) {
        log_event(
            LOG_INFO, "cycle_ended", LOG_NUM("job", c->job_no),
            LOG_TEXT("state", str_from_z(cycle_state_name(cycle.state))),
            LOG_NUM("created", cycle.counters.created), LOG_NUM("updated", cycle.counters.updated),
            LOG_NUM("disabled", cycle.counters.disabled),
            LOG_NUM("deleted", cycle.counters.deleted), LOG_NUM("failed", cycle.counters.failed),
            LOG_NUM("failed_references", cycle.counters.failed_references));
    } else if (!held_elsewhere) {
        log_error("cycle_failed", &err);
    }
    if (ran && !atomic_load(&s->stop))
        look_for_drift(s, c->job_no);
    arena_free(a);
    pthread_mutex_lock(&s->lock);
    if (!ran && !held_elsewhere) {
        s->rests[s->next_rest++ % CYCLES_MAX] =
            (struct schedule_rest){.job_no = c->job_no,
                                   .until_us = clock_monotonic_us() + SCHEDULE_REST_US,
                                   .next_cycle_us = c->next_cycle_us};
    }
    c->ended = true;
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

/* With the lock held. */
static void join_ended(struct engine_scheduler *s)
{
    for (size_t i = 0; i < CYCLES_MAX; i++) {
        struct running *c = &s->cycles[i];

        if (c->used && c->ended) {
            pthread_join(c->thread, NULL);
            c->used = false;
        }
    }
}

static void start_cycle(struct engine_scheduler *s, const struct job *job)
{
    struct running *place = NULL;

    pthread_mutex_lock(&s->lock);
    join_ended(s);
    for (size_t i = 0; i < CYCLES_MAX; i++) {
        if (!s->cycles[i].used) {
            place = &s->cycles[i];
        } else if (s->cycles[i].job_no == job->no) {
            pthread_mutex_unlock(&s->lock);
            return;
        }
    }
    if (place) {
        *place = (struct running){
            .scheduler = s, .job_no = job->no, .next_cycle_us = job->next_cycle_us, .used = true};
        if (pthread_create(&place->thread, NULL, run_cycle, place) != 0)
            place->used = false;
    }
    pthread_mutex_unlock(&s->lock);
}

/* A copy, since the lock guards them. */
static struct schedule_rest rest_of(struct engine_scheduler *s, int64_t job_no)
{
    struct schedule_rest rest = {0};

    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < CYCLES_MAX; i++) {
        if (s->rests[i].job_no == job_no && s->rests[i].until_us > rest.until_us)
            rest = s->rests[i];
    }
    pthread_mutex_unlock(&s->lock);
    return rest;
}

/* By its interval, or the next attempt of its quarantine. A time further away than any of them
 * leads to says that the clock went back: then it is due, too. */
static bool is_due(const struct job *job, int64_t now_us)
{
    bool slow = quarantine_slows(quarantine_reason_of(job->quarantine_reason));
    int64_t longest = slow && job->interval_us < US_PER_DAY ? US_PER_DAY : job->interval_us;

    return job->next_cycle_us <= now_us || job->next_cycle_us > now_us + longest;
}

enum schedule_start schedule_judge(const struct job *job, const struct schedule_rest *rest,
                                   int64_t now_us, int64_t monotonic_us)
{
    bool resting = rest && rest->until_us > monotonic_us;

    if (job->state != JOB_ACTIVE)
        return START_NOT;
    if (is_due(job, now_us))
        return resting && rest->next_cycle_us == job->next_cycle_us ? START_NOT : START_NOW;
    if (resting || quarantine_slows(quarantine_reason_of(job->quarantine_reason)))
        return START_NOT;
    return START_IF_MOVED;
}

/* Whether the job lets a change of its source start a cycle. */
static bool is_pushed(struct db *db, struct arena *a, const struct job *job, struct err *err)
{
    struct job_settings settings;

    return job_settings_load(db, a, job->no, &settings, err) && settings.push;
}

/* Something happened in the source since the job's watermark. */
static bool source_moved(struct engine_scheduler *s, struct db *db, struct arena *a,
                         const struct job *job, struct err *err)
{
    CLEANUP(source_closep) struct source *source = NULL;
    struct str watermark, position;

    if (!watermark_load(db, a, job->no, &watermark, err) || str_empty(watermark) ||
        !s->engine.open_source(db, job, &source, err) ||
        !source->ops->position(source, a, &position, err))
        return false;
    return !str_eq(watermark, position);
}

/* Warnings and digests of the active jobs, once a minute. */
static void look_for_notices(struct engine_scheduler *s, struct db *db, const struct job *jobs,
                             size_t count)
{
    int64_t now = clock_monotonic_us();
    struct err err;

    if (s->noticed_us && now - s->noticed_us < NOTICES_US)
        return;
    s->noticed_us = now;
    for (size_t i = 0; i < count; i++) {
        if (jobs[i].state == JOB_ACTIVE && !notices_tick(&s->engine, db, &jobs[i], &err))
            log_error("notices_not_looked_at", &err);
    }
}

static bool look(struct engine_scheduler *s, struct db *db, struct arena *a, struct err *err)
{
    struct job *jobs;
    size_t count;

    if (!job_list(db, a, &jobs, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        struct schedule_rest rest = rest_of(s, jobs[i].no);
        enum schedule_start start =
            schedule_judge(&jobs[i], &rest, clock_now(s->engine.clock), clock_monotonic_us());
        struct err why = {0};

        if (start == START_NOW || (start == START_IF_MOVED && is_pushed(db, a, &jobs[i], &why) &&
                                   source_moved(s, db, a, &jobs[i], &why)))
            start_cycle(s, &jobs[i]);
        if (why.kind != ERR_NONE)
            log_error("source_not_read", &why);
    }
    look_for_notices(s, db, jobs, count);
    return true;
}

/* A little of a pass each second, until it is through; then an hour's rest. */
static void prune(struct engine_scheduler *s, struct db *db)
{
    const struct engine_pruned *n = &s->pruning.pruned;
    struct err err;

    if (clock_monotonic_us() < s->prune_at_us)
        return;
    if (!engine_prune(&s->engine, db, &s->pruning, PRUNE_US, &err)) {
        log_error("prune_failed", &err);
        s->pruning.done = true;
    }
    if (!s->pruning.done)
        return;
    if (n->records + n->cycles + n->changes + n->tombstones > 0) {
        log_event(LOG_INFO, "pruned", LOG_NUM("records", n->records), LOG_NUM("cycles", n->cycles),
                  LOG_NUM("changes", n->changes), LOG_NUM("tombstones", n->tombstones));
    }
    s->pruning = (struct engine_pruning){0};
    s->prune_at_us = clock_monotonic_us() + US_PER_HOUR;
}

static void *schedule(void *arg)
{
    struct engine_scheduler *s = arg;
    struct db *db = NULL;
    struct arena *a = arena_new();

    while (!atomic_load(&s->stop)) {
        struct timespec until;
        struct err err;

        arena_reset(a);
        if ((!db && !db_open(s->engine.db, &db, &err)) || !look(s, db, a, &err))
            log_error("schedule_failed", &err);
        if (db)
            prune(s, db);
        clock_gettime(CLOCK_MONOTONIC, &until); /* not the clock that people set */
        until.tv_sec++;
        pthread_mutex_lock(&s->lock);
        if (!atomic_load(&s->stop))
            pthread_cond_timedwait(&s->wake, &s->lock, &until);
        join_ended(s);
        pthread_mutex_unlock(&s->lock);
    }
    arena_free(a);
    db_close(db);
    return NULL;
}

bool engine_scheduler_start(const struct engine *e, const struct engine_observer *observer,
                            struct engine_scheduler **out, struct err *err)
{
    struct engine_scheduler *s = mem_alloc(sizeof(*s));
    pthread_condattr_t attributes;

    s->engine = *e;
    if (observer)
        s->observer = *observer;
    pthread_mutex_init(&s->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&s->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    if (pthread_create(&s->thread, NULL, schedule, s) != 0) {
        free(s);
        return err_set(err, ERR_INTERNAL, "thread", "cannot start the scheduler's thread");
    }
    *out = s;
    return true;
}

void engine_scheduler_stop(struct engine_scheduler *s)
{
    if (!s)
        return;
    pthread_mutex_lock(&s->lock);
    atomic_store(&s->stop, true);
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
    for (size_t i = 0; i < CYCLES_MAX; i++) {
        if (s->cycles[i].used)
            pthread_join(s->cycles[i].thread, NULL);
    }
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->wake);
    free(s);
}
