/* What an administrator sees of the held set, and decides about it (engine.md 8). An approval is
 * bound to the set as it was listed: its digest changes with every row that comes, goes or is to be
 * something else. */
#pragma once

#include "engine/engine.h"
#include "job/held.h"

/* Calls visit for each held row, removals first; texts are valid during the call. *out_count and
 * the digest are those of the rows that were visited. */
MUST_USE bool engine_held_each(const struct engine *e, int64_t job_no,
                               bool (*visit)(void *ctx, const struct held *row, struct err *err),
                               void *ctx, char digest[HELD_DIGEST_MAX], int64_t *out_count,
                               struct err *err);

/* The held row that WHO means: a source id, the id of the account, or a name whatever its case.
 * Text in a. ERR_NOT_FOUND "notHeld", ERR_CONFLICT "ambiguousName". */
MUST_USE bool engine_held_find(const struct engine *e, int64_t job_no, struct str who,
                               struct arena *a, struct str *out_source_id, struct err *err);

enum engine_held_decision { ENGINE_HELD_ALLOW, ENGINE_HELD_REJECT };
/* Allows or rejects rows by their source ids, all of them when count is 0; either all that are
 * named or none. What is allowed is sent by the next cycle, which is due at once; what is rejected
 * is left alone until the object or the verdict on it changes. ERR_NOT_FOUND "nothingHeld",
 * "notHeld"; ERR_CONFLICT "setChanged" when digest is not that of the set as it is now. */
MUST_USE bool engine_held_decide(const struct engine *e, int64_t job_no,
                                 enum engine_held_decision decision, struct str digest,
                                 const struct str *source_ids, size_t count, int64_t *out_decided,
                                 struct err *err);
/* ForceDeletes: allows whatever is held now; in the caller's transaction. */
MUST_USE bool engine_held_force(const struct engine *e, struct db *db, int64_t job_no,
                                struct err *err);
