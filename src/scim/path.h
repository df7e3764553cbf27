/* Attribute paths: "name.givenName", "emails[type eq \"work\"].value", "urn:...:User:department"
 * (RFC 7644 section 3.5.2, scim.md 4.2; the mapping notation of attribute-mappings.md 8 is the same
 * language). */
#pragma once

#include "base/arena.h"
#include "base/err.h"

struct scim_filter;

struct scim_path {
    struct str urn;       /* extension or core URI without the final colon; empty when not given */
    struct str attribute; /* "emails"; empty when the path is a URI alone */
    const struct scim_filter *filter; /* value filter in brackets; NULL if none */
    struct str filter_text;           /* the text between the brackets */
    struct str sub;                   /* "value"; empty if none */
};

/* A URI is split off at its last colon (attribute-mappings.md 8); a text that ends in a version
 * followed by ":User" or ":Group" is a URI alone, and so is one that ends in a version. A dot
 * before the bracket is accepted (apps.md 1). The texts point into `text`, which must outlive the
 * path. ERR_INVALID "invalidPath" or, for what stands in brackets, "invalidFilter"; err->place is
 * "character N". */
MUST_USE bool scim_path_parse(struct arena *a, struct str text, struct scim_path *out,
                              struct err *err);
