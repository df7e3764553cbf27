/* The check table of scoping-filters.md 8 and what else section 2 says about operators. */
#include "frame/frame.h"
#include "schemas.h"

#define MATCH                                                                        \
    "{'targetAttributeName': 'userName', 'matchingPriority': 1, 'source': {'name': " \
    "'userPrincipalName'}}"
/* extra: an Integer, which the built-in attributes lack. */
#define SOURCE                                                                                 \
    "{'name': 'Azure Active Directory', 'objects': [{'name': 'User', 'attributes': [{'name': " \
    "'extra', 'type': 'Integer'}]}]}, {'name': 'T'}"

static bool in_scope(struct arena *a, const char *scope, const char *attributes,
                     struct str *out_reason)
{
    struct str member = arena_printf(a, "'scope': %s", scope);
    const struct mapping_object *m = object_from(a, MATCH, member.ptr, SOURCE);
    struct mapping_source s = {.kind = SOURCE_USER, .attributes = json_from(a, attributes)};
    struct mapping_context c = {.rng = rng_system()};

    return mapping_in_scope(m, &s, &c, a, out_reason);
}

static void operators_do_what_the_table_says(void **state)
{
    enum { NO, YES };
    static const struct {
        const char *attribute, *value;   /* of the object */
        const char *operator, * operand; /* a list; "": none */
        int groups, input;
    } cases[] = {
        {"city", "'Sales'", "EQUALS", "'Sales'", YES, YES},
        {"city", "'sales'", "EQUALS", "'Sales'", NO, NO},
        {"city", "'Sales '", "EQUALS", "'Sales'", NO, NO},
        {"city", "null", "EQUALS", "'Sales'", NO, NO},
        {"city", "'b'", "EQUALS", "'a', 'b'", YES, YES},
        {"city", "'Sales'", "NOT EQUALS", "'sales'", YES, YES},
        {"city", "'b'", "NOT EQUALS", "'a', 'b'", NO, NO},
        {"city", "null", "NOT EQUALS", "'Sales'", NO, YES},
        {"city", "''", "NOT EQUALS", "'Sales'", NO, YES},
        {"city", "''", "IS NULL", "", YES, YES},
        {"city", "'x'", "IS NULL", "", NO, NO},
        {"city", "null", "IS NOT NULL", "", NO, NO},
        {"city", "'x'", "IS NOT NULL", "", YES, YES},
        {"city", "'x'", "present", "", YES, YES},
        {"accountEnabled", "true", "IS TRUE", "", YES, YES},
        {"accountEnabled", "null", "IS TRUE", "", NO, NO},
        {"accountEnabled", "false", "IS FALSE", "", YES, YES},
        {"accountEnabled", "null", "IS FALSE", "", NO, YES},
        {"accountEnabled", "true", "EQUALS", "'True'", YES, YES},
        {"accountEnabled", "true", "EQUALS", "'true'", YES, YES},
        {"mail", "'ann@domain.com'", "REGEX MATCH", "'.*\\\\@domain.com'", YES, YES},
        {"mail", "'ann@domain.com.au'", "REGEX MATCH", "'.*\\\\@domain.com'", YES, YES},
        {"mail", "'ANN@DOMAIN.COM'", "REGEX MATCH", "'.*\\\\@domain.com'", NO, NO},
        {"mail", "'ann@other.org'", "NOT REGEX MATCH", "'.*\\\\@domain.com'", YES, YES},
        {"mail", "null", "NOT REGEX MATCH", "'.*\\\\@domain.com'", NO, YES},
        {"city", "'1500000'", "REGEX MATCH", "'(1[0-9][0-9][0-9][0-9][0-9][0-9])'", YES, YES},
        {"extra", "100", "REGEX MATCH", "'([1-9][0-9])'", YES, YES},
        {"extra", "100", "REGEX MATCH", "'^([1-9][0-9])$'", NO, NO},
        {"city", "'CAS_{x'", "REGEX MATCH", "'^CAS_([^{]*){'", YES, YES},
        {"extra", "7", "GREATER_THAN", "'7'", NO, NO},
        {"extra", "7", "GREATER_THAN_OR_EQUALS", "'7'", YES, YES},
        {"extra", "7", "less than", "'8'", YES, YES},
        {"extra", "-7", "LESS_THAN_OR_EQUALS", "'-7'", YES, YES},
        {"city", "'10'", "Greater_Than", "'9'", YES, YES},
        {"city", "'abc'", "GREATER_THAN", "'9'", NO, NO},
        {"city", "'Sales-EMEA'", "Includes", "'EMEA'", YES, YES},
        {"city", "'Sales-EMEA'", "INCLUDES", "'emea'", NO, NO},
        {"city", "'cn=x,ou=Cloud,dc=ex'", "ENDS_WITH", "'ou=Cloud,dc=ex'", YES, YES},
        {"extra", "6", "&", "'2'", YES, YES},
        {"extra", "4", "&", "'2'", NO, NO},
        {"extra", "4", "!&", "'2'", YES, YES},
        {"extra", "null", "!&", "'2'", NO, YES},
        {"city", "'DE'", "&", "'AT,DE,CH'", YES, YES},
        {"city", "'FR'", "!&", "'AT,DE,CH'", YES, YES},
        {"extra", "42", "EQUALS", "'042'", YES, YES},
        {"employeeHireDate", "'2024-03-01T10:00:00Z'", "GREATER_THAN", "'2024-03-01'", YES, YES},
        {"employeeHireDate", "'2024-03-01T01:00:00+01:00'", "EQUALS", "'2024-03-01'", YES, YES},
        {"manager", "'m1'", "EQUALS", "'m1'", YES, YES},
        {"manager", "null", "IS NULL", "", YES, YES},
        {"userType", "'Guest'", "EQUALS", "'Guest'", YES, YES},
        {"proxyAddresses", "['a', 'b']", "EQUALS", "'b'", YES, NO},
        {"proxyAddresses", "['a', 'b']", "NOT EQUALS", "'b'", NO, NO},
        {"proxyAddresses", "['a', 'b']", "NOT EQUALS", "'c'", YES, YES},
        {"proxyAddresses", "[]", "IS NULL", "", YES, YES},
        {"memberOf", "['0b7d6c1e-0000-4000-8000-000000000001']", "IS_MEMBER_OF",
         "'0B7D6C1E-0000-4000-8000-000000000001'", YES, YES},
        {"memberOf", "null", "NOT IS_MEMBER_OF", "'0b7d6c1e-0000-4000-8000-000000000001'", YES,
         YES},
        {"appRoleAssignments", "[{'id': '1', 'value': 'Admin', 'displayName': 'A'}]", "EQUALS",
         "'Admin'", YES, YES},
        {"appRoleAssignments", "[{'id': '00000000-0000-0000-0000-000000000000', 'value': null}]",
         "IS NULL", "", YES, YES},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct str clause = arena_printf(
            a,
            "{'sourceOperandName': '%s', 'operatorName': '%s', 'targetOperand': {'values': [%s]}}",
            cases[i].attribute, cases[i].operator, cases[i].operand);
        struct str object = arena_printf(a, "{'%s': %s}", cases[i].attribute, cases[i].value);
        struct str groups = arena_printf(a, "{'groups': [{'clauses': [%s]}]}", clause.ptr);
        struct str input =
            arena_printf(a, "{'inputFilterGroups': [{'clauses': [%s]}]}", clause.ptr);

        CHECK(in_scope(a, groups.ptr, object.ptr, NULL) == (cases[i].groups == YES),
              "groups: %s %s %s", object.ptr, cases[i].operator, cases[i].operand);
        CHECK(in_scope(a, input.ptr, object.ptr, NULL) == (cases[i].input == YES),
              "inputFilterGroups: %s %s %s", object.ptr, cases[i].operator, cases[i].operand);
    }
}

#define CLAUSE(attribute, value)                                                         \
    "{'sourceOperandName': '" attribute "', 'operatorName': 'EQUALS', 'targetOperand': " \
    "{'values': ['" value "']}}"

static void clauses_are_joined_by_and_and_groups_by_or(void **state)
{
    static const char *const scope =
        "{'groups': [{'name': 'G', 'clauses': [" CLAUSE("city", "B") ", " CLAUSE(
            "country",
            "DE") "]}, {'name': 'H', 'clauses': [" CLAUSE("state",
                                                          "X") "]}], "
                                                               "'categoryFilterGroups': [{'clauses': [" CLAUSE(
                                                                   "department", "D") "]}]}";
    static const struct {
        const char *object, *reason; /* "": in scope */
    } cases[] = {
        {"{'department': 'D', 'city': 'B', 'country': 'DE'}", ""},
        {"{'department': 'D', 'state': 'X'}", ""},
        {"{'department': 'D', 'city': 'B', 'country': 'AT'}",
         "does not hold: G: country EQUALS 'DE'; H: state EQUALS 'X'"},
        {"{'department': 'E', 'state': 'X'}", "does not hold: department EQUALS 'D'"},
        {"{'department': 'D'}", "does not hold: G: city EQUALS 'B'; H: state EQUALS 'X'"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct str reason = {"", 0};

        CHECK(in_scope(a, scope, cases[i].object, &reason) == (*cases[i].reason == '\0'), "%s",
              cases[i].object);
        CHECK_STR(reason, cases[i].reason, "%s", cases[i].object);
    }
}

static void an_empty_filter_excludes_nobody(void **state)
{
    static const char *const scopes[] = {"null", "{}", "{'groups': []}",
                                         "{'groups': null, 'inputFilterGroups': []}"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(scopes); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();

        CHECK(in_scope(a, scopes[i], "{}", NULL), "%s", scopes[i]);
    }
}

TEST_GROUP(filter, cmocka_unit_test(operators_do_what_the_table_says),
           cmocka_unit_test(clauses_are_joined_by_and_and_groups_by_or),
           cmocka_unit_test(an_empty_filter_excludes_nobody));
