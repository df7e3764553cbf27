/* Resources as documents (RFC 7643 section 3, RFC 7644 sections 3.3 and 3.5.1, scim.md
 * 1, 2.6, 2.8). Inside usher a resource is a JSON object that holds what a client may write, in
 * canonical spelling: core attributes at the top, extensions under their URI, nothing unassigned.
 * id, schemas, meta and computed attributes are put around it on the way out. */
#pragma once

#include "scim/value.h"

/* A body of POST or PUT, made canonical: unknown and readOnly attributes ignored, values coerced,
 * same elements merged, hollow elements dropped. Required attributes are not checked yet.
 * ERR_INVALID "invalidValue", "invalidSyntax" (schemas is no list of texts). */
MUST_USE bool scim_resource_read(struct arena *a, const struct scim_resource_type *type,
                                 const struct scim_rules *rules, const struct json *body,
                                 struct json **out, struct err *err);

/* What PUT keeps of the stored document: writeOnly and immutable attributes and sub-attributes, and
 * `active`, when absent in the new one (scim.md 2.8). ERR_INVALID "mutability" when an immutable
 * one differs. `stored` is read only. */
MUST_USE bool scim_resource_keep(struct arena *a, const struct scim_resource_type *type,
                                 struct json *stored, struct json *doc, struct err *err);

/* Drops elements that hold only type and primary, empty complex values and empty extensions. */
void scim_resource_prune(const struct scim_resource_type *type, struct json *doc);

/* ERR_INVALID "invalidValue" naming the first required attribute without value, or the first
 * required sub-attribute that a complex value lacks; what is read-only is not asked for. */
MUST_USE bool scim_resource_require(const struct scim_resource_type *type, const struct json *doc,
                                    struct err *err);

/* The whole object without computed attributes and meta: {"schemas":[...],"id":"...",...}. */
void scim_resource_write(struct buf *out, const struct scim_resource_type *type, struct str id,
                         const struct json *doc);
/* The reverse, from the text of scim_resource_write: takes schemas and id away again. */
MUST_USE bool scim_resource_load(struct arena *a, struct str text, struct json **out,
                                 struct err *err);
