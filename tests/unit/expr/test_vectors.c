/* Runs tests/conformance/expressions/vectors.tsv. */
#include "base/file.h"
#include "expr/vectors.h"
#include "frame/frame.h"

/* Functions that are not there yet; their vectors do not count. */
static bool waits(const struct expr_vector *v, struct str got)
{
    return str_eq_z(got, "ERROR:UnknownFunction") && !str_eq(got, v->expected);
}

static void the_vectors_hold(void **state)
{
    CLEANUP(arena_freep) struct arena *file = arena_new();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct err err = {0};
    struct str rest;
    struct str line;
    size_t ran = 0;
    size_t failed = 0;
    size_t waiting = 0;
    bool more = true;

    (void)state;
    CHECK(file_read(file, TESTS_DIR "/conformance/expressions/vectors.tsv", 1 << 20, &rest, &err),
          "%s", err.message);
    while (more) {
        struct expr_vector v;
        struct str got;
        bool passed;

        more = str_cut(&rest, '\n', &line);
        if (!expr_vector_read(line, &v))
            continue;
        CHECK(expr_vector_run(a, &v, 0, rng_system(), &passed, &got, &err), "%s", err.message);
        if (waits(&v, got)) {
            waiting++;
        } else if (!passed) {
            failed++;
            print_error("%.*s: %.*s\n  got:  %.*s\n  want: %.*s\n", STR_ARG(v.id),
                        STR_ARG(v.expression), STR_ARG(got), STR_ARG(v.expected));
        }
        ran += !waits(&v, got);
        arena_reset(a);
    }
    CHECK(failed == 0, "%zu vectors fail", failed);
    /* The count stands here so that a vector cannot drop out unnoticed. */
    CHECK(ran == 322 && waiting == 23, "%zu vectors ran, %zu wait for their functions", ran,
          waiting);
}

TEST_GROUP(vectors, cmocka_unit_test(the_vectors_hold));
