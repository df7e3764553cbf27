#include "directory/feed.h"

enum { BLOCK_MAX = 1024 }; /* positions taken at once: what a long transaction may leave unused */

enum query { Q_POSITION, Q_TAKE, Q_ADD, Q_READ, Q_MEMBERS };

const struct db_query directory_feed_queries[] = {
    [Q_POSITION] = {"directory_position", "SELECT last FROM directory_feed WHERE one = 1"},
    [Q_TAKE] = {"directory_position_take",
                "UPDATE directory_feed SET last = last + $1 WHERE one = 1 RETURNING last"},
    [Q_ADD] = {"directory_change_add",
               "INSERT INTO directory_change (seq, at_us, kind, object_id, related_id, app_id)"
               " VALUES ($1, $2, $3, $4, $5, $6)"},
    [Q_READ] = {"directory_change_read",
                "SELECT seq, at_us, kind, object_id, related_id, app_id FROM directory_change"
                " WHERE seq > $1 ORDER BY seq LIMIT $2"},
    [Q_MEMBERS] = {"directory_change_members",
                   "SELECT c.seq, c.object_id, c.related_id,"
                   "       EXISTS (SELECT 1 FROM directory_membership m"
                   "                WHERE m.group_id = c.object_id AND m.member_id = c.related_id)"
                   "  FROM directory_change c"
                   " WHERE c.seq > $1 AND c.seq <= $2 AND c.kind = 2 ORDER BY c.seq LIMIT $3"},
};
const size_t directory_feed_query_count = ARRAY_LEN(directory_feed_queries);
static_assert(CHANGE_MEMBERSHIP == 2, "Q_MEMBERS says so");

static const struct db_query *query(enum query q)
{
    return &directory_feed_queries[q];
}

const char *directory_change_name(enum directory_change_kind kind)
{
    static const char *const names[] = {
        [CHANGE_ATTRIBUTE] = "attribute",   [CHANGE_MEMBERSHIP] = "membership",
        [CHANGE_ASSIGNMENT] = "assignment", [CHANGE_DELETION] = "deletion",
        [CHANGE_RESTORE] = "restore",       [CHANGE_REMOVAL] = "removal",
        [CHANGE_REFERENCE] = "reference",
    };

    return names[kind];
}

bool directory_feed_position(struct db *db, int64_t *out, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    if (!db_select_one(db, query(Q_POSITION), DB_NO_ARGS, &st, err))
        return false;
    *out = st ? db_col_int(st, 0) : 0;
    return true;
}

bool directory_feed_read(struct db *db, struct arena *a, int64_t after, size_t limit,
                         struct directory_change **out, size_t *out_count, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct directory_change *items = NULL;
    size_t count = 0;
    bool row;

    if (!db_select(db, query(Q_READ), DB_ARGS(db_int(after), db_int((int64_t)limit)), &st, err))
        return false;
    while (count < limit) {
        if (!db_step(st, &row, err))
            return false;
        if (!row)
            break;
        /* Not before there is a row: mostly nothing is new. */
        if (!items)
            items = ARENA_ARRAY(a, struct directory_change, limit);
        items[count++] = (struct directory_change){
            .seq = db_col_int(st, 0),
            .at_us = db_col_int(st, 1),
            .kind = (enum directory_change_kind)db_col_int(st, 2),
            .object_id = arena_str(a, db_col_text(st, 3)),
            .related_id = arena_str(a, db_col_text(st, 4)),
            .app_id = arena_str(a, db_col_text(st, 5)),
        };
    }
    *out = items;
    *out_count = count;
    return true;
}

bool directory_feed_members(struct db *db, struct arena *a, int64_t after, int64_t until,
                            size_t limit, struct directory_member_change **out, size_t *out_count,
                            struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct directory_member_change *items = NULL;
    size_t count = 0;
    bool row;

    if (!db_select(db, query(Q_MEMBERS),
                   DB_ARGS(db_int(after), db_int(until), db_int((int64_t)limit)), &st, err))
        return false;
    while (count < limit) {
        if (!db_step(st, &row, err))
            return false;
        if (!row)
            break;
        if (!items)
            items = ARENA_ARRAY(a, struct directory_member_change, limit);
        items[count++] = (struct directory_member_change){
            .seq = db_col_int(st, 0),
            .group_id = arena_str(a, db_col_text(st, 1)),
            .member_id = arena_str(a, db_col_text(st, 2)),
            .present = db_col_bool(st, 3),
        };
    }
    *out = items;
    *out_count = count;
    return true;
}

/* Takes the next block of positions: one for a small change, more and more for a long one, so that
 * an import does not write the counter for every row. */
static bool take_positions(struct directory_tx *tx, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    if (!db_select_one(tx->db, query(Q_TAKE), DB_ARGS(db_int(tx->block)), &st, err))
        return false;
    if (!st)
        return err_set(err, ERR_INTERNAL, "noFeed", "the directory has lost its counter row");
    tx->end_seq = db_col_int(st, 0) + 1;
    tx->next_seq = tx->end_seq - tx->block;
    if (tx->block < BLOCK_MAX)
        tx->block *= 2;
    return true;
}

bool directory_feed_add(struct directory_tx *tx, enum directory_change_kind kind,
                        struct str object_id, struct str related_id, struct str app_id,
                        int64_t *out_seq, struct err *err)
{
    int64_t seq;

    if (tx->next_seq == tx->end_seq && !take_positions(tx, err))
        return false;
    seq = tx->next_seq++;
    if (!db_exec(tx->db, query(Q_ADD),
                 DB_ARGS(db_int(seq), db_int(tx->now_us), db_int(kind), db_text(object_id),
                         db_text_or_null(related_id), db_text_or_null(app_id)),
                 NULL, err))
        return false;
    if (out_seq)
        *out_seq = seq;
    return true;
}
