#include "expr/utf16.h"

#include "base/compiler.h"

bool utf16_is_ascii(struct str s)
{
    unsigned char seen = 0;

    for (size_t i = 0; i < s.len; i++)
        seen |= (unsigned char)s.ptr[i];
    return seen < 0x80;
}

/* Bytes and code units of the character that begins with this byte. */
static size_t bytes_of(char lead, size_t *out_units)
{
    unsigned char c = (unsigned char)lead;

    *out_units = c >= 0xF0 ? 2 : 1;
    return c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
}

size_t utf16_length(struct str s)
{
    size_t length = 0;
    size_t units;

    for (size_t i = 0; i < s.len; i += bytes_of(s.ptr[i], &units), length += units)
        ;
    return length;
}

struct str utf16_sub(struct str s, size_t from, size_t count)
{
    size_t end = from > SIZE_MAX - count ? SIZE_MAX : from + count;
    size_t at = 0;    /* in code units */
    size_t start = 0; /* in bytes */
    size_t i = 0;
    size_t units;

    if (utf16_is_ascii(s))
        return str_sub(s, from, count);
    while (i < s.len && at < from) {
        i += bytes_of(s.ptr[i], &units);
        at += units;
    }
    start = i;
    while (i < s.len) {
        size_t bytes = bytes_of(s.ptr[i], &units);

        if (at + units > end)
            break;
        i += bytes;
        at += units;
    }
    return str_sub(s, start, i - start);
}
