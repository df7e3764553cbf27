#include "mapping/schema.h"

#include "mapping/document.h"

#include <stdarg.h>

static void write_pointer(struct buf *out, const struct place *at)
{
    if (!at)
        return;
    write_pointer(out, at->parent);
    if (at->name) {
        buf_addf(out, "/%s", at->name);
    } else {
        buf_addf(out, "/%zu", at->index);
    }
}

static struct str pointer_text(struct arena *a, const struct place *at)
{
    CLEANUP(buf_done) struct buf text = {0};

    buf_init(&text, 1024);
    write_pointer(&text, at);
    return arena_str(a, buf_str(&text));
}

bool schema_finding_at(struct compiler *k, const struct place *at, size_t offset, const char *code,
                       struct str message)
{
    struct mapping_finding *f;

    /* A document that is wrong a million times needs no million texts. */
    if (k->findings++ >= MAPPING_FINDINGS_MAX)
        return false;
    f = ARENA_NEW(k->arena, struct mapping_finding);
    f->pointer = pointer_text(k->arena, at);
    f->code = code;
    f->message = arena_str(k->arena, message);
    f->offset = offset;
    if (k->last) {
        k->last->next = f;
    } else {
        k->first = f;
    }
    k->last = f;
    return false;
}

bool schema_finding(struct compiler *k, const struct place *at, const char *code,
                    const char *format, ...)
{
    char message[512];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    return schema_finding_at(k, at, 0, code, str_from_z(message));
}

static const char *type_name(enum json_type type)
{
    static const char *const names[] = {
        [JSON_NULL] = "null",   [JSON_BOOL] = "a boolean", [JSON_NUMBER] = "a number",
        [JSON_STRING] = "text", [JSON_ARRAY] = "an array", [JSON_OBJECT] = "an object",
    };

    return names[type];
}

/* The member if it has the type; a finding if it has another; NULL if it is absent or null. */
static const struct json *member(struct compiler *k, const struct place *at,
                                 const struct json *object, const char *name, enum json_type type)
{
    const struct json *v = json_get(object, str_from_z(name));
    struct place place = {.parent = at, .name = name};

    if (!v || v->type == JSON_NULL)
        return NULL;
    if (v->type == type)
        return v;
    schema_finding(k, &place, "WrongType", "'%s' must be %s, not %s", name, type_name(type),
                   type_name(v->type));
    return NULL;
}

struct str schema_text(struct compiler *k, const struct place *at, const struct json *object,
                       const char *name)
{
    const struct json *v = member(k, at, object, name, JSON_STRING);

    return v ? v->text : (struct str){"", 0};
}

bool schema_bool(struct compiler *k, const struct place *at, const struct json *object,
                 const char *name, bool otherwise)
{
    const struct json *v = member(k, at, object, name, JSON_BOOL);

    return v ? v->boolean : otherwise;
}

int64_t schema_int(struct compiler *k, const struct place *at, const struct json *object,
                   const char *name, int64_t otherwise)
{
    const struct json *v = member(k, at, object, name, JSON_NUMBER);
    struct place place = {.parent = at, .name = name};
    int64_t n = otherwise;

    if (v && !json_to_int(v, &n))
        schema_finding(k, &place, "WrongType", "'%s' must be an integer", name);
    return n;
}

const struct json *schema_array(struct compiler *k, const struct place *at,
                                const struct json *object, const char *name)
{
    return member(k, at, object, name, JSON_ARRAY);
}

const struct json *schema_object(struct compiler *k, const struct place *at,
                                 const struct json *object, const char *name)
{
    return member(k, at, object, name, JSON_OBJECT);
}

bool schema_enum(struct compiler *k, const struct place *at, const struct json *object,
                 const char *name, const struct schema_name *names, size_t count, int *value)
{
    struct str text = schema_text(k, at, object, name);
    struct place place = {.parent = at, .name = name};
    CLEANUP(buf_done) struct buf known = {0};

    if (text.len == 0)
        return true;
    buf_init(&known, 256);
    for (size_t i = 0; i < count; i++) {
        if (str_eq_ascii_nocase(text, str_from_z(names[i].name))) {
            *value = names[i].value;
            return true;
        }
        buf_addf(&known, "%s%s", i > 0 ? ", " : "", names[i].name);
    }
    return schema_finding(k, &place, "UnknownValue", "'%.*s' is not a %s; it is one of %s",
                          STR_ARG(str_sub(text, 0, 60)), name, buf_z(&known));
}

/* Both names denote the built-in source directory (graph-api.md 2.9). */
static bool is_built_in(struct str directory)
{
    return str_eq_ascii_nocase(directory, STR("Azure Active Directory")) ||
           str_eq_ascii_nocase(directory, STR("Microsoft Entra ID"));
}

static const struct json *find_directory(const struct compiler *k, struct str name)
{
    JSON_EACH(d, json_get(k->schema, STR("directories")))
    {
        struct str candidate = json_get_text(d, "name");

        if (str_eq(candidate, name) || (is_built_in(candidate) && is_built_in(name)))
            return d;
    }
    return NULL;
}

bool schema_lacks_directory(const struct compiler *k, struct str directory)
{
    const struct json *all = json_get(k->schema, STR("directories"));

    return json_is(all, JSON_ARRAY) && all->count > 0 && !is_built_in(directory) &&
           !find_directory(k, directory);
}

const struct json *schema_object_definition(const struct compiler *k, struct str directory,
                                            struct str object)
{
    JSON_EACH(o, json_get(find_directory(k, directory), STR("objects")))
    {
        if (str_eq_ascii_nocase(json_get_text(o, "name"), object))
            return o;
    }
    return NULL;
}

const struct json *schema_attribute_definition(const struct json *object, struct str name)
{
    JSON_EACH(a, json_get(object, STR("attributes")))
    {
        if (target_same(json_get_text(a, "name"), name))
            return a;
    }
    return NULL;
}
