/* When a job's cycle is to be started (engine.md 3.4, 9.5). Pure. */
#pragma once

#include "job/job.h"

/* After a cycle that could not run. */
struct schedule_rest {
    int64_t job_no;
    int64_t until_us;      /* monotonic */
    int64_t next_cycle_us; /* of the job, when that cycle was started */
};
#define SCHEDULE_REST_US (30 * US_PER_SECOND)

enum schedule_start { START_NOT, START_IF_MOVED, START_NOW };
/* rest may be NULL. While it lasts a change of the source starts nothing, so that a busy target is
 * not asked every second; what is due goes, unless it is still the cycle that could not even say
 * when the next one is (its database is away). What an administrator starts does not wait. */
enum schedule_start schedule_judge(const struct job *job, const struct schedule_rest *rest,
                                   int64_t now_us, int64_t monotonic_us);
