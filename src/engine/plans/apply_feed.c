/* The rows of a plan as a feed of walks. A page that comes too early is thrown away and asked for
 * again, so that the cursor says where it began. */
#include "engine/plans/apply_run.h"

static bool selected_row(struct run *r, struct arena *a, struct plan_row *out, bool *out_row,
                         struct err *err)
{
    struct apply *p = r->apply;

    do {
        if (!plan_reader_next(&p->reader, a, out, out_row, err))
            return false;
    } while (*out_row && (out->intent == INTENT_NOTHING || !apply_selects(&p->selection, out)));
    return true;
}

static bool row_entry(struct run *r, struct feed_page *page, const struct plan_row *row,
                      struct source_entry *out, struct err *err)
{
    bool found;

    if (!r->source->ops->read(r->source, row->source_id, page->arena, out, &found, err))
        return false;
    if (!found)
        *out = (struct source_entry){.id = row->source_id, .kind = row->kind, .gone = true};
    if (str_empty(out->display_name))
        out->display_name = row->source_name;
    return true;
}

static bool row_connection(struct run *r, struct feed_page *page, size_t i, struct err *err)
{
    struct connection *c = ARENA_NEW(page->arena, struct connection);
    bool found;

    if (!connection_load(r->db, page->arena, r->job.no, page->entries[i].id, c, &found, err))
        return false;
    page->connections[i] = found ? c : NULL;
    return true;
}

/* Cursor: "LINE OFFSET" of the first row of the page; empty: the first of all. */
static bool go_to(struct plan_reader *reader, struct str cursor, struct err *err)
{
    struct plan_place now, place;
    struct str line;

    if (str_empty(cursor))
        return plan_reader_rewind(reader, err);
    if (!str_cut(&cursor, ' ', &line) || !str_to_int(line, 1, INT64_MAX, &place.line_no) ||
        !str_to_int(cursor, 1, INT64_MAX, &place.offset)) {
        return err_set(err, ERR_INTERNAL, "badCursor", "'%.*s' is no place in a plan",
                       STR_ARG(cursor));
    }
    return plan_reader_tell(reader, &now, err) &&
           (now.offset == place.offset || plan_reader_seek(reader, place, err));
}

bool apply_feed_rows(struct run *r, struct str cursor, struct feed_page *page, struct err *err)
{
    struct plan_row *rows = ARENA_ARRAY(page->arena, struct plan_row, RUN_PAGE_SIZE);
    struct plan_place end;
    bool more = true;

    if (!go_to(&r->apply->reader, cursor, err))
        return false;
    page->rows = rows;
    page->entries = ARENA_ARRAY(page->arena, struct source_entry, RUN_PAGE_SIZE);
    page->connections = ARENA_ARRAY(page->arena, struct connection *, RUN_PAGE_SIZE);
    page->repeats = true;
    while (page->count < RUN_PAGE_SIZE) {
        size_t i = page->count;

        if (!selected_row(r, page->arena, &rows[i], &more, err))
            return false;
        if (!more)
            break;
        if (!row_entry(r, page, &rows[i], &page->entries[i], err) ||
            !row_connection(r, page, i, err))
            return false;
        page->count++;
    }
    if (!plan_reader_tell(&r->apply->reader, &end, err))
        return false;
    page->last = !more;
    page->next =
        arena_printf(page->arena, "%lld %lld", (long long)end.line_no, (long long)end.offset);
    return true;
}
