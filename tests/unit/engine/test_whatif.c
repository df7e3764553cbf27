/* What a draft would mean: told in groups, nothing sent (attribute-mappings.md 14). */
#include "engine/config.h"
#include "engine/plans/whatif.h"
#include "world.h"

static struct world *w;
static struct str ada, bob, cy;

#define OK(call)                                                           \
    do {                                                                   \
        struct err err_ = {0};                                             \
        struct err *err = &err_;                                           \
        CHECK((call), "%s: %s", err_.code ? err_.code : "", err_.message); \
    } while (0)

/* Three people, of whom ada and bob have an account; cy is to get one. */
static void start(const struct db_config *config)
{
    w = malloc(sizeof(*w));
    world_init(w, config, "scim");
    ada = world_person(w, "ada");
    bob = world_person(w, "bob");
    cy = world_person(w, "cy");
    world_set(w, ada, "department", "\"Sales\"");
    world_set(w, bob, "department", "\"Works\"");
    world_set(w, cy, "department", "\"Works\"");
    world_set(w, ada, "city", "\"Berlin\"");
    world_assign(w, ada, true);
    world_assign(w, bob, true);
    world_cycle(w);
    world_assign(w, cy, true);
}

static void end(void)
{
    world_done(w);
    free(w);
}

static struct json *stored(void)
{
    struct json *document = NULL;
    int64_t version;

    OK(engine_config_load(w->db, w->arena, w->job.no, 0, &document, &version, err));
    return document;
}

static struct json *users(struct json *document)
{
    return mapping_document_object(document, SOURCE_USER);
}

static void map_to(struct json *document, const char *target, const char *expression)
{
    struct json *mapping = mapping_document_attribute(users(document), str_from_z(target));
    struct json *source = json_new(w->arena, JSON_OBJECT);

    CHECK(mapping, "%s is mapped", target);
    json_add_z(w->arena, source, "type", "Function");
    json_add_z(w->arena, source, "expression", expression);
    json_set(w->arena, mapping, STR("source"), source);
}

static void filter(struct json *document, const char *json)
{
    struct json *scope = NULL;

    OK(json_parse(w->arena, str_from_z(json), NULL, &scope, NULL, err));
    json_set(w->arena, users(document), STR("scope"), scope);
}

static void case_exact(struct json *document, const char *name)
{
    JSON_EACH(directory, json_get(document, STR("directories")))
    {
        JSON_EACH(object, json_get(directory, STR("objects")))
        {
            JSON_EACH(attribute, json_get(object, STR("attributes")))
            {
                if (str_eq_z(json_get_text(attribute, "name"), name))
                    json_set(w->arena, attribute, STR("caseExact"), json_bool(w->arena, true));
            }
        }
    }
}

static struct engine_whatif whatif(struct json *draft)
{
    const struct mapping_program *program = NULL;
    struct mapping_finding *findings = NULL;
    struct engine_whatif out;
    struct json *document;
    int before[CALL_COUNT];

    memcpy(before, w->calls, sizeof(before));
    OK(mapping_document_check(w->arena, draft, &document, &program, &findings, err));
    OK(engine_whatif(&w->engine, w->job.no, program, NULL, w->arena, &out, err));
    CHECK(memcmp(before, w->calls, sizeof(before)) == 0, "nothing is sent");
    return out;
}

static const struct engine_whatif_group *group(const struct engine_whatif *out,
                                               enum engine_whatif_kind kind, const char *attribute)
{
    for (size_t i = 0; i < out->count; i++) {
        if (out->groups[i].kind == kind && str_eq_z(out->groups[i].attribute, attribute))
            return &out->groups[i];
    }
    return NULL;
}

#define DEPARTMENT "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department"

static void body(const struct db_config *config)
{
    const struct engine_whatif_group *g;
    struct engine_whatif out;
    struct json *draft;

    start(config);
    out = whatif(stored());
    CHECK(out.count == 0 && out.concerned == 0, "the same schema makes no difference");
    CHECK(out.read[SOURCE_USER] == 3, "all are looked at: %lld", (long long)out.read[SOURCE_USER]);
    CHECK(out.draft.by_intent[INTENT_MATCH_OR_CREATE] == 1, "cy is to come, by both");
    CHECK(out.stored.by_intent[INTENT_MATCH_OR_CREATE] == 1, "cy is to come, by both");

    draft = stored();
    map_to(draft, DEPARTMENT, "ToUpper([department])");
    out = whatif(draft);
    g = group(&out, WHATIF_CASE_UNSENT, DEPARTMENT);
    CHECK(g && g->count == 2, "two would change case, if case counted");
    g = group(&out, WHATIF_CASE, DEPARTMENT);
    CHECK(g && g->count == 1 && out.count == 2, "a new account has the new spelling");
    case_exact(draft, DEPARTMENT);
    out = whatif(draft);
    g = group(&out, WHATIF_CASE, DEPARTMENT);
    CHECK(g && g->count == 3 && g->example_count == 3 && out.count == 1, "three change case");
    CHECK(out.concerned == 3 && out.draft.by_intent[INTENT_UPDATE] == 2, "two of them by update");

    draft = stored();
    map_to(draft, DEPARTMENT, "[city]");
    map_to(draft, "title", "Append([department], \"!\")");
    out = whatif(draft);
    g = group(&out, WHATIF_CHANGED, DEPARTMENT);
    CHECK(g && g->count == 1, "ada: another value");
    CHECK_STR(g->examples[0].before, "\"Sales\"", "before");
    CHECK_STR(g->examples[0].after, "\"Berlin\"", "after");
    CHECK_STR(g->examples[0].name, "ada", "who");
    g = group(&out, WHATIF_CLEARED, DEPARTMENT);
    CHECK(g && g->count == 1, "cy has no city; bob's account keeps what it has");
    g = group(&out, WHATIF_SET, "title");
    CHECK(g && g->count == 3, "three get a title");

    draft = stored();
    filter(draft, "{\"groups\":[{\"name\":\"B\",\"clauses\":[{\"sourceOperandName\":\"city\","
                  "\"operatorName\":\"EQUALS\",\"targetOperand\":{\"values\":[\"Berlin\"]}}]}]}");
    out = whatif(draft);
    g = group(&out, WHATIF_LEAVES, "");
    CHECK(g && g->count == 2 && g->also == 1, "two leave, one of them has an account");
    CHECK(str_find(g->examples[0].after, STR("city"), &(size_t){0}), "and why: %.*s",
          STR_ARG(g->examples[0].after));
    CHECK(out.draft.by_intent[INTENT_DISABLE] == 1, "who is to be disabled");

    draft = stored();
    map_to(draft, "userName", "Append(\"x\", [userPrincipalName])");
    out = whatif(draft);
    g = group(&out, WHATIF_MATCHING, "");
    CHECK(g && g->count == 3 && g->also == 1, "all match by another value, one has to");

    draft = stored();
    map_to(draft, "title", "IIF([department] = \"Works\", Error(\"no works\"), [department])");
    out = whatif(draft);
    g = group(&out, WHATIF_ERROR, "title");
    CHECK(g && g->count == 2 && g->also == 2 && out.draft.failed == 2, "two new errors");
    CHECK(str_find(g->examples[0].after, STR("no works"), &(size_t){0}), "the error's own words");

    draft = stored();
    json_set(w->arena, users(draft), STR("enabled"), json_bool(w->arena, false));
    out = whatif(draft);
    g = group(&out, WHATIF_LEAVES, "");
    CHECK(g && g->count == 3 && g->also == 0, "nobody is handled, and nobody is disabled");
    end();
}

static void what_a_draft_means(void **state)
{
    (void)state;
    test_databases(body);
}

TEST_GROUP(whatif, cmocka_unit_test(what_a_draft_means));
