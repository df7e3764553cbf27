/* The default synchronization schema of a template: rules with the default mappings whose target
 * the application has, and the definitions of both directories (attribute-mappings.md 7 and 13). */
#include "expr/expr.h"
#include "gallery/gallery.h"
#include "mapping/attributes.h"

#define SOURCE_DIRECTORY    "Azure Active Directory"
#define SOURCE_DIRECTORY_ID "66e4a8cc-1b7b-435e-95f8-f06cea133828"
#define ENTERPRISE_USER     "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
#define CORE_GROUP          "urn:ietf:params:scim:schemas:core:2.0:Group"

/* The home of the defaults: attribute-mappings.md section 7. */
struct default_mapping {
    const char *expression;
    const char *target;
};

static const struct default_mapping user_defaults[] = {
    {"[userPrincipalName]", "userName"},
    {"Switch([IsSoftDeleted], , \"False\", \"True\", \"True\", \"False\")", "active"},
    {"[displayName]", "displayName"},
    {"[jobTitle]", "title"},
    {"[mail]", "emails[type eq \"work\"].value"},
    {"[preferredLanguage]", "preferredLanguage"},
    {"[givenName]", "name.givenName"},
    {"[surname]", "name.familyName"},
    {"Join(\" \", [givenName], [surname])", "name.formatted"},
    {"[physicalDeliveryOfficeName]", "addresses[type eq \"work\"].formatted"},
    {"[streetAddress]", "addresses[type eq \"work\"].streetAddress"},
    {"[city]", "addresses[type eq \"work\"].locality"},
    {"[state]", "addresses[type eq \"work\"].region"},
    {"[postalCode]", "addresses[type eq \"work\"].postalCode"},
    {"[country]", "addresses[type eq \"work\"].country"},
    {"[telephoneNumber]", "phoneNumbers[type eq \"work\"].value"},
    {"[mobile]", "phoneNumbers[type eq \"mobile\"].value"},
    {"[facsimileTelephoneNumber]", "phoneNumbers[type eq \"fax\"].value"},
    {"[mailNickname]", "externalId"},
    {"[employeeId]", ENTERPRISE_USER ":employeeNumber"},
    {"[department]", ENTERPRISE_USER ":department"},
    {"[manager]", ENTERPRISE_USER ":manager"},
};

static const struct default_mapping group_defaults[] = {
    {"[displayName]", "displayName"},
    {"[objectId]", "externalId"},
    {"[members]", "members"},
};

/* Users or groups: what differs between the two halves of a schema. */
struct half {
    const char *kind; /* of the matching attributes in the template */
    const char *source_object;
    const char *target_object;
    const char *attributes; /* members of the template */
    const char *more_attributes;
    const char *matching_source; /* where no default row names the matching attribute */
    const struct default_mapping *defaults;
    size_t default_count;
    enum source_kind source;
};

static const struct half users = {
    .kind = "user",
    .source_object = "User",
    .target_object = ENTERPRISE_USER,
    .attributes = "userAttributes",
    .more_attributes = "moreUserAttributes",
    .matching_source = "[userPrincipalName]",
    .defaults = user_defaults,
    .default_count = ARRAY_LEN(user_defaults),
    .source = SOURCE_USER,
};

static const struct half groups = {
    .kind = "group",
    .source_object = "Group",
    .target_object = CORE_GROUP,
    .attributes = "groupAttributes",
    .more_attributes = "moreGroupAttributes",
    .matching_source = "[displayName]",
    .defaults = group_defaults,
    .default_count = ARRAY_LEN(group_defaults),
    .source = SOURCE_GROUP,
};

struct builder {
    struct arena *arena;
    const struct gallery_template *template;
    struct rng *rng;
    struct err *err;
};

static struct json *add_array(struct arena *a, struct json *object, const char *name)
{
    struct json *array = json_new(a, JSON_ARRAY);

    json_add(a, object, str_from_z(name), array);
    return array;
}

static struct json *append_object(struct arena *a, struct json *array)
{
    struct json *object = json_new(a, JSON_OBJECT);

    json_append(array, object);
    return object;
}

static void add_metadata(struct arena *a, struct json *list, const char *key, const char *value)
{
    struct json *entry = append_object(a, list);

    json_add_z(a, entry, "key", key);
    json_add_z(a, entry, "value", value);
}

static void add_uuid(struct builder *b, struct json *object, const char *name)
{
    char text[UUID_TEXT_MAX];

    json_add_str(b->arena, object, name, uuid_new(b->rng, text));
}

/* 0: not a matching attribute, else its place in the template's list, from 1. */
static int64_t matching_priority(const struct builder *b, const struct half *half,
                                 struct str target)
{
    int64_t priority = 0;

    JSON_EACH(item,
              json_get(json_get(b->template->document, STR("matching")), str_from_z(half->kind)))
    {
        priority++;
        if (str_eq(item->text, target))
            return priority;
    }
    return 0;
}

static bool add_mapping(struct builder *b, struct json *list, struct str target,
                        const char *expression, int64_t priority)
{
    struct json *m = append_object(b->arena, list);
    const struct expr *e;
    struct expr_error error;

    if (!expr_compile(b->arena, str_from_z(expression), NULL, &e, &error)) {
        if (b->err)
            *b->err = error.err;
        return err_wrap(b->err, "default mapping '%s'", expression);
    }
    json_add_str(b->arena, m, "targetAttributeName", target);
    json_add_int(b->arena, m, "matchingPriority", priority);
    json_add_z(b->arena, m, "flowType", "Always");
    json_add_z(b->arena, m, "flowBehavior", "FlowWhenChanged");
    json_add_null(b->arena, m, "defaultValue");
    json_add_bool(b->arena, m, "exportMissingReferences", false);
    json_add(b->arena, m, STR("source"), expr_to_json(b->arena, e));
    return true;
}

static bool has_attribute(const struct builder *b, const struct half *half, struct str target)
{
    JSON_EACH(a, json_get(b->template->document, str_from_z(half->attributes)))
    {
        if (str_eq(json_get_text(a, "target"), target))
            return true;
    }
    return false;
}

static bool has_default(const struct half *half, struct str target)
{
    for (size_t i = 0; i < half->default_count; i++) {
        if (str_eq_z(target, half->defaults[i].target))
            return true;
    }
    return false;
}

/* The default rows whose target the application has, and matching attributes that no row names. */
static bool add_attribute_mappings(struct builder *b, const struct half *half, struct json *mapping)
{
    struct json *list = add_array(b->arena, mapping, "attributeMappings");

    for (size_t i = 0; i < half->default_count; i++) {
        struct str target = str_from_z(half->defaults[i].target);

        if (has_attribute(b, half, target) &&
            !add_mapping(b, list, target, half->defaults[i].expression,
                         matching_priority(b, half, target)))
            return false;
    }
    JSON_EACH(item,
              json_get(json_get(b->template->document, STR("matching")), str_from_z(half->kind)))
    {
        if (!has_default(half, item->text) &&
            !add_mapping(b, list, item->text, half->matching_source,
                         matching_priority(b, half, item->text)))
            return false;
    }
    return true;
}

static bool add_object_mapping(struct builder *b, const struct half *half, struct json *list)
{
    struct arena *a = b->arena;
    struct json *m = append_object(a, list);

    json_add_str(
        a, m, "name",
        arena_printf(a, "Provision %ss to %.*s", half->kind, STR_ARG(b->template->display_name)));
    json_add_bool(a, m, "enabled", true);
    json_add_z(a, m, "flowTypes", "Add,Update,Delete");
    json_add_z(a, m, "sourceObjectName", half->source_object);
    json_add_z(a, m, "targetObjectName", half->target_object);
    json_add_null(a, m, "scope");
    add_array(a, m, "metadata");
    return add_attribute_mappings(b, half, m);
}

/* All members of an attribute definition (graph-api.md 3.6.6). */
struct definition {
    struct str name;
    struct str type;
    bool anchor, required, multivalued;
    const char *const *referenced; /* names of objects, ends with NULL; may be NULL */
};

static void add_definition(struct arena *a, struct json *list, const struct definition *d)
{
    struct json *o = append_object(a, list);
    struct json *referenced;

    json_add_str(a, o, "name", d->name);
    json_add_str(a, o, "type", d->type);
    json_add_bool(a, o, "multivalued", d->multivalued);
    json_add_z(a, o, "mutability", "ReadWrite");
    json_add_bool(a, o, "required", d->required);
    json_add_bool(a, o, "anchor", d->anchor);
    json_add_bool(a, o, "caseExact", false);
    json_add_bool(a, o, "flowNullValues", false);
    json_add_null(a, o, "defaultValue");
    referenced = add_array(a, o, "referencedObjects");
    for (size_t i = 0; d->referenced && d->referenced[i]; i++) {
        struct json *r = append_object(a, referenced);

        json_add_z(a, r, "referencedObjectName", d->referenced[i]);
        json_add_null(a, r, "referencedProperty");
    }
    add_array(a, o, "metadata");
    add_array(a, o, "apiExpressions");
}

static struct json *add_directory(struct builder *b, struct json *list, struct str name,
                                  const char *id)
{
    struct arena *a = b->arena;
    struct json *d = append_object(a, list);

    if (id) {
        json_add_z(a, d, "id", id);
    } else {
        add_uuid(b, d, "id");
    }
    json_add_str(a, d, "name", name);
    json_add_bool(a, d, "readOnly", false);
    json_add_z(a, d, "discoverabilities", id ? "None" : "AttributeNames, AttributeDataTypes");
    json_add_null(a, d, "version");
    json_add_null(a, d, "discoveryDateTime");
    return add_array(a, d, "objects");
}

static struct json *add_object(struct arena *a, struct json *objects, const char *name,
                               struct json **out_metadata)
{
    struct json *o = append_object(a, objects);

    json_add_z(a, o, "name", name);
    *out_metadata = add_array(a, o, "metadata");
    add_array(a, o, "supportedApis");
    return add_array(a, o, "attributes");
}

static const char *const refers_to_user[] = {"User", NULL};
static const char *const refers_to_both[] = {"User", "Group", NULL};

static void add_source_object(struct arena *a, struct json *objects, const struct half *half)
{
    struct json *metadata;
    struct json *attributes = add_object(a, objects, half->source_object, &metadata);

    if (half->source == SOURCE_USER) {
        add_metadata(a, metadata, "IsSoftDeletionSupported", "true");
        add_metadata(a, metadata, "PropertyNameAccountEnabled", "accountEnabled");
        add_metadata(a, metadata, "PropertyNameSoftDeleted", "IsSoftDeleted");
    }
    add_metadata(a, metadata, "IsSynchronizeAllSupported", "true");
    for (size_t i = 0; i < source_attribute_count; i++) {
        const struct source_attribute *s = &source_attributes[i];
        struct definition d = {
            .name = s->name,
            .type = str_from_z(attribute_type_name(s->type)),
            .anchor = str_eq_z(s->name, "objectId"),
            .required = s->required,
            .multivalued = s->multivalued,
        };

        if (str_eq_z(s->name, "manager")) {
            d.referenced = refers_to_user;
        } else if (str_eq_z(s->name, "members")) {
            d.referenced = refers_to_both;
        }
        if (s->kinds & 1u << half->source)
            add_definition(a, attributes, &d);
    }
}

static void add_target_attributes(struct arena *a, struct json *attributes,
                                  const struct json *listed)
{
    static const char *const user[] = {ENTERPRISE_USER, NULL};
    static const char *const both[] = {ENTERPRISE_USER, CORE_GROUP, NULL};

    JSON_EACH(item, listed)
    {
        struct definition d = {
            .name = json_get_text(item, "target"),
            .type = json_get_text(item, "type"),
            .required = json_get_bool(item, "required", false),
            .multivalued = json_get_bool(item, "multivalued", false),
        };

        if (str_eq_z(d.name, "members")) {
            d.multivalued = true;
            d.referenced = both;
        } else if (str_eq_z(d.type, "Reference")) {
            d.referenced = user;
        }
        add_definition(a, attributes, &d);
    }
}

static void add_target_object(struct builder *b, struct json *objects, const struct half *half)
{
    struct json *metadata;
    struct json *attributes = add_object(b->arena, objects, half->target_object, &metadata);
    const struct json *document = b->template->document;
    struct definition id = {
        .name = STR("id"), .type = STR("String"), .anchor = true, .required = true};

    add_definition(b->arena, attributes, &id);
    add_target_attributes(b->arena, attributes, json_get(document, str_from_z(half->attributes)));
    add_target_attributes(b->arena, attributes,
                          json_get(document, str_from_z(half->more_attributes)));
}

static struct str target_directory(const struct gallery_template *t)
{
    return str_eq_z(t->id, "scim") ? STR("customappsso") : t->display_name;
}

static struct json *add_rule(struct builder *b, struct json *schema)
{
    struct arena *a = b->arena;
    struct json *rule = append_object(a, add_array(a, schema, "synchronizationRules"));

    add_uuid(b, rule, "id");
    json_add_z(a, rule, "name",
               b->template->supports_groups ? "USERGROUP_OUTBOUND_USERGROUP"
                                            : "USER_OUTBOUND_USER");
    json_add_int(a, rule, "priority", 1);
    json_add_bool(a, rule, "editable", true);
    json_add_z(a, rule, "sourceDirectoryName", SOURCE_DIRECTORY);
    json_add_str(a, rule, "targetDirectoryName", target_directory(b->template));
    add_metadata(a, add_array(a, rule, "metadata"), "supportsProvisionOnDemand", "true");
    return add_array(a, rule, "objectMappings");
}

bool gallery_schema(struct arena *a, const struct gallery_template *t, struct rng *rng,
                    struct json **out, struct err *err)
{
    struct builder b = {.arena = a, .template = t, .rng = rng, .err = err};
    struct json *schema = json_new(a, JSON_OBJECT);
    struct json *mappings;
    struct json *directories;
    struct json *objects;

    json_add_str(a, schema, "id",
                 arena_printf(a, "%.*s.00000000000000000000000000000000", STR_ARG(t->id)));
    json_add_z(a, schema, "version", "1.0");
    mappings = add_rule(&b, schema);
    if (!add_object_mapping(&b, &users, mappings) ||
        (t->supports_groups && !add_object_mapping(&b, &groups, mappings)))
        return false;
    directories = add_array(a, schema, "directories");
    objects = add_directory(&b, directories, STR(SOURCE_DIRECTORY), SOURCE_DIRECTORY_ID);
    add_source_object(a, objects, &users);
    add_source_object(a, objects, &groups);
    objects = add_directory(&b, directories, target_directory(t), NULL);
    add_target_object(&b, objects, &users);
    if (t->supports_groups)
        add_target_object(&b, objects, &groups);
    *out = schema;
    return true;
}
