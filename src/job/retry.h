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
    int class_; /* how the failure is treated: enum target_class, which is not known here */
    struct str blocked_by; /* whose change makes it due at once: a source id; RETRY_BLOCKED_BY_ANY:
                              whoever gives up a matching value; empty: nobody */
    struct str made; /* matching values (JSON) of an account that may have been created, although
                        nobody knows; empty: none was */
};
#define RETRY_BLOCKED_BY_ANY STR("?")
#define RETRY_NEVER          INT64_MAX /* next_us of what was given up: kept, not tried any more */

/* Parks or re-parks: keeps first_us, counts attempts up. */
MUST_USE bool retry_park(struct db *db, int64_t job_no, const struct retry *r, struct err *err);
MUST_USE bool retry_remove(struct db *db, int64_t job_no, struct str source_id, bool reference,
                           struct err *err);
MUST_USE bool retry_load(struct db *db, struct arena *a, int64_t job_no, struct str source_id,
                         bool reference, struct retry *out, bool *out_found, struct err *err);
/* Makes due at `at_us` what waits for that object, or for anybody with RETRY_BLOCKED_BY_ANY. */
MUST_USE bool retry_release(struct db *db, int64_t job_no, struct str blocked_by, int64_t at_us,
                            struct err *err);
/* Failures that are tried again: of objects, of those that have an account, of references. */
struct retry_numbers {
    int64_t objects, connected, references;
};
MUST_USE bool retry_numbers(struct db *db, int64_t job_no, struct retry_numbers *out,
                            struct err *err);
/* One object, with its references; *out_found: it is parked. */
MUST_USE bool retry_now(struct db *db, int64_t job_no, struct str source_id, int64_t now_us,
                        bool *out_found, struct err *err);
/* How many wait, by code: the most frequent first. */
struct retry_code {
    struct str code;
    int64_t count, given_up;
    int64_t next_us; /* the first of them; RETRY_NEVER */
};
MUST_USE bool retry_codes(struct db *db, struct arena *a, int64_t job_no, size_t limit,
                          struct retry_code **out, size_t *out_count, struct err *err);
/* Due at now, in id order after `after`. */
MUST_USE bool retry_due(struct db *db, struct arena *a, int64_t job_no, int64_t now_us,
                        struct str after, size_t limit, struct retry **out, size_t *out_count,
                        struct err *err);
MUST_USE bool retry_list(struct db *db, struct arena *a, int64_t job_no, size_t limit,
                         struct retry **out, size_t *out_count, struct err *err);
/* Whether any account may have been created that nobody knows of. */
MUST_USE bool retry_any_made(struct db *db, int64_t job_no, bool *out, struct err *err);
MUST_USE bool retry_count(struct db *db, int64_t job_no, int64_t *out, struct err *err);
MUST_USE bool retry_clear(struct db *db, int64_t job_no, struct err *err);
/* Makes all due now. */
MUST_USE bool retry_all_now(struct db *db, int64_t job_no, int64_t now_us, int64_t *out_count,
                            struct err *err);
