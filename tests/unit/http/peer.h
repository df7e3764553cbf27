/* A scripted HTTP server for the client's tests: each step is the answer to one request, one
 * connection at a time. What it saw is read after peer_stop. */
#pragma once

#include "base/buf.h"
#include "frame/frame.h"

#include <pthread.h>
#include <stdatomic.h>

struct peer_step {
    const char *reply; /* bytes as they are; NULL: none */
    bool close;        /* afterwards */
    bool stall;        /* waits for the client to go away afterwards */
};

struct peer {
    const struct peer_step *steps;
    size_t count;
    int listen_fd;
    uint16_t port;
    pthread_t thread;
    struct buf seen; /* all requests */
    atomic_uint requests, connections;
    char url[64]; /* "http://127.0.0.1:PORT/x" */
};

void peer_start(struct peer *p, const struct peer_step *steps, size_t count);
void peer_stop(struct peer *p); /* seen stays until peer_done */
void peer_done(struct peer *p);
