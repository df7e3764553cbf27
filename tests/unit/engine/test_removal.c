/* What an administrator wants to become of accounts: policies by event, grace periods, the same for
 * groups (engine.md 6.3, 6.5). */
#include "job/due.h"
#include "world.h"

static struct world *w;

#define OK(call)                                                           \
    do {                                                                   \
        struct err err_ = {0};                                             \
        struct err *err = &err_;                                           \
        CHECK((call), "%s: %s", err_.code ? err_.code : "", err_.message); \
    } while (0)

static void start(const struct db_config *config)
{
    w = malloc(sizeof(*w));
    world_init(w, config, "scim");
}

static void end(void)
{
    world_done(w);
    free(w);
}

#define ON_BOTH(fn)                 \
    static void fn##_(void **state) \
    {                               \
        (void)state;                \
        test_databases(fn);         \
    }

/* --- policies --- */

enum event { UNASSIGN, FILTER, BLOCK, BIN, PURGE, EVENT_COUNT };
enum outcome { NONE, DISABLED, DELETED, SET };

static const char *const events[EVENT_COUNT] = {
    "deprovision.unassigned", "deprovision.filteredOut", "deprovision.sourceDisabled",
    "deprovision.sourceSoftDeleted", "deprovision.sourceHardDeleted"};

static const struct {
    const char *policy;
    enum outcome expect[EVENT_COUNT];
} policies[] = {
    {"default", {DISABLED, DISABLED, DISABLED, DISABLED, DELETED}},
    {"disable", {DISABLED, DISABLED, DISABLED, DISABLED, DISABLED}},
    {"delete", {DELETED, DELETED, DELETED, DELETED, DELETED}},
    {"keep", {NONE, NONE, NONE, NONE, NONE}},
    {"set title=Former", {SET, SET, SET, SET, SET}},
};

#define FILTER_TEXT                                                               \
    "\"scope\":{\"groups\":[{\"name\":\"in\",\"clauses\":[{"                      \
    "\"sourceOperandName\":\"displayName\",\"operatorName\":\"NOT REGEX MATCH\"," \
    "\"targetOperand\":{\"values\":[\"^out\"]}}]}]}"

static void happen(enum event event, struct str id)
{
    switch (event) {
    case UNASSIGN:
        world_assign(w, id, false);
        break;
    case FILTER:
        world_set(w, id, "displayName", "\"out\"");
        break;
    case BLOCK:
        world_set(w, id, "accountEnabled", "false");
        break;
    case BIN:
        world_delete(w, id, WORLD_SOFT);
        break;
    case PURGE:
        world_delete(w, id, WORLD_SOFT);
        world_delete(w, id, WORLD_HARD);
        break;
    case EVENT_COUNT:
        break;
    }
}

static void take_back(enum event event, struct str id, const char *name)
{
    switch (event) {
    case UNASSIGN:
        world_assign(w, id, true);
        break;
    case FILTER:
        world_set(w, id, "displayName", arena_printf(w->arena, "\"%s\"", name).ptr);
        break;
    case BLOCK:
        world_set(w, id, "accountEnabled", "true");
        break;
    case BIN:
        world_delete(w, id, WORLD_RESTORE);
        break;
    case PURGE:
    case EVENT_COUNT:
        break;
    }
}

static void check_policy(size_t policy, enum event event)
{
    enum outcome expect = policies[policy].expect[event];
    const char *label =
        arena_printf(w->arena, "%s: %s", events[event], policies[policy].policy).ptr;
    const char *name = arena_printf(w->arena, "p%zue%d", policy, (int)event).ptr;
    struct str id = world_person(w, name);
    struct account *account;
    struct cycle c;

    world_set(w, id, "jobTitle", "\"Engineer\"");
    world_assign(w, id, true);
    world_cycle(w);
    CHECK(world_account(w, name) != NULL, "%s: there", label);
    happen(event, id);
    c = world_cycle(w);
    CHECK(c.counters.failed == 0 && c.counters.disabled == (expect == DISABLED) &&
              c.counters.deleted == (expect == DELETED) && c.counters.updated == (expect == SET),
          "%s: %lld disabled, %lld deleted, %lld updated", label, (long long)c.counters.disabled,
          (long long)c.counters.deleted, (long long)c.counters.updated);
    account = world_account(w, name);
    CHECK(!account == (expect == DELETED), "%s: the account", label);
    if (account) {
        CHECK_STR(world_value(account, "active"), expect == DISABLED ? "false" : "true", "%s",
                  label);
        CHECK_STR(world_value(account, "title"), expect == SET ? "Former" : "Engineer", "%s",
                  label);
    }
    c = world_cycle(w);
    CHECK(c.counters.requests == 0, "%s: settled", label);
    if (event == PURGE)
        return;
    take_back(event, id, name);
    c = world_cycle(w);
    account = world_account(w, name);
    CHECK(account != NULL, "%s: back", label);
    CHECK_STR(world_value(account, "active"), "true", "%s", label);
    CHECK_STR(world_value(account, "title"), "Engineer", "%s: taken back", label);
    CHECK((c.counters.requests == 0) == (expect == NONE), "%s: only what differs", label);
}

static void each_policy(const struct db_config *config)
{
    start(config);
    world_schema(w, "\"scope\":null", FILTER_TEXT);
    world_setting(w, "guard", "false"); /* so many would be held */
    for (size_t i = 0; i < ARRAY_LEN(policies); i++) {
        for (int event = 0; event < EVENT_COUNT; event++)
            world_setting(w, events[event], policies[i].policy);
        for (int event = 0; event < EVENT_COUNT; event++)
            check_policy(i, (enum event)event);
    }
    end();
}
ON_BOTH(each_policy)

/* Two events at once: what keeps the account does not stand in the way of what removes it, and the
 * stronger counts. */
static void two_events(const struct db_config *config)
{
    struct str ada;
    struct cycle c;

    start(config);
    world_setting(w, "deprovision.sourceDisabled", "keep");
    world_setting(w, "deprovision.unassigned", "delete");
    ada = world_person(w, "ada");
    world_assign(w, ada, true);
    world_cycle(w);
    world_set(w, ada, "accountEnabled", "false");
    c = world_cycle(w);
    CHECK(c.counters.requests == 0, "kept");
    world_assign(w, ada, false);
    c = world_cycle(w);
    CHECK(c.counters.deleted == 1, "unassigned as well");
    end();
}
ON_BOTH(two_events)

/* What is done beside something stronger that is done already, is told like anything else. */
static void weaker_event(const struct db_config *config)
{
    struct journal_record *records;
    struct str ada;
    struct cycle c;
    size_t before;

    start(config);
    world_setting(w, "deprovision.sourceSoftDeleted", "set title=Former");
    ada = world_person(w, "ada");
    world_assign(w, ada, true);
    world_cycle(w);
    world_assign(w, ada, false);
    c = world_cycle(w);
    CHECK(c.counters.disabled == 1, "disabled");
    before = world_journal(w, NULL, &records);
    world_delete(w, ada, WORLD_SOFT);
    c = world_cycle(w);
    CHECK_STR(world_value(world_account(w, "ada"), "title"), "Former", "marked as well");
    CHECK(c.counters.updated == 1 && c.counters.unchanged == 0, "counted");
    CHECK(world_journal(w, NULL, &records) == before + 1, "told");
    CHECK(records[0].status == STATUS_SUCCESS && records[0].action == ACTION_UPDATE, "as it was");
    end();
}
ON_BOTH(weaker_event)

/* Refused when it is set; and when the mapping is taken away afterwards, the removal fails. */
static void unmapped_attribute(const struct db_config *config)
{
    struct engine_setting setting = {STR("deprovision.unassigned"), STR("set nickName=gone")};
    struct journal_record *records;
    struct err err = {0};
    struct str ada;
    struct cycle c;

    start(config);
    CHECK(!engine_set(&w->engine, w->job.no, &setting, 1, STR("t"), &err), "refused");
    CHECK_STR(str_from_z(err.code), "SchemaAttributeNotFound", "%s", err.message);
    world_setting(w, "deprovision.unassigned", "set title=gone");
    world_schema(w, "\"targetAttributeName\":\"title\"", "\"targetAttributeName\":\"nickName\"");
    ada = world_person(w, "ada");
    world_assign(w, ada, true);
    world_cycle(w);
    world_assign(w, ada, false);
    c = world_cycle(w);
    CHECK(c.counters.failed == 1 && c.counters.requests == 0, "nothing would take it back");
    CHECK(world_journal(w, NULL, &records) > 0, "told");
    CHECK_STR(records[0].code, "SchemaAttributeNotFound", "why");
    end();
}
ON_BOTH(unmapped_attribute)

/* --- groups (engine.md 6.5) --- */

static const struct {
    const char *label;
    const char *from, *to;    /* edit of the schema */
    const char *name, *value; /* setting */
    bool expect[EVENT_COUNT]; /* deleted? A group is never disabled in the source. */
} group_columns[] = {
    {"standard", NULL, NULL, NULL, NULL, {true, true, false, true, true}},
    {"update off",
     "\"flowTypes\":\"Add,Update,Delete\"",
     "\"flowTypes\":\"Add,Delete\"",
     NULL,
     NULL,
     {true, true, false, true, true}},
    {"delete off",
     "\"flowTypes\":\"Add,Update,Delete\"",
     "\"flowTypes\":\"Add,Update\"",
     NULL,
     NULL,
     {false, false, false, false, false}},
    {"skip out of scope",
     NULL,
     NULL,
     "deprovision.skipOutOfScope",
     "true",
     {false, false, false, true, true}},
    {"skip disabled",
     NULL,
     NULL,
     "deprovision.skipDisabled",
     "true",
     {true, true, false, false, true}},
    {"no disable", NULL, NULL, "client.disableVia", "none", {true, true, false, true, true}},
    {"no delete of users", NULL, NULL, "client.deleteVia", "none", {true, true, false, true, true}},
    {"no delete of groups",
     NULL,
     NULL,
     "client.groupDelete",
     "false",
     {false, false, false, false, false}},
    {"not mapped", "IsSoftDeleted", "accountEnabled", NULL, NULL, {true, true, false, true, true}},
    {"set what people have",
     NULL,
     NULL,
     "deprovision.unassigned",
     "set title=gone",
     {false, true, false, true, true}},
};

static void check_group(size_t column, enum event event)
{
    const char *label = group_columns[column].label;
    const char *name = arena_printf(w->arena, "g%zue%d", column, (int)event).ptr;
    bool expect = group_columns[column].expect[event];
    struct str id = world_group(w, name);
    struct cycle c;

    world_assign(w, id, true);
    world_cycle(w);
    CHECK(world_account(w, name) != NULL, "%s, %s: there", label, events[event]);
    happen(event, id);
    c = world_cycle(w);
    CHECK(c.counters.failed == 0 && c.counters.deleted == expect && c.counters.disabled == 0,
          "%s, %s: %lld deleted, %lld disabled", label, events[event],
          (long long)c.counters.deleted, (long long)c.counters.disabled);
    CHECK(!world_account(w, name) == expect, "%s, %s: the group", label, events[event]);
    CHECK((c.counters.requests > 0) == expect, "%s, %s: requests", label, events[event]);
    c = world_cycle(w);
    CHECK(c.counters.requests == 0, "%s, %s: settled", label, events[event]);
    if (event == PURGE)
        return;
    take_back(event, id, name);
    c = world_cycle(w);
    CHECK(world_account(w, name) && c.counters.created == expect, "%s, %s: back", label,
          events[event]);
}

/* Columns are set and taken back in one world. */
static void set_column(size_t column, bool back)
{
    const char *from = group_columns[column].from;
    const char *to = group_columns[column].to;

    if (from)
        world_schema(w, back ? to : from, back ? from : to);
    if (group_columns[column].name)
        world_setting(w, group_columns[column].name, back ? "" : group_columns[column].value);
}

static void groups_leave(const struct db_config *config)
{
    start(config);
    world_schema(w, "\"scope\":null", FILTER_TEXT);
    world_setting(w, "guard", "false");
    for (size_t i = 0; i < ARRAY_LEN(group_columns); i++) {
        set_column(i, false);
        for (int event = 0; event < EVENT_COUNT; event++) {
            if (event != BLOCK)
                check_group(i, (enum event)event);
        }
        if (i + 1 < ARRAY_LEN(group_columns))
            set_column(i, true);
    }
    end();
}
ON_BOTH(groups_leave)

static void groups_are_not_created(const struct db_config *config)
{
    struct str team;
    struct cycle c;

    start(config);
    world_setting(w, "client.groupCreate", "false");
    team = world_group(w, "team");
    world_assign(w, team, true);
    c = world_cycle(w);
    CHECK(c.counters.created == 0 && c.counters.failed == 0 && w->calls[CALL_CREATE] == 0,
          "asked for, not created");
    end();
}
ON_BOTH(groups_are_not_created)

/* --- grace periods --- */

static size_t waiting(struct due **out)
{
    size_t count = 0;

    OK(due_removals(w->db, w->arena, w->job.no, NULL, 100, out, &count, err));
    return count;
}

static int64_t next_cycle_us(void)
{
    struct job job = {0};

    OK(job_load_no(w->db, w->arena, w->job.no, &job, err));
    return job.next_cycle_us;
}

static struct str leaver(const char *policy)
{
    struct str ada;

    world_setting(w, "deprovision.unassigned", policy);
    ada = world_person(w, "ada");
    world_assign(w, ada, true);
    world_cycle(w);
    world_assign(w, ada, false);
    return ada;
}

static void removal_waits(const struct db_config *config)
{
    struct journal_record *records;
    struct due *rows;
    struct str ada;
    struct cycle c;
    int64_t due;

    start(config);
    ada = leaver("disable after PT10M");
    c = world_cycle(w);
    CHECK(c.counters.requests == 0 && c.counters.disabled == 0, "not yet");
    CHECK(world_journal(w, NULL, &records) > 0, "told");
    CHECK_STR(records[0].code, "InGracePeriod", "that it waits");
    CHECK(waiting(&rows) == 1 && rows[0].reason == REMOVAL_UNASSIGNED, "listed");
    CHECK_STR(rows[0].action, "disable", "what");
    CHECK_STR(rows[0].display_name, "ada", "who");
    due = w->clock.now + 10 * US_PER_MINUTE;
    CHECK(rows[0].due_us == due, "when");
    CHECK(next_cycle_us() == due, "the job wakes for it, before its interval is over");
    world_cycle(w);
    CHECK(waiting(&rows) == 1 && rows[0].due_us == due, "the time does not move");
    CHECK(c.counters.disabled == 0, "still there");
    w->clock.now = due - US_PER_MINUTE;
    c = world_cycle(w);
    CHECK(c.kind == CYCLE_INCREMENTAL && c.counters.disabled == 1, "now");
    CHECK_STR(world_value(world_account(w, "ada"), "active"), "false", "disabled");
    CHECK(waiting(&rows) == 0, "waits no longer");
    CHECK(next_cycle_us() >= w->clock.now + JOB_INTERVAL_DEFAULT_US, "nothing more to wake for");
    CHECK(world_cycle(w).counters.requests == 0, "settled");
    world_set(w, ada, "city", "\"Paris\"");
    world_cycle(w);
    CHECK(waiting(&rows) == 0, "what is done does not wait again");
    CHECK(world_journal(w, NULL, &records) > 0 && records[0].status == STATUS_SKIPPED, "told");
    CHECK_STR(records[0].code, "RedundantExport", "that it is so already");
    end();
}
ON_BOTH(removal_waits)

static void returns_in_time(const struct db_config *config)
{
    struct due *rows;
    struct str ada;
    struct cycle c;

    start(config);
    ada = leaver("delete after P2D");
    world_cycle(w);
    CHECK(waiting(&rows) == 1, "waits");
    world_assign(w, ada, true);
    c = world_cycle(w);
    CHECK(c.counters.requests == 0 && waiting(&rows) == 0, "back before anything was sent");
    w->clock.now += 3 * US_PER_DAY;
    CHECK(world_cycle(w).counters.requests == 0, "and nothing comes later");
    world_assign(w, ada, false);
    world_cycle(w);
    CHECK(waiting(&rows) == 1 && rows[0].due_us == w->clock.now + 2 * US_PER_DAY,
          "the next time counts from the start");
    w->clock.now += 3 * US_PER_DAY;
    CHECK(world_cycle(w).counters.deleted == 1, "deleted then");
    CHECK(waiting(&rows) == 0, "and forgotten");
    end();
}
ON_BOTH(returns_in_time)

/* Due for two reasons at two times, somebody else between them: it is one walk. */
static void due_twice(const struct db_config *config)
{
    struct str ada, bob;

    start(config);
    world_setting(w, "guard.count", "0");
    world_setting(w, "deprovision.unassigned", "disable after P1D");
    world_setting(w, "deprovision.sourceDisabled", "disable after P3D");
    ada = world_person(w, "ada");
    bob = world_person(w, "bob");
    world_assign(w, ada, true);
    world_assign(w, bob, true);
    world_cycle(w);
    world_assign(w, ada, false);
    world_set(w, ada, "accountEnabled", "false");
    world_cycle(w);
    w->clock.now += US_PER_HOUR;
    world_assign(w, bob, false);
    world_cycle(w);
    w->clock.now += 5 * US_PER_DAY;
    world_cycle(w);
    CHECK(world_journal(w, &(struct journal_query){.who = ada, .code = STR("Staged")},
                        &(struct journal_record *){0}) == 1,
          "told once that it is held");
    end();
}
ON_BOTH(due_twice)

static void cancelled(const struct db_config *config)
{
    struct due *rows;
    struct str ada;
    int64_t count;

    start(config);
    ada = leaver("disable after P1D");
    world_cycle(w);
    OK(due_cancel(w->db, w->job.no, ada, &count, err));
    CHECK(count == 1, "one");
    w->clock.now += 3 * US_PER_DAY;
    CHECK(world_cycle(w).counters.requests == 0, "is not sent");
    CHECK(waiting(&rows) == 1 && rows[0].state == DUE_CANCELLED, "and stays listed as cancelled");
    world_schema(w, "flowTypes", "flowTypes"); /* everybody is looked at again */
    CHECK(world_cycle(w).counters.requests == 0, "nor when everybody is looked at");
    world_set(w, ada, "city", "\"Paris\"");
    world_cycle(w);
    CHECK(waiting(&rows) == 1 && rows[0].state == DUE_WAITING &&
              rows[0].due_us == w->clock.now + US_PER_DAY,
          "a change of hers plans it anew");
    w->clock.now += 2 * US_PER_DAY;
    CHECK(world_cycle(w).counters.disabled == 1, "sent then");
    end();
}
ON_BOTH(cancelled)

/* Who has gone for good waits too; a failure does not lose the place. */
static void purged_after_grace(const struct db_config *config)
{
    struct due *rows;
    struct str ada;
    struct cycle c;

    start(config);
    world_setting(w, "deprovision.sourceHardDeleted", "delete after P30D");
    ada = world_person(w, "ada");
    world_assign(w, ada, true);
    world_cycle(w);
    happen(PURGE, ada);
    c = world_cycle(w);
    CHECK(c.counters.deleted == 0 && waiting(&rows) == 1, "kept for a month");
    CHECK_STR(rows[0].display_name, "ada", "by her name");
    w->clock.now += 31 * US_PER_DAY;
    w->fault = (struct fault){.call = CALL_REMOVE,
                              .status = TARGET_FAILED,
                              .class_ = TARGET_PERMANENT,
                              .code = "NotPermitted",
                              .times = 1};
    c = world_cycle(w);
    CHECK(c.counters.failed == 1 && waiting(&rows) == 0, "refused: the retry queue has it");
    c = world_cycle(w);
    CHECK(c.counters.deleted == 1 && waiting(&rows) == 0, "the next time it goes");
    CHECK(!world_account(w, "ada"), "gone");
    end();
}
ON_BOTH(purged_after_grace)

/* Disabled at once, deleted later: each event by its own clock. */
static void one_after_the_other(const struct db_config *config)
{
    struct due *rows;
    struct str ada;
    struct cycle c;

    start(config);
    world_setting(w, "deprovision.sourceSoftDeleted", "delete after P7D");
    ada = world_person(w, "ada");
    world_assign(w, ada, true);
    world_cycle(w);
    world_set(w, ada, "accountEnabled", "false");
    CHECK(world_cycle(w).counters.disabled == 1, "disabled at once");
    happen(BIN, ada);
    c = world_cycle(w);
    CHECK(c.counters.requests == 0 && waiting(&rows) == 1, "deleted in a week");
    CHECK_STR(rows[0].action, "delete", "what");
    w->clock.now += 8 * US_PER_DAY;
    CHECK(world_cycle(w).counters.deleted == 1, "deleted");
    end();
}
ON_BOTH(one_after_the_other)

/* A shorter grace period counts at once, for those who wait as well. */
static void changed_policy(const struct db_config *config)
{
    struct due *rows;

    start(config);
    leaver("disable after P30D");
    world_cycle(w);
    w->clock.now += 2 * US_PER_DAY;
    world_setting(w, "deprovision.unassigned", "disable after P1D");
    CHECK(world_cycle(w).counters.disabled == 1 && waiting(&rows) == 0, "overdue by the new one");
    end();
}
ON_BOTH(changed_policy)

/* It counts for the guard in the cycle that would send it, not before. */
static void guarded_when_due(const struct db_config *config)
{
    static const char *const names[] = {"ada", "bob", "eve"};
    struct str people[ARRAY_LEN(names)];
    struct due *rows;
    struct cycle c;

    start(config);
    world_setting(w, "deprovision.unassigned", "disable after P1D");
    world_setting(w, "guard.count", "2");
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        people[i] = world_person(w, names[i]);
        world_assign(w, people[i], true);
    }
    world_cycle(w);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        world_assign(w, people[i], false);
    world_cycle(w);
    CHECK(waiting(&rows) == 3, "all wait");
    w->clock.now += 2 * US_PER_DAY;
    c = world_cycle(w);
    CHECK(c.counters.disabled == 0 && w->calls[CALL_UPDATE] == 0, "three are too many");
    CHECK(next_cycle_us() > w->clock.now, "what is held does not wake the job again and again");
    world_assign(w, people[0], true);
    c = world_cycle(w);
    CHECK(c.counters.disabled == 2, "two are not: %lld", (long long)c.counters.disabled);
    CHECK(waiting(&rows) == 0, "nobody waits any more");
    end();
}
ON_BOTH(guarded_when_due)

static void begins_on_demand(const struct db_config *config)
{
    struct journal_record r = {0};
    struct due *rows;
    struct str ada;

    start(config);
    ada = leaver("disable after PT5M");
    OK(engine_provision(&w->engine, w->job.no, ada, ENGINE_SHOW, STR("t"), w->arena, &r, err));
    CHECK(waiting(&rows) == 0, "a dry run writes nothing");
    OK(engine_provision(&w->engine, w->job.no, ada, ENGINE_SEND, STR("t"), w->arena, &r, err));
    CHECK_STR(r.code, "InGracePeriod", "waits");
    CHECK(waiting(&rows) == 1 && next_cycle_us() == rows[0].due_us, "and the job wakes for it");
    end();
}
ON_BOTH(begins_on_demand)

TEST_GROUP(removal, cmocka_unit_test(each_policy_), cmocka_unit_test(two_events_),
           cmocka_unit_test(weaker_event_), cmocka_unit_test(unmapped_attribute_),
           cmocka_unit_test(groups_leave_), cmocka_unit_test(groups_are_not_created_),
           cmocka_unit_test(removal_waits_), cmocka_unit_test(returns_in_time_),
           cmocka_unit_test(due_twice_), cmocka_unit_test(cancelled_),
           cmocka_unit_test(purged_after_grace_), cmocka_unit_test(one_after_the_other_),
           cmocka_unit_test(changed_policy_), cmocka_unit_test(guarded_when_due_),
           cmocka_unit_test(begins_on_demand_))
