/* Which elements of a multi-valued attribute are the same (RFC 7643 section 2.4, scim.md 1.7). */
#include "base/unicode.h"
#include "scim/value.h"

#define VALUE STR("value")

bool scim_is_membership(const struct scim_attribute *attribute)
{
    const struct scim_attribute *value = scim_sub_attribute(attribute, VALUE);

    return value && value->mutability == SCIM_IMMUTABLE;
}

static void key_part(struct arena *a, struct buf *key, const struct scim_attribute *attribute,
                     const struct json *v)
{
    if (v && v->type == JSON_STRING) {
        buf_add(key, attribute->case_exact ? v->text : str_fold(a, v->text));
    } else if (v) {
        json_write(key, v);
    }
    buf_add_char(key, '\x1f');
}

static struct str element_key(struct arena *a, const struct scim_attribute *attribute,
                              const struct json *element)
{
    CLEANUP(buf_done) struct buf key;
    bool has_value = attribute->type == SCIM_COMPLEX && scim_sub_attribute(attribute, VALUE);

    buf_init(&key, SIZE_MAX / 2);
    if (attribute->type != SCIM_COMPLEX)
        key_part(a, &key, attribute, element);
    for (size_t i = 0; i < attribute->sub_count; i++) {
        const struct scim_attribute *sub = &attribute->subs[i];
        bool is_value = str_eq(sub->name, VALUE);

        if (has_value
                ? is_value || (str_eq(sub->name, STR("type")) && !scim_is_membership(attribute))
                : !str_eq(sub->name, STR("primary")))
            key_part(a, &key, sub, json_get(element, sub->name));
    }
    return arena_str(a, buf_str(&key));
}

void scim_list_init(struct scim_list *list, struct arena *a, const struct scim_attribute *attribute,
                    struct json *array)
{
    *list = (struct scim_list){.arena = a, .attribute = attribute, .array = array};
    map_init(&list->by_key);
    JSON_EACH(element, array)
    map_put(&list->by_key, element_key(a, attribute, element), element);
}

void scim_list_done(struct scim_list *list)
{
    map_done(&list->by_key);
}

/* The only element, which nothing was compared with before: most lists have no second one. */
static void key_first(struct scim_list *list)
{
    if (list->first)
        map_put(&list->by_key, element_key(list->arena, list->attribute, list->first), list->first);
    list->first = NULL;
}

struct json *scim_list_find(struct scim_list *list, const struct json *element)
{
    key_first(list);
    return map_get(&list->by_key, element_key(list->arena, list->attribute, element));
}

struct json *scim_list_add(struct scim_list *list, struct json *element)
{
    struct json *same;
    struct str key;

    if (list->array->count == 0) {
        element->name = (struct str){0};
        json_append(list->array, element);
        list->first = element;
        return element;
    }
    key_first(list);
    key = element_key(list->arena, list->attribute, element);
    same = map_get(&list->by_key, key);
    if (!same) {
        element->name = (struct str){0};
        json_append(list->array, element);
        map_put(&list->by_key, key, element);
        return element;
    }
    if (same->type == JSON_OBJECT)
        scim_complex_merge(list->arena, same, element);
    return same;
}

void scim_complex_merge(struct arena *a, struct json *into, struct json *from)
{
    struct json *next;

    for (struct json *member = from->first; member; member = next) {
        next = member->next;
        json_unlink(from, member);
        if (member->type == JSON_NULL) {
            json_remove(into, member->name);
        } else {
            json_set(a, into, member->name, member);
        }
    }
}

bool scim_is_primary(const struct json *element)
{
    return json_get_bool(element, "primary", false);
}

bool scim_primary_check(const struct scim_attribute *attribute, const struct json *array,
                        struct err *err)
{
    size_t primaries = 0;

    JSON_EACH(element, array)
    primaries += scim_is_primary(element);
    if (primaries > 1) {
        return err_set(err, ERR_INVALID, "invalidValue", "'%.*s' has more than one primary element",
                       STR_ARG(attribute->name));
    }
    return true;
}
