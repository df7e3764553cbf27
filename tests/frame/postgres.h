/* A real PostgreSQL for tests: a private cluster in a temporary directory, on a Unix socket only,
 * started once for a test program and stopped and removed at its end, however it ends. */
#pragma once

#include "db/db.h"

/* URL of the cluster's database, as its superuser. Starts the cluster at the first call; ends the
 * program with a message when there is no PostgreSQL to start. */
const char *test_postgres_url(void);

/* Runs body twice: on a new SQLite file, and on a new schema of the PostgreSQL cluster. With all
 * migrations applied, or without any table. USHER_TEST_DATABASES=sqlite in the environment leaves
 * out the second time. */
void test_databases(void (*body)(const struct db_config *config));
void test_databases_empty(void (*body)(const struct db_config *config));

/* "sqlite", "postgresql": what body is run on, for labels and for the few checks that must differ.
 */
const char *test_database_kind(const struct db_config *config);

/* Ends all connections to the cluster but the asking one, as a restart of the server would. */
void test_postgres_kill_connections(void);
