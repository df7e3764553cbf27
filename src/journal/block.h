/* Blocks: the texts of records with consecutive numbers, packed together. Inside src/journal only.
 */
#pragma once

#include "db/db.h"
#include "journal/pack.h"

/* Puts the text of a record into the block at hand, and writes that when it is full. */
MUST_USE bool block_add(struct db *db, struct packer *p, int64_t job_no, int64_t no,
                        struct str text, struct err *err);
MUST_USE bool block_flush(struct db *db, struct packer *p, struct err *err);
void block_forget(struct packer *p); /* what is at hand is not to be written */

/* The block read last, for reading several records of it. Zero before the first. */
struct block_read {
    int64_t first_no, last_no;
    bool known;
    struct buf text;
};
void block_read_done(struct block_read *b); /* for CLEANUP */
/* The text of a record of the job that all of b's are of, valid until the next; ERR_INTERNAL
 * "journalUnreadable". */
MUST_USE bool block_read(struct db *db, struct block_read *b, int64_t job_no, int64_t no,
                         struct str *out, struct err *err);
/* Drops the blocks with no record above last_no. */
MUST_USE bool block_prune(struct db *db, int64_t job_no, int64_t last_no, struct err *err);
