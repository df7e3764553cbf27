#include "provider/changes/change.h"

#include <stdlib.h>

#define CHUNK_BYTES ((size_t)128 * 1024) /* of a row, about */

/* Where a record begins in `text`, and whose it is. */
struct change_entry {
    size_t at;
    int64_t tenant_no, at_us;
};

static bool run_tail(struct db_write *tail, struct db *db, struct err *err);
static bool run_tail(struct db_write *tail, struct db *db, struct err *err)
{
    return changes_write((struct changes *)tail, db, err);
}

static void end_tail(struct db_write *tail, bool ok, const struct err *err);

void changes_init(struct changes *c, struct db_writer *writer)
{
    *c = (struct changes){.tail = {.run = run_tail, .done = end_tail}, .writer = writer};
    buf_init(&c->text, PROVIDER_ANSWER_MAX);
    buf_init(&c->chunk, PROVIDER_ANSWER_MAX);
}

void changes_done(struct changes *c)
{
    buf_done(&c->text);
    buf_done(&c->chunk);
    free(c->entries);
}

size_t changes_mark(const struct changes *c)
{
    return c->count;
}

void changes_undo(struct changes *c, size_t mark)
{
    if (mark < c->count) {
        c->text.len = c->entries[mark].at;
        c->count = mark;
    }
}

struct buf *changes_add(struct changes *c, int64_t tenant_no, int64_t at_us)
{
    if (c->writer && !c->put) {
        db_writer_at_end(c->writer, &c->tail);
        c->put = true;
    }
    if (c->count == c->cap) {
        c->cap = c->cap * 2 + 64;
        c->entries = mem_realloc(c->entries, c->cap * sizeof(*c->entries));
    }
    c->entries[c->count++] =
        (struct change_entry){.at = c->text.len, .tenant_no = tenant_no, .at_us = at_us};
    return &c->text;
}

static bool take_numbers(struct db *db, int64_t tenant_no, int64_t count, int64_t *out_last,
                         struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    bool row;

    if (!db_select(db, provider_query(PROVIDER_CHANGE_NEXT),
                   DB_ARGS(db_int(tenant_no), db_int(count)), &st, err) ||
        !db_step(st, &row, err))
        return false;
    *out_last = row ? db_col_int(st, 0) : 0;
    return !row || db_step(st, &row, err);
}

static bool insert(struct db *db, int64_t tenant_no, int64_t first, int64_t last, int64_t at_us,
                   struct str records, struct err *err)
{
    return db_exec(
        db, provider_query(PROVIDER_CHANGE_ADD),
        DB_ARGS(db_int(tenant_no), db_int(last), db_int(first), db_int(at_us), db_text(records)),
        NULL, err);
}

static struct str text_of(const struct changes *c, size_t i)
{
    size_t end = i + 1 < c->count ? c->entries[i + 1].at : c->text.len;

    return str_sub(buf_str(&c->text), c->entries[i].at, end - c->entries[i].at);
}

static int64_t count_of(const struct changes *c, int64_t tenant_no, size_t from)
{
    int64_t n = 0;

    for (size_t i = from; i < c->count; i++)
        n += c->entries[i].tenant_no == tenant_no;
    return n;
}

/* All records of the tenant that has the one at `from`, which is its first. */
static bool write_tenant(struct changes *c, struct db *db, size_t from, struct err *err)
{
    int64_t tenant_no = c->entries[from].tenant_no, left = count_of(c, tenant_no, from);
    int64_t last, seq, first;

    if (!take_numbers(db, tenant_no, left, &last, err))
        return false;
    seq = last - left;
    first = seq + 1;
    buf_reset(&c->chunk);
    for (size_t i = from; left > 0; i++) {
        if (c->entries[i].tenant_no != tenant_no)
            continue;
        buf_add(&c->chunk, text_of(c, i));
        seq++;
        left--;
        if (left > 0 && c->chunk.len < CHUNK_BYTES)
            continue;
        if (!insert(db, tenant_no, first, seq, c->entries[i].at_us, buf_str(&c->chunk), err))
            return false;
        buf_reset(&c->chunk);
        first = seq + 1;
    }
    return true;
}

static bool is_first(const struct changes *c, size_t i)
{
    for (size_t k = 0; k < i; k++) {
        if (c->entries[k].tenant_no == c->entries[i].tenant_no)
            return false;
    }
    return true;
}

bool changes_write(struct changes *c, struct db *db, struct err *err)
{
    for (size_t i = 0; i < c->count; i++) {
        if (is_first(c, i) && !write_tenant(c, db, i, err))
            return false;
    }
    return true;
}

static void end_tail(struct db_write *tail, bool ok, const struct err *err)
{
    struct changes *c = (struct changes *)tail;

    (void)ok; /* those whose records they are have been told */
    (void)err;
    changes_undo(c, 0);
    c->put = false;
}
