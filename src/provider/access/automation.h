/* Automation users (apps.md 3.2): accounts of a tenant that keys can belong to. Such a key is
 * refused until the user has signed in for the first time, while it is inactive, and for good when
 * it is gone. A user like any other for clients, who see it in lists and as /Me. */
#pragma once

#include "base/clock.h"
#include "base/rng.h"
#include "db/db.h"

struct provider_automation_user {
    struct str id, name;
    bool active;
    int64_t created_us;
    int64_t activated_us; /* 0: not yet */
    int64_t keys;         /* provider_automation_list only */
};

/* All join the caller's transaction. ERR_NOT_FOUND "tenantNotFound"; ERR_INVALID
 * "noAutomationUsers" for a tenant of a kind without them; ERR_CONFLICT "uniqueness". */
MUST_USE bool provider_automation_add(struct db *db, struct str tenant, struct str name,
                                      const struct clock *clock, struct rng *rng, struct err *err);
/* In order of creation. */
MUST_USE bool provider_automation_list(struct db *db, struct arena *a, struct str tenant,
                                       struct provider_automation_user **out, size_t *out_count,
                                       struct err *err);
/* By name; ERR_NOT_FOUND "automationUserNotFound". */
MUST_USE bool provider_automation_find(struct db *db, struct arena *a, int64_t tenant_no,
                                       struct str name, struct provider_automation_user *out,
                                       struct err *err);
/* The first sign-in; a second one changes nothing. */
MUST_USE bool provider_automation_activate(struct db *db, struct str tenant, struct str name,
                                           const struct clock *clock, struct err *err);
/* With the account; its keys are refused from then on. */
MUST_USE bool provider_automation_remove(struct db *db, struct str tenant, struct str name,
                                         const struct clock *clock, struct err *err);
