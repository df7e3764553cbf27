/* A map on disk gives back what was put in, however much it is. */
#include "base/diskmap.h"
#include "frame/frame.h"

static void many(void **state)
{
    enum { COUNT = 60000 };
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(diskmap_freep) struct diskmap *m = NULL;
    struct err err = {0};
    struct str got[3];
    size_t count;

    (void)state;
    CHECK(diskmap_new(0, &m, &err), "%s", err.message);
    for (int i = 0; i < COUNT; i++) {
        struct str key = arena_printf(a, "key %d", i / 2); /* each has two values */

        CHECK(diskmap_add(m, key, arena_printf(a, "value %d", i), &err), "%s", err.message);
    }
    CHECK(diskmap_count(m) == COUNT, "%zu", diskmap_count(m));
    for (int i = 0; i < COUNT / 2; i++) {
        CHECK(diskmap_find(m, a, arena_printf(a, "key %d", i), 3, got, &count, &err), "%s",
              err.message);
        CHECK(count == 2, "key %d has %zu", i, count);
        bool first = str_eq(got[0], arena_printf(a, "value %d", 2 * i));
        CHECK_STR(got[!first], arena_printf(a, "value %d", 2 * i).ptr, "one of %d", i);
        CHECK_STR(got[first], arena_printf(a, "value %d", 2 * i + 1).ptr, "the other of %d", i);
    }
    CHECK(diskmap_find(m, a, STR("key 1"), 1, got, &count, &err) && count == 1, "at most one");
    CHECK(diskmap_find(m, a, STR("key"), 3, got, &count, &err) && count == 0, "never put in");
}

static void sizes(void **state)
{
    static char text[DISKMAP_TEXT_MAX + 1];
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(diskmap_freep) struct diskmap *m = NULL;
    struct err err = {0};
    struct str got;
    size_t count;

    (void)state;
    memset(text, 'x', sizeof(text));
    CHECK(diskmap_new(10, &m, &err), "%s", err.message);
    CHECK(diskmap_add(m, STR(""), STR(""), &err), "%s", err.message);
    for (size_t n = 1; n <= DISKMAP_TEXT_MAX; n *= 2)
        CHECK(diskmap_add(m, (struct str){text, n}, (struct str){text, n}, &err), "%s",
              err.message);
    CHECK(diskmap_find(m, a, STR(""), 1, &got, &count, &err) && count == 1 && got.len == 0,
          "an empty key");
    for (size_t n = 1; n <= DISKMAP_TEXT_MAX; n *= 2) {
        CHECK(diskmap_find(m, a, (struct str){text, n}, 1, &got, &count, &err) && count == 1 &&
                  got.len == n,
              "%zu bytes", n);
    }
    CHECK(!diskmap_add(m, (struct str){text, sizeof(text)}, STR(""), &err), "too long");
    CHECK_STR(str_from_z(err.code), "tooLong", "too long");
}

TEST_GROUP(diskmap, cmocka_unit_test(many), cmocka_unit_test(sizes))
