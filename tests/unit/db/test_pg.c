/* What only a server can do: go away, refuse, be set up for another language. */
#include "db/db.h"
#include "frame/frame.h"
#include "frame/postgres.h"

#include <stdio.h>
#include <string.h>

static const struct db_query one = {"one", "SELECT CAST($1 AS BIGINT)"};
static const struct db_query make_table = {"make_table",
                                           "CREATE TABLE lost (id BIGINT, body TEXT)"};
static const struct db_query insert = {"insert", "INSERT INTO lost (id, body) VALUES ($1, $2)"};
static const struct db_query read_all = {"read_all",
                                         "SELECT id, body FROM lost ORDER BY id LIMIT 9"};
static const struct db_query widen = {"widen", "ALTER TABLE lost ADD COLUMN more TEXT"};
static const struct db_query star = {"star", "SELECT * FROM lost"};

static void check_one(struct db *db, const char *label)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct err err = {0};

    CHECK(db_select_one(db, &one, DB_ARGS(db_int(-42)), &st, &err) && st &&
              db_col_int(st, 0) == -42,
          "%s: %s", label, err.message);
}

static void check_refused(const char *label, const char *url, enum err_kind kind, const char *code)
{
    struct err err = {0};
    struct db *db = NULL;

    CHECK(!db_open(&(struct db_config){.url = url}, &db, &err), "%s", label);
    CHECK(err.kind == kind, "%s: %s", label, err.message);
    CHECK_STR(str_from_z(err.code), code, "%s: %s", label, err.message);
    CHECK(!strstr(err.message, "s3cret"), "%s tells the password: %s", label, err.message);
    CHECK(!strchr(err.message, '\n'), "%s: %s", label, err.message);
}

static void says_why_it_cannot_connect(void **state)
{
    const char *url = test_postgres_url();
    char changed[256];

    (void)state;
    check_refused("nobody listens", "postgresql://u:s3cret@127.0.0.1:1/x", ERR_UNAVAILABLE,
                  "databaseUnavailable");
    check_refused("no host", "postgresql://u:s3cret@/x?host=/nowhere", ERR_UNAVAILABLE,
                  "databaseUnavailable");
    check_refused("no URL", "postgresql://u:s3cret@[::1/x", ERR_INVALID, "badDatabaseUrl");
    check_refused("no such option", "postgresql://u:s3cret@h/x?colour=s3cret", ERR_INVALID,
                  "badDatabaseUrl");
    snprintf(changed, sizeof(changed), "postgresql:///nothere%s", strchr(url, '?'));
    check_refused("no such database", changed, ERR_NOT_FOUND, "noSuchDatabase");
}

static void refuses_another_collation(void **state)
{
    static const struct db_query drop = {"drop", "DROP DATABASE IF EXISTS other"};
    static const struct {
        const char *label;
        const char *sql;
    } cases[] = {
        {"encoding", "CREATE DATABASE other TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'"},
        {"collation", "CREATE DATABASE other TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'"
                      " LOCALE_PROVIDER icu ICU_LOCALE 'en-US'"},
    };
    CLEANUP(db_closep) struct db *db = NULL;
    struct err err = {0};
    char url[256];

    (void)state;
    CHECK(db_open(&(struct db_config){.url = test_postgres_url()}, &db, &err), "%s", err.message);
    snprintf(url, sizeof(url), "postgresql:///other%s", strchr(test_postgres_url(), '?'));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct db_query create = {"create", cases[i].sql};

        CHECK(db_exec(db, &drop, DB_NO_ARGS, NULL, &err), "%s", err.message);
        CHECK(db_exec(db, &create, DB_NO_ARGS, NULL, &err), "%s: %s", cases[i].label, err.message);
        check_refused(cases[i].label, url, ERR_INVALID, "databaseCollation");
    }
}

static void comes_back_after_a_lost_connection(void **state)
{
    struct db_config config = {.url = test_postgres_url(), .schema = "lost"};
    CLEANUP(db_closep) struct db *db = NULL;
    struct err err = {0};

    (void)state;
    CHECK(db_open(&config, &db, &err) && db_migrate(db, &err), "%s", err.message);
    CHECK(db_exec(db, &make_table, DB_NO_ARGS, NULL, &err), "%s", err.message);
    check_one(db, "before");
    test_postgres_kill_connections();
    CHECK(!db_exec(db, &insert, DB_ARGS(db_int(1), db_null()), NULL, &err) &&
              err.kind == ERR_UNAVAILABLE,
          "%s", err.message);
    check_one(db, "prepared anew");
    CHECK(db_exec(db, &insert, DB_ARGS(db_int(1), db_null()), NULL, &err),
          "in its schema again: %s", err.message);

    test_postgres_kill_connections();
    CHECK(db_begin(db, DB_WRITE, &err), "beginning asks again by itself: %s", err.message);
    CHECK(db_exec(db, &insert, DB_ARGS(db_int(2), db_null()), NULL, &err), "%s", err.message);
    test_postgres_kill_connections();
    CHECK(!db_exec(db, &insert, DB_ARGS(db_int(3), db_null()), NULL, &err) &&
              err.kind == ERR_UNAVAILABLE,
          "%s", err.message);
    CHECK(!db_savepoint(db, &err) && !db_commit(db, &err), "the transaction is lost");
    check_one(db, "after the transaction");

    CHECK(db_begin(db, DB_WRITE, &err), "%s", err.message);
    CHECK(db_exec(db, &insert, DB_ARGS(db_int(4), db_null()), NULL, &err), "%s", err.message);
    test_postgres_kill_connections();
    CHECK(!db_commit(db, &err) && err.kind == ERR_UNAVAILABLE && !db_in_transaction(db), "%s",
          err.message);
    check_one(db, "after the commit");
}

static void refuses_what_sqlite_would_convert(void **state)
{
    static const struct {
        const char *label;
        struct db_query query;
    } cases[] = {
        {"a sum is numeric", {"total", "SELECT sum(id) FROM lost2"}},
        {"a timestamp", {"time", "SELECT now()"}},
        {"like with unlike", {"unlike", "SELECT id FROM lost2 WHERE id = 'x' || body"}},
        {"a lock that cannot be", {"lock", "SELECT count(*) FROM lost2 /*skip-locked*/"}},
    };
    static const struct db_query make = {"make",
                                         "CREATE TABLE lost2 (id BIGINT, body TEXT, ok BOOLEAN,"
                                         " raw BYTEA, r DOUBLE PRECISION)"};
    static const struct db_query fill = {"fill", "INSERT INTO lost2 VALUES ($1, $2, $3, $4, $5)"};
    static const struct db_query total = {"total_cast",
                                          "SELECT CAST(sum(id) AS BIGINT) FROM lost2"};
    const struct db_value good[] = {db_int(1), db_text(STR("t")), db_bool(true), db_blob(STR("b")),
                                    db_double(1)};
    CLEANUP(db_closep) struct db *db = NULL;
    struct err err = {0};

    (void)state;
    CHECK(db_open(&(struct db_config){.url = test_postgres_url()}, &db, &err), "%s", err.message);
    CHECK(db_exec(db, &make, DB_NO_ARGS, NULL, &err), "%s", err.message);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        CHECK(!db_check(db, &cases[i].query, 1, &err) && err.kind == ERR_INTERNAL, "%s: %s",
              cases[i].label, err.message);
    CHECK(db_check(db, &total, 1, &err), "%s", err.message);
    CHECK(db_exec(db, &fill, (struct db_args){good, 5}, NULL, &err), "%s", err.message);
    for (size_t to = 0; to < ARRAY_LEN(good); to++) {
        for (size_t from = 0; from < ARRAY_LEN(good); from++) {
            struct db_value values[5];

            memcpy(values, good, sizeof(values));
            values[to] = good[from];
            CHECK(db_exec(db, &fill, (struct db_args){values, 5}, NULL, &err) == (to == from),
                  "%zu as %zu", from, to);
        }
    }
}

static void notices_a_migrated_table(void **state)
{
    struct db_config config = {.url = test_postgres_url(), .schema = "moved"};
    CLEANUP(db_closep) struct db *db = NULL;
    struct db_stmt *st = NULL;
    struct err err = {0};

    (void)state;
    CHECK(db_open(&config, &db, &err) && db_migrate(db, &err), "%s", err.message);
    CHECK(db_exec(db, &make_table, DB_NO_ARGS, NULL, &err), "%s", err.message);
    CHECK(db_select_one(db, &star, DB_NO_ARGS, &st, &err) && !st, "%s", err.message);
    CHECK(db_exec(db, &widen, DB_NO_ARGS, NULL, &err), "%s", err.message);
    CHECK(!db_select_one(db, &star, DB_NO_ARGS, &st, &err) && err.kind == ERR_UNAVAILABLE, "%s",
          err.message);
    CHECK(db_select_one(db, &star, DB_NO_ARGS, &st, &err) && !st, "the next time: %s", err.message);
}

static void tells_no_values(void **state)
{
    static const struct db_query make = {"make", "CREATE TABLE hush (secret TEXT PRIMARY KEY)"};
    static const struct db_query put = {"put", "INSERT INTO hush (secret) VALUES ($1)"};
    CLEANUP(db_closep) struct db *db = NULL;
    struct err err = {0};

    (void)state;
    CHECK(db_open(&(struct db_config){.url = test_postgres_url()}, &db, &err), "%s", err.message);
    CHECK(db_exec(db, &make, DB_NO_ARGS, NULL, &err), "%s", err.message);
    CHECK(db_exec(db, &put, DB_ARGS(db_text(STR("s3cret"))), NULL, &err), "%s", err.message);
    CHECK(!db_exec(db, &put, DB_ARGS(db_text(STR("s3cret"))), NULL, &err), "twice");
    CHECK(!strstr(err.message, "s3cret"), "%s", err.message);
    CHECK(!db_exec(db, &put, DB_ARGS(db_text(STR("\xff"))), NULL, &err) && err.kind == ERR_INVALID,
          "not UTF-8: %s", err.message);
}

static void reads_many_rows(void **state)
{
    struct db_config config = {.url = test_postgres_url(), .schema = "many"};
    CLEANUP(db_closep) struct db *db = NULL;
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct err err = {0};
    bool row;

    (void)state;
    CHECK(db_open(&config, &db, &err) && db_migrate(db, &err), "%s", err.message);
    CHECK(db_exec(db, &make_table, DB_NO_ARGS, NULL, &err), "%s", err.message);
    for (int64_t i = 0; i < 3; i++)
        CHECK(db_exec(db, &insert, DB_ARGS(db_int(i), db_text(STR("b"))), NULL, &err), "%s",
              err.message);
    CHECK(db_select(db, &read_all, DB_NO_ARGS, &st, &err), "%s", err.message);
    for (int64_t i = 0; i < 3; i++) {
        CHECK(db_step(st, &row, &err) && row && db_col_int(st, 0) == i, "%s", err.message);
        CHECK(db_col_text(st, 0).len == 1 && db_col_text(st, 0).ptr[0] == '0' + i,
              "number as text");
    }
    CHECK(db_step(st, &row, &err) && !row, "end");
}

TEST_GROUP(pg, cmocka_unit_test(says_why_it_cannot_connect),
           cmocka_unit_test(refuses_another_collation),
           cmocka_unit_test(comes_back_after_a_lost_connection),
           cmocka_unit_test(refuses_what_sqlite_would_convert),
           cmocka_unit_test(notices_a_migrated_table), cmocka_unit_test(tells_no_values),
           cmocka_unit_test(reads_many_rows))
