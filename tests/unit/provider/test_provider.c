/* Behaviour that the conformance cases leave open: concurrency, keys, tenants, limits. */
#include "base/map.h"
#include "fixture.h"
#include "frame/postgres.h"
#include "provider/statements.h"

#include <pthread.h>
#include <string.h>

#define USERS "/scim/t/v2/Users"

static const char *user_body(struct arena *a, const char *name)
{
    return arena_printf(a,
                        "{\"userName\":\"%s\",\"emails\":[{\"type\":\"work\",\"value\":\"%s@x\"}]}",
                        name, name)
        .ptr;
}

/* --- Statements --- */

static void check_statements(const struct db_config *config)
{
    struct err err = {0};
    struct db *db;

    CHECK(db_open(config, &db, &err), "%s", err.message);
    CHECK(db_check(db, provider_queries, PROVIDER_STATEMENT_COUNT, &err), "%s", err.message);
    db_close(db);
}

static void every_statement_prepares(void **state)
{
    (void)state;
    test_databases(check_statements);
}

/* --- Tenants and keys --- */

static void check_keys(const struct db_config *config)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct fixture f;
    struct client client;
    struct answer answer;
    struct provider_key *keys;
    struct str nothing;
    struct err err = {0};
    size_t count;

    fixture_start(&f, config);
    fixture_tenant(&f, "generic", "other");
    fixture_tenant(&f, "generic", "t");
    client_open(&client, f.port);
    client_ask(&client, &f, a, HTTP_GET, USERS, NULL, &answer);
    CHECK(answer.status == 200, "%d", answer.status);
    client_ask(&client, &f, a, HTTP_GET, "/scim/other/v2/Users", NULL, &answer);
    CHECK(answer.status == 401, "a key of another tenant: %d", answer.status);
    client_ask(&client, &f, a, HTTP_GET, "/scim/nobody/v2/Users", NULL, &answer);
    CHECK(answer.status == 401, "no such tenant: %d", answer.status);
    client_ask(&client, &f, a, HTTP_GET, "/scim/nobody/v2/ServiceProviderConfig", NULL, &answer);
    CHECK(answer.status == 401, "no such tenant: %d", answer.status);
    nothing = answer.body;
    CHECK(provider_tenant_set(f.db, STR("other"), STR("discovery.publicConfig"), STR("off"), &err),
          "%s", err.message);
    client_ask(&client, &f, a, HTTP_GET, "/scim/other/v2/ServiceProviderConfig", NULL, &answer);
    CHECK(answer.status == 401, "one that hides: %d", answer.status);
    CHECK_STR(answer.body, arena_z(a, nothing), "cannot be told from one that is not there");
    client_ask(&client, &f, a, HTTP_POST, USERS, user_body(a, "ada"), &answer);
    CHECK(answer.status == 201, "%d", answer.status); /* behind the recorded use in the queue */
    CHECK(provider_key_list(f.db, a, STR("t"), &keys, &count, &err) && count == 1, "list");
    CHECK(keys[0].used_us > 0, "the use was recorded");
    CHECK_STR(keys[0].id, f.key_id, "id");
    CHECK(!provider_key_revoke(f.db, STR("other"), str_from_z(f.key_id), &err), "not of this one");
    CHECK_STR(str_from_z(err.code), "keyNotFound", "code");
    CHECK(provider_key_revoke(f.db, STR("t"), str_from_z(f.key_id), &err), "%s", err.message);
    do /* until what is remembered of it is a second old */
        client_ask(&client, &f, a, HTTP_GET, USERS, NULL, &answer);
    while (answer.status == 200);
    CHECK(answer.status == 401, "%d", answer.status);
    client_close(&client);
    fixture_stop(&f);
}

static void keys_are_confined_and_revocable(void **state)
{
    (void)state;
    test_databases(check_keys);
}

static void check_tenants(const struct db_config *config)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    static const struct {
        const char *kind, *name, *code;
    } bad[] = {
        {"generic", "", "invalidName"},        {"generic", "a/b", "invalidName"},
        {"generic", ".hidden", "invalidName"}, {"generic", "a b", "invalidName"},
        {"nothing", "a", "unknownKind"},       {"scim", "a", "unknownKind"},
        {"generic", "t", "tenantExists"},
    };
    struct provider_tenant *tenants;
    struct fixture f;
    size_t count;
    struct err err;

    fixture_start(&f, config);
    fixture_tenant(&f, "joynfsm", "t");
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        err = (struct err){0};
        CHECK(!provider_tenant_add(f.db, str_from_z(bad[i].kind), str_from_z(bad[i].name),
                                   clock_system(), &err),
              "%s", bad[i].name);
        CHECK_STR(str_from_z(err.code), bad[i].code, "%s %s", bad[i].kind, bad[i].name);
    }
    CHECK(provider_tenant_list(f.db, a, &tenants, &count, &err) && count == 1, "list");
    CHECK_STR(tenants[0].kind, "joynfsm", "kind");
    CHECK(provider_tenant_remove(f.db, STR("t"), &err), "%s", err.message);
    CHECK(!provider_tenant_remove(f.db, STR("t"), &err), "twice");
    CHECK_STR(str_from_z(err.code), "tenantNotFound", "code");
    fixture_stop(&f);
}

static void tenants_are_checked(void **state)
{
    (void)state;
    test_databases(check_tenants);
}

/* --- Threads --- */

#define THREADS 4
#define ROUNDS  25

struct racer {
    struct fixture *f;
    int number;
    int created, conflicts, patched;
    const char *id;
};

static void *race_to_create(void *arg)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct racer *r = arg;
    struct client client;
    struct answer answer;

    client_open(&client, r->f->port);
    for (int i = 0; i < ROUNDS; i++) {
        const char *name = arena_printf(a, "%s%d", i % 2 ? "User" : "user", i / 2).ptr;

        client_ask(&client, r->f, a, HTTP_POST, USERS, user_body(a, name), &answer);
        r->created += answer.status == 201;
        r->conflicts += answer.status == 409;
    }
    client_close(&client);
    return NULL;
}

static void *race_to_patch(void *arg)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct racer *r = arg;
    struct client client;
    struct answer answer;

    client_open(&client, r->f->port);
    for (int i = 0; i < ROUNDS; i++) {
        const char *path = arena_printf(a, USERS "/%s", r->id).ptr;
        const char *body = arena_printf(a,
                                        "{\"Operations\":[{\"op\":\"add\",\"path\":\"emails\","
                                        "\"value\":[{\"value\":\"t%d-%d@x\"}]}]}",
                                        r->number, i)
                               .ptr;

        client_ask(&client, r->f, a, HTTP_PATCH, path, body, &answer);
        r->patched += answer.status == 200;
        client_ask(&client, r->f, a, HTTP_GET, path, NULL, &answer);
        CHECK(answer.status == 200, "%d", answer.status);
    }
    client_close(&client);
    return NULL;
}

static void race(struct fixture *f, const char *id, void *(*body)(void *), struct racer *total)
{
    struct racer racers[THREADS];
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++) {
        racers[i] = (struct racer){.f = f, .number = i, .id = id};
        pthread_create(&threads[i], NULL, body, &racers[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        total->created += racers[i].created;
        total->conflicts += racers[i].conflicts;
        total->patched += racers[i].patched;
    }
}

static void check_races(const struct db_config *config)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct fixture f;
    struct client client;
    struct answer answer;
    struct racer total = {0};
    const char *id;

    fixture_start(&f, config);
    fixture_tenant(&f, "generic", "t");
    race(&f, NULL, race_to_create, &total);
    CHECK(total.created == (ROUNDS + 1) / 2, "%d created", total.created);
    CHECK(total.conflicts == THREADS * ROUNDS - total.created, "%d refused", total.conflicts);

    client_open(&client, f.port);
    client_ask(&client, &f, a, HTTP_POST, USERS, "{\"userName\":\"busy\"}", &answer);
    id = arena_z(a, json_get_text(answer.json, "id"));
    race(&f, id, race_to_patch, &total);
    CHECK(total.patched == THREADS * ROUNDS, "%d patched", total.patched);
    client_ask(&client, &f, a, HTTP_GET, arena_printf(a, USERS "/%s", id).ptr, NULL, &answer);
    CHECK(json_get(answer.json, STR("emails"))->count == THREADS * ROUNDS, "no update was lost");
    client_close(&client);
    fixture_stop(&f);
}

static void writes_are_serialised(void **state)
{
    (void)state;
    test_databases(check_races);
}

/* --- Groups --- */

/* Each of them once, however the answer was made. */
static void check_all_members(const struct answer *answer, const struct str *ids, int count)
{
    CLEANUP(map_done) struct map seen;
    const struct json *members = json_get(answer->json, STR("members"));

    map_init(&seen);
    CHECK(json_is(members, JSON_ARRAY) && (int)members->count == count, "all are there");
    JSON_EACH(member, members)
    {
        CHECK(map_put(&seen, json_get_text(member, "value"), member) == NULL, "twice: %.*s",
              STR_ARG(json_get_text(member, "value")));
        CHECK_STR(json_get_text(member, "type"), "User", "type");
        CHECK(str_ends(json_get_text(member, "$ref"), json_get_text(member, "value")), "$ref");
    }
    for (int i = 0; i < count; i++)
        CHECK(map_get(&seen, ids[i]), "%.*s is there", STR_ARG(ids[i]));
}

/* As clients ask before they write (scim.md 11.5). */
static void check_is_member(struct client *client, const struct fixture *f, struct arena *a,
                            const char *group, struct str member, int64_t found)
{
    struct answer answer;
    const char *id = strrchr(group, '/') + 1;

    client_ask(client, f, a, HTTP_GET,
               arena_printf(a,
                            "/scim/t/v2/Groups?filter=id+eq+%%22%s%%22+and+members+eq+%%22%.*s%%22"
                            "&attributes=id",
                            id, STR_ARG(member))
                   .ptr,
               NULL, &answer);
    CHECK(json_get_int(answer.json, "totalResults", -1) == found, "%.*s", STR_ARG(answer.body));
}

static void check_members(const struct db_config *config)
{
    enum { MEMBERS = 1500 };
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(buf_done) struct buf body;
    struct fixture f;
    struct client client;
    struct answer answer;
    struct str ids[MEMBERS];
    const char *group;
    struct str version;

    fixture_start(&f, config);
    fixture_tenant(&f, "generic", "t");
    client_open(&client, f.port);
    for (int i = 0; i < MEMBERS; i++) {
        client_ask(&client, &f, a, HTTP_POST, USERS,
                   arena_printf(a, "{\"userName\":\"m%d\"}", i).ptr, &answer);
        CHECK(answer.status == 201, "%d", answer.status);
        ids[i] = arena_str(a, json_get_text(answer.json, "id"));
    }
    client_ask(&client, &f, a, HTTP_POST, "/scim/t/v2/Groups", "{\"displayName\":\"crew\"}",
               &answer);
    group =
        arena_printf(a, "/scim/t/v2/Groups/%.*s", STR_ARG(json_get_text(answer.json, "id"))).ptr;

    buf_init(&body, 1 << 20);
    buf_add_z(&body, "{\"Operations\":[{\"op\":\"Add\",\"path\":\"members\",\"value\":[");
    for (int i = 0; i < MEMBERS; i++)
        buf_addf(&body, "%s{\"$ref\":null,\"value\":\"%.*s\"}", i ? "," : "", STR_ARG(ids[i]));
    buf_add_z(&body, "]}]}");
    client_ask(&client, &f, a, HTTP_PATCH, group, buf_z(&body), &answer);
    CHECK(answer.status == 204, "%d %.*s", answer.status, STR_ARG(answer.body));
    version = answer_header(&answer, STR("ETag"));
    client_ask(&client, &f, a, HTTP_PATCH, group, buf_z(&body), &answer);
    CHECK(str_eq(version, answer_header(&answer, STR("ETag"))), "the same again changes nothing");

    client_ask(&client, &f, a, HTTP_GET, group, NULL, &answer);
    check_all_members(&answer, ids, MEMBERS);
    client_ask(&client, &f, a, HTTP_GET, arena_printf(a, "%s?attributes=members", group).ptr, NULL,
               &answer);
    check_all_members(&answer, ids, MEMBERS);
    check_is_member(&client, &f, a, group, ids[MEMBERS - 1], 1);
    check_is_member(&client, &f, a, group, STR("nobody"), 0);
    client_ask(&client, &f, a, HTTP_PATCH, group,
               arena_printf(a,
                            "{\"Operations\":[{\"op\":\"remove\",\"path\":\"members[value ne "
                            "\\\"%.*s\\\"]\"},{\"op\":\"replace\",\"path\":\"displayName\","
                            "\"value\":\"few\"}]}",
                            STR_ARG(ids[7]))
                   .ptr,
               &answer);
    CHECK(answer.status == 204, "%d", answer.status);
    client_ask(&client, &f, a, HTTP_GET, group, NULL, &answer);
    CHECK(json_get(answer.json, STR("members"))->count == 1, "one stays");
    CHECK_STR(json_get_text(answer.json, "displayName"), "few", "renamed");
    client_ask(&client, &f, a, HTTP_DELETE, arena_printf(a, USERS "/%.*s", STR_ARG(ids[7])).ptr,
               NULL, &answer);
    CHECK(answer.status == 204, "%d", answer.status);
    client_ask(&client, &f, a, HTTP_GET, group, NULL, &answer);
    CHECK(!json_get(answer.json, STR("members")), "none is left");
    client_close(&client);
    fixture_stop(&f);
}

static void members_in_bulk(void **state)
{
    (void)state;
    test_databases(check_members);
}

/* --- Requests that are refused --- */

static void check_refusals(const struct db_config *config)
{
    static const struct {
        const char *label;
        enum http_method method;
        const char *path, *body;
        int status;
        const char *scim_type;
    } cases[] = {
        {"deep", HTTP_POST, USERS, NULL, 400, "invalidSyntax"}, /* the body is made below */
        {"duplicate", HTTP_POST, USERS, "{\"userName\":\"a\",\"USERNAME\":\"b\"}", 400,
         "invalidSyntax"},
        {"array", HTTP_POST, USERS, "[]", 400, "invalidSyntax"},
        {"empty", HTTP_POST, USERS, "", 400, "invalidSyntax"},
        {"NUL", HTTP_POST, USERS, "{\"userName\":\"a\\u0000b\"}", 400, "invalidValue"},
        {"percent", HTTP_GET, USERS "?filter=%zz", NULL, 400, "invalidSyntax"},
        {"not UTF-8", HTTP_GET, USERS "?filter=%ff", NULL, 400, "invalidSyntax"},
        {"not UTF-8 in a body", HTTP_POST, USERS, "{\"userName\":\"\xff\"}", 400, "invalidSyntax"},
        {"password", HTTP_GET, USERS "?filter=password%20pr", NULL, 403, "sensitive"},
        {"two projections", HTTP_GET, USERS "?attributes=id&excludedAttributes=name", NULL, 400,
         "invalidValue"},
        {"dots", HTTP_GET, USERS "/..%2F..%2Fetc", NULL, 404, ""},
        {"NUL id", HTTP_GET, USERS "/a%00b", NULL, 404, ""},
        {"below an id", HTTP_GET, USERS "/a/b", NULL, 404, ""},
        {"me", HTTP_GET, "/scim/t/v2/Me", NULL, 501, ""},
        {"options", HTTP_OPTIONS, USERS, NULL, 405, ""},
        {"no bulk", HTTP_POST, "/scim/t/v2/Bulk", "{}", 400, "invalidSyntax"},
    };
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(buf_done) struct buf deep;
    struct fixture f;
    struct client client;
    struct answer answer;

    buf_init(&deep, 10000);
    for (int i = 0; i < 40; i++)
        buf_add_z(&deep, "{\"a\":");
    fixture_start(&f, config);
    fixture_tenant(&f, "generic", "t");
    client_open(&client, f.port);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *body = i == 0 ? buf_z(&deep) : cases[i].body;

        client_ask(&client, &f, a, cases[i].method, cases[i].path, body, &answer);
        CHECK(answer.status == cases[i].status, "%s: %d", cases[i].label, answer.status);
        CHECK_STR(json_get_text(answer.json, "scimType"), cases[i].scim_type, "%s", cases[i].label);
    }
    client_ask(&client, &f, a, HTTP_GET, USERS, NULL, &answer);
    CHECK(json_get_int(answer.json, "totalResults", -1) == 0, "nothing was stored");
    client_close(&client);
    fixture_stop(&f);
}

static void refusals(void **state)
{
    (void)state;
    test_databases(check_refusals);
}

TEST_GROUP(provider, cmocka_unit_test(every_statement_prepares),
           cmocka_unit_test(keys_are_confined_and_revocable), cmocka_unit_test(tenants_are_checked),
           cmocka_unit_test(writes_are_serialised), cmocka_unit_test(members_in_bulk),
           cmocka_unit_test(refusals));
