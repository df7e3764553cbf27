/* Accounts that are never written because of what the application says of them. Inside
 * src/connector/scim. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"

struct scim_filter;

/* ERR_INVALID "invalidFilter" with the place; *out is NULL when the text is empty. The text must
 * outlive the filter, which is in a. */
MUST_USE bool scim_protect_compile(struct arena *a, struct str text, const struct scim_filter **out,
                                   struct err *err);
/* f NULL: nothing is protected. */
bool scim_protects(const struct scim_filter *f, const struct json *resource);
