/* The first N of any number of resources in an order, in bounded memory: a heap of sort keys. */
#pragma once

#include "provider/internal.h"

#define RANK_ITEMS_MAX 100000                     /* positions that sorting can skip and give */
#define RANK_BYTES_MAX ((size_t)64 * 1024 * 1024) /* of their keys */

/* A place in a list: by key, then in order of creation. */
struct rank_item {
    struct str key; /* of scim_sort_key; empty when nothing is sorted by */
    int64_t created_us;
    char id[UUID_TEXT_MAX];
    enum resource_kind kind;
    char *own; /* the ranking's copy of the key */
};

enum rank_order { RANK_ASCENDING, RANK_DESCENDING };

/* Below 0 when a stands before b. Those with the same key keep the order of creation, whatever the
 * order of keys. */
int rank_compare(enum rank_order order, const struct rank_item *a, const struct rank_item *b);

struct ranking {
    enum rank_order order;
    int64_t limit;           /* how many are wanted */
    struct rank_item *items; /* a heap, the last in order on top; own keys */
    size_t count, cap;
    size_t bytes; /* of keys */
};

void ranking_init(struct ranking *r, enum rank_order order, int64_t limit);
void ranking_done(struct ranking *r);
/* Takes it in if it is one of the first `limit` so far; copies the key. ERR_INVALID "tooMany"
 * beyond the maxima above. */
MUST_USE bool ranking_offer(struct ranking *r, const struct rank_item *item, struct err *err);
/* Puts the items into their order; nothing can be offered afterwards. */
void ranking_sort(struct ranking *r);
