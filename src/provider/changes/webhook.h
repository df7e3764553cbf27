/* The webhook of a tenant: the application behind it is told of changes and of writes that failed
 * (scim.md 14). Here is what is set and what is known of it; provider_open delivers. Changes are
 * told at least once and in their order, so in order for each user and group. */
#pragma once

#include "base/clock.h"
#include "base/json.h"
#include "base/rng.h"
#include "base/secret.h"
#include "db/db.h"

#define PROVIDER_WEBHOOK_BATCH 100 /* changes of one delivery at most */

enum { PROVIDER_WEBHOOK_CHANGES = 1, PROVIDER_WEBHOOK_FAILURES = 2 };

struct provider_webhook {
    int64_t tenant_no;
    struct str url;
    unsigned events; /* the bits above */
    bool paused;
    bool feed;              /* changes are recorded for it */
    bool sending;           /* a process has it at the moment */
    int64_t position, head; /* the change that was taken last; the last there is */
    int64_t pending_us;     /* since when the oldest waits that was not taken; 0: nothing waits */
    int64_t attempts, next_us, delivered_us, failed_us;
    struct str error; /* of the last attempt; empty: it succeeded */
    int64_t lost;     /* changes that were forgotten before they were taken */
    int64_t failures; /* failed writes that wait to be told */
    int64_t aside;    /* changes that are set aside (aside.h) */
};

/* Joins the caller's transaction, as all that changes something. */
struct provider_webhook_order {
    struct str tenant, url;
    unsigned events;
    const struct secret *secret; /* NULL: one is made, or that of before stays */
};
/* Sets it, and the change feed on when it is to tell changes: of a new one, those from now on. A
 * new secret is in out_secret, which the caller frees; without bytes when the old one stays.
 * ERR_INVALID "badWebhook", ERR_NOT_FOUND "tenantNotFound". */
MUST_USE bool provider_webhook_set(struct db *db, const struct secret_key *key,
                                   const struct provider_webhook_order *order, struct rng *rng,
                                   struct secret *out_secret, struct err *err);
/* Another secret, at once; `given` NULL: one is made. */
MUST_USE bool provider_webhook_renew(struct db *db, const struct secret_key *key, struct str tenant,
                                     const struct secret *given, struct rng *rng,
                                     struct secret *out_secret, struct err *err);
/* ERR_NOT_FOUND "webhookNotFound". Texts in a. */
MUST_USE bool provider_webhook_load(struct db *db, struct arena *a, struct str tenant,
                                    const struct clock *clock, struct provider_webhook *out,
                                    struct err *err);
MUST_USE bool provider_webhook_pause(struct db *db, struct str tenant, struct err *err);
/* Goes on at once, also when it was not paused but waits. from: the number of the first change to
 * tell (again); 0: where it stands; -1: with the next one to come. */
MUST_USE bool provider_webhook_resume(struct db *db, struct str tenant, int64_t from,
                                      struct err *err);
MUST_USE bool provider_webhook_remove(struct db *db, struct str tenant, struct err *err);

/* What signs for a tenant. ERR_NOT_FOUND "webhookNotFound". */
MUST_USE bool provider_webhook_secret(struct db *db, const struct secret_key *key,
                                      int64_t tenant_no, struct secret *out, struct err *err);
MUST_USE bool provider_webhook_unseal(const struct secret_key *key, int64_t tenant_no,
                                      struct str sealed, struct secret *out, struct err *err);
/* Where failed writes of the tenant are told; empty: nowhere. In a. */
MUST_USE bool provider_webhook_failures(struct db *db, struct arena *a, int64_t tenant_no,
                                        struct str *out, struct err *err);
/* The body of a trial: {"id", "kind": "test", "tenant", "at"}. In a. */
struct str provider_webhook_trial(struct arena *a, struct str tenant, int64_t at_us);
