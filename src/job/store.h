/* What the stores of this folder share: joining the caller's transaction or having their own, and
 * statements that return one number. Inside src/job only. */
#pragma once

#include "base/err.h"
#include "db/db.h"

/* A write of several statements. Begins a transaction when the caller has none open; *out_own
 * tells. */
MUST_USE bool store_begin(struct db *db, bool *out_own, struct err *err);
/* Commits, or rolls back if !ok, what store_begin began; the caller's transaction is left to the
 * caller. Returns ok, or false when committing failed. */
MUST_USE bool store_end(struct db *db, bool own, bool ok, struct err *err);

/* Runs a statement that gives one row with one number, or none, to its end. */
MUST_USE bool store_number(struct db *db, const struct db_query *query, struct db_args args,
                           int64_t *out, bool *out_row, struct err *err);

/* Runs a statement on one job's row: ERR_NOT_FOUND "jobNotFound" when there is no such job. */
MUST_USE bool store_change_job(struct db *db, const struct db_query *query, struct db_args args,
                               int64_t job_no, struct err *err);
