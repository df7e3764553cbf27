#include "scim/value.h"

#include "base/clock.h"
#include "base/unicode.h"

#define VALUE STR("value")

bool scim_unassigned(const struct json *v)
{
    return v->type == JSON_NULL || (v->type == JSON_STRING && v->text.len == 0) ||
           (v->type == JSON_ARRAY && v->count == 0);
}

bool scim_instant(struct str text, int64_t *out_us)
{
    size_t at;

    return str_find_char(text, 'T', &at) && time_parse(text, out_us);
}

static bool wrong(const struct scim_attribute *attribute, struct err *err)
{
    struct str type = scim_type_name(attribute->type);

    return err_set(err, ERR_INVALID, "invalidValue", "'%.*s' must be a %.*s",
                   STR_ARG(attribute->name), STR_ARG(type));
}

static bool is_base64(struct str text)
{
    size_t len = text.len;

    while (len > 0 && text.len - len < 2 && text.ptr[len - 1] == '=')
        len--;
    for (size_t i = 0; i < len; i++) {
        char c = text.ptr[i];

        if (!ascii_is_alpha(c) && !ascii_is_digit(c) && c != '+' && c != '/')
            return false;
    }
    return text.len % 4 == 0;
}

/* A JSON number without fraction, of any size. */
static bool is_integer(struct str text)
{
    size_t i = text.len > 0 && text.ptr[0] == '-';

    if (i == text.len)
        return false;
    for (; i < text.len; i++) {
        if (!ascii_is_digit(text.ptr[i]))
            return false;
    }
    return true;
}

static bool read_number(struct arena *a, const struct scim_attribute *attribute,
                        const struct json *v, struct json **out, struct err *err)
{
    struct json *number;

    if (v->type != JSON_NUMBER && v->type != JSON_STRING)
        return wrong(attribute, err);
    if (attribute->type == SCIM_INTEGER && !is_integer(v->text))
        return wrong(attribute, err);
    if (!json_parse(a, v->text, NULL, &number, NULL, NULL) || number->type != JSON_NUMBER)
        return wrong(attribute, err);
    *out = number;
    return true;
}

static bool read_boolean(struct arena *a, const struct scim_rules *rules,
                         const struct scim_attribute *attribute, const struct json *v,
                         struct json **out, struct err *err)
{
    bool is_true = v->type == JSON_BOOL ? v->boolean : str_eq_ascii_nocase(v->text, STR("true"));

    if (v->type != JSON_BOOL) {
        if (v->type != JSON_STRING || rules->strict_booleans)
            return wrong(attribute, err);
        if (!is_true && !str_eq_ascii_nocase(v->text, STR("false")))
            return wrong(attribute, err);
    }
    *out = json_bool(a, is_true);
    return true;
}

static bool read_text(struct arena *a, const struct scim_rules *rules,
                      const struct scim_attribute *attribute, const struct json *v,
                      struct json **out, struct err *err)
{
    size_t max = rules->max_value_bytes ? rules->max_value_bytes : SCIM_VALUE_MAX_BYTES;
    int64_t ignored;

    if (v->type != JSON_STRING && v->type != JSON_NUMBER)
        return wrong(attribute, err);
    if (v->text.len > max) {
        return err_set(err, ERR_INVALID, "invalidValue", "'%.*s' is longer than %zu bytes",
                       STR_ARG(attribute->name), max);
    }
    if (attribute->type == SCIM_DATETIME && !scim_instant(v->text, &ignored))
        return wrong(attribute, err);
    if (attribute->type == SCIM_BINARY && !is_base64(v->text))
        return wrong(attribute, err);
    *out = json_string(a, v->text);
    return true;
}

/* [x] and {"value": x}, the latter with at most one more member, stand for x (scim.md 4.4). */
static const struct json *unwrap(const struct json *v)
{
    if (v->type == JSON_ARRAY && v->count == 1)
        v = v->first;
    if (v->type == JSON_OBJECT && v->count <= 2) {
        const struct json *inner = json_get_nocase(v, VALUE);

        return inner ? inner : v;
    }
    return v;
}

static bool read_simple(struct arena *a, const struct scim_rules *rules,
                        const struct scim_attribute *attribute, const struct json *v,
                        struct json **out, struct err *err)
{
    v = unwrap(v);
    if (scim_unassigned(v)) {
        *out = NULL;
        return true;
    }
    switch (attribute->type) {
    case SCIM_BOOLEAN:
        return read_boolean(a, rules, attribute, v, out, err);
    case SCIM_DECIMAL:
    case SCIM_INTEGER:
        return read_number(a, attribute, v, out, err);
    case SCIM_STRING:
    case SCIM_DATETIME:
    case SCIM_BINARY:
    case SCIM_REFERENCE:
        return read_text(a, rules, attribute, v, out, err);
    case SCIM_COMPLEX:
    case SCIM_TYPE_COUNT:
        break;
    }
    return wrong(attribute, err);
}

/* Text that is a JSON object or array (scim.md 9, row 10). */
static const struct json *unpack_text(struct arena *a, const struct scim_rules *rules,
                                      const struct json *v)
{
    static const struct json_limits limits = {.max_depth = 8, .names_ignore_case = true};
    struct str text = v->type == JSON_STRING ? str_trim(v->text) : (struct str){0};
    struct json *parsed;

    if (rules->strict_json_text || text.len == 0 || (text.ptr[0] != '{' && text.ptr[0] != '['))
        return v;
    return json_parse(a, text, &limits, &parsed, NULL, NULL) ? parsed : v;
}

const struct json *scim_unpack_object(struct arena *a, const struct scim_rules *rules,
                                      const struct json *v)
{
    const struct json *inner = unpack_text(a, rules, v);

    return inner->type == JSON_OBJECT ? inner : v;
}

/* A role whose record is JSON text inside its value (scim.md 9, row 9). */
static const struct json *unpack_role(struct arena *a, const struct scim_rules *rules,
                                      const struct scim_attribute *attribute, const struct json *v)
{
    const struct json *value = json_get_nocase(v, VALUE);
    const struct json *inner;
    struct json *role;

    if (rules->strict_role_text || !str_eq(attribute->name, STR("roles")))
        return v;
    inner = value ? unpack_text(a, &(struct scim_rules){0}, value) : NULL;
    if (!inner || inner->type != JSON_OBJECT)
        return v;
    role = json_clone(a, v);
    json_unlink(role, json_get_nocase(role, VALUE));
    JSON_EACH(member, inner)
    if (!str_eq_ascii_nocase(member->name, STR("id")) && !json_get_nocase(role, member->name))
        json_add(a, role, member->name, json_clone(a, member));
    return role;
}

/* The sub-attribute that a member of the object means; NULL: ignore the member. */
static const struct scim_attribute *sub_of(const struct scim_rules *rules,
                                           const struct scim_attribute *attribute, struct str name)
{
    const struct scim_attribute *sub = scim_sub_attribute(attribute, name);

    if (!sub && !rules->strict_role_text && str_eq(attribute->name, STR("roles")) &&
        str_eq_ascii_nocase(name, STR("displayName")))
        sub = scim_sub_attribute(attribute, STR("display"));
    return sub && sub->mutability != SCIM_READ_ONLY ? sub : NULL;
}

static bool read_object(struct arena *a, const struct scim_rules *rules,
                        const struct scim_attribute *attribute, enum scim_nulls nulls,
                        const struct json *v, struct json **out, struct err *err)
{
    struct json *object = json_new(a, JSON_OBJECT);
    struct json *value = NULL;

    JSON_EACH(member, v)
    {
        const struct scim_attribute *sub = sub_of(rules, attribute, member->name);

        if (!sub)
            continue;
        if (!read_simple(a, rules, sub, member, &value, err))
            return err_wrap(err, "%.*s", STR_ARG(attribute->name));
        if (value) {
            json_set(a, object, sub->name, value);
        } else if (nulls == SCIM_KEEP_UNASSIGNED && !json_get(object, sub->name)) {
            json_add(a, object, sub->name, json_null(a));
        }
    }
    *out = object->count > 0 || nulls == SCIM_KEEP_UNASSIGNED ? object : NULL;
    return true;
}

static bool read_complex(struct arena *a, const struct scim_rules *rules,
                         const struct scim_attribute *attribute, enum scim_nulls nulls,
                         const struct json *v, struct json **out, struct err *err)
{
    struct json *scalar;

    v = unpack_text(a, rules, v);
    if (v->type == JSON_ARRAY && v->count == 1)
        v = unpack_text(a, rules, v->first);
    if (scim_unassigned(v)) {
        *out = NULL;
        return true;
    }
    if (v->type == JSON_OBJECT) {
        return read_object(a, rules, attribute, nulls, unpack_role(a, rules, attribute, v), out,
                           err);
    }
    if (v->type == JSON_ARRAY || !scim_sub_attribute(attribute, VALUE))
        return wrong(attribute, err);
    scalar = json_new(a, JSON_OBJECT);
    json_add(a, scalar, VALUE, json_clone(a, v));
    return read_object(a, rules, attribute, nulls, unpack_role(a, rules, attribute, scalar), out,
                       err);
}

bool scim_element_read(struct arena *a, const struct scim_rules *rules,
                       const struct scim_attribute *attribute, enum scim_nulls nulls,
                       const struct json *v, struct json **out, struct err *err)
{
    if (attribute->type == SCIM_COMPLEX)
        return read_complex(a, rules, attribute, nulls, v, out, err);
    return read_simple(a, rules, attribute, v, out, err);
}

static bool read_list(struct arena *a, const struct scim_rules *rules,
                      const struct scim_attribute *attribute, const struct json *v,
                      struct json **out, struct err *err)
{
    size_t members = rules->max_members ? rules->max_members : SCIM_MEMBERS_MAX;
    size_t max = scim_is_membership(attribute) ? members : SCIM_ELEMENTS_MAX;
    struct json *array = json_new(a, JSON_ARRAY);
    struct scim_list list;
    struct json *element = NULL;
    bool ok = true;

    if (v->count > max) {
        return err_set(err, ERR_INVALID, "invalidValue", "'%.*s' has more than %zu elements",
                       STR_ARG(attribute->name), max);
    }
    scim_list_init(&list, a, attribute, array);
    for (const struct json *item = v->first; ok && item; item = item->next) {
        ok = scim_element_read(a, rules, attribute, SCIM_DROP_UNASSIGNED, item, &element, err);
        if (ok && element)
            scim_list_add(&list, element);
    }
    scim_list_done(&list);
    if (!ok || !scim_primary_check(attribute, array, err))
        return false;
    *out = array->count > 0 ? array : NULL;
    return true;
}

bool scim_value_read(struct arena *a, const struct scim_rules *rules,
                     const struct scim_attribute *attribute, const struct json *v,
                     struct json **out, struct err *err)
{
    struct json one = {.type = JSON_ARRAY, .count = 1};
    struct json item;

    if (!attribute->multi)
        return scim_element_read(a, rules, attribute, SCIM_DROP_UNASSIGNED, v, out, err);
    v = unpack_text(a, rules, v);
    if (scim_unassigned(v)) {
        *out = NULL;
        return true;
    }
    if (v->type != JSON_ARRAY) {
        item = *v;
        item.next = NULL;
        one.first = one.last = &item;
        v = &one;
    }
    return read_list(a, rules, attribute, v, out, err);
}
