/* Applying a saved plan: its rows take the stations export and record of the ordinary walk, under
 * the job's lease and with a cycle of their own (engine.md 23). Before anything is sent for a row,
 * the source object and the account are compared with what they were when it was planned. The cycle
 * counts as failed until it has come to its end, so that nobody goes on with it: applying the same
 * plan again finds done what is done. */
#include "engine/plans/apply.h"

#include "engine/guard/guard.h"
#include "engine/note.h"
#include "engine/plans/apply_run.h"
#include "job/undone.h"

#define UNENDED "ApplyInterrupted"

static const char *const result_names[] = {
    [APPLY_DONE] = "done",
    [APPLY_ALREADY] = "already",
    [APPLY_REFUSED] = "refused",
    [APPLY_FAILED] = "failed",
};
static_assert(ARRAY_LEN(result_names) == APPLY_RESULT_COUNT, "every result has a name");

const char *apply_result_name(enum apply_result r)
{
    return result_names[r];
}

/* --- outcomes --- */

static bool was_refused(const struct walk *w)
{
    return w->status == STATUS_SKIPPED && !apply_is_done(w);
}

static void on_outcome(void *ctx, const struct walk *w)
{
    struct apply *p = ctx;
    struct apply_outcome o = {
        .row = w->planned,
        .result = w->status == STATUS_FAILURE ? APPLY_FAILED
                  : was_refused(w)            ? APPLY_REFUSED
                  : apply_is_done(w)          ? APPLY_ALREADY
                                              : APPLY_DONE,
        .target_id = w->target_id,
        .code = w->code,
        .message = w->message,
    };

    p->out->results[o.result]++;
    if (p->options->outcome)
        p->options->outcome(p->options->ctx, &o);
}

bool apply_record(struct db *db, const struct run *r, const struct walk *w, struct err *err)
{
    struct undone u = {
        .source_id = w->entry.id,
        .kind = w->entry.kind,
        .name = w->entry.display_name,
        .cycle_id = r->cycle.id,
        .schema_version = r->job.schema_version,
        .had_left = w->entry.gone || w->entry.soft_deleted || !w->entry.enabled,
        .at_us = w->at_us,
    };

    if (r->apply->reader.head.purpose != PLAN_OF_UNDO || w->status == STATUS_FAILURE ||
        was_refused(w))
        return true;
    return undone_hold(db, r->job.no, &u, err);
}

/* --- the run --- */

/* Before the first row: what is to be removed, counted as a cycle's is (engine.md 8). */
static bool within_guard(struct run *r, struct err *err)
{
    CLEANUP(arena_freep) struct arena *tmp = arena_new();
    const struct apply *p = r->apply;

    for (int c = 0; c < HELD_CLASS_COUNT && !p->options->allow_removals; c++) {
        struct guard_numbers n = {.planned = p->selection.guarded[c]};

        if (!guard_numbers_load(r->db, r->job.no, &r->settings, (enum held_class)c,
                                clock_now(r->engine->clock), &n, err))
            return false;
        if (guard_judge(&r->settings, &n) == GUARD_WITHIN)
            continue;
        return err_set(err, ERR_CONFLICT, "guardHolds",
                       "%.*s; nothing was sent: look at them, then apply fewer (--only) or approve "
                       "them (--allow-removals)",
                       STR_ARG(guard_explain(&r->settings, &n, (enum held_class)c, tmp)));
    }
    return true;
}

static bool end_cycle(struct run *r, struct err *err)
{
    return run_write_end(r, run_write_begin(r, err) && cycle_update(r->db, &r->cycle, err), err);
}

bool apply_is_under_way(const struct cycle *c)
{
    return c->kind == CYCLE_APPLY && c->ended_us == c->began_us && str_eq_z(c->error_code, UNENDED);
}

/* Which plan it is; what it does to whom is in the provisioning log. */
static bool note_plan(struct run *r, struct err *err)
{
    const struct plan_head *head = &r->apply->reader.head;
    struct json *is = json_new(r->arena, JSON_OBJECT);
    bool undo = head->undone_cycle.len > 0;

    json_add_str(r->arena, is, "cycle", r->cycle.id);
    json_add_str(r->arena, is, "digest", head->digest);
    json_add_int(r->arena, is, "rows", r->apply->selection.rows);
    if (undo)
        json_add_str(r->arena, is, "undoes", head->undone_cycle);
    return engine_note(
        r->engine, r->db, &r->job,
        &(struct engine_note){.activity = AUDIT_OTHER,
                              .subject = undo ? STR("undo applied") : STR("plan applied"),
                              .after = is},
        err);
}

static bool insert_cycle(struct run *r, struct err *err)
{
    bool ok = db_begin(r->db, DB_WRITE, err) && cycle_insert(r->db, &r->cycle, err) &&
              note_plan(r, err) && db_commit(r->db, err);

    if (!ok)
        db_rollback(r->db);
    return ok;
}

static bool begin_cycle(struct run *r, struct err *err)
{
    char id[UUID_TEXT_MAX];

    r->cycle = (struct cycle){
        .id = arena_str(r->arena, uuid_new(r->engine->rng, id)),
        .job_no = r->job.no,
        .kind = CYCLE_APPLY,
        .phase = PHASE_CHANGES,
        .state = CYCLE_FAILED,
        .schema_version = r->job.schema_version,
        .total = r->apply->selection.rows,
        .began_us = clock_now(r->engine->clock),
        .error_code = STR(UNENDED),
        .error_message = STR("The plan was not applied to its end: apply it again, what is done "
                             "stays done"),
    };
    r->cycle.ended_us = r->cycle.began_us;
    return watermark_load(r->db, r->arena, r->job.no, &r->cycle.watermark, err) &&
           insert_cycle(r, err);
}

static bool run_rows(struct run *r, struct err *err)
{
    pulse_phase(r);
    if (!run_drive(r, apply_feed_rows, apply_start_row, err)) {
        struct err ignored;

        r->cycle.ended_us = clock_now(r->engine->clock);
        if (err->kind != ERR_CONFLICT && !r->broken && !end_cycle(r, &ignored))
            log_error("cycle_not_saved", &ignored);
        return false;
    }
    r->cycle.ended_us = clock_now(r->engine->clock);
    if (!r->paused) {
        r->cycle.phase = PHASE_DONE;
        r->cycle.state = cycle_state_of(&r->cycle.counters);
        r->cycle.error_code = r->cycle.error_message = (struct str){0};
    }
    return end_cycle(r, err);
}

static void result(const struct run *r, struct arena *a, struct engine_applied *out)
{
    out->cycle = r->cycle;
    out->cycle.id = arena_str(a, r->cycle.id);
    out->cycle.cursor = out->cycle.feed_start = (struct str){0};
    out->cycle.watermark = arena_str(a, r->cycle.watermark);
    out->cycle.error_code = arena_str(a, r->cycle.error_code);
    out->cycle.error_message = arena_str(a, r->cycle.error_message);
    out->job_name = arena_str(a, r->job.name);
    out->selected = r->apply->selection.rows;
    out->purpose = r->apply->reader.head.purpose;
}

static bool apply(const struct engine *e, int64_t job_no, struct apply *p, struct arena *a,
                  struct err *err)
{
    CLEANUP(run_close) struct run r;

    if (!run_open(&r, e, job_no, false, err))
        return false;
    r.apply = p;
    r.stop = p->options->stop;
    r.observer = p->options->observer;
    r.finished = on_outcome;
    r.finished_ctx = p;
    if (p->options->initiated_by.len > 0)
        r.initiated_by = p->options->initiated_by;
    if (!run_lease(&r, err) || !apply_is_current(&r, &p->reader.head, err) ||
        !apply_selection_make(&p->selection, &p->reader, r.walk_job.program, r.source,
                              p->options->only, p->options->only_count, err) ||
        !within_guard(&r, err) || !guard_open(&r, err) || !run_test_target(&r, err) ||
        !begin_cycle(&r, err) || !run_rows(&r, err))
        return false;
    result(&r, a, p->out);
    return true;
}

bool engine_apply(const struct engine *e, const char *path,
                  const struct engine_apply_options *options, struct arena *a,
                  struct engine_applied *out, struct err *err)
{
    CLEANUP(arena_freep) struct arena *tmp = arena_new();
    struct apply p = {.options = options, .out = out};
    struct db *db = NULL;
    struct job job;
    bool ok;

    *out = (struct engine_applied){0};
    p.selection.arena = tmp;
    ok = plan_reader_open(&p.reader, path, err) && db_open(e->db, &db, err) &&
         apply_belongs_here(db, e, tmp, &p.reader.head, &job, err);
    db_close(db);
    ok = ok && apply(e, job.no, &p, a, err);
    plan_reader_close(&p.reader);
    return ok;
}
