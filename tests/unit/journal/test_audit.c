#include "frame/frame.h"
#include "frame/postgres.h"
#include "journal/audit.h"
#include "journal/queries.h"

struct fixture {
    struct db *db;
    struct arena *a;
    struct clock_fixed clock;
    struct secret_key key;
    struct audit who;
};

static void fixture_init(struct fixture *f, const struct db_config *config)
{
    struct err err = {0};

    f->a = arena_new();
    CHECK(db_open(config, &f->db, &err), "%s", err.message);
    CHECK(db_migrate(f->db, &err), "%s", err.message);
    clock_fixed_init(&f->clock, 1000000);
    memset(&f->key, 3, sizeof(f->key));
    f->who = (struct audit){.key = &f->key, .clock = &f->clock.clock, .author = STR("ada")};
}

static void fixture_done(struct fixture *f)
{
    db_close(f->db);
    arena_free(f->a);
}

static struct json *object(struct fixture *f, const char *name, const char *value)
{
    struct json *v = json_new(f->a, JSON_OBJECT);

    json_add_z(f->a, v, name, value);
    return v;
}

static void append(struct fixture *f, const char *value)
{
    struct err err = {0};

    f->clock.now += 1000;
    CHECK(audit_append(f->db, &f->who,
                       &(struct audit_change){.activity = AUDIT_SETTING,
                                              .app_id = STR("app-1"),
                                              .app_name = STR("Plant \"x\"\n"),
                                              .subject = STR("settings"),
                                              .before = object(f, "a", "1"),
                                              .after = object(f, "a", value)},
                       &err),
          "%s", err.message);
}

static void run_sql(struct fixture *f, const char *sql)
{
    struct db_query q = {"tamper", sql};
    struct err err = {0};

    CHECK(db_exec(f->db, &q, DB_NO_ARGS, NULL, &err), "%s: %s", sql, err.message);
}

static struct audit_finding verify(struct fixture *f)
{
    struct audit_finding out = {0};
    struct err err = {0};

    CHECK(audit_verify(f->db, &f->key, &out, &err), "%s", err.message);
    return out;
}

#define COPY_OF_2                                                                            \
    "INSERT INTO audit (no, at_us, author, activity, app_id, app_name, subject, before_doc," \
    " after_doc, previous) SELECT 6, at_us, author, activity, app_id, app_name, subject,"    \
    " before_doc, after_doc, previous FROM audit WHERE no = 2"

/* Five records, then somebody with a database tool. */
static const struct {
    const char *label;
    const char *sql[2];
    enum audit_verdict verdict;
    int64_t no;
} damages[] = {
    {"nothing", {NULL}, AUDIT_INTACT, 0},
    {"a value", {"UPDATE audit SET after_doc = '{\"a\":\"9\"}' WHERE no = 3"}, AUDIT_CHANGED, 3},
    {"the author", {"UPDATE audit SET author = 'eve' WHERE no = 1"}, AUDIT_CHANGED, 1},
    {"the time of the last", {"UPDATE audit SET at_us = 5 WHERE no = 5"}, AUDIT_CHANGED, 5},
    {"text moved between columns",
     {"UPDATE audit SET app_name = '', subject = 'Plant \"x\"\nsettings' WHERE no = 2"},
     AUDIT_CHANGED,
     2},
    {"the first hash", {"UPDATE audit SET previous = 'x' WHERE no = 1"}, AUDIT_CHANGED, 1},
    {"removed in the middle", {"DELETE FROM audit WHERE no = 3"}, AUDIT_MISSING, 3},
    {"removed and renumbered",
     {"DELETE FROM audit WHERE no = 3", "UPDATE audit SET no = no - 1 WHERE no > 3"},
     AUDIT_CHANGED,
     2},
    {"the first removed", {"DELETE FROM audit WHERE no = 1"}, AUDIT_MISSING, 1},
    {"the last cut off", {"DELETE FROM audit WHERE no = 5"}, AUDIT_CUT, 5},
    {"all cut off", {"DELETE FROM audit"}, AUDIT_CUT, 1},
    {"one appended", {COPY_OF_2}, AUDIT_ADDED, 6},
    {"cut off, and the seal taken away",
     {"DELETE FROM audit WHERE no > 3", "UPDATE audit_head SET sealed = ''"},
     AUDIT_UNSEALED,
     0},
    {"the seal removed", {"DELETE FROM audit_head"}, AUDIT_UNSEALED, 0},
    {"the seal forged", {"UPDATE audit_head SET sealed = 'AAAA'"}, AUDIT_UNSEALED, 0},
};

static void damage_body(const struct db_config *config)
{
    struct fixture f;
    struct err err = {0};

    fixture_init(&f, config);
    CHECK(db_check(f.db, audit_queries, audit_query_count, &err), "%s", err.message);
    for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
        run_sql(&f, "DELETE FROM audit");
        run_sql(&f, "INSERT INTO audit_head (one, sealed) VALUES (1, '')"
                    " ON CONFLICT (one) DO UPDATE SET sealed = ''");
        for (int n = 0; n < 5; n++)
            append(&f, n % 2 ? "x" : "=cmd|' /C'!A0\n\"");
        for (size_t k = 0; k < 2 && damages[i].sql[k]; k++)
            run_sql(&f, damages[i].sql[k]);

        struct audit_finding got = verify(&f);

        CHECK(got.verdict == damages[i].verdict, "%s: verdict %d", damages[i].label, got.verdict);
        CHECK(got.no == damages[i].no, "%s: record %lld", damages[i].label, (long long)got.no);
    }
    fixture_done(&f);
}

static void damage(void **state)
{
    (void)state;
    test_databases(damage_body);
}

/* A cut cannot be covered by what is written afterwards; sealing anew says who did it. */
static void go_on_body(const struct db_config *config)
{
    struct audit_record *list;
    struct err err = {0};
    struct fixture f;
    size_t count;

    fixture_init(&f, config);
    for (int n = 0; n < 4; n++)
        append(&f, "x");
    run_sql(&f, "DELETE FROM audit WHERE no > 2");
    append(&f, "later");
    CHECK(verify(&f).verdict == AUDIT_MISSING && verify(&f).no == 3, "the cut shows");

    memset(&f.key, 4, sizeof(f.key)); /* lost */
    CHECK(!audit_append(f.db, &f.who, &(struct audit_change){.subject = STR("x")}, &err) &&
              strcmp(err.code, "auditDamaged") == 0,
          "not with another key: %s", err.message);
    run_sql(&f, "DELETE FROM audit WHERE no > 2");
    CHECK(audit_reseal(f.db, &f.who, &err), "%s", err.message);
    append(&f, "y");
    CHECK(verify(&f).verdict == AUDIT_INTACT && verify(&f).count == 4, "sealed anew");
    CHECK(audit_list(f.db, f.a, &(struct audit_query){.limit = 2}, &list, &count, &err) &&
              count == 2,
          "%s", err.message);
    CHECK_STR(list[1].subject, "audit log sealed anew", "the record of it");
    CHECK_STR(list[1].author, "ada", "who");
    fixture_done(&f);
}

static void go_on(void **state)
{
    (void)state;
    test_databases(go_on_body);
}

static void joins_body(const struct db_config *config)
{
    struct audit_record *list;
    struct err err = {0};
    struct fixture f;
    size_t count;

    fixture_init(&f, config);
    CHECK(db_begin(f.db, DB_WRITE, &err), "%s", err.message);
    append(&f, "undone");
    db_rollback(f.db);
    append(&f, "kept");
    CHECK(db_begin(f.db, DB_WRITE, &err), "%s", err.message);
    append(&f, "twice 1");
    append(&f, "twice 2");
    CHECK(db_commit(f.db, &err), "%s", err.message);
    CHECK(verify(&f).verdict == AUDIT_INTACT && verify(&f).count == 3, "%lld records",
          (long long)verify(&f).count);
    CHECK(audit_list(f.db, f.a,
                     &(struct audit_query){.app_id = STR("app-1"), .before_no = 3, .limit = 1},
                     &list, &count, &err) &&
              count == 1 && list[0].no == 2,
          "a page: %s", err.message);
    CHECK(
        audit_list(f.db, f.a, &(struct audit_query){.app_id = STR("app-2")}, &list, &count, &err) &&
            count == 0,
        "another application's: %s", err.message);
    CHECK(audit_page(f.db, f.a, 0, 1, &list, &count, &err) && count == 1, "%s", err.message);
    list[0].previous = STR("");
    CHECK_STR(json_text(f.a, audit_to_json(f.a, &list[0])),
              "{\"no\":1,\"activityDateTime\":\"1970-01-01T00:00:01.002Z\","
              "\"category\":\"ProvisioningManagement\","
              "\"activityDisplayName\":\"Update provisioning setting or credentials\","
              "\"initiatedBy\":\"ada\",\"applicationId\":\"app-1\","
              "\"applicationName\":\"Plant \\\"x\\\"\\n\",\"subject\":\"settings\","
              "\"before\":{\"a\":\"1\"},\"after\":{\"a\":\"kept\"},\"previous\":\"\"}",
              "as JSON");
    fixture_done(&f);
}

static void joins(void **state)
{
    (void)state;
    test_databases(joins_body);
}

static void masks(void **state)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"", ""},
        {"https://hooks.example/T0/secret", "https://hooks.example/*****"},
        {"https://hooks.example?key=1", "https://hooks.example/*****"},
        {"https://hooks.example/", "https://hooks.example/"},
        {"https://ada:pw@hooks.example/x", "https://*****@hooks.example/*****"},
        {"no address", "*****"},
    };
    struct arena *a = arena_new();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        CHECK_STR(audit_masked_url(a, str_from_z(cases[i].in)), cases[i].out, "%s", cases[i].in);
    arena_free(a);
}

TEST_GROUP(audit, cmocka_unit_test(damage), cmocka_unit_test(go_on), cmocka_unit_test(joins),
           cmocka_unit_test(masks))
