/* The statement tables of this folder, for the check that both databases take every statement. */
#pragma once

#include "db/db.h"

extern const struct db_query journal_queries[];
extern const size_t journal_query_count;

extern const struct db_query block_queries[];
extern const size_t block_query_count;

extern const struct db_query search_queries[];
extern const size_t search_query_count;

extern const struct db_query subject_queries[];
extern const size_t subject_query_count;

extern const struct db_query retention_queries[];
extern const size_t retention_query_count;

extern const struct db_query audit_queries[];
extern const size_t audit_query_count;
