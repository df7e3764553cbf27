/* A compiled filter, as match.c makes it and match_test.c holds documents against it. Internal to
 * scim/. */
#pragma once

#include "scim/match.h"

/* A compiled node. `inner` is the filter in brackets; `left` and `right` are operands of and, or,
 * not. An attribute that nobody defines leaves attribute NULL and has no value. */
struct scim_matcher {
    enum scim_filter_op op;
    struct scim_ref ref;
    const struct scim_attribute *leaf; /* what is compared: sub, or attribute, or its `value` */
    bool is_null;                      /* the operand is null */
    struct str text;                   /* as written */
    struct str folded;                 /* for texts; as written when case is exact */
    bool boolean;
    double number;
    bool is_whole; /* the number is an integer, which a double may not hold exactly */
    int64_t whole;
    int64_t instant;
    const struct scim_matcher *inner, *left, *right;
};

/* Whether a comparison holds where there is no value (scim.md 3.3). */
bool matcher_takes_absent(const struct scim_matcher *m);
