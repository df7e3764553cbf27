/* One row of a plan: before anything is sent for it, the source object and the account are compared
 * with what they were when it was planned. */
#include "engine/guard/guard.h"
#include "engine/plans/apply_run.h"

#include <stdarg.h>

#define SOURCE_CHANGED "PlanSourceChanged"
#define TARGET_CHANGED "PlanTargetChanged"

const struct mapping_attribute *apply_attribute(const struct mapping_object *m, struct str target)
{
    for (size_t i = 0; i < m->attribute_count; i++) {
        if (str_eq(m->attributes[i].target, target))
            return &m->attributes[i];
    }
    return NULL;
}

/* --- one row --- */

static void refuse(struct walk *w, const char *code, const char *format, ...) PRINTF_LIKE(3, 4);

static void refuse(struct walk *w, const char *code, const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    walk_skip(w, code, "%s", text);
    walk_due_keep(w);
    w->properties = NULL;
    w->property_count = 0;
    w->silent = false;
    walk_step(w, STEP_PROCESSING, "EntrySynchronizationSkip", STATUS_SKIPPED, "%s", text);
}

static enum journal_action action_of(enum plan_intent intent)
{
    switch (intent) {
    case INTENT_MATCH_OR_CREATE:
        return ACTION_CREATE;
    case INTENT_UPDATE:
        return ACTION_UPDATE;
    case INTENT_DISABLE:
        return ACTION_DISABLE;
    case INTENT_DELETE:
        return ACTION_DELETE;
    case INTENT_NOTHING:
    case INTENT_COUNT:
        break;
    }
    return ACTION_OTHER;
}

/* A value of the row as it is sent: secrets are not in the file and are computed again. */
static const struct json *after_of(struct walk *w, const struct mapping_attribute *m,
                                   const struct journal_property *p)
{
    const struct mapping_value *v;

    if (!m->secret || !p->after)
        return p->after;
    v = w->values ? &w->values[m - w->mapping->attributes] : NULL;
    return v && v->outcome == MAPPING_VALUE ? v->value : NULL;
}

/* The row's changes in terms of the mapping. */
static bool take_changes(struct walk *w)
{
    const struct plan_row *row = w->planned;

    w->changes.items = ARENA_ARRAY(w->arena, struct mapping_change, row->change_count);
    w->changes.count = 0;
    for (size_t i = 0; i < row->change_count; i++) {
        const struct journal_property *p = &row->changes[i];
        const struct mapping_attribute *m = apply_attribute(w->mapping, p->name);

        if (!m) {
            refuse(w, SOURCE_CHANGED, "The mapping no longer has '%.*s'", STR_ARG(p->name));
            return false;
        }
        w->changes.items[w->changes.count++] =
            (struct mapping_change){m, p->before, after_of(w, m, p)};
    }
    return true;
}

static bool source_is_the_same(struct walk *w)
{
    if (str_eq(plan_source_version(w->arena, &w->entry), w->planned->source_version))
        return true;
    refuse(w, SOURCE_CHANGED, "'%.*s' has changed in the source since the plan was made",
           STR_ARG(w->entry.display_name));
    return false;
}

bool apply_is_done(const struct walk *w)
{
    return w->status == STATUS_SKIPPED && str_eq_z(w->code, "RedundantExport");
}

/* Whether the account is still the one, or still none. */
static bool connection_is_the_same(struct walk *w)
{
    bool creates = w->planned->intent == INTENT_MATCH_OR_CREATE;

    if (creates && w->connected) {
        refuse(w, TARGET_CHANGED, "'%.*s' has account %.*s since the plan was made",
               STR_ARG(w->entry.display_name), STR_ARG(w->connection.target_id));
    } else if (!creates && !w->connected) {
        refuse(w, TARGET_CHANGED, "'%.*s' no longer has an account here",
               STR_ARG(w->entry.display_name));
    } else if (!creates && !str_eq(w->connection.target_id, w->planned->target_id)) {
        refuse(w, TARGET_CHANGED, "'%.*s' has account %.*s now, and the plan is about %.*s",
               STR_ARG(w->entry.display_name), STR_ARG(w->connection.target_id),
               STR_ARG(w->planned->target_id));
    } else {
        return true;
    }
    return false;
}

/* What the stations would do today has to be what the row says: they know what the object alone
 * does not show, as the manager that a filter asks about. */
static bool intent_is_the_same(struct walk *w)
{
    w->silent = false;
    if (w->intent == w->planned->intent)
        return true;
    if (w->planned->intent == INTENT_MATCH_OR_CREATE && w->intent == INTENT_UPDATE)
        return true; /* connection_is_the_same says what that means */
    if (apply_is_done(w) || str_eq_z(w->code, "Protected"))
        return false;
    refuse(w, SOURCE_CHANGED, "The plan says %s, and now it would be %s: %.*s",
           plan_intent_name(w->planned->intent), plan_intent_name(w->intent), STR_ARG(w->message));
    return false;
}

/* An undo does what no mapping says: only its own values count. */
static void take_intent(struct walk *w)
{
    w->intent = w->planned->intent;
    w->in_scope = w->intent != INTENT_DISABLE;
    if (!w->in_scope && w->run->settings.disable_via == DISABLE_BY_DELETE)
        w->removal = REMOVAL_BY_DELETE;
}

/* The plan as a whole was judged before its first row; what is sent counts from then on. */
static void mark_guarded(struct walk *w)
{
    struct run *r = w->run;

    if (!guard_concerns(w, &w->guard.class_))
        return;
    w->guard.mark = r->apply->options->allow_removals ? GUARD_APPROVED : GUARD_ADMITTED;
    w->guard.has_row = r->guard.rows;
}

/* What an administrator has decided about the very object since, or is asked to decide: a plan is
 * no way round the held set, unless it is approved as a whole; what was rejected stays as it is. */
static bool is_free_to_go(struct walk *w)
{
    struct run *r = w->run;
    enum held_class class_;
    struct err err = {0};
    struct held row;
    bool found;

    if (!r->guard.rows || !guard_concerns(w, &class_))
        return true;
    if (!held_load(r->db, w->arena, r->job.no, w->entry.id, &row, &found, &err)) {
        walk_fail(w, TARGET_TRANSIENT, "InternalError", "%s", err.message);
        return false;
    }
    if (found && guard_is_rejected(w, &row)) {
        refuse(w, "Rejected", "An administrator has rejected this: the account stays as it is");
        return false;
    }
    if (!found || row.state != HELD_WAITING || r->apply->options->allow_removals)
        return true;
    refuse(
        w, "Staged",
        "Held by the guard: decide about the set ('usher held %.*s'), or approve the removals of "
        "the plan (--allow-removals)",
        STR_ARG(r->job.name));
    return false;
}

static bool prepare(struct walk *w)
{
    const struct walk_job *j = &w->run->walk_job;
    bool undoes = w->run->apply->reader.head.purpose == PLAN_OF_UNDO;

    if (!w->mapping || !w->mapping->enabled) {
        refuse(w, SOURCE_CHANGED, "No enabled object mapping handles this kind of object");
        return false;
    }
    if (!source_is_the_same(w))
        return false;
    if (undoes) {
        station_import(w, j);
        take_intent(w);
    } else {
        walk_plan(w, j);
    }
    if ((!undoes && !intent_is_the_same(w)) || !connection_is_the_same(w) || !take_changes(w))
        return false;
    w->action = action_of(w->intent);
    if (!is_free_to_go(w))
        return false;
    mark_guarded(w);
    return true;
}

void apply_start_row(struct walk *w)
{
    w->planned = &w->page->rows[w->place];
    if (prepare(w)) {
        station_export(w);
    } else {
        w->intent = INTENT_NOTHING;
        run_walk_finish(w);
    }
}

/* --- in the middle of the export --- */

static struct str shown(struct arena *a, const struct json *v)
{
    struct str text = v ? json_text(a, v) : STR("no value");

    return text.len <= 80 ? text : arena_printf(a, "%.*s...", 80, text.ptr);
}

static const struct json *read_value(const struct walk *w, const struct mapping_attribute *m)
{
    const struct json *v = json_get(w->exported_before, m->target);

    return json_is(v, JSON_NULL) ? NULL : v;
}

/* What the account says of a reference is not always told; then what was last exported counts. */
static const struct json *reference_value(struct walk *w, const struct mapping_attribute *m)
{
    const struct json *v = read_value(w, m);
    struct json *exported;
    struct err ignored;

    if (v || w->connection.exported.len == 0 ||
        !json_parse(w->arena, w->connection.exported, NULL, &exported, NULL, &ignored))
        return v;
    return json_get(exported, m->target);
}

/* The parts of a change that are still to be sent. */
static bool compare_change(struct walk *w, const struct mapping_change *c, bool *out_send)
{
    const struct mapping_attribute *m = c->attribute;
    const struct json *now = m->is_reference ? reference_value(w, m) : read_value(w, m);
    bool deletes = w->intent == INTENT_DELETE;

    *out_send = true;
    if (m->secret) /* nobody tells what it was */
        return true;
    if (!deletes && mapping_equal(m, now, c->after)) {
        *out_send = false;
        return true;
    }
    if (mapping_equal(m, now, c->before))
        return true;
    refuse(w, TARGET_CHANGED, "The account says %.*s for '%.*s', and the plan expects %.*s",
           STR_ARG(shown(w->arena, now)), STR_ARG(m->target), STR_ARG(shown(w->arena, c->before)));
    return false;
}

bool apply_compare(struct walk *w)
{
    struct mapping_changes left = {
        .items = ARENA_ARRAY(w->arena, struct mapping_change, w->changes.count)};

    if (w->planned->target_id.len > 0 && !str_eq(w->planned->target_id, w->target_id)) {
        refuse(w, TARGET_CHANGED, "Account %.*s matches now, and the plan is about %.*s",
               STR_ARG(w->target_id), STR_ARG(w->planned->target_id));
        return false;
    }
    for (size_t i = 0; i < w->changes.count; i++) {
        bool send;

        if (!compare_change(w, &w->changes.items[i], &send))
            return false;
        if (send)
            left.items[left.count++] = w->changes.items[i];
    }
    w->changes = left;
    return true;
}

static const struct json *change_in(const struct mapping_changes *changes,
                                    const struct mapping_attribute *m)
{
    for (size_t i = 0; i < changes->count; i++) {
        if (changes->items[i].attribute == m)
            return changes->items[i].after;
    }
    return NULL;
}

/* w->changes are what a create would send now; a value chosen to be unique may be another one. */
bool apply_create(struct walk *w)
{
    struct mapping_changes now = w->changes;

    if (!take_changes(w))
        return false;
    for (size_t i = 0; i < w->changes.count; i++) {
        const struct mapping_change *c = &w->changes.items[i];
        const struct json *chosen = change_in(&now, c->attribute);

        if (c->attribute->selects_unique && !mapping_equal(c->attribute, chosen, c->after)) {
            refuse(w, TARGET_CHANGED, "%.*s is taken now: '%.*s' would be %.*s",
                   STR_ARG(shown(w->arena, c->after)), STR_ARG(c->attribute->target),
                   STR_ARG(shown(w->arena, chosen)));
            return false;
        }
    }
    return true;
}

void apply_gone(struct walk *w)
{
    refuse(w, TARGET_CHANGED, "Account %.*s no longer exists in the target",
           STR_ARG(w->planned->target_id));
}
