/* Listening sockets: one a loop on the same port (SO_REUSEPORT), so that no lock and no hand-over
 * is between accepting a connection and serving it. */
#include "base/log.h"
#include "http/server/internal.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <unistd.h>

#define ACCEPT_BATCH    64 /* connections taken at once, so that those served are not kept waiting */
#define ACCEPT_PAUSE_MS 100 /* out of descriptors: before the next try */

static bool bind_error(const struct http_server *s, struct err *err)
{
    const char *address = s->config.address;
    unsigned port = s->config.port;

    switch (errno) {
    case EADDRINUSE:
        return err_set(err, ERR_INVALID, "addressInUse",
                       "another program already listens on %s port %u", address, port);
    case EACCES:
        return err_set(err, ERR_DENIED, "addressDenied", "not allowed to listen on %s port %u",
                       address, port);
    case EADDRNOTAVAIL:
        return err_set(err, ERR_INVALID, "badAddress", "this machine has no address %s", address);
    default:
        return err_set(err, ERR_INTERNAL, "listenFailed", "cannot listen on %s port %u: %s",
                       address, port, strerrordesc_np(errno));
    }
}

static int socket_bound(const struct addrinfo *ai, uint16_t port, bool shared)
{
    struct sockaddr_storage address;
    int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int one = 1;

    if (fd < 0)
        return -1;
    memcpy(&address, ai->ai_addr, ai->ai_addrlen);
    if (ai->ai_family == AF_INET6) {
        ((struct sockaddr_in6 *)&address)->sin6_port = htons(port);
    } else {
        ((struct sockaddr_in *)&address)->sin_port = htons(port);
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)); /* accepted sockets inherit it */
    if (shared)
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
    if (bind(fd, (struct sockaddr *)&address, ai->ai_addrlen) != 0) {
        int why = errno;

        close(fd);
        errno = why;
        return -1;
    }
    return fd;
}

static uint16_t port_of(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address = {0};
    socklen_t len = sizeof(address);

    if (getsockname(fd, &address.any, &len) != 0)
        return 0;
    return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}

/* With SO_REUSEPORT a second server of the same user could share the port without anyone noticing,
 * so the address is first bound without it, which fails if anybody is there. */
static bool listen_all(struct http_server *s, const struct addrinfo *ai, struct err *err)
{
    bool shared = s->loop_count > 1;
    int probe = socket_bound(ai, s->config.port, false);

    if (probe < 0)
        return bind_error(s, err);
    s->port = port_of(probe);
    if (shared) {
        close(probe);
    } else {
        s->loops[0].listen_fd = probe;
    }
    for (unsigned i = 0; i < s->loop_count; i++) {
        struct http_loop *loop = &s->loops[i];

        if (shared)
            loop->listen_fd = socket_bound(ai, s->port, true);
        if (loop->listen_fd < 0 || listen(loop->listen_fd, SOMAXCONN) != 0)
            return bind_error(s, err);
    }
    return true;
}

bool listen_open(struct http_server *s, struct err *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *found;

    if (getaddrinfo(s->config.address, NULL, &hints, &found) != 0) {
        return err_set(err, ERR_INVALID, "badAddress", "'%s' is not an address of this machine",
                       s->config.address);
    }
    bool ok = listen_all(s, found, err);
    freeaddrinfo(found);
    return ok;
}

static void on_pause_over(evutil_socket_t fd, short what, void *ctx)
{
    struct http_loop *loop = ctx;

    (void)fd;
    (void)what;
    if (loop->listening)
        event_add(&loop->listen_event, NULL);
}

static void pause_accepting(struct http_loop *loop)
{
    struct timeval pause = {.tv_usec = ACCEPT_PAUSE_MS * 1000};

    log_event(LOG_WARNING, "http_accept_failed",
              LOG_TEXT("reason", str_from_z(strerrordesc_np(errno))));
    event_del(&loop->listen_event);
    event_add(&loop->listen_pause, &pause);
}

static void on_accept(evutil_socket_t fd, short what, void *ctx)
{
    struct http_loop *loop = ctx;

    (void)what;
    for (int i = 0; i < ACCEPT_BATCH; i++) {
        struct sockaddr_storage address;
        socklen_t len = sizeof(address);
        int peer = accept4(fd, (struct sockaddr *)&address, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (peer >= 0) {
            connection_open(loop, peer, &address);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            pause_accepting(loop);
            return;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return;
        } /* else the peer gave up while it waited: the next one */
    }
}

void listen_start(struct http_loop *loop)
{
    event_assign(&loop->listen_event, loop->base, loop->listen_fd, EV_READ | EV_PERSIST, on_accept,
                 loop);
    event_assign(&loop->listen_pause, loop->base, -1, 0, on_pause_over, loop);
    event_add(&loop->listen_event, NULL);
    loop->listening = true;
}

void listen_stop(struct http_loop *loop)
{
    if (!loop->listening)
        return;
    loop->listening = false;
    event_del(&loop->listen_event);
    event_del(&loop->listen_pause);
    close(loop->listen_fd);
    loop->listen_fd = -1;
}
