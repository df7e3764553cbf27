#include "base/str.h"

#include <errno.h>
#include <locale.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

struct str str_from_z(const char *z)
{
    return (struct str){z, z ? strlen(z) : 0};
}

/* memcmp and friends must not be given NULL, which an empty slice may hold. */
static bool same_bytes(const char *a, const char *b, size_t len)
{
    return len == 0 || memcmp(a, b, len) == 0;
}

bool str_eq(struct str a, struct str b)
{
    return a.len == b.len && same_bytes(a.ptr, b.ptr, a.len);
}

bool str_eq_z(struct str a, const char *z)
{
    return str_eq(a, str_from_z(z));
}

bool str_eq_ascii_nocase(struct str a, struct str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        if (a.ptr[i] != b.ptr[i] && ascii_lower(a.ptr[i]) != ascii_lower(b.ptr[i]))
            return false;
    }
    return true;
}

int str_cmp(struct str a, struct str b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int order = shorter ? memcmp(a.ptr, b.ptr, shorter) : 0;

    if (order != 0)
        return order;
    return (a.len > b.len) - (a.len < b.len);
}

bool str_starts(struct str s, struct str prefix)
{
    return s.len >= prefix.len && same_bytes(s.ptr, prefix.ptr, prefix.len);
}

bool str_ends(struct str s, struct str suffix)
{
    return s.len >= suffix.len && str_eq(str_from(s, s.len - suffix.len), suffix);
}

bool str_empty(struct str s)
{
    return s.len == 0;
}

struct str str_sub(struct str s, size_t from, size_t len)
{
    s = str_from(s, from);
    if (len < s.len)
        s.len = len;
    return s;
}

struct str str_from(struct str s, size_t from)
{
    if (from > s.len)
        from = s.len;
    if (from == 0)
        return s; /* no arithmetic on a NULL */
    return (struct str){s.ptr + from, s.len - from};
}

struct str str_trim(struct str s)
{
    while (s.len > 0 && ascii_is_blank(s.ptr[s.len - 1]))
        s.len--;
    while (s.len > 0 && ascii_is_blank(s.ptr[0]))
        s = str_from(s, 1);
    return s;
}

bool str_find(struct str s, struct str needle, size_t *out_at)
{
    const char *hit;

    if (needle.len == 0) {
        *out_at = 0;
        return true;
    }
    if (s.len < needle.len)
        return false;
    hit = memmem(s.ptr, s.len, needle.ptr, needle.len);
    if (!hit)
        return false;
    *out_at = (size_t)(hit - s.ptr);
    return true;
}

bool str_find_char(struct str s, char c, size_t *out_at)
{
    const char *hit = s.len ? memchr(s.ptr, c, s.len) : NULL;

    if (!hit)
        return false;
    *out_at = (size_t)(hit - s.ptr);
    return true;
}

bool str_find_last_char(struct str s, char c, size_t *out_at)
{
    const char *hit = s.len ? memrchr(s.ptr, c, s.len) : NULL;

    if (!hit)
        return false;
    *out_at = (size_t)(hit - s.ptr);
    return true;
}

uint64_t str_hash(struct str s)
{
    return XXH3_64bits(s.len ? s.ptr : "", s.len);
}

bool str_cut(struct str *s, char sep, struct str *head)
{
    size_t at;

    if (!str_find_char(*s, sep, &at)) {
        *head = *s;
        *s = str_from(*s, s->len);
        return false;
    }
    *head = str_sub(*s, 0, at);
    *s = str_from(*s, at + 1);
    return true;
}

bool str_to_int(struct str s, int64_t min, int64_t max, int64_t *out)
{
    bool negative = s.len > 0 && s.ptr[0] == '-';
    int64_t n = 0;

    if (negative)
        s = str_from(s, 1);
    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        int digit = s.ptr[i] - '0';

        if (!ascii_is_digit(s.ptr[i]) || __builtin_mul_overflow(n, 10, &n))
            return false;
        if (__builtin_add_overflow(n, negative ? -digit : digit, &n))
            return false;
    }
    if (n < min || n > max)
        return false;
    *out = n;
    return true;
}

static size_t digits_at(struct str s, size_t at)
{
    size_t n = 0;

    while (at + n < s.len && ascii_is_digit(s.ptr[at + n]))
        n++;
    return n;
}

/* The grammar of RFC 8259, 6; integer_end is where fraction or exponent start. */
static bool is_json_number(struct str s)
{
    size_t at = s.len > 0 && s.ptr[0] == '-';
    size_t n = digits_at(s, at);

    if (n == 0 || (n > 1 && s.ptr[at] == '0'))
        return false;
    at += n;
    if (at < s.len && s.ptr[at] == '.') {
        n = digits_at(s, at + 1);
        if (n == 0)
            return false;
        at += 1 + n;
    }
    if (at < s.len && ascii_lower(s.ptr[at]) == 'e') {
        at++;
        if (at < s.len && (s.ptr[at] == '+' || s.ptr[at] == '-'))
            at++;
        n = digits_at(s, at);
        if (n == 0)
            return false;
        at += n;
    }
    return at == s.len;
}

bool str_to_double(struct str s, double *out)
{
    char small[128];
    char *z = small;
    locale_t c_locale;
    double d;

    if (!is_json_number(s))
        return false;
    if (s.len >= sizeof(small)) {
        z = malloc(s.len + 1);
        if (!z)
            return false;
    }
    memcpy(z, s.ptr, s.len);
    z[s.len] = '\0';
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0); /* glibc hands out a constant: no cost */
    d = strtod_l(z, NULL, c_locale);
    freelocale(c_locale);
    if (z != small)
        free(z);
    if (!__builtin_isfinite(d))
        return false;
    *out = d;
    return true;
}

bool ascii_is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool ascii_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool ascii_is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

char ascii_lower(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c + ('a' - 'A'));
    return c;
}

char ascii_upper(char c)
{
    if (c >= 'a' && c <= 'z')
        return (char)(c - ('a' - 'A'));
    return c;
}
