/* A bulk request at work (RFC 7644 section 3.7, scim.md 6). New resources have their ids from the
 * beginning, so that references are replaced before anything is executed; what depends on what only
 * decides the order. The whole request is one transaction of the writer with a savepoint for each
 * operation. Internal to provider/. */
#pragma once

#include "provider/write.h"

enum bulk_state { BULK_WAITING, BULK_DONE, BULK_FAILED };

struct bulk_op {
    struct write write;
    struct str method, bulk_id; /* bulk_id empty: none */
    struct str id;              /* of the resource; empty when it is not known */
    struct json *data;
    size_t *needs; /* operations it refers to */
    size_t need_count;
    struct json *later; /* group members that are made in the same circle, added at its end */
    enum bulk_state state;
    struct err err; /* why it cannot be, or was not executed; kind ERR_NONE: fine */
    int64_t version;
    int status;
    /* of the search for circles */
    size_t mark, low; /* mark 0: not seen */
    bool open;
};

/* Operations that refer to each other; mostly one alone. */
struct bulk_circle {
    size_t first, count; /* in `order` */
};

struct bulk {
    struct db_write queue; /* first */
    struct call call;
    struct bulk_op *ops;
    size_t count;
    int64_t fail_on_errors; /* 0: try all */
    int64_t failed;
    size_t *order; /* of execution */
    struct bulk_circle *circles;
    size_t circle_count;
    struct arena *scratch; /* emptied after each circle */
};

/* bulk_order.c: fills `order` and `circles`: what is needed comes first, otherwise in the order of
 * the request. */
void bulk_arrange(struct bulk *b);
/* bulk_run.c: executes, on the writer's thread. False when the transaction as a whole is lost. */
MUST_USE bool bulk_run(struct db_write *queue, struct db *db, struct err *err);
