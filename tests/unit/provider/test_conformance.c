/* The executable cases of tests/conformance/scim/, over HTTP, on both databases: cases.json, and
 * own.json in the same format, where a case may have a tenant of its own making: "schema" is the
 * document it is made of, "settings" what is set. */
#include "assertion.h"
#include "base/file.h"
#include "frame/postgres.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CASES_FILE TESTS_DIR "/conformance/scim/cases.json"
#define OWN_FILE   TESTS_DIR "/conformance/scim/own.json"
#define LATER_FILE TESTS_DIR "/conformance/scim/later.txt"

#define CASES_TOTAL 120
#define CASES_LATER 0

struct run {
    struct fixture fixture;
    struct client client;
    struct variables variables;
    struct str id; /* of the case */
    struct str tenant;
};

static struct str read_all(struct arena *a, const char *path)
{
    CLEANUP(buf_done) struct buf text;
    FILE *f = fopen(path, "rb");
    char bytes[65536];
    size_t got;

    CHECK(f, "%s", path);
    buf_init(&text, (size_t)16 * 1024 * 1024);
    while ((got = fread(bytes, 1, sizeof(bytes), f)) > 0)
        buf_add(&text, (struct str){bytes, got});
    fclose(f);
    return arena_str(a, buf_str(&text));
}

/* The name of a case of a later issue stands at the beginning of a line. */
static bool is_later(struct str list, struct str id)
{
    struct str line;
    bool more = true;

    while (more) {
        more = str_cut(&list, '\n', &line);
        if (str_starts(line, id))
            return true;
    }
    return false;
}

static void add_encoded(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (ascii_is_alpha(c) || ascii_is_digit(c) || strchr("-_.~", c))
            buf_add_char(out, c);
        else
            buf_addf(out, "%%%02X", (unsigned char)c);
    }
}

static void add_headers(struct run *r, const struct json *step, struct buf *request, bool has_body)
{
    const struct json *own = json_get(step, STR("headers"));
    const struct {
        const char *name;
        struct str value;
    } defaults[] = {
        {"Authorization", arena_printf(r->variables.arena, "Bearer %s", r->fixture.key.bytes)},
        {"Accept", STR("application/scim+json")},
        {"Content-Type", has_body ? STR("application/scim+json") : (struct str){0}},
    };

    for (size_t i = 0; i < ARRAY_LEN(defaults); i++)
        if (defaults[i].value.len > 0 && !json_get_nocase(own, str_from_z(defaults[i].name)))
            buf_addf(request, "%s: %.*s\r\n", defaults[i].name, STR_ARG(defaults[i].value));
    JSON_EACH(header, own)
    if (header->type == JSON_STRING)
        buf_addf(request, "%.*s: %.*s\r\n", STR_ARG(header->name),
                 STR_ARG(expand(&r->variables, header->text)));
}

static enum http_method method_of(struct str name)
{
    for (int m = 0; m < HTTP_METHOD_COUNT; m++)
        if (str_eq_z(name, http_method_name((enum http_method)m)))
            return (enum http_method)m;
    test_fail(__FILE__, __LINE__, "method", "%.*s", STR_ARG(name));
}

static struct str body_of(struct run *r, const struct json *step)
{
    const struct json *raw = json_get(step, STR("raw"));
    const struct json *body = json_get(step, STR("body"));

    if (raw)
        return expand(&r->variables, raw->text);
    return body ? json_text(r->variables.arena, expand_json(&r->variables, body)) : (struct str){0};
}

static void send_step(struct run *r, const struct json *step, struct answer *out)
{
    CLEANUP(buf_done) struct buf request;
    struct str target = expand(&r->variables, json_get_text(step, "req"));
    struct str body = body_of(r, step);
    bool has_body = json_get(step, STR("raw")) || json_get(step, STR("body"));
    struct str method;
    char joint = '?';

    buf_init(&request, (size_t)16 * 1024 * 1024);
    CHECK(str_cut(&target, ' ', &method), "req");
    buf_addf(&request, "%.*s /scim/%.*s/v2%.*s", STR_ARG(method), STR_ARG(r->tenant),
             STR_ARG(target));
    JSON_EACH(parameter, json_get(step, STR("query")))
    {
        struct str value = parameter->type == JSON_STRING
                               ? expand(&r->variables, parameter->text)
                               : json_text(r->variables.arena, parameter);

        buf_addf(&request, "%c%.*s=", joint, STR_ARG(parameter->name));
        add_encoded(&request, value);
        joint = '&';
    }
    buf_addf(&request, " HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n", r->fixture.port);
    add_headers(r, step, &request, has_body);
    if (has_body)
        buf_addf(&request, "Content-Length: %zu\r\n", body.len);
    buf_add_z(&request, "\r\n");
    buf_add(&request, body);
    client_send(&r->client, r->variables.arena, method_of(method), buf_str(&request), out);
}

static bool status_ok(const struct json *wanted, int status)
{
    int64_t n;

    if (!wanted)
        return status == 200;
    if (json_to_int(wanted, &n))
        return n == status;
    JSON_EACH(item, wanted)
    if (json_to_int(item, &n) && n == status)
        return true;
    return false;
}

/* Complains on standard error and goes on, so that one run shows all that fails. */
static bool run_step(struct run *r, const struct json *step, size_t index)
{
    struct arena *a = r->variables.arena;
    struct answer answer;
    struct str why;
    bool ok;

    send_step(r, step, &answer);
    ok = status_ok(json_get(step, STR("status")), answer.status);
    if (!ok)
        fprintf(stderr, "%.*s step %zu %.*s: status %d %.*s\n", STR_ARG(r->id), index,
                STR_ARG(json_get_text(step, "req")), answer.status, STR_ARG(answer.body));
    JSON_EACH(assertion, json_get(step, STR("check")))
    {
        if (holds(a, &answer, expand_json(&r->variables, assertion), &why))
            continue;
        ok = false;
        fprintf(stderr, "%.*s step %zu %.*s: %.*s\n", STR_ARG(r->id), index,
                STR_ARG(json_get_text(step, "req")), STR_ARG(why));
    }
    JSON_EACH(path, json_get(step, STR("save")))
    {
        struct json *values = select_path(a, &answer, path->text);

        if (values->count > 0)
            variables_set(&r->variables, expand(&r->variables, path->name), values->first->text);
    }
    return ok;
}

static bool run_repeated(struct run *r, const struct json *step, size_t index)
{
    const struct json *times = json_get(step, STR("times"));
    int64_t from = json_get_int(times, "from", 1);
    int64_t to = json_get_int(times, "to", 1);
    bool ok = true;

    for (int64_t i = from; ok && i <= to; i++) {
        if (times)
            variables_set(&r->variables, json_get_text(times, "var"),
                          arena_printf(r->variables.arena, "%lld", (long long)i));
        ok = run_step(r, step, index);
    }
    return ok;
}

static void make_tenant(struct run *r, const struct json *test)
{
    struct str profile = json_get_text(test, "profile");
    const struct json *schema = json_get(test, STR("schema"));
    struct fixture *f = &r->fixture;
    struct arena *a = r->variables.arena;
    struct err err = {0};

    if (!schema) {
        fixture_tenant(f, profile.len ? arena_z(a, profile) : "generic", arena_z(a, r->tenant));
    } else {
        CHECK(provider_tenant_add_custom(f->db, json_text(a, schema), r->tenant, clock_system(),
                                         &err),
              "%s: %s", err.place, err.message);
        fixture_key(f, r->tenant);
    }
    JSON_EACH(setting, json_get(test, STR("settings")))
    CHECK(provider_tenant_set(f->db, r->tenant, setting->name, setting->text, &err), "%.*s: %s",
          STR_ARG(setting->name), err.message);
}

static bool run_case(struct run *r, const struct json *test)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    size_t index = 1;
    bool ok = true;

    r->id = json_get_text(test, "id");
    r->tenant = arena_printf(a, "case-%.*s", STR_ARG(r->id));
    r->variables = (struct variables){.arena = a, .values = json_new(a, JSON_OBJECT)};
    make_tenant(r, test);
    variables_set(&r->variables, STR("base"),
                  arena_printf(a, "%s/scim/%.*s/v2", r->fixture.origin, STR_ARG(r->tenant)));
    JSON_EACH(step, json_get(test, STR("steps")))
    ok = ok && run_repeated(r, step, index++);
    return ok;
}

struct counts {
    size_t passed, failed, skipped;
};

static struct counts run_file(const struct db_config *config, const char *path)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct str later = read_all(a, LATER_FILE);
    struct run r = {.tenant = {0}};
    struct counts n = {0};
    struct json *cases;

    CHECK(json_parse(a, read_all(a, path), NULL, &cases, NULL, NULL), "%s", path);
    fixture_start(&r.fixture, config);
    client_open(&r.client, r.fixture.port);
    JSON_EACH(test, json_get(cases, STR("cases")))
    {
        if (is_later(later, json_get_text(test, "id")))
            n.skipped++;
        else if (run_case(&r, test))
            n.passed++;
        else
            n.failed++;
    }
    client_close(&r.client);
    fixture_stop(&r.fixture);
    fprintf(stderr, "%s: %zu cases passed, %zu failed, %zu left for later\n",
            test_database_kind(config), n.passed, n.failed, n.skipped);
    CHECK(n.failed == 0, "%zu cases", n.failed);
    return n;
}

static void run_all(const struct db_config *config)
{
    struct counts n = run_file(config, CASES_FILE);

    CHECK(n.skipped == CASES_LATER, "%zu skipped", n.skipped);
    CHECK(n.passed == CASES_TOTAL - CASES_LATER, "%zu passed", n.passed);
}

static void run_own(const struct db_config *config)
{
    struct counts n = run_file(config, OWN_FILE);

    CHECK(n.passed > 0, "no cases");
}

static void cases_pass(void **state)
{
    (void)state;
    test_databases(run_all);
}

static void own_cases_pass(void **state)
{
    (void)state;
    test_databases(run_own);
}

TEST_GROUP(conformance, cmocka_unit_test(cases_pass), cmocka_unit_test(own_cases_pass));
