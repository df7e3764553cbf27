#include "job/retry.h"

#include "job/queries.h"
#include "job/store.h"

enum query {
    Q_PARK,
    Q_REMOVE,
    Q_LOAD,
    Q_RELEASE,
    Q_NUMBERS,
    Q_CONNECTED,
    Q_NOW,
    Q_CODES,
    Q_ANY_DUE,
    Q_DUE,
    Q_LIST,
    Q_ANY_MADE,
    Q_COUNT,
    Q_CLEAR,
    Q_ALL_NOW
};

#define RETRY_COLUMNS \
    "source_id, reference, kind, first_us, attempts, next_us, code, message, class, blocked_by, made"

const struct db_query retry_queries[] = {
    [Q_PARK] = {"retry_park",
                "INSERT INTO job_retry (job_no, source_id, reference, kind, first_us, attempts,"
                " next_us, code, message, class, blocked_by, made)"
                " VALUES ($1, $2, $3, $4, $5, 1, $6, $7, $8, $9, $10, $11)"
                " ON CONFLICT (job_no, source_id, reference) DO UPDATE"
                " SET attempts = job_retry.attempts + 1, kind = excluded.kind,"
                " next_us = excluded.next_us, code = excluded.code, message = excluded.message,"
                " class = excluded.class, blocked_by = excluded.blocked_by,"
                " made = excluded.made"},
    [Q_REMOVE] = {"retry_remove",
                  "DELETE FROM job_retry WHERE job_no = $1 AND source_id = $2 AND reference = $3"},
    [Q_LOAD] = {"retry_load", "SELECT " RETRY_COLUMNS " FROM job_retry"
                              " WHERE job_no = $1 AND source_id = $2 AND reference = $3"},
    [Q_RELEASE] = {"retry_release", "UPDATE job_retry SET next_us = $3"
                                    " WHERE job_no = $1 AND blocked_by = $2 AND blocked_by <> ''"
                                    " AND next_us > $3"},
    [Q_NUMBERS] = {"retry_numbers",
                   "SELECT count(*) FILTER (WHERE NOT reference), count(*) FILTER (WHERE reference)"
                   " FROM job_retry WHERE job_no = $1 AND code <> '' AND next_us < $2"},
    [Q_CONNECTED] = {"retry_connected", "SELECT count(*) FROM job_retry r JOIN job_connection c"
                                        " ON c.job_no = r.job_no AND c.source_id = r.source_id"
                                        " WHERE r.job_no = $1 AND NOT r.reference AND r.code <> ''"
                                        " AND r.next_us < $2"},
    [Q_NOW] = {"retry_now", "UPDATE job_retry SET next_us = $3"
                            " WHERE job_no = $1 AND source_id = $2"},
    [Q_CODES] = {"retry_codes",
                 "SELECT code, count(*), count(*) FILTER (WHERE next_us = $2), min(next_us)"
                 " FROM job_retry WHERE job_no = $1 AND code <> ''"
                 " GROUP BY code ORDER BY 2 DESC, code LIMIT $3"},
    [Q_ANY_DUE] = {"retry_any_due",
                   "SELECT next_us FROM job_retry WHERE job_no = $1 AND next_us <= $2"
                   " ORDER BY next_us LIMIT 1"},
    [Q_DUE] = {"retry_due", "SELECT " RETRY_COLUMNS " FROM job_retry"
                            " WHERE job_no = $1 AND source_id > $2 AND next_us <= $3"
                            " ORDER BY source_id, reference LIMIT $4"},
    [Q_LIST] = {"retry_list", "SELECT " RETRY_COLUMNS " FROM job_retry WHERE job_no = $1"
                              " ORDER BY next_us, source_id, reference LIMIT $2"},
    [Q_ANY_MADE] = {"retry_any_made",
                    "SELECT 1 FROM job_retry WHERE job_no = $1 AND made <> '' LIMIT 1"},
    [Q_COUNT] = {"retry_count", "SELECT count(*) FROM job_retry WHERE job_no = $1"},
    [Q_CLEAR] = {"retry_clear", "DELETE FROM job_retry WHERE job_no = $1"},
    [Q_ALL_NOW] = {"retry_all_now",
                   "UPDATE job_retry SET next_us = $2 WHERE job_no = $1 AND next_us > $2"},
};
const size_t retry_query_count = ARRAY_LEN(retry_queries);

static const struct db_query *query(enum query q)
{
    return &retry_queries[q];
}

static void read_retry(struct db_stmt *st, struct arena *a, void *out)
{
    *(struct retry *)out = (struct retry){
        .source_id = arena_str(a, db_col_text(st, 0)),
        .reference = db_col_bool(st, 1),
        .kind = (enum source_kind)db_col_int(st, 2),
        .first_us = db_col_int(st, 3),
        .attempts = db_col_int(st, 4),
        .next_us = db_col_int(st, 5),
        .code = arena_str(a, db_col_text(st, 6)),
        .message = arena_str(a, db_col_text(st, 7)),
        .class_ = (int)db_col_int(st, 8),
        .blocked_by = arena_str(a, db_col_text(st, 9)),
        .made = arena_str(a, db_col_text(st, 10)),
    };
}

static bool load_many(struct db *db, enum query q, struct db_args args, size_t limit,
                      struct arena *a, struct retry **out, size_t *out_count, struct err *err)
{
    return store_rows(db, query(q), args, STORE_LIST(a, limit, struct retry, read_retry), out,
                      out_count, err);
}

bool retry_load(struct db *db, struct arena *a, int64_t job_no, struct str source_id,
                bool reference, struct retry *out, bool *out_found, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    if (!db_select_one(db, query(Q_LOAD),
                       DB_ARGS(db_int(job_no), db_text(source_id), db_bool(reference)), &st, err))
        return false;
    *out_found = st != NULL;
    if (st)
        read_retry(st, a, out);
    return true;
}

bool retry_release(struct db *db, int64_t job_no, struct str blocked_by, int64_t at_us,
                   struct err *err)
{
    return db_exec(db, query(Q_RELEASE),
                   DB_ARGS(db_int(job_no), db_text(blocked_by), db_int(at_us)), NULL, err);
}

bool retry_numbers(struct db *db, int64_t job_no, struct retry_numbers *out, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    bool row;

    *out = (struct retry_numbers){0};
    if (!db_select_one(db, query(Q_NUMBERS), DB_ARGS(db_int(job_no), db_int(RETRY_NEVER)), &st,
                       err))
        return false;
    out->objects = db_col_int(st, 0);
    out->references = db_col_int(st, 1);
    return out->objects == 0 ||
           store_number(db, query(Q_CONNECTED), DB_ARGS(db_int(job_no), db_int(RETRY_NEVER)),
                        &out->connected, &row, err);
}

bool retry_any_made(struct db *db, int64_t job_no, bool *out, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    if (!db_select_one(db, query(Q_ANY_MADE), DB_ARGS(db_int(job_no)), &st, err))
        return false;
    *out = st != NULL;
    return true;
}

bool retry_now(struct db *db, int64_t job_no, struct str source_id, int64_t now_us, bool *out_found,
               struct err *err)
{
    int64_t changed;

    if (!db_exec(db, query(Q_NOW), DB_ARGS(db_int(job_no), db_text(source_id), db_int(now_us)),
                 &changed, err))
        return false;
    *out_found = changed > 0;
    return true;
}

static void read_code(struct db_stmt *st, struct arena *a, void *out)
{
    *(struct retry_code *)out = (struct retry_code){
        .code = arena_str(a, db_col_text(st, 0)),
        .count = db_col_int(st, 1),
        .given_up = db_col_int(st, 2),
        .next_us = db_col_int(st, 3),
    };
}

bool retry_codes(struct db *db, struct arena *a, int64_t job_no, size_t limit,
                 struct retry_code **out, size_t *out_count, struct err *err)
{
    return store_rows(db, query(Q_CODES),
                      DB_ARGS(db_int(job_no), db_int(RETRY_NEVER), db_int((int64_t)limit)),
                      STORE_LIST(a, limit, struct retry_code, read_code), out, out_count, err);
}

bool retry_park(struct db *db, int64_t job_no, const struct retry *r, struct err *err)
{
    return db_exec(db, query(Q_PARK),
                   DB_ARGS(db_int(job_no), db_text(r->source_id), db_bool(r->reference),
                           db_int(r->kind), db_int(r->first_us), db_int(r->next_us),
                           db_text(r->code), db_text(r->message), db_int(r->class_),
                           db_text(r->blocked_by), db_text(r->made)),
                   NULL, err);
}

bool retry_remove(struct db *db, int64_t job_no, struct str source_id, bool reference,
                  struct err *err)
{
    return db_exec(db, query(Q_REMOVE),
                   DB_ARGS(db_int(job_no), db_text(source_id), db_bool(reference)), NULL, err);
}

bool retry_due(struct db *db, struct arena *a, int64_t job_no, int64_t now_us, struct str after,
               size_t limit, struct retry **out, size_t *out_count, struct err *err)
{
    int64_t first_due;
    bool any;

    /* Usually nothing is due: one look into the index by time, not a walk over what is parked. */
    if (!store_number(db, query(Q_ANY_DUE), DB_ARGS(db_int(job_no), db_int(now_us)), &first_due,
                      &any, err))
        return false;
    if (!any) {
        *out = NULL;
        *out_count = 0;
        return true;
    }
    if (!load_many(
            db, Q_DUE,
            DB_ARGS(db_int(job_no), db_text(after), db_int(now_us), db_int((int64_t)limit + 1)),
            limit + 1, a, out, out_count, err))
        return false;
    /* The two entries of one object stay on one page: the next page begins after its id. */
    if (*out_count > limit && limit > 0 &&
        !str_eq((*out)[limit - 1].source_id, (*out)[limit].source_id))
        *out_count = limit;
    return true;
}

bool retry_list(struct db *db, struct arena *a, int64_t job_no, size_t limit, struct retry **out,
                size_t *out_count, struct err *err)
{
    return load_many(db, Q_LIST, DB_ARGS(db_int(job_no), db_int((int64_t)limit)), limit, a, out,
                     out_count, err);
}

bool retry_count(struct db *db, int64_t job_no, int64_t *out, struct err *err)
{
    bool row;

    return store_number(db, query(Q_COUNT), DB_ARGS(db_int(job_no)), out, &row, err);
}

bool retry_clear(struct db *db, int64_t job_no, struct err *err)
{
    return db_exec(db, query(Q_CLEAR), DB_ARGS(db_int(job_no)), NULL, err);
}

bool retry_all_now(struct db *db, int64_t job_no, int64_t now_us, int64_t *out_count,
                   struct err *err)
{
    return db_exec(db, query(Q_ALL_NOW), DB_ARGS(db_int(job_no), db_int(now_us)), out_count, err);
}
