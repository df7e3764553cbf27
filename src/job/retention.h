/* What jobs still need of what their source keeps, and what of their own past may go. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "db/db.h"

/* Every watermark that a job or an open cycle may go on from; texts in a. A job without one reads
 * everything and needs none. */
MUST_USE bool job_watermarks(struct db *db, struct arena *a, struct str **out, size_t *out_count,
                             struct err *err);

/* Whether any job has something to do with a source object: an account (which a removal that waits
 * has, too) or a failure. */
MUST_USE bool job_knows(struct db *db, struct str source_id, bool *out, struct err *err);

/* Removes cycles of a job that ended before a time, at most `limit`, but never the newest `keep`.
 */
MUST_USE bool cycle_prune(struct db *db, int64_t job_no, int64_t before_us, size_t keep,
                          size_t limit, int64_t *out_removed, struct err *err);
/* How many that would be without a limit. */
MUST_USE bool cycle_prunable(struct db *db, int64_t job_no, int64_t before_us, size_t keep,
                             int64_t *out, struct err *err);
