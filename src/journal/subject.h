/* Who the records are about: each object has a number within its job, and its names and ids on both
 * sides, former ones too. A search by a part of a name reads blocks of names, a thousand objects
 * each, and not the records. Inside src/journal only. */
#pragma once

#include "journal/journal.h"

/* The number of who a record is about, made at first sight; 0 when it is about nobody. In the
 * transaction of the record. */
struct packer;
MUST_USE bool subject_note(struct db *db, struct packer *p, const struct journal_record *r,
                           int64_t *out, struct err *err);

/* Numbers, ascending, each once. */
struct subject_set {
    int64_t *no; /* own allocation */
    size_t count, cap;
};
void subject_set_done(struct subject_set *s); /* for CLEANUP */
bool subject_set_has(const struct subject_set *s, int64_t no);

/* All that a text names. out is initialised here. */
MUST_USE bool subject_find(struct db *db, int64_t job_no, struct str who, struct subject_set *out,
                           struct err *err);

/* The one with this id in the source, or nobody. */
MUST_USE bool subject_find_source(struct db *db, int64_t job_no, struct str source_id,
                                  struct subject_set *out, struct err *err);

/* The highest number of a block that is complete. */
MUST_USE bool subject_last_complete(struct db *db, int64_t job_no, int64_t *out, struct err *err);
/* The block of a subject is to be made anew. */
MUST_USE bool subject_block_drop(struct db *db, int64_t job_no, int64_t no, struct err *err);
/* Makes blocks that renaming has taken away; at most `limit` of them, *out_done is false when there
 * are more. */
MUST_USE bool subject_blocks_make(struct db *db, int64_t job_no, size_t limit, bool *out_done,
                                  struct err *err);
