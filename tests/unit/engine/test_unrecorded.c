/* Processes that are killed between a creation and its record, and people who leave before the next
 * run (unrecorded.h). */
#include "job/connection.h"
#include "job/cycle.h"
#include "world.h"

static struct world *w;
static int creations_left;

/* As if the process had died after the creation is sent: nothing of it is recorded, because the
 * lease is somebody else's, who has it from nobody. */
static void die(struct world *world, enum call call)
{
    struct job_lease lease;
    struct err err = {0};

    if (call != CALL_CREATE || --creations_left != 0)
        return;
    world->before_call = NULL;
    CHECK(lease_take(world->db, world->job.no, STR("thief"), INT64_MAX - 2, INT64_MAX - 1, &lease,
                     &err) &&
              lease_release(world->db, &lease, &err),
          "%s", err.message);
}

static void killed_at_creation(int n)
{
    struct cycle c;
    struct err err = {0};

    creations_left = n;
    w->before_call = die;
    CHECK(!world_try_cycle(w, &c, &err), "killed");
    CHECK(!w->before_call, "at creation %d", n);
}

static struct str person(const char *name)
{
    struct str id = world_person(w, name);

    world_assign(w, id, true);
    return id;
}

static bool is_active(const char *name)
{
    return str_eq(world_value(world_account(w, name), "active"), STR("true"));
}

static bool is_connected(struct str id)
{
    struct connection c;
    struct err err = {0};
    bool found = false;

    CHECK(connection_load(w->db, w->arena, w->job.no, id, &c, &found, &err), "%s", err.message);
    return found;
}

static size_t warnings(void)
{
    struct journal_record *records;
    size_t n = 0, count = world_journal(w, NULL, &records);

    for (size_t i = 0; i < count; i++)
        n += records[i].status == STATUS_WARNING;
    return n;
}

enum leaving { UNASSIGNED, BINNED, DISABLED };

static const struct leaver {
    const char *label;
    enum leaving how;
    bool initial;        /* the cycle that is killed */
    bool created_hidden; /* the target does not say when an account was created */
    bool anchor_lost;    /* it does not keep the externalId */
    bool anchor_none;    /* she has none */
    bool on_demand;      /* somebody else is provisioned before the next cycle */
    bool warns;          /* not certain: nothing is done */
} leavers[] = {
    {"unassigned", .how = UNASSIGNED},
    {"in the recycle bin", .how = BINNED},
    {"disabled", .how = DISABLED},
    {"in an initial cycle", .how = UNASSIGNED, .initial = true},
    {"binned in an initial cycle", .how = BINNED, .initial = true},
    {"no time, but the externalId", .how = UNASSIGNED, .created_hidden = true},
    {"not with our externalId", .how = UNASSIGNED, .anchor_lost = true, .warns = true},
    {"without externalId, but a time", .how = UNASSIGNED, .anchor_none = true},
    {"without externalId or time", .how = UNASSIGNED, .anchor_none = true, .created_hidden = true,
     .warns = true},
    {"neither of the two is shown", .how = UNASSIGNED, .created_hidden = true, .anchor_lost = true,
     .warns = true},
    {"after a run on demand", .how = UNASSIGNED, .on_demand = true},
};
static const struct leaver *leaver;

static void leave(struct str id)
{
    switch (leaver->how) {
    case UNASSIGNED:
        world_assign(w, id, false);
        break;
    case BINNED:
        world_delete(w, id, WORLD_SOFT);
        break;
    case DISABLED:
        world_set(w, id, "accountEnabled", "false");
        break;
    }
}

static void provision(const char *who)
{
    struct journal_record r;
    struct err err = {0};

    CHECK(engine_provision(&w->engine, w->job.no, str_from_z(who), ENGINE_SEND, STR("tester"),
                           w->arena, &r, &err) &&
              r.status == STATUS_SUCCESS,
          "%s", err.message);
}

static void check_leaver(const struct db_config *config)
{
    const char *label = leaver->label;
    struct cycle c;
    struct str ada;

    w = malloc(sizeof(*w));
    world_init(w, config, "scim");
    if (!leaver->initial)
        world_cycle(w);
    ada = person("ada");
    if (leaver->anchor_none)
        world_set(w, ada, "mailNickname", "null");
    person("bob");
    killed_at_creation(1);
    CHECK(is_active("ada") && is_active("bob") && !is_connected(ada), "%s: unrecorded", label);
    w->created_hidden = leaver->created_hidden;
    if (leaver->anchor_lost)
        json_remove(world_account(w, "ada")->values, STR("externalId"));
    leave(ada);
    if (leaver->on_demand)
        provision("bob@example.com");

    c = world_cycle(w);
    CHECK(c.state == CYCLE_SUCCEEDED && world_accounts(w, SOURCE_USER) == 2, "%s: goes on", label);
    CHECK(is_connected(ada) == !leaver->warns, "%s: she is known", label);
    CHECK(warnings() == (leaver->warns ? 1 : 0), "%s: %zu warnings", label, warnings());
    world_cycle(w);
    CHECK(is_active("ada") == leaver->warns, "%s: and her account is disabled", label);
    CHECK(is_active("bob"), "%s: bob's is not", label);
    c = world_cycle(w);
    CHECK(c.counters.requests == 0, "%s: that was all", label);
    world_done(w);
    free(w);
}

static void leavers_(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(leavers); i++) {
        leaver = &leavers[i];
        test_databases(check_leaver);
    }
}

/* Accounts that somebody else made are left alone, whatever happens to their people meanwhile. */
static void accounts_of_others(const struct db_config *config)
{
    struct str ada, eve;
    struct cycle c;

    w = malloc(sizeof(*w));
    world_init(w, config, "scim");
    eve = person("eve");
    world_cycle(w);
    world_account(w, "eve")->created_us -= US_PER_HOUR;
    { /* as if usher had never had anything to do with her */
        bool removed;
        struct err err = {0};

        CHECK(connection_remove(w->db, w->job.no, eve, &removed, &err) && removed, "%s",
              err.message);
        world_assign(w, eve, false);
        world_cycle(w);
    }
    ada = person("ada");
    killed_at_creation(1);
    world_set(w, eve, "department", "\"Sales\"");
    world_assign(w, ada, false);
    c = world_cycle(w);
    CHECK(is_connected(ada) && !is_connected(eve), "ada's is ours, eve's is older");
    CHECK(warnings() == 0, "and nothing to think about");
    world_cycle(w);
    CHECK(is_active("eve") && !is_active("ada"), "only ours is disabled");
    c = world_cycle(w);
    CHECK(c.counters.requests == 0, "nothing is asked for again");
    world_done(w);
    free(w);
}

/* Who is in scope costs nothing but what his own walk asks; who was recorded, nothing at all. */
static void only_after_a_kill(const struct db_config *config)
{
    struct str ada;

    w = malloc(sizeof(*w));
    world_init(w, config, "scim");
    world_cycle(w);
    ada = person("ada");
    w->stop_after = 1; /* stopped in time, everything is recorded */
    world_cycle(w);
    atomic_store(&w->stop, false);
    world_person(w, "eve");
    world_assign(w, ada, false);
    world_cycle(w);
    CHECK(w->calls[CALL_FIND] == 0, "a run that stopped leaves nothing in doubt: %d asked",
          w->calls[CALL_FIND]);
    world_done(w);
    free(w);
}

/* What could not be asked, and what was cut short itself, is asked again. */
static void asked_until_answered(const struct db_config *config)
{
    struct cycle c;
    struct err err = {0};
    struct str ada;

    w = malloc(sizeof(*w));
    world_init(w, config, "scim");
    world_cycle(w);
    ada = person("ada");
    killed_at_creation(1);
    world_assign(w, ada, false);
    w->fault = (struct fault){.call = CALL_FIND,
                              .who = "ada",
                              .status = TARGET_FAILED,
                              .class_ = TARGET_PERMANENT,
                              .code = "UnprocessableEntity",
                              .times = 1};
    world_cycle(w);
    CHECK(!is_connected(ada), "the target did not say");
    w->fault = (struct fault){.call = CALL_FIND,
                              .who = "ada",
                              .status = TARGET_FAILED,
                              .class_ = TARGET_JOB,
                              .code = "Unauthorized",
                              .times = 1};
    CHECK(!world_try_cycle(w, &c, &err), "the whole target fails");
    person("bob");
    killed_at_creation(1); /* after it has found ada */
    world_cycle(w);
    world_cycle(w);
    CHECK(is_connected(ada) && !is_active("ada"), "in the end she is found and disabled");
    world_done(w);
    free(w);
}

#define ON_BOTH(test)                 \
    static void test##_(void **state) \
    {                                 \
        (void)state;                  \
        test_databases(test);         \
    }
ON_BOTH(accounts_of_others)
ON_BOTH(only_after_a_kill)
ON_BOTH(asked_until_answered)

TEST_GROUP(unrecorded, cmocka_unit_test(leavers_), cmocka_unit_test(accounts_of_others_),
           cmocka_unit_test(only_after_a_kill_), cmocka_unit_test(asked_until_answered_))
