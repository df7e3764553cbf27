/* Switches that look at what is stored: seats, lookup tables, values unique over tenants, roles of
 * members, marks of users. They run in the transaction of the write. */
#include "base/unicode.h"
#include "provider/imitation/mark.h"
#include "provider/imitation/switches.h"

static const struct provider_settings *settings_of(const struct call *c)
{
    return &c->tenant->profile->settings;
}

static int64_t now_of(const struct call *c)
{
    return clock_now(c->provider ? c->provider->config.clock : clock_system());
}

/* --- Room --- */

static bool count_of(const struct call *c, struct db *db, int kind, int64_t *out, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    if (!db_select_one(db, provider_query(PROVIDER_COUNT),
                       DB_ARGS(db_int(c->tenant->no), db_int(kind)), &st, err))
        return false;
    *out = st ? db_col_int(st, 0) : 0;
    return true;
}

bool switches_room(const struct call *c, struct db *db, struct err *err)
{
    const struct provider_settings *s = settings_of(c);
    int64_t max = c->kind == RESOURCE_GROUP ? s->max_groups : s->max_users, count;

    if (max == 0)
        return true;
    if (!count_of(c, db, (int)c->kind, &count, err))
        return false;
    return count < max ||
           err_set(err, ERR_DENIED, "seatsTaken", "all %lld seats are taken", (long long)max);
}

static bool becomes_active(const struct json *before, const struct json *user)
{
    return json_get_bool(user, "active", true) &&
           (!before || !json_get_bool(before, "active", true));
}

static bool check_seat(const struct call *c, struct db *db, const struct json *before,
                       const struct json *user, struct err *err)
{
    int64_t limit, users, inactive;

    if (!settings_of(c)->seat_limit || !becomes_active(before, user))
        return true;
    if (!json_to_int(settings_of(c)->seat_limit, &limit))
        return err_set(err, ERR_DENIED, "seatsTaken", "no licence is free: all seats are taken");
    if (!count_of(c, db, RESOURCE_USER, &users, err) ||
        !count_of(c, db, PROVIDER_COUNT_INACTIVE, &inactive, err))
        return false;
    return users - inactive < limit ||
           err_set(err, ERR_DENIED, "seatsTaken", "no licence is free: all %lld seats are taken",
                   (long long)limit);
}

/* --- Lookup tables --- */

struct lookup {
    const struct call *call;
    struct db *db;
    struct str name;
    const struct json *table; /* NULL: the ids of users */
};

static bool is_in_table(void *ctx, struct str value, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    const struct lookup *l = ctx;
    bool there = false;

    if (l->table) {
        there = switches_listed(l->table, value);
    } else if (!text_has_nul(value)) {
        if (!db_select_one(
                l->db, provider_query(PROVIDER_BY_ID),
                DB_ARGS(db_int(l->call->tenant->no), db_int(RESOURCE_USER), db_text(value)), &st,
                err))
            return false;
        there = st != NULL;
    }
    return there || err_set(err, ERR_INVALID, "invalidValue",
                            "InvalidLookupReference: '%.*s' has no '%.*s' in its lookup table",
                            STR_ARG(l->name), STR_ARG(str_sub(value, 0, 60)));
}

static bool check_lookups(const struct call *c, struct db *db, const struct json *user,
                          struct err *err)
{
    JSON_EACH(name, settings_of(c)->reference_lookup)
    {
        struct lookup l = {.call = c,
                           .db = db,
                           .name = name->text,
                           .table = json_get_nocase(settings_of(c)->lookup_table, name->text)};
        struct scim_path path;

        if (scim_path_parse(c->arena, name->text, &path, NULL) &&
            !switches_each_value(&path, user, is_in_table, &l, err))
            return false;
    }
    return true;
}

/* --- Values that are unique over tenants --- */

struct global {
    struct db *db;
    struct arena *arena;
    int64_t tenant_no;
    struct str user_id, name;
};

static bool claim(void *ctx, struct str value, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    const struct global *g = ctx;
    struct db_value name = db_text(g->name),
                    key = db_text(store_key(g->arena, str_fold(g->arena, value)));
    int64_t added;

    if (value.len == 0 || text_has_nul(value))
        return true;
    if (!db_exec(g->db, provider_query(PROVIDER_GLOBAL_ADD),
                 DB_ARGS(name, key, db_int(g->tenant_no), db_text(g->user_id)), &added, err))
        return false;
    if (added == 1)
        return true;
    if (!db_select_one(g->db, provider_query(PROVIDER_GLOBAL_FIND), DB_ARGS(name, key), &st, err))
        return false;
    return (st && db_col_int(st, 0) == g->tenant_no && str_eq(db_col_text(st, 1), g->user_id)) ||
           err_set(err, ERR_CONFLICT, "uniqueness", "%.*s '%.*s' is already in use",
                   STR_ARG(g->name), STR_ARG(str_sub(value, 0, 100)));
}

static bool claim_all(const struct json *names, struct global *g, const struct json *user,
                      struct err *err)
{
    JSON_EACH(name, names)
    {
        struct scim_path path;

        g->name = str_fold(g->arena, name->text);
        if (scim_path_parse(g->arena, name->text, &path, NULL) &&
            !switches_each_value(&path, user, claim, g, err))
            return false;
    }
    return true;
}

/* What is written is claimed anew as a whole: others may have come to the list since. */
static bool check_global(const struct call *c, struct db *db, struct str id,
                         const struct json *user, struct err *err)
{
    struct global g = {.db = db, .arena = c->arena, .tenant_no = c->tenant->no, .user_id = id};

    return !settings_of(c)->global_unique ||
           (db_exec(db, provider_query(PROVIDER_GLOBAL_FORGET),
                    DB_ARGS(db_int(c->tenant->no), db_text(id)), NULL, err) &&
            claim_all(settings_of(c)->global_unique, &g, user, err));
}

bool switches_claim_tenant(struct db *db, int64_t tenant_no, const struct json *names,
                           struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct global g = {.db = db, .arena = a, .tenant_no = tenant_no};
    char last[UUID_TEXT_MAX] = "";
    bool more = names != NULL;

    if (!db_exec(db, provider_query(PROVIDER_GLOBAL_CLEAR), DB_ARGS(db_int(tenant_no)), NULL, err))
        return false;
    while (more) {
        CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
        struct json *user;

        arena_reset(a);
        if (!db_select_one(db, provider_query(PROVIDER_PAGE_ID),
                           DB_ARGS(db_int(tenant_no), db_int(RESOURCE_USER),
                                   db_text(str_from_z(last)), db_int(1)),
                           &st, err))
            return false;
        more = st != NULL;
        if (!more)
            break;
        g.user_id = arena_str(a, db_col_text(st, 0));
        snprintf(last, sizeof(last), "%.*s", STR_ARG(g.user_id));
        if (!json_parse(a, db_col_text(st, 2), NULL, &user, NULL, err) ||
            !claim_all(names, &g, user, err))
            return false;
    }
    return true;
}

/* --- Users --- */

/* New users of such a tenant are invited, until they accept or the time is over. */
static bool invite(const struct call *c, struct db *db, struct str id, struct err *err)
{
    const struct provider_settings *s = settings_of(c);
    int64_t seconds = 0, until_us = 0;

    if (!s->activation_delay && !str_eq(s->delete_on_disable, STR("invited")))
        return true;
    if (s->activation_delay && json_to_int(s->activation_delay, &seconds))
        until_us = now_of(c) + seconds * US_PER_SECOND;
    return mark_set(db, c->tenant->no, id, PROVIDER_MARK_PENDING, until_us, err);
}

bool switches_held(const struct call *c, struct db *db, struct str id, const struct json *before,
                   const struct json *user, struct err *err)
{
    if (c->kind != RESOURCE_USER)
        return true;
    return check_lookups(c, db, user, err) && check_global(c, db, id, user, err) &&
           check_seat(c, db, before, user, err) && (before || invite(c, db, id, err));
}

bool switches_forget(const struct call *c, struct db *db, struct str id, struct err *err)
{
    return mark_forget(db, c->tenant->no, id, err) &&
           db_exec(db, provider_query(PROVIDER_GLOBAL_FORGET),
                   DB_ARGS(db_int(c->tenant->no), db_text(id)), NULL, err);
}

bool switches_pending(const struct call *c, struct db *db, struct str id, bool *out,
                      struct err *err)
{
    return mark_is_set(db, c->tenant->no, id, PROVIDER_MARK_PENDING, now_of(c), out, err);
}

bool switches_gone(const struct call *c, struct db *db, struct str id, const struct json *before,
                   const struct json *doc, bool *out, struct err *err)
{
    struct str how = settings_of(c)->delete_on_disable;

    *out = c->kind == RESOURCE_USER && json_get_bool(before, "active", true) &&
           !json_get_bool(doc, "active", true) &&
           (str_eq(how, STR("always")) || str_eq(how, STR("invited")));
    return !*out || !str_eq(how, STR("invited")) || switches_pending(c, db, id, out, err);
}

bool switches_delete(const struct call *c, struct db *db, struct str id, struct err *err)
{
    bool busy = false;

    if (!settings_of(c)->delete_refused || c->kind != RESOURCE_USER)
        return true;
    return mark_is_set(db, c->tenant->no, id, PROVIDER_MARK_BUSY, now_of(c), &busy, err) &&
           (!busy || err_set(err, ERR_CONFLICT, "busy", "the user is busy and cannot be deleted"));
}

/* --- Members --- */

static bool is_role(void *ctx, struct str value, struct err *err)
{
    (void)err;
    return !str_eq_ascii_nocase(value, *(const struct str *)ctx); /* false ends it: found */
}

bool switches_member(const struct call *c, struct db *db, struct str member, struct err *err)
{
    struct str role = settings_of(c)->group_members_role;
    static const char *const paths[] = {"roles.value", "role"};
    struct scim_path path;
    struct stored s;
    struct json *doc;

    if (role.len == 0)
        return true;
    if (!store_load(db, c->arena, c->tenant->no, RESOURCE_USER, member, &s, err) ||
        !json_parse(c->arena, s.doc, NULL, &doc, NULL, err))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        if (scim_path_parse(c->arena, str_from_z(paths[i]), &path, NULL) &&
            !switches_each_value(&path, doc, is_role, &role, NULL))
            return true;
    }
    return err_set(err, ERR_INVALID, "invalidValue", "members must have the role '%.*s'",
                   STR_ARG(str_sub(role, 0, 60)));
}
