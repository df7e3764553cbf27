/* A tenant's types from SCIM Schema documents (RFC 7643 section 7): what /Schemas of another server
 * answers, with what its /ResourceTypes answers if that is given, too. */
#pragma once

#include "provider/profile.h"
#include "provider/template.h"

/* Whether it is one of: a list of Schema resources (and ResourceTypes among them), a ListResponse
 * of such, a Schema alone, or {"schemas": [...], "resourceTypes": [...], "switches": {...}}. */
bool schemas_given(const struct json *document);

/* Tells every finding; *out_count of them. Without any, the types of the profile are set, and
 * whether it has groups. Texts point into the document or belong to a. */
void schemas_read(struct arena *a, const struct json *document, provider_finding_fn *fn, void *ctx,
                  struct provider_profile *profile, size_t *out_count);
