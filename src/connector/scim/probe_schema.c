/* The attributes that an application's Schemas name, in the notation of mappings: the part of a
 * profile that says what can be mapped (scim.md 10.1, apps.md 1). */
#include "connector/scim/probe.h"

#define EXTENSION_END ":User"

struct list {
    struct probe *p;
    struct json *out;
    struct str urn; /* of an extension; empty: core */
};

static const char *type_of(const struct json *attribute)
{
    static const struct {
        const char *scim, *mapping;
    } types[] = {
        {"boolean", "Boolean"},   {"integer", "Integer"},     {"decimal", "String"},
        {"dateTime", "DateTime"}, {"reference", "Reference"}, {"binary", "Binary"},
    };
    struct str type = json_get_text(attribute, "type");

    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (str_eq_ascii_nocase(type, str_from_z(types[i].scim)))
            return types[i].mapping;
    }
    return "String";
}

static bool can_be_written(const struct json *attribute)
{
    return !str_eq_ascii_nocase(json_get_text(attribute, "mutability"), STR("readOnly"));
}

static void add(struct list *l, struct str name, const char *type, bool required)
{
    struct json *one = json_new(l->p->a, JSON_OBJECT);

    if (l->urn.len)
        name = arena_printf(l->p->a, "%.*s:%.*s", STR_ARG(l->urn), STR_ARG(name));
    json_add_str(l->p->a, one, "target", name);
    json_add_z(l->p->a, one, "type", type);
    if (required)
        json_add_bool(l->p->a, one, "required", true);
    json_append(l->out, one);
}

static const struct json *sub_attribute(const struct json *attribute, const char *name)
{
    JSON_EACH(sub, json_get_nocase(attribute, STR("subAttributes")))
    {
        if (str_eq_ascii_nocase(json_get_text(sub, "name"), str_from_z(name)))
            return sub;
    }
    return NULL;
}

/* emails[type eq "work"].value, for each type that is suggested: what is told of an element beside
 * its value is not mapped by itself. */
static void add_elements(struct list *l, const struct json *attribute, struct str name)
{
    const struct json *type = sub_attribute(attribute, "type");
    const struct json *value = sub_attribute(attribute, "value");
    const struct json *kinds = type ? json_get_nocase(type, STR("canonicalValues")) : NULL;

    if (!type || !json_is(kinds, JSON_ARRAY) || kinds->count == 0) {
        add(l, name, "String", false);
        return;
    }
    JSON_EACH(kind, kinds)
    {
        JSON_EACH(sub, json_get_nocase(attribute, STR("subAttributes")))
        {
            struct str part = json_get_text(sub, "name");

            if (!json_is(kind, JSON_STRING) || !can_be_written(sub) || sub == type ||
                (value && sub != value))
                continue;
            add(l,
                arena_printf(l->p->a, "%.*s[type eq %.*s].%.*s", STR_ARG(name),
                             STR_ARG(json_text(l->p->a, kind)), STR_ARG(part)),
                type_of(sub), false);
        }
    }
}

static bool is_reference(struct str name)
{
    return str_eq_ascii_nocase(name, STR("manager")) || str_eq_ascii_nocase(name, STR("members"));
}

static void add_attribute(struct list *l, const struct json *attribute)
{
    struct str name = json_get_text(attribute, "name");
    bool required = json_get_bool(attribute, "required", false);

    if (name.len == 0 || !can_be_written(attribute))
        return;
    if (is_reference(name)) {
        add(l, name, "Reference", required);
    } else if (!str_eq_ascii_nocase(json_get_text(attribute, "type"), STR("complex"))) {
        add(l, name, type_of(attribute), required);
    } else if (json_get_bool(attribute, "multiValued", false)) {
        add_elements(l, attribute, name);
    } else {
        JSON_EACH(sub, json_get_nocase(attribute, STR("subAttributes")))
        {
            if (can_be_written(sub))
                add(l,
                    arena_printf(l->p->a, "%.*s.%.*s", STR_ARG(name),
                                 STR_ARG(json_get_text(sub, "name"))),
                    type_of(sub), json_get_bool(sub, "required", false));
        }
    }
}

struct json *probe_attributes(struct probe *p, const char *core, bool extensions)
{
    struct list l = {.p = p, .out = json_new(p->a, JSON_ARRAY)};

    JSON_EACH(schema, p->schemas ? json_get_nocase(p->schemas, STR("Resources")) : NULL)
    {
        struct str id = json_get_text(schema, "id");
        bool is_core = str_eq_ascii_nocase(id, str_from_z(core));

        if (!is_core && !(extensions && str_ends(id, STR(EXTENSION_END))))
            continue;
        l.urn = is_core ? (struct str){0} : id;
        JSON_EACH(attribute, json_get_nocase(schema, STR("attributes")))
        {
            add_attribute(&l, attribute);
        }
    }
    return l.out;
}
