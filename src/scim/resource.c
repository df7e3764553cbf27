#include "scim/resource.h"

static bool check_schemas(const struct json *v, struct err *err)
{
    bool ok = v->type == JSON_ARRAY || v->type == JSON_NULL;

    JSON_EACH(item, ok ? v : NULL)
    ok = ok && item->type == JSON_STRING;
    return ok || err_set(err, ERR_INVALID, "invalidSyntax", "'schemas' must be a list of URIs");
}

static bool read_attribute(struct arena *a, const struct scim_rules *rules,
                           const struct scim_attribute *attribute, const struct json *v,
                           struct json *into, struct err *err)
{
    struct json *value;

    if (str_eq(attribute->name, STR("schemas")))
        return check_schemas(v, err);
    if (attribute->mutability == SCIM_READ_ONLY)
        return true;
    if (!scim_value_read(a, rules, attribute, v, &value, err))
        return false;
    if (value)
        json_set(a, into, attribute->name, value);
    return true;
}

static bool read_extension(struct arena *a, const struct scim_rules *rules,
                           const struct scim_schema *extension, const struct json *v,
                           struct json *into, struct err *err)
{
    struct json *object = json_new(a, JSON_OBJECT);

    v = scim_unpack_object(a, rules, v);
    if (scim_unassigned(v))
        return true;
    if (v->type != JSON_OBJECT) {
        return err_set(err, ERR_INVALID, "invalidValue", "'%.*s' must be an object",
                       STR_ARG(extension->urn));
    }
    JSON_EACH(member, v)
    {
        const struct scim_attribute *attribute = scim_schema_attribute(extension, member->name);

        if (attribute && !read_attribute(a, rules, attribute, member, object, err))
            return false;
    }
    if (object->count > 0)
        json_set(a, into, extension->urn, object);
    return true;
}

bool scim_resource_read(struct arena *a, const struct scim_resource_type *type,
                        const struct scim_rules *rules, const struct json *body, struct json **out,
                        struct err *err)
{
    struct json *doc = json_new(a, JSON_OBJECT);

    JSON_EACH(member, body)
    {
        const struct scim_attribute *attribute = scim_top_attribute(type, member->name);
        const struct scim_schema *extension = attribute ? NULL : scim_extension(type, member->name);

        if (attribute && !read_attribute(a, rules, attribute, member, doc, err))
            return false;
        if (extension && !read_extension(a, rules, extension, member, doc, err))
            return false;
    }
    scim_resource_prune(type, doc);
    *out = doc;
    return true;
}

/* The attribute of an object inside the document. */
static const struct scim_attribute *attribute_of(const struct scim_resource_type *type,
                                                 const struct scim_schema *extension,
                                                 struct str name)
{
    return extension ? scim_schema_attribute(extension, name) : scim_top_attribute(type, name);
}

static bool refuse_change(struct str name, struct err *err)
{
    return err_set(err, ERR_INVALID, "mutability", "'%.*s' cannot be changed", STR_ARG(name));
}

/* The sub-attributes of one complex value that a new one keeps. */
static bool keep_subs(struct arena *a, const struct scim_attribute *attribute,
                      const struct json *stored, struct json *fresh, struct err *err)
{
    JSON_EACH(old, stored)
    {
        const struct scim_attribute *sub = scim_sub_attribute(attribute, old->name);
        const struct json *now = json_get(fresh, old->name);

        if (now && sub && sub->mutability == SCIM_IMMUTABLE && !json_equal(old, now))
            return refuse_change(sub->name, err);
        if (!now && sub &&
            (sub->mutability == SCIM_IMMUTABLE || sub->mutability == SCIM_WRITE_ONLY))
            json_add(a, fresh, old->name, json_clone(a, old));
    }
    return true;
}

/* Likewise of each element that is the same as a stored one. */
static bool keep_elements(struct arena *a, const struct scim_attribute *attribute,
                          struct json *stored, const struct json *fresh, struct err *err)
{
    struct scim_list list;
    bool ok = true;

    scim_list_init(&list, a, attribute, stored);
    for (struct json *element = fresh->first; ok && element; element = element->next) {
        const struct json *same = scim_list_find(&list, element);

        ok = !same || same->type != JSON_OBJECT || keep_subs(a, attribute, same, element, err);
    }
    scim_list_done(&list);
    return ok;
}

static bool keeps_subs(const struct scim_attribute *attribute)
{
    for (size_t i = 0; i < attribute->sub_count; i++) {
        if (attribute->subs[i].mutability == SCIM_IMMUTABLE ||
            attribute->subs[i].mutability == SCIM_WRITE_ONLY)
            return true;
    }
    return false;
}

static bool keep_in(struct arena *a, const struct scim_resource_type *type,
                    const struct scim_schema *extension, struct json *stored, struct json *doc,
                    struct err *err)
{
    JSON_EACH(old, stored)
    {
        const struct scim_attribute *attribute = attribute_of(type, extension, old->name);
        struct json *fresh = json_get(doc, old->name);

        if (!attribute)
            continue;
        if (fresh && keeps_subs(attribute) &&
            !(attribute->multi ? keep_elements(a, attribute, old, fresh, err)
                               : keep_subs(a, attribute, old, fresh, err)))
            return false;
        if (fresh && attribute->mutability == SCIM_IMMUTABLE && !json_equal(old, fresh))
            return refuse_change(attribute->name, err);
        if (!fresh &&
            (attribute->mutability == SCIM_IMMUTABLE || attribute->mutability == SCIM_WRITE_ONLY ||
             (!extension && str_eq(attribute->name, STR("active")))))
            json_add(a, doc, old->name, json_clone(a, old));
    }
    return true;
}

bool scim_resource_keep(struct arena *a, const struct scim_resource_type *type, struct json *stored,
                        struct json *doc, struct err *err)
{
    if (!keep_in(a, type, NULL, stored, doc, err))
        return false;
    for (size_t i = 0; i < type->extension_count; i++) {
        const struct scim_schema *extension = type->extensions[i];
        struct json *old = json_get(stored, extension->urn);
        struct json *fresh = json_get(doc, extension->urn);

        if (!old)
            continue;
        if (!fresh) {
            fresh = json_new(a, JSON_OBJECT);
            json_add(a, doc, extension->urn, fresh);
        }
        if (!keep_in(a, type, extension, old, fresh, err))
            return false;
    }
    scim_resource_prune(type, doc);
    return true;
}

static bool is_hollow(const struct json *element)
{
    if (element->type != JSON_OBJECT)
        return false;
    JSON_EACH(member, element)
    if (!str_eq(member->name, STR("type")) && !str_eq(member->name, STR("primary")))
        return false;
    return true;
}

/* True when nothing is left of the attribute. */
static bool prune_attribute(struct json *value)
{
    struct json *next;

    if (value->type == JSON_OBJECT)
        return value->count == 0;
    if (value->type != JSON_ARRAY)
        return false;
    for (struct json *element = value->first; element; element = next) {
        next = element->next;
        if (is_hollow(element))
            json_unlink(value, element);
    }
    return value->count == 0;
}

static void prune_object(const struct scim_resource_type *type, struct json *object, bool top)
{
    struct json *next;

    for (struct json *member = object->first; member; member = next) {
        next = member->next;
        if (top && member->type == JSON_OBJECT && scim_extension(type, member->name))
            prune_object(type, member, false);
        if (prune_attribute(member))
            json_unlink(object, member);
    }
}

void scim_resource_prune(const struct scim_resource_type *type, struct json *doc)
{
    prune_object(type, doc, true);
}

/* What is read-only is the provider's to give. */
static bool is_demanded(const struct scim_attribute *attribute)
{
    return attribute->required && attribute->mutability != SCIM_READ_ONLY;
}

/* A complex value that is there has its required sub-attributes. */
static bool require_subs(const struct scim_attribute *attribute, const struct json *value,
                         struct err *err)
{
    for (size_t i = 0; i < attribute->sub_count; i++) {
        const struct scim_attribute *sub = &attribute->subs[i];
        bool there = value->type != JSON_OBJECT || json_get(value, sub->name);

        if (!is_demanded(sub))
            continue;
        JSON_EACH(element, value->type == JSON_ARRAY ? value : NULL)
        there = there && json_get(element, sub->name);
        if (!there) {
            return err_set(err, ERR_INVALID, "invalidValue", "'%.*s.%.*s' is required",
                           STR_ARG(attribute->name), STR_ARG(sub->name));
        }
    }
    return true;
}

static bool require_in(const struct scim_schema *schema, const struct json *object, struct err *err)
{
    for (size_t i = 0; i < schema->count; i++) {
        const struct scim_attribute *attribute = &schema->attributes[i];
        const struct json *value;

        if (!attribute->required && attribute->sub_count == 0)
            continue;
        value = json_get(object, attribute->name);
        if (value && !require_subs(attribute, value, err))
            return false;
        if (!value && is_demanded(attribute)) {
            return err_set(err, ERR_INVALID, "invalidValue", "'%.*s' is required",
                           STR_ARG(attribute->name));
        }
    }
    return true;
}

bool scim_resource_require(const struct scim_resource_type *type, const struct json *doc,
                           struct err *err)
{
    if (!require_in(type->core, doc, err))
        return false;
    for (size_t i = 0; i < type->extension_count; i++) {
        const struct json *object = json_get(doc, type->extensions[i]->urn);

        if (!object && type->demanded & UINT32_C(1) << i) {
            return err_set(err, ERR_INVALID, "invalidValue", "'%.*s' is required",
                           STR_ARG(type->extensions[i]->urn));
        }
        if (!require_in(type->extensions[i], object, err))
            return false;
    }
    return true;
}

static void write_schemas(struct buf *out, const struct scim_resource_type *type,
                          const struct json *doc)
{
    buf_add_z(out, "{\"schemas\":[");
    json_write_text(out, type->core->urn);
    for (size_t i = 0; i < type->extension_count; i++) {
        if (json_get(doc, type->extensions[i]->urn)) {
            buf_add_char(out, ',');
            json_write_text(out, type->extensions[i]->urn);
        }
    }
    buf_add_char(out, ']');
}

void scim_resource_write(struct buf *out, const struct scim_resource_type *type, struct str id,
                         const struct json *doc)
{
    write_schemas(out, type, doc);
    buf_add_z(out, ",\"id\":");
    json_write_text(out, id);
    JSON_EACH(member, doc)
    {
        buf_add_char(out, ',');
        json_write_text(out, member->name);
        buf_add_char(out, ':');
        json_write(out, member);
    }
    buf_add_char(out, '}');
}

bool scim_resource_load(struct arena *a, struct str text, struct json **out, struct err *err)
{
    struct json *doc;

    if (!json_parse(a, text, NULL, &doc, NULL, err))
        return err_wrap(err, "stored resource");
    json_remove(doc, STR("schemas"));
    json_remove(doc, STR("id"));
    *out = doc;
    return true;
}
