#include "engine/plans/apply_select.h"

#include "base/unicode.h"
#include "engine/guard/guard.h"
#include "engine/plans/apply.h"

static bool take_action(struct apply_selection *s, struct str name, struct err *err)
{
    s->by_action = true;
    /* What a created account is called in lists, besides the plan's own word. */
    if (str_eq_ascii_nocase(name, STR("create")) || str_eq_ascii_nocase(name, STR("match")))
        name = STR("createOrMatch");
    for (int i = 0; i < INTENT_COUNT; i++) {
        if (i != INTENT_NOTHING &&
            str_eq_ascii_nocase(name, str_from_z(plan_intent_name((enum plan_intent)i)))) {
            s->actions[i] = true;
            return true;
        }
    }
    return err_set(err, ERR_INVALID, "badSelection",
                   "no action '%.*s'; there are create, update, disable and delete", STR_ARG(name));
}

/* A name may be more than the plan says of somebody: userPrincipalName, mail, employeeId. */
static void look_up(struct apply_selection *s, struct source *source, size_t i)
{
    struct source_entry entry;
    struct err ignored;

    if (source->ops->find(source, s->whom[i], s->arena, &entry, &ignored))
        s->ids[i] = entry.id;
}

static bool fits(const struct apply_selection *s, size_t i, const struct plan_row *row)
{
    if (str_eq(row->source_id, s->whom[i]) ||
        (row->target_id.len > 0 && str_eq(row->target_id, s->whom[i])))
        return true;
    if (s->ids[i].len > 0)
        return str_eq(row->source_id, s->ids[i]);
    return str_eq_fold(row->source_name, s->whom[i]);
}

bool apply_selects(const struct apply_selection *s, const struct plan_row *row)
{
    if (s->by_action && !s->actions[row->intent])
        return false;
    for (size_t i = 0; i < s->count; i++) {
        if (fits(s, i, row))
            return true;
    }
    return s->count == 0;
}

static bool changes_guarded(const struct mapping_object *m, const struct plan_row *row)
{
    for (size_t i = 0; m && i < row->change_count; i++) {
        const struct mapping_attribute *attribute = apply_attribute(m, row->changes[i].name);

        if (attribute && guard_attribute(attribute) && row->changes[i].before)
            return true;
    }
    return false;
}

static void count_row(struct apply_selection *s, const struct mapping_program *program,
                      const struct plan_row *row)
{
    s->rows++;
    s->guarded[HELD_REMOVAL] += row->intent == INTENT_DISABLE || row->intent == INTENT_DELETE;
    s->guarded[HELD_UPDATE] +=
        row->intent == INTENT_UPDATE && changes_guarded(mapping_for(program, row->kind), row);
}

/* One pass over the plan: what fits how often. */
static bool count(struct apply_selection *s, struct plan_reader *r,
                  const struct mapping_program *program, int64_t *hits, struct err *err)
{
    CLEANUP(arena_freep) struct arena *tmp = arena_new();
    struct plan_row row;
    bool more = true;

    if (!plan_reader_rewind(r, err))
        return false;
    for (;;) {
        arena_reset(tmp);
        if (!plan_reader_next(r, tmp, &row, &more, err))
            return false;
        if (!more)
            return plan_reader_rewind(r, err);
        if (row.intent == INTENT_NOTHING)
            continue;
        if (apply_selects(s, &row))
            count_row(s, program, &row);
        for (size_t i = 0; i < s->count; i++)
            hits[i] += fits(s, i, &row);
    }
}

static bool check(const struct apply_selection *s, const int64_t *hits, struct err *err)
{
    for (size_t i = 0; i < s->count; i++) {
        if (hits[i] == 0) {
            return err_set(err, ERR_INVALID, "noSuchRow", "the plan has nothing to do for '%.*s'",
                           STR_ARG(s->whom[i]));
        }
        if (hits[i] > 1) {
            return err_set(err, ERR_INVALID, "ambiguousRow",
                           "%lld rows of the plan are called '%.*s': give the id",
                           (long long)hits[i], STR_ARG(s->whom[i]));
        }
    }
    return s->rows > 0 || (!s->by_action && s->count == 0) ||
           err_set(err, ERR_INVALID, "noSuchRow", "no row of the plan fits the selection");
}

bool apply_selection_make(struct apply_selection *s, struct plan_reader *r,
                          const struct mapping_program *program, struct source *source,
                          const struct str *only, size_t n, struct err *err)
{
    static const struct str action = STR_INIT("action=");
    int64_t *hits = ARENA_ARRAY(s->arena, int64_t, n + 1);

    s->whom = ARENA_ARRAY(s->arena, struct str, n + 1);
    s->ids = ARENA_ARRAY(s->arena, struct str, n + 1);
    for (size_t i = 0; i < n; i++) {
        if (str_starts(only[i], action)) {
            if (!take_action(s, str_from(only[i], action.len), err))
                return false;
            continue;
        }
        s->whom[s->count] = only[i];
        look_up(s, source, s->count++);
    }
    return count(s, r, program, hits, err) && check(s, hits, err);
}
