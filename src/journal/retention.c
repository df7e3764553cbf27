#include "journal/retention.h"

#include "journal/block.h"
#include "journal/journal.h"
#include "journal/queries.h"
#include "journal/subject.h"

enum query {
    Q_OLDEST,
    Q_COUNT,
    Q_REMOVE,
    Q_SUBJECT_REMOVE,
    Q_FORMER_REMOVE,
    Q_SEGMENTS_REMOVE,
};

const struct db_query retention_queries[] = {
    [Q_OLDEST] = {"journal_oldest", "SELECT no, subject FROM journal WHERE job_no = $1"
                                    " AND no < $2 ORDER BY no LIMIT $3"},
    [Q_COUNT] = {"journal_prunable", "SELECT count(*) FROM journal WHERE job_no = $1 AND no < $2"},
    [Q_REMOVE] = {"journal_prune", "DELETE FROM journal WHERE job_no = $1 AND no <= $2"},
    [Q_SUBJECT_REMOVE] = {"journal_prune_subject",
                          "DELETE FROM journal_subject WHERE job_no = $1 AND no = $2"
                          " AND NOT EXISTS (SELECT 1 FROM journal j"
                          " WHERE j.job_no = $1 AND j.subject = $2)"},
    [Q_FORMER_REMOVE] = {"journal_prune_former",
                         "DELETE FROM journal_former_target WHERE job_no = $1 AND subject = $2"},
    /* The newest that begins at or before the oldest record says what that one belongs to. */
    [Q_SEGMENTS_REMOVE] = {"journal_prune_segments",
                           "DELETE FROM journal_segment WHERE job_no = $1 AND first_no <"
                           " (SELECT max(s.first_no) FROM journal_segment s WHERE s.job_no = $1"
                           " AND s.first_no <= $2)"},
};
const size_t retention_query_count = ARRAY_LEN(retention_queries);

enum { BLOCKS_AT_ONCE = 4 };

static const struct db_query *query(enum query q)
{
    return &retention_queries[q];
}

struct oldest {
    int64_t last; /* the highest number among them */
    size_t count;
    int64_t *subjects;
};

static bool find_oldest(struct db *db, struct arena *a, int64_t job_no, int64_t below, size_t limit,
                        struct oldest *out, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    bool row;

    *out = (struct oldest){.subjects = ARENA_ARRAY(a, int64_t, limit)};
    if (!db_select(db, query(Q_OLDEST),
                   DB_ARGS(db_int(job_no), db_int(below), db_int((int64_t)limit)), &st, err))
        return false;
    for (;;) {
        if (!db_step(st, &row, err))
            return false;
        if (!row)
            return true;
        out->last = db_col_int(st, 0);
        out->subjects[out->count++] = db_col_int(st, 1);
    }
}

static bool remove_subject(struct db *db, int64_t job_no, int64_t subject, struct err *err)
{
    int64_t removed;

    if (!db_exec(db, query(Q_SUBJECT_REMOVE), DB_ARGS(db_int(job_no), db_int(subject)), &removed,
                 err))
        return false;
    return removed == 0 || (db_exec(db, query(Q_FORMER_REMOVE),
                                    DB_ARGS(db_int(job_no), db_int(subject)), NULL, err) &&
                            subject_block_drop(db, job_no, subject, err));
}

static bool remove_oldest(struct db *db, int64_t job_no, const struct oldest *o, struct err *err)
{
    int64_t last_complete;

    if (!db_exec(db, query(Q_REMOVE), DB_ARGS(db_int(job_no), db_int(o->last)), NULL, err) ||
        !block_prune(db, job_no, o->last, err) ||
        !db_exec(db, query(Q_SEGMENTS_REMOVE), DB_ARGS(db_int(job_no), db_int(o->last + 1)), NULL,
                 err) ||
        !subject_last_complete(db, job_no, &last_complete, err))
        return false;
    for (size_t i = 0; i < o->count; i++) {
        /* The newest ones stay: the next number follows the last one. */
        if (o->subjects[i] > 0 && o->subjects[i] <= last_complete &&
            !remove_subject(db, job_no, o->subjects[i], err))
            return false;
    }
    return true;
}

bool journal_prune(struct db *db, int64_t job_no, int64_t before_us, size_t limit,
                   int64_t *out_removed, bool *out_done, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct oldest o = {0};
    int64_t below;
    bool made;

    if (!journal_first_not_before(db, job_no, before_us, &below, err) ||
        !find_oldest(db, a, job_no, below, limit, &o, err) || !db_begin(db, DB_WRITE, err))
        return false;
    if ((o.count && !remove_oldest(db, job_no, &o, err)) ||
        !subject_blocks_make(db, job_no, BLOCKS_AT_ONCE, &made, err) || !db_commit(db, err)) {
        db_rollback(db);
        return false;
    }
    *out_removed = (int64_t)o.count;
    *out_done = o.count < limit && made;
    return true;
}

bool journal_prunable(struct db *db, int64_t job_no, int64_t before_us, int64_t *out,
                      struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    int64_t below;

    if (!journal_first_not_before(db, job_no, before_us, &below, err) ||
        !db_select_one(db, query(Q_COUNT), DB_ARGS(db_int(job_no), db_int(below)), &st, err))
        return false;
    *out = db_col_int(st, 0);
    return true;
}
