#include "engine/failures/pace.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

#define WINDOW_US    (5 * US_PER_SECOND)
#define SLOT_US      (100 * US_PER_MS)
#define HOLD_MAX_US  (24 * US_PER_HOUR)
#define QUIET_US     (30 * US_PER_SECOND) /* after a setback nothing grows for so long */
#define QUIET_MAX_US (300 * US_PER_SECOND)
#define POLL_US      (20 * US_PER_MS) /* for a connection, unless an answer comes before */
#define MARGIN       0.98             /* under what was accepted, so that it stays accepted */
#define RATE_LEAST   0.2

void pace_init(struct pace *p, double rate, unsigned connections)
{
    *p = (struct pace){.holds = true, .rate = rate, .connections = connections, .tokens = 1};
}

/* --- admission --- */

/* Enough for what a timer is late, too little for a burst that the target would notice. */
static double depth(const struct pace *p)
{
    if (p->full_at_one)
        return 1;
    return p->rate * 0.02 > 1.5 ? p->rate * 0.02 : 1.5;
}

static void fill(struct pace *p, int64_t now_us)
{
    if (now_us <= p->filled_us)
        return;
    if (p->filled_us > 0)
        p->tokens += p->rate * (double)(now_us - p->filled_us) / (double)US_PER_SECOND;
    if (p->tokens > depth(p))
        p->tokens = depth(p);
    p->filled_us = now_us;
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

/* Whether the target takes more than twice the best time that was ever seen of it. */
static bool is_slow(struct pace *p)
{
    int64_t median;

    if (p->sample_count == 0)
        return false;
    if (p->sample_count > PACE_SAMPLES)
        p->sample_count = PACE_SAMPLES;
    qsort(p->samples, p->sample_count, sizeof(p->samples[0]), compare);
    median = p->samples[p->sample_count / 2];
    if (p->best_median_us == 0 || median < p->best_median_us)
        p->best_median_us = median;
    return median > 2 * p->best_median_us;
}

/* Where there was no limit before, what is known of the target's comes from its first moments: it
 * is felt for in small steps. */
static bool is_first_guess(const struct pace *p)
{
    return p->setbacks == 1 && p->rate_before <= 0;
}

/* A window has ended: what was needed and went well grows by a half. */
static void next_window(struct pace *p, int64_t now_us)
{
    double used = (double)p->admitted * (double)US_PER_SECOND / (double)(now_us - p->window_us);
    bool needed = p->crowded || (p->rate > 0 && used > 0.7 * p->rate);
    bool slow = is_slow(p);

    if (p->grown && !p->troubled && !is_first_guess(p))
        p->setbacks = 0;
    if (needed && !p->troubled && p->rate > p->rate_good)
        p->rate_good = p->rate;
    p->grown = needed && !slow && !p->troubled && now_us >= p->grow_after_us;
    if (p->grown) {
        p->rate *= is_first_guess(p) ? 1.1 : 1.5;
        p->connections += (p->connections + 1) / 2;
        if (p->connections_max > 0 && p->connections > p->connections_max)
            p->connections = p->connections_max;
    }
    p->window_us = now_us;
    p->admitted = p->sample_count = 0;
    p->troubled = p->crowded = false;
}

int64_t pace_hold_us(const struct pace *p, int64_t now_us)
{
    return p->hold_until_us > now_us ? p->hold_until_us - now_us : 0;
}

int64_t pace_admit(struct pace *p, int64_t now_us)
{
    int64_t hold = p->holds ? pace_hold_us(p, now_us) : 0;

    if (p->window_us == 0)
        p->window_us = now_us;
    if (p->adaptive && now_us - p->window_us >= WINDOW_US)
        next_window(p, now_us);
    if (hold > 0)
        return hold;
    if (p->connections > 0 && p->under_way >= p->connections) {
        p->crowded = true;
        return POLL_US;
    }
    if (p->rate > 0) {
        fill(p, now_us);
        if (p->tokens < 1)
            return (int64_t)((1 - p->tokens) * (double)US_PER_SECOND / p->rate) + 1;
        p->tokens -= 1;
        p->full_at_one = false;
    }
    p->under_way++;
    p->admitted++;
    if (p->next_phase_us == 0)
        p->next_phase_us = now_us;
    return 0;
}

void pace_withdraw(struct pace *p)
{
    p->under_way--;
    p->admitted--;
    if (p->rate > 0)
        p->tokens += 1;
}

/* --- answers --- */

/* Forgets the slots that have gone by since the newest one. */
static void turn_slots(struct pace *p, int64_t now_us)
{
    int64_t slot = now_us / SLOT_US;

    if (slot - p->slot >= PACE_SLOTS) {
        memset(p->slots, 0, sizeof(p->slots));
        p->slot = slot;
    }
    while (p->slot < slot)
        p->slots[++p->slot % PACE_SLOTS] = 0;
}

/* Requests that were accepted from a time on; at most those of the last 5 seconds. */
static double accepted_since(const struct pace *p, int64_t from_us)
{
    double sum = 0;

    for (int64_t slot = from_us / SLOT_US; slot <= p->slot; slot++) {
        if (slot > p->slot - PACE_SLOTS)
            sum += p->slots[slot % PACE_SLOTS];
    }
    return sum;
}

/* The rate that the target has shown to accept between the pause before and this one. A target that
 * counts by windows has taken so many in that time; one that fills a bucket had filled it in the
 * pause, which shows when the first reckoning is throttled again and again. */
static double accepted_rate(const struct pace *p)
{
    int64_t least = p->throttled_us - PACE_SLOTS * SLOT_US;
    int64_t from = p->phase_us > least ? p->phase_us : least;
    int64_t span = p->throttled_us - from > US_PER_SECOND ? p->throttled_us - from : US_PER_SECOND;
    double sum = accepted_since(p, from) * (double)US_PER_SECOND;
    double by_window = sum / (double)span;
    double mean = sum / (double)(span + (from == p->phase_us ? p->held_us : 0));

    if (p->rate_before <= 0) { /* little was asked before the first storm */
        double last = accepted_since(p, p->throttled_us - US_PER_SECOND);

        by_window = last > by_window ? last : by_window;
    }
    if (p->near < 2)
        return by_window;
    mean = (by_window + mean) / 2;
    return mean > 0.9 * p->rate_before ? mean : 0.9 * p->rate_before;
}

/* Back to what was last accepted: what went well before it was made faster, or what can be reckoned
 * to have been accepted. */
static void settle(struct pace *p)
{
    double accepted = accepted_rate(p) * MARGIN;

    if (p->rate_before > 0) {
        /* Few accepted requests may also mean that few were needed. */
        accepted = accepted > p->rate_before / 4 ? accepted : p->rate_before / 4;
        p->rate = accepted < p->rate_before * MARGIN ? accepted : p->rate_before * MARGIN;
        if (p->rate < p->rate_good)
            p->rate = p->rate_good;
    } else {
        p->rate = accepted > 0 ? accepted : PACE_RATE_START;
    }
    if (p->rate < RATE_LEAST)
        p->rate = RATE_LEAST;
}

static void set_back(struct pace *p, int64_t hold_us, int64_t now_us)
{
    int64_t quiet = QUIET_US << (p->setbacks < 4 ? p->setbacks : 4);

    turn_slots(p, now_us);
    p->rate_before = p->rate;
    p->phase_us = p->next_phase_us;
    p->held_us = p->next_held_us;
    p->next_phase_us = 0;
    p->next_held_us = hold_us;
    if (p->rate_good >= p->rate)
        p->rate_good = 0; /* it goes well no more */
    p->near = p->rate > 0 && now_us - p->phase_us < 10 * US_PER_SECOND ? p->near + 1 : 0;
    settle(p);
    if (p->rate < 0.9 * p->rate_before)
        p->near = 0;
    if (p->connections > PACE_CONNECTIONS_START)
        p->connections = (2 * p->connections + 2) / 3;
    p->setbacks++;
    p->grown = false;
    quiet = is_first_guess(p) ? 0 : quiet;
    p->grow_after_us = now_us + (quiet < QUIET_MAX_US ? quiet : QUIET_MAX_US);
}

/* Requests that were sent before the target was heard to throttle tell nothing new. */
static void throttled(struct pace *p, int64_t retry_after_us, int64_t sent_us, int64_t now_us)
{
    bool is_new = p->throttled_us == 0 || sent_us > p->throttled_us;
    int64_t hold = retry_after_us;

    p->troubled = true;
    if (is_new) {
        p->throttled_us = now_us;
        if (hold < 0)
            hold = US_PER_SECOND << (p->throttled_in_row < 6 ? p->throttled_in_row : 6);
        p->throttled_in_row++;
        if (p->adaptive)
            set_back(p, hold > 0 ? hold : 0, now_us);
    }
    if (hold > HOLD_MAX_US)
        hold = HOLD_MAX_US;
    if (hold > 0 && now_us + hold > p->hold_until_us)
        p->hold_until_us = now_us + hold;
    p->tokens = p->tokens < 1 ? p->tokens : 1;
    p->full_at_one = true;
}

void pace_answered(struct pace *p, enum pace_answer answer, int64_t retry_after_us,
                   int64_t duration_us, int64_t now_us)
{
    if (p->under_way > 0)
        p->under_way--;
    switch (answer) {
    case PACE_ACCEPTED:
        turn_slots(p, now_us);
        p->slots[p->slot % PACE_SLOTS]++;
        p->samples[p->sample_count++ % PACE_SAMPLES] = duration_us;
        if (p->throttled_us == 0 || now_us - duration_us > p->throttled_us) {
            p->throttled_in_row = 0;
        } else if (p->adaptive) {
            settle(p); /* answers come in any order: this one had been accepted before */
        }
        break;
    case PACE_THROTTLED:
        throttled(p, retry_after_us, now_us - duration_us, now_us);
        break;
    case PACE_TROUBLED:
        p->troubled = true;
        break;
    }
}
