/* HTTP/1.1 of the client without libcurl's work for each request: libcurl opens the connection
 * (names, addresses, TLS, certificates), a lane writes requests to it and reads answers from it,
 * one at a time. Calls of an origin share its lanes; those for which there is none wait in line.
 * docs/decisions/0020-lanes.md says why. The client's thread only. */
#pragma once

#include "http/client/call.h"
#include "http/client/sockets.h"

struct http_lane;

struct http_lanes {
    const struct call_settings *settings;
    CURLM *multi;
    struct http_sockets *sockets;
    unsigned per_origin;            /* open at once */
    struct http_lane *all;          /* the one used last comes first */
    struct http_call *first, *last; /* waiting for a lane, in order */
    unsigned count, busy, waiting;  /* lanes; of those with a call; calls */
    unsigned elsewhere;             /* calls that libcurl has under way by itself */
    bool broken;                    /* some lane could not send */
    unsigned closed_in_row;         /* lanes closed when they were to carry a second request */
    unsigned single;                /* requests on lanes that were not kept because of it */
    int64_t due_us;                 /* no deadline passes before; INT64_MAX: there is none */
    char *input;                    /* what is read goes there */
    /* The call has its answer, or failed: call_finish is to be told code. Never from inside
     * lanes_send. */
    void (*ended)(void *ctx, struct http_call *call, CURLcode code);
    void *ctx;
};

void lanes_init(struct http_lanes *l); /* after its settings, multi, callbacks are filled in */
void lanes_done(struct http_lanes *l); /* closes all; what is under way is not told */
void lanes_send(struct http_lanes *l, struct http_call *call);
/* libcurl has opened the lane, or not. */
void lane_opened(struct http_lane *lane, CURLcode code);
/* Its socket has something, or can take something. */
void lane_ready(struct http_lane *lane, bool can_read, bool can_write);
/* Ends what is too late, when l->due_us has passed. */
void lanes_expire(struct http_lanes *l, int64_t now_us);
/* Ends what could not be sent, and serves who waits if there is room now: once a turn. */
void lanes_turn(struct http_lanes *l);
