/* Streams: the handler's side queues framed data under the loop's lock; the loop's side takes the
 * queue whole and writes it. A reader that lags behind by more than the cap is dropped. */
#include "http/server/internal.h"

#define CHUNK_HEAD_MAX 20 /* hexadecimal size and CRLF */

static bool is_bodyless(const struct http_exchange *x)
{
    return x->method == HTTP_HEAD;
}

/* One chunk of the chunked coding; plain bytes for HTTP/1.0. loop->lock is held. */
static void queue_chunk(struct http_exchange *x, struct str data)
{
    char head[CHUNK_HEAD_MAX];

    if (is_bodyless(x))
        return;
    if (x->http_1_0) {
        buf_add(&x->queue, data);
        return;
    }
    snprintf(head, sizeof(head), "%zx\r\n", data.len);
    buf_add_z(&x->queue, head);
    buf_add(&x->queue, data);
    buf_add(&x->queue, STR("\r\n"));
}

static void queue_last(struct http_exchange *x)
{
    if (!is_bodyless(x) && !x->http_1_0)
        buf_add(&x->queue, STR("0\r\n\r\n"));
}

/* loop->lock is held and is released. The loop is woken before: once it is released the loop may
 * see to x, end and be freed. */
static void post_and_unlock(struct http_exchange *x)
{
    struct http_loop *loop = x->loop;

    if (!loop->ended && loop_post_locked(loop, x))
        loop_wake(loop);
    pthread_mutex_unlock(&loop->lock);
}

void http_stream_start(struct http_exchange *x, int status, const char *content_type)
{
    x->events = content_type && str_starts(str_from_z(content_type), STR("text/event-stream"));
    x->close = x->close || x->http_1_0; /* its end is the connection's */
    reply_head(x, status, content_type);
    if (!x->http_1_0)
        buf_add(&x->out, STR("Transfer-Encoding: chunked\r\n"));
    buf_add(&x->out, STR("\r\n"));
    pthread_mutex_lock(&x->loop->lock);
    assert(x->state == ANSWER_NONE);
    x->state = ANSWER_STREAMING;
    post_and_unlock(x);
}

bool http_stream_write(struct http_exchange *x, struct str data)
{
    struct http_loop *loop = x->loop;
    size_t cap = loop->server->config.limits.max_stream_queue;

    pthread_mutex_lock(&loop->lock);
    assert(x->state == ANSWER_STREAMING);
    if (loop->ended)
        x->gone = true;
    if (x->gone || data.len == 0) { /* an empty chunk would be the last one */
        bool gone = x->gone;

        pthread_mutex_unlock(&loop->lock);
        return !gone;
    }
    if (data.len > cap || x->queue.len + x->unsent > cap - data.len) {
        x->gone = true;
    } else {
        queue_chunk(x, data);
    }
    bool taken = !x->gone;
    post_and_unlock(x);
    return taken;
}

void http_stream_end(struct http_exchange *x)
{
    struct http_loop *loop = x->loop;

    pthread_mutex_lock(&loop->lock);
    assert(x->state == ANSWER_STREAMING);
    x->state = ANSWER_ENDED;
    if (loop->ended) {
        pthread_mutex_unlock(&loop->lock);
        reply_late(x);
        return;
    }
    if (!x->gone)
        queue_last(x);
    post_and_unlock(x);
}

/* --- The loop's side. --- */

/* Takes what is queued into out, which is empty. False when there is nothing. */
static bool take_queue(struct connection *c)
{
    struct http_exchange *x = c->x;

    pthread_mutex_lock(&x->loop->lock);
    bool some = x->queue.len > 0;
    if (some) {
        struct buf taken = x->queue;

        x->queue = x->out;
        x->out = taken;
        buf_reset(&x->queue);
        x->unsent = x->out.len;
        c->out_at = 0;
    }
    pthread_mutex_unlock(&x->loop->lock);
    return some;
}

static void note_sent(struct http_exchange *x, size_t left)
{
    pthread_mutex_lock(&x->loop->lock);
    x->unsent = left;
    pthread_mutex_unlock(&x->loop->lock);
}

static bool send_out(struct connection *c)
{
    struct http_exchange *x = c->x;
    const struct http_limits *limits = &c->loop->server->config.limits;
    size_t before = c->out_at;

    while (c->out_at < x->out.len) {
        ptrdiff_t n = connection_send(c, x->out.ptr + c->out_at, x->out.len - c->out_at);

        if (n < 0) {
            connection_close(c);
            return false;
        }
        if (n == 0)
            break;
        c->out_at += (size_t)n;
    }
    bool blocked = c->out_at < x->out.len;
    if (before != c->out_at || !blocked) {
        int64_t silence_ms = blocked ? limits->reply_ms : limits->heartbeat_ms;
        bool watched = blocked || x->events;

        connection_deadline(c,
                            watched ? clock_monotonic_us() + silence_ms * US_PER_MS : HTTP_NEVER);
    }
    note_sent(x, x->out.len - c->out_at);
    connection_want_write(c, blocked);
    return !blocked;
}

void stream_flush(struct connection *c)
{
    struct http_exchange *x = c->x;

    do {
        if (!send_out(c))
            return;
    } while (take_queue(c));
    if (x->returned) {
        connection_end_answer(c);
    } else if (c->stopping) {
        connection_close(c);
    }
}

void stream_expire(struct connection *c)
{
    struct http_exchange *x = c->x;

    if (c->out_at < x->out.len) { /* not a byte taken for reply_ms */
        connection_close(c);
        return;
    }
    pthread_mutex_lock(&x->loop->lock);
    if (x->state == ANSWER_STREAMING && x->queue.len == 0)
        queue_chunk(x, STR(":\n\n"));
    pthread_mutex_unlock(&x->loop->lock);
    stream_flush(c);
}

void stream_stop(struct connection *c)
{
    struct http_exchange *x = c->x;

    pthread_mutex_lock(&x->loop->lock);
    if (x->state == ANSWER_STREAMING && !x->gone)
        queue_last(x);
    x->gone = true;
    pthread_mutex_unlock(&x->loop->lock);
    x->close = true;
    c->stopping = true;
    stream_flush(c);
}
