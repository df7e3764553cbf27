#include "base/rng.h"
#include "frame/frame.h"
#include "frame/postgres.h"
#include "journal/journal.h"
#include "journal/pack.h"
#include "journal/queries.h"
#include "journal/subject.h"

struct fixture {
    struct db *db;
    struct arena *a;
    struct packer *packer;
};

static void fixture_init(struct fixture *f, const struct db_config *config)
{
    struct err err = {0};

    f->a = arena_new();
    CHECK(db_open(config, &f->db, &err), "%s", err.message);
    CHECK(db_migrate(f->db, &err), "%s", err.message);
    f->packer = journal_packer_new();
}

static void fixture_done(struct fixture *f)
{
    journal_packer_free(f->packer);
    db_close(f->db);
    arena_free(f->a);
}

static void insert(struct fixture *f, const struct journal_record *r)
{
    struct err err = {0};

    CHECK(journal_begin(f->db, r->job_no, r->no, r->cycle_id, &err), "%s", err.message);
    CHECK(journal_insert(f->db, f->packer, r, &err) && journal_flush(f->db, f->packer, &err),
          "record %lld: %s", (long long)r->no, err.message);
}

static struct journal_record sample(int64_t no)
{
    return (struct journal_record){
        .job_no = 1,
        .no = no,
        .cycle_id = STR("cycle-1"),
        .at_us = no * 1000,
        .duration_us = 2500,
        .source_id = STR("0b7d0000-0000-4000-8000-00000000000a"),
        .source_name = STR("Ada Lovelace"),
        .target_id = STR("Target-7"),
        .target_name = STR("ada@example.com"),
        .initiated_by = STR("system"),
    };
}

static void round_trip_body(const struct db_config *config)
{
    struct fixture f;
    struct err err = {0};
    struct journal_record r = sample(1);
    struct journal_record *list;
    size_t count;

    fixture_init(&f, config);
    CHECK(db_check(f.db, journal_queries, journal_query_count, &err) &&
              db_check(f.db, search_queries, search_query_count, &err) &&
              db_check(f.db, block_queries, block_query_count, &err) &&
              db_check(f.db, retention_queries, retention_query_count, &err) &&
              db_check(f.db, subject_queries, subject_query_count, &err),
          "%s", err.message);
    struct json *details = json_new(f.a, JSON_OBJECT);
    json_add_z(f.a, details, "code", "x\"y");
    struct journal_step steps[] = {
        {STEP_IMPORT, "EntryImportAdd", STATUS_SUCCESS, STR("read"), NULL},
        {STEP_EXPORT, "EntryExportAdd", STATUS_FAILURE, STR("said \"no\"\n"), details},
    };
    struct journal_property properties[] = {
        {STR("userName"), NULL, json_string(f.a, STR("ada"))},
        {STR("active"), json_bool(f.a, true), json_bool(f.a, false)},
    };
    r.steps = steps;
    r.step_count = ARRAY_LEN(steps);
    r.properties = properties;
    r.property_count = ARRAY_LEN(properties);
    r.action = ACTION_DISABLE;
    r.status = STATUS_FAILURE;
    r.code = STR("SystemForCrossDomainIdentityManagementServiceIncompatible");
    r.message = STR("HTTP 409 from target");
    insert(&f, &r);
    CHECK(journal_list(f.db, f.a, 1, &(struct journal_query){0}, &list, &count, &err) && count == 1,
          "%s", err.message);
    CHECK_STR(
        json_text(f.a, journal_to_json(f.a, &list[0])),
        "{\"id\":\"00000001-0000-4000-8000-000000000001\","
        "\"activityDateTime\":\"1970-01-01T00:00:00.001Z\",\"cycleId\":\"cycle-1\","
        "\"changeId\":\"00000001-0000-4000-8000-000000000001\","
        "\"provisioningAction\":\"disable\",\"durationInMilliseconds\":2,"
        "\"provisioningStatusInfo\":{\"status\":\"failure\",\"errorInformation\":{\"errorCode\":"
        "\"SystemForCrossDomainIdentityManagementServiceIncompatible\",\"reason\":\"HTTP 409 from "
        "target\",\"additionalDetails\":null,\"errorCategory\":\"nonServiceFailure\","
        "\"recommendedAction\":\"Correct the application's endpoint: its answer is not SCIM\"}},"
        "\"initiatedBy\":{\"id\":\"\",\"displayName\":\"Azure AD Provisioning Service\","
        "\"initiatorType\":\"system\"},"
        "\"sourceIdentity\":{\"id\":\"0b7d0000-0000-4000-8000-00000000000a\","
        "\"displayName\":\"Ada Lovelace\",\"identityType\":\"User\",\"details\":{}},"
        "\"targetIdentity\":{\"id\":\"Target-7\",\"displayName\":\"ada@example.com\","
        "\"identityType\":\"User\",\"details\":{}},"
        "\"provisioningSteps\":[{\"name\":\"EntryImportAdd\",\"provisioningStepType\":\"import\","
        "\"status\":\"success\",\"description\":\"read\",\"details\":{}},"
        "{\"name\":\"EntryExportAdd\",\"provisioningStepType\":\"export\",\"status\":\"failure\","
        "\"description\":\"said \\\"no\\\"\\n\",\"details\":{\"code\":\"x\\\"y\"}}],"
        "\"modifiedProperties\":[{\"displayName\":\"userName\",\"oldValue\":null,"
        "\"newValue\":\"ada\"},{\"displayName\":\"active\",\"oldValue\":\"True\","
        "\"newValue\":\"False\"}]}",
        "the record as JSON");
    fixture_done(&f);
}

static void round_trip(void **state)
{
    (void)state;
    test_databases(round_trip_body);
}

/* Records 1 to 6, as (number, action, status, code, cycle, who). */
static void insert_six(struct fixture *f)
{
    static const struct {
        enum journal_action action;
        enum journal_status status;
        const char *code;
        const char *cycle;
        const char *who;
    } rows[] = {
        {ACTION_CREATE, STATUS_SUCCESS, "", "c1", "Ada"},
        {ACTION_CREATE, STATUS_FAILURE, "EntryConflict", "c1", "Bob 100%"},
        {ACTION_UPDATE, STATUS_SUCCESS, "", "c2", "Ada"},
        {ACTION_DELETE, STATUS_SUCCESS, "", "c2", "Ærø_x"},
        {ACTION_OTHER, STATUS_SKIPPED, "RedundantExport", "", "Ada"},
        {ACTION_DISABLE, STATUS_WARNING, "InvalidAnchor", "c3", "Bob 100%"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct journal_record r = sample((int64_t)i + 1);

        r.action = rows[i].action;
        r.status = rows[i].status;
        r.code = str_from_z(rows[i].code);
        r.cycle_id = str_from_z(rows[i].cycle);
        r.source_name = str_from_z(rows[i].who);
        r.source_id = arena_printf(f->a, "id-%.*s", 3, rows[i].who);
        r.target_id = arena_printf(f->a, "T-%.*s", 3, rows[i].who);
        r.target_name = STR("");
        insert(f, &r);
    }
}

static void queries_body(const struct db_config *config)
{
    static const struct {
        const char *label;
        struct journal_query q;
        const char *want;
    } cases[] = {
        {"all", {.limit = 0}, "6 5 4 3 2 1"},
        {"limit", {.limit = 2}, "6 5"},
        {"next page", {.before_no = 5, .limit = 2}, "4 3"},
        {"status", {.by_status = true, .status = STATUS_FAILURE}, "2"},
        {"success", {.by_status = true, .status = STATUS_SUCCESS}, "4 3 1"},
        {"action", {.by_action = true, .action = ACTION_CREATE}, "2 1"},
        {"rare action", {.by_action = true, .action = ACTION_DELETE}, "4"},
        {"code", {.code = STR_INIT("RedundantExport")}, "5"},
        {"cycle", {.cycle_id = STR_INIT("c2")}, "4 3"},
        {"two conditions", {.cycle_id = STR_INIT("c1"), .by_status = true}, "1"},
        {"name in any case", {.who = STR_INIT("aDA")}, "5 3 1"},
        {"part of a name", {.who = STR_INIT("ob")}, "6 2"},
        {"percent is no wildcard", {.who = STR_INIT("b%1")}, ""},
        {"percent itself", {.who = STR_INIT("100%")}, "6 2"},
        {"underscore", {.who = STR_INIT("_x")}, "4"},
        {"folded beyond ASCII", {.who = STR_INIT("æRØ")}, "4"},
        {"source id", {.who = STR_INIT("id-bob")}, "6 2"},
        {"target id", {.who = STR_INIT("t-ada")}, "5 3 1"},
        {"one object", {.source_id = STR_INIT("ID-Ada")}, "5 3 1"},
        {"a part of an id is nobody's", {.source_id = STR_INIT("id-A")}, ""},
        {"who and status",
         {.who = STR_INIT("bob"), .by_status = true, .status = STATUS_WARNING},
         "6"},
        {"from", {.from_us = 4000}, "6 5 4"},
        {"to", {.to_us = 2000}, "2 1"},
        {"between", {.from_us = 2000, .to_us = 3999}, "3 2"},
        {"later than all", {.from_us = 9000000}, ""},
        {"nobody", {.who = STR_INIT("zoe")}, ""},
    };
    struct fixture f;
    struct err err = {0};

    fixture_init(&f, config);
    insert_six(&f);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct journal_record *list;
        size_t count;
        CLEANUP(buf_done) struct buf got;

        CHECK(journal_list(f.db, f.a, 1, &cases[i].q, &list, &count, &err), "%s: %s",
              cases[i].label, err.message);
        buf_init(&got, 1000);
        for (size_t n = 0; n < count; n++)
            buf_addf(&got, "%s%d", n ? " " : "", (int)list[n].no);
        CHECK_STR(buf_str(&got), cases[i].want, "%s", cases[i].label);
    }
    fixture_done(&f);
}

static void queries(void **state)
{
    (void)state;
    test_databases(queries_body);
}

static void renamed_body(const struct db_config *config)
{
    struct fixture f;
    struct err err = {0};
    struct journal_record *list;
    struct journal_record r = sample(1);
    size_t count;

    fixture_init(&f, config);
    insert(&f, &r);
    for (int64_t no = 2; no < 5; no++) {
        r = sample(no);
        r.source_name = STR("Ada King");
        insert(&f, &r);
    }
    CHECK(journal_list(f.db, f.a, 1, &(struct journal_query){.who = STR("lovelace")}, &list, &count,
                       &err) &&
              count == 4,
          "found by the name of before: %zu", count);
    CHECK(journal_list(f.db, f.a, 1, &(struct journal_query){.who = STR("ada king")}, &list, &count,
                       &err) &&
              count == 4,
          "and by the name of now");
    CHECK(!journal_insert(f.db, f.packer, &r, &err) && err.kind == ERR_CONFLICT,
          "a number is given once");
    fixture_done(&f);
}

static void renamed(void **state)
{
    (void)state;
    test_databases(renamed_body);
}

/* A record about nobody in particular is not what a search for an unknown name finds. */
static void nobody_body(const struct db_config *config)
{
    struct fixture f;
    struct err err = {0};
    struct journal_record *list;
    struct journal_record r = sample(1);
    size_t count;

    fixture_init(&f, config);
    r.source_id = STR("");
    insert(&f, &r);
    CHECK(
        journal_list(f.db, f.a, 1, &(struct journal_query){.who = STR("zoe")}, &list, &count, &err),
        "%s", err.message);
    CHECK(count == 0, "%zu", count);
    CHECK(journal_list(f.db, f.a, 1, &(struct journal_query){0}, &list, &count, &err), "%s",
          err.message);
    CHECK(count == 1, "%zu: in the whole list", count);
    fixture_done(&f);
}

static void nobody(void **state)
{
    (void)state;
    test_databases(nobody_body);
}

/* People enough for whole blocks of names, and for those that are not looked through one by one. */
enum { PEOPLE = 3000 };

static struct journal_record about(struct fixture *f, int64_t no, int64_t who)
{
    struct journal_record r = sample(no);

    r.source_id = arena_printf(f->a, "source-%06lld", (long long)who);
    r.target_id = arena_printf(f->a, "TARGET-%06lld", (long long)who);
    r.source_name = arena_printf(f->a, "Person %lld of many", (long long)who);
    r.source_login = arena_printf(f->a, "p%lld@Example.com", (long long)who);
    r.target_name = STR("");
    r.action = ACTION_UPDATE;
    return r;
}

static size_t found(struct fixture *f, const struct journal_query *q, int64_t *out_first)
{
    struct journal_record *list;
    struct err err = {0};
    size_t count = 0;

    CHECK(journal_list(f->db, f->a, 1, q, &list, &count, &err), "%s", err.message);
    if (out_first)
        *out_first = count ? list[0].no : 0;
    for (size_t i = 1; i < count; i++)
        CHECK(list[i].no < list[i - 1].no, "newest first");
    return count;
}

#define FIND(...) found(&f, &(struct journal_query){__VA_ARGS__}, &first)

static void many_body(const struct db_config *config)
{
    struct fixture f;
    struct err err = {0};
    struct journal_record r;
    int64_t first;
    bool done = false;

    fixture_init(&f, config);
    CHECK(db_begin(f.db, DB_WRITE, &err), "%s", err.message);
    for (int64_t no = 1; no <= PEOPLE; no++) {
        r = about(&f, no, no);
        if (no == 5) {
            r.status = STATUS_FAILURE;
            r.code = STR("SystemForCrossDomainIdentityManagementConflict");
        }
        insert(&f, &r);
    }
    CHECK(db_commit(f.db, &err), "%s", err.message);
    CHECK(FIND(.who = STR("person 1023 of")) == 1 && first == 1023, "last of a block");
    CHECK(FIND(.who = STR("person 1024 of")) == 1 && first == 1024, "first of the next");
    CHECK(FIND(.who = STR("person 2999 of")) == 1 && first == 2999, "in no block yet");
    CHECK(FIND(.who = STR("P77@example.COM")) == 1 && first == 77, "by login");
    CHECK(FIND(.who = STR("SOURCE-0007")) == 99 + 1, "by the beginning of an id");
    CHECK(FIND(.who = STR("source-")) == 0, "not by a short one");
    CHECK(FIND(.who = STR("of many"), .limit = 7) == 7 && first == PEOPLE, "everybody's newest");
    CHECK(FIND(.who = STR("of many"), .by_status = true, .status = STATUS_FAILURE) == 1 &&
              first == 5,
          "one of everybody's");
    CHECK(FIND(.who = STR("of many"), .code = STR("conflict"), .before_no = 5) == 0,
          "none before it");
    CHECK(FIND(.code = STR("CONFLICT")) == 1 && FIND(.code = STR("onflict")) == 0,
          "a code with or without its prefix, whole");
    CHECK(FIND(.by_kind = true, .kind = SOURCE_GROUP) == 0, "no groups");

    r = about(&f, PEOPLE + 1, 10);
    r.source_name = STR("Marie\n\x1e Curie");
    r.target_id = STR("another");
    insert(&f, &r);
    CHECK(FIND(.who = STR("marie")) == 2 && first == PEOPLE + 1, "by the new name");
    CHECK(FIND(.who = STR("person 10 of")) == 2, "by the old one");
    CHECK(FIND(.who = STR("target-000010")) == 2, "by the old id");
    CHECK(FIND(.who = STR("another")) == 2, "by the new id");
    CHECK(FIND(.who = STR("person 11 of")) == 1 && first == 11, "the others of its block");
    CHECK(db_begin(f.db, DB_WRITE, &err) && subject_blocks_make(f.db, 1, 10, &done, &err) && done &&
              db_commit(f.db, &err),
          "%s", err.message);
    CHECK(FIND(.who = STR("marie")) == 2 && FIND(.who = STR("person 11 of")) == 1,
          "in the block that was made again");
    fixture_done(&f);
}

static void many(void **state)
{
    (void)state;
    test_databases(many_body);
}

/* A cycle that was interrupted by others. */
static void segments_body(const struct db_config *config)
{
    static const char *const cycles[] = {"a", "a", "", "b", "a", "a", "c"};
    struct journal_record one;
    struct fixture f;
    struct err err = {0};
    int64_t first;
    bool there;

    fixture_init(&f, config);
    for (size_t i = 0; i < ARRAY_LEN(cycles); i++) {
        struct journal_record r = sample((int64_t)i + 1);

        r.cycle_id = str_from_z(cycles[i]);
        insert(&f, &r);
    }
    CHECK(FIND(.cycle_id = STR("A")) == 4 && first == 6, "both stretches");
    CHECK(FIND(.cycle_id = STR("a"), .limit = 3, .before_no = 6) == 3 && first == 5, "a page");
    CHECK(FIND(.cycle_id = STR("b")) == 1 && FIND(.cycle_id = STR("x")) == 0, "others");
    for (size_t i = 0; i < ARRAY_LEN(cycles); i++) {
        CHECK(journal_load(f.db, f.a, 1, (int64_t)i + 1, &one, &there, &err) && there, "%s",
              err.message);
        CHECK_STR(one.cycle_id, cycles[i], "cycle of %zu", i + 1);
    }
    CHECK(journal_load(f.db, f.a, 1, 99, &one, &there, &err) && !there, "no such record");
    fixture_done(&f);
}

static void segments(void **state)
{
    (void)state;
    test_databases(segments_body);
}

static void packed(void **state)
{
    struct rng_seeded rng;
    struct packer *packer = packer_new();
    struct err err;

    (void)state;
    rng_seeded_init(&rng, 5);
    for (size_t len = 0; len < 70000; len = len * 3 + 1) {
        for (int kind = 0; kind < 3; kind++) { /* random, alike, empty of meaning */
            CLEANUP(buf_done) struct buf text, small = {0}, back = {0};

            buf_init(&text, len + 1);
            for (size_t i = 0; i < len; i++)
                buf_add_char(&text, kind == 0 ? (char)rng_u64(&rng.rng) : kind == 1 ? 'a' : '"');
            buf_init(&small, len + 1000);
            pack_write(packer, &small, buf_str(&text));
            CHECK(small.len <= len + 6, "%zu bytes become %zu", len, small.len);
            CHECK(pack_read(buf_str(&small), len, &back, &err), "%s", err.message);
            CHECK(str_eq(buf_str(&back), buf_str(&text)), "%zu bytes of kind %d", len, kind);
            for (size_t cut = 0; cut < small.len && cut < 200; cut++) {
                struct buf cut_off = {0};

                CHECK(!pack_read(str_sub(buf_str(&small), 0, cut), len, &cut_off, &err),
                      "cut after %zu", cut);
                buf_done(&cut_off);
            }
        }
    }
    packer_free(packer);
}

/* Time bounds are found by bisection over the numbers, which have gaps and a little disorder. */
static void times_body(const struct db_config *config)
{
    struct fixture f;
    struct err err = {0};

    fixture_init(&f, config);
    CHECK(db_begin(f.db, DB_WRITE, &err), "%s", err.message);
    for (int64_t no = 500; no < 1500; no += 1 + no % 3) {
        struct journal_record r = sample(no);

        r.at_us = (no ^ 3) * 1000;
        insert(&f, &r);
    }
    CHECK(db_commit(f.db, &err), "%s", err.message);
    for (int64_t from = 400; from < 1600; from += 37) {
        struct journal_record *list;
        size_t count;
        size_t want = 0;

        for (int64_t no = 500; no < 1500; no += 1 + no % 3)
            want += (no ^ 3) >= from && (no ^ 3) <= from + 50;
        CHECK(journal_list(f.db, f.a, 1,
                           &(struct journal_query){
                               .from_us = from * 1000, .to_us = (from + 50) * 1000, .limit = 1000},
                           &list, &count, &err),
              "%s", err.message);
        CHECK(count == want, "from %lld: %zu, not %zu", (long long)from, count, want);
    }
    fixture_done(&f);
}

static void times(void **state)
{
    (void)state;
    test_databases(times_body);
}

static void names(void **state)
{
    enum journal_action action;
    enum journal_status status;

    (void)state;
    for (int i = 0; i < ACTION_COUNT; i++)
        CHECK(journal_action_from_name(str_from_z(journal_action_name((enum journal_action)i)),
                                       &action) &&
                  action == (enum journal_action)i,
              "action %d", i);
    for (int i = 0; i < STATUS_COUNT; i++)
        CHECK(journal_status_from_name(str_from_z(journal_status_name((enum journal_status)i)),
                                       &status) &&
                  status == (enum journal_status)i,
              "status %d", i);
    CHECK(!journal_action_from_name(STR("creat"), &action), "no such action");
    struct arena *a = arena_new();
    int64_t job_no, no;
    CHECK(journal_record_numbers(journal_record_id(a, 12, 5000000000), &job_no, &no) &&
              job_no == 12 && no == 5000000000,
          "numbers of an id");
    CHECK(!journal_record_numbers(STR("0b7d0000-0000-4000-9000-00000000000a"), &job_no, &no) &&
              !journal_record_numbers(STR("7"), &job_no, &no),
          "not of another");
    arena_free(a);
    CHECK_STR(str_from_z(step_type_name(STEP_REFERENCE)), "referenceResolution", "step");
}

TEST_GROUP(journal, cmocka_unit_test(round_trip), cmocka_unit_test(queries),
           cmocka_unit_test(renamed), cmocka_unit_test(nobody), cmocka_unit_test(times),
           cmocka_unit_test(names), cmocka_unit_test(many), cmocka_unit_test(segments),
           cmocka_unit_test(packed))
