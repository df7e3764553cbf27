/* Undoing a past run (engine.md 23): its records of the journal, turned round into a plan. What the
 * records do not hold, or what has changed since, is listed instead, with the reason. */
#include "engine/cycle/run.h"
#include "engine/plans/apply.h"
#include "job/undone.h"

enum {
    RECORDS_AT_ONCE = 250,
    RECORDS_OF_ONE_MAX = 1000, /* of one object in one cycle */
};

struct undo {
    struct run *run;
    struct cycle cycle;
    struct plan_writer writer;
    struct plan_counts counts;
    const struct engine_plan_options *options;
    struct arena *tmp; /* of one object */
};

/* What the cycle did to one object, all its records together. */
struct net {
    const struct journal_record *newest;
    struct journal_property *properties; /* before: at the start of the cycle; after: at its end */
    size_t count;
    bool created, deleted;
    bool untold; /* some of it is not in the records */
};

/* --- what the records say --- */

static bool took_effect(const struct journal_record *r)
{
    return (r->status == STATUS_SUCCESS || r->status == STATUS_WARNING) &&
           (r->action == ACTION_CREATE || r->action == ACTION_UPDATE ||
            r->action == ACTION_DISABLE || r->action == ACTION_DELETE);
}

static void merge(struct net *n, const struct journal_property *p)
{
    for (size_t i = 0; i < n->count; i++) {
        if (str_eq(n->properties[i].name, p->name)) {
            n->properties[i].after = p->after;
            return;
        }
    }
    n->properties[n->count++] = *p;
}

/* records: newest first. */
static void sum_up(struct arena *a, const struct journal_record *records, size_t count,
                   struct net *out)
{
    size_t all = 0;

    *out = (struct net){.newest = records};
    for (size_t i = 0; i < count; i++)
        all += records[i].property_count;
    out->properties = ARENA_ARRAY(a, struct journal_property, all + 1);
    for (size_t i = count; i-- > 0;) {
        const struct journal_record *r = &records[i];

        if (!took_effect(r))
            continue;
        out->created |= r->action == ACTION_CREATE;
        out->deleted |= r->action == ACTION_DELETE;
        out->untold |= r->action != ACTION_DELETE && r->property_count == 0;
        for (size_t k = 0; k < r->property_count; k++)
            merge(out, &r->properties[k]);
    }
}

/* Whether something was done to the object after the cycle. */
static bool changed_since(struct undo *u, const struct net *n, bool *out, struct err *err)
{
    struct journal_query q = {.source_id = n->newest->source_id, .limit = RECORDS_AT_ONCE};
    struct journal_record *later;
    size_t count;

    *out = false;
    if (!journal_list(u->run->db, u->tmp, u->run->job.no, &q, &later, &count, err))
        return false;
    for (size_t i = 0; i < count && later[i].no > n->newest->no; i++)
        *out |= took_effect(&later[i]);
    return true;
}

/* --- one object --- */

struct object {
    struct undo *undo;
    const struct net *net;
    struct source_entry entry;
    struct connection connection;
    bool connected;
    const struct mapping_object *mapping;
    struct json *exported; /* or NULL */
    struct plan_row row;
};

static bool load(struct object *o, struct err *err)
{
    struct run *r = o->undo->run;
    const struct journal_record *newest = o->net->newest;
    struct err ignored;
    bool found;

    if (!r->source->ops->read(r->source, newest->source_id, o->undo->tmp, &o->entry, &found, err))
        return false;
    if (!found) {
        o->entry =
            (struct source_entry){.id = newest->source_id, .kind = newest->kind, .gone = true};
    }
    if (!connection_load(r->db, o->undo->tmp, r->job.no, newest->source_id, &o->connection,
                         &o->connected, err))
        return false;
    o->mapping = mapping_for(r->walk_job.program, newest->kind);
    if (o->connected && o->connection.exported.len > 0 &&
        !json_parse(o->undo->tmp, o->connection.exported, NULL, &o->exported, NULL, &ignored))
        o->exported = NULL;
    o->row = (struct plan_row){
        .intent = INTENT_UPDATE,
        .kind = newest->kind,
        .source_id = newest->source_id,
        .source_name = newest->source_name,
        .target_id = newest->target_id,
    };
    o->row.source_version = plan_source_version(o->undo->tmp, &o->entry);
    o->row.target_version = plan_target_version(o->undo->tmp, o->connection.exported);
    return true;
}

static bool add_row(struct undo *u, const struct plan_row *row, struct err *err)
{
    u->counts.by_intent[row->intent]++;
    return plan_writer_add(&u->writer, row, err);
}

/* A row that says what cannot be undone, and why. */
static bool cannot(struct object *o, struct str reason, struct err *err)
{
    struct plan_row row = o->row;

    row.intent = INTENT_NOTHING;
    row.code = STR("CannotBeUndone");
    row.reason = reason;
    row.changes = NULL;
    row.change_count = 0;
    return add_row(o->undo, &row, err);
}

static bool evaluate(struct object *o, bool soft_deleted, struct mapping_value **out)
{
    const struct run *r = o->undo->run;
    struct mapping_source source = {
        .kind = o->entry.kind,
        .attributes = o->entry.attributes,
        .is_soft_deleted = soft_deleted,
    };
    struct mapping_context context = {.now_us = r->walk_job.now_us, .rng = r->walk_job.rng};
    struct err ignored;

    *out = ARENA_ARRAY(o->undo->tmp, struct mapping_value, o->mapping->attribute_count);
    return o->entry.attributes &&
           mapping_evaluate(o->mapping, &source, &context, o->undo->tmp, *out, &ignored);
}

static void take_changes(struct object *o, const struct mapping_changes *changes)
{
    struct journal_property *list =
        ARENA_ARRAY(o->undo->tmp, struct journal_property, changes->count);

    for (size_t i = 0; i < changes->count; i++) {
        list[i] = (struct journal_property){
            .name = changes->items[i].attribute->target,
            .before = changes->items[i].before,
            .after = changes->items[i].after,
        };
    }
    o->row.changes = list;
    o->row.change_count = changes->count;
}

/* An account that the cycle created is disabled: what it was connected with stays to be found. */
static bool undo_creation(struct object *o, struct err *err)
{
    struct mapping_value *values;
    struct mapping_changes changes;

    if (o->row.kind == SOURCE_GROUP)
        return cannot(o, STR("it was created, and a group cannot be disabled"), err);
    if (o->undo->run->settings.disable_via == DISABLE_NOT)
        return cannot(o, STR("it was created, and the application cannot disable an account"), err);
    if (!o->mapping->maps_soft_deleted || !(o->mapping->can & MAPPING_CAN_UPDATE))
        return cannot(o, STR("it was created, and the mapping cannot disable an account"), err);
    if (!evaluate(o, true, &values))
        return cannot(o, STR("it was created, and its person is no longer in the source"), err);
    mapping_update(o->mapping, values, o->exported, UPDATE_SOFT_DELETED_ONLY, o->undo->tmp,
                   &changes);
    if (changes.count == 0)
        return cannot(o, STR("it was created, and is disabled already"), err);
    take_changes(o, &changes);
    o->row.intent = INTENT_DISABLE;
    o->row.reason = STR("the cycle created it");
    return add_row(o->undo, &o->row, err);
}

static bool is_secret(const struct mapping_attribute *m, const struct journal_property *p)
{
    return m->secret || (json_is(p->before, JSON_STRING) && str_eq_z(p->before->text, "*****"));
}

/* Why one attribute cannot be put back; empty when it can. */
static struct str obstacle(struct object *o, const struct journal_property *p)
{
    const struct mapping_attribute *m = apply_attribute(o->mapping, p->name);
    struct arena *a = o->undo->tmp;
    const struct json *now = json_get(o->exported, p->name);

    if (!m)
        return arena_printf(a, "'%.*s' is no longer mapped", STR_ARG(p->name));
    if (is_secret(m, p))
        return arena_printf(a, "'%.*s' is a secret: its old value is not kept", STR_ARG(p->name));
    if (!mapping_equal(m, now, p->after))
        return arena_printf(a, "'%.*s' has changed since", STR_ARG(p->name));
    if (!p->before && m->required) {
        return arena_printf(a, "'%.*s' had no value, and the target requires one",
                            STR_ARG(p->name));
    }
    return (struct str){0};
}

/* Whether a value is the one of an account that is disabled. */
static enum plan_intent intent_of(struct object *o, const struct mapping_attribute *m,
                                  const struct json *after)
{
    size_t i = (size_t)(m - o->mapping->attributes);
    struct mapping_value *off;

    if (!m->uses_soft_deleted || !evaluate(o, true, &off) || off[i].outcome != MAPPING_VALUE ||
        !mapping_equal(m, off[i].value, after))
        return INTENT_UPDATE;
    return INTENT_DISABLE;
}

static struct str why(const struct object *o)
{
    for (size_t i = 0; i < o->row.change_count; i++) {
        const struct mapping_attribute *m = apply_attribute(o->mapping, o->row.changes[i].name);

        if (m->uses_soft_deleted) {
            return o->row.intent == INTENT_DISABLE ? STR("the cycle enabled it")
                                                   : STR("the cycle disabled it");
        }
    }
    return STR("the cycle changed it");
}

static bool undo_changes(struct object *o, struct err *err)
{
    struct journal_property *list =
        ARENA_ARRAY(o->undo->tmp, struct journal_property, o->net->count + 1);
    size_t count = 0;

    for (size_t i = 0; i < o->net->count; i++) {
        const struct journal_property *p = &o->net->properties[i];
        const struct mapping_attribute *m = apply_attribute(o->mapping, p->name);
        struct str reason = obstacle(o, p);

        if (reason.len > 0) {
            if (!cannot(o, reason, err))
                return false;
            continue;
        }
        if (mapping_equal(m, p->before, p->after))
            continue;
        list[count++] =
            (struct journal_property){.name = p->name, .before = p->after, .after = p->before};
        if (intent_of(o, m, p->before) == INTENT_DISABLE)
            o->row.intent = INTENT_DISABLE;
    }
    o->row.changes = list;
    o->row.change_count = count;
    o->row.reason = why(o);
    return count == 0 || add_row(o->undo, &o->row, err);
}

static bool undo_object(struct undo *u, const struct net *n, struct err *err)
{
    struct object o = {.undo = u, .net = n};
    bool since;

    if (!load(&o, err) || !changed_since(u, n, &since, err))
        return false;
    if (n->deleted)
        return cannot(&o, STR("it was deleted, and a deleted account does not come back"), err);
    if (since)
        return cannot(&o, STR("it was changed again since"), err);
    if (!o.connected || !str_eq(o.connection.target_id, n->newest->target_id))
        return cannot(&o, STR("it is no longer connected to that account"), err);
    if (!o.mapping || !o.mapping->enabled)
        return cannot(&o, STR("its kind is no longer mapped"), err);
    if (n->untold && !cannot(&o, STR("memberships: the log does not tell which"), err))
        return false;
    return n->created ? undo_creation(&o, err) : undo_changes(&o, err);
}

/* All that the cycle recorded of one object, at its newest record; the others pass. */
static bool undo_record(struct undo *u, const struct journal_record *r, struct err *err)
{
    struct journal_query q = {
        .source_id = r->source_id, .cycle_id = u->cycle.id, .limit = RECORDS_OF_ONE_MAX};
    struct journal_record *records;
    size_t count;
    struct net net;

    arena_reset(u->tmp);
    if (!journal_list(u->run->db, u->tmp, u->run->job.no, &q, &records, &count, err))
        return false;
    if (count == 0 || records[0].no != r->no)
        return true;
    u->counts.read++;
    sum_up(u->tmp, records, count, &net);
    return (net.count == 0 && !net.created && !net.deleted && !net.untold) ||
           undo_object(u, &net, err);
}

static bool undo_records(struct undo *u, struct err *err)
{
    struct journal_query q = {.cycle_id = u->cycle.id, .limit = RECORDS_AT_ONCE};
    size_t count = RECORDS_AT_ONCE;

    while (count == RECORDS_AT_ONCE) {
        CLEANUP(arena_freep) struct arena *page = arena_new();
        struct journal_record *records;

        if (!journal_list(u->run->db, page, u->run->job.no, &q, &records, &count, err))
            return false;
        for (size_t i = 0; i < count; i++) {
            if (!undo_record(u, &records[i], err))
                return false;
            q.before_no = records[i].no;
        }
        if (u->options->progress)
            u->options->progress(u->options->ctx, u->counts.read, 0);
        if (u->options->stop && atomic_load(u->options->stop))
            return err_set(err, ERR_UNAVAILABLE, "interrupted", "interrupted: nothing was saved");
    }
    return true;
}

/* --- the cycle --- */

static bool find_cycle(struct undo *u, struct str id, struct err *err)
{
    struct run *r = u->run;

    if (!cycle_find(r->db, r->arena, &r->job, id, &u->cycle, err))
        return false;
    if (u->cycle.state == CYCLE_RUNNING) {
        return err_set(err, ERR_CONFLICT, "cycleRunning",
                       "the cycle has not come to its end: what it did can be undone then");
    }
    return true;
}

static bool make(struct undo *u, struct str cycle_id, const char *path, struct arena *a,
                 struct plan_head *out, struct err *err)
{
    struct run *r = u->run;
    struct plan_head head = {
        .purpose = PLAN_OF_UNDO,
        .made_us = clock_now(r->engine->clock),
        .schema_version = r->job.schema_version,
    };

    if (!find_cycle(u, cycle_id, err) ||
        !database_identity(r->db, r->engine->rng, a, &head.database, err) ||
        !watermark_load(r->db, a, r->job.no, &head.watermark, err) ||
        !plan_writer_open(&u->writer, path, err) || !undo_records(u, err))
        return false;
    if (u->writer.rows == 0) {
        return err_set(err, ERR_NOT_FOUND, "nothingToUndo",
                       "cycle %.*s has changed nothing: there is nothing to undo",
                       STR_ARG(u->cycle.id));
    }
    head.job_id = arena_str(a, r->job.id);
    head.job_name = arena_str(a, r->job.name);
    head.base_url = arena_str(a, r->job.base_url);
    head.undone_cycle = arena_str(a, u->cycle.id);
    head.counts = u->counts;
    if (!plan_writer_finish(&u->writer, &head, err))
        return false;
    head.digest = arena_str(a, head.digest);
    *out = head;
    return true;
}

bool engine_undo(const struct engine *e, int64_t job_no, struct str cycle_id, const char *path,
                 const struct engine_plan_options *options, struct arena *a, struct plan_head *out,
                 struct err *err)
{
    CLEANUP(run_close) struct run r;
    CLEANUP(arena_freep) struct arena *tmp = arena_new();
    struct undo u = {.run = &r, .options = options, .tmp = tmp};
    bool ok = run_open(&r, e, job_no, true, err) && make(&u, cycle_id, path, a, out, err);

    plan_writer_drop(&u.writer);
    return ok;
}
