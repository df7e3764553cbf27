#include "db/db.h"

#include "db/driver.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    struct str scheme;
    const struct db_driver *driver;
} schemes[] = {
    {STR_INIT("sqlite:"), &db_sqlite},
    {STR_INIT("postgresql://"), &db_pg},
    {STR_INIT("postgres://"), &db_pg},
};

bool db_open(const struct db_config *config, struct db **out, struct err *err)
{
    struct str url = str_from_z(config->url);

    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        if (str_starts(url, schemes[i].scheme))
            return schemes[i].driver->open(config, out, err);
    }
    return err_set(err, ERR_INVALID, "unknownDatabase",
                   "the database URL has to start with 'sqlite:' or 'postgresql://'");
}

bool db_is_embedded(const struct db_config *config)
{
    return str_starts(str_from_z(config->url), STR("sqlite:"));
}

void db_close(struct db *db)
{
    if (!db)
        return;
    db_rollback(db);
    for (size_t i = 0; i < db->cap; i++) {
        for (struct db_stmt *st = db->slots[i], *same; st; st = same) {
            same = st->same;
            db->driver->drop(st);
        }
    }
    free(db->slots);
    db->driver->close(db);
}

void db_closep(struct db **db)
{
    db_close(*db);
    *db = NULL;
}

/* Inside a transaction an error leaves only undoing, as PostgreSQL has it; SQLite is held to the
 * same, so that what passes on one passes on the other. */
static bool note_failure(struct db *db)
{
    db->failed = db->in_transaction;
    return false;
}

static size_t slot_of(const struct db *db, const char *sql)
{
    size_t mask = db->cap - 1;
    size_t i = (size_t)(((uintptr_t)sql * UINT64_C(0x9E3779B97F4A7C15)) >> 32) & mask;

    while (db->slots[i] && db->slots[i]->sql != sql)
        i = (i + 1) & mask;
    return i;
}

static void grow(struct db *db)
{
    size_t old_cap = db->cap;
    struct db_stmt **old = db->slots;

    db->cap = old_cap ? 2 * old_cap : 64;
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): it is an array of pointers */
    db->slots = mem_alloc(db->cap * sizeof(*db->slots));
    for (size_t i = 0; i < old_cap; i++) {
        if (old[i])
            db->slots[slot_of(db, old[i]->sql)] = old[i];
    }
    free(old);
}

/* An idle statement for the query: a prepared one, or a new one when there is none or all are busy.
 */
static bool take_stmt(struct db *db, const struct db_query *query, struct db_stmt **out,
                      struct err *err)
{
    struct db_stmt *st = NULL;
    size_t slot;

    if (2 * db->count >= db->cap)
        grow(db);
    slot = slot_of(db, query->sql);
    for (st = db->slots[slot]; st && st->busy; st = st->same)
        continue;
    if (!st) {
        if (!db->driver->prepare(db, query, &st, err))
            return false;
        st->db = db;
        st->name = query->name;
        st->sql = query->sql;
        st->same = db->slots[slot];
        db->count += !st->same;
        db->slots[slot] = st;
    }
    *out = st;
    return true;
}

/* Both databases shall take the same: PostgreSQL has no NUL in text. */
static bool check_args(const struct db_query *query, struct db_args args, struct err *err)
{
    for (size_t i = 0; i < args.count; i++) {
        const struct db_value *v = &args.values[i];

        if (v->type == DB_TEXT && v->text.len && memchr(v->text.ptr, '\0', v->text.len)) {
            return err_set(err, ERR_INVALID, "nulInText",
                           "%s: the text for $%zu contains a NUL byte", query->name, i + 1);
        }
    }
    return true;
}

static bool start(struct db *db, const struct db_query *query, struct db_args args,
                  struct db_stmt **out, struct err *err)
{
    if (db->failed) {
        return err_set(err, ERR_INTERNAL, "transactionFailed",
                       "%s: the transaction has failed before and has to be rolled back",
                       query->name);
    }
    return check_args(query, args, err) && take_stmt(db, query, out, err);
}

bool db_exec(struct db *db, const struct db_query *query, struct db_args args, int64_t *out_changed,
             struct err *err)
{
    struct db_stmt *st;
    int64_t changed;

    if (!start(db, query, args, &st, err) || !db->driver->exec(st, args, &changed, err))
        return note_failure(db);
    if (out_changed)
        *out_changed = changed;
    return true;
}

bool db_select(struct db *db, const struct db_query *query, struct db_args args,
               struct db_stmt **out, struct err *err)
{
    struct db_stmt *st;

    if (!start(db, query, args, &st, err) || !db->driver->select(st, args, err))
        return note_failure(db);
    st->busy = true;
    st->open = true;
    db->open_selects++;
    *out = st;
    return true;
}

/* Ends reading at once, so that a select at its end does not hold on to a snapshot until it is
 * freed. */
static void end_rows(struct db_stmt *st)
{
    if (!st->open)
        return;
    st->open = false;
    st->db->open_selects--;
    st->db->driver->reset(st);
}

bool db_step(struct db_stmt *st, bool *out_row, struct err *err)
{
    bool row = false;

    if (st->open && !st->db->driver->step(st, &row, err)) {
        end_rows(st);
        return note_failure(st->db);
    }
    if (!row)
        end_rows(st);
    *out_row = row;
    return true;
}

void db_stmt_free(struct db_stmt *st)
{
    if (!st)
        return;
    end_rows(st);
    st->busy = false;
}

void db_stmt_freep(struct db_stmt **st)
{
    db_stmt_free(*st);
    *st = NULL;
}

bool db_select_one(struct db *db, const struct db_query *query, struct db_args args,
                   struct db_stmt **out, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    bool row;

    if (!db_select(db, query, args, &st, err) || !db_step(st, &row, err))
        return false;
    *out = NULL;
    if (row)
        *out = TAKE(st);
    return true;
}

struct str db_col_text(struct db_stmt *st, int column)
{
    assert(st->open);
    return st->db->driver->col_text(st, column);
}

int64_t db_col_int(struct db_stmt *st, int column)
{
    assert(st->open);
    return st->db->driver->col_int(st, column);
}

bool db_col_bool(struct db_stmt *st, int column)
{
    return db_col_int(st, column) != 0;
}

double db_col_double(struct db_stmt *st, int column)
{
    assert(st->open);
    return st->db->driver->col_double(st, column);
}

bool db_col_is_null(struct db_stmt *st, int column)
{
    assert(st->open);
    return st->db->driver->col_is_null(st, column);
}

static bool begin(struct db *db, enum db_control how, struct err *err)
{
    if (db->in_transaction)
        return err_set(err, ERR_INTERNAL, "transactionOpen", "a transaction is already open");
    /* SQLite refuses to write from an old snapshot, but only when somebody else wrote in between:
     * better always than now and then. */
    if (how != DB_BEGIN_READ && db->open_selects) {
        return err_set(err, ERR_INTERNAL, "selectOpen",
                       "a select is still open: free it before a transaction that writes begins");
    }
    if (!db->driver->control(db, how, err))
        return false;
    db->in_transaction = true;
    db->reading = how == DB_BEGIN_READ;
    return true;
}

bool db_begin(struct db *db, enum db_transaction kind, struct err *err)
{
    return begin(db, kind == DB_READ ? DB_BEGIN_READ : DB_BEGIN_WRITE, err);
}

bool db_begin_migration(struct db *db, struct err *err)
{
    return begin(db, DB_BEGIN_MIGRATION, err);
}

bool db_commit(struct db *db, struct err *err)
{
    assert(db->in_transaction);
    if (db->failed) {
        db_rollback(db);
        return err_set(err, ERR_INTERNAL, "transactionFailed",
                       "the transaction cannot be committed: a statement in it has failed");
    }
    if (!db->driver->control(db, DB_COMMIT, err)) {
        db_rollback(db);
        return false;
    }
    db->in_transaction = false;
    db->savepoints = 0;
    return true;
}

void db_rollback(struct db *db)
{
    if (!db->in_transaction)
        return;
    /* When this fails the database has rolled back by itself or is gone, which comes to the same.
     */
    db->driver->control(db, DB_ROLLBACK, NULL);
    db->in_transaction = false;
    db->failed = false;
    db->savepoints = 0;
    db->light = false;
}

bool db_in_transaction(const struct db *db)
{
    return db->in_transaction;
}

static bool savepoint(struct db *db, bool light, struct err *err)
{
    assert(db->in_transaction && !(light && db->savepoints));
    if (db->failed) {
        return err_set(err, ERR_INTERNAL, "transactionFailed",
                       "no savepoint: the transaction has failed before and has to be rolled back");
    }
    light = light && db->driver->changes;
    if (light) {
        db->before = db->driver->changes(db);
    } else if (!db->driver->control(db, DB_SAVEPOINT, err)) {
        return note_failure(db);
    }
    db->light = db->light || light;
    db->savepoints++;
    return true;
}

bool db_savepoint(struct db *db, struct err *err)
{
    return savepoint(db, false, err);
}

bool db_savepoint_light(struct db *db, struct err *err)
{
    return savepoint(db, true, err);
}

/* Whether the innermost savepoint is the light one, which is no more then. */
static bool end_light(struct db *db)
{
    if (!db->light || db->savepoints > 1)
        return false;
    db->light = false;
    return true;
}

bool db_savepoint_release(struct db *db, struct err *err)
{
    assert(db->savepoints > 0);
    if (db->failed) {
        return err_set(err, ERR_INTERNAL, "transactionFailed",
                       "the savepoint cannot be kept: a statement after it has failed");
    }
    if (!end_light(db) && !db->driver->control(db, DB_RELEASE, err))
        return note_failure(db);
    db->savepoints--;
    return true;
}

static bool undo(struct db *db, struct err *err)
{
    if (!end_light(db))
        return db->driver->control(db, DB_UNDO, err);
    return db->driver->changes(db) == db->before ||
           err_set(err, ERR_INTERNAL, "notUndone",
                   "what has failed cannot be undone alone: the transaction is rolled back");
}

bool db_savepoint_rollback(struct db *db, struct err *err)
{
    assert(db->savepoints > 0);
    if (!undo(db, err))
        return note_failure(db);
    db->savepoints--;
    db->failed = false;
    return true;
}

bool db_check(struct db *db, const struct db_query *queries, size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        struct db_stmt *st;

        if (!queries[i].name || !queries[i].sql) {
            return err_set(err, ERR_INTERNAL, "badStatement",
                           "statement %zu of the table is missing", i);
        }
        if (!take_stmt(db, &queries[i], &st, err))
            return note_failure(db);
    }
    return true;
}
