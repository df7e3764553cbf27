/* One write, alone or as a part of a bulk request. Internal to provider/. */
#pragma once

#include "provider/internal.h"

/* `queue.run` does it, in the writer's transaction; `out` is the answer. */
struct write {
    struct db_write queue; /* first */
    struct call call;
    struct str if_match;     /* empty: any version will do */
    struct str new_id;       /* POST: the id to give; empty: a new one */
    bool silent;             /* the resource is not wanted as an answer */
    struct json *doc;        /* POST, PUT: the new document, members taken out */
    struct json *members;    /* POST, PUT of groups; NULL: none */
    struct scim_patch patch; /* PATCH */
    struct stored stored;
    struct buf out;
    int status;
    /* Alone: what was prepared as queue.run, and in test mode whether it went well. */
    bool (*run)(struct db_write *w, struct db *db, struct err *err);
    bool tested;
};

/* Decides what can be decided without the database, and sets queue.run. The call has its method,
 * type and, but for POST, id; `body` is NULL for DELETE. */
MUST_USE bool write_prepare(struct write *w, const struct json *body, struct err *err);
