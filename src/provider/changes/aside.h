/* Changes that the receiver of a webhook has refused again and again: they are set aside, with all
 * that come after them for the same user or group, so that the others go on (webhook.tries). Each
 * such user or group is tried again every hour, and at once when somebody asks for it; order and
 * at-least-once hold for each. The commands are here; the rest is for hooks_store.c. */
#pragma once

#include "base/map.h"
#include "db/db.h"
#include "provider/provider.h"

#define ASIDE_MAX         1000 /* users and groups of a tenant; beyond, all others wait as well */
#define ASIDE_CHANGES_MAX 100000
#define ASIDE_ROW_MAX     10 /* set aside without one taken in between: then nothing may be right */
#define ASIDE_AGAIN_US    US_PER_HOUR

struct provider_aside {
    struct str id, name; /* of the user or group; the name is empty when it is gone */
    int64_t since_us, attempts, next_us, changes, first;
    struct str error;
};
/* Oldest first, at most ASIDE_MAX. ERR_NOT_FOUND "tenantNotFound". Texts in a. */
MUST_USE bool provider_aside_list(struct db *db, struct arena *a, struct str tenant,
                                  struct provider_aside **out, size_t *out_count, struct err *err);
/* Of one user or group by its id, or of all (empty). In the caller's transaction. ERR_NOT_FOUND
 * "asideNotFound" when nothing of it is set aside. */
MUST_USE bool provider_aside_retry(struct db *db, struct str tenant, struct str id,
                                   struct err *err);
/* The receiver is never told of these changes; what comes after is told again. */
MUST_USE bool provider_aside_drop(struct db *db, struct str tenant, struct str id,
                                  int64_t *out_changes, struct err *err);

/* --- For the thread of the webhooks --- */

/* Those whose changes are set aside, as keys of out; the map's texts are in a. */
MUST_USE bool aside_ids(struct db *db, struct arena *a, int64_t tenant_no, struct map *out,
                        struct err *err);
/* A change that waits behind another one, or that is set aside itself. */
struct aside_change {
    struct str id, record;
    int64_t seq;
};
/* Sets the user or group aside, too, unless it is: somebody may have dropped it since it was looked
 * at. */
MUST_USE bool aside_add_changes(struct db *db, int64_t tenant_no, const struct aside_change *list,
                                size_t count, int64_t now_us, struct err *err);
/* Sets one aside, tried again at next_us. */
MUST_USE bool aside_add(struct db *db, int64_t tenant_no, const struct aside_change *change,
                        int64_t now_us, int64_t next_us, struct str error, struct err *err);
/* Those that were not tried since are tried at once: it may not have been their fault. */
MUST_USE bool aside_again(struct db *db, int64_t tenant_no, struct err *err);
/* Puts into the mail of the hour that a change was set aside. mails empty: nobody is told. */
struct aside_notice {
    int64_t tenant_no, at_us;
    struct str tenant, mails, error;
    const struct aside_change *change;
};
MUST_USE bool aside_tell(struct db *db, const struct aside_notice *notice, struct err *err);
/* Whether there is room for another one. */
MUST_USE bool aside_has_room(struct db *db, int64_t tenant_no, bool *out, struct err *err);

/* What of those set aside is to be told next. */
struct aside_page {
    struct str id; /* empty: nothing */
    int64_t last;  /* change of those */
    int64_t count;
    bool more;
};
/* Appends a JSON array of changes: one that was refused before, alone; behind it up to count. */
MUST_USE bool aside_read_due(struct db *db, struct arena *a, int64_t tenant_no, int64_t now_us,
                             int64_t count, struct buf *out, struct aside_page *page,
                             struct err *err);
MUST_USE bool aside_taken(struct db *db, int64_t tenant_no, const struct aside_page *page,
                          struct err *err);
MUST_USE bool aside_failed(struct db *db, int64_t tenant_no, const struct aside_page *page,
                           int64_t next_us, struct str error, struct err *err);
