/* The target is read in pages instead of asked for everybody, and what must not go wrong with that
 * (engine.md 4, "Asking or listing"); creations in bulk. */
#include "job/cycle.h"
#include "world.h"

static struct world *w;

static void setting(const char *name, const char *value)
{
    struct err err = {0};

    CHECK(job_setting_save(w->db, w->arena, w->job.no, str_from_z(name), str_from_z(value), NULL,
                           &err),
          "%s", err.message);
}

static void start(const struct db_config *config, const char *template_id)
{
    w = malloc(sizeof(*w));
    world_init(w, config, template_id);
    setting("client.listing", "always");
    setting("client.bulk", "off");
}

static void end(void)
{
    world_done(w);
    free(w);
}

static void people(int from, int count)
{
    for (int i = from; i < from + count; i++)
        world_assign(w, world_person(w, arena_printf(w->arena, "p%d", i).ptr), true);
}

/* An account of the target that nobody at usher has made. */
static struct account *stranger(const char *name)
{
    struct account *a = &w->accounts[w->account_count++];

    a->used = true;
    a->kind = SOURCE_USER;
    a->values = json_new(w->target_arena, JSON_OBJECT);
    json_add(w->target_arena, a->values, STR("userName"),
             json_string(w->target_arena, arena_printf(w->target_arena, "%s@example.com", name)));
    json_add(w->target_arena, a->values, STR("externalId"),
             json_string(w->target_arena, arena_printf(w->target_arena, "ext-%s", name)));
    snprintf(a->id, sizeof(a->id), "t%d", ++w->next_account);
    return a;
}

static void one_request_each(const struct db_config *config)
{
    struct cycle c;

    start(config, "scim");
    people(0, 120);
    stranger("somebody");
    stranger("P7"); /* the target does not care for letter case */
    c = world_cycle(w);
    CHECK(c.state == CYCLE_SUCCEEDED && c.counters.created == 119 && c.counters.matched == 1,
          "created %lld, matched %lld", (long long)c.counters.created,
          (long long)c.counters.matched);
    CHECK(w->calls[CALL_FIND] == 0, "nobody was asked for, %d", w->calls[CALL_FIND]);
    CHECK(w->calls[CALL_LIST] == 1 && w->calls[CALL_READ] == 1, "%d pages, %d reads",
          w->calls[CALL_LIST], w->calls[CALL_READ]);
    CHECK(c.counters.requests == 1 + 119 + 2, "one request a creation, two for the match: %lld",
          (long long)c.counters.requests);
    CHECK(world_accounts(w, SOURCE_USER) == 121, "nobody twice");
    end();
}

/* Chosen by cost: few people are asked for, and so are few of a large target. */
static const struct cost {
    const char *label;
    int people, accounts;
    size_t page;
    bool listed;
} costs[] = {
    {"few people", 99, 0, 0, false},
    {"many people, empty target", 100, 0, 0, true},
    {"many people, small target", 100, 25, 1, true},
    {"many people, large target", 100, 26, 1, false},
};
static const struct cost *cost; /* the present case */

static void chosen_by_cost(const struct db_config *config)
{
    struct cycle c;

    start(config, "scim");
    setting("client.listing", "auto");
    people(0, cost->people);
    for (int n = 0; n < cost->accounts; n++)
        stranger(arena_printf(w->arena, "s%d", n).ptr);
    w->page_max = cost->page;
    c = world_cycle(w);
    CHECK(c.counters.created == cost->people, "%s: %lld", cost->label,
          (long long)c.counters.created);
    CHECK((w->calls[CALL_FIND] == 0) == cost->listed, "%s: %d questions, %d pages", cost->label,
          w->calls[CALL_FIND], w->calls[CALL_LIST]);
    CHECK(w->calls[CALL_LIST] <= 26, "%s: %d pages", cost->label, w->calls[CALL_LIST]);
    end();
}

/* In an incremental cycle nobody knows how many will come: it is read once enough were asked for.
 */
static void incremental(const struct db_config *config)
{
    start(config, "scim");
    setting("client.listing", "auto");
    world_cycle(w);
    people(0, 300);
    world_cycle(w);
    CHECK(w->calls[CALL_CREATE] == 300 && w->calls[CALL_LIST] == 1, "%d pages",
          w->calls[CALL_LIST]);
    CHECK(w->calls[CALL_FIND] == 100, "%d questions", w->calls[CALL_FIND]);
    end();
}

static const struct flaw {
    const char *label;
    int off, wrong;
    struct fault fault;
} flaws[] = {
    {"the total changes", 1, 0, {.times = 0}},
    {"fewer than the total", 0, 1, {.times = 0}},
    {"a page fails",
     0,
     0,
     {.call = CALL_LIST,
      .who = "20",
      .status = TARGET_FAILED,
      .class_ = TARGET_PERMANENT,
      .code = "UnprocessableEntity",
      .times = 1}},
};
static const struct flaw *flaw; /* the present case */

static void incomplete_is_not_used(const struct db_config *config)
{
    struct cycle c;

    start(config, "scim");
    people(0, 5);
    for (int n = 0; n < 30; n++)
        stranger(arena_printf(w->arena, "s%d", n).ptr);
    w->page_max = 10;
    w->total_off = flaw->off;
    w->total_false = flaw->wrong;
    w->fault = flaw->fault;
    c = world_cycle(w);
    CHECK(c.counters.created == 5 && w->calls[CALL_FIND] == 5, "%s: %d questions", flaw->label,
          w->calls[CALL_FIND]);
    CHECK(w->calls[CALL_LIST] > 1, "%s: it was tried", flaw->label);
    end();
}

/* A page that is throttled or fails for a moment is read again. */
static void throttled_page(const struct db_config *config)
{
    struct cycle c;

    start(config, "scim");
    people(0, 5);
    w->fault = (struct fault){.call = CALL_LIST,
                              .status = TARGET_FAILED,
                              .class_ = TARGET_THROTTLED,
                              .code = "TooManyRequests",
                              .retry_after_ms = 1,
                              .times = 2};
    c = world_cycle(w);
    CHECK(c.state == CYCLE_SUCCEEDED && c.counters.created == 5, "all are there");
    CHECK(w->calls[CALL_FIND] == 0 && w->calls[CALL_LIST] == 3, "by the list");
    end();
}

static struct str record_code(struct str source)
{
    struct journal_query q = {.who = source, .limit = 1};
    struct journal_record *found;

    return world_journal(w, &q, &found) == 1 ? found[0].code : STR("none");
}

/* Several accounts with the value, and one that is somebody else's. */
static void doubles(const struct db_config *config)
{
    struct str twice, ada, twin;

    start(config, "joynfsm");
    twice = world_person(w, "twice");
    ada = world_person(w, "ada");
    world_assign(w, twice, true);
    world_assign(w, ada, true);
    stranger("twice");
    stranger("Twice");
    world_cycle(w);
    CHECK_STR(record_code(twice), "DuplicateTargetEntries", "two accounts have the name");
    CHECK(w->calls[CALL_FIND] == 1, "the target has said so itself");

    world_set(w, ada, "userPrincipalName", "\"ada.old@example.com\"");
    twin = world_person(w, "ada");
    world_assign(w, ada, false);
    world_assign(w, twin, true);
    world_cycle(w);
    CHECK(w->calls[CALL_LIST] == 1, "by the list");
    CHECK_STR(record_code(twin), "DuplicateSourceEntries", "the account is ada's");
    CHECK(world_accounts(w, SOURCE_USER) == 3, "%zu", world_accounts(w, SOURCE_USER));
    end();
}

/* An account that was renamed or removed since the list was read is asked for. */
static void changed_since(const struct db_config *config)
{
    struct account *a;
    struct cycle c;

    start(config, "scim");
    people(0, 3);
    a = stranger("p1");
    w->fault = (struct fault){.call = CALL_READ,
                              .who = a->id,
                              .status = TARGET_NOT_FOUND,
                              .class_ = TARGET_PERMANENT,
                              .code = "InvalidAnchor",
                              .times = 1};
    c = world_cycle(w);
    CHECK(c.counters.matched == 1 && c.counters.created == 2 && w->calls[CALL_FIND] == 1,
          "asked for after all: %d", w->calls[CALL_FIND]);
    end();
}

/* Promise 2 with a list: the answer to a create is lost, and the account is found, at once or after
 * the cycle was cut off. */
static void lost_answer(const struct db_config *config)
{
    struct cycle c;
    struct err err;

    start(config, "scim");
    people(0, 10);
    w->fault = (struct fault){.call = CALL_CREATE,
                              .who = "p3",
                              .status = TARGET_FAILED,
                              .class_ = TARGET_JOB, /* the run ends on the spot */
                              .code = "Unauthorized",
                              .after = true,
                              .times = 1};
    CHECK(!world_try_cycle(w, &c, &err), "cut off");
    CHECK(w->calls[CALL_FIND] == 0, "by the list");
    c = world_cycle(w);
    CHECK(c.state == CYCLE_SUCCEEDED, "it goes on");
    CHECK(world_accounts(w, SOURCE_USER) == 10, "nobody twice: %zu",
          world_accounts(w, SOURCE_USER));
    CHECK(c.counters.matched == 1 && w->calls[CALL_FIND] > 0 && w->calls[CALL_LIST] == 0,
          "who may be there already is asked for singly: %d", w->calls[CALL_FIND]);
    end();
}

/* The same when the cycle does not go on but is given up: a restart begins anew. */
static void lost_answer_before_a_restart(const struct db_config *config)
{
    struct cycle c;
    struct err err;

    start(config, "scim");
    people(0, 10);
    w->fault = (struct fault){.call = CALL_CREATE,
                              .who = "p3",
                              .status = TARGET_FAILED,
                              .class_ = TARGET_JOB,
                              .code = "Unauthorized",
                              .after = true,
                              .times = 1};
    CHECK(!world_try_cycle(w, &c, &err), "cut off");
    CHECK(engine_restart(&w->engine, w->job.no, RESET_DEFAULT, &err), "%s", err.message);
    c = world_cycle(w);
    CHECK(c.kind == CYCLE_INITIAL && world_accounts(w, SOURCE_USER) == 10, "nobody twice: %zu",
          world_accounts(w, SOURCE_USER));
    CHECK(c.counters.matched == 1 && w->calls[CALL_LIST] == 0, "asked for singly");
    end();
}

/* --- bulk --- */

static void bulk_each_counts(const struct db_config *config)
{
    struct cycle c;

    start(config, "scim");
    setting("client.bulk", "auto");
    w->bulk_max = 50;
    people(0, 120);
    w->fault = (struct fault){.call = CALL_CREATE,
                              .who = "p77@",
                              .status = TARGET_FAILED,
                              .class_ = TARGET_PERMANENT,
                              .code = "InvalidDomain",
                              .times = 1};
    c = world_cycle(w);
    CHECK(c.counters.created == 119 && c.counters.failed == 1, "each by its own status: %lld, %lld",
          (long long)c.counters.created, (long long)c.counters.failed);
    CHECK(w->calls[CALL_BULK] == 3, "%d bulk requests", w->calls[CALL_BULK]);
    CHECK(c.counters.requests == 1 + 3, "%lld requests", (long long)c.counters.requests);
    setting("client.bulk", "off");
    end();
}

static void bulk_answer_lost(const struct db_config *config)
{
    struct cycle c;

    start(config, "scim");
    setting("client.bulk", "auto");
    w->bulk_max = 50;
    people(0, 50);
    w->fault = (struct fault){.call = CALL_BULK,
                              .status = TARGET_FAILED,
                              .class_ = TARGET_TRANSIENT,
                              .code = "Timeout",
                              .after = true,
                              .times = 1};
    c = world_cycle(w);
    CHECK(c.state == CYCLE_SUCCEEDED && c.counters.matched == 50, "all were matched again, %lld",
          (long long)c.counters.matched);
    CHECK(world_accounts(w, SOURCE_USER) == 50, "nobody twice: %zu",
          world_accounts(w, SOURCE_USER));
    end();
}

static void bulk_is_for_first_cycles(const struct db_config *config)
{
    start(config, "scim");
    setting("client.bulk", "auto");
    w->bulk_max = 50;
    world_cycle(w);
    people(0, 60);
    world_cycle(w);
    CHECK(w->calls[CALL_CREATE] == 60 && w->calls[CALL_BULK] == 0, "one by one");
    end();
}

static void bulk_stopped(const struct db_config *config)
{
    struct cycle c;

    start(config, "scim");
    setting("client.bulk", "auto");
    w->bulk_max = 20;
    people(0, 90);
    w->stop_after = 30;
    c = world_cycle(w);
    CHECK(c.state == CYCLE_RUNNING, "it stops in the middle");
    atomic_store(&w->stop, false);
    c = world_cycle(w);
    CHECK(c.state == CYCLE_SUCCEEDED && world_accounts(w, SOURCE_USER) == 90, "and goes on: %zu",
          world_accounts(w, SOURCE_USER));
    end();
}

#define ON_BOTH(test)                 \
    static void test##_(void **state) \
    {                                 \
        (void)state;                  \
        test_databases(test);         \
    }
ON_BOTH(one_request_each)
ON_BOTH(incremental)

static void chosen_by_cost_(void **state)
{
    (void)state;
    for (cost = costs; cost < costs + ARRAY_LEN(costs); cost++)
        test_databases(chosen_by_cost);
}

static void incomplete_is_not_used_(void **state)
{
    (void)state;
    for (flaw = flaws; flaw < flaws + ARRAY_LEN(flaws); flaw++)
        test_databases(incomplete_is_not_used);
}

ON_BOTH(throttled_page)
ON_BOTH(doubles)
ON_BOTH(changed_since)
ON_BOTH(lost_answer)
ON_BOTH(lost_answer_before_a_restart)
ON_BOTH(bulk_each_counts)
ON_BOTH(bulk_answer_lost)
ON_BOTH(bulk_is_for_first_cycles)
ON_BOTH(bulk_stopped)

TEST_GROUP(listing, cmocka_unit_test(one_request_each_), cmocka_unit_test(chosen_by_cost_),
           cmocka_unit_test(incremental_), cmocka_unit_test(incomplete_is_not_used_),
           cmocka_unit_test(throttled_page_), cmocka_unit_test(doubles_),
           cmocka_unit_test(changed_since_), cmocka_unit_test(lost_answer_),
           cmocka_unit_test(lost_answer_before_a_restart_), cmocka_unit_test(bulk_each_counts_),
           cmocka_unit_test(bulk_answer_lost_), cmocka_unit_test(bulk_is_for_first_cycles_),
           cmocka_unit_test(bulk_stopped_))
