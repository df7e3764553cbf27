/* The narrow door to the database: SQLite (embedded, the default) or PostgreSQL. SQL is written
 * once, in the common dialect of both (src/db/README.md); only sqlite.c and pg.c know which is
 * behind the door. A struct db belongs to one thread; threads open one each from the same struct
 * db_config. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct db;
struct db_stmt;

/* "sqlite:/path/file" or "postgresql://...". The text is borrowed for as long as databases are
 * opened. */
struct db_config {
    const char *url;
    const char
        *schema; /* PostgreSQL: name of the schema to work in; NULL: the connection's default */
    int busy_timeout_ms; /* 0: 10,000 */
};

/* Opens without migrating. ERR_NOT_FOUND/ERR_DENIED/ERR_UNAVAILABLE with the path or host in the
 * message. */
MUST_USE bool db_open(const struct db_config *config, struct db **out, struct err *err);
/* Whether the database is a file that this process reads itself: a look-up by an index takes
 * microseconds and waits for nobody. */
bool db_is_embedded(const struct db_config *config);
void db_close(struct db *db); /* NULL is fine; rolls back what is open */
void db_closep(struct db **db);

/* Brings the schema to the newest numbered migration (compiled in), in one transaction.
 * ERR_INVALID "databaseTooNew" when a newer usher made it. */
MUST_USE bool db_migrate(struct db *db, struct err *err);

/* A statement of a module's table: a name for logs and a text for both databases. Placeholders are
 * $1 ... $n, each used, with as many arguments. Prepared on first use and kept, keyed by the
 * address of the text, which therefore has static storage. */
struct db_query {
    const char *name;
    const char *sql;
};

enum db_type { DB_NULL, DB_INT, DB_BOOL, DB_DOUBLE, DB_TEXT, DB_BLOB };

struct db_value {
    enum db_type type;
    int64_t integer; /* DB_INT, DB_BOOL */
    double number;
    struct str text; /* DB_TEXT (UTF-8 without NUL), DB_BLOB; borrowed until the call returns */
};

static inline struct db_value db_null(void)
{
    return (struct db_value){.type = DB_NULL};
}
static inline struct db_value db_int(int64_t n)
{
    return (struct db_value){.type = DB_INT, .integer = n};
}
static inline struct db_value db_bool(bool b)
{
    return (struct db_value){.type = DB_BOOL, .integer = b};
}
static inline struct db_value db_double(double n)
{
    return (struct db_value){.type = DB_DOUBLE, .number = n};
}
static inline struct db_value db_text(struct str s)
{
    return (struct db_value){.type = DB_TEXT, .text = s};
}
static inline struct db_value db_blob(struct str s)
{
    return (struct db_value){.type = DB_BLOB, .text = s};
}
/* NULL when s is empty. */
static inline struct db_value db_text_or_null(struct str s)
{
    return s.len ? db_text(s) : db_null();
}

struct db_args {
    const struct db_value *values;
    size_t count;
};

#define DB_ARGS(...)                                          \
    ((struct db_args){(const struct db_value[]){__VA_ARGS__}, \
                      sizeof((const struct db_value[]){__VA_ARGS__}) / sizeof(struct db_value)})
#define DB_NO_ARGS ((struct db_args){NULL, 0})

/* Runs a statement that returns no rows. *out_changed, if not NULL: rows inserted, changed or
 * removed. ERR_CONFLICT on a violated constraint, ERR_UNAVAILABLE when busy or disconnected,
 * ERR_LIMIT "diskFull", ERR_DENIED "readOnlyDatabase", ERR_INTERNAL otherwise; the message names
 * the statement. */
MUST_USE bool db_exec(struct db *db, const struct db_query *query, struct db_args args,
                      int64_t *out_changed, struct err *err);

/* Starts a statement that returns rows. SQLite reads them as you step, PostgreSQL fetches the whole
 * result, so page long lists with LIMIT. Several selects may be open, also of the same query, and
 * other statements may run in between; but free them before a db_begin(DB_WRITE), which refuses
 * otherwise
 * ("selectOpen"): SQLite cannot write from a snapshot that others have written past. */
MUST_USE bool db_select(struct db *db, const struct db_query *query, struct db_args args,
                        struct db_stmt **out, struct err *err);
/* Moves to the next row; *out_row is false at the end. */
MUST_USE bool db_step(struct db_stmt *st, bool *out_row, struct err *err);
void db_stmt_free(struct db_stmt *st); /* NULL is fine */
void db_stmt_freep(struct db_stmt **st);

/* Columns of the current row, from 0; text is valid until the next step. NULL gives 0, false and
 * "". */
struct str db_col_text(struct db_stmt *st, int column); /* also for blobs */
int64_t db_col_int(struct db_stmt *st, int column);
bool db_col_bool(struct db_stmt *st, int column);
double db_col_double(struct db_stmt *st, int column);
bool db_col_is_null(struct db_stmt *st, int column);

/* One row or none: db_select + db_step. *out is set when there is a row (then the caller frees it),
 * NULL when there is none. */
MUST_USE bool db_select_one(struct db *db, const struct db_query *query, struct db_args args,
                            struct db_stmt **out, struct err *err);

/* Transactions do not nest. After any error inside one, roll back (or back to a savepoint):
 * everything else is refused with ERR_INTERNAL "transactionFailed". DB_READ sees one snapshot and
 * cannot write. DB_WRITE takes the write lock at once in SQLite (BEGIN IMMEDIATE); in PostgreSQL
 * each of its statements sees what others have committed before it (READ COMMITTED). */
enum db_transaction { DB_READ, DB_WRITE };
MUST_USE bool db_begin(struct db *db, enum db_transaction kind, struct err *err);
/* Durable when it returns true; rolled back when false. But when the connection to PostgreSQL
 * breaks in that very moment (ERR_UNAVAILABLE "databaseUnavailable") nobody can tell: what is
 * written has to bear being written again. */
MUST_USE bool db_commit(struct db *db, struct err *err);
void db_rollback(struct db *db); /* nothing happens when none is open */
bool db_in_transaction(const struct db *db);

/* A point inside a transaction that what follows can be undone to. Savepoints nest: release (which
 * keeps the work) and rollback (which undoes it) both end the innermost. */
MUST_USE bool db_savepoint(struct db *db, struct err *err);
MUST_USE bool db_savepoint_release(struct db *db, struct err *err);
MUST_USE bool db_savepoint_rollback(struct db *db, struct err *err);
/* As db_savepoint, for work that fails before it has changed anything, if it fails, and the
 * outermost in its transaction. In SQLite it costs nothing, where others copy each page that is
 * changed: nothing can be undone then. Rolling back to it when something was changed nevertheless
 * fails with ERR_INTERNAL "notUndone", and the transaction has to be rolled back. */
MUST_USE bool db_savepoint_light(struct db *db, struct err *err);

/* Prepares every statement of a table; the first that the database refuses is named in err. */
MUST_USE bool db_check(struct db *db, const struct db_query *queries, size_t count,
                       struct err *err);
