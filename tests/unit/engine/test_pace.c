/* The pace against targets with a limit of requests, on a clock of its own (engine.md 9.7). */
#include "base/clock.h"
#include "engine/failures/pace.h"
#include "frame/frame.h"

#include <math.h>

/* --- targets --- */

enum limiter { LIMIT_NONE, LIMIT_WINDOW, LIMIT_BUCKET, LIMIT_SLIDING };

struct peer {
    enum limiter limiter;
    unsigned limit; /* a second */
    int64_t latency_us;
    int64_t retry_after_us; /* -1: not said */
    int64_t window;
    unsigned in_window;
    double tokens;
    int64_t filled_us;
    int64_t last[256]; /* accepted, a ring */
    unsigned accepted, refused;
};

static bool has_room(struct peer *t, int64_t now)
{
    switch (t->limiter) {
    case LIMIT_NONE:
        break;
    case LIMIT_WINDOW:
        if (now / US_PER_SECOND != t->window)
            t->in_window = 0;
        t->window = now / US_PER_SECOND;
        return ++t->in_window <= t->limit;
    case LIMIT_BUCKET:
        t->tokens += (double)(now - t->filled_us) * t->limit / 1e6;
        t->tokens = fmin(t->tokens, t->limit);
        t->filled_us = now;
        if (t->tokens < 1)
            return false;
        t->tokens -= 1;
        break;
    case LIMIT_SLIDING:
        if (t->accepted >= t->limit &&
            now - t->last[(t->accepted - t->limit) % ARRAY_LEN(t->last)] < US_PER_SECOND)
            return false;
        break;
    }
    return true;
}

static bool accepts(struct peer *t, int64_t now)
{
    if (!has_room(t, now)) {
        t->refused++;
        return false;
    }
    t->last[t->accepted++ % ARRAY_LEN(t->last)] = now;
    return true;
}

/* --- a cycle --- */

struct flight {
    int64_t sent_us, done_us;
    bool ok;
};

/* So many requests, at most 32 at the same time, each repeated until it is accepted; the timer is
 * late by up to three milliseconds. Returns how long they took. */
static int64_t send_all(struct pace *p, struct peer *t, unsigned count)
{
    struct flight flights[32];
    size_t flying = 0;
    unsigned left = count;
    int64_t began = 7 * US_PER_SECOND + 300 * US_PER_MS;
    int64_t now = began;
    unsigned late = 0;

    while (left > 0 || flying > 0) {
        int64_t wake = INT64_MAX;

        while (left > 0 && flying < ARRAY_LEN(flights)) {
            int64_t wait = pace_admit(p, now);

            if (wait > 0) {
                wake = now + wait + (late++ * 977) % (3 * US_PER_MS);
                break;
            }
            left--;
            flights[flying++] = (struct flight){now, now + t->latency_us, accepts(t, now)};
        }
        for (size_t i = 0; i < flying; i++)
            wake = flights[i].done_us < wake ? flights[i].done_us : wake;
        now = wake > now ? wake : now + 1;
        for (size_t i = 0; i < flying;) {
            struct flight f = flights[i];

            if (f.done_us > now) {
                i++;
                continue;
            }
            left += !f.ok;
            pace_answered(p, f.ok ? PACE_ACCEPTED : PACE_THROTTLED, f.ok ? -1 : t->retry_after_us,
                          now - f.sent_us, now);
            flights[i] = flights[--flying];
        }
        if (now - began > US_PER_HOUR)
            break;
    }
    return now - began;
}

/* The promise: against a limit of requests a second, at most 1.1 times the theoretical time. */
static void limited(void **state)
{
    static const struct {
        const char *label;
        enum limiter limiter;
        unsigned limit;
        int64_t latency_us, retry_after_us;
        double rate; /* to start with; 0: unlimited, as for loopback */
        unsigned connections;
        unsigned count;
    } cases[] = {
        {"window, loopback", LIMIT_WINDOW, 10, 1000, 1000000, 0, 0, 200},
        {"window, auto", LIMIT_WINDOW, 10, 1000, 1000000, 25, 4, 200},
        {"window, auto, far away", LIMIT_WINDOW, 10, 80000, 1000000, 25, 4, 400},
        {"window, loopback, not said", LIMIT_WINDOW, 10, 1000, -1, 0, 0, 400},
        {"bucket, loopback", LIMIT_BUCKET, 10, 1000, 1000000, 0, 0, 200},
        {"bucket, auto", LIMIT_BUCKET, 10, 1000, 1000000, 25, 4, 400},
        {"bucket, loopback, at once", LIMIT_BUCKET, 10, 1000, 100000, 0, 0, 400},
        {"sliding, loopback", LIMIT_SLIDING, 10, 1000, 1000000, 0, 0, 200},
        {"sliding, auto", LIMIT_SLIDING, 10, 1000, 1000000, 25, 4, 400},
        {"sliding, long", LIMIT_SLIDING, 10, 1000, 1000000, 0, 0, 5000},
        {"window, 100 a second", LIMIT_WINDOW, 100, 1000, 1000000, 0, 0, 5000},
        {"bucket, 100 a second, auto", LIMIT_BUCKET, 100, 1000, 1000000, 25, 4, 20000},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct peer t = {
            .limiter = cases[i].limiter,
            .limit = cases[i].limit,
            .latency_us = cases[i].latency_us,
            .retry_after_us = cases[i].retry_after_us,
            .tokens = cases[i].limit,
        };
        double least = (double)cases[i].count / cases[i].limit;
        struct pace p;
        double took;

        pace_init(&p, cases[i].rate, cases[i].connections);
        p.adaptive = true;
        took = (double)send_all(&p, &t, cases[i].count) / 1e6;
        CHECK(took <= 1.1 * least, "%s: %.2f s instead of %.2f s, %u refused, at %.2f/s",
              cases[i].label, took, least, t.refused, p.rate);
    }
}

/* A fixed number is kept, whatever the target would take. */
static void fixed(void **state)
{
    struct peer t = {.limiter = LIMIT_NONE, .latency_us = 500};
    struct pace p;
    double took;

    (void)state;
    pace_init(&p, 20, 0);
    took = (double)send_all(&p, &t, 400) / 1e6;
    CHECK(took > 19.5 && took < 20.5, "400 at 20 a second: %.2f s", took);
}

static void connections(void **state)
{
    struct pace p;

    (void)state;
    pace_init(&p, 0, 2);
    CHECK(pace_admit(&p, 1) == 0 && pace_admit(&p, 1) == 0 && pace_admit(&p, 1) > 0, "two");
    pace_answered(&p, PACE_ACCEPTED, -1, 5, 10);
    CHECK(pace_admit(&p, 10) == 0, "one has ended");
}

/* Growth by a half in 5 seconds: 25, 37.5, ... */
static void grows(void **state)
{
    struct peer t = {.limiter = LIMIT_NONE, .latency_us = 500};
    struct pace p;
    double took;

    (void)state;
    pace_init(&p, PACE_RATE_START, PACE_CONNECTIONS_START);
    p.adaptive = true;
    took = (double)send_all(&p, &t, 125 + 187 + 281 + 421) / 1e6;
    CHECK(took > 19 && took < 21, "four windows: %.2f s", took);
    CHECK(p.rate > 80 && p.rate < 130, "then it is at 84 or 126: %.1f", p.rate);
    CHECK(p.connections > 10, "so do the connections: %u", p.connections);
}

static void does_not_grow(void **state)
{
    static const struct {
        const char *label;
        enum pace_answer answer;
        int64_t first_us, then_us; /* answer times of the first and the later windows */
        unsigned a_second;
    } cases[] = {
        {"errors of the server", PACE_TROUBLED, 1000, 1000, 25},
        {"answers that take twice as long", PACE_ACCEPTED, 1000, 2500, 25},
        {"hardly anything was asked", PACE_ACCEPTED, 1000, 1000, 2},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        double after_first = 0;
        struct pace p;

        pace_init(&p, PACE_RATE_START, PACE_CONNECTIONS_START);
        p.adaptive = true;
        for (unsigned n = 0; n < 20 * cases[i].a_second; n++) {
            int64_t now = 1 + (int64_t)n * US_PER_SECOND / cases[i].a_second;
            bool first = now < 5 * US_PER_SECOND;

            if (pace_admit(&p, now) > 0)
                continue;
            pace_answered(&p, cases[i].answer, -1, first ? cases[i].first_us : cases[i].then_us,
                          now);
            if (now < 6 * US_PER_SECOND)
                after_first = p.rate;
        }
        CHECK(p.rate <= after_first, "%s: %.1f, then %.1f", cases[i].label, after_first, p.rate);
    }
}

/* What the target asks for is kept, to the microsecond, and by all requests. */
static void holds(void **state)
{
    struct pace p;

    (void)state;
    pace_init(&p, 0, 0);
    CHECK(pace_admit(&p, 100) == 0 && pace_admit(&p, 100) == 0, "no limit");
    pace_answered(&p, PACE_THROTTLED, 90 * US_PER_SECOND, 10, 200);
    CHECK(pace_admit(&p, 201) == 90 * US_PER_SECOND - 1, "the whole job waits");
    pace_answered(&p, PACE_THROTTLED, 30 * US_PER_SECOND, 10, 300);
    CHECK(pace_hold_us(&p, 200) == 90 * US_PER_SECOND, "the longest pause counts");
    CHECK(pace_admit(&p, 200 + 90 * US_PER_SECOND) == 0, "then it goes on");
}

TEST_GROUP(pace, cmocka_unit_test(limited), cmocka_unit_test(fixed), cmocka_unit_test(connections),
           cmocka_unit_test(grows), cmocka_unit_test(does_not_grow), cmocka_unit_test(holds));
