/* What the writers of request bodies share (request.c, patch.c, put.c). Inside
 * src/connector/scim. */
#pragma once

#include "base/buf.h"
#include "connector/scim/scim.h"

struct scim_writer {
    struct buf *out;
    const struct scim_object *object;
    const struct json *const *values; /* by place in the mapping; NULL: none */
    enum scim_secrets secrets;
};

void scim_write_value(struct buf *out, const struct scim_attribute *t,
                      const struct scim_style *style, const struct json *v,
                      enum scim_secrets secrets);
/* The children that have a value. `comma`: something stands before them. */
void scim_write_children(const struct scim_writer *w, const struct scim_body *b, bool comma);
bool scim_is_empty(const struct json *v);
