#include "frame/frame.h"
#include "schemas.h"

#define MATCH                                                                        \
    "{'targetAttributeName': 'userName', 'matchingPriority': 1, 'source': {'name': " \
    "'userPrincipalName'}}"
#define T(attributes) "{'name': 'T', 'objects': [{'name': 'U', 'attributes': [" attributes "]}]}"
#define AM            "/synchronizationRules/0/objectMappings/0/attributeMappings"
#define OM            "/synchronizationRules/0/objectMappings/0"

static void findings_say_what_is_wrong_and_where(void **state)
{
    static const struct {
        const char *label;
        const char *mappings;
        const char *object;
        const char *directories;
        const char *code;
        const char *pointer;
        size_t offset;
        const char *says; /* part of the message */
    } cases[] = {
        {"unknown attribute",
         MATCH ", {'targetAttributeName': 'title', 'source': {'name': 'jobTitel'}}", "", "",
         "UnknownAttribute", AM "/1/source/expression", 1, "'jobTitle'"},
        {"unknown attribute in an expression",
         MATCH ", {'targetAttributeName': 'title', 'source': {'type': 'Function', 'expression': "
               "'ToLower([jobTitle]) & [nope]'}}",
         "", "", "UnknownAttribute", AM "/1/source/expression", 23, "nope"},
        {"duplicate target",
         MATCH ", {'targetAttributeName': 'USERNAME', 'source': {'name': 'mail'}}", "", "",
         "DuplicateTarget", AM "/1/targetAttributeName", 0, "two mappings"},
        {"mapping of id", MATCH ", {'targetAttributeName': 'id', 'source': {'name': 'objectId'}}",
         "", "", "AnchorTarget", AM "/1/targetAttributeName", 0, "key"},
        {"mapping of an anchor",
         MATCH ", {'targetAttributeName': 'key', 'source': {'name': 'objectId'}}", "",
         T("{'name': 'key', 'anchor': true}"), "AnchorTarget", AM "/1/targetAttributeName", 0,
         "key"},
        {"no matching attribute",
         "{'targetAttributeName': 'title', 'source': {'name': 'jobTitle'}}", "", "",
         "NoMatchingAttribute", AM, 0, "matchingPriority"},
        {"expression that does not parse",
         MATCH ", {'targetAttributeName': 'title', 'source': {'type': 'Function', 'expression': "
               "'Join([a], '}}",
         "", "", "Parse", AM "/1/source/expression", 10, "expected"},
        {"unknown function",
         MATCH ", {'targetAttributeName': 'title', 'source': {'type': 'Function', 'expression': "
               "'join([mail], [mail])'}}",
         "", "", "UnknownFunction", AM "/1/source/expression", 0, "'Join'"},
        {"expression that never gives a value",
         MATCH ", {'targetAttributeName': 'title', 'source': {'type': 'Function', 'expression': "
               "'Left([mail], [city] = 1)'}}, {'targetAttributeName': 'nickName', 'source': "
               "{'type': 'Function', 'expression': 'ToLower(BitAnd(\\'x\\', 1))'}}",
         "", "", "Type", AM "/2/source/expression", 15, "never gives a value"},
        {"expression of a type that the target cannot take",
         MATCH ", {'targetAttributeName': 'active', 'source': {'type': 'Function', 'expression': "
               "'DateAdd(\\'d\\', 1, [employeeHireDate])'}}",
         "", "", "TypeMismatch", AM "/1/source/expression", 0, "Boolean"},
        {"constant expression of a value that the target cannot take",
         MATCH ", {'targetAttributeName': 'active', 'source': {'type': 'Function', 'expression': "
               "'ToLower(\\'MAYBE\\')'}}",
         "", "", "TypeMismatch", AM "/1/source/expression", 0, "true or false"},
        {"unknown flow type",
         MATCH ", {'targetAttributeName': 'title', 'flowType': 'Never', 'source': {'name': "
               "'jobTitle'}}",
         "", "", "UnknownValue", AM "/1/flowType", 0, "ObjectAddOnly"},
        {"unknown source type",
         MATCH ", {'targetAttributeName': 'title', 'source': {'type': 'Workflow', 'name': 'x'}}",
         "", "", "UnknownValue", AM "/1/source/type", 0, "Function"},
        {"unknown flags", MATCH, "'flowTypes': 'Add,Change'", "", "UnknownValue", OM "/flowTypes",
         0, "'Change'"},
        {"wrong type of a member", MATCH, "'enabled': 'yes'", "", "WrongType", OM "/enabled", 0,
         "a boolean, not text"},
        {"wrong type of a priority",
         "{'targetAttributeName': 'userName', 'matchingPriority': '1', 'source': {'name': "
         "'userPrincipalName'}}",
         "'enabled': false", "", "WrongType", AM "/0/matchingPriority", 0, "a number"},
        {"unknown target",
         MATCH ", {'targetAttributeName': 'badgeNumer', 'source': {'name': 'employeeId'}}", "",
         T("{'name': 'badgeNumber'}"), "UnknownTargetAttribute", AM "/1/targetAttributeName", 0,
         "'badgeNumber'"},
        {"read-only target",
         MATCH ", {'targetAttributeName': 'x', 'source': {'name': 'employeeId'}}", "",
         T("{'name': 'x', 'mutability': 'ReadOnly'}"), "ReadOnlyTarget",
         AM "/1/targetAttributeName", 0, "read-only"},
        {"reference to text",
         MATCH ", {'targetAttributeName': 'title', 'source': {'name': 'manager'}}", "",
         T("{'name': 'title', 'type': 'String'}"), "TypeMismatch", AM "/1", 0, "Reference"},
        {"text to reference", MATCH ", {'targetAttributeName': 'boss', 'source': {'name': 'mail'}}",
         "", T("{'name': 'boss', 'type': 'Reference'}"), "TypeMismatch", AM "/1", 0, "Reference"},
        {"roles directly",
         MATCH ", {'targetAttributeName': 'roles', 'source': {'name': 'appRoleAssignments'}}", "",
         "", "RolesMappedDirectly", AM "/1/source", 0, "SingleAppRoleAssignment"},
        {"constant of the wrong type",
         MATCH ", {'targetAttributeName': 'active', 'source': {'type': 'Constant', 'name': 'yes'}}",
         "", "", "InvalidConstant", AM "/1/source", 0, "true or false"},
        {"default of the wrong type",
         MATCH ", {'targetAttributeName': 'active', 'defaultValue': 'x', 'source': {'name': "
               "'accountEnabled'}}",
         "", "", "InvalidDefault", AM "/1/defaultValue", 0, "true or false"},
        {"unique value on a matching attribute",
         "{'targetAttributeName': 'userName', 'matchingPriority': 1, 'flowType': 'ObjectAddOnly', "
         "'source': {'type': 'Function', 'expression': 'SelectUniqueValue([mail], "
         "[userPrincipalName])'}}",
         "", "", "SelectUniqueValueMatches", AM "/0", 0, "matching"},
        {"unknown directory", MATCH, "", "{'name': 'Other'}", "UnknownDirectory",
         "/synchronizationRules/0/targetDirectoryName", 0, "'T'"},
        {"unknown filter operator", MATCH,
         "'scope': {'groups': [{'clauses': [{'sourceOperandName': 'city', 'operatorName': 'LIKE', "
         "'targetOperand': {'values': ['x']}}]}]}",
         "", "UnknownOperator", OM "/scope/groups/0/clauses/0/operatorName", 0, "EQUALS"},
        {"filter without value", MATCH,
         "'scope': {'groups': [{'clauses': [{'sourceOperandName': 'city', 'operatorName': "
         "'EQUALS'}]}]}",
         "", "MissingValue", OM "/scope/groups/0/clauses/0/targetOperand", 0, "needs a value"},
        {"filter on an unknown attribute", MATCH,
         "'scope': {'groups': [{'clauses': [{'sourceOperandName': 'town', 'operatorName': "
         "'IS NULL'}]}]}",
         "", "UnknownAttribute", OM "/scope/groups/0/clauses/0/sourceOperandName", 0, "town"},
        {"filter with a bad pattern", MATCH,
         "'scope': {'groups': [{'clauses': [{'sourceOperandName': 'city', 'operatorName': "
         "'REGEX MATCH', 'targetOperand': {'values': ['(']}}]}]}",
         "", "Regex", OM "/scope/groups/0/clauses/0/targetOperand/values/0", 1, "regular"},
        {"filter with a text where a number belongs", MATCH,
         "'scope': {'groups': [{'clauses': [{'sourceOperandName': 'employeeId', 'operatorName': "
         "'GREATER_THAN', 'targetOperand': {'values': ['x']}}]}]}",
         "", "InvalidValue", OM "/scope/groups/0/clauses/0/targetOperand/values/0", 0, "integer"},
        {"filter group without clauses", MATCH, "'scope': {'groups': [{'name': 'x'}]}", "",
         "MissingValue", OM "/scope/groups/0/clauses", 0, "clause"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        const struct mapping_program *program;
        struct mapping_finding *f = NULL;
        struct err err = {0};
        size_t at;
        struct json *schema =
            schema_from(a, cases[i].mappings, cases[i].object, cases[i].directories);

        CHECK(!mapping_compile(a, schema, &program, &f, &err), "%s", cases[i].label);
        CHECK_STR(str_from_z(err.code), "schemaInvalid", "%s", cases[i].label);
        CHECK_STR(str_from_z(f->code), cases[i].code, "%s: %.*s", cases[i].label,
                  STR_ARG(f->message));
        CHECK_STR(f->pointer, cases[i].pointer, "%s", cases[i].label);
        CHECK(f->offset == cases[i].offset, "%s: offset %zu", cases[i].label, f->offset);
        CHECK(str_find(f->message, str_from_z(cases[i].says), &at), "%s: %.*s", cases[i].label,
              STR_ARG(f->message));
    }
}

static void all_findings_come_together(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const struct mapping_program *program;
    struct mapping_finding *f = NULL;
    struct err err = {0};
    size_t count = 0;

    (void)state;
    CHECK(!mapping_compile(a,
                           schema_from(a,
                                       "{'targetAttributeName': 'title', 'source': {'name': "
                                       "'nope'}}, {'targetAttributeName': 'id', 'source': {'name': "
                                       "'mail'}}, 7",
                                       "'flowTypes': 'x'", ""),
                           &program, &f, &err),
          "refused");
    for (; f; f = f->next)
        count++;
    CHECK(count == 5, "%zu findings", count);
    CHECK(!mapping_compile(a, json_from(a, "[]"), &program, &f, &err), "no object");
    CHECK(!mapping_compile(a, json_from(a, "{}"), &program, &f, &err), "no rules");
    CHECK_STR(f->pointer, "/synchronizationRules", "where");
}

static void what_is_not_known_is_kept_out_of_the_way(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const struct mapping_object *m;

    (void)state;
    m = object_from(a,
                    "{'targetAttributeName': 'userName', 'matchingPriority': 1, '@odata.x': 1, "
                    "'source': {'expression': '[userPrincipalName]', 'new': {}}}",
                    "'metadata': [{'key': 'Fancy', 'value': '1'}], 'scope': null, 'other': 7",
                    T("{'name': 'userName', 'required': true, 'caseExact': true, 'more': []}"));
    CHECK(m->attributes[0].case_exact && m->attributes[0].required, "definition is used");
    CHECK(m->can == (MAPPING_CAN_ADD | MAPPING_CAN_UPDATE | MAPPING_CAN_DELETE), "all by default");
}

/* Members that may be given in part (attribute-mappings.md 1). */
static void sources_are_completed(void **state)
{
    static const struct {
        const char *source;
        const char *text;
        enum mapping_form form;
    } cases[] = {
        {"{'name': 'mail'}", "[mail]", MAPPING_DIRECT},
        {"{'type': 'Attribute', 'name': 'mail', 'expression': '[city]'}", "[mail]", MAPPING_DIRECT},
        {"{'expression': '[mail]'}", "[mail]", MAPPING_DIRECT},
        {"{'expression': 'ToLower([mail])'}", "ToLower([mail])", MAPPING_EXPRESSION},
        {"{'type': 'Constant', 'name': 'a b'}", "\"a b\"", MAPPING_CONSTANT},
        {"{'type': 'Function', 'name': 'X', 'expression': 'Len([mail])'}", "Len([mail])",
         MAPPING_EXPRESSION},
        {"{'type': 'Function', 'name': 'Replace', 'parameters': [{'key': 'source', 'value': {'name': "
         "'mail'}}, {'key': 'Find', 'value': {'type': 'Constant', 'name': 'a'}}, {'key': "
         "'Replacement', 'value': {'type': 'Constant', 'name': 'b'}}]}",
         "Replace([mail], \"a\", , , \"b\")", MAPPING_EXPRESSION},
        {"{'type': 'Function', 'name': 'Join', 'parameters': [{'key': 'separator', 'value': {'type': "
         "'Constant', 'name': '-'}}, {'key': 'source', 'value': {'name': 'mail'}}, {'key': 'source', "
         "'value': {'name': 'city'}}]}",
         "Join(\"-\", [mail], [city])", MAPPING_EXPRESSION},
        {"null", "", MAPPING_NONE},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct str mappings = arena_printf(
            a, MATCH ", {'targetAttributeName': 'title', 'source': %s}", cases[i].source);
        const struct mapping_object *m = object_from(a, mappings.ptr, "", "");

        CHECK_STR(m->attributes[1].source_text, cases[i].text, "%s", cases[i].source);
        CHECK(m->attributes[1].form == cases[i].form, "%s", cases[i].source);
    }
}

static void rules_of_higher_priority_come_first(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const struct mapping_program *program;
    struct mapping_finding *findings;
    struct err err = {0};

    (void)state;
    CHECK(mapping_compile(
              a,
              json_from(a, "{'synchronizationRules': [{'priority': 2, 'objectMappings': [{'name': "
                           "'b', 'sourceObjectName': 'user', 'targetObjectName': 'U', "
                           "'attributeMappings': [" MATCH "]}]}, {'priority': 1, "
                           "'objectMappings': [{'name': 'a', 'enabled': false, "
                           "'sourceObjectName': 'User', 'targetObjectName': 'U', "
                           "'flowTypes': 'Update', 'attributeMappings': []}]}]}"),
              &program, &findings, &err),
          "%s", err.message);
    CHECK_STR(program->objects[0].name, "a", "by priority");
    CHECK(program->objects[0].can == MAPPING_CAN_UPDATE, "flow types");
    CHECK_STR(mapping_for(program, SOURCE_USER)->name, "b", "the enabled one");
    CHECK(!mapping_for(program, SOURCE_GROUP), "no groups");
}

TEST_GROUP(compile, cmocka_unit_test(findings_say_what_is_wrong_and_where),
           cmocka_unit_test(all_findings_come_together),
           cmocka_unit_test(what_is_not_known_is_kept_out_of_the_way),
           cmocka_unit_test(sources_are_completed),
           cmocka_unit_test(rules_of_higher_priority_come_first));
