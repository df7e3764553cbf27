/* Takes the target attributes of a mapping apart, once: their paths, and the tree of a create
 * (attribute-mappings.md 8, scim.md 11.2). */
#include "base/buf.h"
#include "connector/scim/scim.h"
#include "scim/filter.h"
#include "scim/path.h"

enum { TEXT_MAX = 16 << 10 };

/* Multi-valued attributes of the core schema whose elements are objects with a value. */
static const struct str value_objects[] = {
    STR_INIT("emails"),           STR_INIT("phoneNumbers"), STR_INIT("ims"),
    STR_INIT("photos"),           STR_INIT("entitlements"), STR_INIT("roles"),
    STR_INIT("x509Certificates"),
};

/* Those whose element of type "work" is the primary one on create (client.primaryForWork). */
static const struct str primary_for_work[] = {
    STR_INIT("emails"),
    STR_INIT("phoneNumbers"),
    STR_INIT("addresses"),
};

static const struct {
    struct str endpoint;
    struct str type;
    struct str core_urn;
} kinds[] = {
    [SOURCE_USER] = {STR_INIT("/Users"), STR_INIT("User"),
                     STR_INIT("urn:ietf:params:scim:schemas:core:2.0:User")},
    [SOURCE_GROUP] = {STR_INIT("/Groups"), STR_INIT("Group"),
                      STR_INIT("urn:ietf:params:scim:schemas:core:2.0:Group")},
};
static_assert(ARRAY_LEN(kinds) == SOURCE_KIND_COUNT, "every kind has its endpoint");

static bool is_one_of(const struct str *names, size_t count, struct str name)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq_ascii_nocase(names[i], name))
            return true;
    }
    return false;
}

static struct str json_string_text(struct arena *a, struct str text)
{
    return json_text(a, json_string(a, text));
}

/* "True" of a mapping means the boolean where the attribute is one. */
static const struct json *term_value(struct arena *a, struct str name, const struct json *value)
{
    if (json_is(value, JSON_STRING) && str_eq_ascii_nocase(name, STR("primary"))) {
        if (str_eq_ascii_nocase(value->text, STR("true")))
            return json_bool(a, true);
        if (str_eq_ascii_nocase(value->text, STR("false")))
            return json_bool(a, false);
    }
    return value;
}

/* Only `a eq "x"`, or two of them joined by and, can be written as an element. */
static bool take_terms(struct arena *a, const struct scim_filter *f, struct scim_attribute *out)
{
    if (f->op == SCIM_AND)
        return take_terms(a, f->left, out) && take_terms(a, f->right, out);
    if (f->op != SCIM_EQ || out->term_count == SCIM_TERMS_MAX || f->path.filter || f->path.sub.len)
        return false;
    out->terms[out->term_count++] = (struct scim_term){
        .name = f->path.attribute,
        .value = term_value(a, f->path.attribute, f->value),
    };
    return true;
}

static void write_terms(struct buf *out, const struct scim_attribute *t)
{
    for (size_t i = 0; i < t->term_count; i++) {
        buf_add_z(out, i ? " and " : "");
        scim_filter_write_eq(out, t->terms[i].name, t->terms[i].value);
    }
}

static struct str terms_text(struct arena *a, const struct scim_attribute *t)
{
    CLEANUP(buf_done) struct buf text;

    buf_init(&text, TEXT_MAX);
    write_terms(&text, t);
    return arena_str(a, buf_str(&text));
}

enum path_part { PATH_LIST, PATH_WHOLE };

static struct str path_text(struct arena *a, const struct scim_attribute *t, enum path_part part)
{
    CLEANUP(buf_done) struct buf text;

    buf_init(&text, TEXT_MAX);
    if (t->urn.len) {
        buf_add(&text, t->urn);
        buf_add_char(&text, ':');
    }
    buf_add(&text, t->name);
    if (part == PATH_WHOLE && t->term_count) {
        buf_add_char(&text, '[');
        write_terms(&text, t);
        buf_add_char(&text, ']');
    }
    if (part == PATH_WHOLE && t->sub.len) {
        buf_add_char(&text, '.');
        buf_add(&text, t->sub);
    }
    return arena_str(a, buf_str(&text));
}

static bool compile_attribute(struct arena *a, const struct scim_object *o,
                              const struct mapping_attribute *m, struct scim_attribute *out,
                              struct err *err)
{
    struct scim_path path;

    if (!scim_path_parse(a, m->target, &path, err))
        return err_wrap(err, "target attribute");
    *out = (struct scim_attribute){
        .mapping = m,
        .urn = str_eq_ascii_nocase(path.urn, o->core_urn) ? (struct str){0} : path.urn,
        .name = path.attribute,
        .sub = path.sub,
        .value_objects = m->multivalued && path.urn.len == 0 &&
                         is_one_of(value_objects, ARRAY_LEN(value_objects), path.attribute),
    };
    if (path.attribute.len == 0 || (path.filter && !take_terms(a, path.filter, out))) {
        return err_set(err, ERR_INVALID, "invalidPath",
                       "target attribute '%.*s' names no attribute that can be written: only "
                       "name[sub eq \"value\"].sub is possible",
                       STR_ARG(m->target));
    }
    out->path = path_text(a, out, PATH_WHOLE);
    out->list_json = json_string_text(a, path_text(a, out, PATH_LIST));
    out->path_json = json_string_text(a, out->path);
    out->filter = arena_printf(a, "%.*s eq ", STR_ARG(out->path));
    return true;
}

/* The child of that kind and name, made if it is not there. */
static struct scim_body *child(struct arena *a, struct scim_body *parent, enum scim_body_kind kind,
                               struct str name)
{
    for (struct scim_body *b = parent->first; b; b = b->next) {
        if (b->kind == kind && kind != BODY_VALUE && str_eq_ascii_nocase(b->name, name))
            return b;
    }

    struct scim_body *b = ARENA_NEW(a, struct scim_body);
    b->kind = kind;
    b->name = name;
    b->head = arena_printf(a, "%.*s:", STR_ARG(json_string_text(a, name)));
    if (parent->last) {
        parent->last->next = b;
    } else {
        parent->first = b;
    }
    parent->last = b;
    return b;
}

static struct scim_body *element(struct arena *a, struct scim_body *array,
                                 const struct scim_attribute *t)
{
    CLEANUP(buf_done) struct buf fixed = {0};
    struct scim_body *b = child(a, array, BODY_ELEMENT, terms_text(a, t));

    if (b->fixed.len)
        return b;
    buf_init(&fixed, TEXT_MAX);
    for (size_t i = 0; i < t->term_count; i++) {
        buf_add_z(&fixed, i ? "," : "");
        json_write_text(&fixed, t->terms[i].name);
        buf_add_char(&fixed, ':');
        json_write(&fixed, t->terms[i].value);
        b->primary =
            b->primary || (t->urn.len == 0 && str_eq_ascii_nocase(t->terms[i].name, STR("type")) &&
                           json_is(t->terms[i].value, JSON_STRING) &&
                           str_eq_ascii_nocase(t->terms[i].value->text, STR("work")) &&
                           is_one_of(primary_for_work, ARRAY_LEN(primary_for_work), t->name));
    }
    b->fixed = arena_str(a, buf_str(&fixed));
    return b;
}

static void add_to_body(struct arena *a, struct scim_object *o, size_t place)
{
    struct scim_attribute *t = &o->attributes[place];
    struct scim_body *at = t->urn.len ? child(a, &o->extensions, BODY_OBJECT, t->urn) : &o->core;
    struct str name = t->name;

    if (t->term_count) {
        at = element(a, child(a, at, BODY_ARRAY, t->name), t);
        t->element = at;
        name = t->sub.len ? t->sub : STR("value");
    } else if (t->sub.len) {
        at = child(a, at, BODY_OBJECT, t->name);
        name = t->sub;
    }
    child(a, at, BODY_VALUE, name)->attribute = place;
}

bool scim_compile(struct arena *a, const struct mapping_object *m, const struct scim_style *style,
                  struct scim_object *out, struct err *err)
{
    struct scim_object o = {
        .mapping = m,
        .style = style,
        .endpoint = kinds[m->kind].endpoint,
        .type = kinds[m->kind].type,
        .core_urn = kinds[m->kind].core_urn,
        .attributes = ARENA_ARRAY(a, struct scim_attribute, m->attribute_count + 1),
        .core = {.kind = BODY_OBJECT},
        .extensions = {.kind = BODY_OBJECT},
    };

    if (m->attribute_count > SCIM_ATTRIBUTES_MAX) {
        return err_set(err, ERR_LIMIT, "tooManyAttributes", "more than %d attributes are mapped",
                       SCIM_ATTRIBUTES_MAX);
    }
    for (size_t i = 0; i < m->attribute_count; i++) {
        if (!compile_attribute(a, &o, &m->attributes[i], &o.attributes[i], err))
            return false;
        add_to_body(a, &o, i);
    }
    *out = o;
    return true;
}
