/* Creations of a first cycle go together where the target takes several in one request (scim.md
 * 10.5, client.bulk). Each has its own outcome: one whose answer is lost is matched again by
 * itself.
 */
#include "engine/cycle/run.h"

void bulk_open(struct run *r)
{
    struct target_traits traits;

    if (r->settings.bulk == BULK_OFF || r->cycle.id.len == 0 || r->cycle.kind != CYCLE_INITIAL)
        return;
    r->target->ops->describe(r->target, &traits);
    r->bulk.at_once = traits.bulk_operations;
    if (r->bulk.at_once < 2)
        r->bulk.at_once = 0;
}

static void send(struct run *r)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct target_creation *creations = ARENA_ARRAY(a, struct target_creation, r->bulk.count);
    struct walk *w = r->bulk.first;
    size_t count = 0;

    while (w) {
        creations[count++] = (struct target_creation){w->mapping, &w->changes, r->bulk.done, w};
        w = w->next;
    }
    r->bulk.first = r->bulk.last = NULL;
    r->bulk.count = 0;
    r->target->ops->create_many(r->target, creations, count);
}

bool bulk_take(struct walk *w, target_done *done)
{
    struct run *r = w->run;
    struct bulk *b = &r->bulk;

    if (w->tries > 0 || b->at_once == 0) /* what failed before goes by itself */
        return false;
    b->done = done;
    w->next = NULL;
    if (b->last) {
        b->last->next = w;
    } else {
        b->first = w;
    }
    b->last = w;
    if (++b->count >= b->at_once)
        send(r);
    return true;
}

static size_t delayed(const struct run *r)
{
    size_t n = 0;

    for (const struct walk *w = r->delayed; w; w = w->next)
        n++;
    return n;
}

static void abandon(struct run *r)
{
    while (r->bulk.first) {
        struct walk *w = r->bulk.first;

        r->bulk.first = w->next;
        export_abandon(w);
    }
    r->bulk.last = NULL;
    r->bulk.count = 0;
}

void bulk_turn(struct run *r, bool started_all)
{
    if (r->bulk.count > 0 && r->stopping) {
        abandon(r);
    } else if (r->bulk.count > 0 && started_all && r->in_flight == r->bulk.count + delayed(r)) {
        send(r);
    }
}
