#include "engine/cycle/run.h"

#include "engine/cycle/listing.h"
#include "engine/failures/governor.h"
#include "job/retry.h"
#include "job/undone.h"
#include "mapping/document.h"

/* --- opening and closing --- */

static bool load_program(struct run *r, struct err *err)
{
    CLEANUP(arena_freep) struct arena *tmp = arena_new();
    struct mapping_finding *findings = NULL;
    struct json *schema;
    struct str text;

    /* The version that the job's row says, so that the cycle knows with which one it ran. */
    if (!job_schema_load(r->db, tmp, r->job.no, r->job.schema_version, &text, err) ||
        !mapping_document_parse(tmp, text, &schema, NULL, err) ||
        !mapping_compile(r->arena, schema, &r->walk_job.program, &findings, err))
        return err_wrap(err, "synchronization schema of '%.*s'", STR_ARG(r->job.name));
    return true;
}

/* The target asks the governor from its first request on. */
static bool govern(struct run *r, struct err *err)
{
    struct job_pace learned;
    bool found = false;

    if (!job_pace_load(r->db, r->job.no, &learned, &found, err))
        return false;
    r->governor = governor_open(&r->settings, r->job.base_url, found ? &learned : NULL);
    r->target->gate = governor_gate(r->governor);
    references_tell_target(r);
    if (r->settings.concurrency > (int64_t)r->window)
        r->window = (unsigned)r->settings.concurrency;
    return true;
}

/* What the run found out about the target's limits is the next one's to begin with. */
static void remember_pace(struct run *r)
{
    struct job_pace learned = {.learned_us = clock_now(r->engine->clock)};
    struct err err;

    if (r->governor && r->leased && governor_learned(r->governor, &learned) &&
        !job_pace_save(r->db, r->job.no, &learned, &err))
        log_error("pace_not_saved", &err);
}

bool run_open(struct run *r, const struct engine *e, int64_t job_no, bool planning, struct err *err)
{
    *r = (struct run){
        .engine = e,
        .window = e->window ? e->window : RUN_WINDOW_DEFAULT,
        .arena = arena_new(),
        .initiated_by = STR("system"),
    };
    map_init(&r->matching);
    map_init(&r->unrecorded);
    map_init(&r->under_way);
    map_init(&r->reserved);
    map_init(&r->protected_accounts);
    map_init(&r->group_ids);
    /* The signal first: one that is raised after the job was read is noticed later. */
    if (!db_open(e->db, &r->db, err) || !job_signal_read(r->db, job_no, &r->signal_seen, err) ||
        !job_load_no(r->db, r->arena, job_no, &r->job, err) ||
        !job_settings_load(r->db, r->arena, job_no, &r->settings, err) || !load_program(r, err) ||
        !e->open_source(r->db, &r->job, &r->source, err))
        return false;
    r->walk_job.job = &r->job;
    r->walk_job.settings = &r->settings;
    r->walk_job.scope = r->job.scope == JOB_SCOPE_ALL ? SOURCE_SCOPE_ALL : SOURCE_SCOPE_ASSIGNED;
    r->walk_job.now_us = clock_now(e->clock);
    r->walk_job.rng = e->rng;
    protect_open(r);
    if (!others_open(r, err) || !due_run_open(r, err) ||
        !undone_count(r->db, job_no, r->job.schema_version, &r->undone, err))
        return false;
    if (planning)
        return true;
    return job_secret_load(r->db, e->key, job_no, STR("SecretToken"), &r->token, err) &&
           e->open_target(e->target_ctx, &r->job, &r->settings, &r->token, r->walk_job.program,
                          &r->target, err) &&
           govern(r, err);
}

bool run_lease(struct run *r, struct err *err)
{
    int64_t retries, pending;
    struct str position;

    if (!r->source->ops->position(r->source, r->arena, &position, err) ||
        !lease_claim(r->engine, r->db, r->job.no, position, &r->lease, err))
        return false;
    r->leased = true;
    if (!retry_count(r->db, r->job.no, &retries, err) ||
        !pending_reference_count(r->db, r->job.no, &pending, err))
        return false;
    /* What is due by time is walked like a retry, in the same phase. */
    r->had_retries = retries > 0 || r->had_due;
    r->pulse.retries = retries;
    r->had_pending = pending > 0;
    if (r->had_retries && !retry_any_made(r->db, r->job.no, &r->had_doubts, err))
        return false;
    return recorder_open(r, err);
}

bool run_write_begin(struct run *r, struct err *err)
{
    int64_t unused;

    return db_begin(r->db, DB_WRITE, err) &&
           cycle_fence(r->db, &r->lease, clock_now(r->engine->clock) + RUN_LEASE_US, 0, &unused,
                       err);
}

bool run_write_end(struct run *r, bool ok, struct err *err)
{
    if (ok && db_commit(r->db, err))
        return true;
    db_rollback(r->db);
    return false;
}

static void pages_free(struct run *r)
{
    while (r->first_page) {
        struct feed_page *page = r->first_page;

        r->first_page = page->after;
        arena_free(page->arena);
        free(page);
    }
    r->last_page = NULL;
}

void run_close(struct run *r)
{
    struct err ignored;

    recorder_close(r);
    target_close(r->target);
    remember_pace(r);
    governor_close(r->governor);
    source_close(r->source);
    if (r->leased &&
        !(r->broken ? lease_release_in_doubt : lease_release)(r->db, &r->lease, &ignored))
        log_error("lease_not_released", &ignored); /* it expires by itself */
    pages_free(r);
    while (r->idle) {
        struct walk *w = r->idle;

        r->idle = w->next;
        arena_free(w->arena);
        free(w);
    }
    listing_free(r->listing);
    map_done(&r->matching);
    map_done(&r->unrecorded);
    map_done(&r->under_way);
    map_done(&r->reserved);
    map_done(&r->protected_accounts);
    map_done(&r->group_ids);
    secret_done(&r->token);
    db_close(r->db);
    arena_free(r->arena);
}

/* --- walks --- */

struct walk *run_walk_new(struct run *r, struct feed_page *page, size_t index)
{
    struct walk *w = r->idle;
    struct arena *arena;

    if (w) {
        r->idle = w->next;
        arena = w->arena;
    } else {
        w = mem_alloc(sizeof(*w));
        arena = arena_new();
    }
    *w = (struct walk){
        .arena = arena,
        .run = r,
        .page = page,
        .place = index,
        .entry = page->entries[index],
        .began_us = clock_monotonic_us(),
    };
    w->mapping = mapping_for(r->walk_job.program, w->entry.kind);
    if (page->connections[index]) {
        w->connected = true;
        w->connection = *page->connections[index];
        w->target_id = w->connection.target_id;
    }
    if (page->repeats)
        map_put(&r->under_way, w->entry.id, w);
    page->alive++;
    r->alive++;
    return w;
}

static void page_release(struct feed_page *page)
{
    if (page->alive > 0 || page->unfinished > 0)
        return;
    arena_free(page->arena);
    free(page);
}

void run_walk_recycle(struct run *r, struct walk *w)
{
    struct feed_page *page = w->page;

    if (w->keep == KEEP_CONNECTION && map_get(&r->unrecorded, w->target_id) == w)
        map_take(&r->unrecorded, w->target_id);
    if (page->repeats && map_get(&r->under_way, w->entry.id) == w)
        map_take(&r->under_way, w->entry.id);
    unique_release(w);
    references_let_go(w);
    arena_reset(w->arena);
    w->next = r->idle;
    r->idle = w;
    r->alive--;
    page->alive--;
    /* A page still in the list is released by run_pass_pages, which moves the cursor over it. */
    for (struct feed_page *p = r->first_page; p; p = p->after) {
        if (p == page)
            return;
    }
    page_release(page);
}

/* Moves the cursor over the pages whose objects all have their outcome in the recorder's hands. */
void run_pass_pages(struct run *r)
{
    while (r->first_page && r->first_page->unfinished == 0) {
        struct feed_page *page = r->first_page;

        if (!page->aside) {
            snprintf(r->cursor, sizeof(r->cursor), "%.*s", STR_ARG(page->next));
            r->cursor_moved = true;
        }
        r->first_page = page->after;
        if (!r->first_page)
            r->last_page = NULL;
        page_release(page);
    }
}

/* Whether an earlier stretch of this cycle has recorded the object: what was not passed before a
 * stop is walked again. */
static bool is_counted(const struct run *r, const struct walk *w)
{
    return w->connected && w->unchanged && r->cycle.id.len > 0 &&
           w->connection.changed_us >= r->cycle.began_us;
}

/* Noise that is not written one by one (engine.md 13.2). */
static void count_silent(struct cycle_counters *c, struct str code)
{
    const struct {
        const char *code;
        int64_t *count;
    } reasons[] = {
        {"NotEffectivelyEntitled", &c->skipped_entitled},
        {"FilteredOut", &c->skipped_filtered},
        {"SourceDisabled", &c->skipped_disabled},
        {"SourceDeleted", &c->skipped_deleted},
        {"ActionDisabled", &c->skipped_off},
    };

    for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
        *reasons[i].count += str_eq_z(code, reasons[i].code);
}

static void count_outcome(struct cycle_counters *c, const struct walk *w)
{
    c->imported += !w->reopened; /* counted by its first pass */
    c->in_scope += w->in_scope && !w->reopened;
    c->requests += w->requests;
    if (w->status == STATUS_WARNING)
        c->warnings++;
    if (w->status == STATUS_FAILURE) {
        c->failed++;
    } else if (w->unchanged) {
        c->unchanged++;
    } else if (w->status == STATUS_SKIPPED) {
        c->skipped++;
        if (!w->connected)
            count_silent(c, w->code);
    } else {
        c->matched += w->origin == CONNECTION_MATCHED && w->keep == KEEP_CONNECTION &&
                      (!w->connected || w->rematched);
        c->created += w->action == ACTION_CREATE;
        c->updated += w->action == ACTION_UPDATE;
        c->disabled += w->action == ACTION_DISABLE;
        c->deleted += w->action == ACTION_DELETE;
    }
}

/* The object itself is counted by its first pass. */
static void count_references(struct cycle_counters *c, const struct walk *w)
{
    const struct walk_references *s = w->second;

    c->requests += w->requests;
    c->warnings += w->status == STATUS_WARNING;
    c->failed_references += w->status == STATUS_FAILURE;
    for (size_t i = 0; i < s->named_count; i++)
        c->references += s->named[i].changed && w->keep == KEEP_CONNECTION;
    for (size_t i = 0; i < s->member_count; i++)
        c->references += s->members[i].outcome == MEMBER_SENT && s->members[i].target_id.len > 0;
}

static bool writes_due(const struct walk *w)
{
    for (size_t i = 0; i < DUE_REASON_COUNT; i++) {
        if (w->due[i].write != DUE_UNCHANGED)
            return true;
    }
    return false;
}

/* Something was written to the account. */
static bool has_written(const struct walk *w)
{
    return w->status != STATUS_FAILURE &&
           (w->action == ACTION_CREATE || w->action == ACTION_UPDATE ||
            w->action == ACTION_DISABLE || w->action == ACTION_DELETE);
}

void run_walk_finish(struct walk *w)
{
    struct run *r = w->run;

    w->at_us = clock_now(r->engine->clock);
    if (has_written(w) && w->requests > 0)
        r->denied_in_row = 0;
    /* An unchanged object of a full read is noise; one that the feed named is told (engine.md 3.3).
     */
    if (w->unchanged && r->cycle.kind == CYCLE_INITIAL && r->cycle.id.len > 0)
        w->silent = true;
    if (w->silent && w->status == STATUS_SKIPPED && r->settings.skipped_one_by_one &&
        !w->unchanged && !w->again_in_cycle)
        w->silent = false;
    if (w->references) {
        count_references(&r->cycle.counters, w);
    } else if (!w->again_in_cycle && !is_counted(r, w)) {
        count_outcome(&r->cycle.counters, w);
    }
    /* The people among the changes come to the second pass by themselves; who came in otherwise,
     * and members of a new group, which have not changed, do not. */
    w->owes_references =
        !w->references && (r->cycle.id.len == 0 || r->cycle.phase != PHASE_CHANGES || w->planned ||
                           w->entry.kind == SOURCE_GROUP);
    r->pulse.done += !w->again_in_cycle;
    if (r->finished)
        r->finished(r->finished_ctx, w);
    w->page->unfinished--;
    bool to_record = !w->again_in_cycle &&
                     (!w->silent || w->keep != KEEP_NOTHING || w->status == STATUS_FAILURE ||
                      r->had_retries || references_to_record(w) || writes_due(w));
    if (!r->leased || (!to_record && w->guard.mark == GUARD_FREE)) {
        run_walk_recycle(r, w);
    } else {
        recorder_add(r, w);
    }
    run_pass_pages(r);
}

bool run_target_taken(struct walk *w, struct str target_id, bool *out_taken, struct str *out_other,
                      struct err *err)
{
    struct run *r = w->run;
    const struct walk *unrecorded = map_get(&r->unrecorded, target_id);
    struct connection c;
    bool found;

    if (unrecorded && unrecorded != w) {
        *out_taken = !str_eq(unrecorded->entry.id, w->entry.id);
        *out_other = arena_str(w->arena, unrecorded->entry.id);
        return true;
    }
    if (!connection_find_target(r->db, w->arena, r->job.no, target_id, &c, &found, err))
        return false;
    *out_taken = found && !str_eq(c.source_id, w->entry.id);
    *out_other = found ? c.source_id : (struct str){0};
    return true;
}
