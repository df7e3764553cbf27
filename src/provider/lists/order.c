/* Lists of all, or of the users that are active or not, in an order that an index has: the window
 * alone is read, however many there are. */
#include "base/unicode.h"
#include "provider/lists/list.h"

/* What a position in the order is made of. */
enum position { BY_CREATED, BY_MODIFIED, BY_ID, BY_UNIQUE };

struct list_order {
    struct str attribute;
    struct str sub; /* empty: none */
    enum position position;
    enum provider_statement after[2], from[2]; /* by enum rank_order */
};

static const struct list_order by_creation = {
    STR_INIT("meta"),
    STR_INIT("created"),
    BY_CREATED,
    {PROVIDER_PAGE, PROVIDER_PAGE_DOWN},
    {PROVIDER_PAGE_OFFSET, PROVIDER_PAGE_DOWN_OFFSET},
};
static const struct list_order root = {
    STR_INIT("meta"), STR_INIT("created"), BY_CREATED, {PROVIDER_ROOT}, {PROVIDER_ROOT_OFFSET},
};
static const struct list_order of_active = {
    STR_INIT("meta"),
    STR_INIT("created"),
    BY_CREATED,
    {PROVIDER_PAGE_ACTIVE, PROVIDER_PAGE_ACTIVE_DOWN},
    {PROVIDER_PAGE_ACTIVE_OFFSET, PROVIDER_PAGE_ACTIVE_DOWN_OFFSET},
};
static const struct list_order of_inactive = {
    STR_INIT("meta"),
    STR_INIT("created"),
    BY_CREATED,
    {PROVIDER_PAGE_INACTIVE, PROVIDER_PAGE_INACTIVE_DOWN},
    {PROVIDER_PAGE_INACTIVE_OFFSET, PROVIDER_PAGE_INACTIVE_DOWN_OFFSET},
};
static const struct list_order by_change = {
    STR_INIT("meta"),
    STR_INIT("lastModified"),
    BY_MODIFIED,
    {PROVIDER_PAGE_MODIFIED, PROVIDER_PAGE_MODIFIED_DOWN},
    {PROVIDER_PAGE_MODIFIED_OFFSET, PROVIDER_PAGE_MODIFIED_DOWN_OFFSET},
};
/* Users only: the index of ids does not know types, and most resources are users. */
static const struct list_order by_id = {
    STR_INIT("id"),
    {0},
    BY_ID,
    {PROVIDER_PAGE_ID, PROVIDER_PAGE_ID_DOWN},
    {PROVIDER_PAGE_ID_OFFSET, PROVIDER_PAGE_ID_DOWN_OFFSET},
};
static const struct list_order by_user_name = {
    STR_INIT("userName"),
    {0},
    BY_UNIQUE,
    {PROVIDER_PAGE_UNIQUE, PROVIDER_PAGE_UNIQUE_DOWN},
    {PROVIDER_PAGE_UNIQUE_OFFSET, PROVIDER_PAGE_UNIQUE_DOWN_OFFSET},
};
static const struct list_order by_group_name = {
    STR_INIT("displayName"),
    {0},
    BY_UNIQUE,
    {PROVIDER_PAGE_UNIQUE, PROVIDER_PAGE_UNIQUE_DOWN},
    {PROVIDER_PAGE_UNIQUE_OFFSET, PROVIDER_PAGE_UNIQUE_DOWN_OFFSET},
};

static const struct list_order *const of_users[] = {&by_creation, &by_change, &by_id,
                                                    &by_user_name};
static const struct list_order *const of_groups[] = {&by_creation, &by_change, &by_group_name};

static bool is_by(const struct list_order *order, const struct scim_sort *sort)
{
    struct str sub = sort->ref.sub ? sort->ref.sub->name : (struct str){0};

    return str_eq(order->attribute, sort->ref.attribute->name) && str_eq(order->sub, sub) &&
           /* the index has userName and displayName folded */
           (order->position != BY_UNIQUE || !sort->leaf->case_exact);
}

/* `orders` of a resource type, NULL when none is the one that is asked for. */
static const struct list_order *find(const struct list_order *const *orders, size_t count,
                                     const struct scim_sort *sort)
{
    if (!sort->leaf || sort->ref.extension)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        if (is_by(orders[i], sort))
            return orders[i];
    }
    return NULL;
}

/* All that is asked for is whether users are active. */
static bool is_by_activity(const struct list *l)
{
    const struct list_type *type = &l->types[0];

    return l->type_count == 1 && list_is_by_activity(type) && type->exact &&
           (!l->sorted ||
            (type->sort.leaf && !type->sort.ref.extension && is_by(&by_creation, &type->sort)));
}

void list_choose_order(struct list *l)
{
    const struct list_type *type = &l->types[0];

    l->indexed = NULL;
    if (is_by_activity(l)) {
        l->indexed = type->from == PROVIDER_PAGE_ACTIVE ? &of_active : &of_inactive;
        return;
    }
    for (size_t i = 0; i < l->type_count; i++) {
        if (l->types[i].matcher)
            return;
    }
    if (l->type_count > 1) {
        l->indexed = l->sorted ? NULL : &root;
    } else if (!l->sorted) {
        l->indexed = &by_creation;
    } else if (type->call.kind == RESOURCE_GROUP) {
        l->indexed = find(of_groups, ARRAY_LEN(of_groups), &type->sort);
        if (l->indexed == &by_group_name && !l->call->tenant->profile->settings.unique_groups)
            l->indexed = NULL; /* the index has more than the name */
    } else {
        l->indexed = find(of_users, ARRAY_LEN(of_users), &type->sort);
    }
}

/* --- The position of a resource, kept in a cursor --- */

static bool place_of(struct list *l, const struct list_type *type, const struct stored *s,
                     struct rank_item *out, struct err *err)
{
    struct json *doc;

    *out = (struct rank_item){.created_us = s->created_us, .kind = s->kind};
    if (s->id.len < sizeof(out->id))
        memcpy(out->id, s->id.ptr, s->id.len);
    if (l->indexed->position == BY_MODIFIED)
        out->created_us = s->modified_us;
    if (l->indexed->position != BY_UNIQUE || !l->by_cursor)
        return true;
    if (!json_parse(l->scratch, s->doc, NULL, &doc, NULL, err))
        return err_wrap(err, "stored resource");
    out->key = scim_sort_key(l->call->arena, &type->sort, doc); /* outlives the scratch */
    return true;
}

/* The folded name behind which to go on. A sort key is its beginning only when it is very long. */
static bool unique_after(struct list *l, struct str *out, struct err *err)
{
    const struct list_type *type = &l->types[0];
    struct stored s;
    struct json *doc;

    *out = str_from(l->after.key, 1);
    if (l->after.key.len < SCIM_SORT_KEY_MAX)
        return true;
    if (!store_load(l->db, l->call->arena, l->call->tenant->no, type->call.kind,
                    str_from_z(l->after.id), &s, err))
        return false;
    if (!json_parse(l->call->arena, s.doc, NULL, &doc, NULL, err))
        return err_wrap(err, "stored resource");
    *out = store_key(l->call->arena,
                     str_fold(l->call->arena, json_get_text(doc, l->indexed->attribute.ptr)));
    return true;
}

/* --- Reading the window, with a cursor one more --- */

/* The statements of these do not ask for a type. */
static bool has_no_kind(const struct list *l)
{
    return l->indexed == &root || l->indexed == &of_active || l->indexed == &of_inactive;
}

static bool select_from(struct list *l, struct db_stmt **out, struct err *err)
{
    struct db_value tenant = db_int(l->call->tenant->no), kind = db_int(l->types[0].call.kind);
    struct db_value limit = db_int(l->by_cursor ? l->count + 1 : l->count);
    struct db_value offset = db_int(l->by_cursor ? 0 : l->start - 1);
    struct db_args args =
        has_no_kind(l) ? DB_ARGS(tenant, limit, offset) : DB_ARGS(tenant, kind, limit, offset);

    return db_select(l->db, provider_query(l->indexed->from[l->sorted ? l->order : 0]), args, out,
                     err);
}

static bool select_after(struct list *l, struct db_stmt **out, struct err *err)
{
    const struct db_query *query = provider_query(l->indexed->after[l->sorted ? l->order : 0]);
    struct db_value tenant = db_int(l->call->tenant->no), kind = db_int(l->types[0].call.kind);
    struct db_value time = db_int(l->after.created_us), id = db_text(str_from_z(l->after.id));
    struct db_value limit = db_int(l->count + 1);
    struct str unique;

    switch (l->indexed->position) {
    case BY_ID:
        return db_select(l->db, query, DB_ARGS(tenant, kind, id, limit), out, err);
    case BY_UNIQUE:
        return unique_after(l, &unique, err) &&
               db_select(l->db, query, DB_ARGS(tenant, kind, db_text(unique), limit), out, err);
    case BY_CREATED:
    case BY_MODIFIED:
        break;
    }
    return db_select(l->db, query,
                     has_no_kind(l) ? DB_ARGS(tenant, time, id, limit)
                                    : DB_ARGS(tenant, kind, time, id, limit),
                     out, err);
}

static bool add_count(struct list *l, int kind, int sign, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    if (!db_select_one(l->db, provider_query(PROVIDER_COUNT),
                       DB_ARGS(db_int(l->call->tenant->no), db_int(kind)), &st, err))
        return false;
    if (st)
        l->total += sign * db_col_int(st, 0);
    return true;
}

static bool count_all(struct list *l, struct err *err)
{
    if (l->indexed == &of_inactive)
        return add_count(l, PROVIDER_COUNT_INACTIVE, 1, err);
    for (size_t i = 0; i < l->type_count; i++) {
        if (!add_count(l, (int)l->types[i].call.kind, 1, err))
            return false;
    }
    return l->indexed != &of_active || (add_count(l, PROVIDER_COUNT_INACTIVE, -1, err) &&
                                        add_count(l, PROVIDER_COUNT_NEITHER, -1, err));
}

bool list_all(struct list *l, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    bool row;

    if (!count_all(l, err))
        return false;
    if (l->count == 0 || l->start > l->total)
        return true;
    if (!(l->has_after ? select_after(l, &st, err) : select_from(l, &st, err)))
        return false;
    for (;;) {
        const struct list_type *type = &l->types[0];
        struct rank_item place;
        struct stored s;

        if (!db_step(st, &row, err))
            return false;
        if (!row)
            return true;
        arena_reset(l->scratch);
        store_read_row(l->scratch, st, &s);
        if (type->call.kind != s.kind)
            type = &l->types[1];
        if (!place_of(l, type, &s, &place, err) || !list_take(l, type, &s, &place, err))
            return false;
    }
}
