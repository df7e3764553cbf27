/* The lease of a job, its watermark and its signal. */
#include "base/clock.h"
#include "job/cycle.h"
#include "job/queries.h"
#include "job/store.h"

#include <inttypes.h>

enum query {
    Q_TAKE,
    Q_HOLDER,
    Q_RELEASE,
    Q_RELEASE_IN_DOUBT,
    Q_DOUBT,
    Q_DOUBT_SETTLED,
    Q_FENCE,
    Q_WATERMARK_LOAD,
    Q_WATERMARK_SAVE,
    Q_WATERMARK_ADVANCE,
    Q_SIGNAL_RAISE,
    Q_SIGNAL_READ,
};

const struct db_query lease_queries[] = {
    /* One statement, so that of two that find it expired one gets it. An owner that is still there
     * has not given it back. */
    [Q_TAKE] = {"lease_take", "UPDATE job_lease SET owner = $2, until_us = $3, epoch = epoch + 1,"
                              " doubt_from = CASE WHEN owner <> '' AND doubt_from = ''"
                              " THEN stretch_from ELSE doubt_from END,"
                              " doubt_us = CASE WHEN owner <> '' AND doubt_from = ''"
                              " THEN stretch_us ELSE doubt_us END,"
                              " stretch_from = $5, stretch_us = $6"
                              " WHERE job_no = $1 AND until_us <= $4 RETURNING epoch"},
    [Q_HOLDER] = {"lease_holder", "SELECT owner, until_us FROM job_lease WHERE job_no = $1"},
    [Q_RELEASE] = {"lease_release", "UPDATE job_lease SET owner = '', until_us = 0"
                                    " WHERE job_no = $1 AND epoch = $2"},
    [Q_RELEASE_IN_DOUBT] = {"lease_release_in_doubt",
                            "UPDATE job_lease SET owner = '', until_us = 0,"
                            " doubt_us = CASE WHEN doubt_from = '' THEN stretch_us"
                            " ELSE doubt_us END,"
                            " doubt_from = CASE WHEN doubt_from = '' THEN stretch_from"
                            " ELSE doubt_from END"
                            " WHERE job_no = $1 AND epoch = $2"},
    [Q_DOUBT] = {"lease_doubt", "SELECT doubt_from, doubt_us FROM job_lease WHERE job_no = $1"},
    [Q_DOUBT_SETTLED] = {"lease_doubt_settled", "UPDATE job_lease SET doubt_from = '', doubt_us = 0"
                                                " WHERE job_no = $1 AND epoch = $2"},
    /* An expired lease that nobody has taken is still ours; a released one is not. */
    [Q_FENCE] = {"cycle_fence",
                 "UPDATE job_lease SET until_us = $3, next_record = next_record + $4"
                 " WHERE job_no = $1 AND epoch = $2 AND until_us > 0 RETURNING next_record"},
    [Q_WATERMARK_LOAD] = {"watermark_load", "SELECT watermark FROM job WHERE no = $1"},
    [Q_WATERMARK_SAVE] = {"watermark_save", "UPDATE job SET watermark = $2 WHERE no = $1"},
    /* One statement: a schema saved meanwhile has emptied the watermark, and that stays. */
    [Q_WATERMARK_ADVANCE] = {"watermark_advance",
                             "UPDATE job SET watermark ="
                             " CASE WHEN schema_version = $3 THEN $2 ELSE '' END"
                             " WHERE no = $1"},
    [Q_SIGNAL_RAISE] = {"job_signal_raise", "UPDATE job SET signal = signal + 1 WHERE no = $1"},
    [Q_SIGNAL_READ] = {"job_signal_read", "SELECT signal FROM job WHERE no = $1"},
};
const size_t lease_query_count = ARRAY_LEN(lease_queries);

static const struct db_query *query(enum query q)
{
    return &lease_queries[q];
}

static bool no_such_job(int64_t job_no, struct err *err)
{
    return err_set(err, ERR_NOT_FOUND, "jobNotFound", "no job number %" PRId64, job_no);
}

static bool lease_held(struct db *db, int64_t job_no, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    char until[TIME_TEXT_MAX];

    if (!db_select_one(db, query(Q_HOLDER), DB_ARGS(db_int(job_no)), &st, err))
        return false;
    if (!st)
        return no_such_job(job_no, err);
    return err_set(err, ERR_CONFLICT, "leaseHeld",
                   "another run is under way: %.*s has the job until %.*s",
                   STR_ARG(db_col_text(st, 0)), STR_ARG(time_write(db_col_int(st, 1), until)));
}

bool lease_take_for(struct db *db, int64_t job_no, struct str owner, int64_t now_us,
                    int64_t until_us, const struct lease_stretch *stretch, struct job_lease *out,
                    struct err *err)
{
    int64_t epoch;
    bool taken;

    assert(until_us > now_us);
    if (!store_number(db, query(Q_TAKE),
                      DB_ARGS(db_int(job_no), db_text(owner), db_int(until_us), db_int(now_us),
                              db_text(stretch->from), db_int(stretch->began_us)),
                      &epoch, &taken, err))
        return false;
    if (!taken)
        return lease_held(db, job_no, err);
    *out = (struct job_lease){.job_no = job_no, .epoch = epoch, .until_us = until_us};
    return true;
}

bool lease_take(struct db *db, int64_t job_no, struct str owner, int64_t now_us, int64_t until_us,
                struct job_lease *out, struct err *err)
{
    return lease_take_for(db, job_no, owner, now_us, until_us, &(struct lease_stretch){0}, out,
                          err);
}

bool lease_holder(struct db *db, struct arena *a, int64_t job_no, struct str *out_owner,
                  int64_t *out_until_us, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    if (!db_select_one(db, query(Q_HOLDER), DB_ARGS(db_int(job_no)), &st, err))
        return false;
    if (!st)
        return no_such_job(job_no, err);
    *out_owner = arena_str(a, db_col_text(st, 0));
    *out_until_us = db_col_int(st, 1);
    return true;
}

bool lease_release(struct db *db, const struct job_lease *l, struct err *err)
{
    /* No row: somebody else has it by now, and it is theirs to release. */
    return db_exec(db, query(Q_RELEASE), DB_ARGS(db_int(l->job_no), db_int(l->epoch)), NULL, err);
}

bool lease_release_in_doubt(struct db *db, const struct job_lease *l, struct err *err)
{
    return db_exec(db, query(Q_RELEASE_IN_DOUBT), DB_ARGS(db_int(l->job_no), db_int(l->epoch)),
                   NULL, err);
}

bool lease_doubt(struct db *db, struct arena *a, int64_t job_no, struct lease_stretch *out,
                 struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    if (!db_select_one(db, query(Q_DOUBT), DB_ARGS(db_int(job_no)), &st, err))
        return false;
    if (!st)
        return no_such_job(job_no, err);
    *out = (struct lease_stretch){.from = arena_str(a, db_col_text(st, 0)),
                                  .began_us = db_col_int(st, 1)};
    return true;
}

bool lease_doubt_settled(struct db *db, const struct job_lease *l, struct err *err)
{
    return db_exec(db, query(Q_DOUBT_SETTLED), DB_ARGS(db_int(l->job_no), db_int(l->epoch)), NULL,
                   err);
}

bool cycle_fence(struct db *db, const struct job_lease *l, int64_t until_us, int64_t records,
                 int64_t *out_first, struct err *err)
{
    int64_t next;
    bool ours;

    if (!store_number(
            db, query(Q_FENCE),
            DB_ARGS(db_int(l->job_no), db_int(l->epoch), db_int(until_us), db_int(records)), &next,
            &ours, err))
        return false;
    if (!ours) {
        return err_set(err, ERR_CONFLICT, "leaseLost",
                       "this run has lost the job to another one; nothing was recorded");
    }
    *out_first = next - records;
    return true;
}

bool watermark_load(struct db *db, struct arena *a, int64_t job_no, struct str *out,
                    struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    if (!db_select_one(db, query(Q_WATERMARK_LOAD), DB_ARGS(db_int(job_no)), &st, err))
        return false;
    if (!st)
        return no_such_job(job_no, err);
    *out = arena_str(a, db_col_text(st, 0));
    return true;
}

bool watermark_save(struct db *db, int64_t job_no, struct str watermark, struct err *err)
{
    return store_change_job(db, query(Q_WATERMARK_SAVE),
                            DB_ARGS(db_int(job_no), db_text(watermark)), job_no, err);
}

bool watermark_advance(struct db *db, int64_t job_no, struct str watermark, int64_t schema_version,
                       struct err *err)
{
    return store_change_job(db, query(Q_WATERMARK_ADVANCE),
                            DB_ARGS(db_int(job_no), db_text(watermark), db_int(schema_version)),
                            job_no, err);
}

bool job_signal_raise(struct db *db, int64_t job_no, struct err *err)
{
    return store_change_job(db, query(Q_SIGNAL_RAISE), DB_ARGS(db_int(job_no)), job_no, err);
}

bool job_signal_read(struct db *db, int64_t job_no, int64_t *out, struct err *err)
{
    int64_t signal;
    bool row;

    if (!store_number(db, query(Q_SIGNAL_READ), DB_ARGS(db_int(job_no)), &signal, &row, err))
        return false;
    if (!row)
        return no_such_job(job_no, err);
    *out = signal;
    return true;
}
