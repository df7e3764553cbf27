#include "fixture.h"
#include "job/connection.h"
#include "job/cycle.h"
#include "job/queries.h"
#include "job/retry.h"

#include <pthread.h>

static void statements_body(const struct db_config *config)
{
    static const struct {
        const struct db_query *queries;
        const size_t *count;
    } tables[] = {
        {job_queries, &job_query_count},
        {job_schema_queries, &job_schema_query_count},
        {connection_queries, &connection_query_count},
        {reference_queries, &reference_query_count},
        {settings_queries, &settings_query_count},
        {undone_queries, &undone_query_count},
        {due_queries, &due_query_count},
        {retry_queries, &retry_query_count},
        {held_queries, &held_query_count},
        {pace_queries, &pace_query_count},
        {said_queries, &said_query_count},
        {stream_queries, &stream_query_count},
        {pulse_queries, &pulse_query_count},
        {reset_queries, &reset_query_count},
        {drift_queries, &drift_query_count},
        {cycle_queries, &cycle_query_count},
        {history_queries, &history_query_count},
        {job_retention_queries, &job_retention_query_count},
        {lease_queries, &lease_query_count},
    };
    struct fixture f;
    struct err err = {0};

    fixture_init(&f, config);
    for (size_t i = 0; i < ARRAY_LEN(tables); i++)
        CHECK(db_check(f.db, tables[i].queries, *tables[i].count, &err), "%s", err.message);
    fixture_done(&f);
}

static void statements(void **state)
{
    (void)state;
    test_databases(statements_body);
}

static void record_body(const struct db_config *config)
{
    struct fixture f;
    struct err err = {0};
    struct job got;

    fixture_init(&f, config);
    CHECK(f.job.no == 1 && f.job.schema_version == 1, "the first job");
    CHECK(job_load(f.db, f.a, STR("fIELD"), &got, &err), "by name in any case: %s", err.message);
    CHECK_STR(got.id, "11111111-1111-4111-8111-111111111111", "id");
    CHECK_STR(got.name, "Field", "name as given");
    CHECK_STR(got.base_url, "https://app.example/scim", "url");
    CHECK(got.state == JOB_DISABLED && got.interval_us == JOB_INTERVAL_DEFAULT_US, "settings");
    CHECK(job_load(f.db, f.a, STR("11111111-1111-4111-8111-111111111111"), &got, &err), "by id");

    CHECK(job_set_state(f.db, 1, JOB_ACTIVE, &err), "%s", err.message);
    CHECK(job_set_next_cycle(f.db, 1, 77, &err), "%s", err.message);
    CHECK(job_set_quarantine(f.db, 1,
                             &(struct job_quarantine){.reason = STR("TooManyDeletes"),
                                                      .code = STR("c"),
                                                      .message = STR("m"),
                                                      .since_us = 5,
                                                      .current_us = 6,
                                                      .count = 2},
                             &err) &&
              job_set_pruned(f.db, 1, true, &err),
          "%s", err.message);
    got.name = STR("Ärzte");
    got.scope = JOB_SCOPE_ALL;
    got.notification_mail = STR("a@b.example");
    CHECK(job_update(f.db, &got, &err), "%s", err.message);
    CHECK(job_load(f.db, f.a, STR("äRZTE"), &got, &err), "folded beyond ASCII: %s", err.message);
    CHECK(got.state == JOB_ACTIVE && got.next_cycle_us == 77 && got.scope == JOB_SCOPE_ALL, "set");
    CHECK(got.quarantined && got.quarantine_since_us == 5 && got.quarantine_current_us == 6 &&
              got.quarantine_count == 2 && got.escrows_pruned,
          "quarantined");
    CHECK_STR(got.quarantine_reason, "TooManyDeletes", "reason");
    CHECK(job_set_quarantine(f.db, 1, NULL, &err), "%s", err.message);
    CHECK(job_load_no(f.db, f.a, 1, &got, &err), "%s", err.message);
    CHECK(!got.quarantined && got.quarantine_code.len == 0 && got.quarantine_since_us == 0,
          "lifted");
    fixture_done(&f);
}

static void record(void **state)
{
    (void)state;
    test_databases(record_body);
}

static void names_body(const struct db_config *config)
{
    struct fixture f;
    struct err err = {0};
    struct job got;
    struct job *list;
    size_t count;

    fixture_init(&f, config);
    fixture_job(&f, "22222222-2222-4222-8222-222222222222", "Jostle");
    struct job taken = f.job;
    taken.id = STR("33333333-3333-4333-8333-333333333333");
    taken.name = STR("JOSTLE");
    CHECK(db_begin(f.db, DB_WRITE, &err), "%s", err.message);
    CHECK(!job_insert(f.db, &taken, STR("{}"), &err) && err.kind == ERR_CONFLICT, "taken name");
    CHECK_STR(str_from_z(err.code), "nameTaken", "code");
    CHECK(job_set_next_cycle(f.db, 1, 1, &err), "the transaction is not spoilt: %s", err.message);
    CHECK(db_commit(f.db, &err), "%s", err.message);
    taken.no = 1;
    CHECK(!job_update(f.db, &taken, &err), "renamed to a taken name");
    CHECK_STR(str_from_z(err.code), "nameTaken", "code");
    CHECK(!job_load(f.db, f.a, STR("jostel"), &got, &err) && err.kind == ERR_NOT_FOUND, "unknown");
    CHECK_STR(str_from_z(err.message), "no application 'jostel'; there is 'Jostle' or 'Field'",
              "nearest first");
    CHECK(job_list(f.db, f.a, &list, &count, &err) && count == 2, "%s", err.message);
    CHECK_STR(list[0].name, "Field", "by name");
    CHECK_STR(list[1].name, "Jostle", "by name");
    fixture_done(&f);
}

static void names(void **state)
{
    (void)state;
    test_databases(names_body);
}

static void schema_body(const struct db_config *config)
{
    struct fixture f;
    struct err err = {0};
    struct str text;
    int64_t version;

    fixture_init(&f, config);
    CHECK(job_schema_save(f.db, 1, STR("{\"v\":2}"), STR("ada"), STR("why"), 5, &version, &err),
          "%s", err.message);
    CHECK(version == 2, "version %lld", (long long)version);
    CHECK(job_schema_load(f.db, f.a, 1, 0, &text, &err), "%s", err.message);
    CHECK_STR(text, "{\"v\":2}", "newest");
    CHECK(job_schema_load(f.db, f.a, 1, 1, &text, &err), "%s", err.message);
    CHECK_STR(text, "{\"v\":1}", "first");
    CHECK(!job_schema_load(f.db, f.a, 1, 3, &text, &err) && err.kind == ERR_NOT_FOUND, "no third");
    CHECK(!job_schema_save(f.db, 9, STR("{}"), STR(""), STR(""), 5, &version, &err), "no such job");
    CHECK_STR(str_from_z(err.code), "jobNotFound", "code");
    fixture_done(&f);
}

static void schema(void **state)
{
    (void)state;
    test_databases(schema_body);
}

static void secrets_body(const struct db_config *config)
{
    static const struct db_query raw = {"raw", "SELECT sealed FROM job_secret WHERE job_no = $1"};
    static const struct db_query move = {"move", "UPDATE job_secret SET name = 'Other'"
                                                 " WHERE job_no = $1"};
    struct fixture f;
    struct err err = {0};
    struct secret_key key = {{1, 2, 3}};
    struct secret in;
    struct secret out;
    struct db_stmt *st;
    size_t at;

    fixture_init(&f, config);
    CHECK(!job_secret_load(f.db, &key, 1, STR("SecretToken"), &out, &err), "not set");
    CHECK_STR(str_from_z(err.code), "secretNotSet", "code");
    for (int i = 0; i < 2; i++) {
        CHECK(secret_init(&in, i ? STR("hunter22") : STR("first"), &err), "%s", err.message);
        CHECK(job_secret_save(f.db, &key, 1, STR("SecretToken"), &in, &err), "%s", err.message);
        CHECK(job_secret_load(f.db, &key, 1, STR("SecretToken"), &out, &err), "%s", err.message);
        CHECK(secret_equal(&in, &out), "comes back");
        secret_done(&in);
        secret_done(&out);
    }
    CHECK(db_select_one(f.db, &raw, DB_ARGS(db_int(1)), &st, &err) && st, "%s", err.message);
    CHECK(!str_find(db_col_text(st, 0), STR("hunter22"), &at), "encrypted at rest");
    db_stmt_free(st);
    CHECK(db_exec(f.db, &move, DB_ARGS(db_int(1)), NULL, &err), "%s", err.message);
    CHECK(!job_secret_load(f.db, &key, 1, STR("Other"), &out, &err), "bound to its place");
    fixture_done(&f);
}

static void secrets(void **state)
{
    (void)state;
    test_databases(secrets_body);
}

static int64_t rows_of(struct fixture *f, const char *sql, int64_t job_no)
{
    struct db_query query = {"rows_of", sql};
    struct err err = {0};
    struct db_stmt *st;

    CHECK(db_select_one(f->db, &query, DB_ARGS(db_int(job_no)), &st, &err), "%s", err.message);
    int64_t n = db_col_int(st, 0);
    db_stmt_free(st);
    return n;
}

static void removal_body(const struct db_config *config)
{
    static const char *const tables[] = {
        "SELECT count(*) FROM job WHERE no = $1",
        "SELECT count(*) FROM job_schema WHERE job_no = $1",
        "SELECT count(*) FROM job_secret WHERE job_no = $1",
        "SELECT count(*) FROM job_lease WHERE job_no = $1",
        "SELECT count(*) FROM job_cycle WHERE job_no = $1",
        "SELECT count(*) FROM job_connection WHERE job_no = $1",
        "SELECT count(*) FROM job_connection_count WHERE job_no = $1",
        "SELECT count(*) FROM job_exported_member WHERE job_no = $1",
        "SELECT count(*) FROM job_pending_reference WHERE job_no = $1",
        "SELECT count(*) FROM job_pending_count WHERE job_no = $1",
        "SELECT count(*) FROM job_exported_reference WHERE job_no = $1",
        "SELECT count(*) FROM job_owed_reference WHERE job_no = $1",
        "SELECT count(*) FROM job_retry WHERE job_no = $1",
    };
    struct fixture f;
    struct err err = {0};
    struct secret_key key = {{0}};
    struct secret secret;
    struct connection c = {.source_id = STR("s"), .target_id = STR("t"), .exported = STR("{}")};
    struct cycle cycle = {.id = STR("c"), .job_no = 1};
    struct retry retry = {.source_id = STR("s")};
    struct pending_reference p = {STR("a"), STR("b"), STR("c")};
    struct owed_reference o = {.owner_id = STR("a")};
    struct str named = STR("b");
    bool is_new;

    fixture_init(&f, config);
    CHECK(secret_init(&secret, STR("x"), &err), "%s", err.message);
    CHECK(job_secret_save(f.db, &key, 1, STR("n"), &secret, &err) &&
              connection_save(f.db, 1, &c, &is_new, &err) && cycle_insert(f.db, &cycle, &err) &&
              retry_park(f.db, 1, &retry, &err) && pending_reference_add(f.db, 1, &p, &err) &&
              exported_reference_set(f.db, 1, STR("a"), STR("c"), &named, 1, &err) &&
              owed_reference_add(f.db, 1, &o, &err) &&
              exported_member_set(f.db, 1, STR("g"), STR("m"), true, &err),
          "%s", err.message);
    secret_done(&secret);
    for (size_t i = 0; i < ARRAY_LEN(tables); i++)
        CHECK(rows_of(&f, tables[i], 1) > 0, "%s: something to remove", tables[i]);
    CHECK(job_remove(f.db, 1, &err), "%s", err.message);
    for (size_t i = 0; i < ARRAY_LEN(tables); i++)
        CHECK(rows_of(&f, tables[i], 1) == 0, "%s: nothing left", tables[i]);
    CHECK(!job_remove(f.db, 1, &err) && err.kind == ERR_NOT_FOUND, "once");
    CHECK(fixture_job(&f, "44444444-4444-4444-8444-444444444444", "Field").no == 2,
          "a number is not used again");
    fixture_done(&f);
}

static void removal(void **state)
{
    (void)state;
    test_databases(removal_body);
}

struct remover {
    const struct db_config *config;
    int64_t no;
    struct err err;
    bool ok;
};

static void *remove_job(void *ctx)
{
    struct remover *r = ctx;
    struct db *db;

    r->ok = db_open(r->config, &db, &r->err);
    if (r->ok) {
        r->ok = job_remove(db, r->no, &r->err);
        db_close(db);
    }
    return NULL;
}

/* Until somebody waits for a row. In SQLite the wait is for the whole database, and cannot be seen.
 */
static void wait_for_waiting(struct db *db, const struct db_config *config)
{
    static const struct db_query waiting = {
        "waiting", "SELECT 1 FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'"};
    bool row = strcmp(test_database_kind(config), "postgresql") != 0;

    while (!row) {
        CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
        struct err err = {0};

        CHECK(db_select_one(db, &waiting, DB_NO_ARGS, &st, &err), "%s", err.message);
        row = st != NULL;
    }
}

/* What a run or a new schema writes while the job is being removed goes as well. */
static void removal_meanwhile_body(const struct db_config *config)
{
    static const struct {
        const char *id, *name, *left;
        bool run;
    } cases[] = {
        {"55555555-5555-4555-8555-555555555555", "Run",
         "SELECT count(*) FROM job_retry WHERE job_no = $1", true},
        {"66666666-6666-4666-8666-666666666666", "Schema",
         "SELECT count(*) FROM job_schema WHERE job_no = $1", false},
    };
    struct retry retry = {.source_id = STR("s")};
    struct fixture f;
    struct err err = {0};
    struct db *other;

    fixture_init(&f, config);
    CHECK(db_open(config, &other, &err), "%s", err.message);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct remover r = {.config = config, .no = fixture_job(&f, cases[i].id, cases[i].name).no};
        struct job_lease lease;
        pthread_t thread;
        int64_t n;

        CHECK(lease_take(f.db, r.no, STR("x"), 0, 10, &lease, &err), "%s", err.message);
        CHECK(db_begin(f.db, DB_WRITE, &err), "%s", err.message);
        CHECK(!cases[i].run || cycle_fence(f.db, &lease, 10, 0, &n, &err), "%s", err.message);
        CHECK(cases[i].run || job_schema_save(f.db, r.no, STR("{}"), STR(""), STR(""), 0, &n, &err),
              "%s", err.message);
        CHECK(pthread_create(&thread, NULL, remove_job, &r) == 0, "thread");
        wait_for_waiting(other, config);
        CHECK(!cases[i].run || retry_park(f.db, r.no, &retry, &err), "%s", err.message);
        CHECK(db_commit(f.db, &err), "%s", err.message);
        CHECK(pthread_join(thread, NULL) == 0 && r.ok, "%s: %s", cases[i].name, r.err.message);
        CHECK(rows_of(&f, cases[i].left, r.no) == 0, "%s: nothing left", cases[i].name);
    }
    db_close(other);
    fixture_done(&f);
}

static void removal_meanwhile(void **state)
{
    (void)state;
    test_databases(removal_meanwhile_body);
}

TEST_GROUP(job, cmocka_unit_test(statements), cmocka_unit_test(record), cmocka_unit_test(names),
           cmocka_unit_test(schema), cmocka_unit_test(secrets), cmocka_unit_test(removal),
           cmocka_unit_test(removal_meanwhile))
