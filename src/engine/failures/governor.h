/* How hard targets are asked, in the whole process (engine.md 9.7, scim.md 10.5). Every job has a
 * governor, which its target asks before each request. A fixed client.rate is the job's own; with
 * "auto" all jobs on one host share what is found out about it, so that ten jobs are not ten times
 * as fast. A pause that a target asks for is its job's. Any thread may open and close; a governor
 * belongs to the thread of its target. */
#pragma once

#include "base/str.h"
#include "connector/target.h"
#include "engine/failures/pace.h"
#include "job/pace.h"
#include "job/settings.h"

struct governor;

/* learned: what an earlier run found out, or NULL. The texts are not kept. */
struct governor *governor_open(const struct job_settings *s, struct str base_url,
                               const struct job_pace *learned);
void governor_close(struct governor *g); /* NULL is fine */
struct target_gate *governor_gate(struct governor *g);
/* From now on no request goes, and those that wait end. For a run that stops. */
void governor_shut(struct governor *g);
/* How long the target has asked to be left alone, from now; 0: it has not. */
int64_t governor_hold_us(const struct governor *g);
/* What is worth keeping for the next run; false: nothing new was found out. */
bool governor_learned(const struct governor *g, struct job_pace *out);
struct governor_state {
    double rate;         /* requests a second that are allowed now; 0: no limit */
    int64_t connections; /* at the same time; 0: no limit */
    int64_t under_way;   /* of this job */
    int64_t requests;    /* answered, since it was opened */
    int64_t throttled;   /* ... of these: those that asked for patience */
    int64_t hold_us;     /* as governor_hold_us */
};
void governor_look(const struct governor *g, struct governor_state *out);
