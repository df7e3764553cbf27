/* Cursors of lists (RFC 9865, scim.md 5.3): where a page ended, when it was made and how large
 * pages are, encrypted and authenticated under a key from the database and bound to what the list
 * is about. The server keeps nothing of it. */
#pragma once

#include "provider/lists/rank.h"

#define CURSOR_KEY_BYTES 32
#define CURSOR_TEXT_MAX  2048 /* bytes; longer texts are not cursors */

struct cursor {
    struct rank_item after; /* the last resource of the page; kind is not kept */
    int64_t count;          /* page size */
    int64_t made_us;
};

/* The key of this database, made when there is none yet. */
MUST_USE bool cursor_key_load(struct db *db, struct rng *rng, unsigned char *out, struct err *err);

/* Unreserved URL characters. `bound` says what the list is about. */
struct str cursor_write(struct arena *a, const unsigned char *key, struct rng *rng,
                        struct str bound, const struct cursor *c);
/* ERR_INVALID "invalidCursor": forged, altered, or of another list; "expiredCursor": made
 * before oldest_us. */
MUST_USE bool cursor_read(struct arena *a, const unsigned char *key, struct str bound,
                          struct str text, int64_t oldest_us, struct cursor *out, struct err *err);
