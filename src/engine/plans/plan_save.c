/* A plan that is kept in a file (plan_file.h), with what an apply needs to know to do exactly it:
 * which configuration and database it is of, and of each row what source and target said. */
#include "engine/cycle/run.h"
#include "engine/plans/apply.h"
#include "engine/plans/plan_file.h"
#include "engine/plans/plan_settings.h"
#include "job/undone.h"

enum { PROGRESS_EVERY = 64 }; /* objects */

struct save {
    struct run *run;
    struct plan_writer writer;
    struct plan_counts counts;
    const struct engine_plan_options *options;
    int64_t total;
    struct err err; /* the first failure of writing */
    bool failed;
};

/* What a deletion takes away: the values last exported. References are followed by the second pass
 * and no part of what is reviewed. */
static void list_exported(struct walk *w, struct plan_row *row)
{
    struct journal_property *list;
    struct json *exported;
    struct err ignored;

    if (w->connection.exported.len == 0 ||
        !json_parse(w->arena, w->connection.exported, NULL, &exported, NULL, &ignored) ||
        !json_is(exported, JSON_OBJECT))
        return;
    list = ARENA_ARRAY(w->arena, struct journal_property, exported->count);
    row->changes = list;
    row->change_count = 0;
    JSON_EACH(item, exported)
    {
        const struct mapping_attribute *m = apply_attribute(w->mapping, item->name);

        if (!m || m->is_reference)
            continue;
        list[row->change_count++] = (struct journal_property){
            .name = item->name,
            .before = m->secret ? json_string(w->arena, STR("*****")) : item,
        };
    }
}

static struct plan_row row_of(struct walk *w, bool asked)
{
    struct plan_row row = walk_plan_row(w);

    if (asked && w->intent == INTENT_MATCH_OR_CREATE) {
        walk_properties(w, &w->changes);
        row.changes = w->properties;
        row.change_count = w->property_count;
        row.target_id = w->target_id;
        if (w->target_id.len > 0)
            row.reason = STR("an account matches");
    }
    if (w->intent == INTENT_DELETE)
        list_exported(w, &row);
    row.source_version = plan_source_version(w->arena, &w->entry);
    if (w->connected)
        row.target_version = plan_target_version(w->arena, w->connection.exported);
    return row;
}

static void visit(void *ctx, struct walk *w)
{
    struct save *s = ctx;
    bool fails = w->status == STATUS_FAILURE && w->intent == INTENT_NOTHING;

    s->counts.read++;
    s->counts.failed += fails;
    s->counts.by_intent[w->intent]++;
    if (s->options->progress && s->counts.read % PROGRESS_EVERY == 0)
        s->options->progress(s->options->ctx, s->counts.read, s->total);
    if (s->failed || (w->intent == INTENT_NOTHING && !fails && !w->undone))
        return;
    struct plan_row row = row_of(w, s->options->ask);

    s->failed = !plan_writer_add(&s->writer, &row, &s->err);
}

static int64_t expected(struct run *r, enum plan_of of)
{
    struct source *s = r->source;
    struct err ignored;
    int64_t total = 0;

    for (int kind = 0; of == PLAN_ALL && s->ops->count && kind < SOURCE_KIND_COUNT; kind++) {
        int64_t n = 0;

        if (s->ops->count(s, (enum source_kind)kind, r->walk_job.scope, &n, &ignored))
            total += n;
    }
    return total;
}

static bool make(struct save *s, enum plan_of of, const char *path, struct arena *a,
                 struct plan_head *out, struct err *err)
{
    struct run *r = s->run;
    struct plan_head head = {
        .purpose = PLAN_OF_CYCLE,
        .job_id = r->job.id,
        .job_name = r->job.name,
        .base_url = r->job.base_url,
        .schema_version = r->job.schema_version,
        .asked = s->options->ask,
        .made_us = clock_now(r->engine->clock),
    };

    struct json *settings;

    if (!plan_settings(r->db, r->arena, &r->job, &settings, err) ||
        !database_identity(r->db, r->engine->rng, a, &head.database, err) ||
        !watermark_load(r->db, a, r->job.no, &head.watermark, err) ||
        !plan_writer_open(&s->writer, path, err))
        return false;
    head.settings = settings;
    head.everybody = of == PLAN_ALL || str_empty(head.watermark);
    s->total = expected(r, head.everybody ? PLAN_ALL : of);
    r->stop = s->options->stop;
    if (!(s->options->ask ? forecast_ask : forecast_run)(r, of, visit, s, err))
        return false;
    if (s->failed) {
        *err = s->err;
        return false;
    }
    head.counts = s->counts;
    if (!plan_writer_finish(&s->writer, &head, err))
        return false;
    head.job_id = arena_str(a, head.job_id);
    head.job_name = arena_str(a, head.job_name);
    head.base_url = arena_str(a, head.base_url);
    head.digest = arena_str(a, head.digest);
    head.settings = json_clone(a, settings);
    *out = head;
    return true;
}

bool engine_plan_save(const struct engine *e, int64_t job_no, enum plan_of of, const char *path,
                      const struct engine_plan_options *options, struct arena *a,
                      struct plan_head *out, struct err *err)
{
    CLEANUP(run_close) struct run r;
    struct save s = {.run = &r, .options = options};
    bool ok;

    ok = run_open(&r, e, job_no, !options->ask, err) && make(&s, of, path, a, out, err);
    plan_writer_drop(&s.writer);
    return ok;
}
