/* The refusals that src/http/README.md lists, each over a raw socket: the status, and that the
 * connection ends, since after ambiguous bytes nobody knows where the next request begins. */
#include "fixture.h"

#include <sys/socket.h>

#define HOST "Host: a\r\n"
#define GET  "GET /hello HTTP/1.1\r\n"
#define POST "POST /echo HTTP/1.1\r\n" HOST

struct refusal {
    const char *label;
    struct str request;
    int status;
};

static const struct refusal cases[] = {
    {"both Content-Length and Transfer-Encoding",
     STR_INIT(POST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400},
    {"both, in the other order",
     STR_INIT(POST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n"), 400},
    {"two lengths", STR_INIT(POST "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc"), 400},
    {"two equal lengths", STR_INIT(POST "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc"), 400},
    {"two lengths in one line", STR_INIT(POST "Content-Length: 3, 3\r\n\r\nabc"), 400},
    {"length with sign", STR_INIT(POST "Content-Length: +3\r\n\r\nabc"), 400},
    {"negative length", STR_INIT(POST "Content-Length: -3\r\n\r\nabc"), 400},
    {"hexadecimal length", STR_INIT(POST "Content-Length: 0x3\r\n\r\nabc"), 400},
    {"empty length", STR_INIT(POST "Content-Length:\r\n\r\nabc"), 400},
    {"length with blank inside", STR_INIT(POST "Content-Length: 1 2\r\n\r\nabc"), 400},
    {"length that overflows", STR_INIT(POST "Content-Length: 99999999999999999999999\r\n\r\nabc"),
     400},
    {"length with decimal point", STR_INIT(POST "Content-Length: 3.0\r\n\r\nabc"), 400},
    {"gzip coding", STR_INIT(POST "Transfer-Encoding: gzip\r\n\r\nabc"), 501},
    {"identity coding", STR_INIT(POST "Transfer-Encoding: identity\r\n\r\nabc"), 501},
    {"gzip before chunked", STR_INIT(POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
     501},
    {"chunked before gzip", STR_INIT(POST "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n"),
     501},
    {"almost chunked", STR_INIT(POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"), 501},
    {"two codings",
     STR_INIT(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
     501},
    {"coding in HTTP/1.0",
     STR_INIT("POST /echo HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400},
    {"no host", STR_INIT(GET "\r\n"), 400},
    {"host with a blank", STR_INIT(GET "Host: a b\r\n\r\n"), 400},
    {"two hosts in one line", STR_INIT(GET "Host: a, b\r\n\r\n"), 400},
    {"host with a path", STR_INIT(GET "Host: a/b\r\n\r\n"), 400},
    {"host with a user", STR_INIT(GET "Host: u@a\r\n\r\n"), 400},
    {"host that is markup", STR_INIT(GET "Host: <a>\r\n\r\n"), 400},
    {"host beyond ASCII", STR_INIT(GET "Host: \xc3\xa4\r\n\r\n"), 400},
    {"address without host", STR_INIT("GET http:///hello HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"address with a user", STR_INIT("GET http://u@a/hello HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"address with a path in the query",
     STR_INIT("GET http://a?b=/hello HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"), 404},
    {"two hosts", STR_INIT(GET HOST HOST "\r\n"), 400},
    {"space before the colon", STR_INIT(GET "Host : a\r\n\r\n"), 400},
    {"tab before the colon", STR_INIT(GET HOST "X-A\t: b\r\n\r\n"), 400},
    {"space in a name", STR_INIT(GET HOST "X A: b\r\n\r\n"), 400},
    {"empty name", STR_INIT(GET HOST ": b\r\n\r\n"), 400},
    {"empty name and value", STR_INIT(GET HOST ":\r\n\r\n"), 400},
    {"blank as name", STR_INIT(GET HOST " : b\r\n\r\n"), 400},
    {"line without colon", STR_INIT(GET HOST "abc\r\n\r\n"), 400},
    {"folded with a space", STR_INIT(GET HOST "X-A: b\r\n c\r\n\r\n"), 400},
    {"folded with a tab", STR_INIT(GET HOST "X-A: b\r\n\tc\r\n\r\n"), 400},
    {"first header begins with a space", STR_INIT(GET " Host: a\r\n\r\n"), 400},
    {"folded length", STR_INIT(POST "Content-Length:\r\n 3\r\n\r\nabc"), 400},
    {"NUL in a value", STR_INIT(GET HOST "X-A: b\0c\r\n\r\n"), 400},
    {"NUL in a name", STR_INIT(GET HOST "X\0A: b\r\n\r\n"), 400},
    {"NUL in the target", STR_INIT("GET /hello\0 HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"control character in a value", STR_INIT(GET HOST "X-A: b\001c\r\n\r\n"), 400},
    {"DEL in a value", STR_INIT(GET HOST "X-A: b\177c\r\n\r\n"), 400},
    {"bare CR in a value", STR_INIT(GET HOST "X-A: b\rc\r\n\r\n"), 400},
    {"bare CR as line end", STR_INIT(GET "X-A: b\r" HOST "\r\n\r\n"), 400},
    {"bare CR in the request line", STR_INIT("GET /hello HTTP/1.1\r" HOST "\r\n"), 400},
    {"bare LF after the request line", STR_INIT("GET /hello HTTP/1.1\n" HOST "\r\n"), 400},
    {"bare LF after a header", STR_INIT(GET "Host: a\n\r\n"), 400},
    {"bare LF as the empty line", STR_INIT(GET HOST "\n"), 400},
    {"bare LF in two headers", STR_INIT(GET HOST "X-A: b\nX-B: c\r\n\r\n"), 400},
    {"chunk size is no number",
     STR_INIT(POST "Transfer-Encoding: chunked\r\n\r\nxyz\r\nabc\r\n0\r\n\r\n"), 400},
    {"chunk size with sign",
     STR_INIT(POST "Transfer-Encoding: chunked\r\n\r\n+3\r\nabc\r\n0\r\n\r\n"), 400},
    {"chunk size with 0x",
     STR_INIT(POST "Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n"), 400},
    {"empty chunk size", STR_INIT(POST "Transfer-Encoding: chunked\r\n\r\n\r\nabc\r\n0\r\n\r\n"),
     400},
    {"blank before the chunk size",
     STR_INIT(POST "Transfer-Encoding: chunked\r\n\r\n 3\r\nabc\r\n0\r\n\r\n"), 400},
    {"chunk size that overflows",
     STR_INIT(POST "Transfer-Encoding: chunked\r\n\r\n10000000000000003\r\nabc\r\n0\r\n\r\n"), 400},
    {"bare LF after the chunk size",
     STR_INIT(POST "Transfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n"), 400},
    {"bare LF after the chunk",
     STR_INIT(POST "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\n0\r\n\r\n"), 400},
    {"chunk longer than its size",
     STR_INIT(POST "Transfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n"), 400},
    {"bare LF at the end of the chunks",
     STR_INIT(POST "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\n"), 400},
    {"bare LF in a trailer",
     STR_INIT(POST "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-A: b\nX-B: c\r\n\r\n"),
     400},
    {"folded trailer",
     STR_INIT(POST "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n X-A: b\r\n\r\n"), 400},
    {"NUL in a trailer",
     STR_INIT(POST "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-A: \0\r\n\r\n"), 400},
    {"bare LF after the last chunk",
     STR_INIT(POST "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\n\r\n"), 400},
    {"bare CR in a chunk extension",
     STR_INIT(POST "Transfer-Encoding: chunked\r\n\r\n3;a\rb\r\nabc\r\n0\r\n\r\n"), 400},
    {"bare LF in a chunk extension",
     STR_INIT(POST "Transfer-Encoding: chunked\r\n\r\n3;a=b\nabc\r\n0\r\n\r\n"), 400},
    {"HTTP/2 preface", STR_INIT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505},
    {"HTTP/2.0", STR_INIT("GET /hello HTTP/2.0\r\n" HOST "\r\n"), 505},
    {"HTTP/0.9", STR_INIT("GET /hello HTTP/0.9\r\n" HOST "\r\n"), 505},
    {"HTTP/3.1", STR_INIT("GET /hello HTTP/3.1\r\n" HOST "\r\n"), 505},
    {"HTTP/1.2", STR_INIT("GET /hello HTTP/1.2\r\n" HOST "\r\n"), 400},
    {"HTTP/1.10", STR_INIT("GET /hello HTTP/1.10\r\n" HOST "\r\n"), 400},
    {"not HTTP", STR_INIT("GET /hello SIP/1.1\r\n" HOST "\r\n"), 400},
    {"no version", STR_INIT("GET /hello\r\n" HOST "\r\n"), 505},
    {"TLS", STR_INIT("\x16\x03\x01\x02\x00\x01\x00\x01"), 400},
    {"unknown method", STR_INIT("BREW /pot HTTP/1.1\r\n" HOST "\r\n"), 501},
    {"method of another protocol", STR_INIT("PROPFIND /hello HTTP/1.1\r\n" HOST "\r\n"), 501},
    {"TRACE", STR_INIT("TRACE /hello HTTP/1.1\r\n" HOST "\r\n"), 501},
    {"CONNECT", STR_INIT("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n"), 501},
    {"method in lower case", STR_INIT("get /hello HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"target that is no path", STR_INIT("GET hello HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"star for GET", STR_INIT("GET * HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"fragment", STR_INIT("GET /hello#a HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"unknown expectation", STR_INIT(POST "Content-Length: 3\r\nExpect: wonders\r\n\r\n"), 417},
    {"body over the limit", STR_INIT(POST "Content-Length: 1001\r\n\r\n"), 413},
};

/* Says what is wrong and goes on, so that one run shows all cases. */
static bool is_refused(struct fixture *f, const struct refusal *c, size_t step)
{
    struct raw_reader r;
    struct raw_answer a;

    raw_reader_init(&r, raw_connect(f->port));
    for (size_t i = 0; i < c->request.len; i += step)
        raw_send(r.fd, str_sub(c->request, i, step));
    raw_read(&r, HTTP_GET, &a);
    bool ok = a.status == c->status && a.closes && a.body.len > 0;
    if (!ok)
        print_error("%s (step %zu): %d, close %d: %.*s\n", c->label, step, a.status, a.closes,
                    STR_ARG(a.body));
    if (ok && !raw_at_end(&r)) {
        print_error("%s (step %zu): something follows\n", c->label, step);
        ok = false;
    }
    raw_reader_done(&r);
    return ok;
}

static void check_refusals(size_t step)
{
    size_t wrong = 0;
    struct fixture f;

    fixture_start(&f, (struct http_server_config){0});
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        wrong += !is_refused(&f, &cases[i], step);
    fixture_stop(&f);
    CHECK(wrong == 0, "%zu cases", wrong);
}

static void refuses(void **state)
{
    (void)state;
    check_refusals(SIZE_MAX / 2);
}

/* A refusal must not depend on how the bytes are cut into packets. */
static void refuses_byte_by_byte(void **state)
{
    (void)state;
    check_refusals(1);
}

/* A request whose refusal says nothing about its framing leaves the connection usable. */
static void goes_on_after_harmless_refusals(void **state)
{
    static const struct {
        const char *label, *request;
        int status;
        const char *allow;
    } harmless[] = {
        {"no such path", "GET /nowhere HTTP/1.1\r\n" HOST "\r\n", 404, ""},
        {"no such method", "DELETE /hello HTTP/1.1\r\n" HOST "\r\n", 405, "GET, HEAD"},
        {"no such method, with a body",
         "PUT /below/x HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello", 405, "GET, POST"},
        {"turned away by admit", "POST /closed HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello",
         401, ""},
    };
    struct raw_answer a;
    struct raw_reader r;
    struct fixture f;

    (void)state;
    fixture_start(&f, (struct http_server_config){0});
    raw_reader_init(&r, raw_connect(f.port));
    for (size_t i = 0; i < ARRAY_LEN(harmless); i++) {
        raw_send_z(r.fd, harmless[i].request);
        raw_read(&r, HTTP_GET, &a);
        CHECK(a.status == harmless[i].status, "%s: %d", harmless[i].label, a.status);
        CHECK(!a.closes, "%s", harmless[i].label);
        CHECK_STR(raw_header(&a, "Allow"), harmless[i].allow, "%s", harmless[i].label);
    }
    raw_send_z(r.fd, "POST /closed HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\n");
    raw_read(&r, HTTP_GET, &a);
    CHECK(a.status == 401 && !a.closes, "answered before the body comes: %d", a.status);
    raw_send_z(r.fd, "hello" GET HOST "\r\n");
    raw_read(&r, HTTP_GET, &a);
    CHECK_STR(a.body, "hello", "the connection goes on");
    raw_reader_done(&r);
    fixture_stop(&f);
}

static void send_long(int fd, const char *before, size_t count, const char *after)
{
    struct buf b;

    buf_init(&b, 1 << 20);
    buf_add_z(&b, before);
    for (size_t i = 0; i < count; i++)
        buf_add_char(&b, 'a');
    buf_add_z(&b, after);
    raw_send(fd, buf_str(&b));
    buf_done(&b);
}

static void limits_the_head(void **state)
{
    static const struct {
        const char *label, *before;
        size_t count;
        const char *after;
        int status;
    } heads[] = {
        {"long target", "GET /", 20000, " HTTP/1.1\r\n" HOST "\r\n", 414},
        {"long target without end", "GET /", 20000, "", 414},
        {"long header", GET HOST "X-A: ", 20000, "\r\n\r\n", 431},
        {"long header without end", GET HOST "X-A: ", 20000, "", 431},
        {"long name", GET HOST, 20000, "", 431},
        {"just fits", GET HOST "X-A: ", 16000, "\r\n\r\n", 200},
    };
    struct raw_answer a;
    struct raw_reader r;
    struct fixture f;

    (void)state;
    fixture_start(&f, (struct http_server_config){0});
    for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
        raw_reader_init(&r, raw_connect(f.port));
        send_long(r.fd, heads[i].before, heads[i].count, heads[i].after);
        raw_read(&r, HTTP_GET, &a);
        CHECK(a.status == heads[i].status, "%s: %d", heads[i].label, a.status);
        CHECK(heads[i].status == 200 || raw_at_end(&r), "%s", heads[i].label);
        raw_reader_done(&r);
    }
    fixture_stop(&f);
}

static void limits_the_number_of_headers(void **state)
{
    struct raw_answer a;
    struct raw_reader r;
    struct fixture f;

    (void)state;
    fixture_start(&f, (struct http_server_config){0});
    for (int count = 127; count <= 128; count++) {
        raw_reader_init(&r, raw_connect(f.port));
        raw_send_z(r.fd, GET HOST);
        for (int i = 0; i < count; i++)
            raw_send_z(r.fd, "X: y\r\n");
        raw_send_z(r.fd, "\r\n");
        raw_read(&r, HTTP_GET, &a);
        CHECK(a.status == (count == 127 ? 200 : 431), "%d headers and Host: %d", count, a.status);
        raw_reader_done(&r);
    }
    fixture_stop(&f);
}

static void limits_chunked_bodies(void **state)
{
    struct raw_answer a;
    struct raw_reader r;
    struct fixture f;

    (void)state;
    fixture_start(&f, (struct http_server_config){0});
    raw_reader_init(&r, raw_connect(f.port));
    send_long(r.fd, POST "Transfer-Encoding: chunked\r\n\r\n3E9\r\n", 1001, "\r\n0\r\n\r\n");
    raw_read(&r, HTTP_GET, &a);
    CHECK(a.status == 413, "body: %d", a.status);
    CHECK(raw_at_end(&r), "body");
    raw_reader_done(&r);

    raw_reader_init(&r, raw_connect(f.port));
    send_long(r.fd, POST "Transfer-Encoding: chunked\r\n\r\n1;", 40000, "\r\na\r\n0\r\n\r\n");
    raw_read(&r, HTTP_GET, &a);
    CHECK(a.status == 400, "extension: %d", a.status);
    CHECK(raw_at_end(&r), "extension");
    raw_reader_done(&r);

    raw_reader_init(&r, raw_connect(f.port));
    send_long(r.fd, POST "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-A: ", 40000,
              "\r\n\r\n");
    raw_read(&r, HTTP_GET, &a);
    CHECK(a.status == 400, "trailer: %d", a.status);
    CHECK(raw_at_end(&r), "trailer");
    raw_reader_done(&r);
    fixture_stop(&f);
}

/* 413 comes although not a byte of the body was sent, and 100 Continue does not come before it. */
static void checks_size_before_continue(void **state)
{
    struct raw_answer a;
    struct raw_reader r;
    struct fixture f;

    (void)state;
    fixture_start(&f, (struct http_server_config){0});
    raw_ask(f.port, POST "Expect: 100-continue\r\nContent-Length: 5000\r\n\r\n", &a, &r);
    CHECK(a.status == 413, "%d", a.status);
    CHECK(raw_at_end(&r), "closed");
    raw_reader_done(&r);
    raw_ask(f.port,
            "POST /closed HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n",
            &a, &r);
    CHECK(a.status == 401 && a.closes, "%d", a.status);
    CHECK(raw_at_end(&r), "closed");
    raw_reader_done(&r);
    raw_ask(f.port, POST "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n", &a, &r);
    CHECK(a.status == 100, "%d", a.status);
    CHECK(f.admitted == 1, "admitted before the body: %u", f.admitted);
    raw_send_z(r.fd, "hello");
    raw_read(&r, HTTP_POST, &a);
    CHECK_STR(a.body, "hello", "after the 100");
    raw_reader_done(&r);
    fixture_stop(&f);
}

/* A large body that nobody wants: the answer reaches the client although it is still sending. */
static void answers_while_the_client_sends(void **state)
{
    struct raw_answer a;
    struct raw_reader r;
    struct fixture f;

    (void)state;
    fixture_start(&f, (struct http_server_config){0});
    raw_reader_init(&r, raw_connect(f.port));
    send_long(r.fd, "POST /closed HTTP/1.1\r\n" HOST "Content-Length: 900000\r\n\r\n", 900000, "");
    raw_read(&r, HTTP_GET, &a);
    CHECK(a.status == 401 && a.closes, "%d", a.status);
    raw_reader_done(&r);
    fixture_stop(&f);
}

static void refuses_in_the_routes_form(void **state)
{
    static const struct {
        const char *label, *request, *body;
    } own[] = {
        {"method", "PUT /own HTTP/1.1\r\n" HOST "\r\n",
         "{\"status\":405,\"reason\":\"this address does not have the method\"}"},
        {"size", "POST /own HTTP/1.1\r\n" HOST "Content-Length: 11\r\n\r\n",
         "{\"status\":413,\"reason\":\"the body is too large\"}"},
    };
    struct raw_answer a;
    struct raw_reader r;
    struct fixture f;

    (void)state;
    fixture_start(&f, (struct http_server_config){0});
    for (size_t i = 0; i < ARRAY_LEN(own); i++) {
        raw_ask(f.port, own[i].request, &a, &r);
        CHECK_STR(a.body, own[i].body, "%s", own[i].label);
        CHECK_STR(raw_header(&a, "Content-Type"), "application/json", "%s", own[i].label);
        raw_reader_done(&r);
    }
    fixture_stop(&f);
}

TEST_GROUP(refuse, cmocka_unit_test(refuses), cmocka_unit_test(refuses_byte_by_byte),
           cmocka_unit_test(goes_on_after_harmless_refusals), cmocka_unit_test(limits_the_head),
           cmocka_unit_test(limits_the_number_of_headers), cmocka_unit_test(limits_chunked_bodies),
           cmocka_unit_test(checks_size_before_continue),
           cmocka_unit_test(answers_while_the_client_sends),
           cmocka_unit_test(refuses_in_the_routes_form))
