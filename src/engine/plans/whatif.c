#include "engine/plans/whatif.h"

#include "base/unicode.h"
#include "engine/cycle/run.h"

enum {
    GROUPS_MAX = 4000,   /* each attribute of each object mapping can have some */
    VALUE_MAX = 160,     /* bytes of a value in an example */
    PROGRESS_EVERY = 64, /* objects */
};

static const char *const kind_names[] = {
    [WHATIF_ENTERS] = "entersScope",
    [WHATIF_LEAVES] = "leavesScope",
    [WHATIF_SET] = "set",
    [WHATIF_CLEARED] = "cleared",
    [WHATIF_CHANGED] = "changed",
    [WHATIF_CASE] = "caseChanged",
    [WHATIF_CASE_UNSENT] = "caseChangedNotSent",
    [WHATIF_MATCHING] = "matchingChanged",
    [WHATIF_SKIPPED] = "skipped",
    [WHATIF_ERROR] = "error",
    [WHATIF_FIXED] = "noLongerError",
};
static_assert(ARRAY_LEN(kind_names) == WHATIF_KIND_COUNT, "every kind has a name");

const char *engine_whatif_kind_name(enum engine_whatif_kind k)
{
    return kind_names[k];
}

/* One pass. */
struct whatif {
    struct run *run;
    struct arena *arena; /* of the result */
    struct walk_job draft_job;
    const struct engine_whatif_options *options;
    struct engine_whatif *out;
    struct map by_key;
    int64_t total;
    int64_t done;
    bool differs; /* the object that is looked at */
};

/* --- Groups --- */

struct difference {
    enum engine_whatif_kind kind;
    struct str attribute;
    struct str code;
    bool also;
    const struct json *before, *after; /* of attributes */
    struct str reason;                 /* of the others */
    bool secret;
};

static struct str shown(struct arena *a, const struct json *v, bool secret)
{
    struct str text = !v ? STR("null") : secret ? STR("\"*****\"") : json_text(a, v);
    size_t len = text.len < VALUE_MAX ? text.len : VALUE_MAX;

    while (len < text.len && len > 0 && ((unsigned char)text.ptr[len] & 0xC0) == 0x80)
        len--;
    return len == text.len ? text : arena_printf(a, "%.*s...", (int)len, text.ptr);
}

static struct engine_whatif_group *group_of(struct whatif *t, const struct walk *d,
                                            const struct difference *by)
{
    struct str key = arena_printf(d->arena, "%d %d %.*s %.*s", (int)by->kind, (int)d->entry.kind,
                                  STR_ARG(by->attribute), STR_ARG(by->code));
    struct engine_whatif_group *g = map_get(&t->by_key, key);

    if (g || t->out->count == GROUPS_MAX)
        return g;
    g = &t->out->groups[t->out->count++];
    g->kind = by->kind;
    g->object = d->entry.kind;
    g->attribute = arena_str(t->arena, by->attribute);
    g->code = arena_str(t->arena, by->code);
    map_put(&t->by_key, arena_str(t->arena, key), g);
    return g;
}

static void note(struct whatif *t, const struct walk *d, const struct difference *by)
{
    struct engine_whatif_group *g = group_of(t, d, by);
    struct engine_whatif_example *e;
    struct arena *a = t->arena;

    t->differs = true;
    if (!g)
        return;
    g->count++;
    g->also += by->also;
    if (g->example_count == WHATIF_EXAMPLES)
        return;
    e = &g->examples[g->example_count++];
    e->source_id = arena_str(a, d->entry.id);
    e->name = arena_str(a, d->entry.display_name);
    e->before = by->reason.len ? (struct str){"", 0} : shown(a, by->before, by->secret);
    e->after = by->reason.len ? arena_str(a, by->reason) : shown(a, by->after, by->secret);
}

/* --- What an account would say --- */

static bool is_empty(const struct json *v)
{
    return !v || v->type == JSON_NULL || (v->type == JSON_STRING && v->text.len == 0) ||
           (v->type == JSON_ARRAY && v->count == 0);
}

/* One side of the comparison: a walk, and the changes that it would send. */
struct side {
    const struct walk *w;
    const struct json *exported;
    struct mapping_changes changes;
    struct err missing; /* a creation that lacks a required value */
    bool fails;
    bool skips;
};

static void side_init(struct side *s, struct walk *w)
{
    struct err err;

    *s = (struct side){.w = w};
    s->fails = w->status == STATUS_FAILURE && w->intent == INTENT_NOTHING;
    s->skips = str_eq_z(w->code, "EntrySynchronizationSkipped") && w->in_scope;
    s->skips |= str_eq_z(w->code, "ImportSkipped");
    if (w->intent == INTENT_MATCH_OR_CREATE) {
        s->fails = !mapping_create(w->mapping, w->values, w->arena, &s->changes, &s->missing);
    } else if (w->intent == INTENT_UPDATE || w->intent == INTENT_DISABLE) {
        s->changes = w->changes;
    }
    s->exported = w->exported_before;
    if (w->connected && !s->exported && w->connection.exported.len > 0) {
        struct json *v;

        if (json_parse(w->arena, w->connection.exported, NULL, &v, NULL, &err))
            s->exported = v;
    }
}

/* Mostly both programs have it at the same place, which the hint says. */
static const struct mapping_attribute *attribute_of(const struct walk *w, struct str target,
                                                    size_t hint)
{
    if (w->mapping && hint < w->mapping->attribute_count &&
        str_eq(w->mapping->attributes[hint].target, target))
        return &w->mapping->attributes[hint];
    for (size_t i = 0; w->mapping && i < w->mapping->attribute_count; i++) {
        if (str_eq_ascii_nocase(w->mapping->attributes[i].target, target))
            return &w->mapping->attributes[i];
    }
    return NULL;
}

/* What the account says afterwards; NULL for nothing. */
static const struct json *account_value(const struct side *s, const struct mapping_attribute *m,
                                        struct str target)
{
    if (m && m->is_reference) /* resolved only when it is sent: the source's ids are compared */
        return json_get(s->w->entry.attributes, m->reference);
    for (size_t i = 0; i < s->changes.count; i++) {
        if (s->changes.items[i].attribute == m) /* nothing unmapped changes */
            return s->changes.items[i].after;
    }
    return json_get(s->exported, target);
}

/* What the mapping gives, sent or not. */
static const struct json *mapped_value(const struct side *s, const struct mapping_attribute *m)
{
    const struct mapping_value *v;

    if (!m || m->is_reference || !s->w->values)
        return NULL;
    v = &s->w->values[m - s->w->mapping->attributes];
    return v->outcome == MAPPING_VALUE ? v->value : NULL;
}

static bool same_but_case(struct arena *a, const struct json *x, const struct json *y)
{
    return str_eq_fold(json_text(a, x), json_text(a, y));
}

static void compare_attribute(struct whatif *t, const struct side *old, const struct side *new,
                              struct str target, size_t place)
{
    const struct mapping_attribute *was = attribute_of(old->w, target, place);
    const struct mapping_attribute *is = attribute_of(new->w, target, place);
    const struct mapping_attribute *either = is ? is : was;
    const struct json *before = account_value(old, was, target);
    const struct json *after = account_value(new, is, target);
    struct arena *a = new->w->arena;
    struct difference d = {.attribute = target, .secret = either && either->secret};

    /* Another reference is nothing that an unmapped one can be compared with. */
    if ((was && was->is_reference) != (is && is->is_reference) && (!was || !is) &&
        old->w->connected)
        return;
    d.kind = WHATIF_CHANGED;
    if (is_empty(before) && is_empty(after))
        return;
    if (!is_empty(before) && !is_empty(after) && json_equal(before, after)) {
        before = mapped_value(old, was);
        after = mapped_value(new, is);
        if (!new->w->in_scope || !before || !after || json_equal(before, after) ||
            is->flow_type == FLOW_OBJECT_ADD_ONLY || !same_but_case(a, before, after))
            return;
        d.kind = WHATIF_CASE_UNSENT;
    } else if (is_empty(before)) {
        d.kind = WHATIF_SET;
    } else if (is_empty(after)) {
        d.kind = WHATIF_CLEARED;
    } else if (same_but_case(a, before, after)) {
        d.kind = WHATIF_CASE;
    }
    d.before = before;
    d.after = after;
    note(t, new->w, &d);
}

static void compare_attributes(struct whatif *t, const struct side *old, const struct side *new)
{
    for (size_t i = 0; i < new->w->mapping->attribute_count; i++)
        compare_attribute(t, old, new, new->w->mapping->attributes[i].target, i);
    for (size_t i = 0; i < old->w->mapping->attribute_count; i++) {
        struct str target = old->w->mapping->attributes[i].target;

        if (!attribute_of(new->w, target, i))
            compare_attribute(t, old, new, target, i);
    }
}

/* --- Matching --- */

struct matching {
    struct mapping_criterion criteria[WALK_CRITERIA_MAX];
    size_t count;
};

static void matching_of(const struct walk *w, struct matching *out)
{
    out->count =
        w->values ? mapping_criteria(w->mapping, w->values, out->criteria, WALK_CRITERIA_MAX) : 0;
}

static bool same_criterion(const struct mapping_criterion *a, const struct mapping_criterion *b)
{
    bool same = a->count == b->count;

    for (size_t i = 0; same && i < a->count; i++) {
        same = str_eq(a->attributes[i]->target, b->attributes[i]->target) &&
               json_equal(a->values[i], b->values[i]);
    }
    return same;
}

static struct json *matching_json(struct arena *a, const struct matching *m)
{
    struct json *out = json_new(a, JSON_OBJECT);

    for (size_t i = 0; i < m->count; i++) {
        for (size_t k = 0; k < m->criteria[i].count; k++) {
            json_set(a, out, m->criteria[i].attributes[k]->target,
                     json_clone(a, m->criteria[i].values[k]));
        }
    }
    return out;
}

static void compare_matching(struct whatif *t, const struct walk *old, const struct walk *new)
{
    struct matching was, is;
    struct difference d = {.kind = WHATIF_MATCHING, .also = !new->connected};
    bool same;

    matching_of(old, &was);
    matching_of(new, &is);
    same = was.count == is.count;
    for (size_t i = 0; same && i < is.count; i++)
        same = same_criterion(&was.criteria[i], &is.criteria[i]);
    if (same)
        return;
    d.before = matching_json(new->arena, &was);
    d.after = matching_json(new->arena, &is);
    note(t, new, &d);
}

/* --- One object --- */

static void count_plan(struct plan_counts *n, const struct side *s)
{
    n->read++;
    n->by_intent[s->w->intent]++;
    n->failed += s->fails;
}

/* "department: the value is ..." begins with the attribute that failed. */
static struct str failed_attribute(const struct side *s)
{
    struct str message = s->w->message;
    size_t at;

    if (s->missing.place[0])
        return str_from_z(s->missing.place);
    for (size_t i = 0; s->w->mapping && i < s->w->mapping->attribute_count; i++) {
        struct str target = s->w->mapping->attributes[i].target;

        if (str_starts(message, target) &&
            str_find(str_from(message, target.len), STR(": "), &at) && at == 0)
            return target;
    }
    return (struct str){"", 0};
}

static void note_failure(struct whatif *t, const struct side *old, const struct side *new)
{
    const struct side *s = new->fails ? new : old;
    struct difference d = {
        .kind = new->fails ? WHATIF_ERROR : WHATIF_FIXED,
        .attribute = failed_attribute(s),
        .code = s->missing.code ? str_from_z(s->missing.code) : s->w->code,
        .reason = s->missing.code ? str_from_z(s->missing.message) : s->w->message,
        .also = !old->fails,
    };
    bool differed = t->differs;

    note(t, new->w, &d);
    if (new->fails && old->fails) /* it fails today, too */
        t->differs = differed;
}

static void note_scope(struct whatif *t, const struct walk *old, const struct walk *new)
{
    struct difference d = {.kind = new->in_scope ? WHATIF_ENTERS : WHATIF_LEAVES};

    if (new->in_scope) {
        d.also = new->intent == INTENT_MATCH_OR_CREATE;
        d.reason = old->out_of_scope_reason.len ? old->out_of_scope_reason : old->message;
    } else {
        d.also = new->intent == INTENT_DISABLE || new->intent == INTENT_DELETE;
        d.reason = new->out_of_scope_reason.len ? new->out_of_scope_reason : new->message;
    }
    note(t, new, &d);
}

static void compare_walks(struct whatif *t, const struct side *old, const struct side *new)
{
    if (old->fails || new->fails) {
        note_failure(t, old, new);
        return;
    }
    if (old->w->in_scope != new->w->in_scope) {
        note_scope(t, old->w, new->w);
        return;
    }
    if (!new->w->mapping || !old->w->mapping || !new->w->mapping->enabled)
        return;
    if (old->skips || new->skips) {
        struct difference d = {
            .kind = WHATIF_SKIPPED, .code = new->w->code, .reason = new->w->message};

        if (!old->skips)
            note(t, new->w, &d);
        return;
    }
    if (new->w->entry.gone || (!new->w->in_scope && !new->w->connected))
        return;
    compare_attributes(t, old, new);
    if (new->w->in_scope)
        compare_matching(t, old->w, new->w);
}

static void visit(void *ctx, struct walk *w)
{
    struct whatif *t = ctx;
    struct run *r = t->run;
    struct walk *draft;
    struct side old, new;

    if (t->options->stop && atomic_load(t->options->stop))
        return;
    draft = run_walk_new(r, w->page, w->place);
    draft->mapping = mapping_for(t->draft_job.program, w->entry.kind);
    walk_plan(draft, &t->draft_job);
    side_init(&old, w);
    side_init(&new, draft);
    t->differs = false;
    compare_walks(t, &old, &new);
    t->out->concerned += t->differs;
    t->out->read[w->entry.kind]++;
    count_plan(&t->out->stored, &old);
    count_plan(&t->out->draft, &new);
    run_walk_recycle(r, draft);
    if (++t->done % PROGRESS_EVERY == 0 && t->options->progress)
        t->options->progress(t->options->ctx, t->done, t->total);
}

/* By kind, those that concern most first. */
static int by_weight(const void *a, const void *b)
{
    const struct engine_whatif_group *x = a;
    const struct engine_whatif_group *y = b;

    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    return str_cmp(x->attribute, y->attribute);
}

static bool pass(struct whatif *t, struct err *err)
{
    struct run *r = t->run;
    struct err ignored;

    for (int kind = 0; kind < SOURCE_KIND_COUNT && r->source->ops->count; kind++) {
        int64_t n = 0;

        if (r->source->ops->count(r->source, (enum source_kind)kind, r->walk_job.scope, &n,
                                  &ignored))
            t->total += n;
    }
    /* No cycle runs: every connection that a full read does not show is looked at. */
    r->cycle.began_us = INT64_MAX;
    if (!run_rehearse(r, feed_users, STR(""), visit, t, err) ||
        !run_rehearse(r, feed_groups, STR(""), visit, t, err) ||
        !run_rehearse(r, feed_connections, STR(""), visit, t, err))
        return false;
    if (t->options->stop && atomic_load(t->options->stop))
        return err_set(err, ERR_UNAVAILABLE, "interrupted", "interrupted before the end");
    return true;
}

bool engine_whatif(const struct engine *e, int64_t job_no, const struct mapping_program *draft,
                   const struct engine_whatif_options *options, struct arena *a,
                   struct engine_whatif *out, struct err *err)
{
    static const struct engine_whatif_options none = {0};
    CLEANUP(run_close) struct run r;
    struct whatif t = {.run = &r, .arena = a, .options = options ? options : &none, .out = out};
    bool ok;

    *out = (struct engine_whatif){0};
    map_init(&t.by_key); /* allocates nothing yet */
    if (!run_open(&r, e, job_no, true, err))
        return false;
    out->groups = ARENA_ARRAY(a, struct engine_whatif_group, GROUPS_MAX);
    t.draft_job = r.walk_job;
    t.draft_job.program = draft;
    ok = pass(&t, err);
    map_done(&t.by_key);
    if (ok)
        qsort(out->groups, out->count, sizeof(*out->groups), by_weight);
    return ok;
}
