#include "base/secret.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/rng.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    FORMAT_VERSION =
        1, /* first byte of what is sealed: version, nonce, ciphertext with tag; base64 */
    NONCE_BYTES = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    TAG_BYTES = crypto_aead_xchacha20poly1305_ietf_ABYTES,
    OVERHEAD_BYTES = 1 + NONCE_BYTES + TAG_BYTES,
    OTHERS_MODE = S_IRWXG | S_IRWXO,
};
static_assert(sizeof(((struct secret_key *)0)->bytes) ==
                  crypto_aead_xchacha20poly1305_ietf_KEYBYTES,
              "a key is what the cipher takes");

/* Every function that uses libsodium needs it started; the random source sees to that. */
static void need_sodium(void)
{
    (void)rng_system();
}

bool secret_init(struct secret *s, struct str text, struct err *err)
{
    char *bytes;

    if (text.len > SECRET_MAX) {
        return err_set(err, ERR_LIMIT, "secretTooLong", "the secret is longer than %d bytes",
                       SECRET_MAX);
    }
    bytes = mem_alloc(text.len + 1);
    if (text.len > 0)
        memcpy(bytes, text.ptr, text.len);
    *s = (struct secret){bytes, text.len};
    return true;
}

void secret_done(struct secret *s)
{
    if (!s)
        return;
    if (s->bytes)
        sodium_memzero(s->bytes, s->len);
    free(s->bytes);
    *s = (struct secret){0};
}

bool secret_equal(const struct secret *a, const struct secret *b)
{
    if (a->len != b->len)
        return false;
    return a->len == 0 || sodium_memcmp(a->bytes, b->bytes, a->len) == 0;
}

struct str secret_reveal(const struct secret *s)
{
    return (struct str){s->bytes ? s->bytes : "", s->len};
}

struct str sha256_hex(struct str data, char *out)
{
    unsigned char digest[crypto_hash_sha256_BYTES];

    need_sodium();
    crypto_hash_sha256(digest, (const unsigned char *)data.ptr, data.len);
    sodium_bin2hex(out, SHA256_HEX_MAX, digest, sizeof(digest));
    return (struct str){out, SHA256_HEX_MAX - 1};
}

struct str hmac_sha256_hex(const struct secret *key, struct str data, char *out)
{
    crypto_auth_hmacsha256_state state;
    unsigned char mac[crypto_auth_hmacsha256_BYTES];

    need_sodium();
    crypto_auth_hmacsha256_init(&state, (const unsigned char *)key->bytes, key->len);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)data.ptr, data.len);
    crypto_auth_hmacsha256_final(&state, mac);
    sodium_memzero(&state, sizeof(state));
    sodium_bin2hex(out, SHA256_HEX_MAX, mac, sizeof(mac));
    return (struct str){out, SHA256_HEX_MAX - 1};
}

static_assert(sizeof(crypto_hash_sha256_state) <= sizeof(((struct sha256 *)0)->state) &&
                  _Alignof(crypto_hash_sha256_state) <= _Alignof(struct sha256),
              "there is room for libsodium's state");

static crypto_hash_sha256_state *state_of(struct sha256 *h)
{
    return (crypto_hash_sha256_state *)(void *)h->state;
}

void sha256_init(struct sha256 *h)
{
    need_sodium();
    crypto_hash_sha256_init(state_of(h));
}

void sha256_add(struct sha256 *h, struct str data)
{
    crypto_hash_sha256_update(state_of(h), (const unsigned char *)data.ptr, data.len);
}

struct str sha256_end(struct sha256 *h, char *out)
{
    unsigned char digest[crypto_hash_sha256_BYTES];

    crypto_hash_sha256_final(state_of(h), digest);
    sodium_bin2hex(out, SHA256_HEX_MAX, digest, sizeof(digest));
    return (struct str){out, SHA256_HEX_MAX - 1};
}

static_assert(crypto_shorthash_siphashx24_KEYBYTES == sizeof(struct secret_marker) &&
                  crypto_shorthash_siphashx24_BYTES == sizeof(struct secret_mark),
              "marks are what the hash makes");

void secret_marker_init(struct secret_marker *m)
{
    need_sodium();
    randombytes_buf(m->key, sizeof(m->key));
}

struct secret_mark secret_mark(const struct secret_marker *m, struct str secret)
{
    struct secret_mark mark;

    crypto_shorthash_siphashx24(mark.bytes, (const unsigned char *)secret.ptr, secret.len, m->key);
    return mark;
}

bool secret_mark_equal(const struct secret_mark *a, const struct secret_mark *b)
{
    return sodium_memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

static bool fail_key(struct err *err, const char *path, const char *what)
{
    char why[128];

    return err_set(err, ERR_INTERNAL, "keyFile", "cannot %s the key file '%s': %s", what, path,
                   strerror_r(errno, why, sizeof(why)));
}

/* The file appears complete or not at all, and never in place of another one: whoever of two
 * processes comes second takes the key of the first. */
static bool make_key_file(const char *path, struct err *err)
{
    CLEANUP(secret_key_done) struct secret_key key;
    struct err inner;

    randombytes_buf(key.bytes, sizeof(key.bytes));
    if (file_create(path, (struct str){(const char *)key.bytes, sizeof(key.bytes)}, 0600, &inner) ||
        inner.kind == ERR_CONFLICT)
        return true;
    return err_set(err, ERR_INTERNAL, "keyFile", "%s (the key file)", inner.message);
}

static bool read_key(int fd, const char *path, struct secret_key *out, struct err *err)
{
    unsigned char bytes[sizeof(out->bytes) + 1];
    struct stat st;
    ssize_t n;

    if (fstat(fd, &st) != 0)
        return fail_key(err, path, "read");
    if (!S_ISREG(st.st_mode)) {
        return err_set(err, ERR_INTERNAL, "keyFile", "the key file '%s' is not a regular file",
                       path);
    }
    if (st.st_mode & OTHERS_MODE) {
        return err_set(err, ERR_DENIED, "keyFileMode",
                       "the key file '%s' has mode %04o, so others may use it: run chmod 600 '%s'",
                       path, (unsigned)st.st_mode & 07777, path);
    }
    n = read(fd, bytes, sizeof(bytes));
    if (n < 0)
        return fail_key(err, path, "read");
    if ((size_t)n == sizeof(out->bytes))
        memcpy(out->bytes, bytes, sizeof(out->bytes));
    sodium_memzero(bytes, sizeof(bytes));
    if ((size_t)n != sizeof(out->bytes)) {
        return err_set(err, ERR_INTERNAL, "keyFile",
                       "the key file '%s' must hold exactly %zu bytes", path, sizeof(out->bytes));
    }
    return true;
}

bool secret_key_load(const char *path, struct secret_key *out, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool loaded;

    need_sodium();
    if (fd < 0 && errno == ENOENT) {
        if (!make_key_file(path, err))
            return false;
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    }
    if (fd < 0)
        return fail_key(err, path, "read");
    loaded = read_key(fd, path, out, err);
    close(fd);
    return loaded;
}

void secret_key_done(struct secret_key *k)
{
    if (k)
        sodium_memzero(k->bytes, sizeof(k->bytes));
}

void secret_seal(const struct secret_key *k, struct str plain, struct str bound, struct buf *out)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    size_t size = OVERHEAD_BYTES + plain.len;
    size_t text_size = sodium_base64_ENCODED_LEN(size, sodium_base64_VARIANT_ORIGINAL);
    unsigned char *sealed = arena_alloc(a, size);
    char *text = arena_alloc(a, text_size);

    need_sodium();
    sealed[0] = FORMAT_VERSION;
    randombytes_buf(sealed + 1, NONCE_BYTES);
    crypto_aead_xchacha20poly1305_ietf_encrypt(
        sealed + 1 + NONCE_BYTES, NULL, (const unsigned char *)plain.ptr, plain.len,
        (const unsigned char *)bound.ptr, bound.len, NULL, sealed + 1, k->bytes);
    sodium_bin2base64(text, text_size, sealed, size, sodium_base64_VARIANT_ORIGINAL);
    buf_init(out, text_size);
    buf_add_z(out, text);
}

bool secret_open(const struct secret_key *k, struct str sealed, struct str bound,
                 struct secret *out, struct err *err)
{
    unsigned char bytes[OVERHEAD_BYTES + SECRET_MAX];
    unsigned char plain[SECRET_MAX];
    unsigned long long plain_len = 0;
    size_t size = 0;
    bool opened;

    need_sodium();
    if (sealed.len == 0 ||
        sodium_base642bin(bytes, sizeof(bytes), sealed.ptr, sealed.len, NULL, &size, NULL,
                          sodium_base64_VARIANT_ORIGINAL) != 0 ||
        size < OVERHEAD_BYTES || bytes[0] != FORMAT_VERSION ||
        crypto_aead_xchacha20poly1305_ietf_decrypt(
            plain, &plain_len, NULL, bytes + 1 + NONCE_BYTES, size - 1 - NONCE_BYTES,
            (const unsigned char *)bound.ptr, bound.len, bytes + 1, k->bytes) != 0) {
        return err_set(err, ERR_INTERNAL, "secretUnreadable",
                       "a stored secret cannot be read: it was sealed with another key or altered");
    }
    opened = secret_init(out, (struct str){(const char *)plain, (size_t)plain_len}, err);
    sodium_memzero(plain, sizeof(plain));
    return opened;
}
