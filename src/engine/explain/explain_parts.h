/* What the parts of an explanation share. Private to explain*.c. */
#pragma once

#include "engine/cycle/run.h"
#include "engine/explain/explain.h"
#include "job/retry.h"

struct explanation {
    struct run *run;
    struct arena *a;
    struct json *out, *notes, *holds;
    int64_t at_us;                     /* 0: now */
    int64_t version, version_since_us; /* of the configuration */

    struct source_entry entry;
    const char *source_from; /* "directory", "journal", "nothing" */
    int64_t source_as_of_us;
    bool has_connection;
    struct connection connection;   /* now; at a time: what the journal tells of it */
    struct walk *w;                 /* planned */
    struct mapping_verdict verdict; /* of its scoping filter */

    struct journal_record *records; /* newest first, until the time asked about */
    size_t record_count;
    bool has_retry;
    struct retry retry;
    bool undone, staged, rejected;
};

/* The sentence at the top. */
struct str explain_answer(const struct explanation *x);
struct json *explain_source(struct explanation *x);
struct json *explain_scope(struct explanation *x);
struct json *explain_connection(struct explanation *x);
struct json *explain_matching(struct explanation *x);
struct json *explain_mappings(struct explanation *x);
struct json *explain_next(struct explanation *x);
struct json *explain_log(struct explanation *x);
struct json *explain_retry(struct explanation *x);
void explain_add_time(struct arena *a, struct json *object, const char *name, int64_t us);
