/* Expressions: what compiles prints to a text that compiles to the same; evaluation leaves its
 * input as it was and keeps to the limits. The input is the expression. */
#include "expr/expr.h"

#include <assert.h>

static const char source_text[] =
    "{\"a\":\"Zoë Doe\",\"b\":[\"x\",\"y\",\"x\"],\"c\":12,\"d\":true,\"e\":\"\",\"mail\":\"a@b\","
    "\"t\":\"2024-02-29T12:00:00Z\",\"f\":1.5,\"r\":[{\"id\":\"1\",\"value\":\"v\",\"displayName\":"
    "\"n\"}]}";

static struct str print(struct arena *a, const struct expr *e)
{
    CLEANUP(buf_done) struct buf text = {0};

    buf_init(&text, (size_t)EXPR_MAX_CHARACTERS * 16);
    expr_print(&text, e);
    return arena_str(a, buf_str(&text));
}

static void printing_gives_the_same(struct arena *a, const struct expr *e)
{
    struct str text = print(a, e);
    const struct expr *again;
    struct expr_error error;

    /* Canonical blanks can make a text longer than an expression may be. */
    if (!expr_compile(a, text, NULL, &again, &error)) {
        assert(error.fault == EXPR_TOO_LONG);
        return;
    }
    assert(str_eq(print(a, again), text));
    assert(json_equal(expr_to_json(a, e), expr_to_json(a, again)));
}

static bool taken(void *ctx, struct str value, bool *out_taken, struct err *err)
{
    (void)ctx;
    (void)err;
    *out_taken = value.len % 2 == 0;
    return true;
}

static void evaluation_is_pure(struct arena *a, const struct expr *e)
{
    struct rng_seeded rng;
    struct expr_context c = {.arena = a, .now_us = 1700000000000000, .taken = taken};
    struct expr_value value;
    struct expr_error error;
    const struct json **slots;
    struct json *source;
    struct str before;

    if (!json_parse(a, str_from_z(source_text), NULL, &source, NULL, NULL))
        abort();
    before = json_text(a, source);
    rng_seeded_init(&rng, 1);
    c.rng = &rng.rng;
    slots = ARENA_ARRAY(a, const struct json *, expr_names_count(expr_names(e)));
    expr_names_bind(expr_names(e), source, slots);
    c.slots = slots;
    if (expr_evaluate(e, &c, &value, &error)) {
        assert(value.type != EXPR_STRING || value.text.len <= EXPR_MAX_TEXT);
        assert(value.type != EXPR_LIST ||
               (value.list.count > 0 && value.list.count <= EXPR_MAX_LIST));
        assert(expr_value_json(a, &value));
    } else {
        /* The message of Error() is the expression's own, and may be empty. */
        assert(error.fault == EXPR_CUSTOM || error.err.message[0]);
        assert(error.err.code);
    }
    assert(str_eq(json_text(a, source), before));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct str text = {(const char *)data, size};
    const struct expr *e;
    struct expr_error error;

    if (!expr_compile(a, text, NULL, &e, &error)) {
        assert(error.offset <= size);
        assert(error.err.message[0]);
        return 0;
    }
    printing_gives_the_same(a, e);
    evaluation_is_pure(a, e);
    return 0;
}
