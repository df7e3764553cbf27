/* The station record: outcomes are committed in batches on a thread of their own, connection,
 * journal, retry queue, counters and cursor in one transaction, behind the fence of the lease. The
 * cursor of a batch names the last page all of whose outcomes are in this batch or earlier ones
 * (promise 1). A batch that fails breaks the run: nothing after it is recorded. */
#include "engine/cycle/run.h"
#include "engine/failures/doubt.h"
#include "engine/failures/escrow.h"
#include "job/retry.h"

struct record_batch {
    struct db_write write; /* first */
    struct run *run;
    struct walk *first, *last;
    size_t count;
    size_t records; /* journal records among them */
    struct cycle cycle;
    char cursor[RUN_CURSOR_MAX];
    bool has_pulse;
    struct job_pulse pulse;
    int64_t added[SOURCE_KIND_COUNT]; /* connections */
    bool ok;
    struct err err;
    struct record_batch *next;
};

/* --- on the writer's thread --- */

/* Nothing that was exported of the account counts any more; who names it is owed another look. */
static bool forget_account(struct db *db, const struct run *r, const struct walk *w,
                           struct err *err)
{
    bool removed;

    return references_owe(db, r->job.no, w->entry.id, err) &&
           connection_remove(db, r->job.no, w->entry.id, &removed, err);
}

static bool record_connection(struct db *db, struct record_batch *b, const struct walk *w,
                              struct err *err)
{
    const struct run *r = b->run;

    if (w->keep == KEEP_CONNECTION) {
        struct connection c = {
            .source_id = w->entry.id,
            .kind = w->entry.kind,
            .target_id = w->target_id,
            .display_name = w->entry.display_name,
            .origin = w->connected && !w->rematched ? w->connection.origin : w->origin,
            .soft_deleted = !w->in_scope && !w->found_again,
            .exported = mapping_exported_text(w->kept_before, &w->changes, w->arena),
            .created_us = w->connected && !w->rematched ? w->connection.created_us : w->at_us,
            .changed_us = w->at_us,
        };

        if (w->rematched && !forget_account(db, r, w, err))
            return false;
        return connection_save_many(db, r->job.no, &c, b->added, err);
    }
    return w->keep != KEEP_DROPPED || forget_account(db, r, w, err);
}

/* Takes an object, or its references, out of the retry queue, unless some of them still wait there.
 */
static bool record_success(struct db *db, const struct run *r, const struct walk *w,
                           struct err *err)
{
    bool settled = true;

    if (!r->had_retries)
        return true;
    if (w->found_again)
        return doubt_record(db, r, w, err);
    return escrow_release(db, r, w, err) &&
           (!w->references || references_settled(db, r, w, &settled, err)) &&
           (!settled || retry_remove(db, r->job.no, w->entry.id, w->references, err));
}

/* A removal whose time has come and which was not sent comes up by itself no more: whoever stands
 * in its way brings it back. Its grace period does not begin again. */
static bool record_over(struct db *db, const struct run *r, const struct walk_due *d,
                        struct err *err)
{
    struct due over = d->row;

    over.state = DUE_OVER;
    over.due_us = DUE_NEVER;
    return (d->known && d->row.state == DUE_OVER) || due_save(db, r->job.no, &over, err);
}

/* What is looked at again at a certain time (job/due.h). Of an account that is gone nothing is. */
static bool record_due(struct db *db, const struct run *r, const struct walk *w, struct err *err)
{
    bool dropped = w->keep == KEEP_DROPPED && w->status != STATUS_FAILURE;

    for (unsigned i = 0; i < DUE_REASON_COUNT; i++) {
        const struct walk_due *d = &w->due[i];
        bool forget = d->write == DUE_FORGET || (d->write == DUE_DONE && w->keep != KEEP_NOTHING);

        if (dropped && i != DUE_TURN)
            forget = d->known;
        if (forget && !due_remove(db, r->job.no, w->entry.id, i, err))
            return false;
        if (!forget && d->write == DUE_DONE && !record_over(db, r, d, err))
            return false;
        if (d->write == DUE_SAVE && !(dropped && i != DUE_TURN) &&
            !due_save(db, r->job.no, &d->row, err))
            return false;
    }
    return true;
}

static bool record_walk(struct db *db, struct record_batch *b, struct walk *w, int64_t no,
                        struct err *err)
{
    const struct run *r = b->run;

    if (w->again_in_cycle)
        return true;
    if (!record_connection(db, b, w, err) || !record_due(db, r, w, err) ||
        !(w->second ? references_record(db, r, w, err) : references_follow(db, r, w, err)))
        return false;
    if (r->apply && !apply_record(db, r, w, err))
        return false;
    if (w->status == STATUS_FAILURE) {
        /* Seen in the second pass that the account is gone: the object is to be matched again. */
        if (!escrow_park(db, r, w, w->references && w->keep != KEEP_DROPPED, err))
            return false;
    } else if (!record_success(db, r, w, err)) {
        return false;
    }
    if (!w->silent) {
        struct journal_record record = walk_record(w);

        record.job_no = r->job.no;
        record.no = no;
        record.cycle_id = r->cycle.id;
        record.initiated_by = r->initiated_by;
        return journal_insert(db, r->packer, &record, err);
    }
    return true;
}

static bool batch_record(struct record_batch *b, struct db *db, struct err *err)
{
    struct run *r = b->run;
    int64_t no = 0;

    journal_forget(r->packer);
    if (!cycle_fence(db, &r->lease, clock_now(r->engine->clock) + RUN_LEASE_US, (int64_t)b->records,
                     &no, err))
        return false;
    if (!guard_record(db, r, b->first, err) ||
        (b->records > 0 && !journal_begin(db, r->job.no, no, r->cycle.id, err)))
        return false;
    for (struct walk *w = b->first; w; w = w->next) {
        if (!record_walk(db, b, w, no, err))
            return false;
        no += !w->silent;
    }
    return journal_flush(db, r->packer, err) &&
           connection_count_added(db, r->job.no, b->added, err) &&
           (!b->has_pulse || job_pulse_save(db, r->job.no, &b->pulse, err)) &&
           (b->cycle.id.len == 0 || cycle_update(db, &b->cycle, err));
}

/* The batch that comes after this one has its cursor further on: it has to know. */
static bool batch_run(struct db_write *write, struct db *db, struct err *err)
{
    struct record_batch *b = (struct record_batch *)write;
    struct run *r = b->run;
    bool broken;

    pthread_mutex_lock(&r->lock);
    broken = r->broken;
    pthread_mutex_unlock(&r->lock);
    if (broken)
        return err_set(err, ERR_INTERNAL, "recordBroken", "an earlier batch could not be recorded");
    if (batch_record(b, db, err))
        return true;
    pthread_mutex_lock(&r->lock);
    r->broken = true;
    pthread_mutex_unlock(&r->lock);
    return false;
}

static void batch_done(struct db_write *write, bool ok, const struct err *err)
{
    struct record_batch *b = (struct record_batch *)write;
    struct run *r = b->run;

    b->ok = ok;
    if (!ok)
        b->err = *err;
    pthread_mutex_lock(&r->lock);
    if (!ok)
        r->broken = true;
    b->next = r->done;
    r->done = b;
    pthread_cond_signal(&r->done_cond);
    if (r->target)
        r->target->ops->wake(r->target);
    pthread_mutex_unlock(&r->lock);
}

/* --- on the run's thread --- */

static struct record_batch *batch_new(struct run *r)
{
    struct record_batch *b = mem_alloc(sizeof(*b));

    b->write.run = batch_run;
    b->write.done = batch_done;
    b->run = r;
    return b;
}

static void batch_recycle(struct run *r, struct record_batch *b)
{
    struct walk *w = b->first;

    while (w) {
        struct walk *next = w->next;

        run_walk_recycle(r, w);
        w = next;
    }
    free(b);
}

void recorder_flush(struct run *r)
{
    struct record_batch *b = r->batch;
    struct err err;

    if (!b)
        b = batch_new(r);
    r->batch = NULL;
    r->cursor_moved = false;
    r->last_commit_us = clock_monotonic_us();
    memcpy(b->cursor, r->cursor, sizeof(b->cursor));
    b->cycle = r->cycle;
    b->cycle.cursor = str_from_z(b->cursor);
    b->has_pulse = pulse_take(r, &b->pulse);
    r->batches_out++;
    if (db_writer_submit(r->writer, &b->write, &err))
        return;
    pthread_mutex_lock(&r->lock);
    r->broken = true;
    pthread_mutex_unlock(&r->lock);
    r->batches_out--;
    run_abort(r, &err);
    batch_recycle(r, b);
}

/* Larger ones while the recorder is busy: it has fewer to commit then. */
static void flush_when_full(struct run *r)
{
    const struct record_batch *b = r->batch;

    if (b && (b->count >= RUN_BATCH_MAX || (b->count >= RUN_BATCH_LEAST && r->batches_out == 0)))
        recorder_flush(r);
}

void recorder_add(struct run *r, struct walk *w)
{
    struct record_batch *b = r->batch;

    if (!b) {
        b = r->batch = batch_new(r);
        r->batch_since_us = clock_monotonic_us();
    }
    w->next = NULL;
    if (b->last) {
        b->last->next = w;
    } else {
        b->first = w;
    }
    b->last = w;
    b->count++;
    b->records += !w->silent;
    flush_when_full(r);
}

void recorder_collect(struct run *r)
{
    struct record_batch *done;

    pthread_mutex_lock(&r->lock);
    done = r->done;
    r->done = NULL;
    pthread_mutex_unlock(&r->lock);
    while (done) {
        struct record_batch *next = done->next;

        r->batches_out--;
        if (!done->ok)
            run_abort(r, &done->err);
        batch_recycle(r, done);
        done = next;
    }
    flush_when_full(r);
}

static void wait_for_batch(struct run *r)
{
    pthread_mutex_lock(&r->lock);
    while (!r->done)
        pthread_cond_wait(&r->done_cond, &r->lock);
    pthread_mutex_unlock(&r->lock);
    recorder_collect(r);
}

bool recorder_drain(struct run *r, struct err *err)
{
    if (r->batch || r->cursor_moved)
        recorder_flush(r);
    while (r->batches_out > 0)
        wait_for_batch(r);
    if (r->aborted && err)
        *err = r->err;
    return !r->aborted;
}

bool recorder_open(struct run *r, struct err *err)
{
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->done_cond, NULL);
    r->packer = journal_packer_new();
    /* A batch is one transaction: no other write is with it that would need a savepoint. */
    return db_writer_open(r->engine->db, &(struct db_writer_limits){.max_batch = 1}, &r->writer,
                          err);
}

void recorder_close(struct run *r)
{
    struct err ignored;

    if (!r->writer)
        return;
    (void)!recorder_drain(r, &ignored);
    db_writer_close(r->writer);
    journal_packer_free(r->packer);
    r->writer = NULL;
    pthread_mutex_destroy(&r->lock);
    pthread_cond_destroy(&r->done_cond);
}
