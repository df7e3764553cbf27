/* Saved plans and what becomes of them (engine.md 23): saving, applying, undoing a cycle. */
#pragma once

#include "engine/engine.h"
#include "engine/plans/plan_file.h"

struct engine_plan_options {
    bool ask; /* asks the target, too: who is matched, and what the accounts say now */
    void (*progress)(void *ctx, int64_t done, int64_t total); /* total 0: unknown; may be NULL */
    void *ctx;
    const atomic_bool *stop; /* may be NULL */
};
/* engine_plan into a file of mode 0600, which is there whole or not at all. Memory does not grow
 * with the directory. *out in a. */
MUST_USE bool engine_plan_save(const struct engine *e, int64_t job_no, enum plan_of of,
                               const char *path, const struct engine_plan_options *options,
                               struct arena *a, struct plan_head *out, struct err *err);

/* What became of a row. Texts are valid during the call. */
enum apply_result { APPLY_DONE, APPLY_ALREADY, APPLY_REFUSED, APPLY_FAILED, APPLY_RESULT_COUNT };
const char *apply_result_name(enum apply_result r); /* "done", "already", "refused", "failed" */
struct apply_outcome {
    const struct plan_row *row;
    enum apply_result result;
    struct str target_id;
    struct str code, message; /* of refused and failed */
};

struct engine_apply_options {
    const struct str *only; /* names, ids of either side, "action=update"; names and ids add up, and
                               so do actions; of both, a row has to fit both */
    size_t only_count;
    bool allow_removals; /* the removals of the plan count as approved (engine.md 8) */
    struct str initiated_by;
    void (*outcome)(void *ctx, const struct apply_outcome *o); /* may be NULL */
    void *ctx;
    const struct engine_observer *observer;
    const atomic_bool *stop;
};
struct engine_applied {
    struct cycle cycle; /* a run of its own kind; texts in the arena of the call */
    struct str job_name;
    enum plan_purpose purpose;
    int64_t selected;                    /* rows of the plan that were to be done */
    int64_t results[APPLY_RESULT_COUNT]; /* of them */
};
/* Does exactly what the rows of the plan say, as one run under the job's lease. Refused whole, with
 * nothing sent: as plan_reader_open, and ERR_CONFLICT "planOfAnotherDatabase", "planOfAnotherJob",
 * "configurationChanged"; ERR_INVALID "noSuchRow" for a selection that fits nothing. A row whose
 * source object or account is not what it was is refused by itself. References follow with the next
 * cycle. */
MUST_USE bool engine_apply(const struct engine *e, const char *path,
                           const struct engine_apply_options *options, struct arena *a,
                           struct engine_applied *out, struct err *err);

/* Makes the inverse plan of a past run from the journal. Rows with INTENT_NOTHING are those that
 * cannot be undone, with the reason. ERR_NOT_FOUND "cycleNotFound"; ERR_CONFLICT "cycleRunning". */
MUST_USE bool engine_undo(const struct engine *e, int64_t job_no, struct str cycle_id,
                          const char *path, const struct engine_plan_options *options,
                          struct arena *a, struct plan_head *out, struct err *err);

/* Lets the next cycle look again at an object that an undo holds, or at all of them (who empty).
 * ERR_NOT_FOUND "notHeld". */
MUST_USE bool engine_release(const struct engine *e, int64_t job_no, struct str who,
                             int64_t *out_count, struct err *err);

/* The attribute mapping of a target attribute; NULL if there is none. */
const struct mapping_attribute *apply_attribute(const struct mapping_object *m, struct str target);
