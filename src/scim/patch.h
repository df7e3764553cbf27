/* PATCH (RFC 7644 section 3.5.2, scim.md 4): the message is parsed into operations with resolved
 * paths, which are then applied to a document as a whole or not at all. */
#pragma once

#include "scim/match.h"
#include "scim/resource.h"

enum scim_patch_kind { SCIM_PATCH_ADD, SCIM_PATCH_REPLACE, SCIM_PATCH_REMOVE };

struct scim_patch_op {
    enum scim_patch_kind kind;
    struct scim_ref ref;              /* attribute NULL: a whole extension or the whole core */
    const struct scim_filter *filter; /* the value filter; NULL if none */
    const struct scim_matcher *matcher;
    const struct json *value; /* borrowed from the body; NULL: remove without value */
};

struct scim_patch {
    const struct scim_resource_type *type;
    const struct scim_rules *rules;
    struct scim_patch_op *ops;
    size_t count;
    size_t *work; /* what patches that count together have looked at; NULL: counts alone */
};

/* Parses a PatchOp body. An operation without path becomes one operation for each member of its
 * value that names something writable. The result points into body. ERR_INVALID with the scimType
 * of scim.md 4.9 as code; ERR_LIMIT "tooManyOperations". err->place is "/Operations/N". */
MUST_USE bool scim_patch_parse(struct arena *a, const struct scim_resource_type *type,
                               const struct scim_rules *rules, const struct json *body,
                               struct scim_patch *out, struct err *err);

/* Applies all operations to a copy of doc, prunes it and checks required attributes: *out is the
 * new document, doc stays as it was. ERR_INVALID "invalidValue", "mutability", "noTarget";
 * ERR_LIMIT "patchTooCostly" when the operations would look at too many elements. */
MUST_USE bool scim_patch_apply(struct arena *a, const struct scim_patch *patch,
                               const struct json *doc, struct json **out, struct err *err);
