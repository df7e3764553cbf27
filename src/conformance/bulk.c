/* Many operations in one request. */
#include "conformance/script.h"

#define WB (NEEDS_WRITE | NEEDS_BULK)
#define BULK_BODY(more, operations) \
    "{\"schemas\":[\"" API "BulkRequest\"]" more ",\"Operations\":[" operations "]}\n"
#define DATA(name)                                                                                \
    "{\"schemas\":[\"" CORE "User\"],\"userName\":\"" name                                        \
    "\",\"displayName\":\"Check\",\"name\":{\"givenName\":\"Check\",\"familyName\":\"Account\"}," \
    "\"active\":true,\"emails\":[{\"value\":\"" name                                              \
    "\",\"type\":\"work\",\"primary\":true}]<required>}"
#define POST_OP(id, name) \
    "{\"method\":\"POST\",\"path\":\"<users>\",\"bulkId\":\"" id "\",\"data\":" DATA(name) "}"

#define GROUP_OP(id, name, member)                                         \
    "{\"method\":\"POST\",\"path\":\"<groups>\",\"bulkId\":\"" id          \
    "\",\"data\":{\"schemas\":[\"" CORE "Group\"],\"displayName\":\"" name \
    "\",\"members\":[{\"value\":\"bulkId:" member "\"}]<grequired>}}"

static const struct check checks[] = {
    {"several accounts are created in one request", "RFC 7644, 3.7", CHECK_MUST, WB,
     "POST /Bulk\n" BULK_BODY("", POST_OP("a", "<name>") "," POST_OP(
                                      "b", "<name2>")) "= 200\n"
                                                       "/schemas has \"" API "BulkResponse\"\n"
                                                       "/Operations count 2\n"
                                                       "/Operations/bulkId=a/status is \"201\"\n"
                                                       "/Operations/bulkId=b/status is \"201\"\n"
                                                       "/Operations/bulkId=a/location exists\n"
                                                       "/Operations/bulkId=a/method is \"POST\"\n"},
    {"an operation that fails has its error", "RFC 7644, 3.7.3", CHECK_MUST, WB,
     "POST /Bulk\n" BULK_BODY(
         "", POST_OP("a", "<name>") "," POST_OP(
                 "b", "<name>")) "= 200\n"
                                 "/Operations/bulkId=a/status is \"201\"\n"
                                 "/Operations/bulkId=b/status is \"409\"\n"
                                 "/Operations/bulkId=b/response/schemas has \"" API "Error\"\n"},
    {"after failOnErrors failures the rest is left", "RFC 7644, 3.7", CHECK_MUST, WB,
     ACCOUNT "POST /Bulk\n" BULK_BODY(
         ",\"failOnErrors\":1",
         POST_OP("a", "<name>") "," POST_OP(
             "b",
             "<name2>")) "= 200\n"
                         "/Operations/bulkId=a/status is \"409\"\n"
                         "/Operations/bulkId=b absent\n"
                         "GET <users>?filter=userName eq \"<name2>\"\n= 200\n/totalResults is 0\n"},
    {"a group names an account of the same request", "RFC 7644, 3.7.2", CHECK_MUST,
     WB | NEEDS_GROUPS,
     "POST /Bulk\n" BULK_BODY(
         "",
         POST_OP(
             "a",
             "<name>") ",{\"method\":\"POST\",\"path\":\"<groups>\",\"bulkId\":\"g\","
                       "\"data\":{\"schemas\":[\"" CORE
                       "Group\"],\"displayName\":\"<group>\",\"members\":[{\"value\":"
                       "\"bulkId:a\"}]<grequired>}}") "= 200\n"
                                                      "/Operations/bulkId=g/status is \"201\"\n"
                                                      "GET <groups>?filter=displayName eq \"<group>\"\n= 200\nlet gid /Resources/0/id\n"
                                                      "GET <users>?filter=userName eq \"<name>\"\n= 200\nlet id /Resources/0/id\n" READ_GROUP
                                                      "/members has \"<id>\"\n"},
    {"groups of one request may name each other", "RFC 7644, 3.7.1", CHECK_MUST, WB | NEEDS_GROUPS,
     "POST /Bulk\n" BULK_BODY(
         "",
         GROUP_OP("a", "<group>", "b") "," GROUP_OP(
             "b", "<group2>",
             "a")) "= 200\n"
                   "/Operations/bulkId=a/status is \"201\"\n"
                   "/Operations/bulkId=b/status is \"201\"\n"
                   "GET <groups>?filter=displayName eq \"<group>\"\n= 200\nlet gid /Resources/0/id\n"
                   "GET <groups>?filter=displayName eq \"<group2>\"\n= 200\nlet other /Resources/0/id\n" READ_GROUP
                   "/members has \"<other>\"\n"
                   "GET <groups>/<other>\n= 200\n/members has \"<gid>\"\n"},
    {"a name of an operation that is not there fails that operation", "RFC 7644, 3.7.2", CHECK_MUST,
     WB | NEEDS_GROUPS,
     "POST /Bulk\n" BULK_BODY(
         "", GROUP_OP("a", "<group>", "none")) "= 200\n"
                                               "/Operations/bulkId=a/status not \"201\"\n"},
    {"an account is changed and removed", "RFC 7644, 3.7", CHECK_MUST, WB | NEEDS_PATCH,
     ACCOUNT SECOND "POST /Bulk\n" BULK_BODY(
         "",
         "{\"method\":\"PATCH\",\"path\":\"<users>/<id>\",\"data\":{\"schemas\":[\"" API
         "PatchOp\"],\"Operations\":[{\"op\":\"replace\",\"path\":\"title\",\"value\":"
         "\"Pilot\"}]}},{\"method\":\"DELETE\",\"path\":\"<users>/<second>\"}") "= 200\n"
                                                                                "/Operations/1/status is \"204\"\n" READ_USER
                                                                                "/title is \"Pilot\"\n"
                                                                                "GET <users>/<second>\n= 404\n"},
    {"a request without operations is refused", "RFC 7644, 3.7", CHECK_SHOULD, WB,
     "POST /Bulk\n{\"schemas\":[\"" API "BulkRequest\"]}\n= 400\n"},
};

const struct check_table check_bulk = {checks, ARRAY_LEN(checks)};
