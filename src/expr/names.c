/* Attribute names and their slots: an open-addressing table, filled while compiling and read-only
 * afterwards. */
#include "expr/node.h"

struct slot_key {
    struct str name;
    uint64_t hash;
    size_t slot;
    bool used;
};

struct expr_names {
    struct arena *arena;
    struct str (*canonical)(const void *ctx, struct str name);
    const void *ctx;
    struct str *names; /* by slot */
    size_t count;
    size_t cap;             /* of names */
    struct slot_key *table; /* twice as many places as cap, a power of two */
    size_t mask;
};

struct expr_names *expr_names_new(struct arena *a,
                                  struct str (*canonical)(const void *ctx, struct str name),
                                  const void *ctx)
{
    struct expr_names *n = ARENA_NEW(a, struct expr_names);

    n->arena = a;
    n->canonical = canonical;
    n->ctx = ctx;
    return n;
}

size_t expr_names_count(const struct expr_names *n)
{
    return n->count;
}

struct str expr_names_at(const struct expr_names *n, size_t slot)
{
    return n->names[slot];
}

static struct slot_key *place(const struct expr_names *n, struct str name, uint64_t hash)
{
    size_t i = hash & n->mask;

    while (n->table[i].used && (n->table[i].hash != hash || !str_eq(n->table[i].name, name)))
        i = (i + 1) & n->mask;
    return &n->table[i];
}

static void put(struct expr_names *n, struct str name, size_t slot)
{
    uint64_t hash = str_hash(name);

    *place(n, name, hash) = (struct slot_key){name, hash, slot, true};
}

static void grow(struct expr_names *n)
{
    size_t cap = n->cap ? n->cap * 2 : 16;
    struct str *names = ARENA_ARRAY(n->arena, struct str, cap);

    for (size_t i = 0; i < n->count; i++)
        names[i] = n->names[i];
    n->names = names;
    n->cap = cap;
    n->mask = cap * 2 - 1;
    n->table = ARENA_ARRAY(n->arena, struct slot_key, cap * 2);
    for (size_t i = 0; i < n->count; i++)
        put(n, names[i], i);
}

size_t expr_names_slot(struct expr_names *n, struct str name)
{
    struct slot_key *key;

    if (n->canonical)
        name = n->canonical(n->ctx, name);
    if (n->count == n->cap)
        grow(n);
    key = place(n, name, str_hash(name));
    if (key->used)
        return key->slot;
    name = arena_str(n->arena, name);
    n->names[n->count] = name;
    put(n, name, n->count);
    return n->count++;
}

void expr_names_bind(const struct expr_names *n, const struct json *object,
                     const struct json **slots)
{
    for (size_t i = 0; i < n->count; i++)
        slots[i] = NULL;
    if (n->count == 0 || !json_is(object, JSON_OBJECT))
        return;
    JSON_EACH(member, object)
    {
        const struct slot_key *key = place(n, member->name, str_hash(member->name));

        if (key->used)
            slots[key->slot] = member;
    }
}
