/* Reads CSV (RFC 4180) row by row, in memory bounded by the longest row. UTF-8 with or without a
 * byte order mark; rows end with LF, CRLF or CR; cells are separated by ',', ';' or a tab,
 * whichever the header line has most of. Strict about quotes, so that a row that came apart is an
 * error and not wrong data. */
#pragma once

#include "base/arena.h"
#include "base/err.h"

#define CSV_ROW_MAX     ((size_t)16 << 20) /* bytes of one row: a group's members may be many */
#define CSV_COLUMNS_MAX 1000

struct csv_reader;

struct csv_cell {
    struct str text; /* unquoted */
    int64_t line;    /* where it begins */
};

struct csv_row { /* valid until the next row is read */
    const struct csv_cell *cells;
    size_t count;
    int64_t line; /* of its first cell, from 1 */
};

/* Gives up to `room` bytes into `to`; 0 at the end. False on a read error. */
typedef bool csv_read(void *ctx, char *to, size_t room, size_t *out_read, struct err *err);

/* name is what errors call the input; borrowed. */
struct csv_reader *csv_new(const char *name, csv_read *read, void *ctx);
void csv_free(struct csv_reader *r); /* NULL is fine */
void csv_freep(struct csv_reader **r);

/* The next row; blank lines are skipped. *out_row is false at the end. Errors have the place
 * "NAME:LINE:COLUMN", the column being the number of the cell: ERR_INVALID "unclosedQuote",
 * "strayQuote", "notUtf8", "notCsv"; ERR_LIMIT "rowTooLong", "tooManyColumns". */
MUST_USE bool csv_next(struct csv_reader *r, struct csv_row *out, bool *out_row, struct err *err);
