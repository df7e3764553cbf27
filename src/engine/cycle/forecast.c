/* A plan without sending: the pure stations over what the next cycle would be fed with, from local
 * state, or, when the target is asked, too, the whole walk short of its writing requests. Nothing
 * is written, no lease is needed. plan_save.c keeps one in a file. */
#include "engine/cycle/listing.h"
#include "engine/cycle/run.h"

/* An object may be among the changes more than once, and among the retries besides. */
struct once {
    struct arena *arena;
    struct map seen; /* ids; as many as there are changes, not as there are objects */
    void (*visit)(void *ctx, struct walk *w);
    void *ctx;
};

static void visit_once(void *ctx, struct walk *w)
{
    struct once *o = ctx;

    if (map_get(&o->seen, w->entry.id))
        return;
    map_put(&o->seen, arena_str(o->arena, w->entry.id), o);
    o->visit(o->ctx, w);
}

/* How the walks of a feed go on: planned only, or asking the target. */
typedef bool forecast_feed(struct run *r, run_load *load, struct str cursor,
                           void (*visit)(void *ctx, struct walk *w), void *ctx, struct err *err);

static bool feed_everything(struct run *r, forecast_feed *feed,
                            void (*visit)(void *ctx, struct walk *w), void *ctx, struct err *err)
{
    /* No cycle runs: every connection that a full read does not show is looked at. */
    r->cycle.began_us = INT64_MAX;
    return feed(r, feed_users, STR(""), visit, ctx, err) &&
           feed(r, feed_groups, STR(""), visit, ctx, err) &&
           feed(r, feed_connections, STR(""), visit, ctx, err);
}

static bool feed_what_changed(struct run *r, forecast_feed *feed, struct str watermark,
                              void (*visit)(void *ctx, struct walk *w), void *ctx, struct err *err)
{
    CLEANUP(arena_freep) struct arena *arena = arena_new();
    struct once once = {.arena = arena, .visit = visit, .ctx = ctx};
    bool ok;

    map_init(&once.seen);
    r->cycle.began_us = clock_now(r->engine->clock); /* retries that are due now */
    ok = feed(r, feed_changes, watermark, visit_once, &once, err) &&
         feed(r, feed_retries, STR(""), visit_once, &once, err);
    map_done(&once.seen);
    return ok;
}

static bool forecast(struct run *r, enum plan_of of, forecast_feed *feed,
                     void (*visit)(void *ctx, struct walk *w), void *ctx, struct err *err)
{
    struct str watermark;

    if (!watermark_load(r->db, r->arena, r->job.no, &watermark, err))
        return false;
    return of == PLAN_ALL || str_empty(watermark)
               ? feed_everything(r, feed, visit, ctx, err)
               : feed_what_changed(r, feed, watermark, visit, ctx, err);
}

bool forecast_run(struct run *r, enum plan_of of, void (*visit)(void *ctx, struct walk *w),
                  void *ctx, struct err *err)
{
    return forecast(r, of, run_rehearse, visit, ctx, err);
}

/* --- asking the target --- */

struct ask {
    void (*visit)(void *ctx, struct walk *w);
    void *ctx;
};

static void on_finished(void *ctx, const struct walk *w)
{
    struct ask *a = ctx;

    /* The run is done with the walk, and so is its outcome; what is noted of it goes into its
     * arena. */
    a->visit(a->ctx, (struct walk *)(uintptr_t)w); /* NOLINT(performance-no-int-to-ptr) */
}

/* What the guard would hold is part of the plan: it is judged when the plan is applied. */
static void start_asking(struct walk *w)
{
    run_plan_walk(w);
    if (w->intent == INTENT_NOTHING) {
        run_walk_finish(w);
    } else {
        station_export(w);
    }
}

static bool ask_feed(struct run *r, run_load *load, struct str cursor,
                     void (*visit)(void *ctx, struct walk *w), void *ctx, struct err *err)
{
    struct ask ask = {visit, ctx};
    bool ok;

    snprintf(r->cursor, sizeof(r->cursor), "%.*s", STR_ARG(cursor));
    r->finished = on_finished;
    r->finished_ctx = &ask;
    ok = run_drive(r, load, start_asking, err);
    if (ok && r->aborted) {
        *err = r->err;
        ok = false;
    }
    if (ok && r->paused)
        ok = err_set(err, ERR_UNAVAILABLE, "interrupted", "interrupted: nothing was saved");
    return ok;
}

bool forecast_ask(struct run *r, enum plan_of of, void (*visit)(void *ctx, struct walk *w),
                  void *ctx, struct err *err)
{
    r->send = ENGINE_SHOW;
    r->cycle.id = STR("plan"); /* what can be asked again later is, as in a cycle */
    return run_test_target(r, err) && forecast(r, of, ask_feed, visit, ctx, err);
}

/* --- counting and showing --- */

struct show {
    void (*row)(void *ctx, const struct plan_row *row);
    void *ctx;
    struct plan_counts *counts;
    struct err *err;
    bool failed;
};

static void visit_shown(void *ctx, struct walk *w)
{
    struct show *s = ctx;

    if (s->failed || !guard_foresee(w, s->err)) {
        s->failed = true;
        return;
    }
    s->counts->read++;
    if (w->status == STATUS_FAILURE && w->intent == INTENT_NOTHING)
        s->counts->failed++;
    s->counts->by_intent[w->intent]++;
    if (s->row && (w->intent != INTENT_NOTHING || w->status == STATUS_FAILURE || w->undone)) {
        struct plan_row row = walk_plan_row(w);

        s->row(s->ctx, &row);
    }
}

bool engine_plan(const struct engine *e, int64_t job_no, enum plan_of of,
                 void (*row)(void *ctx, const struct plan_row *row), void *ctx,
                 struct plan_counts *out, struct err *err)
{
    CLEANUP(run_close) struct run r;
    struct plan_counts counts = {0};
    struct show s = {.row = row, .ctx = ctx, .counts = &counts, .err = err};
    struct str removals, updates;

    if (!run_open(&r, e, job_no, true, err) || !guard_open(&r, err) ||
        !forecast_run(&r, of, visit_shown, &s, err) || s.failed ||
        !guard_foretell(&r, HELD_REMOVAL, r.arena, &removals, err) ||
        !guard_foretell(&r, HELD_UPDATE, r.arena, &updates, err))
        return false;
    counts.listed_up_to = listing_worth(&r.settings, counts.by_intent[INTENT_MATCH_OR_CREATE]);
    snprintf(counts.removals_held, PLAN_HELD_MAX, "%.*s", STR_ARG(removals));
    snprintf(counts.updates_held, PLAN_HELD_MAX, "%.*s", STR_ARG(updates));
    *out = counts;
    return true;
}
