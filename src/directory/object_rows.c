#include "directory/object_rows.h"

#define COLUMNS "id, kind, deleted_us, version, doc"

const struct db_query directory_object_queries[] = {
    [OBJECT_Q_LOAD] = {"directory_load", "SELECT " COLUMNS " FROM directory_object WHERE id = $1"},
    [OBJECT_Q_LOAD_MANY] =
        {"directory_load_many",
         "SELECT " COLUMNS " FROM directory_object"
         " WHERE id IN ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,"
         " $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29,"
         " $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43, $44,"
         " $45, $46, $47, $48, $49, $50)"},
    [OBJECT_Q_TOMBSTONE] = {"directory_tombstone",
                            "SELECT kind FROM directory_tombstone WHERE id = $1"},
    [OBJECT_Q_UPN] = {"directory_find_upn",
                      "SELECT " COLUMNS " FROM directory_object"
                      " WHERE upn_key = $1 AND deleted_us IS NULL AND kind >= $2 AND kind <= $3"},
    [OBJECT_Q_UPN_DELETED] = {"directory_find_upn_deleted",
                              "SELECT " COLUMNS " FROM directory_object"
                              " WHERE upn_key = $1 AND deleted_us IS NOT NULL AND kind >= $2"
                              " AND kind <= $3 ORDER BY deleted_us DESC LIMIT 6"},
    [OBJECT_Q_MAIL] = {"directory_find_mail", "SELECT " COLUMNS " FROM directory_object"
                                              " WHERE mail_key = $1 AND kind >= $2 AND kind <= $3"
                                              " AND (deleted_us IS NOT NULL) = $4 LIMIT 6"},
    [OBJECT_Q_EMPLOYEE] = {"directory_find_employee",
                           "SELECT " COLUMNS " FROM directory_object"
                           " WHERE employee_id = $1 AND kind >= $2 AND kind <= $3"
                           " AND (deleted_us IS NOT NULL) = $4 LIMIT 6"},
    [OBJECT_Q_NAME] = {"directory_find_name", "SELECT " COLUMNS " FROM directory_object"
                                              " WHERE name_key = $1 AND kind >= $2 AND kind <= $3"
                                              " AND (deleted_us IS NOT NULL) = $4 LIMIT 6"},
    /* What a reference in a file means, in one question: that is what an import asks most. */
    [OBJECT_Q_RESOLVE] = {"directory_resolve",
                          "SELECT id, 1 AS place FROM directory_object WHERE id = $1"
                          " AND deleted_us IS NULL AND kind >= $3 AND kind <= $4"
                          " UNION ALL SELECT id, 2 FROM directory_object WHERE upn_key = $2"
                          " AND deleted_us IS NULL AND kind >= $3 AND kind <= $4"
                          " UNION ALL SELECT id, 3 FROM directory_object WHERE employee_id = $1"
                          " AND deleted_us IS NULL AND kind >= $3 AND kind <= $4"
                          " ORDER BY 2 LIMIT 6"},
    [OBJECT_Q_MATCH] = {"directory_match", "SELECT " COLUMNS " FROM directory_object"
                                           " WHERE upn_key = $1 AND deleted_us IS NULL"
                                           " UNION ALL SELECT " COLUMNS " FROM (SELECT " COLUMNS
                                           " FROM directory_object"
                                           " WHERE upn_key = $1 AND deleted_us IS NOT NULL"
                                           " ORDER BY deleted_us DESC LIMIT 1) AS latest"},
    [OBJECT_Q_USERS] = {"directory_users", "SELECT " COLUMNS " FROM directory_object"
                                           " WHERE id > $1 AND kind = 0 ORDER BY id LIMIT $2"},
    [OBJECT_Q_GROUPS] = {"directory_groups", "SELECT " COLUMNS " FROM directory_object"
                                             " WHERE id > $1 AND kind = 1 ORDER BY id LIMIT $2"},
    [OBJECT_Q_USERS_LIVE] =
        {"directory_users_live",
         "SELECT " COLUMNS " FROM directory_object"
         " WHERE id > $1 AND kind = 0 AND deleted_us IS NULL ORDER BY id LIMIT $2"},
    [OBJECT_Q_GROUPS_LIVE] =
        {"directory_groups_live",
         "SELECT " COLUMNS " FROM directory_object"
         " WHERE id > $1 AND kind = 1 AND deleted_us IS NULL ORDER BY id LIMIT $2"},
    [OBJECT_Q_DELETED] =
        {"directory_deleted",
         "SELECT " COLUMNS " FROM directory_object"
         " WHERE id > $1 AND deleted_us IS NOT NULL AND kind = $3 ORDER BY id LIMIT $2"},
    [OBJECT_Q_REPORTS] = {"directory_reports",
                          "SELECT id FROM directory_object"
                          " WHERE manager_id = $1 AND id > $2 ORDER BY id LIMIT $3"},
    [OBJECT_Q_COUNT] = {"directory_count",
                        "SELECT live_users, live_groups, deleted_users, deleted_groups"
                        " FROM directory_feed WHERE one = 1"},
    [OBJECT_Q_DOMAINS] = {"directory_domains",
                          "SELECT upn_key FROM directory_object WHERE id > '' AND kind = 0"
                          " AND deleted_us IS NULL ORDER BY id LIMIT 1000"},
};
const size_t directory_object_query_count = ARRAY_LEN(directory_object_queries);

bool object_row_read(struct db_stmt *st, struct arena *a, struct directory_object *out,
                     struct err *err)
{
    struct directory_object o = {
        .id = arena_str(a, db_col_text(st, 0)),
        .kind = (enum source_kind)db_col_int(st, 1),
        .deleted_us = db_col_int(st, 2),
        .version = db_col_int(st, 3),
        .doc = arena_str(a, db_col_text(st, 4)),
    };

    if (!json_parse(a, o.doc, NULL, &o.attributes, NULL, err))
        return err_wrap(err, "stored attributes of '%.*s'", STR_ARG(o.id));
    *out = o;
    return true;
}
