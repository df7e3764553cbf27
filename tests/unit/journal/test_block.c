/* Records written together: their texts are packed in blocks, and read one by one all the same. */
#include "frame/frame.h"
#include "frame/postgres.h"
#include "journal/journal.h"
#include "journal/queries.h"
#include "journal/retention.h"

#define JOB INT64_C(1)

struct fixture {
    struct db *db;
    struct arena *a;
    struct packer *packer;
};

static const struct db_query count_blocks = {"count_blocks", "SELECT count(*) FROM journal_block"};

static void fixture_init(struct fixture *f, const struct db_config *config)
{
    struct err err = {0};

    f->a = arena_new();
    CHECK(db_open(config, &f->db, &err) && db_migrate(f->db, &err), "%s", err.message);
    f->packer = journal_packer_new();
}

static void fixture_done(struct fixture *f)
{
    journal_packer_free(f->packer);
    db_close(f->db);
    arena_free(f->a);
}

static void put(struct fixture *f, int64_t no, const char *message)
{
    struct err err = {0};
    struct journal_record r = {
        .job_no = JOB,
        .no = no,
        .at_us = no * 1000,
        .message = str_from_z(message),
        .source_id = arena_printf(f->a, "person-%lld", (long long)no),
        .source_name = arena_printf(f->a, "Name of %lld", (long long)no),
    };

    CHECK(journal_insert(f->db, f->packer, &r, &err), "%lld: %s", (long long)no, err.message);
}

static void begin(struct fixture *f)
{
    struct err err = {0};

    CHECK(db_begin(f->db, DB_WRITE, &err), "%s", err.message);
}

static void commit(struct fixture *f)
{
    struct err err = {0};

    CHECK(journal_flush(f->db, f->packer, &err) && db_commit(f->db, &err), "%s", err.message);
}

static int64_t blocks(struct fixture *f)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct err err = {0};

    CHECK(db_select_one(f->db, &count_blocks, DB_NO_ARGS, &st, &err) && st, "%s", err.message);
    return db_col_int(st, 0);
}

static void check_name(struct fixture *f, int64_t no)
{
    struct journal_record r;
    struct err err = {0};
    bool found;

    CHECK(journal_load(f->db, f->a, JOB, no, &r, &found, &err) && found, "%lld: %s", (long long)no,
          err.message);
    CHECK_STR(r.source_name, arena_z(f->a, arena_printf(f->a, "Name of %lld", (long long)no)),
              "%lld", (long long)no);
}

static void reads_each_body(const struct db_config *config)
{
    struct journal_record *list;
    struct err err = {0};
    struct fixture f;
    size_t count;

    fixture_init(&f, config);
    begin(&f);
    for (int64_t no = 1; no <= 200; no++)
        put(&f, no, "");
    for (int64_t no = 301; no <= 303; no++) /* not following: a block of its own */
        put(&f, no, "");
    commit(&f);
    begin(&f);
    put(&f, 304, "");
    commit(&f);
    CHECK(blocks(&f) == 6, "%lld blocks", (long long)blocks(&f));
    for (int64_t no = 1; no <= 200; no++)
        check_name(&f, no);
    for (int64_t no = 301; no <= 304; no++)
        check_name(&f, no);
    CHECK(
        journal_list(f.db, f.a, JOB, &(struct journal_query){.limit = 1000}, &list, &count, &err) &&
            count == 204,
        "%zu: %s", count, err.message);
    for (size_t i = 0; i < count; i++) {
        struct str want = arena_printf(f.a, "Name of %lld", (long long)list[i].no);

        CHECK(str_eq(list[i].source_name, want), "%zu: %.*s", i, STR_ARG(list[i].source_name));
    }
    fixture_done(&f);
}

static void reads_each(void **state)
{
    (void)state;
    test_databases(reads_each_body);
}

/* A transaction that is undone leaves nothing behind for the next one. */
static void forgets_body(const struct db_config *config)
{
    struct fixture f;

    fixture_init(&f, config);
    begin(&f);
    for (int64_t no = 1; no <= 100; no++)
        put(&f, no, "undone");
    db_rollback(f.db);
    journal_forget(f.packer);
    begin(&f);
    put(&f, 1, "kept");
    put(&f, 2, "kept");
    commit(&f);
    CHECK(blocks(&f) == 1, "%lld blocks", (long long)blocks(&f));
    for (int64_t no = 1; no <= 2; no++) {
        struct journal_record r;
        struct err err = {0};
        bool found;

        CHECK(journal_load(f.db, f.a, JOB, no, &r, &found, &err) && found, "%s", err.message);
        CHECK_STR(r.message, "kept", "%lld", (long long)no);
    }
    fixture_done(&f);
}

static void forgets(void **state)
{
    (void)state;
    test_databases(forgets_body);
}

/* A block goes with its last record. */
static void prunes_body(const struct db_config *config)
{
    struct err err = {0};
    struct fixture f;
    int64_t removed;
    bool done;

    fixture_init(&f, config);
    begin(&f);
    for (int64_t no = 1; no <= 150; no++)
        put(&f, no, "");
    commit(&f);
    CHECK(journal_prune(f.db, JOB, 100 * 1000, 40, &removed, &done, &err) && removed == 40, "%s",
          err.message);
    CHECK(blocks(&f) == 3, "the first has some left: %lld", (long long)blocks(&f));
    check_name(&f, 41);
    check_name(&f, 64);
    CHECK(journal_prune(f.db, JOB, 100 * 1000, 1000, &removed, &done, &err) && removed == 59,
          "%lld: %s", (long long)removed, err.message);
    CHECK(blocks(&f) == 2, "%lld", (long long)blocks(&f));
    for (int64_t no = 100; no <= 150; no++)
        check_name(&f, no);
    CHECK(journal_prune(f.db, JOB, 1000 * 1000, 1000, &removed, &done, &err) && removed == 51,
          "%lld: %s", (long long)removed, err.message);
    CHECK(blocks(&f) == 0, "%lld", (long long)blocks(&f));
    fixture_done(&f);
}

static void prunes(void **state)
{
    (void)state;
    test_databases(prunes_body);
}

/* Long texts make a block full before it has many. */
static void holds_long_ones_body(const struct db_config *config)
{
    struct fixture f;
    char *text = mem_alloc(100001);

    memset(text, 'x', 100000);
    fixture_init(&f, config);
    begin(&f);
    for (int64_t no = 1; no <= 9; no++)
        put(&f, no, text);
    commit(&f);
    CHECK(blocks(&f) == 5, "%lld", (long long)blocks(&f));
    for (int64_t no = 1; no <= 9; no++)
        check_name(&f, no);
    fixture_done(&f);
    free(text);
}

static void holds_long_ones(void **state)
{
    (void)state;
    test_databases(holds_long_ones_body);
}

TEST_GROUP(block, cmocka_unit_test(reads_each), cmocka_unit_test(forgets), cmocka_unit_test(prunes),
           cmocka_unit_test(holds_long_ones))
