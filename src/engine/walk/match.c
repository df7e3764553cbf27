/* The match of the station export: which account is the object's (engine.md 4). The target is
 * asked by one criterion after the other, or its list, until one names an account; without one it
 * is created. */
#include "base/unicode.h"
#include "engine/cycle/listing.h"
#include "engine/cycle/run.h"

static void describe_matches(struct walk *w, const struct target_record *records, size_t count)
{
    struct json *details = walk_details(w);

    for (size_t i = 0; i < count && i < 10; i++) {
        json_add(w->arena, details, arena_str(w->arena, records[i].id),
                 json_clone(w->arena, records[i].values));
    }
}

/* Exactly one account has the matching value: it becomes this object's. */
static void adopt(struct walk *w, const struct target_record *record)
{
    struct str other = {0};
    bool taken = false;
    struct err err;

    if (!run_target_taken(w, record->id, &taken, &other, &err)) {
        walk_fail(w, TARGET_TRANSIENT, "InternalError", "%s", err.message);
        export_finish(w);
        return;
    }
    if (taken) {
        w->blocked_by = other;
        walk_fail(
            w, TARGET_PERMANENT, "DuplicateSourceEntries",
            "Account %.*s belongs already to source object %.*s: two source objects have the same "
            "matching value, change one of them",
            STR_ARG(record->id), STR_ARG(other));
        walk_step(w, STEP_MATCHING, "EntrySynchronizationMatch", STATUS_FAILURE, "%.*s",
                  STR_ARG(w->message));
        export_finish(w);
        return;
    }
    if (protect_account(w, record)) {
        export_finish(w);
        return;
    }
    w->origin = CONNECTION_MATCHED;
    w->target_id = arena_str(w->arena, record->id);
    w->exported_before = json_clone(w->arena, record->values);
    w->action = ACTION_UPDATE;
    if (!export_compare(w)) {
        export_finish(w);
        return;
    }
    if (w->changes.count > 0 && w->mapping->can & MAPPING_CAN_UPDATE) {
        export_update(w);
        return;
    }
    w->changes.count = 0;
    walk_succeed(w, ACTION_OTHER);
    w->code = STR("RedundantExport");
    w->message = STR("Connected to an account that says already what it should");
    walk_step(w, STEP_EXPORT, "EntrySynchronizationSkip", STATUS_SKIPPED, "%.*s",
              STR_ARG(w->message));
    export_keep(w, record->id, w->exported_before);
    export_finish(w);
}

/* So many accounts have the values of the present criterion. */
static void found(struct walk *w, const struct target_record *records, size_t count,
                  const char *where)
{
    struct str name = w->criteria[w->criterion].attributes[0]->target;

    walk_step(w, STEP_MATCHING, "EntrySynchronizationMatch", STATUS_SUCCESS,
              "%zu accounts found by %.*s%s", count, STR_ARG(name), where);
    describe_matches(w, records, count);
    if (count == 1) {
        adopt(w, &records[0]);
    } else if (count > 1) {
        walk_fail(w, TARGET_PERMANENT, "DuplicateTargetEntries",
                  "%zu accounts have this %.*s: remove the duplicates or change the matching",
                  count, STR_ARG(name));
        w->steps[w->step_count - 1].status = STATUS_FAILURE;
        export_finish(w);
    } else if (++w->criterion < w->criterion_count) {
        match_ask(w);
    } else if (w->asked_after_conflict) {
        walk_fail(
            w, TARGET_PERMANENT, "EntryConflict",
            "The target refused the account because a value is taken, but no account matches: fix the "
            "value on either side, or the matching");
        export_finish(w);
    } else {
        export_create(w);
    }
}

static void on_found(void *ctx, const struct target_result *result)
{
    struct walk *w = ctx;

    w->requests++;
    if (result->status != TARGET_OK) {
        export_failed(w, result, STEP_MATCHING, "EntrySynchronizationMatch", match_ask);
        return;
    }
    export_good_call(w);
    found(w, result->records, result->record_count, "");
}

static void ask_singly(struct walk *w);

/* The account that the list names, as it is now. */
static void on_listed(void *ctx, const struct target_result *result)
{
    struct walk *w = ctx;
    const struct mapping_criterion *by = &w->criteria[w->criterion];
    bool same = result->status == TARGET_OK;

    w->requests++;
    if (!same && result->status != TARGET_NOT_FOUND) {
        export_failed(w, result, STEP_MATCHING, "EntrySynchronizationMatch", match_ask);
        return;
    }
    for (size_t i = 0; same && i < by->count; i++) {
        const struct json *v = json_get(result->records[0].values, by->attributes[i]->target);

        same = mapping_equal(by->attributes[i], v, by->values[i]);
    }
    if (same) {
        found(w, result->records, 1, "");
    } else { /* it has changed since */
        ask_singly(w);
    }
}

void match_ask(struct walk *w)
{
    struct target *t = w->run->target;
    struct str ids[LISTING_FOUND_MAX];
    size_t count = 0;

    switch (listing_ask(w, ids, &count)) {
    case LISTING_WAIT:
        break;
    case LISTING_KNOWS:
        if (count == 0) {
            found(w, NULL, 0, " in the list of all accounts");
        } else if (count == 1) {
            t->ops->read(t, w->mapping, ids[0], on_listed, w);
        } else {
            ask_singly(w); /* the target says which of them there still are */
        }
        break;
    case LISTING_ASK:
        t->ops->find(t, w->mapping, &w->criteria[w->criterion], on_found, w);
        break;
    }
}

/* What was read before does not count: something has happened since. */
static void ask_singly(struct walk *w)
{
    w->singly = true;
    match_ask(w);
}

void match_again(struct walk *w)
{
    w->criterion = 0;
    ask_singly(w);
}

/* "kind:value", folded. Without printf: every walk comes by here. */
static struct str matching_key(struct walk *w, struct str value)
{
    struct str folded = str_fold(w->arena, value);
    char *text = arena_alloc(w->arena, folded.len + 3);

    text[0] = (char)('0' + w->entry.kind);
    text[1] = ':';
    memcpy(text + 2, folded.ptr, folded.len);
    return (struct str){text, folded.len + 2};
}

void match_begin(struct walk *w)
{
    struct str value = w->criteria[0].values[0]->text;
    struct str key = matching_key(w, value);
    const struct walk *first;

    first = map_get(&w->run->matching, key);
    if (first) {
        w->blocked_by = arena_str(w->arena, first->entry.id);
        walk_fail(w, TARGET_PERMANENT, "DuplicateSourceEntries",
                  "Another source object has the same matching value '%.*s': change one of them",
                  STR_ARG(value));
        walk_step(w, STEP_MATCHING, "EntrySynchronizationMatch", STATUS_FAILURE, "%.*s",
                  STR_ARG(w->message));
        export_finish(w);
        return;
    }
    w->matching_key = key;
    map_put(&w->run->matching, key, w);
    listing_begin(w);
    match_ask(w);
}
