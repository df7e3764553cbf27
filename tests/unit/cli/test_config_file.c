#include "base/file.h"
#include "cli/config_file.h"
#include "cli/options.h"
#include "run.h"

#include <string.h>

/* --- The text of a file --- */

static const struct {
    const char *label;
    const char *text;
    const char *place; /* of the error; NULL: it is read, as */
    const char *says;  /* "option=value " ..., or a part of the message */
} cases[] = {
    {"nothing", "", NULL, ""},
    {"comments only", "# settings\n---\n", NULL, ""},
    {"texts", "listen: 127.0.0.1:9000\ntls-cert: 'a b.pem'\n", NULL,
     "--listen=127.0.0.1:9000 --tls-cert=a b.pem "},
    {"a number is a text, too", "listen: 8080\n", NULL, "--listen=8080 "},
    {"every kind of setting", "json: true\nquiet: false\ndata: /d\ntimeout: 30\n", NULL,
     "--json=true --quiet=false --data=/d --timeout=30 "},
    {"JSON is YAML", "{\"role\": \"api,engine\"}", NULL, "--role=api,engine "},
    {"empty values are not set", "listen:\nrole: ~\ndata: null\n", NULL,
     "--listen= --role= --data= "},
    {"an anchor", "listen: &a x\nrole: *a\n", NULL, "--listen=x --role=x "},

    {"unknown key", "listen: x\nlistne: y\n", "f:2:1", "no setting 'listne'; did you mean listen?"},
    {"nothing is near", "xyzzyxyzzy: y\n", "f:1:1", "there is no setting 'xyzzyxyzzy'"},
    {"spelt as a flag", "--tls-key: y\n", "f:1:1", "did you mean tls-key?"},
    {"spelt as a variable", "tls_key: y\n", "f:1:1", "did you mean tls-key?"},
    {"what asks at once is no setting", "version: true\n", "f:1:1", "no setting 'version'"},
    {"a command's own option", "name: x\n", "f:1:1", "no setting 'name'"},
    {"twice", "role: api\nlisten: x\nrole: api\n", "f:3:1", "role stands here twice"},
    {"twice, once empty", "role:\nrole: api\n", "f:2:1", "role stands here twice"},
    {"a list", "role:\n  - api\n", "f:2:3", "role takes a text, not a list"},
    {"a mapping", "listen: {port: 1}\n", "f:1:9", "listen takes a text, not a mapping"},
    {"a flag with a list", "json: []\n", "f:1:7", "json takes true or false, not a list"},
    {"a flag with a text", "json: maybe\n", "f:1:7", "json takes true or false, not 'maybe'"},
    {"a number with a text", "timeout: soon\n", "f:1:10",
     "timeout takes a number from 1 to 3600, not 'soon'"},
    {"a number out of range", "timeout: 0\n", "f:1:10", "not '0'"},
    {"a NUL", "listen: \"a\\0b\"\n", "f:1:9", "listen holds a NUL"},
    {"a list at the top", "- listen\n", "f:1:1", "a configuration file has lines such as"},
    {"a word", "listen\n", "f:1:1", "a configuration file has lines such as"},
    {"a key that is a list", "[a]: b\n", "f:1:1", "a key is the name of a setting"},
    {"two documents", "listen: x\n---\nrole: api\n", "f:2:1", "is one YAML document"},
    {"unclosed quote", "listen: 'x\n", "f:2:1", "this is no YAML"},
    {"bad indentation", "listen: x\n  role: y\n", "f:2:7", "this is no YAML"},
    {"a tab", "listen:\n\t- x\n", "f:2:1", "this is no YAML"},
    {"unknown alias", "listen: *a\n", "f:1:9", "this is no YAML"},
    {"not UTF-8", "listen: x\nrole: \xff\n", "f:2:7", "this is no YAML"},
    {"a control character", "listen: x\nrole: a\x01\n", "f:2:8", "this is no YAML"},
};

static void parses(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct cli_file file = {0};
        struct err err = {.kind = ERR_NONE};
        bool ok = cli_file_parse(a, "f", str_from_z(cases[i].text), &file, &err);
        struct str got = STR("");

        CHECK(ok == !cases[i].place, "%s: %s", cases[i].label, err.message);
        if (!ok) {
            CHECK_STR(str_from_z(err.code), "usage", "%s", cases[i].label);
            CHECK_STR(str_from_z(err.place), cases[i].place, "%s: %s", cases[i].label, err.message);
            CHECK(run_says(err.message, cases[i].says), "%s: %s", cases[i].label, err.message);
            continue;
        }
        for (size_t k = 0; k < file.count; k++) {
            const struct cli_given *g = &file.settings[k];

            got = arena_printf(a, "%.*s%s=%s ", STR_ARG(got), g->name, g->value ? g->value : "");
        }
        CHECK_STR(got, cases[i].says, "%s", cases[i].label);
    }
}

/* --- Flag, environment, file --- */

static void write_text(const char *path, const char *text)
{
    struct err err = {.kind = ERR_NONE};

    CHECK(file_write(path, str_from_z(text), 0600, &err), "%s", err.message);
}

static void comes_last(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *dir = arena_z(a, str_from_z(test_temp_dir()));
    const char *path = arena_printf(a, "%s/my.yaml", dir).ptr;
    struct cli_given given = {"--listen", "flag"};
    struct cli_file file = {0};
    struct cli_args args = {.file = &file};
    struct err err = {.kind = ERR_NONE};

    (void)state;
    CHECK(cli_file_parse(a, path, STR("listen: file\nrole:\n"), &file, &err), "%s", err.message);
    CHECK_STR(str_from_z(cli_setting(&args, "--listen")), "file", "the file alone");
    CHECK(!cli_setting(&args, "--role"), "an empty key");
    CHECK(!cli_setting(&args, "--tls-key"), "not in the file");
    setenv("USHER_LISTEN", "environment", 1);
    CHECK_STR(str_from_z(cli_setting(&args, "--listen")), "environment", "before the file");
    args.given = &given;
    args.given_count = 1;
    CHECK_STR(str_from_z(cli_setting(&args, "--listen")), "flag", "before all");
    setenv("USHER_LISTEN", "", 1);
    args.given_count = 0;
    CHECK_STR(str_from_z(cli_setting(&args, "--listen")), "file", "an empty variable");
    unsetenv("USHER_LISTEN");
}

/* --- Which file --- */

/* What `status` prints says which file was read: one sets json, the other nothing. */
static void finds_the_file(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *dir = arena_z(a, str_from_z(test_temp_dir()));
    const char *named = arena_printf(a, "%s/named.yaml", dir).ptr;
    const char *own = arena_printf(a, "%s/usher.yaml", dir).ptr;
    const char *line = arena_printf(a, "--config %s status", named).ptr;
    struct run r;

    (void)state;
    r = run_line(dir, "user add ada@example.com");
    CHECK(r.code == 0, "%s", r.err);
    run_done(&r);
    write_text(own, "json: true\n");
    r = run_line(dir, "status");
    CHECK_STR(str_trim(str_from_z(r.out)), "[]", "usher.yaml of the data directory: %s", r.err);
    run_done(&r);
    setenv("USHER_JSON", "0", 1);
    r = run_line(dir, "status");
    CHECK(!run_says(r.out, "[]"), "the environment says no: %s", r.out);
    run_done(&r);
    unsetenv("USHER_JSON");

    write_text(named, "quiet: false\n");
    r = run_line(dir, line);
    CHECK(r.code == 0 && !run_says(r.out, "[]"), "--config comes first: %s%s", r.out, r.err);
    run_done(&r);
    write_text(named, "jsn: true\n");
    r = run_line(dir, line);
    CHECK(r.code == 2, "%d", r.code);
    CHECK_STR(
        str_from_z(r.err),
        arena_printf(a, "usher: %s:1:1: there is no setting 'jsn'; did you mean json?\n", named)
            .ptr,
        "an error has its place");
    run_done(&r);
    setenv("USHER_CONFIG", named, 1);
    r = run_line(dir, "status");
    CHECK(r.code == 2, "USHER_CONFIG names it: %s", r.err);
    run_done(&r);
    unsetenv("USHER_CONFIG");

    r = run_line(dir, "--config /nonexistent/usher.yaml status");
    CHECK(r.code == 1 && run_says(r.err, "configuration file: cannot"), "%s", r.err);
    run_done(&r);
    write_text(own, "data: /elsewhere\n");
    r = run_line(dir, "status");
    CHECK(r.code == 2 && run_says(r.err, "'data' cannot name another there"), "%s", r.err);
    run_done(&r);
}

/* The file of last resort, and a data directory that it names. */
static void system_file(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *dir = arena_z(a, str_from_z(test_temp_dir()));
    const char *data = arena_printf(a, "%s/data", dir).ptr;
    const char *path = arena_printf(a, "%s/system.yaml", dir).ptr;
    struct cli c = {.arena = a, .system_config = path, .data_dir = data};
    struct err err = {.kind = ERR_NONE};

    (void)state;
    CHECK(cli_file_load(&c, &err) && !c.file, "none is there");
    write_text(path, arena_printf(a, "data: %s\n", data).ptr);
    CHECK(cli_file_load(&c, &err) && c.file, "%s", err.message);
    CHECK_STR(str_from_z(cli_file_value(c.file, "--data")), data, "its data directory");
    c.file = NULL;
    CHECK(dir_make(data, 0700, &err), "%s", err.message);
    write_text(arena_printf(a, "%s/usher.yaml", data).ptr, "json: true\n");
    CHECK(cli_file_load(&c, &err), "%s", err.message);
    CHECK(!cli_file_value(c.file, "--data") && cli_file_value(c.file, "--json"),
          "the data directory's own comes before it");
}

TEST_GROUP(config_file, cmocka_unit_test(parses), cmocka_unit_test(comes_last),
           cmocka_unit_test(finds_the_file), cmocka_unit_test(system_file));
