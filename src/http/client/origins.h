/* What the client knows of the origins with TLS that have answered it. */
#pragma once

#include "http/client/call.h"

#define HTTP_ORIGINS_MAX 16

struct http_origin {
    struct buf text;  /* scheme, host and port */
    bool multiplexes; /* HTTP/2 */
};

struct http_origins {
    struct http_origin items[HTTP_ORIGINS_MAX];
    size_t count, next;
};

/* NULL: nothing is known of the call's. */
const struct http_origin *origins_find(const struct http_origins *o, const struct http_call *call);
/* What its answer shows. The oldest one is forgotten when there are many. */
void origins_learn(struct http_origins *o, const struct http_call *call);
void origins_done(struct http_origins *o);
