/* What the tenant "fuzz" holds, read back over HTTP, and what a request may have done to it. */
#pragma once

#include "provider_world.h"

struct state {
    struct arena *arena;
    struct json *users, *groups; /* arrays of resources */
    struct str users_text, groups_text;
    int64_t seq;  /* of the last record of the change feed */
    bool is_long; /* more than a page: not looked at */
};

/* Reads it; checks that lists and their totals agree, that no name is there twice, and that the
 * members of the groups are the groups of the users. */
struct state *state_take(struct world *w);
void state_free(struct state *s);

/* A request that changes nothing, as it reads or was refused. */
void state_check_same(const struct state *before, const struct state *after);
/* Versions have moved exactly where what is stored has, never back, and the feed tells of it. */
void state_check_step(struct world *w, const struct state *before, const struct state *after);
const struct json *state_find(const struct state *s, struct str id); /* NULL: not there */
int64_t state_version(const struct json *resource);
