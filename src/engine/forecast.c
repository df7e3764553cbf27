/* A plan without sending: the pure stations over what the next cycle would be fed with, from local
 * state (engine.md 23 says how plans are saved and applied). Nothing is written, no lease is
 * needed. */
#include "engine/run.h"

struct forecast {
    void (*row)(void *ctx, const struct plan_row *row);
    void *ctx;
    struct plan_counts *counts;
};

static void visit(void *ctx, struct walk *w)
{
    struct forecast *f = ctx;

    f->counts->read++;
    if (w->status == STATUS_FAILURE && w->intent == INTENT_NOTHING)
        f->counts->failed++;
    f->counts->by_intent[w->intent]++;
    if (f->row && (w->intent != INTENT_NOTHING || w->status == STATUS_FAILURE)) {
        struct plan_row row = walk_plan_row(w);

        f->row(f->ctx, &row);
    }
}

static bool rehearse_all(struct run *r, struct forecast *f, struct err *err)
{
    /* No cycle runs: every connection that a full read does not show is looked at. */
    r->cycle.began_us = INT64_MAX;
    return run_rehearse(r, feed_users, STR(""), visit, f, err) &&
           run_rehearse(r, feed_groups, STR(""), visit, f, err) &&
           run_rehearse(r, feed_connections, STR(""), visit, f, err);
}

bool engine_plan(const struct engine *e, int64_t job_no, enum plan_of of,
                 void (*row)(void *ctx, const struct plan_row *row), void *ctx,
                 struct plan_counts *out, struct err *err)
{
    CLEANUP(run_close) struct run r;
    struct plan_counts counts = {0};
    struct forecast f = {.row = row, .ctx = ctx, .counts = &counts};
    struct str watermark;
    bool ok;

    if (!run_open(&r, e, job_no, true, err) ||
        !watermark_load(r.db, r.arena, job_no, &watermark, err))
        return false;
    if (of == PLAN_ALL || str_empty(watermark)) {
        ok = rehearse_all(&r, &f, err);
    } else {
        r.cycle.began_us = clock_now(e->clock); /* retries that are due now */
        ok = run_rehearse(&r, feed_changes, watermark, visit, &f, err) &&
             run_rehearse(&r, feed_retries, STR(""), visit, &f, err);
    }
    if (ok)
        *out = counts;
    return ok;
}
