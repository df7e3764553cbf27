/* Randomness as a parameter, and the identifiers made from it. */
#pragma once

#include "base/compiler.h"
#include "base/str.h"

struct rng {
    void (*fill)(struct rng *r, void *out, size_t size);
};

/* The operating system's generator (libsodium); static storage, any thread. */
struct rng *rng_system(void);

/* Repeatable, for tests and sample data; not for secrets. */
struct rng_seeded {
    struct rng rng; /* first */
    uint64_t state;
};
void rng_seeded_init(struct rng_seeded *r, uint64_t seed);

uint64_t rng_u64(struct rng *r);
uint64_t rng_below(struct rng *r, uint64_t limit); /* 0 <= result < limit, without bias */

#define UUID_TEXT_MAX 37 /* bytes, with the NUL */
/* A random UUID (version 4), lower case, NUL-terminated, into out[UUID_TEXT_MAX]. */
struct str uuid_new(struct rng *r, char *out);

/* The same, but for its first 32 bits, which are given: those who share them lie side by side in an
 * index. */
struct str uuid_new_at(struct rng *r, const unsigned char first[4], char *out);
bool uuid_valid(struct str text); /* 8-4-4-4-12 hexadecimal digits, any case */
