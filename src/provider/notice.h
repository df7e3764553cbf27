/* Failed writes, kept for the administrators of the application and told them by mail, those of an
 * hour in one, and by webhook, each at once (apps.md 3.2). For tenants whose kind does so
 * (ownNotifications). */
#pragma once

#include "base/clock.h"
#include "base/rng.h"
#include "db/db.h"

struct provider_notice {
    int64_t at_us;
    struct str method, target, attribute, reason;
    int64_t status;
    int64_t more; /* failures before it that came too fast to be recorded */
};

/* Newest first, at most limit. ERR_NOT_FOUND "tenantNotFound". Texts in a. */
MUST_USE bool provider_notices(struct db *db, struct arena *a, struct str tenant, size_t limit,
                               struct provider_notice **out, size_t *out_count, struct err *err);

/* Records one, puts it into the mail of the hour, and tells it to the webhook of the tenant if that
 * is to know. Joins the caller's transaction. */
struct provider_notice_tenant {
    int64_t no;
    struct str name, mails; /* mails empty: nobody is told by mail */
};
MUST_USE bool provider_notice_add(struct db *db, const struct provider_notice_tenant *tenant,
                                  const struct provider_notice *notice, struct rng *rng,
                                  struct err *err);
