/* Filters with a meaning: names resolved against a resource type and operands converted once, then
 * tested on any number of documents (RFC 7644 section 3.4.2.2, scim.md 3.2, 3.3). */
#pragma once

#include "scim/filter.h"
#include "scim/schema.h"

struct scim_matcher;
struct scim_rules; /* scim/value.h */

/* ERR_INVALID "invalidFilter" for an operator or operand that does not suit the attribute, whether
 * or not it would decide. ERR_DENIED "sensitive" for attributes that are never returned. `rules`
 * may be NULL: all tolerances. */
MUST_USE bool scim_matcher_compile(struct arena *a, const struct scim_resource_type *type,
                                   const struct scim_rules *rules, const struct scim_filter *filter,
                                   const struct scim_matcher **out, struct err *err);

/* The inner filter of attribute[filter]. ERR_INVALID "invalidPath" when it names a sub-attribute
 * that does not exist: for PATCH, which demands known names; otherwise as above. */
MUST_USE bool scim_matcher_compile_inner(struct arena *a, const struct scim_attribute *attribute,
                                         const struct scim_rules *rules,
                                         const struct scim_filter *filter,
                                         const struct scim_matcher **out, struct err *err);

/* Whether the document satisfies the filter. `a` takes folded texts. The document must have the
 * computed attributes that scim_matcher_uses names. */
bool scim_match(struct arena *a, const struct scim_matcher *m, const struct json *doc);
/* One element of the attribute of scim_matcher_compile_inner. */
bool scim_match_element(struct arena *a, const struct scim_matcher *m, const struct json *element);

/* Whether the filter looks at a top-level attribute, such as "groups" or "meta". */
bool scim_matcher_uses(const struct scim_matcher *m, struct str attribute);
/* In how many comparisons it does; brackets count as one. */
size_t scim_matcher_uses_count(const struct scim_matcher *m, struct str attribute);

/* A comparison for equality that must hold for the whole filter to hold: for choosing an index. */
struct scim_equality {
    struct scim_ref ref; /* emails[type eq "work"].value: attribute emails, sub value */
    struct str text;     /* the operand as text, as written */
    bool whole;          /* it is the whole filter: nothing else has to be tested */
};
/* The i-th of them; false when there are no more. Only those on text with an operand that is not
 * null. */
bool scim_matcher_equality(const struct scim_matcher *m, size_t i, struct scim_equality *out);
/* The earliest instant, in microseconds, that `attribute.sub` can have when the filter holds; false
 * when it says nothing of the kind. */
bool scim_matcher_since(const struct scim_matcher *m, struct str attribute, struct str sub,
                        int64_t *out_us);
/* Whether the filter can only hold where the boolean `attribute`, of the core schema, has the value
 * that goes to *out; *out_whole when the filter says nothing else. */
bool scim_matcher_boolean(const struct scim_matcher *m, struct str attribute, bool *out,
                          bool *out_whole);
