/* Dates as 100 ns ticks since 0001-01-01T00:00:00Z: the texts that CDate accepts and the text form
 * (expressions.md 7.1, 7.2). */
#include "base/clock.h"
#include "expr/value.h"

int64_t value_ticks_from_us(int64_t us)
{
    return us * TICKS_PER_US + DAYS_TO_1970 * TICKS_PER_DAY;
}

struct str value_date_text(struct arena *a, int64_t ticks)
{
    int64_t day = ticks / TICKS_PER_DAY;
    int64_t second = ticks % TICKS_PER_DAY / TICKS_PER_SECOND;
    int64_t hour = second / 3600;
    int64_t year;
    unsigned month;
    unsigned date;

    date_from_days(day - DAYS_TO_1970, &year, &month, &date);
    return arena_printf(a, "%u/%u/%lld %lld:%02lld:%02lld %s", month, date, (long long)year,
                        (long long)(hour % 12 == 0 ? 12 : hour % 12), (long long)(second / 60 % 60),
                        (long long)(second % 60), hour < 12 ? "AM" : "PM");
}

struct reader {
    struct str rest;
};

static bool take_char(struct reader *r, char c)
{
    if (r->rest.len == 0 || r->rest.ptr[0] != c)
        return false;
    r->rest = str_from(r->rest, 1);
    return true;
}

/* A number of least to most digits. */
static bool take_digits(struct reader *r, size_t least, size_t most, int64_t *out)
{
    size_t n = 0;

    *out = 0;
    while (n < most && n < r->rest.len && ascii_is_digit(r->rest.ptr[n]))
        *out = *out * 10 + (r->rest.ptr[n++] - '0');
    if (n < least)
        return false;
    r->rest = str_from(r->rest, n);
    return true;
}

static bool blank(struct reader *r)
{
    bool any = false;

    while (r->rest.len > 0 && (r->rest.ptr[0] == ' ' || r->rest.ptr[0] == '\t')) {
        r->rest = str_from(r->rest, 1);
        any = true;
    }
    return any;
}

unsigned value_month_days(int64_t year, unsigned month)
{
    static const unsigned days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return month == 2 && leap ? 29 : days[month - 1];
}

static bool make_day(int64_t year, int64_t month, int64_t day, int64_t *out_ticks)
{
    if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 ||
        day > value_month_days(year, (unsigned)month))
        return false;
    *out_ticks =
        (date_to_days(year, (unsigned)month, (unsigned)day) + DAYS_TO_1970) * TICKS_PER_DAY;
    return true;
}

/* H:mm[:ss][.f...f], then AM or PM. */
static bool take_time(struct reader *r, int64_t *ticks)
{
    int64_t hour;
    int64_t minute;
    int64_t second = 0;
    struct str suffix;

    if (!take_digits(r, 1, 2, &hour) || !take_char(r, ':') || !take_digits(r, 2, 2, &minute))
        return false;
    if (take_char(r, ':') && !take_digits(r, 2, 2, &second))
        return false;
    if (take_char(r, '.')) {
        int64_t unit = TICKS_PER_SECOND;
        int64_t digit;

        if (r->rest.len == 0 || !ascii_is_digit(r->rest.ptr[0]))
            return false;
        while (take_digits(r, 1, 1, &digit)) {
            unit /= 10;
            *ticks += digit * unit;
        }
    }
    suffix = str_sub(str_trim(r->rest), 0, 2);
    if (str_eq_ascii_nocase(suffix, STR("AM")) || str_eq_ascii_nocase(suffix, STR("PM"))) {
        if (hour < 1 || hour > 12)
            return false;
        hour = hour % 12 + (ascii_lower(suffix.ptr[0]) == 'p' ? 12 : 0);
        blank(r);
        r->rest = str_from(r->rest, 2);
    }
    if (hour > 23 || minute > 59 || second > 59)
        return false;
    *ticks += (hour * 3600 + minute * 60 + second) * TICKS_PER_SECOND;
    return true;
}

/* Z, +H, +HH, +HH:mm, +HHmm or nothing, and then nothing more. */
static bool take_offset(struct reader *r, int64_t *ticks)
{
    int64_t hour;
    int64_t minute = 0;
    bool west;

    blank(r);
    if (r->rest.len == 0)
        return true;
    if (take_char(r, 'Z'))
        return r->rest.len == 0;
    west = take_char(r, '-');
    if (!west && !take_char(r, '+'))
        return false;
    if (!take_digits(r, 1, 2, &hour))
        return false;
    if (r->rest.len > 0) {
        take_char(r, ':');
        if (!take_digits(r, 2, 2, &minute))
            return false;
    }
    if (hour > 14 || minute > 59 || r->rest.len > 0)
        return false;
    *ticks += (west ? 1 : -1) * (hour * 60 + minute) * 60 * TICKS_PER_SECOND;
    return true;
}

static bool take_date(struct reader *r, int64_t *ticks)
{
    struct reader start = *r;
    int64_t a;
    int64_t b;
    int64_t d;

    if (take_digits(r, 4, 4, &a) && take_char(r, '-') && take_digits(r, 1, 2, &b) &&
        take_char(r, '-') && take_digits(r, 1, 2, &d))
        return make_day(a, b, d, ticks);
    *r = start;
    return take_digits(r, 1, 2, &b) && take_char(r, '/') && take_digits(r, 1, 2, &d) &&
           take_char(r, '/') && take_digits(r, 4, 4, &a) && make_day(a, b, d, ticks);
}

static bool parse(struct str s, int64_t *out)
{
    struct reader r = {str_trim(s)};
    struct reader behind_date;

    if (!take_date(&r, out))
        return false;
    behind_date = r;
    if (take_char(&r, 'T'))
        return take_time(&r, out) && take_offset(&r, out);
    /* A blank is before a time or before an offset. */
    if (blank(&r) && r.rest.len > 0 && ascii_is_digit(r.rest.ptr[0]))
        return take_time(&r, out) && take_offset(&r, out);
    return take_offset(&behind_date, out);
}

bool value_to_instant(const struct expr_value *v, int64_t *out_ticks)
{
    while (v->type == EXPR_LIST && v->list.count == 1)
        v = &v->list.items[0];
    if (v->type == EXPR_DATE) {
        *out_ticks = v->ticks;
        return true;
    }
    return v->type == EXPR_STRING && parse(v->text, out_ticks);
}

bool value_to_date(const struct expr_value *v, int64_t *out_ticks)
{
    return value_to_instant(v, out_ticks) && *out_ticks >= 0 && *out_ticks < TICKS_END;
}
