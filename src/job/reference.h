/* References of connected objects: what was exported of them, what waits for an account, and what
 * is owed (engine.md 7). All by source ids; nothing here reads or writes more than the rows it is
 * about, through an index. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "db/db.h"

/* --- Members of provisioned groups as last exported. --- */

/* In id order after `after`, at most limit. */
MUST_USE bool exported_members(struct db *db, struct arena *a, int64_t job_no, struct str group_id,
                               struct str after, size_t limit, struct str **out, size_t *out_count,
                               struct err *err);
/* Their accounts, the first `limit` of them. */
MUST_USE bool exported_member_accounts(struct db *db, struct arena *a, int64_t job_no,
                                       struct str group_id, size_t limit, struct str **out,
                                       size_t *out_count, struct err *err);
MUST_USE bool exported_member_has(struct db *db, int64_t job_no, struct str group_id,
                                  struct str member_id, bool *out, struct err *err);
MUST_USE bool exported_member_set(struct db *db, int64_t job_no, struct str group_id,
                                  struct str member_id, bool present, struct err *err);

/* --- Whom other references of an object name, as last exported: the index by which the owners are
 * found when the account of the named one is another. --- */

MUST_USE bool exported_reference_set(struct db *db, int64_t job_no, struct str owner_id,
                                     struct str attribute, const struct str *named, size_t count,
                                     struct err *err);
MUST_USE bool exported_reference_has(struct db *db, int64_t job_no, struct str owner_id,
                                     struct str attribute, struct str named_id, bool *out,
                                     struct err *err);

/* --- References that wait for an object to be connected: missing source id -> owner and target
 * attribute. --- */

struct pending_reference {
    struct str missing_id;
    struct str owner_id;
    struct str attribute;
};
MUST_USE bool pending_reference_add(struct db *db, int64_t job_no,
                                    const struct pending_reference *p, struct err *err);
MUST_USE bool pending_reference_list(struct db *db, struct arena *a, int64_t job_no,
                                     struct str missing_id, struct pending_reference **out,
                                     size_t *out_count,
                                     struct err *err); /* lists, does not remove */
MUST_USE bool pending_reference_remove(struct db *db, int64_t job_no,
                                       const struct pending_reference *p, struct err *err);
/* All that one attribute of an owner waits for; an empty attribute: all that the owner waits for.
 */
MUST_USE bool pending_reference_clear(struct db *db, int64_t job_no, struct str owner_id,
                                      struct str attribute, struct err *err);
/* Whether an attribute of an owner waits for anybody. */
MUST_USE bool pending_reference_waits(struct db *db, int64_t job_no, struct str owner_id,
                                      struct str attribute, bool *out, struct err *err);
MUST_USE bool pending_reference_count(struct db *db, int64_t job_no, int64_t *out, struct err *err);

/* --- References that are owed: looked at in the next second pass, whatever changed. --- */

struct owed_reference {
    struct str owner_id;
    struct str named_id;  /* empty: all references of the owner */
    struct str target_id; /* an account that is gone and leaves the group; or empty */
    bool forced;          /* a membership is sent even if it was exported already */
    bool parked;          /* waits for the owner's place in the retry queue */
};
/* Inserts or joins with what is owed already: a target id stays, forced stays; parked is as given.
 */
MUST_USE bool owed_reference_add(struct db *db, int64_t job_no, const struct owed_reference *o,
                                 struct err *err);
MUST_USE bool owed_reference_remove(struct db *db, int64_t job_no, struct str owner_id,
                                    struct str named_id, struct err *err);
/* Those of an owner that wait for the retry queue. */
MUST_USE bool owed_reference_remove_parked(struct db *db, int64_t job_no, struct str owner_id,
                                           struct err *err);
/* Not parked ones in order of owner and named, after those given; at most limit. */
MUST_USE bool owed_reference_page(struct db *db, struct arena *a, int64_t job_no,
                                  struct str after_owner, struct str after_named, size_t limit,
                                  struct owed_reference **out, size_t *out_count, struct err *err);
/* Parked ones of an owner; at most limit. */
MUST_USE bool owed_reference_parked(struct db *db, struct arena *a, int64_t job_no,
                                    struct str owner_id, size_t limit, struct owed_reference **out,
                                    size_t *out_count, struct err *err);
/* Not parked ones that an object has or that name it; at most limit. */
MUST_USE bool owed_reference_about(struct db *db, struct arena *a, int64_t job_no, struct str id,
                                   size_t limit, struct owed_reference **out, size_t *out_count,
                                   struct err *err);

/* --- What happens to an object, for those who name it. --- */

/* Its account goes: it leaves the groups that it was exported into, and who names it is looked at
 * again. Before connection_remove. */
MUST_USE bool references_owe(struct db *db, int64_t job_no, struct str source_id, struct err *err);
/* It has an account now: who waits for it is owed. */
MUST_USE bool references_arrived(struct db *db, int64_t job_no, struct str source_id,
                                 struct err *err);
/* It came back: its exported memberships are sent again (engine.md 6.4). */
MUST_USE bool references_reassert(struct db *db, int64_t job_no, struct str source_id,
                                  struct err *err);
/* All members of a connected group, or with an empty id of all of them, are sent again.
 * *out_groups: how many groups. */
MUST_USE bool references_reassert_group(struct db *db, int64_t job_no, struct str group_id,
                                        int64_t *out_groups, struct err *err);
/* The object has no connection any more: nothing that it names is known. Part of
 * connection_remove. */
MUST_USE bool references_forget(struct db *db, int64_t job_no, struct str source_id,
                                struct err *err);
/* Of a job whose connections are cleared. Part of connection_clear. */
MUST_USE bool references_clear(struct db *db, int64_t job_no, struct err *err);
