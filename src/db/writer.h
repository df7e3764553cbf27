/* The one writer: a thread with its own database handle that runs writes of many threads, one after
 * the other, and commits those that arrived together as one transaction. After a commit it waits,
 * for no longer than that took, for those who were answered to come again: fewer commits do more
 * work. Each write has a savepoint, so a failed one leaves the others alone. `done` is called after
 * the commit, on the writer's thread: what it acknowledges is durable. When the transaction as a
 * whole is lost (disk full, connection lost), every write of it is told so. */
#pragma once

#include "db/db.h"

struct db_writer;

struct db_write {
    /* Does the work inside the transaction, which it neither commits nor rolls back. False undoes
     * this write alone. Writer's thread. */
    bool (*run)(struct db_write *w, struct db *db, struct err *err);
    /* Told the outcome, after the commit or the undoing; err is NULL when ok. Called exactly once
     * for what was queued, in the order of queueing. Writer's thread; owns w from here on. */
    void (*done)(struct db_write *w, bool ok, const struct err *err);
    /* If run fails it has not changed anything yet, whatever the reason, but for a database that
     * fails: then the others are lost with it. Makes it cheaper (db_savepoint_light). */
    bool fails_early;
    struct db_write *next; /* the writer's */
    bool ok;               /* the writer's */
    struct err err;        /* the writer's */
};

struct db_writer_limits {
    size_t max_batch;  /* writes in one commit; 0: 256 */
    size_t max_queued; /* 0: 10,000 */
};

MUST_USE bool db_writer_open(const struct db_config *config, const struct db_writer_limits *limits,
                             struct db_writer **out, struct err *err);
/* Queues w from any thread; false with ERR_LIMIT "writerBusy" when the queue is full or closing. */
MUST_USE bool db_writer_submit(struct db_writer *writer, struct db_write *w, struct err *err);
/* From within a run: `tail` is run once, after all other writes of this transaction and before its
 * commit, for what they share. It has no savepoint: when it fails, all of them do. Its done is
 * called before theirs, also when it was never run. */
void db_writer_at_end(struct db_writer *writer, struct db_write *tail);
void db_writer_close(
    struct db_writer *writer); /* finishes what is queued, then ends; NULL is fine */
