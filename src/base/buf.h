/* Builds text in a growing buffer that carries its maximum from birth. Going over the maximum sets
 * a sticky flag that is checked once, at the end; what did not fit is dropped. */
#pragma once

#include "base/compiler.h"
#include "base/str.h"

struct buf {
    char *ptr;
    size_t len;
    size_t cap;
    size_t max;      /* bytes it may hold */
    bool overflowed; /* something did not fit */
};

void buf_init(struct buf *b, size_t max); /* allocates nothing yet */
void buf_done(struct buf *b);             /* frees; NULL is fine; for CLEANUP */
void buf_reset(struct buf *b);            /* empties, keeps the memory */

void buf_add(struct buf *b, struct str s);
void buf_add_z(struct buf *b, const char *z);
void buf_add_char(struct buf *b, char c);
void buf_add_int(struct buf *b, int64_t n);
void buf_add_base64(struct buf *b, struct str s); /* RFC 4648, 4, padded */
void buf_addf(struct buf *b, const char *format, ...) PRINTF_LIKE(2, 3);

/* Makes the text len bytes longer and returns where they are to be written; NULL if they do not
 * fit. */
char *buf_extend(struct buf *b, size_t len);

struct str buf_str(const struct buf *b); /* valid until the next change */
const char *buf_z(struct buf *b);        /* NUL-terminated, valid until the next change */
