#include "db/db.h"
#include "frame/frame.h"
#include "frame/postgres.h"

#include <string.h>

enum query {
    Q_CREATE,
    Q_INSERT,
    Q_LOAD,
    Q_NAMES,
    Q_COUNT,
    Q_RENAME,
    Q_RENAME_ALL,
    Q_REMOVE,
    Q_UPSERT,
    Q_REVERSED,
    Q_CREATE_CHILD,
    Q_INSERT_CHILD,
    Q_CLAIM,
    Q_FIND,
    Q_PAGE,
    Q_RETURNING,
};

static const struct db_query queries[] = {
    [Q_CREATE] = {"thing_create", "CREATE TABLE thing ("
                                  "  id BIGINT NOT NULL PRIMARY KEY,"
                                  "  name TEXT NOT NULL UNIQUE,"
                                  "  enabled BOOLEAN NOT NULL DEFAULT FALSE,"
                                  "  ratio DOUBLE PRECISION,"
                                  "  small INTEGER CHECK (small < 1000),"
                                  "  body BYTEA,"
                                  "  note TEXT)"},
    [Q_INSERT] = {"thing_insert", "INSERT INTO thing (id, name, enabled, ratio, small, body, note)"
                                  " VALUES ($1, $2, $3, $4, $5, $6, $7)"},
    [Q_LOAD] = {"thing_load",
                "SELECT name, enabled, ratio, small, body, note, id FROM thing WHERE id = $1"},
    [Q_NAMES] = {"thing_names", "SELECT name FROM thing ORDER BY name LIMIT $1"},
    [Q_COUNT] = {"thing_count", "SELECT count(*) FROM thing"},
    [Q_RENAME] = {"thing_rename", "UPDATE thing SET name = $2 WHERE id = $1"},
    [Q_RENAME_ALL] = {"thing_note_all", "UPDATE thing SET note = $1"},
    [Q_REMOVE] = {"thing_remove", "DELETE FROM thing WHERE id = $1"},
    [Q_UPSERT] = {"thing_upsert", "INSERT INTO thing (id, name) VALUES ($1, $2)"
                                  " ON CONFLICT (id) DO UPDATE SET name = excluded.name"
                                  " WHERE thing.name IS DISTINCT FROM excluded.name"},
    [Q_REVERSED] = {"thing_reversed", "SELECT id FROM thing WHERE name = $2 AND small = $1"},
    [Q_CREATE_CHILD] = {"part_create",
                        "CREATE TABLE part (thing BIGINT NOT NULL REFERENCES thing (id))"},
    [Q_INSERT_CHILD] = {"part_insert", "INSERT INTO part (thing) VALUES ($1)"},
    [Q_CLAIM] = {"thing_claim",
                 "UPDATE thing SET small = $1 WHERE id = (SELECT id FROM thing"
                 " WHERE small = 0 ORDER BY id LIMIT 1 /*skip-locked*/) RETURNING id"},
    [Q_FIND] = {"thing_find", "SELECT id FROM thing WHERE body = $1"},
    [Q_PAGE] = {"thing_page", "SELECT id FROM thing WHERE (name, id) > ($1, $2) ORDER BY name, id"
                              " LIMIT $3"},
    [Q_RETURNING] = {"thing_returning",
                     "INSERT INTO thing (id, name) VALUES ($1, $2) RETURNING id, name"},
};

static struct db *open_thing(const struct db_config *config)
{
    struct db *db = NULL;
    struct err err = {0};

    CHECK(db_open(config, &db, &err), "%s", err.message);
    CHECK(db_exec(db, &queries[Q_CREATE], DB_NO_ARGS, NULL, &err), "%s", err.message);
    return db;
}

static bool insert(struct db *db, int64_t id, const char *name, struct err *err)
{
    return db_exec(db, &queries[Q_INSERT],
                   DB_ARGS(db_int(id), db_text(str_from_z(name)), db_bool(true), db_null(),
                           db_int(0), db_null(), db_null()),
                   NULL, err);
}

static void must_insert(struct db *db, int64_t id, const char *name)
{
    struct err err = {0};

    CHECK(insert(db, id, name, &err), "%s", err.message);
}

static int64_t count(struct db *db)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct err err = {0};

    CHECK(db_select_one(db, &queries[Q_COUNT], DB_NO_ARGS, &st, &err) && st, "%s", err.message);
    return db_col_int(st, 0);
}

/* --- values -------------------------------------------------------------------------------------
 */

static const struct {
    const char *label;
    struct db_value values[6]; /* name, enabled, ratio, small, body, note */
} rows[] = {
    {"plain",
     {{.type = DB_TEXT, .text = STR_INIT("ada")},
      {.type = DB_BOOL, .integer = 1},
      {.type = DB_DOUBLE, .number = 0.1},
      {.type = DB_INT, .integer = -7},
      {.type = DB_BLOB, .text = STR_INIT("\x00\xff\x80 '\\")},
      {.type = DB_TEXT, .text = STR_INIT("note")}}},
    {"nulls",
     {{.type = DB_TEXT, .text = STR_INIT("nobody")},
      {.type = DB_BOOL, .integer = 0},
      {.type = DB_NULL},
      {.type = DB_NULL},
      {.type = DB_NULL},
      {.type = DB_NULL}}},
    {"empty texts and blobs are not null",
     {{.type = DB_TEXT},
      {.type = DB_BOOL, .integer = 0},
      {.type = DB_DOUBLE, .number = -0.0},
      {.type = DB_INT, .integer = 0},
      {.type = DB_BLOB},
      {.type = DB_TEXT}}},
    {"looks like something else",
     {{.type = DB_TEXT, .text = STR_INIT("$1 ' \" \\ ; -- \xc3\x9c \xf0\x9f\x98\x80\n\x01")},
      {.type = DB_BOOL, .integer = 1},
      {.type = DB_DOUBLE, .number = 1.7976931348623157e308},
      {.type = DB_INT, .integer = INT32_MIN},
      {.type = DB_BLOB, .text = STR_INIT("123")},
      {.type = DB_TEXT, .text = STR_INIT("007")}}},
    {"tiny",
     {{.type = DB_TEXT, .text = STR_INIT("\\x41")},
      {.type = DB_BOOL, .integer = 1},
      {.type = DB_DOUBLE, .number = 5e-324},
      {.type = DB_INT, .integer = 999},
      {.type = DB_BLOB, .text = STR_INIT("\\x41")},
      {.type = DB_TEXT, .text = STR_INIT("1e5")}}},
};

static void check_value(struct db_stmt *st, int column, const struct db_value *want,
                        const char *label)
{
    CHECK(db_col_is_null(st, column) == (want->type == DB_NULL), "%s: column %d", label, column);
    switch (want->type) {
    case DB_INT:
        CHECK(db_col_int(st, column) == want->integer, "%s: column %d", label, column);
        break;
    case DB_BOOL:
        CHECK(db_col_bool(st, column) == (want->integer != 0), "%s: column %d", label, column);
        break;
    case DB_DOUBLE:
        CHECK(db_col_double(st, column) == want->number, "%s: column %d", label, column);
        break;
    case DB_TEXT:
    case DB_BLOB:
        CHECK(str_eq(db_col_text(st, column), want->text), "%s: column %d", label, column);
        break;
    case DB_NULL:
        CHECK(db_col_int(st, column) == 0 && db_col_double(st, column) == 0 &&
                  !db_col_bool(st, column) && db_col_text(st, column).len == 0,
              "%s: column %d", label, column);
    }
}

static void keeps_values(const struct db_config *config)
{
    static const int64_t ids[] = {0, INT64_MAX, INT64_MIN, -1, 1};
    CLEANUP(db_closep) struct db *db = open_thing(config);
    struct err err = {0};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct db_value *v = rows[i].values;
        struct db_stmt *st = NULL;
        int64_t changed = 0;

        CHECK(db_exec(db, &queries[Q_INSERT],
                      DB_ARGS(db_int(ids[i]), v[0], v[1], v[2], v[3], v[4], v[5]), &changed, &err),
              "%s: %s", rows[i].label, err.message);
        CHECK(changed == 1, "%s", rows[i].label);
        CHECK(db_select_one(db, &queries[Q_LOAD], DB_ARGS(db_int(ids[i])), &st, &err) && st,
              "%s: %s", rows[i].label, err.message);
        for (int c = 0; c < 6; c++)
            check_value(st, c, &v[c], rows[i].label);
        CHECK(db_col_int(st, 6) == ids[i], "%s", rows[i].label);
        db_stmt_free(st);
    }
}

static void keeps_what_was_bound(const struct db_config *config)
{
    CLEANUP(db_closep) struct db *db = open_thing(config);
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct err err = {0};
    char name[] = "before";
    bool row = false;

    must_insert(db, 1, "before");
    CHECK(db_select(db, &queries[Q_REVERSED], DB_ARGS(db_int(0), db_text(str_from_z(name))), &st,
                    &err),
          "%s", err.message);
    memset(name, 'x', sizeof(name) - 1); /* arguments are borrowed for the call only */
    CHECK(db_step(st, &row, &err) && row && db_col_int(st, 0) == 1, "%s", err.message);
    CHECK(db_step(st, &row, &err) && !row, "%s", err.message);
    CHECK(db_step(st, &row, &err) && !row, "the end stays the end");
}

static void finds_blobs_and_pages(const struct db_config *config)
{
    CLEANUP(db_closep) struct db *db = open_thing(config);
    struct db_stmt *st = NULL;
    struct err err = {0};
    bool row;

    CHECK(db_exec(db, &queries[Q_INSERT],
                  DB_ARGS(db_int(1), db_text(STR("a")), db_bool(false), db_null(), db_null(),
                          db_blob((struct str){"\0\1", 2}), db_null()),
                  NULL, &err),
          "%s", err.message);
    must_insert(db, 2, "B");
    must_insert(db, 3, "\xc3\xa4");
    CHECK(
        db_select_one(db, &queries[Q_FIND], DB_ARGS(db_blob((struct str){"\0\1", 2})), &st, &err) &&
            st && db_col_int(st, 0) == 1,
        "%s", err.message);
    db_stmt_free(st);
    CHECK(db_select(db, &queries[Q_PAGE], DB_ARGS(db_text(STR("B")), db_int(2), db_int(10)), &st,
                    &err),
          "%s", err.message);
    CHECK(db_step(st, &row, &err) && row && db_col_int(st, 0) == 1, "sorted by bytes: a after B");
    CHECK(db_step(st, &row, &err) && row && db_col_int(st, 0) == 3, "sorted by bytes: umlaut last");
    CHECK(db_step(st, &row, &err) && !row, "end");
    db_stmt_free(st);
}

static void counts_changes(const struct db_config *config)
{
    CLEANUP(db_closep) struct db *db = open_thing(config);
    struct err err = {0};
    static const struct {
        const char *label;
        enum query query;
        int64_t id;
        const char *name;
        int64_t changed;
    } cases[] = {
        {"upsert inserts", Q_UPSERT, 1, "one", 1},
        {"upsert of the same", Q_UPSERT, 1, "one", 0},
        {"upsert changes", Q_UPSERT, 1, "eins", 1},
        {"update", Q_RENAME, 1, "uno", 1},
        {"update of nothing", Q_RENAME, 99, "x", 0},
        {"insert with returning", Q_RETURNING, 2, "two", 1},
    };
    int64_t changed;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        changed = -1;
        CHECK(db_exec(db, &queries[cases[i].query],
                      DB_ARGS(db_int(cases[i].id), db_text(str_from_z(cases[i].name))), &changed,
                      &err),
              "%s: %s", cases[i].label, err.message);
        CHECK(changed == cases[i].changed, "%s: %lld", cases[i].label, (long long)changed);
    }
    CHECK(db_exec(db, &queries[Q_RENAME_ALL], DB_ARGS(db_text(STR("n"))), &changed, &err) &&
              changed == 2,
          "all");
    CHECK(db_exec(db, &queries[Q_CREATE_CHILD], DB_NO_ARGS, &changed, &err) && changed == 0,
          "a statement that changes no rows");
    CHECK(db_exec(db, &queries[Q_REMOVE], DB_ARGS(db_int(2)), &changed, &err) && changed == 1,
          "remove");
    CHECK(db_exec(db, &queries[Q_REMOVE], DB_ARGS(db_int(2)), &changed, &err) && changed == 0,
          "again");
}

/* --- several selects ----------------------------------------------------------------------------
 */

static void reads_while_reading(const struct db_config *config)
{
    CLEANUP(db_closep) struct db *db = open_thing(config);
    CLEANUP(db_stmt_freep) struct db_stmt *outer = NULL;
    struct err err = {0};
    int outer_rows = 0;
    int inner_rows = 0;
    bool row;

    for (int64_t id = 1; id <= 3; id++)
        must_insert(db, id, (const char *[]){"a", "b", "c"}[id - 1]);
    CHECK(db_select(db, &queries[Q_NAMES], DB_ARGS(db_int(10)), &outer, &err), "%s", err.message);
    while (db_step(outer, &row, &err) && row) {
        CLEANUP(db_stmt_freep) struct db_stmt *inner = NULL; /* the same query, while it is busy */

        CHECK(db_select(db, &queries[Q_NAMES], DB_ARGS(db_int(2)), &inner, &err), "%s",
              err.message);
        while (db_step(inner, &row, &err) && row)
            inner_rows++;
        CHECK(count(db) == 3, "another query");
        CHECK_STR(db_col_text(outer, 0), ((const char *[]){"a", "b", "c"})[outer_rows], "row kept");
        outer_rows++;
    }
    CHECK(outer_rows == 3 && inner_rows == 6, "%d %d", outer_rows, inner_rows);
}

static void refuses_to_write_past_a_select(const struct db_config *config)
{
    CLEANUP(db_closep) struct db *db = open_thing(config);
    struct db_stmt *st = NULL;
    struct err err = {0};
    bool row;

    must_insert(db, 1, "a");
    CHECK(db_select(db, &queries[Q_NAMES], DB_ARGS(db_int(10)), &st, &err), "%s", err.message);
    CHECK(db_step(st, &row, &err) && row, "%s", err.message);
    CHECK(!db_begin(db, DB_WRITE, &err), "open select");
    CHECK_STR(str_from_z(err.code), "selectOpen", "code");
    CHECK(db_step(st, &row, &err) && !row, "%s", err.message);
    CHECK(db_begin(db, DB_WRITE, &err), "a select at its end is not open: %s", err.message);
    db_rollback(db);
    db_stmt_free(st);
}

/* --- errors -------------------------------------------------------------------------------------
 */

static void refuses_violations(const struct db_config *config)
{
    static const struct {
        const char *label;
        struct db_value id, name, small;
        const char *code;
    } cases[] = {
        {"same id",
         {.type = DB_INT, .integer = 1},
         {.type = DB_TEXT, .text = STR_INIT("x")},
         {.type = DB_NULL},
         "uniqueViolation"},
        {"same name",
         {.type = DB_INT, .integer = 2},
         {.type = DB_TEXT, .text = STR_INIT("a")},
         {.type = DB_NULL},
         "uniqueViolation"},
        {"no name",
         {.type = DB_INT, .integer = 2},
         {.type = DB_NULL},
         {.type = DB_NULL},
         "notNullViolation"},
        {"check",
         {.type = DB_INT, .integer = 2},
         {.type = DB_TEXT, .text = STR_INIT("x")},
         {.type = DB_INT, .integer = 1000},
         "checkViolation"},
    };
    CLEANUP(db_closep) struct db *db = open_thing(config);
    struct err err = {0};

    must_insert(db, 1, "a");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CHECK(!db_exec(db, &queries[Q_INSERT],
                       DB_ARGS(cases[i].id, cases[i].name, db_bool(false), db_null(),
                               cases[i].small, db_null(), db_null()),
                       NULL, &err),
              "%s", cases[i].label);
        CHECK(err.kind == ERR_CONFLICT, "%s: %s", cases[i].label, err.message);
        CHECK_STR(str_from_z(err.code), cases[i].code, "%s", cases[i].label);
        CHECK(str_starts(str_from_z(err.message), STR("thing_insert: ")), "%s", err.message);
    }
    CHECK(db_exec(db, &queries[Q_CREATE_CHILD], DB_NO_ARGS, NULL, &err), "%s", err.message);
    CHECK(!db_exec(db, &queries[Q_INSERT_CHILD], DB_ARGS(db_int(5)), NULL, &err), "foreign key");
    CHECK(err.kind == ERR_CONFLICT, "%s", err.message);
    CHECK_STR(str_from_z(err.code), "foreignKeyViolation", "foreign key");
    CHECK(count(db) == 1, "nothing changed");
}

static void refuses_bad_calls(const struct db_config *config)
{
    CLEANUP(db_closep) struct db *db = open_thing(config);
    struct err err = {0};

    CHECK(!db_exec(db, &queries[Q_RENAME], DB_ARGS(db_int(1)), NULL, &err) &&
              err.kind == ERR_INTERNAL,
          "too few arguments");
    CHECK(!db_exec(db, &queries[Q_RENAME], DB_ARGS(db_int(1), db_text((struct str){"a\0b", 3})),
                   NULL, &err) &&
              err.kind == ERR_INVALID,
          "NUL in text");
    CHECK_STR(str_from_z(err.code), "nulInText", "NUL in text");
    CHECK(count(db) == 0, "the connection goes on");
}

static void checks_statements(const struct db_config *config)
{
    static const struct db_query broken[] = {
        {"syntax", "SELEC 1"},
        {"no_table", "SELECT a FROM nowhere"},
        {"no_column", "SELECT colour FROM thing"},
        {"quoted_text", "SELECT id FROM thing WHERE name = \"ada\""},
        {"hole", "SELECT id FROM thing WHERE id = $2 AND name = $3"},
        {"two", "SELECT id FROM thing; SELECT name FROM thing"},
        {NULL, NULL},
    };
    CLEANUP(db_closep) struct db *db = open_thing(config);
    struct err err = {0};

    CHECK(db_exec(db, &queries[Q_CREATE_CHILD], DB_NO_ARGS, NULL, &err), "%s", err.message);
    CHECK(db_check(db, queries + Q_INSERT, Q_CREATE_CHILD - Q_INSERT, &err), "%s", err.message);
    CHECK(db_check(db, queries + Q_INSERT_CHILD, ARRAY_LEN(queries) - Q_INSERT_CHILD, &err), "%s",
          err.message);
    for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
        err = (struct err){0};
        CHECK(!db_check(db, &broken[i], 1, &err), "%zu", i);
        CHECK(err.kind == ERR_INTERNAL, "%zu: %s", i, err.message);
        if (broken[i].name)
            CHECK(str_starts(str_from_z(err.message), str_from_z(broken[i].name)), "%s",
                  err.message);
    }
}

/* --- transactions -------------------------------------------------------------------------------
 */

static void commits_and_rolls_back(const struct db_config *config)
{
    CLEANUP(db_closep) struct db *db = open_thing(config);
    struct db *other = NULL;
    struct err err = {0};

    CHECK(db_open(config, &other, &err), "%s", err.message);
    CHECK(db_begin(db, DB_WRITE, &err) && db_in_transaction(db), "%s", err.message);
    CHECK(!db_begin(db, DB_WRITE, &err), "does not nest");
    must_insert(db, 1, "a");
    CHECK(count(other) == 0, "others do not see it yet");
    CHECK(db_commit(db, &err) && !db_in_transaction(db), "%s", err.message);
    CHECK(count(other) == 1, "others see it now");
    CHECK(db_begin(db, DB_WRITE, &err), "%s", err.message);
    must_insert(db, 2, "b");
    db_rollback(db);
    db_rollback(db);
    CHECK(!db_in_transaction(db) && count(db) == 1, "rolled back");
    CHECK(db_begin(db, DB_WRITE, &err), "%s", err.message);
    must_insert(db, 2, "b");
    db_close(db); /* rolls back what is open */
    db = NULL;
    CHECK(count(other) == 1, "closing rolls back");
    db_close(other);
}

static void a_failed_transaction_only_rolls_back(const struct db_config *config)
{
    CLEANUP(db_closep) struct db *db = open_thing(config);
    struct err err = {0};

    CHECK(db_begin(db, DB_WRITE, &err), "%s", err.message);
    must_insert(db, 1, "a");
    CHECK(!insert(db, 1, "b", &err) && err.kind == ERR_CONFLICT, "%s", err.message);
    CHECK(!insert(db, 2, "b", &err), "refused after an error");
    CHECK_STR(str_from_z(err.code), "transactionFailed", "statement");
    CHECK(!db_commit(db, &err) && !db_in_transaction(db), "cannot be committed");
    CHECK_STR(str_from_z(err.code), "transactionFailed", "commit");
    CHECK(count(db) == 0, "nothing is left");
    must_insert(db, 1, "a");
}

static void undoes_to_savepoints(const struct db_config *config)
{
    CLEANUP(db_closep) struct db *db = open_thing(config);
    struct err err = {0};

    CHECK(db_begin(db, DB_WRITE, &err), "%s", err.message);
    must_insert(db, 1, "a");
    CHECK(db_savepoint(db, &err), "%s", err.message);
    must_insert(db, 2, "b");
    CHECK(db_savepoint(db, &err), "%s", err.message);
    CHECK(!insert(db, 3, "a", &err), "conflict");
    CHECK(!db_savepoint_release(db, &err), "cannot be kept");
    CHECK(db_savepoint_rollback(db, &err), "%s", err.message);
    must_insert(db, 3, "c");
    CHECK(db_savepoint(db, &err), "%s", err.message);
    must_insert(db, 4, "d");
    CHECK(db_savepoint_release(db, &err), "%s", err.message);
    CHECK(count(db) == 4, "all kept so far");
    CHECK(db_savepoint_rollback(db, &err), "the outer one: %s", err.message);
    CHECK(count(db) == 1, "undone with what was released inside");
    must_insert(db, 5, "e");
    CHECK(db_commit(db, &err), "%s", err.message);
    CHECK(count(db) == 2, "a and e");
}

static void reads_one_snapshot(const struct db_config *config)
{
    CLEANUP(db_closep) struct db *db = open_thing(config);
    CLEANUP(db_closep) struct db *other = NULL;
    struct err err = {0};

    CHECK(db_open(config, &other, &err), "%s", err.message);
    must_insert(db, 1, "a");
    CHECK(db_begin(db, DB_READ, &err) && count(db) == 1, "%s", err.message);
    must_insert(other, 2, "b");
    CHECK(count(db) == 1, "the snapshot stands");
    CHECK(!insert(db, 3, "c", &err), "reading only");
    CHECK_STR(str_from_z(err.code), "writeInReadTransaction", "%s", err.message);
    db_rollback(db);
    CHECK(count(db) == 2, "the new state");
}

static void waits_no_longer_than_told(const struct db_config *config)
{
    struct db_config hasty = *config;
    CLEANUP(db_closep) struct db *db = open_thing(config);
    CLEANUP(db_closep) struct db *other = NULL;
    struct err err = {0};
    int64_t changed;

    hasty.busy_timeout_ms = 20;
    must_insert(db, 1, "a");
    CHECK(db_open(&hasty, &other, &err), "%s", err.message);
    CHECK(db_begin(db, DB_WRITE, &err), "%s", err.message);
    CHECK(db_exec(db, &queries[Q_RENAME], DB_ARGS(db_int(1), db_text(STR("b"))), NULL, &err), "%s",
          err.message);
    CHECK(!db_exec(other, &queries[Q_RENAME], DB_ARGS(db_int(1), db_text(STR("c"))), NULL, &err),
          "the row is locked");
    CHECK(err.kind == ERR_UNAVAILABLE, "%s", err.message);
    CHECK_STR(str_from_z(err.code), "databaseBusy", "%s", err.message);
    CHECK(db_commit(db, &err), "%s", err.message);
    CHECK(
        db_exec(other, &queries[Q_RENAME], DB_ARGS(db_int(1), db_text(STR("c"))), &changed, &err) &&
            changed == 1,
        "%s", err.message);
}

/* Two claimers never get the same row; in PostgreSQL they do not wait for each other either. */
static void claims_rows_once(const struct db_config *config)
{
    CLEANUP(db_closep) struct db *db = open_thing(config);
    CLEANUP(db_closep) struct db *other = NULL;
    CLEANUP(db_stmt_freep) struct db_stmt *mine = NULL;
    CLEANUP(db_stmt_freep) struct db_stmt *theirs = NULL;
    bool parallel = strcmp(test_database_kind(config), "postgresql") == 0;
    struct err err = {0};

    must_insert(db, 1, "a");
    must_insert(db, 2, "b");
    CHECK(db_open(config, &other, &err), "%s", err.message);
    CHECK(db_begin(db, DB_WRITE, &err), "%s", err.message);
    CHECK(db_select_one(db, &queries[Q_CLAIM], DB_ARGS(db_int(7)), &mine, &err) && mine, "%s",
          err.message);
    CHECK(db_col_int(mine, 0) == 1, "the first");
    db_stmt_freep(&mine);
    CHECK(parallel || db_commit(db, &err), "%s", err.message);
    CHECK(db_begin(other, DB_WRITE, &err), "%s", err.message);
    CHECK(db_select_one(other, &queries[Q_CLAIM], DB_ARGS(db_int(7)), &theirs, &err) && theirs,
          "%s", err.message);
    CHECK(db_col_int(theirs, 0) == 2, "the second");
    db_stmt_freep(&theirs);
    CHECK(db_commit(other, &err), "%s", err.message);
    CHECK(!parallel || db_commit(db, &err), "%s", err.message);
    CHECK(db_select_one(db, &queries[Q_CLAIM], DB_ARGS(db_int(7)), &mine, &err) && !mine,
          "none left");
}

static void refuses_unknown_urls(void **state)
{
    static const char *const urls[] = {"", "mysql://x", "/tmp/x.db", "sqlite:"};
    struct db *db = NULL;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        struct err err = {0};

        CHECK(!db_open(&(struct db_config){.url = urls[i]}, &db, &err) && err.kind == ERR_INVALID,
              "%s", urls[i]);
    }
    db_close(NULL);
    db_stmt_free(NULL);
}

#define ON_BOTH(body)                  \
    static void both_##body(void **st) \
    {                                  \
        (void)st;                      \
        test_databases_empty(body);    \
    }

ON_BOTH(keeps_values)
ON_BOTH(keeps_what_was_bound)
ON_BOTH(finds_blobs_and_pages)
ON_BOTH(counts_changes)
ON_BOTH(reads_while_reading)
ON_BOTH(refuses_to_write_past_a_select)
ON_BOTH(refuses_violations)
ON_BOTH(refuses_bad_calls)
ON_BOTH(checks_statements)
ON_BOTH(commits_and_rolls_back)
ON_BOTH(a_failed_transaction_only_rolls_back)
ON_BOTH(undoes_to_savepoints)
ON_BOTH(reads_one_snapshot)
ON_BOTH(waits_no_longer_than_told)
ON_BOTH(claims_rows_once)

TEST_GROUP(db, cmocka_unit_test(both_keeps_values), cmocka_unit_test(both_keeps_what_was_bound),
           cmocka_unit_test(both_finds_blobs_and_pages), cmocka_unit_test(both_counts_changes),
           cmocka_unit_test(both_reads_while_reading),
           cmocka_unit_test(both_refuses_to_write_past_a_select),
           cmocka_unit_test(both_refuses_violations), cmocka_unit_test(both_refuses_bad_calls),
           cmocka_unit_test(both_checks_statements), cmocka_unit_test(both_commits_and_rolls_back),
           cmocka_unit_test(both_a_failed_transaction_only_rolls_back),
           cmocka_unit_test(both_undoes_to_savepoints), cmocka_unit_test(both_reads_one_snapshot),
           cmocka_unit_test(both_waits_no_longer_than_told),
           cmocka_unit_test(both_claims_rows_once), cmocka_unit_test(refuses_unknown_urls))
