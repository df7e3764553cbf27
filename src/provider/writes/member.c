#include "provider/internal.h"

#define PAGE_ROWS 1000 /* members read at a time */

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

/* --- Reading --- */

struct member {
    struct str id;      /* lives until the next step */
    struct str display; /* likewise; empty: it has none */
    bool is_group;
};

static struct member read_member(struct db_stmt *st)
{
    struct member m = {.id = db_col_text(st, 0), .is_group = db_col_int(st, 1) == RESOURCE_GROUP};

    if (!db_col_is_null(st, 2))
        m.display = db_col_text(st, 2);
    return m;
}

typedef void take_member(const struct call *c, const struct member *member, void *ctx);

/* One page behind *after, which moves on; *rows is how many there were. */
static bool read_page(struct db *db, const struct call *c, struct str group, char *after,
                      take_member *take, void *ctx, size_t *rows, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    bool row;

    *rows = 0;
    if (!db_select(db, provider_query(PROVIDER_MEMBER_PAGE),
                   DB_ARGS(db_int(c->tenant->no), db_text(group), db_text(str_from_z(after)),
                           db_int(PAGE_ROWS)),
                   &st, err))
        return false;
    for (;;) {
        struct member member;

        if (!db_step(st, &row, err))
            return false;
        if (!row)
            return true;
        member = read_member(st);
        take(c, &member, ctx);
        ++*rows;
        snprintf(after, UUID_TEXT_MAX, "%.*s", STR_ARG(member.id));
    }
}

static bool read_all(struct db *db, const struct call *c, struct str group, take_member *take,
                     void *ctx, struct err *err)
{
    char after[UUID_TEXT_MAX] = "";
    size_t rows;

    do {
        if (!read_page(db, c, group, after, take, ctx, &rows, err))
            return false;
    } while (rows == PAGE_ROWS);
    return true;
}

static void append_member(const struct call *c, const struct member *member, void *ctx)
{
    struct json *array = ctx, *element = json_new(c->arena, JSON_OBJECT);

    json_add_str(c->arena, element, "value", member->id);
    json_add_str(c->arena, element, "$ref",
                 arena_printf(c->arena, "%.*s/%s/%.*s", STR_ARG(c->base),
                              member->is_group ? "Groups" : "Users", STR_ARG(member->id)));
    json_add_z(c->arena, element, "type", member->is_group ? "Group" : "User");
    if (member->display.len > 0)
        json_add_str(c->arena, element, "display", member->display);
    json_append(array, element);
}

static bool append_one(struct db *db, const struct call *c, struct str group, struct str only,
                       struct json *array, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct member member;

    if (text_has_nul(only))
        return true;
    if (!db_select_one(db, provider_query(PROVIDER_MEMBER_ONE),
                       DB_ARGS(db_int(c->tenant->no), db_text(group), db_text(only)), &st, err))
        return false;
    if (st) {
        member = read_member(st);
        append_member(c, &member, array);
    }
    return true;
}

bool member_list(struct db *db, const struct call *c, struct str group, struct str only,
                 struct json **out, struct err *err)
{
    struct json *array = json_new(c->arena, JSON_ARRAY);

    if (only.len > 0 ? !append_one(db, c, group, only, array, err)
                     : !read_all(db, c, group, append_member, array, err))
        return false;
    *out = array->count > 0 ? array : NULL;
    return true;
}

/* As append_member has it; ids and the base need no escaping. */
static void write_member(const struct call *c, const struct member *member, void *ctx)
{
    struct buf *out = ctx;

    buf_add_z(out, out->ptr[out->len - 1] == '[' ? "{\"value\":" : ",{\"value\":");
    json_write_text(out, member->id);
    buf_add_z(out, ",\"$ref\":");
    buf_add_z(out, "\"");
    buf_add(out, c->base);
    buf_add_z(out, member->is_group ? "/Groups/" : "/Users/");
    buf_add(out, member->id);
    buf_add_z(out, member->is_group ? "\",\"type\":\"Group\"" : "\",\"type\":\"User\"");
    if (member->display.len > 0) {
        buf_add_z(out, ",\"display\":");
        json_write_text(out, member->display);
    }
    buf_add_char(out, '}');
}

bool member_write(struct db *db, const struct call *c, struct str group, struct buf *out,
                  struct err *err)
{
    buf_add_char(out, '[');
    if (!read_all(db, c, group, write_member, out, err))
        return false;
    buf_add_char(out, ']');
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

static bool is_clearing(const struct scim_patch_op *op)
{
    return op->kind == SCIM_PATCH_REMOVE && !op->filter &&
           (!op->value || op->value->type == JSON_NULL);
}

bool member_patch_is_whole(const struct scim_patch_op *op)
{
    return is_members(op) && (op->kind == SCIM_PATCH_REPLACE || is_clearing(op));
}

/* One member comes or goes. What comes and goes again in one request is no change: such are taken
 * out of `net` again. */
static bool patch_one(struct db *db, const struct call *c, struct str group, bool removes,
                      struct str id, int64_t *delta, struct map *net, struct err *err)
{
    int64_t mine = 0;

    if (id.len == 0)
        return true;
    if (!(removes ? member_remove(db, c, group, id, &mine, err)
                  : member_add(db, c, group, id, &mine, err)))
        return false;
    if (mine != 0 && !map_take(net, id))
        map_put(net, id, net);
    *delta += mine;
    return true;
}

bool member_patch(struct db *db, const struct call *c, struct str group,
                  const struct scim_patch_op *op, int64_t *delta, bool *changed, struct map *net,
                  struct err *err)
{
    static const struct scim_rules rules = {0};
    bool removes = op->kind == SCIM_PATCH_REMOVE;
    struct json *list = NULL;
    int64_t mine = 0;

    if (removes && op->filter)
        return patch_one(db, c, group, true, named_member(op->filter)->text, delta, net, err);
    if (is_clearing(op)) {
        if (!clear(db, c, group, &mine, err))
            return false;
        *delta += mine;
        *changed = *changed || mine != 0;
        return true;
    }
    if (!scim_value_read(c->arena, &rules, op->ref.attribute, op->value, &list, err))
        return false;
    if (op->kind == SCIM_PATCH_REPLACE)
        return member_set(db, c, group, list, delta, changed, err);
    JSON_EACH(member, list)
    if (!patch_one(db, c, group, removes, json_get_text(member, "value"), delta, net, err))
        return false;
    return true;
}
