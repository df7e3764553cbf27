/* The runs of a job: lease, progress, watermark (engine.md 2.2, 3). A cycle is a row that a crash
 * leaves behind in state running; whoever takes the lease next goes on from its cursor. All writes
 * of a run go through cycle_fence in their transaction, so that a run that has lost its lease can
 * no longer write. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "db/db.h"

enum cycle_kind { CYCLE_INITIAL, CYCLE_INCREMENTAL, CYCLE_APPLY, CYCLE_KIND_COUNT };
enum cycle_state {
    CYCLE_RUNNING,
    CYCLE_SUCCEEDED,
    CYCLE_ENTRY_ERRORS,
    CYCLE_FAILED,
    CYCLE_STATE_COUNT
};
enum cycle_phase {
    PHASE_USERS,
    PHASE_GROUPS,
    PHASE_CONNECTIONS, /* those that the full read did not show: left scope, or gone */
    PHASE_CHANGES,
    PHASE_RETRIES,
    PHASE_REFERENCES,
    PHASE_DONE,
    PHASE_GATE,     /* counts removals and judges them: before all others */
    PHASE_REMOVALS, /* what the gate has admitted, and what an administrator has allowed */
    PHASE_COUNT
};
const char *
cycle_kind_name(enum cycle_kind k); /* "initial", "incremental", "apply" (of a saved plan) */
const char *
cycle_state_name(enum cycle_state s); /* "Running", "Succeeded", "EntryLevelErrors", "Failed" */
const char *cycle_phase_name(enum cycle_phase p); /* "users", ... */

struct cycle_counters {
    int64_t imported; /* source objects read */
    int64_t in_scope;
    int64_t created, matched, updated, disabled, deleted, skipped, unchanged, failed, warnings;
    int64_t requests;
    /* Of the skipped: who never had an account, by the reason; not in the log one by one. */
    int64_t skipped_entitled, skipped_filtered, skipped_disabled, skipped_deleted, skipped_off;
    /* Of the second pass: references set, cleared, added and removed; and the objects of which some
     * failed (none of them is among `failed`). */
    int64_t references, failed_references;
};
/* Succeeded, or with failures of objects or of references. */
enum cycle_state cycle_state_of(const struct cycle_counters *c);

struct cycle {
    struct str id; /* UUID */
    int64_t job_no;
    enum cycle_kind kind;
    enum cycle_state state;
    enum cycle_phase phase;
    struct str cursor;     /* everything before it in this phase is recorded */
    struct str feed_start; /* the watermark that the cycle comes to: of an initial one where the
                              source stood when it began, of an incremental one where its changes
                              ended (empty until then) */
    struct str watermark;  /* where the previous cycle ended; empty for an initial one */
    int64_t schema_version;
    int64_t total; /* objects expected, 0 if unknown */
    int64_t began_us, ended_us;
    struct cycle_counters counters;
    struct str error_code, error_message;
};

/* The lease: who may run the job, until when. epoch is the fencing number of this holder. */
struct job_lease {
    int64_t job_no;
    int64_t epoch;
    int64_t until_us;
};
/* Takes it when free or expired. ERR_CONFLICT "leaseHeld": says who holds it and until when. owner:
 * host, process, random part. */
MUST_USE bool lease_take(struct db *db, int64_t job_no, struct str owner, int64_t now_us,
                         int64_t until_us, struct job_lease *out, struct err *err);
/* The same for a run that may create accounts: where the source stands as it begins, and when that
 * was. It is kept as a doubt when the lease is not given back, or not by lease_release. */
struct lease_stretch {
    struct str from; /* a position of the source; empty: none */
    int64_t began_us;
};
MUST_USE bool lease_take_for(struct db *db, int64_t job_no, struct str owner, int64_t now_us,
                             int64_t until_us, const struct lease_stretch *stretch,
                             struct job_lease *out, struct err *err);
/* Gives it back with outcomes missing that could not be recorded. */
MUST_USE bool lease_release_in_doubt(struct db *db, const struct job_lease *l, struct err *err);
/* Since when there may be accounts that nobody has recorded: the earliest stretch that was cut
 * short, or an empty one; and that they have been looked for, behind the fence. */
MUST_USE bool lease_doubt(struct db *db, struct arena *a, int64_t job_no, struct lease_stretch *out,
                          struct err *err);
MUST_USE bool lease_doubt_settled(struct db *db, const struct job_lease *l, struct err *err);
/* Who holds the lease now and until when; out_owner is empty when nobody ever did. */
MUST_USE bool lease_holder(struct db *db, struct arena *a, int64_t job_no, struct str *out_owner,
                           int64_t *out_until_us, struct err *err);
MUST_USE bool lease_release(struct db *db, const struct job_lease *l, struct err *err);
/* Inside a write transaction: proves that the lease is still ours, prolongs it, and reserves
 * `records` consecutive numbers of the job's journal; the first of them is *out_first. ERR_CONFLICT
 * "leaseLost". */
MUST_USE bool cycle_fence(struct db *db, const struct job_lease *l, int64_t until_us,
                          int64_t records, int64_t *out_first, struct err *err);

MUST_USE bool cycle_insert(struct db *db, const struct cycle *c, struct err *err);
/* phase, cursor, feed_start, total, counters, state, ended, error */
MUST_USE bool cycle_update(struct db *db, const struct cycle *c, struct err *err);
MUST_USE bool cycle_open(struct db *db, struct arena *a, int64_t job_no, struct cycle *out,
                         bool *out_found, struct err *err); /* the running one */
MUST_USE bool cycle_last(struct db *db, struct arena *a, int64_t job_no, struct cycle *out,
                         bool *out_found, struct err *err); /* the newest ended one */
MUST_USE bool cycle_list(struct db *db, struct arena *a, int64_t job_no, size_t limit,
                         struct cycle **out, size_t *out_count, struct err *err); /* newest first */
struct job;
/* The cycle of the job that a person means: its id, the first letters of it (4 at least), or
 * "last". ERR_NOT_FOUND "cycleNotFound", ERR_CONFLICT "ambiguousCycle". */
MUST_USE bool cycle_find(struct db *db, struct arena *a, const struct job *job, struct str id,
                         struct cycle *out, struct err *err);
MUST_USE bool cycle_load(struct db *db, struct arena *a, struct str id, struct cycle *out,
                         struct err *err);

/* The job's watermark: empty means that the next cycle is an initial one. Set in the transaction
 * that ends a cycle. */
MUST_USE bool watermark_load(struct db *db, struct arena *a, int64_t job_no, struct str *out,
                             struct err *err);
MUST_USE bool watermark_save(struct db *db, int64_t job_no, struct str watermark, struct err *err);
/* The same at the end of a cycle that ran with a version of the schema: when there is a newer one
 * the watermark is emptied instead (engine.md 3.5). */
MUST_USE bool watermark_advance(struct db *db, int64_t job_no, struct str watermark,
                                int64_t schema_version, struct err *err);
/* "stop at the next object boundary" wishes from other processes (pause, restart --now): a counter
 * that changes. */
MUST_USE bool job_signal_raise(struct db *db, int64_t job_no, struct err *err);
MUST_USE bool job_signal_read(struct db *db, int64_t job_no, int64_t *out, struct err *err);
