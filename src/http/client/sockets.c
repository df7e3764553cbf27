#include "http/client/sockets.h"

#include "base/arena.h"
#include "http/client/lane.h"

#include <event2/event_struct.h>
#include <sys/socket.h>
#include <unistd.h>

struct watch { /* of one socket */
    struct http_sockets *sockets;
    struct event read_event, write_event;
    int wanted; /* CURL_POLL_... */
    bool reading, writing;
    bool ours;              /* its closing is seen */
    struct http_lane *lane; /* that it is the socket of; NULL: libcurl's */
};

static void set_event(struct event *event, bool *is, bool want)
{
    if (*is == want)
        return;
    *is = want;
    if (want) {
        event_add(event, NULL);
    } else {
        event_del(event);
    }
}

static void on_socket(evutil_socket_t fd, short what, void *ctx)
{
    struct watch *w = ctx;
    bool can_read = what & EV_READ, can_write = what & EV_WRITE;
    int running;

    if (w->lane) {
        lane_ready(w->lane, can_read, can_write);
        return;
    }
    if (can_read &&
        !(w->wanted & CURL_POLL_IN)) { /* closed by the peer, most likely: seen at its next use */
        set_event(&w->read_event, &w->reading, false);
        return;
    }
    curl_multi_socket_action(w->sockets->multi, fd,
                             (can_read ? CURL_CSELECT_IN : 0) | (can_write ? CURL_CSELECT_OUT : 0),
                             &running);
}

static struct watch *watch_of(struct http_sockets *s, curl_socket_t fd)
{
    size_t i = (size_t)fd;

    if (i >= s->watches_cap) {
        size_t cap = i * 2 + 64;

        s->watches = mem_realloc(s->watches, cap * sizeof(struct watch *));
        memset(s->watches + s->watches_cap, 0, (cap - s->watches_cap) * sizeof(struct watch *));
        s->watches_cap = cap;
    }
    if (!s->watches[i]) {
        struct watch *w = mem_alloc(sizeof(*w));

        w->sockets = s;
        event_assign(&w->read_event, s->base, fd, EV_READ | EV_PERSIST, on_socket, w);
        event_assign(&w->write_event, s->base, fd, EV_WRITE | EV_PERSIST, on_socket, w);
        s->watches[i] = w;
    }
    return s->watches[i];
}

int sockets_wish(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket_ctx)
{
    struct http_sockets *s = ctx;
    struct watch *w = watch_of(s, fd);

    (void)easy;
    (void)socket_ctx;
    w->wanted = what == CURL_POLL_REMOVE ? 0 : what;
    if (w->wanted & CURL_POLL_IN) {
        set_event(&w->read_event, &w->reading, true);
    } else if (!w->ours) {
        set_event(&w->read_event, &w->reading, false);
    }
    set_event(&w->write_event, &w->writing, w->wanted & CURL_POLL_OUT);
    return 0;
}

void sockets_watch_lane(struct http_sockets *s, int fd, struct http_lane *lane, bool writing)
{
    struct watch *w = watch_of(s, fd);

    w->lane = lane;
    set_event(&w->read_event, &w->reading, true);
    set_event(&w->write_event, &w->writing, writing);
}

int sockets_open(void *ctx, int family, int type, int protocol)
{
    struct http_sockets *s = ctx;
    int fd = socket(family, type | SOCK_CLOEXEC, protocol);

    if (fd >= 0)
        watch_of(s, fd)->ours = true;
    return fd;
}

int sockets_close(void *ctx, curl_socket_t fd)
{
    struct http_sockets *s = ctx;

    if ((size_t)fd < s->watches_cap && s->watches[fd]) {
        struct watch *w = s->watches[fd];

        set_event(&w->read_event, &w->reading, false);
        set_event(&w->write_event, &w->writing, false);
        s->watches[fd] = NULL;
        free(w);
    }
    return close(fd);
}

void sockets_done(struct http_sockets *s)
{
    for (size_t i = 0; i < s->watches_cap; i++) {
        assert(!s->watches[i] || !s->watches[i]->reading);
        free(s->watches[i]);
    }
    free(s->watches);
    *s = (struct http_sockets){.base = NULL};
}
