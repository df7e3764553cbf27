#include "engine/drift/drift.h"

#include "engine/drift/passes.h"
#include "engine/drift/reading.h"
#include "engine/guard/guard.h"
#include "engine/note.h"

/* --- repairing, through the walk --- */

static bool feed_repairs(struct run *r, struct str cursor, struct feed_page *page, struct err *err)
{
    struct str *ids;
    size_t count;

    if (!drift_repairs(r->db, page->arena, r->job.no, cursor, RUN_PAGE_SIZE, &ids, &count, err))
        return false;
    page->entries = ARENA_ARRAY(page->arena, struct source_entry, count + 1);
    page->connections = ARENA_ARRAY(page->arena, struct connection *, count + 1);
    for (size_t i = 0; i < count; i++) {
        struct connection *c = ARENA_NEW(page->arena, struct connection);
        bool known, found;

        if (!connection_load(r->db, page->arena, r->job.no, ids[i], c, &known, err) ||
            !r->source->ops->read(r->source, ids[i], page->arena, &page->entries[page->count],
                                  &found, err))
            return false;
        if (known && found)
            page->connections[page->count++] = c;
    }
    page->last = count < RUN_PAGE_SIZE;
    page->next = count > 0 ? ids[count - 1] : cursor;
    return true;
}

/* What the guard counts is left to the next cycle, where it is counted. */
static void start_repair(struct walk *w)
{
    enum held_class class_;

    run_plan_walk(w);
    if (guard_concerns(w, &class_)) {
        walk_skip(w, "EntrySynchronizationSkipped", "Left to the next cycle");
        w->again_in_cycle = true; /* it stays parked */
    }
    if (w->intent == INTENT_NOTHING) {
        run_walk_finish(w);
    } else {
        station_export(w);
    }
}

/* --- the whole --- */

/* Answers that change an account, or what is held to be its state, are changes of data. */
static bool note_answers(struct run *r, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct json *is = json_new(a, JSON_OBJECT);
    const struct engine_note note = {
        .activity = AUDIT_OTHER, .subject = STR("drift answered"), .after = is};
    struct drift found;
    bool known;

    if (!drift_load(r->db, a, r->job.no, &found, &known, err))
        return false;
    json_add_int(a, is, "repaired", found.repaired);
    json_add_int(a, is, "accepted", found.accepted);
    return found.repaired + found.accepted == 0 ||
           engine_note(r->engine, r->db, &r->job, &note, err);
}

static bool keep_result(struct run *r, struct drift *found, struct err *err)
{
    bool ok = run_write_begin(r, err);

    found->ended_us = clock_now(r->engine->clock);
    return run_write_end(r, ok && drift_end(r->db, r->job.no, found, err) && note_answers(r, err),
                         err);
}

bool drift_was_stopped(const struct drift *d)
{
    return !d->complete && str_eq_z(d->why, READING_STOPPED);
}

/* NOLINTNEXTLINE(readability-function-size): a job, how it is read, and what comes of it */
bool engine_drift(const struct engine *e, int64_t job_no, const struct engine_reading *how,
                  struct arena *a, struct drift *out, struct err *err)
{
    CLEANUP(run_close) struct run r;
    struct drift now = {.complete = true};
    struct target_traits traits;
    bool found;

    if (!run_open(&r, e, job_no, false, err) || !run_lease(&r, err) || !run_test_target(&r, err))
        return false;
    reading_begin(&r, how);
    r.initiated_by = STR("drift");
    r.had_retries = true;                       /* what is repaired is parked before */
    r.target->ops->describe(r.target, &traits); /* how lists are read best */
    now.began_us = clock_now(e->clock);
    return drift_read_target(&r, how, &now, err) && (r.stopping || drift_answer_all(&r, err)) &&
           keep_result(&r, &now, err) && run_drive(&r, feed_repairs, start_repair, err) &&
           drift_load(r.db, a, job_no, out, &found, err);
}

bool engine_drift_when_due(const struct engine *e, int64_t job_no, const atomic_bool *stop,
                           bool *out_ran, struct err *err)
{
    const struct engine_reading how = {.stop = stop};
    CLEANUP(db_closep) struct db *db = NULL;
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct job_settings settings;
    struct drift last;
    bool found;

    *out_ran = false;
    if (!db_open(e->db, &db, err) || !job_settings_load(db, a, job_no, &settings, err))
        return false;
    if (settings.drift_interval_us == 0)
        return true;
    if (!drift_load(db, a, job_no, &last, &found, err))
        return false;
    if (found && !drift_was_stopped(&last) && last.began_us <= clock_now(e->clock) &&
        last.began_us + settings.drift_interval_us > clock_now(e->clock))
        return true;
    *out_ran = true;
    return engine_drift(e, job_no, &how, a, &last, err);
}
