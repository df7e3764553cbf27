/* Bytes to requests: llhttp in strict mode, and what it lets through and is refused all the same.
 */
#include "http/server/internal.h"

#define CHUNK_EXTRA_MAX    (16 * 1024) /* bytes of chunk sizes and extensions, and ... */
#define CHUNK_EXTRA_FACTOR 8 /* ... for each byte of body, since chunks of one byte are legal */

static struct connection *of(llhttp_t *parser)
{
    return parser->data;
}

static int refuse(struct connection *c, int status, const char *reason)
{
    c->refusal = status;
    c->refusal_reason = reason;
    return HPE_USER;
}

/* --- What llhttp calls. --- */

static int on_url(llhttp_t *parser, const char *p, size_t n)
{
    struct connection *c = of(parser);

    buf_add(&c->x->target, (struct str){p, n});
    return c->x->target.overflowed ? refuse(c, 414, "the address is too long") : 0;
}

static int on_url_complete(llhttp_t *parser)
{
    of(parser)->url_done = true;
    return 0;
}

static int on_header_field(llhttp_t *parser, const char *p, size_t n)
{
    struct connection *c = of(parser);
    struct http_exchange *x = c->x;

    if (c->head_done) /* a trailer: discarded, but counted as overhead of the chunks */
        return 0;
    if (c->value_seen) {
        if (x->header_count == HTTP_HEADERS_MAX)
            return refuse(c, 431, "there are too many header lines");
        x->headers[x->header_count++] = (struct header_place){.name = (uint32_t)x->head.len};
        c->value_seen = false;
    }
    buf_add(&x->head, (struct str){p, n});
    x->headers[x->header_count - 1].name_len += (uint32_t)n;
    return x->head.overflowed ? refuse(c, 431, "the headers are too long") : 0;
}

/* llhttp lets ": value" through. */
static bool is_nameless(const struct connection *c)
{
    return c->value_seen || c->x->headers[c->x->header_count - 1].name_len == 0;
}

static int on_header_value(llhttp_t *parser, const char *p, size_t n)
{
    struct connection *c = of(parser);
    struct http_exchange *x = c->x;

    if (c->head_done)
        return 0;
    if (is_nameless(c))
        return refuse(c, 400, "a header line has no name");
    struct header_place *h = &x->headers[x->header_count - 1];
    if (h->value_len == 0)
        h->value = (uint32_t)x->head.len;
    buf_add(&x->head, (struct str){p, n});
    h->value_len += (uint32_t)n;
    return x->head.overflowed ? refuse(c, 431, "the headers are too long") : 0;
}

static int on_header_value_complete(llhttp_t *parser)
{
    struct connection *c = of(parser);

    if (!c->head_done && is_nameless(c))
        return refuse(c, 400, "a header line has no name");
    c->value_seen = true;
    return 0;
}

static int on_headers_complete(llhttp_t *parser)
{
    of(parser)->head_done = true;
    parser->upgrade = 0; /* no other protocol is spoken here: an Upgrade header is ignored */
    return HPE_PAUSED;
}

static int on_body(llhttp_t *parser, const char *p, size_t n)
{
    struct connection *c = of(parser);
    struct http_exchange *x = c->x;

    c->body_bytes += n;
    if (c->discard)
        return c->body_bytes > HTTP_DISCARD_MAX ? refuse(c, 413, "the body is too large") : 0;
    if (c->body_bytes > x->route->max_body)
        return refuse(c, 413, "the body is too large");
    if (!memory_hold_exchange(c, x->body.len + n))
        return refuse(c, 503, "too much is under way at the moment");
    buf_add(&x->body, (struct str){p, n});
    return 0;
}

/* After the last chunk come trailers, whose bytes are checked like those of the head. */
static int on_chunk_header(llhttp_t *parser)
{
    struct connection *c = of(parser);

    if (parser->content_length > 0)
        return 0;
    c->trailers = true;
    c->last_byte = '\n';
    return HPE_PAUSED;
}

static int on_message_complete(llhttp_t *parser)
{
    of(parser)->message_done = true;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_url = on_url,
    .on_url_complete = on_url_complete,
    .on_header_field = on_header_field,
    .on_header_value = on_header_value,
    .on_header_value_complete = on_header_value_complete,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_chunk_header = on_chunk_header,
    .on_message_complete = on_message_complete,
};

/* --- Refusals. --- */

/* The first bytes of a request, for saying what is wrong with its method. */
static void note_start(struct connection *c, const char *p, size_t n)
{
    size_t room = sizeof(c->start) - c->start_len;

    memcpy(c->start + c->start_len, p, n < room ? n : room);
    c->start_len += n < room ? n : room;
}

/* "BREW /pot": a word and a blank, or the beginning of it. */
static bool starts_with_method(const struct connection *c)
{
    struct str rest = str_trim((struct str){c->start, c->start_len});
    size_t i = 0;

    while (i < rest.len && ((rest.ptr[i] >= 'A' && rest.ptr[i] <= 'Z') || rest.ptr[i] == '-'))
        i++;
    return i > 0 && (i == rest.len || rest.ptr[i] == ' ');
}

static const char *check_bytes(struct connection *c, const char *p, size_t n)
{
    char last = c->last_byte;

    for (size_t i = 0; i < n; i++) {
        char ch = p[i];

        if (last == '\r' && ch != '\n')
            return "a carriage return stands alone in the head";
        if (ch == '\n' && last != '\r')
            return "a line of the head ends without carriage return";
        if (last == '\n' && (ch == ' ' || ch == '\t'))
            return "a header line is folded";
        if (((unsigned char)ch < 0x20 && ch != '\r' && ch != '\n' && ch != '\t') || ch == 0x7f)
            return "there is a control character in the head";
        last = ch;
    }
    c->last_byte = last;
    return NULL;
}

/* The state of a chunked body's framing is llhttp's; that each of its lines ends with CR LF is what
 * strict mode sees to. */
static void refuse_parser_error(struct connection *c, enum llhttp_errno error)
{
    const char *reason = llhttp_get_error_reason(&c->parser);
    int status = 400;

    if (error == HPE_USER && c->refusal) {
        status = c->refusal;
        reason = c->refusal_reason;
    } else if (error == HPE_INVALID_METHOD && starts_with_method(c)) {
        status = 501;
        reason = "this method is not known here";
    } else if (error == HPE_PAUSED_H2_UPGRADE ||
               (error == HPE_INVALID_VERSION && c->parser.http_major != 1)) {
        status = 505;
        reason = "this server speaks HTTP/1.1";
    } else if (error == HPE_INVALID_TRANSFER_ENCODING && !(c->parser.flags & F_CONTENT_LENGTH)) {
        status = 501;
        reason = "the only transfer coding known here is chunked";
    } else if (error == HPE_INVALID_METHOD && c->start[0] == 0x16) {
        reason = "this port speaks plain HTTP, not TLS";
    }
    dispatch_refuse(c, status, reason ? reason : "this is not HTTP", true);
}

void parse_timed_out(struct connection *c)
{
    if (c->discard) {
        connection_close(c);
    } else {
        dispatch_refuse(c, 408, "the request took too long to arrive", true);
    }
}

/* --- Feeding. --- */

static void begin_request(struct connection *c)
{
    struct http_exchange *x = exchange_take(c->loop);

    c->x = x;
    x->connection = c;
    x->is_tls = c->ssl;
    x->http_1_0 = false;
    x->method = HTTP_GET;
    memcpy(x->peer, c->peer, sizeof(x->peer));
    llhttp_init(&c->parser, HTTP_REQUEST, &settings);
    c->parser.data = c;
    c->head_bytes = c->body_bytes = c->extra_bytes = 0;
    c->last_byte = 0;
    c->start_len = 0;
    c->trailers = false;
    c->url_done = c->head_done = c->message_done = c->discard = c->expects = false;
    c->value_seen = true;
    c->refusal = 0;
    connection_set_state(c, CONNECTION_HEAD);
}

void parse_body_deadline(struct connection *c)
{
    const struct http_limits *limits = &c->loop->server->config.limits;
    int64_t earned_us = (int64_t)c->body_bytes * US_PER_SECOND / limits->body_min_rate;

    connection_deadline(c, c->body_started_us + limits->body_grace_ms * US_PER_MS + earned_us);
}

static size_t feed_head(struct connection *c, const char *p, size_t n, bool first)
{
    const struct http_limits *limits = &c->loop->server->config.limits;
    enum llhttp_errno error = llhttp_execute(&c->parser, p, n);
    size_t used = error == HPE_OK ? n : (size_t)(llhttp_get_error_pos(&c->parser) - p);
    const char *wrong = check_bytes(c, p, used);

    c->head_bytes += used;
    if (c->head_bytes > limits->max_head) {
        if (c->url_done) {
            dispatch_refuse(c, 431, "the headers are too long", true);
        } else {
            dispatch_refuse(c, 414, "the address is too long", true);
        }
    } else if (wrong) {
        dispatch_refuse(c, 400, wrong, true);
    } else if (error != HPE_OK && error != HPE_PAUSED) {
        note_start(c, p, n);
        refuse_parser_error(c, error);
    } else if (c->head_done) {
        dispatch_head(c);
    } else {
        note_start(c, p, n);
        if (c->requests > 0 && first) /* that of the first runs since the connection came */
            connection_deadline(c, clock_monotonic_us() + limits->head_ms * US_PER_MS);
    }
    return used;
}

static void body_refused(struct connection *c, enum llhttp_errno error)
{
    if (c->discard) { /* its answer is sent already */
        connection_close(c);
    } else {
        refuse_parser_error(c, error);
    }
}

static size_t feed_body(struct connection *c, const char *p, size_t n)
{
    size_t before = c->body_bytes;
    bool in_trailers = c->trailers;

    llhttp_resume(&c->parser);
    enum llhttp_errno error = llhttp_execute(&c->parser, p, n);
    size_t used = error == HPE_OK ? n : (size_t)(llhttp_get_error_pos(&c->parser) - p);

    const char *wrong = in_trailers ? check_bytes(c, p, used) : NULL;
    if (wrong)
        error = (enum llhttp_errno)refuse(c, 400, wrong);
    if (error != HPE_OK && error != HPE_PAUSED) {
        body_refused(c, error);
        return used;
    }
    c->extra_bytes += used - (c->body_bytes - before);
    if (c->extra_bytes > CHUNK_EXTRA_MAX + CHUNK_EXTRA_FACTOR * c->body_bytes) {
        refuse(c, 400, "there is more chunk framing than body");
        body_refused(c, HPE_USER);
    } else if (!c->message_done) {
        parse_body_deadline(c);
    } else if (c->discard) {
        connection_end_answer(c);
    } else {
        dispatch_request(c);
    }
    return used;
}

size_t parse_feed(struct connection *c, const char *p, size_t n)
{
    bool first = c->state == CONNECTION_IDLE;

    if (first)
        begin_request(c);
    return c->state == CONNECTION_HEAD ? feed_head(c, p, n, first) : feed_body(c, p, n);
}
