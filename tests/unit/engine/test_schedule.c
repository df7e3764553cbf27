/* The scheduler runs what is due and notices what another process did (engine.md 3.4). */
#include "engine/cycle/schedule.h"
#include "world.h"

#include <time.h>

static struct world *w;

/* Waits until the job has ended that many cycles; the condition is looked at again and again for at
 * most ten seconds. */
static void wait_for_cycles(size_t wanted)
{
    struct cycle *cycles;
    struct err err;
    size_t count = 0;

    for (int i = 0; i < 1000; i++) {
        size_t ended = 0;

        CHECK(cycle_list(w->db, w->arena, w->job.no, 10, &cycles, &count, &err), "%s", err.message);
        for (size_t k = 0; k < count; k++)
            ended += cycles[k].state != CYCLE_RUNNING;
        if (ended >= wanted)
            return;
        nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
    }
    CHECK(false, "%zu cycles after ten seconds, %zu wanted", count, wanted);
}

static void runs_what_is_due(const struct db_config *config)
{
    struct engine_scheduler *scheduler;
    struct str ada;
    struct err err;

    w = malloc(sizeof(*w));
    world_init(w, config, "joynfsm");
    ada = world_person(w, "ada");
    world_assign(w, ada, true);
    CHECK(engine_scheduler_start(&w->engine, NULL, &scheduler, &err), "%s", err.message);
    wait_for_cycles(1);
    world_set(w, ada, "givenName", "\"Augusta\""); /* long before the interval is over */
    wait_for_cycles(2);
    engine_scheduler_stop(scheduler);
    CHECK_STR(world_value(world_account(w, "ada"), "name.givenName"), "Augusta",
              "pushed by the change");
    world_done(w);
    free(w);
}

static void runs_what_is_due_(void **state)
{
    (void)state;
    test_databases(runs_what_is_due);
}

/* When a cycle is started, by what the job says and after one that could not run. */
static void judges(void **state)
{
    enum { MINUTE = 60, HOUR = 60 * MINUTE, NOW = 1000 * HOUR };
    static const struct {
        const char *label;
        enum job_state state;
        const char *quarantine;
        int64_t next;           /* seconds */
        int64_t rest_s, rested; /* of a cycle that could not run: left, and what was due then */
        enum schedule_start want;
    } cases[] = {
        {"due", JOB_ACTIVE, "", NOW, 0, 0, START_NOW},
        {"not due", JOB_ACTIVE, "", NOW + 1, 0, 0, START_IF_MOVED},
        {"started by an administrator", JOB_ACTIVE, "", 0, 0, 0, START_NOW},
        {"paused", JOB_PAUSED, "", 0, 0, 0, START_NOT},
        {"disabled", JOB_DISABLED, "", 0, 0, 0, START_NOT},
        {"rest after a busy target", JOB_ACTIVE, "", NOW + 40 * MINUTE, 30, NOW, START_NOT},
        {"the rest is over", JOB_ACTIVE, "", NOW + 40 * MINUTE, 0, NOW, START_IF_MOVED},
        {"what is due does not rest", JOB_ACTIVE, "", NOW, 30, NOW - 5, START_NOW},
        {"an administrator does not wait", JOB_ACTIVE, "", 0, 30, NOW, START_NOW},
        {"the same cycle is not tried each second", JOB_ACTIVE, "", NOW, 30, NOW, START_NOT},
        {"in quarantine", JOB_ACTIVE, "EncounteredQuarantineException", NOW + 5, 0, 0, START_NOT},
        {"attempt in quarantine", JOB_ACTIVE, "EncounteredQuarantineException", NOW, 0, 0,
         START_NOW},
        {"an attempt in 24 hours", JOB_ACTIVE, "Unknown", NOW + 24 * HOUR, 0, 0, START_NOT},
        {"held removals slow nothing", JOB_ACTIVE, "TooManyDeletes", NOW + 5, 0, 0, START_IF_MOVED},
        {"the clock went back", JOB_ACTIVE, "", NOW + 41 * MINUTE, 0, 0, START_NOW},
        {"the clock went back in quarantine", JOB_ACTIVE, "Unknown", NOW + 25 * HOUR, 0, 0,
         START_NOW},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct job job = {
            .no = 1,
            .state = cases[i].state,
            .interval_us = JOB_INTERVAL_DEFAULT_US,
            .quarantined = cases[i].quarantine[0] != 0,
            .quarantine_reason = str_from_z(cases[i].quarantine),
            .next_cycle_us = cases[i].next * US_PER_SECOND,
        };
        struct schedule_rest rest = {
            .job_no = 1,
            .until_us = 500 + cases[i].rest_s * US_PER_SECOND,
            .next_cycle_us = cases[i].rested * US_PER_SECOND,
        };

        CHECK(schedule_judge(&job, &rest, NOW * US_PER_SECOND, 500) == cases[i].want, "%s",
              cases[i].label);
    }
}

TEST_GROUP(schedule, cmocka_unit_test(judges), cmocka_unit_test(runs_what_is_due_))
