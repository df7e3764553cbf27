/* Takes out of the change feed, and of what is remembered of those who are gone, what nobody needs
 * any more. What is needed the caller knows: jobs are another module's. */
#pragma once

#include "directory/object.h"

/* Changes up to position `until` that are older than a time: at most `limit`, oldest first. */
MUST_USE bool directory_feed_prune(struct db *db, int64_t until, int64_t before_us, size_t limit,
                                   int64_t *out_removed, struct err *err);
/* How many that would be without a limit. */
MUST_USE bool directory_feed_prunable(struct db *db, int64_t until, int64_t before_us, int64_t *out,
                                      struct err *err);
/* Ids that went for good before a time, after an id. */
MUST_USE bool directory_tombstones(struct db *db, struct arena *a, int64_t before_us,
                                   struct str after, size_t limit, struct str **out,
                                   size_t *out_count, struct err *err);
MUST_USE bool directory_tombstone_forget(struct db *db, struct str id, struct err *err);

extern const struct db_query directory_retention_queries[];
extern const size_t directory_retention_query_count;
