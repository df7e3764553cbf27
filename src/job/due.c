#include "job/due.h"

#include "job/queries.h"
#include "job/store.h"

enum query { Q_SAVE, Q_REMOVE, Q_OF, Q_ANY, Q_PAGE, Q_NEXT, Q_REMOVALS, Q_GRACE, Q_CANCEL };

#define DUE_COLUMNS \
    "source_id, reason, kind, display_name, action, state, since_us, due_us, version"

const struct db_query due_queries[] = {
    [Q_SAVE] = {"due_save",
                "INSERT INTO job_due (job_no, " DUE_COLUMNS ")"
                " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
                " ON CONFLICT (job_no, source_id, reason) DO UPDATE"
                " SET display_name = excluded.display_name, action = excluded.action,"
                " state = excluded.state, since_us = excluded.since_us, due_us = excluded.due_us,"
                " version = excluded.version"
                " WHERE job_due.state <> 1 OR job_due.version <> excluded.version"},
    [Q_REMOVE] = {"due_remove", "DELETE FROM job_due"
                                " WHERE job_no = $1 AND source_id = $2 AND reason = $3"},
    [Q_OF] = {"due_of", "SELECT " DUE_COLUMNS " FROM job_due"
                        " WHERE job_no = $1 AND source_id = $2 ORDER BY reason"},
    [Q_ANY] = {"due_any", "SELECT reason FROM job_due WHERE job_no = $1 LIMIT 1"},
    [Q_PAGE] = {"due_page", "SELECT " DUE_COLUMNS " FROM job_due WHERE job_no = $1 AND due_us <= $2"
                            " AND (due_us, source_id, reason) > ($3, $4, $5)"
                            " ORDER BY due_us, source_id, reason LIMIT $6"},
    [Q_NEXT] = {"due_next", "SELECT due_us FROM job_due WHERE job_no = $1 AND due_us > $2"
                            " ORDER BY due_us LIMIT 1"},
    [Q_REMOVALS] = {"due_removals",
                    "SELECT " DUE_COLUMNS " FROM job_due"
                    " WHERE job_no = $1 AND (due_us, source_id, reason) > ($2, $3, $4)"
                    " AND reason < 5 AND state < 2"
                    " ORDER BY due_us, source_id, reason LIMIT $5"},
    [Q_GRACE] = {"due_grace", "SELECT count(*), coalesce(min(due_us), 0) FROM job_due"
                              " WHERE job_no = $1 AND due_us < $2 AND reason < 5"},
    [Q_CANCEL] = {"due_cancel", "UPDATE job_due SET state = 1, due_us = $3"
                                " WHERE job_no = $1 AND source_id = $2 AND reason < 5"
                                " AND state = 0"},
};
const size_t due_query_count = ARRAY_LEN(due_queries);
static_assert(DUE_TURN == 5 && DUE_WAITING == 0 && DUE_CANCELLED == 1 && DUE_NOTED == 2,
              "as the texts of the statements say");

static const struct db_query *query(enum query q)
{
    return &due_queries[q];
}

static void read_due(struct db_stmt *st, struct arena *a, void *out)
{
    *(struct due *)out = (struct due){
        .source_id = arena_str(a, db_col_text(st, 0)),
        .reason = (unsigned)db_col_int(st, 1),
        .kind = (enum source_kind)db_col_int(st, 2),
        .display_name = arena_str(a, db_col_text(st, 3)),
        .action = arena_str(a, db_col_text(st, 4)),
        .state = (enum due_state)db_col_int(st, 5),
        .since_us = db_col_int(st, 6),
        .due_us = db_col_int(st, 7),
        .version = db_col_int(st, 8),
    };
}

static bool load_many(struct db *db, enum query q, struct db_args args, size_t limit,
                      struct arena *a, struct due **out, size_t *out_count, struct err *err)
{
    return store_rows(db, query(q), args, STORE_LIST(a, limit, struct due, read_due), out,
                      out_count, err);
}

bool due_save(struct db *db, int64_t job_no, const struct due *d, struct err *err)
{
    return db_exec(db, query(Q_SAVE),
                   DB_ARGS(db_int(job_no), db_text(d->source_id), db_int(d->reason),
                           db_int(d->kind), db_text(d->display_name), db_text(d->action),
                           db_int(d->state), db_int(d->since_us), db_int(d->due_us),
                           db_int(d->version)),
                   NULL, err);
}

bool due_remove(struct db *db, int64_t job_no, struct str source_id, unsigned reason,
                struct err *err)
{
    return db_exec(db, query(Q_REMOVE), DB_ARGS(db_int(job_no), db_text(source_id), db_int(reason)),
                   NULL, err);
}

bool due_of(struct db *db, struct arena *a, int64_t job_no, struct str source_id,
            struct due out[DUE_REASON_COUNT], bool found[DUE_REASON_COUNT], struct err *err)
{
    struct due *rows;
    size_t count;

    if (!load_many(db, Q_OF, DB_ARGS(db_int(job_no), db_text(source_id)), DUE_REASON_COUNT, a,
                   &rows, &count, err))
        return false;
    for (size_t i = 0; i < DUE_REASON_COUNT; i++)
        found[i] = false;
    for (size_t i = 0; i < count; i++) {
        if (rows[i].reason >= DUE_REASON_COUNT)
            continue; /* of a newer usher */
        out[rows[i].reason] = rows[i];
        found[rows[i].reason] = true;
    }
    return true;
}

bool due_any(struct db *db, int64_t job_no, bool *out, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    if (!db_select_one(db, query(Q_ANY), DB_ARGS(db_int(job_no)), &st, err))
        return false;
    *out = st != NULL;
    return true;
}

bool due_page(struct db *db, struct arena *a, int64_t job_no, int64_t now_us,
              const struct due *after, size_t limit, struct due **out, size_t *out_count,
              struct err *err)
{
    return load_many(db, Q_PAGE,
                     DB_ARGS(db_int(job_no), db_int(now_us), db_int(after->due_us),
                             db_text(after->source_id), db_int(after->reason),
                             db_int((int64_t)limit)),
                     limit, a, out, out_count, err);
}

bool due_next(struct db *db, int64_t job_no, int64_t after_us, int64_t *out_us, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    if (!db_select_one(db, query(Q_NEXT), DB_ARGS(db_int(job_no), db_int(after_us)), &st, err))
        return false;
    *out_us = st ? db_col_int(st, 0) : DUE_NEVER;
    return true;
}

bool due_removals(struct db *db, struct arena *a, int64_t job_no, const struct due *after,
                  size_t limit, struct due **out, size_t *out_count, struct err *err)
{
    static const struct due from_the_start = {.due_us = INT64_MIN};

    if (!after)
        after = &from_the_start;
    return load_many(db, Q_REMOVALS,
                     DB_ARGS(db_int(job_no), db_int(after->due_us), db_text(after->source_id),
                             db_int(after->reason), db_int((int64_t)limit)),
                     limit, a, out, out_count, err);
}

bool due_cancel(struct db *db, int64_t job_no, struct str source_id, int64_t *out_count,
                struct err *err)
{
    return db_exec(db, query(Q_CANCEL),
                   DB_ARGS(db_int(job_no), db_text(source_id), db_int(DUE_NEVER)), out_count, err);
}

bool due_grace(struct db *db, int64_t job_no, int64_t *out_count, int64_t *out_first_us,
               struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    if (!db_select_one(db, query(Q_GRACE), DB_ARGS(db_int(job_no), db_int(DUE_NEVER)), &st, err))
        return false;
    *out_count = st ? db_col_int(st, 0) : 0;
    *out_first_us = st ? db_col_int(st, 1) : 0;
    return true;
}
