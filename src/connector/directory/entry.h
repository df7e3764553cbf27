/* From stored objects to source entries: what is computed for one application is added (scope,
 * roles, groups, a guest's address). Inside src/connector only. */
#pragma once

#include "connector/source.h"
#include "db/db.h"
#include "directory/object.h"

/* Which rows of membership and assignment a page needs. */
enum entry_reach {
    ENTRY_RANGE, /* all ids from the first to the last: the page is dense */
    ENTRY_EACH,  /* each id, 50 in a statement */
};

/* Entries of objects that are in id order, in a. The objects' attributes become the entries'. */
MUST_USE bool directory_entries(struct db *db, struct str app_id,
                                const struct directory_object *objects, size_t count,
                                enum entry_reach reach, struct arena *a, struct source_entry *out,
                                struct err *err);

extern const struct db_query directory_entry_queries[];
extern const size_t directory_entry_query_count;
