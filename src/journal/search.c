#include "journal/search.h"

#include "journal/facet.h"
#include "journal/queries.h"
#include "journal/subject.h"

#include <stdlib.h>

enum query { Q_NEXT_FACET, Q_ALL, Q_OF_FACET, Q_OF_SUBJECT };

const struct db_query search_queries[] = {
    /* Facets are few: from each to the next is one step in the index. */
    [Q_NEXT_FACET] = {"journal_next_facet", "SELECT facet FROM journal WHERE job_no = $1"
                                            " AND facet > $2 ORDER BY facet LIMIT 1"},
    [Q_ALL] = {"journal_newest", "SELECT no, facet, subject FROM journal WHERE job_no = $1"
                                 " AND no >= $2 AND no < $3 ORDER BY no DESC LIMIT $4"},
    [Q_OF_FACET] = {"journal_of_facet", "SELECT no, facet, subject FROM journal WHERE job_no = $1"
                                        " AND facet = $5 AND no >= $2 AND no < $3"
                                        " ORDER BY no DESC LIMIT $4"},
    [Q_OF_SUBJECT] = {"journal_of_subject",
                      "SELECT no, facet, subject FROM journal WHERE job_no = $1"
                      " AND subject = $5 AND no >= $2 AND no < $3"
                      " ORDER BY no DESC LIMIT $4"},
};
const size_t search_query_count = ARRAY_LEN(search_queries);

enum {
    BATCH_FIRST = 128,
    BATCH_MAX = 8192,
    FEW = 2000,           /* people that are looked through one by one */
    PATIENCE_ALL = 20000, /* records looked at from the newest on, then the people one by one */
    PATIENCE_FACETS = 100000,
};
#define CODE_PREFIX "SystemForCrossDomainIdentityManagement"

/* --- the newest numbers: a heap with the oldest of them on top --- */

struct newest {
    int64_t *no;
    size_t count, limit;
};

static void sift_down(struct newest *n)
{
    size_t at = 0;

    for (;;) {
        size_t child = 2 * at + 1;
        int64_t swap;

        if (child + 1 < n->count && n->no[child + 1] < n->no[child])
            child++;
        if (child >= n->count || n->no[at] <= n->no[child])
            return;
        swap = n->no[at];
        n->no[at] = n->no[child];
        n->no[child] = swap;
        at = child;
    }
}

static void offer(struct newest *n, int64_t no)
{
    size_t at = n->count;

    if (n->count == n->limit) {
        if (no > n->no[0]) {
            n->no[0] = no;
            sift_down(n);
        }
        return;
    }
    for (n->count++; at > 0 && n->no[(at - 1) / 2] > no; at = (at - 1) / 2)
        n->no[at] = n->no[(at - 1) / 2];
    n->no[at] = no;
}

static int descending(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;

    return x < y ? 1 : -(x > y);
}

/* --- facets --- */

static bool code_fits(int64_t facet, const int64_t *codes)
{
    return facet >> 6 == codes[0] || facet >> 6 == codes[1];
}

static bool facet_fits(const struct journal_query *q, const int64_t *codes, int64_t facet)
{
    return (!q->by_status || facet_status(facet) == q->status) &&
           (!q->by_action || facet_action(facet) == q->action) &&
           (!q->by_kind || (enum source_kind)(facet >> 5 & 1) == q->kind) &&
           (q->code.len == 0 || code_fits(facet, codes));
}

struct facets {
    int64_t *list;
    size_t count, cap;
};

static void facets_add(struct facets *f, struct arena *a, int64_t facet)
{
    if (f->count == f->cap) {
        int64_t *wider;

        f->cap = f->cap ? 2 * f->cap : 32;
        wider = ARENA_ARRAY(a, int64_t, f->cap);
        if (f->count)
            memcpy(wider, f->list, f->count * sizeof(*wider));
        f->list = wider;
    }
    f->list[f->count++] = facet;
}

bool search_facets(struct search *s, struct arena *a, struct err *err)
{
    const struct journal_query *q = s->query;
    const int64_t codes[2] = {
        facet_code(q->code),
        facet_code(arena_printf(a, CODE_PREFIX "%.*s", STR_ARG(q->code))),
    };
    struct facets found = {0};
    int64_t facet = -1;

    s->any_facet = !q->by_status && !q->by_action && !q->by_kind && q->code.len == 0;
    for (bool more = !s->any_facet; more;) {
        CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

        if (!db_select_one(s->db, &search_queries[Q_NEXT_FACET],
                           DB_ARGS(db_int(s->job_no), db_int(facet)), &st, err))
            return false;
        more = st != NULL;
        facet = more ? db_col_int(st, 0) : 0;
        if (more && facet_fits(q, codes, facet))
            facets_add(&found, a, facet);
    }
    s->facets = found.list;
    s->facet_count = found.count;
    return true;
}

static bool facet_wanted(const struct search *s, int64_t facet)
{
    for (size_t i = 0; i < s->facet_count; i++) {
        if (s->facets[i] == facet)
            return true;
    }
    return s->any_facet;
}

/* --- walking an index from the newest on --- */

struct walk {
    enum query query;
    int64_t key; /* facet or subject; of Q_ALL: none */
    struct search_range range;
    int64_t patience; /* records that may still be looked at; below 0: it ran out */
};

static bool read_batch(const struct search *s, struct walk *w, size_t batch, struct newest *n,
                       size_t *out_rows, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct db_value values[] = {db_int(s->job_no), db_int(w->range.low), db_int(w->range.high),
                                db_int((int64_t)batch), db_int(w->key)};
    struct db_args args = {values, w->query == Q_ALL ? 4 : 5};
    bool row;

    *out_rows = 0;
    if (!db_select(s->db, &search_queries[w->query], args, &st, err))
        return false;
    for (;;) {
        int64_t no;

        if (!db_step(st, &row, err))
            return false;
        if (!row)
            return true;
        no = db_col_int(st, 0);
        (*out_rows)++;
        w->range.high = no;
        if (facet_wanted(s, db_col_int(st, 1)) &&
            (!s->who || w->query == Q_OF_SUBJECT || subject_set_has(s->who, db_col_int(st, 2))))
            offer(n, no);
    }
}

/* Until nothing newer than what is at hand can come, the index has no more, or patience ends. */
static bool walk(const struct search *s, struct walk *w, struct newest *n, struct err *err)
{
    size_t batch = n->limit < BATCH_FIRST ? n->limit : BATCH_FIRST;
    size_t rows;

    do {
        if (n->count == n->limit && n->no[0] >= w->range.low)
            w->range.low = n->no[0] + 1;
        if (w->range.low >= w->range.high)
            return true;
        if (!read_batch(s, w, batch, n, &rows, err))
            return false;
        w->patience -= (int64_t)rows;
        if (rows < batch)
            return true;
        batch = batch * 4 < BATCH_MAX ? batch * 4 : BATCH_MAX;
    } while (w->patience >= 0);
    return true;
}

static bool walk_subjects(const struct search *s, struct search_range range, struct newest *n,
                          struct err *err)
{
    assert(s->who);
    for (size_t i = 0; i < s->who->count; i++) {
        struct walk w = {Q_OF_SUBJECT, s->who->no[i], range, INT64_MAX};

        if (!walk(s, &w, n, err))
            return false;
    }
    return true;
}

/* *patience is what is left of it. */
static bool walk_facets(const struct search *s, struct search_range range, struct newest *n,
                        int64_t *patience, struct err *err)
{
    for (size_t i = 0; i < s->facet_count && *patience >= 0; i++) {
        struct walk w = {Q_OF_FACET, s->facets[i], range, *patience};

        if (!walk(s, &w, n, err))
            return false;
        *patience = w.patience;
    }
    return true;
}

static bool walk_all(const struct search *s, struct search_range range, struct newest *n,
                     int64_t *patience, struct err *err)
{
    struct walk w = {Q_ALL, 0, range, *patience};

    if (!walk(s, &w, n, err))
        return false;
    *patience = w.patience;
    return true;
}

/* Of many people the newest records are soon met from the newest on; if not, they have few, and are
 * soon looked through one by one. */
static bool search(const struct search *s, struct search_range range, struct newest *n,
                   struct err *err)
{
    int64_t patience = !s->who ? INT64_MAX : s->any_facet ? PATIENCE_ALL : PATIENCE_FACETS;

    if (!s->who || s->who->count > FEW) {
        if (s->any_facet ? !walk_all(s, range, n, &patience, err)
                         : !walk_facets(s, range, n, &patience, err))
            return false;
        /* A full heap is complete only when no facet was left out. */
        if (patience >= 0 || (s->any_facet && n->count == n->limit))
            return true;
        n->count = 0;
    }
    return walk_subjects(s, range, n, err);
}

bool search_newest(const struct search *s, struct arena *a, struct search_range range, size_t limit,
                   int64_t **out_no, size_t *out_count, struct err *err)
{
    struct newest n = {.no = ARENA_ARRAY(a, int64_t, limit), .limit = limit};

    if (!search(s, range, &n, err))
        return false;
    qsort(n.no, n.count, sizeof(*n.no), descending);
    *out_no = n.no;
    *out_count = n.count;
    return true;
}
