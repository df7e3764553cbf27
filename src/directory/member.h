/* Direct membership of users and groups in groups. */
#pragma once

#include "directory/write.h"

/* Both ids exist (the caller has found them). *out_changed is false when it was so already.
 * ERR_INVALID "memberOfItself". */
MUST_USE bool directory_member_add(struct directory_tx *tx, struct str group_id,
                                   struct str member_id, bool *out_changed, struct err *err);
MUST_USE bool directory_member_remove(struct directory_tx *tx, struct str group_id,
                                      struct str member_id, bool *out_changed, struct err *err);

/* Is it a direct member now? */
MUST_USE bool directory_has_member(struct db *db, struct str group_id, struct str member_id,
                                   bool *out, struct err *err);

/* All memberships of an object that goes for good, as member and as group. */
MUST_USE bool directory_member_remove_all(struct directory_tx *tx, struct str id, struct err *err);

/* Members of a group in id order after `after`. DIRECTORY_LIVE leaves out those in the recycle bin.
 */
MUST_USE bool directory_members(struct db *db, struct arena *a, struct str group_id,
                                enum directory_bin bin, struct str after, size_t limit,
                                struct str **out_ids, size_t *out_count, struct err *err);

/* Groups that an object is a direct member of, those in the recycle bin left out. */
MUST_USE bool directory_groups_of(struct db *db, struct arena *a, struct str member_id,
                                  struct str after, size_t limit, struct str **out_ids,
                                  size_t *out_count, struct err *err);

extern const struct db_query directory_member_queries[];
extern const size_t directory_member_query_count;
