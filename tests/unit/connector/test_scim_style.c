/* What the settings of scim.md 10.5 and the dialects of 11.4 make of the same changes, to the byte,
 * against a scripted peer; and PUT where there is no PATCH (10.4). */
#include "peer.h"

#define PATCH(operations_)                                                                          \
    "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:PatchOp\"],\"Operations\":[" operations_ \
    "]}"
#define ENTERPRISE "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
#define DEPARTMENT ENTERPRISE ":department"
#define MANAGER    ENTERPRISE ":manager"
#define MAIL       "emails[type eq \"work\"].value"
#define MAIL_PATH  "emails[type eq \\\"work\\\"].value"
#define LASTING    "/Users/1"
#define CONFIG(patch_)                                                             \
    {                                                                              \
        "GET", "/ServiceProviderConfig", NULL, 200, NULL,                          \
            "{\"patch\":{\"supported\":" patch_ "},\"etag\":{\"supported\":true}}" \
    }

enum { SCRIPT_MAX = 6 };

static size_t length(const struct exchange *script)
{
    size_t n = 0;

    while (n < SCRIPT_MAX && script[n].method)
        n++;
    return n;
}

/* "ok" or the code. */
static struct str outcome(struct target *t, struct call *call)
{
    call_wait(t, call);
    return call->result.status == TARGET_OK ? STR("ok") : str_from_z(call->result.code);
}

/* The changes of scim.md 11.3. */
#define BEFORE                                                                                  \
    "{\"name.givenName\":\"Nora\",\"urn:ietf:params:scim:schemas:core:2.0:User:name.familyName" \
    "\":\"Kjaer\",\"emails[type eq \\\"work\\\"].value\":\"old\"}"
#define FAMILY "urn:ietf:params:scim:schemas:core:2.0:User:name.familyName"
#define SEVERAL                                                                 \
    "{\"emails[type eq \\\"work\\\"].value\":\"nora.m@contoso.test\",\"" FAMILY \
    "\":\"Munk\",\"" DEPARTMENT "\":\"4130\",\"name.givenName\":null}"

static void updates(void **state)
{
    static const struct {
        const char *label, *settings, *flag, *before, *after;
        struct exchange script[SCRIPT_MAX];
    } cases[] = {
        {"rfc: an operation for each",
         NULL,
         "",
         BEFORE,
         SEVERAL,
         {{"PATCH", LASTING,
           PATCH("{\"op\":\"remove\",\"path\":\"name.givenName\"},"
                 "{\"op\":\"replace\",\"path\":\"name.familyName\",\"value\":\"Munk\"},"
                 "{\"op\":\"replace\",\"path\":\"" MAIL_PATH
                 "\",\"value\":\"nora.m@contoso.test\"},"
                 "{\"op\":\"add\",\"path\":\"" DEPARTMENT "\",\"value\":\"4130\"}"),
           204, NULL, NULL}}},
        {"rfc combined",
         "client.combineReplace=true",
         "",
         BEFORE,
         SEVERAL,
         {{"PATCH", LASTING,
           PATCH("{\"op\":\"remove\",\"path\":\"name.givenName\"},"
                 "{\"op\":\"replace\",\"path\":\"" MAIL_PATH
                 "\",\"value\":\"nora.m@contoso.test\"},"
                 "{\"op\":\"replace\",\"value\":{\"name.familyName\":\"Munk\",\"" DEPARTMENT
                 "\":\"4130\"}}"),
           204, NULL, NULL}}},
        {"entra2020 combines",
         "client.patchDialect=entra2020",
         "",
         "{\"userName\":\"a\",\"name.givenName\":\"b\"}",
         "{\"userName\":\"x\",\"name.givenName\":\"y\",\"" DEPARTMENT "\":\"z\"}",
         {{"PATCH", LASTING,
           PATCH(
               "{\"op\":\"replace\",\"value\":{\"userName\":\"x\",\"name.givenName\":\"y\",\"" DEPARTMENT
               "\":\"z\"}}"),
           204, NULL, NULL}}},
        {"entra2020 disables",
         "client.patchDialect=entra2020",
         "",
         "{\"active\":true}",
         "{\"active\":false}",
         {{"PATCH", LASTING, PATCH("{\"op\":\"replace\",\"path\":\"active\",\"value\":false}"), 204,
           NULL, NULL}}},
        {"entra2020 adds a text",
         "client.patchDialect=entra2020",
         "",
         NULL,
         "{\"externalId\":\"Babs\"}",
         {{"PATCH", LASTING, PATCH("{\"op\":\"add\",\"path\":\"externalId\",\"value\":\"Babs\"}"),
           204, NULL, NULL}}},
        {"entra2020 by the flag of the URL",
         NULL,
         "?aadOptscim062020",
         "{\"userName\":\"a\",\"name.givenName\":\"b\"}",
         "{\"userName\":\"x\",\"name.givenName\":\"y\"}",
         {{"PATCH", LASTING,
           PATCH("{\"op\":\"replace\",\"value\":{\"userName\":\"x\",\"name.givenName\":\"y\"}}"),
           204, NULL, NULL}}},
        {"legacy: one Replace for each",
         "client.patchDialect=entraLegacy",
         "",
         "{\"userName\":\"a\",\"name.givenName\":\"b\"}",
         "{\"userName\":\"x\",\"name.givenName\":\"y\"}",
         {{"PATCH", LASTING,
           PATCH("{\"op\":\"Replace\",\"path\":\"userName\",\"value\":\"x\"},"
                 "{\"op\":\"Replace\",\"path\":\"name.givenName\",\"value\":\"y\"}"),
           204, NULL, NULL}}},
        {"legacy disables with a text, by the flag of the URL",
         NULL,
         "?AzureAdScimPatch2017",
         "{\"active\":true}",
         "{\"active\":false}",
         {{"PATCH", LASTING, PATCH("{\"op\":\"Replace\",\"path\":\"active\",\"value\":\"False\"}"),
           204, NULL, NULL}}},
        {"legacy adds a text",
         "client.patchDialect=entraLegacy",
         "",
         NULL,
         "{\"externalId\":\"Babs\"}",
         {{"PATCH", LASTING, PATCH("{\"op\":\"Add\",\"path\":\"externalId\",\"value\":\"Babs\"}"),
           204, NULL, NULL}}},
        {"legacy: the manager's id alone",
         "client.patchDialect=entraLegacy",
         "",
         NULL,
         "{\"" MANAGER "\":\"9\"}",
         {{"PATCH", LASTING, PATCH("{\"op\":\"Add\",\"path\":\"" MANAGER "\",\"value\":\"9\"}"),
           204, NULL, NULL}}},
        {"legacy: a manager in an array",
         "client.patchDialect=entraLegacy; client.managerStyle=array",
         "",
         NULL,
         "{\"" MANAGER "\":\"9\"}",
         {{"PATCH", LASTING,
           PATCH("{\"op\":\"Add\",\"path\":\"" MANAGER
                 "\",\"value\":[{\"$ref\":null,\"value\":\"9\"}]}"),
           204, NULL, NULL}}},
        {"manager as an object",
         NULL,
         "",
         NULL,
         "{\"" MANAGER "\":\"9\"}",
         {{"PATCH", LASTING,
           PATCH("{\"op\":\"add\",\"path\":\"" MANAGER "\",\"value\":{\"value\":\"9\"}}"), 204,
           NULL, NULL}}},
        {"manager as an id",
         "client.managerStyle=id",
         "",
         NULL,
         "{\"" MANAGER "\":\"9\"}",
         {{"PATCH", LASTING, PATCH("{\"op\":\"add\",\"path\":\"" MANAGER "\",\"value\":\"9\"}"),
           204, NULL, NULL}}},
        {"manager as an array",
         "client.managerStyle=array",
         "",
         NULL,
         "{\"" MANAGER "\":\"9\"}",
         {{"PATCH", LASTING,
           PATCH("{\"op\":\"add\",\"path\":\"" MANAGER "\",\"value\":[{\"value\":\"9\"}]}"), 204,
           NULL, NULL}}},
        {"cleared by an empty text",
         "client.removeStyle=emptyReplace",
         "",
         "{\"externalId\":\"x\"}",
         "{\"externalId\":null}",
         {{"PATCH", LASTING, PATCH("{\"op\":\"replace\",\"path\":\"externalId\",\"value\":\"\"}"),
           204, NULL, NULL}}},
        {"at most two operations a request",
         "client.maxOpsPerPatch=2",
         "",
         NULL,
         "{\"userName\":\"a\",\"externalId\":\"b\",\"name.givenName\":\"c\"}",
         {{"PATCH", LASTING,
           PATCH("{\"op\":\"add\",\"path\":\"userName\",\"value\":\"a\"},"
                 "{\"op\":\"add\",\"path\":\"externalId\",\"value\":\"b\"}"),
           204, NULL, NULL},
          {"PATCH", LASTING, PATCH("{\"op\":\"add\",\"path\":\"name.givenName\",\"value\":\"c\"}"),
           204, NULL, NULL}}},
        {"the combined one is an operation, too",
         "client.maxOpsPerPatch=1; client.combineReplace=true",
         "",
         NULL,
         "{\"userName\":\"a\",\"externalId\":\"b\",\"emails[type eq \\\"work\\\"].value\":\"c\"}",
         {{"PATCH", LASTING, PATCH("{\"op\":\"add\",\"path\":\"" MAIL_PATH "\",\"value\":\"c\"}"),
           204, NULL, NULL},
          {"PATCH", LASTING,
           PATCH("{\"op\":\"replace\",\"value\":{\"userName\":\"a\",\"externalId\":\"b\"}}"), 204,
           NULL, NULL}}},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct peer *p = peer_new(cases[i].script, length(cases[i].script));
        struct target *t = peer_target_with(arena_printf(a, "%s%s", peer_url(p), cases[i].flag),
                                            cases[i].settings);
        struct mapping_changes changes =
            peer_changes(a, peer_users(), cases[i].before, cases[i].after);
        struct call call;

        call_init(&call);
        t->ops->update(t, peer_users(), STR("1"), &changes, call_ended, &call);
        CHECK_STR(outcome(t, &call), "ok", "%s", cases[i].label);
        call_done(&call);
        target_close(t);
        peer_free(p, cases[i].label);
    }
}

#define OLD_ADA                                                                                \
    "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\"],\"id\":\"1\",\"userName\":" \
    "\"ada\",\"nickName\":\"ours\",\"emails\":[{\"value\":\"h@x\",\"type\":\"home\"},{\"value" \
    "\":\"w@x\",\"type\":\"work\",\"primary\":true}],\"meta\":{\"version\":\"W/1\"}}"
#define NEW_ADA                                                                                \
    "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\"],\"id\":\"1\",\"userName\":" \
    "\"eve\",\"nickName\":\"ours\",\"emails\":[{\"value\":\"h@x\",\"type\":\"home\"},{\"value" \
    "\":\"w@x\",\"type\":\"work\",\"primary\":true}]}"
#define TO_EVE PATCH("{\"op\":\"add\",\"path\":\"userName\",\"value\":\"eve\"}")
#define EVE    "{\"userName\":\"eve\"}"
#define GET_ADA                                  \
    {                                            \
        "GET", LASTING, NULL, 200, NULL, OLD_ADA \
    }
#define PUT_EVE                                  \
    {                                            \
        "PUT", LASTING, NEW_ADA, 200, NULL, "{}" \
    }

/* Twice the same change: what was learnt is remembered. */
static void puts_where_patch_is_missing(void **state)
{
    static const struct {
        const char *label, *settings;
        bool describe;
        struct exchange script[SCRIPT_MAX];
        const char *want; /* of both */
    } cases[] = {
        {"by setting",
         "client.updateMethod=put",
         false,
         {GET_ADA, PUT_EVE, GET_ADA, PUT_EVE},
         "ok ok"},
        {"the service says so",
         NULL,
         true,
         {CONFIG("false"), GET_ADA, PUT_EVE, GET_ADA, PUT_EVE},
         "ok ok"},
        {"501",
         NULL,
         false,
         {{"PATCH", LASTING, TO_EVE, 501, NULL, NULL}, GET_ADA, PUT_EVE, GET_ADA, PUT_EVE},
         "ok ok"},
        {"405",
         NULL,
         false,
         {{"PATCH", LASTING, TO_EVE, 405, NULL, NULL}, GET_ADA, PUT_EVE, GET_ADA, PUT_EVE},
         "ok ok"},
        {"404 of PATCH alone",
         NULL,
         false,
         {{"PATCH", LASTING, TO_EVE, 404, NULL, NULL}, GET_ADA, PUT_EVE, GET_ADA, PUT_EVE},
         "ok ok"},
        {"404 of the account",
         NULL,
         false,
         {{"PATCH", LASTING, TO_EVE, 404, NULL, NULL},
          {"GET", LASTING, NULL, 404, NULL, NULL},
          {"PATCH", LASTING, TO_EVE, 204, NULL, NULL}},
         "InvalidAnchor ok"},
        {"PATCH has worked: 404 is the account",
         NULL,
         false,
         {{"PATCH", LASTING, TO_EVE, 204, NULL, NULL}, {"PATCH", LASTING, TO_EVE, 404, NULL, NULL}},
         "ok InvalidAnchor"},
        {"PATCH only",
         "client.updateMethod=patch",
         false,
         {{"PATCH", LASTING, TO_EVE, 501, NULL, NULL}, {"PATCH", LASTING, TO_EVE, 405, NULL, NULL}},
         "NotImplemented MethodNotAllowed"},
        {"nothing differs",
         "client.updateMethod=put",
         false,
         {{"GET", LASTING, NULL, 200, NULL, NEW_ADA}, {"GET", LASTING, NULL, 200, NULL, NEW_ADA}},
         "ok ok"},
        {"changed between reading and writing",
         "client.updateMethod=put",
         true,
         {CONFIG("true"),
          GET_ADA,
          {"PUT", LASTING, NEW_ADA, 412, NULL, NULL},
          GET_ADA,
          PUT_EVE,
          {"GET", LASTING, NULL, 200, NULL, NEW_ADA}},
         "ok ok"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct peer *p = peer_new(cases[i].script, length(cases[i].script));
        struct target *t = peer_target_with(str_from_z(peer_url(p)), cases[i].settings);
        struct mapping_changes changes = peer_changes(a, peer_users(), NULL, EVE);
        struct target_traits traits;
        struct str got = STR("");

        if (cases[i].describe)
            t->ops->describe(t, &traits);
        for (int n = 0; n < 2; n++) {
            struct call call;

            call_init(&call);
            t->ops->update(t, peer_users(), STR("1"), &changes, call_ended, &call);
            struct str one = outcome(t, &call);
            got = arena_printf(a, "%.*s%s%.*s", STR_ARG(got), n ? " " : "", STR_ARG(one));
            call_done(&call);
        }
        CHECK_STR(got, cases[i].want, "%s", cases[i].label);
        target_close(t);
        peer_free(p, cases[i].label);
    }
}

/* What a PUT makes of every shape of path; members that are not ours stay. */
static void put_merges(void **state)
{
    static const struct {
        const char *label, *resource, *changes, *body;
    } cases[] = {
        {"an element is changed in its place", OLD_ADA,
         "{\"emails[type eq \\\"work\\\"].value\":\"n@x\"}",
         "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\"],\"id\":\"1\",\"userName\":"
         "\"ada\",\"nickName\":\"ours\",\"emails\":[{\"value\":\"h@x\",\"type\":\"home\"},"
         "{\"value\":\"n@x\",\"type\":\"work\",\"primary\":true}]}"},
        {"an element goes with its last value",
         "{\"id\":\"1\",\"emails\":[{\"value\":\"h@x\",\"type\":\"home\"},{\"value\":\"w@x\","
         "\"type\":\"work\",\"primary\":true}]}",
         "{\"emails[type eq \\\"work\\\"].value\":null}",
         "{\"id\":\"1\",\"emails\":[{\"value\":\"h@x\",\"type\":\"home\"}]}"},
        {"an element comes", "{\"id\":\"1\"}", "{\"emails[type eq \\\"work\\\"].value\":\"w@x\"}",
         "{\"id\":\"1\",\"emails\":[{\"type\":\"work\",\"value\":\"w@x\"}]}"},
        {"a complex attribute keeps what is not mapped",
         "{\"id\":\"1\",\"Name\":{\"givenName\":\"a\",\"middleName\":\"m\"}}",
         "{\"name.givenName\":\"b\"}",
         "{\"id\":\"1\",\"Name\":{\"givenName\":\"b\",\"middleName\":\"m\"}}"},
        {"an extension comes and is named",
         "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\"],\"id\":\"1\"}",
         "{\"" DEPARTMENT "\":\"d\",\"" MANAGER "\":\"9\"}",
         "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\",\"" ENTERPRISE
         "\"],\"id\":\"1\",\"" ENTERPRISE
         "\":{\"department\":\"d\",\"manager\":{\"value\":\"9\"}}}"},
        {"disabled", "{\"id\":\"1\",\"active\":true,\"x\":[1,{\"y\":null}]}", "{\"active\":false}",
         "{\"id\":\"1\",\"active\":false,\"x\":[1,{\"y\":null}]}"},
        {"cleared", "{\"id\":\"1\",\"userName\":\"u\",\"externalId\":\"e\"}",
         "{\"externalId\":null}", "{\"id\":\"1\",\"userName\":\"u\"}"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        const struct exchange script[] = {
            {"GET", LASTING, NULL, 200, NULL, cases[i].resource},
            {"PUT", LASTING, cases[i].body, 204, NULL, NULL},
        };
        struct peer *p = peer_new(script, ARRAY_LEN(script));
        struct target *t = peer_target_with(str_from_z(peer_url(p)), "client.updateMethod=put");
        struct mapping_changes changes = peer_changes(a, peer_users(), NULL, cases[i].changes);
        struct call call;

        call_init(&call);
        t->ops->update(t, peer_users(), STR("1"), &changes, call_ended, &call);
        CHECK_STR(outcome(t, &call), "ok", "%s", cases[i].label);
        call_done(&call);
        target_close(t);
        peer_free(p, cases[i].label);
    }
}

#define TEAM(members_) "{\"id\":\"7\",\"displayName\":\"t\",\"members\":[" members_ "]}"

static void members(void **state)
{
    static const struct {
        const char *label, *settings;
        size_t add, remove; /* of "a", "b", "c" */
        struct exchange script[SCRIPT_MAX];
    } cases[] = {
        {"legacy adds",
         "client.patchDialect=entraLegacy",
         2,
         0,
         {{"PATCH", "/Groups/7",
           PATCH("{\"op\":\"Add\",\"path\":\"members\",\"value\":[{\"$ref\":null,\"value\":\"a\"},"
                 "{\"$ref\":null,\"value\":\"b\"}]}"),
           204, NULL, NULL}}},
        {"legacy removes by a list",
         "client.patchDialect=entraLegacy",
         0,
         2,
         {{"PATCH", "/Groups/7",
           PATCH("{\"op\":\"Remove\",\"path\":\"members\",\"value\":[{\"$ref\":null,\"value\":"
                 "\"a\"},{\"$ref\":null,\"value\":\"b\"}]}"),
           204, NULL, NULL}}},
        {"a list in plain SCIM",
         "client.memberRemoveStyle=valueArray",
         0,
         1,
         {{"PATCH", "/Groups/7",
           PATCH("{\"op\":\"remove\",\"path\":\"members\",\"value\":[{\"value\":\"a\"}]}"), 204,
           NULL, NULL}}},
        {"entra2020 removes by a filter",
         "client.patchDialect=entra2020",
         0,
         1,
         {{"PATCH", "/Groups/7",
           PATCH("{\"op\":\"remove\",\"path\":\"members[value eq \\\"a\\\"]\"}"), 204, NULL,
           NULL}}},
        {"as many as one request takes",
         "client.maxMembersPerPatch=2",
         3,
         0,
         {{"PATCH", "/Groups/7",
           PATCH("{\"op\":\"add\",\"path\":\"members\",\"value\":[{\"value\":\"a\"},{\"value\":"
                 "\"b\"}]}"),
           204, NULL, NULL},
          {"PATCH", "/Groups/7",
           PATCH("{\"op\":\"add\",\"path\":\"members\",\"value\":[{\"value\":\"c\"}]}"), 204, NULL,
           NULL}}},
        {"each removed by a filter is an operation",
         "client.maxOpsPerPatch=1",
         0,
         2,
         {{"PATCH", "/Groups/7",
           PATCH("{\"op\":\"remove\",\"path\":\"members[value eq \\\"a\\\"]\"}"), 204, NULL, NULL},
          {"PATCH", "/Groups/7",
           PATCH("{\"op\":\"remove\",\"path\":\"members[value eq \\\"b\\\"]\"}"), 204, NULL,
           NULL}}},
        {"PUT has all of them",
         "client.updateMethod=put",
         2,
         0,
         {{"GET", "/Groups/7", NULL, 200, NULL, TEAM("{\"value\":\"x\",\"display\":\"X\"}")},
          {"PUT", "/Groups/7",
           TEAM("{\"value\":\"x\",\"display\":\"X\"},{\"value\":\"a\"},{\"value\":\"b\"}"), 200,
           NULL, "{}"}}},
        {"PUT after PATCH was not there",
         NULL,
         0,
         1,
         {{"PATCH", "/Groups/7",
           PATCH("{\"op\":\"remove\",\"path\":\"members[value eq \\\"a\\\"]\"}"), 501, NULL, NULL},
          {"GET", "/Groups/7", NULL, 200, NULL, TEAM("{\"value\":\"x\"},{\"value\":\"a\"}")},
          {"PUT", "/Groups/7", TEAM("{\"value\":\"x\"}"), 200, NULL, "{}"}}},
        {"PUT of what is there already",
         "client.updateMethod=put",
         1,
         0,
         {{"GET", "/Groups/7", NULL, 200, NULL, TEAM("{\"value\":\"a\"}")}}},
    };
    static const struct str ids[] = {STR_INIT("a"), STR_INIT("b"), STR_INIT("c")};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct peer *p = peer_new(cases[i].script, length(cases[i].script));
        struct target *t = peer_target_with(str_from_z(peer_url(p)), cases[i].settings);
        struct call call;

        call_init(&call);
        t->ops->change_members(
            t, peer_groups(), STR("7"),
            &(struct target_members){.attribute = &peer_groups()->attributes[G_MEMBERS],
                                     .add = ids,
                                     .add_count = cases[i].add,
                                     .remove = ids,
                                     .remove_count = cases[i].remove},
            call_ended, &call);
        CHECK_STR(outcome(t, &call), "ok", "%s", cases[i].label);
        call_done(&call);
        target_close(t);
        peer_free(p, cases[i].label);
    }
}

static void creations(void **state)
{
    static const struct {
        const char *label, *settings, *body;
    } cases[] = {
        {"as it is", NULL,
         "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\"],\"emails\":[{\"type\":"
         "\"work\",\"value\":\"w@x\",\"primary\":true}],\"meta\":{\"resourceType\":\"User\"}}"},
        {"bare", "client.primaryForWork=false; client.sendMeta=false",
         "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\"],\"emails\":[{\"type\":"
         "\"work\",\"value\":\"w@x\"}]}"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct exchange e = {"POST", "/Users", cases[i].body, 201, NULL, "{\"id\":\"1\"}"};
        struct peer *p = peer_new(&e, 1);
        struct target *t = peer_target_with(str_from_z(peer_url(p)), cases[i].settings);
        struct mapping_changes want =
            peer_changes(a, peer_users(), NULL, "{\"emails[type eq \\\"work\\\"].value\":\"w@x\"}");
        struct call call;

        call_init(&call);
        t->ops->create(t, peer_users(), &want, call_ended, &call);
        CHECK_STR(outcome(t, &call), "ok", "%s", cases[i].label);
        call_done(&call);
        target_close(t);
        peer_free(p, cases[i].label);
    }
}

static void queries(void **state)
{
    static const struct {
        const char *label, *settings;
        struct exchange script[SCRIPT_MAX];
        const char *want; /* ids, or the code */
    } cases[] = {
        {"a blank as plus",
         "client.filterEncoding=plus",
         {{"GET", "/Users?filter=userName+eq+%22a+b%2Bc%22", NULL, 200, NULL,
           "{\"totalResults\":0}"}},
         ""},
        {"nobody is 404",
         "client.emptyIs404=true",
         {{"GET", "/Users?filter=userName%20eq%20%22a%20b%2Bc%22", NULL, 404, NULL, NULL}},
         ""},
        {"an ignored filter is searched",
         "client.scanWhenFilterIgnored=true",
         {{"GET", "/Users?filter=userName%20eq%20%22a%20b%2Bc%22", NULL, 200, NULL,
           "{\"totalResults\":3,\"Resources\":[{\"id\":\"1\",\"userName\":\"x\"}]}"},
          {"GET", "/Users?startIndex=2&count=200", NULL, 200, NULL,
           "{\"totalResults\":3,\"Resources\":[{\"id\":\"2\",\"userName\":\"A b+C\"}]}"},
          {"GET", "/Users?startIndex=3&count=200", NULL, 200, NULL,
           "{\"totalResults\":3,\"Resources\":[{\"id\":\"3\",\"userName\":\"y\"}]}"}},
         "2 "},
        {"a filter that works is not searched",
         "client.scanWhenFilterIgnored=true",
         {{"GET", "/Users?filter=userName%20eq%20%22a%20b%2Bc%22", NULL, 200, NULL,
           "{\"totalResults\":1,\"Resources\":[{\"id\":\"2\",\"userName\":\"a b+c\"}]}"}},
         "2 "},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct peer *p = peer_new(cases[i].script, length(cases[i].script));
        struct target *t = peer_target_with(str_from_z(peer_url(p)), cases[i].settings);
        struct mapping_criterion by = peer_criterion(a, peer_users(), U_USER_NAME, "a b+c");
        struct str got = STR("");
        struct call call;

        call_init(&call);
        t->ops->find(t, peer_users(), &by, call_ended, &call);
        CHECK_STR(outcome(t, &call), "ok", "%s", cases[i].label);
        for (size_t n = 0; n < call.result.record_count; n++)
            got = arena_printf(a, "%.*s%.*s ", STR_ARG(got), STR_ARG(call.result.records[n].id));
        CHECK_STR(got, cases[i].want, "%s", cases[i].label);
        call_done(&call);
        target_close(t);
        peer_free(p, cases[i].label);
    }
}

TEST_GROUP(scim_style, cmocka_unit_test(updates), cmocka_unit_test(puts_where_patch_is_missing),
           cmocka_unit_test(put_merges), cmocka_unit_test(members), cmocka_unit_test(creations),
           cmocka_unit_test(queries))
