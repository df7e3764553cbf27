/* Marks on users, by which a tenant imitates that somebody has not accepted an invitation yet, or
 * is busy (apps.md 5, activationDelay and deleteRefused). */
#pragma once

#include "base/clock.h"
#include "db/db.h"

enum provider_mark { PROVIDER_MARK_PENDING = 1, PROVIDER_MARK_BUSY = 2 };

/* until_us 0: until it is cleared. */
MUST_USE bool mark_set(struct db *db, int64_t tenant_no, struct str user_id,
                       enum provider_mark mark, int64_t until_us, struct err *err);
MUST_USE bool mark_clear(struct db *db, int64_t tenant_no, struct str user_id,
                         enum provider_mark mark, struct err *err);
MUST_USE bool mark_is_set(struct db *db, int64_t tenant_no, struct str user_id,
                          enum provider_mark mark, int64_t now_us, bool *out, struct err *err);
/* All marks of a user that goes. */
MUST_USE bool mark_forget(struct db *db, int64_t tenant_no, struct str user_id, struct err *err);

/* For the command line, by userName; joins the caller's transaction. */
enum provider_marking {
    PROVIDER_ACCEPT, /* not pending any more */
    PROVIDER_BUSY,
    PROVIDER_FREE, /* not busy any more */
};
/* ERR_NOT_FOUND "tenantNotFound", "userNotFound". */
MUST_USE bool provider_mark_user(struct db *db, struct str tenant, struct str name,
                                 enum provider_marking what, struct err *err);
