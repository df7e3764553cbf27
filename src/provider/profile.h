/* What a kind of tenant demands and shows: its resource types with their schemas, and the paths at
 * which a user must have a value (apps.md 1, 3 and 5). */
#pragma once

#include "provider/settings.h"
#include "scim/match.h"
#include "scim/resource.h"
#include "scim/value.h"

/* An attribute whose values no two resources of its type may share, besides userName of users and
 * displayName of groups. */
struct provider_unique {
    struct str name; /* with the URI of an extension and the sub-attribute, for people */
    struct str urn;  /* of the extension; empty: the core */
    const struct scim_attribute *attribute, *sub; /* sub NULL: none */
};
struct provider_uniques {
    const struct provider_unique *list;
    size_t count;
};

struct provider_profile {
    struct str kind;
    struct scim_resource_type user;
    struct scim_resource_type group;
    bool has_groups;
    bool user_external_unique, group_external_unique; /* externalId */
    struct provider_uniques user_unique, group_unique;
    struct provider_settings settings;
    struct scim_rules rules;    /* of settings */
    size_t required_count;      /* paths that go beyond the schema's own required attributes */
    const struct str *required; /* as written: emails[type eq "work"].value */
    const struct scim_matcher *const *required_pr; /* `path pr` of each */
};

/* What makes a profile: a kind, with a template of its own in place of the gallery's, and what was
 * set; both are JSON texts and may be empty. */
struct provider_profile_source {
    struct str kind, template, settings;
};

/* ERR_NOT_FOUND "unknownKind", naming those there are; ERR_INVALID "badSetting". The profile lives
 * in a and can be shared by threads. */
MUST_USE bool provider_profile_load(struct arena *a, const struct provider_profile_source *source,
                                    const struct provider_profile **out, struct err *err);
/* ERR_INVALID "invalidValue" naming the first required path without value. */
MUST_USE bool provider_profile_check(struct arena *a, const struct provider_profile *profile,
                                     const struct json *user, struct err *err);
