#include "db/migrate.h"
#include "frame/frame.h"
#include "frame/postgres.h"

#include <pthread.h>
#include <string.h>

static const struct db_migration steps[] = {
    {1, "first", "CREATE TABLE a (x BIGINT NOT NULL);\nINSERT INTO a (x) VALUES (1);\n"},
    {10, "second",
     "-- a comment; with a semicolon\nCREATE TABLE b (y TEXT NOT NULL DEFAULT 'a;b');\n"
     "INSERT INTO b (y) VALUES ('x');\nUPDATE a SET x = x + 1;\n"},
    {20, "third", "CREATE INDEX b_y ON b (y);\n"},
};

static const struct db_migration with_gap_filled[] = {
    {1, "first", "unused"},
    {10, "second", "unused"},
    {15, "between", "CREATE TABLE c (z BIGINT NOT NULL);\n"},
    {20, "third", "unused"},
};

static const struct db_migration broken[] = {
    {1, "first", "CREATE TABLE a (x BIGINT NOT NULL);\n"},
    {2, "broken", "CREATE TABLE d (x BIGINT NOT NULL);\nCREATE TABLE d (x BIGINT NOT NULL);\n"},
};

static const struct db_query value_of_a = {"value_of_a", "SELECT x FROM a"};
static const struct db_query versions = {
    "versions", "SELECT count(*), max(version) FROM schema_version WHERE applied_us > 0"};
static const struct db_query name_of = {"name_of",
                                        "SELECT name FROM schema_version WHERE version = $1"};

static struct db *open_db(const struct db_config *config)
{
    struct db *db = NULL;
    struct err err = {0};

    CHECK(db_open(config, &db, &err), "%s", err.message);
    return db;
}

static void check_versions(struct db *db, int64_t count, int64_t newest)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct err err = {0};

    CHECK(db_select_one(db, &versions, DB_NO_ARGS, &st, &err) && st, "%s", err.message);
    CHECK(db_col_int(st, 0) == count && db_col_int(st, 1) == newest, "%lld versions up to %lld",
          (long long)db_col_int(st, 0), (long long)db_col_int(st, 1));
}

static void migrates_step_by_step(const struct db_config *config)
{
    CLEANUP(db_closep) struct db *db = open_db(config);
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct err err = {0};

    CHECK(db_migrate_with(db, steps, 0, &err), "%s", err.message);
    CHECK(db_migrate_with(db, steps, 1, &err), "%s", err.message);
    check_versions(db, 1, 1);
    CHECK(db_migrate_with(db, steps, 3, &err), "%s", err.message);
    check_versions(db, 3, 20);
    CHECK(db_migrate_with(db, steps, 3, &err), "twice: %s", err.message);
    check_versions(db, 3, 20);
    CHECK(db_migrate_with(db, with_gap_filled, 4, &err), "a lower number later: %s", err.message);
    check_versions(db, 4, 20);
    CHECK(db_select_one(db, &value_of_a, DB_NO_ARGS, &st, &err) && st && db_col_int(st, 0) == 2,
          "each ran once");
    db_stmt_freep(&st);
    CHECK(db_select_one(db, &name_of, DB_ARGS(db_int(15)), &st, &err) && st, "%s", err.message);
    CHECK_STR(db_col_text(st, 0), "between", "name");
}

static void refuses_a_newer_database(const struct db_config *config)
{
    CLEANUP(db_closep) struct db *db = open_db(config);
    struct err err = {0};

    CHECK(db_migrate_with(db, steps, 3, &err), "%s", err.message);
    CHECK(!db_migrate_with(db, steps, 2, &err) && err.kind == ERR_INVALID, "newer");
    CHECK_STR(str_from_z(err.code), "databaseTooNew", "code");
    CHECK_STR(
        str_from_z(err.message),
        "the database was made by a newer usher (version 20, this one knows up to 10): run that "
        "usher, or restore a backup",
        "message");
}

static void migrates_whole_or_not_at_all(const struct db_config *config)
{
    CLEANUP(db_closep) struct db *db = open_db(config);
    struct err err = {0};

    CHECK(!db_migrate_with(db, broken, 2, &err), "broken");
    CHECK(str_starts(str_from_z(err.message), STR("migration 0002_broken: ")), "%s", err.message);
    CHECK(!db_in_transaction(db), "rolled back");
    CHECK(!db_check(db, &value_of_a, 1, &err), "the first is undone too");
    CHECK(!db_check(db, &versions, 1, &err), "and the table of versions");
    CHECK(db_migrate_with(db, steps, 3, &err), "and it can be done right: %s", err.message);
}

struct racer {
    const struct db_config *config;
    pthread_t thread;
    bool ok;
    struct err err;
};

static void *race(void *arg)
{
    struct racer *r = arg;
    struct db *db = NULL;

    r->ok = db_open(r->config, &db, &r->err) && db_migrate_with(db, steps, 3, &r->err);
    db_close(db);
    return NULL;
}

/* Many processes may start on a new database at once. */
static void migrates_once_in_a_race(const struct db_config *config)
{
    struct racer racers[8] = {0};
    CLEANUP(db_closep) struct db *db = NULL;
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct err err = {0};

    for (size_t i = 0; i < ARRAY_LEN(racers); i++) {
        racers[i].config = config;
        CHECK(pthread_create(&racers[i].thread, NULL, race, &racers[i]) == 0, "%zu", i);
    }
    for (size_t i = 0; i < ARRAY_LEN(racers); i++)
        pthread_join(racers[i].thread, NULL);
    for (size_t i = 0; i < ARRAY_LEN(racers); i++)
        CHECK(racers[i].ok, "%s", racers[i].err.message);
    db = open_db(config);
    check_versions(db, 3, 20);
    CHECK(db_select_one(db, &value_of_a, DB_NO_ARGS, &st, &err) && st && db_col_int(st, 0) == 2,
          "each ran once");
}

static void waits_for_no_lock_when_done(const struct db_config *config)
{
    struct db_config hasty = *config;
    CLEANUP(db_closep) struct db *db = open_db(config);
    CLEANUP(db_closep) struct db *other = NULL;
    struct err err = {0};

    hasty.busy_timeout_ms = 1;
    CHECK(db_migrate_with(db, steps, 3, &err), "%s", err.message);
    CHECK(db_begin(db, DB_WRITE, &err), "%s", err.message);
    CHECK(db_open(&hasty, &other, &err), "opens beside a writer: %s", err.message);
    CHECK(db_migrate_with(other, steps, 3, &err), "and has nothing to do: %s", err.message);
    db_rollback(db);
}

/* What is compiled in. */
static void runs_all_of_ushers_own(const struct db_config *config)
{
    CLEANUP(db_closep) struct db *db = open_db(config);
    struct err err = {0};

    for (size_t i = 1; i < db_migration_count; i++)
        CHECK(db_migrations[i - 1].version < db_migrations[i].version, "%s", db_migrations[i].name);
    CHECK(db_migrate(db, &err), "%s", err.message);
    if (db_migration_count)
        check_versions(db, (int64_t)db_migration_count,
                       db_migrations[db_migration_count - 1].version);
    CHECK(db_migrate(db, &err), "twice: %s", err.message);
}

static void makes_its_schema(void **state)
{
    struct db_config config = {.url = test_postgres_url(), .schema = "made \"by\" usher"};
    CLEANUP(db_closep) struct db *db = open_db(&config);
    CLEANUP(db_closep) struct db *other = NULL;
    struct err err = {0};

    (void)state;
    CHECK(db_migrate_with(db, steps, 3, &err), "%s", err.message);
    check_versions(db, 3, 20);
    config.schema = NULL;
    other = open_db(&config);
    CHECK(!db_check(other, &value_of_a, 1, &err), "nothing outside of it");
}

#define ON_BOTH(body)                  \
    static void both_##body(void **st) \
    {                                  \
        (void)st;                      \
        test_databases_empty(body);    \
    }

ON_BOTH(migrates_step_by_step)
ON_BOTH(refuses_a_newer_database)
ON_BOTH(migrates_whole_or_not_at_all)
ON_BOTH(migrates_once_in_a_race)
ON_BOTH(waits_for_no_lock_when_done)
ON_BOTH(runs_all_of_ushers_own)

TEST_GROUP(migrate, cmocka_unit_test(both_migrates_step_by_step),
           cmocka_unit_test(both_refuses_a_newer_database),
           cmocka_unit_test(both_migrates_whole_or_not_at_all),
           cmocka_unit_test(both_migrates_once_in_a_race),
           cmocka_unit_test(both_waits_for_no_lock_when_done),
           cmocka_unit_test(both_runs_all_of_ushers_own), cmocka_unit_test(makes_its_schema))
