/* What a draft of the synchronization schema would mean for everybody (attribute-mappings.md 14):
 * each object is planned by the stored schema and by the draft, side by side, from local state in
 * one pass; nothing is sent and nothing is written. Memory is bounded by the number of attributes,
 * never by the directory. */
#pragma once

#include "engine/engine.h"

enum engine_whatif_kind {
    WHATIF_ENTERS,      /* comes into scope; also: will be created or matched */
    WHATIF_LEAVES,      /* leaves scope; also: will be disabled or deleted */
    WHATIF_SET,         /* an attribute without value gets one */
    WHATIF_CLEARED,     /* an attribute loses its value */
    WHATIF_CHANGED,     /* another value */
    WHATIF_CASE,        /* the same value in other letter case */
    WHATIF_CASE_UNSENT, /* the same, but the attribute is not case-exact: it is not sent */
    WHATIF_MATCHING,    /* the values change by which accounts are found; also: not yet connected */
    WHATIF_SKIPPED,     /* the mapping says to skip the object, or nothing can match it */
    WHATIF_ERROR,       /* fails by the draft; also: does not fail today */
    WHATIF_FIXED,       /* fails today, but not by the draft */
    WHATIF_KIND_COUNT
};
const char *engine_whatif_kind_name(enum engine_whatif_kind k); /* "entersScope", ... */

enum { WHATIF_EXAMPLES = 3 };

struct engine_whatif_example {
    struct str source_id, name;
    struct str before, after; /* JSON of values, cut; of scope and errors: after is the reason */
};

struct engine_whatif_group {
    enum engine_whatif_kind kind;
    enum source_kind object;
    struct str attribute; /* target attribute; empty for scope */
    struct str code;      /* of errors and skips */
    int64_t count;
    int64_t also; /* how many of them, see the kinds */
    struct engine_whatif_example examples[WHATIF_EXAMPLES];
    size_t example_count;
};

struct engine_whatif {
    struct engine_whatif_group *groups; /* most first, by kind */
    size_t count;
    int64_t read[SOURCE_KIND_COUNT];
    int64_t concerned;         /* objects with any difference */
    struct plan_counts stored; /* what an initial cycle would do by each of the two */
    struct plan_counts draft;
};

struct engine_whatif_options {
    void (*progress)(void *ctx, int64_t done, int64_t total); /* may be NULL */
    void *ctx;
    const atomic_bool *stop; /* may be NULL; ERR_UNAVAILABLE "interrupted" */
};

/* draft: a compiled schema. Texts of *out live in a. */
MUST_USE bool engine_whatif(const struct engine *e, int64_t job_no,
                            const struct mapping_program *draft,
                            const struct engine_whatif_options *options, struct arena *a,
                            struct engine_whatif *out, struct err *err);
