/* The source of an attribute mapping: direct, constant, expression or none (attribute-mappings.md
 * 1). */
#include "mapping/schema.h"

bool source_check_name(struct compiler *k, const struct place *at, size_t offset,
                       const struct source_scope *scope, struct str name)
{
    const struct source_attribute *nearest;

    if (source_attribute_find(scope->kind, name) || source_attribute_is_extension(name) ||
        schema_attribute_definition(scope->definition, name))
        return true;
    nearest = source_attribute_nearest(scope->kind, name);
    if (!nearest) {
        return schema_finding_at(k, at, offset, "UnknownAttribute",
                                 arena_printf(k->arena, "the source has no attribute '%.*s'",
                                              STR_ARG(str_sub(name, 0, 150))));
    }
    return schema_finding_at(
        k, at, offset, "UnknownAttribute",
        arena_printf(k->arena, "the source has no attribute '%.*s'; the nearest is '%.*s'",
                     STR_ARG(str_sub(name, 0, 150)), STR_ARG(nearest->name)));
}

static void write_quoted(struct buf *out, struct str s)
{
    buf_add_char(out, '"');
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '"' || s.ptr[i] == '\\')
            buf_add_char(out, '\\');
        buf_add_char(out, s.ptr[i]);
    }
    buf_add_char(out, '"');
}

static bool find_function(struct str name, struct expr_function_info *out)
{
    for (size_t i = 0; i < expr_function_count(); i++) {
        *out = expr_function_info(i);
        if (str_eq_z(name, out->name))
            return true;
    }
    return false;
}

static void write_source(struct buf *out, const struct json *source, size_t depth);

/* Name(a, , b) from {key, value} pairs: positions whose key is passed over are left empty. */
static void write_call(struct buf *out, const struct json *source, size_t depth)
{
    struct expr_function_info f = {0};
    bool known = find_function(json_get_text(source, "name"), &f);
    size_t position = 0;
    bool first = true;

    buf_add(out, json_get_text(source, "name"));
    buf_add_char(out, '(');
    JSON_EACH(p, json_get(source, STR("parameters")))
    {
        struct str key = json_get_text(p, "key");

        while (known && position < f.parameter_count && !f.parameters[position].repeats &&
               !str_eq_ascii_nocase(key, str_from_z(f.parameters[position].name))) {
            buf_add_z(out, first ? "" : ", ");
            first = false;
            position++;
        }
        buf_add_z(out, first ? "" : ", ");
        first = false;
        position++;
        write_source(out, json_get(p, STR("value")), depth + 1);
    }
    buf_add_char(out, ')');
}

/* The text of a source given by type and name alone. */
static void write_source(struct buf *out, const struct json *source, size_t depth)
{
    struct str type = json_get_text(source, "type");
    struct str expression = json_get_text(source, "expression");
    struct str name = json_get_text(source, "name");

    if (str_eq_ascii_nocase(type, STR("Function"))) {
        if (expression.len > 0) {
            buf_add(out, expression);
        } else if (depth < EXPR_MAX_DEPTH) {
            write_call(out, source, depth);
        }
    } else if (str_eq_ascii_nocase(type, STR("Constant"))) {
        if (name.len > 0 || expression.len == 0) {
            write_quoted(out, name);
        } else {
            buf_add(out, expression);
        }
    } else if (name.len > 0) {
        buf_add_char(out, '[');
        buf_add(out, name);
        buf_add_char(out, ']');
    } else {
        buf_add(out, expression);
    }
}

void source_write(struct buf *out, const struct json *source)
{
    write_source(out, source, 0);
}

/* Where a name stands in the expression's text, for the finding. */
static size_t offset_of(struct str text, struct str name)
{
    size_t at;

    return str_find(text, name, &at) ? at : 0;
}

static bool check_names(struct compiler *k, const struct place *at,
                        const struct source_scope *scope, const struct mapping_attribute *m)
{
    size_t count;
    const unsigned *slots = expr_slots(m->expr, &count);
    bool ok = true;

    for (size_t i = 0; i < count; i++) {
        struct str name = expr_names_at(scope->names, slots[i]);

        ok &= source_check_name(k, at, offset_of(m->source_text, name), scope, name);
    }
    return ok;
}

static bool compile_expression(struct compiler *k, const struct place *at,
                               const struct source_scope *scope, struct mapping_attribute *m)
{
    struct place place = {.parent = at, .name = "expression"};
    struct expr_error error;

    if (!expr_compile(k->arena, m->source_text, scope->names, &m->expr, &error)) {
        return schema_finding_at(k, &place, error.offset, expr_fault_name(error.fault),
                                 str_from_z(error.err.message));
    }
    m->secret = m->secret || expr_redacts(m->expr);
    m->selects_unique = expr_selects_unique(m->expr);
    return check_names(k, &place, scope, m);
}

/* A direct mapping of a reference is not evaluated: its value is another object's id. */
static bool finish_direct(struct compiler *k, const struct place *at,
                          const struct source_scope *scope, struct str name,
                          struct mapping_attribute *m)
{
    const struct source_attribute *a = source_attribute_find(scope->kind, name);
    size_t count;

    m->form = MAPPING_DIRECT;
    m->slot = expr_slots(m->expr, &count)[0];
    if (!a)
        return true;
    if (str_eq_z(a->name, "appRoleAssignments")) {
        return schema_finding(k, at, "RolesMappedDirectly",
                              "appRoleAssignments cannot be mapped directly: use "
                              "SingleAppRoleAssignment, AppRoleAssignmentsComplex or "
                              "AssertiveAppRoleAssignmentsComplex");
    }
    m->secret = m->secret || str_eq_z(a->name, "passwordProfile.password");
    m->is_reference = a->type == ATTRIBUTE_REFERENCE;
    if (m->is_reference)
        m->reference = a->name;
    return true;
}

static bool finish_constant(struct compiler *k, const struct place *at, struct str text,
                            struct mapping_attribute *m)
{
    struct err err;

    m->form = MAPPING_CONSTANT;
    if (target_convert_text(m, arena_str(k->arena, text), k->arena, &m->constant, &err))
        return true;
    return schema_finding(k, at, "InvalidConstant", "%s", err.message);
}

/* No value of the expression's type can become one of the target's. */
static bool mismatches(const struct mapping_attribute *m)
{
    enum expr_type got = expr_result(m->expr);
    bool never = got == EXPR_DATE || got == EXPR_BINARY || got == EXPR_COMPLEX;

    if (m->type == ATTRIBUTE_BOOLEAN)
        return never || got == EXPR_INTEGER || got == EXPR_DOUBLE;
    return m->type == ATTRIBUTE_INTEGER && (never || got == EXPR_BOOLEAN);
}

/* What would fail for everybody is found when it is saved. */
static bool check_expression(struct compiler *k, const struct place *at,
                             const struct mapping_attribute *m)
{
    struct place place = {.parent = at, .name = "expression"};
    const struct json *converted;
    struct expr_value v;
    struct err err;

    for (const struct expr_warning *w = expr_lint(k->arena, m->expr); w; w = w->next) {
        if (w->certain) {
            return schema_finding_at(k, &place, w->error.offset, expr_fault_name(w->error.fault),
                                     arena_printf(k->arena,
                                                  "the expression never gives a value: %s",
                                                  w->error.err.message));
        }
    }
    if (mismatches(m)) {
        return schema_finding(k, &place, "TypeMismatch",
                              "the expression gives no %s, which '%.*s' needs",
                              attribute_type_name(m->type), STR_ARG(str_sub(m->target, 0, 120)));
    }
    if (expr_constant_value(m->expr, &v) && !target_convert(m, &v, k->arena, &converted, &err))
        return schema_finding(k, &place, "TypeMismatch", "%s", err.message);
    return true;
}

static const struct schema_name source_types[] = {
    {"Attribute", MAPPING_DIRECT},
    {"Constant", MAPPING_CONSTANT},
    {"Function", MAPPING_EXPRESSION},
};

bool source_compile(struct compiler *k, const struct place *at, const struct json *mapping,
                    const struct source_scope *scope, struct mapping_attribute *m)
{
    const struct json *source = schema_object(k, at, mapping, "source");
    struct place place = {.parent = at, .name = "source"};
    size_t before = k->findings;
    int type = MAPPING_DIRECT;
    CLEANUP(buf_done) struct buf text = {0};
    struct str only;

    m->form = MAPPING_NONE;
    m->source_text = (struct str){"", 0};
    if (!source)
        return true;
    if (!schema_enum(k, &place, source, "type", source_types, ARRAY_LEN(source_types), &type))
        return false;
    schema_text(k, &place, source, "name");
    schema_text(k, &place, source, "expression");
    schema_array(k, &place, source, "parameters");
    if (k->findings != before)
        return false;
    buf_init(&text, (size_t)EXPR_MAX_CHARACTERS * 4 + 1);
    source_write(&text, source);
    m->source_text = arena_str(k->arena, buf_str(&text));
    if (!compile_expression(k, &place, scope, m))
        return false;
    if (expr_is_attribute(m->expr, &only))
        return finish_direct(k, &place, scope, only, m);
    if (expr_is_constant(m->expr, &only))
        return finish_constant(k, &place, only, m);
    m->form = MAPPING_EXPRESSION;
    return check_expression(k, &place, m);
}
