#include "base/unicode.h"
#include "provider/internal.h"
#include "scim/message.h"

#define PAGE_ROWS 500 /* candidates fetched at a time */

/* A list at work. Candidates come from `from` with `key`; those that match are counted, those in
 * the window are written. */
struct list {
    struct call *call;
    struct call probe; /* the call with a scratch arena, emptied after each candidate */
    struct db *db;
    int64_t start, count; /* the window; start from 1 */
    const struct scim_matcher *matcher;
    struct parts used; /* by the matcher */
    enum provider_statement from;
    struct str key;
    bool exact; /* every candidate matches */
    int64_t seen, total, items;
    struct buf out;
    /* the last candidate seen */
    int64_t last_created_us;
    char last_id[UUID_TEXT_MAX];
};

static bool take_number(struct str text, const char *name, int64_t otherwise, int64_t *out,
                        struct err *err)
{
    *out = otherwise;
    if (str_empty(text) || str_to_int(text, INT32_MIN, INT32_MAX, out))
        return true;
    if (str_to_int(text, INT64_MIN, INT64_MAX, out)) {
        *out = *out < 0 ? 0 : INT32_MAX;
        return true;
    }
    return err_set(err, ERR_INVALID, "invalidValue", "'%s' must be a whole number", name);
}

static bool take_window(struct list *l, struct err *err)
{
    if (!take_number(l->call->start_index, "startIndex", 1, &l->start, err) ||
        !take_number(l->call->count, "count", PROVIDER_PAGE_DEFAULT, &l->count, err))
        return false;
    if (l->start < 1)
        l->start = 1;
    if (l->count < 0)
        l->count = 0;
    if (l->count > PROVIDER_PAGE_MAX)
        l->count = PROVIDER_PAGE_MAX;
    return true;
}

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

static bool index_serves(size_t i, const struct list *l, const struct scim_equality *equality)
{
    struct str sub = equality->ref.sub ? equality->ref.sub->name : (struct str){0};

    return indexes[i].kind == l->call->kind && !equality->ref.extension &&
           str_eq(indexes[i].attribute, equality->ref.attribute->name) &&
           str_eq(indexes[i].sub, sub) && equality->text.len > 0 && !text_has_nul(equality->text);
}

static void choose_index(struct list *l)
{
    struct scim_equality equality;

    l->from = PROVIDER_PAGE;
    for (size_t i = 0; i < ARRAY_LEN(indexes); i++)
        for (size_t k = 0; scim_matcher_equality(l->matcher, k, &equality); k++) {
            if (!index_serves(i, l, &equality))
                continue;
            l->from = indexes[i].from;
            l->key = indexes[i].folded ? str_fold(l->call->arena, equality.text) : equality.text;
            l->exact = equality.whole;
            return;
        }
}

/* --- Walking --- */

static bool matches(struct list *l, const struct stored *s, bool *out, struct err *err)
{
    struct json *doc;

    *out = true;
    if (l->exact || !l->matcher)
        return true;
    if (!represent_load(&l->probe, l->db, s, l->used, &doc, err))
        return false;
    *out = scim_match(l->probe.arena, l->matcher, doc);
    return true;
}

static bool write_item(struct list *l, const struct stored *s, struct err *err)
{
    if (l->items > 0)
        buf_add_char(&l->out, ',');
    l->items++;
    return represent_write(&l->probe, l->db, s, &l->out, err);
}

static bool candidate(struct list *l, struct db_stmt *st, struct err *err)
{
    struct stored s;
    bool match;

    arena_reset(l->probe.arena);
    store_read_row(l->probe.arena, st, &s);
    l->last_created_us = s.created_us;
    snprintf(l->last_id, sizeof(l->last_id), "%.*s", STR_ARG(s.id));
    if (++l->seen > PROVIDER_SCAN_MAX)
        return err_set(err, ERR_INVALID, "tooMany", "the filter would look at too many resources");
    if (!matches(l, &s, &match, err))
        return false;
    if (!match)
        return true;
    l->total++;
    if (l->total < l->start || l->items >= l->count)
        return true;
    return write_item(l, &s, err);
}

/* Whether there is one candidate at most. */
static bool is_look_up(const struct list *l)
{
    return l->from == PROVIDER_BY_ID || l->from == PROVIDER_BY_UNIQUE;
}

/* One page of candidates behind the last one seen. */
static bool walk_page(struct list *l, size_t *rows, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct db_value tenant = db_int(l->call->tenant->no), kind = db_int(l->call->kind);
    struct db_value created = db_int(l->last_created_us);
    struct db_value id = db_text(str_from_z(l->last_id)), limit = db_int(PAGE_ROWS);
    struct db_args args = l->from == PROVIDER_PAGE
                              ? DB_ARGS(tenant, kind, created, id, limit)
                              : DB_ARGS(tenant, kind, db_text(l->key), created, id, limit);

    if (is_look_up(l))
        args.count = 3;
    bool row;

    *rows = 0;
    if (!db_select(l->db, provider_query(l->from), args, &st, err))
        return false;
    for (;;) {
        if (!db_step(st, &row, err))
            return false;
        if (!row)
            return true;
        ++*rows;
        if (!candidate(l, st, err))
            return false;
    }
}

static bool walk(struct list *l, struct err *err)
{
    size_t rows;

    l->last_created_us = INT64_MIN;
    do {
        if (!walk_page(l, &rows, err))
            return false;
    } while (rows == PAGE_ROWS);
    return true;
}

/* Without a filter the database counts, and skips to the window. */
static bool list_all(struct list *l, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *count = NULL;
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct db_value tenant = db_int(l->call->tenant->no), kind = db_int(l->call->kind);
    struct stored s;
    bool row;

    if (!db_select_one(l->db, provider_query(PROVIDER_COUNT), DB_ARGS(tenant, kind), &count, err))
        return false;
    l->total = db_col_int(count, 0);
    if (l->count == 0 || l->start > l->total)
        return true;
    if (!db_select(l->db, provider_query(PROVIDER_PAGE_OFFSET),
                   DB_ARGS(tenant, kind, db_int(l->count), db_int(l->start - 1)), &st, err))
        return false;
    for (;;) {
        if (!db_step(st, &row, err))
            return false;
        if (!row)
            return true;
        arena_reset(l->probe.arena);
        store_read_row(l->probe.arena, st, &s);
        if (!write_item(l, &s, err))
            return false;
    }
}

static bool prepare(struct list *l, struct err *err)
{
    struct call *c = l->call;
    const struct scim_filter *filter = NULL;

    if (!scim_projection_parse(c->arena, c->type, c->attributes, c->excluded, &c->projection,
                               err) ||
        !take_window(l, err) || !scim_filter_parse(c->arena, c->filter, &filter, err))
        return false;
    l->probe = *c;
    l->probe.arena = arena_new();
    if (!filter)
        return true;
    if (!scim_matcher_compile(c->arena, c->type, filter, &l->matcher, err))
        return false;
    l->used = parts_used(l->matcher);
    choose_index(l);
    return true;
}

static bool run(struct list *l, struct err *err)
{
    bool one_statement = l->matcher && l->exact;

    if (one_statement)
        return walk(l, err);
    if (!db_begin(l->db, DB_READ, err))
        return false;
    if (!(l->matcher ? walk(l, err) : list_all(l, err))) {
        db_rollback(l->db);
        return false;
    }
    return db_commit(l->db, err);
}

static bool collect(struct list *l, struct buf *answer, struct err *err)
{
    if (!run(l, err))
        return false;
    scim_list_begin(answer, l->total, l->start, l->items);
    buf_add(answer, buf_str(&l->out));
    scim_list_end(answer);
    return !answer->overflowed || err_set(err, ERR_INTERNAL, "answerTooLarge", "list too large");
}

/* `ok` and err are those of prepare. */
static void finish(struct list *l, bool ok, struct err *err)
{
    CLEANUP(buf_done) struct buf answer;
    struct call *c = l->call;

    buf_init(&answer, PROVIDER_ANSWER_MAX);
    buf_init(&l->out, PROVIDER_ANSWER_MAX);
    ok = ok && collect(l, &answer, err);
    buf_done(&l->out);
    arena_free(l->probe.arena);
    if (ok)
        reply_json(c, 200, buf_str(&answer));
    else
        reply_error(c, err);
}

void list_handle(struct call *c, struct db *db)
{
    struct list l = {.call = c, .db = db};
    struct err err = {0};
    bool ok = prepare(&l, &err);

    finish(&l, ok, &err);
}

bool list_quick(struct call *c)
{
    struct pool *pool = &c->provider->pool;
    struct list l = {.call = c};
    struct err err = {0};

    if (!prepare(&l, &err) || !is_look_up(&l) || !pool_take(pool, &l.db, &err)) {
        arena_free(l.probe.arena);
        return false;
    }
    finish(&l, true, &err);
    pool_give(pool, l.db);
    return true;
}
