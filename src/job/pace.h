/* What was learned of how fast an application may be asked (engine.md 9.7): found again by the next
 * run, in whichever process. */
#pragma once

#include "base/err.h"
#include "db/db.h"

struct job_pace {
    double rate;         /* requests a second; 0: no limit */
    int64_t connections; /* 0: no limit */
    int64_t learned_us;
};
/* Zeros when nothing has been learned. */
MUST_USE bool job_pace_load(struct db *db, int64_t job_no, struct job_pace *out, bool *out_found,
                            struct err *err);
MUST_USE bool job_pace_save(struct db *db, int64_t job_no, const struct job_pace *p,
                            struct err *err);
