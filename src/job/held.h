/* What the guard of a job plans, holds and lets through (engine.md 3.1, 8): one row for each object
 * whose account is to be removed, or whose matching or sign-in attribute is to change. Rows are
 * written by the gate of a cycle, judged as a set, and decided by an administrator. Functions join
 * the caller's transaction. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/secret.h"
#include "db/db.h"
#include "mapping/attributes.h"

enum held_class { HELD_REMOVAL, HELD_UPDATE, HELD_CLASS_COUNT };
enum held_action { HELD_DISABLE, HELD_DELETE, HELD_CHANGE, HELD_ACTION_COUNT };
enum held_state {
    HELD_PLANNED,  /* the gate of the running cycle has seen it */
    HELD_WAITING,  /* held: for an administrator, or for its set to become smaller */
    HELD_RELEASED, /* was held, and its set has fallen under the numbers */
    HELD_ALLOWED,
    HELD_REJECTED,
    HELD_SENT, /* by the running cycle */
    HELD_STATE_COUNT
};
const char *held_action_name(enum held_action a); /* "disable", "delete", "update" */

struct held {
    struct str source_id;
    enum held_class class_;
    enum held_state state;
    enum held_action action;
    enum source_kind kind;
    struct str name, target_id;
    struct str code, reason; /* why: the skip reason of engine.md 13.1, and words */
    int64_t version;         /* of the source object */
    struct str cycle_id;     /* the last cycle whose gate saw it */
    struct str tried_cycle;  /* the last cycle that sent it */
    int64_t planned_us;
};

struct held_counts {
    int64_t n[HELD_CLASS_COUNT][HELD_STATE_COUNT];
    int64_t decided[HELD_CLASS_COUNT]; /* of the set that is held now */
};

/* Inserts or overwrites the object's row. */
MUST_USE bool held_save(struct db *db, int64_t job_no, const struct held *h, struct err *err);
MUST_USE bool held_load(struct db *db, struct arena *a, int64_t job_no, struct str source_id,
                        struct held *out, bool *out_found, struct err *err);
MUST_USE bool held_remove(struct db *db, int64_t job_no, struct str source_id, struct err *err);
MUST_USE bool held_clear(struct db *db, int64_t job_no, struct err *err);
/* Rows of a state and class in order of source id after `after`. */
MUST_USE bool held_page(struct db *db, struct arena *a, int64_t job_no, enum held_state state,
                        enum held_class class_, struct str after, size_t limit, struct held **out,
                        size_t *out_count, struct err *err);
/* Whether something is allowed that no cycle has sent yet. */
MUST_USE bool held_any_allowed(struct db *db, int64_t job_no, bool *out, struct err *err);
MUST_USE bool held_count(struct db *db, int64_t job_no, struct held_counts *out, struct err *err);

/* --- A cycle --- */

/* What earlier cycles left planned, sent or released is planned anew. */
MUST_USE bool held_begin_cycle(struct db *db, int64_t job_no, struct str cycle_id, struct err *err);
/* Removes what the gate of this cycle has not seen: for a cycle that looked at everybody. */
MUST_USE bool held_forget_unseen(struct db *db, int64_t job_no, struct str cycle_id,
                                 struct err *err);
/* All rows of a class from one state to another. */
MUST_USE bool held_move(struct db *db, int64_t job_no, enum held_class class_, enum held_state from,
                        enum held_state to, struct err *err);
/* The row, if there is one, was sent in a cycle; with success it has no more to wait for. */
MUST_USE bool held_tried(struct db *db, int64_t job_no, struct str source_id, struct str cycle_id,
                         bool success, struct err *err);
/* What was sent without an approval counts for the rolling window. */
MUST_USE bool held_sent_add(struct db *db, int64_t job_no, enum held_class class_, int64_t at_us,
                            int64_t n, struct err *err);
MUST_USE bool held_sent_since(struct db *db, int64_t job_no, enum held_class class_,
                              int64_t since_us, int64_t *out, struct err *err);
MUST_USE bool held_sent_forget(struct db *db, int64_t job_no, int64_t before_us, struct err *err);

/* By what a class was judged when it began to be held; of several times the strictest. */
struct held_series {
    int64_t sent, connected;
};
MUST_USE bool held_series_save(struct db *db, int64_t job_no, enum held_class class_,
                               const struct held_series *s, struct err *err);
MUST_USE bool held_series_load(struct db *db, int64_t job_no, enum held_class class_,
                               struct held_series *out, bool *out_found, struct err *err);
/* Forgets it of the classes of which nothing is held any more. */
MUST_USE bool held_series_end(struct db *db, int64_t job_no, struct err *err);

/* --- Decisions --- */

#define HELD_DIGEST_MAX 17
/* The digest of all held rows in hexadecimal, and how many they are: what an approval is bound to.
 * Empty when nothing is held. */
MUST_USE bool held_digest(struct db *db, int64_t job_no, char out[HELD_DIGEST_MAX],
                          int64_t *out_count, struct err *err);
/* Makes the writes of a running cycle wait for the caller's transaction, so that the set stays what
 * it is. */
MUST_USE bool held_lock(struct db *db, int64_t job_no, struct err *err);
/* Decides one held row (allowed or rejected); false in *out_held when it is not held. */
MUST_USE bool held_decide(struct db *db, int64_t job_no, struct str source_id,
                          enum held_state decision, bool *out_held, struct err *err);
/* The same for all held rows, both classes. */
MUST_USE bool held_decide_all(struct db *db, int64_t job_no, enum held_state decision,
                              int64_t *out_count, struct err *err);
/* Nothing is held any more: what was decided counts no longer. */
MUST_USE bool held_end_decisions(struct db *db, int64_t job_no, struct err *err);
