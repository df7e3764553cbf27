#include "base/unicode.h"
#include "scim/patch_work.h"

#define VALUE STR("value")

/* The elements that an operation touched; at most one of them may be primary, and then no other is.
 */
struct touched {
    struct json *primary;
    size_t primaries;
};

static void touch(struct touched *t, struct json *element)
{
    if (!scim_is_primary(element) || t->primary == element)
        return;
    t->primary = element;
    t->primaries++;
}

static bool settle_primary(struct patch_work *w, const struct touched *t, struct json *array)
{
    const struct scim_attribute *attribute = w->op->ref.attribute;

    if (t->primaries > 1) {
        return err_set(w->err, ERR_INVALID, "invalidValue",
                       "'%.*s' would have more than one primary element", STR_ARG(attribute->name));
    }
    JSON_EACH(element, t->primaries ? array : NULL)
    if (element != t->primary && scim_is_primary(element))
        json_set(w->arena, element, STR("primary"), json_bool(w->arena, false));
    return true;
}

static struct json *array_of(struct patch_work *w)
{
    const struct scim_attribute *attribute = w->op->ref.attribute;
    struct json *array = json_get(w->object, attribute->name);

    if (!array) {
        array = json_new(w->arena, JSON_ARRAY);
        json_add(w->arena, w->object, attribute->name, array);
    }
    return array;
}

static bool add_elements(struct patch_work *w, struct json *array, struct json *fresh)
{
    struct touched touched = {0};
    struct scim_list list;
    struct json *next;
    bool ok = true;

    scim_list_init(&list, w->arena, w->op->ref.attribute, array);
    for (struct json *element = fresh->first; element; element = next) {
        const struct json *same = scim_list_find(&list, element);

        next = element->next;
        if (same && scim_is_membership(w->op->ref.attribute))
            continue;
        ok = !same || patch_may_merge(w, same, element);
        if (!ok)
            break;
        json_unlink(fresh, element);
        touch(&touched, scim_list_add(&list, element));
    }
    scim_list_done(&list);
    return ok && settle_primary(w, &touched, array);
}

bool patch_set_list(struct patch_work *w)
{
    const struct scim_attribute *attribute = w->op->ref.attribute;
    struct json *value;

    if (!scim_value_read(w->arena, w->rules, attribute, w->op->value, &value, w->err))
        return false;
    if (w->op->kind == SCIM_PATCH_REPLACE)
        return patch_put(w, w->object, attribute, value);
    return !value || add_elements(w, array_of(w), value);
}

/* Sets or unassigns the sub-attribute of one element; without its `value` the element is gone. */
static bool set_sub_of(struct patch_work *w, struct json *array, struct json *element,
                       const struct json *value, struct touched *touched)
{
    const struct scim_attribute *sub = w->op->ref.sub;

    if (!value && str_eq(sub->name, VALUE)) {
        json_unlink(array, element);
        return true;
    }
    if (!patch_put(w, element, sub, value ? json_clone(w->arena, value) : NULL))
        return false;
    touch(touched, element);
    return true;
}

bool patch_set_sub_of_all(struct patch_work *w)
{
    struct json *array = array_of(w);
    struct touched touched = {0};
    struct json *value, *next, *element;

    if (!patch_read_sub(w, &value))
        return false;
    if (array->count == 0 && value) {
        element = json_new(w->arena, JSON_OBJECT);
        json_append(array, element);
    }
    for (element = array->first; element; element = next) {
        next = element->next;
        if (!set_sub_of(w, array, element, value, &touched))
            return false;
    }
    return settle_primary(w, &touched, array);
}

/* --- Elements chosen by a value filter --- */

/* Writes the equality terms of the filter into the element, over nothing that is there already.
 * False if the filter is anything else than equalities joined by `and`. */
static bool add_terms(struct patch_work *w, const struct scim_filter *f, struct json *element)
{
    const struct scim_attribute *attribute = w->op->ref.attribute;
    const struct scim_attribute *sub;
    struct json *value;

    if (f->op == SCIM_AND)
        return add_terms(w, f->left, element) && add_terms(w, f->right, element);
    sub = scim_sub_attribute(attribute, f->path.attribute);
    if (f->op != SCIM_EQ || !sub || f->value->type == JSON_NULL)
        return false;
    if (json_get(element, sub->name))
        return true;
    if (!scim_element_read(w->arena, &(struct scim_rules){0}, sub, SCIM_DROP_UNASSIGNED, f->value,
                           &value, NULL) ||
        !value)
        return false;
    json_add(w->arena, element, sub->name, value);
    return true;
}

/* The new content of a matching element: the value as a whole, or with just the sub-attribute. */
static bool read_element(struct patch_work *w, enum scim_nulls nulls, struct json **out)
{
    const struct scim_attribute *attribute = w->op->ref.attribute;
    struct json *value;

    if (!w->op->ref.sub)
        return scim_element_read(w->arena, w->rules, attribute, nulls, w->op->value, out, w->err);
    if (!patch_read_sub(w, &value))
        return false;
    *out = value ? json_new(w->arena, JSON_OBJECT) : NULL;
    if (value)
        json_add(w->arena, *out, w->op->ref.sub->name, value);
    return true;
}

/* Without match an element is made from the terms of the filter (scim.md 4.5). */
static bool create_element(struct patch_work *w, struct json *array)
{
    struct json *element;
    struct json *fresh = json_new(w->arena, JSON_ARRAY);

    if (!read_element(w, SCIM_DROP_UNASSIGNED, &element))
        return false;
    if (!element && !w->rules->no_create_on_no_match)
        return true;
    if (element && element->type == JSON_OBJECT && !w->rules->no_create_on_no_match &&
        add_terms(w, w->op->filter, element)) {
        json_append(fresh, element);
        return add_elements(w, array, fresh);
    }
    return err_set(w->err, ERR_INVALID, "noTarget",
                   "no element of '%.*s' matches, and the filter does not describe a new one",
                   STR_ARG(w->op->ref.attribute->name));
}

static bool replace_element(struct patch_work *w, struct json *element, struct json *fresh)
{
    const struct scim_attribute *attribute = w->op->ref.attribute;
    struct json *next;

    if (element->type != JSON_OBJECT) {
        element->text = fresh->text;
        element->boolean = fresh->boolean;
        return true;
    }
    for (size_t i = 0; i < attribute->sub_count; i++) {
        const struct scim_attribute *sub = &attribute->subs[i];
        const struct json *old = json_get(element, sub->name);
        const struct json *now = json_get(fresh, sub->name);

        if (sub->mutability == SCIM_IMMUTABLE && old && now && !json_equal(old, now))
            return patch_refuse_change(w, sub);
    }
    for (struct json *member = element->first; member; member = next) {
        next = member->next;
        json_unlink(element, member);
    }
    scim_complex_merge(w->arena, element, fresh);
    add_terms(w, w->op->filter, element);
    return true;
}

static bool set_whole_element(struct patch_work *w, struct json *array, struct json *element,
                              const struct json *value, struct touched *touched)
{
    struct json *fresh = value ? json_clone(w->arena, value) : NULL;

    if (!fresh && w->op->kind == SCIM_PATCH_ADD)
        return true;
    if (!fresh) {
        json_unlink(array, element);
        return true;
    }
    if (w->op->kind == SCIM_PATCH_REPLACE || element->type != JSON_OBJECT) {
        if (!replace_element(w, element, fresh))
            return false;
    } else if (!patch_merge(w, element, fresh)) {
        return false;
    }
    touch(touched, element);
    return true;
}

bool patch_set_matching(struct patch_work *w)
{
    struct json *array = array_of(w);
    struct touched touched = {0};
    struct json *value = NULL, *next;
    bool matched = false, ok = true;
    enum scim_nulls nulls =
        w->op->kind == SCIM_PATCH_ADD ? SCIM_KEEP_UNASSIGNED : SCIM_DROP_UNASSIGNED;

    if (w->op->ref.sub ? !patch_read_sub(w, &value) : !read_element(w, nulls, &value))
        return false;
    for (struct json *element = array->first; ok && element; element = next) {
        next = element->next;
        if (!scim_match_element(w->arena, w->op->matcher, element))
            continue;
        matched = true;
        ok = w->op->ref.sub ? set_sub_of(w, array, element, value, &touched)
                            : set_whole_element(w, array, element, value, &touched);
    }
    if (!ok)
        return false;
    return matched ? settle_primary(w, &touched, array) : create_element(w, array);
}

/* --- remove --- */

/* Equal in every sub-attribute that the given value has, apart from $ref and display. */
static bool is_listed(struct patch_work *w, const struct json *element, const struct json *given)
{
    const struct scim_attribute *attribute = w->op->ref.attribute;
    bool compared = false;

    if (element->type == JSON_STRING && !attribute->case_exact)
        return str_eq_fold(element->text, given->text);
    if (element->type != JSON_OBJECT)
        return json_equal(element, given);
    JSON_EACH(member, given)
    {
        const struct scim_attribute *sub = scim_sub_attribute(attribute, member->name);
        const struct json *mine = json_get(element, member->name);

        if (!sub || str_eq(sub->name, STR("$ref")) || str_eq(sub->name, STR("display")))
            continue;
        if (sub->mutability == SCIM_IMMUTABLE && !str_eq(sub->name, VALUE))
            continue;
        if (!mine ||
            !(mine->type == JSON_STRING && !sub->case_exact ? str_eq_fold(mine->text, member->text)
                                                            : json_equal(mine, member)))
            return false;
        compared = true;
    }
    return compared;
}

static bool remove_listed(struct patch_work *w, struct json *array)
{
    struct json *given, *next;

    if (!scim_value_read(w->arena, w->rules, w->op->ref.attribute, w->op->value, &given, w->err))
        return false;
    for (struct json *element = array->first; element; element = next) {
        next = element->next;
        JSON_EACH(item, given)
        if (is_listed(w, element, item)) {
            json_unlink(array, element);
            break;
        }
    }
    return true;
}

bool patch_remove_elements(struct patch_work *w)
{
    struct json *array = json_get(w->object, w->op->ref.attribute->name);
    struct touched touched = {0};
    struct json *next;

    if (!array)
        return true;
    if (!w->op->filter && !w->op->ref.sub && w->op->value && w->op->value->type != JSON_NULL)
        return remove_listed(w, array);
    for (struct json *element = array->first; element; element = next) {
        next = element->next;
        if (w->op->matcher && !scim_match_element(w->arena, w->op->matcher, element))
            continue;
        if (!w->op->ref.sub) {
            json_unlink(array, element);
        } else if (!set_sub_of(w, array, element, NULL, &touched)) {
            return false;
        }
    }
    return true;
}

void patch_merge_same(struct arena *a, const struct scim_patch_op *op, struct json *doc)
{
    const struct json *object = op->ref.extension ? json_get(doc, op->ref.extension->urn) : doc;
    struct json *array = op->ref.attribute ? json_get(object, op->ref.attribute->name) : NULL;
    struct json *first, *next;
    struct scim_list list;

    if (!op->ref.attribute || !op->ref.attribute->multi || !array || array->count < 2 ||
        (!op->filter && !op->ref.sub))
        return;
    first = array->first;
    array->first = array->last = NULL;
    array->count = 0;
    scim_list_init(&list, a, op->ref.attribute, array);
    for (struct json *element = first; element; element = next) {
        next = element->next;
        element->next = NULL;
        scim_list_add(&list, element);
    }
    scim_list_done(&list);
}
