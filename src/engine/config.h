/* The configuration of a job: its synchronization schema in versions (engine.md 3.5, 19;
 * graph-api.md 3.6.1). Every save makes a numbered version with author, time and comment, and
 * makes the next cycle an initial one in the same transaction; connections stay. What is refused
 * changes nothing: the job keeps running on its version. */
#pragma once

#include "engine/engine.h"
#include "mapping/document.h"

/* A version of the job's schema, complete. version 0: the newest; *out_version says which. */
MUST_USE bool engine_config_load(struct db *db, struct arena *a, int64_t job_no, int64_t version,
                                 struct json **out, int64_t *out_version, struct err *err);

enum engine_config_golden { GOLDEN_MUST_PASS, GOLDEN_MAY_FAIL };

/* Why a draft is refused, or what it means. All of it lives in the arena of the call. */
struct engine_config_check {
    struct mapping_finding *findings; /* with ERR_INVALID "schemaInvalid" */
    struct mapping_golden golden;     /* with ERR_INVALID "goldenCaseFailed" */
    struct mapping_difference *differences;
    size_t difference_count;
    struct json *document; /* as it would be stored */
    const struct mapping_program *program;
    int64_t base_version; /* what it was compared with: the newest one */
};

/* Checks a draft against the stored schema: structure, compiling, golden cases; nothing is written.
 * draft is changed: top-level members that it lacks are taken from what is stored. */
MUST_USE bool engine_config_check(const struct engine *e, int64_t job_no, struct json *draft,
                                  enum engine_config_golden golden, struct arena *a,
                                  struct engine_config_check *out, struct err *err);

struct engine_config_change {
    struct str author;
    struct str comment;
};
/* Saves what engine_config_check gave. Nothing happens when it makes no difference
 * (*out_version is then the stored one). ERR_CONFLICT "schemaChanged" when somebody else has saved
 * since. */
MUST_USE bool engine_config_save(const struct engine *e, int64_t job_no,
                                 const struct engine_config_check *draft,
                                 const struct engine_config_change *change, int64_t *out_version,
                                 struct err *err);
