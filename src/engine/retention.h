/* What grows for ever is taken back (engine.md 13.3): the provisioning log after journal.retention,
 * cycles after the same, the directory's change feed behind every watermark, and what is remembered
 * of people who are gone and whom no job knows. In small transactions, so that nobody waits long;
 * the audit log is never touched. */
#pragma once

#include "engine/engine.h"

struct engine_pruned {
    int64_t records, cycles, changes, tombstones;
};
/* Where a pass stands: zero at its beginning. Its texts are its own. */
struct engine_pruning {
    int64_t job_no; /* done with jobs before it */
    bool feed_done;
    char tombstone[64]; /* done up to this id */
    bool done;          /* the pass is at its end */
    struct engine_pruned pruned;
};
/* Goes on with a pass for about so long; the pass is over when p->done. */
MUST_USE bool engine_prune(const struct engine *e, struct db *db, struct engine_pruning *p,
                           int64_t for_us, struct err *err);
/* What a pass would take; nothing is changed. */
MUST_USE bool engine_prunable(const struct engine *e, struct db *db, struct engine_pruned *out,
                              struct err *err);
