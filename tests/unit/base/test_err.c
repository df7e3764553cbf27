#include "base/err.h"
#include "base/unicode.h"
#include "frame/frame.h"

static bool refuse(struct err *err)
{
    return err_set(err, ERR_NOT_FOUND, "jobNotFound", "no job '%s'", "x");
}

static void carries_kind_code_message_and_place(void **state)
{
    struct err err;

    (void)state;
    CHECK(!refuse(&err), "false");
    CHECK(err.kind == ERR_NOT_FOUND, "kind");
    CHECK_STR(str_from_z(err.code), "jobNotFound", "code");
    CHECK_STR(str_from_z(err.message), "no job 'x'", "message");
    CHECK_STR(str_from_z(err.place), "", "place");
    CHECK(!err_at(&err, "/rules/%d", 3), "false");
    CHECK_STR(str_from_z(err.place), "/rules/3", "place");
    CHECK(!err_wrap(&err, "page %d", 2), "false");
    CHECK_STR(str_from_z(err.message), "page 2: no job 'x'", "prefix");
    CHECK_STR(str_from_z(err.place), "/rules/3", "a prefix keeps the place");
    CHECK(!err_set(&err, ERR_LIMIT, "other", "the %s", err.message), "an argument from itself");
    CHECK_STR(str_from_z(err.message), "the page 2: no job 'x'", "message");
    CHECK_STR(str_from_z(err.place), "", "filling starts anew");
}

static void takes_null(void **state)
{
    (void)state;
    CHECK(!refuse(NULL), "set");
    CHECK(!err_wrap(NULL, "x"), "wrap");
    CHECK(!err_at(NULL, "x"), "at");
}

/* Whatever the length of what is before it, a character of several bytes is whole or not there. */
static void cuts_between_characters(void **state)
{
    static const char *const characters[] = {"a", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"};

    (void)state;
    for (size_t c = 0; c < ARRAY_LEN(characters); c++) {
        for (int before = 370; before < 390; before++) {
            struct err err;
            struct str message;
            size_t size = strlen(characters[c]);
            size_t room = sizeof(err.message) - 1;
            size_t want = (size_t)before >= room
                              ? room
                              : (size_t)before + (room - (size_t)before) / size * size;

            err_fill(&err, ERR_INVALID, "x", "%*s%s%s%s%s%s%s%s%s%s%s%s%s%s%s%s%s", before, "",
                     characters[c], characters[c], characters[c], characters[c], characters[c],
                     characters[c], characters[c], characters[c], characters[c], characters[c],
                     characters[c], characters[c], characters[c], characters[c], characters[c],
                     characters[c]);
            message = str_from_z(err.message);
            CHECK(utf8_valid(message, NULL), "%zu bytes after %d", size, before);
            CHECK(message.len ==
                      (size * 16 + (size_t)before < want ? size * 16 + (size_t)before : want),
                  "%zu bytes after %d: %zu", size, before, message.len);
        }
    }
}

/* Arguments are often cut by bytes, or come from outside; messages are stored and sent. */
static void is_utf8_whatever_the_arguments(void **state)
{
    struct err err;

    (void)state;
    (void)err_set(&err, ERR_INVALID, "x", "'%.*s' is no name", 4, "Ren\xC3\xA9");
    CHECK_STR(str_from_z(err.message), "'Ren?' is no name", "cut in the middle of a character");
    err_prefix(&err, "caf\xE9 \xC3\xA9");
    CHECK_STR(str_from_z(err.message), "caf? \xC3\xA9: 'Ren?' is no name", "prefix");
    err_place(&err, "\xE2\x82.csv:1");
    CHECK_STR(str_from_z(err.place), "??.csv:1", "place");
}

static void moves_no_cursor(void **state)
{
    struct err err;

    (void)state;
    err_fill(&err, ERR_INVALID, "x", "says \x1b[2Jone\r\ntwo");
    CHECK_STR(str_from_z(err.message), "says  [2Jone  two", "an answer's text");
}

static void prefix_and_place_are_cut_too(void **state)
{
    struct err err;

    (void)state;
    (void)refuse(&err);
    err_prefix(&err, "%500s", "x");
    CHECK(strlen(err.message) == sizeof(err.message) - 1, "%zu", strlen(err.message));
    err_place(&err, "%s%126s\xC3\xA9", "", "x");
    CHECK(strlen(err.place) == 126, "%zu", strlen(err.place));
}

static void names_every_kind(void **state)
{
    (void)state;
    for (int i = 0; i < ERR_KIND_COUNT; i++)
        CHECK(err_kind_name((enum err_kind)i)[0] != '\0', "%d", i);
    CHECK_STR(str_from_z(err_kind_name(ERR_NOT_FOUND)), "notFound", "camel case");
    CHECK_STR(str_from_z(err_kind_name(ERR_INVALID)), "invalid", "invalid");
}

TEST_GROUP(err, cmocka_unit_test(carries_kind_code_message_and_place), cmocka_unit_test(takes_null),
           cmocka_unit_test(moves_no_cursor), cmocka_unit_test(cuts_between_characters),
           cmocka_unit_test(is_utf8_whatever_the_arguments),
           cmocka_unit_test(prefix_and_place_are_cut_too), cmocka_unit_test(names_every_kind))
