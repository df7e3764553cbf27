/* Ids that come in order from several streams: the direct assignments and each assigned group. */
#pragma once

#include "base/arena.h"

/* What lies beyond the end of a stream that has more is not complete. Ids are not copied. */
struct merge {
    struct str *ids;
    size_t count, cap;
    struct str boundary; /* empty: no stream has more */
};
/* A page of one stream; `limit` ids say that it has more. The list is in a. */
void merge_add(struct merge *m, struct arena *a, const struct str *ids, size_t count, size_t limit);
/* Sorts, drops doubles and what is beyond the boundary or the limit. True: nothing was left. */
bool merge_end(struct merge *m, size_t limit);

int id_compare(const void *a, const void *b); /* of two struct str; for qsort */
