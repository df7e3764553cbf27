/* Calls and what their answers mean (engine.md 9.3, scim.md 10.2), against a scripted peer. */
#include "peer.h"

#define LIST(resources_) "{\"totalResults\":1,\"Resources\":[" resources_ "]}"
#define ERROR(type_, detail_) \
    "{\"status\":\"400\",\"scimType\":\"" type_ "\",\"detail\":\"" detail_ "\"}"
#define PATCH "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:PatchOp\"],\"Operations\":["
#define FIND  "/Users?filter=userName%20eq%20%22ada%22"

enum call_kind { FIND_CALL, READ_CALL, CREATE_CALL, UPDATE_CALL, REMOVE_CALL, LIST_CALL };

/* The same call in all cases: user "ada", id "1". */
static void start(struct target *t, enum call_kind kind, struct arena *a, struct call *call)
{
    struct mapping_criterion by = peer_criterion(a, peer_users(), U_USER_NAME, "ada");
    struct mapping_changes changes = peer_changes(a, peer_users(), NULL, "{\"userName\":\"ada\"}");

    switch (kind) {
    case FIND_CALL:
        t->ops->find(t, peer_users(), &by, call_ended, call);
        break;
    case READ_CALL:
        t->ops->read(t, peer_users(), STR("1"), call_ended, call);
        break;
    case CREATE_CALL:
        t->ops->create(t, peer_users(), &changes, call_ended, call);
        break;
    case UPDATE_CALL:
        t->ops->update(t, peer_users(), STR("1"), &changes, call_ended, call);
        break;
    case REMOVE_CALL:
        t->ops->remove(t, peer_users(), STR("1"), call_ended, call);
        break;
    case LIST_CALL:
        t->ops->list(t, peer_users(), &(struct target_page){.count = 10}, call_ended, call);
        break;
    }
}

static const struct exchange asked[] = {
    [FIND_CALL] = {"GET", FIND, NULL, 0, NULL, NULL},
    [READ_CALL] = {"GET", "/Users/1", NULL, 0, NULL, NULL},
    [CREATE_CALL] = {"POST", "/Users",
                     "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\"],"
                     "\"userName\":\"ada\",\"meta\":{\"resourceType\":\"User\"}}",
                     0, NULL, NULL},
    [UPDATE_CALL] = {"PATCH", "/Users/1",
                     PATCH "{\"op\":\"add\",\"path\":\"userName\",\"value\":\"ada\"}]}", 0, NULL,
                     NULL},
    [REMOVE_CALL] = {"DELETE", "/Users/1", NULL, 0, NULL, NULL},
    [LIST_CALL] = {"GET", "/Users?startIndex=1&count=10", NULL, 0, NULL, NULL},
};

static void run_one(enum call_kind kind, int status, const char *headers, const char *reply,
                    const char *label, struct call *call)
{
    struct exchange e = asked[kind];

    e.status = status;
    e.headers = headers;
    e.reply = reply;
    struct peer *p = peer_new(&e, 1);
    struct target *t =
        peer_target_with(str_from_z(peer_url(p)), "client.updateMethod=patch"); /* one exchange */
    start(t, kind, call->a, call);
    call_wait(t, call);
    target_close(t);
    peer_free(p, label);
}

#define INCOMPATIBLE "SystemForCrossDomainIdentityManagementServiceIncompatible"

static void judged(void **state)
{
    static const struct {
        const char *label;
        enum call_kind call;
        int status;
        const char *headers;
        const char *reply;
        enum target_status want;
        enum target_class class_;
        const char *code;
    } cases[] = {
        {"conflict", CREATE_CALL, 409, NULL, ERROR("uniqueness", "x"), TARGET_CONFLICT,
         TARGET_PERMANENT, "EntryConflict"},
        {"conflict on update", UPDATE_CALL, 409, NULL, NULL, TARGET_CONFLICT, TARGET_PERMANENT,
         "EntryConflict"},
        {"uniqueness as 400", CREATE_CALL, 400, NULL, ERROR("uniqueness", "x"), TARGET_CONFLICT,
         TARGET_PERMANENT, "EntryConflict"},
        {"throttled", CREATE_CALL, 429, "Retry-After: 7", NULL, TARGET_FAILED, TARGET_THROTTLED,
         "TooManyRequests"},
        {"busy until", UPDATE_CALL, 503, "Retry-After: 7", NULL, TARGET_FAILED, TARGET_THROTTLED,
         "TooManyRequests"},
        {"down", UPDATE_CALL, 503, NULL, NULL, TARGET_FAILED, TARGET_TRANSIENT,
         "InternalServerError"},
        {"broken", CREATE_CALL, 500, NULL, "oops", TARGET_FAILED, TARGET_TRANSIENT,
         "InternalServerError"},
        {"gateway", CREATE_CALL, 502, NULL, "<html>", TARGET_FAILED, TARGET_TRANSIENT,
         "InternalServerError"},
        {"gateway timeout", CREATE_CALL, 504, NULL, NULL, TARGET_FAILED, TARGET_TRANSIENT,
         "Timeout"},
        {"not built", UPDATE_CALL, 501, NULL, NULL, TARGET_FAILED, TARGET_PERMANENT,
         "NotImplemented"},
        {"method", UPDATE_CALL, 405, NULL, NULL, TARGET_FAILED, TARGET_PERMANENT,
         "MethodNotAllowed"},
        /* 401 and 403 ask once more who is let in: test_scim_test.c. */
        {"no licence", CREATE_CALL, 403, NULL, "{\"detail\":\"No License left\"}", TARGET_FAILED,
         TARGET_PERMANENT, "LicenseLimitExceeded"},
        {"payment", CREATE_CALL, 402, NULL, NULL, TARGET_FAILED, TARGET_PERMANENT,
         "LicenseLimitExceeded"},
        {"unprocessable", CREATE_CALL, 422, NULL, NULL, TARGET_FAILED, TARGET_PERMANENT,
         "UnprocessableEntity"},
        {"bad in general", CREATE_CALL, 400, NULL, "no", TARGET_FAILED, TARGET_PERMANENT,
         "UnprocessableEntity"},
        {"missing", CREATE_CALL, 400, NULL, ERROR("invalidValue", "emails is Required"),
         TARGET_FAILED, TARGET_PERMANENT, "MandatoryFieldsMissing"},
        {"unknown attribute", UPDATE_CALL, 400, NULL, ERROR("invalidPath", "x"), TARGET_FAILED,
         TARGET_PERMANENT, "SchemaAttributeNotFound"},
        {"domain", CREATE_CALL, 400, NULL, ERROR("invalidValue", "Domain not allowed"),
         TARGET_FAILED, TARGET_PERMANENT, "InvalidDomain"},
        {"unknown attribute in words", CREATE_CALL, 400, NULL,
         ERROR("invalidValue", "Attribute nickName is not supported"), TARGET_FAILED,
         TARGET_PERMANENT, "SchemaAttributeNotFound"},
        {"unknown attribute of a schema", CREATE_CALL, 400, NULL,
         ERROR("invalidSyntax", "'x' is not defined in the schema"), TARGET_FAILED,
         TARGET_PERMANENT, "SchemaAttributeNotFound"},
        {"domain as 422", CREATE_CALL, 422, NULL, "{\"detail\":\"the domain is not verified\"}",
         TARGET_FAILED, TARGET_PERMANENT, "InvalidDomain"},
        {"uniqueness as 422", UPDATE_CALL, 422, NULL, ERROR("uniqueness", "x"), TARGET_CONFLICT,
         TARGET_PERMANENT, "EntryConflict"},
        {"seats", CREATE_CALL, 403, NULL, "{\"detail\":\"no seats\"}", TARGET_FAILED,
         TARGET_PERMANENT, "LicenseLimitExceeded"},
        {"slow client", UPDATE_CALL, 408, NULL, NULL, TARGET_FAILED, TARGET_TRANSIENT, "Timeout"},
        {"changed meanwhile", UPDATE_CALL, 412, NULL, NULL, TARGET_FAILED, TARGET_TRANSIENT,
         "Conflict"},
        {"too early", UPDATE_CALL, 425, NULL, NULL, TARGET_FAILED, TARGET_TRANSIENT,
         "InternalServerError"},
        {"gone for ever", UPDATE_CALL, 410, NULL, NULL, TARGET_NOT_FOUND, TARGET_PERMANENT,
         "InvalidAnchor"},
        {"any 5xx", CREATE_CALL, 599, NULL, NULL, TARGET_FAILED, TARGET_TRANSIENT,
         "InternalServerError"},
        {"method not for a query", FIND_CALL, 405, NULL, NULL, TARGET_FAILED, TARGET_PERMANENT,
         INCOMPATIBLE "Filtering"},
        {"filter not built", FIND_CALL, 501, NULL, NULL, TARGET_FAILED, TARGET_PERMANENT,
         INCOMPATIBLE "Filtering"},
        {"query not paid for", FIND_CALL, 402, NULL, NULL, TARGET_FAILED, TARGET_PERMANENT,
         "LicenseLimitExceeded"},
        {"query too often", FIND_CALL, 429, NULL, NULL, TARGET_FAILED, TARGET_THROTTLED,
         "TooManyRequests"},
        {"query that is gone", FIND_CALL, 410, NULL, NULL, TARGET_FAILED, TARGET_JOB, INCOMPATIBLE},
        {"read not parseable", READ_CALL, 200, NULL, "{\"id\":", TARGET_FAILED, TARGET_PERMANENT,
         INCOMPATIBLE},
        {"no endpoint to list", LIST_CALL, 404, NULL, NULL, TARGET_FAILED, TARGET_PERMANENT,
         INCOMPATIBLE},
        {"gone on update", UPDATE_CALL, 404, NULL, NULL, TARGET_NOT_FOUND, TARGET_PERMANENT,
         "InvalidAnchor"},
        {"gone on read", READ_CALL, 404, NULL, NULL, TARGET_NOT_FOUND, TARGET_PERMANENT,
         "InvalidAnchor"},
        {"gone on delete", REMOVE_CALL, 404, NULL, NULL, TARGET_NOT_FOUND, TARGET_PERMANENT,
         "InvalidAnchor"},
        {"no endpoint to create at", CREATE_CALL, 404, NULL, NULL, TARGET_FAILED, TARGET_PERMANENT,
         INCOMPATIBLE},
        {"no endpoint to query", FIND_CALL, 404, NULL, NULL, TARGET_FAILED, TARGET_JOB,
         INCOMPATIBLE},
        {"filter refused", FIND_CALL, 400, NULL, ERROR("invalidFilter", "x"), TARGET_FAILED,
         TARGET_PERMANENT, INCOMPATIBLE "Filtering"},
        {"query broken", FIND_CALL, 500, NULL, NULL, TARGET_FAILED, TARGET_TRANSIENT,
         "InternalServerError"},
        {"query not SCIM", FIND_CALL, 200, NULL, "<html>", TARGET_FAILED, TARGET_PERMANENT,
         INCOMPATIBLE},
        {"query answered with a resource", FIND_CALL, 200, NULL, "{\"id\":\"1\"}", TARGET_FAILED,
         TARGET_PERMANENT, INCOMPATIBLE},
        {"filter ignored, with more pages", FIND_CALL, 200, NULL,
         "{\"totalResults\":900,\"Resources\":[{\"id\":\"1\",\"userName\":\"bob\"}]}",
         TARGET_FAILED, TARGET_PERMANENT, INCOMPATIBLE "Filtering"},
        {"a list for one", READ_CALL, 200, NULL, LIST("{\"id\":\"1\"}"), TARGET_FAILED,
         TARGET_PERMANENT, "SystemForCrossDomainIdentityManagementMultipleEntriesInResponse"},
        {"a page for an update", UPDATE_CALL, 200, NULL, " <!doctype html>", TARGET_FAILED,
         TARGET_PERMANENT, INCOMPATIBLE},
        {"a page for a creation", CREATE_CALL, 200, NULL, "\n<html>", TARGET_FAILED,
         TARGET_PERMANENT, INCOMPATIBLE},
        {"domain as 403", CREATE_CALL, 403, NULL, "{\"detail\":\"the domain x is not verified\"}",
         TARGET_FAILED, TARGET_PERMANENT, "InvalidDomain"},
        {"created without id", CREATE_CALL, 201, NULL, "{}", TARGET_FAILED, TARGET_TRANSIENT,
         INCOMPATIBLE},
        {"moved", UPDATE_CALL, 301, "Location: /v2/Users/1", NULL, TARGET_FAILED, TARGET_PERMANENT,
         "WebExceptionProtocolError"},
        {"teapot", UPDATE_CALL, 418, NULL, NULL, TARGET_FAILED, TARGET_PERMANENT,
         "UnprocessableEntity"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct call call;

        call_init(&call);
        run_one(cases[i].call, cases[i].status, cases[i].headers, cases[i].reply, cases[i].label,
                &call);
        CHECK(call.result.status == cases[i].want, "%s: status %d", cases[i].label,
              (int)call.result.status);
        CHECK(call.result.class_ == cases[i].class_, "%s: class %d", cases[i].label,
              (int)call.result.class_);
        CHECK_STR(str_from_z(call.result.code), cases[i].code, "%s", cases[i].label);
        CHECK(call.result.http_status == cases[i].status, "%s: HTTP status", cases[i].label);
        CHECK(call.result.retry_after_ms ==
                  (cases[i].headers && cases[i].headers[0] == 'R' ? 7000 : -1),
              "%s: retry after %d", cases[i].label, (int)call.result.retry_after_ms);
        call_done(&call);
    }
}

/* What was asked and answered, in words and without secrets. */
static void messages(void **state)
{
    static const struct {
        const char *label, *body, *want;
    } cases[] = {
        {"an error of SCIM",
         "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:Error\"],\"status\":\"409\","
         "\"scimType\":\"uniqueness\",\"detail\":\"taken\\n" PEER_TOKEN "\"}",
         "POST /Users was answered with status 409 (uniqueness): taken [Redact]"},
        {"without a type", "{\"detail\":\"taken\"}",
         "POST /Users was answered with status 409: taken"},
        {"words of another kind", "{\"error\":\"taken " PEER_TOKEN "\",\"password\" : \"hunter2\"}",
         "POST /Users was answered with status 409: {\"error\":\"taken "
         "[Redact]\",\"password\":\"[Redact]\"}"},
        {"detail of another kind", "{\"detail\":[1]}",
         "POST /Users was answered with status 409: {\"detail\":[1]}"},
        {"a page", "<h1>No</h1>", "POST /Users was answered with status 409: <h1>No</h1>"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct call call;

        call_init(&call);
        run_one(CREATE_CALL, 409, "X-Request-Id: r-1", cases[i].body, cases[i].label, &call);
        CHECK_STR(call.result.message, arena_printf(a, "%s (request id r-1)", cases[i].want).ptr,
                  "%s", cases[i].label);
        call_done(&call);
    }
}

/* What a database would refuse to store must not come out of an answer. */
static void messages_are_utf8(void **state)
{
    static const struct {
        const char *label;
        int status;
        const char *headers;
        const char *body;
        const char *want;
    } cases[] = {
        {"body in Latin-1", 500, NULL, "caf\xE9 closed",
         "POST /Users was answered with status 500: caf\xEF\xBF\xBD closed"},
        {"request id", 500, "X-Request-Id: \xFF", NULL,
         "POST /Users was answered with status 500 (request id \xEF\xBF\xBD)"},
        {"address", 302, "Location: /\xE9", NULL,
         "POST /Users was answered with status 302 to /\xEF\xBF\xBD"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct call call;

        call_init(&call);
        run_one(CREATE_CALL, cases[i].status, cases[i].headers, cases[i].body, cases[i].label,
                &call);
        if (!cases[i].headers || cases[i].headers[0] != 'X') {
            size_t at;

            if (str_find(call.result.message, STR(" (request id "), &at))
                call.result.message.len = at; /* ours, which is random */
        }
        CHECK_STR(call.result.message, cases[i].want, "%s", cases[i].label);
        call_done(&call);
    }
}

static void long_body_is_cut(void **state)
{
    struct call call;
    char *body;

    (void)state;
    call_init(&call);
    body = arena_alloc(call.a, 30001);
    for (size_t i = 0; i < 30000; i += 2)
        memcpy(body + i, "\u00e9", 2);
    run_one(CREATE_CALL, 500, NULL, body, "long", &call);
    CHECK(call.result.message.len < 2300, "%zu bytes", call.result.message.len);
    size_t at;
    CHECK(str_find(call.result.message, STR("\u00e9…"), &at), "cut behind a character");
    call_done(&call);
}

static void reads(void **state)
{
    static const struct {
        const char *label;
        const char *resource;
        const char *want;
    } cases[] = {
        {"plain",
         "{\"id\":\"1\",\"userName\":\"ada\",\"active\":true,\"name\":{\"givenName\":\"Ada\"},"
         "\"emails\":[{\"type\":\"home\",\"value\":\"h\"},{\"type\":\"work\",\"value\":\"w\"}]}",
         "{\"userName\":\"ada\",\"active\":true,\"name.givenName\":\"Ada\","
         "\"emails[type eq \\\"work\\\"].value\":\"w\"}"},
        {"names in other case, booleans and numbers as text",
         "{\"ID\":7,\"USERNAME\":\"ada\",\"Active\":\"False\",\"level\":\"12\","
         "\"Emails\":[{\"Type\":\"WORK\",\"Value\":\"w\"}]}",
         "{\"userName\":\"ada\",\"active\":false,\"emails[type eq \\\"work\\\"].value\":\"w\","
         "\"level\":12}"},
        {"a single element without type", "{\"id\":\"1\",\"emails\":[{\"value\":\"w\"}]}",
         "{\"emails[type eq \\\"work\\\"].value\":\"w\"}"},
        {"one object where many belong", "{\"id\":\"1\",\"emails\":{\"value\":\"w\"}}",
         "{\"emails[type eq \\\"work\\\"].value\":\"w\"}"},
        {"a text where an element belongs", "{\"id\":\"1\",\"emails\":[\"w\"]}",
         "{\"emails[type eq \\\"work\\\"].value\":\"w\"}"},
        {"another type is another element",
         "{\"id\":\"1\",\"emails\":[{\"type\":\"home\",\"value\":\"h\"}]}", "{}"},
        {"primary as text",
         "{\"id\":\"1\",\"roles\":[{\"value\":\"a\"},{\"primary\":\"True\",\"value\":\"b\"}]}",
         "{\"roles[primary eq \\\"True\\\"].value\":\"b\"}"},
        {"several values", "{\"id\":\"1\",\"entitlements\":[{\"value\":\"a\"},\"b\",{}]}",
         "{\"entitlements\":[\"a\",\"b\"]}"},
        {"extensions, manager as object",
         "{\"id\":\"1\",\"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User\":"
         "{\"department\":\"Labs\",\"manager\":{\"value\":\"m\",\"displayName\":\"M\"}}}",
         "{\"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department\":\"Labs\","
         "\"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager\":\"m\"}"},
        {"manager as text",
         "{\"id\":\"1\",\"urn:ietf:params:scim:schemas:extension:enterprise:2.0:user\":"
         "{\"manager\":\"m\"}}",
         "{\"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager\":\"m\"}"},
        {"nulls and strangers are nothing",
         "{\"id\":\"1\",\"userName\":null,\"emails\":null,\"name\":\"x\",\"foo\":[1]}", "{}"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct call call;

        call_init(&call);
        run_one(READ_CALL, 200, "ETag: W/\"3\"", cases[i].resource, cases[i].label, &call);
        CHECK(call.result.status == TARGET_OK && call.result.record_count == 1, "%s: %.*s",
              cases[i].label, STR_ARG(call.result.message));
        CHECK_STR(json_text(call.a, call.result.records[0].values), cases[i].want, "%s",
                  cases[i].label);
        CHECK_STR(call.result.records[0].version, "W/\"3\"", "%s", cases[i].label);
        call_done(&call);
    }
}

/* When an account was created, where the target says it. */
static void created_when(void **state)
{
    static const struct {
        const char *label, *resource;
        int64_t want;
    } cases[] = {
        {"said", "{\"id\":\"1\",\"meta\":{\"created\":\"1970-01-01T00:01:00Z\"}}", US_PER_MINUTE},
        {"not said", "{\"id\":\"1\",\"meta\":{}}", 0},
        {"no time", "{\"id\":\"1\",\"meta\":{\"created\":\"yesterday\"}}", 0},
        {"no text", "{\"id\":\"1\",\"meta\":{\"created\":60}}", 0},
        {"no object", "{\"id\":\"1\",\"meta\":\"x\"}", 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct call call;

        call_init(&call);
        run_one(READ_CALL, 200, "ETag: W/\"3\"", cases[i].resource, cases[i].label, &call);
        CHECK(call.result.record_count == 1, "%s", cases[i].label);
        CHECK_INT(call.result.records[0].created_us, cases[i].want, "%s", cases[i].label);
        call_done(&call);
    }
}

static void finds(void **state)
{
    static const struct {
        const char *label;
        const char *reply;
        size_t want;
    } cases[] = {
        {"one", LIST("{\"id\":\"1\",\"userName\":\"ADA\"}"), 1},
        {"two", LIST("{\"id\":\"1\",\"userName\":\"ada\"},{\"id\":\"2\",\"userName\":\"ada\"}"), 2},
        {"none", "{\"totalResults\":0}", 0},
        {"null list", "{\"totalResults\":0,\"Resources\":null}", 0},
        {"other spelling, total as text",
         "{\"totalresults\":\"1\",\"resources\":[{\"id\":\"1\",\"username\":\"ada\"}]}", 1},
        {"strangers are dropped",
         "{\"totalResults\":2,\"Resources\":[{\"id\":\"1\",\"userName\":\"bob\"},"
         "{\"id\":\"2\",\"userName\":\"ada\"}]}",
         1},
        {"only strangers, all of them", LIST("{\"id\":\"1\",\"userName\":\"bob\"}"), 0},
        {"without the value nobody can tell", LIST("{\"id\":\"1\"}"), 0},
        {"no id, no account", LIST("{\"userName\":\"ada\"}"), 0},
        {"an id with NUL is none", LIST("{\"id\":\"a\\u0000b\",\"userName\":\"ada\"}"), 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct call call;

        call_init(&call);
        run_one(FIND_CALL, 200, NULL, cases[i].reply, cases[i].label, &call);
        CHECK(call.result.status == TARGET_OK, "%s: %.*s", cases[i].label,
              STR_ARG(call.result.message));
        CHECK(call.result.record_count == cases[i].want, "%s: %zu", cases[i].label,
              call.result.record_count);
        call_done(&call);
    }
}

static void created_ids(void **state)
{
    static const struct {
        const char *label;
        int status;
        const char *headers;
        const char *reply;
        const char *want;
    } cases[] = {
        {"in the body", 201, "Location: http://x/Users/9", "{\"id\":\"1\"}", "1"},
        {"200", 200, NULL, "{\"id\":\"1\"}", "1"},
        {"a number", 201, NULL, "{\"id\":42}", "42"},
        {"in Location", 201, "Location: https://x/scim/Users/a%20b/?x=1", NULL, "a b"},
        {"relative Location, nothing useful in the body", 201, "Location: /Users/7", "{}", "7"},
        {"204", 204, "Location: Users/7", NULL, "7"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct call call;

        call_init(&call);
        run_one(CREATE_CALL, cases[i].status, cases[i].headers, cases[i].reply, cases[i].label,
                &call);
        CHECK(call.result.status == TARGET_OK && call.result.record_count == 1, "%s: %.*s",
              cases[i].label, STR_ARG(call.result.message));
        CHECK_STR(call.result.records[0].id, cases[i].want, "%s", cases[i].label);
        call_done(&call);
    }
}

/* An id that could not be stored is none: it fails its object, not the run that records it. */
static void unusable_ids(void **state)
{
    static const struct {
        const char *label;
        const char *headers;
        const char *reply;
    } cases[] = {
        {"NUL", NULL, "{\"id\":\"a\\u0000b\"}"},
        {"line break", NULL, "{\"id\":\"a\\nb\"}"},
        {"NUL in Location", "Location: /Users/a%00b", "{}"},
        {"Location that is not UTF-8", "Location: /Users/%FF", "{}"},
    };
    struct call call;
    char *reply;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        call_init(&call);
        run_one(CREATE_CALL, 201, cases[i].headers, cases[i].reply, cases[i].label, &call);
        CHECK(call.result.status == TARGET_FAILED && call.result.class_ == TARGET_TRANSIENT, "%s",
              cases[i].label);
        call_done(&call);
    }
    call_init(&call);
    reply = arena_alloc(call.a, 2000);
    (void)snprintf(reply, 2000, "{\"id\":\"%01025d\"}", 7);
    run_one(CREATE_CALL, 201, NULL, reply, "too long", &call);
    CHECK(call.result.status == TARGET_FAILED, "too long for an index");
    call_done(&call);
}

/* One target, several calls after one another. */
struct session {
    struct peer *p;
    struct target *t;
    struct call call;
};

static void session_start(struct session *s, const struct exchange *script, size_t count)
{
    s->p = peer_new(script, count);
    s->t = peer_target(str_from_z(peer_url(s->p)));
    call_init(&s->call);
}

static void session_again(struct session *s)
{
    call_wait(s->t, &s->call);
}

static void session_end(struct session *s, const char *label)
{
    target_close(s->t);
    peer_free(s->p, label);
    call_done(&s->call);
}

/* A server that answers 404 for "nobody" is believed once its endpoint has worked. */
/* Only where it is known to answer so (client.emptyIs404): an endpoint that is gone is no empty
 * list.
 */
static void nobody_as_404(void **state)
{
    struct exchange script[] = {asked[FIND_CALL], asked[FIND_CALL]};
    struct session s;

    (void)state;
    script[0].status = 200;
    script[0].reply = "{\"totalResults\":0}";
    script[1].status = 404;
    session_start(&s, script, 2);
    for (int i = 0; i < 2; i++) {
        s.call.done = false;
        start(s.t, FIND_CALL, s.call.a, &s.call);
        session_again(&s);
        CHECK(s.call.result.status == (i ? TARGET_FAILED : TARGET_OK), "%d", i);
    }
    CHECK(s.call.result.class_ == TARGET_JOB, "%d", s.call.result.class_);
    session_end(&s, "404");
}

#define MEMBER(id_)  "{\"value\":\"" id_ "\"}"
#define GONE(id_)    "{\"op\":\"remove\",\"path\":\"members[value eq \\\"" id_ "\\\"]\"}"
#define ADD(values_) PATCH "{\"op\":\"add\",\"path\":\"members\",\"value\":[" values_ "]}]}"

static void change(struct session *s, const char *const *add, size_t add_count,
                   const char *const *remove, size_t remove_count)
{
    struct str ids[2][8];

    for (size_t i = 0; i < add_count; i++)
        ids[0][i] = str_from_z(add[i]);
    for (size_t i = 0; i < remove_count; i++)
        ids[1][i] = str_from_z(remove[i]);
    s->call.done = false;
    s->t->ops->change_members(
        s->t, peer_groups(), STR("g"),
        &(struct target_members){.attribute = &peer_groups()->attributes[G_MEMBERS],
                                 .add = ids[0],
                                 .add_count = add_count,
                                 .remove = ids[1],
                                 .remove_count = remove_count},
        call_ended, &s->call);
    session_again(s);
}

static void members(void **state)
{
    static const struct exchange script[] = {
        {"PATCH", "/Groups/g", PATCH GONE("c") "," GONE("d\\\\\\\\\\\\\\\"e") "]}", 204, NULL,
         NULL},
        {"PATCH", "/Groups/g", ADD(MEMBER("a") "," MEMBER("b")), 204, NULL, NULL},
        /* too large: halves, and stays there */
        {"PATCH", "/Groups/g", ADD(MEMBER("1") "," MEMBER("2") "," MEMBER("3")), 413, NULL, NULL},
        {"PATCH", "/Groups/g", ADD(MEMBER("1")), 204, NULL, NULL},
        {"PATCH", "/Groups/g", ADD(MEMBER("2")), 204, NULL, NULL},
        {"PATCH", "/Groups/g", ADD(MEMBER("3")), 404, NULL, NULL},
    };
    struct session s;

    (void)state;
    session_start(&s, script, ARRAY_LEN(script));
    change(&s, (const char *[]){"a", "b"}, 2, (const char *[]){"c", "d\\\"e"}, 2);
    CHECK(s.call.result.status == TARGET_OK, "%.*s", STR_ARG(s.call.result.message));
    change(&s, (const char *[]){"1", "2", "3"}, 3, NULL, 0);
    CHECK(s.call.result.status == TARGET_NOT_FOUND, "the group is gone");
    change(&s, NULL, 0, NULL, 0);
    CHECK(s.call.result.status == TARGET_OK, "nothing to do asks nothing");
    session_end(&s, "members");
}

/* Removing somebody who is no member any more is done. */
static void member_not_there(void **state)
{
    static const struct exchange script[] = {
        {"PATCH", "/Groups/g", PATCH GONE("a") "," GONE("b") "]}", 400, NULL,
         ERROR("noTarget", "x")},
        {"PATCH", "/Groups/g", PATCH GONE("a") "]}", 400, NULL, ERROR("noTarget", "x")},
        {"PATCH", "/Groups/g", PATCH GONE("b") "]}", 204, NULL, NULL},
    };
    struct session s;

    (void)state;
    session_start(&s, script, ARRAY_LEN(script));
    change(&s, NULL, 0, (const char *[]){"a", "b"}, 2);
    CHECK(s.call.result.status == TARGET_OK, "%.*s", STR_ARG(s.call.result.message));
    session_end(&s, "not there");
}

static void many_members(void **state)
{
    enum { COUNT = 250 };
    struct arena *a = arena_new();
    struct exchange script[3];
    struct str ids[COUNT];
    struct session s;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(script); i++) {
        struct buf body;

        buf_init(&body, 1 << 20);
        buf_add_z(&body, PATCH "{\"op\":\"add\",\"path\":\"members\",\"value\":[");
        for (size_t n = 100 * i; n < 100 * (i + 1) && n < COUNT; n++)
            buf_addf(&body, "%s{\"value\":\"m%zu\"}", n > 100 * i ? "," : "", n);
        buf_add_z(&body, "]}]}");
        script[i] = (struct exchange){
            "PATCH", "/Groups/g", arena_z(a, buf_str(&body)), i == 1 ? 200 : 204, NULL, NULL};
        buf_done(&body);
    }
    for (size_t i = 0; i < COUNT; i++)
        ids[i] = arena_printf(a, "m%zu", i);
    session_start(&s, script, ARRAY_LEN(script));
    s.t->ops->change_members(
        s.t, peer_groups(), STR("g"),
        &(struct target_members){
            .attribute = &peer_groups()->attributes[G_MEMBERS], .add = ids, .add_count = COUNT},
        call_ended, &s.call);
    session_again(&s);
    CHECK(s.call.result.status == TARGET_OK, "%.*s", STR_ARG(s.call.result.message));
    session_end(&s, "in parts of a hundred");
    arena_free(a);
}

/* A path whose filter finds nothing: the account is read, and what is missing is added whole. */
static void missing_element(void **state)
{
    static const struct exchange script[] = {
        {"PATCH", "/Users/1",
         PATCH
         "{\"op\":\"replace\",\"path\":\"userName\",\"value\":\"b\"},"
         "{\"op\":\"replace\",\"path\":\"emails[type eq \\\"work\\\"].value\",\"value\":\"w\"},"
         "{\"op\":\"add\",\"path\":\"addresses[type eq \\\"work\\\"].streetAddress\","
         "\"value\":\"1\"},"
         "{\"op\":\"add\",\"path\":\"addresses[type eq \\\"work\\\"].locality\","
         "\"value\":\"Oslo\"},"
         "{\"op\":\"remove\",\"path\":\"phoneNumbers[type eq \\\"mobile\\\"].value\"}]}",
         400, NULL, ERROR("noTarget", "x")},
        {"GET", "/Users/1", NULL, 200, NULL,
         "{\"id\":\"1\",\"emails\":[{\"type\":\"work\",\"value\":\"v\"}],"
         "\"addresses\":[{\"type\":\"home\"}]}"},
        {"PATCH", "/Users/1",
         PATCH
         "{\"op\":\"replace\",\"path\":\"userName\",\"value\":\"b\"},"
         "{\"op\":\"replace\",\"path\":\"emails[type eq \\\"work\\\"].value\",\"value\":\"w\"},"
         "{\"op\":\"add\",\"path\":\"addresses\",\"value\":[{\"type\":\"work\","
         "\"streetAddress\":\"1\",\"locality\":\"Oslo\"}]}]}",
         204, NULL, NULL},
        /* only something to remove, which is not there: done */
        {"PATCH", "/Users/1",
         PATCH "{\"op\":\"remove\",\"path\":\"phoneNumbers[type eq \\\"mobile\\\"].value\"}]}", 400,
         NULL, ERROR("noTarget", "x")},
        {"GET", "/Users/1", NULL, 200, NULL, "{\"id\":\"1\"}"},
        /* gone in between */
        {"PATCH", "/Users/1",
         PATCH "{\"op\":\"remove\",\"path\":\"phoneNumbers[type eq \\\"mobile\\\"].value\"}]}", 400,
         NULL, ERROR("noTarget", "x")},
        {"GET", "/Users/1", NULL, 404, NULL, NULL},
    };
    struct session s;
    struct mapping_changes changes;

    (void)state;
    session_start(&s, script, ARRAY_LEN(script));
    changes = peer_changes(s.call.a, peer_users(),
                           "{\"userName\":\"a\",\"emails[type eq \\\"work\\\"].value\":\"v\","
                           "\"phoneNumbers[type eq \\\"mobile\\\"].value\":\"1\"}",
                           "{\"userName\":\"b\",\"emails[type eq \\\"work\\\"].value\":\"w\","
                           "\"addresses[type eq \\\"work\\\"].streetAddress\":\"1\","
                           "\"addresses[type eq \\\"work\\\"].locality\":\"Oslo\","
                           "\"phoneNumbers[type eq \\\"mobile\\\"].value\":null}");
    s.t->ops->update(s.t, peer_users(), STR("1"), &changes, call_ended, &s.call);
    session_again(&s);
    CHECK(s.call.result.status == TARGET_OK, "%.*s", STR_ARG(s.call.result.message));
    for (int i = 0; i < 2; i++) {
        changes = peer_changes(s.call.a, peer_users(), NULL,
                               "{\"phoneNumbers[type eq \\\"mobile\\\"].value\":null}");
        s.call.done = false;
        s.t->ops->update(s.t, peer_users(), STR("1"), &changes, call_ended, &s.call);
        session_again(&s);
        CHECK(s.call.result.status == (i ? TARGET_NOT_FOUND : TARGET_OK), "%.*s",
              STR_ARG(s.call.result.message));
    }
    changes.count = 0;
    s.call.done = false;
    s.t->ops->update(s.t, peer_users(), STR("1"), &changes, call_ended, &s.call);
    session_again(&s);
    CHECK(s.call.result.status == TARGET_OK, "no change asks nothing");
    session_end(&s, "missing element");
}

static void not_scim_after_no_target(void **state)
{
    static const struct exchange script[] = {
        {"PATCH", "/Users/1",
         PATCH "{\"op\":\"remove\",\"path\":\"phoneNumbers[type eq \\\"mobile\\\"].value\"}]}", 400,
         NULL, ERROR("noTarget", "x")},
        {"GET", "/Users/1", NULL, 200, NULL, "<html>"},
    };
    struct session s;

    (void)state;
    session_start(&s, script, ARRAY_LEN(script));
    struct mapping_changes changes = peer_changes(
        s.call.a, peer_users(), NULL, "{\"phoneNumbers[type eq \\\"mobile\\\"].value\":null}");
    s.t->ops->update(s.t, peer_users(), STR("1"), &changes, call_ended, &s.call);
    session_again(&s);
    CHECK(s.call.result.status == TARGET_FAILED, "nobody knows what became of it");
    session_end(&s, "not SCIM");
}

/* The secret value that was sent must not come back in a message. */
static void sent_secrets(void **state)
{
    static const struct exchange script[] = {
        {"PATCH", "/Users/1",
         PATCH "{\"op\":\"add\",\"path\":\"password\",\"value\":\"hunter2\"}]}", 400, NULL,
         "{\"detail\":\"'hunter2' is too short\"}"},
    };
    struct session s;
    size_t at;

    (void)state;
    session_start(&s, script, ARRAY_LEN(script));
    struct mapping_changes changes =
        peer_changes(s.call.a, peer_users(), NULL, "{\"password\":\"hunter2\"}");
    s.t->ops->update(s.t, peer_users(), STR("1"), &changes, call_ended, &s.call);
    session_again(&s);
    CHECK(!str_find(s.call.result.message, STR("hunter2"), &at), "%.*s",
          STR_ARG(s.call.result.message));
    CHECK(str_find(s.call.result.message, STR("'[Redact]' is too short"), &at), "%.*s",
          STR_ARG(s.call.result.message));
    session_end(&s, "secrets");
}

static void unreachable(void **state)
{
    struct target *t = peer_target(STR("http://127.0.0.1:1"));
    struct call call;

    (void)state;
    call_init(&call);
    start(t, CREATE_CALL, call.a, &call);
    call_wait(t, &call);
    CHECK(call.result.status == TARGET_FAILED && call.result.class_ == TARGET_TRANSIENT, "%.*s",
          STR_ARG(call.result.message));
    CHECK(call.result.http_status == 0, "no answer");
    call_done(&call);
    target_close(t);
}

static void ignore(void *ctx, const struct target_result *result)
{
    (void)ctx;
    (void)result;
    CHECK(false, "done is not called after closing");
}

/* What is in flight is dropped. */
static void closed_in_flight(void **state)
{
    struct target *t = peer_target(STR("http://127.0.0.1:1"));
    struct arena *a = arena_new();
    struct mapping_changes none = {0};

    (void)state;
    for (int i = 0; i < 50; i++)
        t->ops->read(t, peer_users(), STR("1"), ignore, NULL);
    t->ops->update(t, peer_users(), STR("1"), &none, ignore, NULL);
    target_close(t);
    target_close(NULL);
    arena_free(a);
}

TEST_GROUP(scim_target, cmocka_unit_test(judged), cmocka_unit_test(messages),
           cmocka_unit_test(messages_are_utf8), cmocka_unit_test(long_body_is_cut),
           cmocka_unit_test(reads), cmocka_unit_test(created_when), cmocka_unit_test(finds),
           cmocka_unit_test(created_ids), cmocka_unit_test(unusable_ids),
           cmocka_unit_test(nobody_as_404), cmocka_unit_test(members),
           cmocka_unit_test(member_not_there), cmocka_unit_test(many_members),
           cmocka_unit_test(missing_element), cmocka_unit_test(not_scim_after_no_target),
           cmocka_unit_test(sent_secrets), cmocka_unit_test(unreachable),
           cmocka_unit_test(closed_in_flight))
