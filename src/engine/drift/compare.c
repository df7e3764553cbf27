/* What a target says of its accounts beside what was last exported to them (engine.md 17). */
#include "base/buf.h"
#include "engine/drift/passes.h"
#include "engine/drift/reading.h"
#include "job/reference.h"

enum { ROWS_AT_ONCE = 500, MEMBERS_AT_ONCE = 1000 };

struct work {
    struct run *run;
    const struct engine_reading *reading;
    const struct mapping_object *m; /* of the kind being read */
    struct diskmap *seen;
    bool *said; /* attributes of m that some account has a value of */
    struct arena *page;
    int64_t rows;
    struct drift *result;
};

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
    bool ok = run_write_begin(k->run, err);

    arena_reset(k->page);
    for (size_t i = 0; ok && i < count; i++)
        ok = compare(k, &records[i], err);
    return run_write_end(k->run, ok, err);
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
        bool ok = run_write_begin(r, err);
        if (!run_write_end(r, ok && page_missing(k, list, count, err), err))
            return false;
        buf_reset(&after);
        buf_add(&after, list[count - 1].source_id);
    } while (count == ROWS_AT_ONCE);
    return true;
}

/* An attribute that no account of the target shows is not one that somebody has cleared. */
static bool forget_unsaid(struct work *k, struct err *err)
{
    bool ok = run_write_begin(k->run, err);

    for (size_t i = 0; ok && i < k->m->attribute_count; i++) {
        if (!k->said[i]) {
            ok = drift_forget_unsaid(k->run->db, k->run->job.no, k->m->kind,
                                     k->m->attributes[i].target, err);
        }
    }
    return run_write_end(k->run, ok, err);
}

static bool read_kind(struct work *k, struct err *err)
{
    CLEANUP(diskmap_freep) struct diskmap *seen = NULL;
    struct reading reading = {0};

    if (!diskmap_new(0, &seen, err))
        return false;
    reading.seen = k->seen = seen;
    reading.how = k->reading;
    reading.before = k->result->accounts;
    k->said = ARENA_ARRAY(k->run->arena, bool, k->m->attribute_count + 1);
    if (!reading_all(k->run, k->m, true, take_page, k, &reading, err))
        return false;
    k->result->accounts += reading.accounts;
    if (!reading.complete) {
        k->result->complete = false;
        k->result->why = reading.why;
    }
    return forget_unsaid(k, err) && (!reading.complete || find_missing(k, err));
}

/* --- all of it --- */

bool drift_read_target(struct run *r, const struct engine_reading *how, struct drift *out,
                       struct err *err)
{
    CLEANUP(arena_freep) struct arena *page = arena_new();
    struct work work = {.run = r, .reading = how, .page = page, .result = out};
    struct work *k = &work;
    const struct mapping_program *program = r->walk_job.program;
    bool ok = run_write_begin(r, err);

    if (!run_write_end(r, ok && drift_begin(r->db, r->job.no, err), err))
        return false;
    for (int kind = 0; kind < SOURCE_KIND_COUNT; kind++) {
        k->m = mapping_for(program, (enum source_kind)kind);
        if (!k->m || !k->m->enabled)
            continue;
        if (r->stopping) {
            k->result->complete = false;
            k->result->why = STR(READING_STOPPED);
        } else if (!read_kind(k, err)) {
            return false;
        }
    }
    return true;
}
