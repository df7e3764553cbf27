/* What the client makes of answers on a kept-alive HTTP/1.1 connection. */
#include "base/clock.h"
#include "fixture.h"
#include "http/client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

struct got {
    unsigned done;
    enum http_failure failure;
    int status;
    char body[64], etag[64], reason[256];
};

static void note(void *ctx, const struct http_answer *a)
{
    struct got *g = ctx;

    g->done++;
    g->failure = a->failure;
    g->status = a->status;
    snprintf(g->body, sizeof(g->body), "%.*s", STR_ARG(a->body));
    snprintf(g->etag, sizeof(g->etag), "%.*s", STR_ARG(a->etag));
    snprintf(g->reason, sizeof(g->reason), "%s", a->reason);
}

/* A server in the test's own thread: the client is turned until bytes have come to it. */
struct far {
    int listen_fd, fd;
    char url[64];
};

static void far_start(struct far *f)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);

    f->fd = -1;
    f->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(bind(f->listen_fd, (struct sockaddr *)&address, len) == 0 &&
              listen(f->listen_fd, 16) == 0,
          "listen");
    getsockname(f->listen_fd, (struct sockaddr *)&address, &len);
    snprintf(f->url, sizeof(f->url), "http://127.0.0.1:%u/x", (unsigned)ntohs(address.sin_port));
}

static void far_stop(struct far *f)
{
    if (f->fd >= 0)
        close(f->fd);
    close(f->listen_fd);
}

static struct http_client *client_new(unsigned connections)
{
    struct http_client_config config = {
        .max_connections = connections, .timeout_ms = 2000, .max_answer = 40};
    struct http_client *c;
    struct err err;

    CHECK(http_client_new(&config, &c, &err), "%s", err.message);
    return c;
}

static void send_one(struct http_client *c, struct far *f, enum http_method method, struct got *g)
{
    *g = (struct got){0};
    http_client_send(c, &(struct http_call_options){.method = method, .url = str_from_z(f->url)},
                     note, g);
}

/* Takes the connection when there is none yet, and one request. */
static void far_read(struct far *f, struct http_client *c)
{
    char bytes[4096];
    size_t len = 0;

    if (f->fd < 0) {
        http_client_run(c, 10);
        f->fd = accept(f->listen_fd, NULL, NULL);
    }
    while (len < 4 || memcmp(bytes + len - 4, "\r\n\r\n", 4) != 0) {
        ssize_t n;

        http_client_run(c, 0);
        n = recv(f->fd, bytes + len, sizeof(bytes) - len, MSG_DONTWAIT);
        CHECK(n != 0, "closed by the client");
        len += n > 0 ? (size_t)n : 0;
    }
}

static void far_say(struct far *f, struct str s)
{
    CHECK(send(f->fd, s.ptr, s.len, MSG_NOSIGNAL) == (ssize_t)s.len, "send");
}

static void wait_for(struct http_client *c, struct got *g)
{
    for (int i = 0; i < 100 && !g->done; i++)
        http_client_run(c, 100);
    CHECK(g->done == 1, "%u", g->done);
}

#define HEAD_GZIP "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
#define HELLO_GZIP                                                                 \
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\x48\xcd\xc9\xc9\x07\x00\x86\xa6" \
    "\x10\x36\x05\x00\x00\x00"

/* Each comes whole, and then once more a byte at a time. */
static void reads_every_shape(void **state)
{
    static const struct {
        const char *label;
        struct str reply;
        int status;
        const char *body, *etag;
        enum http_failure failure;
        enum http_method method;
        bool closes; /* the server does, to end it */
        bool goes;   /* the client does not use the connection again */
    } cases[] = {
        {"with a length", STR_INIT("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"), 200,
         "hello", .method = HTTP_GET},
        {"headers in odd forms",
         STR_INIT(
             "HTTP/1.1 200\r\nETag:W/\"1\"  \r\nX-None:\r\nETAG: 2\r\nContent-Length:0\r\n\r\n"),
         200, "", "W/\"1\"", .method = HTTP_GET},
        {"in chunks, with a trailer",
         STR_INIT("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n"
                  "0\r\nETag: late\r\n\r\n"),
         200, "hello", .method = HTTP_GET},
        {"no content", STR_INIT("HTTP/1.1 204 No Content\r\n\r\n"), 204, "", .method = HTTP_DELETE},
        {"after 100 Continue",
         STR_INIT("HTTP/1.1 100 Continue\r\nETag: no\r\n\r\nHTTP/1.1 201 Created\r\nETag: yes\r\n"
                  "Content-Length: 2\r\n\r\n{}"),
         201, "{}", "yes", .method = HTTP_GET},
        {"of HEAD", STR_INIT("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"), 200, "",
         .method = HTTP_HEAD},
        {"packed", STR_INIT(HEAD_GZIP "19\r\n" HELLO_GZIP "\r\n0\r\n\r\n"), 200, "hello",
         .method = HTTP_GET},
        {"packed, empty", STR_INIT(HEAD_GZIP "0\r\n\r\n"), 200, "", .method = HTTP_GET},
        {"up to the end", STR_INIT("HTTP/1.1 200 OK\r\n\r\nhello"), 200, "hello",
         .method = HTTP_GET, .closes = true, .goes = true},
        {"as the last one",
         STR_INIT("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello"), 200,
         "hello", .method = HTTP_GET, .goes = true},
        {"of HTTP/1.0", STR_INIT("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello"), 200, "hello",
         .method = HTTP_GET, .goes = true},
        {"packed, cut off",
         STR_INIT(HEAD_GZIP "a\r\n\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff\r\n0\r\n\r\n"),
         .failure = HTTP_NOT_HTTP, .method = HTTP_GET, .goes = true},
        {"packed otherwise",
         STR_INIT("HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 5\r\n\r\nhello"),
         .failure = HTTP_NOT_HTTP, .method = HTTP_GET, .goes = true},
        {"too large",
         STR_INIT("HTTP/1.1 200 OK\r\nContent-Length: 41\r\n\r\n0123456789012345678901234"
                  "567890123456789x"),
         .failure = HTTP_TOO_LARGE, .method = HTTP_GET, .goes = true},
        {"cut off in the head", STR_INIT("HTTP/1.1 200 OK\r\nContent-Le"), .failure = HTTP_DROPPED,
         .method = HTTP_GET, .closes = true, .goes = true},
        {"two lengths",
         STR_INIT("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello"),
         .failure = HTTP_NOT_HTTP, .method = HTTP_GET, .goes = true},
    };

    (void)state;
    for (size_t i = 0; i < 2 * ARRAY_LEN(cases); i++) {
        const char *label = cases[i / 2].label;
        struct str reply = cases[i / 2].reply;
        struct http_client *c = client_new(1);
        char byte;
        struct far f;
        struct got g;

        far_start(&f);
        send_one(c, &f, cases[i / 2].method, &g);
        far_read(&f, c);
        for (size_t at = 0; at < reply.len && !g.done; at += i % 2 ? 1 : reply.len) {
            far_say(&f, i % 2 ? str_sub(reply, at, 1) : reply);
            http_client_run(c, 0);
        }
        if (cases[i / 2].closes)
            shutdown(f.fd, SHUT_WR);
        wait_for(c, &g);
        CHECK(g.failure == cases[i / 2].failure, "%s: %s", label, g.reason);
        CHECK(g.failure != HTTP_OK || g.status == cases[i / 2].status, "%s: %d", label, g.status);
        if (g.failure == HTTP_OK) {
            CHECK_STR(str_from_z(g.body), cases[i / 2].body, "%s", label);
            CHECK_STR(str_from_z(g.etag), cases[i / 2].etag ? cases[i / 2].etag : "", "%s", label);
        }
        ssize_t n = recv(f.fd, &byte, 1, MSG_DONTWAIT);
        CHECK((n == 0 || (n < 0 && errno == ECONNRESET)) == cases[i / 2].goes, "%s: kept or closed",
              label);
        http_client_free(c);
        far_stop(&f);
    }
}

/* What nobody asked for must not be taken for the answer to the next request. */
static void does_not_believe_what_comes_unasked(void **state)
{
    struct http_client *c = client_new(1);
    struct far f;
    struct got g;
    char byte;

    (void)state;
    far_start(&f);
    send_one(c, &f, HTTP_GET, &g);
    far_read(&f, c);
    far_say(&f, STR("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 200 OK\r\n"
                    "Content-Length: 1\r\n\r\nb"));
    wait_for(c, &g);
    CHECK_STR(str_from_z(g.body), "a", "%s", g.reason);
    CHECK(recv(f.fd, &byte, 1, 0) <= 0, "the client closes it");
    close(f.fd);
    f.fd = -1;
    send_one(c, &f, HTTP_GET, &g);
    far_read(&f, c);
    far_say(&f, STR("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nc"));
    wait_for(c, &g);
    CHECK_STR(str_from_z(g.body), "c", "%s", g.reason);
    http_client_free(c);
    far_stop(&f);
}

static void far_close(struct far *f)
{
    close(f->fd);
    f->fd = -1;
}

static void answer(struct http_client *c, struct far *f, enum http_method method)
{
    struct got g;

    send_one(c, f, method, &g);
    far_read(f, c);
    far_say(f, STR("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"));
    wait_for(c, &g);
    CHECK(g.status == 200, "%s", g.reason);
}

/* A server that closes behind its answers and does not say so loses nothing that was not sent yet;
 * and what it lets be sent and loses, again and again, is no longer sent so. */
static void does_not_trust_who_closes(void **state)
{
    struct http_client *c = client_new(1);
    struct far f;
    struct got g;
    char byte;

    (void)state;
    far_start(&f);
    answer(c, &f, HTTP_GET);
    far_close(&f);
    answer(c, &f, HTTP_POST); /* at once, on a new connection */
    for (int i = 0; i < 2; i++) {
        send_one(c, &f, HTTP_POST, &g);
        far_read(&f, c);
        far_close(&f);
        wait_for(c, &g);
        CHECK(g.failure != HTTP_OK, "a creation is not sent twice by itself");
        answer(c, &f, HTTP_GET);
    }
    CHECK(recv(f.fd, &byte, 1, 0) == 0, "not kept any more");
    far_close(&f);
    answer(c, &f, HTTP_POST);
    http_client_free(c);
    far_stop(&f);
}

/* One that waits for a free connection is not kept waiting for ever, and says why. */
static void does_not_wait_for_ever(void **state)
{
    struct http_client *c = client_new(1);
    struct got first, second;
    struct far f;
    size_t at;

    (void)state;
    far_start(&f);
    send_one(c, &f, HTTP_GET, &first);
    second = (struct got){0};
    http_client_send(c, &(struct http_call_options){.url = str_from_z(f.url), .timeout_ms = 20},
                     note, &second);
    far_read(&f, c);
    wait_for(c, &second);
    CHECK(second.failure == HTTP_TIMED_OUT, "%s", second.reason);
    CHECK(str_find(str_from_z(second.reason), STR("no free connection"), &at), "%s", second.reason);
    CHECK(!first.done, "%s", first.reason);
    far_say(&f, STR("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"));
    wait_for(c, &first);
    CHECK(first.status == 200, "%s", first.reason);
    http_client_free(c);
    far_stop(&f);
}

TEST_GROUP(lane, cmocka_unit_test(reads_every_shape),
           cmocka_unit_test(does_not_believe_what_comes_unasked),
           cmocka_unit_test(does_not_trust_who_closes), cmocka_unit_test(does_not_wait_for_ever))
