/* Reads a date that matches a .NET format exactly (expressions.md 7.5). */
#include "base/clock.h"
#include "base/unicode.h"
#include "expr/net_format.h"

#include <unictype.h>

enum { NOT_SET = -1 };

struct reader {
    struct str rest;
    const struct net_styles *styles;
    /* Every part once; given twice they have to agree. */
    int64_t year, month, day, weekday, hour, minute, second, fraction, afternoon, offset_minutes;
    bool twelve_hours; /* h was used */
    bool utc;          /* the input says Z */
};

static struct str skip_white(struct str s)
{
    while (s.len > 0) {
        size_t at = 0;

        if (!uc_is_property_white_space(utf8_next(s, &at)))
            break;
        s = str_from(s, at);
    }
    return s;
}

static struct str drop_white(struct str s)
{
    size_t end = 0;

    for (size_t at = 0; at < s.len;) {
        if (!uc_is_property_white_space(utf8_next(s, &at)))
            end = at;
    }
    return str_sub(s, 0, end);
}

static bool set(int64_t *part, int64_t value)
{
    if (*part != NOT_SET && *part != value)
        return false;
    *part = value;
    return true;
}

static bool take_text(struct reader *r, struct str text)
{
    if (!str_starts(r->rest, text))
        return false;
    r->rest = str_from(r->rest, text.len);
    return true;
}

static bool take_text_any_case(struct reader *r, struct str text)
{
    if (!str_eq_ascii_nocase(str_sub(r->rest, 0, text.len), text))
        return false;
    r->rest = str_from(r->rest, text.len);
    return true;
}

static bool take_number(struct reader *r, size_t least, size_t most, int64_t *out)
{
    size_t n = 0;

    *out = 0;
    while (n < most && n < r->rest.len && ascii_is_digit(r->rest.ptr[n]))
        *out = *out * 10 + (r->rest.ptr[n++] - '0');
    r->rest = str_from(r->rest, n);
    return n >= least;
}

/* One letter: one or two digits; two letters and more: exactly two. */
static bool take_part(struct reader *r, size_t count, int64_t least, int64_t most, int64_t *part)
{
    int64_t n;

    return take_number(r, count == 1 ? 1 : 2, 2, &n) && n >= least && n <= most && set(part, n);
}

static bool take_name(struct reader *r, const char *const *names, size_t count, bool full,
                      int64_t first, int64_t *part)
{
    for (size_t i = 0; i < count; i++) {
        if (take_text_any_case(r, str_sub(str_from_z(names[i]), 0, full ? SIZE_MAX : 3)))
            return set(part, (int64_t)i + first);
    }
    return false;
}

static bool take_year(struct reader *r, size_t count)
{
    int64_t year;

    if (count > 2) {
        return count <= 9 && take_number(r, count, count, &year) && year >= 1 && year <= 9999 &&
               set(&r->year, year);
    }
    if (!take_number(r, count, 2, &year))
        return false;
    return set(&r->year, year + (year < 50 ? 2000 : 1900));
}

static bool take_fraction(struct reader *r, const struct net_token *t)
{
    size_t before = r->rest.len;
    int64_t n;

    if (!take_number(r, t->letter == 'f' ? t->count : 0, t->count, &n))
        return false;
    for (size_t i = before - r->rest.len; i < 7; i++)
        n *= 10;
    return set(&r->fraction, n);
}

static bool take_half(struct reader *r, size_t count)
{
    if (take_text_any_case(r, count == 1 ? STR("A") : STR("AM")))
        return set(&r->afternoon, 0);
    return take_text_any_case(r, count == 1 ? STR("P") : STR("PM")) && set(&r->afternoon, 1);
}

/* z: sign and hours; zz: two digits; zzz: minutes too, with or without a colon. */
static bool take_offset(struct reader *r, size_t count)
{
    bool west = take_text(r, STR("-"));
    int64_t hours;
    int64_t minutes = 0;

    if (!west && !take_text(r, STR("+")))
        return false;
    if (!take_number(r, count == 1 ? 1 : 2, 2, &hours))
        return false;
    if (count > 2) {
        (void)take_text(r, STR(":"));
        if (!take_number(r, 2, 2, &minutes))
            return false;
    }
    minutes += hours * 60;
    return minutes <= INT64_C(14) * 60 &&
           set(&r->offset_minutes, INT64_C(10000) + (west ? -minutes : minutes));
}

static bool take_zone(struct reader *r)
{
    if (take_text(r, STR("Z"))) {
        r->utc = true;
        return true;
    }
    if (r->rest.len == 0 || (r->rest.ptr[0] != '+' && r->rest.ptr[0] != '-'))
        return true;
    return take_offset(r, 3);
}

static bool take_literal(struct reader *r, struct str text)
{
    /* White space in the format is as good as none when it is allowed anywhere. */
    if (r->styles->inner_white && skip_white(text).len == 0)
        return true;
    return take_text(r, text);
}

static bool take_token(struct reader *r, const struct net_token *t)
{
    switch (t->letter) {
    case 'd':
        if (t->count > 2)
            return take_name(r, net_days, 7, t->count > 3, 0, &r->weekday);
        return take_part(r, t->count, 1, 31, &r->day);
    case 'M':
        if (t->count > 2)
            return take_name(r, net_months, 12, t->count > 3, 1, &r->month);
        return take_part(r, t->count, 1, 12, &r->month);
    case 'y':
        return take_year(r, t->count);
    case 'h':
        r->twelve_hours = true;
        return take_part(r, t->count, 1, 12, &r->hour);
    case 'H':
        return take_part(r, t->count, 0, 23, &r->hour);
    case 'm':
        return take_part(r, t->count, 0, 59, &r->minute);
    case 's':
        return take_part(r, t->count, 0, 59, &r->second);
    case 'f':
    case 'F':
        return take_fraction(r, t);
    case 't':
        return take_half(r, t->count);
    case 'z':
        return take_offset(r, t->count);
    case 'K':
        return take_zone(r);
    case 'g':
        return take_text_any_case(r, STR("A.D."));
    case 'Z':
        r->utc = true;
        return take_text(r, STR("Z"));
    default:
        return take_literal(r, t->text);
    }
}

/* A point before F may be missing with the fraction. */
static bool is_optional_point(const struct reader *r, const struct net_token *t, struct str behind)
{
    return t->letter == '\0' && str_eq_z(t->text, ".") && str_starts(behind, STR("F")) &&
           !str_starts(r->rest, STR("."));
}

static bool take_all(struct reader *r, struct str format)
{
    struct net_token t;

    while (net_token_next(&format, &t)) {
        if (r->styles->inner_white)
            r->rest = skip_white(r->rest);
        if (is_optional_point(r, &t, format)) {
            (void)net_token_next(&format, &t); /* the fraction */
        } else if (!take_token(r, &t)) {
            return false;
        }
    }
    if (r->styles->inner_white)
        r->rest = skip_white(r->rest);
    return r->rest.len == 0;
}

/* Twelve hours without AM or PM are those of the morning; twenty-four have to agree with it. */
static bool finish_hour(struct reader *r)
{
    if (r->hour == NOT_SET)
        r->hour = 0;
    if (r->twelve_hours) {
        if (r->hour > 12)
            return false;
        r->hour = r->hour % 12 + (r->afternoon == 1 ? 12 : 0);
        return true;
    }
    return r->afternoon == NOT_SET || (r->hour >= 12) == (r->afternoon == 1);
}

static void fill(int64_t *part, int64_t otherwise)
{
    if (*part == NOT_SET)
        *part = otherwise;
}

static bool finish_date(struct reader *r, int64_t now_ticks, int64_t *out_days)
{
    unsigned month;
    unsigned day;
    int64_t year;

    date_from_days(now_ticks / TICKS_PER_DAY - DAYS_TO_1970, &year, &month, &day);
    if (r->year == NOT_SET && r->month == NOT_SET && r->day == NOT_SET) {
        bool today = !r->styles->no_current_date;

        r->year = today ? year : 1;
        r->month = today ? month : 1;
        r->day = today ? day : 1;
    }
    fill(&r->year, year);
    fill(&r->month, 1);
    fill(&r->day, 1);
    if (r->day > value_month_days(r->year, (unsigned)r->month))
        return false;
    *out_days = date_to_days(r->year, (unsigned)r->month, (unsigned)r->day) + DAYS_TO_1970;
    return r->weekday == NOT_SET || r->weekday == (*out_days + 1) % 7;
}

static enum net_zone zone_of(const struct reader *r)
{
    const struct net_styles *s = r->styles;
    bool offset = r->offset_minutes != NOT_SET;

    if (r->utc)
        return s->roundtrip || s->adjust ? NET_ZONE_UTC : NET_ZONE_OFFSET;
    if (!offset && !s->assume)
        return NET_ZONE_NONE;
    return s->adjust ? NET_ZONE_UTC : NET_ZONE_OFFSET;
}

bool net_date_read(struct str text, struct str format, const struct net_styles *styles,
                   int64_t now_ticks, struct net_date *out)
{
    struct str pattern = net_format_pattern(format);
    struct reader r = {text,    styles,  NOT_SET, NOT_SET, NOT_SET, NOT_SET, NOT_SET,
                       NOT_SET, NOT_SET, NOT_SET, NOT_SET, NOT_SET, false,   false};
    bool standard_utc = format.len == 1 && (format.ptr[0] == 'r' || format.ptr[0] == 'R');
    int64_t days;
    int64_t minutes;

    if (styles->leading_white) {
        r.rest = skip_white(r.rest);
        pattern = skip_white(pattern);
    }
    if (styles->trailing_white) {
        r.rest = drop_white(r.rest);
        pattern = drop_white(pattern);
    }
    if (!take_all(&r, pattern) || !finish_hour(&r) || !finish_date(&r, now_ticks, &days))
        return false;
    r.utc |= standard_utc;
    fill(&r.minute, 0);
    fill(&r.second, 0);
    fill(&r.fraction, 0);
    minutes = r.hour * 60 + r.minute;
    if (r.offset_minutes != NOT_SET)
        minutes -= r.offset_minutes - 10000;
    out->ticks = days * TICKS_PER_DAY + (minutes * 60 + r.second) * TICKS_PER_SECOND + r.fraction;
    out->zone = zone_of(&r);
    return out->ticks >= 0 && out->ticks < TICKS_END;
}
