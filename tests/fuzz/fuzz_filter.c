/* Scoping filters: what compiles is judged without changing anything, and the two ways to judge
 * agree; what is refused has a finding with a pointer. The input is the filter as JSON, and behind
 * an optional NUL the attributes of the person. */
#include "mapping/program.h"

#include <assert.h>

static const char person_text[] =
    "{\"city\":\"Straße\",\"accountEnabled\":true,\"employeeHireDate\":\"2024-02-29T12:00:00Z\","
    "\"memberOf\":[\"0b7d6c1e-0000-4000-8000-000000000001\"],\"manager\":\"m1\",\"mail\":\"a@b\","
    "\"proxyAddresses\":[\"SMTP:a\",\"smtp:b\",null],\"department\":\"42\",\"userType\":\"Guest\","
    "\"appRoleAssignments\":[{\"id\":\"1\",\"value\":\"Admin\",\"displayName\":\"A\"}]}";

static struct str group_id(void *ctx, struct str name)
{
    (void)ctx;
    return name.len % 2 == 0 ? STR("0b7d6c1e-0000-4000-8000-000000000001") : (struct str){0};
}

static void judging_agrees(struct arena *a, const struct mapping_object *m,
                           const struct json *person)
{
    struct mapping_source s = {.kind = m->kind, .attributes = person, .manager = person};
    struct mapping_context c = {.now_us = 1709208000000000, .group_id = group_id};
    struct str before = json_text(a, person);
    struct mapping_verdict v;
    struct str reason = {0};
    bool in = mapping_in_scope(m, &s, &c, a, &reason);

    mapping_judge(m, &s, &c, a, &v);
    assert(v.in_scope == in);
    assert(str_eq(v.reason, reason));
    assert(in == (reason.len == 0));
    assert(v.turns_us == 0 || v.turns_us > c.now_us);
    /* One group of each set that holds, or the set is empty: counted from the clauses. */
    for (size_t i = 0; i < v.clause_count; i++) {
        assert(v.clauses[i].set && v.clauses[i].text.len > 0);
        assert(!v.clauses[i].empty || !v.clauses[i].value || json_text(a, v.clauses[i].value).len);
    }
    assert(str_eq(json_text(a, person), before));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct str text = {(const char *)data, size};
    struct str filter;
    const struct mapping_object *m = NULL;
    struct mapping_finding *findings = NULL;
    struct json *scope;
    struct json *person;
    struct err err = {0};

    if (!str_cut(&text, '\0', &filter))
        text = str_from_z(person_text);
    if (!json_parse(a, filter, NULL, &scope, NULL, NULL) || !json_is(scope, JSON_OBJECT) ||
        !json_parse(a, text, NULL, &person, NULL, NULL) || !json_is(person, JSON_OBJECT))
        return 0;
    for (int kind = 0; kind < SOURCE_KIND_COUNT; kind++) {
        if (mapping_compile_filter(a, scope, (enum source_kind)kind, &m, &findings, &err)) {
            judging_agrees(a, m, person);
            continue;
        }
        assert(err.message[0]);
        for (const struct mapping_finding *f = findings; f; f = f->next)
            assert(f->code && f->message.len > 0);
    }
    return 0;
}
