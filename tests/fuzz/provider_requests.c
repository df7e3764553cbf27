#include "provider_requests.h"

#include <stdlib.h>

#define SEQUENCE_MAX 12
#define DEPTH_MAX    6

/* The grammar: a symbol, and what it may become. '<x>' in a text is the symbol x. */
static const struct {
    const char *symbol;
    const char *const texts[24];
} rules[] = {
    {"request",
     {"<read>", "<create>", "<create>", "<patch>", "<patch>", "<patch>", "<put>", "<delete>",
      "<bulk>", "<members>", "<members>", "<search>"}},
    {"read",
     {"GET /Users/<user>", "GET /Groups/<group>?attributes=<names>",
      "GET /Users?filter=<queryfilter>&count=<number>&startIndex=<number>",
      "GET /Users?sortBy=<path>&sortOrder=<order>&count=<number>", "GET /Me",
      "GET /Users?cursor&count=1", "GET /Users?cursor=$cursor&count=1&sortBy=<path>",
      "GET /Groups?excludedAttributes=<names>", "GET /changes?since=<number>&count=<number>",
      "GET /Users/<user>\nIf-None-Match: <etag>\n\n", "HEAD /Users", "GET /Schemas",
      "GET /ResourceTypes/User", "GET /ServiceProviderConfig", "GET /?filter=<queryfilter>"}},
    {"create",
     {"POST /Users\n<newuser>", "POST /Groups\n<newgroup>",
      "POST /Users?attributes=<names>\n<newuser>"}},
    {"put",
     {"PUT /Users/<user>\n<newuser>", "PUT /Groups/<group>\n<newgroup>",
      "PUT /Users/<user>\nIf-Match: <etag>\n\n<newuser>"}},
    {"delete",
     {"DELETE /Users/<user>", "DELETE /Groups/<group>",
      "DELETE /Users/<user>\nIf-Match: <etag>\n\n"}},
    {"patch",
     {"PATCH /Users/<user>\n<patchbody>", "PATCH /Groups/<group>\n<patchbody>",
      "PATCH /Users/<user>\nIf-Match: <etag>\n\n<patchbody>",
      "PATCH /Users/<user>?attributes=<names>\n<patchbody>"}},
    {"members",
     {"PATCH /Groups/<group>\n{\"schemas\":[\"<patchurn>\"],\"Operations\":[<memberop>]}",
      "PATCH /Groups/<group>\n{\"schemas\":[\"<patchurn>\"],\"Operations\":[<memberop>,<memberop>]}"}},
    {"memberop",
     {"{\"op\":\"add\",\"path\":\"members\",\"value\":[{\"value\":\"<id>\"}]}",
      "{\"op\":\"Remove\",\"path\":\"members\",\"value\":[{\"value\":\"<id>\"}]}",
      "{\"op\":\"remove\",\"path\":\"members[value eq \\\"<id>\\\"]\"}",
      "{\"op\":\"remove\",\"path\":\"members\"}",
      "{\"op\":\"replace\",\"path\":\"members\",\"value\":[{\"value\":\"<id>\"},{\"value\":\"<id>\"}]}",
      "{\"op\":\"replace\",\"value\":{\"displayName\":\"<text>\",\"members\":[{\"value\":\"<id>\"}]}}",
      "{\"op\":\"add\",\"value\":{\"id\":\"<id>\",\"members\":[{\"value\":\"<id>\",\"type\":\"User\"}]}}",
      "{\"op\":\"remove\",\"path\":\"members[<filter>]\"}",
      "{\"op\":\"replace\",\"path\":\"members[value eq \\\"<id>\\\"].value\",\"value\":\"<id>\"}"}},
    {"search",
     {"POST /Users/.search\n{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:SearchRequest\"],"
      "\"filter\":\"<filter>\",\"count\":<number>,\"sortBy\":\"<path>\"}",
      "POST /.search\n{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:SearchRequest\"],"
      "\"filter\":\"<filter>\",\"attributes\":[\"<path>\"],\"cursor\":\"$cursor\"}"}},
    {"bulk",
     {"POST /Bulk\n{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:BulkRequest\"],"
      "\"failOnErrors\":<number>,\"Operations\":[<bulkop>,<bulkop>,<bulkop>]}",
      "POST /Bulk\n{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:BulkRequest\"],"
      "\"Operations\":[<bulkop>,<bulkop>]}"}},
    {"bulkop",
     {"{\"method\":\"POST\",\"path\":\"/Users\",\"bulkId\":\"<word>\",\"data\":<newuser>}",
      "{\"method\":\"POST\",\"path\":\"/Groups\",\"bulkId\":\"<word>\",\"data\":<newgroup>}",
      "{\"method\":\"PATCH\",\"path\":\"/Users/<id>\",\"data\":<patchbody>}",
      "{\"method\":\"PATCH\",\"path\":\"/Groups/<id>\",\"version\":\"<version>\",\"data\":<patchbody>}",
      "{\"method\":\"PUT\",\"path\":\"/Users/<id>\",\"data\":<newuser>}",
      "{\"method\":\"DELETE\",\"path\":\"/Users/<id>\"}",
      "{\"method\":\"DELETE\",\"path\":\"/Groups/<id>\"}"}},
    {"newuser",
     {"{\"schemas\":[\"<userurn>\"],\"userName\":\"<text>\"}",
      "{\"schemas\":[\"<userurn>\",\"<enturn>\"],\"userName\":\"<text>\",<pair>,\"<enturn>\":{<entpair>}}",
      "{\"userName\":\"<text>\",<pair>,<pair>}", "{\"schemas\":[\"<userurn>\"],<pair>,<pair>}",
      "{\"schemas\":[\"<userurn>\"],\"userName\":\"ada\",\"title\":\"Pilot\",\"emails\":[{\"type\":"
      "\"work\",\"value\":\"a@x\",\"primary\":true}]}"}},
    {"newgroup",
     {"{\"displayName\":\"<text>\",\"members\":[{\"value\":\"<id>\"},{\"value\":\"<id>\"}]}",
      "{\"displayName\":\"<text>\"}", "{\"displayName\":\"<text>\",\"externalId\":<value>}",
      "{\"displayName\":\"<text>\",\"members\":[{\"value\":\"<id>\",\"type\":\"Group\",\"$ref\":\"<text>\"}]}"}},
    {"pair",
     {"\"title\":<value>", "\"active\":<value>", "\"externalId\":\"<text>\"",
      "\"displayName\":\"<text>\"", "\"name\":{\"familyName\":<value>,\"givenName\":<value>}",
      "\"emails\":[<element>,<element>]", "\"emails\":[<element>]", "\"phoneNumbers\":[<element>]",
      "\"addresses\":[{\"type\":\"work\",\"country\":\"<text>\",\"primary\":<bool>}]",
      "\"roles\":[<element>]", "\"password\":\"<text>\"", "\"id\":\"<id>\"", "\"meta\":{<pair>}",
      "\"groups\":[{\"value\":\"<id>\"}]", "\"schemas\":[\"<enturn>\"]", "\"userName\":\"<text>\"",
      "\"x509Certificates\":[{\"value\":\"<text>\"}]", "\"<enturn>\":{<entpair>}",
      "\"TITLE\":<value>"}},
    {"entpair",
     {"\"department\":<value>", "\"manager\":{\"value\":\"<id>\"}", "\"manager\":\"<id>\"",
      "\"employeeNumber\":\"<text>\"", "\"manager\":null"}},
    {"element",
     {"{\"value\":\"<text>\",\"type\":\"<type>\"}", "{\"value\":<value>,\"primary\":<bool>}",
      "{\"value\":\"<text>\",\"type\":\"<type>\",\"primary\":<bool>,\"display\":<value>}",
      "<value>", "{\"type\":\"<type>\"}", "{}"}},
    {"patchbody",
     {"{\"schemas\":[\"<patchurn>\"],\"Operations\":[<op>]}",
      "{\"schemas\":[\"<patchurn>\"],\"Operations\":[<op>,<op>]}",
      "{\"schemas\":[\"<patchurn>\"],\"Operations\":[<op>,<op>,<op>]}"}},
    {"op",
     {"{\"op\":\"<opname>\",\"path\":\"<path>\",\"value\":<anyvalue>}",
      "{\"op\":\"<opname>\",\"path\":\"<path>\"}",
      "{\"op\":\"<opname>\",\"value\":{<pair>,<pair>}}",
      "{\"op\":\"<opname>\",\"value\":{\"<path>\":<anyvalue>}}",
      "{\"op\":\"<opname>\",\"path\":\"emails[<filter>].<sub>\",\"value\":<value>}",
      "{\"op\":\"<opname>\",\"path\":\"emails[<filter>]\",\"value\":<element>}", "<memberop>"}},
    {"opname", {"add", "replace", "remove", "Replace", "ADD", "move"}},
    {"anyvalue",
     {"<value>", "[<element>]", "[<element>,<element>]", "<element>", "{<pair>}", "[]", "{}"}},
    {"value",
     {"\"<text>\"", "true", "false", "null", "\"\"", "\"True\"", "1", "1e999999", "-0",
      "\"\\u0000\"", "\"\\ud83d\\ude00\"", "9223372036854775808", "[\"<text>\"]"}},
    {"path",
     {"title",
      "active",
      "userName",
      "displayName",
      "name",
      "name.familyName",
      "emails",
      "emails.value",
      "emails[type eq \\\"work\\\"]",
      "emails[type eq \\\"<type>\\\"].value",
      "emails[<filter>]",
      "members",
      "groups",
      "externalId",
      "<enturn>:department",
      "<enturn>:manager",
      "<enturn>:manager.value",
      "<userurn>:title",
      "schemas",
      "meta.version",
      "id",
      "<enturn>",
      "roles",
      "addresses[type eq \\\"work\\\"].country"}},
    {"filter",
     {"<comparison>", "<comparison> and <filter>", "<comparison> or <filter>", "not (<filter>)",
      "(<filter>)", "emails[<filter>]", "members[value eq \\\"<id>\\\"]"}},
    {"comparison",
     {"userName eq \\\"<text>\\\"", "<plain> <compare> \\\"<text>\\\"", "<plain> pr",
      "active eq <bool>", "meta.lastModified gt \\\"2020-01-01T00:00:00Z\\\"", "id eq \\\"<id>\\\"",
      "emails.value co \\\"<text>\\\"", "<plain> <compare> null", "groups.value eq \\\"<id>\\\"",
      "type eq \\\"<type>\\\"", "value <compare> \\\"<text>\\\"", "primary eq true",
      "<enturn>:department <compare> \\\"<text>\\\"", "meta.version eq \\\"<id>\\\""}},
    {"queryfilter",
     {"userName%20eq%20%22<text>%22", "title%20pr", "emails%5Btype%20eq%20%22<type>%22%5D",
      "not%20(active%20eq%20<bool>)%20or%20title%20co%20%22<text>%22", "id%20eq%20%22<id>%22",
      "meta.lastModified%20ge%20%222020-01-01T00:00:00Z%22", "externalId%20eq%20%22<text>%22"}},
    {"plain", {"title", "userName", "name.familyName", "emails.type", "externalId", "displayName"}},
    {"compare", {"eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "EQ"}},
    {"names",
     {"userName", "emails.value,title", "members", "id", "groups,meta.version", "<enturn>", "x"}},
    {"sub", {"value", "type", "primary", "display", "$ref", "x"}},
    {"order", {"ascending", "descending"}},
    {"number", {"0", "1", "2", "100", "-1", "3"}},
    {"bool", {"true", "false"}},
    {"type", {"work", "home", "other", "<text>"}},
    {"word", {"a", "b", "c"}},
    {"text",
     {"ada", "ADA", "bob", "crew", "all", "x", "a@x", "Pilot",
      "Stra\xc3\x9f"
      "e",
      "e\xcc\x81", "bulkId:a", "<id>", " "}},
    {"etag", {"W/\"1\"", "*", "$etag", "W/\"2\"", "\"1\"", "\"x\", W/\"1\""}},
    {"version", {"W/\\\"1\\\"", "*", "W/\\\"2\\\"", "\\\"1\\\""}},
    {"user", {"$user", "$user2", "$new", "$group", "$other"}},
    {"group", {"$group", "$group2", "$new", "$user"}},
    {"id", {"$user", "$user2", "$group", "$group2", "$new", "bulkId:a", "bulkId:b", "$other"}},
    {"userurn", {"urn:ietf:params:scim:schemas:core:2.0:User"}},
    {"enturn", {"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"}},
    {"patchurn", {"urn:ietf:params:scim:api:messages:2.0:PatchOp"}},
};

unsigned requests_below(struct requests_rng *rng, unsigned limit)
{
    rng->state = rng->state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(rng->state >> 33) % limit;
}

static void expand(struct requests_rng *rng, struct str text, int depth, struct buf *out);

static void expand_symbol(struct requests_rng *rng, struct str symbol, int depth, struct buf *out)
{
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        unsigned count = 0;

        if (!str_eq_z(symbol, rules[i].symbol))
            continue;
        while (count < ARRAY_LEN(rules[i].texts) && rules[i].texts[count])
            count++;
        unsigned which = depth > DEPTH_MAX ? 0 : requests_below(rng, count);
        expand(rng, str_from_z(rules[i].texts[which]), depth + 1, out);
        return;
    }
    abort(); /* a symbol without a rule */
}

static void expand(struct requests_rng *rng, struct str text, int depth, struct buf *out)
{
    struct str before, symbol;

    while (str_cut(&text, '<', &before)) {
        buf_add(out, before);
        (void)str_cut(&text, '>', &symbol);
        expand_symbol(rng, symbol, depth, out);
    }
    buf_add(out, before);
}

static void add(struct requests_rng *rng, struct str request, struct buf *out)
{
    if (out->len > 0)
        buf_add_z(out, "\n---\n");
    if (request.len > 0) {
        buf_add(out, request);
    } else {
        expand(rng, STR("<request>"), 0, out);
    }
}

static size_t cut(struct str from, struct str *out)
{
    size_t count = 0, at;

    while (count < SEQUENCE_MAX && str_find(from, STR("\n---\n"), &at)) {
        out[count++] = str_sub(from, 0, at);
        from = str_from(from, at + 5);
    }
    if (count < SEQUENCE_MAX && from.len > 0)
        out[count++] = from;
    return count;
}

void requests_mutate(struct requests_rng *rng, struct str from, struct buf *out)
{
    struct str is[SEQUENCE_MAX], none = {NULL, 0};
    size_t count = cut(from, is);
    size_t here = requests_below(rng, (unsigned)count + 1);
    unsigned what = requests_below(rng, 6);

    for (size_t i = 0; i < count; i++) {
        if (i == here && what <= 2) /* one more, in place of it, or it twice */
            add(rng, what == 2 ? is[i] : none, out);
        if (i == here && (what == 1 || what == 3))
            continue;
        add(rng, i == here && what == 4 ? is[requests_below(rng, (unsigned)count)] : is[i], out);
    }
    if (here == count || what == 5)
        add(rng, none, out);
}
