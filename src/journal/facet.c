#include "journal/facet.h"

#include "base/unicode.h"

static_assert(STATUS_COUNT <= 4 && ACTION_COUNT <= 8 && SOURCE_KIND_COUNT <= 2,
              "they fit their bits");

int64_t facet_code(struct str code)
{
    CLEANUP(arena_freep) struct arena *tmp = NULL;
    int64_t hash;

    if (code.len == 0)
        return 0;
    tmp = arena_new();
    hash = (int64_t)(str_hash(str_fold(tmp, code)) & 0xFFFFFF);
    return hash ? hash : 1;
}

int64_t facet_of(const struct journal_record *r)
{
    return (int64_t)r->status | (int64_t)r->action << 2 | (int64_t)r->kind << 5 |
           facet_code(r->code) << 6;
}
