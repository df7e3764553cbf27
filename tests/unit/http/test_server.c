/* What the server does with good requests: order, keep-alive, handlers on each kind of thread,
 * limits. */
#include "fixture.h"

#include <sys/socket.h>
#include <unistd.h>

#define HOST "Host: a\r\n"

static void answers(void **state)
{
    static const struct {
        const char *label, *request;
        int status;
        const char *body;
    } cases[] = {
        {"path", "GET /hello HTTP/1.1\r\n" HOST "\r\n", 200, "hello"},
        {"path and query", "GET /seen?a=b%20c HTTP/1.1\r\n" HOST "\r\n", 200,
         "GET|a=b%20c||127.0.0.1"},
        {"header in any case", "GET /seen HTTP/1.1\r\n" HOST "X-TEST: \t one \t \r\n\r\n", 200,
         "GET||one|127.0.0.1"},
        {"repeated header",
         "GET /seen HTTP/1.1\r\n" HOST "X-Test: one\r\nX-Other: x\r\nx-test: two\r\n\r\n", 200,
         "GET||one, two|127.0.0.1"},
        {"empty header", "GET /seen HTTP/1.1\r\nX-Test:\r\n" HOST "\r\n", 200, "GET|||127.0.0.1"},
        {"blank lines before", "\r\n\r\nGET /hello HTTP/1.1\r\n" HOST "\r\n", 200, "hello"},
        {"options", "OPTIONS /seen HTTP/1.1\r\n" HOST "\r\n", 200, "OPTIONS|||127.0.0.1"},
        {"absolute target", "GET HTTP://A.example:80/seen?x HTTP/1.1\r\n" HOST "\r\n", 200,
         "GET|x||127.0.0.1"},
        {"body", "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc", 200, "abc"},
        {"empty body", "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", 200, ""},
        {"no length", "POST /echo HTTP/1.1\r\n" HOST "\r\n", 200, ""},
        {"chunks",
         "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
         "3\r\nabc\r\n02;x=y\r\nde\r\n0\r\n\r\n",
         200, "abcde"},
        {"trailers are discarded",
         "PUT /echo HTTP/1.1\r\n" HOST "transfer-encoding: CHUNKED\r\n\r\n"
         "a\r\n0123456789\r\n0\r\nHost: b\r\nContent-Length: 7\r\n\r\n",
         200, "0123456789"},
        {"worker", "GET /worker HTTP/1.1\r\n" HOST "\r\n", 200, "worker"},
        {"quick", "GET /quick?quick HTTP/1.1\r\n" HOST "\r\n", 200, "quick"},
        {"not quick", "GET /quick?x HTTP/1.1\r\n" HOST "\r\n", 200, "slow x"},
        {"prefix", "GET /below/ HTTP/1.1\r\n" HOST "\r\n", 200, "below"},
        {"prefix of something long", "GET /below/a/b/c HTTP/1.1\r\n" HOST "\r\n", 200, "below"},
        {"same prefix, other method", "POST /below/a HTTP/1.1\r\n" HOST "\r\n", 200, "posted"},
        {"exact before a prefix as long", "GET /twins/a HTTP/1.1\r\n" HOST "\r\n", 200, "hello"},
        {"prefix beside exact ones", "GET /twins/c HTTP/1.1\r\n" HOST "\r\n", 200, "below"},
        {"same path further down", "POST /twins/a HTTP/1.1\r\n" HOST "\r\n", 200, "posted"},
        {"an upgrade is ignored",
         "GET /hello HTTP/1.1\r\n" HOST "Connection: upgrade\r\nUpgrade: h2c\r\n\r\n", 200,
         "hello"},
    };
    struct raw_answer a;
    struct raw_reader r;
    struct fixture f;

    (void)state;
    fixture_start(&f, (struct http_server_config){0});
    raw_reader_init(&r, raw_connect(f.port));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) { /* all on one connection */
        raw_send_z(r.fd, cases[i].request);
        raw_read(&r, HTTP_GET, &a);
        CHECK(a.status == cases[i].status, "%s: %d", cases[i].label, a.status);
        CHECK_STR(a.body, cases[i].body, "%s", cases[i].label);
        CHECK(!a.closes, "%s", cases[i].label);
        CHECK(raw_header(&a, "Date").len == 29, "%s", cases[i].label);
    }
    raw_reader_done(&r);
    fixture_stop(&f);
}

static void answers_later_what_was_taken_quickly(void **state)
{
    struct raw_answer a;
    struct raw_reader r;
    struct fixture f;

    (void)state;
    fixture_start(&f, (struct http_server_config){0});
    raw_reader_init(&r, raw_connect(f.port));
    raw_send_z(r.fd, "GET /quick?held HTTP/1.1\r\n" HOST "\r\n");
    http_reply(fixture_held(&f), 200, "text/plain", STR("later"));
    raw_read(&r, HTTP_GET, &a);
    CHECK_STR(a.body, "later", "from the thread of the test");
    raw_reader_done(&r);
    fixture_stop(&f);
}

static void answers_head_without_body(void **state)
{
    struct raw_answer a;
    struct raw_reader r;
    struct fixture f;

    (void)state;
    fixture_start(&f, (struct http_server_config){0});
    raw_ask(f.port, "HEAD /hello HTTP/1.1\r\n" HOST "\r\n", &a, &r);
    CHECK_STR(raw_header(&a, "Content-Length"), "5", "the length that GET would have");
    raw_send_z(r.fd, "GET /hello HTTP/1.1\r\n" HOST "\r\n");
    raw_read(&r, HTTP_GET, &a);
    CHECK_STR(a.body, "hello", "no byte of a body came before");
    raw_reader_done(&r);
    fixture_stop(&f);
}

static void keeps_or_closes(void **state)
{
    static const struct {
        const char *label, *request;
        bool closes;
    } cases[] = {
        {"1.1", "GET /hello HTTP/1.1\r\n" HOST "\r\n", false},
        {"1.1 close", "GET /hello HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", true},
        {"1.1 close among others", "GET /hello HTTP/1.1\r\n" HOST "Connection: te, Close\r\n\r\n",
         true},
        {"1.0", "GET /hello HTTP/1.0\r\n\r\n", true},
        {"1.0 keep-alive", "GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", false},
    };
    struct raw_answer a;
    struct raw_reader r;
    struct fixture f;

    (void)state;
    fixture_start(&f, (struct http_server_config){0});
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        raw_ask(f.port, cases[i].request, &a, &r);
        CHECK_STR(a.body, "hello", "%s", cases[i].label);
        CHECK(a.closes == cases[i].closes, "%s", cases[i].label);
        CHECK(!a.closes || raw_at_end(&r), "%s", cases[i].label);
        raw_reader_done(&r);
    }
    fixture_stop(&f);
}

/* Pipelined requests are answered in order, whichever thread answers them. */
static void keeps_the_order(void **state)
{
    struct raw_answer a;
    struct raw_reader r;
    struct fixture f;

    (void)state;
    fixture_start(&f, (struct http_server_config){.loops = 2, .workers = 2});
    raw_reader_init(&r, raw_connect(f.port));
    raw_send_z(r.fd, "GET /held HTTP/1.1\r\n" HOST "\r\n"
                     "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc"
                     "GET /worker HTTP/1.1\r\n" HOST "\r\n"
                     "GET /held HTTP/1.1\r\n" HOST "\r\n"
                     "GET /hello HTTP/1.1\r\n" HOST "\r\n");
    shutdown(r.fd, SHUT_WR); /* it asks no more, but waits for all answers */
    http_reply(fixture_held(&f), 201, "text/plain", STR("first"));
    raw_read(&r, HTTP_GET, &a);
    CHECK_STR(a.body, "first", "from another thread");
    raw_read(&r, HTTP_POST, &a);
    CHECK_STR(a.body, "abc", "from the loop");
    raw_read(&r, HTTP_GET, &a);
    CHECK_STR(a.body, "worker", "from the pool");
    http_reply(fixture_held(&f), 200, "text/plain", STR("fourth"));
    raw_read(&r, HTTP_GET, &a);
    CHECK_STR(a.body, "fourth", "from another thread");
    raw_read(&r, HTTP_GET, &a);
    CHECK_STR(a.body, "hello", "the last");
    CHECK(raw_at_end(&r), "then the end");
    raw_reader_done(&r);
    fixture_stop(&f);
}

/* More pipelined bytes than are kept while a request is answered: reading stops and goes on. */
static void takes_long_pipelines(void **state)
{
    static const char request[] = "GET /hello HTTP/1.1\r\n" HOST "\r\n";
    enum { COUNT = 5000 };
    struct raw_answer a;
    struct raw_reader r;
    struct fixture f;
    struct buf all;

    (void)state;
    fixture_start(&f, (struct http_server_config){0});
    buf_init(&all, 1 << 20);
    buf_add_z(&all, "GET /held HTTP/1.1\r\n" HOST "\r\n");
    for (int i = 0; i < COUNT; i++)
        buf_add_z(&all, request);
    raw_reader_init(&r, raw_connect(f.port));
    raw_send(r.fd, buf_str(&all));
    http_reply(fixture_held(&f), 200, "text/plain", STR("first"));
    raw_read(&r, HTTP_GET, &a);
    CHECK_STR(a.body, "first", "the one that held all up");
    for (int i = 0; i < COUNT; i++) {
        raw_read(&r, HTTP_GET, &a);
        CHECK_STR(a.body, "hello", "%d", i);
    }
    raw_reader_done(&r);
    buf_done(&all);
    fixture_stop(&f);
}

static void takes_large_bodies(void **state)
{
    enum { SIZE = 3000000 };
    struct raw_answer a;
    struct raw_reader r;
    struct fixture f;
    struct buf body;

    (void)state;
    fixture_start(&f, (struct http_server_config){0});
    buf_init(&body, SIZE);
    for (int i = 0; i < SIZE; i++)
        buf_add_char(&body, 'x');
    raw_reader_init(&r, raw_connect(f.port));
    raw_send_z(r.fd, "POST /big HTTP/1.1\r\n" HOST "Content-Length: 3000000\r\n\r\n");
    raw_send(r.fd, buf_str(&body));
    raw_read(&r, HTTP_GET, &a);
    CHECK_STR(a.body, "3000000", "length");
    raw_reader_done(&r);
    fixture_stop(&f);
    buf_done(&body);
}

static void gives_large_answers(void **state)
{
    enum { SIZE = 8000000 };
    struct raw_answer a;
    struct raw_reader r;
    struct fixture f;
    struct buf body;

    (void)state;
    fixture_start(&f, (struct http_server_config){0});
    buf_init(&body, SIZE);
    for (int i = 0; i < SIZE; i++)
        buf_add_char(&body, (char)('a' + i % 26));
    raw_reader_init(&r, raw_connect(f.port));
    raw_send_z(r.fd, "GET /held HTTP/1.1\r\n" HOST "\r\nGET /hello HTTP/1.1\r\n" HOST "\r\n");
    http_reply(fixture_held(&f), 200, "text/plain", buf_str(&body));
    raw_read(&r, HTTP_GET, &a);
    CHECK(str_eq(a.body, buf_str(&body)), "all bytes in order");
    raw_read(&r, HTTP_GET, &a);
    CHECK_STR(a.body, "hello", "the next");
    raw_reader_done(&r);
    fixture_stop(&f);
    buf_done(&body);
}

/* The peer leaves while a handler works: its late answer goes nowhere, and nothing else is harmed.
 */
static void survives_leaving_peers(void **state)
{
    struct raw_answer a;
    struct raw_reader r;
    struct fixture f;
    int fd;

    (void)state;
    fixture_start(&f, (struct http_server_config){0});
    fd = raw_connect(f.port);
    raw_send_z(fd, "GET /held HTTP/1.1\r\n" HOST "\r\n");
    struct http_exchange *x = fixture_held(&f);
    struct linger hard = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)); /* closing resets the connection */
    close(fd);
    fixture_wait_open(&f, 0);
    CHECK_STR(http_request_path(x), "/held", "the request is still there");
    http_reply(x, 200, "text/plain", STR("too late"));
    raw_ask(f.port, "GET /hello HTTP/1.1\r\n" HOST "\r\n", &a, &r);
    CHECK_STR(a.body, "hello", "the next");
    raw_reader_done(&r);
    fixture_stop(&f);
}

static void limits_requests_of_a_connection(void **state)
{
    struct raw_answer a;
    struct raw_reader r;
    struct fixture f;

    (void)state;
    fixture_start(&f, (struct http_server_config){.limits = {.max_requests = 3}});
    raw_reader_init(&r, raw_connect(f.port));
    for (int i = 1; i <= 3; i++) {
        raw_send_z(r.fd, "GET /hello HTTP/1.1\r\n" HOST "\r\n");
        raw_read(&r, HTTP_GET, &a);
        CHECK(a.closes == (i == 3), "request %d", i);
    }
    CHECK(raw_at_end(&r), "closed after the third");
    raw_reader_done(&r);
    fixture_stop(&f);
}

static void limits_connections(void **state)
{
    static const struct {
        const char *label;
        struct http_limits limits;
    } cases[] = {
        {"of a peer", {.max_per_peer = 2}},
        {"in total", {.max_connections = 2}},
    };
    struct http_counters counters;
    struct raw_answer a;
    struct fixture f;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct raw_reader r[4];

        fixture_start(&f, (struct http_server_config){.limits = cases[i].limits});
        for (int k = 0; k < 2; k++) { /* both have begun another request, so that neither is idle */
            raw_reader_init(&r[k], raw_connect(f.port));
            raw_send_z(r[k].fd, "GET /hello HTTP/1.1\r\n" HOST "\r\nGET /he");
            raw_read(&r[k], HTTP_GET, &a);
        }
        fixture_wait_open(&f, 2);
        raw_reader_init(&r[2], raw_connect(f.port));
        raw_read(&r[2], HTTP_GET, &a);
        CHECK(a.status == 503 && a.closes && raw_at_end(&r[2]), "%s: %d", cases[i].label, a.status);
        http_server_counters(f.server, &counters);
        CHECK(counters.refused == 1 && counters.connections == 2, "%s", cases[i].label);
        raw_reader_done(&r[0]);
        fixture_wait_open(&f, 1);
        raw_ask(f.port, "GET /hello HTTP/1.1\r\n" HOST "\r\n", &a, &r[3]);
        CHECK_STR(a.body, "hello", "%s: one left, one may come", cases[i].label);
        for (int k = 1; k < 4; k++)
            raw_reader_done(&r[k]);
        fixture_stop(&f);
    }
}

/* When all places are taken, the oldest idle connection gives its up. */
static void idle_ones_make_room(void **state)
{
    struct raw_reader r[3];
    struct raw_answer a;
    struct fixture f;

    (void)state;
    fixture_start(&f, (struct http_server_config){.limits = {.max_connections = 2}});
    for (int k = 0; k < 2; k++) {
        raw_reader_init(&r[k], raw_connect(f.port));
        fixture_wait_open(&f, (uint64_t)k + 1);
    }
    raw_ask(f.port, "GET /hello HTTP/1.1\r\n" HOST "\r\n", &a, &r[2]);
    CHECK(a.status == 200, "%d", a.status);
    CHECK(raw_at_end(&r[0]), "the oldest made room");
    raw_send_z(r[1].fd, "GET /hello HTTP/1.1\r\n" HOST "\r\n");
    raw_read(&r[1], HTTP_GET, &a);
    CHECK(a.status == 200, "the other is still served: %d", a.status);
    for (int k = 0; k < 3; k++)
        raw_reader_done(&r[k]);
    fixture_stop(&f);
}

static void counts(void **state)
{
    struct http_counters counters;
    struct raw_answer a;
    struct raw_reader r;
    struct fixture f;

    (void)state;
    fixture_start(&f, (struct http_server_config){0});
    raw_reader_init(&r, raw_connect(f.port));
    raw_send_z(r.fd, "GET /hello HTTP/1.1\r\n" HOST "\r\nGET /nowhere HTTP/1.1\r\n" HOST
                     "\r\nGET /held HTTP/1.1\r\n" HOST "\r\n");
    http_reply(fixture_held(&f), 500, NULL, STR(""));
    for (int i = 0; i < 3; i++)
        raw_read(&r, HTTP_GET, &a);
    CHECK(a.status == 500 && a.body.len == 0, "%d", a.status);
    http_server_counters(f.server, &counters);
    CHECK(counters.connections == 1 && counters.requests == 3 && counters.refused == 1 &&
              counters.replies_5xx == 1 && counters.open_now == 1,
          "requests %llu", (unsigned long long)counters.requests);
    raw_reader_done(&r);
    fixture_stop(&f);
}

static void says_why_it_cannot_start(void **state)
{
    const struct http_route none[1] = {{0}};
    struct http_server_config config = {.address = "127.0.0.1", .routes = none};
    struct http_server *second;
    struct fixture f;
    struct err err;

    (void)state;
    for (unsigned loops = 1; loops <= 2; loops++) { /* also with SO_REUSEPORT */
        fixture_start(&f, (struct http_server_config){.loops = loops});
        config.port = f.port;
        config.loops = loops;
        CHECK(!http_server_start(&config, &second, &err), "the port is taken");
        CHECK_STR(str_from_z(err.code), "addressInUse", "%s", err.message);
        fixture_stop(&f);
    }
    config.address = "192.0.2.1";
    CHECK(!http_server_start(&config, &second, &err), "not an address of this machine");
    CHECK_STR(str_from_z(err.code), "badAddress", "%s", err.message);
    config.address = "127.0.0.1";
    config.tls_cert = config.tls_key = "/nowhere.pem";
    CHECK(!http_server_start(&config, &second, &err), "no certificate");
    CHECK_STR(str_from_z(err.code), "badCertificate", "%s", err.message);
    http_server_stop(NULL);
}

TEST_GROUP(server, cmocka_unit_test(answers),
           cmocka_unit_test(answers_later_what_was_taken_quickly),
           cmocka_unit_test(answers_head_without_body), cmocka_unit_test(keeps_or_closes),
           cmocka_unit_test(keeps_the_order), cmocka_unit_test(takes_long_pipelines),
           cmocka_unit_test(takes_large_bodies), cmocka_unit_test(gives_large_answers),
           cmocka_unit_test(survives_leaving_peers),
           cmocka_unit_test(limits_requests_of_a_connection), cmocka_unit_test(limits_connections),
           cmocka_unit_test(idle_ones_make_room), cmocka_unit_test(counts),
           cmocka_unit_test(says_why_it_cannot_start))
