#include "base/buf.h"
#include "frame/frame.h"

static void builds_text(void **state)
{
    CLEANUP(buf_done) struct buf b;

    (void)state;
    buf_init(&b, 1000);
    CHECK_STR(buf_str(&b), "", "nothing yet");
    CHECK_STR(str_from_z(buf_z(&b)), "", "nothing yet");
    buf_add(&b, STR("a"));
    buf_add(&b, (struct str){NULL, 0});
    buf_add_z(&b, "bc");
    buf_add_char(&b, '-');
    buf_addf(&b, "%03d", 7);
    buf_addf(&b, "%s", "");
    CHECK_STR(buf_str(&b), "abc-007", "all in order");
    CHECK_STR(str_from_z(buf_z(&b)), "abc-007", "ends with NUL");
    buf_reset(&b);
    buf_add_char(&b, 'x');
    CHECK_STR(buf_str(&b), "x", "empty again");
}

static void writes_integers(void **state)
{
    static const struct {
        int64_t n;
        const char *text;
    } cases[] = {{0, "0"},
                 {7, "7"},
                 {-7, "-7"},
                 {1234567890, "1234567890"},
                 {INT64_MAX, "9223372036854775807"},
                 {INT64_MIN, "-9223372036854775808"}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buf_done) struct buf b;

        buf_init(&b, 100);
        buf_add_int(&b, cases[i].n);
        CHECK_STR(buf_str(&b), cases[i].text, "%s", cases[i].text);
    }
}

static void stops_at_its_maximum(void **state)
{
    CLEANUP(buf_done) struct buf b;

    (void)state;
    buf_init(&b, 5);
    buf_add_z(&b, "12345");
    CHECK(!b.overflowed, "exactly full");
    CHECK_STR(str_from_z(buf_z(&b)), "12345", "room for the NUL");
    buf_add_char(&b, '6');
    CHECK(b.overflowed && b.len == 5, "one too many");
    buf_reset(&b);
    CHECK(!b.overflowed, "reset");
    buf_add_z(&b, "1234");
    buf_add_z(&b, "567");
    buf_add_z(&b, "8");
    CHECK(b.overflowed, "sticky");
    CHECK_STR(buf_str(&b), "1234", "a beginning without holes");
    buf_reset(&b);
    buf_addf(&b, "%6d", 1);
    CHECK(b.overflowed && b.len == 0, "formatted");
    buf_reset(&b);
    CHECK(!buf_extend(&b, 6) && b.overflowed, "extended too far");
}

static void grows(void **state)
{
    CLEANUP(buf_done) struct buf b;

    (void)state;
    buf_init(&b, SIZE_MAX - 1);
    for (int i = 0; i < 100000; i++)
        buf_addf(&b, "%05d", i);
    CHECK(b.len == 500000 && !b.overflowed, "%zu", b.len);
    for (int i = 0; i < 100000; i += 997) {
        int64_t n;

        CHECK(str_to_int(str_sub(buf_str(&b), (size_t)i * 5, 5), i, i, &n), "%d", i);
    }
    buf_addf(&b, "%4000s", "x");
    CHECK(b.len == 504000 && b.ptr[503999] == 'x', "long format");
    memcpy(buf_extend(&b, 3), "end", 3);
    CHECK(str_ends(buf_str(&b), STR("xend")), "extended");
}

static void done_is_forgiving(void **state)
{
    struct buf b;

    (void)state;
    buf_done(NULL);
    buf_init(&b, 10);
    buf_done(&b);
    buf_add_char(&b, 'x');
    CHECK_STR(buf_str(&b), "x", "usable again");
    buf_done(&b);
    buf_done(&b);
}

TEST_GROUP(buf, cmocka_unit_test(builds_text), cmocka_unit_test(writes_integers),
           cmocka_unit_test(stops_at_its_maximum), cmocka_unit_test(grows),
           cmocka_unit_test(done_is_forgiving))
