/* Filling in what a schema leaves out: the tables of shape.c, walked along the document. */
#include "mapping/shape.h"

enum { NAMES_MAX = 256 }; /* bytes of flags */

/* What is known on the way down. */
struct context {
    struct compiler *k;
    enum source_kind kind; /* of the object mapping around */
};

static struct json *complete(const struct context *c, const struct place *at,
                             const struct shape *shape, const struct json *given);

/* Annotations of OData say nothing about the schema (graph-api.md 1.6). */
static bool is_annotation(struct str name)
{
    size_t at;

    return str_find(name, STR("@odata."), &at);
}

/* One flag by its name; flags may come as their number, too. */
static bool add_flag(const struct shape_member *m, struct str word, int64_t *flags)
{
    int64_t n;

    if (word.len == 0 || str_eq_ascii_nocase(word, STR("None")))
        return true;
    for (size_t i = 0; i < m->name_count; i++) {
        if (str_eq_ascii_nocase(word, str_from_z(m->names[i].name))) {
            *flags |= m->names[i].value;
            return true;
        }
    }
    if (!str_to_int(word, 0, 63, &n))
        return false;
    *flags |= n;
    return true;
}

static struct json *complete_flags(const struct context *c, const struct place *at,
                                   const struct json *object, const struct shape_member *m)
{
    struct place place = {.parent = at, .name = m->name};
    const struct json *v = json_get(object, str_from_z(m->name));
    struct str rest = schema_text(c->k, at, object, m->name);
    CLEANUP(buf_done) struct buf text = {0};
    bool more = json_is(v, JSON_STRING);
    int64_t flags = more ? 0 : m->number;

    while (more) {
        struct str word;

        more = str_cut(&rest, ',', &word);
        word = str_trim(word);
        if (!add_flag(m, word, &flags)) {
            schema_finding(c->k, &place, "UnknownValue", "'%.*s' is none of the %s",
                           STR_ARG(str_sub(word, 0, 60)), m->words ? m->words : m->name);
            return json_clone(c->k->arena, v);
        }
    }
    buf_init(&text, NAMES_MAX);
    for (size_t i = 0; i < m->name_count; i++) {
        if (flags & m->names[i].value)
            buf_addf(&text, "%s%s", text.len ? "," : "", m->names[i].name);
    }
    return json_string(c->k->arena, text.len ? buf_str(&text) : STR("None"));
}

static struct json *complete_name(const struct context *c, const struct place *at,
                                  const struct json *object, const struct shape_member *m)
{
    int value = m->names[0].value;
    const char *name = m->otherwise;

    for (size_t i = 0; i < m->name_count; i++) {
        if (str_eq_z(str_from_z(m->otherwise), m->names[i].name))
            value = m->names[i].value;
    }
    if (!schema_enum(c->k, at, object, m->name, m->names, m->name_count, &value))
        return json_clone(c->k->arena, json_get(object, str_from_z(m->name)));
    for (size_t i = 0; i < m->name_count; i++) {
        if (m->names[i].value == value)
            name = m->names[i].name;
    }
    return json_string(c->k->arena, str_from_z(name));
}

static struct json *complete_list(const struct context *c, const struct place *at,
                                  const struct json *object, const struct shape_member *m)
{
    struct place list = {.parent = at, .name = m->name};
    struct json *out = json_new(c->k->arena, JSON_ARRAY);
    size_t i = 0;

    JSON_EACH(item, schema_array(c->k, at, object, m->name))
    {
        struct place place = {.parent = &list, .index = i++};
        bool fits = item->type == (m->form == FORM_TEXTS ? JSON_STRING : JSON_OBJECT);

        if (!fits) {
            schema_finding(c->k, &place, "WrongType", "%s must be %s",
                           m->form == FORM_TEXTS ? "this" : m->shape->what,
                           m->form == FORM_TEXTS ? "text" : "an object");
        }
        json_append(out, fits && m->form == FORM_LIST ? complete(c, &place, m->shape, item)
                                                      : json_clone(c->k->arena, item));
    }
    return out;
}

static const struct schema_name source_types[] = {
    {"Attribute", MAPPING_DIRECT},
    {"Constant", MAPPING_CONSTANT},
    {"Function", MAPPING_EXPRESSION},
};

/* What the parsed form says of a source, and what it cannot say. */
static struct json *source_from(const struct context *c, const struct expr *e, struct str text)
{
    struct arena *a = c->k->arena;
    struct json *tree = expr_to_json(a, e);
    const struct source_attribute *known = NULL;
    struct str name;

    if (expr_is_attribute(e, &name)) {
        known = source_attribute_find(c->kind, name);
    } else if (!expr_is_constant(e, &name)) {
        /* True or NULL alone is a constant there, but read again it would be a text. A call keeps
         * its spelling: line ends and blanks are somebody's work. */
        json_set(a, tree, STR("type"), json_string(a, STR("Function")));
        json_set(a, tree, STR("expression"), json_string(a, str_trim(text)));
    }
    if (known && !str_eq(known->name, name)) {
        json_set(a, tree, STR("name"), json_string(a, known->name));
        json_set(a, tree, STR("expression"),
                 json_string(a, arena_printf(a, "[%.*s]", STR_ARG(known->name))));
    }
    return tree;
}

/* Both forms from whichever is given. */
static struct json *complete_source(const struct context *c, const struct place *at,
                                    const struct json *object)
{
    struct compiler *k = c->k;
    struct place place = {.parent = at, .name = "source"};
    const struct json *source = schema_object(k, at, object, "source");
    size_t before = k->findings;
    CLEANUP(buf_done) struct buf text = {0};
    struct expr_error error;
    const struct expr *e;
    struct json *tree;
    int type = MAPPING_DIRECT;

    if (!source)
        return json_clone(k->arena, json_get(object, STR("source")));
    schema_enum(k, &place, source, "type", source_types, ARRAY_LEN(source_types), &type);
    schema_text(k, &place, source, "name");
    schema_text(k, &place, source, "expression");
    schema_array(k, &place, source, "parameters");
    if (k->findings != before)
        return json_clone(k->arena, source);
    buf_init(&text, (size_t)EXPR_MAX_CHARACTERS * 4 + 1);
    source_write(&text, source);
    if (!expr_compile(k->arena, buf_str(&text), NULL, &e, &error))
        return json_clone(k->arena, source); /* compiling says what is wrong with it */
    tree = source_from(c, e, buf_str(&text));
    JSON_EACH(item, source)
    {
        if (!json_get(tree, item->name) && !is_annotation(item->name))
            json_add(k->arena, tree, item->name, json_clone(k->arena, item));
    }
    return tree;
}

static struct json *complete_text(const struct context *c, const struct place *at,
                                  const struct json *object, const struct shape_member *m)
{
    struct place place = {.parent = at, .name = m->name};
    const struct json *v = json_get(object, str_from_z(m->name));
    size_t before = c->k->findings;
    struct str text = schema_text(c->k, at, object, m->name);

    if (c->k->findings != before || json_is(v, JSON_STRING)) {
        if (m->needed && json_is(v, JSON_STRING) && text.len == 0)
            schema_finding(c->k, &place, "MissingValue", "%s must not be empty", m->name);
        return json_clone(c->k->arena, v);
    }
    if (m->needed)
        schema_finding(c->k, &place, "MissingValue", "%s is missing", m->name);
    return m->nullable ? json_null(c->k->arena)
                       : json_string(c->k->arena, str_from_z(m->otherwise ? m->otherwise : ""));
}

/* The value of one member; wrong ones are findings and stay as they are. */
static struct json *complete_member(const struct context *c, const struct place *at,
                                    const struct json *object, const struct shape_member *m)
{
    struct place place = {.parent = at, .name = m->name};
    struct arena *a = c->k->arena;
    const struct json *v = json_get(object, str_from_z(m->name));
    size_t before = c->k->findings;
    struct json *out = NULL;

    if (m->nullable && (!v || v->type == JSON_NULL))
        return json_null(a);
    switch (m->form) {
    case FORM_TEXT:
        return complete_text(c, at, object, m);
    case FORM_BOOL:
        out = json_bool(a, schema_bool(c->k, at, object, m->name, m->number != 0));
        break;
    case FORM_INT:
        out = json_int(a, schema_int(c->k, at, object, m->name, m->number));
        break;
    case FORM_NAME:
        return complete_name(c, at, object, m);
    case FORM_FLAGS:
        out = complete_flags(c, at, object, m);
        break;
    case FORM_TEXTS:
    case FORM_LIST:
        if (v && v->type != JSON_ARRAY && v->type != JSON_NULL) {
            schema_array(c->k, at, object, m->name);
            break;
        }
        return complete_list(c, at, object, m);
    case FORM_OBJECT:
        v = schema_object(c->k, at, object, m->name);
        if (v)
            return complete(c, &place, m->shape, v);
        break;
    case FORM_SOURCE:
        return complete_source(c, at, object);
    case FORM_ANY:
        return v ? json_clone(a, v) : json_null(a);
    }
    return c->k->findings == before ? out : json_clone(a, json_get(object, str_from_z(m->name)));
}

static bool is_default(const struct shape_member *m, const struct json *v)
{
    if (m->form == FORM_BOOL)
        return v->type == JSON_BOOL && v->boolean == (m->number != 0);
    return v->type == JSON_NULL || (v->type == JSON_ARRAY && v->count == 0);
}

static struct json *complete(const struct context *c, const struct place *at,
                             const struct shape *shape, const struct json *given)
{
    struct context inner = *c;
    struct arena *a = c->k->arena;
    struct json *out = json_new(a, JSON_OBJECT);

    if (shape == &shape_object_mapping &&
        str_eq_ascii_nocase(json_get_text(given, "sourceObjectName"), STR("Group")))
        inner.kind = SOURCE_GROUP;
    for (size_t i = 0; i < shape->count; i++) {
        const struct shape_member *m = &shape->members[i];
        struct json *v = complete_member(&inner, at, given, m);

        if (!m->optional || !is_default(m, v))
            json_add(a, out, str_from_z(m->name), v);
    }
    JSON_EACH(item, given)
    {
        if (!shape_member_find(shape, item->name) && !is_annotation(item->name))
            json_add(a, out, item->name, json_clone(a, item));
    }
    return out;
}

struct json *shape_complete(struct compiler *k, const struct json *given)
{
    struct context c = {.k = k, .kind = SOURCE_USER};

    return complete(&c, NULL, &shape_schema, given);
}
