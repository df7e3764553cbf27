#include "journal/journal.h"

#include "base/unicode.h"
#include "journal/detail.h"
#include "journal/queries.h"

#include <inttypes.h>

enum query {
    Q_SUBJECT,
    Q_INSERT,
    Q_SUBJECT_EXISTS,
    Q_SUBJECTS_LIKE,
    Q_AT,
    Q_EDGES,
    Q_LIST_ALL,
    Q_LIST_SOURCE,
    Q_LIST_WHO_RARE,
    Q_LIST_WHO_COMMON,
    Q_LIST_CYCLE,
    Q_LIST_CODE,
    Q_LIST_STATUS,
    Q_LIST_ACTION,
};

#define RECORD_COLUMNS                                                               \
    "job_no, no, cycle_id, at_us, duration_us, action, status, code, message, kind," \
    " source_id, source_name, target_id, target_name, initiated_by, detail"

/* The places of the arguments are the same in all lists: $1 job, $2 and $3 bounds of the number, $4
 * limit, $5 and $6 time, $7 action, $8 status, $9 code, $10 cycle, $11 who. What a list is found by
 * stands in front; the rest sifts. */
#define LIST(found_by_)                                                                 \
    "SELECT " RECORD_COLUMNS " FROM journal WHERE job_no = $1 AND no >= $2 AND no < $3" \
    " AND " found_by_ " AND at_us >= $5 AND at_us <= $6"                                \
    " AND ($7 < 0 OR action = $7) AND ($8 < 0 OR status = $8)"                          \
    " AND ($9 = '' OR code = $9) AND ($10 = '' OR cycle_id = $10)"                      \
    " ORDER BY no DESC LIMIT $4"

const struct db_query journal_queries[] = {
    /* Names that somebody had before stay findable, up to a length. */
    [Q_SUBJECT] = {"journal_subject",
                   "INSERT INTO journal_subject (job_no, source_id, who_key) VALUES ($1, $2, $3)"
                   " ON CONFLICT (job_no, source_id) DO UPDATE"
                   " SET who_key = substr(excluded.who_key || journal_subject.who_key, 1, 4000)"
                   " WHERE substr(journal_subject.who_key, 1, length(excluded.who_key))"
                   " <> excluded.who_key"},
    [Q_INSERT] = {"journal_insert",
                  "INSERT INTO journal (" RECORD_COLUMNS ")"
                  " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15,"
                  " $16)"},
    [Q_SUBJECT_EXISTS] = {"journal_subject_exists",
                          "SELECT 1 FROM journal_subject WHERE job_no = $1 AND source_id = $2"},
    /* The plus keeps the index away: all rows are looked at, and in the order they lie in. */
    [Q_SUBJECTS_LIKE] = {"journal_subjects_like",
                         "SELECT source_id FROM journal_subject"
                         " WHERE +job_no = $1 AND who_key LIKE $2 ESCAPE '!' LIMIT $3"},
    [Q_AT] = {"journal_at", "SELECT no, at_us FROM journal WHERE job_no = $1 AND no >= $2"
                            " ORDER BY no LIMIT 1"},
    [Q_EDGES] = {"journal_edges", "SELECT coalesce((SELECT no FROM journal WHERE job_no = $1"
                                  " ORDER BY no LIMIT 1), 0),"
                                  " coalesce((SELECT no FROM journal WHERE job_no = $1"
                                  " ORDER BY no DESC LIMIT 1), 0)"},
    [Q_LIST_ALL] = {"journal_list", LIST("$11 = $11")},
    [Q_LIST_SOURCE] = {"journal_list_source", LIST("source_id = $11")},
    [Q_LIST_WHO_RARE] = {"journal_list_who_rare",
                         LIST("source_id IN (SELECT s.source_id FROM journal_subject s"
                              " WHERE +s.job_no = $1 AND s.who_key LIKE $11 ESCAPE '!')")},
    [Q_LIST_WHO_COMMON] = {"journal_list_who_common",
                           LIST("EXISTS (SELECT 1 FROM journal_subject s"
                                " WHERE s.job_no = $1 AND s.source_id = journal.source_id"
                                " AND s.who_key LIKE $11 ESCAPE '!')")},
    [Q_LIST_CYCLE] = {"journal_list_cycle", LIST("cycle_id = $10 AND $11 = $11")},
    [Q_LIST_CODE] = {"journal_list_code", LIST("code = $9 AND code IS NOT NULL AND $11 = $11")},
    [Q_LIST_STATUS] = {"journal_list_status", LIST("status = $8 AND status <> 0 AND $11 = $11")},
    [Q_LIST_ACTION] = {"journal_list_action", LIST("action = $7 AND action > 1 AND $11 = $11")},
};
const size_t journal_query_count = ARRAY_LEN(journal_queries);
static_assert(STATUS_SUCCESS == 0 && ACTION_UPDATE == 1, "as the texts of the statements say");

enum {
    DETAIL_MAX = 4 << 20, /* bytes of steps and properties */
    WHO_KEY_MAX = 2000,   /* bytes */
    RARE_MAX = 200,       /* so many people are looked for one by one */
    DISORDER_MAX = 10000, /* so far from its place by time a record may stand */
    LIMIT_DEFAULT = 100,
    LIMIT_MAX = 10000,
};

static const struct db_query *query(enum query q)
{
    return &journal_queries[q];
}

/* What somebody is found by: names and ids of both sides, each on a line, folded. */
static struct str who_key(struct arena *a, const struct journal_record *r)
{
    const struct str parts[] = {r->source_name, r->target_name, r->target_id, r->source_id};
    CLEANUP(buf_done) struct buf text;

    buf_init(&text, WHO_KEY_MAX);
    buf_add_char(&text, '\n');
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        if (parts[i].len == 0 || (i > 0 && str_eq(parts[i], parts[i - 1])))
            continue;
        buf_add(&text, str_fold(a, parts[i]));
        buf_add_char(&text, '\n');
    }
    /* Too long: then by the id alone. */
    if (text.overflowed)
        return arena_printf(a, "\n%.*s\n", STR_ARG(str_fold(a, r->source_id)));
    return arena_str(a, buf_str(&text));
}

/* A pattern for LIKE that holds when the text is a part of the column. */
static struct str part_pattern(struct arena *a, struct str text)
{
    CLEANUP(buf_done) struct buf out;

    buf_init(&out, 2 * text.len + 2);
    buf_add_char(&out, '%');
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '%' || text.ptr[i] == '_' || text.ptr[i] == '!')
            buf_add_char(&out, '!');
        buf_add_char(&out, text.ptr[i]);
    }
    buf_add_char(&out, '%');
    return arena_str(a, buf_str(&out));
}

/* How many people a text fits, up to RARE_MAX + 1, and the first of them. */
static bool find_subjects(struct db *db, struct arena *a, int64_t job_no, struct str pattern,
                          size_t *out_count, struct str *out_first, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    size_t count = 0;
    bool row;

    *out_first = STR("");
    if (!db_select(db, query(Q_SUBJECTS_LIKE),
                   DB_ARGS(db_int(job_no), db_text(pattern), db_int(RARE_MAX + 1)), &st, err))
        return false;
    for (;;) {
        if (!db_step(st, &row, err))
            return false;
        if (!row)
            break;
        if (count++ == 0)
            *out_first = arena_str(a, db_col_text(st, 0));
    }
    *out_count = count;
    return true;
}

/* How somebody is looked for: by id if it is one, else by how many the text fits. *out_key is the
 * argument of the statement. */
static bool plan_who(struct db *db, struct arena *a, int64_t job_no, struct str who,
                     enum query *out_query, struct str *out_key, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct str key = str_fold(a, who);
    struct str pattern = part_pattern(a, key);
    struct str one;
    size_t count;

    *out_query = Q_LIST_SOURCE;
    *out_key = key;
    if (!db_select_one(db, query(Q_SUBJECT_EXISTS), DB_ARGS(db_int(job_no), db_text(key)), &st,
                       err))
        return false;
    if (st)
        return true;
    if (!find_subjects(db, a, job_no, pattern, &count, &one, err))
        return false;
    if (count == 0) /* then it is nobody's id, as has just been seen */
        return true;
    if (count == 1) {
        *out_key = one;
        return true;
    }
    *out_query = count <= RARE_MAX ? Q_LIST_WHO_RARE : Q_LIST_WHO_COMMON;
    *out_key = pattern;
    return true;
}

static bool plan_query(struct db *db, struct arena *a, int64_t job_no,
                       const struct journal_query *q, enum query *out_query, struct str *out_key,
                       struct err *err)
{
    *out_key = q->source_id;
    if (q->source_id.len) {
        *out_query = Q_LIST_SOURCE;
        return true;
    }
    if (q->who.len)
        return plan_who(db, a, job_no, q->who, out_query, out_key, err);
    if (q->code.len) {
        *out_query = Q_LIST_CODE;
    } else if (q->by_status && q->status != STATUS_SUCCESS) {
        *out_query = Q_LIST_STATUS;
    } else if (q->by_action && q->action > ACTION_UPDATE) {
        *out_query = Q_LIST_ACTION;
    } else if (q->cycle_id.len) {
        *out_query = Q_LIST_CYCLE;
    } else {
        *out_query = Q_LIST_ALL;
    }
    return true;
}

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

/* Numbers between which all records of the time asked for are: low <= no < high. Without an index
 * by time, which each record would have to pay for. */
static bool number_bounds(struct db *db, int64_t job_no, const struct journal_query *q,
                          int64_t *out_low, int64_t *out_high, struct err *err)
{
    int64_t low;
    int64_t high;
    int64_t from = 0;
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
    *out_low = from;
    *out_high = to;
    return true;
}

static bool read_record(struct db_stmt *st, struct arena *a, struct journal_record *out,
                        struct err *err)
{
    *out = (struct journal_record){
        .job_no = db_col_int(st, 0),
        .no = db_col_int(st, 1),
        .cycle_id = arena_str(a, db_col_text(st, 2)),
        .at_us = db_col_int(st, 3),
        .duration_us = db_col_int(st, 4),
        .action = (enum journal_action)db_col_int(st, 5),
        .status = (enum journal_status)db_col_int(st, 6),
        .code = arena_str(a, db_col_text(st, 7)),
        .message = arena_str(a, db_col_text(st, 8)),
        .kind = (enum source_kind)db_col_int(st, 9),
        .source_id = arena_str(a, db_col_text(st, 10)),
        .source_name = arena_str(a, db_col_text(st, 11)),
        .target_id = arena_str(a, db_col_text(st, 12)),
        .target_name = arena_str(a, db_col_text(st, 13)),
        .initiated_by = arena_str(a, db_col_text(st, 14)),
    };
    return journal_detail_parse(a, db_col_text(st, 15), out, err);
}

static bool read_records(struct db_stmt *st, struct arena *a, size_t limit,
                         struct journal_record **out, size_t *out_count, struct err *err)
{
    struct journal_record *list = ARENA_ARRAY(a, struct journal_record, limit);
    size_t count = 0;
    bool row;

    for (;;) {
        if (!db_step(st, &row, err))
            return false;
        if (!row)
            break;
        if (!read_record(st, a, &list[count++], err))
            return false;
    }
    *out = list;
    *out_count = count;
    return true;
}

bool journal_insert(struct db *db, const struct journal_record *r, struct err *err)
{
    CLEANUP(buf_done) struct buf detail;

    buf_init(&detail, DETAIL_MAX);
    if (r->source_id.len) {
        CLEANUP(arena_freep) struct arena *tmp = arena_new();

        if (!db_exec(db, query(Q_SUBJECT),
                     DB_ARGS(db_int(r->job_no), db_text(r->source_id), db_text(who_key(tmp, r))),
                     NULL, err))
            return false;
    }
    journal_detail_write(&detail, r);
    if (detail.overflowed) {
        buf_reset(&detail);
        detail.overflowed = false;
        buf_add_z(&detail, "{\"s\":[],\"p\":[]}");
    }
    return db_exec(db, query(Q_INSERT),
                   DB_ARGS(db_int(r->job_no), db_int(r->no), db_text_or_null(r->cycle_id),
                           db_int(r->at_us), db_int(r->duration_us), db_int(r->action),
                           db_int(r->status), db_text_or_null(r->code), db_text(r->message),
                           db_int(r->kind), db_text(r->source_id), db_text(r->source_name),
                           db_text(r->target_id), db_text(r->target_name), db_text(r->initiated_by),
                           db_text(buf_str(&detail))),
                   NULL, err);
}

bool journal_list(struct db *db, struct arena *a, int64_t job_no, const struct journal_query *q,
                  struct journal_record **out, size_t *out_count, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    size_t limit = q->limit == 0 ? LIMIT_DEFAULT : q->limit < LIMIT_MAX ? q->limit : LIMIT_MAX;
    enum query which;
    struct str key;
    int64_t low;
    int64_t high;

    if (!plan_query(db, a, job_no, q, &which, &key, err) ||
        !number_bounds(db, job_no, q, &low, &high, err))
        return false;
    if (!db_select(db, query(which),
                   DB_ARGS(db_int(job_no), db_int(low), db_int(high), db_int((int64_t)limit),
                           db_int(q->from_us ? q->from_us : INT64_MIN),
                           db_int(q->to_us ? q->to_us : INT64_MAX),
                           db_int(q->by_action ? (int64_t)q->action : -1),
                           db_int(q->by_status ? (int64_t)q->status : -1), db_text(q->code),
                           db_text(q->cycle_id), db_text(key)),
                   &st, err))
        return false;

    return read_records(st, a, limit, out, out_count, err);
}
