/* Conversions, numbers and bits (expressions.md 5). */
#include "expr/function.h"

bool fn_bit_and(struct call *c, struct expr_value *out)
{
    return give_integer(out, c->args[0].integer & c->args[1].integer);
}

bool fn_bit_or(struct call *c, struct expr_value *out)
{
    return give_integer(out, c->args[0].integer | c->args[1].integer);
}

bool fn_is_bit_set(struct call *c, struct expr_value *out)
{
    return give_bool(out, (c->args[0].integer & c->args[1].integer) != 0);
}

bool fn_cbool(struct call *c, struct expr_value *out)
{
    return give_bool(out, !value_is_null(&c->args[0]) && c->args[0].boolean);
}

bool fn_cnum(struct call *c, struct expr_value *out)
{
    *out = c->args[0];
    return true;
}

bool fn_cref(struct call *c, struct expr_value *out)
{
    *out = (struct expr_value){.type = EXPR_REFERENCE, {.text = c->args[0].text}};
    return true;
}

bool fn_cstr(struct call *c, struct expr_value *out)
{
    *out = c->args[0];
    return true;
}

bool fn_guid(struct call *c, struct expr_value *out)
{
    struct rng *rng = c->evaluation->context->rng;
    char *text;

    if (!rng)
        return call_fail(c, EXPR_INVALID_ARGUMENT, 0, "no random numbers are available here");
    text = call_alloc(c, UUID_TEXT_MAX);
    return text && give_text(out, uuid_new(rng, text));
}

bool fn_is_numeric(struct call *c, struct expr_value *out)
{
    struct expr_value n;

    return give_bool(out, value_to_number(&c->args[0], &n));
}

bool fn_random_num(struct call *c, struct expr_value *out)
{
    struct rng *rng = c->evaluation->context->rng;
    int64_t from = c->args[0].integer;
    int64_t to = c->args[1].integer;
    uint64_t span;

    if (from > to)
        return call_fail(c, EXPR_INVALID_ARGUMENT, 1, "the end of RandomNum is before its start");
    if (!rng)
        return call_fail(c, EXPR_INVALID_ARGUMENT, 0, "no random numbers are available here");
    span = (uint64_t)to - (uint64_t)from;
    if (span == UINT64_MAX)
        return give_integer(out, (int64_t)rng_u64(rng));
    return give_integer(out, (int64_t)((uint64_t)from + rng_below(rng, span + 1)));
}
