/* Requests out of a small grammar, and sequences of them with some exchanged, doubled, left out or
 * moved: what mutation of bytes seldom hits upon. */
#pragma once

#include "base/buf.h"
#include "base/str.h"

struct requests_rng {
    uint64_t state;
};
unsigned requests_below(struct requests_rng *rng, unsigned limit);

/* A sequence of requests (fuzz_provider.c says how they look) made from another. */
void requests_mutate(struct requests_rng *rng, struct str from, struct buf *out);
