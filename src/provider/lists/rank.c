#include "provider/lists/rank.h"

#include <string.h>

int rank_compare(enum rank_order order, const struct rank_item *a, const struct rank_item *b)
{
    int by_key = str_cmp(a->key, b->key);

    if (by_key != 0)
        return order == RANK_DESCENDING ? -by_key : by_key;
    if (a->created_us != b->created_us)
        return a->created_us < b->created_us ? -1 : 1;
    return strcmp(a->id, b->id);
}

void ranking_init(struct ranking *r, enum rank_order order, int64_t limit)
{
    *r = (struct ranking){.order = order, .limit = limit};
}

void ranking_done(struct ranking *r)
{
    for (size_t i = 0; i < r->count; i++)
        free(r->items[i].own);
    free(r->items);
    *r = (struct ranking){.limit = 0};
}

static void swap(struct rank_item *a, struct rank_item *b)
{
    struct rank_item t = *a;

    *a = *b;
    *b = t;
}

static void sift_up(struct ranking *r, size_t at)
{
    while (at > 0) {
        size_t parent = (at - 1) / 2;

        if (rank_compare(r->order, &r->items[at], &r->items[parent]) <= 0)
            return;
        swap(&r->items[at], &r->items[parent]);
        at = parent;
    }
}

/* `count` items belong to the heap. */
static void sift_down(struct ranking *r, size_t count)
{
    size_t at = 0;

    for (;;) {
        size_t child = 2 * at + 1;

        if (child >= count)
            return;
        if (child + 1 < count && rank_compare(r->order, &r->items[child + 1], &r->items[child]) > 0)
            child++;
        if (rank_compare(r->order, &r->items[child], &r->items[at]) <= 0)
            return;
        swap(&r->items[child], &r->items[at]);
        at = child;
    }
}

/* Fills a slot with a copy. */
static void put(struct ranking *r, struct rank_item *slot, const struct rank_item *item)
{
    *slot = *item;
    slot->own = NULL;
    if (item->key.len > 0) {
        slot->own = mem_alloc(item->key.len);
        memcpy(slot->own, item->key.ptr, item->key.len);
        slot->key.ptr = slot->own;
    }
    r->bytes += item->key.len;
}

static bool grow(struct ranking *r, const struct rank_item *item, struct err *err)
{
    if (r->count >= RANK_ITEMS_MAX || r->bytes + item->key.len > RANK_BYTES_MAX) {
        return err_set(err, ERR_INVALID, "tooMany",
                       "sorting reaches %d resources at most: page with a cursor", RANK_ITEMS_MAX);
    }
    if (r->count == r->cap) {
        r->cap = r->cap * 2 + 64;
        r->items = mem_realloc(r->items, r->cap * sizeof(*r->items));
    }
    return true;
}

bool ranking_offer(struct ranking *r, const struct rank_item *item, struct err *err)
{
    if (r->limit <= 0)
        return true;
    if ((int64_t)r->count < r->limit) {
        if (!grow(r, item, err))
            return false;
        put(r, &r->items[r->count++], item);
        sift_up(r, r->count - 1);
        return true;
    }
    if (rank_compare(r->order, item, &r->items[0]) >= 0)
        return true;
    r->bytes -= r->items[0].key.len;
    free(r->items[0].own);
    put(r, &r->items[0], item);
    sift_down(r, r->count);
    return true;
}

void ranking_sort(struct ranking *r)
{
    for (size_t left = r->count; left > 1; left--) {
        swap(&r->items[0], &r->items[left - 1]);
        sift_down(r, left - 1);
    }
}
