/* What reading and writing of JSON share: looking at eight bytes of a string at once. Only
 * json_parse.c and json_write.c include this. */
#pragma once

#include "base/compiler.h"

#include <endian.h>

/* How many of the eight bytes of a word in memory, or at p, stand in a JSON string as they are and
 * are ASCII: no quote, backslash or control, nothing over 0x7F. */
static inline size_t json_plain_of_word(uint64_t w)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    const uint64_t tops = UINT64_C(0x8080808080808080);
    uint64_t quote;
    uint64_t slash;
    uint64_t found;

    w = le64toh(w);
    quote = w ^ ones * '"';
    slash = w ^ ones * '\\';
    /* The top bit of each byte that is over 0x7F, under 0x20 or one of the two. A borrow can set a
     * wrong bit only above a right one, and the lowest is what counts. */
    found = (w | ((w - ones * 0x20) & ~w) | ((quote - ones) & ~quote) | ((slash - ones) & ~slash)) &
            tops;
    return found ? (size_t)__builtin_ctzll(found) / 8 : 8;
}

static inline size_t json_plain_of_eight(const char *p)
{
    uint64_t w;

    memcpy(&w, p, sizeof(w));
    return json_plain_of_word(w);
}
