/* What a schema says is unique is kept so by the database: other attributes than userName, letter
 * case, two processes at once, names of groups that may be the same. */
#include "fixture.h"
#include "frame/postgres.h"

#include <pthread.h>

#define BASE "/scim/own/v2"
#define EXT  "urn:example:params:Site"

static const char schemas[] =
    "[{\"id\":\"urn:ietf:params:scim:schemas:core:2.0:User\",\"name\":\"User\",\"attributes\":["
    "{\"name\":\"userName\",\"type\":\"string\",\"required\":true,\"caseExact\":true,"
    "\"uniqueness\":\"server\"},"
    "{\"name\":\"externalId\",\"type\":\"string\",\"caseExact\":true,\"uniqueness\":\"server\"},"
    "{\"name\":\"displayName\",\"type\":\"string\",\"caseExact\":true},"
    "{\"name\":\"badge\",\"type\":\"integer\",\"uniqueness\":\"server\"},"
    "{\"name\":\"nick\",\"type\":\"string\",\"uniqueness\":\"global\"},"
    "{\"name\":\"since\",\"type\":\"dateTime\",\"uniqueness\":\"server\"},"
    "{\"name\":\"cards\",\"type\":\"complex\",\"multiValued\":true,\"subAttributes\":["
    "{\"name\":\"value\",\"type\":\"string\",\"caseExact\":true,\"uniqueness\":\"server\"},"
    "{\"name\":\"type\",\"type\":\"string\"},{\"name\":\"primary\",\"type\":\"boolean\"}]}]},"
    "{\"id\":\"" EXT "\",\"name\":\"Site\",\"attributes\":["
    "{\"name\":\"desk\",\"type\":\"string\",\"uniqueness\":\"server\"}]}]";

static void own_tenant(struct fixture *f, const char *template)
{
    struct err err = {0};

    CHECK(provider_tenant_add_custom(f->db, str_from_z(template), STR("own"), clock_system(), &err),
          "%s: %s", err.place, err.message);
    CHECK(provider_key_add(f->db, STR("own"), STR("test"), clock_system(), rng_system(), f->key_id,
                           &f->key, &err),
          "%s", err.message);
}

static int ask(struct fixture *f, struct client *client, struct arena *a, enum http_method method,
               const char *path, const char *body, struct answer *out)
{
    client_ask(client, f, a, method, path, body, out);
    return out->status;
}

static const struct {
    const char *label, *body;
    int status;
    const char *names; /* what the detail names */
} creations[] = {
    {"the first",
     "{\"userName\":\"Ada\",\"externalId\":\"x1\",\"displayName\":\"One\",\"badge\":7,"
     "\"nick\":\"Zo\\u00eb\",\"since\":\"2026-03-01T10:00:00Z\","
     "\"cards\":[{\"value\":\"A1\",\"type\":\"door\"},{\"value\":\"A2\",\"type\":\"bike\"}],"
     "\"" EXT "\":{\"desk\":\"12b\"}}",
     201, NULL},
    {"another case of userName", "{\"userName\":\"ada\",\"displayName\":\"one\"}", 201, NULL},
    {"userName", "{\"userName\":\"Ada\"}", 409, "userName 'Ada'"},
    {"externalId", "{\"userName\":\"b\",\"externalId\":\"x1\"}", 409, "externalId 'x1'"},
    {"externalId minds case", "{\"userName\":\"b\",\"externalId\":\"X1\"}", 201, NULL},
    {"a number", "{\"userName\":\"c\",\"badge\":7}", 409, "badge '7'"},
    {"as text", "{\"userName\":\"c\",\"badge\":\"7\"}", 409, "badge '7'"},
    {"folded", "{\"userName\":\"c\",\"nick\":\"ZO\\u00cb\"}", 409, "nick 'ZO\xC3\x8B'"},
    {"the same instant", "{\"userName\":\"c\",\"since\":\"2026-03-01T11:00:00.0+01:00\"}", 409,
     "since '2026"},
    {"an element", "{\"userName\":\"c\",\"cards\":[{\"value\":\"A2\",\"type\":\"x\"}]}", 409,
     "cards.value 'A2'"},
    {"an element minds case", "{\"userName\":\"c\",\"cards\":[{\"value\":\"a2\"}]}", 201, NULL},
    {"an extension", "{\"userName\":\"d\",\"" EXT "\":{\"desk\":\"12B\"}}", 409, EXT ":desk '12B'"},
    {"nothing of it", "{\"userName\":\"d\"}", 201, NULL},
};

static size_t total(struct fixture *f, struct client *client, struct arena *a, const char *filter)
{
    struct answer answer;

    CHECK(ask(f, client, a, HTTP_GET, arena_printf(a, BASE "/Users?filter=%s", filter).ptr, NULL,
              &answer) == 200,
          "%s: %.*s", filter, STR_ARG(answer.body));
    return (size_t)json_get_int(answer.json, "totalResults", -1);
}

static void check_attributes(const struct db_config *config)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct client client;
    struct answer answer;
    struct fixture f;
    const char *first = NULL, *last = NULL;

    fixture_start(&f, config);
    own_tenant(&f, schemas);
    client_open(&client, f.port);
    for (size_t i = 0; i < ARRAY_LEN(creations); i++) {
        int status = ask(&f, &client, a, HTTP_POST, BASE "/Users", creations[i].body, &answer);

        CHECK(status == creations[i].status, "%s: %d %.*s", creations[i].label, status,
              STR_ARG(answer.body));
        if (status == 409) {
            CHECK_STR(json_get_text(answer.json, "scimType"), "uniqueness", "%s",
                      creations[i].label);
            CHECK(str_find(json_get_text(answer.json, "detail"), str_from_z(creations[i].names),
                           &(size_t){0}),
                  "%s: %.*s", creations[i].label, STR_ARG(answer.body));
        }
        last = arena_z(a, json_get_text(answer.json, "id"));
        first = first ? first : last;
    }
    first = arena_printf(a, BASE "/Users/%s", first).ptr;
    last = arena_printf(a, BASE "/Users/%s", last).ptr;
    CHECK(total(&f, &client, a, "userName%20eq%20%22ada%22") == 1, "as it is written");
    CHECK(total(&f, &client, a, "displayName%20eq%20%22one%22") == 1, "as it is written");
    CHECK(ask(&f, &client, a, HTTP_PATCH, last,
              "{\"Operations\":[{\"op\":\"add\",\"path\":\"badge\",\"value\":7}]}", &answer) == 409,
          "a change: %d", answer.status);
    CHECK(ask(&f, &client, a, HTTP_PATCH, first,
              "{\"Operations\":[{\"op\":\"replace\",\"path\":\"badge\",\"value\":8},"
              "{\"op\":\"replace\",\"path\":\"nick\",\"value\":\"ZO\\u00cb\"}]}",
              &answer) == 200,
          "its own: %.*s", STR_ARG(answer.body));
    CHECK(ask(&f, &client, a, HTTP_PATCH, last,
              "{\"Operations\":[{\"op\":\"add\",\"path\":\"badge\",\"value\":7}]}", &answer) == 200,
          "what was given up is free: %d", answer.status);
    CHECK(ask(&f, &client, a, HTTP_DELETE, first, NULL, &answer) == 204, "%d", answer.status);
    CHECK(ask(&f, &client, a, HTTP_POST, BASE "/Users",
              "{\"userName\":\"Ada\",\"externalId\":\"x1\",\"badge\":8,\"nick\":\"zo\\u00eb\"}",
              &answer) == 201,
          "so is what a deleted one had: %.*s", STR_ARG(answer.body));
    ask(&f, &client, a, HTTP_GET, BASE "/Schemas/urn:ietf:params:scim:schemas:core:2.0:User", NULL,
        &answer);
    JSON_EACH(attribute, json_get(answer.json, STR("attributes")))
    {
        if (str_eq(json_get_text(attribute, "name"), STR("nick")))
            CHECK_STR(json_get_text(attribute, "uniqueness"), "server", "what is kept is told");
    }
    client_close(&client);
    fixture_stop(&f);
}

static void what_a_schema_says_is_unique_is(void **state)
{
    (void)state;
    test_databases(check_attributes);
}

/* --- Two processes at once --- */

enum { ROUNDS = 40 };

struct racer {
    struct fixture *f;
    const char *name;
    int won[ROUNDS], other;
    pthread_barrier_t *start;
};

static void *race(void *ctx)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct racer *r = ctx;
    struct client client;
    struct answer answer;

    client_open(&client, r->f->port);
    for (int i = 0; i < ROUNDS; i++) {
        pthread_barrier_wait(r->start);
        ask(r->f, &client, a, HTTP_POST, BASE "/Users",
            arena_printf(a, "{\"userName\":\"%s%d\",\"badge\":%d}", r->name, i, i).ptr, &answer);
        r->won[i] = answer.status == 201;
        r->other += answer.status != 201 && answer.status != 409;
    }
    client_close(&client);
    return NULL;
}

static void check_race(const struct db_config *config)
{
    struct racer racers[2] = {{.name = "a"}, {.name = "b"}};
    pthread_barrier_t start;
    pthread_t threads[2];
    struct fixture f, other;

    fixture_start(&f, config);
    own_tenant(&f, schemas);
    fixture_start(&other, config);
    other.key = f.key;
    racers[0].f = &f;
    racers[1].f = &other;
    pthread_barrier_init(&start, NULL, 2);
    for (size_t i = 0; i < 2; i++) {
        racers[i].start = &start;
        CHECK(pthread_create(&threads[i], NULL, race, &racers[i]) == 0, "a thread");
    }
    for (size_t i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&start);
    for (int i = 0; i < ROUNDS; i++)
        CHECK(racers[0].won[i] + racers[1].won[i] == 1, "round %d has one winner", i);
    CHECK(racers[0].other + racers[1].other == 0, "the loser is told 409");
    other.key = (struct secret){0};
    fixture_stop(&other);
    fixture_stop(&f);
}

static void of_two_processes_one_wins(void **state)
{
    (void)state;
    test_databases(check_race);
}

/* --- Lists of paths, long values, names of groups --- */

static void check_paths(const struct db_config *config)
{
    static const char paths[] =
        "{\"userAttributes\":[{\"target\":\"userName\",\"type\":\"String\"},"
        "{\"target\":\"externalId\",\"type\":\"String\",\"uniqueness\":\"server\"},"
        "{\"target\":\"" EXT ":desk\",\"type\":\"String\",\"uniqueness\":\"server\","
        "\"caseExact\":true}],\"supportsGroups\":true}";
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct client client;
    struct answer answer;
    struct fixture f;

    fixture_start(&f, config);
    own_tenant(&f, paths);
    client_open(&client, f.port);
    for (int i = 0; i < 2; i++) {
        CHECK(ask(&f, &client, a, HTTP_POST, BASE "/Users",
                  arena_printf(a, "{\"userName\":\"u%d\",\"externalId\":\"e\"}", i).ptr,
                  &answer) == (i ? 409 : 201),
              "%d: %.*s", i, STR_ARG(answer.body));
        CHECK(ask(&f, &client, a, HTTP_POST, BASE "/Users",
                  arena_printf(a, "{\"userName\":\"v%d\",\"" EXT "\":{\"desk\":\"%s\"}}", i,
                               i ? "A" : "a")
                      .ptr,
                  &answer) == 201,
              "%d: %.*s", i, STR_ARG(answer.body));
        CHECK(ask(&f, &client, a, HTTP_POST, BASE "/Groups",
                  arena_printf(a, "{\"displayName\":\"g%d\",\"externalId\":\"e\"}", i).ptr,
                  &answer) == 201,
              "of users only: %.*s", STR_ARG(answer.body));
    }
    client_close(&client);
    fixture_stop(&f);
}

static void paths_can_be_unique_too(void **state)
{
    (void)state;
    test_databases(check_paths);
}

static void set(struct fixture *f, const char *name, const char *value, const char *code)
{
    struct err err = {0};

    CHECK(provider_tenant_set(f->db, STR("own"), str_from_z(name), str_from_z(value), &err) ==
              !code,
          "%s", err.message);
    if (code)
        CHECK(strcmp(err.code, code) == 0, "%s", err.code);
}

static size_t groups_named(struct fixture *f, struct arena *a, struct str filter)
{
    struct client client;
    struct answer answer;

    client_open(&client, f->port);
    client_ask(&client, f, a, HTTP_GET, arena_printf(a, BASE "/Groups?%.*s", STR_ARG(filter)).ptr,
               NULL, &answer);
    client_close(&client);
    CHECK(answer.status == 200, "%.*s", STR_ARG(answer.body));
    return (size_t)json_get_int(answer.json, "totalResults", -1);
}

/* Another process takes a change of settings a second later; a new one at once. */
static void restart(struct fixture *f, const struct db_config *config)
{
    struct secret key = f->key;

    f->key = (struct secret){0};
    fixture_stop(f);
    fixture_start(f, config);
    f->key = key;
}

static void check_groups(const struct db_config *config)
{
    static const char body[] = "{\"displayName\":\"Crew\"}";
    static const char *const by_name[] = {"filter=displayName%20eq%20%22CREW%22",
                                          "sortBy=displayName",
                                          "sortBy=displayName&count=1&cursor="};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct client client;
    struct answer answer;
    struct fixture f;
    const char *id;

    fixture_start(&f, config);
    own_tenant(&f, "{\"userAttributes\":[{\"target\":\"userName\"}],\"supportsGroups\":true}");
    client_open(&client, f.port);
    CHECK(ask(&f, &client, a, HTTP_POST, BASE "/Groups", body, &answer) == 201 &&
              ask(&f, &client, a, HTTP_POST, BASE "/Groups", body, &answer) == 409,
          "unique by default: %d", answer.status);
    client_close(&client);
    set(&f, "groups.uniqueDisplayName", "off", NULL);
    restart(&f, config);
    client_open(&client, f.port);
    CHECK(ask(&f, &client, a, HTTP_POST, BASE "/Groups", body, &answer) == 201, "%.*s",
          STR_ARG(answer.body));
    id = arena_z(a, json_get_text(answer.json, "id"));
    for (size_t i = 0; i < ARRAY_LEN(by_name); i++)
        CHECK(groups_named(&f, a, str_from_z(by_name[i])) == 2, "both: %s", by_name[i]);
    set(&f, "groups.uniqueDisplayName", "on", "uniqueness");
    CHECK(ask(&f, &client, a, HTTP_DELETE, arena_printf(a, BASE "/Groups/%s", id).ptr, NULL,
              &answer) == 204,
          "%d", answer.status);
    client_close(&client);
    set(&f, "groups.uniqueDisplayName", "on", NULL);
    restart(&f, config);
    client_open(&client, f.port);
    CHECK(ask(&f, &client, a, HTTP_POST, BASE "/Groups", body, &answer) == 409, "unique again: %d",
          answer.status);
    client_close(&client);
    fixture_stop(&f);
}

static void names_of_groups_need_not_be_unique(void **state)
{
    (void)state;
    test_databases(check_groups);
}

/* Values that are as long as values may be, and hard to pack. */
static void check_long(const struct db_config *config)
{
    static const char *const bodies[] = {
        "{\"userName\":\"%s\"}",
        "{\"userName\":\"a\",\"externalId\":\"%s\"}",
        "{\"userName\":\"b\",\"displayName\":\"%s\"}",
        "{\"userName\":\"c\",\"emails\":[{\"value\":\"%s\"}]}",
    };
    CLEANUP(arena_freep) struct arena *a = arena_new();
    char text[60001];
    struct client client;
    struct answer answer;
    struct fixture f;

    for (size_t i = 0; i + 1 < sizeof(text); i++)
        text[i] = (char)('A' + (char)rng_below(rng_system(), 58 - 32) + (i % 2 ? 32 : 0));
    text[sizeof(text) - 1] = 0;
    fixture_start(&f, config);
    fixture_tenant(&f, "generic", "own");
    client_open(&client, f.port);
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        struct str body;
        size_t at = 0;

        CHECK(str_find(str_from_z(bodies[i]), STR("%s"), &at), "a place");
        body = arena_printf(a, "%.*s%s%s", (int)at, bodies[i], text, bodies[i] + at + 2);
        CHECK(ask(&f, &client, a, HTTP_POST, BASE "/Users", body.ptr, &answer) == 201, "%zu: %.*s",
              i, STR_ARG(str_sub(answer.body, 0, 500)));
        if (i == 0)
            CHECK(ask(&f, &client, a, HTTP_POST, BASE "/Users", body.ptr, &answer) == 409,
                  "taken: %d", answer.status);
    }
    client_close(&client);
    fixture_stop(&f);
}

static void long_values_can_be_stored(void **state)
{
    (void)state;
    test_databases(check_long);
}

TEST_GROUP(unique, cmocka_unit_test(what_a_schema_says_is_unique_is),
           cmocka_unit_test(of_two_processes_one_wins), cmocka_unit_test(paths_can_be_unique_too),
           cmocka_unit_test(names_of_groups_need_not_be_unique),
           cmocka_unit_test(long_values_can_be_stored));
