/* A provider behind a real HTTP server, and a client that talks to it over one connection. */
#pragma once

#include "base/json.h"
#include "base/secret.h"
#include "frame/frame.h"
#include "provider/access/key.h"
#include "provider/provider.h"
#include "provider/tenant.h"

#define BASE_TIME_US INT64_C(1764000000000000)

struct fixture {
    struct db *db;
    struct provider *provider;
    struct http_server *server;
    uint16_t port;
    char origin[64];   /* "http://127.0.0.1:PORT" */
    struct secret key; /* of the tenant made last */
    char key_id[PROVIDER_KEY_ID_MAX];
};

void fixture_start(struct fixture *f, const struct db_config *config);
/* The same, delivering to webhooks as it is said. */
void fixture_start_delivering(struct fixture *f, const struct db_config *config,
                              const struct provider_delivery *delivery);
void fixture_stop(struct fixture *f);
/* Adds a tenant with a key. */
void fixture_tenant(struct fixture *f, const char *kind, const char *name);
void fixture_key(struct fixture *f, struct str name); /* of a tenant that is there; as f->key */

struct client {
    int fd;
    struct buf in;
    uint16_t port;
};
void client_open(struct client *c, uint16_t port);
void client_close(struct client *c);

struct answer {
    int status;
    struct str head;
    struct str body;
    struct json *json; /* NULL when the body is none */
};
/* Sends the bytes of a request and reads the whole answer; texts live in a. */
void client_send(struct client *c, struct arena *a, enum http_method method, struct str request,
                 struct answer *out);
/* The same, but false when the server goes away before the whole answer is there. */
MUST_USE bool client_try(struct client *c, struct arena *a, enum http_method method,
                         struct str request, struct answer *out);
/* The text of a request with the fixture's key. */
struct str client_request(const struct fixture *f, struct arena *a, enum http_method method,
                          const char *path, const char *body);
/* A request with the fixture's key; path is below the origin, body may be NULL. */
void client_ask(struct client *c, const struct fixture *f, struct arena *a, enum http_method method,
                const char *path, const char *body, struct answer *out);
struct str answer_header(const struct answer *answer, struct str name); /* empty if absent */
