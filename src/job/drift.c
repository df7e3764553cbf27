#include "job/drift.h"

#include "job/queries.h"
#include "job/store.h"

enum query {
    Q_CLEAR,
    Q_CLEAR_ROWS,
    Q_ROW_ADD,
    Q_FORGET_UNSAID,
    Q_ANSWER,
    Q_END,
    Q_LOAD,
    Q_COUNT,
    Q_ROWS,
    Q_REPAIRS,
};

#define ROW_COLUMNS \
    "no, finding, kind, source_id, target_id, name, attribute, exported, found, answer"

const struct db_query drift_queries[] = {
    [Q_CLEAR] = {"drift_clear", "DELETE FROM job_drift WHERE job_no = $1"},
    [Q_CLEAR_ROWS] = {"drift_clear_rows", "DELETE FROM job_drift_row WHERE job_no = $1"},
    [Q_ROW_ADD] = {"drift_row_add", "INSERT INTO job_drift_row (job_no, " ROW_COLUMNS ")"
                                    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"},
    [Q_FORGET_UNSAID] = {"drift_forget_unsaid",
                         "DELETE FROM job_drift_row WHERE job_no = $1 AND finding = 0 AND kind = $2"
                         " AND attribute = $3 AND found = ''"},
    [Q_ANSWER] = {"drift_answer",
                  "UPDATE job_drift_row SET answer = $3 WHERE job_no = $1 AND no = $2"},
    [Q_END] = {"drift_end", "INSERT INTO job_drift (job_no, began_us, ended_us, complete, why,"
                            " accounts) VALUES ($1, $2, $3, $4, $5, $6)"},
    [Q_LOAD] = {"drift_load", "SELECT began_us, ended_us, complete, why, accounts FROM job_drift"
                              " WHERE job_no = $1"},
    [Q_COUNT] = {"drift_count", "SELECT finding, answer, count(*) FROM job_drift_row"
                                " WHERE job_no = $1 GROUP BY finding, answer"},
    [Q_ROWS] = {"drift_rows", "SELECT " ROW_COLUMNS " FROM job_drift_row"
                              " WHERE job_no = $1 AND no > $2 ORDER BY no LIMIT $3"},
    [Q_REPAIRS] = {"drift_repairs",
                   "SELECT DISTINCT source_id FROM job_drift_row WHERE job_no = $1 AND answer = 1"
                   " AND finding <> 3 AND source_id > $2 ORDER BY source_id LIMIT $3"},
};
const size_t drift_query_count = ARRAY_LEN(drift_queries);
static_assert(DRIFT_CHANGED == 0 && DRIFT_MEMBER == 3 && DRIFT_REPAIR == 1,
              "as the texts of the statements say");

static const char *const finding_names[] = {
    [DRIFT_CHANGED] = "changed",
    [DRIFT_MISSING] = "missing",
    [DRIFT_NOBODYS] = "nobodys",
    [DRIFT_MEMBER] = "member",
};
static_assert(ARRAY_LEN(finding_names) == DRIFT_FINDING_COUNT, "every finding has a name");

static const char *const answer_names[] = {
    [DRIFT_REPORT] = "report",
    [DRIFT_REPAIR] = "repair",
    [DRIFT_ACCEPT] = "accept",
};

const char *drift_finding_name(enum drift_finding f)
{
    return finding_names[f];
}

const char *drift_answer_name(enum drift_answer a)
{
    return answer_names[a];
}

static const struct db_query *query(enum query q)
{
    return &drift_queries[q];
}

bool drift_begin(struct db *db, int64_t job_no, struct err *err)
{
    return db_exec(db, query(Q_CLEAR), DB_ARGS(db_int(job_no)), NULL, err) &&
           db_exec(db, query(Q_CLEAR_ROWS), DB_ARGS(db_int(job_no)), NULL, err);
}

bool drift_row_add(struct db *db, int64_t job_no, const struct drift_row *row, struct err *err)
{
    return db_exec(db, query(Q_ROW_ADD),
                   DB_ARGS(db_int(job_no), db_int(row->no), db_int(row->finding), db_int(row->kind),
                           db_text(row->source_id), db_text(row->target_id), db_text(row->name),
                           db_text(row->attribute), db_text(row->exported), db_text(row->found),
                           db_int(row->answer)),
                   NULL, err);
}

bool drift_forget_unsaid(struct db *db, int64_t job_no, enum source_kind kind, struct str attribute,
                         struct err *err)
{
    return db_exec(db, query(Q_FORGET_UNSAID),
                   DB_ARGS(db_int(job_no), db_int(kind), db_text(attribute)), NULL, err);
}

bool drift_answer_set(struct db *db, int64_t job_no, int64_t no, enum drift_answer answer,
                      struct err *err)
{
    return db_exec(db, query(Q_ANSWER),
                   DB_ARGS(db_int(job_no), db_int(no), db_int((int64_t)answer)), NULL, err);
}

bool drift_end(struct db *db, int64_t job_no, const struct drift *d, struct err *err)
{
    return db_exec(db, query(Q_CLEAR), DB_ARGS(db_int(job_no)), NULL, err) &&
           db_exec(db, query(Q_END),
                   DB_ARGS(db_int(job_no), db_int(d->began_us), db_int(d->ended_us),
                           db_bool(d->complete), db_text(d->why), db_int(d->accounts)),
                   NULL, err);
}

static bool count_rows(struct db *db, int64_t job_no, struct drift *out, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    bool row;

    if (!db_select(db, query(Q_COUNT), DB_ARGS(db_int(job_no)), &st, err))
        return false;
    for (;;) {
        int64_t finding, answer, n;

        if (!db_step(st, &row, err))
            return false;
        if (!row)
            return true;
        finding = db_col_int(st, 0);
        answer = db_col_int(st, 1);
        n = db_col_int(st, 2);
        if (finding >= 0 && finding < DRIFT_FINDING_COUNT)
            out->by_finding[finding] += n;
        out->repaired += answer == DRIFT_REPAIR ? n : 0;
        out->accepted += answer == DRIFT_ACCEPT ? n : 0;
    }
}

bool drift_load(struct db *db, struct arena *a, int64_t job_no, struct drift *out, bool *out_found,
                struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    *out = (struct drift){0};
    if (!db_select_one(db, query(Q_LOAD), DB_ARGS(db_int(job_no)), &st, err))
        return false;
    *out_found = st != NULL;
    if (!st)
        return true;
    out->began_us = db_col_int(st, 0);
    out->ended_us = db_col_int(st, 1);
    out->complete = db_col_bool(st, 2);
    out->why = arena_str(a, db_col_text(st, 3));
    out->accounts = db_col_int(st, 4);
    return count_rows(db, job_no, out, err);
}

static void read_row(struct db_stmt *st, struct arena *a, void *out)
{
    *(struct drift_row *)out = (struct drift_row){
        .no = db_col_int(st, 0),
        .finding = (enum drift_finding)db_col_int(st, 1),
        .kind = (enum source_kind)db_col_int(st, 2),
        .source_id = arena_str(a, db_col_text(st, 3)),
        .target_id = arena_str(a, db_col_text(st, 4)),
        .name = arena_str(a, db_col_text(st, 5)),
        .attribute = arena_str(a, db_col_text(st, 6)),
        .exported = arena_str(a, db_col_text(st, 7)),
        .found = arena_str(a, db_col_text(st, 8)),
        .answer = (enum drift_answer)db_col_int(st, 9),
    };
}

bool drift_rows(struct db *db, struct arena *a, int64_t job_no, int64_t after, size_t limit,
                struct drift_row **out, size_t *out_count, struct err *err)
{
    return store_rows(db, query(Q_ROWS),
                      DB_ARGS(db_int(job_no), db_int(after), db_int((int64_t)limit)),
                      STORE_LIST(a, limit, struct drift_row, read_row), out, out_count, err);
}

static void read_id(struct db_stmt *st, struct arena *a, void *out)
{
    *(struct str *)out = arena_str(a, db_col_text(st, 0));
}

bool drift_repairs(struct db *db, struct arena *a, int64_t job_no, struct str after, size_t limit,
                   struct str **out, size_t *out_count, struct err *err)
{
    return store_rows(db, query(Q_REPAIRS),
                      DB_ARGS(db_int(job_no), db_text(after), db_int((int64_t)limit)),
                      STORE_LIST(a, limit, struct str, read_id), out, out_count, err);
}
