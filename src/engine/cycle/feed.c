/* What feeds a run: all objects of a kind, the connections that a full read does not show, the
 * changes since a watermark, due retries, or one object. Each gives a page: source entries with
 * their connections beside them. The cost is that of the page: connections of a full page are read
 * as one range and merged, those of changes one by one through the index. */
#include "engine/cycle/run.h"
#include "job/retry.h"

static void page_connections(struct feed_page *page)
{
    page->connections = ARENA_ARRAY(page->arena, struct connection *, page->count);
}

/* Entries are in id order: their connections are a range of the index, read in pieces since others
 * may lie between. */
static bool merge_connections(struct run *r, struct feed_page *page, struct err *err)
{
    enum { AT_ONCE = 2 * RUN_PAGE_SIZE };
    struct connection *found;
    size_t count = AT_ONCE;
    size_t i = 0;
    struct str from, to;

    page_connections(page);
    if (page->count == 0)
        return true;
    from = page->entries[0].id;
    to = page->entries[page->count - 1].id;
    while (count == AT_ONCE) {
        if (!connection_range(r->db, page->arena, r->job.no, from, to, AT_ONCE, &found, &count,
                              err))
            return false;
        for (size_t at = 0; at < count; at++) {
            while (i < page->count && str_cmp(page->entries[i].id, found[at].source_id) < 0)
                i++;
            if (i < page->count && str_eq(page->entries[i].id, found[at].source_id))
                page->connections[i] = &found[at];
        }
        if (count > 0)
            from = found[count - 1].source_id; /* read again, found equal */
    }
    return true;
}

bool feed_connections_of(struct run *r, struct feed_page *page, struct err *err)
{
    page_connections(page);
    for (size_t i = 0; i < page->count; i++) {
        struct connection *c = ARENA_NEW(page->arena, struct connection);
        bool found;

        if (!connection_load(r->db, page->arena, r->job.no, page->entries[i].id, c, &found, err))
            return false;
        page->connections[i] = found ? c : NULL;
    }
    return true;
}

static void take_page(struct feed_page *page, const struct source_page *from)
{
    page->entries = from->entries;
    page->count = from->count;
    page->next = from->next;
    page->last = from->last;
}

static bool full(struct run *r, enum source_kind kind, struct str cursor, struct feed_page *page,
                 struct err *err)
{
    struct source_page from;

    if (!r->source->ops->read_all(r->source, kind, r->walk_job.scope, cursor, RUN_PAGE_SIZE,
                                  page->arena, &from, err))
        return false;
    take_page(page, &from);
    return merge_connections(r, page, err);
}

bool feed_users(struct run *r, struct str cursor, struct feed_page *page, struct err *err)
{
    return full(r, SOURCE_USER, cursor, page, err);
}

bool feed_groups(struct run *r, struct str cursor, struct feed_page *page, struct err *err)
{
    return full(r, SOURCE_GROUP, cursor, page, err);
}

/* The source's entry for a connection, or one that says it is gone. */
bool feed_entry(struct run *r, struct feed_page *page, struct str id, enum source_kind kind,
                struct str name, struct source_entry *out, struct err *err)
{
    bool found;

    if (!r->source->ops->read(r->source, id, page->arena, out, &found, err))
        return false;
    if (!found)
        *out = (struct source_entry){.id = id, .kind = kind, .gone = true};
    if (out->gone && str_empty(out->display_name))
        out->display_name = name;
    return true;
}

bool feed_entries(struct run *r, struct feed_page *page, struct connection *of, size_t count,
                  struct err *err)
{
    struct str *ids = ARENA_ARRAY(page->arena, struct str, count + 1);
    bool *found = ARENA_ARRAY(page->arena, bool, count + 1);

    page->entries = ARENA_ARRAY(page->arena, struct source_entry, count + 1);
    page->connections = ARENA_ARRAY(page->arena, struct connection *, count + 1);
    for (size_t i = 0; i < count; i++)
        ids[i] = of[i].source_id;
    if (!r->source->ops->read_many(r->source, ids, count, page->arena, page->entries, found, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        struct source_entry *e = &page->entries[i];

        if (!found[i])
            *e = (struct source_entry){.id = of[i].source_id, .kind = of[i].kind, .gone = true};
        if (e->gone && str_empty(e->display_name))
            e->display_name = of[i].display_name;
        page->connections[i] = &of[i];
    }
    page->count = count;
    return true;
}

/* Who is to be looked at although no full read has shown it: gone, or no longer assigned. */
static bool is_unseen(const struct run *r, const struct source_entry *e)
{
    return e->gone || (r->walk_job.scope != SOURCE_SCOPE_ALL && !e->assigned);
}

/* Cursor: "u" or "g" and the source id of the last one seen; users first. */
bool feed_connections(struct run *r, struct str cursor, struct feed_page *page, struct err *err)
{
    enum source_kind kind = str_starts(cursor, STR("g")) ? SOURCE_GROUP : SOURCE_USER;
    struct connection *found;
    size_t count;
    size_t left = 0;
    struct str last = {0};

    if (!connection_page(r->db, page->arena, r->job.no, kind, str_from(cursor, 1), RUN_PAGE_SIZE,
                         &found, &count, err))
        return false;
    if (count > 0) /* found is thinned out below */
        last = found[count - 1].source_id;
    /* What was written in this cycle the full read has shown. */
    for (size_t i = 0; i < count; i++) {
        if (found[i].changed_us < r->cycle.began_us)
            found[left++] = found[i];
    }
    if (!feed_entries(r, page, found, left, err))
        return false;
    page->count = 0;
    for (size_t i = 0; i < left; i++) {
        if (!is_unseen(r, &page->entries[i]))
            continue;
        page->entries[page->count] = page->entries[i];
        page->connections[page->count++] = page->connections[i];
    }
    page->last = count < RUN_PAGE_SIZE && kind == SOURCE_GROUP;
    if (count < RUN_PAGE_SIZE) {
        page->next = STR("g");
    } else {
        page->next =
            arena_printf(page->arena, "%c%.*s", kind == SOURCE_USER ? 'u' : 'g', STR_ARG(last));
    }
    return true;
}

bool feed_changes(struct run *r, struct str cursor, struct feed_page *page, struct err *err)
{
    struct source_page from;

    if (!r->source->ops->read_changes(r->source, cursor, RUN_PAGE_SIZE, page->arena, &from, err))
        return false;
    take_page(page, &from);
    page->repeats = true;
    if (!feed_connections_of(r, page, err))
        return false;
    for (size_t i = 0; i < page->count; i++) {
        if (page->connections[i] && str_empty(page->entries[i].display_name))
            page->entries[i].display_name = page->connections[i]->display_name;
    }
    return true;
}

/* Only what was parked before this cycle began: one attempt in a cycle. */
bool feed_retries(struct run *r, struct str cursor, struct feed_page *page, struct err *err)
{
    struct retry *due;
    size_t count;

    if (feed_is_due(cursor))
        return feed_due(r, cursor, page, err);
    page->repeats = true; /* an object may be due by time, too */
    if (!retry_due(r->db, page->arena, r->job.no, r->cycle.began_us, cursor, RUN_PAGE_SIZE, &due,
                   &count, err))
        return false;
    page->entries = ARENA_ARRAY(page->arena, struct source_entry, count);
    for (size_t i = 0; i < count; i++) {
        if (due[i].reference)
            continue;
        if (!feed_entry(r, page, due[i].source_id, due[i].kind, (struct str){0},
                        &page->entries[page->count++], err))
            return false;
    }
    page->next = count == RUN_PAGE_SIZE ? due[count - 1].source_id : feed_due_start();
    return feed_connections_of(r, page, err);
}

bool feed_only(struct run *r, struct str cursor, struct feed_page *page, struct err *err)
{
    (void)cursor;
    page->entries = ARENA_NEW(page->arena, struct source_entry);
    page->entries[0] = *r->only;
    page->count = 1;
    page->last = true;
    return feed_connections_of(r, page, err);
}
