#include "provider/tenant.h"

#include "notify/notify.h"
#include "provider/internal.h"
#include "provider/template.h"

static bool name_valid(struct str name)
{
    if (name.len == 0 || name.len > PROVIDER_NAME_MAX || name.ptr[0] == '.')
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];

        if (!ascii_is_alpha(c) && !ascii_is_digit(c) && c != '-' && c != '_' && c != '.')
            return false;
    }
    return true;
}

static bool insert(struct db *db, const struct provider_profile_source *source, struct str name,
                   int64_t now_us, struct err *err)
{
    if (db_exec(db, provider_query(PROVIDER_TENANT_ADD),
                DB_ARGS(db_text(name), db_text(source->kind), db_int(now_us),
                        db_text_or_null(source->template)),
                NULL, err))
        return true;
    if (err && err->kind == ERR_CONFLICT) {
        err_fill(err, ERR_CONFLICT, "tenantExists", "there is already a tenant '%.*s'",
                 STR_ARG(name));
    }
    return false;
}

static bool add(struct db *db, const struct provider_profile_source *source, struct str name,
                const struct clock *clock, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const struct provider_profile *profile;

    if (!name_valid(name)) {
        return err_set(err, ERR_INVALID, "invalidName",
                       "'%.*s' is not a name for a tenant: use up to %d letters, digits, '-', '_' "
                       "and '.'",
                       STR_ARG(name), PROVIDER_NAME_MAX);
    }
    if (!provider_profile_load(a, source, &profile, err))
        return false;
    if (db_in_transaction(db))
        return insert(db, source, name, clock_now(clock), err);
    if (!db_begin(db, DB_WRITE, err))
        return false;
    if (!insert(db, source, name, clock_now(clock), err)) {
        db_rollback(db);
        return false;
    }
    return db_commit(db, err);
}

bool provider_tenant_add(struct db *db, struct str kind, struct str name, const struct clock *clock,
                         struct err *err)
{
    return add(db, &(struct provider_profile_source){.kind = kind}, name, clock, err);
}

bool provider_tenant_add_custom(struct db *db, struct str template, struct str name,
                                const struct clock *clock, struct err *err)
{
    return provider_template_check(template, NULL, NULL, err) &&
           add(db, &(struct provider_profile_source){.kind = STR("generic"), .template = template},
               name, clock, err);
}

bool provider_tenant_profile(struct arena *a, const struct provider_tenant *tenant,
                             const struct provider_profile **out, struct err *err)
{
    const struct provider_profile_source source = {
        .kind = tenant->kind, .template = tenant->template, .settings = tenant->settings};

    return provider_profile_load(a, &source, out, err);
}

/* The settings with one of them set, or taken back. */
static bool change(struct arena *a, const struct provider_tenant *tenant, struct str name,
                   struct str text, struct json **out, struct err *err)
{
    const struct provider_setting *setting = provider_setting_find(name);
    struct json *value;

    if (!setting) {
        return err_set(err, ERR_INVALID, "badSetting",
                       "there is no setting '%.*s': usher tenant set --help lists them",
                       STR_ARG(str_sub(name, 0, 100)));
    }
    if (!json_parse(a, tenant->settings, NULL, out, NULL, err))
        return false;
    if (text.len == 0) {
        json_remove(*out, str_from_z(setting->name));
        return true;
    }
    if (!provider_setting_parse(a, setting, text, &value, err))
        return false;
    json_set(a, *out, str_from_z(setting->name), value);
    return true;
}

/* What was written while nothing was recorded is a gap in the numbers, so that readers know. */
static bool note_feed(struct db *db, const struct provider_tenant *tenant,
                      const struct provider_profile *before, const struct provider_profile *after,
                      struct err *err)
{
    return before->settings.change_feed || !after->settings.change_feed ||
           db_exec(db, provider_query(PROVIDER_CHANGE_GAP), DB_ARGS(db_int(tenant->no)), NULL, err);
}

static bool set(struct db *db, struct str name, struct str setting, struct str text,
                struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const struct provider_profile *before, *profile;
    struct provider_tenant tenant;
    struct json *settings;
    int64_t changed;

    if (!provider_tenant_load(db, a, name, &tenant, err) ||
        !provider_tenant_profile(a, &tenant, &before, err) ||
        !change(a, &tenant, setting, text, &settings, err))
        return false;
    tenant.settings = json_text(a, settings);
    if (!provider_tenant_profile(a, &tenant, &profile, err) ||
        !note_feed(db, &tenant, before, profile, err) ||
        !db_exec(db, provider_query(PROVIDER_TENANT_SET),
                 DB_ARGS(db_int(tenant.no), db_int(tenant.revision), db_text(tenant.settings)),
                 &changed, err))
        return false;
    if (changed == 0) {
        return err_set(err, ERR_UNAVAILABLE, "concurrentChange",
                       "the tenant was changed by somebody else at the same time");
    }
    if (before->settings.unique_groups != profile->settings.unique_groups &&
        !store_rekey_groups(db, tenant.no, profile, err))
        return false;
    return !str_eq_ascii_nocase(setting, STR("globalUnique")) ||
           switches_claim_tenant(db, tenant.no, profile->settings.global_unique, err);
}

bool provider_tenant_set(struct db *db, struct str name, struct str setting, struct str text,
                         struct err *err)
{
    bool own = !db_in_transaction(db);

    if (own && !db_begin(db, DB_WRITE, err))
        return false;
    if (set(db, name, setting, text, err))
        return !own || db_commit(db, err);
    if (own)
        db_rollback(db);
    return false;
}

static void fill(struct arena *a, struct db_stmt *st, struct provider_tenant *out)
{
    *out = (struct provider_tenant){.no = db_col_int(st, 0),
                                    .name = arena_str(a, db_col_text(st, 1)),
                                    .kind = arena_str(a, db_col_text(st, 2)),
                                    .created_us = db_col_int(st, 3),
                                    .settings = arena_str(a, db_col_text(st, 4)),
                                    .template = arena_str(a, db_col_text(st, 5)),
                                    .revision = db_col_int(st, 6)};
}

bool provider_tenant_load(struct db *db, struct arena *a, struct str name,
                          struct provider_tenant *out, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    if (!db_select_one(db, provider_query(PROVIDER_TENANT_LOAD), DB_ARGS(db_text(name)), &st, err))
        return false;
    if (!st)
        return err_set(err, ERR_NOT_FOUND, "tenantNotFound", "no tenant '%.*s'", STR_ARG(name));
    fill(a, st, out);
    return true;
}

bool provider_tenant_list(struct db *db, struct arena *a, struct provider_tenant **out,
                          size_t *out_count, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct provider_tenant *list = NULL;
    size_t count = 0, cap = 0;
    bool row;

    if (!db_select(db, provider_query(PROVIDER_TENANT_LIST), DB_NO_ARGS, &st, err))
        return false;
    for (;;) {
        if (!db_step(st, &row, err))
            return false;
        if (!row)
            break;
        ARENA_GROW(a, list, count, cap);
        fill(a, st, &list[count]);
        list[count].users = db_col_int(st, 7);
        list[count].groups = db_col_int(st, 8);
        count++;
    }
    *out = list;
    *out_count = count;
    return true;
}

static bool remove_all(struct db *db, int64_t no, struct err *err)
{
    static const enum provider_statement steps[] = {PROVIDER_TENANT_CLEAR_MEMBERS,
                                                    PROVIDER_TENANT_CLEAR_EMAILS,
                                                    PROVIDER_TENANT_CLEAR_RESOURCES,
                                                    PROVIDER_TENANT_CLEAR_KEYS,
                                                    PROVIDER_TENANT_CLEAR_AUTOMATION,
                                                    PROVIDER_TENANT_CLEAR_NOTICES,
                                                    PROVIDER_TENANT_CLEAR_COUNTS,
                                                    PROVIDER_TENANT_CLEAR_CHANGES,
                                                    PROVIDER_TENANT_CLEAR_CHANGE_HEAD,
                                                    PROVIDER_TENANT_CLEAR_MARKS,
                                                    PROVIDER_GLOBAL_CLEAR,
                                                    PROVIDER_TENANT_CLEAR_UNIQUE,
                                                    PROVIDER_TENANT_CLEAR_WEBHOOK,
                                                    PROVIDER_TENANT_CLEAR_ASIDE,
                                                    PROVIDER_TENANT_CLEAR_ASIDE_CHANGES,
                                                    PROVIDER_TENANT_REMOVE};

    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        if (!db_exec(db, provider_query(steps[i]), DB_ARGS(db_int(no)), NULL, err))
            return false;
    }
    return notify_forget(db, notify_tenant(no), err);
}

bool provider_tenant_remove(struct db *db, struct str name, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct provider_tenant tenant;

    if (!provider_tenant_load(db, a, name, &tenant, err))
        return false;
    if (db_in_transaction(db))
        return remove_all(db, tenant.no, err);
    if (!db_begin(db, DB_WRITE, err))
        return false;
    if (!remove_all(db, tenant.no, err)) {
        db_rollback(db);
        return false;
    }
    return db_commit(db, err);
}
