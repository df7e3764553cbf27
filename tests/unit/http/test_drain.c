/* Stopping: what is in flight is answered, new work is turned away, and it ends in time. */
#include "base/clock.h"
#include "fixture.h"

#include <unistd.h>

#define HOST "Host: a\r\n"
#define HELD "GET /held HTTP/1.1\r\n" HOST "\r\n"

static void *stop_server(void *ctx)
{
    http_server_stop(ctx);
    return NULL;
}

static void begin_stop(struct fixture *f, pthread_t *out)
{
    int fd;

    pthread_create(out, NULL, stop_server, f->server);
    f->server = NULL;
    for (int i = 0; raw_try_connect(f->port, &fd); i++) { /* it has begun when nobody is let in */
        close(fd);
        CHECK(i < 100000, "still accepts");
    }
}

static void drains(void **state)
{
    struct raw_reader busy, idle;
    struct raw_answer a;
    pthread_t stopper;
    struct fixture f;

    (void)state;
    fixture_start(&f, (struct http_server_config){0});
    raw_ask(f.port, "GET /hello HTTP/1.1\r\n" HOST "\r\n", &a, &idle);
    CHECK(!a.closes, "kept alive");
    raw_reader_init(&busy, raw_connect(f.port));
    raw_send_z(busy.fd, HELD);
    struct http_exchange *x = fixture_held(&f);
    begin_stop(&f, &stopper);
    raw_send_z(idle.fd, "GET /hello HTTP/1.1\r\n" HOST "\r\n");
    raw_read(&idle, HTTP_GET, &a);
    CHECK(a.status == 503 && a.closes && raw_at_end(&idle), "new work: %d", a.status);
    http_reply(x, 200, "text/plain", STR("in flight"));
    raw_read(&busy, HTTP_GET, &a);
    CHECK_STR(a.body, "in flight", "%d", a.status);
    CHECK(a.closes && raw_at_end(&busy), "the last answer of the connection");
    pthread_join(stopper, NULL);
    raw_reader_done(&busy);
    raw_reader_done(&idle);
    fixture_stop(&f);
}

static void ends_idle_connections_and_streams(void **state)
{
    struct raw_reader idle, stream;
    struct raw_answer a;
    pthread_t stopper;
    struct fixture f;

    (void)state;
    fixture_start(&f, (struct http_server_config){.loops = 2});
    raw_ask(f.port, "GET /hello HTTP/1.1\r\n" HOST "\r\n", &a, &idle);
    raw_reader_init(&stream, raw_connect(f.port));
    raw_send_z(stream.fd, HELD);
    struct http_exchange *x = fixture_held(&f);
    http_stream_start(x, 200, "text/event-stream");
    CHECK(http_stream_write(x, STR("data: one\n\n")), "first");
    begin_stop(&f, &stopper);
    raw_read(&stream, HTTP_GET, &a);
    CHECK_STR(a.body, "data: one\n\n", "what was written has come, and the end");
    CHECK(raw_at_end(&stream) && raw_at_end(&idle), "both connections end");
    pthread_join(stopper, NULL); /* although the stream's writer does not know yet */
    CHECK(!http_stream_write(x, STR("data: two\n\n")), "now it does");
    http_stream_end(x);
    raw_reader_done(&stream);
    raw_reader_done(&idle);
    fixture_stop(&f);
}

/* A stream that its handler starts only after the drain has begun. */
static void ends_late_streams(void **state)
{
    struct raw_reader r;
    struct raw_answer a;
    pthread_t stopper;
    struct fixture f;

    (void)state;
    fixture_start(&f, (struct http_server_config){0});
    raw_reader_init(&r, raw_connect(f.port));
    raw_send_z(r.fd, HELD);
    struct http_exchange *x = fixture_held(&f);
    begin_stop(&f, &stopper);
    http_stream_start(x, 200, "text/plain");
    raw_read(&r, HTTP_GET, &a);
    CHECK(a.closes && raw_at_end(&r), "ended by the server");
    http_stream_end(x);
    pthread_join(stopper, NULL);
    raw_reader_done(&r);
    fixture_stop(&f);
}

/* Nobody answers: the stop takes its grace and no more, and the late answers are dropped. */
static void gives_up_on_handlers(void **state)
{
    struct http_exchange *x[2];
    struct raw_reader r[2];
    struct fixture f;

    (void)state;
    fixture_start(&f, (struct http_server_config){.limits = {.drain_ms = 50}});
    for (int i = 0; i < 2; i++) {
        raw_reader_init(&r[i], raw_connect(f.port));
        raw_send_z(r[i].fd, HELD);
        x[i] = fixture_held(&f);
    }
    int64_t begun = clock_monotonic_us();
    http_server_stop(f.server);
    f.server = NULL;
    CHECK(clock_monotonic_us() - begun >= 50 * US_PER_MS, "the grace was given");
    CHECK(raw_at_end(&r[0]) && raw_at_end(&r[1]), "no answer");
    http_reply(x[0], 200, "text/plain", STR("too late"));
    http_stream_start(x[1], 200, "text/plain");
    CHECK(!http_stream_write(x[1], STR("too late")), "nobody is there");
    http_stream_end(x[1]);
    raw_reader_done(&r[0]);
    raw_reader_done(&r[1]);
    fixture_stop(&f);
}

static void finishes_bodies_under_way(void **state)
{
    struct raw_reader r;
    struct raw_answer a;
    pthread_t stopper;
    struct fixture f;

    (void)state;
    fixture_start(&f, (struct http_server_config){0});
    raw_ask(f.port,
            "POST /echo HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 6\r\n\r\n", &a,
            &r);
    CHECK(a.status == 100, "%d", a.status);
    begin_stop(&f, &stopper);
    raw_send_z(r.fd, "abcdef");
    raw_read(&r, HTTP_POST, &a);
    CHECK_STR(a.body, "abcdef", "%d", a.status);
    CHECK(a.closes && raw_at_end(&r), "closed");
    pthread_join(stopper, NULL);
    raw_reader_done(&r);
    fixture_stop(&f);
}

TEST_GROUP(drain, cmocka_unit_test(drains), cmocka_unit_test(ends_idle_connections_and_streams),
           cmocka_unit_test(ends_late_streams), cmocka_unit_test(gives_up_on_handlers),
           cmocka_unit_test(finishes_bodies_under_way))
