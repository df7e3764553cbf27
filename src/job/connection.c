#include "job/connection.h"

#include "job/queries.h"
#include "job/store.h"

#include <inttypes.h>

enum query {
    Q_BY_SOURCE,
    Q_BY_TARGET,
    Q_RANGE,
    Q_PAGE_USERS,
    Q_PAGE_GROUPS,
    Q_INSERT,
    Q_UPDATE,
    Q_REMOVE,
    Q_COUNT_CHANGE,
    Q_COUNT,
    Q_ACCOUNT,
    Q_CLEAR,
    Q_CLEAR_COUNTS,
};

#define CONNECTION_COLUMNS                                                      \
    "source_id, kind, target_id, display_name, origin, soft_deleted, exported," \
    " created_us, changed_us"

const struct db_query connection_queries[] = {
    [Q_BY_SOURCE] = {"connection_by_source", "SELECT " CONNECTION_COLUMNS " FROM job_connection"
                                             " WHERE job_no = $1 AND source_id = $2"},
    [Q_BY_TARGET] = {"connection_by_target", "SELECT " CONNECTION_COLUMNS " FROM job_connection"
                                             " WHERE job_no = $1 AND target_id = $2"},
    [Q_RANGE] = {"connection_range", "SELECT " CONNECTION_COLUMNS " FROM job_connection"
                                     " WHERE job_no = $1 AND source_id >= $2 AND source_id <= $3"
                                     " ORDER BY source_id LIMIT $4"},
    /* The kind stands in the text so that the index of the groups is found. */
    [Q_PAGE_USERS] = {"connection_page_users", "SELECT " CONNECTION_COLUMNS " FROM job_connection"
                                               " WHERE job_no = $1 AND source_id > $2 AND kind = 0"
                                               " ORDER BY source_id LIMIT $3"},
    [Q_PAGE_GROUPS] = {"connection_page_groups",
                       "SELECT " CONNECTION_COLUMNS " FROM job_connection"
                       " WHERE job_no = $1 AND source_id > $2 AND kind = 1"
                       " ORDER BY source_id LIMIT $3"},
    /* Whether it is new is told by the count of rows, which costs less than RETURNING. A target id
     * that is taken must not come to a violated constraint, which would spoil the caller's
     * transaction: then neither of the two changes a row. */
    [Q_INSERT] = {"connection_insert",
                  "INSERT INTO job_connection (job_no, source_id, kind, target_id, display_name,"
                  " origin, soft_deleted, exported, created_us, changed_us)"
                  " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING"},
    [Q_UPDATE] = {"connection_update",
                  "UPDATE job_connection SET target_id = $3, display_name = $4, origin = $5,"
                  " soft_deleted = $6, exported = $7, changed_us = $8"
                  " WHERE job_no = $1 AND source_id = $2 AND NOT EXISTS"
                  " (SELECT 1 FROM job_connection other WHERE other.job_no = $1"
                  " AND other.target_id = $3 AND other.source_id <> $2)"},
    [Q_REMOVE] = {"connection_remove",
                  "DELETE FROM job_connection WHERE job_no = $1 AND source_id = $2"
                  " RETURNING kind"},
    [Q_COUNT_CHANGE] = {"connection_count_change",
                        "UPDATE job_connection_count SET connections = connections + $3"
                        " WHERE job_no = $1 AND kind = $2"},
    [Q_COUNT] = {"connection_count",
                 "SELECT connections FROM job_connection_count WHERE job_no = $1 AND kind = $2"},
    [Q_ACCOUNT] = {"connection_account",
                   "SELECT target_id FROM job_connection WHERE job_no = $1 AND source_id = $2"},
    [Q_CLEAR] = {"connection_clear", "DELETE FROM job_connection WHERE job_no = $1"},
    [Q_CLEAR_COUNTS] = {"connection_clear_counts",
                        "UPDATE job_connection_count SET connections = 0 WHERE job_no = $1"},
};
const size_t connection_query_count = ARRAY_LEN(connection_queries);

static const enum query page_query[] = {
    [SOURCE_USER] = Q_PAGE_USERS,
    [SOURCE_GROUP] = Q_PAGE_GROUPS,
};
static_assert(ARRAY_LEN(page_query) == SOURCE_KIND_COUNT, "every kind has its page");
static_assert(SOURCE_USER == 0 && SOURCE_GROUP == 1, "as the texts of the statements say");

static const char *const origin_names[] = {
    [CONNECTION_CREATED] = "created",
    [CONNECTION_MATCHED] = "matched",
    [CONNECTION_MANUAL] = "manual",
};
static_assert(ARRAY_LEN(origin_names) == CONNECTION_ORIGIN_COUNT, "every origin has a name");

const char *connection_origin_name(enum connection_origin o)
{
    return origin_names[o];
}

static const struct db_query *query(enum query q)
{
    return &connection_queries[q];
}

static void read_connection(struct db_stmt *st, struct arena *a, struct connection *out)
{
    *out = (struct connection){
        .source_id = arena_str(a, db_col_text(st, 0)),
        .kind = (enum source_kind)db_col_int(st, 1),
        .target_id = arena_str(a, db_col_text(st, 2)),
        .display_name = arena_str(a, db_col_text(st, 3)),
        .origin = (enum connection_origin)db_col_int(st, 4),
        .soft_deleted = db_col_bool(st, 5),
        .exported = arena_str(a, db_col_text(st, 6)),
        .created_us = db_col_int(st, 7),
        .changed_us = db_col_int(st, 8),
    };
}

static bool load_one(struct db *db, enum query q, int64_t job_no, struct str id, struct arena *a,
                     struct connection *out, bool *out_found, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    if (!db_select_one(db, query(q), DB_ARGS(db_int(job_no), db_text(id)), &st, err))
        return false;
    *out_found = st != NULL;
    if (st)
        read_connection(st, a, out);
    return true;
}

static bool load_many(struct db *db, enum query q, struct db_args args, size_t limit,
                      struct arena *a, struct connection **out, size_t *out_count, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct connection *list = ARENA_ARRAY(a, struct connection, limit ? limit : 1);
    size_t count = 0;
    bool row;

    if (!db_select(db, query(q), args, &st, err))
        return false;
    for (;;) {
        if (!db_step(st, &row, err))
            return false;
        if (!row)
            break;
        read_connection(st, a, &list[count++]);
    }
    *out = list;
    *out_count = count;
    return true;
}

static bool change_count(struct db *db, int64_t job_no, int64_t kind, int64_t by, struct err *err)
{
    return store_change_job(db, query(Q_COUNT_CHANGE),
                            DB_ARGS(db_int(job_no), db_int(kind), db_int(by)), job_no, err);
}

static bool save_row(struct db *db, int64_t job_no, const struct connection *c, bool *out_new,
                     struct err *err)
{
    int64_t changed;

    if (!db_exec(db, query(Q_INSERT),
                 DB_ARGS(db_int(job_no), db_text(c->source_id), db_int(c->kind),
                         db_text(c->target_id), db_text(c->display_name), db_int(c->origin),
                         db_bool(c->soft_deleted), db_text(c->exported), db_int(c->created_us),
                         db_int(c->changed_us)),
                 &changed, err))
        return false;
    *out_new = changed > 0;
    if (changed)
        return true;
    if (!db_exec(db, query(Q_UPDATE),
                 DB_ARGS(db_int(job_no), db_text(c->source_id), db_text(c->target_id),
                         db_text(c->display_name), db_int(c->origin), db_bool(c->soft_deleted),
                         db_text(c->exported), db_int(c->changed_us)),
                 &changed, err))
        return false;
    if (changed == 0) {
        return err_set(err, ERR_CONFLICT, "targetTaken",
                       "the account %.*s is connected to another source object already",
                       STR_ARG(c->target_id));
    }
    return true;
}

static bool remove_rows(struct db *db, int64_t job_no, struct str source_id, bool *out_removed,
                        struct err *err)
{
    struct db_args args = DB_ARGS(db_int(job_no), db_text(source_id));
    int64_t kind;

    if (!store_number(db, query(Q_REMOVE), args, &kind, out_removed, err))
        return false;
    if (!*out_removed)
        return true;
    /* What was exported of its memberships went with the account. */
    return change_count(db, job_no, kind, -1, err) && references_forget(db, job_no, source_id, err);
}

bool connection_load(struct db *db, struct arena *a, int64_t job_no, struct str source_id,
                     struct connection *out, bool *out_found, struct err *err)
{
    return load_one(db, Q_BY_SOURCE, job_no, source_id, a, out, out_found, err);
}

bool connection_find_target(struct db *db, struct arena *a, int64_t job_no, struct str target_id,
                            struct connection *out, bool *out_found, struct err *err)
{
    return load_one(db, Q_BY_TARGET, job_no, target_id, a, out, out_found, err);
}

bool connection_account(struct db *db, struct arena *a, int64_t job_no, struct str source_id,
                        struct str *out_target_id, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    if (!db_select_one(db, query(Q_ACCOUNT), DB_ARGS(db_int(job_no), db_text(source_id)), &st, err))
        return false;
    *out_target_id = st ? arena_str(a, db_col_text(st, 0)) : (struct str){0};
    return true;
}

bool connection_range(struct db *db, struct arena *a, int64_t job_no, struct str from,
                      struct str to, size_t limit, struct connection **out, size_t *out_count,
                      struct err *err)
{
    return load_many(db, Q_RANGE,
                     DB_ARGS(db_int(job_no), db_text(from), db_text(to), db_int((int64_t)limit)),
                     limit, a, out, out_count, err);
}

bool connection_page(struct db *db, struct arena *a, int64_t job_no, enum source_kind kind,
                     struct str after, size_t limit, struct connection **out, size_t *out_count,
                     struct err *err)
{
    return load_many(db, page_query[kind],
                     DB_ARGS(db_int(job_no), db_text(after), db_int((int64_t)limit)), limit, a, out,
                     out_count, err);
}

bool connection_save(struct db *db, int64_t job_no, const struct connection *c, bool *out_new,
                     struct err *err)
{
    bool is_new = false;
    bool own;

    if (!store_begin(db, &own, err))
        return false;
    bool ok = save_row(db, job_no, c, &is_new, err) &&
              (!is_new || change_count(db, job_no, c->kind, 1, err));
    if (!store_end(db, own, ok, err))
        return false;
    *out_new = is_new;
    return true;
}

bool connection_save_many(struct db *db, int64_t job_no, const struct connection *c,
                          int64_t added[SOURCE_KIND_COUNT], struct err *err)
{
    bool is_new;

    assert(db_in_transaction(db));
    if (!save_row(db, job_no, c, &is_new, err))
        return false;
    added[c->kind] += is_new;
    return true;
}

bool connection_count_added(struct db *db, int64_t job_no, const int64_t added[SOURCE_KIND_COUNT],
                            struct err *err)
{
    for (int kind = 0; kind < SOURCE_KIND_COUNT; kind++) {
        if (added[kind] && !change_count(db, job_no, kind, added[kind], err))
            return false;
    }
    return true;
}

bool connection_remove(struct db *db, int64_t job_no, struct str source_id, bool *out_removed,
                       struct err *err)
{
    bool removed = false;
    bool own;

    if (!store_begin(db, &own, err))
        return false;
    if (!store_end(db, own, remove_rows(db, job_no, source_id, &removed, err), err))
        return false;
    *out_removed = removed;
    return true;
}

bool connection_clear(struct db *db, int64_t job_no, struct err *err)
{
    static const enum query steps[] = {Q_CLEAR, Q_CLEAR_COUNTS};
    bool own;
    bool ok = true;

    if (!store_begin(db, &own, err))
        return false;
    for (size_t i = 0; ok && i < ARRAY_LEN(steps); i++)
        ok = db_exec(db, query(steps[i]), DB_ARGS(db_int(job_no)), NULL, err);
    return store_end(db, own, ok && references_clear(db, job_no, err), err);
}

bool connection_count(struct db *db, int64_t job_no, enum source_kind kind, int64_t *out,
                      struct err *err)
{
    int64_t count;
    bool row;

    if (!store_number(db, query(Q_COUNT), DB_ARGS(db_int(job_no), db_int(kind)), &count, &row, err))
        return false;
    *out = row ? count : 0;
    return true;
}
