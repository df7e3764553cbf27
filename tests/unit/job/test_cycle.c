#include "fixture.h"
#include "job/cycle.h"
#include "job/job.h"

static struct str in_doubt(struct fixture *f, int64_t *out_us)
{
    struct lease_stretch doubt;
    struct err err = {0};

    CHECK(lease_doubt(f->db, f->a, 1, &doubt, &err), "%s", err.message);
    *out_us = doubt.began_us;
    return doubt.from;
}

/* What a run may have left unrecorded is kept from the first that did not give its lease back. */
static void lease_doubt_body(const struct db_config *config)
{
    const struct lease_stretch at_10 = {STR("10"), 1000}, at_20 = {STR("20"), 2000};
    struct job_lease lease;
    struct err err = {0};
    struct fixture f;
    int64_t us;

    fixture_init(&f, config);
    CHECK(lease_take_for(f.db, 1, STR("a"), 1, 5, &at_10, &lease, &err) &&
              lease_release(f.db, &lease, &err),
          "%s", err.message);
    CHECK(lease_take_for(f.db, 1, STR("b"), 1, 5, &at_10, &lease, &err), "%s", err.message);
    CHECK_STR(in_doubt(&f, &us), "", "given back, nothing is in doubt");
    CHECK(lease_take(f.db, 1, STR("c"), 6, 9, &lease, &err), "%s", err.message);
    CHECK_STR(in_doubt(&f, &us), "10", "expired");
    CHECK_INT(us, 1000, "since it began");
    CHECK(lease_take_for(f.db, 1, STR("d"), 10, 15, &at_20, &lease, &err), "%s", err.message);
    CHECK(lease_take(f.db, 1, STR("e"), 16, 19, &lease, &err), "%s", err.message);
    CHECK_STR(in_doubt(&f, &us), "10", "the earliest counts");
    CHECK(lease_doubt_settled(f.db, &lease, &err) && lease_release(f.db, &lease, &err), "%s",
          err.message);
    CHECK_STR(in_doubt(&f, &us), "", "settled");
    CHECK(lease_take_for(f.db, 1, STR("f"), 1, 5, &at_20, &lease, &err) &&
              lease_release_in_doubt(f.db, &lease, &err),
          "%s", err.message);
    CHECK_STR(in_doubt(&f, &us), "20", "given back with outcomes missing");
    CHECK_INT(us, 2000, "since it began, too");
    fixture_done(&f);
}

static void a_lease_in_doubt(void **state)
{
    (void)state;
    test_databases(lease_doubt_body);
}

static void lease_body(const struct db_config *config)
{
    struct fixture f;
    struct err err = {0};
    struct job_lease first;
    struct job_lease second;
    int64_t no;

    fixture_init(&f, config);
    CHECK(lease_take(f.db, 1, STR("host-a"), 100, 200, &first, &err), "%s", err.message);
    CHECK(first.epoch == 1 && first.until_us == 200, "epoch %lld", (long long)first.epoch);
    CHECK(!lease_take(f.db, 1, STR("host-b"), 199, 300, &second, &err), "held");
    CHECK(err.kind == ERR_CONFLICT, "kind");
    CHECK_STR(str_from_z(err.code), "leaseHeld", "code");
    CHECK_STR(str_from_z(err.message),
              "another run is under way: host-a has the job until 1970-01-01T00:00:00.000Z",
              "who and until when");
    CHECK(cycle_fence(f.db, &first, 250, 3, &no, &err) && no == 1, "%s", err.message);
    CHECK(cycle_fence(f.db, &first, 250, 0, &no, &err) && no == 4, "no records: %lld",
          (long long)no);
    CHECK(cycle_fence(f.db, &first, 250, 2, &no, &err) && no == 4, "consecutive");
    CHECK(!lease_take(f.db, 1, STR("host-b"), 200, 300, &second, &err), "prolonged");

    CHECK(lease_take(f.db, 1, STR("host-b"), 250, 400, &second, &err), "expired: %s", err.message);
    CHECK(second.epoch == 2, "the next epoch");
    CHECK(!cycle_fence(f.db, &first, 500, 1, &no, &err), "the first has lost it");
    CHECK_STR(str_from_z(err.code), "leaseLost", "code");
    CHECK(lease_release(f.db, &first, &err), "%s", err.message);
    CHECK(cycle_fence(f.db, &second, 400, 1, &no, &err) && no == 6,
          "a lost lease releases nothing, and no number was taken");
    CHECK(lease_release(f.db, &second, &err), "%s", err.message);
    CHECK(!cycle_fence(f.db, &second, 500, 1, &no, &err), "released is released");
    CHECK(lease_take(f.db, 1, STR("host-a"), 1, 2, &first, &err) && first.epoch == 3, "free");
    CHECK(!lease_take(f.db, 9, STR("x"), 1, 2, &first, &err) && err.kind == ERR_NOT_FOUND,
          "no such job");
    fixture_done(&f);
}

static void lease(void **state)
{
    (void)state;
    test_databases(lease_body);
}

static void fenced_body(const struct db_config *config)
{
    struct fixture f;
    struct err err = {0};
    struct db *other;
    struct job_lease mine;
    struct job_lease theirs;
    int64_t no;

    fixture_init(&f, config);
    CHECK(db_open(config, &other, &err), "%s", err.message);
    CHECK(lease_take(f.db, 1, STR("a"), 10, 20, &mine, &err), "%s", err.message);
    CHECK(db_begin(f.db, DB_WRITE, &err) && cycle_fence(f.db, &mine, 30, 5, &no, &err), "%s",
          err.message);
    db_rollback(f.db);
    CHECK(lease_take(other, 1, STR("b"), 25, 40, &theirs, &err),
          "a fence that was not committed did not prolong: %s", err.message);
    CHECK(db_begin(f.db, DB_WRITE, &err), "%s", err.message);
    CHECK(!cycle_fence(f.db, &mine, 50, 1, &no, &err), "taken over in between");
    db_rollback(f.db);
    CHECK(cycle_fence(other, &theirs, 50, 1, &no, &err) && no == 1, "numbers have no gap");
    db_close(other);
    fixture_done(&f);
}

static void fenced(void **state)
{
    (void)state;
    test_databases(fenced_body);
}

static void runs_body(const struct db_config *config)
{
    struct fixture f;
    struct err err = {0};
    struct cycle c = {.id = STR("cycle-1"),
                      .job_no = 1,
                      .kind = CYCLE_INITIAL,
                      .feed_start = STR("f1"),
                      .watermark = STR(""),
                      .schema_version = 1,
                      .total = 7,
                      .began_us = 10};
    struct cycle got;
    struct cycle *list;
    size_t count;
    bool found;

    fixture_init(&f, config);
    CHECK(cycle_open(f.db, f.a, 1, &got, &found, &err) && !found, "none yet");
    CHECK(cycle_last(f.db, f.a, 1, &got, &found, &err) && !found, "none yet");
    CHECK(cycle_insert(f.db, &c, &err), "%s", err.message);
    c.phase = PHASE_GROUPS;
    c.cursor = STR("k");
    c.feed_start = STR("f2");
    c.counters = (struct cycle_counters){.imported = 5, .created = 4, .requests = 9};
    CHECK(cycle_update(f.db, &c, &err), "%s", err.message);
    CHECK(cycle_open(f.db, f.a, 1, &got, &found, &err) && found, "left running");
    CHECK(got.phase == PHASE_GROUPS && got.total == 7 && got.counters.imported == 5 &&
              got.counters.created == 4 && got.counters.requests == 9 && got.counters.failed == 0,
          "progress");
    CHECK_STR(got.cursor, "k", "cursor");
    CHECK_STR(got.feed_start, "f2", "feed");
    c.state = CYCLE_ENTRY_ERRORS;
    c.ended_us = 20;
    c.error_code = STR("E");
    c.error_message = STR("M");
    CHECK(cycle_update(f.db, &c, &err), "%s", err.message);
    CHECK(cycle_open(f.db, f.a, 1, &got, &found, &err) && !found, "ended");
    c.id = STR("cycle-2");
    c.began_us = 30;
    c.state = CYCLE_RUNNING;
    CHECK(cycle_insert(f.db, &c, &err), "%s", err.message);
    CHECK(cycle_last(f.db, f.a, 1, &got, &found, &err) && found, "%s", err.message);
    CHECK_STR(got.id, "cycle-1", "the ended one");
    CHECK(got.state == CYCLE_ENTRY_ERRORS && got.ended_us == 20, "ended");
    CHECK_STR(got.error_message, "M", "error");
    CHECK(cycle_list(f.db, f.a, 1, 9, &list, &count, &err) && count == 2, "%s", err.message);
    CHECK_STR(list[0].id, "cycle-2", "newest first");
    CHECK(cycle_load(f.db, f.a, STR("cycle-1"), &got, &err), "%s", err.message);
    CHECK(!cycle_load(f.db, f.a, STR("cycle-3"), &got, &err) && err.kind == ERR_NOT_FOUND, "none");
    c.id = STR("cycle-3");
    CHECK(!cycle_insert(f.db, &c, &err) && err.kind == ERR_CONFLICT, "one runs at a time");
    fixture_done(&f);
}

static void runs(void **state)
{
    (void)state;
    test_databases(runs_body);
}

static void marks_body(const struct db_config *config)
{
    struct fixture f;
    struct err err = {0};
    struct str mark;
    int64_t before;
    int64_t after;

    fixture_init(&f, config);
    CHECK(watermark_load(f.db, f.a, 1, &mark, &err) && mark.len == 0, "%s", err.message);
    CHECK(watermark_save(f.db, 1, STR("42"), &err), "%s", err.message);
    CHECK(watermark_load(f.db, f.a, 1, &mark, &err), "%s", err.message);
    CHECK_STR(mark, "42", "watermark");
    CHECK(!watermark_save(f.db, 9, STR("42"), &err) && err.kind == ERR_NOT_FOUND, "no such job");
    CHECK(job_signal_read(f.db, 1, &before, &err) && job_signal_raise(f.db, 1, &err) &&
              job_signal_read(f.db, 1, &after, &err),
          "%s", err.message);
    CHECK(after != before, "the signal has changed");
    fixture_done(&f);
}

static void marks(void **state)
{
    (void)state;
    test_databases(marks_body);
}

/* A table sized by its last name has room for one that was forgotten. */
static void names(void **state)
{
    (void)state;
    for (int i = 0; i < CYCLE_KIND_COUNT; i++)
        CHECK(cycle_kind_name((enum cycle_kind)i), "kind %d has a name", i);
    for (int i = 0; i < CYCLE_STATE_COUNT; i++)
        CHECK(cycle_state_name((enum cycle_state)i), "state %d has a name", i);
    for (int i = 0; i < PHASE_COUNT; i++)
        CHECK(cycle_phase_name((enum cycle_phase)i), "phase %d has a name", i);
}

static void found_body(const struct db_config *config)
{
    static const char *const ids[] = {"aaaa1111-0000-4000-8000-000000000001",
                                      "aaaa2222-0000-4000-8000-000000000002",
                                      "bbbb1111-0000-4000-8000-000000000003"};
    static const struct {
        const char *text, *want; /* the id, or the code */
    } cases[] = {
        {"aaaa1", "aaaa1111-0000-4000-8000-000000000001"},
        {"AAAA2222", "aaaa2222-0000-4000-8000-000000000002"},
        {"bbbb1111-0000-4000-8000-000000000003", "bbbb1111-0000-4000-8000-000000000003"},
        {"last", "aaaa2222-0000-4000-8000-000000000002"},
        {"aaaa", "ambiguousCycle"},
        {"bbb", "cycleNotFound"},
        {"cccc", "cycleNotFound"},
        {"", "cycleNotFound"},
        {"bbbb1111-0000-4000-8000-0000000000030", "cycleNotFound"},
        {"%%%%", "cycleNotFound"},
    };
    struct job mine = {.no = 1, .name = STR("App")};
    struct job other = {.no = 2, .name = STR("Other")};
    struct cycle c = {.state = CYCLE_SUCCEEDED};
    struct fixture f;
    struct err err = {0};

    fixture_init(&f, config);
    CHECK(!cycle_find(f.db, f.a, &other, STR("last"), &c, &err) &&
              strcmp(err.code, "cycleNotFound") == 0,
          "none yet: %s", err.message);
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        c = (struct cycle){.id = str_from_z(ids[i]),
                           .job_no = 1,
                           .state = CYCLE_SUCCEEDED,
                           .began_us = i == 1 ? 30 : 10,
                           .ended_us = i == 1 ? 40 : 20};
        CHECK(cycle_insert(f.db, &c, &err), "%s", err.message);
    }
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        bool ok = cycle_find(f.db, f.a, &mine, str_from_z(cases[i].text), &c, &err);

        CHECK_STR(ok ? c.id : str_from_z(err.code), cases[i].want, "'%s'", cases[i].text);
    }
    CHECK(!cycle_find(f.db, f.a, &other, str_from_z(ids[0]), &c, &err), "of another job");
    fixture_done(&f);
}

static void found(void **state)
{
    (void)state;
    test_databases(found_body);
}

TEST_GROUP(cycle, cmocka_unit_test(found), cmocka_unit_test(lease),
           cmocka_unit_test(a_lease_in_doubt), cmocka_unit_test(fenced), cmocka_unit_test(runs),
           cmocka_unit_test(marks), cmocka_unit_test(names))
