#include "base/arena.h"
#include "base/rng.h"
#include "frame/frame.h"
#include "provider/lists/cursor.h"

/* A database without the table: no key, and an error that says so. */
static void key_needs_a_table(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(db_closep) struct db *db = NULL;
    struct db_config config = {.url = arena_printf(a, "sqlite:%s/empty.db", test_temp_dir()).ptr};
    unsigned char key[CURSOR_KEY_BYTES];
    struct err err = {.kind = ERR_NONE};

    (void)state;
    CHECK(db_open(&config, &db, &err), "%s", err.message);
    CHECK(!cursor_key_load(db, rng_system(), key, &err), "there is no key");
    CHECK(err.kind != ERR_NONE, "and why");
}

TEST_GROUP(cursor, cmocka_unit_test(key_needs_a_table));
