#include "frame/frame.h"
#include "http/client.h"

static void encodes(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 1000);
    http_url_encode(&out, STR("aZ09-._~ /?&=+%\"\xc3\xa4"));
    CHECK_STR(buf_str(&out), "aZ09-._~%20%2F%3F%26%3D%2B%25%22%C3%A4", "all kinds");
    buf_done(&out);
}

static void decodes(void **state)
{
    static const struct {
        const char *label, *in;
        bool plus_is_space, ok;
        const char *out;
    } cases[] = {
        {"plain", "abc", false, true, "abc"},
        {"empty", "", false, true, ""},
        {"both cases", "%2f%2F%c3%A4", false, true, "//\xc3\xa4"},
        {"at the end", "a%20", false, true, "a "},
        {"plus", "a+b", false, true, "a+b"},
        {"plus as space", "a+b%2B", true, true, "a b+"},
        {"cut after percent", "a%", false, false, ""},
        {"cut after a digit", "a%2", false, false, ""},
        {"not a digit", "%2g", false, false, ""},
        {"not a digit first", "%g2", false, false, ""},
    };
    CLEANUP(arena_freep) struct arena *a = arena_new();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct str out = {0};

        CHECK(http_url_decode(a, str_from_z(cases[i].in), cases[i].plus_is_space, &out) ==
                  cases[i].ok,
              "%s", cases[i].label);
        CHECK_STR(out, cases[i].out, "%s", cases[i].label);
    }
}

static void decodes_what_it_encodes(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    char bytes[256];
    struct buf out;
    struct str back;

    (void)state;
    for (int i = 0; i < 256; i++)
        bytes[i] = (char)i;
    buf_init(&out, 1000);
    http_url_encode(&out, (struct str){bytes, 256});
    CHECK(http_url_decode(a, buf_str(&out), true, &back), "well-formed");
    CHECK(str_eq(back, (struct str){bytes, 256}), "the same");
    buf_done(&out);
}

static void parses(void **state)
{
    static const struct {
        const char *in, *scheme, *host;
        unsigned port;
        const char *path, *query;
    } cases[] = {
        {"https://a.example/scim/v2", "https", "a.example", 443, "/scim/v2", ""},
        {"http://a.example", "http", "a.example", 80, "", ""},
        {"HTTPS://A:8443/x?y=z?w", "HTTPS", "A", 8443, "/x", "y=z?w"},
        {"https://a?q", "https", "a", 443, "", "q"},
        {"https://a:/", "https", "a", 443, "/", ""},
        {"http://[::1]:81/x", "http", "::1", 81, "/x", ""},
        {"http://[::1]", "http", "::1", 80, "", ""},
        {"https://a/b@c:d", "https", "a", 443, "/b@c:d", ""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct http_url u;
        struct err err;

        CHECK(http_url_parse(str_from_z(cases[i].in), &u, &err), "%s: %s", cases[i].in,
              err.message);
        CHECK_STR(u.scheme, cases[i].scheme, "%s", cases[i].in);
        CHECK_STR(u.host, cases[i].host, "%s", cases[i].in);
        CHECK(u.port == cases[i].port, "%s: %u", cases[i].in, (unsigned)u.port);
        CHECK_STR(u.path, cases[i].path, "%s", cases[i].in);
        CHECK_STR(u.query, cases[i].query, "%s", cases[i].in);
    }
}

static void refuses(void **state)
{
    static const char *const cases[] = {
        "",
        "a.example",
        "ftp://a",
        "//a/b",
        "https:/a",
        "https://",
        "https:///a",
        "https://:80/",
        "https://a:0/",
        "https://a:65536/",
        "https://a:x",
        "https://a:+1",
        "https://u@a/",
        "https://u:p@a",
        "https://a/#b",
        "https://a b",
        "https://a/\x01",
        "https://a\\b/",
        "https://[::1",
        "https://[::1]x",
        "https://[]/",
        "javascript://a",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct http_url u;
        struct err err = {0};

        CHECK(!http_url_parse(str_from_z(cases[i]), &u, &err), "%s", cases[i]);
        CHECK_STR(str_from_z(err.code), "badUrl", "%s", cases[i]);
    }
}

TEST_GROUP(url, cmocka_unit_test(encodes), cmocka_unit_test(decodes),
           cmocka_unit_test(decodes_what_it_encodes), cmocka_unit_test(parses),
           cmocka_unit_test(refuses))
