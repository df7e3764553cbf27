#include "base/unicode.h"

#include <unicase.h>

/* Decodes one well-formed sequence (RFC 3629, table 3-7 of Unicode); 0 if there is none. */
static inline size_t decode(const unsigned char *p, size_t left, uint32_t *out)
{
    uint32_t c;

    if (left == 0)
        return 0;
    c = p[0];
    if (c < 0x80) {
        *out = c;
        return 1;
    }
    if (c < 0xC2 || left < 2 || (p[1] & 0xC0) != 0x80)
        return 0;
    if (c < 0xE0) {
        *out = (c & 0x1F) << 6 | (p[1] & 0x3Fu);
        return 2;
    }
    if (left < 3 || (p[2] & 0xC0) != 0x80)
        return 0;
    if (c < 0xF0) {
        c = (c & 0x0F) << 12 | (p[1] & 0x3Fu) << 6 | (p[2] & 0x3Fu);
        if (c < 0x800 || (c >= 0xD800 && c <= 0xDFFF))
            return 0;
        *out = c;
        return 3;
    }
    if (c > 0xF4 || left < 4 || (p[3] & 0xC0) != 0x80)
        return 0;
    c = (c & 0x07) << 18 | (p[1] & 0x3Fu) << 12 | (p[2] & 0x3Fu) << 6 | (p[3] & 0x3Fu);
    if (c < 0x10000 || c > 0x10FFFF)
        return 0;
    *out = c;
    return 4;
}

static size_t decode_at(struct str s, size_t at, uint32_t *out)
{
    return at < s.len ? decode((const unsigned char *)s.ptr + at, s.len - at, out) : 0;
}

/* How many bytes from `at` are ASCII, counted in eights. */
static size_t ascii_run(struct str s, size_t at)
{
    size_t start = at;
    uint64_t eight;

    while (s.len - at >= sizeof(eight)) {
        memcpy(&eight, s.ptr + at, sizeof(eight));
        if (eight & UINT64_C(0x8080808080808080))
            break;
        at += sizeof(eight);
    }
    return at - start;
}

size_t utf8_sequence(struct str s, size_t at)
{
    uint32_t c;

    return decode_at(s, at, &c);
}

bool utf8_valid(struct str s, size_t *out_at)
{
    size_t at = 0;

    while (at < s.len) {
        uint32_t c;
        size_t n;

        at += ascii_run(s, at);
        if (at == s.len)
            break;
        n = decode_at(s, at, &c);
        if (n == 0) {
            if (out_at)
                *out_at = at;
            return false;
        }
        at += n;
    }
    return true;
}

struct str utf8_clean(struct arena *a, struct str s)
{
    static const struct str instead = STR_INIT("\xEF\xBF\xBD");
    size_t at;
    size_t len;
    char *out;

    if (utf8_valid(s, &at))
        return s;
    out = arena_alloc(a, at + (s.len - at) * instead.len + 1);
    memcpy(out, s.ptr, at);
    len = at;
    while (at < s.len) {
        size_t n = utf8_sequence(s, at);

        memcpy(out + len, n ? s.ptr + at : instead.ptr, n ? n : instead.len);
        len += n ? n : instead.len;
        at += n ? n : 1;
    }
    return (struct str){out, len};
}

void utf8_blank_controls(char *text, size_t len, char stays)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        bool c1 = c == 0xc2 && i + 1 < len && (unsigned char)text[i + 1] >= 0x80 &&
                  (unsigned char)text[i + 1] < 0xa0;

        if (c1)
            text[i++] = ' ';
        if (c1 || ((c < 0x20 || c == 0x7f) && text[i] != stays))
            text[i] = ' ';
    }
}

size_t utf8_length(struct str s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.len; i++)
        n += ((unsigned char)s.ptr[i] & 0xC0) != 0x80;
    return n;
}

uint32_t utf8_next(struct str s, size_t *at)
{
    uint32_t c = 0xFFFD;
    size_t n = decode_at(s, *at, &c);

    *at += n ? n : 1; /* a bad byte is one U+FFFD: wrong input must not mean an endless loop */
    return c;
}

size_t utf8_put(uint32_t c, char out[4])
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xC0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xE0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3F));
        out[2] = (char)(0x80 | (c & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3F));
    out[2] = (char)(0x80 | (c >> 6 & 0x3F));
    out[3] = (char)(0x80 | (c & 0x3F));
    return 4;
}

/* Down after up brings together what shares an upper case (σ and ς, k and the Kelvin sign). The two
 * Turkic letters have no simple folding (CaseFolding.txt, status T): they stay apart from i. */
static uint32_t fold_code_point(uint32_t c)
{
    if (c < 0x80)
        return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
    if (c == 0x130 || c == 0x131)
        return c;
    return uc_tolower(uc_toupper(c));
}

/* The first byte that folding changes; s.len if there is none. */
static size_t first_to_fold(struct str s)
{
    size_t at = 0;

    while (at < s.len) {
        unsigned char b = (unsigned char)s.ptr[at];
        uint32_t c;
        size_t n;

        if (b < 0x80) {
            if (b >= 'A' && b <= 'Z')
                return at;
            at++;
            continue;
        }
        n = decode_at(s, at, &c);
        if (n > 0 && fold_code_point(c) != c)
            return at;
        at += n ? n : 1;
    }
    return at;
}

struct str str_fold(struct arena *a, struct str s)
{
    size_t at = first_to_fold(s);
    size_t len = at;
    char *out;

    if (at == s.len)
        return s;
    /* Two bytes may become three (U+023A, U+2C65); nothing grows more. */
    out = arena_alloc(a, s.len + s.len / 2 + 1);
    memcpy(out, s.ptr, at);
    while (at < s.len) {
        uint32_t c;
        size_t n = decode_at(s, at, &c);

        if (n == 0) {
            out[len++] = s.ptr[at++]; /* not UTF-8: kept as it is */
        } else {
            len += utf8_put(fold_code_point(c), out + len);
        }
        at += n;
    }
    out[len] = '\0';
    return (struct str){out, len};
}

static uint32_t fold_next(struct str s, size_t *at)
{
    uint32_t c;
    size_t n = decode_at(s, *at, &c);

    if (n == 0)
        return 0x80000000u | (unsigned char)s.ptr[(*at)++]; /* a bad byte equals only itself */
    *at += n;
    return fold_code_point(c);
}

bool str_eq_fold(struct str a, struct str b)
{
    size_t at_a = 0;
    size_t at_b = 0;

    while (at_a < a.len && at_b < b.len) {
        if (fold_next(a, &at_a) != fold_next(b, &at_b))
            return false;
    }
    return at_a == a.len && at_b == b.len;
}
