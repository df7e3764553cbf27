/* Reading a target to its end, a page at a time, outside of cycles: for drift and discovery
 * (engine.md 16, 17). Memory is that of a page. */
#pragma once

#include "base/diskmap.h"
#include "engine/cycle/run.h"
#include "engine/drift/drift.h"

/* Why a reading that was stopped is not complete. */
#define READING_STOPPED "it was stopped before the end"

/* The run heeds what asks it to stop. how may be NULL. */
void reading_begin(struct run *r, const struct engine_reading *how);

struct reading {
    const struct engine_reading *how; /* may be NULL */
    int64_t before;                   /* accounts read already, for how->progress */
    struct diskmap *seen;             /* ids, each once; borrowed */
    int64_t accounts;
    bool complete;
    struct str why; /* unless complete; in the run's arena */
};

/* A page's accounts that were not on an earlier page; texts are valid during the call. */
typedef bool reading_page(void *ctx, const struct target_record *records, size_t count,
                          struct err *err);

/* Reads all accounts of the kind of m; members, too, if `references`. A target that does not give
 * them all is no error, nor is a run that is to stop: out says why it is not complete. False when
 * page() fails or the disk is full. */
MUST_USE bool reading_all(struct run *r, const struct mapping_object *m, bool references,
                          reading_page *page, void *ctx, struct reading *out, struct err *err);
