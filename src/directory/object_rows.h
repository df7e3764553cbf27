/* The rows of people and groups, and all SQL that reads them: for object.c and find.c. */
#pragma once

#include "directory/object.h"

enum object_query {
    OBJECT_Q_LOAD,
    OBJECT_Q_LOAD_MANY,
    OBJECT_Q_TOMBSTONE,
    OBJECT_Q_UPN,
    OBJECT_Q_UPN_DELETED,
    OBJECT_Q_MAIL,
    OBJECT_Q_EMPLOYEE,
    OBJECT_Q_NAME,
    OBJECT_Q_RESOLVE,
    OBJECT_Q_MATCH,
    OBJECT_Q_USERS,
    OBJECT_Q_GROUPS,
    OBJECT_Q_USERS_LIVE,
    OBJECT_Q_GROUPS_LIVE,
    OBJECT_Q_DELETED,
    OBJECT_Q_REPORTS,
    OBJECT_Q_COUNT,
    OBJECT_Q_DOMAINS,
};

static inline const struct db_query *object_query(enum object_query q)
{
    return &directory_object_queries[q];
}

/* The object that st stands on, a row of one of the statements that read whole objects. */
MUST_USE bool object_row_read(struct db_stmt *st, struct arena *a, struct directory_object *out,
                              struct err *err);
