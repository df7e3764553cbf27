/* A savepoint that changes more than is kept for it in memory: the rest goes to a temporary file,
 * and undoing brings everything back. One that is light knows whether there is anything. */
#include "base/arena.h"
#include "db/db.h"
#include "frame/frame.h"
#include "frame/postgres.h"

#include <stdio.h>

enum { ROWS = 200, BODY = 4000 };

static const struct db_query make_table = {"make_table",
                                           "CREATE TABLE t (id BIGINT NOT NULL PRIMARY KEY,"
                                           " body TEXT NOT NULL, no BIGINT NOT NULL)"};
static const struct db_query fill = {"fill", "INSERT INTO t (id, body, no) VALUES ($1, $2, 0)"};
static const struct db_query change = {"change", "UPDATE t SET no = $2 WHERE id = $1"};
static const struct db_query total = {"total",
                                      "SELECT CAST(coalesce(sum(no), 0) AS BIGINT) FROM t"};

static int64_t sum(struct db *db)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct err err = {0};

    CHECK(db_select_one(db, &total, DB_NO_ARGS, &st, &err) && st, "%s", err.message);
    return db_col_int(st, 0);
}

static void change_rows(struct db *db, int64_t count, int64_t no)
{
    struct err err = {0};

    for (int64_t i = 0; i < count; i++)
        CHECK(db_exec(db, &change, DB_ARGS(db_int(i), db_int(no)), NULL, &err), "row %d of %d: %s",
              (int)i, (int)count, err.message);
}

static void undoes_what_does_not_fit_into_memory(void **state)
{
    CLEANUP(db_closep) struct db *db = NULL;
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct str body = {arena_alloc(a, BODY), BODY};
    struct err err = {0};
    char url[256];

    (void)state;
    for (size_t i = 0; i < BODY; i++)
        ((char *)(uintptr_t)body.ptr)[i] = 'x';
    snprintf(url, sizeof(url), "sqlite:%s/x.db", test_temp_dir());
    CHECK(db_open(&(struct db_config){.url = url}, &db, &err), "%s", err.message);
    CHECK(db_exec(db, &make_table, DB_NO_ARGS, NULL, &err), "%s", err.message);
    for (int64_t i = 0; i < ROWS; i++)
        CHECK(db_exec(db, &fill, DB_ARGS(db_int(i), db_text(body)), NULL, &err), "%s", err.message);
    /* Every size of savepoint: what is kept in memory ends somewhere among them. */
    for (int64_t count = 1; count <= ROWS; count += 3) {
        CHECK(db_begin(db, DB_WRITE, &err), "%s", err.message);
        change_rows(db, ROWS, 1);
        CHECK(db_savepoint(db, &err), "%s", err.message);
        change_rows(db, count, 2);
        CHECK(db_savepoint_rollback(db, &err), "%d rows: %s", (int)count, err.message);
        CHECK(sum(db) == ROWS, "%d rows: %d", (int)count, (int)sum(db));
        CHECK(db_savepoint(db, &err), "%s", err.message);
        change_rows(db, count, 3);
        CHECK(db_savepoint_release(db, &err), "%d rows: %s", (int)count, err.message);
        CHECK(sum(db) == ROWS + 2 * count, "%d rows: %d", (int)count, (int)sum(db));
        db_rollback(db);
    }
}

/* Such a savepoint undoes nothing: it knows that there is nothing to undo, or refuses. */
static void light_ones_only_know(const struct db_config *config)
{
    CLEANUP(db_closep) struct db *db = NULL;
    struct err err = {0};

    CHECK(db_open(config, &db, &err), "%s", err.message);
    CHECK(db_exec(db, &make_table, DB_NO_ARGS, NULL, &err), "%s", err.message);
    CHECK(db_begin(db, DB_WRITE, &err), "%s", err.message);
    CHECK(db_savepoint_light(db, &err), "%s", err.message);
    CHECK(db_exec(db, &fill, DB_ARGS(db_int(1), db_text(STR("x"))), NULL, &err), "%s", err.message);
    CHECK(db_savepoint_release(db, &err), "%s", err.message);
    CHECK(db_savepoint_light(db, &err), "%s", err.message);
    CHECK(!db_exec(db, &fill, DB_ARGS(db_int(1), db_text(STR("y"))), NULL, &err), "it is there");
    CHECK(db_savepoint_rollback(db, &err), "nothing was changed: %s", err.message);
    CHECK(db_savepoint_light(db, &err) && db_savepoint(db, &err), "%s", err.message);
    change_rows(db, 2, 7);
    CHECK(db_savepoint_rollback(db, &err) && db_savepoint_release(db, &err), "%s", err.message);
    CHECK(sum(db) == 0, "the inner one has undone: %d", (int)sum(db));
    CHECK(db_commit(db, &err), "%s", err.message);

    CHECK(db_begin(db, DB_WRITE, &err) && db_savepoint_light(db, &err), "%s", err.message);
    change_rows(db, 2, 8);
    if (db_savepoint_rollback(db, &err)) { /* PostgreSQL's are savepoints like others */
        CHECK(sum(db) == 0, "%d", (int)sum(db));
    } else {
        CHECK_STR(str_from_z(err.code), "notUndone", "%s", err.message);
        CHECK(!db_commit(db, &err), "what was not undone must not be kept");
    }
    db_rollback(db);
    CHECK(sum(db) == 0, "%d", (int)sum(db));
}

static void both_light_ones_only_know(void **state)
{
    (void)state;
    test_databases_empty(light_ones_only_know);
}

TEST_GROUP(savepoint, cmocka_unit_test(undoes_what_does_not_fit_into_memory),
           cmocka_unit_test(both_light_ones_only_know));
