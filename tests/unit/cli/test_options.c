#include "cli/options.h"
#include "frame/frame.h"

static const struct cli_option table[] = {
    {"--map", "C=A", "x"},
    {"--dry-run", NULL, "x"},
};
static const struct cli_command command = {
    .name = "import", .usage = "FILE", .options = table, .option_count = ARRAY_LEN(table)};

static const struct {
    const char *label;
    const char *argv[8];
    const char *words; /* separated by blanks */
    const char *maps;
    bool dry;
} cases[] = {
    {"nothing", {NULL}, "", "", false},
    {"options first", {"--map", "a=b", "f"}, "f", "a=b ", false},
    {"options last", {"f", "--map=a=b", "--dry-run"}, "f ", "a=b ", true},
    {"repeated", {"--map", "a=b", "f", "--map", "c=d"}, "f ", "a=b c=d ", false},
    {"end of options", {"--", "--map", "-"}, "--map - ", "", false},
    {"a dash is a word", {"-", "--dry-run"}, "- ", "", true},
    {"a value may look like an option", {"--map", "--dry-run"}, "", "--dry-run ", false},
    {"empty value", {"--map=", "f"}, "f ", " ", false},
};

static void parses(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct cli c = {.arena = a};
        struct err err = {.kind = ERR_NONE};
        struct cli_args args;
        struct buf words;
        struct buf maps;
        char *argv[8];
        int argc = 0;
        bool help;

        for (; argc < 8 && cases[i].argv[argc]; argc++)
            argv[argc] = arena_z(a, str_from_z(cases[i].argv[argc]));
        CHECK(cli_args_parse(&c, &command, argc, argv, &args, &help, &err), "%s: %s",
              cases[i].label, err.message);
        buf_init(&words, 1000);
        buf_init(&maps, 1000);
        for (int k = 0; k < cli_arg_count(&args); k++)
            buf_addf(&words, "%s ", cli_arg(&args, k));
        for (size_t k = 0; cli_value_at(&args, "--map", k); k++)
            buf_addf(&maps, "%s ", cli_value_at(&args, "--map", k));
        CHECK_STR(str_trim(buf_str(&words)), arena_z(a, str_trim(str_from_z(cases[i].words))), "%s",
                  cases[i].label);
        CHECK_STR(buf_str(&maps), cases[i].maps, "%s", cases[i].label);
        CHECK(cli_flag(&args, "--dry-run") == cases[i].dry, "%s", cases[i].label);
        CHECK(*cli_arg(&args, 7) == '\0', "%s", cases[i].label);
        buf_done(&words);
        buf_done(&maps);
    }
}

static void last_value_counts(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    char *argv[] = {arena_z(a, STR("--map=1")), arena_z(a, STR("--map=22"))};
    struct cli c = {.arena = a};
    struct err err = {.kind = ERR_NONE};
    struct cli_args args;
    int64_t n = 0;
    bool help;

    (void)state;
    CHECK(cli_args_parse(&c, &command, 2, argv, &args, &help, &err), "%s", err.message);
    CHECK_STR(str_from_z(cli_value(&args, "--map")), "22", "last");
    CHECK(cli_value_int(&args, "--map", 0, 22, &n, &err) && n == 22, "in range");
    CHECK(!cli_value_int(&args, "--map", 0, 21, &n, &err) && n == 22, "out of range");
}

TEST_GROUP(options, cmocka_unit_test(parses), cmocka_unit_test(last_value_counts));
