/* A server with a few routes, and a client that writes and reads bytes. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "frame/frame.h"
#include "http/server.h"

#include <pthread.h>

#define ECHO_MAX 1000 /* bytes of body that /echo takes */

/* Routes:
 * - GET HEAD /hello: "hello"
 * - POST PUT /echo: the body back, at most ECHO_MAX bytes
 * - POST /big: the length of the body, up to 4 MiB
 * - GET /worker: "worker", from the pool
 * - GET /quick: "?quick": "quick", from the loop; "?held": like /held; else "slow QUERY", from the
 *   pool
 * - GET OPTIONS /seen: method, query, joined X-Test header, peer
 * - GET POST HEAD /held: answered by the test, which takes the exchange with fixture_held()
 * - POST /closed: refused by admit with 401
 * - GET POST /own: its refusals are JSON
 * - GET /below/...: "below"; but POST /below/... is another route: "posted"
 * - GET /twins/...: "below"; but /twins/a and /twins/b: "hello", and POST /twins/a: "posted" */
struct fixture {
    struct http_server *server;
    struct http_route *routes;
    uint16_t port;
    pthread_mutex_t lock; /* guards the rest */
    pthread_cond_t changed;
    struct http_exchange *held[8];
    size_t held_count;
    unsigned admitted;
};

void fixture_start(struct fixture *f,
                   struct http_server_config config); /* address and routes are filled in */
void fixture_stop(struct fixture *f);
/* Waits for a request to /held and gives it to the caller, which must answer it. */
struct http_exchange *fixture_held(struct fixture *f);
bool fixture_has_held(struct fixture *f); /* without waiting */
/* Waits until the counter reads `want`. */
void fixture_wait_open(struct fixture *f, uint64_t want);

/* Sockets; reading waits for at most 10 s and then fails the test. */
int raw_connect(uint16_t port);
bool raw_try_connect(uint16_t port, int *out_fd);
void raw_send(int fd, struct str bytes);
void raw_send_z(int fd, const char *text);

struct raw_answer {
    int status;
    struct str head; /* with the status line */
    struct str body; /* by Content-Length, or chunks put together */
    bool closes;     /* Connection: close */
};
struct raw_reader {
    int fd;
    struct buf got;
    size_t used;
    struct arena *arena;
};
void raw_reader_init(struct raw_reader *r, int fd);
void raw_reader_done(struct raw_reader *r); /* closes the socket too */
void raw_read(struct raw_reader *r, enum http_method method, struct raw_answer *out);
bool raw_read_some(struct raw_reader *r); /* false at the end of the connection */
bool raw_at_end(
    struct raw_reader *r); /* waits for the peer to close; false if bytes come instead */
struct str raw_header(const struct raw_answer *a, const char *name); /* empty if absent */

/* A request on a connection of its own. */
void raw_ask(uint16_t port, const char *request, struct raw_answer *out, struct raw_reader *r);
