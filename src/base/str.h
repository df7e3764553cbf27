/* Text slices: a struct str is a view of bytes that someone else owns, passed by value. Parsers
 * walk and cut slices; they never write into them, never copy them and never need a NUL. */
#pragma once

#include "base/compiler.h"

struct str {
    const char *ptr; /* may be NULL when len is 0 */
    size_t len;      /* bytes */
};

#define STR(literal) ((struct str){("" literal), sizeof(literal) - 1})
#define STR_INIT(literal)                 \
    {                                     \
        ("" literal), sizeof(literal) - 1 \
    } /* for static tables */
/* printf("%.*s", STR_ARG(s)) */
#define STR_ARG(s) (int)(s).len, (s).ptr ? (s).ptr : ""

struct str str_from_z(const char *z); /* NULL gives the empty slice */
bool str_eq(struct str a, struct str b);
bool str_eq_z(struct str a, const char *z);
bool str_eq_ascii_nocase(struct str a, struct str b); /* folds A-Z only: keywords and SCIM names */
int str_cmp(struct str a, struct str b);              /* by bytes, like memcmp with length */
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
bool str_empty(struct str s);
struct str str_sub(struct str s, size_t from, size_t len); /* clamped to s */
struct str str_from(struct str s, size_t from);            /* clamped to s */
struct str str_trim(struct str s);                         /* ASCII blanks at both ends */
bool str_find(struct str s, struct str needle, size_t *out_at);
bool str_find_char(struct str s, char c, size_t *out_at);
bool str_find_last_char(struct str s, char c, size_t *out_at);
uint64_t str_hash(struct str s); /* XXH3, 64 bits */

/* Cuts s at the first `sep`: *head gets what is before it, s what is after it.
 * Returns false, with *head = s and s empty, when there is no separator left. */
bool str_cut(struct str *s, char sep, struct str *head);

/* The whole of s as a decimal integer in [min, max]; false if it is anything else. */
bool str_to_int(struct str s, int64_t min, int64_t max, int64_t *out);
/* The whole of s as a JSON-style decimal number; independent of the locale. */
bool str_to_double(struct str s, double *out);

/* ASCII tests that depend neither on the locale nor on the sign of char. */
bool ascii_is_alpha(char c);
bool ascii_is_digit(char c);
bool ascii_is_blank(char c); /* space, tab, CR, LF */
char ascii_lower(char c);
char ascii_upper(char c);
