#include "base/map.h"
#include "http/server/internal.h"

struct peer_entry {
    struct in6_addr address; /* the map's key */
    unsigned count;
};

struct peer_table {
    pthread_mutex_t lock; /* guards the map and its entries */
    struct map map;
    unsigned max;
};

static struct str key_of(const struct in6_addr *peer)
{
    return (struct str){(const char *)peer, sizeof(*peer)};
}

struct peer_table *peers_new(unsigned max_per_peer)
{
    struct peer_table *t = mem_alloc(sizeof(*t));

    pthread_mutex_init(&t->lock, NULL);
    map_init(&t->map);
    t->max = max_per_peer;
    return t;
}

void peers_free(struct peer_table *t)
{
    if (!t)
        return;
    map_done(&t->map); /* empty: every connection has left */
    pthread_mutex_destroy(&t->lock);
    free(t);
}

bool peers_enter(struct peer_table *t, const struct in6_addr *peer)
{
    bool fits = true;

    pthread_mutex_lock(&t->lock);
    struct peer_entry *entry = map_get(&t->map, key_of(peer));
    if (!entry) {
        entry = mem_alloc(sizeof(*entry));
        entry->address = *peer;
        (void)map_put(&t->map, key_of(&entry->address), entry);
    }
    if (entry->count < t->max) {
        entry->count++;
    } else {
        fits = false;
    }
    pthread_mutex_unlock(&t->lock);
    return fits;
}

void peers_leave(struct peer_table *t, const struct in6_addr *peer)
{
    pthread_mutex_lock(&t->lock);
    struct peer_entry *entry = map_get(&t->map, key_of(peer));
    assert(entry && entry->count > 0);
    if (--entry->count == 0) {
        (void)map_take(&t->map, key_of(peer));
        free(entry);
    }
    pthread_mutex_unlock(&t->lock);
}
