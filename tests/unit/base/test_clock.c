#include "base/clock.h"
#include "frame/frame.h"

static void reads_and_writes_times(void **state)
{
    static const struct {
        const char *text;
        int64_t us;
        const char *written; /* NULL: the same */
    } cases[] = {
        {"1970-01-01T00:00:00.000Z", 0, NULL},
        {"1970-01-01", 0, "1970-01-01T00:00:00.000Z"},
        {"1970-01-01Z", 0, "1970-01-01T00:00:00.000Z"},
        {"1970-01-02", US_PER_DAY, "1970-01-02T00:00:00.000Z"},
        {"1970-01-01T00:00:00", 0, "1970-01-01T00:00:00.000Z"},
        {"1970-01-01t00:00:00z", 0, "1970-01-01T00:00:00.000Z"},
        {"1969-12-31T23:59:59.999Z", -1000, NULL},
        {"2026-03-01T10:15:30.250Z", INT64_C(1772360130250000), NULL},
        {"2026-03-01T11:15:30.25+01:00", INT64_C(1772360130250000), "2026-03-01T10:15:30.250Z"},
        {"2026-02-28T20:45:30.250-13:30", INT64_C(1772360130250000), "2026-03-01T10:15:30.250Z"},
        {"2026-03-01T10:15:30.2500009Z", INT64_C(1772360130250000), "2026-03-01T10:15:30.250Z"},
        {"2026-03-01T10:15:30.250001Z", INT64_C(1772360130250001), "2026-03-01T10:15:30.250Z"},
        {"2024-02-29T00:00:00.000Z", INT64_C(1709164800000000), NULL},
        {"2000-02-29T12:00:00.000Z", INT64_C(951825600000000), NULL},
        {"2038-01-19T03:14:08.000Z", INT64_C(2147483648000000), NULL},
        {"0001-01-01T00:00:00.000Z", INT64_C(-62135596800000000), NULL},
        {"9999-12-31T23:59:59.999Z", INT64_C(253402300799999000), NULL},
        {"2016-12-31T23:59:60Z", INT64_C(1483228800000000), "2017-01-01T00:00:00.000Z"},
        {"2017-01-01T00:59:60+01:00", INT64_C(1483228800000000), "2017-01-01T00:00:00.000Z"},
        {"2023-12-31T24:00:00Z", INT64_C(1704067200000000), "2024-01-01T00:00:00.000Z"},
        {"2023-12-31T24:00:00.000", INT64_C(1704067200000000), "2024-01-01T00:00:00.000Z"},
        {"0001-01-01T01:00:00+01:00", INT64_C(-62135596800000000), "0001-01-01T00:00:00.000Z"},
        {"2026-03-01T10:15:30-00:00", INT64_C(1772360130000000), "2026-03-01T10:15:30.000Z"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char out[TIME_TEXT_MAX];
        int64_t us = 0;

        CHECK(time_parse(str_from_z(cases[i].text), &us), "%s", cases[i].text);
        CHECK(us == cases[i].us, "%s is %lld", cases[i].text, (long long)us);
        CHECK_STR(time_write(us, out), cases[i].written ? cases[i].written : cases[i].text, "%s",
                  cases[i].text);
    }
}

static void refuses_what_is_no_time(void **state)
{
    static const char *const texts[] = {
        "",
        "2026",
        "2026-03",
        "2026-3-1",
        "26-03-01",
        "02026-03-01",
        "-2026-03-01",
        "0000-01-01",
        "2026-00-01",
        "2026-13-01",
        "2026-01-00",
        "2026-01-32",
        "2026-04-31",
        "2023-02-29",
        "1900-02-29",
        "2026-03-01T",
        "2026-03-01T10",
        "2026-03-01T10:15",
        "2026-03-01T10:15Z",
        "2026-03-01 10:15:30",
        "2026-03-01T25:00:00Z",
        "2026-03-01T24:00:01Z",
        "2026-03-01T24:00:00.1Z",
        "2026-03-01T10:60:00Z",
        "2026-03-01T10:15:61Z",
        "2026-03-01T10:15:60Z",
        "2026-03-01T10:15:30.Z",
        "2026-03-01T10:15:30,5Z",
        "2026-03-01T10:15:30+1:00",
        "2026-03-01T10:15:30+0100",
        "2026-03-01T10:15:30+24:00",
        "2026-03-01T10:15:30+01:60",
        "2026-03-01T10:15:30+01",
        "2026-03-01T10:15:30ZZ",
        "2026-03-01T10:15:30Z ",
        " 2026-03-01",
        "2026-03-01T10:15:30+01:00Z",
        "2026-03-01T-1:15:30Z",
        "2026-03-01T10:15:30 +01:00",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "9999-12-31T24:00:00Z",
        "2026/03/01",
        "yesterday",
        "2026-03-01T1a:15:30Z",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        int64_t us = 42;

        CHECK(!time_parse(str_from_z(texts[i]), &us) && us == 42, "'%s'", texts[i]);
    }
}

/* Day by day through 800 years and then in leaps to the ends: each day follows the one before. */
static void counts_every_day(void **state)
{
    static const unsigned lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t days = date_to_days(1600, 1, 1);

    (void)state;
    CHECK(days == -135140, "%lld", (long long)days);
    for (int64_t y = 1600; y < 2400; y++) {
        bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;

        for (unsigned m = 1; m <= 12; m++) {
            unsigned length = lengths[m - 1] + (m == 2 && leap);

            for (unsigned d = 1; d <= length; d++, days++) {
                int64_t year;
                unsigned month;
                unsigned day;

                date_from_days(days, &year, &month, &day);
                CHECK(year == y && month == m && day == d, "%lld-%u-%u", (long long)y, m, d);
                CHECK(date_to_days(y, m, d) == days, "%lld-%u-%u", (long long)y, m, d);
            }
        }
    }
    for (int64_t at = date_to_days(-4800, 1, 1); at < date_to_days(12000, 1, 1); at += 97) {
        int64_t year;
        unsigned month;
        unsigned day;

        date_from_days(at, &year, &month, &day);
        CHECK(date_to_days(year, month, day) == at, "%lld", (long long)at);
    }
}

static void reads_and_writes_durations(void **state)
{
    static const struct {
        const char *text;
        int64_t us;
        const char *written; /* NULL: the same */
    } cases[] = {
        {"PT0S", 0, NULL},
        {"P0D", 0, "PT0S"},
        {"PT40M", 40 * US_PER_MINUTE, NULL},
        {"P1DT2H", US_PER_DAY + 2 * US_PER_HOUR, NULL},
        {"P1D", US_PER_DAY, NULL},
        {"PT24H", US_PER_DAY, "P1D"},
        {"P2W", 14 * US_PER_DAY, "P14D"},
        {"P1W1D", 8 * US_PER_DAY, "P8D"},
        {"PT90M", 90 * US_PER_MINUTE, "PT1H30M"},
        {"PT1H30M5S", 90 * US_PER_MINUTE + 5 * US_PER_SECOND, NULL},
        {"PT0.5S", 500000, NULL},
        {"PT1.000001S", 1000001, NULL},
        {"PT1,25S", 1250000, "PT1.25S"},
        {"PT0.0000019S", 1, "PT0.000001S"},
        {"-PT5M", -5 * US_PER_MINUTE, NULL},
        {"pt5m", 5 * US_PER_MINUTE, "PT5M"},
    };
    char out[TIME_TEXT_MAX];
    int64_t us;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CHECK(duration_parse(str_from_z(cases[i].text), &us), "%s", cases[i].text);
        CHECK(us == cases[i].us, "%s is %lld", cases[i].text, (long long)us);
        CHECK_STR(duration_write(us, out), cases[i].written ? cases[i].written : cases[i].text,
                  "%s", cases[i].text);
    }
    CHECK(duration_parse(duration_write(INT64_MAX, out), &us) && us == INT64_MAX, "%s", out);
    CHECK(duration_write(INT64_MIN, out).len < TIME_TEXT_MAX, "%s", out);
}

static void refuses_what_is_no_duration(void **state)
{
    static const char *const texts[] = {
        "",
        "P",
        "PT",
        "P1DT",
        "T1H",
        "1D",
        "P1",
        "PT1",
        "P1Y",
        "P1M",
        "P1H",
        "PT1D",
        "PT1S1M",
        "PT1H1H",
        "P1D1W",
        "PT1.5M",
        "P1.5D",
        "PT1.S",
        "PT.5S",
        "PT-5M",
        "PT 5M",
        "PT5M ",
        "--PT5M",
        "+PT5M",
        "PTT5M",
        "PT5MT5S",
        "P99999999999999999999D",
        "P106751992D",
        "PT40",
        "P1DT2",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        int64_t us = 42;

        CHECK(!duration_parse(str_from_z(texts[i]), &us) && us == 42, "'%s'", texts[i]);
    }
}

static void clocks(void **state)
{
    struct clock_fixed fixed;
    int64_t before = clock_monotonic_us();
    int64_t now = clock_now(clock_system());

    (void)state;
    clock_fixed_init(&fixed, 1000);
    CHECK(clock_now(&fixed.clock) == 1000, "stands");
    fixed.now += US_PER_HOUR;
    CHECK(clock_now(&fixed.clock) == 1000 + US_PER_HOUR, "moved by the test");
    CHECK(now > date_to_days(2024, 1, 1) * US_PER_DAY, "after this was written");
    CHECK(now < date_to_days(9999, 1, 1) * US_PER_DAY, "in microseconds");
    CHECK(clock_monotonic_us() >= before, "never back");
}

TEST_GROUP(clock, cmocka_unit_test(reads_and_writes_times),
           cmocka_unit_test(refuses_what_is_no_time), cmocka_unit_test(counts_every_day),
           cmocka_unit_test(reads_and_writes_durations),
           cmocka_unit_test(refuses_what_is_no_duration), cmocka_unit_test(clocks))
