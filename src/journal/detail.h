/* What of a record has no column, as one compact text: {"h":[duration,code,message,source id,source
 * name,source login,target id,target name,initiated
 * by],"s":[[type,name,status,description,details],
 * ...],"p":[[name,before,after],...]}. Types and statuses as numbers, since millions of them are
 * kept; null where there is nothing. Inside src/journal only. */
#pragma once

#include "journal/journal.h"

enum journal_detail_size { DETAIL_WHOLE, DETAIL_BRIEF }; /* BRIEF: without steps and properties */
void journal_detail_write(struct buf *out, const struct journal_record *r,
                          enum journal_detail_size size);
/* Fills all that is in it; what it points to is in a. */
MUST_USE bool journal_detail_parse(struct arena *a, struct str text, struct journal_record *out,
                                   struct err *err);
