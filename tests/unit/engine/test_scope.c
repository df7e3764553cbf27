/* Who is in scope, and who is looked at again: roles, groups inside groups, managers that filters
 * ask about, verdicts that turn with time, changes of configuration (engine.md 3.5, 5). */
#include "directory/assignment.h"
#include "engine/config.h"
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

#define OK(call)                                                           \
    do {                                                                   \
        struct err err_ = {0};                                             \
        struct err *err = &err_;                                           \
        CHECK((call), "%s: %s", err_.code ? err_.code : "", err_.message); \
    } while (0)

#define ON_BOTH(fn)                 \
    static void fn##_(void **state) \
    {                               \
        (void)state;                \
        test_databases(fn);         \
    }

/* A filter of users with one clause, in the stored schema. */
static void filter_users(const char *operand, const char *operator, const char * value)
{
    struct str schema, edited;
    struct str found = STR("\"scope\":null");
    int64_t version;
    size_t at;

    OK(job_schema_load(w->db, w->arena, w->job.no, 0, &schema, err));
    CHECK(str_find(schema, found, &at), "no filter yet");
    edited = arena_printf(w->arena,
                          "%.*s\"scope\":{\"groups\":[{\"name\":\"in\",\"clauses\":[{"
                          "\"sourceOperandName\":\"%s\",\"operatorName\":\"%s\","
                          "\"targetOperand\":{\"values\":[\"%s\"]}}]}]}%.*s",
                          (int)at, schema.ptr, operand, operator, value,
                          STR_ARG(str_from(schema, at + found.len)));
    OK(job_schema_save(w->db, w->job.no, edited, STR("t"), STR("t"), w->clock.now, &version, err));
    OK(watermark_save(w->db, w->job.no, STR(""), err));
}

static void map_title(const char *expression)
{
    static const struct engine_config_change change = {STR_INIT("t"), STR_INIT("t")};
    struct json *source = json_new(w->arena, JSON_OBJECT);
    struct engine_config_check check;
    struct json *document, *m;
    int64_t version;

    OK(engine_config_load(w->db, w->arena, w->job.no, 0, &document, &version, err));
    m = mapping_document_object(document, SOURCE_USER);
    json_add_z(w->arena, source, "type", "Function");
    json_add_z(w->arena, source, "expression", expression);
    json_set(w->arena, mapping_document_attribute(m, STR("title")), STR("source"), source);
    OK(engine_config_check(&w->engine, w->job.no, document, GOLDEN_MAY_FAIL, w->arena, &check,
                           err));
    OK(engine_config_save(&w->engine, w->job.no, &check, &change, &version, err));
}

static void assign_role(struct str id, const char *role, bool assigned)
{
    struct directory_object o;
    struct directory_role r = {.id = str_from_z(role), .name = str_from_z(role)};
    struct directory_tx tx;
    bool found, changed;

    OK(directory_load(w->db, w->arena, id, &o, &found, err));
    OK(directory_begin(w->db, &w->clock.clock, &w->rng.rng, &tx, err));
    if (assigned)
        OK(directory_assign(&tx, w->job.id, &o, &r, &changed, err));
    else
        OK(directory_unassign(&tx, w->job.id, id, r.id, &changed, err));
    OK(directory_commit(&tx, err));
}

#define EDITOR "aaaaaaaa-0000-4000-8000-000000000001"
#define READER "aaaaaaaa-0000-4000-8000-000000000002"

static void roles(const struct db_config *config)
{
    struct str ada, bob, eve, team;
    struct cycle c;

    start(config);
    world_setting(w, "scope.roles", "aaaaaaaa-0000-4000-8000-0000000000ff, " EDITOR);
    ada = world_person(w, "ada");
    bob = world_person(w, "bob");
    eve = world_person(w, "eve");
    team = world_group(w, "team");
    assign_role(ada, EDITOR, true);
    assign_role(ada, READER, true);
    assign_role(bob, READER, true);
    assign_role(team, EDITOR, true);
    world_member(w, team, eve, true);
    world_assign(w, world_person(w, "default"), true);
    world_cycle(w);
    CHECK(world_account(w, "ada") && world_account(w, "eve") && world_account(w, "team"),
          "in a role that counts, directly or through a group");
    CHECK(!world_account(w, "bob") && !world_account(w, "default"), "in none that does");
    assign_role(ada, EDITOR, false);
    c = world_cycle(w);
    CHECK(c.counters.disabled == 1, "the role is taken away");
    world_setting(w, "scope.roles", "");
    c = world_cycle(w);
    CHECK(c.kind == CYCLE_INITIAL && c.counters.created == 2 && c.counters.updated == 1,
          "all count: %lld created, %lld updated", (long long)c.counters.created,
          (long long)c.counters.updated);
    end();
}
ON_BOTH(roles)

/* outer > middle > inner > outer: a loop; deep is a member of inner. */
static void nested_groups(const struct db_config *config)
{
    struct str outer, middle, inner, deep, other;
    struct cycle c;

    start(config);
    outer = world_group(w, "outer");
    middle = world_group(w, "middle");
    inner = world_group(w, "inner");
    deep = world_person(w, "deep");
    other = world_person(w, "other");
    world_person(w, "stranger");
    world_member(w, outer, middle, true);
    world_member(w, middle, inner, true);
    world_member(w, inner, outer, true);
    world_member(w, inner, deep, true);
    world_member(w, middle, other, true);
    world_assign(w, outer, true);
    world_cycle(w);
    CHECK(!world_account(w, "deep") && !world_account(w, "other"), "direct members only");
    world_setting(w, "scope.nestedGroups", "true");
    c = world_cycle(w);
    CHECK(world_account(w, "deep") && world_account(w, "other"), "all the way down");
    CHECK(!world_account(w, "middle") && world_accounts(w, SOURCE_GROUP) == 1, "people only");
    world_member(w, middle, inner, false);
    c = world_cycle(w);
    CHECK(c.kind == CYCLE_INCREMENTAL && c.counters.disabled == 1 && c.counters.imported <= 5,
          "who was below it, the loop included: %lld looked at", (long long)c.counters.imported);
    CHECK_STR(world_value(world_account(w, "deep"), "active"), "false", "deep");
    CHECK_STR(world_value(world_account(w, "other"), "active"), "true", "other");
    world_member(w, middle, inner, true);
    CHECK(world_cycle(w).counters.updated == 1, "and back");
    world_delete(w, middle, WORLD_SOFT);
    CHECK(world_cycle(w).counters.disabled == 2, "a group in the recycle bin hands nothing on");
    world_delete(w, middle, WORLD_RESTORE);
    CHECK(world_cycle(w).counters.updated == 2, "until it is restored");
    world_delete(w, middle, WORLD_SOFT);
    world_delete(w, middle, WORLD_HARD);
    CHECK(world_cycle(w).counters.disabled == 2, "for good");
    world_assign(w, outer, false);
    world_assign(w, inner, true);
    c = world_cycle(w);
    CHECK(c.counters.updated == 1, "through another path");
    CHECK(world_cycle(w).counters.requests == 0, "settled");
    end();
}
ON_BOTH(nested_groups)

/* More people below a changed group than a page of changes has. */
static void nested_pages(const struct db_config *config)
{
    enum { PEOPLE = 600 };
    struct str outer, inner;
    struct cycle c;

    start(config);
    world_setting(w, "scope.nestedGroups", "true");
    world_setting(w, "guard", "false");
    outer = world_group(w, "outer");
    inner = world_group(w, "inner");
    world_assign(w, outer, true);
    for (int i = 0; i < PEOPLE; i++)
        world_member(w, inner, world_person(w, arena_printf(w->arena, "p%d", i).ptr), true);
    world_cycle(w);
    CHECK(world_accounts(w, SOURCE_USER) == 0, "not yet");
    world_member(w, outer, inner, true);
    c = world_cycle(w);
    CHECK(c.kind == CYCLE_INCREMENTAL && c.counters.created == PEOPLE, "%lld created",
          (long long)c.counters.created);
    end();
}
ON_BOTH(nested_pages)

static void manager_filters(const struct db_config *config)
{
    struct str boss, ada, bob;
    struct cycle c;

    start(config);
    filter_users("manager.department", "EQUALS", "Labs");
    boss = world_person(w, "boss");
    ada = world_person(w, "ada");
    bob = world_person(w, "bob");
    world_set(w, boss, "department", "\"Sales\"");
    world_set(w, ada, "manager", arena_printf(w->arena, "\"%.*s\"", STR_ARG(boss)).ptr);
    world_assign(w, ada, true);
    world_assign(w, bob, true);
    world_cycle(w);
    CHECK(world_accounts(w, SOURCE_USER) == 0, "nobody's manager is in Labs");
    world_set(w, boss, "department", "\"Labs\"");
    c = world_cycle(w);
    CHECK(c.kind == CYCLE_INCREMENTAL && world_account(w, "ada"),
          "a report comes with her manager");
    CHECK(!world_account(w, "bob") && c.counters.imported == 2, "nobody else is looked at");
    world_set(w, boss, "department", "\"Sales\"");
    CHECK(world_cycle(w).counters.disabled == 1, "and goes with her");
    end();
}
ON_BOTH(manager_filters)

/* A leave date that comes and passes, without any change. */
static void turns_with_time(const struct db_config *config)
{
    char time[TIME_TEXT_MAX];
    struct job job = {0};
    struct cycle c;
    struct str ada;
    int64_t hired, leaves;

    start(config);
    filter_users("employeeHireDate", "LESS_THAN_OR_EQUALS", "now");
    hired = w->clock.now + 3 * US_PER_DAY;
    leaves = hired - US_PER_MINUTE;
    ada = world_person(w, "ada");
    time_write(hired, time);
    world_set(w, ada, "employeeHireDate", arena_printf(w->arena, "\"%s\"", time).ptr);
    world_assign(w, ada, true);
    world_assign(w, world_person(w, "nobody"), true);
    c = world_cycle(w);
    CHECK(world_accounts(w, SOURCE_USER) == 0, "not hired yet");
    world_cycle(w);
    OK(job_load_no(w->db, w->arena, w->job.no, &job, err));
    CHECK(job.next_cycle_us < w->clock.now + 2 * JOB_INTERVAL_DEFAULT_US, "goes on as usual");
    w->clock.now = leaves - US_PER_MINUTE / 2 - US_PER_MINUTE; /* half a minute before */
    c = world_cycle(w);
    CHECK(c.counters.imported == 0, "nobody to look at");
    OK(job_load_no(w->db, w->arena, w->job.no, &job, err));
    CHECK(job.next_cycle_us >= hired && job.next_cycle_us <= hired + 1, "wakes when she is hired");
    w->clock.now = hired;
    c = world_cycle(w);
    CHECK(c.kind == CYCLE_INCREMENTAL && c.counters.created == 1 && c.counters.imported == 1,
          "created on the day: %lld looked at", (long long)c.counters.imported);
    c = world_cycle(w);
    CHECK(c.counters.imported == 0 && c.counters.requests == 0, "and not looked at again");
    end();
}
ON_BOTH(turns_with_time)

/* --- what a change of configuration triggers (engine.md 3.5) --- */

static const struct {
    const char *label;
    const char *name, *value; /* setting; NULL: "" is an edit of the schema from name to value */
    bool schema;
    bool initial;
    int requests; /* writes that it leads to, of three people in scope and one group */
} changes[] = {
    {"threshold", "guard.count", "400", false, false, 0},
    {"rate", "client.rate", "100", false, false, 0},
    {"skip flag", "deprovision.skipOutOfScope", "true", false, false, 0},
    {"actions", "\"flowTypes\":\"Add,Update,Delete\"", "\"flowTypes\":\"Add,Update\"", true, true,
     0},
    {"create off", "\"flowTypes\":\"Add,Update\"", "\"flowTypes\":\"Update\"", true, true, 0},
    {"mapping", "\"name\":\"department\"", "\"name\":\"companyName\"", true, true, 0},
    {"mapping that differs", "\"name\":\"jobTitle\"", "\"name\":\"mailNickname\"", true, true, 3},
    {"nested groups", "scope.nestedGroups", "true", false, true, 0},
};

static void configuration(const struct db_config *config)
{
    static const char *const people[] = {"ada", "bob", "eve"};
    struct cycle c;

    start(config);
    for (size_t i = 0; i < ARRAY_LEN(people); i++)
        world_assign(w, world_person(w, people[i]), true);
    world_assign(w, world_group(w, "team"), true);
    world_cycle(w);
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        if (changes[i].schema)
            world_schema(w, changes[i].name, changes[i].value);
        else
            world_setting(w, changes[i].name, changes[i].value);
        c = world_cycle(w);
        CHECK((c.kind == CYCLE_INITIAL) == changes[i].initial, "%s: kind", changes[i].label);
        CHECK(w->calls[CALL_FIND] + w->calls[CALL_CREATE] + w->calls[CALL_REMOVE] == 0,
              "%s: links are kept", changes[i].label);
        CHECK(w->calls[CALL_UPDATE] == changes[i].requests &&
                  w->calls[CALL_READ] == changes[i].requests,
              "%s: %d updates, %d reads", changes[i].label, w->calls[CALL_UPDATE],
              w->calls[CALL_READ]);
    }
    end();
}
ON_BOTH(configuration)

static void created_inactive(const struct db_config *config)
{
    struct str ada;
    struct cycle c;

    start(config);
    ada = world_person(w, "ada");
    world_set(w, ada, "accountEnabled", "false");
    world_assign(w, ada, true);
    world_cycle(w);
    CHECK(!world_account(w, "ada"), "a disabled person is not created");
    world_setting(w, "create.inactive", "true");
    c = world_cycle(w);
    CHECK(c.counters.created == 1, "unless it is wanted");
    CHECK_STR(world_value(world_account(w, "ada"), "active"), "false", "disabled there, too");
    world_set(w, ada, "jobTitle", "\"Countess\"");
    CHECK(world_cycle(w).counters.requests == 0, "nothing else flows while she is disabled");
    world_set(w, ada, "accountEnabled", "true");
    CHECK(world_cycle(w).counters.updated == 1, "enabled");
    CHECK_STR(world_value(world_account(w, "ada"), "active"), "true", "there, too");
    CHECK_STR(world_value(world_account(w, "ada"), "title"), "Countess", "with what has changed");
    end();
}
ON_BOTH(created_inactive)

static void default_domain(const struct db_config *config)
{
    struct str ada;

    start(config);
    map_title("DefaultDomain()");
    ada = world_person(w, "ada");
    world_person(w, "bob");
    world_set(w, world_person(w, "eve"), "userPrincipalName", "\"eve@elsewhere.example\"");
    world_assign(w, ada, true);
    world_cycle(w);
    CHECK_STR(world_value(world_account(w, "ada"), "title"), "example.com", "the most used");
    world_setting(w, "source.defaultDomain", "contoso.test");
    world_cycle(w);
    CHECK_STR(world_value(world_account(w, "ada"), "title"), "contoso.test", "or as it is set");
    end();
}
ON_BOTH(default_domain)

TEST_GROUP(scope, cmocka_unit_test(roles_), cmocka_unit_test(nested_groups_),
           cmocka_unit_test(nested_pages_), cmocka_unit_test(manager_filters_),
           cmocka_unit_test(turns_with_time_), cmocka_unit_test(configuration_),
           cmocka_unit_test(created_inactive_), cmocka_unit_test(default_domain_))
