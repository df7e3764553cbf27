#include "fixture.h"

#include <sys/socket.h>
#include <unistd.h>

#define HOST "Host: a\r\n"
#define HELD "GET /held HTTP/1.1\r\n" HOST "\r\n"

static void streams(void **state)
{
    struct raw_answer a;
    struct raw_reader r;
    struct fixture f;
    size_t at;

    (void)state;
    fixture_start(&f, (struct http_server_config){0});
    raw_reader_init(&r, raw_connect(f.port));
    raw_send_z(r.fd, HELD HELD "GET /hello HTTP/1.1\r\n" HOST "\r\n");
    struct http_exchange *x = fixture_held(&f);
    http_stream_start(x, 200, "text/event-stream");
    CHECK(http_stream_write(x, STR("data: one\n\n")), "first");
    while (!str_find(buf_str(&r.got), STR("b\r\ndata: one\n\n\r\n"), &at))
        CHECK(raw_read_some(&r), "comes before the stream ends");
    CHECK(http_stream_write(x, STR("")), "nothing is not the end");
    CHECK(http_stream_write(x, STR("data: two\n\n")), "second");
    http_stream_end(x);
    raw_read(&r, HTTP_GET, &a);
    CHECK_STR(a.body, "data: one\n\ndata: two\n\n", "whole");
    CHECK_STR(raw_header(&a, "Content-Type"), "text/event-stream", "type");
    x = fixture_held(&f);
    http_stream_start(x, 200, "text/plain");
    http_stream_end(x);
    raw_read(&r, HTTP_GET, &a);
    CHECK(a.status == 200 && a.body.len == 0, "empty stream");
    raw_read(&r, HTTP_GET, &a);
    CHECK_STR(a.body, "hello", "the connection goes on");
    raw_reader_done(&r);
    fixture_stop(&f);
}

static void streams_to_old_clients(void **state)
{
    struct raw_reader r;
    struct fixture f;

    (void)state;
    fixture_start(&f, (struct http_server_config){0});
    raw_reader_init(&r, raw_connect(f.port));
    raw_send_z(r.fd, "GET /held HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    struct http_exchange *x = fixture_held(&f);
    http_stream_start(x, 200, "text/plain");
    CHECK(http_stream_write(x, STR("one")) && http_stream_write(x, STR("two")), "written");
    http_stream_end(x);
    while (raw_read_some(&r)) /* its end is the connection's */
        ;
    CHECK(str_ends(buf_str(&r.got), STR("\r\n\r\nonetwo")), "%.*s", STR_ARG(buf_str(&r.got)));
    raw_reader_done(&r);
    fixture_stop(&f);
}

static void streams_nothing_to_head(void **state)
{
    struct raw_answer a;
    struct raw_reader r;
    struct fixture f;

    (void)state;
    fixture_start(&f, (struct http_server_config){0});
    raw_reader_init(&r, raw_connect(f.port));
    raw_send_z(r.fd, "HEAD /held HTTP/1.1\r\n" HOST "\r\nGET /hello HTTP/1.1\r\n" HOST "\r\n");
    struct http_exchange *x = fixture_held(&f);
    http_stream_start(x, 200, "text/plain");
    CHECK(http_stream_write(x, STR("unseen")), "written");
    http_stream_end(x);
    raw_read(&r, HTTP_HEAD, &a);
    raw_read(&r, HTTP_GET, &a);
    CHECK_STR(a.body, "hello", "no byte of a body came before");
    raw_reader_done(&r);
    fixture_stop(&f);
}

/* The reader does not read: the queue grows to its cap, then the stream is over. */
static void drops_slow_readers(void **state)
{
    static char block[16 * 1024];
    struct http_limits limits = {.max_stream_queue = 64 * 1024};
    struct raw_reader r;
    struct fixture f;
    size_t written = 0;

    (void)state;
    fixture_start(&f, (struct http_server_config){.limits = limits});
    raw_reader_init(&r, raw_connect(f.port));
    raw_send_z(r.fd, HELD);
    struct http_exchange *x = fixture_held(&f);
    http_stream_start(x, 200, "text/plain");
    while (http_stream_write(x, (struct str){block, sizeof(block)})) {
        written += sizeof(block);
        CHECK(written < 256 << 20, "it is dropped at some time");
    }
    CHECK(!http_stream_write(x, STR("more")), "stays dropped");
    fixture_wait_open(&f, 0);
    http_stream_end(x);
    raw_reader_done(&r);
    fixture_stop(&f);
}

static void notices_leaving_readers(void **state)
{
    struct fixture f;
    int fd;

    (void)state;
    fixture_start(&f, (struct http_server_config){0});
    fd = raw_connect(f.port);
    raw_send_z(fd, HELD);
    struct http_exchange *x = fixture_held(&f);
    http_stream_start(x, 200, "text/event-stream");
    CHECK(http_stream_write(x, STR("data: one\n\n")), "first");
    close(fd);
    fixture_wait_open(&f, 0);
    CHECK(!http_stream_write(x, STR("data: two\n\n")), "nobody is there");
    http_stream_end(x);
    fixture_stop(&f);
}

static void keeps_event_streams_alive(void **state)
{
    struct http_limits limits = {.heartbeat_ms = 20, .idle_ms = 20, .head_ms = 20};
    struct raw_reader r;
    struct fixture f;
    size_t at;

    (void)state;
    fixture_start(&f, (struct http_server_config){.limits = limits});
    raw_reader_init(&r, raw_connect(f.port));
    raw_send_z(r.fd, HELD);
    struct http_exchange *x = fixture_held(&f);
    http_stream_start(x, 200, "text/event-stream");
    while (!str_find(buf_str(&r.got), STR("3\r\n:\n\n\r\n3\r\n:\n\n\r\n"), &at))
        CHECK(raw_read_some(&r), "two comments");
    http_stream_end(x);
    raw_reader_done(&r);
    fixture_stop(&f);
}

/* Several threads write to streams of one loop at the same time. */
struct writer {
    struct http_exchange *x;
    pthread_t thread;
};

static void *write_many(void *ctx)
{
    struct writer *w = ctx;

    http_stream_start(w->x, 200, "text/plain");
    for (int i = 0; i < 2000; i++)
        CHECK(http_stream_write(w->x, STR("0123456789")), "line %d", i);
    http_stream_end(w->x);
    return NULL;
}

static void streams_from_many_threads(void **state)
{
    struct raw_reader r[4];
    struct writer w[4];
    struct raw_answer a;
    struct fixture f;

    (void)state;
    fixture_start(&f, (struct http_server_config){0});
    for (int i = 0; i < 4; i++) {
        raw_reader_init(&r[i], raw_connect(f.port));
        raw_send_z(r[i].fd, HELD);
        w[i].x = fixture_held(&f);
    }
    for (int i = 0; i < 4; i++)
        pthread_create(&w[i].thread, NULL, write_many, &w[i]);
    for (int i = 0; i < 4; i++) {
        raw_read(&r[i], HTTP_GET, &a);
        CHECK(a.body.len == 20000, "stream %d: %zu", i, a.body.len);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(w[i].thread, NULL);
        raw_reader_done(&r[i]);
    }
    fixture_stop(&f);
}

TEST_GROUP(stream, cmocka_unit_test(streams), cmocka_unit_test(streams_to_old_clients),
           cmocka_unit_test(streams_nothing_to_head), cmocka_unit_test(drops_slow_readers),
           cmocka_unit_test(notices_leaving_readers), cmocka_unit_test(keeps_event_streams_alive),
           cmocka_unit_test(streams_from_many_threads))
