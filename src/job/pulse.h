/* What a running cycle says of itself every few seconds, so that another process can show it
 * (engine.md 14.1): how fast it goes, how far its phase is, and how the application holds it back.
 */
#pragma once

#include "base/arena.h"
#include "job/cycle.h"

struct job_pulse {
    struct str cycle_id;
    int64_t at_us;
    enum cycle_phase phase;
    int64_t phase_done, phase_total; /* objects; total 0: not known */
    double objects_rate;             /* a second, of late */
    double requests_rate;
    double allowed_rate;         /* requests a second that the pace allows; 0: no limit */
    int64_t allowed_connections; /* 0: no limit */
    int64_t under_way;           /* requests without an answer */
    int64_t throttled;           /* answers that asked for patience, in this run */
    int64_t pause_until_us;      /* no request goes before; 0: none */
};
/* Joins the caller's transaction, which has the fence. */
MUST_USE bool job_pulse_save(struct db *db, int64_t job_no, const struct job_pulse *p,
                             struct err *err);
/* The newest one, whichever cycle it is of. */
MUST_USE bool job_pulse_load(struct db *db, struct arena *a, int64_t job_no, struct job_pulse *out,
                             bool *out_found, struct err *err);
