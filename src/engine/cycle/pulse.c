/* What a run says of itself now and then (job/pulse.h): written with the outcomes, behind the same
 * fence, and by itself while there are none. */
#include "engine/cycle/run.h"
#include "engine/failures/governor.h"

#define PULSE_DEFAULT_US (2 * US_PER_SECOND)

/* How many objects the phase has; 0: nobody knows. */
static int64_t expected(struct run *r)
{
    int64_t users = 0;
    int64_t groups = 0;
    struct err ignored;

    switch (r->cycle.phase) {
    case PHASE_USERS:
        return r->pulse.expected[SOURCE_USER];
    case PHASE_GROUPS:
        return r->pulse.expected[SOURCE_GROUP];
    case PHASE_GATE:
    case PHASE_CONNECTIONS:
        if ((r->cycle.phase == PHASE_GATE && r->cycle.kind != CYCLE_INITIAL) ||
            !connection_count(r->db, r->job.no, SOURCE_USER, &users, &ignored) ||
            !connection_count(r->db, r->job.no, SOURCE_GROUP, &groups, &ignored))
            return 0;
        return users + groups + (r->cycle.phase == PHASE_GATE ? r->cycle.total : 0);
    case PHASE_RETRIES:
        return r->pulse.retries;
    case PHASE_REMOVALS:
    case PHASE_CHANGES:
    case PHASE_REFERENCES:
    case PHASE_DONE:
    case PHASE_COUNT:
        break;
    }
    return 0;
}

void pulse_phase(struct run *r)
{
    /* Where a cycle goes on nobody knows how much of the phase is behind it. */
    bool from_its_start = str_empty(r->cycle.cursor) || r->cycle.phase == PHASE_CHANGES;

    r->pulse.done = 0;
    r->pulse.done_before = 0;
    r->pulse.total = from_its_start ? expected(r) : 0;
    if (r->pulse.at_us == 0)
        r->pulse.at_us = clock_monotonic_us();
}

bool pulse_due(const struct run *r)
{
    int64_t every = r->engine->pulse_us ? r->engine->pulse_us : PULSE_DEFAULT_US;

    return r->pulse.at_us != 0 && clock_monotonic_us() - r->pulse.at_us >= every;
}

/* What happens now counts half, what was before the other half. */
static double smoothed(double before, int64_t n, int64_t us)
{
    double now = (double)n * 1e6 / (double)us;

    return before > 0 ? (before + now) / 2 : now;
}

bool pulse_take(struct run *r, struct job_pulse *out)
{
    struct run_pulse *p = &r->pulse;
    struct governor_state g = {0};
    int64_t now = clock_monotonic_us();
    int64_t wall = clock_now(r->engine->clock);

    if (!pulse_due(r))
        return false;
    if (r->governor)
        governor_look(r->governor, &g);
    p->objects_rate = smoothed(p->objects_rate, p->done - p->done_before, now - p->at_us);
    p->requests_rate = smoothed(p->requests_rate, g.requests - p->requests_before, now - p->at_us);
    p->done_before = p->done;
    p->requests_before = g.requests;
    p->at_us = now;
    *out = (struct job_pulse){
        .cycle_id = r->cycle.id, /* lives as long as the run */
        .at_us = wall,
        .phase = r->cycle.phase,
        .phase_done = p->done,
        .phase_total = p->total > p->done ? p->total : 0,
        .objects_rate = p->objects_rate,
        .requests_rate = p->requests_rate,
        .allowed_rate = g.rate,
        .allowed_connections = g.connections,
        .under_way = g.under_way,
        .throttled = g.throttled,
        .pause_until_us = g.hold_us > 0 ? wall + g.hold_us : 0,
    };
    return true;
}
