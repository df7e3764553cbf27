/* Objects whose last attempt failed: when they are tried again (engine.md 9.2). */
#pragma once

#include "engine/cycle/run.h"
#include "job/retry.h"

/* When an object is due after its n-th failed attempt (1: the first). The first time in the next
 * cycle; then 2 (of what may heal by itself), 6, 12 and 24 hours after the first failure and every
 * 24 hours; after 28 days RETRY_NEVER. Pure. */
int64_t escrow_next_us(enum target_class class_, int64_t attempts, int64_t first_us,
                       int64_t now_us);
/* Parks the object of a failed walk, or its references, and says in the walk's message how often it
 * was tried and when it is tried next. On the recorder's thread. */
MUST_USE bool escrow_park(struct db *db, const struct run *r, struct walk *w, bool reference,
                          struct err *err);
/* An object went well: what waited for it is due in this cycle. */
MUST_USE bool escrow_release(struct db *db, const struct run *r, const struct walk *w,
                             struct err *err);
