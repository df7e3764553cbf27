/* The guard: what is held, when, and what an administrator's decision does (engine.md 8). */
#include "engine/guard.h"
#include "job/cycle.h"
#include "world.h"

enum { CREW_MAX = 60 };

/* Says both numbers when they differ. */
#define CHECK_INT(got, want, ...) check_int(__LINE__, (int64_t)(got), (int64_t)(want), __VA_ARGS__)

static struct world *w;
static struct str crew[CREW_MAX];

__attribute__((format(printf, 4, 5))) static void check_int(int line, int64_t got, int64_t want,
                                                            const char *format, ...)
{
    char text[160];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    CHECK(got == want, "line %d: %s: %lld instead of %lld", line, text, (long long)got,
          (long long)want);
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

static void set(const char *name, const char *value)
{
    struct engine_setting s = {str_from_z(name), str_from_z(value)};
    struct err err = {0};

    CHECK(engine_set(&w->engine, w->job.no, &s, 1, STR("admin"), &err), "%s: %s", name,
          err.message);
}

/* count: more than so many are held; the share plays no part. */
static void limit(const char *count)
{
    set("guard.count", count);
    set("guard.percent", "100");
}

/* `count` people with accounts: p00, p01, ... */
static void hire(int count)
{
    for (int i = 0; i < count; i++) {
        char name[16];

        snprintf(name, sizeof(name), "p%02d", i);
        crew[i] = world_person(w, name);
        world_assign(w, crew[i], true);
    }
    world_cycle(w);
    CHECK_INT(world_accounts(w, SOURCE_USER), count, "everybody has an account");
}

static void leave(int from, int to)
{
    for (int i = from; i < to; i++)
        world_assign(w, crew[i], false);
}

static void come_back(int from, int to)
{
    for (int i = from; i < to; i++)
        world_assign(w, crew[i], true);
}

static int active(void)
{
    int n = 0;

    for (size_t i = 0; i < w->account_count; i++) {
        const struct account *a = &w->accounts[i];

        n += a->used && a->kind == SOURCE_USER && str_eq_z(world_value(a, "active"), "true");
    }
    return n;
}

static struct held_counts counts(void)
{
    struct held_counts c;
    struct err err = {0};

    CHECK(held_count(w->db, w->job.no, &c, &err), "%s", err.message);
    return c;
}

static int64_t waiting(void)
{
    struct held_counts c = counts();

    return c.n[HELD_REMOVAL][HELD_WAITING] + c.n[HELD_UPDATE][HELD_WAITING];
}

static bool quarantined(void)
{
    struct job job;
    struct err err = {0};

    CHECK(job_load_no(w->db, w->arena, w->job.no, &job, &err), "%s", err.message);
    CHECK(!job.quarantined || str_eq_z(job.quarantine_reason, "TooManyDeletes"),
          "in quarantine for %.*s", STR_ARG(job.quarantine_reason));
    return job.quarantined;
}

static size_t told(const char *code)
{
    struct journal_query q = {.limit = 1000, .code = str_from_z(code)};
    struct journal_record *records;

    return world_journal(w, &q, &records);
}

static size_t told_of(struct str who)
{
    struct journal_query q = {.limit = 1000, .who = who};
    struct journal_record *records;

    return world_journal(w, &q, &records);
}

/* --- the numbers --- */

static void judged_by_numbers(const struct db_config *config)
{
    static const struct {
        const char *label;
        struct guard_numbers n;
        enum guard_limit want;
    } rows[] = {
        {"none", {0, 0, 1000}, GUARD_WITHIN},
        {"none now, though many were sent", {0, 900, 1000}, GUARD_WITHIN},
        {"at the count", {500, 0, 100000}, GUARD_WITHIN},
        {"over the count", {501, 0, 100000}, GUARD_OVER_COUNT},
        {"at the count with the window", {100, 400, 100000}, GUARD_WITHIN},
        {"over it with the window", {1, 500, 100000}, GUARD_OVER_COUNT},
        {"below the least number", {24, 0, 24}, GUARD_WITHIN},
        {"at the share", {25, 0, 250}, GUARD_WITHIN},
        {"over the share", {25, 0, 249}, GUARD_OVER_SHARE},
        {"over the share with the window", {5, 20, 249}, GUARD_OVER_SHARE},
        {"nobody connected", {25, 0, 0}, GUARD_OVER_SHARE},
    };
    struct job_settings s;

    (void)config;
    job_settings_default(&s);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        CHECK_INT(guard_judge(&s, &rows[i].n), rows[i].want, "%s", rows[i].label);
    s.guard = false;
    CHECK_INT(guard_judge(&s, &rows[3].n), GUARD_WITHIN, "switched off");
}

static void held_over_the_count(const struct db_config *config)
{
    start(config);
    limit("3");
    hire(10);
    leave(0, 3);
    world_cycle(w);
    CHECK_INT(active(), 7, "three are disabled");
    CHECK(!quarantined(), "and nothing is held");
    w->clock.now += 25 * US_PER_HOUR; /* out of the window */
    leave(3, 7);
    world_assign(w, world_person(w, "new"), true);
    struct cycle c = world_cycle(w);

    CHECK_INT(active(), 8, "four are too many: nobody is disabled, the new one is created");
    CHECK_INT(waiting(), 4, "all of them are held");
    CHECK_INT(c.counters.disabled, 0, "and not counted as disabled");
    CHECK_INT(c.counters.created, 1, "creates go on");
    CHECK(quarantined(), "the job says so");
    CHECK_INT(told("Staged"), 4, "and the journal");
    w->calls[CALL_UPDATE] = 0;
    world_cycle(w);
    CHECK_INT(w->calls[CALL_UPDATE] + w->calls[CALL_READ], 0, "nothing is asked for them");
    CHECK_INT(waiting(), 4, "they stay held");
    CHECK_INT(told("Staged"), 4, "and are told once");
    end();
}

static void held_over_the_share(const struct db_config *config)
{
    start(config);
    set("guard.percentLeast", "3");
    set("guard.percent", "10");
    hire(40);
    leave(0, 4);
    world_cycle(w);
    CHECK_INT(active(), 36, "four of forty are ten percent, not more");
    w->clock.now += 25 * US_PER_HOUR;
    leave(4, 9);
    world_cycle(w);
    CHECK_INT(active(), 36, "five are more");
    CHECK_INT(waiting(), 5, "held");
    end();
}

static void slow_leak(const struct db_config *config)
{
    start(config);
    limit("5");
    hire(20);
    leave(0, 3);
    world_cycle(w);
    w->clock.now += US_PER_HOUR;
    leave(3, 5);
    world_cycle(w);
    CHECK_INT(active(), 15, "five in two cycles");
    w->clock.now += US_PER_HOUR;
    leave(5, 6);
    world_cycle(w);
    CHECK_INT(active(), 15, "the sixth of the day is held");
    CHECK_INT(waiting(), 1, "alone");
    w->clock.now += 23 * US_PER_HOUR;
    world_cycle(w);
    CHECK_INT(active(), 14, "and goes when the first three are a day old");
    CHECK(!quarantined() && waiting() == 0, "nothing is held any more");
    end();
}

static void users_and_groups_count_together(const struct db_config *config)
{
    struct str groups[2];

    start(config);
    limit("3");
    for (int i = 0; i < 2; i++) {
        groups[i] = world_group(w, i ? "two" : "one");
        world_assign(w, groups[i], true);
    }
    hire(10);
    leave(0, 2);
    world_assign(w, groups[0], false);
    world_assign(w, groups[1], false);
    world_cycle(w);
    CHECK_INT(active(), 10, "nobody is disabled");
    CHECK_INT(world_accounts(w, SOURCE_GROUP), 2, "no group is deleted");
    CHECK_INT(waiting(), 4, "two people and two groups are held");
    end();
}

/* --- the order --- */

/* Who is hired again gets the name of the account that goes in the same cycle. */
static void removals_come_first(const struct db_config *config)
{
    struct str old;
    struct cycle c;

    start(config);
    old = world_person(w, "ada");
    world_assign(w, old, true);
    world_cycle(w);
    world_delete(w, old, WORLD_SOFT);
    world_assign(w, world_person(w, "ada"), true); /* before the removal in the feed */
    world_delete(w, old, WORLD_HARD);
    c = world_cycle(w);
    CHECK_INT(c.counters.failed, 0, "no duplicate");
    CHECK_INT(c.counters.deleted, 1, "the old account goes");
    CHECK_INT(c.counters.created, 1, "the new one comes");
    CHECK(world_account(w, "ada"), "there is one");
    end();
}

static void told_once(const struct db_config *config)
{
    struct cycle c;

    start(config);
    hire(3);
    size_t before = told_of(crew[0]);

    leave(0, 1);
    c = world_cycle(w);
    CHECK_INT(c.counters.imported, 1, "one object");
    CHECK_INT(c.counters.disabled, 1, "is disabled");
    CHECK_INT(c.counters.unchanged + c.counters.skipped, 0, "and nothing else");
    CHECK_INT(told_of(crew[0]), before + 1, "one record");
    c = world_cycle(w);
    CHECK_INT(c.counters.imported, 0, "the next cycle has nothing to do");
    end();
}

/* A removal that fails is tried once in its cycle, and again as a retry. */
static void failure_is_tried_once(const struct db_config *config)
{
    struct cycle c;

    start(config);
    hire(3);
    leave(0, 1);
    w->fault = (struct fault){.call = CALL_UPDATE,
                              .status = TARGET_FAILED,
                              .class_ = TARGET_PERMANENT,
                              .code = "NotPermitted",
                              .times = 2};
    c = world_cycle(w);
    CHECK_INT(w->calls[CALL_UPDATE], 1, "one attempt");
    CHECK_INT(c.counters.failed, 1, "failed");
    w->fault.times = 0;
    w->clock.now += 30 * US_PER_HOUR;
    c = world_cycle(w);
    CHECK_INT(c.counters.disabled, 1, "the retry succeeds");
    CHECK_INT(active(), 2, "one less");
    end();
}

/* --- fixed in the source --- */

static void fixed_in_the_source(const struct db_config *config)
{
    start(config);
    limit("3");
    hire(10);
    leave(0, 5);
    world_cycle(w);
    CHECK_INT(waiting(), 5, "held");
    come_back(0, 1);
    world_cycle(w);
    CHECK_INT(waiting(), 4, "one less is held");
    CHECK(quarantined(), "still too many");
    come_back(1, 2);
    world_cycle(w);
    CHECK_INT(waiting(), 0, "three are not too many");
    CHECK_INT(active(), 7, "they are disabled");
    CHECK(!quarantined(), "and the quarantine is over");
    end();
}

#define ON_BOTH(test)                 \
    static void test##_(void **state) \
    {                                 \
        (void)state;                  \
        test_databases(test);         \
    }
ON_BOTH(judged_by_numbers)
ON_BOTH(held_over_the_count)
ON_BOTH(held_over_the_share)
ON_BOTH(slow_leak)
ON_BOTH(users_and_groups_count_together)
ON_BOTH(removals_come_first)
ON_BOTH(told_once)
ON_BOTH(failure_is_tried_once)
ON_BOTH(fixed_in_the_source)

TEST_GROUP(guard, cmocka_unit_test(judged_by_numbers_), cmocka_unit_test(held_over_the_count_),
           cmocka_unit_test(held_over_the_share_), cmocka_unit_test(slow_leak_),
           cmocka_unit_test(users_and_groups_count_together_),
           cmocka_unit_test(removals_come_first_), cmocka_unit_test(told_once_),
           cmocka_unit_test(failure_is_tried_once_), cmocka_unit_test(fixed_in_the_source_))
