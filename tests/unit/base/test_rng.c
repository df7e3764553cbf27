#include "base/rng.h"
#include "frame/frame.h"

static void seeded_repeats(void **state)
{
    struct rng_seeded a;
    struct rng_seeded b;
    struct rng_seeded c;
    unsigned char bytes[13] = {0};
    bool same = true;

    (void)state;
    rng_seeded_init(&a, 7);
    rng_seeded_init(&b, 7);
    rng_seeded_init(&c, 8);
    for (int i = 0; i < 100; i++) {
        uint64_t n = rng_u64(&a.rng);

        CHECK(n == rng_u64(&b.rng), "%d", i);
        same = same && n == rng_u64(&c.rng);
    }
    CHECK(!same, "another seed, other numbers");
    a.rng.fill(&a.rng, bytes, sizeof(bytes));
    CHECK(bytes[8] || bytes[9] || bytes[10] || bytes[11] || bytes[12], "the tail is filled too");
}

static void below_is_even(void **state)
{
    enum { SIDES = 6, THROWS = 60000 };
    struct rng_seeded r;
    int seen[SIDES] = {0};

    (void)state;
    rng_seeded_init(&r, 1);
    for (int i = 0; i < THROWS; i++) {
        uint64_t n = rng_below(&r.rng, SIDES);

        CHECK(n < SIDES, "%d", (int)n);
        seen[n]++;
    }
    for (int i = 0; i < SIDES; i++)
        CHECK(seen[i] > THROWS / SIDES * 9 / 10 && seen[i] < THROWS / SIDES * 11 / 10, "%d: %d", i,
              seen[i]);
    CHECK(rng_below(&r.rng, 1) == 0, "one choice");
    CHECK(rng_below(&r.rng, UINT64_MAX) < UINT64_MAX, "nearly all");
}

static void system_differs_each_time(void **state)
{
    (void)state;
    CHECK(rng_u64(rng_system()) != rng_u64(rng_system()), "two of 2^64");
}

static void makes_uuids(void **state)
{
    struct rng_seeded r;
    char one[UUID_TEXT_MAX];
    char two[UUID_TEXT_MAX];

    (void)state;
    rng_seeded_init(&r, 3);
    for (int i = 0; i < 1000; i++) {
        struct str id = uuid_new(&r.rng, one);

        CHECK(id.ptr == one && id.len == 36 && one[36] == '\0', "%s", one);
        CHECK(uuid_valid(id), "%s", one);
        CHECK(one[14] == '4' && strchr("89ab", one[19]), "version and variant of %s", one);
        for (size_t at = 0; at < id.len; at++)
            CHECK(ascii_lower(one[at]) == one[at], "lower case: %s", one);
    }
    CHECK(!str_eq(uuid_new(&r.rng, one), uuid_new(&r.rng, two)), "apart");
}

static void makes_uuids_side_by_side(void **state)
{
    static const unsigned char first[4] = {0xC0, 0x01, 0xD0, 0x0D};
    struct rng_seeded r;
    static char ids[256][UUID_TEXT_MAX];

    (void)state;
    rng_seeded_init(&r, 4);
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        struct str id = uuid_new_at(&r.rng, first, ids[i]);

        CHECK(id.ptr == ids[i] && uuid_valid(id) && ids[i][36] == '\0', "%s", ids[i]);
        CHECK(ids[i][14] == '4' && strchr("89ab", ids[i][19]), "version, variant of %s", ids[i]);
        CHECK(strncmp(ids[i], "c001d00d-", 9) == 0, "%zu: %s", i, ids[i]);
        for (size_t k = 0; k < i; k++)
            CHECK(strcmp(ids[i] + 9, ids[k] + 9) != 0, "%s and %s", ids[i], ids[k]);
    }
}

static void knows_uuids(void **state)
{
    static const struct {
        const char *text;
        bool valid;
    } cases[] = {
        {"2819c223-7f76-453a-919d-413861904646", true},
        {"2819C223-7F76-453A-919D-413861904646", true},
        {"00000000-0000-0000-0000-000000000000", true},
        {"2819c223-7f76-453a-919d-41386190464", false},
        {"2819c223-7f76-453a-919d-4138619046466", false},
        {"2819c223-7f76-453a-919d-41386190464g", false},
        {"2819c2237-f76-453a-919d-413861904646", false},
        {"2819c223-7f76-453a-919d+413861904646", false},
        {"{819c223-7f76-453a-919d-41386190464}", false},
        {"2819c22307f760453a0919d0413861904646", false},
        {"", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        CHECK(uuid_valid(str_from_z(cases[i].text)) == cases[i].valid, "%s", cases[i].text);
}

TEST_GROUP(rng, cmocka_unit_test(seeded_repeats), cmocka_unit_test(below_is_even),
           cmocka_unit_test(system_differs_each_time), cmocka_unit_test(makes_uuids),
           cmocka_unit_test(makes_uuids_side_by_side), cmocka_unit_test(knows_uuids))
