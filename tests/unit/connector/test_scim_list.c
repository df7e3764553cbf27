/* Lists in pages, what a service says of itself, and creations in bulk, against a scripted peer
 * (scim.md 10.1, 10.2, 10.5). */
#include "peer.h"

#define USER(id_, name_) "{\"id\":\"" id_ "\",\"userName\":\"" name_ "\"}"
#define CONFIG           "/ServiceProviderConfig"

/* All pages, at most `max` requests; ids and totals as text. */
static struct str read_all(struct arena *a, struct target *t, const struct mapping_object *m,
                           size_t count)
{
    struct str text = STR("");
    struct target_page page = {.count = count};

    do {
        struct call call;

        call_init(&call);
        t->ops->list(t, m, &page, call_ended, &call);
        call_wait(t, &call);
        if (call.result.status != TARGET_OK) {
            text = arena_printf(a, "%.*s%s", STR_ARG(text), call.result.code);
            call_done(&call);
            return text;
        }
        for (size_t i = 0; i < call.result.record_count; i++)
            text = arena_printf(a, "%.*s%.*s ", STR_ARG(text), STR_ARG(call.result.records[i].id));
        text = arena_printf(a, "%.*sof %lld; ", STR_ARG(text), (long long)call.result.total);
        page.cursor = arena_str(a, call.result.next);
        call_done(&call);
    } while (page.cursor.len);
    return text;
}

static void pages(void **state)
{
    static const struct {
        const char *label;
        bool groups, describe;
        struct exchange script[5];
        const char *want;
    } cases[] = {
        {"by index",
         false,
         false,
         {{"GET", "/Users?startIndex=1&count=2", NULL, 200, NULL,
           "{\"totalResults\":3,\"Resources\":[" USER("1", "a") "," USER("2", "b") "]}"},
          {"GET", "/Users?startIndex=3&count=2", NULL, 200, NULL,
           "{\"totalResults\":3,\"Resources\":[" USER("3", "c") "]}"}},
         "1 2 of 3; 3 of 3; "},
        {"smaller pages than asked for",
         false,
         false,
         {{"GET", "/Users?startIndex=1&count=2", NULL, 200, NULL,
           "{\"totalResults\":2,\"Resources\":[" USER("1", "a") "]}"},
          {"GET", "/Users?startIndex=2&count=2", NULL, 200, NULL,
           "{\"totalResults\":2,\"Resources\":[" USER("2", "b") "]}"}},
         "1 of 2; 2 of 2; "},
        {"a total that only counts the page",
         false,
         false,
         {{"GET", "/Users?startIndex=1&count=2", NULL, 200, NULL,
           "{\"totalResults\":\"2\",\"Resources\":[" USER("1", "a") "," USER("2", "b") "]}"},
          {"GET", "/Users?startIndex=3&count=2", NULL, 200, NULL, "{\"totalResults\":0}"}},
         "1 2 of 2; of 0; "},
        {"no total",
         false,
         false,
         {{"GET", "/Users?startIndex=1&count=2", NULL, 200, NULL,
           "{\"resources\":[" USER("1", "a") "," USER("2", "b") "]}"},
          {"GET", "/Users?startIndex=3&count=2", NULL, 200, NULL,
           "{\"resources\":[" USER("3", "c") "]}"},
          {"GET", "/Users?startIndex=4&count=2", NULL, 200, NULL, "{\"resources\":[]}"}},
         "1 2 of -1; 3 of -1; of -1; "},
        {"groups without members",
         true,
         false,
         {{"GET", "/Groups?excludedAttributes=members&startIndex=1&count=2", NULL, 200, NULL,
           "{\"totalResults\":0}"}},
         "of 0; "},
        {"by cursor where the service has it",
         false,
         true,
         {{"GET", CONFIG, NULL, 200, NULL,
           "{\"patch\":{\"supported\":true},\"pagination\":{\"cursor\":true}}"},
          {"GET", "/Users?cursor=&count=2", NULL, 200, NULL,
           "{\"totalResults\":3,\"nextCursor\":\"x+y\",\"Resources\":[" USER("1", "a") "," USER(
               "2", "b") "]}"},
          {"GET", "/Users?cursor=x%2By&count=2", NULL, 200, NULL,
           "{\"totalResults\":3,\"Resources\":[" USER("3", "c") "]}"}},
         "1 2 of 3; 3 of 3; "},
        {"a cursor that was not asked for",
         false,
         false,
         {{"GET", "/Users?startIndex=1&count=2", NULL, 200, NULL,
           "{\"nextCursor\":\"n\",\"Resources\":[" USER("1", "a") "]}"},
          {"GET", "/Users?cursor=n&count=2", NULL, 200, NULL,
           "{\"Resources\":[" USER("2", "b") "]}"}},
         "1 of -1; 2 of -1; "},
        {"too many at once",
         false,
         false,
         {{"GET", "/Users?startIndex=1&count=2", NULL, 400, NULL, "{\"scimType\":\"tooMany\"}"},
          {"GET", "/Users?startIndex=1&count=1", NULL, 200, NULL,
           "{\"totalResults\":2,\"Resources\":[" USER("1", "a") "]}"},
          {"GET", "/Users?startIndex=2&count=1", NULL, 200, NULL,
           "{\"totalResults\":2,\"Resources\":[" USER("2", "b") "]}"},
          {"GET", "/Users?startIndex=3&count=1", NULL, 200, NULL,
           "{\"totalResults\":2,\"Resources\":[]}"}},
         "1 of 2; 2 of 2; of 2; "},
        {"a page fails",
         false,
         false,
         {{"GET", "/Users?startIndex=1&count=2", NULL, 500, NULL, NULL}},
         "InternalServerError"},
        {"not a list",
         false,
         false,
         {{"GET", "/Users?startIndex=1&count=2", NULL, 200, NULL, "<html>"}},
         "SystemForCrossDomainIdentityManagementServiceIncompatible"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        size_t count = 0;
        struct target_traits traits;

        while (count < ARRAY_LEN(cases[i].script) && cases[i].script[count].method)
            count++;
        struct peer *p = peer_new(cases[i].script, count);
        struct target *t = peer_target(str_from_z(peer_url(p)));
        if (cases[i].describe)
            t->ops->describe(t, &traits);
        CHECK_STR(read_all(a, t, cases[i].groups ? peer_groups() : peer_users(), 2), cases[i].want,
                  "%s", cases[i].label);
        target_close(t);
        peer_free(p, cases[i].label);
    }
}

static void describes(void **state)
{
    static const struct {
        const char *label;
        int status;
        const char *reply;
        bool known, patch;
        size_t bulk;
    } cases[] = {
        {"all", 200,
         "{\"patch\":{\"supported\":true},\"bulk\":{\"supported\":true,\"maxOperations\":20,"
         "\"maxPayloadSize\":1000}}",
         true, true, 20},
        {"more than is ever sent", 200,
         "{\"patch\":{\"supported\":true},\"bulk\":{\"supported\":true,\"maxOperations\":1000}}",
         true, true, 100},
        {"nothing", 200,
         "{\"patch\":{\"supported\":false},\"bulk\":{\"supported\":false,\"maxOperations\":9}}",
         true, false, 0},
        {"no such page", 404, NULL, false, true, 0},
        {"a page for people", 200, "<html>", false, true, 0},
        {"something else", 200, "[]", false, true, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct exchange e = {"GET", CONFIG, NULL, cases[i].status, NULL, cases[i].reply};
        struct target_traits traits;
        struct peer *p = peer_new(&e, 1);
        struct target *t = peer_target(str_from_z(peer_url(p)));

        t->ops->describe(t, &traits);
        t->ops->describe(t, &traits); /* asked once */
        CHECK(traits.known == cases[i].known && traits.patch == cases[i].patch &&
                  traits.bulk_operations == cases[i].bulk,
              "%s: %zu", cases[i].label, traits.bulk_operations);
        target_close(t);
        peer_free(p, cases[i].label);
    }
}

/* --- bulk --- */

#define DATA(name_)                                                                       \
    "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\"],\"userName\":\"" name_ \
    "\",\"meta\":{\"resourceType\":\"User\"}}"
#define OP(n_, name_) \
    "{\"method\":\"POST\",\"path\":\"/Users\",\"bulkId\":\"" n_ "\",\"data\":" DATA(name_) "}"
#define BULK(operations_)                                                                               \
    "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:BulkRequest\"],\"Operations\":[" operations_ \
    "]}"
#define SERVICE(most_)                                                                          \
    {                                                                                           \
        "GET", CONFIG, NULL, 200, NULL,                                                         \
            "{\"bulk\":{\"supported\":true,\"maxOperations\":" most_ ",\"maxPayloadSize\":999}" \
            "}"                                                                                 \
    }
#define CREATED(id_) "{\"id\":\"" id_ "\"}"

static void bulk(void **state)
{
    static const struct {
        const char *label;
        struct exchange script[6];
        const char *want; /* id or code of each, "+" where another one counts the request */
    } cases[] = {
        {"each by its own status",
         {SERVICE("3"),
          {"POST", "/Bulk", BULK(OP("1", "a") "," OP("2", "b") "," OP("3", "c")), 200, NULL,
           "{\"Operations\":[{\"bulkId\":\"3\",\"status\":\"201\",\"location\":\"https://h/Users/"
           "33\"},{\"bulkId\":\"1\",\"status\":\"201\",\"response\":{\"id\":\"11\"}},"
           "{\"bulkId\":\"2\",\"status\":{\"code\":\"409\"},\"response\":{\"scimType\":"
           "\"uniqueness\"}}]}"}},
         "11 +EntryConflict +33 "},
        {"one that the answer leaves out may be there",
         {SERVICE("3"),
          {"POST", "/Bulk", BULK(OP("1", "a") "," OP("2", "b") "," OP("3", "c")), 200, NULL,
           "{\"Operations\":[{\"bulkId\":\"1\",\"status\":\"201\",\"location\":\"/Users/1\"},"
           "{\"bulkId\":\"3\",\"status\":\"400\"}]}"}},
         "1 +SystemForCrossDomainIdentityManagementServiceIncompatible? +UnprocessableEntity "},
        {"at most as many as the service takes",
         {SERVICE("2"),
          {"POST", "/Bulk", BULK(OP("1", "a") "," OP("2", "b")), 200, NULL,
           "{\"Operations\":[{\"bulkId\":\"1\",\"status\":\"201\",\"location\":\"/Users/1\"},"
           "{\"bulkId\":\"2\",\"status\":\"201\",\"location\":\"/Users/2\"}]}"},
          {"POST", "/Users", DATA("c"), 201, NULL, CREATED("3")}},
         "1 +2 3 "},
        {"too large: in halves",
         {SERVICE("3"),
          {"POST", "/Bulk", BULK(OP("1", "a") "," OP("2", "b") "," OP("3", "c")), 413, NULL, NULL},
          {"POST", "/Users", DATA("a"), 201, NULL, CREATED("1")},
          {"POST", "/Users", DATA("b"), 201, NULL, CREATED("2")},
          {"POST", "/Users", DATA("c"), 201, NULL, CREATED("3")}},
         "1 2 3 "},
        {"there is no bulk after all",
         {SERVICE("3"),
          {"POST", "/Bulk", BULK(OP("1", "a") "," OP("2", "b") "," OP("3", "c")), 501, NULL, NULL},
          {"POST", "/Users", DATA("a"), 201, NULL, CREATED("1")},
          {"POST", "/Users", DATA("b"), 409, NULL, NULL},
          {"POST", "/Users", DATA("c"), 201, NULL, CREATED("3")}},
         "1 EntryConflict 3 "},
        {"the answer is lost",
         {SERVICE("3"),
          {"POST", "/Bulk", BULK(OP("1", "a") "," OP("2", "b") "," OP("3", "c")), 502, NULL, NULL}},
         "InternalServerError? +InternalServerError? +InternalServerError? "},
        {"no bulk: one by one",
         {{"GET", CONFIG, NULL, 404, NULL, NULL},
          {"POST", "/Users", DATA("a"), 201, NULL, CREATED("1")},
          {"POST", "/Users", DATA("b"), 201, NULL, CREATED("2")},
          {"POST", "/Users", DATA("c"), 201, NULL, CREATED("3")}},
         "1 2 3 "},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct mapping_changes wants[3];
        struct target_creation creations[3];
        struct call calls[3];
        struct target_traits traits;
        struct str text = STR("");
        size_t count = 0;

        while (count < ARRAY_LEN(cases[i].script) && cases[i].script[count].method)
            count++;
        struct peer *p = peer_new(cases[i].script, count);
        struct target *t = peer_target(str_from_z(peer_url(p)));
        t->ops->describe(t, &traits);
        for (size_t n = 0; n < 3; n++) {
            call_init(&calls[n]);
            wants[n] = peer_changes(a, peer_users(), NULL,
                                    arena_printf(a, "{\"userName\":\"%c\"}", (int)('a' + n)).ptr);
            creations[n] = (struct target_creation){peer_users(), &wants[n], call_ended, &calls[n]};
        }
        t->ops->create_many(t, creations, 3);
        for (size_t n = 0; n < 3; n++) {
            const struct target_result *r = &calls[n].result;

            while (!calls[n].done)
                t->ops->run(t, 1000);
            text = arena_printf(
                a, "%.*s%s%.*s%s ", STR_ARG(text), r->shared ? "+" : "",
                STR_ARG(r->status == TARGET_OK ? r->records[0].id : str_from_z(r->code)),
                r->status != TARGET_OK && r->class_ == TARGET_TRANSIENT ? "?" : "");
        }
        CHECK_STR(text, cases[i].want, "%s", cases[i].label);
        for (size_t n = 0; n < 3; n++)
            call_done(&calls[n]);
        target_close(t);
        peer_free(p, cases[i].label);
    }
}

TEST_GROUP(scim_list, cmocka_unit_test(pages), cmocka_unit_test(describes), cmocka_unit_test(bulk))
