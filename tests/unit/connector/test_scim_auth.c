/* What opens the application: HTTP Basic, OAuth 2.0 client credentials with tokens that end, are
 * refused or are never given; and redirects, which take it nowhere else (scim.md 10.2, 13). */
#include "peer.h"

#include <pthread.h>

#define PERSON "{\"id\":\"7\",\"userName\":\"a\"}"

enum { SEEN_MAX = 16 };

/* An application and its token endpoint in one. */
struct service {
    struct http_route route;
    struct http_server *server;
    char url[64];
    pthread_mutex_t lock; /* of what follows */
    int token_status;     /* 0: 200 */
    const char *token_reply;
    const char *redirect; /* Location of the first answer under /Users; with the status */
    int redirect_status;
    int tokens; /* given so far */
    int valid;  /* number of the token that is accepted; 0: any is */
    char seen[SEEN_MAX][600];
    size_t count;
};

static void note(struct service *s, struct http_exchange *x)
{
    struct str authorization = http_request_header(x, "Authorization");

    if (s->count < SEEN_MAX)
        snprintf(s->seen[s->count], sizeof(s->seen[0]), "%s %.*s %.*s %.*s",
                 http_method_name(http_request_method(x)), STR_ARG(http_request_target(x)),
                 STR_ARG(authorization), STR_ARG(http_request_body(x)));
    s->count++;
}

static void give_token(struct service *s, struct http_exchange *x)
{
    struct str reply = str_from_z(s->token_reply);

    if (!s->token_reply)
        reply = arena_printf(http_arena(x),
                             "{\"access_token\":\"t%d\",\"token_type\":\"bearer\","
                             "\"expires_in\":3600}",
                             ++s->tokens);
    http_reply(x, s->token_status ? s->token_status : 200, "application/json", reply);
}

static void handle(struct http_exchange *x, void *ctx)
{
    struct service *s = ctx;
    char want[24];

    pthread_mutex_lock(&s->lock);
    note(s, x);
    snprintf(want, sizeof(want), "Bearer t%d", s->valid);
    if (str_eq_z(http_request_target(x), "/token")) {
        give_token(s, x);
    } else if (s->valid && !str_eq_z(http_request_header(x, "Authorization"), want)) {
        http_reply(x, 401, "application/scim+json",
                   arena_printf(http_arena(x), "{\"detail\":\"not '%.*s'\"}",
                                STR_ARG(http_request_header(x, "Authorization"))));
    } else if (s->redirect && str_starts(http_request_target(x), STR("/Users"))) {
        http_reply_header(x, "Location", str_from_z(s->redirect));
        http_reply(x, s->redirect_status, NULL, STR(""));
    } else {
        http_reply(x, 200, "application/scim+json", STR(PERSON));
    }
    pthread_mutex_unlock(&s->lock);
}

static void service_start(struct service *s)
{
    struct err err = {0};

    pthread_mutex_init(&s->lock, NULL);
    s->route = (struct http_route){
        .path = "/*", .methods = ~0u, .max_body = 10000, .handle = handle, .ctx = s};
    struct http_server_config config = {
        .address = "127.0.0.1", .workers = 1, .routes = &s->route, .route_count = 1};
    CHECK(http_server_start(&config, &s->server, &err), "%s", err.message);
    snprintf(s->url, sizeof(s->url), "http://127.0.0.1:%u", http_server_port(s->server));
}

static struct target *oauth_target(const struct service *s, const char *more)
{
    char settings[400];

    snprintf(settings, sizeof(settings),
             "client.auth=oauth; client.auth.tokenUrl=%s/token; client.auth.clientId=me & you%s",
             s->url, more);
    return peer_target_with(str_from_z(s->url), settings);
}

static void read_one(struct target *t, struct call *c)
{
    call_init(c);
    t->ops->read(t, peer_users(), STR("7"), call_ended, c);
    call_wait(t, c);
}

static void reads(struct target *t, const char *label)
{
    struct call c;

    read_one(t, &c);
    CHECK(c.result.status == TARGET_OK, "%s: %.*s", label, STR_ARG(c.result.message));
    call_done(&c);
}

/* Each line: what was asked, beginning with it. */
static void check_seen(const struct service *s, const char *const *want, size_t count,
                       const char *label)
{
    CHECK(s->count == count, "%s: %zu requests", label, s->count);
    for (size_t i = 0; i < count && i < s->count; i++)
        CHECK(strncmp(s->seen[i], want[i], strlen(want[i])) == 0, "%s: %s, not %s", label,
              s->seen[i], want[i]);
}

#define FORM "POST /token  grant_type=client_credentials&client_id=me%20%26%20you&client_secret="

static void token_is_fetched_once(void **state)
{
    static const char *const want[] = {
        FORM "t0ken%2Fsecret%2Bvalue&scope=scim%20more",
        "GET /Users/7 Bearer t1",
        "GET /Users/7 Bearer t1",
    };
    struct service s = {0};
    struct target *t;

    (void)state;
    service_start(&s);
    t = oauth_target(&s, "; client.auth.scope=scim more");
    reads(t, "first");
    reads(t, "second");
    target_close(t);
    http_server_stop(s.server);
    check_seen(&s, want, ARRAY_LEN(want), "one token");
}

static void many_wait_for_one_token(void **state)
{
    struct service s = {0};
    struct call calls[8];
    struct target *t;

    (void)state;
    service_start(&s);
    t = oauth_target(&s, "");
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        call_init(&calls[i]);
        t->ops->read(t, peer_users(), STR("7"), call_ended, &calls[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        while (!calls[i].done)
            t->ops->run(t, 1000);
        CHECK(calls[i].result.status == TARGET_OK, "%zu", i);
        call_done(&calls[i]);
    }
    target_close(t);
    http_server_stop(s.server);
    CHECK(s.tokens == 1 && s.count == 9, "%d tokens, %zu requests", s.tokens, s.count);
}

/* A creation that was refused has not been done: it may be sent again. */
static void refused_token_is_renewed(void **state)
{
    static const char *const want[] = {
        FORM,
        "POST /Users Bearer t1",
        FORM,
        "POST /Users Bearer t2",
    };
    struct service s = {.valid = 2};
    struct target *t;
    struct call c;

    (void)state;
    service_start(&s);
    t = oauth_target(&s, "");
    call_init(&c);
    struct mapping_changes changes = peer_changes(c.a, peer_users(), NULL, "{\"userName\":\"a\"}");
    t->ops->create(t, peer_users(), &changes, call_ended, &c);
    call_wait(t, &c);
    CHECK(c.result.status == TARGET_OK, "%.*s", STR_ARG(c.result.message));
    call_done(&c);
    target_close(t);
    http_server_stop(s.server);
    check_seen(&s, want, ARRAY_LEN(want), "renewed");
    CHECK(strstr(s.seen[1], "{") && strcmp(strchr(s.seen[1], '{'), strchr(s.seen[3], '{')) == 0,
          "the same body");
}

/* Once, not for ever; and neither the token nor the secret is told. */
static void refused_again_is_refused(void **state)
{
    struct service s = {.valid = 99};
    struct target *t;
    struct call c;

    (void)state;
    service_start(&s);
    t = oauth_target(&s, "");
    read_one(t, &c);
    CHECK(c.result.status == TARGET_FAILED && c.result.http_status == 401, "refused");
    CHECK(c.result.class_ == TARGET_JOB, "altogether");
    CHECK(!strstr(c.result.message.ptr, "t2") && strstr(c.result.message.ptr, "[Redact]"), "%.*s",
          STR_ARG(c.result.message));
    call_done(&c);
    target_close(t);
    http_server_stop(s.server);
    CHECK(s.tokens <= 4, "%d tokens", s.tokens);
}

static void any_life_is_used(void **state)
{
    static const struct {
        const char *label;
        const char *reply;
    } cases[] = {
        {"nothing said", "{\"access_token\":\"a\"}"},
        {"as text", "{\"access_token\":\"a\",\"expires_in\":\"119\"}"},
        {"ended already", "{\"access_token\":\"a\",\"expires_in\":0}"},
        {"before it began", "{\"access_token\":\"a\",\"expires_in\":-5}"},
        {"for ever", "{\"access_token\":\"a\",\"expires_in\":1e99}"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct service s = {.token_reply = cases[i].reply};
        struct target *t;

        service_start(&s);
        t = oauth_target(&s, "");
        reads(t, cases[i].label);
        reads(t, cases[i].label);
        target_close(t);
        http_server_stop(s.server);
        CHECK(s.count == 3, "%s: %zu requests", cases[i].label, s.count);
    }
}

static void no_token_is_given(void **state)
{
    static const struct {
        const char *label;
        int status;
        const char *reply;
        enum target_class class_;
        int http_status;
        const char *says;
    } cases[] = {
        {"wrong secret", 400, "{\"error\":\"invalid_client\",\"x\":\"t0ken/secret+value\"}",
         TARGET_JOB, 401, "invalid_client"},
        {"no token in it", 200, "{}", TARGET_JOB, 401, "no access_token"},
        {"a page", 200, "<html>", TARGET_JOB, 401, "no JSON object"},
        {"another type", 200, "{\"access_token\":\"a\",\"token_type\":\"mac\"}", TARGET_JOB, 401,
         "not Bearer"},
        {"a line break", 200, "{\"access_token\":\"a\\r\\nX: y\"}", TARGET_JOB, 401, "control"},
        {"busy", 429, "{}", TARGET_THROTTLED, 429, "429"},
        {"broken", 500, "oops", TARGET_TRANSIENT, 500, "oops"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct service s = {.token_status = cases[i].status, .token_reply = cases[i].reply};
        struct target *t;
        struct call c;
        struct err err = {0};

        service_start(&s);
        t = oauth_target(&s, "");
        read_one(t, &c);
        CHECK(c.result.status == TARGET_FAILED, "%s", cases[i].label);
        CHECK(c.result.class_ == cases[i].class_, "%s: class %d", cases[i].label, c.result.class_);
        CHECK(c.result.http_status == cases[i].http_status, "%s: %d", cases[i].label,
              c.result.http_status);
        CHECK(strstr(c.result.message.ptr, cases[i].says), "%s: %.*s", cases[i].label,
              STR_ARG(c.result.message));
        CHECK(!strstr(c.result.message.ptr, PEER_TOKEN), "%s: the secret is told", cases[i].label);
        CHECK(!t->ops->test(t, &err), "%s", cases[i].label);
        if (cases[i].class_ == TARGET_JOB)
            CHECK(strcmp(err.code, "credentialsRefused") == 0 && strstr(err.message, "client id"),
                  "%s: %s", cases[i].label, err.message);
        call_done(&c);
        target_close(t);
        http_server_stop(s.server);
        for (size_t k = 0; k < s.count; k++)
            CHECK(strstr(s.seen[k], "/token"), "%s: %s", cases[i].label, s.seen[k]);
    }
}

static void secret_in_the_header(void **state)
{
    static const char *const oauth[] = {
        "POST /token Basic bWUlMjAlMjYlMjB5b3U6dDBrZW4lMkZzZWNyZXQlMkJ2YWx1ZQ== "
        "grant_type=client_credentials",
        "GET /Users/7 Bearer t1",
    };
    static const char *const basic[] = {"GET /Users/7 Basic YWRhOnQwa2VuL3NlY3JldCt2YWx1ZQ=="};
    struct service s = {0};
    struct target *t;

    (void)state;
    service_start(&s);
    t = oauth_target(&s, "; client.auth.style=basic");
    reads(t, "OAuth");
    target_close(t);
    check_seen(&s, oauth, ARRAY_LEN(oauth), "client in the header");
    s.count = 0;
    t = peer_target_with(str_from_z(s.url), "client.auth=basic; client.auth.user=ada");
    reads(t, "Basic");
    target_close(t);
    check_seen(&s, basic, ARRAY_LEN(basic), "user and password");
    http_server_stop(s.server);
}

static void settings_are_checked(void **state)
{
    static const struct {
        const char *settings[4];
        const char *says;
    } cases[] = {
        {{"client.auth", "oauth"}, "tokenUrl is not set"},
        {{"client.auth", "basic"}, "client.auth.user"},
        {{"client.auth", "header", "client.auth.header", "Host"}, "client.auth.header"},
        {{"client.auth", "header", "client.auth.header", "X Key"}, "client.auth.header"},
        {{"client.auth", "header", "client.auth.header", "X:Key"}, "client.auth.header"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        CLEANUP(secret_done) struct secret token = {0};
        struct job_settings settings;
        struct target *t;
        struct err err = {0};

        job_settings_default(&settings);
        CHECK(secret_init(&token, STR("x"), &err), "%s", err.message);
        for (size_t n = 0; n < ARRAY_LEN(cases[i].settings) && cases[i].settings[n]; n += 2) {
            CHECK(job_settings_apply(&settings, a, str_from_z(cases[i].settings[n]),
                                     str_from_z(cases[i].settings[n + 1]), &err),
                  "%s", err.message);
        }
        struct target_scim_config config = {
            .base_url = STR("http://127.0.0.1:1"), .token = &token, .settings = &settings};
        CHECK(!target_open_scim(&peer_program, &config, &t, &err), "%s", cases[i].says);
        CHECK(strcmp(err.code, "badCredentials") == 0 && strstr(err.message, cases[i].says), "%s",
              err.message);
    }
}

static void redirects(void **state)
{
    static const struct {
        const char *label;
        int status;
        const char *location;
        bool followed;
        const char *says; /* NULL: it goes well */
    } cases[] = {
        {"moved", 301, "/v2/7", true, NULL},
        {"found, relative", 302, "../v2/7?x=1", true, NULL},
        {"temporary", 307, "/v2/7", true, NULL},
        {"for good", 308, "/v2/7", true, NULL},
        {"round and round", 302, "/Users/7", true, "goes on redirecting"},
        {"another host", 302, "http://localhost:1/Users/7", false, "another server"},
        {"another port", 307, "http://127.0.0.1:1/Users/7", false, "http://127.0.0.1:1"},
        {"another scheme", 301, "https://127.0.0.1/Users/7", false, "https://127.0.0.1"},
        {"without scheme", 301, "//evil.example/Users/7", false, "evil.example"},
        {"with a user", 301, "http://me@127.0.0.1:1/", false, "another server"},
        {"no address", 301, "http://[::", false, "no address"},
        {"not a method", 304, "/v2/7", false, "304"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct service s = {.redirect = cases[i].location, .redirect_status = cases[i].status};
        struct target *t;
        struct call c;

        service_start(&s);
        t = peer_target(str_from_z(s.url));
        read_one(t, &c);
        CHECK((c.result.status == TARGET_OK) == !cases[i].says, "%s: %.*s", cases[i].label,
              STR_ARG(c.result.message));
        if (cases[i].says)
            CHECK(strstr(c.result.message.ptr, cases[i].says), "%s: %.*s", cases[i].label,
                  STR_ARG(c.result.message));
        call_done(&c);
        target_close(t);
        http_server_stop(s.server);
        CHECK((s.count > 1) == cases[i].followed && s.count <= 4, "%s: %zu requests",
              cases[i].label, s.count);
    }
}

/* Only 307 and 308 keep a method that writes, and its body. */
static void redirected_writes(void **state)
{
    static const int statuses[] = {301, 302, 303, 307, 308};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
        struct service s = {.redirect = "/v2", .redirect_status = statuses[i]};
        bool keeps = statuses[i] >= 307;
        struct target *t;
        struct call c;

        service_start(&s);
        t = peer_target(str_from_z(s.url));
        call_init(&c);
        struct mapping_changes changes =
            peer_changes(c.a, peer_users(), NULL, "{\"userName\":\"a\"}");
        t->ops->create(t, peer_users(), &changes, call_ended, &c);
        call_wait(t, &c);
        CHECK((c.result.status == TARGET_OK) == keeps, "%d: %.*s", statuses[i],
              STR_ARG(c.result.message));
        call_done(&c);
        target_close(t);
        http_server_stop(s.server);
        CHECK(s.count == (keeps ? 2u : 1u), "%d: %zu requests", statuses[i], s.count);
        if (keeps)
            CHECK(strncmp(s.seen[1], "POST /v2 Bearer ", 16) == 0 &&
                      strcmp(strchr(s.seen[0], '{'), strchr(s.seen[1], '{')) == 0,
                  "%d: %s", statuses[i], s.seen[1]);
    }
}

TEST_GROUP(scim_auth, cmocka_unit_test(token_is_fetched_once),
           cmocka_unit_test(many_wait_for_one_token), cmocka_unit_test(refused_token_is_renewed),
           cmocka_unit_test(refused_again_is_refused), cmocka_unit_test(any_life_is_used),
           cmocka_unit_test(no_token_is_given), cmocka_unit_test(secret_in_the_header),
           cmocka_unit_test(settings_are_checked), cmocka_unit_test(redirects),
           cmocka_unit_test(redirected_writes))
