/* Arenas hold everything that ends together: one per request, one per object on the walk, one per
 * loaded configuration. Everything allocated from an arena lives exactly as long as the arena.
 * Allocation never fails: running out of memory ends the process with one line, and sizes that come
 * from outside are checked against a limit before they get here. An arena belongs to one thread. */
#pragma once

#include "base/compiler.h"
#include "base/str.h"

struct arena;

struct arena *arena_new(void);
void arena_reset(struct arena *a);  /* frees all allocations, keeps the first block for reuse */
void arena_free(struct arena *a);   /* NULL is fine */
void arena_freep(struct arena **a); /* for CLEANUP */

void *arena_alloc(struct arena *a, size_t size); /* zeroed, aligned for any type */
void *arena_alloc_array(struct arena *a, size_t count,
                        size_t size);                /* zeroed; overflow ends the process */
struct str arena_str(struct arena *a, struct str s); /* copies; the copy is NUL-terminated too */
char *arena_z(struct arena *a, struct str s);        /* the same as a C string */
struct str arena_printf(struct arena *a, const char *format, ...) PRINTF_LIKE(2, 3);

/* Bytes handed out since the last reset, without block overhead. */
size_t arena_used(const struct arena *a);

/* A list that grows by one: list itself while it has room, else a larger copy, and *cap with it.
 * list may be NULL with *cap 0. */
void *arena_grow(struct arena *a, void *list, size_t count, size_t *cap, size_t size);
#define ARENA_GROW(a, list, count, cap) \
    ((list) = arena_grow((a), (list), (count), &(cap), sizeof(*(list))))

#define ARENA_NEW(a, type)          ((type *)arena_alloc((a), sizeof(type)))
#define ARENA_ARRAY(a, type, count) ((type *)arena_alloc_array((a), (count), sizeof(type)))

/* malloc and realloc that end the process instead of returning NULL, for the few long-lived things
 * with their own end. */
void *mem_alloc(size_t size); /* zeroed */
void *mem_realloc(void *p, size_t size);
