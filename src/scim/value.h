/* Values of attributes as clients send them, made into what the schema says: types (RFC 7643
 * section 2.3), coercions and tolerances (scim.md 9), in value.c; the identity of elements (RFC
 * 7643 section 2.4, scim.md 1.7) in element.c. */
#pragma once

#include "base/json.h"
#include "base/map.h"
#include "scim/schema.h"

/* Which tolerances are switched off; the zero value accepts what real clients send. */
struct scim_rules {
    bool strict_booleans;       /* row 2: "True" is not a boolean */
    bool strict_role_text;      /* row 9: no JSON text inside a role's value */
    bool strict_json_text;      /* row 10: no JSON text where an object or array belongs */
    bool no_create_on_no_match; /* row 4: a value filter without match is noTarget */
    size_t max_ops;             /* operations of a PATCH; 0: SCIM_PATCH_OPS_MAX */
    size_t max_work;            /* elements times comparisons of a PATCH; 0: SCIM_PATCH_WORK_MAX */
    size_t max_value_bytes;     /* of a text; 0: SCIM_VALUE_MAX_BYTES */
    size_t max_members;         /* of a group; 0: SCIM_MEMBERS_MAX */
};

#define SCIM_VALUE_MAX_BYTES 65536
#define SCIM_ELEMENTS_MAX    10000
#define SCIM_MEMBERS_MAX     100000 /* elements whose value cannot change: group members */
#define SCIM_PATCH_OPS_MAX   1000
#define SCIM_PATCH_WORK_MAX  1000000

enum scim_nulls {
    SCIM_DROP_UNASSIGNED, /* a complex value holds assigned sub-attributes only */
    SCIM_KEEP_UNASSIGNED  /* unassigned ones stay as null, for merging: null takes away */
};

/* null, "" and []. */
bool scim_unassigned(const struct json *v);
/* The object that v is the JSON text of (scim.md 9, row 10), else v. */
const struct json *scim_unpack_object(struct arena *a, const struct scim_rules *rules,
                                      const struct json *v);
/* xsd:dateTime: unlike time_parse, the time of day may not be missing (RFC 7643 section 2.3.5). */
bool scim_instant(struct str text, int64_t *out_us);

/* A whole attribute: an array for a multi-valued one, with same elements merged. *out is NULL when
 * v is unassigned. Nothing of *out is shared with v. ERR_INVALID "invalidValue" naming the
 * attribute. */
MUST_USE bool scim_value_read(struct arena *a, const struct scim_rules *rules,
                              const struct scim_attribute *attribute, const struct json *v,
                              struct json **out, struct err *err);
/* One value of the attribute: an element of a multi-valued one. *out is NULL when unassigned. */
MUST_USE bool scim_element_read(struct arena *a, const struct scim_rules *rules,
                                const struct scim_attribute *attribute, enum scim_nulls nulls,
                                const struct json *v, struct json **out, struct err *err);

/* Like members of groups: the value of an element cannot change, and the rest is computed from it,
 * whatever the client says of it. */
bool scim_is_membership(const struct scim_attribute *attribute);

/* An array in which same elements are found by their key. */
struct scim_list {
    struct arena *arena;
    const struct scim_attribute *attribute;
    struct json *array;
    struct json *first; /* not in by_key yet; NULL: all are */
    struct map by_key;
};
void scim_list_init(struct scim_list *list, struct arena *a, const struct scim_attribute *attribute,
                    struct json *array);
void scim_list_done(struct scim_list *list); /* the array stays */
/* Appends the element, or merges it into the same one that is there; returns the one in the list.
 */
struct json *scim_list_add(struct scim_list *list, struct json *element);
/* The same element; NULL if there is none. */
struct json *scim_list_find(struct scim_list *list, const struct json *element);

/* Puts the sub-attributes of `from` over those of `into`; null takes one away. Moves them. */
void scim_complex_merge(struct arena *a, struct json *into, struct json *from);
/* ERR_INVALID "invalidValue" when more than one element is primary. */
MUST_USE bool scim_primary_check(const struct scim_attribute *attribute, const struct json *array,
                                 struct err *err);
bool scim_is_primary(const struct json *element);
