#include "engine/guard/held.h"

#include "base/unicode.h"
#include "engine/guard/guard.h"
#include "engine/note.h"

enum { PAGE = 500 };

/* --- looking --- */

typedef bool visit_row(void *ctx, const struct held *row, struct err *err);

static bool each_of_class(struct db *db, int64_t job_no, enum held_class class_, visit_row *visit,
                          void *ctx, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(arena_freep) struct arena *before = arena_new();
    struct str after = {0};
    size_t n = PAGE;

    while (n == PAGE) {
        struct held *rows;
        struct arena *page = before;

        arena_reset(page);
        if (!held_page(db, page, job_no, HELD_WAITING, class_, after, PAGE, &rows, &n, err))
            return false;
        for (size_t i = 0; i < n; i++) {
            if (!visit(ctx, &rows[i], err))
                return false;
        }
        if (n > 0)
            after = rows[n - 1].source_id; /* lives until the page after the next one */
        before = a;
        a = page;
    }
    return true;
}

static bool each(struct db *db, int64_t job_no, visit_row *visit, void *ctx, struct err *err)
{
    for (int c = 0; c < HELD_CLASS_COUNT; c++) {
        if (!each_of_class(db, job_no, (enum held_class)c, visit, ctx, err))
            return false;
    }
    return true;
}

bool engine_held_each(const struct engine *e, int64_t job_no,
                      bool (*visit)(void *ctx, const struct held *row, struct err *err), void *ctx,
                      char digest[HELD_DIGEST_MAX], int64_t *out_count, struct err *err)
{
    CLEANUP(db_closep) struct db *db = NULL;
    bool ok;

    if (!db_open(e->db, &db, err) || !db_begin(db, DB_READ, err))
        return false;
    ok = held_digest(db, job_no, digest, out_count, err) && each(db, job_no, visit, ctx, err);
    db_rollback(db);
    return ok;
}

struct search {
    struct arena *arena;
    struct str who;
    struct str found;
    size_t hits;
};

static bool look(void *ctx, const struct held *row, struct err *err)
{
    struct search *s = ctx;

    (void)err;
    if (str_eq(row->source_id, s->who) || str_eq(row->target_id, s->who) ||
        str_eq_fold(row->name, s->who)) {
        s->hits++;
        s->found = arena_str(s->arena, row->source_id);
    }
    return true;
}

bool engine_held_find(const struct engine *e, int64_t job_no, struct str who, struct arena *a,
                      struct str *out_source_id, struct err *err)
{
    struct search s = {.arena = a, .who = who};
    char digest[HELD_DIGEST_MAX];
    int64_t count;

    if (!engine_held_each(e, job_no, look, &s, digest, &count, err))
        return false;
    if (s.hits == 0)
        return err_set(err, ERR_NOT_FOUND, "notHeld", "nothing is held of '%.*s'", STR_ARG(who));
    if (s.hits > 1) {
        return err_set(err, ERR_CONFLICT, "ambiguousName",
                       "'%.*s' are %zu of the held rows: say the id", STR_ARG(who), s.hits);
    }
    *out_source_id = s.found;
    return true;
}

/* --- deciding --- */

static bool check_set(struct db *db, const struct job *job, struct str digest, struct err *err)
{
    char now[HELD_DIGEST_MAX];
    int64_t count;

    if (!held_digest(db, job->no, now, &count, err))
        return false;
    if (count == 0) {
        return err_set(err, ERR_NOT_FOUND, "nothingHeld", "nothing is held of '%.*s'",
                       STR_ARG(job->name));
    }
    if (!str_eq_ascii_nocase(digest, str_from_z(now))) {
        return err_set(err, ERR_CONFLICT, "setChanged",
                       "the set that is held now is %s (%lld rows), not %.*s: look at it again "
                       "with 'usher held %.*s'",
                       now, (long long)count, STR_ARG(digest), STR_ARG(job->name));
    }
    return true;
}

static bool decide_rows(struct db *db, const struct job *job, enum held_state state,
                        const struct str *ids, size_t count, int64_t *out_decided, struct err *err)
{
    *out_decided = 0;
    if (count == 0)
        return held_decide_all(db, job->no, state, out_decided, err);
    for (size_t i = 0; i < count; i++) {
        bool held;

        if (!held_decide(db, job->no, ids[i], state, &held, err))
            return false;
        if (!held) {
            return err_set(err, ERR_NOT_FOUND, "notHeld", "nothing is held of '%.*s'",
                           STR_ARG(ids[i]));
        }
        ++*out_decided;
    }
    return true;
}

/* NOLINTNEXTLINE(readability-function-size): as engine_held_decide */
static bool note(const struct engine *e, struct db *db, struct arena *a, const struct job *job,
                 const char *decision, struct str digest, int64_t rows, const struct str *ids,
                 size_t count, struct err *err)
{
    struct json *after = json_new(a, JSON_OBJECT);
    const struct engine_note n = {
        .activity = AUDIT_OTHER, .subject = STR("held set"), .after = after};

    json_add_z(a, after, "decision", decision);
    if (digest.len)
        json_add_str(a, after, "set", digest);
    json_add_int(a, after, "rows", rows);
    if (count > 0) {
        struct json *who = json_new(a, JSON_ARRAY);

        for (size_t i = 0; i < count; i++)
            json_append(who, json_string(a, ids[i]));
        json_add(a, after, STR("sourceIds"), who);
    }
    return engine_note(e, db, job, &n, err);
}

/* NOLINTNEXTLINE(readability-function-size): as engine_held_decide */
static bool decide(const struct engine *e, struct db *db, struct arena *a, const struct job *job,
                   enum engine_held_decision decision, struct str digest, const struct str *ids,
                   size_t count, int64_t *out_decided, struct err *err)
{
    bool allow = decision == ENGINE_HELD_ALLOW;

    return held_lock(db, job->no, err) && check_set(db, job, digest, err) &&
           decide_rows(db, job, allow ? HELD_ALLOWED : HELD_REJECTED, ids, count, out_decided,
                       err) &&
           guard_settle(e, db, job->no, err) && job_set_next_cycle(db, job->no, 0, err) &&
           note(e, db, a, job, allow ? "allow" : "reject", digest, *out_decided, ids, count, err);
}

bool engine_held_decide(const struct engine *e, int64_t job_no, enum engine_held_decision decision,
                        struct str digest, const struct str *source_ids, size_t count,
                        int64_t *out_decided, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(db_closep) struct db *db = NULL;
    struct job job;

    if (!db_open(e->db, &db, err) || !job_load_no(db, a, job_no, &job, err) ||
        !db_begin(db, DB_WRITE, err))
        return false;
    if (decide(e, db, a, &job, decision, digest, source_ids, count, out_decided, err))
        return db_commit(db, err);
    db_rollback(db);
    return false;
}

bool engine_held_force(const struct engine *e, struct db *db, int64_t job_no, struct err *err)
{
    int64_t allowed;

    return held_decide_all(db, job_no, HELD_ALLOWED, &allowed, err) &&
           guard_settle(e, db, job_no, err);
}
