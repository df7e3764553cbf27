/* One run: many walks under one lease, with what they share. A run has one thread, which reads the
 * source, plans and drives the target's requests; a second one, the recorder's, commits outcomes
 * (record.c). Memory is bounded by the number of walks alive and the size of a page, never by the
 * directory. */
#pragma once

#include "base/log.h"
#include "base/map.h"
#include "db/writer.h"
#include "engine/engine.h"
#include "engine/guard/guard.h"
#include "engine/walk/protect.h"
#include "engine/walk/walk.h"
#include "job/pulse.h"

#include <pthread.h>

enum {
    RUN_WINDOW_DEFAULT = 32, /* walks with a request under way */
    RUN_DENIED_MAX = 20,     /* accounts not let in to, one after the other: a failure of the job */
    RUN_ALIVE_MAX = 768,     /* walks in all, those waiting to be recorded included */
    RUN_PAGE_SIZE = 250,     /* source objects read at once */
    RUN_BATCH_LEAST = 128,   /* outcomes in one commit: so many are worth one */
    RUN_BATCH_MAX = 384,     /* ... and no more, however long the one before takes */
    RUN_CURSOR_MAX = 512,    /* bytes */
};
#define RUN_LEASE_US     (30 * US_PER_SECOND)
#define RUN_HEARTBEAT_US (8 * US_PER_SECOND)
#define RUN_FLUSH_US     (20 * US_PER_MS)  /* an outcome waits at most this long for its commit */
#define RUN_SIGNAL_US    (500 * US_PER_MS) /* how often a pause from elsewhere is looked for */

/* A page of source objects on its way through the run. */
struct feed_page {
    struct arena *arena;
    struct source_entry *entries;
    struct connection **connections; /* NULL where there is none */
    size_t room;                     /* places in the arrays of a page that grows */
    struct walk_references *
        *seconds; /* of the second pass: NULL, or what is known beforehand of each entry */
    const struct plan_row *rows; /* of a plan that is applied: one for each entry; else NULL */
    size_t count;
    size_t index;      /* the next to start */
    size_t unfinished; /* started or not, without outcome */
    size_t alive;      /* walks that point into the page */
    struct str next;   /* cursor after the page */
    bool last;
    bool repeats;           /* an object may come up again on a later page */
    bool waits;             /* for everything before it to be recorded */
    bool aside;             /* of no phase: the cycle's cursor stays where it is */
    enum reference_leg leg; /* of the second pass */
    struct feed_page *after;
};

struct record_batch;
struct listing;

/* Creations that wait to be sent together (bulk.c). */
struct bulk {
    size_t at_once; /* 0: not together */
    struct walk *first, *last;
    size_t count;
    target_done *done;
};

/* What the gate of the cycle has found (guard.h). */
struct run_guard {
    struct guard_numbers numbers[HELD_CLASS_COUNT]; /* planned: admitted and held */
    bool loaded[HELD_CLASS_COUNT];                  /* the rest of the numbers, too */
    bool closed[HELD_CLASS_COUNT];                  /* all of the class is held */
    bool rows;                                      /* there are any in the table */
    bool tried;                                     /* this cycle has sent some */
};
struct apply;
struct governor;

struct run_known {            /* references_known.c */
    struct target_known base; /* first */
    struct run *run;
};

/* What is told of the run while it goes (pulse.c). */
struct run_pulse {
    int64_t expected[SOURCE_KIND_COUNT]; /* source objects of a full read; 0: unknown */
    int64_t retries;                     /* parked when the run began */
    int64_t done, total;                 /* objects of the phase; total 0: unknown */
    int64_t at_us;                       /* monotonic, of the last one; 0: nothing is told */
    int64_t done_before, requests_before;
    double objects_rate, requests_rate;
};

struct run {
    const struct engine *engine;
    struct db *db;
    struct arena *arena; /* as long as the run */
    struct job job;
    struct job_settings settings;
    struct walk_job walk_job;
    struct source *source;
    struct target *target;
    struct run_known known;    /* what the target may ask */
    struct governor *governor; /* of the target's requests; NULL when planning */
    struct secret token;
    enum engine_send send;
    struct job_lease lease;
    bool leased;
    const atomic_bool *stop;
    const struct engine_observer *observer;
    struct str initiated_by;         /* of the records: "system", or who provisions on demand */
    const struct source_entry *only; /* on demand: the object that is fed */
    struct apply *apply;             /* the plan that is applied; else NULL */
    int64_t undone;                  /* objects that an undo holds (undo_hold.c) */
    void (*finished)(
        void *ctx, const struct walk *w); /* sees each outcome before it is recorded; may be NULL */
    void *finished_ctx;

    struct cycle cycle;          /* id empty: on demand */
    struct lease_stretch doubt;  /* since when accounts may be unrecorded (unrecorded.h) */
    bool resumed;                /* an earlier run has begun the cycle, or one that was given up */
    char cursor[RUN_CURSOR_MAX]; /* everything before it in this phase is handed to the recorder */
    bool cursor_moved;
    struct run_guard guard;
    struct run_pulse pulse;
    bool had_due;           /* something was due by time when the run began */
    bool had_retries;       /* the queue was not empty: successes have to be taken out of it */
    bool had_pending;       /* some references waited for an account */
    bool had_doubts;        /* an account may be there that is not connected (doubt.h) */
    bool found_again;       /* one was found: it waits for the next look at its object */
    bool reopened;          /* the second pass has found an account gone: it is gone over again */
    enum reference_leg leg; /* the second pass is in */
    size_t members_max;     /* that the target takes at once, when it was found out; or 0 */

    struct feed_page *first_page, *last_page; /* in feed order */
    char feed_at_text[RUN_CURSOR_MAX];        /* cursor of the next page to load */
    struct str feed_at;
    bool feed_ended;
    bool settling;        /* the next page waits until all that is alive is recorded */
    struct map under_way; /* source ids of pages that repeat objects -> walk */
    struct walk *idle;    /* for reuse */
    struct walk *delayed; /* waiting for their time */
    size_t alive;
    size_t in_flight; /* exporting, delayed ones included */
    size_t window;
    struct listing *listing; /* NULL until something is matched */
    struct bulk bulk;
    struct map matching;           /* matching values under way -> walk */
    struct map protected_accounts; /* protect.h */
    struct map reserved;           /* values chosen by SelectUniqueValue -> walk */
    struct map group_ids;          /* display names that filters use -> struct str, the id */
    struct map unrecorded;         /* target ids connected but not yet committed -> walk */
    int64_t hold_until_us;         /* monotonic: the target asked for a pause */
    unsigned failures_in_row;      /* transient ones, without any success between */
    unsigned denied_in_row;        /* accounts not let in to, without any written between */
    bool heeds_pause;              /* though it is no cycle */
    bool stopping;                 /* paused, stopped or aborted: nothing new is started */
    bool paused;
    bool aborted; /* a failure of the job; err says which */
    struct err err;
    int64_t signal_seen, signal_checked_us;

    /* --- recorder --- */
    struct db_writer *writer;
    struct packer *packer;      /* on the thread of the writer */
    struct record_batch *batch; /* being filled */
    int64_t batch_since_us;
    int64_t last_commit_us;
    unsigned batches_out;
    pthread_mutex_t lock; /* guards done and broken */
    pthread_cond_t done_cond;
    struct record_batch *done; /* committed or failed, to be collected */
    bool broken;               /* a batch failed: nothing after it may be recorded */
};

/* --- run.c: the life of a run and of its walks --- */
/* Opens databases, source, target (unless planning) and schema of the job. The run's texts live in
 * its own arena. */
MUST_USE bool run_open(struct run *r, const struct engine *e, int64_t job_no, bool planning,
                       struct err *err);
/* Takes the job's lease and begins to record under it. ERR_CONFLICT when another process has it. */
MUST_USE bool run_lease(struct run *r, struct err *err);
/* A write of the run's own thread: a transaction that proves the lease and prolongs it.
 * ERR_CONFLICT "leaseLost". run_write_end follows in any case: it commits what went well, and
 * undoes the rest. */
MUST_USE bool run_write_begin(struct run *r, struct err *err);
MUST_USE bool run_write_end(struct run *r, bool ok, struct err *err);
void run_close(struct run *r); /* gives the lease back; for CLEANUP */
struct walk *run_walk_new(struct run *r, struct feed_page *page, size_t index);
void run_walk_recycle(struct run *r, struct walk *w);
/* The walk has its outcome: counts it and hands it to the recorder. */
void run_walk_finish(struct walk *w);
/* Moves the cursor over the pages at the front whose walks have all been handed over. */
void run_pass_pages(struct run *r);
/* Whether another source object of the job has that account; *out_other names it (in the walk's
 * arena). */
MUST_USE bool run_target_taken(struct walk *w, struct str target_id, bool *out_taken,
                               struct str *out_other, struct err *err);

/* --- drive.c: what keeps a run going --- */
typedef bool run_load(struct run *r, struct str cursor, struct feed_page *page, struct err *err);
/* Takes walks from the pages that load() gives, until there are none left or the run stops; then
 * everything is recorded. */
MUST_USE bool run_drive(struct run *r, run_load *load, void (*start)(struct walk *w),
                        struct err *err);
/* Planning and exporting is what run_drive starts each walk with; the second pass starts otherwise.
 */
void run_start_walk(struct walk *w);
/* The pure stations; what an undo holds is turned into a skip. */
void run_plan_walk(struct walk *w);
/* Imports, scopes, maps and plans everything that load() gives, and exports nothing. */
MUST_USE bool run_rehearse(struct run *r, run_load *load, struct str cursor,
                           void (*visit)(void *ctx, struct walk *w), void *ctx, struct err *err);
/* Whether somebody elsewhere paused the job, or this process is asked to stop. */
void run_look_for_signals(struct run *r);
/* Turns the target for so long; a run that is to stop waits no more. */
void run_wait(struct run *r, int64_t us);
/* Keeps what the target says of itself for the next runs (scim.md 10.1). A failure costs them the
 * same questions, no more. */
void run_remember_said(struct run *r);
/* The connection test that a run begins with. A passing failure (a timeout, a 503, a lost
 * connection) is tried again twice within seconds, when the target says when, unless that is later
 * than the lease bears (scim.md 10.3, engine.md 9.2). */
MUST_USE bool run_test_target(struct run *r, struct err *err);
/* Stops the run: err is its failure. */
void run_abort(struct run *r, const struct err *err);

/* --- lease.c --- */
/* Takes the job's lease; one that a process of this machine left behind when it died is taken over
 * at once. position: of the source, for who may create accounts (struct lease_stretch); else empty.
 */
MUST_USE bool lease_claim(const struct engine *e, struct db *db, int64_t job_no,
                          struct str position, struct job_lease *out, struct err *err);

/* --- feed.c: what feeds a run, a page each time --- */
/* The source's entry for an id that is known here, or one that says it is gone; and the connections
 * of the entries of a page, one by one. */
bool feed_entry(struct run *r, struct feed_page *page, struct str id, enum source_kind kind,
                struct str name, struct source_entry *out, struct err *err);
/* The page becomes the entries of connections in id order, which belong to its arena. */
bool feed_entries(struct run *r, struct feed_page *page, struct connection *of, size_t count,
                  struct err *err);
bool feed_connections_of(struct run *r, struct feed_page *page, struct err *err);
bool feed_users(struct run *r, struct str cursor, struct feed_page *page, struct err *err);
bool feed_groups(struct run *r, struct str cursor, struct feed_page *page, struct err *err);
bool feed_connections(struct run *r, struct str cursor, struct feed_page *page, struct err *err);
bool feed_changes(struct run *r, struct str cursor, struct feed_page *page, struct err *err);
bool feed_retries(struct run *r, struct str cursor, struct feed_page *page, struct err *err);
bool feed_only(struct run *r, struct str cursor, struct feed_page *page, struct err *err);

/* --- due.c: what comes up by time --- */
/* Makes the stations see what is kept of removals and turns, if anything is or may come to be. */
MUST_USE bool due_run_open(struct run *r, struct err *err);
bool feed_due(struct run *r, struct str cursor, struct feed_page *page, struct err *err);
struct str feed_due_start(void);     /* its first cursor */
bool feed_is_due(struct str cursor); /* whether the cursor is one of feed_due */
/* When the job has to run again: at `otherwise`, or earlier when something is due before. */
int64_t due_wake_us(struct run *r, int64_t otherwise);

/* --- removal_check.c --- */
/* ERR_INVALID "SchemaAttributeNotFound" when a removal is to set what nothing maps. */
MUST_USE bool removal_check(struct db *db, int64_t job_no, struct err *err);

/* --- export.c --- */
/* The walk under way has its outcome. */
void export_finish(struct walk *w);
/* What a failed call leads to: it is repeated later by again(), or it is the outcome. */
void export_failed(struct walk *w, const struct target_result *result, enum step_type step,
                   const char *step_name, void (*again)(struct walk *w));
/* Puts into the newest step what was sent, as far as it has a body; what was answered is in the
 * message. */
void export_tell(struct walk *w, const struct target_result *result, const char *step_name);
/* Sends what was planned; the walk is finished later, from target_run. */
void station_export(struct walk *w);
/* Lets a walk go without an outcome, because the run stops: its object is done when the cycle goes
 * on. */
void export_abandon(struct walk *w);
/* The stored account is gone (engine.md 4, InvalidAnchor): the object, which is planned, is matched
 * again, and created if none matches. */
void export_anchor_gone(struct walk *w);
/* Repeats a call whose time has come. */
void export_again(struct walk *w);
/* A call went well: what failed before it counts no more. */
void export_good_call(struct walk *w);
/* What the account says after w->changes is kept as last exported; the recorder writes it. */
void export_keep(struct walk *w, struct str target_id, const struct json *before);
/* What is to be sent, against what was read of the account. False: the walk has its outcome. */
bool export_compare(struct walk *w);
void export_create(struct walk *w); /* sends the creation, in bulk if the target has that */
void export_update(struct walk *w); /* sends w->changes */

/* --- match.c: which account is the object's --- */
/* From the first criterion on; two objects with the same value are not matched at once. */
void match_begin(struct walk *w);
/* Looks for accounts that have the values of the present criterion. */
void match_ask(struct walk *w);
/* From the first criterion on, and the target itself is asked: something has happened since. */
void match_again(struct walk *w);

/* --- bulk.c: creations of a first cycle in one request --- */
/* Learns whether the target has bulk requests. No call may be in flight. */
void bulk_open(struct run *r);
/* False when the walk's account is to be created by itself. */
bool bulk_take(struct walk *w, target_done *done);
/* Once a turn of the run: sends what nothing more would join. started_all: nothing more can be
 * started now. */
void bulk_turn(struct run *r, bool started_all);

/* --- unique.c --- */
/* Chooses the values of SelectUniqueValue for a create, then calls then(w), unless the walk fails.
 * False when there is nothing to choose, or nothing any more. */
bool unique_begin(struct walk *w, void (*then)(struct walk *w));
void unique_release(struct walk *w); /* gives back what the walk has reserved */

/* --- others.c --- */
/* Makes the source answer what filters ask about others. ERR_NOT_FOUND or ERR_CONFLICT for a group
 * that is named and cannot be found. */
MUST_USE bool others_open(struct run *r, struct err *err);

/* --- forecast.c: what the next cycle would be fed with, planned --- */
/* visit sees each object once. */
MUST_USE bool forecast_run(struct run *r, enum plan_of of, void (*visit)(void *ctx, struct walk *w),
                           void *ctx, struct err *err);
/* The same by asking the target, too: nothing is written. */
MUST_USE bool forecast_ask(struct run *r, enum plan_of of, void (*visit)(void *ctx, struct walk *w),
                           void *ctx, struct err *err);

/* --- apply.c: rows of a plan on their way through the stations export and record --- */
/* What was read of the account is compared with the row: w->changes is then what is left to send.
 * False: refused, the walk has its outcome. */
MUST_USE bool apply_compare(struct walk *w);
/* Before a create: w->changes become the row's. False: refused. */
MUST_USE bool apply_create(struct walk *w);
/* The account of a row is gone. */
void apply_gone(struct walk *w);
/* Whether nothing is known yet of how the run ended: it is under way, or its process died. */
bool apply_is_under_way(const struct cycle *c);
/* In the recorder's transaction: what an undo has put back is held. */
MUST_USE bool apply_record(struct db *db, const struct run *r, const struct walk *w,
                           struct err *err);

/* --- undo_hold.c --- */
/* What an undo has put back stays as it is: then something that was planned becomes a skip. */
void undo_hold(struct walk *w);
bool undo_holds(struct walk *w); /* whether it is one of them */

/* --- record.c --- */
MUST_USE bool recorder_open(struct run *r, struct err *err);
void recorder_add(struct run *r, struct walk *w);
void recorder_flush(struct run *r);   /* hands the batch over, with the cursor as it stands */
void recorder_collect(struct run *r); /* recycles what is committed */
/* Flushes and waits until all is durable. False when something could not be recorded. */
MUST_USE bool recorder_drain(struct run *r, struct err *err);
void recorder_close(struct run *r);

/* --- pulse.c --- */
/* A phase begins. */
void pulse_phase(struct run *r);
/* Whether it is time to tell; of a cycle only. */
bool pulse_due(const struct run *r);
/* What is to be told now; false when it is not time. */
bool pulse_take(struct run *r, struct job_pulse *out);

/* --- references.c, references_feed.c, references_record.c: the second pass --- */
/* Lets the target ask who was put into a group (references_known.c). */
void references_tell_target(struct run *r);
/* The walk is reused. */
void references_let_go(struct walk *w);
bool references_mapped(const struct mapping_program *p);
/* The feed of the second pass and how its walks start: for run_drive. */
bool feed_references(struct run *r, struct str cursor, struct feed_page *page, struct err *err);
bool feed_references_of_only(struct run *r, struct str cursor, struct feed_page *page,
                             struct err *err);
void references_start(struct walk *w);
/* The request under way, a change of members, for people. */
struct str members_request(struct walk *w);
/* Whether the second pass of this object has something to record, although nothing was sent. */
bool references_to_record(const struct walk *w);
/* On the recorder's thread, in its transaction: what a first pass means for references (after the
 * connection was saved or removed), and the outcome of a second one. */
MUST_USE bool references_follow(struct db *db, const struct run *r, const struct walk *w,
                                struct err *err);
MUST_USE bool references_record(struct db *db, const struct run *r, const struct walk *w,
                                struct err *err);
/* Afterwards: whether nothing of the object's references waits for the retry queue. */
MUST_USE bool references_settled(struct db *db, const struct run *r, const struct walk *w,
                                 bool *out, struct err *err);
