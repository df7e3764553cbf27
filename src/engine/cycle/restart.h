/* Restart: what is cleared, at once or when the cycle under way has ended (engine.md 11). */
#pragma once

#include "engine/cycle/run.h"

/* Inside a write transaction, by whoever holds the lease: clears what the bits say. */
MUST_USE bool restart_reset(const struct engine *e, struct db *db, struct arena *a, int64_t job_no,
                            unsigned bits, struct err *err);
/* The part of it that makes the next cycle look at everybody: one that was interrupted ends. */
MUST_USE bool restart_begin_anew(const struct engine *e, struct db *db, struct arena *a,
                                 int64_t job_no, struct err *err);
/* Applies a restart that waited for the run, behind its fence. */
MUST_USE bool restart_pending(struct run *r, struct err *err);
/* Whether a restart wants the run to stop now. */
bool restart_stops(struct run *r);
