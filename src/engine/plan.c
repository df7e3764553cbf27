/* The stations map and plan: what the account should say, and what that means for it
 * (engine.md 3.3, 6.2; attribute-mappings.md 4). Pure: the difference is formed against what was
 * last exported. */
#include "engine/walk.h"

/* Of values that are to be unique the plan shows the first: the target is asked before a create
 * (unique.c). */
static bool free_for_all(void *ctx, struct str target_attribute, struct str value, bool *out_taken,
                         struct err *err)
{
    (void)ctx;
    (void)target_attribute;
    (void)value;
    (void)err;
    *out_taken = false;
    return true;
}

static bool evaluate(struct walk *w, const struct walk_job *j)
{
    struct mapping_source source = {
        .kind = w->entry.kind,
        .attributes = w->entry.attributes,
        .is_soft_deleted = !w->in_scope,
    };
    struct mapping_context context = {
        .now_us = j->now_us,
        .rng = j->rng,
        .taken = w->connected ? NULL : free_for_all, /* an account keeps the value that it has */
    };
    struct err err = {0};

    w->values = ARENA_ARRAY(w->arena, struct mapping_value, w->mapping->attribute_count);
    if (mapping_evaluate(w->mapping, &source, &context, w->arena, w->values, &err)) {
        for (size_t i = 0; i < w->mapping->attribute_count; i++) {
            if (w->values[i].outcome == MAPPING_SKIP_OBJECT) {
                walk_skip(w, "EntrySynchronizationSkipped", "The mapping of %.*s says to skip it",
                          STR_ARG(w->mapping->attributes[i].target));
                return false;
            }
        }
        return true;
    }
    walk_step(w, STEP_PROCESSING, "EntrySynchronizationUpdate", STATUS_FAILURE, "%s", err.message);
    walk_fail(w, TARGET_PERMANENT, err.code ? err.code : "InternalError", "%s%s%s",
              err.place[0] ? err.place : "", err.place[0] ? ": " : "", err.message);
    return false;
}

static void parse_exported(struct walk *w)
{
    struct err err;

    w->exported_before = NULL;
    if (w->connected && w->connection.exported.len > 0 &&
        !json_parse(w->arena, w->connection.exported, NULL, &w->exported_before, NULL, &err))
        w->exported_before = NULL; /* unreadable: as if nothing had been exported, so all is sent */
}

static void plan_removal(struct walk *w)
{
    if (!(w->mapping->can & MAPPING_CAN_DELETE)) {
        walk_skip(w, "ActionDisabled", "Deleting is switched off in the object mapping");
        return;
    }
    w->intent = INTENT_DELETE;
    w->action = ACTION_DELETE;
    walk_step(w, STEP_PROCESSING, "EntrySynchronizationDelete", STATUS_SUCCESS,
              "The account is to be deleted: %.*s", STR_ARG(w->out_of_scope_reason));
}

static void plan_disable(struct walk *w)
{
    if (w->entry.gone || w->entry.kind == SOURCE_GROUP) { /* a group cannot be disabled */
        plan_removal(w);
        return;
    }
    if (!w->mapping->maps_soft_deleted) {
        walk_skip(w, "EntrySynchronizationSkipped",
                  "Out of scope, and no mapping depends on IsSoftDeleted: the account stays");
        return;
    }
    if (!(w->mapping->can & MAPPING_CAN_UPDATE)) {
        walk_skip(w, "ActionDisabled", "Updating is switched off in the object mapping");
        return;
    }
    parse_exported(w);
    mapping_update(w->mapping, w->values, w->exported_before, UPDATE_SOFT_DELETED_ONLY, w->arena,
                   &w->changes);
    if (w->changes.count == 0) {
        walk_skip(w, "RedundantExport", "The account is disabled already");
        w->unchanged = true;
        return;
    }
    w->intent = INTENT_DISABLE;
    w->action = ACTION_DISABLE;
    walk_step(w, STEP_PROCESSING, "EntrySynchronizationUpdate", STATUS_SUCCESS,
              "The account is to be disabled: %.*s", STR_ARG(w->out_of_scope_reason));
}

static void plan_update(struct walk *w)
{
    parse_exported(w);
    mapping_update(w->mapping, w->values, w->exported_before, UPDATE_ALL, w->arena, &w->changes);
    if (w->changes.count == 0) {
        walk_skip(w, "RedundantExport", "The account says already what it should");
        w->unchanged = true;
    } else if (!(w->mapping->can & MAPPING_CAN_UPDATE)) {
        walk_skip(w, "ActionDisabled", "Updating is switched off in the object mapping");
    } else {
        w->intent = INTENT_UPDATE;
        w->action = ACTION_UPDATE;
        walk_step(w, STEP_PROCESSING, "EntrySynchronizationUpdate", STATUS_SUCCESS,
                  "%zu attributes differ from what was last exported", w->changes.count);
    }
}

static void plan_match(struct walk *w)
{
    w->criterion_count = mapping_criteria(w->mapping, w->values, w->criteria, WALK_CRITERIA_MAX);
    if (w->criterion_count == 0) {
        walk_skip(
            w, "ImportSkipped",
            "No matching attribute has a value: fill it in the source or change the matching");
        walk_step(w, STEP_MATCHING, "EntrySynchronizationSkip", STATUS_SKIPPED, "%.*s",
                  STR_ARG(w->message));
        return;
    }
    w->intent = INTENT_MATCH_OR_CREATE;
    w->action = ACTION_CREATE;
}

void station_plan(struct walk *w, const struct walk_job *j)
{
    w->intent = INTENT_NOTHING;
    w->action = ACTION_OTHER;
    if (!w->mapping || !w->mapping->enabled) {
        walk_skip(w, "ActionDisabled", "No enabled object mapping handles this kind of object");
        w->silent = true;
        return;
    }
    if (w->entry.gone) {
        if (w->connected) {
            plan_removal(w);
        } else {
            walk_skip(w, "SourceDeleted", "Deleted in the source; it never had an account here");
            w->silent = true;
        }
        return;
    }
    if (!w->in_scope && !w->connected) {
        walk_skip(w, w->out_of_scope_code, "Out of scope: %.*s", STR_ARG(w->out_of_scope_reason));
        w->silent =
            true; /* noise: counted for the cycle, not written one by one (engine.md 13.2) */
        return;
    }
    if (!evaluate(w, j))
        return;
    if (!w->in_scope) {
        plan_disable(w);
    } else if (w->connected) {
        plan_update(w);
    } else {
        plan_match(w);
    }
}
