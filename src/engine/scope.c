/* The stations import and scope: what the source says of the object, and whether it should have an
 * account (engine.md 5.1, scoping-filters.md 5). Pure. */
#include "engine/walk.h"

void station_import(struct walk *w, const struct walk_job *j)
{
    const struct source_entry *e = &w->entry;

    (void)j;
    if (e->gone) {
        walk_step(w, STEP_IMPORT, "EntryImportDelete", STATUS_SUCCESS,
                  "'%.*s' no longer exists in the source", STR_ARG(e->id));
    } else {
        walk_step(w, STEP_IMPORT, w->connected ? "EntryImportUpdate" : "EntryImportAdd",
                  STATUS_SUCCESS, "Received '%.*s' from the source", STR_ARG(e->display_name));
        w->steps[w->step_count - 1].details = e->attributes;
    }
}

static void out_of_scope(struct walk *w, const char *code, struct str reason)
{
    w->in_scope = false;
    w->out_of_scope_code = code;
    w->out_of_scope_reason = reason;
}

/* When the manager cannot be read, nobody is put out of scope for it: the walk fails and is tried
 * again. */
static bool know_manager(struct walk *w, const struct walk_job *j, const struct json **out)
{
    struct err err;

    if (!mapping_needs_manager(w->mapping) || w->entry.gone || !j->others.manager_of ||
        j->others.manager_of(j->others.ctx, &w->entry, w->arena, out, &err))
        return true;
    walk_step(w, STEP_SCOPING, "EntrySynchronizationScoping", STATUS_FAILURE, "%s", err.message);
    walk_fail(w, TARGET_TRANSIENT, "InternalError", "%s", err.message);
    return false;
}

void station_scope(struct walk *w, const struct walk_job *j)
{
    const struct source_entry *e = &w->entry;
    struct mapping_source source = {.kind = e->kind, .attributes = e->attributes};
    struct mapping_context context = {
        .now_us = j->now_us,
        .rng = j->rng,
        .group_id = j->others.group_id,
        .group_ctx = j->others.ctx,
    };
    struct str reason = {0};
    struct json *details;

    if (!know_manager(w, j, &source.manager))
        return;
    w->in_scope = true;
    if (e->gone) {
        out_of_scope(w, "SourceDeleted", STR("it was deleted for good in the source"));
    } else if (e->soft_deleted) {
        out_of_scope(w, "SourceDeleted", STR("it is in the source's recycle bin"));
    } else if (!e->enabled) {
        out_of_scope(w, "SourceDisabled", STR("accountEnabled is false in the source"));
    } else if (j->scope == SOURCE_SCOPE_ASSIGNED && !e->assigned) {
        out_of_scope(w, "NotEffectivelyEntitled", STR("it is not assigned to the application"));
    } else if (!mapping_in_scope(w->mapping, &source, &context, w->arena, &reason)) {
        out_of_scope(w, "FilteredOut", reason);
    }

    walk_step(w, STEP_SCOPING, "EntrySynchronizationScoping",
              w->in_scope ? STATUS_SUCCESS : STATUS_SKIPPED, "%s%.*s",
              w->in_scope ? "In scope" : "Out of scope: ", STR_ARG(w->out_of_scope_reason));
    details = walk_details(w);
    json_add_z(w->arena, details, "Active in the source system",
               !e->gone && !e->soft_deleted && e->enabled ? "True" : "False");
    json_add_z(w->arena, details, "Assigned to the application", e->assigned ? "True" : "False");
    json_add_z(w->arena, details, "Scope sync all",
               j->scope == SOURCE_SCOPE_ALL ? "True" : "False");
    json_add_z(w->arena, details, "Scoping filter evaluation passed",
               str_eq_z(str_from_z(w->out_of_scope_code), "FilteredOut") ? "False" : "True");
}
