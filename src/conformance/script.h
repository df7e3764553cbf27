/* The notation of checks. A script is lines:
 *
 *     GET /Users?filter=userName eq "<random>"     a request; characters that a URL does not allow
 *                                                  are percent-encoded
 *     with If-Match: <tag>                         a header of it; "with Authorization:" sends none
 *     {"schemas":...}                              its body; "body TEXT" for what is no object
 *     need 201                                     status, else the check is skipped
 *     = 200 204                                    status, one of these
 *     error invalidFilter                          the answer is a SCIM error, with this scimType
 *     let id /id                                   keeps a value of the answer (also of @header)
 *     /totalResults is 0                           an expectation: where, what, operand in JSON
 *     @content-type has "application/scim+json"    the same of a header
 *
 * A place is a path of member names in any case, indexes, `*` (each element has to hold) and
 * `name=text` (the first element whose member is that text). What: is, not, has, lacks, exists,
 * absent, empty, type, count, most, least, sorted. <name> stands for a value that was kept, or for
 * one of those that run.c sets. */
#pragma once

#include "conformance/check.h"

enum check_needs {
    NEEDS_WRITE = 1,
    NEEDS_GROUPS = 2,
    NEEDS_FILTER = 4,
    NEEDS_PATCH = 8,
    NEEDS_SORT = 16,
    NEEDS_ETAG = 32,
    NEEDS_BULK = 64,
    NEEDS_CURSOR = 128,
    NEEDS_ENTERPRISE = 256,
    NEEDS_PASSWORD = 512,
    NEEDS_MANAGER = 1024,
};

struct check {
    const char *name;
    const char *section;
    enum check_level level;
    unsigned needs;
    const char *script;
};

struct check_table {
    const struct check *checks;
    size_t count;
};
extern const struct check_table check_discovery, check_lists, check_accounts, check_patching,
    check_filters, check_groups, check_groups_clients, check_bulk;

/* Values by name. */
struct check_value {
    struct str name, text;
    struct check_value *next;
};
struct check_values {
    struct arena *arena;
    struct check_value *first;
};
void check_value_set(struct check_values *v, struct str name, struct str text);
enum check_quoting {
    CHECK_PLAIN,
    CHECK_IN_URL,  /* values are encoded as one component, but for paths */
    CHECK_IN_JSON, /* values are escaped as the inside of a string, but for members */
};
/* Puts values in the place of <name>. What is not the name of a value stays. */
struct str check_expand(const struct check_values *v, struct arena *a, struct str text,
                        enum check_quoting quoting);
/* A path and query as it may be sent. */
struct str check_encode_target(struct arena *a, struct str text);

struct check_answer {
    int status;
    struct str body, content_type, etag, location;
    struct json *json; /* NULL: the body is none */
    char reason[256];  /* status 0 */
};

/* The value at a place, NULL if there is none. "@name" is a header, as a string. */
struct json *check_at(struct arena *a, const struct check_answer *answer, struct str place);
/* One line of expectation that is already expanded. On false *out_why says what was found. */
bool check_holds(struct arena *a, const struct check_answer *answer, struct str line,
                 struct str *out_why);
bool check_status(struct arena *a, const struct check_answer *answer, struct str wanted,
                  struct str *out_why);
bool check_error(struct arena *a, const struct check_answer *answer, struct str type,
                 struct str *out_why);

/* --- Preparing the texts of a table --- */
#define CORE "urn:ietf:params:scim:schemas:core:2.0:"
#define ENT  "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
#define API  "urn:ietf:params:scim:api:messages:2.0:"

/* An account that holds what the server's schema asks for. <name> is new in each check. */
#define ACCOUNT_BODY(name)                                                                \
    "{\"schemas\":[\"" CORE "User\"],\"userName\":\"" name "\",\"externalId\":\"x-" name  \
    "\",\"displayName\":\"Check Account\",\"active\":true,"                               \
    "\"name\":{\"givenName\":\"Check\",\"familyName\":\"Account\"},\"title\":\"Tester\"," \
    "\"emails\":[{\"value\":\"" name "\",\"type\":\"work\",\"primary\":true}]<required>}\n"
#define ACCOUNT "POST <users>\n" ACCOUNT_BODY("<name>") "need 201\nlet id /id\n"
#define SECOND  "POST <users>\n" ACCOUNT_BODY("<name2>") "need 201\nlet second /id\n"
#define GROUP                                                                                   \
    "POST <groups>\n{\"schemas\":[\"" CORE "Group\"],\"displayName\":\"<group>\"<grequired>}\n" \
    "need 201\nlet gid /id\n"
#define PATCH_USER(operations) \
    "PATCH <users>/<id>\n{\"schemas\":[\"" API "PatchOp\"],\"Operations\":[" operations "]}\n"
#define PATCH_GROUP(operations) \
    "PATCH <groups>/<gid>\n{\"schemas\":[\"" API "PatchOp\"],\"Operations\":[" operations "]}\n"
#define READ_USER  "GET <users>/<id>\n= 200\n"
#define READ_GROUP "GET <groups>/<gid>\n= 200\n"
