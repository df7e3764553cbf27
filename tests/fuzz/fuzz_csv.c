/* CSV: whatever the bytes are, reading ends in rows or in one error with a place; how the input is
 * cut into pieces makes no difference; and what was read, written as CSV and read again, is the
 * same. */
#include "base/buf.h"
#include "base/unicode.h"
#include "directory/import/csv.h"

struct pieces {
    struct str rest;
    size_t size;
};

static bool read_piece(void *ctx, char *to, size_t room, size_t *out_read, struct err *err)
{
    struct pieces *p = ctx;
    size_t n = p->size < p->rest.len ? p->size : p->rest.len;

    (void)err;
    n = n < room ? n : room;
    if (n > 0)
        memcpy(to, p->rest.ptr, n);
    p->rest = str_from(p->rest, n);
    *out_read = n;
    return true;
}

static void write_cell(struct buf *out, struct str cell)
{
    buf_add_char(out, '"');
    for (size_t i = 0; i < cell.len; i++) {
        if (cell.ptr[i] == '"')
            buf_add_char(out, '"');
        buf_add_char(out, cell.ptr[i]);
    }
    buf_add_char(out, '"');
}

/* Writes every row as CSV with all cells in quotes; then the error, if there was one. */
static bool read_all(struct str text, size_t size, struct buf *out, struct err *err)
{
    struct pieces in = {text, size};
    struct csv_reader *r = csv_new("f", read_piece, &in);
    struct csv_row row;
    int64_t line = 0;
    bool more = true;
    bool ok = true;

    buf_reset(out);
    while (more) {
        ok = csv_next(r, &row, &more, err);
        if (!ok || !more)
            break;
        assert(row.count > 0 && row.count <= CSV_COLUMNS_MAX);
        assert(row.line > line);
        line = row.line;
        for (size_t i = 0; i < row.count; i++) {
            assert(utf8_valid(row.cells[i].text, NULL));
            assert(row.cells[i].line >= line);
            if (i)
                buf_add_char(out, ',');
            write_cell(out, row.cells[i].text);
        }
        buf_add_char(out, '\n');
    }
    csv_free(r);
    assert(ok || (err->code && *err->message && *err->place));
    return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    struct err err = {.kind = ERR_NONE};
    struct err other = {.kind = ERR_NONE};
    struct buf whole;
    struct buf pieces;
    bool ok;

    buf_init(&whole, (size_t)1 << 30);
    buf_init(&pieces, (size_t)1 << 30);
    ok = read_all(text, SIZE_MAX, &whole, &err);
    assert(read_all(text, size % 7 + 1, &pieces, &other) == ok);
    assert(str_eq(buf_str(&whole), buf_str(&pieces)));
    assert(ok || strcmp(err.place, other.place) == 0);
    assert(read_all(buf_str(&whole), SIZE_MAX, &pieces, &other));
    assert(str_eq(buf_str(&whole), buf_str(&pieces)));
    buf_done(&whole);
    buf_done(&pieces);
    return 0;
}
