#include "mapping/shape.h"

static const struct schema_name flow_types[] = {
    {"Always", FLOW_ALWAYS},
    {"ObjectAddOnly", FLOW_OBJECT_ADD_ONLY},
    {"MultiValueAddOnly", FLOW_MULTI_VALUE_ADD_ONLY},
    {"ValueAddOnly", FLOW_VALUE_ADD_ONLY},
    {"AttributeAddOnly", FLOW_ATTRIBUTE_ADD_ONLY},
};
static const struct schema_name flow_behaviors[] = {
    {"FlowWhenChanged", FLOW_WHEN_CHANGED},
    {"FlowAlways", FLOW_ALWAYS_SENT},
};
static const struct schema_name object_flow_types[] = {
    {"Add", MAPPING_CAN_ADD},
    {"Update", MAPPING_CAN_UPDATE},
    {"Delete", MAPPING_CAN_DELETE},
};
static const struct schema_name discoverabilities[] = {
    {"AttributeNames", 1},      {"AttributeDataTypes", 2},  {"AttributeReadOnly", 4},
    {"ReferenceAttributes", 8}, {"UnknownFutureValue", 16},
};
static const struct schema_name attribute_types[] = {
    {"String", ATTRIBUTE_STRING},       {"Integer", ATTRIBUTE_INTEGER},
    {"Reference", ATTRIBUTE_REFERENCE}, {"Binary", ATTRIBUTE_BINARY},
    {"Boolean", ATTRIBUTE_BOOLEAN},     {"DateTime", ATTRIBUTE_DATETIME},
};
static const struct schema_name mutabilities[] = {
    {"ReadWrite", 0},
    {"ReadOnly", 1},
    {"Immutable", 2},
    {"WriteOnly", 3},
};

#define NAMES(table)   .names = (table), .name_count = ARRAY_LEN(table)
#define MEMBERS(table) .members = (table), .count = ARRAY_LEN(table)
#define TEXT(name_, ...)                                \
    {                                                   \
        .name = (name_), .form = FORM_TEXT, __VA_ARGS__ \
    }
#define BOOL(name_, default_, ...)                                            \
    {                                                                         \
        .name = (name_), .form = FORM_BOOL, .number = (default_), __VA_ARGS__ \
    }
#define LIST(name_, shape_, ...)                                            \
    {                                                                       \
        .name = (name_), .form = FORM_LIST, .shape = &(shape_), __VA_ARGS__ \
    }

static const struct shape_member pair_members[] = {
    TEXT("key"),
    TEXT("value", .nullable = true),
};
static const struct shape shape_pair = {
    .what = "entry",
    MEMBERS(pair_members),
    .key = {"key"},
};

static const struct shape_member operand_members[] = {
    {.name = "values", .form = FORM_TEXTS},
};
static const struct shape shape_operand = {.what = "operand", MEMBERS(operand_members)};

static const struct shape_member clause_members[] = {
    TEXT("sourceOperandName", .words = "attribute"),
    TEXT("operatorName", .words = "operator"),
    {.name = "targetOperand",
     .words = "value",
     .form = FORM_OBJECT,
     .nullable = true,
     .shape = &shape_operand},
};
const struct shape shape_filter_clause = {.what = "clause", MEMBERS(clause_members)};

static const struct shape_member group_members[] = {
    TEXT("name"),
    LIST("clauses", shape_filter_clause),
};
const struct shape shape_filter_group = {
    .what = "filter group",
    MEMBERS(group_members),
    .key = {"name"},
};

static const struct shape_member filter_members[] = {
    LIST("groups", shape_filter_group, .words = "scoping filter"),
    LIST("inputFilterGroups", shape_filter_group, .words = "input filter"),
    LIST("categoryFilterGroups", shape_filter_group, .words = "category filter"),
};
static const struct shape shape_filter = {.what = "scope", MEMBERS(filter_members)};

static const struct shape_member attribute_mapping_members[] = {
    TEXT("targetAttributeName", .words = "target attribute"),
    {.name = "matchingPriority", .words = "matching priority", .form = FORM_INT},
    {.name = "flowType",
     .words = "flow type",
     .form = FORM_NAME,
     .otherwise = "Always",
     NAMES(flow_types)},
    {.name = "flowBehavior",
     .words = "flow behaviour",
     .form = FORM_NAME,
     .otherwise = "FlowWhenChanged",
     NAMES(flow_behaviors)},
    TEXT("defaultValue", .words = "default value", .nullable = true),
    BOOL("exportMissingReferences", false),
    BOOL("flowNullValues", false, .words = "flow of null values", .optional = true),
    {.name = "source", .form = FORM_SOURCE, .nullable = true},
};
const struct shape shape_attribute_mapping = {
    .what = "mapping",
    MEMBERS(attribute_mapping_members),
    .key = {"targetAttributeName"},
    .key_is_target = true,
};

static const struct shape_member object_mapping_members[] = {
    TEXT("name", .needed = true),
    BOOL("enabled", true),
    {.name = "flowTypes",
     .words = "target object actions",
     .form = FORM_FLAGS,
     .number = MAPPING_CAN_ADD | MAPPING_CAN_UPDATE | MAPPING_CAN_DELETE,
     NAMES(object_flow_types)},
    TEXT("sourceObjectName", .words = "source object"),
    TEXT("targetObjectName", .words = "target object"),
    {.name = "scope", .form = FORM_OBJECT, .nullable = true, .shape = &shape_filter},
    LIST("metadata", shape_pair),
    LIST("attributeMappings", shape_attribute_mapping, .words = "attribute mappings"),
};
const struct shape shape_object_mapping = {
    .what = "object mapping",
    MEMBERS(object_mapping_members),
    .key = {"sourceObjectName", "targetObjectName"},
};

static const struct shape_member containers_members[] = {
    {.name = "includedContainers", .form = FORM_TEXTS},
};
static const struct shape shape_containers = {.what = "containers", MEMBERS(containers_members)};
static const struct shape_member included_members[] = {
    {.name = "includedGroups", .form = FORM_TEXTS},
};
static const struct shape shape_included = {.what = "groups", MEMBERS(included_members)};

static const struct shape_member rule_members[] = {
    TEXT("id"),
    TEXT("name", .needed = true),
    {.name = "priority", .form = FORM_INT},
    BOOL("editable", true),
    TEXT("sourceDirectoryName", .words = "source directory"),
    TEXT("targetDirectoryName", .words = "target directory"),
    LIST("metadata", shape_pair),
    {.name = "containerFilter",
     .words = "container filter",
     .form = FORM_OBJECT,
     .nullable = true,
     .shape = &shape_containers},
    {.name = "groupFilter",
     .words = "group filter",
     .form = FORM_OBJECT,
     .nullable = true,
     .shape = &shape_included},
    LIST("objectMappings", shape_object_mapping, .words = "object mappings"),
};
const struct shape shape_rule = {.what = "rule", MEMBERS(rule_members), .key = {"name"}};

static const struct shape_member reference_members[] = {
    TEXT("referencedObjectName", .words = "object"),
    TEXT("referencedProperty", .words = "property", .nullable = true),
};
static const struct shape shape_reference = {.what = "reference", MEMBERS(reference_members)};

static const struct shape_member attribute_members[] = {
    TEXT("name", .needed = true),
    {.name = "type", .form = FORM_NAME, .otherwise = "String", NAMES(attribute_types)},
    BOOL("multivalued", false),
    {.name = "mutability", .form = FORM_NAME, .otherwise = "ReadWrite", NAMES(mutabilities)},
    BOOL("required", false),
    BOOL("anchor", false),
    BOOL("caseExact", false, .words = "exact case"),
    BOOL("flowNullValues", false, .words = "flow of null values"),
    TEXT("defaultValue", .words = "default value", .nullable = true),
    LIST("referencedObjects", shape_reference, .words = "referenced objects"),
    LIST("metadata", shape_pair),
    LIST("apiExpressions", shape_pair, .words = "API expressions"),
};
const struct shape shape_attribute = {
    .what = "attribute",
    MEMBERS(attribute_members),
    .key = {"name"},
};

static const struct shape_member object_members[] = {
    TEXT("name", .needed = true),
    LIST("metadata", shape_pair),
    {.name = "supportedApis", .words = "supported APIs", .form = FORM_TEXTS},
    LIST("attributes", shape_attribute),
};
static const struct shape shape_object = {
    .what = "object",
    MEMBERS(object_members),
    .key = {"name"},
};

static const struct shape_member directory_members[] = {
    TEXT("id"),
    TEXT("name", .needed = true),
    BOOL("readOnly", false, .words = "read-only"),
    {.name = "discoverabilities", .form = FORM_FLAGS, NAMES(discoverabilities)},
    TEXT("version", .nullable = true),
    TEXT("discoveryDateTime", .words = "time of discovery", .nullable = true),
    LIST("metadata", shape_pair, .optional = true),
    LIST("objects", shape_object),
};
static const struct shape shape_directory = {
    .what = "directory",
    MEMBERS(directory_members),
    .key = {"name"},
};

static const struct shape_member case_members[] = {
    TEXT("name", .needed = true),
    TEXT("objectMapping", .words = "object mapping", .nullable = true),
    {.name = "source", .form = FORM_ANY},
    {.name = "expected", .words = "expected values", .form = FORM_ANY},
    BOOL("inScope", true, .words = "in scope"),
};
static const struct shape shape_case = {
    .what = "golden case",
    MEMBERS(case_members),
    .key = {"name"},
};

static const struct shape_member schema_members[] = {
    TEXT("id"),
    TEXT("version"),
    LIST("synchronizationRules", shape_rule, .words = "rules"),
    LIST("directories", shape_directory),
    LIST("goldenCases", shape_case, .words = "golden cases", .optional = true),
};
const struct shape shape_schema = {.what = "schema", MEMBERS(schema_members)};

const struct shape_member *shape_member_find(const struct shape *s, struct str name)
{
    for (size_t i = 0; i < s->count; i++) {
        if (str_eq_z(name, s->members[i].name))
            return &s->members[i];
    }
    return NULL;
}
