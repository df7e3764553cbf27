#include "base/file.h"
#include "frame/frame.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *path_in(struct arena *a, const char *dir, const char *name)
{
    return arena_printf(a, "%s/%s", dir, name).ptr;
}

static size_t entries(const char *dir)
{
    DIR *d = opendir(dir);
    size_t n = 0;

    while (d && readdir(d))
        n++;
    closedir(d);
    return n - 2; /* . and .. */
}

static void writes_and_reads(void **state)
{
    static char big[300000];
    static const size_t sizes[] = {0, 1, 65535, 65536, 65537, sizeof(big)};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *dir = test_temp_dir();
    const char *path = path_in(a, dir, "file");
    struct str text;
    struct stat st;
    struct err err;

    (void)state;
    memset(big, 'x', sizeof(big));
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct str data = {big, sizes[i]};

        CHECK(file_write(path, data, 0600, &err), "%s", err.message);
        CHECK(file_read(a, path, sizes[i], &text, &err), "%s", err.message);
        CHECK(str_eq(text, data) && text.ptr[text.len] == '\0', "%zu bytes", sizes[i]);
        CHECK(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600, "its mode");
        CHECK(entries(dir) == 1, "no temporary file is left");
    }
    CHECK(!file_read(a, path, sizeof(big) - 1, &text, &err) && err.kind == ERR_LIMIT,
          "one byte too many");
    CHECK_STR(str_from_z(err.code), "fileTooLarge", "the code");
    CHECK(file_write("/dev/null/x", STR("x"), 0600, NULL) == false, "the err may be NULL");
}

static void creates_only_once(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *dir = test_temp_dir();
    const char *path = path_in(a, dir, "file");
    struct str text;
    struct err err;

    (void)state;
    CHECK(file_create(path, STR("one"), 0600, &err), "%s", err.message);
    CHECK(!file_create(path, STR("two"), 0600, &err) && err.kind == ERR_CONFLICT, "there already");
    CHECK(file_read(a, path, 100, &text, &err), "%s", err.message);
    CHECK_STR(text, "one", "the first stays");
    CHECK(entries(dir) == 1, "no temporary file is left");
}

static void says_what_is_wrong(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *dir = test_temp_dir();
    const char *none = path_in(a, dir, "none");
    const char *file = path_in(a, dir, "file");
    struct str text = STR("untouched");
    struct err err;

    (void)state;
    CHECK(!file_read(a, none, 100, &text, &err) && err.kind == ERR_NOT_FOUND, "no file");
    CHECK(strstr(err.message, none), "names the file: %s", err.message);
    CHECK_STR(text, "untouched", "written on success only");
    CHECK(!file_read(a, dir, 100, &text, &err) && err.kind == ERR_INVALID, "a directory");
    CHECK_STR(str_from_z(err.code), "fileIsDirectory", "a directory");
    CHECK(!file_write(path_in(a, none, "x"), STR("x"), 0600, &err) && err.kind == ERR_NOT_FOUND,
          "no folder");
    CHECK(!file_write(dir, STR("x"), 0600, &err), "over a directory");
    CHECK(file_write(file, STR("x"), 0000, &err), "%s", err.message);
    if (geteuid() != 0) /* root reads everything */
        CHECK(!file_read(a, file, 100, &text, &err) && err.kind == ERR_DENIED, "not allowed");
    CHECK(!file_read(a, path_in(a, file, "x"), 100, &text, &err) && err.kind == ERR_NOT_FOUND,
          "below a file");
    CHECK(entries(dir) == 1, "no temporary file is left");
}

static void a_failed_write_keeps_what_was_there(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct str text;
    struct err err;

    (void)state;
    CHECK(!file_write("/proc/self/usher-test", STR("x"), 0600, &err), "not on this file system");
    CHECK(!file_read(a, "/proc/self/usher-test", 10, &text, &err), "nothing there");
}

static void reads_what_has_no_size(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct str text;
    struct err err;

    (void)state;
    CHECK(file_read(a, "/proc/self/status", 1 << 20, &text, &err), "%s", err.message);
    CHECK(str_starts(text, STR("Name:")), "its text");
    CHECK(!file_read(a, "/dev/zero", 200000, &text, &err) && err.kind == ERR_LIMIT, "no end");
}

static void reads_standard_input(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    int kept = dup(STDIN_FILENO);
    struct str text;
    struct err err;
    bool read_it;
    int ends[2];

    (void)state;
    CHECK(pipe(ends) == 0 && write(ends[1], "from a pipe", 11) == 11, "a pipe");
    close(ends[1]);
    dup2(ends[0], STDIN_FILENO);
    close(ends[0]);
    read_it = file_read(a, "-", 100, &text, &err);
    if (kept >= 0) {
        dup2(kept, STDIN_FILENO);
        close(kept);
    }
    CHECK(read_it, "%s", err.message);
    CHECK_STR(text, "from a pipe", "its text");
}

static void makes_directories(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *dir = path_in(a, test_temp_dir(), "d");
    const char *file = path_in(a, dir, "file");
    struct stat st;
    struct err err;

    (void)state;
    CHECK(dir_make(dir, 0700, &err), "%s", err.message);
    CHECK(stat(dir, &st) == 0 && S_ISDIR(st.st_mode) && (st.st_mode & 07777) == 0700, "there");
    CHECK(dir_make(dir, 0700, &err), "there already");
    CHECK(file_write(file, STR("x"), 0600, &err), "%s", err.message);
    CHECK(!dir_make(file, 0700, &err), "a file has the name");
    CHECK(!dir_make(path_in(a, dir, "x/y"), 0700, &err) && err.kind == ERR_NOT_FOUND, "no parent");
}

TEST_GROUP(file, cmocka_unit_test(writes_and_reads), cmocka_unit_test(creates_only_once),
           cmocka_unit_test(says_what_is_wrong),
           cmocka_unit_test(a_failed_write_keeps_what_was_there),
           cmocka_unit_test(reads_what_has_no_size), cmocka_unit_test(reads_standard_input),
           cmocka_unit_test(makes_directories))
