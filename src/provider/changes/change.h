/* The change feed (scim.md 14): each write leaves a record that is committed with it, numbered
 * without gaps in the order of commits; readers go on from the number they have. What was committed
 * together is one row. Internal to provider/. */
#pragma once

#include "provider/internal.h"

/* `before` NULL: created; `doc` NULL: deleted; both the same: only the members have changed. On the
 * writer's thread, as all that records. */
void change_append(const struct call *c, const struct stored *s, const struct json *before,
                   const struct json *doc);
/* The groups that a user leaves by being deleted have changed. */
MUST_USE bool change_groups_left(struct db *db, const struct call *c, struct str user,
                                 int64_t now_us, struct err *err);

/* --- change_log.c: the records of the transaction that is open, written at its end. --- */
struct change_entry;
struct changes {
    struct db_write tail; /* first */
    struct db_writer *writer;
    bool put; /* the tail */
    struct buf text, chunk;
    struct change_entry *entries;
    size_t count, cap;
};
/* writer NULL: in a transaction of another, who calls changes_write before the commit. */
void changes_init(struct changes *c, struct db_writer *writer);
void changes_done(struct changes *c); /* after the writer's end; for CLEANUP */
MUST_USE bool changes_write(struct changes *c, struct db *db, struct err *err);
/* Where a record is to be written, as a line of provider_change_log. */
struct buf *changes_add(struct changes *c, int64_t tenant_no, int64_t at_us);
/* What was recorded since the mark is forgotten, as the write that did so is undone. */
size_t changes_mark(const struct changes *c);
void changes_undo(struct changes *c, size_t mark);

/* --- change_page.c --- */
/* Looks at each record before it is written; true: it is left out. */
struct change_sieve {
    bool (*leave_out)(struct change_sieve *sieve, int64_t seq, struct str line);
};
struct change_page {
    int64_t count, next;
    int64_t seen; /* with those that were left out */
    bool gone;    /* records behind `since` are not kept, or `since` was never told */
    /* When gone: the last record there is, and behind which one the next that is kept stands. */
    int64_t head, resume;
};
/* Appends a JSON array of the records behind since (-1: all that are kept), at most count of them,
 * and none behind a gap. sieve NULL: none is left out. */
MUST_USE bool change_page_read(struct db *db, int64_t tenant_no, int64_t since, int64_t count,
                               struct change_sieve *sieve, struct buf *out,
                               struct change_page *page, struct err *err);
/* Appends one record as JSON. ERR_INTERNAL "badChangeLog". */
MUST_USE bool change_record_write(struct buf *out, int64_t seq, struct str line, struct err *err);
/* The id of the resource that a record is about; in a. */
struct str change_record_id(struct arena *a, struct str line);
/* The number of the last record; 0: there is none yet. */
MUST_USE bool change_head(struct db *db, int64_t tenant_no, int64_t *out, struct err *err);

/* --- feed.c --- */
/* GET /scim/NAME/changes?since=N&count=M&wait=SECONDS */
void feed_handle(struct call *c);

/* Who waits for changes; on a thread that is started with the first. */
struct feed {
    struct provider *provider;
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t wake;
    pthread_t thread;
    bool started, stopping, changed;
    struct feed_waiter *waiters;
    size_t count;
};
void feed_init(struct feed *f, struct provider *p);
void feed_done(struct feed *f);
/* A write of this process was committed. */
void feed_wake(struct feed *f);
