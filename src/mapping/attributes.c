#include "mapping/attributes.h"

#include "expr/nearest.h"

enum { USER = 1u << SOURCE_USER, GROUP = 1u << SOURCE_GROUP, BOTH = USER | GROUP };
enum { MULTI = 1, REQUIRED = 2, COMPUTED = 4 };

#define ATTRIBUTE(name_, graph_, kinds_, type_, flags_)                                 \
    {                                                                                   \
        STR_INIT(name_), STR_INIT(graph_), (kinds_), ATTRIBUTE_##type_, (flags_)&MULTI, \
            ((flags_)&REQUIRED) != 0, ((flags_)&COMPUTED) != 0                          \
    }

/* clang-format off */
const struct source_attribute source_attributes[] = {
    ATTRIBUTE("objectId", "id", BOTH, STRING, 0),
    ATTRIBUTE("IsSoftDeleted", "IsSoftDeleted", USER, BOOLEAN, REQUIRED | COMPUTED),
    ATTRIBUTE("accountEnabled", "accountEnabled", USER, BOOLEAN, REQUIRED),
    ATTRIBUTE("userPrincipalName", "userPrincipalName", USER, STRING, REQUIRED),
    ATTRIBUTE("originalUserPrincipalName", "originalUserPrincipalName", USER, STRING, COMPUTED),
    ATTRIBUTE("displayName", "displayName", USER, STRING, REQUIRED),
    ATTRIBUTE("displayName", "displayName", GROUP, STRING, 0),
    ATTRIBUTE("givenName", "givenName", USER, STRING, 0),
    ATTRIBUTE("surname", "surname", USER, STRING, REQUIRED),
    ATTRIBUTE("mail", "mail", BOTH, STRING, 0),
    ATTRIBUTE("mailNickname", "mailNickname", BOTH, STRING, 0),
    ATTRIBUTE("proxyAddresses", "proxyAddresses", BOTH, STRING, MULTI),
    ATTRIBUTE("otherMails", "otherMails", USER, STRING, MULTI),
    ATTRIBUTE("jobTitle", "jobTitle", USER, STRING, 0),
    ATTRIBUTE("department", "department", USER, STRING, 0),
    ATTRIBUTE("companyName", "companyName", USER, STRING, 0),
    ATTRIBUTE("employeeId", "employeeId", USER, STRING, 0),
    ATTRIBUTE("employeeType", "employeeType", USER, STRING, 0),
    ATTRIBUTE("employeeHireDate", "employeeHireDate", USER, DATETIME, 0),
    ATTRIBUTE("employeeLeaveDateTime", "employeeLeaveDateTime", USER, DATETIME, 0),
    ATTRIBUTE("employeeOrgData.costCenter", "employeeOrgData.costCenter", USER, STRING, 0),
    ATTRIBUTE("employeeOrgData.division", "employeeOrgData.division", USER, STRING, 0),
    ATTRIBUTE("streetAddress", "streetAddress", USER, STRING, 0),
    ATTRIBUTE("city", "city", USER, STRING, 0),
    ATTRIBUTE("state", "state", USER, STRING, 0),
    ATTRIBUTE("postalCode", "postalCode", USER, STRING, 0),
    ATTRIBUTE("country", "country", USER, STRING, 0),
    ATTRIBUTE("physicalDeliveryOfficeName", "officeLocation", USER, STRING, 0),
    ATTRIBUTE("telephoneNumber", "businessPhones[0]", USER, STRING, 0),
    ATTRIBUTE("mobile", "mobilePhone", USER, STRING, 0),
    ATTRIBUTE("facsimileTelephoneNumber", "faxNumber", USER, STRING, 0),
    ATTRIBUTE("preferredLanguage", "preferredLanguage", USER, STRING, REQUIRED),
    ATTRIBUTE("usageLocation", "usageLocation", USER, STRING, 0),
    ATTRIBUTE("manager", "manager", USER, REFERENCE, 0),
    ATTRIBUTE("appRoleAssignments", "appRoleAssignments", BOTH, REFERENCE, MULTI | COMPUTED),
    ATTRIBUTE("extensionAttribute1", "onPremisesExtensionAttributes.extensionAttribute1", USER, STRING, 0),
    ATTRIBUTE("extensionAttribute2", "onPremisesExtensionAttributes.extensionAttribute2", USER, STRING, 0),
    ATTRIBUTE("extensionAttribute3", "onPremisesExtensionAttributes.extensionAttribute3", USER, STRING, 0),
    ATTRIBUTE("extensionAttribute4", "onPremisesExtensionAttributes.extensionAttribute4", USER, STRING, 0),
    ATTRIBUTE("extensionAttribute5", "onPremisesExtensionAttributes.extensionAttribute5", USER, STRING, 0),
    ATTRIBUTE("extensionAttribute6", "onPremisesExtensionAttributes.extensionAttribute6", USER, STRING, 0),
    ATTRIBUTE("extensionAttribute7", "onPremisesExtensionAttributes.extensionAttribute7", USER, STRING, 0),
    ATTRIBUTE("extensionAttribute8", "onPremisesExtensionAttributes.extensionAttribute8", USER, STRING, 0),
    ATTRIBUTE("extensionAttribute9", "onPremisesExtensionAttributes.extensionAttribute9", USER, STRING, 0),
    ATTRIBUTE("extensionAttribute10", "onPremisesExtensionAttributes.extensionAttribute10", USER, STRING, 0),
    ATTRIBUTE("extensionAttribute11", "onPremisesExtensionAttributes.extensionAttribute11", USER, STRING, 0),
    ATTRIBUTE("extensionAttribute12", "onPremisesExtensionAttributes.extensionAttribute12", USER, STRING, 0),
    ATTRIBUTE("extensionAttribute13", "onPremisesExtensionAttributes.extensionAttribute13", USER, STRING, 0),
    ATTRIBUTE("extensionAttribute14", "onPremisesExtensionAttributes.extensionAttribute14", USER, STRING, 0),
    ATTRIBUTE("extensionAttribute15", "onPremisesExtensionAttributes.extensionAttribute15", USER, STRING, 0),
    ATTRIBUTE("dirSyncEnabled", "onPremisesSyncEnabled", BOTH, BOOLEAN, 0),
    ATTRIBUTE("immutableId", "onPremisesImmutableId", USER, STRING, 0),
    ATTRIBUTE("onPremisesSecurityIdentifier", "onPremisesSecurityIdentifier", BOTH, STRING, 0),
    ATTRIBUTE("onPremisesDistinguishedName", "onPremisesDistinguishedName", USER, STRING, 0),
    ATTRIBUTE("passwordProfile.password", "passwordProfile", USER, STRING, REQUIRED),
    ATTRIBUTE("showInAddressList", "showInAddressList", USER, BOOLEAN, 0),
    ATTRIBUTE("sipProxyAddress", "imAddresses[0]", USER, STRING, 0),
    ATTRIBUTE("passwordPolicies", "passwordPolicies", USER, STRING, 0),
    ATTRIBUTE("creationType", "creationType", USER, STRING, 0),
    ATTRIBUTE("ageGroup", "ageGroup", USER, STRING, 0),
    ATTRIBUTE("legalAgeGroupClassification", "legalAgeGroupClassification", USER, STRING, 0),
    ATTRIBUTE("consentProvidedForMinor", "consentProvidedForMinor", USER, STRING, 0),
    ATTRIBUTE("userState", "externalUserState", USER, STRING, 0),
    ATTRIBUTE("createdDateTime", "createdDateTime", USER, DATETIME, 0),
    ATTRIBUTE("deletionTimestamp", "deletedDateTime", USER, DATETIME, 0),
    ATTRIBUTE("lastDirSyncTime", "onPremisesLastSyncDateTime", USER, DATETIME, 0),
    ATTRIBUTE("refreshTokensValidFromDateTime", "signInSessionsValidFromDateTime", USER, DATETIME, 0),
    ATTRIBUTE("userStateChangedOn", "externalUserStateChangeDateTime", USER, DATETIME, 0),
    ATTRIBUTE("userType", "userType", USER, STRING, 0),
    ATTRIBUTE("memberOf", "memberOf", USER, STRING, MULTI | COMPUTED),
    ATTRIBUTE("members", "members", GROUP, REFERENCE, MULTI | COMPUTED),
    ATTRIBUTE("description", "description", GROUP, STRING, 0),
    ATTRIBUTE("securityEnabled", "securityEnabled", GROUP, BOOLEAN, 0),
    ATTRIBUTE("mailEnabled", "mailEnabled", GROUP, BOOLEAN, 0),
};
/* clang-format on */
const size_t source_attribute_count = ARRAY_LEN(source_attributes);

const char *attribute_type_name(enum attribute_type type)
{
    static const char *const names[ATTRIBUTE_TYPE_COUNT] = {
        [ATTRIBUTE_STRING] = "String",       [ATTRIBUTE_BOOLEAN] = "Boolean",
        [ATTRIBUTE_INTEGER] = "Integer",     [ATTRIBUTE_DATETIME] = "DateTime",
        [ATTRIBUTE_REFERENCE] = "Reference", [ATTRIBUTE_BINARY] = "Binary",
    };

    return names[type];
}

static const struct source_attribute *find(enum source_kind kind, struct str name,
                                           bool (*equal)(struct str a, struct str b))
{
    for (size_t i = 0; i < source_attribute_count; i++) {
        const struct source_attribute *a = &source_attributes[i];

        if ((a->kinds & 1u << kind) && (equal(a->name, name) || equal(a->graph_name, name)))
            return a;
    }
    return NULL;
}

const struct source_attribute *source_attribute_find(enum source_kind kind, struct str name)
{
    const struct source_attribute *a = find(kind, name, str_eq);

    return a ? a : find(kind, name, str_eq_ascii_nocase);
}

static bool is_hex(char c)
{
    c = ascii_lower(c);
    return ascii_is_digit(c) || (c >= 'a' && c <= 'f');
}

bool source_attribute_is_extension(struct str name)
{
    const struct str prefix = STR("extension_");
    const size_t id_length = 32;

    if (!str_starts(name, prefix) || name.len <= prefix.len + id_length + 1 ||
        name.ptr[prefix.len + id_length] != '_')
        return false;
    for (size_t i = 0; i < id_length; i++) {
        if (!is_hex(name.ptr[prefix.len + i]))
            return false;
    }
    return true;
}

const struct source_attribute *source_attribute_nearest(enum source_kind kind, struct str name)
{
    const struct source_attribute *best = NULL;
    size_t limit = expr_name_tolerance(name);

    for (size_t i = 0; i < source_attribute_count && limit > 0; i++) {
        const struct source_attribute *a = &source_attributes[i];
        size_t d;
        size_t e;

        if (!(a->kinds & 1u << kind))
            continue;
        d = expr_name_distance(name, a->name, limit);
        e = expr_name_distance(name, a->graph_name, limit);
        d = d < e ? d : e;
        if (d <= limit) {
            best = a;
            limit = d > 0 ? d - 1 : 0;
        }
    }
    return best;
}
