/* UTF-8 and letter case (RFC 3629; libunistring). */
#pragma once

#include "base/arena.h"
#include "base/compiler.h"

/* True if all of s is well-formed UTF-8; otherwise *out_at, if not NULL, is the first bad byte. */
bool utf8_valid(struct str s, size_t *out_at);
/* Bytes of the well-formed sequence at s.ptr[at]; 0 if there is none. */
size_t utf8_sequence(struct str s, size_t at);
/* s with U+FFFD for each byte that is not UTF-8, in a; s itself when there is none. */
struct str utf8_clean(struct arena *a, struct str s);
/* Puts blanks in place of control characters (C0, DEL, C1), which move a terminal's cursor or end a
 * line; the character `stays` is left, '\0': none is. */
void utf8_blank_controls(char *text, size_t len, char stays);
size_t utf8_length(struct str s); /* code points of valid UTF-8 */
/* Decodes the code point at s.ptr[*at] of valid UTF-8 and moves *at behind it. */
uint32_t utf8_next(struct str s, size_t *at);
size_t utf8_put(uint32_t code_point, char out[4]); /* bytes written */

/* One-to-one simple case folding (scim.md 1.2): matching, SCIM comparison and unique keys all use
 * this one. The result is in a, or is s itself when there is nothing to fold. No normalisation. */
struct str str_fold(struct arena *a, struct str s);
bool str_eq_fold(struct str a, struct str b); /* without allocating */
