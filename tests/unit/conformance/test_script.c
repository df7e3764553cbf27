#include "conformance/script.h"
#include "frame/frame.h"

static void test_values(void **state)
{
    static const struct {
        const char *label, *in, *want;
        enum check_quoting quoting;
    } cases[] = {
        {"nothing to put in", "GET /Users", "GET /Users", CHECK_PLAIN},
        {"a value", "a <name> b", "a x\"@y b", CHECK_PLAIN},
        {"a value in a URL", "/Users/<name>", "/Users/x%22%40y", CHECK_IN_URL},
        {"a path in a URL stays", "<users>/1", "/v/Users/1", CHECK_IN_URL},
        {"a value in JSON", "{\"a\":\"<name>\"}", "{\"a\":\"x\\\"@y\"}", CHECK_IN_JSON},
        {"members in JSON stay", "{\"a\":1<required>}", "{\"a\":1,\"b\":2}", CHECK_IN_JSON},
        {"no value of that name", "a <other> b", "a <other> b", CHECK_PLAIN},
        {"a sign alone", "1 < 2", "1 < 2", CHECK_PLAIN},
        {"the newest of a name", "<twice>", "second", CHECK_PLAIN},
    };
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct check_values v = {.arena = a};

    (void)state;
    check_value_set(&v, STR("name"), STR("x\"@y"));
    check_value_set(&v, STR("users"), STR("/v/Users"));
    check_value_set(&v, STR("required"), STR(",\"b\":2"));
    check_value_set(&v, STR("twice"), STR("first"));
    check_value_set(&v, STR("twice"), STR("second"));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CHECK_STR(check_expand(&v, a, str_from_z(cases[i].in), cases[i].quoting), cases[i].want,
                  "%s", cases[i].label);
    }
}

static void test_target(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();

    (void)state;
    CHECK_STR(check_encode_target(a, STR("/Users?filter=a[b eq \"c\"]&x=%20+\xc3\xa9")),
              "/Users?filter=a%5Bb%20eq%20%22c%22%5D&x=%20+%C3%A9", "target");
}

/* What holds of an answer, and what is said when it does not. */
static void test_expectations(void **state)
{
    static const char body[] =
        "{\"schemas\":[\"urn:a\"],\"totalResults\":2,\"note\":null,\"list\":[],"
        "\"Resources\":[{\"id\":\"1\",\"userName\":\"anna\",\"emails\":[{\"type\":\"work\","
        "\"value\":\"a@x\",\"primary\":true},{\"type\":\"home\",\"value\":\"h@x\"}]},"
        "{\"id\":\"2\",\"userName\":\"Bert\",\"active\":false,\"urn:b:2.0:User\":{\"n\":\"7\"}}]}";
    static const struct {
        const char *line;
        const char *why; /* NULL: it holds */
    } cases[] = {
        {"/totalResults is 2", NULL},
        {"/TOTALRESULTS is 2", NULL},
        {"/totalResults is 3", "/totalResults: found 2"},
        {"/totalResults is \"2\"", "/totalResults: found 2"},
        {"/totalResults least 2", NULL},
        {"/totalResults least 3", "/totalResults: found 2"},
        {"/totalResults type number", NULL},
        {"/totalResults type string", "/totalResults: found 2"},
        {"/schemas has \"urn:a\"", NULL},
        {"/schemas has \"urn:b\"", "/schemas: found [\"urn:a\"]"},
        {"/schemas lacks \"urn:b\"", NULL},
        {"/schemas lacks \"urn:a\"", "/schemas: found [\"urn:a\"]"},
        {"/note exists", "/note: found null"},
        {"/note absent", "/note: found null"},
        {"/note empty", NULL},
        {"/list empty", NULL},
        {"/gone empty", NULL},
        {"/gone absent", NULL},
        {"/gone exists", "/gone: found nothing"},
        {"/gone not true", NULL},
        {"/Resources/1/active not true", NULL},
        {"/Resources/0/emails/0/primary not true", "/Resources/0/emails/0/primary: found true"},
        {"/Resources count 2", NULL},
        {"/Resources count 1", "/Resources: found [{"},
        {"/Resources most 2", NULL},
        {"/Resources most 1", "/Resources: found [{"},
        {"/Resources/*/id type string", NULL},
        {"/Resources/*/active exists", "/Resources/*/active: found nothing"},
        {"/Resources/0/emails/type=HOME/value is \"h@x\"", NULL},
        {"/Resources/0/emails/type=other/value exists",
         "/Resources/0/emails/type=other/value: found nothing"},
        {"/Resources/0/emails has \"a@x\"", NULL},
        {"/Resources/0/emails lacks \"h@x\"", "/Resources/0/emails: found [{"},
        {"/Resources/1/urn:b:2.0:User/n is \"7\"", NULL},
        {"/Resources sorted \"userName\"", NULL},
        {"/Resources sorted \"-userName\"", "/Resources: found [{"},
        {"@etag is \"W/\\\"1\\\"\"", NULL},
        {"@location exists", "@location: found nothing"},
        {"@content-type has \"scim+json\"", NULL},
        {"@content-type has \"html\"", "@content-type: found \"application/scim+json\""},
    };
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct check_answer answer = {.status = 200,
                                  .body = str_from_z(body),
                                  .content_type = STR("application/scim+json"),
                                  .etag = STR("W/\"1\"")};
    struct err err = {.kind = ERR_NONE};

    (void)state;
    CHECK(json_parse(a, answer.body, NULL, &answer.json, NULL, &err), "%s", err.message);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct str why = {NULL, 0};
        bool good = check_holds(a, &answer, str_from_z(cases[i].line), &why);

        CHECK(good == !cases[i].why, "%s: %.*s", cases[i].line, STR_ARG(why));
        CHECK(!cases[i].why || str_starts(why, str_from_z(cases[i].why)), "%s: %.*s", cases[i].line,
              STR_ARG(why));
    }
}

static void test_errors(void **state)
{
    static const struct {
        const char *label, *body, *type;
        bool good;
    } cases[] = {
        {"as it has to be", "{\"schemas\":[\"" API "Error\"],\"status\":\"400\"}", "", true},
        {"its type", "{\"schemas\":[\"" API "Error\"],\"status\":\"400\",\"scimType\":\"x\"}", "x",
         true},
        {"another type", "{\"schemas\":[\"" API "Error\"],\"status\":\"400\",\"scimType\":\"y\"}",
         "x", false},
        {"no type", "{\"schemas\":[\"" API "Error\"],\"status\":\"400\"}", "x", false},
        {"a number", "{\"schemas\":[\"" API "Error\"],\"status\":400}", "", false},
        {"another status", "{\"schemas\":[\"" API "Error\"],\"status\":\"404\"}", "", false},
        {"no schemas", "{\"status\":\"400\"}", "", false},
        {"no JSON", "<html>", "", false},
    };
    CLEANUP(arena_freep) struct arena *a = arena_new();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct check_answer answer = {.status = 400, .body = str_from_z(cases[i].body)};
        struct err err = {.kind = ERR_NONE};
        struct str why = {NULL, 0};

        if (!json_parse(a, answer.body, NULL, &answer.json, NULL, &err))
            answer.json = NULL;
        CHECK(check_error(a, &answer, str_from_z(cases[i].type), &why) == cases[i].good, "%s: %.*s",
              cases[i].label, STR_ARG(why));
    }
}

static void test_status(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct check_answer answer = {.status = 204}, none = {.reason = "connection refused"};
    struct str why;

    (void)state;
    CHECK(check_status(a, &answer, STR("200 204"), &why), "one of two");
    CHECK(!check_status(a, &answer, STR("200 201"), &why), "none of two");
    CHECK_STR(why, "status 204", "why");
    CHECK(!check_status(a, &none, STR("200"), &why), "no answer");
    CHECK_STR(why, "connection refused", "why");
}

/* Reports name a check; two of one name could not be told apart. */
static const char *seen[512];
static size_t seen_count;

static void on_check(void *ctx, const char *name, const char *section, enum check_level level)
{
    (void)ctx;
    CHECK(str_starts(str_from_z(section), STR("RFC ")), "%s: %s", name, section);
    CHECK(check_level_name(level)[0] != '\0', "%s", name);
    for (size_t i = 0; i < seen_count; i++)
        CHECK(!str_eq_z(str_from_z(seen[i]), name), "twice: %s", name);
    assert(seen_count < ARRAY_LEN(seen));
    seen[seen_count++] = name;
}

static void test_names(void **state)
{
    (void)state;
    seen_count = 0;
    check_each(on_check, NULL);
    CHECK(seen_count > 150, "%zu checks", seen_count);
}

TEST_GROUP(conformance_script, cmocka_unit_test(test_values), cmocka_unit_test(test_target),
           cmocka_unit_test(test_expectations), cmocka_unit_test(test_errors),
           cmocka_unit_test(test_status), cmocka_unit_test(test_names))
