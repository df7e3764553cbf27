/* What a job's status says, from its making to its quarantine (graph-api.md 3.3). */
#include "engine/failures/quarantine.h"
#include "job/job.h"
#include "world.h"

static void check_code(struct world *w, const char *want, const char *label)
{
    struct engine_status status;
    struct err err = {.kind = ERR_NONE};

    CHECK(engine_status_load(&w->engine, w->job.no, w->arena, &status, &err), "%s: %s", label,
          err.message);
    CHECK_STR(str_from_z(status.code), want, "%s", label);
}

static void check_states(const struct db_config *config)
{
    static const struct db_query forget = {"forget", "DELETE FROM job_secret WHERE job_no = $1"};
    struct world *w = malloc(sizeof(*w));
    struct err err = {.kind = ERR_NONE};
    struct secret token;

    world_init(w, config, "scim");
    CHECK(job_set_state(w->db, w->job.no, JOB_DISABLED, &err), "%s", err.message);
    CHECK(db_exec(w->db, &forget, DB_ARGS(db_int(w->job.no)), NULL, &err), "%s", err.message);
    check_code(w, "NotConfigured", "made, without secrets");
    CHECK(secret_init(&token, STR("the token"), &err) &&
              job_secret_save(w->db, &w->key, w->job.no, STR("SecretToken"), &token, &err),
          "%s", err.message);
    secret_done(&token);
    check_code(w, "Paused", "secrets stored, never started");
    CHECK(engine_start(&w->engine, w->job.no, &err), "%s", err.message);
    check_code(w, "NotRun", "started, no cycle yet");
    world_cycle(w);
    check_code(w, "Active", "after the first cycle");
    CHECK(engine_pause(&w->engine, w->job.no, &err), "%s", err.message);
    check_code(w, "Paused", "paused");
    CHECK(engine_start(&w->engine, w->job.no, &err), "%s", err.message);
    check_code(w, "Active", "started again");
    CHECK(quarantine_change(&w->engine, w->db, w->job.no,
                            &(struct quarantine_change){.reason = QUARANTINE_UNKNOWN}, &err),
          "%s", err.message);
    check_code(w, "Quarantine", "in quarantine");
    CHECK(job_set_state(w->db, w->job.no, JOB_DISABLED, &err), "%s", err.message);
    check_code(w, "Quarantine", "disabled after a long quarantine");
    world_done(w);
    free(w);
}

static void states(void **state)
{
    (void)state;
    test_databases(check_states);
}

/* Two administrators at once: neither loses what the other has set. */
static void check_update(const struct db_config *config)
{
    struct world *w = mem_alloc(sizeof(*w));
    struct job loaded, first, second, got;
    struct err err = {0};

    world_init(w, config, "scim");
    CHECK(job_load_no(w->db, w->arena, w->job.no, &loaded, &err), "%s", err.message);
    first = second = loaded;
    first.interval_us = US_PER_HOUR;
    second.name = STR("Other");
    CHECK(engine_update_since(&w->engine, &loaded, &first, STR(""), &err) &&
              engine_update_since(&w->engine, &loaded, &second, STR(""), &err),
          "%s", err.message);
    CHECK(job_load_no(w->db, w->arena, w->job.no, &got, &err), "%s", err.message);
    CHECK(got.interval_us == US_PER_HOUR, "the first one's");
    CHECK_STR(got.name, "Other", "the second one's");
    world_done(w);
    free(w);
}

static void update(void **state)
{
    (void)state;
    test_databases(check_update);
}

TEST_GROUP(control, cmocka_unit_test(update), cmocka_unit_test(states));
