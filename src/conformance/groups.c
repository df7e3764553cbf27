/* Groups and their members, as the RFC has them. */
#include "conformance/script.h"

#define WG  (NEEDS_WRITE | NEEDS_GROUPS)
#define WGP (WG | NEEDS_PATCH)
#define OK  "= 200 204\n"
#define MEMBER                 \
    ACCOUNT GROUP PATCH_GROUP( \
        "{\"op\":\"add\",\"path\":\"members\",\"value\":[{\"value\":\"<id>\"}]}") "need 200 204\n"

static const struct check checks[] = {
    {"groups are listed", "RFC 7644, 3.4.2", CHECK_MUST, NEEDS_GROUPS,
     "GET <groups>?startIndex=1&count=10\n= 200\n/schemas has \"" API "ListResponse\"\n"
     "/Resources/*/displayName exists\n"},
    {"a group is created", "RFC 7644, 3.3", CHECK_MUST, WG,
     "POST <groups>\n{\"schemas\":[\"" CORE "Group\"],\"displayName\":\"<group>\"<grequired>}\n"
     "= 201\n/id type string\n/displayName is \"<group>\"\n@location exists\n"
     "/meta/resourceType is \"Group\"\n"},
    {"a group is created with a member", "RFC 7643, 4.2", CHECK_MUST, WG,
     ACCOUNT "POST <groups>\n{\"schemas\":[\"" CORE
             "Group\"],\"displayName\":\"<group>\",\"members\":[{\"value\":\"<id>\"}]<grequired>}\n"
             "= 201\nlet gid /id\n" READ_GROUP "/members has \"<id>\"\n"},
    {"a group without a name is refused", "RFC 7643, 8.7.1", CHECK_MUST, WG,
     "POST <groups>\n{\"schemas\":[\"" CORE "Group\"],\"externalId\":\"<random>\"}\n= 400\n"},
    {"a group is replaced", "RFC 7644, 3.5.1", CHECK_MUST, WG,
     GROUP "PUT <groups>/<gid>\n{\"schemas\":[\"" CORE
           "Group\"],\"displayName\":\"<group2>\"<grequired>}\n= 200\n" READ_GROUP
           "/displayName is \"<group2>\"\n"},
    {"a group is removed", "RFC 7644, 3.6", CHECK_MUST, WG,
     GROUP "DELETE <groups>/<gid>\n= 204\nGET <groups>/<gid>\n= 404\n"},
    {"a group is renamed by PATCH", "RFC 7644, 3.5.2.3", CHECK_MUST, WGP,
     GROUP PATCH_GROUP("{\"op\":\"replace\",\"path\":\"displayName\",\"value\":\"<group2>\"}")
         OK READ_GROUP "/displayName is \"<group2>\"\n"},
    {"members are added", "RFC 7644, 3.5.2.1", CHECK_MUST, WGP,
     ACCOUNT SECOND GROUP PATCH_GROUP(
         "{\"op\":\"add\",\"path\":\"members\",\"value\":[{\"value\":\"<id>\"},"
         "{\"value\":\"<second>\"}]}") OK READ_GROUP
     "/members has \"<id>\"\n/members has \"<second>\"\n/members count 2\n"},
    {"adding a member again changes nothing", "RFC 7644, 3.5.2.1", CHECK_MUST, WGP,
     MEMBER PATCH_GROUP("{\"op\":\"add\",\"path\":\"members\",\"value\":[{\"value\":\"<id>\"}]}")
         OK READ_GROUP "/members count 1\n"},
    {"the member that a filter means is removed", "RFC 7644, 3.5.2.2", CHECK_MUST, WGP,
     MEMBER SECOND PATCH_GROUP(
         "{\"op\":\"add\",\"path\":\"members\",\"value\":[{\"value\":\"<second>\"}]}")
         OK PATCH_GROUP("{\"op\":\"remove\",\"path\":\"members[value eq \\\"<id>\\\"]\"}")
             OK READ_GROUP "/members lacks \"<id>\"\n/members has \"<second>\"\n"},
    {"all members are removed", "RFC 7644, 3.5.2.2", CHECK_MUST, WGP,
     MEMBER PATCH_GROUP("{\"op\":\"remove\",\"path\":\"members\"}") OK READ_GROUP
     "/members empty\n"},
    {"members are replaced", "RFC 7644, 3.5.2.3", CHECK_MUST, WGP,
     MEMBER SECOND PATCH_GROUP(
         "{\"op\":\"replace\",\"path\":\"members\",\"value\":[{\"value\":\"<second>\"}]}")
         OK READ_GROUP "/members lacks \"<id>\"\n/members has \"<second>\"\n"},
    {"an account shows its groups", "RFC 7643, 4.1.2", CHECK_SHOULD, WGP,
     MEMBER READ_USER "/groups has \"<gid>\"\n"},
    {"an account that is gone is no member", "RFC 7644, 3.6", CHECK_SHOULD, WGP,
     MEMBER "DELETE <users>/<id>\nneed 204 200 202\n" READ_GROUP "/members lacks \"<id>\"\n"},
};

const struct check_table check_groups = {checks, ARRAY_LEN(checks)};
