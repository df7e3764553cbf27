#include "provider/internal.h"
#include "provider/tenant.h"

/* How long a key is believed without asking the database: a revocation made by another process
 * takes effect after this. */
#define KEY_FRESH_US (100 * US_PER_MS)
/* The last use of a key is written this often at most. */
#define KEY_USED_US US_PER_MINUTE

struct cached_key {
    char hash[PROVIDER_KEY_HASH_MAX];
    bool proven; /* by the token that has this mark, and no other can */
    struct secret_mark mark;
    const struct tenant *tenant; /* NULL: there is no such key (any more) */
    struct str user_id;
    enum provider_key_state state;
    /* Requests that may still come now, in millionths, and since when (scim.md 15). */
    int64_t tokens, filled_us;
    int64_t loaded_us; /* monotonic */
};

void auth_init(struct auth *auth)
{
    *auth = (struct auth){.arena = arena_new()};
    secret_marker_init(&auth->marker);
    pthread_mutex_init(&auth->lock, NULL);
    map_init(&auth->keys);
    map_init(&auth->tenants);
    map_init(&auth->profiles);
}

void auth_done(struct auth *auth)
{
    map_done(&auth->keys);
    map_done(&auth->tenants);
    map_done(&auth->profiles);
    arena_free(auth->arena);
    pthread_mutex_destroy(&auth->lock);
}

static bool proves(const struct auth *auth, const struct cached_key *key, struct str token)
{
    struct secret_mark mark;

    if (!key->proven)
        return provider_key_proves(token, key->hash);
    mark = secret_mark(&auth->marker, token);
    return secret_mark_equal(&mark, &key->mark);
}

static enum auth_verdict verdict(const struct auth *auth, const struct cached_key *key,
                                 struct str tenant, struct str token, struct grant *out)
{
    if (!key->tenant || !str_eq(key->tenant->name, tenant) || !proves(auth, key, token))
        return AUTH_REFUSED;
    out->tenant = key->tenant;
    out->user_id = key->user_id;
    out->state = key->state;
    return AUTH_OK;
}

#define WHOLE INT64_C(1000000) /* a request */

/* Takes a request out of the bucket of a key, which holds those of two seconds. */
static int64_t take_request(struct cached_key *key, int64_t rate, int64_t now_us)
{
    int64_t full = 2 * rate * WHOLE;
    int64_t since_us = now_us - key->filled_us;

    if (key->filled_us == 0 || since_us > 2 * US_PER_SECOND) {
        key->tokens = full;
    } else {
        key->tokens += since_us * rate; /* rate a second is `rate` millionths a microsecond */
        if (key->tokens > full)
            key->tokens = full;
    }
    key->filled_us = now_us;
    if (key->tokens >= WHOLE) {
        key->tokens -= WHOLE;
        return 0;
    }
    return (WHOLE - key->tokens) / rate + 1;
}

int64_t auth_take_request(struct auth *auth, struct str token, int64_t rate)
{
    struct cached_key *key;
    int64_t wait_us = 0;
    struct str id;

    if (!provider_key_id(token, &id))
        return 0;
    pthread_mutex_lock(&auth->lock);
    key = map_get(&auth->keys, id);
    if (key)
        wait_us = take_request(key, rate, clock_monotonic_us());
    pthread_mutex_unlock(&auth->lock);
    return wait_us;
}

enum auth_verdict auth_check_cached(struct auth *auth, struct str tenant, struct str token,
                                    struct grant *out)
{
    struct cached_key key;
    struct cached_key *found;
    struct str id;

    if (!provider_key_id(token, &id))
        return AUTH_REFUSED;
    pthread_mutex_lock(&auth->lock);
    found = map_get(&auth->keys, id);
    if (found)
        key = *found;
    pthread_mutex_unlock(&auth->lock);
    if (!found)
        return AUTH_UNKNOWN;
    if (clock_monotonic_us() - key.loaded_us <= KEY_FRESH_US)
        return verdict(auth, &key, tenant, token, out);
    return verdict(auth, &key, tenant, token, out) == AUTH_OK ? AUTH_STALE : AUTH_UNKNOWN;
}

/* Profiles without settings or template of their own are shared. Holds the lock. */
static const struct provider_profile *
profile_of(struct auth *auth, const struct provider_key_proof *proof, struct err *err)
{
    const struct provider_profile_source source = {
        .kind = proof->kind, .template = proof->template, .settings = proof->settings};
    bool plain = proof->template.len == 0 && str_eq(proof->settings, STR("{}"));
    const struct provider_profile *profile = plain ? map_get(&auth->profiles, proof->kind) : NULL;

    if (profile || !provider_profile_load(auth->arena, &source, &profile, err))
        return profile;
    if (plain) {
        /* NOLINTNEXTLINE(performance-no-int-to-ptr): the map's values are not const */
        map_put(&auth->profiles, profile->kind, (void *)(uintptr_t)profile);
    }
    return profile;
}

/* The tenant of a key, one struct for each; a name that was given to another tenant, and settings
 * that were changed, make another. */
static const struct tenant *tenant_of(struct auth *auth, const struct provider_key_proof *proof,
                                      struct err *err)
{
    char text[PROVIDER_NAME_MAX + 96];
    int len = snprintf(text, sizeof(text), "%lld/%lld/%.*s/%.*s", (long long)proof->tenant_no,
                       (long long)proof->revision, STR_ARG(proof->tenant), STR_ARG(proof->kind));
    struct str key = str_sub((struct str){text, sizeof(text) - 1}, 0, (size_t)len);
    struct tenant *tenant = map_get(&auth->tenants, key);
    const struct provider_profile *profile;

    if (tenant)
        return tenant;
    profile = profile_of(auth, proof, err);
    if (!profile)
        return NULL;
    tenant = ARENA_NEW(auth->arena, struct tenant);
    *tenant = (struct tenant){.no = proof->tenant_no,
                              .name = arena_str(auth->arena, proof->tenant),
                              .profile = profile,
                              .state = ARENA_NEW(auth->arena, struct tenant_state)};
    pthread_mutex_init(&tenant->state->rates.lock, NULL);
    map_put(&auth->tenants, arena_str(auth->arena, key), tenant);
    return tenant;
}

/* Whether the tenant still believes the key (apps.md 5, tokenBoundToUser and tokenDays). */
static bool lives(const struct tenant *tenant, const struct provider_key_proof *proof,
                  int64_t now_us)
{
    const struct provider_settings *s = &tenant->profile->settings;

    return !(s->token_bound_to_user && proof->owner_gone) &&
           (s->token_days == 0 || now_us < proof->created_us + s->token_days * US_PER_DAY);
}

static bool remember(struct auth *auth, struct str id, struct str token,
                     const struct provider_key_proof *proof, int64_t now_us, struct cached_key *out,
                     struct err *err)
{
    struct cached_key *key;
    bool ok = true;

    *out = (struct cached_key){0};
    pthread_mutex_lock(&auth->lock);
    key = map_get(&auth->keys, id);
    if (!key && !proof) { /* made-up keys do not fill the memory */
        pthread_mutex_unlock(&auth->lock);
        return true;
    }
    if (!key) {
        key = ARENA_NEW(auth->arena, struct cached_key);
        map_put(&auth->keys, arena_str(auth->arena, id), key);
    }
    key->tenant = NULL;
    if (proof) {
        memcpy(key->hash, proof->hash, sizeof(key->hash));
        key->proven = provider_key_proves(token, key->hash);
        key->mark = secret_mark(&auth->marker, token);
        key->state = proof->state;
        if (!str_eq(key->user_id, proof->user_id))
            key->user_id = arena_str(auth->arena, proof->user_id);
        key->tenant = tenant_of(auth, proof, err);
        ok = key->tenant != NULL;
        if (ok && !lives(key->tenant, proof, now_us))
            key->tenant = NULL;
    }
    key->loaded_us = ok ? clock_monotonic_us() : 0;
    *out = *key;
    pthread_mutex_unlock(&auth->lock);
    return ok;
}

/* --- The last use of a key, written by the way. --- */

struct used_write {
    struct db_write write; /* first */
    char id[PROVIDER_KEY_ID_MAX];
    int64_t now_us;
};

static bool used_run(struct db_write *w, struct db *db, struct err *err)
{
    struct used_write *used = (struct used_write *)w;

    return provider_key_used(db, str_from_z(used->id), used->now_us, err);
}

static void used_done(struct db_write *w, bool ok, const struct err *err)
{
    (void)ok; /* it is tried again at the next look-up */
    (void)err;
    free(w);
}

static void note_use(struct provider *p, struct str id, int64_t used_us)
{
    int64_t now = clock_now(p->config.clock);
    struct used_write *used;

    if (now - used_us < KEY_USED_US)
        return;
    used = mem_alloc(sizeof(*used));
    used->write.run = used_run;
    used->write.done = used_done;
    used->now_us = now;
    memcpy(used->id, id.ptr, id.len);
    if (!db_writer_submit(p->writer, &used->write, NULL))
        free(used);
}

static bool refused(struct err *err)
{
    return err_set(err, ERR_DENIED, "unauthorized", "the key is missing or not valid here");
}

static bool look_up(struct provider *p, struct arena *a, struct str id, bool *out_found,
                    struct provider_key_proof *proof, struct err *err)
{
    struct db *db;
    bool ok;

    if (!pool_take(&p->pool, &db, err))
        return false;
    ok = provider_key_find(db, a, id, out_found, proof, err);
    pool_give(&p->pool, db);
    return ok;
}

bool auth_check(struct provider *p, struct str tenant, struct str token, struct grant *out,
                struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = NULL;
    struct provider_key_proof proof;
    struct cached_key key;
    struct str id;
    bool found;

    switch (auth_check_cached(&p->auth, tenant, token, out)) {
    case AUTH_OK:
        return true;
    case AUTH_REFUSED:
        return refused(err);
    case AUTH_STALE:
    case AUTH_UNKNOWN:
        break;
    }
    a = arena_new();
    if (!provider_key_id(token, &id))
        return refused(err);
    if (!look_up(p, a, id, &found, &proof, err))
        return false;
    found = found && proof.state != PROVIDER_KEY_ORPHANED;
    if (!remember(&p->auth, id, token, found ? &proof : NULL, clock_now(p->config.clock), &key,
                  err))
        return false;
    if (verdict(&p->auth, &key, tenant, token, out) != AUTH_OK)
        return refused(err);
    note_use(p, id, proof.used_us);
    return true;
}
