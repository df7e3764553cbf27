/* One request of the client: its easy handle, its texts, its answer. client.c turns the loop;
 * call.c prepares and reads a request; failure.c says what went wrong. The client's thread only. */
#pragma once

#include "http/client.h"

#include <curl/curl.h>

struct text_place { /* a slice of a buffer that may still move; len 0: absent */
    size_t at, len;
};

/* What libcurl gives back of a transfer that has ended: CURLOPT_PRIVATE. */
struct curl_owner {
    bool is_lane; /* a struct http_lane (lane.h), else a struct http_call */
};

struct http_call {
    struct curl_owner owner; /* first */
    const struct call_settings *settings;
    struct http_call *next;     /* in the free or the finished list */
    struct http_call *next_all; /* every call of the client */
    CURL *easy;
    CURL *via;    /* knows how far it came: `easy`, or that of the lane that was not opened */
    CURLU *url;   /* `origin`, taken apart */
    bool running; /* its easy handle is in the multi handle */
    bool queued;  /* waits for a lane */
    http_client_done *done;
    void *ctx;

    /* The request. What the easy handle was last set to is kept, so that only changes are set. */
    enum http_method method, set_method;
    bool with_body, set_with_body, tls, set_tls;
    bool configured, set_forbids;
    long timeout_ms, set_timeout_ms; /* total, of each hop */
    struct buf origin;               /* scheme, host and port, as the URL had them */
    struct text_place host;          /* in `origin` */
    struct buf text;                 /* request target and header lines, each NUL-terminated */
    uint16_t port;
    size_t lines_at, line_count; /* the header lines in `text` */
    struct curl_slist *headers;  /* an array, linked in order; its texts are in `text` */
    size_t headers_cap;
    struct buf request_body;
    const char *request_type;          /* its content type, the caller's; NULL: none */
    unsigned redirects, max_redirects; /* followed, and at most */
    struct buf moved;                  /* where a redirect led: target and NUL; empty: nowhere */

    /* The answer. */
    int status;
    struct buf body;
    struct buf seen; /* values of the headers that are kept */
    struct buf head; /* all header lines, when the settings want them */
    struct text_place content_type, etag, location, request_id, retry_after; /* in `seen` */
    size_t head_bytes;
    unsigned sends; /* times it was put on a connection */
    bool head_done;
    bool too_large;
    const char *refused_address; /* what the address is; NULL: none was refused */
    int64_t started_us, hop_us;  /* monotonic; the latter of the request of a redirect */
    char error[CURL_ERROR_SIZE];
    struct http_answer answer;
};

#define HTTP_CALL_CODING "gzip"

/* What all calls of a client are set to. */
struct call_settings {
    int64_t timeout_ms, connect_timeout_ms, silence_timeout_ms;
    size_t max_answer;
    char *ca_file;              /* NULL: the system's authorities only */
    char *cert_file, *key_file; /* of the client itself; NULL: none */
    struct curl_slist *headers; /* that every request has */
    bool deny_private;
    bool keeps_heads;
    int (*open_socket)(void *ctx, int family, int type, int protocol);
    curl_closesocket_callback close_socket;
    void *socket_ctx; /* of both */
};

/* A handle of libcurl with what all of them are set to. */
CURL *call_easy_new(const struct call_settings *settings);
struct http_call *call_new(const struct call_settings *settings);
void call_free(struct http_call *call);
void call_recycle(struct http_call *call);
/* Copies the request. False, with the failure in call->answer, when it cannot be sent at all. */
MUST_USE bool call_prepare(struct http_call *call, const struct http_call_options *options);
/* Sets the easy handle to what was prepared, for libcurl to send it. forbids: the connection is not
 * kept for others. */
void call_load(struct http_call *call, bool forbids);
/* What is asked for: path and query. */
const char *call_target(const struct http_call *call);
/* So long the answer may stop; 0: the total alone counts. */
int64_t call_silence_ms(const struct http_call *call);
/* Some of the head of the answer: the bytes of it that came, a new head, one line, its end. False:
 * the head is too large. */
MUST_USE bool call_head_bytes(struct http_call *call, size_t n);
void call_head_begin(struct http_call *call);
void call_note_header(struct http_call *call, struct str name, struct str value);
void call_forget_answer(struct http_call *call); /* before it is sent once more */
/* Fills call->answer from what came. */
void call_finish(struct http_call *call, CURLcode code);
bool call_is_repeatable(const struct http_call *call); /* GET, HEAD, OPTIONS, PUT, DELETE */

/* redirect.c: whether the answer sends the request somewhere else, where it may go: it is then to
 * be sent once more. What may not be followed has become a failure in call->answer. */
MUST_USE bool call_follow(struct http_call *call);

/* failure.c */
void http_call_fail(struct http_call *call, CURLcode code);
