#include "provider/internal.h"
#include "provider/tenant.h"

#define PAGE_ROWS 500

/* Every resource of one kind, in order of creation; the call has a scratch arena. */
static bool export_kind(struct call *c, struct db *db, provider_export_fn *fn, void *ctx,
                        struct err *err)
{
    const struct parts parts = {.groups = true, .members = true, .meta = true, .manager = true};
    int64_t created_us = INT64_MIN;
    char last[UUID_TEXT_MAX] = "";
    size_t rows;

    do {
        CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
        struct stored s;
        struct json *doc;
        bool row;

        if (!db_select(db, provider_query(PROVIDER_PAGE),
                       DB_ARGS(db_int(c->tenant->no), db_int(c->kind), db_int(created_us),
                               db_text(str_from_z(last)), db_int(PAGE_ROWS)),
                       &st, err))
            return false;
        for (rows = 0;; rows++) {
            if (!db_step(st, &row, err))
                return false;
            if (!row)
                break;
            arena_reset(c->arena);
            store_read_row(c->arena, st, &s);
            if (!represent_load(c, db, &s, parts, &doc, err))
                return false;
            if (!fn(ctx, doc))
                return true;
            created_us = s.created_us;
            snprintf(last, sizeof(last), "%.*s", STR_ARG(s.id));
        }
    } while (rows == PAGE_ROWS);
    return true;
}

bool provider_tenant_export(struct db *db, struct str name, provider_export_fn *fn, void *ctx,
                            struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(arena_freep) struct arena *scratch = arena_new();
    struct provider_tenant loaded;
    struct tenant tenant;
    struct call call = {.arena = scratch, .tenant = &tenant, .kind = RESOURCE_USER};
    bool ok;

    if (!provider_tenant_load(db, a, name, &loaded, err) ||
        !provider_tenant_profile(a, &loaded, &tenant.profile, err))
        return false;
    tenant.no = loaded.no;
    tenant.name = loaded.name;
    if (!db_begin(db, DB_READ, err))
        return false;
    call.type = &tenant.profile->user;
    ok = export_kind(&call, db, fn, ctx, err);
    call.type = &tenant.profile->group;
    call.kind = RESOURCE_GROUP;
    ok = ok && (!tenant.profile->has_groups || export_kind(&call, db, fn, ctx, err));
    if (!ok) {
        db_rollback(db);
        return false;
    }
    return db_commit(db, err);
}
