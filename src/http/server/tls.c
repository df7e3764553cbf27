#include "http/server/internal.h"

#include <openssl/err.h>

/* scim.md 11.6: the suites of TLS 1.2, best first. */
static const char suites[] = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
                             "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384:"
                             "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
                             "ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES256-SHA384:"
                             "ECDHE-RSA-AES128-SHA256:ECDHE-RSA-AES256-SHA384";

static const char *openssl_reason(void)
{
    unsigned long code = ERR_get_error();
    const char *reason = code ? ERR_reason_error_string(code) : NULL;

    ERR_clear_error();
    return reason ? reason : "it cannot be read";
}

static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                           const unsigned char *in, unsigned in_len, void *ctx)
{
    static const unsigned char ours[] = "\x08http/1.1";

    (void)ssl;
    (void)ctx;
    unsigned char *chosen;
    int found = SSL_select_next_proto(&chosen, out_len, ours, sizeof(ours) - 1, in, in_len);
    *out = chosen;
    return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

static bool load(SSL_CTX *ctx, const char *cert, const char *key, struct err *err)
{
    if (!key) {
        return err_set(err, ERR_INVALID, "badCertificate",
                       "a certificate is given without its private key");
    }
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(ctx, cert) != 1) {
        return err_set(err, ERR_INVALID, "badCertificate", "certificate '%s': %s", cert,
                       openssl_reason());
    }
    if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1) {
        return err_set(err, ERR_INVALID, "badCertificate", "private key '%s': %s", key,
                       openssl_reason());
    }
    if (SSL_CTX_check_private_key(ctx) != 1) {
        return err_set(err, ERR_INVALID, "badCertificate",
                       "the private key '%s' does not belong to the certificate '%s'", key, cert);
    }
    return true;
}

bool tls_context_new(const char *cert, const char *key, SSL_CTX **out, struct err *err)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

    if (!ctx)
        return err_set(err, ERR_INTERNAL, "tlsFailed", "cannot set up TLS: %s", openssl_reason());
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_cipher_list(ctx, suites);
    SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
    if (!load(ctx, cert, key, err)) {
        SSL_CTX_free(ctx);
        return false;
    }
    *out = ctx;
    return true;
}

enum tls_result tls_accept(struct connection *c)
{
    ERR_clear_error();
    int n = SSL_accept(c->ssl);
    if (n == 1)
        return TLS_DONE;
    switch (SSL_get_error(c->ssl, n)) {
    case SSL_ERROR_WANT_READ:
        connection_want_write(c, false);
        return TLS_AGAIN;
    case SSL_ERROR_WANT_WRITE:
        connection_want_write(c, true);
        return TLS_AGAIN;
    default:
        return TLS_BROKEN;
    }
}

enum tls_result tls_read(struct connection *c, char *p, size_t n, size_t *out_n)
{
    ERR_clear_error();
    if (SSL_read_ex(c->ssl, p, n, out_n) == 1)
        return TLS_DONE;
    switch (SSL_get_error(c->ssl, 0)) {
    case SSL_ERROR_WANT_READ:
        return TLS_AGAIN;
    case SSL_ERROR_WANT_WRITE:
        c->read_wants_write = true;
        connection_want_write(c, true);
        return TLS_AGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return TLS_EOF;
    default:
        return TLS_BROKEN;
    }
}

enum tls_result tls_write(struct connection *c, const char *p, size_t n, size_t *out_n)
{
    ERR_clear_error();
    c->write_wants_read = false;
    if (SSL_write_ex(c->ssl, p, n, out_n) == 1)
        return TLS_DONE;
    switch (SSL_get_error(c->ssl, 0)) {
    case SSL_ERROR_WANT_READ:
        c->write_wants_read = true;
        return TLS_AGAIN;
    case SSL_ERROR_WANT_WRITE:
        return TLS_AGAIN;
    default:
        return TLS_BROKEN;
    }
}
