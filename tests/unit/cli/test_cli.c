#include "run.h"

#include <sys/stat.h>
#include <unistd.h>

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
    {"app", 2, NULL, "'usher app' needs one of: add, set"},
    {"app lst", 2, NULL, "there is no command 'usher app lst'; there are: add, set"},
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
    {"app set a guard.count=5", 2, NULL, "a setting is changed with --setting guard.count=5"},
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

    char dir[128];
    char line[256];
    struct run r;

    (void)state;
    snprintf(dir, sizeof(dir), "%s", test_temp_dir());
    r = run_line(dir, "user add ada@example.com");
    CHECK(r.code == 0, "%s", r.err);
    run_done(&r);
    for (size_t i = 0; i < ARRAY_LEN(lines_); i++) {
        size_t at;

        /* The pattern with the directory in place of %s. */
        CHECK(str_find(str_from_z(lines_[i]), STR("%s"), &at), "%s", lines_[i]);
        snprintf(line, sizeof(line), "%.*s%s%s", (int)at, lines_[i], dir, lines_[i] + at + 2);
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
    r = run_line("/proc/nothing/here", "user add ada@example.com");
    CHECK(r.code == 1, "%d", r.code);
    CHECK(run_says(r.err, "/proc/nothing/here") && run_says(r.err, "--data"), "%s", r.err);
    run_done(&r);
}

/* Reading commands, and those that need something to work on, make neither directory nor database:
 * a typing error in --data is told. */
static void only_beginnings_make_data(void **state)
{
    static const struct {
        const char *line;
        bool makes;
    } commands[] = {
        {"status", false},
        {"--json status", false},
        {"user list", false},
        {"plan demo", false},
        {"app set demo --scope all", false},
        {"assignment add demo ada@example.com", false},
        {"audit verify", false},
        {"prune --dry-run", false},
        {"user add ada@example.com", true},
        {"group add Crew", true},
        {"tenant add generic crew", true},
        {"app add scim --name P --url http://127.0.0.1:1 --token t --no-test", true},
    };
    struct run r;
    struct stat st;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        char dir[256];
        char db[300];

        snprintf(dir, sizeof(dir), "%s/new-%zu", test_temp_dir(), i);
        snprintf(db, sizeof(db), "%s/usher.db", dir);
        r = run_line(dir, commands[i].line);
        CHECK(r.code == (commands[i].makes ? 0 : 1), "%s: %d %s", commands[i].line, r.code, r.err);
        CHECK((stat(dir, &st) == 0) == commands[i].makes, "%s", commands[i].line);
        CHECK(commands[i].makes || (run_says(r.err, dir) && run_says(r.err, " import' makes one")),
              "%s: %s", commands[i].line, r.err);
        run_done(&r);
        if (commands[i].makes)
            continue;
        /* The directory is there, and empty. */
        CHECK(mkdir(dir, 0700) == 0, "%s", dir);
        r = run_line(dir, commands[i].line);
        CHECK(r.code == 1, "%s: %d", commands[i].line, r.code);
        CHECK(run_says(r.err, "usher.db") && run_says(r.err, "--data"), "%s", r.err);
        CHECK(stat(db, &st) != 0, "%s made %s", commands[i].line, db);
        run_done(&r);
    }
}

/* On a terminal of 80 columns nothing of the list, or of a long usage, is folded. */
static void help_fits(void **state)
{
    static const char *const lines_[] = {"help", "help discover", "help tenant", "help user list"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lines_); i++) {
        struct run r = run_line(NULL, lines_[i]);
        struct str rest = str_from_z(r.out);
        bool more = rest.len > 0;

        CHECK(more, "%s", lines_[i]);
        while (more) {
            struct str line;

            more = str_cut(&rest, '\n', &line);
            CHECK(line.len <= 80, "%s: %.*s", lines_[i], STR_ARG(line));
        }
        run_done(&r);
    }
}

static void what_is_written(void **state)
{
    char dir[128];
    struct run r;

    (void)state;
    snprintf(dir, sizeof(dir), "%s", test_temp_dir());
    r = run_line(dir,
                 "app add scim --name P --url http://127.0.0.1:1 --token t --no-test --no-groups");
    CHECK(r.code == 0, "%s", r.err);
    run_done(&r);
    r = run_line(dir, "audit export -");
    CHECK(r.code == 0 && run_says(r.out, "\"P\"") && access("-", F_OK) != 0,
          "'-' is standard output: %s%s", r.err, r.out);
    run_done(&r);
    r = run_line(dir, "config export P");
    CHECK(r.code == 0 && run_says(r.out, "\"enabled\": false"), "%s%s", r.err, r.out);
    run_done(&r);
}

TEST_GROUP(cli, cmocka_unit_test(lines), cmocka_unit_test(options_stand_anywhere),
           cmocka_unit_test(data_directory_cannot_be_made),
           cmocka_unit_test(only_beginnings_make_data), cmocka_unit_test(what_is_written),
           cmocka_unit_test(help_fits));
