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

/* The steps by the first letters of their types, with how each ended. */
static const char *steps_of(const struct journal_record *r)
{
    static const char letters[] = {
        [STEP_IMPORT] = 'I',     [STEP_SCOPING] = 'S',   [STEP_MATCHING] = 'M',
        [STEP_PROCESSING] = 'P', [STEP_REFERENCE] = 'R', [STEP_EXPORT] = 'E'};
    static const char *const marks[] = {[STATUS_SUCCESS] = "+",
                                        [STATUS_FAILURE] = "!",
                                        [STATUS_SKIPPED] = "-",
                                        [STATUS_WARNING] = "?"};
    struct str all = STR("");

    for (size_t i = 0; i < r->step_count; i++) {
        all = arena_printf(w->arena, "%.*s%s%c%s", STR_ARG(all), i > 0 ? " " : "",
                           letters[r->steps[i].type], marks[r->steps[i].status]);
    }
    return arena_z(w->arena, all);
}

static const struct demand_case {
    const char *label;
    bool connected;                /* by a cycle before */
    bool assigned;                 /* still */
    const char *attribute, *value; /* set then */
    int deletion;                  /* 1 soft, 2 for good */
    struct fault fault;
    const char *steps;
    enum journal_status status;
    enum journal_action action;
    const char *code;
} demands[] = {
    {"created", false, true, NULL, NULL, 0, {0}, "I+ S+ M+ E+", STATUS_SUCCESS, ACTION_CREATE, ""},
    {"unchanged",
     true,
     true,
     NULL,
     NULL,
     0,
     {0},
     "I+ S+ M+ E-",
     STATUS_SKIPPED,
     ACTION_OTHER,
     "RedundantExport"},
    {"updated",
     true,
     true,
     "givenName",
     "\"Countess\"",
     0,
     {0},
     "I+ S+ P+ M+ E+",
     STATUS_SUCCESS,
     ACTION_UPDATE,
     ""},
    {"never assigned",
     false,
     false,
     NULL,
     NULL,
     0,
     {0},
     "I+ S- P-",
     STATUS_SKIPPED,
     ACTION_OTHER,
     "NotEffectivelyEntitled"},
    {"unassigned",
     true,
     false,
     NULL,
     NULL,
     0,
     {0},
     "I+ S- P+ M+ E+",
     STATUS_SUCCESS,
     ACTION_DISABLE,
     ""},
    {"disabled",
     true,
     true,
     "accountEnabled",
     "false",
     0,
     {0},
     "I+ S- P+ M+ E+",
     STATUS_SUCCESS,
     ACTION_DISABLE,
     ""},
    {"disabled, never connected",
     false,
     true,
     "accountEnabled",
     "false",
     0,
     {0},
     "I+ S- P-",
     STATUS_SKIPPED,
     ACTION_OTHER,
     "SourceDisabled"},
    {"in the recycle bin",
     true,
     true,
     NULL,
     NULL,
     1,
     {0},
     "I+ S- P+ M+ E+",
     STATUS_SUCCESS,
     ACTION_DISABLE,
     ""},
    {"gone for good",
     true,
     true,
     NULL,
     NULL,
     2,
     {0},
     "I+ S- P+ E+",
     STATUS_SUCCESS,
     ACTION_DELETE,
     ""},
    {"connection refused",
     false,
     true,
     NULL,
     NULL,
     0,
     {.call = CALL_TEST,
      .status = TARGET_FAILED,
      .class_ = TARGET_JOB,
      .code = "credentialsRefused",
      .times = 1},
     "E!",
     STATUS_FAILURE,
     ACTION_OTHER,
     "credentialsRefused"},
    {"refused",
     false,
     true,
     NULL,
     NULL,
     0,
     {.call = CALL_CREATE,
      .status = TARGET_FAILED,
      .class_ = TARGET_PERMANENT,
      .code = "MissingValues",
      .times = 1},
     "I+ S+ M+ E!",
     STATUS_FAILURE,
     ACTION_CREATE,
     "MissingValues"},
    {"not searched",
     false,
     true,
     NULL,
     NULL,
     0,
     {.call = CALL_FIND,
      .status = TARGET_FAILED,
      .class_ = TARGET_PERMANENT,
      .code = "NotPermitted",
      .times = 1},
     "I+ S+ M!",
     STATUS_FAILURE,
     ACTION_CREATE,
     "NotPermitted"},
};

/* What is shown, by case (engine.md 12.1); a dry run shows the same and writes nothing. */
static void steps_by_case(const struct db_config *config)
{
    start(config);
    for (size_t i = 0; i < ARRAY_LEN(demands); i++) {
        const struct demand_case *d = &demands[i];
        const char *name = arena_printf(w->arena, "p%zu", i).ptr;
        struct str id = world_person(w, name);
        struct journal_record dry, r;
        int writes;

        world_assign(w, id, d->connected || d->assigned);
        if (d->connected)
            world_cycle(w);
        if (!d->assigned && d->connected)
            world_assign(w, id, false);
        if (d->attribute)
            world_set(w, id, d->attribute, d->value);
        if (d->deletion > 0)
            world_delete(w, id, WORLD_SOFT);
        if (d->deletion > 1)
            world_delete(w, id, WORLD_HARD);
        writes = w->calls[CALL_CREATE] + w->calls[CALL_UPDATE] + w->calls[CALL_REMOVE];
        dry = provision(arena_z(w->arena, id), ENGINE_SHOW);
        CHECK(writes == w->calls[CALL_CREATE] + w->calls[CALL_UPDATE] + w->calls[CALL_REMOVE],
              "%s: a dry run writes nothing", d->label);
        w->fault = d->fault;
        r = provision(arena_z(w->arena, id), ENGINE_SEND);
        w->fault = (struct fault){0};
        CHECK_STR(str_from_z(steps_of(&r)), d->steps, "%s", d->label);
        CHECK(r.status == d->status && r.action == d->action, "%s: %s %s: %.*s", d->label,
              journal_action_name(r.action), journal_status_name(r.status), STR_ARG(r.message));
        CHECK_STR(r.code, d->code, "%s", d->label);
        if (d->fault.times == 0) {
            CHECK_STR(str_from_z(steps_of(&dry)), d->steps, "%s, dry", d->label);
            CHECK(dry.action == d->action && dry.status == d->status, "%s, dry", d->label);
        }
    }
    end();
}

/* A group with more members than a page has goes with all of them. */
static void group_of_any_size(const struct db_config *config)
{
    enum { PEOPLE = 520 };
    struct journal_record r;
    struct str team, eve;
    struct account *account;

    w = malloc(sizeof(*w));
    world_init(w, config, "scim");
    team = world_group(w, "team");
    world_assign(w, team, true);
    for (int i = 0; i < PEOPLE; i++)
        world_member(w, team, world_person(w, arena_printf(w->arena, "p%d", i).ptr), true);
    eve = world_person(w, "eve");
    world_set(w, eve, "accountEnabled", "false");
    world_member(w, team, eve, true);
    r = provision("team", ENGINE_SHOW);
    CHECK(r.action == ACTION_CREATE && world_accounts(w, SOURCE_USER) == 0, "shown: %s, %s, %.*s",
          steps_of(&r), journal_action_name(r.action), STR_ARG(r.message));
    r = provision("team", ENGINE_SEND);
    account = world_account(w, "team");
    CHECK(r.status == STATUS_SUCCESS || r.status == STATUS_WARNING, "%.*s", STR_ARG(r.message));
    CHECK(world_accounts(w, SOURCE_USER) == PEOPLE && !world_account(w, "eve"), "all who are in");
    CHECK(account && account->member_count == PEOPLE, "%zu members",
          account ? account->member_count : 0);
    end();
}

/* What was changed in the application is put right on demand. */
static void drift_on_demand(const struct db_config *config)
{
    struct journal_record r;
    struct account *account;

    start(config);
    world_assign(w, world_person(w, "ada"), true);
    world_cycle(w);
    account = world_account(w, "ada");
    json_set(w->target_arena, account->values, STR("name.givenName"),
             json_string(w->target_arena, STR("Eve")));
    r = provision("ada@example.com", ENGINE_SEND);
    CHECK(r.status == STATUS_SUCCESS && r.action == ACTION_UPDATE, "%.*s", STR_ARG(r.message));
    CHECK_STR(world_value(account, "name.givenName"), "ada", "as the directory says");
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
ON_BOTH(steps_by_case)
ON_BOTH(group_of_any_size)
ON_BOTH(drift_on_demand)
ON_BOTH(unknown_name)
ON_BOTH(plans)
ON_BOTH(a_cycle_holds_the_lease)

TEST_GROUP(demand, cmocka_unit_test(four_steps_), cmocka_unit_test(out_of_scope_),
           cmocka_unit_test(steps_by_case_), cmocka_unit_test(group_of_any_size_),
           cmocka_unit_test(drift_on_demand_), cmocka_unit_test(unknown_name_),
           cmocka_unit_test(plans_), cmocka_unit_test(a_cycle_holds_the_lease_))
