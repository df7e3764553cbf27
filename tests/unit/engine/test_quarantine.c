/* Quarantine: thresholds, when it is tried again, and what is kept of it (engine.md 9.4-9.6). */
#include "engine/failures/quarantine.h"
#include "world.h"

/* --- thresholds --- */

static void thresholds(void **state)
{
    static const struct {
        const char *label;
        enum quarantine_profile profile;
        int64_t least;
        struct quarantine_numbers n;
        const char *want;
    } cases[] = {
        {"4,000 are under the minimum", QUARANTINE_COMPAT, 0, {4000, 0, 0, 4000}, ""},
        {"45,000", QUARANTINE_COMPAT, 0, {45000, 0, 900000, 0}, "EncounteredBaseEscrowThreshold"},
        {"30,000 of 35,000",
         QUARANTINE_COMPAT,
         0,
         {30000, 0, 5000, 0},
         "EncounteredEscrowProportionThreshold"},
        {"16.7 percent", QUARANTINE_COMPAT, 0, {20000, 0, 100000, 0}, ""},
        {"61,000 with references",
         QUARANTINE_COMPAT,
         0,
         {40000, 21000, 900000, 0},
         "EncounteredTotalEscrowThreshold"},
        {"exactly 60,000", QUARANTINE_COMPAT, 0, {39000, 21000, 900000, 0}, ""},
        {"5,000 are judged",
         QUARANTINE_COMPAT,
         0,
         {5000, 0, 0, 0},
         "EncounteredEscrowProportionThreshold"},
        {"4,999 are not", QUARANTINE_COMPAT, 0, {4999, 0, 0, 0}, ""},
        {"exactly 40 percent", QUARANTINE_COMPAT, 0, {8000, 0, 12000, 0}, ""},
        {"exactly 40,000", QUARANTINE_COMPAT, 0, {40000, 0, 900000, 0}, ""},
        {"references alone have no share", QUARANTINE_SCALED, 0, {0, 500, 10, 10}, ""},
        {"50 people, all fail",
         QUARANTINE_SCALED,
         0,
         {50, 0, 0, 0},
         "EncounteredEscrowProportionThreshold"},
        {"50 people, 19 fail", QUARANTINE_SCALED, 0, {19, 0, 0, 50}, ""},
        {"20 of 40", QUARANTINE_SCALED, 0, {20, 0, 20, 40}, "EncounteredEscrowProportionThreshold"},
        {"under a tenth of the accounts", QUARANTINE_SCALED, 0, {99, 0, 0, 1000}, ""},
        {"a tenth of the accounts",
         QUARANTINE_SCALED,
         0,
         {100, 0, 100, 1000},
         "EncounteredEscrowProportionThreshold"},
        {"never more than the documented minimum",
         QUARANTINE_SCALED,
         0,
         {5000, 0, 100, 1000000},
         "EncounteredEscrowProportionThreshold"},
        {"a minimum of one's own",
         QUARANTINE_COMPAT,
         3,
         {3, 0, 1, 9},
         "EncounteredEscrowProportionThreshold"},
        {"a minimum of one's own is not reached", QUARANTINE_SCALED, 100, {60, 0, 0, 60}, ""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct job_settings s;

        job_settings_default(&s);
        s.quarantine_profile = cases[i].profile;
        s.quarantine_min_failures = cases[i].least;
        CHECK_STR(str_from_z(quarantine_reason_name(quarantine_judge(&s, &cases[i].n))),
                  cases[i].want, "%s", cases[i].label);
    }
}

/* --- attempts --- */

static void attempts(void **state)
{
    static const int64_t day = 24 * 60;
    static const struct {
        int64_t now, want; /* minutes since the series began */
    } cases[] = {
        {0, 5},
        {4, 5},
        {5, 15},
        {15, 30},
        {30, 60},
        {60, 360},
        {359, 360},
        {360, 720},
        {720, day},
        {day, 2 * day},
        {2 * day + 1, 3 * day},
        {27 * day, 28 * day},
    };
    int64_t since = 1000 * US_PER_DAY;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t next =
            quarantine_next_us(QUARANTINE_EXCEPTION, since, since + cases[i].now * US_PER_MINUTE);

        CHECK((next - since) / US_PER_MINUTE == cases[i].want, "after %lld minutes: %lld",
              (long long)cases[i].now, (long long)((next - since) / US_PER_MINUTE));
    }
    CHECK(quarantine_next_us(QUARANTINE_EXCEPTION, since + US_PER_DAY, since) ==
              since + 5 * US_PER_MINUTE,
          "a clock that went back");
    CHECK(quarantine_next_us(QUARANTINE_PROPORTION, since, since) == since + 6 * US_PER_HOUR,
          "a connection test tells nothing of thresholds");
}

static void names(void **state)
{
    (void)state;
    for (int i = 0; i < QUARANTINE_REASON_COUNT; i++) {
        const char *name = quarantine_reason_name((enum quarantine_reason)i);

        CHECK((int)quarantine_reason_of(str_from_z(name)) == i, "%s", name);
    }
    CHECK(quarantine_reason_of(STR("Other")) == QUARANTINE_UNKNOWN, "an unknown text");
}

/* --- the record --- */

static struct job load(struct world *w)
{
    struct err err = {0};
    struct job job = {0};

    CHECK(job_load_no(w->db, w->arena, w->job.no, &job, &err), "%s", err.message);
    return job;
}

static void set(struct world *w, enum quarantine_reason reason)
{
    struct quarantine_change c = {.reason = reason, .code = STR("code"), .message = STR("why")};
    struct err err = {0};

    CHECK(quarantine_change(&w->engine, w->db, w->job.no, &c, &err), "%s", err.message);
}

static void check_series(const struct db_config *config)
{
    struct world *w = mem_alloc(sizeof(*w));
    int64_t began;
    struct job job;

    world_init(w, config, "scim");
    set(w, QUARANTINE_NONE);
    CHECK(!load(w).quarantined, "nothing to lift");
    began = w->clock.now;
    set(w, QUARANTINE_EXCEPTION);
    job = load(w);
    CHECK(job.quarantined && job.quarantine_since_us == began && job.quarantine_count == 0 &&
              job.next_cycle_us == began + 5 * US_PER_MINUTE,
          "entered");
    w->clock.now += 5 * US_PER_MINUTE;
    set(w, QUARANTINE_EXCEPTION);
    job = load(w);
    CHECK(job.quarantine_since_us == began && job.quarantine_current_us == w->clock.now &&
              job.quarantine_count == 1 && job.next_cycle_us == began + 15 * US_PER_MINUTE,
          "renewed");
    set(w, QUARANTINE_PROPORTION);
    job = load(w);
    CHECK_STR(job.quarantine_reason, "EncounteredEscrowProportionThreshold", "another reason");
    CHECK(job.quarantine_since_us == began && job.quarantine_count == 1, "the series goes on");
    set(w, QUARANTINE_NONE);
    job = load(w);
    CHECK(!job.quarantined && job.quarantine_since_us == 0 && job.next_cycle_us == 0, "lifted");
    world_done(w);
    free(w);
}

static void series(void **state)
{
    (void)state;
    test_databases(check_series);
}

static void check_end(const struct db_config *config)
{
    struct world *w = mem_alloc(sizeof(*w));

    world_init(w, config, "scim");
    set(w, QUARANTINE_TOO_MANY_DELETES);
    CHECK(load(w).next_cycle_us == 0, "held removals leave the schedule alone");
    w->clock.now += 29 * US_PER_DAY;
    set(w, QUARANTINE_TOO_MANY_DELETES);
    CHECK(load(w).state == JOB_ACTIVE, "held removals never disable the job");
    set(w, QUARANTINE_EXCEPTION);
    CHECK(load(w).state == JOB_ACTIVE && load(w).quarantine_since_us == w->clock.now,
          "the 28 days begin with the failure");
    w->clock.now += 28 * US_PER_DAY;
    set(w, QUARANTINE_EXCEPTION);
    CHECK(load(w).state == JOB_ACTIVE, "exactly 28 days");
    w->clock.now += 1;
    set(w, QUARANTINE_EXCEPTION);
    CHECK(load(w).state == JOB_DISABLED && load(w).quarantined, "more than 28 days");
    world_done(w);
    free(w);
}

static void end(void **state)
{
    (void)state;
    test_databases(check_end);
}

/* --- cycles --- */

static struct fault broken(enum target_class class_, const char *code)
{
    return (struct fault){
        .call = CALL_CREATE,
        .status = TARGET_FAILED,
        .class_ = class_,
        .code = code,
        .retry_after_ms = -1,
        .times = 1000000,
    };
}

static void people(struct world *w, int from, int to)
{
    for (int i = from; i < to; i++) {
        char name[16];

        snprintf(name, sizeof(name), "p%d", i);
        world_assign(w, world_person(w, name), true);
    }
}

/* A job of 50 people whose target refuses all of them is in quarantine after its first cycle, and
 * out of it when they are taken. */
static void check_small(const struct db_config *config)
{
    struct world *w = mem_alloc(sizeof(*w));
    struct job job;

    world_init(w, config, "scim");
    people(w, 0, 50);
    w->fault = broken(TARGET_PERMANENT, "UnprocessableEntity");
    world_cycle(w);
    job = load(w);
    CHECK_STR(job.quarantine_reason, "EncounteredEscrowProportionThreshold", "all fail");
    CHECK(job.escrows_pruned, "crossed in the initial cycle");
    CHECK(job.next_cycle_us > w->clock.now + 5 * US_PER_HOUR, "it is slowed down");
    world_cycle(w);
    CHECK(load(w).quarantine_count == 1, "renewed");
    w->fault.times = 0;
    w->clock.now += 6 * US_PER_HOUR;
    world_cycle(w);
    job = load(w);
    CHECK(!job.quarantined, "a cycle that goes well lifts it");
    CHECK(job.next_cycle_us <= w->clock.now + job.interval_us, "the normal interval again");
    CHECK(world_accounts(w, SOURCE_USER) == 50, "pruned ones were kept and tried again");
    world_done(w);
    free(w);
}

static void small(void **state)
{
    (void)state;
    test_databases(check_small);
}

/* A target that does not answer: in quarantine at once, and out of it with the first probe. */
static void check_dead(const struct db_config *config)
{
    struct world *w = mem_alloc(sizeof(*w));
    struct cycle cycle;
    struct err err = {0};
    struct job job;

    world_init(w, config, "scim");
    people(w, 0, 50);
    w->fault = broken(TARGET_TRANSIENT, "Timeout");
    w->fault.call = CALL_TEST;
    CHECK(!world_try_cycle(w, &cycle, &err), "the test fails");
    job = load(w);
    CHECK_STR(job.quarantine_reason, "EncounteredQuarantineException", "a failure of the job");
    CHECK(job.next_cycle_us == job.quarantine_since_us + 5 * US_PER_MINUTE, "probed in 5 minutes");
    CHECK(w->calls[CALL_FIND] == 0, "a probe is the connection test alone");
    w->clock.now = job.next_cycle_us;
    CHECK(!world_try_cycle(w, &cycle, &err), "still");
    CHECK(load(w).quarantine_count == 1, "one re-evaluation");
    w->fault.times = 0;
    world_cycle(w);
    CHECK(!load(w).quarantined && world_accounts(w, SOURCE_USER) == 50, "healed by itself");
    world_done(w);
    free(w);
}

static void dead(void **state)
{
    (void)state;
    test_databases(check_dead);
}

/* --- a token that may read and not write --- */

/* The connection test passes all the time. */
static void check_denied(const struct db_config *config)
{
    struct world *w = mem_alloc(sizeof(*w));
    struct err err = {0};
    struct cycle cycle;
    struct job job;

    world_init(w, config, "scim");
    for (int i = 0; i < 200; i++) {
        char name[16];

        snprintf(name, sizeof(name), "p%03d", i);
        world_assign(w, world_person(w, name), true);
    }
    w->fault = (struct fault){.call = CALL_CREATE,
                              .status = TARGET_FAILED,
                              .class_ = TARGET_PERMISSION,
                              .code = "InsufficientRights",
                              .times = 100000};
    CHECK(!world_try_cycle(w, &cycle, &err), "nobody is let in");
    CHECK_STR(str_from_z(err.code), "InsufficientRights", "%s", err.message);
    job = load(w);
    CHECK_STR(job.quarantine_reason, "EncounteredQuarantineException", "reason");
    CHECK_STR(job.quarantine_code, "InsufficientRights", "code");
    CHECK(w->calls[CALL_CREATE] < 100, "%d asked for before it was given up",
          w->calls[CALL_CREATE]);

    w->clock.now = job.next_cycle_us;
    CHECK(!world_try_cycle(w, &cycle, &err), "still");
    job = load(w);
    CHECK(job.quarantined && job.quarantine_count == 1, "the test does not lift it: count %lld",
          (long long)job.quarantine_count);

    w->fault.times = 0;
    w->clock.now = job.next_cycle_us;
    world_cycle(w); /* those that were left */
    CHECK(!load(w).quarantined, "lifted by a cycle that came to its end");
    world_cycle(w); /* and those that had failed */
    CHECK(world_accounts(w, SOURCE_USER) == 200, "%zu accounts", world_accounts(w, SOURCE_USER));
    world_done(w);
    free(w);
}

/* A few that are refused among those that are not: their own matter. */
static void check_denied_some(const struct db_config *config)
{
    struct world *w = mem_alloc(sizeof(*w));
    struct cycle cycle;

    world_init(w, config, "scim");
    for (int i = 0; i < 60; i++) {
        char name[16];

        snprintf(name, sizeof(name), "%s%03d", i % 10 ? "p" : "boss", i);
        world_assign(w, world_person(w, name), true);
    }
    w->fault = (struct fault){.call = CALL_CREATE,
                              .who = "boss",
                              .status = TARGET_FAILED,
                              .class_ = TARGET_PERMISSION,
                              .code = "InsufficientRights",
                              .times = 100000};
    cycle = world_cycle(w);
    CHECK(cycle.counters.failed == 6 && cycle.counters.created == 54, "%lld failed",
          (long long)cycle.counters.failed);
    CHECK(!load(w).quarantined, "not the job's matter");
    world_done(w);
    free(w);
}

static void denied(void **state)
{
    (void)state;
    test_databases(check_denied);
    test_databases(check_denied_some);
}

TEST_GROUP(quarantine, cmocka_unit_test(small), cmocka_unit_test(dead), cmocka_unit_test(denied),
           cmocka_unit_test(thresholds), cmocka_unit_test(attempts), cmocka_unit_test(names),
           cmocka_unit_test(series), cmocka_unit_test(end));
