/* Lists that an index has in their order, and what changed since: read without a scan, which the
 * tenant's filter.maxScan would refuse (scim.md 5). */
#include "base/unicode.h"
#include "fixture.h"
#include "frame/postgres.h"

#include <string.h>

#define BASE   "/scim/t/v2/"
#define USERS  BASE "Users"
#define GROUPS BASE "Groups"

enum { PEOPLE = 130, TEAMS = 110, SCAN_MAX = 100 };

static void ask(struct client *client, const struct fixture *f, struct arena *a,
                enum http_method method, const char *path, const char *body, int status,
                struct answer *out)
{
    client_ask(client, f, a, method, path, body, out);
    CHECK(out->status == status, "%s: %d %.*s", path, out->status, STR_ARG(out->body));
}

/* Names that rise and fall, upper and lower case, so that no order is that of creation. */
static void fill(struct client *client, const struct fixture *f, struct arena *a)
{
    struct answer answer;

    for (int i = 0; i < PEOPLE + TEAMS; i++) {
        bool group = i % 2 == 1 && i / 2 < TEAMS;
        int n = i * 37 % 211;

        ask(client, f, a, HTTP_POST, group ? GROUPS : USERS,
            arena_printf(a, "{\"%s\":\"%c%03d\"}", group ? "displayName" : "userName",
                         n % 3 ? 'n' : 'N', n + (i >= 211 ? 300 : 0))
                .ptr,
            201, &answer);
    }
}

static void limit_scans(struct fixture *f)
{
    static const struct db_query limit = {
        "limit", "UPDATE provider_tenant SET settings = '{\"filter.maxScan\":100}'"};
    struct err err;

    CHECK(db_exec(f->db, &limit, DB_NO_ARGS, NULL, &err), "%s", err.message);
}

struct order {
    const char *query; /* ends where parameters are added */
    int64_t total;
    const char *attribute; /* whose values rise or fall; NULL: that of meta */
    const char *meta;
    int direction;
};

static struct str value_of(struct arena *a, const struct order *order, const struct json *r)
{
    if (order->attribute)
        return str_fold(a, json_get_text(r, order->attribute));
    return json_get_text(json_get(r, STR("meta")), order->meta);
}

/* All ids of the list, page by page; checks that it is in its order, and whole. */
static struct str read_all(struct client *client, const struct fixture *f, struct arena *a,
                           const struct order *order, bool by_cursor)
{
    CLEANUP(buf_done) struct buf ids;
    struct str last = STR(""), cursor = STR("");
    int64_t read = 0;

    buf_init(&ids, 1000000);
    do {
        struct answer answer;

        ask(client, f, a, HTTP_GET,
            (by_cursor
                 ? arena_printf(a, "%scount=37&cursor=%.*s", order->query, STR_ARG(cursor))
                 : arena_printf(a, "%scount=37&startIndex=%lld", order->query, (long long)read + 1))
                .ptr,
            NULL, 200, &answer);
        CHECK(json_get_int(answer.json, "totalResults", -1) == order->total, "%s: total of %.*s",
              order->query, STR_ARG(str_sub(answer.body, 0, 200)));
        JSON_EACH(r, json_get(answer.json, STR("Resources")))
        {
            struct str value = value_of(a, order, r);

            CHECK(read == 0 || str_cmp(value, last) * order->direction >= 0, "%s: %.*s after %.*s",
                  order->query, STR_ARG(value), STR_ARG(last));
            last = value;
            read++;
            buf_addf(&ids, "%.*s ", STR_ARG(json_get_text(r, "id")));
        }
        cursor = json_get_text(answer.json, "nextCursor");
        CHECK(read <= order->total, "%s: ends", order->query);
    } while (by_cursor ? cursor.len > 0 : read < order->total);
    CHECK(read == order->total, "%s: %lld read", order->query, (long long)read);
    return arena_str(a, buf_str(&ids));
}

static void check_orders(const struct db_config *config)
{
    static const struct order rows[] = {
        {USERS "?", PEOPLE, NULL, "created", 1},
        {USERS "?sortBy=meta.created&", PEOPLE, NULL, "created", 1},
        {USERS "?sortBy=meta.created&sortOrder=descending&", PEOPLE, NULL, "created", -1},
        {USERS "?sortBy=meta.lastModified&", PEOPLE, NULL, "lastModified", 1},
        {USERS "?sortBy=META.lastmodified&sortOrder=descending&", PEOPLE, NULL, "lastModified", -1},
        {USERS "?sortBy=id&", PEOPLE, "id", NULL, 1},
        {USERS "?sortBy=id&sortOrder=descending&", PEOPLE, "id", NULL, -1},
        {USERS "?sortBy=userName&", PEOPLE, "userName", NULL, 1},
        {USERS "?sortBy=username&sortOrder=descending&", PEOPLE, "userName", NULL, -1},
        {GROUPS "?", TEAMS, NULL, "created", 1},
        {GROUPS "?sortBy=displayName&", TEAMS, "displayName", NULL, 1},
        {GROUPS "?sortBy=displayName&sortOrder=descending&", TEAMS, "displayName", NULL, -1},
        {GROUPS "?sortBy=meta.lastModified&sortOrder=descending&", TEAMS, NULL, "lastModified", -1},
        {BASE "?", PEOPLE + TEAMS, NULL, "created", 1},
    };
    static const char *const scans[] = {USERS "?sortBy=title", GROUPS "?sortBy=externalId",
                                        USERS "?filter=title+pr", BASE "?sortBy=id"};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct answer answer;
    struct fixture f;
    struct client client;

    fixture_start(&f, config);
    fixture_tenant(&f, "generic", "t");
    limit_scans(&f);
    client_open(&client, f.port);
    fill(&client, &f, a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str by_index = read_all(&client, &f, a, &rows[i], false);

        CHECK_STR(read_all(&client, &f, a, &rows[i], true), by_index.ptr, "%s", rows[i].query);
    }
    for (size_t i = 0; i < ARRAY_LEN(scans); i++) {
        ask(&client, &f, a, HTTP_GET, scans[i], NULL, 400, &answer);
        CHECK_STR(json_get_text(answer.json, "scimType"), "tooMany", "%s", scans[i]);
    }
    client_close(&client);
    fixture_stop(&f);
}

static void lists_follow_an_index(void **state)
{
    (void)state;
    test_databases(check_orders);
}

/* --- What changed since --- */

static void expect_names(struct client *client, const struct fixture *f, struct arena *a,
                         const char *filter, const char *names)
{
    CLEANUP(buf_done) struct buf found;
    struct answer answer;

    buf_init(&found, 10000);
    ask(client, f, a, HTTP_GET, arena_printf(a, USERS "?filter=%s", filter).ptr, NULL, 200,
        &answer);
    JSON_EACH(r, json_get(answer.json, STR("Resources")))
    buf_addf(&found, "%.*s ", STR_ARG(json_get_text(r, "userName")));
    CHECK_STR(buf_str(&found), names, "%s", filter);
}

/* What a change at this moment is later than, and no earlier one. */
static struct str wait_for_later(struct arena *a, struct str modified)
{
    char text[TIME_TEXT_MAX];
    struct str now;

    do {
        now = time_write(clock_now(clock_system()), text);
    } while (str_cmp(now, modified) <= 0);
    return arena_str(a, now);
}

static void check_changes(const struct db_config *config)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct answer answer;
    struct fixture f;
    struct client client;
    struct str since, id = STR("");

    fixture_start(&f, config);
    fixture_tenant(&f, "generic", "t");
    limit_scans(&f);
    client_open(&client, f.port);
    fill(&client, &f, a);
    ask(&client, &f, a, HTTP_POST, USERS, "{\"userName\":\"early\"}", 201, &answer);
    id = json_get_text(answer.json, "id");
    since = wait_for_later(a, json_get_text(json_get(answer.json, STR("meta")), "lastModified"));
    ask(&client, &f, a, HTTP_POST, USERS, "{\"userName\":\"late\"}", 201, &answer);
    ask(&client, &f, a, HTTP_PATCH, arena_printf(a, USERS "/%.*s", STR_ARG(id)).ptr,
        "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:PatchOp\"],\"Operations\":"
        "[{\"op\":\"replace\",\"path\":\"title\",\"value\":\"x\"}]}",
        200, &answer);
    expect_names(&client, &f, a,
                 arena_printf(a, "meta.lastModified+ge+%%22%.*s%%22", STR_ARG(since)).ptr,
                 "early late ");
    expect_names(
        &client, &f, a,
        arena_printf(a, "title+pr+and+meta.lastModified+ge+%%22%.*s%%22&sortBy=meta.lastModified",
                     STR_ARG(since))
            .ptr,
        "early ");
    expect_names(&client, &f, a, "meta.lastModified+gt+%222999-01-01T00:00:00Z%22", "");
    client_close(&client);
    fixture_stop(&f);
}

static void changes_since_are_looked_up(void **state)
{
    (void)state;
    test_databases(check_changes);
}

/* --- The number of resources, which nobody counts --- */

static void check_totals(const struct db_config *config)
{
    static const struct db_query wrong = {
        "wrong",
        "SELECT type FROM provider_count AS c WHERE resources <> (SELECT count(*)"
        " FROM provider_resource AS r WHERE r.tenant_no = c.tenant_no AND r.type = c.type)"};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct answer answer;
    struct fixture f;
    struct client client;
    struct err err;

    fixture_start(&f, config);
    fixture_tenant(&f, "generic", "t");
    client_open(&client, f.port);
    for (int i = 0; i < 9; i++) {
        ask(&client, &f, a, HTTP_POST, USERS, arena_printf(a, "{\"userName\":\"u%d\"}", i % 5).ptr,
            i < 5 ? 201 : 409, &answer);
        if (i == 2)
            ask(&client, &f, a, HTTP_DELETE,
                arena_printf(a, USERS "/%.*s", STR_ARG(json_get_text(answer.json, "id"))).ptr, NULL,
                204, &answer);
        if (i == 6)
            ask(&client, &f, a, HTTP_POST, USERS, "{\"userName\":\"u2\"}", 201, &answer);
    }
    ask(&client, &f, a, HTTP_GET, USERS "?count=0", NULL, 200, &answer);
    CHECK(json_get_int(answer.json, "totalResults", -1) == 5, "%.*s", STR_ARG(answer.body));
    CHECK(db_select_one(f.db, &wrong, DB_NO_ARGS, &st, &err), "%s", err.message);
    CHECK(!st, "the count is that of the resources");
    db_stmt_freep(&st);
    st = NULL;
    client_close(&client);
    fixture_stop(&f);
}

static void totals_are_kept(void **state)
{
    (void)state;
    test_databases(check_totals);
}

TEST_GROUP(order, cmocka_unit_test(lists_follow_an_index),
           cmocka_unit_test(changes_since_are_looked_up), cmocka_unit_test(totals_are_kept));
