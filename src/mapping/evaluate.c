/* The station map of the walk: what the target should say about one object. */
#include "mapping/schema.h"

static const struct json json_true = {.type = JSON_BOOL, .boolean = true};
static const struct json json_false = {.type = JSON_BOOL, .boolean = false};

const struct json **mapping_bind(const struct mapping_object *m, const struct mapping_source *s,
                                 struct arena *a)
{
    const struct json **slots = ARENA_ARRAY(a, const struct json *, expr_names_count(m->names));

    expr_names_bind(m->names, s->attributes, slots);
    if (m->soft_deleted_slot != SIZE_MAX)
        slots[m->soft_deleted_slot] = s->is_soft_deleted ? &json_true : &json_false;
    return slots;
}

/* SelectUniqueValue asks about a value; the target attribute is the mapping's. */
struct taken_context {
    const struct mapping_context *context;
    struct str target;
};

static bool taken(void *ctx, struct str value, bool *out_taken, struct err *err)
{
    const struct taken_context *t = ctx;

    return t->context->taken(t->context->taken_ctx, t->target, value, out_taken, err);
}

static bool evaluate_expression(const struct mapping_attribute *m, const struct json *const *slots,
                                const struct mapping_context *c, struct arena *a,
                                struct expr_value *out, struct err *err)
{
    struct taken_context t = {c, m->target};
    struct expr_context context = {
        .arena = a,
        .slots = slots,
        .now_us = c->now_us,
        .rng = c->rng,
        .default_domain = c->default_domain,
        .taken = c->taken ? taken : NULL,
        .taken_ctx = &t,
    };
    struct expr_error error;

    if (expr_evaluate(m->expr, &context, out, &error))
        return true;
    if (err)
        *err = error.err;
    return err_at(err, "%.*s", STR_ARG(str_sub(m->target, 0, 100)));
}

/* A direct mapping mostly moves a text: then the source's own value is the result. */
static bool moves_as_it_is(const struct mapping_attribute *m, const struct json *v)
{
    if (m->multivalued || m->max_length > 0)
        return false;
    if (m->type == ATTRIBUTE_BOOLEAN)
        return v->type == JSON_BOOL;
    return v->type == JSON_STRING && m->type != ATTRIBUTE_INTEGER;
}

static bool evaluate_attribute(const struct mapping_attribute *m, const struct json *const *slots,
                               const struct mapping_context *c, struct arena *a,
                               struct mapping_value *out, struct err *err)
{
    struct expr_value v;

    *out = (struct mapping_value){.outcome = MAPPING_NULL};
    if (m->is_reference || (m->selects_unique && !c->taken)) {
        out->outcome = MAPPING_IGNORED;
        return true;
    }
    if (m->form == MAPPING_NONE)
        return true;
    if (m->form == MAPPING_CONSTANT) {
        out->value = m->constant;
    } else if (m->form == MAPPING_DIRECT &&
               (!slots[m->slot] || moves_as_it_is(m, slots[m->slot]))) {
        out->value = slots[m->slot];
    } else {
        out->outcome = MAPPING_FAILED;
        if (!evaluate_expression(m, slots, c, a, &v, err))
            return false;
        if (v.type == EXPR_IGNORE || v.type == EXPR_IGNORE_OBJECT) {
            out->outcome = v.type == EXPR_IGNORE ? MAPPING_IGNORED : MAPPING_SKIP_OBJECT;
            return true;
        }
        if (!target_convert(m, &v, a, &out->value, err))
            return false;
    }
    out->outcome = out->value ? MAPPING_VALUE : MAPPING_NULL;
    return true;
}

bool mapping_evaluate(const struct mapping_object *m, const struct mapping_source *s,
                      const struct mapping_context *c, struct arena *a, struct mapping_value *out,
                      struct err *err)
{
    const struct json *const *slots = mapping_bind(m, s, a);
    struct err dropped;
    bool ok = true;

    for (size_t i = 0; i < m->attribute_count; i++) {
        /* The first failure is the one that is reported. */
        if (!evaluate_attribute(&m->attributes[i], slots, c, a, &out[i], ok ? err : &dropped))
            ok = false;
    }
    return ok;
}

bool mapping_evaluate_one(const struct mapping_object *m, size_t i, const struct mapping_source *s,
                          const struct mapping_context *c, struct arena *a,
                          struct mapping_value *out, struct err *err)
{
    return evaluate_attribute(&m->attributes[i], mapping_bind(m, s, a), c, a, out, err);
}
