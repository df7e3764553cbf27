#include "base/env.h"
#include "frame/frame.h"

#include <stdlib.h>

static void is_read(void **state)
{
    (void)state;
    unsetenv("USHER_TEST_ENV");
    CHECK(!env_get("USHER_TEST_ENV"), "not set");
    setenv("USHER_TEST_ENV", "", 1);
    CHECK(!env_get("USHER_TEST_ENV"), "empty");
    setenv("USHER_TEST_ENV", "x y", 1);
    CHECK_STR(str_from_z(env_get("USHER_TEST_ENV")), "x y", "set");
    unsetenv("USHER_TEST_ENV");
}

TEST_GROUP(env, cmocka_unit_test(is_read));
