#include "provider/internal.h"

static bool exists(struct db *db, const struct call *c, struct str id, bool *out, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    if (text_has_nul(id)) {
        *out = false;
        return true;
    }
    if (!db_select_one(db, provider_query(PROVIDER_EXISTS),
                       DB_ARGS(db_int(c->tenant->no), db_text(id)), &st, err))
        return false;
    *out = st != NULL;
    return true;
}

bool member_add(struct db *db, const struct call *c, struct str group, struct str member,
                int64_t *delta, struct err *err)
{
    int64_t changed;
    bool there = false;

    if (!str_eq(group, member) && !exists(db, c, member, &there, err))
        return false;
    if (!there) {
        return err_set(err, ERR_INVALID, "invalidValue", "no user or group '%.*s' to be a member",
                       STR_ARG(str_sub(member, 0, 100)));
    }
    if (!switches_member(c, db, member, err) ||
        !db_exec(db, provider_query(PROVIDER_MEMBER_ADD),
                 DB_ARGS(db_int(c->tenant->no), db_text(group), db_text(member)), &changed, err))
        return false;
    *delta += changed;
    return true;
}

static bool member_remove(struct db *db, const struct call *c, struct str group, struct str member,
                          int64_t *delta, struct err *err)
{
    int64_t changed;

    if (text_has_nul(member))
        return true;
    if (!db_exec(db, provider_query(PROVIDER_MEMBER_REMOVE),
                 DB_ARGS(db_int(c->tenant->no), db_text(group), db_text(member)), &changed, err))
        return false;
    *delta -= changed;
    return true;
}

static bool load_ids(struct db *db, const struct call *c, struct str group, struct json *out,
                     struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    bool row;

    if (!db_select(db, provider_query(PROVIDER_MEMBER_IDS),
                   DB_ARGS(db_int(c->tenant->no), db_text(group)), &st, err))
        return false;
    for (;;) {
        if (!db_step(st, &row, err))
            return false;
        if (!row)
            return true;
        json_append(out, json_string(c->arena, db_col_text(st, 0)));
    }
}

bool member_set(struct db *db, const struct call *c, struct str group, const struct json *members,
                int64_t *delta, bool *changed, struct err *err)
{
    CLEANUP(map_done) struct map wanted;
    struct json *ids = json_new(c->arena, JSON_ARRAY);
    int64_t removed = 0, added = 0;

    map_init(&wanted);
    JSON_EACH(member, members)
    map_put(&wanted, json_get_text(member, "value"), member);
    if (!load_ids(db, c, group, ids, err))
        return false;
    JSON_EACH(id, ids)
    if (!map_take(&wanted, id->text) && !member_remove(db, c, group, id->text, &removed, err))
        return false;
    JSON_EACH(member, members)
    {
        struct str id = json_get_text(member, "value");

        if (map_take(&wanted, id) && !member_add(db, c, group, id, &added, err))
            return false;
    }
    *delta += removed + added;
    *changed = *changed || removed != 0 || added != 0;
    return true;
}

bool member_list(struct db *db, const struct call *c, struct str group, struct json **out,
                 struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct json *array = json_new(c->arena, JSON_ARRAY);
    bool row;

    if (!db_select(db, provider_query(PROVIDER_MEMBER_LIST),
                   DB_ARGS(db_int(c->tenant->no), db_text(group)), &st, err))
        return false;
    for (;;) {
        struct json *member;
        struct str id;
        bool is_group;

        if (!db_step(st, &row, err))
            return false;
        if (!row)
            break;
        member = json_new(c->arena, JSON_OBJECT);
        id = db_col_text(st, 0);
        is_group = db_col_int(st, 1) == RESOURCE_GROUP;
        json_add_str(c->arena, member, "value", id);
        json_add_str(c->arena, member, "$ref",
                     arena_printf(c->arena, "%.*s/%s/%.*s", STR_ARG(c->base),
                                  is_group ? "Groups" : "Users", STR_ARG(id)));
        json_add_z(c->arena, member, "type", is_group ? "Group" : "User");
        if (!db_col_is_null(st, 2))
            json_add_str(c->arena, member, "display", db_col_text(st, 2));
        json_append(array, member);
    }
    *out = array->count > 0 ? array : NULL;
    return true;
}

/* --- PATCH, row by row --- */

static bool is_members(const struct scim_patch_op *op)
{
    return op->ref.attribute && str_eq(op->ref.attribute->name, STR("members"));
}

/* members[value eq "x"], or NULL. */
static const struct json *named_member(const struct scim_filter *f)
{
    if (f->op != SCIM_EQ || !str_eq_ascii_nocase(f->path.attribute, STR("value")))
        return NULL;
    return f->value->type == JSON_STRING ? f->value : NULL;
}

bool member_patch_is_simple(const struct scim_patch_op *op)
{
    if (!is_members(op))
        return true;
    if (op->ref.sub)
        return false;
    return !op->filter || (op->kind == SCIM_PATCH_REMOVE && named_member(op->filter) != NULL);
}

static bool clear(struct db *db, const struct call *c, struct str group, int64_t *delta,
                  struct err *err)
{
    int64_t changed;

    if (!db_exec(db, provider_query(PROVIDER_MEMBER_CLEAR),
                 DB_ARGS(db_int(c->tenant->no), db_text(group)), &changed, err))
        return false;
    *delta -= changed;
    return true;
}

static bool each_member(struct db *db, const struct call *c, struct str group,
                        const struct scim_patch_op *op, const struct json *list, int64_t *delta,
                        struct err *err)
{
    JSON_EACH(member, list)
    {
        struct str id = json_get_text(member, "value");

        if (op->kind == SCIM_PATCH_REMOVE
                ? id.len > 0 && !member_remove(db, c, group, id, delta, err)
                : id.len > 0 && !member_add(db, c, group, id, delta, err))
            return false;
    }
    return true;
}

bool member_patch(struct db *db, const struct call *c, struct str group,
                  const struct scim_patch_op *op, int64_t *delta, bool *changed, struct err *err)
{
    static const struct scim_rules rules = {0};
    struct json *list = NULL;
    int64_t mine = 0;
    bool ok;

    if (op->kind == SCIM_PATCH_REMOVE && op->filter) {
        ok = member_remove(db, c, group, named_member(op->filter)->text, &mine, err);
    } else if (op->kind == SCIM_PATCH_REMOVE && (!op->value || op->value->type == JSON_NULL)) {
        ok = clear(db, c, group, &mine, err);
    } else if (!scim_value_read(c->arena, &rules, op->ref.attribute, op->value, &list, err)) {
        return false;
    } else if (op->kind == SCIM_PATCH_REPLACE) {
        ok = member_set(db, c, group, list, &mine, changed, err);
    } else {
        ok = each_member(db, c, group, op, list, &mine, err);
    }
    *delta += mine;
    *changed = *changed || mine != 0;
    return ok;
}
