/* The world of fuzz_provider: a provider on a file in memory, its HTTP server and a client; a
 * tenant that is attacked ("fuzz") and one that must not notice ("other"). */
#pragma once

#include "base/buf.h"
#include "base/json.h"
#include "db/db.h"
#include "http/server.h"
#include "provider/access/key.h"
#include "provider/provider.h"

#define ANSWER_MAX (64u << 20)

struct world {
    char folder[64];
    char url[96];
    struct db_config config;
    struct db *db;
    struct provider *provider;
    struct http_server *server;
    char key[SECRET_MAX], other_key[SECRET_MAX];
    struct buf in;
    int fd;
    struct arena *texts;          /* for ever */
    struct str other, other_body; /* the account of "other", in texts */
    struct arena *names;          /* until the next reset: */
    struct str user, user2;       /* ids: ada and bob */
    struct str group, group2;     /* crew with ada; all with crew */
};

struct reply {
    int status;
    struct str head, body;
    struct json *json;
};

struct world *world_open(void); /* the only one; it goes at exit */
/* The tenant "fuzz" begins anew: two users, two groups. */
void world_reset(struct world *w);
/* Asks for `target` below the tenant's base URL, or for its "/changes". `headers`: whole lines.
 * Aborts when there is no answer or one that is not JSON. */
void world_ask(struct world *w, struct arena *a, const char *tenant, struct str method,
               struct str target, struct str headers, struct str body, struct reply *out);
struct str reply_header(const struct reply *r, const char *name); /* empty: not there */
