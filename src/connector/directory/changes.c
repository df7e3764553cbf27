/* Whom the changes of the directory since a watermark concern. */
#include "base/map.h"
#include "connector/directory/directory.h"
#include "connector/directory/nested.h"
#include "directory/assignment.h"
#include "directory/feed.h"
#include "directory/member.h"

/* The distinct objects that a page of changes concerns, in the order of their first one. */
struct concerned {
    struct arena *a;
    struct map seen;
    struct str *ids;
    size_t count, cap;
    struct directory_watermark done; /* how far */
    bool more;                       /* stopped before the end */
};

static void concerned_done(struct concerned *c)
{
    map_done(&c->seen);
}

static void concern(struct concerned *c, struct str id)
{
    if (c->count == c->cap) {
        struct str *bigger;

        c->cap = c->cap ? c->cap * 2 : 64;
        bigger = ARENA_ARRAY(c->a, struct str, c->cap);
        if (c->count)
            memcpy(bigger, c->ids, c->count * sizeof(*bigger));
        c->ids = bigger;
    }
    if (map_get(&c->seen, id))
        return;
    c->ids[c->count] = id;
    (void)map_put(&c->seen, id, c);
    c->count++;
}

/* Who is concerned by a change beyond those it names: the members of a group, and of the groups
 * below it if that counts; those who report to a person, if filters ask about managers. */
struct followers {
    struct str group;   /* or empty */
    struct str manager; /* or empty */
};

static bool followers_of(struct directory_source *d, const struct directory_change *change,
                         struct followers *out, struct err *err)
{
    bool assigned = d->needs.nested_groups;

    *out = (struct followers){0};
    switch (change->kind) {
    case CHANGE_ASSIGNMENT: /* of somebody who is no group there are no members */
        out->group = change->object_id;
        return true;
    case CHANGE_DELETION:
    case CHANGE_RESTORE:
        if (d->needs.reports)
            out->manager = change->object_id;
        if (!assigned && !directory_is_assigned(d->db, directory_source_app(d), change->object_id,
                                                &assigned, err))
            return false;
        if (assigned)
            out->group = change->object_id;
        return true;
    case CHANGE_MEMBERSHIP: /* of a group inside a group */
        if (d->needs.nested_groups)
            out->group = change->related_id;
        return true;
    case CHANGE_ATTRIBUTE:
    case CHANGE_REMOVAL: /* its memberships were removed one by one before */
        if (d->needs.reports)
            out->manager = change->object_id;
        return true;
    case CHANGE_REFERENCE:
        return true;
    }
    return err_set(err, ERR_INTERNAL, "badChange", "change %lld is of the unknown kind %d",
                   (long long)change->seq, (int)change->kind);
}

static bool add_group(struct directory_source *d, struct str group, struct str from, size_t limit,
                      struct arena *a, struct merge *m, struct err *err)
{
    CLEANUP(arena_freep) struct arena *tmp = arena_new();
    struct merge groups = {0};
    struct str after = STR("");
    size_t count;

    if (!d->needs.nested_groups)
        return directory_source_members(d, &group, 1, from, limit, a, m, err);
    do {
        struct str *page;

        if (!nested_below(d->db, group, after, DIRECTORY_GROUPS_PAGE, tmp, &page, &count, err))
            return false;
        merge_add(&groups, tmp, page, count, DIRECTORY_GROUPS_PAGE);
        if (count)
            after = page[count - 1];
    } while (count == DIRECTORY_GROUPS_PAGE);
    return directory_source_members(d, groups.ids, groups.count, from, limit, a, m, err);
}

/* The followers from `from` on, as far as the page has room. */
static bool concern_followers(struct directory_source *d, const struct directory_change *change,
                              const struct followers *f, struct str from, size_t limit,
                              struct concerned *c, struct err *err)
{
    size_t room = c->count < limit ? limit - c->count : 1;
    struct merge m = {0};

    if (f->group.len > 0 && !add_group(d, f->group, from, room, c->a, &m, err))
        return false;
    if (f->manager.len > 0) {
        struct str *ids;
        size_t count;

        if (!directory_reports(d->db, c->a, f->manager, from, room, &ids, &count, err))
            return false;
        merge_add(&m, c->a, ids, count, room);
    }
    c->done = (struct directory_watermark){.seq = change->seq};
    c->more = !merge_end(&m, room);
    for (size_t i = 0; i < m.count; i++)
        concern(c, m.ids[i]);
    if (c->more)
        c->done.member = m.ids[m.count - 1];
    return true;
}

static bool concern_change(struct directory_source *d, const struct directory_change *change,
                           struct str from, size_t limit, struct concerned *c, struct err *err)
{
    struct followers followers;

    c->done = (struct directory_watermark){.seq = change->seq};
    if (change->kind == CHANGE_ASSIGNMENT && !str_eq(change->app_id, directory_source_app(d)))
        return true;
    if (!followers_of(d, change, &followers, err))
        return false;
    if (from.len == 0)
        concern(c, change->object_id);
    if (change->kind == CHANGE_MEMBERSHIP)
        concern(c, change->related_id);
    return (followers.group.len == 0 && followers.manager.len == 0) ||
           concern_followers(d, change, &followers, from, limit, c, err);
}

/* Who is concerned by at most `limit` changes after w. */
static bool collect_changes(struct directory_source *d, struct directory_watermark w, size_t limit,
                            struct concerned *c, struct err *err)
{
    struct directory_change *changes;
    size_t count;

    c->done = w;
    /* In the middle of a change: that one is read once more. */
    if (!directory_feed_read(d->db, c->a, w.member.len ? w.seq - 1 : w.seq, limit, &changes, &count,
                             err))
        return false;
    c->more = count == limit;
    for (size_t i = 0; i < count && c->count < limit; i++) {
        bool resumed = w.member.len > 0 && changes[i].seq == w.seq;
        bool was_more = c->more;

        c->more = false;
        if (!concern_change(d, &changes[i], resumed ? w.member : STR(""), limit, c, err))
            return false;
        if (c->more)
            return true; /* in the middle of a group */
        c->more = was_more || (c->count >= limit && i + 1 < count);
    }
    return true;
}

/* Entries of ids in any order: those who are there, then those who are gone. */
static bool entries_of(struct directory_source *d, struct concerned *c, struct arena *a,
                       struct source_page *out, struct err *err)
{
    struct directory_object *objects = ARENA_ARRAY(a, struct directory_object, c->count);
    struct source_entry *entries = ARENA_ARRAY(a, struct source_entry, c->count);
    size_t count;
    size_t at = 0;

    qsort(c->ids, c->count, sizeof(*c->ids), id_compare);
    if (!directory_load_many(d->db, a, c->ids, c->count, objects, &count, err) ||
        !directory_source_entries(d, objects, count, ENTRY_EACH, a, entries, err))
        return false;
    out->count = count;
    for (size_t i = 0; i < c->count; i++) {
        bool found;

        if (at < count && str_eq(objects[at].id, c->ids[i])) {
            at++;
            continue;
        }
        if (!directory_source_gone(d, c->ids[i], &entries[out->count], &found, err))
            return false;
        out->count += found;
    }
    out->entries = entries;
    return true;
}

bool directory_source_changes(struct source *s, struct str watermark, size_t limit, struct arena *a,
                              struct source_page *out, struct err *err)
{
    struct directory_source *d = directory_source_of(s);
    CLEANUP(concerned_done) struct concerned c = {.a = a};
    struct directory_watermark w;

    map_init(&c.seen);
    if (!directory_watermark_parse(watermark, &w, err) || !collect_changes(d, w, limit, &c, err))
        return false;
    *out = (struct source_page){.next = directory_watermark_write(a, c.done), .last = !c.more};
    return c.count == 0 || entries_of(d, &c, a, out, err);
}
