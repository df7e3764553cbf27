/* Deadlines are totals: a peer that keeps dripping bytes does not move them. The limits are short
 * here, and the tests wait for what the server does, not for time. */
#include "base/clock.h"
#include "fixture.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#define HOST "Host: a\r\n"

/* Sends a byte every few milliseconds, over and over, until the server answers or closes. */
static void drip(int fd, struct str text)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    for (size_t i = 0; poll(&p, 1, 5) == 0; i++)
        raw_send(fd, str_sub(text, i % text.len, 1));
}

static void ends_slow_requests(void **state)
{
    static const struct {
        const char *label, *at_once, *dripped;
        int status;
    } cases[] = {
        {"target", "GET /hel", "a", 408},
        {"header", "GET /hello HTTP/1.1\r\n" HOST "X-A: ", "a", 408},
        {"nothing but blank lines", "", "\r\n", 408},
        {"second head", "GET /hello HTTP/1.1\r\n" HOST "\r\nGET /", "a", 408},
        {"body", "POST /big HTTP/1.1\r\n" HOST "Content-Length: 100000\r\n\r\n", "a", 408},
        {"chunks", "POST /big HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1000\r\n", "a",
         408},
    };
    struct http_limits limits = {.head_ms = 100, .body_grace_ms = 100, .body_min_rate = 1000000};
    struct raw_answer a;
    struct raw_reader r;
    struct fixture f;

    (void)state;
    fixture_start(&f, (struct http_server_config){.limits = limits});
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        raw_reader_init(&r, raw_connect(f.port));
        raw_send_z(r.fd, cases[i].at_once);
        if (strstr(cases[i].label, "second"))
            raw_read(&r, HTTP_GET, &a);
        drip(r.fd, str_from_z(cases[i].dripped));
        raw_read(&r, HTTP_GET, &a);
        CHECK(a.status == cases[i].status && a.closes, "%s: %d", cases[i].label, a.status);
        CHECK(raw_at_end(&r), "%s", cases[i].label);
        raw_reader_done(&r);
    }
    fixture_stop(&f);
}

/* A body that keeps the rate may take longer than the grace. */
static void grants_time_by_size(void **state)
{
    struct http_limits limits = {.body_grace_ms = 20, .body_min_rate = 10};
    struct raw_answer a;
    struct raw_reader r;
    struct fixture f;

    (void)state;
    fixture_start(&f, (struct http_server_config){.limits = limits});
    raw_reader_init(&r, raw_connect(f.port));
    raw_send_z(r.fd, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 20\r\n\r\n0123456789");
    int64_t begun = clock_monotonic_us();
    struct pollfd p = {.fd = r.fd, .events = POLLIN};
    while (clock_monotonic_us() - begun < 60 * US_PER_MS)
        CHECK(poll(&p, 1, 10) == 0, "10 bytes are worth a second");
    raw_send_z(r.fd, "0123456789");
    raw_read(&r, HTTP_POST, &a);
    CHECK_STR(a.body, "01234567890123456789", "%d", a.status);
    raw_reader_done(&r);
    fixture_stop(&f);
}

static void closes_idle_connections(void **state)
{
    struct http_limits limits = {.head_ms = 50, .idle_ms = 50};
    struct raw_answer a;
    struct raw_reader r;
    struct fixture f;

    (void)state;
    fixture_start(&f, (struct http_server_config){.limits = limits});
    raw_reader_init(&r, raw_connect(f.port));
    CHECK(raw_at_end(&r), "never asked anything");
    raw_reader_done(&r);
    raw_ask(f.port, "GET /hello HTTP/1.1\r\n" HOST "\r\n", &a, &r);
    CHECK_STR(a.body, "hello", "%d", a.status);
    CHECK(raw_at_end(&r), "idle after the first");
    raw_reader_done(&r);
    fixture_stop(&f);
}

/* A handler may take its time; the deadlines of the head and of idling do not run meanwhile. */
static void waits_for_handlers(void **state)
{
    struct http_limits limits = {.head_ms = 20, .idle_ms = 20};
    struct raw_answer a;
    struct raw_reader r;
    struct fixture f;

    (void)state;
    fixture_start(&f, (struct http_server_config){.limits = limits});
    raw_reader_init(&r, raw_connect(f.port));
    raw_send_z(r.fd, "GET /held HTTP/1.1\r\n" HOST "\r\n");
    struct http_exchange *x = fixture_held(&f);
    struct pollfd p = {.fd = r.fd, .events = POLLIN};
    CHECK(poll(&p, 1, 60) == 0, "still waiting");
    http_reply(x, 200, "text/plain", STR("slow"));
    raw_read(&r, HTTP_GET, &a);
    CHECK_STR(a.body, "slow", "%d", a.status);
    raw_reader_done(&r);
    fixture_stop(&f);
}

/* An answer that is not taken in time: the connection goes. */
static void drops_slow_takers(void **state)
{
    struct http_limits limits = {.reply_ms = 50};
    struct raw_reader r;
    struct fixture f;
    struct buf body;

    (void)state;
    fixture_start(&f, (struct http_server_config){.limits = limits});
    buf_init(&body, 32 << 20);
    while (!body.overflowed)
        buf_add(&body, STR("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"));
    raw_reader_init(&r, raw_connect(f.port));
    raw_send_z(r.fd, "GET /held HTTP/1.1\r\n" HOST "\r\n");
    http_reply(fixture_held(&f), 200, "text/plain", buf_str(&body));
    fixture_wait_open(&f, 0);
    while (raw_read_some(&r))
        ;
    CHECK(r.got.len < body.len, "all %zu bytes came", r.got.len);
    raw_reader_done(&r);
    buf_done(&body);
    fixture_stop(&f);
}

TEST_GROUP(deadline, cmocka_unit_test(ends_slow_requests), cmocka_unit_test(grants_time_by_size),
           cmocka_unit_test(closes_idle_connections), cmocka_unit_test(waits_for_handlers),
           cmocka_unit_test(drops_slow_takers))
