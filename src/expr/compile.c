/* From the tree to a checked expression: names and arguments of calls, attribute slots, constant
 * patterns. */
#include "expr/function.h"
#include "expr/regex.h"

struct checker {
    struct arena *arena;
    struct expr *expr;
    struct expr_error *err;
};

static bool check_name(struct checker *k, struct node *n)
{
    const struct expr_function *nearest;

    n->function = expr_function_find(n->text);
    if (n->function)
        return true;
    nearest = expr_function_nearest(n->text);
    if (nearest) {
        return expr_fail(k->err, EXPR_UNKNOWN_FUNCTION, n->offset,
                         "there is no function '%.*s'; the nearest is '%s' (upper and lower case "
                         "count)",
                         STR_ARG(str_sub(n->text, 0, 60)), nearest->name);
    }
    return expr_fail(k->err, EXPR_UNKNOWN_FUNCTION, n->offset, "there is no function '%.*s'",
                     STR_ARG(str_sub(n->text, 0, 60)));
}

static bool is_omitted(const struct node *n, size_t i)
{
    return i >= n->count || n->parts[i]->kind == NODE_OMITTED;
}

/* Positions: at least so many, at most so many (SIZE_MAX: no end). */
static void arity(const struct expr_function *f, size_t *out_least, size_t *out_most)
{
    size_t count = expr_function_parameters(f);

    *out_least = 0;
    *out_most = count;
    for (size_t i = 0; i < count; i++) {
        if (!(f->parameters[i].flags & PARAMETER_OPTIONAL))
            *out_least = i + 1;
        if (f->parameters[i].flags & PARAMETER_REPEATS)
            *out_most = SIZE_MAX;
    }
}

static bool wrong_count(struct checker *k, const struct node *n)
{
    size_t least;
    size_t most;

    arity(n->function, &least, &most);
    if (most == SIZE_MAX) {
        return expr_fail(k->err, EXPR_ARITY, n->offset,
                         "%s takes at least %zu arguments, found %zu", n->function->name, least,
                         n->count);
    }
    if (least == most) {
        return expr_fail(k->err, EXPR_ARITY, n->offset, "%s takes %zu argument%s, found %zu",
                         n->function->name, least, least == 1 ? "" : "s", n->count);
    }
    return expr_fail(k->err, EXPR_ARITY, n->offset, "%s takes %zu to %zu arguments, found %zu",
                     n->function->name, least, most, n->count);
}

/* Pairs of key and value behind source and default. */
static bool check_switch(struct checker *k, const struct node *n)
{
    if (n->count < 4 || n->count % 2 != 0) {
        return expr_fail(k->err, EXPR_ARITY, n->offset,
                         "Switch takes a source, a default and pairs of key and value: an even "
                         "number of arguments, at least 4; found %zu",
                         n->count);
    }
    for (size_t i = 2; i < n->count; i += 2) {
        if (is_omitted(n, i)) {
            return expr_fail(k->err, EXPR_ARITY, n->parts[i]->offset,
                             "argument %zu of Switch is a key and cannot be left empty", i + 1);
        }
    }
    return true;
}

static bool check_arguments(struct checker *k, const struct node *n)
{
    size_t least;
    size_t most;

    arity(n->function, &least, &most);
    if (n->function->call == fn_switch)
        return check_switch(k, n);
    if (n->function->call == fn_format_date)
        least = 3; /* without dateTimeStyles */
    if (n->count < least || n->count > most)
        return wrong_count(k, n);
    for (size_t i = 0; i < n->count; i++) {
        const struct parameter *p = expr_function_parameter(n->function, i, n->count);

        if (n->parts[i]->kind == NODE_OMITTED &&
            !(p->flags & (PARAMETER_OPTIONAL | PARAMETER_BLANK))) {
            return expr_fail(k->err, EXPR_ARITY, n->parts[i]->offset,
                             "argument %zu of %s (%s) cannot be left empty", i + 1,
                             n->function->name, p->name);
        }
    }
    return true;
}

static bool check_call(struct checker *k, struct node *n)
{
    if (!check_name(k, n) || !check_arguments(k, n))
        return false;
    if (n->function->call == fn_select_unique && n != k->expr->root) {
        return expr_fail(k->err, EXPR_NESTING, n->offset,
                         "SelectUniqueValue can only be the outermost function");
    }
    if (n->function->call == fn_redact)
        k->expr->redacts = true;
    /* A constant pattern is compiled once; what is wrong with it is said when it is used. */
    if (n->function->call == fn_replace && n->count > 2 && n->parts[2]->kind == NODE_STRING)
        n->regex = expr_regex_compile(k->arena, n->parts[2]->text, NULL);
    return true;
}

static void note_attribute(struct checker *k, struct node *n)
{
    struct expr *e = k->expr;

    n->slot = (unsigned)expr_names_slot(e->names, n->text);
    for (size_t i = 0; i < e->slot_count; i++) {
        if (e->slots[i] == n->slot)
            return;
    }
    if (e->slot_count % 8 == 0) {
        unsigned *slots = ARENA_ARRAY(k->arena, unsigned, e->slot_count + 8);

        for (size_t i = 0; i < e->slot_count; i++)
            slots[i] = e->slots[i];
        e->slots = slots;
    }
    e->slots[e->slot_count++] = n->slot;
}

static bool check(struct checker *k, struct node *n)
{
    if (n->kind == NODE_CALL && !check_call(k, n))
        return false;
    if (n->kind == NODE_ATTRIBUTE)
        note_attribute(k, n);
    for (size_t i = 0; i < n->count; i++) {
        if (!check(k, n->parts[i]))
            return false;
    }
    return true;
}

bool expr_compile(struct arena *a, struct str text, struct expr_names *names,
                  const struct expr **out, struct expr_error *err)
{
    struct expr *e = ARENA_NEW(a, struct expr);
    struct checker k = {.arena = a, .expr = e, .err = err};

    e->names = names ? names : expr_names_new(a, NULL, NULL);
    e->text = arena_str(a, text);
    if (!expr_parse(a, e->text, &e->root, err) || !check(&k, e->root))
        return expr_error_place(err, text);
    expr_fold(a, e->root);
    *out = e;
    return true;
}

const struct expr_names *expr_names(const struct expr *e)
{
    return e->names;
}

const unsigned *expr_slots(const struct expr *e, size_t *out_count)
{
    *out_count = e->slot_count;
    return e->slots;
}

bool expr_is_attribute(const struct expr *e, struct str *out_name)
{
    if (e->root->kind != NODE_ATTRIBUTE)
        return false;
    *out_name = e->root->text;
    return true;
}

bool expr_is_constant(const struct expr *e, struct str *out_text)
{
    if (e->root->kind != NODE_STRING && e->root->kind != NODE_INTEGER &&
        e->root->kind != NODE_DOUBLE)
        return false;
    *out_text = e->root->text;
    return true;
}

bool expr_redacts(const struct expr *e)
{
    return e->redacts;
}

bool expr_selects_unique(const struct expr *e)
{
    return e->root->kind == NODE_CALL && e->root->function->call == fn_select_unique;
}
