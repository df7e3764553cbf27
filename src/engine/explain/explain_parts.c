/* The parts of an explanation as JSON. */
#include "engine/explain/explain_parts.h"

#include "expr/expr.h"

static const struct json *masked(struct arena *a)
{
    return json_string(a, STR("*****"));
}

static void add_value(struct arena *a, struct json *object, const char *name, const struct json *v)
{
    json_add(a, object, str_from_z(name), v ? json_clone(a, v) : json_null(a));
}

void explain_add_time(struct arena *a, struct json *object, const char *name, int64_t us)
{
    char text[TIME_TEXT_MAX];

    if (us > 0) {
        json_add_str(a, object, name, time_write(us, text));
    } else {
        json_add_null(a, object, name);
    }
}

struct json *explain_source(struct explanation *x)
{
    struct arena *a = x->a;
    const struct source_entry *e = &x->entry;
    struct json *v = json_new(a, JSON_OBJECT);

    json_add_z(a, v, "from", x->source_from);
    explain_add_time(a, v, "asOf", x->source_as_of_us);
    if (strcmp(x->source_from, "nothing") == 0)
        return v;
    json_add_bool(a, v, "exists", !e->gone);
    json_add_bool(a, v, "softDeleted", e->soft_deleted);
    json_add_bool(a, v, "enabled", e->enabled);
    json_add_bool(a, v, "assigned", e->assigned);
    add_value(a, v, "attributes", e->attributes);
    return v;
}

/* --- scope --- */

static void add_test(struct explanation *x, struct json *list, const char *test, bool holds,
                     struct str value)
{
    struct json *v = json_new(x->a, JSON_OBJECT);

    json_add_z(x->a, v, "test", test);
    json_add_bool(x->a, v, "holds", holds);
    json_add_str(x->a, v, "value", value);
    json_append(list, v);
}

static struct json *tests(struct explanation *x)
{
    const struct source_entry *e = &x->entry;
    const struct mapping_object *m = x->w->mapping;
    bool all = x->run->walk_job.scope == SOURCE_SCOPE_ALL;
    struct json *list = json_new(x->a, JSON_ARRAY);

    add_test(x, list, "an enabled object mapping handles its kind", m && m->enabled,
             m ? m->name : STR("there is none"));
    add_test(x, list, "exists in the source", !e->gone,
             e->gone ? STR("deleted for good") : STR("yes"));
    if (e->gone)
        return list;
    add_test(x, list, "not in the recycle bin", !e->soft_deleted,
             e->soft_deleted ? STR("it is in it") : STR("it is not"));
    add_test(x, list, "enabled in the source", e->enabled,
             e->enabled ? STR("accountEnabled is not false") : STR("accountEnabled is false"));
    add_test(x, list, "assigned to the application", e->assigned || all,
             all           ? STR("everybody is in scope")
             : e->assigned ? STR("directly or through a group")
                           : STR("not assigned"));
    if (!all && e->assigned && x->run->settings.roles.len > 0 && e->kind == SOURCE_USER) {
        bool counts = !(x->w->events & 1u << REMOVAL_UNASSIGNED);

        add_test(x, list, "assigned in a role that counts", counts, x->run->settings.roles);
    }
    if (m && m->scope)
        add_test(x, list, "passes the scoping filter", x->verdict.in_scope, x->verdict.reason);
    return list;
}

static struct json *clauses(struct explanation *x)
{
    struct arena *a = x->a;
    struct json *list = json_new(a, JSON_ARRAY);

    for (size_t i = 0; i < x->verdict.clause_count; i++) {
        const struct mapping_clause_verdict *c = &x->verdict.clauses[i];
        struct json *v = json_new(a, JSON_OBJECT);

        json_add_z(a, v, "set", c->set);
        json_add_int(a, v, "group", (int64_t)c->group);
        json_add_str(a, v, "title", c->title);
        json_add_str(a, v, "text", c->text);
        json_add_bool(a, v, "holds", c->holds);
        add_value(a, v, "value", c->value);
        json_append(list, v);
    }
    return list;
}

struct json *explain_scope(struct explanation *x)
{
    struct json *v = json_new(x->a, JSON_OBJECT);

    if (strcmp(x->source_from, "nothing") == 0)
        return json_null(x->a);
    json_add_bool(x->a, v, "inScope", x->w->in_scope);
    json_add_str(x->a, v, "reason", x->w->out_of_scope_reason);
    json_add(x->a, v, STR("tests"), tests(x));
    json_add(x->a, v, STR("clauses"), clauses(x));
    return v;
}

/* --- account and matching --- */

struct json *explain_connection(struct explanation *x)
{
    const struct connection *c = &x->connection;
    struct json *v;

    if (!x->has_connection)
        return json_null(x->a);
    v = json_new(x->a, JSON_OBJECT);
    json_add_str(x->a, v, "targetId", c->target_id);
    if (x->at_us != 0) /* only the journal is of that time */
        return v;
    json_add_z(x->a, v, "origin", connection_origin_name(c->origin));
    explain_add_time(x->a, v, "since", c->created_us);
    explain_add_time(x->a, v, "lastSent", c->changed_us);
    json_add_bool(x->a, v, "disabled", c->soft_deleted);
    return v;
}

/* Also of somebody out of scope: by what an account would be looked for. */
static size_t find_criteria(struct explanation *x, struct mapping_criterion *out)
{
    const struct mapping_object *m = x->w->mapping;
    struct mapping_source source = {.kind = x->entry.kind, .attributes = x->entry.attributes};
    struct mapping_context context = {.now_us = x->run->walk_job.now_us,
                                      .rng = x->run->walk_job.rng,
                                      .default_domain = x->run->walk_job.default_domain};
    struct mapping_value *values;
    struct err ignored;

    if (!m || !x->entry.attributes)
        return 0;
    values = ARENA_ARRAY(x->a, struct mapping_value, m->attribute_count);
    (void)!mapping_evaluate(m, &source, &context, x->a, values, &ignored);
    return mapping_criteria(m, values, out, WALK_CRITERIA_MAX);
}

static struct json *criteria(struct explanation *x)
{
    struct arena *a = x->a;
    struct json *list = json_new(a, JSON_ARRAY);
    struct mapping_criterion found[WALK_CRITERIA_MAX];
    size_t count = find_criteria(x, found);

    for (size_t i = 0; i < count; i++) {
        struct json *one = json_new(a, JSON_ARRAY);

        for (size_t k = 0; k < found[i].count; k++) {
            struct json *v = json_new(a, JSON_OBJECT);

            json_add_str(a, v, "attribute", found[i].attributes[k]->target);
            add_value(a, v, "value", found[i].values[k]);
            json_append(one, v);
        }
        json_append(list, one);
    }
    return list;
}

/* What the log says was asked of the target, and what it answered. */
static struct json *tried(struct explanation *x)
{
    struct arena *a = x->a;
    struct json *list = json_new(a, JSON_ARRAY);

    for (size_t i = 0; i < x->record_count; i++) {
        const struct journal_record *r = &x->records[i];

        for (size_t k = 0; k < r->step_count; k++) {
            struct json *v;

            if (r->steps[k].type != STEP_MATCHING)
                continue;
            v = json_new(a, JSON_OBJECT);
            explain_add_time(a, v, "time", r->at_us);
            json_add_z(a, v, "status", journal_status_name(r->steps[k].status));
            json_add_str(a, v, "text", r->steps[k].description);
            json_append(list, v);
        }
    }
    return list;
}

struct json *explain_matching(struct explanation *x)
{
    struct json *v = json_new(x->a, JSON_OBJECT);

    json_add(x->a, v, STR("criteria"), criteria(x));
    json_add(x->a, v, STR("tried"), tried(x));
    return v;
}

/* --- mappings --- */

/* The source attributes that a mapping names, with what they say. */
static struct json *inputs(struct explanation *x, const struct mapping_attribute *m)
{
    struct arena *a = x->a;
    struct json *v = json_new(a, JSON_OBJECT);
    const unsigned *slots = NULL;
    size_t count = 0;

    if (!m->expr || m->form == MAPPING_CONSTANT)
        return v;
    slots = expr_slots(m->expr, &count);
    for (size_t i = 0; i < count; i++) {
        struct str name = expr_names_at(x->w->mapping->names, slots[i]);

        if (slots[i] == x->w->mapping->soft_deleted_slot) {
            json_add_bool(a, v, "IsSoftDeleted", !x->w->in_scope);
        } else {
            const struct json *value = json_get(x->entry.attributes, name);

            add_value(a, v, name.ptr, value && m->secret ? masked(a) : value);
        }
    }
    return v;
}

static const char *const outcomes[] = {
    [MAPPING_NULL] = "none",           [MAPPING_VALUE] = "value",
    [MAPPING_IGNORED] = "doesNotFlow", [MAPPING_SKIP_OBJECT] = "skipsTheObject",
    [MAPPING_FAILED] = "fails",
};

/* A manager is sent as the id of an account; members are told by differences, each by itself. */
static void add_reference(struct explanation *x, struct json *v, const struct mapping_attribute *m)
{
    const struct json *named = json_get(x->entry.attributes, m->reference);
    struct connection c;
    struct err ignored;
    bool found = false;

    json_add_z(x->a, v, "outcome", "reference");
    if (x->at_us == 0 && json_is(named, JSON_STRING) && named->text.len > 0 &&
        !connection_load(x->run->db, x->a, x->run->job.no, named->text, &c, &found, &ignored))
        found = false;
    if (found) {
        json_add_str(x->a, v, "value", c.target_id);
        return;
    }
    json_add_null(x->a, v, "value");
    if (x->at_us == 0 && json_is(named, JSON_STRING) && named->text.len > 0) {
        json_add_str(x->a, v, "waits",
                     arena_printf(x->a,
                                  "'%.*s' has no account here yet: it is linked when it has "
                                  "one",
                                  STR_ARG(named->text)));
    }
}

static void add_result(struct explanation *x, struct json *v, size_t i)
{
    const struct mapping_object *m = x->w->mapping;
    const struct mapping_attribute *attribute = &m->attributes[i];
    struct mapping_source source = {
        .kind = x->entry.kind,
        .attributes = x->entry.attributes,
        .is_soft_deleted = !x->w->in_scope,
    };
    struct mapping_context context = {.now_us = x->run->walk_job.now_us,
                                      .rng = x->run->walk_job.rng,
                                      .default_domain = x->run->walk_job.default_domain};
    struct mapping_value value;
    struct err err = {0};

    if (attribute->is_reference) {
        add_reference(x, v, attribute);
        return;
    }
    if (!mapping_evaluate_one(m, i, &source, &context, x->a, &value, &err))
        value.outcome = MAPPING_FAILED;
    json_add_z(x->a, v, "outcome", outcomes[value.outcome]);
    add_value(x->a, v, "value",
              value.outcome != MAPPING_VALUE ? NULL
              : attribute->secret            ? masked(x->a)
                                             : value.value);
    if (value.outcome == MAPPING_FAILED)
        json_add_z(x->a, v, "error", err.message);
}

struct json *explain_mappings(struct explanation *x)
{
    struct arena *a = x->a;
    const struct mapping_object *m = x->w->mapping;
    struct json *list = json_new(a, JSON_ARRAY);
    struct json *exported = NULL;
    struct err ignored;

    if (!m || !x->entry.attributes)
        return list;
    if (x->has_connection && x->connection.exported.len > 0 &&
        !json_parse(a, x->connection.exported, NULL, &exported, NULL, &ignored))
        exported = NULL;
    for (size_t i = 0; i < m->attribute_count; i++) {
        const struct mapping_attribute *attribute = &m->attributes[i];
        const struct json *sent = json_get(exported, attribute->target);
        struct json *v = json_new(a, JSON_OBJECT);

        json_add_str(a, v, "target", attribute->target);
        json_add_str(a, v, "source", attribute->source_text);
        json_add(a, v, STR("inputs"), inputs(x, attribute));
        add_result(x, v, i);
        add_value(a, v, "lastSent", sent && attribute->secret ? masked(a) : sent);
        json_append(list, v);
    }
    return list;
}

/* --- what comes next, and what was --- */

static struct json *properties(struct arena *a, const struct journal_property *p, size_t count)
{
    struct json *list = json_new(a, JSON_ARRAY);

    for (size_t i = 0; i < count; i++) {
        struct json *v = json_new(a, JSON_OBJECT);

        json_add_str(a, v, "attribute", p[i].name);
        add_value(a, v, "before", p[i].before);
        add_value(a, v, "after", p[i].after);
        json_append(list, v);
    }
    return list;
}

struct json *explain_next(struct explanation *x)
{
    struct arena *a = x->a;
    struct json *v = json_new(a, JSON_OBJECT);
    struct plan_row row;

    if (x->at_us != 0)
        return json_null(a);
    row = walk_plan_row(x->w);
    json_add_z(a, v, "action", plan_intent_name(row.intent));
    json_add_str(a, v, "code", x->w->code);
    json_add_str(a, v, "message", x->w->message);
    json_add(a, v, STR("changes"), properties(a, row.changes, row.change_count));
    return v;
}

struct json *explain_log(struct explanation *x)
{
    struct arena *a = x->a;
    struct json *list = json_new(a, JSON_ARRAY);

    for (size_t i = 0; i < x->record_count; i++) {
        const struct journal_record *r = &x->records[i];
        struct json *v = json_new(a, JSON_OBJECT);

        explain_add_time(a, v, "time", r->at_us);
        json_add_str(a, v, "cycle", r->cycle_id);
        json_add_z(a, v, "action", journal_action_name(r->action));
        json_add_z(a, v, "status", journal_status_name(r->status));
        json_add_str(a, v, "code", r->code);
        json_add_str(a, v, "message", r->message);
        json_add_str(a, v, "targetId", r->target_id);
        json_add(a, v, STR("changes"), properties(a, r->properties, r->property_count));
        json_append(list, v);
    }
    return list;
}

struct json *explain_retry(struct explanation *x)
{
    struct arena *a = x->a;
    struct json *v;

    if (!x->has_retry)
        return json_null(a);
    v = json_new(a, JSON_OBJECT);
    json_add_str(a, v, "code", x->retry.code);
    json_add_str(a, v, "message", x->retry.message);
    explain_add_time(a, v, "firstFailure", x->retry.first_us);
    json_add_int(a, v, "attempts", x->retry.attempts);
    explain_add_time(a, v, "next", x->retry.next_us);
    return v;
}
