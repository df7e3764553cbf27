/* Every SQL statement of the provider, in one table. Internal to provider/. */
#pragma once

#include "db/db.h"

enum provider_statement {
    PROVIDER_TENANT_ADD,
    PROVIDER_TENANT_LOAD,
    PROVIDER_TENANT_LIST,
    PROVIDER_TENANT_REMOVE,
    PROVIDER_TENANT_CLEAR_MEMBERS,
    PROVIDER_TENANT_CLEAR_EMAILS,
    PROVIDER_TENANT_CLEAR_RESOURCES,
    PROVIDER_TENANT_CLEAR_KEYS,
    PROVIDER_KEY_ADD,
    PROVIDER_KEY_LIST,
    PROVIDER_KEY_REMOVE,
    PROVIDER_KEY_FIND,
    PROVIDER_KEY_USED,

    PROVIDER_INSERT,
    PROVIDER_LOAD,
    PROVIDER_UPDATE,
    PROVIDER_UPDATE_DOC,
    PROVIDER_DELETE,
    PROVIDER_TOUCH,
    PROVIDER_COUNT,
    PROVIDER_DISPLAY_NAME,

    PROVIDER_EMAIL_ADD,
    PROVIDER_EMAIL_REMOVE,

    /* Pages of candidates, all with the same columns and the position in $last-2, $last-1. */
    PROVIDER_PAGE,
    PROVIDER_PAGE_OFFSET,
    PROVIDER_BY_ID,
    PROVIDER_BY_UNIQUE,
    PROVIDER_BY_EXTERNAL,
    PROVIDER_BY_DISPLAY,
    PROVIDER_BY_EMAIL,
    PROVIDER_BY_MEMBER,
    PROVIDER_BY_GROUP,

    PROVIDER_MEMBER_ADD,
    PROVIDER_MEMBER_REMOVE,
    PROVIDER_MEMBER_CLEAR,
    PROVIDER_MEMBER_LIST,
    PROVIDER_MEMBER_IDS,
    PROVIDER_MEMBER_LEAVE,
    PROVIDER_MEMBER_LEAVING,
    PROVIDER_GROUPS_OF,
    PROVIDER_EXISTS,

    PROVIDER_STATEMENT_COUNT
};

extern const struct db_query provider_queries[PROVIDER_STATEMENT_COUNT]; /* for db_check */

static inline const struct db_query *provider_query(enum provider_statement s)
{
    return &provider_queries[s];
}
