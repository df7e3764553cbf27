/* Joyn FSM and Jostle sentence by sentence (apps.md 3.1, 3.2), through HTTP. Automation users,
 * notices and the subscription of Jostle are in test_tenant.c. */
#include "frame/postgres.h"
#include "story.h"

#define JOYN   "urn:ietf:params:scim:schemas:extension:joynfsm:2.0:User"
#define JOSTLE "urn:ietf:params:scim:schemas:extension:jostle:2.0:User"
#define ENT    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
#define GROUP  "urn:ietf:params:scim:schemas:core:2.0:Group"
#define WORK   "emails[type eq \\\"work\\\"].value"
#define MAIL   "\"emails\":[{\"type\":\"work\",\"value\":\"w@x\"}]"
#define ADA    "{\"userName\":\"ada\"," MAIL "}"

static const struct {
    const char *kind;
    struct story story;
} stories[] = {
    {"joynfsm",
     {"/Schemas: User, enterprise with department only, and the extension",
      {{0}},
      {{HTTP_GET, "/Schemas", NULL, 200, "\"totalResults\":3", "costCenter"},
       {HTTP_GET, "/Schemas/" ENT, NULL, 200, "\"name\":\"department\"", "manager"},
       {HTTP_GET, "/Schemas/" JOYN, NULL, 200, "\"name\":\"xid\",\"type\":\"string\"", NULL},
       {HTTP_GET, "/Schemas/" JOYN, NULL, 200, "\"name\":\"joynFieldId\",\"type\":\"string\"",
        NULL},
       {HTTP_GET, "/Schemas", NULL, 200, "\"canonicalValues\":[\"work\"]", "\"home\""},
       {HTTP_GET, "/Schemas", NULL, 200, "streetAddress", "\"work\",\"work\""},
       {HTTP_GET, "/Schemas", NULL, 200, "\"canonicalValues\":[\"mobile\"]", GROUP},
       {HTTP_GET, "/Schemas/" GROUP, NULL, 404, NULL, NULL}}}},
    {"joynfsm",
     {"there are no groups",
      {{0}},
      {{HTTP_GET, "/ResourceTypes", NULL, 200, "\"totalResults\":1", "Group"},
       {HTTP_GET, "/ResourceTypes/Group", NULL, 404, NULL, NULL},
       {HTTP_GET, "/Groups", NULL, 404, NULL, NULL},
       {HTTP_POST, "/Groups", "{\"displayName\":\"g\"}", 404, NULL, NULL}}}},
    {"joynfsm",
     {"userName and a work e-mail on creation",
      {{0}},
      {{HTTP_POST, "/Users", "{" MAIL "}", 400, "userName", NULL},
       {HTTP_POST, "/Users", USER("ada"), 400, "'" WORK "' is required", NULL},
       {HTTP_POST, "/Users", USER("ada"), 400, "\"scimType\":\"invalidValue\"", NULL},
       {HTTP_POST, "/Users",
        "{\"userName\":\"ada\",\"emails\":[{\"type\":\"home\",\"value\":\"h@x\"}]}", 400, WORK,
        NULL},
       {HTTP_POST, "/Users", ADA, 201, NULL, NULL}}}},
    {"joynfsm",
     {"no change takes the work e-mail away",
      {{0}},
      {{HTTP_POST, "/Users", ADA, 201, NULL, NULL},
       {HTTP_PUT, "/Users/$1", USER("ada"), 400, WORK, NULL},
       {HTTP_PATCH, "/Users/$1", PATCH("{\"op\":\"remove\",\"path\":\"emails\"}"), 400, WORK, NULL},
       {HTTP_PATCH, "/Users/$1",
        PATCH("{\"op\":\"remove\",\"path\":\"emails[type eq \\\"work\\\"]\"}"), 400, WORK, NULL},
       {HTTP_PATCH, "/Users/$1", PATCH("{\"op\":\"replace\",\"path\":\"" WORK "\",\"value\":\"\"}"),
        400, WORK, NULL},
       {HTTP_PATCH, "/Users/$1",
        PATCH("{\"op\":\"replace\",\"path\":\"" WORK "\",\"value\":\"n@x\"}"), 200, "n@x", NULL},
       {HTTP_GET, "/Users/$1", NULL, 200, "n@x", NULL}}}},
    {"joynfsm",
     {"the extension, and nothing of the enterprise one besides department",
      {{0}},
      {{HTTP_POST, "/Users",
        "{\"userName\":\"ada\"," MAIL ",\"" JOYN "\":{\"xid\":\"7\",\"joynFieldId\":\"F\"},\"" ENT
        "\":{\"department\":\"Ops\",\"costCenter\":\"9\"}}",
        201, "\"" JOYN "\":{\"xid\":\"7\",\"joynFieldId\":\"F\"}", "costCenter"},
       {HTTP_PATCH, "/Users/$1",
        PATCH("{\"op\":\"replace\",\"path\":\"" JOYN ":xid\",\"value\":\"8\"}"), 200,
        "\"xid\":\"8\"", NULL},
       {HTTP_GET, "/Users/$1", NULL, 200, "\"department\":\"Ops\"", NULL}}}},
    {"joynfsm",
     {"other filters work, too",
      {{0}},
      {{HTTP_POST, "/Users", ADA, 201, NULL, NULL},
       {HTTP_GET, "/Users?filter=userName+eq+%22ADA%22", NULL, 200, "\"totalResults\":1", NULL},
       {HTTP_GET, "/Users?filter=id+eq+%22$1%22", NULL, 200, "\"totalResults\":1", NULL},
       {HTTP_GET, "/Users?filter=emails.value+eq+%22w@x%22", NULL, 200, "\"totalResults\":1",
        NULL}}}},
    {"joynfsm",
     {"unless only userName is listed",
      {{"filterListed", "[\"userName\"]"}},
      {{HTTP_POST, "/Users", ADA, 201, NULL, NULL},
       {HTTP_GET, "/Users?filter=userName+eq+%22ADA%22", NULL, 200, "\"totalResults\":1", NULL},
       {HTTP_GET, "/Users?filter=id+eq+%22$1%22", NULL, 200, "\"totalResults\":1", NULL},
       {HTTP_GET, "/Users?filter=emails.value+eq+%22w@x%22", NULL, 400, "invalidFilter", NULL}}}},
    {"joynfsm",
     {"disabled, and deleted",
      {{0}},
      {{HTTP_POST, "/Users", ADA, 201, "\"active\":true", NULL},
       {HTTP_PATCH, "/Users/$1", PATCH("{\"op\":\"replace\",\"path\":\"active\",\"value\":false}"),
        200, "\"active\":false", NULL},
       {HTTP_GET, "/Users/$1", NULL, 200, "\"active\":false", NULL},
       {HTTP_DELETE, "/Users/$1", NULL, 204, NULL, NULL},
       {HTTP_GET, "/Users/$1", NULL, 404, NULL, NULL}}}},
    {"jostle",
     {"nothing is required besides what SCIM demands",
      {{0}},
      {{HTTP_POST, "/Users", USER("ada"), 201, NULL, NULL},
       {HTTP_POST, "/Users", "{" MAIL "}", 400, "userName", NULL},
       {HTTP_PATCH, "/Users/$1", PATCH("{\"op\":\"remove\",\"path\":\"emails\"}"), 200, NULL,
        NULL}}}},
    {"jostle",
     {"there are no groups, and no /Me for a key of the tenant",
      {{0}},
      {{HTTP_GET, "/ResourceTypes", NULL, 200, "\"totalResults\":1", "Group"},
       {HTTP_GET, "/Groups", NULL, 404, NULL, NULL},
       {HTTP_POST, "/Groups", "{\"displayName\":\"g\"}", 404, NULL, NULL},
       {HTTP_GET, "/Me", NULL, 501, NULL, NULL}}}},
    {"jostle",
     {"e-mails of four types, labels for the alternates",
      {{0}},
      {{HTTP_POST, "/Users",
        "{\"userName\":\"ada\",\"emails\":[{\"type\":\"alternate1\",\"value\":\"a@x\"}],\"" JOSTLE
        "\":{\"alternateEmail1Label\":\"Club\"}}",
        201, "Club", NULL},
       {HTTP_PATCH, "/Users/$1",
        PATCH("{\"op\":\"add\",\"path\":\"emails[type eq \\\"alternate2\\\"].value\",\"value\":"
              "\"b@x\"},{\"op\":\"add\",\"path\":\"" JOSTLE
              ":alternateEmail2Label\",\"value\":\"Choir\"}"),
        200, "\"alternateEmail2Label\":\"Choir\"", NULL},
       {HTTP_GET, "/Users/$1", NULL, 200, "{\"value\":\"b@x\",\"type\":\"alternate2\"}", NULL},
       {HTTP_GET, "/Users?filter=userName+eq+%22ada%22", NULL, 200, "\"totalResults\":1", NULL}}}},
};

static void check(const struct db_config *config)
{
    struct fixture f;
    struct client client;

    fixture_start(&f, config);
    client_open(&client, f.port);
    for (size_t i = 0; i < ARRAY_LEN(stories); i++) {
        const struct story *s = &stories[i].story;
        struct err err = {0};
        char tenant[16];

        snprintf(tenant, sizeof(tenant), "a%zu", i);
        fixture_tenant(&f, stories[i].kind, tenant);
        for (size_t k = 0; k < ARRAY_LEN(s->set) && s->set[k].name; k++) {
            CHECK(provider_tenant_set(f.db, str_from_z(tenant), str_from_z(s->set[k].name),
                                      str_from_z(s->set[k].value), &err),
                  "%s", err.message);
        }
        story_run(&f, &client, s, tenant);
    }
    client_close(&client);
    fixture_stop(&f);
}

static void joynfsm_and_jostle_are_as_their_guides_say(void **state)
{
    (void)state;
    test_databases(check);
}

TEST_GROUP(applications, cmocka_unit_test(joynfsm_and_jostle_are_as_their_guides_say));
