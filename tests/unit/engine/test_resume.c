/* Cycles that were cut short, and objects that come up more than once: what goes on where, and what
 * is still owed afterwards (engine.md 3, 7, 9.2). */
#include "job/cycle.h"
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
    world_set(w, who, "manager", arena_printf(w->arena, "\"%.*s\"", STR_ARG(manager)).ptr);
}

/* The target fails as a whole during the second pass of an incremental cycle: what that cycle
 * covers is known when it goes on, and the watermark gets there. */
static void cut_short_in_the_references(const struct db_config *config)
{
    struct account *team;
    struct str group;
    struct cycle c;
    struct err err;

    start(config);
    group = world_group(w, "team");
    world_assign(w, group, true);
    world_cycle(w);
    team = world_account(w, "team");
    world_member(w, group, world_person(w, "ada"), true);
    w->fault = (struct fault){.call = CALL_MEMBERS,
                              .status = TARGET_FAILED,
                              .class_ = TARGET_JOB,
                              .code = "Unauthorized",
                              .times = 1};
    CHECK(!world_try_cycle(w, &c, &err), "the cycle is cut short");
    CHECK(world_account(w, "ada") && team->member_count == 0, "in its second pass");
    c = world_cycle(w);
    CHECK(c.kind == CYCLE_INCREMENTAL && c.state == CYCLE_SUCCEEDED, "it goes on");
    CHECK(team->member_count == 1, "and sends the member");
    c = world_cycle(w);
    CHECK(c.kind == CYCLE_INCREMENTAL && c.counters.imported == 0,
          "the next one begins behind it, not anew");
    end();
}

/* Who gets an account by a retry has a second pass in the same cycle, like everybody. */
static void retried_object_gets_its_references(const struct db_config *config)
{
    struct str group, bob;

    start(config);
    bob = person("bob");
    group = world_group(w, "team");
    world_assign(w, group, true);
    world_member(w, group, bob, true);
    set_manager(bob, person("boss"));
    w->fault = (struct fault){.call = CALL_CREATE,
                              .who = "bob",
                              .status = TARGET_FAILED,
                              .class_ = TARGET_PERMANENT,
                              .code = "InvalidDomain",
                              .times = 1};
    world_cycle(w);
    CHECK(!world_account(w, "bob"), "bob has failed");
    world_cycle(w);
    CHECK(world_account(w, "bob"), "bob has his account");
    CHECK_STR(world_value(world_account(w, "bob"), MANAGER), world_account(w, "boss")->id,
              "and his manager");
    CHECK(world_account(w, "team")->member_count == 1, "and is in his group");
    end();
}

/* Who gets the account on demand is linked with whom it waited for, and who waited for it, at once.
 */
static void provisioned_on_demand_gets_its_references(const struct db_config *config)
{
    struct journal_record record;
    struct str group, bob;
    struct err err;

    start(config);
    bob = person("bob");
    group = world_group(w, "team");
    world_assign(w, group, true);
    world_member(w, group, bob, true);
    set_manager(bob, person("boss"));
    w->fault = (struct fault){.call = CALL_CREATE,
                              .who = "bob",
                              .status = TARGET_FAILED,
                              .class_ = TARGET_PERMANENT,
                              .code = "InvalidDomain",
                              .times = 1};
    world_cycle(w);
    CHECK(engine_provision(&w->engine, w->job.no, STR("bob@example.com"), ENGINE_SEND, STR("admin"),
                           w->arena, &record, &err),
          "%s", err.message);
    CHECK(record.action == ACTION_CREATE, "what is told is the creation");
    CHECK(world_account(w, "bob"), "bob has his account");
    CHECK_STR(world_value(world_account(w, "bob"), MANAGER), world_account(w, "boss")->id,
              "and his manager");
    CHECK(world_account(w, "team")->member_count == 1, "and is in his group");
    end();
}

/* One object at the end of a page of changes and at the beginning of the next one is one object. */
static void changed_across_pages(const struct db_config *config)
{
    struct str ada = {0};
    struct cycle c;

    start(config);
    world_cycle(w);
    for (int i = 0; i < 124; i++) { /* two changes each */
        char name[16];

        snprintf(name, sizeof(name), "p%03d", i);
        person(name);
    }
    world_person(w, "x");
    ada = world_person(w, "ada"); /* the last change of the first page */
    world_assign(w, ada, true);   /* the first of the second one */
    c = world_cycle(w);
    CHECK(c.counters.failed == 0, "%lld failed", (long long)c.counters.failed);
    CHECK(c.counters.created == 125 && c.counters.matched == 0, "%lld created, %lld matched",
          (long long)c.counters.created, (long long)c.counters.matched);
    CHECK(w->calls[CALL_CREATE] == 125, "each once: %d", w->calls[CALL_CREATE]);
    end();
}

/* A group that somebody deleted in the target is made again when its members change. */
static void vanished_group(const struct db_config *config)
{
    struct account *team;
    struct str group;
    struct cycle c;

    start(config);
    group = world_group(w, "team");
    world_assign(w, group, true);
    world_member(w, group, world_person(w, "ada"), true);
    world_cycle(w);
    world_account(w, "team")->used = false;
    world_member(w, group, world_person(w, "bob"), true);
    c = world_cycle(w);
    team = world_account(w, "team");
    CHECK(team && team->member_count == 2, "it is there again with all its members");
    CHECK(c.counters.created == 2 && c.state == CYCLE_SUCCEEDED, "at once, and bob");
    c = world_cycle(w);
    CHECK(c.counters.requests == 0, "and nothing is owed");
    end();
}

/* An account that somebody deleted in the target comes back into its groups. */
static void vanished_member(const struct db_config *config)
{
    struct str group, ada;

    start(config);
    group = world_group(w, "team");
    ada = world_person(w, "ada");
    world_assign(w, group, true);
    world_member(w, group, ada, true);
    world_cycle(w);
    world_account(w, "ada")->used = false;
    world_account(w, "team")->member_count = 0;
    world_set(w, ada, "givenName", "\"Augusta\"");
    world_cycle(w);
    CHECK(world_account(w, "ada"), "ada is created again");
    CHECK(world_account(w, "team")->member_count == 1, "and is a member again");
    CHECK_STR(str_from_z(world_account(w, "team")->members[0]), world_account(w, "ada")->id,
              "by her new id");
    end();
}

static bool pausing_source(struct db *db, const struct job *job, struct source **out,
                           struct err *err)
{
    CHECK(engine_pause(&w->engine, job->no, err), "%s", err->message);
    return source_open_directory(db, job->id, out, err);
}

/* A pause that falls between reading the job and taking its lease is not overheard. */
static void paused_while_it_begins(const struct db_config *config)
{
    struct cycle c = {0};
    struct err err;

    start(config);
    for (int i = 0; i < 600; i++) {
        char name[16];

        snprintf(name, sizeof(name), "p%03d", i);
        person(name);
    }
    w->engine.open_source = pausing_source;
    CHECK(!world_try_cycle(w, &c, &err) || c.state == CYCLE_RUNNING, "it does not run to its end");
    CHECK(world_accounts(w, SOURCE_USER) < 600, "it stops soon");
    end();
}

/* A service that is stopped in the middle of a cycle goes on with it when it comes back. */
static void stopped_cycle_is_due(const struct db_config *config)
{
    struct engine_status status;
    struct cycle c;
    struct err err;

    start(config);
    for (int i = 0; i < 300; i++) {
        char name[16];

        snprintf(name, sizeof(name), "p%03d", i);
        person(name);
    }
    w->stop_after = 100;
    c = world_cycle(w);
    CHECK(c.state == CYCLE_RUNNING, "stopped");
    CHECK(engine_status_load(&w->engine, w->job.no, w->arena, &status, &err), "%s", err.message);
    CHECK(status.next_cycle_us <= w->clock.now, "it is due at once");
    end();
}

/* Start after a failure of the job: the cause is said to be mended, so it is tried at once. */
static void start_out_of_quarantine(const struct db_config *config)
{
    struct engine_status status;
    struct cycle c;
    struct err err;

    start(config);
    person("ada");
    w->fault = (struct fault){.call = CALL_TEST, .code = "credentialsRefused", .times = 1};
    CHECK(!world_try_cycle(w, &c, &err), "quarantined");
    CHECK(engine_start(&w->engine, w->job.no, &err), "%s", err.message);
    CHECK(engine_status_load(&w->engine, w->job.no, w->arena, &status, &err), "%s", err.message);
    CHECK(!status.job.quarantined && status.next_cycle_us == 0, "due at once");
    end();
}

/* Stopped when all pages of its last phase were recorded, and nothing of its end was. */
static void stopped_behind_its_last_page(const struct db_config *config)
{
    enum cycle_kind kinds[] = {CYCLE_INITIAL, CYCLE_INCREMENTAL};
    struct str ada, group;
    struct cycle c;

    start(config);
    ada = person("ada");
    group = world_group(w, "team");
    world_assign(w, group, true);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct cycle half;
        struct err err = {0};
        bool found;

        world_member(w, group, ada, i == 0);
        w->stop_after_members = 1;
        half = world_cycle(w);
        CHECK(half.kind == kinds[i] && half.state == CYCLE_RUNNING, "stopped");
        CHECK(cycle_open(w->db, w->arena, w->job.no, &half, &found, &err) && found, "%s",
              err.message);
        half.cursor = i == 0 ? STR("6") : STR("9");
        CHECK(cycle_update(w->db, &half, &err), "%s", err.message);
        w->stop = false;
        c = world_cycle(w);
        CHECK(c.state == CYCLE_SUCCEEDED && str_eq(c.id, half.id), "it comes to its end");
    }
    end();
}

#define ON_BOTH(test)                 \
    static void test##_(void **state) \
    {                                 \
        (void)state;                  \
        test_databases(test);         \
    }
ON_BOTH(cut_short_in_the_references)
ON_BOTH(retried_object_gets_its_references)
ON_BOTH(provisioned_on_demand_gets_its_references)
ON_BOTH(changed_across_pages)
ON_BOTH(paused_while_it_begins)
ON_BOTH(stopped_cycle_is_due)
ON_BOTH(stopped_behind_its_last_page)
ON_BOTH(start_out_of_quarantine)
ON_BOTH(vanished_group)
ON_BOTH(vanished_member)

TEST_GROUP(resume, cmocka_unit_test(cut_short_in_the_references_),
           cmocka_unit_test(retried_object_gets_its_references_),
           cmocka_unit_test(provisioned_on_demand_gets_its_references_),
           cmocka_unit_test(changed_across_pages_), cmocka_unit_test(paused_while_it_begins_),
           cmocka_unit_test(stopped_cycle_is_due_), cmocka_unit_test(stopped_behind_its_last_page_),
           cmocka_unit_test(start_out_of_quarantine_), cmocka_unit_test(vanished_group_),
           cmocka_unit_test(vanished_member_))
