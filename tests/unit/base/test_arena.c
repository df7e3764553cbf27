#include "base/arena.h"
#include "frame/frame.h"

static bool all_zero(const unsigned char *p, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (p[i] != 0)
            return false;
    }
    return true;
}

/* Fills and resets, so that memory comes back used, and is handed out zeroed and apart all the
 * same. */
static void hands_out_zeroed_aligned_memory(void **state)
{
    static const size_t sizes[] = {0, 1, 7, 8, 16, 24, 100, 1000, 4095, 4096, 5000, 70000, 3000000};
    CLEANUP(arena_freep) struct arena *a = arena_new();

    (void)state;
    for (int round = 0; round < 3; round++) {
        unsigned char *before[ARRAY_LEN(sizes)];

        for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
            before[i] = arena_alloc(a, sizes[i]);
            CHECK((uintptr_t)before[i] % 16 == 0, "size %zu", sizes[i]);
            CHECK(all_zero(before[i], sizes[i]), "size %zu", sizes[i]);
            memset(before[i], (int)i + 1, sizes[i]);
        }
        for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
            for (size_t at = 0; at < sizes[i]; at++)
                CHECK(before[i][at] == i + 1, "size %zu at %zu", sizes[i], at);
        }
        arena_reset(a);
    }
}

static void grows_by_many_small_pieces(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct link {
        struct link *next;
        size_t n;
    } *last = NULL;
    size_t count = 200000;

    (void)state;
    for (size_t i = 0; i < count; i++) {
        struct link *l = ARENA_NEW(a, struct link);

        l->next = last;
        l->n = i;
        last = l;
    }
    for (size_t i = count; i-- > 0; last = last->next)
        CHECK(last->n == i, "%zu", i);
    CHECK(!last, "the list ends");
    CHECK(arena_used(a) == count * sizeof(struct link), "%zu", arena_used(a));
}

static void counts_what_it_handed_out(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();

    (void)state;
    CHECK(arena_used(a) == 0, "new");
    (void)arena_alloc(a, 10);
    (void)arena_str(a, STR("abc"));
    CHECK(arena_used(a) == 14, "%zu", arena_used(a));
    (void)ARENA_ARRAY(a, int64_t, 1000);
    CHECK(arena_used(a) == 8014, "%zu", arena_used(a));
    arena_reset(a);
    CHECK(arena_used(a) == 0, "reset");
}

static void a_big_piece_leaves_the_rest_in_use(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    char *before = arena_alloc(a, 16);
    char *big = arena_alloc(a, 100000);
    char *after = arena_alloc(a, 16);

    (void)state;
    CHECK(after - before > 0 && after - before < 4096, "both are in the first block");
    big[99999] = 1;
}

static void copies_text(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    char source[] = "source";
    struct str copy = arena_str(a, (struct str){source, 6});
    struct str empty = arena_str(a, (struct str){NULL, 0});

    (void)state;
    source[0] = 'X';
    CHECK_STR(copy, "source", "a copy");
    CHECK(copy.ptr[6] == '\0', "NUL behind it");
    CHECK(empty.len == 0 && empty.ptr && empty.ptr[0] == '\0', "the empty slice is a text too");
    CHECK_STR(str_from_z(arena_z(a, STR("zed"))), "zed", "as a C string");
}

static void formats(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct str s = arena_printf(a, "%s-%d", "a", 7);
    struct str edge = arena_printf(a, "%255s", "x");
    struct str over = arena_printf(a, "%256s", "x");
    struct str wide = arena_printf(a, "%9000s", "x");

    (void)state;
    CHECK_STR(s, "a-7", "short");
    CHECK(edge.len == 255 && edge.ptr[254] == 'x' && edge.ptr[255] == '\0', "255");
    CHECK(over.len == 256 && over.ptr[255] == 'x' && over.ptr[256] == '\0', "256");
    CHECK(wide.len == 9000 && wide.ptr[8999] == 'x' && wide.ptr[9000] == '\0', "9000");
}

static void freeing_nothing_is_fine(void **state)
{
    struct arena *a = arena_new();

    (void)state;
    arena_free(NULL);
    arena_freep(&a);
    CHECK(!a, "cleared");
    arena_freep(&a);
}

static void a_list_grows_with_what_is_in_it(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    int *list = NULL;
    size_t cap = 0;

    (void)state;
    for (size_t i = 0; i < 1000; i++) {
        ARENA_GROW(a, list, i, cap);
        CHECK(cap > i, "room for %zu in %zu", i, cap);
        list[i] = (int)i;
    }
    for (size_t i = 0; i < 1000; i++)
        CHECK(list[i] == (int)i, "%zu is %d", i, list[i]);
}

TEST_GROUP(arena, cmocka_unit_test(hands_out_zeroed_aligned_memory),
           cmocka_unit_test(a_list_grows_with_what_is_in_it),
           cmocka_unit_test(grows_by_many_small_pieces),
           cmocka_unit_test(counts_what_it_handed_out),
           cmocka_unit_test(a_big_piece_leaves_the_rest_in_use), cmocka_unit_test(copies_text),
           cmocka_unit_test(formats), cmocka_unit_test(freeing_nothing_is_fine))
