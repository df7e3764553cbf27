/* The statement tables of this folder, for the check that both databases take every statement. */
#pragma once

#include "db/db.h"

extern const struct db_query job_queries[];
extern const size_t job_query_count;
extern const struct db_query job_schema_queries[];
extern const size_t job_schema_query_count;
extern const struct db_query connection_queries[];
extern const size_t connection_query_count;
extern const struct db_query reference_queries[];
extern const size_t reference_query_count;
extern const struct db_query settings_queries[];
extern const size_t settings_query_count;
extern const struct db_query retry_queries[];
extern const size_t retry_query_count;
extern const struct db_query due_queries[];
extern const size_t due_query_count;
extern const struct db_query reset_queries[];
extern const size_t reset_query_count;
extern const struct db_query said_queries[];
extern const size_t said_query_count;
extern const struct db_query pace_queries[];
extern const size_t pace_query_count;
extern const struct db_query stream_queries[];
extern const size_t stream_query_count;
extern const struct db_query pulse_queries[];
extern const size_t pulse_query_count;
extern const struct db_query job_retention_queries[];
extern const size_t job_retention_query_count;
extern const struct db_query cycle_queries[];
extern const size_t cycle_query_count;
extern const struct db_query history_queries[];
extern const size_t history_query_count;
extern const struct db_query lease_queries[];
extern const size_t lease_query_count;
extern const struct db_query held_queries[];
extern const size_t held_query_count;
extern const struct db_query undone_queries[];
extern const size_t undone_query_count;
extern const struct db_query drift_queries[];
extern const size_t drift_query_count;
