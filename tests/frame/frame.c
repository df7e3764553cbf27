#include "frame/frame.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEMP_DIRS_MAX = 1024 };

/* cmocka catches SIGSEGV and says no more than that; with the sanitizer its report is worth more.
 */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "handle_segv=2:handle_sigbus=2:handle_sigfpe=2:handle_sigill=2";
}

static struct test_group *groups;
static char temp_dirs[TEMP_DIRS_MAX][64];
static size_t temp_dir_count;

void test_register(struct test_group *group)
{
    group->next = groups;
    groups = group;
}

void test_fail(const char *file, int line, const char *condition, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fprintf(stderr, "%s:%d: %s: ", file, line, condition);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    _fail(file, line);
    abort();
}

void test_check_str(const char *file, int line, struct str got, const char *want,
                    const char *format, ...)
{
    va_list args;
    char label[512];

    if (str_eq_z(got, want))
        return;
    va_start(args, format);
    vsnprintf(label, sizeof(label), format, args);
    va_end(args);
    test_fail(file, line, "texts are equal", "%s\n  got:  %.*s\n  want: %s", label, STR_ARG(got),
              want);
}

void test_check_int(const char *file, int line, int64_t got, int64_t want, const char *format, ...)
{
    va_list args;
    char label[512];

    if (got == want)
        return;
    va_start(args, format);
    vsnprintf(label, sizeof(label), format, args);
    va_end(args);
    test_fail(file, line, "numbers are equal", "%s: %lld instead of %lld", label, (long long)got,
              (long long)want);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void remove_temp_dirs(void)
{
    for (size_t i = 0; i < temp_dir_count; i++)
        nftw(temp_dirs[i], remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

const char *test_temp_dir(void)
{
    char *dir = temp_dirs[temp_dir_count];

    assert(temp_dir_count < TEMP_DIRS_MAX);
    if (temp_dir_count++ == 0)
        atexit(remove_temp_dirs);
    snprintf(dir, sizeof(temp_dirs[0]), "/tmp/usher-test-XXXXXX");
    if (!mkdtemp(dir))
        abort();
    return dir;
}

int main(int argc, char **argv)
{
    int failed = 0;
    bool found = false;

    for (struct test_group *g = groups; g; g = g->next) {
        if (argc > 1 && strcmp(argv[1], g->name) != 0)
            continue;
        found = true;
        failed += _cmocka_run_group_tests(g->name, g->tests, g->count, NULL, NULL);
    }
    if (!found)
        fprintf(stderr, "no test group named %s\n", argc > 1 ? argv[1] : "anything");
    return failed || !found;
}
