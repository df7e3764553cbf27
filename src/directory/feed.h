/* The change feed: every change of the directory in the order of commit, with whom it concerns. A
 * watermark is a position in it. */
#pragma once

#include "directory/write.h"

enum directory_change_kind {
    CHANGE_ATTRIBUTE = 1,  /* object: created, or its attributes changed */
    CHANGE_MEMBERSHIP = 2, /* object: the group, related: the member; joined or left */
    CHANGE_ASSIGNMENT = 3, /* object: the principal; app: the application */
    CHANGE_DELETION = 4,   /* object: into the recycle bin */
    CHANGE_RESTORE = 5,    /* object: out of it */
    CHANGE_REMOVAL = 6,    /* object: gone for good */
    CHANGE_REFERENCE = 7,  /* object: only its manager changed */
};
const char *directory_change_name(enum directory_change_kind kind); /* "attribute", ... */

struct directory_change {
    int64_t seq;
    int64_t at_us;
    enum directory_change_kind kind;
    struct str object_id;
    struct str related_id; /* or empty */
    struct str app_id;     /* or empty */
};

/* Where the feed stands now; 0 when nothing ever happened. */
MUST_USE bool directory_feed_position(struct db *db, int64_t *out, struct err *err);

/* At most `limit` changes after position `after`, in order. One indexed query. */
MUST_USE bool directory_feed_read(struct db *db, struct arena *a, int64_t after, size_t limit,
                                  struct directory_change **out, size_t *out_count,
                                  struct err *err);

/* Changes of membership after `after` up to `until`; present says how it is now. */
struct directory_member_change {
    int64_t seq;
    struct str group_id;
    struct str member_id;
    bool present;
};
MUST_USE bool directory_feed_members(struct db *db, struct arena *a, int64_t after, int64_t until,
                                     size_t limit, struct directory_member_change **out,
                                     size_t *out_count, struct err *err);

/* Adds a change inside a transaction; *out_seq may be NULL. For the files of this folder. */
MUST_USE bool directory_feed_add(struct directory_tx *tx, enum directory_change_kind kind,
                                 struct str object_id, struct str related_id, struct str app_id,
                                 int64_t *out_seq, struct err *err);

extern const struct db_query directory_feed_queries[];
extern const size_t directory_feed_query_count;
