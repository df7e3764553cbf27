/* Keys of tenants: bearer tokens with 256 random bits. A key is shown when it is made and never
 * again; only its SHA-256 is stored, found by the id that is a part of the key (scim.md 12). */
#pragma once

#include "base/clock.h"
#include "base/rng.h"
#include "base/secret.h"
#include "db/db.h"

#define PROVIDER_KEY_ID_MAX   13 /* bytes, with the NUL */
#define PROVIDER_KEY_HASH_MAX SHA256_HEX_MAX

struct provider_key {
    struct str id;
    struct str description;
    int64_t created_us;
    int64_t used_us; /* 0: never */
    /* The automation user it belongs to; has_user false: to the tenant. user_name is empty when
     * that user is gone. */
    bool has_user;
    struct str user_name;
    bool usable;    /* the user is there, activated and active */
    bool has_owner; /* somebody made it, of whom owner_name is empty when gone */
    struct str owner_name;
    int64_t expires_us; /* 0: never */
};

/* *out_key is the whole key ("usk_ID_..."); id belongs to the caller's buffer of
 * PROVIDER_KEY_ID_MAX bytes. ERR_NOT_FOUND "tenantNotFound". */
MUST_USE bool provider_key_add(struct db *db, struct str tenant, struct str description,
                               const struct clock *clock, struct rng *rng, char *out_id,
                               struct secret *out_key, struct err *err);
/* The same for a key that belongs to an automation user (empty: to the tenant). Where a tenant has
 * one key only, those before are revoked. ERR_NOT_FOUND "automationUserNotFound", "userNotFound".
 */
struct provider_key_order {
    struct str tenant, description, automation_user;
    struct str created_by; /* the user who makes it; empty: nobody */
};
MUST_USE bool provider_key_make(struct db *db, const struct provider_key_order *order,
                                const struct clock *clock, struct rng *rng, char *out_id,
                                struct secret *out_key, struct err *err);
MUST_USE bool provider_key_list(struct db *db, struct arena *a, struct str tenant,
                                struct provider_key **out, size_t *out_count, struct err *err);
/* ERR_NOT_FOUND "keyNotFound". */
MUST_USE bool provider_key_revoke(struct db *db, struct str tenant, struct str id, struct err *err);

/* The id part of a key's text; false if it does not have the form of a key. */
bool provider_key_id(struct str key, struct str *out_id);

/* Whether a key can be used: it belongs to the tenant, or to an automation user that ... */
enum provider_key_state {
    PROVIDER_KEY_READY,
    PROVIDER_KEY_NOT_ACTIVATED, /* has never signed in */
    PROVIDER_KEY_DISABLED,      /* is not active */
    PROVIDER_KEY_ORPHANED       /* is gone: the key is none any more */
};

/* What proves a key. */
struct provider_key_proof {
    char hash[PROVIDER_KEY_HASH_MAX];
    struct str tenant, kind, settings, template; /* in the arena of the call */
    int64_t tenant_no, revision;
    struct str user_id; /* empty: it belongs to the tenant */
    enum provider_key_state state;
    int64_t created_us, used_us;
    bool owner_gone; /* who made it is no active user any more */
};
MUST_USE bool provider_key_find(struct db *db, struct arena *a, struct str id, bool *out_found,
                                struct provider_key_proof *out, struct err *err);
MUST_USE bool provider_key_used(struct db *db, struct str id, int64_t now_us, struct err *err);
/* Compares in constant time. */
bool provider_key_proves(struct str key, const char *hash);
