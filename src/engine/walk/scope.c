/* The stations import and scope: what the source says of the object, and whether it should have an
 * account (engine.md 5.1, scoping-filters.md 5). Pure. */
#include "engine/walk/walk.h"

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

/* The first test that fails names the reason; all of them are kept, since what is done about one
 * event may be nothing (removal.c). */
static void out_of_scope(struct walk *w, enum removal_event event, const char *code,
                         struct str reason)
{
    w->events |= 1u << event;
    if (!w->in_scope)
        return;
    w->in_scope = false;
    w->out_of_scope_code = code;
    w->out_of_scope_reason = reason;
}

/* Whether one of the roles that the object is assigned in counts (engine.md 5.3). */
static bool has_role(const struct source_entry *e, struct str wanted)
{
    bool more = true;

    while (more) {
        struct str id;

        more = str_cut(&wanted, ',', &id);
        JSON_EACH(role, json_get(e->attributes, STR("appRoleAssignments")))
        {
            if (str_eq_ascii_nocase(json_get_text(role, "id"), str_trim(id)))
                return true;
        }
    }
    return false;
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

static bool role_counts(const struct walk *w, const struct walk_job *j)
{
    return str_empty(j->settings->roles) || w->entry.kind == SOURCE_GROUP ||
           has_role(&w->entry, j->settings->roles);
}

/* The tests of scoping-filters.md 5, in their order. */
static void judge(struct walk *w, const struct walk_job *j, const struct mapping_source *source,
                  const struct mapping_context *context)
{
    const struct source_entry *e = &w->entry;
    struct str reason = {0};

    if (e->gone) {
        out_of_scope(w, REMOVAL_SOURCE_HARD_DELETED, "SourceDeleted",
                     STR("it was deleted for good in the source"));
        return;
    }
    if (!mapping_handles(w->mapping, source, context, w->arena, &reason)) {
        out_of_scope(w, REMOVAL_FILTERED_OUT, "FilteredOut", reason);
        w->not_handled = true;
        return;
    }
    if (e->soft_deleted) {
        out_of_scope(w, REMOVAL_SOURCE_SOFT_DELETED, "SourceDeleted",
                     STR("it is in the source's recycle bin"));
    }
    if (!e->enabled) {
        out_of_scope(w, REMOVAL_SOURCE_DISABLED, "SourceDisabled",
                     STR("accountEnabled is false in the source"));
    }
    if (j->scope == SOURCE_SCOPE_ASSIGNED && !e->assigned) {
        out_of_scope(w, REMOVAL_UNASSIGNED, "NotEffectivelyEntitled",
                     STR("it is not assigned to the application"));
    } else if (j->scope == SOURCE_SCOPE_ASSIGNED && !role_counts(w, j)) {
        out_of_scope(w, REMOVAL_UNASSIGNED, "NotEffectivelyEntitled",
                     STR("it is assigned in no role that counts (scope.roles)"));
    }
    /* Of somebody without account the first reason is enough. */
    if (w->events && !w->connected && !j->settings->create_inactive)
        return;
    if (!mapping_in_scope(w->mapping, source, context, w->arena, &reason))
        out_of_scope(w, REMOVAL_FILTERED_OUT, "FilteredOut", reason);
    w->turns_us = mapping_turns_us(w->mapping, source, context, w->arena);
}

static void tell_clauses(struct walk *w, const struct mapping_source *source,
                         const struct mapping_context *context, struct json *details)
{
    struct mapping_verdict v;

    mapping_judge(w->mapping, source, context, w->arena, &v);
    for (size_t i = 0; i < v.clause_count; i++) {
        const struct mapping_clause_verdict *c = &v.clauses[i];

        json_add_z(w->arena, details,
                   arena_printf(w->arena, "%.*s%s%.*s", STR_ARG(c->title), c->title.len ? ": " : "",
                                STR_ARG(c->text))
                       .ptr,
                   c->holds ? "True" : "False");
    }
}

static void tell(struct walk *w, const struct walk_job *j, const struct mapping_source *source,
                 const struct mapping_context *context)
{
    const struct source_entry *e = &w->entry;
    struct json *details;

    walk_step(w, STEP_SCOPING, "EntrySynchronizationScoping",
              w->in_scope ? STATUS_SUCCESS : STATUS_SKIPPED, "%s%.*s",
              w->in_scope ? "In scope" : "Out of scope: ", STR_ARG(w->out_of_scope_reason));
    details = walk_details(w);
    json_add_z(w->arena, details, "Active in the source system",
               !e->gone && !e->soft_deleted && e->enabled ? "True" : "False");
    json_add_z(w->arena, details, "Assigned to the application", e->assigned ? "True" : "False");
    json_add_z(w->arena, details, "Scope sync all",
               j->scope == SOURCE_SCOPE_ALL ? "True" : "False");
    if (j->settings->roles.len > 0 && !e->gone) {
        json_add_z(w->arena, details, "User has the required role",
                   role_counts(w, j) ? "True" : "False");
    }
    json_add_z(w->arena, details, "Scoping filter evaluation passed",
               w->events & 1u << REMOVAL_FILTERED_OUT ? "False" : "True");
    if (j->tells_all && !e->gone)
        tell_clauses(w, source, context, details);
}

void station_scope(struct walk *w, const struct walk_job *j)
{
    struct mapping_source source = {.kind = w->entry.kind, .attributes = w->entry.attributes};
    struct mapping_context context = {
        .now_us = j->now_us,
        .rng = j->rng,
        .group_id = j->others.group_id,
        .group_ctx = j->others.ctx,
        .default_domain = j->default_domain,
    };

    if (!know_manager(w, j, &source.manager))
        return;
    w->in_scope = true;
    w->events = 0;
    judge(w, j, &source, &context);
    tell(w, j, &source, &context);
}
