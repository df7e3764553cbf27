/* The scheduler runs what is due and notices what another process did (engine.md 3.4). */
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

TEST_GROUP(schedule, cmocka_unit_test(runs_what_is_due_))
