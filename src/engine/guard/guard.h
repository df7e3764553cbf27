/* The guard (engine.md 8; design.md, promise 4): no silent mass removal. What a cycle will remove,
 * and which matching and sign-in attributes it will change, is counted before the first of them is
 * sent; over the numbers all of them are held until an administrator decides. Here is what counts
 * and how it is judged; gate.c is the phase of a cycle that counts, held.c what an administrator
 * does. */
#pragma once

#include "engine/walk/walk.h"
#include "job/held.h"

struct guard_numbers {
    int64_t planned;   /* now, with what is held and what has been decided of a held set */
    int64_t sent;      /* without an approval in the last guard.window */
    int64_t connected; /* accounts */
};
enum guard_limit {
    GUARD_WITHIN,
    GUARD_OVER_COUNT, /* more than guard.count */
    GUARD_OVER_SHARE, /* guard.percentLeast or more, and more than guard.percent */
};
/* Pure. Nothing planned is always within; so is everything when the guard is off. */
enum guard_limit guard_judge(const struct job_settings *s, const struct guard_numbers *n);
/* What the verdict means, in words: "612 removals, with 30 of the last PT24H, are more than 500";
 * in a. */
struct str guard_explain(const struct job_settings *s, const struct guard_numbers *n,
                         enum held_class class_, struct arena *a);
/* Fills sent and connected, for a judgement at now; planned is left alone. */
MUST_USE bool guard_numbers_load(struct db *db, int64_t job_no, const struct job_settings *s,
                                 enum held_class class_, int64_t now_us, struct guard_numbers *out,
                                 struct err *err);
/* The same for what is held, if anything is: it stays so while only time passes or accounts are
 * added, and is let go when the set itself has become small enough (docs/decisions 0016). */
MUST_USE bool guard_numbers_as_held(struct db *db, int64_t job_no, enum held_class class_,
                                    struct guard_numbers *n, struct err *err);

/* Whether a change of the attribute counts: by it accounts are found, or people sign in. */
bool guard_attribute(const struct mapping_attribute *m);
/* Whether what the walk has planned counts, and as what. */
bool guard_concerns(const struct walk *w, enum held_class *out);
/* Whether an administrator has rejected exactly this: the same action on the same version. */
bool guard_is_rejected(const struct walk *w, const struct held *row);
/* The walk as a row of the held set; texts of the walk and its arena. */
struct held guard_row(const struct walk *w, enum held_class class_);

/* --- In a run --- */

/* Reads what the gate has left, so that what follows keeps within it; also of a cycle that goes on.
 */
MUST_USE bool guard_open(struct run *r, struct err *err);
/* Between plan and export, for every walk of a cycle but those of the removals phase: what is held
 * or rejected is turned into a skip, what this cycle has done already into nothing at all. */
void guard_pass(struct walk *w);
/* The same for a removal or update that the gate has admitted, or that an administrator has
 * allowed. False when it is not to be sent now. */
bool guard_pass_row(struct walk *w, const struct held *row);
/* In a plan: counts a walk as the gate would, without writing anything; what an administrator has
 * rejected becomes a skip. Then what the verdict on a class would be: empty when it is within. */
MUST_USE bool guard_foresee(struct walk *w, struct err *err);
MUST_USE bool guard_foretell(struct run *r, enum held_class class_, struct arena *a,
                             struct str *out, struct err *err);
/* On demand an administrator has decided about the one object. */
void guard_pass_on_demand(struct walk *w);
/* In the recorder's transaction, for all walks of a batch. */
MUST_USE bool guard_record(struct db *db, const struct run *r, const struct walk *first,
                           struct err *err);
/* Inside a fenced transaction: the job is in quarantine (TooManyDeletes) while something is held,
 * and no longer. Joined by whoever decides about the held set, too. */
MUST_USE bool guard_settle(const struct engine *e, struct db *db, int64_t job_no, struct err *err);

/* --- gate.c: phases of a cycle --- */
/* Looks at what the cycle will look at, writes what counts to disk and judges it. True also when
 * the run is to stop: r->paused. */
MUST_USE bool gate_run(struct run *r, struct err *err);
/* What may be sent before everything else, and how each of its walks starts: for run_drive. */
bool feed_admitted(struct run *r, struct str cursor, struct feed_page *page, struct err *err);
void gate_start(struct walk *w);
