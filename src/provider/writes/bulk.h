/* A bulk request at work (RFC 7644 section 3.7, scim.md 6). New resources have their ids from the
 * beginning, so that references are replaced before anything is executed; what depends on what only
 * decides the order. Each operation has a savepoint. A bulk that takes long goes through the writer
 * in several turns, so that others are not kept waiting; it is answered after the last. Internal to
 * provider/. */
#pragma once

#include "provider/writes/write.h"

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
    size_t turn_first, next; /* circles: the first of this turn of the writer, the next one */
    struct arena *scratch;   /* emptied after each circle */
    size_t patch_work;       /* of all PATCHes together (patch.maxWork) */
};

/* bulk_order.c: fills `order` and `circles`: what is needed comes first, otherwise in the order of
 * the request. */
void bulk_arrange(struct bulk *b);
/* bulk_run.c: executes one turn, on the writer's thread. False when the transaction as a whole is
 * lost. */
MUST_USE bool bulk_run(struct db_write *queue, struct db *db, struct err *err);
/* Whether another turn is needed. */
bool bulk_goes_on(const struct bulk *b);
/* Nothing of the operations from this circle on is, or will be there. */
void bulk_give_up(struct bulk *b, size_t circle, const struct err *err);
