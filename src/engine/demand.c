/* One person or group on demand (engine.md 12): the same walk, fed with one object, its record
 * given back. Its references follow: those that it has, and those of who waited for it. */
#include "engine/run.h"

struct capture {
    struct arena *arena;
    struct run *run;
    struct journal_record *out;
};

static struct json *copy(struct arena *a, const struct json *v)
{
    return v ? json_clone(a, v) : NULL;
}

/* The record outlives the walk: everything is copied. */
static void capture(void *ctx, const struct walk *w)
{
    struct capture *c = ctx;
    struct arena *a = c->arena;
    struct journal_record r = walk_record(w);
    struct journal_step *steps = ARENA_ARRAY(a, struct journal_step, r.step_count);
    struct journal_property *properties = ARENA_ARRAY(a, struct journal_property, r.property_count);

    if (w->references)
        return;
    for (size_t i = 0; i < r.step_count; i++) {
        steps[i] = r.steps[i];
        steps[i].description = arena_str(a, r.steps[i].description);
        steps[i].details = copy(a, r.steps[i].details);
    }
    for (size_t i = 0; i < r.property_count; i++) {
        properties[i].name = arena_str(a, r.properties[i].name);
        properties[i].before = copy(a, r.properties[i].before);
        properties[i].after = copy(a, r.properties[i].after);
    }
    r.steps = steps;
    r.properties = properties;
    r.job_no = c->run->job.no;
    r.code = arena_str(a, r.code);
    r.message = arena_str(a, r.message);
    r.source_id = arena_str(a, r.source_id);
    r.source_name = arena_str(a, r.source_name);
    r.source_login = arena_str(a, r.source_login);
    r.target_id = arena_str(a, r.target_id);
    r.target_name = arena_str(a, r.target_name);
    r.initiated_by = arena_str(a, c->run->initiated_by);
    *c->out = r;
}

static void start_aloud(struct walk *w)
{
    run_plan_walk(w);
    guard_pass_on_demand(w);
    w->silent = false; /* on demand everything is told */
    if (w->intent == INTENT_NOTHING) {
        run_walk_finish(w);
    } else {
        station_export(w);
    }
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
    return r.source->ops->find(r.source, who, r.arena, &entry, err) &&
           (send == ENGINE_SHOW || run_lease(&r, err)) && r.target->ops->test(r.target, err) &&
           run_drive(&r, feed_only, start_aloud, err) &&
           (send == ENGINE_SHOW || !references_mapped(r.walk_job.program) ||
            run_drive(&r, feed_references_of_only, references_start, err));
}
