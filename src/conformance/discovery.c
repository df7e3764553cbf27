/* What a server says of itself, and how it answers those it does not know. */
#include "conformance/script.h"

static const struct check checks[] = {
    {"ServiceProviderConfig answers with its schema", "RFC 7644, 4", CHECK_MUST, 0,
     "GET /ServiceProviderConfig\n"
     "= 200\n"
     "/schemas has \"" CORE "ServiceProviderConfig\"\n"},
    {"ServiceProviderConfig says what is supported", "RFC 7643, 5", CHECK_MUST, 0,
     "GET /ServiceProviderConfig\n"
     "= 200\n"
     "/patch/supported type boolean\n"
     "/bulk/supported type boolean\n"
     "/filter/supported type boolean\n"
     "/changePassword/supported type boolean\n"
     "/sort/supported type boolean\n"
     "/etag/supported type boolean\n"},
    {"ServiceProviderConfig names the limits of bulk and filter", "RFC 7643, 5", CHECK_MUST, 0,
     "GET /ServiceProviderConfig\n"
     "= 200\n"
     "/bulk/maxOperations type number\n"
     "/bulk/maxPayloadSize type number\n"
     "/filter/maxResults type number\n"},
    {"ServiceProviderConfig lists authentication schemes", "RFC 7643, 5", CHECK_MUST, 0,
     "GET /ServiceProviderConfig\n"
     "= 200\n"
     "/authenticationSchemes type array\n"
     "/authenticationSchemes/*/type exists\n"
     "/authenticationSchemes/*/name exists\n"
     "/authenticationSchemes/*/description exists\n"},
    {"ResourceTypes answers with a list", "RFC 7644, 4", CHECK_MUST, 0,
     "GET /ResourceTypes\n"
     "= 200\n"
     "/schemas has \"" API "ListResponse\"\n"
     "/totalResults least 1\n"
     "/Resources/0 exists\n"
     "/Resources/name=User exists\n"},
    {"each resource type has its name, endpoint and schema", "RFC 7643, 6", CHECK_MUST, 0,
     "GET /ResourceTypes\n"
     "= 200\n"
     "/Resources/*/name exists\n"
     "/Resources/*/endpoint exists\n"
     "/Resources/*/schema exists\n"
     "/Resources/*/schemas has \"" CORE "ResourceType\"\n"},
    {"a single resource type can be read", "RFC 7644, 4", CHECK_SHOULD, 0,
     "GET /ResourceTypes/User\n"
     "= 200\n"
     "/name is \"User\"\n"
     "/schema is \"" CORE "User\"\n"},
    {"Schemas answers with a list", "RFC 7644, 4", CHECK_MUST, 0,
     "GET /Schemas\n"
     "= 200\n"
     "/schemas has \"" API "ListResponse\"\n"
     "/totalResults least 1\n"
     "/Resources/id=" CORE "User exists\n"},
    {"a single schema can be read by its URI", "RFC 7644, 4", CHECK_MUST, 0,
     "GET /Schemas/" CORE "User\n"
     "= 200\n"
     "/id is \"" CORE "User\"\n"
     "/attributes/name=userName exists\n"},
    {"the schema of a user says that userName is required and unique", "RFC 7643, 8.7.1",
     CHECK_MUST, 0,
     "GET /Schemas/" CORE "User\n"
     "= 200\n"
     "/attributes/name=userName/required is true\n"
     "/attributes/name=userName/caseExact is false\n"
     "/attributes/name=userName/uniqueness not \"none\"\n"},
    {"each attribute of a schema has its type and whether it has many values", "RFC 7643, 7",
     CHECK_MUST, 0,
     "GET /Schemas/" CORE "User\n"
     "= 200\n"
     "/attributes/*/name exists\n"
     "/attributes/*/type exists\n"
     "/attributes/*/multiValued type boolean\n"},
    {"characteristics of attributes are spelt as in the RFC", "RFC 7643, 7", CHECK_ENTRA, 0,
     "GET /Schemas/" CORE "User\n"
     "= 200\n"
     "/attributes/name=userName/type is \"string\"\n"
     "/attributes/name=userName/mutability is \"readWrite\"\n"
     "/attributes/name=active/type is \"boolean\"\n"},
    {"an unknown schema is not found", "RFC 7644, 3.12", CHECK_MUST, 0,
     "GET /Schemas/urn:example:nobody:has:this\n"
     "= 404\n"},
    {"a filter on ResourceTypes is forbidden", "RFC 7644, 4", CHECK_MUST, 0,
     "GET /ResourceTypes?filter=name eq \"User\"\n"
     "= 403\n"},
    {"a filter on Schemas is forbidden", "RFC 7644, 4", CHECK_MUST, 0,
     "GET /Schemas?filter=id eq \"" CORE "User\"\n"
     "= 403\n"},
    {"answers are application/scim+json", "RFC 7644, 3.1", CHECK_MUST, 0,
     "GET <users>?startIndex=1&count=1\n"
     "with Accept: application/scim+json\n"
     "= 200\n"
     "@content-type has \"application/scim+json\"\n"},
    {"a client that accepts application/json alone is served", "RFC 7644, 3.8", CHECK_SHOULD, 0,
     "GET <users>?startIndex=1&count=1\n"
     "with Accept: application/json\n"
     "= 200\n"
     "@content-type has \"json\"\n"},
    {"a request without credentials is refused", "RFC 7644, 2", CHECK_MUST, 0,
     "GET <users>?startIndex=1&count=1\n"
     "with Authorization:\n"
     "= 401\n"},
    {"wrong credentials are refused", "RFC 7644, 2", CHECK_MUST, 0,
     "GET <users>?startIndex=1&count=1\n"
     "with Authorization: Bearer <random>\n"
     "= 401\n"},
    {"a refusal is a SCIM error", "RFC 7644, 3.12", CHECK_MUST, 0,
     "GET <users>?startIndex=1&count=1\n"
     "with Authorization: Bearer <random>\n"
     "= 401\n"
     "error\n"},
    {"an unknown endpoint is not found", "RFC 7644, 3.12", CHECK_MUST, 0,
     "GET /NoSuchThings/<random>\n"
     "= 404\n"},
    {"a user that is not there is not found", "RFC 7644, 3.12", CHECK_MUST, 0,
     "GET <users>/<random>\n"
     "= 404\n"},
    {"the answer for it is a SCIM error with its status as a string", "RFC 7644, 3.12", CHECK_MUST,
     0,
     "GET <users>/<random>\n"
     "= 404\n"
     "error\n"},
    {"Me says so if it is not offered", "RFC 7644, 3.11", CHECK_SHOULD, 0,
     "GET /Me\n"
     "= 200 308 501\n"},
};

const struct check_table check_discovery = {checks, ARRAY_LEN(checks)};
