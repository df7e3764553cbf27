/* A restart that waits for the end of the cycle under way, and the connections as they were before
 * they were cleared (engine.md 11). */
#pragma once

#include "base/err.h"
#include "db/db.h"

/* Adds bits (engine.h, resetScope) to what waits; stop_now: the running cycle stops first. */
MUST_USE bool job_reset_add(struct db *db, int64_t job_no, unsigned bits, bool stop_now,
                            struct err *err);
/* What waits; 0: nothing. */
MUST_USE bool job_reset_load(struct db *db, int64_t job_no, unsigned *out_bits, bool *out_stop_now,
                             struct err *err);
MUST_USE bool job_reset_done(struct db *db, int64_t job_no, struct err *err);

/* Keeps the connections; those kept before are replaced unless there are none now. Joins the
 * caller's transaction, as the next one. */
MUST_USE bool connection_backup(struct db *db, int64_t job_no, struct err *err);
/* Puts them back in the place of those there are; *out_count: how many, 0 when none were kept, and
 * then nothing is changed. */
MUST_USE bool connection_restore(struct db *db, int64_t job_no, int64_t *out_count,
                                 struct err *err);
