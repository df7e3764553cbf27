#include "provider/lists/cursor.h"

#include <sodium.h>
#include <string.h>

#define NONCE crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG   crypto_aead_xchacha20poly1305_ietf_ABYTES

static_assert(CURSOR_KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "key size");

/* In the clear text: three numbers of 8 bytes, the id with its NUL, the key. */
#define NUMBERS   3
#define HEAD      ((size_t)NUMBERS * 8 + UUID_TEXT_MAX)
#define TEXT_KIND sodium_base64_VARIANT_URLSAFE_NO_PADDING

static_assert((NONCE + HEAD + SCIM_SORT_KEY_MAX + TAG) * 4 / 3 + 4 < CURSOR_TEXT_MAX, "fits");

/* --- The key --- */

static bool find_key(struct db *db, bool *found, unsigned char *out, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct str hex;
    size_t len;

    if (!db_select_one(db, provider_query(PROVIDER_SECRET), DB_ARGS(db_text(STR("cursor"))), &st,
                       err))
        return false;
    *found = st != NULL;
    if (!st)
        return true;
    hex = db_col_text(st, 0);
    return (sodium_hex2bin(out, CURSOR_KEY_BYTES, hex.ptr, hex.len, NULL, &len, NULL) == 0 &&
            len == CURSOR_KEY_BYTES) ||
           err_set(err, ERR_INTERNAL, "cursorKey", "the cursor key in the database is not one");
}

bool cursor_key_load(struct db *db, struct rng *rng, unsigned char *out, struct err *err)
{
    char hex[CURSOR_KEY_BYTES * 2 + 1];
    bool found = false;
    bool ok;

    if (!find_key(db, &found, out, err) || found)
        return found;
    rng->fill(rng, out, CURSOR_KEY_BYTES);
    sodium_bin2hex(hex, sizeof(hex), out, CURSOR_KEY_BYTES);
    ok = db_exec(db, provider_query(PROVIDER_SECRET_ADD),
                 DB_ARGS(db_text(STR("cursor")), db_text(str_from_z(hex))), NULL, err) &&
         find_key(db, &found, out, err); /* another process may have been first */
    sodium_memzero(hex, sizeof(hex));
    return ok && (found || err_set(err, ERR_INTERNAL, "cursorKey", "no cursor key was kept"));
}

/* --- The text --- */

static void put_number(unsigned char *to, int64_t n)
{
    for (size_t i = 0; i < 8; i++)
        to[i] = (unsigned char)((uint64_t)n >> (56 - 8 * i));
}

static int64_t get_number(const unsigned char *from)
{
    uint64_t n = 0;

    for (size_t i = 0; i < 8; i++)
        n = n << 8 | from[i];
    return (int64_t)n;
}

struct str cursor_write(struct arena *a, const unsigned char *key, struct rng *rng,
                        struct str bound, const struct cursor *c)
{
    size_t len = HEAD + c->after.key.len, sealed_len = NONCE + len + TAG;
    unsigned char *plain = arena_alloc(a, len);
    unsigned char *sealed = arena_alloc(a, sealed_len);
    size_t text_len = sodium_base64_encoded_len(sealed_len, TEXT_KIND); /* with the NUL */
    char *text = arena_alloc(a, text_len);

    put_number(plain, c->made_us);
    put_number(plain + 8, c->count);
    put_number(plain + 16, c->after.created_us);
    memcpy(plain + 24, c->after.id, UUID_TEXT_MAX);
    if (c->after.key.len > 0)
        memcpy(plain + HEAD, c->after.key.ptr, c->after.key.len);
    rng->fill(rng, sealed, NONCE);
    crypto_aead_xchacha20poly1305_ietf_encrypt(sealed + NONCE, NULL, plain, len,
                                               (const unsigned char *)bound.ptr, bound.len, NULL,
                                               sealed, key);
    sodium_bin2base64(text, text_len, sealed, sealed_len, TEXT_KIND);
    return (struct str){text, text_len - 1};
}

static bool invalid(struct err *err)
{
    return err_set(err, ERR_INVALID, "invalidCursor", "the cursor does not belong to this list");
}

bool cursor_read(struct arena *a, const unsigned char *key, struct str bound, struct str text,
                 int64_t oldest_us, struct cursor *out, struct err *err)
{
    unsigned char *sealed, *plain;
    size_t sealed_len, len;

    if (text.len > CURSOR_TEXT_MAX)
        return invalid(err);
    sealed = arena_alloc(a, CURSOR_TEXT_MAX);
    plain = arena_alloc(a, CURSOR_TEXT_MAX);
    if (sodium_base642bin(sealed, CURSOR_TEXT_MAX, text.ptr, text.len, NULL, &sealed_len, NULL,
                          TEXT_KIND) != 0 ||
        sealed_len < NONCE + HEAD + TAG)
        return invalid(err);
    len = sealed_len - NONCE - TAG;
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(plain, NULL, NULL, sealed + NONCE, len + TAG,
                                                   (const unsigned char *)bound.ptr, bound.len,
                                                   sealed, key) != 0)
        return invalid(err);
    *out = (struct cursor){.made_us = get_number(plain),
                           .count = get_number(plain + 8),
                           .after.created_us = get_number(plain + 16),
                           .after.key = {(const char *)plain + HEAD, len - HEAD}};
    memcpy(out->after.id, plain + 24, UUID_TEXT_MAX);
    if (out->made_us < oldest_us)
        return err_set(err, ERR_INVALID, "expiredCursor", "the cursor is too old: start again");
    return true;
}
