#include "journal/subject.h"

#include "base/unicode.h"
#include "journal/pack.h"
#include "journal/queries.h"

#include <stdlib.h>

enum query {
    Q_FIND,
    Q_ADD,
    Q_CHANGE,
    Q_FORMER_ADD,
    Q_BY_SOURCE,
    Q_BY_TARGET,
    Q_BY_FORMER,
    Q_NAMES,
    Q_BLOCKS,
    Q_BLOCK_ADD,
    Q_BLOCK_REMOVE,
    Q_GAP,
    Q_LAST,
};

const struct db_query subject_queries[] = {
    [Q_FIND] = {"journal_subject_find", "SELECT no, target_key, names FROM journal_subject"
                                        " WHERE job_no = $1 AND source_key = $2"},
    /* Whether it is new is told by the count of rows. */
    [Q_ADD] = {"journal_subject_add",
               "INSERT INTO journal_subject (job_no, no, source_key, target_key, names)"
               " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (job_no, source_key) DO NOTHING"},
    [Q_CHANGE] = {"journal_subject_change", "UPDATE journal_subject SET target_key = $3, names = $4"
                                            " WHERE job_no = $1 AND no = $2"},
    [Q_FORMER_ADD] = {"journal_former_target_add",
                      "INSERT INTO journal_former_target (job_no, target_key, subject)"
                      " VALUES ($1, $2, $3) ON CONFLICT (job_no, target_key, subject) DO NOTHING"},
    [Q_BY_SOURCE] = {"journal_subject_by_source",
                     "SELECT no FROM journal_subject WHERE job_no = $1"
                     " AND source_key >= $2 AND source_key <= $3 ORDER BY source_key LIMIT $4"},
    [Q_BY_TARGET] = {"journal_subject_by_target",
                     "SELECT no FROM journal_subject WHERE job_no = $1"
                     " AND target_key >= $2 AND target_key <= $3 ORDER BY target_key LIMIT $4"},
    [Q_BY_FORMER] = {"journal_subject_by_former",
                     "SELECT subject FROM journal_former_target WHERE job_no = $1"
                     " AND target_key >= $2 AND target_key <= $3 ORDER BY target_key LIMIT $4"},
    [Q_NAMES] = {"journal_subject_names", "SELECT no, names FROM journal_subject WHERE job_no = $1"
                                          " AND no >= $2 AND no < $3 ORDER BY no"},
    [Q_BLOCKS] = {"journal_names_blocks",
                  "SELECT block, names FROM journal_names WHERE job_no = $1 AND block >= $2"
                  " ORDER BY block LIMIT $3"},
    [Q_BLOCK_ADD] = {"journal_names_add",
                     "INSERT INTO journal_names (job_no, block, names) VALUES ($1, $2, $3)"
                     " ON CONFLICT (job_no, block) DO UPDATE SET names = excluded.names"},
    [Q_BLOCK_REMOVE] = {"journal_names_remove",
                        "DELETE FROM journal_names WHERE job_no = $1 AND block = $2"},
    /* The first block at or after $2 that is not there. */
    [Q_GAP] = {"journal_names_gap",
               "SELECT CASE WHEN EXISTS (SELECT 1 FROM journal_names f"
               " WHERE f.job_no = $1 AND f.block = $2) THEN"
               " (SELECT min(b.block) + 1 FROM journal_names b WHERE b.job_no = $1"
               " AND b.block >= $2 AND NOT EXISTS (SELECT 1 FROM journal_names n"
               " WHERE n.job_no = $1 AND n.block = b.block + 1)) ELSE $2 END"},
    [Q_LAST] = {"journal_subject_last", "SELECT no FROM journal_subject WHERE job_no = $1"
                                        " ORDER BY no DESC LIMIT 1"},
};
const size_t subject_query_count = ARRAY_LEN(subject_queries);

enum {
    BLOCK = 1024,     /* subjects */
    NAMES_MAX = 2000, /* bytes of the names of one */
    PREFIX_LEAST = 8, /* bytes of an id that are enough to look for it */
    BY_ID_MAX = 1000, /* so many are found by the beginning of an id */
    BLOCKS_PAGE = 64, /* read at once */
};
#define SEPARATOR '\x1e' /* after the names of each subject of a block */

static const struct db_query *query(enum query q)
{
    return &subject_queries[q];
}

/* --- names --- */

static bool has_line(struct str lines, struct str line)
{
    struct str one;

    while (str_cut(&lines, '\n', &one)) {
        if (str_eq(one, line))
            return true;
    }
    return false;
}

/* A line that can neither end nor separate anything. */
static void add_name(struct buf *out, struct arena *a, struct str name)
{
    struct str folded = str_fold(a, name);
    size_t before = out->len;
    char *line;

    if (folded.len == 0 || folded.len > NAMES_MAX / 4)
        return;
    line = arena_z(a, folded);
    for (size_t i = 0; i < folded.len; i++) {
        if ((unsigned char)line[i] < 0x20)
            line[i] = ' ';
    }
    if (has_line(buf_str(out), (struct str){line, folded.len}))
        return;
    buf_add(out, (struct str){line, folded.len});
    buf_add_char(out, '\n');
    if (out->overflowed) {
        out->len = before;
        out->overflowed = false;
    }
}

/* The names of now, then those of before as far as there is room. */
static struct str names_of(struct arena *a, const struct journal_record *r, struct str before)
{
    CLEANUP(buf_done) struct buf text;
    struct str line;

    buf_init(&text, NAMES_MAX);
    add_name(&text, a, r->source_name);
    add_name(&text, a, r->source_login);
    add_name(&text, a, r->target_name);
    while (str_cut(&before, '\n', &line))
        add_name(&text, a, line);
    return arena_str(a, buf_str(&text));
}

/* --- blocks --- */

static bool block_write(struct db *db, int64_t job_no, int64_t block, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    CLEANUP(buf_done) struct buf text;
    int64_t next = block * BLOCK;
    bool row;

    buf_init(&text, (size_t)BLOCK * (NAMES_MAX + 1));
    if (!db_select(db, query(Q_NAMES), DB_ARGS(db_int(job_no), db_int(next), db_int(next + BLOCK)),
                   &st, err))
        return false;
    for (;;) {
        if (!db_step(st, &row, err))
            return false;
        if (!row)
            break;
        for (; next < db_col_int(st, 0); next++) /* one that was pruned */
            buf_add_char(&text, SEPARATOR);
        buf_add(&text, db_col_text(st, 1));
        buf_add_char(&text, SEPARATOR);
        next++;
    }
    return db_exec(db, query(Q_BLOCK_ADD),
                   DB_ARGS(db_int(job_no), db_int(block), db_text(buf_str(&text))), NULL, err);
}

static bool number(struct db *db, enum query q, struct db_args args, int64_t *out, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    if (!db_select_one(db, query(q), args, &st, err))
        return false;
    *out = st ? db_col_int(st, 0) : 0;
    return true;
}

bool subject_last_complete(struct db *db, int64_t job_no, int64_t *out, struct err *err)
{
    int64_t last;

    if (!number(db, Q_LAST, DB_ARGS(db_int(job_no)), &last, err))
        return false;
    *out = last / BLOCK * BLOCK - 1;
    return true;
}

bool subject_block_drop(struct db *db, int64_t job_no, int64_t no, struct err *err)
{
    return db_exec(db, query(Q_BLOCK_REMOVE), DB_ARGS(db_int(job_no), db_int(no / BLOCK)), NULL,
                   err);
}

bool subject_blocks_make(struct db *db, int64_t job_no, size_t limit, bool *out_done,
                         struct err *err)
{
    int64_t last;
    int64_t block = 0;

    *out_done = false;
    if (!number(db, Q_LAST, DB_ARGS(db_int(job_no)), &last, err))
        return false;
    for (size_t i = 0; i < limit; i++) {
        if (!number(db, Q_GAP, DB_ARGS(db_int(job_no), db_int(block)), &block, err))
            return false;
        if ((block + 1) * BLOCK > last) { /* the newest ones have no block yet */
            *out_done = true;
            return true;
        }
        if (!block_write(db, job_no, block, err))
            return false;
    }
    return true;
}

/* --- noting --- */

/* *out is 0 when there is one with that id already. */
static bool add(struct db *db, struct packer *p, int64_t job_no, struct str source,
                struct str target, struct str names, int64_t *out, struct err *err)
{
    int64_t added;

    if (p->last_subject < 0 || p->subject_job_no != job_no) {
        if (!number(db, Q_LAST, DB_ARGS(db_int(job_no)), &p->last_subject, err))
            return false;
        p->subject_job_no = job_no;
    }
    if (!db_exec(db, query(Q_ADD),
                 DB_ARGS(db_int(job_no), db_int(p->last_subject + 1), db_text(source),
                         db_text(target), db_text(names)),
                 &added, err))
        return false;
    *out = 0;
    if (added == 0)
        return true;
    *out = ++p->last_subject;
    return *out % BLOCK != 0 || block_write(db, job_no, *out / BLOCK - 1, err);
}

static bool change(struct db *db, int64_t job_no, int64_t no, struct str former, struct str target,
                   struct str names, struct err *err)
{
    if (former.len && !str_eq(former, target) &&
        !db_exec(db, query(Q_FORMER_ADD), DB_ARGS(db_int(job_no), db_text(former), db_int(no)),
                 NULL, err))
        return false;
    return db_exec(db, query(Q_CHANGE),
                   DB_ARGS(db_int(job_no), db_int(no), db_text(target), db_text(names)), NULL,
                   err) &&
           subject_block_drop(db, job_no, no, err);
}

bool subject_note(struct db *db, struct packer *p, const struct journal_record *r, int64_t *out,
                  struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct str source = str_fold(a, r->source_id.len ? r->source_id : r->target_id);
    struct str target = str_fold(a, r->target_id);
    struct str former, before, names;

    *out = 0;
    if (source.len == 0)
        return true;
    /* Of who gets an account now there is nothing yet, most likely. */
    if (r->action == ACTION_CREATE &&
        (!add(db, p, r->job_no, source, target, names_of(a, r, STR("")), out, err) || *out))
        return *out != 0;
    if (!db_select_one(db, query(Q_FIND), DB_ARGS(db_int(r->job_no), db_text(source)), &st, err))
        return false;
    if (!st)
        return add(db, p, r->job_no, source, target, names_of(a, r, STR("")), out, err);
    *out = db_col_int(st, 0);
    former = arena_str(a, db_col_text(st, 1));
    before = arena_str(a, db_col_text(st, 2));
    names = names_of(a, r, before);
    if (target.len == 0)
        target = former;
    if (str_eq(former, target) && str_eq(before, names))
        return true;
    db_stmt_free(TAKE(st));
    return change(db, r->job_no, *out, former, target, names, err);
}

/* --- finding --- */

void subject_set_done(struct subject_set *s)
{
    free(s->no);
}

static void set_add(struct subject_set *s, int64_t no)
{
    if (s->count == s->cap) {
        s->cap = s->cap ? 2 * s->cap : 64;
        s->no = mem_realloc(s->no, s->cap * sizeof(*s->no));
    }
    s->no[s->count++] = no;
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

static void set_order(struct subject_set *s)
{
    size_t kept = 0;

    if (s->count)
        qsort(s->no, s->count, sizeof(*s->no), compare);
    for (size_t i = 0; i < s->count; i++) {
        if (kept == 0 || s->no[kept - 1] != s->no[i])
            s->no[kept++] = s->no[i];
    }
    s->count = kept;
}

bool subject_set_has(const struct subject_set *s, int64_t no)
{
    return s->count && bsearch(&no, s->no, s->count, sizeof(*s->no), compare);
}

/* By an id, or by its beginning when that is long enough to mean something. */
static bool find_ids(struct db *db, int64_t job_no, struct str key, struct subject_set *out,
                     struct err *err)
{
    static const enum query by[] = {Q_BY_SOURCE, Q_BY_TARGET, Q_BY_FORMER};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct str end = key.len < PREFIX_LEAST
                         ? key
                         : arena_printf(a, "%.*s\xF4\x8F\xBF\xBF", STR_ARG(key)); /* U+10FFFF */

    for (size_t i = 0; i < ARRAY_LEN(by); i++) {
        CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
        bool row = true;

        if (!db_select(db, query(by[i]),
                       DB_ARGS(db_int(job_no), db_text(key), db_text(end), db_int(BY_ID_MAX)), &st,
                       err))
            return false;
        while (row) {
            if (!db_step(st, &row, err))
                return false;
            if (row)
                set_add(out, db_col_int(st, 0));
        }
    }
    return true;
}

/* Those of a block in whose names the key is. */
static void search_block(struct str names, int64_t first, struct str key, struct subject_set *out)
{
    const char *at = names.ptr;
    const char *end = names.ptr + names.len;
    int64_t no = first;

    while (at < end) {
        const char *hit = memmem(at, (size_t)(end - at), key.ptr, key.len);
        const char *next;

        if (!hit)
            return;
        while ((next = memchr(at, SEPARATOR, (size_t)(end - at))) && next < hit) {
            at = next + 1;
            no++;
        }
        set_add(out, no);
        if (!next)
            return;
        at = next + 1;
        no++;
    }
}

/* Subjects that no block has. */
static bool search_rows(struct db *db, int64_t job_no, int64_t from, int64_t to, struct str key,
                        struct subject_set *out, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    bool row = from < to;

    if (row &&
        !db_select(db, query(Q_NAMES), DB_ARGS(db_int(job_no), db_int(from), db_int(to)), &st, err))
        return false;
    while (row) {
        size_t at;

        if (!db_step(st, &row, err))
            return false;
        if (row && str_find(db_col_text(st, 1), key, &at))
            set_add(out, db_col_int(st, 0));
    }
    return true;
}

static bool find_names(struct db *db, int64_t job_no, struct str key, struct subject_set *out,
                       struct err *err)
{
    int64_t next = 0; /* the block that comes next if none is missing */
    bool row = true;

    while (row) {
        CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
        size_t count = 0;

        if (!db_select(db, query(Q_BLOCKS),
                       DB_ARGS(db_int(job_no), db_int(next), db_int(BLOCKS_PAGE)), &st, err))
            return false;
        for (;;) {
            int64_t block;

            if (!db_step(st, &row, err))
                return false;
            if (!row)
                break;
            block = db_col_int(st, 0);
            if (!search_rows(db, job_no, next * BLOCK, block * BLOCK, key, out, err))
                return false;
            search_block(db_col_text(st, 1), block * BLOCK, key, out);
            next = block + 1;
            count++;
        }
        row = count == BLOCKS_PAGE;
    }
    return search_rows(db, job_no, next * BLOCK, INT64_MAX, key, out, err);
}

bool subject_find(struct db *db, int64_t job_no, struct str who, struct subject_set *out,
                  struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct str key = str_fold(a, who);

    *out = (struct subject_set){0};
    if (key.len == 0 || !find_ids(db, job_no, key, out, err))
        return key.len == 0;
    for (size_t i = 0; i < key.len; i++) {
        if ((unsigned char)key.ptr[i] < 0x20) { /* no name has that */
            set_order(out);
            return true;
        }
    }
    if (!find_names(db, job_no, key, out, err))
        return false;
    set_order(out);
    return true;
}

bool subject_find_source(struct db *db, int64_t job_no, struct str source_id,
                         struct subject_set *out, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    *out = (struct subject_set){0};
    if (!db_select_one(db, query(Q_FIND), DB_ARGS(db_int(job_no), db_text(str_fold(a, source_id))),
                       &st, err))
        return false;
    if (st)
        set_add(out, db_col_int(st, 0));
    return true;
}
