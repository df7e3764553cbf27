#include "base/file.h"
#include "cli/csv.h"
#include "journal/journal.h"
#include "run.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void csv_fields(void **state)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"", "\"\""},
        {"Ada", "\"Ada\""},
        {"a,b", "\"a,b\""},
        {"say \"hi\"", "\"say \"\"hi\"\"\""},
        {"two\nlines", "\"two\nlines\""},
        {"=HYPERLINK(\"x\")", "\"'=HYPERLINK(\"\"x\"\")\""},
        {"+49 30 1", "\"'+49 30 1\""},
        {"-1", "\"'-1\""},
        {"@SUM(A1)", "\"'@SUM(A1)\""},
        {"\tx", "\"'\tx\""},
        {"a=b", "\"a=b\""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buf_done) struct buf out;

        buf_init(&out, 100);
        cli_csv_field(&out, str_from_z(cases[i].in));
        CHECK_STR(buf_str(&out), cases[i].out, "%s", cases[i].in);
    }
}

/* A log with hostile names, as the program itself finds it. */
static void fill(const char *dir)
{
    static const char *const names[] = {"Ada", "=cmd|' /C calc'!A0", "two\nlines, \"quoted\""};
    struct packer *packer = journal_packer_new();
    struct arena *a = arena_new();
    struct db_config config = {.url = arena_printf(a, "sqlite:%s/usher.db", dir).ptr};
    struct db *db;
    struct err err;

    CHECK(db_open(&config, &db, &err), "%s", err.message);
    for (int64_t no = 1; no <= 3; no++) {
        struct json *details = json_new(a, JSON_OBJECT);
        struct journal_step step = {STEP_IMPORT, "EntryImportAdd", STATUS_SUCCESS, STR("read"),
                                    details};
        struct journal_property property = {STR("displayName"), NULL,
                                            json_string(a, str_from_z(names[no - 1]))};
        struct journal_record r = {
            .job_no = 1,
            .no = no,
            .at_us = no * US_PER_SECOND,
            .source_id = arena_printf(a, "id-%d", (int)no),
            .source_name = str_from_z(names[no - 1]),
            .initiated_by = STR("system"),
            .steps = &step,
            .step_count = 1,
            .properties = &property,
            .property_count = 1,
        };

        json_add_z(a, details, "name", names[no - 1]);
        CHECK(journal_begin(db, 1, no, STR("c1"), &err) && journal_insert(db, packer, &r, &err) &&
                  journal_flush(db, packer, &err),
              "%s", err.message);
    }
    db_close(db);
    arena_free(a);
    journal_packer_free(packer);
}

/* Another's file may have stood there before. */
static void expect_private(const char *dir, const char *name)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct stat st;

    CHECK(stat(arena_printf(a, "%s/%s", dir, name).ptr, &st) == 0 && (st.st_mode & 0777) == 0600,
          "%s", name);
}

static void expect_file(const char *dir, const char *name, const char *part)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    FILE *f = fopen(arena_printf(a, "%s/%s", dir, name).ptr, "r");
    char text[8192];
    size_t len;

    CHECK(f, "%s", name);
    len = fread(text, 1, sizeof(text) - 1, f);
    text[len] = '\0';
    fclose(f);
    CHECK(run_says(text, part), "%s: %s", name, text);
    CHECK(unlink(arena_printf(a, "%s/%s", dir, name).ptr) == 0, "%s", name);
}

static void exports(void **state)
{
    char dir[] = "/tmp/usher-logs-XXXXXX";
    char line[256];
    struct run r;

    (void)state;
    CHECK(mkdtemp(dir), "a directory");
    r = run_line(dir, "app add scim --name Plant --url http://127.0.0.1:9/ --token t --no-test");
    CHECK(r.code == 0, "%s", r.err);
    run_done(&r);
    fill(dir);
    snprintf(line, sizeof(line), "umask 022; : >%s/P.csv; : >%s/audit", dir, dir);
    CHECK(system(line) == 0, "%s", line); /* NOLINT(concurrency-mt-unsafe) */
    snprintf(line, sizeof(line), "audit export %s/audit", dir);
    r = run_line(dir, line);
    CHECK(r.code == 0 && run_says(r.out, "2 records"), "%s%s", r.out, r.err);
    run_done(&r);
    expect_private(dir, "audit");
    snprintf(line, sizeof(line), "logs Plant --export %s/P.csv", dir);
    r = run_line(dir, line);
    CHECK(r.code == 0 && run_says(r.out, "3 records"), "%s%s", r.out, r.err);
    run_done(&r);
    expect_private(dir, "P.csv");
    expect_private(dir, "P_ProvisioningSteps.csv");
    expect_file(dir, "P.csv", "\"'=cmd|' /C calc'!A0\"");
    expect_file(dir, "P_ProvisioningSteps.csv",
                "\"00000001-0000-4000-8000-000000000001\",1,\"EntryImportAdd\",\"import\"");
    expect_file(dir, "P_ModifiedProperties.csv", "\"two\nlines, \"\"quoted\"\"\"\r\n");
    snprintf(line, sizeof(line), "logs Plant --who ada --export %s/p.jsonl", dir);
    r = run_line(dir, line);
    CHECK(r.code == 0 && run_says(r.out, "1 records"), "%s%s", r.out, r.err);
    run_done(&r);
    expect_file(dir, "p.jsonl", "\"displayName\":\"Ada\"");
    r = run_line(dir, "logs show 00000001-0000-4000-8000-000000000003");
    CHECK(r.code == 0 && run_says(r.out, "#3") && run_says(r.out, "two lines, \"quoted\""), "%s%s",
          r.out, r.err);
    run_done(&r);
    r = run_line(dir, "logs show Plant 9");
    CHECK(r.code == 1 && run_says(r.err, "no record '9'"), "%s", r.err);
    run_done(&r);
    r = run_line(dir, "logs Plant --since yesterday");
    CHECK(r.code == 2, "%s", r.err);
    run_done(&r);
    r = run_line(dir, "audit verify");
    CHECK(r.code == 0 && run_says(r.out, "intact: 2 records"), "%s%s", r.out, r.err);
    run_done(&r);
    snprintf(line, sizeof(line), "rm -r %s", dir);
    CHECK(system(line) == 0, "%s", line); /* NOLINT(concurrency-mt-unsafe) */
}

TEST_GROUP(logs, cmocka_unit_test(csv_fields), cmocka_unit_test(exports))
