/* Reads accounts as servers return them (scim.md 10.2): names in any case, booleans and numbers as
 * text, one where many belong, and the other way round. */
#include "base/clock.h"
#include "base/unicode.h"
#include "connector/scim/protect.h"
#include "connector/scim/scim.h"

/* A scalar as text; empty if it is none. */
static struct str scalar_text(const struct json *v)
{
    if (json_is(v, JSON_STRING) || json_is(v, JSON_NUMBER))
        return v->text;
    if (json_is(v, JSON_BOOL))
        return v->boolean ? STR("true") : STR("false");
    return STR("");
}

/* What an object stands for where a single value is wanted. */
static const struct json *plain(const struct json *v)
{
    return json_is(v, JSON_OBJECT) ? json_get_nocase(v, STR("value")) : v;
}

/* The value in the type of the mapping, NULL if there is none. */
static struct json *normal(struct arena *a, const struct mapping_attribute *m, const struct json *v)
{
    int64_t n;

    v = plain(v);
    if (!v || v->type == JSON_NULL || v->type == JSON_ARRAY || v->type == JSON_OBJECT)
        return NULL;
    switch (m->type) {
    case ATTRIBUTE_BOOLEAN:
        if (str_eq_ascii_nocase(scalar_text(v), STR("true")))
            return json_bool(a, true);
        if (str_eq_ascii_nocase(scalar_text(v), STR("false")))
            return json_bool(a, false);
        break;
    case ATTRIBUTE_INTEGER:
        if (str_to_int(scalar_text(v), INT64_MIN, INT64_MAX, &n))
            return json_int(a, n);
        break;
    case ATTRIBUTE_STRING:
    case ATTRIBUTE_DATETIME:
    case ATTRIBUTE_REFERENCE:
    case ATTRIBUTE_BINARY:
    case ATTRIBUTE_TYPE_COUNT:
        break;
    }
    return json_string(a, scalar_text(v));
}

static bool term_holds(const struct scim_term *term, const struct json *element)
{
    return str_eq_fold(scalar_text(json_get_nocase(element, term->name)), scalar_text(term->value));
}

bool scim_terms_hold(const struct scim_attribute *t, const struct json *element)
{
    for (size_t i = 0; i < t->term_count; i++) {
        if (!term_holds(&t->terms[i], element))
            return false;
    }
    return true;
}

/* Is there nothing in the element that speaks about the terms? */
static bool says_nothing(const struct scim_attribute *t, const struct json *element)
{
    for (size_t i = 0; i < t->term_count; i++) {
        if (json_get_nocase(element, t->terms[i].name))
            return false;
    }
    return true;
}

/* The element that the terms mean. A single one without a type counts as the mapped type. */
static const struct json *find_element(const struct scim_attribute *t, const struct json *list)
{
    if (!json_is(list, JSON_ARRAY))
        return list && (scim_terms_hold(t, list) || says_nothing(t, list)) ? list : NULL;
    JSON_EACH(element, list)
    {
        if (scim_terms_hold(t, element))
            return element;
    }
    return list->count == 1 && says_nothing(t, list->first) ? list->first : NULL;
}

/* One of several where the mapping has one: the primary, else the first. */
static const struct json *only_one(const struct json *v)
{
    if (!json_is(v, JSON_ARRAY))
        return v;
    JSON_EACH(element, v)
    {
        if (str_eq_ascii_nocase(scalar_text(json_get_nocase(element, STR("primary"))), STR("true")))
            return element;
    }
    return v->first;
}

static struct json *read_all(struct arena *a, const struct scim_attribute *t, const struct json *v)
{
    struct json *list = json_new(a, JSON_ARRAY);
    struct json *value;

    if (!json_is(v, JSON_ARRAY)) {
        if ((value = normal(a, t->mapping, v)))
            json_append(list, value);
    } else {
        JSON_EACH(item, v)
        {
            if ((value = normal(a, t->mapping, item)))
                json_append(list, value);
        }
    }
    return list->count ? list : NULL;
}

/* The attribute as a whole, before filter and sub-attribute. */
static const struct json *find_attribute(const struct scim_attribute *t,
                                         const struct json *resource)
{
    if (t->urn.len)
        resource = json_get_nocase(resource, t->urn);
    return json_get_nocase(resource, t->name);
}

static struct json *read_attribute(struct arena *a, const struct scim_attribute *t,
                                   const struct json *resource)
{
    const struct json *v = find_attribute(t, resource);

    if (!v || v->type == JSON_NULL)
        return NULL;
    if (t->mapping->multivalued && t->term_count == 0 && t->sub.len == 0)
        return read_all(a, t, v);
    v = t->term_count ? find_element(t, v) : only_one(v);
    /* A complex value that came as a plain one is its value. */
    if (t->sub.len && (json_is(v, JSON_OBJECT) || !str_eq_ascii_nocase(t->sub, STR("value"))))
        v = json_get_nocase(v, t->sub);
    return v ? normal(a, t->mapping, v) : NULL;
}

/* An id has to fit a column of text and its index in every database, and a line of a log. */
static bool is_id(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if ((unsigned char)s.ptr[i] < 0x20 || s.ptr[i] == 0x7f)
            return false;
    }
    return s.len <= SCIM_ID_MAX && utf8_valid(s, NULL);
}

static struct str read_id(struct arena *a, const struct json *resource)
{
    struct str id = scalar_text(json_get_nocase(resource, STR("id")));

    return is_id(id) ? arena_str(a, id) : STR("");
}

struct str scim_read_location(struct arena *a, struct str location)
{
    struct str id;
    size_t at;

    if (str_find_char(location, '?', &at))
        location = str_sub(location, 0, at);
    while (str_ends(location, STR("/")))
        location.len--;
    if (!str_find_last_char(location, '/', &at))
        return STR("");
    return http_url_decode(a, str_from(location, at + 1), false, &id) && is_id(id) ? id : STR("");
}

static int64_t read_created(const struct json *meta)
{
    const struct json *v = json_get_nocase(meta, STR("created"));
    int64_t us;

    return json_is(v, JSON_STRING) && time_parse(v->text, &us) && us > 0 ? us : 0;
}

void scim_read_record(struct arena *a, const struct scim_object *o, const struct json *resource,
                      struct target_record *out)
{
    const struct json *meta = json_get_nocase(resource, STR("meta"));
    struct json *values = json_new(a, JSON_OBJECT);

    for (size_t i = 0; i < o->mapping->attribute_count; i++) {
        const struct scim_attribute *t = &o->attributes[i];
        struct json *v = read_attribute(a, t, resource);

        if (v)
            json_add(a, values, t->mapping->target, v);
    }
    *out = (struct target_record){
        .id = read_id(a, resource),
        .version = json_get_text(meta, "version"),
        .created_us = read_created(meta),
        .values = values,
        .is_protected = scim_protects(o->protect, resource),
    };
}

bool scim_has_element(const struct scim_attribute *t, const struct json *resource)
{
    const struct json *list = find_attribute(t, resource);

    if (!json_is(list, JSON_ARRAY))
        return list && scim_terms_hold(t, list);
    JSON_EACH(element, list)
    {
        if (scim_terms_hold(t, element))
            return true;
    }
    return false;
}

/* By its schema; a server may leave out all the rest when there is nobody. */
static bool is_list(const struct json *document)
{
    JSON_EACH(schema, json_get_nocase(document, STR("schemas")))
    {
        if (str_eq_ascii_nocase(scalar_text(schema),
                                STR("urn:ietf:params:scim:api:messages:2.0:ListResponse")))
            return true;
    }
    return false;
}

bool scim_read_list(const struct json *document, struct scim_list *out)
{
    const struct json *resources = json_get_nocase(document, STR("Resources"));
    const struct json *total = json_get_nocase(document, STR("totalResults"));
    int64_t n;

    if (!json_is(document, JSON_OBJECT) || (!resources && !total && !is_list(document)))
        return false;
    if (resources && resources->type != JSON_ARRAY && resources->type != JSON_NULL)
        return false;
    if (json_is(resources, JSON_NULL))
        resources = NULL;
    *out = (struct scim_list){
        .resources = resources,
        .count = resources ? resources->count : 0,
    };
    out->total = (int64_t)out->count;
    if (str_to_int(scalar_text(total), 0, INT64_MAX, &n)) {
        out->total = n;
        out->total_said = true;
    }
    out->next = scalar_text(json_get_nocase(document, STR("nextCursor")));
    return true;
}

bool scim_matches(const struct target_record *record, const struct mapping_criterion *by)
{
    for (size_t i = 0; i < by->count; i++) {
        const struct json *v = json_get(record->values, by->attributes[i]->target);

        if (!v || !mapping_equal(by->attributes[i], v, by->values[i]))
            return false;
    }
    return true;
}
