#include "base/arena.h"

#include <stdarg.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_ASAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define ARENA_ASAN 1
#endif

#ifdef ARENA_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(p, size)   __asan_poison_memory_region((p), (size))
#define UNPOISON(p, size) __asan_unpoison_memory_region((p), (size))
enum { RED_ZONE = 16 }; /* what lies between two allocations, so that running over one is seen */
#else
#define POISON(p, size)   ((void)0)
#define UNPOISON(p, size) ((void)0)
enum { RED_ZONE = 0 };
#endif

enum {
    ALIGN = 16,               /* enough for any type */
    FIRST_BYTES = 4096,       /* the first block, with the arena itself in it */
    GROW_BYTES_MAX = 1 << 20, /* blocks double up to this */
};

/* Data follows the header. */
struct block {
    _Alignas(ALIGN) struct block *older;
    size_t size; /* of the data */
};

/* Lies at the start of its own first block. [next, end) is the free rest of the current block; all
 * blocks but the first are in the list. */
struct arena {
    _Alignas(ALIGN) char *next;
    char *end;
    struct block *blocks;
    size_t used;
    size_t grow; /* size of the next block */
};

static void out_of_memory(void)
{
    static const char line[] = "usher: out of memory\n";
    ssize_t ignored = write(STDERR_FILENO, line, sizeof(line) - 1);

    (void)ignored;
    _exit(1);
}

void *mem_alloc(size_t size)
{
    void *p = calloc(1, size ? size : 1);

    if (!p)
        out_of_memory();
    return p;
}

void *mem_realloc(void *p, size_t size)
{
    void *q = realloc(p, size ? size : 1);

    if (!q)
        out_of_memory();
    return q;
}

static void use_first_block(struct arena *a)
{
    a->next = (char *)(a + 1);
    a->end = (char *)a + FIRST_BYTES;
    a->blocks = NULL;
    a->used = 0;
    a->grow = 2 * (size_t)FIRST_BYTES;
    POISON(a->next, (size_t)(a->end - a->next));
}

struct arena *arena_new(void)
{
    struct arena *a = mem_realloc(NULL, FIRST_BYTES);

    use_first_block(a);
    return a;
}

static void free_blocks(struct arena *a)
{
    struct block *b = a->blocks;

    while (b) {
        struct block *older = b->older;

        UNPOISON(b + 1, b->size);
        free(b);
        b = older;
    }
}

void arena_reset(struct arena *a)
{
    free_blocks(a);
    use_first_block(a);
}

void arena_free(struct arena *a)
{
    if (!a)
        return;
    free_blocks(a);
    UNPOISON(a, FIRST_BYTES);
    free(a);
}

void arena_freep(struct arena **a)
{
    arena_free(*a);
    *a = NULL;
}

static struct block *block_new(struct arena *a, size_t size)
{
    struct block *b;
    size_t total;

    if (__builtin_add_overflow(size, sizeof(*b), &total))
        out_of_memory();
    b = mem_realloc(NULL, total);
    b->older = a->blocks;
    b->size = size;
    a->blocks = b;
    POISON(b + 1, size);
    return b;
}

/* size bytes from a new block. What is big gets a block of its own, so that the rest of the current
 * one stays in use. */
static char *grab_slow(struct arena *a, size_t size)
{
    struct block *b;

    if (size > a->grow / 4) {
        b = block_new(a, size);
        return (char *)(b + 1);
    }
    b = block_new(a, a->grow);
    a->next = (char *)(b + 1) + size;
    a->end = (char *)(b + 1) + b->size;
    if (a->grow < GROW_BYTES_MAX)
        a->grow *= 2;
    return (char *)(b + 1);
}

/* Uninitialised; align is a power of two up to ALIGN. */
static inline char *grab(struct arena *a, size_t size, size_t align)
{
    size_t room = (size_t)(a->end - a->next);
    size_t pad = -(uintptr_t)a->next & (align - 1);
    size_t want = size + RED_ZONE;
    char *p;

    if (want < size)
        out_of_memory();
    if (want <= room && pad <= room - want) {
        p = a->next + pad;
        a->next = p + want;
    } else {
        p = grab_slow(a, want);
    }
    a->used += size;
    UNPOISON(p, size);
    return p;
}

void *arena_alloc(struct arena *a, size_t size)
{
    return memset(grab(a, size, ALIGN), 0, size);
}

void *arena_alloc_array(struct arena *a, size_t count, size_t size)
{
    size_t total;

    if (__builtin_mul_overflow(count, size, &total))
        out_of_memory();
    return arena_alloc(a, total);
}

/* Text needs no alignment; with the sanitizer it starts at a granule of its shadow memory. */
enum { TEXT_ALIGN = RED_ZONE ? 8 : 1 };

char *arena_z(struct arena *a, struct str s)
{
    char *p = grab(a, s.len + 1, TEXT_ALIGN);

    if (s.len > 0)
        memcpy(p, s.ptr, s.len);
    p[s.len] = '\0';
    return p;
}

struct str arena_str(struct arena *a, struct str s)
{
    return (struct str){arena_z(a, s), s.len};
}

struct str arena_printf(struct arena *a, const char *format, ...)
{
    char small[256];
    va_list args;
    size_t len;
    char *p;
    int n;

    va_start(args, format);
    n = vsnprintf(small, sizeof(small), format, args);
    va_end(args);
    if (n < 0)
        return (struct str){"", 0};
    len = (size_t)n;
    if (len < sizeof(small))
        return arena_str(a, (struct str){small, len});
    p = grab(a, len + 1, TEXT_ALIGN);
    va_start(args, format);
    vsnprintf(p, len + 1, format, args);
    va_end(args);
    return (struct str){p, len};
}

void *arena_grow(struct arena *a, void *list, size_t count, size_t *cap, size_t size)
{
    void *larger;

    if (count < *cap)
        return list;
    *cap = *cap * 2 + 8;
    larger = arena_alloc_array(a, *cap, size);
    if (count > 0)
        memcpy(larger, list, count * size);
    return larger;
}

size_t arena_used(const struct arena *a)
{
    return a->used;
}
