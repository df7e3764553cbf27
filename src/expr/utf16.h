/* Positions and lengths in UTF-16 code units over UTF-8 text (expressions.md section 3). Private to
 * this folder. */
#pragma once

#include "base/str.h"

size_t utf16_length(struct str s);
/* count code units from `from` (0-based), clamped; half a surrogate pair at either cut is dropped.
 */
struct str utf16_sub(struct str s, size_t from, size_t count);
bool utf16_is_ascii(struct str s);
