/* Takes old records out of the provisioning log (engine.md 13.3). */
#pragma once

#include "base/err.h"
#include "db/db.h"

/* Removes at most `limit` of a job's records from before a time, oldest first, in a transaction of
 * its own, and who is in no record any more. *out_done is false when there may be more. */
MUST_USE bool journal_prune(struct db *db, int64_t job_no, int64_t before_us, size_t limit,
                            int64_t *out_removed, bool *out_done, struct err *err);
/* How many there are. */
MUST_USE bool journal_prunable(struct db *db, int64_t job_no, int64_t before_us, int64_t *out,
                               struct err *err);
