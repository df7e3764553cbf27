#include "base/map.h"

#include "base/arena.h"

#include <pthread.h>
#include <sodium.h>

/* Linear probing over a power of two; a slot is free when its value is NULL. The hash is kept so
 * that growing and taking do not touch the keys. */
struct map_slot {
    uint64_t hash;
    struct str key;
    void *value;
};

enum { FIRST_CAP = 16 };

static unsigned char hash_key[crypto_shorthash_KEYBYTES];

static void draw_hash_key(void)
{
    if (sodium_init() < 0)
        abort();
    randombytes_buf(hash_key, sizeof(hash_key));
}

uint64_t map_hash(struct str key)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    uint64_t hash;

    static_assert(crypto_shorthash_BYTES == sizeof(hash), "SipHash-2-4");
    pthread_once(&once, draw_hash_key);
    crypto_shorthash((unsigned char *)&hash, (const unsigned char *)(key.len ? key.ptr : ""),
                     key.len, hash_key);
    return hash;
}

void map_init(struct map *m)
{
    *m = (struct map){0};
}

void map_done(struct map *m)
{
    if (!m)
        return;
    free(m->slots);
    *m = (struct map){0};
}

void map_clear(struct map *m)
{
    if (m->slots)
        memset(m->slots, 0, m->cap * sizeof(m->slots[0]));
    m->count = 0;
}

/* The slot of key, or the free one where it belongs. */
static size_t slot_of(const struct map *m, uint64_t hash, struct str key)
{
    size_t at = (size_t)hash & (m->cap - 1);

    while (m->slots[at].value && !(m->slots[at].hash == hash && str_eq(m->slots[at].key, key)))
        at = (at + 1) & (m->cap - 1);
    return at;
}

static void grow(struct map *m)
{
    struct map bigger = {.cap = m->cap ? m->cap * 2 : FIRST_CAP, .count = m->count};

    bigger.slots = mem_alloc(bigger.cap * sizeof(bigger.slots[0]));
    for (size_t i = 0; i < m->cap; i++) {
        const struct map_slot *old = &m->slots[i];

        if (old->value) {
            size_t at = (size_t)old->hash & (bigger.cap - 1);

            while (bigger.slots[at].value)
                at = (at + 1) & (bigger.cap - 1);
            bigger.slots[at] = *old;
        }
    }
    free(m->slots);
    *m = bigger;
}

void *map_get(const struct map *m, struct str key)
{
    if (m->count == 0)
        return NULL;
    return m->slots[slot_of(m, map_hash(key), key)].value;
}

void *map_put(struct map *m, struct str key, void *value)
{
    uint64_t hash = map_hash(key);
    struct map_slot *slot;
    void *before;

    assert(value);
    if (m->cap - m->cap / 4 <= m->count) /* at most three quarters full */
        grow(m);
    slot = &m->slots[slot_of(m, hash, key)];
    before = slot->value;
    if (before) {
        slot->value = value; /* the key stays the first one, which is borrowed already */
    } else {
        *slot = (struct map_slot){hash, key, value};
        m->count++;
    }
    return before;
}

/* Moves later slots of the same run back into the hole, so that no probe ends early. */
static void close_hole(struct map *m, size_t hole)
{
    size_t mask = m->cap - 1;
    size_t at = hole;

    for (;;) {
        size_t home;

        at = (at + 1) & mask;
        if (!m->slots[at].value)
            break;
        home = (size_t)m->slots[at].hash & mask;
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            m->slots[hole] = m->slots[at];
            hole = at;
        }
    }
    m->slots[hole] = (struct map_slot){0};
}

void *map_take(struct map *m, struct str key)
{
    void *value;
    size_t at;

    if (m->count == 0)
        return NULL;
    at = slot_of(m, map_hash(key), key);
    value = m->slots[at].value;
    if (!value)
        return NULL;
    close_hole(m, at);
    m->count--;
    return value;
}
