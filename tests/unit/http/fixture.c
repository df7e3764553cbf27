#include "fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

/* --- The server. --- */

static void hello(struct http_exchange *x, void *ctx)
{
    (void)ctx;
    http_reply(x, 200, "text/plain", STR("hello"));
}

static void echo(struct http_exchange *x, void *ctx)
{
    (void)ctx;
    http_reply_header(x, "X-Length", arena_printf(http_arena(x), "%zu", http_request_body(x).len));
    http_reply(x, 200, "text/plain", http_request_body(x));
}

static void big(struct http_exchange *x, void *ctx)
{
    (void)ctx;
    http_reply(x, 200, "text/plain", arena_printf(http_arena(x), "%zu", http_request_body(x).len));
}

static void worker(struct http_exchange *x, void *ctx)
{
    (void)ctx;
    http_reply(x, 200, "text/plain", STR("worker"));
}

static void hold(struct http_exchange *x, void *ctx)
{
    struct fixture *f = ctx;

    pthread_mutex_lock(&f->lock);
    f->held[f->held_count++] = x;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
}

/* Leaves the query for the others. */
static bool note_query(struct http_exchange *x, void *ctx)
{
    struct str *query = ARENA_NEW(http_arena(x), struct str);

    (void)ctx;
    *query = http_request_query(x);
    http_set_admission(x, query);
    return true;
}

static bool quick(struct http_exchange *x, void *ctx)
{
    const struct str *query = http_admission(x);

    if (str_eq(*query, STR("held"))) {
        hold(x, ctx);
        return true;
    }
    if (!str_eq(*query, STR("quick")))
        return false;
    http_reply(x, 200, "text/plain", STR("quick"));
    return true;
}

static void slow(struct http_exchange *x, void *ctx)
{
    const struct str *query = http_admission(x);

    (void)ctx;
    http_reply(x, 200, "text/plain", arena_printf(http_arena(x), "slow %.*s", STR_ARG(*query)));
}

static void seen(struct http_exchange *x, void *ctx)
{
    struct str test = http_request_header(x, "x-tEST");
    struct str query = http_request_query(x);
    struct str peer = http_request_peer(x);

    (void)ctx;
    http_reply(x, 200, "text/plain",
               arena_printf(http_arena(x), "%s|%.*s|%.*s|%.*s",
                            http_method_name(http_request_method(x)), STR_ARG(query), STR_ARG(test),
                            STR_ARG(peer)));
}

static void below(struct http_exchange *x, void *ctx)
{
    const char *text = ctx;

    http_reply(x, 200, "text/plain", str_from_z(text));
}

static bool count_admitted(struct http_exchange *x, void *ctx)
{
    struct fixture *f = ctx;

    (void)x;
    pthread_mutex_lock(&f->lock);
    f->admitted++;
    pthread_mutex_unlock(&f->lock);
    return true;
}

static bool turn_away(struct http_exchange *x, void *ctx)
{
    (void)ctx;
    http_reply_header(x, "WWW-Authenticate", STR("Bearer"));
    http_reply(x, 401, "text/plain", STR("who are you?"));
    return false;
}

static void refuse_json(struct http_exchange *x, int status, const char *reason, void *ctx)
{
    (void)ctx;
    http_reply(x, status, "application/json",
               arena_printf(http_arena(x), "{\"status\":%d,\"reason\":\"%s\"}", status, reason));
}

#define BIT(method) (1u << (method))

void fixture_start(struct fixture *f, struct http_server_config config)
{
    static char below_text[] = "below", posted_text[] = "posted";
    const struct http_route routes[] = {
        {.path = "/hello", .methods = BIT(HTTP_GET) | BIT(HTTP_HEAD), .handle = hello},
        {.path = "/echo",
         .methods = BIT(HTTP_POST) | BIT(HTTP_PUT),
         .max_body = ECHO_MAX,
         .admit = count_admitted,
         .handle = echo,
         .ctx = f},
        {.path = "/big", .methods = BIT(HTTP_POST), .max_body = 4 << 20, .handle = big},
        {.path = "/worker", .methods = BIT(HTTP_GET), .run = HTTP_ON_WORKER, .handle = worker},
        {.path = "/quick",
         .methods = BIT(HTTP_GET),
         .run = HTTP_ON_WORKER,
         .admit = note_query,
         .quick = quick,
         .handle = slow,
         .ctx = f},
        {.path = "/seen", .methods = BIT(HTTP_GET) | BIT(HTTP_OPTIONS), .handle = seen},
        {.path = "/held",
         .methods = BIT(HTTP_GET) | BIT(HTTP_POST) | BIT(HTTP_HEAD),
         .max_body = ECHO_MAX,
         .handle = hold,
         .ctx = f},
        {.path = "/closed",
         .methods = BIT(HTTP_POST),
         .max_body = 4 << 20,
         .admit = turn_away,
         .handle = hello},
        {.path = "/own",
         .methods = BIT(HTTP_GET) | BIT(HTTP_POST),
         .max_body = 10,
         .refuse = refuse_json,
         .handle = hello},
        {.path = "/below/*", .methods = BIT(HTTP_GET), .handle = below, .ctx = below_text},
        {.path = "/below/*",
         .methods = BIT(HTTP_POST),
         .max_body = 10,
         .handle = below,
         .ctx = posted_text},
        /* In an order that does not put together what belongs together. */
        {.path = "/twins/*", .methods = BIT(HTTP_GET), .handle = below, .ctx = below_text},
        {.path = "/twins/a", .methods = BIT(HTTP_GET), .handle = hello},
        {.path = "/twins/b", .methods = BIT(HTTP_GET), .handle = hello},
        {.path = "/twins/a",
         .methods = BIT(HTTP_POST),
         .max_body = 10,
         .handle = below,
         .ctx = posted_text},
    };
    struct err err;

    *f = (struct fixture){0};
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->changed, NULL);
    struct http_route *own = mem_alloc(sizeof(routes));
    memcpy(own, routes, sizeof(routes));
    config.address = "127.0.0.1";
    config.routes = own;
    config.route_count = ARRAY_LEN(routes);
    f->routes = own;
    CHECK(http_server_start(&config, &f->server, &err), "%s", err.message);
    f->port = http_server_port(f->server);
}

void fixture_stop(struct fixture *f)
{
    http_server_stop(f->server);
    pthread_mutex_destroy(&f->lock);
    pthread_cond_destroy(&f->changed);
    free(f->routes);
}

struct http_exchange *fixture_held(struct fixture *f)
{
    struct timespec until;
    struct http_exchange *x;
    int late = 0;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 10;
    pthread_mutex_lock(&f->lock);
    while (f->held_count == 0 && !late)
        late = pthread_cond_timedwait(&f->changed, &f->lock, &until);
    x = late ? NULL : f->held[0];
    if (x) {
        f->held_count--;
        memmove(f->held, f->held + 1, f->held_count * sizeof(f->held[0]));
    }
    pthread_mutex_unlock(&f->lock);
    CHECK(x, "no request to /held came");
    return x;
}

bool fixture_has_held(struct fixture *f)
{
    pthread_mutex_lock(&f->lock);
    bool has = f->held_count > 0;
    pthread_mutex_unlock(&f->lock);
    return has;
}

static void pause_shortly(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

void fixture_wait_open(struct fixture *f, uint64_t want)
{
    struct http_counters counters;

    for (int i = 0; i < 10000; i++) {
        http_server_counters(f->server, &counters);
        if (counters.open_now == want)
            return;
        pause_shortly();
    }
    CHECK(counters.open_now == want, "open %llu", (unsigned long long)counters.open_now);
}

/* --- Sockets. --- */

bool raw_try_connect(uint16_t port, int *out_fd)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    struct timeval patience = {.tv_sec = 10};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int one = 1;

    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        close(fd);
        return false;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    *out_fd = fd;
    return true;
}

int raw_connect(uint16_t port)
{
    int fd = -1;

    CHECK(raw_try_connect(port, &fd), "connect: %s", strerror(errno));
    return fd;
}

/* What the peer does not take any more is not an error: it may have refused already. */
void raw_send(int fd, struct str bytes)
{
    while (bytes.len > 0) {
        ssize_t n = send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);

        if (n < 0)
            return;
        bytes = str_from(bytes, (size_t)n);
    }
}

void raw_send_z(int fd, const char *text)
{
    raw_send(fd, str_from_z(text));
}

void raw_reader_init(struct raw_reader *r, int fd)
{
    *r = (struct raw_reader){.fd = fd, .arena = arena_new()};
    buf_init(&r->got, 64 << 20);
}

void raw_reader_done(struct raw_reader *r)
{
    close(r->fd);
    buf_done(&r->got);
    arena_free(r->arena);
}

bool raw_read_some(struct raw_reader *r)
{
    char bytes[16 * 1024];
    ssize_t n = recv(r->fd, bytes, sizeof(bytes), 0);

    CHECK(n >= 0 || errno == ECONNRESET, "recv: %s; so far: %.*s", strerror(errno),
          STR_ARG(buf_str(&r->got)));
    if (n > 0)
        buf_add(&r->got, (struct str){bytes, (size_t)n});
    return n > 0;
}

bool raw_at_end(struct raw_reader *r)
{
    return r->used == r->got.len && !raw_read_some(r);
}

static struct str rest_of(const struct raw_reader *r)
{
    return str_from(buf_str(&r->got), r->used);
}

/* Up to and with the next `end`. */
static struct str take_until(struct raw_reader *r, struct str end)
{
    size_t at;

    while (!str_find(rest_of(r), end, &at))
        CHECK(raw_read_some(r), "the connection ended in: %.*s", STR_ARG(rest_of(r)));
    struct str taken = arena_str(r->arena, str_sub(rest_of(r), 0, at + end.len));
    r->used += taken.len;
    return taken;
}

static struct str take_bytes(struct raw_reader *r, size_t n)
{
    while (rest_of(r).len < n)
        CHECK(raw_read_some(r), "the connection ended after %zu of %zu", rest_of(r).len, n);
    struct str taken = arena_str(r->arena, str_sub(rest_of(r), 0, n));
    r->used += n;
    return taken;
}

struct str raw_header(const struct raw_answer *a, const char *name)
{
    struct str rest = a->head, line, key;
    bool more = true;

    while (more) {
        more = str_cut(&rest, '\n', &line);
        if (str_cut(&line, ':', &key) && str_eq_ascii_nocase(key, str_from_z(name)))
            return str_trim(line);
    }
    return (struct str){0};
}

static struct str take_chunks(struct raw_reader *r)
{
    struct buf all;

    buf_init(&all, 64 << 20);
    for (;;) {
        struct str line = take_until(r, STR("\r\n"));
        size_t size = strtoul(line.ptr, NULL, 16);

        buf_add(&all, take_bytes(r, size));
        CHECK_STR(take_bytes(r, 2), "\r\n", "the chunk's end");
        if (size == 0)
            break;
    }
    struct str body = arena_str(r->arena, buf_str(&all));
    buf_done(&all);
    return body;
}

void raw_read(struct raw_reader *r, enum http_method method, struct raw_answer *out)
{
    int64_t length = 0, status;

    *out = (struct raw_answer){.head = take_until(r, STR("\r\n\r\n"))};
    CHECK(str_starts(out->head, STR("HTTP/1.1 ")) &&
              str_to_int(str_sub(out->head, 9, 3), 100, 999, &status),
          "%.*s", STR_ARG(out->head));
    out->status = (int)status;
    out->closes = str_eq(raw_header(out, "Connection"), STR("close"));
    if (method == HTTP_HEAD || status < 200 || status == 204 || status == 304)
        return;
    if (str_eq(raw_header(out, "Transfer-Encoding"), STR("chunked"))) {
        out->body = take_chunks(r);
        return;
    }
    CHECK(str_to_int(raw_header(out, "Content-Length"), 0, INT64_MAX, &length), "%.*s",
          STR_ARG(out->head));
    out->body = take_bytes(r, (size_t)length);
}

void raw_ask(uint16_t port, const char *request, struct raw_answer *out, struct raw_reader *r)
{
    raw_reader_init(r, raw_connect(port));
    raw_send_z(r->fd, request);
    raw_read(r, str_starts(str_from_z(request), STR("HEAD ")) ? HTTP_HEAD : HTTP_GET, out);
}
