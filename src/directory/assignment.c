#include "directory/assignment.h"

#include "directory/feed.h"

enum query { Q_ADD, Q_REMOVE, Q_REMOVE_ALL, Q_FORGET, Q_LIST, Q_IS, Q_DIRECT, Q_MEMBERS };

const struct db_query directory_assignment_queries[] = {
    [Q_ADD] = {"directory_assign",
               "INSERT INTO directory_assignment (app_id, principal_id, role_id, role_value,"
               " role_name, kind, created_us) VALUES ($1, $2, $3, $4, $5, $6, $7)"
               " ON CONFLICT (app_id, principal_id, role_id) DO UPDATE"
               " SET role_value = excluded.role_value, role_name = excluded.role_name"
               " WHERE directory_assignment.role_value <> excluded.role_value"
               "    OR directory_assignment.role_name <> excluded.role_name"},
    [Q_REMOVE] = {"directory_unassign",
                  "DELETE FROM directory_assignment"
                  " WHERE app_id = $1 AND principal_id = $2 AND role_id = $3"},
    [Q_REMOVE_ALL] = {"directory_unassign_roles",
                      "DELETE FROM directory_assignment WHERE app_id = $1 AND principal_id = $2"},
    [Q_FORGET] = {"directory_unassign_all",
                  "DELETE FROM directory_assignment WHERE principal_id = $1"},
    [Q_LIST] = {"directory_assignments",
                "SELECT app_id, principal_id, kind, role_id, role_value, role_name, created_us"
                "  FROM directory_assignment"
                " WHERE app_id = $1 AND (principal_id, role_id) > ($2, $3)"
                " ORDER BY principal_id, role_id LIMIT $4"},
    [Q_IS] = {"directory_is_assigned", "SELECT 1 FROM directory_assignment"
                                       " WHERE app_id = $1 AND principal_id = $2 LIMIT 1"},
    [Q_DIRECT] = {"directory_assigned_direct", "SELECT count(*) FROM directory_assignment"
                                               " WHERE app_id = $1 AND kind = $2"},
    [Q_MEMBERS] = {"directory_assigned_members",
                   "SELECT count(*) FROM directory_assignment a"
                   "  JOIN directory_membership m ON m.group_id = a.principal_id"
                   " WHERE a.app_id = $1 AND a.kind = 1"},
};
const size_t directory_assignment_query_count = ARRAY_LEN(directory_assignment_queries);

static const struct db_query *query(enum query q)
{
    return &directory_assignment_queries[q];
}

static bool tell(struct directory_tx *tx, struct str app_id, struct str principal_id,
                 struct err *err)
{
    return directory_feed_add(tx, CHANGE_ASSIGNMENT, principal_id, STR(""), app_id, NULL, err);
}

bool directory_assign(struct directory_tx *tx, struct str app_id,
                      const struct directory_object *principal, const struct directory_role *role,
                      bool *out_changed, struct err *err)
{
    struct str role_id = role->id.len ? role->id : DIRECTORY_DEFAULT_ROLE;
    int64_t rows;

    if (principal->kind == SOURCE_GROUP &&
        !json_get_bool(principal->attributes, "securityEnabled", true)) {
        return err_set(err, ERR_INVALID, "notSecurityEnabled",
                       "the group '%.*s' is not security-enabled, and only those can be assigned: "
                       "set its securityEnabled to true, or assign another group",
                       STR_ARG(str_sub(directory_object_name(principal), 0, 100)));
    }
    if (!db_exec(tx->db, query(Q_ADD),
                 DB_ARGS(db_text(app_id), db_text(principal->id), db_text(role_id),
                         db_text(role->value), db_text(role->name), db_int(principal->kind),
                         db_int(tx->now_us)),
                 &rows, err))
        return false;
    if (rows > 0 && !tell(tx, app_id, principal->id, err))
        return false;
    *out_changed = rows > 0;
    return true;
}

bool directory_unassign(struct directory_tx *tx, struct str app_id, struct str principal_id,
                        struct str role_id, bool *out_changed, struct err *err)
{
    struct db_value args[] = {db_text(app_id), db_text(principal_id), db_text(role_id)};
    bool all = role_id.len == 0;
    int64_t rows;

    if (!db_exec(tx->db, query(all ? Q_REMOVE_ALL : Q_REMOVE), (struct db_args){args, all ? 2 : 3},
                 &rows, err))
        return false;
    if (rows > 0 && !tell(tx, app_id, principal_id, err))
        return false;
    *out_changed = rows > 0;
    return true;
}

bool directory_unassign_all(struct directory_tx *tx, struct str principal_id, struct err *err)
{
    /* No change of its own: the removal of the principal is one, and its members are told by their
     * memberships. */
    return db_exec(tx->db, query(Q_FORGET), DB_ARGS(db_text(principal_id)), NULL, err);
}

bool directory_assignments(struct db *db, struct arena *a, struct str app_id,
                           struct str after_principal, struct str after_role, size_t limit,
                           struct directory_assignment **out, size_t *out_count, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct directory_assignment *items = ARENA_ARRAY(a, struct directory_assignment, limit);
    size_t count = 0;
    bool row;

    if (!db_select(db, query(Q_LIST),
                   DB_ARGS(db_text(app_id), db_text(after_principal), db_text(after_role),
                           db_int((int64_t)limit)),
                   &st, err))
        return false;
    while (count < limit) {
        if (!db_step(st, &row, err))
            return false;
        if (!row)
            break;
        items[count++] = (struct directory_assignment){
            .app_id = arena_str(a, db_col_text(st, 0)),
            .principal_id = arena_str(a, db_col_text(st, 1)),
            .kind = (enum source_kind)db_col_int(st, 2),
            .role = {arena_str(a, db_col_text(st, 3)), arena_str(a, db_col_text(st, 4)),
                     arena_str(a, db_col_text(st, 5))},
            .created_us = db_col_int(st, 6),
        };
    }
    *out = items;
    *out_count = count;
    return true;
}

bool directory_is_assigned(struct db *db, struct str app_id, struct str principal_id, bool *out,
                           struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    if (!db_select_one(db, query(Q_IS), DB_ARGS(db_text(app_id), db_text(principal_id)), &st, err))
        return false;
    *out = st != NULL;
    return true;
}

static bool count_of(struct db *db, enum query q, struct db_args args, int64_t *out,
                     struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    if (!db_select_one(db, query(q), args, &st, err))
        return false;
    *out = st ? db_col_int(st, 0) : 0;
    return true;
}

bool directory_assigned_count(struct db *db, struct str app_id, enum source_kind kind, int64_t *out,
                              struct err *err)
{
    int64_t direct;
    int64_t members = 0;

    if (!count_of(db, Q_DIRECT, DB_ARGS(db_text(app_id), db_int(kind)), &direct, err) ||
        (kind == SOURCE_USER && !count_of(db, Q_MEMBERS, DB_ARGS(db_text(app_id)), &members, err)))
        return false;
    *out = direct + members;
    return true;
}
