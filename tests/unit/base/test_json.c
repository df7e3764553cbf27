#include "base/json.h"
#include "frame/frame.h"

/* Parsed and written again, which is the text itself where it has no blanks and no needless
 * escapes. */
static void reads_and_writes(void **state)
{
    static const struct {
        const char *in;
        const char *out; /* NULL: the same */
    } cases[] = {
        {"null", NULL},
        {"true", NULL},
        {"false", NULL},
        {"0", NULL},
        {"-0", NULL},
        {"1.50", NULL},
        {"-1.5E+300", NULL},
        {"123456789012345678901234567890", NULL},
        {"\"\"", NULL},
        {"[]", NULL},
        {"{}", NULL},
        {"[1,[2,[3]],{}]", NULL},
        {"{\"b\":1,\"a\":{\"\":null},\"c\":[true]}", NULL},
        {" \t\r\n[ 1 , 2 ] \n", "[1,2]"},
        {"{ \"a\" : 1 , \"b\" : [ ] }", "{\"a\":1,\"b\":[]}"},
        {"\xEF\xBB\xBF{}", "{}"},
        {"\"a\\\"b\\\\c\\nd\\te\\rf\\bg\\fh\"", NULL},
        {"\"\\u0001\\u001f\x7F\"", NULL},
        {"\"W\\/\\\"1\\\"\"", "\"W/\\\"1\\\"\""},
        {"\"\\u0041\\u00e9\\u20AC\\ud83d\\uDE00\"", "\"A\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\""},
        {"\"Zo\xC3\xAB \xE2\x82\xAC \xF0\x9F\x98\x80 \xD7\xA9\"", NULL},
        {"\"\\uDBFF\\uDFFF\\uFFFF\"", "\"\xF4\x8F\xBF\xBF\xEF\xBF\xBF\""},
        {"[\"plain text that is long enough for eight at once\",\"x\\ny plain again, long enough\"]",
         NULL},
        {"{\"a\\u0062\":1}", "{\"ab\":1}"},
    };
    CLEANUP(arena_freep) struct arena *a = arena_new();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct json *v;
        struct err err;

        CHECK(json_parse(a, str_from_z(cases[i].in), NULL, &v, NULL, &err), "%s: %s", cases[i].in,
              err.message);
        CHECK_STR(json_text(a, v), cases[i].out ? cases[i].out : cases[i].in, "%s", cases[i].in);
    }
}

static const struct {
    const char *in;
    size_t offset;
    const char *message;
} refused[] = {
    {"", 0, "the text ends where a value should follow"},
    {"  ", 2, "the text ends where a value should follow"},
    {"\xEF\xBB\xBF", 3, "the text ends where a value should follow"},
    {"\xEF\xBB\xBF x", 4, "expected a value, found 'x'"},
    {"nul", 0, "expected a value, found 'n'"},
    {"True", 0, "expected a value, found 'T'"},
    {"[1", 2, "the text ends where ',' or ']' should follow"},
    {"[1 2]", 3, "expected ',' or ']', found '2'"},
    {"[1,]", 3, "expected a value, found ']'"},
    {"[,]", 1, "expected a value, found ','"},
    {"{", 1, "the text ends where a member name in quotes should follow"},
    {"{\"a\"", 4, "the text ends where ':' should follow"},
    {"{\"a\" 1}", 5, "expected ':', found '1'"},
    {"{\"a\":}", 5, "expected a value, found '}'"},
    {"{\"a\":1", 6, "the text ends where ',' or '}' should follow"},
    {"{\"a\":1,}", 7, "expected a member name in quotes, found '}'"},
    {"{a:1}", 1, "expected a member name in quotes, found 'a'"},
    {"{'a':1}", 1, "expected a member name in quotes, found '''"},
    {"1 2", 2, "expected the end of the document, found '2'"},
    {"{}}", 2, "expected the end of the document, found '}'"},
    {"\"abc", 4, "the text ends inside a string"},
    {"\"abc\\", 4, "the text ends inside a string"},
    {"\"a\nb\"", 2, "a control character in a string must be escaped"},
    {"\"a\\x\"", 2, "unknown escape"},
    {"\"a\\u12g4\"", 2, "\\u needs four hexadecimal digits"},
    {"\"a\\u12", 2, "\\u needs four hexadecimal digits"},
    {"\"\\ud800\"", 1, "half of a surrogate pair stands alone"},
    {"\"\\udc00\"", 1, "half of a surrogate pair stands alone"},
    {"\"\\ud800\\u0041\"", 1, "half of a surrogate pair stands alone"},
    {"\"\\ud800\\ud800\"", 1, "half of a surrogate pair stands alone"},
    {"\"ab\\ud83d", 3, "half of a surrogate pair stands alone"},
    {"\"a\xFF\"", 2, "not valid UTF-8"},
    {"\"a\xC3\"", 2, "not valid UTF-8"},
    {"\"a\xC0\x80\"", 2, "not valid UTF-8"},
    {"\"\xED\xA0\x80\"", 1, "not valid UTF-8"},
    {"\"\xF4\x90\x80\x80\"", 1, "not valid UTF-8"},
    {"\"\\n\xE2\x82", 3, "not valid UTF-8"},
    {"\xC3\xA9", 0, "expected a value, found byte 0xC3"},
    {"01", 1, "a number may not start with 0"},
    {"-", 1, "the text ends where a digit should follow"},
    {"-a", 1, "expected a digit, found 'a'"},
    {"1.", 2, "the text ends where a digit should follow"},
    {"[1.e5]", 3, "expected a digit, found 'e'"},
    {"1e+", 3, "the text ends where a digit should follow"},
    {"+1", 0, "expected a value, found '+'"},
    {".5", 0, "expected a value, found '.'"},
    {"NaN", 0, "expected a value, found 'N'"},
    {"{\"a\":1,\"b\":2,\"a\":3}", 13, "the member 'a' is there twice"},
    {"{\"a\":1,\"\\u0061\":3}", 7, "the member 'a' is there twice"},
    {"[{\"\":1,\"\":2}]", 7, "the member '' is there twice"},
    {"// no\n1", 0, "expected a value, found '/'"},
};

static void says_what_is_wrong_and_where(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        struct json *v = NULL;
        struct err err;
        char place[32];
        size_t offset = 0;

        CHECK(!json_parse(a, str_from_z(refused[i].in), NULL, &v, &offset, &err), "%s",
              refused[i].in);
        CHECK(err.kind == ERR_INVALID && !v, "%s", refused[i].in);
        CHECK_STR(str_from_z(err.code), "invalidJson", "%s", refused[i].in);
        CHECK_STR(str_from_z(err.message), refused[i].message, "%s", refused[i].in);
        CHECK(offset == refused[i].offset, "%s: %zu", refused[i].in, offset);
        snprintf(place, sizeof(place), "byte %zu", refused[i].offset);
        CHECK_STR(str_from_z(err.place), place, "%s", refused[i].in);
    }
}

/* Every beginning of a document is an error at its end, or where the cut character starts. */
static void refuses_every_truncation(void **state)
{
    struct str whole = STR(
        "{\"a\":[1.5e+3,true,null,\"x\\u00e9\\ud83d\\ude00\xE2\x82\xAC\"],\"b\":{\"c\":false}}");
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct json *v;

    (void)state;
    CHECK(json_parse(a, whole, NULL, &v, NULL, NULL), "whole");
    for (size_t len = 0; len < whole.len; len++) {
        /* A copy of its own, so that the sanitizer sees a read behind it. */
        char *text = malloc(len ? len : 1);
        size_t offset;

        memcpy(text, whole.ptr, len);
        CHECK(!json_parse(a, (struct str){text, len}, NULL, &v, &offset, NULL), "%zu", len);
        CHECK(offset <= len && len - offset <= 12, "%zu: %zu", len, offset);
        free(text);
    }
}

static void holds_its_limits(void **state)
{
    static const struct {
        const char *label;
        const char *in;
        struct json_limits limits;
        const char *code; /* NULL: accepted */
        size_t offset;
    } cases[] = {
        {"depth reached", "[[[]]]", {.max_depth = 3}, NULL, 0},
        {"too deep", "[[[[]]]]", {.max_depth = 3}, "jsonTooDeep", 3},
        {"too deep, mixed", "{\"a\":[{\"b\":1}]}", {.max_depth = 2}, "jsonTooDeep", 6},
        {"wide is not deep", "[[],[],[{}],{}]", {.max_depth = 3}, NULL, 0},
        {"size reached", "[1,2]", {.max_bytes = 5}, NULL, 0},
        {"too large", "[1,2] ", {.max_bytes = 5}, "jsonTooLarge", 5},
        {"values reached", "[1,2]", {.max_values = 3}, NULL, 0},
        {"too many values", "[1,2,3]", {.max_values = 3}, "jsonTooLarge", 5},
        {"case matters", "{\"a\":1,\"A\":2}", {0}, NULL, 0},
        {"case does not", "{\"a\":1,\"A\":2}", {.names_ignore_case = true}, "invalidJson", 7},
        {"only ASCII case",
         "{\"\xC3\xA9\":1,\"\xC3\x89\":2}",
         {.names_ignore_case = true},
         NULL,
         0},
    };
    CLEANUP(arena_freep) struct arena *a = arena_new();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err err = {0};
        struct json *v;
        size_t offset = 0;
        bool parsed = json_parse(a, str_from_z(cases[i].in), &cases[i].limits, &v, &offset, &err);

        CHECK(parsed == !cases[i].code, "%s: %s", cases[i].label, err.message);
        if (cases[i].code) {
            CHECK_STR(str_from_z(err.code), cases[i].code, "%s", cases[i].label);
            CHECK(offset == cases[i].offset, "%s: %zu", cases[i].label, offset);
            CHECK(err.kind == (strcmp(err.code, "invalidJson") == 0 ? ERR_INVALID : ERR_LIMIT),
                  "%s", cases[i].label);
        }
    }
}

static void default_depth_is_64(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    static char deep[200000];
    struct json_limits unlimited = {.max_depth = SIZE_MAX};
    struct json *v;
    struct err err;

    (void)state;
    memset(deep, '[', 64);
    memset(deep + 64, ']', 64);
    CHECK(json_parse(a, (struct str){deep, 128}, NULL, &v, NULL, &err), "64 levels");
    memset(deep, '[', 65);
    memset(deep + 65, ']', 65);
    CHECK(!json_parse(a, (struct str){deep, 130}, NULL, &v, NULL, &err), "65 levels");
    CHECK(err.kind == ERR_LIMIT, "a limit");
    memset(deep, '[', sizeof(deep));
    CHECK(!json_parse(a, (struct str){deep, sizeof(deep)}, &unlimited, &v, NULL, &err),
          "whatever the limit, the stack is not spent");
    CHECK_STR(str_from_z(err.code), "jsonTooDeep", "the code");
}

/* An object of n members, of which the one at `second` has the name of the one at `first`. */
static struct str object_with_twin(struct arena *a, size_t n, size_t first, size_t second)
{
    CLEANUP(buf_done) struct buf b;

    buf_init(&b, 1 << 20);
    for (size_t i = 0; i < n; i++)
        buf_addf(&b, "%c\"n%05zu\":%zu", i == 0 ? '{' : ',', i == second ? first : i, i);
    buf_add_char(&b, '}');
    return arena_str(a, buf_str(&b));
}

static void finds_twins_in_objects_of_any_size(void **state)
{
    static const size_t sizes[] = {2, 31, 32, 33, 34, 100, 2000};
    CLEANUP(arena_freep) struct arena *a = arena_new();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        size_t n = sizes[i];
        struct str good = object_with_twin(a, n, n, n);
        struct json *v;
        size_t offset;

        CHECK(json_parse(a, good, NULL, &v, NULL, NULL) && v->count == n, "%zu", n);
        for (size_t first = 0; first < n - 1; first += n / 3 + 1) {
            struct str bad = object_with_twin(a, n, first, n - 1);
            size_t at;

            CHECK(!json_parse(a, bad, NULL, &v, &offset, NULL), "%zu of %zu", first, n);
            CHECK(str_find_last_char(bad, 'n', &at) && offset == at - 1, "%zu of %zu", first, n);
        }
    }
}

static void keeps_names_texts_and_nuls(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    char text[] = "{\"na\\u006de\":\"a\\u0000b\",\"n\":-12.50}";
    struct json *v;

    (void)state;
    CHECK(json_parse(a, str_from_z(text), NULL, &v, NULL, NULL), "parses");
    memset(text, '#', sizeof(text)); /* the document does not point into its text */
    CHECK_STR(v->first->name, "name", "unescaped");
    CHECK(v->first->name.ptr[4] == '\0', "NUL-terminated");
    CHECK(str_eq(v->first->text, (struct str){"a\0b", 3}) && v->first->text.ptr[3] == '\0',
          "a NUL inside");
    CHECK_STR(v->last->text, "-12.50", "source text of the number");
    CHECK(v->count == 2 && v->first->next == v->last && !v->last->next, "linked");
    CHECK_STR(json_text(a, v), "{\"name\":\"a\\u0000b\",\"n\":-12.50}", "written");
}

static void writes_what_is_not_utf8_as_json(void **state)
{
    static const struct {
        const char *label;
        struct str in;
        const char *out;
    } cases[] = {
        {"a bad byte", STR_INIT("a\xFFz"), "\"a\xEF\xBF\xBDz\""},
        {"two bad bytes", STR_INIT("\xFF\xC3"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\""},
        {"a cut character", STR_INIT("abcdefgh\xE2\x82"), "\"abcdefgh\xEF\xBF\xBD\xEF\xBF\xBD\""},
        {"a quote among the last eight", STR_INIT("0123456789\"0123"), "\"0123456789\\\"0123\""},
        {"a quote at the start", STR_INIT("\"123456789"), "\"\\\"123456789\""},
        {"quotes all over", STR_INIT("\"a\"b\"c\"d\"e\""), "\"\\\"a\\\"b\\\"c\\\"d\\\"e\\\"\""},
        {"nothing", {NULL, 0}, "\"\""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buf_done) struct buf b;

        buf_init(&b, 1000);
        json_write_text(&b, cases[i].in);
        CHECK_STR(buf_str(&b), cases[i].out, "%s", cases[i].label);
    }
}

static void writes_prettily(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(buf_done) struct buf b;
    struct json *v;

    (void)state;
    buf_init(&b, 1000);
    CHECK(json_parse(a, STR("{\"a\":[1,{\"b\":null}],\"e\":[],\"o\":{}}"), NULL, &v, NULL, NULL),
          "parses");
    json_write_pretty(&b, v);
    CHECK_STR(
        buf_str(&b),
        "{\n  \"a\": [\n    1,\n    {\n      \"b\": null\n    }\n  ],\n  \"e\": [],\n  \"o\": {}\n}",
        "two spaces a level");
}

static void overflow_shows_in_the_buffer(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(buf_done) struct buf b;

    (void)state;
    buf_init(&b, 5);
    json_write(&b, json_string(a, STR("abcd")));
    CHECK(b.overflowed, "six bytes do not fit five");
}

static void finds_line_and_column(void **state)
{
    static const struct {
        const char *text;
        size_t offset;
        size_t line;
        size_t column;
    } cases[] = {
        {"", 0, 1, 1},        {"abc", 2, 1, 3},     {"a\nb", 2, 2, 1},
        {"a\n\nbc", 4, 3, 2}, {"a\r\nbc", 4, 2, 2}, {"\xC3\xA9\xE2\x82\xACx", 5, 1, 3},
        {"ab", 99, 1, 3},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        size_t line;
        size_t column;

        json_line_column(str_from_z(cases[i].text), cases[i].offset, &line, &column);
        CHECK(line == cases[i].line && column == cases[i].column, "%s: %zu:%zu", cases[i].text,
              line, column);
    }
}

TEST_GROUP(json, cmocka_unit_test(reads_and_writes), cmocka_unit_test(says_what_is_wrong_and_where),
           cmocka_unit_test(refuses_every_truncation), cmocka_unit_test(holds_its_limits),
           cmocka_unit_test(default_depth_is_64),
           cmocka_unit_test(finds_twins_in_objects_of_any_size),
           cmocka_unit_test(keeps_names_texts_and_nuls),
           cmocka_unit_test(writes_what_is_not_utf8_as_json), cmocka_unit_test(writes_prettily),
           cmocka_unit_test(overflow_shows_in_the_buffer), cmocka_unit_test(finds_line_and_column))
