/* Drift: reads a job's target back and compares it with what was last exported (engine.md 17). */
#pragma once

#include "engine/engine.h"
#include "job/drift.h"

/* What goes with reading a target to its end: it is stopped between two pages when *stop becomes
 * true or the job is paused meanwhile. All may be zero. */
struct engine_reading {
    const atomic_bool *stop;
    void (*progress)(void *ctx, int64_t accounts); /* read so far; now and then */
    void *ctx;
};

/* Reads the target, keeps what was found (job/drift.h) and gives the answers that the settings say:
 * what is repaired is exported again through the walk at once, memberships with the next cycle. A
 * target that cannot be read to its end reports nothing missing. Holds the job's lease:
 * ERR_CONFLICT "leaseHeld" while a cycle runs. One that is stopped says so (drift_was_stopped): it
 * is not complete, and its answers are not given; repairs that are stopped are left to the next
 * cycle. how may be NULL. Texts of *out are in a. */
MUST_USE bool engine_drift(const struct engine *e, int64_t job_no, const struct engine_reading *how,
                           struct arena *a, struct drift *out, struct err *err);
/* The same when drift.interval is over since the last time, or that one was stopped; else nothing.
 */
MUST_USE bool engine_drift_when_due(const struct engine *e, int64_t job_no, const atomic_bool *stop,
                                    bool *out_ran, struct err *err);
bool drift_was_stopped(const struct drift *d);
