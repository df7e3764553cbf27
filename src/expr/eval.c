/* Walks the tree (expressions.md section 4): arguments left to right, signals pass through, null in
 * null out, functions marked EACH go over lists. */
#include "expr/function.h"

static bool too_much(struct evaluation *ev, size_t offset, size_t bytes)
{
    ev->work += bytes;
    if (ev->work <= EXPR_MAX_WORK)
        return false;
    expr_error_fill(ev->err, EXPR_OUT_OF_RANGE, offset,
                    "the expression builds more than %u MiB of values", EXPR_MAX_WORK >> 20);
    return true;
}

bool call_fail(const struct call *c, enum expr_fault fault, size_t i, const char *format, ...)
{
    const struct node *n = i < c->count ? c->node->parts[i] : c->node;
    va_list args;

    va_start(args, format);
    expr_fail_va(c->evaluation->err, fault, n->offset, format, args);
    va_end(args);
    return false;
}

char *call_alloc(struct call *c, size_t bytes)
{
    if (bytes > EXPR_MAX_TEXT) {
        expr_error_fill(c->evaluation->err, EXPR_OUT_OF_RANGE, c->node->offset,
                        "the text grows beyond %u bytes", EXPR_MAX_TEXT);
        return NULL;
    }
    if (too_much(c->evaluation, c->node->offset, bytes))
        return NULL;
    return arena_alloc(call_arena(c), bytes ? bytes : 1);
}

struct expr_value *call_alloc_list(struct call *c, size_t count)
{
    if (count > EXPR_MAX_LIST) {
        expr_error_fill(c->evaluation->err, EXPR_OUT_OF_RANGE, c->node->offset,
                        "the list grows beyond %d values", EXPR_MAX_LIST);
        return NULL;
    }
    if (too_much(c->evaluation, c->node->offset, count * sizeof(struct expr_value)))
        return NULL;
    return ARENA_ARRAY(call_arena(c), struct expr_value, count ? count : 1);
}

bool call_spend(struct call *c, size_t count, size_t each)
{
    uint64_t *steps = &c->evaluation->steps;

    if (count > 0 && each > (EXPR_MAX_STEPS - *steps) / count) {
        *steps = EXPR_MAX_STEPS;
        return expr_fail(c->evaluation->err, EXPR_OUT_OF_RANGE, c->node->offset,
                         "%s has to look through too much text", c->node->function->name);
    }
    *steps += (uint64_t)count * each;
    return true;
}

bool call_evaluate(struct call *c, size_t i, struct expr_value *out)
{
    *out = (struct expr_value){.type = EXPR_NULL};
    return i >= c->count || node_evaluate(c->evaluation, c->node->parts[i], out);
}

static bool wrong_type(struct call *c, size_t i, const struct expr_value *v, const char *wanted)
{
    const struct parameter *p = expr_function_parameter(c->node->function, i, c->count);

    return call_fail(c, EXPR_TYPE, i, "argument %zu of %s (%s) needs %s, but is %s", i + 1,
                     c->node->function->name, p->name, wanted, value_type_name(v));
}

bool call_text(struct call *c, size_t i, const struct expr_value *v, struct str *out)
{
    *out = STR("");
    if (v->type == EXPR_NULL)
        return true;
    if (v->type == EXPR_STRING) {
        *out = v->text;
    } else if (!expr_value_text(call_arena(c), v, out)) {
        return wrong_type(c, i, v, "text");
    }
    return true;
}

/* Turns an argument into its parameter's type, in place. Null stays null; where a text is wanted,
 * it can be read as "". */
static bool coerce(struct call *c, size_t i, enum parameter_type type)
{
    struct expr_value *v = &c->args[i];
    struct expr_value as = {.type = EXPR_NULL};
    bool ok = true;

    switch (type) {
    case PARAMETER_ANY:
        return true;
    case PARAMETER_TEXT:
        if (v->type == EXPR_STRING)
            return true;
        if (!call_text(c, i, v, &as.text))
            return false;
        as.type = v->type == EXPR_NULL ? EXPR_NULL : EXPR_STRING;
        *v = as;
        return true;
    case PARAMETER_INTEGER:
        as.type = EXPR_INTEGER;
        ok = v->type == EXPR_NULL || value_to_integer(v, &as.integer);
        break;
    case PARAMETER_NUMBER:
        ok = v->type == EXPR_NULL || value_to_number(v, &as);
        break;
    case PARAMETER_BOOLEAN:
        as.type = EXPR_BOOLEAN;
        ok = v->type == EXPR_NULL || value_to_boolean(v, &as.boolean);
        break;
    case PARAMETER_DATE:
        as.type = EXPR_DATE;
        if (v->type != EXPR_NULL && !value_to_date(v, &as.ticks)) {
            return call_fail(c, EXPR_DATE_PARSE, i, "argument %zu of %s is not a date", i + 1,
                             c->node->function->name);
        }
        break;
    }
    if (!ok)
        return wrong_type(c, i, v, type == PARAMETER_BOOLEAN ? "true or false" : "a number");
    if (v->type != EXPR_NULL)
        *v = as;
    return true;
}

/* The first argument is there in its own type; null rules, coercions, the function itself. */
static bool call_once(struct call *c, struct expr_value *out)
{
    const struct expr_function *f = c->node->function;

    if (c->count > 0 && value_is_null(&c->args[0]) && !(f->flags & FUNCTION_SEES_NULL))
        return give_null(out);
    for (size_t i = 0; i < c->count; i++) {
        if ((f->flags & FUNCTION_ANY_NULL) && value_is_null(&c->args[i]))
            return give_null(out);
        if (call_given(c, i) && !coerce(c, i, expr_function_parameter(f, i, c->count)->type))
            return false;
    }
    return f->call(c, out);
}

static bool call_each(struct call *c, struct expr_value *out)
{
    struct expr_list list = c->args[0].list;
    struct expr_value *items = call_alloc_list(c, list.count);
    size_t n = 0;

    if (!items)
        return false;
    for (size_t i = 0; i < list.count; i++) {
        struct expr_value v;

        c->args[0] = list.items[i];
        if (!call_once(c, &v))
            return false;
        if (!value_is_null(&v))
            items[n++] = v;
    }
    *out = (struct expr_value){.type = EXPR_NULL};
    if (n > 0)
        *out = (struct expr_value){.type = EXPR_LIST, {.list = {items, n}}};
    return true;
}

static bool evaluate_call(struct evaluation *ev, const struct node *n, struct expr_value *out)
{
    struct call c = {.evaluation = ev, .node = n, .count = n->count};
    struct expr_value few[EXPR_MAX_PARAMETERS];

    if (n->function->flags & FUNCTION_LAZY)
        return n->function->call(&c, out);
    c.args = few;
    if (n->count > ARRAY_LEN(few))
        c.args = ARENA_ARRAY(ev->context->arena, struct expr_value, n->count);
    for (size_t i = n->count; i < ARRAY_LEN(few); i++)
        c.args[i] = (struct expr_value){.type = EXPR_NULL, {.text = {"", 0}}};
    for (size_t i = 0; i < n->count; i++) {
        if (!node_evaluate(ev, n->parts[i], &c.args[i]))
            return false;
        if (value_is_signal(&c.args[i])) {
            *out = c.args[i];
            return true;
        }
    }
    if (n->count > 0 && c.args[0].type == EXPR_LIST && (n->function->flags & FUNCTION_EACH))
        return call_each(&c, out);
    return call_once(&c, out);
}

static bool evaluate_concat(struct evaluation *ev, const struct node *n, struct expr_value *out)
{
    struct str *texts = ARENA_ARRAY(ev->context->arena, struct str, n->count);
    struct call c = {.evaluation = ev, .node = n, .count = n->count};
    size_t length = 0;
    char *text;

    for (size_t i = 0; i < n->count; i++) {
        struct expr_value v;

        if (!node_evaluate(ev, n->parts[i], &v))
            return false;
        if (value_is_signal(&v)) {
            *out = v;
            return true;
        }
        texts[i] = STR("");
        if (!value_is_null(&v) && !expr_value_text(ev->context->arena, &v, &texts[i])) {
            return expr_fail(ev->err, EXPR_TYPE, n->parts[i]->offset,
                             "& joins texts, but this is %s", value_type_name(&v));
        }
        length += texts[i].len;
    }
    text = call_alloc(&c, length);
    if (!text)
        return false;
    length = 0;
    for (size_t i = 0; i < n->count; i++) {
        for (size_t k = 0; k < texts[i].len; k++)
            text[length++] = texts[i].ptr[k];
    }
    return give_text(out, (struct str){text, length});
}

static bool holds(enum relop op, int order)
{
    switch (op) {
    case RELOP_EQ:
        return order == 0;
    case RELOP_NE:
        return order != 0;
    case RELOP_GT:
        return order > 0;
    case RELOP_GE:
        return order >= 0;
    case RELOP_LT:
        return order < 0;
    case RELOP_LE:
        return order <= 0;
    }
    return false;
}

static int order_int(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int order_numbers(const struct expr_value *a, const struct expr_value *b)
{
    double x = value_double(a);
    double y = value_double(b);

    if (a->type == EXPR_INTEGER && b->type == EXPR_INTEGER)
        return order_int(a->integer, b->integer);
    return (x > y) - (x < y);
}

static bool is_number(const struct expr_value *v)
{
    return v->type == EXPR_INTEGER || v->type == EXPR_DOUBLE;
}

/* Neither side is null. */
static bool compare(struct evaluation *ev, const struct node *n, const struct expr_value *a,
                    const struct expr_value *b, bool *out)
{
    bool equality = n->relop == RELOP_EQ || n->relop == RELOP_NE;
    bool texts = a->type == EXPR_STRING && b->type == EXPR_STRING;
    struct expr_value x;
    struct expr_value y;
    struct str s;
    struct str t;

    if ((is_number(a) || is_number(b) || (texts && !equality)) && value_to_number(a, &x) &&
        value_to_number(b, &y)) {
        *out = holds(n->relop, order_numbers(&x, &y));
        return true;
    }
    if ((a->type == EXPR_BOOLEAN || b->type == EXPR_BOOLEAN) && value_to_boolean(a, &x.boolean) &&
        value_to_boolean(b, &y.boolean)) {
        if (!equality) {
            return expr_fail(ev->err, EXPR_TYPE, n->offset,
                             "booleans can be compared with = and <> only");
        }
        *out = holds(n->relop, x.boolean != y.boolean);
        return true;
    }
    if ((a->type == EXPR_DATE || b->type == EXPR_DATE) && value_to_date(a, &x.ticks) &&
        value_to_date(b, &y.ticks)) {
        *out = holds(n->relop, order_int(x.ticks, y.ticks));
        return true;
    }
    if (!expr_value_text(ev->context->arena, a, &s) ||
        !expr_value_text(ev->context->arena, b, &t)) {
        return expr_fail(ev->err, EXPR_TYPE, n->offset, "cannot compare %s with %s",
                         value_type_name(a), value_type_name(b));
    }
    *out = holds(n->relop, equality ? !str_eq(s, t) : value_order_text(s, t));
    return true;
}

static bool evaluate_compare(struct evaluation *ev, const struct node *n, struct expr_value *out)
{
    struct expr_value sides[2];
    bool result = false;

    for (size_t i = 0; i < 2; i++) {
        if (!node_evaluate(ev, n->parts[i], &sides[i]))
            return false;
        if (value_is_signal(&sides[i])) {
            *out = sides[i];
            return true;
        }
        while (sides[i].type == EXPR_LIST && sides[i].list.count == 1)
            sides[i] = sides[i].list.items[0];
    }
    if (!value_is_null(&sides[0]) && !value_is_null(&sides[1]) &&
        !compare(ev, n, &sides[0], &sides[1], &result))
        return false;
    return give_bool(out, result);
}

bool node_evaluate(struct evaluation *ev, const struct node *n, struct expr_value *out)
{
    if (n->folded) {
        *out = n->value;
        return true;
    }
    switch (n->kind) {
    case NODE_OMITTED:
        return give_null(out);
    case NODE_STRING:
    case NODE_INTEGER:
    case NODE_DOUBLE:
    case NODE_NAME:
        *out = n->value;
        return true;
    case NODE_ATTRIBUTE:
        *out = value_from_json(ev->context->arena, ev->context->slots[n->slot]);
        return true;
    case NODE_CALL:
        return evaluate_call(ev, n, out);
    case NODE_COMPARE:
        return evaluate_compare(ev, n, out);
    case NODE_CONCAT:
        return evaluate_concat(ev, n, out);
    }
    return false;
}

bool expr_evaluate(const struct expr *e, const struct expr_context *c, struct expr_value *out,
                   struct expr_error *err)
{
    struct evaluation ev = {.context = c, .err = err};

    return node_evaluate(&ev, e->root, out) || expr_error_place(err, e->text);
}
