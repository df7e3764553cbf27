#include "directory/member.h"

#include "directory/feed.h"

enum { PAGE = 500 };

enum query {
    Q_ADD,
    Q_REMOVE,
    Q_MEMBERS,
    Q_MEMBERS_LIVE,
    Q_GROUPS_OF,
    Q_ALL_GROUPS_OF,
    Q_HAS,
    Q_NEST,
    Q_UNNEST,
};

const struct db_query directory_member_queries[] = {
    [Q_ADD] = {"directory_member_add",
               "INSERT INTO directory_membership (group_id, member_id) VALUES ($1, $2)"
               " ON CONFLICT (group_id, member_id) DO NOTHING"},
    [Q_REMOVE] = {"directory_member_remove",
                  "DELETE FROM directory_membership WHERE group_id = $1 AND member_id = $2"},
    [Q_MEMBERS] = {"directory_members",
                   "SELECT member_id FROM directory_membership"
                   " WHERE group_id = $1 AND member_id > $2 ORDER BY member_id LIMIT $3"},
    [Q_MEMBERS_LIVE] = {"directory_members_live",
                        "SELECT m.member_id FROM directory_membership m"
                        " WHERE m.group_id = $1 AND m.member_id > $2"
                        "   AND NOT EXISTS (SELECT 1 FROM directory_object o"
                        "                    WHERE o.id = m.member_id AND o.kind IN (0, 1)"
                        "                      AND o.deleted_us IS NOT NULL)"
                        " ORDER BY m.member_id LIMIT $3"},
    [Q_GROUPS_OF] = {"directory_groups_of",
                     "SELECT m.group_id FROM directory_membership m"
                     " WHERE m.member_id = $1 AND m.group_id > $2"
                     "   AND NOT EXISTS (SELECT 1 FROM directory_hidden_group h"
                     "                    WHERE h.id = m.group_id)"
                     " ORDER BY m.group_id LIMIT $3"},
    [Q_ALL_GROUPS_OF] = {"directory_all_groups_of",
                         "SELECT group_id FROM directory_membership"
                         " WHERE member_id = $1 AND group_id > $2 ORDER BY group_id LIMIT $3"},
    [Q_HAS] = {"directory_has_member",
               "SELECT 1 FROM directory_membership WHERE group_id = $1 AND member_id = $2"},
    /* A group inside a group is kept once more. */
    [Q_NEST] = {"directory_member_nest",
                "INSERT INTO directory_nested_group (group_id, member_id)"
                " SELECT CAST($1 AS TEXT), id FROM directory_object WHERE id = $2 AND kind = 1"
                " ON CONFLICT (group_id, member_id) DO NOTHING"},
    [Q_UNNEST] = {"directory_member_unnest",
                  "DELETE FROM directory_nested_group WHERE group_id = $1 AND member_id = $2"},
};
const size_t directory_member_query_count = ARRAY_LEN(directory_member_queries);

static const struct db_query *query(enum query q)
{
    return &directory_member_queries[q];
}

static bool change(struct directory_tx *tx, enum query q, struct str group_id, struct str member_id,
                   bool *out_changed, struct err *err)
{
    int64_t rows;

    if (!db_exec(tx->db, query(q), DB_ARGS(db_text(group_id), db_text(member_id)), &rows, err))
        return false;
    if (rows > 0 && !db_exec(tx->db, query(q == Q_ADD ? Q_NEST : Q_UNNEST),
                             DB_ARGS(db_text(group_id), db_text(member_id)), NULL, err))
        return false;
    if (rows > 0 &&
        !directory_feed_add(tx, CHANGE_MEMBERSHIP, group_id, member_id, STR(""), NULL, err))
        return false;
    *out_changed = rows > 0;
    return true;
}

bool directory_member_add(struct directory_tx *tx, struct str group_id, struct str member_id,
                          bool *out_changed, struct err *err)
{
    if (str_eq(group_id, member_id))
        return err_set(err, ERR_INVALID, "memberOfItself", "a group cannot be its own member");
    return change(tx, Q_ADD, group_id, member_id, out_changed, err);
}

bool directory_member_remove(struct directory_tx *tx, struct str group_id, struct str member_id,
                             bool *out_changed, struct err *err)
{
    return change(tx, Q_REMOVE, group_id, member_id, out_changed, err);
}

static bool read_ids(struct db *db, struct arena *a, enum query q, struct str of, struct str after,
                     size_t limit, struct str **out_ids, size_t *out_count, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct str *ids = ARENA_ARRAY(a, struct str, limit);
    size_t count = 0;
    bool row;

    if (!db_select(db, query(q), DB_ARGS(db_text(of), db_text(after), db_int((int64_t)limit)), &st,
                   err))
        return false;
    while (count < limit) {
        if (!db_step(st, &row, err))
            return false;
        if (!row)
            break;
        ids[count++] = arena_str(a, db_col_text(st, 0));
    }
    *out_ids = ids;
    *out_count = count;
    return true;
}

/* Removes the memberships of id that q lists, a page at a time. */
static bool remove_listed(struct directory_tx *tx, enum query q, struct str id, struct err *err)
{
    size_t count;

    do {
        CLEANUP(arena_freep) struct arena *page = arena_new();
        struct str *others;
        bool changed;

        if (!read_ids(tx->db, page, q, id, STR(""), PAGE, &others, &count, err))
            return false;
        for (size_t i = 0; i < count; i++) {
            struct str group = q == Q_MEMBERS ? id : others[i];
            struct str member = q == Q_MEMBERS ? others[i] : id;

            if (!change(tx, Q_REMOVE, group, member, &changed, err))
                return false;
        }
    } while (count == PAGE);
    return true;
}

bool directory_member_remove_all(struct directory_tx *tx, struct str id, struct err *err)
{
    return remove_listed(tx, Q_ALL_GROUPS_OF, id, err) && remove_listed(tx, Q_MEMBERS, id, err);
}

bool directory_members(struct db *db, struct arena *a, struct str group_id, enum directory_bin bin,
                       struct str after, size_t limit, struct str **out_ids, size_t *out_count,
                       struct err *err)
{
    return read_ids(db, a, bin == DIRECTORY_LIVE ? Q_MEMBERS_LIVE : Q_MEMBERS, group_id, after,
                    limit, out_ids, out_count, err);
}

bool directory_groups_of(struct db *db, struct arena *a, struct str member_id, struct str after,
                         size_t limit, struct str **out_ids, size_t *out_count, struct err *err)
{
    return read_ids(db, a, Q_GROUPS_OF, member_id, after, limit, out_ids, out_count, err);
}

bool directory_has_member(struct db *db, struct str group_id, struct str member_id, bool *out,
                          struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    if (!db_select_one(db, query(Q_HAS), DB_ARGS(db_text(group_id), db_text(member_id)), &st, err))
        return false;
    *out = st != NULL;
    return true;
}
