/* Which addresses the client never calls (scim.md 12, server-side request forgery). The check is
 * made on the address of the connection, after resolving, so that no name can hide it. */
#pragma once

#include "base/compiler.h"

struct sockaddr;

/* NULL when it may be called, otherwise what it is: "link-local". Static storage. */
const char *http_address_refused(const struct sockaddr *address, bool deny_private);
