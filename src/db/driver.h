/* What a database has to provide to stand behind db.h. Inside src/db only. db.c keeps the rules
 * that are the same for both (statement cache, transaction state, checks of the arguments); a
 * driver talks to its library and maps its errors. */
#pragma once

#include "db/db.h"

/* Arguments of one statement: what the largest statement needs, with room. */
enum { DB_PARAMS_MAX = 64 };

/* Statements that move a transaction. Savepoints all have one name: the innermost is meant. */
enum db_control {
    DB_BEGIN_READ,
    DB_BEGIN_WRITE,
    DB_BEGIN_MIGRATION, /* waits for every other migration of this schema */
    DB_COMMIT,
    DB_ROLLBACK,
    DB_SAVEPOINT,
    DB_RELEASE,
    DB_UNDO, /* back to the innermost savepoint, which is gone then */
    DB_CONTROL_COUNT,
};

/* First member of the driver's own struct; all fields are db.c's. */
struct db {
    const struct db_driver *driver;
    struct db_stmt **slots; /* open addressing by address of the text; cap is a power of two */
    size_t cap;
    size_t count;
    size_t open_selects; /* neither at their end nor freed */
    bool in_transaction;
    bool reading; /* the transaction is a DB_READ */
    bool failed;  /* an error happened in the transaction: only undoing is left */
    unsigned savepoints;
    bool light;     /* the outermost savepoint only knows what was changed before it */
    int64_t before; /* of that: driver->changes */
};

/* First member of the driver's own struct; all fields are db.c's, except query which the driver
 * sets. */
struct db_stmt {
    struct db *db;
    const char *name;
    const char *sql;
    struct db_stmt *same; /* another copy of the same statement, for when this one is busy */
    bool busy;            /* given out by db_select and not freed */
    bool open;            /* may have more rows */
};

struct db_driver {
    const char *kind; /* "sqlite", "postgresql" */

    bool (*open)(const struct db_config *config, struct db **out, struct err *err);
    void (*close)(struct db *db); /* after all statements are dropped */

    bool (*control)(struct db *db, enum db_control what, struct err *err);
    /* Rows changed up to now, -1 when the transaction is gone. NULL: after a statement that failed
     * nothing goes on without a savepoint. */
    int64_t (*changes)(struct db *db);
    /* Statements without arguments and results, separated by semicolons. */
    bool (*script)(struct db *db, const char *sql, struct err *err);
    /* One row if there is a table named $1. */
    struct db_query find_table;

    /* The driver allocates its statement and need not fill the base. */
    bool (*prepare)(struct db *db, const struct db_query *query, struct db_stmt **out,
                    struct err *err);
    void (*drop)(struct db_stmt *st);
    /* Runs to the end. *out_changed is set on success. */
    bool (*exec)(struct db_stmt *st, struct db_args args, int64_t *out_changed, struct err *err);
    /* Starts; does not keep what args point to. */
    bool (*select)(struct db_stmt *st, struct db_args args, struct err *err);
    bool (*step)(struct db_stmt *st, bool *out_row, struct err *err);
    void (*reset)(struct db_stmt *st); /* gives up the rest of the rows; also after an error */

    struct str (*col_text)(struct db_stmt *st, int column);
    int64_t (*col_int)(struct db_stmt *st, int column);
    double (*col_double)(struct db_stmt *st, int column);
    bool (*col_is_null)(struct db_stmt *st, int column);
};

/* As db_begin(DB_WRITE), but alone among all who migrate this schema. */
MUST_USE bool db_begin_migration(struct db *db, struct err *err);

extern const struct db_driver db_sqlite;
extern const struct db_driver db_pg;
