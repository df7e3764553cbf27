/* What goes over a connection: requests from the socket to the parser, answers to the socket. */
#include "http/server/internal.h"

#include <errno.h>

#define READ_ROUNDS 8 /* reads of one connection before the others are looked at */

/* --- Reading. --- */

static bool is_parsing(const struct connection *c)
{
    return c->state == CONNECTION_IDLE || c->state == CONNECTION_HEAD ||
           c->state == CONNECTION_BODY;
}

/* Parses as far as requests can be served now; keeps the rest for when the answer is sent. */
static void feed(struct connection *c, const char *p, size_t n)
{
    while (n > 0 && is_parsing(c)) {
        size_t used = parse_feed(c, p, n);

        p += used;
        n -= used;
    }
    if (n == 0 || c->state == CONNECTION_CLOSED || c->state == CONNECTION_LINGER)
        return;
    buf_add(&c->pending, (struct str){p, n});
    if (!memory_hold_pending(c)) {
        connection_close(c);
        return;
    }
    if (c->pending.len >= HTTP_PENDING_MAX)
        connection_want_read(c, false);
}

static enum tls_result receive(struct connection *c, size_t *out_n)
{
    ssize_t n;

    if (c->ssl)
        return tls_read(c, c->loop->input, HTTP_READ_MAX, out_n);
    do {
        n = recv(c->fd, c->loop->input, HTTP_READ_MAX, 0);
    } while (n < 0 && errno == EINTR);
    if (n > 0) {
        *out_n = (size_t)n;
        return TLS_DONE;
    }
    if (n == 0)
        return TLS_EOF;
    return errno == EAGAIN || errno == EWOULDBLOCK ? TLS_AGAIN : TLS_BROKEN;
}

void connection_drop_input(struct connection *c)
{
    SSL *ssl = c->ssl;
    size_t n;

    c->ssl = NULL; /* the bytes as they are: nobody looks at them */
    enum tls_result result = receive(c, &n);
    c->ssl = ssl;
    if (result == TLS_EOF || result == TLS_BROKEN)
        connection_close(c);
}

/* The peer sends no more. It may still wait for answers to what it sent. */
static void on_eof(struct connection *c)
{
    bool waits = c->state == CONNECTION_HANDLING || c->state == CONNECTION_REPLYING;

    if (!waits) {
        connection_close(c);
        return;
    }
    c->peer_eof = true;
    connection_want_read(c, false);
}

void connection_read(struct connection *c)
{
    bool more = true;
    int rounds = 0;

    /* A short read from a plain socket has emptied it; the descriptor of TLS does not become
     * readable again for bytes that OpenSSL already holds. */
    while (more && c->state != CONNECTION_CLOSED && !c->peer_eof &&
           c->pending.len < HTTP_PENDING_MAX) {
        size_t n;

        if (rounds++ == READ_ROUNDS) { /* the others' turn; again in the next round of the loop */
            if (c->reading)
                event_active(&c->read_event, EV_READ, 0);
            return;
        }
        switch (receive(c, &n)) {
        case TLS_DONE:
            more = c->ssl || n == HTTP_READ_MAX;
            feed(c, c->loop->input, n);
            break;
        case TLS_AGAIN:
            return;
        case TLS_EOF:
            on_eof(c);
            return;
        case TLS_BROKEN:
            connection_close(c);
            return;
        }
    }
}

void connection_resume(struct connection *c)
{
    while (c->pending.len > 0 && is_parsing(c)) {
        struct buf pending = c->pending;

        buf_init(&c->pending, 2 * HTTP_PENDING_MAX);
        feed(c, pending.ptr, pending.len);
        buf_done(&pending);
        (void)memory_hold_pending(c); /* never more than before */
    }
    if (c->state == CONNECTION_CLOSED)
        return;
    if (c->peer_eof) {
        if (is_parsing(c))
            connection_close(c);
    } else if (!c->reading && c->pending.len < HTTP_PENDING_MAX) {
        connection_want_read(c, true);
        if (c->ssl)
            connection_read(c);
    }
}

/* --- Writing. --- */

ptrdiff_t connection_send(struct connection *c, const char *p, size_t n)
{
    ssize_t sent;

    if (c->ssl) {
        size_t count = 0;

        switch (tls_write(c, p, n, &count)) {
        case TLS_DONE:
            return (ptrdiff_t)count;
        case TLS_AGAIN:
            return 0;
        case TLS_EOF:
        case TLS_BROKEN:
            return -1;
        }
    }
    do {
        sent = send(c->fd, p, n, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent >= 0)
        return sent;
    return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
}

/* A close while the peer still sends would make the kernel reset the connection and take the answer
 * away from it; so it is half-closed and what still comes is thrown away for a moment. */
static void linger(struct connection *c)
{
    if (c->ssl)
        SSL_shutdown(c->ssl);
    shutdown(c->fd, SHUT_WR);
    buf_reset(&c->pending);
    (void)memory_hold_pending(c);
    connection_set_state(c, CONNECTION_LINGER);
    connection_deadline_in(c, HTTP_LINGER_MS);
    if (c->peer_eof) {
        connection_close(c);
    } else {
        connection_want_read(c, true);
    }
}

void connection_end_answer(struct connection *c)
{
    struct http_exchange *x = c->x;
    bool close_now = x->close, whole = c->message_done;

    connection_want_write(c, false);
    if (whole || close_now) {
        c->x = NULL;
        exchange_give_back(x);
    }
    if (close_now && whole && c->pending.len == 0) {
        connection_close(c);
    } else if (close_now) {
        linger(c);
    } else if (!whole) { /* answered before the body came */
        connection_set_state(c, CONNECTION_BODY);
        parse_body_deadline(c);
    } else {
        connection_set_state(c, CONNECTION_IDLE);
        connection_deadline_in(c, c->loop->server->config.limits.idle_ms);
    }
}

static void write_answer(struct connection *c)
{
    struct http_exchange *x = c->x;

    while (c->out_at < x->out.len) {
        ptrdiff_t n = connection_send(c, x->out.ptr + c->out_at, x->out.len - c->out_at);

        if (n < 0) {
            connection_close(c);
            return;
        }
        if (n == 0) {
            connection_want_write(c, !c->write_wants_read);
            return;
        }
        c->out_at += (size_t)n;
    }
    connection_end_answer(c);
}

void connection_answered(struct connection *c, struct http_exchange *x)
{
    if (x->status >= 500)
        atomic_fetch_add_explicit(&c->loop->replies_5xx, 1, memory_order_relaxed);
    connection_set_state(c, CONNECTION_REPLYING);
    c->out_at = 0;
    write_answer(c);
    if (c->state != CONNECTION_REPLYING)
        return;
    if (memory_hold_exchange(c, x->body.len + x->out.len)) {
        connection_deadline_in(c, c->loop->server->config.limits.reply_ms);
    } else {
        connection_close(c);
    }
}

void connection_continue(struct connection *c)
{
    if (c->state == CONNECTION_REPLYING) {
        write_answer(c);
    } else if (c->state == CONNECTION_STREAMING) {
        stream_flush(c);
    }
    if (c->state != CONNECTION_CLOSED)
        connection_resume(c);
}
