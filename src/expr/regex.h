/* Regular expressions with the meaning of .NET on PCRE2 (expressions.md 6.3). Scoping filters use
 * them too. */
#pragma once

#include "base/arena.h"
#include "expr/expr.h"

struct expr_regex;

/* The pattern lives in a, immutable, for any number of threads. NULL with EXPR_REGEX (offset: in
 * the pattern) when it does not compile or uses what is not supported; err may be NULL. */
const struct expr_regex *expr_regex_compile(struct arena *a, struct str pattern,
                                            struct expr_error *err);

/* Groups as .NET numbers them: 0 is the match, then come the unnamed, then the named ones. */
size_t expr_regex_groups(const struct expr_regex *r); /* with group 0 */
bool expr_regex_group(const struct expr_regex *r, struct str name, size_t *out_number);

struct expr_span {
    size_t from, to; /* bytes of the subject */
    bool taken;      /* false: the group took no part */
};

/* What one evaluation may spend on searching: elements of patterns tried, characters looked at. */
#define EXPR_MAX_STEPS UINT64_C(10000000)

/* A search over one subject; holds memory of its own until it is freed. Steps are counted in
 * *steps, which several searches may share; NULL: this search has EXPR_MAX_STEPS of its own. */
struct expr_matcher;
struct expr_matcher *expr_matcher_new(const struct expr_regex *r, struct str subject,
                                      uint64_t *steps);
void expr_matcher_freep(struct expr_matcher **m); /* for CLEANUP */

enum expr_match { EXPR_MATCH_NO, EXPR_MATCH_YES, EXPR_MATCH_FAILED };
/* The next match, with the steps of .NET: after an empty match the search moves on by one
 * character. EXPR_MATCH_FAILED: the pattern is too costly. */
enum expr_match expr_matcher_next(struct expr_matcher *m);
struct expr_span expr_matcher_span(const struct expr_matcher *m, size_t group);
