/* The answer on a lane: llhttp takes it apart, gzip is unpacked as it comes. */
#include "http/client/lane_internal.h"

enum { UNPACK_AT_ONCE = 16 << 10, FIELD_MAX = 256 << 10 };

static struct http_lane *of(llhttp_t *parser)
{
    return parser->data;
}

static void begin_line(struct http_lane *lane)
{
    buf_reset(&lane->name);
    buf_reset(&lane->value);
}

static void begin_unpacking(struct http_lane *lane)
{
    enum { GZIP = 16 + MAX_WBITS }; /* with a gzip header, and no other */

    if (!lane->gzip) {
        lane->gzip = mem_alloc(sizeof(*lane->gzip));
        if (inflateInit2(lane->gzip, GZIP) != Z_OK)
            lane->not_http = true;
    } else if (inflateReset(lane->gzip) != Z_OK) {
        lane->not_http = true;
    }
    lane->unpacking = true;
    lane->unpacked = false;
}

static void end_line(struct http_lane *lane)
{
    struct str name = buf_str(&lane->name);
    struct str value = str_trim(buf_str(&lane->value));

    if (str_eq_ascii_nocase(name, STR("content-encoding"))) {
        if (str_eq_ascii_nocase(value, STR("gzip")) || str_eq_ascii_nocase(value, STR("x-gzip"))) {
            begin_unpacking(lane);
        } else if (value.len > 0 && !str_eq_ascii_nocase(value, STR("identity"))) {
            lane->not_http = true; /* nobody asked for it */
        }
    } else {
        call_note_header(lane->call, name, value);
    }
    begin_line(lane);
}

static int on_begin(llhttp_t *parser)
{
    struct http_lane *lane = of(parser);

    call_head_begin(lane->call); /* after 100 Continue comes another */
    begin_line(lane);
    return 0;
}

static int add(struct http_lane *lane, struct buf *to, const char *p, size_t n)
{
    if (!call_head_bytes(lane->call, n))
        return -1;
    buf_add(to, (struct str){p, n});
    return 0;
}

static int on_field(llhttp_t *parser, const char *p, size_t n)
{
    struct http_lane *lane = of(parser);

    if (lane->call->head_done) /* a trailer */
        return call_head_bytes(lane->call, n) ? 0 : -1;
    return add(lane, &lane->name, p, n);
}

static int on_value(llhttp_t *parser, const char *p, size_t n)
{
    struct http_lane *lane = of(parser);

    if (lane->call->head_done)
        return call_head_bytes(lane->call, n) ? 0 : -1;
    return add(lane, &lane->value, p, n);
}

static int on_value_end(llhttp_t *parser)
{
    struct http_lane *lane = of(parser);

    if (!lane->call->head_done)
        end_line(lane);
    return lane->not_http ? -1 : 0;
}

static int on_status(llhttp_t *parser, const char *p, size_t n)
{
    (void)p;
    return call_head_bytes(of(parser)->call, n) ? 0 : -1;
}

static int on_head_end(llhttp_t *parser)
{
    struct http_lane *lane = of(parser);

    lane->call->status = parser->status_code;
    lane->call->head_done = parser->status_code >= 200;
    /* 1: no body comes, whatever the head says. */
    return lane->call->method == HTTP_HEAD && lane->call->head_done ? 1 : 0;
}

static int keep_body(struct http_call *call, const char *p, size_t n)
{
    buf_add(&call->body, (struct str){p, n});
    call->too_large = call->too_large || call->body.overflowed;
    return call->too_large ? -1 : 0;
}

static int unpack(struct http_lane *lane, const char *p, size_t n)
{
    z_stream *z = lane->gzip;
    char bytes[UNPACK_AT_ONCE];

    /* NOLINTNEXTLINE(performance-no-int-to-ptr): zlib's type is not const; it is only read */
    z->next_in = (unsigned char *)(uintptr_t)p;
    z->avail_in = (unsigned)n;
    while (!lane->unpacked && (z->avail_in > 0 || z->avail_out == 0)) {
        z->next_out = (unsigned char *)bytes;
        z->avail_out = sizeof(bytes);
        int code = inflate(z, Z_NO_FLUSH);
        if (code == Z_BUF_ERROR)
            break;
        if (code != Z_OK && code != Z_STREAM_END) {
            lane->not_http = true;
            return -1;
        }
        lane->unpacked = code == Z_STREAM_END;
        if (keep_body(lane->call, bytes, sizeof(bytes) - z->avail_out) != 0)
            return -1;
    }
    return 0;
}

static int on_body(llhttp_t *parser, const char *p, size_t n)
{
    struct http_lane *lane = of(parser);

    return lane->unpacking ? unpack(lane, p, n) : keep_body(lane->call, p, n);
}

static int on_end(llhttp_t *parser)
{
    struct http_lane *lane = of(parser);

    if (!lane->call->head_done) /* 100 Continue and the like */
        return 0;
    if (lane->unpacking && !lane->unpacked && lane->gzip->total_in > 0) {
        lane->not_http = true;
        return -1;
    }
    lane->answered = true;
    return HPE_PAUSED;
}

static const llhttp_settings_t parser_settings = {
    .on_message_begin = on_begin,
    .on_status = on_status,
    .on_header_field = on_field,
    .on_header_value = on_value,
    .on_header_value_complete = on_value_end,
    .on_headers_complete = on_head_end,
    .on_body = on_body,
    .on_message_complete = on_end,
};

void lane_answer_begin(struct http_lane *lane)
{
    if (lane->name.max == 0) {
        buf_init(&lane->name, FIELD_MAX);
        buf_init(&lane->value, FIELD_MAX);
    }
    llhttp_init(&lane->parser, HTTP_RESPONSE, &parser_settings);
    lane->parser.data = lane;
    lane->answered = lane->not_http = lane->heard = lane->unpacking = lane->unpacked = false;
}

void lane_answer_feed(struct http_lane *lane, const char *p, size_t n)
{
    llhttp_errno_t code = llhttp_execute(&lane->parser, p, n);

    lane->heard = true;
    if (lane->answered) {
        /* What comes behind the answer was not asked for. */
        lane->dead = lane->dead || llhttp_get_error_pos(&lane->parser) != p + n ||
                     !llhttp_should_keep_alive(&lane->parser);
    } else if (code != HPE_OK) {
        lane->not_http = !lane->call->too_large;
        if (lane->not_http && code != HPE_USER) {
            snprintf(lane->call->error, sizeof(lane->call->error), "%s",
                     llhttp_get_error_reason(&lane->parser));
        }
    }
}

void lane_answer_end(struct http_lane *lane)
{
    lane->dead = true;
    if (lane->heard)
        (void)llhttp_finish(&lane->parser); /* of a body that ends so, it is answered now */
}

void lane_answer_free(struct http_lane *lane)
{
    buf_done(&lane->name);
    buf_done(&lane->value);
    if (lane->gzip) {
        inflateEnd(lane->gzip);
        free(lane->gzip);
    }
}
