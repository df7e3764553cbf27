/* usher filter test, and the manual page of expressions. */
#include "base/file.h"
#include "run.h"

#define SCOPE                                                                                     \
    "{\"groups\":[{\"name\":\"G\",\"clauses\":[{\"sourceOperandName\":\"city\",\"operatorName\":" \
    "\"EQUALS\",\"targetOperand\":{\"values\":[\"Berlin\"]}},{\"sourceOperandName\":"             \
    "\"manager.city\",\"operatorName\":\"IS NULL\"}]}]}"

static const char *filter_file(const char *text)
{
    static char path[400];
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/filter.json", test_temp_dir());
    f = fopen(path, "w");
    CHECK(f && fputs(text, f) >= 0 && fclose(f) == 0, "%s", path);
    return path;
}

static void check(const char *line, int code, const char *out, const char *err)
{
    struct run r = run_line(NULL, line);

    CHECK(r.code == code, "%s: exit %d: %s%s", line, r.code, r.out, r.err);
    CHECK(strstr(r.out, out), "%s: %s", line, r.out);
    CHECK(strstr(r.err, err), "%s: %s", line, r.err);
    run_done(&r);
}

static void scoping_filters_are_judged_clause_by_clause(void **state)
{
    const char *path = filter_file(SCOPE);
    char line[900];

    (void)state;
    (void)snprintf(line, sizeof(line), "filter test %s --attributes {\"city\":\"Berlin\"}", path);
    check(line, 0, "in scope", "");
    (void)snprintf(line, sizeof(line), "filter test %s --attributes {\"city\":\"Bonn\"}", path);
    check(line, 0, "out of scope: does not hold: G: city EQUALS 'Berlin'", "");
    check(line, 0, "no   city EQUALS 'Berlin'   (\"Bonn\")", "");
    check(line, 0, "yes  manager.city IS NULL   (no value)", "");
    (void)snprintf(
        line, sizeof(line),
        "filter test %s --attributes {\"city\":\"Berlin\"} --manager {\"city\":\"x\"} --json",
        path);
    check(line, 0, "\"inScope\": false", "");
}

static void what_is_wrong_is_said(void **state)
{
    char line[900];

    (void)state;
    (void)snprintf(line, sizeof(line), "filter test %s",
                   filter_file("{\"groups\":[{\"clauses\":[{\"sourceOperandName\":\"citi\","
                               "\"operatorName\":\"EQUALS\",\"targetOperand\":{\"values\":[\"x\"]}}"
                               "]}]}"));
    check(line, 1, "", "usher: the source has no attribute 'citi'");
    check("filter test", 2, "", "--scim FILTER");
    check("filter test /nowhere/at/all.json", 1, "", "/nowhere/at/all.json");
}

static void scim_filters_are_tried(void **state)
{
    (void)state;
    /* The words of a line are split at blanks; a filter may have tabs. */
    check("filter test --scim userName\tsw\t\"AD\" --resource {\"userName\":\"ada\"}", 0, "matches",
          "");
    check("filter test --scim userName\teq\t\"x\" --resource {\"userName\":\"ada\"}", 0,
          "does not match: userName eq \"x\"", "");
    check("filter test --scim id\teq\t\"7\" --resource {\"id\":\"7\"} --json", 0,
          "\"matches\": true", "");
    check("filter test --scim active\tgt\ttrue --resource {}", 1, "", "operator");
    check("filter test --scim userName\teq", 1, "", "character");
    check("filter test --scim a\tpr --type pet", 2, "", "user or group");
}

static void the_manual_of_expressions_is_up_to_date(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct err err = {.kind = ERR_NONE};
    struct str kept;
    struct run r;

    (void)state;
    r = run_line(NULL, "expression functions --manual");
    CHECK(r.code == 0, "%s", r.err);
    CHECK(file_read(a, SOURCE_DIR "/docs/manual/expressions.md", 1024 * 1024, &kept, &err), "%s",
          err.message);
    CHECK(str_eq_z(kept, r.out), "docs/manual/expressions.md is old: build/usher expression "
                                 "functions --manual > docs/manual/expressions.md");
    run_done(&r);
}

TEST_GROUP(filter, cmocka_unit_test(scoping_filters_are_judged_clause_by_clause),
           cmocka_unit_test(what_is_wrong_is_said), cmocka_unit_test(scim_filters_are_tried),
           cmocka_unit_test(the_manual_of_expressions_is_up_to_date));
