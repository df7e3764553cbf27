/* The retry queue: objects whose last attempt failed, parked with when they are tried next
 * (engine.md 9.2, "escrows"). */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "db/db.h"
#include "mapping/attributes.h"

struct retry {
    struct str source_id;
    enum source_kind kind;
    bool reference;   /* a reference of the object, not the object itself */
    int64_t first_us; /* first failure */
    int64_t attempts;
    int64_t next_us; /* due from then on */
    struct str code;
    struct str message;
};

/* Parks or re-parks: keeps first_us, counts attempts up. */
MUST_USE bool retry_park(struct db *db, int64_t job_no, const struct retry *r, struct err *err);
MUST_USE bool retry_remove(struct db *db, int64_t job_no, struct str source_id, bool reference,
                           struct err *err);
/* The parked failure of one object, or of its references. */
MUST_USE bool retry_load(struct db *db, struct arena *a, int64_t job_no, struct str source_id,
                         bool reference, struct retry *out, bool *out_found, struct err *err);
/* Due at now, in id order after `after`. */
MUST_USE bool retry_due(struct db *db, struct arena *a, int64_t job_no, int64_t now_us,
                        struct str after, size_t limit, struct retry **out, size_t *out_count,
                        struct err *err);
MUST_USE bool retry_list(struct db *db, struct arena *a, int64_t job_no, size_t limit,
                         struct retry **out, size_t *out_count, struct err *err);
MUST_USE bool retry_count(struct db *db, int64_t job_no, int64_t *out, struct err *err);
MUST_USE bool retry_clear(struct db *db, int64_t job_no, struct err *err);
/* Makes all due now. */
MUST_USE bool retry_all_now(struct db *db, int64_t job_no, int64_t now_us, int64_t *out_count,
                            struct err *err);
