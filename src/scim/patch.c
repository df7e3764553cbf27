#include "scim/patch.h"

#include "scim/patch_work.h"

#include <assert.h>

#define VALUE STR("value")

bool patch_refuse_change(struct patch_work *w, const struct scim_attribute *attribute)
{
    return err_set(w->err, ERR_INVALID, "mutability", "'%.*s' cannot be changed",
                   STR_ARG(attribute->name));
}

bool patch_put(struct patch_work *w, struct json *object, const struct scim_attribute *attribute,
               struct json *value)
{
    const struct json *old = json_get(object, attribute->name);

    if (old && attribute->mutability == SCIM_IMMUTABLE && !(value && json_equal(old, value)))
        return patch_refuse_change(w, attribute);
    if (value) {
        json_set(w->arena, object, attribute->name, value);
    } else {
        json_remove(object, attribute->name);
    }
    return true;
}

bool patch_read_sub(struct patch_work *w, struct json **out)
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

bool patch_may_merge(struct patch_work *w, const struct json *into, const struct json *from)
{
    const struct scim_attribute *attribute = w->op->ref.attribute;

    JSON_EACH(member, from)
    {
        const struct scim_attribute *sub = scim_sub_attribute(attribute, member->name);
        const struct json *old = json_get(into, member->name);

        if (old && sub && sub->mutability == SCIM_IMMUTABLE && !json_equal(old, member))
            return patch_refuse_change(w, sub);
    }
    return true;
}

bool patch_merge(struct patch_work *w, struct json *into, struct json *from)
{
    if (!patch_may_merge(w, into, from))
        return false;
    drop_stale_reference(into, from);
    scim_complex_merge(w->arena, into, from);
    return true;
}

/* --- Single-valued --- */

static struct json *complex_of(struct patch_work *w)
{
    const struct scim_attribute *attribute = w->op->ref.attribute;
    struct json *complex = json_get(w->object, attribute->name);

    if (!complex) {
        complex = json_new(w->arena, JSON_OBJECT);
        json_add(w->arena, w->object, attribute->name, complex);
    }
    return complex;
}

static bool set_single(struct patch_work *w)
{
    const struct scim_attribute *attribute = w->op->ref.attribute;
    struct json *value;

    if (!scim_element_read(w->arena, w->rules, attribute, SCIM_KEEP_UNASSIGNED, w->op->value,
                           &value, w->err))
        return false;
    if (!value || attribute->type != SCIM_COMPLEX)
        return patch_put(w, w->object, attribute, value);
    return patch_merge(w, complex_of(w), value);
}

static bool set_single_sub(struct patch_work *w)
{
    struct json *complex = complex_of(w);
    struct json *value;

    if (!patch_read_sub(w, &value))
        return false;
    if (value && str_eq(w->op->ref.sub->name, VALUE)) {
        const struct json *old = json_get(complex, VALUE);

        if (old && !json_equal(old, value))
            json_remove(complex, STR("$ref"));
    }
    return patch_put(w, complex, w->op->ref.sub, value);
}

/* --- The whole --- */

/* An extension goes as a whole, unless something of it has to stay. */
static bool remove_extension(struct patch_work *w, const struct scim_schema *extension,
                             struct json *doc)
{
    JSON_EACH(member, json_get(doc, extension->urn))
    {
        const struct scim_attribute *attribute = scim_schema_attribute(extension, member->name);

        if (attribute && (attribute->required || attribute->mutability == SCIM_IMMUTABLE))
            return patch_refuse_change(w, attribute);
    }
    json_remove(doc, extension->urn);
    return true;
}

static bool apply_remove(struct patch_work *w, struct json *doc)
{
    const struct scim_ref *ref = &w->op->ref;
    const struct scim_attribute *last = ref->sub ? ref->sub : ref->attribute;
    struct json *complex;

    if (!ref->attribute && !ref->extension)
        return err_set(w->err, ERR_INVALID, "invalidPath", "a whole core schema cannot be removed");
    if (!ref->attribute)
        return remove_extension(w, ref->extension, doc);
    if (last->required && !(ref->attribute->multi && (w->op->filter || w->op->value))) {
        return err_set(w->err, ERR_INVALID, "mutability", "'%.*s' is required",
                       STR_ARG(last->name));
    }
    if (ref->attribute->multi)
        return patch_remove_elements(w);
    if (!ref->sub)
        return patch_put(w, w->object, ref->attribute, NULL);
    complex = json_get(w->object, ref->attribute->name);
    return !complex || patch_put(w, complex, ref->sub, NULL);
}

static bool apply_set(struct patch_work *w)
{
    const struct scim_ref *ref = &w->op->ref;

    assert(ref->attribute); /* the parser takes an extension as a whole apart */
    if (!ref->attribute->multi)
        return ref->sub ? set_single_sub(w) : set_single(w);
    if (w->op->filter)
        return patch_set_matching(w);
    return ref->sub ? patch_set_sub_of_all(w) : patch_set_list(w);
}

static bool apply_op(struct arena *a, const struct scim_patch *patch,
                     const struct scim_patch_op *op, struct json *doc, struct err *err)
{
    struct patch_work w = {.arena = a, .rules = patch->rules, .op = op, .object = doc, .err = err};

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

/* Comparisons of a value filter. */
static size_t comparisons(const struct scim_filter *f)
{
    if (!f)
        return 0;
    return (f->op > SCIM_VALUE_PATH) + comparisons(f->left) + comparisons(f->right) +
           comparisons(f->path.filter);
}

/* Elements that the operation looks at, each as often as its filter compares. */
static size_t work_of(const struct scim_patch_op *op, const struct json *doc)
{
    const struct json *object = op->ref.extension ? json_get(doc, op->ref.extension->urn) : doc;
    const struct json *array;
    size_t given = op->value && op->value->type == JSON_ARRAY ? op->value->count : 1;

    if (!op->ref.attribute || !op->ref.attribute->multi)
        return 0;
    array = json_get(object, op->ref.attribute->name);
    if (!array)
        return 0;
    if (op->filter)
        return array->count * (1 + comparisons(op->filter));
    return op->kind == SCIM_PATCH_REMOVE && !op->ref.sub ? array->count * given : array->count;
}

/* Whether an earlier operation was on the same elements, which are merged once. */
static bool merged_before(const struct scim_patch *patch, size_t i)
{
    const struct scim_patch_op *op = &patch->ops[i];

    for (size_t k = 0; k < i; k++) {
        const struct scim_patch_op *other = &patch->ops[k];

        if (other->ref.attribute == op->ref.attribute &&
            other->ref.extension == op->ref.extension && (other->filter || other->ref.sub))
            return true;
    }
    return false;
}

bool scim_patch_apply(struct arena *a, const struct scim_patch *patch, const struct json *doc,
                      struct json **out, struct err *err)
{
    size_t max_work = patch->rules->max_work ? patch->rules->max_work : SCIM_PATCH_WORK_MAX;
    struct json *copy = json_clone(a, doc);
    size_t own = 0, *work = patch->work ? patch->work : &own;

    for (size_t i = 0; i < patch->count; i++) {
        *work += work_of(&patch->ops[i], copy);
        if (*work > max_work) {
            return err_set(err, ERR_LIMIT, "patchTooCostly",
                           "the operations look at too many elements: send fewer in one request");
        }
        if (!apply_op(a, patch, &patch->ops[i], copy, err))
            return false;
    }
    for (size_t i = 0; i < patch->count; i++) {
        if (!merged_before(patch, i))
            patch_merge_same(a, &patch->ops[i], copy);
    }
    scim_resource_prune(patch->type, copy);
    if (!scim_resource_require(patch->type, copy, err))
        return false;
    *out = copy;
    return true;
}
