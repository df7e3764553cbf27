/* Connections: the durable pairs of source object and target account, with the values last exported
 * (engine.md 1, 3.6). */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "db/db.h"
#include "job/reference.h"
#include "mapping/attributes.h"

enum connection_origin {
    CONNECTION_CREATED,
    CONNECTION_MATCHED,
    CONNECTION_MANUAL, /* by an administrator */
    CONNECTION_ORIGIN_COUNT
};
const char *connection_origin_name(enum connection_origin o); /* "created", "matched", "manual" */

struct connection {
    struct str source_id;
    enum source_kind kind;
    struct str target_id;
    struct str display_name;
    enum connection_origin origin;
    bool soft_deleted;   /* IsSoftDeleted as last exported */
    struct str exported; /* JSON: flat {target attribute: value} as last exported */
    int64_t created_us;
    int64_t changed_us;
};

/* *out_found tells whether there is one. */
MUST_USE bool connection_load(struct db *db, struct arena *a, int64_t job_no, struct str source_id,
                              struct connection *out, bool *out_found, struct err *err);
MUST_USE bool connection_find_target(struct db *db, struct arena *a, int64_t job_no,
                                     struct str target_id, struct connection *out, bool *out_found,
                                     struct err *err);
/* Those with from <= source_id <= to, in id order, at most limit: for merging with a page of source
 * objects. */
MUST_USE bool connection_range(struct db *db, struct arena *a, int64_t job_no, struct str from,
                               struct str to, size_t limit, struct connection **out,
                               size_t *out_count, struct err *err);
/* Only the target id, without the rest of the row: for resolving references. Empty: not connected.
 */
MUST_USE bool connection_account(struct db *db, struct arena *a, int64_t job_no,
                                 struct str source_id, struct str *out_target_id, struct err *err);
/* In id order after `after` (empty: from the start), of one kind. */
MUST_USE bool connection_page(struct db *db, struct arena *a, int64_t job_no, enum source_kind kind,
                              struct str after, size_t limit, struct connection **out,
                              size_t *out_count, struct err *err);
/* Inserts or updates. *out_new tells which. ERR_CONFLICT "targetTaken" when another source object
 * of the job has that target id. */
MUST_USE bool connection_save(struct db *db, int64_t job_no, const struct connection *c,
                              bool *out_new, struct err *err);
/* The same for many of one transaction, which connection_count_added ends: the new ones are counted
 * together. */
MUST_USE bool connection_save_many(struct db *db, int64_t job_no, const struct connection *c,
                                   int64_t added[SOURCE_KIND_COUNT], struct err *err);
MUST_USE bool connection_count_added(struct db *db, int64_t job_no,
                                     const int64_t added[SOURCE_KIND_COUNT], struct err *err);
/* With it goes what was exported of its references and what they owe. Who names the object is told
 * before by references_owe. */
MUST_USE bool connection_remove(struct db *db, int64_t job_no, struct str source_id,
                                bool *out_removed, struct err *err);
MUST_USE bool connection_clear(struct db *db, int64_t job_no, struct err *err); /* Full restart */
MUST_USE bool connection_count(struct db *db, int64_t job_no, enum source_kind kind, int64_t *out,
                               struct err *err);
