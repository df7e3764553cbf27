/* What a job has done to date, and when it was in its steady state: a cycle ended and nothing was
 * left to be tried again (engine.md 2.1, 14.1). */
#pragma once

#include "job/cycle.h"

struct job_history {
    int64_t cycles; /* that came to their end */
    int64_t created, matched, updated, disabled, deleted, failed;
    int64_t steady_first_us, steady_last_us; /* 0: never */
};
/* All zero when no cycle has ended yet. */
MUST_USE bool job_history_load(struct db *db, int64_t job_no, struct job_history *out,
                               struct err *err);
/* Adds a cycle in the transaction that ends it; steady_us: when nothing was left to do, or 0. */
MUST_USE bool job_history_add(struct db *db, const struct cycle *c, int64_t steady_us,
                              struct err *err);
