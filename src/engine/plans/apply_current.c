/* Whether a plan is about what is here, and still is what would be planned. */
#include "engine/plans/apply_run.h"
#include "engine/plans/plan_settings.h"
#include "job/undone.h"

bool apply_belongs_here(struct db *db, const struct engine *e, struct arena *a,
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

/* An undo does what no mapping and no policy says. */
static bool settings_are_current(struct run *r, const struct plan_head *head, struct err *err)
{
    struct json *now;

    return head->purpose == PLAN_OF_UNDO || !head->settings ||
           (plan_settings(r->db, r->arena, &r->job, &now, err) &&
            plan_settings_same(r->arena, head->settings, now, err));
}

bool apply_is_current(struct run *r, const struct plan_head *head, struct err *err)
{
    if (!settings_are_current(r, head, err)) /* says more than the version does */
        return false;
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
