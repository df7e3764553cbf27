/* Exchanges and what a handler asks of its request. */
#include "http/server/internal.h"

static const char *const method_names[] = {
    [HTTP_GET] = "GET",         [HTTP_HEAD] = "HEAD",   [HTTP_POST] = "POST",
    [HTTP_PUT] = "PUT",         [HTTP_PATCH] = "PATCH", [HTTP_DELETE] = "DELETE",
    [HTTP_OPTIONS] = "OPTIONS",
};
static_assert(ARRAY_LEN(method_names) == HTTP_METHOD_COUNT, "every method has a name");

static void buf_recycle(struct buf *b)
{
    if (b->cap > HTTP_KEEP_MAX) {
        size_t max = b->max;

        buf_done(b);
        buf_init(b, max);
    } else {
        buf_reset(b);
    }
}

struct http_exchange *exchange_take(struct http_loop *loop)
{
    struct http_exchange *x = loop->free_exchanges;

    if (x) {
        loop->free_exchanges = x->next;
        loop->free_exchange_count--;
    } else {
        size_t head_max = loop->server->config.limits.max_head;

        x = mem_alloc(sizeof(*x));
        x->loop = loop;
        x->arena = arena_new();
        buf_init(&x->target, head_max);
        buf_init(&x->head, head_max);
        buf_init(&x->body, SIZE_MAX / 2); /* the route's limit is checked before */
        buf_init(&x->reply_headers, HTTP_REPLY_HEADERS_MAX);
        buf_init(&x->out, HTTP_REPLY_MAX);
        buf_init(&x->queue, HTTP_REPLY_MAX); /* http_stream_write keeps to max_stream_queue */
    }
    x->returned = true;
    return x;
}

void exchange_free(struct http_exchange *x)
{
    memory_release_exchange(x);
    buf_done(&x->target);
    buf_done(&x->head);
    buf_done(&x->body);
    buf_done(&x->reply_headers);
    buf_done(&x->out);
    buf_done(&x->queue);
    arena_free(x->arena);
    free(x);
}

void exchange_give_back(struct http_exchange *x)
{
    struct http_loop *loop = x->loop;

    if (loop->free_exchange_count >= HTTP_FREE_MAX) {
        exchange_free(x);
        return;
    }
    memory_release_exchange(x);
    buf_recycle(&x->target);
    buf_recycle(&x->head);
    buf_recycle(&x->body);
    buf_recycle(&x->reply_headers);
    buf_recycle(&x->out);
    buf_recycle(&x->queue);
    arena_reset(x->arena);
    x->connection = NULL;
    x->route = NULL;
    x->admission = NULL;
    x->path = x->query = (struct str){0};
    x->header_count = 0;
    x->status = 0;
    x->close = x->events = x->gone = false;
    x->state = ANSWER_NONE;
    x->unsent = 0;
    x->next = loop->free_exchanges;
    loop->free_exchanges = x;
    loop->free_exchange_count++;
}

void exchange_returned(struct http_exchange *x)
{
    if (!x->returned) {
        x->returned = true;
        x->loop->in_flight--;
    }
}

static struct str header_name(const struct http_exchange *x, size_t i)
{
    return (struct str){x->head.ptr + x->headers[i].name, x->headers[i].name_len};
}

static struct str header_value(const struct http_exchange *x, size_t i)
{
    return str_trim((struct str){x->head.ptr + x->headers[i].value, x->headers[i].value_len});
}

size_t exchange_header_count(const struct http_exchange *x, const char *name, struct str *out_first)
{
    struct str wanted = str_from_z(name);
    size_t count = 0;

    *out_first = (struct str){0};
    for (size_t i = 0; i < x->header_count; i++) {
        if (x->headers[i].name_len == wanted.len &&
            str_eq_ascii_nocase(header_name(x, i), wanted) && count++ == 0)
            *out_first = header_value(x, i);
    }
    return count;
}

static struct str header_joined(const struct http_exchange *x, struct str name)
{
    struct str joined = {0};

    for (size_t i = 0; i < x->header_count; i++) {
        if (!str_eq_ascii_nocase(header_name(x, i), name))
            continue;
        struct str value = header_value(x, i);
        joined = joined.ptr ? arena_printf(x->arena, "%.*s, %.*s", STR_ARG(joined), STR_ARG(value))
                            : arena_str(x->arena, value);
    }
    return joined;
}

const char *http_method_name(enum http_method method)
{
    return method_names[method];
}

struct arena *http_arena(struct http_exchange *x)
{
    return x->arena;
}

enum http_method http_request_method(const struct http_exchange *x)
{
    return x->method;
}

struct str http_request_target(const struct http_exchange *x)
{
    return buf_str(&x->target);
}

struct str http_request_path(const struct http_exchange *x)
{
    return x->path;
}

struct str http_request_query(const struct http_exchange *x)
{
    return x->query;
}

struct str http_request_header(const struct http_exchange *x, const char *name)
{
    struct str value;

    if (exchange_header_count(x, name, &value) > 1)
        return header_joined(x, str_from_z(name));
    return value;
}

struct str http_request_body(const struct http_exchange *x)
{
    return buf_str(&x->body);
}

struct str http_request_peer(const struct http_exchange *x)
{
    return str_from_z(x->peer);
}

bool http_request_is_tls(const struct http_exchange *x)
{
    return x->is_tls;
}

void http_set_admission(struct http_exchange *x, void *admission)
{
    x->admission = admission;
}

void *http_admission(const struct http_exchange *x)
{
    return x->admission;
}
