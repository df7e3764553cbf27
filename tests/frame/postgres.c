#include "frame/postgres.h"

#include "frame/frame.h"

#include <fcntl.h>
#include <glob.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { START_TRIES = 6000, START_WAIT_MS = 10 };

static struct {
    pid_t owner;    /* the test program; its forks do not stop the cluster */
    pid_t guardian; /* the shell around the server */
    int lifeline;   /* the guardian ends when nobody holds this open */
    char dir[64];
    char url[128];
} cluster;

/* The guardian: makes the cluster, runs it until standard input ends, then stops and removes it. So
 * nothing is left behind even when the test program is killed. $1: directory, $2: folder of the
 * programs. */
static const char guardian_script[] =
    "cd \"$1\" || exit 1\n"
    "\"$2/initdb\" -D data -U usher -A trust --locale=C --encoding=UTF8 --no-sync --no-instructions"
    " >log 2>&1 || { cat log >&2; rm -rf \"$1\"; exit 1; }\n"
    "\"$2/postgres\" -D data -k \"$1\" -c listen_addresses= -c fsync=off -c full_page_writes=off"
    " -c shared_buffers=16MB -c max_connections=60 -c autovacuum=off -c wal_level=minimal"
    " -c max_wal_senders=0 -c jit=off </dev/null >>log 2>&1 &\n"
    "read forever\n"
    "kill -QUIT $! 2>/dev/null\n"
    "wait $!\n"
    "rm -rf \"$1\"\n";

static void stop_cluster(void)
{
    if (!cluster.guardian || getpid() != cluster.owner)
        return;
    close(cluster.lifeline);
    waitpid(cluster.guardian, NULL, 0);
    cluster.guardian = 0;
}

/* The newest installed PostgreSQL: /usr/lib/postgresql/15/bin. */
static void find_programs(char *out, size_t size)
{
    glob_t found;

    if (glob("/usr/lib/postgresql/*/bin/initdb", 0, NULL, &found) != 0) {
        fprintf(stderr, "these tests need PostgreSQL: install the package postgresql\n");
        exit(1);
    }
    snprintf(out, size, "%s", found.gl_pathv[found.gl_pathc - 1]);
    *strrchr(out, '/') = '\0';
    globfree(&found);
}

/* PostgreSQL does not run as root. */
static void become_unprivileged(const char *dir)
{
    const struct passwd *user = getpwnam("postgres");

    if (!user)
        user = getpwnam("nobody");
    if (!user || chown(dir, user->pw_uid, user->pw_gid) != 0 || setgid(user->pw_gid) != 0 ||
        setuid(user->pw_uid) != 0) {
        perror("becoming another user than root, for PostgreSQL");
        _exit(1);
    }
}

static void run_guardian(const int lifeline[2], const char *programs)
{
    if (geteuid() == 0)
        become_unprivileged(cluster.dir);
    setsid();
    dup2(lifeline[0], STDIN_FILENO);
    close(lifeline[0]);
    close(lifeline[1]);
    unsetenv("PGDATA");
    execl("/bin/sh", "sh", "-c", guardian_script, "sh", cluster.dir, programs, (char *)NULL);
    _exit(1);
}

static void wait_until_ready(void)
{
    const struct timespec pause = {.tv_nsec = START_WAIT_MS * 1000000L};
    struct db *db = NULL;
    struct err err = {0};

    for (int i = 0; i < START_TRIES; i++) {
        if (db_open(&(struct db_config){.url = cluster.url}, &db, &err)) {
            db_close(db);
            return;
        }
        if (waitpid(cluster.guardian, NULL, WNOHANG) != 0)
            break;
        nanosleep(&pause, NULL);
    }
    fprintf(stderr, "the PostgreSQL for the tests does not start: %s\n", err.message);
    exit(1);
}

const char *test_postgres_url(void)
{
    char programs[256];
    int lifeline[2];

    if (cluster.guardian)
        return cluster.url;
    find_programs(programs, sizeof(programs));
    snprintf(cluster.dir, sizeof(cluster.dir), "/tmp/usher-pg-XXXXXX");
    if (!mkdtemp(cluster.dir) || pipe2(lifeline, O_CLOEXEC) != 0)
        abort();
    snprintf(cluster.url, sizeof(cluster.url), "postgresql:///postgres?host=%s&user=usher",
             cluster.dir);
    fflush(NULL);
    cluster.owner = getpid();
    cluster.guardian = fork();
    if (cluster.guardian < 0)
        abort();
    if (cluster.guardian == 0)
        run_guardian(lifeline, programs);
    close(lifeline[0]);
    cluster.lifeline = lifeline[1];
    atexit(stop_cluster);
    wait_until_ready();
    return cluster.url;
}

static void run_sql(const char *url, const char *sql)
{
    struct db_query query = {"test", sql};
    struct db *db = NULL;
    struct err err = {0};
    bool ok = db_open(&(struct db_config){.url = url}, &db, &err) &&
              db_exec(db, &query, DB_NO_ARGS, NULL, &err);

    db_close(db);
    CHECK(ok, "%s: %s", sql, err.message);
}

void test_postgres_kill_connections(void)
{
    run_sql(test_postgres_url(),
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()");
}

const char *test_database_kind(const struct db_config *config)
{
    return config->schema ? "postgresql" : "sqlite";
}

static void migrate(const struct db_config *config)
{
    struct db *db = NULL;
    struct err err = {0};
    bool ok = db_open(config, &db, &err) && db_migrate(db, &err);

    db_close(db);
    CHECK(ok, "migrate %s: %s", config->url, err.message);
}

static void run_both(void (*body)(const struct db_config *config),
                     void (*make)(const struct db_config *config))
{
    static unsigned schemas;
    char url[256];
    char schema[32];
    char sql[64];
    struct db_config sqlite = {.url = url};
    struct db_config postgres = {.schema = schema};
    const char *only = getenv("USHER_TEST_DATABASES");

    snprintf(url, sizeof(url), "sqlite:%s/usher.db", test_temp_dir());
    snprintf(schema, sizeof(schema), "test_%u", ++schemas);
    snprintf(sql, sizeof(sql), "CREATE SCHEMA %s", schema);
    if (make)
        make(&sqlite);
    print_message("[ SQLite   ]\n");
    body(&sqlite);
    if (only && strcmp(only, "sqlite") == 0)
        return;
    postgres.url = test_postgres_url();
    run_sql(postgres.url, sql);
    if (make)
        make(&postgres);
    print_message("[ Postgres ]\n");
    body(&postgres);
}

void test_databases(void (*body)(const struct db_config *config))
{
    run_both(body, migrate);
}

void test_databases_empty(void (*body)(const struct db_config *config))
{
    run_both(body, NULL);
}
