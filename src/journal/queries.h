/* The statement table of this folder, for the check that both databases take every statement. */
#pragma once

#include "db/db.h"

extern const struct db_query journal_queries[];
extern const size_t journal_query_count;
