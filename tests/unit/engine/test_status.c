#include "engine/failures/governor.h"
#include "job/connection.h"
#include "world.h"

static void load(struct world *w, struct engine_status *out)
{
    struct err err = {0};

    CHECK(engine_status_load(&w->engine, w->job.no, w->arena, out, &err), "%s", err.message);
}

/* What a cycle says of itself is seen by whoever looks, while it runs and no longer. */
static void pulse_body(const struct db_config *config)
{
    struct engine_status s;
    struct job_lease lease;
    struct cycle cycle;
    struct world w;
    struct err err = {0};
    char name[32];
    const int64_t minute = US_PER_MINUTE;

    world_init(&w, config, "joynfsm");
    w.engine.pulse_us = 1;
    for (int i = 0; i < 400; i++) {
        snprintf(name, sizeof(name), "person%d", i);
        world_assign(&w, world_person(&w, name), true);
    }
    w.stop_after = 300;
    CHECK(world_try_cycle(&w, &cycle, &err), "stopped: %s", err.message);
    load(&w, &s);
    CHECK(s.has_cycle && !s.running && !s.has_pulse, "nobody runs it, so nothing is told of now");

    CHECK(lease_take(w.db, w.job.no, STR("elsewhere/1"), w.clock.now, w.clock.now + minute, &lease,
                     &err),
          "%s", err.message);
    load(&w, &s);
    CHECK(s.running && s.has_pulse, "somebody runs it");
    CHECK(str_eq(s.pulse.cycle_id, s.cycle.id), "of this cycle");
    CHECK(s.pulse.phase == PHASE_USERS && s.pulse.phase_total == 400, "phase %d of %lld objects",
          (int)s.pulse.phase, (long long)s.pulse.phase_total);
    CHECK(s.pulse.phase_done >= 250 && s.pulse.phase_done <= 400, "done: %lld",
          (long long)s.pulse.phase_done);
    CHECK(s.pulse.objects_rate > 0, "it goes on");
    w.clock.now += 20 * US_PER_SECOND;
    load(&w, &s);
    CHECK(s.running && !s.has_pulse, "what it said 20 seconds ago is no news");
    CHECK(lease_release(w.db, &lease, &err), "%s", err.message);

    atomic_store(&w.stop, false);
    w.stop_after = 0;
    world_cycle(&w);
    load(&w, &s);
    CHECK(!s.running && !s.has_pulse && s.users == 400, "it has ended: %lld accounts",
          (long long)s.users);
    world_done(&w);
}

static void pulse(void **state)
{
    (void)state;
    test_databases(pulse_body);
}

static struct held held_row(const char *id, enum held_class class_, enum held_state state)
{
    return (struct held){.source_id = str_from_z(id),
                         .class_ = class_,
                         .state = state,
                         .action = class_ == HELD_REMOVAL ? HELD_DISABLE : HELD_CHANGE};
}

static void counts_body(const struct db_config *config)
{
    static const struct {
        const char *id, *code;
        int64_t next_us;
    } parked[] = {
        {"a", "EntryConflict", 1000}, {"b", "EntryConflict", RETRY_NEVER}, {"c", "Timeout", 5}};
    struct engine_status s;
    struct world w;
    struct err err = {0};
    struct str ada;

    world_init(&w, config, "joynfsm");
    world_setting(&w, "deprovision.unassigned", "disable after P3D");
    ada = world_person(&w, "ada");
    world_assign(&w, ada, true);
    world_cycle(&w);
    world_assign(&w, ada, false);
    world_cycle(&w);
    for (size_t i = 0; i < ARRAY_LEN(parked); i++) {
        const struct retry r = {.source_id = str_from_z(parked[i].id),
                                .code = str_from_z(parked[i].code),
                                .next_us = parked[i].next_us};

        CHECK(retry_park(w.db, w.job.no, &r, &err), "%s", err.message);
    }
    const struct held rows[] = {held_row("x", HELD_REMOVAL, HELD_WAITING),
                                held_row("y", HELD_REMOVAL, HELD_WAITING),
                                held_row("z", HELD_UPDATE, HELD_ALLOWED)};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        CHECK(held_save(w.db, w.job.no, &rows[i], &err), "%s", err.message);

    load(&w, &s);
    CHECK(s.retries == 3 && s.escrow_count == 2, "by code: %zu", s.escrow_count);
    CHECK_STR(s.escrows[0].code, "EntryConflict", "the most frequent first");
    CHECK(s.escrows[0].count == 2 && s.escrows[0].given_up == 1 && s.escrows[0].next_us == 1000,
          "one of two is given up");
    CHECK(s.escrows[1].count == 1 && s.escrows[1].given_up == 0, "and a timeout");
    CHECK(s.held.n[HELD_REMOVAL][HELD_WAITING] == 2 && s.held.n[HELD_UPDATE][HELD_ALLOWED] == 1,
          "held");
    CHECK(s.in_grace == 1, "one is in its grace period: %lld", (long long)s.in_grace);
    CHECK(s.grace_ends_us > w.clock.now && s.grace_ends_us <= w.clock.now + 3 * US_PER_DAY,
          "which ends in three days");
    world_done(&w);
}

static void counts(void **state)
{
    (void)state;
    test_databases(counts_body);
}

/* What a governor says of itself: the stricter of the job's limits and the host's. */
static void governor(void **state)
{
    struct job_settings settings;
    struct governor_state g;

    (void)state;
    job_settings_default(&settings);
    settings.rate = 20;
    settings.concurrency = 3;
    struct governor *fixed = governor_open(&settings, STR("https://app.example.com"), NULL);
    struct target_gate *gate = governor_gate(fixed);

    CHECK(gate->admit(gate) == 0, "the first goes");
    governor_look(fixed, &g);
    CHECK((int)g.rate == 20 && g.connections == 3 && g.under_way == 1 && g.requests == 0,
          "one is under way");
    gate->answered(gate, 429, 30000, 1000);
    governor_look(fixed, &g);
    CHECK(g.under_way == 0 && g.requests == 1 && g.throttled == 1 &&
              g.hold_us > 29 * US_PER_SECOND && g.hold_us <= 30 * US_PER_SECOND,
          "a pause of %lld us", (long long)g.hold_us);
    governor_close(fixed);

    settings.rate = RATE_AUTO;
    fixed = governor_open(&settings, STR("https://other.example.com"), NULL);
    governor_look(fixed, &g);
    CHECK((int)g.rate == (int)PACE_RATE_START && g.connections == 3,
          "the host's rate, the job's connections: %lld", (long long)g.connections);
    governor_close(fixed);
}

TEST_GROUP(status, cmocka_unit_test(pulse), cmocka_unit_test(counts), cmocka_unit_test(governor))
