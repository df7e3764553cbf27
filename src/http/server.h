/* HTTP/1.1 server: loop threads with a listening socket each, a worker pool for handlers that
 * block, hard limits and total deadlines, draining shutdown. Hostile bytes are parsed by llhttp in
 * strict mode; what it lets through and is ambiguous is refused (src/http/README.md lists the
 * refusals). TLS by OpenSSL. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum http_method {
    HTTP_GET,
    HTTP_HEAD,
    HTTP_POST,
    HTTP_PUT,
    HTTP_PATCH,
    HTTP_DELETE,
    HTTP_OPTIONS,
    HTTP_METHOD_COUNT
};
const char *http_method_name(enum http_method method);

struct http_exchange; /* one request and its answer */
struct http_server;

/* --- The request, valid until the answer is finished; all text belongs to the exchange's arena.
 * --- */
struct arena *http_arena(struct http_exchange *x);
enum http_method http_request_method(const struct http_exchange *x);
struct str
http_request_target(const struct http_exchange *x); /* as sent, "/scim/a/v2/Users?filter=..." */
struct str
http_request_path(const struct http_exchange *x); /* before the '?', still percent-encoded */
struct str http_request_query(const struct http_exchange *x); /* after the '?', or empty */
struct str
http_request_header(const struct http_exchange *x,
                    const char *name); /* any case; empty if absent; repeated ones joined by ", " */
struct str http_request_body(const struct http_exchange *x);
struct str http_request_peer(const struct http_exchange *x); /* address without port */
bool http_request_is_tls(const struct http_exchange *x);
/* What a route's admit leaves for its quick and handle; NULL at first. It belongs to the arena. */
void http_set_admission(struct http_exchange *x, void *admission);
void *http_admission(const struct http_exchange *x);

/* Closes the connection without an answer, in place of one: for a server that imitates a faulty
 * one. */
void http_drop(struct http_exchange *x);

/* --- The answer. Headers first, then exactly one of http_reply and http_stream_start. Any thread.
 * --- */
void http_reply_header(struct http_exchange *x, const char *name,
                       struct str value); /* no CR, LF: asserted */
/* Sends status and body (copied) and ends the exchange; x is invalid afterwards. Content-Length,
 * Date and Connection are the server's. content_type may be NULL when the body is empty. */
void http_reply(struct http_exchange *x, int status, const char *content_type, struct str body);
/* Streams, e.g. server-sent events: chunked. Each write is copied and queued; false once the peer
 * is gone or too slow (queue over its cap) or the server stops: then only http_stream_end is left.
 * x is valid until http_stream_end, which must be called in any case. One thread at a time writes
 * to a stream. */
void http_stream_start(struct http_exchange *x, int status, const char *content_type);
MUST_USE bool http_stream_write(struct http_exchange *x, struct str data);
void http_stream_end(struct http_exchange *x);

/* --- Routes: a fixed table given at the start. --- */
enum http_run { HTTP_ON_LOOP, /* short, never blocks */ HTTP_ON_WORKER };

struct http_route {
    const char *
        path; /* "/healthz", or with a final "*" for everything below: a prefix; the longest wins */
    unsigned methods; /* bits 1u << HTTP_GET ...; others get 405 with Allow. Several routes may have
                       * the same path and different methods */
    size_t max_body;  /* bytes; over it 413 before reading */
    enum http_run run;
    /* Before the body is read and before 100 Continue: false when it has answered itself (401,
     * 404...). May be NULL. Always on the loop thread: must not block. */
    bool (*admit)(struct http_exchange *x, void *ctx);
    /* With HTTP_ON_WORKER, for requests that need no waiting: called on the loop thread before a
     * worker is asked, which saves two changes of thread. True when it has taken the request, which
     * then leads to an answer as with handle; false, with x as it was, leaves it to a worker. Must
     * not block. May be NULL. */
    bool (*quick)(struct http_exchange *x, void *ctx);
    void (*handle)(struct http_exchange *x,
                   void *ctx); /* must lead to an answer, at once or later */
    /* Writes an error answer in the route's own form for refusals of the HTTP layer (405, 413, 415,
     * 503...). NULL: plain text. */
    void (*refuse)(struct http_exchange *x, int status, const char *reason, void *ctx);
    void *ctx;
};

struct http_limits {          /* 0: the default */
    size_t max_head;          /* bytes of request line and headers; 16 KiB */
    unsigned max_connections; /* 10,000 */
    unsigned max_per_peer;    /* 1,000 */
    size_t max_held; /* bytes of bodies, answers and requests sent ahead that are kept together; 128
                        MiB. Beyond, those end that keep the server waiting the longest */
    unsigned max_requests; /* on one connection; 100,000 */
    int64_t head_ms;       /* total time for the head; 10,000 */
    int64_t body_min_rate; /* bytes a second over the whole body, after body_grace_ms; 1,000 */
    int64_t body_grace_ms; /* 10,000 */
    int64_t idle_ms;       /* between requests; 60,000 */
    int64_t reply_ms;      /* total time to take the answer; 60,000 */
    int64_t drain_ms;      /* grace when stopping; 10,000 */
    int64_t
        heartbeat_ms; /* a stream of text/event-stream gets a comment after this silence; 15,000 */
    size_t max_stream_queue; /* bytes that a stream's reader may lag behind; 1 MiB */
};

struct http_server_config {
    const char *address;  /* "127.0.0.1" */
    uint16_t port;        /* 0: any free one */
    unsigned loops;       /* threads; 0: 1 */
    unsigned workers;     /* threads; 0: 4 */
    const char *tls_cert; /* PEM files; NULL: plain HTTP */
    const char *tls_key;
    const struct http_route *routes;
    size_t route_count;
    struct http_limits limits;
};

/* Binds, starts the threads and returns. ERR_INVALID "addressInUse", "badAddress",
 * "badCertificate"; ERR_DENIED "addressDenied" (a port that needs privileges). The routes are
 * borrowed until the server is freed. SIGPIPE is ignored in the whole process from here on. */
MUST_USE bool http_server_start(const struct http_server_config *config, struct http_server **out,
                                struct err *err);
uint16_t http_server_port(const struct http_server *s);
/* Drains and ends: stops accepting, ends streams, answers what is in flight with Connection: close,
 * new work on open connections gets 503, then frees all. Blocks for at most drain_ms: a handler
 * that has not answered by then loses its connection, and its late answer is dropped safely. NULL
 * is fine. */
void http_server_stop(struct http_server *s);

struct http_counters {
    uint64_t connections, requests, refused, replies_5xx;
    uint64_t crowded_out; /* ended to make room for others */
    uint64_t open_now;
    uint64_t held; /* bytes: http_limits.max_held */
};
void http_server_counters(const struct http_server *s, struct http_counters *out);
