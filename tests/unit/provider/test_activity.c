/* Users by whether they are active: lists that an index has, however many there are, and the kept
 * totals. A tenant's filter.maxScan refuses what would look at more than 100 resources. */
#include "fixture.h"
#include "frame/postgres.h"

#define USERS "/scim/t/v2/Users"

enum { PEOPLE = 330 };

static void ask(struct client *client, const struct fixture *f, struct arena *a,
                enum http_method method, const char *path, const char *body, int status,
                struct answer *out)
{
    client_ask(client, f, a, method, path, body, out);
    CHECK(out->status == status, "%s: %d %.*s", path, out->status, STR_ARG(out->body));
}

static void change(struct client *client, const struct fixture *f, struct arena *a, struct str id,
                   const char *operation)
{
    struct answer answer;

    ask(client, f, a, HTTP_PATCH, arena_printf(a, USERS "/%.*s", STR_ARG(id)).ptr,
        arena_printf(a,
                     "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:PatchOp\"],"
                     "\"Operations\":[{%s}]}",
                     operation)
            .ptr,
        200, &answer);
}

/* Of the users with n % 11: 1 and 2 are disabled, 3 says neither, 4 is disabled and enabled again,
 * 5 is disabled and deleted, 6 is made disabled; every other title is "t". */
static void fill(struct client *client, const struct fixture *f, struct arena *a)
{
    static const char off[] = "\"op\":\"replace\",\"path\":\"active\",\"value\":false";
    static const char on[] = "\"op\":\"replace\",\"value\":{\"active\":true}";
    static const char neither[] = "\"op\":\"remove\",\"path\":\"active\"";
    struct answer answer;

    for (int n = 0; n < PEOPLE; n++) {
        int kind = n % 11;
        struct str id;

        ask(client, f, a, HTTP_POST, USERS,
            arena_printf(a, "{\"userName\":\"u%03d\"%s%s}", n, n % 2 ? ",\"title\":\"t\"" : "",
                         kind == 6 ? ",\"active\":false" : "")
                .ptr,
            201, &answer);
        id = json_get_text(answer.json, "id");
        if (kind == 1 || kind == 2 || kind == 4 || kind == 5)
            change(client, f, a, id, off);
        if (kind == 3)
            change(client, f, a, id, neither);
        if (kind == 4)
            change(client, f, a, id, on);
        if (kind == 5)
            ask(client, f, a, HTTP_DELETE, arena_printf(a, USERS "/%.*s", STR_ARG(id)).ptr, NULL,
                204, &answer);
    }
}

struct row {
    const char *query;
    int64_t total;
    const char *first, *last; /* userName */
};

/* Reads all pages; checks number and ends. */
static void read_all(struct client *client, const struct fixture *f, struct arena *a,
                     const struct row *row, bool by_cursor)
{
    struct str cursor = STR(""), first = STR(""), last = STR("");
    int64_t read = 0;

    do {
        struct answer answer;
        struct str from = by_cursor ? arena_printf(a, "cursor=%.*s", STR_ARG(cursor))
                                    : arena_printf(a, "startIndex=%lld", (long long)read + 1);

        ask(client, f, a, HTTP_GET,
            arena_printf(a, USERS "?count=37&%s&%.*s", row->query, STR_ARG(from)).ptr, NULL, 200,
            &answer);
        CHECK(json_get_int(answer.json, "totalResults", -1) == row->total, "%s: %.*s", row->query,
              STR_ARG(str_sub(answer.body, 0, 200)));
        JSON_EACH(user, json_get(answer.json, STR("Resources")))
        {
            last = json_get_text(user, "userName");
            if (read++ == 0)
                first = last;
        }
        cursor = json_get_text(answer.json, "nextCursor");
    } while (read <= row->total && (by_cursor ? cursor.len > 0 : read < row->total));
    CHECK(read == row->total, "%s: %lld read", row->query, (long long)read);
    CHECK_STR(first, row->first, "%s", row->query);
    CHECK_STR(last, row->last, "%s", row->query);
}

static void check_totals(const struct fixture *f)
{
    static const struct db_query wrong = {
        "wrong", "SELECT 1 FROM provider_count AS c WHERE resources <>"
                 " (SELECT count(*) FROM provider_resource AS r"
                 "   WHERE r.tenant_no = c.tenant_no AND r.type = 1 AND (c.type = 1"
                 "     OR (c.type = 3 AND NOT r.active) OR (c.type = 4 AND r.active IS NULL)))"};
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct err err;

    CHECK(db_select_one(f->db, &wrong, DB_NO_ARGS, &st, &err), "%s", err.message);
    CHECK(!st, "the totals are those of the users");
}

static void check(const struct db_config *config)
{
    static const struct row rows[] = {
        {"filter=active+eq+true", 180, "u000", "u329"},
        {"filter=active+eq+%22True%22&sortBy=meta.created&sortOrder=descending", 180, "u329",
         "u000"},
        {"filter=Active+eq+false", 90, "u001", "u325"},
        {"filter=(active+eq+false)&sortBy=meta.created", 90, "u001", "u325"},
        /* few are disabled, and only they are looked at */
        {"filter=title+eq+%22t%22+and+active+eq+false", 45, "u001", "u325"},
        {"filter=active+eq+false&sortBy=userName&sortOrder=descending", 90, "u325", "u001"},
        {"filter=active+eq+true+and+userName+eq+%22u000%22", 1, "u000", "u000"},
        {"filter=active+eq+false+and+userName+eq+%22u000%22", 0, "", ""},
    };
    static const char *const scans[] = {
        "filter=active+eq+true+and+title+eq+%22t%22", "filter=title+eq+%22t%22",
        "filter=active+ne+true", "filter=not+(active+eq+false)",
        "filter=active+eq+true+or+userName+eq+%22u000%22", "filter=active+eq+true&sortBy=title",
        /* however far in, and however little is wanted */
        "filter=title+pr&startIndex=300&count=1", "filter=title+pr&count=1"};
    static const struct db_query limit = {
        "limit", "UPDATE provider_tenant SET settings = '{\"filter.maxScan\":100}'"};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct answer answer;
    struct fixture f;
    struct client client;
    struct err err;

    fixture_start(&f, config);
    fixture_tenant(&f, "generic", "t");
    CHECK(db_exec(f.db, &limit, DB_NO_ARGS, NULL, &err), "%s", err.message);
    client_open(&client, f.port);
    fill(&client, &f, a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        read_all(&client, &f, a, &rows[i], false);
        read_all(&client, &f, a, &rows[i], true);
    }
    for (size_t i = 0; i < ARRAY_LEN(scans); i++) {
        ask(&client, &f, a, HTTP_GET, arena_printf(a, USERS "?%s", scans[i]).ptr, NULL, 400,
            &answer);
        CHECK_STR(json_get_text(answer.json, "scimType"), "tooMany", "%s", scans[i]);
    }
    check_totals(&f);
    client_close(&client);
    fixture_stop(&f);
}

static void active_users_are_a_list_of_their_own(void **state)
{
    (void)state;
    test_databases(check);
}

TEST_GROUP(activity, cmocka_unit_test(active_users_are_a_list_of_their_own));
