/* Tenants: each stands for one application with its own users, groups and keys. */
#pragma once

#include "base/clock.h"
#include "base/json.h"
#include "db/db.h"

#define PROVIDER_NAME_MAX 64 /* bytes of a tenant's name */

struct provider_tenant {
    int64_t no;
    struct str name;
    struct str kind;
    int64_t created_us;
    struct str settings; /* JSON: what was set; "{}": nothing */
    struct str template; /* JSON, given as a file; empty: that of the kind */
    int64_t revision;
    int64_t users, groups; /* provider_tenant_list only */
};

/* Adding and removing join the caller's transaction; without one they have their own.
 * ERR_INVALID "invalidName", ERR_NOT_FOUND "unknownKind", ERR_CONFLICT "tenantExists". */
MUST_USE bool provider_tenant_add(struct db *db, struct str kind, struct str name,
                                  const struct clock *clock, struct err *err);
/* The same with a template of its own (apps.md 1), in place of that of a kind in the gallery; the
 * kind is "generic". ERR_INVALID as of provider_template_check. */
MUST_USE bool provider_tenant_add_custom(struct db *db, struct str template, struct str name,
                                         const struct clock *clock, struct err *err);
/* ERR_NOT_FOUND "tenantNotFound". Texts belong to a. */
MUST_USE bool provider_tenant_load(struct db *db, struct arena *a, struct str name,
                                   struct provider_tenant *out, struct err *err);
struct provider_profile;
MUST_USE bool provider_tenant_profile(struct arena *a, const struct provider_tenant *tenant,
                                      const struct provider_profile **out, struct err *err);
/* Sets one of provider/settings.h from its text; an empty text takes it back. In the caller's
 * transaction: globalUnique looks at all users (ERR_CONFLICT "uniqueness"). A running service
 * follows within a tenth of a second. ERR_INVALID "badSetting"; ERR_UNAVAILABLE when somebody else
 * did so at the same time. */
MUST_USE bool provider_tenant_set(struct db *db, struct str name, struct str setting,
                                  struct str text, struct err *err);
/* By name. */
MUST_USE bool provider_tenant_list(struct db *db, struct arena *a, struct provider_tenant **out,
                                   size_t *out_count, struct err *err);
/* With all its users, groups and keys. */
MUST_USE bool provider_tenant_remove(struct db *db, struct str name, struct err *err);

/* Calls fn with each user, then each group with its members, in order of creation: whole
 * representations without meta.location. A false from fn ends the walk. */
typedef bool provider_export_fn(void *ctx, const struct json *resource);
MUST_USE bool provider_tenant_export(struct db *db, struct str name, provider_export_fn *fn,
                                     void *ctx, struct err *err);
