/* The station removal: what becomes of the account of somebody who is out of scope (engine.md 6,
 * scim.md 10.5). Each event that keeps the object out asks for something by its policy; what asks
 * for nothing does not stand in the way of another one. Of those that are due the strongest counts;
 * what is in its grace period waits as a row of job/due.h. Pure: the rows come as values. */
#include "engine/walk/walk.h"

/* In the order of the tests of the scope (scoping-filters.md 5). */
static const enum removal_event test_order[] = {
    REMOVAL_SOURCE_HARD_DELETED, REMOVAL_SOURCE_SOFT_DELETED, REMOVAL_SOURCE_DISABLED,
    REMOVAL_UNASSIGNED,          REMOVAL_FILTERED_OUT,
};
static_assert(ARRAY_LEN(test_order) == REMOVAL_EVENT_COUNT, "every event has its place");

/* What can be done, the stronger the later. */
enum measure { MEASURE_NONE, MEASURE_SET, MEASURE_DISABLE, MEASURE_DELETE };

/* What one event asks for. */
struct candidate {
    enum removal_event event;
    const struct removal_policy *policy;
    enum measure measure;
    int64_t since_us, due_us;
};

/* What a measure comes to. */
struct attempt {
    enum plan_intent intent; /* INTENT_NOTHING: code and message say why */
    enum walk_removal removal;
    enum journal_action action;
    struct mapping_changes changes;
    const char *code, *message;
    bool redundant; /* the account is so already */
};

/* --- what is kept --- */

bool walk_due_load(struct walk *w, const struct walk_job *j)
{
    struct due rows[DUE_REASON_COUNT];
    bool found[DUE_REASON_COUNT];
    struct err err;

    if (!j->others.due_of)
        return true;
    if (!j->others.due_of(j->others.ctx, &w->entry, w->arena, rows, found, &err)) {
        walk_fail(w, TARGET_TRANSIENT, "InternalError", "%s", err.message);
        return false;
    }
    /* Forgotten unless something asks for them: the object is back, or its verdict another one. */
    for (size_t i = 0; i < DUE_REASON_COUNT; i++) {
        if (found[i])
            w->due[i] = (struct walk_due){.known = true, .write = DUE_FORGET, .row = rows[i]};
    }
    return true;
}

static void want_row(struct walk *w, const struct due *row)
{
    struct walk_due *d = &w->due[row->reason];
    const struct due *was = &d->row;
    bool same = d->known && was->state == row->state && was->due_us == row->due_us &&
                was->version == row->version && str_eq(was->action, row->action);

    d->write = same ? DUE_UNCHANGED : DUE_SAVE;
    d->row = *row;
    d->row.source_id = w->entry.id;
    d->row.kind = w->entry.kind;
    d->row.display_name = w->entry.display_name;
}

void walk_due_turn(struct walk *w)
{
    if (w->turns_us > 0) {
        want_row(w, &(struct due){.reason = DUE_TURN, .since_us = 0, .due_us = w->turns_us});
    }
}

void walk_due_keep(struct walk *w)
{
    for (size_t i = 0; i < DUE_REASON_COUNT; i++)
        w->due[i].write = DUE_UNCHANGED;
}

static bool is_departure(enum removal_event event)
{
    return event == REMOVAL_UNASSIGNED || event == REMOVAL_FILTERED_OUT;
}

static struct str words_of(const struct candidate *c, struct arena *a)
{
    if (c->measure == MEASURE_SET) {
        return arena_printf(a, "set %.*s=%.*s", STR_ARG(c->policy->attribute),
                            STR_ARG(c->policy->value));
    }
    return c->measure == MEASURE_DELETE ? STR("delete") : STR("disable");
}

static void wait_for(struct walk *w, const struct candidate *c)
{
    want_row(w, &(struct due){
                    .reason = c->event,
                    .action = words_of(c, w->arena),
                    .state = DUE_WAITING,
                    .since_us = c->since_us,
                    .due_us = c->due_us,
                    .version = w->entry.version,
                });
}

/* Where a later hard delete is not told to the target, a departure has to be remembered. */
static void note_departures(struct walk *w, const struct walk_job *j)
{
    for (size_t i = 0; !j->settings->delete_after_unassign && i < ARRAY_LEN(test_order); i++) {
        enum removal_event event = test_order[i];
        struct walk_due *d = &w->due[event];

        if (!(w->events & 1u << event) || !is_departure(event) || d->write == DUE_SAVE ||
            (d->known && d->write == DUE_UNCHANGED))
            continue;
        want_row(w, &(struct due){
                        .reason = event,
                        .state = DUE_NOTED,
                        .since_us = d->known ? d->row.since_us : j->now_us,
                        .due_us = DUE_NEVER,
                    });
    }
}

/* --- what is asked for --- */

static bool is_suppressed(const struct job_settings *s, enum removal_event event)
{
    if (event == REMOVAL_SOURCE_HARD_DELETED)
        return false;
    return is_departure(event) ? s->skip_out_of_scope : s->skip_disabled;
}

/* What a policy means for this object, after what the target is able to do. */
static enum measure measure_of(const struct walk *w, const struct job_settings *s,
                               enum removal_action action)
{
    bool group = w->entry.kind == SOURCE_GROUP;
    bool deletes = action == REMOVAL_DELETE;

    if (action == REMOVAL_KEEP)
        return MEASURE_NONE;
    if (action == REMOVAL_SET_ATTRIBUTE)
        return MEASURE_SET;
    if (group)
        return MEASURE_DELETE; /* a group cannot be disabled */
    if (action == REMOVAL_DEFAULT)
        deletes = w->entry.gone;
    if (deletes)
        return s->delete_via == DELETE_NOT ? MEASURE_DISABLE : MEASURE_DELETE;
    return s->disable_via == DISABLE_NOT ? MEASURE_DELETE : MEASURE_DISABLE;
}

/* Somebody who had left before being deleted for good (engine.md 6.3, note c). */
static bool left_before(const struct walk *w, const struct job_settings *s)
{
    return w->entry.gone && !s->delete_after_unassign &&
           (w->due[REMOVAL_UNASSIGNED].known || w->due[REMOVAL_FILTERED_OUT].known);
}

/* False when nothing is asked; then the walk is skipped, and the reason is the first one's. */
static bool asks(struct walk *w, const struct walk_job *j, enum removal_event event,
                 struct candidate *out)
{
    const struct removal_policy *p = &j->settings->removal[event];
    struct walk_due *d = &w->due[event];
    bool cancelled = d->known && d->row.state == DUE_CANCELLED;

    if (is_suppressed(j->settings, event)) {
        walk_skip(w, "SkipFlag", "Out of scope, and the settings say to keep the account: %.*s",
                  STR_ARG(w->out_of_scope_reason));
        return false;
    }
    if (cancelled && d->row.version == w->entry.version) {
        d->write = DUE_UNCHANGED;
        walk_skip(w, "RemovalCancelled",
                  "Its removal was cancelled; it is planned again when the source object changes");
        return false;
    }
    *out = (struct candidate){
        .event = event,
        .policy = p,
        .measure = measure_of(w, j->settings, p->action),
        .since_us = d->known && !cancelled ? d->row.since_us : j->now_us,
    };
    out->due_us = p->grace_us > 0 ? out->since_us + p->grace_us : 0;
    if (out->measure != MEASURE_NONE)
        return true;
    walk_skip(w, "EntrySynchronizationSkipped", "The policy of %s keeps the account as it is",
              removal_event_name(event));
    return false;
}

/* --- what it comes to --- */

static void not_possible(struct attempt *out, const char *code, const char *message)
{
    *out = (struct attempt){.intent = INTENT_NOTHING, .code = code, .message = message};
}

static void attempt_update(const struct walk *w, struct attempt *out)
{
    if (!w->mapping->maps_soft_deleted) {
        not_possible(out, "EntrySynchronizationSkipped",
                     "Out of scope, and no mapping depends on IsSoftDeleted: the account stays");
    } else if (!(w->mapping->can & MAPPING_CAN_UPDATE)) {
        not_possible(out, "ActionDisabled", "Updating is switched off in the object mapping");
    } else {
        *out = (struct attempt){.intent = INTENT_DISABLE, .action = ACTION_DISABLE};
        mapping_update(w->mapping, w->values, w->exported_before, UPDATE_SOFT_DELETED_ONLY,
                       w->arena, &out->changes);
        if (out->changes.count > 0)
            return;
        not_possible(out, "RedundantExport", "The account is disabled already");
        out->redundant = true;
    }
}

static void attempt_delete(const struct walk *w, const struct job_settings *s, struct attempt *out)
{
    if (!(w->mapping->can & MAPPING_CAN_DELETE)) {
        not_possible(out, "ActionDisabled", "Deleting is switched off in the object mapping");
    } else if (w->entry.kind == SOURCE_GROUP && !s->group_delete) {
        not_possible(out, "ActionDisabled", "The application does not let groups be deleted");
    } else if (w->entry.kind == SOURCE_USER && s->delete_via == DELETE_BY_ACTIVE) {
        attempt_update(w, out);
    } else {
        *out = (struct attempt){.intent = INTENT_DELETE, .action = ACTION_DELETE};
    }
}

/* The application disables when it is asked to delete; the connection stays. */
static void attempt_disable_by_delete(const struct walk *w, struct attempt *out)
{
    if (!(w->mapping->can & MAPPING_CAN_DELETE)) {
        not_possible(out, "ActionDisabled", "Deleting is switched off in the object mapping");
    } else if (w->connection.soft_deleted) {
        not_possible(out, "RedundantExport", "The account is disabled already");
        out->redundant = true;
    } else {
        *out = (struct attempt){
            .intent = INTENT_DISABLE, .removal = REMOVAL_BY_DELETE, .action = ACTION_DISABLE};
        mapping_update(w->mapping, w->values, w->exported_before, UPDATE_SOFT_DELETED_ONLY,
                       w->arena, &out->changes);
    }
}

static bool attempt_set(const struct walk *w, const struct removal_policy *p, struct attempt *out,
                        struct err *err)
{
    if (!(w->mapping->can & MAPPING_CAN_UPDATE)) {
        not_possible(out, "ActionDisabled", "Updating is switched off in the object mapping");
        return true;
    }
    *out = (struct attempt){
        .intent = INTENT_DISABLE, .removal = REMOVAL_BY_VALUE, .action = ACTION_UPDATE};
    if (!mapping_set(w->mapping, p->attribute, p->value, w->exported_before, w->arena,
                     &out->changes, err)) {
        if (w->entry.kind == SOURCE_USER)
            return false;
        not_possible(out, "EntrySynchronizationSkipped",
                     "The policy sets what groups do not have: the group stays as it is");
    }
    if (out->intent != INTENT_NOTHING && out->changes.count == 0) {
        not_possible(out, "RedundantExport", "The account says already what the policy sets");
        out->redundant = true;
        out->removal = REMOVAL_BY_VALUE;
    }
    return true;
}

static bool attempt(struct walk *w, const struct walk_job *j, const struct candidate *c,
                    struct attempt *out)
{
    const struct job_settings *s = j->settings;
    struct err err = {0};

    switch (c->measure) {
    case MEASURE_SET:
        if (attempt_set(w, c->policy, out, &err))
            return true;
        walk_fail(w, TARGET_PERMANENT, err.code, "%s", err.message);
        return false;
    case MEASURE_DELETE:
        attempt_delete(w, s, out);
        return true;
    case MEASURE_DISABLE:
        if (s->disable_via == DISABLE_NOT) {
            not_possible(out, "ActionDisabled",
                         "The application can neither disable nor delete accounts");
        } else if (s->disable_via == DISABLE_BY_DELETE) {
            attempt_disable_by_delete(w, out);
        } else {
            attempt_update(w, out);
        }
        return true;
    case MEASURE_NONE:
        break;
    }
    not_possible(out, "EntrySynchronizationSkipped", "Nothing is to be done");
    return true;
}

static void choose(struct walk *w, const struct candidate *c, const struct attempt *a)
{
    struct walk_due *d = &w->due[c->event];
    bool deletes = a->intent == INTENT_DELETE;

    w->intent = a->intent;
    w->action = a->action;
    w->event = c->event;
    w->policy = c->policy;
    w->removal = a->removal;
    w->changes = a->changes;
    w->unchanged = false; /* of a stronger one there was nothing left to do, maybe */
    w->status = STATUS_SUCCESS;
    w->code = w->message = (struct str){0};
    if (d->known)
        d->write = DUE_DONE;
    walk_step(w, STEP_PROCESSING,
              deletes ? "EntrySynchronizationDelete" : "EntrySynchronizationUpdate", STATUS_SUCCESS,
              "The account is to be %s: %.*s",
              deletes                          ? "deleted"
              : a->removal == REMOVAL_BY_VALUE ? "marked as its policy says"
                                               : "disabled",
              STR_ARG(w->out_of_scope_reason));
}

/* The first that would change nothing is what the walk says of itself. */
static void tell_nothing(struct walk *w, const struct candidate *c, const struct attempt *a,
                         bool *told)
{
    if (*told)
        return;
    *told = true;
    walk_skip(w, a->code, "%s", a->message);
    if (a->redundant) { /* on demand the account is asked whether it is so */
        w->unchanged = true;
        w->removal = a->removal;
        w->policy = c->policy;
    }
}

/* The due one that is strongest and does something. */
static bool choose_due(struct walk *w, const struct walk_job *j, const struct candidate *all,
                       size_t count, enum measure *out_measure, bool *told)
{
    *out_measure = MEASURE_NONE;
    for (int measure = MEASURE_DELETE; measure > MEASURE_NONE; measure--) {
        for (size_t i = 0; i < count; i++) {
            struct attempt a;

            if ((int)all[i].measure != measure || all[i].due_us > j->now_us)
                continue;
            if (!attempt(w, j, &all[i], &a))
                return false;
            if (a.intent != INTENT_NOTHING) {
                choose(w, &all[i], &a);
                *out_measure = all[i].measure;
                return true;
            }
            tell_nothing(w, &all[i], &a, told);
        }
    }
    return true;
}

static void skip_until(struct walk *w, const struct candidate *first)
{
    char time[TIME_TEXT_MAX];

    walk_skip(w, "InGracePeriod", "Its removal (%.*s) is due at %.*s: %.*s",
              STR_ARG(words_of(first, w->arena)), STR_ARG(time_write(first->due_us, time)),
              STR_ARG(w->out_of_scope_reason));
    w->unchanged = false;
}

/* Those that would do something later wait for it. */
static bool keep_waiting(struct walk *w, const struct walk_job *j, const struct candidate *all,
                         size_t count, enum measure stronger_than, bool *told)
{
    const struct candidate *first = NULL;

    for (size_t i = 0; i < count; i++) {
        struct attempt a;

        if (all[i].due_us <= j->now_us || all[i].measure <= stronger_than)
            continue;
        if (!attempt(w, j, &all[i], &a))
            return false;
        if (a.intent == INTENT_NOTHING) {
            if (w->intent == INTENT_NOTHING)
                tell_nothing(w, &all[i], &a, told);
            continue;
        }
        wait_for(w, &all[i]);
        if (!first || all[i].due_us < first->due_us)
            first = &all[i];
    }
    if (first && w->intent == INTENT_NOTHING)
        skip_until(w, first);
    return true;
}

void station_removal(struct walk *w, const struct walk_job *j)
{
    struct candidate all[REMOVAL_EVENT_COUNT];
    enum measure chosen;
    size_t count = 0;
    bool told = false;

    if (left_before(w, j->settings)) {
        w->due[REMOVAL_UNASSIGNED].write = w->due[REMOVAL_FILTERED_OUT].write = DUE_UNCHANGED;
        walk_skip(w, "ActionDisabled",
                  "It had left before it was deleted (deprovision.deleteAfterUnassign is off)");
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(test_order); i++) {
        if (w->events & 1u << test_order[i])
            count += asks(w, j, test_order[i], &all[count]);
    }
    if (choose_due(w, j, all, count, &chosen, &told) &&
        keep_waiting(w, j, all, count, chosen, &told))
        note_departures(w, j);
}

bool walk_changes(struct walk *w, const struct json *current, struct err *err)
{
    bool removal = w->intent == INTENT_DISABLE;

    if (removal && w->removal == REMOVAL_BY_VALUE) {
        return mapping_set(w->mapping, w->policy->attribute, w->policy->value, current, w->arena,
                           &w->changes, err);
    }
    mapping_update(w->mapping, w->values, current, removal ? UPDATE_SOFT_DELETED_ONLY : UPDATE_ALL,
                   w->arena, &w->changes);
    return true;
}
