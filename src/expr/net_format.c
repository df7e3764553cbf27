/* Format strings: their elements, standard formats, styles, and writing dates. */
#include "expr/net_format.h"

#include "base/clock.h"

const char *const net_months[12] = {"January",   "February", "March",    "April",
                                    "May",       "June",     "July",     "August",
                                    "September", "October",  "November", "December"};
const char *const net_days[7] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                 "Thursday", "Friday", "Saturday"};

static const char letters[] = "dMyhHmsfFtzKg";

static const struct {
    char name;
    struct str pattern;
} standard[] = {
    {'d', STR_INIT("MM/dd/yyyy")},
    {'D', STR_INIT("dddd, dd MMMM yyyy")},
    {'g', STR_INIT("MM/dd/yyyy HH:mm")},
    {'G', STR_INIT("MM/dd/yyyy HH:mm:ss")},
    {'s', STR_INIT("yyyy'-'MM'-'dd'T'HH':'mm':'ss")},
    {'u', STR_INIT("yyyy'-'MM'-'dd HH':'mm':'ssZ")},
    {'o', STR_INIT("yyyy'-'MM'-'dd'T'HH':'mm':'ss'.'fffffffK")},
    {'O', STR_INIT("yyyy'-'MM'-'dd'T'HH':'mm':'ss'.'fffffffK")},
    {'r', STR_INIT("ddd, dd MMM yyyy HH':'mm':'ss 'GMT'")},
    {'R', STR_INIT("ddd, dd MMM yyyy HH':'mm':'ss 'GMT'")},
    {'t', STR_INIT("HH:mm")},
    {'T', STR_INIT("HH:mm:ss")},
    {'m', STR_INIT("MMMM dd")},
    {'M', STR_INIT("MMMM dd")},
    {'y', STR_INIT("yyyy MMMM")},
    {'Y', STR_INIT("yyyy MMMM")},
};

struct str net_format_pattern(struct str format)
{
    for (size_t i = 0; format.len == 1 && i < ARRAY_LEN(standard); i++) {
        if (standard[i].name == format.ptr[0])
            return standard[i].pattern;
    }
    return format;
}

static bool is_letter(char c)
{
    return c != '\0' && strchr(letters, c);
}

bool net_token_next(struct str *rest, struct net_token *out)
{
    const char *p = rest->ptr;
    size_t used = 1;

    if (rest->len == 0)
        return false;
    *out = (struct net_token){.text = str_sub(*rest, 0, 1)};
    if (p[0] == '%' && rest->len > 1) { /* what follows stands alone */
        *rest = str_from(*rest, 1);
        return net_token_next(rest, out);
    }
    if (is_letter(p[0])) {
        while (used < rest->len && p[used] == p[0])
            used++;
        out->letter = p[0];
        out->count = used;
    } else if (p[0] == '\\' && rest->len > 1) {
        out->text = str_sub(*rest, 1, 1);
        used = 2;
    } else if (p[0] == '\'' || p[0] == '"') {
        size_t end = 1;

        while (end < rest->len && p[end] != p[0])
            end++;
        out->text = str_sub(*rest, 1, end - 1);
        used = end + 1;
    } else if (p[0] == 'Z') { /* marks UTC when it is read */
        out->letter = 'Z';
        out->count = 1;
    }
    *rest = str_from(*rest, used);
    return true;
}

/* A quote that is not closed, a backslash or % at the end. */
static bool check_quoting(struct str f, const char **out_why)
{
    for (size_t i = 0; i < f.len; i++) {
        char c = f.ptr[i];

        if (c == '\\' && ++i >= f.len) {
            *out_why = "it ends in a backslash";
            return false;
        }
        if (c == '%' && (i + 1 >= f.len || f.ptr[i + 1] == '%')) {
            *out_why = "a % needs a letter behind it";
            return false;
        }
        if (c != '\'' && c != '"')
            continue;
        do {
            i++;
        } while (i < f.len && f.ptr[i] != c);
        if (i >= f.len) {
            *out_why = "a quote is not closed";
            return false;
        }
    }
    return true;
}

bool net_format_valid(struct str format, const char **out_why)
{
    struct str pattern = net_format_pattern(format);
    struct net_token t;

    *out_why = "it is empty";
    if (format.len == 0)
        return false;
    *out_why = "there is no standard format of this letter";
    if (format.len == 1 && pattern.ptr == format.ptr)
        return false;
    if (!check_quoting(pattern, out_why))
        return false;
    *out_why = "f and F stand for at most 7 digits";
    while (net_token_next(&pattern, &t)) {
        if ((t.letter == 'f' || t.letter == 'F') && t.count > 7)
            return false;
    }
    return true;
}

struct parts {
    int64_t year, hour, minute, second, fraction;
    unsigned month, day, weekday;
};

static struct parts parts_of(int64_t ticks)
{
    int64_t days = ticks / TICKS_PER_DAY;
    int64_t seconds = ticks % TICKS_PER_DAY / TICKS_PER_SECOND;
    struct parts p = {
        .hour = seconds / 3600,
        .minute = seconds / 60 % 60,
        .second = seconds % 60,
        .fraction = ticks % TICKS_PER_SECOND,
        .weekday = (unsigned)((days + 1) % 7), /* 0001-01-01 was a Monday */
    };

    date_from_days(days - DAYS_TO_1970, &p.year, &p.month, &p.day);
    return p;
}

static void write_number(struct buf *out, int64_t n, size_t digits)
{
    buf_addf(out, "%0*lld", (int)digits, (long long)n);
}

/* f: so many digits; F: without zeros at the end, and then without the point before it. */
static void write_fraction(struct buf *out, const struct net_token *t, int64_t fraction)
{
    size_t digits = t->count;

    for (size_t i = digits; i < 7; i++)
        fraction /= 10;
    while (t->letter == 'F' && digits > 0 && fraction % 10 == 0) {
        fraction /= 10;
        digits--;
    }
    if (digits > 0) {
        write_number(out, fraction, digits);
    } else if (out->len > 0 && out->ptr[out->len - 1] == '.') {
        out->len--;
    }
}

static void write_name(struct buf *out, const char *name, bool full)
{
    buf_add(out, str_sub(str_from_z(name), 0, full ? SIZE_MAX : 3));
}

static void write_day(struct buf *out, const struct net_token *t, const struct parts *p)
{
    if (t->count > 2) {
        write_name(out, net_days[p->weekday], t->count > 3);
    } else {
        write_number(out, p->day, t->count);
    }
}

static void write_month(struct buf *out, const struct net_token *t, const struct parts *p)
{
    if (t->count > 2) {
        write_name(out, net_months[p->month - 1], t->count > 3);
    } else {
        write_number(out, p->month, t->count);
    }
}

static size_t two(size_t count)
{
    return count < 2 ? count : 2;
}

static void write_zone(struct buf *out, const struct net_token *t, enum net_zone zone)
{
    static const char *const kinds[] = {
        [NET_ZONE_NONE] = "", [NET_ZONE_OFFSET] = "+00:00", [NET_ZONE_UTC] = "Z"};

    if (t->letter == 'K') {
        buf_add_z(out, kinds[zone]);
    } else {
        buf_add_z(out, t->count == 1 ? "+0" : t->count == 2 ? "+00" : "+00:00");
    }
}

static void write_token(struct buf *out, const struct net_token *t, const struct parts *p,
                        enum net_zone zone)
{
    switch (t->letter) {
    case 'd':
        write_day(out, t, p);
        return;
    case 'M':
        write_month(out, t, p);
        return;
    case 'y':
        write_number(out, t->count < 3 ? p->year % 100 : p->year, t->count < 100 ? t->count : 100);
        return;
    case 'h':
        write_number(out, p->hour % 12 == 0 ? 12 : p->hour % 12, two(t->count));
        return;
    case 'H':
        write_number(out, p->hour, two(t->count));
        return;
    case 'm':
        write_number(out, p->minute, two(t->count));
        return;
    case 's':
        write_number(out, p->second, two(t->count));
        return;
    case 'f':
    case 'F':
        write_fraction(out, t, p->fraction);
        return;
    case 't':
        buf_add(out, str_sub(p->hour < 12 ? STR("AM") : STR("PM"), 0, two(t->count)));
        return;
    case 'z':
    case 'K':
        write_zone(out, t, zone);
        return;
    case 'g':
        buf_add_z(out, "A.D.");
        return;
    default:
        buf_add(out, t->text);
    }
}

void net_date_write(struct buf *out, struct str format, const struct net_date *d)
{
    struct str rest = net_format_pattern(format);
    struct parts p = parts_of(d->ticks);
    struct net_token t;

    while (net_token_next(&rest, &t))
        write_token(out, &t, &p, d->zone);
}

enum {
    STYLE_LEADING = 1,
    STYLE_TRAILING = 2,
    STYLE_INNER = 4,
    STYLE_NO_CURRENT = 8,
    STYLE_ADJUST = 16,
    STYLE_LOCAL = 32,
    STYLE_UNIVERSAL = 64,
    STYLE_ROUNDTRIP = 128,
};

static const struct {
    struct str name;
    unsigned bits;
} styles[] = {
    {STR_INIT("None"), 0},
    {STR_INIT("AllowLeadingWhite"), STYLE_LEADING},
    {STR_INIT("AllowTrailingWhite"), STYLE_TRAILING},
    {STR_INIT("AllowInnerWhite"), STYLE_INNER},
    {STR_INIT("AllowWhiteSpaces"), STYLE_LEADING | STYLE_TRAILING | STYLE_INNER},
    {STR_INIT("NoCurrentDateDefault"), STYLE_NO_CURRENT},
    {STR_INIT("AdjustToUniversal"), STYLE_ADJUST},
    {STR_INIT("AssumeLocal"), STYLE_LOCAL},
    {STR_INIT("AssumeUniversal"), STYLE_UNIVERSAL},
    {STR_INIT("RoundtripKind"), STYLE_ROUNDTRIP},
};

static bool style_bits(struct str name, unsigned *bits)
{
    for (size_t i = 0; i < ARRAY_LEN(styles); i++) {
        if (str_eq(styles[i].name, name)) {
            *bits |= styles[i].bits;
            return true;
        }
    }
    return false;
}

bool net_styles_read(struct str text, struct net_styles *out, const char **out_why)
{
    unsigned bits = 0;
    bool more = text.len > 0;

    if (!more)
        bits = STYLE_ROUNDTRIP | STYLE_LEADING | STYLE_TRAILING;
    while (more) {
        struct str name;

        more = str_cut(&text, ',', &name);
        if (!style_bits(str_trim(name), &bits)) {
            *out_why = "a style is not known";
            return false;
        }
    }
    *out_why = "RoundtripKind cannot stand beside a style that assumes or adjusts";
    if ((bits & STYLE_ROUNDTRIP) && (bits & (STYLE_ADJUST | STYLE_LOCAL | STYLE_UNIVERSAL)))
        return false;
    *out_why = "AssumeLocal and AssumeUniversal exclude each other";
    if ((bits & STYLE_LOCAL) && (bits & STYLE_UNIVERSAL))
        return false;
    *out = (struct net_styles){
        .leading_white = bits & STYLE_LEADING,
        .trailing_white = bits & STYLE_TRAILING,
        .inner_white = bits & STYLE_INNER,
        .no_current_date = bits & STYLE_NO_CURRENT,
        .adjust = bits & STYLE_ADJUST,
        .assume = bits & (STYLE_LOCAL | STYLE_UNIVERSAL),
        .roundtrip = bits & STYLE_ROUNDTRIP,
    };
    return true;
}
