/* What opens the application (scim.md 13): a bearer token or a user's password as they are, or
 * access tokens of OAuth 2.0 client credentials (RFC 6749, 4.4), fetched when there is none, when
 * one is about to end and once more when one is refused. Inside src/connector/scim. */
#pragma once

#include "connector/scim/call.h"

/* ERR_INVALID "badToken", "badCredentials". The secret is borrowed until free. */
MUST_USE bool scim_auth_new(struct scim_target *t, const struct job_settings *s,
                            const struct secret *secret, struct scim_auth **out, struct err *err);
void scim_auth_free(struct scim_auth *auth); /* clears it; NULL is fine */

/* Whether a request may go: otherwise a token is being fetched, and scim_send_waiting or
 * scim_send_fail is called when that has ended. */
bool scim_auth_ready(struct scim_auth *auth);
/* The name of the header that opens the application. */
const char *scim_auth_name(const struct scim_auth *auth);
/* The Authorization header; valid until the loop is turned again. *out_no: which token it is. */
struct str scim_auth_header(const struct scim_auth *auth, uint64_t *out_no);
/* Tokens end, so that a request may have to be sent once more. */
bool scim_auth_renews(const struct scim_auth *auth);
/* The token of that number was accepted. */
void scim_auth_accepted(struct scim_auth *auth, uint64_t no);
/* The token of that number was refused: it is not used again. True when it had been accepted
 * before, or is not the newest: then it has ended, and the next one may well be accepted. */
bool scim_auth_refused(struct scim_auth *auth, uint64_t no);
enum client_auth scim_auth_kind(const struct scim_auth *auth);
/* The last request for a token was refused. */
bool scim_auth_has_failed(const struct scim_auth *auth);
