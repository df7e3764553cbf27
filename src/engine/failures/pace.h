/* How fast a target may be asked, and how that is found out (engine.md 9.7, scim.md 10.5): a token
 * bucket and a number of connections that grow while the target keeps up and go back to what it
 * last accepted when it throttles. Pure: the time comes from outside, in monotonic microseconds. */
#pragma once

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PACE_SLOTS = 50, PACE_SAMPLES = 64 };

struct pace {
    bool adaptive;        /* else rate and connections stay */
    bool holds;           /* keeps the pauses that the target asks for; else only counts them */
    double rate;          /* requests a second; 0: no limit */
    unsigned connections; /* requests at the same time; 0: no limit */
    unsigned connections_max;

    double tokens;
    bool full_at_one; /* after a pause: nothing has gathered in it */
    int64_t filled_us;
    unsigned under_way;
    int64_t hold_until_us; /* the target asked for a pause */

    int64_t throttled_us;  /* last time that it throttled; 0: never */
    double rate_before;    /* ... how fast it was asked then */
    int64_t phase_us;      /* ... since when: the first request after the pause before */
    int64_t held_us;       /* ... and how long that pause was */
    int64_t next_phase_us; /* first request after the last pause; 0: none yet */
    int64_t next_held_us;
    double rate_good;          /* the last that a whole window went well with; 0: none yet */
    unsigned near;             /* throttlings in a row that were hardly faster than what is taken */
    unsigned throttled_in_row; /* without an accepted request between */
    unsigned setbacks;         /* throttlings since a growth that held */
    int64_t grow_after_us;

    int64_t window_us; /* when the window of 5 s began */
    unsigned admitted;
    bool troubled; /* throttled, or an error of the server */
    bool crowded;  /* connections were what held requests back */
    int64_t samples[PACE_SAMPLES];
    unsigned sample_count;
    int64_t best_median_us;
    bool grown; /* the window before this one ended with a growth */

    uint32_t slots[PACE_SLOTS]; /* accepted requests, in tenths of a second */
    int64_t slot;               /* the newest, by time */
};

#define PACE_RATE_START        25.0
#define PACE_CONNECTIONS_START 4u

void pace_init(struct pace *p, double rate, unsigned connections);
/* Whether a request may go now: 0, and it counts as under way; else how many microseconds to wait
 * before asking again. */
int64_t pace_admit(struct pace *p, int64_t now_us);

/* One that was admitted is not sent after all. */
void pace_withdraw(struct pace *p);

enum pace_answer {
    PACE_ACCEPTED,
    PACE_THROTTLED, /* 429, and 503 that says when to come again */
    PACE_TROUBLED,  /* other errors of the server, or no answer */
};
/* One that was admitted has come to its end. retry_after_us: -1 when not said. */
void pace_answered(struct pace *p, enum pace_answer answer, int64_t retry_after_us,
                   int64_t duration_us, int64_t now_us);
/* How long all requests are to wait, by the target's word. */
int64_t pace_hold_us(const struct pace *p, int64_t now_us);
