#include "http/client/call.h"

#include "base/clock.h"
#include "http/client/address.h"

#define CALL_TEXT_MAX    (256 * 1024)   /* bytes of URL and headers of a request */
#define CALL_BODY_MAX    (1024UL << 20) /* bytes of a request's body */
#define CALL_HEAD_MAX    (256 * 1024)   /* bytes of head that an answer may have */
#define CALL_KEEP_MAX    (64 * 1024)    /* a buffer larger than this is not kept for reuse */
#define EXPECT_FROM      (512 * 1024)   /* bytes; libcurl begins at 1 MiB */
#define STALL_LIMIT      1L  /* bytes a second; below it for a while the answer has stopped */
#define STALL_TIME       60L /* seconds of that, where the client says none */
#define REQUEST_TOO_LONG "the request's address and headers are too long"
#define RETRY_AFTER_MAX  (INT64_C(366) * 86400) /* seconds */

/* --- What libcurl calls. --- */

/* NOLINTNEXTLINE(readability-non-const-parameter): libcurl's type */
static size_t on_body(char *p, size_t size, size_t count, void *ctx)
{
    struct http_call *call = ctx;

    buf_add(&call->body, (struct str){p, size * count});
    if (call->body.overflowed) {
        call->too_large = true;
        return 0;
    }
    return size * count;
}

static void keep(struct http_call *call, struct text_place *place, struct str value)
{
    *place = (struct text_place){call->seen.len, value.len};
    buf_add(&call->seen, value);
}

static const struct {
    const char *name; /* lower case */
    size_t place;
} kept_headers[] = {
    {"content-type", offsetof(struct http_call, content_type)},
    {"etag", offsetof(struct http_call, etag)},
    {"location", offsetof(struct http_call, location)},
    {"retry-after", offsetof(struct http_call, retry_after)},
    {"x-request-id", offsetof(struct http_call, request_id)},
    {"request-id", offsetof(struct http_call, request_id)},
    {"x-ms-request-id", offsetof(struct http_call, request_id)},
    {"x-correlation-id", offsetof(struct http_call, request_id)},
    {"x-amzn-requestid", offsetof(struct http_call, request_id)},
};

void call_note_header(struct http_call *call, struct str name, struct str value)
{
    if (name.len == 0)
        return;
    if (call->settings->keeps_heads) {
        buf_add(&call->head, name);
        buf_add_z(&call->head, ": ");
        buf_add(&call->head, str_trim(value));
        buf_add_char(&call->head, '\n');
    }
    for (size_t i = 0; i < ARRAY_LEN(kept_headers); i++) {
        const char *wanted = kept_headers[i].name;

        if (ascii_lower(name.ptr[0]) == wanted[0] &&
            str_eq_ascii_nocase(name, str_from_z(wanted))) {
            struct text_place *place =
                (struct text_place *)(void *)((char *)call + kept_headers[i].place);

            if (place->len == 0)
                keep(call, place, str_trim(value));
            return;
        }
    }
}

bool call_head_bytes(struct http_call *call, size_t n)
{
    call->head_bytes += n;
    call->too_large = call->too_large || call->head_bytes > CALL_HEAD_MAX;
    return !call->too_large;
}

void call_head_begin(struct http_call *call)
{
    buf_reset(&call->seen);
    buf_reset(&call->head);
    call->head_done = false;
    call->content_type = call->etag = call->location = call->request_id = call->retry_after =
        (struct text_place){0};
}

/* NOLINTNEXTLINE(readability-non-const-parameter): libcurl's type */
static size_t on_header(char *p, size_t size, size_t count, void *ctx)
{
    struct http_call *call = ctx;
    struct str line = {p, size * count};
    struct str name;

    if (!call_head_bytes(call, line.len))
        return 0;
    if (str_starts(line, STR("HTTP/"))) { /* after 100 Continue comes another */
        call_head_begin(call);
    } else if (str_eq(line, STR("\r\n")) || str_eq(line, STR("\n"))) {
        call->head_done = true;
    } else if (str_cut(&line, ':', &name)) {
        call_note_header(call, name, line);
    }
    return size * count;
}

static curl_socket_t on_open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct http_call *call = ctx;

    (void)purpose;
    call->refused_address = http_address_refused(&address->addr, call->settings->deny_private);
    if (call->refused_address)
        return CURL_SOCKET_BAD;
    return call->settings->open_socket(call->settings->socket_ctx, address->family,
                                       address->socktype, address->protocol);
}

/* libcurl sends any request once more when a kept-alive connection turns out dead, also one that
 * may have arrived; a POST would be doubled. It is stopped here, before the second sending. */
/* NOLINTNEXTLINE(readability-non-const-parameter): libcurl's type */
static int on_request(void *ctx, char *ip, char *local_ip, int port, int local_port)
{
    struct http_call *call = ctx;

    (void)ip;
    (void)local_ip;
    (void)port;
    (void)local_port;
    call->sends++;
    return call->sends <= (call_is_repeatable(call) ? 2u : 1u) ? CURL_PREREQFUNC_OK
                                                               : CURL_PREREQFUNC_ABORT;
}

/* --- Life. --- */

CURL *call_easy_new(const struct call_settings *s)
{
    CURL *e = curl_easy_init();

    assert(e); /* it fails for want of memory only */
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(e, CURLOPT_PROXY, "");
    curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)s->connect_timeout_ms);
    curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (s->ca_file) /* the system's are still found, through CURLOPT_CAPATH's default */
        curl_easy_setopt(e, CURLOPT_CAINFO, s->ca_file);
    if (s->cert_file) {
        curl_easy_setopt(e, CURLOPT_SSLCERT, s->cert_file);
        curl_easy_setopt(e, CURLOPT_SSLKEY, s->key_file ? s->key_file : s->cert_file);
    }
    curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
    curl_easy_setopt(e, CURLOPT_CLOSESOCKETFUNCTION, s->close_socket);
    curl_easy_setopt(e, CURLOPT_CLOSESOCKETDATA, s->socket_ctx);
    return e;
}

struct http_call *call_new(const struct call_settings *s)
{
    struct http_call *call = mem_alloc(sizeof(*call));
    CURL *e = call_easy_new(s);

    call->settings = s;
    call->easy = call->via = e;
    call->url = curl_url();
    assert(call->url);
    buf_init(&call->origin, CALL_TEXT_MAX);
    buf_init(&call->text, CALL_TEXT_MAX);
    buf_init(&call->request_body, CALL_BODY_MAX);
    buf_init(&call->moved, CALL_TEXT_MAX);
    buf_init(&call->body, s->max_answer);
    buf_init(&call->seen, CALL_HEAD_MAX);
    buf_init(&call->head, CALL_HEAD_MAX * 2);
    curl_easy_setopt(e, CURLOPT_PRIVATE, &call->owner);
    curl_easy_setopt(e, CURLOPT_CURLU, call->url);
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, call->error);
    curl_easy_setopt(e, CURLOPT_ACCEPT_ENCODING, HTTP_CALL_CODING); /* decodes what it knows */
    curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(e, CURLOPT_HEADERDATA, call);
    curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, call);
    curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, on_request);
    curl_easy_setopt(e, CURLOPT_PREREQDATA, call);
    return call;
}

void call_free(struct http_call *call)
{
    curl_easy_cleanup(call->easy);
    curl_url_cleanup(call->url);
    buf_done(&call->origin);
    buf_done(&call->text);
    buf_done(&call->request_body);
    buf_done(&call->moved);
    buf_done(&call->body);
    buf_done(&call->seen);
    buf_done(&call->head);
    free(call->headers);
    free(call);
}

static void buf_recycle(struct buf *b)
{
    size_t max = b->max;

    if (b->cap > CALL_KEEP_MAX) {
        buf_done(b);
        buf_init(b, max);
    } else {
        buf_reset(b);
    }
}

void call_forget_answer(struct http_call *call)
{
    buf_recycle(&call->body);
    buf_recycle(&call->seen);
    buf_recycle(&call->head);
    call->content_type = call->etag = call->location = call->request_id = call->retry_after =
        (struct text_place){0};
    call->head_bytes = 0;
    call->head_done = call->too_large = false;
    call->refused_address = NULL;
    call->error[0] = '\0';
}

void call_recycle(struct http_call *call)
{
    call_forget_answer(call);
    buf_recycle(&call->text);
    buf_recycle(&call->request_body);
    buf_reset(&call->moved);
    call->redirects = 0;
    call->sends = 0;
    call->queued = false;
    call->via = call->easy;
}

/* --- The request. --- */

static bool is_line(struct str s)
{
    return s.len == 0 || (!memchr(s.ptr, '\n', s.len) && !memchr(s.ptr, '\r', s.len) &&
                          !memchr(s.ptr, '\0', s.len));
}

static bool cannot_send(struct http_call *call, const char *why, const char *what)
{
    call->answer.failure = HTTP_BAD_URL;
    snprintf(call->answer.reason, sizeof(call->answer.reason), "%.200s%.50s", why, what);
    return false;
}

/* libcurl would send Expect: 100-continue with a large body, and wait. */
static bool may_expect(const struct http_call *call)
{
    return call->with_body && call->request_body.len >= EXPECT_FROM;
}

/* The lines go into call->text one after the other; they are linked when it does not move any more.
 */
static bool write_headers(struct http_call *call, const struct http_call_options *o)
{
    struct buf *text = &call->text;

    for (size_t i = 0; i < o->header_count; i++) {
        const struct http_header *h = &o->headers[i];

        if (!is_line(h->value) || !is_line(str_from_z(h->name)))
            return cannot_send(call, "a line break or NUL is not allowed in header ", h->name);
        buf_add_z(text, h->name);
        if (h->value.len > 0) {
            buf_add(text, STR(": "));
            buf_add(text, h->value);
        } else {
            buf_add_char(text, ';'); /* libcurl's way to write an empty one */
        }
        buf_add_char(text, '\0');
    }
    if (call->with_body) {
        if (may_expect(call)) {
            buf_add(text, STR("Expect:"));
            buf_add_char(text, '\0');
        }
        buf_add(text, STR("Content-Type:"));
        if (o->content_type) {
            buf_add_char(text, ' ');
            buf_add_z(text, o->content_type);
        }
        buf_add_char(text, '\0');
    }
    if (text->overflowed)
        return cannot_send(call, REQUEST_TOO_LONG, "");
    return true;
}

/* In front of those that all requests have. */
static void link_headers(struct http_call *call)
{
    char *p = call->text.ptr + call->lines_at;
    size_t count = call->line_count;

    if (count > call->headers_cap) {
        call->headers_cap = count + 8;
        call->headers = mem_realloc(call->headers, call->headers_cap * sizeof(struct curl_slist));
    }
    for (size_t i = 0; i < count; i++) {
        call->headers[i] = (struct curl_slist){
            .data = p,
            .next = i + 1 < count ? &call->headers[i + 1] : call->settings->headers,
        };
        p += strlen(p) + 1;
    }
    curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER,
                     count > 0 ? call->headers : call->settings->headers);
}

static void set_method(struct http_call *call)
{
    CURL *e = call->easy;
    enum http_method method = call->method;
    bool with_body = call->with_body;

    if (!call->configured || method != call->set_method || with_body != call->set_with_body) {
        bool plain = method == HTTP_HEAD || method == (with_body ? HTTP_POST : HTTP_GET);

        curl_easy_setopt(e, with_body ? CURLOPT_POST : CURLOPT_HTTPGET, 1L);
        if (method == HTTP_HEAD)
            curl_easy_setopt(e, CURLOPT_NOBODY, 1L);
        curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, plain ? NULL : http_method_name(method));
        call->set_method = method;
        call->set_with_body = with_body;
        call->configured = true;
    }
    if (with_body) {
        curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->request_body.len);
        curl_easy_setopt(e, CURLOPT_POSTFIELDS,
                         call->request_body.len > 0 ? call->request_body.ptr : "");
    }
}

/* libcurl takes a URL apart and writes it together again with every request, byte by byte; so it
 * gets the origin only, which is taken apart once, and what is asked for there as it is. */
static bool set_url(struct http_call *call, struct str text, const struct http_url *url)
{
    struct str origin = str_sub(text, 0, (size_t)(url->path.ptr - text.ptr));
    struct str target = str_from(text, origin.len);

    if (!str_eq(origin, buf_str(&call->origin))) {
        buf_reset(&call->origin);
        buf_add(&call->origin, origin);
        CURLUcode code = curl_url_set(call->url, CURLUPART_URL, buf_z(&call->origin), 0);
        if (code != CURLUE_OK) {
            buf_reset(&call->origin);
            return cannot_send(call, "URL rejected: ", curl_url_strerror(code));
        }
        call->host = (struct text_place){(size_t)(url->host.ptr - text.ptr), url->host.len};
        call->port = url->port;
    }
    call->tls = url->scheme.len == strlen("https");
    if (!str_starts(target, STR("/")))
        buf_add_char(&call->text, '/');
    buf_add(&call->text, target);
    buf_add_char(&call->text, '\0');
    return true;
}

int64_t call_silence_ms(const struct http_call *call)
{
    int64_t silence_ms = call->settings->silence_timeout_ms;
    int64_t stall_ms = silence_ms > 0 ? (silence_ms + 999) / 1000 * 1000 : STALL_TIME * 1000;

    return call->timeout_ms > stall_ms ? stall_ms : 0; /* otherwise it is over before */
}

static void set_timeout(struct http_call *call)
{
    int64_t silence_ms = call_silence_ms(call);

    if (call->timeout_ms == call->set_timeout_ms)
        return;
    curl_easy_setopt(call->easy, CURLOPT_TIMEOUT_MS, call->timeout_ms);
    curl_easy_setopt(call->easy, CURLOPT_LOW_SPEED_LIMIT, silence_ms > 0 ? STALL_LIMIT : 0L);
    curl_easy_setopt(call->easy, CURLOPT_LOW_SPEED_TIME, (long)(silence_ms / 1000));
    call->set_timeout_ms = call->timeout_ms;
}

bool call_prepare(struct http_call *call, const struct http_call_options *o)
{
    bool with_body = o->body.len > 0 || o->method == HTTP_POST || o->method == HTTP_PUT ||
                     o->method == HTTP_PATCH;
    struct http_url url;
    struct err err;

    call->started_us = call->hop_us = clock_monotonic_us();
    call->answer = (struct http_answer){.retry_after_ms = -1};
    call->max_redirects = o->max_redirects;
    call->request_type = o->content_type;
    call->line_count = 0;
    call->timeout_ms = (long)(o->timeout_ms > 0 ? o->timeout_ms : call->settings->timeout_ms);
    if (!http_url_parse(o->url, &url, &err))
        return cannot_send(call, err.message, "");
    if (o->url.len > CALL_TEXT_MAX)
        return cannot_send(call, REQUEST_TOO_LONG, "");
    if (!set_url(call, o->url, &url))
        return false;
    buf_add(&call->request_body, o->body);
    if (call->request_body.overflowed)
        return cannot_send(call, "the request's body is too long", "");
    call->method = o->method;
    call->with_body = with_body && o->method != HTTP_HEAD;
    call->lines_at = call->text.len;
    call->line_count = o->header_count + (size_t)call->with_body + (size_t)may_expect(call);
    return write_headers(call, o);
}

const char *call_target(const struct http_call *call)
{
    return call->moved.len > 0 ? call->moved.ptr : call->text.ptr;
}

void call_load(struct http_call *call, bool forbids)
{
    CURL *e = call->easy;

    if (call->tls != call->set_tls) { /* waiting for a connection to share pays with HTTP/2 only */
        curl_easy_setopt(e, CURLOPT_PIPEWAIT, call->tls ? 1L : 0L);
        call->set_tls = call->tls;
    }
    if (forbids != call->set_forbids) {
        curl_easy_setopt(e, CURLOPT_FORBID_REUSE, forbids ? 1L : 0L);
        call->set_forbids = forbids;
    }
    set_method(call);
    curl_easy_setopt(e, CURLOPT_REQUEST_TARGET, call_target(call));
    link_headers(call);
    set_timeout(call);
}

bool call_is_repeatable(const struct http_call *call)
{
    return call->method != HTTP_POST && call->method != HTTP_PATCH;
}

/* --- The answer. --- */

static struct str text_at(const struct http_call *call, struct text_place place)
{
    if (place.len == 0)
        return (struct str){0};
    return (struct str){call->seen.ptr + place.at, place.len};
}

/* Seconds, or a date (RFC 9110, 10.2.3). */
static int64_t retry_after_ms(const struct http_call *call)
{
    struct str value = text_at(call, call->retry_after);
    char text[64];
    int64_t seconds;

    if (value.len == 0 || value.len >= sizeof(text))
        return -1;
    if (!str_to_int(value, 0, INT64_MAX, &seconds)) {
        memcpy(text, value.ptr, value.len);
        text[value.len] = '\0';
        time_t at = curl_getdate(text, NULL);
        if (at < 0)
            return -1;
        seconds = at - clock_now(clock_system()) / US_PER_SECOND;
    }
    if (seconds < 0)
        seconds = 0;
    return (seconds > RETRY_AFTER_MAX ? RETRY_AFTER_MAX : seconds) * 1000;
}

void call_finish(struct http_call *call, CURLcode code)
{
    struct http_answer *a = &call->answer;

    a->duration_us = clock_monotonic_us() - call->started_us;
    if (a->failure != HTTP_OK) /* of a redirect */
        return;
    if (code == CURLE_OK && !call->head_done)
        code = CURLE_RECV_ERROR; /* libcurl takes a head that breaks off for an answer */
    if (code != CURLE_OK) {
        http_call_fail(call, code);
        return;
    }
    a->failure = HTTP_OK;
    a->status = call->status;
    a->body = buf_str(&call->body);
    a->content_type = text_at(call, call->content_type);
    a->etag = text_at(call, call->etag);
    a->location = text_at(call, call->location);
    a->request_id = text_at(call, call->request_id);
    a->retry_after_ms = retry_after_ms(call);
}
