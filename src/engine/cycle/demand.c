/* One person or group on demand (engine.md 12): the same walk, fed with one object, its record
 * given back. A group goes with all its members, who are walked a page at a time before it. Its
 * references follow: those that it has, and those of who waited for it. */
#include "engine/cycle/run.h"
#include "engine/guard/guard.h"

struct capture {
    struct arena *arena;
    struct run *run;
    struct journal_record *out;
    struct str who; /* the id asked for: others are only counted */
    int64_t members, sent, failed;
    struct str first_failure;
};

static struct json *copy(struct arena *a, const struct json *v)
{
    return v ? json_clone(a, v) : NULL;
}

/* The record outlives the walk: everything is copied. */
static void add_steps(struct capture *c, const struct journal_step *steps, size_t count)
{
    struct arena *a = c->arena;
    size_t had = c->out->step_count;
    struct journal_step *all = ARENA_ARRAY(a, struct journal_step, had + count + 1);

    for (size_t i = 0; i < had; i++)
        all[i] = c->out->steps[i];
    for (size_t i = 0; i < count; i++) {
        all[had + i] = steps[i];
        all[had + i].description = arena_str(a, steps[i].description);
        all[had + i].details = copy(a, steps[i].details);
    }
    c->out->steps = all;
    c->out->step_count = had + count;
}

static void add_properties(struct capture *c, const struct journal_property *properties,
                           size_t count)
{
    struct arena *a = c->arena;
    size_t had = c->out->property_count;
    struct journal_property *all = ARENA_ARRAY(a, struct journal_property, had + count + 1);

    for (size_t i = 0; i < had; i++)
        all[i] = c->out->properties[i];
    for (size_t i = 0; i < count; i++) {
        all[had + i].name = arena_str(a, properties[i].name);
        all[had + i].before = copy(a, properties[i].before);
        all[had + i].after = copy(a, properties[i].after);
    }
    c->out->properties = all;
    c->out->property_count = had + count;
}

static void capture_object(struct capture *c, const struct walk *w)
{
    struct arena *a = c->arena;
    struct journal_record r = walk_record(w);

    *c->out = r;
    c->out->steps = NULL;
    c->out->properties = NULL;
    c->out->step_count = c->out->property_count = 0;
    add_steps(c, r.steps, r.step_count);
    add_properties(c, r.properties, r.property_count);
    c->out->job_no = c->run->job.no;
    c->out->code = arena_str(a, r.code);
    c->out->message = arena_str(a, r.message);
    c->out->source_id = arena_str(a, r.source_id);
    c->out->source_name = arena_str(a, r.source_name);
    c->out->source_login = arena_str(a, r.source_login);
    c->out->target_id = arena_str(a, r.target_id);
    c->out->target_name = arena_str(a, r.target_name);
    c->out->initiated_by = arena_str(a, c->run->initiated_by);
}

/* What the second pass did is told with the object. */
static void capture_references(struct capture *c, const struct walk *w)
{
    if (w->step_count == 0)
        return;
    add_steps(c, w->steps, w->step_count);
    add_properties(c, w->properties, w->property_count);
    if (w->status == STATUS_FAILURE || w->status == STATUS_WARNING) {
        if (c->out->status != STATUS_FAILURE)
            c->out->status = STATUS_WARNING;
        c->out->code = arena_str(c->arena, w->code);
        c->out->message = arena_str(c->arena, w->message);
    } else if (c->out->status == STATUS_SKIPPED && w->action == ACTION_UPDATE) {
        c->out->status = STATUS_SUCCESS;
        c->out->action = ACTION_UPDATE;
        c->out->code = c->out->message = (struct str){0};
    }
}

static void capture(void *ctx, const struct walk *w)
{
    struct capture *c = ctx;

    if (!str_eq(w->entry.id, c->who)) {
        c->members += !w->references;
        c->sent += !w->references && w->status == STATUS_SUCCESS;
        c->failed += w->status == STATUS_FAILURE;
        if (w->status == STATUS_FAILURE && c->first_failure.len == 0) {
            c->first_failure = arena_printf(c->arena, "%.*s: %.*s", STR_ARG(w->entry.display_name),
                                            STR_ARG(w->message));
        }
    } else if (w->references) {
        capture_references(c, w);
    } else {
        capture_object(c, w);
    }
}

/* An account that seems to be right is read all the same: on demand what was changed in the
 * application is put right, too (engine.md 12.1). */
static void ask_the_account(struct walk *w)
{
    if (!w->connected || !w->unchanged || w->removal == REMOVAL_BY_DELETE ||
        !(w->mapping->can & MAPPING_CAN_UPDATE))
        return;
    w->unchanged = false;
    w->intent = w->in_scope ? INTENT_UPDATE : INTENT_DISABLE;
    w->action = w->in_scope || w->removal == REMOVAL_BY_VALUE ? ACTION_UPDATE : ACTION_DISABLE;
}

static void start_aloud(struct walk *w)
{
    run_plan_walk(w);
    ask_the_account(w);
    w->silent = false; /* on demand everything is told */
    if (w->intent == INTENT_NOTHING && w->status == STATUS_SKIPPED) {
        walk_step(w, STEP_PROCESSING, "EntrySynchronizationSkip", STATUS_SKIPPED, "%.*s",
                  STR_ARG(w->message));
        json_add_str(w->arena, walk_details(w), "SkipReason", w->code);
    }
    guard_pass_on_demand(w);
    if (w->intent == INTENT_NOTHING) {
        run_walk_finish(w);
    } else {
        station_export(w);
    }
}

/* A member of the group that was asked for: only what is done about it is told. What the guard
 * counts is left to the next cycle, where it is counted. */
static void start_member(struct walk *w)
{
    enum held_class class_;

    run_plan_walk(w);
    if (guard_concerns(w, &class_)) {
        walk_skip(w, "EntrySynchronizationSkipped", "Left to the next cycle");
        w->unchanged = true;
    }
    w->silent |= w->unchanged;
    if (w->intent == INTENT_NOTHING) {
        run_walk_finish(w);
    } else {
        station_export(w);
    }
}

/* --- feeds --- */

/* The direct members of the group; groups inside it are asked for by themselves. */
static bool feed_members_of_only(struct run *r, struct str cursor, struct feed_page *page,
                                 struct err *err)
{
    struct str *ids;
    size_t count;

    if (!r->source->ops->members(r->source, r->only->id, cursor, RUN_PAGE_SIZE, page->arena, &ids,
                                 &count, err))
        return false;
    page->entries = ARENA_ARRAY(page->arena, struct source_entry, count);
    for (size_t i = 0; i < count; i++) {
        if (!feed_entry(r, page, ids[i], SOURCE_USER, (struct str){0}, &page->entries[page->count],
                        err))
            return false;
        page->count += page->entries[page->count].kind == SOURCE_USER;
    }
    page->last = count < RUN_PAGE_SIZE;
    page->next = count > 0 ? ids[count - 1] : cursor;
    return feed_connections_of(r, page, err);
}

static bool drive(struct run *r, run_load *load, void (*start)(struct walk *w), struct err *err)
{
    r->cursor[0] = '\0';
    r->cursor_moved = false;
    return run_drive(r, load, start, err);
}

static bool walk_members(struct run *r, struct capture *c, struct err *err)
{
    struct journal_step step = {.type = STEP_REFERENCE, .name = "EntryMembers"};

    if (!drive(r, feed_members_of_only, start_member, err))
        return false;
    step.status = c->failed > 0 ? STATUS_WARNING : STATUS_SUCCESS;
    step.description =
        arena_printf(c->arena, "%lld people of the group looked at: %lld %s, %lld failed%s%.*s",
                     (long long)c->members, (long long)c->sent,
                     r->send == ENGINE_SHOW ? "would be sent" : "sent", (long long)c->failed,
                     c->first_failure.len ? ", the first " : "", STR_ARG(c->first_failure));
    c->out->steps = NULL;
    c->out->step_count = 0;
    add_steps(c, &step, 1);
    return true;
}

/* --- */

/* Who is known by id only, because the source has nothing any more. */
static bool find_gone(struct run *r, struct str who, struct source_entry *out, struct err *err)
{
    struct connection c;
    struct err why = *err;
    bool found;

    if (err->kind != ERR_NOT_FOUND)
        return false;
    if (!r->source->ops->read(r->source, who, r->arena, out, &found, err))
        return false;
    if (!found) {
        *err = why;
        return false;
    }
    if (!connection_load(r->db, r->arena, r->job.no, out->id, &c, &found, err))
        return false;
    if (found && str_empty(out->display_name))
        out->display_name = c.display_name;
    return true;
}

static bool find(struct run *r, struct str who, struct source_entry *out, struct err *err)
{
    return r->source->ops->find(r->source, who, r->arena, out, err) || find_gone(r, who, out, err);
}

/* The step that is shown only when it fails: nothing else is tried then. */
static bool test_failed(struct run *r, struct capture *c, const struct err *err)
{
    struct journal_step step = {
        .type = STEP_EXPORT,
        .name = "TestConnection",
        .status = STATUS_FAILURE,
        .description = str_from_z(err->message),
    };

    *c->out = (struct journal_record){
        .job_no = r->job.no,
        .at_us = clock_now(r->engine->clock),
        .action = ACTION_OTHER,
        .status = STATUS_FAILURE,
        .code = str_from_z(err->code),
        .message = arena_str(c->arena, str_from_z(err->message)),
        .kind = r->only->kind,
        .source_id = arena_str(c->arena, r->only->id),
        .source_name = arena_str(c->arena, r->only->display_name),
        .initiated_by = arena_str(c->arena, r->initiated_by),
    };
    add_steps(c, &step, 1);
    return true;
}

/* A grace period that begins on demand wakes the job like any other. */
static bool wake_when_due(struct run *r, struct err *err)
{
    int64_t next = due_wake_us(r, r->job.next_cycle_us);

    return next == r->job.next_cycle_us || job_set_next_cycle(r->db, r->job.no, next, err);
}

static bool has_members(const struct run *r)
{
    const struct mapping_object *m = mapping_for(r->walk_job.program, SOURCE_GROUP);

    return r->only->kind == SOURCE_GROUP && !r->only->gone && m && m->enabled;
}

static bool walk_object(struct run *r, struct capture *c, struct err *err)
{
    struct journal_step members = {.name = NULL};

    if (has_members(r)) {
        if (!walk_members(r, c, err))
            return false;
        members = c->out->steps[0];
    }
    if (!drive(r, feed_only, start_aloud, err))
        return false;
    if (members.name)
        add_steps(c, &members, 1);
    return !references_mapped(r->walk_job.program) ||
           drive(r, feed_references_of_only, references_start, err);
}

bool engine_provision(const struct engine *e, int64_t job_no, struct str who, enum engine_send send,
                      struct str initiated_by, struct arena *a, struct journal_record *out,
                      struct err *err)
{
    CLEANUP(run_close) struct run r;
    struct capture c = {.arena = a, .run = &r, .out = out};
    struct source_entry entry;

    if (!run_open(&r, e, job_no, false, err))
        return false;
    r.send = send;
    r.initiated_by = initiated_by;
    r.finished = capture;
    r.finished_ctx = &c;
    r.only = &entry;
    r.walk_job.tells_all = true;
    if (!find(&r, who, &entry, err) || (send == ENGINE_SEND && !run_lease(&r, err)))
        return false;
    c.who = entry.id;
    if (!run_test_target(&r, err))
        return test_failed(&r, &c, err);
    return walk_object(&r, &c, err) && (send == ENGINE_SHOW || wake_when_due(&r, err));
}
