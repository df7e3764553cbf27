/* What requests and answers under way may take together: those that keep the server waiting the
 * longest end when there is no place for another (http_limits.max_held). */
#include "fixture.h"

#include <poll.h>
#include <string.h>

#define HOST "Host: a\r\n"
#define PART 100000 /* bytes of a body of which more never comes */

static void send_part(struct raw_reader *r, uint16_t port)
{
    static char part[PART];

    memset(part, 'a', sizeof(part));
    raw_reader_init(r, raw_connect(port));
    raw_send_z(r->fd, "POST /big HTTP/1.1\r\n" HOST "Content-Length: 200000\r\n\r\n");
    raw_send(r->fd, (struct str){part, sizeof(part)});
}

static uint64_t held(const struct fixture *f)
{
    struct http_counters n;

    http_server_counters(f->server, &n);
    return n.held;
}

static void wait_held(const struct fixture *f, uint64_t least, uint64_t most)
{
    for (int i = 0; i < 1000 && (held(f) < least || held(f) > most); i++)
        poll(NULL, 0, 5);
    CHECK(held(f) >= least && held(f) <= most, "%llu", (unsigned long long)held(f));
}

static void bodies_make_room(void **state)
{
    enum { FIT = 3 };
    struct http_limits limits = {.max_held = FIT * PART + 1000};
    struct raw_reader r[FIT + 1], other;
    struct raw_answer a;
    struct fixture f;

    (void)state;
    fixture_start(&f, (struct http_server_config){.limits = limits, .loops = 1});
    for (int i = 0; i < FIT; i++) {
        send_part(&r[i], f.port);
        wait_held(&f, (uint64_t)(i + 1) * PART, (uint64_t)(i + 1) * PART);
    }
    raw_ask(f.port, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nsmall", &a, &other);
    CHECK_STR(a.body, "small", "what is small needs no place");
    raw_reader_done(&other);
    send_part(&r[FIT], f.port);
    raw_read(&r[0], HTTP_POST, &a);
    CHECK(a.status == 503 && a.closes, "the one that waits the longest: %d", a.status);
    CHECK(raw_at_end(&r[0]), "and its end");
    wait_held(&f, FIT * PART, FIT * PART);
    for (int i = 0; i <= FIT; i++)
        raw_reader_done(&r[i]);
    wait_held(&f, 0, 0);
    struct http_counters n;
    http_server_counters(f.server, &n);
    CHECK(n.crowded_out == 1, "%llu", (unsigned long long)n.crowded_out);
    fixture_stop(&f);
}

/* Asks for more than the socket takes, and does not read it. */
static void ask_unread(struct fixture *f, struct raw_reader *r, size_t size)
{
    char *text = malloc(size);
    struct str body = {text, size};

    memset(text, 'b', size);
    raw_reader_init(r, raw_connect(f->port));
    raw_send_z(r->fd, "GET /held HTTP/1.1\r\n" HOST "\r\n");
    http_reply(fixture_held(f), 200, "text/plain", body);
    free(text);
}

static void unread_answers_make_room(void **state)
{
    enum { SIZE = 16 << 20, FIT = 2 };
    struct http_limits limits = {.max_held = FIT * (SIZE + 1000)};
    struct raw_reader r[FIT + 1];
    struct fixture f;

    (void)state;
    fixture_start(&f, (struct http_server_config){.limits = limits, .loops = 1});
    for (int i = 0; i <= FIT; i++) {
        ask_unread(&f, &r[i], SIZE);
        if (i < FIT)
            wait_held(&f, (uint64_t)(i + 1) * SIZE, (uint64_t)(i + 1) * (SIZE + 1000));
    }
    fixture_wait_open(&f, FIT);
    wait_held(&f, FIT * (uint64_t)SIZE, FIT * (uint64_t)(SIZE + 1000));
    struct raw_answer a;
    raw_read(&r[FIT], HTTP_GET, &a);
    CHECK(a.body.len == SIZE, "who reads gets all: %zu", a.body.len);
    for (int i = 0; i <= FIT; i++)
        raw_reader_done(&r[i]);
    wait_held(&f, 0, 0);
    fixture_stop(&f);
}

TEST_GROUP(memory, cmocka_unit_test(bodies_make_room), cmocka_unit_test(unread_answers_make_room))
