#include "db/migrate.h"

#include "base/clock.h"
#include "db/driver.h"

#include <stdlib.h>

enum { VERSIONS_MAX = 10000 };

enum { Q_VERSIONS, Q_RECORD };

static const struct db_query queries[] = {
    [Q_VERSIONS] = {"schema_versions",
                    "SELECT version FROM schema_version ORDER BY version LIMIT $1"},
    [Q_RECORD] = {"schema_version_record",
                  "INSERT INTO schema_version (version, name, applied_us) VALUES ($1, $2, $3)"},
};

static const char version_table[] = "CREATE TABLE schema_version ("
                                    "  version BIGINT NOT NULL PRIMARY KEY,"
                                    "  name TEXT NOT NULL,"
                                    "  applied_us BIGINT NOT NULL)";

static bool find_version_table(struct db *db, bool *out_found, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    if (!db_select_one(db, &db->driver->find_table, DB_ARGS(db_text(STR("schema_version"))), &st,
                       err))
        return false;
    *out_found = st;
    return true;
}

static bool too_new(int64_t version, const struct db_migration *migrations, size_t count,
                    struct err *err)
{
    return err_set(
        err, ERR_INVALID, "databaseTooNew",
        "the database was made by a newer usher (version %lld, this one knows up to %d): run "
        "that usher, or restore a backup",
        (long long)version, count ? migrations[count - 1].version : 0);
}

/* Marks in applied[] which of the migrations the database has. */
static bool read_versions(struct db *db, const struct db_migration *migrations, size_t count,
                          bool *applied, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    int64_t unknown = 0;
    size_t i = 0;
    bool row;

    if (!db_select(db, &queries[Q_VERSIONS], DB_ARGS(db_int(VERSIONS_MAX)), &st, err))
        return false;
    for (;;) {
        if (!db_step(st, &row, err))
            return false;
        if (!row)
            break;
        while (i < count && migrations[i].version < db_col_int(st, 0))
            i++;
        if (i < count && migrations[i].version == db_col_int(st, 0)) {
            applied[i] = true;
        } else {
            unknown = db_col_int(st, 0);
        }
    }
    return !unknown || too_new(unknown, migrations, count, err);
}

static bool run_missing(struct db *db, const struct db_migration *migrations, size_t count,
                        const bool *applied, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        const struct db_migration *m = &migrations[i];

        if (applied[i])
            continue;
        if (!db->driver->script(db, m->sql, err))
            return err_wrap(err, "migration %04d_%s", m->version, m->name);
        if (!db_exec(db, &queries[Q_RECORD],
                     DB_ARGS(db_int(m->version), db_text(str_from_z(m->name)),
                             db_int(clock_now(clock_system()))),
                     NULL, err))
            return false;
    }
    return true;
}

/* Inside the transaction the versions are read again: another process may have been faster. */
static bool migrate_alone(struct db *db, const struct db_migration *migrations, size_t count,
                          bool *applied, struct err *err)
{
    bool found;

    if (!find_version_table(db, &found, err))
        return false;
    if (found && !read_versions(db, migrations, count, applied, err))
        return false;
    if (!found && !db->driver->script(db, version_table, err))
        return err_wrap(err, "schema_version");
    return run_missing(db, migrations, count, applied, err);
}

bool db_migrate_with(struct db *db, const struct db_migration *migrations, size_t count,
                     struct err *err)
{
    CLEANUP(arena_freep) struct arena *tmp = arena_new();
    bool *applied = ARENA_ARRAY(tmp, bool, count + 1);
    size_t known = 0;
    bool found;

    if (!find_version_table(db, &found, err))
        return false;
    if (found && !read_versions(db, migrations, count, applied, err))
        return false;
    while (known < count && applied[known])
        known++;
    if (found && known == count)
        return true;
    if (!db_begin_migration(db, err))
        return false;
    if (!migrate_alone(db, migrations, count, applied, err)) {
        db_rollback(db);
        return false;
    }
    return db_commit(db, err);
}

bool db_migrate(struct db *db, struct err *err)
{
    return db_migrate_with(db, db_migrations, db_migration_count, err);
}
