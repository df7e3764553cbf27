#include "engine/failures/escrow.h"

#include "engine/failures/doubt.h"

#define GIVEN_UP_US (28 * US_PER_DAY)

int64_t escrow_next_us(enum target_class class_, int64_t attempts, int64_t first_us, int64_t now_us)
{
    static const int64_t hours[] = {2, 6, 12, 24};
    bool heals = class_ == TARGET_TRANSIENT || class_ == TARGET_THROTTLED;
    int64_t passed;

    if (first_us > now_us) /* the clock went back */
        first_us = now_us;
    passed = now_us - first_us;
    if (class_ == TARGET_THROTTLED || attempts <= 1)
        return now_us;
    if (passed >= GIVEN_UP_US)
        return RETRY_NEVER;
    for (size_t i = heals ? 0 : 1; i < ARRAY_LEN(hours); i++) {
        if (hours[i] * US_PER_HOUR > passed)
            return first_us + hours[i] * US_PER_HOUR;
    }
    return first_us + (passed / US_PER_DAY + 1) * US_PER_DAY;
}

/* In the step that failed, for who reads the record. */
static void note_retry(struct walk *w, int64_t attempts, int64_t next_us)
{
    char text[TIME_TEXT_MAX];
    struct journal_step *last;
    struct json *details;

    if (w->step_count == 0)
        return;
    last = &w->steps[w->step_count - 1];
    details = last->details ? json_clone(w->arena, last->details) : json_new(w->arena, JSON_OBJECT);
    json_add_int(w->arena, details, "retried", attempts - 1);
    if (next_us != RETRY_NEVER)
        json_add_str(w->arena, details, "nextTry", time_write(next_us, text));
    last->details = details;
}

/* No cycle comes before its interval, whatever is due. */
static void say_when(const struct run *r, struct walk *w, const struct retry *parked,
                     int64_t attempts)
{
    int64_t cycle = r->cycle.began_us + r->job.interval_us;
    int64_t next = parked->next_us > cycle ? parked->next_us : cycle;
    char text[TIME_TEXT_MAX];
    struct str times =
        attempts == 2 ? STR("once") : arena_printf(w->arena, "%lld times", (long long)attempts - 1);

    note_retry(w, attempts, parked->next_us == RETRY_NEVER ? RETRY_NEVER : next);
    if (parked->next_us == RETRY_NEVER) {
        w->message = arena_printf(w->arena, "%.*s. It was retried %.*s in 28 days and is given up",
                                  STR_ARG(w->message), STR_ARG(times));
    } else if (attempts == 1) {
        w->message = arena_printf(w->arena, "%.*s. It will be retried after %.*s",
                                  STR_ARG(w->message), STR_ARG(time_write(next, text)));
    } else {
        w->message =
            arena_printf(w->arena, "%.*s. It was retried %.*s and will be retried again after %.*s",
                         STR_ARG(w->message), STR_ARG(times), STR_ARG(time_write(next, text)));
    }
}

bool escrow_park(struct db *db, const struct run *r, struct walk *w, bool reference,
                 struct err *err)
{
    struct retry parked = {
        .source_id = w->entry.id,
        .kind = w->entry.kind,
        .reference = reference,
        .first_us = w->at_us,
        .code = w->code,
        .message = w->message,
        .class_ = (int)w->failure,
        .blocked_by = w->blocked_by,
    };
    struct retry before = {.first_us = w->at_us};
    int64_t attempts;
    bool found;

    if (!retry_load(db, w->arena, r->job.no, w->entry.id, reference, &before, &found, err))
        return false;
    /* What waited without a failure (an owed look, another code) begins a count of its own. */
    attempts = found && before.code.len > 0 ? before.attempts + 1 : 1;
    if (parked.blocked_by.len == 0 && str_eq(w->code, STR("EntryConflict")))
        parked.blocked_by = RETRY_BLOCKED_BY_ANY;
    if (!reference) {
        parked.made = w->doubt == DOUBT_LEFT              ? doubt_text(w)
                      : w->doubt == DOUBT_UNTOLD && found ? before.made
                                                          : (struct str){0};
    }
    parked.next_us = escrow_next_us(w->failure, attempts, before.first_us, w->at_us);
    if (r->cycle.id.len > 0)
        say_when(r, w, &parked, attempts);
    return retry_park(db, r->job.no, &parked, err);
}

/* Whether the account has given up a value that others may be waiting for. */
static bool gave_up_value(const struct walk *w)
{
    if (w->action == ACTION_DELETE || w->keep == KEEP_DROPPED)
        return true;
    for (size_t i = 0; w->action == ACTION_UPDATE && i < w->changes.count; i++) {
        if (w->changes.items[i].attribute->matching_priority > 0 && w->changes.items[i].before)
            return true;
    }
    return false;
}

bool escrow_release(struct db *db, const struct run *r, const struct walk *w, struct err *err)
{
    int64_t due = r->cycle.began_us ? r->cycle.began_us : w->at_us;

    if (w->references || w->unchanged || !r->had_retries)
        return true;
    return retry_release(db, r->job.no, w->entry.id, due, err) &&
           (!gave_up_value(w) || retry_release(db, r->job.no, RETRY_BLOCKED_BY_ANY, due, err));
}
