/* A facet is action, status, kind of object and code of a record as one number. There are few of
 * them in a job, so that an index by facet finds the records of any combination without reading
 * others. Inside src/journal only.
 *
 *   bits 0-1 status, 2-4 action, 5 kind, 6-29 hash of the casefolded code (0: no code) */
#pragma once

#include "journal/journal.h"

int64_t facet_of(const struct journal_record *r);
/* 24 bits; 0 for an empty code only. */
int64_t facet_code(struct str code);

static inline enum journal_status facet_status(int64_t facet)
{
    return (enum journal_status)(facet & 3);
}
static inline enum journal_action facet_action(int64_t facet)
{
    return (enum journal_action)(facet >> 2 & 7);
}
