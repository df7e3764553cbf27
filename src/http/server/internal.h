/* What the files of the server share: the server, its loops, their connections and exchanges, and
 * who may touch what.
 *
 *   server      N loops and a worker pool; lives until the last exchange is answered
 *   loop        one thread with one event_base and one listening socket; owns its connections
 *   connection  a socket, its parser and its deadline; touched by its loop's thread only
 *   exchange    one request and its answer; goes from the loop to a handler on any thread and comes
 * back through the loop's `posted` list
 *
 * An exchange outlives its connection when the peer leaves before the handler answers. */
#pragma once

#include "base/clock.h"
#include "http/llhttp.h"
#include "http/server.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

#define HTTP_HEADERS_MAX 128         /* header lines of one request */
#define HTTP_READ_MAX    (64 * 1024) /* bytes taken from a socket at once */
#define HTTP_PENDING_MAX (64 * 1024) /* bytes of pipelined requests kept while one is answered */
#define HTTP_KEEP_MAX    (64 * 1024) /* a buffer larger than this is not kept for reuse */
#define HTTP_DISCARD_MAX \
    (64 * 1024) /* a body that is not wanted is read up to here to keep the connection */
#define HTTP_REPLY_MAX         (1024UL << 20) /* bytes of one answer */
#define HTTP_REPLY_HEADERS_MAX (256 * 1024)   /* bytes of header lines of one answer */
#define HTTP_LINGER_MS         1000           /* time for a refused peer to take the refusal */
#define HTTP_PEER_MAX          INET6_ADDRSTRLEN
#define HTTP_FREE_MAX          128 /* exchanges and connections kept for reuse in a loop */
#define HTTP_NEVER             INT64_MAX

struct connection;

enum answer_state {
    ANSWER_NONE,
    ANSWER_REPLIED,   /* out holds the whole answer */
    ANSWER_STREAMING, /* between http_stream_start and http_stream_end */
    ANSWER_ENDED,     /* after http_stream_end */
};

struct header_place { /* offsets into http_exchange.head, which may move while it grows */
    uint32_t name, name_len, value, value_len;
};

struct http_exchange {
    struct http_loop *loop;
    struct connection *connection; /* loop thread only; NULL once the peer is gone */
    struct http_exchange *next;    /* in the one list it is in: free, posted or worker queue */
    const struct http_route *route;
    struct arena *arena;

    /* The request: written by the loop, read by the handler. */
    enum http_method method;
    bool is_tls;
    bool http_1_0;
    char peer[HTTP_PEER_MAX];
    struct buf target;
    struct str path, query;
    struct buf head; /* names and values, back to back */
    struct header_place headers[HTTP_HEADERS_MAX];
    size_t header_count;
    struct buf body;
    void *admission; /* the route's */

    /* The answer: written by the handler; read by the loop once posted. */
    struct buf reply_headers;
    struct buf out; /* bytes for the peer */
    int status;
    bool close;  /* the connection ends after this answer */
    bool events; /* the stream is text/event-stream */

    size_t held;   /* what memory.c has counted for it */
    bool returned; /* loop thread only: no handler has it */

    /* Guarded by loop->lock. */
    enum answer_state state;
    bool posted;      /* in loop->posted */
    bool gone;        /* a stream whose peer cannot take more */
    struct buf queue; /* of a stream: framed and not yet taken by the loop */
    size_t unsent;    /* of a stream: taken by the loop and not yet sent */
};

enum connection_state {
    CONNECTION_HANDSHAKE, /* TLS */
    CONNECTION_IDLE,      /* no byte of the next request yet */
    CONNECTION_HEAD,
    CONNECTION_BODY,
    CONNECTION_HANDLING, /* the handler has the exchange */
    CONNECTION_REPLYING, /* the answer is being written */
    CONNECTION_STREAMING,
    CONNECTION_LINGER, /* answered and half-closed; the rest of what the peer sends is thrown away
                        */
    CONNECTION_CLOSED, /* to be released before the event's callback returns */
};

struct connection {
    struct http_loop *loop;
    struct connection *prev, *next; /* of the loop */
    enum connection_state state;
    uint64_t state_began; /* in the order of the loop's changes of state */
    int fd;
    SSL *ssl; /* NULL: plain */
    struct event read_event, write_event, timer;
    bool reading, writing; /* the event is added */
    bool peer_eof;
    bool stopping;         /* its stream ends because the server does */
    bool read_wants_write; /* TLS */
    bool write_wants_read; /* TLS */
    char peer[HTTP_PEER_MAX];
    struct in6_addr peer_key;
    unsigned requests;

    llhttp_t parser;
    struct http_exchange *x; /* from the first byte of a request to the last of its answer */
    struct buf pending;      /* read and not yet parsed */
    size_t held;             /* ... of which memory.c has counted so much */
    size_t out_at;           /* bytes of x->out that are sent */

    /* Of the request being read. */
    size_t head_bytes;
    char last_byte; /* for the check of line ends across reads */
    char start[32];
    size_t start_len;
    bool url_done, value_seen, head_done, trailers;
    bool message_done;  /* the whole request is read */
    bool discard;       /* the body is thrown away: answered already */
    bool expects;       /* 100-continue */
    size_t extra_bytes; /* of chunk extensions and trailers */
    size_t body_bytes;
    int refusal; /* set by a parser callback: the status to refuse with */
    const char *refusal_reason;
    int64_t body_started_us;

    int64_t deadline_us; /* HTTP_NEVER: none */
    int64_t timer_us;    /* when the timer fires; HTTP_NEVER: not set */
};

struct http_loop {
    struct http_server *server;
    struct event_base *base;
    pthread_t handle; /* for joining */
    pthread_t thread; /* the same, set by the thread itself before it serves anyone */
    int listen_fd;
    struct event listen_event, listen_pause, wake_event, drain_timer;
    int wake_fd;

    /* The loop's thread only. */
    struct connection *connections;
    struct connection *oldest; /* the end of that list */
    struct connection *free_connections;
    struct http_exchange *free_exchanges;
    unsigned free_connection_count, free_exchange_count;
    struct http_exchange *current; /* whose admit, refuse or handle runs in this thread now */
    bool answered;                 /* it called http_reply */
    unsigned busy;                 /* connections with a request or an answer under way */
    unsigned in_flight;            /* handed to a handler and not back */
    uint64_t state_changes;
    bool draining;
    bool listening;
    char *input; /* HTTP_READ_MAX bytes */
    int64_t date_s;
    char date[32];

    pthread_mutex_t lock; /* guards the next three and the stream fields of its exchanges */
    struct http_exchange *posted_first, *posted_last;
    bool drain_asked;
    bool ended; /* the thread is over: what is posted is released on the spot */

    /* Written by the loop's thread, read by any. */
    atomic_uint_fast64_t connections_total, requests, refused, crowded_out, replies_5xx;
};

struct worker; /* worker.c */

struct worker_pool {
    struct worker *workers;
    unsigned started;
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t work, idle;
    struct http_exchange *first, *last;
    unsigned busy;
    bool stopping;
};

struct peer_table; /* connections by peer address; peers.c */

struct http_server {
    struct http_server_config config; /* limits filled in */
    const struct http_route **routes; /* longest path first */
    struct http_loop *loops;
    unsigned loop_count;
    unsigned loops_started;
    struct worker_pool workers;
    SSL_CTX *tls;
    uint16_t port;
    struct peer_table *peers;
    atomic_uint open_now;
    atomic_size_t held; /* bytes; memory.c */
    atomic_bool draining;
    atomic_uint refs; /* the owner, each worker, each exchange unanswered at the end */
};

/* server.c */
void server_unref(struct http_server *s);

/* listen.c */
MUST_USE bool listen_open(struct http_server *s, struct err *err);
void listen_start(struct http_loop *loop);
void listen_stop(struct http_loop *loop);

/* peers.c: any thread */
struct peer_table *peers_new(unsigned max_per_peer);
void peers_free(struct peer_table *t);
bool peers_enter(struct peer_table *t, const struct in6_addr *peer); /* false: too many */
void peers_leave(struct peer_table *t, const struct in6_addr *peer);

/* loop.c */
MUST_USE bool loop_init(struct http_loop *loop, struct http_server *s, struct err *err);
MUST_USE bool loop_start(struct http_loop *loop, struct err *err);
void loop_done(struct http_loop *loop);
void loop_drain(struct http_loop *loop); /* any thread: asks it to finish and end */
bool loop_is_here(const struct http_loop *loop,
                  const struct http_exchange *x); /* x's handler runs in this thread now */
/* loop->lock is held. Puts x on the posted list; true if the loop has to be woken. */
bool loop_post_locked(struct http_loop *loop, struct http_exchange *x);
void loop_wake(struct http_loop *loop);

/* connection.c: the loop's thread */
void connection_open(struct http_loop *loop, int fd, const struct sockaddr_storage *address);
void connection_close(struct connection *c);  /* at once; its memory goes when the callback ends */
void connection_settle(struct connection *c); /* ends each event's work: releases what is closed */
void connection_deadline(struct connection *c, int64_t at_us);
void connection_deadline_in(struct connection *c, int64_t ms);
void connection_want_read(struct connection *c, bool want);
void connection_want_write(struct connection *c, bool want);
void connection_set_state(struct connection *c, enum connection_state state);
void connection_free_all(struct http_loop *loop);

/* traffic.c: the loop's thread */
void connection_read(struct connection *c);       /* takes what the socket has */
void connection_drop_input(struct connection *c); /* ... and throws it away */
void connection_continue(struct connection *c);   /* writes what is left of the answer */
void connection_end_answer(
    struct connection *c); /* the answer is sent: the next request, or the end */
void connection_answered(struct connection *c,
                         struct http_exchange *x); /* x is to be written now */
void connection_resume(struct connection *c);      /* parses what is pending */
ptrdiff_t connection_send(struct connection *c, const char *p,
                          size_t n); /* sent; 0: would block; -1: broken */

/* places.c: the loop's thread */
void places_note_peer(struct connection *c, const struct sockaddr_storage *address);
/* Counts the connection; false, and not counted, when there is no place for it. */
bool places_enter(struct http_loop *loop, const struct connection *c);
void places_turn_away(struct http_loop *loop, int fd); /* closes fd */

/* parse.c: the loop's thread */
/* Gives bytes to the parser and acts on what is complete; returns how many were used. */
size_t parse_feed(struct connection *c, const char *p, size_t n);
void parse_timed_out(struct connection *c);
void parse_body_deadline(struct connection *c); /* from what has come of the body so far */

/* dispatch.c: from a complete head to the handler; the loop's thread */
void dispatch_head(struct connection *c);    /* checks, routes, admits */
void dispatch_request(struct connection *c); /* the body is there: calls the handler */
/* Answers with the route's own form of refusal, or plain text, and ends the connection if `close`.
 */
void dispatch_refuse(struct connection *c, int status, const char *reason, bool close);

/* request.c */
struct http_exchange *exchange_take(struct http_loop *loop);
void exchange_give_back(struct http_exchange *x); /* loop's thread */
void exchange_free(struct http_exchange *x);
void exchange_returned(struct http_exchange *x); /* its handler is done with it; loop's thread */
size_t exchange_header_count(const struct http_exchange *x, const char *name,
                             struct str *out_first);

/* reply.c */
const char *reply_status_text(int status);
void reply_head(struct http_exchange *x, int status,
                const char *content_type); /* up to the length or coding */
void reply_late(
    struct http_exchange *x); /* the loop has ended: x goes, with its hold on the server */

/* stream.c: the loop's thread */
void stream_flush(struct connection *c);
void stream_expire(struct connection *c); /* nothing sent for long */
void stream_stop(struct connection *c);   /* the server drains: sends what there is, then ends */

/* memory.c: the loop's thread. False when there is no place for so much. */
bool memory_hold_exchange(struct connection *c, size_t bytes); /* of c->x, all in all */
void memory_release_exchange(struct http_exchange *x);         /* any thread */
bool memory_hold_pending(struct connection *c);                /* after each change of c->pending */

/* tls.c */
MUST_USE bool tls_context_new(const char *cert, const char *key, SSL_CTX **out, struct err *err);
enum tls_result { TLS_DONE, TLS_AGAIN, TLS_EOF, TLS_BROKEN };
enum tls_result tls_accept(struct connection *c);
enum tls_result tls_read(struct connection *c, char *p, size_t n, size_t *out_n);
enum tls_result tls_write(struct connection *c, const char *p, size_t n, size_t *out_n);

/* route.c */
void route_sort(struct http_server *s);
/* The route of path for method. NULL: no such path (*out_allowed is 0) or none for the method, with
 * the methods that there are; *out_path is then a route of the path. */
const struct http_route *route_find(const struct http_server *s, struct str path, unsigned method,
                                    unsigned *out_allowed, const struct http_route **out_path);

/* worker.c */
MUST_USE bool worker_start(struct http_server *s, unsigned threads, struct err *err);
void worker_give(struct http_server *s, struct http_exchange *x);
/* Ends the threads; one whose handler runs beyond until_us (monotonic) is left to end by itself. */
void worker_stop(struct http_server *s, int64_t until_us);
void worker_init(struct worker_pool *pool);
void worker_done(struct worker_pool *pool);
