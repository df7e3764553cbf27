/* The tables of tests/conformance/scim: patches.json and filters.json, row by row. */
#include "frame/frame.h"
#include "scim/patch.h"

#include <stdio.h>

static const struct scim_schema *const extensions[] = {&scim_enterprise_schema};
static const struct scim_resource_type user = {.name = STR_INIT("User"),
                                               .endpoint = STR_INIT("/Users"),
                                               .core = &scim_user_schema,
                                               .extensions = extensions,
                                               .extension_count = 1};
static const struct scim_rules lenient = {0};

static struct json *read_table(struct arena *a, const char *path)
{
    CLEANUP(buf_done) struct buf text;
    FILE *f = fopen(path, "rb");
    struct json *table;
    char bytes[65536];
    size_t got;

    CHECK(f, "%s", path);
    buf_init(&text, (size_t)1 << 22);
    while ((got = fread(bytes, 1, sizeof(bytes), f)) > 0)
        buf_add(&text, (struct str){bytes, got});
    fclose(f);
    CHECK(json_parse(a, arena_str(a, buf_str(&text)), NULL, &table, NULL, NULL), "%s", path);
    return table;
}

/* The outcome of a row: the code of the error, or NULL. */
static const char *outcome(bool ok, const struct err *err)
{
    return ok ? NULL : err->code;
}

static void check_error(const struct json *row, const char *code, struct str label)
{
    struct str wanted = json_get_text(row, "error");

    CHECK_STR(wanted, code ? code : "", "%.*s", STR_ARG(label));
}

static void check_gives(const struct json *row, const struct json *out, struct str label)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();

    JSON_EACH(member, json_get(row, STR("gives")))
    {
        const struct json *mine = json_get(out, member->name);

        CHECK(member->type == JSON_NULL ? !mine : mine && json_equal(member, mine),
              "%.*s: %.*s is %.*s", STR_ARG(label), STR_ARG(member->name),
              STR_ARG(mine ? json_text(a, mine) : STR("not there")));
    }
}

static void check_patch(const struct json *table, const struct json *row)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct json *raw = json_clone(a, json_get(table, STR("user"))), *body, *doc, *out = NULL;
    struct str label = json_text(a, row);
    struct scim_patch patch;
    struct err err = {0};
    bool ok;

    JSON_EACH(member, json_get(row, STR("on")))
    json_set(a, raw, member->name, json_clone(a, member));
    CHECK(scim_resource_read(a, &user, &lenient, raw, &doc, &err), "%.*s: %s", STR_ARG(label),
          err.message);
    body = json_get(row, STR("body"));
    if (!body) {
        body = json_new(a, JSON_OBJECT);
        json_add(a, body, STR("Operations"), json_clone(a, json_get(row, STR("ops"))));
    }
    ok = scim_patch_parse(a, &user, &lenient, body, &patch, &err) &&
         scim_patch_apply(a, &patch, doc, &out, &err);
    check_error(row, outcome(ok, &err), label);
    if (!ok)
        return;
    CHECK(!json_get_bool(row, "same", false) || json_equal(doc, out), "%.*s: changes it",
          STR_ARG(label));
    check_gives(row, out, label);
}

static void patches(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct json *table = read_table(a, TESTS_DIR "/conformance/scim/patches.json");
    size_t count = 0;

    (void)state;
    JSON_EACH(row, json_get(table, STR("rows")))
    {
        check_patch(table, row);
        count++;
    }
    CHECK(count > 400, "%zu rows", count);
}

static bool is_there(struct str of, struct str name)
{
    size_t at;

    return str_find(of, name, &at);
}

static void check_filter(const struct json *table, const struct json *row)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct str text = json_get_text(row, "filter"), of = json_get_text(row, "of");
    const struct scim_matcher *m = NULL;
    const struct scim_filter *f = NULL;
    struct err err = {0};
    bool ok =
        scim_filter_parse(a, text, &f, &err) && scim_matcher_compile(a, &user, NULL, f, &m, &err);

    check_error(row, outcome(ok, &err), text);
    JSON_EACH(doc, ok ? json_get(table, STR("users")) : NULL)
    {
        if (is_there(of.len ? of : STR("ABC"), doc->name)) {
            CHECK(scim_match(a, m, doc) == is_there(json_get_text(row, "finds"), doc->name),
                  "%.*s: %.*s", STR_ARG(text), STR_ARG(doc->name));
        }
    }
}

static void filters(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct json *table = read_table(a, TESTS_DIR "/conformance/scim/filters.json");
    size_t count = 0;

    (void)state;
    JSON_EACH(row, json_get(table, STR("rows")))
    {
        check_filter(table, row);
        count++;
    }
    CHECK(count > 250, "%zu rows", count);
}

TEST_GROUP(tables, cmocka_unit_test(patches), cmocka_unit_test(filters));
