#include "base/unicode.h"
#include "frame/frame.h"

static void checks_utf8(void **state)
{
    static const struct {
        const char *label;
        struct str text;
        size_t bad; /* SIZE_MAX: none */
    } cases[] = {
        {"empty", {NULL, 0}, SIZE_MAX},
        {"ASCII", STR_INIT("plain text of more than eight bytes"), SIZE_MAX},
        {"NUL", STR_INIT("a\0b"), SIZE_MAX},
        {"two bytes", STR_INIT("\xC2\x80\xDF\xBF"), SIZE_MAX},
        {"three bytes", STR_INIT("\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF"), SIZE_MAX},
        {"four bytes", STR_INIT("\xF0\x90\x80\x80\xF4\x8F\xBF\xBF"), SIZE_MAX},
        {"continuation alone", STR_INIT("ab\x80"), 2},
        {"overlong NUL", STR_INIT("a\xC0\x80"), 1},
        {"overlong two", STR_INIT("\xC1\xBF"), 0},
        {"overlong three", STR_INIT("\xE0\x9F\xBF"), 0},
        {"overlong four", STR_INIT("\xF0\x8F\xBF\xBF"), 0},
        {"first surrogate", STR_INIT("x\xED\xA0\x80"), 1},
        {"last surrogate", STR_INIT("\xED\xBF\xBF"), 0},
        {"over the end", STR_INIT("\xF4\x90\x80\x80"), 0},
        {"five bytes", STR_INIT("\xF8\x88\x80\x80\x80"), 0},
        {"0xFE", STR_INIT("\xFE"), 0},
        {"cut after one", STR_INIT("12345678\xC3"), 8},
        {"cut after two", STR_INIT("1234567\xE2\x82"), 7},
        {"cut after three", STR_INIT("\xF0\x9F\x98"), 0},
        {"interrupted", STR_INIT("\xE2\x82z"), 0},
        {"bad third", STR_INIT("\xF0\x9F\x41\x80"), 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        size_t at = SIZE_MAX;

        CHECK(utf8_valid(cases[i].text, &at) == (cases[i].bad == SIZE_MAX), "%s", cases[i].label);
        CHECK(at == cases[i].bad, "%s: %zu", cases[i].label, at);
        CHECK(utf8_valid(cases[i].text, NULL) == (cases[i].bad == SIZE_MAX), "%s", cases[i].label);
    }
}

static void cleans(void **state)
{
    static const struct {
        const char *label;
        struct str text;
        const char *want;
    } cases[] = {
        {"empty", {NULL, 0}, ""},
        {"nothing to do", STR_INIT("gr\xC3\xBC\xC3\x9F"), "gr\xC3\xBC\xC3\x9F"},
        {"Latin-1", STR_INIT("caf\xE9!"), "caf\xEF\xBF\xBD!"},
        {"each byte by itself", STR_INIT("\xE2\x82"), "\xEF\xBF\xBD\xEF\xBF\xBD"},
        {"all bad", STR_INIT("\xFF\xFE\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
    };
    CLEANUP(arena_freep) struct arena *a = arena_new();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct str clean = utf8_clean(a, cases[i].text);

        CHECK_STR(clean, cases[i].want, "%s", cases[i].label);
        CHECK(utf8_valid(clean, NULL), "%s", cases[i].label);
        CHECK((clean.ptr == cases[i].text.ptr) == utf8_valid(cases[i].text, NULL), "%s",
              cases[i].label);
    }
}

/* Every code point there is, written and read back. */
static void puts_and_reads_every_code_point(void **state)
{
    (void)state;
    for (uint32_t c = 0; c <= 0x10FFFF; c++) {
        char bytes[4];
        size_t n = utf8_put(c, bytes);
        struct str s = {bytes, n};
        size_t at = 0;

        if (c >= 0xD800 && c <= 0xDFFF) {
            CHECK(!utf8_valid(s, NULL), "%X", (unsigned)c);
            continue;
        }
        CHECK(utf8_valid(s, NULL) && utf8_length(s) == 1, "%X", (unsigned)c);
        CHECK(utf8_sequence(s, 0) == n, "%X", (unsigned)c);
        CHECK(utf8_next(s, &at) == c && at == n, "%X", (unsigned)c);
    }
}

static void walks_code_points(void **state)
{
    struct str s = STR("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
    static const uint32_t want[] = {'a', 0xE9, 0x20AC, 0x1F600};
    struct str bad = STR("\xE2\x82");
    size_t at = 0;

    (void)state;
    CHECK(utf8_length(s) == 4, "length");
    for (size_t i = 0; i < ARRAY_LEN(want); i++)
        CHECK(utf8_next(s, &at) == want[i], "%zu", i);
    CHECK(at == s.len, "the end");
    at = 0;
    CHECK(utf8_next(bad, &at) == 0xFFFD && at == 1, "a bad byte is passed by itself");
}

static void folds_case(void **state)
{
    static const struct {
        const char *label;
        const char *a;
        const char *b;
        bool equal;
    } cases[] = {
        {"ASCII", "Ada.LOVELACE@Example.com", "ada.lovelace@example.COM", true},
        {"other letters", "ada", "adb", false},
        {"not only letters", "[", "{", false},
        {"Latin", "\xC3\x89mile \xC3\x85s", "\xC3\xA9mile \xC3\xA5s", true},
        {"Polish", "\xC5\x81\xC3\x93\xC5\xB9", "\xC5\x82\xC3\xB3\xC5\xBA", true},
        {"Greek", "\xCE\xA3\xCE\xB1\xCF\x82", "\xCF\x83\xCE\x91\xCE\xA3", true},
        {"final sigma", "\xCF\x82", "\xCF\x83", true},
        {"Cyrillic", "\xD0\x96\xD0\x81\xD0\x98", "\xD0\xB6\xD1\x91\xD0\xB8", true},
        {"Armenian", "\xD4\xB1", "\xD5\xA1", true},
        {"sharp s is not ss",
         "stra\xC3\x9F"
         "e",
         "strasse", false},
        {"capital sharp s", "\xE1\xBA\x9E", "\xC3\x9F", true},
        {"dotless i", "\xC4\xB1", "i", false},
        {"I with dot", "\xC4\xB0", "i", false},
        {"I with dot and dotless", "\xC4\xB0", "\xC4\xB1", false},
        {"dz with caron", "\xC7\x84", "\xC7\x85", true},
        {"Kelvin", "\xE2\x84\xAA", "k", true},
        {"long s", "\xC5\xBF", "S", true},
        {"grows in bytes", "\xC8\xBA", "\xE2\xB1\xA5", true},
        {"four bytes", "\xF0\x90\x90\x80", "\xF0\x90\x90\xA8", true},
        {"no normalisation", "\xC3\xA9", "e\xCC\x81", false},
        {"no ligatures", "\xEF\xAC\x81", "fi", false},
        {"a beginning", "ab", "abc", false},
        {"empty", "", "", true},
        {"emoji", "\xF0\x9F\x98\x80", "\xF0\x9F\x98\x80", true},
    };
    CLEANUP(arena_freep) struct arena *a = arena_new();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct str x = str_from_z(cases[i].a);
        struct str y = str_from_z(cases[i].b);

        CHECK(str_eq(str_fold(a, x), str_fold(a, y)) == cases[i].equal, "%s", cases[i].label);
        CHECK(str_eq_fold(x, y) == cases[i].equal && str_eq_fold(y, x) == cases[i].equal, "%s",
              cases[i].label);
    }
    CHECK_STR(str_fold(a, STR("\xC3\x89milE \xC3\x9F")), "\xC3\xA9mile \xC3\x9F", "the result");
}

/* One code point stays one, folding again changes nothing, and both functions agree. */
static void folding_is_one_to_one_and_stable(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();

    (void)state;
    for (uint32_t c = 1; c <= 0x10FFFF; c++) {
        char bytes[4];
        struct str s = {bytes, utf8_put(c, bytes)};
        struct str folded;
        struct str again;

        if (c >= 0xD800 && c <= 0xDFFF)
            continue;
        folded = str_fold(a, s);
        CHECK(utf8_valid(folded, NULL) && utf8_length(folded) == 1, "%X", (unsigned)c);
        again = str_fold(a, folded);
        CHECK(str_eq(again, folded), "%X", (unsigned)c);
        CHECK(str_eq_fold(s, folded), "%X", (unsigned)c);
        if (c % 4096 == 0)
            arena_reset(a);
    }
}

static void gives_back_what_is_folded_already(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct str plain = STR("ada@example.com");
    struct str accents = STR("\xC3\xA9mile");
    struct str bad = STR("a\xFF\xE2\x82");

    (void)state;
    CHECK(str_fold(a, plain).ptr == plain.ptr, "ASCII");
    CHECK(str_fold(a, accents).ptr == accents.ptr, "accents");
    CHECK(str_fold(a, bad).ptr == bad.ptr, "not UTF-8");
    CHECK(str_fold(a, (struct str){NULL, 0}).len == 0, "nothing");
    CHECK(arena_used(a) == 0, "nothing was allocated");
    CHECK(str_eq(str_fold(a, STR("A\xFF\xC3")), STR("a\xFF\xC3")), "bad bytes stay");
    CHECK(!str_eq_fold(STR("\xFF"), STR("\xFE")) && str_eq_fold(STR("\xFF"), STR("\xFF")),
          "bad bytes");
}

static void blanks_control_characters(void **state)
{
    static const struct {
        const char *in, *want;
        char stays;
    } cases[] = {
        {"plain \xc3\xa4", "plain \xc3\xa4", '\0'},
        {"\x1b[31mred\x1b[0m", " [31mred [0m", '\0'},
        {"a\nb\tc\x7f", "a b c ", '\0'},
        {"a\nb\tc", "a\nb c", '\n'},
        {"\xc2\x9b"
         "31m",
         "  31m", '\n'},
        {"\xc2\xa0", "\xc2\xa0", '\0'},
        {"\xc2", "\xc2", '\0'},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char text[32];

        snprintf(text, sizeof(text), "%s", cases[i].in);
        utf8_blank_controls(text, strlen(text), cases[i].stays);
        CHECK_STR(str_from_z(text), cases[i].want, "case %zu", i);
    }
}

TEST_GROUP(unicode, cmocka_unit_test(blanks_control_characters), cmocka_unit_test(checks_utf8),
           cmocka_unit_test(cleans), cmocka_unit_test(puts_and_reads_every_code_point),
           cmocka_unit_test(walks_code_points), cmocka_unit_test(folds_case),
           cmocka_unit_test(folding_is_one_to_one_and_stable),
           cmocka_unit_test(gives_back_what_is_folded_already))
