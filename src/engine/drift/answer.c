/* The answers that the settings give to what was found (engine.md 17). */
#include "engine/drift/passes.h"
#include "engine/note.h"
#include "job/reference.h"
#include "job/retry.h"

enum { ROWS_AT_ONCE = 500 };

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

bool drift_answer_all(struct run *r, struct err *err)
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
        bool ok = run_write_begin(r, err);
        for (size_t i = 0; ok && i < count; i++)
            ok = answer_row(r, a, &rows[i], err);
        if (!run_write_end(r, ok, err))
            return false;
        after = rows[count - 1].no;
    } while (count == ROWS_AT_ONCE);
    return true;
}
