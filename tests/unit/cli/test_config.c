/* `usher config ...` as it is typed: exported, tried, imported, refused, rolled back. */
#include "base/file.h"
#include "run.h"

static const char *dir;

static struct run line(const char *format, ...) PRINTF_LIKE(1, 2);

static struct run line(const char *format, ...)
{
    char text[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return run_line(dir, text);
}

/* Runs a line that must end with the code and say something, on whichever stream. */
static void expect(int code, const char *says, const char *text)
{
    struct run r = line("%s", text);

    CHECK(r.code == code, "%s: exit code %d: %s%s", text, r.code, r.out, r.err);
    CHECK(run_says(r.out, says) || run_says(r.err, says), "'%s' says '%s', not:\n%s%s", text, says,
          r.out, r.err);
    run_done(&r);
}

static void write_file(const char *name, struct str text)
{
    char path[512];
    struct err err = {.kind = ERR_NONE};

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    CHECK(file_write(path, text, 0644, &err), "%s", err.message);
}

static const char *path(const char *name)
{
    static char text[512];

    snprintf(text, sizeof(text), "%s/%s", dir, name);
    return text;
}

/* The exported schema with `from` replaced, as draft.json. */
static void draft(const char *from, const char *to)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct err err = {.kind = ERR_NONE};
    struct str text;
    size_t at;

    CHECK(file_read(a, path("schema.json"), 1 << 24, &text, &err), "%s", err.message);
    CHECK(str_find(text, str_from_z(from), &at), "'%s' is in the schema", from);
    write_file("draft.json", arena_printf(a, "%.*s%s%.*s", (int)at, text.ptr, to,
                                          STR_ARG(str_from(text, at + strlen(from)))));
}

static void start(void)
{
    struct run r;

    dir = test_temp_dir();
    r = line("app add joynfsm --name App --url http://127.0.0.1:9/scim --token t --no-test "
             "--scope all");
    CHECK(r.code == 0, "%s", r.err);
    run_done(&r);
    r = line("user add ada@example.com displayName=Ada department=Sales city=Berlin "
             "mail=ada@example.com");
    CHECK(r.code == 0, "%s", r.err);
    run_done(&r);
    r = line("config export App %s", path("schema.json"));
    CHECK(r.code == 0, "%s", r.err);
    run_done(&r);
}

static void versions(void **state)
{
    char text[1024];

    (void)state;
    start();
    snprintf(text, sizeof(text), "config import App %s", path("schema.json"));
    expect(0, "no difference: 'App' stays at version 1", text);

    draft("\"Provision users to Joyn FSM\"", "\"People\"");
    snprintf(text, sizeof(text), "config import App %s --dry-run", path("draft.json"));
    expect(0, "name is now 'People', was 'Provision users to Joyn FSM'", text);
    expect(0, "nothing was saved", text);
    snprintf(text, sizeof(text), "config import App %s --comment reason --author me",
             path("draft.json"));
    expect(0, "saved as version 2", text);
    expect(0, "reason", "config history App");
    expect(0, "\"author\": \"me\"", "config history App --json");
    expect(0, "was 'Provision users", "config history App --details");
    expect(0, "name is now 'People'", "config diff App");
    expect(0, "name is now 'People'", "config diff App 1");
    expect(0, "say the same", "config diff App 2 2");
    snprintf(text, sizeof(text), "config diff App %s", path("schema.json"));
    expect(0, "name is now 'Provision users to Joyn FSM', was 'People'", text);
    expect(0, "saved as version 3", "config rollback App");
    expect(0, "say the same", "config diff App 1 3");
    expect(0, "\"Provision users to Joyn FSM\"", "config export App");
    expect(0, "\"People\"", "config export App --version 2");
    expect(1, "no schema version 9", "config rollback App 9");
    expect(2, "is no version", "config rollback App soon");
    expect(1, "no application", "config history Ap");
}

static void refusals(void **state)
{
    char text[1024];

    (void)state;
    start();
    draft("\"flowType\": \"Always\"", "\"flowType\": \"Never\"");
    snprintf(text, sizeof(text), "config import App %s", path("draft.json"));
    expect(1, "'Never' is not a flowType", text);
    expect(1, "\n    at /synchronizationRules/0/objectMappings/", text);
    expect(1, "refused with 1 finding; nothing was changed", text);
    snprintf(text, sizeof(text), "config import App %s --json", path("draft.json"));
    expect(1, "\"findings\":[{\"pointer\":\"/synchronizationRules/0/", text);
    snprintf(text, sizeof(text), "config try App %s", path("draft.json"));
    expect(1, "refused with 1 finding", text);
    write_file("draft.json", STR("{\n  \"synchronizationRules\": [,\n"));
    snprintf(text, sizeof(text), "config import App %s", path("draft.json"));
    expect(1, "draft.json:2:28: ", text);
    write_file("draft.json", STR("{\"users\": []}"));
    expect(1, "this is no synchronization schema", text);
    expect(1, "No such file", "config import App /nonexistent/file.json");
    expect(1, "there is one version only", "config diff App");
}

static void tries(void **state)
{
    char text[1024];

    (void)state;
    start();
    snprintf(text, sizeof(text), "config try App %s", path("schema.json"));
    expect(0, "1 people and 0 groups looked at, 0 concerned; nothing was sent", text);
    draft(
        "\"scope\": null",
        "\"scope\": {\"groups\": [{\"name\": \"EU\", \"clauses\": [{\"sourceOperandName\": "
        "\"city\", \"operatorName\": \"EQUALS\", \"targetOperand\": {\"values\": [\"Paris\"]}}]}]}");
    snprintf(text, sizeof(text), "config try App %s", path("draft.json"));
    expect(0, "1 person leaves scope", text);
    expect(0, "create or match 0 (now 1)", text);
    snprintf(text, sizeof(text), "config try App %s --json", path("draft.json"));
    expect(0, "\"kind\": \"leavesScope\"", text);
}

static void edits(void **state)
{
    (void)state;
    start();
    expect(0, "source is now [mail], was [userPrincipalName]",
           "config map App userName --attribute mail");
    expect(0, "new mapping 'title' from Trim([jobTitle])",
           "config map App title --expression Trim([jobTitle]) --only-create");
    expect(0, "flow type is now Always, was ObjectAddOnly", "config map App title --always");
    expect(0, "default value is now 'x', was none", "config map App title --default x");
    expect(0, "source is now \"Boss\"", "config map App title --constant Boss");
    expect(0, "mapping 'title' from \"Boss\" removed", "config unmap App title");
    expect(1, "nothing is mapped to 'title'", "config unmap App title");
    expect(1, "the nearest is 'jobTitle'", "config map App title --attribute jobTitel");
    expect(1, "cannot be mapped", "config map App id --attribute objectId");
    expect(2, "give one of", "config map App title --attribute a --constant b");
    expect(2, "'nickName' is not mapped yet", "config map App nickName --always");
    expect(0, "nobody is excluded", "config filter App");
    expect(2, "is no clause", "config filter App city");
    expect(0, "no difference", "config filter App --clear");
    expect(1, "no filter named 'x'", "config filter App --remove x");
    expect(2, "one of them", "config filter App --remove x --clear");
    expect(0, "\"version\": 7", "config history App --json --limit 1 --details");
}

static void golden(void **state)
{
    (void)state;
    start();
    expect(0, "0 passed, 0 failed", "config test App");
    expect(0, "new golden case 'Ada'", "config golden App ada@example.com");
    expect(0, "1 passed, 0 failed", "config test App");
    expect(1, "expected \"Ada\", got \"ADA\"",
           "config map App displayName --expression ToUpper([displayName])");
    expect(1, "goldenCaseFailed",
           "config map App displayName --expression ToUpper([displayName]) --json");
    expect(0, "1 of 1 golden cases fail",
           "config map App displayName --expression ToUpper([displayName]) --force");
    expect(1, "0 passed, 1 failed", "config test App");
    expect(0, "golden case 'Ada': expected values: displayName is now 'ADA', was 'Ada'",
           "config golden App ada@example.com");
    expect(0, "golden case 'Ada' removed", "config golden App --remove Ada");
    expect(1, "no golden case named 'Ada'", "config golden App --remove Ada");
    expect(2, "give WHO", "config golden App");
}

TEST_GROUP(config, cmocka_unit_test(versions), cmocka_unit_test(refusals), cmocka_unit_test(tries),
           cmocka_unit_test(edits), cmocka_unit_test(golden));
