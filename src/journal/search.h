/* Finds the numbers of the newest records that a query asks for, from the indexes alone.
 * Inside src/journal only. */
#pragma once

#include "journal/journal.h"

/* Numbers in [low, high), of one cycle or of any. */
struct search_range {
    int64_t low, high;
};

/* The newest numbers in the range, descending, up to `limit`; *out_no is in a. Time and the exact
 * code are not looked at. */
struct subject_set;
struct search {
    struct db *db;
    int64_t job_no;
    const struct journal_query *query;
    const struct subject_set *who; /* NULL: anybody */
    const int64_t *facets;         /* those that fit */
    size_t facet_count;
    bool any_facet; /* all of them fit */
};
MUST_USE bool search_facets(struct search *s, struct arena *a, struct err *err);
MUST_USE bool search_newest(const struct search *s, struct arena *a, struct search_range range,
                            size_t limit, int64_t **out_no, size_t *out_count, struct err *err);
