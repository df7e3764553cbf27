/* What the options of `usher app add` and `app set` say of how the application is opened: a bearer
 * token, a user with password, or an OAuth 2.0 client (scim.md 13). */
#pragma once

#include "cli/wire.h"

enum { CLI_CREDENTIAL_SETTINGS = 6 };

struct cli_credential {
    struct secret secret;
    bool has_secret;
    struct engine_setting settings[CLI_CREDENTIAL_SETTINGS]; /* client.auth... */
    size_t count;
};

/* "-" reads the first line of standard input. A new application has to have a secret, which may be
 * the token of the environment or of the configuration file, too. ERR_INVALID "usage". */
enum cli_credential_of { CLI_CREDENTIAL_NEW, CLI_CREDENTIAL_CHANGED };
MUST_USE bool cli_credential_read(const struct cli_args *args, enum cli_credential_of of,
                                  struct cli_credential *out, struct err *err);
/* Saves the settings in the transaction of the secret; the caller has tested them. */
MUST_USE bool cli_credential_save(struct cli *c, const struct job *job,
                                  const struct cli_credential *credential, struct err *err);
/* Saves the settings alone. */
MUST_USE bool cli_credential_apply(struct cli_wire *w, const struct job *job,
                                   const struct cli_credential *credential, struct err *err);
void cli_credential_done(struct cli_credential *credential); /* for CLEANUP */

#define CLI_CREDENTIAL_OPTIONS                                                    \
    {"--token", "T", "secret token; '-' reads it from standard input"},           \
        {"--basic-user", "U", "user of HTTP Basic"},                              \
        {"--password", "P", "its password; '-' reads it from standard input"},    \
        {"--oauth-token-url", "U", "where OAuth access tokens are fetched"},      \
        {"--client-id", "I", "the OAuth client"},                                 \
        {"--client-secret", "S", "its secret; '-' reads it from standard input"}, \
    {                                                                             \
        "--oauth-scope", "S", "scopes to ask for, blank-separated"                \
    }
