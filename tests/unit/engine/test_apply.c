/* Saved plans applied: exactly what they say, and nothing where anything has changed since
 * (engine.md 23). */
#include "engine/guard/held.h"
#include "engine/plans/apply.h"
#include "world.h"

#include <unistd.h>

static struct world *w;
static char path[128];

static struct {
    int seen;
    enum apply_result last;
    char code[64], message[512];
} outcome;

static void start(const struct db_config *config)
{
    w = malloc(sizeof(*w));
    world_init(w, config, "joynfsm");
    snprintf(path, sizeof(path), "%s/p.plan", test_temp_dir());
}

static void end(void)
{
    world_done(w);
    free(w);
}

static struct plan_head saved(enum plan_of of, bool ask)
{
    struct engine_plan_options options = {.ask = ask};
    struct plan_head head = {0};
    struct err err = {0};

    CHECK(engine_plan_save(&w->engine, w->job.no, of, path, &options, w->arena, &head, &err), "%s",
          err.message);
    return head;
}

static void on_outcome(void *ctx, const struct apply_outcome *o)
{
    (void)ctx;
    outcome.seen++;
    outcome.last = o->result;
    snprintf(outcome.code, sizeof(outcome.code), "%.*s", STR_ARG(o->code));
    snprintf(outcome.message, sizeof(outcome.message), "%.*s", STR_ARG(o->message));
}

static bool try_apply(const char *only, struct engine_applied *out, struct err *err)
{
    struct str selection = str_from_z(only);
    struct engine_apply_options options = {
        .only = &selection, .only_count = only != NULL, .outcome = on_outcome};

    memset(&outcome, 0, sizeof(outcome));
    memset(w->calls, 0, sizeof(w->calls));
    return engine_apply(&w->engine, path, &options, w->arena, out, err);
}

static struct engine_applied applied(const char *only)
{
    struct engine_applied out = {0};
    struct err err = {0};

    CHECK(try_apply(only, &out, &err), "%s: %s", err.code, err.message);
    return out;
}

static int writes(void)
{
    return w->calls[CALL_CREATE] + w->calls[CALL_UPDATE] + w->calls[CALL_REMOVE] +
           w->calls[CALL_MEMBERS];
}

static void refused(const char *code, const char *label)
{
    struct engine_applied r = applied(NULL);

    CHECK(r.results[APPLY_REFUSED] == 1 && r.results[APPLY_DONE] == 0, "%s: refused", label);
    CHECK_STR(str_from_z(outcome.code), code, "%s: %s", label, outcome.message);
    CHECK(writes() == 0, "%s: nothing is sent", label);
}

/* --- what a plan does --- */

static void a_first_cycle(const struct db_config *config)
{
    struct journal_query q = {0};
    struct journal_record *records;
    struct engine_applied r;
    struct plan_head head;
    struct cycle cycle;

    start(config);
    world_assign(w, world_person(w, "ada"), true);
    world_assign(w, world_person(w, "bob"), true);
    head = saved(PLAN_NEXT_CYCLE, false);
    CHECK(head.rows == 2 && head.counts.by_intent[INTENT_MATCH_OR_CREATE] == 2, "two rows");
    CHECK(w->calls[CALL_FIND] == 0, "the target was not asked");
    r = applied(NULL);
    CHECK(r.results[APPLY_DONE] == 2 && world_accounts(w, SOURCE_USER) == 2, "both are there");
    CHECK(r.cycle.kind == CYCLE_APPLY && r.cycle.state == CYCLE_SUCCEEDED, "a run of its own");
    q.cycle_id = r.cycle.id;
    CHECK(world_journal(w, &q, &records) == 2, "told in the journal under its id");
    r = applied(NULL);
    CHECK(r.results[APPLY_ALREADY] == 2 && writes() == 0, "done already");
    memset(w->calls, 0, sizeof(w->calls));
    cycle = world_cycle(w);
    CHECK(cycle.kind == CYCLE_INITIAL && writes() == 0, "nothing is left for the next cycle");
    end();
}

static void only_some(const struct db_config *config)
{
    struct err err = {0};
    struct engine_applied r;
    struct str ada, bob;

    start(config);
    ada = world_person(w, "ada");
    bob = world_person(w, "bob");
    world_assign(w, ada, true);
    world_assign(w, bob, true);
    world_cycle(w);
    world_set(w, ada, "givenName", "\"Augusta\"");
    world_assign(w, bob, false);
    world_assign(w, world_person(w, "cleo"), true);
    CHECK(saved(PLAN_NEXT_CYCLE, false).rows == 3, "one of each");
    CHECK(!try_apply("nobody", &r, &err) && strcmp(err.code, "noSuchRow") == 0, "%s", err.message);
    CHECK(!try_apply("action=explode", &r, &err) && strcmp(err.code, "badSelection") == 0, "%s",
          err.message);
    CHECK(!try_apply("action=delete", &r, &err) && strcmp(err.code, "noSuchRow") == 0, "%s",
          err.message);
    r = applied("action=disable");
    CHECK(r.selected == 1 && r.results[APPLY_DONE] == 1 && writes() == 1, "bob alone");
    CHECK_STR(world_value(world_account(w, "bob@example.com"), "active"), "false", "disabled");
    r = applied("ada@example.com");
    CHECK(r.selected == 1 && writes() == 1, "ada alone, by her userPrincipalName");
    CHECK_STR(world_value(world_account(w, "ada@example.com"), "name.givenName"), "Augusta",
              "changed");
    r = applied("cleo");
    CHECK(r.selected == 1 && w->calls[CALL_CREATE] == 1, "cleo alone, by her name");
    memset(w->calls, 0, sizeof(w->calls));
    world_cycle(w);
    CHECK(writes() == 0, "then all is done");
    end();
}

static void a_deletion(const struct db_config *config)
{
    struct str ada;
    struct engine_applied r;

    start(config);
    ada = world_person(w, "ada");
    world_assign(w, ada, true);
    world_cycle(w);
    world_delete(w, ada, WORLD_HARD);
    CHECK(saved(PLAN_NEXT_CYCLE, false).counts.by_intent[INTENT_DELETE] == 1, "to be deleted");
    json_set(w->target_arena, world_account(w, "ada@example.com")->values, STR("name.givenName"),
             json_string(w->target_arena, STR("By Hand")));
    refused("PlanTargetChanged", "another account than the one reviewed");
    json_set(w->target_arena, world_account(w, "ada@example.com")->values, STR("name.givenName"),
             json_string(w->target_arena, STR("ada")));
    r = applied(NULL);
    CHECK(r.results[APPLY_DONE] == 1 && w->calls[CALL_REMOVE] == 1, "deleted");
    CHECK(world_accounts(w, SOURCE_USER) == 0, "gone");
    end();
}

/* --- what is refused --- */

static struct str changed_person(void)
{
    struct str ada = world_person(w, "ada");

    world_assign(w, ada, true);
    world_cycle(w);
    world_set(w, ada, "givenName", "\"Augusta\"");
    CHECK(saved(PLAN_NEXT_CYCLE, false).counts.by_intent[INTENT_UPDATE] == 1, "one update");
    return ada;
}

static void rows_refused(const struct db_config *config)
{
    struct account *account;
    struct str ada;

    start(config);
    ada = changed_person();
    account = world_account(w, "ada@example.com");
    json_set(w->target_arena, account->values, STR("name.givenName"),
             json_string(w->target_arena, STR("By Hand")));
    refused("PlanTargetChanged", "changed by hand");
    CHECK(str_find(str_from_z(outcome.message), STR("By Hand"), &(size_t){0}), "says what: %s",
          outcome.message);
    account->used = false;
    refused("PlanTargetChanged", "the account is gone");
    account->used = true;
    world_set(w, ada, "surname", "\"King\"");
    refused("PlanSourceChanged", "the person has changed");
    world_delete(w, ada, WORLD_HARD);
    refused("PlanSourceChanged", "the person is gone");
    end();
}

/* Somebody has done by hand what the plan says. */
static void there_already(const struct db_config *config)
{
    CLEANUP(plan_reader_close) struct plan_reader plan = {0};
    struct engine_applied r;
    struct plan_row row;
    struct err err = {0};
    bool more;

    start(config);
    changed_person();
    CHECK(plan_reader_open(&plan, path, &err) &&
              plan_reader_next(&plan, w->arena, &row, &more, &err) && row.change_count > 0,
          "%s", err.message);
    for (size_t i = 0; i < row.change_count; i++) {
        json_set(w->target_arena, world_account(w, "ada@example.com")->values,
                 arena_str(w->target_arena, row.changes[i].name),
                 json_clone(w->target_arena, row.changes[i].after));
    }
    r = applied(NULL);
    CHECK(r.results[APPLY_ALREADY] == 1 && writes() == 0, "nothing to send");
    end();
}

/* More removals than the guard lets through need somebody's word. */
static void over_the_guard(const struct db_config *config)
{
    static const struct engine_setting setting = {STR_INIT("guard.count"), STR_INIT("2")};
    struct engine_apply_options options = {.allow_removals = true};
    struct engine_applied r;
    struct err err = {0};
    struct str who[4];

    start(config);
    CHECK(engine_set(&w->engine, w->job.no, &setting, 1, STR("me"), &err), "%s", err.message);
    for (size_t i = 0; i < ARRAY_LEN(who); i++) {
        who[i] = world_person(w, arena_printf(w->arena, "p%zu", i).ptr);
        world_assign(w, who[i], true);
    }
    world_cycle(w);
    for (size_t i = 0; i < ARRAY_LEN(who); i++)
        world_assign(w, who[i], false);
    saved(PLAN_NEXT_CYCLE, false);
    CHECK(!try_apply(NULL, &r, &err) && strcmp(err.code, "guardHolds") == 0, "%s", err.message);
    CHECK(writes() == 0, "nothing was sent");
    r = applied("p0");
    CHECK(r.results[APPLY_DONE] == 1, "fewer are fine");
    saved(PLAN_NEXT_CYCLE, false);
    CHECK(engine_apply(&w->engine, path, &options, w->arena, &r, &err), "%s", err.message);
    CHECK(r.results[APPLY_DONE] == 3, "approved: %lld", (long long)r.results[APPLY_DONE]);
    end();
}

/* An administrator has decided about the removal since, or is asked to. */
static void held_meanwhile(const struct db_config *config)
{
    static const struct engine_setting setting = {STR_INIT("guard.count"), STR_INIT("2")};
    struct engine_apply_options options = {.allow_removals = true, .outcome = on_outcome};
    struct engine_applied r;
    struct err err = {0};
    char set[HELD_DIGEST_MAX];
    struct str who[4];
    int64_t n;

    start(config);
    CHECK(engine_set(&w->engine, w->job.no, &setting, 1, STR("me"), &err), "%s", err.message);
    for (size_t i = 0; i < ARRAY_LEN(who); i++) {
        who[i] = world_person(w, arena_printf(w->arena, "p%zu", i).ptr);
        world_assign(w, who[i], true);
    }
    world_cycle(w);
    for (size_t i = 0; i < ARRAY_LEN(who); i++)
        world_assign(w, who[i], false);
    saved(PLAN_NEXT_CYCLE, false);
    world_cycle(w);
    r = applied("p0");
    CHECK(r.results[APPLY_REFUSED] == 1 && strcmp(outcome.code, "Staged") == 0,
          "held ones do not go one by one: %s", outcome.code);
    CHECK(held_digest(w->db, w->job.no, set, &n, &err) && n == 4, "four are held");
    CHECK(engine_held_decide(&w->engine, w->job.no, ENGINE_HELD_REJECT, str_from_z(set), &who[1], 1,
                             &n, &err),
          "%s", err.message);
    memset(w->calls, 0, sizeof(w->calls));
    CHECK(engine_apply(&w->engine, path, &options, w->arena, &r, &err), "%s", err.message);
    CHECK(r.results[APPLY_DONE] == 3 && r.results[APPLY_REFUSED] == 1,
          "approved but for the rejected one: %lld done", (long long)r.results[APPLY_DONE]);
    r = applied("p1");
    CHECK(r.results[APPLY_REFUSED] == 1 && strcmp(outcome.code, "Rejected") == 0, "%s",
          outcome.code);
    CHECK(writes() == 0, "its account stays as it is");
    end();
}

/* A page whose object is still under way is thrown away and read again: no row is lost. */
static void one_object_twice(const struct db_config *config)
{
    enum { PEOPLE = 260, AGAIN = 249 };
    struct plan_row *rows;
    struct plan_reader reader;
    struct plan_writer writer;
    struct engine_applied r;
    struct err err = {0};
    bool more;

    start(config);
    for (int i = 0; i < PEOPLE; i++)
        world_assign(w, world_person(w, arena_printf(w->arena, "p%03d", i).ptr), true);
    saved(PLAN_NEXT_CYCLE, false);
    rows = ARENA_ARRAY(w->arena, struct plan_row, PEOPLE);
    CHECK(plan_reader_open(&reader, path, &err), "%s", err.message);
    for (int i = 0; i < PEOPLE; i++)
        CHECK(plan_reader_next(&reader, w->arena, &rows[i], &more, &err) && more, "%s",
              err.message);
    CHECK(plan_writer_open(&writer, path, &err), "%s", err.message);
    for (int i = 0; i < PEOPLE; i++) {
        CHECK(plan_writer_add(&writer, &rows[i], &err), "%s", err.message);
        if (i == AGAIN)
            CHECK(plan_writer_add(&writer, &rows[i], &err), "%s", err.message);
    }
    CHECK(plan_writer_finish(&writer, &reader.head, &err), "%s", err.message);
    plan_writer_drop(&writer);
    plan_reader_close(&reader);
    r = applied(NULL);
    CHECK(r.results[APPLY_DONE] == PEOPLE, "%lld done", (long long)r.results[APPLY_DONE]);
    CHECK(outcome.seen == PEOPLE + 1, "%d rows", outcome.seen);
    CHECK(world_accounts(w, SOURCE_USER) == PEOPLE, "everybody once");
    end();
}

static void refused_whole(const struct db_config *config)
{
    static const struct engine_setting setting = {STR_INIT("deprovision.deleteAfterUnassign"),
                                                  STR_INIT("false")};
    struct engine_applied r;
    struct err err = {0};
    struct str text;
    int64_t rows = 0;

    start(config);
    changed_person();
    CHECK(file_read(w->arena, path, 1 << 20, &text, &err), "%s", err.message);
    *(char *)(uintptr_t)(text.ptr + text.len - 5) ^= 1;
    CHECK(file_write(path, text, 0600, &err), "%s", err.message);
    CHECK(!try_apply(NULL, &r, &err) && strcmp(err.code, "planEdited") == 0, "%s", err.message);
    saved(PLAN_NEXT_CYCLE, false);
    {
        static const struct db_query forget = {"forget", "DELETE FROM database_identity"};

        CHECK(db_exec(w->db, &forget, DB_NO_ARGS, &rows, &err) && rows == 1, "%s", err.message);
    }
    CHECK(!try_apply(NULL, &r, &err) && strcmp(err.code, "planOfAnotherDatabase") == 0, "%s",
          err.message);
    saved(PLAN_NEXT_CYCLE, false);
    CHECK(engine_set(&w->engine, w->job.no, &setting, 1, STR("me"), &err), "%s", err.message);
    CHECK(!try_apply(NULL, &r, &err) && strcmp(err.code, "configurationChanged") == 0, "%s",
          err.message);
    static const struct engine_setting more[] = {
        {STR_INIT("guard.count"), STR_INIT("7")},
        {STR_INIT("deprovision.skipOutOfScope"), STR_INIT("true")},
        {STR_INIT("references.clear"), STR_INIT("false")},
        {STR_INIT("deprovision.unassigned"), STR_INIT("keep")},
        {STR_INIT("guard.count"), STR_INIT("")},
    };
    for (size_t i = 0; i < ARRAY_LEN(more); i++) {
        saved(PLAN_NEXT_CYCLE, false);
        CHECK(engine_set(&w->engine, w->job.no, &more[i], 1, STR("me"), &err), "%s", err.message);
        CHECK(!try_apply(NULL, &r, &err) && strcmp(err.code, "configurationChanged") == 0 &&
                  strstr(err.message, more[i].name.ptr),
              "%s: %s", more[i].name.ptr, err.message);
    }
    saved(PLAN_NEXT_CYCLE, false);
    static const struct engine_setting harmless = {STR_INIT("notify.escrows"), STR_INIT("5")};
    CHECK(engine_set(&w->engine, w->job.no, &harmless, 1, STR("me"), &err), "%s", err.message);
    CHECK(try_apply(NULL, &r, &err), "what alters no row is no reason: %s", err.message);
    saved(PLAN_NEXT_CYCLE, false);
    CHECK(job_remove(w->db, w->job.no, &err), "%s", err.message);
    CHECK(!try_apply(NULL, &r, &err) && strcmp(err.code, "planOfAnotherJob") == 0, "%s",
          err.message);
    CHECK(writes() == 0, "nothing was sent");
    end();
}

/* --- accounts that match --- */

static struct account *existing(const char *name, const char *given)
{
    struct account *a = &w->accounts[w->account_count++];

    a->used = true;
    a->kind = SOURCE_USER;
    a->values = json_new(w->target_arena, JSON_OBJECT);
    json_add_z(w->target_arena, a->values, "userName", name);
    json_add_z(w->target_arena, a->values, "name.givenName", given);
    snprintf(a->id, sizeof(a->id), "old%d", ++w->next_account);
    return a;
}

static void matched_unasked(const struct db_config *config)
{
    start(config);
    world_assign(w, world_person(w, "ada"), true);
    saved(PLAN_NEXT_CYCLE, false);
    existing("ada@example.com", "Somebody");
    refused("PlanTargetChanged", "the plan does not know of that account");
    end();
}

static void matched_asked(const struct db_config *config)
{
    struct engine_applied r;
    struct plan_head head;
    struct account *a;

    start(config);
    world_assign(w, world_person(w, "ada"), true);
    world_assign(w, world_person(w, "bob"), true);
    a = existing("ada@example.com", "Somebody");
    head = saved(PLAN_NEXT_CYCLE, true);
    CHECK(head.asked && head.rows == 2 && writes() == 0, "asked, and nothing written");
    r = applied(NULL);
    CHECK(r.results[APPLY_DONE] == 2 && w->calls[CALL_CREATE] == 1 && w->calls[CALL_UPDATE] == 1,
          "one taken over, one created: %s", outcome.message);
    CHECK_STR(world_value(a, "name.givenName"), "ada", "taken over");
    end();
}

static void asked_and_changed(const struct db_config *config)
{
    struct account *a;

    start(config);
    world_assign(w, world_person(w, "ada"), true);
    a = existing("ada@example.com", "Somebody");
    saved(PLAN_NEXT_CYCLE, true);
    json_set(w->target_arena, a->values, STR("name.givenName"),
             json_string(w->target_arena, STR("By Hand")));
    refused("PlanTargetChanged", "changed since it was asked");
    a->used = false;
    refused("PlanTargetChanged", "gone since: it is not created instead");
    end();
}

/* --- interruptions --- */

static void beside_an_open_cycle(const struct db_config *config)
{
    struct engine_applied r;
    struct cycle cycle;
    struct err err = {0};

    start(config);
    for (int i = 0; i < 40; i++)
        world_assign(w, world_person(w, arena_printf(w->arena, "p%d", i).ptr), true);
    w->engine.window = 1;
    w->stop_after = 3;
    CHECK(world_try_cycle(w, &cycle, &err) && cycle.state == CYCLE_RUNNING, "stopped: %s",
          err.message);
    atomic_store(&w->stop, false);
    saved(PLAN_ALL, false);
    r = applied(NULL);
    CHECK(r.cycle.state == CYCLE_SUCCEEDED && r.results[APPLY_REFUSED] == 0, "applied: %s",
          outcome.message);
    CHECK(world_accounts(w, SOURCE_USER) == 40, "all are there");
    memset(w->calls, 0, sizeof(w->calls));
    cycle = world_cycle(w);
    CHECK(cycle.state == CYCLE_SUCCEEDED && writes() == 0, "the open cycle goes on to its end");
    end();
}

static struct {
    bool running;
    enum cycle_kind kind;
} seen;

/* Halfway: how the job looks to everybody else. */
static void look(void *ctx, const struct apply_outcome *o)
{
    struct engine_status s;
    struct err err = {0};

    (void)ctx;
    (void)o;
    CHECK(engine_status_load(&w->engine, w->job.no, w->arena, &s, &err), "%s", err.message);
    seen.running = s.running;
    seen.kind = s.cycle.kind;
}

static void stopped_and_again(const struct db_config *config)
{
    struct engine_apply_options options = {.stop = &w->stop, .outcome = look};
    struct engine_applied r;
    struct err err = {0};

    start(config);
    options.stop = &w->stop;
    for (int i = 0; i < 30; i++)
        world_assign(w, world_person(w, arena_printf(w->arena, "p%d", i).ptr), true);
    saved(PLAN_NEXT_CYCLE, false);
    w->engine.window = 1;
    w->stop_after = 4;
    CHECK(engine_apply(&w->engine, path, &options, w->arena, &r, &err), "%s", err.message);
    CHECK(r.cycle.state == CYCLE_FAILED, "not to its end");
    CHECK_STR(r.cycle.error_code, "ApplyInterrupted", "and says so");
    CHECK(seen.running && seen.kind == CYCLE_APPLY, "while it ran it was shown as running");
    CHECK(world_accounts(w, SOURCE_USER) < 30, "some are left");
    atomic_store(&w->stop, false);
    r = applied(NULL);
    CHECK(r.results[APPLY_ALREADY] > 0 && r.results[APPLY_REFUSED] == 0 &&
              r.results[APPLY_ALREADY] + r.results[APPLY_DONE] == 30,
          "again: %lld already, %lld done", (long long)r.results[APPLY_ALREADY],
          (long long)r.results[APPLY_DONE]);
    CHECK(world_accounts(w, SOURCE_USER) == 30, "all, and none doubled");
    end();
}

static void a_lost_answer(const struct db_config *config)
{
    struct engine_applied r;

    start(config);
    world_assign(w, world_person(w, "ada"), true);
    saved(PLAN_NEXT_CYCLE, false);
    w->fault = (struct fault){.call = CALL_CREATE,
                              .status = TARGET_FAILED,
                              .class_ = TARGET_PERMANENT,
                              .code = "UnprocessableEntity",
                              .retry_after_ms = -1,
                              .after = true,
                              .times = 1};
    r = applied(NULL);
    CHECK(r.results[APPLY_FAILED] == 1 && r.cycle.state == CYCLE_ENTRY_ERRORS, "failed");
    r = applied(NULL);
    CHECK(r.results[APPLY_DONE] == 1 && w->calls[CALL_CREATE] == 0, "found and connected: %s",
          outcome.message);
    CHECK(world_accounts(w, SOURCE_USER) == 1, "not doubled");
    end();
}

#define BOTH(body)                    \
    static void body##_(void **state) \
    {                                 \
        (void)state;                  \
        test_databases(body);         \
    }
BOTH(a_first_cycle)
BOTH(only_some)
BOTH(a_deletion)
BOTH(rows_refused)
BOTH(there_already)
BOTH(over_the_guard)
BOTH(held_meanwhile)
BOTH(one_object_twice)
BOTH(refused_whole)
BOTH(matched_unasked)
BOTH(matched_asked)
BOTH(asked_and_changed)
BOTH(beside_an_open_cycle)
BOTH(stopped_and_again)
BOTH(a_lost_answer)

TEST_GROUP(apply, cmocka_unit_test(a_first_cycle_), cmocka_unit_test(only_some_),
           cmocka_unit_test(a_deletion_), cmocka_unit_test(rows_refused_),
           cmocka_unit_test(there_already_), cmocka_unit_test(over_the_guard_),
           cmocka_unit_test(held_meanwhile_), cmocka_unit_test(one_object_twice_),
           cmocka_unit_test(refused_whole_), cmocka_unit_test(matched_unasked_),
           cmocka_unit_test(matched_asked_), cmocka_unit_test(asked_and_changed_),
           cmocka_unit_test(beside_an_open_cycle_), cmocka_unit_test(stopped_and_again_),
           cmocka_unit_test(a_lost_answer_))
