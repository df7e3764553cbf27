/* What an application has said of itself (scim.md 10.1), in the connector's own form: found again
 * by the next run, in whichever process, so that it is not asked each time. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "db/db.h"

struct job_said {
    struct str base_url; /* that was asked */
    struct str text;
    int64_t asked_us;
};
/* Texts are in a. */
MUST_USE bool job_said_load(struct db *db, struct arena *a, int64_t job_no, struct job_said *out,
                            bool *out_found, struct err *err);
MUST_USE bool job_said_save(struct db *db, int64_t job_no, const struct job_said *said,
                            struct err *err);
