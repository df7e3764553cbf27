/* attributes and excludedAttributes (RFC 7644 sections 3.4.2.5 and 3.9, scim.md 5.5). */
#pragma once

#include "scim/schema.h"

struct scim_projection;

/* Both are comma-separated names, of which at most one is not empty: else ERR_INVALID
 * "invalidValue". *out is NULL when both are empty: the default set. Unknown names are ignored. */
MUST_USE bool scim_projection_parse(struct arena *a, const struct scim_resource_type *type,
                                    struct str attributes, struct str excluded,
                                    const struct scim_projection **out, struct err *err);
/* Whether an attribute can be part of the answer; p may be NULL. What is not wanted need not be
 * loaded. */
bool scim_projection_wants(const struct scim_projection *p, const struct scim_attribute *attribute);
/* Removes from a whole representation, in place, what is not to be returned; p may be NULL. */
void scim_projection_apply(const struct scim_projection *p, const struct scim_resource_type *type,
                           struct json *resource);
