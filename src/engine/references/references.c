/* The second pass: references, when the objects they name have their accounts (engine.md 7). A
 * manager is sent as a change of its owner, members as differences (references_members.c). A
 * reference whose object has no account yet waits in the pending index and is sent in the cycle in
 * which that object gets one. */
#include "engine/references/references.h"

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

static bool is_members(const struct mapping_attribute *m)
{
    return m->is_reference && str_eq_z(m->reference, "members");
}

const struct mapping_attribute *references_members_attribute(const struct mapping_object *m)
{
    for (size_t i = 0; i < m->attribute_count; i++) {
        if (is_members(&m->attributes[i]))
            return &m->attributes[i];
    }
    return NULL;
}

void references_add_missing(struct walk *w, struct str missing_id,
                            const struct mapping_attribute *attribute)
{
    struct walk_references *s = w->second;

    ARENA_GROW(w->arena, s->missing, s->missing_count, s->missing_cap);
    s->missing[s->missing_count++] = (struct pending_reference){
        .missing_id = arena_str(w->arena, missing_id),
        .owner_id = w->entry.id,
        .attribute = arena_str(w->arena, attribute->target),
    };
}

/* --- references of the object itself: manager --- */

static bool is_empty(const struct json *v)
{
    return !v || v->type == JSON_NULL || (v->type == JSON_STRING && v->text.len == 0) ||
           (v->type == JSON_ARRAY && v->count == 0);
}

/* The ids that the source names in an attribute: a text, or a list of texts. */
static void named_ids(struct walk *w, const struct mapping_attribute *m, struct walk_named *out)
{
    struct json *value = json_get(w->entry.attributes, m->reference);

    if (json_is(value, JSON_STRING) && value->text.len > 0) {
        out->ids = ARENA_ARRAY(w->arena, struct str, 1);
        out->ids[out->count++] = value->text;
    } else if (json_is(value, JSON_ARRAY)) {
        out->ids = ARENA_ARRAY(w->arena, struct str, value->count + 1);
        JSON_EACH(item, value)
        {
            if (json_is(item, JSON_STRING) && item->text.len > 0)
                out->ids[out->count++] = item->text;
        }
    }
}

/* The same as target ids, in the form of the target attribute; NULL when nobody is left. */
static bool resolve(struct walk *w, const struct mapping_attribute *m,
                    const struct walk_named *named, const struct json **out, struct err *err)
{
    struct json *all = json_new(w->arena, JSON_ARRAY);

    for (size_t i = 0; i < named->count; i++) {
        struct str target_id;

        if (!connection_account(w->run->db, w->arena, w->run->job.no, named->ids[i], &target_id,
                                err))
            return false;
        if (target_id.len > 0) {
            json_append(all, json_string(w->arena, target_id));
            continue;
        }
        references_add_missing(w, named->ids[i], m);
        walk_step(w, STEP_REFERENCE, "UnableToResolveReferenceAttributeValue", STATUS_WARNING,
                  "%.*s names '%.*s', which has no account here yet", STR_ARG(m->target),
                  STR_ARG(named->ids[i]));
    }
    *out = all->count == 0 ? NULL : m->multivalued ? all : all->first;
    return true;
}

/* Whether an attribute keeps what it says (attribute-mappings.md 2). Whoever was named before is
 * not kept until the new one has an account. */
static bool is_kept(const struct walk *w, const struct mapping_attribute *m,
                    const struct json *before, const struct json *after)
{
    if (is_empty(before)) {
        return is_empty(after) ||
               (m->flow_type == FLOW_OBJECT_ADD_ONLY && w->connection.origin != CONNECTION_CREATED);
    }
    if (m->flow_type == FLOW_ATTRIBUTE_ADD_ONLY || m->flow_type == FLOW_OBJECT_ADD_ONLY)
        return true;
    if (is_empty(after))
        return m->flow_type != FLOW_ALWAYS || !w->run->settings.clear_references;
    return mapping_equal(m, before, after) && m->flow_behavior == FLOW_WHEN_CHANGED;
}

/* An account that said so when it was matched: nothing is sent, but those who are named have to be
 * known as well. */
static bool is_found(const struct walk *w, const struct mapping_attribute *m,
                     struct walk_named *named, struct err *err)
{
    bool known = true;

    for (size_t i = 0; known && i < named->count; i++) {
        if (!exported_reference_has(w->run->db, w->run->job.no, w->entry.id, m->target,
                                    named->ids[i], &known, err))
            return false;
    }
    named->found = !known;
    return true;
}

static bool plan_single(struct walk *w, const struct mapping_attribute *m, struct err *err)
{
    struct walk_references *s = w->second;
    struct walk_named *named = &s->named[s->named_count++];
    const struct json *before = json_get(w->exported_before, m->target);
    const struct json *after = NULL;

    *named = (struct walk_named){.attribute = m};
    named_ids(w, m, named);
    if (!resolve(w, m, named, &after, err) ||
        (w->run->had_pending && !pending_reference_waits(w->run->db, w->run->job.no, w->entry.id,
                                                         m->target, &named->settled, err)))
        return false;
    if (is_kept(w, m, before, after))
        return !mapping_equal(m, before, after) || is_found(w, m, named, err);
    named->changed = true;
    w->changes.items[w->changes.count++] = (struct mapping_change){
        .attribute = m,
        .before = before,
        .after = after,
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
    w->second->named = ARENA_ARRAY(w->arena, struct walk_named, m->attribute_count);
    for (size_t i = 0; i < m->attribute_count; i++) {
        const struct mapping_attribute *at = &m->attributes[i];

        if (at->is_reference && at->form != MAPPING_NONE && !is_members(at) &&
            !plan_single(w, at, err))
            return false;
    }
    return true;
}

/* --- outcomes --- */

void references_done(struct walk *w)
{
    const struct walk_references *s = w->second;

    if (w->status != STATUS_FAILURE) {
        walk_succeed(w, w->requests > 0 ? ACTION_UPDATE : ACTION_OTHER);
        if (s->missing_count > 0) {
            w->status = STATUS_WARNING;
            w->code = STR("UnableToResolveReferenceAttributeValue");
            w->message =
                STR("A referenced object has no account here yet; it is linked when it has one");
        }
        w->silent = w->action == ACTION_OTHER && s->missing_count == 0;
    }
    export_finish(w);
}

void references_broken(struct walk *w, const struct err *err)
{
    walk_fail(w, TARGET_TRANSIENT, err->code ? err->code : "InternalError", "%s", err->message);
    export_finish(w);
}

void references_let_go(struct walk *w)
{
    const struct walk_references *s = w->second;

    if (s && s->rest)
        s->rest->second->before = NULL;
    if (s && s->before)
        s->before->second->rest = NULL;
}

/* The connection is dropped and the object matched or created again, as in the first pass; what it
 * names, and who names it, is owed then and follows in this cycle (engine.md 4, InvalidAnchor). */
void references_account_gone(struct walk *w)
{
    struct run *r = w->run;

    references_let_go(w);
    w->references = false;
    w->reopened = true;
    w->second = NULL;
    w->changes.count = w->property_count = 0;
    r->reopened = true;
    walk_plan(w, &r->walk_job);
    w->unchanged = w->silent = false;
    if (w->status == STATUS_FAILURE) {
        w->keep = KEEP_DROPPED;
        export_finish(w);
    } else {
        export_anchor_gone(w);
    }
}

bool references_to_record(const struct walk *w)
{
    const struct walk_references *s = w->second;

    if (!s)
        return false;
    for (size_t i = 0; i < s->named_count; i++) {
        if (s->named[i].settled || s->named[i].found)
            return true;
    }
    return s->owed_count > 0 || s->member_count > 0 ||
           (s->whole && s->leg == LEG_JOINS && w->run->had_pending);
}

/* --- sending --- */

static void send_singles(struct walk *w);

static void on_singles_sent(void *ctx, const struct target_result *result)
{
    struct walk *w = ctx;

    w->requests++;
    if (result->status == TARGET_NOT_FOUND) {
        references_account_gone(w);
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
    references_done(w);
}

static void send_singles(struct walk *w)
{
    struct target *t = w->run->target;

    if (w->run->send == ENGINE_SHOW) {
        walk_step(w, STEP_EXPORT, "EntryExportUpdate", STATUS_SUCCESS,
                  "References, not sent: this is a dry run");
        json_add_str(
            w->arena, walk_details(w), "request",
            t->ops->preview(t, w->mapping, w->connection.target_id, &w->changes, w->arena));
        references_done(w);
        return;
    }
    t->ops->update(t, w->mapping, w->connection.target_id, &w->changes, on_singles_sent, w);
}

static void singles_begin(struct walk *w)
{
    struct err err = {0};

    if (!plan_singles(w, &err)) {
        references_broken(w, &err);
    } else if (w->changes.count == 0) {
        references_done(w);
    } else {
        walk_properties(w, &w->changes);
        protect_then(w, send_singles);
    }
}

/* --- beginning --- */

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

static bool has_nothing_to_do(struct walk *w)
{
    w->in_scope = w->connected && !w->connection.soft_deleted;
    return !w->in_scope || w->entry.gone || !w->mapping || !w->mapping->enabled ||
           !(w->mapping->can & MAPPING_CAN_UPDATE) ||
           (w->second->leg != LEG_SINGLES && !references_members_attribute(w->mapping)) ||
           stays_as_it_is(w) || undo_holds(w);
}

static void begin(struct walk *w, struct walk_references *second)
{
    w->references = true;
    w->second = second;
    w->run->in_flight++;
    w->action = ACTION_OTHER;
    w->status = STATUS_SKIPPED;
    w->silent = true;
    if (has_nothing_to_do(w)) {
        export_finish(w);
        return;
    }
    w->silent = false;
    w->status = STATUS_SUCCESS;
    if (second->leg == LEG_SINGLES) {
        singles_begin(w);
    } else {
        members_begin(w);
    }
}

void references_start(struct walk *w)
{
    struct walk_references *second = w->page->seconds ? w->page->seconds[w->place] : NULL;

    if (!second)
        second = ARENA_NEW(w->arena, struct walk_references);
    second->leg = w->page->leg;
    begin(w, second);
}

void references_go_on(struct walk *w)
{
    struct walk *rest;
    struct walk_references *second;

    w->page->unfinished++; /* before this one is finished: the page is not done yet */
    if (w->run->stopping)
        return; /* nor will it be in this run: the cycle goes on at it */
    rest = run_walk_new(w->run, w->page, w->place);
    second = ARENA_NEW(rest->arena, struct walk_references);
    *second = (struct walk_references){
        .leg = w->second->leg,
        .whole = true,
        .forced = w->second->forced,
        .goes_on = true,
        .before = w,
        .cursor = arena_str(rest->arena, w->second->cursor),
        .owed = w->second->owed, /* in the page */
        .owed_count = w->second->owed_count,
    };
    w->second->rest = rest;
    begin(rest, second);
}
