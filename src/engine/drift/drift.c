#include "engine/drift/drift.h"

#include "base/buf.h"
#include "engine/drift/reading.h"
#include "engine/guard/guard.h"
#include "engine/note.h"
#include "job/reference.h"
#include "job/retry.h"

enum { ROWS_AT_ONCE = 500, MEMBERS_AT_ONCE = 1000 };

struct work {
    struct run *run;
    const struct engine_reading *reading;
    const struct mapping_object *m; /* of the kind being read */
    struct diskmap *seen;
    bool *said; /* attributes of m that some account has a value of */
    struct arena *page;
    int64_t rows;
    struct drift result;
};

/* --- writing --- */

static bool begin(struct run *r, struct err *err)
{
    int64_t unused;

    return db_begin(r->db, DB_WRITE, err) &&
           cycle_fence(r->db, &r->lease, clock_now(r->engine->clock) + RUN_LEASE_US, 0, &unused,
                       err);
}

static bool end(struct run *r, bool ok, struct err *err)
{
    if (ok && db_commit(r->db, err))
        return true;
    db_rollback(r->db);
    return false;
}

static bool add(struct work *k, struct drift_row row, struct err *err)
{
    row.no = ++k->rows;
    row.kind = k->m->kind;
    return drift_row_add(k->run->db, k->run->job.no, &row, err);
}

static struct str text_of(struct arena *a, const struct json *v)
{
    return v ? json_text(a, v) : STR("");
}

/* --- one account --- */

/* Values that another account of the same target would have, too, or that are never said. */
static bool is_compared(const struct mapping_attribute *m)
{
    bool once = m->flow_type != FLOW_ALWAYS;

    return !m->secret && !once && !(m->is_reference && m->multivalued);
}

static bool compare_values(struct work *k, const struct connection *c,
                           const struct target_record *record, struct err *err)
{
    struct json *exported = NULL;

    if (c->exported.len && !json_parse(k->page, c->exported, NULL, &exported, NULL, err))
        return false;
    for (size_t i = 0; i < k->m->attribute_count; i++) {
        const struct mapping_attribute *m = &k->m->attributes[i];
        const struct json *then = json_get(exported, m->target);
        const struct json *now = json_get(record->values, m->target);

        k->said[i] = k->said[i] || now;
        if (!then || !is_compared(m) || mapping_equal(m, then, now))
            continue;
        if (!add(k,
                 (struct drift_row){
                     .finding = DRIFT_CHANGED,
                     .source_id = c->source_id,
                     .target_id = record->id,
                     .name = c->display_name,
                     .attribute = m->target,
                     .exported = text_of(k->page, then),
                     .found = text_of(k->page, now),
                 },
                 err))
            return false;
    }
    return true;
}

static bool add_member(struct work *k, const struct connection *group, struct str attribute,
                       struct str wanted, struct str found, struct err *err)
{
    return add(k,
               (struct drift_row){
                   .finding = DRIFT_MEMBER,
                   .source_id = group->source_id,
                   .target_id = group->target_id,
                   .name = group->display_name,
                   .attribute = attribute,
                   .exported = wanted,
                   .found = found,
               },
               err);
}

/* Takes the exported members out of `there`: what is left is nobody's wish. */
static bool take_exported(struct work *k, const struct connection *group, struct str attribute,
                          struct map *there, struct err *err)
{
    struct run *r = k->run;
    struct str after = {0};
    struct str *ids;
    size_t count;

    do {
        if (!exported_members(r->db, k->page, r->job.no, group->source_id, after, MEMBERS_AT_ONCE,
                              &ids, &count, err))
            return false;
        for (size_t i = 0; i < count; i++) {
            struct connection c;
            bool found;

            if (!connection_load(r->db, k->page, r->job.no, ids[i], &c, &found, err))
                return false;
            if (found && !map_take(there, c.target_id) &&
                !add_member(k, group, attribute, ids[i], STR(""), err))
                return false;
            after = ids[i];
        }
    } while (count == MEMBERS_AT_ONCE);
    return true;
}

static bool compare_members(struct work *k, const struct connection *group,
                            const struct mapping_attribute *m, const struct json *list,
                            struct err *err)
{
    CLEANUP(map_done) struct map there;
    bool ok;

    map_init(&there);
    JSON_EACH(item, list)
    {
        map_put(&there, item->text, (void *)item);
    }
    ok = take_exported(k, group, m->target, &there, err);
    JSON_EACH(item, list)
    {
        ok = ok && (map_get(&there, item->text) != item ||
                    add_member(k, group, m->target, STR(""), item->text, err));
    }
    return ok;
}

/* Members are compared where the target returns them. */
static bool compare_all_members(struct work *k, const struct connection *c,
                                const struct target_record *record, struct err *err)
{
    for (size_t i = 0; i < k->m->attribute_count; i++) {
        const struct mapping_attribute *m = &k->m->attributes[i];
        const struct json *list = json_get(record->values, m->target);

        if (!m->is_reference || !m->multivalued)
            continue;
        k->said[i] = k->said[i] || list;
        if (k->said[i] && !compare_members(k, c, m, list, err))
            return false;
    }
    return true;
}

/* By what people know an account. */
static struct str name_of(const struct mapping_object *m, const struct target_record *record)
{
    struct str name = json_get_text(record->values, "displayName");

    for (size_t i = 0; i < m->matching_count && name.len == 0; i++) {
        const struct json *v = json_get(record->values, m->matching[i]->target);

        if (json_is(v, JSON_STRING))
            name = v->text;
    }
    return name;
}

static bool compare(struct work *k, const struct target_record *record, struct err *err)
{
    struct run *r = k->run;
    struct connection c;
    bool found;

    if (!connection_find_target(r->db, k->page, r->job.no, record->id, &c, &found, err))
        return false;
    if (found)
        return compare_values(k, &c, record, err) && compare_all_members(k, &c, record, err);
    return add(k,
               (struct drift_row){
                   .finding = DRIFT_NOBODYS,
                   .target_id = record->id,
                   .name = name_of(k->m, record),
               },
               err);
}

static bool take_page(void *ctx, const struct target_record *records, size_t count, struct err *err)
{
    struct work *k = ctx;
    bool ok = begin(k->run, err);

    arena_reset(k->page);
    for (size_t i = 0; ok && i < count; i++)
        ok = compare(k, &records[i], err);
    return end(k->run, ok, err);
}

/* --- what is missing --- */

static bool page_missing(struct work *k, const struct connection *list, size_t count,
                         struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        struct str ignored;
        size_t found;

        if (!diskmap_find(k->seen, k->page, list[i].target_id, 1, &ignored, &found, err))
            return false;
        if (found == 0 && !add(k,
                               (struct drift_row){
                                   .finding = DRIFT_MISSING,
                                   .source_id = list[i].source_id,
                                   .target_id = list[i].target_id,
                                   .name = list[i].display_name,
                               },
                               err))
            return false;
    }
    return true;
}

static bool find_missing(struct work *k, struct err *err)
{
    CLEANUP(buf_done) struct buf after; /* outlives the page */
    struct run *r = k->run;
    struct connection *list;
    size_t count;

    buf_init(&after, RUN_CURSOR_MAX);
    do {
        arena_reset(k->page);
        if (!connection_page(r->db, k->page, r->job.no, k->m->kind, buf_str(&after), ROWS_AT_ONCE,
                             &list, &count, err))
            return false;
        if (count == 0)
            return true;
        bool ok = begin(r, err);
        if (!end(r, ok && page_missing(k, list, count, err), err))
            return false;
        buf_reset(&after);
        buf_add(&after, list[count - 1].source_id);
    } while (count == ROWS_AT_ONCE);
    return true;
}

/* An attribute that no account of the target shows is not one that somebody has cleared. */
static bool forget_unsaid(struct work *k, struct err *err)
{
    bool ok = begin(k->run, err);

    for (size_t i = 0; ok && i < k->m->attribute_count; i++) {
        if (!k->said[i]) {
            ok = drift_forget_unsaid(k->run->db, k->run->job.no, k->m->kind,
                                     k->m->attributes[i].target, err);
        }
    }
    return end(k->run, ok, err);
}

static bool read_kind(struct work *k, struct err *err)
{
    CLEANUP(diskmap_freep) struct diskmap *seen = NULL;
    struct reading reading = {0};

    if (!diskmap_new(0, &seen, err))
        return false;
    reading.seen = k->seen = seen;
    reading.how = k->reading;
    reading.before = k->result.accounts;
    k->said = ARENA_ARRAY(k->run->arena, bool, k->m->attribute_count + 1);
    if (!reading_all(k->run, k->m, true, take_page, k, &reading, err))
        return false;
    k->result.accounts += reading.accounts;
    if (!reading.complete) {
        k->result.complete = false;
        k->result.why = reading.why;
    }
    return forget_unsaid(k, err) && (!reading.complete || find_missing(k, err));
}

/* --- answers --- */

/* "ATTRIBUTE=ANSWER, ...": what is said of the attribute, else the general answer. */
static enum drift_answer answer_for(const struct job_settings *s, struct str attribute)
{
    struct str rest = s->drift_attributes;
    bool more = rest.len > 0;

    while (more && attribute.len) {
        struct str one;
        size_t at;

        more = str_cut(&rest, ',', &one);
        if (!str_find_last_char(one, '=', &at) ||
            !str_eq_ascii_nocase(str_trim(str_sub(one, 0, at)), attribute))
            continue;
        one = str_trim(str_from(one, at + 1));
        for (enum drift_answer a = DRIFT_REPORT; a <= DRIFT_ACCEPT; a++) {
            if (str_eq_ascii_nocase(one, str_from_z(drift_answer_name(a))))
                return a;
        }
    }
    return s->drift;
}

static const struct mapping_attribute *attribute_of(const struct run *r,
                                                    const struct drift_row *row)
{
    const struct mapping_object *m = mapping_for(r->walk_job.program, row->kind);

    for (size_t i = 0; m && i < m->attribute_count; i++) {
        if (str_eq(m->attributes[i].target, row->attribute))
            return &m->attributes[i];
    }
    return NULL;
}

static bool owe(struct run *r, struct str owner, struct str named, bool forced, struct err *err)
{
    return owed_reference_add(
        r->db, r->job.no,
        &(struct owed_reference){.owner_id = owner, .named_id = named, .forced = forced}, err);
}

/* From now on the target's value counts as what was exported: it is not reported again, and to a
 * walk it differs from what the mapping says. */
static bool take_value(struct run *r, struct arena *a, const struct drift_row *row, struct err *err)
{
    struct json *exported, *found = NULL;
    struct connection c;
    bool known;

    if (!connection_load(r->db, a, r->job.no, row->source_id, &c, &known, err))
        return false;
    if (!known)
        return true;
    if (row->finding == DRIFT_MISSING) {
        c.exported = STR("{}");
        return connection_save(r->db, r->job.no, &c, &known, err);
    }
    if (!json_parse(a, c.exported.len ? c.exported : STR("{}"), NULL, &exported, NULL, err) ||
        (row->found.len && !json_parse(a, row->found, NULL, &found, NULL, err)))
        return false;
    if (found) {
        json_set(a, exported, row->attribute, found);
    } else {
        (void)json_remove(exported, row->attribute);
    }
    c.exported = json_text(a, exported);
    return connection_save(r->db, r->job.no, &c, &known, err);
}

/* What was exported of a membership; a repair is owed to the next second pass. */
static bool take_member(struct run *r, struct arena *a, const struct drift_row *row,
                        enum drift_answer *io_answer, struct err *err)
{
    bool repair = *io_answer == DRIFT_REPAIR;
    struct connection c = {.source_id = row->exported};
    bool known = true;

    if (row->exported.len == 0 &&
        !connection_find_target(r->db, a, r->job.no, row->found, &c, &known, err))
        return false;
    if (!known) { /* a member that is nobody's cannot be taken out */
        *io_answer = DRIFT_REPORT;
        return true;
    }
    return exported_member_set(r->db, r->job.no, row->source_id, c.source_id,
                               row->exported.len == 0, err) &&
           (!repair || owe(r, row->source_id, c.source_id, row->exported.len > 0, err));
}

/* The walk that repairs comes when all have their answer; if that never happens, the next cycle
 * does it. */
static bool park(struct run *r, struct arena *a, const struct drift_row *row, struct err *err)
{
    struct retry look = {
        .source_id = row->source_id, .kind = row->kind, .first_us = clock_now(r->engine->clock)};
    struct retry parked;
    bool found;

    return retry_load(r->db, a, r->job.no, row->source_id, false, &parked, &found, err) &&
           (found || retry_park(r->db, r->job.no, &look, err));
}

static bool answer_row(struct run *r, struct arena *a, const struct drift_row *row, struct err *err)
{
    enum drift_answer answer = answer_for(&r->settings, row->attribute);
    const struct mapping_attribute *m = attribute_of(r, row);
    bool ok = true;

    switch (row->finding) {
    case DRIFT_CHANGED:
        if (answer == DRIFT_REPORT)
            return true;
        ok = take_value(r, a, row, err) && (answer == DRIFT_ACCEPT || !m || !m->is_reference ||
                                            owe(r, row->source_id, STR(""), false, err));
        break;
    case DRIFT_MISSING:
        if (answer != DRIFT_REPAIR) /* there is nothing that could be accepted */
            return true;
        ok = take_value(r, a, row, err);
        break;
    case DRIFT_MEMBER:
        if (answer == DRIFT_REPORT)
            return true;
        ok = take_member(r, a, row, &answer, err);
        break;
    case DRIFT_NOBODYS:
    case DRIFT_FINDING_COUNT:
        return true;
    }
    return ok && (answer != DRIFT_REPAIR || row->finding == DRIFT_MEMBER || park(r, a, row, err)) &&
           drift_answer_set(r->db, r->job.no, row->no, answer, err);
}

static bool answer_all(struct run *r, struct err *err)
{
    struct drift_row *rows;
    int64_t after = 0;
    size_t count;

    do {
        CLEANUP(arena_freep) struct arena *a = arena_new();

        if (!drift_rows(r->db, a, r->job.no, after, ROWS_AT_ONCE, &rows, &count, err))
            return false;
        if (count == 0)
            break;
        bool ok = begin(r, err);
        for (size_t i = 0; ok && i < count; i++)
            ok = answer_row(r, a, &rows[i], err);
        if (!end(r, ok, err))
            return false;
        after = rows[count - 1].no;
    } while (count == ROWS_AT_ONCE);
    return true;
}

/* --- repairing, through the walk --- */

static bool feed_repairs(struct run *r, struct str cursor, struct feed_page *page, struct err *err)
{
    struct str *ids;
    size_t count;

    if (!drift_repairs(r->db, page->arena, r->job.no, cursor, RUN_PAGE_SIZE, &ids, &count, err))
        return false;
    page->entries = ARENA_ARRAY(page->arena, struct source_entry, count + 1);
    page->connections = ARENA_ARRAY(page->arena, struct connection *, count + 1);
    for (size_t i = 0; i < count; i++) {
        struct connection *c = ARENA_NEW(page->arena, struct connection);
        bool known, found;

        if (!connection_load(r->db, page->arena, r->job.no, ids[i], c, &known, err) ||
            !r->source->ops->read(r->source, ids[i], page->arena, &page->entries[page->count],
                                  &found, err))
            return false;
        if (known && found)
            page->connections[page->count++] = c;
    }
    page->last = count < RUN_PAGE_SIZE;
    page->next = count > 0 ? ids[count - 1] : cursor;
    return true;
}

/* What the guard counts is left to the next cycle, where it is counted. */
static void start_repair(struct walk *w)
{
    enum held_class class_;

    run_plan_walk(w);
    if (guard_concerns(w, &class_)) {
        walk_skip(w, "EntrySynchronizationSkipped", "Left to the next cycle");
        w->again_in_cycle = true; /* it stays parked */
    }
    if (w->intent == INTENT_NOTHING) {
        run_walk_finish(w);
    } else {
        station_export(w);
    }
}

/* Answers that change an account, or what is held to be its state, are changes of data. */
static bool note_answers(struct run *r, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct json *is = json_new(a, JSON_OBJECT);
    const struct engine_note note = {
        .activity = AUDIT_OTHER, .subject = STR("drift answered"), .after = is};
    struct drift found;
    bool known;

    if (!drift_load(r->db, a, r->job.no, &found, &known, err))
        return false;
    json_add_int(a, is, "repaired", found.repaired);
    json_add_int(a, is, "accepted", found.accepted);
    return found.repaired + found.accepted == 0 ||
           engine_note(r->engine, r->db, &r->job, &note, err);
}

static bool keep_result(struct work *k, struct err *err)
{
    struct run *r = k->run;
    bool ok = begin(r, err);

    k->result.ended_us = clock_now(r->engine->clock);
    return end(r, ok && drift_end(r->db, r->job.no, &k->result, err) && note_answers(r, err), err);
}

static bool read_target(struct work *k, struct err *err)
{
    const struct mapping_program *program = k->run->walk_job.program;
    bool ok = begin(k->run, err);

    if (!end(k->run, ok && drift_begin(k->run->db, k->run->job.no, err), err))
        return false;
    for (int kind = 0; kind < SOURCE_KIND_COUNT; kind++) {
        k->m = mapping_for(program, (enum source_kind)kind);
        if (!k->m || !k->m->enabled)
            continue;
        if (k->run->stopping) {
            k->result.complete = false;
            k->result.why = STR(READING_STOPPED);
        } else if (!read_kind(k, err)) {
            return false;
        }
    }
    return true;
}

bool drift_was_stopped(const struct drift *d)
{
    return !d->complete && str_eq_z(d->why, READING_STOPPED);
}

/* NOLINTNEXTLINE(readability-function-size): a job, how it is read, and what comes of it */
bool engine_drift(const struct engine *e, int64_t job_no, const struct engine_reading *how,
                  struct arena *a, struct drift *out, struct err *err)
{
    CLEANUP(run_close) struct run r;
    CLEANUP(arena_freep) struct arena *page = arena_new();
    struct work k = {.run = &r, .page = page, .result = {.complete = true}};
    struct target_traits traits;
    bool found;

    if (!run_open(&r, e, job_no, false, err) || !run_lease(&r, err) || !run_test_target(&r, err))
        return false;
    reading_begin(&r, how);
    r.initiated_by = STR("drift");
    r.had_retries = true;                       /* what is repaired is parked before */
    r.target->ops->describe(r.target, &traits); /* how lists are read best */
    k.result.began_us = clock_now(e->clock);
    k.reading = how;
    return read_target(&k, err) && (r.stopping || answer_all(&r, err)) && keep_result(&k, err) &&
           run_drive(&r, feed_repairs, start_repair, err) &&
           drift_load(r.db, a, job_no, out, &found, err);
}

bool engine_drift_when_due(const struct engine *e, int64_t job_no, const atomic_bool *stop,
                           bool *out_ran, struct err *err)
{
    const struct engine_reading how = {.stop = stop};
    CLEANUP(db_closep) struct db *db = NULL;
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct job_settings settings;
    struct drift last;
    bool found;

    *out_ran = false;
    if (!db_open(e->db, &db, err) || !job_settings_load(db, a, job_no, &settings, err))
        return false;
    if (settings.drift_interval_us == 0)
        return true;
    if (!drift_load(db, a, job_no, &last, &found, err))
        return false;
    if (found && !drift_was_stopped(&last) && last.began_us <= clock_now(e->clock) &&
        last.began_us + settings.drift_interval_us > clock_now(e->clock))
        return true;
    *out_ran = true;
    return engine_drift(e, job_no, &how, a, &last, err);
}
