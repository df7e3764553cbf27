/* Tenants: automation users, the subscription, limits and switches, and that nothing of one is seen
 * by another. */
#include "fixture.h"
#include "frame/postgres.h"
#include "notify/queue.h"
#include "provider/access/automation.h"
#include "provider/notice.h"
#include "provider/template.h"

#include <string.h>

#define JOSTLE "/scim/j/v2"

static struct json *error_of(const struct answer *answer, int status, const char *detail)
{
    CHECK(answer->status == status, "%d: %.*s", answer->status, STR_ARG(answer->body));
    CHECK(answer->json, "no body");
    CHECK(str_find(answer->body, STR("urn:ietf:params:scim:api:messages:2.0:Error"), &(size_t){0}),
          "a SCIM error: %.*s", STR_ARG(answer->body));
    CHECK_STR(json_get_text(answer->json, "detail"), detail, "detail");
    return answer->json;
}

/* Asks until what a service remembers of keys and settings is old. */
static void ask_until(struct client *client, const struct fixture *f, struct arena *a,
                      const char *path, int status, struct answer *out)
{
    int64_t end = clock_monotonic_us() + 20 * US_PER_SECOND;

    do
        client_ask(client, f, a, HTTP_GET, path, NULL, out);
    while (out->status != status && clock_monotonic_us() < end);
    CHECK(out->status == status, "%s: %d, wanted %d", path, out->status, status);
}

static void set(struct fixture *f, const char *tenant, const char *name, const char *value)
{
    struct err err = {0};

    CHECK(provider_tenant_set(f->db, str_from_z(tenant), str_from_z(name), str_from_z(value), &err),
          "%s: %s", name, err.message);
}

static void bound_key(struct fixture *f, const char *tenant, const char *user)
{
    const struct provider_key_order order = {.tenant = str_from_z(tenant),
                                             .description = STR("Azure"),
                                             .automation_user = str_from_z(user)};
    struct err err = {0};

    secret_done(&f->key);
    CHECK(provider_key_make(f->db, &order, clock_system(), rng_system(), f->key_id, &f->key, &err),
          "%s", err.message);
}

static const char *add_user(struct client *client, struct fixture *f, struct arena *a,
                            const char *tenant, const char *name)
{
    struct answer answer;

    client_ask(client, f, a, HTTP_POST, arena_printf(a, "/scim/%s/v2/Users", tenant).ptr,
               arena_printf(a, "{\"userName\":\"%s\"}", name).ptr, &answer);
    CHECK(answer.status == 201, "%d %.*s", answer.status, STR_ARG(answer.body));
    return arena_z(a, json_get_text(answer.json, "id"));
}

/* --- Jostle --- */

static void check_automation(const struct db_config *config)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct provider_automation_user *users;
    struct provider_key *keys;
    struct err err = {0};
    struct client client;
    struct answer answer;
    struct fixture f;
    size_t count;

    fixture_start(&f, config);
    fixture_tenant(&f, "jostle", "j");
    client_open(&client, f.port);
    client_ask(&client, &f, a, HTTP_GET, JOSTLE "/Me", NULL, &answer);
    CHECK(answer.status == 501, "a key of the tenant: %d", answer.status);
    CHECK(provider_automation_add(f.db, STR("j"), STR("Bot"), clock_system(), rng_system(), &err),
          "%s", err.message);
    CHECK(!provider_automation_add(f.db, STR("j"), STR("bot"), clock_system(), rng_system(), &err),
          "twice");
    CHECK_STR(str_from_z(err.code), "uniqueness", "code");
    bound_key(&f, "j", "bot");
    client_ask(&client, &f, a, HTTP_GET, JOSTLE "/Users", NULL, &answer);
    error_of(&answer, 403, "automation user is not activated");
    CHECK(provider_automation_activate(f.db, STR("j"), STR("Bot"), clock_system(), &err), "%s",
          err.message);
    ask_until(&client, &f, a, JOSTLE "/Me", 200, &answer);
    CHECK_STR(json_get_text(answer.json, "userName"), "Bot", "/Me");
    CHECK(str_ends(answer_header(&answer, STR("Location")), json_get_text(answer.json, "id")),
          "Location: %.*s", STR_ARG(answer.head));
    client_ask(&client, &f, a, HTTP_POST, JOSTLE "/Me", "{\"userName\":\"x\"}", &answer);
    CHECK(answer.status == 501, "%d", answer.status);
    CHECK(provider_automation_list(f.db, a, STR("j"), &users, &count, &err) && count == 1, "list");
    CHECK(users[0].activated_us > 0 && users[0].active && users[0].keys == 1, "state");
    client_ask(&client, &f, a, HTTP_PATCH, JOSTLE "/Me",
               "{\"Operations\":[{\"op\":\"replace\",\"path\":\"active\",\"value\":false}]}",
               &answer);
    CHECK(answer.status == 200, "%d %.*s", answer.status, STR_ARG(answer.body));
    ask_until(&client, &f, a, JOSTLE "/Users", 403, &answer);
    error_of(&answer, 403, "automation user is disabled");
    CHECK(provider_key_list(f.db, a, STR("j"), &keys, &count, &err) && count == 2, "keys");
    CHECK(keys[1].has_user && !keys[1].usable && !keys[0].has_user, "usable");
    CHECK(provider_automation_remove(f.db, STR("j"), STR("Bot"), clock_system(), &err), "%s",
          err.message);
    ask_until(&client, &f, a, JOSTLE "/Users", 401, &answer);
    CHECK(
        !provider_automation_add(f.db, STR("nobody"), STR("x"), clock_system(), rng_system(), &err),
        "no tenant");
    client_close(&client);
    fixture_stop(&f);
}

static void keys_of_automation_users(void **state)
{
    (void)state;
    test_databases(check_automation);
}

static void check_feature(const struct db_config *config)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    static const char *const paths[] = {JOSTLE "/Users", JOSTLE "/ServiceProviderConfig",
                                        JOSTLE "/Me", JOSTLE "/nothing"};
    struct client client;
    struct answer answer;
    struct fixture f;

    fixture_start(&f, config);
    fixture_tenant(&f, "jostle", "j");
    set(&f, "j", "featureOff", "on");
    client_open(&client, f.port);
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        client_ask(&client, &f, a, HTTP_GET, paths[i], NULL, &answer);
        error_of(&answer, 403, "user provisioning is not part of this subscription");
    }
    set(&f, "j", "featureOff", "");
    ask_until(&client, &f, a, JOSTLE "/Users", 200, &answer);
    client_close(&client);
    fixture_stop(&f);
}

static void provisioning_can_be_off(void **state)
{
    (void)state;
    test_databases(check_feature);
}

static void check_emails(const struct db_config *config)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *extension = "urn:ietf:params:scim:schemas:extension:jostle:2.0:User";
    struct client client;
    struct answer answer;
    struct fixture f;
    size_t at;

    fixture_start(&f, config);
    fixture_tenant(&f, "jostle", "j");
    client_open(&client, f.port);
    client_ask(&client, &f, a, HTTP_GET, JOSTLE "/Schemas", NULL, &answer);
    CHECK(str_find(answer.body,
                   STR("\"canonicalValues\":[\"work\",\"personal\",\"alternate1\",\"alternate2\"]"),
                   &at),
          "types of e-mails: %.*s", STR_ARG(answer.body));
    client_ask(&client, &f, a, HTTP_POST, JOSTLE "/Users",
               arena_printf(a,
                            "{\"userName\":\"ada\",\"emails\":[{\"type\":\"work\",\"value\":\"w\"},"
                            "{\"type\":\"personal\",\"value\":\"p\"},{\"type\":\"alternate1\","
                            "\"value\":\"a1\"},{\"type\":\"alternate2\",\"value\":\"a2\"}],"
                            "\"%s\":{\"alternateEmail1Label\":\"Club\",\"alternateEmail2Label\":"
                            "\"Choir\"}}",
                            extension)
                   .ptr,
               &answer);
    CHECK(answer.status == 201, "%d %.*s", answer.status, STR_ARG(answer.body));
    CHECK(json_get(answer.json, STR("emails"))->count == 4, "four");
    CHECK_STR(json_get_text(json_get(answer.json, str_from_z(extension)), "alternateEmail2Label"),
              "Choir", "label");
    client_ask(&client, &f, a, HTTP_GET, JOSTLE "/Groups", NULL, &answer);
    CHECK(answer.status == 404, "%d", answer.status);
    client_close(&client);
    fixture_stop(&f);
}

static void jostle_has_four_emails_with_labels(void **state)
{
    (void)state;
    test_databases(check_emails);
}

/* --- Notices --- */

static size_t notices_of(struct fixture *f, struct arena *a, const char *tenant, size_t at_least,
                         struct provider_notice **out)
{
    int64_t end = clock_monotonic_us() + 20 * US_PER_SECOND;
    struct err err = {0};
    size_t count;

    do /* they are written behind the answer */
        CHECK(provider_notices(f->db, a, str_from_z(tenant), 100, out, &count, &err), "%s",
              err.message);
    while (count < at_least && clock_monotonic_us() < end);
    return count;
}

/* The one mail that waits: its event's kind and, by way of a claim after the hour, its content. */
static const struct json *mail_of(struct fixture *f, struct arena *a, int64_t now_us)
{
    struct notify_message message;
    struct err err = {0};
    bool found;

    CHECK(notify_claim(f->db, a, NOTIFY_MAIL, 0, STR("test"), now_us, &message, &found, &err) &&
              found,
          "a mail: %s", err.message);
    CHECK(message.part_count == 1, "%zu parts", message.part_count);
    CHECK(message.parts[0].kind == NOTIFY_PROVISIONING_FAILED, "kind");
    CHECK(notify_finish(f->db, &message, NOTIFY_OUTCOME_SENT, STR(""), now_us, &err), "%s",
          err.message);
    return message.parts[0].content;
}

/* What is refused for want of a seat, or because provisioning is off, is a failure too. */
static void check_denials(const struct db_config *config)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct provider_notice *notices;
    struct client client;
    struct answer answer;
    struct fixture f;

    fixture_start(&f, config);
    fixture_tenant(&f, "jostle", "j");
    set(&f, "j", "maxUsers", "1");
    client_open(&client, f.port);
    add_user(&client, &f, a, "j", "ada");
    client_ask(&client, &f, a, HTTP_POST, JOSTLE "/Users", "{\"userName\":\"bob\"}", &answer);
    CHECK(answer.status == 403, "%d", answer.status);
    CHECK(notices_of(&f, a, "j", 1, &notices) == 1 && notices[0].status == 403, "told");
    client_close(&client);
    fixture_stop(&f);
}

static void denials_are_told(void **state)
{
    (void)state;
    test_databases(check_denials);
}

static void check_notices(const struct db_config *config)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct provider_notice *notices;
    struct notify_message message;
    const struct json *content;
    struct client client;
    struct answer answer;
    struct err err = {0};
    struct fixture f;
    int64_t hour = US_PER_HOUR + US_PER_MINUTE, now;
    bool found;

    fixture_start(&f, config);
    fixture_tenant(&f, "jostle", "j");
    set(&f, "j", "notification.mail", "ada@example.com,bob@example.com");
    client_open(&client, f.port);
    add_user(&client, &f, a, "j", "ada");
    client_ask(&client, &f, a, HTTP_POST, JOSTLE "/Users", "{\"userName\":\"Ada\"}", &answer);
    CHECK(answer.status == 409, "%d", answer.status);
    client_ask(&client, &f, a, HTTP_POST, JOSTLE "/Users",
               "{\"userName\":\"bob\",\"active\":\"maybe\"}", &answer);
    CHECK(answer.status == 400, "%d", answer.status);
    client_ask(&client, &f, a, HTTP_DELETE, JOSTLE "/Users/nobody", NULL, &answer);
    CHECK(answer.status == 404, "%d", answer.status);
    client_ask(&client, &f, a, HTTP_POST, JOSTLE "/Bulk",
               "{\"Operations\":[{\"method\":\"POST\",\"path\":\"/Users\",\"bulkId\":\"1\","
               "\"data\":{\"userName\":\"ada\"}},{\"method\":\"POST\",\"path\":\"/Users\","
               "\"bulkId\":\"2\",\"data\":{\"userName\":\"cleo\"}}]}",
               &answer);
    CHECK(answer.status == 200, "%d", answer.status);
    /* What does not count: reads, searches, what succeeds. */
    client_ask(&client, &f, a, HTTP_GET, JOSTLE "/Users/nobody", NULL, &answer);
    client_ask(&client, &f, a, HTTP_POST, JOSTLE "/Users/.search", "[]", &answer);
    CHECK(answer.status == 400, "%d", answer.status);
    CHECK(notices_of(&f, a, "j", 4, &notices) == 4, "four");
    CHECK_STR(notices[0].target, "ada", "of the bulk");
    CHECK_STR(notices[1].method, "DELETE", "method");
    CHECK_STR(notices[1].target, "nobody", "its id");
    CHECK_STR(notices[2].attribute, "active", "attribute");
    CHECK_STR(notices[2].target, "bob", "target");
    CHECK_STR(notices[3].attribute, "userName", "attribute");
    CHECK_STR(notices[3].target, "Ada", "target");
    CHECK(notices[3].status == 409, "status");
    now = clock_now(clock_system());
    CHECK(notify_claim(f.db, a, NOTIFY_MAIL, 0, STR("early"), notices[3].at_us, &message, &found,
                       &err) &&
              !found,
          "not before the hour is over");
    for (int i = 0; i < 2; i++) { /* to each recipient, all in one */
        content = mail_of(&f, a, now + hour);
        CHECK(json_get_int(content, "count", 0) == 4, "count");
        CHECK(json_get(content, STR("objects"))->count == 4, "objects");
    }
    client_ask(&client, &f, a, HTTP_DELETE, JOSTLE "/Users/nobody", NULL, &answer);
    CHECK(notices_of(&f, a, "j", 5, &notices) == 5, "after the mail");
    content = mail_of(&f, a, now + hour);
    CHECK(json_get_int(content, "count", 0) == 1, "a mail of its own");
    CHECK(provider_tenant_remove(f.db, STR("j"), &err), "%s", err.message);
    fixture_tenant(&f, "jostle", "j");
    CHECK(notices_of(&f, a, "j", 0, &notices) == 0, "removed with the tenant");
    CHECK(notify_claim(f.db, a, NOTIFY_MAIL, 0, STR("late"), now + hour, &message, &found, &err) &&
              !found,
          "and what was to be told");
    client_close(&client);
    fixture_stop(&f);
}

static void failed_writes_are_told(void **state)
{
    (void)state;
    test_databases(check_notices);
}

static void check_flood(const struct db_config *config)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct provider_notice *notices;
    struct client client;
    struct answer answer;
    struct fixture f;
    size_t count;

    fixture_start(&f, config);
    fixture_tenant(&f, "jostle", "j");
    client_open(&client, f.port);
    for (int i = 0; i < 200; i++) {
        client_ask(&client, &f, a, HTTP_DELETE, JOSTLE "/Users/nobody", NULL, &answer);
        CHECK(answer.status == 404, "%d", answer.status);
    }
    count = notices_of(&f, a, "j", 60, &notices);
    CHECK(count >= 60 && count <= 121, "bounded, also over the end of a minute: %zu", count);
    client_close(&client);
    fixture_stop(&f);
}

static void a_flood_of_failures_is_bounded(void **state)
{
    (void)state;
    test_databases(check_flood);
}

/* --- Nothing of one tenant is seen by another --- */

static void check_strangers(const struct db_config *config)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct answer mine, none;
    struct client client;
    const char *id, *theirs, *cursor;
    struct fixture f;

    fixture_start(&f, config);
    client_open(&client, f.port);
    fixture_tenant(&f, "generic", "one");
    id = add_user(&client, &f, a, "one", "ada");
    add_user(&client, &f, a, "one", "bob");
    client_ask(&client, &f, a, HTTP_GET, "/scim/one/v2/Users?cursor=&count=1", NULL, &mine);
    cursor = arena_z(a, json_get_text(mine.json, "nextCursor"));
    CHECK(strlen(cursor) > 0, "a cursor");
    fixture_tenant(&f, "generic", "two");
    theirs = add_user(&client, &f, a, "two", "ada"); /* the same name is free here */
    CHECK(strncmp(id, theirs, 8) != 0, "%s, %s: ids of one tenant say nothing of another", id,
          theirs);
    client_ask(&client, &f, a, HTTP_GET, arena_printf(a, "/scim/two/v2/Users/%s", id).ptr, NULL,
               &mine);
    client_ask(&client, &f, a, HTTP_GET, "/scim/two/v2/Users/00000000-0000-4000-8000-000000000000",
               NULL, &none);
    CHECK(mine.status == 404 && none.status == 404, "%d %d", mine.status, none.status);
    client_ask(&client, &f, a, HTTP_GET,
               arena_printf(a, "/scim/two/v2/Users?count=1&cursor=%s", cursor).ptr, NULL, &mine);
    CHECK(mine.status == 400, "a cursor of another: %d", mine.status);
    CHECK_STR(json_get_text(mine.json, "scimType"), "invalidCursor", "scimType");
    client_ask(&client, &f, a, HTTP_GET, "/scim/one/v2/Users", NULL, &mine);
    client_ask(&client, &f, a, HTTP_GET, "/scim/nobody/v2/Users", NULL, &none);
    CHECK(mine.status == 401 && none.status == 401, "%d %d", mine.status, none.status);
    CHECK_STR(json_get_text(mine.json, "detail"), json_get_text(none.json, "detail").ptr,
              "a tenant of others and none at all look the same");
    CHECK_STR(answer_header(&mine, STR("WWW-Authenticate")),
              arena_z(a, answer_header(&none, STR("WWW-Authenticate"))), "header");
    client_ask(&client, &f, a, HTTP_GET,
               arena_printf(a, "/scim/two/v2/Users?filter=id+eq+%%22%s%%22", id).ptr, NULL, &mine);
    CHECK(json_get_int(mine.json, "totalResults", -1) == 0, "by filter");
    client_close(&client);
    fixture_stop(&f);
}

static void tenants_do_not_see_each_other(void **state)
{
    (void)state;
    test_databases(check_strangers);
}

/* --- Limits --- */

static void check_limits(const struct db_config *config)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct client client;
    struct answer answer;
    struct fixture f;
    char *body = arena_alloc(a, 3000);
    int limited = 0;

    fixture_start(&f, config);
    fixture_tenant(&f, "generic", "t");
    set(&f, "t", "limits.maxBody", "2048");
    set(&f, "t", "list.maxPageSize", "1");
    set(&f, "t", "bulk.maxOperations", "1");
    set(&f, "t", "patch.maxOperations", "1");
    set(&f, "t", "filter.maxNodes", "2");
    client_open(&client, f.port);
    add_user(&client, &f, a, "t", "ada");
    add_user(&client, &f, a, "t", "bob");
    memset(body, 'x', 2999);
    memcpy(body, "{\"userName\":\"", 13);
    memcpy(body + 2997, "\"}", 2);
    client_ask(&client, &f, a, HTTP_POST, "/scim/t/v2/Users", body, &answer);
    CHECK(answer.status == 413, "body: %d", answer.status);
    client_ask(&client, &f, a, HTTP_GET, "/scim/t/v2/Users?count=50", NULL, &answer);
    CHECK(json_get_int(answer.json, "itemsPerPage", 0) == 1, "%.*s", STR_ARG(answer.body));
    client_ask(&client, &f, a, HTTP_POST, "/scim/t/v2/Bulk",
               "{\"Operations\":[{\"method\":\"DELETE\",\"path\":\"/Users/1\"},"
               "{\"method\":\"DELETE\",\"path\":\"/Users/2\"}]}",
               &answer);
    CHECK(answer.status == 413, "bulk: %d", answer.status);
    client_ask(&client, &f, a, HTTP_PATCH, "/scim/t/v2/Users/1",
               "{\"Operations\":[{\"op\":\"remove\",\"path\":\"title\"},"
               "{\"op\":\"remove\",\"path\":\"nickName\"}]}",
               &answer);
    CHECK(answer.status == 413, "patch: %d", answer.status);
    client_ask(&client, &f, a, HTTP_GET,
               "/scim/t/v2/Users?filter=title+pr+and+nickName+pr+and+active+eq+true", NULL,
               &answer);
    CHECK_STR(json_get_text(answer.json, "scimType"), "invalidFilter", "nodes");
    set(&f, "t", "rate.perToken", "2");
    ask_until(&client, &f, a, "/scim/t/v2/Users", 429, &answer);
    CHECK_STR(answer_header(&answer, STR("Retry-After")), "1", "Retry-After");
    for (int i = 0; i < 10; i++) {
        client_ask(&client, &f, a, HTTP_GET, "/scim/t/v2/Users", NULL, &answer);
        limited += answer.status == 429;
    }
    CHECK(limited >= 5, "of ten at once: %d", limited);
    client_close(&client);
    fixture_stop(&f);
}

static void limits_hold(void **state)
{
    (void)state;
    test_databases(check_limits);
}

/* 1,000 value paths over 10,000 e-mails took the one writer 3.5 s. */
static void check_patch_cost(const struct db_config *config)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct client client;
    struct answer answer;
    struct fixture f;
    struct buf body;
    const char *user;

    buf_init(&body, (size_t)1024 * 1024);
    fixture_start(&f, config);
    fixture_tenant(&f, "generic", "t");
    client_open(&client, f.port);
    buf_add_z(&body, "{\"userName\":\"ada\",\"emails\":[");
    for (int i = 0; i < 10000; i++)
        buf_addf(&body, "%s{\"value\":\"m%d@x\"}", i ? "," : "", i);
    buf_add_z(&body, "]}");
    client_ask(&client, &f, a, HTTP_POST, "/scim/t/v2/Users", buf_z(&body), &answer);
    CHECK(answer.status == 201, "%d", answer.status);
    user = arena_printf(a, "/scim/t/v2/Users/%.*s", STR_ARG(json_get_text(answer.json, "id"))).ptr;
    for (int count = 1000; count > 0; count -= 990) { /* too many, then a few */
        buf_reset(&body);
        buf_add_z(&body, "{\"Operations\":[");
        for (int i = 0; i < count; i++) {
            buf_addf(&body,
                     "%s{\"op\":\"replace\",\"path\":\"emails[value eq \\\"m%d@x\\\"].display\","
                     "\"value\":\"d\"}",
                     i ? "," : "", i);
        }
        buf_add_z(&body, "]}");
        client_ask(&client, &f, a, HTTP_PATCH, user, buf_z(&body), &answer);
        CHECK(answer.status == (count > 100 ? 413 : 200), "%d: %d", count, answer.status);
    }
    buf_done(&body);
    client_close(&client);
    fixture_stop(&f);
}

static void the_cost_of_a_patch_is_bounded(void **state)
{
    (void)state;
    test_databases(check_patch_cost);
}

/* --- Switches and tolerances, on one user --- */

static const struct {
    const char *label, *name, *value;
    enum http_method method;
    const char *path, *body;
    int status;
    const char *scim_type;
} cases[] = {
    {"as it is", NULL, NULL, HTTP_POST, "/Users", "{\"userName\":\"a\",\"active\":\"True\"}", 201,
     ""},
    {"boolean text", "lenient.booleanText", "off", HTTP_POST, "/Users",
     "{\"userName\":\"a\",\"active\":\"True\"}", 400, "invalidValue"},
    {"all strict", "lenient.all", "off", HTTP_POST, "/Users",
     "{\"userName\":\"a\",\"active\":\"True\"}", 400, "invalidValue"},
    {"json text", "lenient.jsonText", "off", HTTP_POST, "/Users",
     "{\"userName\":\"a\",\"name\":\"{\\\"givenName\\\":\\\"x\\\"}\"}", 400, "invalidValue"},
    {"no PUT", "putUnsupported", "on", HTTP_PUT, "/Users/x", "{\"userName\":\"a\"}", 405, ""},
    {"no PATCH", "patchUnsupported", "501", HTTP_PATCH, "/Users/x", "{}", 501, ""},
    {"no Bulk", "bulkUnsupported", "on", HTTP_POST, "/Bulk", "{}", 501, ""},
    {"no groups", "groupsOff", "on", HTTP_GET, "/Groups", NULL, 404, ""},
    {"no new groups", "groupsNoCreate", "on", HTTP_POST, "/Groups", "{\"displayName\":\"g\"}", 405,
     ""},
    {"required path", "requirePaths", "[\"title\"]", HTTP_POST, "/Users", "{\"userName\":\"a\"}",
     400, "invalidValue"},
    {"pattern", "valuePattern", "{\"userName\":\"^[a-z]{1,3}$\"}", HTTP_POST, "/Users",
     "{\"userName\":\"abcd\"}", 400, "invalidValue"},
    {"pattern that fits", "valuePattern", "{\"userName\":\"^[a-z]{1,3}$\"}", HTTP_POST, "/Users",
     "{\"userName\":\"abc\"}", 201, ""},
    {"pattern of a type", "valuePattern",
     "{\"addresses[type eq \\\"work\\\"].country\":\"^[A-Z]{2}$\"}", HTTP_POST, "/Users",
     "{\"userName\":\"a\",\"addresses\":[{\"type\":\"work\",\"country\":\"Norway\"}]}", 400,
     "invalidValue"},
    {"allowed values", "allowedValues", "{\"userType\":[\"Teacher\",\"Student\"]}", HTTP_POST,
     "/Users", "{\"userName\":\"a\",\"userType\":\"Cook\"}", 400, "invalidValue"},
    {"one e-mail", "singleValuedMulti", "[\"emails\"]", HTTP_POST, "/Users",
     "{\"userName\":\"a\",\"emails\":[{\"value\":\"x\"},{\"value\":\"y\"}]}", 400, "invalidValue"},
    {"characters", "forbiddenChars", "#<", HTTP_POST, "/Users", "{\"userName\":\"a#b\"}", 400,
     "invalidValue"},
    {"domains", "verifiedDomains", "[\"example.com\"]", HTTP_POST, "/Users",
     "{\"userName\":\"a@example.org\"}", 403, ""},
    {"a domain that is", "verifiedDomains", "[\"example.com\"]", HTTP_POST, "/Users",
     "{\"userName\":\"a@Example.com\"}", 201, ""},
    {"filters", "filterListed", "[\"userName\"]", HTTP_GET, "/Users?filter=title+eq+%22x%22", NULL,
     400, "invalidFilter"},
    {"listed", "filterListed", "[\"userName\"]", HTTP_GET, "/Users?filter=userName+eq+%22x%22",
     NULL, 200, ""},
    {"operators", "filterOps", "[\"eq\",\"and\"]", HTTP_GET, "/Users?filter=userName+co+%22x%22",
     NULL, 400, "invalidFilter"},
    {"empty list", "notFoundForEmpty", "on", HTTP_GET, "/Users?filter=userName+eq+%22x%22", NULL,
     404, ""},
    {"User-Agent", "requireUserAgent", "on", HTTP_GET, "/Users", NULL, 403, ""},
    {"spelling", "caseSensitiveEndpoints", "on", HTTP_GET, "/users", NULL, 404, ""},
    {"redirect", "redirect", "https://else.example", HTTP_GET, "/Users", NULL, 307, ""},
    {"quotes", "lenient.bareWords", "off", HTTP_GET, "/Users?filter=userName+eq+x", NULL, 400,
     "invalidFilter"},
    {"single quotes", "lenient.bareWords", "off", HTTP_GET, "/Users?filter=userName+eq+%27x%27",
     NULL, 400, "invalidFilter"},
    {"double quotes", "lenient.bareWords", "off", HTTP_GET, "/Users?filter=userName+eq+%22x%22",
     NULL, 200, ""},
    {"no seat", "maxUsers", "1", HTTP_POST, "/Users", "{\"userName\":\"a\"}", 201, ""},
    {"id of the client", "idIsExternalId", "on", HTTP_POST, "/Users", "{\"userName\":\"a\"}", 400,
     "invalidValue"},
    {"200 for 201", "createStatus", "200", HTTP_POST, "/Users", "{\"userName\":\"a\"}", 200, ""},
    {"a fault", "faults", "[{\"every\":1,\"status\":503,\"method\":\"POST\"}]", HTTP_POST, "/Users",
     "{\"userName\":\"a\"}", 503, ""},
    {"own config", "discovery.publicConfig", "off", HTTP_GET, "/ServiceProviderConfig", NULL, 200,
     ""},
};

static void check_switches(const struct db_config *config)
{
    struct fixture f;
    struct client client;

    fixture_start(&f, config);
    client_open(&client, f.port);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        const char *tenant = arena_printf(a, "t%zu", i).ptr;
        struct answer answer;

        fixture_tenant(&f, "generic", tenant);
        if (cases[i].name)
            set(&f, tenant, cases[i].name, cases[i].value);
        client_ask(&client, &f, a, cases[i].method,
                   arena_printf(a, "/scim/%s/v2%s", tenant, cases[i].path).ptr, cases[i].body,
                   &answer);
        CHECK(answer.status == cases[i].status, "%s: %d %.*s", cases[i].label, answer.status,
              STR_ARG(answer.body));
        CHECK_STR(json_get_text(answer.json, "scimType"), cases[i].scim_type, "%s", cases[i].label);
    }
    client_close(&client);
    fixture_stop(&f);
}

static void switches_imitate(void **state)
{
    (void)state;
    test_databases(check_switches);
}

/* A user that is made, changed and deleted where something is different. */
static const struct {
    const char *label, *name, *value;
    const char *patch;
    enum http_method last;
    int last_status;
    int then;             /* GET afterwards */
    const char *then_has; /* in what it answers; NULL: anything */
} lives[] = {
    {"usual", "noMeta", "off", "{\"op\":\"add\",\"path\":\"title\",\"value\":\"x\"}", HTTP_DELETE,
     204, 404, NULL},
    {"no meta", "noMeta", "on", "{\"op\":\"add\",\"path\":\"title\",\"value\":\"x\"}", HTTP_GET,
     200, 200, "\"title\":\"x\"}"},
    {"DELETE disables", "noDelete", "disable",
     "{\"op\":\"add\",\"path\":\"title\",\"value\":\"x\"}", HTTP_DELETE, 204, 200,
     "\"active\":false"},
    {"DELETE without effect", "noDelete", "204",
     "{\"op\":\"add\",\"path\":\"title\",\"value\":\"x\"}", HTTP_DELETE, 204, 200,
     "\"active\":true"},
    {"disabled is deleted", "deleteOnDisable", "always",
     "{\"op\":\"replace\",\"path\":\"active\",\"value\":false}", HTTP_GET, 404, 404, NULL},
    {"the id is the client's", "idIsExternalId", "on",
     "{\"op\":\"add\",\"path\":\"title\",\"value\":\"x\"}", HTTP_GET, 200, 200, "\"id\":\"e-1\""},
    {"immutable", "immutable", "[\"userType\"]",
     "{\"op\":\"add\",\"path\":\"title\",\"value\":\"x\"}", HTTP_GET, 200, 200,
     "\"userType\":\"a\""},
};

static void check_lives(const struct db_config *config)
{
    struct fixture f;
    struct client client;

    fixture_start(&f, config);
    client_open(&client, f.port);
    for (size_t i = 0; i < ARRAY_LEN(lives); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        const char *base = arena_printf(a, "/scim/l%zu/v2/Users", i).ptr;
        const char *label = lives[i].label, *user;
        struct answer answer;

        fixture_tenant(&f, "generic", arena_printf(a, "l%zu", i).ptr);
        set(&f, arena_printf(a, "l%zu", i).ptr, lives[i].name, lives[i].value);
        client_ask(&client, &f, a, HTTP_POST, base,
                   "{\"userName\":\"a\",\"externalId\":\"e-1\",\"userType\":\"a\"}", &answer);
        CHECK(answer.status == 201, "%s: %d %.*s", label, answer.status, STR_ARG(answer.body));
        user = arena_printf(a, "%s/%.*s", base, STR_ARG(json_get_text(answer.json, "id"))).ptr;
        client_ask(&client, &f, a, HTTP_PATCH, user,
                   arena_printf(a, "{\"Operations\":[%s]}", lives[i].patch).ptr, &answer);
        CHECK(answer.status == 200, "%s: %d %.*s", label, answer.status, STR_ARG(answer.body));
        client_ask(&client, &f, a, lives[i].last, user, NULL, &answer);
        CHECK(answer.status == lives[i].last_status, "%s: %d", label, answer.status);
        client_ask(&client, &f, a, HTTP_GET, user, NULL, &answer);
        CHECK(answer.status == lives[i].then, "%s: %d", label, answer.status);
        CHECK(!lives[i].then_has ||
                  str_find(answer.body, str_from_z(lives[i].then_has), &(size_t){0}),
              "%s: %.*s", label, STR_ARG(answer.body));
    }
    client_close(&client);
    fixture_stop(&f);
}

static void users_live_differently(void **state)
{
    (void)state;
    test_databases(check_lives);
}

static void check_test_mode(const struct db_config *config)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct client client;
    struct answer answer;
    struct fixture f;

    fixture_start(&f, config);
    fixture_tenant(&f, "generic", "t");
    set(&f, "t", "testMode", "on");
    set(&f, "t", "maxUsers", "1");
    client_open(&client, f.port);
    add_user(&client, &f, a, "t", "ada");
    add_user(&client, &f, a, "t", "ada"); /* which is not there */
    client_ask(&client, &f, a, HTTP_POST, "/scim/t/v2/Bulk",
               "{\"Operations\":[{\"method\":\"POST\",\"path\":\"/Users\",\"bulkId\":\"1\","
               "\"data\":{\"userName\":\"ada\"}}]}",
               &answer);
    CHECK(str_find(answer.body, STR("\"201\""), &(size_t){0}), "%.*s", STR_ARG(answer.body));
    client_ask(&client, &f, a, HTTP_GET, "/scim/t/v2/Users", NULL, &answer);
    CHECK(json_get_int(answer.json, "totalResults", -1) == 0, "%.*s", STR_ARG(answer.body));
    set(&f, "t", "testMode", "off");
    do
        client_ask(&client, &f, a, HTTP_POST, "/scim/t/v2/Users", "{\"userName\":\"ada\"}",
                   &answer);
    while (answer.status == 201);
    CHECK(answer.status == 409 || answer.status == 403, "%d", answer.status);
    client_ask(&client, &f, a, HTTP_POST, "/scim/t/v2/Users", "{\"userName\":\"bob\"}", &answer);
    CHECK(answer.status == 403, "one seat: %d", answer.status);
    client_close(&client);
    fixture_stop(&f);
}

static void test_mode_stores_nothing(void **state)
{
    (void)state;
    test_databases(check_test_mode);
}

static void check_groups(const struct db_config *config)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    static const struct {
        const char *operation;
        int status;
    } steps[] = {
        {"{\"op\":\"replace\",\"path\":\"members\",\"value\":[]}", 400},
        {"{\"op\":\"remove\",\"path\":\"members\"}", 400},
        {"{\"op\":\"add\",\"path\":\"members\",\"value\":[{\"value\":\"1\"},{\"value\":\"2\"}]}",
         400},
        {"{\"op\":\"replace\",\"path\":\"displayName\",\"value\":\"other\"}", 204},
    };
    struct client client;
    struct answer answer;
    struct fixture f;
    const char *group;

    fixture_start(&f, config);
    fixture_tenant(&f, "generic", "t");
    set(&f, "t", "noReplaceMembers", "on");
    set(&f, "t", "noRemoveAllMembers", "on");
    set(&f, "t", "maxMembersPerPatch", "1");
    set(&f, "t", "groupsNoRename", "on");
    set(&f, "t", "groupsNoDelete", "on");
    client_open(&client, f.port);
    client_ask(&client, &f, a, HTTP_POST, "/scim/t/v2/Groups", "{\"displayName\":\"crew\"}",
               &answer);
    CHECK(answer.status == 201, "%d", answer.status);
    group =
        arena_printf(a, "/scim/t/v2/Groups/%.*s", STR_ARG(json_get_text(answer.json, "id"))).ptr;
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        client_ask(&client, &f, a, HTTP_PATCH, group,
                   arena_printf(a, "{\"Operations\":[%s]}", steps[i].operation).ptr, &answer);
        CHECK(answer.status == steps[i].status, "%s: %d %.*s", steps[i].operation, answer.status,
              STR_ARG(answer.body));
    }
    client_ask(&client, &f, a, HTTP_DELETE, group, NULL, &answer);
    CHECK(answer.status == 405, "%d", answer.status);
    client_ask(&client, &f, a, HTTP_GET, group, NULL, &answer);
    CHECK_STR(json_get_text(answer.json, "displayName"), "crew", "kept");
    client_close(&client);
    fixture_stop(&f);
}

static void groups_can_be_difficult(void **state)
{
    (void)state;
    test_databases(check_groups);
}

/* --- Templates --- */

static void count_finding(void *ctx, const char *place, const char *what)
{
    size_t *count = ctx;

    CHECK(strlen(what) > 0, "%s", place);
    (*count)++;
}

static void templates_are_checked(void **state)
{
    static const struct {
        const char *text;
        size_t findings;
        const char *place;
    } bad[] = {
        {"[]", 1, ""},
        {"{}", 1, "/userAttributes"},
        {"{\"userAttributes\":[{\"target\":\"a[\",\"type\":\"String\"},{\"target\":\"b\",\"type\":"
         "\"Colour\"},{\"type\":\"String\"},{\"target\":\"B\",\"type\":\"String\"}]}",
         4, "/userAttributes/0"},
        {"{\"userAttributes\":[{\"target\":\"userName\"}],\"switches\":{\"groupsOff\":1,"
         "\"nothing\":true}}",
         2, "/switches/groupsOff"},
        {"{\"userAttributes\":[{\"target\":\"userName\"}],\"switches\":{\"requirePaths\":"
         "[\"shoes\"]}}",
         1, ""},
        {"7", 1, ""},
        {"{\"Resources\":[3,{\"id\":\"x\",\"attributes\":[]},{\"id\":\"urn:a\"}]}", 3,
         "/Resources/0"},
        {"[{\"id\":\"urn:ietf:params:scim:schemas:core:2.0:User\",\"attributes\":["
         "{\"name\":\"userName\",\"type\":\"strnig\"},{\"name\":\"1st\"},{\"name\":\"a\"},"
         "{\"name\":\"A\"},{\"name\":\"b\",\"type\":\"complex\"},{\"name\":\"c\",\"type\":"
         "\"complex\",\"subAttributes\":[{\"name\":\"d\",\"type\":\"complex\"}]},"
         "{\"name\":\"e\",\"required\":\"yes\",\"mutability\":\"never\",\"returned\":3,"
         "\"canonicalValues\":\"x\",\"referenceTypes\":[1]}]}]",
         10, "/0/attributes/0/type"},
        {"[{\"id\":\"urn:ietf:params:scim:schemas:core:2.0:User\",\"attributes\":["
         "{\"name\":\"login\"}]}]",
         1, ""},
        {"{\"schemas\":[{\"id\":\"urn:x:colour\",\"attributes\":[{\"name\":\"hue\"}]}],"
         "\"resourceTypes\":[{\"endpoint\":\"/Users\",\"schema\":\"urn:y\",\"schemaExtensions\":"
         "[{\"schema\":\"urn:z\"}]},{\"endpoint\":\"/Devices\"}]}",
         3, "/resourceTypes/1/endpoint"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err err = {0};
        size_t count = 0;

        CHECK(!provider_template_check(str_from_z(bad[i].text), count_finding, &count, &err), "%s",
              bad[i].text);
        CHECK(count == bad[i].findings, "%s: %zu findings", bad[i].text, count);
        CHECK_STR(str_from_z(err.code), "badTemplate", "%s", bad[i].text);
        CHECK_STR(str_from_z(err.place), bad[i].place, "%s", bad[i].text);
    }
}

static void check_custom(const struct db_config *config)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct err err = {0};
    struct client client;
    struct answer answer;
    struct fixture f;

    fixture_start(&f, config);
    CHECK(provider_tenant_add_custom(
              f.db,
              STR("{\"userAttributes\":[{\"target\":\"userName\",\"type\":\"String\"},"
                  "{\"target\":\"badge\",\"type\":\"Integer\"},{\"target\":\"urn:x:y:User:colour\","
                  "\"type\":\"String\"}],\"supportsGroups\":false,\"switches\":{\"requirePaths\":"
                  "[\"badge\"]}}"),
              STR("own"), clock_system(), &err),
          "%s", err.message);
    CHECK(provider_key_add(f.db, STR("own"), STR("test"), clock_system(), rng_system(), f.key_id,
                           &f.key, &err),
          "%s", err.message);
    client_open(&client, f.port);
    client_ask(&client, &f, a, HTTP_POST, "/scim/own/v2/Users",
               "{\"userName\":\"a\",\"badge\":7,\"urn:x:y:User\":{\"colour\":\"red\"}}", &answer);
    CHECK(answer.status == 201, "%d %.*s", answer.status, STR_ARG(answer.body));
    CHECK(json_get_int(answer.json, "badge", 0) == 7, "badge");
    CHECK_STR(json_get_text(json_get(answer.json, STR("urn:x:y:User")), "colour"), "red", "colour");
    client_ask(&client, &f, a, HTTP_POST, "/scim/own/v2/Users", "{\"userName\":\"b\"}", &answer);
    CHECK(answer.status == 400, "%d", answer.status);
    client_ask(&client, &f, a, HTTP_GET, "/scim/own/v2/Groups", NULL, &answer);
    CHECK(answer.status == 404, "%d", answer.status);
    client_close(&client);
    fixture_stop(&f);
}

static void a_schema_can_be_given(void **state)
{
    (void)state;
    test_databases(check_custom);
}

static void check_settings(const struct db_config *config)
{
    static const struct {
        const char *name, *value;
    } bad[] = {
        {"nothing", "1"},
        {"featureOff", "maybe"},
        {"rate.perToken", "-1"},
        {"rate.perToken", "fast"},
        {"limits.maxBody", "1"},
        {"requirePaths", "title"},
        {"requirePaths", "3"},
        {"list.maxPageSize", "0"},
        {"requirePaths", "[\"shoes\"]"},
        {"valuePattern", "{\"userName\":\"[\"}"},
    };
    struct err err;
    struct fixture f;

    fixture_start(&f, config);
    fixture_tenant(&f, "generic", "t");
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        err = (struct err){0};
        CHECK(!provider_tenant_set(f.db, STR("t"), str_from_z(bad[i].name),
                                   str_from_z(bad[i].value), &err),
              "%s=%s", bad[i].name, bad[i].value);
        CHECK_STR(str_from_z(err.code), "badSetting", "%s=%s", bad[i].name, bad[i].value);
    }
    fixture_stop(&f);
}

static void settings_are_checked(void **state)
{
    (void)state;
    test_databases(check_settings);
}

TEST_GROUP(tenant, cmocka_unit_test(denials_are_told), cmocka_unit_test(keys_of_automation_users),
           cmocka_unit_test(provisioning_can_be_off),
           cmocka_unit_test(jostle_has_four_emails_with_labels),
           cmocka_unit_test(failed_writes_are_told),
           cmocka_unit_test(a_flood_of_failures_is_bounded),
           cmocka_unit_test(tenants_do_not_see_each_other), cmocka_unit_test(limits_hold),
           cmocka_unit_test(the_cost_of_a_patch_is_bounded), cmocka_unit_test(switches_imitate),
           cmocka_unit_test(users_live_differently), cmocka_unit_test(test_mode_stores_nothing),
           cmocka_unit_test(groups_can_be_difficult), cmocka_unit_test(templates_are_checked),
           cmocka_unit_test(a_schema_can_be_given), cmocka_unit_test(settings_are_checked));
