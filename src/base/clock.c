#include "base/clock.h"

static int64_t read_clock(clockid_t id)
{
    struct timespec ts;

    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * US_PER_SECOND + ts.tv_nsec / 1000;
}

static int64_t now_system(const struct clock *c)
{
    (void)c;
    return read_clock(CLOCK_REALTIME);
}

const struct clock *clock_system(void)
{
    static const struct clock system = {.now_us = now_system};

    return &system;
}

static int64_t now_fixed(const struct clock *c)
{
    return ((const struct clock_fixed *)c)->now;
}

void clock_fixed_init(struct clock_fixed *c, int64_t now_us)
{
    *c = (struct clock_fixed){.clock.now_us = now_fixed, .now = now_us};
}

int64_t clock_monotonic_us(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

static int64_t floor_div(int64_t n, int64_t by)
{
    return n / by - (n % by < 0);
}

/* Years are counted from March, so that the leap day is the last of its year. An era is 400 years:
 * 146097 days. 719468 days lie between 0000-03-01 and 1970-01-01. */
int64_t date_to_days(int64_t year, unsigned month, unsigned day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = floor_div(y, 400);
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return era * 146097 + day_of_era - 719468;
}

void date_from_days(int64_t days, int64_t *year, unsigned *month, unsigned *day)
{
    int64_t z = days + 719468;
    int64_t era = floor_div(z, 146097);
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t from_march = (5 * doy + 2) / 153;
    int64_t m = from_march < 10 ? from_march + 3 : from_march - 9;

    *day = (unsigned)(doy - (153 * from_march + 2) / 5 + 1);
    *month = (unsigned)m;
    *year = yoe + era * 400 + (m <= 2);
}

static char *write_digits(char *at, int64_t n, int digits, char after)
{
    for (int i = digits; i-- > 0; n /= 10)
        at[i] = (char)('0' + n % 10);
    at[digits] = after;
    return at + digits + 1;
}

/* By hand: every resource that is sent has two times, and printf would take longer than the row. */
struct str time_write(int64_t us, char *out)
{
    int64_t days = floor_div(us, US_PER_DAY);
    int64_t in_day = us - days * US_PER_DAY;
    char *at = out;
    int64_t year;
    unsigned month;
    unsigned day;

    date_from_days(days, &year, &month, &day);
    if (year >= 0 && year <= 9999) {
        at = write_digits(at, year, 4, '-');
    } else {
        at += snprintf(at, TIME_TEXT_MAX, "%04lld-", (long long)year);
    }
    at = write_digits(at, month, 2, '-');
    at = write_digits(at, day, 2, 'T');
    at = write_digits(at, in_day / US_PER_HOUR, 2, ':');
    at = write_digits(at, in_day / US_PER_MINUTE % 60, 2, ':');
    at = write_digits(at, in_day / US_PER_SECOND % 60, 2, '.');
    at = write_digits(at, in_day / US_PER_MS % 1000, 3, 'Z');
    *at = 0;
    return (struct str){out, (size_t)(at - out)};
}

/* What is left to read; every read_ function takes from its front or leaves it alone. */
static bool read_char(struct str *s, char c)
{
    if (s->len == 0 || ascii_upper(s->ptr[0]) != c)
        return false;
    *s = str_from(*s, 1);
    return true;
}

/* Exactly `digits` digits. */
static bool read_number(struct str *s, size_t digits, unsigned *out)
{
    int64_t n;

    if (s->len < digits || s->ptr[0] == '-' || !str_to_int(str_sub(*s, 0, digits), 0, 9999, &n))
        return false;
    *out = (unsigned)n;
    *s = str_from(*s, digits);
    return true;
}

/* Digits of a fraction as microseconds; what is finer is cut off. At least one digit. */
static bool read_fraction(struct str *s, int64_t *out_us)
{
    int64_t us = 0;
    int64_t unit = US_PER_SECOND / 10;
    size_t n = 0;

    for (; n < s->len && ascii_is_digit(s->ptr[n]); n++) {
        us += (s->ptr[n] - '0') * unit;
        unit /= 10;
    }
    *s = str_from(*s, n);
    *out_us = us;
    return n > 0;
}

static unsigned days_in_month(unsigned year, unsigned month)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return month == 2 && leap ? 29 : days[month - 1];
}

static bool read_date(struct str *s, int64_t *out_us)
{
    unsigned year;
    unsigned month;
    unsigned day;

    if (!read_number(s, 4, &year) || !read_char(s, '-') || !read_number(s, 2, &month) ||
        !read_char(s, '-') || !read_number(s, 2, &day))
        return false;
    if (year < 1 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
        return false;
    *out_us = date_to_days(year, month, day) * US_PER_DAY;
    return true;
}

/* 24:00:00 is the end of the day (xsd:dateTime). A leap second becomes the second after it; whether
 * it can be one is known when the offset is. */
static bool read_time(struct str *s, int64_t *out_us, bool *out_leap)
{
    unsigned hour;
    unsigned minute;
    unsigned second;
    int64_t fraction = 0;

    if (!read_number(s, 2, &hour) || !read_char(s, ':') || !read_number(s, 2, &minute) ||
        !read_char(s, ':') || !read_number(s, 2, &second))
        return false;
    if (read_char(s, '.') && !read_fraction(s, &fraction))
        return false;
    if (hour > 24 || minute > 59 || second > 60)
        return false;
    if (hour == 24 && (minute > 0 || second > 0 || fraction > 0))
        return false;
    *out_leap = second == 60;
    *out_us = hour * US_PER_HOUR + minute * US_PER_MINUTE + second * US_PER_SECOND + fraction;
    return true;
}

/* Z, +hh:mm, -hh:mm or nothing, which is UTC. */
static bool read_offset(struct str *s, int64_t *out_us)
{
    unsigned hours;
    unsigned minutes;
    bool west;

    *out_us = 0;
    if (s->len == 0 || read_char(s, 'Z'))
        return true;
    west = read_char(s, '-');
    if (!west && !read_char(s, '+'))
        return false;
    if (!read_number(s, 2, &hours) || !read_char(s, ':') || !read_number(s, 2, &minutes))
        return false;
    if (hours > 23 || minutes > 59)
        return false;
    *out_us = hours * US_PER_HOUR + minutes * US_PER_MINUTE;
    if (west)
        *out_us = -*out_us;
    return true;
}

bool time_parse(struct str text, int64_t *out_us)
{
    int64_t first_us = date_to_days(1, 1, 1) * US_PER_DAY;
    int64_t behind_us = date_to_days(10000, 1, 1) * US_PER_DAY;
    int64_t us;
    int64_t time_us = 0;
    int64_t offset_us;
    bool leap = false;

    if (!read_date(&text, &us) || (read_char(&text, 'T') && !read_time(&text, &time_us, &leap)) ||
        !read_offset(&text, &offset_us) || text.len > 0)
        return false;
    us += time_us - offset_us;
    if (us < first_us || us >= behind_us)
        return false;
    if (leap && floor_div(us, US_PER_SECOND) * US_PER_SECOND % US_PER_DAY != 0)
        return false; /* leap seconds are at midnight UTC only */
    *out_us = us;
    return true;
}

/* The parts of a duration in the only order they may have. */
static const struct {
    char letter;
    bool of_day; /* before the T */
    int64_t us;
} duration_parts[] = {
    {'W', true, 7 * US_PER_DAY}, {'D', true, US_PER_DAY},     {'H', false, US_PER_HOUR},
    {'M', false, US_PER_MINUTE}, {'S', false, US_PER_SECOND},
};

/* One number with its letter, which must come at or after *part in the table. */
static bool read_duration_part(struct str *s, bool of_day, size_t *part, int64_t *total)
{
    size_t digits = 0;
    int64_t n;
    int64_t fraction = 0;
    bool fractional;

    while (digits < s->len && ascii_is_digit(s->ptr[digits]))
        digits++;
    if (!str_to_int(str_sub(*s, 0, digits), 0, INT64_MAX, &n))
        return false;
    *s = str_from(*s, digits);
    fractional = read_char(s, '.') || read_char(s, ',');
    if (fractional && !read_fraction(s, &fraction))
        return false;
    for (; *part < ARRAY_LEN(duration_parts); (*part)++) {
        if (duration_parts[*part].of_day == of_day && read_char(s, duration_parts[*part].letter))
            break;
    }
    if (*part == ARRAY_LEN(duration_parts) || (fractional && duration_parts[*part].letter != 'S'))
        return false;
    return !__builtin_mul_overflow(n, duration_parts[(*part)++].us, &n) &&
           !__builtin_add_overflow(*total, n, total) &&
           !__builtin_add_overflow(*total, fraction, total);
}

bool duration_parse(struct str text, int64_t *out_us)
{
    bool negative = read_char(&text, '-');
    bool of_day = true;
    int64_t total = 0;
    size_t part = 0;

    if (!read_char(&text, 'P') || text.len == 0)
        return false;
    while (text.len > 0) {
        if (of_day && read_char(&text, 'T'))
            of_day = false;
        if (!read_duration_part(&text, of_day, &part, &total))
            return false;
    }
    *out_us = negative ? -total : total;
    return true;
}

struct str duration_write(int64_t us, char *out)
{
    uint64_t rest = us < 0 ? -(uint64_t)us : (uint64_t)us;
    size_t at = 0;
    bool timed = false;

    if (us < 0)
        out[at++] = '-';
    out[at++] = 'P';
    for (size_t i = 1; i < ARRAY_LEN(duration_parts); i++) { /* weeks are written as days */
        uint64_t unit = (uint64_t)duration_parts[i].us;
        uint64_t n = rest / unit;
        bool seconds = duration_parts[i].letter == 'S';

        rest %= unit;
        if (n == 0 && !(seconds && (rest > 0 || us == 0)))
            continue;
        if (!duration_parts[i].of_day && !timed) {
            out[at++] = 'T';
            timed = true;
        }
        at += (size_t)snprintf(out + at, TIME_TEXT_MAX - at, "%llu", (unsigned long long)n);
        if (seconds && rest > 0) {
            at +=
                (size_t)snprintf(out + at, TIME_TEXT_MAX - at, ".%06llu", (unsigned long long)rest);
            while (out[at - 1] == '0')
                at--;
        }
        out[at++] = duration_parts[i].letter;
    }
    out[at] = '\0';
    return (struct str){out, at};
}
