/* What the newest reading of a job's target has found (engine.md 17): accounts that somebody else
 * changed, that are missing, or that belong to nobody. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "db/db.h"
#include "job/settings.h"
#include "mapping/attributes.h"

enum drift_finding {
    DRIFT_CHANGED, /* an attribute is not as last exported */
    DRIFT_MISSING, /* connected, but the account is not there */
    DRIFT_NOBODYS, /* no source object is connected to it */
    DRIFT_MEMBER,  /* a membership of a group is not as last exported */
    DRIFT_FINDING_COUNT
};
const char *
drift_finding_name(enum drift_finding f);           /* "changed", "missing", "nobodys", "member" */
const char *drift_answer_name(enum drift_answer a); /* "report", "repair", "accept" */

struct drift {
    int64_t began_us, ended_us;
    bool complete;  /* the target was read to its end */
    struct str why; /* unless complete */
    int64_t accounts;
    /* Counted from the rows: attributes and memberships, not accounts. */
    int64_t by_finding[DRIFT_FINDING_COUNT];
    int64_t repaired, accepted;
};

struct drift_row {
    int64_t no;
    enum drift_finding finding;
    enum source_kind kind;
    struct str source_id; /* of a member: the group */
    struct str target_id; /* of a member: the group's */
    struct str name;
    struct str attribute;
    struct str
        exported;     /* JSON; empty: no value. Of a member: its source id, or empty: not wanted */
    struct str found; /* JSON; empty: no value. Of a member: its account, or empty: not there */
    enum drift_answer answer;
};

/* Forgets the reading before. All of these join the caller's transaction. */
MUST_USE bool drift_begin(struct db *db, int64_t job_no, struct err *err);
MUST_USE bool drift_row_add(struct db *db, int64_t job_no, const struct drift_row *row,
                            struct err *err);
/* Takes out changes of an attribute to nothing: the target never says it. */
MUST_USE bool drift_forget_unsaid(struct db *db, int64_t job_no, enum source_kind kind,
                                  struct str attribute, struct err *err);
MUST_USE bool drift_answer_set(struct db *db, int64_t job_no, int64_t no, enum drift_answer answer,
                               struct err *err);
/* The counts are not read. */
MUST_USE bool drift_end(struct db *db, int64_t job_no, const struct drift *d, struct err *err);

MUST_USE bool drift_load(struct db *db, struct arena *a, int64_t job_no, struct drift *out,
                         bool *out_found, struct err *err);
/* In order after number `after` (0: from the start), at most limit. */
MUST_USE bool drift_rows(struct db *db, struct arena *a, int64_t job_no, int64_t after,
                         size_t limit, struct drift_row **out, size_t *out_count, struct err *err);
/* Source ids with rows that are repaired, in order after `after`; memberships are not among them.
 */
MUST_USE bool drift_repairs(struct db *db, struct arena *a, int64_t job_no, struct str after,
                            size_t limit, struct str **out, size_t *out_count, struct err *err);
