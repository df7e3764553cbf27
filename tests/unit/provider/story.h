/* Requests to a tenant in turn, with what is answered: for tables of tests. */
#pragma once

#include "fixture.h"

#define PATCH(ops) "{\"Operations\":[" ops "]}"
#define USER(name) "{\"userName\":\"" name "\"}"

/* A request; $1, $2 stand for the ids of what the case has made so far. */
struct step {
    enum http_method method;
    const char *path, *body;
    int status;
    const char *has, *lacks; /* in head or body; NULL: anything */
};

struct story {
    const char *label;
    struct {
        const char *name, *value;
    } set[3];
    struct step steps[9]; /* status 0: no more */
};

/* Whether head or body have the text. */
bool story_has(const struct answer *answer, const char *text);
/* Takes the steps; the tenant and its settings are there. */
void story_run(struct fixture *f, struct client *client, const struct story *s, const char *tenant);
