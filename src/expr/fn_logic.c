/* Tests, choices and signals (expressions.md 5, 6.1, 6.2, 6.4). */
#include "expr/function.h"

bool fn_coalesce(struct call *c, struct expr_value *out)
{
    give_null(out);
    for (size_t i = 0; i < c->count && value_is_null(out); i++) {
        if (!call_evaluate(c, i, out))
            return false;
    }
    return true;
}

bool fn_error(struct call *c, struct expr_value *out)
{
    (void)out;
    return call_fail(c, EXPR_CUSTOM, 0, "%.*s", STR_ARG(str_sub(c->args[0].text, 0, 300)));
}

bool fn_ignore_flow(struct call *c, struct expr_value *out)
{
    *out = c->args[0];
    if (value_is_empty(out))
        *out = (struct expr_value){.type = EXPR_IGNORE};
    return true;
}

bool fn_iif(struct call *c, struct expr_value *out)
{
    bool yes;

    if (!call_evaluate(c, 0, out))
        return false;
    if (value_is_signal(out))
        return true;
    if (!value_to_boolean(out, &yes)) {
        return call_fail(c, EXPR_TYPE, 0, "the condition of IIF needs true or false, but is %s",
                         value_type_name(out));
    }
    return call_evaluate(c, yes ? 1 : 2, out);
}

bool fn_is_empty(struct call *c, struct expr_value *out)
{
    return give_bool(out, c->args[0].type == EXPR_STRING && c->args[0].text.len == 0);
}

bool fn_is_null(struct call *c, struct expr_value *out)
{
    return give_bool(out, value_is_null(&c->args[0]));
}

bool fn_is_null_or_empty(struct call *c, struct expr_value *out)
{
    return give_bool(out, value_is_empty(&c->args[0]));
}

bool fn_is_present(struct call *c, struct expr_value *out)
{
    return give_bool(out, !value_is_empty(&c->args[0]));
}

bool fn_is_string(struct call *c, struct expr_value *out)
{
    struct str text;

    return give_bool(out, c->args[0].type != EXPR_LIST &&
                              expr_value_text(call_arena(c), &c->args[0], &text));
}

/* Only what is plainly true is false: everything else, null too, is true. */
bool fn_not(struct call *c, struct expr_value *out)
{
    const struct expr_value *v = &c->args[0];
    bool is_true = v->type == EXPR_BOOLEAN && v->boolean;

    if (v->type == EXPR_STRING)
        is_true = str_eq_ascii_nocase(v->text, STR("true"));
    return give_bool(out, !is_true);
}

bool fn_redact(struct call *c, struct expr_value *out)
{
    *out = c->args[0];
    return true;
}

bool fn_select_unique(struct call *c, struct expr_value *out)
{
    const struct expr_context *context = c->evaluation->context;
    struct err why;

    if (!context->taken) {
        return call_fail(c, EXPR_INVALID_ARGUMENT, 0,
                         "SelectUniqueValue needs a target that can be asked, and here is none");
    }
    for (size_t i = 0; i < c->count; i++) {
        bool taken = false;
        struct str text;

        if (!call_evaluate(c, i, out))
            return false;
        if (value_is_signal(out))
            return true;
        if (value_is_empty(out))
            continue;
        if (!call_text(c, i, out, &text))
            return false;
        if (!context->taken(context->taken_ctx, text, &taken, &why)) {
            expr_error_fill(c->evaluation->err, EXPR_NOT_UNIQUE, c->node->offset,
                            "cannot ask whether '%.*s' is free", STR_ARG(str_sub(text, 0, 100)));
            c->evaluation->err->err = why; /* the target's own error decides about a retry */
            return false;
        }
        if (!taken)
            return give_text(out, text);
    }
    return call_fail(c, EXPR_NOT_UNIQUE, 0, "all values of SelectUniqueValue are taken");
}

/* A null source equals the key "". */
bool fn_switch(struct call *c, struct expr_value *out)
{
    struct str source;

    if (!call_evaluate(c, 0, out))
        return false;
    if (value_is_signal(out))
        return true;
    if (!call_text(c, 0, out, &source))
        return false;
    for (size_t i = 2; i + 1 < c->count; i += 2) {
        struct str key;

        if (!call_evaluate(c, i, out))
            return false;
        if (value_is_signal(out))
            return true;
        if (!call_text(c, i, out, &key))
            return false;
        if (str_eq(source, key))
            return call_evaluate(c, i + 1, out);
    }
    return call_evaluate(c, 1, out);
}
