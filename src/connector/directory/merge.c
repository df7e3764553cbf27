#include "connector/directory/merge.h"

#include <stdlib.h>
#include <string.h>

int id_compare(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

void merge_add(struct merge *m, struct arena *a, const struct str *ids, size_t count, size_t limit)
{
    if (m->count + count > m->cap) {
        size_t cap = m->cap * 2 > m->count + count ? m->cap * 2 : m->count + count + limit;
        struct str *bigger = ARENA_ARRAY(a, struct str, cap);

        if (m->count)
            memcpy(bigger, m->ids, m->count * sizeof(*bigger));
        m->ids = bigger;
        m->cap = cap;
    }
    if (count)
        memcpy(m->ids + m->count, ids, count * sizeof(*ids));
    m->count += count;
    if (count == limit && (m->boundary.len == 0 || str_cmp(ids[count - 1], m->boundary) < 0))
        m->boundary = ids[count - 1];
}

bool merge_end(struct merge *m, size_t limit)
{
    size_t n = 0;

    if (m->count > 0)
        qsort(m->ids, m->count, sizeof(*m->ids), id_compare);
    for (size_t i = 0; i < m->count; i++) {
        if (n > 0 && str_eq(m->ids[i], m->ids[n - 1]))
            continue;
        if (n == limit || (m->boundary.len > 0 && str_cmp(m->ids[i], m->boundary) > 0)) {
            m->count = n;
            return false;
        }
        m->ids[n++] = m->ids[i];
    }
    m->count = n;
    return m->boundary.len == 0;
}
