/* What may be stored: attribute names and values from outside, checked and brought into the form
 * they are kept in (attribute-mappings.md 6). */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "mapping/attributes.h"

#define DIRECTORY_TEXT_MAX   8192 /* bytes of one text value */
#define DIRECTORY_VALUES_MAX 1000 /* values of one multi-valued attribute */

struct directory_attribute {
    struct str name; /* first spelling */
    enum attribute_type type;
    bool multivalued;
    bool is_id;      /* objectId */
    bool is_manager; /* manager: a reference, by id, userPrincipalName or employeeId */
    bool is_members; /* members of a group: references */
};

/* The attribute of that name, in either spelling. ERR_INVALID "unknownAttribute" with the nearest
 * known name, "computedAttribute" for one that is not to be written. The name lives as long as
 * `name` does. */
MUST_USE bool directory_attribute_named(enum source_kind kind, struct str name,
                                        struct directory_attribute *out, struct err *err);

/* The value as it is kept: from the text of a cell (empty: null; values of a multi-valued one
 * separated by ';') or from JSON. Not for objectId and references. ERR_INVALID "badValue",
 * ERR_LIMIT "valueTooLong", both naming the attribute. */
MUST_USE bool directory_value_from_text(const struct directory_attribute *at, struct str text,
                                        struct arena *a, struct json **out, struct err *err);
MUST_USE bool directory_value(const struct directory_attribute *at, const struct json *v,
                              struct arena *a, struct json **out, struct err *err);

/* An id given from outside: 1 to 64 visible ASCII characters without blanks. */
MUST_USE bool directory_check_id(struct str id, struct err *err);
