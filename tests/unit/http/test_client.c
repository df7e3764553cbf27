#include "base/clock.h"
#include "fixture.h"
#include "http/client.h"
#include "peer.h"

#include <unistd.h>

#define OK_HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

/* --- One answer, kept beyond done(). --- */

struct kept {
    unsigned calls;
    enum http_failure failure;
    int status;
    struct str body, content_type, etag, location, request_id;
    int64_t retry_after_ms, duration_us;
    char reason[256];
    struct arena *arena;
};

static void keep(void *ctx, const struct http_answer *a)
{
    struct kept *k = ctx;

    k->calls++;
    k->failure = a->failure;
    k->status = a->status;
    k->body = arena_str(k->arena, a->body);
    k->content_type = arena_str(k->arena, a->content_type);
    k->etag = arena_str(k->arena, a->etag);
    k->location = arena_str(k->arena, a->location);
    k->request_id = arena_str(k->arena, a->request_id);
    k->retry_after_ms = a->retry_after_ms;
    k->duration_us = a->duration_us;
    memcpy(k->reason, a->reason, sizeof(k->reason));
}

static struct http_client *client_of(struct http_client_config config)
{
    struct http_client *c;
    struct err err;

    CHECK(http_client_new(&config, &c, &err), "%s", err.message);
    return c;
}

static void finish(struct http_client *c)
{
    int64_t until = clock_monotonic_us() + 20 * US_PER_SECOND;

    while (http_client_in_flight(c) > 0) {
        http_client_run(c, 1000);
        CHECK(clock_monotonic_us() < until, "%u still in flight", http_client_in_flight(c));
    }
}

static void ask_with(struct http_client *c, const struct http_call_options *o, struct kept *k)
{
    *k = (struct kept){.arena = arena_new()};
    http_client_send(c, o, keep, k);
    CHECK(k->calls == 0, "done is never called from inside send");
    finish(c);
    CHECK(k->calls == 1, "done is called once, not %u times", k->calls);
}

static void ask(struct http_client *c, const char *url, struct kept *k)
{
    ask_with(c, &(struct http_call_options){.method = HTTP_GET, .url = str_from_z(url)}, k);
}

static void forget(struct kept *k)
{
    arena_free(k->arena);
}

/* --- Requests as the peer sees them. --- */

static void sends_each_method(void **state)
{
    static const struct {
        const char *label;
        enum http_method method;
        const char *body;
        const char *first, *length; /* line and header the server must see; "" : none */
    } cases[] = {
        {"get", HTTP_GET, "", "GET /x HTTP/1.1\r\n", ""},
        {"post", HTTP_POST, "abc", "POST /x HTTP/1.1\r\n", "Content-Length: 3\r\n"},
        {"post without body", HTTP_POST, "", "POST /x HTTP/1.1\r\n", "Content-Length: 0\r\n"},
        {"patch", HTTP_PATCH, "abcd", "PATCH /x HTTP/1.1\r\n", "Content-Length: 4\r\n"},
        {"put", HTTP_PUT, "ab", "PUT /x HTTP/1.1\r\n", "Content-Length: 2\r\n"},
        {"delete", HTTP_DELETE, "", "DELETE /x HTTP/1.1\r\n", ""},
        {"delete with body", HTTP_DELETE, "a", "DELETE /x HTTP/1.1\r\n", "Content-Length: 1\r\n"},
        {"options", HTTP_OPTIONS, "", "OPTIONS /x HTTP/1.1\r\n", ""},
        {"get again", HTTP_GET, "", "GET /x HTTP/1.1\r\n", ""},
    };
    static const struct peer_step steps[ARRAY_LEN(cases)] = {
        {.reply = OK_HELLO}, {.reply = OK_HELLO}, {.reply = OK_HELLO},
        {.reply = OK_HELLO}, {.reply = OK_HELLO}, {.reply = OK_HELLO},
        {.reply = OK_HELLO}, {.reply = OK_HELLO}, {.reply = OK_HELLO},
    };
    struct http_client *c = client_of((struct http_client_config){0});
    struct peer p;
    size_t from = 0, at;

    (void)state;
    peer_start(&p, steps, ARRAY_LEN(steps));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct http_header headers[] = {{"X-One", STR("1")}, {"X-Empty", STR("")}};
        struct http_call_options o = {
            .method = cases[i].method,
            .url = str_from_z(p.url),
            .headers = headers,
            .header_count = 2,
            .body = str_from_z(cases[i].body),
            .content_type = cases[i].body[0] ? "application/scim+json" : NULL,
        };
        struct kept k;

        ask_with(c, &o, &k);
        CHECK(k.failure == HTTP_OK && k.status == 200, "%s: %s", cases[i].label, k.reason);
        CHECK_STR(k.body, "hello", "%s", cases[i].label);
        forget(&k);
    }
    http_client_free(c);
    peer_stop(&p);
    CHECK(p.connections == 1, "all on one connection, not %u", p.connections);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct str seen = str_from(buf_str(&p.seen), from);

        CHECK(str_starts(seen, str_from_z(cases[i].first)), "%s: %.*s", cases[i].label,
              STR_ARG(seen));
        CHECK(str_find(seen, STR("\r\n\r\n"), &at), "%s", cases[i].label);
        struct str head = str_sub(seen, 0, at + 2);
        from += at + 4 + strlen(cases[i].body);
        CHECK_STR(str_sub(seen, at + 4, strlen(cases[i].body)), cases[i].body, "%s",
                  cases[i].label);
        CHECK(str_find(head, STR("\r\nX-One: 1\r\nX-Empty:\r\n"), &at), "%s: %.*s", cases[i].label,
              STR_ARG(head));
        CHECK(str_find(head, STR("Content-Length"), &at) == (cases[i].length[0] != 0), "%s",
              cases[i].label);
        CHECK(str_find(head, str_from_z(cases[i].length), &at), "%s: %.*s", cases[i].label,
              STR_ARG(head));
        CHECK(str_find(head, STR("User-Agent: usher/"), &at), "%s", cases[i].label);
        CHECK(!str_find(head, STR("Expect:"), &at), "%s", cases[i].label);
        CHECK(!str_find(head, STR("Upgrade"), &at), "%s", cases[i].label);
        CHECK(str_find(head, STR("Content-Type: application/scim+json\r\n"), &at) ==
                  (cases[i].body[0] != 0),
              "%s", cases[i].label);
        CHECK(str_find(head, STR("urlencoded"), &at) == false, "%s", cases[i].label);
    }
    peer_done(&p);
}

static void reads_headers(void **state)
{
    static const struct peer_step steps[] = {
        {.reply =
             "HTTP/1.1 100 Continue\r\nETag: \"no\"\r\n\r\n"
             "HTTP/1.1 201 Created\r\nContent-Length: 2\r\nCONTENT-TYPE: application/scim+json; "
             "charset=utf-8\r\netag: W/\"5\"\r\nLocation:  /Users/7 \r\nX-Request-ID: "
             "abc\r\n\r\n{}"},
        {.reply = "HTTP/1.1 204 No Content\r\nrequest-id: def\r\n\r\n"},
        {.reply =
             "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"},
    };
    struct http_client *c = client_of((struct http_client_config){0});
    struct peer p;
    struct kept k;

    (void)state;
    peer_start(&p, steps, ARRAY_LEN(steps));
    ask(c, p.url, &k);
    CHECK(k.failure == HTTP_OK && k.status == 201, "%d", k.status);
    CHECK_STR(k.content_type, "application/scim+json; charset=utf-8", "content type");
    CHECK_STR(k.etag, "W/\"5\"", "etag");
    CHECK_STR(k.location, "/Users/7", "location");
    CHECK_STR(k.request_id, "abc", "request id");
    CHECK_STR(k.body, "{}", "body");
    CHECK(k.retry_after_ms == -1, "%lld", (long long)k.retry_after_ms);
    CHECK(k.duration_us > 0, "duration");
    forget(&k);
    ask(c, p.url, &k);
    CHECK(k.status == 204 && k.body.len == 0 && k.etag.len == 0 && k.location.len == 0,
          "nothing left of the answer before");
    CHECK_STR(k.request_id, "def", "another name of it");
    forget(&k);
    ask(c, p.url, &k);
    CHECK(k.status == 302, "redirects are the caller's: %d", k.status);
    forget(&k);
    http_client_free(c);
    peer_stop(&p);
    peer_done(&p);
}

static void reads_retry_after(void **state)
{
    static const struct {
        const char *label, *reply;
        int64_t least_ms, most_ms;
    } cases[] = {
        {"seconds", "7", 7000, 7000},
        {"none", "0", 0, 0},
        {"past date", "Sun, 06 Nov 1994 08:49:37 GMT", 0, 0},
        {"far date", "Fri, 31 Dec 2099 23:59:59 GMT", INT64_C(366) * 86400000,
         INT64_C(366) * 86400000},
        {"huge", "999999999999", INT64_C(366) * 86400000, INT64_C(366) * 86400000},
        {"nonsense", "soon", -1, -1},
        {"negative", "-5", -1, -1},
    };
    struct http_client *c = client_of((struct http_client_config){0});

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char reply[200];
        struct peer_step step = {.reply = reply, .close = true};
        struct peer p;
        struct kept k;

        snprintf(reply, sizeof(reply),
                 "HTTP/1.1 429 Too Many\r\nRetry-After: %s\r\nContent-Length: 0\r\n\r\n",
                 cases[i].reply);
        peer_start(&p, &step, 1);
        ask(c, p.url, &k);
        CHECK(k.status == 429 && k.retry_after_ms >= cases[i].least_ms &&
                  k.retry_after_ms <= cases[i].most_ms,
              "%s: %lld", cases[i].label, (long long)k.retry_after_ms);
        forget(&k);
        peer_stop(&p);
        peer_done(&p);
    }
    http_client_free(c);
}

static void reads_a_near_date(void **state)
{
    struct http_client *c = client_of((struct http_client_config){0});
    time_t soon = time(NULL) + 100;
    char date[64], reply[200];
    struct peer_step step = {.reply = reply, .close = true};
    struct peer p;
    struct tm tm;
    struct kept k;

    (void)state;
    strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&soon, &tm));
    snprintf(reply, sizeof(reply),
             "HTTP/1.1 503 Busy\r\nRetry-After: %s\r\nContent-Length: 0\r\n\r\n", date);
    peer_start(&p, &step, 1);
    ask(c, p.url, &k);
    CHECK(k.retry_after_ms > 80000 && k.retry_after_ms <= 100000, "%lld",
          (long long)k.retry_after_ms);
    forget(&k);
    http_client_free(c);
    peer_stop(&p);
    peer_done(&p);
}

/* --- Failures. --- */

static void names_failures(void **state)
{
    static const struct {
        const char *label;
        struct peer_step step;
        enum http_failure failure;
        const char *words;
    } cases[] = {
        {"closed without an answer", {.close = true}, HTTP_DROPPED, "ended before"},
        {"closed in the head",
         {.reply = "HTTP/1.1 200 OK\r\nCont", .close = true},
         HTTP_DROPPED,
         "ended before"},
        {"closed in the body",
         {.reply = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", .close = true},
         HTTP_DROPPED,
         "ended before"},
        {"closed between chunks",
         {.reply = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
          .close = true},
         HTTP_DROPPED,
         "ended before"},
        {"bad chunks",
         {.reply = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", .close = true},
         HTTP_NOT_HTTP,
         "does not answer in HTTP"},
        {"another protocol",
         {.reply = "220 mail.example ESMTP\r\n", .close = true},
         HTTP_NOT_HTTP,
         "does not answer in HTTP"},
        {"TLS", {.reply = "\x15\x03\x01", .close = true}, HTTP_NOT_HTTP, "does not answer in HTTP"},
        {"not gzip",
         {.reply = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
          .close = true},
         HTTP_NOT_HTTP,
         "does not answer in HTTP"},
        {"too large",
         {.reply = "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n01234567890", .close = true},
         HTTP_TOO_LARGE,
         "larger than 10 bytes"},
        {"too large without length",
         {.reply =
              "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n01234567890\r\n0\r\n\r\n",
          .close = true},
         HTTP_TOO_LARGE,
         "larger than 10 bytes"},
        {"just fits",
         {.reply = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789"},
         HTTP_OK,
         ""},
        {"no answer", {.stall = true}, HTTP_TIMED_OUT, "no complete answer"},
        {"half an answer",
         {.reply = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", .stall = true},
         HTTP_TIMED_OUT,
         "no complete answer"},
    };
    struct http_client_config config = {.max_answer = 10, .timeout_ms = 200};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct http_client *c = client_of(config);
        struct peer p;
        struct kept k;
        size_t at;

        peer_start(&p, &cases[i].step, 1);
        ask(c, p.url, &k);
        CHECK(k.failure == cases[i].failure, "%s: %s: %s", cases[i].label,
              http_failure_name(k.failure), k.reason);
        CHECK(str_find(str_from_z(k.reason), str_from_z(cases[i].words), &at), "%s: %s",
              cases[i].label, k.reason);
        forget(&k);
        http_client_free(c);
        peer_stop(&p);
        peer_done(&p);
    }
}

/* Long before the time for the request as a whole. */
static void gives_up_a_silent_server(void **state)
{
    static const struct peer_step step = {
        .reply = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", .stall = true};
    static const int64_t totals_ms[] = {30000, 120000};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(totals_ms); i++) {
        struct http_client *c = client_of(
            (struct http_client_config){.timeout_ms = totals_ms[i], .silence_timeout_ms = 1000});
        int64_t from_us = clock_monotonic_us();
        struct peer p;
        struct kept k;

        peer_start(&p, &step, 1);
        ask(c, p.url, &k);
        CHECK(k.failure == HTTP_TIMED_OUT, "%s: %s", http_failure_name(k.failure), k.reason);
        CHECK(clock_monotonic_us() - from_us < 20 * US_PER_SECOND, "of %lld ms",
              (long long)totals_ms[i]);
        forget(&k);
        http_client_free(c);
        peer_stop(&p);
        peer_done(&p);
    }
}

static void names_failures_before_connecting(void **state)
{
    static const struct {
        const char *label, *url;
        enum http_failure failure;
        const char *words;
    } cases[] = {
        {"refused", "http://127.0.0.1:1/", HTTP_CONNECT_FAILED, "127.0.0.1:1 refuses"},
        {"unknown host", "http://nobody.invalid/x", HTTP_RESOLVE_FAILED, "'nobody.invalid'"},
        {"link-local", "http://169.254.169.254/latest", HTTP_ADDRESS_REFUSED, "link-local"},
        {"unspecified", "http://0.0.0.0:1/", HTTP_ADDRESS_REFUSED, "unspecified"},
        {"multicast", "http://224.0.0.1/", HTTP_ADDRESS_REFUSED, "multicast"},
        {"hidden in a number", "http://0xa9fea9fe/", HTTP_ADDRESS_REFUSED, "link-local"},
        {"mapped", "http://[::ffff:169.254.1.1]/", HTTP_ADDRESS_REFUSED, "link-local"},
        {"scheme", "ftp://127.0.0.1/", HTTP_BAD_URL, "neither https:// nor http://"},
        {"no host", "http:///x", HTTP_BAD_URL, "the host is missing"},
        {"blank", "http://127.0.0.1/a b", HTTP_BAD_URL, "blank"},
        {"line break", "http://127.0.0.1/\r\nX: y", HTTP_BAD_URL, "control character"},
        {"user", "http://me:pw@127.0.0.1/", HTTP_BAD_URL, "user name"},
    };
    struct http_client *c = client_of((struct http_client_config){0});

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct kept k;
        size_t at;

        ask(c, cases[i].url, &k);
        CHECK(k.failure == cases[i].failure, "%s: %s: %s", cases[i].label,
              http_failure_name(k.failure), k.reason);
        CHECK(str_find(str_from_z(k.reason), str_from_z(cases[i].words), &at), "%s: %s",
              cases[i].label, k.reason);
        forget(&k);
    }
    http_client_free(c);
}

static void denies_private_addresses_if_told(void **state)
{
    struct http_client *c = client_of((struct http_client_config){.deny_private = true});
    struct kept k;

    (void)state;
    ask(c, "http://127.0.0.1:1/", &k);
    CHECK(k.failure == HTTP_ADDRESS_REFUSED, "%s", k.reason);
    forget(&k);
    ask(c, "http://localhost:1/", &k);
    CHECK(k.failure == HTTP_ADDRESS_REFUSED, "%s", k.reason);
    forget(&k);
    http_client_free(c);
}

static void refuses_line_breaks_in_headers(void **state)
{
    static const struct str values[] = {STR_INIT("a\r\nX: y"), STR_INIT("a\nb"), STR_INIT("a\0b")};
    struct http_client *c = client_of((struct http_client_config){0});

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        struct http_header h = {"X-A", values[i]};
        struct http_call_options o = {
            .url = STR("http://127.0.0.1:1/"), .headers = &h, .header_count = 1};
        struct kept k;
        size_t at;

        ask_with(c, &o, &k);
        CHECK(k.failure == HTTP_BAD_URL && str_find(str_from_z(k.reason), STR("X-A"), &at),
              "%zu: %s", i, k.reason);
        forget(&k);
    }
    http_client_free(c);
}

/* A kept-alive connection that dies under a request: those that may be repeated are, once; POST and
 * PATCH are not, because the first may have arrived. */
static void repeats_only_what_may_be_repeated(void **state)
{
    static const struct peer_step dies_once[] = {
        {.reply = OK_HELLO}, {.close = true}, {.reply = OK_HELLO}};
    static const struct peer_step dies_twice[] = {
        {.reply = OK_HELLO}, {.close = true}, {.close = true}, {.reply = OK_HELLO}};
    static const struct {
        const char *label;
        enum http_method method;
        const struct peer_step *steps;
        size_t count;
        enum http_failure failure;
        unsigned requests;
    } cases[] = {
        {"get", HTTP_GET, dies_once, 3, HTTP_OK, 3},
        {"put", HTTP_PUT, dies_once, 3, HTTP_OK, 3},
        {"delete", HTTP_DELETE, dies_once, 3, HTTP_OK, 3},
        {"post", HTTP_POST, dies_once, 3, HTTP_DROPPED, 2},
        {"patch", HTTP_PATCH, dies_once, 3, HTTP_DROPPED, 2},
        {"get, twice", HTTP_GET, dies_twice, 4, HTTP_DROPPED, 3},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct http_client *c = client_of((struct http_client_config){0});
        struct peer p;
        struct kept k;

        peer_start(&p, cases[i].steps, cases[i].count);
        ask(c, p.url, &k);
        CHECK(k.failure == HTTP_OK, "%s: %s", cases[i].label, k.reason);
        forget(&k);
        ask_with(c,
                 &(struct http_call_options){.method = cases[i].method,
                                             .url = str_from_z(p.url),
                                             .body = cases[i].method == HTTP_GET ? STR("")
                                                                                 : STR("body")},
                 &k);
        CHECK(k.failure == cases[i].failure, "%s: %s", cases[i].label, k.reason);
        forget(&k);
        http_client_free(c);
        peer_stop(&p);
        CHECK(p.requests == cases[i].requests, "%s: %u requests", cases[i].label, p.requests);
        peer_done(&p);
    }
}

/* --- Many at once. --- */

struct count {
    struct http_client *client;
    const char *url;
    unsigned left, good;
};

static void count_good(void *ctx, const struct http_answer *a)
{
    struct count *n = ctx;

    n->good += a->failure == HTTP_OK && a->status == 200 && str_eq(a->body, STR("hello"));
    if (n->left > 0) { /* the next is started from inside done */
        n->left--;
        http_client_send(n->client,
                         &(struct http_call_options){.method = HTTP_GET, .url = str_from_z(n->url)},
                         count_good, n);
    }
}

static void reuses_connections(void **state)
{
    struct http_counters counters;
    struct fixture f;
    char url[64];

    (void)state;
    fixture_start(&f, (struct http_server_config){0});
    snprintf(url, sizeof(url), "http://127.0.0.1:%u/hello", (unsigned)f.port);
    struct http_client *c = client_of((struct http_client_config){0});
    struct count n = {.client = c, .url = url, .left = 300};
    count_good(&n, &(struct http_answer){0}); /* starts the first */
    finish(c);
    CHECK(n.good == 300, "%u", n.good);
    http_server_counters(f.server, &counters);
    CHECK(counters.connections == 1, "%llu connections", (unsigned long long)counters.connections);
    http_client_free(c);
    fixture_stop(&f);
}

static void keeps_many_in_flight(void **state)
{
    struct http_counters counters;
    struct fixture f;
    char url[64];

    (void)state;
    fixture_start(&f, (struct http_server_config){.loops = 2});
    snprintf(url, sizeof(url), "http://127.0.0.1:%u/hello", (unsigned)f.port);
    struct http_client *c = client_of((struct http_client_config){.max_connections = 8});
    struct count n = {.client = c, .url = url};
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 200; i++)
            http_client_send(
                c, &(struct http_call_options){.method = HTTP_GET, .url = str_from_z(url)},
                count_good, &n);
        CHECK(http_client_in_flight(c) == 200, "%u", http_client_in_flight(c));
        finish(c);
    }
    CHECK(n.good == 600, "%u", n.good);
    http_server_counters(f.server, &counters);
    CHECK(counters.connections <= 8, "%llu connections", (unsigned long long)counters.connections);
    http_client_free(c);
    fixture_stop(&f);
}

static void sends_large_bodies(void **state)
{
    struct fixture f;
    struct buf body;
    struct kept k;
    char url[64];

    (void)state;
    fixture_start(&f, (struct http_server_config){0});
    snprintf(url, sizeof(url), "http://127.0.0.1:%u/big", (unsigned)f.port);
    buf_init(&body, 4 << 20);
    while (body.len < 3000000)
        buf_add(&body, STR("0123456789"));
    struct http_client *c = client_of((struct http_client_config){0});
    ask_with(c,
             &(struct http_call_options){
                 .method = HTTP_POST, .url = str_from_z(url), .body = buf_str(&body)},
             &k);
    CHECK_STR(k.body, "3000000", "%s", k.reason);
    forget(&k);
    buf_done(&body);
    http_client_free(c);
    fixture_stop(&f);
}

static void aborts_what_is_in_flight(void **state)
{
    struct kept k = {.arena = arena_new()};
    struct fixture f;
    char url[64];

    (void)state;
    fixture_start(&f, (struct http_server_config){0});
    snprintf(url, sizeof(url), "http://127.0.0.1:%u/held", (unsigned)f.port);
    struct http_client *c = client_of((struct http_client_config){0});
    http_client_send(c, &(struct http_call_options){.method = HTTP_GET, .url = str_from_z(url)},
                     keep, &k);
    while (!fixture_has_held(&f))
        http_client_run(c, 1);
    http_client_free(c);
    CHECK(k.calls == 0, "done is not called");
    http_reply(fixture_held(&f), 200, NULL, STR(""));
    forget(&k);
    fixture_stop(&f);
}

/* --- The loop. --- */

static void *wake_it(void *ctx)
{
    http_client_wake(ctx);
    return NULL;
}

static void wakes(void **state)
{
    struct http_client *c = client_of((struct http_client_config){0});
    int64_t begun = clock_monotonic_us();
    pthread_t waker;

    (void)state;
    pthread_create(&waker, NULL, wake_it, c);
    CHECK(http_client_run(c, 30000) == 0, "nothing was done");
    pthread_join(waker, NULL);
    CHECK(clock_monotonic_us() - begun < 20 * US_PER_SECOND, "it did not wait to the end");
    CHECK(http_client_run(c, 0) == 0, "does not wait");
    begun = clock_monotonic_us();
    CHECK(http_client_run(c, 20) == 0, "waits");
    CHECK(clock_monotonic_us() - begun >= 20 * US_PER_MS, "waits long enough");
    http_client_free(c);
    http_client_free(NULL);
}

static void says_what_is_wrong_with_the_ca_file(void **state)
{
    struct http_client *c;
    struct err err;

    (void)state;
    CHECK(!http_client_new(&(struct http_client_config){.ca_file = "/nowhere.pem"}, &c, &err),
          "no file");
    CHECK_STR(str_from_z(err.code), "badCertificate", "%s", err.message);
}

TEST_GROUP(client, cmocka_unit_test(sends_each_method), cmocka_unit_test(reads_headers),
           cmocka_unit_test(reads_retry_after), cmocka_unit_test(reads_a_near_date),
           cmocka_unit_test(names_failures), cmocka_unit_test(gives_up_a_silent_server),
           cmocka_unit_test(names_failures_before_connecting),
           cmocka_unit_test(denies_private_addresses_if_told),
           cmocka_unit_test(refuses_line_breaks_in_headers),
           cmocka_unit_test(repeats_only_what_may_be_repeated),
           cmocka_unit_test(reuses_connections), cmocka_unit_test(keeps_many_in_flight),
           cmocka_unit_test(sends_large_bodies), cmocka_unit_test(aborts_what_is_in_flight),
           cmocka_unit_test(wakes), cmocka_unit_test(says_what_is_wrong_with_the_ca_file))
