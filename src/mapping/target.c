/* Target attributes: definitions, what SCIM says about well-known names, and values of their type.
 */
#include "base/unicode.h"
#include "expr/nearest.h"
#include "mapping/schema.h"

#define ENTERPRISE_USER "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:"

static struct str without_dot_bracket(struct arena *a, struct str name)
{
    size_t at;

    if (!str_find(name, STR(".["), &at))
        return name;
    return arena_printf(a, "%.*s%.*s", (int)at, name.ptr, STR_ARG(str_from(name, at + 1)));
}

bool target_same(struct str a, struct str b)
{
    size_t i = 0;
    size_t j = 0;

    while (i < a.len && j < b.len) {
        if (a.ptr[i] == '.' && i + 1 < a.len && a.ptr[i + 1] == '[')
            i++;
        if (b.ptr[j] == '.' && j + 1 < b.len && b.ptr[j + 1] == '[')
            j++;
        if (ascii_lower(a.ptr[i++]) != ascii_lower(b.ptr[j++]))
            return false;
    }
    return i == a.len && j == b.len;
}

/* What RFC 7643 defines, for targets whose schema does not list it. */
static const struct well_known {
    struct str name; /* the attribute, without filter and sub-attribute */
    enum attribute_type type;
    bool multivalued;
    bool required;
} well_known[] = {
    {STR_INIT("userName"), ATTRIBUTE_STRING, false, true},
    {STR_INIT("active"), ATTRIBUTE_BOOLEAN, false, false},
    {STR_INIT("externalId"), ATTRIBUTE_STRING, false, false},
    {STR_INIT("displayName"), ATTRIBUTE_STRING, false, false},
    {STR_INIT("name"), ATTRIBUTE_STRING, false, false},
    {STR_INIT("title"), ATTRIBUTE_STRING, false, false},
    {STR_INIT("nickName"), ATTRIBUTE_STRING, false, false},
    {STR_INIT("profileUrl"), ATTRIBUTE_STRING, false, false},
    {STR_INIT("userType"), ATTRIBUTE_STRING, false, false},
    {STR_INIT("preferredLanguage"), ATTRIBUTE_STRING, false, false},
    {STR_INIT("locale"), ATTRIBUTE_STRING, false, false},
    {STR_INIT("timezone"), ATTRIBUTE_STRING, false, false},
    {STR_INIT("password"), ATTRIBUTE_STRING, false, false},
    {STR_INIT("emails"), ATTRIBUTE_STRING, false, false},
    {STR_INIT("phoneNumbers"), ATTRIBUTE_STRING, false, false},
    {STR_INIT("ims"), ATTRIBUTE_STRING, false, false},
    {STR_INIT("photos"), ATTRIBUTE_STRING, false, false},
    {STR_INIT("addresses"), ATTRIBUTE_STRING, false, false},
    {STR_INIT("roles"), ATTRIBUTE_STRING, false, false},
    {STR_INIT("entitlements"), ATTRIBUTE_STRING, false, false},
    {STR_INIT("members"), ATTRIBUTE_REFERENCE, true, false},
    {STR_INIT(ENTERPRISE_USER "employeeNumber"), ATTRIBUTE_STRING, false, false},
    {STR_INIT(ENTERPRISE_USER "costCenter"), ATTRIBUTE_STRING, false, false},
    {STR_INIT(ENTERPRISE_USER "organization"), ATTRIBUTE_STRING, false, false},
    {STR_INIT(ENTERPRISE_USER "division"), ATTRIBUTE_STRING, false, false},
    {STR_INIT(ENTERPRISE_USER "department"), ATTRIBUTE_STRING, false, false},
    {STR_INIT(ENTERPRISE_USER "manager"), ATTRIBUTE_REFERENCE, false, false},
};

static const struct well_known *find_well_known(struct str name)
{
    struct str root = name;

    /* The dots of an extension's name belong to the name. */
    for (size_t i = 0; i < name.len && !str_starts(name, STR("urn:")); i++) {
        if (name.ptr[i] == '.' || name.ptr[i] == '[') {
            root = str_sub(name, 0, i);
            break;
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(well_known); i++) {
        if (str_eq_ascii_nocase(well_known[i].name, root))
            return &well_known[i];
    }
    return NULL;
}

static struct str nearest_definition(const struct json *object, struct str name)
{
    struct str best = {"", 0};
    size_t limit = expr_name_tolerance(name);

    JSON_EACH(d, json_get(object, STR("attributes")))
    {
        struct str candidate = json_get_text(d, "name");
        size_t distance = expr_name_distance(name, candidate, limit);

        if (distance <= limit) {
            best = candidate;
            limit = distance > 0 ? distance - 1 : 0;
        }
    }
    return best;
}

static bool unknown_target(struct compiler *k, const struct place *at, const struct json *object,
                           struct str name)
{
    struct str nearest = nearest_definition(object, name);

    if (nearest.len > 0) {
        return schema_finding(k, at, "UnknownTargetAttribute",
                              "the target has no attribute '%.*s'; the nearest is '%.*s'",
                              STR_ARG(str_sub(name, 0, 150)), STR_ARG(str_sub(nearest, 0, 150)));
    }
    return schema_finding(k, at, "UnknownTargetAttribute",
                          "the target has no attribute '%.*s': add it to the attribute list first",
                          STR_ARG(str_sub(name, 0, 150)));
}

static const struct schema_name type_names[] = {
    {"String", ATTRIBUTE_STRING},       {"Boolean", ATTRIBUTE_BOOLEAN},
    {"Integer", ATTRIBUTE_INTEGER},     {"DateTime", ATTRIBUTE_DATETIME},
    {"Reference", ATTRIBUTE_REFERENCE}, {"Binary", ATTRIBUTE_BINARY},
};

enum mutability {
    MUTABILITY_READ_WRITE,
    MUTABILITY_READ_ONLY,
    MUTABILITY_IMMUTABLE,
    MUTABILITY_WRITE_ONLY
};

static const struct schema_name mutability_names[] = {
    {"ReadWrite", MUTABILITY_READ_WRITE},
    {"ReadOnly", MUTABILITY_READ_ONLY},
    {"Immutable", MUTABILITY_IMMUTABLE},
    {"WriteOnly", MUTABILITY_WRITE_ONLY},
};

static size_t maximum_length(const struct json *definition)
{
    int64_t n;

    JSON_EACH(entry, json_get(definition, STR("metadata")))
    {
        if (str_eq_z(json_get_text(entry, "key"), "MaximumLength") &&
            str_to_int(json_get_text(entry, "value"), 1, INT32_MAX, &n))
            return (size_t)n;
    }
    return 0;
}

static bool define_from(struct compiler *k, const struct place *at, const struct json *d,
                        struct mapping_attribute *m, bool *out_immutable)
{
    const struct json *otherwise = json_get(d, STR("defaultValue"));
    int type = ATTRIBUTE_STRING;
    int mutability = MUTABILITY_READ_WRITE;

    if (!schema_enum(k, at, d, "type", type_names, ARRAY_LEN(type_names), &type) ||
        !schema_enum(k, at, d, "mutability", mutability_names, ARRAY_LEN(mutability_names),
                     &mutability))
        return false;
    m->type = (enum attribute_type)type;
    m->multivalued = json_get_bool(d, "multivalued", false);
    m->case_exact = json_get_bool(d, "caseExact", false);
    m->required = json_get_bool(d, "required", false);
    m->max_length = maximum_length(d);
    if (json_is(otherwise, JSON_STRING)) {
        m->has_definition_default = true;
        m->definition_default = arena_str(k->arena, otherwise->text);
    }
    *out_immutable = mutability == MUTABILITY_IMMUTABLE;
    if (mutability == MUTABILITY_READ_ONLY) {
        return schema_finding(k, at, "ReadOnlyTarget", "the target attribute '%.*s' is read-only",
                              STR_ARG(str_sub(m->target, 0, 150)));
    }
    return true;
}

bool target_define(struct compiler *k, const struct place *at, const struct json *object,
                   struct mapping_attribute *m, bool *out_immutable)
{
    const struct json *d = schema_attribute_definition(object, m->target);
    const struct well_known *known = find_well_known(m->target);

    *out_immutable = false;
    m->target = arena_str(k->arena, without_dot_bracket(k->arena, m->target));
    m->secret = str_eq_ascii_nocase(m->target, STR("password"));
    if (str_eq_ascii_nocase(m->target, STR("id")) || json_get_bool(d, "anchor", false)) {
        return schema_finding(k, at, "AnchorTarget",
                              "'%.*s' is the key of the target object and cannot be mapped",
                              STR_ARG(str_sub(m->target, 0, 150)));
    }
    if (d)
        return define_from(k, at, d, m, out_immutable);
    if (object && !known)
        return unknown_target(k, at, object, m->target);
    if (known) {
        m->type = known->type;
        m->multivalued = known->multivalued;
        m->required = known->required;
    }
    if (str_ends(m->target, STR(".primary")))
        m->type = ATTRIBUTE_BOOLEAN;
    return true;
}

static bool cannot(const struct mapping_attribute *m, struct err *err, const char *needs)
{
    err_fill(err, ERR_INVALID, "InvalidAttributeValue", "the value for '%.*s' cannot be %s",
             STR_ARG(str_sub(m->target, 0, 150)), needs);
    return err_at(err, "%.*s", STR_ARG(str_sub(m->target, 0, 100)));
}

static bool to_text(const struct mapping_attribute *m, const struct expr_value *v, struct arena *a,
                    struct json **out, struct err *err)
{
    struct str text;

    if (v->type == EXPR_COMPLEX || v->type == EXPR_BINARY) {
        *out = expr_value_json(a, v);
        if (v->type == EXPR_BINARY)
            *out = (*out)->first; /* the base64 text in it */
        return true;
    }
    if (!expr_value_text(a, v, &text))
        return cannot(m, err, "text");
    if (m->max_length > 0 && utf8_length(text) > m->max_length) {
        err_fill(err, ERR_INVALID, "InvalidAttributeValue",
                 "the value for '%.*s' is longer than its %zu characters",
                 STR_ARG(str_sub(m->target, 0, 150)), m->max_length);
        return err_at(err, "%.*s", STR_ARG(str_sub(m->target, 0, 100)));
    }
    *out = json_string(a, text);
    return true;
}

static bool to_boolean(const struct mapping_attribute *m, const struct expr_value *v,
                       struct arena *a, struct json **out, struct err *err)
{
    struct str text;
    bool yes;

    if (v->type == EXPR_BOOLEAN) {
        *out = json_bool(a, v->boolean);
        return true;
    }
    if (!expr_value_text(a, v, &text))
        return cannot(m, err, "true or false");
    yes = str_eq_ascii_nocase(text, STR("true"));
    if (!yes && !str_eq_ascii_nocase(text, STR("false")))
        return cannot(m, err, "true or false");
    *out = json_bool(a, yes);
    return true;
}

static bool to_integer(const struct mapping_attribute *m, const struct expr_value *v,
                       struct arena *a, struct json **out, struct err *err)
{
    struct str text;
    int64_t n;

    if (v->type != EXPR_INTEGER &&
        (!expr_value_text(a, v, &text) || !str_to_int(str_trim(text), INT64_MIN, INT64_MAX, &n)))
        return cannot(m, err, "an integer");
    *out = json_int(a, v->type == EXPR_INTEGER ? v->integer : n);
    return true;
}

static bool convert_single(const struct mapping_attribute *m, const struct expr_value *v,
                           struct arena *a, struct json **out, struct err *err)
{
    switch (m->type) {
    case ATTRIBUTE_BOOLEAN:
        return to_boolean(m, v, a, out, err);
    case ATTRIBUTE_INTEGER:
        return to_integer(m, v, a, out, err);
    case ATTRIBUTE_STRING:
    case ATTRIBUTE_DATETIME:
    case ATTRIBUTE_REFERENCE:
    case ATTRIBUTE_BINARY:
    case ATTRIBUTE_TYPE_COUNT:
        break;
    }
    return to_text(m, v, a, out, err);
}

bool target_convert(const struct mapping_attribute *m, const struct expr_value *v, struct arena *a,
                    const struct json **out, struct err *err)
{
    struct json *array;
    struct json *item;

    *out = NULL;
    if (v->type == EXPR_NULL)
        return true;
    if (!m->multivalued) {
        /* Of several values the first flows (expressions.md 4, 7). */
        while (v->type == EXPR_LIST)
            v = &v->list.items[0];
        /* "" means no value, whatever the type. */
        if (v->type == EXPR_STRING && v->text.len == 0) {
            *out = json_string(a, v->text);
            return true;
        }
        if (!convert_single(m, v, a, &item, err))
            return false;
        *out = item;
        return true;
    }
    array = json_new(a, JSON_ARRAY);
    for (size_t i = 0; i < (v->type == EXPR_LIST ? v->list.count : 1); i++) {
        const struct expr_value *one = v->type == EXPR_LIST ? &v->list.items[i] : v;

        if (one->type == EXPR_STRING && one->text.len == 0)
            continue;
        if (!convert_single(m, one, a, &item, err))
            return false;
        item->name = (struct str){NULL, 0};
        item->next = NULL;
        json_append(array, item);
    }
    if (array->count > 0)
        *out = array;
    return true;
}

bool target_convert_text(const struct mapping_attribute *m, struct str text, struct arena *a,
                         const struct json **out, struct err *err)
{
    struct expr_value v = {.type = EXPR_STRING, {.text = text}};

    return target_convert(m, &v, a, out, err);
}
