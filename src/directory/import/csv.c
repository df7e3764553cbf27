#include "directory/import/csv.h"

#include "base/unicode.h"

enum { CHUNK = 64 << 10, MARK_MAX = 3 }; /* bytes read at once, and of a byte order mark */

struct csv_reader {
    const char *name;
    csv_read *read;
    void *ctx;
    char *data;
    size_t start, end, cap; /* what is read and not yet given out: data[start, end) */
    size_t scanned;         /* how far the end of the row was looked for */
    bool quoted;            /* at `scanned` */
    bool ended;             /* nothing more to read */
    bool began;
    char separator;
    int64_t line; /* of data[start] */
    struct csv_cell *cells;
    size_t count, room;
};

struct csv_reader *csv_new(const char *name, csv_read *read, void *ctx)
{
    struct csv_reader *r = mem_alloc(sizeof(*r));

    r->name = name;
    r->read = read;
    r->ctx = ctx;
    r->line = 1;
    return r;
}

void csv_free(struct csv_reader *r)
{
    if (!r)
        return;
    free(r->data);
    free(r->cells);
    free(r);
}

void csv_freep(struct csv_reader **r)
{
    csv_free(*r);
    *r = NULL;
}

static bool fail(const struct csv_reader *r, int64_t line, size_t column, enum err_kind kind,
                 const char *code, const char *message, struct err *err)
{
    err_fill(err, kind, code, "%s", message);
    return err_at(err, "%s:%lld:%zu", r->name, (long long)line, column);
}

/* Makes room and reads some more. */
static bool read_more(struct csv_reader *r, struct err *err)
{
    size_t n;

    if (r->start > 0) {
        memmove(r->data, r->data + r->start, r->end - r->start);
        r->end -= r->start;
        r->scanned -= r->start;
        r->start = 0;
    }
    if (r->cap - r->end < CHUNK) {
        r->cap = r->end + CHUNK > 2 * r->cap ? r->end + CHUNK : 2 * r->cap;
        r->data = mem_realloc(r->data, r->cap);
    }
    if (!r->read(r->ctx, r->data + r->end, CHUNK, &n, err))
        return false;
    r->ended = n == 0;
    r->end += n;
    return true;
}

/* Looks on for the end of the row, which is at a line end outside of quotes. */
static bool scan(struct csv_reader *r)
{
    const char *p = r->data + r->scanned;
    const char *end = r->data + r->end;
    bool quoted = r->quoted;

    for (; p < end; p++) {
        if (*p == '"') {
            quoted = !quoted;
        } else if (!quoted && (*p == '\n' || *p == '\r')) {
            break;
        }
    }
    r->quoted = quoted;
    r->scanned = (size_t)(p - r->data);
    return p < end;
}

/* Until a whole row is there, or the end. *out_len: its bytes without the line end. */
static bool find_row(struct csv_reader *r, size_t *out_len, struct err *err)
{
    r->scanned = r->start;
    r->quoted = false;
    while (r->start == r->end || !scan(r)) {
        if (r->ended || r->end - r->start > CSV_ROW_MAX)
            break;
        if (!read_more(r, err))
            return false;
    }
    *out_len = r->scanned - r->start;
    return true;
}

static bool add_cell(struct csv_reader *r, struct str text, int64_t line, struct err *err)
{
    size_t at;

    if (r->count == CSV_COLUMNS_MAX) {
        return fail(r, line, r->count + 1, ERR_LIMIT, "tooManyColumns",
                    "a row has more than 1000 cells", err);
    }
    if (!utf8_valid(text, &at)) {
        return fail(r, line, r->count + 1, ERR_INVALID, "notUtf8",
                    "the cell is not valid UTF-8: save the file as UTF-8", err);
    }
    if (memchr(text.ptr ? text.ptr : "", '\0', text.len))
        return fail(r, line, r->count + 1, ERR_INVALID, "notCsv", "the cell holds a NUL byte", err);
    if (r->count == r->room) {
        r->room = r->room ? 2 * r->room : 64;
        r->cells = mem_realloc(r->cells, r->room * sizeof(*r->cells));
    }
    r->cells[r->count++] = (struct csv_cell){text, line};
    return true;
}

static int64_t lines_in(const char *from, const char *to)
{
    int64_t n = 0;

    for (const char *p = from; p < to; p++)
        n += *p == '\n' || (*p == '\r' && (p + 1 == to || p[1] != '\n'));
    return n;
}

/* The cell in quotes at *p, unquoted where it stands; *p moves behind the closing quote. */
static bool quoted_cell(struct csv_reader *r, char **p, char *end, int64_t *line, struct str *out,
                        struct err *err)
{
    char *first = *p + 1;
    char *to = first;
    char *from = first;

    for (;;) {
        char *quote = memchr(from, '"', (size_t)(end - from));

        if (!quote) {
            return fail(r, *line, r->count + 1, ERR_INVALID, "unclosedQuote",
                        r->ended ? "the cell begins with a quote that is never closed"
                                 : "the cell begins with a quote that is not closed within 16 MiB",
                        err);
        }
        memmove(to, from, (size_t)(quote - from));
        to += quote - from;
        from = quote + 1;
        if (from == end || *from != '"')
            break;
        *to++ = '"';
        from++;
    }
    *p = from;
    *out = (struct str){first, (size_t)(to - first)};
    *line += lines_in(first, to);
    return true;
}

static bool plain_cell(struct csv_reader *r, char **p, const char *end, int64_t line,
                       struct str *out, struct err *err)
{
    char *first = *p;

    for (; *p < end && **p != r->separator; (*p)++) {
        if (**p == '"') {
            return fail(r, line, r->count + 1, ERR_INVALID, "strayQuote",
                        "a quote stands inside a cell: put the whole cell in quotes and write the "
                        "quote twice",
                        err);
        }
    }
    *out = (struct str){first, (size_t)(*p - first)};
    return true;
}

/* Splits data[start, start + len) into cells. */
static bool split(struct csv_reader *r, size_t len, struct err *err)
{
    char *p = r->data + r->start;
    char *end = p + len;
    int64_t line = r->line;

    r->count = 0;
    for (;;) {
        int64_t begins = line;
        struct str text;

        if (p < end && *p == '"') {
            if (!quoted_cell(r, &p, end, &line, &text, err))
                return false;
            if (p < end && *p != r->separator) {
                return fail(r, line, r->count + 1, ERR_INVALID, "strayQuote",
                            "something follows the closing quote of the cell: a quote inside a "
                            "cell is written twice",
                            err);
            }
        } else if (!plain_cell(r, &p, end, line, &text, err)) {
            return false;
        }
        if (!add_cell(r, text, begins, err))
            return false;
        if (p == end)
            break;
        p++;
    }
    r->line = line;
    return true;
}

static bool begin(struct csv_reader *r, struct err *err)
{
    struct str head;
    size_t counts[3] = {0};
    size_t most = 0;
    static const char separators[] = ",;\t";
    size_t len;

    r->began = true;
    do {
        if (!read_more(r, err))
            return false;
    } while (!r->ended && r->end < MARK_MAX);
    head = (struct str){r->data, r->end};
    if (str_starts(head, STR("\xFF\xFE")) || str_starts(head, STR("\xFE\xFF")))
        return fail(r, 1, 1, ERR_INVALID, "notUtf8", "the file is UTF-16: save it as UTF-8", err);
    if (str_starts(head, STR("\xEF\xBB\xBF")))
        r->start = 3;
    if (!find_row(r, &len, err))
        return false;
    r->quoted = false;
    for (size_t i = r->start; i < r->start + len; i++) {
        const char *sign = strchr(separators, r->data[i]);

        if (r->data[i] == '"') {
            r->quoted = !r->quoted;
        } else if (!r->quoted && sign && *sign) {
            counts[sign - separators]++;
        }
    }
    for (size_t i = 1; i < ARRAY_LEN(counts); i++)
        most = counts[i] > counts[most] ? i : most;
    r->separator = separators[most];
    return true;
}

/* Over the line end behind a row; it may be cut in two by the reading. */
static bool skip_line_end(struct csv_reader *r, size_t len, struct err *err)
{
    r->start += len;
    if (r->start == r->end)
        return true;
    r->line++;
    if (r->data[r->start++] == '\n')
        return true;
    r->scanned = r->start;
    if (r->start == r->end && !r->ended && !read_more(r, err))
        return false;
    if (r->start < r->end && r->data[r->start] == '\n')
        r->start++;
    return true;
}

bool csv_next(struct csv_reader *r, struct csv_row *out, bool *out_row, struct err *err)
{
    size_t len;

    if (!r->began && !begin(r, err))
        return false;
    for (;;) {
        if (!find_row(r, &len, err))
            return false;
        if (len > 0 || r->start == r->end)
            break;
        if (!skip_line_end(r, 0, err)) /* a blank line */
            return false;
    }
    if (len == 0) {
        *out_row = false;
        return true;
    }
    out->line = r->line;
    if (!split(r, len, err))
        return false;
    if (len > CSV_ROW_MAX)
        return fail(r, out->line, 1, ERR_LIMIT, "rowTooLong", "the row is longer than 16 MiB", err);
    /* The cells point into the data, which skip_line_end may move: only at the next row. */
    out->cells = r->cells;
    out->count = r->count;
    *out_row = true;
    r->start += len;
    return true;
}
