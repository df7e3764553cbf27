/* Connections in an administrator's hands (engine.md 11.1). */
#include "engine/connections.h"
#include "journal/audit.h"
#include "world.h"

#define MANAGER "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager"

static struct world *w;
static struct str ada, bob, team;

static struct str assigned(struct str id)
{
    world_assign(w, id, true);
    return id;
}

/* Two people and a group of one of them, provisioned. */
static void start(const struct db_config *config)
{
    w = malloc(sizeof(*w));
    world_init(w, config, "scim");
    ada = assigned(world_person(w, "ada"));
    bob = assigned(world_person(w, "bob"));
    team = assigned(world_group(w, "team"));
    world_member(w, team, ada, true);
    world_set(w, bob, "manager", arena_printf(w->arena, "\"%.*s\"", STR_ARG(ada)).ptr);
    world_cycle(w);
}

static void end(void)
{
    world_done(w);
    free(w);
}

static void pause_job(void)
{
    struct err err = {0};

    CHECK(engine_pause(&w->engine, w->job.no, &err), "%s", err.message);
}

static void start_job(void)
{
    struct err err = {0};

    CHECK(engine_start(&w->engine, w->job.no, &err), "%s", err.message);
}

static struct str account_of(struct str who)
{
    struct connection c;
    struct err err = {0};

    CHECK(engine_connection_find(&w->engine, w->job.no, who, w->arena, &c, &err), "%s",
          err.message);
    return c.target_id;
}

static const char *set_fails(struct str who, const char *account)
{
    struct connection before, now;
    struct err err = {0};
    bool was;

    CHECK(!engine_connection_set(&w->engine, w->job.no, who, str_from_z(account), w->arena, &was,
                                 &before, &now, &err),
          "must fail");
    return err.code;
}

static void set(struct str who, struct str account)
{
    struct connection before, now;
    struct err err = {0};
    bool was;

    CHECK(engine_connection_set(&w->engine, w->job.no, who, account, w->arena, &was, &before, &now,
                                &err),
          "%s", err.message);
    CHECK(now.origin == CONNECTION_MANUAL && str_eq(now.target_id, account), "as it was said");
}

static void remove_it(struct str who, bool there)
{
    struct connection c;
    struct err err = {0};
    bool removed;

    CHECK(engine_connection_remove(&w->engine, w->job.no, who, w->arena, &removed, &c, &err), "%s",
          err.message);
    CHECK(removed == there, "whether there was one");
}

/* An account that usher has not made. */
static struct account *foreign(const char *id, const char *user_name)
{
    struct account *a = &w->accounts[w->account_count++];

    *a = (struct account){.used = true, .kind = SOURCE_USER};
    snprintf(a->id, sizeof(a->id), "%s", id);
    a->values = json_new(w->target_arena, JSON_OBJECT);
    json_add_z(w->target_arena, a->values, "userName", user_name);
    return a;
}

static size_t noted(void)
{
    struct audit_query q = {.limit = 100};
    struct audit_record *records;
    struct err err = {0};
    size_t count;
    size_t found = 0;

    CHECK(audit_list(w->db, w->arena, &q, &records, &count, &err), "%s", err.message);
    for (size_t i = 0; i < count; i++)
        found += str_eq_z(records[i].subject, "connection");
    return found;
}

static void is_found(const struct db_config *config)
{
    struct err err = {0};
    struct connection c;
    struct str id;

    start(config);
    id = account_of(ada);
    CHECK(str_eq(account_of(STR("ada@example.com")), id), "by name");
    CHECK(str_eq(account_of(id), id), "by the account");
    CHECK(!engine_connection_find(&w->engine, w->job.no, STR("nobody"), w->arena, &c, &err),
          "none");
    CHECK_STR(str_from_z(err.code), "notConnected", "the code");
    end();
}

static void nothing_while_switched_on(const struct db_config *config)
{
    struct connection c;
    struct err err = {0};
    bool removed;

    start(config);
    CHECK(!engine_connection_remove(&w->engine, w->job.no, ada, w->arena, &removed, &c, &err),
          "on");
    CHECK_STR(str_from_z(err.code), "jobActive", "the code");
    foreign("other", "other");
    CHECK_STR(str_from_z(set_fails(ada, "other")), "jobActive", "the code");
    CHECK(noted() == 0, "nothing was changed");
    end();
}

/* The account is found again, and with it the membership and who has it as manager. */
static void is_matched_anew(const struct db_config *config)
{
    struct str id;

    start(config);
    id = account_of(ada);
    pause_job();
    remove_it(ada, true);
    remove_it(ada, false);
    CHECK(noted() == 1, "what changed is in the audit log, once");
    start_job();
    world_cycle(w);
    CHECK(str_eq(account_of(ada), id), "the same account");
    CHECK(w->calls[CALL_CREATE] == 0, "none is made");
    CHECK(world_account(w, "team")->member_count == 1, "still a member");
    end();
}

/* Whose source object is gone for good has no name any more; the account's id is enough. */
static void of_who_is_gone(const struct db_config *config)
{
    struct str id;

    start(config);
    id = account_of(bob);
    pause_job();
    world_delete(w, bob, WORLD_SOFT);
    world_delete(w, bob, WORLD_HARD);
    remove_it(id, true);
    start_job();
    world_cycle(w);
    CHECK(w->calls[CALL_REMOVE] == 0, "the account stays");
    end();
}

/* The other account is brought up to date, joins the group and is the manager; the former one is
 * left alone but for the group, which it leaves. */
static void is_set(const struct db_config *config)
{
    struct account *other, *group;
    struct str former;

    start(config);
    former = account_of(ada);
    other = foreign("other", "someone");
    pause_job();
    CHECK_STR(str_from_z(set_fails(ada, "nowhere")), "noAccount", "the code");
    CHECK_STR(str_from_z(set_fails(ada, account_of(bob).ptr)), "targetTaken", "the code");
    set(ada, STR("other"));
    start_job();
    world_cycle(w);
    CHECK(str_eq(world_value(other, "userName"), STR("ada@example.com")), "up to date");
    group = world_account(w, "team");
    CHECK(group->member_count == 1, "%zu members", group->member_count);
    CHECK_STR(str_from_z(group->members[0]), "other", "the new account");
    CHECK(str_eq(world_value(world_account(w, "bob"), MANAGER), STR("other")), "the manager");
    CHECK(w->calls[CALL_REMOVE] == 0, "account %.*s stays", STR_ARG(former));
    CHECK(noted() == 1, "told once");
    end();
}

#define ON_BOTH(test)                 \
    static void test##_(void **state) \
    {                                 \
        (void)state;                  \
        test_databases(test);         \
    }
ON_BOTH(is_found)
ON_BOTH(nothing_while_switched_on)
ON_BOTH(is_matched_anew)
ON_BOTH(of_who_is_gone)
ON_BOTH(is_set)

TEST_GROUP(connections, cmocka_unit_test(is_found_), cmocka_unit_test(nothing_while_switched_on_),
           cmocka_unit_test(is_matched_anew_), cmocka_unit_test(of_who_is_gone_),
           cmocka_unit_test(is_set_))
