/* The table of docs/manual/scim.md names tests: each has to be there. */
#include "base/file.h"
#include "conformance/check.h"
#include "frame/frame.h"

struct lookup {
    struct str name;
    bool found;
};

static void match(void *ctx, const char *name, const char *section, enum check_level level)
{
    struct lookup *l = ctx;

    (void)section;
    (void)level;
    l->found = l->found || str_eq_z(l->name, name);
}

static bool is_check(struct str name)
{
    struct lookup l = {name, false};

    check_each(match, &l);
    return l.found;
}

static struct str read_text(struct arena *a, const char *path)
{
    struct str text;
    struct err err = {.kind = ERR_NONE};

    CHECK(file_read(a, path, 4 << 20, &text, &err), "%s: %s", path, err.message);
    return text;
}

/* test_patch.c:applies, in tests/unit/scim or tests/unit/provider. */
static bool is_unit_test(struct arena *a, struct str reference)
{
    static const char *const folders[] = {"scim", "provider"};
    struct str function = reference, file;
    size_t at;

    (void)str_cut(&function, ':', &file);
    for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
        const char *path =
            arena_printf(a, "%s/unit/%s/%.*s", TESTS_DIR, folders[i], STR_ARG(file)).ptr;
        struct str text;
        struct err err;

        if (file_read(a, path, 4 << 20, &text, &err) &&
            str_find(text, arena_printf(a, "cmocka_unit_test(%.*s)", STR_ARG(function)), &at))
            return true;
    }
    return false;
}

static bool is_case(struct arena *a, struct str cases, struct str id)
{
    size_t at;

    return str_find(cases, arena_printf(a, "\"%.*s\"", STR_ARG(id)), &at);
}

/* Takes one reference off the cell. */
static struct str next_reference(struct str *cell, bool *out_quoted)
{
    struct str reference;

    *cell = str_trim(*cell);
    *out_quoted = str_starts(*cell, STR("\""));
    if (*out_quoted)
        *cell = str_from(*cell, 1);
    (void)str_cut(cell, *out_quoted ? '"' : ' ', &reference);
    return reference;
}

static size_t check_row(struct arena *a, struct str cases, struct str own, struct str row)
{
    struct str section, what, cell, rest = str_from(row, 1);
    size_t count = 0;

    (void)str_cut(&rest, '|', &section);
    (void)str_cut(&rest, '|', &what);
    (void)str_cut(&rest, '|', &cell);
    /* Without a test, it says why. */
    CHECK(str_trim(cell).len > 0 || str_trim(rest).len > 1, "%.*s", STR_ARG(row));
    while (str_trim(cell).len > 0) {
        bool quoted;
        struct str reference = next_reference(&cell, &quoted);

        CHECK(quoted                               ? is_check(reference)
              : str_starts(reference, STR("ex-"))  ? is_case(a, cases, reference)
              : str_starts(reference, STR("own-")) ? is_case(a, own, reference)
                                                   : is_unit_test(a, reference),
              "%.*s: there is no %.*s", STR_ARG(section), STR_ARG(reference));
        count++;
    }
    return count;
}

static void test_table(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct str manual = read_text(a, SOURCE_DIR "/docs/manual/scim.md"), line;
    struct str cases = read_text(a, TESTS_DIR "/conformance/scim/cases.json");
    struct str own = read_text(a, TESTS_DIR "/conformance/scim/own.json");
    size_t references = 0;

    (void)state;
    while (manual.len > 0) {
        (void)str_cut(&manual, '\n', &line);
        if (str_starts(line, STR("| ")) && !str_starts(line, STR("| Section")) &&
            !str_starts(line, STR("| ---")))
            references += check_row(a, cases, own, line);
    }
    CHECK(references > 150, "%zu references", references);
}

TEST_GROUP(conformance_manual, cmocka_unit_test(test_table))
