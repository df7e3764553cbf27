/* Drives a run: pages of a feed become walks, and walks go on, until the feed is at its end or the
 * run is to stop. */
#include "engine/cycle/listing.h"
#include "engine/cycle/restart.h"
#include "engine/cycle/run.h"
#include "engine/failures/doubt.h"
#include "engine/failures/governor.h"
#include "job/said.h"

void run_abort(struct run *r, const struct err *err)
{
    r->stopping = true;
    if (r->aborted)
        return;
    r->aborted = true;
    r->err = *err;
}

/* Whether one of the page's objects is on a walk already: two at once could overtake each other,
 * and the page does not show yet what the first one leaves behind (engine.md 3.1). */
static bool is_too_early(const struct run *r, const struct feed_page *page)
{
    for (size_t i = 0; page->repeats && i < page->count; i++) {
        if (map_get(&r->under_way, page->entries[i].id))
            return true;
    }
    return false;
}

/* The next page of the feed, or none yet (r->settling). */
static bool next_page(struct run *r, run_load *load, struct str cursor, struct err *err)
{
    struct feed_page *page = mem_alloc(sizeof(*page));

    page->arena = arena_new();
    if (!load(r, cursor, page, err)) {
        arena_free(page->arena);
        free(page);
        return false;
    }
    r->settling = is_too_early(r, page) || (page->waits && r->alive > 0);
    if (r->settling) {
        arena_free(page->arena);
        free(page);
        return true;
    }
    page->unfinished = page->count;
    if (r->last_page) {
        r->last_page->after = page;
    } else {
        r->first_page = page;
    }
    r->last_page = page;
    return true;
}

void run_plan_walk(struct walk *w)
{
    walk_plan(w, &w->run->walk_job);
    undo_hold(w);
}

void run_start_walk(struct walk *w)
{
    run_plan_walk(w);
    guard_pass(w);
    if (w->intent == INTENT_NOTHING) {
        if (doubt_look(w))
            return;
        run_walk_finish(w);
    } else {
        station_export(w);
    }
}

/* Whether somebody elsewhere paused the job, or this process is asked to stop. */
void run_look_for_signals(struct run *r)
{
    int64_t now = clock_monotonic_us();
    int64_t signal;
    struct err err;
    struct job job;

    if (r->stop && atomic_load(r->stop))
        r->stopping = r->paused = true;
    if (r->stopping && r->governor)
        governor_shut(r->governor);
    if (now - r->signal_checked_us < RUN_SIGNAL_US || (r->cycle.id.len == 0 && !r->heeds_pause))
        return;
    r->signal_checked_us = now;
    if (r->observer && r->observer->progress)
        r->observer->progress(r->observer->ctx, &r->job, &r->cycle);
    if (!job_signal_read(r->db, r->job.no, &signal, &err) || signal == r->signal_seen)
        return;
    r->signal_seen = signal;
    if (job_load_no(r->db, r->arena, r->job.no, &job, &err) && job.state != JOB_ACTIVE)
        r->stopping = r->paused = true;
    if (restart_stops(r))
        r->stopping = r->paused = true;
}

void run_wait(struct run *r, int64_t us)
{
    int64_t until = clock_monotonic_us() + us;
    int64_t now;

    while ((now = clock_monotonic_us()) < until && !r->stopping) {
        int64_t left_us = until - now < RUN_SIGNAL_US ? until - now : RUN_SIGNAL_US;

        r->target->ops->run(r->target, left_us / US_PER_MS + 1);
        run_look_for_signals(r);
    }
}

/* How long until the target is asked again after a failure; -1: it is not. */
static int64_t test_wait_us(struct run *r, const struct err *why, unsigned tries)
{
    static const int64_t quick_tries_us[] = {1 * US_PER_SECOND, 5 * US_PER_SECOND};
    const int64_t patience_us = RUN_LEASE_US / 2; /* the lease has to outlive it */
    int64_t asked_us = r->governor ? governor_hold_us(r->governor) : 0;
    int64_t wait;

    if (why->kind != ERR_UNAVAILABLE || tries >= ARRAY_LEN(quick_tries_us) ||
        asked_us > patience_us || r->stopping)
        return -1;
    wait = quick_tries_us[tries];
    wait += (int64_t)rng_below(r->engine->rng, (uint64_t)wait / 4);
    return wait > asked_us ? wait : asked_us;
}

/* What it has said within a day (scim.md 10.1), of the same address. */
static bool recall(struct run *r)
{
    struct job_said said;
    bool found;
    struct err err;
    int64_t age_us;

    if (!job_said_load(r->db, r->arena, r->job.no, &said, &found, &err)) {
        log_error("said_not_loaded", &err);
        return false;
    }
    age_us = clock_now(r->engine->clock) - said.asked_us;
    if (!found || age_us < 0 || age_us >= US_PER_DAY || !str_eq(said.base_url, r->job.base_url))
        return false;
    r->target->ops->recall(r->target, said.text);
    return true;
}

void run_remember_said(struct run *r)
{
    struct job_said said = {.base_url = r->job.base_url, .asked_us = clock_now(r->engine->clock)};
    struct err err;

    if (!r->target->ops->said)
        return;
    said.text = r->target->ops->said(r->target, r->arena);
    if (!job_said_save(r->db, r->job.no, &said, &err))
        log_error("said_not_saved", &err);
}

bool run_test_target(struct run *r, struct err *err)
{
    bool recalled = r->target->ops->recall && recall(r);
    unsigned tries = 0;
    int64_t wait;

    while (!r->target->ops->test(r->target, err)) {
        wait = test_wait_us(r, err, tries++);
        if (wait < 0)
            return false;
        run_wait(r, wait);
    }
    if (!recalled)
        run_remember_said(r);
    return true;
}

static void release_delayed(struct run *r)
{
    int64_t now = clock_monotonic_us();
    struct walk *list = r->delayed;

    r->delayed = NULL;
    while (list) {
        struct walk *w = list;

        list = w->next;
        if (r->stopping) {
            export_abandon(w);
        } else if (w->not_before_us <= now) {
            export_again(w);
        } else {
            w->next = r->delayed;
            r->delayed = w;
        }
    }
}

/* When the batch at hand goes to the recorder although it is small: not while that is busy. */
static int64_t flush_at_us(const struct run *r)
{
    return r->batch && r->batches_out == 0 ? r->batch_since_us + RUN_FLUSH_US : INT64_MAX;
}

static int64_t wait_ms(const struct run *r)
{
    int64_t until = clock_monotonic_us() + 100 * US_PER_MS;

    for (const struct walk *w = r->delayed; w; w = w->next)
        until = w->not_before_us < until ? w->not_before_us : until;
    if (flush_at_us(r) < until)
        until = flush_at_us(r);
    until -= clock_monotonic_us();
    return until < 0 ? 0 : until / US_PER_MS + 1;
}

static void flush_when_due(struct run *r)
{
    int64_t now = clock_monotonic_us();

    /* Nothing is started until what is under way is recorded: the batch need not wait for more. */
    bool waited_for = (r->settling || listing_settles(r)) && r->in_flight == 0 && r->batch;

    if ((waited_for && r->batches_out == 0) || now >= flush_at_us(r) ||
        (r->cursor_moved && now - r->last_commit_us >= RUN_SIGNAL_US) ||
        (r->leased && (now - r->last_commit_us >= RUN_HEARTBEAT_US || pulse_due(r))))
        recorder_flush(r);
}

static bool may_start(struct run *r)
{
    return !r->stopping && r->in_flight < r->window + 2 * r->bulk.at_once &&
           r->alive < RUN_ALIVE_MAX && !((r->settling || listing_settles(r)) && r->alive > 0) &&
           (r->hold_until_us == 0 || r->hold_until_us <= clock_monotonic_us());
}

/* Starts the walks of the pages at hand and loads at most one page more, so that the loop comes
 * round; *out_end when the feed has no more. */
static bool fill(struct run *r, run_load *load, void (*start)(struct walk *w), bool *out_end,
                 struct err *err)
{
    bool loaded = false;

    while (may_start(r)) {
        struct feed_page *page = r->last_page;

        /* The newest page is the one being started; it stays in the list until all of it is
         * finished. */
        if (page && page->index < page->count) {
            start(run_walk_new(r, page, page->index++));
            continue;
        }
        *out_end = r->feed_ended;
        if (r->feed_ended || loaded)
            return true;
        if (!next_page(r, load, r->feed_at, err))
            return false;
        if (r->settling)
            continue;
        loaded = true;
        page = r->last_page;
        snprintf(r->feed_at_text, sizeof(r->feed_at_text), "%.*s", STR_ARG(page->next));
        r->feed_at = str_from_z(r->feed_at_text);
        r->feed_ended = page->last;
        run_pass_pages(r); /* an empty page has nothing to wait for */
    }
    return true;
}

bool run_drive(struct run *r, run_load *load, void (*start)(struct walk *w), struct err *err)
{
    bool end = false;
    bool ok = true;

    snprintf(r->feed_at_text, sizeof(r->feed_at_text), "%s", r->cursor);
    r->feed_at = str_from_z(r->feed_at_text);
    r->feed_ended = false;
    for (;;) {
        run_look_for_signals(r);
        if (ok && !fill(r, load, start, &end, err)) {
            ok = false;
            r->stopping = true;
        }
        release_delayed(r);
        listing_turn(r);
        bulk_turn(r, end || !may_start(r));
        if (r->in_flight == 0 && (end || r->stopping))
            break;
        if (r->leased)
            flush_when_due(r);
        r->target->ops->run(r->target, may_start(r) && !end ? 0 : wait_ms(r));
        if (r->leased)
            recorder_collect(r);
    }
    /* What was not started stays for the next run: the cursor has not moved over it. */
    if (r->leased && !recorder_drain(r, ok ? err : NULL))
        return false;
    return ok;
}

bool run_rehearse(struct run *r, run_load *load, struct str cursor,
                  void (*visit)(void *ctx, struct walk *w), void *ctx, struct err *err)
{
    char at[RUN_CURSOR_MAX];
    bool last = false;

    snprintf(at, sizeof(at), "%.*s", STR_ARG(cursor));
    while (!last) {
        CLEANUP(arena_freep) struct arena *arena = arena_new();
        struct feed_page page = {.arena = arena, .unfinished = 1}; /* never released by its walks */

        run_look_for_signals(r);
        if (r->stopping)
            return err_set(err, ERR_UNAVAILABLE, "interrupted", "interrupted: nothing was saved");
        if (!load(r, str_from_z(at), &page, err))
            return false;
        for (size_t i = 0; i < page.count; i++) {
            struct walk *w = run_walk_new(r, &page, i);

            run_plan_walk(w);
            visit(ctx, w);
            run_walk_recycle(r, w);
        }
        snprintf(at, sizeof(at), "%.*s", STR_ARG(page.next));
        last = page.last;
    }
    return true;
}
