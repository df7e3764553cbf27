#include "job/history.h"

#include "job/queries.h"

enum query { Q_LOAD, Q_ADD };

#define COLUMNS                                                     \
    "cycles, created, matched, updated, disabled, deleted, failed," \
    " steady_first_us, steady_last_us"

const struct db_query history_queries[] = {
    [Q_LOAD] = {"job_history", "SELECT " COLUMNS " FROM job_history WHERE job_no = $1"},
    [Q_ADD] = {"job_history_add",
               "INSERT INTO job_history (job_no, " COLUMNS ")"
               " VALUES ($1, 1, $2, $3, $4, $5, $6, $7, $8, $8)"
               " ON CONFLICT (job_no) DO UPDATE SET cycles = job_history.cycles + 1,"
               " created = job_history.created + excluded.created,"
               " matched = job_history.matched + excluded.matched,"
               " updated = job_history.updated + excluded.updated,"
               " disabled = job_history.disabled + excluded.disabled,"
               " deleted = job_history.deleted + excluded.deleted,"
               " failed = job_history.failed + excluded.failed,"
               " steady_first_us = CASE WHEN job_history.steady_first_us = 0"
               " THEN excluded.steady_first_us ELSE job_history.steady_first_us END,"
               " steady_last_us = CASE WHEN excluded.steady_last_us = 0"
               " THEN job_history.steady_last_us ELSE excluded.steady_last_us END"},
};
const size_t history_query_count = ARRAY_LEN(history_queries);

bool job_history_load(struct db *db, int64_t job_no, struct job_history *out, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    *out = (struct job_history){0};
    if (!db_select_one(db, &history_queries[Q_LOAD], DB_ARGS(db_int(job_no)), &st, err))
        return false;
    if (st) {
        *out = (struct job_history){
            .cycles = db_col_int(st, 0),
            .created = db_col_int(st, 1),
            .matched = db_col_int(st, 2),
            .updated = db_col_int(st, 3),
            .disabled = db_col_int(st, 4),
            .deleted = db_col_int(st, 5),
            .failed = db_col_int(st, 6),
            .steady_first_us = db_col_int(st, 7),
            .steady_last_us = db_col_int(st, 8),
        };
    }
    return true;
}

bool job_history_add(struct db *db, const struct cycle *c, int64_t steady_us, struct err *err)
{
    const struct cycle_counters *n = &c->counters;

    return db_exec(db, &history_queries[Q_ADD],
                   DB_ARGS(db_int(c->job_no), db_int(n->created), db_int(n->matched),
                           db_int(n->updated), db_int(n->disabled), db_int(n->deleted),
                           db_int(n->failed), db_int(steady_us)),
                   NULL, err);
}
