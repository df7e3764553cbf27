#include "provider/writes/bulk.h"

/* Tarjan's search: the circles come out with those that others need first. */
struct search {
    struct bulk *b;
    size_t next_mark;
    size_t *stack;
    size_t depth;
    size_t placed;
};

static void close_circle(struct search *s, size_t root)
{
    struct bulk_circle *circle = &s->b->circles[s->b->circle_count++];
    size_t i;

    circle->first = s->placed;
    do {
        i = s->stack[--s->depth];
        s->b->ops[i].open = false;
        s->b->order[s->placed++] = i;
    } while (i != root);
    circle->count = s->placed - circle->first;
}

/* As deep as there are operations: 1000 at most. */
static void visit(struct search *s, size_t i)
{
    struct bulk_op *op = &s->b->ops[i];

    op->mark = op->low = ++s->next_mark;
    op->open = true;
    s->stack[s->depth++] = i;
    for (size_t k = 0; k < op->need_count; k++) {
        const struct bulk_op *needed = &s->b->ops[op->needs[k]];

        if (needed->mark == 0)
            visit(s, op->needs[k]);
        if (needed->open && needed->low < op->low)
            op->low = needed->low;
    }
    if (op->low == op->mark)
        close_circle(s, i);
}

void bulk_arrange(struct bulk *b)
{
    struct search s = {.b = b, .stack = ARENA_ARRAY(b->call.arena, size_t, b->count)};

    b->order = ARENA_ARRAY(b->call.arena, size_t, b->count);
    b->circles = ARENA_ARRAY(b->call.arena, struct bulk_circle, b->count);
    for (size_t i = 0; i < b->count; i++) {
        if (b->ops[i].mark == 0)
            visit(&s, i);
    }
}
