#include "job/history.h"
#include "world.h"

static void history_body(const struct db_config *config)
{
    struct engine_status s;
    struct world w;
    struct err err = {0};
    struct str ada;
    int64_t first;

    world_init(&w, config, "joynfsm");
    ada = world_person(&w, "ada");
    world_person(&w, "bob"); /* nobody assigned him */
    world_assign(&w, ada, true);
    CHECK(engine_status_load(&w.engine, w.job.no, w.arena, &s, &err), "%s", err.message);
    CHECK_STR(str_from_z(s.code), "NotRun", "before the first cycle");
    CHECK(s.history.cycles == 0 && s.history.steady_first_us == 0, "nothing yet");

    w.fault = (struct fault){.call = CALL_CREATE,
                             .status = TARGET_FAILED,
                             .class_ = TARGET_PERMANENT,
                             .code = "EntryConflict",
                             .times = 1};
    world_cycle(&w);
    CHECK(engine_status_load(&w.engine, w.job.no, w.arena, &s, &err), "%s", err.message);
    CHECK_STR(str_from_z(s.code), "Active", "it came to its end");
    CHECK(s.history.cycles == 1 && s.history.failed == 1 && s.history.created == 0,
          "one failure: %lld", (long long)s.history.failed);
    CHECK(s.history.steady_first_us == 0, "something is left to be tried");

    world_cycle(&w);
    CHECK(engine_status_load(&w.engine, w.job.no, w.arena, &s, &err), "%s", err.message);
    CHECK(s.history.cycles == 2 && s.history.created == 1, "created");
    CHECK(s.history.steady_first_us == w.clock.now, "nothing is left");
    first = s.history.steady_first_us;
    world_cycle(&w);
    CHECK(engine_status_load(&w.engine, w.job.no, w.arena, &s, &err), "%s", err.message);
    CHECK(s.history.steady_first_us == first && s.history.steady_last_us > first,
          "the first one stays, the last one moves on");
    world_done(&w);
}

static void history(void **state)
{
    (void)state;
    test_databases(history_body);
}

/* Who never had an account is counted by the reason, and not in the log. */
static void skipped_body(const struct db_config *config)
{
    struct journal_record *list;
    struct cycle c;
    struct world w;
    struct str off;

    world_init(&w, config, "joynfsm");
    world_person(&w, "ada");
    world_assign(&w, world_person(&w, "bob"), true);
    off = world_person(&w, "off");
    world_assign(&w, off, true);
    world_set(&w, off, "accountEnabled", "false");
    c = world_cycle(&w);
    CHECK(c.counters.created == 1, "bob");
    CHECK(c.counters.skipped_disabled == 1, "%lld are disabled in the source",
          (long long)c.counters.skipped_disabled);
    CHECK(c.counters.skipped == c.counters.skipped_entitled + c.counters.skipped_disabled +
                                    c.counters.skipped_filtered + c.counters.skipped_deleted +
                                    c.counters.skipped_off,
          "each for one reason: %lld", (long long)c.counters.skipped);
    CHECK(world_journal(&w, &(struct journal_query){.who = STR("off")}, &list) == 0,
          "not in the log");
    world_done(&w);
}

static void skipped(void **state)
{
    (void)state;
    test_databases(skipped_body);
}

/* What was sent, how often it was tried, and when it is tried next. */
static void failure_body(const struct db_config *config)
{
    struct journal_record *list;
    struct world w;
    struct str ada;
    size_t n;

    world_init(&w, config, "joynfsm");
    ada = world_person(&w, "ada");
    world_assign(&w, ada, true);
    w.fault = (struct fault){.call = CALL_CREATE,
                             .status = TARGET_FAILED,
                             .class_ = TARGET_PERMANENT,
                             .code = "EntryConflict",
                             .times = 2};
    world_cycle(&w);
    world_cycle(&w);
    n = world_journal(&w, &(struct journal_query){.by_status = true, .status = STATUS_FAILURE},
                      &list);
    CHECK(n == 2, "%zu failures", n);
    for (size_t i = 0; i < n; i++) { /* newest first */
        const struct journal_step *last = &list[i].steps[list[i].step_count - 1];
        struct str retried = json_text(w.arena, json_get(last->details, STR("retried")));

        CHECK(last->type == STEP_EXPORT && last->status == STATUS_FAILURE, "%s", last->name);
        CHECK(json_get_text(last->details, "request").len > 0, "what was sent");
        CHECK(json_get_text(last->details, "nextTry").len > 0, "when it is tried next");
        CHECK_STR(retried, i == 0 ? "1" : "0", "how often it was tried again");
        CHECK(list[i].target_id.len == 0 && list[i].target_name.len == 0,
              "no account, no name of one: %.*s", STR_ARG(list[i].target_name));
    }
    w.clock.now += 7 * US_PER_HOUR;
    world_cycle(&w);
    n = world_journal(&w,
                      &(struct journal_query){.by_action = true,
                                              .action = ACTION_CREATE,
                                              .by_status = true,
                                              .status = STATUS_SUCCESS},
                      &list);
    CHECK(n == 1 && list[0].target_name.len > 0, "the account has a name");
    world_done(&w);
}

static void failure(void **state)
{
    (void)state;
    test_databases(failure_body);
}

TEST_GROUP(history, cmocka_unit_test(history), cmocka_unit_test(skipped), cmocka_unit_test(failure))
