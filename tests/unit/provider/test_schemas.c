/* Tenants made of SCIM Schema documents. What is wrong in them is told by test_tenant.c. */
#include "fixture.h"
#include "frame/postgres.h"

/* A tenant made of what another one says of its types is like it. */
static void check_copied(const struct db_config *config)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct err err = {0};
    struct client client;
    struct answer schemas, types, copied;
    struct fixture f;

    fixture_start(&f, config);
    fixture_tenant(&f, "generic", "first");
    client_open(&client, f.port);
    client_ask(&client, &f, a, HTTP_GET, "/scim/first/v2/Schemas", NULL, &schemas);
    client_ask(&client, &f, a, HTTP_GET, "/scim/first/v2/ResourceTypes", NULL, &types);
    CHECK(provider_tenant_add_custom(
              f.db,
              arena_printf(a, "{\"schemas\":%.*s,\"resourceTypes\":%.*s}",
                           STR_ARG(json_text(a, json_get(schemas.json, STR("Resources")))),
                           STR_ARG(json_text(a, json_get(types.json, STR("Resources"))))),
              STR("copy"), clock_system(), &err),
          "%s: %s", err.place, err.message);
    CHECK(provider_tenant_add_custom(f.db, schemas.body, STR("listed"), clock_system(), &err),
          "%s: %s", err.place, err.message);
    for (size_t i = 0; i < 2; i++) {
        const char *name = i ? "listed" : "copy";

        secret_done(&f.key);
        CHECK(provider_key_add(f.db, str_from_z(name), STR("test"), clock_system(), rng_system(),
                               f.key_id, &f.key, &err),
              "%s", err.message);
        client_ask(&client, &f, a, HTTP_GET, arena_printf(a, "/scim/%s/v2/Schemas", name).ptr, NULL,
                   &copied);
        {
            const struct json *want = json_get(schemas.json, STR("Resources"))->first;

            JSON_EACH(schema, json_get(copied.json, STR("Resources")))
            {
                CHECK(want, "%s: one too many", name);
                CHECK_STR(json_text(a, json_get(schema, STR("attributes"))),
                          arena_z(a, json_text(a, json_get(want, STR("attributes")))), "%s: %.*s",
                          name, STR_ARG(json_get_text(schema, "id")));
                want = want->next;
            }
            CHECK(!want, "%s: one is missing", name);
        }
    }
    client_close(&client);
    fixture_stop(&f);
}

static void schemas_can_be_copied(void **state)
{
    (void)state;
    test_databases(check_copied);
}

/* Characteristics of SCIM schemas are followed. */
static void check_documents(const struct db_config *config)
{
    static const char text[] =
        "[{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:Schema\"],"
        "\"id\":\"urn:ietf:params:scim:schemas:core:2.0:User\",\"name\":\"User\",\"attributes\":["
        "{\"name\":\"id\",\"type\":\"string\"},"
        "{\"name\":\"userName\",\"type\":\"string\",\"required\":true,\"uniqueness\":\"server\"},"
        "{\"name\":\"badge\",\"type\":\"integer\",\"required\":true,\"mutability\":\"immutable\"},"
        "{\"name\":\"pin\",\"type\":\"string\",\"returned\":\"never\",\"mutability\":\"writeOnly\"},"
        "{\"name\":\"active\",\"type\":\"boolean\"},"
        "{\"name\":\"emails\",\"type\":\"complex\",\"multiValued\":true,\"subAttributes\":["
        "{\"name\":\"value\",\"type\":\"string\"},{\"name\":\"type\",\"type\":\"string\"},"
        "{\"name\":\"primary\",\"type\":\"boolean\"}]}]},"
        "{\"id\":\"urn:example:params:Site\",\"name\":\"Site\",\"attributes\":["
        "{\"name\":\"codes\",\"type\":\"string\",\"multiValued\":true,\"caseExact\":true}]},"
        "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:ResourceType\"],\"id\":\"User\","
        "\"name\":\"User\",\"endpoint\":\"/Users\","
        "\"schema\":\"urn:ietf:params:scim:schemas:core:2.0:User\","
        "\"schemaExtensions\":[{\"schema\":\"urn:example:params:Site\",\"required\":false}]}]";
    static const struct {
        const char *label, *body;
        int status;
    } cases[] = {
        {"all",
         "{\"userName\":\"a\",\"badge\":7,\"pin\":\"1\",\"urn:example:params:Site\":"
         "{\"codes\":[\"x\",\"y\"]}}",
         201},
        {"a required one is missing", "{\"userName\":\"b\"}", 400},
        {"a number is no name", "{\"userName\":\"c\",\"badge\":\"seven\"}", 400},
        {"taken", "{\"userName\":\"A\",\"badge\":8}", 409},
    };
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct err err = {0};
    struct client client;
    struct answer answer;
    struct fixture f;
    const char *id = "";

    fixture_start(&f, config);
    CHECK(provider_tenant_add_custom(f.db, str_from_z(text), STR("own"), clock_system(), &err),
          "%s: %s", err.place, err.message);
    CHECK(provider_key_add(f.db, STR("own"), STR("test"), clock_system(), rng_system(), f.key_id,
                           &f.key, &err),
          "%s", err.message);
    client_open(&client, f.port);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        client_ask(&client, &f, a, HTTP_POST, "/scim/own/v2/Users", cases[i].body, &answer);
        CHECK(answer.status == cases[i].status, "%s: %d %.*s", cases[i].label, answer.status,
              STR_ARG(answer.body));
        if (i == 0) {
            id = arena_z(a, json_get_text(answer.json, "id"));
            CHECK(!json_get(answer.json, STR("pin")), "what is never returned");
            CHECK(json_get(json_get(answer.json, STR("urn:example:params:Site")), STR("codes"))
                          ->count == 2,
                  "an extension");
        }
    }
    client_ask(&client, &f, a, HTTP_GET,
               arena_printf(a, "/scim/own/v2/Users/%s?attributes=pin,badge", id).ptr, NULL,
               &answer);
    CHECK(!json_get(answer.json, STR("pin")) && json_get_int(answer.json, "badge", 0) == 7,
          "not even when it is asked for");
    client_ask(&client, &f, a, HTTP_GET, "/scim/own/v2/Users?filter=userName%20eq%20%22a%22", NULL,
               &answer);
    CHECK(json_get_int(answer.json, "totalResults", 0) == 1 &&
              !json_get(json_get(answer.json, STR("Resources"))->first, STR("pin")),
          "nor in lists");
    client_ask(&client, &f, a, HTTP_PATCH, arena_printf(a, "/scim/own/v2/Users/%s", id).ptr,
               "{\"Operations\":[{\"op\":\"replace\",\"path\":\"badge\",\"value\":9}]}", &answer);
    CHECK(answer.status == 400, "immutable: %d", answer.status);
    client_ask(&client, &f, a, HTTP_GET, "/scim/own/v2/Groups", NULL, &answer);
    CHECK(answer.status == 404, "no groups: %d", answer.status);
    client_ask(&client, &f, a, HTTP_GET, "/scim/own/v2/Schemas", NULL, &answer);
    CHECK(json_get(answer.json, STR("Resources"))->count == 2, "two schemas");
    client_close(&client);
    fixture_stop(&f);
}

static void scim_schemas_can_be_given(void **state)
{
    (void)state;
    test_databases(check_documents);
}

TEST_GROUP(schemas, cmocka_unit_test(schemas_can_be_copied),
           cmocka_unit_test(scim_schemas_can_be_given));
