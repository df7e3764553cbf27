/* From .NET's notation to PCRE2's. Private to this folder. */
#pragma once

#include "base/buf.h"
#include "expr/expr.h"

enum { REGEX_MAX_GROUPS = 200 };

/* What the pattern has captured, in the order in which PCRE2 numbers it. */
struct regex_groups {
    size_t count;                       /* without group 0 */
    struct str names[REGEX_MAX_GROUPS]; /* empty: unnamed */
};

/* Writes the pattern for PCRE2. False with EXPR_REGEX for what .NET does not know, and for what
 * PCRE2 would read as something else. */
MUST_USE bool regex_rewrite(struct str pattern, struct buf *out, struct regex_groups *groups,
                            struct expr_error *err);
/* The PCRE2 number (from 1) of .NET's group number; 0 if there is none. Of groups that share a
 * name, the first. */
size_t regex_group_number(const struct regex_groups *groups, size_t net_number);
