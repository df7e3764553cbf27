/* Short JSON texts made small: Zstandard (RFC 8878) against a dictionary of what such texts have in
 * common, so that each record can be read without any other. Inside src/journal only. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

/* What packing needs besides the text: the dictionary made ready and room to work in. One thread at
 * a time. */
struct packer;
struct packer *packer_new(void);
void packer_free(struct packer *p); /* NULL is fine */

/* One byte for the dictionary (0: not packed), the length of the text in groups of seven bits, and
 * the packed text. Appends to out. */
void pack_write(struct packer *p, struct buf *out, struct str text);
/* out is initialised here, with max as its maximum, and freed by the caller. ERR_INTERNAL
 * "journalUnreadable". */
MUST_USE bool pack_read(struct str packed, size_t max, struct buf *out, struct err *err);
