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
    CHECK(ran == 757, "%zu vectors ran", ran);
}

TEST_GROUP(vectors, cmocka_unit_test(the_vectors_hold), cmocka_unit_test(the_edges_hold));
