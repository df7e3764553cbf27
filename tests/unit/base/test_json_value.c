#include "base/json.h"
#include "frame/frame.h"

#include <math.h>

static struct json *parsed(struct arena *a, const char *text)
{
    struct json *v;
    struct err err;

    CHECK(json_parse(a, str_from_z(text), NULL, &v, NULL, &err), "%s: %s", text, err.message);
    return v;
}

static void makes_values(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct json *o = json_new(a, JSON_OBJECT);
    struct json *list = json_new(a, JSON_ARRAY);
    char name[] = "name";

    (void)state;
    json_add_str(a, o, name, STR("Ada"));
    memset(name, '#', 4);
    json_add_z(a, o, "z", "\"");
    json_add_int(a, o, "least", INT64_MIN);
    json_add_bool(a, o, "yes", true);
    json_add_bool(a, o, "no", false);
    json_add_null(a, o, "null");
    json_append(list, json_int(a, 7));
    json_append(list, json_bool(a, true));
    json_append(list, json_null(a));
    json_append(list, json_string(a, STR("")));
    json_append(list, json_new(a, JSON_OBJECT));
    json_append(list, json_new(a, JSON_NUMBER));
    json_append(list, json_new(a, JSON_STRING));
    json_add(a, o, STR("list"), list);
    CHECK_STR(
        json_text(a, o),
        "{\"name\":\"Ada\",\"z\":\"\\\"\",\"least\":-9223372036854775808,\"yes\":true,\"no\":false,"
        "\"null\":null,\"list\":[7,true,null,\"\",{},0,\"\"]}",
        "all kinds");
    CHECK(o->count == 7 && list->count == 7, "counted");
}

static void reals(void **state)
{
    static const struct {
        double n;
        unsigned decimals;
        const char *want;
    } cases[] = {
        {6, 2, "6"},         {6.5, 2, "6.5"},  {0.125, 2, "0.12"},    {0.001, 2, "0"},
        {-0.001, 2, "0"},    {100, 0, "100"},  {1200, 2, "1200"},     {9.999, 2, "10"},
        {-2.25, 3, "-2.25"}, {NAN, 2, "null"}, {INFINITY, 2, "null"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct json *o = json_new(a, JSON_OBJECT);

        json_add_real(a, o, "n", cases[i].n, cases[i].decimals);
        CHECK_STR(json_text(a, json_get(o, STR("n"))), cases[i].want, "%g", cases[i].n);
    }
}

static void edits_in_place(void **state)
{
    static const struct {
        const char *label;
        const char *in;
        const char *set; /* to 9; NULL: nothing */
        const char *removed;
        const char *out;
    } cases[] = {
        {"replace the first", "{\"a\":1,\"b\":2,\"c\":3}", "a", NULL,
         "{\"a\":9,\"b\":2,\"c\":3,\"end\":0}"},
        {"replace the middle", "{\"a\":1,\"b\":2,\"c\":3}", "b", NULL,
         "{\"a\":1,\"b\":9,\"c\":3,\"end\":0}"},
        {"replace the last", "{\"a\":1,\"b\":2,\"c\":3}", "c", NULL,
         "{\"a\":1,\"b\":2,\"c\":9,\"end\":0}"},
        {"append", "{\"a\":1}", "A", NULL, "{\"a\":1,\"A\":9,\"end\":0}"},
        {"append to nothing", "{}", "a", NULL, "{\"a\":9,\"end\":0}"},
        {"remove the first", "{\"a\":1,\"b\":2,\"c\":3}", NULL, "a", "{\"b\":2,\"c\":3,\"end\":0}"},
        {"remove the middle", "{\"a\":1,\"b\":2,\"c\":3}", NULL, "b",
         "{\"a\":1,\"c\":3,\"end\":0}"},
        {"remove the last", "{\"a\":1,\"b\":2,\"c\":3}", NULL, "c", "{\"a\":1,\"b\":2,\"end\":0}"},
        {"remove the only one", "{\"a\":1}", NULL, "a", "{\"end\":0}"},
        {"remove what was set", "{\"a\":1,\"b\":2}", "b", "b", "{\"a\":1,\"end\":0}"},
    };
    CLEANUP(arena_freep) struct arena *a = arena_new();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct json *o = parsed(a, cases[i].in);
        size_t count = 0;

        if (cases[i].set)
            json_set(a, o, str_from_z(cases[i].set), json_int(a, 9));
        if (cases[i].removed) {
            CHECK(json_remove(o, str_from_z(cases[i].removed)), "%s", cases[i].label);
            CHECK(!json_remove(o, str_from_z(cases[i].removed)), "%s", cases[i].label);
        }
        json_add_int(a, o, "end", 0); /* shows that the last one is right */
        CHECK_STR(json_text(a, o), cases[i].out, "%s", cases[i].label);
        JSON_EACH(v, o)
        {
            count++;
        }
        CHECK(o->count == count, "%s", cases[i].label);
    }
}

static void unlinks_elements(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct json *list = parsed(a, "[1,2,3]");
    struct json *other = json_int(a, 4);
    struct json *object;

    (void)state;
    json_unlink(list, other);
    CHECK_STR(json_text(a, list), "[1,2,3]", "no child: nothing happens");
    json_unlink(list, list->first->next);
    json_unlink(list, list->last);
    json_append(list, other);
    CHECK_STR(json_text(a, list), "[1,4]", "middle and last gone");
    object = parsed(a, "{\"a\":1}");
    json_set(a, object, STR("a"), object->first);
    CHECK_STR(json_text(a, object), "{\"a\":1}", "set to itself");
}

static void looks_up(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct json *o = parsed(
        a, "{\"userName\":\"ada\",\"n\":12,\"f\":1.5,\"t\":true,\"o\":{\"x\":null},\"l\":[]}");

    (void)state;
    CHECK(json_get(o, STR("userName")) == o->first, "by name");
    CHECK(!json_get(o, STR("username")), "case matters");
    CHECK(json_get_nocase(o, STR("USERNAME")) == o->first, "case does not");
    CHECK(!json_get(NULL, STR("x")) && !json_get_nocase(NULL, STR("x")), "NULL");
    CHECK(!json_get(o->first, STR("x")), "not an object");
    CHECK(json_is(json_get(json_get(o, STR("o")), STR("x")), JSON_NULL), "nested");
    CHECK_STR(json_get_text(o, "userName"), "ada", "text");
    CHECK_STR(json_get_text(o, "n"), "", "not a text");
    CHECK_STR(json_get_text(o, "none"), "", "not there");
    CHECK(json_get_bool(o, "t", false) && json_get_bool(o, "n", true) &&
              !json_get_bool(o, "x", false),
          "bool");
    CHECK(json_get_int(o, "n", 1) == 12 && json_get_int(o, "f", 1) == 1 &&
              json_get_int(o, "x", 2) == 2,
          "int");
    CHECK(!json_is(NULL, JSON_NULL) && json_is(o, JSON_OBJECT), "is");
}

static void turns_numbers_into_values(void **state)
{
    static const struct {
        const char *text;
        bool integer;
        int64_t n;
        double d;
    } cases[] = {
        {"0", true, 0, 0},
        {"-0", true, 0, 0},
        {"12", true, 12, 12},
        {"9223372036854775807", true, INT64_MAX, 9223372036854775807.0},
        {"9223372036854775808", false, 0, 9223372036854775808.0},
        {"2.0", true, 2, 2},
        {"2e3", true, 2000, 2000},
        {"2.5", false, 0, 2.5},
        {"1e300", false, 0, 1e300},
        {"-1.5e1", true, -15, -15},
    };
    CLEANUP(arena_freep) struct arena *a = arena_new();
    double d;
    int64_t n;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct json *v = parsed(a, cases[i].text);
        bool integer = json_to_int(v, &n);

        CHECK(integer == cases[i].integer && (!integer || n == cases[i].n), "%s", cases[i].text);
        CHECK(json_to_double(v, &d) && d == cases[i].d, "%s", cases[i].text);
    }
    CHECK(!json_to_double(parsed(a, "1e999"), &d) && !json_to_int(parsed(a, "1e999"), &n),
          "too large");
    CHECK(!json_to_int(json_string(a, STR("1")), &n) && !json_to_int(NULL, &n), "not a number");
    CHECK(!json_to_double(json_string(a, STR("1")), &d) && !json_to_double(NULL, &d),
          "not a number");
}

static void compares_by_content(void **state)
{
    static const struct {
        const char *a;
        const char *b;
        bool equal;
    } cases[] = {
        {"1", "1", true},
        {"1", "1.0", true},
        {"1", "1e0", true},
        {"1", "0.1e1", true},
        {"100", "1e2", true},
        {"1e2", "1.00E+02", true},
        {"10.50", "1.05e1", true},
        {"0.001", "1e-3", true},
        {"0.0", "-0", true},
        {"0", "0e99", true},
        {"-1", "1", false},
        {"1", "10", false},
        {"1", "1.01", false},
        {"101", "1.01", false},
        {"0", "1", false},
        {"12345678901234567890123", "12345678901234567890124", false},
        {"12345678901234567890123.0", "12345678901234567890123", true},
        {"1e999999999999999999999", "1e999999999999999999999", true},
        {"1e9999999999999999999999", "1e-9999999999999999999999", false},
        {"null", "false", false},
        {"true", "true", true},
        {"true", "false", false},
        {"\"a\"", "\"\\u0061\"", true},
        {"\"a\"", "\"A\"", false},
        {"\"1\"", "1", false},
        {"[1,2]", "[1,2]", true},
        {"[1,2]", "[2,1]", false},
        {"[1,2]", "[1]", false},
        {"[]", "{}", false},
        {"{\"a\":1,\"b\":[{}]}", "{\"b\":[{}],\"a\":1.0}", true},
        {"{\"a\":1,\"b\":2,\"c\":3}", "{\"c\":3,\"a\":1,\"b\":2}", true},
        {"{\"a\":1}", "{\"b\":1}", false},
        {"{\"a\":1}", "{\"a\":1,\"b\":1}", false},
        {"{\"a\":1,\"b\":2}", "{\"a\":2,\"b\":1}", false},
    };
    CLEANUP(arena_freep) struct arena *a = arena_new();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct json *x = parsed(a, cases[i].a);
        struct json *y = parsed(a, cases[i].b);

        CHECK(json_equal(x, y) == cases[i].equal, "%s %s", cases[i].a, cases[i].b);
        CHECK(json_equal(y, x) == cases[i].equal, "%s %s", cases[i].b, cases[i].a);
    }
    CHECK(json_equal(NULL, NULL) && !json_equal(NULL, json_null(a)), "NULL is not null");
}

static void compares_large_objects_in_any_order(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct json *up = json_new(a, JSON_OBJECT);
    struct json *down = json_new(a, JSON_OBJECT);
    char name[16];

    (void)state;
    for (int i = 0; i < 50000; i++) {
        snprintf(name, sizeof(name), "n%d", i);
        json_add_int(a, up, name, i);
        snprintf(name, sizeof(name), "n%d", 49999 - i);
        json_add_int(a, down, name, 49999 - i);
    }
    CHECK(json_equal(up, down), "the same members");
    down->last->text = STR("7");
    CHECK(!json_equal(up, down), "one value differs");
}

static void clones_deeply(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(arena_freep) struct arena *b = arena_new();
    struct json *o = parsed(b, "{\"x\":{\"l\":[1,\"\\u0000\",true,null]},\"y\":2}");
    struct json *copy = json_clone(a, o->first);
    struct json *whole = json_clone(a, o);

    (void)state;
    CHECK_STR(copy->name, "x", "the name is kept");
    CHECK(!copy->next, "alone");
    arena_freep(&b);
    CHECK_STR(json_text(a, copy), "{\"l\":[1,\"\\u0000\",true,null]}", "deep");
    CHECK_STR(json_text(a, whole), "{\"x\":{\"l\":[1,\"\\u0000\",true,null]},\"y\":2}", "whole");
}

TEST_GROUP(json_value, cmocka_unit_test(makes_values), cmocka_unit_test(reals),
           cmocka_unit_test(edits_in_place), cmocka_unit_test(unlinks_elements),
           cmocka_unit_test(looks_up), cmocka_unit_test(turns_numbers_into_values),
           cmocka_unit_test(compares_by_content),
           cmocka_unit_test(compares_large_objects_in_any_order), cmocka_unit_test(clones_deeply))
