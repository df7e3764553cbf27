#include "engine/retention.h"

#include "directory/feed.h"
#include "directory/retention.h"
#include "job/retention.h"
#include "job/undone.h"
#include "journal/retention.h"

#define FEED_KEPT_US       (7 * US_PER_DAY)  /* also when nobody needs it: a cycle may just begin */
#define TOMBSTONES_KEPT_US (30 * US_PER_DAY) /* as long as the recycle bin */
enum { AT_ONCE = 1000, CYCLES_KEPT = 20, TOMBSTONES_AT_ONCE = 200 };

static bool prune_job(const struct engine *e, struct db *db, int64_t job_no,
                      struct engine_pruning *p, bool *out_done, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct job_settings settings;
    int64_t records, cycles;

    if (!undone_expire(db, job_no, err) || !job_settings_load(db, a, job_no, &settings, err))
        return false;
    *out_done = true;
    if (settings.retention_us == 0)
        return true;
    int64_t before_us = clock_now(e->clock) - settings.retention_us;

    if (!journal_prune(db, job_no, before_us, AT_ONCE, &records, out_done, err) ||
        !cycle_prune(db, job_no, before_us, CYCLES_KEPT, AT_ONCE, &cycles, err))
        return false;
    p->pruned.records += records;
    p->pruned.cycles += cycles;
    *out_done &= cycles < AT_ONCE;
    return true;
}

/* The job whose turn it is; 0: none any more. */
static bool next_job(struct db *db, const struct engine_pruning *p, int64_t *out, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct job *jobs;
    size_t count;

    *out = 0;
    if (!job_list(db, a, &jobs, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (jobs[i].no >= p->job_no && (*out == 0 || jobs[i].no < *out))
            *out = jobs[i].no;
    }
    return true;
}

/* Up to where nobody reads the feed any more. */
static bool feed_needed(struct db *db, int64_t *out_until, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct str *watermarks;
    size_t count;

    if (!directory_feed_position(db, out_until, err) ||
        !job_watermarks(db, a, &watermarks, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        int64_t until;

        if (!source_directory_done(watermarks[i], &until, err))
            return false;
        if (until < *out_until)
            *out_until = until;
    }
    return true;
}

static bool prune_feed(const struct engine *e, struct db *db, struct engine_pruning *p,
                       struct err *err)
{
    int64_t until, removed;

    if (!feed_needed(db, &until, err) ||
        !directory_feed_prune(db, until, clock_now(e->clock) - FEED_KEPT_US, AT_ONCE, &removed,
                              err))
        return false;
    p->pruned.changes += removed;
    p->feed_done = removed < AT_ONCE;
    return true;
}

static bool prune_tombstones(const struct engine *e, struct db *db, struct engine_pruning *p,
                             struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct str *ids;
    size_t count;

    if (!directory_tombstones(db, a, clock_now(e->clock) - TOMBSTONES_KEPT_US,
                              str_from_z(p->tombstone), TOMBSTONES_AT_ONCE, &ids, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        bool known;

        if (!job_knows(db, ids[i], &known, err) ||
            (!known && !directory_tombstone_forget(db, ids[i], err)))
            return false;
        p->pruned.tombstones += !known;
        snprintf(p->tombstone, sizeof(p->tombstone), "%.*s", STR_ARG(ids[i]));
    }
    p->done = count < TOMBSTONES_AT_ONCE;
    return true;
}

static bool prune_step(const struct engine *e, struct db *db, struct engine_pruning *p,
                       struct err *err)
{
    int64_t job_no;
    bool job_done;

    if (!next_job(db, p, &job_no, err))
        return false;
    if (job_no) {
        if (!prune_job(e, db, job_no, p, &job_done, err))
            return false;
        p->job_no = job_no + job_done;
        return true;
    }
    return p->feed_done ? prune_tombstones(e, db, p, err) : prune_feed(e, db, p, err);
}

bool engine_prune(const struct engine *e, struct db *db, struct engine_pruning *p, int64_t for_us,
                  struct err *err)
{
    int64_t until_us = clock_monotonic_us() + for_us;

    do {
        if (!prune_step(e, db, p, err))
            return false;
    } while (!p->done && clock_monotonic_us() < until_us);
    return true;
}

/* --- what would go --- */

static bool count_job(const struct engine *e, struct db *db, int64_t job_no,
                      struct engine_pruned *out, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct job_settings settings;
    int64_t records, cycles;

    if (!job_settings_load(db, a, job_no, &settings, err))
        return false;
    if (settings.retention_us == 0)
        return true;
    int64_t before_us = clock_now(e->clock) - settings.retention_us;

    if (!journal_prunable(db, job_no, before_us, &records, err) ||
        !cycle_prunable(db, job_no, before_us, CYCLES_KEPT, &cycles, err))
        return false;
    out->records += records;
    out->cycles += cycles;
    return true;
}

static bool count_tombstones(const struct engine *e, struct db *db, int64_t *out, struct err *err)
{
    CLEANUP(arena_freep) struct arena *last = arena_new();
    struct str after = {0};
    size_t count;

    do {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct str *ids;

        if (!directory_tombstones(db, a, clock_now(e->clock) - TOMBSTONES_KEPT_US, after,
                                  TOMBSTONES_AT_ONCE, &ids, &count, err))
            return false;
        for (size_t i = 0; i < count; i++) {
            bool known;

            if (!job_knows(db, ids[i], &known, err))
                return false;
            *out += !known;
        }
        if (count > 0) {
            arena_reset(last);
            after = arena_str(last, ids[count - 1]);
        }
    } while (count == TOMBSTONES_AT_ONCE);
    return true;
}

bool engine_prunable(const struct engine *e, struct db *db, struct engine_pruned *out,
                     struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    int64_t until;
    struct job *jobs;
    size_t count;

    *out = (struct engine_pruned){0};
    if (!job_list(db, a, &jobs, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!count_job(e, db, jobs[i].no, out, err))
            return false;
    }
    return feed_needed(db, &until, err) &&
           directory_feed_prunable(db, until, clock_now(e->clock) - FEED_KEPT_US, &out->changes,
                                   err) &&
           count_tombstones(e, db, &out->tombstones, err);
}
