#include "directory/retention.h"

enum query { Q_FEED, Q_OLD_FEED, Q_TOMBSTONES, Q_FORGET };

const struct db_query directory_retention_queries[] = {
    /* Looks at no more than the oldest: times rise with positions. */
    [Q_FEED] = {"directory_feed_prune",
                "DELETE FROM directory_change WHERE seq IN (SELECT c.seq FROM"
                " (SELECT seq, at_us FROM directory_change ORDER BY seq LIMIT $3) c"
                " WHERE c.seq <= $1 AND c.at_us < $2)"},
    [Q_OLD_FEED] = {"directory_feed_prunable", "SELECT count(*) FROM directory_change"
                                               " WHERE seq <= $1 AND at_us < $2"},
    [Q_TOMBSTONES] = {"directory_tombstones", "SELECT id FROM directory_tombstone"
                                              " WHERE removed_us < $1 AND id > $2"
                                              " ORDER BY id LIMIT $3"},
    [Q_FORGET] = {"directory_tombstone_forget", "DELETE FROM directory_tombstone WHERE id = $1"},
};
const size_t directory_retention_query_count = ARRAY_LEN(directory_retention_queries);

bool directory_feed_prune(struct db *db, int64_t until, int64_t before_us, size_t limit,
                          int64_t *out_removed, struct err *err)
{
    return db_exec(db, &directory_retention_queries[Q_FEED],
                   DB_ARGS(db_int(until), db_int(before_us), db_int((int64_t)limit)), out_removed,
                   err);
}

bool directory_feed_prunable(struct db *db, int64_t until, int64_t before_us, int64_t *out,
                             struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    if (!db_select_one(db, &directory_retention_queries[Q_OLD_FEED],
                       DB_ARGS(db_int(until), db_int(before_us)), &st, err))
        return false;
    *out = st ? db_col_int(st, 0) : 0;
    return true;
}

bool directory_tombstones(struct db *db, struct arena *a, int64_t before_us, struct str after,
                          size_t limit, struct str **out, size_t *out_count, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct str *list = ARENA_ARRAY(a, struct str, limit);
    size_t count = 0;
    bool row;

    if (!db_select(db, &directory_retention_queries[Q_TOMBSTONES],
                   DB_ARGS(db_int(before_us), db_text(after), db_int((int64_t)limit)), &st, err))
        return false;
    for (;;) {
        if (!db_step(st, &row, err))
            return false;
        if (!row)
            break;
        list[count++] = arena_str(a, db_col_text(st, 0));
    }
    *out = list;
    *out_count = count;
    return true;
}

bool directory_tombstone_forget(struct db *db, struct str id, struct err *err)
{
    return db_exec(db, &directory_retention_queries[Q_FORGET], DB_ARGS(db_text(id)), NULL, err);
}
