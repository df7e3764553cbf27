/* What the connector sends: bodies and URLs, by what a dry run shows and by what a peer receives.
 */
#include "peer.h"

#define HEAD  "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\""
#define TAIL  "\"meta\":{\"resourceType\":\"User\"}"
#define PATCH "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:PatchOp\"],\"Operations\":["

static void creates(void **state)
{
    static const struct {
        const char *label;
        const char *values;
        const char *want;
    } cases[] = {
        {"one value", "{\"userName\":\"ada\"}", HEAD "],\"userName\":\"ada\"," TAIL "}"},
        {"nested and in order of the mapping",
         "{\"userName\":\"ada\",\"active\":false,\"name.givenName\":\"Ada\","
         "\"urn:ietf:params:scim:schemas:core:2.0:User:name.familyName\":\"King\"}",
         HEAD "],\"userName\":\"ada\",\"active\":false,\"name\":{\"givenName\":\"Ada\","
              "\"familyName\":\"King\"}," TAIL "}"},
        {"an element is shared, and primary for work",
         "{\"addresses[type eq \\\"work\\\"].streetAddress\":\"1 St\","
         "\"addresses[type eq \\\"work\\\"].locality\":\"Oslo\","
         "\"phoneNumbers[type eq \\\"mobile\\\"].value\":\"+47\","
         "\"emails[type eq \\\"work\\\"].value\":\"a@b\"}",
         HEAD "],\"emails\":[{\"type\":\"work\",\"value\":\"a@b\",\"primary\":true}],"
              "\"addresses\":[{\"type\":\"work\",\"streetAddress\":\"1 St\",\"locality\":\"Oslo\","
              "\"primary\":true}],\"phoneNumbers\":[{\"type\":\"mobile\",\"value\":\"+47\"}]," TAIL
              "}"},
        {"an element without values is left out",
         "{\"userName\":\"a\",\"addresses[type eq \\\"work\\\"].locality\":null}",
         HEAD "],\"userName\":\"a\"," TAIL "}"},
        {"primary is a boolean", "{\"roles[primary eq \\\"True\\\"].value\":\"Admin\"}",
         HEAD "],\"roles\":[{\"primary\":true,\"value\":\"Admin\"}]," TAIL "}"},
        {"several values", "{\"entitlements\":[\"a\",\"b\"]}",
         HEAD "],\"entitlements\":[{\"value\":\"a\"},{\"value\":\"b\"}]," TAIL "}"},
        {"extensions are listed, with what they hold",
         "{\"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department\":\"Labs\","
         "\"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager\":\"m-1\","
         "\"urn:ietf:params:scim:schemas:extension:joynfsm:2.0:User:xid\":\"x\"}",
         HEAD ",\"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User\","
              "\"urn:ietf:params:scim:schemas:extension:joynfsm:2.0:User\"]," TAIL ","
              "\"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User\":"
              "{\"department\":\"Labs\",\"manager\":{\"value\":\"m-1\"}},"
              "\"urn:ietf:params:scim:schemas:extension:joynfsm:2.0:User\":{\"xid\":\"x\"}}"},
        {"no secret is shown", "{\"password\":\"hunter2\"}",
         HEAD "],\"password\":\"[Redact]\"," TAIL "}"},
        {"texts are escaped", "{\"userName\":\"a\\\"\\\\\\n\\u00e6\"}",
         HEAD "],\"userName\":\"a\\\"\\\\\\n\u00e6\"," TAIL "}"},
    };
    struct target *t = peer_target(STR("https://app.example/scim/v2/"));
    struct arena *a = arena_new();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct mapping_changes want = peer_changes(a, peer_users(), NULL, cases[i].values);
        struct str got = t->ops->preview(t, peer_users(), STR(""), &want, a);

        CHECK(str_starts(got, STR("POST /scim/v2/Users\n")), "%s: %.*s", cases[i].label,
              STR_ARG(got));
        CHECK_STR(str_from(got, sizeof("POST /scim/v2/Users\n") - 1), cases[i].want, "%s",
                  cases[i].label);
    }
    arena_free(a);
    target_close(t);
}

static void patches(void **state)
{
    static const struct {
        const char *label;
        const char *before;
        const char *after;
        const char *want;
    } cases[] = {
        {"disable", "{\"active\":true}", "{\"active\":false}",
         PATCH "{\"op\":\"replace\",\"path\":\"active\",\"value\":false}]}"},
        {"add, replace, remove", "{\"userName\":\"a\",\"name.givenName\":\"x\"}",
         "{\"userName\":\"b\",\"name.givenName\":null,\"level\":3}",
         PATCH "{\"op\":\"replace\",\"path\":\"userName\",\"value\":\"b\"},"
               "{\"op\":\"remove\",\"path\":\"name.givenName\"},"
               "{\"op\":\"add\",\"path\":\"level\",\"value\":3}]}"},
        {"the path as it is mapped",
         "{\"emails[type eq \\\"work\\\"].value\":\"a\","
         "\"roles[primary eq \\\"True\\\"].value\":\"r\"}",
         "{\"emails[type eq \\\"work\\\"].value\":\"b\","
         "\"roles[primary eq \\\"True\\\"].value\":\"s\"}",
         PATCH "{\"op\":\"replace\",\"path\":\"emails[type eq \\\"work\\\"].value\","
               "\"value\":\"b\"},"
               "{\"op\":\"replace\",\"path\":\"roles[primary eq true].value\",\"value\":\"s\"}]}"},
        {"a core URI is not needed", NULL,
         "{\"urn:ietf:params:scim:schemas:core:2.0:User:name.familyName\":\"K\"}",
         PATCH "{\"op\":\"add\",\"path\":\"name.familyName\",\"value\":\"K\"}]}"},
        {"a manager", NULL,
         "{\"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager\":\"m\"}",
         PATCH "{\"op\":\"add\",\"path\":\"urn:ietf:params:scim:schemas:extension:enterprise:2.0:"
               "User:manager\",\"value\":{\"value\":\"m\"}}]}"},
        {"no manager", "{}",
         "{\"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager\":null}",
         PATCH "{\"op\":\"remove\",\"path\":\"urn:ietf:params:scim:schemas:extension:enterprise:"
               "2.0:User:manager\"}]}"},
    };
    struct target *t = peer_target(STR("https://app.example"));
    struct arena *a = arena_new();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct mapping_changes changes =
            peer_changes(a, peer_users(), cases[i].before, cases[i].after);
        struct str got = t->ops->preview(t, peer_users(), STR("a/b"), &changes, a);

        CHECK(str_starts(got, STR("PATCH /Users/a%2Fb\n")), "%s: %.*s", cases[i].label,
              STR_ARG(got));
        CHECK_STR(str_from(got, sizeof("PATCH /Users/a%2Fb\n") - 1), cases[i].want, "%s",
                  cases[i].label);
    }
    CHECK_STR(t->ops->preview(t, peer_groups(), STR("7"), NULL, a), "DELETE /Groups/7", "delete");
    arena_free(a);
    target_close(t);
}

static void tenant_urls(void **state)
{
    static const struct {
        const char *url;
        const char *code; /* NULL: accepted */
    } cases[] = {
        {"https://app.example/scim", NULL},
        {"  https://app.example:8443/a/b/?x=1  ", NULL},
        {"http://127.0.0.1:8080", NULL},
        {"http://127.9.9.9/scim", NULL},
        {"http://localhost/scim", NULL},
        {"http://[::1]:8080/scim", NULL},
        {"http://app.example/scim", "badUrl"},
        {"http://127.0.0.1.example/scim", "badUrl"},
        {"https://ada:pw@app.example/scim", "badUrl"},
        {"https://app.example/scim#top", "badUrl"},
        {"ftp://app.example", "badUrl"},
        {"app.example/scim", "badUrl"},
        {"", "badUrl"},
    };
    struct secret token = {.bytes = (char[]){"t"}, .len = 1};
    struct err err = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct target_scim_config config = {.base_url = str_from_z(cases[i].url), .token = &token};
        struct target *t = NULL;
        bool ok = target_open_scim(&peer_program, &config, &t, &err);

        CHECK(ok == !cases[i].code, "%s: %s", cases[i].url, err.message);
        if (!ok)
            CHECK_STR(str_from_z(err.code), cases[i].code, "%s", cases[i].url);
        target_close(ok ? t : NULL);
    }
    struct job_settings settings;
    job_settings_default(&settings);
    settings.allow_http = true;
    struct target_scim_config open = {
        .base_url = STR("http://app.example"), .token = &token, .settings = &settings};
    struct target *t;
    CHECK(target_open_scim(&peer_program, &open, &t, &err), "allowed: %s", err.message);
    target_close(t);
    struct secret bad = {.bytes = (char[]){"a\r\nX: y"}, .len = 7};
    open.token = &bad;
    CHECK(!target_open_scim(&peer_program, &open, &t, &err), "a token that ends the header");
    CHECK_STR(str_from_z(err.code), "badToken", "code");
}

/* The value stands in the filter's quotes, and that percent-encoded. */
static void find_escapes(void **state)
{
    static const struct {
        const char *value;
        const char *encoded;
    } cases[] = {
        {"nora.k@contoso.test", "nora.k%40contoso.test"},
        {"O'Brien", "O%27Brien"},
        {"say \"hi\"", "say%20%5C%22hi%5C%22"},
        {"back\\slash", "back%5C%5Cslash"},
        {"a+b&c=d#e?f/g%h", "a%2Bb%26c%3Dd%23e%3Ff%2Fg%25h"},
        {"\U0001F600", "%F0%9F%98%80"},
        {"\u00e9", "%C3%A9"},
        {"e\u0301", "e%CC%81"},
        {"\u05e9\u05dc\u05d5\u05dd", "%D7%A9%D7%9C%D7%95%D7%9D"},
        {"tab\there", "tab%5Cthere"},
        {"] or (", "%5D%20or%20%28"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena *a = arena_new();
        struct json *resource = json_new(a, JSON_OBJECT);
        json_add_z(a, resource, "id", "7");
        json_add_z(a, resource, "userName", cases[i].value);
        struct str target =
            arena_printf(a, "/scim/Users?filter=userName%%20eq%%20%%22%s%%22", cases[i].encoded);
        struct str reply = arena_printf(a, "{\"totalResults\":1,\"Resources\":[%.*s]}",
                                        STR_ARG(json_text(a, resource)));
        struct exchange script[] = {{"GET", arena_z(a, target), NULL, 200, NULL, reply.ptr}};
        struct peer *p = peer_new(script, 1);
        struct target *t = peer_target(arena_printf(a, "%s/scim/", peer_url(p)));
        struct mapping_criterion by = peer_criterion(a, peer_users(), U_USER_NAME, cases[i].value);
        struct call call;

        call_init(&call);
        t->ops->find(t, peer_users(), &by, call_ended, &call);
        call_wait(t, &call);
        CHECK(call.result.status == TARGET_OK && call.result.record_count == 1, "%s: %.*s",
              cases[i].value, STR_ARG(call.result.message));
        CHECK_STR(call.result.records[0].id, "7", "%s", cases[i].value);
        CHECK_STR(json_get_text(call.result.records[0].values, "userName"), cases[i].value,
                  "read back");
        target_close(t);
        peer_free(p, cases[i].value);
        call_done(&call);
        arena_free(a);
    }
}

/* Parameters of the tenant URL go with each request, flags for the client do not. */
static void kept_query(void **state)
{
    static const struct exchange script[] = {
        {"GET", "/s/Groups?excludedAttributes=members&filter=displayName%20eq%20%22X%22&k=a%20b",
         NULL, 200, NULL, "{\"totalResults\":0}"},
        {"GET", "/s/Users/1?k=a%20b", NULL, 200, NULL, "{\"id\":\"1\"}"},
        {"GET", "/s/Groups/1?excludedAttributes=members&k=a%20b", NULL, 404, NULL, NULL},
        {"DELETE", "/s/Users/1?k=a%20b", NULL, 204, NULL, NULL},
    };
    struct arena *a = arena_new();
    struct peer *p = peer_new(script, ARRAY_LEN(script));
    struct target *t = peer_target(arena_printf(a, "%s/s?aadOptscim062020&k=a%%20b", peer_url(p)));
    struct mapping_criterion by = peer_criterion(a, peer_groups(), G_DISPLAY_NAME, "X");
    struct call calls[4];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(calls); i++)
        call_init(&calls[i]);
    t->ops->find(t, peer_groups(), &by, call_ended, &calls[0]);
    call_wait(t, &calls[0]);
    t->ops->read(t, peer_users(), STR("1"), call_ended, &calls[1]);
    call_wait(t, &calls[1]);
    t->ops->read(t, peer_groups(), STR("1"), call_ended, &calls[2]);
    call_wait(t, &calls[2]);
    t->ops->remove(t, peer_users(), STR("1"), call_ended, &calls[3]);
    call_wait(t, &calls[3]);
    CHECK(calls[0].result.status == TARGET_OK && calls[0].result.record_count == 0, "none");
    CHECK(calls[1].result.status == TARGET_OK, "read");
    CHECK(calls[2].result.status == TARGET_NOT_FOUND, "gone");
    CHECK_STR(str_sub(calls[2].result.message, 0, 44),
              "GET /s/Groups/1?excludedAttributes=members w", "the kept query is not shown");
    CHECK(calls[3].result.status == TARGET_OK, "deleted");
    for (size_t i = 0; i < ARRAY_LEN(calls); i++)
        call_done(&calls[i]);
    target_close(t);
    peer_free(p, "kept query");
    arena_free(a);
}

TEST_GROUP(scim_request, cmocka_unit_test(creates), cmocka_unit_test(patches),
           cmocka_unit_test(tenant_urls), cmocka_unit_test(find_escapes),
           cmocka_unit_test(kept_query))
