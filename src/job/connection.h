/* Connections: the durable pairs of source object and target account, with the values last exported
 * (engine.md 1, 3.6). */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "db/db.h"
#include "mapping/attributes.h"

enum connection_origin { CONNECTION_CREATED, CONNECTION_MATCHED, CONNECTION_MANUAL };

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
/* In id order after `after` (empty: from the start), of one kind. */
MUST_USE bool connection_page(struct db *db, struct arena *a, int64_t job_no, enum source_kind kind,
                              struct str after, size_t limit, struct connection **out,
                              size_t *out_count, struct err *err);
/* Inserts or updates. *out_new tells which. ERR_CONFLICT "targetTaken" when another source object
 * of the job has that target id. */
MUST_USE bool connection_save(struct db *db, int64_t job_no, const struct connection *c,
                              bool *out_new, struct err *err);
MUST_USE bool connection_remove(struct db *db, int64_t job_no, struct str source_id,
                                bool *out_removed, struct err *err);
MUST_USE bool connection_clear(struct db *db, int64_t job_no, struct err *err); /* Full restart */
MUST_USE bool connection_count(struct db *db, int64_t job_no, enum source_kind kind, int64_t *out,
                               struct err *err);

/* Members of provisioned groups as last exported, by source ids. */
MUST_USE bool exported_members(struct db *db, struct arena *a, int64_t job_no, struct str group_id,
                               struct str after, size_t limit, struct str **out, size_t *out_count,
                               struct err *err);
MUST_USE bool exported_member_has(struct db *db, int64_t job_no, struct str group_id,
                                  struct str member_id, bool *out, struct err *err);
MUST_USE bool exported_member_set(struct db *db, int64_t job_no, struct str group_id,
                                  struct str member_id, bool present, struct err *err);

/* References that wait for an object to be connected: missing source id -> owner and target
 * attribute. */
struct pending_reference {
    struct str missing_id;
    struct str owner_id;
    struct str attribute;
};
MUST_USE bool pending_reference_add(struct db *db, int64_t job_no,
                                    const struct pending_reference *p, struct err *err);
/* The groups that an object was exported as a member of wait for it: its account is gone, and a new
 * one is to come back into them. Before connection_remove. */
MUST_USE bool pending_reference_owe(struct db *db, int64_t job_no, struct str member_id,
                                    struct err *err);
MUST_USE bool pending_reference_list(struct db *db, struct arena *a, int64_t job_no,
                                     struct str missing_id, struct pending_reference **out,
                                     size_t *out_count,
                                     struct err *err); /* lists, does not remove */
MUST_USE bool pending_reference_remove(struct db *db, int64_t job_no,
                                       const struct pending_reference *p, struct err *err);
