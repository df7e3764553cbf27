#include "scim/schema.h"

static const struct str type_names[] = {
    [SCIM_STRING] = STR_INIT("string"),       [SCIM_BOOLEAN] = STR_INIT("boolean"),
    [SCIM_DECIMAL] = STR_INIT("decimal"),     [SCIM_INTEGER] = STR_INIT("integer"),
    [SCIM_DATETIME] = STR_INIT("dateTime"),   [SCIM_BINARY] = STR_INIT("binary"),
    [SCIM_REFERENCE] = STR_INIT("reference"), [SCIM_COMPLEX] = STR_INIT("complex"),
};
static_assert(ARRAY_LEN(type_names) == SCIM_TYPE_COUNT, "every type has a name");

struct str scim_type_name(enum scim_type type)
{
    return type_names[type];
}

bool scim_type_from_name(struct str name, enum scim_type *out)
{
    for (size_t i = 0; i < SCIM_TYPE_COUNT; i++) {
        if (str_eq_ascii_nocase(type_names[i], name)) {
            *out = (enum scim_type)i;
            return true;
        }
    }
    return false;
}

static const struct scim_attribute *find(const struct scim_attribute *table, size_t count,
                                         struct str name)
{
    for (size_t i = 0; i < count; i++) {
        if (table[i].name.len == name.len && str_eq_ascii_nocase(table[i].name, name))
            return &table[i];
    }
    return NULL;
}

const struct scim_attribute *scim_schema_attribute(const struct scim_schema *schema,
                                                   struct str name)
{
    return find(schema->attributes, schema->count, name);
}

const struct scim_attribute *scim_sub_attribute(const struct scim_attribute *attribute,
                                                struct str name)
{
    return find(attribute->subs, attribute->sub_count, name);
}

const struct scim_attribute *scim_top_attribute(const struct scim_resource_type *type,
                                                struct str name)
{
    const struct scim_attribute *found = scim_schema_attribute(type->core, name);

    return found ? found : scim_schema_attribute(&scim_common_schema, name);
}

const struct scim_schema *scim_extension(const struct scim_resource_type *type, struct str urn)
{
    for (size_t i = 0; i < type->extension_count; i++) {
        if (str_eq_ascii_nocase(type->extensions[i]->urn, urn))
            return type->extensions[i];
    }
    return NULL;
}

/* Whether `urn` followed by ":" and `name` is `whole`, which is how a path that was split at its
 * last colon may still be a schema alone. */
static bool is_joined(struct str whole, struct str urn, struct str name)
{
    return whole.len == urn.len + 1 + name.len && whole.ptr[urn.len] == ':' &&
           str_eq_ascii_nocase(str_sub(whole, 0, urn.len), urn) &&
           str_eq_ascii_nocase(str_from(whole, urn.len + 1), name);
}

static bool is_schema_alone(const struct scim_schema *schema, const struct scim_path *path)
{
    if (str_empty(path->attribute))
        return str_eq_ascii_nocase(schema->urn, path->urn);
    if (path->filter)
        return false;
    if (str_empty(path->sub))
        return is_joined(schema->urn, path->urn, path->attribute);
    return schema->urn.len > path->sub.len &&
           schema->urn.ptr[schema->urn.len - path->sub.len - 1] == '.' &&
           str_eq_ascii_nocase(str_from(schema->urn, schema->urn.len - path->sub.len), path->sub) &&
           is_joined(str_sub(schema->urn, 0, schema->urn.len - path->sub.len - 1), path->urn,
                     path->attribute);
}

static bool with_sub(const struct scim_path *path, struct scim_ref *ref)
{
    if (!ref->attribute)
        return false;
    if (str_empty(path->sub))
        return true;
    ref->sub = scim_sub_attribute(ref->attribute, path->sub);
    return ref->sub != NULL;
}

static bool resolve_plain(const struct scim_resource_type *type, const struct scim_path *path,
                          struct scim_ref *out)
{
    out->attribute = scim_top_attribute(type, path->attribute);
    for (size_t i = 0; !out->attribute && i < type->extension_count; i++) {
        out->attribute = scim_schema_attribute(type->extensions[i], path->attribute);
        out->extension = type->extensions[i];
    }
    return with_sub(path, out);
}

/* "URI.attribute", which was split at the last colon of the URI. */
static bool resolve_dotted(const struct scim_resource_type *type, const struct scim_path *path,
                           struct scim_ref *out)
{
    for (size_t i = 0; i < type->extension_count && path->sub.len > 0; i++) {
        if (!is_joined(type->extensions[i]->urn, path->urn, path->attribute))
            continue;
        out->extension = type->extensions[i];
        out->attribute = scim_schema_attribute(out->extension, path->sub);
        return out->attribute != NULL;
    }
    return false;
}

bool scim_resolve(const struct scim_resource_type *type, const struct scim_path *path,
                  struct scim_ref *out)
{
    *out = (struct scim_ref){0};
    if (str_empty(path->urn))
        return resolve_plain(type, path, out);
    if (is_schema_alone(type->core, path)) {
        out->whole_core = true;
        return true;
    }
    for (size_t i = 0; i < type->extension_count; i++) {
        if (is_schema_alone(type->extensions[i], path)) {
            out->extension = type->extensions[i];
            return true;
        }
    }
    if (str_empty(path->attribute))
        return false;
    if (str_eq_ascii_nocase(type->core->urn, path->urn)) {
        out->attribute = scim_top_attribute(type, path->attribute);
        return with_sub(path, out);
    }
    out->extension = scim_extension(type, path->urn);
    if (!out->extension)
        return type->dotted && resolve_dotted(type, path, out);
    out->attribute = scim_schema_attribute(out->extension, path->attribute);
    return with_sub(path, out);
}

bool scim_extension_required(const struct scim_resource_type *type, size_t i)
{
    const struct scim_schema *extension = type->extensions[i];
    bool required = type->demanded & UINT32_C(1) << i;

    for (size_t k = 0; k < extension->count; k++)
        required = required || extension->attributes[k].required;
    return required;
}
