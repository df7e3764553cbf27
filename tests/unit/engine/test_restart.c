/* What a restart clears and keeps, flag by flag; one that waits for a cycle; undoing it (engine.md
 * 11). */
#include "engine/cycle/run.h"
#include "engine/failures/quarantine.h"
#include "job/retry.h"
#include "journal/audit.h"
#include "world.h"

#define OK(call)                                                           \
    do {                                                                   \
        struct err err_ = {0};                                             \
        struct err *err = &err_;                                           \
        CHECK((call), "%s: %s", err_.code ? err_.code : "", err_.message); \
    } while (0)

struct kept {
    bool watermark, escrows, quarantine, connections;
};

static struct kept look(struct world *w)
{
    struct str watermark;
    struct job job = {0};
    int64_t retries = 0, users = 0;

    OK(watermark_load(w->db, w->arena, w->job.no, &watermark, err));
    OK(job_load_no(w->db, w->arena, w->job.no, &job, err));
    OK(retry_count(w->db, w->job.no, &retries, err));
    OK(connection_count(w->db, w->job.no, SOURCE_USER, &users, err));
    return (struct kept){watermark.len > 0, retries > 0, job.quarantined, users > 0};
}

static void prepare(struct world *w, const struct db_config *config)
{
    const struct retry parked = {.source_id = STR("x"), .code = STR("c"), .message = STR("m")};

    world_init(w, config, "scim");
    world_assign(w, world_person(w, "ada"), true);
    world_cycle(w);
    OK(retry_park(w->db, w->job.no, &parked, err));
    OK(quarantine_change(&w->engine, w->db, w->job.no,
                         &(struct quarantine_change){.reason = QUARANTINE_EXCEPTION}, err));
}

static const struct {
    const char *label;
    unsigned reset;
    struct kept want; /* watermark, escrows, quarantine, connections */
} cases[] = {
    {"None", 0, {true, true, true, true}},
    {"restart", RESET_DEFAULT, {false, false, false, true}},
    {"Escrows", RESET_RETRIES, {true, false, true, true}},
    {"Watermark", RESET_WATERMARK, {false, true, true, true}},
    {"QuarantineState", RESET_QUARANTINE, {true, true, false, true}},
    {"ConnectorDataStore", RESET_CONNECTIONS, {true, true, true, false}},
    {"Full", RESET_FULL, {false, false, false, false}},
    {"ForceDeletes", RESET_FORCE_DELETES, {true, true, true, true}},
    {"Watermark and Escrows", RESET_WATERMARK | RESET_RETRIES, {false, false, true, true}},
    {"Escrows and ConnectorDataStore",
     RESET_RETRIES | RESET_CONNECTIONS,
     {true, false, true, false}},
};

static size_t at; /* the case that check_matrix is called for */

static void check_matrix(const struct db_config *config)
{
    struct world *w = mem_alloc(sizeof(*w));
    struct engine_status status = {0};
    struct kept got;

    prepare(w, config);
    OK(engine_pause(&w->engine, w->job.no, err));
    got = look(w);
    CHECK(got.watermark && got.escrows && got.quarantine && got.connections,
          "a pause keeps everything");
    OK(engine_restart(&w->engine, w->job.no, cases[at].reset, err));
    got = look(w);
    CHECK(memcmp(&got, &cases[at].want, sizeof(got)) == 0, "%s: %d %d %d %d", cases[at].label,
          got.watermark, got.escrows, got.quarantine, got.connections);
    OK(engine_status_load(&w->engine, w->job.no, w->arena, &status, err));
    CHECK(status.job.state == JOB_ACTIVE && status.next_cycle_us == 0, "%s: it runs at once",
          cases[at].label);
    world_done(w);
    free(w);
}

static void matrix(void **state)
{
    (void)state;
    for (at = 0; at < ARRAY_LEN(cases); at++)
        test_databases(check_matrix);
}

/* Start lifts a quarantine and keeps the rest; twice is the same as once. */
static void check_start(const struct db_config *config)
{
    struct world *w = mem_alloc(sizeof(*w));

    prepare(w, config);
    for (int i = 0; i < 2; i++) {
        struct kept got;

        OK(engine_start(&w->engine, w->job.no, err));
        got = look(w);
        CHECK(got.watermark && got.escrows && !got.quarantine && got.connections, "start %d", i);
    }
    world_done(w);
    free(w);
}

static void start(void **state)
{
    (void)state;
    test_databases(check_start);
}

/* While a cycle runs, a restart waits for its end. */
static void check_waits(const struct db_config *config)
{
    struct world *w = mem_alloc(sizeof(*w));
    struct job_lease lease;
    struct cycle cycle;

    prepare(w, config);
    OK(lease_claim(&w->engine, w->db, w->job.no, STR(""), &lease, err));
    OK(engine_restart(&w->engine, w->job.no, RESET_DEFAULT | RESET_NOW, err));
    CHECK(look(w).watermark && look(w).escrows, "nothing is cleared under a running cycle");
    OK(lease_release(w->db, &lease, err));
    cycle = world_cycle(w);
    CHECK(cycle.kind == CYCLE_INITIAL && !look(w).escrows && !look(w).quarantine, "then it is");
    CHECK(world_cycle(w).kind == CYCLE_INCREMENTAL, "once");
    world_done(w);
    free(w);
}

static void waits(void **state)
{
    (void)state;
    test_databases(check_waits);
}

static void check_undo(const struct db_config *config)
{
    struct world *w = mem_alloc(sizeof(*w));
    struct engine_status status = {0};
    struct err err_none = {0};
    struct audit_record *told = NULL;
    size_t records = 0;
    int64_t count = 0;

    prepare(w, config);
    CHECK(!engine_undo_reset(&w->engine, w->job.no, &count, &err_none), "nothing to undo");
    CHECK_STR(str_from_z(err_none.code), "noBackup", "why");
    OK(engine_restart(&w->engine, w->job.no, RESET_FULL, err));
    OK(engine_restart(&w->engine, w->job.no, RESET_FULL, err)); /* nothing more to keep */
    CHECK(!look(w).connections, "cleared");
    OK(engine_undo_reset(&w->engine, w->job.no, &count, err));
    CHECK(count == 1 && look(w).connections, "put back");
    OK(audit_list(w->db, w->arena, &(struct audit_query){.limit = 1}, &told, &records, err));
    CHECK(records == 1, "told");
    CHECK_STR(told[0].subject, "restart undone", "what the audit log says");
    CHECK_STR(told[0].after, "{\"connections\":1}", "how many");
    OK(engine_status_load(&w->engine, w->job.no, w->arena, &status, err));
    CHECK(status.users == 1, "counted");
    world_cycle(w);
    CHECK(world_accounts(w, SOURCE_USER) == 1, "the account is the same");
    world_done(w);
    free(w);
}

static void undo(void **state)
{
    (void)state;
    test_databases(check_undo);
}

/* A cycle that was stopped does not go on behind connections that are no longer there. */
static void check_undo_ends_the_cycle(const struct db_config *config)
{
    struct world *w = mem_alloc(sizeof(*w));
    int64_t count = 0;
    int64_t users = 0;

    world_init(w, config, "scim");
    world_assign(w, world_person(w, "bob"), true);
    world_cycle(w);
    OK(engine_restart(&w->engine, w->job.no, RESET_FULL, err));
    for (int i = 0; i < 300; i++)
        world_assign(w, world_person(w, arena_printf(w->arena, "p%d", i).ptr), true);
    w->stop_after = 280;
    CHECK(world_cycle(w).state == CYCLE_RUNNING, "stopped in the middle");
    atomic_store(&w->stop, false);
    OK(engine_undo_reset(&w->engine, w->job.no, &count, err));
    CHECK(count == 1, "bob's is back");
    CHECK(world_cycle(w).state == CYCLE_SUCCEEDED, "then it is run");
    OK(connection_count(w->db, w->job.no, SOURCE_USER, &users, err));
    CHECK(users == 301, "everybody is connected: %lld", (long long)users);
    world_done(w);
    free(w);
}

static void undo_ends_the_cycle(void **state)
{
    (void)state;
    test_databases(check_undo_ends_the_cycle);
}

TEST_GROUP(restart, cmocka_unit_test(undo_ends_the_cycle), cmocka_unit_test(matrix),
           cmocka_unit_test(start), cmocka_unit_test(waits), cmocka_unit_test(undo));
