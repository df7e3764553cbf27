#include "scim/patch.h"

#include "base/unicode.h"

#define VALUE STR("value")

/* One operation at work. `touched` are the elements that it set, for the primary rule. */
struct work {
    struct arena *arena;
    const struct scim_rules *rules;
    const struct scim_patch_op *op;
    struct json *object; /* holds the attribute: the document, or an extension's object */
    struct err *err;
};

static bool mutability(struct work *w, const struct scim_attribute *attribute)
{
    return err_set(w->err, ERR_INVALID, "mutability", "'%.*s' cannot be changed",
                   STR_ARG(attribute->name));
}

/* Sets or, with value NULL, unassigns a member; an immutable one may be set once. */
static bool put(struct work *w, struct json *object, const struct scim_attribute *attribute,
                struct json *value)
{
    const struct json *old = json_get(object, attribute->name);

    if (old && attribute->mutability == SCIM_IMMUTABLE && !(value && json_equal(old, value)))
        return mutability(w, attribute);
    if (value)
        json_set(w->arena, object, attribute->name, value);
    else
        json_remove(object, attribute->name);
    return true;
}

static bool read_sub(struct work *w, struct json **out)
{
    if (scim_element_read(w->arena, w->rules, w->op->ref.sub, SCIM_DROP_UNASSIGNED, w->op->value,
                          out, w->err))
        return true;
    return err_wrap(w->err, "%.*s", STR_ARG(w->op->ref.attribute->name));
}

/* A changed `value` (of manager) makes a stored $ref wrong. */
static void drop_stale_reference(struct json *into, const struct json *from)
{
    const struct json *old = json_get(into, VALUE);
    const struct json *fresh = json_get(from, VALUE);

    if (old && fresh && !json_equal(old, fresh))
        json_remove(into, STR("$ref"));
}

/* Merges sub-attributes, null taking one away, with a look at immutable ones. */
static bool merge(struct work *w, struct json *into, struct json *from)
{
    const struct scim_attribute *attribute = w->op->ref.attribute;

    JSON_EACH(member, from)
    {
        const struct scim_attribute *sub = scim_sub_attribute(attribute, member->name);
        const struct json *old = json_get(into, member->name);

        if (old && sub && sub->mutability == SCIM_IMMUTABLE && !json_equal(old, member))
            return mutability(w, sub);
    }
    drop_stale_reference(into, from);
    scim_complex_merge(w->arena, into, from);
    return true;
}

/* --- Single-valued --- */

static struct json *complex_of(struct work *w)
{
    const struct scim_attribute *attribute = w->op->ref.attribute;
    struct json *complex = json_get(w->object, attribute->name);

    if (!complex) {
        complex = json_new(w->arena, JSON_OBJECT);
        json_add(w->arena, w->object, attribute->name, complex);
    }
    return complex;
}

static bool set_single(struct work *w)
{
    const struct scim_attribute *attribute = w->op->ref.attribute;
    struct json *value;

    if (!scim_element_read(w->arena, w->rules, attribute, SCIM_KEEP_UNASSIGNED, w->op->value,
                           &value, w->err))
        return false;
    if (!value || attribute->type != SCIM_COMPLEX)
        return put(w, w->object, attribute, value);
    return merge(w, complex_of(w), value);
}

static bool set_single_sub(struct work *w)
{
    struct json *complex = complex_of(w);
    struct json *value;

    if (!read_sub(w, &value))
        return false;
    if (value && str_eq(w->op->ref.sub->name, VALUE)) {
        const struct json *old = json_get(complex, VALUE);

        if (old && !json_equal(old, value))
            json_remove(complex, STR("$ref"));
    }
    return put(w, complex, w->op->ref.sub, value);
}

/* --- Multi-valued --- */

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

static bool settle_primary(struct work *w, const struct touched *t, struct json *array)
{
    const struct scim_attribute *attribute = w->op->ref.attribute;

    if (t->primaries > 1)
        return err_set(w->err, ERR_INVALID, "invalidValue",
                       "'%.*s' would have more than one primary element", STR_ARG(attribute->name));
    JSON_EACH(element, t->primaries ? array : NULL)
    if (element != t->primary && scim_is_primary(element))
        json_set(w->arena, element, STR("primary"), json_bool(w->arena, false));
    return true;
}

static struct json *array_of(struct work *w)
{
    const struct scim_attribute *attribute = w->op->ref.attribute;
    struct json *array = json_get(w->object, attribute->name);

    if (!array) {
        array = json_new(w->arena, JSON_ARRAY);
        json_add(w->arena, w->object, attribute->name, array);
    }
    return array;
}

static bool add_elements(struct work *w, struct json *array, struct json *fresh)
{
    struct touched touched = {0};
    struct scim_list list;
    struct json *next;

    scim_list_init(&list, w->arena, w->op->ref.attribute, array);
    for (struct json *element = fresh->first; element; element = next) {
        next = element->next;
        json_unlink(fresh, element);
        touch(&touched, scim_list_add(&list, element));
    }
    scim_list_done(&list);
    return settle_primary(w, &touched, array);
}

static bool set_list(struct work *w)
{
    const struct scim_attribute *attribute = w->op->ref.attribute;
    struct json *value;

    if (!scim_value_read(w->arena, w->rules, attribute, w->op->value, &value, w->err))
        return false;
    if (w->op->kind == SCIM_PATCH_REPLACE)
        return put(w, w->object, attribute, value);
    return !value || add_elements(w, array_of(w), value);
}

/* Sets or unassigns the sub-attribute of one element; without its `value` the element is gone. */
static bool set_sub_of(struct work *w, struct json *array, struct json *element,
                       const struct json *value, struct touched *touched)
{
    const struct scim_attribute *sub = w->op->ref.sub;

    if (!value && str_eq(sub->name, VALUE)) {
        json_unlink(array, element);
        return true;
    }
    if (!put(w, element, sub, value ? json_clone(w->arena, value) : NULL))
        return false;
    touch(touched, element);
    return true;
}

static bool set_sub_of_all(struct work *w)
{
    struct json *array = array_of(w);
    struct touched touched = {0};
    struct json *value, *next, *element;

    if (!read_sub(w, &value))
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
static bool add_terms(struct work *w, const struct scim_filter *f, struct json *element)
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
static bool read_element(struct work *w, enum scim_nulls nulls, struct json **out)
{
    const struct scim_attribute *attribute = w->op->ref.attribute;
    struct json *value;

    if (!w->op->ref.sub)
        return scim_element_read(w->arena, w->rules, attribute, nulls, w->op->value, out, w->err);
    if (!read_sub(w, &value))
        return false;
    *out = value ? json_new(w->arena, JSON_OBJECT) : NULL;
    if (value)
        json_add(w->arena, *out, w->op->ref.sub->name, value);
    return true;
}

/* Without match an element is made from the terms of the filter (scim.md 4.5). */
static bool create_element(struct work *w, struct json *array)
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

static bool replace_element(struct work *w, struct json *element, struct json *fresh)
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
            return mutability(w, sub);
    }
    for (struct json *member = element->first; member; member = next) {
        next = member->next;
        json_unlink(element, member);
    }
    scim_complex_merge(w->arena, element, fresh);
    add_terms(w, w->op->filter, element);
    return true;
}

static bool set_whole_element(struct work *w, struct json *array, struct json *element,
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
    } else if (!merge(w, element, fresh)) {
        return false;
    }
    touch(touched, element);
    return true;
}

static bool set_matching(struct work *w)
{
    struct json *array = array_of(w);
    struct touched touched = {0};
    struct json *value = NULL, *next;
    bool matched = false, ok = true;
    enum scim_nulls nulls =
        w->op->kind == SCIM_PATCH_ADD ? SCIM_KEEP_UNASSIGNED : SCIM_DROP_UNASSIGNED;

    if (w->op->ref.sub ? !read_sub(w, &value) : !read_element(w, nulls, &value))
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
static bool is_listed(struct work *w, const struct json *element, const struct json *given)
{
    const struct scim_attribute *attribute = w->op->ref.attribute;
    bool compared = false;

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

static bool remove_listed(struct work *w, struct json *array)
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

static bool remove_elements(struct work *w)
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
        if (!w->op->ref.sub)
            json_unlink(array, element);
        else if (!set_sub_of(w, array, element, NULL, &touched))
            return false;
    }
    return true;
}

static bool apply_remove(struct work *w, struct json *doc)
{
    const struct scim_ref *ref = &w->op->ref;
    const struct scim_attribute *last = ref->sub ? ref->sub : ref->attribute;
    struct json *complex;

    if (!ref->attribute && !ref->extension)
        return err_set(w->err, ERR_INVALID, "invalidPath", "a whole core schema cannot be removed");
    if (!ref->attribute) {
        json_remove(doc, ref->extension->urn);
        return true;
    }
    if (last->required && !(ref->attribute->multi && (w->op->filter || w->op->value)))
        return err_set(w->err, ERR_INVALID, "mutability", "'%.*s' is required",
                       STR_ARG(last->name));
    if (ref->attribute->multi)
        return remove_elements(w);
    if (!ref->sub)
        return put(w, w->object, ref->attribute, NULL);
    complex = json_get(w->object, ref->attribute->name);
    return !complex || put(w, complex, ref->sub, NULL);
}

static bool apply_set(struct work *w)
{
    const struct scim_ref *ref = &w->op->ref;

    if (!ref->attribute->multi)
        return ref->sub ? set_single_sub(w) : set_single(w);
    if (w->op->filter)
        return set_matching(w);
    return ref->sub ? set_sub_of_all(w) : set_list(w);
}

static bool apply_op(struct arena *a, const struct scim_patch *patch,
                     const struct scim_patch_op *op, struct json *doc, struct err *err)
{
    struct work w = {.arena = a, .rules = patch->rules, .op = op, .object = doc, .err = err};

    if (op->ref.attribute && str_eq(op->ref.attribute->name, STR("schemas")))
        return true;
    if (op->ref.extension && op->ref.attribute) {
        w.object = json_get(doc, op->ref.extension->urn);
        if (!w.object) {
            w.object = json_new(a, JSON_OBJECT);
            json_add(a, doc, op->ref.extension->urn, w.object);
        }
    }
    return op->kind == SCIM_PATCH_REMOVE ? apply_remove(&w, doc) : apply_set(&w);
}

/* Elements that an operation made the same are one (scim.md 1.7). */
static void merge_same(struct arena *a, const struct scim_patch_op *op, struct json *doc)
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

bool scim_patch_apply(struct arena *a, const struct scim_patch *patch, const struct json *doc,
                      struct json **out, struct err *err)
{
    struct json *copy = json_clone(a, doc);

    for (size_t i = 0; i < patch->count; i++)
        if (!apply_op(a, patch, &patch->ops[i], copy, err))
            return false;
    for (size_t i = 0; i < patch->count; i++)
        merge_same(a, &patch->ops[i], copy);
    scim_resource_prune(patch->type, copy);
    if (!scim_resource_require(patch->type, copy, err))
        return false;
    *out = copy;
    return true;
}
