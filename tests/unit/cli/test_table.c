#include "cli/cli.h"
#include "frame/frame.h"

static const char *const headers[] = {"NAME", "WHAT"};

static const struct {
    const char *label;
    unsigned width; /* 0: not a terminal */
    struct str name, what;
    const char *want;
} cases[] = {
    {"fits", 40, STR_INIT("ada"), STR_INIT("x"), "NAME  WHAT\nada   x\n"},
    {"widest gives way", 20, STR_INIT("ada"), STR_INIT("a sentence that is too long"),
     "NAME  WHAT\nada   a sentence th…\n"},
    {"both give way", 20, STR_INIT("abcdefghijklmnop"), STR_INIT("abcdefghijklmnop"),
     "NAME       WHAT\nabcdefgh…  abcdefgh…\n"},
    {"a pipe gets all", 0, STR_INIT("ada"), STR_INIT("a sentence that is too long"),
     "NAME  WHAT\nada   a sentence that is too long\n"},
    {"wide characters", 40, STR_INIT("山田"), STR_INIT("x"), "NAME  WHAT\n山田  x\n"},
    {"combining marks", 40, STR_INIT("e\xcc\x81toile"), STR_INIT("x"),
     "NAME    WHAT\ne\xcc\x81toile  x\n"},
    {"nothing moves the cursor", 40, STR_INIT("a\033[2Jb"), STR_INIT("x\ny\xc2\x9bz"),
     "NAME    WHAT\na [2Jb  x y  z\n"},
    {"not UTF-8", 40, STR_INIT("a\xff"), STR_INIT("x"), "NAME         WHAT\n(not UTF-8)  x\n"},
    {"empty cells", 40, STR_INIT(""), STR_INIT(""), "NAME  WHAT\n\n"},
};

static void prints(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        char *text;
        size_t size;
        struct cli c = {.arena = a, .width = cases[i].width, .out_is_terminal = cases[i].width > 0};
        struct cli_table *t;

        c.out = open_memstream(&text, &size);
        t = cli_table_new(&c, headers, ARRAY_LEN(headers));
        cli_table_row(t, (struct str[]){cases[i].name, cases[i].what});
        cli_table_print(t);
        fclose(c.out);
        CHECK_STR(((struct str){text, size}), cases[i].want, "%s", cases[i].label);
        free(text);
    }
}

static const struct {
    int64_t n;
    const char *want;
} counts[] = {
    {0, "0"}, {999, "999"}, {1000, "1,000"}, {-1234567, "-1,234,567"}, {-100, "-100"},
};

static const struct {
    int64_t us;
    const char *want;
} durations[] = {
    {0, "0 ms"},
    {41999, "41 ms"},
    {1234567, "1.2 s"},
    {INT64_C(59600000), "60 s"},
    {INT64_C(180) * 1000000, "3 min"},
    {INT64_C(7200) * 1000000, "2 h"},
    {INT64_C(3) * 86400 * 1000000, "3 days"},
};

static void words(void **state)
{
    char text[64];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        cli_count_text(counts[i].n, text, sizeof(text));
        CHECK_STR(str_from_z(text), counts[i].want, "count %zu", i);
    }
    for (size_t i = 0; i < ARRAY_LEN(durations); i++) {
        cli_duration_text(durations[i].us, text, sizeof(text));
        CHECK_STR(str_from_z(text), durations[i].want, "duration %zu", i);
    }
}

TEST_GROUP(table, cmocka_unit_test(prints), cmocka_unit_test(words));
