#include "job/reset.h"

#include "job/connection.h"
#include "job/queries.h"
#include "job/store.h"

enum query {
    Q_ADD,
    Q_LOAD,
    Q_DONE,
    Q_ANY,
    Q_FORGET_BACKUP,
    Q_BACKUP,
    Q_BACKED_UP,
    Q_RESTORE,
    Q_RECOUNT
};

#define COLUMNS                                                                         \
    "job_no, source_id, kind, target_id, display_name, origin, soft_deleted, exported," \
    " created_us, changed_us"

const struct db_query reset_queries[] = {
    [Q_ADD] = {"reset_add",
               "INSERT INTO job_reset (job_no, bits, stop_now)"
               " SELECT no, $2, $3 FROM job WHERE no = $1"
               " ON CONFLICT (job_no) DO UPDATE SET bits = job_reset.bits | excluded.bits,"
               " stop_now = job_reset.stop_now OR excluded.stop_now"},
    [Q_LOAD] = {"reset_load", "SELECT bits, stop_now FROM job_reset WHERE job_no = $1"},
    [Q_DONE] = {"reset_done", "DELETE FROM job_reset WHERE job_no = $1"},
    [Q_ANY] = {"reset_any_connection", "SELECT kind FROM job_connection WHERE job_no = $1 LIMIT 1"},
    [Q_FORGET_BACKUP] = {"reset_forget_backup",
                         "DELETE FROM job_connection_backup WHERE job_no = $1"},
    [Q_BACKUP] = {"reset_backup", "INSERT INTO job_connection_backup (" COLUMNS ")"
                                  " SELECT " COLUMNS " FROM job_connection WHERE job_no = $1"},
    [Q_BACKED_UP] = {"reset_backed_up",
                     "SELECT count(*) FROM job_connection_backup WHERE job_no = $1"},
    [Q_RESTORE] = {"reset_restore",
                   "INSERT INTO job_connection (" COLUMNS ")"
                   " SELECT " COLUMNS " FROM job_connection_backup WHERE job_no = $1"},
    [Q_RECOUNT] = {"reset_recount", "UPDATE job_connection_count SET connections ="
                                    " (SELECT count(*) FROM job_connection c WHERE c.job_no = $1"
                                    "   AND c.kind = job_connection_count.kind)"
                                    " WHERE job_no = $1"},
};
const size_t reset_query_count = ARRAY_LEN(reset_queries);

static const struct db_query *query(enum query q)
{
    return &reset_queries[q];
}

bool job_reset_add(struct db *db, int64_t job_no, unsigned bits, bool stop_now, struct err *err)
{
    return db_exec(db, query(Q_ADD), DB_ARGS(db_int(job_no), db_int(bits), db_bool(stop_now)), NULL,
                   err);
}

bool job_reset_load(struct db *db, int64_t job_no, unsigned *out_bits, bool *out_stop_now,
                    struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    if (!db_select_one(db, query(Q_LOAD), DB_ARGS(db_int(job_no)), &st, err))
        return false;
    *out_bits = st ? (unsigned)db_col_int(st, 0) : 0;
    *out_stop_now = st && db_col_bool(st, 1);
    return true;
}

bool job_reset_done(struct db *db, int64_t job_no, struct err *err)
{
    return db_exec(db, query(Q_DONE), DB_ARGS(db_int(job_no)), NULL, err);
}

bool connection_backup(struct db *db, int64_t job_no, struct err *err)
{
    int64_t kind;
    bool any;

    if (!store_number(db, query(Q_ANY), DB_ARGS(db_int(job_no)), &kind, &any, err))
        return false;
    return !any || (db_exec(db, query(Q_FORGET_BACKUP), DB_ARGS(db_int(job_no)), NULL, err) &&
                    db_exec(db, query(Q_BACKUP), DB_ARGS(db_int(job_no)), NULL, err));
}

bool connection_restore(struct db *db, int64_t job_no, int64_t *out_count, struct err *err)
{
    bool row;

    if (!store_number(db, query(Q_BACKED_UP), DB_ARGS(db_int(job_no)), out_count, &row, err))
        return false;
    return *out_count == 0 || (connection_clear(db, job_no, err) &&
                               db_exec(db, query(Q_RESTORE), DB_ARGS(db_int(job_no)), NULL, err) &&
                               db_exec(db, query(Q_RECOUNT), DB_ARGS(db_int(job_no)), NULL, err));
}
