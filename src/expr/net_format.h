/* Dates in .NET's custom and standard format strings (expressions.md 7.5), invariant culture.
 * Private to this folder. */
#pragma once

#include "base/buf.h"
#include "expr/value.h"

/* What K prints (kind tracking). */
enum net_zone {
    NET_ZONE_NONE,   /* the input had no zone: nothing */
    NET_ZONE_OFFSET, /* +00:00 */
    NET_ZONE_UTC,    /* Z */
};

struct net_date {
    int64_t ticks; /* UTC */
    enum net_zone zone;
};

struct net_styles {
    bool leading_white, trailing_white, inner_white;
    bool no_current_date;
    bool adjust, assume, roundtrip; /* assume: AssumeLocal or AssumeUniversal */
};

/* Whether the format can be read at all; *out_why says what is wrong. */
MUST_USE bool net_format_valid(struct str format, const char **out_why);
/* A standard format of one character as its pattern; any other format as it is. */
struct str net_format_pattern(struct str format);

/* Text that matches the format exactly. now_ticks fills in what the format leaves out. */
MUST_USE bool net_date_read(struct str text, struct str format, const struct net_styles *styles,
                            int64_t now_ticks, struct net_date *out);
void net_date_write(struct buf *out, struct str format, const struct net_date *d);

/* "None, AllowWhiteSpaces, ..."; the styles of an empty text are the default. *out_why says what is
 * wrong with them. */
MUST_USE bool net_styles_read(struct str text, struct net_styles *out, const char **out_why);

/* One element of a format, shared by reading and writing. */
struct net_token {
    char letter;     /* d, M, y, ...; '\0': a literal */
    size_t count;    /* how often the letter is repeated */
    struct str text; /* the literal */
};
/* Takes the next element; false at the end. The format is valid. */
bool net_token_next(struct str *rest, struct net_token *out);

extern const char *const net_months[12];
extern const char *const net_days[7]; /* Sunday first */
