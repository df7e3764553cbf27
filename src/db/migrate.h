/* Numbered schema changes. Each is a file src/db/migrations/NNNN_name.sql in the common dialect,
 * its statements separated by semicolons; cmake/embed.cmake compiles them in, by rising number.
 * Numbers need not be dense. A migration is never changed after a release. */
#pragma once

#include "db/db.h"

struct db_migration {
    int version;
    const char *name;
    const char *sql;
};

/* What is compiled in. */
extern const struct db_migration db_migrations[];
extern const size_t db_migration_count;

/* db_migrate with a list of one's own: runs what schema_version does not record, in one
 * transaction. Takes no lock when nothing is missing. ERR_INVALID "databaseTooNew" when
 * schema_version records a version that is not in the list. */
MUST_USE bool db_migrate_with(struct db *db, const struct db_migration *migrations, size_t count,
                              struct err *err);
