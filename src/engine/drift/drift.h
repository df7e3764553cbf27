/* Drift: reads a job's target back and compares it with what was last exported (engine.md 17). */
#pragma once

#include "engine/engine.h"
#include "job/drift.h"

/* Reads the target, keeps what was found (job/drift.h) and gives the answers that the settings say:
 * what is repaired is exported again through the walk at once, memberships with the next cycle. A
 * target that cannot be read to its end reports nothing missing. Holds the job's lease:
 * ERR_CONFLICT "leaseHeld" while a cycle runs. Texts of *out are in a. */
MUST_USE bool engine_drift(const struct engine *e, int64_t job_no, struct arena *a,
                           struct drift *out, struct err *err);
/* The same when drift.interval is over since the last time; else nothing. */
MUST_USE bool engine_drift_when_due(const struct engine *e, int64_t job_no, bool *out_ran,
                                    struct err *err);
