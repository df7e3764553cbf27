/* Why somebody has an account or none: from what is known here, without the target (engine.md 23).
 */
#include "engine/config.h"
#include "engine/explain/explain.h"
#include "engine/plans/apply.h"
#include "world.h"

static struct world *w;

static void start(const struct db_config *config)
{
    w = malloc(sizeof(*w));
    world_init(w, config, "scim");
}

static void end(void)
{
    world_done(w);
    free(w);
}

static struct json *explained(const char *who, int64_t at_us)
{
    struct json *v = NULL;
    struct err err = {0};

    memset(w->calls, 0, sizeof(w->calls));
    CHECK(engine_explain(&w->engine, w->job.no, str_from_z(who), at_us, w->arena, &v, &err),
          "%s: %s", who, err.message);
    for (int i = 0; i < CALL_COUNT; i++)
        CHECK(w->calls[i] == 0, "the target is not asked");
    return v;
}

static void has(struct str text, const char *part, const char *label)
{
    CHECK(str_find(text, str_from_z(part), &(size_t){0}), "%s: '%s' is not in: %.*s", label, part,
          STR_ARG(text));
}

static void answers(const char *who, const char *part, const char *label)
{
    has(json_get_text(explained(who, 0), "answer"), part, label);
}

static const struct json *member(const struct json *list, const char *key, const char *value)
{
    JSON_EACH(item, list)
    {
        if (str_eq_z(json_get_text(item, key), value))
            return item;
    }
    CHECK(false, "no %s '%s' in %.*s", key, value, STR_ARG(json_text(w->arena, list)));
    return NULL;
}

static void the_life_of_an_account(const struct db_config *config)
{
    struct err err = {0};
    struct str ada;

    start(config);
    ada = world_person(w, "ada");
    answers("ada", "'ada' has no account: it is not assigned to the application", "unassigned");
    world_assign(w, ada, true);
    answers("ada@example.com", "is to be matched or created, with the next cycle", "assigned");
    CHECK(engine_pause(&w->engine, w->job.no, &err), "%s", err.message);
    answers("ada", "but the job is Paused", "paused");
    CHECK(engine_start(&w->engine, w->job.no, &err), "%s", err.message);
    world_cycle(w);
    answers("ada", "'ada' has account t1, and it says what it should", "provisioned");
    answers("t1", "'ada' has account t1", "by the account's id");
    world_set(w, ada, "givenName", "\"Augusta\"");
    answers("ada", "to be updated, with the next cycle", "changed");
    world_set(w, ada, "accountEnabled", "false");
    answers("ada", "which is to be disabled because accountEnabled is false", "leaving");
    world_cycle(w);
    answers("ada", "has account t1, and it is disabled: accountEnabled is false", "disabled");
    world_delete(w, ada, WORLD_HARD);
    answers("ada", "which is to be deleted because it was deleted for good", "gone");
    world_cycle(w);
    answers("ada", "'ada' has no account", "deleted, and the log knows the name");
    end();
}

static void a_failure(const struct db_config *config)
{
    struct json *v;

    start(config);
    world_assign(w, world_person(w, "ada"), true);
    w->fault = (struct fault){.call = CALL_CREATE,
                              .status = TARGET_FAILED,
                              .class_ = TARGET_PERMANENT,
                              .code = "UnprocessableEntity",
                              .retry_after_ms = -1,
                              .times = 1};
    world_cycle(w);
    v = explained("ada", 0);
    has(json_get_text(v, "answer"), "UnprocessableEntity", "says what failed");
    has(json_get_text(v, "answer"), "the fake target says no", "and what was answered");
    CHECK_STR(json_get_text(json_get(v, STR("retry")), "code"), "UnprocessableEntity", "parked");
    CHECK(json_get_text(json_get(v, STR("retry")), "next").len > 0 ||
              json_is(json_get(json_get(v, STR("retry")), STR("next")), JSON_STRING),
          "with when it is next tried");
    CHECK_STR(json_get_text(json_get(v, STR("log"))->first, "status"), "failure", "in the log");
    end();
}

static void a_filter(const struct db_config *config)
{
    static const char filter[] =
        "{\"inputFilterGroups\":[{\"name\":\"Berlin\",\"clauses\":["
        "{\"sourceOperandName\":\"city\",\"operatorName\":\"EQUALS\",\"targetOperand\":"
        "{\"values\":[\"Berlin\"]}},"
        "{\"sourceOperandName\":\"surname\",\"operatorName\":\"EQUALS\",\"targetOperand\":"
        "{\"values\":[\"Test\"]}}]}]}";
    struct engine_config_change change = {.author = STR("me"), .comment = STR("Berlin only")};
    struct engine_config_check check;
    struct json *document, *scope, *v;
    const struct json *clauses;
    struct err err = {0};
    int64_t version;
    struct str ada;

    start(config);
    ada = world_person(w, "ada");
    world_set(w, ada, "city", "\"Paris\"");
    world_assign(w, ada, true);
    CHECK(engine_config_load(w->db, w->arena, w->job.no, 0, &document, &version, &err), "%s",
          err.message);
    CHECK(json_parse(w->arena, str_from_z(filter), NULL, &scope, NULL, &err), "%s", err.message);
    json_set(w->arena,
             json_get(json_get(document, STR("synchronizationRules"))->first, STR("objectMappings"))
                 ->first,
             STR("scope"), scope);
    w->clock.now += US_PER_MINUTE;
    CHECK(engine_config_check(&w->engine, w->job.no, document, GOLDEN_MAY_FAIL, w->arena, &check,
                              &err) &&
              engine_config_save(&w->engine, w->job.no, &check, &change, &version, &err),
          "%s", err.message);
    v = explained("ada", 0);
    has(json_get_text(v, "answer"), "city EQUALS 'Berlin'", "names the clause");
    clauses = json_get(json_get(v, STR("scope")), STR("clauses"));
    CHECK(clauses->count == 2, "clause by clause");
    CHECK(!json_get_bool(member(clauses, "text", "city EQUALS 'Berlin'"), "holds", true), "false");
    CHECK(json_get_bool(member(clauses, "text", "surname EQUALS 'Test'"), "holds", false), "true");
    CHECK_STR(json_get(member(clauses, "text", "city EQUALS 'Berlin'"), STR("value"))->text,
              "Paris", "with what it looked at");
    end();
}

static void mappings_and_matching(const struct db_config *config)
{
    const struct json *mapping, *criterion;
    struct json *v;
    struct str ada;

    start(config);
    ada = world_person(w, "ada");
    world_assign(w, ada, true);
    world_cycle(w);
    world_set(w, ada, "givenName", "\"Augusta\"");
    v = explained("ada", 0);
    mapping = member(json_get(v, STR("mappings")), "target", "name.givenName");
    CHECK_STR(json_get(mapping, STR("value"))->text, "Augusta", "what it gives");
    CHECK_STR(json_get(mapping, STR("lastSent"))->text, "ada", "what was sent");
    CHECK_STR(json_get(json_get(mapping, STR("inputs")), STR("givenName"))->text, "Augusta",
              "from what");
    mapping = member(json_get(v, STR("mappings")), "target", "active");
    CHECK(json_is(json_get(json_get(mapping, STR("inputs")), STR("IsSoftDeleted")), JSON_BOOL),
          "computed inputs, too");
    criterion = json_get(json_get(v, STR("matching")), STR("criteria"))->first->first;
    CHECK_STR(json_get(criterion, STR("value"))->text, "ada@example.com", "looked for by");
    CHECK(json_get(json_get(v, STR("matching")), STR("tried"))->count == 1, "and was, once");
    end();
}

static void at_a_time(const struct db_config *config)
{
    struct err err = {0};
    struct json *v;
    struct str ada;
    int64_t before, between;

    start(config);
    before = w->clock.now;
    ada = world_person(w, "ada");
    world_assign(w, ada, true);
    w->clock.now += US_PER_HOUR;
    world_cycle(w);
    between = w->clock.now + US_PER_MINUTE;
    w->clock.now += US_PER_HOUR;
    world_set(w, ada, "givenName", "\"Augusta\"");
    world_cycle(w);
    v = explained("ada", before);
    has(json_get_text(v, "answer"), "nothing had been done", "before everything");
    CHECK_STR(json_get_text(json_get(v, STR("source")), "from"), "nothing", "not known");
    CHECK(json_get(v, STR("notes"))->count > 0, "and says so");
    v = explained("ada", between);
    has(json_get_text(v, "answer"), "'ada' had account t1", "then");
    CHECK_STR(json_get_text(json_get(json_get(v, STR("source")), STR("attributes")), "givenName"),
              "ada", "as the log has it");
    CHECK(json_get(v, STR("log"))->count == 1, "later records are not of that time");
    CHECK(json_get_int(json_get(json_get(v, STR("job")), STR("configuration")), "version", 0) == 1,
          "the version");
    CHECK(!engine_explain(&w->engine, w->job.no, STR("nobody"), 0, w->arena, &v, &err) &&
              err.kind == ERR_NOT_FOUND,
          "unknown: %s", err.message);
    end();
}

static void what_an_undo_holds(const struct db_config *config)
{
    struct engine_plan_options save = {0};
    struct engine_apply_options apply = {0};
    struct engine_applied applied;
    struct plan_head head;
    struct cycle cycle;
    struct err err = {0};
    char path[128];
    struct str ada;

    start(config);
    snprintf(path, sizeof(path), "%s/u.plan", test_temp_dir());
    ada = world_person(w, "ada");
    world_assign(w, ada, true);
    world_cycle(w);
    world_set(w, ada, "givenName", "\"Augusta\"");
    cycle = world_cycle(w);
    CHECK(engine_undo(&w->engine, w->job.no, cycle.id, path, &save, w->arena, &head, &err) &&
              engine_apply(&w->engine, path, &apply, w->arena, &applied, &err),
          "%s", err.message);
    answers("ada", "stays as an undo left it", "held");
    CHECK_STR(json_get_text(json_get(explained("ada", 0), STR("holds"))->first, "kind"), "undo",
              "listed");
    end();
}

/* A manager without account is waited for. */
static void references(const struct db_config *config)
{
    const struct json *mapping = NULL;
    struct str ada, boss;

    start(config);
    ada = world_person(w, "ada");
    boss = world_person(w, "boss");
    world_assign(w, ada, true);
    world_set(w, ada, "manager", arena_printf(w->arena, "\"%.*s\"", STR_ARG(boss)).ptr);
    world_cycle(w);
    JSON_EACH(m, json_get(explained("ada", 0), STR("mappings")))
    {
        if (str_eq_z(json_get_text(m, "source"), "[manager]"))
            mapping = m;
    }
    CHECK(mapping, "the template maps the manager");
    has(json_get_text(mapping, "waits"), "has no account here yet", "waits");
    world_assign(w, boss, true);
    world_cycle(w);
    JSON_EACH(m, json_get(explained("ada", 0), STR("mappings")))
    {
        if (str_eq_z(json_get_text(m, "source"), "[manager]"))
            mapping = m;
    }
    CHECK(json_get_text(mapping, "value").len > 0, "linked");
    end();
}

static void groups(const struct db_config *config)
{
    struct str team;

    start(config);
    team = world_group(w, "Team");
    answers("Team", "'Team' has no account", "a group");
    world_assign(w, team, true);
    CHECK_STR(json_get_text(json_get(explained("Team", 0), STR("who")), "kind"), "group", "kind");
    end();
}

#define BOTH(body)                    \
    static void body##_(void **state) \
    {                                 \
        (void)state;                  \
        test_databases(body);         \
    }
BOTH(the_life_of_an_account)
BOTH(a_failure)
BOTH(a_filter)
BOTH(mappings_and_matching)
BOTH(at_a_time)
BOTH(what_an_undo_holds)
BOTH(references)
BOTH(groups)

TEST_GROUP(explain, cmocka_unit_test(the_life_of_an_account_), cmocka_unit_test(a_failure_),
           cmocka_unit_test(a_filter_), cmocka_unit_test(mappings_and_matching_),
           cmocka_unit_test(at_a_time_), cmocka_unit_test(what_an_undo_holds_),
           cmocka_unit_test(references_), cmocka_unit_test(groups_))
