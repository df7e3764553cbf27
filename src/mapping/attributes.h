/* The source attributes of people and groups: the one table of attribute-mappings.md section 6.
 * Either spelling (the directory's own or Graph's) is accepted wherever a source attribute is
 * named; the first is stored and emitted. */
#pragma once

#include "base/compiler.h"
#include "base/str.h"

enum source_kind { SOURCE_USER, SOURCE_GROUP, SOURCE_KIND_COUNT };

enum attribute_type {
    ATTRIBUTE_STRING,
    ATTRIBUTE_BOOLEAN,
    ATTRIBUTE_INTEGER,
    ATTRIBUTE_DATETIME,
    ATTRIBUTE_REFERENCE,
    ATTRIBUTE_BINARY,
    ATTRIBUTE_TYPE_COUNT,
};

const char *attribute_type_name(enum attribute_type type); /* "String", ... */

struct source_attribute {
    struct str name;       /* "surname" */
    struct str graph_name; /* "surname", "officeLocation"; may hold dots and an index:
                              "businessPhones[0]" */
    unsigned kinds;        /* bits 1u << SOURCE_USER, 1u << SOURCE_GROUP */
    enum attribute_type type;
    bool multivalued;
    bool required;
    bool computed; /* not stored: IsSoftDeleted, memberOf, appRoleAssignments, members,
                      originalUserPrincipalName... */
};

extern const struct source_attribute source_attributes[];
extern const size_t source_attribute_count;

/* Finds by either spelling (exact case first, then any ASCII case). NULL if unknown.
 * extension_<appId>_<name> and employeeOrgData.* are not in the table's list when free: see
 * source_attribute_is_extension. */
const struct source_attribute *source_attribute_find(enum source_kind kind, struct str name);
/* A directory extension attribute, "extension_<32 hex digits>_<name>": any such name is an
 * attribute of type String. */
bool source_attribute_is_extension(struct str name);
/* The known name nearest to a misspelt one, or NULL when none is near. */
const struct source_attribute *source_attribute_nearest(enum source_kind kind, struct str name);
