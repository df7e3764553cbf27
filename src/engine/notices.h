/* What people are told of a job (engine.md 9.8): puts events into the queue of notify/, in the
 * transaction of what caused them. Who is told stands in the job and its settings. */
#pragma once

#include "engine/engine.h"
#include "notify/notify.h"

/* Tells an event of a job. The caller gives id, kind and what there is to say; time, job and
 * recipients are filled in here. Joins the caller's transaction. */
MUST_USE bool notices_tell(const struct engine *e, struct db *db, const struct job *job,
                           struct notify_event event, struct err *err);

/* At the end of a cycle, behind the fence: failures that have grown past notify.escrows, and that
 * the next failed cycle is told again. */
MUST_USE bool notices_cycle_done(const struct engine *e, struct db *db, const struct job *job,
                                 struct err *err);
/* A cycle could not run to its end; nothing when the job is in quarantine, which says it already.
 * Told once until a cycle succeeds. */
MUST_USE bool notices_cycle_failed(const struct engine *e, struct db *db, const struct job *job,
                                   const struct err *why, struct err *err);

/* What the guard holds at the end of a cycle, behind the fence: told when it begins to hold, and
 * again when the held set has doubled since. */
MUST_USE bool notices_held(const struct engine *e, struct db *db, const struct job *job,
                           int64_t removals, int64_t updates, struct err *err);

/* What comes with time: warnings before a job in quarantine is switched off, a token that expires,
 * the daily digest. Called about once a minute for each active job; writes only when there is
 * something to tell. */
MUST_USE bool notices_tick(const struct engine *e, struct db *db, const struct job *job,
                           struct err *err);

/* When a token says by itself that it expires (the claim exp of a JWT, RFC 7519 4.1.4). False when
 * it does not. Pure. */
bool notices_token_expiry(struct str token, int64_t *out_us);
