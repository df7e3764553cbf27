#include "provider/lists/list.h"

#include "scim/message.h"

/* Digits, perhaps more than a number can have here. */
static bool is_whole(struct str text)
{
    size_t i = text.len > 0 && text.ptr[0] == '-';
    bool ok = i < text.len;

    for (; i < text.len; i++)
        ok = ok && ascii_is_digit(text.ptr[i]);
    return ok;
}

static bool take_number(struct str text, const char *name, int64_t otherwise, int64_t *out,
                        struct err *err)
{
    *out = otherwise;
    if (str_empty(text) || str_to_int(text, INT32_MIN, INT32_MAX, out))
        return true;
    if (!is_whole(text))
        return err_set(err, ERR_INVALID, "invalidValue", "'%s' must be a whole number", name);
    *out = text.ptr[0] == '-' ? 0 : INT32_MAX;
    return true;
}

/* With cursors the size of pages is what was asked for, or it is an error. */
static bool take_cursor_count(struct list *l, struct err *err)
{
    const struct provider_settings *s = &l->call->tenant->profile->settings;
    struct str text = l->call->count;

    l->count = s->page_default;
    if (s->cursor_only) { /* asked for as a page by index, perhaps */
        if (!take_number(text, "count", s->page_default, &l->count, err))
            return false;
        l->count = l->count < 1 ? 1 : l->count > s->page_max ? s->page_max : l->count;
        return true;
    }
    return str_empty(text) || str_to_int(text, 1, s->page_max, &l->count) ||
           err_set(err, ERR_INVALID, "invalidCount", "'count' must be a number from 1 to %lld",
                   (long long)s->page_max);
}

static bool take_window(struct list *l, struct err *err)
{
    const struct provider_settings *s = &l->call->tenant->profile->settings;

    l->start = 1;
    l->by_cursor = l->call->has_cursor || s->cursor_only;
    if (l->by_cursor)
        return take_cursor_count(l, err);
    if (!take_number(l->call->start_index, "startIndex", 1, &l->start, err) ||
        !take_number(l->call->count, "count", s->page_default, &l->count, err))
        return false;
    if (l->start < 1)
        l->start = 1;
    if (l->count < 0)
        l->count = 0;
    if (l->count > s->page_max)
        l->count = s->page_max;
    return true;
}

/* What a cursor is bound to: the tenant, the endpoint, the filter and the order. */
static struct str cursor_bound(const struct list *l)
{
    CLEANUP(buf_done) struct buf out;
    const struct call *c = l->call;
    struct str by = l->sorted ? str_trim(c->sort_by) : STR("");

    buf_init(&out, PROVIDER_BODY_MAX);
    buf_addf(&out, "%lld %d %d %zu ", (long long)c->tenant->no, (int)c->kind,
             l->sorted ? (int)l->order : -1, by.len);
    buf_add(&out, by);
    buf_add(&out, str_trim(c->filter));
    return arena_str(c->arena, buf_str(&out));
}

static bool take_cursor(struct list *l, struct err *err)
{
    const struct provider *p = l->call->provider;
    struct cursor cursor;

    if (!l->by_cursor || str_empty(l->call->cursor))
        return true;
    if (!cursor_read(l->call->arena, p->cursor_key, cursor_bound(l), l->call->cursor,
                     clock_now(p->config.clock) -
                         l->call->tenant->profile->settings.cursor_s * US_PER_SECOND,
                     &cursor, err))
        return false;
    if (cursor.count != l->count) {
        return err_set(err, ERR_INVALID, "invalidCount",
                       "'count' must stay %lld while the cursor is followed",
                       (long long)cursor.count);
    }
    l->after = cursor.after;
    l->has_after = true;
    return true;
}

static struct str next_cursor(const struct list *l)
{
    const struct provider *p = l->call->provider;
    struct cursor cursor = {
        .after = l->last, .count = l->count, .made_us = clock_now(p->config.clock)};

    if (!l->more)
        return STR("");
    return cursor_write(l->call->arena, p->cursor_key, p->config.rng, cursor_bound(l), &cursor);
}

static bool take_order(struct list *l, struct err *err)
{
    struct str word = str_trim(l->call->sort_order);

    l->order = RANK_ASCENDING;
    l->sorted =
        !l->call->tenant->profile->settings.no_sort && !str_empty(str_trim(l->call->sort_by));
    if (str_empty(word) || str_eq_ascii_nocase(word, STR("ascending")))
        return true;
    l->order = RANK_DESCENDING;
    return str_eq_ascii_nocase(word, STR("descending")) ||
           err_set(err, ERR_INVALID, "invalidValue", "'sortOrder' must be ascending or descending");
}

/* What may not be in a URL is in a body a filter like any other wrong one (scim.md 3.2). Always
 * false. */
static bool hide_sensitive(struct err *err)
{
    if (strcmp(err->code, "sensitive") == 0) {
        err->kind = ERR_INVALID;
        err->code = "invalidFilter";
    }
    return false;
}

static bool prepare_type(struct list *l, enum resource_kind kind, const struct scim_filter *filter,
                         struct err *err)
{
    struct list_type *t = &l->types[l->type_count++];
    const struct provider_profile *profile = l->call->tenant->profile;
    struct call *c = &t->call;

    *c = *l->call;
    c->kind = kind;
    c->type = kind == RESOURCE_GROUP ? &profile->group : &profile->user;
    if (!scim_projection_parse(c->arena, c->type, c->attributes, c->excluded, &c->projection, err))
        return false;
    if (filter &&
        !scim_matcher_compile(c->arena, c->type, &profile->rules, filter, &t->matcher, err))
        return c->method == HTTP_POST ? hide_sensitive(err) : false;
    if (l->sorted)
        scim_sort_compile(c->arena, c->type, c->sort_by, &t->sort);
    t->used = parts_used(t->matcher, &t->sort);
    list_choose_index(l, t);
    c->arena = l->scratch;
    return true;
}

static bool prepare_types(struct list *l, const struct scim_filter *filter, struct err *err)
{
    if (l->call->kind != RESOURCE_ANY)
        return prepare_type(l, l->call->kind, filter, err);
    return prepare_type(l, RESOURCE_USER, filter, err) &&
           (!l->call->tenant->profile->has_groups || prepare_type(l, RESOURCE_GROUP, filter, err));
}

/* How many of the first resources the window needs; by cursor one more tells whether there are. */
static int64_t wanted(const struct list *l)
{
    if (l->by_cursor)
        return l->count + 1;
    return l->count > 0 ? l->start - 1 + l->count : 0;
}

static bool prepare(struct list *l, struct err *err)
{
    const struct provider_settings *s = &l->call->tenant->profile->settings;
    const struct scim_filter *filter = NULL;

    if (s->filter_ignored)
        l->call->filter = STR("");
    l->scratch = arena_new();
    if (l->call->filter.len > (size_t)s->filter_bytes) {
        return err_set(err, ERR_INVALID, "invalidFilter", "a filter has at most %lld bytes",
                       (long long)s->filter_bytes);
    }
    if (!take_window(l, err) || !take_order(l, err) || !take_cursor(l, err) ||
        !scim_filter_parse(l->call->arena, l->call->filter, &filter, err) ||
        !switches_filter(l->call, filter, err) || !prepare_types(l, filter, err))
        return false;
    list_choose_order(l);
    l->ranked = !l->indexed && (l->sorted || l->type_count > 1 || !list_in_order(&l->types[0]));
    ranking_init(&l->ranking, l->order, wanted(l));
    return true;
}

static bool run(struct list *l, struct err *err)
{
    const struct list_type *t = &l->types[0];
    bool ok;

    if (!l->indexed && !l->ranked && t->exact) /* one statement */
        return list_walk(l, err);
    if (!db_begin(l->db, DB_READ, err))
        return false;
    if (l->indexed) {
        ok = list_all(l, err);
    } else {
        ok = l->ranked ? list_ranked(l, err) : list_walk(l, err);
    }
    if (!ok) {
        db_rollback(l->db);
        return false;
    }
    return db_commit(l->db, err);
}

static bool collect(struct list *l, struct buf *answer, struct err *err)
{
    const struct provider_settings *s = &l->call->tenant->profile->settings;

    if (!run(l, err))
        return false;
    if (s->not_found_for_empty && l->total == 0)
        return err_set(err, ERR_NOT_FOUND, "notFound", "nothing matches");
    l->total += s->wrong_total;
    if (s->cursor_only) {
        scim_list_begin_bare(answer, l->items, next_cursor(l));
    } else if (l->by_cursor) {
        scim_list_begin_cursor(answer, l->total, l->items, next_cursor(l));
    } else {
        scim_list_begin(answer, l->total, l->start, l->items);
    }
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
    ranking_done(&l->ranking);
    arena_free(l->scratch);
    if (ok) {
        reply_json(c, 200, buf_str(&answer));
    } else {
        reply_error(c, err);
    }
}

void list_run(struct list *l)
{
    struct pool *pool = &l->call->provider->pool;
    struct err err = {0};
    struct db *db = NULL;

    bool ok = pool_take(pool, &db, &err);

    l->db = db;
    finish(l, ok, &err);
    if (db)
        pool_give(pool, db);
}

void list_handle(struct call *c)
{
    struct list *l = ARENA_NEW(c->arena, struct list);
    struct err err = {0};

    l->call = c;
    if (prepare(l, &err)) {
        if (!list_is_scan(l)) {
            list_run(l);
            return;
        }
        if (scans_submit(&c->provider->scans, l, &err))
            return;
    }
    finish(l, false, &err);
}

bool list_quick(struct call *c)
{
    struct pool *pool = &c->provider->pool;
    struct list l = {.call = c};
    struct err err = {0};

    if (!prepare(&l, &err) || !list_is_look_up(&l) || !pool_take(pool, &l.db, &err)) {
        arena_free(l.scratch);
        return false;
    }
    finish(&l, true, &err);
    pool_give(pool, l.db);
    return true;
}
