/* Two versions of a schema compared, in words. The tables of shape.c say what belongs together:
 * elements with a name are found again wherever they stand. */
#include "base/map.h"
#include "mapping/document.h"
#include "mapping/shape.h"

#include <stdarg.h>

enum { SHOWN_MAX = 160 }; /* bytes of a value */

struct comparison {
    struct arena *arena;
    size_t max; /* 0: no limit */
    size_t count;
    struct mapping_difference *first;
    struct mapping_difference *last;
};

/* Where a difference is: for programs and for people. */
struct spot {
    struct str pointer;
    struct str where;
};

static void say(struct comparison *c, const struct spot *at, const char *format, ...)
    PRINTF_LIKE(3, 4);

static void say(struct comparison *c, const struct spot *at, const char *format, ...)
{
    struct mapping_difference *d;
    char text[1024];
    va_list args;

    if (c->count++ >= c->max && c->max > 0)
        return;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    d = ARENA_NEW(c->arena, struct mapping_difference);
    d->pointer = at->pointer;
    d->where = at->where;
    d->text = arena_str(c->arena, str_from_z(text));
    if (c->last) {
        c->last->next = d;
    } else {
        c->first = d;
    }
    c->last = d;
}

/* --- Values in words --- */

static struct str cut(struct arena *a, struct str s)
{
    size_t len = s.len < SHOWN_MAX ? s.len : SHOWN_MAX;

    if (len == s.len)
        return s;
    while (len > 0 && ((unsigned char)s.ptr[len] & 0xC0) == 0x80)
        len--;
    return arena_printf(a, "%.*s...", (int)len, s.ptr);
}

static struct str quoted(struct arena *a, struct str s)
{
    return arena_printf(a, "'%.*s'", STR_ARG(cut(a, s)));
}

static struct str source_text(struct arena *a, const struct json *source)
{
    CLEANUP(buf_done) struct buf text = {0};

    if (!json_is(source, JSON_OBJECT))
        return STR("nothing");
    buf_init(&text, (size_t)EXPR_MAX_CHARACTERS * 4);
    source_write(&text, source);
    return arena_str(a, buf_str(&text));
}

static struct str texts_text(struct arena *a, const struct json *list)
{
    CLEANUP(buf_done) struct buf text = {0};

    buf_init(&text, (size_t)SHOWN_MAX * 2);
    JSON_EACH(item, list)
    {
        buf_addf(&text, "%s'%.*s'", text.len ? ", " : "", STR_ARG(str_sub(item->text, 0, 60)));
    }
    return text.len ? cut(a, arena_str(a, buf_str(&text))) : STR("none");
}

static struct str value_text(struct arena *a, const struct json *v)
{
    if (!v || v->type == JSON_NULL)
        return STR("none");
    if (v->type == JSON_STRING)
        return v->text.len ? quoted(a, v->text) : STR("empty");
    return cut(a, json_text(a, v));
}

static struct str clause_text(struct arena *a, const struct json *clause)
{
    const struct json *values = json_get(json_get(clause, STR("targetOperand")), STR("values"));
    struct str attribute = json_get_text(clause, "sourceOperandName");
    struct str op = json_get_text(clause, "operatorName");

    if (!json_is(values, JSON_ARRAY) || values->count == 0)
        return arena_printf(a, "%.*s %.*s", STR_ARG(attribute), STR_ARG(op));
    return arena_printf(a, "%.*s %.*s %.*s", STR_ARG(attribute), STR_ARG(op),
                        STR_ARG(texts_text(a, values)));
}

static struct str group_text(struct arena *a, const struct json *group)
{
    CLEANUP(buf_done) struct buf text = {0};

    buf_init(&text, 4096);
    JSON_EACH(clause, json_get(group, STR("clauses")))
    {
        buf_addf(&text, "%s%.*s", text.len ? " and " : "", STR_ARG(clause_text(a, clause)));
    }
    return arena_str(a, buf_str(&text));
}

/* What an element that came or went says, after its name; may be empty. */
static struct str summary(struct arena *a, const struct shape *shape, const struct json *item)
{
    if (shape == &shape_attribute_mapping) {
        return arena_printf(a, " from %.*s%s",
                            STR_ARG(cut(a, source_text(a, json_get(item, STR("source"))))),
                            json_get_int(item, "matchingPriority", 0) > 0 ? ", for matching" : "");
    }
    if (shape == &shape_filter_group)
        return arena_printf(a, ": %.*s", STR_ARG(cut(a, group_text(a, item))));
    if (shape == &shape_attribute)
        return arena_printf(a, " (%.*s)", STR_ARG(json_get_text(item, "type")));
    if (shape == &shape_filter_clause)
        return arena_printf(a, " %.*s", STR_ARG(clause_text(a, item)));
    return (struct str){"", 0};
}

/* --- Places --- */

static struct spot below(struct comparison *c, const struct spot *at, struct str name)
{
    return (struct spot){
        arena_printf(c->arena, "%.*s/%.*s", STR_ARG(at->pointer), STR_ARG(name)),
        at->where,
    };
}

static struct str title(struct comparison *c, const struct shape *shape, const struct json *item)
{
    struct str key = shape->key[0] ? json_get_text(item, shape->key[0]) : (struct str){"", 0};
    bool plain = shape == &shape_rule || shape == &shape_object_mapping ||
                 shape == &shape_attribute_mapping || shape == &shape_attribute;

    return plain ? cut(c->arena, key)
                 : arena_printf(c->arena, "%s %.*s", shape->what, STR_ARG(quoted(c->arena, key)));
}

static struct spot inside(struct comparison *c, const struct spot *list, size_t index,
                          const struct shape *shape, const struct json *item)
{
    return (struct spot){
        arena_printf(c->arena, "%.*s/%zu", STR_ARG(list->pointer), index),
        arena_printf(c->arena, "%.*s%s%.*s", STR_ARG(list->where), list->where.len ? " / " : "",
                     STR_ARG(title(c, shape, item))),
    };
}

/* --- Comparing --- */

static void compare_objects(struct comparison *c, const struct spot *at, const struct shape *shape,
                            const struct json *before, const struct json *after);

/* One element of a list under its identity. */
struct element {
    struct str key;
    const struct json *item;
    size_t index;
    bool paired;
};

/* Names of target attributes are compared without case and without the dot before a bracket. */
static struct str folded(struct arena *a, struct str s)
{
    char *out = arena_z(a, s);
    size_t n = 0;

    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] != '.' || i + 1 == s.len || s.ptr[i + 1] != '[')
            out[n++] = ascii_lower(s.ptr[i]);
    }
    return (struct str){out, n};
}

static struct str identity(struct arena *a, const struct shape *shape, const struct json *item)
{
    struct str first;

    if (!shape->key[0] || item->type != JSON_OBJECT)
        return json_text(a, item);
    first = json_get_text(item, shape->key[0]);
    if (shape->key_is_target)
        first = folded(a, first);
    if (!shape->key[1])
        return first;
    return arena_printf(a, "%.*s\n%.*s", STR_ARG(first),
                        STR_ARG(json_get_text(item, shape->key[1])));
}

/* The elements of a list by identity; the second of the same name is a different one. */
static struct element *list_elements(struct arena *a, const struct shape *shape,
                                     const struct json *list, struct map *by_key, size_t *out_count)
{
    struct element *all = ARENA_ARRAY(a, struct element, list ? list->count : 0);
    size_t n = 0;

    JSON_EACH(item, list)
    {
        struct element *e = &all[n];

        *e = (struct element){identity(a, shape, item), item, n, false};
        for (size_t again = 2; map_get(by_key, e->key); again++)
            e->key = arena_printf(a, "%.*s\n%zu", STR_ARG(e->key), again);
        map_put(by_key, e->key, e);
        n++;
    }
    *out_count = n;
    return all;
}

static bool same_order(const struct element *a, size_t a_count, const struct element *b,
                       size_t b_count)
{
    size_t j = 0;

    for (size_t i = 0; i < a_count; i++) {
        if (!a[i].paired)
            continue;
        while (j < b_count && !b[j].paired)
            j++;
        if (j == b_count || !str_eq(a[i].key, b[j].key))
            return false;
        j++;
    }
    return true;
}

static const char *words_of(const struct shape_member *m)
{
    return m->words ? m->words : m->name;
}

static void say_moved(struct comparison *c, const struct spot *list, const struct shape_member *m,
                      const struct element *e, bool is_new)
{
    struct arena *a = c->arena;
    struct spot at = {arena_printf(a, "%.*s/%zu", STR_ARG(list->pointer), e->index), list->where};
    struct str text = summary(a, m->shape, e->item);
    struct str name =
        m->shape->key[0] ? json_get_text(e->item, m->shape->key[0]) : (struct str){"", 0};

    if (!m->shape->key[0] && text.len == 0)
        text = arena_printf(a, " %.*s", STR_ARG(value_text(a, e->item)));
    say(c, &at, "%s%s%s%.*s%.*s%s", is_new ? "new " : "", m->shape->what,
        m->shape->key[0] ? " " : "", STR_ARG(m->shape->key[0] ? quoted(a, name) : (struct str){0}),
        STR_ARG(text), is_new ? "" : " removed");
}

static void compare_lists(struct comparison *c, const struct spot *at, const struct shape_member *m,
                          const struct json *before, const struct json *after)
{
    CLEANUP(map_done) struct map old_keys;
    CLEANUP(map_done) struct map new_keys;
    struct element *old;
    struct element *new;
    size_t old_count, new_count;

    map_init(&old_keys);
    map_init(&new_keys);
    old = list_elements(c->arena, m->shape, before, &old_keys, &old_count);
    new = list_elements(c->arena, m->shape, after, &new_keys, &new_count);
    for (size_t i = 0; i < old_count; i++) {
        old[i].paired = map_get(&new_keys, old[i].key) != NULL;
        if (!old[i].paired)
            say_moved(c, at, m, &old[i], false);
    }
    for (size_t i = 0; i < new_count; i++) {
        const struct element *same = map_get(&old_keys, new[i].key);
        struct spot one;

        new[i].paired = same != NULL;
        if (!same) {
            say_moved(c, at, m, &new[i], true);
        } else if (m->shape->key[0] && !json_equal(same->item, new[i].item)) {
            one = inside(c, at, i, m->shape, new[i].item);
            compare_objects(c, &one, m->shape, same->item, new[i].item);
        }
    }
    if (!same_order(old, old_count, new, new_count))
        say(c, at, "the order of the %s changed", words_of(m));
}

/* A member of an object that only its author understands. */
static void compare_inner(struct comparison *c, const struct spot *at, const char *words,
                          const struct json *before, const struct json *after)
{
    struct arena *a = c->arena;
    struct str name = cut(a, after ? after->name : before->name);
    struct str was = before ? value_text(a, before) : STR("absent");

    if (!after) {
        say(c, at, "%s: %.*s removed, was %.*s", words, STR_ARG(name), STR_ARG(was));
    } else if (!before || !json_equal(before, after)) {
        say(c, at, "%s: %.*s is now %.*s, was %.*s", words, STR_ARG(name),
            STR_ARG(value_text(a, after)), STR_ARG(was));
    }
}

static void compare_any(struct comparison *c, const struct spot *at, const struct shape_member *m,
                        const struct json *before, const struct json *after)
{
    const char *words = words_of(m);

    if (!json_is(before, JSON_OBJECT) || !json_is(after, JSON_OBJECT)) {
        say(c, at, "%s is now %.*s, was %.*s", words, STR_ARG(value_text(c->arena, after)),
            STR_ARG(value_text(c->arena, before)));
        return;
    }
    JSON_EACH(v, after)
    {
        compare_inner(c, at, words, json_get(before, v->name), v);
    }
    JSON_EACH(old, before)
    {
        if (!json_get(after, old->name))
            compare_inner(c, at, words, old, NULL);
    }
}

static void compare_scalars(struct comparison *c, const struct spot *at,
                            const struct shape_member *m, const struct json *before,
                            const struct json *after)
{
    struct arena *a = c->arena;
    struct str was;
    struct str is;

    if (m->form == FORM_BOOL && json_is(after, JSON_BOOL)) {
        say(c, at, "%s is switched %s", words_of(m), after->boolean ? "on" : "off");
        return;
    }
    if (m->form == FORM_SOURCE) {
        was = cut(a, source_text(a, before));
        is = cut(a, source_text(a, after));
    } else if (m->form == FORM_TEXTS) {
        was = texts_text(a, before);
        is = texts_text(a, after);
    } else if (m->form == FORM_NAME || m->form == FORM_FLAGS) {
        was = json_is(before, JSON_STRING) ? before->text : value_text(a, before);
        is = json_is(after, JSON_STRING) ? after->text : value_text(a, after);
    } else {
        was = value_text(a, before);
        is = value_text(a, after);
    }
    if (str_eq(was, is)) {
        say(c, at, "%s changed", words_of(m));
    } else {
        say(c, at, "%s is now %.*s, was %.*s", words_of(m), STR_ARG(is), STR_ARG(was));
    }
}

static void compare_members(struct comparison *c, const struct spot *parent,
                            const struct shape_member *m, const struct json *before,
                            const struct json *after)
{
    struct spot at = below(c, parent, str_from_z(m->name));
    size_t said = c->count;

    switch (m->form) {
    case FORM_TEXT:
    case FORM_BOOL:
    case FORM_INT:
    case FORM_NAME:
    case FORM_FLAGS:
    case FORM_TEXTS:
    case FORM_SOURCE:
        compare_scalars(c, &at, m, before, after);
        break;
    case FORM_OBJECT:
        compare_objects(c, &at, m->shape, json_is(before, JSON_OBJECT) ? before : NULL,
                        json_is(after, JSON_OBJECT) ? after : NULL);
        break;
    case FORM_LIST:
        compare_lists(c, &at, m, json_is(before, JSON_ARRAY) ? before : NULL,
                      json_is(after, JSON_ARRAY) ? after : NULL);
        break;
    case FORM_ANY:
        compare_any(c, &at, m, before, after);
        break;
    }
    if (c->count == said)
        say(c, &at, "%s changed", words_of(m));
}

static void compare_unknown(struct comparison *c, const struct spot *at, const struct shape *shape,
                            const struct json *before, const struct json *after)
{
    JSON_EACH(v, after)
    {
        const struct json *old = json_get(before, v->name);
        struct spot place;

        if (shape_member_find(shape, v->name) || (old && json_equal(old, v)))
            continue;
        place = below(c, at, v->name);
        say(c, &place, "%.*s %s", STR_ARG(str_sub(v->name, 0, 60)), old ? "changed" : "is new");
    }
    JSON_EACH(old, before)
    {
        struct spot place;

        if (shape_member_find(shape, old->name) || json_get(after, old->name))
            continue;
        place = below(c, at, old->name);
        say(c, &place, "%.*s removed", STR_ARG(str_sub(old->name, 0, 60)));
    }
}

static bool is_nothing(const struct json *v)
{
    return v->type == JSON_NULL || (v->type == JSON_ARRAY && v->count == 0);
}

static void compare_objects(struct comparison *c, const struct spot *at, const struct shape *shape,
                            const struct json *before, const struct json *after)
{
    static const struct json none = {.type = JSON_NULL};

    for (size_t i = 0; i < shape->count; i++) {
        const struct shape_member *m = &shape->members[i];
        const struct json *old = json_get(before, str_from_z(m->name));
        const struct json *new = json_get(after, str_from_z(m->name));

        if (shape == &shape_schema && m->form == FORM_TEXT) /* id and version are no content */
            continue;
        old = old ? old : &none;
        new = new ? new : &none;
        if ((!before || !after) && is_nothing(old) && is_nothing(new))
            continue; /* an empty list of an object that came or went */
        if (!json_equal(old, new))
            compare_members(c, at, m, old, new);
    }
    compare_unknown(c, at, shape, before, after);
}

void mapping_document_compare(struct arena *a, const struct json *before, const struct json *after,
                              size_t max, struct mapping_difference **out, size_t *out_count)
{
    struct comparison c = {.arena = a, .max = max};
    struct spot top = {STR(""), STR("")};

    compare_objects(&c, &top, &shape_schema, before, after);
    *out = c.first;
    *out_count = c.count;
}
