/* A receiver of webhooks that refuses, is away, and remembers what it took. */
#pragma once

#include "fixture.h"

#include <pthread.h>

struct receiver {
    struct http_server *server;
    struct http_route route;
    struct secret secret;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t heard;
    struct arena *arena;
    struct json *changes;    /* all that were taken, as they came */
    struct json *others;     /* bodies of other kinds */
    size_t requests, refuse; /* how many are answered 503 */
    size_t largest;          /* changes of one body */
    struct str poison[16];   /* ids of which it takes nothing: 422 */
    size_t poison_count;
    int status; /* 0: as above; else the answer to everything */
    bool forged;
};
void receiver_init(struct receiver *r);
/* On a port of its own when that is 0. */
void receiver_start(struct receiver *r, uint16_t port);
void receiver_done(struct receiver *r);

size_t receiver_requests(struct receiver *r); /* up to now */

enum what { CHANGES, OTHERS, REQUESTS };
/* Until so many came; fails after half a minute. */
void wait_for(struct receiver *r, enum what what, size_t count);
/* A tenant of the kind generic with a webhook to the receiver, and a key. */
void hook_tenant(struct fixture *f, struct receiver *r, const struct secret_key *sealing,
                 const char *name, unsigned events);
