/* Runs the vectors of tests/conformance/expressions: vectors.tsv is the language's reference,
 * edges.tsv goes to the edge of every function. */
#include "base/file.h"
#include "expr/node.h"
#include "expr/vectors.h"
#include "frame/frame.h"

/* Calls visit with each vector of a file and an arena for it. Gives how many there are. */
static size_t each_vector(const char *name,
                          void (*visit)(struct arena *a, const struct expr_vector *v, void *ctx),
                          void *ctx)
{
    CLEANUP(arena_freep) struct arena *file = arena_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct err err = {0};
    struct str rest;
    struct str line;
    size_t count = 0;
    bool more = true;

    CHECK(file_read(file, arena_printf(file, "%s/conformance/expressions/%s", TESTS_DIR, name).ptr,
                    1 << 20, &rest, &err),
          "%s", err.message);
    while (more) {
        struct expr_vector v;

        more = str_cut(&rest, '\n', &line);
        if (!expr_vector_read(line, &v))
            continue;
        visit(a, &v, ctx);
        count++;
        arena_reset(a);
    }
    return count;
}

static void run_vector(struct arena *a, const struct expr_vector *v, void *ctx)
{
    size_t *failed = ctx;
    struct err err = {0};
    struct str got = {0};
    bool passed;

    CHECK(expr_vector_run(a, v, 0, rng_system(), &passed, &got, &err), "%s", err.message);
    if (passed)
        return;
    (*failed)++;
    print_error("%.*s: %.*s\n  got:  %.*s\n  want: %.*s\n", STR_ARG(v->id), STR_ARG(v->expression),
                STR_ARG(got), STR_ARG(v->expected));
}

/* The counts stand here so that a vector cannot drop out unnoticed. */
static void the_vectors_hold(void **state)
{
    size_t failed = 0;
    size_t ran;

    (void)state;
    ran = each_vector("vectors.tsv", run_vector, &failed);
    CHECK(failed == 0, "%zu vectors fail", failed);
    CHECK(ran == 345, "%zu vectors ran", ran);
}

static void the_edges_hold(void **state)
{
    size_t failed = 0;
    size_t ran;

    (void)state;
    ran = each_vector("edges.tsv", run_vector, &failed);
    CHECK(failed == 0, "%zu vectors fail", failed);
    CHECK(ran == 758, "%zu vectors ran", ran);
}

static struct str printed(struct arena *a, const struct expr *e)
{
    CLEANUP(buf_done) struct buf text = {0};

    buf_init(&text, (size_t)EXPR_MAX_CHARACTERS * 16);
    expr_print(&text, e);
    return arena_str(a, buf_str(&text));
}

/* The canonical text compiles to an equal expression, which gives the same result. */
static void print_vector(struct arena *a, const struct expr_vector *v, void *ctx)
{
    size_t *compiled = ctx;
    struct expr_vector again = *v;
    const struct expr *first;
    const struct expr *second;
    struct expr_error error;
    struct err err = {0};
    struct str got = {0};
    size_t at;
    bool passed;

    if (!expr_compile(a, v->expression, NULL, &first, &error))
        return;
    (*compiled)++;
    again.expression = printed(a, first);
    CHECK(expr_compile(a, again.expression, NULL, &second, &error), "%.*s: %s",
          STR_ARG(again.expression), error.err.message);
    CHECK_STR(printed(a, second), again.expression.ptr, "%.*s", STR_ARG(v->id));
    CHECK(json_equal(expr_to_json(a, first), expr_to_json(a, second)), "%.*s", STR_ARG(v->id));
    if (str_starts(again.expected, STR("ERROR:")) && str_find_last_char(again.expected, '@', &at))
        again.expected.len = at; /* blanks move the place */
    CHECK(expr_vector_run(a, &again, 0, rng_system(), &passed, &got, &err), "%s", err.message);
    CHECK(passed, "%.*s: %.*s", STR_ARG(v->id), STR_ARG(got));
}

static void printing_and_parsing_gives_the_same(void **state)
{
    size_t compiled = 0;

    (void)state;
    each_vector("vectors.tsv", print_vector, &compiled);
    each_vector("edges.tsv", print_vector, &compiled);
    CHECK(compiled > 1000, "%zu", compiled);
}

/* Evaluating twice over the same object gives the same and leaves it as it was. */
static void evaluate_vector(struct arena *a, const struct expr_vector *v, void *ctx)
{
    struct expr_context c = {.arena = a, .now_us = 0};
    const struct json **slots;
    const struct expr *e;
    struct expr_error error;
    struct json *source;
    struct expr_value value[2];
    struct str before;
    bool ok[2];

    (void)ctx;
    if (!expr_compile(a, v->expression, NULL, &e, &error))
        return;
    CHECK(json_parse(a, v->source, NULL, &source, NULL, NULL), "%.*s", STR_ARG(v->source));
    before = json_text(a, source);
    slots = ARENA_ARRAY(a, const struct json *, expr_names_count(expr_names(e)));
    expr_names_bind(expr_names(e), source, slots);
    c.slots = slots;
    for (size_t i = 0; i < 2; i++)
        ok[i] = expr_evaluate(e, &c, &value[i], &error);
    CHECK(ok[0] == ok[1], "%.*s", STR_ARG(v->id));
    CHECK_STR(json_text(a, source), before.ptr, "%.*s", STR_ARG(v->id));
    if (ok[0]) {
        CHECK(json_equal(expr_value_json(a, &value[0]), expr_value_json(a, &value[1])), "%.*s",
              STR_ARG(v->id));
    }
}

static void evaluation_leaves_its_input_alone(void **state)
{
    (void)state;
    each_vector("vectors.tsv", evaluate_vector, NULL);
    each_vector("edges.tsv", evaluate_vector, NULL);
}

static void note_fault(struct arena *a, const struct expr_vector *v, void *ctx)
{
    bool *seen = ctx;
    size_t at;

    (void)a;
    for (int f = 0; f < EXPR_FAULT_COUNT; f++) {
        struct str name = str_from_z(expr_fault_name((enum expr_fault)f));

        if (str_starts(v->expected, STR("ERROR:")) && str_find_last_char(v->expected, '@', &at) &&
            str_starts(str_from(v->expected, 6), name))
            seen[f] = true;
    }
}

static void note_function(struct arena *a, const struct expr_vector *v, void *ctx)
{
    bool *seen = ctx;
    size_t at;

    for (size_t i = 0; i < expr_function_count(); i++)
        seen[i] |= str_find(v->expression, arena_printf(a, "%s(", expr_function_info(i).name), &at);
}

static void every_error_and_every_function_has_an_edge(void **state)
{
    bool faults[EXPR_FAULT_COUNT] = {false};
    bool functions[200] = {false};

    (void)state;
    each_vector("edges.tsv", note_fault, faults);
    each_vector("edges.tsv", note_function, functions);
    for (int f = 0; f < EXPR_FAULT_COUNT; f++)
        CHECK(faults[f], "no vector expects %s at a place", expr_fault_name((enum expr_fault)f));
    for (size_t i = 0; i < expr_function_count(); i++)
        CHECK(functions[i], "no vector calls %s", expr_function_info(i).name);
}

TEST_GROUP(vectors, cmocka_unit_test(the_vectors_hold), cmocka_unit_test(the_edges_hold),
           cmocka_unit_test(printing_and_parsing_gives_the_same),
           cmocka_unit_test(evaluation_leaves_its_input_alone),
           cmocka_unit_test(every_error_and_every_function_has_an_edge));
