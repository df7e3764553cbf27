/* Fields of a CSV file (RFC 4180). */
#pragma once

#include "base/buf.h"

/* In quotes. What a spreadsheet would take for a formula gets an apostrophe in front. */
void cli_csv_field(struct buf *out, struct str text);
/* In quotes, as it is: for programs. */
void cli_csv_plain(struct buf *out, struct str text);
/* The same, followed by `after`: ',' or a line end. */
void cli_csv_cell(struct buf *out, struct str text, char after);
