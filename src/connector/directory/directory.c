#include "base/map.h"
#include "connector/directory/entry.h"
#include "connector/directory/nested.h"
#include "connector/source.h"
#include "directory/assignment.h"
#include "directory/feed.h"
#include "directory/member.h"

enum {
    STREAM_LEAST = 16, /* members read of one assigned group at a time, when there are many */
    GROUPS_PAGE = 1000,
};

enum query { Q_DIRECT, Q_ASSIGNED_GROUPS, Q_NESTED_GROUPS };

static const struct db_query queries[] = {
    [Q_DIRECT] = {"source_direct", "SELECT DISTINCT principal_id FROM directory_assignment"
                                   " WHERE app_id = $1 AND principal_id > $2 AND kind = $3"
                                   " ORDER BY principal_id LIMIT $4"},
    [Q_ASSIGNED_GROUPS] = {"source_assigned_groups",
                           "SELECT DISTINCT a.principal_id FROM directory_assignment a"
                           " WHERE a.app_id = $1 AND a.principal_id > $2 AND a.kind = $3"
                           "   AND NOT EXISTS (SELECT 1 FROM directory_hidden_group h"
                           "                    WHERE h.id = a.principal_id)"
                           " ORDER BY a.principal_id LIMIT $4"},
    /* The same with the groups below them. */
    [Q_NESTED_GROUPS] = {"source_nested_groups",
                         "WITH RECURSIVE below(id) AS ("
                         "SELECT a.principal_id FROM directory_assignment a"
                         " WHERE a.app_id = $1 AND a.kind = $3"
                         "   AND NOT EXISTS (SELECT 1 FROM directory_hidden_group h"
                         "                    WHERE h.id = a.principal_id)"
                         " UNION SELECT n.member_id FROM directory_nested_group n"
                         "   JOIN below ON n.group_id = below.id"
                         "  WHERE NOT EXISTS (SELECT 1 FROM directory_hidden_group h"
                         "                     WHERE h.id = n.member_id))"
                         " SELECT id FROM below WHERE id > $2 ORDER BY id LIMIT $4"},
};

struct directory_source {
    struct source base;
    struct db *db;
    char *app_id;
    struct source_needs needs;
};

static struct directory_source *of(struct source *s)
{
    return (struct directory_source *)s;
}

static struct str app_of(const struct directory_source *d)
{
    return str_from_z(d->app_id);
}

/* --- watermarks ---------------------------------------------------------------------------------
 * "SEQ": everything up to that position is done. "SEQ:MEMBER": everything before it is, and of the
 * change at it, which concerns all members of a group, the members up to that one.
 */

struct watermark {
    int64_t seq;
    struct str member; /* or empty */
};

static bool parse_watermark(struct str text, struct watermark *out, struct err *err)
{
    struct str rest = text;
    struct str seq;

    (void)str_cut(&rest, ':', &seq);
    if (!str_to_int(seq, 0, INT64_MAX, &out->seq)) {
        return err_set(err, ERR_INVALID, "badWatermark", "'%.*s' is not a watermark of a directory",
                       STR_ARG(str_sub(text, 0, 80)));
    }
    out->member = rest;
    return true;
}

bool source_directory_done(struct str watermark, int64_t *out, struct err *err)
{
    struct watermark w;

    if (!parse_watermark(watermark, &w, err))
        return false;
    *out = w.member.len ? w.seq - 1 : w.seq;
    return true;
}

static struct str write_watermark(struct arena *a, struct watermark w)
{
    if (w.member.len == 0)
        return arena_printf(a, "%lld", (long long)w.seq);
    return arena_printf(a, "%lld:%.*s", (long long)w.seq, STR_ARG(w.member));
}

static bool position(struct source *s, struct arena *a, struct str *out_watermark, struct err *err)
{
    struct watermark w = {0};

    if (!directory_feed_position(of(s)->db, &w.seq, err))
        return false;
    *out_watermark = write_watermark(a, w);
    return true;
}

/* --- reading all --------------------------------------------------------------------------------
 */

/* Entries of objects in id order. */
static bool entries_for(struct directory_source *d, const struct directory_object *objects,
                        size_t count, enum entry_reach reach, struct arena *a,
                        struct source_entry *out, struct err *err)
{
    return directory_entries(d->db, app_of(d), objects, count, reach, a, out, err) &&
           (!d->needs.nested_groups ||
            nested_extend(d->db, app_of(d), objects, out, count, a, err));
}

static bool fill_page(struct directory_source *d, const struct directory_object *objects,
                      size_t count, enum entry_reach reach, struct arena *a,
                      struct source_page *out, struct err *err)
{
    out->entries = ARENA_ARRAY(a, struct source_entry, count);
    out->count = count;
    return entries_for(d, objects, count, reach, a, out->entries, err);
}

static bool read_everybody(struct directory_source *d, enum source_kind kind, struct str cursor,
                           size_t limit, struct arena *a, struct source_page *out, struct err *err)
{
    struct directory_object *objects;
    size_t count;

    if (!directory_list(d->db, a, kind, DIRECTORY_LIVE_AND_DELETED, cursor, limit, &objects, &count,
                        err) ||
        !fill_page(d, objects, count, ENTRY_RANGE, a, out, err))
        return false;
    out->last = count < limit;
    out->next = count ? objects[count - 1].id : arena_str(a, cursor);
    return true;
}

/* Ids that come in order from several streams: the direct assignments and each assigned group. What
 * lies beyond the end of a stream that has more is not complete. */
struct merge {
    struct str *ids;
    size_t count, cap;
    struct str boundary; /* empty: no stream has more */
};

static void merge_add(struct merge *m, struct arena *a, const struct str *ids, size_t count,
                      size_t limit)
{
    if (m->count + count > m->cap) {
        size_t cap = m->cap * 2 > m->count + count ? m->cap * 2 : m->count + count + limit;
        struct str *bigger = ARENA_ARRAY(a, struct str, cap);

        if (m->count)
            memcpy(bigger, m->ids, m->count * sizeof(*bigger));
        m->ids = bigger;
        m->cap = cap;
    }
    if (count)
        memcpy(m->ids + m->count, ids, count * sizeof(*ids));
    m->count += count;
    if (count == limit && (m->boundary.len == 0 || str_cmp(ids[count - 1], m->boundary) < 0))
        m->boundary = ids[count - 1];
}

static int compare_ids(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* Sorts, drops doubles and what is beyond the boundary or the limit. True: nothing was left. */
static bool merge_end(struct merge *m, size_t limit)
{
    size_t n = 0;

    if (m->count > 0)
        qsort(m->ids, m->count, sizeof(*m->ids), compare_ids);
    for (size_t i = 0; i < m->count; i++) {
        if (n > 0 && str_eq(m->ids[i], m->ids[n - 1]))
            continue;
        if (n == limit || (m->boundary.len > 0 && str_cmp(m->ids[i], m->boundary) > 0)) {
            m->count = n;
            return false;
        }
        m->ids[n++] = m->ids[i];
    }
    m->count = n;
    return m->boundary.len == 0;
}

static bool list_principals(struct directory_source *d, enum query q, enum source_kind kind,
                            struct str after, size_t limit, struct arena *a, struct str **out,
                            size_t *out_count, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct str *ids = ARENA_ARRAY(a, struct str, limit);
    size_t count = 0;
    bool row;

    if (!db_select(
            d->db, &queries[q],
            DB_ARGS(db_text(app_of(d)), db_text(after), db_int(kind), db_int((int64_t)limit)), &st,
            err))
        return false;
    while (count < limit) {
        if (!db_step(st, &row, err))
            return false;
        if (!row)
            break;
        ids[count++] = arena_str(a, db_col_text(st, 0));
    }
    *out = ids;
    *out_count = count;
    return true;
}

/* The groups whose members are assigned: all of them, in a. */
static bool list_assigned_groups(struct directory_source *d, struct arena *a, struct merge *out,
                                 struct err *err)
{
    struct str after = STR("");
    struct str *page;
    size_t count;

    do {
        if (!list_principals(d, d->needs.nested_groups ? Q_NESTED_GROUPS : Q_ASSIGNED_GROUPS,
                             SOURCE_GROUP, after, GROUPS_PAGE, a, &page, &count, err))
            return false;
        merge_add(out, a, page, count, GROUPS_PAGE);
        if (count)
            after = page[count - 1];
    } while (count == GROUPS_PAGE);
    return true;
}

static bool add_members_of(struct directory_source *d, const struct str *groups, size_t group_count,
                           struct str cursor, size_t limit, struct arena *a, struct merge *m,
                           struct err *err)
{
    size_t share;

    /* Of many groups each gives a share of the page only, or a page would cost groups x limit. */
    share = group_count > 1 ? 4 * limit / group_count : limit;
    if (share < STREAM_LEAST)
        share = STREAM_LEAST;
    if (share > limit)
        share = limit;
    for (size_t i = 0; i < group_count; i++) {
        struct str *ids;
        size_t count;

        if (!directory_members(d->db, a, groups[i], DIRECTORY_LIVE_AND_DELETED, cursor, share, &ids,
                               &count, err))
            return false;
        merge_add(m, a, ids, count, share);
    }
    return true;
}

static bool add_members(struct directory_source *d, struct str cursor, size_t limit,
                        struct arena *a, struct merge *m, struct err *err)
{
    CLEANUP(arena_freep) struct arena *tmp = arena_new();
    struct merge groups = {0};

    return list_assigned_groups(d, tmp, &groups, err) &&
           add_members_of(d, groups.ids, groups.count, cursor, limit, a, m, err);
}

/* A page of ids that are assigned; some may turn out to be of the other kind. */
static bool assigned_ids(struct directory_source *d, enum source_kind kind, struct str cursor,
                         size_t limit, struct arena *a, struct merge *m, bool *out_last,
                         struct err *err)
{
    struct str *direct;
    size_t count;

    if (!list_principals(d, Q_DIRECT, kind, cursor, limit, a, &direct, &count, err))
        return false;
    merge_add(m, a, direct, count, limit);
    if (kind == SOURCE_USER && !add_members(d, cursor, limit, a, m, err))
        return false;
    *out_last = merge_end(m, limit);
    return true;
}

static bool read_assigned(struct directory_source *d, enum source_kind kind, struct str cursor,
                          size_t limit, struct arena *a, struct source_page *out, struct err *err)
{
    struct directory_object *objects = ARENA_ARRAY(a, struct directory_object, limit);
    size_t count;
    size_t kept = 0;

    do { /* until the page shows somebody */
        struct merge m = {0};

        if (!assigned_ids(d, kind, cursor, limit, a, &m, &out->last, err) ||
            !directory_load_many(d->db, a, m.ids, m.count, objects, &count, err))
            return false;
        for (size_t i = 0; i < count; i++) {
            if (objects[i].kind == kind)
                objects[kept++] = objects[i];
        }
        if (m.count)
            cursor = m.ids[m.count - 1];
    } while (kept == 0 && !out->last);
    out->next = arena_str(a, cursor);
    return fill_page(d, objects, kept, ENTRY_EACH, a, out, err);
}

static bool read_all(struct source *s, enum source_kind kind, enum source_scope scope,
                     struct str cursor, size_t limit, struct arena *a, struct source_page *out,
                     struct err *err)
{
    return scope == SOURCE_SCOPE_ALL ? read_everybody(of(s), kind, cursor, limit, a, out, err)
                                     : read_assigned(of(s), kind, cursor, limit, a, out, err);
}

/* --- reading changes ----------------------------------------------------------------------------
 */

/* The distinct objects that a page of changes concerns, in the order of their first one. */
struct concerned {
    struct arena *a;
    struct map seen;
    struct str *ids;
    size_t count, cap;
    struct watermark done; /* how far */
    bool more;             /* stopped before the end */
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
        if (!assigned &&
            !directory_is_assigned(d->db, app_of(d), change->object_id, &assigned, err))
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
        return add_members_of(d, &group, 1, from, limit, a, m, err);
    do {
        struct str *page;

        if (!nested_below(d->db, group, after, GROUPS_PAGE, tmp, &page, &count, err))
            return false;
        merge_add(&groups, tmp, page, count, GROUPS_PAGE);
        if (count)
            after = page[count - 1];
    } while (count == GROUPS_PAGE);
    return add_members_of(d, groups.ids, groups.count, from, limit, a, m, err);
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
    c->done = (struct watermark){.seq = change->seq};
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

    c->done = (struct watermark){.seq = change->seq};
    if (change->kind == CHANGE_ASSIGNMENT && !str_eq(change->app_id, app_of(d)))
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
static bool collect_changes(struct directory_source *d, struct watermark w, size_t limit,
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

static bool gone_entry(struct directory_source *d, struct str id, struct source_entry *out,
                       bool *out_found, struct err *err)
{
    enum source_kind kind;

    if (!directory_was_removed(d->db, id, &kind, out_found, err))
        return false;
    if (*out_found)
        *out = (struct source_entry){.id = id, .kind = kind, .gone = true};
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

    qsort(c->ids, c->count, sizeof(*c->ids), compare_ids);
    if (!directory_load_many(d->db, a, c->ids, c->count, objects, &count, err) ||
        !entries_for(d, objects, count, ENTRY_EACH, a, entries, err))
        return false;
    out->count = count;
    for (size_t i = 0; i < c->count; i++) {
        bool found;

        if (at < count && str_eq(objects[at].id, c->ids[i])) {
            at++;
            continue;
        }
        if (!gone_entry(d, c->ids[i], &entries[out->count], &found, err))
            return false;
        out->count += found;
    }
    out->entries = entries;
    return true;
}

static bool read_changes(struct source *s, struct str watermark, size_t limit, struct arena *a,
                         struct source_page *out, struct err *err)
{
    struct directory_source *d = of(s);
    CLEANUP(concerned_done) struct concerned c = {.a = a};
    struct watermark w;

    map_init(&c.seen);
    if (!parse_watermark(watermark, &w, err) || !collect_changes(d, w, limit, &c, err))
        return false;
    *out = (struct source_page){.next = write_watermark(a, c.done), .last = !c.more};
    return c.count == 0 || entries_of(d, &c, a, out, err);
}

/* --- one object ---------------------------------------------------------------------------------
 */

static bool read_one(struct source *s, struct str id, struct arena *a, struct source_entry *out,
                     bool *out_found, struct err *err)
{
    struct directory_source *d = of(s);
    struct directory_object o;

    if (!directory_load(d->db, a, id, &o, out_found, err))
        return false;
    if (*out_found)
        return entries_for(d, &o, 1, ENTRY_RANGE, a, out, err);
    return gone_entry(d, arena_str(a, id), out, out_found, err);
}

static bool find(struct source *s, struct str who, struct arena *a, struct source_entry *out,
                 struct err *err)
{
    struct directory_source *d = of(s);
    struct directory_object o;

    return directory_find(d->db, a, who, DIRECTORY_ANY, &o, err) &&
           entries_for(d, &o, 1, ENTRY_RANGE, a, out, err);
}

static bool members(struct source *s, struct str group_id, struct str cursor, size_t limit,
                    struct arena *a, struct str **out_ids, size_t *out_count, struct err *err)
{
    return directory_members(of(s)->db, a, group_id, DIRECTORY_LIVE_AND_DELETED, cursor, limit,
                             out_ids, out_count, err);
}

static bool has_member(struct source *s, struct str group_id, struct str member_id, bool *out,
                       struct err *err)
{
    return directory_has_member(of(s)->db, group_id, member_id, out, err);
}

/* A pair that changed several times in the page is shown once, as it is now. */
static bool is_repeated(const struct directory_member_change *changes, size_t i, struct map *seen,
                        struct arena *a)
{
    struct str pair =
        arena_printf(a, "%.*s %.*s", STR_ARG(changes[i].group_id), STR_ARG(changes[i].member_id));

    return map_put(seen, pair, seen) != NULL;
}

static bool member_changes(struct source *s, struct str watermark, struct str until, size_t limit,
                           struct arena *a, struct source_member_change **out, size_t *out_count,
                           struct str *out_next, struct err *err)
{
    CLEANUP(map_done) struct map seen;
    struct directory_member_change *changes;
    struct source_member_change *items;
    struct watermark from;
    struct watermark to;
    size_t count;
    size_t n = 0;

    map_init(&seen);
    if (!parse_watermark(watermark, &from, err) || !parse_watermark(until, &to, err) ||
        !directory_feed_members(of(s)->db, a, from.seq, to.seq, limit, &changes, &count, err))
        return false;
    items = ARENA_ARRAY(a, struct source_member_change, count);
    for (size_t i = 0; i < count; i++) {
        if (!is_repeated(changes, i, &seen, a)) {
            items[n++] = (struct source_member_change){changes[i].group_id, changes[i].member_id,
                                                       changes[i].present};
        }
    }
    *out = items;
    *out_count = n;
    *out_next = count == limit
                    ? write_watermark(a, (struct watermark){changes[count - 1].seq, STR("")})
                    : arena_str(a, until);
    return true;
}

static bool count(struct source *s, enum source_kind kind, enum source_scope scope, int64_t *out,
                  struct err *err)
{
    struct directory_source *d = of(s);
    struct directory_counts counts;

    if (scope == SOURCE_SCOPE_ASSIGNED)
        return directory_assigned_count(d->db, app_of(d), kind, out, err);
    if (!directory_count(d->db, &counts, err))
        return false;
    *out = counts.live[kind] + counts.deleted[kind];
    return true;
}

static void configure(struct source *s, const struct source_needs *needs)
{
    of(s)->needs = *needs;
}

static bool default_domain(struct source *s, struct arena *a, struct str *out, struct err *err)
{
    return directory_default_domain(of(s)->db, a, out, err);
}

static void close_source(struct source *s)
{
    struct directory_source *d = of(s);

    free(d->app_id);
    free(d);
}

static const struct source_ops directory_ops = {
    .kind = "directory",
    .configure = configure,
    .default_domain = default_domain,
    .position = position,
    .read_all = read_all,
    .read_changes = read_changes,
    .read = read_one,
    .find = find,
    .members = members,
    .has_member = has_member,
    .member_changes = member_changes,
    .count = count,
    .close = close_source,
};

bool source_open_directory(struct db *db, struct str app_id, struct source **out, struct err *err)
{
    struct directory_source *d;

    if (app_id.len == 0)
        return err_set(err, ERR_INVALID, "missingApplication", "a source needs an application");
    d = mem_alloc(sizeof(*d));
    d->base.ops = &directory_ops;
    d->db = db;
    d->app_id = mem_alloc(app_id.len + 1);
    memcpy(d->app_id, app_id.ptr, app_id.len);
    *out = &d->base;
    return true;
}
