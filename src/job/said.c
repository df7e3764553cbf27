#include "job/said.h"

#include "job/queries.h"

enum query { Q_LOAD, Q_SAVE };

const struct db_query said_queries[] = {
    [Q_LOAD] = {"said_load", "SELECT base_url, said, asked_us FROM job_target WHERE job_no = $1"},
    /* A job that was removed meanwhile leaves nothing behind. */
    [Q_SAVE] = {"said_save", "INSERT INTO job_target (job_no, base_url, said, asked_us)"
                             " SELECT no, $2, $3, $4 FROM job WHERE no = $1"
                             " ON CONFLICT (job_no) DO UPDATE SET base_url = excluded.base_url,"
                             " said = excluded.said, asked_us = excluded.asked_us"},
};
const size_t said_query_count = ARRAY_LEN(said_queries);

bool job_said_load(struct db *db, struct arena *a, int64_t job_no, struct job_said *out,
                   bool *out_found, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    *out = (struct job_said){0};
    if (!db_select_one(db, &said_queries[Q_LOAD], DB_ARGS(db_int(job_no)), &st, err))
        return false;
    *out_found = st != NULL;
    if (st) {
        out->base_url = arena_str(a, db_col_text(st, 0));
        out->text = arena_str(a, db_col_text(st, 1));
        out->asked_us = db_col_int(st, 2);
    }
    return true;
}

bool job_said_save(struct db *db, int64_t job_no, const struct job_said *said, struct err *err)
{
    return db_exec(db, &said_queries[Q_SAVE],
                   DB_ARGS(db_int(job_no), db_text(said->base_url), db_text(said->text),
                           db_int(said->asked_us)),
                   NULL, err);
}
