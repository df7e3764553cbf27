/* Groups inside groups (engine.md 5.2, scope.nestedGroups): what is assigned through an outer
 * group. Loops end, and the cost is that of the nesting, not of the people. A group in the recycle
 * bin hands nothing on. Inside src/connector only. */
#pragma once

#include "connector/source.h"
#include "db/db.h"
#include "directory/object.h"

/* A group and all groups below it, in id order after `after`. */
MUST_USE bool nested_below(struct db *db, struct str group_id, struct str after, size_t limit,
                           struct arena *a, struct str **out, size_t *out_count, struct err *err);

/* Adds to entries, whose memberOf says their direct groups, what they have through groups around
 * those: they are assigned, in those roles. The objects are the entries'. */
MUST_USE bool nested_extend(struct db *db, struct str app_id,
                            const struct directory_object *objects, struct source_entry *entries,
                            size_t count, struct arena *a, struct err *err);

extern const struct db_query directory_nested_queries[];
extern const size_t directory_nested_query_count;
