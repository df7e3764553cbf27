/* Steps and modified properties as one compact text of a record: {"s":[[type,name,status,
 * description,details],...],"p":[[name,before,after],...]}. Types and statuses as numbers, since
 * millions of them are kept; null where there is nothing. Inside src/journal only. */
#pragma once

#include "journal/journal.h"

void journal_detail_write(struct buf *out, const struct journal_record *r);
/* Fills steps and properties; what they point to is in a. */
MUST_USE bool journal_detail_parse(struct arena *a, struct str text, struct journal_record *out,
                                   struct err *err);
