#include "run.h"

/* What a command line leads to before any command runs. */
static const struct {
    const char *line;
    int code;
    const char *out; /* a part of it; NULL: nothing is printed there */
    const char *err;
} cases[] = {
    {"", 0, "usher keeps the accounts", NULL},
    {"--help", 0, "usher keeps the accounts", NULL},
    {"-h", 0, "usher keeps the accounts", NULL},
    {"--version", 0, "usher 0.", NULL},
    {"help", 0, "usher keeps the accounts", NULL},
    {"help status", 0, "usher status [N]", NULL},
    {"status --help", 0, "usher status [N]", NULL},
    {"--help status", 0, "usher status [N]", NULL},
    {"help app", 0, "app remove", NULL},
    {"app --help", 0, "app remove", NULL},
    {"app add --help", 0, "--no-test", NULL},
    {"--json app add --help", 0, "--no-test", NULL},
    {"hlep", 2, NULL, "did you mean 'usher help'"},
    {"sttaus demo", 2, NULL, "did you mean 'usher status'"},
    {"zzzzzzzzzzzz", 2, NULL, "'usher help' lists them all"},
    {"app", 2, NULL, "'usher app' needs one of: add, list"},
    {"app lst", 2, NULL, "there is no command 'usher app lst'; there are: add, list"},
    {"help zzzzzzzzzzzz", 2, NULL, "there is no command"},
    {"--nonsense status", 2, NULL, "there is no global option --nonsense"},
    {"status --dta x", 2, NULL, "did you mean --data?"},
    {"watch x --onec", 2, NULL, "did you mean --once?"},
    {"status --wholly-unlike", 2, NULL, "'usher status' has no option --wholly-unlike"},
    {"status --data", 2, NULL, "--data needs a value: --data DIR"},
    {"status --json=yes", 2, NULL, "--json takes no value"},
    {"status a b", 2, NULL, "'b' is too much: usher status [N]"},
    {"watch", 2, NULL, "something is missing: usher watch N"},
    {"logs x --limit 0", 2, NULL, "--limit takes a number from 1 to 10000, not '0'"},
    {"logs x --status wrong", 2, NULL, "--status is success"},
    {"--json status a b", 2, NULL, "{\"code\":\"usage\",\"message\":\"'b' is too much"},
    {"nothing --json", 2, NULL, "{\"code\":\"usage\""},
};

static void lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct run r = run_line(NULL, cases[i].line);

        CHECK(r.code == cases[i].code, "'%s' gave %d: %s%s", cases[i].line, r.code, r.out, r.err);
        CHECK(cases[i].out ? run_says(r.out, cases[i].out) : !*r.out, "'%s' printed: %s",
              cases[i].line, r.out);
        CHECK(cases[i].err ? run_says(r.err, cases[i].err) : !*r.err, "'%s' reported: %s",
              cases[i].line, r.err);
        run_done(&r);
    }
}

static void options_stand_anywhere(void **state)
{
    static const char *const lines_[] = {
        "--json --data %s status",    "status --json --data %s",         "--data=%s status --json",
        "status --data=%s --json --", "--json status --data %s --quiet",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lines_); i++) {
        char line[256];
        struct run r;
        size_t at;

        /* The pattern with the directory in place of %s. */
        CHECK(str_find(str_from_z(lines_[i]), STR("%s"), &at), "%s", lines_[i]);
        snprintf(line, sizeof(line), "%.*s%s%s", (int)at, lines_[i], test_temp_dir(),
                 lines_[i] + at + 2);
        r = run_line(NULL, line);
        CHECK(r.code == 0, "%s: %s", line, r.err);
        CHECK_STR(str_trim(str_from_z(r.out)), "[]", "%s", line);
        run_done(&r);
    }
}

static void data_directory_cannot_be_made(void **state)
{
    struct run r;

    (void)state;
    r = run_line("/proc/nothing/here", "status");
    CHECK(r.code == 1, "%d", r.code);
    CHECK(run_says(r.err, "/proc/nothing/here") && run_says(r.err, "--data"), "%s", r.err);
    run_done(&r);
}

TEST_GROUP(cli, cmocka_unit_test(lines), cmocka_unit_test(options_stand_anywhere),
           cmocka_unit_test(data_directory_cannot_be_made));
