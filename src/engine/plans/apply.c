/* Applying a saved plan: its rows take the stations export and record of the ordinary walk, under
 * the job's lease and with a cycle of their own (engine.md 23). Before anything is sent for a row,
 * the source object and the account are compared with what they were when it was planned. The cycle
 * counts as failed until it has come to its end, so that nobody goes on with it: applying the same
 * plan again finds done what is done. */
#include "engine/plans/apply.h"

#include "engine/cycle/run.h"
#include "engine/guard/guard.h"
#include "engine/note.h"
#include "engine/plans/apply_select.h"
#include "job/undone.h"

#include <stdarg.h>

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

#define SOURCE_CHANGED "PlanSourceChanged"
#define TARGET_CHANGED "PlanTargetChanged"
#define UNENDED        "ApplyInterrupted"

struct apply {
    struct plan_reader reader;
    const struct engine_apply_options *options;
    struct apply_selection selection;
    struct engine_applied *out;
};

const struct mapping_attribute *apply_attribute(const struct mapping_object *m, struct str target)
{
    for (size_t i = 0; i < m->attribute_count; i++) {
        if (str_eq(m->attributes[i].target, target))
            return &m->attributes[i];
    }
    return NULL;
}

/* --- the rows as a feed --- */

static bool selected_row(struct run *r, struct arena *a, struct plan_row *out, bool *out_row,
                         struct err *err)
{
    struct apply *p = r->apply;

    do {
        if (!plan_reader_next(&p->reader, a, out, out_row, err))
            return false;
    } while (*out_row && (out->intent == INTENT_NOTHING || !apply_selects(&p->selection, out)));
    return true;
}

static bool row_entry(struct run *r, struct feed_page *page, const struct plan_row *row,
                      struct source_entry *out, struct err *err)
{
    bool found;

    if (!r->source->ops->read(r->source, row->source_id, page->arena, out, &found, err))
        return false;
    if (!found)
        *out = (struct source_entry){.id = row->source_id, .kind = row->kind, .gone = true};
    if (str_empty(out->display_name))
        out->display_name = row->source_name;
    return true;
}

static bool row_connection(struct run *r, struct feed_page *page, size_t i, struct err *err)
{
    struct connection *c = ARENA_NEW(page->arena, struct connection);
    bool found;

    if (!connection_load(r->db, page->arena, r->job.no, page->entries[i].id, c, &found, err))
        return false;
    page->connections[i] = found ? c : NULL;
    return true;
}

static bool feed_rows(struct run *r, struct str cursor, struct feed_page *page, struct err *err)
{
    struct plan_row *rows = ARENA_ARRAY(page->arena, struct plan_row, RUN_PAGE_SIZE);
    bool more = true;

    (void)cursor;
    page->rows = rows;
    page->entries = ARENA_ARRAY(page->arena, struct source_entry, RUN_PAGE_SIZE);
    page->connections = ARENA_ARRAY(page->arena, struct connection *, RUN_PAGE_SIZE);
    page->repeats = true;
    while (page->count < RUN_PAGE_SIZE) {
        size_t i = page->count;

        if (!selected_row(r, page->arena, &rows[i], &more, err))
            return false;
        if (!more)
            break;
        if (!row_entry(r, page, &rows[i], &page->entries[i], err) ||
            !row_connection(r, page, i, err))
            return false;
        page->count++;
    }
    page->last = !more;
    page->next = arena_printf(page->arena, "%lld", (long long)r->apply->reader.line_no);
    return true;
}

/* --- one row --- */

static void refuse(struct walk *w, const char *code, const char *format, ...) PRINTF_LIKE(3, 4);

static void refuse(struct walk *w, const char *code, const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    walk_skip(w, code, "%s", text);
    walk_due_keep(w);
    w->properties = NULL;
    w->property_count = 0;
    w->silent = false;
    walk_step(w, STEP_PROCESSING, "EntrySynchronizationSkip", STATUS_SKIPPED, "%s", text);
}

static enum journal_action action_of(enum plan_intent intent)
{
    switch (intent) {
    case INTENT_MATCH_OR_CREATE:
        return ACTION_CREATE;
    case INTENT_UPDATE:
        return ACTION_UPDATE;
    case INTENT_DISABLE:
        return ACTION_DISABLE;
    case INTENT_DELETE:
        return ACTION_DELETE;
    case INTENT_NOTHING:
    case INTENT_COUNT:
        break;
    }
    return ACTION_OTHER;
}

/* A value of the row as it is sent: secrets are not in the file and are computed again. */
static const struct json *after_of(struct walk *w, const struct mapping_attribute *m,
                                   const struct journal_property *p)
{
    const struct mapping_value *v;

    if (!m->secret || !p->after)
        return p->after;
    v = w->values ? &w->values[m - w->mapping->attributes] : NULL;
    return v && v->outcome == MAPPING_VALUE ? v->value : NULL;
}

/* The row's changes in terms of the mapping. */
static bool take_changes(struct walk *w)
{
    const struct plan_row *row = w->planned;

    w->changes.items = ARENA_ARRAY(w->arena, struct mapping_change, row->change_count);
    w->changes.count = 0;
    for (size_t i = 0; i < row->change_count; i++) {
        const struct journal_property *p = &row->changes[i];
        const struct mapping_attribute *m = apply_attribute(w->mapping, p->name);

        if (!m) {
            refuse(w, SOURCE_CHANGED, "The mapping no longer has '%.*s'", STR_ARG(p->name));
            return false;
        }
        w->changes.items[w->changes.count++] =
            (struct mapping_change){m, p->before, after_of(w, m, p)};
    }
    return true;
}

static bool source_is_the_same(struct walk *w)
{
    if (str_eq(plan_source_version(w->arena, &w->entry), w->planned->source_version))
        return true;
    refuse(w, SOURCE_CHANGED, "'%.*s' has changed in the source since the plan was made",
           STR_ARG(w->entry.display_name));
    return false;
}

static bool is_done(const struct walk *w)
{
    return w->status == STATUS_SKIPPED && str_eq_z(w->code, "RedundantExport");
}

/* Whether the account is still the one, or still none. */
static bool connection_is_the_same(struct walk *w)
{
    bool creates = w->planned->intent == INTENT_MATCH_OR_CREATE;

    if (creates && w->connected) {
        refuse(w, TARGET_CHANGED, "'%.*s' has account %.*s since the plan was made",
               STR_ARG(w->entry.display_name), STR_ARG(w->connection.target_id));
    } else if (!creates && !w->connected) {
        refuse(w, TARGET_CHANGED, "'%.*s' no longer has an account here",
               STR_ARG(w->entry.display_name));
    } else if (!creates && !str_eq(w->connection.target_id, w->planned->target_id)) {
        refuse(w, TARGET_CHANGED, "'%.*s' has account %.*s now, and the plan is about %.*s",
               STR_ARG(w->entry.display_name), STR_ARG(w->connection.target_id),
               STR_ARG(w->planned->target_id));
    } else {
        return true;
    }
    return false;
}

/* What the stations would do today has to be what the row says: they know what the object alone
 * does not show, as the manager that a filter asks about. */
static bool intent_is_the_same(struct walk *w)
{
    w->silent = false;
    if (w->intent == w->planned->intent)
        return true;
    if (w->planned->intent == INTENT_MATCH_OR_CREATE && w->intent == INTENT_UPDATE)
        return true; /* connection_is_the_same says what that means */
    if (is_done(w) || str_eq_z(w->code, "Protected"))
        return false;
    refuse(w, SOURCE_CHANGED, "The plan says %s, and now it would be %s: %.*s",
           plan_intent_name(w->planned->intent), plan_intent_name(w->intent), STR_ARG(w->message));
    return false;
}

/* An undo does what no mapping says: only its own values count. */
static void take_intent(struct walk *w)
{
    w->intent = w->planned->intent;
    w->in_scope = w->intent != INTENT_DISABLE;
    if (!w->in_scope && w->run->settings.disable_via == DISABLE_BY_DELETE)
        w->removal = REMOVAL_BY_DELETE;
}

/* The plan as a whole was judged before its first row; what is sent counts from then on. */
static void mark_guarded(struct walk *w)
{
    struct run *r = w->run;

    if (!guard_concerns(w, &w->guard.class_))
        return;
    w->guard.mark = r->apply->options->allow_removals ? GUARD_APPROVED : GUARD_ADMITTED;
    w->guard.has_row = r->guard.rows;
}

static bool prepare(struct walk *w)
{
    const struct walk_job *j = &w->run->walk_job;
    bool undoes = w->run->apply->reader.head.purpose == PLAN_OF_UNDO;

    if (!w->mapping || !w->mapping->enabled) {
        refuse(w, SOURCE_CHANGED, "No enabled object mapping handles this kind of object");
        return false;
    }
    if (!source_is_the_same(w))
        return false;
    if (undoes) {
        station_import(w, j);
        take_intent(w);
    } else {
        walk_plan(w, j);
    }
    if ((!undoes && !intent_is_the_same(w)) || !connection_is_the_same(w) || !take_changes(w))
        return false;
    w->action = action_of(w->intent);
    mark_guarded(w);
    return true;
}

static void start_row(struct walk *w)
{
    w->planned = &w->page->rows[w->place];
    if (prepare(w)) {
        station_export(w);
    } else {
        w->intent = INTENT_NOTHING;
        run_walk_finish(w);
    }
}

/* --- in the middle of the export --- */

static struct str shown(struct arena *a, const struct json *v)
{
    struct str text = v ? json_text(a, v) : STR("no value");

    return text.len <= 80 ? text : arena_printf(a, "%.*s...", 80, text.ptr);
}

static const struct json *read_value(const struct walk *w, const struct mapping_attribute *m)
{
    const struct json *v = json_get(w->exported_before, m->target);

    return json_is(v, JSON_NULL) ? NULL : v;
}

/* What the account says of a reference is not always told; then what was last exported counts. */
static const struct json *reference_value(struct walk *w, const struct mapping_attribute *m)
{
    const struct json *v = read_value(w, m);
    struct json *exported;
    struct err ignored;

    if (v || w->connection.exported.len == 0 ||
        !json_parse(w->arena, w->connection.exported, NULL, &exported, NULL, &ignored))
        return v;
    return json_get(exported, m->target);
}

/* The parts of a change that are still to be sent. */
static bool compare_change(struct walk *w, const struct mapping_change *c, bool *out_send)
{
    const struct mapping_attribute *m = c->attribute;
    const struct json *now = m->is_reference ? reference_value(w, m) : read_value(w, m);
    bool deletes = w->intent == INTENT_DELETE;

    *out_send = true;
    if (m->secret) /* nobody tells what it was */
        return true;
    if (!deletes && mapping_equal(m, now, c->after)) {
        *out_send = false;
        return true;
    }
    if (mapping_equal(m, now, c->before))
        return true;
    refuse(w, TARGET_CHANGED, "The account says %.*s for '%.*s', and the plan expects %.*s",
           STR_ARG(shown(w->arena, now)), STR_ARG(m->target), STR_ARG(shown(w->arena, c->before)));
    return false;
}

bool apply_compare(struct walk *w)
{
    struct mapping_changes left = {
        .items = ARENA_ARRAY(w->arena, struct mapping_change, w->changes.count)};

    if (w->planned->target_id.len > 0 && !str_eq(w->planned->target_id, w->target_id)) {
        refuse(w, TARGET_CHANGED, "Account %.*s matches now, and the plan is about %.*s",
               STR_ARG(w->target_id), STR_ARG(w->planned->target_id));
        return false;
    }
    for (size_t i = 0; i < w->changes.count; i++) {
        bool send;

        if (!compare_change(w, &w->changes.items[i], &send))
            return false;
        if (send)
            left.items[left.count++] = w->changes.items[i];
    }
    w->changes = left;
    return true;
}

static const struct json *change_in(const struct mapping_changes *changes,
                                    const struct mapping_attribute *m)
{
    for (size_t i = 0; i < changes->count; i++) {
        if (changes->items[i].attribute == m)
            return changes->items[i].after;
    }
    return NULL;
}

/* w->changes are what a create would send now; a value chosen to be unique may be another one. */
bool apply_create(struct walk *w)
{
    struct mapping_changes now = w->changes;

    if (!take_changes(w))
        return false;
    for (size_t i = 0; i < w->changes.count; i++) {
        const struct mapping_change *c = &w->changes.items[i];
        const struct json *chosen = change_in(&now, c->attribute);

        if (c->attribute->selects_unique && !mapping_equal(c->attribute, chosen, c->after)) {
            refuse(w, TARGET_CHANGED, "%.*s is taken now: '%.*s' would be %.*s",
                   STR_ARG(shown(w->arena, c->after)), STR_ARG(c->attribute->target),
                   STR_ARG(shown(w->arena, chosen)));
            return false;
        }
    }
    return true;
}

void apply_gone(struct walk *w)
{
    refuse(w, TARGET_CHANGED, "Account %.*s no longer exists in the target",
           STR_ARG(w->planned->target_id));
}

/* --- outcomes --- */

static bool was_refused(const struct walk *w)
{
    return w->status == STATUS_SKIPPED && !is_done(w);
}

static void on_outcome(void *ctx, const struct walk *w)
{
    struct apply *p = ctx;
    struct apply_outcome o = {
        .row = w->planned,
        .result = w->status == STATUS_FAILURE ? APPLY_FAILED
                  : was_refused(w)            ? APPLY_REFUSED
                  : is_done(w)                ? APPLY_ALREADY
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

static bool belongs_here(struct db *db, const struct engine *e, struct arena *a,
                         const struct plan_head *head, struct job *out, struct err *err)
{
    struct str here;

    if (!database_identity(db, e->rng, a, &here, err))
        return false;
    if (!str_eq(here, head->database)) {
        return err_set(err, ERR_CONFLICT, "planOfAnotherDatabase",
                       "the plan was made from another database: make it from this one");
    }
    if (job_load(db, a, head->job_id, out, err) && str_eq(out->id, head->job_id))
        return true;
    return err_set(err, ERR_CONFLICT, "planOfAnotherJob",
                   "the plan is of application '%.*s', which is no longer here",
                   STR_ARG(head->job_name));
}

/* Under the lease: nothing that a plan was made by may have changed. */
static bool is_current(const struct run *r, const struct plan_head *head, struct err *err)
{
    if (r->job.schema_version != head->schema_version) {
        return err_set(err, ERR_CONFLICT, "configurationChanged",
                       "the plan was made by version %lld of the configuration, and now it is "
                       "version %lld: make the plan again",
                       (long long)head->schema_version, (long long)r->job.schema_version);
    }
    if (!str_eq(r->job.base_url, head->base_url)) {
        return err_set(err, ERR_CONFLICT, "configurationChanged",
                       "the plan was made for %.*s, and now the application is at %.*s: make the "
                       "plan again",
                       STR_ARG(head->base_url), STR_ARG(r->job.base_url));
    }
    return true;
}

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
    int64_t unused;
    bool ok = db_begin(r->db, DB_WRITE, err) &&
              cycle_fence(r->db, &r->lease, clock_now(r->engine->clock) + RUN_LEASE_US, 0, &unused,
                          err) &&
              cycle_update(r->db, &r->cycle, err) && db_commit(r->db, err);

    if (!ok)
        db_rollback(r->db);
    return ok;
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
    if (!run_drive(r, feed_rows, start_row, err)) {
        struct err ignored;

        r->cycle.ended_us = clock_now(r->engine->clock);
        if (err->kind != ERR_CONFLICT && !r->broken && !end_cycle(r, &ignored))
            log_error("cycle_not_saved", &ignored);
        return false;
    }
    r->cycle.ended_us = clock_now(r->engine->clock);
    if (!r->paused) {
        r->cycle.phase = PHASE_DONE;
        r->cycle.state = r->cycle.counters.failed > 0 ? CYCLE_ENTRY_ERRORS : CYCLE_SUCCEEDED;
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
    if (!run_lease(&r, err) || !is_current(&r, &p->reader.head, err) ||
        !apply_selection_make(&p->selection, &p->reader, r.walk_job.program, r.source,
                              p->options->only, p->options->only_count, err) ||
        !within_guard(&r, err) || !guard_open(&r, err) || !r.target->ops->test(r.target, err) ||
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
         belongs_here(db, e, tmp, &p.reader.head, &job, err);
    db_close(db);
    ok = ok && apply(e, job.no, &p, a, err);
    plan_reader_close(&p.reader);
    return ok;
}
