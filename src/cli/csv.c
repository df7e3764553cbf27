#include "cli/csv.h"

#include <string.h>

static void add_quoted(struct buf *out, const char *before, struct str text)
{
    buf_add_char(out, '"');
    buf_add_z(out, before);
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '"')
            buf_add_char(out, '"');
        buf_add_char(out, text.ptr[i]);
    }
    buf_add_char(out, '"');
}

void cli_csv_field(struct buf *out, struct str text)
{
    bool formula = text.len > 0 && strchr("=+-@\t\r", text.ptr[0]);

    add_quoted(out, formula ? "'" : "", text);
}

void cli_csv_plain(struct buf *out, struct str text)
{
    add_quoted(out, "", text);
}

void cli_csv_cell(struct buf *out, struct str text, char after)
{
    cli_csv_field(out, text);
    buf_add_char(out, after);
}
