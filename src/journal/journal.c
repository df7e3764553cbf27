#include "journal/journal.h"

#include "base/unicode.h"
#include "journal/block.h"
#include "journal/detail.h"
#include "journal/facet.h"
#include "journal/pack.h"
#include "journal/queries.h"
#include "journal/search.h"
#include "journal/subject.h"

enum query {
    Q_BEGIN,
    Q_INSERT,
    Q_AT,
    Q_EDGES,
    Q_SEGMENTS,
    Q_SEGMENT_OF,
    Q_LOAD,
    Q_RANGE,
};

#define COLUMNS "no, at_us, facet, detail"

const struct db_query journal_queries[] = {
    [Q_BEGIN] = {"journal_begin",
                 "INSERT INTO journal_segment (job_no, first_no, cycle_id) SELECT $1, $2, $3"
                 " WHERE coalesce((SELECT s.cycle_id FROM journal_segment s WHERE s.job_no = $1"
                 " ORDER BY s.first_no DESC LIMIT 1), '') <> $3"
                 " ON CONFLICT (job_no, first_no) DO UPDATE SET cycle_id = excluded.cycle_id"},
    [Q_INSERT] = {"journal_insert",
                  "INSERT INTO journal (job_no, no, at_us, facet, subject, detail)"
                  " VALUES ($1, $2, $3, $4, $5, $6)"},
    [Q_AT] = {"journal_at", "SELECT no, at_us FROM journal WHERE job_no = $1 AND no >= $2"
                            " ORDER BY no LIMIT 1"},
    [Q_EDGES] = {"journal_edges", "SELECT coalesce((SELECT no FROM journal WHERE job_no = $1"
                                  " ORDER BY no LIMIT 1), 0),"
                                  " coalesce((SELECT no FROM journal WHERE job_no = $1"
                                  " ORDER BY no DESC LIMIT 1), 0)"},
    [Q_SEGMENTS] = {"journal_segments",
                    "SELECT s.first_no, (SELECT min(n.first_no) FROM journal_segment n"
                    " WHERE n.job_no = $1 AND n.first_no > s.first_no) FROM journal_segment s"
                    " WHERE s.job_no = $1 AND s.cycle_id = $2 ORDER BY s.first_no DESC LIMIT $3"},
    [Q_SEGMENT_OF] = {"journal_segment_of",
                      "SELECT first_no, cycle_id FROM journal_segment WHERE job_no = $1"
                      " AND first_no <= $2 ORDER BY first_no DESC LIMIT 1"},
    [Q_LOAD] = {"journal_load", "SELECT " COLUMNS " FROM journal WHERE job_no = $1 AND no = $2"},
    [Q_RANGE] = {"journal_range", "SELECT " COLUMNS " FROM journal WHERE job_no = $1"
                                  " AND no >= $2 AND no <= $3 AND at_us >= $4 AND at_us <= $5"
                                  " ORDER BY no DESC"},
};
const size_t journal_query_count = ARRAY_LEN(journal_queries);

enum {
    DETAIL_MAX = 4 << 20, /* bytes of steps and properties */
    DISORDER_MAX = 1000,  /* so far from its place by time a record may stand */
    SEGMENTS_MAX = 1000,  /* interruptions of a cycle that are looked at */
    LIMIT_DEFAULT = 100,
    LIMIT_MAX = 10000,
};

static const struct db_query *query(enum query q)
{
    return &journal_queries[q];
}

/* --- writing --- */

bool journal_begin(struct db *db, int64_t job_no, int64_t first_no, struct str cycle_id,
                   struct err *err)
{
    return db_exec(db, query(Q_BEGIN), DB_ARGS(db_int(job_no), db_int(first_no), db_text(cycle_id)),
                   NULL, err);
}

struct packer *journal_packer_new(void)
{
    return packer_new();
}

void journal_packer_free(struct packer *p)
{
    packer_free(p);
}

bool journal_insert(struct db *db, struct packer *packer, const struct journal_record *r,
                    struct err *err)
{
    struct buf *detail = &packer->detail;
    int64_t subject;

    if (!subject_note(db, packer, r, &subject, err))
        return false;
    buf_reset(detail);
    journal_detail_write(detail, r, DETAIL_WHOLE);
    if (detail->overflowed) {
        buf_reset(detail);
        journal_detail_write(detail, r, DETAIL_BRIEF);
    }
    return db_exec(db, query(Q_INSERT),
                   DB_ARGS(db_int(r->job_no), db_int(r->no), db_int(r->at_us), db_int(facet_of(r)),
                           db_int(subject), db_blob(STR(""))),
                   NULL, err) &&
           block_add(db, packer, r->job_no, r->no, buf_str(detail), err);
}

bool journal_flush(struct db *db, struct packer *packer, struct err *err)
{
    packer->last_subject = -1;
    return block_flush(db, packer, err);
}

void journal_forget(struct packer *packer)
{
    packer->last_subject = -1;
    block_forget(packer);
}

/* --- reading --- */

/* The stretch of records that belong to one cycle, as reading goes down. */
struct segment {
    int64_t first_no;
    struct str cycle_id;
    bool known;
};

static bool find_segment(struct db *db, struct arena *a, int64_t job_no, int64_t no,
                         struct segment *at, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    if (at->known && at->first_no <= no)
        return true;
    if (!db_select_one(db, query(Q_SEGMENT_OF), DB_ARGS(db_int(job_no), db_int(no)), &st, err))
        return false;
    *at = (struct segment){.known = true, .first_no = INT64_MIN};
    if (st) {
        at->first_no = db_col_int(st, 0);
        at->cycle_id = arena_str(a, db_col_text(st, 1));
    }
    return true;
}

/* Of a record that was written before there were blocks. */
static bool read_own(struct arena *a, struct str packed, struct str *out, struct err *err)
{
    CLEANUP(buf_done) struct buf text = {0};

    if (!pack_read(packed, DETAIL_MAX, &text, err))
        return false;
    *out = arena_str(a, buf_str(&text));
    return true;
}

static bool read_record(struct db *db, struct db_stmt *st, struct arena *a, struct block_read *b,
                        int64_t job_no, struct journal_record *out, struct err *err)
{
    int64_t facet = db_col_int(st, 2);
    struct str packed = db_col_text(st, 3);
    struct str text;

    *out = (struct journal_record){
        .job_no = job_no,
        .no = db_col_int(st, 0),
        .at_us = db_col_int(st, 1),
        .action = facet_action(facet),
        .status = facet_status(facet),
        .kind = (enum source_kind)(facet >> 5 & 1),
    };
    if (packed.len ? !read_own(a, packed, &text, err)
                   : !block_read(db, b, job_no, out->no, &text, err))
        return false;
    return journal_detail_parse(a, packed.len ? text : arena_str(a, text), out, err);
}

bool journal_load(struct db *db, struct arena *a, int64_t job_no, int64_t no,
                  struct journal_record *out, bool *out_found, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    CLEANUP(block_read_done) struct block_read block = {0};
    struct segment at = {0};

    if (!db_select_one(db, query(Q_LOAD), DB_ARGS(db_int(job_no), db_int(no)), &st, err))
        return false;
    *out_found = st != NULL;
    if (!st)
        return true;
    if (!read_record(db, st, a, &block, job_no, out, err) ||
        !find_segment(db, a, job_no, no, &at, err))
        return false;
    out->cycle_id = at.cycle_id;
    return true;
}

/* --- bounds --- */

static bool edges(struct db *db, int64_t job_no, int64_t *out_low, int64_t *out_high,
                  struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    if (!db_select_one(db, query(Q_EDGES), DB_ARGS(db_int(job_no)), &st, err))
        return false;
    assert(st);
    *out_low = db_col_int(st, 0);
    *out_high = db_col_int(st, 1);
    return true;
}

/* The first number in [low, high] whose record is not older than `at`; high + 1 if there is none.
 * Numbers rise with time, but for a little disorder. */
static bool first_not_before(struct db *db, int64_t job_no, int64_t low, int64_t high, int64_t at,
                             int64_t *out, struct err *err)
{
    high++;
    while (low < high) {
        CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
        int64_t middle = low + (high - low) / 2;

        if (!db_select_one(db, query(Q_AT), DB_ARGS(db_int(job_no), db_int(middle)), &st, err))
            return false;
        if (!st || db_col_int(st, 1) >= at) {
            high = middle;
        } else {
            low = db_col_int(st, 0) + 1;
        }
    }
    *out = low;
    return true;
}

bool journal_first_not_before(struct db *db, int64_t job_no, int64_t at_us, int64_t *out,
                              struct err *err)
{
    int64_t low, high;

    return edges(db, job_no, &low, &high, err) &&
           first_not_before(db, job_no, low, high, at_us, out, err);
}

/* Numbers between which all records of the time asked for are. Without an index by time, which each
 * record would have to pay for. */
static bool number_bounds(struct db *db, int64_t job_no, const struct journal_query *q,
                          struct search_range *out, struct err *err)
{
    int64_t low, high;
    int64_t from = INT64_MIN;
    int64_t to = q->before_no > 0 ? q->before_no : INT64_MAX;

    if (q->from_us || q->to_us) {
        if (!edges(db, job_no, &low, &high, err))
            return false;
        if (q->from_us) {
            if (!first_not_before(db, job_no, low, high, q->from_us, &from, err))
                return false;
            from -= DISORDER_MAX;
        }
        if (q->to_us) {
            int64_t end;

            if (!first_not_before(db, job_no, low, high, q->to_us, &end, err))
                return false;
            if (end + DISORDER_MAX < to)
                to = end + DISORDER_MAX;
        }
    }
    if (q->after_no >= from)
        from = q->after_no + 1;
    *out = (struct search_range){from, to};
    return true;
}

/* The bounds as ranges, newest first: one, or those of the cycle asked for. */
static bool ranges_of(struct db *db, struct arena *a, int64_t job_no, const struct journal_query *q,
                      struct search_range **out, size_t *out_count, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct search_range *list = ARENA_ARRAY(a, struct search_range, SEGMENTS_MAX);
    struct search_range bounds;
    size_t count = 0;
    bool row = true;

    if (!number_bounds(db, job_no, q, &bounds, err))
        return false;
    *out = list;
    *out_count = 1;
    list[0] = bounds;
    if (q->cycle_id.len == 0)
        return true;
    if (!db_select(db, query(Q_SEGMENTS),
                   DB_ARGS(db_int(job_no), db_text(str_fold(a, q->cycle_id)), db_int(SEGMENTS_MAX)),
                   &st, err))
        return false;
    while (row) {
        struct search_range *r = &list[count];

        if (!db_step(st, &row, err))
            return false;
        if (!row)
            break;
        *r = (struct search_range){db_col_int(st, 0),
                                   db_col_is_null(st, 1) ? INT64_MAX : db_col_int(st, 1)};
        if (r->low < bounds.low)
            r->low = bounds.low;
        if (r->high > bounds.high)
            r->high = bounds.high;
        count += r->low < r->high;
    }
    *out_count = count;
    return true;
}

/* --- lists --- */

struct listing {
    struct search search;
    struct arena *arena;
    struct journal_record *records;
    size_t count, limit;
    struct str code; /* casefolded */
    struct segment segment;
    struct block_read block;
};

/* What the indexes do not say. */
static bool fits(const struct listing *l, const struct journal_record *r)
{
    struct str code = l->code.len ? str_fold(l->arena, r->code) : r->code;

    return l->code.len == 0 || str_ends(code, l->code);
}

static bool take_rows(struct listing *l, struct db_stmt *st, struct err *err)
{
    struct journal_record r;
    bool row;

    for (;;) {
        if (!db_step(st, &row, err))
            return false;
        if (!row)
            return true;
        if (!read_record(l->search.db, st, l->arena, &l->block, l->search.job_no, &r, err) ||
            !find_segment(l->search.db, l->arena, l->search.job_no, r.no, &l->segment, err))
            return false;
        r.cycle_id = l->segment.cycle_id;
        if (fits(l, &r))
            l->records[l->count++] = r;
    }
}

/* Numbers that follow each other are read at once. */
static bool take(struct listing *l, const int64_t *no, size_t count, struct err *err)
{
    const struct journal_query *q = l->search.query;

    for (size_t i = 0; i < count;) {
        CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
        size_t end = i + 1;

        while (end < count && no[end] == no[end - 1] - 1)
            end++;
        if (!db_select(l->search.db, query(Q_RANGE),
                       DB_ARGS(db_int(l->search.job_no), db_int(no[end - 1]), db_int(no[i]),
                               db_int(q->from_us ? q->from_us : INT64_MIN),
                               db_int(q->to_us ? q->to_us : INT64_MAX)),
                       &st, err) ||
            !take_rows(l, st, err))
            return false;
        i = end;
    }
    return true;
}

static bool list_range(struct listing *l, struct search_range range, struct err *err)
{
    size_t count;

    do {
        size_t limit = l->limit - l->count;
        int64_t *no;

        if (!search_newest(&l->search, l->arena, range, limit, &no, &count, err) ||
            !take(l, no, count, err))
            return false;
        if (count < limit)
            return true;
        range.high = no[count - 1];
    } while (l->count < l->limit); /* some of them did not fit */
    return true;
}

static bool list_ranges(struct listing *l, struct err *err)
{
    const struct search *s = &l->search;
    struct search_range *ranges;
    size_t count;

    if (!search_facets(&l->search, l->arena, err))
        return false;
    if ((!s->any_facet && s->facet_count == 0) || (s->who && s->who->count == 0))
        return true;
    if (!ranges_of(s->db, l->arena, s->job_no, s->query, &ranges, &count, err))
        return false;
    for (size_t i = 0; i < count && l->count < l->limit; i++) {
        if (!list_range(l, ranges[i], err))
            return false;
    }
    return true;
}

bool journal_list(struct db *db, struct arena *a, int64_t job_no, const struct journal_query *q,
                  struct journal_record **out, size_t *out_count, struct err *err)
{
    CLEANUP(subject_set_done) struct subject_set who = {0};
    size_t limit = q->limit == 0 ? LIMIT_DEFAULT : q->limit < LIMIT_MAX ? q->limit : LIMIT_MAX;
    struct listing l = {
        .search = {.db = db, .job_no = job_no, .query = q},
        .arena = a,
        .records = ARENA_ARRAY(a, struct journal_record, limit),
        .limit = limit,
        .code = str_fold(a, q->code),
    };

    if (q->source_id.len || q->who.len) {
        if (q->source_id.len ? !subject_find_source(db, job_no, q->source_id, &who, err)
                             : !subject_find(db, job_no, q->who, &who, err))
            return false;
        l.search.who = &who;
    }
    bool ok = list_ranges(&l, err);
    block_read_done(&l.block);
    if (!ok)
        return false;
    *out = l.records;
    *out_count = l.count;
    return true;
}
