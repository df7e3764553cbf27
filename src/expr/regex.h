/* Regular expressions with the .NET dialect's meaning on PCRE2 (expressions.md 6.3). Scoping
 * filters use them too. */
#pragma once

#include "base/arena.h"
#include "expr/expr.h"

struct expr_regex;

/* The pattern belongs to a, immutable. NULL with EXPR_REGEX when it does not compile or uses what
 * is not supported; err may be NULL. */
const struct expr_regex *expr_regex_compile(struct arena *a, struct str pattern,
                                            struct expr_error *err);

struct expr_span {
    size_t from, to; /* bytes; from == SIZE_MAX: took no part */
};

/* A running search over one subject, in the arena. */
struct expr_matcher;
struct expr_matcher *expr_matcher_new(struct arena *a, const struct expr_regex *r,
                                      struct str subject);
enum expr_match { EXPR_MATCH_NO, EXPR_MATCH_YES, EXPR_MATCH_FAILED };
/* The next match in the order and with the steps of .NET. */
enum expr_match expr_matcher_next(struct expr_matcher *m, struct expr_error *err);

/* Groups as .NET numbers them: 0 the match, then the unnamed, then the named ones. */
size_t expr_regex_groups(const struct expr_regex *r); /* with group 0 */
bool expr_regex_group(const struct expr_regex *r, struct str name, size_t *out_number);
struct expr_span expr_matcher_span(const struct expr_matcher *m, size_t group);
