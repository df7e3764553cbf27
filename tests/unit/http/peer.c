#include "peer.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

/* Bytes of the first request in text, with its body; 0 if it is not complete. */
static size_t request_size(struct str text)
{
    struct str length;
    size_t head, at;
    int64_t n = 0;

    if (!str_find(text, STR("\r\n\r\n"), &head))
        return 0;
    head += 4;
    if (str_find(str_sub(text, 0, head), STR("Content-Length: "), &at)) {
        struct str rest = str_from(text, at + strlen("Content-Length: "));

        (void)str_cut(&rest, '\r', &length);
        CHECK(str_to_int(length, 0, 1 << 30, &n), "%.*s", STR_ARG(length));
    }
    return text.len >= head + (size_t)n ? head + (size_t)n : 0;
}

static bool read_request(struct peer *p, int fd, struct buf *got)
{
    char bytes[4096];
    size_t size;

    while (!(size = request_size(buf_str(got)))) {
        ssize_t n = recv(fd, bytes, sizeof(bytes), 0);

        if (n <= 0)
            return false;
        buf_add(got, (struct str){bytes, (size_t)n});
    }
    buf_add(&p->seen, str_sub(buf_str(got), 0, size));
    memmove(got->ptr, got->ptr + size, got->len - size);
    got->len -= size;
    atomic_fetch_add(&p->requests, 1);
    return true;
}

static void wait_for_end(int fd)
{
    char bytes[4096];

    while (recv(fd, bytes, sizeof(bytes), 0) > 0)
        ;
}

/* Serves steps on one connection; returns the next step. */
static size_t serve(struct peer *p, int fd, size_t step)
{
    struct buf got;

    buf_init(&got, 16 << 20);
    while (step < p->count && read_request(p, fd, &got)) {
        const struct peer_step *s = &p->steps[step++];

        if (s->reply)
            (void)!send(fd, s->reply, strlen(s->reply), MSG_NOSIGNAL);
        if (s->stall)
            wait_for_end(fd);
        if (s->close)
            break;
    }
    buf_done(&got);
    return step;
}

static void *peer_main(void *ctx)
{
    struct peer *p = ctx;
    size_t step = 0;
    int fd;

    while ((fd = accept(p->listen_fd, NULL, NULL)) >= 0) {
        atomic_fetch_add(&p->connections, 1);
        step = serve(p, fd, step);
        close(fd);
    }
    return NULL;
}

void peer_start(struct peer *p, const struct peer_step *steps, size_t count)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);

    *p = (struct peer){.steps = steps, .count = count};
    buf_init(&p->seen, 16 << 20);
    p->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(bind(p->listen_fd, (struct sockaddr *)&address, len) == 0 &&
              listen(p->listen_fd, 16) == 0,
          "listen");
    getsockname(p->listen_fd, (struct sockaddr *)&address, &len);
    p->port = ntohs(address.sin_port);
    snprintf(p->url, sizeof(p->url), "http://127.0.0.1:%u/x", (unsigned)p->port);
    pthread_create(&p->thread, NULL, peer_main, p);
}

void peer_stop(struct peer *p)
{
    shutdown(p->listen_fd, SHUT_RDWR); /* ends accept() */
    pthread_join(p->thread, NULL);
    close(p->listen_fd);
}

void peer_done(struct peer *p)
{
    buf_done(&p->seen);
}
