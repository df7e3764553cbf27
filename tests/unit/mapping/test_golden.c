/* Golden cases: what passes, and what is said of what does not. */
#include "base/clock.h"
#include "base/rng.h"
#include "frame/frame.h"
#include "mapping/document.h"
#include "schemas.h"

#define MAPPINGS                                                                                  \
    "{'targetAttributeName': 'userName', 'matchingPriority': 1, 'source': {'name': "              \
    "'userPrincipalName'}}, {'targetAttributeName': 'title', 'defaultValue': 'none', 'source': "  \
    "{'name': 'jobTitle'}}, {'targetAttributeName': 'active', 'source': {'expression': "          \
    "'Not([IsSoftDeleted])'}}, {'targetAttributeName': 'nickName', 'flowType': 'ObjectAddOnly', " \
    "'source': {'expression': 'SelectUniqueValue([mailNickname], Append([mailNickname], "         \
    "[city]))'}}, {'targetAttributeName': 'locale', 'source': {'expression': "                    \
    "'FormatDateTime(Now(), , , [country])'}}, {'targetAttributeName': 'profileUrl', 'source': "  \
    "{'expression': 'IIF([city] = [country], Error([city]), [city])'}}, {'targetAttributeName': " \
    "'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager', 'source': {'name': "   \
    "'manager'}}"
#define SCOPE                                                                           \
    "'scope': {'groups': [{'name': 'S', 'clauses': [{'sourceOperandName': 'userType', " \
    "'operatorName': 'EQUALS', 'targetOperand': {'values': ['Member']}}]}]}"

static void cases(void **state)
{
    static const struct {
        const char *label;
        const char *golden;
        const char *line; /* NULL: passes */
    } table[] = {
        {"values, and only those that are named",
         "{'source': {'userType': 'Member', 'jobTitle': 'Boss'}, 'expected': {'title': 'Boss', "
         "'active': true}}",
         NULL},
        {"another value",
         "{'source': {'userType': 'Member', 'jobTitle': 'Boss'}, 'expected': {'title': 'boss'}}",
         "title: expected \"boss\", got \"Boss\""},
        {"null: nothing flows",
         "{'source': {'userType': 'Member'}, 'expected': {'userName': null}}", NULL},
        {"a default is what a creation gives",
         "{'source': {'userType': 'Member'}, 'expected': {'title': 'none'}}", NULL},
        {"nothing was expected",
         "{'source': {'userType': 'Member', 'userPrincipalName': 'a@b'}, 'expected': {'userName': "
         "null}}",
         "userName: expected null, got \"a@b\""},
        {"the other spelling of an attribute",
         "{'source': {'userType': 'Member', 'officeLocation': 'x', 'JOBTITLE': 'Boss'}, "
         "'expected': {'TITLE': 'Boss'}}",
         NULL},
        {"out of scope", "{'source': {'userType': 'Guest'}, 'expected': {}, 'inScope': false}",
         NULL},
        {"out of scope, unexpected", "{'source': {'userType': 'Guest'}, 'expected': {}}",
         "expected to be in scope: "},
        {"in scope, unexpected",
         "{'source': {'userType': 'Member'}, 'expected': {}, 'inScope': false}",
         "expected to be out of scope"},
        {"who is out of scope is disabled",
         "{'source': {'userType': 'Guest'}, 'expected': {'active': false}, 'inScope': false}",
         NULL},
        {"the source says so itself",
         "{'source': {'userType': 'Member', 'IsSoftDeleted': true}, 'expected': {'active': "
         "false}}",
         NULL},
        {"taken values",
         "{'source': {'userType': 'Member', 'mailNickname': 'ada', 'city': 'B', '$taken': "
         "['ADA']}, 'expected': {'nickName': 'adaB'}}",
         NULL},
        {"a fixed clock",
         "{'source': {'userType': 'Member', 'country': 'yyyy', '$now': '2031-05-06T00:00:00Z'}, "
         "'expected': {'locale': '2031'}}",
         NULL},
        {"no clock", "{'source': {'userType': 'Member', '$now': 'noon'}, 'expected': {}}",
         "$now is not a time"},
        {"an error",
         "{'source': {'userType': 'Member', 'city': 'x', 'country': 'x'}, 'expected': "
         "{'profileUrl': 'x'}}",
         "profileUrl: expected \"x\", but x"},
        {"a reference",
         "{'source': {'userType': 'Member', 'manager': 'm1'}, 'expected': "
         "{'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager': 'm1'}}",
         NULL},
        {"nothing is mapped to it",
         "{'source': {'userType': 'Member'}, 'expected': {'timezone': 'x'}}",
         "timezone: nothing is mapped to it"},
        {"by the name of the mapping",
         "{'objectMapping': 'Users', 'source': {'userType': 'Member'}, 'expected': {}}", NULL},
        {"by an unknown name", "{'objectMapping': 'Robots', 'source': {}, 'expected': {}}",
         "there is no object mapping 'Robots'"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        const struct mapping_program *program = NULL;
        struct mapping_finding *findings = NULL;
        struct mapping_golden golden;
        struct json *document = schema_from(a, MAPPINGS, SCOPE, "");
        struct json *one = json_from(a, table[i].golden);
        struct json *list = json_new(a, JSON_ARRAY);
        struct rng_seeded rng;
        struct err err = {0};
        size_t at;

        rng_seeded_init(&rng, 1);
        json_add_z(a, one, "name", table[i].label);
        json_append(list, one);
        json_add(a, document, STR("goldenCases"), list);
        CHECK(mapping_document_check(a, document, &document, &program, &findings, &err), "%s: %s",
              err.place, err.message);
        mapping_golden_run(a, program, document, 0, &rng.rng, &golden);
        CHECK(golden.count == 1 && golden.failed == (table[i].line != NULL) &&
                  golden.results[0].passed == (golden.failed == 0),
              "%s: %.*s", table[i].label,
              STR_ARG(golden.results[0].line_count ? golden.results[0].lines[0] : STR("passes")));
        CHECK(!table[i].line ||
                  (str_find(golden.results[0].lines[0], str_from_z(table[i].line), &at) &&
                   at == 0 && golden.results[0].line_count == 1),
              "%s: %.*s", table[i].label, STR_ARG(golden.results[0].lines[0]));
    }
}

static void a_case_of_a_person_passes(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const struct mapping_program *program = NULL;
    struct mapping_finding *findings = NULL;
    struct mapping_golden golden;
    struct json *document = schema_from(a, MAPPINGS, SCOPE, "");
    struct json *list = json_new(a, JSON_ARRAY);
    struct json *one;
    struct mapping_source source = {
        .kind = SOURCE_USER,
        .attributes =
            json_from(a, "{'userPrincipalName': 'ada@x', 'userType': 'Member', 'jobTitle': 'Boss', "
                         "'mailNickname': 'ada', 'country': 'yyyy', 'employeeId': '7'}"),
    };
    struct rng_seeded rng;
    struct err err = {0};

    (void)state;
    rng_seeded_init(&rng, 1);
    CHECK(mapping_document_check(a, document, &document, &program, &findings, &err), "%s",
          err.message);
    one =
        mapping_golden_case(a, mapping_for(program, SOURCE_USER), STR("Ada"), &source, 0, &rng.rng);
    CHECK(!json_get(json_get(one, STR("source")), STR("employeeId")), "only what is read");
    CHECK_STR(json_get_text(json_get(one, STR("expected")), "title"), "Boss", "what comes of it");
    json_append(list, one);
    json_add(a, document, STR("goldenCases"), list);
    mapping_golden_run(a, program, document, 0, &rng.rng, &golden);
    CHECK(golden.count == 1 && golden.failed == 0, "%.*s",
          STR_ARG(golden.results[0].line_count ? golden.results[0].lines[0] : STR("")));
}

TEST_GROUP(golden, cmocka_unit_test(cases), cmocka_unit_test(a_case_of_a_person_passes));
