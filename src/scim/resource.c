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

static bool keep_in(struct arena *a, const struct scim_resource_type *type,
                    const struct scim_schema *extension, const struct json *stored,
                    struct json *doc, struct err *err)
{
    JSON_EACH(old, stored)
    {
        const struct scim_attribute *attribute = attribute_of(type, extension, old->name);
        const struct json *fresh = json_get(doc, old->name);

        if (!attribute)
            continue;
        if (fresh && attribute->mutability == SCIM_IMMUTABLE && !json_equal(old, fresh)) {
            return err_set(err, ERR_INVALID, "mutability", "'%.*s' cannot be changed",
                           STR_ARG(attribute->name));
        }
        if (!fresh &&
            (attribute->mutability == SCIM_IMMUTABLE || attribute->mutability == SCIM_WRITE_ONLY ||
             (!extension && str_eq(attribute->name, STR("active")))))
            json_add(a, doc, old->name, json_clone(a, old));
    }
    return true;
}

bool scim_resource_keep(struct arena *a, const struct scim_resource_type *type,
                        const struct json *stored, struct json *doc, struct err *err)
{
    if (!keep_in(a, type, NULL, stored, doc, err))
        return false;
    for (size_t i = 0; i < type->extension_count; i++) {
        const struct scim_schema *extension = type->extensions[i];
        const struct json *old = json_get(stored, extension->urn);
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

static bool require_in(const struct scim_schema *schema, const struct json *object, struct err *err)
{
    for (size_t i = 0; i < schema->count; i++) {
        if (schema->attributes[i].required && !json_get(object, schema->attributes[i].name)) {
            return err_set(err, ERR_INVALID, "invalidValue", "'%.*s' is required",
                           STR_ARG(schema->attributes[i].name));
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
        if (!require_in(type->extensions[i], json_get(doc, type->extensions[i]->urn), err))
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
