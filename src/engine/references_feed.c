/* What feeds the second pass (references.c): in an initial cycle everybody again; in an incremental
 * one the objects that changed, those who waited for one of them, the changes of membership, and
 * what was parked. */
#include "engine/run.h"
#include "job/retry.h"

/* Initial: all users, then all groups. Cursor "u..." and "g...". */
static bool feed_all(struct run *r, struct str cursor, struct feed_page *page, struct err *err)
{
    bool groups = str_starts(cursor, STR("g"));
    bool (*feed)(struct run *, struct str, struct feed_page *, struct err *) =
        groups ? feed_groups : feed_users;

    if (!feed(r, str_from(cursor, 1), page, err))
        return false;
    page->next = page->last && !groups
                     ? STR("g")
                     : arena_printf(page->arena, "%c%.*s", groups ? 'g' : 'u', STR_ARG(page->next));
    page->last = page->last && groups;
    return true;
}

static struct walk_references *second_of(struct feed_page *page, size_t i)
{
    if (!page->seconds[i])
        page->seconds[i] = ARENA_NEW(page->arena, struct walk_references);
    return page->seconds[i];
}

static void know_member(struct feed_page *page, size_t i, struct str member_id, bool present)
{
    struct walk_references *s = second_of(page, i);
    struct walk_member *larger = ARENA_ARRAY(page->arena, struct walk_member, s->member_count + 1);

    for (size_t k = 0; k < s->member_count; k++) {
        larger[k] = s->members[k];
        if (str_eq(larger[k].source_id, member_id)) { /* the later word counts */
            s->members[k].present = present;
            return;
        }
    }
    larger[s->member_count++] = (struct walk_member){.source_id = member_id, .present = present};
    s->members = larger;
    s->member_cap = s->member_count;
}

/* Room for one more in the arrays of a page that is being built. */
static void page_grow(struct feed_page *page)
{
    size_t room = page->room ? page->room * 2 : page->count + 64;
    struct source_entry *entries = ARENA_ARRAY(page->arena, struct source_entry, room);
    struct connection **connections = ARENA_ARRAY(page->arena, struct connection *, room);
    struct walk_references **seconds = ARENA_ARRAY(page->arena, struct walk_references *, room);

    for (size_t i = 0; i < page->count; i++) {
        entries[i] = page->entries[i];
        connections[i] = page->connections[i];
        seconds[i] = page->seconds ? page->seconds[i] : NULL;
    }
    page->entries = entries;
    page->connections = connections;
    page->seconds = seconds;
    page->room = room;
}

/* The place of an object in a page that is being built, read and appended when it is not there yet.
 */
static bool place_of(struct run *r, struct feed_page *page, struct str id, size_t *out,
                     struct err *err)
{
    struct connection *c = ARENA_NEW(page->arena, struct connection);
    bool found;

    if (page->count >= page->room)
        page_grow(page);
    for (size_t i = 0; i < page->count; i++) {
        if (str_eq(page->entries[i].id, id)) {
            *out = i;
            return true;
        }
    }
    if (!r->source->ops->read(r->source, id, page->arena, &page->entries[page->count], &found, err))
        return false;
    if (!found) {
        page->entries[page->count] =
            (struct source_entry){.id = id, .kind = SOURCE_GROUP, .gone = true};
    }
    if (!connection_load(r->db, page->arena, r->job.no, id, c, &found, err))
        return false;
    page->connections[page->count] = found ? c : NULL;
    *out = page->count++;
    return true;
}

/* What the second pass of an owner settles, so that it waits no longer. */
static void add_resolved(struct feed_page *page, size_t at, const struct pending_reference *waiting)
{
    struct walk_references *s = second_of(page, at);
    struct pending_reference *larger =
        ARENA_ARRAY(page->arena, struct pending_reference, s->resolved_count + 1);

    for (size_t i = 0; i < s->resolved_count; i++)
        larger[i] = s->resolved[i];
    larger[s->resolved_count++] = *waiting;
    s->resolved = larger;
}

/* Those who wait for an object that has an account now come with it; a member that has left the
 * group meanwhile does not. */
static bool add_waiting(struct run *r, struct feed_page *page, struct str arrived, struct err *err)
{
    struct pending_reference *waiting;
    size_t count;

    if (!pending_reference_list(r->db, page->arena, r->job.no, arrived, &waiting, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        bool present;
        size_t at;

        if (!place_of(r, page, waiting[i].owner_id, &at, err))
            return false;
        if (page->entries[at].kind == SOURCE_GROUP) {
            if (!r->source->ops->has_member(r->source, waiting[i].owner_id, arrived, &present, err))
                return false;
            know_member(page, at, arrived, present);
        }
        add_resolved(page, at, &waiting[i]);
    }
    return true;
}

static bool feed_changed(struct run *r, struct str cursor, struct feed_page *page, struct err *err)
{
    size_t own;

    if (!feed_changes(r, cursor, page, err))
        return false;
    own = page->count;
    page_grow(page);
    for (size_t i = 0; i < own; i++) {
        const struct connection *c = page->connections[i];

        if (c && !add_waiting(r, page, page->entries[i].id, err))
            return false;
        /* Members of a group that was connected before are told by the feed of member changes. */
        if (c && page->entries[i].kind == SOURCE_GROUP) {
            bool before = c->created_us < r->cycle.began_us;

            second_of(page, i)->known_only = before;
            second_of(page, i)->whole = !before;
        }
    }
    return true;
}

static bool feed_members(struct run *r, struct str cursor, struct feed_page *page, struct err *err)
{
    struct source_member_change *changes;
    size_t count;

    if (!r->source->ops->member_changes(r->source, cursor, r->cycle.feed_start, RUN_PAGE_SIZE,
                                        page->arena, &changes, &count, &page->next, err))
        return false;
    page_grow(page);
    for (size_t i = 0; i < count; i++) {
        size_t at;

        if (!place_of(r, page, changes[i].group_id, &at, err))
            return false;
        know_member(page, at, changes[i].member_id, changes[i].present);
    }
    page->last = count < RUN_PAGE_SIZE;
    return true;
}

/* The references of an object are compared whole, and who waits for it comes with it. */
static bool add_whole(struct run *r, struct feed_page *page, struct str id, struct err *err)
{
    size_t at;

    if (!place_of(r, page, id, &at, err))
        return false;
    second_of(page, at)->whole = true;
    return !page->connections[at] || add_waiting(r, page, id, err);
}

/* References whose last attempt failed, parked before this cycle began, and those of objects whose
 * retry succeeded in it. */
static bool feed_parked(struct run *r, struct str cursor, struct feed_page *page, struct err *err)
{
    struct retry *due;
    size_t count;

    if (!retry_due(r->db, page->arena, r->job.no, r->cycle.began_us, cursor, RUN_PAGE_SIZE, &due,
                   &count, err))
        return false;
    page_grow(page);
    for (size_t i = 0; i < count; i++) {
        if (due[i].reference && !add_whole(r, page, due[i].source_id, err))
            return false;
    }
    page->next = count > 0 ? due[count - 1].source_id : cursor;
    page->last = count < RUN_PAGE_SIZE;
    return true;
}

/* Incremental: the changed objects again, the changes of membership, then what was parked. The
 * cursor begins with a letter for which of them it is in. */
static bool feed_what_changed(struct run *r, struct str cursor, struct feed_page *page,
                              struct err *err)
{
    char part = (char)(str_empty(cursor) ? 'c' : cursor.ptr[0]);
    struct str from = str_empty(cursor) ? r->cycle.watermark : str_from(cursor, 1);
    run_load *load = part == 'c' ? feed_changed : part == 'm' ? feed_members : feed_parked;

    page->repeats = true;
    if (!load(r, from, page, err))
        return false;
    if (!page->last) {
        page->next = arena_printf(page->arena, "%c%.*s", part, STR_ARG(page->next));
    } else if (part == 'c') {
        page->next = arena_printf(page->arena, "m%.*s", STR_ARG(r->cycle.watermark));
    } else {
        page->next = STR("r");
    }
    page->last = page->last && (part == 'r' || (part == 'm' && !r->had_retries));
    return true;
}

bool feed_references(struct run *r, struct str cursor, struct feed_page *page, struct err *err)
{
    return r->cycle.kind == CYCLE_INITIAL ? feed_all(r, cursor, page, err)
                                          : feed_what_changed(r, cursor, page, err);
}

bool feed_references_of_only(struct run *r, struct str cursor, struct feed_page *page,
                             struct err *err)
{
    (void)cursor;
    page_grow(page);
    page->last = true;
    return add_whole(r, page, r->only->id, err);
}
