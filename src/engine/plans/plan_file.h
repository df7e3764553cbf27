/* A plan as a file (engine.md 23): JSON Lines, one head, then a row for each intended action.
 *
 *   line  what
 *   1     {"usherPlan":1,"purpose":...,"job":...,...,"rows":N,"digest":"..."} and blanks up to
 *         PLAN_HEAD_BYTES, so that it can be written when the rows are known
 *   2..   {"action":"update","kind":"user","sourceId":...,"changes":[...],...}
 *
 * The digest is SHA-256 over all rows and then the head with 64 zeros in its place: an edited file
 * is noticed, wherever it was edited. Secret values are "*****". Writing and reading take memory
 * for one row, whatever the size. */
#pragma once

#include "base/file.h"
#include "base/secret.h"
#include "engine/engine.h"

enum { PLAN_FORMAT = 1, PLAN_HEAD_BYTES = 4096, PLAN_LINE_MAX = 4 << 20 };

enum plan_purpose { PLAN_OF_CYCLE, PLAN_OF_UNDO, PLAN_PURPOSE_COUNT };

struct plan_head {
    enum plan_purpose purpose;
    struct str job_id, job_name;
    struct str base_url;
    struct str database;    /* database_identity */
    int64_t schema_version; /* the configuration's: whatever concerns everybody makes a new one */
    const struct json *settings; /* plan_settings.h; NULL: of a plan that does not say */
    struct str watermark;        /* of the source, when the plan was made */
    bool everybody;              /* not only who has changed since the watermark */
    bool asked;                  /* the target was asked: before values are its own */
    struct str undone_cycle;     /* of PLAN_OF_UNDO */
    int64_t made_us;
    struct plan_counts counts;
    int64_t rows;
    struct str digest;
};

struct plan_writer {
    struct file_draft draft;
    struct sha256 hash;
    struct arena *tmp;
    int64_t rows;
    char hex[SHA256_HEX_MAX];
};
/* The file is there, with mode 0600, when finish has succeeded, and not before. */
MUST_USE bool plan_writer_open(struct plan_writer *w, const char *path, struct err *err);
MUST_USE bool plan_writer_add(struct plan_writer *w, const struct plan_row *row, struct err *err);
/* Fills rows and digest of the head; the latter lives as long as the writer. */
MUST_USE bool plan_writer_finish(struct plan_writer *w, struct plan_head *head, struct err *err);
void plan_writer_drop(struct plan_writer *w); /* for CLEANUP, zeroed is fine */

struct plan_reader {
    FILE *stream;
    struct arena *arena; /* of the head */
    struct buf line;
    struct str name; /* of the file, for errors */
    int64_t line_no;
    struct plan_head head;
};
/* Checks the whole file first. ERR_NOT_FOUND, ERR_DENIED; ERR_INVALID "planUnreadable" (no plan at
 * all), "planFormat" (of another usher), "planEdited"; err->place names the line. The second form
 * takes the stream over. */
MUST_USE bool plan_reader_open(struct plan_reader *r, const char *path, struct err *err);
MUST_USE bool plan_reader_open_stream(struct plan_reader *r, FILE *stream, const char *name,
                                      struct err *err);
/* The next row, texts in a; *out_row is false at the end. */
MUST_USE bool plan_reader_next(struct plan_reader *r, struct arena *a, struct plan_row *out,
                               bool *out_row, struct err *err);
MUST_USE bool plan_reader_rewind(struct plan_reader *r, struct err *err); /* to the first row */
/* Where the next row begins, and back to it. */
struct plan_place {
    int64_t line_no, offset;
};
MUST_USE bool plan_reader_tell(struct plan_reader *r, struct plan_place *out, struct err *err);
MUST_USE bool plan_reader_seek(struct plan_reader *r, struct plan_place place, struct err *err);
void plan_reader_close(struct plan_reader *r); /* for CLEANUP, zeroed is fine */

/* One line each way. */
struct json *plan_row_json(struct arena *a, const struct plan_row *row);
MUST_USE bool plan_row_parse(struct arena *a, struct str line, struct plan_row *out,
                             struct err *err);
struct json *plan_head_json(struct arena *a, const struct plan_head *head);
MUST_USE bool plan_head_parse(struct arena *a, struct str line, struct plan_head *out,
                              struct err *err);

/* What the source says of an object, as a short text that differs when it says something else. */
struct source_entry;
struct str plan_source_version(struct arena *a, const struct source_entry *e);
/* The same of what was last exported. */
struct str plan_target_version(struct arena *a, struct str exported);
