/* What the stores of this folder share: lists of rows, joining the caller's transaction or having
 * their own, and statements that return one number. Inside src/job only. */
#pragma once

#include "base/arena.h"
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

/* Reads a row into `out`, a place of the list's type; texts go to a. */
typedef void store_read(struct db_stmt *st, struct arena *a, void *out);
struct store_list {
    struct arena *a; /* of the list, and of its texts */
    size_t limit;    /* rows; further ones are left */
    size_t size;     /* bytes of one */
    store_read *read;
};
#define STORE_LIST(a, limit, type, read) (&(struct store_list){a, limit, sizeof(type), read})
/* The rows of a select as an array; `out` is the place of the pointer to the first. */
MUST_USE bool store_rows(struct db *db, const struct db_query *query, struct db_args args,
                         const struct store_list *list, void *out, size_t *out_count,
                         struct err *err);

/* Runs a statement on one job's row: ERR_NOT_FOUND "jobNotFound" when there is no such job. */
MUST_USE bool store_change_job(struct db *db, const struct db_query *query, struct db_args args,
                               int64_t job_no, struct err *err);
