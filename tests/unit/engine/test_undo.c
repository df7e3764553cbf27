/* A past cycle undone: a plan from its records, and what was put back stays (engine.md 23). */
#include "engine/plans/apply.h"
#include "journal/audit.h"
#include "world.h"

static struct world *w;
static char path[128];

static void start(const struct db_config *config)
{
    w = malloc(sizeof(*w));
    world_init(w, config, "joynfsm");
    snprintf(path, sizeof(path), "%s/u.plan", test_temp_dir());
}

static void end(void)
{
    world_done(w);
    free(w);
}

static struct plan_head undone(struct str cycle_id)
{
    struct engine_plan_options options = {0};
    struct plan_head head = {0};
    struct err err = {0};

    CHECK(engine_undo(&w->engine, w->job.no, cycle_id, path, &options, w->arena, &head, &err), "%s",
          err.message);
    return head;
}

static struct engine_applied applied(void)
{
    struct engine_apply_options options = {0};
    struct engine_applied out = {0};
    struct err err = {0};

    memset(w->calls, 0, sizeof(w->calls));
    CHECK(engine_apply(&w->engine, path, &options, w->arena, &out, &err), "%s: %s", err.code,
          err.message);
    return out;
}

static int writes(void)
{
    return w->calls[CALL_CREATE] + w->calls[CALL_UPDATE] + w->calls[CALL_REMOVE] +
           w->calls[CALL_MEMBERS];
}

/* The first row of the plan that says why something is not undone. */
static struct str reason(void)
{
    CLEANUP(plan_reader_close) struct plan_reader r = {0};
    struct plan_row row;
    struct err err = {0};
    bool more;

    CHECK(plan_reader_open(&r, path, &err), "%s", err.message);
    for (;;) {
        CHECK(plan_reader_next(&r, w->arena, &row, &more, &err), "%s", err.message);
        if (!more)
            return STR("");
        if (row.intent == INTENT_NOTHING)
            return row.reason;
    }
}

static int64_t held(void)
{
    struct engine_status s;
    struct err err = {0};

    CHECK(engine_status_load(&w->engine, w->job.no, w->arena, &s, &err), "%s", err.message);
    return s.undone;
}

static struct str given(const char *who)
{
    return world_value(world_account(w, who), "name.givenName");
}

/* What the audit log says of the newest change. */
static void told(const char *subject, const char *part)
{
    struct audit_record *list;
    struct err err = {0};
    size_t count, at;

    CHECK(audit_list(w->db, w->arena, &(struct audit_query){.app_id = w->job.id, .limit = 1}, &list,
                     &count, &err) &&
              count == 1,
          "%s", err.message);
    CHECK_STR(list[0].subject, subject, "subject");
    CHECK_STR(list[0].activity, "Other", "activity of %s", subject);
    CHECK(str_find(list[0].after, str_from_z(part), &at), "%s: %.*s", subject,
          STR_ARG(list[0].after));
}

static void values_come_back(const struct db_config *config)
{
    struct journal_record *records;
    struct journal_query q = {.code = STR("HeldByUndo")};
    struct cycle cycle;
    struct plan_head head;
    struct err err = {0};
    struct str ada;
    int64_t n;

    start(config);
    ada = world_person(w, "ada");
    world_assign(w, ada, true);
    world_cycle(w);
    world_set(w, ada, "givenName", "\"Augusta\"");
    cycle = world_cycle(w);
    CHECK_STR(given("ada@example.com"), "Augusta", "changed");
    head = undone(cycle.id);
    CHECK(head.purpose == PLAN_OF_UNDO && head.counts.by_intent[INTENT_UPDATE] == 1, "one row");
    CHECK(applied().results[APPLY_DONE] == 1, "applied");
    CHECK_STR(given("ada@example.com"), "ada", "put back");
    CHECK(held() == 1, "held");

    world_set(w, ada, "surname", "\"King\"");
    memset(w->calls, 0, sizeof(w->calls));
    world_cycle(w);
    CHECK(writes() == 0, "the next cycle leaves it alone");
    CHECK(world_journal(w, &q, &records) == 1 && records[0].status == STATUS_SKIPPED,
          "and says so");

    told("undo applied", arena_z(w->arena, arena_printf(w->arena, "\"rows\":1,\"undoes\":\"%.*s\"",
                                                        STR_ARG(head.undone_cycle))));
    CHECK(!engine_release(&w->engine, w->job.no, STR("nobody"), &n, &err) &&
              strcmp(err.code, "notHeld") == 0,
          "%s", err.message);
    CHECK(engine_release(&w->engine, w->job.no, STR("ada@example.com"), &n, &err) && n == 1, "%s",
          err.message);
    CHECK(held() == 0, "released");
    told("release after undo", "{\"who\":\"ada@example.com\",\"released\":1}");
    world_cycle(w);
    CHECK_STR(given("ada@example.com"), "Augusta", "the configuration's value again");
    end();
}

static void a_configuration_releases(const struct db_config *config)
{
    static const struct engine_setting setting = {STR_INIT("deprovision.deleteAfterUnassign"),
                                                  STR_INIT("false")};
    struct cycle cycle;
    struct err err = {0};
    struct str ada;

    start(config);
    ada = world_person(w, "ada");
    world_assign(w, ada, true);
    world_cycle(w);
    world_set(w, ada, "givenName", "\"Augusta\"");
    cycle = world_cycle(w);
    undone(cycle.id);
    applied();
    CHECK(engine_set(&w->engine, w->job.no, &setting, 1, STR("me"), &err), "%s", err.message);
    CHECK(held() == 0, "no longer");
    world_cycle(w);
    CHECK_STR(given("ada@example.com"), "Augusta", "the initial cycle sends it again");
    end();
}

static void created_and_disabled(const struct db_config *config)
{
    struct plan_head head;
    struct cycle cycle;
    struct str ada, bob;

    start(config);
    ada = world_person(w, "ada");
    bob = world_person(w, "bob");
    world_assign(w, ada, true);
    world_cycle(w);
    world_assign(w, ada, false);
    world_assign(w, bob, true);
    cycle = world_cycle(w);
    CHECK_STR(world_value(world_account(w, "ada@example.com"), "active"), "false", "disabled");
    head = undone(cycle.id);
    CHECK(head.counts.by_intent[INTENT_DISABLE] == 1 && head.counts.by_intent[INTENT_UPDATE] == 1,
          "one each way");
    CHECK(applied().results[APPLY_DONE] == 2, "applied");
    CHECK_STR(world_value(world_account(w, "ada@example.com"), "active"), "true", "enabled again");
    CHECK_STR(world_value(world_account(w, "bob@example.com"), "active"), "false",
              "the created one is disabled");
    memset(w->calls, 0, sizeof(w->calls));
    world_set(w, ada, "surname", "\"x\"");
    world_set(w, bob, "surname", "\"x\"");
    world_cycle(w);
    CHECK(writes() == 0, "both are held");
    world_set(w, ada, "accountEnabled", "false");
    world_cycle(w);
    CHECK_STR(world_value(world_account(w, "ada@example.com"), "active"), "false",
              "but who leaves afterwards is disabled all the same");
    end();
}

static void what_cannot(const struct db_config *config)
{
    struct plan_head head;
    struct cycle cycle;
    struct str ada, bob, team;

    start(config);
    ada = world_person(w, "ada");
    bob = world_person(w, "bob");
    world_assign(w, ada, true);
    world_assign(w, bob, true);
    world_cycle(w);
    world_delete(w, ada, WORLD_HARD);
    cycle = world_cycle(w);
    head = undone(cycle.id);
    CHECK(head.rows == 1 && head.counts.by_intent[INTENT_NOTHING] == 1, "listed");
    CHECK_STR(reason(), "it was deleted, and a deleted account does not come back", "with why");

    world_set(w, bob, "givenName", "\"Robert\"");
    cycle = world_cycle(w);
    world_set(w, bob, "givenName", "\"Rob\"");
    world_cycle(w);
    undone(cycle.id);
    CHECK_STR(reason(), "it was changed again since", "with why");
    CHECK(applied().selected == 0 && writes() == 0, "nothing to do");

    team = world_group(w, "Team");
    world_assign(w, team, true);
    cycle = world_cycle(w);
    if (world_accounts(w, SOURCE_GROUP) == 1) {
        undone(cycle.id);
        CHECK_STR(reason(), "it was created, and a group cannot be disabled", "with why");
    }
    end();
}

static void unknown_cycles(const struct db_config *config)
{
    static const char *const ids[] = {"", "last", "no-such-cycle",
                                      "11111111-1111-4111-8111-111111111111"};
    struct engine_plan_options options = {0};
    struct plan_head head;
    struct err err;

    start(config);
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        err = (struct err){0};
        CHECK(!engine_undo(&w->engine, w->job.no, str_from_z(ids[i]), path, &options, w->arena,
                           &head, &err),
              "'%s'", ids[i]);
        CHECK(err.kind == ERR_NOT_FOUND && strcmp(err.code, "cycleNotFound") == 0, "'%s': %s",
              ids[i], err.message);
    }
    end();
}

/* An undo is a run like any other: it can be undone. */
static void there_and_back(const struct db_config *config)
{
    struct engine_applied r;
    struct cycle cycle;
    struct str ada;

    start(config);
    ada = world_person(w, "ada");
    world_assign(w, ada, true);
    world_cycle(w);
    world_set(w, ada, "givenName", "\"Augusta\"");
    cycle = world_cycle(w);
    undone(cycle.id);
    r = applied();
    CHECK_STR(given("ada@example.com"), "ada", "put back");
    undone(r.cycle.id);
    CHECK(applied().results[APPLY_DONE] == 1, "applied");
    CHECK_STR(given("ada@example.com"), "Augusta", "and forth");
    end();
}

#define BOTH(body)                    \
    static void body##_(void **state) \
    {                                 \
        (void)state;                  \
        test_databases(body);         \
    }
BOTH(values_come_back)
BOTH(a_configuration_releases)
BOTH(created_and_disabled)
BOTH(what_cannot)
BOTH(unknown_cycles)
BOTH(there_and_back)

TEST_GROUP(undo, cmocka_unit_test(values_come_back_), cmocka_unit_test(a_configuration_releases_),
           cmocka_unit_test(created_and_disabled_), cmocka_unit_test(what_cannot_),
           cmocka_unit_test(unknown_cycles_), cmocka_unit_test(there_and_back_))
