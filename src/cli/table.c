#include "base/unicode.h"
#include "cli/cli.h"

#include <uniwidth.h>

enum { GAP = 2, NARROWEST = 6 };

struct table_row {
    struct str *cells;
    struct table_row *next;
};

struct cli_table {
    struct cli *cli;
    struct str *headers;
    size_t columns;
    struct table_row *first;
    struct table_row *last;
};

static unsigned char_width(uint32_t code_point)
{
    int width = uc_width(code_point, "UTF-8");

    return width > 0 ? (unsigned)width : 0;
}

static unsigned text_width(struct str s)
{
    unsigned width = 0;

    for (size_t at = 0; at < s.len;)
        width += char_width(utf8_next(s, &at));
    return width;
}

struct cli_table *cli_table_new(struct cli *c, const char *const *headers, size_t columns)
{
    struct cli_table *t = ARENA_NEW(c->arena, struct cli_table);

    t->cli = c;
    t->columns = columns;
    t->headers = ARENA_ARRAY(c->arena, struct str, columns);
    for (size_t i = 0; i < columns; i++)
        t->headers[i] = str_from_z(headers[i]);
    return t;
}

void cli_table_row(struct cli_table *t, const struct str *cells)
{
    struct table_row *row = ARENA_NEW(t->cli->arena, struct table_row);

    row->cells = ARENA_ARRAY(t->cli->arena, struct str, t->columns);
    for (size_t i = 0; i < t->columns; i++) {
        row->cells[i] =
            utf8_valid(cells[i], NULL) ? cli_one_line(t->cli->arena, cells[i]) : STR("(not UTF-8)");
    }
    if (t->last) {
        t->last->next = row;
    } else {
        t->first = row;
    }
    t->last = row;
}

static unsigned total_width(const unsigned *widths, size_t columns, unsigned cap)
{
    unsigned total = (unsigned)(columns - 1) * GAP;

    for (size_t i = 0; i < columns; i++)
        total += widths[i] < cap ? widths[i] : cap;
    return total;
}

/* The widest columns give way first, all to the same width. */
static void fit(unsigned *widths, size_t columns, unsigned available)
{
    unsigned cap = 0;

    for (size_t i = 0; i < columns; i++)
        cap = widths[i] > cap ? widths[i] : cap;
    while (cap > NARROWEST && total_width(widths, columns, cap) > available)
        cap--;
    for (size_t i = 0; i < columns; i++)
        widths[i] = widths[i] < cap ? widths[i] : cap;
}

/* As much of s as fits into width, with an ellipsis when something is missing. */
static void add_cell(struct buf *line, struct str s, unsigned width, bool pad)
{
    unsigned used = 0;
    size_t at = 0;

    if (text_width(s) <= width) {
        buf_add(line, s);
        used = text_width(s);
    } else {
        while (at < s.len) {
            size_t next = at;
            unsigned w = char_width(utf8_next(s, &next));

            if (used + w + 1 > width)
                break;
            used += w;
            at = next;
        }
        buf_add(line, str_sub(s, 0, at));
        buf_add_z(line, "…");
        used++;
    }
    while (pad && used++ < width)
        buf_add_char(line, ' ');
}

static void print_row(struct cli_table *t, const struct str *cells, const unsigned *widths,
                      struct buf *line)
{
    buf_reset(line);
    for (size_t i = 0; i < t->columns; i++) {
        bool last = i + 1 == t->columns;

        add_cell(line, cells[i], widths[i], !last);
        if (!last)
            buf_add_z(line, "  ");
    }
    while (line->len && line->ptr[line->len - 1] == ' ')
        line->len--;
    fprintf(t->cli->out, "%s\n", buf_z(line));
}

void cli_table_print(struct cli_table *t)
{
    unsigned *widths = ARENA_ARRAY(t->cli->arena, unsigned, t->columns);
    struct buf line;

    for (size_t i = 0; i < t->columns; i++) {
        widths[i] = text_width(t->headers[i]);
        for (struct table_row *row = t->first; row; row = row->next) {
            unsigned width = text_width(row->cells[i]);

            widths[i] = width > widths[i] ? width : widths[i];
        }
    }
    /* A pipe or a file gets everything: what reads it can cut for itself. */
    if (t->cli->out_is_terminal)
        fit(widths, t->columns, t->cli->width);
    buf_init(&line, (size_t)1024 * 1024);
    print_row(t, t->headers, widths, &line);
    for (struct table_row *row = t->first; row; row = row->next)
        print_row(t, row->cells, widths, &line);
    buf_done(&line);
}
