#include "connector/directory/directory.h"

#include "base/map.h"
#include "connector/directory/nested.h"
#include "connector/source.h"
#include "directory/assignment.h"
#include "directory/feed.h"
#include "directory/member.h"

enum {
    STREAM_LEAST = 16, /* members read of one assigned group at a time, when there are many */
};

enum query { Q_DIRECT, Q_ASSIGNED_GROUPS, Q_NESTED_GROUPS };

const struct db_query directory_source_queries[] = {
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
const size_t directory_source_query_count = ARRAY_LEN(directory_source_queries);

/* --- watermarks --------------------------------------------------------------------------------
 */

bool directory_watermark_parse(struct str text, struct directory_watermark *out, struct err *err)
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
    struct directory_watermark w;

    if (!directory_watermark_parse(watermark, &w, err))
        return false;
    *out = w.member.len ? w.seq - 1 : w.seq;
    return true;
}

struct str directory_watermark_write(struct arena *a, struct directory_watermark w)
{
    if (w.member.len == 0)
        return arena_printf(a, "%lld", (long long)w.seq);
    return arena_printf(a, "%lld:%.*s", (long long)w.seq, STR_ARG(w.member));
}

static bool position(struct source *s, struct arena *a, struct str *out_watermark, struct err *err)
{
    struct directory_watermark w = {0};

    if (!directory_feed_position(directory_source_of(s)->db, &w.seq, err))
        return false;
    *out_watermark = directory_watermark_write(a, w);
    return true;
}

/* --- reading all --------------------------------------------------------------------------------
 */

bool directory_source_entries(struct directory_source *d, const struct directory_object *objects,
                              size_t count, enum entry_reach reach, struct arena *a,
                              struct source_entry *out, struct err *err)
{
    return directory_entries(d->db, directory_source_app(d), objects, count, reach, a, out, err) &&
           (!d->needs.nested_groups ||
            nested_extend(d->db, directory_source_app(d), objects, out, count, a, err));
}

static bool fill_page(struct directory_source *d, const struct directory_object *objects,
                      size_t count, enum entry_reach reach, struct arena *a,
                      struct source_page *out, struct err *err)
{
    out->entries = ARENA_ARRAY(a, struct source_entry, count);
    out->count = count;
    return directory_source_entries(d, objects, count, reach, a, out->entries, err);
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

static bool list_principals(struct directory_source *d, enum query q, enum source_kind kind,
                            struct str after, size_t limit, struct arena *a, struct str **out,
                            size_t *out_count, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct str *ids = ARENA_ARRAY(a, struct str, limit);
    size_t count = 0;
    bool row;

    if (!db_select(d->db, &directory_source_queries[q],
                   DB_ARGS(db_text(directory_source_app(d)), db_text(after), db_int(kind),
                           db_int((int64_t)limit)),
                   &st, err))
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
                             SOURCE_GROUP, after, DIRECTORY_GROUPS_PAGE, a, &page, &count, err))
            return false;
        merge_add(out, a, page, count, DIRECTORY_GROUPS_PAGE);
        if (count)
            after = page[count - 1];
    } while (count == DIRECTORY_GROUPS_PAGE);
    return true;
}

bool directory_source_members(struct directory_source *d, const struct str *groups,
                              size_t group_count, struct str cursor, size_t limit, struct arena *a,
                              struct merge *m, struct err *err)
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
           directory_source_members(d, groups.ids, groups.count, cursor, limit, a, m, err);
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
    return scope == SOURCE_SCOPE_ALL
               ? read_everybody(directory_source_of(s), kind, cursor, limit, a, out, err)
               : read_assigned(directory_source_of(s), kind, cursor, limit, a, out, err);
}

/* --- one object ---------------------------------------------------------------------------------
 */

bool directory_source_gone(struct directory_source *d, struct str id, struct source_entry *out,
                           bool *out_found, struct err *err)
{
    enum source_kind kind;

    if (!directory_was_removed(d->db, id, &kind, out_found, err))
        return false;
    if (*out_found)
        *out = (struct source_entry){.id = id, .kind = kind, .gone = true};
    return true;
}

static bool read_one(struct source *s, struct str id, struct arena *a, struct source_entry *out,
                     bool *out_found, struct err *err)
{
    struct directory_source *d = directory_source_of(s);
    struct directory_object o;

    if (!directory_load(d->db, a, id, &o, out_found, err))
        return false;
    if (*out_found)
        return directory_source_entries(d, &o, 1, ENTRY_RANGE, a, out, err);
    return directory_source_gone(d, arena_str(a, id), out, out_found, err);
}

/* Both lists are in id order. */
static bool read_many(struct source *s, const struct str *ids, size_t count, struct arena *a,
                      struct source_entry *out, bool *out_found, struct err *err)
{
    struct directory_source *d = directory_source_of(s);
    struct directory_object *objects = ARENA_ARRAY(a, struct directory_object, count + 1);
    struct source_entry *entries = ARENA_ARRAY(a, struct source_entry, count + 1);
    size_t there;
    size_t next = 0;

    if (!directory_load_many(d->db, a, ids, count, objects, &there, err) ||
        !directory_source_entries(d, objects, there, ENTRY_EACH, a, entries, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        out_found[i] = next < there && str_eq(entries[next].id, ids[i]);
        if (out_found[i]) {
            out[i] = entries[next++];
        } else if (!directory_source_gone(d, arena_str(a, ids[i]), &out[i], &out_found[i], err)) {
            return false;
        }
    }
    return true;
}

static bool find(struct source *s, struct str who, struct arena *a, struct source_entry *out,
                 struct err *err)
{
    struct directory_source *d = directory_source_of(s);
    struct directory_object o;

    return directory_find(d->db, a, who, DIRECTORY_ANY, &o, err) &&
           directory_source_entries(d, &o, 1, ENTRY_RANGE, a, out, err);
}

static bool members(struct source *s, struct str group_id, struct str cursor, size_t limit,
                    struct arena *a, struct str **out_ids, size_t *out_count, struct err *err)
{
    return directory_members(directory_source_of(s)->db, a, group_id, DIRECTORY_LIVE_AND_DELETED,
                             cursor, limit, out_ids, out_count, err);
}

static bool has_member(struct source *s, struct str group_id, struct str member_id, bool *out,
                       struct err *err)
{
    return directory_has_member(directory_source_of(s)->db, group_id, member_id, out, err);
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
    struct directory_watermark from;
    struct directory_watermark to;
    size_t count;
    size_t n = 0;

    map_init(&seen);
    if (!directory_watermark_parse(watermark, &from, err) ||
        !directory_watermark_parse(until, &to, err) ||
        !directory_feed_members(directory_source_of(s)->db, a, from.seq, to.seq, limit, &changes,
                                &count, err))
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
                    ? directory_watermark_write(
                          a, (struct directory_watermark){changes[count - 1].seq, STR("")})
                    : arena_str(a, until);
    return true;
}

static bool count(struct source *s, enum source_kind kind, enum source_scope scope, int64_t *out,
                  struct err *err)
{
    struct directory_source *d = directory_source_of(s);
    struct directory_counts counts;

    if (scope == SOURCE_SCOPE_ASSIGNED)
        return directory_assigned_count(d->db, directory_source_app(d), kind, out, err);
    if (!directory_count(d->db, &counts, err))
        return false;
    *out = counts.live[kind] + counts.deleted[kind];
    return true;
}

static void configure(struct source *s, const struct source_needs *needs)
{
    directory_source_of(s)->needs = *needs;
}

static bool default_domain(struct source *s, struct arena *a, struct str *out, struct err *err)
{
    return directory_default_domain(directory_source_of(s)->db, a, out, err);
}

static void close_source(struct source *s)
{
    struct directory_source *d = directory_source_of(s);

    free(d->app_id);
    free(d);
}

static const struct source_ops directory_ops = {
    .kind = "directory",
    .configure = configure,
    .default_domain = default_domain,
    .position = position,
    .read_all = read_all,
    .read_changes = directory_source_changes,
    .read = read_one,
    .read_many = read_many,
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
