/* The stations map and plan: what the account should say, and what that means for it
 * (engine.md 3.3, 6.2; attribute-mappings.md 4). Pure: the difference is formed against what was
 * last exported. */
#include "engine/walk/walk.h"

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

/* Of a removal only what depends on IsSoftDeleted counts: a mapping that fails elsewhere does not
 * keep a leaver's account alive. */
static bool evaluate_one(struct walk *w, size_t i, const struct mapping_source *source,
                         const struct mapping_context *context, struct err *err)
{
    if (mapping_evaluate_one(w->mapping, i, source, context, w->arena, &w->values[i], err))
        return true;
    w->values[i] = (struct mapping_value){.outcome = MAPPING_IGNORED};
    return !w->mapping->attributes[i].uses_soft_deleted;
}

static bool evaluate_values(struct walk *w, const struct mapping_source *source,
                            const struct mapping_context *context, struct err *err)
{
    bool removal = w->connected && !w->in_scope;

    w->values = ARENA_ARRAY(w->arena, struct mapping_value, w->mapping->attribute_count);
    if (!removal)
        return mapping_evaluate(w->mapping, source, context, w->arena, w->values, err);
    for (size_t i = 0; i < w->mapping->attribute_count; i++) {
        if (w->entry.gone && !w->mapping->attributes[i].uses_soft_deleted) {
            w->values[i] = (struct mapping_value){.outcome = MAPPING_IGNORED};
        } else if (!evaluate_one(w, i, source, context, err)) {
            return false;
        }
    }
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
        .default_domain = j->default_domain,
    };
    struct err err = {0};

    if (evaluate_values(w, &source, &context, &err)) {
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

static void plan_update(struct walk *w)
{
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

/* People who are disabled in the source may get a disabled account (create.inactive); one that
 * nothing disables would be an enabled one. */
static bool is_created_inactive(const struct walk *w, const struct walk_job *j)
{
    return j->settings->create_inactive && w->entry.kind == SOURCE_USER &&
           w->events == 1u << REMOVAL_SOURCE_DISABLED && w->mapping->maps_soft_deleted;
}

static void skip_silently(struct walk *w, const char *code, const char *why, struct str reason)
{
    walk_skip(w, code, "%s%.*s", why, STR_ARG(reason));
    w->silent = true; /* noise: counted for the cycle, not written one by one (engine.md 13.2) */
}

void station_plan(struct walk *w, const struct walk_job *j)
{
    w->intent = INTENT_NOTHING;
    w->action = ACTION_OTHER;
    if (!w->mapping || !w->mapping->enabled) {
        skip_silently(w, "ActionDisabled", "No enabled object mapping handles this kind of object",
                      STR(""));
        return;
    }
    if (w->not_handled) { /* neither provisioned nor deprovisioned (scoping-filters.md 4) */
        skip_silently(w, w->out_of_scope_code, "Not handled: ", w->out_of_scope_reason);
        return;
    }
    if (!walk_due_load(w, j))
        return;
    walk_due_turn(w);
    if (!w->in_scope && !w->connected && !is_created_inactive(w, j)) {
        skip_silently(w, w->out_of_scope_code, "Out of scope: ", w->out_of_scope_reason);
        return;
    }
    if (!evaluate(w, j))
        return;
    parse_exported(w);
    if (!w->connected) {
        plan_match(w);
    } else if (w->in_scope) {
        plan_update(w);
    } else {
        station_removal(w, j);
    }
}

bool walk_as_created(struct walk *w, const struct walk_job *j)
{
    bool in_scope = w->in_scope;
    bool would;

    w->in_scope = true; /* as it was when it was created */
    would = evaluate(w, j);
    if (would)
        plan_match(w);
    would = would && w->intent == INTENT_MATCH_OR_CREATE;
    w->in_scope = in_scope;
    w->intent = INTENT_NOTHING;
    w->action = ACTION_OTHER;
    w->status = STATUS_SKIPPED;
    w->step_count = 0;
    return would;
}
