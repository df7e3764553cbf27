/* Runs tests/conformance/filters/clauses.json: every operator on every type in `groups` and in
 * `inputFilterGroups`, and filters that are refused. */
#include "base/file.h"
#include "frame/frame.h"
#include "mapping/program.h"

static struct json *load(struct arena *a)
{
    struct err err = {0};
    struct str text;
    struct json *all;

    CHECK(file_read(a, TESTS_DIR "/conformance/filters/clauses.json", 1 << 20, &text, &err) &&
              json_parse(a, text, NULL, &all, NULL, &err),
          "%s", err.message);
    return all;
}

static struct json *scope_of(struct arena *a, const char *set, struct json *clause)
{
    struct json *scope = json_new(a, JSON_OBJECT);
    struct json *groups = json_new(a, JSON_ARRAY);
    struct json *group = json_new(a, JSON_OBJECT);
    struct json *clauses = json_new(a, JSON_ARRAY);

    json_append(clauses, clause);
    json_add_z(a, group, "name", "the group");
    json_add(a, group, STR("clauses"), clauses);
    json_append(groups, group);
    json_add(a, scope, str_from_z(set), groups);
    return scope;
}

static struct json *clause_of(struct arena *a, const struct json *c)
{
    struct json *clause = json_new(a, JSON_OBJECT);
    struct json *operand = json_new(a, JSON_OBJECT);

    json_add_str(a, clause, "sourceOperandName", json_get_text(c, "attribute"));
    json_add_str(a, clause, "operatorName", json_get_text(c, "operator"));
    json_add(a, operand, STR("values"), json_clone(a, json_get(c, STR("values"))));
    json_add(a, clause, STR("targetOperand"), operand);
    return clause;
}

static struct str named(void *ctx, struct str name)
{
    const struct json *id = json_get(ctx, name);

    return json_is(id, JSON_STRING) ? id->text : (struct str){0};
}

/* The type Integer is not among the built-in attributes: the case compiles in a schema of its own.
 */
static const struct mapping_object *compile(struct arena *a, const char *set, const struct json *c)
{
    struct json *scope = scope_of(a, set, clause_of(a, c));
    const struct mapping_object *m = NULL;
    struct mapping_finding *findings = NULL;
    const struct mapping_program *program;
    struct err err = {0};
    struct json *schema;
    struct json *object;

    CHECK(
        json_parse(
            a,
            STR("{\"synchronizationRules\":[{\"sourceDirectoryName\":\"S\",\"targetDirectoryName\":\"T\",\"objectMappings\":[{"
                "\"sourceObjectName\":\"User\",\"targetObjectName\":\"U\",\"attributeMappings\":"
                "[{\"targetAttributeName\":\"userName\",\"matchingPriority\":1,\"source\":{"
                "\"name\":\"userPrincipalName\"}}]}]}],\"directories\":[{\"name\":\"S\","
                "\"objects\":[{\"name\":\"User\",\"attributes\":[{\"name\":\"extra\",\"type\":"
                "\"Integer\"}]}]},{\"name\":\"T\"}]}"),
            NULL, &schema, NULL, &err),
        "%s", err.message);
    object = json_get(json_get(schema, STR("synchronizationRules"))->first, STR("objectMappings"))
                 ->first;
    json_add(a, object, STR("scope"), scope);
    CHECK(mapping_compile(a, schema, &program, &findings, &err), "%s: %s", json_text(a, scope).ptr,
          findings ? findings->message.ptr : err.message);
    m = mapping_for(program, SOURCE_USER);
    CHECK(m, "mapping");
    return m;
}

static void check_case(struct arena *a, const char *set, const struct json *c, bool expected)
{
    const struct mapping_object *m = compile(a, set, c);
    struct json *attributes = json_new(a, JSON_OBJECT);
    struct mapping_source s = {
        .kind = SOURCE_USER, .attributes = attributes, .manager = json_get(c, STR("manager"))};
    struct json *names = json_get(c, STR("named"));
    struct mapping_context context = {.group_id = names ? named : NULL, .group_ctx = names};
    struct str now = json_get_text(c, "now");
    struct mapping_verdict v;
    struct str reason = {0};

    CHECK(now.len == 0 || time_parse(now, &context.now_us), "now");
    json_add(a, attributes, json_get_text(c, "attribute"),
             json_clone(a, json_get(c, STR("value"))));
    mapping_judge(m, &s, &context, a, &v);
    CHECK(v.in_scope == expected, "%s: %s", set, json_text(a, c).ptr);
    CHECK(mapping_in_scope(m, &s, &context, a, &reason) == expected, "%s", json_text(a, c).ptr);
    CHECK(v.clause_count == 1 && v.clauses[0].holds == expected, "%s", json_text(a, c).ptr);
    CHECK_STR(str_from_z(v.clauses[0].set), set, "set");
    CHECK(expected == (reason.len == 0), "%.*s", STR_ARG(reason));
}

static void clauses_hold_as_the_specification_says(void **state)
{
    CLEANUP(arena_freep) struct arena *file = arena_new();
    const struct json *all = load(file);
    size_t count = 0;

    (void)state;
    JSON_EACH(c, json_get(all, STR("clauses")))
    {
        CLEANUP(arena_freep) struct arena *a = arena_new();

        check_case(a, "groups", c, json_get_bool(c, "groups", false));
        check_case(a, "inputFilterGroups", c, json_get_bool(c, "input", false));
        check_case(a, "categoryFilterGroups", c,
                   json_get_bool(c, "groups", false) && json_get_bool(c, "input", false));
        count++;
    }
    CHECK(count == 144, "%zu cases", count);
}

static void what_cannot_be_judged_is_refused(void **state)
{
    CLEANUP(arena_freep) struct arena *file = arena_new();
    const struct json *all = load(file);
    size_t count = 0;

    (void)state;
    JSON_EACH(c, json_get(all, STR("refused")))
    {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        bool group = str_eq_z(json_get_text(c, "kind"), "group");
        struct json *scope = scope_of(a, "groups", json_clone(a, json_get(c, STR("clause"))));
        struct str pointer =
            arena_printf(a, "/groups/0/clauses/0%.*s", STR_ARG(json_get_text(c, "pointer")));
        const struct mapping_object *m;
        struct mapping_finding *findings = NULL;
        struct err err = {0};
        size_t at;

        CHECK(!mapping_compile_filter(a, scope, group ? SOURCE_GROUP : SOURCE_USER, &m, &findings,
                                      &err),
              "%s", json_text(a, c).ptr);
        CHECK(findings, "%s: %s", json_text(a, c).ptr, err.message);
        CHECK_STR(str_from_z(findings->code), arena_z(a, json_get_text(c, "code")), "%s: %s",
                  json_text(a, c).ptr, findings->message.ptr);
        CHECK_STR(findings->pointer, pointer.ptr, "%s", json_text(a, c).ptr);
        CHECK(str_find(findings->message, json_get_text(c, "says"), &at), "%s: %s",
              json_text(a, c).ptr, findings->message.ptr);
        count++;
    }
    CHECK(count == 24, "%zu refused", count);
}

static void a_verdict_says_when_it_turns(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const struct mapping_object *m;
    struct mapping_finding *findings = NULL;
    struct mapping_context c = {0};
    struct mapping_source s = {.kind = SOURCE_USER};
    struct mapping_verdict v;
    struct json *scope;
    struct json *person;
    struct err err = {0};
    int64_t at;

    (void)state;
    CHECK(
        json_parse(a,
                   STR("{\"groups\":[{\"name\":\"soon\",\"clauses\":[{\"sourceOperandName\":"
                       "\"employeeHireDate\",\"operatorName\":\"LESS_THAN\",\"targetOperand\":"
                       "{\"values\":[\"now+P14D\"]}}]}]}"),
                   NULL, &scope, NULL, &err) &&
            json_parse(a, STR("{\"employeeHireDate\":\"2024-03-15\"}"), NULL, &person, NULL, &err),
        "%s", err.message);
    CHECK(mapping_compile_filter(a, scope, SOURCE_USER, &m, &findings, &err), "%s", err.message);
    CHECK(time_parse(STR("2024-02-01"), &c.now_us) && time_parse(STR("2024-03-01"), &at), "times");
    s.attributes = person;
    mapping_judge(m, &s, &c, a, &v);
    CHECK(!v.in_scope && v.turns_us > at && v.turns_us - at <= US_PER_SECOND, "turns at %lld",
          (long long)v.turns_us);
    c.now_us = v.turns_us;
    mapping_judge(m, &s, &c, a, &v);
    CHECK(v.in_scope && v.turns_us == 0, "it has turned, and turns no more");
}

TEST_GROUP(filter_cases, cmocka_unit_test(clauses_hold_as_the_specification_says),
           cmocka_unit_test(what_cannot_be_judged_is_refused),
           cmocka_unit_test(a_verdict_says_when_it_turns));
