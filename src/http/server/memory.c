/* The memory that requests and answers under way may take together. Bodies that come, answers that
 * are not taken and requests sent ahead are counted; small ones are not refused, since the number
 * of connections bounds them. When all is taken, the oldest of those of the
 * same loop who keep the server waiting ends: who is served in the usual time never is. */
#include "http/server/internal.h"

#define HELD_SMALL (16 * 1024) /* bytes of one request that need no place */

/* Whether its peer, and not a handler, is what it waits for, with something kept meanwhile. */
static bool keeps_waiting(const struct connection *c)
{
    return (c->state == CONNECTION_BODY || c->state == CONNECTION_REPLYING) &&
           c->held + (c->x ? c->x->held : 0) > HELD_SMALL;
}

static struct connection *longest_waiting(const struct http_loop *loop,
                                          const struct connection *but)
{
    struct connection *found = NULL;

    for (struct connection *c = loop->connections; c; c = c->next) {
        if (c != but && keeps_waiting(c) && (!found || c->state_began < found->state_began))
            found = c;
    }
    return found;
}

static void end(struct connection *c)
{
    atomic_fetch_add_explicit(&c->loop->crowded_out, 1, memory_order_relaxed);
    if (c->state == CONNECTION_BODY && !c->discard) {
        dispatch_refuse(c, 503, "too much is under way at the moment", true);
    } else {
        connection_close(c);
    }
    connection_settle(c);
}

/* Places for n bytes more; false when nobody can be made to give theirs up. */
static bool take(struct http_loop *loop, const struct connection *c, size_t n)
{
    struct http_server *s = loop->server;

    for (;;) {
        size_t before = atomic_fetch_add(&s->held, n);

        if (before == 0 || before + n <= s->config.limits.max_held)
            return true;
        atomic_fetch_sub(&s->held, n);
        struct connection *other = loop->draining ? NULL : longest_waiting(loop, c);
        if (!other)
            return false;
        end(other);
    }
}

bool memory_hold_exchange(struct connection *c, size_t bytes)
{
    struct http_exchange *x = c->x;

    if (bytes <= HELD_SMALL || bytes <= x->held)
        return true;
    if (!take(c->loop, c, bytes - x->held))
        return false;
    x->held = bytes;
    return true;
}

void memory_release_exchange(struct http_exchange *x)
{
    if (x->held > 0)
        atomic_fetch_sub(&x->loop->server->held, x->held);
    x->held = 0;
}

bool memory_hold_pending(struct connection *c)
{
    size_t bytes = c->pending.len <= HELD_SMALL ? 0 : c->pending.len;

    if (bytes <= c->held) {
        atomic_fetch_sub(&c->loop->server->held, c->held - bytes);
    } else if (!take(c->loop, c, bytes - c->held)) {
        return false;
    }
    c->held = bytes;
    return true;
}
