/* Objects that an applied undo has put back: held from the next cycles until the configuration has
 * another version or they are released (engine.md 23). */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "db/db.h"
#include "mapping/attributes.h"

struct undone {
    struct str source_id;
    enum source_kind kind;
    struct str name;
    struct str cycle_id;    /* the run that applied the undo */
    int64_t schema_version; /* held while this is the job's newest */
    bool had_left;          /* disabled or deleted at the source already when it was undone */
    int64_t at_us;
};

MUST_USE bool undone_hold(struct db *db, int64_t job_no, const struct undone *u, struct err *err);
/* Texts of results belong to a. */
MUST_USE bool undone_find(struct db *db, struct arena *a, int64_t job_no, struct str source_id,
                          int64_t schema_version, struct undone *out, bool *out_found,
                          struct err *err);
/* Those of the version, in id order after `after`. */
MUST_USE bool undone_list(struct db *db, struct arena *a, int64_t job_no, int64_t schema_version,
                          struct str after, size_t limit, struct undone **out, size_t *out_count,
                          struct err *err);
MUST_USE bool undone_count(struct db *db, int64_t job_no, int64_t schema_version, int64_t *out,
                           struct err *err);
MUST_USE bool undone_release(struct db *db, int64_t job_no, struct str source_id, bool *out_removed,
                             struct err *err);
/* Drops those that a newer version of the configuration has released. */
MUST_USE bool undone_expire(struct db *db, int64_t job_no, struct err *err);

/* A UUID that only this database has; made when it is first asked for. */
struct rng;
MUST_USE bool database_identity(struct db *db, struct rng *rng, struct arena *a, struct str *out,
                                struct err *err);
