#include "base/str.h"
#include "frame/frame.h"

static const struct str nothing = {NULL, 0};

static void compares(void **state)
{
    static const struct {
        const char *a;
        const char *b;
        bool equal;
        bool equal_nocase;
        int order;
    } cases[] = {
        {"", "", true, true, 0},
        {"a", "a", true, true, 0},
        {"a", "A", false, true, 1},
        {"ab", "a", false, false, 1},
        {"a", "ab", false, false, -1},
        {"a", "b", false, false, -1},
        {"userName", "USERNAME", false, true, 1},
        {"[", "{", false, false, -1},
        {"\xC3\xA9", "\xC3\x89", false, false, 1},
        {"\xFF", "a", false, false, 1},
        {"@", "`", false, false, -1},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct str a = str_from_z(cases[i].a);
        struct str b = str_from_z(cases[i].b);
        int order = str_cmp(a, b);

        CHECK(str_eq(a, b) == cases[i].equal, "%s %s", cases[i].a, cases[i].b);
        CHECK(str_eq_z(a, cases[i].b) == cases[i].equal, "%s %s", cases[i].a, cases[i].b);
        CHECK(str_eq_ascii_nocase(a, b) == cases[i].equal_nocase, "%s %s", cases[i].a, cases[i].b);
        CHECK((order > 0) - (order < 0) == cases[i].order, "%s %s", cases[i].a, cases[i].b);
        CHECK((str_cmp(b, a) > 0) - (str_cmp(b, a) < 0) == -cases[i].order, "%s %s", cases[i].b,
              cases[i].a);
    }
    CHECK(str_eq(nothing, STR("")) && str_eq(str_from_z(NULL), nothing), "NULL is empty");
    CHECK(str_empty(nothing) && !str_empty(STR("a")), "empty");
    CHECK(str_cmp(nothing, STR("a")) < 0 && str_eq_ascii_nocase(nothing, nothing), "NULL compares");
    CHECK(!str_eq((struct str){"a\0b", 3}, (struct str){"a\0c", 3}), "a NUL does not end a slice");
}

static void starts_and_ends(void **state)
{
    static const struct {
        const char *s;
        const char *part;
        bool starts;
        bool ends;
    } cases[] = {
        {"abc", "a", true, false},     {"abc", "c", false, true}, {"abc", "abc", true, true},
        {"abc", "abcd", false, false}, {"abc", "", true, true},   {"", "", true, true},
        {"", "a", false, false},       {"aa", "a", true, true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct str s = str_from_z(cases[i].s);
        struct str part = str_from_z(cases[i].part);

        CHECK(str_starts(s, part) == cases[i].starts, "%s %s", cases[i].s, cases[i].part);
        CHECK(str_ends(s, part) == cases[i].ends, "%s %s", cases[i].s, cases[i].part);
    }
    CHECK(str_starts(nothing, nothing) && str_ends(nothing, nothing), "NULL");
}

static void cuts_slices(void **state)
{
    (void)state;
    CHECK_STR(str_sub(STR("abcdef"), 2, 3), "cde", "middle");
    CHECK_STR(str_sub(STR("abcdef"), 4, SIZE_MAX), "ef", "length is clamped");
    CHECK_STR(str_sub(STR("abcdef"), 9, 1), "", "start is clamped");
    CHECK_STR(str_from(STR("abcdef"), 5), "f", "rest");
    CHECK_STR(str_from(STR("abcdef"), 6), "", "end");
    CHECK(str_sub(nothing, 3, 3).len == 0 && str_from(nothing, 1).len == 0, "NULL");
    CHECK_STR(str_trim(STR(" \t\r\n a b \n")), "a b", "blanks at both ends");
    CHECK_STR(str_trim(STR(" \n ")), "", "only blanks");
    CHECK_STR(str_trim(STR("\xC2\xA0x")), "\xC2\xA0x", "only ASCII blanks");
}

static void finds(void **state)
{
    static const struct {
        const char *s;
        const char *needle;
        bool found;
        size_t at;
    } cases[] = {
        {"abcabc", "c", true, 2},      {"abcabc", "ca", true, 2},
        {"abcabc", "abcabc", true, 0}, {"abcabc", "abcabca", false, 0},
        {"abcabc", "", true, 0},       {"", "", true, 0},
        {"", "a", false, 0},           {"aab", "ab", true, 1},
    };
    size_t at = 99;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        bool found = str_find(str_from_z(cases[i].s), str_from_z(cases[i].needle), &at);

        CHECK(found == cases[i].found && (!found || at == cases[i].at), "%s in %s", cases[i].needle,
              cases[i].s);
    }
    CHECK(str_find_char(STR("a.b.c"), '.', &at) && at == 1, "first");
    CHECK(str_find_last_char(STR("a.b.c"), '.', &at) && at == 3, "last");
    at = 99;
    CHECK(!str_find_char(nothing, '.', &at) && !str_find_last_char(STR("abc"), '.', &at), "none");
    CHECK(at == 99, "not written when nothing is found");
}

static void cuts_at_a_separator(void **state)
{
    static const struct {
        const char *label;
        const char *in;
        const char *head;
        const char *rest;
        bool more;
    } cases[] = {
        {"two parts", "name.givenName", "name", "givenName", true},
        {"no separator", "userName", "userName", "", false},
        {"empty tail", "x.", "x", "", true},
        {"empty head", ".x", "", "x", true},
        {"three parts", "a.b.c", "a", "b.c", true},
        {"nothing", "", "", "", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct str s = str_from_z(cases[i].in);
        struct str head;
        bool more = str_cut(&s, '.', &head);

        CHECK(more == cases[i].more, "%s", cases[i].label);
        CHECK_STR(head, cases[i].head, "%s", cases[i].label);
        CHECK_STR(s, cases[i].rest, "%s", cases[i].label);
    }
}

static void reads_integers(void **state)
{
    static const struct {
        const char *text;
        int64_t min;
        int64_t max;
        bool valid;
        int64_t n;
    } cases[] = {
        {"0", INT64_MIN, INT64_MAX, true, 0},
        {"-0", INT64_MIN, INT64_MAX, true, 0},
        {"007", INT64_MIN, INT64_MAX, true, 7},
        {"9223372036854775807", INT64_MIN, INT64_MAX, true, INT64_MAX},
        {"9223372036854775808", INT64_MIN, INT64_MAX, false, 0},
        {"-9223372036854775808", INT64_MIN, INT64_MAX, true, INT64_MIN},
        {"-9223372036854775809", INT64_MIN, INT64_MAX, false, 0},
        {"99999999999999999999", INT64_MIN, INT64_MAX, false, 0},
        {"8080", 1, 65535, true, 8080},
        {"0", 1, 65535, false, 0},
        {"65536", 1, 65535, false, 0},
        {"-1", 0, 10, false, 0},
        {"", INT64_MIN, INT64_MAX, false, 0},
        {"-", INT64_MIN, INT64_MAX, false, 0},
        {"+1", INT64_MIN, INT64_MAX, false, 0},
        {" 1", INT64_MIN, INT64_MAX, false, 0},
        {"1 ", INT64_MIN, INT64_MAX, false, 0},
        {"1.0", INT64_MIN, INT64_MAX, false, 0},
        {"0x10", INT64_MIN, INT64_MAX, false, 0},
        {"--1", INT64_MIN, INT64_MAX, false, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t n = 42;
        bool valid = str_to_int(str_from_z(cases[i].text), cases[i].min, cases[i].max, &n);

        CHECK(valid == cases[i].valid, "'%s'", cases[i].text);
        CHECK(n == (valid ? cases[i].n : 42), "'%s' is %lld", cases[i].text, (long long)n);
    }
    CHECK(!str_to_int(nothing, 0, 1, &(int64_t){0}), "NULL");
}

static void reads_decimals(void **state)
{
    static const struct {
        const char *text;
        bool valid;
        double d;
    } cases[] = {
        {"0", true, 0},
        {"-0.5", true, -0.5},
        {"1e3", true, 1000},
        {"1E+2", true, 100},
        {"25e-1", true, 2.5},
        {"0.1", true, 0.1},
        {"1.7976931348623157e308", true, 1.7976931348623157e308},
        {"1e309", false, 0},
        {"-1e999", false, 0},
        {"1e-999", true, 0},
        {"", false, 0},
        {"-", false, 0},
        {"+1", false, 0},
        {".5", false, 0},
        {"5.", false, 0},
        {"01", false, 0},
        {"1e", false, 0},
        {"1e+", false, 0},
        {"nan", false, 0},
        {"inf", false, 0},
        {"0x1p3", false, 0},
        {"1,5", false, 0},
        {" 1", false, 0},
        {"1 ", false, 0},
        {"1.2.3", false, 0},
    };
    char many[600];
    double d = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        bool valid = str_to_double(str_from_z(cases[i].text), &d);

        CHECK(valid == cases[i].valid, "'%s'", cases[i].text);
        CHECK(!valid || d == cases[i].d, "'%s' is %g", cases[i].text, d);
    }
    memset(many, '3', sizeof(many));
    many[1] = '.';
    CHECK(str_to_double((struct str){many, sizeof(many)}, &d) && d > 3.3333 && d < 3.3334,
          "600 digits");
}

static void tests_every_byte_as_ascii(void **state)
{
    (void)state;
    for (int i = 0; i < 256; i++) {
        char c = (char)i;
        bool upper = i >= 'A' && i <= 'Z';
        bool lower = i >= 'a' && i <= 'z';

        CHECK(ascii_is_alpha(c) == (upper || lower), "%d", i);
        CHECK(ascii_is_digit(c) == (i >= '0' && i <= '9'), "%d", i);
        CHECK(ascii_is_blank(c) == (i == ' ' || i == '\t' || i == '\n' || i == '\r'), "%d", i);
        CHECK(ascii_lower(c) == (upper ? (char)(i + 32) : c), "%d", i);
        CHECK(ascii_upper(c) == (lower ? (char)(i - 32) : c), "%d", i);
    }
}

static void hashes(void **state)
{
    (void)state;
    CHECK(str_hash(STR("ada")) == str_hash(str_sub(STR("xada"), 1, 3)), "by content");
    CHECK(str_hash(STR("ada")) != str_hash(STR("adb")), "apart");
    CHECK(str_hash(nothing) == str_hash(STR("")), "empty");
}

TEST_GROUP(str, cmocka_unit_test(compares), cmocka_unit_test(starts_and_ends),
           cmocka_unit_test(cuts_slices), cmocka_unit_test(finds),
           cmocka_unit_test(cuts_at_a_separator), cmocka_unit_test(reads_integers),
           cmocka_unit_test(reads_decimals), cmocka_unit_test(tests_every_byte_as_ascii),
           cmocka_unit_test(hashes))
