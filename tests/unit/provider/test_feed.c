/* The change feed: every write once, in order, and readers that wait. */
#include "fixture.h"
#include "frame/postgres.h"
#include "provider/access/automation.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define BASE "/scim/t/v2"
#define FEED "/scim/t/changes"

/* "1 create User a,b; 2 ..." of an answer. */
static struct str told(struct arena *a, const struct json *answer)
{
    CLEANUP(buf_done) struct buf out;

    buf_init(&out, 100000);
    JSON_EACH(change, json_get(answer, STR("changes")))
    {
        struct str type = json_get_text(change, "type"), action = json_get_text(change, "action");

        buf_addf(&out, "%s%lld %.*s %.*s", out.len ? "; " : "",
                 (long long)json_get_int(change, "seq", 0), STR_ARG(action), STR_ARG(type));
        JSON_EACH(name, json_get(change, STR("attributes")))
        buf_addf(&out, " %.*s", STR_ARG(name->text));
    }
    return arena_str(a, buf_str(&out));
}

static const char *create(struct client *client, struct fixture *f, struct arena *a,
                          const char *path, const char *body)
{
    struct answer answer;

    client_ask(client, f, a, HTTP_POST, arena_printf(a, BASE "%s", path).ptr, body, &answer);
    CHECK(answer.status == 201, "%d %.*s", answer.status, STR_ARG(answer.body));
    return arena_z(a, json_get_text(answer.json, "id"));
}

static void change(struct client *client, struct fixture *f, struct arena *a,
                   enum http_method method, const char *path, const char *id, const char *body,
                   int status)
{
    struct answer answer;

    client_ask(client, f, a, method, arena_printf(a, BASE "%s/%s", path, id).ptr, body, &answer);
    CHECK(answer.status == status, "%s %d %.*s", path, answer.status, STR_ARG(answer.body));
}

/* Nothing is recorded where nobody wants it. */
static void check_off(const struct db_config *config)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct client client;
    struct answer answer;
    struct fixture f;
    struct err err;
    const char *user;

    fixture_start(&f, config);
    fixture_tenant(&f, "generic", "t");
    CHECK(provider_tenant_set(f.db, STR("t"), STR("changeFeed"), STR("off"), &err), "%s",
          err.message);
    client_open(&client, f.port);
    user = create(&client, &f, a, "/Users", "{\"userName\":\"ada\"}");
    change(&client, &f, a, HTTP_PATCH, "/Users", user,
           "{\"Operations\":[{\"op\":\"add\",\"path\":\"title\",\"value\":\"x\"}]}", 200);
    change(&client, &f, a, HTTP_DELETE, "/Users", user, NULL, 204);
    client_ask(&client, &f, a, HTTP_GET, FEED, NULL, &answer);
    CHECK(answer.status == 200 && json_get(answer.json, STR("changes"))->count == 0 &&
              !json_get_bool(answer.json, "recording", true),
          "%d %.*s", answer.status, STR_ARG(answer.body));
    CHECK(provider_tenant_set(f.db, STR("t"), STR("changeFeed"), STR("on"), &err), "%s",
          err.message);
    client_ask(&client, &f, a, HTTP_GET, FEED "?since=0", NULL, &answer);
    CHECK(answer.status == 410, "what came before it was on: %d", answer.status);
    client_close(&client);
    fixture_stop(&f);
}

static void nothing_is_told_of_a_tenant_without_feed(void **state)
{
    (void)state;
    test_databases(check_off);
}

static void check_order(const struct db_config *config)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *user, *group;
    struct client client;
    struct answer answer;
    struct fixture f;

    fixture_start(&f, config);
    fixture_tenant(&f, "generic", "t");
    client_open(&client, f.port);
    client_ask(&client, &f, a, HTTP_GET, FEED "?since=0", NULL, &answer);
    CHECK(answer.status == 200 && json_get_int(answer.json, "next", -1) == 0, "empty");
    user = create(&client, &f, a, "/Users", "{\"userName\":\"ada\"}");
    change(&client, &f, a, HTTP_PATCH, "/Users", user,
           "{\"Operations\":[{\"op\":\"add\",\"path\":\"title\",\"value\":\"x\"},{\"op\":\"add\","
           "\"path\":\"department\",\"value\":\"y\"}]}",
           200);
    change(&client, &f, a, HTTP_PATCH, "/Users", user, /* changes nothing */
           "{\"Operations\":[{\"op\":\"add\",\"path\":\"title\",\"value\":\"x\"}]}", 200);
    change(&client, &f, a, HTTP_POST, "/Users", "", "{\"userName\":\"ADA\"}", 409);
    group = create(&client, &f, a, "/Groups", "{\"displayName\":\"crew\"}");
    change(&client, &f, a, HTTP_PATCH, "/Groups", group,
           arena_printf(a,
                        "{\"Operations\":[{\"op\":\"add\",\"path\":\"members\",\"value\":"
                        "[{\"value\":\"%s\"}]}]}",
                        user)
               .ptr,
           204);
    change(&client, &f, a, HTTP_DELETE, "/Users", user, NULL, 204);
    client_ask(&client, &f, a, HTTP_GET, FEED, NULL, &answer);
    CHECK_STR(told(a, answer.json),
              "1 create User userName active; 2 update User title "
              "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department; "
              "3 create Group displayName; 4 update Group members; 5 update Group members; "
              "6 delete User",
              "all, once, in order");
    client_ask(&client, &f, a, HTTP_GET, FEED "?since=3&count=2", NULL, &answer);
    CHECK_STR(told(a, answer.json), "4 update Group members; 5 update Group members", "a page");
    CHECK(json_get_int(answer.json, "next", 0) == 5, "next");
    CHECK(json_get_bool(answer.json, "recording", true), "it is on");
    client_ask(&client, &f, a, HTTP_GET, BASE "/Groups", NULL, &answer);
    CHECK(str_find(answer.body, STR("W/\\\"3\\\""), &(size_t){0}), "version: %.*s",
          STR_ARG(answer.body));
    client_ask(&client, &f, a, HTTP_GET, FEED "?since=x", NULL, &answer);
    CHECK(answer.status == 400, "%d", answer.status);
    client_ask(&client, &f, a, HTTP_POST, FEED, "{}", &answer);
    CHECK(answer.status == 405, "%d", answer.status);
    fixture_tenant(&f, "generic", "u");
    client_ask(&client, &f, a, HTTP_GET, FEED, NULL, &answer);
    CHECK(answer.status == 401, "of another tenant: %d", answer.status);
    client_ask(&client, &f, a, HTTP_GET, "/scim/u/changes", NULL, &answer);
    CHECK(json_get(answer.json, STR("changes"))->count == 0, "its own");
    client_close(&client);
    fixture_stop(&f);
}

static void each_write_is_told_once_in_order(void **state)
{
    (void)state;
    test_databases(check_order);
}

/* --- Waiting --- */

struct reader {
    struct fixture *f;
    char *text; /* the whole answer, chunks and all */
};

/* An answer in chunks, which the client of the fixture does not know. */
static void *read_feed(void *arg)
{
    struct reader *r = arg;
    struct client client;
    struct answer answer;
    struct arena *a = arena_new();
    struct str request = client_request(r->f, a, HTTP_GET, FEED "?since=0&wait=30", NULL);
    size_t at;

    client_open(&client, r->f->port);
    CHECK(client_try(&client, a, HTTP_HEAD, request, &answer), "the head");
    CHECK(answer.status == 200, "%d", answer.status);
    while (!str_find(buf_str(&client.in), STR("\"next\":1}"), &at)) {
        char bytes[4096];
        ssize_t got = recv(client.fd, bytes, sizeof(bytes), 0);

        CHECK(got > 0, "the end of the answer");
        buf_add(&client.in, (struct str){bytes, (size_t)got});
    }
    r->text = strndup(client.in.ptr, client.in.len);
    client_close(&client);
    arena_free(a);
    return NULL;
}

static void check_waiting(const struct db_config *config)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    int64_t began;
    struct client client;
    struct reader reader;
    pthread_t thread;
    struct fixture f;

    fixture_start(&f, config);
    fixture_tenant(&f, "generic", "t");
    client_open(&client, f.port);
    reader = (struct reader){.f = &f};
    began = clock_monotonic_us();
    CHECK(pthread_create(&thread, NULL, read_feed, &reader) == 0, "thread");
    create(&client, &f, a, "/Users", "{\"userName\":\"ada\"}");
    pthread_join(thread, NULL);
    CHECK(clock_monotonic_us() - began < 20 * US_PER_SECOND, "it was told, not timed out");
    CHECK(strstr(reader.text, "\"action\":\"create\""), "%s", reader.text);
    free(reader.text);
    client_close(&client);
    fixture_stop(&f);
}

static void readers_wait(void **state)
{
    (void)state;
    test_databases(check_waiting);
}

/* --- Forgetting --- */

static void check_forgotten(const struct db_config *config)
{
    static const struct db_query forget = {"test_forget",
                                           "DELETE FROM provider_change_log WHERE last_seq <= $1"};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct client client;
    struct answer answer;
    struct fixture f;
    struct err err = {0};

    fixture_start(&f, config);
    fixture_tenant(&f, "generic", "t");
    client_open(&client, f.port);
    create(&client, &f, a, "/Users", "{\"userName\":\"ada\"}");
    create(&client, &f, a, "/Users", "{\"userName\":\"bob\"}");
    CHECK(db_exec(f.db, &forget, DB_ARGS(db_int(1)), NULL, &err), "%s", err.message);
    client_ask(&client, &f, a, HTTP_GET, FEED "?since=0", NULL, &answer);
    CHECK(answer.status == 410, "%d %.*s", answer.status, STR_ARG(answer.body));
    client_ask(&client, &f, a, HTTP_GET, FEED "?since=1", NULL, &answer);
    CHECK(answer.status == 200, "%d", answer.status);
    client_ask(&client, &f, a, HTTP_GET, FEED, NULL, &answer);
    CHECK_STR(told(a, answer.json), "2 create User userName active", "what is kept");
    CHECK(db_exec(f.db, &forget, DB_ARGS(db_int(2)), NULL, &err), "%s", err.message);
    client_ask(&client, &f, a, HTTP_GET, FEED "?since=1", NULL, &answer);
    CHECK(answer.status == 410, "nothing is kept: %d", answer.status);
    client_close(&client);
    fixture_stop(&f);
}

static void forgotten_changes_are_said_to_be(void **state)
{
    (void)state;
    test_databases(check_forgotten);
}

/* A reader that asks all the time, without waiting, while others write: it never hears of a gap. */
static void *read_on(void *arg)
{
    struct reader *r = arg;
    struct arena *a = arena_new();
    struct client client;
    struct answer answer;
    int64_t since = 0;

    client_open(&client, r->f->port);
    while (since < 300) {
        client_ask(&client, r->f, a, HTTP_GET,
                   arena_printf(a, FEED "?since=%lld", (long long)since).ptr, NULL, &answer);
        CHECK(answer.status == 200, "behind %lld: %d %.*s", (long long)since, answer.status,
              STR_ARG(answer.body));
        since = json_get_int(answer.json, "next", -1);
        arena_reset(a);
    }
    client_close(&client);
    arena_free(a);
    return NULL;
}

static void check_reading(const struct db_config *config)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct reader readers[2];
    pthread_t threads[2];
    struct client client;
    struct fixture f;

    fixture_start(&f, config);
    fixture_tenant(&f, "generic", "t");
    client_open(&client, f.port);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        readers[i] = (struct reader){.f = &f};
        CHECK(pthread_create(&threads[i], NULL, read_on, &readers[i]) == 0, "thread");
    }
    for (int i = 0; i < 300; i++)
        create(&client, &f, a, "/Users", arena_printf(a, "{\"userName\":\"u%d\"}", i).ptr);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        pthread_join(threads[i], NULL);
    client_close(&client);
    fixture_stop(&f);
}

static void reading_while_others_write(void **state)
{
    (void)state;
    test_databases(check_reading);
}

/* --- What is undone, gaps, and positions that never were --- */

static void check_undone(const struct db_config *config)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct client client;
    struct answer answer;
    struct fixture f;
    struct err err = {0};

    fixture_start(&f, config);
    fixture_tenant(&f, "generic", "t");
    client_open(&client, f.port);
    create(&client, &f, a, "/Users", "{\"userName\":\"ada\"}");
    client_ask(&client, &f, a, HTTP_POST, BASE "/Bulk",
               "{\"Operations\":["
               "{\"method\":\"POST\",\"path\":\"/Users\",\"bulkId\":\"1\",\"data\":{\"userName\":"
               "\"bob\"}},"
               "{\"method\":\"POST\",\"path\":\"/Users\",\"bulkId\":\"2\",\"data\":{\"userName\":"
               "\"ADA\"}},"
               "{\"method\":\"POST\",\"path\":\"/Users\",\"bulkId\":\"3\",\"data\":{\"userName\":"
               "\"eve\"}}]}",
               &answer);
    CHECK(answer.status == 200, "%d %.*s", answer.status, STR_ARG(answer.body));
    CHECK(provider_tenant_set(f.db, STR("t"), STR("testMode"), STR("on"), &err), "%s", err.message);
    do { /* a running service follows within a second */
        client_ask(&client, &f, a, HTTP_GET, "/scim/t/v2/Users", NULL, &answer);
        client_ask(&client, &f, a, HTTP_POST, BASE "/Users",
                   arena_printf(a, "{\"userName\":\"u%lld\"}", (long long)clock_monotonic_us()).ptr,
                   &answer);
        CHECK(answer.status == 201, "%d", answer.status);
        client_ask(
            &client, &f, a, HTTP_GET,
            arena_printf(a, BASE "/Users/%.*s", STR_ARG(json_get_text(answer.json, "id"))).ptr,
            NULL, &answer);
    } while (answer.status == 200);
    client_ask(&client, &f, a, HTTP_GET, FEED "?since=0&count=3", NULL, &answer);
    CHECK_STR(told(a, answer.json),
              "1 create User userName active; 2 create User userName active; "
              "3 create User userName active",
              "what failed leaves no record");
    client_ask(&client, &f, a, HTTP_GET, FEED "?count=0", NULL, &answer);
    {
        int64_t end = json_get_int(answer.json, "next", -1);

        CHECK(json_get(answer.json, STR("changes"))->count == 0 && end >= 3, "%lld",
              (long long)end);
        client_ask(&client, &f, a, HTTP_POST, BASE "/Users", "{\"userName\":\"x\"}", &answer);
        client_ask(&client, &f, a, HTTP_GET, FEED "?count=0", NULL, &answer);
        CHECK(json_get_int(answer.json, "next", -1) == end, "test mode records nothing");
    }
    client_close(&client);
    fixture_stop(&f);
}

static void undone_writes_are_not_told(void **state)
{
    (void)state;
    test_databases(check_undone);
}

/* What an administrator does without the service is told like any other change. */
static void check_automation_user(const struct db_config *config)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct client client;
    struct answer answer;
    struct fixture f;
    struct err err = {0};

    fixture_start(&f, config);
    fixture_tenant(&f, "jostle", "t");
    CHECK(provider_automation_add(f.db, STR("t"), STR("bot"), clock_system(), rng_system(), &err) &&
              provider_automation_remove(f.db, STR("t"), STR("bot"), clock_system(), &err),
          "%s", err.message);
    client_open(&client, f.port);
    client_ask(&client, &f, a, HTTP_GET, FEED "?since=0", NULL, &answer);
    CHECK_STR(told(a, answer.json), "1 create User userName active; 2 delete User", "both");
    client_close(&client);
    fixture_stop(&f);
}

static void automation_users_are_told(void **state)
{
    (void)state;
    test_databases(check_automation_user);
}

static void check_gap(const struct db_config *config)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct client client;
    struct answer answer;
    struct fixture f;
    struct err err = {0};

    fixture_start(&f, config);
    fixture_tenant(&f, "generic", "t");
    client_open(&client, f.port);
    create(&client, &f, a, "/Users", "{\"userName\":\"ada\"}");
    client_ask(&client, &f, a, HTTP_GET, FEED "?since=7", NULL, &answer);
    CHECK(answer.status == 410, "never told: %d", answer.status);
    CHECK(str_find(answer.body, STR("since=1"), &(size_t){0}), "%.*s", STR_ARG(answer.body));
    CHECK(provider_tenant_set(f.db, STR("t"), STR("changeFeed"), STR("off"), &err) &&
              provider_tenant_set(f.db, STR("t"), STR("changeFeed"), STR("on"), &err),
          "%s", err.message);
    client_ask(&client, &f, a, HTTP_GET, FEED "?since=1", NULL, &answer);
    CHECK(answer.status == 410, "it was off for a while: %d", answer.status);
    create(&client, &f, a, "/Users", "{\"userName\":\"bob\"}");
    client_ask(&client, &f, a, HTTP_GET, FEED "?since=0", NULL, &answer);
    CHECK_STR(told(a, answer.json), "1 create User userName active", "a page ends at the gap");
    client_ask(&client, &f, a, HTTP_GET, FEED "?since=1", NULL, &answer);
    CHECK(answer.status == 410, "the gap: %d", answer.status);
    CHECK(str_find(answer.body, STR("since=3"), &(size_t){0}), "%.*s", STR_ARG(answer.body));
    client_ask(&client, &f, a, HTTP_GET, FEED "?since=2", NULL, &answer);
    CHECK_STR(told(a, answer.json), "3 create User userName active", "behind the gap");
    client_close(&client);
    fixture_stop(&f);
}

static void gaps_are_said_to_be(void **state)
{
    (void)state;
    test_databases(check_gap);
}

TEST_GROUP(feed, cmocka_unit_test(automation_users_are_told),
           cmocka_unit_test(reading_while_others_write),
           cmocka_unit_test(undone_writes_are_not_told), cmocka_unit_test(gaps_are_said_to_be),
           cmocka_unit_test(each_write_is_told_once_in_order), cmocka_unit_test(readers_wait),
           cmocka_unit_test(nothing_is_told_of_a_tenant_without_feed),
           cmocka_unit_test(forgotten_changes_are_said_to_be));
