/* Any bytes as what a client sends. What must hold: every byte the server answers belongs to a
 * well-formed answer; a refusal is the last; and the answers do not depend on how the bytes were
 * cut into packets. The first two bytes of the input say where the cut is. No thread and no
 * network: a loop of the server is turned by hand on a socket pair. */
#include "http/server/internal.h"

#include <signal.h>
#include <unistd.h>

#define ANSWERS_MAX (4 << 20)

static void echo(struct http_exchange *x, void *ctx)
{
    (void)ctx;
    http_reply_header(x, "X-Method", str_from_z(http_method_name(http_request_method(x))));
    http_reply(x, 200, "text/plain", http_request_body(x));
}

static bool admit(struct http_exchange *x, void *ctx)
{
    (void)ctx;
    if (str_starts(http_request_query(x), STR("no")))
        http_reply(x, 401, NULL, STR(""));
    else
        return true;
    return false;
}

/* With the method, since an answer to HEAD has a length and no body. */
static void refuse(struct http_exchange *x, int status, const char *reason, void *ctx)
{
    (void)ctx;
    http_reply_header(x, "X-Method", str_from_z(http_method_name(http_request_method(x))));
    http_reply(x, status, "text/plain", str_from_z(reason));
}

static const struct http_route routes[] = {
    {.path = "/e*",
     .methods = 0x7f,
     .max_body = 100,
     .admit = admit,
     .handle = echo,
     .refuse = refuse},
    {.path = "*", .methods = 1u << HTTP_GET, .handle = echo, .refuse = refuse},
};

static struct http_loop *the_loop(void)
{
    static struct http_server server;
    static struct http_loop loop;

    if (loop.base)
        return &loop;
    signal(SIGPIPE, SIG_IGN);
    server.config.routes = routes;
    server.config.route_count = ARRAY_LEN(routes);
    server.config.limits = (struct http_limits){
        .max_head = 1000,
        .max_connections = 10,
        .max_per_peer = 10,
        .max_requests = 50,
        .head_ms = 10000,
        .body_min_rate = 1000,
        .body_grace_ms = 10000,
        .idle_ms = 10000,
        .reply_ms = 10000,
        .heartbeat_ms = 10000,
        .max_stream_queue = 10000,
    };
    server.loops = &loop;
    server.loop_count = 1;
    server.peers = peers_new(10);
    route_sort(&server);
    loop.listen_fd = -1;
    loop.thread = pthread_self();
    bool ok = loop_init(&loop, &server, NULL);
    assert(ok);
    return &loop;
}

static void turn(struct http_loop *loop, int fd, struct buf *answers)
{
    char bytes[16 * 1024];
    ssize_t n;

    event_base_loop(loop->base, EVLOOP_NONBLOCK);
    while ((n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
        buf_add(answers, (struct str){bytes, (size_t)n});
}

static void converse(struct str first, struct str second, struct buf *answers)
{
    static const struct sockaddr_storage address = {.ss_family = AF_INET};
    struct http_loop *loop = the_loop();
    int pair[2];
    bool ok = socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == 0;

    assert(ok);
    connection_open(loop, pair[1], &address);
    assert(loop->connections);
    if (first.len > 0) {
        (void)!send(pair[0], first.ptr, first.len, MSG_NOSIGNAL | MSG_DONTWAIT);
        turn(loop, pair[0], answers);
    }
    (void)!send(pair[0], second.ptr, second.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    turn(loop, pair[0], answers);
    shutdown(pair[0], SHUT_WR);
    for (int i = 0; loop->connections && i < 100; i++)
        turn(loop, pair[0], answers);
    assert(!loop->connections);
    assert(loop->busy == 0 && loop->in_flight == 0);
    turn(loop, pair[0], answers);
    close(pair[0]);
}

/* Walks the answers; leaves out what differs between two runs. */
static void check(struct str rest, struct buf *out)
{
    while (rest.len > 0) {
        struct str head, line, value;
        int64_t status, length = 0;
        bool closes = false, head_request = false, more = true;
        size_t end;

        assert(str_starts(rest, STR("HTTP/1.1 ")));
        assert(str_to_int(str_sub(rest, 9, 3), 100, 599, &status));
        assert(str_find(rest, STR("\r\n\r\n"), &end));
        head = str_sub(rest, 0, end + 2);
        rest = str_from(rest, end + 4);
        while (more && head.len > 0) {
            more = str_cut(&head, '\n', &line);
            value = line;
            (void)str_cut(&value, ' ', &line);
            if (str_eq(line, STR("Content-Length:")))
                assert(str_to_int(str_trim(value), 0, 1 << 20, &length));
            else if (str_eq(line, STR("Connection:")))
                closes = str_eq(str_trim(value), STR("close"));
            else if (str_eq(line, STR("X-Method:")))
                head_request = str_eq(str_trim(value), STR("HEAD"));
        }
        if (head_request || (closes && rest.len == 0))
            length = 0;
        assert(rest.len >= (size_t)length);
        if (closes && status >= 400) { /* of two things wrong, either may be named */
            buf_add(out, STR("refused"));
        } else {
            buf_addf(out, "%d:", (int)status);
            buf_add(out, str_sub(rest, 0, (size_t)length));
        }
        rest = str_from(rest, (size_t)length);
        assert(!closes || rest.len == 0);
        assert((status != 400 && status != 408 && status != 431 && status != 505) || closes);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf raw[2], seen[2];

    if (size < 2 || size > 60000)
        return 0;
    struct str all = {(const char *)data + 2, size - 2};
    size_t cut = all.len ? ((size_t)data[0] << 8 | data[1]) % (all.len + 1) : 0;
    for (int i = 0; i < 2; i++) {
        buf_init(&raw[i], ANSWERS_MAX);
        buf_init(&seen[i], ANSWERS_MAX);
        converse(i ? str_sub(all, 0, cut) : (struct str){0}, i ? str_from(all, cut) : all, &raw[i]);
        check(buf_str(&raw[i]), &seen[i]);
    }
    if (!str_eq(buf_str(&seen[0]), buf_str(&seen[1])))
        fprintf(stderr, "whole: %.*s\ncut at %zu: %.*s\n", STR_ARG(buf_str(&seen[0])), cut,
                STR_ARG(buf_str(&seen[1])));
    assert(str_eq(buf_str(&seen[0]), buf_str(&seen[1])));
    for (int i = 0; i < 2; i++) {
        buf_done(&raw[i]);
        buf_done(&seen[i]);
    }
    return 0;
}
