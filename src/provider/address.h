/* Where clients reach the service provider: what the service last said when it began to listen, for
 * commands that show the base URLs of tenants. */
#pragma once

#include "db/db.h"

/* "https://scim.example.com:8443", without a path. Writes only what differs. */
MUST_USE bool provider_address_save(struct db *db, struct str url, struct err *err);
/* Empty when no service has listened yet. */
MUST_USE bool provider_address_load(struct db *db, struct arena *a, struct str *out,
                                    struct err *err);
