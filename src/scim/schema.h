/* Schemas as tables: every attribute with all its characteristics (RFC 7643 sections 2, 4 and 7,
 * scim.md 1). The core tables are constant; a tenant's own types are made from them by adding
 * extensions and attributes from data. Everything else (reading, matching, PATCH, discovery) is
 * driven by these tables. */
#pragma once

#include "base/arena.h"
#include "base/json.h"
#include "scim/path.h"

enum scim_type {
    SCIM_STRING,
    SCIM_BOOLEAN,
    SCIM_DECIMAL,
    SCIM_INTEGER,
    SCIM_DATETIME,
    SCIM_BINARY,
    SCIM_REFERENCE,
    SCIM_COMPLEX,
    SCIM_TYPE_COUNT
};

enum scim_mutability { SCIM_READ_WRITE, SCIM_READ_ONLY, SCIM_IMMUTABLE, SCIM_WRITE_ONLY };
enum scim_returned { SCIM_BY_DEFAULT, SCIM_ALWAYS, SCIM_NEVER, SCIM_ON_REQUEST };
enum scim_uniqueness { SCIM_NOT_UNIQUE, SCIM_UNIQUE_SERVER, SCIM_UNIQUE_GLOBAL };

/* The zero value of every characteristic is the default of RFC 7643. */
struct scim_attribute {
    struct str name;
    enum scim_type type;
    bool multi;
    bool required;
    bool case_exact;
    enum scim_mutability mutability;
    enum scim_returned returned;
    enum scim_uniqueness uniqueness;
    struct str canonical;  /* suggested values, joined by commas */
    struct str references; /* referenceTypes, joined by commas */
    struct str description;
    const struct scim_attribute *subs; /* SCIM_COMPLEX */
    size_t sub_count;
};

struct scim_schema {
    struct str urn;
    struct str name;
    struct str description;
    const struct scim_attribute *attributes;
    size_t count;
};

struct scim_resource_type {
    struct str name;     /* "User" */
    struct str endpoint; /* "/Users" */
    struct str description;
    const struct scim_schema *core;
    const struct scim_schema *const *extensions;
    size_t extension_count;
    uint32_t demanded; /* bit i: every resource has extension i, "required" in its ResourceType */
    bool hides;        /* has attributes that are not returned unless asked for, or never */
    bool dotted; /* attributes of extensions are also addressed URI.attribute (scim.md 1.13) */
};

extern const struct scim_schema scim_user_schema;
extern const struct scim_schema scim_group_schema;
extern const struct scim_schema scim_enterprise_schema;
/* schemas, id, externalId, meta: part of every resource, not listed in /Schemas. */
extern const struct scim_schema scim_common_schema;

/* An attribute in its place. */
struct scim_ref {
    const struct scim_schema *extension;    /* NULL: at the top level */
    const struct scim_attribute *attribute; /* NULL: the whole extension, or the whole core */
    const struct scim_attribute *sub;       /* NULL: the attribute itself */
    bool whole_core;                        /* the path is the URI of the core schema */
};

/* Looks up what a path names: without URI in the core, the common attributes, then the extensions
 * (scim.md 1.1). False if it names nothing. The value filter of the path is not looked at. */
bool scim_resolve(const struct scim_resource_type *type, const struct scim_path *path,
                  struct scim_ref *out);

/* NULL if there is none; names ignore ASCII case. */
const struct scim_attribute *scim_schema_attribute(const struct scim_schema *schema,
                                                   struct str name);
const struct scim_attribute *scim_sub_attribute(const struct scim_attribute *attribute,
                                                struct str name);
/* The core and common attributes of a resource type. */
const struct scim_attribute *scim_top_attribute(const struct scim_resource_type *type,
                                                struct str name);
const struct scim_schema *scim_extension(const struct scim_resource_type *type, struct str urn);
/* Whether every resource has the extension: by itself, or since an attribute of it is required. */
bool scim_extension_required(const struct scim_resource_type *type, size_t i);

/* "string", "dateTime", ...; static storage. */
struct str scim_type_name(enum scim_type type);
bool scim_type_from_name(struct str name, enum scim_type *out); /* ignores case */
