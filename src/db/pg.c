/* PostgreSQL behind db.h. The only file that knows libpq-fe.h. Every statement is prepared; results
 * are fetched whole and in binary. */
#include "base/buf.h"
#include "db/driver.h"
#include "db/pg_value.h"

#include <libpq-fe.h>

enum {
    LOCK_TIMEOUT_MS = 10000,
    SQL_MAX = 1 << 20,    /* bytes of a statement */
    SCHEMA_NAME_MAX = 63, /* PostgreSQL cuts longer names */
    LEAST_POSTGRESQL = 130000,
};

struct pg_db {
    struct db base;
    PGconn *conn;
    char *schema; /* quoted; NULL: as the connection has it */
    int lock_timeout_ms;
    unsigned session;    /* counts connections: a statement of an older one is prepared again */
    bool is_set_up;      /* the connection there is */
    uint64_t statements; /* counts names */
};

struct pg_stmt {
    struct db_stmt base;
    unsigned session; /* 0: to be prepared */
    char name[24];
    size_t params;
    Oid types[DB_PARAMS_MAX];
    PGresult *rows; /* of the select that is being read */
    int row;        /* -1 before the first */
    struct arena
        *texts; /* numbers of the current row that were asked for as text; made when needed */
};

static struct pg_db *of(struct db *db)
{
    return (struct pg_db *)(void *)db;
}

static struct pg_stmt *stmt_of(struct db_stmt *st)
{
    return (struct pg_stmt *)(void *)st;
}

/* --- errors -------------------------------------------------------------------------------------
 */

/* By SQLSTATE; the first entry that the state starts with. */
static const struct {
    const char *state;
    enum err_kind kind;
    const char *code;
} states[] = {
    {"23505", ERR_CONFLICT, "uniqueViolation"},
    {"23503", ERR_CONFLICT, "foreignKeyViolation"},
    {"23502", ERR_CONFLICT, "notNullViolation"},
    {"23514", ERR_CONFLICT, "checkViolation"},
    {"23", ERR_CONFLICT, "constraintViolation"},
    {"40", ERR_UNAVAILABLE, "databaseBusy"},
    {"55P03", ERR_UNAVAILABLE, "databaseBusy"},
    {"53100", ERR_LIMIT, "diskFull"},
    {"54", ERR_LIMIT, "valueTooBig"},
    {"08", ERR_UNAVAILABLE, "databaseUnavailable"},
    {"53", ERR_UNAVAILABLE, "databaseUnavailable"},
    {"57", ERR_UNAVAILABLE, "databaseUnavailable"},
    {"25006", ERR_DENIED, "readOnlyDatabase"},
    {"42501", ERR_DENIED, "databaseDenied"},
    {"22", ERR_INVALID, "wrongValue"},
};

/* The first line of a message of libpq, which has several and ends with a line feed. */
static struct str first_line(const char *message)
{
    struct str rest = str_from_z(message);
    struct str line;

    str_cut(&rest, '\n', &line);
    return str_trim(line);
}

static bool fail_lost(struct pg_db *db, const char *what, struct err *err)
{
    struct str line = first_line(PQerrorMessage(db->conn));

    return err_set(err, ERR_UNAVAILABLE, "databaseUnavailable",
                   "%s: the connection to PostgreSQL is lost: %.*s", what, STR_ARG(line));
}

/* Of the server's message the primary line alone is told: the others can carry the values of the
 * row. */
static bool fail(struct pg_db *db, const char *what, const PGresult *result, struct err *err)
{
    const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    enum err_kind kind = ERR_INTERNAL;
    const char *code = "databaseError";
    struct str line;

    if (!state || PQstatus(db->conn) == CONNECTION_BAD)
        return fail_lost(db, what, err);
    if (strcmp(state, "25006") == 0 && db->base.in_transaction && db->base.reading) {
        return err_set(err, ERR_INTERNAL, "writeInReadTransaction",
                       "%s: writes in a transaction that was begun for reading", what);
    }
    for (size_t i = 0; i < ARRAY_LEN(states); i++) {
        if (str_starts(str_from_z(state), str_from_z(states[i].state))) {
            kind = states[i].kind;
            code = states[i].code;
            break;
        }
    }
    line = first_line(PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
    return err_set(err, kind, code, "%s: %.*s", what, STR_ARG(line));
}

/* A connection that was not made has no SQLSTATE, only a text. */
static bool fail_connect(struct pg_db *db, struct err *err)
{
    struct str line = first_line(PQerrorMessage(db->conn));
    size_t at;

    if (PQconnectionNeedsPassword(db->conn) || str_find(line, STR("authentication failed"), &at)) {
        return err_set(err, ERR_DENIED, "databaseDenied", "PostgreSQL refuses the login: %.*s",
                       STR_ARG(line));
    }
    if (str_find(line, STR("FATAL:  database \""), &at) &&
        str_find(line, STR("does not exist"), &at)) {
        return err_set(err, ERR_NOT_FOUND, "noSuchDatabase", "no such database: %.*s",
                       STR_ARG(line));
    }
    return err_set(err, ERR_UNAVAILABLE, "databaseUnavailable",
                   "PostgreSQL cannot be reached: %.*s", STR_ARG(line));
}

/* --- connecting ---------------------------------------------------------------------------------
 */

static bool run(struct pg_db *db, const char *what, const char *sql, struct err *err)
{
    PGresult *result = PQexec(db->conn, sql);
    ExecStatusType status = PQresultStatus(result);
    bool ok =
        status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || fail(db, what, result, err);

    PQclear(result);
    return ok;
}

/* What text sorts like decides what a page of a list holds, so it has to be the same everywhere: by
 * bytes, as SQLite has it. */
static bool check_database(struct pg_db *db, struct err *err)
{
    PGresult *result = PQexec(db->conn, "SELECT current_setting('server_encoding'), datcollate,"
                                        " datcollate IN ('C', 'POSIX', 'C.UTF-8', 'C.utf8')"
                                        " AND 'a' > 'B' AND '~' > '_a'"
                                        "  FROM pg_database WHERE datname = current_database()");
    bool ok = PQresultStatus(result) == PGRES_TUPLES_OK || fail(db, "open", result, err);

    if (ok && (strcmp(PQgetvalue(result, 0, 0), "UTF8") != 0 || *PQgetvalue(result, 0, 2) != 't')) {
        ok = err_set(
            err, ERR_INVALID, "databaseCollation",
            "database '%s' has encoding %s and collation %s: create it with CREATE DATABASE ... "
            "TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'",
            PQdb(db->conn), PQgetvalue(result, 0, 0), PQgetvalue(result, 0, 1));
    }
    PQclear(result);
    return ok;
}

/* A server that was told not to wait for its log would lose what was acknowledged. */
static bool set_up(struct pg_db *db, struct err *err)
{
    char sql[512];

    if (PQserverVersion(db->conn) < LEAST_POSTGRESQL)
        return err_set(err, ERR_INVALID, "oldPostgresql", "PostgreSQL is too old: 13 is needed");
    snprintf(sql, sizeof(sql),
             "SET lock_timeout = %d;"
             "SELECT set_config('synchronous_commit', 'on', false)"
             " WHERE current_setting('synchronous_commit') = 'off'",
             db->lock_timeout_ms);
    if (!check_database(db, err) || !run(db, "open", sql, err))
        return false;
    if (db->schema) {
        snprintf(sql, sizeof(sql), "SET search_path TO %s", db->schema);
        if (!run(db, "open", sql, err))
            return false;
    }
    db->session++;
    db->is_set_up = true;
    return true;
}

/* Outside a transaction a lost connection is made again. One that could be made but not set up
 * would look at other tables: it is set up before anything else. */
static bool ready(struct pg_db *db, const char *what, struct err *err)
{
    if (PQstatus(db->conn) == CONNECTION_OK)
        return db->is_set_up || set_up(db, err);
    if (db->base.in_transaction) {
        return err_set(err, ERR_UNAVAILABLE, "databaseUnavailable",
                       "%s: the connection to PostgreSQL was lost in this transaction", what);
    }
    db->is_set_up = false;
    PQreset(db->conn);
    if (PQstatus(db->conn) != CONNECTION_OK)
        return fail_connect(db, err);
    return set_up(db, err);
}

static void ignore_notice(void *ctx, const PGresult *result)
{
    (void)ctx;
    (void)result;
}

static void pg_close(struct db *base)
{
    struct pg_db *db = of(base);

    PQfinish(db->conn);
    PQfreemem(db->schema);
    free(db);
}

/* Parameters before dbname are defaults that the URL can override; those after it are not. */
static PGconn *connect_to(const char *url)
{
    const char *const names[] = {"connect_timeout",
                                 "keepalives_idle",
                                 "tcp_user_timeout",
                                 "fallback_application_name",
                                 "dbname",
                                 "client_encoding",
                                 NULL};
    const char *const values[] = {"10", "30", "60000", "usher", url, "UTF8", NULL};

    return PQconnectdbParams(names, values, 1);
}

static bool quote_schema(struct pg_db *db, const char *schema, struct err *err)
{
    if (strlen(schema) <= SCHEMA_NAME_MAX)
        db->schema = PQescapeIdentifier(db->conn, schema, strlen(schema));
    return db->schema ||
           err_set(err, ERR_INVALID, "badSchemaName",
                   "the name of the schema is not UTF-8 or over %d bytes", SCHEMA_NAME_MAX);
}

static bool pg_open(const struct db_config *config, struct db **out, struct err *err)
{
    PQconninfoOption *parts = PQconninfoParse(config->url, NULL);
    struct pg_db *db;
    bool ok;

    /* libpq's own message repeats the URL, and there may be a password in it. */
    if (!parts) {
        return err_set(
            err, ERR_INVALID, "badDatabaseUrl",
            "the database URL cannot be read: postgresql://USER@HOST:PORT/DATABASE, with "
            "special characters as %%XX");
    }
    PQconninfoFree(parts);
    db = mem_alloc(sizeof(*db));
    db->base.driver = &db_pg;
    db->lock_timeout_ms = config->busy_timeout_ms ? config->busy_timeout_ms : LOCK_TIMEOUT_MS;
    db->conn = connect_to(config->url);
    ok = PQstatus(db->conn) == CONNECTION_OK || fail_connect(db, err);
    if (ok) {
        PQsetNoticeReceiver(db->conn, ignore_notice, NULL);
        ok = !config->schema || quote_schema(db, config->schema, err);
    }
    if (!ok || !set_up(db, err)) {
        pg_close(&db->base);
        return false;
    }
    *out = &db->base;
    return true;
}

/* --- transactions -------------------------------------------------------------------------------
 */

/* COMMIT of a transaction that has failed is answered with success, and "ROLLBACK". */
static bool commit(struct pg_db *db, struct err *err)
{
    PGresult *result = PQexec(db->conn, "COMMIT");
    bool ok = PQresultStatus(result) == PGRES_COMMAND_OK || fail(db, "COMMIT", result, err);

    if (ok && strcmp(PQcmdStatus(result), "COMMIT") != 0)
        ok = err_set(err, ERR_INTERNAL, "transactionFailed", "PostgreSQL rolled back instead");
    PQclear(result);
    return ok;
}

/* One lock for all schemas of the database: a migration is short and rare. */
static bool begin_migration(struct pg_db *db, struct err *err)
{
    char sql[512];

    if (!run(db, "BEGIN", "BEGIN; SELECT pg_advisory_xact_lock(128734905431)", err)) {
        run(db, "ROLLBACK", "ROLLBACK", NULL);
        return false;
    }
    if (!db->schema)
        return true;
    snprintf(sql, sizeof(sql), "CREATE SCHEMA IF NOT EXISTS %s", db->schema);
    if (run(db, "CREATE SCHEMA", sql, err))
        return true;
    run(db, "ROLLBACK", "ROLLBACK", NULL);
    return false;
}

static bool pg_control(struct db *base, enum db_control what, struct err *err)
{
    static const char *const sql[] = {
        [DB_BEGIN_READ] = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        [DB_BEGIN_WRITE] = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
        [DB_BEGIN_MIGRATION] = "BEGIN",
        [DB_COMMIT] = "COMMIT",
        [DB_ROLLBACK] = "ROLLBACK",
        [DB_SAVEPOINT] = "SAVEPOINT s",
        [DB_RELEASE] = "RELEASE SAVEPOINT s",
        [DB_UNDO] = "ROLLBACK TO SAVEPOINT s; RELEASE SAVEPOINT s",
    };
    struct pg_db *db = of(base);

    if (!ready(db, sql[what], err))
        return false;
    if (what == DB_COMMIT)
        return commit(db, err);
    if (what == DB_BEGIN_MIGRATION)
        return begin_migration(db, err);
    if (run(db, sql[what], sql[what], err))
        return true;
    /* A connection that broke while nobody used it shows only now, and nothing is lost by asking
     * again. */
    return !base->in_transaction && PQstatus(db->conn) == CONNECTION_BAD &&
           ready(db, sql[what], err) && run(db, sql[what], sql[what], err);
}

static bool pg_script(struct db *base, const char *sql, struct err *err)
{
    return ready(of(base), "script", err) && run(of(base), "script", sql, err);
}

/* --- statements ---------------------------------------------------------------------------------
 */

/* What has another type in PostgreSQL than in SQLite is refused when it is prepared, not when the
 * first large number comes. */
static bool check_types(struct pg_stmt *st, const PGresult *described, const char *what,
                        struct err *err)
{
    int params = PQnparams(described);

    if (params > DB_PARAMS_MAX) {
        return err_set(err, ERR_INTERNAL, "badStatement", "%s: more than %d arguments", what,
                       DB_PARAMS_MAX);
    }
    st->params = (size_t)params;
    for (int i = 0; i < params; i++)
        st->types[i] = PQparamtype(described, i);
    for (int i = 0; i < PQnfields(described); i++) {
        Oid type = PQftype(described, i);

        if (!pg_type_is_read(type)) {
            return err_set(
                err, ERR_INTERNAL, "badStatement",
                "%s: column '%s' has a type that usher does not read (%u): use CAST(... AS "
                "BIGINT), TEXT or DOUBLE PRECISION",
                what, PQfname(described, i), type);
        }
    }
    return true;
}

/* Puts the row lock in the place of its hint. */
static void write_sql(struct buf *sql, const char *text)
{
    const struct str hint = STR("/*skip-locked*/");
    struct str rest = str_from_z(text);
    size_t at;

    while (str_find(rest, hint, &at)) {
        buf_add(sql, str_sub(rest, 0, at));
        buf_add_z(sql, "FOR UPDATE SKIP LOCKED");
        rest = str_from(rest, at + hint.len);
    }
    buf_add(sql, rest);
}

static bool prepare(struct pg_db *db, struct pg_stmt *st, const struct db_query *query,
                    struct err *err)
{
    CLEANUP(buf_done) struct buf sql;
    PGresult *result;
    bool ok;

    buf_init(&sql, SQL_MAX);
    write_sql(&sql, query->sql);
    snprintf(st->name, sizeof(st->name), "s%llu", (unsigned long long)++db->statements);
    result = PQprepare(db->conn, st->name, buf_z(&sql), 0, NULL);
    ok = PQresultStatus(result) == PGRES_COMMAND_OK || fail(db, query->name, result, err);
    PQclear(result);
    if (!ok)
        return false;
    result = PQdescribePrepared(db->conn, st->name);
    ok = (PQresultStatus(result) == PGRES_COMMAND_OK || fail(db, query->name, result, err)) &&
         check_types(st, result, query->name, err);
    PQclear(result);
    if (ok)
        st->session = db->session;
    return ok;
}

static void pg_drop(struct db_stmt *base)
{
    struct pg_stmt *st = stmt_of(base);

    PQclear(st->rows);
    arena_free(st->texts);
    free(st);
}

static bool pg_prepare(struct db *base, const struct db_query *query, struct db_stmt **out,
                       struct err *err)
{
    struct pg_stmt *st = mem_alloc(sizeof(*st));

    if (!ready(of(base), query->name, err) || !prepare(of(base), st, query, err)) {
        pg_drop(&st->base);
        return false;
    }
    *out = &st->base;
    return true;
}

static bool bind(const struct pg_stmt *st, struct db_args args, struct pg_arguments *b,
                 struct err *err)
{
    if (args.count != st->params) {
        return err_set(err, ERR_INTERNAL, "badStatement", "%s: takes %zu arguments, not %zu",
                       st->base.name, st->params, args.count);
    }
    for (size_t i = 0; i < args.count; i++) {
        if (!pg_argument(b, i, &args.values[i], st->types[i])) {
            return err_set(err, ERR_INTERNAL, "badStatement",
                           "%s: $%zu is given another type than it has in PostgreSQL (%u)",
                           st->base.name, i + 1, st->types[i]);
        }
    }
    return true;
}

static bool execute(struct pg_stmt *st, struct db_args args, PGresult **out, struct err *err)
{
    struct pg_db *db = of(st->base.db);
    struct pg_arguments b;
    PGresult *result;

    if (!ready(db, st->base.name, err))
        return false;
    if (st->session != db->session &&
        !prepare(db, st, &(struct db_query){st->base.name, st->base.sql}, err))
        return false;
    if (!bind(st, args, &b, err))
        return false;
    result = PQexecPrepared(db->conn, st->name, (int)args.count, b.values, b.lengths, b.formats, 1);
    if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK) {
        const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

        /* The tables have changed under the plan: it is made anew the next time. */
        if (state && strcmp(state, "0A000") == 0)
            st->session = 0;
        fail(db, st->base.name, result, err);
        if (!st->session) {
            err_fill(err, ERR_UNAVAILABLE, "databaseChanged",
                     "%s: the schema has just been migrated", st->base.name);
        }
        PQclear(result);
        return false;
    }
    *out = result;
    return true;
}

static bool pg_exec(struct db_stmt *base, struct db_args args, int64_t *out_changed,
                    struct err *err)
{
    PGresult *result;

    if (!execute(stmt_of(base), args, &result, err))
        return false;
    *out_changed = 0;
    if (strncmp(PQcmdStatus(result), "SELECT", 6) != 0 &&
        !str_to_int(str_from_z(PQcmdTuples(result)), 0, INT64_MAX, out_changed))
        *out_changed = 0; /* not a statement that changes rows: the count is empty */
    PQclear(result);
    return true;
}

static bool pg_select(struct db_stmt *base, struct db_args args, struct err *err)
{
    struct pg_stmt *st = stmt_of(base);

    st->row = -1;
    return execute(st, args, &st->rows, err);
}

static bool pg_step(struct db_stmt *base, bool *out_row, struct err *err)
{
    struct pg_stmt *st = stmt_of(base);

    (void)err; /* all rows are here */
    if (st->texts)
        arena_reset(st->texts);
    *out_row = ++st->row < PQntuples(st->rows);
    return true;
}

static void pg_reset(struct db_stmt *base)
{
    struct pg_stmt *st = stmt_of(base);

    PQclear(st->rows);
    st->rows = NULL;
}

/* --- columns ------------------------------------------------------------------------------------
 */

static bool pg_col_is_null(struct db_stmt *base, int column)
{
    return PQgetisnull(stmt_of(base)->rows, stmt_of(base)->row, column);
}

static struct pg_value value_of(struct db_stmt *base, int column)
{
    struct pg_stmt *st = stmt_of(base);

    return (struct pg_value){PQftype(st->rows, column), PQgetvalue(st->rows, st->row, column),
                             (size_t)PQgetlength(st->rows, st->row, column)};
}

static int64_t pg_col_int(struct db_stmt *base, int column)
{
    return pg_value_int(value_of(base, column));
}

static double pg_col_double(struct db_stmt *base, int column)
{
    return pg_value_double(value_of(base, column));
}

/* The bytes of a text or a blob; a number as text. */
static struct str pg_col_text(struct db_stmt *base, int column)
{
    struct pg_stmt *st = stmt_of(base);
    struct pg_value v = value_of(base, column);

    if (pg_col_is_null(base, column))
        return (struct str){NULL, 0};
    if (pg_type_is_text(v.type) || v.type == PG_BYTEA)
        return (struct str){v.bytes, v.len};
    if (!st->texts)
        st->texts = arena_new();
    if (v.type == PG_FLOAT8)
        return arena_printf(st->texts, "%.15g", pg_value_double(v));
    return arena_printf(st->texts, "%lld", (long long)pg_value_int(v));
}

const struct db_driver db_pg = {
    .kind = "postgresql",
    .open = pg_open,
    .close = pg_close,
    .control = pg_control,
    .script = pg_script,
    .find_table = {"find_table", "SELECT 1 FROM pg_class WHERE oid = to_regclass($1)"},
    .prepare = pg_prepare,
    .drop = pg_drop,
    .exec = pg_exec,
    .select = pg_select,
    .step = pg_step,
    .reset = pg_reset,
    .col_text = pg_col_text,
    .col_int = pg_col_int,
    .col_double = pg_col_double,
    .col_is_null = pg_col_is_null,
};
