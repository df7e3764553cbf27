#include "engine/failures/doubt.h"

#include "base/buf.h"
#include "engine/walk/protect.h"

enum { TEXT_MAX = 64 * 1024 };

/* [{"userName": "ada"}, ...]: a criterion each. */
struct str doubt_text(const struct walk *w)
{
    struct json *list = json_new(w->arena, JSON_ARRAY);
    CLEANUP(buf_done) struct buf text;

    for (size_t i = 0; i < w->criterion_count; i++) {
        const struct mapping_criterion *by = &w->criteria[i];
        struct json *values = json_new(w->arena, JSON_OBJECT);

        for (size_t k = 0; k < by->count; k++) {
            json_add(w->arena, values, by->attributes[k]->target,
                     json_clone(w->arena, by->values[k]));
        }
        json_append(list, values);
    }
    buf_init(&text, TEXT_MAX);
    json_write(&text, list);
    return w->criterion_count > 0 ? arena_str(w->arena, buf_str(&text)) : (struct str){0};
}

static const struct mapping_attribute *attribute_of(const struct mapping_object *m, struct str name)
{
    for (size_t i = 0; i < m->attribute_count; i++) {
        if (str_eq(m->attributes[i].target, name))
            return &m->attributes[i];
    }
    return NULL;
}

/* What is mapped no more cannot be asked for. */
static void load_criteria(struct walk *w, struct str text)
{
    struct json *list;
    struct err ignored;

    w->criterion_count = 0;
    if (!json_parse(w->arena, text, NULL, &list, NULL, &ignored) || list->type != JSON_ARRAY)
        return;
    JSON_EACH(values, list)
    {
        struct mapping_criterion *by = &w->criteria[w->criterion_count];

        if (w->criterion_count == WALK_CRITERIA_MAX || !json_is(values, JSON_OBJECT))
            return;
        *by = (struct mapping_criterion){0};
        JSON_EACH(v, values)
        {
            const struct mapping_attribute *m = attribute_of(w->mapping, v->name);

            if (!m || by->count == ARRAY_LEN(by->values))
                return;
            by->attributes[by->count] = m;
            by->values[by->count++] = v;
        }
        w->criterion_count += by->count > 0;
    }
}

/* --- asking --- */

static void ask(struct walk *w);

static void settle(struct walk *w, const char *what)
{
    w->doubt = DOUBT_SETTLED;
    walk_step(w, STEP_MATCHING, "EntrySynchronizationMatch", STATUS_SUCCESS, "%s", what);
    export_finish(w);
}

void doubt_connect(struct walk *w, const struct target_record *record, const char *why)
{
    w->doubt = DOUBT_SETTLED;
    w->found_again = true;
    w->run->found_again = true;
    w->silent = false;
    w->keep = KEEP_CONNECTION;
    w->origin = CONNECTION_CREATED;
    w->target_id = arena_str(w->arena, record->id);
    w->kept_before = json_clone(w->arena, record->values);
    w->changes.count = 0;
    walk_succeed(w, ACTION_OTHER);
    w->message = str_from_z(why);
    walk_step(w, STEP_MATCHING, "EntrySynchronizationMatch", STATUS_SUCCESS,
              "Connected to account %.*s", STR_ARG(w->target_id));
    export_finish(w);
}

static void found_one(struct walk *w, const struct target_record *record)
{
    bool taken = false;
    struct str other;
    struct err err;

    if (!run_target_taken(w, record->id, &taken, &other, &err)) {
        walk_fail(w, TARGET_TRANSIENT, "InternalError", "%s", err.message);
        export_finish(w);
    } else if (taken) {
        settle(w, "The account that matches belongs to another source object");
    } else if (protect_account(w, record)) {
        w->doubt = DOUBT_SETTLED;
        export_finish(w);
    } else {
        doubt_connect(w, record,
                      "The answer to an earlier creation was lost; its account was found and is "
                      "treated like any other now");
    }
}

static void on_looked(void *ctx, const struct target_result *result)
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
    } else if (result->record_count > 1) {
        walk_fail(w, TARGET_PERMANENT, "DuplicateTargetEntries",
                  "%zu accounts match, one of which an earlier creation may have made: remove the "
                  "duplicates",
                  result->record_count);
        export_finish(w);
    } else if (++w->criterion < w->criterion_count) {
        ask(w);
    } else {
        settle(w, "An earlier creation, whose answer was lost, has not been done");
    }
}

static void ask(struct walk *w)
{
    struct target *t = w->run->target;

    t->ops->find(t, w->mapping, &w->criteria[w->criterion], on_looked, w);
}

bool doubt_look(struct walk *w)
{
    struct run *r = w->run;
    struct retry parked;
    struct err err;
    bool found;

    if (!r->had_doubts || !r->leased || r->send != ENGINE_SEND || r->apply || w->connected ||
        w->references || w->again_in_cycle || !w->mapping || w->status == STATUS_FAILURE)
        return false;
    if (!retry_load(r->db, w->arena, r->job.no, w->entry.id, false, &parked, &found, &err)) {
        walk_fail(w, TARGET_TRANSIENT, "InternalError", "%s", err.message);
        return false;
    }
    if (!found || parked.made.len == 0)
        return false;
    load_criteria(w, parked.made);
    if (w->criterion_count == 0)
        return false;
    r->in_flight++;
    w->criterion = 0;
    ask(w);
    return true;
}

/* Waits for nothing but its turn: no failure, and due at once. */
bool doubt_record(struct db *db, const struct run *r, const struct walk *w, struct err *err)
{
    struct retry look = {.source_id = w->entry.id, .kind = w->entry.kind, .first_us = w->at_us};

    return retry_park(db, r->job.no, &look, err);
}
