#include "expr/expr.h"
#include "expr/nearest.h"
#include "frame/frame.h"

static void errors_say_what_where_and_what_is_expected(void **state)
{
    static const struct {
        const char *text;
        const char *code;
        size_t offset;
        const char *says;
    } cases[] = {
        {"", "Parse", 0, "ends here"},
        {"  ", "Parse", 2, "ends here"},
        {"Join(\"a\", [b]", "Parse", 13, "',' or ')'"},
        {"Join(\"a", "Parse", 5, "closing quote"},
        {"[a", "Parse", 0, "closing bracket"},
        {"[]", "Parse", 0, "attribute name"},
        {"mail", "Parse", 0, "attributes stand in brackets"},
        {"true", "Parse", 0, "'true'"},
        {"[a] [b]", "Parse", 4, "end of the expression"},
        {"1 = 2 = 3", "Parse", 6, "one comparison"},
        {"([a])", "Parse", 0, "function"},
        {"Len(“a”)", "Parse", 4, "straight quotes"},
        {"12x", "Parse", 0, "number"},
        {"99999999999999999999", "Parse", 0, "64 bits"},
        {"&HFFFFFFFFFFFFFFFFF", "Parse", 0, "64 bits"},
        {"Len([a], [b]", "Parse", 12, "ends here"},
        {"Lenn([a])", "UnknownFunction", 0, "'Len'"},
        {"Concatenate([a])", "UnknownFunction", 0, "no function"},
        {"Append([a], len([b]))", "UnknownFunction", 12, "'Len'"},
        {"Append([a])", "Arity", 0, "takes 2 arguments, found 1"},
        {"Mid([a])", "Arity", 0, "2 to 3"},
        {"Append([a], )", "Arity", 12, "argument 2 of Append"},
        {"Switch([a], , \"k\")", "Arity", 0, "even number"},
        {"Switch([a], , , \"v\")", "Arity", 14, "key"},
        {"Guid(1)", "Arity", 0, "0 arguments"},
        {"Join(\",\", SelectUniqueValue([a], [b]))", "Nesting", 10, "outermost"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        const struct expr *e;
        struct expr_error error;
        size_t at;

        CHECK(!expr_compile(a, str_from_z(cases[i].text), NULL, &e, &error), "%s", cases[i].text);
        CHECK_STR(str_from_z(error.err.code), cases[i].code, "%s: %s", cases[i].text,
                  error.err.message);
        CHECK(error.offset == cases[i].offset, "%s: offset %zu", cases[i].text, error.offset);
        CHECK(str_find(str_from_z(error.err.message), str_from_z(cases[i].says), &at), "%s: %s",
              cases[i].text, error.err.message);
    }
}

static void places_count_characters(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const struct expr *e;
    struct expr_error error;

    (void)state;
    CHECK(!expr_compile(a, STR("Len(\"éé\" & 1"), NULL, &e, &error), "not closed");
    CHECK(error.offset == 14, "offset %zu in bytes", error.offset);
    CHECK_STR(str_from_z(error.err.place), "character 13", "place in characters");
}

static void printing_is_canonical(void **state)
{
    static const char *const cases[][2] = {
        {"Append ( [a],\"b\" )", "Append([a], \"b\")"},
        {"Replace([a],\"-\", , ,\"_\", ,)", "Replace([a], \"-\", , , \"_\", , )"},
        {"\"say \\\"hi\\\" \\\\ \\d\"", "\"say \\\"hi\\\" \\\\ \\\\d\""},
        {"IIF([a]<>1,&hF,-2.50)", "IIF([a] <> 1, 15, -2.50)"},
        {"[a]&\"x\"&[b[c eq \"]\"].d]", "[a] & \"x\" & [b[c eq \"]\"].d]"},
        {"Switch([a],,True,NULL)", "Switch([a], , True, NULL)"},
        {"Guid( )", "Guid()"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        CLEANUP(buf_done) struct buf text = {0};
        const struct expr *e;
        struct expr_error error;

        CHECK(expr_compile(a, str_from_z(cases[i][0]), NULL, &e, &error), "%s: %s", cases[i][0],
              error.err.message);
        buf_init(&text, 1000);
        expr_print(&text, e);
        CHECK_STR(buf_str(&text), cases[i][1], "%s", cases[i][0]);
    }
}

/* The tree of expressions.md 9: numbers are quoted, omitted arguments do not appear. */
static void the_tree_has_the_documented_form(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const struct expr *e;
    struct expr_error error;

    (void)state;
    CHECK(expr_compile(a, STR("Replace(Mid([upn], 1, 8), \"-\", , , \"_\", , )"), NULL, &e, &error),
          "%s", error.err.message);
    CHECK_STR(
        json_text(a, expr_to_json(a, e)),
        "{\"type\":\"Function\",\"name\":\"Replace\",\"expression\":\"Replace(Mid([upn], 1, 8), "
        "\\\"-\\\", , , \\\"_\\\", , )\",\"parameters\":["
        "{\"key\":\"source\",\"value\":{\"type\":\"Function\",\"name\":\"Mid\",\"expression\":"
        "\"Mid([upn], 1, 8)\",\"parameters\":["
        "{\"key\":\"source\",\"value\":{\"type\":\"Attribute\",\"name\":\"upn\",\"expression\":"
        "\"[upn]\",\"parameters\":[]}},"
        "{\"key\":\"start\",\"value\":{\"type\":\"Constant\",\"name\":\"1\",\"expression\":"
        "\"\\\"1\\\"\",\"parameters\":[]}},"
        "{\"key\":\"length\",\"value\":{\"type\":\"Constant\",\"name\":\"8\",\"expression\":"
        "\"\\\"8\\\"\",\"parameters\":[]}}]}},"
        "{\"key\":\"Find\",\"value\":{\"type\":\"Constant\",\"name\":\"-\",\"expression\":"
        "\"\\\"-\\\"\",\"parameters\":[]}},"
        "{\"key\":\"Replacement\",\"value\":{\"type\":\"Constant\",\"name\":\"_\",\"expression\":"
        "\"\\\"_\\\"\",\"parameters\":[]}}]}",
        "tree");
}

static void text_of(struct buf *out, const char *piece, size_t times, const char *end)
{
    for (size_t i = 0; i < times; i++)
        buf_add_z(out, piece);
    buf_add_z(out, end);
}

static const char *fault_of(struct arena *a, struct str text)
{
    const struct expr *e;
    struct expr_error error;

    return expr_compile(a, text, NULL, &e, &error) ? "" : error.err.code;
}

static void limits_hold(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(buf_done) struct buf text = {0};

    (void)state;
    buf_init(&text, 100000);
    text_of(&text, "\"", 1, "");
    text_of(&text, "é", EXPR_MAX_CHARACTERS - 2, "\"");
    CHECK_STR(str_from_z(fault_of(a, buf_str(&text))), "", "as long as may be");
    buf_add_char(&text, ' ');
    CHECK_STR(str_from_z(fault_of(a, buf_str(&text))), "TooLong", "one more");
    buf_reset(&text);
    text_of(&text, "Trim(", EXPR_MAX_DEPTH, "[a]");
    text_of(&text, ")", EXPR_MAX_DEPTH, "");
    CHECK_STR(str_from_z(fault_of(a, buf_str(&text))), "", "as deep as may be");
    buf_reset(&text);
    text_of(&text, "Trim(", EXPR_MAX_DEPTH + 1, "[a]");
    text_of(&text, ")", EXPR_MAX_DEPTH + 1, "");
    CHECK_STR(str_from_z(fault_of(a, buf_str(&text))), "Parse", "one deeper");
    CHECK_STR(str_from_z(fault_of(a, STR("\"a\xFF\""))), "Parse", "not UTF-8");
}

static const char *evaluated(struct arena *a, const char *text, const char *attributes)
{
    struct expr_context c = {.arena = a, .rng = rng_system()};
    const struct json **slots;
    const struct expr *e;
    struct expr_error error;
    struct expr_value v;
    struct json *source;
    struct err err = {0};

    CHECK(json_parse(a, str_from_z(attributes), NULL, &source, NULL, &err), "%s", err.message);
    CHECK(expr_compile(a, str_from_z(text), NULL, &e, &error), "%s: %s", text, error.err.message);
    slots = ARENA_ARRAY(a, const struct json *, expr_names_count(expr_names(e)));
    expr_names_bind(expr_names(e), source, slots);
    c.slots = slots;
    if (!expr_evaluate(e, &c, &v, &error))
        return error.err.code;
    return json_text(a, expr_value_json(a, &v)).ptr;
}

static void values_grow_only_so_far(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(buf_done) struct buf text = {0};

    (void)state;
    buf_init(&text, 20000);
    /* Each level doubles sixteen bytes: 2^16 levels' worth would be a megabyte. */
    for (int i = 0; i < 17; i++)
        buf_add_z(&text, "Replace(");
    buf_add_z(&text, "\"0123456789abcdef\"");
    for (int i = 0; i < 17; i++)
        buf_add_z(&text, ", , \".\", , \"$&$&\", , )");
    CHECK_STR(str_from_z(evaluated(a, buf_z(&text), "{}")), "OutOfRange", "too long a text");
    CHECK_STR(str_from_z(evaluated(a, "PadLeft(\"x\", 2000000, \"0\")", "{}")), "OutOfRange",
              "padding");
}

/* What the vectors leave open. */
static void rules_beyond_the_vectors(void **state)
{
    static const char *const cases[][3] = {
        {"Left([a], 2)", "{\"a\":\"x😀y\"}", "\"x\""}, /* half a pair is dropped */
        {"Len([a])", "{\"a\":\"x😀y\"}", "4"},
        {"Right([a], 2)", "{\"a\":\"x😀y\"}", "\"y\""},
        {"Mid([a], 3, 2)", "{\"a\":\"x😀y\"}", "\"y\""},
        {"Append([a], \"b\")", "{\"a\":[\"x\"]}", "[\"xb\"]"},
        {"Append(\"b\", [a])", "{\"a\":[\"x\",\"y\"]}", "Type"},
        {"Append(\"b\", [a])", "{\"a\":[\"x\"]}", "\"bx\""},
        {"[a] = \"x\"", "{\"a\":[\"x\"]}", "true"},
        {"[a] < \"b\"", "{\"a\":true}", "true"}, /* "True" before "b" */
        {"[a] < True", "{\"a\":true}", "Type"},
        {"[a] <> NULL", "{\"a\":\"x\"}", "false"},
        {"\"2\" < \"10\"", "{}", "true"},
        {"\"a2\" < \"a10\"", "{}", "false"},
        {"\"😀\" < \"｡\"", "{}", "true"}, /* surrogates sort below U+FF61 */
        {"1 = \"1.0\"", "{}", "true"},
        {"CStr(0.1)", "{}", "\"0.1\""},
        {"[a]", "{\"a\":{\"$ref\":\"id\"}}", "\"id\""},
        {"[a]", "{\"a\":{\"$binary\":\"AAE=\"}}", "{\"$binary\":\"AAE=\"}"},
        {"CStr([a])", "{\"a\":{\"$binary\":\"AAE=\"}}", "Type"},
        {"IIF([a], 1, 2)", "{\"a\":\"maybe\"}", "Type"},
        {"Append(IgnoreAttributeFlow, \"x\")", "{}", "{\"$flow\":\"ignore\"}"},
        {"\"a\" & IgnoreObjectFlow", "{}", "{\"$flow\":\"ignoreObject\"}"},
        {"Coalesce(NULL, \"\", \"x\")", "{}", "\"\""},
        {"InStr(\"abc\", \"\", 2)", "{}", "2"},
        {"InStr(\"abc\", \"a\", 9)", "{}", "0"},
        {"InStr(\"abc\", \"a\", 0)", "{}", "OutOfRange"},
        {"Replace(\"x\", , \"a++\", , \"\", , )", "{}", "Regex"},
        {"Replace(\"education 7\", , \"[a-z-[aeiou]]+\", , \"-\", , )", "{}", "\"e-u-a-io- 7\""},
        {"Replace(\"abc-\", , \"[^b-[c]]\", , \"*\", , )", "{}", "\"*bc*\""},
        {"Replace(\"abcde\", , \"[a-e-[b-d-[c]]]\", , \"*\", , )", "{}", "\"*b*d*\""},
        {"Replace(\"abc\", , \"[a-c-[b]x]\", , \"*\", , )", "{}", "Regex"},
        {"Replace(\"abc\", , \"[a-c-[b]\", , \"*\", , )", "{}", "Regex"},
        {"Replace(\"aλж\", , \"\\p{IsGreek}\", , \"g\", , )", "{}", "\"agж\""},
        {"Replace(\"aλж\", , \"\\P{IsGreekandCoptic}\", , \"-\", , )", "{}", "\"-λ-\""},
        {"Replace(\"aλж\", , \"[\\p{IsCyrillic}a]\", , \"-\", , )", "{}", "\"-λ-\""},
        {"Replace(\"éx\", , \"\\p{IsLatin-1Supplement}\", , \"-\", , )", "{}", "\"-x\""},
        {"Replace(\"x\", , \"\\p{IsKlingon}\", , \"\", , )", "{}", "Regex"},
        {"Replace(\"x\", , \"\\p{Greek}\", , \"\", , )", "{}", "Regex"},
        {"Replace(\"x\", , \"\\p{IsHighSurrogates}\", , \"\", , )", "{}", "Regex"},
        {"Replace(\"x\", , \"(?n)(x)\", , \"\", , )", "{}", "Regex"},
        {"Replace(\"x\", , \"(?x) x\", , \"\", , )", "{}", "Regex"},
        {"Replace(\"x\", , \"(x)?(?(1)y|z)\", , \"\", , )", "{}", "Regex"},
        {"Replace(\"x\", , \"(?<a-b>x)\", , \"\", , )", "{}", "Regex"},
        {"Replace(\"x\", , \"\\Kx\", , \"\", , )", "{}", "Regex"},
        {"Replace(\"x\", , \"(*ACCEPT)\", , \"\", , )", "{}", "Regex"},
        {"Replace(\"é\", , \"\\u00E9\", , \"e\", , )", "{}", "\"e\""},
        {"Replace(\"a[:b\", , \"[[:]\", , \"\", , )", "{}", "\"ab\""},
        {"Replace(\"aa bb\", , \"(?<n>b)\\2|(a)\\1\", , \"<$1|${n}>\", , )", "{}", "\"<a|> <|b>\""},
        {"Replace(\"ab\", , \"(a)(?<x>b)?\", , \"$9 ${y} $+ $_ $$ $\", , )", "{}",
         "\"$9 ${y} b ab $ $\""},
        {"Replace([a], , \"(a+)+$\", , \"x\", , )",
         "{\"a\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\"}", "Regex"},
        {"Word([a], 2, \"–\")", "{\"a\":\"x–y\"}", "\"y\""},
        {"Trim([a])", "{\"a\":\"\\u00a0x\\u3000\"}", "\"x\""},
        {"ToUpper(\"i\", \"az-Latn\")", "{}", "\"İ\""},
        {"ToUpper(\"i\", \"no culture\")", "{}", "InvalidArgument"},
        {"NormalizeDiacritics(\"Z\xCC\x8C đ\")", "{}", "\"Z đ\""},
        {"ItemOrNull([a], 7)", "{\"a\":[\"x\"]}", "null"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();

        CHECK_STR(str_from_z(evaluated(a, cases[i][0], cases[i][1])), cases[i][2], "%s",
                  cases[i][0]);
    }
}

static void what_can_only_fail_is_found(void **state)
{
    static const struct {
        const char *text, *code; /* "": nothing is wrong */
        size_t offset;
        bool certain;
    } cases[] = {
        {"Left([a], 2)", "", 0, false},
        {"Left([a], \"2\")", "", 0, false},
        {"Left([a], \"two\")", "Type", 10, true},
        {"IIF([b] = 1, Left([a], \"two\"), \"x\")", "Type", 23, false},
        {"IIF(Now(), 1, 2)", "Type", 4, true},
        {"DateAdd(\"d\", Now(), [x])", "Type", 13, true},
        {"DateAdd(\"day\", 1, \"2024-01-01\")", "InvalidArgument", 8, true},
        {"DateDiff(\"d\", Len([a]), Now())", "DateParse", 14, true},
        {"CDate(\"2023-02-29\")", "DateParse", 6, true},
        {"Append([a], CGuid([b]))", "Type", 12, true},
        {"Coalesce([a], Mid(\"abc\", \"x\"))", "Type", 25, false},
        {"Coalesce(BitAnd(\"x\", 1), [a])", "Type", 16, true},
        {"Replace([a], , \"a++\", , \"\", , )", "Regex", 15, true},
        {"Error(\"never\")", "Custom", 0, true},
        {"IIF([a] = 1, 2, Error(\"else\"))", "", 0, false},
        {"NULL", "", 0, false}, /* on purpose */
        {"Append(NULL, \"x\")", "Type", 0, true},
        {"Switch([a], , \"x\", CNum(\"y\"))", "Type", 24, false},
        {"RandomString(300, 1, 1, 1, 1)", "", 0, false}, /* needs random numbers to be tried */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        const struct expr *e;
        struct expr_error error;
        const struct expr_warning *w;

        CHECK(expr_compile(a, str_from_z(cases[i].text), NULL, &e, &error), "%s", cases[i].text);
        w = expr_lint(a, e);
        CHECK((w != NULL) == (*cases[i].code != '\0'), "%s: %s", cases[i].text,
              w ? w->error.err.message : "nothing");
        if (!w)
            continue;
        CHECK_STR(str_from_z(w->error.err.code), cases[i].code, "%s: %s", cases[i].text,
                  w->error.err.message);
        CHECK(w->error.offset == cases[i].offset && w->certain == cases[i].certain, "%s: %zu %s",
              cases[i].text, w->error.offset, w->error.err.message);
    }
}

/* Folding costs no more than its limits, and what is too long to keep is made anew each time. */
static void constants_are_folded(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(arena_freep) struct arena *scratch = arena_new();
    struct expr_context c = {.arena = scratch};
    const struct expr *e;
    struct expr_error error;
    struct expr_value v;
    CLEANUP(buf_done) struct buf text = {0};

    (void)state;
    CHECK(expr_compile(a, STR("ToUpper(Join(\"-\", \"a\", DateAdd(\"d\", 1, \"2024-02-28\")))"),
                       NULL, &e, &error),
          "%s", error.err.message);
    CHECK(expr_constant_value(e, &v), "folded");
    CHECK(expr_evaluate(e, &c, &v, &error), "%s", error.err.message);
    CHECK_STR(v.text, "A-2/29/2024 12:00:00 AM", "value");
    CHECK(arena_used(scratch) == 0, "nothing is left to do");
    buf_init(&text, 20000);
    expr_print(&text, e);
    CHECK_STR(buf_str(&text), "ToUpper(Join(\"-\", \"a\", DateAdd(\"d\", 1, \"2024-02-28\")))",
              "and it prints as it was written");
    buf_reset(&text);
    buf_add_z(&text, "Join(\"\"");
    for (int i = 0; i < 300; i++)
        buf_add_z(&text, ", PadLeft(\"x\", 1000000, \"0\")");
    buf_add_char(&text, ')');
    CHECK(expr_compile(a, buf_str(&text), NULL, &e, &error), "%s", error.err.message);
    CHECK(arena_used(a) < 1u << 20, "%zu bytes are kept", arena_used(a));
    CHECK(!expr_constant_value(e, &v), "too long to be kept");
}

static void searching_is_limited(void **state)
{
    static const char *const cases[][2] = {
        {"Replace([a], , \"(a|aa)+[bc]\", , \"\", , )", "Regex"},
        {"Word([a], 2, [a])", "OutOfRange"},
        {"PCase([a], [a])", "OutOfRange"},
        {"ReplaceChars([a], Join(\"\", [a], \"\"))", "InvalidArgument"},
        {"InStrRev([a], Left([a], 100000))", "OutOfRange"},
    };
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(buf_done) struct buf text = {0};

    (void)state;
    buf_init(&text, 1 << 20);
    buf_add_z(&text, "{\"a\":\"");
    for (int i = 0; i < 200000; i++)
        buf_add_char(&text, 'a');
    buf_add_z(&text, "\"}");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *got = evaluated(a, cases[i][0], buf_z(&text));

        CHECK_STR(str_sub(str_from_z(got), 0, 40), cases[i][1], "%s", cases[i][0]);
    }
}

static void attributes_share_slots(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct expr_names *names = expr_names_new(a, NULL, NULL);
    const struct expr *e;
    const struct expr *f;
    struct expr_error error;
    const struct json *slots[3];
    struct json *source;
    struct err err;
    size_t count;

    (void)state;
    CHECK(expr_compile(a, STR("Join(\"\", [x], [y], [x])"), names, &e, &error), "first");
    CHECK(expr_compile(a, STR("Append([y], [z])"), names, &f, &error), "second");
    CHECK(expr_names_count(names) == 3, "three names");
    CHECK(expr_slots(e, &count)[1] == expr_slots(f, &count)[0], "y is one slot");
    CHECK(json_parse(a, STR("{\"z\":1,\"other\":2,\"x\":3}"), NULL, &source, NULL, &err), "json");
    expr_names_bind(names, source, slots);
    CHECK(slots[0] && !slots[1] && slots[2], "x and z are there, y is not");
    for (int i = 0; i < 100; i++)
        expr_names_slot(names, arena_printf(a, "n%d", i));
    CHECK(expr_names_slot(names, STR("n99")) == 102 && expr_names_slot(names, STR("x")) == 0,
          "growing keeps the slots");
}

static void the_function_table_is_in_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < expr_function_count(); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct expr_function_info f = expr_function_info(i);
        const struct expr *e;
        struct expr_error error;

        CHECK(i == 0 || str_cmp(str_from_z(expr_function_info(i - 1).name), str_from_z(f.name)) < 0,
              "%s", f.name);
        CHECK(f.help && expr_compile(a, str_from_z(f.example), NULL, &e, &error), "%s: %s",
              f.example, error.err.message);
    }
}

static void distances(void **state)
{
    (void)state;
    CHECK(expr_name_distance(STR("Join"), STR("join"), 3) == 0, "case does not count");
    CHECK(expr_name_distance(STR("Jion"), STR("Join"), 3) == 1, "a swap is one");
    CHECK(expr_name_distance(STR("Len"), STR("Left"), 3) == 2, "replaced and added");
    CHECK(expr_name_distance(STR("a"), STR("abcdef"), 2) == 3, "too far");
    CHECK(expr_name_distance(STR(""), STR("ab"), 3) == 2, "empty");
}

TEST_GROUP(expr, cmocka_unit_test(errors_say_what_where_and_what_is_expected),
           cmocka_unit_test(places_count_characters), cmocka_unit_test(printing_is_canonical),
           cmocka_unit_test(the_tree_has_the_documented_form), cmocka_unit_test(limits_hold),
           cmocka_unit_test(values_grow_only_so_far), cmocka_unit_test(rules_beyond_the_vectors),
           cmocka_unit_test(attributes_share_slots), cmocka_unit_test(what_can_only_fail_is_found),
           cmocka_unit_test(constants_are_folded), cmocka_unit_test(searching_is_limited),
           cmocka_unit_test(the_function_table_is_in_order), cmocka_unit_test(distances));
