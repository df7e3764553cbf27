/* Test vectors: tab-separated id, topic, expression, source, expected, origin (expressions.md 13).
 * The same file serves the tests and `usher expression test`. Beyond the section: the source's
 * $domain is what DefaultDomain says, and an error may be expected at a character: ERROR:Type@7. */
#pragma once

#include "expr/expr.h"

struct expr_vector {
    struct str id, topic, expression, source, expected, origin;
};

/* Splits a line. False for blank lines and comments. */
bool expr_vector_read(struct str line, struct expr_vector *out);

/* Runs one; *out_got (in a) is the result in the notation of the expected column. The clock stands
 * at $now, or at now_us if there is none. False with ERR_INVALID when source or expected cannot be
 * read. */
MUST_USE bool expr_vector_run(struct arena *a, const struct expr_vector *v, int64_t now_us,
                              struct rng *rng, bool *out_passed, struct str *out_got,
                              struct err *err);
