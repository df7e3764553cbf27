#include "scim/projection.h"

/* What the request names. `include`: only these; otherwise all but these. */
struct scim_projection {
    bool include;
    struct scim_ref *refs;
    size_t count;
};

static size_t count_names(struct str names)
{
    size_t count = 1;

    for (size_t i = 0; i < names.len; i++)
        count += names.ptr[i] == ',';
    return count;
}

bool scim_projection_parse(struct arena *a, const struct scim_resource_type *type,
                           struct str attributes, struct str excluded,
                           const struct scim_projection **out, struct err *err)
{
    bool include = !str_empty(str_trim(attributes));
    bool exclude = !str_empty(str_trim(excluded));
    struct str rest = include ? attributes : excluded;
    struct scim_projection *p;
    struct str name;
    bool more = true;

    *out = NULL;
    if (include && exclude) {
        return err_set(err, ERR_INVALID, "invalidValue",
                       "'attributes' and 'excludedAttributes' exclude each other");
    }
    if (!include && !exclude && !type->hides)
        return true;
    p = ARENA_NEW(a, struct scim_projection);
    p->include = include;
    p->refs = ARENA_ARRAY(a, struct scim_ref, count_names(rest));
    while (more) {
        struct scim_path path;

        more = str_cut(&rest, ',', &name);
        if (scim_path_parse(a, name, &path, NULL) && !path.filter &&
            scim_resolve(type, &path, &p->refs[p->count]))
            p->count++;
    }
    *out = p;
    return true;
}

enum mention { NOT_NAMED, NAMED_IN_PART, NAMED };

/* id, meta and their like are at the top, and yet not of the core schema. */
static bool is_common(const struct scim_attribute *attribute)
{
    return scim_schema_attribute(&scim_common_schema, attribute->name) == attribute;
}

static enum mention mention_of(const struct scim_projection *p, const struct scim_schema *extension,
                               const struct scim_attribute *attribute)
{
    enum mention found = NOT_NAMED;

    for (size_t i = 0; p && i < p->count; i++) {
        const struct scim_ref *ref = &p->refs[i];

        if (!ref->attribute &&
            (extension ? ref->extension == extension : ref->whole_core && !is_common(attribute)))
            return NAMED;
        if (ref->attribute != attribute)
            continue;
        if (!ref->sub)
            return NAMED;
        found = NAMED_IN_PART;
    }
    return found;
}

static bool names_sub(const struct scim_projection *p, const struct scim_attribute *attribute,
                      const struct scim_attribute *sub)
{
    for (size_t i = 0; p && i < p->count; i++) {
        if (p->refs[i].attribute == attribute && p->refs[i].sub == sub)
            return true;
    }
    return false;
}

/* Whether the attribute, or something of it, is returned. */
static bool is_returned(const struct scim_projection *p, const struct scim_attribute *attribute,
                        enum mention mention)
{
    switch (attribute->returned) {
    case SCIM_ALWAYS:
        return true;
    case SCIM_NEVER:
        return false;
    case SCIM_ON_REQUEST:
        return p && p->include && mention != NOT_NAMED;
    case SCIM_BY_DEFAULT:
        break;
    }
    if (!p)
        return true;
    return p->include ? mention != NOT_NAMED : mention != NAMED;
}

bool scim_projection_wants(const struct scim_projection *p, const struct scim_attribute *attribute)
{
    return is_returned(p, attribute, mention_of(p, NULL, attribute));
}

/* Sub-attributes have the characteristic of their own (RFC 7643 section 7). */
static bool sub_is_returned(const struct scim_projection *p, const struct scim_attribute *attribute,
                            const struct scim_attribute *sub, enum mention mention)
{
    bool include = p && p->include;
    bool named = mention == NAMED || names_sub(p, attribute, sub);

    switch (sub->returned) {
    case SCIM_ALWAYS:
        return true;
    case SCIM_NEVER:
        return false;
    case SCIM_ON_REQUEST:
        return include && named;
    case SCIM_BY_DEFAULT:
        break;
    }
    return mention != NAMED_IN_PART || named == include;
}

static bool has_hidden_subs(const struct scim_attribute *attribute)
{
    for (size_t i = 0; i < attribute->sub_count; i++) {
        if (attribute->subs[i].returned == SCIM_NEVER ||
            attribute->subs[i].returned == SCIM_ON_REQUEST)
            return true;
    }
    return false;
}

static void filter_subs(const struct scim_projection *p, const struct scim_attribute *attribute,
                        enum mention mention, struct json *object)
{
    struct json *next;

    for (struct json *member = object->first; member; member = next) {
        const struct scim_attribute *sub = scim_sub_attribute(attribute, member->name);

        next = member->next;
        if (sub && !sub_is_returned(p, attribute, sub, mention))
            json_unlink(object, member);
    }
}

/* True when nothing of the value is left: what is unassigned is not shown (scim.md 1.6). */
static bool filter_value(const struct scim_projection *p, const struct scim_attribute *attribute,
                         enum mention mention, struct json *value)
{
    struct json *next;

    if (value->type == JSON_OBJECT) {
        filter_subs(p, attribute, mention, value);
        return value->count == 0;
    }
    if (value->type != JSON_ARRAY)
        return false;
    for (struct json *element = value->first; element; element = next) {
        next = element->next;
        if (element->type != JSON_OBJECT)
            continue;
        filter_subs(p, attribute, mention, element);
        if (element->count == 0)
            json_unlink(value, element);
    }
    return value->count == 0;
}

static void filter_object(const struct scim_projection *p, const struct scim_resource_type *type,
                          const struct scim_schema *extension, struct json *object)
{
    struct json *next;

    for (struct json *member = object->first; member; member = next) {
        const struct scim_schema *inner = extension ? NULL : scim_extension(type, member->name);
        const struct scim_attribute *attribute =
            extension ? scim_schema_attribute(extension, member->name)
                      : scim_top_attribute(type, member->name);
        enum mention mention;

        next = member->next;
        if (inner) {
            filter_object(p, type, inner, member);
            if (member->count == 0)
                json_unlink(object, member);
            continue;
        }
        if (!attribute)
            continue;
        mention =
            attribute->returned == SCIM_ALWAYS ? NOT_NAMED : mention_of(p, extension, attribute);
        if (!is_returned(p, attribute, mention) ||
            ((mention == NAMED_IN_PART || has_hidden_subs(attribute)) &&
             filter_value(p, attribute, mention, member)))
            json_unlink(object, member);
    }
}

void scim_projection_apply(const struct scim_projection *p, const struct scim_resource_type *type,
                           struct json *resource)
{
    filter_object(p, type, NULL, resource);
}
