/* The life of a connection: deadlines, events, beginning and end. */
#include "http/server/internal.h"

#include <unistd.h>

static bool is_busy(enum connection_state state)
{
    return state != CONNECTION_HANDSHAKE && state != CONNECTION_IDLE && state != CONNECTION_CLOSED;
}

void connection_set_state(struct connection *c, enum connection_state state)
{
    c->loop->busy += (unsigned)is_busy(state) - (unsigned)is_busy(c->state);
    c->state_began = ++c->loop->state_changes;
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

void connection_deadline_in(struct connection *c, int64_t ms)
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

/* --- Events. --- */

void connection_want_read(struct connection *c, bool want)
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

static void on_readable(evutil_socket_t fd, short what, void *ctx)
{
    struct connection *c = ctx;

    (void)fd;
    (void)what;
    if (c->state == CONNECTION_HANDSHAKE) {
        shake_hands(c);
    } else if (c->state == CONNECTION_LINGER) {
        connection_drop_input(c);
    } else {
        connection_read(c);
    }
    if (c->write_wants_read && c->state != CONNECTION_CLOSED)
        connection_continue(c);
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
        connection_continue(c);
    }
    connection_settle(c);
}

/* --- Beginning and end. --- */

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

void connection_open(struct http_loop *loop, int fd, const struct sockaddr_storage *address)
{
    struct http_server *s = loop->server;
    struct connection *c = connection_take(loop);

    places_note_peer(c, address);
    if (!places_enter(loop, c)) {
        places_turn_away(loop, fd);
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
    connection_deadline_in(c, s->config.limits.head_ms);
    connection_want_read(c, true);
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
    connection_want_read(c, false);
    connection_want_write(c, false);
    leave_exchange(c);
    buf_done(&c->pending);
    (void)memory_hold_pending(c);
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
