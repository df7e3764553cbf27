#include "engine/failures/unrecorded.h"

#include "engine/failures/doubt.h"
#include "engine/walk/protect.h"

#define CURSOR_MARK     "\x1e"              /* of this feed, which no other begins with */
#define CLOCKS_APART_US (5 * US_PER_MINUTE) /* the target's clock and ours */

/* --- whose is it? --- */

enum evidence { NOT_OURS, UNCERTAIN, OURS };

enum anchor { ANCHOR_NONE, ANCHOR_SAME, ANCHOR_OTHER };

/* The externalId that the account has, against the one it would have been given. */
static enum anchor anchor_of(const struct walk *w, const struct json *account)
{
    for (size_t i = 0; i < w->mapping->attribute_count; i++) {
        const struct mapping_attribute *m = &w->mapping->attributes[i];

        if (str_eq_ascii_nocase(m->target, STR("externalId")) && w->values[i].value) {
            return mapping_equal(m, json_get(account, m->target), w->values[i].value)
                       ? ANCHOR_SAME
                       : ANCHOR_OTHER;
        }
    }
    return ANCHOR_NONE;
}

static enum evidence evidence(const struct walk *w, const struct target_record *record)
{
    int64_t since = w->run->doubt.began_us - CLOCKS_APART_US;

    if (record->created_us > 0 && record->created_us < since)
        return NOT_OURS;
    switch (anchor_of(w, record->values)) {
    case ANCHOR_SAME:
        return OURS;
    case ANCHOR_OTHER:
        return UNCERTAIN;
    case ANCHOR_NONE:
        break;
    }
    return record->created_us > 0 ? OURS : UNCERTAIN;
}

static void warn(struct walk *w, const struct target_record *record)
{
    w->again_in_cycle = w->silent = false;
    walk_succeed(w, ACTION_OTHER);
    w->status = STATUS_WARNING;
    w->code = STR("EntrySynchronizationSkipped");
    w->message = arena_printf(
        w->arena,
        "Account %.*s may have been created by a run that was cut short, but it is not certain that "
        "it is ours: see whether it is wanted, and disable it there if it is not",
        STR_ARG(record->id));
    walk_step(w, STEP_MATCHING, "EntrySynchronizationMatch", STATUS_WARNING, "%.*s",
              STR_ARG(w->message));
    export_finish(w);
}

static void found_one(struct walk *w, const struct target_record *record)
{
    enum evidence whose = evidence(w, record);
    bool taken = false;
    struct str other;
    struct err err;

    if (!run_target_taken(w, record->id, &taken, &other, &err)) {
        walk_fail(w, TARGET_TRANSIENT, "InternalError", "%s", err.message);
        export_finish(w);
    } else if (taken || whose == NOT_OURS || protect_account(w, record)) {
        export_finish(w);
    } else if (whose == UNCERTAIN) {
        warn(w, record);
    } else {
        w->again_in_cycle = false;
        doubt_connect(w, record,
                      "A run that was cut short had created this account without a record of it; "
                      "it is treated like any other now");
    }
}

/* --- asking --- */

static void ask(struct walk *w);

static void on_asked(void *ctx, const struct target_result *result)
{
    struct walk *w = ctx;

    w->requests++;
    if (result->status != TARGET_OK) {
        export_failed(w, result, STEP_MATCHING, "EntrySynchronizationMatch", ask);
        return;
    }
    w->run->failures_in_row = 0;
    w->tries = 0;
    if (result->record_count == 1) {
        found_one(w, &result->records[0]);
    } else if (result->record_count == 0 && ++w->criterion < w->criterion_count) {
        ask(w);
    } else {
        export_finish(w);
    }
}

static void ask(struct walk *w)
{
    struct target *t = w->run->target;

    t->ops->find(t, w->mapping, &w->criteria[w->criterion], on_asked, w);
}

/* Who is in scope has his account looked for by his own walk. */
static bool is_to_be_asked_for(struct walk *w)
{
    const struct walk_job *j = &w->run->walk_job;

    if (w->connected || w->entry.gone || !w->mapping || !w->mapping->enabled ||
        !(w->mapping->can & MAPPING_CAN_ADD))
        return false;
    station_scope(w, j);
    return !w->in_scope && !w->not_handled && w->status != STATUS_FAILURE && walk_as_created(w, j);
}

/* Neither counted nor recorded, unless something is found. */
static void start(struct walk *w)
{
    bool asks = is_to_be_asked_for(w);

    w->again_in_cycle = w->silent = true;
    w->action = ACTION_OTHER;
    w->status = STATUS_SKIPPED;
    if (!asks) {
        run_walk_finish(w);
        return;
    }
    w->run->in_flight++;
    w->criterion = 0;
    ask(w);
}

/* --- what has changed since --- */

static bool feed_since(struct run *r, struct str cursor, struct feed_page *page, struct err *err)
{
    /* The first page is asked for with the cursor of the cycle's phase. */
    bool first = !str_starts(cursor, STR(CURSOR_MARK));

    page->aside = true;
    if (!feed_changes(r, first ? r->doubt.from : str_from(cursor, 1), page, err))
        return false;
    page->next = arena_printf(page->arena, CURSOR_MARK "%.*s", STR_ARG(page->next));
    return true;
}

/* ctx: how many could not be asked. */
static void finished(void *ctx, const struct walk *w)
{
    int64_t *failed = ctx;

    *failed += w->status == STATUS_FAILURE;
    if (w->again_in_cycle)
        w->run->cycle.counters.requests += w->requests;
}

static bool settle(struct run *r, struct err *err)
{
    return run_write_end(r, run_write_begin(r, err) && lease_doubt_settled(r->db, &r->lease, err),
                         err);
}

bool unrecorded_look(struct run *r, struct err *err)
{
    int64_t failed = 0;
    bool ok;

    if (!lease_doubt(r->db, r->arena, r->job.no, &r->doubt, err))
        return false;
    if (r->doubt.from.len == 0)
        return true;
    r->had_retries = true; /* what is found is parked for its removal */
    r->finished = finished;
    r->finished_ctx = &failed;
    ok = run_drive(r, feed_since, start, err);
    r->finished = NULL;
    r->finished_ctx = NULL;
    return ok && (failed > 0 || r->stopping || settle(r, err));
}
