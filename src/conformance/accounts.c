/* Making, reading, replacing and removing accounts. */
#include "conformance/script.h"

#define POST_ACCOUNT "POST <users>\n" ACCOUNT_BODY("<name>")

static const struct check checks[] = {
    {"an account is created", "RFC 7644, 3.3", CHECK_MUST, NEEDS_WRITE,
     POST_ACCOUNT "= 201\n"
                  "/id type string\n"
                  "/schemas has \"" CORE "User\"\n"
                  "/userName is \"<name>\"\n"
                  "/name/givenName is \"Check\"\n"
                  "/externalId is \"x-<name>\"\n"},
    {"the answer to a creation says where it is", "RFC 7644, 3.3", CHECK_MUST, NEEDS_WRITE,
     POST_ACCOUNT "= 201\n"
                  "@location exists\n"
                  "let location @location\n"
                  "/meta/location is \"<location>\"\n"},
    {"meta names the type of the resource", "RFC 7643, 3.1", CHECK_MUST, NEEDS_WRITE,
     ACCOUNT READ_USER "/meta/resourceType is \"User\"\n"
                       "/meta/created type string\n"
                       "/meta/lastModified type string\n"},
    {"an account reads as it was created", "RFC 7644, 3.4.1", CHECK_MUST, NEEDS_WRITE,
     ACCOUNT READ_USER "/id is \"<id>\"\n"
                       "/userName is \"<name>\"\n"
                       "/displayName is \"Check Account\"\n"
                       "/title is \"Tester\"\n"
                       "/active is true\n"
                       "/emails/type=work/value is \"<name>\"\n"},
    {"text comes back as it was sent", "RFC 7643, 2.3.1", CHECK_MUST, NEEDS_WRITE,
     "POST <users>\n"
     "{\"schemas\":[\"" CORE "User\"],\"userName\":\"<name>\",\"displayName\":"
     "\"Zo\xc3\xab \xc5\x81uk\xc3\xa1\xc5\xa1 \xe7\x8e\x8b \xf0\x9f\x8c\xb2 \\\"q\\\"\","
     "\"name\":{\"givenName\":\"Zo\xc3\xab\",\"familyName\":\"O'Neil\"},\"active\":true,"
     "\"emails\":[{\"value\":\"<name>\",\"type\":\"work\",\"primary\":true}]<required>}\n"
     "need 201\nlet id /id\n" READ_USER
     "/displayName is \"Zo\xc3\xab \xc5\x81uk\xc3\xa1\xc5\xa1 \xe7\x8e\x8b \xf0\x9f\x8c\xb2 \\\"q\\\"\"\n"
     "/name/familyName is \"O'Neil\"\n"},
    {"a userName that is taken is a conflict", "RFC 7644, 3.3", CHECK_MUST, NEEDS_WRITE,
     ACCOUNT POST_ACCOUNT "= 409\n"},
    {"it is told as uniqueness", "RFC 7644, 3.3", CHECK_MUST, NEEDS_WRITE,
     ACCOUNT POST_ACCOUNT "= 409\nerror uniqueness\n"},
    {"a userName is unique without regard to case", "RFC 7643, 4.1.1", CHECK_MUST, NEEDS_WRITE,
     ACCOUNT "POST <users>\n" ACCOUNT_BODY("<NAME>") "= 409\n"},
    {"an account without userName is refused", "RFC 7643, 4.1.1", CHECK_MUST, NEEDS_WRITE,
     "POST <users>\n{\"schemas\":[\"" CORE "User\"],\"displayName\":\"<name>\"}\n= 400\n"},
    {"it is told as invalidValue", "RFC 7644, 3.12", CHECK_SHOULD, NEEDS_WRITE,
     "POST <users>\n{\"schemas\":[\"" CORE "User\"],\"displayName\":\"<name>\"}\n= 400\n"
     "error invalidValue\n"},
    {"what is no JSON is refused", "RFC 7644, 3.12", CHECK_MUST, NEEDS_WRITE,
     "POST <users>\nbody {\"schemas\":[\"" CORE "User\"],\n= 400\n"},
    {"it is told as invalidSyntax", "RFC 7644, 3.12", CHECK_SHOULD, NEEDS_WRITE,
     "POST <users>\nbody {\"schemas\":[\"" CORE "User\"],\n= 400\nerror invalidSyntax\n"},
    {"names of attributes have no case", "RFC 7643, 2.1", CHECK_MUST, NEEDS_WRITE,
     "POST <users>\n"
     "{\"schemas\":[\"" CORE "User\"],\"USERNAME\":\"<name>\",\"DisplayName\":\"Check\","
     "\"name\":{\"GIVENNAME\":\"Check\",\"familyname\":\"Account\"},\"active\":true,"
     "\"Emails\":[{\"VALUE\":\"<name>\",\"Type\":\"work\",\"primary\":true}]<required>}\n"
     "= 201\nlet id /id\n" READ_USER "/userName is \"<name>\"\n"
     "/name/givenName is \"Check\"\n"},
    {"the id that a client invents is ignored", "RFC 7644, 3.3", CHECK_MUST, NEEDS_WRITE,
     "POST <users>\n"
     "{\"schemas\":[\"" CORE "User\"],\"id\":\"<random>\",\"userName\":\"<name>\",\"active\":true,"
     "\"displayName\":\"Check\",\"name\":{\"givenName\":\"Check\",\"familyName\":\"Account\"},"
     "\"emails\":[{\"value\":\"<name>\",\"type\":\"work\",\"primary\":true}]<required>}\n"
     "= 201\n"
     "/id exists\n"
     "/id not \"<random>\"\n"},
    {"a password is never returned", "RFC 7643, 4.1.1", CHECK_MUST, NEEDS_WRITE | NEEDS_PASSWORD,
     "POST <users>\n"
     "{\"schemas\":[\"" CORE "User\"],\"userName\":\"<name>\",\"password\":\"Xy7!<random>\","
     "\"displayName\":\"Check\",\"name\":{\"givenName\":\"Check\",\"familyName\":\"Account\"},"
     "\"active\":true,"
     "\"emails\":[{\"value\":\"<name>\",\"type\":\"work\",\"primary\":true}]<required>}\n"
     "= 201\n"
     "/password absent\n"
     "let id /id\n" READ_USER "/password absent\n"},
    {"its creation, with meta and the enterprise extension", "RFC 7643, 4.3", CHECK_ENTRA,
     NEEDS_WRITE | NEEDS_ENTERPRISE,
     "POST <users>\n"
     "{\"schemas\":[\"" CORE "User\",\"" ENT "\"],\"externalId\":\"<random>\","
     "\"userName\":\"<name>\",\"active\":true,\"displayName\":\"Check\","
     "\"emails\":[{\"primary\":true,\"type\":\"work\",\"value\":\"<name>\"}],"
     "\"meta\":{\"resourceType\":\"User\"},"
     "\"name\":{\"formatted\":\"Check Account\",\"familyName\":\"Account\",\"givenName\":\"Check\"},"
     "\"" ENT "\":{\"department\":\"Labs\",\"employeeNumber\":\"7\"}<required>}\n"
     "= 201\nlet id /id\n" READ_USER "/" ENT "/department is \"Labs\"\n"
     "/schemas has \"" ENT "\"\n"
     "/externalId is \"<random>\"\n"},
    {"its creation with a switch as text", "RFC 7643, 2.3.2", CHECK_ENTRA, NEEDS_WRITE,
     "POST <users>\n"
     "{\"schemas\":[\"" CORE "User\"],\"userName\":\"<name>\",\"active\":\"True\","
     "\"displayName\":\"Check\",\"name\":{\"givenName\":\"Check\",\"familyName\":\"Account\"},"
     "\"emails\":[{\"value\":\"<name>\",\"type\":\"work\",\"primary\":true}]<required>}\n"
     "= 201\n/active is true\n"},
    {"its creation, with groups and locale, as application/json", "RFC 7644, 3.3", CHECK_OKTA,
     NEEDS_WRITE,
     "POST <users>\n"
     "with Content-Type: application/json; charset=utf-8\n"
     "{\"schemas\":[\"" CORE "User\"],\"userName\":\"<name>\","
     "\"name\":{\"givenName\":\"Check\",\"familyName\":\"Account\"},"
     "\"emails\":[{\"primary\":true,\"value\":\"<name>\",\"type\":\"work\"}],"
     "\"displayName\":\"Check Account\",\"locale\":\"en-US\",\"externalId\":\"<random>\","
     "\"groups\":[],\"active\":true<required>}\n"
     "= 201\n/userName is \"<name>\"\n"},
    {"PUT replaces what it names", "RFC 7644, 3.5.1", CHECK_MUST, NEEDS_WRITE,
     ACCOUNT "PUT <users>/<id>\n"
             "{\"schemas\":[\"" CORE "User\"],\"userName\":\"<name>\",\"displayName\":\"Replaced\","
             "\"active\":true,\"name\":{\"givenName\":\"Other\",\"familyName\":\"Name\"},"
             "\"emails\":[{\"value\":\"<name>\",\"type\":\"work\",\"primary\":true}]<required>}\n"
             "= 200\n"
             "/id is \"<id>\"\n"
             "/displayName is \"Replaced\"\n" READ_USER "/name/givenName is \"Other\"\n"
             "/userName is \"<name>\"\n"},
    {"its update: the account as read, changed and sent back", "RFC 7644, 3.5.1", CHECK_OKTA,
     NEEDS_WRITE,
     ACCOUNT "PUT <users>/<id>\n"
             "with Content-Type: application/json\n"
             "{\"schemas\":[\"" CORE "User\"],\"id\":\"<id>\",\"userName\":\"<name>\","
             "\"name\":{\"givenName\":\"Another\",\"familyName\":\"Name\"},"
             "\"emails\":[{\"primary\":true,\"value\":\"<name>\",\"type\":\"work\"}],"
             "\"displayName\":\"Check\",\"groups\":[],\"active\":false,"
             "\"meta\":{\"resourceType\":\"User\"}<required>}\n"
             "= 200\n" READ_USER "/active is false\n"
             "/name/givenName is \"Another\"\n"},
    {"PUT to an account that is not there is not found", "RFC 7644, 3.5.1", CHECK_MUST, NEEDS_WRITE,
     "PUT <users>/<random>\n" ACCOUNT_BODY("<name>") "= 404\n"},
    {"PUT does not change the id", "RFC 7643, 3.1", CHECK_MUST, NEEDS_WRITE,
     ACCOUNT "PUT <users>/<id>\n"
             "{\"schemas\":[\"" CORE "User\"],\"id\":\"<id>\",\"userName\":\"<name>\","
             "\"displayName\":\"Check\",\"active\":true,"
             "\"name\":{\"givenName\":\"Check\",\"familyName\":\"Account\"},"
             "\"emails\":[{\"value\":\"<name>\",\"type\":\"work\",\"primary\":true}]<required>}\n"
             "= 200\n/id is \"<id>\"\n"},
    {"PUT with a userName that is taken is a conflict", "RFC 7644, 3.5.1", CHECK_MUST, NEEDS_WRITE,
     ACCOUNT SECOND "PUT <users>/<second>\n" ACCOUNT_BODY("<name>") "= 409\n"},
    {"an account is removed", "RFC 7644, 3.6", CHECK_MUST, NEEDS_WRITE,
     ACCOUNT "DELETE <users>/<id>\n= 204\n"},
    {"what was removed is not found", "RFC 7644, 3.6", CHECK_MUST, NEEDS_WRITE,
     ACCOUNT "DELETE <users>/<id>\nneed 204 200 202\nGET <users>/<id>\n= 404\n"
             "DELETE <users>/<id>\n= 404\n"},
    {"what was removed is in no list", "RFC 7644, 3.6", CHECK_MUST, NEEDS_WRITE | NEEDS_FILTER,
     ACCOUNT "DELETE <users>/<id>\nneed 204 200 202\nGET <users>?filter=userName eq \"<name>\"\n"
             "= 200\n/totalResults is 0\n"},
    {"the userName of what was removed is free again", "RFC 7644, 3.6", CHECK_MUST, NEEDS_WRITE,
     ACCOUNT "DELETE <users>/<id>\nneed 204 200 202\n" POST_ACCOUNT "= 201\n"},
    {"removing an account that is not there is not found", "RFC 7644, 3.6", CHECK_MUST, NEEDS_WRITE,
     "DELETE <users>/<random>\n= 404\n"},
    {"attributes chooses what is returned", "RFC 7644, 3.9", CHECK_MUST, NEEDS_WRITE,
     ACCOUNT "GET <users>/<id>?attributes=userName\n= 200\n"
             "/userName is \"<name>\"\n"
             "/title absent\n"
             "/emails absent\n"},
    {"the id is returned whatever is chosen", "RFC 7643, 7", CHECK_MUST, NEEDS_WRITE,
     ACCOUNT "GET <users>/<id>?attributes=userName\n= 200\n/id is \"<id>\"\n"
             "GET <users>/<id>?excludedAttributes=id,title\n= 200\n/id is \"<id>\"\n"},
    {"attributes chooses among sub-attributes", "RFC 7644, 3.9", CHECK_MUST, NEEDS_WRITE,
     ACCOUNT "GET <users>/<id>?attributes=name.givenName\n= 200\n"
             "/name/givenName is \"Check\"\n"
             "/name/familyName absent\n"},
    {"excludedAttributes leaves out", "RFC 7644, 3.9", CHECK_MUST, NEEDS_WRITE,
     ACCOUNT "GET <users>/<id>?excludedAttributes=title,emails\n= 200\n"
             "/userName is \"<name>\"\n"
             "/title absent\n"
             "/emails absent\n"},
    {"an ETag is the version in meta", "RFC 7644, 3.14", CHECK_MUST, NEEDS_WRITE | NEEDS_ETAG,
     ACCOUNT READ_USER "@etag exists\nlet tag /meta/version\n@etag is \"<tag>\"\n"},
    {"what has not changed is not sent again", "RFC 7644, 3.14", CHECK_MUST,
     NEEDS_WRITE | NEEDS_ETAG,
     ACCOUNT READ_USER "let tag @etag\nGET <users>/<id>\nwith If-None-Match: <tag>\n= 304\n"},
    {"a change of another version is refused", "RFC 7644, 3.14", CHECK_MUST,
     NEEDS_WRITE | NEEDS_ETAG,
     ACCOUNT "PUT <users>/<id>\nwith If-Match: W/\"not-this\"\n" ACCOUNT_BODY("<name>") "= 412\n"},
};

const struct check_table check_accounts = {checks, ARRAY_LEN(checks)};
