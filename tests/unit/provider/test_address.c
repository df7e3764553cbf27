#include "base/arena.h"
#include "frame/frame.h"
#include "frame/postgres.h"
#include "provider/address.h"

static void check_address(const struct db_config *config)
{
    static const char *const urls[] = {"http://127.0.0.1:8080", "https://scim.example.com",
                                       "https://scim.example.com"};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(db_closep) struct db *db = NULL;
    struct err err = {.kind = ERR_NONE};
    struct str url;

    CHECK(db_open(config, &db, &err), "%s", err.message);
    CHECK(provider_address_load(db, a, &url, &err), "%s", err.message);
    CHECK_STR(url, "", "nobody has listened");
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        CHECK(provider_address_save(db, str_from_z(urls[i]), &err), "%s", err.message);
        CHECK(provider_address_load(db, a, &url, &err), "%s", err.message);
        CHECK_STR(url, urls[i], "the newest");
    }
}

static void is_kept(void **state)
{
    (void)state;
    test_databases(check_address);
}

TEST_GROUP(address, cmocka_unit_test(is_kept));
