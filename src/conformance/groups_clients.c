/* Groups in the forms of clients. */
#include "conformance/script.h"

#define WG  (NEEDS_WRITE | NEEDS_GROUPS)
#define WGP (WG | NEEDS_PATCH)
#define OK  "= 200 204\n"
#define MEMBER                 \
    ACCOUNT GROUP PATCH_GROUP( \
        "{\"op\":\"add\",\"path\":\"members\",\"value\":[{\"value\":\"<id>\"}]}") "need 200 204\n"

static const struct check checks[] = {
    {"it creates a group, without members and with a schema of its own", "RFC 7644, 3.3",
     CHECK_ENTRA, WG,
     "POST <groups>\n{\"schemas\":[\"" CORE "Group\","
     "\"http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group\"],"
     "\"externalId\":\"<random>\",\"displayName\":\"<group>\","
     "\"meta\":{\"resourceType\":\"Group\"}<grequired>}\n"
     "= 201\n/displayName is \"<group>\"\n/externalId is \"<random>\"\n"},
    {"it finds a group without reading its members", "RFC 7644, 3.4.2.2", CHECK_ENTRA,
     WGP | NEEDS_FILTER,
     MEMBER "GET <groups>?excludedAttributes=members&filter=displayName eq \"<group>\"\n"
            "= 200\n/totalResults is 1\n/Resources/0/id is \"<gid>\"\n"
            "/Resources/0/members empty\n"},
    {"it reads a group without its members", "RFC 7644, 3.9", CHECK_ENTRA, WGP,
     MEMBER "GET <groups>/<gid>?excludedAttributes=members\n= 200\n/id is \"<gid>\"\n"
            "/members empty\n"},
    {"it asks whether somebody is a member", "RFC 7644, 3.4.2.2", CHECK_ENTRA, WGP | NEEDS_FILTER,
     MEMBER "GET <groups>?filter=id eq \"<gid>\" and members eq \"<id>\"&attributes=id\n"
            "= 200\n/totalResults is 1\n/Resources/0/id is \"<gid>\"\n"},
    {"the same of somebody who is none", "RFC 7644, 3.4.2.2", CHECK_ENTRA, WGP | NEEDS_FILTER,
     MEMBER "GET <groups>?filter=id eq \"<gid>\" and members eq \"<random>\"&attributes=id\n"
            "= 200\n/totalResults is 0\n"},
    {"it adds a member, in its historical form", "RFC 7644, 3.5.2.1", CHECK_ENTRA, WGP,
     ACCOUNT GROUP PATCH_GROUP("{\"op\":\"Add\",\"path\":\"members\",\"value\":[{\"$ref\":null,"
                               "\"value\":\"<id>\"}]}") OK READ_GROUP "/members has \"<id>\"\n"},
    {"it removes a member, in its historical form", "RFC 7644, 3.5.2.2", CHECK_ENTRA, WGP,
     MEMBER SECOND PATCH_GROUP(
         "{\"op\":\"add\",\"path\":\"members\",\"value\":[{\"value\":\"<second>\"}]}")
         OK PATCH_GROUP("{\"op\":\"Remove\",\"path\":\"members\",\"value\":[{\"value\":\"<id>\"}]}")
             OK READ_GROUP "/members lacks \"<id>\"\n/members has \"<second>\"\n"},
    {"it renames a group without a path, with its id", "RFC 7644, 3.5.2.3", CHECK_OKTA, WGP,
     MEMBER PATCH_GROUP(
         "{\"op\":\"replace\",\"value\":{\"id\":\"<gid>\",\"displayName\":\"<group2>\"}}")
         OK READ_GROUP "/displayName is \"<group2>\"\n/members has \"<id>\"\n"},
    {"it adds a member with its name", "RFC 7644, 3.5.2.1", CHECK_OKTA, WGP,
     ACCOUNT GROUP PATCH_GROUP(
         "{\"op\":\"add\",\"path\":\"members\",\"value\":[{\"value\":\"<id>\","
         "\"display\":\"<name>\"}]}") OK READ_GROUP "/members has \"<id>\"\n"},
    {"it removes and adds members in one request", "RFC 7644, 3.5.2", CHECK_OKTA, WGP,
     MEMBER SECOND PATCH_GROUP("{\"op\":\"remove\",\"path\":\"members[value eq \\\"<id>\\\"]\"},"
                               "{\"op\":\"add\",\"path\":\"members\",\"value\":[{\"value\":"
                               "\"<second>\"}]}") OK READ_GROUP
     "/members lacks \"<id>\"\n/members has \"<second>\"\n"},
    {"it sends a group as a whole", "RFC 7644, 3.5.1", CHECK_OKTA, WGP,
     MEMBER SECOND
     "PUT <groups>/<gid>\n{\"schemas\":[\"" CORE
     "Group\"],\"id\":\"<gid>\",\"displayName\":\"<group>\",\"members\":["
     "{\"value\":\"<second>\",\"display\":\"<name2>\"}]<grequired>}\n= 200\n" READ_GROUP
     "/members has \"<second>\"\n/members lacks \"<id>\"\n"},
};

const struct check_table check_groups_clients = {checks, ARRAY_LEN(checks)};
