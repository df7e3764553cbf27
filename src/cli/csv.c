#include "cli/csv.h"

#include <string.h>

void cli_csv_field(struct buf *out, struct str text)
{
    bool formula = text.len > 0 && strchr("=+-@\t\r", text.ptr[0]);

    buf_add_char(out, '"');
    if (formula)
        buf_add_char(out, '\'');
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '"')
            buf_add_char(out, '"');
        buf_add_char(out, text.ptr[i]);
    }
    buf_add_char(out, '"');
}

void cli_csv_cell(struct buf *out, struct str text, char after)
{
    cli_csv_field(out, text);
    buf_add_char(out, after);
}
