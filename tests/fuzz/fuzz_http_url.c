/* Addresses: the parts of one that is accepted are cut from it in order and have nothing in them
 * that would change where a request goes; decoding undoes encoding, and never grows. */
#include "http/client.h"

#include <assert.h>

static void check_parts(struct str text)
{
    struct http_url u;
    size_t at;

    if (!http_url_parse(text, &u, NULL))
        return;
    assert(str_eq_ascii_nocase(u.scheme, STR("http")) ||
           str_eq_ascii_nocase(u.scheme, STR("https")));
    assert(u.host.len > 0 && u.port > 0);
    assert(u.scheme.ptr == text.ptr && u.host.ptr > u.scheme.ptr);
    assert(u.host.ptr + u.host.len <= text.ptr + text.len);
    assert(!str_find_char(u.host, '@', &at) && !str_find_char(u.host, '/', &at) &&
           !str_find_char(u.host, '?', &at));
    assert(str_empty(u.path) || u.path.ptr[0] == '/');
    assert(!str_find_char(u.path, '?', &at));
    assert(!str_find_char(text, '\r', &at) && !str_find_char(text, '\n', &at));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    struct arena *a = arena_new();
    struct str back;
    struct buf encoded;

    check_parts(text);
    if (http_url_decode(a, text, true, &back))
        assert(back.len <= text.len);
    buf_init(&encoded, 3 * size + 1);
    http_url_encode(&encoded, text);
    bool ok = http_url_decode(a, buf_str(&encoded), true, &back);
    assert(ok && str_eq(back, text));
    buf_done(&encoded);
    arena_free(a);
    return 0;
}
