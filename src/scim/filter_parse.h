/* The inner filter of a value path, for path.c. Internal to scim/. */
#pragma once

#include "scim/filter.h"

/* Parses `inner`, which stands at byte `at` of `whole` (for the place of errors), as a filter over
 * sub-attributes. ERR_INVALID "invalidFilter". */
MUST_USE bool scim_filter_parse_inner(struct arena *a, struct str whole, size_t at,
                                      struct str inner, const struct scim_filter **out,
                                      struct err *err);
