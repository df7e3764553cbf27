#include "directory/check.h"
#include "frame/frame.h"

static void names(void **state)
{
    static const struct {
        const char *in, *want, *code;
        enum source_kind kind;
    } cases[] = {
        {"surname", "surname", NULL, SOURCE_USER},
        {"officeLocation", "physicalDeliveryOfficeName", NULL, SOURCE_USER},
        {"BUSINESSPHONES[0]", "telephoneNumber", NULL, SOURCE_USER},
        {"id", "objectId", NULL, SOURCE_USER},
        {"extension_0123456789abcdef0123456789abcdef_shoeSize",
         "extension_0123456789abcdef0123456789abcdef_shoeSize", NULL, SOURCE_USER},
        {"members", "members", NULL, SOURCE_GROUP},
        {"members", NULL, "unknownAttribute", SOURCE_USER},
        {"surnam", NULL, "unknownAttribute", SOURCE_USER},
        {"IsSoftDeleted", NULL, "computedAttribute", SOURCE_USER},
        {"memberOf", NULL, "computedAttribute", SOURCE_USER},
        {"passwordProfile.password", NULL, "computedAttribute", SOURCE_USER},
        {"deletedDateTime", NULL, "computedAttribute", SOURCE_USER},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct directory_attribute at;
        struct err err;
        bool ok = directory_attribute_named(cases[i].kind, str_from_z(cases[i].in), &at, &err);

        CHECK(ok == (cases[i].want != NULL), "%s", cases[i].in);
        if (ok)
            CHECK_STR(at.name, cases[i].want, "%s", cases[i].in);
        else
            CHECK_STR(str_from_z(err.code), cases[i].code, "%s", cases[i].in);
    }
}

static void values(void **state)
{
    static const struct {
        const char *attribute, *in, *want; /* NULL: refused */
    } cases[] = {
        {"city", "Köln", "\"Köln\""},
        {"city", "", "null"},
        {"city", " ", "\" \""},
        {"accountEnabled", "TRUE", "true"},
        {"accountEnabled", "0", "false"},
        {"accountEnabled", "maybe", NULL},
        {"proxyAddresses", "a; b;;a", "[\"a\",\"b\"]"},
        {"proxyAddresses", ";", "null"},
        {"employeeHireDate", "2020-02-29", "\"2020-02-29T00:00:00.000Z\""},
        {"employeeHireDate", "2020-02-29T12:00:00+02:00", "\"2020-02-29T10:00:00.000Z\""},
        {"employeeHireDate", "29.02.2020", NULL},
        {"userPrincipalName", "o'neill+x@contoso.example", "\"o'neill+x@contoso.example\""},
        {"userPrincipalName", "ada", NULL},
        {"userPrincipalName", "ada lovelace@x", NULL},
        {"userPrincipalName", "@x", NULL},
        {"userType", "Guest", "\"Guest\""},
        {"userType", "guest", NULL},
    };
    struct arena *a = arena_new();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct directory_attribute at;
        struct err err;
        struct json *v;

        CHECK(directory_attribute_named(SOURCE_USER, str_from_z(cases[i].attribute), &at, &err),
              "%s", err.message);
        if (directory_value_from_text(&at, str_from_z(cases[i].in), a, &v, &err)) {
            CHECK(cases[i].want, "%s '%s' is refused", cases[i].attribute, cases[i].in);
            CHECK_STR(json_text(a, v), cases[i].want, "%s '%s'", cases[i].attribute, cases[i].in);
        } else {
            CHECK(!cases[i].want, "%s '%s': %s", cases[i].attribute, cases[i].in, err.message);
            CHECK_STR(str_from_z(err.code), "badValue", "%s", cases[i].in);
        }
    }
    arena_free(a);
}

static void json_values(void **state)
{
    static const struct {
        const char *attribute, *in, *want;
    } cases[] = {
        {"city", "\"Ulm\"", "\"Ulm\""},
        {"city", "null", "null"},
        {"city", "5", "\"5\""},
        {"city", "[\"Ulm\"]", NULL},
        {"city", "{}", NULL},
        {"city", "\"a\\u0000b\"", NULL},
        {"accountEnabled", "false", "false"},
        {"proxyAddresses", "[\"a;b\",\"c\"]", "[\"a;b\",\"c\"]"},
        {"proxyAddresses", "\"a;b\"", "[\"a;b\"]"},
        {"proxyAddresses", "[]", "null"},
        {"proxyAddresses", "[[]]", NULL},
    };
    struct arena *a = arena_new();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct directory_attribute at;
        struct err err;
        struct json *in;
        struct json *v;

        CHECK(directory_attribute_named(SOURCE_USER, str_from_z(cases[i].attribute), &at, &err) &&
                  json_parse(a, str_from_z(cases[i].in), NULL, &in, NULL, &err),
              "%s", err.message);
        if (directory_value(&at, in, a, &v, &err)) {
            CHECK(cases[i].want, "%s %s is refused", cases[i].attribute, cases[i].in);
            CHECK_STR(json_text(a, v), cases[i].want, "%s %s", cases[i].attribute, cases[i].in);
        } else {
            CHECK(!cases[i].want, "%s %s: %s", cases[i].attribute, cases[i].in, err.message);
        }
    }
    arena_free(a);
}

static void limits(void **state)
{
    struct arena *a = arena_new();
    struct directory_attribute at;
    struct err err;
    struct json *v;
    char *text = arena_alloc(a, DIRECTORY_TEXT_MAX + 2);

    (void)state;
    memset(text, 'x', DIRECTORY_TEXT_MAX + 1);
    CHECK(directory_attribute_named(SOURCE_USER, STR("city"), &at, &err), "city");
    CHECK(directory_value_from_text(&at, (struct str){text, DIRECTORY_TEXT_MAX}, a, &v, &err),
          "the most");
    CHECK(!directory_value_from_text(&at, (struct str){text, DIRECTORY_TEXT_MAX + 1}, a, &v, &err),
          "one more");
    CHECK_STR(str_from_z(err.code), "valueTooLong", "one more");
    arena_free(a);
}

TEST_GROUP(check, cmocka_unit_test(names), cmocka_unit_test(values), cmocka_unit_test(json_values),
           cmocka_unit_test(limits))
