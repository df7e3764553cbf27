/* A hash map from text to pointer: open addressing, SipHash under a key of the process. Keys are
 * borrowed and must outlive the map. */
#pragma once

#include "base/compiler.h"
#include "base/str.h"

/* A hash that nobody outside can foresee: whoever chooses the keys cannot make them collide.
 * Another one in each process. */
uint64_t map_hash(struct str key);

struct map {
    struct map_slot *slots;
    size_t cap;
    size_t count;
};

void map_init(struct map *m);                       /* allocates nothing yet */
void map_done(struct map *m);                       /* NULL is fine; for CLEANUP */
void map_clear(struct map *m);                      /* empties, keeps the memory */
void *map_get(const struct map *m, struct str key); /* NULL if absent */
/* Sets key to value (not NULL). Returns the value it had before, or NULL. */
void *map_put(struct map *m, struct str key, void *value);
void *map_take(struct map *m, struct str key); /* removes; what was there, or NULL */
