#include "provider/address.h"

#include "provider/statements.h"

bool provider_address_load(struct db *db, struct arena *a, struct str *out, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    bool row;

    if (!db_select(db, provider_query(PROVIDER_ADDRESS_LOAD), DB_NO_ARGS, &st, err) ||
        !db_step(st, &row, err))
        return false;
    *out = row ? arena_str(a, db_col_text(st, 0)) : STR("");
    return true;
}

bool provider_address_save(struct db *db, struct str url, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct str before;

    if (!provider_address_load(db, a, &before, err))
        return false;
    return str_eq(before, url) ||
           db_exec(db, provider_query(PROVIDER_ADDRESS_SAVE), DB_ARGS(db_text(url)), NULL, err);
}
