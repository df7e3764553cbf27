#include "db/writer.h"

#include "base/clock.h"

#include <pthread.h>
#include <stdlib.h>

enum {
    MAX_BATCH = 256,
    MAX_QUEUED = 10000,
    GATHER_MAX_US = 5000, /* however slow the disk is */
};

/* Those who were just answered, and who are likely to write again at once: waiting for them, for no
 * longer than a commit takes, makes one commit of two. */
struct gathering {
    size_t expected;  /* writes, with those that are queued */
    int64_t until_us; /* clock_monotonic_us */
};

struct db_writer {
    struct db *db;         /* the thread's, as what follows */
    struct db_write *tail; /* what is run at the end of the transaction, linked */
    size_t max_batch;
    size_t max_queued;
    struct gathering gathering;
    pthread_t thread;

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t wake;  /* so much is queued, or closing */
    size_t wake_at;       /* so many queued; 0: the thread does not wait */
    struct db_write *first;
    struct db_write **last; /* where the next one is linked */
    size_t queued;
    bool closing;
};

static bool is_of_database(const struct err *err)
{
    return err->kind == ERR_LIMIT || err->kind == ERR_INTERNAL || err->kind == ERR_UNAVAILABLE;
}

/* Runs w behind a savepoint, so that only its own work is undone when it fails. False when the
 * transaction as a whole is lost. */
static bool run_guarded(struct db *db, struct db_write *w, struct err *err)
{
    if (!(w->fails_early ? db_savepoint_light(db, err) : db_savepoint(db, err)))
        return false;
    w->ok = w->run(w, db, &w->err) && db_savepoint_release(db, &w->err);
    if (w->ok || db_savepoint_rollback(db, err))
        return true;
    /* A full disk undoes the whole transaction and the savepoint with it: that is what to tell.
     * What is wrong with w alone is not. */
    if (!w->fails_early || is_of_database(&w->err))
        *err = w->err;
    return false;
}

/* What was put to the end, then the commit; else nothing of the transaction stays. */
static bool end_batch(struct db_writer *writer, struct err *err)
{
    int64_t began;
    bool ok;

    for (struct db_write *w = writer->tail; w; w = w->next) {
        w->ok = w->run(w, writer->db, err);
        if (!w->ok) {
            db_rollback(writer->db);
            return false;
        }
    }
    began = clock_monotonic_us();
    ok = db_commit(writer->db, err);
    writer->gathering.until_us = clock_monotonic_us();
    began = writer->gathering.until_us - began;
    writer->gathering.until_us += began < GATHER_MAX_US ? began : GATHER_MAX_US;
    return ok;
}

/* One transaction for all of the batch. A single write needs no savepoint: its failure is the
 * transaction's. False when nothing of the batch was committed. */
static bool run_batch(struct db_writer *writer, struct db_write *batch, struct err *err)
{
    struct db *db = writer->db;

    if (!db_begin(db, DB_WRITE, err))
        return false;
    if (!batch->next) {
        batch->ok = batch->run(batch, db, &batch->err);
        if (batch->ok)
            return end_batch(writer, err);
        db_rollback(db);
        return true;
    }
    for (struct db_write *w = batch; w; w = w->next) {
        if (!run_guarded(db, w, err)) {
            db_rollback(db);
            return false;
        }
    }
    return end_batch(writer, err);
}

static void finish_tails(struct db_writer *writer, bool committed, const struct err *err)
{
    struct db_write *tail = writer->tail;

    writer->tail = NULL;
    for (struct db_write *w = tail, *next; w; w = next) {
        next = w->next;
        w->ok = w->ok && committed;
        w->done(w, w->ok, w->ok ? NULL : err);
    }
}

static void finish_batch(struct db_write *batch, bool committed, const struct err *err)
{
    for (struct db_write *w = batch, *next; w; w = next) {
        next = w->next;                                         /* w belongs to done() */
        if (!committed && (w->ok || w->err.kind == ERR_NONE)) { /* undone, or not begun */
            w->ok = false;
            w->err = *err;
        }
        w->done(w, w->ok, w->ok ? NULL : &w->err);
    }
}

/* Under the lock. */
static void wait_for_writes(struct db_writer *writer)
{
    const struct gathering *g = &writer->gathering;
    size_t expected = g->expected < writer->max_batch ? g->expected : writer->max_batch;
    struct timespec until = {.tv_sec = g->until_us / US_PER_SECOND,
                             .tv_nsec = g->until_us % US_PER_SECOND * 1000};

    writer->wake_at = 1;
    while (!writer->first && !writer->closing)
        pthread_cond_wait(&writer->wake, &writer->lock);
    writer->wake_at = expected;
    while (writer->queued < expected && !writer->closing &&
           pthread_cond_timedwait(&writer->wake, &writer->lock, &until) == 0)
        continue;
    writer->wake_at = 0;
}

/* Waits for writes and takes up to max_batch of them. NULL: closed and nothing left. */
static struct db_write *take_batch(struct db_writer *writer)
{
    struct db_write *batch;
    struct db_write **end = &batch;
    size_t count = 0;

    pthread_mutex_lock(&writer->lock);
    wait_for_writes(writer);
    batch = writer->first;
    while (*end && count < writer->max_batch) {
        end = &(*end)->next;
        count++;
    }
    writer->first = *end;
    if (!writer->first)
        writer->last = &writer->first;
    writer->queued -= count;
    writer->gathering.expected = count;
    *end = NULL;
    pthread_mutex_unlock(&writer->lock);
    return batch;
}

/* Who waits already writes in the next commit, with those who are answered now. */
static void expect_again(struct db_writer *writer)
{
    pthread_mutex_lock(&writer->lock);
    writer->gathering.expected += writer->queued;
    pthread_mutex_unlock(&writer->lock);
}

static void *write_all(void *arg)
{
    struct db_writer *writer = arg;
    struct db_write *batch;

    while ((batch = take_batch(writer)) != NULL) {
        struct err err = {0};
        bool committed = run_batch(writer, batch, &err);

        expect_again(writer);
        finish_tails(writer, committed, err.kind != ERR_NONE ? &err : &batch->err);
        finish_batch(batch, committed, &err);
    }
    return NULL;
}

bool db_writer_open(const struct db_config *config, const struct db_writer_limits *limits,
                    struct db_writer **out, struct err *err)
{
    pthread_condattr_t monotonic;
    struct db_writer *writer;
    struct db *db;

    if (!db_open(config, &db, err))
        return false;
    writer = mem_alloc(sizeof(*writer));
    writer->db = db;
    writer->max_batch = limits && limits->max_batch ? limits->max_batch : MAX_BATCH;
    writer->max_queued = limits && limits->max_queued ? limits->max_queued : MAX_QUEUED;
    writer->last = &writer->first;
    pthread_mutex_init(&writer->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&writer->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (pthread_create(&writer->thread, NULL, write_all, writer) != 0) {
        db_close(db);
        free(writer);
        return err_set(err, ERR_UNAVAILABLE, "noThread", "no thread for the database writer");
    }
    *out = writer;
    return true;
}

bool db_writer_submit(struct db_writer *writer, struct db_write *w, struct err *err)
{
    bool queued = false;

    w->next = NULL;
    w->ok = false;
    w->err = (struct err){0};
    pthread_mutex_lock(&writer->lock);
    if (writer->queued < writer->max_queued && !writer->closing) {
        *writer->last = w;
        writer->last = &w->next;
        writer->queued++;
        queued = true;
        if (writer->queued == writer->wake_at)
            pthread_cond_signal(&writer->wake);
    }
    pthread_mutex_unlock(&writer->lock);
    return queued || err_set(err, ERR_LIMIT, "writerBusy",
                             "too many writes are waiting for the database: try again later");
}

void db_writer_at_end(struct db_writer *writer, struct db_write *tail)
{
    tail->ok = false;
    tail->err = (struct err){0};
    tail->next = writer->tail;
    writer->tail = tail;
}

void db_writer_close(struct db_writer *writer)
{
    if (!writer)
        return;
    pthread_mutex_lock(&writer->lock);
    writer->closing = true;
    pthread_cond_signal(&writer->wake);
    pthread_mutex_unlock(&writer->lock);
    pthread_join(writer->thread, NULL);
    db_close(writer->db);
    pthread_cond_destroy(&writer->wake);
    pthread_mutex_destroy(&writer->lock);
    free(writer);
}
