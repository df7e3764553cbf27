#include "job/retention.h"

#include "job/queries.h"
#include "job/store.h"

enum query { Q_WATERMARKS, Q_KNOWS, Q_CYCLES, Q_OLD_CYCLES };

/* $1: the job, $2: a time, $3: how many of the newest stay. */
#define OLD_CYCLES                                                               \
    " FROM job_cycle c WHERE c.job_no = $1 AND c.state <> 0 AND c.ended_us < $2" \
    " AND c.began_us < coalesce((SELECT min(n.began_us) FROM"                    \
    " (SELECT began_us FROM job_cycle WHERE job_no = $1"                         \
    " ORDER BY began_us DESC, id DESC LIMIT $3) n), 0)"

const struct db_query job_retention_queries[] = {
    [Q_WATERMARKS] =
        {"job_watermarks",
         "SELECT watermark FROM job WHERE watermark <> ''"
         " UNION SELECT watermark FROM job_cycle WHERE state = 0 AND watermark <> ''"
         " UNION SELECT feed_start FROM job_cycle WHERE state = 0 AND feed_start <> ''"
         " UNION SELECT stretch_from FROM job_lease WHERE owner <> '' AND stretch_from <> ''"
         " UNION SELECT doubt_from FROM job_lease WHERE doubt_from <> ''"},
    [Q_KNOWS] = {"job_knows", "SELECT 1 FROM job j WHERE EXISTS (SELECT 1 FROM job_connection c"
                              " WHERE c.job_no = j.no AND c.source_id = $1)"
                              " OR EXISTS (SELECT 1 FROM job_retry r"
                              " WHERE r.job_no = j.no AND r.source_id = $1) LIMIT 1"},
    [Q_CYCLES] = {"cycle_prune", "DELETE FROM job_cycle WHERE id IN (SELECT c.id" OLD_CYCLES
                                 " ORDER BY c.began_us, c.id LIMIT $4)"},
    [Q_OLD_CYCLES] = {"cycle_prunable", "SELECT count(*)" OLD_CYCLES},
};
const size_t job_retention_query_count = ARRAY_LEN(job_retention_queries);

bool job_watermarks(struct db *db, struct arena *a, struct str **out, size_t *out_count,
                    struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct str *list = NULL;
    size_t count = 0, cap = 0;
    bool row;

    if (!db_select(db, &job_retention_queries[Q_WATERMARKS], DB_NO_ARGS, &st, err))
        return false;
    for (;;) {
        if (!db_step(st, &row, err))
            return false;
        if (!row)
            break;
        if (count == cap) {
            struct str *wider = ARENA_ARRAY(a, struct str, cap ? 2 * cap : 16);

            if (count)
                memcpy(wider, list, count * sizeof(*list));
            list = wider;
            cap = cap ? 2 * cap : 16;
        }
        list[count++] = arena_str(a, db_col_text(st, 0));
    }
    *out = list;
    *out_count = count;
    return true;
}

bool job_knows(struct db *db, struct str source_id, bool *out, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    if (!db_select_one(db, &job_retention_queries[Q_KNOWS], DB_ARGS(db_text(source_id)), &st, err))
        return false;
    *out = st != NULL;
    return true;
}

bool cycle_prune(struct db *db, int64_t job_no, int64_t before_us, size_t keep, size_t limit,
                 int64_t *out_removed, struct err *err)
{
    return db_exec(
        db, &job_retention_queries[Q_CYCLES],
        DB_ARGS(db_int(job_no), db_int(before_us), db_int((int64_t)keep), db_int((int64_t)limit)),
        out_removed, err);
}

bool cycle_prunable(struct db *db, int64_t job_no, int64_t before_us, size_t keep, int64_t *out,
                    struct err *err)
{
    bool row;

    return store_number(db, &job_retention_queries[Q_OLD_CYCLES],
                        DB_ARGS(db_int(job_no), db_int(before_us), db_int((int64_t)keep)), out,
                        &row, err);
}
