#include "cli/nearest.h"

#include <string.h>

enum { WORD_MAX = 63 };

/* Edits (insert, remove, replace, swap neighbours) between two words of at most WORD_MAX bytes. */
static size_t edits(struct str a, struct str b)
{
    size_t rows[3][WORD_MAX + 1];
    size_t *before = rows[0];
    size_t *last = rows[1];
    size_t *row = rows[2];

    for (size_t j = 0; j <= b.len; j++)
        last[j] = j;
    memset(before, 0, sizeof(rows[0]));
    for (size_t i = 1; i <= a.len; i++) {
        size_t *free_row = before;

        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t best = last[j - 1] + (a.ptr[i - 1] != b.ptr[j - 1]);

            if (last[j] + 1 < best)
                best = last[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            if (i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] && a.ptr[i - 2] == b.ptr[j - 1] &&
                before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            row[j] = best;
        }
        before = last;
        last = row;
        row = free_row;
    }
    return last[b.len];
}

void cli_nearest_init(struct cli_nearest *n, struct str given)
{
    *n = (struct cli_nearest){.given = given};
    if (given.len > WORD_MAX)
        n->given.len = WORD_MAX;
    /* A third of the word may be wrong, and one letter always. */
    n->distance = n->given.len / 3 + 2;
}

void cli_nearest_try(struct cli_nearest *n, const char *word)
{
    struct str known = str_from_z(word);
    size_t distance;

    if (known.len > WORD_MAX)
        return;
    distance = edits(n->given, known);
    if (distance < n->distance) {
        n->distance = distance;
        n->best = word;
    }
}
