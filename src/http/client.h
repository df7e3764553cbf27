/* HTTP client: a pool of connections, opened by libcurl, driven by an event loop of its own that
 * the owner turns. Keep-alive, HTTP/2 where offered, total timeouts, limits on the answer, TLS
 * verification always on. One thread owns a client; hundreds of requests may be in flight.
 * Redirects are followed when a request says so, and never to another origin. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "http/server.h"

struct http_client;
struct http_call;

struct http_answer;
/* What a client tells of each request that has come to its end, before done. */
struct http_client_exchange {
    enum http_method method;
    struct str target; /* path and query */
    struct str body;
    struct str content_type; /* of the body */
    struct str head;         /* the request's header lines, each "name: value\n" */
    struct str answer_head;  /* the same of the answer */
    const struct http_answer *answer;
};
typedef void http_client_observer(void *ctx, const struct http_client_exchange *x);

struct http_client_config {        /* 0 or NULL: the default */
    unsigned max_connections;      /* to one host; 32 */
    int64_t timeout_ms;            /* total for a request; 60,000 */
    int64_t connect_timeout_ms;    /* 10,000 */
    int64_t silence_timeout_ms;    /* without a byte, rounded up to seconds; 60,000 */
    size_t max_answer;             /* bytes of body; 8 MiB */
    const char *ca_file;           /* PEM of a private CA beside the system's */
    const char *cert_file;         /* PEM of the client's own certificate, with its chain */
    const char *key_file;          /* PEM of its key; NULL: it is in cert_file */
    const char *user_agent;        /* "usher/VERSION"; "": none is sent */
    http_client_observer *observe; /* NULL: nobody is told */
    void *observe_ctx;
    bool deny_private; /* refuse loopback and private addresses too (scim.md 12) */
};

struct http_header {
    const char *name;
    struct str value;
};

enum http_failure {              /* how far a request came when there is no usable answer */
                    HTTP_OK = 0, /* there is an answer, whatever its status */
                    HTTP_BAD_URL,
                    HTTP_RESOLVE_FAILED,
                    HTTP_CONNECT_FAILED, /* refused or unreachable */
                    HTTP_TLS_FAILED,     /* certificate or handshake */
                    HTTP_TIMED_OUT,
                    HTTP_DROPPED,  /* connection ended before the answer was complete */
                    HTTP_NOT_HTTP, /* the bytes that came are not HTTP */
                    HTTP_TOO_LARGE,
                    HTTP_ADDRESS_REFUSED, /* the host's address is one that is never called (scim.md
                                             12, SSRF) */
                    HTTP_REDIRECT_REFUSED, /* to another origin, or once too often */
                    HTTP_FAILURE_COUNT,
};
const char *http_failure_name(enum http_failure failure); /* "timedOut"; static storage */

struct http_answer { /* valid during done() only */
    enum http_failure failure;
    int status; /* when failure is HTTP_OK */
    struct str body;
    struct str content_type;
    struct str etag;
    struct str location;
    struct str request_id;  /* x-request-id and its like, or empty */
    int64_t retry_after_ms; /* -1 when absent; both forms of Retry-After */
    int64_t duration_us;
    char reason[256]; /* of a failure, in words for people: "cannot resolve host 'x'" */
};

typedef void http_client_done(void *ctx, const struct http_answer *answer);

struct http_call_options {
    enum http_method method;
    struct str url;                    /* http or https only */
    const struct http_header *headers; /* copied */
    size_t header_count;
    struct str body;          /* copied */
    const char *content_type; /* with a body */
    int64_t timeout_ms;       /* 0: the client's; of each hop */
    unsigned max_redirects;   /* 301, 302, 303 of a GET or HEAD, 307, 308 of any method; 0: none */
};

/* ERR_INVALID "badCertificate" when ca_file cannot be used. Proxies of the environment are not
 * used: the address that is checked is the one that is called. SIGPIPE is ignored in the whole
 * process from here on. */
MUST_USE bool http_client_new(const struct http_client_config *config, struct http_client **out,
                              struct err *err);
void http_client_free(
    struct http_client *c); /* aborts what is in flight without calling done; NULL is fine */

/* Starts a request; done is called exactly once, from http_client_run on the owner's thread, never
 * from inside this call. A request may be started inside done. A kept-alive connection that turns
 * out dead is replaced and the request sent once more for GET, HEAD, OPTIONS, PUT and DELETE; POST
 * and PATCH are never sent twice. */
void http_client_send(struct http_client *c, const struct http_call_options *call,
                      http_client_done *done, void *ctx);
/* Turns the loop until at least one done was called or max_wait_ms went by (0: does not wait).
 * Returns how many were called. */
unsigned http_client_run(struct http_client *c, int64_t max_wait_ms);
unsigned http_client_in_flight(const struct http_client *c);
/* Makes a waiting http_client_run return soon. The one function that any thread may call. */
void http_client_wake(struct http_client *c);

/* Appends s percent-encoded as one component of a path or query (RFC 3986 unreserved characters
 * stay). */
void http_url_encode(struct buf *out, struct str s);
/* Decodes %XX and, if plus_is_space, '+'. False on a malformed sequence. The result is in a. */
MUST_USE bool http_url_decode(struct arena *a, struct str s, bool plus_is_space, struct str *out);
/* Parts of an absolute http(s) URL. ERR_INVALID "badUrl" says what is wrong with it. */
struct http_url {
    struct str scheme, host, path, query;
    uint16_t port; /* the scheme's default if not given */
};
MUST_USE bool http_url_parse(struct str text, struct http_url *out, struct err *err);
