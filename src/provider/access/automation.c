#include "provider/access/automation.h"

#include "base/unicode.h"
#include "provider/changes/change.h"
#include "provider/tenant.h"

/* A tenant with what writing a user of it needs. */
struct place {
    struct tenant tenant;
    struct call call;
    struct changes changes;
};

static void close_place(struct place *p)
{
    changes_done(&p->changes);
}

static bool open_place(struct db *db, struct arena *a, struct str name, struct place *out,
                       struct err *err)
{
    struct provider_tenant loaded;

    changes_init(&out->changes, NULL);
    if (!provider_tenant_load(db, a, name, &loaded, err) ||
        !provider_tenant_profile(a, &loaded, &out->tenant.profile, err))
        return false;
    out->tenant.no = loaded.no;
    out->tenant.name = loaded.name;
    out->call = (struct call){.arena = a,
                              .changes = &out->changes,
                              .tenant = &out->tenant,
                              .kind = RESOURCE_USER,
                              .type = &out->tenant.profile->user};
    return true;
}

static bool insert(struct db *db, struct place *p, struct str name, int64_t now_us, struct rng *rng,
                   struct err *err)
{
    struct arena *a = p->call.arena;
    struct json *doc = json_new(a, JSON_OBJECT);
    char id[UUID_TEXT_MAX];
    struct stored s = {.kind = RESOURCE_USER,
                       .id = arena_str(a, uuid_new(rng, id)),
                       .created_us = now_us,
                       .modified_us = now_us};

    json_add_str(a, doc, "userName", name);
    if (scim_top_attribute(p->call.type, STR("active")))
        json_add_bool(a, doc, "active", true);
    return store_insert(db, a, &p->call, &s, doc, err) &&
           db_exec(db, provider_query(PROVIDER_AUTOMATION_ADD),
                   DB_ARGS(db_int(p->tenant.no), db_text(s.id), db_int(now_us)), NULL, err) &&
           changes_write(&p->changes, db, err);
}

bool provider_automation_add(struct db *db, struct str tenant, struct str name,
                             const struct clock *clock, struct rng *rng, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(close_place) struct place p;

    if (!open_place(db, a, tenant, &p, err))
        return false;
    if (!p.tenant.profile->settings.automation_user) {
        return err_set(err, ERR_INVALID, "noAutomationUsers",
                       "a tenant of kind %.*s has no automation users: its keys belong to the "
                       "tenant",
                       STR_ARG(p.tenant.profile->kind));
    }
    if (str_empty(str_trim(name)) || !utf8_valid(name, NULL))
        return err_set(err, ERR_INVALID, "invalidName", "an automation user needs a name");
    return insert(db, &p, name, clock_now(clock), rng, err);
}

static bool fill(struct arena *a, struct db_stmt *st, struct provider_automation_user *out,
                 struct err *err)
{
    struct json *doc;

    if (!json_parse(a, db_col_text(st, 1), NULL, &doc, NULL, err))
        return false;
    *out = (struct provider_automation_user){.id = arena_str(a, db_col_text(st, 0)),
                                             .name = json_get_text(doc, "userName"),
                                             .active = json_get_bool(doc, "active", true),
                                             .created_us = db_col_int(st, 2),
                                             .activated_us = db_col_int(st, 3),
                                             .keys = db_col_int(st, 4)};
    return true;
}

bool provider_automation_list(struct db *db, struct arena *a, struct str tenant,
                              struct provider_automation_user **out, size_t *out_count,
                              struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct provider_automation_user *list = NULL;
    struct provider_tenant owner;
    size_t count = 0, cap = 0;
    bool row;

    if (!provider_tenant_load(db, a, tenant, &owner, err) ||
        !db_select(db, provider_query(PROVIDER_AUTOMATION_LIST), DB_ARGS(db_int(owner.no)), &st,
                   err))
        return false;
    for (;;) {
        if (!db_step(st, &row, err))
            return false;
        if (!row)
            break;
        ARENA_GROW(a, list, count, cap);
        if (!fill(a, st, &list[count++], err))
            return false;
    }
    *out = list;
    *out_count = count;
    return true;
}

bool provider_automation_find(struct db *db, struct arena *a, int64_t tenant_no, struct str name,
                              struct provider_automation_user *out, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    if (!db_select_one(db, provider_query(PROVIDER_AUTOMATION_FIND),
                       DB_ARGS(db_int(tenant_no), db_text(store_key(a, str_fold(a, name)))), &st,
                       err))
        return false;
    if (!st) {
        return err_set(err, ERR_NOT_FOUND, "automationUserNotFound",
                       "there is no automation user '%.*s'", STR_ARG(str_sub(name, 0, 100)));
    }
    return fill(a, st, out, err);
}

bool provider_automation_activate(struct db *db, struct str tenant, struct str name,
                                  const struct clock *clock, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct provider_automation_user user;
    struct provider_tenant owner;

    return provider_tenant_load(db, a, tenant, &owner, err) &&
           provider_automation_find(db, a, owner.no, name, &user, err) &&
           db_exec(db, provider_query(PROVIDER_AUTOMATION_ACTIVATE),
                   DB_ARGS(db_int(owner.no), db_text(user.id), db_int(clock_now(clock))), NULL,
                   err);
}

bool provider_automation_remove(struct db *db, struct str tenant, struct str name,
                                const struct clock *clock, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct provider_automation_user user;
    CLEANUP(close_place) struct place p;
    struct stored s;
    struct json *doc;

    return open_place(db, a, tenant, &p, err) &&
           provider_automation_find(db, a, p.tenant.no, name, &user, err) &&
           store_load(db, a, p.tenant.no, RESOURCE_USER, user.id, &s, err) &&
           scim_resource_load(a, s.doc, &doc, err) &&
           store_delete(db, a, &p.call, &s, doc, clock_now(clock), err) &&
           db_exec(db, provider_query(PROVIDER_AUTOMATION_REMOVE),
                   DB_ARGS(db_int(p.tenant.no), db_text(user.id)), NULL, err) &&
           changes_write(&p.changes, db, err);
}
