/* What every test file includes: cmocka, and groups that register themselves, so that a test
 * program is all files of its folder and `test_scim filter` runs one of them. */
#pragma once

/* cmocka.h needs the four before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "base/compiler.h"
#include "base/err.h"
#include "base/str.h"

struct test_group {
    const char *name;
    const struct CMUnitTest *tests;
    size_t count;
    struct test_group *next;
};

void test_register(struct test_group *group);

/* TEST_GROUP(filter, cmocka_unit_test(parses), cmocka_unit_test(refuses)); once a file. */
#define TEST_GROUP(group_, ...)                                                          \
    static const struct CMUnitTest group_##_tests_[] = {__VA_ARGS__};                    \
    static struct test_group group_##_group_ = {                                         \
        .name = #group_, .tests = group_##_tests_, .count = ARRAY_LEN(group_##_tests_)}; \
    __attribute__((constructor)) static void group_##_register_(void)                    \
    {                                                                                    \
        test_register(&group_##_group_);                                                 \
    }

/* CHECK(sum == 3, "case %s", label): fails the test with the place and the message. */
#define CHECK(condition, ...)                                       \
    do {                                                            \
        if (!(condition))                                           \
            test_fail(__FILE__, __LINE__, #condition, __VA_ARGS__); \
    } while (0)

void test_fail(const char *file, int line, const char *condition, const char *format, ...)
    __attribute__((format(printf, 4, 5), noreturn));

/* CHECK_STR(got, "want", "case %s", label) shows both texts when they differ. */
#define CHECK_STR(got, want, ...) test_check_str(__FILE__, __LINE__, (got), (want), __VA_ARGS__)
void test_check_str(const char *file, int line, struct str got, const char *want,
                    const char *format, ...) __attribute__((format(printf, 5, 6)));

/* CHECK_INT(got, want, "case %s", label) shows both numbers when they differ. */
#define CHECK_INT(got, want, ...) \
    test_check_int(__FILE__, __LINE__, (int64_t)(got), (int64_t)(want), __VA_ARGS__)
void test_check_int(const char *file, int line, int64_t got, int64_t want, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* A new empty directory, removed when the program ends. Static storage until the next call. */
const char *test_temp_dir(void);
