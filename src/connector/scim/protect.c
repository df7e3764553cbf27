/* protected.filter (engine.md 8): a SCIM filter over an account as the application returns it. It
 * is read without a schema, since an application may have attributes of its own, and rather
 * protects one account more: names and texts are compared without regard to case, a filter on an
 * attribute with several values holds when one of them does, and a simple value stands for its
 * `value`. */
#include "connector/scim/protect.h"

#include "base/unicode.h"
#include "scim/filter.h"

enum { LIST_DEPTH = 4 };

static bool holds(const struct scim_filter *f, const struct json *v);

static struct str text_of(const struct json *v)
{
    if (json_is(v, JSON_STRING) || json_is(v, JSON_NUMBER))
        return v->text;
    if (json_is(v, JSON_BOOL))
        return v->boolean ? STR("true") : STR("false");
    return STR("");
}

static bool is_empty(const struct json *v)
{
    return !v || v->type == JSON_NULL || (v->type == JSON_STRING && v->text.len == 0) ||
           ((v->type == JSON_ARRAY || v->type == JSON_OBJECT) && v->count == 0);
}

/* Numbers by their value, all others as folded texts. */
static int order(const struct json *a, const struct json *b, struct str have, struct str want)
{
    double x, y;

    if (json_is(a, JSON_NUMBER) && str_to_double(text_of(a), &x) && str_to_double(text_of(b), &y))
        return x < y ? -1 : x > y;
    return str_cmp(have, want);
}

/* A single value against the operand. */
static bool compares(const struct scim_filter *f, const struct json *v)
{
    CLEANUP(arena_freep) struct arena *tmp = NULL;
    struct str have, want;

    if (json_is(v, JSON_OBJECT))
        v = json_get_nocase(v, STR("value"));
    if (json_is(f->value, JSON_NULL))
        return is_empty(v);
    if (is_empty(v))
        return false;
    tmp = arena_new();
    have = str_fold(tmp, text_of(v));
    want = str_fold(tmp, text_of(f->value));
    switch (f->op) {
    case SCIM_EQ:
    case SCIM_NE: /* the caller turns it round */
        return order(v, f->value, have, want) == 0;
    case SCIM_CO:
        return str_find(have, want, &(size_t){0});
    case SCIM_SW:
        return str_starts(have, want);
    case SCIM_EW:
        return str_ends(have, want);
    case SCIM_GT:
        return order(v, f->value, have, want) > 0;
    case SCIM_GE:
        return order(v, f->value, have, want) >= 0;
    case SCIM_LT:
        return order(v, f->value, have, want) < 0;
    case SCIM_LE:
        return order(v, f->value, have, want) <= 0;
    case SCIM_PR:
        return true;
    case SCIM_AND:
    case SCIM_OR:
    case SCIM_NOT:
    case SCIM_VALUE_PATH:
        break;
    }
    return false;
}

/* Whether a value, or one of several, suits what is left of the path. */
static bool suits(const struct scim_filter *f, const struct json *v, bool bracket, bool sub,
                  unsigned depth)
{
    if (json_is(v, JSON_ARRAY) && depth > 0) {
        JSON_EACH(item, v)
        {
            if (suits(f, item, bracket, sub, depth - 1))
                return true;
        }
        return f->op == SCIM_EQ && json_is(f->value, JSON_NULL) && v->count == 0;
    }
    if (bracket) {
        return v && holds(f->path.filter ? f->path.filter : f->left, v) &&
               (f->op == SCIM_VALUE_PATH || suits(f, v, false, sub, depth));
    }
    if (sub)
        return suits(f, json_get_nocase(v, f->path.sub), false, false, depth);
    return compares(f, v);
}

static bool leaf_holds(const struct scim_filter *f, const struct json *v)
{
    const struct json *at = v;
    bool bracket = f->path.filter || f->op == SCIM_VALUE_PATH;
    bool found;

    /* The core schemas are the resource itself; an element of a simple list is its own value. */
    if (f->path.urn.len > 0 && json_get_nocase(v, f->path.urn))
        at = json_get_nocase(v, f->path.urn);
    if (json_is(at, JSON_OBJECT)) {
        if (f->path.attribute.len > 0)
            at = json_get_nocase(at, f->path.attribute);
    } else if (!str_eq_ascii_nocase(f->path.attribute, STR("value"))) {
        at = NULL;
    }
    found = suits(f, at, bracket, f->path.sub.len > 0, LIST_DEPTH);
    return f->op == SCIM_NE ? !found : found;
}

static bool holds(const struct scim_filter *f, const struct json *v)
{
    switch (f->op) {
    case SCIM_AND:
        return holds(f->left, v) && holds(f->right, v);
    case SCIM_OR:
        return holds(f->left, v) || holds(f->right, v);
    case SCIM_NOT:
        return !holds(f->left, v);
    case SCIM_VALUE_PATH:
    case SCIM_PR:
    case SCIM_EQ:
    case SCIM_NE:
    case SCIM_CO:
    case SCIM_SW:
    case SCIM_EW:
    case SCIM_GT:
    case SCIM_GE:
    case SCIM_LT:
    case SCIM_LE:
        break;
    }
    return leaf_holds(f, v);
}

bool scim_protect_compile(struct arena *a, struct str text, const struct scim_filter **out,
                          struct err *err)
{
    if (!scim_filter_parse(a, text, out, err))
        return err_wrap(err, "protected.filter");
    return true;
}

bool scim_protects(const struct scim_filter *f, const struct json *resource)
{
    return f && holds(f, resource);
}
