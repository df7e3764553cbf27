/* The gate of a cycle (engine.md 3.1, 8): before anything is sent it walks, from local state alone,
 * what the cycle will look at, writes every removal and every change of a matching or sign-in
 * attribute to disk, and judges them as a set. What is admitted is sent in a phase of its own,
 * before creates and updates, each row planned again at that moment. A page is one transaction
 * behind the fence of the lease: a cycle that dies goes on after the last page. */
#include "engine/cycle/run.h"
#include "engine/guard/guard.h"

/* --- what is looked at --- */

/* All connected objects. Cursor: "u" or "g" and the source id of the last one seen; users first. */
static bool feed_connected(struct run *r, struct str cursor, struct feed_page *page,
                           struct err *err)
{
    enum source_kind kind = str_starts(cursor, STR("g")) ? SOURCE_GROUP : SOURCE_USER;
    struct connection *found;
    size_t count;

    if (!connection_page(r->db, page->arena, r->job.no, kind, str_from(cursor, 1), RUN_PAGE_SIZE,
                         &found, &count, err))
        return false;
    if (!feed_entries(r, page, found, count, err))
        return false;
    page->last = count < RUN_PAGE_SIZE && kind == SOURCE_GROUP;
    page->next = count < RUN_PAGE_SIZE
                     ? STR("g")
                     : arena_printf(page->arena, "%c%.*s", kind == SOURCE_USER ? 'u' : 'g',
                                    STR_ARG(found[count - 1].source_id));
    return true;
}

/* The parts by the letter that the gate's cursor begins with. */
static const struct part {
    char letter;
    enum cycle_kind kind;
    run_load *load;
} parts[] = {
    {'a', CYCLE_INITIAL, feed_connected},
    {'c', CYCLE_INCREMENTAL, feed_changes},
    {'r', CYCLE_INCREMENTAL, feed_retries},
};

/* --- a page --- */

struct note {
    bool remove;
    struct held row;
};

static struct held copy_row(struct arena *a, const struct held *h)
{
    struct held copy = *h;

    copy.source_id = arena_str(a, h->source_id);
    copy.name = arena_str(a, h->name);
    copy.target_id = arena_str(a, h->target_id);
    copy.code = arena_str(a, h->code);
    copy.reason = arena_str(a, h->reason);
    copy.cycle_id = arena_str(a, h->cycle_id);
    copy.tried_cycle = arena_str(a, h->tried_cycle);
    return copy;
}

/* What remains of an older row when the object plans the same class again. */
static void keep_decision(struct held *row, const struct held *older)
{
    bool same = older->class_ == row->class_ && older->action == row->action;

    if (older->class_ != row->class_)
        return;
    row->tried_cycle = older->tried_cycle;
    switch (older->state) {
    case HELD_WAITING:
    case HELD_RELEASED:
        row->state = older->state;
        row->planned_us = older->planned_us;
        break;
    case HELD_ALLOWED: /* of this action, no other */
        row->state = same ? HELD_ALLOWED : HELD_PLANNED;
        break;
    case HELD_REJECTED: /* until the object or the verdict on it changes */
        if (same && older->version == row->version && str_eq(older->code, row->code))
            row->state = HELD_REJECTED;
        break;
    case HELD_PLANNED:
    case HELD_SENT:
    case HELD_STATE_COUNT:
        break;
    }
}

/* What the walk means for the table; false in *out_any when nothing. */
static bool note_walk(struct run *r, struct walk *w, struct arena *a, struct note *out,
                      bool *out_any, struct err *err)
{
    bool found = false;
    enum held_class class_;
    bool concerned = guard_concerns(w, &class_) && (class_ == HELD_REMOVAL || r->settings.guard);
    struct held older;

    *out_any = false;
    if (r->guard.rows && !held_load(r->db, a, r->job.no, w->entry.id, &older, &found, err))
        return false;
    if (!concerned && !found)
        return true;
    *out_any = true;
    if (concerned) {
        struct held row = guard_row(w, class_);

        if (found)
            keep_decision(&row, &older);
        *out = (struct note){.row = copy_row(a, &row)};
    } else { /* what could not be planned stays as it is */
        *out = (struct note){.row = older, .remove = w->status != STATUS_FAILURE};
        out->row.cycle_id = r->cycle.id;
    }
    return true;
}

static bool note_page(struct run *r, struct feed_page *page, struct note **out, size_t *out_count,
                      struct err *err)
{
    struct note *notes = ARENA_ARRAY(page->arena, struct note, page->count);
    size_t count = 0;
    bool any = false;
    bool ok = true;

    page->unfinished = 1; /* never released by its walks */
    for (size_t i = 0; ok && i < page->count; i++) {
        struct walk *w = run_walk_new(r, page, i);

        run_plan_walk(w);
        ok = note_walk(r, w, page->arena, &notes[count], &any, err);
        count += ok && any;
        run_walk_recycle(r, w);
    }
    *out = notes;
    *out_count = count;
    return ok;
}

static bool write_notes(struct run *r, const struct note *notes, size_t count, struct err *err)
{
    struct job_pulse pulse;

    for (size_t i = 0; i < count; i++) {
        if (notes[i].remove ? !held_remove(r->db, r->job.no, notes[i].row.source_id, err)
                            : !held_save(r->db, r->job.no, &notes[i].row, err))
            return false;
    }
    r->cycle.cursor = str_from_z(r->cursor);
    return (!pulse_take(r, &pulse) || job_pulse_save(r->db, r->job.no, &pulse, err)) &&
           cycle_update(r->db, &r->cycle, err);
}

/* Reads a page, notes it and moves the cursor. A page without anything to write is not worth a
 * commit, but now and then one keeps the lease. */
static bool gate_page(struct run *r, const struct part *part, bool *out_last, struct err *err)
{
    CLEANUP(arena_freep) struct arena *arena = arena_new();
    struct feed_page page = {.arena = arena};
    int64_t now = clock_monotonic_us();
    struct note *notes;
    size_t count;

    if (!part->load(r, str_from(str_from_z(r->cursor), 1), &page, err) ||
        !note_page(r, &page, &notes, &count, err))
        return false;
    snprintf(r->cursor, sizeof(r->cursor), "%c%.*s", part->letter, STR_ARG(page.next));
    *out_last = page.last;
    r->pulse.done += (int64_t)page.count;
    if (count == 0 && now - r->last_commit_us < RUN_HEARTBEAT_US && !pulse_due(r))
        return true;
    r->guard.rows |= count > 0;
    r->last_commit_us = now;
    return run_write_end(r, run_write_begin(r, err) && write_notes(r, notes, count, err), err);
}

static bool run_part(struct run *r, const struct part *part, struct err *err)
{
    bool last = false;

    if (r->cursor[0] > part->letter) /* passed before the cycle was cut short */
        return true;
    if (r->cursor[0] != part->letter) {
        snprintf(r->cursor, sizeof(r->cursor), "%c%.*s", part->letter,
                 STR_ARG(part->letter == 'c' ? r->cycle.watermark : STR("")));
    }
    while (!last && !r->stopping) {
        run_look_for_signals(r);
        if (!r->stopping && !gate_page(r, part, &last, err))
            return false;
    }
    return true;
}

/* --- the verdict --- */

static bool judge_class(struct run *r, enum held_class class_, const struct held_counts *c,
                        struct err *err)
{
    const int64_t *n = c->n[class_];
    struct guard_numbers numbers = {
        .planned = n[HELD_PLANNED] + n[HELD_WAITING] + n[HELD_RELEASED] + c->decided[class_],
    };
    CLEANUP(arena_freep) struct arena *tmp = arena_new();

    if (n[HELD_PLANNED] + n[HELD_WAITING] + n[HELD_RELEASED] == 0)
        return true;
    if (!guard_numbers_load(r->db, r->job.no, &r->settings, class_, clock_now(r->engine->clock),
                            &numbers, err) ||
        (n[HELD_WAITING] > 0 && !guard_numbers_as_held(r->db, r->job.no, class_, &numbers, err)))
        return false;
    if (guard_judge(&r->settings, &numbers) == GUARD_WITHIN) {
        return n[HELD_WAITING] == 0 ||
               held_move(r->db, r->job.no, class_, HELD_WAITING, HELD_RELEASED, err);
    }
    if (n[HELD_PLANNED] + n[HELD_RELEASED] > 0) {
        log_event(LOG_WARNING, "guard_tripped", LOG_NUM("job", r->job.no),
                  LOG_TEXT("name", r->job.name),
                  LOG_TEXT("why", guard_explain(&r->settings, &numbers, class_, tmp)));
    }
    return held_series_save(r->db, r->job.no, class_,
                            &(struct held_series){numbers.sent, numbers.connected}, err) &&
           held_move(r->db, r->job.no, class_, HELD_PLANNED, HELD_WAITING, err) &&
           held_move(r->db, r->job.no, class_, HELD_RELEASED, HELD_WAITING, err);
}

static bool judge(struct run *r, struct err *err)
{
    int64_t window = clock_now(r->engine->clock) - r->settings.guard_window_us;
    struct held_counts counts;

    return (r->cycle.kind != CYCLE_INITIAL ||
            held_forget_unseen(r->db, r->job.no, r->cycle.id, err)) &&
           held_sent_forget(r->db, r->job.no, window, err) &&
           held_count(r->db, r->job.no, &counts, err) &&
           judge_class(r, HELD_REMOVAL, &counts, err) &&
           judge_class(r, HELD_UPDATE, &counts, err) &&
           guard_settle(r->engine, r->db, r->job.no, err);
}

static bool verdict(struct run *r, struct err *err)
{
    if (!r->guard.rows && !r->job.quarantined)
        return true;
    if (!run_write_end(r, run_write_begin(r, err) && judge(r, err), err))
        return false;
    return job_load_no(r->db, r->arena, r->job.no, &r->job, err) && guard_open(r, err);
}

bool gate_run(struct run *r, struct err *err)
{
    r->last_commit_us = clock_monotonic_us();
    if (r->guard.rows && !run_write_end(r,
                                        run_write_begin(r, err) &&
                                            held_begin_cycle(r->db, r->job.no, r->cycle.id, err),
                                        err))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        if (parts[i].kind == r->cycle.kind && (parts[i].letter != 'r' || r->had_retries) &&
            !run_part(r, &parts[i], err))
            return false;
    }
    return r->stopping || verdict(r, err);
}

/* --- what is admitted --- */

/* In this order; removals first, so that unique values and licences are free again. Updates that
 * the gate has just admitted come with all others. */
static const struct {
    enum held_class class_;
    enum held_state state;
} admitted[] = {
    {HELD_REMOVAL, HELD_ALLOWED}, {HELD_REMOVAL, HELD_RELEASED}, {HELD_REMOVAL, HELD_PLANNED},
    {HELD_UPDATE, HELD_ALLOWED},  {HELD_UPDATE, HELD_RELEASED},
};

/* One that failed waits for its retry, which the gate then sees. */
static bool is_due(const struct run *r, const struct held *h)
{
    return !str_eq(h->tried_cycle, r->cycle.id) &&
           (h->tried_cycle.len == 0 || str_eq(h->cycle_id, r->cycle.id));
}

/* Cursor: the number of the part and the source id of the last one seen. */
bool feed_admitted(struct run *r, struct str cursor, struct feed_page *page, struct err *err)
{
    size_t at = str_empty(cursor) ? 0 : (size_t)(cursor.ptr[0] - '0');
    struct held *rows;
    size_t count;

    if (at >= ARRAY_LEN(admitted)) {
        page->last = true;
        page->next = cursor;
        return true;
    }
    if (!held_page(r->db, page->arena, r->job.no, admitted[at].state, admitted[at].class_,
                   str_from(cursor, 1), RUN_PAGE_SIZE, &rows, &count, err))
        return false;
    page->entries = ARENA_ARRAY(page->arena, struct source_entry, count);
    for (size_t i = 0; i < count; i++) {
        if (is_due(r, &rows[i]) && !feed_entry(r, page, rows[i].source_id, rows[i].kind,
                                               rows[i].name, &page->entries[page->count++], err))
            return false;
    }
    page->last = count < RUN_PAGE_SIZE && at + 1 == ARRAY_LEN(admitted);
    page->next = count < RUN_PAGE_SIZE
                     ? arena_printf(page->arena, "%zu", at + 1)
                     : arena_printf(page->arena, "%zu%.*s", at, STR_ARG(rows[count - 1].source_id));
    return feed_connections_of(r, page, err);
}

/* The row may have become another matter since it was judged: then what follows in the cycle, or
 * the next one, does what is to be done. */
void gate_start(struct walk *w)
{
    struct run *r = w->run;
    struct err err = {.kind = ERR_NONE};
    struct held row;
    bool found;

    run_plan_walk(w);
    r->guard.tried = true;
    if (!held_load(r->db, w->arena, r->job.no, w->entry.id, &row, &found, &err)) {
        walk_fail(w, TARGET_TRANSIENT, "InternalError", "%s", err.message);
        run_walk_finish(w);
        return;
    }
    if (found && w->status == STATUS_FAILURE) { /* what cannot be planned fails here, once */
        w->guard = (struct walk_guard){.mark = GUARD_APPROVED, .has_row = true};
    } else if (!found || !guard_pass_row(w, &row)) {
        w->guard.mark = found ? GUARD_DROP : GUARD_FREE;
        w->again_in_cycle = w->silent = true;
        w->intent = INTENT_NOTHING;
    }
    if (w->intent == INTENT_NOTHING) {
        run_walk_finish(w);
    } else {
        station_export(w);
    }
}
