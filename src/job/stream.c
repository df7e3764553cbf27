#include "job/stream.h"

#include "base/clock.h"
#include "job/queries.h"

enum query { Q_BEGIN, Q_END, Q_LOAD, Q_DUE, Q_CLAIM, Q_SAVE };

/* A time further ahead than any attempt says that the clock went back. */
#define AHEAD_MAX_US (10 * 60 * US_PER_SECOND)

const struct db_query stream_queries[] = {
    [Q_BEGIN] = {"job_stream_begin",
                 "INSERT INTO job_stream (job_no, sent_no, failures, next_us, error)"
                 " VALUES ($1, $2, 0, 0, '') ON CONFLICT (job_no) DO UPDATE SET failures = 0,"
                 " next_us = 0, error = ''"},
    [Q_END] = {"job_stream_end", "DELETE FROM job_stream WHERE job_no = $1"},
    [Q_LOAD] = {"job_stream_load",
                "SELECT sent_no, failures, error FROM job_stream WHERE job_no = $1"},
    [Q_DUE] = {"job_stream_due",
               "SELECT job_no, sent_no, failures, error, next_us FROM job_stream"
               " WHERE next_us <= $1 OR next_us > $2 ORDER BY next_us, job_no LIMIT 1"},
    [Q_CLAIM] = {"job_stream_claim",
                 "UPDATE job_stream SET next_us = $3 WHERE job_no = $1 AND next_us = $2"},
    [Q_SAVE] = {"job_stream_save",
                "UPDATE job_stream SET sent_no = $2, failures = $3, next_us = $4, error = $5"
                " WHERE job_no = $1"},
};
const size_t stream_query_count = ARRAY_LEN(stream_queries);

bool job_stream_begin(struct db *db, int64_t job_no, int64_t sent_no, struct err *err)
{
    return db_exec(db, &stream_queries[Q_BEGIN], DB_ARGS(db_int(job_no), db_int(sent_no)), NULL,
                   err);
}

bool job_stream_end(struct db *db, int64_t job_no, struct err *err)
{
    return db_exec(db, &stream_queries[Q_END], DB_ARGS(db_int(job_no)), NULL, err);
}

bool job_stream_load(struct db *db, struct arena *a, int64_t job_no, struct job_stream *out,
                     bool *out_found, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    *out = (struct job_stream){.job_no = job_no};
    if (!db_select_one(db, &stream_queries[Q_LOAD], DB_ARGS(db_int(job_no)), &st, err))
        return false;
    *out_found = st != NULL;
    if (st) {
        out->sent_no = db_col_int(st, 0);
        out->failures = db_col_int(st, 1);
        out->error = arena_str(a, db_col_text(st, 2));
    }
    return true;
}

static bool first_due(struct db *db, struct arena *a, int64_t now_us, struct job_stream *out,
                      int64_t *out_next_us, bool *out_found, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    if (!db_select_one(db, &stream_queries[Q_DUE],
                       DB_ARGS(db_int(now_us), db_int(now_us + AHEAD_MAX_US)), &st, err))
        return false;
    *out_found = st != NULL;
    if (st) {
        *out = (struct job_stream){
            .job_no = db_col_int(st, 0),
            .sent_no = db_col_int(st, 1),
            .failures = db_col_int(st, 2),
            .error = arena_str(a, db_col_text(st, 3)),
        };
        *out_next_us = db_col_int(st, 4);
    }
    return true;
}

bool job_stream_claim(struct db *db, struct arena *a, int64_t now_us, int64_t until_us,
                      struct job_stream *out, bool *out_found, struct err *err)
{
    int64_t next_us = 0;
    int64_t changed;

    if (!first_due(db, a, now_us, out, &next_us, out_found, err))
        return false;
    if (!*out_found)
        return true;
    if (!db_exec(db, &stream_queries[Q_CLAIM],
                 DB_ARGS(db_int(out->job_no), db_int(next_us), db_int(until_us)), &changed, err))
        return false;
    *out_found = changed > 0; /* else another process was faster */
    return true;
}

bool job_stream_save(struct db *db, const struct job_stream *s, int64_t next_us, struct err *err)
{
    return db_exec(db, &stream_queries[Q_SAVE],
                   DB_ARGS(db_int(s->job_no), db_int(s->sent_no), db_int(s->failures),
                           db_int(next_us), db_text(s->error)),
                   NULL, err);
}
