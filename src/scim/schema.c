#include "scim/schema.h"

#define S(text)     STR_INIT(text)
#define SUBS(table) .subs = (table), .sub_count = ARRAY_LEN(table)

/* The default sub-attributes of multi-valued attributes (RFC 7643 section 2.4). */
#define VALUE_SUBS(value_type, types)                         \
    {.name = S("value"), value_type}, {.name = S("display")}, \
        {.name = S("type"), .canonical = S(types)},           \
    {                                                         \
        .name = S("primary"), .type = SCIM_BOOLEAN            \
    }

static const struct scim_attribute meta_subs[] = {
    {.name = S("resourceType"), .case_exact = true, .mutability = SCIM_READ_ONLY},
    {.name = S("created"), .type = SCIM_DATETIME, .mutability = SCIM_READ_ONLY},
    {.name = S("lastModified"), .type = SCIM_DATETIME, .mutability = SCIM_READ_ONLY},
    {.name = S("location"),
     .type = SCIM_REFERENCE,
     .case_exact = true,
     .references = S("uri"),
     .mutability = SCIM_READ_ONLY},
    {.name = S("version"), .case_exact = true, .mutability = SCIM_READ_ONLY},
};

static const struct scim_attribute common_attributes[] = {
    {.name = S("schemas"),
     .type = SCIM_REFERENCE,
     .multi = true,
     .required = true,
     .case_exact = true,
     .returned = SCIM_ALWAYS,
     .references = S("uri")},
    {.name = S("id"),
     .required = true,
     .case_exact = true,
     .mutability = SCIM_READ_ONLY,
     .returned = SCIM_ALWAYS,
     .uniqueness = SCIM_UNIQUE_SERVER},
    {.name = S("externalId"), .case_exact = true},
    {.name = S("meta"), .type = SCIM_COMPLEX, .mutability = SCIM_READ_ONLY, SUBS(meta_subs)},
};

const struct scim_schema scim_common_schema = {.attributes = common_attributes,
                                               .count = ARRAY_LEN(common_attributes)};

static const struct scim_attribute name_subs[] = {
    {.name = S("formatted")},  {.name = S("familyName")},      {.name = S("givenName")},
    {.name = S("middleName")}, {.name = S("honorificPrefix")}, {.name = S("honorificSuffix")},
};
static const struct scim_attribute email_subs[] = {
    VALUE_SUBS(.type = SCIM_STRING, "work,home,other")};
static const struct scim_attribute phone_subs[] = {
    VALUE_SUBS(.type = SCIM_STRING, "work,home,mobile,fax,pager,other")};
static const struct scim_attribute im_subs[] = {
    VALUE_SUBS(.type = SCIM_STRING, "aim,gtalk,icq,xmpp,msn,skype,qq,yahoo")};
static const struct scim_attribute photo_subs[] = {
    {.name = S("value"), .type = SCIM_REFERENCE, .references = S("external")},
    {.name = S("display")},
    {.name = S("type"), .canonical = S("photo,thumbnail")},
    {.name = S("primary"), .type = SCIM_BOOLEAN},
};
static const struct scim_attribute plain_subs[] = {VALUE_SUBS(.type = SCIM_STRING, "")};
static const struct scim_attribute certificate_subs[] = {
    {.name = S("value"), .type = SCIM_BINARY, .case_exact = true},
    {.name = S("display")},
    {.name = S("type")},
    {.name = S("primary"), .type = SCIM_BOOLEAN},
};
static const struct scim_attribute address_subs[] = {
    {.name = S("formatted")},
    {.name = S("streetAddress")},
    {.name = S("locality")},
    {.name = S("region")},
    {.name = S("postalCode")},
    {.name = S("country")},
    {.name = S("type"), .canonical = S("work,home,other")},
    {.name = S("primary"), .type = SCIM_BOOLEAN},
};
static const struct scim_attribute group_of_user_subs[] = {
    {.name = S("value"), .mutability = SCIM_READ_ONLY},
    {.name = S("$ref"),
     .type = SCIM_REFERENCE,
     .references = S("User,Group"),
     .mutability = SCIM_READ_ONLY},
    {.name = S("display"), .mutability = SCIM_READ_ONLY},
    {.name = S("type"), .canonical = S("direct,indirect"), .mutability = SCIM_READ_ONLY},
};

#define MULTI(name_, table_)                                                \
    {                                                                       \
        .name = S(name_), .type = SCIM_COMPLEX, .multi = true, SUBS(table_) \
    }

static const struct scim_attribute user_attributes[] = {
    {.name = S("userName"),
     .required = true,
     .uniqueness = SCIM_UNIQUE_SERVER,
     .description = S("Unique identifier of the user, used to sign in.")},
    {.name = S("name"), .type = SCIM_COMPLEX, SUBS(name_subs)},
    {.name = S("displayName")},
    {.name = S("nickName")},
    {.name = S("profileUrl"), .type = SCIM_REFERENCE, .references = S("external")},
    {.name = S("title")},
    {.name = S("userType")},
    {.name = S("preferredLanguage")},
    {.name = S("locale")},
    {.name = S("timezone")},
    {.name = S("active"),
     .type = SCIM_BOOLEAN,
     .description = S("Whether the account can be used.")},
    {.name = S("password"), .mutability = SCIM_WRITE_ONLY, .returned = SCIM_NEVER},
    MULTI("emails", email_subs),
    MULTI("phoneNumbers", phone_subs),
    MULTI("ims", im_subs),
    MULTI("photos", photo_subs),
    MULTI("addresses", address_subs),
    {.name = S("groups"),
     .type = SCIM_COMPLEX,
     .multi = true,
     .mutability = SCIM_READ_ONLY,
     .description = S("Groups the user belongs to; change them through the group."),
     SUBS(group_of_user_subs)},
    MULTI("entitlements", plain_subs),
    MULTI("roles", plain_subs),
    MULTI("x509Certificates", certificate_subs),
};

const struct scim_schema scim_user_schema = {.urn = S("urn:ietf:params:scim:schemas:core:2.0:User"),
                                             .name = S("User"),
                                             .description = S("User account"),
                                             .attributes = user_attributes,
                                             .count = ARRAY_LEN(user_attributes)};

static const struct scim_attribute member_subs[] = {
    {.name = S("value"), .case_exact = true, .mutability = SCIM_IMMUTABLE},
    {.name = S("$ref"),
     .type = SCIM_REFERENCE,
     .references = S("User,Group"),
     .mutability = SCIM_IMMUTABLE},
    {.name = S("type"), .canonical = S("User,Group"), .mutability = SCIM_IMMUTABLE},
    {.name = S("display"), .mutability = SCIM_READ_ONLY},
};

static const struct scim_attribute group_attributes[] = {
    {.name = S("displayName"),
     .required = true,
     .description = S("Name of the group, for people.")},
    MULTI("members", member_subs),
};

const struct scim_schema scim_group_schema = {.urn =
                                                  S("urn:ietf:params:scim:schemas:core:2.0:Group"),
                                              .name = S("Group"),
                                              .description = S("Group"),
                                              .attributes = group_attributes,
                                              .count = ARRAY_LEN(group_attributes)};

static const struct scim_attribute manager_subs[] = {
    {.name = S("value")},
    {.name = S("$ref"), .type = SCIM_REFERENCE, .references = S("User")},
    {.name = S("displayName"), .mutability = SCIM_READ_ONLY},
};

static const struct scim_attribute enterprise_attributes[] = {
    {.name = S("employeeNumber")}, {.name = S("costCenter")},
    {.name = S("organization")},   {.name = S("division")},
    {.name = S("department")},     {.name = S("manager"), .type = SCIM_COMPLEX, SUBS(manager_subs)},
};

const struct scim_schema scim_enterprise_schema = {
    .urn = S("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"),
    .name = S("EnterpriseUser"),
    .description = S("Enterprise user"),
    .attributes = enterprise_attributes,
    .count = ARRAY_LEN(enterprise_attributes)};

static const struct str type_names[] = {
    [SCIM_STRING] = S("string"),       [SCIM_BOOLEAN] = S("boolean"),
    [SCIM_DECIMAL] = S("decimal"),     [SCIM_INTEGER] = S("integer"),
    [SCIM_DATETIME] = S("dateTime"),   [SCIM_BINARY] = S("binary"),
    [SCIM_REFERENCE] = S("reference"), [SCIM_COMPLEX] = S("complex"),
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
    return str_empty(path->sub) && !path->filter &&
           is_joined(schema->urn, path->urn, path->attribute);
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
