/* PATCH of accounts: as RFC 7644 has it, and in the forms of clients. */
#include "conformance/script.h"

#define WP (NEEDS_WRITE | NEEDS_PATCH)
#define OK "= 200 204\n"

static const struct check checks[] = {
    {"an attribute is replaced", "RFC 7644, 3.5.2.3", CHECK_MUST, WP,
     ACCOUNT PATCH_USER("{\"op\":\"replace\",\"path\":\"title\",\"value\":\"Pilot\"}") OK READ_USER
     "/title is \"Pilot\"\n/displayName is \"Check Account\"\n"},
    {"an attribute is added", "RFC 7644, 3.5.2.1", CHECK_MUST, WP,
     ACCOUNT PATCH_USER("{\"op\":\"add\",\"path\":\"nickName\",\"value\":\"Nick\"}") OK READ_USER
     "/nickName is \"Nick\"\n"},
    {"an attribute is removed", "RFC 7644, 3.5.2.2", CHECK_MUST, WP,
     ACCOUNT PATCH_USER("{\"op\":\"remove\",\"path\":\"title\"}") OK READ_USER "/title empty\n"},
    {"a sub-attribute is replaced and its neighbours stay", "RFC 7644, 3.5.2.3", CHECK_MUST, WP,
     ACCOUNT PATCH_USER("{\"op\":\"replace\",\"path\":\"name.familyName\",\"value\":\"Munk\"}")
         OK READ_USER "/name/familyName is \"Munk\"\n/name/givenName is \"Check\"\n"},
    {"several operations in one request", "RFC 7644, 3.5.2", CHECK_MUST, WP,
     ACCOUNT PATCH_USER("{\"op\":\"replace\",\"path\":\"title\",\"value\":\"Pilot\"},"
                        "{\"op\":\"add\",\"path\":\"nickName\",\"value\":\"Nick\"}") OK READ_USER
     "/title is \"Pilot\"\n/nickName is \"Nick\"\n"},
    {"without a path the value names the attributes", "RFC 7644, 3.5.2.3", CHECK_MUST, WP,
     ACCOUNT PATCH_USER(
         "{\"op\":\"replace\",\"value\":{\"title\":\"Pilot\",\"nickName\":\"Nick\"}}") OK READ_USER
     "/title is \"Pilot\"\n/nickName is \"Nick\"\n/userName is \"<name>\"\n"},
    {"a value is added to many", "RFC 7644, 3.5.2.1", CHECK_MUST, WP,
     ACCOUNT PATCH_USER("{\"op\":\"add\",\"path\":\"emails\",\"value\":[{\"type\":\"home\","
                        "\"value\":\"home@example.com\"}]}") OK READ_USER
     "/emails has \"<name>\"\n/emails has \"home@example.com\"\n"},
    {"the element that a filter means is replaced", "RFC 7644, 3.5.2.3", CHECK_MUST, WP,
     ACCOUNT PATCH_USER("{\"op\":\"replace\",\"path\":\"emails[type eq \\\"work\\\"].value\","
                        "\"value\":\"new@example.com\"}") OK READ_USER
     "/emails/type=work/value is \"new@example.com\"\n/emails count 1\n"},
    {"the element that a filter means is removed", "RFC 7644, 3.5.2.2", CHECK_MUST, WP,
     ACCOUNT PATCH_USER(
         "{\"op\":\"add\",\"path\":\"emails\",\"value\":[{\"type\":\"home\","
         "\"value\":\"home@example.com\"}]}") "need 200 204\n" PATCH_USER("{\"op\":\"remove\",\"path\":\"emails[type eq \\\"home\\\"]\"}")
         OK READ_USER "/emails lacks \"home@example.com\"\n/emails has \"<name>\"\n"},
    {"a new primary value takes it from the old one", "RFC 7644, 3.5.2", CHECK_MUST, WP,
     ACCOUNT PATCH_USER("{\"op\":\"add\",\"path\":\"emails\",\"value\":[{\"type\":\"home\","
                        "\"value\":\"home@example.com\",\"primary\":true}]}") OK READ_USER
     "/emails/type=home/primary is true\n/emails/type=work/primary not true\n"},
    {"adding what is there changes nothing", "RFC 7644, 3.5.2.1", CHECK_MUST, WP,
     ACCOUNT READ_USER "let modified /meta/lastModified\n" PATCH_USER(
         "{\"op\":\"add\",\"path\":\"title\",\"value\":\"Tester\"}") OK READ_USER
     "/title is \"Tester\"\n/meta/lastModified is \"<modified>\"\n"},
    {"a request that fails changes nothing", "RFC 7644, 3.5.2", CHECK_MUST, WP,
     ACCOUNT PATCH_USER(
         "{\"op\":\"replace\",\"path\":\"title\",\"value\":\"Pilot\"},"
         "{\"op\":\"move\",\"path\":\"nickName\",\"value\":\"Nick\"}") "= 400\n" READ_USER
                                                                       "/title is \"Tester\"\n"},
    {"an unknown operation is told as invalidSyntax", "RFC 7644, 3.5.2", CHECK_SHOULD, WP,
     ACCOUNT PATCH_USER(
         "{\"op\":\"move\",\"path\":\"title\",\"value\":\"x\"}") "= 400\nerror invalidSyntax\n"},
    {"removing without a path is noTarget", "RFC 7644, 3.5.2.2", CHECK_MUST, WP,
     ACCOUNT PATCH_USER("{\"op\":\"remove\"}") "= 400\nerror noTarget\n"},
    {"a malformed path is invalidPath", "RFC 7644, 3.5.2", CHECK_SHOULD, WP,
     ACCOUNT PATCH_USER(
         "{\"op\":\"replace\",\"path\":\"emails[type eq\",\"value\":\"x\"}") "= 400\nerror "
                                                                             "invalidPath\n"},
    {"a read-only attribute is not changed", "RFC 7644, 3.5.2", CHECK_MUST, WP,
     ACCOUNT PATCH_USER(
         "{\"op\":\"replace\",\"path\":\"id\",\"value\":\"<random>\"}") "= 400\n" READ_USER
                                                                        "/id is \"<id>\"\n"},
    {"it is told as mutability", "RFC 7644, 3.5.2", CHECK_MUST, WP,
     ACCOUNT PATCH_USER(
         "{\"op\":\"replace\",\"path\":\"id\",\"value\":\"<random>\"}") "= 400\nerror mutability\n"},
    {"a replacement of an element that is not there is noTarget", "RFC 7644, 3.5.2.3", CHECK_MUST,
     WP,
     ACCOUNT PATCH_USER("{\"op\":\"replace\",\"path\":\"emails[value co \\\"nowhere\\\"].value\","
                        "\"value\":\"x@example.com\"}") "= 400\nerror noTarget\n"},
    {"names in paths have no case", "RFC 7643, 2.1", CHECK_MUST, WP,
     ACCOUNT PATCH_USER("{\"op\":\"replace\",\"path\":\"NAME.GivenName\",\"value\":\"Nora\"}")
         OK READ_USER "/name/givenName is \"Nora\"\n"},
    {"a path may name the attribute with its schema", "RFC 7644, 3.10", CHECK_MUST, WP,
     ACCOUNT PATCH_USER("{\"op\":\"replace\",\"path\":\"" CORE "User:title\",\"value\":\"Pilot\"}")
         OK READ_USER "/title is \"Pilot\"\n"},
    {"an attribute of the enterprise extension is added", "RFC 7644, 3.10", CHECK_MUST,
     WP | NEEDS_ENTERPRISE,
     ACCOUNT PATCH_USER("{\"op\":\"add\",\"path\":\"" ENT ":department\",\"value\":\"Labs\"}")
         OK READ_USER "/" ENT "/department is \"Labs\"\n"},
    {"PATCH of an account that is not there is not found", "RFC 7644, 3.12", CHECK_MUST, WP,
     "PATCH <users>/<random>\n{\"schemas\":[\"" API
     "PatchOp\"],\"Operations\":[{\"op\":\"replace\",\"path\":\"title\",\"value\":\"x\"}]}\n"
     "= 404\n"},
    {"a change to a userName that is taken is a conflict", "RFC 7644, 3.5.2", CHECK_MUST, WP,
     ACCOUNT SECOND PATCH_USER(
         "{\"op\":\"replace\",\"path\":\"userName\",\"value\":\"<name2>\"}") "= 409\n"},
    {"PATCH of another version is refused", "RFC 7644, 3.14", CHECK_MUST, WP | NEEDS_ETAG,
     ACCOUNT
     "PATCH <users>/<id>\nwith If-Match: W/\"not-this\"\n{\"schemas\":[\"" API
     "PatchOp\"],\"Operations\":[{\"op\":\"replace\",\"path\":\"title\",\"value\":\"x\"}]}\n"
     "= 412\n"},
    {"a change has a new version", "RFC 7644, 3.14", CHECK_MUST, WP | NEEDS_ETAG,
     ACCOUNT READ_USER
     "let tag @etag\n" PATCH_USER("{\"op\":\"replace\",\"path\":\"title\",\"value\":\"Pilot\"}")
         OK READ_USER "@etag not \"<tag>\"\n"},
    {"it disables an account", "RFC 7644, 3.5.2.3", CHECK_ENTRA, WP,
     ACCOUNT PATCH_USER("{\"op\":\"replace\",\"path\":\"active\",\"value\":false}") OK READ_USER
     "/active is false\n"},
    {"it disables an account, in its historical form", "RFC 7644, 3.5.2.3", CHECK_ENTRA, WP,
     ACCOUNT PATCH_USER("{\"op\":\"Replace\",\"path\":\"active\",\"value\":\"False\"}") OK READ_USER
     "/active is false\n"},
    {"a disabled account is still read and found", "RFC 7643, 4.1.1", CHECK_ENTRA,
     WP | NEEDS_FILTER,
     ACCOUNT PATCH_USER("{\"op\":\"replace\",\"path\":\"active\",\"value\":false}") OK READ_USER
     "GET <users>?filter=userName eq \"<name>\"\n= 200\n/totalResults is 1\n"},
    {"it adds and replaces with capital letters", "RFC 7644, 3.5.2", CHECK_ENTRA, WP,
     ACCOUNT PATCH_USER("{\"op\":\"Add\",\"path\":\"nickName\",\"value\":\"Babs\"},"
                        "{\"op\":\"Replace\",\"path\":\"title\",\"value\":\"Pilot\"}") OK READ_USER
     "/nickName is \"Babs\"\n/title is \"Pilot\"\n"},
    {"it adds where there is a value", "RFC 7644, 3.5.2.1", CHECK_ENTRA, WP,
     ACCOUNT PATCH_USER("{\"op\":\"Add\",\"path\":\"title\",\"value\":\"Pilot\"}") OK READ_USER
     "/title is \"Pilot\"\n"},
    {"it adds an address that is not there by its type", "RFC 7644, 3.5.2.1", CHECK_ENTRA, WP,
     ACCOUNT PATCH_USER("{\"op\":\"Add\",\"path\":\"phoneNumbers[type eq \\\"mobile\\\"].value\","
                        "\"value\":\"+47 555 01\"}") OK READ_USER
     "/phoneNumbers/type=mobile/value is \"+47 555 01\"\n"},
    {"it replaces several attributes without a path, with dots in their names", "RFC 7644, 3.5.2.3",
     CHECK_ENTRA, WP,
     ACCOUNT PATCH_USER("{\"op\":\"replace\",\"value\":{\"displayName\":\"Nora\","
                        "\"name.familyName\":\"Munk\"}}") OK READ_USER
     "/displayName is \"Nora\"\n/name/familyName is \"Munk\"\n"
     "/name/givenName is \"Check\"\n"},
    {"the same with attributes of the extension", "RFC 7644, 3.5.2.3", CHECK_ENTRA,
     WP | NEEDS_ENTERPRISE,
     ACCOUNT PATCH_USER("{\"op\":\"replace\",\"value\":{\"" ENT ":department\":\"Labs\"}}")
         OK READ_USER "/" ENT "/department is \"Labs\"\n"},
    {"it sets a manager as an object", "RFC 7643, 4.3", CHECK_ENTRA, WP | NEEDS_MANAGER,
     ACCOUNT SECOND PATCH_USER("{\"op\":\"add\",\"path\":\"" ENT
                               ":manager\",\"value\":{\"value\":\"<second>\"}}") OK READ_USER
     "/" ENT "/manager/value is \"<second>\"\n"},
    {"it sets a manager as text", "RFC 7643, 4.3", CHECK_ENTRA, WP | NEEDS_MANAGER,
     ACCOUNT SECOND PATCH_USER("{\"op\":\"Add\",\"path\":\"" ENT
                               ":manager\",\"value\":\"<second>\"}") OK READ_USER
     "/" ENT "/manager/value is \"<second>\"\n"},
    {"it clears an attribute with an empty text", "RFC 7643, 2.5", CHECK_ENTRA, WP,
     ACCOUNT PATCH_USER("{\"op\":\"Replace\",\"path\":\"title\",\"value\":\"\"}") OK READ_USER
     "/title empty\n"},
    {"it disables an account without a path", "RFC 7644, 3.5.2.3", CHECK_OKTA, WP,
     ACCOUNT PATCH_USER("{\"op\":\"replace\",\"value\":{\"active\":false}}") OK READ_USER
     "/active is false\n"},
    {"it enables an account without a path", "RFC 7644, 3.5.2.3", CHECK_OKTA, WP,
     ACCOUNT PATCH_USER("{\"op\":\"replace\",\"value\":{\"active\":false}}") OK PATCH_USER(
         "{\"op\":\"replace\",\"value\":{\"active\":true}}") OK READ_USER "/active is true\n"},
};

const struct check_table check_patching = {checks, ARRAY_LEN(checks)};
