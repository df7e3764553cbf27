/* Dates and intervals (expressions.md 7). */
#include "base/clock.h"
#include "expr/function.h"

#define MONTHS_MAX INT64_C(120000)
#define TICKS_1601 (INT64_C(584388) * TICKS_PER_DAY) /* where file times begin */

static bool give_date(struct call *c, size_t place, int64_t ticks, struct expr_value *out)
{
    if (ticks < 0 || ticks >= TICKS_END)
        return call_fail(c, EXPR_OUT_OF_RANGE, place, "the date leaves the years 1 to 9999");
    *out = (struct expr_value){.type = EXPR_DATE, {.ticks = ticks}};
    return true;
}

bool fn_cdate(struct call *c, struct expr_value *out)
{
    return give_date(c, 0, c->args[0].ticks, out);
}

bool fn_now(struct call *c, struct expr_value *out)
{
    return give_date(c, 0, value_ticks_from_us(c->evaluation->context->now_us), out);
}

bool fn_is_date(struct call *c, struct expr_value *out)
{
    int64_t ticks;

    return give_bool(out, value_to_date(&c->args[0], &ticks));
}

bool fn_date_from_num(struct call *c, struct expr_value *out)
{
    int64_t n = c->args[0].integer;

    if (n < 0 || n >= TICKS_END - TICKS_1601) {
        return call_fail(c, EXPR_OUT_OF_RANGE, 0, "%lld is not a file time up to the year 9999",
                         (long long)n);
    }
    return give_date(c, 0, n + TICKS_1601, out);
}

bool fn_num_from_date(struct call *c, struct expr_value *out)
{
    int64_t ticks;

    if (!value_to_instant(&c->args[0], &ticks))
        return call_fail(c, EXPR_DATE_PARSE, 0, "NumFromDate needs a date");
    if (ticks < TICKS_1601 || ticks >= TICKS_END)
        return call_fail(c, EXPR_OUT_OF_RANGE, 0, "the date leaves the years 1601 to 9999");
    return give_integer(out, ticks - TICKS_1601);
}

enum unit { UNIT_YEAR, UNIT_MONTH, UNIT_DAY, UNIT_WEEK, UNIT_HOUR, UNIT_MINUTE, UNIT_SECOND };

static const struct {
    struct str name;
    enum unit unit;
    int64_t ticks; /* 0: not of fixed length */
} units[] = {
    {STR_INIT("yyyy"), UNIT_YEAR, 0},
    {STR_INIT("m"), UNIT_MONTH, 0},
    {STR_INIT("d"), UNIT_DAY, TICKS_PER_DAY},
    {STR_INIT("ww"), UNIT_WEEK, 7 * TICKS_PER_DAY},
    {STR_INIT("h"), UNIT_HOUR, 3600 * TICKS_PER_SECOND},
    {STR_INIT("n"), UNIT_MINUTE, 60 * TICKS_PER_SECOND},
    {STR_INIT("s"), UNIT_SECOND, TICKS_PER_SECOND},
};

static bool find_unit(struct call *c, enum unit *out, int64_t *out_ticks)
{
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (str_eq(units[i].name, c->args[0].text)) {
            *out = units[i].unit;
            *out_ticks = units[i].ticks;
            return true;
        }
    }
    return call_fail(c, EXPR_INVALID_ARGUMENT, 0,
                     "'%.*s' is no interval; they are yyyy, m, d, ww, h, n and s",
                     STR_ARG(str_sub(c->args[0].text, 0, 40)));
}

/* Months keep the day, or take the month's last one. */
static bool add_months(struct call *c, int64_t ticks, int64_t months, struct expr_value *out)
{
    int64_t time = ticks % TICKS_PER_DAY;
    int64_t month; /* since January of the year 0 */
    int64_t year;
    unsigned m;
    unsigned day;
    unsigned last;

    date_from_days(ticks / TICKS_PER_DAY - DAYS_TO_1970, &year, &m, &day);
    if (months < -MONTHS_MAX || months > MONTHS_MAX)
        return call_fail(c, EXPR_OUT_OF_RANGE, 1, "the date leaves the years 1 to 9999");
    month = year * 12 + m - 1 + months;
    year = month / 12;
    if (month < 12 || year > 9999)
        return call_fail(c, EXPR_OUT_OF_RANGE, 1, "the date leaves the years 1 to 9999");
    m = (unsigned)(month % 12) + 1;
    last = value_month_days(year, m);
    return give_date(
        c, 1,
        (date_to_days(year, m, day < last ? day : last) + DAYS_TO_1970) * TICKS_PER_DAY + time,
        out);
}

bool fn_date_add(struct call *c, struct expr_value *out)
{
    int64_t n = c->args[1].integer;
    int64_t ticks = c->args[2].ticks;
    int64_t step;
    enum unit unit;

    if (!find_unit(c, &unit, &step))
        return false;
    if (unit == UNIT_MONTH)
        return add_months(c, ticks, n, out);
    if (unit == UNIT_YEAR)
        return add_months(c, ticks, n < -10000 || n > 10000 ? INT64_MAX : n * 12, out);
    if (__builtin_mul_overflow(n, step, &n) || __builtin_add_overflow(ticks, n, &ticks))
        return call_fail(c, EXPR_OUT_OF_RANGE, 1, "the date leaves the years 1 to 9999");
    return give_date(c, 1, ticks, out);
}

/* The same time of day on the Sunday before. The first day of the year 1 was a Monday. */
static int64_t back_to_sunday(int64_t ticks)
{
    return ticks - (ticks / TICKS_PER_DAY + 1) % 7 * TICKS_PER_DAY;
}

bool fn_date_diff(struct call *c, struct expr_value *out)
{
    int64_t from = c->args[1].ticks;
    int64_t to = c->args[2].ticks;
    int64_t years[2];
    unsigned months[2];
    unsigned day;
    int64_t step;
    enum unit unit;

    if (!find_unit(c, &unit, &step))
        return false;
    date_from_days(from / TICKS_PER_DAY - DAYS_TO_1970, &years[0], &months[0], &day);
    date_from_days(to / TICKS_PER_DAY - DAYS_TO_1970, &years[1], &months[1], &day);
    if (unit == UNIT_YEAR)
        return give_integer(out, years[1] - years[0]);
    if (unit == UNIT_MONTH)
        return give_integer(out, years[1] * 12 + months[1] - years[0] * 12 - months[0]);
    if (unit == UNIT_WEEK) {
        from = back_to_sunday(from);
        to = back_to_sunday(to);
    }
    return give_integer(out, (to - from) / step);
}
