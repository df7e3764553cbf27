#include "job/undone.h"

#include "base/rng.h"
#include "job/queries.h"
#include "job/store.h"

enum query {
    Q_HOLD,
    Q_FIND,
    Q_LIST,
    Q_COUNT,
    Q_RELEASE,
    Q_EXPIRE,
    Q_IDENTITY_MAKE,
    Q_IDENTITY,
};

#define UNDONE_COLUMNS "source_id, kind, name, cycle_id, schema_version, had_left, at_us"

const struct db_query undone_queries[] = {
    [Q_HOLD] = {"undone_hold",
                "INSERT INTO job_undone (job_no, " UNDONE_COLUMNS ")"
                " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
                " ON CONFLICT (job_no, source_id) DO UPDATE SET kind = excluded.kind,"
                " name = excluded.name, cycle_id = excluded.cycle_id,"
                " schema_version = excluded.schema_version, had_left = excluded.had_left,"
                " at_us = excluded.at_us"},
    [Q_FIND] = {"undone_find", "SELECT " UNDONE_COLUMNS " FROM job_undone"
                               " WHERE job_no = $1 AND source_id = $2 AND schema_version = $3"},
    [Q_LIST] = {"undone_list", "SELECT " UNDONE_COLUMNS " FROM job_undone"
                               " WHERE job_no = $1 AND schema_version = $2 AND source_id > $3"
                               " ORDER BY source_id LIMIT $4"},
    [Q_COUNT] = {"undone_count",
                 "SELECT count(*) FROM job_undone WHERE job_no = $1 AND schema_version = $2"},
    [Q_RELEASE] = {"undone_release", "DELETE FROM job_undone WHERE job_no = $1 AND source_id = $2"},
    [Q_EXPIRE] = {"undone_expire",
                  "DELETE FROM job_undone WHERE job_no = $1"
                  " AND schema_version <> (SELECT schema_version FROM job WHERE no = $1)"},
    [Q_IDENTITY_MAKE] = {"database_identity_make",
                         "INSERT INTO database_identity (one, id) VALUES (1, $1)"
                         " ON CONFLICT (one) DO NOTHING"},
    [Q_IDENTITY] = {"database_identity", "SELECT id FROM database_identity WHERE one = 1"},
};
const size_t undone_query_count = ARRAY_LEN(undone_queries);

static const struct db_query *query(enum query q)
{
    return &undone_queries[q];
}

static void read_undone(struct db_stmt *st, struct arena *a, void *out)
{
    *(struct undone *)out = (struct undone){
        .source_id = arena_str(a, db_col_text(st, 0)),
        .kind = (enum source_kind)db_col_int(st, 1),
        .name = arena_str(a, db_col_text(st, 2)),
        .cycle_id = arena_str(a, db_col_text(st, 3)),
        .schema_version = db_col_int(st, 4),
        .had_left = db_col_bool(st, 5),
        .at_us = db_col_int(st, 6),
    };
}

bool undone_hold(struct db *db, int64_t job_no, const struct undone *u, struct err *err)
{
    return db_exec(db, query(Q_HOLD),
                   DB_ARGS(db_int(job_no), db_text(u->source_id), db_int(u->kind), db_text(u->name),
                           db_text(u->cycle_id), db_int(u->schema_version), db_bool(u->had_left),
                           db_int(u->at_us)),
                   NULL, err);
}

bool undone_find(struct db *db, struct arena *a, int64_t job_no, struct str source_id,
                 int64_t schema_version, struct undone *out, bool *out_found, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    if (!db_select_one(db, query(Q_FIND),
                       DB_ARGS(db_int(job_no), db_text(source_id), db_int(schema_version)), &st,
                       err))
        return false;
    *out_found = st;
    if (st)
        read_undone(st, a, out);
    return true;
}

bool undone_list(struct db *db, struct arena *a, int64_t job_no, int64_t schema_version,
                 struct str after, size_t limit, struct undone **out, size_t *out_count,
                 struct err *err)
{
    return store_rows(
        db, query(Q_LIST),
        DB_ARGS(db_int(job_no), db_int(schema_version), db_text(after), db_int((int64_t)limit)),
        STORE_LIST(a, limit, struct undone, read_undone), out, out_count, err);
}

bool undone_count(struct db *db, int64_t job_no, int64_t schema_version, int64_t *out,
                  struct err *err)
{
    bool row;

    return store_number(db, query(Q_COUNT), DB_ARGS(db_int(job_no), db_int(schema_version)), out,
                        &row, err);
}

bool undone_release(struct db *db, int64_t job_no, struct str source_id, bool *out_removed,
                    struct err *err)
{
    int64_t changed;

    if (!db_exec(db, query(Q_RELEASE), DB_ARGS(db_int(job_no), db_text(source_id)), &changed, err))
        return false;
    *out_removed = changed > 0;
    return true;
}

bool undone_expire(struct db *db, int64_t job_no, struct err *err)
{
    return db_exec(db, query(Q_EXPIRE), DB_ARGS(db_int(job_no)), NULL, err);
}

bool database_identity(struct db *db, struct rng *rng, struct arena *a, struct str *out,
                       struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    char id[UUID_TEXT_MAX];

    if (!db_select_one(db, query(Q_IDENTITY), DB_NO_ARGS, &st, err))
        return false;
    if (!st &&
        (!db_exec(db, query(Q_IDENTITY_MAKE), DB_ARGS(db_text(uuid_new(rng, id))), NULL, err) ||
         !db_select_one(db, query(Q_IDENTITY), DB_NO_ARGS, &st, err)))
        return false;
    if (!st)
        return err_set(err, ERR_INTERNAL, "noIdentity", "the database has no identity");
    *out = arena_str(a, db_col_text(st, 0));
    return true;
}
