#include "engine/drift/reading.h"

enum { PAGE = 200, CURSOR_MAX = 4096, TRIES_MAX = 5 };

struct page_read {
    struct run *run;
    struct reading *reading;
    reading_page *page;
    void *ctx;
    bool ended;
    bool stop;       /* no further page is asked for */
    bool again;      /* the page is asked for once more */
    int64_t wait_us; /* ... after so long */
    bool ok;
    size_t fresh;
    int64_t total;
    char cursor[CURSOR_MAX];
    unsigned tries;
    struct err err;
};

static void incomplete(struct page_read *p, struct str why)
{
    p->reading->why = arena_str(p->run->arena, why);
    p->stop = true;
}

/* Those that were not on an earlier page, the ids of all remembered. */
static bool keep_fresh(struct page_read *p, struct arena *a, const struct target_result *result,
                       struct target_record *out)
{
    for (size_t i = 0; i < result->record_count; i++) {
        struct str ignored;
        size_t found;

        if (result->records[i].id.len == 0) {
            incomplete(p, STR("the target gave accounts without an id"));
            continue;
        }
        if (!diskmap_find(p->reading->seen, a, result->records[i].id, 1, &ignored, &found, &p->err))
            return false;
        if (found > 0)
            continue;
        if (!diskmap_add(p->reading->seen, result->records[i].id, STR(""), &p->err))
            return false;
        out[p->fresh++] = result->records[i];
    }
    return true;
}

static void failed(struct page_read *p, const struct target_result *result)
{
    bool later = result->class_ == TARGET_THROTTLED || result->class_ == TARGET_TRANSIENT;

    if (!later || p->tries >= TRIES_MAX) {
        incomplete(p, result->message);
        return;
    }
    p->again = true;
    p->wait_us = result->retry_after_ms >= 0 ? result->retry_after_ms * US_PER_MS
                                             : US_PER_SECOND << p->tries;
    p->tries++;
}

static void on_page(void *ctx, const struct target_result *result)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct target_record *records = ARENA_ARRAY(a, struct target_record, result->record_count + 1);
    struct page_read *p = ctx;

    p->ended = true;
    if (result->status != TARGET_OK) {
        failed(p, result);
        return;
    }
    if (p->total >= 0 && result->total >= 0 && result->total != p->total)
        p->reading->why = STR("the number of accounts changed while they were read");
    p->total = result->total;
    p->fresh = 0;
    p->ok = keep_fresh(p, a, result, records) && p->page(p->ctx, records, p->fresh, &p->err);
    p->reading->accounts += (int64_t)p->fresh;
    if (result->next.len >= sizeof(p->cursor)) {
        incomplete(p, STR("the cursor of the next page is too long"));
    } else {
        (void)snprintf(p->cursor, sizeof(p->cursor), "%.*s", STR_ARG(result->next));
    }
}

void reading_begin(struct run *r, const struct engine_reading *how)
{
    r->heeds_pause = true;
    r->stop = how ? how->stop : NULL;
}

static void tell(const struct reading *reading)
{
    if (reading->how && reading->how->progress)
        reading->how->progress(reading->how->ctx, reading->before + reading->accounts);
}

bool reading_all(struct run *r, const struct mapping_object *m, bool references, reading_page *page,
                 void *ctx, struct reading *out, struct err *err)
{
    struct page_read p = {
        .run = r, .reading = out, .page = page, .ctx = ctx, .ok = true, .total = -1};
    bool more;

    out->accounts = 0;
    out->complete = false;
    out->why = (struct str){0};
    do {
        struct target_page want = {
            .cursor = str_from_z(p.cursor), .count = PAGE, .references = references};

        p.ended = p.again = false;
        r->target->ops->list(r->target, m, &want, on_page, &p);
        while (!p.ended) {
            r->target->ops->run(r->target, RUN_SIGNAL_US / US_PER_MS);
            run_look_for_signals(r);
        }
        tell(out);
        if (p.again)
            run_wait(r, p.wait_us);
        run_look_for_signals(r);
        more = p.again || (p.cursor[0] && p.fresh > 0);
    } while (p.ok && !p.stop && more && !r->stopping);
    if (!p.ok) {
        *err = p.err;
        return false;
    }
    if (r->stopping && more)
        out->why = STR(READING_STOPPED);
    if (out->why.len == 0 && p.total >= 0 && out->accounts < p.total) {
        out->why = arena_printf(r->arena, "the target says that it has %lld, but gave %lld",
                                (long long)p.total, (long long)out->accounts);
    }
    out->complete = out->why.len == 0;
    return true;
}
