/* One compiled expression, many threads: the thread sanitizer sees whether anything is shared that
 * should not be. */
#include "expr/expr.h"
#include "frame/frame.h"

#include <pthread.h>

enum { THREADS = 8, ROUNDS = 300 };

struct worker {
    pthread_t thread;
    const struct expr *expr;
    const struct json *source;
    bool same;
};

static void *evaluate_often(void *ctx)
{
    struct worker *w = ctx;
    CLEANUP(arena_freep) struct arena *a = arena_new();

    w->same = true;
    for (int i = 0; i < ROUNDS; i++) {
        struct expr_context c = {.arena = a, .now_us = 1700000000000000, .rng = rng_system()};
        size_t count = expr_names_count(expr_names(w->expr));
        const struct json **slots = ARENA_ARRAY(a, const struct json *, count);
        struct expr_value v;
        struct expr_error error;

        expr_names_bind(expr_names(w->expr), w->source, slots);
        c.slots = slots;
        w->same &= expr_evaluate(w->expr, &c, &v, &error) && v.type == EXPR_STRING &&
                   str_eq_z(v.text, "ada.lovelace|2023-11-14|ADA|True|36");
        arena_reset(a);
    }
    return NULL;
}

static void an_expression_is_shared_by_threads(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct worker workers[THREADS] = {0};
    const struct expr *e;
    struct expr_error error;
    struct json *source;
    struct err err = {0};

    (void)state;
    CHECK(json_parse(a, STR("{\"mail\":\"Ada.Lovelace@x.org\",\"given\":\"Ad\u00e1\"}"), NULL,
                     &source, NULL, &err),
          "%s", err.message);
    CHECK(
        expr_compile(a,
                     STR("Join(\"|\", ToLower(Replace([mail], , \"(?<local>[^@]+)@.*\", , "
                         "\"${local}\", , )), FormatDateTime(Now(), , \"yyyy-MM-dd\"), "
                         "ToUpper(NormalizeDiacritics([given])), IsPresent([mail]), Len(Guid()))"),
                     NULL, &e, &error),
        "%s", error.err.message);
    for (size_t i = 0; i < THREADS; i++) {
        workers[i].expr = e;
        workers[i].source = source;
        CHECK(pthread_create(&workers[i].thread, NULL, evaluate_often, &workers[i]) == 0, "thread");
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        CHECK(workers[i].same, "thread %zu got something else", i);
    }
}

TEST_GROUP(threads, cmocka_unit_test(an_expression_is_shared_by_threads));
