/* The station plan of the walk: what a create sends, what an update sends (attribute-mappings.md
 * 4). */
#include "base/clock.h"
#include "base/unicode.h"
#include "mapping/schema.h"

static bool is_empty(const struct json *v)
{
    return !v || v->type == JSON_NULL || (v->type == JSON_STRING && v->text.len == 0) ||
           ((v->type == JSON_ARRAY || v->type == JSON_OBJECT) && v->count == 0);
}

static bool equal_text(const struct mapping_attribute *m, struct str a, struct str b)
{
    int64_t x;
    int64_t y;

    if (str_eq(a, b) || (!m->case_exact && str_eq_fold(a, b)))
        return true;
    return m->type == ATTRIBUTE_DATETIME && time_parse(a, &x) && time_parse(b, &y) && x == y;
}

/* Targets write booleans and numbers as texts now and then. */
static struct str scalar_text(const struct json *v)
{
    if (v->type == JSON_BOOL)
        return v->boolean ? STR("true") : STR("false");
    return v->text;
}

static bool equal_scalar(const struct mapping_attribute *m, const struct json *a,
                         const struct json *b)
{
    bool structured = a->type == JSON_OBJECT || b->type == JSON_OBJECT || a->type == JSON_ARRAY ||
                      b->type == JSON_ARRAY;

    if (structured || (a->type == b->type && a->type != JSON_STRING))
        return json_equal(a, b);
    if (a->type == JSON_BOOL || b->type == JSON_BOOL)
        return str_eq_ascii_nocase(scalar_text(a), scalar_text(b));
    return equal_text(m, scalar_text(a), scalar_text(b));
}

static bool has_value(const struct mapping_attribute *m, const struct json *set,
                      const struct json *v)
{
    if (set->type != JSON_ARRAY)
        return equal_scalar(m, set, v);
    JSON_EACH(item, set)
    {
        if (equal_scalar(m, item, v))
            return true;
    }
    return false;
}

static bool is_subset(const struct mapping_attribute *m, const struct json *a, const struct json *b)
{
    if (a->type != JSON_ARRAY)
        return has_value(m, b, a);
    JSON_EACH(item, a)
    {
        if (!has_value(m, b, item))
            return false;
    }
    return true;
}

bool mapping_equal(const struct mapping_attribute *m, const struct json *a, const struct json *b)
{
    if (is_empty(a) || is_empty(b))
        return is_empty(a) && is_empty(b);
    if (a->type != JSON_ARRAY && b->type != JSON_ARRAY)
        return equal_scalar(m, a, b);
    return is_subset(m, a, b) && is_subset(m, b, a);
}

static void add_change(struct mapping_changes *out, const struct mapping_attribute *m,
                       const struct json *before, const struct json *after)
{
    out->items[out->count++] = (struct mapping_change){m, before, after};
}

static void changes_init(const struct mapping_object *m, struct arena *a,
                         struct mapping_changes *out)
{
    out->items = ARENA_ARRAY(a, struct mapping_change, m->attribute_count);
    out->count = 0;
}

/* A text as the target's type. The compiler has tried defaults, so that this does not fail. */
static const struct json *default_json(const struct mapping_attribute *m, struct str text,
                                       struct arena *a)
{
    const struct json *v = NULL;
    struct err err;

    if (!target_convert_text(m, text, a, &v, &err) || is_empty(v))
        return NULL;
    return v;
}

static const struct json *created_value(const struct mapping_attribute *m,
                                        const struct mapping_value *value, struct arena *a)
{
    const struct json *v = value->outcome == MAPPING_VALUE ? value->value : NULL;

    if (is_empty(v) && m->has_default && value->outcome != MAPPING_IGNORED)
        v = default_json(m, m->default_value, a);
    if (is_empty(v) && m->required && m->has_definition_default)
        v = default_json(m, m->definition_default, a);
    return is_empty(v) ? NULL : v;
}

static bool missing(struct str target, struct err *err)
{
    err_fill(err, ERR_INVALID, "MissingValues", "the target requires '%.*s', and it has no value",
             STR_ARG(str_sub(target, 0, 200)));
    return err_at(err, "%.*s", STR_ARG(str_sub(target, 0, 100)));
}

bool mapping_create(const struct mapping_object *m, const struct mapping_value *values,
                    struct arena *a, struct mapping_changes *out, struct err *err)
{
    changes_init(m, a, out);
    for (size_t i = 0; i < m->attribute_count; i++) {
        const struct mapping_attribute *attribute = &m->attributes[i];
        const struct json *v;

        if (attribute->is_reference)
            continue;
        v = created_value(attribute, &values[i], a);
        if (v) {
            add_change(out, attribute, NULL, v);
        } else if (attribute->required) {
            return missing(attribute->target, err);
        }
    }
    if (m->unmapped_required_count > 0)
        return missing(m->unmapped_required[0], err);
    return true;
}

/* Appends the values of v, a list or one value, except those that `without` has. */
static void append_values(const struct mapping_attribute *m, struct json *all, const struct json *v,
                          const struct json *without, struct arena *a)
{
    const struct json *item = v->type == JSON_ARRAY ? v->first : v;

    while (item) {
        if (!without || !has_value(m, without, item))
            json_append(all, json_clone(a, item));
        item = v->type == JSON_ARRAY ? item->next : NULL;
    }
}

/* All of before, and what after adds to it; NULL when it adds nothing. */
static const struct json *with_additions(const struct mapping_attribute *m,
                                         const struct json *before, const struct json *after,
                                         struct arena *a)
{
    struct json *all;

    if (is_empty(before))
        return after;
    if (is_subset(m, after, before))
        return NULL;
    all = json_new(a, JSON_ARRAY);
    append_values(m, all, before, NULL, a);
    append_values(m, all, after, before, a);
    return all;
}

/* One value of an update, by the table of section 4. */
static void update_value(const struct mapping_attribute *m, const struct json *before,
                         const struct json *after, struct arena *a, struct mapping_changes *out)
{
    bool clears = m->flow_null && is_empty(after);
    bool additions = m->multivalued && (m->flow_type == FLOW_MULTI_VALUE_ADD_ONLY ||
                                        m->flow_type == FLOW_VALUE_ADD_ONLY);

    if (clears) {
        if (!is_empty(before) && m->flow_type == FLOW_ALWAYS)
            add_change(out, m, before, NULL);
        return;
    }
    if (m->flow_type == FLOW_ATTRIBUTE_ADD_ONLY && !is_empty(before))
        return;
    if (m->flow_type == FLOW_VALUE_ADD_ONLY && !is_empty(before) && is_empty(after))
        return;
    if (additions && !is_empty(after)) {
        after = with_additions(m, before, after, a);
        if (!after)
            return;
    } else if (mapping_equal(m, before, after) &&
               (m->flow_behavior == FLOW_WHEN_CHANGED || is_empty(after))) {
        return;
    }
    add_change(out, m, before, after);
}

/* The member of current named like the mapping's target. Both mostly have the same order. */
static const struct json *current_value(const struct json *current, struct str target,
                                        const struct json **hint)
{
    const struct json *v = *hint;

    if (!v || !str_eq(v->name, target))
        v = json_get(current, target);
    if (v)
        *hint = v->next;
    return json_is(v, JSON_NULL) ? NULL : v;
}

void mapping_update(const struct mapping_object *m, const struct mapping_value *values,
                    const struct json *current, enum mapping_update_kind kind, struct arena *a,
                    struct mapping_changes *out)
{
    const struct json *hint = json_is(current, JSON_OBJECT) ? current->first : NULL;

    changes_init(m, a, out);
    for (size_t i = 0; i < m->attribute_count; i++) {
        const struct mapping_attribute *attribute = &m->attributes[i];
        const struct json *before = current_value(current, attribute->target, &hint);

        if (attribute->is_reference || attribute->flow_type == FLOW_OBJECT_ADD_ONLY ||
            (kind == UPDATE_SOFT_DELETED_ONLY && !attribute->uses_soft_deleted))
            continue;
        if (attribute->form == MAPPING_NONE) {
            if (is_empty(before) && attribute->has_default) {
                add_change(out, attribute, before,
                           default_json(attribute, attribute->default_value, a));
            }
        } else if (values[i].outcome == MAPPING_VALUE) {
            update_value(attribute, before, values[i].value, a, out);
        } else if (values[i].outcome == MAPPING_NULL && attribute->flow_null) {
            update_value(attribute, before, NULL, a, out);
        }
    }
}

bool mapping_set(const struct mapping_object *m, struct str target, struct str value,
                 const struct json *current, struct arena *a, struct mapping_changes *out,
                 struct err *err)
{
    const struct json *before;
    const struct json *after = NULL;
    size_t i = 0;

    while (i < m->attribute_count &&
           (m->attributes[i].is_reference || !target_same(m->attributes[i].target, target)))
        i++;
    if (i == m->attribute_count) {
        return err_set(err, ERR_INVALID, "SchemaAttributeNotFound",
                       "'%.*s' cannot be set on removal: no attribute mapping of %.*s fills it, so "
                       "nothing would take it back",
                       STR_ARG(str_sub(target, 0, 100)), STR_ARG(str_sub(m->name, 0, 60)));
    }
    if (value.len > 0 && !target_convert_text(&m->attributes[i], value, a, &after, err))
        return false;
    changes_init(m, a, out);
    before = json_is(current, JSON_OBJECT) ? json_get(current, m->attributes[i].target) : NULL;
    if (!mapping_equal(&m->attributes[i], before, after))
        add_change(out, &m->attributes[i], before, after);
    return true;
}

struct json *mapping_exported(const struct json *before, const struct mapping_changes *changes,
                              struct arena *a)
{
    struct json *all =
        json_is(before, JSON_OBJECT) ? json_clone(a, before) : json_new(a, JSON_OBJECT);

    for (size_t i = 0; i < changes->count; i++) {
        const struct mapping_change *c = &changes->items[i];

        if (!c->after) {
            json_remove(all, c->attribute->target);
        } else if (all->count == 0 || !before) {
            json_add(a, all, c->attribute->target, json_clone(a, c->after));
        } else {
            json_set(a, all, c->attribute->target, json_clone(a, c->after));
        }
    }
    return all;
}

struct str mapping_exported_text(const struct json *before, const struct mapping_changes *changes,
                                 struct arena *a)
{
    CLEANUP(buf_done) struct buf out;

    buf_init(&out, SIZE_MAX - 1);
    if (before)
        return json_text(a, mapping_exported(before, changes, a));
    buf_add_char(&out, '{');
    for (size_t i = 0; i < changes->count; i++) {
        const struct mapping_change *c = &changes->items[i];

        if (!c->after)
            continue;
        if (out.len > 1)
            buf_add_char(&out, ',');
        json_write_text(&out, c->attribute->target);
        buf_add_char(&out, ':');
        json_write(&out, c->after);
    }
    buf_add_char(&out, '}');
    return arena_str(a, buf_str(&out));
}

size_t mapping_criteria(const struct mapping_object *m, const struct mapping_value *values,
                        struct mapping_criterion *out, size_t max)
{
    size_t count = 0;
    size_t i = 0;

    while (i < m->matching_count && count < max) {
        unsigned priority = m->matching[i]->matching_priority;
        struct mapping_criterion one = {.count = 0};
        bool complete = true;

        for (; i < m->matching_count && m->matching[i]->matching_priority == priority; i++) {
            const struct mapping_attribute *attribute = m->matching[i];
            const struct mapping_value *v = &values[attribute - m->attributes];

            complete &= v->outcome == MAPPING_VALUE && !is_empty(v->value) &&
                        one.count < ARRAY_LEN(one.values);
            if (!complete)
                continue;
            one.attributes[one.count] = attribute;
            one.values[one.count++] = v->value;
        }
        if (complete)
            out[count++] = one;
    }
    return count;
}
