/* How far apart two names are: for "did you mean". */
#pragma once

#include "base/str.h"

/* Insertions, deletions, replacements and swaps of neighbours between a and b without regard to
 * ASCII case; more than limit counts as limit + 1. */
size_t expr_name_distance(struct str a, struct str b, size_t limit);
/* The limit that makes sense for a name of this length. */
size_t expr_name_tolerance(struct str name);
