/* The little language of tests/conformance/scim/cases.json: variables, paths and assertions. Its
 * first member documents it. */
#pragma once

#include "fixture.h"

struct variables {
    struct arena *arena;
    struct json *values; /* an object of texts */
};
void variables_set(struct variables *v, struct str name, struct str value);
struct str expand(const struct variables *v, struct str text);
/* A copy with every text expanded. */
struct json *expand_json(const struct variables *v, const struct json *value);

/* The values at a path, as an array of copies. */
struct json *select_path(struct arena *a, const struct answer *answer, struct str path);
/* True if the assertion [path, operator, argument] holds; else *why says what was there. */
bool holds(struct arena *a, const struct answer *answer, const struct json *assertion,
           struct str *why);
