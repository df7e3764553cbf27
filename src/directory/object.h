/* Reading people and groups: by id, by what WHO may mean, in pages. An object is one row with its
 * attributes as a JSON document; reading takes no transaction and no lock. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "db/db.h"
#include "mapping/attributes.h"

#define DIRECTORY_USERS  (1u << SOURCE_USER)
#define DIRECTORY_GROUPS (1u << SOURCE_GROUP)
#define DIRECTORY_ANY    (DIRECTORY_USERS | DIRECTORY_GROUPS)

struct directory_object {
    struct str id;
    enum source_kind kind;
    int64_t deleted_us;      /* when it went to the recycle bin; 0: it is not there */
    int64_t version;         /* position in the feed of its latest own change */
    struct json *attributes; /* by first spelling, objectId included; references as ids */
    struct str doc;          /* the same as text, as stored */
};

struct str directory_object_name(const struct directory_object *o); /* displayName */
struct str directory_object_upn(const struct directory_object *o);  /* empty for a group */
bool directory_object_enabled(const struct directory_object *o);    /* a group always is */

/* Everything of the results lives in a. */
MUST_USE bool directory_load(struct db *db, struct arena *a, struct str id,
                             struct directory_object *out, bool *out_found, struct err *err);

/* Several at once, in the order of ids; those that are not there are left out. out has room for
 * count. One statement for each 50. */
MUST_USE bool directory_load_many(struct db *db, struct arena *a, const struct str *ids,
                                  size_t count, struct directory_object *out, size_t *out_count,
                                  struct err *err);

/* Whether the id was hard-deleted, and what it was. */
MUST_USE bool directory_was_removed(struct db *db, struct str id, enum source_kind *out_kind,
                                    bool *out_removed, struct err *err);

/* What WHO means: id, userPrincipalName, mail, employeeId or display name, the first of these that
 * anybody has; among those who are not deleted first, then in the recycle bin. kinds: DIRECTORY_...
 * ERR_NOT_FOUND "objectNotFound"; ERR_CONFLICT "ambiguousName" naming the candidates. */
MUST_USE bool directory_find(struct db *db, struct arena *a, struct str who, unsigned kinds,
                             struct directory_object *out, struct err *err);

/* A person or group as one writes it in a file: id, userPrincipalName or employeeId (groups: id or
 * display name). Live ones only. ERR_CONFLICT "ambiguousName". */
MUST_USE bool directory_resolve(struct db *db, struct arena *a, struct str text, unsigned kinds,
                                struct str *out_id, bool *out_found, struct err *err);

/* The object that an import row means: by id, else by userPrincipalName (groups: display name);
 * live ones before those in the recycle bin, of which the one deleted last. ERR_CONFLICT
 * "ambiguousName" when several groups have the name. */
MUST_USE bool directory_match(struct db *db, struct arena *a, enum source_kind kind, struct str id,
                              struct str name, struct directory_object *out, bool *out_found,
                              struct err *err);

enum directory_bin { DIRECTORY_LIVE, DIRECTORY_DELETED, DIRECTORY_LIVE_AND_DELETED };

/* A page in id order after `after` (empty: from the start). *out has as many as *out_count says; it
 * is the last page when that is less than limit. */
MUST_USE bool directory_list(struct db *db, struct arena *a, enum source_kind kind,
                             enum directory_bin bin, struct str after, size_t limit,
                             struct directory_object **out, size_t *out_count, struct err *err);

/* The people who report to somebody, ids in id order. */
MUST_USE bool directory_reports(struct db *db, struct arena *a, struct str manager_id,
                                struct str after, size_t limit, struct str **out_ids,
                                size_t *out_count, struct err *err);

/* How many there are; exact, at the cost of one row. */
struct directory_counts {
    int64_t live[SOURCE_KIND_COUNT];
    int64_t deleted[SOURCE_KIND_COUNT];
};
MUST_USE bool directory_count(struct db *db, struct directory_counts *out, struct err *err);

/* The domain that most userPrincipalNames have, of those who are not guests; told from a sample of
 * the people, which is in the order of their ids. Empty when there is nobody. */
MUST_USE bool directory_default_domain(struct db *db, struct arena *a, struct str *out,
                                       struct err *err);

extern const struct db_query directory_object_queries[];
extern const size_t directory_object_query_count;
