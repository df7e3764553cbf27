/* What comes up by time and not by a change of the source: removals whose grace period is over and
 * verdicts that turn (job/due.h). Fed in the phase of the retries; the job is woken when the next
 * one is due. */
#include "engine/cycle/run.h"

/* Source ids begin otherwise. */
#define MARK STR("!")

static bool rows_of(void *ctx, const struct source_entry *entry, struct arena *a,
                    struct due out[DUE_REASON_COUNT], bool found[DUE_REASON_COUNT], struct err *err)
{
    struct run *r = ctx;

    return due_of(r->db, a, r->job.no, entry->id, out, found, err);
}

/* Whether this run may write rows: then it has to read them, too. */
static bool may_keep(const struct run *r)
{
    const struct mapping_program *p = r->walk_job.program;
    bool keeps = !r->settings.delete_after_unassign;

    for (size_t i = 0; i < REMOVAL_EVENT_COUNT; i++)
        keeps |= r->settings.removal[i].grace_us > 0;
    for (size_t i = 0; i < p->object_count; i++)
        keeps |= p->objects[i].enabled && mapping_needs_now(&p->objects[i]);
    return keeps;
}

bool due_run_open(struct run *r, struct err *err)
{
    int64_t first;
    bool any;

    if (!due_any(r->db, r->job.no, &any, err) ||
        !due_next(r->db, r->job.no, INT64_MIN, &first, err))
        return false;
    r->had_due = first <= r->walk_job.now_us;
    if (any || may_keep(r))
        r->walk_job.others.due_of = rows_of;
    return true;
}

int64_t due_wake_us(struct run *r, int64_t otherwise)
{
    struct err err;
    int64_t next;

    if (!due_next(r->db, r->job.no, r->walk_job.now_us, &next, &err)) {
        log_error("due_not_read", &err);
        return otherwise;
    }
    return next < otherwise ? next : otherwise;
}

struct str feed_due_start(void)
{
    return MARK;
}

bool feed_is_due(struct str cursor)
{
    return str_starts(cursor, MARK);
}

/* "!DUE REASON ID" */
static bool parse_cursor(struct str cursor, struct due *out, struct err *err)
{
    struct str rest = str_from(cursor, MARK.len);
    struct str time, reason;
    int64_t n;

    *out = (struct due){.due_us = INT64_MIN};
    if (rest.len == 0)
        return true;
    if (!str_cut(&rest, ' ', &time) || !str_cut(&rest, ' ', &reason) ||
        !str_to_int(time, INT64_MIN, INT64_MAX, &out->due_us) ||
        !str_to_int(reason, 0, UINT32_MAX, &n)) {
        return err_set(err, ERR_INTERNAL, "badCursor", "'%.*s' is no cursor", STR_ARG(cursor));
    }
    out->reason = (unsigned)n;
    out->source_id = rest;
    return true;
}

/* Due for another reason, at another time: two walks of one object would overtake each other. */
static bool is_in(const struct feed_page *page, struct str source_id)
{
    for (size_t i = page->count; i-- > 0;) {
        if (str_eq(page->entries[i].id, source_id))
            return true;
    }
    return false;
}

bool feed_due(struct run *r, struct str cursor, struct feed_page *page, struct err *err)
{
    struct due after;
    struct due *rows;
    size_t count;

    if (!parse_cursor(cursor, &after, err) ||
        !due_page(r->db, page->arena, r->job.no, r->walk_job.now_us, &after, RUN_PAGE_SIZE, &rows,
                  &count, err))
        return false;
    page->repeats = true;
    page->entries = ARENA_ARRAY(page->arena, struct source_entry, count);
    for (size_t i = 0; i < count; i++) {
        struct source_entry *e = &page->entries[page->count];

        if (is_in(page, rows[i].source_id))
            continue;
        if (!feed_entry(r, page, rows[i].source_id, rows[i].kind, rows[i].display_name, e, err))
            return false;
        page->count++;
    }
    page->last = count < RUN_PAGE_SIZE;
    page->next = cursor;
    if (count > 0) {
        const struct due *last = &rows[count - 1];

        page->next = arena_printf(page->arena, "!%lld %u %.*s", (long long)last->due_us,
                                  last->reason, STR_ARG(last->source_id));
    }
    return feed_connections_of(r, page, err);
}
