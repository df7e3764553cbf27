#include "base/arena.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/secret.h"
#include "frame/frame.h"

#include <sys/stat.h>
#include <unistd.h>

static struct str path_in(struct arena *a, const char *dir, const char *name)
{
    return arena_printf(a, "%s/%s", dir, name);
}

static void holds_and_compares(void **state)
{
    static char long_text[SECRET_MAX + 1];
    CLEANUP(secret_done) struct secret a = {0};
    CLEANUP(secret_done) struct secret b = {0};
    CLEANUP(secret_done) struct secret empty = {0};
    CLEANUP(secret_done) struct secret most = {0};
    struct err err;

    (void)state;
    memset(long_text, 'x', sizeof(long_text));
    CHECK(secret_init(&a, STR("token"), &err) && secret_init(&b, STR("tokex"), &err), "made");
    CHECK(secret_init(&empty, (struct str){NULL, 0}, &err), "nothing is a secret too");
    CHECK_STR(secret_reveal(&a), "token", "revealed");
    CHECK(a.bytes[5] == '\0', "NUL-terminated");
    CHECK(secret_equal(&a, &a) && !secret_equal(&a, &b) && !secret_equal(&a, &empty), "compared");
    CHECK(secret_equal(&empty, &empty) && secret_reveal(&empty).len == 0, "empty");
    CHECK(secret_init(&most, (struct str){long_text, SECRET_MAX}, &err), "the longest");
    CHECK(!secret_init(&b, (struct str){long_text, SECRET_MAX + 1}, &err), "too long");
    CHECK(err.kind == ERR_LIMIT, "a limit");
    CHECK_STR(str_from_z(err.code), "secretTooLong", "the code");
    secret_done(NULL);
}

static void hashes(void **state)
{
    char hex[SHA256_HEX_MAX];

    (void)state;
    CHECK_STR(sha256_hex(STR("abc"), hex),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "FIPS 180-4");
    CHECK_STR(sha256_hex((struct str){NULL, 0}, hex),
              "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "empty");
}

static void seals_and_opens(void **state)
{
    static char longest[SECRET_MAX];
    static const struct {
        const char *label;
        struct str plain;
        struct str bound;
    } cases[] = {
        {"usual", STR_INIT("s3cret-token"), STR_INIT("job/1")},
        {"empty", {NULL, 0}, STR_INIT("job/1")},
        {"not bound", STR_INIT("x"), {NULL, 0}},
        {"any bytes", STR_INIT("\0\xFF\n"), STR_INIT("\0")},
        {"longest", {longest, SECRET_MAX}, STR_INIT("job/1")},
    };
    struct secret_key key = {{1, 2, 3}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buf_done) struct buf sealed;
        CLEANUP(buf_done) struct buf again;
        CLEANUP(secret_done) struct secret plain = {0};
        struct err err;

        secret_seal(&key, cases[i].plain, cases[i].bound, &sealed);
        secret_seal(&key, cases[i].plain, cases[i].bound, &again);
        CHECK(!str_eq(buf_str(&sealed), buf_str(&again)), "%s: a new nonce each time",
              cases[i].label);
        CHECK(!sealed.overflowed, "%s", cases[i].label);
        CHECK(secret_open(&key, buf_str(&sealed), cases[i].bound, &plain, &err), "%s: %s",
              cases[i].label, err.message);
        CHECK(str_eq(secret_reveal(&plain), cases[i].plain), "%s", cases[i].label);
    }
}

static void expect_unreadable(const char *label, const struct secret_key *key, struct str sealed,
                              struct str bound)
{
    struct secret plain = {0};
    struct err err = {0};

    CHECK(!secret_open(key, sealed, bound, &plain, &err), "%s", label);
    CHECK(err.kind == ERR_INTERNAL && !plain.bytes, "%s", label);
    CHECK_STR(str_from_z(err.code), "secretUnreadable", "%s", label);
}

static void opens_nothing_else(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(buf_done) struct buf sealed;
    struct secret_key key = {{1}};
    struct secret_key other = {{2}};
    struct str text;

    (void)state;
    secret_seal(&key, STR("s3cret"), STR("job/1"), &sealed);
    text = buf_str(&sealed);
    expect_unreadable("another key", &other, text, STR("job/1"));
    expect_unreadable("another record", &key, text, STR("job/2"));
    expect_unreadable("no record", &key, text, STR(""));
    expect_unreadable("empty", &key, STR(""), STR("job/1"));
    expect_unreadable("not base64", &key, STR("####"), STR("job/1"));
    expect_unreadable("too short", &key, STR("AQID"), STR("job/1"));
    expect_unreadable("something behind it", &key, arena_printf(a, "%.*s ", STR_ARG(text)),
                      STR("job/1"));
    for (size_t i = 0; i < text.len; i++) {
        char *altered = arena_z(a, text);

        altered[i] = altered[i] == 'A' ? 'B' : 'A';
        expect_unreadable("altered", &key, str_from_z(altered), STR("job/1"));
        expect_unreadable("cut", &key, str_sub(text, 0, i), STR("job/1"));
    }
}

static void makes_a_key_file(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *path = path_in(a, test_temp_dir(), "key").ptr;
    struct secret_key first;
    struct secret_key second;
    struct stat st;
    struct err err;

    (void)state;
    CHECK(secret_key_load(path, &first, &err), "%s", err.message);
    CHECK(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600 && st.st_size == 32,
          "its mode and size");
    CHECK(st.st_nlink == 1, "no second name is left");
    CHECK(secret_key_load(path, &second, &err), "%s", err.message);
    CHECK(memcmp(&first, &second, sizeof(first)) == 0, "the same key again");
    secret_key_done(&first);
    CHECK(memcmp(&first, &(struct secret_key){{0}}, sizeof(first)) == 0, "cleared");
}

static void refuses_bad_key_files(void **state)
{
    static const struct {
        const char *label;
        size_t size;
        mode_t mode;
        enum err_kind kind;
        const char *code;
    } cases[] = {
        {"group may read", 32, 0640, ERR_DENIED, "keyFileMode"},
        {"others may read", 32, 0604, ERR_DENIED, "keyFileMode"},
        {"group may write", 32, 0620, ERR_DENIED, "keyFileMode"},
        {"too short", 31, 0600, ERR_INTERNAL, "keyFile"},
        {"too long", 33, 0600, ERR_INTERNAL, "keyFile"},
        {"empty", 0, 0600, ERR_INTERNAL, "keyFile"},
    };
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *dir = test_temp_dir();
    const char *path = path_in(a, dir, "key").ptr;
    struct secret_key key;
    struct err err;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CHECK(file_write(path, (struct str){"0123456789abcdef0123456789abcdef0", cases[i].size},
                         0600, &err),
              "%s", err.message);
        CHECK(chmod(path, cases[i].mode) == 0, "%s", cases[i].label);
        CHECK(!secret_key_load(path, &key, &err), "%s", cases[i].label);
        CHECK(err.kind == cases[i].kind, "%s: %s", cases[i].label, err.message);
        CHECK_STR(str_from_z(err.code), cases[i].code, "%s", cases[i].label);
    }
    CHECK(!secret_key_load(dir, &key, &err) && err.kind == ERR_INTERNAL, "a directory");
    CHECK(!secret_key_load(path_in(a, dir, "none/key").ptr, &key, &err), "no such directory");
    CHECK_STR(str_from_z(err.code), "keyFile", "no such directory");
}

static void marks(void **state)
{
    struct secret_marker marker, other;
    struct secret_mark mark, again;

    (void)state;
    secret_marker_init(&marker);
    secret_marker_init(&other);
    mark = secret_mark(&marker, STR("a token"));
    again = secret_mark(&marker, STR("a token"));
    CHECK(secret_mark_equal(&mark, &again), "the same secret");
    again = secret_mark(&marker, STR("a tokem"));
    CHECK(!secret_mark_equal(&mark, &again), "another secret");
    again = secret_mark(&marker, STR(""));
    CHECK(!secret_mark_equal(&mark, &again), "an empty secret");
    again = secret_mark(&other, STR("a token"));
    CHECK(!secret_mark_equal(&mark, &again), "the marker of another process");
}

TEST_GROUP(secret, cmocka_unit_test(holds_and_compares), cmocka_unit_test(hashes),
           cmocka_unit_test(marks), cmocka_unit_test(seals_and_opens),
           cmocka_unit_test(opens_nothing_else), cmocka_unit_test(makes_a_key_file),
           cmocka_unit_test(refuses_bad_key_files))
