/* The guard: what is held, when, and what an administrator's decision does (engine.md 8). */
#include "engine/explain/explain.h"
#include "engine/guard/guard.h"
#include "engine/guard/held.h"
#include "job/cycle.h"
#include "world.h"

enum { CREW_MAX = 60 };

static struct world *w;
static struct str crew[CREW_MAX];

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

static void set(const char *name, const char *value)
{
    struct engine_setting s = {str_from_z(name), str_from_z(value)};
    struct err err = {0};

    CHECK(engine_set(&w->engine, w->job.no, &s, 1, STR("admin"), &err), "%s: %s", name,
          err.message);
}

/* count: more than so many are held; the share plays no part. */
static void limit(const char *count)
{
    set("guard.count", count);
    set("guard.percent", "100");
}

/* `count` people with accounts: p00, p01, ... */
static void hire(int count)
{
    for (int i = 0; i < count; i++) {
        char name[16];

        snprintf(name, sizeof(name), "p%02d", i);
        crew[i] = world_person(w, name);
        world_assign(w, crew[i], true);
    }
    world_cycle(w);
    CHECK_INT(world_accounts(w, SOURCE_USER), count, "everybody has an account");
}

static void leave(int from, int to)
{
    for (int i = from; i < to; i++)
        world_assign(w, crew[i], false);
}

static void come_back(int from, int to)
{
    for (int i = from; i < to; i++)
        world_assign(w, crew[i], true);
}

static int active(void)
{
    int n = 0;

    for (size_t i = 0; i < w->account_count; i++) {
        const struct account *a = &w->accounts[i];

        n += a->used && a->kind == SOURCE_USER && str_eq_z(world_value(a, "active"), "true");
    }
    return n;
}

static struct held_counts counts(void)
{
    struct held_counts c;
    struct err err = {0};

    CHECK(held_count(w->db, w->job.no, &c, &err), "%s", err.message);
    return c;
}

static int64_t waiting(void)
{
    struct held_counts c = counts();

    return c.n[HELD_REMOVAL][HELD_WAITING] + c.n[HELD_UPDATE][HELD_WAITING];
}

static bool quarantined(void)
{
    struct job job;
    struct err err = {0};

    CHECK(job_load_no(w->db, w->arena, w->job.no, &job, &err), "%s", err.message);
    CHECK(!job.quarantined || str_eq_z(job.quarantine_reason, "TooManyDeletes"),
          "in quarantine for %.*s", STR_ARG(job.quarantine_reason));
    return job.quarantined;
}

static size_t told(const char *code)
{
    struct journal_query q = {.limit = 1000, .code = str_from_z(code)};
    struct journal_record *records;

    return world_journal(w, &q, &records);
}

static size_t told_of(struct str who)
{
    struct journal_query q = {.limit = 1000, .who = who};
    struct journal_record *records;

    return world_journal(w, &q, &records);
}

/* --- the numbers --- */

static void judged_by_numbers(const struct db_config *config)
{
    static const struct {
        const char *label;
        struct guard_numbers n;
        enum guard_limit want;
    } rows[] = {
        {"none", {0, 0, 1000}, GUARD_WITHIN},
        {"none now, though many were sent", {0, 900, 1000}, GUARD_WITHIN},
        {"at the count", {500, 0, 100000}, GUARD_WITHIN},
        {"over the count", {501, 0, 100000}, GUARD_OVER_COUNT},
        {"at the count with the window", {100, 400, 100000}, GUARD_WITHIN},
        {"over it with the window", {1, 500, 100000}, GUARD_OVER_COUNT},
        {"below the least number", {24, 0, 24}, GUARD_WITHIN},
        {"at the share", {25, 0, 250}, GUARD_WITHIN},
        {"over the share", {25, 0, 249}, GUARD_OVER_SHARE},
        {"over the share with the window", {5, 20, 249}, GUARD_OVER_SHARE},
        {"nobody connected", {25, 0, 0}, GUARD_OVER_SHARE},
    };
    struct job_settings s;

    (void)config;
    job_settings_default(&s);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        CHECK_INT(guard_judge(&s, &rows[i].n), rows[i].want, "%s", rows[i].label);
    s.guard = false;
    CHECK_INT(guard_judge(&s, &rows[3].n), GUARD_WITHIN, "switched off");
}

static void held_over_the_count(const struct db_config *config)
{
    start(config);
    limit("3");
    hire(10);
    leave(0, 3);
    world_cycle(w);
    CHECK_INT(active(), 7, "three are disabled");
    CHECK(!quarantined(), "and nothing is held");
    w->clock.now += 25 * US_PER_HOUR; /* out of the window */
    leave(3, 7);
    world_assign(w, world_person(w, "new"), true);
    struct cycle c = world_cycle(w);

    CHECK_INT(active(), 8, "four are too many: nobody is disabled, the new one is created");
    CHECK_INT(waiting(), 4, "all of them are held");
    CHECK_INT(c.counters.disabled, 0, "and not counted as disabled");
    CHECK_INT(c.counters.created, 1, "creates go on");
    CHECK(quarantined(), "the job says so");
    CHECK_INT(told("Staged"), 4, "and the journal");
    w->calls[CALL_UPDATE] = 0;
    world_cycle(w);
    CHECK_INT(w->calls[CALL_UPDATE] + w->calls[CALL_READ], 0, "nothing is asked for them");
    CHECK_INT(waiting(), 4, "they stay held");
    CHECK_INT(told("Staged"), 4, "and are told once");
    struct err err = {0};

    CHECK(engine_start(&w->engine, w->job.no, &err), "%s", err.message);
    CHECK(quarantined(), "a start decides nothing");
    end();
}

static void held_over_the_share(const struct db_config *config)
{
    start(config);
    set("guard.percentLeast", "3");
    set("guard.percent", "10");
    hire(40);
    leave(0, 4);
    world_cycle(w);
    CHECK_INT(active(), 36, "four of forty are ten percent, not more");
    w->clock.now += 25 * US_PER_HOUR;
    leave(4, 9);
    world_cycle(w);
    CHECK_INT(active(), 36, "five are more");
    CHECK_INT(waiting(), 5, "held");
    end();
}

static void slow_leak(const struct db_config *config)
{
    start(config);
    limit("5");
    hire(20);
    leave(0, 3);
    world_cycle(w);
    w->clock.now += US_PER_HOUR;
    leave(3, 5);
    world_cycle(w);
    CHECK_INT(active(), 15, "five in two cycles");
    w->clock.now += US_PER_HOUR;
    leave(5, 6);
    world_cycle(w);
    CHECK_INT(active(), 15, "the sixth of the day is held");
    CHECK_INT(waiting(), 1, "alone");
    w->clock.now += 25 * US_PER_HOUR;
    world_cycle(w);
    CHECK_INT(active(), 15, "and stays so when the others are a day old: nobody has decided");
    CHECK(quarantined() && waiting() == 1, "it is still held");
    leave(6, 7);
    world_cycle(w);
    CHECK_INT(waiting(), 2, "what is planned then joins it");
    come_back(5, 7);
    world_cycle(w);
    CHECK(!quarantined() && waiting() == 0, "who comes back is held no longer");
    leave(7, 12);
    world_cycle(w);
    CHECK_INT(active(), 10, "the next set is judged by the numbers of its own day");
    end();
}

/* More accounts do not let a held share go; a number that the administrator has raised does. */
static void share_stays_held(const struct db_config *config)
{
    start(config);
    set("guard.percentLeast", "3");
    set("guard.percent", "10");
    hire(20);
    leave(0, 3);
    world_cycle(w);
    CHECK_INT(waiting(), 3, "three of twenty are too many");
    for (int i = 0; i < 20; i++) {
        char name[16];

        snprintf(name, sizeof(name), "n%02d", i);
        world_assign(w, world_person(w, name), true);
    }
    world_cycle(w);
    world_cycle(w);
    CHECK_INT(waiting(), 3, "three of forty would not have been, and stay held");
    set("guard.percent", "20");
    world_cycle(w);
    CHECK_INT(waiting(), 0, "the administrator has decided so");
    CHECK_INT(active(), 37, "they are disabled");
    end();
}

static void users_and_groups_count_together(const struct db_config *config)
{
    struct str groups[2];

    start(config);
    limit("3");
    for (int i = 0; i < 2; i++) {
        groups[i] = world_group(w, i ? "two" : "one");
        world_assign(w, groups[i], true);
    }
    hire(10);
    leave(0, 2);
    world_assign(w, groups[0], false);
    world_assign(w, groups[1], false);
    world_cycle(w);
    CHECK_INT(active(), 10, "nobody is disabled");
    CHECK_INT(world_accounts(w, SOURCE_GROUP), 2, "no group is deleted");
    CHECK_INT(waiting(), 4, "two people and two groups are held");
    end();
}

/* --- the order --- */

/* Who is hired again gets the name of the account that goes in the same cycle. */
static void removals_come_first(const struct db_config *config)
{
    struct str old;
    struct cycle c;

    start(config);
    old = world_person(w, "ada");
    world_assign(w, old, true);
    world_cycle(w);
    world_delete(w, old, WORLD_SOFT);
    world_assign(w, world_person(w, "ada"), true); /* before the removal in the feed */
    world_delete(w, old, WORLD_HARD);
    c = world_cycle(w);
    CHECK_INT(c.counters.failed, 0, "no duplicate");
    CHECK_INT(c.counters.deleted, 1, "the old account goes");
    CHECK_INT(c.counters.created, 1, "the new one comes");
    CHECK(world_account(w, "ada"), "there is one");
    end();
}

static void told_once(const struct db_config *config)
{
    struct cycle c;

    start(config);
    hire(3);
    size_t before = told_of(crew[0]);

    leave(0, 1);
    c = world_cycle(w);
    CHECK_INT(c.counters.imported, 1, "one object");
    CHECK_INT(c.counters.disabled, 1, "is disabled");
    CHECK_INT(c.counters.unchanged + c.counters.skipped, 0, "and nothing else");
    CHECK_INT(told_of(crew[0]), before + 1, "one record");
    c = world_cycle(w);
    CHECK_INT(c.counters.imported, 0, "the next cycle has nothing to do");
    end();
}

/* A removal that fails is tried once in its cycle, and again as a retry. */
static void failure_is_tried_once(const struct db_config *config)
{
    struct cycle c;

    start(config);
    hire(3);
    leave(0, 1);
    w->fault = (struct fault){.call = CALL_UPDATE,
                              .status = TARGET_FAILED,
                              .class_ = TARGET_PERMANENT,
                              .code = "NotPermitted",
                              .times = 2};
    c = world_cycle(w);
    CHECK_INT(w->calls[CALL_UPDATE], 1, "one attempt");
    CHECK_INT(c.counters.failed, 1, "failed");
    w->fault.times = 0;
    w->clock.now += 30 * US_PER_HOUR;
    c = world_cycle(w);
    CHECK_INT(c.counters.disabled, 1, "the retry succeeds");
    CHECK_INT(active(), 2, "one less");
    end();
}

/* --- fixed in the source --- */

static void fixed_in_the_source(const struct db_config *config)
{
    start(config);
    limit("3");
    hire(10);
    leave(0, 5);
    world_cycle(w);
    CHECK_INT(waiting(), 5, "held");
    come_back(0, 1);
    world_cycle(w);
    CHECK_INT(waiting(), 4, "one less is held");
    CHECK(quarantined(), "still too many");
    come_back(1, 2);
    world_cycle(w);
    CHECK_INT(waiting(), 0, "three are not too many");
    CHECK_INT(active(), 7, "they are disabled");
    CHECK(!quarantined(), "and the quarantine is over");
    end();
}

/* --- decisions --- */

static struct str digest(void)
{
    static char text[HELD_DIGEST_MAX];
    struct err err = {0};
    int64_t count;

    CHECK(held_digest(w->db, w->job.no, text, &count, &err), "%s", err.message);
    return arena_str(w->arena, str_from_z(text));
}

/* Of rows crew[from] to crew[to - 1]; of all when they are equal. */
static bool decide(enum engine_held_decision decision, struct str set_digest, int from, int to,
                   struct err *err)
{
    int64_t decided;
    bool ok = engine_held_decide(&w->engine, w->job.no, decision, set_digest, &crew[from],
                                 (size_t)(to - from), &decided, err);

    if (ok && to > from)
        CHECK_INT(decided, to - from, "as many as were named");
    return ok;
}

static void must_decide(enum engine_held_decision decision, int from, int to)
{
    struct err err = {0};

    CHECK(decide(decision, digest(), from, to, &err), "%s", err.message);
}

/* Five of ten held, where three would go. */
static void five_held(const struct db_config *config)
{
    start(config);
    limit("3");
    hire(10);
    leave(0, 5);
    world_cycle(w);
    CHECK_INT(waiting(), 5, "five are held");
}

static void allowed(const struct db_config *config)
{
    struct engine_status status;
    struct err err = {0};

    five_held(config);
    must_decide(ENGINE_HELD_ALLOW, 0, 0);
    CHECK(engine_status_load(&w->engine, w->job.no, w->arena, &status, &err), "%s", err.message);
    CHECK(!status.job.quarantined && status.next_cycle_us == 0, "decided, and due at once");
    struct cycle c = world_cycle(w);

    CHECK_INT(active(), 5, "they are disabled");
    CHECK_INT(c.counters.disabled, 5, "and counted");
    CHECK(!quarantined() && waiting() == 0, "nothing is held");
    leave(5, 8);
    world_cycle(w);
    CHECK_INT(active(), 2, "what was approved does not count for the day");
    end();
}

static void rejected(const struct db_config *config)
{
    struct err err = {0};
    struct json *why;
    struct str answer;
    size_t at;

    five_held(config);
    must_decide(ENGINE_HELD_REJECT, 0, 0);
    CHECK(!quarantined(), "decided");
    world_cycle(w);
    CHECK_INT(active(), 10, "the accounts stay");
    CHECK(engine_explain(&w->engine, w->job.no, STR("p00"), 0, w->arena, &why, &err), "%s",
          err.message);
    answer = json_get_text(why, "answer");
    CHECK(str_find(answer, STR("an administrator has rejected"), &at) &&
              !str_find(answer, STR("with the next cycle"), &at),
          "explained: %.*s", STR_ARG(answer));
    CHECK(engine_restart(&w->engine, w->job.no, RESET_DEFAULT, &err), "%s", err.message);
    world_cycle(w);
    CHECK_INT(active(), 10, "also when everybody is looked at");
    CHECK(!quarantined() && waiting() == 0, "without being held again");
    come_back(0, 1);
    world_cycle(w);
    leave(0, 1);
    world_cycle(w);
    CHECK_INT(active(), 9, "who comes back and leaves again is disabled");
    end();
}

/* A removal whose grace period is over: what stands in its way is told once, and not looked at in
 * every cycle. */
static void told_once_when_due(const struct db_config *config)
{
    start(config);
    set("deprovision.unassigned", "disable after P1D");
    limit("3");
    hire(10);
    leave(0, 5);
    world_cycle(w);
    w->clock.now += 25 * US_PER_HOUR;
    world_cycle(w);
    CHECK_INT(waiting(), 5, "held when they are due");
    CHECK_INT(world_cycle(w).counters.imported, 0, "not looked at again");
    CHECK_INT(told("Staged"), 5, "told once");
    must_decide(ENGINE_HELD_REJECT, 0, 3);
    must_decide(ENGINE_HELD_ALLOW, 0, 0);
    world_cycle(w);
    CHECK_INT(active(), 8, "two are disabled, without another grace period");
    for (int i = 0; i < 3; i++)
        CHECK_INT(world_cycle(w).counters.imported, 0, "the others are left alone");
    CHECK_INT(told("Rejected"), 0, "the audit log has the decision");
    come_back(0, 1);
    world_cycle(w);
    leave(0, 1);
    world_cycle(w);
    CHECK_INT(active(), 8, "who comes back and leaves again has a grace period again");
    w->clock.now += 25 * US_PER_HOUR;
    world_cycle(w);
    CHECK_INT(active(), 7, "and is disabled then");
    end();
}

static void protected_when_due(const struct db_config *config)
{
    start(config);
    set("deprovision.unassigned", "disable after P1D");
    hire(3);
    leave(0, 1);
    world_cycle(w);
    set("protected.accounts", "p00@example.com");
    world_cycle(w);
    w->clock.now += 25 * US_PER_HOUR;
    for (int i = 0; i < 3; i++)
        world_cycle(w);
    CHECK_INT(told("Protected"), 1, "told once");
    set("protected.accounts", "");
    world_cycle(w);
    CHECK_INT(active(), 2, "no longer protected: its time has come long since");
    end();
}

/* One that fails follows the retry schedule and no longer its own time. */
static void failed_when_due(const struct db_config *config)
{
    int updates = 0;

    start(config);
    set("deprovision.unassigned", "disable after P1D");
    hire(3);
    leave(0, 1);
    world_cycle(w);
    w->clock.now += 25 * US_PER_HOUR;
    w->fault = (struct fault){.call = CALL_UPDATE,
                              .status = TARGET_FAILED,
                              .class_ = TARGET_PERMANENT,
                              .code = "NotPermitted",
                              .times = 9};
    for (int i = 0; i < 5; i++) {
        world_cycle(w);
        updates += w->calls[CALL_UPDATE]; /* of that cycle */
    }
    CHECK_INT(updates, 2, "tried at once and in the next cycle, then hours later");
    w->fault.times = 0;
    w->clock.now += 7 * US_PER_HOUR;
    world_cycle(w);
    CHECK_INT(active(), 2, "the retry succeeds");
    CHECK_INT(world_cycle(w).counters.imported, 0, "nothing is left");
    end();
}

static void decided_in_parts(const struct db_config *config)
{
    five_held(config);
    must_decide(ENGINE_HELD_ALLOW, 0, 2);
    CHECK(quarantined(), "three are not decided");
    world_cycle(w);
    CHECK_INT(active(), 8, "the two are disabled");
    CHECK_INT(waiting(), 3, "the others are held, though three alone would not be");
    must_decide(ENGINE_HELD_REJECT, 2, 3);
    world_cycle(w);
    CHECK_INT(waiting(), 2, "two are left");
    must_decide(ENGINE_HELD_ALLOW, 0, 0);
    CHECK(!quarantined(), "all are decided");
    world_cycle(w);
    CHECK_INT(active(), 6, "four of five");
    end();
}

static void stale_approval(const struct db_config *config)
{
    struct err err = {0};
    struct str seen;

    five_held(config);
    seen = digest();
    leave(5, 6);
    world_cycle(w);
    CHECK_INT(waiting(), 6, "one more is held");
    CHECK(!decide(ENGINE_HELD_ALLOW, seen, 0, 0, &err), "the set is another one");
    CHECK_STR(str_from_z(err.code), "setChanged", "that is said");
    CHECK_INT(waiting(), 6, "nothing is decided");
    must_decide(ENGINE_HELD_ALLOW, 0, 0);
    leave(6, 7);
    world_cycle(w);
    CHECK_INT(active(), 3, "one that comes later is judged for itself");
    world_delete(w, crew[7], WORLD_SOFT);
    CHECK(!decide(ENGINE_HELD_ALLOW, seen, 0, 0, &err), "nothing is held");
    CHECK_STR(str_from_z(err.code), "nothingHeld", "that is said, too");
    end();
}

/* An approval is for the action that was seen. */
static void allowed_for_another_action(const struct db_config *config)
{
    five_held(config);
    must_decide(ENGINE_HELD_ALLOW, 0, 0);
    for (int i = 0; i < 5; i++) {
        world_delete(w, crew[i], WORLD_SOFT);
        world_delete(w, crew[i], WORLD_HARD);
    }
    world_cycle(w);
    CHECK_INT(world_accounts(w, SOURCE_USER), 10, "disabling was allowed, deleting is not");
    CHECK_INT(waiting(), 5, "five are held again");
    end();
}

static void unknown_row(const struct db_config *config)
{
    struct err err = {0};

    five_held(config);
    CHECK(!decide(ENGINE_HELD_ALLOW, digest(), 3, 7, &err), "two of them are not held");
    CHECK_STR(str_from_z(err.code), "notHeld", "that is said");
    CHECK_INT(waiting(), 5, "none is decided");
    end();
}

static void forced(const struct db_config *config)
{
    struct err err = {0};

    five_held(config);
    CHECK(engine_restart(&w->engine, w->job.no, RESET_FORCE_DELETES, &err), "%s", err.message);
    CHECK(!quarantined(), "decided");
    struct cycle c = world_cycle(w);

    CHECK_INT(c.kind, CYCLE_INCREMENTAL, "nothing else is reset");
    CHECK_INT(active(), 5, "they are disabled");
    end();
}

/* What was allowed and fails is tried again without another approval. */
static void allowed_and_failed(const struct db_config *config)
{
    five_held(config);
    must_decide(ENGINE_HELD_ALLOW, 0, 0);
    w->fault = (struct fault){.call = CALL_UPDATE,
                              .status = TARGET_FAILED,
                              .class_ = TARGET_PERMANENT,
                              .code = "NotPermitted",
                              .times = 100};
    world_cycle(w);
    CHECK_INT(w->calls[CALL_UPDATE], 5, "one attempt each");
    w->fault.times = 0;
    w->clock.now += 30 * US_PER_HOUR;
    world_cycle(w);
    CHECK_INT(active(), 5, "they are disabled");
    CHECK(!quarantined(), "and nothing is held");
    end();
}

/* --- other cycles --- */

static void repeated_initial(const struct db_config *config)
{
    struct err err = {0};

    start(config);
    limit("3");
    hire(10);
    set("guard", "false");
    leave(0, 5);
    set("guard", "true");
    CHECK(engine_restart(&w->engine, w->job.no, RESET_DEFAULT, &err), "%s", err.message);
    struct cycle c = world_cycle(w);

    CHECK_INT(c.kind, CYCLE_INITIAL, "everybody is looked at");
    CHECK_INT(active(), 10, "nobody is disabled");
    CHECK_INT(waiting(), 5, "five are held");
    CHECK_INT(told("Staged"), 5, "and told once");
    CHECK(engine_restart(&w->engine, w->job.no, RESET_DEFAULT, &err), "%s", err.message);
    world_cycle(w);
    CHECK_INT(waiting(), 5, "a restart does not let them through");
    come_back(0, 2);
    CHECK(engine_restart(&w->engine, w->job.no, RESET_DEFAULT, &err), "%s", err.message);
    c = world_cycle(w);
    CHECK_INT(active(), 7, "three are few enough");
    CHECK_INT(c.counters.disabled, 3, "counted once");
    end();
}

static void first_cycle_has_no_gate(const struct db_config *config)
{
    start(config);
    hire(2);
    struct held_counts c = counts();

    CHECK_INT(c.n[HELD_REMOVAL][HELD_PLANNED] + c.n[HELD_REMOVAL][HELD_SENT], 0, "no rows");
    end();
}

static void rename_people(int from, int to, const char *domain)
{
    for (int i = from; i < to; i++) {
        world_set(w, crew[i], "userPrincipalName",
                  arena_printf(w->arena, "\"p%02d@%s\"", i, domain).ptr);
    }
}

static void mass_update(const struct db_config *config)
{
    start(config);
    limit("3");
    hire(10);
    rename_people(0, 3, "new.example");
    world_cycle(w);
    CHECK(world_account(w, "p00@new.example"), "three get their new name");
    rename_people(3, 7, "new.example");
    world_set(w, crew[8], "displayName", "\"Other\"");
    struct cycle c = world_cycle(w);

    CHECK_INT(waiting(), 4, "four together with three of the day are held");
    CHECK(world_account(w, "p03"), "under their old name");
    CHECK_INT(c.counters.updated, 1, "another attribute is updated");
    CHECK(quarantined(), "the job says so");
    leave(9, 10);
    world_cycle(w);
    CHECK_INT(active(), 9, "a removal is judged for itself");
    must_decide(ENGINE_HELD_ALLOW, 3, 5);
    must_decide(ENGINE_HELD_REJECT, 5, 7);
    world_cycle(w);
    CHECK(world_account(w, "p03@new.example") && world_account(w, "p04@new.example"), "allowed");
    CHECK(world_account(w, "p05") && world_account(w, "p06"), "rejected");
    CHECK(!quarantined(), "decided");
    end();
}

/* A source that changes between gate and sending cannot get around the numbers. */
static struct str late[8];

static void leave_late(struct world *world, enum call call)
{
    if (call != CALL_UPDATE)
        return;
    world->before_call = NULL;
    for (size_t i = 0; i < ARRAY_LEN(late) && late[i].len; i++)
        world_assign(world, late[i], false);
}

static void changed_behind_the_gate(const struct db_config *config)
{
    start(config);
    limit("4");
    hire(12);
    leave(0, 2);
    for (size_t i = 0; i < ARRAY_LEN(late); i++)
        late[i] = i < 5 ? crew[2 + i] : (struct str){0};
    w->before_call = leave_late;
    struct cycle c = world_cycle(w);

    CHECK_INT(12 - active(), 4, "two that were planned, and two more, are all that go");
    CHECK_INT(c.counters.disabled, 4, "counted");
    CHECK_INT(waiting(), 3, "the others are held");
    CHECK(quarantined(), "and the job says so");
    end();
}

static void plan_says_so(const struct db_config *config)
{
    struct plan_counts n;
    struct err err = {0};

    start(config);
    limit("3");
    hire(10);
    leave(0, 3);
    CHECK(engine_plan(&w->engine, w->job.no, PLAN_NEXT_CYCLE, NULL, NULL, &n, &err), "%s",
          err.message);
    CHECK_STR(str_from_z(n.removals_held), "", "three would go");
    leave(3, 4);
    CHECK(engine_plan(&w->engine, w->job.no, PLAN_NEXT_CYCLE, NULL, NULL, &n, &err), "%s",
          err.message);
    CHECK_STR(str_from_z(n.removals_held), "4 removals: more than the 3 of guard.count",
              "four would be held");
    CHECK_STR(str_from_z(n.updates_held), "", "no updates");
    world_cycle(w);
    CHECK(engine_plan(&w->engine, w->job.no, PLAN_NEXT_CYCLE, NULL, NULL, &n, &err), "%s",
          err.message);
    CHECK_STR(str_from_z(n.removals_held), "4 removals: more than the 3 of guard.count", "and are");
    come_back(0, 1);
    CHECK(engine_plan(&w->engine, w->job.no, PLAN_NEXT_CYCLE, NULL, NULL, &n, &err), "%s",
          err.message);
    CHECK_STR(str_from_z(n.removals_held), "", "three would go again");
    end();
}

/* --- cut short --- */

static atomic_int ticks;

/* Asks the run to stop at its n-th look at the clock. */
static int64_t ticking(const struct clock *c)
{
    (void)c;
    if (atomic_fetch_sub(&ticks, 1) == 1)
        atomic_store(&w->stop, true);
    return w->clock.now;
}

static int cycles_until_done(int n)
{
    static const struct clock clock = {ticking};
    int count = 0;
    struct cycle c;

    w->engine.clock = &clock;
    atomic_store(&ticks, n);
    do {
        c = world_cycle(w);
        atomic_store(&w->stop, false);
        count++;
    } while (c.state == CYCLE_RUNNING);
    w->engine.clock = &w->clock.clock;
    CHECK_INT(c.state, CYCLE_SUCCEEDED, "stopped at %d, it comes to its end", n);
    return count;
}

static void stopped_anywhere(const struct db_config *config)
{
    int stopped = 0;

    start(config);
    limit("50");
    set("guard.window", "PT0S");
    hire(10);
    for (int n = 1; n < 18; n++) {
        leave(0, 4);
        stopped += cycles_until_done(n) > 1;
        CHECK_INT(active(), 6, "stopped at %d: four are disabled", n);
        come_back(0, 4);
        stopped += cycles_until_done(n) > 1;
        CHECK_INT(active(), 10, "stopped at %d: and come back", n);
    }
    CHECK(stopped > 10, "only %d cycles were stopped", stopped);
    CHECK_INT(told_of(crew[0]), 1 + 2 * 17, "every change is told once");
    end();
}

static void stopped_anywhere_and_held(const struct db_config *config)
{
    start(config);
    limit("3");
    hire(10);
    for (int n = 1; n < 12; n++) {
        leave(0, 4);
        cycles_until_done(n);
        CHECK_INT(active(), 10, "stopped at %d: nobody is disabled", n);
        CHECK_INT(waiting(), 4, "stopped at %d: four are held", n);
        come_back(0, 4);
        cycles_until_done(n);
        CHECK_INT(waiting(), 0, "stopped at %d: and no longer", n);
        CHECK(!quarantined(), "stopped at %d: nor is the job", n);
    }
    end();
}

static int calls_left;

/* As if the process had died: what it sent is not recorded, because the lease is somebody else's.
 */
static void die(struct world *world, enum call call)
{
    struct job_lease lease;
    struct err err = {0};

    if (call != CALL_UPDATE || --calls_left != 0)
        return;
    world->before_call = NULL;
    CHECK(lease_take(world->db, world->job.no, STR("thief"), INT64_MAX - 2, INT64_MAX - 1, &lease,
                     &err) &&
              lease_release(world->db, &lease, &err),
          "%s", err.message);
}

static void killed_among_the_removals(const struct db_config *config)
{
    start(config);
    limit("50");
    hire(10);
    for (int n = 1; n <= 4; n++) {
        struct cycle c;
        struct err err = {0};

        leave(0, 4);
        calls_left = n;
        w->before_call = die;
        CHECK(!world_try_cycle(w, &c, &err), "killed at call %d", n);
        c = world_cycle(w);
        CHECK_INT(c.state, CYCLE_SUCCEEDED, "killed at call %d, it goes on", n);
        CHECK_INT(active(), 6, "killed at call %d: four are disabled", n);
        come_back(0, 4);
        world_cycle(w);
        CHECK_INT(active(), 10, "killed at call %d: and come back", n);
    }
    CHECK_INT(counts().n[HELD_REMOVAL][HELD_PLANNED], 0, "nothing is left over");
    end();
}

/* More than a page of the gate. */
static void many_pages(const struct db_config *config)
{
    enum { MANY = 600 };
    struct str *ids;
    struct err err = {0};

    start(config);
    ids = ARENA_ARRAY(w->arena, struct str, MANY);
    for (int i = 0; i < MANY; i++) {
        char name[16];

        snprintf(name, sizeof(name), "q%03d", i);
        ids[i] = world_person(w, name);
        world_assign(w, ids[i], true);
    }
    world_cycle(w);
    for (int i = 0; i < MANY; i++)
        world_assign(w, ids[i], false);
    world_cycle(w);
    CHECK_INT(waiting(), MANY, "all are held");
    CHECK_INT(active(), MANY, "nobody is disabled");
    CHECK(engine_restart(&w->engine, w->job.no, RESET_DEFAULT, &err), "%s", err.message);
    world_cycle(w);
    CHECK_INT(waiting(), MANY, "also by an initial cycle");
    must_decide(ENGINE_HELD_ALLOW, 0, 0);
    struct cycle c = world_cycle(w);

    CHECK_INT(active(), 0, "allowed");
    CHECK_INT(c.counters.disabled, MANY, "counted once");
    end();
}

#define ON_BOTH(test)                 \
    static void test##_(void **state) \
    {                                 \
        (void)state;                  \
        test_databases(test);         \
    }
ON_BOTH(judged_by_numbers)
ON_BOTH(held_over_the_count)
ON_BOTH(held_over_the_share)
ON_BOTH(slow_leak)
ON_BOTH(share_stays_held)
ON_BOTH(users_and_groups_count_together)
ON_BOTH(removals_come_first)
ON_BOTH(told_once)
ON_BOTH(failure_is_tried_once)
ON_BOTH(fixed_in_the_source)
ON_BOTH(allowed)
ON_BOTH(rejected)
ON_BOTH(told_once_when_due)
ON_BOTH(protected_when_due)
ON_BOTH(failed_when_due)
ON_BOTH(decided_in_parts)
ON_BOTH(stale_approval)
ON_BOTH(allowed_for_another_action)
ON_BOTH(unknown_row)
ON_BOTH(forced)
ON_BOTH(allowed_and_failed)
ON_BOTH(repeated_initial)
ON_BOTH(first_cycle_has_no_gate)
ON_BOTH(mass_update)
ON_BOTH(changed_behind_the_gate)
ON_BOTH(stopped_anywhere)
ON_BOTH(stopped_anywhere_and_held)
ON_BOTH(killed_among_the_removals)
ON_BOTH(many_pages)
ON_BOTH(plan_says_so)

TEST_GROUP(guard, cmocka_unit_test(judged_by_numbers_), cmocka_unit_test(held_over_the_count_),
           cmocka_unit_test(held_over_the_share_), cmocka_unit_test(slow_leak_),
           cmocka_unit_test(share_stays_held_), cmocka_unit_test(users_and_groups_count_together_),
           cmocka_unit_test(removals_come_first_), cmocka_unit_test(told_once_),
           cmocka_unit_test(failure_is_tried_once_), cmocka_unit_test(fixed_in_the_source_),
           cmocka_unit_test(allowed_), cmocka_unit_test(rejected_),
           cmocka_unit_test(told_once_when_due_), cmocka_unit_test(protected_when_due_),
           cmocka_unit_test(failed_when_due_), cmocka_unit_test(decided_in_parts_),
           cmocka_unit_test(stale_approval_), cmocka_unit_test(allowed_for_another_action_),
           cmocka_unit_test(unknown_row_), cmocka_unit_test(forced_),
           cmocka_unit_test(allowed_and_failed_), cmocka_unit_test(repeated_initial_),
           cmocka_unit_test(first_cycle_has_no_gate_), cmocka_unit_test(mass_update_),
           cmocka_unit_test(changed_behind_the_gate_), cmocka_unit_test(stopped_anywhere_),
           cmocka_unit_test(stopped_anywhere_and_held_),
           cmocka_unit_test(killed_among_the_removals_), cmocka_unit_test(many_pages_),
           cmocka_unit_test(plan_says_so_))
