/* Members of a group in the second pass (engine.md 7.4, 7.5, 7.9): differences against what was
 * last exported, never by reading the target's list, a batch in a request. What is in a batch that
 * the target refuses is sent in smaller ones, so that one member keeps no other out. */
#include "engine/references/references.h"

enum {
    MEMBERS_AT_ONCE = 200, /* members looked at in one step of a full comparison */
    MEMBERS_MAX = 400,     /* differences sent and recorded together, unless a batch is larger */
    REFUSED_MAX = 32,      /* members refused one by one, none taken: it is not the members */
    NAMED_MAX = 50,        /* members that a step names */
};

static void add_member(struct walk *w, struct walk_member member)
{
    struct walk_references *s = w->second;

    ARENA_GROW(w->arena, s->members, s->member_count, s->member_cap);
    member.source_id = arena_str(w->arena, member.source_id);
    member.target_id = arena_str(w->arena, member.target_id);
    s->members[s->member_count++] = member;
}

static bool account_of(struct walk *w, struct str source_id, struct str *out, struct err *err)
{
    return connection_account(w->run->db, w->arena, w->run->job.no, source_id, out, err);
}

/* --- planning --- */

/* Is in the target's list, as far as is known, and is not to be. */
static bool plan_leave(struct walk *w, struct str member_id, struct err *err)
{
    struct walk_member member = {.source_id = member_id};

    if (!account_of(w, member_id, &member.target_id, err))
        return false;
    if (member.target_id.len == 0) /* nothing to send, but it is no longer exported */
        member.outcome = MEMBER_SENT;
    add_member(w, member);
    return true;
}

static bool plan_join(struct walk *w, struct str member_id, bool forced, struct err *err)
{
    struct walk_member member = {.source_id = member_id, .present = true, .forced = forced};

    if (!account_of(w, member_id, &member.target_id, err))
        return false;
    if (member.target_id.len > 0) {
        add_member(w, member);
    } else {
        references_add_missing(w, member_id, references_members_attribute(w->mapping));
    }
    return true;
}

/* One member that is known to have changed. */
static bool plan_known(struct walk *w, const struct walk_member *known, struct err *err)
{
    bool leaves = w->second->leg == LEG_LEAVES;
    bool exported;

    if (leaves && known->target_id.len > 0)
        add_member(w, (struct walk_member){
                          .source_id = known->source_id,
                          .target_id = known->target_id,
                          .departed = true,
                      });
    if (leaves == known->present) {
        if (!leaves) /* not present: it does not wait for its account any more */
            add_member(w,
                       (struct walk_member){.source_id = known->source_id, .outcome = MEMBER_LEFT});
        return true;
    }
    if (!exported_member_has(w->run->db, w->run->job.no, w->entry.id, known->source_id, &exported,
                             err))
        return false;
    if (leaves)
        return !exported || plan_leave(w, known->source_id, err);
    return (exported && !known->forced) || plan_join(w, known->source_id, known->forced, err);
}

static bool plan_all_known(struct walk *w, struct err *err)
{
    struct walk_references *s = w->second;
    const struct walk_member *known = s->members;
    size_t count = s->member_count;

    s->members = NULL;
    s->member_count = s->member_cap = 0;
    for (size_t i = 0; i < count; i++) {
        if (!plan_known(w, &known[i], err))
            return false;
    }
    return true;
}

/* A member of a full comparison: in the source, exported, or both. */
static bool plan_compared(struct walk *w, struct str id, bool in_source, bool exported,
                          struct err *err)
{
    const struct walk_references *s = w->second;

    if (s->leg == LEG_LEAVES)
        return in_source || plan_leave(w, id, err);
    return !in_source || (exported && !s->forced) || plan_join(w, id, s->forced, err);
}

/* A stretch of a full comparison: the group's members and the exported ones, both in id order. */
static bool plan_stretch(struct walk *w, struct err *err)
{
    struct run *r = w->run;
    struct walk_references *s = w->second;
    struct str *now = NULL, *then = NULL;
    size_t now_count = 0, then_count, i = 0, j = 0;
    struct str cursor = s->cursor;

    s->more = false;
    if (!exported_members(r->db, w->arena, r->job.no, w->entry.id, cursor, MEMBERS_AT_ONCE, &then,
                          &then_count, err))
        return false;
    if (then_count == 0 && s->leg == LEG_LEAVES)
        return true; /* a new group */
    if (!r->source->ops->members(r->source, w->entry.id, cursor, MEMBERS_AT_ONCE, w->arena, &now,
                                 &now_count, err))
        return false;
    while (i < now_count || j < then_count) {
        int order = i == now_count ? 1 : j == then_count ? -1 : str_cmp(now[i], then[j]);

        /* Behind the end of a full page of the other side nothing can be said yet. */
        if ((order > 0 && i == now_count && now_count == MEMBERS_AT_ONCE) ||
            (order < 0 && j == then_count && then_count == MEMBERS_AT_ONCE))
            break;
        s->cursor = order <= 0 ? now[i] : then[j];
        if (!plan_compared(w, s->cursor, order <= 0, order >= 0, err))
            return false;
        i += order <= 0;
        j += order >= 0;
    }
    s->more = now_count == MEMBERS_AT_ONCE || then_count == MEMBERS_AT_ONCE;
    return true;
}

static size_t batch_max(const struct walk *w)
{
    const struct run *r = w->run;
    size_t max = r->settings.max_members > 0 ? (size_t)r->settings.max_members : 1;

    return r->members_max > 0 && r->members_max < max ? r->members_max : max;
}

/* Stretches without a difference cost no request. */
static bool plan_stretches(struct walk *w, struct err *err)
{
    struct walk_references *s = w->second;
    size_t max = batch_max(w) > MEMBERS_MAX ? batch_max(w) : MEMBERS_MAX;

    s->members = NULL;
    s->member_count = s->member_cap = 0;
    do {
        if (!plan_stretch(w, err))
            return false;
    } while (s->more && s->member_count + s->missing_count < max);
    return true;
}

/* --- what is told --- */

static void tell_missing(struct walk *w)
{
    const struct walk_references *s = w->second;
    struct json *ids;

    if (s->missing_count == 0)
        return;
    walk_step(w, STEP_REFERENCE, "UnableToResolveReferenceAttributeValue", STATUS_WARNING,
              "%zu of %.*s have no account here yet: '%.*s'%s", s->missing_count,
              STR_ARG(s->missing[0].attribute), STR_ARG(s->missing[0].missing_id),
              s->missing_count > 1 ? " and others" : "");
    ids = json_new(w->arena, JSON_ARRAY);
    for (size_t i = 0; i < s->missing_count && i < NAMED_MAX; i++)
        json_append(ids, json_string(w->arena, s->missing[i].missing_id));
    json_add(w->arena, walk_details(w), s->missing[0].attribute, ids);
}

static void tell_sent(struct walk *w)
{
    const struct walk_references *s = w->second;
    struct json *ids = json_new(w->arena, JSON_ARRAY);
    size_t sent = 0;

    for (size_t i = 0; i < s->member_count; i++) {
        if (s->members[i].outcome != MEMBER_SENT || s->members[i].target_id.len == 0)
            continue;
        if (sent++ < NAMED_MAX)
            json_append(ids, json_string(w->arena, s->members[i].target_id));
    }
    if (sent == 0)
        return;
    walk_step(w, STEP_EXPORT, "EntryExportUpdate", STATUS_SUCCESS, "%zu members %s", sent,
              s->leg == LEG_JOINS ? "added" : "removed");
    json_add(w->arena, walk_details(w), s->leg == LEG_JOINS ? STR("added") : STR("removed"), ids);
}

/* --- sending --- */

static void send_batch(struct walk *w);
static void send_next(struct walk *w);

/* Everything that could be sent is. */
static void members_done(struct walk *w)
{
    struct walk_references *s = w->second;

    tell_sent(w);
    if (s->more)
        references_go_on(w);
    if (s->refused > 0) {
        w->action = ACTION_UPDATE;
        walk_fail(w, TARGET_PERMANENT, w->code.ptr, "%.*s", STR_ARG(w->message));
    }
    references_done(w);
}

/* The target does not take one member: the others go on without it. */
static void refuse_one(struct walk *w, const struct target_result *result)
{
    struct walk_references *s = w->second;
    struct walk_member *m = &s->members[s->from];

    /* Who has no account any more is in no list for long; who left may have left before; who joins
     * may be there since an answer that was lost. */
    if (m->departed || (!m->present && result->status == TARGET_NOT_FOUND) ||
        (m->present && result->code && strcmp(result->code, "EntryConflict") == 0)) {
        m->outcome = MEMBER_SENT;
        return;
    }
    m->outcome = MEMBER_REFUSED;
    if (s->refused++ == 0) {
        w->code = str_from_z(result->code ? result->code : "UnprocessableEntity");
        w->message =
            arena_printf(w->arena, "Member '%.*s' (account %.*s) is refused: %.*s",
                         STR_ARG(m->source_id), STR_ARG(m->target_id), STR_ARG(result->message));
    }
    walk_step(w, STEP_EXPORT, "EntryExportUpdate", STATUS_FAILURE,
              "Member '%.*s' (account %.*s) is refused: %.*s", STR_ARG(m->source_id),
              STR_ARG(m->target_id), STR_ARG(result->message));
    export_tell(w, result, "EntryExportUpdate");
}

/* The next batch may be larger again, but not as large as the one that was refused while it is not
 * known why. */
static void grow(struct walk *w)
{
    struct walk_references *s = w->second;
    size_t max = s->to < s->suspect_to ? s->suspect / 2 : batch_max(w);

    s->at_once = s->at_once * 2 < max ? s->at_once * 2 : max;
}

/* A batch that was refused has gone through in smaller ones, all of it: it was too large, which is
 * known from here on in the whole run (engine.md 7.5). */
static void learn(struct walk *w)
{
    struct walk_references *s = w->second;

    if (s->suspect_to == 0 || s->to < s->suspect_to)
        return;
    if (!s->found_one)
        w->run->members_max = s->suspect / 2;
    s->suspect_to = 0;
}

/* A batch is refused: smaller ones show which member it is. */
static void refused(struct walk *w, const struct target_result *result)
{
    struct walk_references *s = w->second;
    size_t count = s->to - s->from;

    if (count > 1) {
        if (s->to > s->suspect_to) {
            s->suspect_to = s->to;
            s->suspect = count;
            s->found_one = false;
        }
        s->at_once = count / 2;
        s->to = s->from;
        send_next(w);
        return;
    }
    s->found_one = true;
    refuse_one(w, result);
    learn(w);
    if (s->refused >= REFUSED_MAX && !s->accepted) {
        s->cut = true;
        walk_fail(w, TARGET_PERMANENT, w->code.ptr, "%.*s", STR_ARG(w->message));
        export_finish(w);
        return;
    }
    grow(w);
    send_next(w);
}

/* Whether a failure may be that of one member among many. */
static bool concerns_members(const struct target_result *result)
{
    static const char *const others[] = {
        "MethodNotAllowed", "NotImplemented",
        "SystemForCrossDomainIdentityManagementServiceIncompatible"};

    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        if (result->code && strcmp(result->code, others[i]) == 0)
            return false;
    }
    return result->status == TARGET_NOT_FOUND || result->class_ == TARGET_PERMANENT;
}

static void look_for_group(struct walk *w);

/* 404: is it the group that is gone, or a member that the target does not know? */
static void on_group_read(void *ctx, const struct target_result *result)
{
    struct walk *w = ctx;

    w->requests++;
    if (result->status == TARGET_NOT_FOUND) {
        references_account_gone(w);
    } else if (result->status != TARGET_OK) {
        export_failed(w, result, STEP_MATCHING, "EntrySynchronizationMatch", look_for_group);
    } else {
        w->second->group_there = true;
        send_batch(w); /* what it says now is about the members */
    }
}

static void look_for_group(struct walk *w)
{
    struct target *t = w->run->target;

    t->ops->read(t, w->mapping, w->connection.target_id, on_group_read, w);
}

static void on_members_changed(void *ctx, const struct target_result *result)
{
    struct walk *w = ctx;
    struct walk_references *s = w->second;

    w->requests++;
    if (result->status == TARGET_NOT_FOUND && !s->group_there) {
        look_for_group(w);
    } else if (result->status != TARGET_OK && concerns_members(result)) {
        refused(w, result);
    } else if (result->status != TARGET_OK) {
        export_failed(w, result, STEP_EXPORT, "EntryExportUpdate", send_batch);
    } else {
        for (size_t i = s->from; i < s->to; i++)
            s->members[i].outcome = MEMBER_SENT;
        s->accepted = true;
        w->tries = 0;
        learn(w);
        grow(w);
        send_next(w);
    }
}

static void send_next(struct walk *w);

/* The members of the present batch, as the target is told of them; texts in the walk's arena. */
static struct target_members batch_of(struct walk *w)
{
    struct walk_references *s = w->second;
    size_t count = s->to - s->from;
    struct str *ids = ARENA_ARRAY(w->arena, struct str, count);
    struct target_members change = {.attribute = references_members_attribute(w->mapping)};

    for (size_t i = 0; i < count; i++)
        ids[i] = s->members[s->from + i].target_id;
    if (s->leg == LEG_JOINS) {
        change.add = ids;
        change.add_count = count;
    } else {
        change.remove = ids;
        change.remove_count = count;
    }
    return change;
}

struct str members_request(struct walk *w)
{
    struct target *t = w->run->target;
    struct target_members change = batch_of(w);

    return t->ops->preview_members(t, w->mapping, w->connection.target_id, &change, w->arena);
}

/* In a dry run the request is shown instead of being sent. */
static void show_batch(struct walk *w)
{
    struct walk_references *s = w->second;

    walk_step(w, STEP_EXPORT, "EntryExportUpdate", STATUS_SUCCESS,
              "%zu members to be %s, not sent: this is a dry run", s->to - s->from,
              s->leg == LEG_JOINS ? "added" : "removed");
    json_add_str(w->arena, walk_details(w), "request", members_request(w));
    for (size_t i = s->from; i < s->to; i++)
        s->members[i].outcome = MEMBER_SENT;
    send_next(w);
}

static void send_batch(struct walk *w)
{
    struct target *t = w->run->target;
    struct target_members change = batch_of(w);

    if (w->run->send == ENGINE_SHOW) {
        show_batch(w);
        return;
    }
    t->ops->change_members(t, w->mapping, w->connection.target_id, &change, on_members_changed, w);
}

/* The next of those that wait. */
static void send_next(struct walk *w)
{
    struct walk_references *s = w->second;

    s->from = s->to;
    while (s->from < s->member_count && s->members[s->from].outcome != MEMBER_WAITS)
        s->from++;
    s->to = s->from;
    while (s->to < s->member_count && s->to - s->from < s->at_once &&
           s->members[s->to].outcome == MEMBER_WAITS)
        s->to++;
    if (s->from == s->to) {
        members_done(w);
    } else {
        send_batch(w);
    }
}

void members_begin(struct walk *w)
{
    struct walk_references *s = w->second;
    struct err err = {0};

    s->at_once = batch_max(w);
    if (!(s->whole ? plan_stretches(w, &err) : plan_all_known(w, &err))) {
        references_broken(w, &err);
        return;
    }
    tell_missing(w);
    if (s->member_count > 0) {
        protect_then(w, send_next);
    } else {
        send_next(w);
    }
}
