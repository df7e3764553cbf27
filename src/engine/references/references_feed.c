/* What feeds the second pass (references.c), in three legs: references of the objects themselves,
 * members that leave, members that join. In an initial cycle everybody comes again; in an
 * incremental one the objects that changed and the changes of membership; in both what is owed, and
 * what was parked. A cursor is the number of a step and where that is. */
#include "engine/cycle/run.h"
#include "job/retry.h"

enum {
    PARKED_MAX = 500, /* parked members of a group; if there are more, all members are compared */
    ABOUT_MAX = 1000, /* owed references that are looked at on demand */
    CURSOR_SEPARATOR = 0x1f,
};

/* --- building a page --- */

static struct walk_references *second_of(struct feed_page *page, size_t i)
{
    if (!page->seconds[i])
        page->seconds[i] = ARENA_NEW(page->arena, struct walk_references);
    return page->seconds[i];
}

static void know_member(struct feed_page *page, size_t i, struct walk_member known)
{
    struct walk_references *s = second_of(page, i);

    for (size_t k = 0; k < s->member_count; k++) {
        if (!str_eq(s->members[k].source_id, known.source_id))
            continue;
        s->members[k].present = known.present; /* the later word counts */
        s->members[k].forced |= known.forced;
        if (known.target_id.len > 0)
            s->members[k].target_id = known.target_id;
        return;
    }
    ARENA_GROW(page->arena, s->members, s->member_count, s->member_cap);
    s->members[s->member_count++] = known;
}

/* Room for one more in the arrays of a page that is being built. */
static void page_grow(struct feed_page *page)
{
    size_t room = page->room ? page->room * 2 : page->count + 64;
    struct source_entry *entries = ARENA_ARRAY(page->arena, struct source_entry, room);
    struct connection **connections = ARENA_ARRAY(page->arena, struct connection *, room);
    struct walk_references **seconds = ARENA_ARRAY(page->arena, struct walk_references *, room);

    for (size_t i = 0; i < page->count; i++) {
        entries[i] = page->entries[i];
        connections[i] = page->connections[i];
        seconds[i] = page->seconds ? page->seconds[i] : NULL;
    }
    page->entries = entries;
    page->connections = connections;
    page->seconds = seconds;
    page->room = room;
}

/* The place of an object in a page that is being built, read and appended when it is not there yet.
 */
static bool place_of(struct run *r, struct feed_page *page, struct str id, size_t *out,
                     struct err *err)
{
    struct connection *c;
    bool found;

    for (size_t i = page->count; i-- > 0;) { /* mostly the last one */
        if (str_eq(page->entries[i].id, id)) {
            *out = i;
            return true;
        }
    }
    if (page->count >= page->room)
        page_grow(page);
    c = ARENA_NEW(page->arena, struct connection);
    if (!r->source->ops->read(r->source, id, page->arena, &page->entries[page->count], &found, err))
        return false;
    if (!found) {
        page->entries[page->count] =
            (struct source_entry){.id = id, .kind = SOURCE_GROUP, .gone = true};
    }
    if (!connection_load(r->db, page->arena, r->job.no, id, c, &found, err))
        return false;
    page->connections[page->count] = found ? c : NULL;
    *out = page->count++;
    return true;
}

/* --- initial: all users, all groups --- */

static bool take_all(struct run *r, enum source_kind kind, struct str cursor,
                     struct feed_page *page, struct err *err)
{
    const struct mapping_object *m = mapping_for(r->walk_job.program, kind);

    page->last = true;
    if (!m || !m->enabled)
        return true;
    if (!(kind == SOURCE_GROUP ? feed_groups : feed_users)(r, cursor, page, err))
        return false;
    page_grow(page);
    for (size_t i = 0; i < page->count; i++)
        second_of(page, i)->whole = true;
    return true;
}

static bool take_users(struct run *r, struct str cursor, struct feed_page *page, struct err *err)
{
    return take_all(r, SOURCE_USER, cursor, page, err);
}

static bool take_groups(struct run *r, struct str cursor, struct feed_page *page, struct err *err)
{
    return take_all(r, SOURCE_GROUP, cursor, page, err);
}

/* --- incremental: what changed --- */

static bool nothing_changed(const struct run *r)
{
    return str_eq(r->cycle.watermark, r->cycle.feed_start);
}

static bool take_changes(struct run *r, struct str cursor, struct feed_page *page, struct err *err)
{
    page->last = true;
    return nothing_changed(r) ||
           feed_changes(r, str_empty(cursor) ? r->cycle.watermark : cursor, page, err);
}

static bool take_members(struct run *r, struct str cursor, struct feed_page *page, struct err *err)
{
    struct source_member_change *changes;
    size_t count;

    page->last = true;
    if (nothing_changed(r))
        return true;
    if (!r->source->ops->member_changes(r->source, str_empty(cursor) ? r->cycle.watermark : cursor,
                                        r->cycle.feed_start, RUN_PAGE_SIZE, page->arena, &changes,
                                        &count, &page->next, err))
        return false;
    page_grow(page);
    for (size_t i = 0; i < count; i++) {
        size_t at;

        /* Who joins has his turn in the next leg; who left waits for nothing any more. */
        if (page->leg == LEG_LEAVES ? changes[i].present : !changes[i].present && !r->had_pending)
            continue;
        if (!place_of(r, page, changes[i].group_id, &at, err))
            return false;
        know_member(
            page, at,
            (struct walk_member){.source_id = changes[i].member_id, .present = changes[i].present});
    }
    page->last = str_eq(page->next, r->cycle.feed_start);
    return true;
}

/* --- what is owed --- */

/* A row that says to look at a reference again; the owner comes with what it owes. */
static bool owe(struct run *r, struct feed_page *page, const struct owed_reference *owed,
                struct err *err)
{
    struct walk_member member = {
        .source_id = owed->named_id, .target_id = owed->target_id, .forced = owed->forced};
    struct walk_references *s;
    struct owed_reference *larger;
    size_t at;

    if (!place_of(r, page, owed->owner_id, &at, err))
        return false;
    s = second_of(page, at);
    larger = ARENA_ARRAY(page->arena, struct owed_reference, s->owed_count + 1);
    for (size_t i = 0; i < s->owed_count; i++)
        larger[i] = s->owed[i];
    larger[s->owed_count++] = *owed;
    s->owed = larger;
    if (page->entries[at].kind != SOURCE_GROUP || page->entries[at].gone)
        return true;
    if (owed->named_id.len == 0) {
        s->whole = true;
        s->forced |= owed->forced;
        return true;
    }
    if (!r->source->ops->has_member(r->source, owed->owner_id, owed->named_id, &member.present,
                                    err))
        return false;
    know_member(page, at, member);
    return true;
}

static bool take_owed(struct run *r, struct str cursor, struct feed_page *page, struct err *err)
{
    struct str named = cursor;
    struct owed_reference *owed;
    struct str owner;
    size_t count;

    str_cut(&named, CURSOR_SEPARATOR, &owner);
    if (!owed_reference_page(r->db, page->arena, r->job.no, owner, named, RUN_PAGE_SIZE, &owed,
                             &count, err))
        return false;
    page_grow(page);
    for (size_t i = 0; i < count; i++) {
        if (!owe(r, page, &owed[i], err))
            return false;
    }
    page->last = count < RUN_PAGE_SIZE;
    if (count > 0)
        page->next = arena_printf(page->arena, "%.*s%c%.*s", STR_ARG(owed[count - 1].owner_id),
                                  CURSOR_SEPARATOR, STR_ARG(owed[count - 1].named_id));
    return true;
}

/* The parked references of an owner whose turn in the retry queue has come: those that failed, or
 * when they are not known one by one all of them. */
static bool add_parked(struct run *r, struct feed_page *page, struct str owner_id, struct err *err)
{
    struct owed_reference *owed;
    size_t count, at;

    if (!owed_reference_parked(r->db, page->arena, r->job.no, owner_id, PARKED_MAX + 1, &owed,
                               &count, err) ||
        !place_of(r, page, owner_id, &at, err))
        return false;
    if (count == 0 || count > PARKED_MAX)
        second_of(page, at)->whole = true;
    for (size_t i = 0; i < count && count <= PARKED_MAX; i++) {
        if (!owe(r, page, &owed[i], err))
            return false;
    }
    return true;
}

/* Parked before this cycle began: one attempt in a cycle. */
static bool take_parked(struct run *r, struct str cursor, struct feed_page *page, struct err *err)
{
    struct retry *due;
    size_t count;

    page->last = true;
    if (!r->had_retries)
        return true;
    if (!retry_due(r->db, page->arena, r->job.no, r->cycle.began_us, cursor, RUN_PAGE_SIZE, &due,
                   &count, err))
        return false;
    page_grow(page);
    for (size_t i = 0; i < count; i++) {
        if (due[i].reference && !add_parked(r, page, due[i].source_id, err))
            return false;
    }
    page->next = count > 0 ? due[count - 1].source_id : cursor;
    page->last = count < RUN_PAGE_SIZE;
    return true;
}

/* --- the steps --- */

struct step {
    enum reference_leg leg;
    run_load *take;
};

static const struct step initial[] = {
    {LEG_SINGLES, take_users}, {LEG_SINGLES, take_owed}, {LEG_LEAVES, take_groups},
    {LEG_LEAVES, take_owed},   {LEG_JOINS, take_groups}, {LEG_JOINS, take_owed},
};
static const struct step incremental[] = {
    {LEG_SINGLES, take_changes}, {LEG_SINGLES, take_owed}, {LEG_SINGLES, take_parked},
    {LEG_LEAVES, take_members},  {LEG_LEAVES, take_owed},  {LEG_LEAVES, take_parked},
    {LEG_JOINS, take_members},   {LEG_JOINS, take_owed},   {LEG_JOINS, take_parked},
};
static_assert(ARRAY_LEN(incremental) < 10, "a step is one digit of the cursor");

bool feed_references(struct run *r, struct str cursor, struct feed_page *page, struct err *err)
{
    bool first = r->cycle.kind == CYCLE_INITIAL;
    const struct step *steps = first ? initial : incremental;
    size_t count = first ? ARRAY_LEN(initial) : ARRAY_LEN(incremental);
    size_t at = str_empty(cursor) ? 0 : (size_t)(cursor.ptr[0] - '0');
    struct str from = str_from(cursor, 1);

    for (;; at++, from = (struct str){0}) { /* steps that have nothing are passed at once */
        bool ended;

        if (at > count)
            return err_set(err, ERR_INTERNAL, "badCursor", "'%.*s' is no step of the second pass",
                           STR_ARG(str_sub(cursor, 0, 40)));
        if (at == count) { /* the cycle was cut short behind its last page */
            page->next = cursor;
            page->last = true;
            return true;
        }
        page->repeats = true;
        page->leg = steps[at].leg;
        page->next = (struct str){0};
        if (!steps[at].take(r, from, page, err))
            return false;
        ended = page->last;
        page->last = ended && at + 1 == count;
        page->next = ended ? arena_printf(page->arena, "%zu", at + 1)
                           : arena_printf(page->arena, "%zu%.*s", at, STR_ARG(page->next));
        if (page->count > 0 || !ended || page->last)
            break;
    }
    /* A leg begins when the one before is recorded. */
    page->waits = page->leg != r->leg;
    r->leg = page->leg;
    return true;
}

/* On demand: the references that the object has, and those of who names it. */
bool feed_references_of_only(struct run *r, struct str cursor, struct feed_page *page,
                             struct err *err)
{
    struct owed_reference *owed;
    size_t count, at;

    page->repeats = true;
    page->leg = str_empty(cursor) ? LEG_SINGLES : (enum reference_leg)(cursor.ptr[0] - '0');
    page->last = page->leg == LEG_JOINS;
    page->next = arena_printf(page->arena, "%d", (int)page->leg + 1);
    page->waits = page->leg != r->leg;
    r->leg = page->leg;
    page_grow(page);
    if (!place_of(r, page, r->only->id, &at, err))
        return false;
    second_of(page, at)->whole = true;
    if (!owed_reference_about(r->db, page->arena, r->job.no, r->only->id, ABOUT_MAX, &owed, &count,
                              err))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!owe(r, page, &owed[i], err))
            return false;
    }
    return true;
}
