/* The manual of the commands is made from the program: what is in the tree is what it says now. */
#include "base/file.h"
#include "run.h"

static void is_up_to_date(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct err err = {.kind = ERR_NONE};
    struct str kept;
    struct run r;

    (void)state;
    r = run_line(NULL, "help --manual");
    CHECK(r.code == 0, "%s", r.err);
    CHECK(file_read(a, SOURCE_DIR "/docs/manual/commands.md", 1024 * 1024, &kept, &err), "%s",
          err.message);
    CHECK(str_eq_z(kept, r.out),
          "docs/manual/commands.md is old: build/usher help --manual > docs/manual/commands.md");
    run_done(&r);
}

TEST_GROUP(manual, cmocka_unit_test(is_up_to_date));
