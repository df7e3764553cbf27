#include "provider/changes/change.h"
#include "provider/writes/bulk.h"

#define TURN_US (50 * US_PER_MS) /* after which others have their turn with the writer */

static bool refers_to_failure(struct err *err)
{
    return err_set(err, ERR_CONFLICT, "failedReference",
                   "it refers to an operation that failed or cannot be executed");
}

/* Whether all that it needs of earlier circles is there. */
static bool needs_are_met(const struct bulk *b, const struct bulk_op *op)
{
    for (size_t k = 0; k < op->need_count; k++) {
        if (b->ops[op->needs[k]].state == BULK_FAILED)
            return false;
    }
    return true;
}

/* What the PATCHes before have looked at is enough; the resource is not even loaded. */
static bool patch_fits(const struct bulk *b, const struct bulk_op *op, struct err *err)
{
    int64_t most = b->call.tenant->profile->settings.patch_work;

    return op->write.call.method != HTTP_PATCH || b->patch_work <= (size_t)most ||
           err_set(err, ERR_LIMIT, "patchTooCostly",
                   "the PATCHes of this bulk look at too many elements: send fewer in one request");
}

static bool execute(struct bulk *b, struct bulk_op *op, struct db *db)
{
    struct write *w = &op->write;

    w->call.arena = b->scratch;
    if (op->err.kind != ERR_NONE)
        return false;
    if (!needs_are_met(b, op))
        return refers_to_failure(&op->err);
    if (!patch_fits(b, op, &op->err))
        return false;
    if (!w->queue.run(&w->queue, db, &op->err)) {
        w->call.subject = arena_str(b->call.arena, w->call.subject); /* beyond the scratch */
        return false;
    }
    op->version = w->stored.version;
    op->status = w->status;
    return true;
}

/* The members that did not exist yet when the group was made. */
static bool add_later_members(struct bulk_op *op, struct db *db)
{
    struct call *c = &op->write.call;
    int64_t now = clock_now(c->provider->config.clock), delta = 0;
    struct stored touched = {.id = op->id, .kind = RESOURCE_GROUP, .modified_us = now};

    if (!op->later)
        return true;
    JSON_EACH(member, op->later)
    if (!member_add(db, c, op->id, member->text, &delta, &op->err))
        return false;
    touched.version = ++op->version;
    if (!db_exec(db, provider_query(PROVIDER_TOUCH),
                 DB_ARGS(db_int(c->tenant->no), db_text(op->id), db_int(now), db_int(delta)), NULL,
                 &op->err))
        return false;
    change_append(c, &touched, op->data, op->data);
    return true;
}

static bool execute_circle(struct bulk *b, const struct bulk_circle *circle, struct db *db)
{
    const size_t *order = b->order + circle->first;

    for (size_t i = 0; i < circle->count; i++) {
        if (!execute(b, &b->ops[order[i]], db))
            return false;
    }
    for (size_t i = 0; i < circle->count; i++) {
        if (!add_later_members(&b->ops[order[i]], db))
            return false;
    }
    return true;
}

/* All of a circle succeed or fail together, since each needs the others. */
static void settle(struct bulk *b, const struct bulk_circle *circle, bool ok)
{
    for (size_t i = 0; i < circle->count; i++) {
        struct bulk_op *op = &b->ops[b->order[circle->first + i]];

        op->state = ok ? BULK_DONE : BULK_FAILED;
        if (ok)
            continue;
        b->failed++;
        if (op->err.kind == ERR_NONE)
            refers_to_failure(&op->err);
    }
}

bool bulk_goes_on(const struct bulk *b)
{
    return b->next < b->circle_count && (b->fail_on_errors == 0 || b->failed < b->fail_on_errors);
}

void bulk_give_up(struct bulk *b, size_t circle, const struct err *err)
{
    for (size_t i = circle; i < b->circle_count; i++) {
        for (size_t k = 0; k < b->circles[i].count; k++) {
            struct bulk_op *op = &b->ops[b->order[b->circles[i].first + k]];

            if (op->state == BULK_FAILED)
                continue;
            op->state = BULK_FAILED;
            op->err = *err;
        }
    }
    b->next = b->circle_count;
}

static bool run_turn(struct bulk *b, struct db *db, struct err *err)
{
    int64_t until = clock_monotonic_us() + TURN_US;

    b->turn_first = b->next;
    do {
        const struct bulk_circle *circle = &b->circles[b->next];
        size_t mark = changes_mark(b->call.provider->changes);
        bool ok, keep;

        if (!db_savepoint(db, err))
            return false;
        ok = execute_circle(b, circle, db);
        keep = ok && !b->call.tenant->profile->settings.test_mode;
        if (!(keep ? db_savepoint_release(db, err) : db_savepoint_rollback(db, err)))
            return false;
        if (!keep)
            changes_undo(b->call.provider->changes, mark);
        settle(b, circle, ok);
        arena_reset(b->scratch);
        b->next++;
    } while (bulk_goes_on(b) && clock_monotonic_us() < until);
    return true;
}

bool bulk_run(struct db_write *queue, struct db *db, struct err *err)
{
    struct bulk *b = (struct bulk *)queue;
    size_t mark = changes_mark(b->call.provider->changes);

    if (run_turn(b, db, err))
        return true;
    changes_undo(b->call.provider->changes, mark);
    return false;
}
