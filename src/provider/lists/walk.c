#include "base/unicode.h"
#include "provider/lists/list.h"

#define PAGE_ROWS 500 /* candidates fetched at a time */

/* --- Which index finds the candidates (scim.md 3.5) --- */

static const struct {
    struct str attribute;
    struct str sub; /* empty: none */
    enum resource_kind kind;
    enum provider_statement from;
    bool folded; /* as the column is; ids are in lower case, so that both are right for them */
} indexes[] = {
    /* the more telling first */
    {STR_INIT("id"), {0}, RESOURCE_USER, PROVIDER_BY_ID, false},
    {STR_INIT("id"), {0}, RESOURCE_GROUP, PROVIDER_BY_ID, false},
    {STR_INIT("userName"), {0}, RESOURCE_USER, PROVIDER_BY_UNIQUE, true},
    {STR_INIT("displayName"), {0}, RESOURCE_GROUP, PROVIDER_BY_UNIQUE, true},
    {STR_INIT("externalId"), {0}, RESOURCE_USER, PROVIDER_BY_EXTERNAL, false},
    {STR_INIT("externalId"), {0}, RESOURCE_GROUP, PROVIDER_BY_EXTERNAL, false},
    {STR_INIT("emails"), STR_INIT("value"), RESOURCE_USER, PROVIDER_BY_EMAIL, true},
    {STR_INIT("displayName"), {0}, RESOURCE_USER, PROVIDER_BY_DISPLAY, true},
    {STR_INIT("members"), STR_INIT("value"), RESOURCE_GROUP, PROVIDER_BY_MEMBER, false},
    {STR_INIT("groups"), STR_INIT("value"), RESOURCE_USER, PROVIDER_BY_GROUP, true},
};

static bool index_serves(size_t i, const struct list_type *type,
                         const struct scim_equality *equality)
{
    struct str sub = equality->ref.sub ? equality->ref.sub->name : (struct str){0};

    return indexes[i].kind == type->call.kind && !equality->ref.extension &&
           str_eq(indexes[i].attribute, equality->ref.attribute->name) &&
           str_eq(indexes[i].sub, sub) && equality->text.len > 0 && !text_has_nul(equality->text);
}

static void take_index(struct list *l, struct list_type *type, size_t i,
                       const struct scim_equality *equality)
{
    const struct scim_attribute *leaf =
        equality->ref.sub ? equality->ref.sub : equality->ref.attribute;
    bool folded = indexes[i].folded;

    type->from = indexes[i].from;
    /* what is unique is so as its schema compares it */
    if (type->from == PROVIDER_BY_UNIQUE && type->call.kind == RESOURCE_GROUP &&
        !l->call->tenant->profile->settings.unique_groups) {
        type->from = PROVIDER_BY_DISPLAY;
    } else if (type->from == PROVIDER_BY_UNIQUE && leaf->case_exact) {
        folded = false;
    }
    type->key = store_key(l->call->arena,
                          folded ? str_fold(l->call->arena, equality->text) : equality->text);
    type->exact = equality->whole && !(folded && leaf->case_exact);
}

void list_choose_index(struct list *l, struct list_type *type)
{
    struct scim_equality equality;
    bool active;

    type->from = PROVIDER_PAGE;
    for (size_t i = 0; type->matcher && i < ARRAY_LEN(indexes); i++) {
        for (size_t k = 0; scim_matcher_equality(type->matcher, k, &equality); k++) {
            if (!index_serves(i, type, &equality))
                continue;
            take_index(l, type, i, &equality);
            return;
        }
    }
    if (!type->matcher)
        return;
    if (scim_matcher_since(type->matcher, STR("meta"), STR("lastModified"), &type->since_us)) {
        type->from = PROVIDER_BY_MODIFIED;
    } else if (type->call.kind == RESOURCE_USER &&
               /* where users are invited they show as not active */
               !l->call->tenant->profile->settings.activation_delay &&
               scim_matcher_boolean(type->matcher, STR("active"), &active, &type->exact)) {
        type->from = active ? PROVIDER_PAGE_ACTIVE : PROVIDER_PAGE_INACTIVE;
    }
}

bool list_in_order(const struct list_type *type)
{
    return type->from != PROVIDER_BY_MODIFIED && type->from != PROVIDER_BY_GROUP;
}

bool list_is_by_activity(const struct list_type *type)
{
    return type->from == PROVIDER_PAGE_ACTIVE || type->from == PROVIDER_PAGE_INACTIVE;
}

static bool is_look_up(const struct list_type *type)
{
    return type->from == PROVIDER_BY_ID || type->from == PROVIDER_BY_UNIQUE;
}

bool list_is_look_up(const struct list *l)
{
    return l->type_count == 1 && is_look_up(&l->types[0]);
}

bool list_is_scan(const struct list *l)
{
    if (l->indexed)
        return false;
    for (size_t i = 0; i < l->type_count; i++) {
        enum provider_statement from = l->types[i].from;

        if (from == PROVIDER_PAGE || list_is_by_activity(&l->types[i]) ||
            from == PROVIDER_BY_MODIFIED || from == PROVIDER_BY_GROUP)
            return true;
    }
    return false;
}

/* --- Walking --- */

static struct rank_item place_of(const struct list *l, const struct list_type *type,
                                 const struct stored *s, const struct json *doc)
{
    struct rank_item item = {.created_us = s->created_us, .kind = s->kind};

    if (l->sorted)
        item.key = scim_sort_key(l->scratch, &type->sort, doc);
    if (s->id.len < sizeof(item.id))
        memcpy(item.id, s->id.ptr, s->id.len);
    return item;
}

static bool write_item(struct list *l, const struct list_type *type, const struct stored *s,
                       struct err *err)
{
    if (l->items > 0)
        buf_add_char(&l->out, ',');
    l->items++;
    return represent_write(&type->call, l->db, s, &l->out, err);
}

bool list_is_full(const struct list *l)
{
    return l->items >= l->count || l->out.len >= LIST_BYTES_MAX;
}

bool list_take(struct list *l, const struct list_type *type, const struct stored *s,
               const struct rank_item *place, struct err *err)
{
    if (list_is_full(l)) {
        l->more = true;
        return true;
    }
    if (!l->by_cursor && l->total < l->start)
        return true;
    l->last = *place;
    return write_item(l, type, s, err);
}

static bool candidate(struct list *l, const struct list_type *type, struct db_stmt *st,
                      struct err *err)
{
    bool test = type->matcher && !type->exact;
    struct json *doc = NULL;
    struct rank_item place;
    struct stored s;

    arena_reset(l->scratch);
    store_read_row(l->scratch, st, &s);
    l->last_us = type->from == PROVIDER_BY_MODIFIED ? s.modified_us : s.created_us;
    snprintf(l->last_id, sizeof(l->last_id), "%.*s", STR_ARG(s.id));
    if (++l->seen > l->call->tenant->profile->settings.filter_scan)
        return err_set(err, ERR_INVALID, "tooMany", "the request would look at too many resources");
    if ((test || l->sorted) && !represent_load(&type->call, l->db, &s, type->used, &doc, err))
        return false;
    if (test && !scim_match(l->scratch, type->matcher, doc))
        return true;
    l->total++;
    place = place_of(l, type, &s, doc);
    if (l->has_after && rank_compare(l->order, &place, &l->after) <= 0)
        return true;
    return l->ranked ? ranking_offer(&l->ranking, &place, err)
                     : list_take(l, type, &s, &place, err);
}

/* One page of candidates behind the last one seen. */
static bool walk_page(struct list *l, const struct list_type *type, size_t *rows, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct db_value tenant = db_int(l->call->tenant->no), kind = db_int(type->call.kind);
    struct db_value key = db_text(type->key), time = db_int(l->last_us);
    struct db_value id = db_text(str_from_z(l->last_id)), limit = db_int(PAGE_ROWS);
    struct db_args by_key = DB_ARGS(tenant, kind, key, time, id, limit);
    struct db_args by_time = DB_ARGS(tenant, kind, time, id, limit);
    struct db_args active = DB_ARGS(tenant, time, id, limit);
    struct db_args by_id = DB_ARGS(tenant, kind, key, id, limit);
    const struct db_args *args = &by_key;
    bool row;

    if (is_look_up(type))
        by_key.count = 3;
    if (type->from == PROVIDER_PAGE || type->from == PROVIDER_BY_MODIFIED)
        args = &by_time;
    if (list_is_by_activity(type))
        args = &active;
    if (type->from == PROVIDER_BY_GROUP)
        args = &by_id;
    *rows = 0;
    if (!db_select(l->db, provider_query(type->from), *args, &st, err))
        return false;
    for (;;) {
        if (!db_step(st, &row, err))
            return false;
        if (!row)
            return true;
        ++*rows;
        if (!candidate(l, type, st, err))
            return false;
    }
}

bool list_walk(struct list *l, struct err *err)
{
    size_t rows;

    for (size_t i = 0; i < l->type_count; i++) {
        /* what is sent of times is cut to milliseconds, so it is never later than what is stored */
        l->last_us = l->types[i].from == PROVIDER_BY_MODIFIED ? l->types[i].since_us : INT64_MIN;
        l->last_id[0] = '\0';
        do {
            if (!walk_page(l, &l->types[i], &rows, err))
                return false;
        } while (rows == PAGE_ROWS);
    }
    return true;
}

/* --- Ranking --- */

static bool write_ranked(struct list *l, const struct rank_item *item, struct err *err)
{
    const struct list_type *type = &l->types[0];
    struct stored s;

    if (type->call.kind != item->kind)
        type = &l->types[1];
    arena_reset(l->scratch);
    return store_load(l->db, l->scratch, l->call->tenant->no, item->kind, str_from_z(item->id), &s,
                      err) &&
           write_item(l, type, &s, err);
}

bool list_ranked(struct list *l, struct err *err)
{
    if (!list_walk(l, err))
        return false;
    ranking_sort(&l->ranking);
    for (int64_t i = l->start - 1; i < (int64_t)l->ranking.count && !list_is_full(l); i++) {
        l->last = l->ranking.items[i];
        if (!write_ranked(l, &l->last, err))
            return false;
    }
    l->more = l->by_cursor && (int64_t)l->ranking.count > l->items;
    return true;
}
