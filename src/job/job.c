#include "job/job.h"

#include "base/unicode.h"
#include "job/queries.h"
#include "job/store.h"
#include "job/suggest.h"

#include <inttypes.h>

enum query {
    Q_NEXT_NO,
    Q_INSERT,
    Q_INSERT_LEASE,
    Q_INSERT_COUNTS,
    Q_INSERT_SCHEMA,
    Q_BY_NO,
    Q_BY_ID,
    Q_BY_NAME,
    Q_LIST,
    Q_NAMES,
    Q_UPDATE,
    Q_EXISTS,
    Q_LOCK,
    Q_SET_STATE,
    Q_SET_NEXT_CYCLE,
    Q_SET_NEXT_CYCLE_AFTER,
    Q_SET_QUARANTINE,
    Q_SET_PRUNED,
    Q_REMOVE_LEASE,
    Q_REMOVE,
    Q_REMOVE_STATE, /* the first of several */
};

#define JOB_COLUMNS                                                                   \
    "no, id, name, template_id, base_url, state, scope, interval_us,"                 \
    " notification_mail, schema_version, created_us, quarantined, quarantine_reason," \
    " quarantine_code, quarantine_message, quarantine_since_us, next_cycle_us,"       \
    " quarantine_current_us, quarantine_count, escrows_pruned"

const struct db_query job_queries[] = {
    [Q_NEXT_NO] = {"job_next_no",
                   "UPDATE job_counter SET last_no = last_no + 1 WHERE one = 1 RETURNING last_no"},
    [Q_INSERT] = {"job_insert",
                  "INSERT INTO job (no, id, name, name_key, template_id, base_url, state, scope,"
                  " interval_us, notification_mail, schema_version, created_us, quarantined,"
                  " quarantine_reason, quarantine_code, quarantine_message, quarantine_since_us,"
                  " next_cycle_us, watermark, signal)"
                  " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1, $11, $12, $13, $14, $15,"
                  " $16, $17, '', 0)"
                  " ON CONFLICT (name_key) DO NOTHING"},
    [Q_INSERT_LEASE] = {"job_insert_lease",
                        "INSERT INTO job_lease (job_no, owner, until_us, epoch, next_record)"
                        " VALUES ($1, '', 0, 0, 1)"},
    [Q_INSERT_COUNTS] = {"job_insert_counts",
                         "INSERT INTO job_connection_count (job_no, kind, connections)"
                         " VALUES ($1, 0, 0), ($1, 1, 0)"},
    [Q_INSERT_SCHEMA] = {"job_insert_schema",
                         "INSERT INTO job_schema"
                         " (job_no, version, document, author, comment, created_us)"
                         " VALUES ($1, 1, $2, '', '', $3)"},
    [Q_BY_NO] = {"job_by_no", "SELECT " JOB_COLUMNS " FROM job WHERE no = $1"},
    [Q_BY_ID] = {"job_by_id", "SELECT " JOB_COLUMNS " FROM job WHERE id = $1"},
    [Q_BY_NAME] = {"job_by_name", "SELECT " JOB_COLUMNS " FROM job WHERE name_key = $1"},
    [Q_LIST] = {"job_list", "SELECT " JOB_COLUMNS " FROM job ORDER BY name_key"},
    [Q_NAMES] = {"job_names", "SELECT name FROM job ORDER BY name_key LIMIT 1000"},
    [Q_UPDATE] = {"job_update",
                  "UPDATE job SET name = $2, name_key = $3, base_url = $4, scope = $5,"
                  " interval_us = $6, notification_mail = $7"
                  " WHERE no = $1 AND NOT EXISTS"
                  " (SELECT 1 FROM job other WHERE other.name_key = $3 AND other.no <> $1)"},
    [Q_EXISTS] = {"job_exists", "SELECT no FROM job WHERE no = $1"},
    [Q_LOCK] = {"job_lock", "UPDATE job SET no = no WHERE no = $1"},
    [Q_SET_STATE] = {"job_set_state", "UPDATE job SET state = $2 WHERE no = $1"},
    [Q_SET_NEXT_CYCLE] = {"job_set_next_cycle", "UPDATE job SET next_cycle_us = $2 WHERE no = $1"},
    [Q_SET_NEXT_CYCLE_AFTER] = {"job_set_next_cycle_after",
                                "UPDATE job SET next_cycle_us ="
                                " CASE WHEN schema_version = $3 THEN $2 ELSE CAST(0 AS BIGINT) END"
                                " WHERE no = $1"},
    [Q_SET_QUARANTINE] = {"job_set_quarantine",
                          "UPDATE job SET quarantined = $2, quarantine_reason = $3,"
                          " quarantine_code = $4, quarantine_message = $5,"
                          " quarantine_since_us = $6, quarantine_current_us = $7,"
                          " quarantine_count = $8 WHERE no = $1"},
    [Q_SET_PRUNED] = {"job_set_pruned", "UPDATE job SET escrows_pruned = $2 WHERE no = $1"},
    /* From here on: what job_remove runs, in this order. Whoever writes state of the job has
     * changed one of the first two rows before and holds it: they are waited for, and what they
     * wrote goes too. */
    [Q_REMOVE_LEASE] = {"job_remove_lease", "DELETE FROM job_lease WHERE job_no = $1"},
    [Q_REMOVE] = {"job_remove", "DELETE FROM job WHERE no = $1"},
    /* The journal is another module's, but its records are state of the job. */
    [Q_REMOVE_STATE] = {"job_remove_schema", "DELETE FROM job_schema WHERE job_no = $1"},
    {"job_remove_setting", "DELETE FROM job_setting WHERE job_no = $1"},
    {"job_remove_secret", "DELETE FROM job_secret WHERE job_no = $1"},
    {"job_remove_cycle", "DELETE FROM job_cycle WHERE job_no = $1"},
    {"job_remove_connection", "DELETE FROM job_connection WHERE job_no = $1"},
    {"job_remove_connection_count", "DELETE FROM job_connection_count WHERE job_no = $1"},
    {"job_remove_exported_member", "DELETE FROM job_exported_member WHERE job_no = $1"},
    {"job_remove_pending_reference", "DELETE FROM job_pending_reference WHERE job_no = $1"},
    {"job_remove_pending_count", "DELETE FROM job_pending_count WHERE job_no = $1"},
    {"job_remove_exported_reference", "DELETE FROM job_exported_reference WHERE job_no = $1"},
    {"job_remove_owed_reference", "DELETE FROM job_owed_reference WHERE job_no = $1"},
    {"job_remove_reset", "DELETE FROM job_reset WHERE job_no = $1"},
    {"job_remove_connection_backup", "DELETE FROM job_connection_backup WHERE job_no = $1"},
    {"job_remove_pace", "DELETE FROM job_pace WHERE job_no = $1"},
    {"job_remove_target", "DELETE FROM job_target WHERE job_no = $1"},
    {"job_remove_stream", "DELETE FROM job_stream WHERE job_no = $1"},
    {"job_remove_pulse", "DELETE FROM job_pulse WHERE job_no = $1"},
    {"job_remove_drift", "DELETE FROM job_drift WHERE job_no = $1"},
    {"job_remove_drift_row", "DELETE FROM job_drift_row WHERE job_no = $1"},
    {"job_remove_history", "DELETE FROM job_history WHERE job_no = $1"},
    {"job_remove_retry", "DELETE FROM job_retry WHERE job_no = $1"},
    {"job_remove_held", "DELETE FROM job_held WHERE job_no = $1"},
    {"job_remove_held_series", "DELETE FROM job_held_series WHERE job_no = $1"},
    {"job_remove_held_decided", "DELETE FROM job_held_decided WHERE job_no = $1"},
    {"job_remove_held_sent", "DELETE FROM job_held_sent WHERE job_no = $1"},
    {"job_remove_undone", "DELETE FROM job_undone WHERE job_no = $1"},
    {"job_remove_due", "DELETE FROM job_due WHERE job_no = $1"},
    {"job_remove_journal", "DELETE FROM journal WHERE job_no = $1"},
    {"job_remove_journal_block", "DELETE FROM journal_block WHERE job_no = $1"},
    {"job_remove_journal_segment", "DELETE FROM journal_segment WHERE job_no = $1"},
    {"job_remove_journal_subject", "DELETE FROM journal_subject WHERE job_no = $1"},
    {"job_remove_journal_former_target", "DELETE FROM journal_former_target WHERE job_no = $1"},
    {"job_remove_journal_names", "DELETE FROM journal_names WHERE job_no = $1"},
    {"job_remove_notify_event", "DELETE FROM notify_event WHERE job_no = $1"},
    {"job_remove_notify_message", "DELETE FROM notify_message WHERE job_no = $1"},
    {"job_remove_notify_link", "DELETE FROM notify_message_event WHERE job_no = $1"},
    {"job_remove_notify_mark", "DELETE FROM notify_mark WHERE job_no = $1"},
};
const size_t job_query_count = ARRAY_LEN(job_queries);

static const char *const state_names[] = {
    [JOB_DISABLED] = "Disabled",
    [JOB_ACTIVE] = "Active",
    [JOB_PAUSED] = "Paused",
};
static_assert(ARRAY_LEN(state_names) == JOB_STATE_COUNT, "every job_state has a name");

static const char *const scope_names[] = {
    [JOB_SCOPE_ASSIGNED] = "assigned",
    [JOB_SCOPE_ALL] = "all",
};
static_assert(ARRAY_LEN(scope_names) == JOB_SCOPE_COUNT, "every job_scope has a name");

static const struct db_query *query(enum query q)
{
    return &job_queries[q];
}

static void read_job(struct db_stmt *st, struct arena *a, struct job *out)
{
    *out = (struct job){
        .no = db_col_int(st, 0),
        .id = arena_str(a, db_col_text(st, 1)),
        .name = arena_str(a, db_col_text(st, 2)),
        .template_id = arena_str(a, db_col_text(st, 3)),
        .base_url = arena_str(a, db_col_text(st, 4)),
        .state = (enum job_state)db_col_int(st, 5),
        .scope = (enum job_scope)db_col_int(st, 6),
        .interval_us = db_col_int(st, 7),
        .notification_mail = arena_str(a, db_col_text(st, 8)),
        .schema_version = db_col_int(st, 9),
        .created_us = db_col_int(st, 10),
        .quarantined = db_col_bool(st, 11),
        .quarantine_reason = arena_str(a, db_col_text(st, 12)),
        .quarantine_code = arena_str(a, db_col_text(st, 13)),
        .quarantine_message = arena_str(a, db_col_text(st, 14)),
        .quarantine_since_us = db_col_int(st, 15),
        .next_cycle_us = db_col_int(st, 16),
        .quarantine_current_us = db_col_int(st, 17),
        .quarantine_count = db_col_int(st, 18),
        .escrows_pruned = db_col_bool(st, 19),
    };
}

static bool load_one(struct db *db, enum query q, struct db_value key, struct arena *a,
                     struct job *out, bool *out_found, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    if (!db_select_one(db, query(q), DB_ARGS(key), &st, err))
        return false;
    *out_found = st != NULL;
    if (st)
        read_job(st, a, out);
    return true;
}

static bool not_found(struct db *db, struct str who, struct err *err)
{
    CLEANUP(arena_freep) struct arena *tmp = arena_new();
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct suggestions near = {.wanted = str_fold(tmp, who)};
    bool row;

    if (!db_select(db, query(Q_NAMES), DB_NO_ARGS, &st, err))
        return false;
    for (;;) {
        if (!db_step(st, &row, err))
            return false;
        if (!row)
            break;
        suggestions_consider(&near, tmp, arena_str(tmp, db_col_text(st, 0)));
    }
    struct str names = suggestions_text(&near, tmp);
    if (names.len == 0) {
        return err_set(err, ERR_NOT_FOUND, "jobNotFound",
                       "no application '%.*s': there are none yet", STR_ARG(who));
    }
    return err_set(err, ERR_NOT_FOUND, "jobNotFound", "no application '%.*s'; there is %.*s",
                   STR_ARG(who), STR_ARG(names));
}

static bool insert_rows(struct db *db, const struct job *job, int64_t no, struct str schema_json,
                        struct err *err)
{
    CLEANUP(arena_freep) struct arena *tmp = arena_new();
    int64_t inserted;

    if (!db_exec(db, query(Q_INSERT),
                 DB_ARGS(db_int(no), db_text(job->id), db_text(job->name),
                         db_text(str_fold(tmp, job->name)), db_text(job->template_id),
                         db_text(job->base_url), db_int(job->state), db_int(job->scope),
                         db_int(job->interval_us), db_text(job->notification_mail),
                         db_int(job->created_us), db_bool(job->quarantined),
                         db_text(job->quarantine_reason), db_text(job->quarantine_code),
                         db_text(job->quarantine_message), db_int(job->quarantine_since_us),
                         db_int(job->next_cycle_us)),
                 &inserted, err))
        return false;
    if (inserted == 0) {
        return err_set(err, ERR_CONFLICT, "nameTaken", "there is an application '%.*s' already",
                       STR_ARG(job->name));
    }
    return db_exec(db, query(Q_INSERT_LEASE), DB_ARGS(db_int(no)), NULL, err) &&
           db_exec(db, query(Q_INSERT_COUNTS), DB_ARGS(db_int(no)), NULL, err) &&
           db_exec(db, query(Q_INSERT_SCHEMA),
                   DB_ARGS(db_int(no), db_text(schema_json), db_int(job->created_us)), NULL, err);
}

const char *job_state_name(enum job_state s)
{
    return state_names[s];
}

const char *job_scope_name(enum job_scope s)
{
    return scope_names[s];
}

bool job_scope_from_name(struct str name, enum job_scope *out)
{
    for (size_t i = 0; i < ARRAY_LEN(scope_names); i++) {
        if (str_eq_ascii_nocase(name, str_from_z(scope_names[i]))) {
            *out = (enum job_scope)i;
            return true;
        }
    }
    return false;
}

bool job_insert(struct db *db, struct job *job, struct str schema_json, struct err *err)
{
    int64_t no = 0;
    bool row = false;
    bool own;

    if (!store_begin(db, &own, err))
        return false;
    bool ok = store_number(db, query(Q_NEXT_NO), DB_NO_ARGS, &no, &row, err);
    assert(!ok || row);
    ok = ok && insert_rows(db, job, no, schema_json, err);
    if (!store_end(db, own, ok, err))
        return false;
    job->no = no;
    job->schema_version = 1;
    return true;
}

bool job_load(struct db *db, struct arena *a, struct str name_or_id, struct job *out,
              struct err *err)
{
    CLEANUP(arena_freep) struct arena *tmp = arena_new();
    struct str key = str_fold(tmp, name_or_id);
    bool found = false;

    /* A name may look like an id, so an id that is not there is tried as a name. */
    if (uuid_valid(name_or_id) && !load_one(db, Q_BY_ID, db_text(key), a, out, &found, err))
        return false;
    if (!found && !load_one(db, Q_BY_NAME, db_text(key), a, out, &found, err))
        return false;
    return found || not_found(db, name_or_id, err);
}

bool job_load_no(struct db *db, struct arena *a, int64_t no, struct job *out, struct err *err)
{
    bool found;

    if (!load_one(db, Q_BY_NO, db_int(no), a, out, &found, err))
        return false;
    if (!found)
        return err_set(err, ERR_NOT_FOUND, "jobNotFound", "no job number %" PRId64, no);
    return true;
}

bool job_list(struct db *db, struct arena *a, struct job **out, size_t *out_count, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct job *jobs = NULL;
    size_t count = 0;
    size_t cap = 0;
    bool row;

    if (!db_select(db, query(Q_LIST), DB_NO_ARGS, &st, err))
        return false;
    for (;;) {
        if (!db_step(st, &row, err))
            return false;
        if (!row)
            break;
        if (count == cap) {
            struct job *more = ARENA_ARRAY(a, struct job, cap ? 2 * cap : 16);
            if (count)
                memcpy(more, jobs, count * sizeof(*more));
            jobs = more;
            cap = cap ? 2 * cap : 16;
        }
        read_job(st, a, &jobs[count++]);
    }
    *out = jobs;
    *out_count = count;
    return true;
}

bool job_update(struct db *db, const struct job *job, struct err *err)
{
    CLEANUP(arena_freep) struct arena *tmp = arena_new();
    int64_t changed;
    int64_t no;
    bool exists;

    if (!db_exec(db, query(Q_UPDATE),
                 DB_ARGS(db_int(job->no), db_text(job->name), db_text(str_fold(tmp, job->name)),
                         db_text(job->base_url), db_int(job->scope), db_int(job->interval_us),
                         db_text(job->notification_mail)),
                 &changed, err))
        return false;
    if (changed)
        return true;
    if (!store_number(db, query(Q_EXISTS), DB_ARGS(db_int(job->no)), &no, &exists, err))
        return false;
    if (exists) {
        return err_set(err, ERR_CONFLICT, "nameTaken", "there is an application '%.*s' already",
                       STR_ARG(job->name));
    }
    return err_set(err, ERR_NOT_FOUND, "jobNotFound", "no job number %" PRId64, job->no);
}

bool job_set_state(struct db *db, int64_t no, enum job_state state, struct err *err)
{
    return store_change_job(db, query(Q_SET_STATE), DB_ARGS(db_int(no), db_int(state)), no, err);
}

bool job_set_next_cycle(struct db *db, int64_t no, int64_t at_us, struct err *err)
{
    return store_change_job(db, query(Q_SET_NEXT_CYCLE), DB_ARGS(db_int(no), db_int(at_us)), no,
                            err);
}

bool job_set_next_cycle_after(struct db *db, int64_t no, int64_t schema_version, int64_t at_us,
                              struct err *err)
{
    return store_change_job(db, query(Q_SET_NEXT_CYCLE_AFTER),
                            DB_ARGS(db_int(no), db_int(at_us), db_int(schema_version)), no, err);
}

bool job_lock(struct db *db, int64_t no, struct err *err)
{
    assert(db_in_transaction(db));
    return store_change_job(db, query(Q_LOCK), DB_ARGS(db_int(no)), no, err);
}

bool job_set_quarantine(struct db *db, int64_t no, const struct job_quarantine *q, struct err *err)
{
    static const struct job_quarantine none = {0};

    if (!q)
        q = &none;
    return store_change_job(db, query(Q_SET_QUARANTINE),
                            DB_ARGS(db_int(no), db_bool(q->reason.len > 0), db_text(q->reason),
                                    db_text(q->code), db_text(q->message), db_int(q->since_us),
                                    db_int(q->current_us), db_int(q->count)),
                            no, err);
}

bool job_set_pruned(struct db *db, int64_t no, bool pruned, struct err *err)
{
    return store_change_job(db, query(Q_SET_PRUNED), DB_ARGS(db_int(no), db_bool(pruned)), no, err);
}

bool job_remove(struct db *db, int64_t no, struct err *err)
{
    bool own;

    if (!store_begin(db, &own, err))
        return false;
    bool ok = db_exec(db, query(Q_REMOVE_LEASE), DB_ARGS(db_int(no)), NULL, err) &&
              store_change_job(db, query(Q_REMOVE), DB_ARGS(db_int(no)), no, err);
    for (size_t q = Q_REMOVE_STATE; ok && q < job_query_count; q++)
        ok = db_exec(db, &job_queries[q], DB_ARGS(db_int(no)), NULL, err);
    return store_end(db, own, ok, err);
}
