/* Templates that an administrator brings as a file for a tenant of its own kind: the members of
 * apps.md 1 that a tenant needs, or SCIM schemas (schemas.h). They are checked as a whole, so that
 * one run tells all that is wrong. */
#pragma once

#include "base/arena.h"
#include "base/err.h"

/* Told each finding, with its JSON pointer. */
typedef void provider_finding_fn(void *ctx, const char *place, const char *what);

/* ERR_INVALID "badTemplate" with the first finding and their number; fn may be NULL. */
MUST_USE bool provider_template_check(struct str text, provider_finding_fn *fn, void *ctx,
                                      struct err *err);
