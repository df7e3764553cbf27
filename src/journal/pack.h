/* JSON texts of records made small: Zstandard (RFC 8878); few of them against a dictionary of what
 * such texts have in common. Inside src/journal only. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#define PACK_TEXT_MAX (8UL << 20) /* bytes of a text, or of several together */

/* What packing needs besides the text: the dictionary made ready and room to work in; and the block
 * that is being filled (block.h). One thread at a time. */
struct ZSTD_CCtx_s;
struct ZSTD_CDict_s;
struct packer {
    struct ZSTD_CCtx_s *room;
    struct ZSTD_CDict_s *dictionary;

    struct buf texts;         /* one a line */
    int64_t job_no, first_no; /* of the first one */
    int64_t count;
    struct buf detail, packed; /* room to work in */

    int64_t subject_job_no, last_subject; /* subject.c; -1: not known in this transaction */
};
struct packer *packer_new(void);
void packer_free(struct packer *p); /* NULL is fine */

/* One byte for the dictionary (0: not packed, 2: none), the length of the text in groups of seven
 * bits, and the packed text. Appends to out. */
void pack_write(struct packer *p, struct buf *out, struct str text);
/* out is initialised here, with max as its maximum, and freed by the caller. ERR_INTERNAL
 * "journalUnreadable". */
MUST_USE bool pack_read(struct str packed, size_t max, struct buf *out, struct err *err);
