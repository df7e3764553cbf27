/* How long the change feeds of tenants are kept (changeFeed.days, changeFeed.maxPending). */
#pragma once

#include "base/clock.h"
#include "db/db.h"

#include <stdatomic.h>

/* Removes changes that every webhook has taken and that are older than their tenant keeps them, and
 * those beyond the number that is kept for a webhook. Ends after a second or so, with *out_done
 * false when there may be more, and when *stop (NULL: nobody) says so. *out_removed is the number
 * of changes. In small transactions of its own. */
MUST_USE bool provider_changes_prune(struct db *db, const struct clock *clock,
                                     const atomic_bool *stop, int64_t *out_removed, bool *out_done,
                                     struct err *err);
/* How many that would be, all in all; nothing is changed. */
MUST_USE bool provider_changes_prunable(struct db *db, const struct clock *clock,
                                        int64_t *out_count, struct err *err);
