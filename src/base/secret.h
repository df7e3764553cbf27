/* Secrets have their own type, which has no way into logs and JSON, compares in constant time and
 * clears its memory at its end. */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/str.h"

#define SECRET_MAX 4096 /* bytes; the longest bearer token that is accepted */

struct secret {
    char *bytes; /* NUL-terminated, own allocation */
    size_t len;
};

/* Copies. ERR_LIMIT "secretTooLong". */
MUST_USE bool secret_init(struct secret *s, struct str text, struct err *err);
void secret_done(struct secret *s); /* clears and frees; NULL is fine; for CLEANUP */
bool secret_equal(const struct secret *a, const struct secret *b);
/* For handing it to a library or into a request; the slice must not be kept. */
struct str secret_reveal(const struct secret *s);

#define SHA256_HEX_MAX 65
/* SHA-256 as lower-case hexadecimal, NUL-terminated. */
struct str sha256_hex(struct str data, char *out);
/* HMAC-SHA256 (RFC 2104) of data in the same form. */
struct str hmac_sha256_hex(const struct secret *key, struct str data, char *out);
/* The same of data that comes in pieces. The state is libsodium's, which no other header names. */
struct sha256 {
    _Alignas(16) unsigned char state[128];
};
void sha256_init(struct sha256 *h);
void sha256_add(struct sha256 *h, struct str data);
struct str sha256_end(struct sha256 *h, char *out); /* out: SHA256_HEX_MAX bytes */

/* A mark of a secret that has been checked before, so that this process knows it again at a small
 * part of the cost of SHA-256: SipHash-2-4 of 128 bits under a random key that only the process
 * has. Nobody else can make or use a mark. */
#define SECRET_MARK_BYTES 16
struct secret_marker {
    unsigned char key[16];
};
struct secret_mark {
    unsigned char bytes[SECRET_MARK_BYTES];
};
void secret_marker_init(struct secret_marker *m);
struct secret_mark secret_mark(const struct secret_marker *m, struct str secret);
bool secret_mark_equal(const struct secret_mark *a, const struct secret_mark *b);

/* The key that encrypts secrets at rest. */
struct secret_key {
    unsigned char bytes[32];
};
/* From a file of 32 bytes and mode 0600, which is made when absent (its directory is not).
 * ERR_INTERNAL "keyFile" when it cannot be read or made, ERR_DENIED "keyFileMode" when others may
 * read it. */
MUST_USE bool secret_key_load(const char *path, struct secret_key *out, struct err *err);
void secret_key_done(struct secret_key *k);
/* XChaCha20-Poly1305 with a random nonce; `bound` (the record's id) is authenticated with it.
 * The result is base64 text in out, which is initialised here and freed by the caller with
 * buf_done. */
struct buf;
void secret_seal(const struct secret_key *k, struct str plain, struct str bound, struct buf *out);
/* ERR_INTERNAL "secretUnreadable": another key, another record, or altered text. */
MUST_USE bool secret_open(const struct secret_key *k, struct str sealed, struct str bound,
                          struct secret *out, struct err *err);
