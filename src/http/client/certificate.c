#include "http/client/certificate.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

bool certificate_check_ca(const char *path, struct err *err)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    if (!ctx)
        return err_set(err, ERR_INTERNAL, "tlsFailed", "cannot set up TLS");
    bool ok = SSL_CTX_load_verify_locations(ctx, path, NULL) == 1;
    SSL_CTX_free(ctx);
    ERR_clear_error();
    if (!ok) {
        return err_set(err, ERR_INVALID, "badCertificate",
                       "there is no certificate that can be read in '%s'", path);
    }
    return true;
}

bool certificate_check_own(const char *cert_file, const char *key_file, struct err *err)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    if (!ctx)
        return err_set(err, ERR_INTERNAL, "tlsFailed", "cannot set up TLS");
    if (!key_file)
        key_file = cert_file;
    bool cert = SSL_CTX_use_certificate_chain_file(ctx, cert_file) == 1;
    bool key = cert && SSL_CTX_use_PrivateKey_file(ctx, key_file, SSL_FILETYPE_PEM) == 1;
    SSL_CTX_free(ctx);
    ERR_clear_error();
    if (!cert) {
        return err_set(err, ERR_INVALID, "badCertificate",
                       "there is no certificate that can be read in '%s'", cert_file);
    }
    if (!key) {
        return err_set(err, ERR_INVALID, "badCertificate",
                       "the key of '%s' cannot be read in '%s', or is another's", cert_file,
                       key_file);
    }
    return true;
}
