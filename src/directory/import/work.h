/* What the parts of an import share; inside src/directory only. import_csv.c and import_json.c make
 * rows, import_row.c brings them into the directory, import_end.c does what can be done only when
 * all rows are in, import.c puts it together. */
#pragma once

#include "directory/check.h"
#include "directory/import/import.h"
#include "directory/import/json_stream.h"
#include "directory/write.h"

struct import_work {
    struct db *db;
    const struct import_options *o;
    struct import_result *result;
    struct directory_tx tx;
    struct arena *a;   /* lives as long as the import */
    struct arena *row; /* emptied for every row */
    int64_t in_batch;  /* rows since the last commit */
    int64_t next_reference;
    struct directory_counts before;
};

struct import_place {
    int64_t line, column;
};

struct import_row {
    enum source_kind kind;
    struct import_place place;
    struct str id; /* or empty */
    struct json *patch;
    bool has_manager;
    struct str manager; /* as written; empty: none */
    struct import_place manager_place;
    bool has_members;
    struct str *members; /* as written */
    size_t member_count;
    struct import_place members_place;
};

/* Says where; false. */
static inline bool import_fail_at(const struct import_work *w, struct import_place place,
                                  struct err *err)
{
    return err_at(err, "%s:%lld:%lld", w->o->name, (long long)place.line, (long long)place.column);
}

/* The attribute that a column means. *out_ignored: none, on purpose. ERR_INVALID "unmappedColumn".
 */
MUST_USE bool import_bind(const struct import_work *w, enum source_kind kind, struct str column,
                          struct directory_attribute *out, bool *out_ignored, struct err *err);
/* The rule for a column, or NULL. */
const struct import_rule *import_rule_for(const struct import_options *o, struct str column);

/* Reads the whole file and calls import_row_apply for each row. */
MUST_USE bool import_read_csv(struct import_work *w, struct err *err);
MUST_USE bool import_read_json(struct import_work *w, struct err *err);

MUST_USE bool import_row_apply(struct import_work *w, struct import_row *row, struct err *err);

/* References that were not there yet, memberships, and who is missing. */
MUST_USE bool import_end(struct import_work *w, struct err *err);

enum import_query {
    IMPORT_MAKE_SEEN,
    IMPORT_MAKE_REFERENCE,
    IMPORT_MAKE_MEMBER,
    IMPORT_CLEAR_SEEN,
    IMPORT_CLEAR_REFERENCE,
    IMPORT_CLEAR_MEMBER,
    IMPORT_SEE,
    IMPORT_SEEN_LINE,
    IMPORT_REFER,
    IMPORT_REFERENCES,
    IMPORT_MEMBER,
    IMPORT_GROUPS,
    IMPORT_JOINED,
    IMPORT_LEFT,
    IMPORT_MISSING_COUNT,
    IMPORT_MISSING,
    IMPORT_QUERY_COUNT,
};
static inline const struct db_query *import_query(enum import_query q)
{
    return &import_queries[q];
}
