/* The schema as a document: what is refused with all findings, what is filled in, what stays
 * byte for byte. */
#include "base/rng.h"
#include "frame/frame.h"
#include "mapping/document.h"
#include "schemas.h"

#define MATCH                                                                        \
    "{'targetAttributeName': 'userName', 'matchingPriority': 1, 'source': {'name': " \
    "'userPrincipalName'}}"
#define OM "/synchronizationRules/0/objectMappings/0"
#define AM OM "/attributeMappings"

static struct json *checked(struct arena *a, const struct json *given)
{
    struct mapping_finding *findings = NULL;
    struct json *out = NULL;
    struct err err = {0};

    CHECK(mapping_document_check(a, given, &out, NULL, &findings, &err), "%s: %s", err.place,
          err.message);
    CHECK(findings == NULL, "no findings");
    return out;
}

static struct json *parsed(struct arena *a, struct str text)
{
    struct json *v = NULL;
    struct err err = {0};

    CHECK(mapping_document_parse(a, text, &v, NULL, &err), "%s: %s", err.place, err.message);
    return v;
}

static bool has_finding(const struct mapping_finding *f, const char *code, const char *pointer)
{
    for (; f; f = f->next) {
        if (strcmp(f->code, code) == 0 && str_eq_z(f->pointer, pointer))
            return true;
    }
    return false;
}

static size_t count_findings(const struct mapping_finding *f)
{
    size_t n = 0;

    for (; f; f = f->next)
        n++;
    return n;
}

static void all_findings_at_once(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    static const struct {
        const char *code;
        const char *pointer;
    } wanted[] = {
        {"WrongType", OM "/enabled"},
        {"UnknownValue", AM "/0/flowType"},
        {"UnknownValue", OM "/flowTypes"},
        {"AnchorTarget", AM "/1/targetAttributeName"},
        {"DuplicateTarget", AM "/3/targetAttributeName"},
        {"NoMatchingAttribute", AM},
        {"UnknownOperator", OM "/scope/groups/0/clauses/0/operatorName"},
        {"WrongType", OM "/scope/groups/0/clauses/1/targetOperand/values/0"},
        {"WrongType", AM "/4"},
        {"Parse", AM "/5/source/expression"},
        {"UnknownValue", "/directories/0/objects/0/attributes/0/type"},
        {"WrongType", "/directories/0/objects/0/attributes/0/multivalued"},
        {"DuplicateName", "/directories/0/objects/0/attributes/2/name"},
        {"TwoAnchors", "/directories/0/objects/0/attributes/2/anchor"},
        {"UnknownValue", "/directories/0/discoverabilities"},
        {"WrongType", "/goldenCases/0/expected"},
    };
    struct json *given = schema_from(
        a,
        "{'targetAttributeName': 'title', 'flowType': 'Sometimes', 'source': {'name': "
        "'jobTitle'}}, {'targetAttributeName': 'id', 'source': {'name': 'objectId'}}, "
        "{'targetAttributeName': 'displayName', 'source': {'name': 'displayName'}}, "
        "{'targetAttributeName': 'DISPLAYNAME', 'source': {'name': 'mail'}}, 7, "
        "{'targetAttributeName': 'nickName', 'source': {'type': 'Function', 'expression': "
        "'Join('}}",
        "'enabled': 'yes', 'flowTypes': 'Add,Fly', 'scope': {'groups': [{'name': 'G', 'clauses': "
        "[{'sourceOperandName': 'city', 'operatorName': 'SOUNDS_LIKE', 'targetOperand': "
        "{'values': ['x']}}, {'sourceOperandName': 'city', 'operatorName': 'EQUALS', "
        "'targetOperand': {'values': [5]}}]}]}",
        "{'name': 'T', 'discoverabilities': 'Everything', 'objects': [{'name': 'U', 'attributes': "
        "[{'name': 'x', 'type': 'Colour', 'multivalued': 1}, {'name': 'y', 'anchor': true}, "
        "{'name': 'y', 'anchor': true}, {'name': 'title'}, {'name': 'displayName'}, {'name': "
        "'nickName'}]}]}");
    struct mapping_finding *findings = NULL;
    struct json *out = NULL;
    struct err err = {0};

    (void)state;
    json_add(a, given, STR("goldenCases"),
             json_from(a, "[{'name': 'c', 'source': {}, 'expected': 3}]"));
    CHECK(!mapping_document_check(a, given, &out, NULL, &findings, &err), "refused");
    CHECK_STR(str_from_z(err.code), "schemaInvalid", "code");
    CHECK(strstr(err.message, "more findings"), "%s", err.message);
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
        CHECK(has_finding(findings, wanted[i].code, wanted[i].pointer), "%s at %s", wanted[i].code,
              wanted[i].pointer);
    CHECK(count_findings(findings) == ARRAY_LEN(wanted), "each once: %zu of %zu",
          count_findings(findings), ARRAY_LEN(wanted));
}

static void refuses_what_is_no_schema(void **state)
{
    static const struct {
        const char *text;
        const char *code;
        const char *pointer;
    } cases[] = {
        {"5", "WrongType", ""},
        {"[]", "WrongType", ""},
        {"{}", "MissingValue", "/synchronizationRules"},
        {"{'synchronizationRules': {}}", "WrongType", "/synchronizationRules"},
        {"{'synchronizationRules': [3]}", "WrongType", "/synchronizationRules/0"},
        {"{'synchronizationRules': [{}]}", "MissingValue", "/synchronizationRules/0/name"},
        {"{'synchronizationRules': [], 'directories': 'x'}", "WrongType", "/directories"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct mapping_finding *findings = NULL;
        struct json *out;
        struct err err = {0};

        CHECK(!mapping_document_check(a, json_from(a, cases[i].text), &out, NULL, &findings, &err),
              "%s", cases[i].text);
        CHECK(has_finding(findings, cases[i].code, cases[i].pointer), "%s: %s", cases[i].text,
              err.message);
    }
}

static void bounded_whatever_comes(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(buf_done) struct buf text = {0};
    struct mapping_finding *findings = NULL;
    struct json *v;
    struct err err = {0};

    (void)state;
    buf_init(&text, 64 << 20);
    for (size_t i = 0; i < 10 << 20; i++)
        buf_add_char(&text, '[');
    CHECK(!mapping_document_parse(a, buf_str(&text), &v, NULL, &err), "10 MB of nesting");
    CHECK_STR(str_from_z(err.code), "jsonTooDeep", "code");

    buf_reset(&text);
    buf_add_z(&text, "{\"synchronizationRules\":[");
    for (size_t i = 0; i < 200000; i++)
        buf_add_z(&text, i ? ",1" : "1");
    buf_add_z(&text, "]}");
    v = parsed(a, buf_str(&text));
    CHECK(!mapping_document_check(a, v, &v, NULL, &findings, &err), "a wrong thing 200,000 times");
    CHECK(count_findings(findings) <= 2 * MAPPING_FINDINGS_MAX, "a bounded list");
}

static void fills_in_and_stays(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct json *given = schema_from(
        a,
        MATCH ", {'targetAttributeName': 'title', 'flowType': 'objectaddonly', 'source': "
              "{'expression': 'ToLower( [jobTitle] )'}, 'vendorNote': {'b': 1, 'a': [2]}}, "
              "{'targetAttributeName': 'active', 'source': {'type': 'Constant', 'name': 'True'}}, "
              "{'targetAttributeName': 'nickName', 'source': {'type': 'Function', 'expression': "
              "'NULL'}}, {'targetAttributeName': 'phoneNumbers[type eq \\'mobile\\'].value', "
              "'source': {'name': 'mobilePhone'}}, {'targetAttributeName': 'locale', 'source': "
              "{'type': 'Function', 'name': 'Mid', 'parameters': [{'key': 'source', 'value': "
              "{'name': 'mail'}}, {'key': 'start', 'value': {'type': 'Constant', 'name': '1'}}, "
              "{'key': 'length', 'value': {'type': 'Constant', 'name': '8'}}]}}",
        "'flowTypes': 'delete, add', 'scope': null", "");
    struct json *first = checked(a, given);
    struct str text = mapping_document_text(a, first);
    struct json *again = checked(a, parsed(a, text));
    struct json *m = mapping_document_object(first, SOURCE_USER);
    struct json *title = mapping_document_attribute(m, STR("TITLE"));
    struct json *phone =
        mapping_document_attribute(m, STR("phoneNumbers.[type eq \"mobile\"].value"));

    (void)state;
    CHECK(str_eq(mapping_document_text(a, again), text), "byte-stable");
    CHECK_STR(json_get_text(m, "flowTypes"), "Add,Delete", "canonical flags");
    CHECK(json_get_bool(m, "enabled", false), "enabled by default");
    CHECK_STR(json_get_text(title, "flowType"), "ObjectAddOnly", "canonical name");
    CHECK_STR(json_get_text(title, "flowBehavior"), "FlowWhenChanged", "default");
    CHECK_STR(json_text(a, json_get(title, STR("vendorNote"))), "{\"b\":1,\"a\":[2]}",
              "unknown members stay");
    CHECK_STR(json_get_text(json_get(title, STR("source")), "expression"), "ToLower( [jobTitle] )",
              "the spelling stays");
    CHECK_STR(json_get_text(json_get(title, STR("source")), "type"), "Function", "type");
    CHECK(json_get(json_get(title, STR("source")), STR("parameters"))->count == 1, "parsed");
    CHECK_STR(json_get_text(json_get(phone, STR("source")), "name"), "mobile", "first spelling");
    CHECK_STR(json_get_text(json_get(mapping_document_attribute(m, STR("locale")), STR("source")),
                            "expression"),
              "Mid([mail], \"1\", \"8\")", "from the structured form");
    CHECK_STR(json_get_text(json_get(mapping_document_attribute(m, STR("nickName")), STR("source")),
                            "type"),
              "Function", "NULL alone is no text");
    CHECK(json_is(json_get(title, STR("defaultValue")), JSON_NULL), "null, not absent");
    CHECK(!json_get(title, STR("flowNullValues")), "only when true");
}

static const char *const changes[][3] = {
    /* pointer to an object mapping member or mapping, and what is said */
    {"'enabled': true", "'enabled': false", "User: enabled is switched off"},
    {"'flowTypes': 'Add'", "'flowTypes': 'Add,Update'",
     "User: target object actions is now Add,Update, was Add"},
    {"'scope': null",
     "'scope': {'groups': [{'name': 'EU', 'clauses': [{'sourceOperandName': 'country', "
     "'operatorName': 'EQUALS', 'targetOperand': {'values': ['DE']}}]}]}",
     "User: new filter group 'EU': country EQUALS 'DE'"},
    {"'vendor': 1", "'vendor': 2", "User: vendor changed"},
    {"'vendor': 1", "'other': 1", "User: other is new"},
};

static bool said(const struct mapping_difference *d, const char *line)
{
    char text[2048];

    for (; d; d = d->next) {
        struct str where = d->where;
        size_t at;

        if (str_find_last_char(where, '/', &at))
            where = str_from(where, at + 2);
        snprintf(text, sizeof(text), "%.*s: %.*s", STR_ARG(where), STR_ARG(d->text));
        if (strcmp(text, line) == 0)
            return true;
    }
    return false;
}

static void says_what_differs(void **state)
{
    struct mapping_difference *list;
    size_t count;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct json *before = checked(a, schema_from(a, MATCH, changes[i][0], ""));
        struct json *after = checked(a, schema_from(a, MATCH, changes[i][1], ""));

        mapping_document_compare(a, before, after, 0, &list, &count);
        CHECK(said(list, changes[i][2]), "%s, not %.*s", changes[i][2],
              STR_ARG(list ? list->text : STR("nothing")));
        CHECK(!mapping_document_same(before, after), "not the same");
        mapping_document_compare(a, before, before, 0, &list, &count);
        CHECK(count == 0 && !list && mapping_document_same(before, before), "itself");
    }
}

static void says_what_mappings_differ(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct json *before = checked(
        a, schema_from(a,
                       MATCH ", {'targetAttributeName': 'title', 'source': {'name': 'jobTitle'}}, "
                             "{'targetAttributeName': 'locale', 'source': {'name': 'city'}}",
                       "", ""));
    struct json *after = checked(
        a, schema_from(a,
                       "{'targetAttributeName': 'nickName', 'source': {'type': 'Constant', 'name': "
                       "'x'}}, {'targetAttributeName': 'TITLE', 'defaultValue': 'none', 'source': "
                       "{'expression': 'ToUpper([jobTitle])'}}, " MATCH,
                       "", ""));
    struct mapping_difference *list;
    size_t count;

    (void)state;
    mapping_document_compare(a, before, after, 0, &list, &count);
    CHECK(said(list, "User: new mapping 'nickName' from \"x\""), "new");
    CHECK(said(list, "User: mapping 'locale' from [city] removed"), "removed");
    CHECK(said(list, "TITLE: source is now ToUpper([jobTitle]), was [jobTitle]"), "source");
    CHECK(said(list, "TITLE: default value is now 'none', was none"), "default");
    CHECK(said(list, "User: the order of the attribute mappings changed"), "order");
    mapping_document_compare(a, before, after, 2, &list, &count);
    CHECK(count == 6 && list->next && !list->next->next, "counted, but cut: %zu", count);
}

static void a_save_keeps(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct rng_seeded rng;
    struct json *given = schema_from(a, MATCH, "", "{'name': 'T', 'readOnly': false}");
    struct json *stored;
    struct json *draft;
    struct mapping_finding *findings = NULL;
    struct err err = {0};

    (void)state;
    rng_seeded_init(&rng, 1);
    json_add_z(a, given, "id", "the id");
    stored = checked(a, given);
    json_set(a, json_get(stored, STR("directories"))->first, STR("readOnly"), json_bool(a, true));
    json_set(a, json_get(stored, STR("synchronizationRules"))->first, STR("id"),
             json_string(a, STR("rule id")));

    draft = json_from(a, "{'id': 'other', '@odata.context': 'x', 'synchronizationRules': "
                         "[{'name': 'R', 'sourceDirectoryName': 'Azure Active Directory', "
                         "'targetDirectoryName': 'T', 'objectMappings': []}]}");
    mapping_document_keep(a, draft, stored);
    CHECK(json_get(draft, STR("directories")), "absent members stay");
    json_set(a, json_get(draft, STR("directories"))->first, STR("version"),
             json_string(a, STR("mine")));
    draft = checked(a, draft);
    mapping_document_adopt(a, draft, stored, &rng.rng);
    CHECK_STR(json_get_text(draft, "id"), "the id", "the job's own");
    CHECK(!json_get(draft, STR("@odata.context")), "annotations go");
    CHECK_STR(json_get_text(json_get(draft, STR("synchronizationRules"))->first, "id"), "rule id",
              "found by name");
    CHECK(json_is(json_get(json_get(draft, STR("directories"))->first, STR("version")), JSON_NULL),
          "read-only directories stay");

    json_set(a, json_get(stored, STR("synchronizationRules"))->first, STR("editable"),
             json_bool(a, false));
    CHECK(!mapping_document_check_editable(a, draft, stored, &findings, &err) &&
              has_finding(findings, "RuleNotEditable", "/synchronizationRules/0"),
          "rules that are not editable");
}

static void the_reference_as_it_is(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct json *given = schema_from(
        a,
        "{'targetAttributeName': 'active', 'matchingPriority': 0, 'flowBehavior': "
        "'FlowWhenChanged', 'flowType': 'Always', 'defaultValue': null, "
        "'exportMissingReferences': false, 'source': {'expression': 'Switch([IsSoftDeleted], , "
        "\\'False\\', \\'True\\', \\'True\\', \\'False\\')', 'name': 'Switch', 'type': "
        "'Function', 'parameters': [{'key': 'source', 'value': {'expression': '[IsSoftDeleted]', "
        "'name': 'IsSoftDeleted', 'type': 'Attribute', 'parameters': []}}, {'key': 'switchValue', "
        "'value': {'expression': '\\'False\\'', 'name': 'False', 'type': 'Constant', "
        "'parameters': []}}]}}, " MATCH,
        "'metadata': [{'key': 'Disposition', 'value': '\\'Normal\\''}, {'key': 'EscrowBehavior', "
        "'value': '\\'Default\\''}], 'flowTypes': 'Add, Update, Delete'",
        "{'id': 'd', 'name': 'T', 'discoverabilities': 'AttributeNames, AttributeDataTypes', "
        "'discoveryDateTime': '0001-01-01T00:00:00Z', 'objects': [{'name': 'U', "
        "'supportedApis': [], 'metadata': [{'key': 'Unheard', 'value': 'of'}], 'attributes': "
        "[{'name': 'active', 'type': 'boolean', 'apiExpressions': [], 'referencedObjects': []}, "
        "{'name': 'userName', 'type': 'string'}]}]}");

    (void)state;
    json_add_z(a, given, "@odata.context", "https://example/$metadata#x");
    json_add_z(a, given, "directories@odata.context", "https://example/$metadata#y");
    CHECK(!json_get(checked(a, given), STR("directories@odata.context")), "accepted");
}

TEST_GROUP(document, cmocka_unit_test(all_findings_at_once),
           cmocka_unit_test(refuses_what_is_no_schema), cmocka_unit_test(bounded_whatever_comes),
           cmocka_unit_test(fills_in_and_stays), cmocka_unit_test(says_what_differs),
           cmocka_unit_test(says_what_mappings_differ), cmocka_unit_test(a_save_keeps),
           cmocka_unit_test(the_reference_as_it_is));
