/* The life of a connection: reading, writing, deadlines, the end. */
#include "http/server/internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <unistd.h>

#define ROOM_TRIES 64 /* connections looked at when there is no place for another */

#define READ_ROUNDS 8 /* reads of one connection before the others are looked at */

static bool is_busy(enum connection_state state)
{
    return state != CONNECTION_HANDSHAKE && state != CONNECTION_IDLE && state != CONNECTION_CLOSED;
}

void connection_set_state(struct connection *c, enum connection_state state)
{
    c->loop->busy += (unsigned)is_busy(state) - (unsigned)is_busy(c->state);
    c->state = state;
}

/* --- Deadlines: one timer, which is moved only to an earlier time. Fired early, it is set again.
 * --- */

void connection_deadline(struct connection *c, int64_t at_us)
{
    c->deadline_us = at_us;
    if (at_us >= c->timer_us)
        return;
    int64_t left = at_us - clock_monotonic_us();
    if (left < 0)
        left = 0;
    struct timeval tv = {.tv_sec = left / US_PER_SECOND, .tv_usec = left % US_PER_SECOND};
    event_add(&c->timer, &tv);
    c->timer_us = at_us;
}

static void deadline_in(struct connection *c, int64_t ms)
{
    connection_deadline(c, clock_monotonic_us() + ms * US_PER_MS);
}

static void expire(struct connection *c)
{
    switch (c->state) {
    case CONNECTION_HEAD:
    case CONNECTION_BODY:
        parse_timed_out(c);
        break;
    case CONNECTION_STREAMING:
        stream_expire(c);
        break;
    case CONNECTION_HANDSHAKE:
    case CONNECTION_IDLE:
    case CONNECTION_HANDLING:
    case CONNECTION_REPLYING:
    case CONNECTION_LINGER:
        connection_close(c);
        break;
    case CONNECTION_CLOSED:
        break;
    }
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    struct connection *c = ctx;
    int64_t deadline = c->deadline_us;

    (void)fd;
    (void)what;
    c->timer_us = HTTP_NEVER;
    if (deadline == HTTP_NEVER)
        return;
    if (clock_monotonic_us() < deadline) {
        connection_deadline(c, deadline);
        return;
    }
    c->deadline_us = HTTP_NEVER;
    expire(c);
    connection_settle(c);
}

/* --- Reading. --- */

static void want_read(struct connection *c, bool want)
{
    if (want == c->reading)
        return;
    c->reading = want;
    if (want) {
        event_add(&c->read_event, NULL);
    } else {
        event_del(&c->read_event);
    }
}

void connection_want_write(struct connection *c, bool want)
{
    if (want == c->writing)
        return;
    c->writing = want;
    if (want) {
        event_add(&c->write_event, NULL);
    } else {
        event_del(&c->write_event);
    }
}

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
    if (c->pending.len >= HTTP_PENDING_MAX)
        want_read(c, false);
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

/* The peer sends no more. It may still wait for answers to what it sent. */
static void on_eof(struct connection *c)
{
    bool waits = c->state == CONNECTION_HANDLING || c->state == CONNECTION_REPLYING;

    if (!waits) {
        connection_close(c);
        return;
    }
    c->peer_eof = true;
    want_read(c, false);
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
    }
    if (c->state == CONNECTION_CLOSED)
        return;
    if (c->peer_eof) {
        if (is_parsing(c))
            connection_close(c);
    } else if (!c->reading && c->pending.len < HTTP_PENDING_MAX) {
        want_read(c, true);
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
    connection_set_state(c, CONNECTION_LINGER);
    deadline_in(c, HTTP_LINGER_MS);
    if (c->peer_eof) {
        connection_close(c);
    } else {
        want_read(c, true);
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
        deadline_in(c, c->loop->server->config.limits.idle_ms);
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
    if (c->state == CONNECTION_REPLYING)
        deadline_in(c, c->loop->server->config.limits.reply_ms);
}

/* --- Events. --- */

static void shake_hands(struct connection *c)
{
    switch (tls_accept(c)) {
    case TLS_DONE:
        connection_want_write(c, false);
        connection_set_state(c, CONNECTION_IDLE);
        connection_read(c);
        break;
    case TLS_AGAIN:
        break;
    case TLS_EOF:
    case TLS_BROKEN:
        connection_close(c);
        break;
    }
}

static void drop_input(struct connection *c)
{
    SSL *ssl = c->ssl;
    size_t n;

    c->ssl = NULL; /* the bytes as they are: nobody looks at them */
    enum tls_result result = receive(c, &n);
    c->ssl = ssl;
    if (result == TLS_EOF || result == TLS_BROKEN)
        connection_close(c);
}

static void continue_writing(struct connection *c)
{
    if (c->state == CONNECTION_REPLYING) {
        write_answer(c);
    } else if (c->state == CONNECTION_STREAMING) {
        stream_flush(c);
    }
    if (c->state != CONNECTION_CLOSED)
        connection_resume(c);
}

static void on_readable(evutil_socket_t fd, short what, void *ctx)
{
    struct connection *c = ctx;

    (void)fd;
    (void)what;
    if (c->state == CONNECTION_HANDSHAKE) {
        shake_hands(c);
    } else if (c->state == CONNECTION_LINGER) {
        drop_input(c);
    } else {
        connection_read(c);
    }
    if (c->write_wants_read && c->state != CONNECTION_CLOSED)
        continue_writing(c);
    connection_settle(c);
}

static void on_writable(evutil_socket_t fd, short what, void *ctx)
{
    struct connection *c = ctx;

    (void)fd;
    (void)what;
    if (c->state == CONNECTION_HANDSHAKE) {
        shake_hands(c);
    } else if (c->read_wants_write) {
        c->read_wants_write = false;
        connection_want_write(c,
                              c->state == CONNECTION_REPLYING || c->state == CONNECTION_STREAMING);
        connection_read(c);
    } else {
        continue_writing(c);
    }
    connection_settle(c);
}

/* --- Beginning and end. --- */

static void note_peer(struct connection *c, const struct sockaddr_storage *address)
{
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)address;
    const struct sockaddr_in *four = (const struct sockaddr_in *)address;

    memset(&c->peer_key, 0, sizeof(c->peer_key));
    if (address->ss_family == AF_INET6) {
        c->peer_key = six->sin6_addr;
    } else { /* as the IPv4-mapped address, so that both families share a key */
        c->peer_key.s6_addr[10] = c->peer_key.s6_addr[11] = 0xff;
        memcpy(&c->peer_key.s6_addr[12], &four->sin_addr, sizeof(four->sin_addr));
    }
    if (IN6_IS_ADDR_V4MAPPED(&c->peer_key)) {
        inet_ntop(AF_INET, &c->peer_key.s6_addr[12], c->peer, sizeof(c->peer));
    } else {
        inet_ntop(AF_INET6, &c->peer_key, c->peer, sizeof(c->peer));
    }
}

static struct connection *connection_take(struct http_loop *loop)
{
    struct connection *c = loop->free_connections;

    if (c) {
        loop->free_connections = c->next;
        loop->free_connection_count--;
    } else {
        c = mem_alloc(sizeof(*c));
    }
    *c = (struct connection){
        .loop = loop,
        .fd = -1,
        .state = CONNECTION_CLOSED,
        .deadline_us = HTTP_NEVER,
        .timer_us = HTTP_NEVER,
    };
    buf_init(&c->pending, 2 * HTTP_PENDING_MAX);
    return c;
}

static void connection_release(struct connection *c)
{
    struct http_loop *loop = c->loop;

    buf_done(&c->pending);
    if (loop->free_connection_count >= HTTP_FREE_MAX) {
        free(c);
        return;
    }
    c->next = loop->free_connections;
    loop->free_connections = c;
    loop->free_connection_count++;
}

void connection_free_all(struct http_loop *loop)
{
    while (loop->free_connections) {
        struct connection *c = loop->free_connections;

        loop->free_connections = c->next;
        free(c);
    }
}

/* Too many: said in one line to a plain client, as far as it fits into the socket. */
static void turn_away(struct http_loop *loop, int fd)
{
    static const char full[] = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n"
                               "Content-Length: 0\r\nRetry-After: 5\r\n\r\n";

    atomic_fetch_add_explicit(&loop->refused, 1, memory_order_relaxed);
    if (!loop->server->tls && send(fd, full, sizeof(full) - 1, MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
        shutdown(fd, SHUT_WR);
    close(fd);
}

/* When all places are taken, one that waits for nothing but its next request gives its up: of the
 * oldest of this loop, and not many are asked. */
static void make_room(struct http_loop *loop)
{
    struct connection *c = loop->oldest;

    for (int i = 0; c && i < ROOM_TRIES; i++, c = c->prev) {
        if (c->state != CONNECTION_IDLE)
            continue;
        connection_close(c);
        connection_settle(c);
        return;
    }
}

/* Counts the connection; false, and not counted, when there is no place for it. */
static bool enter(struct http_loop *loop, const struct connection *c)
{
    struct http_server *s = loop->server;
    unsigned max = s->config.limits.max_connections;

    if (!peers_enter(s->peers, &c->peer_key))
        return false;
    if (atomic_fetch_add(&s->open_now, 1) >= max) {
        make_room(loop);
        if (atomic_load(&s->open_now) > max) {
            atomic_fetch_sub(&s->open_now, 1);
            peers_leave(s->peers, &c->peer_key);
            return false;
        }
    }
    return true;
}

void connection_open(struct http_loop *loop, int fd, const struct sockaddr_storage *address)
{
    struct http_server *s = loop->server;
    struct connection *c = connection_take(loop);

    note_peer(c, address);
    if (!enter(loop, c)) {
        turn_away(loop, fd);
        connection_release(c);
        return;
    }
    atomic_fetch_add_explicit(&loop->connections_total, 1, memory_order_relaxed);
    c->fd = fd;
    c->state = CONNECTION_IDLE;
    c->next = loop->connections;
    *(c->next ? &c->next->prev : &loop->oldest) = c;
    loop->connections = c;
    event_assign(&c->read_event, loop->base, fd, EV_READ | EV_PERSIST, on_readable, c);
    event_assign(&c->write_event, loop->base, fd, EV_WRITE | EV_PERSIST, on_writable, c);
    event_assign(&c->timer, loop->base, -1, 0, on_timer, c);
    if (s->tls) {
        c->state = CONNECTION_HANDSHAKE;
        c->ssl = SSL_new(s->tls);
        if (!c->ssl || !SSL_set_fd(c->ssl, fd)) {
            connection_close(c);
            connection_settle(c);
            return;
        }
    }
    deadline_in(c, s->config.limits.head_ms);
    want_read(c, true);
}

static void leave_exchange(struct connection *c)
{
    struct http_exchange *x = c->x;

    if (!x)
        return;
    c->x = NULL;
    if (x->returned) {
        exchange_give_back(x);
        return;
    }
    x->connection = NULL;
    pthread_mutex_lock(&x->loop->lock);
    x->gone = true;
    pthread_mutex_unlock(&x->loop->lock);
}

void connection_close(struct connection *c)
{
    struct http_loop *loop = c->loop;

    if (c->state == CONNECTION_CLOSED)
        return;
    connection_set_state(c, CONNECTION_CLOSED);
    event_del(&c->timer);
    want_read(c, false);
    connection_want_write(c, false);
    leave_exchange(c);
    if (c->ssl) {
        SSL_shutdown(c->ssl);
        SSL_free(c->ssl);
        c->ssl = NULL;
    }
    close(c->fd);
    c->fd = -1;
    if (c->prev) {
        c->prev->next = c->next;
    } else {
        loop->connections = c->next;
    }
    *(c->next ? &c->next->prev : &loop->oldest) = c->prev;
    c->prev = c->next = NULL;
    peers_leave(loop->server->peers, &c->peer_key);
    atomic_fetch_sub(&loop->server->open_now, 1);
}

void connection_settle(struct connection *c)
{
    if (c->state == CONNECTION_CLOSED)
        connection_release(c);
}
