#include "provider/access/key.h"

#include "base/json.h"
#include "provider/access/automation.h"
#include "provider/internal.h"
#include "provider/tenant.h"

#define KEY_PREFIX "usk_"
#define ID_HEX     (PROVIDER_KEY_ID_MAX - 1)
#define SECRET_HEX 64 /* 256 bits */
#define KEY_LEN    (sizeof(KEY_PREFIX) - 1 + ID_HEX + 1 + SECRET_HEX)

static void random_hex(struct rng *rng, char *out, size_t digits)
{
    static const char hex[] = "0123456789abcdef";
    unsigned char bytes[SECRET_HEX / 2];

    rng->fill(rng, bytes, digits / 2);
    for (size_t i = 0; i < digits; i++)
        out[i] = hex[(bytes[i / 2] >> (i % 2 ? 0 : 4)) & 15];
}

bool provider_key_id(struct str key, struct str *out_id)
{
    if (key.len != KEY_LEN || !str_starts(key, STR(KEY_PREFIX)) ||
        key.ptr[sizeof(KEY_PREFIX) - 1 + ID_HEX] != '_')
        return false;
    *out_id = str_sub(key, sizeof(KEY_PREFIX) - 1, ID_HEX);
    for (size_t i = 0; i < out_id->len; i++) {
        if (!ascii_is_digit(out_id->ptr[i]) && (out_id->ptr[i] < 'a' || out_id->ptr[i] > 'f'))
            return false;
    }
    return true;
}

bool provider_key_proves(struct str key, const char *hash)
{
    char text[SHA256_HEX_MAX];
    struct str mine = sha256_hex(key, text);
    unsigned difference = 0;

    for (size_t i = 0; i < mine.len; i++)
        difference |= (unsigned)(mine.ptr[i] ^ hash[i]);
    return difference == 0;
}

bool provider_key_add(struct db *db, struct str tenant, struct str description,
                      const struct clock *clock, struct rng *rng, char *out_id,
                      struct secret *out_key, struct err *err)
{
    const struct provider_key_order order = {.tenant = tenant, .description = description};

    return provider_key_make(db, &order, clock, rng, out_id, out_key, err);
}

bool provider_key_make(struct db *db, const struct provider_key_order *order,
                       const struct clock *clock, struct rng *rng, char *out_id,
                       struct secret *out_key, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct provider_automation_user user = {0};
    const struct provider_profile *profile;
    struct provider_tenant owner;
    struct str made_by = {0};
    char text[KEY_LEN + 1] = KEY_PREFIX;
    char hash[SHA256_HEX_MAX];
    char *id = text + sizeof(KEY_PREFIX) - 1;
    bool ok;

    if (!provider_tenant_load(db, a, order->tenant, &owner, err) ||
        !provider_tenant_profile(a, &owner, &profile, err) ||
        (order->automation_user.len > 0 &&
         !provider_automation_find(db, a, owner.no, order->automation_user, &user, err)) ||
        (order->created_by.len > 0 &&
         !store_find_user(db, a, owner.no, order->created_by, &made_by, err)))
        return false;
    if (profile->settings.single_token && !db_exec(db, provider_query(PROVIDER_TENANT_CLEAR_KEYS),
                                                   DB_ARGS(db_int(owner.no)), NULL, err))
        return false;
    random_hex(rng, id, ID_HEX);
    id[ID_HEX] = '_';
    random_hex(rng, id + ID_HEX + 1, SECRET_HEX);
    if (!secret_init(out_key, (struct str){text, KEY_LEN}, err))
        return false;
    ok = db_exec(db, provider_query(PROVIDER_KEY_ADD),
                 DB_ARGS(db_text((struct str){id, ID_HEX}), db_int(owner.no),
                         db_text(sha256_hex((struct str){text, KEY_LEN}, hash)),
                         db_text(order->description), db_int(clock_now(clock)),
                         db_text_or_null(user.id), db_text_or_null(made_by)),
                 NULL, err);
    memcpy(out_id, id, ID_HEX);
    out_id[ID_HEX] = 0;
    explicit_bzero(text, sizeof(text));
    if (!ok)
        secret_done(out_key);
    return ok;
}

/* Of the columns user id, document and activation, from `column` on. */
static enum provider_key_state state_of(struct arena *a, struct db_stmt *st, int column,
                                        struct str *out_name)
{
    struct json *doc;

    *out_name = (struct str){0};
    if (db_col_is_null(st, column))
        return PROVIDER_KEY_READY;
    if (db_col_is_null(st, column + 1) ||
        !json_parse(a, db_col_text(st, column + 1), NULL, &doc, NULL, NULL))
        return PROVIDER_KEY_ORPHANED;
    *out_name = json_get_text(doc, "userName");
    if (!json_get_bool(doc, "active", true))
        return PROVIDER_KEY_DISABLED;
    return db_col_is_null(st, column + 2) ? PROVIDER_KEY_NOT_ACTIVATED : PROVIDER_KEY_READY;
}

/* Of the columns owner id and document, from `column` on. */
static bool owner_is_active(struct arena *a, struct db_stmt *st, int column, struct str *out_name)
{
    struct json *doc;

    *out_name = (struct str){0};
    if (db_col_is_null(st, column + 1) ||
        !json_parse(a, db_col_text(st, column + 1), NULL, &doc, NULL, NULL))
        return false;
    *out_name = json_get_text(doc, "userName");
    return json_get_bool(doc, "active", true);
}

bool provider_key_list(struct db *db, struct arena *a, struct str tenant, struct provider_key **out,
                       size_t *out_count, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    const struct provider_profile *profile;
    struct provider_tenant owner;
    struct provider_key *list = NULL;
    size_t count = 0, cap = 0;
    int64_t days;
    bool row;

    if (!provider_tenant_load(db, a, tenant, &owner, err) ||
        !provider_tenant_profile(a, &owner, &profile, err) ||
        !db_select(db, provider_query(PROVIDER_KEY_LIST), DB_ARGS(db_int(owner.no)), &st, err))
        return false;
    days = profile->settings.token_days;
    for (;;) {
        if (!db_step(st, &row, err))
            return false;
        if (!row)
            break;
        ARENA_GROW(a, list, count, cap);
        list[count] = (struct provider_key){.id = arena_str(a, db_col_text(st, 0)),
                                            .description = arena_str(a, db_col_text(st, 1)),
                                            .created_us = db_col_int(st, 2),
                                            .used_us = db_col_int(st, 3),
                                            .has_user = !db_col_is_null(st, 4)};
        list[count].usable = state_of(a, st, 4, &list[count].user_name) == PROVIDER_KEY_READY;
        list[count].has_owner = !db_col_is_null(st, 7);
        (void)owner_is_active(a, st, 7, &list[count].owner_name);
        if (days > 0)
            list[count].expires_us = list[count].created_us + days * US_PER_DAY;
        count++;
    }
    *out = list;
    *out_count = count;
    return true;
}

bool provider_key_revoke(struct db *db, struct str tenant, struct str id, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct provider_tenant owner;
    int64_t changed;

    if (!provider_tenant_load(db, a, tenant, &owner, err) ||
        !db_exec(db, provider_query(PROVIDER_KEY_REMOVE), DB_ARGS(db_int(owner.no), db_text(id)),
                 &changed, err))
        return false;
    if (changed == 0) {
        return err_set(err, ERR_NOT_FOUND, "keyNotFound", "tenant '%.*s' has no key '%.*s'",
                       STR_ARG(tenant), STR_ARG(id));
    }
    return true;
}

bool provider_key_find(struct db *db, struct arena *a, struct str id, bool *out_found,
                       struct provider_key_proof *out, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct str hash, name;

    if (!db_select_one(db, provider_query(PROVIDER_KEY_FIND), DB_ARGS(db_text(id)), &st, err))
        return false;
    *out_found = st != NULL;
    if (!st)
        return true;
    hash = db_col_text(st, 0);
    if (hash.len != PROVIDER_KEY_HASH_MAX - 1)
        return err_set(err, ERR_INTERNAL, "badKeyHash", "the stored hash of a key is damaged");
    memcpy(out->hash, hash.ptr, hash.len);
    out->hash[hash.len] = 0;
    out->tenant_no = db_col_int(st, 1);
    out->tenant = arena_str(a, db_col_text(st, 2));
    out->kind = arena_str(a, db_col_text(st, 3));
    out->used_us = db_col_int(st, 4);
    out->settings = arena_str(a, db_col_text(st, 5));
    out->template = arena_str(a, db_col_text(st, 6));
    out->revision = db_col_int(st, 7);
    out->user_id = arena_str(a, db_col_text(st, 8));
    out->state = state_of(a, st, 8, &name);
    out->created_us = db_col_int(st, 11);
    out->owner_gone = !db_col_is_null(st, 12) && !owner_is_active(a, st, 12, &name);
    return true;
}

bool provider_key_used(struct db *db, struct str id, int64_t now_us, struct err *err)
{
    return db_exec(db, provider_query(PROVIDER_KEY_USED), DB_ARGS(db_text(id), db_int(now_us)),
                   NULL, err);
}
