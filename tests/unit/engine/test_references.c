/* The second pass: managers and members (engine.md 7). */
#include "job/retry.h"
#include "world.h"

#define MANAGER "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager"

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

static struct str person(const char *name)
{
    struct str id = world_person(w, name);

    world_assign(w, id, true);
    return id;
}

static void set_manager(struct str who, struct str manager)
{
    world_set(w, who, "manager",
              manager.len ? arena_printf(w->arena, "\"%.*s\"", STR_ARG(manager)).ptr : "null");
}

static void managers(const struct db_config *config)
{
    struct str ada, bob, eve;
    struct cycle c;

    start(config);
    ada = person("ada");
    bob = person("bob");
    eve = world_person(w, "eve"); /* not assigned yet */
    set_manager(ada, bob);
    set_manager(bob, eve);
    world_cycle(w);
    CHECK_STR(world_value(world_account(w, "ada"), MANAGER), world_account(w, "bob")->id,
              "ada's manager is bob's account");
    CHECK_STR(world_value(world_account(w, "bob"), MANAGER), "", "eve has no account yet");
    world_assign(w, eve, true);
    c = world_cycle(w);
    CHECK(c.counters.created == 1, "eve comes in");
    CHECK_STR(world_value(world_account(w, "bob"), MANAGER), world_account(w, "eve")->id,
              "and bob is linked in the same cycle");
    set_manager(ada, world_person(w, "nobody"));
    world_cycle(w);
    CHECK_STR(world_value(world_account(w, "ada"), MANAGER), "",
              "who is not her manager any more is not kept, though the new one has no account");
    set_manager(ada, bob);
    world_cycle(w);
    set_manager(ada, STR(""));
    world_cycle(w);
    CHECK_STR(world_value(world_account(w, "ada"), MANAGER), "", "a cleared manager is cleared");
    world_cycle(w);
    CHECK(w->calls[CALL_UPDATE] == 0, "nothing to do");
    end();
}

static void members(const struct db_config *config)
{
    struct str ada, bob, eve, group;
    struct account *team;

    start(config);
    ada = person("ada");
    bob = person("bob");
    eve = world_person(w, "eve");
    group = world_group(w, "team");
    world_assign(w, group, true);
    world_member(w, group, ada, true);
    world_cycle(w);
    team = world_account(w, "team");
    CHECK(team && team->member_count == 1, "created empty, then ada joins");
    CHECK_STR(str_from_z(team->members[0]), world_account(w, "ada")->id, "by target id");

    world_member(w, group, bob, true);
    world_cycle(w);
    CHECK(team->member_count == 2 && w->calls[CALL_MEMBERS] == 1, "one request for one more");
    world_member(w, group, ada, false);
    world_cycle(w);
    CHECK(team->member_count == 1, "ada leaves");
    CHECK_STR(str_from_z(team->members[0]), world_account(w, "bob")->id, "bob stays");
    world_member(w, group, eve, true); /* brings her into scope too */
    world_cycle(w);
    CHECK(world_account(w, "eve") && team->member_count == 2,
          "eve is created and joins in one cycle");
    world_cycle(w);
    CHECK(w->calls[CALL_MEMBERS] == 0, "nothing to do");
    world_assign(w, group, false);
    world_cycle(w);
    CHECK(!world_account(w, "team"), "a group that leaves scope is deleted");
    CHECK_STR(world_value(world_account(w, "eve"), "active"), "false",
              "who was in by it alone is disabled");
    CHECK_STR(world_value(world_account(w, "bob"), "active"), "true",
              "who is assigned himself stays");
    end();
}

/* Who waited for an account and left the group meanwhile does not come back into it. */
static void waiting_member_that_left(const struct db_config *config)
{
    struct str team, other, eve;

    start(config);
    team = world_group(w, "team");
    other = world_group(w, "other");
    eve = world_person(w, "eve");
    world_set(w, eve, "accountEnabled", "false"); /* in scope she would have an account */
    world_assign(w, team, true);
    world_assign(w, other, true);
    world_member(w, team, eve, true);
    world_member(w, other, eve, true);
    world_cycle(w);
    CHECK(world_accounts(w, SOURCE_USER) == 0, "eve has no account");
    world_member(w, team, eve, false);
    world_cycle(w);
    world_set(w, eve, "accountEnabled", "true");
    world_cycle(w);
    CHECK(world_accounts(w, SOURCE_USER) == 1, "now she has");
    CHECK(world_account(w, "other")->member_count == 1, "and is in the group that she is in");
    CHECK(world_account(w, "team")->member_count == 0, "but not in the one that she left");
    end();
}

static void group_assigned_later_brings_all(const struct db_config *config)
{
    struct str group;
    struct account *team;
    char name[16];

    start(config);
    group = world_group(w, "team");
    world_assign(w, person("ada"), true);
    for (int i = 0; i < 30; i++) {
        snprintf(name, sizeof(name), "p%02d", i);
        world_member(w, group, world_person(w, name), true);
    }
    world_cycle(w);
    CHECK(world_accounts(w, SOURCE_USER) == 1, "only ada");
    world_assign(w, group, true);
    world_cycle(w);
    team = world_account(w, "team");
    CHECK(world_accounts(w, SOURCE_USER) == 31 && team && team->member_count == 30,
          "the group with its members, though they joined before the watermark");
    end();
}

static void large_group_goes_in_parts(const struct db_config *config)
{
    struct str group;
    struct account *team;
    char name[16];

    start(config);
    group = world_group(w, "team");
    world_assign(w, group, true);
    for (int i = 0; i < 950; i++) {
        snprintf(name, sizeof(name), "p%03d", i);
        world_member(w, group, world_person(w, name), true);
    }
    world_cycle(w);
    team = world_account(w, "team");
    CHECK(team && team->member_count == 950, "all are members, %zu", team ? team->member_count : 0);
    CHECK(w->calls[CALL_MEMBERS] == 10, "in parts of bounded size, %d", w->calls[CALL_MEMBERS]);
    world_member(w, group, world_person(w, "late"), true);
    world_cycle(w);
    CHECK(team->member_count == 951 && w->calls[CALL_MEMBERS] == 1, "one more is one request");
    end();
}

static void failed_members_are_retried(const struct db_config *config)
{
    struct str group;
    struct cycle c;

    start(config);
    group = world_group(w, "team");
    world_assign(w, group, true);
    world_member(w, group, person("ada"), true);
    w->fault = (struct fault){.call = CALL_MEMBERS,
                              .status = TARGET_FAILED,
                              .class_ = TARGET_PERMANENT,
                              .code = "UnprocessableEntity",
                              .times = 1};
    c = world_cycle(w);
    CHECK(world_account(w, "team")->member_count == 0 && c.counters.created == 2,
          "the objects are there, the member is not");
    world_cycle(w);
    CHECK(world_account(w, "team")->member_count == 1, "sent in the next cycle");
    end();
}

#define ON_BOTH(test)                 \
    static void test##_(void **state) \
    {                                 \
        (void)state;                  \
        test_databases(test);         \
    }
ON_BOTH(managers)
ON_BOTH(members)
ON_BOTH(waiting_member_that_left)
ON_BOTH(group_assigned_later_brings_all)
ON_BOTH(large_group_goes_in_parts)
ON_BOTH(failed_members_are_retried)

/* Somebody has deleted accounts in the target; the first that notices is the second pass. */
static void lose(const char *name)
{
    world_account(w, name)->used = false;
}

static size_t waiting(void)
{
    struct err err = {0};
    int64_t n = 0;

    CHECK(retry_count(w->db, w->job.no, &n, &err), "%s", err.message);
    return (size_t)n;
}

static bool is_member(const char *group, const char *who)
{
    const struct account *g = world_account(w, group);
    const struct account *a = world_account(w, who);

    for (size_t i = 0; g && a && i < g->member_count; i++) {
        if (strcmp(g->members[i], a->id) == 0)
            return true;
    }
    return false;
}

static void account_gone(const struct db_config *config)
{
    struct str ada, bob, eve, team;
    struct cycle c;

    start(config);
    ada = person("ada");
    bob = person("bob");
    eve = person("eve");
    team = world_group(w, "team");
    world_assign(w, team, true);
    world_member(w, team, ada, true);
    world_member(w, team, bob, true);
    set_manager(eve, bob);
    world_cycle(w);
    CHECK(is_member("team", "bob"), "bob is in");
    CHECK_STR(world_value(world_account(w, "eve"), MANAGER), world_account(w, "bob")->id, "linked");

    lose("bob");
    set_manager(bob, ada);
    c = world_cycle(w);
    CHECK(c.counters.created == 1 && c.counters.failed == 0, "put right in the same cycle");
    CHECK(waiting() == 0, "nothing waits");
    CHECK_STR(world_value(world_account(w, "bob"), MANAGER), world_account(w, "ada")->id,
              "with what was to be said");
    CHECK_STR(world_value(world_account(w, "eve"), MANAGER), world_account(w, "bob")->id,
              "who names him names the new account");
    CHECK(is_member("team", "bob"), "and he is a member");
    c = world_cycle(w);
    CHECK(c.counters.requests == 0 && waiting() == 0, "and that was all: %lld requests",
          (long long)c.counters.requests);

    lose("team");
    world_member(w, team, eve, true);
    c = world_cycle(w);
    CHECK(world_account(w, "team") && c.counters.created == 1 && waiting() == 0,
          "the group is there again");
    CHECK(is_member("team", "ada") && is_member("team", "bob") && is_member("team", "eve"),
          "with all its members");
    c = world_cycle(w);
    CHECK(c.counters.requests == 0, "and that was all: %lld requests",
          (long long)c.counters.requests);
    end();
}

static void account_is_gone(void **state)
{
    (void)state;
    test_databases(account_gone);
}

/* Who names whom is known again after the connections were cleared, although nothing had to be sent
 * then: the accounts said it already. */
static void account_gone_after_restart(const struct db_config *config)
{
    struct err err = {0};
    struct str ada, eve;
    struct cycle c;

    start(config);
    ada = person("ada");
    eve = person("eve");
    set_manager(eve, ada);
    world_cycle(w);
    CHECK(engine_restart(&w->engine, w->job.no, RESET_FULL, &err), "%s", err.message);
    c = world_cycle(w);
    CHECK(c.counters.created == 0 && c.counters.updated == 0, "all were matched, and say all");
    lose("ada");
    world_set(w, ada, "displayName", "\"Ada again\"");
    c = world_cycle(w);
    CHECK(c.counters.created == 1, "ada has an account again");
    CHECK_STR(world_value(world_account(w, "eve"), MANAGER), world_account(w, "ada")->id,
              "and eve names it");
    c = world_cycle(w);
    CHECK(c.counters.requests == 0, "and that was all");
    end();
}
ON_BOTH(account_gone_after_restart)

TEST_GROUP(references, cmocka_unit_test(managers_), cmocka_unit_test(account_gone_after_restart_),
           cmocka_unit_test(members_), cmocka_unit_test(waiting_member_that_left_),
           cmocka_unit_test(group_assigned_later_brings_all_),
           cmocka_unit_test(large_group_goes_in_parts_), cmocka_unit_test(account_is_gone),
           cmocka_unit_test(failed_members_are_retried_))
