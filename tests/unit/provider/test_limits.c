/* The limits and settings of scim.md 15, each set low and gone beyond. */
#include "fixture.h"
#include "frame/postgres.h"

#include <string.h>

#define BASE "/scim/own/v2"

#define PATCH(ops) \
    "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:PatchOp\"],\"Operations\":[" ops "]}"
#define SET(name)                                             \
    "{\"op\":\"replace\",\"path\":\"" name                    \
    "\",\"value\":\"0123456789012345678901234567890123456789" \
    "0123456789012345678901234567890123456789\"}"
#define NAMED(path) "{\"op\":\"replace\",\"path\":\"" path "\",\"value\":\"x\"}"
#define BULK(a, b)                                                                            \
    "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:BulkRequest\"],\"Operations\":[" a \
    "," b "]}"
#define DELETE "{\"method\":\"DELETE\",\"path\":\"/Users/x\"}"

/* USER and GROUP stand for resources that are there. */
static const struct {
    const char *setting, *value;
    enum http_method method;
    const char *path, *body;
    int usual, beyond; /* the status without and with the setting */
    const char *type;  /* scimType; NULL: none */
} cases[] = {
    {"value.maxBytes", "64", HTTP_PATCH, "USER", PATCH(SET("title")), 200, 400, "invalidValue"},
    {"json.maxDepth", "4", HTTP_POST, "/Users",
     "{\"userName\":\"deep\",\"x\":{\"a\":[{\"b\":[1]}]}}", 201, 400, "invalidSyntax"},
    {"patch.maxOperations", "1", HTTP_PATCH, "USER", PATCH(NAMED("title") "," NAMED("nickName")),
     200, 413, NULL},
    {"bulk.maxOperations", "1", HTTP_POST, "/Bulk", BULK(DELETE, DELETE), 200, 413, NULL},
    {"limits.maxBody", "1024", HTTP_POST, "/Users", NULL, 400, 413, NULL},
    {"filter.maxBytes", "64", HTTP_GET,
     "/Users?filter=userName%20eq%20%22012345678901234567890123456789012345678901234567890123456789%22",
     NULL, 200, 400, "invalidFilter"},
    {"filter.maxNodes", "1", HTTP_GET, "/Users?filter=title%20pr%20and%20nickName%20pr", NULL, 200,
     400, "invalidFilter"},
    /* a chain is not nested, and has as many comparisons as it says */
    {"filter.maxDepth", "1", HTTP_GET,
     "/Users?filter=title%20eq%20%22((%22%20or%20title%20pr%20or%20title%20pr%20or%20(title%20pr)",
     NULL, 200, 200, NULL},
    {"filter.maxNodes", "2", HTTP_GET, "/Users?filter=title%20pr%20or%20title%20pr", NULL, 200, 200,
     NULL},
    {"filter.maxDepth", "1", HTTP_GET, "/Users?filter=(((title%20pr)))", NULL, 200, 400,
     "invalidFilter"},
    {"groups.maxMembers", "1", HTTP_POST, "/Groups",
     "{\"displayName\":\"two\",\"members\":[{\"value\":\"USER\"},{\"value\":\"GROUP\"}]}", 201, 400,
     "invalidValue"},
    {"groups.enabled", "off", HTTP_GET, "/Groups", NULL, 200, 404, NULL},
    {"patch.userResponse", "204", HTTP_PATCH, "USER", PATCH(NAMED("title")), 200, 204, NULL},
    {"patch.userResponse", "204", HTTP_PATCH, "USER?attributes=title", PATCH(NAMED("title")), 200,
     200, NULL},
    {"patch.groupResponse", "200", HTTP_PATCH, "GROUP", PATCH(NAMED("externalId")), 204, 200, NULL},
    {"lenient.bareWords", "off", HTTP_GET, "/Users?filter=userName%20eq%20ada", NULL, 200, 400,
     "invalidFilter"},
    {"lenient.booleanText", "off", HTTP_PATCH, "USER",
     PATCH("{\"op\":\"replace\",\"path\":\"active\",\"value\":\"True\"}"), 200, 400,
     "invalidValue"},
    {"lenient.jsonText", "off", HTTP_PATCH, "USER",
     PATCH("{\"op\":\"replace\",\"path\":\"name\",\"value\":\"{\\\"givenName\\\":\\\"A\\\"}\"}"),
     200, 400, "invalidValue"},
    {"patch.createOnNoMatch", "off", HTTP_PATCH, "USER",
     PATCH("{\"op\":\"replace\",\"path\":\"ims[type eq \\\"xmpp\\\"].value\",\"value\":\"x\"}"),
     200, 400, "noTarget"},
};

struct place {
    struct str user, group; /* ids */
};

/* The text with the ids that its capital words stand for. */
static struct str filled(struct arena *a, const char *text, const struct place *p)
{
    const struct {
        struct str word, id;
    } all[] = {{STR("USER"), p->user}, {STR("GROUP"), p->group}};
    struct str out = str_from_z(text ? text : "");
    size_t at;

    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        if (str_find(out, all[i].word, &at)) {
            out = arena_printf(a, "%.*s%.*s%.*s", (int)at, out.ptr, STR_ARG(all[i].id),
                               STR_ARG(str_from(out, at + all[i].word.len)));
        }
    }
    return out;
}

static struct str made(struct fixture *f, struct client *client, struct arena *a, const char *path,
                       const char *body)
{
    struct answer answer;

    client_ask(client, f, a, HTTP_POST, path, body, &answer);
    CHECK(answer.status == 201, "%.*s", STR_ARG(answer.body));
    return json_get_text(answer.json, "id");
}

static void ask(struct fixture *f, struct arena *a, size_t i, const struct place *p, int want)
{
    static char large[2000];
    struct client client;
    struct answer answer;
    const char *path = cases[i].path, *kind = "";

    if (str_starts(str_from_z(path), STR("USER")))
        kind = "/Users/";
    if (str_starts(str_from_z(path), STR("GROUP")))
        kind = "/Groups/";
    memset(large, ' ', sizeof(large) - 3);
    memcpy(large + sizeof(large) - 3, "{}", 3);
    client_open(&client, f->port);
    client_ask(&client, f, a, cases[i].method,
               arena_printf(a, BASE "%s%.*s", kind, STR_ARG(filled(a, path, p))).ptr,
               cases[i].method == HTTP_GET ? NULL
               : cases[i].body             ? filled(a, cases[i].body, p).ptr
                                           : large,
               &answer);
    client_close(&client);
    CHECK(answer.status == want, "%s at %s: %d, not %d: %.*s", cases[i].setting, cases[i].path,
          answer.status, want, STR_ARG(answer.body));
    if (want >= 400 && want == cases[i].beyond && cases[i].type)
        CHECK_STR(json_get_text(answer.json, "scimType"), cases[i].type, "%s", cases[i].setting);
}

static void check_limits(const struct db_config *config)
{
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct err err = {0};
        struct client client;
        struct fixture f;
        struct place p;

        fixture_start(&f, config);
        if (i == 0) {
            fixture_tenant(&f, "generic", "own");
        } else {
            CHECK(provider_key_add(f.db, STR("own"), STR("test"), clock_system(), rng_system(),
                                   f.key_id, &f.key, &err),
                  "%s", err.message);
        }
        client_open(&client, f.port);
        p.user =
            made(&f, &client, a, BASE "/Users", arena_printf(a, "{\"userName\":\"u%zu\"}", i).ptr);
        p.group = made(&f, &client, a, BASE "/Groups",
                       arena_printf(a, "{\"displayName\":\"g%zu\"}", i).ptr);
        client_close(&client);
        CHECK(provider_tenant_set(f.db, STR("own"), str_from_z(cases[i].setting),
                                  str_from_z(cases[i].value), &err),
              "%s", err.message);
        secret_done(&f.key);
        fixture_stop(&f);
        fixture_start(&f, config); /* follows at once */
        CHECK(provider_key_add(f.db, STR("own"), STR("test"), clock_system(), rng_system(),
                               f.key_id, &f.key, &err),
              "%s", err.message);
        ask(&f, a, i, &p, cases[i].beyond);
        CHECK(provider_tenant_set(f.db, STR("own"), str_from_z(cases[i].setting), STR(""), &err),
              "%s", err.message);
        secret_done(&f.key);
        fixture_stop(&f);
        fixture_start(&f, config);
        CHECK(provider_key_add(f.db, STR("own"), STR("test"), clock_system(), rng_system(),
                               f.key_id, &f.key, &err),
              "%s", err.message);
        ask(&f, a, i, &p, cases[i].usual);
        fixture_stop(&f);
    }
}

static void every_limit_can_be_set(void **state)
{
    (void)state;
    test_databases(check_limits);
}

TEST_GROUP(limits, cmocka_unit_test(every_limit_can_be_set));
