#include "job/pace.h"

#include "job/queries.h"

enum query { Q_LOAD, Q_SAVE };

const struct db_query pace_queries[] = {
    [Q_LOAD] = {"pace_load",
                "SELECT rate_milli, connections, learned_us FROM job_pace WHERE job_no = $1"},
    /* A job that was removed meanwhile leaves nothing behind. */
    [Q_SAVE] = {"pace_save",
                "INSERT INTO job_pace (job_no, rate_milli, connections, learned_us)"
                " SELECT no, $2, $3, $4 FROM job WHERE no = $1"
                " ON CONFLICT (job_no) DO UPDATE SET rate_milli = excluded.rate_milli,"
                " connections = excluded.connections, learned_us = excluded.learned_us"},
};
const size_t pace_query_count = ARRAY_LEN(pace_queries);

bool job_pace_load(struct db *db, int64_t job_no, struct job_pace *out, bool *out_found,
                   struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    *out = (struct job_pace){0};
    if (!db_select_one(db, &pace_queries[Q_LOAD], DB_ARGS(db_int(job_no)), &st, err))
        return false;
    *out_found = st != NULL;
    if (st) {
        out->rate = (double)db_col_int(st, 0) / 1000;
        out->connections = db_col_int(st, 1);
        out->learned_us = db_col_int(st, 2);
    }
    return true;
}

bool job_pace_save(struct db *db, int64_t job_no, const struct job_pace *p, struct err *err)
{
    return db_exec(db, &pace_queries[Q_SAVE],
                   DB_ARGS(db_int(job_no), db_int((int64_t)(p->rate * 1000)),
                           db_int(p->connections), db_int(p->learned_us)),
                   NULL, err);
}
