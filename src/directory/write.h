/* Changing people and groups. Every change is made inside a struct directory_tx, which is one write
 * transaction of the database: it adds to the change feed what it changes, and nothing when it
 * changes nothing. There is one at a time, on both databases: what it has looked up stays true
 * until it ends. An object that was loaded before it began and has changed since is refused with
 * ERR_CONFLICT "changedMeanwhile". No savepoints inside a transaction of this kind. */
#pragma once

#include "base/buf.h"
#include "base/clock.h"
#include "base/rng.h"
#include "directory/object.h"

struct directory_tx { /* fields are write.c's and feed.c's, except now_us for reading */
    struct db *db;
    struct rng *rng;
    int64_t now_us;
    int64_t next_seq, end_seq; /* positions taken from the feed and not yet used */
    int64_t block;             /* how many are taken next */
    int64_t live[SOURCE_KIND_COUNT], deleted[SOURCE_KIND_COUNT]; /* what to add to the counts */
    int64_t id_ms;                                               /* of the latest id made */
    unsigned id_count;
    struct buf text;
};

/* Waits for another writer, as long as the configuration of the database says; then ERR_UNAVAILABLE
 * "databaseBusy". */
MUST_USE bool directory_begin(struct db *db, const struct clock *clock, struct rng *rng,
                              struct directory_tx *out, struct err *err);
/* Durable when it returns true; rolled back when false. Either way the tx is over. */
MUST_USE bool directory_commit(struct directory_tx *tx, struct err *err);
void directory_rollback(struct directory_tx *tx); /* nothing happens when it is over */

/* A patch is an object {attribute by first spelling: value}; null clears. Its values have passed
 * directory_value (check.h); references are ids that exist. objectId is not in it. */

/* id: empty for a fresh one. ERR_INVALID "missingAttribute" without userPrincipalName (users) or
 * displayName; ERR_CONFLICT "nameTaken" when another person has the userPrincipalName, "idTaken".
 * accountEnabled is true unless the patch says otherwise. */
MUST_USE bool directory_insert(struct directory_tx *tx, struct arena *a, enum source_kind kind,
                               struct str id, const struct json *patch, struct str *out_id,
                               struct err *err);

/* Changes what differs; *out_changed is false when nothing did. Errors as for directory_insert. */
MUST_USE bool directory_update(struct directory_tx *tx, struct arena *a,
                               const struct directory_object *old, const struct json *patch,
                               bool *out_changed, struct err *err);

/* Into the recycle bin and out of it. *out_changed is false when it was there (not there) already.
 * Restoring fails with ERR_CONFLICT "nameTaken" when the userPrincipalName was given away. */
MUST_USE bool directory_soft_delete(struct directory_tx *tx, struct arena *a,
                                    const struct directory_object *o, bool *out_changed,
                                    struct err *err);
MUST_USE bool directory_restore(struct directory_tx *tx, struct arena *a,
                                const struct directory_object *o, bool *out_changed,
                                struct err *err);

/* For good: its memberships, assignments and the manager of its reports go with it; a tombstone
 * stays. */
MUST_USE bool directory_remove(struct directory_tx *tx, struct arena *a,
                               const struct directory_object *o, struct err *err);

extern const struct db_query directory_write_queries[];
extern const size_t directory_write_query_count;
