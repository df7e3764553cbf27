/* Bulk requests (scim.md 6) beyond the conformance cases. */
#include "fixture.h"
#include "frame/postgres.h"

#include <string.h>

#define BULK "/scim/t/v2/Bulk"

#define USER(id, name)                                                \
    "{\"method\":\"post\",\"path\":\"/Users\",\"bulkId\":\"" id "\"," \
    "\"data\":{\"userName\":\"" name "\"}}"
#define GROUP(id, name, members)                                       \
    "{\"method\":\"POST\",\"path\":\"/Groups\",\"bulkId\":\"" id "\"," \
    "\"data\":{\"displayName\":\"" name "\",\"members\":[" members "]}}"
#define MEMBER(id) "{\"value\":\"bulkId:" id "\"}"

/* The statuses of the answer, and "scimType" behind them, joined by blanks; for an answer that is
 * an error, its status. */
static void add_statuses(struct buf *out, const struct answer *answer)
{
    if (answer->status != 200)
        buf_addf(out, "=%d ", answer->status);
    JSON_EACH(op, json_get(answer->json, STR("Operations")))
    {
        const struct json *response = json_get(op, STR("response"));

        buf_add(out, json_get_text(op, "status"));
        if (response) {
            buf_add_char(out, '/');
            buf_add(out, json_get_text(response, "scimType"));
            CHECK_STR(json_get_text(response, "status"), json_get_text(op, "status").ptr, "both");
        }
        buf_add_char(out, ' ');
    }
}

static const struct {
    const char *name, *operations, *extra, *expected;
} rows[] = {
    {"what is needed comes first",
     GROUP("g", "G", MEMBER("u") "," MEMBER("h")) "," GROUP("h", "H", MEMBER("u")) "," USER("u",
                                                                                            "ann"),
     "", "201 201 201 "},
    {"a circle of groups",
     GROUP("a", "A", MEMBER("b") "," MEMBER("u")) "," GROUP("b", "B", MEMBER("c")) "," GROUP(
         "c", "C", MEMBER("a")) "," USER("u", "bob"),
     "", "201 201 201 201 "},
    {"a circle fails as a whole, others do not",
     GROUP("a", "A2", MEMBER("b")) "," GROUP("b", "A", MEMBER("a")) "," USER("u", "cid"), "",
     "409/ 409/uniqueness 201 "},
    {"what needs a failed one fails",
     USER("u", "ANN") "," GROUP("g", "G3", MEMBER("u")) "," GROUP("h", "H3", MEMBER("g")), "",
     "409/uniqueness 409/ 409/ "},
    {"an unknown reference", GROUP("g", "G4", MEMBER("nobody")) "," USER("u", "dan"), "",
     "409/ 201 "},
    {"a group in itself", GROUP("g", "G5", MEMBER("g")), "", "400/invalidValue "},
    {"a reference in a path, and managers in a circle",
     "{\"method\":\"PATCH\",\"path\":\"/Groups/bulkId:g\",\"data\":{\"Operations\":[{\"op\":\"add\","
     "\"path\":\"members\",\"value\":[" MEMBER("u") "]}]}}," GROUP(
         "g", "G6",
         "") ","
             "{\"method\":\"POST\",\"path\":\"/Users\",\"bulkId\":\"u\",\"data\":{\"userName\":\"eve\","
             "\"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User\":"
             "{\"manager\":{\"value\":\"bulkId:v\"}}}},"
             "{\"method\":\"POST\",\"path\":\"/Users\",\"bulkId\":\"v\",\"data\":{\"userName\":\"fay\","
             "\"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User\":"
             "{\"manager\":{\"value\":\"bulkId:u\"}}}}",
     "", "204 201 201 201 "},
    {"another version",
     USER("u", "gus") ",{\"method\":\"DELETE\",\"path\":\"/Users/bulkId:u\",\"version\":\"W/"
                      "\\\"7\\\"\"}",
     "", "201 412/ "},
    {"this version",
     USER("u", "hal") ",{\"method\":\"DELETE\",\"path\":\"/Users/bulkId:u\",\"version\":\"W/"
                      "\\\"1\\\"\"}",
     "", "201 204 "},
    {"each is told what is wrong with it",
     "{},{\"method\":\"GET\",\"path\":\"/Users\"},{\"method\":\"POST\",\"path\":\"/Users\",\"data\":"
     "{}},{\"method\":\"POST\",\"path\":\"/Bulk\",\"bulkId\":\"b\",\"data\":{}},{\"method\":\"POST\","
     "\"path\":\"/Users\",\"bulkId\":\"c\"},{\"method\":\"PUT\",\"path\":\"/Users\",\"data\":{}},"
     "{\"method\":\"DELETE\",\"path\":\"/Users/nobody\"},{\"method\":\"DELETE\",\"path\":"
     "\"/Users/%zz\"},{\"method\":\"POST\",\"path\":\"/Users/.search\",\"bulkId\":\"s\",\"data\":"
     "{}},{\"method\":\"POST\",\"path\":\"/Users\",\"bulkId\":\"d\",\"data\":{\"title\":\"x\"}}",
     "",
     "400/invalidSyntax 400/invalidSyntax 400/invalidSyntax 404/ 400/invalidSyntax 405/ 404/ "
     "400/invalidSyntax 405/ 400/invalidValue "},
    {"it ends with the second error",
     USER("a", "ann") "," USER("b", "ida") "," USER("c", "bob") "," USER("d", "jim"),
     ",\"failOnErrors\":2", "409/uniqueness 201 409/uniqueness "},
    {"not executed: before it in the request, after it in execution",
     GROUP("g", "G7", MEMBER("u")) "," USER("u", "ann") "," USER("d", "jim"), ",\"failOnErrors\":1",
     "409/uniqueness "},
    {"a bulkId twice", USER("a", "kim") "," USER("a", "lea"), "", "=400 "},
    {"not an object", "7", "", "=400 "},
    {"none", "", "", "=400 "},
    {"a wrong limit", USER("a", "kim"), ",\"failOnErrors\":\"x\"", "=400 "},
};

static void check_rows(const struct db_config *config)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct fixture f;
    struct client client;
    struct answer answer;

    fixture_start(&f, config);
    fixture_tenant(&f, "generic", "t");
    client_open(&client, f.port);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(buf_done) struct buf statuses;

        buf_init(&statuses, 10000);
        client_ask(
            &client, &f, a, HTTP_POST, BULK,
            arena_printf(a, "{\"Operations\":[%s]%s}", rows[i].operations, rows[i].extra).ptr,
            &answer);
        add_statuses(&statuses, &answer);
        CHECK_STR(buf_str(&statuses), rows[i].expected, "%s: %.*s", rows[i].name,
                  STR_ARG(answer.body));
    }
    /* ann bob cid dan eve fay gus ida, and nobody that was refused */
    client_ask(&client, &f, a, HTTP_GET, "/scim/t/v2/Users?count=0", NULL, &answer);
    CHECK(json_get_int(answer.json, "totalResults", 0) == 8, "%.*s", STR_ARG(answer.body));
    /* G H A B C G6 */
    client_ask(&client, &f, a, HTTP_GET, "/scim/t/v2/Groups?sortBy=displayName", NULL, &answer);
    CHECK(json_get_int(answer.json, "totalResults", 0) == 6, "%.*s", STR_ARG(answer.body));
    CHECK(json_get(json_get(answer.json, STR("Resources"))->first, STR("members"))->count == 2,
          "%.*s", STR_ARG(answer.body));
    client_close(&client);
    fixture_stop(&f);
}

static void operations_are_arranged(void **state)
{
    (void)state;
    test_databases(check_rows);
}

/* What the answer says is what is read afterwards. */
static void check_versions(const struct db_config *config)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct fixture f;
    struct client client;
    struct answer answer, read;

    fixture_start(&f, config);
    fixture_tenant(&f, "generic", "t");
    client_open(&client, f.port);
    client_ask(&client, &f, a, HTTP_POST, BULK,
               "{\"Operations\":[" GROUP("a", "A", MEMBER("b")) "," GROUP(
                   "b", "B", MEMBER("a")) "," USER("u", "ann") "]}",
               &answer);
    JSON_EACH(op, json_get(answer.json, STR("Operations")))
    {
        struct str location = json_get_text(op, "location");

        CHECK_STR(json_get_text(op, "method"), "POST", "upper case");
        CHECK(str_starts(location, str_from_z(f.origin)), "%.*s", STR_ARG(location));
        client_ask(&client, &f, a, HTTP_GET, location.ptr + strlen(f.origin), NULL, &read);
        CHECK(read.status == 200, "%.*s", STR_ARG(location));
        CHECK_STR(answer_header(&read, STR("ETag")), json_get_text(op, "version").ptr, "version");
        if (str_starts(json_get_text(op, "bulkId"), STR("u")))
            continue;
        CHECK(json_get(read.json, STR("members"))->count == 1, "%.*s", STR_ARG(read.body));
    }
    client_close(&client);
    fixture_stop(&f);
}

static void versions_are_those_at_the_end(void **state)
{
    (void)state;
    test_databases(check_versions);
}

/* One too many, and a circle of all. */
static void check_limits(const struct db_config *config)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(buf_done) struct buf body;
    struct fixture f;
    struct client client;
    struct answer answer;

    fixture_start(&f, config);
    fixture_tenant(&f, "generic", "t");
    client_open(&client, f.port);
    buf_init(&body, 2000000);
    buf_add_z(&body, "{\"Operations\":[{}");
    for (int i = 0; i < 1000; i++)
        buf_add_z(&body, ",{}");
    buf_add_z(&body, "]}");
    client_ask(&client, &f, a, HTTP_POST, BULK, buf_z(&body), &answer);
    CHECK(answer.status == 413, "%d", answer.status);
    buf_reset(&body);
    buf_add_z(&body, "{\"Operations\":[");
    for (int i = 0; i < 1000; i++)
        buf_addf(&body, "%s" GROUP("g%d", "G%d", MEMBER("g%d")), i ? "," : "", i, i,
                 (i + 1) % 1000);
    buf_add_z(&body, "]}");
    client_ask(&client, &f, a, HTTP_POST, BULK, buf_z(&body), &answer);
    CHECK(answer.status == 200, "%d", answer.status);
    JSON_EACH(op, json_get(answer.json, STR("Operations")))
    CHECK_STR(json_get_text(op, "status"), "201", "%.*s", STR_ARG(json_get_text(op, "bulkId")));
    client_ask(&client, &f, a, HTTP_GET, "/scim/t/v2/Groups?filter=members+pr&count=0", NULL,
               &answer);
    CHECK(json_get_int(answer.json, "totalResults", 0) == 1000, "%.*s", STR_ARG(answer.body));
    buf_reset(&body); /* in several turns of the writer */
    buf_add_z(&body, "{\"Operations\":[");
    for (int i = 0; i < 1000; i++)
        buf_addf(&body, "%s" USER("u%d", "u%d"), i ? "," : "", i, i);
    buf_add_z(&body, "]}");
    client_ask(&client, &f, a, HTTP_POST, BULK, buf_z(&body), &answer);
    CHECK(json_get(answer.json, STR("Operations"))->count == 1000, "%d", answer.status);
    JSON_EACH(op, json_get(answer.json, STR("Operations")))
    CHECK_STR(json_get_text(op, "status"), "201", "%.*s", STR_ARG(json_get_text(op, "bulkId")));
    client_ask(&client, &f, a, HTTP_GET, "/scim/t/v2/Users?count=0", NULL, &answer);
    CHECK(json_get_int(answer.json, "totalResults", 0) == 1000, "%.*s", STR_ARG(answer.body));
    client_close(&client);
    fixture_stop(&f);
}

static void the_largest_bulk(void **state)
{
    (void)state;
    test_databases(check_limits);
}

/* The PATCHes of a bulk look at so many elements together; loading a document counts, too. */
static void check_work(const struct db_config *config)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(buf_done) struct buf body;
    struct fixture f;
    struct client client;
    struct answer answer;
    struct err err = {0};
    size_t executed = 0, refused = 0;

    fixture_start(&f, config);
    fixture_tenant(&f, "generic", "t");
    CHECK(provider_tenant_set(f.db, STR("t"), STR("patch.maxWork"), STR("1000"), &err), "%s",
          err.message);
    client_open(&client, f.port);
    buf_init(&body, 2000000);
    buf_add_z(&body, "{\"userName\":\"ada\",\"emails\":[");
    for (int i = 0; i < 100; i++)
        buf_addf(&body, "%s{\"value\":\"e%d@x\",\"type\":\"work\"}", i ? "," : "", i);
    buf_add_z(&body, "]}");
    client_ask(&client, &f, a, HTTP_POST, "/scim/t/v2/Users", buf_z(&body), &answer);
    struct str id = json_get_text(answer.json, "id");
    buf_reset(&body);
    buf_add_z(&body, "{\"Operations\":[");
    for (int i = 0; i < 10; i++)
        buf_addf(&body,
                 "%s{\"method\":\"PATCH\",\"path\":\"/Users/%.*s\",\"data\":{\"Operations\":[{"
                 "\"op\":\"replace\",\"path\":\"emails[value eq \\\"e%d@x\\\"].display\",\"value\":"
                 "\"d\"}]}}",
                 i ? "," : "", STR_ARG(id), i);
    buf_add_z(&body, "]}");
    client_ask(&client, &f, a, HTTP_POST, BULK, buf_z(&body), &answer);
    CHECK(answer.status == 200, "%.*s", STR_ARG(answer.body));
    JSON_EACH(op, json_get(answer.json, STR("Operations")))
    {
        executed += str_eq(json_get_text(op, "status"), STR("200"));
        refused += str_eq(json_get_text(op, "status"), STR("413"));
    }
    CHECK(executed == 4 && refused == 6, "%.*s", STR_ARG(answer.body));
    client_close(&client);
    fixture_stop(&f);
}

static void patches_count_together(void **state)
{
    (void)state;
    test_databases(check_work);
}

TEST_GROUP(bulk, cmocka_unit_test(patches_count_together),
           cmocka_unit_test(operations_are_arranged),
           cmocka_unit_test(versions_are_those_at_the_end), cmocka_unit_test(the_largest_bulk));
