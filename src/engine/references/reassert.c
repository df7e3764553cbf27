/* Sends memberships again that somebody may have changed in the target (engine.md 11): members are
 * known there as differences only, so that otherwise nothing would bring them back. */
#include "engine/cycle/run.h"
#include "engine/note.h"

static bool find_group(struct run *r, struct str who, struct source_entry *out, struct err *err)
{
    if (!r->source->ops->find(r->source, who, r->arena, out, err))
        return false;
    if (out->kind != SOURCE_GROUP) {
        return err_set(err, ERR_INVALID, "notAGroup", "'%.*s' is a person, and has no members",
                       STR_ARG(who));
    }
    return true;
}

static bool save(struct run *r, struct str who, struct str id, int64_t *out_groups, struct err *err)
{
    struct json *after = json_new(r->arena, JSON_OBJECT);
    const struct engine_note note = {
        .activity = AUDIT_OTHER, .subject = STR("members reassert"), .after = after};

    if (!references_reassert_group(r->db, r->job.no, id, out_groups, err))
        return false;
    if (id.len > 0 && *out_groups == 0) {
        return err_set(err, ERR_NOT_FOUND, "notConnected", "'%.*s' has no group in '%.*s'",
                       STR_ARG(who), STR_ARG(r->job.name));
    }
    json_add_str(r->arena, after, "group", id);
    json_add_int(r->arena, after, "groups", *out_groups);
    return engine_note(r->engine, r->db, &r->job, &note, err) &&
           job_set_next_cycle(r->db, r->job.no, 0, err);
}

bool engine_reassert(const struct engine *e, int64_t job_no, struct str who, int64_t *out_groups,
                     struct err *err)
{
    CLEANUP(run_close) struct run r;
    struct source_entry group = {0};

    /* Behind the lease: a cycle under way would take what it has sent for what is asked for. */
    if (!run_open(&r, e, job_no, true, err) || (who.len && !find_group(&r, who, &group, err)) ||
        !run_lease(&r, err) || !db_begin(r.db, DB_WRITE, err))
        return false;
    if (save(&r, who, group.id, out_groups, err))
        return db_commit(r.db, err);
    db_rollback(r.db);
    return false;
}
