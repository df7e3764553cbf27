/* Who is assigned to which application, in which role (engine.md 5.2, 5.3). An application is known
 * by its id only. */
#pragma once

#include "directory/write.h"

/* The role of an assignment that names none: default access. */
#define DIRECTORY_DEFAULT_ROLE STR("00000000-0000-0000-0000-000000000000")

struct directory_role {
    struct str id;    /* empty: DIRECTORY_DEFAULT_ROLE */
    struct str value; /* as the application knows it; may be empty */
    struct str name;  /* for people; may be empty */
};

struct directory_assignment {
    struct str app_id;
    struct str principal_id;
    enum source_kind kind;
    struct directory_role role;
    int64_t created_us;
};

/* *out_changed is false when the principal has that role already, with the same value and name.
 * ERR_INVALID "notSecurityEnabled" for a group whose securityEnabled is false (engine.md 3.2). */
MUST_USE bool directory_assign(struct directory_tx *tx, struct str app_id,
                               const struct directory_object *principal,
                               const struct directory_role *role, bool *out_changed,
                               struct err *err);
/* role_id empty: every role of the principal. */
MUST_USE bool directory_unassign(struct directory_tx *tx, struct str app_id,
                                 struct str principal_id, struct str role_id, bool *out_changed,
                                 struct err *err);
/* Everything an object was assigned to; it goes for good. */
MUST_USE bool directory_unassign_all(struct directory_tx *tx, struct str principal_id,
                                     struct err *err);

/* A page by principal and role, after (principal, role). */
MUST_USE bool directory_assignments(struct db *db, struct arena *a, struct str app_id,
                                    struct str after_principal, struct str after_role, size_t limit,
                                    struct directory_assignment **out, size_t *out_count,
                                    struct err *err);

/* Is the principal itself assigned? */
MUST_USE bool directory_is_assigned(struct db *db, struct str app_id, struct str principal_id,
                                    bool *out, struct err *err);

/* About how many objects of a kind are assigned, directly or as members; members of several groups
 * count for each. Costs what is assigned. */
MUST_USE bool directory_assigned_count(struct db *db, struct str app_id, enum source_kind kind,
                                       int64_t *out, struct err *err);

extern const struct db_query directory_assignment_queries[];
extern const size_t directory_assignment_query_count;
