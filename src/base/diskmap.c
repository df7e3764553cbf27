#include "base/diskmap.h"

#include "base/env.h"
#include "base/map.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* Two files: the texts one after the other, and a table of slots that say where they are. Linear
 * probing over a power of two; hash 0 is a free slot. */
struct slot {
    uint64_t hash;
    uint64_t at; /* in the texts */
};
struct head { /* before key and value */
    uint32_t key, value;
};

enum {
    SLOTS_AT_ONCE = 32,
    FIRST_CAP = 1024,
    MEMORY_CAP = 64 << 10, /* a table of so many slots, 1 MiB, is kept in memory: no system calls */
    WRITE_BUFFER = 64 << 10,
};

struct table {
    struct slot *memory; /* NULL: in the file */
    int fd;              /* -1: in memory */
    uint64_t cap;
};

struct diskmap {
    struct table table;
    int texts;
    size_t count;
    uint64_t written; /* bytes of the texts that are in the file */
    size_t pending;   /* ... and behind them in the buffer */
    char buffer[WRITE_BUFFER];
};

static int temp_file(void)
{
    const char *dir = env_get("TMPDIR");
    char path[512];
    int fd;

    (void)snprintf(path, sizeof(path), "%s/usher-XXXXXX", dir ? dir : "/tmp");
    fd = mkstemp(path);
    if (fd >= 0)
        unlink(path);
    return fd;
}

static bool failed(const char *what, struct err *err)
{
    return err_set(err, ERR_UNAVAILABLE, "diskFull", "temporary file: cannot %s: %m", what);
}

static bool write_at(int fd, const void *data, size_t size, uint64_t at, struct err *err)
{
    const char *from = data;

    while (size > 0) {
        ssize_t n = pwrite(fd, from, size, (off_t)at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return failed("write", err);
        from += n;
        at += (uint64_t)n;
        size -= (size_t)n;
    }
    return true;
}

static bool read_at(int fd, void *data, size_t size, uint64_t at, struct err *err)
{
    char *to = data;

    while (size > 0) {
        ssize_t n = pread(fd, to, size, (off_t)at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return failed("read", err);
        to += n;
        at += (uint64_t)n;
        size -= (size_t)n;
    }
    return true;
}

/* Free slots. */
static bool table_init(struct table *t, uint64_t cap)
{
    *t = (struct table){.fd = -1, .cap = cap};
    if (cap <= MEMORY_CAP) {
        t->memory = mem_alloc((size_t)cap * sizeof(struct slot));
        return true;
    }
    t->fd = temp_file();
    return t->fd >= 0 && ftruncate(t->fd, (off_t)(cap * sizeof(struct slot))) == 0;
}

static void table_done(struct table *t)
{
    free(t->memory);
    if (t->fd >= 0)
        close(t->fd);
    *t = (struct table){.fd = -1};
}

bool diskmap_new(size_t expected, struct diskmap **out, struct err *err)
{
    struct diskmap *m = mem_alloc(sizeof(*m));
    uint64_t cap = FIRST_CAP;

    while (cap < (uint64_t)expected * 2)
        cap *= 2;
    m->texts = temp_file();
    if (!table_init(&m->table, cap) || m->texts < 0) {
        diskmap_free(m);
        return err_set(err, ERR_UNAVAILABLE, "noTempFile", "cannot make a temporary file: %m");
    }
    *out = m;
    return true;
}

void diskmap_free(struct diskmap *m)
{
    if (!m)
        return;
    table_done(&m->table);
    if (m->texts >= 0)
        close(m->texts);
    free(m);
}

void diskmap_freep(struct diskmap **m)
{
    diskmap_free(*m);
}

size_t diskmap_count(const struct diskmap *m)
{
    return m->count;
}

static uint64_t hash_of(struct str key)
{
    uint64_t hash = map_hash(key);

    return hash ? hash : 1;
}

/* Goes over slots from where a hash belongs to the first free one. */
struct probe {
    const struct table *table;
    uint64_t at; /* of the current slot */
    size_t index, loaded;
    struct slot slots[SLOTS_AT_ONCE];
};

static void probe_begin(struct probe *p, const struct table *table, uint64_t hash)
{
    p->table = table;
    p->at = hash & (table->cap - 1);
    p->index = p->loaded = 0;
}

/* The current slot, NULL on an error. */
static const struct slot *probe_slot(struct probe *p, struct err *err)
{
    if (p->table->memory)
        return &p->table->memory[p->at];
    if (p->index == p->loaded) {
        uint64_t left = p->table->cap - p->at;

        p->index = 0;
        p->loaded = left < SLOTS_AT_ONCE ? (size_t)left : SLOTS_AT_ONCE;
        p->slots[0] = (struct slot){0}; /* something is always read, but not every reader sees it */
        if (!read_at(p->table->fd, p->slots, p->loaded * sizeof(struct slot),
                     p->at * sizeof(struct slot), err))
            return NULL;
    }
    return &p->slots[p->index];
}

static void probe_next(struct probe *p)
{
    p->index++;
    p->at = (p->at + 1) & (p->table->cap - 1);
}

static bool put_slot(const struct table *t, const struct slot *slot, struct err *err)
{
    struct probe p;
    const struct slot *s;

    probe_begin(&p, t, slot->hash);
    while ((s = probe_slot(&p, err)) && s->hash)
        probe_next(&p);
    if (!s)
        return false;
    if (!t->memory)
        return write_at(t->fd, slot, sizeof(*slot), p.at * sizeof(*slot), err);
    t->memory[p.at] = *slot;
    return true;
}

static bool grow(struct diskmap *m, struct err *err)
{
    struct slot slots[SLOTS_AT_ONCE];
    const struct slot *from = slots;
    struct table larger;
    bool ok = table_init(&larger, m->table.cap * 2) || failed("grow", err);

    for (uint64_t at = 0; ok && at < m->table.cap; at += SLOTS_AT_ONCE) {
        if (m->table.memory) {
            from = m->table.memory + at;
        } else {
            ok = read_at(m->table.fd, slots, sizeof(slots), at * sizeof(struct slot), err);
        }
        for (size_t i = 0; ok && i < SLOTS_AT_ONCE; i++)
            ok = from[i].hash == 0 || put_slot(&larger, &from[i], err);
    }
    if (!ok) {
        table_done(&larger);
        return false;
    }
    table_done(&m->table);
    m->table = larger;
    return true;
}

static bool flush(struct diskmap *m, struct err *err)
{
    if (!write_at(m->texts, m->buffer, m->pending, m->written, err))
        return false;
    m->written += m->pending;
    m->pending = 0;
    return true;
}

static bool append(struct diskmap *m, const void *data, size_t size, struct err *err)
{
    if (size > sizeof(m->buffer) - m->pending && !flush(m, err))
        return false;
    memcpy(m->buffer + m->pending, data, size);
    m->pending += size;
    return true;
}

/* A text of the map, wherever it is now; it does not straddle the end of the file. */
static bool get(struct diskmap *m, void *data, size_t size, uint64_t at, struct err *err)
{
    if (at < m->written)
        return read_at(m->texts, data, size, at, err);
    memcpy(data, m->buffer + (at - m->written), size);
    return true;
}

bool diskmap_add(struct diskmap *m, struct str key, struct str value, struct err *err)
{
    struct head head = {(uint32_t)key.len, (uint32_t)value.len};
    struct slot slot = {hash_of(key), m->written + m->pending};

    if (key.len > DISKMAP_TEXT_MAX || value.len > DISKMAP_TEXT_MAX) {
        return err_set(err, ERR_LIMIT, "tooLong", "a value of more than %d bytes cannot be kept",
                       DISKMAP_TEXT_MAX);
    }
    if ((m->count + 1) * 3 > m->table.cap * 2 && !grow(m, err))
        return false;
    if (!append(m, &head, sizeof(head), err) || !append(m, key.ptr ? key.ptr : "", key.len, err) ||
        !append(m, value.ptr ? value.ptr : "", value.len, err) || !put_slot(&m->table, &slot, err))
        return false;
    m->count++;
    return true;
}

/* The value at a place if it has the key; *out_has tells. */
static bool value_at(struct diskmap *m, struct arena *a, uint64_t at, struct str key,
                     struct str *out, bool *out_has, struct err *err)
{
    struct head head;
    char *text;

    *out_has = false;
    if (!get(m, &head, sizeof(head), at, err))
        return false;
    if (head.key != key.len)
        return true;
    text = arena_alloc(a, (size_t)head.key + head.value + 1);
    at += sizeof(head);
    if (!get(m, text, head.key, at, err) ||
        !get(m, text + head.key, head.value, at + head.key, err))
        return false;
    *out_has = head.key == 0 || memcmp(text, key.ptr, key.len) == 0;
    *out = (struct str){text + head.key, head.value};
    return true;
}

bool diskmap_find(struct diskmap *m, struct arena *a, struct str key, size_t max, struct str *out,
                  size_t *out_count, struct err *err)
{
    uint64_t hash = hash_of(key);
    const struct slot *s;
    struct probe p;
    size_t count = 0;

    probe_begin(&p, &m->table, hash);
    while ((s = probe_slot(&p, err)) && s->hash && count < max) {
        bool has;

        if (s->hash == hash) {
            if (!value_at(m, a, s->at, key, &out[count], &has, err))
                return false;
            count += has;
        }
        probe_next(&p);
    }
    if (!s)
        return false;
    *out_count = count;
    return true;
}
