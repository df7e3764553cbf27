#include "frame/frame.h"
#include "schemas.h"

#define MATCH                                                                        \
    "{'targetAttributeName': 'userName', 'matchingPriority': 1, 'source': {'name': " \
    "'userPrincipalName'}}"
#define T(attributes) "{'name': 'T', 'objects': [{'name': 'U', 'attributes': [" attributes "]}]}"

enum { ATTRIBUTES_MAX = 8 };

struct evaluated {
    const struct mapping_object *m;
    struct mapping_value values[ATTRIBUTES_MAX];
};

static bool evaluate(struct arena *a, const struct mapping_object *m, const char *attributes,
                     bool soft_deleted, struct evaluated *out, struct err *err)
{
    struct mapping_source s = {.kind = SOURCE_USER,
                               .attributes = json_from(a, attributes),
                               .is_soft_deleted = soft_deleted};
    struct mapping_context c = {.now_us = 0, .rng = rng_system()};

    CHECK(m->attribute_count <= ATTRIBUTES_MAX, "few enough");
    out->m = m;
    return mapping_evaluate(m, &s, &c, a, out->values, err);
}

static const char *outcome_text(struct arena *a, const struct mapping_value *v)
{
    static const char *const names[] = {
        [MAPPING_NULL] = "null",           [MAPPING_IGNORED] = "ignored",
        [MAPPING_SKIP_OBJECT] = "skipped", [MAPPING_FAILED] = "failed",
        [MAPPING_VALUE] = "value",
    };

    return v->outcome == MAPPING_VALUE ? json_text(a, v->value).ptr : names[v->outcome];
}

/* One attribute mapping of its own beside the matching one: its source, the definition of the
 * target attribute `x`, the source object, and what comes out. */
static void values_are_of_the_target_type(void **state)
{
    static const struct {
        const char *source, *definition, *attributes, *want;
    } cases[] = {
        {"{'name': 'mail'}", "", "{'mail': 'a@b'}", "\"a@b\""},
        {"{'name': 'mail'}", "", "{}", "null"},
        {"{'name': 'mail'}", "", "{'mail': null}", "null"},
        {"{'name': 'mail'}", "", "{'mail': ''}", "\"\""},
        {"{'name': 'mobilePhone'}", "", "{'mobile': '1'}", "\"1\""},
        {"{'name': 'accountEnabled'}", "", "{'accountEnabled': true}", "\"True\""},
        {"{'name': 'accountEnabled'}", "'type': 'Boolean'", "{'accountEnabled': false}", "false"},
        {"{'name': 'city'}", "'type': 'boolean'", "{'city': 'TRUE'}", "true"},
        {"{'name': 'city'}", "'type': 'Boolean'", "{'city': 'yes'}", "failed"},
        {"{'name': 'employeeId'}", "'type': 'Integer'", "{'employeeId': '0042'}", "42"},
        {"{'name': 'employeeId'}", "'type': 'Integer'", "{'employeeId': 'abc'}", "failed"},
        {"{'name': 'proxyAddresses'}", "", "{'proxyAddresses': ['a', 'b']}", "\"a\""},
        {"{'name': 'proxyAddresses'}", "", "{'proxyAddresses': []}", "null"},
        {"{'name': 'proxyAddresses'}", "'multivalued': true", "{'proxyAddresses': ['a', 'b']}",
         "[\"a\",\"b\"]"},
        {"{'name': 'mail'}", "'multivalued': true", "{'mail': 'a'}", "[\"a\"]"},
        {"{'type': 'Constant', 'name': 'x'}", "", "{}", "\"x\""},
        {"{'type': 'Constant', 'name': 'True'}", "'type': 'Boolean'", "{}", "true"},
        {"{'type': 'Function', 'expression': 'IgnoreFlowIfNullOrEmpty([mail])'}", "", "{}",
         "ignored"},
        {"{'type': 'Function', 'expression': 'IIF(IsNull([mail]), IgnoreObjectFlow, 1)'}", "", "{}",
         "skipped"},
        {"{'type': 'Function', 'expression': 'Len([mail])'}", "", "{'mail': 'abc'}", "\"3\""},
        {"{'type': 'Function', 'expression': 'Left([mail], [city])'}", "",
         "{'mail': 'abc', 'city': "
         "'x'}",
         "failed"},
        {"{'name': 'manager'}", "'type': 'Reference'", "{'manager': 'id'}", "ignored"},
        {"{'name': 'city'}", "'metadata': [{'key': 'MaximumLength', 'value': '3'}]",
         "{'city': 'Ulmö'}", "failed"},
        {"{'name': 'city'}", "'metadata': [{'key': 'MaximumLength', 'value': '4'}]",
         "{'city': 'Ulmö'}", "\"Ulmö\""},
        {"null", "", "{}", "null"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct str mappings =
            arena_printf(a, MATCH ", {'targetAttributeName': 'x', 'source': %s}", cases[i].source);
        struct str definition = arena_printf(a, T("{'name': 'x'%s%s}"),
                                             *cases[i].definition ? ", " : "", cases[i].definition);
        struct evaluated e;
        struct err err = {0};
        bool ok = evaluate(a, object_from(a, mappings.ptr, "", definition.ptr), cases[i].attributes,
                           false, &e, &err);

        CHECK(ok == !str_eq_z(STR("failed"), cases[i].want), "%s: %s", cases[i].source,
              err.message);
        CHECK_STR(str_from_z(outcome_text(a, &e.values[1])), cases[i].want, "%s with %s",
                  cases[i].source, cases[i].attributes);
        if (!ok)
            CHECK_STR(str_from_z(err.place), "x", "%s", cases[i].source);
    }
}

static void soft_deleted_is_computed(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const struct mapping_object *m = object_from(
        a,
        MATCH ", {'targetAttributeName': 'active', 'source': {'expression': 'Switch("
              "[IsSoftDeleted], , \\\"False\\\", \\\"True\\\", \\\"True\\\", \\\"False\\\")'}}",
        "", "");
    struct evaluated e;
    struct err err = {0};

    (void)state;
    CHECK(m->maps_soft_deleted && m->attributes[1].uses_soft_deleted, "is noticed");
    CHECK(!m->attributes[0].uses_soft_deleted, "only there");
    CHECK(evaluate(a, m, "{'IsSoftDeleted': true}", false, &e, &err), "%s", err.message);
    CHECK(e.values[1].value->boolean, "the computed value counts, not a stored one");
    CHECK(evaluate(a, m, "{}", true, &e, &err), "%s", err.message);
    CHECK(!e.values[1].value->boolean, "disabled");
}

static struct str changes_text(struct arena *a, const struct mapping_changes *changes)
{
    struct json *all = json_new(a, JSON_OBJECT);

    for (size_t i = 0; i < changes->count; i++) {
        const struct json *after = changes->items[i].after;

        json_add(a, all, changes->items[i].attribute->target,
                 after ? json_clone(a, after) : json_null(a));
    }
    return json_text(a, all);
}

static void check_exported_text(struct arena *a, const struct json *before,
                                const struct mapping_changes *changes, const char *label)
{
    struct str tree = json_text(a, mapping_exported(before, changes, a));

    CHECK(str_eq(mapping_exported_text(before, changes, a), tree), "%s: not '%.*s'", label,
          STR_ARG(tree));
}

/* The table of attribute-mappings.md 4 for one mapping from `city` to `x`: what else the mapping
 * and the definition of x say, whether the source attribute's gate is open, source, current value,
 * and what create and update send; null clears. */
static void create_and_update_send_what_the_table_says(void **state)
{
    static const struct {
        const char *label, *mapping, *definition;
        bool gate;
        const char *source, *current, *create, *update;
    } cases[] = {
        {"new value", "", "", false, "'b'", "{'x': 'a'}", "{\"x\":\"b\"}", "{\"x\":\"b\"}"},
        {"equal value", "", "", false, "'a'", "{'x': 'a'}", "{\"x\":\"a\"}", "{}"},
        {"case alone", "", "", false, "'A'", "{'x': 'a'}", "{\"x\":\"A\"}", "{}"},
        {"case alone, exact", "", "'caseExact': true", false, "'A'", "{'x': 'a'}", "{\"x\":\"A\"}",
         "{\"x\":\"A\"}"},
        {"null", "", "", false, "null", "{'x': 'a'}", "{}", "{}"},
        {"null with default", "'defaultValue': 'd'", "", false, "null", "{'x': 'a'}",
         "{\"x\":\"d\"}", "{}"},
        {"empty with default", "'defaultValue': 'd'", "", false, "''", "{'x': 'a'}",
         "{\"x\":\"d\"}", "{\"x\":\"\"}"},
        {"empty", "", "", false, "''", "{'x': 'a'}", "{}", "{\"x\":\"\"}"},
        {"empty equals absent", "", "", false, "''", "{}", "{}", "{}"},
        {"null flow", "'flowNullValues': true", "", true, "null", "{'x': 'a'}", "{}",
         "{\"x\":null}"},
        {"null flow of empty", "'flowNullValues': true", "", true, "''", "{'x': 'a'}", "{}",
         "{\"x\":null}"},
        {"null flow, nothing to clear", "'flowNullValues': true", "", true, "null", "{}", "{}",
         "{}"},
        {"one gate only: mapping", "'flowNullValues': true", "", false, "null", "{'x': 'a'}", "{}",
         "{}"},
        {"one gate only: source", "", "", true, "null", "{'x': 'a'}", "{}", "{}"},
        {"null flow does not clear what is required", "'flowNullValues': true",
         "'required': true, 'defaultValue': 'r'", true, "null", "{'x': 'a'}", "{\"x\":\"r\"}",
         "{}"},
        {"only on create", "'flowType': 'ObjectAddOnly'", "", false, "'b'", "{'x': 'a'}",
         "{\"x\":\"b\"}", "{}"},
        {"immutable", "", "'mutability': 'Immutable'", false, "'b'", "{'x': 'a'}", "{\"x\":\"b\"}",
         "{}"},
        {"only if empty, has a value", "'flowType': 'AttributeAddOnly'", "", false, "'b'",
         "{'x': 'a'}", "{\"x\":\"b\"}", "{}"},
        {"only if empty, is empty", "'flowType': 'AttributeAddOnly'", "", false, "'b'", "{'x': ''}",
         "{\"x\":\"b\"}", "{\"x\":\"b\"}"},
        {"always sent", "'flowBehavior': 'FlowAlways'", "", false, "'a'", "{'x': 'a'}",
         "{\"x\":\"a\"}", "{\"x\":\"a\"}"},
        {"set in another order", "", "'multivalued': true", false, "['a', 'B']",
         "{'x': ['b', 'a']}", "{\"x\":[\"a\",\"B\"]}", "{}"},
        {"set grows", "", "'multivalued': true", false, "['a', 'b']", "{'x': ['a']}",
         "{\"x\":[\"a\",\"b\"]}", "{\"x\":[\"a\",\"b\"]}"},
        {"additions only: nothing removed", "'flowType': 'MultiValueAddOnly'",
         "'multivalued': true", false, "['c']", "{'x': ['a', 'b']}", "{\"x\":[\"c\"]}",
         "{\"x\":[\"a\",\"b\",\"c\"]}"},
        {"additions only: nothing new", "'flowType': 'MultiValueAddOnly'", "'multivalued': true",
         false, "['a']", "{'x': ['a', 'b']}", "{\"x\":[\"a\"]}", "{}"},
        {"additions only, with removal", "'flowType': 'ValueAddOnly'", "'multivalued': true", false,
         "['b', 'c']", "{'x': ['a', 'b']}", "{\"x\":[\"b\",\"c\"]}", "{\"x\":[\"a\",\"b\",\"c\"]}"},
        {"Boolean as text in the target", "", "'type': 'Boolean'", false, "'true'", "{'x': 'True'}",
         "{\"x\":true}", "{}"},
        {"instant in another form", "", "'type': 'DateTime'", false, "'2024-01-01T00:00:00Z'",
         "{'x': '2024-01-01T01:00:00+01:00'}", "{\"x\":\"2024-01-01T00:00:00Z\"}", "{}"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct str mappings =
            arena_printf(a, MATCH ", {'targetAttributeName': 'x', 'source': {'name': 'city'}%s%s}",
                         *cases[i].mapping ? ", " : "", cases[i].mapping);
        struct str directories = arena_printf(
            a,
            "{'name': 'Azure Active Directory', 'objects': [{'name': 'User', 'attributes': [{'name': "
            "'city', 'flowNullValues': %s}]}]}, " T("{'name': 'x'%s%s}"),
            cases[i].gate ? "true" : "false", *cases[i].definition ? ", " : "",
            cases[i].definition);
        const struct mapping_object *m = object_from(a, mappings.ptr, "", directories.ptr);
        struct str source =
            arena_printf(a, "{'userPrincipalName': 'u', 'city': %s}", cases[i].source);
        struct json *current = json_from(a, cases[i].current);
        struct mapping_changes changes;
        struct evaluated e;
        struct err err = {0};

        json_add_z(a, current, "userName", "u");
        CHECK(evaluate(a, m, source.ptr, false, &e, &err), "%s: %s", cases[i].label, err.message);
        CHECK(mapping_create(m, e.values, a, &changes, &err), "%s: %s", cases[i].label,
              err.message);
        CHECK(changes.count > 0 && str_eq_z(changes.items[0].attribute->target, "userName"),
              "userName is sent");
        changes.items++;
        changes.count--;
        CHECK_STR(changes_text(a, &changes), cases[i].create, "create: %s", cases[i].label);
        check_exported_text(a, NULL, &changes, cases[i].label);
        mapping_update(m, e.values, current, UPDATE_ALL, a, &changes);
        check_exported_text(a, current, &changes, cases[i].label);
        CHECK_STR(changes_text(a, &changes), cases[i].update, "update: %s", cases[i].label);
        if (m->attributes[1].flow_behavior == FLOW_WHEN_CHANGED) {
            /* What was sent once is not sent again. */
            mapping_update(m, e.values, mapping_exported(current, &changes, a), UPDATE_ALL, a,
                           &changes);
            CHECK(changes.count == 0, "again: %s", cases[i].label);
        }
    }
}

static void none_fills_what_is_empty(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const struct mapping_object *m = object_from(
        a, MATCH ", {'targetAttributeName': 'title', 'source': null, 'defaultValue': 'd'}", "", "");
    struct mapping_changes changes;
    struct evaluated e;
    struct err err = {0};

    (void)state;
    CHECK(evaluate(a, m, "{'userPrincipalName': 'u'}", false, &e, &err), "%s", err.message);
    CHECK(mapping_create(m, e.values, a, &changes, &err), "%s", err.message);
    CHECK_STR(changes_text(a, &changes), "{\"userName\":\"u\",\"title\":\"d\"}", "create");
    mapping_update(m, e.values, json_from(a, "{'userName': 'u'}"), UPDATE_ALL, a, &changes);
    CHECK_STR(changes_text(a, &changes), "{\"title\":\"d\"}", "update of an empty attribute");
    mapping_update(m, e.values, json_from(a, "{'userName': 'u', 'title': 't'}"), UPDATE_ALL, a,
                   &changes);
    CHECK(changes.count == 0, "a value stays");
}

static void required_values_must_be_there(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *directories = T("{'name': 'id', 'anchor': true, 'required': true}, {'name': 'x', "
                                "'required': true}, {'name': 'y', 'required': true}");
    struct mapping_changes changes;
    struct evaluated e;
    struct err err = {0};

    (void)state;
    CHECK(evaluate(a,
                   object_from(a,
                               MATCH ", {'targetAttributeName': 'x', 'source': {'name': 'city'}}, "
                                     "{'targetAttributeName': 'y', 'source': {'name': 'mail'}}",
                               "", directories),
                   "{'userPrincipalName': 'u', 'mail': 'm'}", false, &e, &err),
          "%s", err.message);
    CHECK(!mapping_create(e.m, e.values, a, &changes, &err), "x has no value");
    CHECK_STR(str_from_z(err.code), "MissingValues", "code");
    CHECK_STR(str_from_z(err.place), "x", "place");
    CHECK(
        evaluate(a,
                 object_from(a, MATCH ", {'targetAttributeName': 'x', 'source': {'name': 'city'}}",
                             "", directories),
                 "{'userPrincipalName': 'u', 'city': 'c'}", false, &e, &err),
        "%s", err.message);
    CHECK(!mapping_create(e.m, e.values, a, &changes, &err), "nothing fills y");
    CHECK_STR(str_from_z(err.place), "y", "place");
}

static void while_soft_deleted_only_what_depends_on_it_is_sent(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const struct mapping_object *m = object_from(
        a,
        MATCH ", {'targetAttributeName': 'active', 'source': {'expression': "
              "'Not([IsSoftDeleted])'}}, {'targetAttributeName': 'title', 'source': {'name': "
              "'jobTitle'}}",
        "", "");
    struct mapping_changes changes;
    struct evaluated e;
    struct err err = {0};

    (void)state;
    CHECK(evaluate(a, m, "{'userPrincipalName': 'u', 'jobTitle': 'new'}", true, &e, &err), "%s",
          err.message);
    mapping_update(m, e.values, json_from(a, "{'userName': 'u', 'active': true, 'title': 'old'}"),
                   UPDATE_SOFT_DELETED_ONLY, a, &changes);
    CHECK_STR(changes_text(a, &changes), "{\"active\":false}", "no title");
    CHECK(changes.items[0].before->boolean, "the value before");
}

static void criteria_follow_precedence(void **state)
{
    static const struct {
        const char *source;
        const char *want; /* criteria by their targets */
    } cases[] = {
        {"{'userPrincipalName': 'u', 'mail': 'm', 'employeeId': '1', 'city': 'c'}",
         "employeeId+city mail userName "},
        {"{'userPrincipalName': 'u', 'mail': 'm', 'employeeId': '1'}", "mail userName "},
        {"{'userPrincipalName': 'u', 'mail': ''}", "userName "},
        {"{}", ""},
    };
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const struct mapping_object *m = object_from(
        a,
        "{'targetAttributeName': 'userName', 'matchingPriority': 9, 'source': {'name': "
        "'userPrincipalName'}}, {'targetAttributeName': 'mail', 'matchingPriority': 2, 'source': "
        "{'name': 'mail'}}, {'targetAttributeName': 'employeeId', 'matchingPriority': 1, 'source': "
        "{'name': 'employeeId'}}, {'targetAttributeName': 'city', 'matchingPriority': 1, 'source': "
        "{'name': 'city'}}, {'targetAttributeName': 'title', 'source': {'name': 'jobTitle'}}",
        "", "");

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buf_done) struct buf text = {0};
        struct mapping_criterion criteria[8];
        struct evaluated e;
        struct err err = {0};
        size_t count;

        CHECK(evaluate(a, m, cases[i].source, false, &e, &err), "%s", err.message);
        count = mapping_criteria(m, e.values, criteria, ARRAY_LEN(criteria));
        buf_init(&text, 256);
        for (size_t k = 0; k < count; k++) {
            for (size_t n = 0; n < criteria[k].count; n++)
                buf_addf(&text, "%s%.*s", n ? "+" : "", STR_ARG(criteria[k].attributes[n]->target));
            buf_add_char(&text, ' ');
        }
        CHECK_STR(buf_str(&text), cases[i].want, "%s", cases[i].source);
    }
}

TEST_GROUP(evaluate, cmocka_unit_test(values_are_of_the_target_type),
           cmocka_unit_test(soft_deleted_is_computed),
           cmocka_unit_test(create_and_update_send_what_the_table_says),
           cmocka_unit_test(none_fills_what_is_empty),
           cmocka_unit_test(required_values_must_be_there),
           cmocka_unit_test(while_soft_deleted_only_what_depends_on_it_is_sent),
           cmocka_unit_test(criteria_follow_precedence));
