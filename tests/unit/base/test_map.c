#include "base/arena.h"
#include "base/map.h"
#include "base/rng.h"
#include "frame/frame.h"

static void puts_gets_and_takes(void **state)
{
    CLEANUP(map_done) struct map m;
    int one = 1;
    int two = 2;

    (void)state;
    map_init(&m);
    CHECK(!map_get(&m, STR("a")) && !map_take(&m, STR("a")), "empty");
    CHECK(!map_put(&m, STR("a"), &one), "new");
    CHECK(map_put(&m, STR("a"), &two) == &one, "replaced");
    CHECK(map_get(&m, STR("a")) == &two && m.count == 1, "found");
    CHECK(!map_get(&m, STR("A")), "case matters");
    CHECK(!map_put(&m, (struct str){NULL, 0}, &one) && map_get(&m, STR("")) == &one,
          "the empty key");
    CHECK(!map_put(&m, (struct str){"a\0b", 3}, &one) && map_get(&m, STR("a")) == &two,
          "NUL in a key");
    CHECK(map_take(&m, STR("a")) == &two && !map_get(&m, STR("a")) && m.count == 2, "taken");
    map_clear(&m);
    CHECK(m.count == 0 && !map_get(&m, STR("")), "cleared");
    CHECK(!map_put(&m, STR("b"), &one) && map_get(&m, STR("b")) == &one, "used again");
    map_done(NULL);
}

static void keeps_a_hundred_thousand_keys(void **state)
{
    enum { KEYS = 100000 };
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(map_done) struct map m;
    struct str *keys = ARENA_ARRAY(a, struct str, KEYS);

    (void)state;
    map_init(&m);
    for (int i = 0; i < KEYS; i++) {
        keys[i] = arena_printf(a, "user%d@example.com", i);
        CHECK(!map_put(&m, keys[i], &keys[i]), "%d", i);
    }
    CHECK(m.count == KEYS, "%zu", m.count);
    for (int i = 0; i < KEYS; i++)
        CHECK(map_get(&m, keys[i]) == &keys[i], "%d", i);
    CHECK(!map_get(&m, STR("user100000@example.com")), "not there");
    for (int i = 0; i < KEYS; i += 2)
        CHECK(map_take(&m, keys[i]) == &keys[i], "%d", i);
    for (int i = 0; i < KEYS; i++)
        CHECK(map_get(&m, keys[i]) == (i % 2 ? &keys[i] : NULL), "%d", i);
    CHECK(m.count == KEYS / 2, "%zu", m.count);
}

/* Random puts and takes on few keys, so that runs form and holes close, against a plain table. */
static void agrees_with_a_plain_table(void **state)
{
    enum { KEYS = 300, STEPS = 200000 };
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(map_done) struct map m;
    struct str keys[KEYS];
    bool there[KEYS] = {false};
    struct rng_seeded r;
    size_t count = 0;

    (void)state;
    map_init(&m);
    rng_seeded_init(&r, 11);
    for (int i = 0; i < KEYS; i++)
        keys[i] = arena_printf(a, "%d", i);
    for (int step = 0; step < STEPS; step++) {
        size_t i = (size_t)rng_below(&r.rng, KEYS);
        void *want = there[i] ? &keys[i] : NULL;

        switch (rng_below(&r.rng, 3)) {
        case 0:
            CHECK(map_put(&m, keys[i], &keys[i]) == want, "step %d", step);
            count += !there[i];
            there[i] = true;
            break;
        case 1:
            CHECK(map_take(&m, keys[i]) == want, "step %d", step);
            count -= there[i];
            there[i] = false;
            break;
        default:
            CHECK(map_get(&m, keys[i]) == want, "step %d", step);
        }
        CHECK(m.count == count, "step %d", step);
    }
}

TEST_GROUP(map, cmocka_unit_test(puts_gets_and_takes),
           cmocka_unit_test(keeps_a_hundred_thousand_keys),
           cmocka_unit_test(agrees_with_a_plain_table))
