/* Time as a parameter. Inside usher a time is microseconds since 1970 in UTC, int64_t. */
#pragma once

#include "base/compiler.h"
#include "base/str.h"

struct clock {
    int64_t (*now_us)(const struct clock *c);
};

/* The system's clock; static storage, any thread. */
const struct clock *clock_system(void);

/* A clock for tests: stands at now until the test moves it. */
struct clock_fixed {
    struct clock clock; /* first */
    int64_t now;
};
void clock_fixed_init(struct clock_fixed *c, int64_t now_us);

static inline int64_t clock_now(const struct clock *c)
{
    return c->now_us(c);
}

/* Microseconds of a clock that never goes back, for durations. */
int64_t clock_monotonic_us(void);

#define US_PER_MS     INT64_C(1000)
#define US_PER_SECOND INT64_C(1000000)
#define US_PER_MINUTE (60 * US_PER_SECOND)
#define US_PER_HOUR   (60 * US_PER_MINUTE)
#define US_PER_DAY    (24 * US_PER_HOUR)

/* "2026-03-01T10:15:30.250Z": UTC with milliseconds; out holds at least TIME_TEXT_MAX bytes. */
#define TIME_TEXT_MAX 40
struct str time_write(int64_t us, char *out);

/* RFC 3339 and xsd:dateTime: date, or date and time, fraction optional, Z or offset or none (then
 * UTC). False if it is not a valid time in the years 1 to 9999. */
MUST_USE bool time_parse(struct str text, int64_t *out_us);

/* Proleptic Gregorian day arithmetic: days since 1970-01-01, months and days from 1. */
int64_t date_to_days(int64_t year, unsigned month, unsigned day);
void date_from_days(int64_t days, int64_t *year, unsigned *month, unsigned *day);

/* ISO 8601 duration such as PT40M, P1DT2H; no years and months. */
MUST_USE bool duration_parse(struct str text, int64_t *out_us);
struct str duration_write(int64_t us, char *out); /* out: TIME_TEXT_MAX bytes */
