#include "base/arena.h"
#include "frame/frame.h"
#include "scim/filter.h"

/* What was understood, written back in the strict form. */
static void parses(void **state)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"userName eq \"a@b\"", "userName eq \"a@b\""},
        {"userName EQ \"a\"", "userName eq \"a\""},
        {"  userName   eq\t\"a\"  ", "userName eq \"a\""},
        {"userName eq 'it''s'", NULL},
        {"userName eq 'x\\y'", "userName eq \"x\\\\y\""},
        {"externalId eq jyoung", "externalId eq \"jyoung\""},
        {"employeeNumber eq 0042", "employeeNumber eq \"0042\""},
        {"a eq 1.5e3", "a eq 1.5e3"},
        {"active eq True", "active eq true"},
        {"a eq NULL", "a eq null"},
        {"title pr", "title pr"},
        {"a pr and b pr or c pr", "a pr and b pr or c pr"},
        {"a pr and (b pr or c pr)", "a pr and (b pr or c pr)"},
        {"(a pr and b pr) or c pr", "a pr and b pr or c pr"},
        {"a pr or (b pr or c pr)", "a pr or (b pr or c pr)"},
        {"not(a pr)and(b pr)", "not (a pr) and b pr"},
        {"NOT (a pr and b pr)", "not (a pr and b pr)"},
        {"emails[type eq \"work\" and value co \"x\"]",
         "emails[type eq \"work\" and value co \"x\"]"},
        {"emails[ type eq \"work\" ].value sw \"x\"", "emails[type eq \"work\"].value sw \"x\""},
        {"emails[type eq \"work\"].value pr", "emails[type eq \"work\"].value pr"},
        {"title eq \"a ) and ] or \\\" b\"", "title eq \"a ) and ] or \\\" b\""},
        {"title eq \"\\u00e9\\ud83d\\ude00\"", "title eq \"\xC3\xA9\xF0\x9F\x98\x80\""},
        {"urn:ietf:params:scim:schemas:core:2.0:User:userName eq \"x\"",
         "urn:ietf:params:scim:schemas:core:2.0:User:userName eq \"x\""},
        {"name.givenName ne \"x\"", "name.givenName ne \"x\""},
        {"members[$ref eq \"x\"]", "members[$ref eq \"x\"]"},
        {"userName eq \"\xD0\x96\"", "userName eq \"\xD0\x96\""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        CLEANUP(buf_done) struct buf out;
        const struct scim_filter *f;
        struct err err = {0};

        buf_init(&out, 10000);
        if (!cases[i].out) {
            CHECK(!scim_filter_parse(a, str_from_z(cases[i].in), &f, &err), "%s", cases[i].in);
            continue;
        }
        CHECK(scim_filter_parse(a, str_from_z(cases[i].in), &f, &err), "%s: %s", cases[i].in,
              err.message);
        scim_filter_write(&out, f);
        CHECK_STR(buf_str(&out), cases[i].out, "%s", cases[i].in);
    }
}

static void refuses(void **state)
{
    static const struct {
        const char *in, *place;
    } cases[] = {
        {"userName", "character 9"},
        {"userName eq", "character 12"},
        {"userName xx \"a\"", "character 10"},
        {"eq \"a\"", "character 4"},
        {"userName eq \"a", "character 13"},
        {"userName eq \"\\x\"", "character 13"},
        {"userName eq \"\\ud800\"", "character 13"},
        {"userName eq \"a\" and", "character 20"},
        {"userName eq \"a\" userName", "character 17"},
        {"(userName eq \"a\"", "character 17"},
        {"userName eq \"a\")", "character 16"},
        {"not userName pr", "character 5"},
        {"emails[type eq \"work\"", "character 22"},
        {"emails[]", "character 8"},
        {"emails[type eq \"work\"].", "character 23"},
        {"emails[type eq \"work\"].a.b pr", "character 23"},
        {"a.b.c pr", "character 1"},
        {"1a pr", "character 1"},
        {"emails[a[b pr]]", "character 9"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        const struct scim_filter *f;
        struct err err = {0};

        CHECK(!scim_filter_parse(a, str_from_z(cases[i].in), &f, &err), "%s", cases[i].in);
        CHECK_STR(str_from_z(err.code), "invalidFilter", "%s", cases[i].in);
        CHECK_STR(str_from_z(err.place), cases[i].place, "%s", cases[i].in);
    }
}

static bool parses_repeated(const char *open, const char *unit, const char *close, size_t times,
                            const char *joint)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(buf_done) struct buf text;
    const struct scim_filter *f;

    buf_init(&text, 1 << 20);
    for (size_t i = 0; i < times; i++)
        buf_add_z(&text, open);
    for (size_t i = 0; i < (joint ? times : 1); i++) {
        if (i > 0)
            buf_add_z(&text, joint);
        buf_add_z(&text, unit);
    }
    for (size_t i = 0; i < times; i++)
        buf_add_z(&text, close);
    return scim_filter_parse(a, buf_str(&text), &f, NULL);
}

static void limits(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const struct scim_filter *f = (const struct scim_filter *)1;

    (void)state;
    CHECK(parses_repeated("", "a pr", "", 500, " or "), "500 comparisons");
    CHECK(!parses_repeated("", "a pr", "", 501, " or "), "501 comparisons");
    CHECK(parses_repeated("(", "a pr", ")", 32, NULL), "depth 32");
    CHECK(!parses_repeated("(", "a pr", ")", 33, NULL), "depth 33");
    CHECK(!parses_repeated("not(", "a pr", ")", 33, NULL), "33 nots");
    CHECK(!parses_repeated("          ", "a pr", "", 820, NULL), "8 KiB");
    CHECK(scim_filter_parse(a, STR("  "), &f, NULL) && f == NULL, "blank text is no filter");
}

static void writes_requests(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(buf_done) struct buf out;

    (void)state;
    buf_init(&out, 1000);
    scim_filter_write_eq(&out, STR("userName"), json_string(a, STR("o\"b\\c\n\xC3\xA9")));
    buf_add_z(&out, " | ");
    scim_filter_write_eq(&out, STR("active"), json_bool(a, true));
    buf_add_z(&out, " | ");
    scim_filter_write_eq(&out, STR("n"), json_int(a, -3));
    CHECK_STR(buf_str(&out), "userName eq \"o\\\"b\\\\c\\n\xC3\xA9\" | active eq true | n eq -3",
              "eq");
}

TEST_GROUP(filter, cmocka_unit_test(parses), cmocka_unit_test(refuses), cmocka_unit_test(limits),
           cmocka_unit_test(writes_requests));
