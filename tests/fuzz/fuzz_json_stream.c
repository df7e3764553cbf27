/* JSON files of people and groups: reading ends in objects or in one error with a place, however
 * the input is cut into pieces; and a file that is read whole is valid JSON. */
#include "directory/import/json_stream.h"

struct pieces {
    struct str rest;
    size_t first, size;
};

static bool read_piece(void *ctx, char *to, size_t room, size_t *out_read, struct err *err)
{
    struct pieces *p = ctx;
    size_t n = p->first ? p->first : p->size;

    (void)err;
    p->first = 0;
    n = n < p->rest.len ? n : p->rest.len;
    n = n < room ? n : room;
    if (n > 0)
        memcpy(to, p->rest.ptr, n);
    p->rest = str_from(p->rest, n);
    *out_read = n;
    return true;
}

static bool read_all(struct str text, size_t first, size_t size, struct buf *out, struct err *err)
{
    struct pieces in = {text, first, size};
    struct json_stream *s = json_stream_new("f", read_piece, &in);
    struct arena *a = arena_new();
    struct json_stream_item item;
    bool more = true;
    bool ok = true;

    buf_reset(out);
    while (more) {
        arena_reset(a);
        ok = json_stream_next(s, a, &item, &more, err);
        if (!ok || !more)
            break;
        assert(json_is(item.object, JSON_OBJECT));
        buf_addf(out, "%lld:%lld ", (long long)item.line, (long long)item.column);
        json_write(out, item.object);
    }
    json_stream_free(s);
    arena_free(a);
    assert(ok || (err->code && *err->message && *err->place));
    return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    struct err err = {.kind = ERR_NONE};
    struct err other = {.kind = ERR_NONE};
    struct arena *a = arena_new();
    struct json *v;
    struct buf whole;
    struct buf pieces;
    bool ok;

    buf_init(&whole, (size_t)1 << 30);
    buf_init(&pieces, (size_t)1 << 30);
    ok = read_all(text, SIZE_MAX, SIZE_MAX, &whole, &err);
    /* The byte order mark is looked for in the first piece. */
    assert(read_all(text, 3, size % 7 + 1, &pieces, &other) == ok);
    assert(str_eq(buf_str(&whole), buf_str(&pieces)));
    assert(ok || strcmp(err.place, other.place) == 0);
    assert(!ok || json_parse(a, text, NULL, &v, NULL, &other));
    buf_done(&whole);
    buf_done(&pieces);
    arena_free(a);
    return 0;
}
