/* Applies changes to an account as it was received, for targets without PATCH (scim.md 10.4):
 * whatever is not mapped stays as the target said it. */
#include "connector/scim/body.h"

enum { VALUE_MAX = 1 << 20 };

/* The value as it is sent. */
static struct json *wire_value(struct arena *a, const struct scim_object *o,
                               const struct scim_attribute *t, const struct json *v)
{
    CLEANUP(buf_done) struct buf text;
    struct json *out;
    struct err ignored;

    buf_init(&text, VALUE_MAX);
    scim_write_value(&text, t, o->style, v, SCIM_SECRETS_SENT);
    return json_parse(a, arena_str(a, buf_str(&text)), NULL, &out, NULL, &ignored) ? out : NULL;
}

/* The member of that name in whatever letter case the target writes it. */
static struct json *member(struct json *object, struct str name)
{
    return json_get_nocase(object, name);
}

/* Sets or, with NULL, removes it; false when it was so already. */
static bool put_member(struct arena *a, struct json *object, struct str name, struct json *v)
{
    struct json *old = member(object, name);

    if (!v) {
        if (old)
            json_unlink(object, old);
        return old != NULL;
    }
    if (old && json_equal(old, v))
        return false;
    json_set(a, object, old ? old->name : name, v);
    return true;
}

/* The object of that name, made if it is not there and `make`. */
static struct json *child_object(struct arena *a, struct json *parent, struct str name, bool make)
{
    struct json *child = member(parent, name);

    if (json_is(child, JSON_OBJECT))
        return child;
    if (!make)
        return NULL;
    if (child)
        json_unlink(parent, child);
    child = json_new(a, JSON_OBJECT);
    json_add(a, parent, name, child);
    return child;
}

static struct json *find_element(const struct scim_attribute *t, struct json *list)
{
    for (struct json *e = json_is(list, JSON_ARRAY) ? list->first : NULL; e; e = e->next) {
        if (scim_terms_hold(t, e))
            return e;
    }
    return NULL;
}

/* An element that says nothing but which one it is. */
static bool is_hollow(const struct scim_attribute *t, const struct json *element)
{
    static const struct str beside[] = {STR_INIT("primary"), STR_INIT("display")};

    JSON_EACH(v, element)
    {
        bool known = false;

        for (size_t i = 0; i < t->term_count; i++)
            known = known || str_eq_ascii_nocase(v->name, t->terms[i].name);
        for (size_t i = 0; i < ARRAY_LEN(beside); i++)
            known = known || str_eq_ascii_nocase(v->name, beside[i]);
        if (!known)
            return false;
    }
    return true;
}

static bool put_in_element(struct arena *a, const struct scim_attribute *t, struct json *parent,
                           struct json *v)
{
    struct str sub = t->sub.len ? t->sub : STR("value");
    struct json *list = member(parent, t->name);
    struct json *element = find_element(t, list);
    bool changed;

    if (!element && !v)
        return false;
    if (!json_is(list, JSON_ARRAY)) {
        if (list)
            json_unlink(parent, list);
        list = json_new(a, JSON_ARRAY);
        json_add(a, parent, t->name, list);
    }
    if (!element) {
        element = json_new(a, JSON_OBJECT);
        for (size_t i = 0; i < t->term_count; i++)
            json_add(a, element, t->terms[i].name, json_clone(a, t->terms[i].value));
        json_append(list, element);
    }
    changed = put_member(a, element, sub, v);
    if (!v && is_hollow(t, element))
        json_unlink(list, element);
    return changed;
}

static void name_extension(struct arena *a, struct json *resource, struct str urn)
{
    struct json *schemas = member(resource, STR("schemas"));

    if (!json_is(schemas, JSON_ARRAY))
        return;
    JSON_EACH(s, schemas)
    {
        if (json_is(s, JSON_STRING) && str_eq_ascii_nocase(s->text, urn))
            return;
    }
    json_append(schemas, json_string(a, urn));
}

static bool apply(struct arena *a, const struct scim_object *o, const struct scim_attribute *t,
                  const struct json *after, struct json *resource)
{
    struct json *v = scim_is_empty(after) ? NULL : wire_value(a, o, t, after);
    struct json *parent = resource;

    if (t->urn.len) {
        parent = child_object(a, resource, t->urn, v != NULL);
        if (!parent)
            return false;
        if (v)
            name_extension(a, resource, t->urn);
    }
    if (t->term_count)
        return put_in_element(a, t, parent, v);
    if (t->sub.len) {
        parent = child_object(a, parent, t->name, v != NULL);
        return parent && put_member(a, parent, t->sub, v);
    }
    return put_member(a, parent, t->name, v);
}

static void drop_meta(struct json *resource)
{
    struct json *meta = member(resource, STR("meta"));

    if (meta)
        json_unlink(resource, meta);
}

bool scim_merge(struct arena *a, const struct scim_object *o, const struct mapping_changes *changes,
                struct json *resource)
{
    bool changed = false;

    for (size_t i = 0; i < changes->count; i++) {
        const struct mapping_change *c = &changes->items[i];

        changed |=
            apply(a, o, &o->attributes[c->attribute - o->mapping->attributes], c->after, resource);
    }
    drop_meta(resource);
    return changed;
}

static struct json *find_member(const struct json *list, struct str id)
{
    for (struct json *m = list->first; m; m = m->next) {
        const struct json *value = json_is(m, JSON_OBJECT) ? json_get_nocase(m, STR("value")) : m;

        if (value && str_eq(value->text, id))
            return m;
    }
    return NULL;
}

bool scim_shows_members(const struct scim_attribute *t, const struct json *resource)
{
    const struct json *list = json_get_nocase(resource, t->name);

    return json_is(list, JSON_ARRAY) && list->count > 0;
}

static struct json *member_of(struct arena *a, struct str id)
{
    struct json *m = json_new(a, JSON_OBJECT);

    json_add(a, m, STR("value"), json_string(a, id));
    return m;
}

void scim_set_members(struct arena *a, const struct scim_attribute *t, struct json *resource,
                      const struct str *ids, size_t count)
{
    struct json *list = json_new(a, JSON_ARRAY);

    for (size_t i = 0; i < count; i++)
        json_append(list, member_of(a, ids[i]));
    (void)put_member(a, resource, t->name, list);
}

bool scim_merge_members(struct arena *a, const struct scim_attribute *t, struct json *resource,
                        const struct str *add, size_t add_count, const struct str *remove,
                        size_t remove_count, size_t max, bool *out_changed)
{
    struct json *list = member(resource, t->name);

    *out_changed = false;
    if (!json_is(list, JSON_ARRAY)) {
        if (list)
            json_unlink(resource, list);
        list = json_new(a, JSON_ARRAY);
        json_add(a, resource, t->name, list);
    }
    for (size_t i = 0; i < remove_count; i++) {
        struct json *m = find_member(list, remove[i]);

        if (m)
            json_unlink(list, m);
        *out_changed |= m != NULL;
    }
    for (size_t i = 0; i < add_count; i++) {
        if (find_member(list, add[i]))
            continue;
        json_append(list, member_of(a, add[i]));
        *out_changed = true;
    }
    drop_meta(resource);
    return list->count <= max;
}
