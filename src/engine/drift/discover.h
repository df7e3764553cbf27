/* Account discovery (engine.md 16): whose are the accounts that a target has? Reports, writes
 * nothing.
 */
#pragma once

#include "engine/drift/drift.h"

enum discover_class {
    DISCOVER_LOCAL,      /* nobody in the source has its matching values */
    DISCOVER_UNASSIGNED, /* somebody has, who is not assigned */
    DISCOVER_ASSIGNED,
    DISCOVER_CLASS_COUNT
};
const char *discover_class_name(enum discover_class c);  /* "local", "unassigned", "assigned" */
const char *discover_status_name(enum discover_class c); /* of the API: "uncorrelated", ... */

struct discover_row {
    enum discover_class class_;
    struct str target_id;
    struct str target_name;
    struct str value;                  /* of the first matching attribute; may be empty */
    struct str source_id, source_name; /* of whom it is; empty: local */
    bool connected;
    bool several_sources; /* other people have its matching values, too */
    struct str twin;      /* another account of the same person, read before; or empty */
};
struct discover_counts {
    int64_t accounts, by_class[DISCOVER_CLASS_COUNT], connected, duplicates;
    bool complete;
    struct str why; /* unless complete; in a */
};

/* Reads all people of the source and all accounts of the target in pages; row is called for each
 * account, its texts valid during the call; false stops with its error. Memory does not depend on
 * how many there are. */
MUST_USE bool engine_discover(const struct engine *e, int64_t job_no,
                              bool (*row)(void *ctx, const struct discover_row *row,
                                          struct err *err),
                              void *ctx, const struct engine_reading *how, struct arena *a,
                              struct discover_counts *out, struct err *err);
