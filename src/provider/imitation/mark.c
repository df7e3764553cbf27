#include "provider/imitation/mark.h"

#include "provider/internal.h"
#include "provider/tenant.h"

bool mark_set(struct db *db, int64_t tenant_no, struct str user_id, enum provider_mark mark,
              int64_t until_us, struct err *err)
{
    return db_exec(db, provider_query(PROVIDER_MARK_SET),
                   DB_ARGS(db_int(tenant_no), db_text(user_id), db_int(mark),
                           until_us ? db_int(until_us) : db_null()),
                   NULL, err);
}

bool mark_clear(struct db *db, int64_t tenant_no, struct str user_id, enum provider_mark mark,
                struct err *err)
{
    return db_exec(db, provider_query(PROVIDER_MARK_CLEAR),
                   DB_ARGS(db_int(tenant_no), db_text(user_id), db_int(mark)), NULL, err);
}

bool mark_is_set(struct db *db, int64_t tenant_no, struct str user_id, enum provider_mark mark,
                 int64_t now_us, bool *out, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    if (!db_select_one(db, provider_query(PROVIDER_MARK_FIND),
                       DB_ARGS(db_int(tenant_no), db_text(user_id), db_int(mark)), &st, err))
        return false;
    *out = st && (db_col_is_null(st, 0) || db_col_int(st, 0) > now_us);
    return true;
}

bool mark_forget(struct db *db, int64_t tenant_no, struct str user_id, struct err *err)
{
    return db_exec(db, provider_query(PROVIDER_MARK_FORGET),
                   DB_ARGS(db_int(tenant_no), db_text(user_id)), NULL, err);
}

bool provider_mark_user(struct db *db, struct str tenant, struct str name,
                        enum provider_marking what, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct provider_tenant owner;
    struct str id;

    if (!provider_tenant_load(db, a, tenant, &owner, err) ||
        !store_find_user(db, a, owner.no, name, &id, err))
        return false;
    switch (what) {
    case PROVIDER_ACCEPT:
        return mark_clear(db, owner.no, id, PROVIDER_MARK_PENDING, err);
    case PROVIDER_BUSY:
        return mark_set(db, owner.no, id, PROVIDER_MARK_BUSY, 0, err);
    case PROVIDER_FREE:
        return mark_clear(db, owner.no, id, PROVIDER_MARK_BUSY, err);
    }
    return false;
}
