#include "expr/vectors.h"

#include "base/clock.h"
#include "base/unicode.h"
#include "expr/node.h"

bool expr_vector_read(struct str line, struct expr_vector *out)
{
    struct str rest = line;
    struct str *fields[] = {&out->id,     &out->topic,    &out->expression,
                            &out->source, &out->expected, &out->origin};

    *out = (struct expr_vector){0};
    if (str_empty(str_trim(line)) || str_starts(line, STR("#")))
        return false;
    if (str_ends(rest, STR("\r")))
        rest.len--;
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        str_cut(&rest, '\t', fields[i]);
    return true;
}

static bool is_taken(void *ctx, struct str value, bool *out_taken, struct err *err)
{
    const struct json *list = ctx;

    (void)err;
    *out_taken = false;
    JSON_EACH(item, list)
    {
        *out_taken |= json_is(item, JSON_STRING) && str_eq_fold(item->text, value);
    }
    return true;
}

/* ERROR:Kind, and ERROR:Kind@N when the vector says at which character. */
static struct str error_text(struct arena *a, const struct expr_vector *v,
                             const struct expr_error *e)
{
    struct str place = str_from_z(e->err.place);
    int64_t wanted;
    size_t at;
    struct str text = e->fault == EXPR_CUSTOM
                          ? arena_printf(a, "ERROR:Custom:%s", e->err.message)
                          : arena_printf(a, "ERROR:%s", expr_fault_name(e->fault));

    if (!str_find_last_char(v->expected, '@', &at) ||
        !str_to_int(str_from(v->expected, at + 1), 1, INT64_MAX, &wanted) ||
        !str_starts(place, STR("character ")))
        return text;
    return arena_printf(a, "%.*s@%.*s", STR_ARG(text), STR_ARG(str_from(place, 10)));
}

static struct json *run(struct arena *a, const struct expr_vector *v, const struct json *source,
                        const struct expr_context *base, struct str *out_error)
{
    struct expr_context c = *base;
    const struct expr *e;
    struct expr_value value;
    struct expr_error error;
    const struct json **slots;

    if (!expr_compile(a, v->expression, NULL, &e, &error)) {
        *out_error = error_text(a, v, &error);
        return NULL;
    }
    slots = ARENA_ARRAY(a, const struct json *, expr_names_count(expr_names(e)));
    expr_names_bind(expr_names(e), source, slots);
    c.slots = slots;
    if (!expr_evaluate(e, &c, &value, &error)) {
        *out_error = error_text(a, v, &error);
        return NULL;
    }
    return expr_value_json(a, &value);
}

bool expr_vector_run(struct arena *a, const struct expr_vector *v, int64_t now_us, struct rng *rng,
                     bool *out_passed, struct str *out_got, struct err *err)
{
    bool wants_error = str_starts(v->expected, STR("ERROR:"));
    struct expr_context c = {.arena = a, .now_us = now_us, .rng = rng, .taken = is_taken};
    struct json *source;
    struct json *expected = NULL;
    struct json *got;

    if (!json_parse(a, v->source, NULL, &source, NULL, err))
        return err_wrap(err, "source of %.*s", STR_ARG(v->id));
    if (!json_is(source, JSON_OBJECT)) {
        return err_set(err, ERR_INVALID, "badVector", "source of %.*s is not an object",
                       STR_ARG(v->id));
    }
    if (!wants_error && !json_parse(a, v->expected, NULL, &expected, NULL, err))
        return err_wrap(err, "expected value of %.*s", STR_ARG(v->id));
    if (json_get(source, STR("$now")) && !time_parse(json_get_text(source, "$now"), &c.now_us))
        return err_set(err, ERR_INVALID, "badVector", "$now of %.*s is not a time", STR_ARG(v->id));
    c.taken_ctx = json_get(source, STR("$taken"));
    c.default_domain = json_get_text(source, "$domain");
    got = run(a, v, source, &c, out_got);
    if (got)
        *out_got = json_text(a, got);
    *out_passed = wants_error ? !got && str_eq(*out_got, v->expected) : json_equal(got, expected);
    return true;
}
