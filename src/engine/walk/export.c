/* The station export: drives one object's requests to its outcome (engine.md 4, 6.4, 9). Every call
 * ends in one of the on_... functions; each of them starts the next call or finishes the walk. A
 * create whose answer was lost is never repeated blindly: the target is asked by the matching
 * attributes again (promise 2). */
#include "engine/cycle/listing.h"
#include "engine/cycle/run.h"
#include "engine/failures/governor.h"

static void read_account(struct walk *w);
static void send_remove(struct walk *w);

enum { SENT_MAX = 2048 }; /* bytes of a request in a record */

static const int64_t quick_tries_us[] = {1 * US_PER_SECOND, 5 * US_PER_SECOND, 25 * US_PER_SECOND};

/* Nothing is under way for the walk any more. */
static void let_go(struct walk *w)
{
    if (w->matching_key.len > 0)
        map_take(&w->run->matching, w->matching_key);
    w->run->in_flight--;
}

void export_finish(struct walk *w)
{
    let_go(w);
    if (w->keep == KEEP_CONNECTION)
        map_put(&w->run->unrecorded, w->target_id, w);
    run_walk_finish(w);
}

static void delay(struct walk *w, int64_t us, void (*again)(struct walk *w))
{
    w->again = again;
    w->not_before_us = clock_monotonic_us() + us;
    w->next = w->run->delayed;
    w->run->delayed = w;
}

void export_again(struct walk *w)
{
    w->again(w);
}

/* A throttled call is repeated as often as the target wants it: it never becomes a failure. The
 * whole job waits (engine.md 9.7, 22 D6). */
static int64_t throttled_wait_us(struct walk *w, const struct target_result *result)
{
    struct run *r = w->run;
    int64_t wait = result->retry_after_ms * US_PER_MS;
    int64_t hold = governor_hold_us(r->governor);
    int64_t until;

    if (result->retry_after_ms < 0)
        wait = hold > 0 ? hold : quick_tries_us[0];
    until = clock_monotonic_us() + wait;
    if (until > r->hold_until_us)
        r->hold_until_us = until;
    return wait + 1;
}

/* How long a call that may succeed later waits; 0: it is not repeated in this run. */
static int64_t wait_us(struct walk *w, const struct target_result *result)
{
    int64_t wait;

    if (result->class_ == TARGET_THROTTLED)
        return throttled_wait_us(w, result);
    if (result->class_ == TARGET_TRANSIENT && w->tries < ARRAY_LEN(quick_tries_us)) {
        wait = quick_tries_us[w->tries++];
        return wait - wait / 4 + (int64_t)rng_below(w->run->engine->rng, (uint64_t)wait / 2);
    }
    return 0;
}

/* The walk ends without an outcome: its page is not passed, so that the cycle does it again when it
 * goes on. */
void export_abandon(struct walk *w)
{
    /* An account may be there: it is not forgotten even if the object leaves scope meanwhile. */
    if (w->doubt == DOUBT_LEFT && w->run->leased) {
        walk_fail(w, TARGET_TRANSIENT, "WebExceptionProtocolError",
                  "The answer to the creation was lost and the cycle has stopped: the account is "
                  "looked for first when it is tried again");
        export_finish(w);
        return;
    }
    let_go(w);
    run_walk_recycle(w->run, w);
}

static void give_up_run(struct run *r, const struct target_result *result)
{
    struct err err;

    err_fill(&err, result->class_ == TARGET_TRANSIENT ? ERR_UNAVAILABLE : ERR_DENIED, result->code,
             "%.*s", STR_ARG(result->message));
    run_abort(r, &err);
}

/* The request that was sent, for people; empty when it had no body. Secret values are masked by the
 * target. */
static struct str request_of(struct walk *w, bool creates)
{
    struct target *t = w->run->target;

    if (w->references && w->second->leg != LEG_SINGLES)
        return members_request(w);
    if (w->changes.count == 0)
        return (struct str){0};
    return t->ops->preview(t, w->mapping,
                           creates            ? STR("")
                           : w->target_id.len ? w->target_id
                                              : w->connection.target_id,
                           &w->changes, w->arena);
}

void export_tell(struct walk *w, const struct target_result *result, const char *step_name)
{
    struct json *details = walk_details(w);
    bool add = strcmp(step_name, "EntryExportAdd") == 0;
    bool update = strcmp(step_name, "EntryExportUpdate") == 0;
    struct str sent = add || update ? request_of(w, add) : (struct str){0};

    if (sent.len > SENT_MAX) { /* cut at the start of a character */
        for (sent.len = SENT_MAX; ((unsigned char)sent.ptr[sent.len] & 0xC0) == 0x80;)
            sent.len--;
        sent = arena_printf(w->arena, "%.*s...", STR_ARG(sent));
    }
    if (sent.len > 0)
        json_add_str(w->arena, details, "request", sent);
    if (result->http_status > 0)
        json_add_int(w->arena, details, "status", result->http_status);
}

/* Whoever may write to no account at all has a token that is too weak, although it may read: a
 * failure of the job, not of so many objects (engine.md 9.2). */
static void denied(struct run *r, const struct target_result *result)
{
    if (++r->denied_in_row >= RUN_DENIED_MAX)
        give_up_run(r, result);
}

void export_failed(struct walk *w, const struct target_result *result, enum step_type step,
                   const char *step_name, void (*again)(struct walk *w))
{
    struct run *r = w->run;
    bool on_demand = r->cycle.id.len == 0;
    bool of_the_object = result->class_ == TARGET_PERMANENT || result->class_ == TARGET_PERMISSION;

    if (!on_demand && !of_the_object) {
        int64_t wait;

        if (result->class_ == TARGET_TRANSIENT && !result->shared)
            r->failures_in_row++;
        if (result->class_ == TARGET_JOB || r->failures_in_row >= r->window)
            give_up_run(r, result);
        if (r->stopping) {
            export_abandon(w);
            return;
        }
        wait = wait_us(w, result);
        if (wait > 0) {
            delay(w, wait, again);
            return;
        }
    }
    if (!on_demand && result->class_ == TARGET_PERMISSION)
        denied(r, result);
    walk_step(w, step, step_name, STATUS_FAILURE, "%.*s", STR_ARG(result->message));
    export_tell(w, result, step_name);
    walk_fail(w, result->class_, result->code, "%.*s", STR_ARG(result->message));
    export_finish(w);
}

void export_good_call(struct walk *w)
{
    w->run->failures_in_row = 0;
    w->tries = 0;
}

void export_keep(struct walk *w, struct str target_id, const struct json *before)
{
    w->keep = KEEP_CONNECTION;
    w->target_id = arena_str(w->arena, target_id);
    w->kept_before = before;
    if (w->rematched && w->status == STATUS_SUCCESS) {
        w->status = STATUS_WARNING;
        w->code = STR("InvalidAnchor");
        w->message = STR("The connected account no longer existed; it was matched again");
    }
}

/* In a dry run the request is shown instead of being sent. */
static bool shown_only(struct walk *w, const char *step_name, const struct mapping_changes *changes)
{
    struct target *t = w->run->target;
    struct str request;

    if (w->run->send == ENGINE_SEND)
        return false;
    request = t->ops->preview(t, w->mapping, w->target_id, changes, w->arena);
    walk_step(w, STEP_EXPORT, step_name, STATUS_SUCCESS, "Not sent: this is a dry run");
    json_add_str(w->arena, walk_details(w), "request", request);
    walk_succeed(w, w->action);
    export_finish(w);
    return true;
}

bool export_compare(struct walk *w)
{
    struct err err = {.kind = ERR_NONE};

    if (w->planned)
        return apply_compare(w);
    if (walk_changes(w, w->exported_before, &err))
        return true;
    walk_fail(w, TARGET_PERMANENT, err.code, "%s", err.message);
    return false;
}

/* --- create --- */

static void on_created(void *ctx, const struct target_result *result)
{
    struct walk *w = ctx;

    w->requests += !result->shared;
    if (result->status == TARGET_CONFLICT && !w->asked_after_conflict) {
        walk_step(w, STEP_EXPORT, "EntryExportAdd", STATUS_WARNING, "%.*s",
                  STR_ARG(result->message));
        w->asked_after_conflict = true;
        match_again(w);
        return;
    }
    if (result->status != TARGET_OK) {
        w->doubt = result->class_ == TARGET_TRANSIENT ? DOUBT_LEFT : w->doubt;
        export_failed(w, result, STEP_EXPORT, "EntryExportAdd", match_again);
        return;
    }
    export_good_call(w);
    walk_succeed(w, ACTION_CREATE);
    walk_properties(w, &w->changes);
    w->origin = CONNECTION_CREATED;
    export_keep(w, result->records[0].id, NULL);
    listing_add(w);
    walk_step(w, STEP_EXPORT, "EntryExportAdd", STATUS_SUCCESS, "Created as %.*s",
              STR_ARG(w->target_id));
    export_finish(w);
}

void export_create(struct walk *w)
{
    struct target *t = w->run->target;
    struct err err = {0};

    w->action = ACTION_CREATE;
    w->doubt = DOUBT_SETTLED; /* the target was asked, and has none */
    w->target_id = (struct str){0};
    if (w->planned && w->planned->target_id.len > 0) {
        apply_gone(w);
        export_finish(w);
        return;
    }
    if (!(w->mapping->can & MAPPING_CAN_ADD)) {
        walk_skip(w, "ActionDisabled", "No account matches, and creating is switched off");
        export_finish(w);
        return;
    }
    if (w->entry.kind == SOURCE_GROUP && !w->run->settings.group_create) {
        walk_skip(w, "ActionDisabled",
                  "No group matches, and the application does not let groups be created");
        export_finish(w);
        return;
    }
    if (unique_begin(w, export_create))
        return;
    if (!mapping_create(w->mapping, w->values, w->arena, &w->changes, &err)) {
        walk_fail(w, TARGET_PERMANENT, err.code, "%s", err.message);
        walk_step(w, STEP_PROCESSING, "EntrySynchronizationAdd", STATUS_FAILURE, "%s", err.message);
        export_finish(w);
        return;
    }
    if (w->planned && !apply_create(w)) {
        export_finish(w);
        return;
    }
    walk_properties(w, &w->changes);
    if (!shown_only(w, "EntryExportAdd", &w->changes) && !bulk_take(w, on_created))
        t->ops->create(t, w->mapping, &w->changes, on_created, w);
}

/* --- update and disable --- */

void export_anchor_gone(struct walk *w)
{
    if (w->planned && w->intent != INTENT_DELETE) {
        apply_gone(w);
        export_finish(w);
        return;
    }
    w->keep = KEEP_DROPPED;
    if (!w->in_scope || w->entry.gone) {
        walk_succeed(w, w->action);
        w->message = STR("The account no longer existed in the target");
        walk_step(w, STEP_EXPORT, "EntryExportUpdate", STATUS_SUCCESS, "%.*s", STR_ARG(w->message));
        export_finish(w);
        return;
    }
    walk_step(w, STEP_MATCHING, "EntrySynchronizationMatch", STATUS_WARNING,
              "Account %.*s no longer exists in the target: matching again",
              STR_ARG(w->connection.target_id));
    w->criterion_count = mapping_criteria(w->mapping, w->values, w->criteria, WALK_CRITERIA_MAX);
    if (w->rematched || w->criterion_count == 0) {
        walk_fail(w, TARGET_PERMANENT, "InvalidAnchor",
                  "The connected account no longer exists and none could be matched");
        export_finish(w);
        return;
    }
    w->rematched = true;
    match_again(w);
}

static void on_updated(void *ctx, const struct target_result *result)
{
    struct walk *w = ctx;

    w->requests++;
    if (result->status == TARGET_NOT_FOUND) {
        export_anchor_gone(w);
        return;
    }
    if (result->status != TARGET_OK) {
        export_failed(w, result, STEP_EXPORT, "EntryExportUpdate", export_update);
        return;
    }
    export_good_call(w);
    walk_succeed(w, w->action);
    export_keep(w, w->target_id, w->exported_before);
    listing_add(w);
    walk_step(w, STEP_EXPORT, "EntryExportUpdate", STATUS_SUCCESS,
              "Account %.*s %s: %zu attributes", STR_ARG(w->target_id),
              w->action == ACTION_DISABLE ? "disabled" : "updated", w->changes.count);
    export_finish(w);
}

void export_update(struct walk *w)
{
    struct target *t = w->run->target;

    walk_properties(w, &w->changes);
    if (!shown_only(w, "EntryExportUpdate", &w->changes))
        t->ops->update(t, w->mapping, w->target_id, &w->changes, on_updated, w);
}

static bool is_by_delete(const struct walk *w)
{
    return w->intent == INTENT_DELETE ||
           (w->intent == INTENT_DISABLE && w->removal == REMOVAL_BY_DELETE);
}

static void on_read(void *ctx, const struct target_result *result)
{
    struct walk *w = ctx;

    w->requests++;
    if (result->status == TARGET_NOT_FOUND) {
        export_anchor_gone(w);
        return;
    }
    if (result->status != TARGET_OK) {
        export_failed(w, result, STEP_MATCHING, "EntrySynchronizationMatch", read_account);
        return;
    }
    export_good_call(w);
    w->exported_before = json_clone(w->arena, result->records[0].values);
    walk_step(w, STEP_MATCHING, "EntrySynchronizationMatch", STATUS_SUCCESS,
              "Connected to account %.*s", STR_ARG(w->target_id));
    w->steps[w->step_count - 1].details = w->exported_before;
    if (protect_account(w, &result->records[0]) ||
        ((w->planned || !is_by_delete(w)) && !export_compare(w))) {
        export_finish(w);
        return;
    }
    if (is_by_delete(w) && (w->intent == INTENT_DELETE || !w->planned || w->changes.count > 0)) {
        send_remove(w);
        return;
    }
    if (w->changes.count > 0) {
        export_update(w);
        return;
    }
    walk_skip(w, "RedundantExport", "The account says already what it should");
    export_keep(w, w->target_id, w->exported_before);
    walk_step(w, STEP_EXPORT, "EntrySynchronizationSkip", STATUS_SKIPPED, "%.*s",
              STR_ARG(w->message));
    export_finish(w);
}

static void read_account(struct walk *w)
{
    struct target *t = w->run->target;

    w->target_id = w->connection.target_id;
    t->ops->read(t, w->mapping, w->target_id, on_read, w);
}

/* --- delete --- */

static void on_removed(void *ctx, const struct target_result *result)
{
    struct walk *w = ctx;

    w->requests++;
    if (result->status != TARGET_OK && result->status != TARGET_NOT_FOUND) {
        export_failed(w, result, STEP_EXPORT, "EntryExportDelete", send_remove);
        return;
    }
    export_good_call(w);
    walk_succeed(w, w->action);
    if (w->intent == INTENT_DISABLE) { /* so the application disables: the account is still there */
        walk_properties(w, &w->changes);
        export_keep(w, w->target_id, w->exported_before);
    } else {
        w->keep = KEEP_DROPPED;
    }
    walk_step(w, STEP_EXPORT, "EntryExportDelete", STATUS_SUCCESS,
              result->status != TARGET_OK   ? "Account %.*s was gone already"
              : w->intent == INTENT_DISABLE ? "Account %.*s disabled by a deletion"
                                            : "Account %.*s deleted",
              STR_ARG(w->target_id));
    export_finish(w);
}

static void send_remove(struct walk *w)
{
    struct target *t = w->run->target;

    w->target_id = w->connection.target_id;
    if (!shown_only(w, "EntryExportDelete", NULL))
        t->ops->remove(t, w->mapping, w->target_id, on_removed, w);
}

/* --- */

void station_export(struct walk *w)
{
    w->run->in_flight++;
    switch (w->intent) {
    case INTENT_MATCH_OR_CREATE:
        match_begin(w);
        break;
    case INTENT_DISABLE:
        if (w->removal == REMOVAL_BY_DELETE && !w->planned && !protect_asks(w)) {
            send_remove(w);
        } else {
            read_account(w);
        }
        break;
    case INTENT_UPDATE:
        read_account(w);
        break;
    case INTENT_DELETE:
        if (w->planned || protect_asks(w)) { /* a plan deletes the account that was reviewed */
            read_account(w);
        } else {
            send_remove(w);
        }
        break;
    case INTENT_NOTHING:
    case INTENT_COUNT:
        export_finish(w);
        break;
    }
}
