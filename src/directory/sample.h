/* A sample organisation: people with plausible names of many cultures and everything that a
 * directory knows about them, a tree of managers, groups by department, place and project. The same
 * seed gives the same organisation, ids included. For `usher demo` and the benches. */
#pragma once

#include "base/clock.h"
#include "directory/object.h"

struct directory_sample {
    int64_t people;            /* 0: 1,000 */
    int64_t groups;            /* 0: 40 */
    uint64_t seed;             /* 0: 1 */
    const char *domain;        /* NULL: "contoso.example" */
    const struct clock *clock; /* NULL: the system's */
    /* Called now and then with how many people and groups are in; may be NULL. */
    void (*progress)(void *ctx, int64_t done, int64_t total);
    void *ctx;
};

/* Adds the organisation in transactions of some thousand people. ERR_CONFLICT when it is there
 * already, in whole or in part. */
MUST_USE bool directory_sample(struct db *db, const struct directory_sample *options,
                               struct err *err);

/* The id of person or group number i (from 0) of the sample with that seed, into out (37 bytes). */
struct str directory_sample_id(uint64_t seed, enum source_kind kind, int64_t i, char *out);
