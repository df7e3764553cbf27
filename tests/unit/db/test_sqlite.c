/* What only a file can do: be missing, not writable, damaged, full. */
#include "base/file.h"
#include "db/db.h"
#include "frame/frame.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct db_query make_table = {"make_table", "CREATE TABLE t (id BIGINT, body TEXT)"};
static const struct db_query fill = {"fill", "INSERT INTO t (id, body) VALUES ($1, $2)"};
static const struct db_query shrink = {"shrink", "PRAGMA max_page_count = 40"};
static const struct db_query grow = {"grow", "PRAGMA max_page_count = 100000"};
static const struct db_query settings = {"settings",
                                         "SELECT (SELECT page_size FROM pragma_page_size),"
                                         " (SELECT synchronous FROM pragma_synchronous),"
                                         " (SELECT foreign_keys FROM pragma_foreign_keys),"
                                         " (SELECT journal_mode FROM pragma_journal_mode),"
                                         " (SELECT count(*) FROM t)"};

enum { NOBODY = 65534 };

static const char *url_in(const char *dir, const char *file)
{
    static char url[256];

    snprintf(url, sizeof(url), "sqlite:%s/%s", dir, file);
    return url;
}

static void check_refused(const char *label, const char *url, enum err_kind kind, const char *code)
{
    struct err err = {0};
    struct db *db = NULL;

    CHECK(!db_open(&(struct db_config){.url = url, .busy_timeout_ms = 20}, &db, &err), "%s", label);
    CHECK(err.kind == kind, "%s: %s", label, err.message);
    CHECK_STR(str_from_z(err.code), code, "%s", label);
    CHECK(strstr(err.message, url + strlen("sqlite:")) != NULL, "%s names the file: %s", label,
          err.message);
}

static void says_why_it_cannot_open(void **state)
{
    const char *dir = test_temp_dir();
    char path[128];
    struct err err = {0};

    (void)state;
    check_refused("no directory", url_in(dir, "none/x.db"), ERR_NOT_FOUND, "noDirectory");
    check_refused("a directory", url_in(dir, "."), ERR_INVALID, "notADatabase");
    snprintf(path, sizeof(path), "%s/text", dir);
    CHECK(file_write(path, STR("this is a text file and no database, whatever its name may say\n"),
                     0600, &err),
          "%s", err.message);
    check_refused("a text", url_in(dir, "text"), ERR_INVALID, "notADatabase");
    check_refused("a file as directory", url_in(dir, "text/x.db"), ERR_NOT_FOUND, "noDirectory");
}

/* In a child, since root may write everything. */
static void check_refused_for_others(const char *label, const char *url)
{
    int status = 1;
    pid_t child;

    fflush(NULL);
    child = fork();
    CHECK(child >= 0, "fork");
    if (child == 0) {
        struct err err = {0};
        struct db *db = NULL;
        bool denied;

        if (geteuid() == 0 && setuid(NOBODY) != 0)
            _exit(2);
        denied = !db_open(&(struct db_config){.url = url}, &db, &err) && err.kind == ERR_DENIED &&
                 strcmp(err.code, "readOnlyDatabase") == 0 && strstr(err.message, url + 7);
        if (!denied)
            fprintf(stderr, "%s: %s\n", label, err.message);
        _exit(!denied);
    }
    waitpid(child, &status, 0);
    CHECK(status == 0, "%s", label);
}

static void needs_write_permission(void **state)
{
    const char *dir = test_temp_dir();
    const char *url = url_in(dir, "usher.db");
    struct err err = {0};
    struct db *db = NULL;
    struct stat st;

    (void)state;
    CHECK(db_open(&(struct db_config){.url = url}, &db, &err), "%s", err.message);
    CHECK(db_exec(db, &make_table, DB_NO_ARGS, NULL, &err), "%s", err.message);
    db_close(db);
    CHECK(stat(url + strlen("sqlite:"), &st) == 0 && (st.st_mode & 0777) == 0600,
          "a new file is for its owner alone");
    CHECK(chmod(dir, 0777) == 0 && chmod(url + strlen("sqlite:"), 0444) == 0, "chmod");
    check_refused_for_others("read-only file", url);
    CHECK(chmod(url + strlen("sqlite:"), 0666) == 0 && chmod(dir, 0555) == 0, "chmod");
    check_refused_for_others("read-only directory", url);
    check_refused_for_others("new file in a read-only directory", url_in(dir, "new.db"));
    CHECK(chmod(dir, 0700) == 0, "chmod");
}

static bool insert_big(struct db *db, int64_t id, struct err *err)
{
    static char text[4096];

    memset(text, 'x', sizeof(text));
    return db_exec(db, &fill, DB_ARGS(db_int(id), db_text((struct str){text, sizeof(text)})), NULL,
                   err);
}

static int64_t count(struct db *db)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct err err = {0};

    CHECK(db_select_one(db, &settings, DB_NO_ARGS, &st, &err) && st, "%s", err.message);
    return db_col_int(st, 4);
}

static void survives_a_full_disk(void **state)
{
    CLEANUP(db_closep) struct db *db = NULL;
    struct err err = {0};
    int64_t kept = 0;

    (void)state;
    CHECK(db_open(&(struct db_config){.url = url_in(test_temp_dir(), "usher.db")}, &db, &err), "%s",
          err.message);
    CHECK(db_exec(db, &make_table, DB_NO_ARGS, NULL, &err), "%s", err.message);
    CHECK(db_exec(db, &shrink, DB_NO_ARGS, NULL, &err), "%s", err.message);
    while (kept < 1000 && insert_big(db, kept, &err))
        kept++;
    CHECK(kept > 10 && kept < 1000, "%lld", (long long)kept);
    CHECK(err.kind == ERR_LIMIT, "%s", err.message);
    CHECK_STR(str_from_z(err.code), "diskFull", "%s", err.message);
    CHECK(count(db) == kept, "what was acknowledged is there");
    CHECK(db_begin(db, DB_WRITE, &err), "%s", err.message);
    CHECK(!insert_big(db, -1, &err) && err.kind == ERR_LIMIT, "in a transaction");
    CHECK(!db_savepoint(db, &err) && !db_commit(db, &err), "which is lost");
    CHECK(db_exec(db, &grow, DB_NO_ARGS, NULL, &err), "%s", err.message);
    CHECK(insert_big(db, kept, &err), "goes on with room: %s", err.message);
    CHECK(count(db) == kept + 1, "one more");
}

static void is_set_up_for_durability(void **state)
{
    CLEANUP(db_closep) struct db *db = NULL;
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct err err = {0};

    (void)state;
    CHECK(db_open(&(struct db_config){.url = url_in(test_temp_dir(), "usher.db")}, &db, &err), "%s",
          err.message);
    CHECK(db_exec(db, &make_table, DB_NO_ARGS, NULL, &err), "%s", err.message);
    CHECK(db_select_one(db, &settings, DB_NO_ARGS, &st, &err) && st, "%s", err.message);
    CHECK(db_col_int(st, 0) == 8192, "page size");
    CHECK(db_col_int(st, 1) == 2, "synchronous = FULL");
    CHECK(db_col_int(st, 2) == 1, "foreign keys");
    CHECK_STR(db_col_text(st, 3), "wal", "journal mode");
}

static void begins_wait_for_the_writer(void **state)
{
    struct db_config config = {.url = url_in(test_temp_dir(), "usher.db"), .busy_timeout_ms = 20};
    CLEANUP(db_closep) struct db *db = NULL;
    CLEANUP(db_closep) struct db *other = NULL;
    struct err err = {0};

    (void)state;
    CHECK(db_open(&config, &db, &err) && db_open(&config, &other, &err), "%s", err.message);
    CHECK(db_begin(db, DB_WRITE, &err), "%s", err.message);
    CHECK(!db_begin(other, DB_WRITE, &err) && err.kind == ERR_UNAVAILABLE, "busy");
    CHECK_STR(str_from_z(err.code), "databaseBusy", "%s", err.message);
    CHECK(!db_in_transaction(other), "not begun");
    CHECK(db_begin(other, DB_READ, &err) && db_commit(other, &err), "reading goes: %s",
          err.message);
    CHECK(db_commit(db, &err) && db_begin(other, DB_WRITE, &err), "%s", err.message);
}

struct opener {
    struct db_config config;
    pthread_barrier_t *all;
    pthread_t thread;
    bool ok;
    struct err err;
};

static void *open_at_once(void *arg)
{
    struct opener *o = arg;
    struct db *db = NULL;

    pthread_barrier_wait(o->all);
    o->ok = db_open(&o->config, &db, &o->err);
    db_close(db);
    return NULL;
}

static void opens_a_new_file_from_many_threads(void **state)
{
    enum { THREADS = 8, ROUNDS = 20 };
    const char *dir = test_temp_dir();
    pthread_barrier_t all;

    (void)state;
    pthread_barrier_init(&all, NULL, THREADS);
    for (int round = 0; round < ROUNDS; round++) {
        struct opener openers[THREADS] = {0};
        char url[128];

        snprintf(url, sizeof(url), "sqlite:%s/%d.db", dir, round);
        for (size_t i = 0; i < THREADS; i++) {
            openers[i].config.url = url;
            openers[i].all = &all;
            CHECK(pthread_create(&openers[i].thread, NULL, open_at_once, &openers[i]) == 0,
                  "thread");
        }
        for (size_t i = 0; i < THREADS; i++)
            pthread_join(openers[i].thread, NULL);
        for (size_t i = 0; i < THREADS; i++)
            CHECK(openers[i].ok, "round %d: %s", round, openers[i].err.message);
    }
    pthread_barrier_destroy(&all);
}

TEST_GROUP(sqlite, cmocka_unit_test(says_why_it_cannot_open),
           cmocka_unit_test(needs_write_permission), cmocka_unit_test(survives_a_full_disk),
           cmocka_unit_test(is_set_up_for_durability), cmocka_unit_test(begins_wait_for_the_writer),
           cmocka_unit_test(opens_a_new_file_from_many_threads))
