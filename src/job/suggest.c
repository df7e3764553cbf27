#include "job/suggest.h"

#include "base/buf.h"
#include "base/unicode.h"

enum { DISTANCE_BYTES_MAX = 64, TEXT_MAX = 300 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Levenshtein distance of the first bytes of both. */
static size_t distance(struct str a, struct str b)
{
    size_t row[DISTANCE_BYTES_MAX + 1];

    a = str_sub(a, 0, DISTANCE_BYTES_MAX);
    b = str_sub(b, 0, DISTANCE_BYTES_MAX);
    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t replaced = diagonal + (a.ptr[i - 1] != b.ptr[j - 1]);

            diagonal = row[j];
            row[j] = least(least(row[j] + 1, row[j - 1] + 1), replaced);
        }
    }
    return row[b.len];
}

void suggestions_consider(struct suggestions *s, struct arena *a, struct str name)
{
    size_t d = distance(s->wanted, str_fold(a, name));
    size_t at = s->count;

    while (at > 0 && s->distances[at - 1] > d)
        at--;
    if (at == SUGGESTIONS_MAX)
        return;
    if (s->count < SUGGESTIONS_MAX)
        s->count++;
    for (size_t i = s->count - 1; i > at; i--) {
        s->names[i] = s->names[i - 1];
        s->distances[i] = s->distances[i - 1];
    }
    s->names[at] = name;
    s->distances[at] = d;
}

struct str suggestions_text(const struct suggestions *s, struct arena *a)
{
    CLEANUP(buf_done) struct buf text;

    buf_init(&text, TEXT_MAX);
    for (size_t i = 0; i < s->count; i++) {
        const char *between = i == 0 ? "" : i + 1 == s->count ? " or " : ", ";

        buf_addf(&text, "%s'%.*s'", between, STR_ARG(s->names[i]));
    }
    return arena_str(a, buf_str(&text));
}
