/* SelectUniqueValue asks the target and reserves what it chose; scoping filters that ask about
 * others (expressions.md 6.4, scoping-filters.md 2). */
#include "engine/config.h"
#include "world.h"

static struct world *w;

#define OK(call)                                                           \
    do {                                                                   \
        struct err err_ = {0};                                             \
        struct err *err = &err_;                                           \
        CHECK((call), "%s: %s", err_.code ? err_.code : "", err_.message); \
    } while (0)

static struct json *document(void)
{
    struct json *stored = NULL;
    int64_t version;

    OK(engine_config_load(w->db, w->arena, w->job.no, 0, &stored, &version, err));
    return stored;
}

static void save(struct json *draft)
{
    static const struct engine_config_change change = {STR_INIT("ada"), STR_INIT("a reason")};
    struct engine_config_check check;
    int64_t version;

    OK(engine_config_check(&w->engine, w->job.no, draft, GOLDEN_MUST_PASS, w->arena, &check, err) &&
       engine_config_save(&w->engine, w->job.no, &check, &change, &version, err));
}

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

static void unique_titles(const char *expression)
{
    struct json *draft = document();
    struct json *m =
        mapping_document_attribute(mapping_document_object(draft, SOURCE_USER), STR("title"));
    struct json *source = json_new(w->arena, JSON_OBJECT);

    json_add_z(w->arena, source, "type", "Function");
    json_add_z(w->arena, source, "expression", expression);
    json_set(w->arena, m, STR("source"), source);
    json_set(w->arena, m, STR("flowType"), json_string(w->arena, STR("ObjectAddOnly")));
    save(draft);
}

static struct str person(const char *name, const char *title)
{
    struct str id = world_person(w, name);

    world_set(w, id, "jobTitle", title);
    world_assign(w, id, true);
    return id;
}

static size_t with_title(const char *title)
{
    size_t count = 0;

    for (size_t i = 0; i < w->account_count; i++)
        count += w->accounts[i].used && str_eq_z(world_value(&w->accounts[i], "title"), title);
    return count;
}

static void planned_at_once(const struct db_config *config)
{
    static const char *const titles[] = {"Boss", "Boss2", "Boss3"};
    struct journal_record *records;
    struct cycle c;
    struct str id;

    start(config);
    unique_titles("SelectUniqueValue([jobTitle], Join(\"\", [jobTitle], \"2\"), "
                  "Join(\"\", [jobTitle], \"3\"))");
    id = person("ada", "\"Boss\"");
    person("bea", "\"Boss\"");
    person("cyd", "\"Boss\"");
    person("dot", "\"BOSS\"");
    c = world_cycle(w);
    CHECK(c.counters.created == 3 && c.counters.failed == 1, "%lld created, %lld failed",
          (long long)c.counters.created, (long long)c.counters.failed);
    CHECK(with_title("BOSS") + with_title("Boss") == 1,
          "letter case does not make a value another");
    for (size_t i = 1; i < ARRAY_LEN(titles); i++)
        CHECK(with_title(titles[i]) <= 1, "%s once at most", titles[i]);
    CHECK(world_journal(w, NULL, &records) >= 4, "all are told");
    world_set(w, id, "jobTitle", "\"Clerk\"");
    c = world_cycle(w);
    CHECK(with_title("Clerk") == 0, "an account keeps the value that it has");
    end();
}

static void one_after_the_other(const struct db_config *config)
{
    struct cycle c;

    start(config);
    unique_titles("SelectUniqueValue([jobTitle], Join(\"\", [jobTitle], RandomNum(10, 99)))");
    person("ada", "\"Boss\"");
    c = world_cycle(w);
    CHECK(c.counters.created == 1 && with_title("Boss") == 1, "the first gets the first choice");
    person("bea", "\"Boss\"");
    c = world_cycle(w);
    CHECK(c.counters.created == 1 && with_title("Boss") == 1, "the second another");
    CHECK(world_value(world_account(w, "bea@example.com"), "title").len == 6, "with two digits");
    end();
}

static void filter(const char *text)
{
    struct json *draft = document();
    struct json *scope;

    OK(json_parse(w->arena, str_from_z(text), NULL, &scope, NULL, err));
    json_set(w->arena, mapping_document_object(draft, SOURCE_USER), STR("scope"), scope);
    save(draft);
}

static void the_managers_attributes(const struct db_config *config)
{
    struct str ada;
    struct str bea;

    start(config);
    filter("{\"groups\":[{\"name\":\"sales\",\"clauses\":[{\"sourceOperandName\":"
           "\"manager.department\",\"operatorName\":\"EQUALS\",\"targetOperand\":{\"values\":["
           "\"Sales\"]}}]}]}");
    ada = person("ada", "\"Boss\"");
    bea = person("bea", "\"Clerk\"");
    person("cyd", "\"Clerk\"");
    world_set(w, ada, "department", "\"Sales\"");
    world_set(w, bea, "manager", arena_printf(w->arena, "\"%.*s\"", STR_ARG(ada)).ptr);
    world_cycle(w);
    CHECK(world_accounts(w, SOURCE_USER) == 1 && world_account(w, "bea@example.com"),
          "only who reports to Sales");
    end();
}

static void groups_by_their_name(const struct db_config *config)
{
    struct cycle c;
    struct err err = {0};
    struct str ada;
    struct str group;

    start(config);
    filter("{\"groups\":[{\"name\":\"staff\",\"clauses\":[{\"sourceOperandName\":\"memberOf\","
           "\"operatorName\":\"IS_MEMBER_OF\",\"targetOperand\":{\"values\":[\"Staff\"]}}]}]}");
    ada = person("ada", "\"Boss\"");
    person("bea", "\"Clerk\"");
    CHECK(!world_try_cycle(w, &c, &err), "a name that means nothing stops the cycle");
    CHECK(world_accounts(w, SOURCE_USER) == 0, "and puts nobody in or out: %s", err.message);
    group = world_group(w, "Staff");
    world_member(w, group, ada, true);
    world_cycle(w);
    CHECK(world_accounts(w, SOURCE_USER) == 1 && world_account(w, "ada@example.com"),
          "only the group's member");
    end();
}

static void unique_two_at_once(void **state)
{
    (void)state;
    test_databases(planned_at_once);
}

static void unique_in_turn(void **state)
{
    (void)state;
    test_databases(one_after_the_other);
}

static void scope_by_manager(void **state)
{
    (void)state;
    test_databases(the_managers_attributes);
}

static void scope_by_group_name(void **state)
{
    (void)state;
    test_databases(groups_by_their_name);
}

TEST_GROUP(unique, cmocka_unit_test(unique_two_at_once), cmocka_unit_test(unique_in_turn),
           cmocka_unit_test(scope_by_manager), cmocka_unit_test(scope_by_group_name));
