/* Order, cursors and searches of lists (scim.md 5). */
#include "fixture.h"
#include "frame/postgres.h"
#include "provider/lists/cursor.h"

#include <string.h>

#define USERS "/scim/t/v2/Users"
#define COUNT 23

static const char *z(struct str s)
{
    return s.ptr;
}

static void ask(struct client *client, const struct fixture *f, struct arena *a, const char *path,
                int status, struct answer *out)
{
    client_ask(client, f, a, HTTP_GET, path, NULL, out);
    CHECK(out->status == status, "%s: %d %.*s", path, out->status, STR_ARG(out->body));
}

/* Users whose titles are a few, in an order of their own, and missing from every fifth. */
static void add_users(struct client *client, const struct fixture *f, struct arena *a)
{
    for (int i = 0; i < COUNT; i++) {
        struct str title =
            i % 5 ? arena_printf(a, ",\"title\":\"%c%d\"", i % 2 ? 'T' : 't', i * 7 % 4) : STR("");
        struct str body = arena_printf(a, "{\"userName\":\"u%02d\"%s,\"active\":%s}", i, z(title),
                                       i % 3 ? "true" : "false");
        struct answer answer;

        client_ask(client, f, a, HTTP_POST, USERS, z(body), &answer);
        CHECK(answer.status == 201, "%d", answer.status);
    }
}

/* The names of one page, joined by blanks. */
static void add_names(struct buf *out, const struct answer *answer)
{
    JSON_EACH(user, json_get(answer->json, STR("Resources")))
    {
        buf_add(out, json_get_text(user, "userName"));
        buf_add(out, json_get_text(user, "displayName"));
        buf_add_char(out, ' ');
    }
}

/* All names, page by page with cursors; checks totals, and that the last page says so. */
static struct str walk_pages(struct client *client, const struct fixture *f, struct arena *a,
                             const char *query, int count, int64_t total, int *out_pages)
{
    CLEANUP(buf_done) struct buf names;
    struct str cursor = STR("");
    int pages = 0;

    buf_init(&names, 100000);
    do {
        struct answer answer;

        ask(client, f, a,
            z(arena_printf(a, "%scount=%d&cursor=%.*s", query, count, STR_ARG(cursor))), 200,
            &answer);
        CHECK(json_get_int(answer.json, "totalResults", -1) == total, "total: %.*s",
              STR_ARG(answer.body));
        CHECK(!json_get(answer.json, STR("startIndex")), "no startIndex");
        CHECK(json_get_int(answer.json, "itemsPerPage", 0) > 0, "no empty page");
        add_names(&names, &answer);
        cursor = json_get_text(answer.json, "nextCursor");
        CHECK(++pages < 50, "ends");
    } while (cursor.len > 0);
    *out_pages = pages;
    return arena_str(a, buf_str(&names));
}

static struct str walk_by_cursor(struct client *client, const struct fixture *f, struct arena *a,
                                 const char *query, int count, int64_t total)
{
    int pages;
    struct str names = walk_pages(client, f, a, query, count, total, &pages);

    CHECK(pages == (total + count - 1) / count, "%s: %d pages", query, pages);
    return names;
}

static struct str names_by_index(struct client *client, const struct fixture *f, struct arena *a,
                                 const char *query, int count, int64_t total)
{
    CLEANUP(buf_done) struct buf names;

    buf_init(&names, 100000);
    for (int start = 1; start <= total; start += count) {
        struct answer answer;

        ask(client, f, a, z(arena_printf(a, "%scount=%d&startIndex=%d", query, count, start)), 200,
            &answer);
        CHECK(json_get_int(answer.json, "totalResults", -1) == total, "total");
        add_names(&names, &answer);
    }
    return arena_str(a, buf_str(&names));
}

static void check_pages(const struct db_config *config)
{
    static const struct {
        const char *query;
        int64_t total;
        const char *begin; /* the first names */
    } rows[] = {
        {USERS "?", COUNT, "u00 u01 u02 "},
        {USERS "?filter=title+pr&", 18, "u01 u02 u03 u04 u06 "},
        {USERS "?sortBy=title&", COUNT, "u04 u08 u12 u16 u03 u07 u11 u19 u02 "},
        {USERS "?sortBy=TITLE&sortOrder=Descending&", COUNT, "u00 u05 u10 u15 u20 u01 u09 "},
        {USERS "?sortBy=title&filter=active+eq+true&", 15, "u04 u08 u16 u07 "},
        {USERS "?sortBy=nobody&", COUNT, "u00 u01 u02 "},
        {USERS "?sortBy=&sortOrder=descending&", COUNT, "u00 u01 u02 "},
        {USERS "?sortBy=userName&sortOrder=descending&", COUNT, "u22 u21 u20 "},
        {USERS "?sortBy=meta.created&sortOrder=descending&filter=userName+eq+%22u07%22&", 1,
         "u07 "},
    };
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct fixture f;
    struct client client;

    fixture_start(&f, config);
    fixture_tenant(&f, "generic", "t");
    client_open(&client, f.port);
    add_users(&client, &f, a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str whole = names_by_index(&client, &f, a, rows[i].query, 200, rows[i].total);

        CHECK(str_starts(whole, str_from_z(rows[i].begin)), "%s: %.*s", rows[i].query,
              STR_ARG(whole));
        CHECK(whole.len == (size_t)rows[i].total * 4, "%s: %.*s", rows[i].query, STR_ARG(whole));
        for (int count = 1; count <= COUNT; count += count < 4 ? 1 : 9) {
            CHECK_STR(names_by_index(&client, &f, a, rows[i].query, count, rows[i].total), z(whole),
                      "%s pages of %d", rows[i].query, count);
            CHECK_STR(walk_by_cursor(&client, &f, a, rows[i].query, count, rows[i].total), z(whole),
                      "%s cursor pages of %d", rows[i].query, count);
        }
    }
    client_close(&client);
    fixture_stop(&f);
}

static void pages_hold_the_order(void **state)
{
    (void)state;
    test_databases(check_pages);
}

/* --- Cursors --- */

static struct str first_cursor(struct client *client, const struct fixture *f, struct arena *a,
                               const char *query, struct answer *out)
{
    ask(client, f, a, z(arena_printf(a, "%scursor", query)), 200, out);
    CHECK(json_get_text(out->json, "nextCursor").len > 0, "a cursor");
    return json_get_text(out->json, "nextCursor");
}

/* What is gone or new between two pages shifts nothing. */
static void check_stable(const struct db_config *config)
{
    static const char *const queries[] = {USERS "?count=5&", USERS "?count=5&sortBy=userName&",
                                          USERS "?count=5&filter=userName+sw+%22u%22&"};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct fixture f;
    struct client client;

    fixture_start(&f, config);
    for (size_t i = 0; i < ARRAY_LEN(queries); i++) {
        CLEANUP(buf_done) struct buf names;
        struct answer page, answer;
        struct str cursor;

        buf_init(&names, 1000);
        if (i > 0)
            CHECK(provider_tenant_remove(f.db, STR("t"), NULL), "remove");
        fixture_tenant(&f, "generic", "t");
        client_open(&client, f.port);
        add_users(&client, &f, a);
        cursor = first_cursor(&client, &f, a, queries[i], &page);
        JSON_EACH(user, json_get(page.json, STR("Resources"))) /* also the last of the page */
        {
            client_ask(&client, &f, a, HTTP_DELETE,
                       z(arena_printf(a, USERS "/%s", z(json_get_text(user, "id")))), NULL,
                       &answer);
            CHECK(answer.status == 204, "%d", answer.status);
        }
        client_ask(&client, &f, a, HTTP_POST, USERS, "{\"userName\":\"a-new\"}", &answer);
        CHECK(answer.status == 201, "%d", answer.status);
        ask(&client, &f, a, z(arena_printf(a, "%scursor=%s", queries[i], z(cursor))), 200, &page);
        add_names(&names, &page);
        CHECK_STR(buf_str(&names), "u05 u06 u07 u08 u09 ", "%s", queries[i]);
        client_close(&client);
    }
    fixture_stop(&f);
}

static void cursors_are_stable(void **state)
{
    (void)state;
    test_databases(check_stable);
}

static void check_bound(const struct db_config *config)
{
    static const struct {
        const char *query, *scim_type; /* %s: the cursor of USERS?count=2&sortBy=title */
    } rows[] = {
        {USERS "?count=2&sortBy=title&filter=title+pr&cursor=%s", "invalidCursor"},
        {USERS "?count=2&sortBy=userName&cursor=%s", "invalidCursor"},
        {USERS "?count=2&cursor=%s", "invalidCursor"},
        {USERS "?count=2&sortBy=title&sortOrder=descending&cursor=%s", "invalidCursor"},
        {"/scim/t/v2/Groups?count=2&sortBy=title&cursor=%s", "invalidCursor"},
        {USERS "?count=2&sortBy=title&cursor=A%s", "invalidCursor"},
        {USERS "?count=2&sortBy=title&cursor=%sAAAA", "invalidCursor"},
        {USERS "?count=2&sortBy=title&cursor=%s%%00", "invalidCursor"},
        {USERS "?count=3&sortBy=title&cursor=%s", "invalidCount"},
        {USERS "?sortBy=title&cursor=%s", "invalidCount"},
        {USERS "?count=0&sortBy=title&cursor=%s", "invalidCount"},
        {USERS "?count=201&cursor&ignored=%s", "invalidCount"},
        {USERS "?count=x&cursor&ignored=%s", "invalidCount"},
        {USERS "?sortBy=title&sortOrder=up&ignored=%s", "invalidValue"},
    };
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct fixture f;
    struct client client;
    struct answer answer;
    struct str cursor;

    fixture_start(&f, config);
    fixture_tenant(&f, "generic", "t");
    client_open(&client, f.port);
    add_users(&client, &f, a);
    cursor = first_cursor(&client, &f, a, USERS "?count=2&sortBy=title&", &answer);
    ask(&client, &f, a, z(arena_printf(a, USERS "?count=2&sortBy=title&cursor=%s", z(cursor))), 200,
        &answer);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        size_t at = 0;
        struct str query = str_from_z(rows[i].query);

        CHECK(str_find(query, STR("%s"), &at), "row");
        ask(&client, &f, a,
            z(arena_printf(a, "%.*s%s%s", (int)at, query.ptr, z(cursor),
                           strstr(query.ptr, "%%") ? "%00" : query.ptr + at + 2)),
            400, &answer);
        CHECK_STR(json_get_text(answer.json, "scimType"), rows[i].scim_type, "%s", rows[i].query);
    }
    fixture_tenant(&f, "generic", "other");
    ask(&client, &f, a,
        z(arena_printf(a, "/scim/other/v2/Users?count=2&sortBy=title&cursor=%s", z(cursor))), 400,
        &answer);
    CHECK_STR(json_get_text(answer.json, "scimType"), "invalidCursor", "another tenant");
    client_close(&client);
    fixture_stop(&f);
}

static void cursors_are_bound(void **state)
{
    (void)state;
    test_databases(check_bound);
}

static void cursors_cannot_be_altered(void **state)
{
    static const unsigned char key[CURSOR_KEY_BYTES] = {1, 2, 3};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct cursor made = {
        .after = {.key = STR("\1k\0ey"), .created_us = -5}, .count = 7, .made_us = 100};
    struct cursor back;
    struct err err = {0};
    struct str text;

    (void)state;
    memset(made.after.id, 'f', 36);
    text = cursor_write(a, key, rng_system(), STR("list"), &made);
    CHECK(cursor_read(a, key, STR("list"), text, 100, &back, &err), "%s", err.message);
    CHECK(str_eq(back.after.key, made.after.key) && back.after.created_us == -5 && back.count == 7,
          "as made");
    CHECK_STR(str_from_z(back.after.id), made.after.id, "id");
    CHECK(!cursor_read(a, key, STR("list"), text, 101, &back, &err), "old");
    CHECK_STR(str_from_z(err.code), "expiredCursor", "old");
    CHECK(!cursor_read(a, key, STR("lisp"), text, 100, &back, &err), "another list");
    for (size_t i = 0; i < text.len; i++) {
        char *copy = arena_z(a, text);

        copy[i] = copy[i] == 'A' ? 'B' : 'A';
        CHECK(!cursor_read(a, key, STR("list"), str_from_z(copy), 100, &back, &err), "at %zu", i);
        CHECK_STR(str_from_z(err.code), "invalidCursor", "at %zu", i);
        CHECK(!cursor_read(a, key, STR("list"), str_sub(text, 0, i), 100, &back, &err), "cut");
    }
}

/* --- Searches and the root --- */

static void add_groups(struct client *client, const struct fixture *f, struct arena *a)
{
    static const char *const names[] = {"g1", "u01", "U05"};
    struct answer answer;

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        client_ask(client, f, a, HTTP_POST, "/scim/t/v2/Groups",
                   z(arena_printf(a, "{\"displayName\":\"%s\"}", names[i])), &answer);
        CHECK(answer.status == 201, "%d", answer.status);
    }
}

static void check_searches(const struct db_config *config)
{
    static const struct {
        const char *path, *body;
        int status;
        const char *expected; /* names, or the scimType */
    } rows[] = {
        {"/Users/.search", "{}", 200,
         "u00 u01 u02 u03 u04 u05 u06 u07 u08 u09 u10 u11 u12 u13 u14 u15 u16 u17 u18 u19 u20 u21 "
         "u22 "},
        {"/users/.SEARCH/",
         "{\"filter\":\"userName sw \\\"u0\\\"\",\"count\":2,"
         "\"startIndex\":\"3\",\"schemas\":[\"urn:x\"]}",
         200, "u02 u03 "},
        {"/Groups/.search", "{\"sortBy\":\"displayName\",\"sortOrder\":\"descending\"}", 200,
         "U05 u01 g1 "},
        {"/.search", "{\"filter\":\"userName sw \\\"U0\\\"\",\"count\":4,\"cursor\":null}", 200,
         "u00 u01 u02 u03 "},
        {"/.search", "{\"filter\":\"not (userName pr)\"}", 200, "g1 u01 U05 "},
        {"/.search", "{\"filter\":\"displayName pr\",\"sortBy\":\"displayName\"}", 200,
         "g1 u01 U05 "},
        {"/.search", "{\"count\":3,\"startIndex\":22,\"excludedAttributes\":[\"members\"]}", 200,
         "u21 u22 g1 "},
        {"/.search", "{\"count\":2,\"attributes\":\"userName,title\",\"cursor\":\"\"}", 200,
         "u00 u01 "},
        {"/.search", "{\"filter\":\"userName\"}", 400, "invalidFilter"},
        {"/.search", "{\"filter\":7}", 400, "invalidSyntax"},
        {"/.search", "{\"attributes\":[1]}", 400, "invalidSyntax"},
        {"/.search", "{\"count\":true}", 400, "invalidValue"},
        {"/.search", "{\"count\":1.5}", 400, "invalidValue"},
        {"/.search", "{\"cursor\":\"AAAA\"}", 400, "invalidCursor"},
        {"/.search", "[]", 400, "invalidSyntax"},
        {"/.search", "{\"attributes\":\"id\",\"excludedAttributes\":[\"title\"]}", 400,
         "invalidValue"},
        {"/.search", "{\"filter\":\"password eq \\\"x\\\"\"}", 400, "invalidFilter"},
        {"/Schemas/.search", "{}", 405, ""},
        {"/Nothing/.search", "{}", 404, ""},
        {"/", "{}", 404, ""},
    };
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct fixture f;
    struct client client;
    struct answer answer;

    fixture_start(&f, config);
    fixture_tenant(&f, "generic", "t");
    client_open(&client, f.port);
    add_users(&client, &f, a);
    add_groups(&client, &f, a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(buf_done) struct buf names;

        buf_init(&names, 1000);
        client_ask(&client, &f, a, HTTP_POST, z(arena_printf(a, "/scim/t/v2%s", rows[i].path)),
                   rows[i].body, &answer);
        CHECK(answer.status == rows[i].status, "row %zu: %d %.*s", i, answer.status,
              STR_ARG(answer.body));
        add_names(&names, &answer);
        if (rows[i].status != 200)
            buf_add(&names, json_get_text(answer.json, "scimType"));
        CHECK_STR(buf_str(&names), rows[i].expected, "row %zu", i);
    }
    for (int as_list = 0; as_list < 2; as_list++) {
        char *body = arena_alloc(a, 20000);

        memset(body, 'x', 19000);
        client_ask(&client, &f, a, HTTP_POST, "/scim/t/v2/.search",
                   z(arena_printf(
                       a, as_list ? "{\"attributes\":[\"%s\"]}" : "{\"attributes\":\"%s\"}", body)),
                   &answer);
        CHECK(answer.status == 400, "too many names: %d", answer.status);
    }
    CHECK_STR(walk_by_cursor(&client, &f, a, "/scim/t/v2/?", 5, COUNT + 3),
              z(names_by_index(&client, &f, a, "/scim/t/v2?", 4, COUNT + 3)), "root");
    CHECK_STR(walk_by_cursor(&client, &f, a, "/scim/t/v2/?sortBy=displayName&", 5, COUNT + 3),
              z(names_by_index(&client, &f, a, "/scim/t/v2?sortBy=displayName&", 50, COUNT + 3)),
              "sorted root");
    client_ask(&client, &f, a, HTTP_GET, "/scim/t/v2/.search", NULL, &answer);
    CHECK(answer.status == 405, "%d", answer.status);
    CHECK_STR(answer_header(&answer, STR("Allow")), "POST", "Allow");
    client_close(&client);
    fixture_stop(&f);
}

static void searches_and_the_root(void **state)
{
    (void)state;
    test_databases(check_searches);
}

/* --- Ranking --- */

static void ranking_keeps_the_first(void **state)
{
    struct rng_seeded rng;

    (void)state;
    rng_seeded_init(&rng, 7);
    for (int round = 0; round < 50; round++) {
        struct rank_item all[200];
        char keys[200];
        struct ranking r;
        size_t limit = (size_t)rng_below(&rng.rng, 220);

        ranking_init(&r, round % 2 ? RANK_ASCENDING : RANK_DESCENDING, (int64_t)limit);
        for (size_t i = 0; i < ARRAY_LEN(all); i++) {
            keys[i] = (char)('a' + rng_below(&rng.rng, 5));
            all[i] = (struct rank_item){.key = {&keys[i], 1}, .created_us = (int64_t)i, .id = "x"};
            CHECK(ranking_offer(&r, &all[i], NULL), "offer");
        }
        ranking_sort(&r);
        CHECK(r.count == (limit < 200 ? limit : 200), "%zu of %zu", r.count, limit);
        for (size_t i = 0; i < r.count; i++) {
            size_t before = 0;

            for (size_t k = 0; k < ARRAY_LEN(all); k++)
                before += rank_compare(r.order, &all[k], &r.items[i]) < 0;
            CHECK(before == i, "item %zu has %zu before it", i, before);
        }
        ranking_done(&r);
    }
}

static void ranking_is_bounded(void **state)
{
    struct rank_item item = {.id = "x"};
    struct err err = {0};
    struct ranking r;
    bool ok = true;
    int i = 0;

    (void)state;
    ranking_init(&r, RANK_ASCENDING, INT64_MAX);
    while (ok && i <= RANK_ITEMS_MAX) {
        item.created_us = i++;
        ok = ranking_offer(&r, &item, &err);
    }
    CHECK(!ok && i == RANK_ITEMS_MAX + 1, "%d", i);
    CHECK_STR(str_from_z(err.code), "tooMany", "code");
    ranking_done(&r);
}

/* A page is as long as its bytes allow; the next one begins where it ended. */
static void check_large(const struct db_config *config)
{
    enum { LARGE = 20, VALUES = 10, VALUE = 60000 };
    static const char *const orders[] = {"", "sortBy=userName&", "sortBy=title&",
                                         "filter=title+pr&sortBy=title&"};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(buf_done) struct buf body;
    struct fixture f;
    struct client client;
    struct answer answer;

    fixture_start(&f, config);
    fixture_tenant(&f, "generic", "t");
    client_open(&client, f.port);
    buf_init(&body, 1 << 20);
    for (int i = 0; i < LARGE; i++) {
        buf_reset(&body);
        buf_addf(&body, "{\"userName\":\"u%02d\",\"title\":\"t%02d\",\"roles\":[", i, i);
        for (int k = 0; k < VALUES; k++)
            buf_addf(&body, "%s{\"value\":\"%0*d\"}", k ? "," : "", VALUE, k);
        buf_add_z(&body, "]}");
        client_ask(&client, &f, a, HTTP_POST, USERS, buf_z(&body), &answer);
        CHECK(answer.status == 201, "%.*s", STR_ARG(answer.body));
    }
    for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
        int64_t seen = 0, pages = 0;

        for (; seen < LARGE && pages < 10; pages++) {
            ask(&client, &f, a,
                z(arena_printf(a, USERS "?%scount=100&startIndex=%lld", orders[i],
                               (long long)seen + 1)),
                200, &answer);
            CHECK(answer.body.len < 10 << 20, "%zu bytes", answer.body.len);
            CHECK(json_get_int(answer.json, "totalResults", 0) == LARGE, "all are counted");
            CHECK(json_get_int(answer.json, "itemsPerPage", 0) ==
                      (int64_t)json_get(answer.json, STR("Resources"))->count,
                  "and told how many are here");
            JSON_EACH(user, json_get(answer.json, STR("Resources")))
            CHECK_STR(json_get_text(user, "userName"), arena_printf(a, "u%02d", (int)seen++).ptr,
                      "%s", orders[i]);
        }
        CHECK(seen == LARGE && pages == 2, "%s: %lld pages", orders[i], (long long)pages);
        int by_cursor;
        struct str names = walk_pages(&client, &f, a, z(arena_printf(a, USERS "?%s", orders[i])),
                                      30, LARGE, &by_cursor);
        CHECK(names.len == LARGE * strlen("u00 ") && by_cursor == 2, "%s: %.*s", orders[i],
              STR_ARG(names));
    }
    client_close(&client);
    fixture_stop(&f);
}

static void pages_end_by_size(void **state)
{
    (void)state;
    test_databases(check_large);
}

TEST_GROUP(list, cmocka_unit_test(pages_end_by_size), cmocka_unit_test(pages_hold_the_order),
           cmocka_unit_test(cursors_are_stable), cmocka_unit_test(cursors_are_bound),
           cmocka_unit_test(cursors_cannot_be_altered), cmocka_unit_test(searches_and_the_root),
           cmocka_unit_test(ranking_keeps_the_first), cmocka_unit_test(ranking_is_bounded));
