/* Cells of a CSV file (RFC 4180). */
#pragma once

#include "base/buf.h"

/* Quoted, followed by `after`: ',' or a line end. What a spreadsheet would take for a formula is
 * made a text. */
void cli_csv_cell(struct buf *out, struct str text, char after);
