#include "connector/directory/nested.h"

#include "base/map.h"

enum query { Q_BELOW, Q_ROLES_ABOVE };

#define SHOWN(id) "NOT EXISTS (SELECT 1 FROM directory_hidden_group h WHERE h.id = " id ")"

const struct db_query directory_nested_queries[] = {
    [Q_BELOW] = {"source_groups_below",
                 "WITH RECURSIVE below(id) AS (SELECT CAST($1 AS TEXT)"
                 " UNION SELECT n.member_id FROM directory_nested_group n"
                 "   JOIN below ON n.group_id = below.id WHERE " SHOWN(
                     "n.member_id") ")"
                                    " SELECT id FROM below WHERE id > $2 ORDER BY id LIMIT $3"},
    [Q_ROLES_ABOVE] =
        {"source_roles_above",
         "WITH RECURSIVE above(id) AS ("
         "SELECT n.group_id FROM directory_nested_group n"
         " WHERE n.member_id = $2 AND " SHOWN(
             "n.group_id") " UNION SELECT n.group_id FROM directory_nested_group n"
                           "   JOIN above ON n.member_id = above.id WHERE " SHOWN(
                               "n.group_id") ")"
                                             " SELECT a.role_id, a.role_value, a.role_name FROM above"
                                             "   JOIN directory_assignment a"
                                             "     ON a.app_id = $1 AND a.principal_id = above.id"
                                             " ORDER BY a.created_us, a.role_id"},
};
const size_t directory_nested_query_count = ARRAY_LEN(directory_nested_queries);

bool nested_below(struct db *db, struct str group_id, struct str after, size_t limit,
                  struct arena *a, struct str **out, size_t *out_count, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct str *ids = ARENA_ARRAY(a, struct str, limit);
    size_t count = 0;
    bool row;

    if (!db_select(db, &directory_nested_queries[Q_BELOW],
                   DB_ARGS(db_text(group_id), db_text(after), db_int((int64_t)limit)), &st, err))
        return false;
    while (count < limit) {
        if (!db_step(st, &row, err))
            return false;
        if (!row)
            break;
        ids[count++] = arena_str(a, db_col_text(st, 0));
    }
    *out = ids;
    *out_count = count;
    return true;
}

static bool has_role(const struct json *list, struct str id)
{
    JSON_EACH(role, list)
    {
        if (str_eq(json_get_text(role, "id"), id))
            return true;
    }
    return false;
}

/* The roles in which the groups around a group are assigned, as appRoleAssignments has them. */
static bool roles_above(struct db *db, struct str app_id, struct str group_id, struct arena *a,
                        struct json **out, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct json *list = json_new(a, JSON_ARRAY);
    bool row;

    if (!db_select(db, &directory_nested_queries[Q_ROLES_ABOVE],
                   DB_ARGS(db_text(app_id), db_text(group_id)), &st, err))
        return false;
    for (;;) {
        struct json *role;

        if (!db_step(st, &row, err))
            return false;
        if (!row)
            break;
        if (has_role(list, db_col_text(st, 0)))
            continue;
        role = json_new(a, JSON_OBJECT);
        json_add_str(a, role, "id", arena_str(a, db_col_text(st, 0)));
        if (db_col_text(st, 1).len > 0)
            json_add_str(a, role, "value", arena_str(a, db_col_text(st, 1)));
        if (db_col_text(st, 2).len > 0)
            json_add_str(a, role, "displayName", arena_str(a, db_col_text(st, 2)));
        json_append(list, role);
    }
    *out = list;
    return true;
}

static void add_roles(const struct directory_object *o, struct source_entry *entry,
                      const struct json *roles, struct arena *a)
{
    struct json *own = json_get(o->attributes, STR("appRoleAssignments"));

    JSON_EACH(role, roles)
    {
        entry->assigned = true;
        if (!own) {
            own = json_new(a, JSON_ARRAY);
            json_add(a, o->attributes, STR("appRoleAssignments"), own);
        }
        if (!has_role(own, json_get_text(role, "id")))
            json_append(own, json_clone(a, role));
    }
}

/* A page has few groups among many people: each is asked about once. */
static bool extend(struct db *db, struct str app_id, const struct directory_object *o,
                   struct source_entry *entry, struct map *known, struct arena *a, struct err *err)
{
    JSON_EACH(group, json_get(o->attributes, STR("memberOf")))
    {
        struct json *roles = map_get(known, group->text);

        if (!roles) {
            if (!roles_above(db, app_id, group->text, a, &roles, err))
                return false;
            (void)map_put(known, group->text, roles);
        }
        add_roles(o, entry, roles, a);
    }
    return true;
}

bool nested_extend(struct db *db, struct str app_id, const struct directory_object *objects,
                   struct source_entry *entries, size_t count, struct arena *a, struct err *err)
{
    CLEANUP(map_done) struct map known;

    map_init(&known);
    for (size_t i = 0; i < count; i++) {
        if (!extend(db, app_id, &objects[i], &entries[i], &known, a, err))
            return false;
    }
    return true;
}
