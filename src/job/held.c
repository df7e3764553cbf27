#include "job/held.h"

#include "base/buf.h"
#include "job/queries.h"
#include "job/store.h"

enum query {
    Q_SAVE,
    Q_LOAD,
    Q_REMOVE,
    Q_CLEAR,
    Q_CLEAR_DECIDED,
    Q_CLEAR_SERIES,
    Q_SERIES_SAVE,
    Q_SERIES_LOAD,
    Q_SERIES_END,
    Q_PAGE,
    Q_ANY_ALLOWED,
    Q_COUNT,
    Q_COUNT_DECIDED,
    Q_FORGET_LEFT,
    Q_HOLD_RELEASED,
    Q_FORGET_UNSEEN,
    Q_MOVE,
    Q_TRIED,
    Q_SENT_ADD,
    Q_SENT_SINCE,
    Q_SENT_FORGET,
    Q_LOCK,
    Q_DECIDE,
    Q_DECIDE_ALL,
    Q_DECIDED_ADD
};

#define HELD_COLUMNS                                                                 \
    "source_id, class, state, action, kind, name, target_id, code, reason, version," \
    " cycle_id, tried_cycle, planned_us"

const struct db_query held_queries[] = {
    [Q_SAVE] = {"held_save",
                "INSERT INTO job_held (job_no, " HELD_COLUMNS ")"
                " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"
                " ON CONFLICT (job_no, source_id) DO UPDATE SET class = excluded.class,"
                " state = excluded.state, action = excluded.action, kind = excluded.kind,"
                " name = excluded.name, target_id = excluded.target_id, code = excluded.code,"
                " reason = excluded.reason, version = excluded.version,"
                " cycle_id = excluded.cycle_id, tried_cycle = excluded.tried_cycle,"
                " planned_us = excluded.planned_us"},
    [Q_LOAD] = {"held_load",
                "SELECT " HELD_COLUMNS " FROM job_held WHERE job_no = $1 AND source_id = $2"},
    [Q_REMOVE] = {"held_remove", "DELETE FROM job_held WHERE job_no = $1 AND source_id = $2"},
    [Q_CLEAR] = {"held_clear", "DELETE FROM job_held WHERE job_no = $1"},
    [Q_CLEAR_DECIDED] = {"held_clear_decided", "DELETE FROM job_held_decided WHERE job_no = $1"},
    [Q_CLEAR_SERIES] = {"held_clear_series", "DELETE FROM job_held_series WHERE job_no = $1"},
    [Q_SERIES_SAVE] = {"held_series_save",
                       "INSERT INTO job_held_series (job_no, class, sent, connected)"
                       " VALUES ($1, $2, $3, $4) ON CONFLICT (job_no, class) DO UPDATE SET"
                       " sent = CASE WHEN excluded.sent > job_held_series.sent"
                       " THEN excluded.sent ELSE job_held_series.sent END,"
                       " connected = CASE WHEN excluded.connected < job_held_series.connected"
                       " THEN excluded.connected ELSE job_held_series.connected END"},
    [Q_SERIES_LOAD] = {"held_series_load", "SELECT sent, connected FROM job_held_series"
                                           " WHERE job_no = $1 AND class = $2"},
    [Q_SERIES_END] = {"held_series_end",
                      "DELETE FROM job_held_series WHERE job_no = $1 AND NOT EXISTS"
                      " (SELECT 1 FROM job_held WHERE job_held.job_no = job_held_series.job_no"
                      " AND job_held.class = job_held_series.class AND job_held.state = 1)"},
    [Q_PAGE] = {"held_page", "SELECT " HELD_COLUMNS " FROM job_held WHERE job_no = $1"
                             " AND state = $2 AND class = $3 AND source_id > $4"
                             " ORDER BY source_id LIMIT $5"},
    [Q_ANY_ALLOWED] = {"held_any_allowed", "SELECT version FROM job_held WHERE job_no = $1"
                                           " AND state = 3 AND tried_cycle = '' LIMIT 1"},
    [Q_COUNT] = {"held_count", "SELECT class, state, count(*) FROM job_held WHERE job_no = $1"
                               " GROUP BY class, state"},
    [Q_COUNT_DECIDED] = {"held_count_decided",
                         "SELECT class, decided FROM job_held_decided WHERE job_no = $1"},
    [Q_FORGET_LEFT] = {"held_forget_left", "DELETE FROM job_held WHERE job_no = $1"
                                           " AND state IN (0, 5) AND cycle_id <> $2"},
    [Q_HOLD_RELEASED] = {"held_hold_released", "UPDATE job_held SET state = 1 WHERE job_no = $1"
                                               " AND state = 2 AND cycle_id <> $2"},
    [Q_FORGET_UNSEEN] = {"held_forget_unseen",
                         "DELETE FROM job_held WHERE job_no = $1 AND cycle_id <> $2"},
    [Q_MOVE] = {"held_move", "UPDATE job_held SET state = $4 WHERE job_no = $1 AND state = $3"
                             " AND class = $2"},
    [Q_TRIED] = {"held_tried", "UPDATE job_held SET tried_cycle = $3,"
                               " state = CASE WHEN $4 THEN 5 ELSE state END"
                               " WHERE job_no = $1 AND source_id = $2"},
    [Q_SENT_ADD] = {"held_sent_add",
                    "INSERT INTO job_held_sent (job_no, class, at_us, sent)"
                    " VALUES ($1, $2, $3, $4) ON CONFLICT (job_no, class, at_us) DO UPDATE"
                    " SET sent = job_held_sent.sent + excluded.sent"},
    [Q_SENT_SINCE] = {"held_sent_since", "SELECT CAST(coalesce(sum(sent), 0) AS BIGINT)"
                                         " FROM job_held_sent WHERE job_no = $1 AND class = $2"
                                         " AND at_us > $3"},
    [Q_SENT_FORGET] = {"held_sent_forget",
                       "DELETE FROM job_held_sent WHERE job_no = $1 AND at_us <= $2"},
    /* Every write of a run begins with the row of its lease (cycle_fence). */
    [Q_LOCK] = {"held_lock", "UPDATE job_lease SET job_no = job_no WHERE job_no = $1"},
    [Q_DECIDE] = {"held_decide", "UPDATE job_held SET state = $3, tried_cycle = ''"
                                 " WHERE job_no = $1 AND source_id = $2 AND state = 1"},
    [Q_DECIDE_ALL] = {"held_decide_all", "UPDATE job_held SET state = $2, tried_cycle = ''"
                                         " WHERE job_no = $1 AND state = 1"},
    [Q_DECIDED_ADD] = {"held_decided_add",
                       "INSERT INTO job_held_decided (job_no, class, decided) VALUES ($1, $2, 1)"
                       " ON CONFLICT (job_no, class) DO UPDATE"
                       " SET decided = job_held_decided.decided + 1"},
};
const size_t held_query_count = ARRAY_LEN(held_queries);
static_assert(HELD_PLANNED == 0 && HELD_WAITING == 1 && HELD_RELEASED == 2 && HELD_ALLOWED == 3 &&
                  HELD_SENT == 5,
              "as the texts of the statements say");

static const char *const action_names[] = {
    [HELD_DISABLE] = "disable",
    [HELD_DELETE] = "delete",
    [HELD_CHANGE] = "update",
};
static_assert(ARRAY_LEN(action_names) == HELD_ACTION_COUNT, "every held_action has a name");

static const struct db_query *query(enum query q)
{
    return &held_queries[q];
}

const char *held_action_name(enum held_action a)
{
    return action_names[a];
}

static struct held read_row(struct db_stmt *st, struct arena *a)
{
    return (struct held){
        .source_id = arena_str(a, db_col_text(st, 0)),
        .class_ = (enum held_class)db_col_int(st, 1),
        .state = (enum held_state)db_col_int(st, 2),
        .action = (enum held_action)db_col_int(st, 3),
        .kind = (enum source_kind)db_col_int(st, 4),
        .name = arena_str(a, db_col_text(st, 5)),
        .target_id = arena_str(a, db_col_text(st, 6)),
        .code = arena_str(a, db_col_text(st, 7)),
        .reason = arena_str(a, db_col_text(st, 8)),
        .version = db_col_int(st, 9),
        .cycle_id = arena_str(a, db_col_text(st, 10)),
        .tried_cycle = arena_str(a, db_col_text(st, 11)),
        .planned_us = db_col_int(st, 12),
    };
}

bool held_save(struct db *db, int64_t job_no, const struct held *h, struct err *err)
{
    return db_exec(db, query(Q_SAVE),
                   DB_ARGS(db_int(job_no), db_text(h->source_id), db_int(h->class_),
                           db_int(h->state), db_int(h->action), db_int(h->kind), db_text(h->name),
                           db_text(h->target_id), db_text(h->code), db_text(h->reason),
                           db_int(h->version), db_text(h->cycle_id), db_text(h->tried_cycle),
                           db_int(h->planned_us)),
                   NULL, err);
}

bool held_load(struct db *db, struct arena *a, int64_t job_no, struct str source_id,
               struct held *out, bool *out_found, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    if (!db_select_one(db, query(Q_LOAD), DB_ARGS(db_int(job_no), db_text(source_id)), &st, err))
        return false;
    *out_found = st != NULL;
    if (st)
        *out = read_row(st, a);
    return true;
}

bool held_remove(struct db *db, int64_t job_no, struct str source_id, struct err *err)
{
    return db_exec(db, query(Q_REMOVE), DB_ARGS(db_int(job_no), db_text(source_id)), NULL, err);
}

bool held_clear(struct db *db, int64_t job_no, struct err *err)
{
    return db_exec(db, query(Q_CLEAR), DB_ARGS(db_int(job_no)), NULL, err) &&
           db_exec(db, query(Q_CLEAR_SERIES), DB_ARGS(db_int(job_no)), NULL, err) &&
           held_end_decisions(db, job_no, err);
}

/* NOLINTNEXTLINE(readability-function-size): a page is named by all of these */
bool held_page(struct db *db, struct arena *a, int64_t job_no, enum held_state state,
               enum held_class class_, struct str after, size_t limit, struct held **out,
               size_t *out_count, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct held *list = ARENA_ARRAY(a, struct held, limit + 1);
    size_t count = 0;
    bool row;

    if (!db_select(db, query(Q_PAGE),
                   DB_ARGS(db_int(job_no), db_int(state), db_int(class_), db_text(after),
                           db_int((int64_t)limit)),
                   &st, err))
        return false;
    for (;;) {
        if (!db_step(st, &row, err))
            return false;
        if (!row)
            break;
        list[count++] = read_row(st, a);
    }
    *out = list;
    *out_count = count;
    return true;
}

bool held_any_allowed(struct db *db, int64_t job_no, bool *out, struct err *err)
{
    int64_t unused;

    return store_number(db, query(Q_ANY_ALLOWED), DB_ARGS(db_int(job_no)), &unused, out, err);
}

static bool count_decided(struct db *db, int64_t job_no, struct held_counts *out, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    bool row;

    if (!db_select(db, query(Q_COUNT_DECIDED), DB_ARGS(db_int(job_no)), &st, err))
        return false;
    for (;;) {
        if (!db_step(st, &row, err))
            return false;
        if (!row)
            return true;
        out->decided[db_col_int(st, 0) % HELD_CLASS_COUNT] = db_col_int(st, 1);
    }
}

bool held_count(struct db *db, int64_t job_no, struct held_counts *out, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct held_counts counts = {0};
    bool row;

    if (!db_select(db, query(Q_COUNT), DB_ARGS(db_int(job_no)), &st, err))
        return false;
    for (;;) {
        if (!db_step(st, &row, err))
            return false;
        if (!row)
            break;
        counts.n[db_col_int(st, 0) % HELD_CLASS_COUNT][db_col_int(st, 1) % HELD_STATE_COUNT] =
            db_col_int(st, 2);
    }
    if (!count_decided(db, job_no, &counts, err))
        return false;
    *out = counts;
    return true;
}

bool held_begin_cycle(struct db *db, int64_t job_no, struct str cycle_id, struct err *err)
{
    return db_exec(db, query(Q_FORGET_LEFT), DB_ARGS(db_int(job_no), db_text(cycle_id)), NULL,
                   err) &&
           db_exec(db, query(Q_HOLD_RELEASED), DB_ARGS(db_int(job_no), db_text(cycle_id)), NULL,
                   err);
}

bool held_forget_unseen(struct db *db, int64_t job_no, struct str cycle_id, struct err *err)
{
    return db_exec(db, query(Q_FORGET_UNSEEN), DB_ARGS(db_int(job_no), db_text(cycle_id)), NULL,
                   err);
}

bool held_move(struct db *db, int64_t job_no, enum held_class class_, enum held_state from,
               enum held_state to, struct err *err)
{
    return db_exec(db, query(Q_MOVE),
                   DB_ARGS(db_int(job_no), db_int(class_), db_int(from), db_int(to)), NULL, err);
}

bool held_tried(struct db *db, int64_t job_no, struct str source_id, struct str cycle_id,
                bool success, struct err *err)
{
    return db_exec(db, query(Q_TRIED),
                   DB_ARGS(db_int(job_no), db_text(source_id), db_text(cycle_id), db_bool(success)),
                   NULL, err);
}

bool held_sent_add(struct db *db, int64_t job_no, enum held_class class_, int64_t at_us, int64_t n,
                   struct err *err)
{
    return db_exec(db, query(Q_SENT_ADD),
                   DB_ARGS(db_int(job_no), db_int(class_), db_int(at_us), db_int(n)), NULL, err);
}

bool held_sent_since(struct db *db, int64_t job_no, enum held_class class_, int64_t since_us,
                     int64_t *out, struct err *err)
{
    bool row;

    return store_number(db, query(Q_SENT_SINCE),
                        DB_ARGS(db_int(job_no), db_int(class_), db_int(since_us)), out, &row, err);
}

bool held_sent_forget(struct db *db, int64_t job_no, int64_t before_us, struct err *err)
{
    return db_exec(db, query(Q_SENT_FORGET), DB_ARGS(db_int(job_no), db_int(before_us)), NULL, err);
}

/* --- decisions --- */

enum { DIGEST_PAGE = 500 };

static void digest_row(struct buf *out, const struct held *h)
{
    buf_addf(out, "%d %d ", (int)h->class_, (int)h->action);
    buf_add(out, h->source_id);
    buf_add_char(out, '\0');
    buf_add(out, h->target_id);
    buf_add_char(out, '\0');
}

/* Pages are hashed one after the other, each with the digest of those before. */
static bool digest_class(struct db *db, int64_t job_no, enum held_class class_, char *hex,
                         int64_t *count, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(buf_done) struct buf text;
    struct str after = {0};
    char last[1024 + 1];
    size_t n = DIGEST_PAGE;

    buf_init(&text, 16 << 20);
    while (n == DIGEST_PAGE) {
        struct held *rows;

        arena_reset(a);
        if (!held_page(db, a, job_no, HELD_WAITING, class_, after, DIGEST_PAGE, &rows, &n, err))
            return false;
        if (n == 0)
            break;
        buf_reset(&text);
        buf_add(&text, str_from_z(hex));
        for (size_t i = 0; i < n; i++)
            digest_row(&text, &rows[i]);
        sha256_hex(buf_str(&text), hex);
        *count += (int64_t)n;
        snprintf(last, sizeof(last), "%.*s", STR_ARG(rows[n - 1].source_id));
        after = str_from_z(last);
    }
    return true;
}

bool held_digest(struct db *db, int64_t job_no, char out[HELD_DIGEST_MAX], int64_t *out_count,
                 struct err *err)
{
    char hex[SHA256_HEX_MAX] = "";
    int64_t count = 0;

    for (int c = 0; c < HELD_CLASS_COUNT; c++) {
        if (!digest_class(db, job_no, (enum held_class)c, hex, &count, err))
            return false;
    }
    snprintf(out, HELD_DIGEST_MAX, "%.16s", hex);
    *out_count = count;
    return true;
}

bool held_lock(struct db *db, int64_t job_no, struct err *err)
{
    return db_exec(db, query(Q_LOCK), DB_ARGS(db_int(job_no)), NULL, err);
}

bool held_decide(struct db *db, int64_t job_no, struct str source_id, enum held_state decision,
                 bool *out_held, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct held h;
    int64_t changed;
    bool found;

    *out_held = false;
    if (!held_load(db, a, job_no, source_id, &h, &found, err) ||
        !db_exec(db, query(Q_DECIDE), DB_ARGS(db_int(job_no), db_text(source_id), db_int(decision)),
                 &changed, err))
        return false;
    *out_held = found && changed > 0;
    return !*out_held ||
           db_exec(db, query(Q_DECIDED_ADD), DB_ARGS(db_int(job_no), db_int(h.class_)), NULL, err);
}

bool held_decide_all(struct db *db, int64_t job_no, enum held_state decision, int64_t *out_count,
                     struct err *err)
{
    return db_exec(db, query(Q_DECIDE_ALL), DB_ARGS(db_int(job_no), db_int(decision)), out_count,
                   err);
}

bool held_series_save(struct db *db, int64_t job_no, enum held_class class_,
                      const struct held_series *s, struct err *err)
{
    return db_exec(db, query(Q_SERIES_SAVE),
                   DB_ARGS(db_int(job_no), db_int(class_), db_int(s->sent), db_int(s->connected)),
                   NULL, err);
}

bool held_series_load(struct db *db, int64_t job_no, enum held_class class_,
                      struct held_series *out, bool *out_found, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    if (!db_select_one(db, query(Q_SERIES_LOAD), DB_ARGS(db_int(job_no), db_int(class_)), &st, err))
        return false;
    *out_found = st != NULL;
    if (st)
        *out = (struct held_series){.sent = db_col_int(st, 0), .connected = db_col_int(st, 1)};
    return true;
}

bool held_series_end(struct db *db, int64_t job_no, struct err *err)
{
    return db_exec(db, query(Q_SERIES_END), DB_ARGS(db_int(job_no)), NULL, err);
}

bool held_end_decisions(struct db *db, int64_t job_no, struct err *err)
{
    return db_exec(db, query(Q_CLEAR_DECIDED), DB_ARGS(db_int(job_no)), NULL, err);
}
