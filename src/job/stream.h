/* How far the provisioning log of a job was sent on to where the setting journal.stream says
 * (engine.md 13.3). */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "db/db.h"

struct job_stream {
    int64_t job_no;
    int64_t sent_no;  /* records up to this number were taken */
    int64_t failures; /* in a row */
    struct str error; /* of the last attempt; empty: it went well */
};

/* From the record after sent_no on; one that is being sent on already stays where it is. */
MUST_USE bool job_stream_begin(struct db *db, int64_t job_no, int64_t sent_no, struct err *err);
MUST_USE bool job_stream_end(struct db *db, int64_t job_no, struct err *err);
MUST_USE bool job_stream_load(struct db *db, struct arena *a, int64_t job_no,
                              struct job_stream *out, bool *out_found, struct err *err);
/* Takes one whose time has come; nobody else gets it before until_us. */
MUST_USE bool job_stream_claim(struct db *db, struct arena *a, int64_t now_us, int64_t until_us,
                               struct job_stream *out, bool *out_found, struct err *err);
/* What became of it: error empty when records up to sent_no were taken. Due again at next_us. */
MUST_USE bool job_stream_save(struct db *db, const struct job_stream *s, int64_t next_us,
                              struct err *err);
