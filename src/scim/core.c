/* The constant tables: User and Group of RFC 7643 section 4, EnterpriseUser of 4.3, the common
 * attributes of 3.1. */
#include "scim/schema.h"

#define S(text)     STR_INIT(text)
#define SUBS(table) .subs = (table), .sub_count = ARRAY_LEN(table)

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

/* A single string that clients read and write. */
#define TEXT(name_, description_)                        \
    {                                                    \
        .name = S(name_), .description = S(description_) \
    }
/* The default sub-attributes of multi-valued attributes (RFC 7643 section 2.4) but for `value`. */
#define OTHER_SUBS(types)                                                                       \
    TEXT("display", "How the value is shown to people."),                                       \
        {.name = S("type"), .description = S("What the value is for."), .canonical = S(types)}, \
    {                                                                                           \
        .name = S("primary"), .type = SCIM_BOOLEAN,                                             \
        .description = S("Whether this is the preferred value; at most one is.")                \
    }

static const struct scim_attribute name_subs[] = {
    TEXT("formatted", "The whole name, as it is shown."),
    TEXT("familyName", "Family name, or last name."),
    TEXT("givenName", "Given name, or first name."),
    TEXT("middleName", "Middle names."),
    TEXT("honorificPrefix", "What stands in front of the name, such as Dr."),
    TEXT("honorificSuffix", "What stands behind the name, such as III."),
};
static const struct scim_attribute email_subs[] = {
    TEXT("value", "The e-mail address."),
    OTHER_SUBS("work,home,other"),
};
static const struct scim_attribute phone_subs[] = {
    TEXT("value", "The telephone number."),
    OTHER_SUBS("work,home,mobile,fax,pager,other"),
};
static const struct scim_attribute im_subs[] = {
    TEXT("value", "The instant messaging address."),
    OTHER_SUBS("aim,gtalk,icq,xmpp,msn,skype,qq,yahoo"),
};
static const struct scim_attribute photo_subs[] = {
    {.name = S("value"),
     .type = SCIM_REFERENCE,
     .references = S("external"),
     .description = S("Where the picture is.")},
    OTHER_SUBS("photo,thumbnail"),
};
static const struct scim_attribute entitlement_subs[] = {
    TEXT("value", "The entitlement."),
    OTHER_SUBS(""),
};
static const struct scim_attribute role_subs[] = {
    TEXT("value", "The role."),
    OTHER_SUBS(""),
};
static const struct scim_attribute certificate_subs[] = {
    {.name = S("value"),
     .type = SCIM_BINARY,
     .case_exact = true,
     .description = S("The certificate: DER in base64.")},
    OTHER_SUBS(""),
};
static const struct scim_attribute address_subs[] = {
    TEXT("formatted", "The whole address, as it is shown; may have several lines."),
    TEXT("streetAddress", "Street, house number and the like."),
    TEXT("locality", "City or locality."),
    TEXT("region", "State or region."),
    TEXT("postalCode", "Postal code."),
    TEXT("country", "Country: the two letters of ISO 3166-1."),
    {.name = S("type"),
     .description = S("What the address is for."),
     .canonical = S("work,home,other")},
    {.name = S("primary"),
     .type = SCIM_BOOLEAN,
     .description = S("Whether this is the preferred address; at most one is.")},
};
static const struct scim_attribute group_of_user_subs[] = {
    {.name = S("value"), .mutability = SCIM_READ_ONLY, .description = S("The id of the group.")},
    {.name = S("$ref"),
     .type = SCIM_REFERENCE,
     .references = S("User,Group"),
     .mutability = SCIM_READ_ONLY,
     .description = S("The URL of the group.")},
    {.name = S("display"),
     .mutability = SCIM_READ_ONLY,
     .description = S("The name of the group.")},
    {.name = S("type"),
     .canonical = S("direct,indirect"),
     .mutability = SCIM_READ_ONLY,
     .description = S("Whether the user is a member itself or by another group.")},
};

#define MULTI(name_, table_, description_)                                                     \
    {                                                                                          \
        .name = S(name_), .type = SCIM_COMPLEX, .multi = true, .description = S(description_), \
        SUBS(table_)                                                                           \
    }

static const struct scim_attribute user_attributes[] = {
    {.name = S("userName"),
     .required = true,
     .uniqueness = SCIM_UNIQUE_SERVER,
     .description = S("Unique identifier of the user, used to sign in.")},
    {.name = S("name"),
     .type = SCIM_COMPLEX,
     .description = S("The parts of the user's name."),
     SUBS(name_subs)},
    TEXT("displayName", "The name of the user that others see."),
    TEXT("nickName", "What the user is called informally."),
    {.name = S("profileUrl"),
     .type = SCIM_REFERENCE,
     .references = S("external"),
     .description = S("A page about the user.")},
    TEXT("title", "Job title."),
    TEXT("userType", "Relation to the organization, such as Employee or Contractor."),
    TEXT("preferredLanguage", "Language of texts for the user, as in Accept-Language."),
    TEXT("locale", "How numbers, dates and currencies are shown, such as en-US."),
    TEXT("timezone", "Time zone, such as Europe/Oslo."),
    {.name = S("active"),
     .type = SCIM_BOOLEAN,
     .description = S("Whether the account can be used.")},
    {.name = S("password"),
     .mutability = SCIM_WRITE_ONLY,
     .returned = SCIM_NEVER,
     .description = S("The password in clear text; taken, and never returned.")},
    MULTI("emails", email_subs, "E-mail addresses."),
    MULTI("phoneNumbers", phone_subs, "Telephone numbers."),
    MULTI("ims", im_subs, "Instant messaging addresses."),
    MULTI("photos", photo_subs, "Pictures of the user."),
    MULTI("addresses", address_subs, "Postal addresses."),
    {.name = S("groups"),
     .type = SCIM_COMPLEX,
     .multi = true,
     .mutability = SCIM_READ_ONLY,
     .description = S("Groups the user belongs to; change them through the group."),
     SUBS(group_of_user_subs)},
    MULTI("entitlements", entitlement_subs, "What the user is entitled to."),
    MULTI("roles", role_subs, "Roles of the user."),
    MULTI("x509Certificates", certificate_subs, "Certificates of the user."),
};

const struct scim_schema scim_user_schema = {.urn = S("urn:ietf:params:scim:schemas:core:2.0:User"),
                                             .name = S("User"),
                                             .description = S("User account"),
                                             .attributes = user_attributes,
                                             .count = ARRAY_LEN(user_attributes)};

static const struct scim_attribute member_subs[] = {
    {.name = S("value"),
     .case_exact = true,
     .mutability = SCIM_IMMUTABLE,
     .description = S("The id of the member.")},
    {.name = S("$ref"),
     .type = SCIM_REFERENCE,
     .references = S("User,Group"),
     .mutability = SCIM_IMMUTABLE,
     .description = S("The URL of the member.")},
    {.name = S("type"),
     .canonical = S("User,Group"),
     .mutability = SCIM_IMMUTABLE,
     .description = S("Whether the member is a user or a group.")},
    {.name = S("display"),
     .mutability = SCIM_READ_ONLY,
     .description = S("The name of the member.")},
};

static const struct scim_attribute group_attributes[] = {
    {.name = S("displayName"),
     .required = true,
     .description = S("Name of the group, for people.")},
    MULTI("members", member_subs, "Users and groups that belong to the group."),
};

const struct scim_schema scim_group_schema = {.urn =
                                                  S("urn:ietf:params:scim:schemas:core:2.0:Group"),
                                              .name = S("Group"),
                                              .description = S("Group"),
                                              .attributes = group_attributes,
                                              .count = ARRAY_LEN(group_attributes)};

static const struct scim_attribute manager_subs[] = {
    TEXT("value", "The id of the manager."),
    {.name = S("$ref"),
     .type = SCIM_REFERENCE,
     .references = S("User"),
     .description = S("The URL of the manager.")},
    {.name = S("displayName"),
     .mutability = SCIM_READ_ONLY,
     .description = S("The name of the manager.")},
};

static const struct scim_attribute enterprise_attributes[] = {
    TEXT("employeeNumber", "Number or name that the organization knows the user by."),
    TEXT("costCenter", "Cost center."),
    TEXT("organization", "Organization."),
    TEXT("division", "Division."),
    TEXT("department", "Department."),
    {.name = S("manager"),
     .type = SCIM_COMPLEX,
     .description = S("The user's manager."),
     SUBS(manager_subs)},
};

const struct scim_schema scim_enterprise_schema = {
    .urn = S("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"),
    .name = S("EnterpriseUser"),
    .description = S("Enterprise user"),
    .attributes = enterprise_attributes,
    .count = ARRAY_LEN(enterprise_attributes)};
