/* The SCIM 2.0 service provider: one base URL for each tenant, /scim/NAME/v2 (scim.md 1 to 9). Wire
 * it up by putting provider_routes() into the table of the HTTP server; stop the server before
 * closing. */
#pragma once

#include "base/clock.h"
#include "base/rng.h"
#include "base/secret.h"
#include "db/db.h"
#include "db/writer.h"
#include "http/server.h"

struct provider;

/* How changes are told to webhooks; delivered by a thread of the provider. */
struct provider_delivery {
    const struct secret_key *key; /* of their secrets; NULL: nothing is delivered */
    const char *ca_file;          /* PEM of a private authority; NULL */
    /* 0: the default. After a failure: 5 s, doubled up to 5 minutes. A claim outlives any attempt;
     * 20 s. */
    int64_t pause_us, claim_us;
};

struct provider_config {
    const struct db_config *db; /* a migrated database; borrowed while the provider is open */
    struct db_writer *writer;   /* writes go here; NULL: the provider opens its own */
    const struct clock *clock;  /* NULL: the system's */
    struct rng *rng;            /* for ids; any thread; NULL: the system's */
    const char *
        public_url; /* "https://scim.example.com", without trailing slash; NULL: from the request */
    struct provider_delivery delivery;
};

MUST_USE bool provider_open(const struct provider_config *config, struct provider **out,
                            struct err *err);
/* Finishes what is queued with its own writer. NULL is fine. */
void provider_close(struct provider *p);

/* The routes below /scim/. They belong to the provider. */
const struct http_route *provider_routes(struct provider *p, size_t *out_count);
