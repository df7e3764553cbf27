/* Sorting by an attribute (RFC 7644 section 3.4.2.3, scim.md 5.4): a resource's value becomes a key
 * whose order as bytes is the order of the values, so that keys can be kept, compared and put into
 * cursors without the resources. */
#pragma once

#include "scim/schema.h"

/* Bytes of a key; longer values are ordered by their beginning. */
#define SCIM_SORT_KEY_MAX 1024

struct scim_sort {
    struct scim_ref ref;
    const struct scim_attribute *leaf; /* NULL: no resource has a value */
};

/* What sortBy names. A path that names nothing to order by (unknown, malformed, never returned,
 * complex without `value`) gives no resource a value. */
void scim_sort_compile(struct arena *a, const struct scim_resource_type *type, struct str path,
                       struct scim_sort *out);
/* The key of a document, never empty; one without value comes behind all others. The document must
 * have the computed attributes that scim_sort_uses names. */
struct str scim_sort_key(struct arena *a, const struct scim_sort *sort, const struct json *doc);
/* Whether the order looks at a top-level attribute, such as "groups" or "meta". */
bool scim_sort_uses(const struct scim_sort *sort, struct str attribute);
