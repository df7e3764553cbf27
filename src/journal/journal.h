/* The provisioning log: one record for each object that a cycle or an on-demand run dealt with
 * (engine.md 13, graph-api.md 4.2). Records have consecutive numbers within a job, given by
 * cycle_fence in the transaction that writes them. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "db/db.h"
#include "mapping/attributes.h"

enum journal_action {
    ACTION_CREATE,
    ACTION_UPDATE,
    ACTION_DELETE,
    ACTION_DISABLE,
    ACTION_STAGED_DELETE,
    ACTION_OTHER,
    ACTION_COUNT
};
enum journal_status {
    STATUS_SUCCESS,
    STATUS_FAILURE,
    STATUS_SKIPPED,
    STATUS_WARNING,
    STATUS_COUNT
};
const char *journal_action_name(enum journal_action a); /* "create", ... */
const char *journal_status_name(enum journal_status s);
bool journal_action_from_name(struct str name, enum journal_action *out);
bool journal_status_from_name(struct str name, enum journal_status *out);

enum step_type {
    STEP_IMPORT,
    STEP_SCOPING,
    STEP_MATCHING,
    STEP_PROCESSING,
    STEP_REFERENCE,
    STEP_EXPORT,
    STEP_TYPE_COUNT
};
const char *step_type_name(enum step_type t); /* "import", "scoping", "matching", "processing",
                                                 "referenceResolution", "export" */

/* One station's trace of the walk. Kept in the arena of the object. */
struct journal_step {
    enum step_type type;
    const char *name; /* static: "EntryImportAdd", "EntrySynchronizationScoping", ... */
    enum journal_status status;
    struct str description;
    const struct json *details; /* an object of texts, or NULL */
};

struct journal_property {
    struct str name;
    const struct json *before; /* NULL: none */
    const struct json *after;
};

struct journal_record {
    int64_t job_no;
    int64_t no;          /* consecutive within the job */
    struct str cycle_id; /* empty when on demand */
    int64_t at_us;
    int64_t duration_us;
    enum journal_action action;
    enum journal_status status;
    struct str code; /* error code or skip reason; empty when fine */
    struct str message;
    enum source_kind kind;
    struct str source_id, source_name;
    struct str source_login; /* userPrincipalName; empty for a group */
    struct str target_id, target_name;
    struct str initiated_by; /* "system", or who provisioned on demand */
    const struct journal_step *steps;
    size_t step_count;
    const struct journal_property *properties;
    size_t property_count;
};

/* Says of which cycle the records from first_no on are, until the next call: before journal_insert,
 * in the same transaction; cycle_id empty: on demand. Nothing happens when nothing changes. */
MUST_USE bool journal_begin(struct db *db, int64_t job_no, int64_t first_no, struct str cycle_id,
                            struct err *err);
/* What inserting needs besides the database, and the texts of records that are inserted but not yet
 * flushed; one thread at a time. */
struct packer;
struct packer *journal_packer_new(void);
void journal_packer_free(struct packer *p); /* NULL is fine */
/* Records of one transaction, in the order of their numbers, then journal_flush before its commit:
 * until then their texts are not readable. */
MUST_USE bool journal_insert(struct db *db, struct packer *packer, const struct journal_record *r,
                             struct err *err);
MUST_USE bool journal_flush(struct db *db, struct packer *packer, struct err *err);
/* After a transaction that was undone: what was not flushed is not to be written. */
void journal_forget(struct packer *packer);

struct journal_query { /* zero: no restriction */
    struct str who;    /* name, userPrincipalName or id on either side, any case; a part of a name,
                        * or eight characters of an id from its start, are enough */
    struct str source_id; /* exactly this object; then who is not looked at */
    struct str cycle_id;
    struct str code; /* any case, with or without the connector's prefix */
    bool by_action, by_status, by_kind;
    enum source_kind kind;
    enum journal_action action;
    enum journal_status status;
    int64_t from_us, to_us;
    int64_t after_no;  /* only numbers above */
    int64_t before_no; /* paging: only numbers below; 0: from the newest */
    size_t limit;      /* 0: 100 */
};
/* Newest first. Steps and properties included. */
MUST_USE bool journal_list(struct db *db, struct arena *a, int64_t job_no,
                           const struct journal_query *q, struct journal_record **out,
                           size_t *out_count, struct err *err);
/* One record; *out_found is false when there is none (any more). */
MUST_USE bool journal_load(struct db *db, struct arena *a, int64_t job_no, int64_t no,
                           struct journal_record *out, bool *out_found, struct err *err);
/* The number of the first record that is not older; the number after the last when there is none.
 */
MUST_USE bool journal_first_not_before(struct db *db, int64_t job_no, int64_t at_us, int64_t *out,
                                       struct err *err);
/* The id of a record in the form of a UUID, made from its numbers; and the numbers from the id,
 * false when it cannot be one. */
struct str journal_record_id(struct arena *a, int64_t job_no, int64_t no);
bool journal_record_numbers(struct str id, int64_t *out_job_no, int64_t *out_no);
/* The record as JSON in the form of graph-api.md 4.2 as far as this module knows it. */
struct json *journal_to_json(struct arena *a, const struct journal_record *r);
