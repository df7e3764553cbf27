/* The switches by which a tenant imitates an application or a faulty one, each through HTTP
 * (apps.md 5). */
#include "base/file.h"
#include "frame/postgres.h"
#include "provider/imitation/mark.h"
#include "provider/profile.h"
#include "story.h"

#include <string.h>

#define ENT           "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
#define EVERY_MINUTES "{\"requests\":1,\"seconds\":600}"

static const struct story stories[] = {
    {"seats are for active users",
     {{"seatLimit", "2"}},
     {{HTTP_POST, "/Users", USER("a"), 201, NULL, NULL},
      {HTTP_POST, "/Users", "{\"userName\":\"b\",\"active\":false}", 201, NULL, NULL},
      {HTTP_POST, "/Users", USER("c"), 201, NULL, NULL},
      {HTTP_POST, "/Users", USER("d"), 403, "all 2 seats are taken", NULL},
      {HTTP_PATCH, "/Users/$2", PATCH("{\"op\":\"replace\",\"path\":\"active\",\"value\":true}"),
       403, "seats", NULL},
      {HTTP_PATCH, "/Users/$1", PATCH("{\"op\":\"replace\",\"path\":\"active\",\"value\":false}"),
       200, NULL, NULL},
      {HTTP_PATCH, "/Users/$2", PATCH("{\"op\":\"replace\",\"path\":\"active\",\"value\":true}"),
       200, NULL, NULL},
      {HTTP_DELETE, "/Users/$3", NULL, 204, NULL, NULL},
      {HTTP_POST, "/Users", USER("d"), 201, NULL, NULL}}},
    {"no seat at all",
     {{"seatLimit", "on"}},
     {{HTTP_POST, "/Users", USER("a"), 403, "licence", NULL},
      {HTTP_POST, "/Users", "{\"userName\":\"b\",\"active\":false}", 201, NULL, NULL}}},
    {"seats in a bulk",
     {{"seatLimit", "1"}},
     {{HTTP_POST, "/Bulk",
       "{\"Operations\":[{\"method\":\"POST\",\"path\":\"/Users\",\"bulkId\":\"1\",\"data\":"
       "{\"userName\":\"a\"}},{\"method\":\"POST\",\"path\":\"/Users\",\"bulkId\":\"2\",\"data\":"
       "{\"userName\":\"b\"}}]}",
       200, "\"status\":\"403\"", NULL}}},
    {"linked attributes",
     {{"linkedAttributes", "[[\"userName\",\"emails[type eq \\\"work\\\"].value\"]]"}},
     {{HTTP_POST, "/Users", USER("a@x.y"), 201,
       "\"emails\":[{\"value\":\"a@x.y\",\"type\":\"work\"}]", NULL},
      {HTTP_PATCH, "/Users/$1",
       PATCH("{\"op\":\"replace\",\"path\":\"emails[type eq \\\"work\\\"].value\",\"value\":"
             "\"b@x.y\"}"),
       200, "\"userName\":\"b@x.y\"", "a@x.y"},
      {HTTP_PUT, "/Users/$1", USER("c@x.y"), 200, "\"value\":\"c@x.y\"", "b@x.y"},
      {HTTP_POST, "/Users",
       "{\"userName\":\"d@x.y\",\"emails\":[{\"type\":\"home\",\"value\":\"h@x.y\"}]}", 201,
       "\"value\":\"d@x.y\"", NULL},
      {HTTP_POST, "/Users", "{\"emails\":[{\"type\":\"work\",\"value\":\"e@x.y\"}]}", 201,
       "\"userName\":\"e@x.y\"", NULL}}},
    {"a linked opposite",
     {{"linkedAttributes", "[[\"active\",\"!locked_out\"]]"}},
     {{HTTP_POST, "/Users", USER("a"), 201, "\"locked_out\":false", NULL},
      {HTTP_PATCH, "/Users/$1", PATCH("{\"op\":\"replace\",\"path\":\"active\",\"value\":false}"),
       200, "\"locked_out\":true", NULL},
      {HTTP_PATCH, "/Users/$1",
       PATCH("{\"op\":\"replace\",\"path\":\"locked_out\",\"value\":false}"), 200,
       "\"active\":true", NULL}}},
    {"lookup tables",
     {{"referenceLookup", "[\"title\",\"" ENT ":manager.value\"]"},
      {"lookupTable", "{\"title\":[\"Sales\",\"Finance\"]}"}},
     {{HTTP_POST, "/Users", "{\"userName\":\"a\",\"title\":\"Sales\"}", 201, NULL, NULL},
      {HTTP_POST, "/Users", "{\"userName\":\"b\",\"title\":\"LA\"}", 400,
       "InvalidLookupReference: 'title' has no 'LA'", NULL},
      {HTTP_PATCH, "/Users/$1", PATCH("{\"op\":\"replace\",\"path\":\"title\",\"value\":\"LA\"}"),
       400, "\"scimType\":\"invalidValue\"", NULL},
      {HTTP_PATCH, "/Users/$1",
       PATCH("{\"op\":\"add\",\"path\":\"" ENT ":manager\",\"value\":\"nobody\"}"), 400,
       "InvalidLookupReference", NULL},
      {HTTP_PATCH, "/Users/$1",
       PATCH("{\"op\":\"add\",\"path\":\"" ENT ":manager\",\"value\":\"$1\"}"), 200, NULL, NULL},
      {HTTP_GET, "/Users/$1", NULL, 200, "Sales", NULL}}},
    {"a lookup table of an extension's attribute, and of an element",
     {{"referenceLookup", "[\"department\",\"roles[primary eq \\\"True\\\"].value\"]"},
      {"lookupTable",
       "{\"department\":[\"Ops\"],\"roles[primary eq \\\"True\\\"].value\":[\"agent\"]}"}},
     {{HTTP_POST, "/Users", "{\"userName\":\"a\",\"" ENT "\":{\"department\":\"LA\"}}", 400,
       "InvalidLookupReference", NULL},
      {HTTP_POST, "/Users", "{\"userName\":\"a\",\"" ENT "\":{\"department\":\"ops\"}}", 201, NULL,
       NULL},
      {HTTP_POST, "/Users", "{\"userName\":\"b\",\"roles\":[{\"value\":\"x\",\"primary\":true}]}",
       400, "has no 'x'", NULL},
      {HTTP_POST, "/Users",
       "{\"userName\":\"b\",\"roles\":[{\"value\":\"x\"},{\"value\":\"agent\",\"primary\":true}]}",
       201, NULL, NULL}}},
    {"extensions by a dot",
     {{"separatorDot", "on"}},
     {{HTTP_POST, "/Users", "{\"userName\":\"a\",\"" ENT ".department\":\"Ops\"}", 201,
       "\"" ENT "\":{\"department\":\"Ops\"}", NULL},
      {HTTP_PATCH, "/Users/$1",
       PATCH("{\"op\":\"replace\",\"path\":\"" ENT ".department\",\"value\":\"Lab\"}"), 200,
       "\"department\":\"Lab\"", "Ops"},
      {HTTP_GET, "/Users?filter=" ENT ".department+eq+%22lab%22", NULL, 200, "\"totalResults\":1",
       NULL},
      {HTTP_GET, "/Users?filter=" ENT ":department+eq+%22lab%22", NULL, 200, "\"totalResults\":1",
       NULL},
      {HTTP_GET, "/Users/$1?attributes=" ENT ".department", NULL, 200, "Lab", "userName"}}},
    {"no extensions by a dot",
     {{"separatorDot", "off"}},
     {{HTTP_POST, "/Users", "{\"userName\":\"a\",\"" ENT ".department\":\"Ops\"}", 201, NULL,
       "Ops"},
      {HTTP_PATCH, "/Users/$1",
       PATCH("{\"op\":\"replace\",\"path\":\"" ENT ".department\",\"value\":\"Lab\"}"), 400,
       "invalidPath", NULL}}},
    {"by cursor only",
     {{"cursorOnly", "on"}},
     {{HTTP_POST, "/Users", USER("a"), 201, NULL, NULL},
      {HTTP_POST, "/Users", USER("b"), 201, NULL, NULL},
      {HTTP_GET, "/Users?startIndex=1&count=1", NULL, 200, "\"nextCursor\"", "totalResults"},
      {HTTP_GET, "/Users?startIndex=5&count=500", NULL, 200, "\"resources\":[{", "startIndex"},
      {HTTP_GET, "/Users?filter=userName+eq+%22nobody%22", NULL, 200, "\"resources\":[]",
       "nextCursor"},
      {HTTP_GET, "/Users?cursor&count=2", NULL, 200, "\"itemsPerPage\":2", "nextCursor"},
      {HTTP_GET, "/ServiceProviderConfig", NULL, 200,
       "\"cursor\":true,\"index\":false,\"defaultPaginationMethod\":\"cursor\"", NULL}}},
    {"booleans as text",
     {{"booleansAsText", "on"}},
     {{HTTP_POST, "/Users", "{\"userName\":\"a\",\"emails\":[{\"value\":\"x\",\"primary\":true}]}",
       201, "\"active\":\"True\"", "true"},
      {HTTP_PATCH, "/Users/$1", PATCH("{\"op\":\"replace\",\"path\":\"active\",\"value\":false}"),
       200, "\"active\":\"False\"", NULL},
      {HTTP_GET, "/Users?filter=active+eq+false", NULL, 200, "\"active\":\"False\"", NULL},
      {HTTP_GET, "/Users/$1?attributes=active", NULL, 200, "\"active\":\"False\"", NULL}}},
    {"the manager as text",
     {{"managerAsText", "on"}},
     {{HTTP_POST, "/Users", USER("a"), 201, NULL, NULL},
      {HTTP_POST, "/Users", "{\"userName\":\"b\",\"" ENT "\":{\"manager\":{\"value\":\"$1\"}}}",
       201, "\"manager\":\"$1\"", NULL},
      {HTTP_GET, "/Users?filter=manager+eq+%22$1%22", NULL, 200, "\"manager\":\"$1\"", NULL}}},
    {"members with a role",
     {{"groupMembersRole", "agent"}},
     {{HTTP_POST, "/Users", "{\"userName\":\"a\",\"roles\":[{\"value\":\"Agent\"}]}", 201, NULL,
       NULL},
      {HTTP_POST, "/Users", USER("b"), 201, NULL, NULL},
      {HTTP_POST, "/Groups", "{\"displayName\":\"g\",\"members\":[{\"value\":\"$2\"}]}", 400,
       "must have the role 'agent'", NULL},
      {HTTP_POST, "/Groups", "{\"displayName\":\"g\",\"members\":[{\"value\":\"$1\"}]}", 201, NULL,
       NULL},
      {HTTP_PATCH, "/Groups/$3",
       PATCH("{\"op\":\"add\",\"path\":\"members\",\"value\":[{\"value\":\"$2\"}]}"), 400,
       "invalidValue", NULL},
      {HTTP_PUT, "/Groups/$3",
       "{\"displayName\":\"g\",\"members\":[{\"value\":\"$1\"},{\"value\":\"$2\"}]}", 400,
       "invalidValue", NULL},
      {HTTP_GET, "/Groups/$3", NULL, 200, "$1", "$2"}}},
    {"users not accepted yet",
     {{"activationDelay", "on"}},
     {{HTTP_POST, "/Users", USER("a"), 201, "\"active\":false", NULL},
      {HTTP_GET, "/Users?filter=active+eq+true", NULL, 200, "\"totalResults\":0", NULL},
      {HTTP_GET, "/Users?filter=userName+eq+%22a%22", NULL, 200, "\"active\":false", NULL},
      {HTTP_PATCH, "/Users/$1", PATCH("{\"op\":\"replace\",\"path\":\"active\",\"value\":true}"),
       200, "\"active\":false", NULL}}},
    {"users who were never invited are not deleted",
     {{"deleteOnDisable", "off"}},
     {{HTTP_POST, "/Users", USER("a"), 201, NULL, NULL},
      {HTTP_PATCH, "/Users/$1", PATCH("{\"op\":\"replace\",\"path\":\"active\",\"value\":false}"),
       200, NULL, NULL},
      {HTTP_GET, "/Users/$1", NULL, 200, NULL, NULL}}},
    {"the invited are deleted",
     {{"deleteOnDisable", "invited"}},
     {{HTTP_POST, "/Users", USER("a"), 201, "\"active\":true", NULL},
      {HTTP_PATCH, "/Users/$1", PATCH("{\"op\":\"replace\",\"path\":\"active\",\"value\":false}"),
       200, NULL, NULL},
      {HTTP_GET, "/Users/$1", NULL, 404, NULL, NULL}}},
    {"no domain is verified",
     {{"verifiedDomains", "on"}},
     {{HTTP_POST, "/Users", USER("a@x.y"), 403, "not verified", NULL}}},
    {"a redirect for good",
     {{"redirect", "308 https://else.example"}},
     {{HTTP_GET, "/Users", NULL, 308, "Location: https://else.example/scim/", NULL}}},
    {"a rate of a class",
     {{"rate", "{\"userCreate\":" EVERY_MINUTES "}"}},
     {{HTTP_POST, "/Users", USER("a"), 201, NULL, NULL},
      {HTTP_POST, "/Users", USER("b"), 429, "Retry-After: 600", NULL},
      {HTTP_GET, "/Users/$1", NULL, 200, NULL, NULL},
      {HTTP_GET, "/Users", NULL, 200, NULL, NULL},
      {HTTP_DELETE, "/Users/$1", NULL, 204, NULL, NULL}}},
    {"a rate of all reads",
     {{"rate", "{\"reads\":" EVERY_MINUTES ",\"groupList\":" EVERY_MINUTES "}"}},
     {{HTTP_POST, "/Users", USER("a"), 201, NULL, NULL},
      {HTTP_GET, "/Groups", NULL, 200, NULL, NULL},
      {HTTP_GET, "/Users/$1", NULL, 429, "Retry-After", NULL},
      {HTTP_POST, "/Users", USER("b"), 201, NULL, NULL}}},
    {"names of another document",
     {{"filterMaxNodes", "1"}, {"maxPage", "1"}, {"maxBody", "1024"}},
     {{HTTP_POST, "/Users", USER("a"), 201, NULL, NULL},
      {HTTP_POST, "/Users", USER("b"), 201, NULL, NULL},
      {HTTP_GET, "/Users", NULL, 200, "\"itemsPerPage\":1", NULL},
      {HTTP_GET, "/Users?filter=title+pr+and+title+pr", NULL, 400, "invalidFilter", NULL}}},
    {"an answer that takes its time",
     {{"latency", "[20,40]"}},
     {{HTTP_POST, "/Users", USER("a"), 201, NULL, NULL},
      {HTTP_GET, "/Users/$1", NULL, 200, NULL, NULL},
      {HTTP_GET, "/Users", NULL, 200, NULL, NULL},
      {HTTP_GET, "/Users/x", NULL, 404, NULL, NULL},
      {HTTP_DELETE, "/Users/$1", NULL, 204, NULL, NULL}}},
};

static void set(struct fixture *f, const char *tenant, const char *name, const char *value)
{
    struct err err = {0};

    CHECK(provider_tenant_set(f->db, str_from_z(tenant), str_from_z(name), str_from_z(value), &err),
          "%s: %s", name, err.message);
}

/* A generic tenant with a boolean that the core does not have. */
static void add_tenant(struct fixture *f, const char *name)
{
    static const char template[] =
        "{\"userAttributes\":[{\"target\":\"userName\"},{\"target\":\"locked_out\",\"type\":"
        "\"Boolean\"},{\"target\":\"" ENT ":department\"},{\"target\":\"" ENT
        ":manager\",\"type\":\"Reference\"}]}";
    struct err err = {0};

    CHECK(provider_tenant_add_custom(f->db, str_from_z(template), str_from_z(name), clock_system(),
                                     &err),
          "%s", err.message);
    secret_done(&f->key);
    CHECK(provider_key_add(f->db, str_from_z(name), STR("test"), clock_system(), rng_system(),
                           f->key_id, &f->key, &err),
          "%s", err.message);
}

static void check_stories(const struct db_config *config)
{
    struct fixture f;
    struct client client;

    fixture_start(&f, config);
    client_open(&client, f.port);
    for (size_t i = 0; i < ARRAY_LEN(stories); i++) {
        const struct story *s = &stories[i];
        char tenant[16];

        snprintf(tenant, sizeof(tenant), "t%zu", i);
        add_tenant(&f, tenant);
        for (size_t k = 0; k < ARRAY_LEN(s->set) && s->set[k].name; k++)
            set(&f, tenant, s->set[k].name, s->set[k].value);
        story_run(&f, &client, s, tenant);
    }
    client_close(&client);
    fixture_stop(&f);
}

static void every_switch_shows(void **state)
{
    (void)state;
    test_databases(check_stories);
}

/* --- What takes a person, another tenant or a clock --- */

static void mark(struct fixture *f, const char *tenant, const char *user,
                 enum provider_marking what)
{
    struct err err = {0};

    CHECK(provider_mark_user(f->db, str_from_z(tenant), str_from_z(user), what, &err), "%s",
          err.message);
}

static void expect(struct fixture *f, struct client *client, struct arena *a,
                   enum http_method method, const char *path, const char *body, int status,
                   const char *has)
{
    struct answer answer;

    client_ask(client, f, a, method, path, body, &answer);
    CHECK(answer.status == status, "%s: %d %.*s", path, answer.status, STR_ARG(answer.body));
    CHECK(!has || story_has(&answer, has), "%s: no '%s': %.*s", path, has, STR_ARG(answer.body));
}

static const char *make(struct fixture *f, struct client *client, struct arena *a,
                        const char *tenant, const char *name)
{
    struct answer answer;

    client_ask(client, f, a, HTTP_POST, arena_printf(a, "/scim/%s/v2/Users", tenant).ptr,
               arena_printf(a, "{\"userName\":\"%s\"}", name).ptr, &answer);
    CHECK(answer.status == 201, "%d %.*s", answer.status, STR_ARG(answer.body));
    return arena_printf(a, "/scim/%s/v2/Users/%.*s", tenant,
                        STR_ARG(json_get_text(answer.json, "id")))
        .ptr;
}

static void check_marks(const struct db_config *config)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    static const char off[] = PATCH("{\"op\":\"replace\",\"path\":\"active\",\"value\":false}");
    struct fixture f;
    struct client client;
    struct err err = {0};
    const char *user;

    fixture_start(&f, config);
    client_open(&client, f.port);
    fixture_tenant(&f, "generic", "t");
    set(&f, "t", "activationDelay", "on");
    set(&f, "t", "deleteOnDisable", "invited");
    set(&f, "t", "deleteRefused", "on");
    user = make(&f, &client, a, "t", "Ada");
    expect(&f, &client, a, HTTP_GET, user, NULL, 200, "\"active\":false");
    mark(&f, "t", "ada", PROVIDER_ACCEPT);
    expect(&f, &client, a, HTTP_GET, user, NULL, 200, "\"active\":true");
    expect(&f, &client, a, HTTP_PATCH, user, off, 200, "\"active\":false"); /* stays: accepted */
    expect(&f, &client, a, HTTP_GET, user, NULL, 200, "\"active\":false");
    mark(&f, "t", "ada", PROVIDER_BUSY);
    expect(&f, &client, a, HTTP_DELETE, user, NULL, 409, "busy");
    expect(&f, &client, a, HTTP_GET, user, NULL, 200, NULL);
    mark(&f, "t", "ada", PROVIDER_FREE);
    expect(&f, &client, a, HTTP_DELETE, user, NULL, 204, NULL);
    CHECK(!provider_mark_user(f.db, STR("t"), STR("ada"), PROVIDER_BUSY, &err), "gone");
    CHECK_STR(str_from_z(err.code), "userNotFound", "code");
    client_close(&client);
    fixture_stop(&f);
}

static void users_accept_and_are_busy(void **state)
{
    (void)state;
    test_databases(check_marks);
}

/* A time in the future comes by itself: the mark is only looked at. */
static void check_delay(const struct db_config *config)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct fixture f;
    struct client client;
    const char *user;
    struct err err = {0};

    fixture_start(&f, config);
    client_open(&client, f.port);
    fixture_tenant(&f, "generic", "t");
    set(&f, "t", "activationDelay", "3600");
    user = make(&f, &client, a, "t", "ada");
    expect(&f, &client, a, HTTP_GET, user, NULL, 200, "\"active\":false");
    CHECK(mark_set(f.db, 1, str_from(str_from_z(user), strlen("/scim/t/v2/Users/")),
                   PROVIDER_MARK_PENDING, 1, &err),
          "%s", err.message); /* as if the hour were over */
    expect(&f, &client, a, HTTP_GET, user, NULL, 200, "\"active\":true");
    client_close(&client);
    fixture_stop(&f);
}

static void activation_comes_with_time(void **state)
{
    (void)state;
    test_databases(check_delay);
}

static void make_key(struct fixture *f, const struct provider_key_order *order)
{
    struct err err = {0};

    secret_done(&f->key);
    CHECK(provider_key_make(f->db, order, clock_system(), rng_system(), f->key_id, &f->key, &err),
          "%s", err.message);
}

static void check_global(const struct db_config *config)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct secret first;
    struct client client;
    struct err err = {0};
    struct fixture f;
    const char *user;

    fixture_start(&f, config);
    client_open(&client, f.port);
    fixture_tenant(&f, "generic", "one");
    make(&f, &client, a, "one", "Old");
    set(&f, "one", "globalUnique", "[\"userName\"]"); /* with those that are there */
    make_key(&f, &(struct provider_key_order){.tenant = STR("one"), .description = STR("new")});
    first = f.key; /* which is not known with the settings before */
    f.key = (struct secret){0};
    fixture_tenant(&f, "generic", "two");
    set(&f, "two", "globalUnique", "[\"userName\"]");
    expect(&f, &client, a, HTTP_POST, "/scim/two/v2/Users", USER("old"), 409, "uniqueness");
    user = make(&f, &client, a, "two", "ada");
    expect(&f, &client, a, HTTP_PATCH, user,
           PATCH("{\"op\":\"replace\",\"path\":\"userName\",\"value\":\"OLD\"}"), 409,
           "uniqueness");
    expect(&f, &client, a, HTTP_PATCH, user,
           PATCH("{\"op\":\"replace\",\"path\":\"userName\",\"value\":\"eve\"}"), 200, NULL);
    secret_done(&f.key);
    f.key = first;
    expect(&f, &client, a, HTTP_POST, "/scim/one/v2/Users", USER("eve"), 409, "uniqueness");
    make(&f, &client, a, "one", "ada"); /* free again */
    set(&f, "two", "globalUnique", "");
    expect(&f, &client, a, HTTP_POST, "/scim/one/v2/Users", USER("eve"), 201, NULL);
    CHECK(db_begin(f.db, DB_WRITE, &err), "%s", err.message);
    CHECK(!provider_tenant_set(f.db, STR("two"), STR("globalUnique"), STR("[\"userName\"]"), &err),
          "eve is in both");
    db_rollback(f.db);
    CHECK_STR(str_from_z(err.code), "uniqueness", "code");
    client_close(&client);
    fixture_stop(&f);
}

static void names_are_unique_over_tenants(void **state)
{
    (void)state;
    test_databases(check_global);
}

/* --- Keys --- */

/* Asks until what a service remembers of keys is old. */
static void ask_until(struct client *client, const struct fixture *f, struct arena *a,
                      const char *path, int status)
{
    int64_t end = clock_monotonic_us() + 20 * US_PER_SECOND;
    struct answer answer;

    do
        client_ask(client, f, a, HTTP_GET, path, NULL, &answer);
    while (answer.status != status && clock_monotonic_us() < end);
    CHECK(answer.status == status, "%s: %d, wanted %d", path, answer.status, status);
}

static void check_keys(const struct db_config *config)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct provider_key *keys;
    struct client client;
    struct err err = {0};
    struct fixture f;
    size_t count;
    const char *ada;

    fixture_start(&f, config);
    client_open(&client, f.port);
    fixture_tenant(&f, "generic", "t");
    set(&f, "t", "tokenBoundToUser", "on");
    set(&f, "t", "tokenDays", "30");
    ada = make(&f, &client, a, "t", "ada");
    make_key(&f, &(struct provider_key_order){
                     .tenant = STR("t"), .description = STR("ada's"), .created_by = STR("Ada")});
    expect(&f, &client, a, HTTP_GET, ada, NULL, 200, NULL);
    CHECK(provider_key_list(f.db, a, STR("t"), &keys, &count, &err) && count == 2, "two keys");
    CHECK(!keys[0].has_owner && keys[1].has_owner, "owners");
    CHECK_STR(keys[1].owner_name, "ada", "owner");
    CHECK(keys[1].expires_us == keys[1].created_us + 30 * US_PER_DAY, "expires");
    expect(&f, &client, a, HTTP_PATCH, ada,
           PATCH("{\"op\":\"replace\",\"path\":\"active\",\"value\":false}"), 200, NULL);
    ask_until(&client, &f, a, "/scim/t/v2/Users", 401); /* it died with her */
    set(&f, "t", "singleToken", "on");
    make_key(&f, &(struct provider_key_order){.tenant = STR("t"), .description = STR("new")});
    expect(&f, &client, a, HTTP_GET, "/scim/t/v2/Users", NULL, 200, NULL);
    CHECK(provider_key_list(f.db, a, STR("t"), &keys, &count, &err) && count == 1,
          "one is left: %zu", count);
    CHECK(db_exec(f.db, &(struct db_query){"age", "UPDATE provider_key SET created_us = $1"},
                  DB_ARGS(db_int(clock_now(clock_system()) - 31 * US_PER_DAY)), NULL, &err),
          "%s", err.message);
    ask_until(&client, &f, a, "/scim/t/v2/Users", 401); /* too old */
    set(&f, "t", "tokenDays", "60");
    ask_until(&client, &f, a, "/scim/t/v2/Users", 200);
    client_close(&client);
    fixture_stop(&f);
}

static void keys_die_as_they_are_told(void **state)
{
    (void)state;
    test_databases(check_keys);
}

/* --- The connection --- */

static void check_drop(const struct db_config *config)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct client client;
    struct answer answer;
    struct fixture f;

    fixture_start(&f, config);
    client_open(&client, f.port);
    fixture_tenant(&f, "generic", "t");
    set(&f, "t", "dropAfterWrite", "2");
    make(&f, &client, a, "t", "a");
    CHECK(!client_try(&client, a, HTTP_POST,
                      client_request(&f, a, HTTP_POST, "/scim/t/v2/Users", USER("b")), &answer),
          "answered %d", answer.status);
    client_close(&client);
    client_open(&client, f.port);
    expect(&f, &client, a, HTTP_GET, "/scim/t/v2/Users?filter=userName+eq+%22b%22", NULL, 200,
           "\"totalResults\":1"); /* it was done */
    expect(&f, &client, a, HTTP_POST, "/scim/t/v2/Users", USER("b"), 409, "uniqueness");
    make(&f, &client, a, "t", "c");
    CHECK(!client_try(&client, a, HTTP_POST,
                      client_request(&f, a, HTTP_POST, "/scim/t/v2/Bulk",
                                     "{\"Operations\":[{\"method\":\"POST\",\"path\":\"/Users\","
                                     "\"bulkId\":\"1\",\"data\":{\"userName\":\"d\"}}]}"),
                      &answer),
          "answered %d", answer.status);
    client_close(&client);
    client_open(&client, f.port);
    expect(&f, &client, a, HTTP_GET, "/scim/t/v2/Users", NULL, 200, "\"totalResults\":4");
    client_close(&client);
    fixture_stop(&f);
}

static void answers_get_lost(void **state)
{
    (void)state;
    test_databases(check_drop);
}

/* What comes too early is counted by a clock; that it came late is all that can be said of time. */
static void check_latency(const struct db_config *config)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    int64_t began;
    struct client client, other;
    struct fixture f;

    fixture_start(&f, config);
    client_open(&client, f.port);
    client_open(&other, f.port);
    fixture_tenant(&f, "generic", "t");
    set(&f, "t", "latency", "60");
    began = clock_monotonic_us();
    expect(&f, &client, a, HTTP_POST, "/scim/t/v2/Users", USER("a"), 201, NULL);
    CHECK(clock_monotonic_us() - began >= 60 * US_PER_MS, "too early");
    expect(&f, &other, a, HTTP_GET, "/scim/t/v2/Users", NULL, 200, "\"totalResults\":1");
    CHECK(clock_monotonic_us() - began >= 120 * US_PER_MS, "too early");
    client_close(&client);
    client_close(&other);
    fixture_stop(&f);
}

static void answers_take_their_time(void **state)
{
    (void)state;
    test_databases(check_latency);
}

/* --- Settings that are none --- */

static void wrong_values_are_refused(void **state)
{
    static const struct {
        const char *name, *value;
    } cases[] = {
        {"seatLimit", "many"},
        {"seatLimit", "-1"},
        {"seatLimit", "[1]"},
        {"verifiedDomains", "7"},
        {"latency", "60001"},
        {"latency", "{}"},
        {"linkedAttributes", "[[\"userName\"]]"},
        {"linkedAttributes", "[[\"userName\",\"shoe\"]]"},
        {"linkedAttributes", "[\"userName\",\"title\"]"},
        {"referenceLookup", "[\"shoe\"]"},
        {"globalUnique", "[\"shoe\"]"},
        {"globalUnique", "[5]"},
        {"rate", "{\"userDream\":{\"requests\":1}}"},
        {"rate", "{\"userCreate\":{\"requests\":0}}"},
        {"rate", "{\"userCreate\":7}"},
        {"tokenDays", "-1"},
    };
    struct arena *a = arena_new();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct provider_setting *setting = provider_setting_find(str_from_z(cases[i].name));
        struct provider_profile_source source = {.kind = STR("generic")};
        struct json *object = json_new(a, JSON_OBJECT), *value;
        const struct provider_profile *profile;
        struct err err = {0};

        CHECK(setting, "%s", cases[i].name);
        if (provider_setting_parse(a, setting, str_from_z(cases[i].value), &value, &err)) {
            json_add(a, object, str_from_z(cases[i].name), value);
            source.settings = json_text(a, object);
            CHECK(!provider_profile_load(a, &source, &profile, &err), "%s=%s", cases[i].name,
                  cases[i].value);
        }
        CHECK_STR(str_from_z(err.code), "badSetting", "%s=%s: %s", cases[i].name, cases[i].value,
                  err.message);
    }
    arena_free(a);
}

/* Names with a dot are limits and tolerances, which tenants.md has. */
static void every_switch_is_in_the_manual(void **state)
{
    struct arena *a = arena_new();
    struct err err = {0};
    struct str manual;

    (void)state;
    CHECK(file_read(a, SOURCE_DIR "/docs/manual/imitation.md", 1024 * 1024, &manual, &err), "%s",
          err.message);
    for (size_t i = 0; i < provider_setting_count; i++) {
        const char *name = provider_setting_table[i].name;

        CHECK(strchr(name, '.') || strcmp(name, "changeFeed") == 0 ||
                  str_find(manual, arena_printf(a, "`%s`", name), &(size_t){0}),
              "imitation.md has no %s", name);
    }
    arena_free(a);
}

TEST_GROUP(imitation, cmocka_unit_test(every_switch_is_in_the_manual),
           cmocka_unit_test(every_switch_shows), cmocka_unit_test(users_accept_and_are_busy),
           cmocka_unit_test(activation_comes_with_time),
           cmocka_unit_test(names_are_unique_over_tenants),
           cmocka_unit_test(keys_die_as_they_are_told), cmocka_unit_test(answers_get_lost),
           cmocka_unit_test(answers_take_their_time), cmocka_unit_test(wrong_values_are_refused));
