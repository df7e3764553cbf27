/* What is recorded of references, in the transaction that records the walk: who is owed what after
 * an account came or went, and the outcome of a second pass. */
#include "engine/cycle/run.h"

/* --- of a first pass --- */

/* In an initial cycle the second pass looks at everybody; only what a comparison with the exported
 * does not show is owed there. */
bool references_follow(struct db *db, const struct run *r, const struct walk *w, struct err *err)
{
    bool initial = r->cycle.kind == CYCLE_INITIAL && r->cycle.id.len > 0;
    bool is_new = !w->connected || w->rematched;
    bool came_back = !is_new && w->connection.soft_deleted && w->in_scope;

    if (w->keep != KEEP_CONNECTION || w->found_again || (!is_new && !came_back))
        return true;
    if (came_back && !references_reassert(db, r->job.no, w->entry.id, err))
        return false;
    if (initial && !w->reopened)
        return true;
    if (is_new && !references_arrived(db, r->job.no, w->entry.id, err))
        return false;
    return !w->owes_references ||
           owed_reference_add(db, r->job.no, &(struct owed_reference){.owner_id = w->entry.id},
                              err);
}

/* --- of a second pass --- */

/* What waited is found again by this comparison. */
static bool begin_anew(struct db *db, const struct run *r, const struct walk *w, struct err *err)
{
    const struct mapping_attribute *m = NULL;

    for (size_t i = 0; w->mapping && i < w->mapping->attribute_count; i++) {
        if (str_eq_z(w->mapping->attributes[i].reference, "members"))
            m = &w->mapping->attributes[i];
    }
    return (!r->had_retries || owed_reference_remove_parked(db, r->job.no, w->entry.id, err)) &&
           (!r->had_pending || !m ||
            pending_reference_clear(db, r->job.no, w->entry.id, m->target, err));
}

static bool record_member(struct db *db, const struct run *r, const struct walk *w,
                          const struct walk_member *m, struct err *err)
{
    struct pending_reference waited = {.missing_id = m->source_id, .owner_id = w->entry.id};

    if (m->outcome == MEMBER_SENT && !m->departed &&
        !exported_member_set(db, r->job.no, w->entry.id, m->source_id, m->present, err))
        return false;
    if (!r->had_pending || (m->outcome != MEMBER_SENT && m->outcome != MEMBER_LEFT) || m->departed)
        return true;
    for (size_t i = 0; i < w->mapping->attribute_count; i++) {
        if (str_eq_z(w->mapping->attributes[i].reference, "members")) {
            waited.attribute = w->mapping->attributes[i].target;
            return pending_reference_remove(db, r->job.no, &waited, err);
        }
    }
    return true;
}

static bool record_named(struct db *db, const struct run *r, const struct walk *w,
                         const struct walk_named *n, struct err *err)
{
    if ((n->found || (n->changed && w->keep == KEEP_CONNECTION)) &&
        !exported_reference_set(db, r->job.no, w->entry.id, n->attribute->target, n->ids, n->count,
                                err))
        return false;
    return !n->settled ||
           pending_reference_clear(db, r->job.no, w->entry.id, n->attribute->target, err);
}

/* Whether this was the last leg that looks at the object. */
static bool is_last(const struct walk *w)
{
    const struct walk_references *s = w->second;

    return s->leg == LEG_JOINS ? !s->more || w->status == STATUS_FAILURE
                               : s->leg == LEG_SINGLES && w->entry.kind == SOURCE_USER;
}

static bool park(struct db *db, const struct run *r, const struct walk *w,
                 const struct walk_member *m, struct err *err)
{
    struct owed_reference owed = {.owner_id = w->entry.id, .parked = true};

    if (m) {
        owed.named_id = m->source_id;
        owed.target_id = m->departed ? m->target_id : (struct str){0};
        owed.forced = m->forced;
    } else {
        owed.forced = w->second->forced;
    }
    return owed_reference_add(db, r->job.no, &owed, err);
}

/* What failed waits with the owner's place in the retry queue: single members, or all of what the
 * owner names. */
static bool park_failed(struct db *db, const struct run *r, const struct walk *w, struct err *err)
{
    const struct walk_references *s = w->second;
    bool all = s->cut;
    size_t parked = 0;

    for (size_t i = 0; i < s->member_count; i++) {
        const struct walk_member *m = &s->members[i];

        all = all || (s->whole && m->outcome == MEMBER_WAITS);
        if (m->outcome != MEMBER_REFUSED && (m->outcome != MEMBER_WAITS || s->whole))
            continue;
        if (!park(db, r, w, m, err))
            return false;
        parked++;
    }
    return (parked > 0 && !all) || park(db, r, w, NULL, err);
}

bool references_record(struct db *db, const struct run *r, const struct walk *w, struct err *err)
{
    const struct walk_references *s = w->second;

    if (s->whole && !s->goes_on && s->leg == LEG_JOINS && !begin_anew(db, r, w, err))
        return false;
    for (size_t i = 0; is_last(w) && i < s->owed_count; i++) {
        if (!owed_reference_remove(db, r->job.no, w->entry.id, s->owed[i].named_id, err))
            return false;
    }
    for (size_t i = 0; i < s->member_count; i++) {
        if (!record_member(db, r, w, &s->members[i], err))
            return false;
    }
    for (size_t i = 0; i < s->named_count; i++) {
        if (!record_named(db, r, w, &s->named[i], err))
            return false;
    }
    for (size_t i = 0; i < s->missing_count; i++) {
        if (!pending_reference_add(db, r->job.no, &s->missing[i], err))
            return false;
    }
    return w->status != STATUS_FAILURE || w->keep == KEEP_DROPPED || park_failed(db, r, w, err);
}

bool references_settled(struct db *db, const struct run *r, const struct walk *w, bool *out,
                        struct err *err)
{
    struct owed_reference *parked;
    size_t count;

    if (!owed_reference_parked(db, w->arena, r->job.no, w->entry.id, 1, &parked, &count, err))
        return false;
    *out = count == 0;
    return true;
}
