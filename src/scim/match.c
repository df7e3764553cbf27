#include "base/clock.h"
#include "base/unicode.h"
#include "scim/match_work.h"
#include "scim/value.h"

#define VALUE STR("value")

struct compiler {
    struct arena *arena;
    const struct scim_resource_type *type;
    const struct scim_rules *rules;      /* NULL: all tolerances */
    const struct scim_attribute *parent; /* in brackets: whose sub-attributes are named */
    bool known_names;                    /* unknown sub-attributes are errors */
    struct err *err;
};

static bool compile(struct compiler *c, const struct scim_filter *f, struct scim_matcher **out);

static bool is_comparison(enum scim_filter_op op)
{
    return op >= SCIM_EQ;
}

static bool fail(struct compiler *c, const struct scim_filter *f, const char *why)
{
    struct str op = scim_filter_op_name(f->op);

    return err_set(c->err, ERR_INVALID, "invalidFilter", "'%.*s%s%.*s' %.*s: %s",
                   STR_ARG(f->path.attribute), f->path.sub.len ? "." : "", STR_ARG(f->path.sub),
                   STR_ARG(op), why);
}

/* --- Names --- */

static bool refuse_sensitive(struct compiler *c, const struct scim_attribute *attribute)
{
    return err_set(c->err, ERR_DENIED, "sensitive", "'%.*s' cannot be used in a filter",
                   STR_ARG(attribute->name));
}

/* In brackets: a sub-attribute, or `value` for the elements of a simple attribute. */
static bool resolve_inner(struct compiler *c, const struct scim_filter *f, struct scim_matcher *m)
{
    const struct scim_attribute *parent = c->parent;

    if (str_empty(f->path.urn) && str_empty(f->path.sub)) {
        m->ref.attribute = parent;
        if (parent->type == SCIM_COMPLEX) {
            m->leaf = m->ref.sub = scim_sub_attribute(parent, f->path.attribute);
        } else if (str_eq_ascii_nocase(f->path.attribute, VALUE)) {
            m->leaf = parent;
        }
    }
    if (m->leaf && m->leaf->returned == SCIM_NEVER) {
        return c->known_names ? fail(c, f, "its values cannot be compared")
                              : refuse_sensitive(c, m->leaf);
    }
    if (m->leaf)
        return true;
    m->ref.attribute = NULL;
    return !c->known_names ||
           err_set(c->err, ERR_INVALID, "invalidPath", "'%.*s' has no sub-attribute '%.*s'",
                   STR_ARG(parent->name), STR_ARG(f->path.attribute));
}

static bool resolve(struct compiler *c, const struct scim_filter *f, struct scim_matcher *m)
{
    if (c->parent)
        return resolve_inner(c, f, m);
    if (!scim_resolve(c->type, &f->path, &m->ref) || !m->ref.attribute) {
        m->ref = (struct scim_ref){0};
        return true;
    }
    m->leaf = m->ref.sub ? m->ref.sub : m->ref.attribute;
    if (m->ref.attribute->returned == SCIM_NEVER || m->leaf->returned == SCIM_NEVER)
        return refuse_sensitive(c, m->leaf);
    if (f->path.filter && !m->ref.attribute->multi)
        return fail(c, f, "a value filter needs a multi-valued attribute");
    if (is_comparison(f->op) && m->leaf->type == SCIM_COMPLEX) {
        m->leaf = m->ref.sub = scim_sub_attribute(m->ref.attribute, VALUE);
        if (!m->leaf)
            return fail(c, f, "name a sub-attribute to compare");
    }
    return true;
}

/* --- Operators and operands (scim.md 3.3) --- */

static bool op_suits(enum scim_type type, enum scim_filter_op op)
{
    bool contains = op == SCIM_CO || op == SCIM_SW || op == SCIM_EW;

    if (op == SCIM_EQ || op == SCIM_NE || op == SCIM_PR)
        return true;
    switch (type) {
    case SCIM_STRING:
    case SCIM_REFERENCE:
    case SCIM_DATETIME:
        return true;
    case SCIM_INTEGER:
    case SCIM_DECIMAL:
        return !contains;
    case SCIM_BINARY:
        return contains;
    case SCIM_BOOLEAN:
    case SCIM_COMPLEX:
    case SCIM_TYPE_COUNT:
        return false;
    }
    return false;
}

static bool convert_operand(struct compiler *c, const struct scim_filter *f, struct scim_matcher *m)
{
    bool is_true = str_eq_ascii_nocase(m->text, STR("true"));

    switch (m->leaf->type) {
    case SCIM_BOOLEAN:
        m->boolean = is_true;
        if (c->rules && c->rules->strict_booleans && f->value->type == JSON_STRING)
            return fail(c, f, "compare with true or false, without quotes");
        if (!is_true && !str_eq_ascii_nocase(m->text, STR("false")))
            return fail(c, f, "compare with true or false");
        return true;
    case SCIM_INTEGER:
    case SCIM_DECIMAL:
        m->is_whole = str_to_int(m->text, INT64_MIN, INT64_MAX, &m->whole);
        return str_to_double(m->text, &m->number) || fail(c, f, "compare with a number");
    case SCIM_DATETIME:
        if (f->op != SCIM_CO && f->op != SCIM_SW && f->op != SCIM_EW &&
            !scim_instant(m->text, &m->instant))
            return fail(c, f, "compare with a date and time");
        m->folded = m->text;
        return true;
    case SCIM_STRING:
    case SCIM_REFERENCE:
    case SCIM_BINARY:
    case SCIM_COMPLEX:
    case SCIM_TYPE_COUNT:
        break;
    }
    m->folded = m->leaf->case_exact ? m->text : str_fold(c->arena, m->text);
    return true;
}

static bool compile_comparison(struct compiler *c, const struct scim_filter *f,
                               struct scim_matcher *m)
{
    m->is_null = f->value->type == JSON_NULL;
    m->text = f->value->text;
    if (m->is_null && f->op != SCIM_EQ && f->op != SCIM_NE)
        return fail(c, f, "null compares with eq and ne only");
    if (!m->leaf)
        return true;
    if (!op_suits(m->leaf->type, f->op))
        return fail(c, f, "the operator does not suit the type of the attribute");
    return m->is_null || convert_operand(c, f, m);
}

static bool compile_brackets(struct compiler *c, const struct scim_filter *f,
                             struct scim_matcher *m)
{
    static const struct scim_attribute nobody = {.type = SCIM_COMPLEX};
    struct compiler inside = *c;
    struct scim_matcher *inner;

    inside.parent = m->ref.attribute ? m->ref.attribute : &nobody;
    if (!compile(&inside, f->path.filter, &inner))
        return false;
    m->inner = inner;
    return true;
}

static bool compile(struct compiler *c, const struct scim_filter *f, struct scim_matcher **out)
{
    struct scim_matcher *m = ARENA_NEW(c->arena, struct scim_matcher);
    struct scim_matcher *left = NULL, *right = NULL;

    m->op = f->op;
    *out = m;
    if (f->op == SCIM_AND || f->op == SCIM_OR || f->op == SCIM_NOT) {
        if (!compile(c, f->left, &left) || (f->right && !compile(c, f->right, &right)))
            return false;
        m->left = left;
        m->right = right;
        return true;
    }
    if (!resolve(c, f, m) || (f->path.filter && !compile_brackets(c, f, m)))
        return false;
    return !is_comparison(f->op) || compile_comparison(c, f, m);
}

bool scim_matcher_compile(struct arena *a, const struct scim_resource_type *type,
                          const struct scim_rules *rules, const struct scim_filter *filter,
                          const struct scim_matcher **out, struct err *err)
{
    struct compiler c = {.arena = a, .type = type, .rules = rules, .err = err};
    struct scim_matcher *m;

    if (!compile(&c, filter, &m))
        return false;
    *out = m;
    return true;
}

bool scim_matcher_compile_inner(struct arena *a, const struct scim_attribute *attribute,
                                const struct scim_rules *rules, const struct scim_filter *filter,
                                const struct scim_matcher **out, struct err *err)
{
    struct compiler c = {
        .arena = a, .rules = rules, .parent = attribute, .known_names = true, .err = err};
    struct scim_matcher *m;

    if (!compile(&c, filter, &m))
        return false;
    *out = m;
    return true;
}

size_t scim_matcher_uses_count(const struct scim_matcher *m, struct str attribute)
{
    size_t count = m->ref.attribute && str_eq(m->ref.attribute->name, attribute) ? 1 : 0;

    if (m->left)
        count += scim_matcher_uses_count(m->left, attribute);
    if (m->right)
        count += scim_matcher_uses_count(m->right, attribute);
    return count;
}

bool scim_matcher_uses(const struct scim_matcher *m, struct str attribute)
{
    return scim_matcher_uses_count(m, attribute) > 0;
}

/* --- Equalities --- */

static bool is_text(const struct scim_attribute *leaf)
{
    return leaf && (leaf->type == SCIM_STRING || leaf->type == SCIM_REFERENCE);
}

/* Walks the conjunction in order (brackets count where nothing but a matching element can make the
 * comparison true), counting *i down; `outer` is the attribute in front of brackets.
 */
static bool find_equality(const struct scim_matcher *m, const struct scim_matcher *outer, size_t *i,
                          struct scim_equality *out)
{
    if (m->op == SCIM_AND)
        return find_equality(m->left, outer, i, out) || find_equality(m->right, outer, i, out);
    if (m->inner && !matcher_takes_absent(m) && find_equality(m->inner, m, i, out))
        return true;
    if (m->op != SCIM_EQ || m->is_null || !is_text(m->leaf) || (*i)-- > 0)
        return false;
    *out = (struct scim_equality){.ref = m->ref, .text = m->text};
    if (outer)
        out->ref.extension = outer->ref.extension;
    return true;
}

bool scim_matcher_equality(const struct scim_matcher *m, size_t i, struct scim_equality *out)
{
    if (!find_equality(m, NULL, &i, out))
        return false;
    out->whole = m->op == SCIM_EQ && !m->inner;
    return true;
}

bool scim_matcher_since(const struct scim_matcher *m, struct str attribute, struct str sub,
                        int64_t *out_us)
{
    int64_t right;
    bool has_left, has_right;

    if (m->op == SCIM_AND) {
        has_left = scim_matcher_since(m->left, attribute, sub, out_us);
        has_right = scim_matcher_since(m->right, attribute, sub, &right);
        if (has_right && (!has_left || right > *out_us))
            *out_us = right;
        return has_left || has_right;
    }
    if ((m->op != SCIM_GT && m->op != SCIM_GE && m->op != SCIM_EQ) || m->is_null || m->inner ||
        !m->leaf || m->leaf->type != SCIM_DATETIME || m->ref.extension || !m->ref.sub ||
        !str_eq(m->ref.attribute->name, attribute) || !str_eq(m->ref.sub->name, sub))
        return false;
    *out_us = m->instant;
    return true;
}

bool scim_matcher_boolean(const struct scim_matcher *m, struct str attribute, bool *out,
                          bool *out_whole)
{
    if (m->op == SCIM_AND) {
        bool found = scim_matcher_boolean(m->left, attribute, out, out_whole) ||
                     scim_matcher_boolean(m->right, attribute, out, out_whole);

        if (found)
            *out_whole = false;
        return found;
    }
    if (m->op != SCIM_EQ || m->is_null || m->inner || !m->leaf || m->leaf->type != SCIM_BOOLEAN ||
        m->leaf->multi || m->ref.extension || m->ref.sub ||
        !str_eq(m->ref.attribute->name, attribute))
        return false;
    *out = m->boolean;
    *out_whole = true;
    return true;
}
