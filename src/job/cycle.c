#include "job/cycle.h"

#include "base/json.h"
#include "base/unicode.h"
#include "job/job.h"
#include "job/queries.h"
#include "job/store.h"

enum query { Q_INSERT, Q_UPDATE, Q_OPEN, Q_LAST, Q_LIST, Q_LOAD, Q_FIND };

#define CYCLE_COLUMNS                                                         \
    "id, job_no, kind, state, phase, progress_cursor, feed_start, watermark," \
    " schema_version, total, began_us, ended_us, counters, error_code, error_message"

const struct db_query cycle_queries[] = {
    [Q_INSERT] = {"cycle_insert",
                  "INSERT INTO job_cycle (" CYCLE_COLUMNS ")"
                  " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)"},
    [Q_UPDATE] = {"cycle_update",
                  "UPDATE job_cycle SET phase = $2, progress_cursor = $3, total = $4,"
                  " counters = $5, state = $6, ended_us = $7, error_code = $8, error_message = $9,"
                  " feed_start = $10 WHERE id = $1"},
    [Q_OPEN] = {"cycle_open",
                "SELECT " CYCLE_COLUMNS " FROM job_cycle WHERE job_no = $1 AND state = 0"},
    [Q_LAST] = {"cycle_last",
                "SELECT " CYCLE_COLUMNS " FROM job_cycle WHERE job_no = $1 AND state <> 0"
                " ORDER BY began_us DESC, id DESC LIMIT 1"},
    [Q_LIST] = {"cycle_list", "SELECT " CYCLE_COLUMNS " FROM job_cycle WHERE job_no = $1"
                              " ORDER BY began_us DESC, id DESC LIMIT $2"},
    [Q_FIND] = {"cycle_find", "SELECT " CYCLE_COLUMNS " FROM job_cycle WHERE job_no = $1"
                              " AND id >= $2 AND id < $3 ORDER BY id LIMIT 2"},
    [Q_LOAD] = {"cycle_load", "SELECT " CYCLE_COLUMNS " FROM job_cycle WHERE id = $1"},
};
const size_t cycle_query_count = ARRAY_LEN(cycle_queries);
static_assert(CYCLE_RUNNING == 0, "as the texts of the statements say");

static const char *const kind_names[] = {
    [CYCLE_INITIAL] = "initial",
    [CYCLE_INCREMENTAL] = "incremental",
    [CYCLE_APPLY] = "apply",
};
static_assert(ARRAY_LEN(kind_names) == CYCLE_KIND_COUNT, "every cycle_kind has a name");

static const char *const state_names[] = {
    [CYCLE_RUNNING] = "Running",
    [CYCLE_SUCCEEDED] = "Succeeded",
    [CYCLE_ENTRY_ERRORS] = "EntryLevelErrors",
    [CYCLE_FAILED] = "Failed",
};
static_assert(ARRAY_LEN(state_names) == CYCLE_STATE_COUNT, "every cycle_state has a name");

static const char *const phase_names[] = {
    [PHASE_USERS] = "users",     [PHASE_GROUPS] = "groups",   [PHASE_CONNECTIONS] = "connections",
    [PHASE_CHANGES] = "changes", [PHASE_RETRIES] = "retries", [PHASE_REFERENCES] = "references",
    [PHASE_DONE] = "done",       [PHASE_GATE] = "gate",       [PHASE_REMOVALS] = "removals",
};
static_assert(ARRAY_LEN(phase_names) == PHASE_COUNT, "every cycle_phase has a name");

/* The counters as members of the stored JSON. A counter that is not there is 0, so that counters
 * can be added later. */
#define COUNTER(name_)                                 \
    {                                                  \
#name_, offsetof(struct cycle_counters, name_) \
    }
static const struct {
    const char *name;
    size_t offset;
} counters[] = {
    COUNTER(imported),          COUNTER(in_scope),
    COUNTER(created),           COUNTER(matched),
    COUNTER(updated),           COUNTER(disabled),
    COUNTER(deleted),           COUNTER(skipped),
    COUNTER(unchanged),         COUNTER(failed),
    COUNTER(warnings),          COUNTER(requests),
    COUNTER(skipped_entitled),  COUNTER(skipped_filtered),
    COUNTER(skipped_disabled),  COUNTER(skipped_deleted),
    COUNTER(skipped_off),       COUNTER(references),
    COUNTER(failed_references),
};
static_assert(ARRAY_LEN(counters) * sizeof(int64_t) == sizeof(struct cycle_counters),
              "every counter is stored");

enum { COUNTERS_MAX = 2048 };

static const struct db_query *query(enum query q)
{
    return &cycle_queries[q];
}

static void write_counters(struct buf *out, const struct cycle_counters *c)
{
    buf_init(out, COUNTERS_MAX);
    buf_add_char(out, '{');
    for (size_t i = 0; i < ARRAY_LEN(counters); i++) {
        int64_t n;

        memcpy(&n, (const char *)c + counters[i].offset, sizeof(n));
        buf_addf(out, "%s\"%s\":", i ? "," : "", counters[i].name);
        buf_add_int(out, n);
    }
    buf_add_char(out, '}');
    assert(!out->overflowed);
}

static bool read_counters(struct str text, struct cycle_counters *out, struct err *err)
{
    CLEANUP(arena_freep) struct arena *tmp = arena_new();
    struct json *doc;

    if (!json_parse(tmp, text, NULL, &doc, NULL, err))
        return err_wrap(err, "counters of a cycle");
    for (size_t i = 0; i < ARRAY_LEN(counters); i++) {
        int64_t n = json_get_int(doc, counters[i].name, 0);

        memcpy((char *)out + counters[i].offset, &n, sizeof(n));
    }
    return true;
}

static bool read_cycle(struct db_stmt *st, struct arena *a, struct cycle *out, struct err *err)
{
    struct cycle c = {
        .id = arena_str(a, db_col_text(st, 0)),
        .job_no = db_col_int(st, 1),
        .kind = (enum cycle_kind)db_col_int(st, 2),
        .state = (enum cycle_state)db_col_int(st, 3),
        .phase = (enum cycle_phase)db_col_int(st, 4),
        .cursor = arena_str(a, db_col_text(st, 5)),
        .feed_start = arena_str(a, db_col_text(st, 6)),
        .watermark = arena_str(a, db_col_text(st, 7)),
        .schema_version = db_col_int(st, 8),
        .total = db_col_int(st, 9),
        .began_us = db_col_int(st, 10),
        .ended_us = db_col_int(st, 11),
        .error_code = arena_str(a, db_col_text(st, 13)),
        .error_message = arena_str(a, db_col_text(st, 14)),
    };

    if (!read_counters(db_col_text(st, 12), &c.counters, err))
        return false;
    *out = c;
    return true;
}

static bool load_one(struct db *db, enum query q, struct db_value key, struct arena *a,
                     struct cycle *out, bool *out_found, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    if (!db_select_one(db, query(q), DB_ARGS(key), &st, err))
        return false;
    if (st && !read_cycle(st, a, out, err))
        return false;
    *out_found = st != NULL;
    return true;
}

const char *cycle_kind_name(enum cycle_kind k)
{
    return kind_names[k];
}

const char *cycle_state_name(enum cycle_state s)
{
    return state_names[s];
}

enum cycle_state cycle_state_of(const struct cycle_counters *c)
{
    return c->failed + c->failed_references > 0 ? CYCLE_ENTRY_ERRORS : CYCLE_SUCCEEDED;
}

const char *cycle_phase_name(enum cycle_phase p)
{
    return phase_names[p];
}

bool cycle_insert(struct db *db, const struct cycle *c, struct err *err)
{
    CLEANUP(buf_done) struct buf text;

    write_counters(&text, &c->counters);
    return db_exec(db, query(Q_INSERT),
                   DB_ARGS(db_text(c->id), db_int(c->job_no), db_int(c->kind), db_int(c->state),
                           db_int(c->phase), db_text(c->cursor), db_text(c->feed_start),
                           db_text(c->watermark), db_int(c->schema_version), db_int(c->total),
                           db_int(c->began_us), db_int(c->ended_us), db_text(buf_str(&text)),
                           db_text(c->error_code), db_text(c->error_message)),
                   NULL, err);
}

bool cycle_update(struct db *db, const struct cycle *c, struct err *err)
{
    CLEANUP(buf_done) struct buf text;
    int64_t changed;

    write_counters(&text, &c->counters);
    if (!db_exec(db, query(Q_UPDATE),
                 DB_ARGS(db_text(c->id), db_int(c->phase), db_text(c->cursor), db_int(c->total),
                         db_text(buf_str(&text)), db_int(c->state), db_int(c->ended_us),
                         db_text(c->error_code), db_text(c->error_message), db_text(c->feed_start)),
                 &changed, err))
        return false;
    if (changed == 0)
        return err_set(err, ERR_NOT_FOUND, "cycleNotFound", "no cycle '%.*s'", STR_ARG(c->id));
    return true;
}

bool cycle_open(struct db *db, struct arena *a, int64_t job_no, struct cycle *out, bool *out_found,
                struct err *err)
{
    return load_one(db, Q_OPEN, db_int(job_no), a, out, out_found, err);
}

bool cycle_last(struct db *db, struct arena *a, int64_t job_no, struct cycle *out, bool *out_found,
                struct err *err)
{
    return load_one(db, Q_LAST, db_int(job_no), a, out, out_found, err);
}

bool cycle_list(struct db *db, struct arena *a, int64_t job_no, size_t limit, struct cycle **out,
                size_t *out_count, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct cycle *list = ARENA_ARRAY(a, struct cycle, limit ? limit : 1);
    size_t count = 0;
    bool row;

    if (!db_select(db, query(Q_LIST), DB_ARGS(db_int(job_no), db_int((int64_t)limit)), &st, err))
        return false;
    for (;;) {
        if (!db_step(st, &row, err))
            return false;
        if (!row)
            break;
        if (!read_cycle(st, a, &list[count++], err))
            return false;
    }
    *out = list;
    *out_count = count;
    return true;
}

bool cycle_load(struct db *db, struct arena *a, struct str id, struct cycle *out, struct err *err)
{
    bool found;

    if (!load_one(db, Q_LOAD, db_text(id), a, out, &found, err))
        return false;
    if (!found)
        return err_set(err, ERR_NOT_FOUND, "cycleNotFound", "no cycle '%.*s'", STR_ARG(id));
    return true;
}

enum { PREFIX_MIN = 4 };

/* Ids are of digits, letters and '-': '~' comes behind all of them. */
static bool find_prefix(struct db *db, struct arena *a, const struct job *job, struct str id,
                        struct cycle *out, size_t *out_count, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct cycle found[2];
    bool row = true;

    *out_count = 0;
    if (!db_select(
            db, query(Q_FIND),
            DB_ARGS(db_int(job->no), db_text(id), db_text(arena_printf(a, "%.*s~", STR_ARG(id)))),
            &st, err))
        return false;
    while (*out_count < ARRAY_LEN(found)) {
        if (!db_step(st, &row, err))
            return false;
        if (!row)
            break;
        if (!read_cycle(st, a, &found[(*out_count)++], err))
            return false;
    }
    if (*out_count == 1)
        *out = found[0];
    return true;
}

bool cycle_find(struct db *db, struct arena *a, const struct job *job, struct str id,
                struct cycle *out, struct err *err)
{
    struct str shown = str_sub(id, 0, 60);
    size_t count = 0;
    bool found;

    if (str_eq_ascii_nocase(id, STR("last"))) {
        if (!cycle_last(db, a, job->no, out, &found, err))
            return false;
        return found || err_set(err, ERR_NOT_FOUND, "cycleNotFound", "'%.*s' has had no cycle yet",
                                STR_ARG(job->name));
    }
    if (id.len >= PREFIX_MIN && !find_prefix(db, a, job, str_fold(a, id), out, &count, err))
        return false;
    if (count == 1)
        return true;
    if (count > 1) {
        return err_set(err, ERR_CONFLICT, "ambiguousCycle",
                       "more than one cycle of '%.*s' begins with '%.*s': give more of the id",
                       STR_ARG(job->name), STR_ARG(shown));
    }
    return err_set(err, ERR_NOT_FOUND, "cycleNotFound",
                   "'%.*s' has no cycle '%.*s': 'usher cycles %.*s' lists them; the first %d "
                   "letters are enough, and 'last' is the newest",
                   STR_ARG(job->name), STR_ARG(shown), STR_ARG(job->name), PREFIX_MIN);
}
