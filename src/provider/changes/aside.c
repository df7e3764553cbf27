#include "provider/changes/aside.h"

#include "notify/notify.h"
#include "provider/changes/change.h"
#include "provider/tenant.h"

/* --- Commands --- */

static bool load_tenant(struct db *db, struct arena *a, struct str name, int64_t *out_no,
                        struct err *err)
{
    struct provider_tenant tenant;

    if (!provider_tenant_load(db, a, name, &tenant, err))
        return false;
    *out_no = tenant.no;
    return true;
}

static struct str name_of(struct arena *a, struct str doc)
{
    struct json *parsed;
    struct str name;

    if (doc.len == 0 || !json_parse(a, doc, NULL, &parsed, NULL, NULL))
        return STR("");
    name = json_get_text(parsed, "userName");
    return name.len > 0 ? name : json_get_text(parsed, "displayName");
}

bool provider_aside_list(struct db *db, struct arena *a, struct str tenant,
                         struct provider_aside **out, size_t *out_count, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct provider_aside *list = NULL;
    size_t count = 0, cap = 0;
    int64_t no;
    bool row;

    if (!load_tenant(db, a, tenant, &no, err) ||
        !db_select(db, provider_query(PROVIDER_ASIDE_LIST), DB_ARGS(db_int(no)), &st, err))
        return false;
    for (;; count++) {
        if (!db_step(st, &row, err))
            return false;
        if (!row)
            break;
        ARENA_GROW(a, list, count, cap);
        list[count] = (struct provider_aside){
            .id = arena_str(a, db_col_text(st, 0)),
            .since_us = db_col_int(st, 1),
            .attempts = db_col_int(st, 2),
            .next_us = db_col_int(st, 3),
            .error = arena_str(a, db_col_text(st, 4)),
            .name = name_of(a, db_col_text(st, 5)),
            .changes = db_col_int(st, 6),
            .first = db_col_int(st, 7),
        };
    }
    *out = list;
    *out_count = count;
    return true;
}

static bool none_there(int64_t changed, struct str tenant, struct str id, struct err *err)
{
    if (changed > 0)
        return true;
    if (id.len == 0) {
        return err_set(err, ERR_NOT_FOUND, "asideNotFound", "nothing of '%.*s' is set aside",
                       STR_ARG(tenant));
    }
    return err_set(err, ERR_NOT_FOUND, "asideNotFound",
                   "nothing of '%.*s' is set aside: usher tenant webhook set-aside %.*s lists ids",
                   STR_ARG(str_sub(id, 0, 100)), STR_ARG(tenant));
}

bool provider_aside_retry(struct db *db, struct str tenant, struct str id, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    int64_t no, changed;

    return load_tenant(db, a, tenant, &no, err) &&
           db_exec(db, provider_query(PROVIDER_ASIDE_RETRY), DB_ARGS(db_int(no), db_text(id)),
                   &changed, err) &&
           none_there(changed, tenant, id, err);
}

bool provider_aside_drop(struct db *db, struct str tenant, struct str id, int64_t *out_changes,
                         struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    int64_t no, changed;

    return load_tenant(db, a, tenant, &no, err) &&
           db_exec(db, provider_query(PROVIDER_ASIDE_DROP), DB_ARGS(db_int(no), db_text(id)),
                   &changed, err) &&
           none_there(changed, tenant, id, err) &&
           db_exec(db, provider_query(PROVIDER_ASIDE_DROP_CHANGES),
                   DB_ARGS(db_int(no), db_text(id)), out_changes, err);
}

/* --- The thread of the webhooks --- */

bool aside_ids(struct db *db, struct arena *a, int64_t tenant_no, struct map *out, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    bool row;

    if (!db_select(db, provider_query(PROVIDER_ASIDE_IDS), DB_ARGS(db_int(tenant_no)), &st, err))
        return false;
    for (;;) {
        if (!db_step(st, &row, err))
            return false;
        if (!row)
            return true;
        map_put(out, arena_str(a, db_col_text(st, 0)), out);
    }
}

bool aside_add(struct db *db, int64_t tenant_no, const struct aside_change *change, int64_t now_us,
               int64_t next_us, struct str error, struct err *err)
{
    struct db_value tenant = db_int(tenant_no), id = db_text(change->id);

    return db_exec(db, provider_query(PROVIDER_ASIDE_ADD),
                   DB_ARGS(tenant, id, db_int(now_us), db_int(next_us), db_text(error)), NULL,
                   err) &&
           db_exec(db, provider_query(PROVIDER_ASIDE_CHANGE_ADD),
                   DB_ARGS(tenant, id, db_int(change->seq), db_text(change->record)), NULL, err);
}

bool aside_add_changes(struct db *db, int64_t tenant_no, const struct aside_change *list,
                       size_t count, int64_t now_us, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        if (!aside_add(db, tenant_no, &list[i], now_us, now_us, STR(""), err))
            return false;
    }
    return true;
}

bool aside_again(struct db *db, int64_t tenant_no, struct err *err)
{
    return db_exec(db, provider_query(PROVIDER_ASIDE_AGAIN), DB_ARGS(db_int(tenant_no)), NULL, err);
}

static bool load_name(struct db *db, struct arena *a, int64_t tenant_no, struct str id,
                      struct str *out, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    if (!db_select_one(db, provider_query(PROVIDER_LOAD), DB_ARGS(db_int(tenant_no), db_text(id)),
                       &st, err))
        return false;
    *out = st ? name_of(a, db_col_text(st, 2)) : STR("");
    return true;
}

bool aside_tell(struct db *db, const struct aside_notice *n, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct notify_object object = {.code = STR("changesSetAside"),
                                   .message = n->error,
                                   .since_us = n->at_us,
                                   .next_us = n->at_us + ASIDE_AGAIN_US};
    struct notify_event event = {
        .id = arena_printf(a, "aside/%.*s/%lld", STR_ARG(n->change->id), (long long)n->change->seq),
        .kind = NOTIFY_CHANGES_SET_ASIDE,
        .at_us = n->at_us,
        .job_no = notify_tenant(n->tenant_no),
        .job_id = arena_printf(a, "tenant %.*s", STR_ARG(n->tenant)),
        .job_name = n->tenant,
        .to = {.mails = n->mails,
               .batch_us = (n->at_us / US_PER_HOUR + 1) * US_PER_HOUR - n->at_us},
        .count = 1,
        .objects = &object,
        .object_count = 1,
    };

    if (!notify_wanted(&event.to, event.kind))
        return true;
    if (!load_name(db, a, n->tenant_no, n->change->id, &object.name, err))
        return false;
    if (object.name.len == 0)
        object.name = n->change->id;
    return notify_event(db, &event, err);
}

bool aside_has_room(struct db *db, int64_t tenant_no, bool *out, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct map ids;
    bool ok;

    map_init(&ids);
    ok = aside_ids(db, a, tenant_no, &ids, err) &&
         db_select_one(db, provider_query(PROVIDER_ASIDE_COUNT), DB_ARGS(db_int(tenant_no)), &st,
                       err);
    *out = ok && ids.count < ASIDE_MAX && db_col_int(st, 0) < ASIDE_CHANGES_MAX;
    map_done(&ids);
    return ok;
}

static bool find_due(struct db *db, struct arena *a, int64_t tenant_no, int64_t now_us,
                     struct str *out_id, int64_t *out_attempts, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    if (!db_select_one(db, provider_query(PROVIDER_ASIDE_DUE),
                       DB_ARGS(db_int(tenant_no), db_int(now_us)), &st, err))
        return false;
    *out_id = st ? arena_str(a, db_col_text(st, 0)) : STR("");
    *out_attempts = st ? db_col_int(st, 1) : 0;
    return true;
}

bool aside_read_due(struct db *db, struct arena *a, int64_t tenant_no, int64_t now_us,
                    int64_t count, struct buf *out, struct aside_page *page, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    int64_t attempts, limit;
    bool row;

    *page = (struct aside_page){0};
    if (!find_due(db, a, tenant_no, now_us, &page->id, &attempts, err))
        return false;
    buf_add_char(out, '[');
    limit = attempts > 0 ? 1 : count;
    if (page->id.len > 0 &&
        !db_select(db, provider_query(PROVIDER_ASIDE_CHANGES),
                   DB_ARGS(db_int(tenant_no), db_text(page->id), db_int(limit)), &st, err))
        return false;
    while (st) {
        if (!db_step(st, &row, err))
            return false;
        if (!row)
            break;
        if (page->count++ > 0)
            buf_add_char(out, ',');
        page->last = db_col_int(st, 0);
        if (!change_record_write(out, page->last, db_col_text(st, 1), err))
            return false;
    }
    buf_add_char(out, ']');
    return true;
}

bool aside_taken(struct db *db, int64_t tenant_no, const struct aside_page *page, struct err *err)
{
    struct db_value tenant = db_int(tenant_no), id = db_text(page->id);

    return db_exec(db, provider_query(PROVIDER_ASIDE_TAKEN),
                   DB_ARGS(tenant, id, db_int(page->last)), NULL, err) &&
           db_exec(db, provider_query(PROVIDER_ASIDE_ON), DB_ARGS(tenant, id), NULL, err) &&
           db_exec(db, provider_query(PROVIDER_ASIDE_OVER), DB_ARGS(tenant, id), NULL, err);
}

bool aside_failed(struct db *db, int64_t tenant_no, const struct aside_page *page, int64_t next_us,
                  struct str error, struct err *err)
{
    return db_exec(db, provider_query(PROVIDER_ASIDE_FAILED),
                   DB_ARGS(db_int(tenant_no), db_text(page->id), db_int(next_us), db_text(error)),
                   NULL, err);
}
