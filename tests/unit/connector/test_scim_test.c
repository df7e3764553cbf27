/* The connection test: each row of the verdict table (engine.md 10), and what a 401 in the middle
 * of a run means. */
#include "base/file.h"
#include "peer.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

/* A peer that does not know the random id that is asked for. */
struct anyone {
    struct http_route route;
    struct http_server *server;
    int status;
    int group_status; /* 0: the same */
    const char *headers;
    const char *reply;
    const char *group_reply;
    char targets[2][400]; /* what was asked */
    size_t count;
    char url[64];
};

static void anyone_handle(struct http_exchange *x, void *ctx)
{
    struct anyone *p = ctx;
    struct str target = http_request_target(x);
    struct str headers = str_from_z(p->headers);
    struct str name;
    bool group = str_starts(target, STR("/Groups"));

    if (p->count < ARRAY_LEN(p->targets))
        snprintf(p->targets[p->count], sizeof(p->targets[0]), "%.*s", STR_ARG(target));
    p->count++;
    if (headers.len) {
        str_cut(&headers, ':', &name);
        http_reply_header(x, arena_z(http_arena(x), name), str_trim(headers));
    }
    const char *reply = group && p->group_reply ? p->group_reply : p->reply;
    int status = group && p->group_status ? p->group_status : p->status;
    http_reply(x, status, reply ? "application/json" : NULL, str_from_z(reply));
}

static void anyone_start(struct anyone *p)
{
    struct err err = {0};

    p->route = (struct http_route){
        .path = "/*", .methods = ~0u, .max_body = 1000, .handle = anyone_handle, .ctx = p};
    struct http_server_config config = {
        .address = "127.0.0.1", .routes = &p->route, .route_count = 1};
    CHECK(http_server_start(&config, &p->server, &err), "%s", err.message);
    snprintf(p->url, sizeof(p->url), "http://127.0.0.1:%u", http_server_port(p->server));
}

static void verdicts(void **state)
{
    static const struct {
        const char *label;
        int status;
        const char *headers;
        const char *reply;
        const char *code; /* NULL: fine */
        enum err_kind kind;
    } cases[] = {
        {"an empty list", 200, NULL, "{\"totalResults\":0,\"Resources\":[]}", NULL, ERR_NONE},
        {"no list member", 200, NULL, "{\"totalResults\":0}", NULL, ERR_NONE},
        {"entries", 200, NULL, "{\"totalResults\":1,\"Resources\":[{\"id\":\"1\"}]}",
         "filterIgnored", ERR_INVALID},
        {"entries on a later page", 200, NULL, "{\"totalResults\":9,\"Resources\":[]}",
         "filterIgnored", ERR_INVALID},
        {"HTML", 200, NULL, "<!doctype html><p>Welcome", "notScim", ERR_INVALID},
        {"other JSON", 200, NULL, "{\"hello\":1}", "notScim", ERR_INVALID},
        {"an array", 200, NULL, "[]", "notScim", ERR_INVALID},
        {"nothing", 204, NULL, NULL, "notScim", ERR_INVALID},
        {"401", 401, NULL, "{\"detail\":\"who?\"}", "credentialsRefused", ERR_DENIED},
        {"403", 403, NULL, NULL, "credentialsRefused", ERR_DENIED},
        {"404", 404, NULL, "not here", "wrongUrl", ERR_NOT_FOUND},
        {"405", 405, NULL, NULL, "wrongUrl", ERR_NOT_FOUND},
        {"redirect", 302, "Location: https://login.example/", NULL, "wrongUrl", ERR_INVALID},
        {"400", 400, NULL, "{\"scimType\":\"invalidFilter\"}", "filterRefused", ERR_INVALID},
        {"501", 501, NULL, NULL, "filterRefused", ERR_INVALID},
        {"429", 429, "Retry-After: 30", NULL, "busy", ERR_UNAVAILABLE},
        {"503", 503, NULL, NULL, "busy", ERR_UNAVAILABLE},
        {"500", 500, NULL, "oops", "serverError", ERR_UNAVAILABLE},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct anyone p = {
            .status = cases[i].status, .headers = cases[i].headers, .reply = cases[i].reply};
        struct err err = {0};

        anyone_start(&p);
        struct target *t = peer_target(str_from_z(p.url));
        bool ok = t->ops->test(t, &err);
        CHECK(ok == !cases[i].code, "%s: %s", cases[i].label, err.message);
        if (!ok) {
            CHECK_STR(str_from_z(err.code), cases[i].code, "%s", cases[i].label);
            CHECK(err.kind == cases[i].kind, "%s: kind %d", cases[i].label, (int)err.kind);
        }
        target_close(t);
        http_server_stop(p.server);
        /* What is missing may be elsewhere: ResourceTypes is asked. */
        CHECK(p.count == (ok || cases[i].status == 404 ? 2 : 1), "%s: %zu requests", cases[i].label,
              p.count);
    }
}

static void says_what_to_do(void **state)
{
    struct anyone p = {.status = 429, .headers = "Retry-After: 30", .reply = "slow down"};
    struct err err = {0};

    (void)state;
    anyone_start(&p);
    struct target *t = peer_target(str_from_z(p.url));
    CHECK(!t->ops->test(t, &err), "busy");
    CHECK_STR(str_from_z(err.message),
              "the application is busy; it says to try again in 30 seconds; "
              "GET /Users: 429 slow down",
              "when, and what was answered");
    target_close(t);
    http_server_stop(p.server);
}

/* People are answered, groups are not: the address is right. */
static void has_no_groups(void **state)
{
    static const struct {
        int status;
        const char *code;
    } cases[] = {
        {404, "noGroups"}, {405, "noGroups"}, {501, "noGroups"}, {403, "credentialsRefused"}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct anyone p = {
            .status = 200, .group_status = cases[i].status, .reply = "{\"totalResults\":0}"};
        struct err err = {0};

        anyone_start(&p);
        struct target *t = peer_target(str_from_z(p.url));
        CHECK(!t->ops->test(t, &err), "%d", cases[i].status);
        CHECK_STR(str_from_z(err.code), cases[i].code, "%d", cases[i].status);
        target_close(t);
        http_server_stop(p.server);
    }
}

static void asks_for_nobody(void **state)
{
    struct anyone p = {.status = 200,
                       .reply = "{\"totalResults\":0}",
                       .group_reply = "{\"totalResults\":3,\"Resources\":[]}"};
    struct err err = {0};
    const char *users = "/Users?filter=userName%20eq%20%22";
    const char *groups = "/Groups?excludedAttributes=members&filter=displayName%20eq%20%22";
    struct str got;

    (void)state;
    anyone_start(&p);
    struct target *t = peer_target(str_from_z(p.url));
    CHECK(!t->ops->test(t, &err), "groups are asked for, too");
    CHECK_STR(str_from_z(err.code), "filterIgnored", "code");
    target_close(t);
    http_server_stop(p.server);
    got = str_from_z(p.targets[0]);
    CHECK(str_starts(got, str_from_z(users)) && str_ends(got, STR("%22")), "%s", p.targets[0]);
    CHECK(uuid_valid(str_sub(got, strlen(users), 36)), "%s", p.targets[0]);
    CHECK(str_starts(str_from_z(p.targets[1]), str_from_z(groups)), "%s", p.targets[1]);
}

/* --- Where there is no HTTP answer --- */

static int listen_here(uint16_t *out_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&address, size) == 0 && listen(fd, 8) == 0 &&
              getsockname(fd, (struct sockaddr *)&address, &size) == 0,
          "listen");
    *out_port = ntohs(address.sin_port);
    return fd;
}

static void *speak_something_else(void *arg)
{
    int fd = accept(*(int *)arg, NULL, NULL);
    static const char hello[] = "SSH-2.0-OpenSSH_9.2\r\n";
    char byte[512];

    if (fd >= 0) {
        (void)!write(fd, hello, sizeof(hello) - 1);
        shutdown(fd, SHUT_WR);
        while (read(fd, byte, sizeof(byte)) > 0)
            ;
        close(fd);
    }
    return NULL;
}

static void check_verdict(const char *url, int64_t timeout_ms, const char *code)
{
    struct secret token = {.bytes = (char[]){"t"}, .len = 1};
    struct target_scim_config config = {
        .base_url = str_from_z(url), .token = &token, .timeout_ms = timeout_ms};
    struct target *t;
    struct err err = {0};

    CHECK(target_open_scim(&peer_program, &config, &t, &err), "%s: %s", url, err.message);
    CHECK(!t->ops->test(t, &err), "%s", url);
    CHECK_STR(str_from_z(err.code), code, "%s: %s", url, err.message);
    target_close(t);
}

static void no_answer(void **state)
{
    char url[64];
    uint16_t port;
    pthread_t thread;
    int fd = listen_here(&port);

    (void)state;
    snprintf(url, sizeof(url), "http://127.0.0.1:%u", port);
    check_verdict(url, 100, "timeout"); /* it listens and never answers */
    close(fd);
    check_verdict(url, 5000, "unreachable");
    check_verdict("https://no-such-host.invalid/scim", 5000, "unresolvable");

    fd = listen_here(&port);
    snprintf(url, sizeof(url), "http://127.0.0.1:%u", port);
    CHECK(pthread_create(&thread, NULL, speak_something_else, &fd) == 0, "thread");
    check_verdict(url, 5000, "notScim");
    pthread_join(thread, NULL);
    close(fd);

    struct anyone p = {.status = 200};
    anyone_start(&p);
    snprintf(url, sizeof(url), "https://127.0.0.1:%u", http_server_port(p.server));
    check_verdict(url, 5000, "certificateRefused"); /* speaks no TLS at all */
    http_server_stop(p.server);
}

/* A creation that gets no answer: code and class of engine.md 9.3. */
static void check_call(const char *url, int64_t timeout_ms, const char *label, const char *code)
{
    struct secret token = {.bytes = (char[]){"t"}, .len = 1};
    struct target_scim_config config = {
        .base_url = str_from_z(url), .token = &token, .timeout_ms = timeout_ms};
    struct target *t;
    struct call call;
    struct err err = {0};

    call_init(&call);
    CHECK(target_open_scim(&peer_program, &config, &t, &err), "%s: %s", url, err.message);
    struct mapping_changes changes =
        peer_changes(call.a, peer_users(), NULL, "{\"userName\":\"ada\"}");
    t->ops->create(t, peer_users(), &changes, call_ended, &call);
    call_wait(t, &call);
    CHECK(call.result.status == TARGET_FAILED && call.result.class_ == TARGET_TRANSIENT,
          "%s: status %d, class %d", label, (int)call.result.status, (int)call.result.class_);
    CHECK_STR(str_from_z(call.result.code), code, "%s", label);
    CHECK(call.result.http_status == 0, "%s: HTTP status", label);
    call_done(&call);
    target_close(t);
}

static void *hang_up(void *arg)
{
    int fd = accept(*(int *)arg, NULL, NULL);
    char byte[512];

    if (fd >= 0) {
        (void)!read(fd, byte, sizeof(byte));
        close(fd);
    }
    return NULL;
}

static void call_without_answer(void **state)
{
    static const struct {
        const char *label;
        void *(*peer)(void *fd); /* NULL: it listens and never answers */
        const char *code;
    } cases[] = {
        {"no answer in time", NULL, "Timeout"},
        {"bad framing", speak_something_else, "WebExceptionProtocolError"},
        {"hung up", hang_up, "WebExceptionProtocolError"},
    };
    char url[64];
    uint16_t port;
    int fd;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        pthread_t thread;

        fd = listen_here(&port);
        snprintf(url, sizeof(url), "http://127.0.0.1:%u", port);
        CHECK(!cases[i].peer || pthread_create(&thread, NULL, cases[i].peer, &fd) == 0, "thread");
        check_call(url, cases[i].peer ? 5000 : 100, cases[i].label, cases[i].code);
        if (cases[i].peer)
            pthread_join(thread, NULL);
        close(fd);
    }
    check_call(url, 5000, "nobody listens", "WebExceptionProtocolError");
}

/* --- A 401 or 403 in the middle --- */

/* Refuses DELETE with `refusal`; queries as told. */
struct gate {
    struct http_route route;
    struct http_server *server;
    int refusal; /* 0: 401 */
    const char *reply;
    int query_status;
    int later_status; /* of every query but the first; 0: the same */
    unsigned queries;
    char url[64];
};

static void gate_handle(struct http_exchange *x, void *ctx)
{
    struct gate *g = ctx;

    if (http_request_method(x) == HTTP_GET) {
        unsigned before = __atomic_fetch_add(&g->queries, 1, __ATOMIC_SEQ_CST);

        http_reply(x, before && g->later_status ? g->later_status : g->query_status,
                   "application/json", STR("{\"totalResults\":0}"));
    } else {
        http_reply(x, g->refusal ? g->refusal : 401, NULL, str_from_z(g->reply ? g->reply : ""));
    }
}

static void gate_start(struct gate *g)
{
    struct err err = {0};

    g->route = (struct http_route){
        .path = "/*", .methods = ~0u, .max_body = 1000, .handle = gate_handle, .ctx = g};
    struct http_server_config config = {
        .address = "127.0.0.1", .workers = 1, .routes = &g->route, .route_count = 1};
    CHECK(http_server_start(&config, &g->server, &err), "%s", err.message);
    snprintf(g->url, sizeof(g->url), "http://127.0.0.1:%u", http_server_port(g->server));
}

static void first_refusal(void **state)
{
    static const struct {
        const char *label;
        int refusal;
        const char *reply;
        int query_status;
        enum target_class want;
        const char *code;
        bool asked;
    } cases[] = {
        {"401, refused altogether", 401, "", 401, TARGET_JOB, "Unauthorized", true},
        {"401, good but not for this", 401, "", 200, TARGET_PERMISSION, "Unauthorized", true},
        {"403, refused altogether", 403, "", 403, TARGET_JOB, "InsufficientRights", true},
        {"403, then 401", 403, "", 401, TARGET_JOB, "InsufficientRights", true},
        {"403, good but not for this", 403, "", 200, TARGET_PERMISSION, "InsufficientRights", true},
        {"403, no licence", 403, "No license left", 403, TARGET_PERMANENT, "LicenseLimitExceeded",
         false},
    };
    enum { CALLS = 5 };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct gate g = {.refusal = cases[i].refusal,
                         .reply = cases[i].reply,
                         .query_status = cases[i].query_status};
        struct call calls[CALLS];

        gate_start(&g);
        struct target *t = peer_target(str_from_z(g.url));
        for (size_t n = 0; n < CALLS; n++) {
            call_init(&calls[n]);
            t->ops->remove(t, peer_users(), STR("1"), call_ended, &calls[n]);
        }
        for (size_t n = 0; n < CALLS; n++) {
            while (!calls[n].done)
                t->ops->run(t, 1000);
            CHECK(calls[n].result.class_ == cases[i].want, "%s: class %d", cases[i].label,
                  (int)calls[n].result.class_);
            CHECK_STR(str_from_z(calls[n].result.code), cases[i].code, "%s", cases[i].label);
            CHECK(calls[n].result.message.len > 0, "%s", cases[i].label);
            call_done(&calls[n]);
        }
        target_close(t);
        http_server_stop(g.server);
        CHECK(cases[i].asked ? g.queries >= 1 && g.queries < CALLS : g.queries == 0,
              "%s: %u probes for %d calls", cases[i].label, g.queries, CALLS);
    }
}

/* A probe that was not answered says nothing about the token: the next 401 asks again. */
static void probe_without_verdict(void **state)
{
    static const int first_status[] = {500, 429};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(first_status); i++) {
        struct gate g = {.query_status = first_status[i], .later_status = 401};
        static const enum target_class want[] = {TARGET_PERMISSION, TARGET_JOB};

        gate_start(&g);
        struct target *t = peer_target(str_from_z(g.url));
        for (size_t n = 0; n < ARRAY_LEN(want); n++) {
            struct call call;

            call_init(&call);
            t->ops->remove(t, peer_users(), STR("1"), call_ended, &call);
            call_wait(t, &call);
            CHECK(call.result.class_ == want[n], "%d, call %zu: class %d", first_status[i], n,
                  (int)call.result.class_);
            call_done(&call);
        }
        target_close(t);
        http_server_stop(g.server);
    }
}

TEST_GROUP(scim_test, cmocka_unit_test(verdicts), cmocka_unit_test(says_what_to_do),
           cmocka_unit_test(has_no_groups), cmocka_unit_test(asks_for_nobody),
           cmocka_unit_test(no_answer), cmocka_unit_test(call_without_answer),
           cmocka_unit_test(first_refusal), cmocka_unit_test(probe_without_verdict))
