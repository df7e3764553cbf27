/* What a kind of tenant demands and shows: its resource types with their schemas, and the paths at
 * which a user must have a value (apps.md 1, 3 and 5). */
#pragma once

#include "scim/match.h"
#include "scim/resource.h"

struct provider_profile {
    struct str kind;
    struct scim_resource_type user;
    struct scim_resource_type group;
    bool has_groups;
    size_t required_count;      /* paths that go beyond the schema's own required attributes */
    const struct str *required; /* as written: emails[type eq "work"].value */
    const struct scim_matcher *const *required_pr; /* `path pr` of each */
};

/* ERR_NOT_FOUND "unknownKind", naming those there are. The profile lives in a and can be shared by
 * threads. */
MUST_USE bool provider_profile_load(struct arena *a, struct str kind,
                                    const struct provider_profile **out, struct err *err);
/* ERR_INVALID "invalidValue" naming the first required path without value. */
MUST_USE bool provider_profile_check(struct arena *a, const struct provider_profile *profile,
                                     const struct json *user, struct err *err);
