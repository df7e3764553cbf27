/* SQLite behind db.h. The only file that knows sqlite3.h. */
#include "base/buf.h"
#include "db/driver.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/stat.h>

enum {
    BUSY_TIMEOUT_MS = 10000,
    WAL_RETRY_MS = 5,
    LEAST_SQLITE = 3039000,
    SAVEPOINT_MEMORY = 120 * 1024, /* bytes; under 128 KiB: see configure */
};

struct sqlite_db {
    struct db base;
    sqlite3 *handle;
    char *path;
    sqlite3_stmt *control[DB_CONTROL_COUNT];
};

struct sqlite_stmt {
    struct db_stmt base;
    sqlite3_stmt *handle;
    size_t params;            /* the highest n of $n */
    int index[DB_PARAMS_MAX]; /* what SQLite calls $1, $2, ...: it numbers by first appearance */
    char *kept;               /* texts of a select that is being read */
    size_t kept_cap;
};

static struct sqlite_db *of(struct db *db)
{
    return (struct sqlite_db *)(void *)db;
}

static struct sqlite_stmt *stmt_of(struct db_stmt *st)
{
    return (struct sqlite_stmt *)(void *)st;
}

/* --- errors -------------------------------------------------------------------------------------
 */

static bool fail_constraint(sqlite3 *handle, const char *what, int code, struct err *err)
{
    const char *name = "constraintViolation";

    if (code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY) {
        name = "uniqueViolation";
    } else if (code == SQLITE_CONSTRAINT_FOREIGNKEY) {
        name = "foreignKeyViolation";
    } else if (code == SQLITE_CONSTRAINT_NOTNULL) {
        name = "notNullViolation";
    } else if (code == SQLITE_CONSTRAINT_CHECK) {
        name = "checkViolation";
    }
    return err_set(err, ERR_CONFLICT, name, "%s: %s", what, sqlite3_errmsg(handle));
}

/* `what` is the statement's name, or what was done. */
static bool fail(const struct sqlite_db *db, const char *what, int code, struct err *err)
{
    const char *path = db->path;

    switch (code & 0xff) {
    case SQLITE_CONSTRAINT:
        return fail_constraint(db->handle, what, code, err);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return err_set(err, ERR_UNAVAILABLE, "databaseBusy",
                       "%s: '%s' is busy: another process or thread is writing to it", what, path);
    case SQLITE_FULL:
        return err_set(err, ERR_LIMIT, "diskFull",
                       "%s: no room on the disk for '%s': make room there", what, path);
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return err_set(
            err, ERR_DENIED, "readOnlyDatabase",
            "%s: no permission to write '%s': give this user write permission on the file "
            "and its directory",
            what, path);
    case SQLITE_IOERR:
        return err_set(err, ERR_INTERNAL, "databaseIo",
                       "%s: reading or writing '%s' failed (%s): look after the disk and its quota",
                       what, path, sqlite3_errmsg(db->handle));
    case SQLITE_NOTADB:
        return err_set(err, ERR_INVALID, "notADatabase", "%s: '%s' is not an SQLite database", what,
                       path);
    case SQLITE_CORRUPT:
        return err_set(err, ERR_INTERNAL, "databaseCorrupt",
                       "%s: '%s' is damaged: restore it from a backup", what, path);
    case SQLITE_TOOBIG:
        return err_set(err, ERR_LIMIT, "valueTooBig", "%s: a value is too big", what);
    case SQLITE_MISMATCH:
        return err_set(err, ERR_INVALID, "wrongType", "%s: a value has the wrong type", what);
    default:
        return err_set(err, ERR_INTERNAL, "databaseError", "%s: %s", what,
                       sqlite3_errmsg(db->handle));
    }
}

/* --- opening ------------------------------------------------------------------------------------
 */

/* Makes a new database file readable for its owner alone. By mknod, not by open: closing a
 * descriptor of a file that another thread has just opened would drop that thread's locks on it. */
static bool make_file(const char *path, struct err *err)
{
    struct stat st;

    if (stat(path, &st) == 0) {
        if (S_ISREG(st.st_mode))
            return true;
        return err_set(err, ERR_INVALID, "notADatabase", "'%s' is not a file", path);
    }
    if (errno == ENOENT && (mknod(path, S_IFREG | 0600, 0) == 0 || errno == EEXIST))
        return true;
    switch (errno) {
    case ENOENT:
    case ENOTDIR:
        return err_set(err, ERR_NOT_FOUND, "noDirectory",
                       "the directory of '%s' does not exist: create it first", path);
    case ENOSPC:
    case EDQUOT:
        return err_set(err, ERR_LIMIT, "diskFull", "no room on the disk for '%s': make room there",
                       path);
    case EACCES:
    case EPERM:
    case EROFS:
        return err_set(
            err, ERR_DENIED, "readOnlyDatabase",
            "no permission to create '%s': give this user write permission on the directory", path);
    default:
        return err_set(err, ERR_INTERNAL, "databaseIo", "creating '%s' failed: %s", path,
                       strerrordesc_np(errno));
    }
}

/* Switching a new file to WAL needs it alone and does not wait by itself when others do the same.
 */
static bool use_wal(struct sqlite_db *db, int timeout_ms, struct err *err)
{
    sqlite3_stmt *st = NULL;
    int code = sqlite3_prepare_v2(db->handle, "PRAGMA journal_mode = WAL", -1, &st, NULL);

    for (int waited = 0; code == SQLITE_OK; waited += WAL_RETRY_MS) {
        int step = sqlite3_step(st);

        if (step == SQLITE_ROW) {
            const char *mode = (const char *)sqlite3_column_text(st, 0);
            bool wal = mode && strcmp(mode, "wal") == 0;

            sqlite3_finalize(st);
            if (wal)
                return true;
            return err_set(
                err, ERR_INVALID, "noWriteAheadLog",
                "'%s' cannot have a write-ahead log there: put it on a local file system",
                db->path);
        }
        sqlite3_reset(st);
        if ((step & 0xff) == SQLITE_BUSY && waited < timeout_ms) {
            sqlite3_sleep(WAL_RETRY_MS);
        } else {
            code = step;
        }
    }
    sqlite3_finalize(st);
    return fail(db, "open", code, err);
}

/* The cache is per connection and small on purpose: what it does not hold is in the kernel's cache,
 * and memory has to be the same for a large and for a small directory. */
static const char settings[] = "PRAGMA page_size = 8192;"
                               "PRAGMA synchronous = FULL;"
                               "PRAGMA cache_size = -8192;"
                               "PRAGMA wal_autocheckpoint = 16000;"
                               "PRAGMA foreign_keys = ON;"
                               "PRAGMA trusted_schema = OFF;";

static void sqlite_close(struct db *base)
{
    struct sqlite_db *db = of(base);

    for (size_t i = 0; i < DB_CONTROL_COUNT; i++)
        sqlite3_finalize(db->control[i]);
    sqlite3_close(db->handle);
    free(db->path);
    free(db);
}

/* What holds for the whole process, and has to be said before anything else. */
static void configure(void)
{
    /* A file that may not grow (RLIMIT_FSIZE) is an error of one write, not the end of all. */
    (void)signal(SIGXFSZ, SIG_IGN);
    /* What a savepoint would restore is a few pages: in memory, not in a temporary file. It takes
     * so much at once, however little is needed. What does not fit goes to such a file in one
     * write, of which SQLite writes the size modulo 128 KiB first: a rest of exactly 128 KiB is
     * never written, and reported as a full disk. */
    sqlite3_config(SQLITE_CONFIG_STMTJRNL_SPILL, SAVEPOINT_MEMORY);
    /* Nobody asks for the statistics, and each piece of memory would take a global lock for them.
     */
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static bool set_up(struct sqlite_db *db, int timeout_ms, struct err *err)
{
    int code =
        sqlite3_open_v2(db->path, &db->handle,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);

    if (code != SQLITE_OK)
        return fail(db, "open", code, err);
    if (sqlite3_db_readonly(db->handle, "main") == 1)
        return fail(db, "open", SQLITE_READONLY, err);
    sqlite3_busy_timeout(db->handle, timeout_ms);
    /* As in PostgreSQL, "x" is a name and never a text. */
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    code = sqlite3_exec(db->handle, settings, NULL, NULL, NULL);
    if (code != SQLITE_OK)
        return fail(db, "open", code, err);
    return use_wal(db, timeout_ms, err);
}

static bool sqlite_open(const struct db_config *config, struct db **out, struct err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    const char *path = config->url + strlen("sqlite:");
    struct sqlite_db *db;

    pthread_once(&once, configure);
    if (sqlite3_libversion_number() < LEAST_SQLITE) {
        return err_set(err, ERR_INTERNAL, "oldSqlite", "SQLite %s is too old: 3.39 is needed",
                       sqlite3_libversion());
    }
    if (!*path)
        return err_set(err, ERR_INVALID, "unknownDatabase", "'sqlite:' is without a path");
    if (!make_file(path, err))
        return false;
    db = mem_alloc(sizeof(*db));
    db->base.driver = &db_sqlite;
    db->path = strdup(path);
    if (!db->path ||
        !set_up(db, config->busy_timeout_ms ? config->busy_timeout_ms : BUSY_TIMEOUT_MS, err)) {
        sqlite_close(&db->base);
        return false;
    }
    *out = &db->base;
    return true;
}

/* --- statements ---------------------------------------------------------------------------------
 */

static bool sqlite_control(struct db *base, enum db_control what, struct err *err)
{
    static const char *const sql[] = {
        [DB_BEGIN_READ] = "BEGIN",
        [DB_BEGIN_WRITE] = "BEGIN IMMEDIATE",
        [DB_BEGIN_MIGRATION] = "BEGIN IMMEDIATE",
        [DB_COMMIT] = "COMMIT",
        [DB_ROLLBACK] = "ROLLBACK",
        [DB_SAVEPOINT] = "SAVEPOINT s",
        [DB_RELEASE] = "RELEASE s",
        [DB_UNDO] = "ROLLBACK TO s",
    };
    struct sqlite_db *db = of(base);
    sqlite3_stmt **st = &db->control[what];
    int code = SQLITE_OK;

    if (!*st)
        code = sqlite3_prepare_v3(db->handle, sql[what], -1, SQLITE_PREPARE_PERSISTENT, st, NULL);
    if (code == SQLITE_OK) {
        code = sqlite3_step(*st);
        sqlite3_reset(*st);
    }
    if (code != SQLITE_OK && code != SQLITE_DONE)
        return fail(db, sql[what], code, err);
    return what != DB_UNDO || sqlite_control(base, DB_RELEASE, err);
}

/* A statement that fails leaves nothing behind, or ends the whole transaction. */
static int64_t sqlite_changes(struct db *base)
{
    sqlite3 *handle = of(base)->handle;

    return sqlite3_get_autocommit(handle) ? -1 : sqlite3_total_changes64(handle);
}

/* Puts what SQLite has of it in the place of a hint. */
static bool sqlite_script(struct db *base, const char *sql, struct err *err)
{
    const struct str hint = STR("/*without-rowid*/");
    struct str rest = str_from_z(sql);
    CLEANUP(buf_done) struct buf text;
    size_t at;

    buf_init(&text, 2 * rest.len + 1024);
    while (str_find(rest, hint, &at)) {
        buf_add(&text, str_sub(rest, 0, at));
        buf_add_z(&text, "WITHOUT ROWID");
        rest = str_from(rest, at + hint.len);
    }
    buf_add(&text, rest);
    int code = sqlite3_exec(of(base)->handle, buf_z(&text), NULL, NULL, NULL);
    return code == SQLITE_OK || fail(of(base), "script", code, err);
}

/* Finds the index of every $n; each from 1 to the highest has to be there, as PostgreSQL has it. */
static bool read_params(struct sqlite_stmt *st, const char *name, struct err *err)
{
    int count = sqlite3_bind_parameter_count(st->handle);

    for (int i = 1; i <= count; i++) {
        const char *param = sqlite3_bind_parameter_name(st->handle, i);
        int64_t n;

        if (!param || *param != '$' || !str_to_int(str_from_z(param + 1), 1, DB_PARAMS_MAX, &n)) {
            return err_set(err, ERR_INTERNAL, "badStatement", "%s: '%s' is not one of $1 ... $%d",
                           name, param ? param : "?", DB_PARAMS_MAX);
        }
        st->index[n - 1] = i;
        if (st->params < (size_t)n)
            st->params = (size_t)n;
    }
    for (size_t n = 0; n < st->params; n++) {
        if (!st->index[n])
            return err_set(err, ERR_INTERNAL, "badStatement", "%s: $%zu is not used", name, n + 1);
    }
    return true;
}

static void sqlite_drop(struct db_stmt *base)
{
    struct sqlite_stmt *st = stmt_of(base);

    sqlite3_finalize(st->handle);
    free(st->kept);
    free(st);
}

static bool sqlite_prepare(struct db *base, const struct db_query *query, struct db_stmt **out,
                           struct err *err)
{
    struct sqlite_stmt *st = mem_alloc(sizeof(*st));
    const char *rest = "";
    int code = sqlite3_prepare_v3(of(base)->handle, query->sql, -1, SQLITE_PREPARE_PERSISTENT,
                                  &st->handle, &rest);
    bool ok = code == SQLITE_OK || fail(of(base), query->name, code, err);

    if (ok && (!st->handle || str_trim(str_from_z(rest)).len))
        ok = err_set(err, ERR_INTERNAL, "badStatement", "%s: is not one statement", query->name);
    if (!ok || !read_params(st, query->name, err)) {
        sqlite_drop(&st->base);
        return false;
    }
    *out = &st->base;
    return true;
}

static int bind_value(sqlite3_stmt *st, int at, const struct db_value *v, const char *text)
{
    switch (v->type) {
    case DB_NULL:
        return sqlite3_bind_null(st, at);
    case DB_INT:
    case DB_BOOL:
        return sqlite3_bind_int64(st, at, v->integer);
    case DB_DOUBLE:
        return sqlite3_bind_double(st, at, v->number);
    case DB_TEXT:
        return sqlite3_bind_text64(st, at, text, v->text.len, SQLITE_STATIC, SQLITE_UTF8);
    case DB_BLOB:
        return sqlite3_bind_blob64(st, at, text, v->text.len, SQLITE_STATIC);
    }
    return SQLITE_MISUSE;
}

/* Memory for all texts of args; it stays with the statement, so that a warm one allocates nothing.
 */
static void make_room(struct sqlite_stmt *st, struct db_args args)
{
    size_t size = 1;

    for (size_t i = 0; i < args.count; i++)
        size += args.values[i].text.len;
    if (size > st->kept_cap) {
        st->kept = mem_realloc(st->kept, size);
        st->kept_cap = size;
    }
}

enum keep { KEEP_BORROWED, KEEP_COPY };

static bool bind(struct sqlite_stmt *st, struct db_args args, enum keep keep, struct err *err)
{
    char *next = NULL;

    if (args.count != st->params) {
        return err_set(err, ERR_INTERNAL, "badStatement", "%s: takes %zu arguments, not %zu",
                       st->base.name, st->params, args.count);
    }
    if (keep == KEEP_COPY) {
        make_room(st, args);
        next = st->kept;
    }
    for (size_t i = 0; i < args.count; i++) {
        const struct db_value *v = &args.values[i];
        const char *text = v->text.len ? v->text.ptr : "";
        int code;

        if (next && v->text.len) {
            text = memcpy(next, v->text.ptr, v->text.len);
            next += v->text.len;
        }
        code = bind_value(st->handle, st->index[i], v, text);
        if (code != SQLITE_OK)
            return fail(of(st->base.db), st->base.name, code, err);
    }
    return true;
}

static bool may_run(const struct sqlite_stmt *st, struct err *err)
{
    if (st->base.db->in_transaction && st->base.db->reading && !sqlite3_stmt_readonly(st->handle)) {
        return err_set(err, ERR_INTERNAL, "writeInReadTransaction",
                       "%s: writes in a transaction that was begun for reading", st->base.name);
    }
    return true;
}

static bool sqlite_exec(struct db_stmt *base, struct db_args args, int64_t *out_changed,
                        struct err *err)
{
    struct sqlite_stmt *st = stmt_of(base);
    struct sqlite_db *db = of(base->db);
    int64_t before = sqlite3_total_changes64(db->handle);
    int code;

    if (!may_run(st, err) || !bind(st, args, KEEP_BORROWED, err))
        return false;
    do {
        code = sqlite3_step(st->handle);
    } while (code == SQLITE_ROW);
    if (code != SQLITE_DONE)
        fail(db, base->name, code, err);
    sqlite3_reset(st->handle);
    if (code != SQLITE_DONE)
        return false;
    /* sqlite3_changes64 keeps the count of the last statement that changed rows. */
    *out_changed =
        sqlite3_total_changes64(db->handle) == before ? 0 : sqlite3_changes64(db->handle);
    return true;
}

static bool sqlite_select(struct db_stmt *base, struct db_args args, struct err *err)
{
    return may_run(stmt_of(base), err) && bind(stmt_of(base), args, KEEP_COPY, err);
}

static bool sqlite_step(struct db_stmt *base, bool *out_row, struct err *err)
{
    int code = sqlite3_step(stmt_of(base)->handle);

    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return fail(of(base->db), base->name, code, err);
    *out_row = code == SQLITE_ROW;
    return true;
}

static void sqlite_reset(struct db_stmt *base)
{
    sqlite3_reset(stmt_of(base)->handle);
}

/* The bytes of a text or a blob, without a copy; a number as text. */
static struct str sqlite_col_text(struct db_stmt *base, int column)
{
    sqlite3_stmt *st = stmt_of(base)->handle;
    const char *bytes = sqlite3_column_blob(st, column);

    return (struct str){bytes, (size_t)sqlite3_column_bytes(st, column)};
}

static int64_t sqlite_col_int(struct db_stmt *base, int column)
{
    return sqlite3_column_int64(stmt_of(base)->handle, column);
}

static double sqlite_col_double(struct db_stmt *base, int column)
{
    return sqlite3_column_double(stmt_of(base)->handle, column);
}

static bool sqlite_col_is_null(struct db_stmt *base, int column)
{
    return sqlite3_column_type(stmt_of(base)->handle, column) == SQLITE_NULL;
}

const struct db_driver db_sqlite = {
    .kind = "sqlite",
    .open = sqlite_open,
    .close = sqlite_close,
    .control = sqlite_control,
    .changes = sqlite_changes,
    .script = sqlite_script,
    .find_table = {"find_table", "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = $1"},
    .prepare = sqlite_prepare,
    .drop = sqlite_drop,
    .exec = sqlite_exec,
    .select = sqlite_select,
    .step = sqlite_step,
    .reset = sqlite_reset,
    .col_text = sqlite_col_text,
    .col_int = sqlite_col_int,
    .col_double = sqlite_col_double,
    .col_is_null = sqlite_col_is_null,
};
