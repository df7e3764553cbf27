/* One thread of the server: its event base, what other threads post to it, and how it drains and
 * ends. */
#include "http/server/internal.h"

#include <errno.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

bool loop_is_here(const struct http_loop *loop, const struct http_exchange *x)
{
    return pthread_equal(loop->thread, pthread_self()) && loop->current == x;
}

void loop_wake(struct http_loop *loop)
{
    uint64_t one = 1;

    while (write(loop->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR)
        ;
}

bool loop_post_locked(struct http_loop *loop, struct http_exchange *x)
{
    bool first = !loop->posted_first;

    if (x->posted)
        return false;
    x->posted = true;
    x->next = NULL;
    if (first) {
        loop->posted_first = x;
    } else {
        loop->posted_last->next = x;
    }
    loop->posted_last = x;
    return first;
}

/* One posted exchange, as it is at this moment. They are taken one at a time because the writer of
 * a stream may post it again as soon as it is off the list. */
static struct http_exchange *take_posted(struct http_loop *loop, enum answer_state *out_state,
                                         bool *out_gone)
{
    pthread_mutex_lock(&loop->lock);
    struct http_exchange *x = loop->posted_first;
    if (x) {
        loop->posted_first = x->next;
        x->posted = false;
        *out_state = x->state;
        *out_gone = x->gone;
    }
    pthread_mutex_unlock(&loop->lock);
    return x;
}

static void handle_posted(struct http_exchange *x, enum answer_state state, bool gone)
{
    struct connection *c = x->connection;

    if (state == ANSWER_REPLIED || state == ANSWER_ENDED)
        exchange_returned(x);
    if (!c) {
        if (x->returned)
            exchange_give_back(x);
        return;
    }
    if (state == ANSWER_REPLIED) {
        connection_answered(c, x);
        connection_resume(c);
    } else if (gone && !c->stopping) {
        connection_close(c);
    } else {
        if (c->state == CONNECTION_HANDLING) {
            connection_set_state(c, CONNECTION_STREAMING);
            c->out_at = 0;
        }
        if (x->loop->draining && state == ANSWER_STREAMING) {
            stream_stop(c);
        } else {
            stream_flush(c);
        }
        if (c->state != CONNECTION_CLOSED)
            connection_resume(c);
    }
    connection_settle(c);
}

static void on_drain_over(evutil_socket_t fd, short what, void *ctx)
{
    struct http_loop *loop = ctx;

    (void)fd;
    (void)what;
    event_base_loopbreak(loop->base);
}

static void begin_drain(struct http_loop *loop)
{
    int64_t ms = loop->server->config.limits.drain_ms;
    struct timeval grace = {.tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000};

    loop->draining = true;
    listen_stop(loop);
    event_add(&loop->drain_timer, &grace);
    for (struct connection *c = loop->connections, *next; c; c = next) {
        next = c->next;
        if (c->state == CONNECTION_STREAMING) {
            stream_stop(c);
            connection_settle(c);
        }
    }
}

/* Ends the loop when nothing is under way any more. Connections that only wait get one more look: a
 * request may have arrived in the meantime and is owed its 503. */
static void check_drained(struct http_loop *loop)
{
    if (loop->busy > 0)
        return;
    for (struct connection *c = loop->connections, *next; c; c = next) {
        next = c->next;
        if (c->state == CONNECTION_IDLE)
            connection_read(c);
        if (c->state == CONNECTION_IDLE || c->state == CONNECTION_HANDSHAKE)
            connection_close(c);
        connection_settle(c);
    }
    if (!loop->connections)
        event_base_loopbreak(loop->base);
}

static void on_wake(evutil_socket_t fd, short what, void *ctx)
{
    struct http_loop *loop = ctx;
    enum answer_state state;
    uint64_t count;
    bool gone, drain;

    (void)what;
    while (read(fd, &count, sizeof(count)) < 0 && errno == EINTR)
        ;
    for (struct http_exchange *x; (x = take_posted(loop, &state, &gone));)
        handle_posted(x, state, gone);
    pthread_mutex_lock(&loop->lock);
    drain = loop->drain_asked;
    pthread_mutex_unlock(&loop->lock);
    if (drain && !loop->draining)
        begin_drain(loop);
}

bool loop_init(struct http_loop *loop, struct http_server *s, struct err *err)
{
    struct event_config *config = event_config_new();

    loop->server = s;
    pthread_mutex_init(&loop->lock, NULL);
    if (config) { /* other threads reach it through wake_fd only */
        event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
        loop->base = event_base_new_with_config(config);
        event_config_free(config);
    }
    loop->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (!loop->base || loop->wake_fd < 0) {
        return err_set(err, ERR_INTERNAL, "eventLoop", "cannot make an event loop: %s",
                       strerrordesc_np(errno));
    }
    loop->input = mem_alloc(HTTP_READ_MAX);
    event_assign(&loop->wake_event, loop->base, loop->wake_fd, EV_READ | EV_PERSIST, on_wake, loop);
    event_assign(&loop->drain_timer, loop->base, -1, 0, on_drain_over, loop);
    event_add(&loop->wake_event, NULL);
    return true;
}

void loop_done(struct http_loop *loop)
{
    if (loop->listen_fd >= 0)
        close(loop->listen_fd);
    if (loop->base) {
        event_del(&loop->wake_event);
        event_base_free(loop->base);
    }
    if (loop->wake_fd >= 0)
        close(loop->wake_fd);
    free(loop->input);
    pthread_mutex_destroy(&loop->lock);
}

/* What is still with a handler keeps the server's memory; what has just been posted goes now. */
static void loop_end(struct http_loop *loop)
{
    struct http_server *s = loop->server;
    enum answer_state state;
    bool gone;

    listen_stop(loop);
    event_del(&loop->drain_timer);
    while (loop->connections) {
        struct connection *c = loop->connections;

        connection_close(c);
        connection_settle(c);
    }
    for (;;) {
        struct http_exchange *x = take_posted(loop, &state, &gone);

        if (x) {
            handle_posted(x, state, gone);
            continue;
        }
        pthread_mutex_lock(&loop->lock);
        if (!loop->posted_first) {
            atomic_fetch_add(&s->refs, loop->in_flight);
            loop->ended = true;
            pthread_mutex_unlock(&loop->lock);
            break;
        }
        pthread_mutex_unlock(&loop->lock);
    }
    connection_free_all(loop);
    while (loop->free_exchanges) {
        struct http_exchange *x = loop->free_exchanges;

        loop->free_exchanges = x->next;
        exchange_free(x);
    }
}

static void *loop_main(void *ctx)
{
    struct http_loop *loop = ctx;

    loop->thread = pthread_self();
    pthread_setname_np(loop->thread, "usher-http");
    listen_start(loop);
    /* Turn by turn, so that the end of a drain is seen outside all callbacks. */
    while (!event_base_got_break(loop->base)) {
        event_base_loop(loop->base, EVLOOP_ONCE);
        if (loop->draining && !event_base_got_break(loop->base))
            check_drained(loop);
    }
    loop_end(loop);
    return NULL;
}

bool loop_start(struct http_loop *loop, struct err *err)
{
    sigset_t all, before;
    int failed;

    sigfillset(&all); /* signals are for the threads of the program that asked for them */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = pthread_create(&loop->handle, NULL, loop_main, loop);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed) {
        return err_set(err, ERR_INTERNAL, "threadFailed", "cannot start a thread: %s",
                       strerrordesc_np(failed));
    }
    return true;
}

void loop_drain(struct http_loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    loop->drain_asked = true;
    pthread_mutex_unlock(&loop->lock);
    loop_wake(loop);
}
