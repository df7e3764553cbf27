/* Importing people and groups from CSV or JSON. Rows are matched by id, else by userPrincipalName
 * (groups: display name); what is missing is created, who is in the recycle bin comes back. A
 * column that is absent leaves its attribute alone, an empty cell clears it. Managers and members
 * may be named before they appear: they are looked up when all rows are in. One transaction for the
 * whole file unless `batch` is given, so that an error leaves nothing half done; memory does not
 * depend on the length of the file. */
#pragma once

#include "base/clock.h"
#include "base/rng.h"
#include "directory/import/csv.h"
#include "directory/object.h"

/* What a column (or a JSON member) means. */
struct import_rule {
    struct str column;
    struct str attribute; /* empty: ignored */
};

enum import_format { IMPORT_CSV, IMPORT_JSON };

/* The guard of `complete` (design.md 4, promise 4): removals are refused when they are more than
 * the first number, or at least the second and more than that share of those who are there. */
enum { IMPORT_REMOVALS_MAX = 500, IMPORT_REMOVALS_SHARE_FROM = 25, IMPORT_REMOVALS_PERCENT = 10 };

struct import_options {
    const char *name; /* of the file, for errors */
    enum import_format format;
    csv_read *read;
    void *read_ctx;
    bool kind_given;
    enum source_kind kind;
    const struct import_rule *rules; /* the last one for a column counts */
    size_t rule_count;
    bool dry_run;           /* all is done, and then undone */
    bool complete;          /* the file is everybody: who is missing goes to the recycle bin */
    int64_t allow_removals; /* how many may go; -1: as the guard has it */
    int64_t batch;          /* rows in a transaction; 0: all in one */
    const struct clock *clock;
    struct rng *rng;
    void (*progress)(void *ctx, int64_t rows);
    void *progress_ctx;
};

struct import_result {
    int64_t rows;
    int64_t created[SOURCE_KIND_COUNT], updated[SOURCE_KIND_COUNT], unchanged[SOURCE_KIND_COUNT],
        restored[SOURCE_KIND_COUNT], removed[SOURCE_KIND_COUNT];
    int64_t members_added, members_removed;
    int64_t committed; /* rows that stay even though an error followed: with `batch` only */
    bool had[SOURCE_KIND_COUNT]; /* the file has rows, or a section, of the kind */
};

/* Errors have the place "FILE:LINE:COLUMN", COLUMN being the number of the cell in CSV and of the
 * character in JSON. "unmappedColumn", "unknownReference", "duplicateRow", "tooManyRemovals" and
 * those of csv.h, json_stream.h, check.h, write.h. *out is valid in any case. */
MUST_USE bool directory_import(struct db *db, const struct import_options *options,
                               struct import_result *out, struct err *err);

/* The mapping file: "COLUMN = ATTRIBUTE" a line, nothing behind the sign for an ignored column, '#'
 * begins a comment. Rules belong to a. ERR_INVALID "badMappingFile" with the line. */
MUST_USE bool import_rules_parse(const char *name, struct str text, struct arena *a,
                                 struct import_rule **out, size_t *out_count, struct err *err);
/* The text of such a file, later rules for a column in place of earlier ones. */
struct str import_rules_write(const struct import_rule *rules, size_t count, struct arena *a);

extern const struct db_query import_queries[]; /* prepare after import_prepare only */
extern const size_t import_query_count;
/* Makes the temporary tables; for the check of the statements. */
MUST_USE bool import_prepare(struct db *db, struct err *err);
