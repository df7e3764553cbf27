/* The second pass: references, when the objects they name have their accounts (engine.md 7). A
 * manager is sent as a change of its owner; members are sent as differences, against what was last
 * exported, never by reading the target's list. A reference whose object has no account yet waits
 * in the pending index and is sent in the cycle in which that object gets one. */
#include "engine/run.h"

enum {
    MEMBERS_AT_ONCE = 200, /* members looked at in one step of a full comparison */
    MEMBERS_MAX = 400,     /* differences sent and recorded together */
};

bool references_mapped(const struct mapping_program *p)
{
    for (size_t i = 0; i < p->object_count; i++) {
        for (size_t j = 0; p->objects[i].enabled && j < p->objects[i].attribute_count; j++) {
            if (p->objects[i].attributes[j].is_reference)
                return true;
        }
    }
    return false;
}

static const struct mapping_attribute *members_attribute(const struct mapping_object *m)
{
    for (size_t i = 0; i < m->attribute_count; i++) {
        if (m->attributes[i].is_reference && str_eq_z(m->attributes[i].reference, "members"))
            return &m->attributes[i];
    }
    return NULL;
}

static void add_missing(struct walk *w, struct str missing_id,
                        const struct mapping_attribute *attribute)
{
    struct walk_references *s = w->second;

    if (s->missing_count == s->missing_cap) {
        struct pending_reference *larger =
            ARENA_ARRAY(w->arena, struct pending_reference, s->missing_cap * 2 + 8);

        for (size_t i = 0; i < s->missing_count; i++)
            larger[i] = s->missing[i];
        s->missing = larger;
        s->missing_cap = s->missing_cap * 2 + 8;
    }
    s->missing[s->missing_count++] = (struct pending_reference){
        .missing_id = arena_str(w->arena, missing_id),
        .owner_id = w->entry.id,
        .attribute = arena_str(w->arena, attribute->target),
    };
}

static void add_member(struct walk *w, struct str source_id, struct str target_id, bool present)
{
    struct walk_references *s = w->second;

    if (s->member_count == s->member_cap) {
        struct walk_member *larger =
            ARENA_ARRAY(w->arena, struct walk_member, s->member_cap * 2 + 16);

        for (size_t i = 0; i < s->member_count; i++)
            larger[i] = s->members[i];
        s->members = larger;
        s->member_cap = s->member_cap * 2 + 16;
    }
    s->members[s->member_count++] = (struct walk_member){
        .source_id = arena_str(w->arena, source_id),
        .target_id = arena_str(w->arena, target_id),
        .present = present,
    };
}

/* The account of a source object; empty when it has none. */
static bool account_of(struct walk *w, struct str source_id, struct str *out, struct err *err)
{
    struct connection c;
    bool found;

    if (!connection_load(w->run->db, w->arena, w->run->job.no, source_id, &c, &found, err))
        return false;
    *out = found ? c.target_id : (struct str){0};
    return true;
}

/* --- single references: manager --- */

static bool plan_single(struct walk *w, const struct mapping_attribute *m, struct err *err)
{
    struct json *value = json_get(w->entry.attributes, m->reference);
    struct str source_id = json_is(value, JSON_STRING) ? value->text : (struct str){0};
    const struct json *before = json_get(w->exported_before, m->target);
    struct str target_id = {0};

    if (source_id.len > 0 && !account_of(w, source_id, &target_id, err))
        return false;
    if (source_id.len > 0 && target_id.len == 0) {
        add_missing(w, source_id, m);
        walk_step(w, STEP_REFERENCE, "UnableToResolveReferenceAttributeValue", STATUS_WARNING,
                  "%.*s names '%.*s', which has no account here yet", STR_ARG(m->target),
                  STR_ARG(source_id));
    } /* whoever was named before is not kept until the new one has an account */
    if (str_eq(target_id, json_is(before, JSON_STRING) ? before->text : (struct str){0}))
        return true;
    w->changes.items[w->changes.count++] = (struct mapping_change){
        .attribute = m,
        .before = before,
        .after = target_id.len ? json_string(w->arena, target_id) : NULL,
    };
    return true;
}

static bool plan_singles(struct walk *w, struct err *err)
{
    const struct mapping_object *m = w->mapping;

    if (w->connection.exported.len > 0 &&
        !json_parse(w->arena, w->connection.exported, NULL, &w->exported_before, NULL, err))
        return false;
    w->changes.items = ARENA_ARRAY(w->arena, struct mapping_change, m->attribute_count);
    w->changes.count = 0;
    for (size_t i = 0; i < m->attribute_count; i++) {
        if (m->attributes[i].is_reference && !m->attributes[i].multivalued &&
            !str_eq_z(m->attributes[i].reference, "members") &&
            !plan_single(w, &m->attributes[i], err))
            return false;
    }
    return true;
}

/* --- members --- */

/* One member that is, or is no longer, in the group at the source. */
static bool plan_member(struct walk *w, const struct mapping_attribute *m, struct str member_id,
                        bool present, bool exported, struct err *err)
{
    struct str target_id;

    if (present == exported)
        return true;
    if (!account_of(w, member_id, &target_id, err))
        return false;
    if (target_id.len == 0 && present) {
        add_missing(w, member_id, m);
    } else { /* without an account there is nothing to send, but it is no longer exported */
        add_member(w, member_id, target_id, present);
    }
    return true;
}

/* Members that are known to have changed. */
static bool plan_known(struct walk *w, const struct mapping_attribute *m, struct err *err)
{
    struct walk_references *s = w->second;
    struct walk_member *known = s->members;
    size_t count = s->member_count;

    s->members = NULL;
    s->member_count = s->member_cap = 0;
    for (size_t i = 0; i < count; i++) {
        bool exported;

        if (!exported_member_has(w->run->db, w->run->job.no, w->entry.id, known[i].source_id,
                                 &exported, err) ||
            !plan_member(w, m, known[i].source_id, known[i].present, exported, err))
            return false;
    }
    return true;
}

/* A stretch of a full comparison: the group's members and the exported ones, both in id order. */
static bool plan_stretch(struct walk *w, const struct mapping_attribute *m, struct err *err)
{
    struct run *r = w->run;
    struct walk_references *s = w->second;
    struct str *now = NULL, *then = NULL;
    size_t now_count, then_count, i = 0, j = 0;
    struct str cursor = s->cursor;

    if (!r->source->ops->members(r->source, w->entry.id, cursor, MEMBERS_AT_ONCE, w->arena, &now,
                                 &now_count, err) ||
        !exported_members(r->db, w->arena, r->job.no, w->entry.id, cursor, MEMBERS_AT_ONCE, &then,
                          &then_count, err))
        return false;
    while (i < now_count || j < then_count) {
        int order = i == now_count ? 1 : j == then_count ? -1 : str_cmp(now[i], then[j]);

        /* Behind the end of a full page of the other side nothing can be said yet. */
        if ((order > 0 && i == now_count && now_count == MEMBERS_AT_ONCE) ||
            (order < 0 && j == then_count && then_count == MEMBERS_AT_ONCE))
            break;
        s->cursor = order <= 0 ? now[i] : then[j];
        if (!plan_member(w, m, s->cursor, order <= 0, order >= 0, err))
            return false;
        i += order <= 0;
        j += order >= 0;
    }
    s->more = now_count == MEMBERS_AT_ONCE || then_count == MEMBERS_AT_ONCE;
    return true;
}

/* --- sending --- */

static void send_members(struct walk *w);
static void send_singles(struct walk *w);

static void begin(struct walk *w, struct walk_references *second);

/* A group with more differences than are sent at once goes on in another walk, so that memory stays
 * bounded and what was sent is recorded meanwhile. */
static void go_on(struct walk *w)
{
    struct walk *rest;
    struct walk_references *second;

    w->page->unfinished++; /* before this one is finished: the page is not done yet */
    rest = run_walk_new(w->run, w->page, w->place);
    second = ARENA_NEW(rest->arena, struct walk_references);
    second->cursor = arena_str(rest->arena, w->second->cursor);
    begin(rest, second);
}

static void done_with(struct walk *w)
{
    if (w->status != STATUS_FAILURE && w->second->more) {
        go_on(w);
    }
    if (w->status != STATUS_FAILURE) {
        walk_succeed(w,
                     w->property_count || w->second->member_count ? ACTION_UPDATE : ACTION_OTHER);
    }
    if (w->action == ACTION_OTHER && w->status == STATUS_SUCCESS) {
        w->silent = w->second->missing_count == 0;
        if (!w->silent) {
            w->status = STATUS_WARNING;
            w->code = STR("UnableToResolveReferenceAttributeValue");
            w->message =
                STR("A referenced object has no account here yet; it is linked when it has one");
        }
    }
    export_finish(w);
}

static void reference_failed(struct walk *w, const struct err *err)
{
    walk_fail(w, TARGET_TRANSIENT, err->code ? err->code : "InternalError", "%s", err->message);
    export_finish(w);
}

/* The connection is dropped; the object is matched or created again by its retry, and its
 * references follow (engine.md 4, InvalidAnchor). */
static void account_gone(struct walk *w)
{
    w->keep = KEEP_DROPPED;
    walk_step(w, STEP_EXPORT, "EntryExportUpdate", STATUS_FAILURE,
              "Account %.*s no longer exists in the target", STR_ARG(w->connection.target_id));
    walk_fail(w, TARGET_PERMANENT, "InvalidAnchor",
              "The connected account no longer exists; it is matched again in the next cycle");
    export_finish(w);
}

static void on_members_changed(void *ctx, const struct target_result *result)
{
    struct walk *w = ctx;

    w->requests++;
    if (result->status == TARGET_NOT_FOUND) {
        account_gone(w);
    } else if (result->status != TARGET_OK) {
        export_failed(w, result, STEP_EXPORT, "EntryExportUpdate", send_members);
    } else {
        walk_step(w, STEP_EXPORT, "EntryExportUpdate", STATUS_SUCCESS, "%zu members changed",
                  w->second->member_count);
        done_with(w);
    }
}

static void send_members(struct walk *w)
{
    struct walk_references *s = w->second;
    struct target *t = w->run->target;
    struct str *add = ARENA_ARRAY(w->arena, struct str, s->member_count);
    struct str *remove = ARENA_ARRAY(w->arena, struct str, s->member_count);
    size_t adds = 0, removes = 0;

    for (size_t i = 0; i < s->member_count; i++) {
        if (s->members[i].target_id.len == 0)
            continue;
        if (s->members[i].present) {
            add[adds++] = s->members[i].target_id;
        } else {
            remove[removes++] = s->members[i].target_id;
        }
    }
    if (adds + removes == 0) {
        done_with(w);
    } else {
        t->ops->change_members(t, w->mapping, w->connection.target_id,
                               members_attribute(w->mapping), add, adds, remove, removes,
                               on_members_changed, w);
    }
}

static void plan_and_send_members(struct walk *w)
{
    const struct mapping_attribute *m = members_attribute(w->mapping);
    struct walk_references *s = w->second;
    struct err err = {0};
    bool ok = true;

    if (m) {
        if (!s->whole && (s->member_count > 0 || s->known_only)) {
            ok = plan_known(w, m, &err);
        } else {
            s->members = NULL;
            s->member_count = s->member_cap = 0;
            do { /* stretches without a difference cost no request */
                ok = plan_stretch(w, m, &err);
            } while (ok && s->more && s->member_count < MEMBERS_MAX);
        }
    }
    if (ok) {
        send_members(w);
    } else {
        reference_failed(w, &err);
    }
}

static void on_singles_sent(void *ctx, const struct target_result *result)
{
    struct walk *w = ctx;

    w->requests++;
    if (result->status == TARGET_NOT_FOUND) {
        account_gone(w);
        return;
    }
    if (result->status != TARGET_OK) {
        export_failed(w, result, STEP_EXPORT, "EntryExportUpdate", send_singles);
        return;
    }
    w->keep = KEEP_CONNECTION;
    w->target_id = w->connection.target_id;
    w->kept_before = w->exported_before;
    walk_step(w, STEP_EXPORT, "EntryExportUpdate", STATUS_SUCCESS,
              "References of account %.*s written", STR_ARG(w->target_id));
    plan_and_send_members(w);
}

static void send_singles(struct walk *w)
{
    struct target *t = w->run->target;

    if (w->changes.count == 0) {
        plan_and_send_members(w);
        return;
    }
    walk_properties(w, &w->changes);
    t->ops->update(t, w->mapping, w->connection.target_id, &w->changes, on_singles_sent, w);
}

/* Of a person out of scope whose account is not disabled, because nothing is mapped that would, no
 * reference is sent (engine.md 6.2). Groups have their members followed all the same: a member that
 * was passed over would not be seen again when the group comes back. */
static bool stays_as_it_is(struct walk *w)
{
    if (w->entry.kind == SOURCE_GROUP)
        return false;
    station_scope(w, &w->run->walk_job);
    w->step_count = 0; /* told by the first pass */
    return !w->in_scope || w->status == STATUS_FAILURE;
}

static void begin(struct walk *w, struct walk_references *second)
{
    struct err err = {0};

    w->references = true;
    w->second = second ? second : ARENA_NEW(w->arena, struct walk_references);
    w->run->in_flight++;
    w->action = ACTION_OTHER;
    w->status = STATUS_SKIPPED;
    w->silent = true;
    w->in_scope = w->connected && !w->connection.soft_deleted;
    if (!w->in_scope || w->entry.gone || !w->mapping || !w->mapping->enabled ||
        !(w->mapping->can & MAPPING_CAN_UPDATE) || stays_as_it_is(w)) {
        export_finish(w);
        return;
    }
    w->silent = false;
    w->status = STATUS_SUCCESS;
    if (plan_singles(w, &err)) {
        send_singles(w);
    } else {
        reference_failed(w, &err);
    }
}

void references_start(struct walk *w)
{
    begin(w, w->page->seconds ? w->page->seconds[w->place] : NULL);
}
