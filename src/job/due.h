/* What a job looks at again at a certain time, without any change of the source: removals in their
 * grace period (engine.md 6.3) and objects whose verdict turns when time passes
 * (scoping-filters.md 2). An index by due time feeds them into the cycle. A source object has at
 * most one row for each reason. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "db/db.h"
#include "job/settings.h"
#include "mapping/attributes.h"

/* The reasons of a removal are its events; then comes the turn of a verdict. */
enum due_reason { DUE_TURN = REMOVAL_EVENT_COUNT, DUE_REASON_COUNT };

enum due_state {
    DUE_WAITING,
    DUE_CANCELLED, /* by an administrator; due_us is DUE_NEVER */
    DUE_NOTED,     /* the event happened and was answered; due_us is DUE_NEVER */
    DUE_OVER,      /* the time has come, and something else decides when it is done: the guard, the
                    * protection of the account, the retry queue; due_us is DUE_NEVER */
};
#define DUE_NEVER INT64_MAX

struct due {
    struct str source_id;
    unsigned reason; /* enum removal_event or DUE_TURN */
    enum source_kind kind;
    struct str display_name;
    struct str action; /* "disable", "delete", "set title=Former"; empty of a turn */
    enum due_state state;
    int64_t since_us; /* when the event was first seen */
    int64_t due_us;
    int64_t version; /* of the source object then; 0: it is gone */
};

/* Saves or replaces; what an administrator has cancelled meanwhile stays so unless the object is of
 * another version. */
MUST_USE bool due_save(struct db *db, int64_t job_no, const struct due *d, struct err *err);
MUST_USE bool due_remove(struct db *db, int64_t job_no, struct str source_id, unsigned reason,
                         struct err *err);
/* The rows of an object by reason: found[i] says whether out[i] is there. Texts in a. */
MUST_USE bool due_of(struct db *db, struct arena *a, int64_t job_no, struct str source_id,
                     struct due out[DUE_REASON_COUNT], bool found[DUE_REASON_COUNT],
                     struct err *err);
/* Is anything kept of the job? */
MUST_USE bool due_any(struct db *db, int64_t job_no, bool *out, struct err *err);
/* Rows due until now, in the order of time, after (after_us, after_id, after_reason). */
MUST_USE bool due_page(struct db *db, struct arena *a, int64_t job_no, int64_t now_us,
                       const struct due *after, size_t limit, struct due **out, size_t *out_count,
                       struct err *err);
/* The first time later than after_us at which something is due; DUE_NEVER: nothing is. */
MUST_USE bool due_next(struct db *db, int64_t job_no, int64_t after_us, int64_t *out_us,
                       struct err *err);
/* Removals in their grace period, cancelled ones last, after `after` (NULL: from the start). */
MUST_USE bool due_removals(struct db *db, struct arena *a, int64_t job_no, const struct due *after,
                           size_t limit, struct due **out, size_t *out_count, struct err *err);
/* How many removals wait for the end of their grace period, and when the first of them comes to it;
 * 0: none waits. */
MUST_USE bool due_grace(struct db *db, int64_t job_no, int64_t *out_count, int64_t *out_first_us,
                        struct err *err);
/* Cancels the removals of an object that wait: they are not planned again until the source object
 * changes or comes back into scope. *out_count: how many. */
MUST_USE bool due_cancel(struct db *db, int64_t job_no, struct str source_id, int64_t *out_count,
                         struct err *err);
