/* From a schema document to a program (attribute-mappings.md 2 to 5 and 13). */
#include "mapping/schema.h"

enum { ATTRIBUTES_MAX = 2000 }; /* of one object (attribute-mappings.md 11) */

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
static const struct schema_name object_flags[] = {
    {"None", 0},
    {"Add", MAPPING_CAN_ADD},
    {"Update", MAPPING_CAN_UPDATE},
    {"Delete", MAPPING_CAN_DELETE},
};
static const struct schema_name source_objects[] = {
    {"User", SOURCE_USER},
    {"Group", SOURCE_GROUP},
};

/* What is known while one object mapping is compiled. */
struct object_compiler {
    struct compiler *k;
    const struct place *at;
    struct mapping_object *object;
    struct source_scope source;
    const struct json *target; /* definition of the target object; may be NULL */
};

static struct str canonical_name(const void *ctx, struct str name)
{
    const enum source_kind *kind = ctx;
    const struct source_attribute *a = source_attribute_find(*kind, name);

    return a ? a->name : name;
}

static bool flows_null(const struct object_compiler *o, const struct json *mapping,
                       const struct mapping_attribute *m)
{
    size_t count = 0;
    const unsigned *slots = m->expr ? expr_slots(m->expr, &count) : NULL;

    if (!json_get_bool(mapping, "flowNullValues", false) || count == 0 || m->required ||
        m->matching_priority > 0)
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct json *d = schema_attribute_definition(
            o->source.definition, expr_names_at(o->source.names, slots[i]));

        if (!json_get_bool(d, "flowNullValues", false))
            return false;
    }
    return true;
}

static bool uses_slot(const struct mapping_attribute *m, size_t slot)
{
    size_t count = 0;
    const unsigned *slots = m->expr ? expr_slots(m->expr, &count) : NULL;

    for (size_t i = 0; i < count; i++) {
        if (slots[i] == slot)
            return true;
    }
    return false;
}

/* The rules that join source, target and flow. */
static bool check_together(const struct object_compiler *o, const struct place *at,
                           struct mapping_attribute *m, bool defined)
{
    bool unique = m->expr && expr_selects_unique(m->expr);

    if (m->is_reference && !defined)
        m->type = ATTRIBUTE_REFERENCE;
    if (m->form != MAPPING_NONE && m->is_reference != (m->type == ATTRIBUTE_REFERENCE)) {
        return schema_finding(o->k, at, "TypeMismatch",
                              "a reference can only be mapped to a Reference attribute, and "
                              "directly: source '%.*s', target type %s",
                              STR_ARG(str_sub(m->source_text, 0, 120)),
                              attribute_type_name(m->type));
    }
    if (unique && m->matching_priority > 0) {
        return schema_finding(o->k, at, "SelectUniqueValueMatches",
                              "SelectUniqueValue cannot be used on a matching attribute");
    }
    if (unique && m->flow_type != FLOW_OBJECT_ADD_ONLY) {
        return schema_finding(o->k, at, "SelectUniqueValueFlow",
                              "SelectUniqueValue needs the flowType ObjectAddOnly");
    }
    if (m->form == MAPPING_NONE && m->matching_priority > 0) {
        return schema_finding(o->k, at, "MatchingWithoutSource",
                              "a matching attribute needs a source");
    }
    return true;
}

static bool compile_flow(const struct object_compiler *o, const struct place *at,
                         const struct json *mapping, struct mapping_attribute *m)
{
    struct place place = {.parent = at, .name = "matchingPriority"};
    const struct json *otherwise = json_get(mapping, STR("defaultValue"));
    int64_t priority = schema_int(o->k, at, mapping, "matchingPriority", 0);
    int type = FLOW_ALWAYS;
    int behavior = FLOW_WHEN_CHANGED;
    bool ok = schema_enum(o->k, at, mapping, "flowType", flow_types, ARRAY_LEN(flow_types), &type);

    ok &= schema_enum(o->k, at, mapping, "flowBehavior", flow_behaviors, ARRAY_LEN(flow_behaviors),
                      &behavior);
    if (priority < 0 || priority > INT32_MAX) {
        ok = schema_finding(o->k, &place, "UnknownValue",
                            "matchingPriority is 0 (not a matching attribute) or more");
    } else {
        m->matching_priority = (unsigned)priority;
    }
    m->flow_type = (enum mapping_flow_type)type;
    m->flow_behavior = (enum mapping_flow_behavior)behavior;
    m->default_value = arena_str(o->k->arena, schema_text(o->k, at, mapping, "defaultValue"));
    m->has_default = json_is(otherwise, JSON_STRING) && m->default_value.len > 0;
    schema_bool(o->k, at, mapping, "flowNullValues", false);
    schema_bool(o->k, at, mapping, "exportMissingReferences", false);
    return ok;
}

static void check_default(const struct object_compiler *o, const struct place *at,
                          const struct mapping_attribute *m)
{
    struct place place = {.parent = at, .name = "defaultValue"};
    const struct json *value;
    struct err err;

    if (m->has_default && !target_convert_text(m, m->default_value, o->k->arena, &value, &err))
        schema_finding(o->k, &place, "InvalidDefault", "%s", err.message);
}

static void compile_attribute(const struct object_compiler *o, const struct place *at,
                              const struct json *mapping, struct mapping_attribute *m)
{
    struct place target = {.parent = at, .name = "targetAttributeName"};
    bool immutable = false;
    bool defined;
    size_t before = o->k->findings;

    if (mapping->type != JSON_OBJECT) {
        schema_finding(o->k, at, "WrongType", "an attribute mapping must be an object");
        return;
    }
    m->target = schema_text(o->k, at, mapping, "targetAttributeName");
    if (m->target.len == 0 && o->k->findings == before) {
        schema_finding(o->k, &target, "MissingValue", "targetAttributeName is missing");
        return;
    }
    compile_flow(o, at, mapping, m);
    defined = schema_attribute_definition(o->target, m->target) != NULL;
    if (!target_define(o->k, &target, o->target, m, &immutable))
        return;
    if (immutable)
        m->flow_type = FLOW_OBJECT_ADD_ONLY;
    if (!source_compile(o->k, at, mapping, &o->source, m) || !check_together(o, at, m, defined))
        return;
    check_default(o, at, m);
    m->flow_null = flows_null(o, mapping, m);
}

static void check_duplicates(const struct object_compiler *o, const struct place *list)
{
    const struct mapping_object *object = o->object;

    for (size_t i = 1; i < object->attribute_count; i++) {
        struct place at = {.parent = list, .index = i};
        struct place target = {.parent = &at, .name = "targetAttributeName"};

        for (size_t j = 0; j < i; j++) {
            if (object->attributes[i].target.len > 0 &&
                target_same(object->attributes[i].target, object->attributes[j].target)) {
                schema_finding(o->k, &target, "DuplicateTarget",
                               "'%.*s' is the target of two mappings",
                               STR_ARG(str_sub(object->attributes[i].target, 0, 150)));
                break;
            }
        }
    }
}

/* Insertion keeps mappings of the same priority in their order. */
static void sort_matching(struct arena *a, struct mapping_object *object)
{
    object->matching = ARENA_ARRAY(a, const struct mapping_attribute *, object->attribute_count);
    for (size_t i = 0; i < object->attribute_count; i++) {
        const struct mapping_attribute *m = &object->attributes[i];
        size_t at = object->matching_count;

        if (m->matching_priority == 0)
            continue;
        for (; at > 0 && object->matching[at - 1]->matching_priority > m->matching_priority; at--)
            object->matching[at] = object->matching[at - 1];
        object->matching[at] = m;
        object->matching_count++;
    }
}

static bool is_mapped(const struct mapping_object *object, struct str target)
{
    for (size_t i = 0; i < object->attribute_count; i++) {
        if (target_same(object->attributes[i].target, target))
            return true;
    }
    return false;
}

/* Required attributes of the target that nothing fills, so that a create can name them before the
 * target refuses it. */
static void find_unmapped(const struct object_compiler *o)
{
    const struct json *attributes = json_get(o->target, STR("attributes"));
    struct mapping_object *object = o->object;
    struct str *names;

    if (!json_is(attributes, JSON_ARRAY))
        return;
    names = ARENA_ARRAY(o->k->arena, struct str, attributes->count);
    JSON_EACH(d, attributes)
    {
        struct str name = json_get_text(d, "name");

        if (json_get_bool(d, "required", false) && !json_get_bool(d, "anchor", false) &&
            !str_eq_ascii_nocase(json_get_text(d, "mutability"), STR("ReadOnly")) &&
            !is_mapped(object, name))
            names[object->unmapped_required_count++] = arena_str(o->k->arena, name);
    }
    object->unmapped_required = names;
}

static void find_soft_deleted(struct mapping_object *object)
{
    object->soft_deleted_slot = SIZE_MAX;
    for (size_t i = 0; i < expr_names_count(object->names); i++) {
        if (str_eq_z(expr_names_at(object->names, i), "IsSoftDeleted"))
            object->soft_deleted_slot = i;
    }
    for (size_t i = 0; i < object->attribute_count; i++) {
        struct mapping_attribute *m = &object->attributes[i];

        m->uses_soft_deleted = uses_slot(m, object->soft_deleted_slot);
        object->maps_soft_deleted |= m->uses_soft_deleted;
    }
}

static void compile_attributes(struct object_compiler *o, const struct json *mapping)
{
    struct place list = {.parent = o->at, .name = "attributeMappings"};
    const struct json *all = schema_array(o->k, o->at, mapping, "attributeMappings");
    struct mapping_object *object = o->object;
    size_t i = 0;

    if (all && all->count > ATTRIBUTES_MAX) {
        schema_finding(o->k, &list, "TooMany", "an object can have at most %d attribute mappings",
                       ATTRIBUTES_MAX);
        return;
    }
    object->attributes = ARENA_ARRAY(o->k->arena, struct mapping_attribute, all ? all->count : 0);
    JSON_EACH(one, all)
    {
        struct place at = {.parent = &list, .index = i};

        compile_attribute(o, &at, one, &object->attributes[i++]);
    }
    object->attribute_count = i;
    check_duplicates(o, &list);
    sort_matching(o->k->arena, object);
    if (object->enabled && object->matching_count == 0) {
        schema_finding(o->k, &list, "NoMatchingAttribute",
                       "an enabled object mapping needs an attribute with a matchingPriority of "
                       "1 or more, by which accounts are found");
    }
}

static bool compile_flags(struct compiler *k, const struct place *at, const struct json *mapping,
                          unsigned *out)
{
    struct place place = {.parent = at, .name = "flowTypes"};
    const struct json *v = json_get(mapping, STR("flowTypes"));
    struct str rest = schema_text(k, at, mapping, "flowTypes");
    bool more = json_is(v, JSON_STRING);

    *out = MAPPING_CAN_ADD | MAPPING_CAN_UPDATE | MAPPING_CAN_DELETE;
    if (more)
        *out = 0;
    while (more) {
        struct str flag;
        bool known = false;

        more = str_cut(&rest, ',', &flag);
        flag = str_trim(flag);
        for (size_t i = 0; i < ARRAY_LEN(object_flags); i++) {
            if (str_eq_ascii_nocase(flag, str_from_z(object_flags[i].name))) {
                *out |= (unsigned)object_flags[i].value;
                known = true;
            }
        }
        if (!known && flag.len > 0) {
            return schema_finding(k, &place, "UnknownValue",
                                  "'%.*s' is not a flow type; they are Add, Update and Delete",
                                  STR_ARG(str_sub(flag, 0, 60)));
        }
    }
    return true;
}

static void compile_object(struct compiler *k, const struct place *at, const struct json *rule,
                           const struct json *mapping, struct mapping_object *out)
{
    struct object_compiler o = {.k = k, .at = at, .object = out};
    struct place source = {.parent = at, .name = "sourceObjectName"};
    struct str source_name = schema_text(k, at, mapping, "sourceObjectName");
    int kind = SOURCE_USER;

    out->name = arena_str(k->arena, schema_text(k, at, mapping, "name"));
    out->target_type = arena_str(k->arena, schema_text(k, at, mapping, "targetObjectName"));
    out->enabled = schema_bool(k, at, mapping, "enabled", true);
    compile_flags(k, at, mapping, &out->can);
    if (source_name.len == 0) {
        schema_finding(k, &source, "MissingValue", "sourceObjectName is missing");
        return;
    }
    if (!schema_enum(k, at, mapping, "sourceObjectName", source_objects, ARRAY_LEN(source_objects),
                     &kind))
        return;
    if (out->target_type.len == 0) {
        source.name = "targetObjectName";
        schema_finding(k, &source, "MissingValue", "targetObjectName is missing");
        return;
    }
    out->kind = (enum source_kind)kind;
    o.source.kind = out->kind;
    o.source.names = expr_names_new(k->arena, canonical_name, &out->kind);
    o.source.definition =
        schema_object_definition(k, json_get_text(rule, "sourceDirectoryName"), source_name);
    o.target =
        schema_object_definition(k, json_get_text(rule, "targetDirectoryName"), out->target_type);
    out->names = o.source.names;
    compile_attributes(&o, mapping);
    out->scope = filter_compile(k, at, schema_object(k, at, mapping, "scope"), &o.source);
    find_soft_deleted(out);
    find_unmapped(&o);
}

struct rule_entry {
    const struct json *rule;
    size_t index;
    int64_t priority;
};

static void check_directories(struct compiler *k, const struct place *at, const struct json *rule)
{
    static const char *const names[] = {"sourceDirectoryName", "targetDirectoryName"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct str name = schema_text(k, at, rule, names[i]);
        struct place place = {.parent = at, .name = names[i]};

        if (schema_lacks_directory(k, name)) {
            schema_finding(k, &place, "UnknownDirectory",
                           "there is no directory '%.*s' in 'directories'",
                           STR_ARG(str_sub(name, 0, 150)));
        }
    }
}

static void compile_rule(struct compiler *k, const struct rule_entry *entry,
                         struct mapping_program *p)
{
    struct place rules = {.name = "synchronizationRules"};
    struct place at = {.parent = &rules, .index = entry->index};
    struct place list = {.parent = &at, .name = "objectMappings"};
    size_t i = 0;

    check_directories(k, &at, entry->rule);
    JSON_EACH(mapping, schema_array(k, &at, entry->rule, "objectMappings"))
    {
        struct place place = {.parent = &list, .index = i++};

        if (mapping->type == JSON_OBJECT) {
            compile_object(k, &place, entry->rule, mapping, &p->objects[p->object_count++]);
        } else {
            schema_finding(k, &place, "WrongType", "an object mapping must be an object");
        }
    }
}

static void compile_rules(struct compiler *k, struct mapping_program *p)
{
    struct place rules = {.name = "synchronizationRules"};
    const struct json *all = schema_array(k, NULL, k->schema, "synchronizationRules");
    struct rule_entry *sorted = ARENA_ARRAY(k->arena, struct rule_entry, all ? all->count : 0);
    size_t objects = 0;
    size_t count = 0;
    size_t index = 0;

    if (!json_get(k->schema, STR("synchronizationRules")))
        schema_finding(k, &rules, "MissingValue", "synchronizationRules is missing");
    JSON_EACH(rule, all)
    {
        struct place at = {.parent = &rules, .index = index};
        struct rule_entry entry = {.rule = rule, .index = index++};
        size_t i = count;

        if (rule->type != JSON_OBJECT) {
            schema_finding(k, &at, "WrongType", "a rule must be an object");
            continue;
        }
        entry.priority = schema_int(k, &at, rule, "priority", 0);
        for (; i > 0 && sorted[i - 1].priority > entry.priority; i--)
            sorted[i] = sorted[i - 1];
        sorted[i] = entry;
        count++;
        if (json_is(json_get(rule, STR("objectMappings")), JSON_ARRAY))
            objects += json_get(rule, STR("objectMappings"))->count;
    }
    p->objects = ARENA_ARRAY(k->arena, struct mapping_object, objects);
    for (size_t i = 0; i < count; i++)
        compile_rule(k, &sorted[i], p);
}

bool mapping_compile(struct arena *a, const struct json *schema, const struct mapping_program **out,
                     struct mapping_finding **out_findings, struct err *err)
{
    struct compiler k = {.arena = a, .schema = schema};
    struct mapping_program *p = ARENA_NEW(a, struct mapping_program);

    if (json_is(schema, JSON_OBJECT)) {
        schema_array(&k, NULL, schema, "directories");
        compile_rules(&k, p);
    } else {
        schema_finding(&k, NULL, "WrongType", "a schema must be an object");
    }
    *out_findings = k.first;
    if (k.first) {
        err_fill(err, ERR_INVALID, "schemaInvalid", "%.*s%s",
                 STR_ARG(str_sub(k.first->message, 0, 300)),
                 k.findings > 1 ? " (and more findings)" : "");
        return err_at(err, "%.*s", STR_ARG(str_sub(k.first->pointer, 0, 120)));
    }
    *out = p;
    return true;
}

const struct mapping_object *mapping_for(const struct mapping_program *p, enum source_kind kind)
{
    const struct mapping_object *disabled = NULL;

    for (size_t i = 0; i < p->object_count; i++) {
        if (p->objects[i].kind != kind)
            continue;
        if (p->objects[i].enabled)
            return &p->objects[i];
        if (!disabled)
            disabled = &p->objects[i];
    }
    return disabled;
}
