#include "base/buf.h"

#include "base/arena.h"

#include <stdarg.h>

enum { FIRST_CAP = 256 };

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){.max = max};
}

void buf_done(struct buf *b)
{
    if (!b)
        return;
    free(b->ptr);
    *b = (struct buf){.max = b->max};
}

void buf_reset(struct buf *b)
{
    b->len = 0;
    b->overflowed = false;
}

static void grow(struct buf *b, size_t need)
{
    size_t cap = b->cap ? b->cap : FIRST_CAP;

    while (cap < need && cap <= SIZE_MAX / 2)
        cap *= 2;
    if (cap > b->max && b->max < SIZE_MAX)
        cap = b->max + 1;
    if (cap < need)
        cap = need;
    b->ptr = mem_realloc(b->ptr, cap);
    b->cap = cap;
}

/* Room for len more bytes and a NUL; false, with the flag set, when that is over the maximum. Once
 * something was dropped everything after it is: what is there is a beginning, never a text with
 * holes. */
static inline bool reserve(struct buf *b, size_t len)
{
    if (b->overflowed || len > b->max - b->len) {
        b->overflowed = true;
        return false;
    }
    if (b->cap - b->len <= len)
        grow(b, b->len + len + 1);
    return true;
}

void buf_add(struct buf *b, struct str s)
{
    if (s.len == 0 || !reserve(b, s.len))
        return;
    memcpy(b->ptr + b->len, s.ptr, s.len);
    b->len += s.len;
}

void buf_add_z(struct buf *b, const char *z)
{
    buf_add(b, str_from_z(z));
}

void buf_add_char(struct buf *b, char c)
{
    if (!reserve(b, 1))
        return;
    b->ptr[b->len++] = c;
}

void buf_add_base64(struct buf *b, struct str s)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
    const size_t padding = 64; /* the place of '=' among the digits */

    for (size_t i = 0; i < s.len; i += 3) {
        uint32_t three = 0;

        for (size_t k = 0; k < 3; k++)
            three = three << 8 | (i + k < s.len ? (unsigned char)s.ptr[i + k] : 0u);
        for (size_t k = 0; k < 4; k++)
            buf_add_char(b, digits[i + k > s.len ? padding : three >> (18 - 6 * k) & 63]);
    }
}

void buf_add_int(struct buf *b, int64_t n)
{
    char text[24];
    size_t at = sizeof(text);
    uint64_t rest = n < 0 ? -(uint64_t)n : (uint64_t)n;

    do {
        text[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (n < 0)
        text[--at] = '-';
    buf_add(b, (struct str){text + at, sizeof(text) - at});
}

void buf_addf(struct buf *b, const char *format, ...)
{
    char small[256];
    va_list args;
    size_t len;
    int n;

    va_start(args, format);
    n = vsnprintf(small, sizeof(small), format, args);
    va_end(args);
    if (n <= 0)
        return;
    len = (size_t)n;
    if (len < sizeof(small)) {
        buf_add(b, (struct str){small, len});
        return;
    }
    if (!reserve(b, len))
        return;
    va_start(args, format);
    vsnprintf(b->ptr + b->len, len + 1, format, args);
    va_end(args);
    b->len += len;
}

char *buf_extend(struct buf *b, size_t len)
{
    if (!reserve(b, len))
        return NULL;
    b->len += len;
    return b->ptr + b->len - len;
}

struct str buf_str(const struct buf *b)
{
    return (struct str){b->ptr, b->len};
}

const char *buf_z(struct buf *b)
{
    if (!b->ptr)
        return "";
    b->ptr[b->len] = '\0'; /* reserve always left room for it */
    return b->ptr;
}
