#include "directory/feed.h"
#include "engine/retention.h"
#include "job/cycle.h"
#include "job/undone.h"
#include "world.h"

static struct engine_pruned prune(struct world *w)
{
    struct engine_pruning p = {0};
    struct err err = {0};

    while (!p.done)
        CHECK(engine_prune(&w->engine, w->db, &p, 1, &err), "%s", err.message);
    return p.pruned;
}

static size_t changes(struct world *w)
{
    struct directory_change *list;
    struct err err = {0};
    size_t count;

    CHECK(directory_feed_read(w->db, w->arena, 0, 10000, &list, &count, &err), "%s", err.message);
    return count;
}

static size_t records(struct world *w, const char *who)
{
    struct journal_record *list;

    return world_journal(w, &(struct journal_query){.who = str_from_z(who), .limit = 1000}, &list);
}

static void feed_body(const struct db_config *config)
{
    struct world w;
    struct str ada;
    size_t before;

    world_init(&w, config, "joynfsm");
    ada = world_person(&w, "ada");
    world_assign(&w, ada, true);
    world_cycle(&w);
    world_set(&w, ada, "displayName", "\"Pilot\"");
    before = changes(&w);
    CHECK(prune(&w).changes == 0, "nothing is old");
    w.clock.now += 8 * US_PER_DAY;
    CHECK(prune(&w).changes > 0 && changes(&w) == 1,
          "the one that the job has not seen stays: %zu of %zu", changes(&w), before);
    world_cycle(&w);
    CHECK_STR(world_value(world_account(&w, "ada"), "displayName"), "Pilot", "it was sent");
    CHECK(prune(&w).changes == 1 && changes(&w) == 0, "now it goes");
    world_set(&w, ada, "displayName", "\"Captain\"");
    world_cycle(&w);
    CHECK_STR(world_value(world_account(&w, "ada"), "displayName"), "Captain",
              "an empty feed goes on");
    world_done(&w);
}

static void feed(void **state)
{
    (void)state;
    test_databases(feed_body);
}

static void undone_body(const struct db_config *config)
{
    struct world w;
    struct undone u = {.source_id = STR("a"), .name = STR("Ada"), .cycle_id = STR("c")};
    struct job job;
    struct err err = {0};
    int64_t older, newest;

    world_init(&w, config, "joynfsm");
    CHECK(job_load(w.db, w.arena, w.job.id, &job, &err), "%s", err.message);
    u.schema_version = job.schema_version - 1;
    CHECK(undone_hold(w.db, job.no, &u, &err), "%s", err.message);
    u.source_id = STR("b");
    u.schema_version = job.schema_version;
    CHECK(undone_hold(w.db, job.no, &u, &err), "%s", err.message);
    (void)prune(&w);
    CHECK(undone_count(w.db, job.no, job.schema_version - 1, &older, &err) && older == 0,
          "what another version released goes: %s", err.message);
    CHECK(undone_count(w.db, job.no, job.schema_version, &newest, &err) && newest == 1,
          "what is held stays: %s", err.message);
    world_done(&w);
}

static void undone(void **state)
{
    (void)state;
    test_databases(undone_body);
}

static void tombstones_body(const struct db_config *config)
{
    enum source_kind kind;
    struct world w;
    struct str ada, bob;
    struct err err = {0};
    bool gone;

    world_init(&w, config, "joynfsm");
    ada = world_person(&w, "ada");
    bob = world_person(&w, "bob");
    world_assign(&w, ada, true);
    world_cycle(&w);
    world_delete(&w, bob, WORLD_HARD); /* never had an account */
    world_delete(&w, ada, WORLD_HARD); /* still has one */
    CHECK(prune(&w).tombstones == 0, "nothing is old");
    w.clock.now += 31 * US_PER_DAY;
    CHECK(prune(&w).tombstones == 1, "bob's");
    CHECK(directory_was_removed(w.db, ada, &kind, &gone, &err) && gone, "ada is remembered");
    CHECK(directory_was_removed(w.db, bob, &kind, &gone, &err) && !gone, "bob is not");
    world_cycle(&w);
    CHECK(world_accounts(&w, SOURCE_USER) == 0, "so that her account goes: %.*s",
          STR_ARG(world_value(&w.accounts[0], "active")));
    CHECK(prune(&w).tombstones == 1, "then she is forgotten, too");
    world_done(&w);
}

static void tombstones(void **state)
{
    (void)state;
    test_databases(tombstones_body);
}

static void journal_body(const struct db_config *config)
{
    const struct engine_setting keep = {STR("journal.retention"), STR("P10D")};
    const struct engine_setting forever = {STR("journal.retention"), STR("PT0S")};
    struct world w;
    struct str ada, bob;
    struct err err = {0};
    struct cycle *cycles;
    struct engine_pruned prunable;
    size_t count, total;

    world_init(&w, config, "joynfsm");
    ada = world_person(&w, "ada");
    bob = world_person(&w, "bob");
    world_assign(&w, ada, true);
    world_assign(&w, bob, true);
    for (int i = 0; i < 25; i++)
        world_cycle(&w);
    total = records(&w, "ada");
    CHECK(total > 0 && records(&w, "bob") > 0, "both are in the log");
    w.clock.now += 11 * US_PER_DAY;
    CHECK(engine_prunable(&w.engine, w.db, &prunable, &err), "%s", err.message);
    struct engine_pruned n = prune(&w);
    CHECK(n.records == 0 && prunable.records == 0, "ninety days");
    CHECK(n.changes > 0 && n.changes == prunable.changes, "%lld of %lld changes",
          (long long)n.changes, (long long)prunable.changes);
    CHECK(engine_set(&w.engine, w.job.no, &forever, 1, STR("ada"), &err), "%s", err.message);
    w.clock.now += 200 * US_PER_DAY;
    CHECK(prune(&w).records == 0, "for ever");
    world_set(&w, ada, "displayName", "\"Pilot\"");
    world_cycle(&w);
    CHECK(engine_set(&w.engine, w.job.no, &keep, 1, STR("ada"), &err), "%s", err.message);
    CHECK(engine_prunable(&w.engine, w.db, &prunable, &err), "%s", err.message);
    n = prune(&w);
    CHECK(n.records > 0 && n.records == prunable.records, "%lld of %lld", (long long)n.records,
          (long long)prunable.records);
    CHECK(n.cycles > 0 && n.cycles == prunable.cycles, "%lld of %lld cycles", (long long)n.cycles,
          (long long)prunable.cycles);
    CHECK(n.tombstones == prunable.tombstones, "tombstones");
    CHECK(records(&w, "ada") == 1 && records(&w, "bob") == 0, "what is new stays");
    CHECK(cycle_list(w.db, w.arena, w.job.no, 100, &cycles, &count, &err) && count == 20,
          "%zu cycles: the newest stay", count);
    world_cycle(&w);
    world_done(&w);
}

static void journal(void **state)
{
    (void)state;
    test_databases(journal_body);
}

TEST_GROUP(retention, cmocka_unit_test(undone), cmocka_unit_test(feed),
           cmocka_unit_test(tombstones), cmocka_unit_test(journal))
