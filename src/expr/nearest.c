#include "expr/nearest.h"

#include "base/compiler.h"

enum { NAME_MAX_BYTES = 96 };

size_t expr_name_tolerance(struct str name)
{
    return name.len < 4 ? 1 : name.len < 10 ? 2 : 3;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t expr_name_distance(struct str a, struct str b, size_t limit)
{
    size_t rows[3][NAME_MAX_BYTES + 1]; /* the last three rows of the table, in turn */

    if (a.len > NAME_MAX_BYTES || b.len > NAME_MAX_BYTES ||
        (a.len > b.len ? a.len - b.len : b.len - a.len) > limit)
        return limit + 1;
    for (size_t j = 0; j <= b.len; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i - 1) % 3];
        const size_t *top = rows[(i + 1) % 3];

        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            char x = ascii_lower(a.ptr[i - 1]);
            char y = ascii_lower(b.ptr[j - 1]);

            row[j] = least(least(above[j], row[j - 1]) + 1, above[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == ascii_lower(b.ptr[j - 2]) && y == ascii_lower(a.ptr[i - 2]))
                row[j] = least(row[j], top[j - 2] + 1);
        }
    }
    return least(rows[a.len % 3][b.len], limit + 1);
}
