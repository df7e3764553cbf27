/* A directory for tests: an open, migrated database, a clock that stands, and short ways to make
 * people and groups. */
#pragma once

#include "directory/assignment.h"
#include "directory/check.h"
#include "directory/feed.h"
#include "directory/member.h"
#include "directory/write.h"
#include "frame/frame.h"
#include "frame/postgres.h"

struct world {
    struct db *db;
    struct arena *a;
    struct clock_fixed clock;
    struct rng_seeded rng;
    struct directory_tx tx;
    struct err err;
};

#define OK(w, call) CHECK(call, "%s: %s", (w)->err.code ? (w)->err.code : "?", (w)->err.message)

void world_open(struct world *w, const struct db_config *config);
void world_close(struct world *w);
void world_begin(struct world *w);
void world_commit(struct world *w);

/* {"name": "value", ...} from the text with ' for ". */
struct json *world_patch(struct world *w, const char *json);
/* In a transaction of its own; the id is in w->a. */
struct str world_user(struct world *w, const char *upn, const char *name);
struct str world_group(struct world *w, const char *name);
struct directory_object world_load(struct world *w, struct str id);
bool world_update(struct world *w, struct str id, const char *patch);
void world_join(struct world *w, struct str group, struct str member);
void world_leave(struct world *w, struct str group, struct str member);
void world_assign(struct world *w, const char *app, struct str principal, const char *role);
int64_t world_position(struct world *w);
