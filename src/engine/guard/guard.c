#include "engine/guard/guard.h"

#include "engine/cycle/run.h"
#include "engine/failures/quarantine.h"
#include "engine/notices.h"

/* --- judging --- */

enum guard_limit guard_judge(const struct job_settings *s, const struct guard_numbers *n)
{
    int64_t together = n->planned + n->sent;

    if (!s->guard || n->planned == 0)
        return GUARD_WITHIN;
    if (together > s->guard_count)
        return GUARD_OVER_COUNT;
    if (together >= s->guard_percent_least && together * 100 > s->guard_percent * n->connected)
        return GUARD_OVER_SHARE;
    return GUARD_WITHIN;
}

static const char *const class_words[][2] = {
    [HELD_REMOVAL] = {"removal", "removals"},
    [HELD_UPDATE] = {"change of a matching or sign-in attribute",
                     "changes of a matching or sign-in attribute"},
};
static_assert(ARRAY_LEN(class_words) == HELD_CLASS_COUNT, "every held_class has words");

struct str guard_explain(const struct job_settings *s, const struct guard_numbers *n,
                         enum held_class class_, struct arena *a)
{
    char window[TIME_TEXT_MAX];
    struct str head =
        arena_printf(a, "%lld %s", (long long)n->planned, class_words[class_][n->planned != 1]);

    if (n->sent > 0) {
        duration_write(s->guard_window_us, window);
        head = arena_printf(a, "%.*s, together with %lld of the last %s,", STR_ARG(head),
                            (long long)n->sent, window);
    }
    switch (guard_judge(s, n)) {
    case GUARD_OVER_COUNT:
        return arena_printf(a, "%.*s: more than the %lld of guard.count", STR_ARG(head),
                            (long long)s->guard_count);
    case GUARD_OVER_SHARE:
        return arena_printf(a, "%.*s: more than %lld %% of %lld accounts (guard.percent)",
                            STR_ARG(head), (long long)s->guard_percent, (long long)n->connected);
    case GUARD_WITHIN:
        break;
    }
    return arena_printf(a, "%.*s: within the guard's numbers", STR_ARG(head));
}

bool guard_numbers_load(struct db *db, int64_t job_no, const struct job_settings *s,
                        enum held_class class_, int64_t now_us, struct guard_numbers *out,
                        struct err *err)
{
    int64_t users, groups;

    if (!held_sent_since(db, job_no, class_, now_us - s->guard_window_us, &out->sent, err) ||
        !connection_count(db, job_no, SOURCE_USER, &users, err) ||
        !connection_count(db, job_no, SOURCE_GROUP, &groups, err))
        return false;
    out->connected = users + groups;
    return true;
}

bool guard_numbers_as_held(struct db *db, int64_t job_no, enum held_class class_,
                           struct guard_numbers *n, struct err *err)
{
    struct held_series s;
    bool found;

    if (!held_series_load(db, job_no, class_, &s, &found, err))
        return false;
    if (found && s.sent > n->sent)
        n->sent = s.sent;
    if (found && s.connected < n->connected)
        n->connected = s.connected;
    return true;
}

/* --- what counts --- */

/* The attribute by which people sign in, whatever matches. */
static bool is_sign_in(const struct mapping_attribute *m)
{
    return str_eq_ascii_nocase(m->target, STR("userName"));
}

bool guard_attribute(const struct mapping_attribute *m)
{
    return m->matching_priority > 0 || is_sign_in(m);
}

static const struct mapping_change *guarded_change(const struct walk *w)
{
    for (size_t i = 0; i < w->changes.count; i++) {
        const struct mapping_change *c = &w->changes.items[i];

        if (guard_attribute(c->attribute) && c->before &&
            !mapping_equal(c->attribute, c->before, NULL))
            return c;
    }
    return NULL;
}

bool guard_concerns(const struct walk *w, enum held_class *out)
{
    switch (w->intent) {
    case INTENT_DISABLE:
    case INTENT_DELETE:
        *out = HELD_REMOVAL;
        return true;
    case INTENT_UPDATE:
        *out = HELD_UPDATE;
        return guarded_change(w) != NULL;
    case INTENT_NOTHING:
    case INTENT_MATCH_OR_CREATE:
    case INTENT_COUNT:
        break;
    }
    return false;
}

static enum held_action action_of(const struct walk *w)
{
    return w->intent == INTENT_DELETE    ? HELD_DELETE
           : w->intent == INTENT_DISABLE ? HELD_DISABLE
                                         : HELD_CHANGE;
}

static struct str change_text(const struct walk *w)
{
    const struct mapping_change *c = guarded_change(w);

    if (!c)
        return STR("");
    if (c->attribute->secret)
        return c->attribute->target;
    return arena_printf(w->arena, "%.*s: %.*s -> %.*s", STR_ARG(c->attribute->target),
                        STR_ARG(json_text(w->arena, c->before)),
                        STR_ARG(c->after ? json_text(w->arena, c->after) : STR("nothing")));
}

struct held guard_row(const struct walk *w, enum held_class class_)
{
    const struct run *r = w->run;

    return (struct held){
        .source_id = w->entry.id,
        .class_ = class_,
        .state = HELD_PLANNED,
        .action = action_of(w),
        .kind = w->entry.kind,
        .name = w->entry.display_name,
        .target_id = w->connection.target_id,
        .code = class_ == HELD_REMOVAL ? str_from_z(w->out_of_scope_code) : STR(""),
        .reason = class_ == HELD_REMOVAL ? w->out_of_scope_reason : change_text(w),
        .version = w->entry.version,
        .cycle_id = r->cycle.id,
        .planned_us = clock_now(r->engine->clock),
    };
}

/* --- in a run --- */

static int64_t undecided(const struct held_counts *c, enum held_class class_)
{
    return c->n[class_][HELD_PLANNED] + c->n[class_][HELD_WAITING] + c->n[class_][HELD_RELEASED] +
           c->decided[class_];
}

/* Once, before anything is sent: what is sent afterwards is among the planned ones. */
static bool load_numbers(struct run *r, enum held_class class_, struct err *err)
{
    struct run_guard *g = &r->guard;

    if (!g->loaded[class_] &&
        !guard_numbers_load(r->db, r->job.no, &r->settings, class_, clock_now(r->engine->clock),
                            &g->numbers[class_], err))
        return false;
    g->loaded[class_] = true;
    return true;
}

bool guard_open(struct run *r, struct err *err)
{
    struct run_guard *g = &r->guard;
    struct held_counts counts;

    *g = (struct run_guard){0};
    if (!held_count(r->db, r->job.no, &counts, err))
        return false;
    for (int c = 0; c < HELD_CLASS_COUNT; c++) {
        g->numbers[c].planned = undecided(&counts, (enum held_class)c);
        g->closed[c] = counts.n[c][HELD_WAITING] > 0;
        g->tried |= counts.n[c][HELD_SENT] > 0;
        for (int s = 0; s < HELD_STATE_COUNT; s++)
            g->rows |= counts.n[c][s] > 0;
        if (g->numbers[c].planned > 0 && !load_numbers(r, (enum held_class)c, err))
            return false;
    }
    return true;
}

/* One more than the gate has seen: the source has changed meanwhile. */
static bool admit(struct walk *w, enum held_class class_, struct err *err)
{
    struct run *r = w->run;
    struct run_guard *g = &r->guard;
    struct guard_numbers n;

    if (g->closed[class_] || !load_numbers(r, class_, err))
        return false;
    n = g->numbers[class_];
    n.planned++;
    if (guard_judge(&r->settings, &n) != GUARD_WITHIN) {
        g->closed[class_] = true;
        return false;
    }
    g->numbers[class_].planned++;
    return true;
}

static void skip_staged(struct walk *w, enum held_class class_)
{
    enum journal_action was = w->action;

    if (class_ == HELD_UPDATE)
        walk_properties(w, &w->changes);
    walk_skip(w, "Staged", "Held by the guard until an administrator decides: %s '%.*s' (%.*s)",
              class_ == HELD_UPDATE  ? "updating"
              : was == ACTION_DELETE ? "deleting"
                                     : "disabling",
              STR_ARG(w->entry.display_name),
              STR_ARG(class_ == HELD_UPDATE ? change_text(w) : w->out_of_scope_reason));
    w->action = class_ == HELD_UPDATE ? ACTION_UPDATE : ACTION_STAGED_DELETE;
    w->silent = false;
    walk_step(w, STEP_PROCESSING, "EntrySynchronizationSkip", STATUS_SKIPPED, "%.*s",
              STR_ARG(w->message));
}

static void hold(struct walk *w, enum held_class class_)
{
    struct held *row = ARENA_NEW(w->arena, struct held);

    *row = guard_row(w, class_);
    row->state = HELD_WAITING;
    w->run->guard.rows = true;
    w->guard.mark = GUARD_HOLD;
    w->guard.row = row;
    w->guard.series = (struct held_series){w->run->guard.numbers[class_].sent,
                                           w->run->guard.numbers[class_].connected};
    skip_staged(w, class_);
}

static void send_or_hold(struct walk *w, enum held_class class_)
{
    struct err err = {.kind = ERR_NONE};

    if (admit(w, class_, &err)) {
        w->guard.mark = GUARD_ADMITTED;
    } else if (err.kind == ERR_NONE) {
        hold(w, class_);
    } else { /* nothing is removed that could not be counted */
        walk_fail(w, TARGET_TRANSIENT, "InternalError", "%s", err.message);
    }
}

static bool is_same(const struct walk *w, enum held_class class_, const struct held *row)
{
    return row->class_ == class_ && row->action == action_of(w);
}

bool guard_is_rejected(const struct walk *w, const struct held *row)
{
    enum held_class class_ = HELD_REMOVAL;

    return guard_concerns(w, &class_) && row->state == HELD_REJECTED && is_same(w, class_, row) &&
           row->version == w->entry.version;
}

bool guard_pass_row(struct walk *w, const struct held *row)
{
    enum held_class class_;

    if (!guard_concerns(w, &class_))
        return false;
    w->guard.class_ = class_;
    w->guard.has_row = true;
    if (row->state == HELD_ALLOWED && is_same(w, class_, row)) {
        w->guard.mark = GUARD_APPROVED;
    } else if ((row->state == HELD_PLANNED || row->state == HELD_RELEASED) &&
               row->class_ == class_) {
        w->guard.mark = GUARD_ADMITTED;
    } else {
        send_or_hold(w, class_);
    }
    return true;
}

/* Done already in this cycle, before everything else: it is not told twice. Not so when the source
 * has changed since and something else is to be done. */
static bool is_done(const struct walk *w, bool concerned, enum held_class class_,
                    const struct held *row)
{
    if (!str_eq(row->tried_cycle, w->run->cycle.id))
        return false;
    return concerned ? is_same(w, class_, row) : w->intent == INTENT_NOTHING;
}

static void pass_with_row(struct walk *w, bool concerned, enum held_class class_,
                          const struct held *row)
{
    if (is_done(w, concerned, class_, row)) {
        walk_skip(w, "RedundantExport", "Done before in this cycle");
        w->again_in_cycle = true;
    } else if (!concerned) {
        return;
    } else if (row->state == HELD_WAITING && row->class_ == class_) {
        skip_staged(w, class_);
    } else if (guard_is_rejected(w, row)) {
        walk_skip(w, "Rejected", "An administrator has rejected this: the account stays as it is");
    } else {
        guard_pass_row(w, row);
    }
}

void guard_pass(struct walk *w)
{
    struct run *r = w->run;
    struct err err = {.kind = ERR_NONE};
    enum held_class class_ = HELD_REMOVAL;
    bool concerned = guard_concerns(w, &class_);
    bool found = false;
    struct held row;

    if (!concerned && !(r->guard.tried && w->intent == INTENT_NOTHING))
        return;
    if (concerned && class_ == HELD_UPDATE && !r->settings.guard && !r->guard.rows)
        return;
    w->guard.class_ = class_;
    if (r->guard.rows && !held_load(r->db, w->arena, r->job.no, w->entry.id, &row, &found, &err)) {
        walk_fail(w, TARGET_TRANSIENT, "InternalError", "%s", err.message);
    } else if (found) {
        w->guard.has_row = true;
        pass_with_row(w, concerned, class_, &row);
    } else if (concerned) {
        send_or_hold(w, class_);
    }
}

/* What is held already is among the planned ones. */
static bool is_counted(enum held_state state)
{
    return state == HELD_WAITING || state == HELD_PLANNED || state == HELD_RELEASED;
}

bool guard_foresee(struct walk *w, struct err *err)
{
    struct run *r = w->run;
    struct guard_numbers *numbers = r->guard.numbers;
    enum held_class class_ = HELD_REMOVAL;
    bool concerned = guard_concerns(w, &class_);
    bool found = false;
    struct held row;

    if (r->guard.rows && !held_load(r->db, w->arena, r->job.no, w->entry.id, &row, &found, err))
        return false;
    if (found && guard_is_rejected(w, &row)) {
        walk_skip(w, "Rejected", "An administrator has rejected this: the account stays as it is");
        return true;
    }
    if (found && is_counted(row.state))
        numbers[row.class_].planned--;
    if (concerned && !(found && row.state == HELD_ALLOWED && is_same(w, class_, &row)))
        numbers[class_].planned++;
    return true;
}

bool guard_foretell(struct run *r, enum held_class class_, struct arena *a, struct str *out,
                    struct err *err)
{
    struct guard_numbers *n = &r->guard.numbers[class_];

    if (!load_numbers(r, class_, err) || !guard_numbers_as_held(r->db, r->job.no, class_, n, err))
        return false;
    *out = guard_judge(&r->settings, n) == GUARD_WITHIN ? (struct str){0}
                                                        : guard_explain(&r->settings, n, class_, a);
    return true;
}

void guard_pass_on_demand(struct walk *w)
{
    if (guard_concerns(w, &w->guard.class_)) {
        w->guard.mark = GUARD_APPROVED;
        w->guard.has_row = true;
    }
}

/* --- recording --- */

static bool record_one(struct db *db, const struct run *r, const struct walk *w,
                       int64_t sent[HELD_CLASS_COUNT], struct err *err)
{
    bool failed = w->status == STATUS_FAILURE;

    switch (w->guard.mark) {
    case GUARD_FREE:
        return true;
    case GUARD_HOLD:
        return held_save(db, r->job.no, w->guard.row, err) &&
               held_series_save(db, r->job.no, w->guard.class_, &w->guard.series, err);
    case GUARD_DROP:
        return held_remove(db, r->job.no, w->entry.id, err);
    case GUARD_ADMITTED:
        sent[w->guard.class_] += !failed && w->status != STATUS_SKIPPED;
        break;
    case GUARD_APPROVED:
        break;
    }
    if (!w->guard.has_row)
        return true;
    if (r->cycle.id.len > 0)
        return held_tried(db, r->job.no, w->entry.id, r->cycle.id, !failed, err);
    return failed || held_remove(db, r->job.no, w->entry.id, err);
}

bool guard_record(struct db *db, const struct run *r, const struct walk *first, struct err *err)
{
    int64_t sent[HELD_CLASS_COUNT] = {0};

    for (const struct walk *w = first; w; w = w->next) {
        if (!record_one(db, r, w, sent, err))
            return false;
    }
    for (int c = 0; c < HELD_CLASS_COUNT; c++) {
        if (sent[c] > 0 && !held_sent_add(db, r->job.no, (enum held_class)c,
                                          clock_now(r->engine->clock), sent[c], err))
            return false;
    }
    return true;
}

bool guard_settle(const struct engine *e, struct db *db, int64_t job_no, struct err *err)
{
    CLEANUP(arena_freep) struct arena *tmp = arena_new();
    struct quarantine_change change = {.reason = QUARANTINE_NONE};
    struct held_counts counts;
    int64_t removals, updates;
    struct job job;

    if (!held_count(db, job_no, &counts, err) || !job_load_no(db, tmp, job_no, &job, err))
        return false;
    removals = counts.n[HELD_REMOVAL][HELD_WAITING];
    updates = counts.n[HELD_UPDATE][HELD_WAITING];
    if (!notices_held(e, db, &job, removals, updates, err) || !held_series_end(db, job_no, err))
        return false;
    if (removals + updates == 0) {
        return held_end_decisions(db, job_no, err) &&
               (quarantine_reason_of(job.quarantine_reason) != QUARANTINE_TOO_MANY_DELETES ||
                quarantine_change(e, db, job_no, &change, err));
    }
    if (job.quarantined) /* it says so already, or something worse */
        return true;
    change = (struct quarantine_change){
        .reason = QUARANTINE_TOO_MANY_DELETES,
        .code = STR("TooManyDeletes"),
        .message = arena_printf(tmp,
                                "%lld removals and %lld changes of a matching or sign-in "
                                "attribute are held: 'usher held %.*s' lists them",
                                (long long)removals, (long long)updates, STR_ARG(job.name)),
    };
    return quarantine_change(e, db, job_no, &change, err);
}
