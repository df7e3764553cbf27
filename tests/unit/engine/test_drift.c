/* The target is read back (engine.md 17): what somebody has changed there by hand, what is missing,
 * what belongs to nobody, and what is done about it. */
#include "engine/drift/drift.h"
#include "world.h"

static struct world *w;
static struct drift drift;
static struct drift_row *rows;
static size_t row_count;

#define OK(call)                                                           \
    do {                                                                   \
        struct err err_ = {0};                                             \
        struct err *err = &err_;                                           \
        CHECK((call), "%s: %s", err_.code ? err_.code : "", err_.message); \
    } while (0)

static void setting(const char *name, const char *value)
{
    OK(job_setting_save(w->db, w->arena, w->job.no, str_from_z(name), str_from_z(value), NULL,
                        err));
}

static struct str person(const char *name)
{
    struct str id = world_person(w, name);

    world_assign(w, id, true);
    return id;
}

/* Ada, bob and a team of both. */
static void start(const struct db_config *config)
{
    struct str team;

    w = malloc(sizeof(*w));
    world_init(w, config, "scim");
    team = world_group(w, "team");
    world_assign(w, team, true);
    world_member(w, team, person("ada"), true);
    world_member(w, team, person("bob"), true);
    world_cycle(w);
}

static void end(void)
{
    world_done(w);
    free(w);
}

static void set_account(const char *name, const char *attribute, const char *value)
{
    struct json *values = world_account(w, name)->values;
    struct str key = arena_str(w->target_arena, str_from_z(attribute));

    if (value) {
        json_set(w->target_arena, values, key,
                 json_string(w->target_arena, arena_str(w->target_arena, str_from_z(value))));
    } else {
        (void)json_remove(values, key);
    }
}

static struct account *stranger(const char *name)
{
    struct account *a = &w->accounts[w->account_count++];

    *a = (struct account){.used = true, .kind = SOURCE_USER};
    a->values = json_new(w->target_arena, JSON_OBJECT);
    json_add(w->target_arena, a->values, STR("userName"),
             json_string(w->target_arena, arena_str(w->target_arena, str_from_z(name))));
    snprintf(a->id, sizeof(a->id), "t%d", ++w->next_account);
    return a;
}

static void read_back(void)
{
    memset(w->calls, 0, sizeof(w->calls));
    w->clock.now += US_PER_MINUTE;
    OK(engine_drift(&w->engine, w->job.no, NULL, w->arena, &drift, err));
    OK(drift_rows(w->db, w->arena, w->job.no, 0, 100, &rows, &row_count, err));
}

/* "changed userName, nobodys x, ..." in order. */
static struct str findings(void)
{
    struct str text = STR("");

    for (size_t i = 0; i < row_count; i++) {
        text = arena_printf(w->arena, "%.*s%s%s %.*s %.*s", STR_ARG(text), i ? ", " : "",
                            drift_finding_name(rows[i].finding), STR_ARG(rows[i].name),
                            STR_ARG(rows[i].attribute));
    }
    return text;
}

static void nothing_changed(const struct db_config *config)
{
    start(config);
    read_back();
    CHECK_STR(findings(), "", "what was exported is there");
    CHECK(drift.complete && drift.accounts == 3, "%lld accounts", (long long)drift.accounts);
    CHECK(w->calls[CALL_LIST] == 2 && w->calls[CALL_READ] + w->calls[CALL_UPDATE] == 0,
          "a page of each kind");
    end();
}

static void reported(const struct db_config *config)
{
    struct cycle c;

    start(config);
    set_account("ada", "name.givenName", "Eve");
    set_account("bob", "displayName", NULL);
    stranger("who@example.com");
    read_back();
    CHECK(drift.by_finding[DRIFT_CHANGED] == 2 && drift.by_finding[DRIFT_NOBODYS] == 1 &&
              drift.by_finding[DRIFT_MISSING] == 0,
          "%.*s", STR_ARG(findings()));
    for (size_t i = 0; i < row_count; i++) {
        if (str_eq_z(rows[i].attribute, "name.givenName")) {
            CHECK_STR(rows[i].exported, "\"ada\"", "as exported");
            CHECK_STR(rows[i].found, "\"Eve\"", "as found");
        }
    }
    c = world_cycle(w);
    CHECK(c.counters.requests == 0, "reporting changes nothing");
    read_back();
    CHECK(drift.by_finding[DRIFT_CHANGED] == 2, "and it is told again");
    end();
}

static void missing(const struct db_config *config)
{
    start(config);
    world_account(w, "bob")->used = false;
    read_back();
    CHECK_STR(findings(), "missing bob ", "bob's account is gone");
    setting("drift.answer", "repair");
    read_back();
    CHECK(world_account(w, "bob") && drift.repaired == 1, "made again");
    CHECK(w->calls[CALL_CREATE] == 1 && w->calls[CALL_FIND] == 1, "by the walk");
    world_cycle(w);
    read_back();
    CHECK_STR(findings(), "", "and is back in the team with the next cycle");
    end();
}

/* A list that is not complete makes nobody missing. */
static void incomplete(const struct db_config *config)
{
    start(config);
    world_account(w, "bob")->used = false;
    set_account("ada", "name.givenName", "Eve");
    w->total_false = 1;
    read_back();
    CHECK(!drift.complete && drift.why.len > 0, "incomplete");
    CHECK(drift.by_finding[DRIFT_MISSING] == 0 && drift.by_finding[DRIFT_CHANGED] == 1,
          "nobody is missing, what was seen counts: %.*s", STR_ARG(findings()));
    w->total_false = 0;
    w->fault = (struct fault){.call = CALL_LIST,
                              .status = TARGET_FAILED,
                              .class_ = TARGET_PERMANENT,
                              .code = "UnprocessableEntity",
                              .times = 1};
    read_back();
    CHECK(!drift.complete && drift.by_finding[DRIFT_MISSING] == 0, "a page failed");
    read_back();
    CHECK(drift.complete && drift.by_finding[DRIFT_MISSING] == 1, "now it is known");
    end();
}

static void repaired(const struct db_config *config)
{
    struct journal_record *found;

    start(config);
    set_account("ada", "name.givenName", "Eve");
    set_account("ada", "displayName", "Eve");
    setting("drift.attributes", "displayName = accept, name.givenName = repair");
    read_back();
    CHECK(drift.repaired == 1 && drift.accepted == 1, "each has its answer");
    /* The walk brings the account in line with the mapping as a whole. */
    CHECK_STR(world_value(world_account(w, "ada"), "name.givenName"), "ada", "repaired");
    CHECK(w->calls[CALL_UPDATE] == 1, "one update");
    CHECK(world_journal(w, &(struct journal_query){.limit = 1}, &found) == 1 &&
              found[0].action == ACTION_UPDATE,
          "in the log");
    CHECK_STR(found[0].initiated_by, "drift", "by whom");
    read_back();
    CHECK_STR(findings(), "", "nothing is left");
    end();
}

static void accepted(const struct db_config *config)
{
    start(config);
    set_account("ada", "name.givenName", "Eve");
    setting("drift.answer", "accept");
    read_back();
    CHECK(drift.accepted == 1 && w->calls[CALL_UPDATE] == 0, "nothing is sent");
    CHECK_STR(world_value(world_account(w, "ada"), "name.givenName"), "Eve", "it stays");
    read_back();
    CHECK_STR(findings(), "", "not reported again");
    end();
}

static void memberships(const struct db_config *config)
{
    struct account *team;
    struct str eve;

    start(config);
    team = world_account(w, "team");
    eve = person("eve");
    (void)eve;
    world_cycle(w);
    /* ada is taken out, eve and somebody unknown are put in */
    snprintf(team->members[0], sizeof(team->members[0]), "%s", world_account(w, "eve")->id);
    snprintf(team->members[1], sizeof(team->members[1]), "%s", world_account(w, "bob")->id);
    snprintf(team->members[2], sizeof(team->members[2]), "%s", stranger("x@example.com")->id);
    team->member_count = 3;
    w->members_hidden = true;
    read_back();
    CHECK(drift.by_finding[DRIFT_MEMBER] == 0, "a target that shows no members");
    w->members_hidden = false;
    setting("drift.answer", "repair");
    read_back();
    CHECK(drift.by_finding[DRIFT_MEMBER] == 3 && drift.repaired == 2, "%.*s", STR_ARG(findings()));
    world_cycle(w);
    CHECK(team->member_count == 3, "ada is in, eve is out, the unknown one stays: %zu",
          team->member_count);
    read_back();
    CHECK_STR(findings(), "nobodys x@example.com , member team members", "the unknown one is told");
    end();
}

/* What no account of the target shows was not cleared by hand. */
static void never_said(const struct db_config *config)
{
    start(config);
    set_account("ada", "name.givenName", NULL);
    set_account("bob", "name.givenName", NULL);
    read_back();
    CHECK_STR(findings(), "", "it may simply not be returned");
    end();
}

static void on_schedule(const struct db_config *config)
{
    bool ran;

    start(config);
    OK(engine_drift_when_due(&w->engine, w->job.no, NULL, &ran, err));
    CHECK(!ran, "not without an interval");
    setting("drift.interval", "PT1H");
    OK(engine_drift_when_due(&w->engine, w->job.no, NULL, &ran, err));
    CHECK(ran, "for the first time");
    OK(engine_drift_when_due(&w->engine, w->job.no, NULL, &ran, err));
    CHECK(!ran, "not yet");
    w->clock.now += US_PER_HOUR;
    OK(engine_drift_when_due(&w->engine, w->job.no, NULL, &ran, err));
    CHECK(ran, "an hour later");
    end();
}

/* What the guard counts is no repair: neither who is held nor who has left since the last cycle. */
static void removals_are_the_guards(const struct db_config *config)
{
    struct str eve, dan;

    start(config);
    setting("guard.count", "1");
    setting("guard.percent", "100");
    setting("drift.answer", "repair");
    eve = person("eve");
    dan = person("dan");
    world_cycle(w);
    world_assign(w, eve, false);
    world_assign(w, dan, false);
    set_account("eve", "displayName", "Eva");
    set_account("dan", "displayName", "Daniel");
    read_back();
    CHECK_STR(world_value(world_account(w, "eve"), "active"), "true", "left, but not counted yet");
    CHECK(world_cycle(w).counters.disabled == 0, "two are held");
    set_account("eve", "displayName", "Ev");
    read_back();
    CHECK_STR(world_value(world_account(w, "eve"), "active"), "true", "held: not sent by a repair");
    CHECK(w->calls[CALL_UPDATE] == 0, "nothing is sent");
    end();
}

static int lists_until_stop;

static void stop_at_a_list(struct world *world, enum call call)
{
    if (call == CALL_LIST && --lists_until_stop == 0)
        world->stop = true;
}

static void pause_at_a_list(struct world *world, enum call call)
{
    if (call != CALL_LIST || --lists_until_stop != 0)
        return;
    OK(engine_pause(&world->engine, world->job.no, err));
}

/* Ctrl-C, SIGTERM and a pause end a reading between two pages: nothing is said to be missing,
 * nothing is answered, and it is due again at once. */
static void stopped_by(const struct db_config *config,
                       void (*stop)(struct world *world, enum call call))
{
    struct engine_reading how;
    bool ran;

    start(config);
    how = (struct engine_reading){.stop = &w->stop};
    person("cat");
    world_cycle(w);
    set_account("ada", "name.givenName", "Eve");
    world_account(w, "bob")->used = false;
    setting("drift.answer", "repair");
    setting("drift.interval", "PT12H");
    w->page_max = 1;
    memset(w->calls, 0, sizeof(w->calls));
    lists_until_stop = 1;
    w->before_call = stop;
    OK(engine_drift(&w->engine, w->job.no, &how, w->arena, &drift, err));
    CHECK(drift_was_stopped(&drift) && !drift.complete, "%.*s", STR_ARG(drift.why));
    CHECK(w->calls[CALL_LIST] == 1, "%d pages", w->calls[CALL_LIST]);
    CHECK(drift.by_finding[DRIFT_MISSING] == 0 && drift.repaired == 0, "nothing is concluded");
    CHECK(w->calls[CALL_UPDATE] + w->calls[CALL_CREATE] == 0, "nothing is sent");
    w->before_call = NULL;
    w->stop = false;
    OK(engine_start(&w->engine, w->job.no, err));
    OK(engine_drift_when_due(&w->engine, w->job.no, NULL, &ran, err));
    CHECK(ran, "it is due at once");
    CHECK_STR(world_value(world_account(w, "ada"), "name.givenName"), "ada", "repaired");
    end();
}

static void stopped(const struct db_config *config)
{
    stopped_by(config, stop_at_a_list);
}

static void paused(const struct db_config *config)
{
    stopped_by(config, pause_at_a_list);
}

/* As if the process had died: nothing more is recorded, because the lease is somebody else's. */
static void die_at_a_read(struct world *world, enum call call)
{
    struct job_lease lease;

    if (call != CALL_READ)
        return;
    world->before_call = NULL;
    OK(lease_take(world->db, world->job.no, STR("thief"), INT64_MAX - 2, INT64_MAX - 1, &lease,
                  err) &&
       lease_release(world->db, &lease, err));
}

/* Killed between the answer and the walk that it asks for: the repair is not lost. */
static void killed_before_the_repair(const struct db_config *config)
{
    struct err ignored = {0};

    start(config);
    set_account("ada", "name.givenName", "Eve");
    setting("drift.answer", "repair");
    w->fault = (struct fault){.call = CALL_READ,
                              .status = TARGET_FAILED,
                              .class_ = TARGET_PERMANENT,
                              .code = "UnprocessableEntity",
                              .times = 1};
    w->before_call = die_at_a_read;
    CHECK(!engine_drift(&w->engine, w->job.no, NULL, w->arena, &drift, &ignored), "killed");
    CHECK(!w->before_call, "before the account was read");
    world_cycle(w);
    CHECK_STR(world_value(world_account(w, "ada"), "name.givenName"), "ada", "repaired");
    read_back();
    CHECK_STR(findings(), "", "nothing is left");
    CHECK(world_cycle(w).counters.imported == 0, "nor to be tried again");
    end();
}

#define ON_BOTH(test)                 \
    static void test##_(void **state) \
    {                                 \
        (void)state;                  \
        test_databases(test);         \
    }
ON_BOTH(nothing_changed)
ON_BOTH(reported)
ON_BOTH(missing)
ON_BOTH(incomplete)
ON_BOTH(repaired)
ON_BOTH(accepted)
ON_BOTH(memberships)
ON_BOTH(never_said)
ON_BOTH(on_schedule)
ON_BOTH(removals_are_the_guards)
ON_BOTH(stopped)
ON_BOTH(paused)
ON_BOTH(killed_before_the_repair)

TEST_GROUP(drift, cmocka_unit_test(stopped_), cmocka_unit_test(paused_),
           cmocka_unit_test(nothing_changed_), cmocka_unit_test(reported_),
           cmocka_unit_test(missing_), cmocka_unit_test(incomplete_), cmocka_unit_test(repaired_),
           cmocka_unit_test(accepted_), cmocka_unit_test(memberships_),
           cmocka_unit_test(never_said_), cmocka_unit_test(on_schedule_),
           cmocka_unit_test(removals_are_the_guards_), cmocka_unit_test(killed_before_the_repair_))
