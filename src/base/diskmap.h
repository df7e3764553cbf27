/* A map from text to texts on disk: memory stays the same however many there are, up to a MiB for
 * where to find them. It lives in unnamed temporary files (TMPDIR, else /tmp) that vanish with it.
 * A key may have several values. Not durable, not shared: one owner, one thread. */
#pragma once

#include "base/arena.h"
#include "base/err.h"

enum { DISKMAP_TEXT_MAX = 64 << 10 }; /* bytes of a key, and of a value */

struct diskmap;

/* expected: how many there will be, roughly; it may become more. ERR_UNAVAILABLE "noTempFile". */
MUST_USE bool diskmap_new(size_t expected, struct diskmap **out, struct err *err);
void diskmap_free(struct diskmap *m); /* NULL is fine */
void diskmap_freep(struct diskmap **m);

/* ERR_UNAVAILABLE "diskFull", ERR_LIMIT "tooLong". After an error the map is not to be used. */
MUST_USE bool diskmap_add(struct diskmap *m, struct str key, struct str value, struct err *err);
/* The values of the key, at most max, in no particular order; texts in a. */
MUST_USE bool diskmap_find(struct diskmap *m, struct arena *a, struct str key, size_t max,
                           struct str *out, size_t *out_count, struct err *err);
size_t diskmap_count(const struct diskmap *m); /* values in all */
