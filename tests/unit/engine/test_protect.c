/* Protected accounts are never written (engine.md 8). */
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

static bool set(const char *name, const char *value, struct err *err)
{
    struct engine_setting s = {str_from_z(name), str_from_z(value)};

    return engine_set(&w->engine, w->job.no, &s, 1, STR("admin"), err);
}

static void must_set(const char *name, struct str value)
{
    struct err err = {0};

    CHECK(set(name, arena_printf(w->arena, "%.*s", STR_ARG(value)).ptr, &err), "%s: %s", name,
          err.message);
}

static struct str person(const char *name)
{
    struct str id = world_person(w, name);

    world_assign(w, id, true);
    return id;
}

static size_t told(void)
{
    struct journal_query q = {.limit = 100, .code = STR("Protected")};
    struct journal_record *records;

    return world_journal(w, &q, &records);
}

static int writes(void)
{
    return w->calls[CALL_CREATE] + w->calls[CALL_UPDATE] + w->calls[CALL_MEMBERS] +
           w->calls[CALL_REMOVE];
}

/* Everything that could be written of two people and a group, one event after the other, where
 * `ada`, `bob` and `team` are protected: nothing is. */
static void nothing_is_written(struct str ada, struct str bob, struct str team)
{
    size_t before = told();

    world_set(w, ada, "displayName", "\"Other\"");
    world_cycle(w);
    CHECK(writes() == 0, "an update");
    CHECK(told() == before + 1, "is told");
    world_set(w, ada, "manager", arena_printf(w->arena, "\"%.*s\"", STR_ARG(bob)).ptr);
    world_member(w, team, ada, true);
    world_cycle(w);
    CHECK(writes() == 0, "references");
    world_assign(w, ada, false);
    world_cycle(w);
    CHECK(writes() == 0, "a disable");
    world_delete(w, bob, WORLD_SOFT);
    world_delete(w, bob, WORLD_HARD);
    world_cycle(w);
    CHECK(writes() == 0, "a delete");
    world_assign(w, team, false);
    world_cycle(w);
    CHECK(writes() == 0, "of a group, too");
    CHECK(world_account(w, "ada") && world_account(w, "bob") && world_account(w, "team"),
          "they are all there");
}

static void listed(const struct db_config *config)
{
    struct str ada, bob, team;

    start(config);
    ada = person("ada");
    bob = person("bob");
    team = world_group(w, "team");
    world_assign(w, team, true);
    world_cycle(w);
    must_set("protected.accounts",
             arena_printf(w->arena, " ADA@example.com, %s,team ,", world_account(w, "bob")->id));
    nothing_is_written(ada, bob, team);
    CHECK(w->calls[CALL_READ] == 0, "the list is known without asking");
    end();
}

static void filtered(const struct db_config *config)
{
    struct str ada, bob, team;
    struct err err = {0};

    start(config);
    ada = person("ada@vip");
    bob = person("bob@vip");
    team = world_group(w, "team@vip");
    world_assign(w, team, true);
    world_cycle(w);
    must_set("protected.filter", STR("@vip"));
    for (size_t i = 0; i < w->account_count; i++) { /* found by their short names below */
        struct account *a = &w->accounts[i];

        CHECK(a->used, "account %zu", i);
    }
    size_t accounts = w->account_count;

    world_set(w, ada, "displayName", "\"Other\"");
    world_cycle(w);
    CHECK(writes() == 0 && told() == 1, "an update");
    world_set(w, ada, "manager", arena_printf(w->arena, "\"%.*s\"", STR_ARG(bob)).ptr);
    world_member(w, team, ada, true);
    world_cycle(w);
    CHECK(writes() == 0, "references");
    world_assign(w, ada, false);
    world_delete(w, bob, WORLD_SOFT);
    world_delete(w, bob, WORLD_HARD);
    world_assign(w, team, false);
    world_cycle(w);
    CHECK(writes() == 0, "removals");
    for (size_t i = 0; i < accounts; i++)
        CHECK(w->accounts[i].used, "account %zu is still there", i);
    CHECK(!set("protected.filter", "(", &err), "a filter that is none is refused");
    CHECK_STR(str_from_z(err.code), "invalidFilter", "when it is set");
    end();
}

/* An account that nobody has created from here is not taken over either, nor made. */
static void never_adopted(const struct db_config *config)
{
    start(config);
    person("root");
    must_set("protected.accounts", STR("root@example.com"));
    struct cycle c = world_cycle(w);

    CHECK(writes() == 0 && c.counters.skipped == 1, "not created");
    must_set("protected.accounts", STR(""));
    world_cycle(w);
    CHECK(world_account(w, "root"), "without the list it is");
    end();
}

static void on_demand(const struct db_config *config)
{
    struct journal_record record;
    struct err err = {0};
    struct str ada;

    start(config);
    ada = person("ada");
    world_cycle(w);
    must_set("protected.accounts", STR("ada@example.com"));
    world_set(w, ada, "displayName", "\"Other\"");
    memset(w->calls, 0, sizeof(w->calls));
    CHECK(engine_provision(&w->engine, w->job.no, ada, ENGINE_SEND, STR("admin"), w->arena, &record,
                           &err),
          "%s", err.message);
    CHECK(writes() == 0, "nothing is written");
    CHECK_STR(record.code, "Protected", "and that is said");
    end();
}

static void plans_say_so(const struct db_config *config)
{
    struct plan_counts counts;
    struct err err = {0};
    struct str ada;

    start(config);
    ada = person("ada");
    world_cycle(w);
    must_set("protected.accounts", STR("ada@example.com"));
    world_assign(w, ada, false);
    CHECK(engine_plan(&w->engine, w->job.no, PLAN_NEXT_CYCLE, NULL, NULL, &counts, &err), "%s",
          err.message);
    CHECK(counts.by_intent[INTENT_DISABLE] == 0, "nothing is planned");
    end();
}

#define ON_BOTH(test)                 \
    static void test##_(void **state) \
    {                                 \
        (void)state;                  \
        test_databases(test);         \
    }
ON_BOTH(listed)
ON_BOTH(filtered)
ON_BOTH(never_adopted)
ON_BOTH(on_demand)
ON_BOTH(plans_say_so)

TEST_GROUP(protect, cmocka_unit_test(listed_), cmocka_unit_test(filtered_),
           cmocka_unit_test(never_adopted_), cmocka_unit_test(on_demand_),
           cmocka_unit_test(plans_say_so_))
