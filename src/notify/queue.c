#include "notify/queue.h"

#include "base/clock.h"
#include "notify/statements.h"

static bool load_parts(struct db *db, struct arena *a, struct notify_message *m, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct notify_part *parts = ARENA_ARRAY(a, struct notify_part, NOTIFY_BATCH_MAX);
    bool row;

    m->parts = parts;
    m->part_count = 0;
    if (!db_select(db, notify_query(Q_PARTS), DB_ARGS(db_text(m->id), db_int(NOTIFY_BATCH_MAX)),
                   &st, err))
        return false;
    while (m->part_count < NOTIFY_BATCH_MAX) {
        struct notify_part *p = &parts[m->part_count];

        if (!db_step(st, &row, err))
            return false;
        if (!row)
            break;
        /* A kind that a newer usher knows, and content that it alone can read, is left out. */
        if (!notify_kind_from_name(db_col_text(st, 1), &p->kind) ||
            !json_parse(a, db_col_text(st, 3), NULL, &p->content, NULL, err))
            continue;
        p->id = arena_str(a, db_col_text(st, 0));
        p->at_us = db_col_int(st, 2);
        m->part_count++;
    }
    return true;
}

static bool claim_row(struct db *db, struct arena *a, enum notify_channel channel, int64_t job_no,
                      struct str claim, int64_t now_us, struct notify_message *out, bool *out_found,
                      struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    bool more = false;

    if (!db_select(db, notify_query(Q_CLAIM),
                   DB_ARGS(db_text(claim), db_int(now_us + NOTIFY_CLAIM_US), db_int(channel),
                           db_int(now_us), db_int(job_no)),
                   &st, err) ||
        !db_step(st, out_found, err))
        return false;
    if (!*out_found)
        return true;
    *out = (struct notify_message){
        .id = arena_str(a, db_col_text(st, 0)),
        .job_no = db_col_int(st, 1),
        .channel = channel,
        .recipient = arena_str(a, db_col_text(st, 2)),
        .created_us = db_col_int(st, 3),
        .attempts = db_col_int(st, 4),
        .claim = arena_str(a, claim),
    };
    /* A writing statement is committed when it has come to its end. */
    return db_step(st, &more, err);
}

static bool is_due(struct db *db, enum notify_channel channel, int64_t job_no, int64_t now_us,
                   bool *out, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    if (!db_select_one(db, notify_query(Q_DUE),
                       DB_ARGS(db_int(channel), db_int(now_us), db_int(job_no)), &st, err))
        return false;
    *out = st != NULL;
    return true;
}

bool notify_claim(struct db *db, struct arena *a, enum notify_channel channel, int64_t job_no,
                  struct str claim, int64_t now_us, struct notify_message *out, bool *out_found,
                  struct err *err)
{
    if (!is_due(db, channel, job_no, now_us, out_found, err))
        return false;
    return !*out_found || (claim_row(db, a, channel, job_no, claim, now_us, out, out_found, err) &&
                           (!*out_found || load_parts(db, a, out, err)));
}

int64_t notify_pause_us(enum notify_outcome outcome, int64_t attempts)
{
    if (outcome == NOTIFY_OUTCOME_REFUSED || attempts > 6)
        return US_PER_HOUR;
    return US_PER_MINUTE << (attempts > 1 ? attempts - 1 : 0);
}

bool notify_finish(struct db *db, const struct notify_message *m, enum notify_outcome outcome,
                   struct str error, int64_t now_us, struct err *err)
{
    int64_t tries_us = outcome == NOTIFY_OUTCOME_REFUSED ? NOTIFY_REFUSED_US : NOTIFY_TRY_US;
    enum notify_state state = NOTIFY_WAITS;

    if (outcome == NOTIFY_OUTCOME_SENT) {
        state = NOTIFY_SENT;
    } else if (now_us - m->created_us > tries_us) {
        state = NOTIFY_GIVEN_UP;
    }
    return db_exec(db, notify_query(Q_FINISH),
                   DB_ARGS(db_text(m->id), db_text(m->claim), db_int(state),
                           db_int(now_us + notify_pause_us(outcome, m->attempts)),
                           db_int(state == NOTIFY_WAITS ? 0 : now_us), db_text(error)),
                   NULL, err);
}

bool notify_retry_all(struct db *db, int64_t job_no, int64_t now_us, int64_t *out_count,
                      struct err *err)
{
    return db_exec(db, notify_query(Q_RETRY_ALL), DB_ARGS(db_int(job_no), db_int(now_us)),
                   out_count, err);
}

bool notify_tidy(struct db *db, int64_t now_us, struct err *err)
{
    struct db_value old = db_int(now_us - NOTIFY_RETENTION_US);
    bool ok = db_begin(db, DB_WRITE, err) &&
              db_exec(db, notify_query(Q_TIDY_UNSENT),
                      DB_ARGS(db_int(now_us - NOTIFY_TRY_US), db_int(now_us),
                              db_text(STR("nobody could send it: is a mail server configured?"))),
                      NULL, err) &&
              db_exec(db, notify_query(Q_TIDY_LINKS), DB_ARGS(old), NULL, err) &&
              db_exec(db, notify_query(Q_TIDY_MESSAGES), DB_ARGS(old), NULL, err) &&
              db_exec(db, notify_query(Q_TIDY_EVENTS), DB_ARGS(old), NULL, err) &&
              db_commit(db, err);

    if (!ok)
        db_rollback(db);
    return ok;
}

/* --- Looking --- */

bool notify_list(struct db *db, struct arena *a, int64_t job_no, size_t limit,
                 struct notify_delivery **out, size_t *out_count, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct notify_delivery *list = ARENA_ARRAY(a, struct notify_delivery, limit);
    size_t count = 0;
    bool row;

    if (!db_select(db, notify_query(Q_LIST), DB_ARGS(db_int(job_no), db_int((int64_t)limit)), &st,
                   err))
        return false;
    while (count < limit) {
        struct notify_delivery d;

        if (!db_step(st, &row, err))
            return false;
        if (!row)
            break;
        d = (struct notify_delivery){
            .event_id = arena_str(a, db_col_text(st, 0)),
            .message_id = arena_str(a, db_col_text(st, 1)),
            .at_us = db_col_int(st, 3),
            .channel = (enum notify_channel)db_col_int(st, 4),
            .recipient = arena_str(a, db_col_text(st, 5)),
            .state = (enum notify_state)db_col_int(st, 6),
            .attempts = db_col_int(st, 7),
            .next_us = db_col_int(st, 8),
            .ended_us = db_col_int(st, 9),
            .error = arena_str(a, db_col_text(st, 10)),
        };
        if (notify_kind_from_name(db_col_text(st, 2), &d.kind))
            list[count++] = d;
    }
    *out = list;
    *out_count = count;
    return true;
}

static bool backlog_counts(struct db *db, int64_t job_no, int64_t since_us,
                           struct notify_backlog *out, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    if (!db_select_one(db, notify_query(Q_BACKLOG), DB_ARGS(db_int(job_no), db_int(since_us)), &st,
                       err))
        return false;
    out->waiting = db_col_int(st, 0);
    out->given_up = db_col_int(st, 1);
    return true;
}

bool notify_backlog_load(struct db *db, struct arena *a, int64_t job_no, int64_t now_us,
                         struct notify_backlog *out, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct notify_backlog b = {0};
    int64_t since_us = now_us - 7 * US_PER_DAY;

    if (!backlog_counts(db, job_no, since_us, &b, err) ||
        !db_select_one(db, notify_query(Q_BACKLOG_ERROR), DB_ARGS(db_int(job_no), db_int(since_us)),
                       &st, err))
        return false;
    if (st)
        b.error = arena_str(a, db_col_text(st, 0));
    *out = b;
    return true;
}
