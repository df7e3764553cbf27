/* What an undo has put back stays as it is until the configuration has another version or somebody
 * releases it (engine.md 23): the next cycle would send the configuration's values again. */
#include "engine/cycle/run.h"
#include "engine/note.h"
#include "engine/plans/apply.h"
#include "job/retry.h"
#include "job/undone.h"

#define HELD "HeldByUndo"

static bool has_left(const struct source_entry *e)
{
    return e->gone || e->soft_deleted || !e->enabled;
}

/* Who leaves at the source afterwards is not kept: that is no matter of the configuration. */
static bool find(struct walk *w, struct undone *out, bool *out_held, struct err *err)
{
    struct run *r = w->run;

    *out_held = false;
    if (r->undone == 0 || r->apply)
        return true;
    if (!undone_find(r->db, w->arena, r->job.no, w->entry.id, r->job.schema_version, out, out_held,
                     err))
        return false;
    if (*out_held && has_left(&w->entry) && !out->had_left)
        *out_held = false;
    return true;
}

void undo_hold(struct walk *w)
{
    char at[TIME_TEXT_MAX];
    struct undone u;
    struct err err;
    bool held;

    if (w->intent == INTENT_NOTHING)
        return;
    if (!find(w, &u, &held, &err)) {
        walk_fail(w, TARGET_TRANSIENT, "InternalError", "%s", err.message);
        return;
    }
    if (!held)
        return;
    walk_skip(
        w, HELD,
        "An undo put it back on %.*s: it stays so until the configuration is changed or it is "
        "released (usher release)",
        STR_ARG(time_write(u.at_us, at)));
    w->undone = true;
    walk_due_keep(w);
    walk_step(w, STEP_PROCESSING, "EntrySynchronizationSkip", STATUS_SKIPPED, "%.*s",
              STR_ARG(w->message));
}

bool undo_holds(struct walk *w)
{
    struct undone u;
    struct err err;
    bool held;

    return !find(w, &u, &held, &err) || held;
}

/* --- release --- */

/* The change feed says nothing of it: the next cycle finds it among the retries. */
static bool release_one(struct run *r, const struct undone *u, struct err *err)
{
    struct retry look = {
        .source_id = u->source_id,
        .kind = u->kind,
        .first_us = clock_now(r->engine->clock),
        .message = STR("Released: the next cycle looks at it"), /* without a code: no failure */
    };
    bool removed;

    return undone_release(r->db, r->job.no, u->source_id, &removed, err) &&
           retry_park(r->db, r->job.no, &look, err);
}

static bool release_who(struct run *r, struct str who, struct err *err)
{
    struct source_entry entry = {.id = who};
    struct err ignored;
    struct undone u;
    bool found;

    if (!undone_find(r->db, r->arena, r->job.no, who, r->job.schema_version, &u, &found, err))
        return false;
    if (!found && r->source->ops->find(r->source, who, r->arena, &entry, &ignored) &&
        !undone_find(r->db, r->arena, r->job.no, entry.id, r->job.schema_version, &u, &found, err))
        return false;
    if (!found) {
        return err_set(err, ERR_NOT_FOUND, "notHeld", "no undo holds '%.*s'",
                       STR_ARG(str_sub(who, 0, 120)));
    }
    return release_one(r, &u, err);
}

static bool release_all(struct run *r, int64_t *out_count, struct err *err)
{
    enum { AT_ONCE = 250 };
    size_t count = AT_ONCE;

    while (count == AT_ONCE) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct undone *list;

        if (!undone_list(r->db, a, r->job.no, r->job.schema_version, STR(""), AT_ONCE, &list,
                         &count, err))
            return false;
        for (size_t i = 0; i < count; i++) {
            if (!release_one(r, &list[i], err))
                return false;
        }
        *out_count += (int64_t)count;
    }
    return true;
}

/* Who has let them go; empty: all. */
static bool note_release(struct run *r, struct str who, int64_t count, struct err *err)
{
    struct json *is = json_new(r->arena, JSON_OBJECT);

    json_add_str(r->arena, is, "who", who.len ? who : STR("all"));
    json_add_int(r->arena, is, "released", count);
    return engine_note(r->engine, r->db, &r->job,
                       &(struct engine_note){.activity = AUDIT_OTHER,
                                             .subject = STR("release after undo"),
                                             .after = is},
                       err);
}

bool engine_release(const struct engine *e, int64_t job_no, struct str who, int64_t *out_count,
                    struct err *err)
{
    CLEANUP(run_close) struct run r;
    bool ok;

    *out_count = 0;
    if (!run_open(&r, e, job_no, true, err) || !db_begin(r.db, DB_WRITE, err))
        return false;
    if (who.len > 0) {
        ok = release_who(&r, who, err);
        *out_count = ok;
    } else {
        ok = release_all(&r, out_count, err);
    }
    ok = ok &&
         (*out_count == 0 ||
          (job_set_next_cycle(r.db, job_no, 0, err) && note_release(&r, who, *out_count, err))) &&
         db_commit(r.db, err);
    if (!ok)
        db_rollback(r.db);
    return ok;
}
