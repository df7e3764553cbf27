/* Creations whose answer was lost, and whose person leaves before they are tried again (doubt.h).
 */
#include "job/connection.h"
#include "job/retry.h"
#include "world.h"

static struct world *w;

static size_t waiting(void)
{
    struct err err = {0};
    int64_t n = 0;

    CHECK(retry_count(w->db, w->job.no, &n, &err), "%s", err.message);
    return (size_t)n;
}

static size_t enabled(void)
{
    size_t n = 0;

    for (size_t i = 0; i < w->account_count; i++)
        n += w->accounts[i].used && str_eq(world_value(&w->accounts[i], "active"), STR("true"));
    return n;
}

static int64_t connected(void)
{
    struct err err = {0};
    int64_t n = 0;

    CHECK(connection_count(w->db, w->job.no, SOURCE_USER, &n, &err), "%s", err.message);
    return n;
}

static void lose_answers(bool after, int times)
{
    w->fault = (struct fault){.call = CALL_CREATE,
                              .status = TARGET_FAILED,
                              .class_ = TARGET_TRANSIENT,
                              .code = "Timeout",
                              .after = after,
                              .times = times};
}

static void try_to_create(const char *who)
{
    struct journal_record r;
    struct err err = {0};

    CHECK(engine_provision(&w->engine, w->job.no, str_from_z(who), ENGINE_SEND, STR("tester"),
                           w->arena, &r, &err),
          "%s", err.message);
    CHECK(r.status == STATUS_FAILURE && waiting() == 1 && connected() == 0, "lost and parked");
}

static const struct leaver {
    const char *label;
    bool created;
    bool gone; /* from the directory, for good */
    bool renamed;
    bool unanswered; /* the first look */
} leavers[] = {
    {"unassigned", true, false, false, false},
    {"never created", false, false, false, false},
    {"deleted", true, true, false, false},
    {"renamed and unassigned", true, false, true, false},
    {"unassigned, and the target does not answer", true, false, false, true},
};
static const struct leaver *leaver;

static void check_leaver(const struct db_config *config)
{
    const char *label = leaver->label;
    struct cycle c;
    struct str ada;

    w = malloc(sizeof(*w));
    world_init(w, config, "scim");
    world_cycle(w);
    ada = world_person(w, "ada");
    world_assign(w, ada, true);
    lose_answers(leaver->created, 1);
    try_to_create("ada@example.com");
    CHECK(enabled() == (leaver->created ? 1 : 0), "%s: in the target", label);

    if (leaver->renamed)
        world_set(w, ada, "userPrincipalName", "\"eve@example.com\"");
    world_assign(w, ada, false);
    if (leaver->gone)
        world_delete(w, ada, WORLD_HARD);
    if (leaver->unanswered) {
        w->fault = (struct fault){.call = CALL_FIND,
                                  .status = TARGET_FAILED,
                                  .class_ = TARGET_PERMANENT,
                                  .code = "UnprocessableEntity",
                                  .times = 2};
        (void)!world_try_cycle(w, &c, &(struct err){0});
        CHECK(enabled() == 1 && waiting() == 1, "%s: it waits on", label);
        w->fault.times = 0;
        w->clock.now += US_PER_DAY; /* a second failure has its time */
    }
    c = world_cycle(w);
    if (leaver->unanswered) /* found by its retry, and looked at again in the next cycle */
        c = world_cycle(w);
    CHECK(c.counters.failed == 0, "%s: %lld failed", label, (long long)c.counters.failed);
    CHECK(enabled() == 0, "%s: nobody keeps an active account", label);
    CHECK(waiting() == 0, "%s: %zu wait", label, waiting());
    CHECK(connected() == (leaver->created && !leaver->gone ? 1 : 0), "%s: %lld connected", label,
          (long long)connected());
    c = world_cycle(w);
    CHECK(c.counters.requests == 0, "%s: and that was all", label);
    world_done(w);
    free(w);
}

static void leaves(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(leavers); i++) {
        leaver = &leavers[i];
        test_databases(check_leaver);
    }
}

/* The target dies while many are created: the cycle is given up, and nobody of them is forgotten.
 */
static void check_dies(const struct db_config *config)
{
    enum { MANY = 60 };
    struct str ids[MANY];
    struct cycle c;
    struct err err = {0};

    w = malloc(sizeof(*w));
    world_init(w, config, "scim");
    world_setting(w, "guard", "false");
    for (int i = 0; i < MANY; i++) {
        char name[16];

        snprintf(name, sizeof(name), "p%02d", i);
        ids[i] = world_person(w, name);
        world_assign(w, ids[i], true);
    }
    lose_answers(true, 100000);
    CHECK(!world_try_cycle(w, &c, &err), "given up");
    CHECK(enabled() > 10 && connected() == 0, "%zu were created", enabled());
    w->fault.times = 0;
    for (int i = 0; i < MANY; i++)
        world_assign(w, ids[i], false);
    for (int i = 0; i < 4; i++)
        world_cycle(w);
    CHECK(enabled() == 0, "%zu are still active", enabled());
    CHECK(waiting() == 0, "%zu wait", waiting());
    world_done(w);
    free(w);
}

static void dies(void **state)
{
    (void)state;
    test_databases(check_dies);
}

TEST_GROUP(doubt, cmocka_unit_test(leaves), cmocka_unit_test(dies));
