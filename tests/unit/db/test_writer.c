#include "db/writer.h"
#include "frame/frame.h"
#include "frame/postgres.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 8, WRITES = 200 };

static const struct db_query make_table = {"make_table",
                                           "CREATE TABLE w (id BIGINT NOT NULL PRIMARY KEY)"};
static const struct db_query insert = {"insert", "INSERT INTO w (id) VALUES ($1)"};
static const struct db_query count_all = {"count_all", "SELECT count(*) FROM w"};
static const struct db_query has = {"has", "SELECT 1 FROM w WHERE id = $1"};

/* What many threads tell about their writes. */
struct tally {
    pthread_mutex_t lock; /* guards all of it */
    pthread_cond_t changed;
    size_t acknowledged;
    size_t refused;
    size_t not_durable;
    int64_t last_id;
    bool out_of_order;
    struct db *db; /* reads what is committed; used under the lock */
};

struct put {
    struct db_write write; /* first */
    struct tally *tally;
    int64_t id;
    bool fails_after; /* says no after its work */
    bool ignores;     /* says yes although its statement failed */
    bool reached;     /* a gate: its run waits for open; both under the tally's lock */
    bool open;
    bool checks;        /* looks with another connection whether it is there */
    enum err_kind kind; /* what it was told */
};

static struct put *put_of(struct db_write *w)
{
    return (struct put *)(void *)w;
}

static bool put_run(struct db_write *w, struct db *db, struct err *err)
{
    struct put *put = put_of(w);
    bool ok = db_exec(db, &insert, DB_ARGS(db_int(put->id)), NULL, err);

    if (put->fails_after)
        return err_set(err, ERR_INVALID, "changedItsMind", "no");
    return ok || put->ignores;
}

static bool is_there(struct db *db, int64_t id)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct err err = {0};

    return db_select_one(db, &has, DB_ARGS(db_int(id)), &st, &err) && st;
}

static void put_done(struct db_write *w, bool ok, const struct err *err)
{
    struct put *put = put_of(w);
    struct tally *tally = put->tally;

    pthread_mutex_lock(&tally->lock);
    put->kind = ok ? ERR_NONE : err->kind;
    if (put->checks && ok != is_there(tally->db, put->id))
        tally->not_durable++;
    if (ok)
        tally->acknowledged++;
    else
        tally->refused++;
    tally->out_of_order |= put->id < tally->last_id;
    tally->last_id = put->id;
    pthread_cond_broadcast(&tally->changed);
    pthread_mutex_unlock(&tally->lock);
}

/* Holds the writer inside a transaction until the gate is opened, so that what is queued meanwhile
 * is one batch. */
static bool gate_run(struct db_write *w, struct db *db, struct err *err)
{
    struct put *gate = put_of(w);
    struct tally *tally = gate->tally;

    pthread_mutex_lock(&tally->lock);
    gate->reached = true;
    pthread_cond_broadcast(&tally->changed);
    while (!gate->open)
        pthread_cond_wait(&tally->changed, &tally->lock);
    pthread_mutex_unlock(&tally->lock);
    return put_run(w, db, err);
}

static void wait_at_gate(struct put *gate)
{
    pthread_mutex_lock(&gate->tally->lock);
    while (!gate->reached)
        pthread_cond_wait(&gate->tally->changed, &gate->tally->lock);
    pthread_mutex_unlock(&gate->tally->lock);
}

static void close_gate(struct db_writer *writer, struct put *gate)
{
    struct err err = {0};

    gate->write.run = gate_run;
    CHECK(db_writer_submit(writer, &gate->write, &err), "%s", err.message);
    wait_at_gate(gate);
}

static void open_gate(struct put *gate)
{
    pthread_mutex_lock(&gate->tally->lock);
    gate->open = true;
    pthread_cond_broadcast(&gate->tally->changed);
    pthread_mutex_unlock(&gate->tally->lock);
}

static void tally_init(struct tally *tally, const struct db_config *config)
{
    struct err err = {0};

    *tally = (struct tally){.last_id = INT64_MIN};
    pthread_mutex_init(&tally->lock, NULL);
    pthread_cond_init(&tally->changed, NULL);
    CHECK(db_open(config, &tally->db, &err), "%s", err.message);
    CHECK(db_exec(tally->db, &make_table, DB_NO_ARGS, NULL, &err), "%s", err.message);
}

static void tally_done(struct tally *tally)
{
    db_close(tally->db);
    pthread_cond_destroy(&tally->changed);
    pthread_mutex_destroy(&tally->lock);
}

static struct put make_put(struct tally *tally, int64_t id)
{
    return (struct put){.write = {.run = put_run, .done = put_done}, .tally = tally, .id = id};
}

static int64_t count(struct db *db)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct err err = {0};

    CHECK(db_select_one(db, &count_all, DB_NO_ARGS, &st, &err) && st, "%s", err.message);
    return db_col_int(st, 0);
}

struct submitter {
    pthread_t thread;
    struct db_writer *writer;
    struct put puts[WRITES];
    size_t submitted;
};

static void *submit_all(void *arg)
{
    struct submitter *s = arg;
    struct err err;

    for (size_t i = 0; i < WRITES; i++)
        s->submitted += db_writer_submit(s->writer, &s->puts[i].write, &err);
    return NULL;
}

/* Every third write of a thread collides with one of the first thread. */
static void writes_of_many_threads(const struct db_config *config)
{
    struct submitter *all = calloc(THREADS, sizeof(*all));
    struct tally tally;
    struct db_writer *writer = NULL;
    struct err err = {0};
    size_t submitted = 0;

    tally_init(&tally, config);
    CHECK(db_writer_open(config, NULL, &writer, &err), "%s", err.message);
    for (int64_t t = 0; t < THREADS; t++) {
        all[t].writer = writer;
        for (int64_t i = 0; i < WRITES; i++) {
            all[t].puts[i] = make_put(&tally, i % 3 == 0 ? i : t * WRITES + i);
            all[t].puts[i].checks = i % 3 != 0;
        }
        CHECK(pthread_create(&all[t].thread, NULL, submit_all, &all[t]) == 0, "thread");
    }
    for (size_t t = 0; t < THREADS; t++) {
        pthread_join(all[t].thread, NULL);
        submitted += all[t].submitted;
    }
    db_writer_close(writer);
    CHECK(submitted == (size_t)THREADS * WRITES, "%zu submitted", submitted);
    CHECK(tally.acknowledged + tally.refused == submitted, "every write was told its outcome");
    CHECK(tally.refused == (size_t)(THREADS - 1) * ((WRITES + 2) / 3), "%zu refused",
          tally.refused);
    CHECK(tally.not_durable == 0, "%zu were told before they were committed", tally.not_durable);
    CHECK(count(tally.db) == (int64_t)tally.acknowledged, "acknowledged is what is there");
    tally_done(&tally);
    free(all);
}

static void undoes_a_failing_write_alone(const struct db_config *config)
{
    struct tally tally;
    struct db_writer *writer = NULL;
    struct put gate;
    struct put puts[6];
    struct err err = {0};

    tally_init(&tally, config);
    CHECK(db_writer_open(config, NULL, &writer, &err), "%s", err.message);
    gate = make_put(&tally, 0);
    close_gate(writer, &gate);
    for (size_t i = 0; i < ARRAY_LEN(puts); i++)
        puts[i] = make_put(&tally, (int64_t)i + 1);
    puts[1].fails_after = true;
    puts[3].id = 1; /* conflicts with the first */
    puts[4].id = 1;
    puts[4].ignores = true;
    for (size_t i = 0; i < ARRAY_LEN(puts); i++)
        CHECK(db_writer_submit(writer, &puts[i].write, &err), "%s", err.message);
    open_gate(&gate);
    db_writer_close(writer);
    CHECK(gate.kind == ERR_NONE && puts[0].kind == ERR_NONE, "good ones");
    CHECK(puts[1].kind == ERR_INVALID, "its own error");
    CHECK(puts[2].kind == ERR_NONE && puts[5].kind == ERR_NONE, "good ones after bad ones");
    CHECK(puts[3].kind == ERR_CONFLICT, "conflict");
    CHECK(puts[4].kind != ERR_NONE, "an error cannot be ignored");
    CHECK(count(tally.db) == 4 && !is_there(tally.db, 2), "gate, 1, 3 and 6");
    tally_done(&tally);
}

/* Writes that say that they fail early: a conflict leaves the others alone. */
static void refuses_early_what_conflicts(const struct db_config *config)
{
    struct tally tally;
    struct db_writer *writer = NULL;
    struct put gate;
    struct put puts[5];
    struct err err = {0};

    tally_init(&tally, config);
    CHECK(db_writer_open(config, NULL, &writer, &err), "%s", err.message);
    gate = make_put(&tally, 0);
    close_gate(writer, &gate);
    for (size_t i = 0; i < ARRAY_LEN(puts); i++) {
        puts[i] = make_put(&tally, (int64_t)i + 1);
        puts[i].write.fails_early = i != 4;
        puts[i].checks = true;
    }
    puts[1].id = 1; /* conflicts with the first */
    puts[2].id = 1;
    puts[2].ignores = true;
    for (size_t i = 0; i < ARRAY_LEN(puts); i++) {
        if (i == 1 || i == 2)
            puts[i].checks = false; /* it is there: the first one's */
        CHECK(db_writer_submit(writer, &puts[i].write, &err), "%s", err.message);
    }
    open_gate(&gate);
    db_writer_close(writer);
    CHECK(puts[0].kind == ERR_NONE && puts[3].kind == ERR_NONE && puts[4].kind == ERR_NONE,
          "good ones: %d %d %d", puts[0].kind, puts[3].kind, puts[4].kind);
    CHECK(puts[1].kind == ERR_CONFLICT, "%d", puts[1].kind);
    CHECK(puts[2].kind != ERR_NONE, "an error cannot be ignored");
    CHECK(tally.not_durable == 0 && count(tally.db) == 4, "gate, 1, 4 and 5");
    tally_done(&tally);
}

/* One that has changed something and fails, although it said that it would not: it is never
 * committed, and nobody is told that something is there that is not. */
static void keeps_nothing_of_what_fails_late(const struct db_config *config)
{
    struct tally tally;
    struct db_writer *writer = NULL;
    struct put gate;
    struct put puts[3];
    struct err err = {0};

    tally_init(&tally, config);
    CHECK(db_writer_open(config, NULL, &writer, &err), "%s", err.message);
    gate = make_put(&tally, 0);
    close_gate(writer, &gate);
    for (size_t i = 0; i < ARRAY_LEN(puts); i++) {
        puts[i] = make_put(&tally, (int64_t)i + 1);
        puts[i].write.fails_early = true;
        puts[i].checks = true;
    }
    puts[1].fails_after = true;
    for (size_t i = 0; i < ARRAY_LEN(puts); i++)
        CHECK(db_writer_submit(writer, &puts[i].write, &err), "%s", err.message);
    open_gate(&gate);
    db_writer_close(writer);
    CHECK(puts[1].kind == ERR_INVALID && !is_there(tally.db, 2), "%d", puts[1].kind);
    CHECK(tally.not_durable == 0, "each was told what is so");
    CHECK(puts[0].kind == puts[2].kind, "all or none");
    CHECK(puts[0].kind == ERR_NONE || puts[0].kind == ERR_INTERNAL, "not what was wrong with 2");
    CHECK(count(tally.db) == (puts[0].kind == ERR_NONE ? 3 : 1), "%lld",
          (long long)count(tally.db));
    tally_done(&tally);
}

/* A write that puts a tail to the end of its transaction; the first of a batch does so once. */
struct tailed {
    struct put put; /* first */
    struct db_writer *writer;
    struct put *tail; /* NULL: none */
};

static bool tailed_run(struct db_write *w, struct db *db, struct err *err)
{
    struct tailed *t = (struct tailed *)(void *)w;

    if (t->tail)
        db_writer_at_end(t->writer, &t->tail->write);
    return put_run(w, db, err);
}

/* What has a tail stands or falls with it, alone and among others; the tail is told first. */
static void runs_what_is_put_to_the_end(const struct db_config *config)
{
    static const struct {
        const char *label;
        bool tail_fails, write_fails;
        size_t writes;
        int64_t rows; /* besides the gate's */
    } cases[] = {
        {"alone", false, false, 1, 2},
        {"among others", false, false, 3, 4},
        {"a tail that fails, alone", true, false, 1, 0},
        {"a tail that fails, among others", true, false, 3, 0},
        {"a write that fails, alone", false, true, 1, 0},
        {"a write that fails, among others", false, true, 3, 3},
    };
    struct tally tally;
    int64_t rows;

    tally_init(&tally, config);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct db_writer *writer = NULL;
        struct put gate, tail;
        struct tailed writes[3];
        struct err err = {0};
        int64_t base = (int64_t)i * 10 + 1;

        CHECK(db_writer_open(config, NULL, &writer, &err), "%s", err.message);
        rows = count(tally.db);
        gate = make_put(&tally, base);
        tally.last_id = INT64_MIN;
        close_gate(writer, &gate);
        tail = make_put(&tally, base + 1);
        tail.fails_after = cases[i].tail_fails;
        for (size_t k = 0; k < cases[i].writes; k++) {
            writes[k] = (struct tailed){.put = make_put(&tally, base + 2 + (int64_t)k),
                                        .writer = writer,
                                        .tail = k == 0 ? &tail : NULL};
            writes[k].put.write.run = tailed_run;
            writes[k].put.fails_after = k == 0 && cases[i].write_fails;
            CHECK(db_writer_submit(writer, &writes[k].put.write, &err), "%s", err.message);
        }
        open_gate(&gate);
        db_writer_close(writer);
        CHECK(!tally.out_of_order, "%s: the tail is told first", cases[i].label);
        CHECK(count(tally.db) - rows - 1 == cases[i].rows, "%s: %lld rows", cases[i].label,
              (long long)(count(tally.db) - rows - 1));
        CHECK((tail.kind == ERR_NONE) == is_there(tally.db, base + 1), "%s: the tail",
              cases[i].label);
        for (size_t k = 0; k < cases[i].writes; k++) {
            CHECK((writes[k].put.kind == ERR_NONE) == is_there(tally.db, base + 2 + (int64_t)k),
                  "%s: what %zu was told", cases[i].label, k);
        }
    }
    tally_done(&tally);
}

static void undoes_a_single_failing_write(const struct db_config *config)
{
    struct tally tally;
    struct db_writer *writer = NULL;
    struct put bad;
    struct put good;
    struct err err = {0};

    tally_init(&tally, config);
    CHECK(db_writer_open(config, &(struct db_writer_limits){.max_batch = 1}, &writer, &err), "%s",
          err.message);
    bad = make_put(&tally, 1);
    bad.fails_after = true;
    good = make_put(&tally, 2);
    CHECK(db_writer_submit(writer, &bad.write, &err), "%s", err.message);
    CHECK(db_writer_submit(writer, &good.write, &err), "%s", err.message);
    db_writer_close(writer);
    CHECK(bad.kind == ERR_INVALID && good.kind == ERR_NONE, "%d %d", bad.kind, good.kind);
    CHECK(count(tally.db) == 1 && is_there(tally.db, 2), "the good one");
    tally_done(&tally);
}

static void refuses_when_full_and_finishes_when_closed(const struct db_config *config)
{
    enum { QUEUE = 10 };
    struct tally tally;
    struct db_writer *writer = NULL;
    struct put gate;
    struct put puts[QUEUE + 1];
    struct err err = {0};

    tally_init(&tally, config);
    CHECK(db_writer_open(config, &(struct db_writer_limits){.max_batch = 3, .max_queued = QUEUE},
                         &writer, &err),
          "%s", err.message);
    gate = make_put(&tally, 0);
    close_gate(writer, &gate);
    for (int64_t i = 0; i <= QUEUE; i++)
        puts[i] = make_put(&tally, i + 1);
    for (size_t i = 0; i < QUEUE; i++)
        CHECK(db_writer_submit(writer, &puts[i].write, &err), "%s", err.message);
    CHECK(!db_writer_submit(writer, &puts[QUEUE].write, &err) && err.kind == ERR_LIMIT, "full");
    CHECK_STR(str_from_z(err.code), "writerBusy", "%s", err.message);
    open_gate(&gate);
    db_writer_close(writer); /* in four batches */
    CHECK(tally.acknowledged == QUEUE + 1 && tally.refused == 0, "%zu", tally.acknowledged);
    CHECK(!tally.out_of_order, "told in the order of queueing");
    CHECK(count(tally.db) == QUEUE + 1, "all there");
    tally_done(&tally);
}

/* A write that submits the next one from done, as a request that goes on does. */
static void chain_done(struct db_write *w, bool ok, const struct err *err);

struct chain {
    struct put put; /* first */
    struct db_writer *writer;
    int64_t left;
};

static void chain_done(struct db_write *w, bool ok, const struct err *err)
{
    struct chain *chain = (struct chain *)(void *)w;
    int64_t left = chain->left;
    struct err refused;

    if (ok && left > 0) {
        chain->left--;
        chain->put.id++;
        if (db_writer_submit(chain->writer, w, &refused))
            return;
    }
    put_done(w, ok && left == 0, err ? err : &(struct err){.kind = ERR_LIMIT});
}

static void takes_writes_from_done(const struct db_config *config)
{
    struct tally tally;
    struct db_writer *writer = NULL;
    struct chain chain = {.left = 20};
    struct err err = {0};

    tally_init(&tally, config);
    CHECK(db_writer_open(config, NULL, &writer, &err), "%s", err.message);
    chain.put = make_put(&tally, 1);
    chain.put.write.done = chain_done;
    chain.writer = writer;
    CHECK(db_writer_submit(writer, &chain.put.write, &err), "%s", err.message);
    pthread_mutex_lock(&tally.lock);
    while (tally.acknowledged + tally.refused == 0)
        pthread_cond_wait(&tally.changed, &tally.lock);
    pthread_mutex_unlock(&tally.lock);
    db_writer_close(writer);
    CHECK(tally.acknowledged == 1 && count(tally.db) == 21, "%lld", (long long)count(tally.db));
    tally_done(&tally);
}

static void tells_all_when_the_transaction_is_lost(void **state)
{
    enum { DONE_BEFORE, LOSES, NOT_BEGUN, BATCH };
    struct db_config config = {.url = test_postgres_url(), .schema = "writer_lost"};
    struct tally tally;
    struct db_writer *writer = NULL;
    struct put gate;
    struct put puts[BATCH];
    struct put after;
    struct db *db = NULL;
    struct err err = {0};

    (void)state;
    CHECK(db_open(&config, &db, &err) && db_migrate(db, &err), "%s", err.message);
    db_close(db);
    tally_init(&tally, &config);
    CHECK(db_writer_open(&config, NULL, &writer, &err), "%s", err.message);
    gate = make_put(&tally, 0);
    close_gate(writer, &gate);
    for (int64_t i = 0; i < BATCH; i++)
        puts[i] = make_put(&tally, i + 1);
    puts[LOSES].write.run = gate_run;
    for (size_t i = 0; i < BATCH; i++)
        CHECK(db_writer_submit(writer, &puts[i].write, &err), "%s", err.message);
    open_gate(&gate);
    wait_at_gate(&puts[LOSES]);
    after = make_put(&tally, BATCH + 1);
    CHECK(db_writer_submit(writer, &after.write, &err), "%s", err.message);
    test_postgres_kill_connections();
    open_gate(&puts[LOSES]);
    db_writer_close(writer);
    CHECK(gate.kind == ERR_NONE, "committed before");
    for (size_t i = 0; i < BATCH; i++)
        CHECK(puts[i].kind == ERR_UNAVAILABLE, "%zu: %d", i, puts[i].kind);
    CHECK(after.kind == ERR_NONE, "the next batch connects again: %d", after.kind);
    db_close(tally.db); /* was ended too */
    CHECK(db_open(&config, &tally.db, &err), "%s", err.message);
    CHECK(count(tally.db) == 2 && is_there(tally.db, BATCH + 1), "the first and the last");
    tally_done(&tally);
}

#define ON_BOTH(body)                  \
    static void both_##body(void **st) \
    {                                  \
        (void)st;                      \
        test_databases_empty(body);    \
    }

ON_BOTH(writes_of_many_threads)
ON_BOTH(undoes_a_failing_write_alone)
ON_BOTH(refuses_early_what_conflicts)
ON_BOTH(keeps_nothing_of_what_fails_late)
ON_BOTH(undoes_a_single_failing_write)
ON_BOTH(refuses_when_full_and_finishes_when_closed)
ON_BOTH(takes_writes_from_done)
ON_BOTH(runs_what_is_put_to_the_end)

TEST_GROUP(writer, cmocka_unit_test(both_writes_of_many_threads),
           cmocka_unit_test(both_undoes_a_failing_write_alone),
           cmocka_unit_test(both_refuses_early_what_conflicts),
           cmocka_unit_test(both_keeps_nothing_of_what_fails_late),
           cmocka_unit_test(both_undoes_a_single_failing_write),
           cmocka_unit_test(both_refuses_when_full_and_finishes_when_closed),
           cmocka_unit_test(both_takes_writes_from_done),
           cmocka_unit_test(both_runs_what_is_put_to_the_end),
           cmocka_unit_test(tells_all_when_the_transaction_is_lost))
