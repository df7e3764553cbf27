/* Operations on members that undo each other: the version moves with what is stored (scim.md 2.9).
 */
#include "fixture.h"
#include "frame/postgres.h"

#define OPS(ops)   "{\"Operations\":[" ops "]}"
#define ADD(id)    "{\"op\":\"add\",\"path\":\"members\",\"value\":[{\"value\":\"" id "\"}]}"
#define REMOVE(id) "{\"op\":\"remove\",\"path\":\"members[value eq \\\"" id "\\\"]\"}"
#define LEAVE(id)  "{\"op\":\"remove\",\"path\":\"members\",\"value\":[{\"value\":\"" id "\"}]}"
#define CLEAR      "{\"op\":\"remove\",\"path\":\"members\"}"
#define SET(id)    "{\"op\":\"replace\",\"path\":\"members\",\"value\":[{\"value\":\"" id "\"}]}"

static struct str made(struct client *client, struct fixture *f, struct arena *a, const char *path,
                       const char *body)
{
    struct answer answer;

    client_ask(client, f, a, HTTP_POST, path, body, &answer);
    CHECK(answer.status == 201, "%.*s", STR_ARG(answer.body));
    return arena_str(a, json_get_text(answer.json, "id"));
}

static struct str with_ids(struct arena *a, struct str text, struct str one, struct str two)
{
    CLEANUP(buf_done) struct buf out;
    struct str before;

    buf_init(&out, 4096);
    while (str_cut(&text, '$', &before)) {
        buf_add(&out, before);
        buf_add(&out, str_starts(text, STR("1")) ? one : two);
        text = str_from(text, 1);
    }
    buf_add(&out, before);
    return arena_str(a, buf_str(&out));
}

static void check_versions(const struct db_config *config)
{
    /* In turn, on a group that has member $1. */
    static const struct {
        const char *body;
        bool changes;
        size_t members;
    } cases[] = {
        {OPS(ADD("$2") "," REMOVE("$2")), false, 1},
        {OPS(REMOVE("$1") "," ADD("$1")), false, 1},
        {OPS(CLEAR "," ADD("$1")), false, 1},
        {OPS(SET("$2") "," SET("$1")), false, 1},
        {OPS(ADD("$2") "," LEAVE("$2") "," ADD("$1")), false, 1},
        {OPS(REMOVE("$1") "," ADD("$2")), true, 1},
        {OPS(ADD("$1") "," ADD("$2")), true, 2},
        {OPS(ADD("$1") "," CLEAR), true, 0},
        {OPS(ADD("$1") "," CLEAR), false, 0},
        {OPS(ADD("$1") "," REMOVE("$1") "," ADD("$2")), true, 1},
    };
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct client client;
    struct answer answer;
    struct fixture f;

    fixture_start(&f, config);
    fixture_tenant(&f, "generic", "t");
    client_open(&client, f.port);
    struct str one = made(&client, &f, a, "/scim/t/v2/Users", "{\"userName\":\"one\"}");
    struct str two = made(&client, &f, a, "/scim/t/v2/Users", "{\"userName\":\"two\"}");
    struct str body =
        with_ids(a, STR("{\"displayName\":\"crew\",\"members\":[{\"value\":\"$1\"}]}"), one, two);
    struct str id = made(&client, &f, a, "/scim/t/v2/Groups", body.ptr);
    const char *group = arena_printf(a, "/scim/t/v2/Groups/%.*s", STR_ARG(id)).ptr;
    client_ask(&client, &f, a, HTTP_GET, group, NULL, &answer);
    struct str version = answer_header(&answer, STR("ETag"));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        body = with_ids(a, str_from_z(cases[i].body), one, two);
        client_ask(&client, &f, a, HTTP_PATCH, group, body.ptr, &answer);
        CHECK(answer.status == 204, "%s: %.*s", cases[i].body, STR_ARG(answer.body));
        client_ask(&client, &f, a, HTTP_GET, group, NULL, &answer);
        struct str now = answer_header(&answer, STR("ETag"));
        CHECK(str_eq(now, version) != cases[i].changes, "%zu: %.*s then %.*s", i, STR_ARG(version),
              STR_ARG(now));
        const struct json *members = json_get(answer.json, STR("members"));
        CHECK((members ? members->count : 0) == cases[i].members, "%zu: %.*s", i,
              STR_ARG(answer.body));
        version = now;
    }
    client_close(&client);
    fixture_stop(&f);
}

static void versions_move_with_members(void **state)
{
    (void)state;
    test_databases(check_versions);
}

TEST_GROUP(member, cmocka_unit_test(versions_move_with_members))
