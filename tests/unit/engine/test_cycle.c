/* Cycles against a target in memory: who gets an account, what changes, what stays (engine.md 3 to
 * 6). */
#include "world.h"

static struct world *w;

static void start(const struct db_config *config, const char *template_id)
{
    w = malloc(sizeof(*w));
    world_init(w, config, template_id);
}

static void end(void)
{
    world_done(w);
    free(w);
}

static void life(const struct db_config *config)
{
    struct cycle c;
    struct str ada, bob;

    start(config, "joynfsm");
    ada = world_person(w, "ada");
    bob = world_person(w, "bob");
    world_person(w, "outsider");
    world_assign(w, ada, true);
    world_assign(w, bob, true);

    c = world_cycle(w);
    CHECK(c.kind == CYCLE_INITIAL && c.state == CYCLE_SUCCEEDED, "the first cycle is initial");
    CHECK(c.counters.created == 2 && world_accounts(w, SOURCE_USER) == 2, "two are created, %lld",
          (long long)c.counters.created);
    CHECK_STR(world_value(world_account(w, "ada"), "active"), "true", "ada is active");
    CHECK(w->calls[CALL_FIND] == 2 && w->calls[CALL_CREATE] == 2, "two requests each");

    c = world_cycle(w);
    CHECK(c.kind == CYCLE_INCREMENTAL, "the second is incremental");
    CHECK(c.counters.requests == 0 && w->calls[CALL_FIND] + w->calls[CALL_READ] == 0,
          "nothing changed, no request");

    world_set(w, ada, "givenName", "\"Augusta\"");
    c = world_cycle(w);
    CHECK(c.counters.updated == 1 && w->calls[CALL_READ] == 1 && w->calls[CALL_UPDATE] == 1,
          "one update, %lld", (long long)c.counters.updated);
    CHECK_STR(world_value(world_account(w, "ada"), "name.givenName"), "Augusta",
              "the change is there");

    world_set(w, ada, "accountEnabled", "false");
    c = world_cycle(w);
    CHECK(c.counters.disabled == 1, "disabled");
    CHECK_STR(world_value(world_account(w, "ada"), "active"), "false", "ada is disabled");
    world_set(w, ada, "givenName", "\"Ada\"");
    c = world_cycle(w);
    CHECK_STR(world_value(world_account(w, "ada"), "name.givenName"), "Augusta",
              "while disabled nothing else flows (engine.md D10)");
    world_set(w, ada, "accountEnabled", "true");
    c = world_cycle(w);
    CHECK_STR(world_value(world_account(w, "ada"), "active"), "true", "enabled again");
    CHECK_STR(world_value(world_account(w, "ada"), "name.givenName"), "Ada",
              "and brought up to date");

    world_delete(w, bob, WORLD_SOFT);
    c = world_cycle(w);
    CHECK(c.counters.disabled == 1 && c.counters.deleted == 0, "soft delete disables");
    world_delete(w, bob, WORLD_RESTORE);
    c = world_cycle(w);
    CHECK_STR(world_value(world_account(w, "bob"), "active"), "true", "restored, the same account");
    world_delete(w, bob, WORLD_SOFT);
    world_delete(w, bob, WORLD_HARD);
    c = world_cycle(w);
    CHECK(c.counters.deleted == 1 && !world_account(w, "bob"), "hard delete deletes");
    end();
}

/* What wakes a job is a source that has moved on since its watermark: after a cycle it has not. */
static void settled_job_is_not_woken(const struct db_config *config)
{
    CLEANUP(source_closep) struct source *source = NULL;
    struct directory_tx tx;
    struct str watermark, position;
    struct err err;

    start(config, "joynfsm");
    world_assign(w, world_person(w, "ada"), true);
    world_cycle(w);
    CHECK(directory_begin(w->db, &w->clock.clock, &w->rng.rng, &tx, &err), "%s", err.message);
    for (int i = 0; i < 2; i++) { /* several changes in one transaction take positions in advance */
        struct json *patch = json_new(w->arena, JSON_OBJECT);
        struct str id;

        json_add_str(w->arena, patch, "displayName", arena_printf(w->arena, "group %d", i));
        CHECK(directory_insert(&tx, w->arena, SOURCE_GROUP, STR(""), patch, &id, &err), "%s",
              err.message);
    }
    CHECK(directory_commit(&tx, &err), "%s", err.message);
    world_cycle(w);
    CHECK(watermark_load(w->db, w->arena, w->job.no, &watermark, &err), "%s", err.message);
    CHECK(source_open_directory(w->db, w->job.id, &source, &err), "%s", err.message);
    CHECK(source->ops->position(source, w->arena, &position, &err), "%s", err.message);
    CHECK(str_eq(watermark, position), "watermark %.*s, position %.*s", STR_ARG(watermark),
          STR_ARG(position));
    end();
}

static void scope_paths(const struct db_config *config)
{
    struct str ada, one, two;
    struct cycle c;

    start(config, "joynfsm");
    ada = world_person(w, "ada");
    one = world_group(w, "one");
    two = world_group(w, "two");
    world_member(w, one, ada, true);
    world_member(w, two, ada, true);
    world_assign(w, one, true);
    world_assign(w, two, true);
    c = world_cycle(w);
    CHECK(c.counters.created == 1, "in scope through a group");
    world_assign(w, one, false);
    c = world_cycle(w);
    CHECK(c.counters.disabled == 0 && c.counters.requests == 0, "another path remains");
    world_member(w, two, ada, false);
    c = world_cycle(w);
    CHECK(c.counters.disabled == 1, "the last path is gone");
    world_member(w, two, ada, true);
    c = world_cycle(w);
    CHECK_STR(world_value(world_account(w, "ada"), "active"), "true", "back in");
    CHECK(world_accounts(w, SOURCE_USER) == 1, "still one account");
    end();
}

static void existing_accounts_are_adopted(const struct db_config *config)
{
    struct journal_record *records;
    struct str ada;
    struct cycle c;
    struct err err;

    start(config, "joynfsm");
    ada = world_person(w, "ada");
    world_assign(w, ada, true);
    world_cycle(w);
    CHECK(engine_restart(&w->engine, w->job.no, RESET_FULL, &err), "restart: %s", err.message);
    c = world_cycle(w);
    CHECK(c.kind == CYCLE_INITIAL && c.counters.created == 0 && c.counters.matched == 1,
          "matched again after a full restart");
    CHECK(world_accounts(w, SOURCE_USER) == 1, "no second account");
    world_journal(w, NULL, &records);
    CHECK_STR(records[0].target_id, world_account(w, "ada")->id, "the record names the account");
    end();
}

static void one_failure_stays_one(const struct db_config *config)
{
    struct journal_query failures = {.by_status = true, .status = STATUS_FAILURE};
    struct journal_record *records;
    struct cycle c;

    start(config, "joynfsm");
    world_assign(w, world_person(w, "ada"), true);
    world_assign(w, world_person(w, "bob"), true);
    world_assign(w, world_person(w, "eve"), true);
    w->fault = (struct fault){.call = CALL_CREATE,
                              .who = "bob",
                              .status = TARGET_FAILED,
                              .class_ = TARGET_PERMANENT,
                              .code = "InvalidDomain",
                              .times = 1};
    c = world_cycle(w);
    CHECK(c.state == CYCLE_ENTRY_ERRORS && c.counters.failed == 1 && c.counters.created == 2,
          "two of three");
    CHECK(world_journal(w, &failures, &records) == 1, "one failure in the journal");
    CHECK_STR(records[0].code, "InvalidDomain", "its code");
    c = world_cycle(w);
    CHECK(c.counters.created == 1 && world_accounts(w, SOURCE_USER) == 3,
          "retried in the next cycle");
    c = world_cycle(w);
    CHECK(c.counters.requests == 0, "and out of the queue");
    end();
}

static void lost_answer_makes_no_second_account(const struct db_config *config)
{
    struct cycle c;

    start(config, "joynfsm");
    world_assign(w, world_person(w, "ada"), true);
    w->fault = (struct fault){.call = CALL_CREATE,
                              .status = TARGET_FAILED,
                              .class_ = TARGET_TRANSIENT,
                              .code = "Timeout",
                              .after = true,
                              .times = 1};
    c = world_cycle(w);
    CHECK(c.counters.failed == 0 && c.counters.matched == 1, "asked again, found, connected");
    CHECK(world_accounts(w, SOURCE_USER) == 1, "one account");
    end();
}

static void vanished_account_is_made_again(const struct db_config *config)
{
    struct str ada;
    struct cycle c;

    start(config, "joynfsm");
    ada = world_person(w, "ada");
    world_assign(w, ada, true);
    world_cycle(w);
    world_account(w, "ada")->used = false;
    world_set(w, ada, "givenName", "\"Augusta\"");
    c = world_cycle(w);
    CHECK(c.counters.created == 1 && c.counters.warnings == 1, "created again, with a warning");
    CHECK(world_account(w, "ada") != NULL, "there it is");
    end();
}

static void paused_cycle_goes_on(const struct db_config *config)
{
    struct journal_record *records;
    struct cycle c;
    size_t first;

    start(config, "joynfsm");
    for (int i = 0; i < 700; i++) {
        char name[16];

        snprintf(name, sizeof(name), "p%03d", i);
        world_assign(w, world_person(w, name), true);
    }
    w->stop_after = 300;
    c = world_cycle(w);
    first = world_accounts(w, SOURCE_USER);
    CHECK(c.state == CYCLE_RUNNING && first >= 300 && first < 700, "stopped with %zu done", first);
    atomic_store(&w->stop, false);
    c = world_cycle(w);
    CHECK(c.state == CYCLE_SUCCEEDED && world_accounts(w, SOURCE_USER) == 700, "the rest");
    CHECK(c.counters.created == 700 && c.counters.imported == 700 && c.counters.unchanged == 0,
          "everybody is counted once: %lld created, %lld read, %lld unchanged",
          (long long)c.counters.created, (long long)c.counters.imported,
          (long long)c.counters.unchanged);
    CHECK(world_journal(w, &(struct journal_query){.limit = 2000}, &records) >= 700,
          "everybody is in the log");
    CHECK(records[0].no >= 700, "numbered without a gap");
    for (size_t i = 1; i < 700; i++)
        CHECK(records[i - 1].no == records[i].no + 1, "no gap at %zu", i);
    end();
}

/* A place in the log that is taken makes the batch fail that needs it, in the middle of a cycle
 * with other batches before and behind. */
static void what_is_not_recorded_is_not_passed_over(const struct db_config *config)
{
    static const struct db_query take = {
        "take_place", "INSERT INTO journal (job_no, no, at_us, facet, subject, detail)"
                      " VALUES ($1, 300, 0, 0, 0, '')"};
    static const struct db_query give = {"give_place",
                                         "DELETE FROM journal WHERE job_no = $1 AND no = 300"};
    struct journal_record *records;
    struct engine_status status;
    struct cycle c;
    struct err err;

    start(config, "joynfsm");
    for (int i = 0; i < 900; i++) {
        char name[16];

        snprintf(name, sizeof(name), "p%03d", i);
        world_assign(w, world_person(w, name), true);
    }
    CHECK(db_exec(w->db, &take, DB_ARGS(db_int(w->job.no)), NULL, &err), "%s", err.message);
    CHECK(!world_try_cycle(w, &c, &err), "the cycle is given up");
    CHECK(db_exec(w->db, &give, DB_ARGS(db_int(w->job.no)), NULL, &err), "%s", err.message);
    c = world_cycle(w);
    CHECK(c.state == CYCLE_SUCCEEDED, "%s", cycle_state_name(c.state));
    CHECK(world_accounts(w, SOURCE_USER) == 900, "accounts");
    CHECK(engine_status_load(&w->engine, w->job.no, w->arena, &status, &err), "%s", err.message);
    CHECK(status.users == 900, "%lld of 900 are connected", (long long)status.users);
    CHECK(world_journal(w, &(struct journal_query){.limit = 2000}, &records) == 900,
          "everybody is in the log");
    CHECK(records[0].no == 900, "numbered without a gap");
    end();
}

static void refused_token_quarantines(const struct db_config *config)
{
    struct engine_status status;
    struct cycle c;
    struct err err;

    start(config, "joynfsm");
    world_assign(w, world_person(w, "ada"), true);
    w->fault = (struct fault){.call = CALL_TEST, .code = "credentialsRefused", .times = 1};
    CHECK(!world_try_cycle(w, &c, &err), "the cycle does not run");
    CHECK_STR(str_from_z(err.code), "credentialsRefused", "why");
    CHECK(engine_status_load(&w->engine, w->job.no, w->arena, &status, &err), "%s", err.message);
    CHECK_STR(str_from_z(status.code), "Quarantine", "status");
    world_cycle(w);
    CHECK(engine_status_load(&w->engine, w->job.no, w->arena, &status, &err), "%s", err.message);
    CHECK_STR(str_from_z(status.code), "Active", "a good cycle lifts it");
    CHECK(status.users == 1, "one account");
    end();
}

static void target_gone_in_the_middle(const struct db_config *config)
{
    struct engine_status status;
    struct cycle c;
    struct err err;

    start(config, "joynfsm");
    for (int i = 0; i < 400; i++) {
        char name[16];

        snprintf(name, sizeof(name), "p%03d", i);
        world_assign(w, world_person(w, name), true);
    }
    w->fault = (struct fault){.call = CALL_CREATE,
                              .who = "p2",
                              .status = TARGET_FAILED,
                              .class_ = TARGET_JOB,
                              .code = "Unauthorized",
                              .times = 1000};
    CHECK(!world_try_cycle(w, &c, &err), "the cycle is given up");
    CHECK(w->calls[CALL_CREATE] < 400, "without asking for everybody");
    CHECK(engine_status_load(&w->engine, w->job.no, w->arena, &status, &err), "%s", err.message);
    CHECK_STR(str_from_z(status.code), "Quarantine", "status");
    CHECK(status.has_cycle && !status.running, "the cycle is kept");
    CHECK(status.retries == 0, "what the target as a whole refused is nobody's failure");
    w->fault.times = 0;
    c = world_cycle(w);
    CHECK(c.kind == CYCLE_INITIAL && c.counters.failed == 0, "it went on where it was");
    CHECK(world_accounts(w, SOURCE_USER) == 400, "everybody is there once");
    end();
}

static void throttling_is_no_failure(const struct db_config *config)
{
    struct cycle c;

    start(config, "joynfsm");
    for (int i = 0; i < 20; i++) {
        char name[16];

        snprintf(name, sizeof(name), "p%02d", i);
        world_assign(w, world_person(w, name), true);
    }
    w->fault = (struct fault){.call = CALL_CREATE,
                              .status = TARGET_FAILED,
                              .class_ = TARGET_THROTTLED,
                              .code = "TooManyRequests",
                              .retry_after_ms = 5,
                              .times = 7};
    c = world_cycle(w);
    CHECK(c.counters.failed == 0 && c.counters.created == 20, "all created");
    end();
}

static void stopped_while_throttled(const struct db_config *config)
{
    struct journal_query failures = {.by_status = true, .status = STATUS_FAILURE};
    struct journal_record *records;
    struct cycle c;

    start(config, "joynfsm");
    for (int i = 0; i < 5; i++) {
        char name[16];

        snprintf(name, sizeof(name), "p%d", i);
        world_assign(w, world_person(w, name), true);
    }
    w->stop_after = 3;
    w->fault = (struct fault){.call = CALL_CREATE,
                              .status = TARGET_FAILED,
                              .class_ = TARGET_THROTTLED,
                              .code = "TooManyRequests",
                              .retry_after_ms = 3600 * 1000,
                              .times = 5};
    c = world_cycle(w);
    CHECK(c.state == CYCLE_RUNNING && world_accounts(w, SOURCE_USER) == 0, "stopped at once");
    CHECK(world_journal(w, &failures, &records) == 0, "waiting is no failure");
    atomic_store(&w->stop, false);
    w->fault.times = 0;
    c = world_cycle(w);
    CHECK(c.state == CYCLE_SUCCEEDED && world_accounts(w, SOURCE_USER) == 5, "all are created");
    end();
}

static void same_matching_value_twice(const struct db_config *config)
{
    struct str ada, twin;
    struct cycle c;

    start(config, "joynfsm");
    ada = world_person(w, "ada");
    world_assign(w, ada, true);
    world_cycle(w);
    /* The other one takes over her name while she keeps her account. */
    world_set(w, ada, "userPrincipalName", "\"ada.old@example.com\"");
    twin = world_person(w, "ada");
    world_assign(w, ada, false);
    world_assign(w, twin, true);
    c = world_cycle(w);
    CHECK(c.counters.failed == 1, "her account is not given to another person");
    CHECK(world_accounts(w, SOURCE_USER) == 1, "one account");
    end();
}

static void change_of_scope_mode(const struct db_config *config)
{
    struct cycle c;
    struct err err;

    start(config, "joynfsm");
    world_assign(w, world_person(w, "ada"), true);
    world_person(w, "bob");
    world_cycle(w);
    w->job.scope = JOB_SCOPE_ALL;
    CHECK(engine_update(&w->engine, &w->job, STR("tester"), &err), "%s", err.message);
    c = world_cycle(w);
    CHECK(c.kind == CYCLE_INITIAL, "the next cycle is an initial one without a restart");
    CHECK(c.counters.created == 1 && c.counters.unchanged == 1, "bob comes in, ada stays");
    w->job.scope = JOB_SCOPE_ASSIGNED;
    CHECK(engine_update(&w->engine, &w->job, STR("tester"), &err), "%s", err.message);
    c = world_cycle(w);
    CHECK(c.counters.disabled == 1, "bob goes out, though no page of assigned people shows him");
    CHECK_STR(world_value(world_account(w, "bob"), "active"), "false", "disabled");
    end();
}

#define ON_BOTH(test)                 \
    static void test##_(void **state) \
    {                                 \
        (void)state;                  \
        test_databases(test);         \
    }
ON_BOTH(life)
ON_BOTH(settled_job_is_not_woken)
ON_BOTH(scope_paths)
ON_BOTH(existing_accounts_are_adopted)
ON_BOTH(one_failure_stays_one)
ON_BOTH(lost_answer_makes_no_second_account)
ON_BOTH(vanished_account_is_made_again)
ON_BOTH(paused_cycle_goes_on)
ON_BOTH(what_is_not_recorded_is_not_passed_over)
ON_BOTH(refused_token_quarantines)
ON_BOTH(target_gone_in_the_middle)
ON_BOTH(throttling_is_no_failure)
ON_BOTH(stopped_while_throttled)
ON_BOTH(same_matching_value_twice)
ON_BOTH(change_of_scope_mode)

TEST_GROUP(cycle, cmocka_unit_test(life_), cmocka_unit_test(settled_job_is_not_woken_),
           cmocka_unit_test(scope_paths_), cmocka_unit_test(existing_accounts_are_adopted_),
           cmocka_unit_test(one_failure_stays_one_),
           cmocka_unit_test(lost_answer_makes_no_second_account_),
           cmocka_unit_test(vanished_account_is_made_again_),
           cmocka_unit_test(paused_cycle_goes_on_),
           cmocka_unit_test(what_is_not_recorded_is_not_passed_over_),
           cmocka_unit_test(refused_token_quarantines_),
           cmocka_unit_test(target_gone_in_the_middle_),
           cmocka_unit_test(throttling_is_no_failure_), cmocka_unit_test(stopped_while_throttled_),
           cmocka_unit_test(same_matching_value_twice_), cmocka_unit_test(change_of_scope_mode_))
