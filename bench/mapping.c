/* What mapping costs, beside a calibration loop that parses the same person's JSON: prints
 * microseconds of one core for parsing, for mapping the person with the attributes of Joyn FSM, and
 * for a scoping filter of five clauses, and how many attributes were mapped:
 *   bench_mapping [ROUNDS] */
#include "gallery/gallery.h"
#include "mapping/program.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const char person[] =
    "{\"id\":\"6f2b1c34-8d0e-4c55-9a37-1f0f6f6c0a11\",\"userPrincipalName\":\"ada.lovelace@contoso."
    "com\",\"accountEnabled\":true,\"displayName\":\"Ada Lovelace\",\"givenName\":\"Ada\","
    "\"surname\":\"Lovelace\",\"mail\":\"ada.lovelace@contoso.com\",\"mailNickname\":\"ada."
    "lovelace\",\"jobTitle\":\"Service Engineer\",\"department\":\"Field Service\",\"companyName\":"
    "\"Contoso\",\"city\":\"Berlin\",\"country\":\"DE\",\"state\":\"Berlin\",\"streetAddress\":"
    "\"Unter den Linden 1\",\"postalCode\":\"10117\",\"telephoneNumber\":\"+49 30 1234567\","
    "\"mobile\":\"+49 171 1234567\",\"facsimileTelephoneNumber\":\"+49 30 1234568\","
    "\"employeeId\":\"100042\",\"preferredLanguage\":\"de-DE\",\"physicalDeliveryOfficeName\":"
    "\"B 1\",\"manager\":\"0d6cbb11-13a3-4bb8-8b53-7ad1a1a1a1a1\",\"employeeHireDate\":"
    "\"2020-01-01T00:00:00Z\",\"userType\":\"Member\",\"appRoleAssignments\":[{\"id\":\"a2\","
    "\"value\":\"Technician\",\"displayName\":\"Technician\"}]}";

static const char filter[] =
    "{\"groups\":[{\"name\":\"g\",\"clauses\":["
    "{\"sourceOperandName\":\"accountEnabled\",\"operatorName\":\"IS TRUE\"},"
    "{\"sourceOperandName\":\"city\",\"operatorName\":\"EQUALS\",\"targetOperand\":{\"values\":["
    "\"Berlin\"]}},"
    "{\"sourceOperandName\":\"department\",\"operatorName\":\"INCLUDES\",\"targetOperand\":{"
    "\"values\":[\"Service\"]}},"
    "{\"sourceOperandName\":\"employeeId\",\"operatorName\":\"GREATER_THAN\",\"targetOperand\":{"
    "\"values\":[\"1000\"]}},"
    "{\"sourceOperandName\":\"jobTitle\",\"operatorName\":\"IS NOT NULL\"}]}]}";

enum { TURNS = 7 };

struct bench {
    struct arena *arena; /* of one round */
    const struct json *person;
    const struct mapping_object *object;
    const struct mapping_object *filtered;
    struct mapping_context context;
    bool ok;
};

static double cpu_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void parse(struct bench *b)
{
    struct json *v;

    b->ok &= json_parse(b->arena, str_from_z(person), NULL, &v, NULL, NULL);
}

static void map(struct bench *b)
{
    struct mapping_source s = {.kind = SOURCE_USER, .attributes = b->person};
    struct mapping_value *values =
        ARENA_ARRAY(b->arena, struct mapping_value, b->object->attribute_count);
    struct err err;

    b->ok &= mapping_evaluate(b->object, &s, &b->context, b->arena, values, &err);
}

static void judge(struct bench *b)
{
    struct mapping_source s = {.kind = SOURCE_USER, .attributes = b->person};

    b->ok &= mapping_in_scope(b->filtered, &s, &b->context, b->arena, NULL);
}

static double best(struct bench *b, void (*what)(struct bench *b), long rounds)
{
    double least = 1e9;

    for (int turn = 0; turn < TURNS; turn++) {
        double began = cpu_us();

        for (long i = 0; i < rounds; i++) {
            what(b);
            arena_reset(b->arena);
        }
        began = (cpu_us() - began) / (double)rounds;
        least = began < least ? began : least;
    }
    return least;
}

static bool prepare(struct bench *b, struct arena *a, struct err *err)
{
    const struct mapping_program *program;
    struct mapping_finding *findings = NULL;
    struct gallery_template template;
    struct json *schema;
    struct json *json;

    if (!gallery_load(a, STR("joynfsm"), &template, err) ||
        !gallery_schema(a, &template, rng_system(), &schema, err) ||
        !mapping_compile(a, schema, &program, &findings, err) ||
        !json_parse(a, str_from_z(filter), NULL, &json, NULL, err) ||
        !mapping_compile_filter(a, json, SOURCE_USER, &b->filtered, &findings, err) ||
        !json_parse(a, str_from_z(person), NULL, &json, NULL, err))
        return false;
    b->person = json;
    b->object = mapping_for(program, SOURCE_USER);
    return true;
}

int main(int argc, char **argv)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(arena_freep) struct arena *round = arena_new();
    struct bench b = {
        .arena = round, .context = {.now_us = 1700000000000000, .rng = rng_system()}, .ok = true};
    long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : 50000;
    double parsing;
    double mapping;
    double judging;
    struct err err = {0};

    if (!prepare(&b, a, &err) || rounds < 1) {
        (void)fprintf(stderr, "bench_mapping: %s\n", err.message);
        return 1;
    }
    parsing = best(&b, parse, rounds);
    mapping = best(&b, map, rounds);
    judging = best(&b, judge, rounds);
    (void)printf("%.3f %.3f %.3f %zu\n", parsing, mapping, judging, b.object->attribute_count);
    return b.ok ? 0 : 1;
}
