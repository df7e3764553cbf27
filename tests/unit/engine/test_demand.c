/* One person on demand, dry runs and plans: the same walk without a cycle (engine.md 12, 23). */
#include "world.h"

static struct world *w;

static void start(const struct db_config *config)
{
    w = malloc(sizeof(*w));
    world_init(w, config, "joynfsm");
}

static void end(void)
{
    world_done(w);
    free(w);
}

static struct journal_record provision(const char *who, enum engine_send send)
{
    struct journal_record r = {0};
    struct err err = {0};

    CHECK(engine_provision(&w->engine, w->job.no, str_from_z(who), send, STR("tester"), w->arena,
                           &r, &err),
          "%s: %s", who, err.message);
    return r;
}

static bool has_step(const struct journal_record *r, enum step_type type)
{
    for (size_t i = 0; i < r->step_count; i++) {
        if (r->steps[i].type == type)
            return true;
    }
    return false;
}

static void four_steps(const struct db_config *config)
{
    struct journal_record *records;
    struct journal_record r;

    start(config);
    world_assign(w, world_person(w, "ada"), true);
    r = provision("ada@example.com", ENGINE_SHOW);
    CHECK(r.status == STATUS_SUCCESS && r.action == ACTION_CREATE, "would be created");
    CHECK(world_accounts(w, SOURCE_USER) == 0 && w->calls[CALL_CREATE] == 0, "but is not");
    CHECK(world_journal(w, NULL, &records) == 0, "and nothing is written");
    r = provision("ada@example.com", ENGINE_SEND);
    CHECK(has_step(&r, STEP_IMPORT) && has_step(&r, STEP_SCOPING) && has_step(&r, STEP_MATCHING) &&
              has_step(&r, STEP_EXPORT),
          "the four steps");
    CHECK(r.property_count > 3, "with the attributes written");
    CHECK(world_accounts(w, SOURCE_USER) == 1, "created");
    CHECK(world_journal(w, NULL, &records) == 1, "one record");
    CHECK_STR(records[0].initiated_by, "tester", "by whom");
    CHECK(str_empty(records[0].cycle_id), "without a cycle");
    r = provision("ada@example.com", ENGINE_SEND);
    CHECK(r.status == STATUS_SKIPPED, "nothing to do the second time");
    CHECK_STR(r.code, "RedundantExport", "because it is equal");
    end();
}

static void out_of_scope(const struct db_config *config)
{
    struct journal_record r;
    struct str ada;

    start(config);
    ada = world_person(w, "ada");
    r = provision("ada@example.com", ENGINE_SEND);
    CHECK_STR(r.code, "NotEffectivelyEntitled", "not assigned");
    world_set(w, ada, "accountEnabled", "false");
    r = provision("ada@example.com", ENGINE_SEND);
    CHECK_STR(r.code, "SourceDisabled", "disabled people can be asked for");
    CHECK(world_accounts(w, SOURCE_USER) == 0, "no account");
    end();
}

static void unknown_name(const struct db_config *config)
{
    struct journal_record r;
    struct err err = {0};

    start(config);
    CHECK(!engine_provision(&w->engine, w->job.no, STR("nobody"), ENGINE_SEND, STR("tester"),
                            w->arena, &r, &err),
          "nobody");
    CHECK(err.kind == ERR_NOT_FOUND, "not found: %s", err.message);
    end();
}

static void count_row(void *ctx, const struct plan_row *row)
{
    int *rows = ctx;

    CHECK(row->source_id.len > 0, "a row names its object");
    (*rows)++;
}

static struct plan_counts plan(int *rows)
{
    struct plan_counts counts = {0};
    struct err err = {0};

    *rows = 0;
    CHECK(engine_plan(&w->engine, w->job.no, PLAN_NEXT_CYCLE, count_row, rows, &counts, &err), "%s",
          err.message);
    return counts;
}

static void plans(const struct db_config *config)
{
    struct plan_counts counts;
    struct str ada, bob;
    int rows;

    start(config);
    ada = world_person(w, "ada");
    bob = world_person(w, "bob");
    world_assign(w, ada, true);
    world_assign(w, bob, true);
    counts = plan(&rows);
    CHECK(rows == 2 && counts.by_intent[INTENT_MATCH_OR_CREATE] == 2, "two would come");
    world_cycle(w);
    counts = plan(&rows);
    CHECK(rows == 0, "applying a plan leaves nothing to plan, %d rows", rows);
    world_set(w, ada, "givenName", "\"Augusta\"");
    world_assign(w, bob, false);
    counts = plan(&rows);
    CHECK(rows == 2 && counts.by_intent[INTENT_UPDATE] == 1 &&
              counts.by_intent[INTENT_DISABLE] == 1,
          "one update, one disable");
    CHECK(w->calls[CALL_READ] == 0, "nothing was asked");
    world_cycle(w);
    CHECK(plan(&rows).read >= 0 && rows == 0, "again nothing");
    end();
}

static void a_cycle_holds_the_lease(const struct db_config *config)
{
    struct job_lease lease;
    struct journal_record r;
    struct cycle c;
    struct err err = {0};

    start(config);
    world_assign(w, world_person(w, "ada"), true);
    CHECK(lease_take(w->db, w->job.no, STR("elsewhere/1/1/0"), w->clock.now,
                     w->clock.now + 10 * US_PER_MINUTE, &lease, &err),
          "%s", err.message);
    CHECK(!world_try_cycle(w, &c, &err) && err.kind == ERR_CONFLICT, "a second cycle is refused");
    CHECK(!engine_provision(&w->engine, w->job.no, STR("ada@example.com"), ENGINE_SEND, STR("t"),
                            w->arena, &r, &err) &&
              err.kind == ERR_CONFLICT,
          "and so is an on-demand run");
    CHECK(engine_provision(&w->engine, w->job.no, STR("ada@example.com"), ENGINE_SHOW, STR("t"),
                           w->arena, &r, &err),
          "a dry run needs no lease");
    CHECK(lease_release(w->db, &lease, &err), "%s", err.message);
    world_cycle(w);
    end();
}

#define ON_BOTH(test)                 \
    static void test##_(void **state) \
    {                                 \
        (void)state;                  \
        test_databases(test);         \
    }
ON_BOTH(four_steps)
ON_BOTH(out_of_scope)
ON_BOTH(unknown_name)
ON_BOTH(plans)
ON_BOTH(a_cycle_holds_the_lease)

TEST_GROUP(demand, cmocka_unit_test(four_steps_), cmocka_unit_test(out_of_scope_),
           cmocka_unit_test(unknown_name_), cmocka_unit_test(plans_),
           cmocka_unit_test(a_cycle_holds_the_lease_))
