/* Quarantine: the health of a job as a whole (engine.md 9.4-9.6). Every entry, change of reason,
 * renewal and leaving goes through quarantine_change, so that what belongs to them (the record, the
 * next attempt, the end after 28 days, what is told to people) has one place. */
#pragma once

#include "engine/engine.h"

enum quarantine_reason {
    QUARANTINE_NONE, /* lifts it */
    QUARANTINE_EXCEPTION,
    QUARANTINE_TOTAL,
    QUARANTINE_BASE,
    QUARANTINE_PROPORTION,
    QUARANTINE_TOO_MANY_DELETES, /* nothing fails: cycles go on at the normal interval (8) */
    QUARANTINE_ON_DEMAND,
    QUARANTINE_INGESTION,
    QUARANTINE_UNKNOWN,
    QUARANTINE_REASON_COUNT
};
const char *quarantine_reason_name(enum quarantine_reason r); /* "TooManyDeletes"; NONE: "" */
/* A text that is none of them: QUARANTINE_UNKNOWN. */
enum quarantine_reason quarantine_reason_of(struct str name);
/* Whether it slows the job down: not when there is none, nor for TooManyDeletes. */
bool quarantine_slows(enum quarantine_reason r);

struct quarantine_change {
    enum quarantine_reason reason;
    struct str code, message; /* what went wrong */
};
/* Puts the job into quarantine, renews it (one more re-evaluation left it in force), changes its
 * reason, or lifts it; the next attempt is set. A series of more than 28 days that is renewed
 * disables the job, except for TooManyDeletes. Joins the caller's transaction: during a cycle that
 * is one behind the fence. Nothing happens when there is nothing to lift. */
MUST_USE bool quarantine_change(const struct engine *e, struct db *db, int64_t job_no,
                                const struct quarantine_change *c, struct err *err);

/* When the job is tried again: 5, 15, 30 and 60 minutes after the series began where a connection
 * test can tell that all is well, then 6, 12, 24 hours and every 24 hours. A clock that went back
 * does not stop it. */
int64_t quarantine_next_us(enum quarantine_reason r, int64_t since_us, int64_t now_us);

/* What the thresholds are judged by (engine.md 9.4). */
struct quarantine_numbers {
    int64_t failed;            /* live failures of objects */
    int64_t failed_references; /* live failures of references */
    int64_t good;              /* objects without failure */
    int64_t connected;         /* what "scaled" follows */
};
/* The reason that they are, or QUARANTINE_NONE. Pure. */
enum quarantine_reason quarantine_judge(const struct job_settings *s,
                                        const struct quarantine_numbers *n);
