/* Before an expression is used: constant parts are evaluated once, and what can only fail is found
 * (expressions.md 2). */
#include "expr/function.h"

enum { FOLDED_TEXT_MAX = 1024 };

static bool is_constant(const struct node *n)
{
    return n->folded || n->kind == NODE_OMITTED || n->kind == NODE_STRING ||
           n->kind == NODE_INTEGER || n->kind == NODE_DOUBLE ||
           (n->kind == NODE_NAME && !value_is_signal(&n->value));
}

static bool varies(const struct node *n)
{
    return n->kind == NODE_CALL && (n->function->flags & FUNCTION_VARIES);
}

static bool all_constant(const struct node *n)
{
    for (size_t i = 0; i < n->count; i++) {
        if (!is_constant(n->parts[i]))
            return false;
    }
    return !varies(n) &&
           (n->kind == NODE_CALL || n->kind == NODE_COMPARE || n->kind == NODE_CONCAT);
}

/* Single values only, and no long texts: a compiled expression stays small. */
static bool keep(struct arena *a, const struct expr_value *v, struct expr_value *out)
{
    *out = *v;
    switch (v->type) {
    case EXPR_STRING:
    case EXPR_REFERENCE:
        out->text = arena_str(a, str_sub(v->text, 0, FOLDED_TEXT_MAX));
        return v->text.len <= FOLDED_TEXT_MAX;
    case EXPR_NULL:
    case EXPR_BOOLEAN:
    case EXPR_INTEGER:
    case EXPR_DOUBLE:
    case EXPR_DATE:
        return true;
    case EXPR_BINARY:
    case EXPR_LIST:
    case EXPR_COMPLEX:
    case EXPR_IGNORE:
    case EXPR_IGNORE_OBJECT:
        return false;
    }
    return false;
}

/* The evaluation's limits hold for all parts of the expression together. */
static void fold(struct arena *a, struct evaluation *ev, struct node *n)
{
    struct expr_value v;

    for (size_t i = 0; i < n->count; i++)
        fold(a, ev, n->parts[i]);
    if (!all_constant(n))
        return;
    n->folded = node_evaluate(ev, n, &v) && keep(a, &v, &n->value);
    arena_reset(ev->context->arena);
}

void expr_fold(struct arena *a, struct node *root)
{
    CLEANUP(arena_freep) struct arena *scratch = arena_new();
    struct expr_context context = {.arena = scratch};
    struct evaluation ev = {.context = &context};

    fold(a, &ev, root);
}

/* --- what can only fail --- */

static enum function_gives gives(const struct node *n)
{
    switch (n->kind) {
    case NODE_STRING:
    case NODE_CONCAT:
        return GIVES_TEXT;
    case NODE_INTEGER:
        return GIVES_INTEGER;
    case NODE_DOUBLE:
        return GIVES_NUMBER;
    case NODE_COMPARE:
        return GIVES_BOOLEAN;
    case NODE_CALL:
        return n->function->gives;
    case NODE_NAME:
        return n->value.type == EXPR_BOOLEAN ? GIVES_BOOLEAN : GIVES_ANY;
    case NODE_OMITTED:
    case NODE_ATTRIBUTE:
        break;
    }
    return GIVES_ANY;
}

/* No value of the one kind can become the other. */
static bool excludes(enum parameter_type wanted, enum function_gives got)
{
    bool neither_number_nor_text =
        got == GIVES_DATE || got == GIVES_REFERENCE || got == GIVES_BINARY || got == GIVES_RECORDS;

    switch (wanted) {
    case PARAMETER_ANY:
        return false;
    case PARAMETER_TEXT:
        return got == GIVES_BINARY || got == GIVES_RECORDS;
    case PARAMETER_INTEGER:
    case PARAMETER_NUMBER:
    case PARAMETER_BOOLEAN:
        return neither_number_nor_text;
    case PARAMETER_DATE:
        return got == GIVES_INTEGER || got == GIVES_NUMBER || got == GIVES_BOOLEAN ||
               got == GIVES_REFERENCE || got == GIVES_BINARY || got == GIVES_RECORDS;
    }
    return false;
}

static bool constant_excludes(enum parameter_type wanted, const struct expr_value *v)
{
    struct expr_value n;
    int64_t i;
    bool b;

    if (value_is_null(v))
        return false;
    switch (wanted) {
    case PARAMETER_INTEGER:
        return !value_to_integer(v, &i);
    case PARAMETER_NUMBER:
        return !value_to_number(v, &n);
    case PARAMETER_BOOLEAN:
        return !value_to_boolean(v, &b);
    case PARAMETER_DATE:
        return !value_to_date(v, &i);
    case PARAMETER_ANY:
    case PARAMETER_TEXT:
        break;
    }
    return false;
}

struct linter {
    struct arena *arena;
    struct arena *scratch;
    const struct expr *expr;
    struct evaluation evaluation;
    struct expr_warning **end;
};

static void warn(struct linter *l, const struct expr_error *error, bool certain)
{
    struct expr_warning *w = ARENA_NEW(l->arena, struct expr_warning);

    w->error = *error;
    w->certain = certain;
    expr_error_place(&w->error, l->expr->text);
    *l->end = w;
    l->end = &w->next;
}

/* The arguments that every evaluation of the call evaluates. */
static size_t always_evaluated(const struct node *n)
{
    return n->kind == NODE_CALL && (n->function->flags & FUNCTION_LAZY) ? 1 : n->count;
}

static bool lint_argument(struct linter *l, const struct node *n, size_t i, bool certain)
{
    static const char *const wanted[] = {
        [PARAMETER_ANY] = "any value",         [PARAMETER_TEXT] = "text",
        [PARAMETER_INTEGER] = "a number",      [PARAMETER_NUMBER] = "a number",
        [PARAMETER_BOOLEAN] = "true or false", [PARAMETER_DATE] = "a date",
    };
    const struct parameter *p = expr_function_parameter(n->function, i, n->count);
    const struct node *part = n->parts[i];
    struct expr_error error;

    if (part->kind == NODE_OMITTED || !(is_constant(part) ? constant_excludes(p->type, &part->value)
                                                          : excludes(p->type, gives(part))))
        return true;
    expr_error_fill(&error, p->type == PARAMETER_DATE ? EXPR_DATE_PARSE : EXPR_TYPE, part->offset,
                    "argument %zu of %s (%s) needs %s, and this never is", i + 1, n->function->name,
                    p->name, wanted[p->type]);
    warn(l, &error, certain);
    return false;
}

/* A call of constants that fails, whatever the person. */
static bool lint_constant_call(struct linter *l, const struct node *n, bool certain)
{
    struct expr_error error;
    struct expr_value v;
    bool ok;

    l->evaluation.err = &error;
    ok = n->folded || node_evaluate(&l->evaluation, n, &v);
    l->evaluation.err = NULL;
    arena_reset(l->scratch);
    if (!ok)
        warn(l, &error, certain);
    return ok;
}

/* False when something was said about the node or below it: more would only repeat it. */
static bool lint(struct linter *l, const struct node *n, bool certain)
{
    size_t always = always_evaluated(n);
    struct expr_error error;
    bool ok = true;

    for (size_t i = 0; i < n->count; i++)
        ok &= lint(l, n->parts[i], certain && i < always);
    for (size_t i = 0; ok && n->kind == NODE_CALL && i < always; i++)
        ok &= lint_argument(l, n, i, certain);
    if (!ok)
        return false;
    if (n->kind == NODE_CALL && n->function->call == fn_error) {
        expr_error_fill(&error, EXPR_CUSTOM, n->offset, "Error gives no value");
        if (certain)
            warn(l, &error, true);
        return !certain;
    }
    if (n->kind == NODE_CALL && n->function->call == fn_replace && n->count > 2 &&
        n->parts[2]->kind == NODE_STRING && !n->regex) {
        struct expr_error why;

        (void)expr_regex_compile(l->scratch, n->parts[2]->text, &why);
        expr_error_fill(&error, EXPR_REGEX, n->parts[2]->offset, "%s", why.err.message);
        arena_reset(l->scratch);
        warn(l, &error, certain);
        return false;
    }
    return !all_constant(n) || lint_constant_call(l, n, certain);
}

struct expr_warning *expr_lint(struct arena *a, const struct expr *e)
{
    CLEANUP(arena_freep) struct arena *scratch = arena_new();
    struct expr_context context = {.arena = scratch};
    struct expr_warning *first = NULL;
    struct linter l = {.arena = a,
                       .scratch = scratch,
                       .expr = e,
                       .evaluation = {.context = &context},
                       .end = &first};
    struct expr_error error;

    /* NULL alone is written on purpose: nothing flows. */
    if (lint(&l, e->root, true) && e->root->folded && value_is_null(&e->root->value)) {
        expr_error_fill(&error, EXPR_TYPE, 0, "the expression is null for everybody");
        warn(&l, &error, true);
    }
    return first;
}

enum expr_type expr_result(const struct expr *e)
{
    static const enum expr_type types[] = {
        [GIVES_ANY] = EXPR_NULL,      [GIVES_TEXT] = EXPR_STRING,
        [GIVES_TEXTS] = EXPR_LIST,    [GIVES_INTEGER] = EXPR_INTEGER,
        [GIVES_NUMBER] = EXPR_DOUBLE, [GIVES_BOOLEAN] = EXPR_BOOLEAN,
        [GIVES_DATE] = EXPR_DATE,     [GIVES_REFERENCE] = EXPR_REFERENCE,
        [GIVES_BINARY] = EXPR_BINARY, [GIVES_RECORDS] = EXPR_COMPLEX,
    };

    return types[gives(e->root)];
}

bool expr_constant_value(const struct expr *e, struct expr_value *out)
{
    *out = e->root->value;
    return is_constant(e->root);
}
