#include "engine/connections.h"

#include "engine/cycle/run.h"
#include "engine/note.h"
#include "job/due.h"

static bool find(struct run *r, struct str who, struct arena *a, struct connection *out,
                 bool *out_found, struct err *err)
{
    struct source_entry entry;

    if (!connection_load(r->db, a, r->job.no, who, out, out_found, err))
        return false;
    if (*out_found)
        return true;
    if (!connection_find_target(r->db, a, r->job.no, who, out, out_found, err))
        return false;
    if (*out_found)
        return true;
    if (!r->source->ops->find(r->source, who, a, &entry, err))
        return err->kind == ERR_NOT_FOUND;
    return connection_load(r->db, a, r->job.no, entry.id, out, out_found, err);
}

bool engine_connection_find(const struct engine *e, int64_t job_no, struct str who, struct arena *a,
                            struct connection *out, struct err *err)
{
    CLEANUP(run_close) struct run r;
    bool found;

    if (!run_open(&r, e, job_no, true, err) || !find(&r, who, a, out, &found, err))
        return false;
    if (found)
        return true;
    return err_set(err, ERR_NOT_FOUND, "notConnected",
                   "'%.*s' is connected with nothing in '%.*s'; 'usher explain' says why",
                   STR_ARG(who), STR_ARG(r.job.name));
}

/* Behind the lease, so that no walk of the object is under way. */
static bool begin(struct run *r, struct err *err)
{
    if (r->job.state == JOB_ACTIVE) {
        return err_set(err, ERR_CONFLICT, "jobActive",
                       "'%.*s' is switched on: 'usher pause %.*s' first, so that no cycle acts on "
                       "the connection meanwhile",
                       STR_ARG(r->job.name), STR_ARG(r->job.name));
    }
    return run_lease(r, err) && db_begin(r->db, DB_WRITE, err);
}

static bool end(struct run *r, bool ok, struct err *err)
{
    if (ok && db_commit(r->db, err))
        return true;
    db_rollback(r->db);
    return false;
}

static bool look_again(struct run *r, const struct connection *c, struct err *err)
{
    const struct due due = {
        .source_id = c->source_id,
        .reason = DUE_TURN,
        .kind = c->kind,
        .display_name = c->display_name,
        .since_us = clock_now(r->engine->clock),
        .due_us = clock_now(r->engine->clock),
    };

    return due_save(r->db, r->job.no, &due, err) && job_set_next_cycle(r->db, r->job.no, 0, err);
}

static struct json *told(struct arena *a, const struct connection *c)
{
    struct json *v = json_new(a, JSON_OBJECT);

    json_add_str(a, v, "sourceId", c->source_id);
    json_add_str(a, v, "name", c->display_name);
    json_add_str(a, v, "targetId", c->target_id);
    json_add_z(a, v, "origin", connection_origin_name(c->origin));
    return v;
}

static bool note(struct run *r, const struct connection *before, const struct connection *after,
                 struct err *err)
{
    const struct engine_note n = {
        .activity = AUDIT_OTHER,
        .subject = STR("connection"),
        .before = before ? told(r->arena, before) : NULL,
        .after = after ? told(r->arena, after) : NULL,
    };

    return engine_note(r->engine, r->db, &r->job, &n, err);
}

static bool take_away(struct run *r, const struct connection *c, struct err *err)
{
    bool removed;

    return references_owe(r->db, r->job.no, c->source_id, err) &&
           connection_remove(r->db, r->job.no, c->source_id, &removed, err);
}

static bool remove_found(struct run *r, const struct connection *c, struct err *err)
{
    return take_away(r, c, err) && look_again(r, c, err) && note(r, c, NULL, err);
}

bool engine_connection_remove(const struct engine *e, int64_t job_no, struct str who,
                              struct arena *a, bool *out_removed, struct connection *out,
                              struct err *err)
{
    CLEANUP(run_close) struct run r;
    bool found = false;

    if (!run_open(&r, e, job_no, true, err) || !begin(&r, err))
        return false;
    if (!end(&r, find(&r, who, a, out, &found, err) && (!found || remove_found(&r, out, err)), err))
        return false;
    *out_removed = found;
    return true;
}

/* --- set by hand --- */

struct look {
    const struct run *run;
    bool ended, ok;
    struct err err;
};

static bool judge(const struct run *r, const struct target_result *result, struct err *err)
{
    if (result->status == TARGET_NOT_FOUND ||
        (result->status == TARGET_OK && result->record_count == 0)) {
        return err_set(err, ERR_NOT_FOUND, "noAccount", "'%.*s' has no account with that id",
                       STR_ARG(r->job.name));
    }
    if (result->status != TARGET_OK) {
        return err_set(err, ERR_UNAVAILABLE, result->code, "the account could not be read: %.*s",
                       STR_ARG(result->message));
    }
    return true;
}

static void on_read(void *ctx, const struct target_result *result)
{
    struct look *l = ctx;

    l->ended = true;
    l->ok = judge(l->run, result, &l->err);
}

static const struct mapping_object *mapping_of(const struct run *r, enum source_kind kind)
{
    const struct mapping_program *p = r->walk_job.program;

    for (size_t i = 0; i < p->object_count; i++) {
        if (p->objects[i].kind == kind)
            return &p->objects[i];
    }
    return NULL;
}

static bool look_at_account(struct run *r, enum source_kind kind, struct str target_id,
                            struct err *err)
{
    const struct mapping_object *m = mapping_of(r, kind);
    struct look look = {.run = r};

    if (!m) {
        return err_set(err, ERR_INVALID, "notMapped", "'%.*s' has no mapping for %s",
                       STR_ARG(r->job.name), kind == SOURCE_USER ? "people" : "groups");
    }
    r->target->ops->read(r->target, m, target_id, on_read, &look);
    while (!look.ended)
        r->target->ops->run(r->target, 1000);
    if (!look.ok)
        *err = look.err;
    return look.ok;
}

static bool connect(struct run *r, const struct connection *before, const struct connection *c,
                    struct err *err)
{
    bool is_new;

    return (!before || take_away(r, before, err)) &&
           connection_save(r->db, r->job.no, c, &is_new, err) &&
           references_arrived(r->db, r->job.no, c->source_id, err) &&
           owed_reference_add(r->db, r->job.no, &(struct owed_reference){.owner_id = c->source_id},
                              err) &&
           look_again(r, c, err) && note(r, before, c, err);
}

bool engine_connection_set(const struct engine *e, int64_t job_no, struct str who,
                           struct str target_id, struct arena *a, bool *out_was_connected,
                           struct connection *out_before, struct connection *out, struct err *err)
{
    CLEANUP(run_close) struct run r;
    struct source_entry entry;
    int64_t now = clock_now(e->clock);
    bool found = false;

    if (!run_open(&r, e, job_no, false, err) ||
        !r.source->ops->find(r.source, who, a, &entry, err) ||
        !look_at_account(&r, entry.kind, target_id, err) || !begin(&r, err))
        return false;
    *out = (struct connection){
        .source_id = entry.id,
        .kind = entry.kind,
        .target_id = arena_str(a, target_id),
        .display_name = entry.display_name,
        .origin = CONNECTION_MANUAL,
        .exported = STR("{}"),
        .created_us = now,
        .changed_us = now,
    };
    if (!end(&r,
             connection_load(r.db, a, job_no, entry.id, out_before, &found, err) &&
                 connect(&r, found ? out_before : NULL, out, err),
             err))
        return false;
    *out_was_connected = found;
    return true;
}
