#include "frame/frame.h"
#include "scim/sort.h"

static const struct scim_schema *const extensions[] = {&scim_enterprise_schema};
static const struct scim_resource_type user = {.name = STR_INIT("User"),
                                               .endpoint = STR_INIT("/Users"),
                                               .core = &scim_user_schema,
                                               .extensions = extensions,
                                               .extension_count = 1};

static struct str key_of(struct arena *a, const char *path, const char *doc)
{
    struct scim_sort sort;
    struct json *parsed;
    struct err err = {0};

    CHECK(json_parse(a, str_from_z(doc), NULL, &parsed, NULL, &err), "%s", err.message);
    scim_sort_compile(a, &user, str_from_z(path), &sort);
    return scim_sort_key(a, &sort, parsed);
}

static void keys_have_the_order_of_values(void **state)
{
    static const struct {
        const char *path, *lower, *higher;
    } rows[] = {
        {"userName", "{\"userName\":\"Alpha\"}", "{\"userName\":\"bravo\"}"},
        {"USERNAME", "{\"userName\":\"alpha\"}", "{\"userName\":\"Bravo\"}"},
        {"userName", "{\"userName\":\"a\"}", "{\"userName\":\"ab\"}"},
        {"title", "{\"title\":\"\xc3\x89g\"}", "{\"title\":\"\xc3\xa9h\"}"}, /* É, é */
        {"title", "{\"title\":\"z\"}", "{}"},
        {"title", "{\"title\":\"\xf0\x9f\x98\x80\"}", "{\"title\":\"\"}"},
        {"externalId", "{\"externalId\":\"B\"}", "{\"externalId\":\"a\"}"}, /* case counts */
        {"active", "{\"active\":false}", "{\"active\":true}"},
        {"active", "{\"active\":true}", "{}"},
        {"meta.created", "{\"meta\":{\"created\":\"2026-01-01T10:00:00+02:00\"}}",
         "{\"meta\":{\"created\":\"2026-01-01T09:00:00Z\"}}"},
        {"meta.created", "{\"meta\":{\"created\":\"1960-01-01T00:00:00Z\"}}",
         "{\"meta\":{\"created\":\"1970-01-02T00:00:00Z\"}}"},
        {"name.familyName", "{\"name\":{\"familyName\":\"Adams\"}}",
         "{\"name\":{\"familyName\":\"beck\"}}"},
        {"emails", "{\"emails\":[{\"value\":\"z\"},{\"value\":\"a\",\"primary\":true}]}",
         "{\"emails\":[{\"value\":\"b\"},{\"value\":\"a\"}]}"},
        {"emails.type", "{\"emails\":[{\"value\":\"z\",\"type\":\"home\"}]}",
         "{\"emails\":[{\"value\":\"a\",\"type\":\"work\"}]}"},
        {"department",
         "{\"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User\":{\"department\":\"A\"}}",
         "{\"department\":\"not here\"}"},
        {"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
         "{\"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User\":{\"department\":\"A\"}}",
         "{\"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User\":{\"department\":\"b\"}}"},
    };
    CLEANUP(arena_freep) struct arena *a = arena_new();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str lower = key_of(a, rows[i].path, rows[i].lower);
        struct str higher = key_of(a, rows[i].path, rows[i].higher);

        CHECK(str_cmp(lower, higher) < 0, "row %zu: %s", i, rows[i].path);
        CHECK(str_cmp(lower, key_of(a, rows[i].path, rows[i].lower)) == 0, "row %zu: same", i);
    }
}

static void what_cannot_order_gives_no_value(void **state)
{
    static const char *const paths[] = {"nobody",           "password", "name", "userName eq",
                                        "emails[value pr]", "",         "(",    "urn:x:y"};
    CLEANUP(arena_freep) struct arena *a = arena_new();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        CHECK(str_eq(key_of(a, paths[i], "{}"),
                     key_of(a, paths[i],
                            "{\"nobody\":\"1\",\"password\":\"2\",\"userName\":\"3\","
                            "\"name\":{\"givenName\":\"4\"},\"emails\":[{\"value\":\"5\"}]}")),
              "'%s'", paths[i]);
}

static void keys_are_bounded(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(buf_done) struct buf doc;

    (void)state;
    buf_init(&doc, 100000);
    buf_add_z(&doc, "{\"title\":\"");
    for (int i = 0; i < 5000; i++)
        buf_add_char(&doc, 'x');
    buf_add_z(&doc, "\"}");
    CHECK(key_of(a, "title", buf_z(&doc)).len == SCIM_SORT_KEY_MAX, "cut");
}

TEST_GROUP(sort, cmocka_unit_test(keys_have_the_order_of_values),
           cmocka_unit_test(what_cannot_order_gives_no_value), cmocka_unit_test(keys_are_bounded));
