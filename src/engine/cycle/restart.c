#include "engine/cycle/restart.h"

#include "engine/note.h"
#include "job/reset.h"

#include <inttypes.h>

bool restart_stops(struct run *r)
{
    struct err ignored;
    unsigned bits;
    bool now = false;

    return job_reset_load(r->db, r->job.no, &bits, &now, &ignored) && now;
}

bool restart_pending(struct run *r, struct err *err)
{
    unsigned bits;
    bool now;

    if (!job_reset_load(r->db, r->job.no, &bits, &now, err))
        return false;
    if (bits == 0 && !now)
        return true;
    bool ok = run_write_begin(r, err) &&
              restart_reset(r->engine, r->db, r->arena, r->job.no, bits, err) &&
              job_reset_done(r->db, r->job.no, err);
    return run_write_end(r, ok, err) && job_load_no(r->db, r->arena, r->job.no, &r->job, err);
}

static bool note_undo(const struct engine *e, struct db *db, int64_t job_no, int64_t count,
                      struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct json *is = json_new(a, JSON_OBJECT);
    struct job job;

    json_add_int(a, is, "connections", count);
    return job_load_no(db, a, job_no, &job, err) &&
           engine_note(e, db, &job,
                       &(struct engine_note){.activity = AUDIT_RESTART,
                                             .subject = STR("restart undone"),
                                             .after = is},
                       err);
}

bool engine_undo_reset(const struct engine *e, int64_t job_no, int64_t *out_count, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(db_closep) struct db *db = NULL;
    struct job_lease lease;
    struct err ignored;
    bool ok;

    if (!db_open(e->db, &db, err) || !lease_claim(e, db, job_no, STR(""), &lease, err))
        return false;
    ok = db_begin(db, DB_WRITE, err) && connection_restore(db, job_no, out_count, err) &&
         (*out_count > 0 || err_set(err, ERR_NOT_FOUND, "noBackup",
                                    "no connections were cleared that could be put back")) &&
         restart_begin_anew(e, db, a, job_no, err) && job_set_next_cycle(db, job_no, 0, err) &&
         note_undo(e, db, job_no, *out_count, err) && db_commit(db, err);
    if (!ok)
        db_rollback(db);
    if (!lease_release(db, &lease, &ignored))
        log_error("lease_not_released", &ignored);
    return ok;
}
