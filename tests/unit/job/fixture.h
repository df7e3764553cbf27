/* A migrated database with one job, for the tests of the stores. */
#pragma once

#include "frame/frame.h"
#include "frame/postgres.h"
#include "job/job.h"

struct fixture {
    struct db *db;
    struct arena *a;
    struct job job;
};

void fixture_init(struct fixture *f, const struct db_config *config);
void fixture_done(struct fixture *f);
/* One more job; fails the test when it cannot be inserted. */
struct job fixture_job(struct fixture *f, const char *id, const char *name);
