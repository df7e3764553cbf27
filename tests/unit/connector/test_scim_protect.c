/* protected.filter over accounts as applications return them (engine.md 8). */
#include "connector/scim/protect.h"
#include "frame/frame.h"

static const char account[] =
    "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\"],\"id\":\"7\","
    "\"userName\":\"Root@Plant.example\",\"active\":true,\"level\":9,\"title\":\"\","
    "\"name\":{\"familyName\":\"Stone\"},\"tags\":[\"blue\",\"vip\"],"
    "\"emails\":[{\"type\":\"work\",\"value\":\"root@plant.example\"},"
    "{\"type\":\"home\",\"value\":\"r@home.example\"}],"
    "\"roles\":[{\"value\":\"admin\",\"primary\":true}],\"empty\":[],"
    "\"urn:example:params:Extra\":{\"tier\":\"Gold\",\"owners\":[{\"value\":\"a\"}]}}";

static const struct {
    const char *filter;
    bool want;
} rows[] = {
    {"userName eq \"root@plant.example\"", true},
    {"USERNAME eq \"ROOT@plant.example\"", true},
    {"userName eq \"root\"", false},
    {"userName sw \"ROOT\"", true},
    {"userName ew \".EXAMPLE\"", true},
    {"userName co \"plant\"", true},
    {"userName ne \"x\"", true},
    {"userName ne \"root@plant.example\"", false},
    {"title pr", false},
    {"title eq null", true},
    {"nothing eq null", true},
    {"nothing pr", false},
    {"nothing eq \"x\"", false},
    {"nothing ne \"x\"", true},
    {"empty pr", false},
    {"active eq true", true},
    {"active eq \"False\"", false},
    {"level gt 10", false}, /* as a number, not as a text */
    {"level ge 9", true},
    {"level lt 10", true},
    {"level le 8", false},
    {"name.familyName eq \"stone\"", true},
    {"name.givenName eq \"stone\"", false},
    {"tags eq \"vip\"", true},
    {"tags eq \"red\"", false},
    {"tags[value eq \"vip\"]", true},
    {"tags[value eq \"red\"]", false},
    {"emails eq \"r@home.example\"", true},
    {"emails.value eq \"r@home.example\"", true},
    {"emails.type eq \"other\"", false},
    {"emails[type eq \"work\"]", true},
    {"emails[type eq \"work\" and value co \"home\"]", false},
    {"emails[type eq \"home\"].value co \"home\"", true},
    {"emails[type eq \"work\"].value co \"home\"", false},
    {"roles.value eq \"admin\"", true},
    {"roles[primary eq true].value eq \"admin\"", true},
    {"urn:example:params:Extra:tier eq \"gold\"", true},
    {"urn:example:params:Extra:owners[value eq \"a\"]", true},
    {"urn:example:params:Other:tier eq \"gold\"", false},
    {"urn:ietf:params:scim:schemas:core:2.0:User:userName sw \"root\"", true},
    {"not (active eq true)", false},
    {"active eq false or level eq 9", true},
    {"active eq true and level eq 8", false},
    {"", false},
};

static void table(void **state)
{
    struct arena *a = arena_new();
    struct json *resource;
    struct err err = {0};

    (void)state;
    CHECK(json_parse(a, str_from_z(account), NULL, &resource, NULL, &err), "%s", err.message);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct scim_filter *f;

        CHECK(scim_protect_compile(a, str_from_z(rows[i].filter), &f, &err), "%s: %s",
              rows[i].filter, err.message);
        CHECK(scim_protects(f, resource) == rows[i].want, "%s", rows[i].filter);
    }
    arena_free(a);
}

static void refused(void **state)
{
    static const char *const bad[] = {"userName", "userName eq", "(active eq true", "x zz 1"};
    struct arena *a = arena_new();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        const struct scim_filter *f;
        struct err err = {0};

        CHECK(!scim_protect_compile(a, str_from_z(bad[i]), &f, &err), "%s", bad[i]);
        CHECK_STR(str_from_z(err.code), "invalidFilter", "%s", bad[i]);
    }
    arena_free(a);
}

TEST_GROUP(scim_protect, cmocka_unit_test(table), cmocka_unit_test(refused))
