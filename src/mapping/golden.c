/* Golden cases: people with the attributes that are expected for them (attribute-mappings.md 14).
 */
#include "base/clock.h"
#include "base/unicode.h"
#include "mapping/document.h"
#include "mapping/schema.h"

enum { LINES_MAX = 100 }; /* of one case */

static const struct json nothing = {.type = JSON_NULL};

static bool is_empty(const struct json *v)
{
    return !v || v->type == JSON_NULL || (v->type == JSON_STRING && v->text.len == 0) ||
           (v->type == JSON_ARRAY && v->count == 0);
}

/* Values of several are a set. */
static bool has(const struct json *list, const struct json *v)
{
    JSON_EACH(item, list)
    {
        if (json_equal(item, v))
            return true;
    }
    return false;
}

static bool as_expected(const struct json *want, const struct json *got)
{
    if (is_empty(want) || is_empty(got))
        return is_empty(want) && is_empty(got);
    if (want->type != JSON_ARRAY || got->type != JSON_ARRAY)
        return json_equal(want, got);
    JSON_EACH(item, want)
    {
        if (!has(got, item))
            return false;
    }
    return want->count == got->count;
}

/* One case under way. */
struct golden {
    struct arena *arena;
    const struct mapping_object *m;
    struct mapping_source source;
    struct mapping_context context;
    struct mapping_golden_result *result;
    bool skipped; /* some mapping says to skip the object */
};

static void wrong(struct golden *g, struct str line)
{
    g->result->passed = false;
    if (!g->result->lines)
        g->result->lines = ARENA_ARRAY(g->arena, struct str, LINES_MAX);
    if (g->result->line_count < LINES_MAX)
        g->result->lines[g->result->line_count++] = line;
}

/* SelectUniqueValue: the values that `$taken` lists are taken. */
static bool is_taken(void *ctx, struct str target, struct str value, bool *out_taken,
                     struct err *err)
{
    const struct json *list = ctx;

    (void)target;
    (void)err;
    *out_taken = false;
    JSON_EACH(item, list)
    {
        *out_taken |= json_is(item, JSON_STRING) && str_eq_fold(item->text, value);
    }
    return true;
}

static bool mapping_of(const struct mapping_program *program, struct str name,
                       const struct mapping_object **out)
{
    *out = NULL;
    if (name.len == 0 || str_eq_z(name, "User")) {
        *out = mapping_for(program, SOURCE_USER);
    } else if (str_eq_z(name, "Group")) {
        *out = mapping_for(program, SOURCE_GROUP);
    }
    for (size_t i = 0; i < program->object_count && !*out; i++) {
        if (str_eq(program->objects[i].name, name))
            *out = &program->objects[i];
    }
    return *out != NULL;
}

/* What a creation would be given for one attribute, looked at alone. NULL: nothing. */
static bool created(struct golden *g, size_t i, const struct json **out, struct err *err)
{
    struct mapping_object alone = *g->m;
    struct mapping_changes changes = {0};
    struct mapping_value value;
    const struct mapping_attribute *attribute = &g->m->attributes[i];
    struct err missing;

    *out = NULL;
    if (attribute->is_reference) {
        *out = json_get(g->source.attributes, attribute->reference);
        return true;
    }
    alone.attributes = &g->m->attributes[i];
    alone.attribute_count = 1;
    alone.unmapped_required_count = 0;
    if (!mapping_evaluate(&alone, &g->source, &g->context, g->arena, &value, err))
        return false;
    /* A required attribute without a value is no failure here: null may be what is expected. */
    if (!g->skipped && mapping_create(&alone, &value, g->arena, &changes, &missing) &&
        changes.count > 0)
        *out = changes.items[0].after;
    return true;
}

/* The place of a target attribute among the mappings; attribute_count when there is none. */
static size_t place_of(const struct mapping_object *m, struct str target)
{
    size_t i = 0;

    while (i < m->attribute_count && !target_same(m->attributes[i].target, target))
        i++;
    return i;
}

static void expected(struct golden *g, const struct json *want, struct str but)
{
    wrong(g, arena_printf(g->arena, "%.*s: expected %.*s, %.*s", STR_ARG(want->name),
                          STR_ARG(json_text(g->arena, want)), STR_ARG(but)));
}

static void check_value(struct golden *g, const struct json *want)
{
    const struct json *got = NULL;
    struct err err = {0};
    size_t i = place_of(g->m, want->name);

    if (i == g->m->attribute_count) {
        if (!is_empty(want))
            wrong(g, arena_printf(g->arena, "%.*s: nothing is mapped to it", STR_ARG(want->name)));
    } else if (!created(g, i, &got, &err)) {
        expected(g, want, arena_printf(g->arena, "but %s", err.message));
    } else if (!as_expected(want, got)) {
        expected(g, want,
                 arena_printf(g->arena, "got %.*s%s",
                              STR_ARG(json_text(g->arena, got ? got : &nothing)),
                              g->skipped ? " (the mapping skips the object)" : ""));
    }
}

static bool skips(struct golden *g)
{
    struct mapping_value *values =
        ARENA_ARRAY(g->arena, struct mapping_value, g->m->attribute_count);
    struct err ignored;

    (void)!mapping_evaluate(g->m, &g->source, &g->context, g->arena, values, &ignored);
    for (size_t i = 0; i < g->m->attribute_count; i++) {
        if (values[i].outcome == MAPPING_SKIP_OBJECT)
            return true;
    }
    return false;
}

/* Attributes may have either spelling. */
static struct json *first_spelling(struct arena *a, enum source_kind kind,
                                   const struct json *source)
{
    struct json *out = json_new(a, JSON_OBJECT);

    JSON_EACH(v, source)
    {
        const struct source_attribute *known = source_attribute_find(kind, v->name);
        struct str name = known ? known->name : v->name;

        if (!json_get(out, name))
            json_add(a, out, name, json_clone(a, v));
    }
    return out;
}

static void begin(struct golden *g, const struct json *given)
{
    const struct json *source = first_spelling(g->arena, g->m->kind, given);
    const struct json *soft_deleted = json_get_nocase(source, STR("IsSoftDeleted"));
    struct str reason;

    g->source = (struct mapping_source){.kind = g->m->kind, .attributes = source};
    g->context.taken = is_taken;
    g->context.taken_ctx = json_get(source, STR("$taken"));
    g->source.is_soft_deleted =
        soft_deleted ? json_is(soft_deleted, JSON_BOOL) && soft_deleted->boolean
                     : !mapping_in_scope(g->m, &g->source, &g->context, g->arena, &reason);
    g->skipped = skips(g);
}

static void check_scope(struct golden *g, bool wanted)
{
    struct str reason = STR("its object mapping is switched off");
    bool in_scope =
        g->m->enabled && mapping_in_scope(g->m, &g->source, &g->context, g->arena, &reason);

    if (in_scope && !wanted) {
        wrong(g, STR("expected to be out of scope, and is in scope"));
    } else if (!in_scope && wanted) {
        wrong(g, arena_printf(g->arena, "expected to be in scope: %.*s", STR_ARG(reason)));
    }
}

static void run_case(struct golden *g, const struct mapping_program *program,
                     const struct json *one)
{
    const struct json *source = json_get(one, STR("source"));
    struct str mapping = json_get_text(one, "objectMapping");

    if (!mapping_of(program, mapping, &g->m)) {
        wrong(g, arena_printf(g->arena, "there is no object mapping '%.*s'", STR_ARG(mapping)));
        return;
    }
    if (json_get(source, STR("$now")) &&
        !time_parse(json_get_text(source, "$now"), &g->context.now_us)) {
        wrong(g, STR("$now is not a time"));
        return;
    }
    begin(g, source);
    check_scope(g, json_get_bool(one, "inScope", true));
    JSON_EACH(want, json_get(one, STR("expected")))
    {
        check_value(g, want);
    }
}

void mapping_golden_run(struct arena *a, const struct mapping_program *program,
                        const struct json *document, int64_t now_us, struct rng *rng,
                        struct mapping_golden *out)
{
    const struct json *all = json_get(document, STR("goldenCases"));

    *out = (struct mapping_golden){
        .results = ARENA_ARRAY(a, struct mapping_golden_result, all ? all->count : 0)};
    JSON_EACH(one, all)
    {
        struct mapping_golden_result *result = &out->results[out->count++];
        struct golden g = {.arena = a, .context = {.now_us = now_us, .rng = rng}, .result = result};

        *result =
            (struct mapping_golden_result){.name = json_get_text(one, "name"), .passed = true};
        run_case(&g, program, one);
        out->failed += !result->passed;
    }
}

/* The source attributes that the mapping and its filter read, and the values that come of them. */
struct json *mapping_golden_case(struct arena *a, const struct mapping_object *m, struct str name,
                                 const struct mapping_source *source, int64_t now_us,
                                 struct rng *rng)
{
    struct golden g = {.arena = a, .m = m, .context = {.now_us = now_us, .rng = rng}};
    struct json *out = json_new(a, JSON_OBJECT);
    struct json *attributes = json_new(a, JSON_OBJECT);
    struct json *expected = json_new(a, JSON_OBJECT);
    struct err ignored;
    struct str reason;

    for (size_t i = 0; i < expr_names_count(m->names); i++) {
        struct str attribute = expr_names_at(m->names, i);
        const struct json *v = json_get(source->attributes, attribute);

        if (v && !json_get(attributes, attribute))
            json_add(a, attributes, attribute, json_clone(a, v));
    }
    begin(&g, attributes);
    for (size_t i = 0; i < m->attribute_count; i++) {
        const struct mapping_attribute *attribute = &m->attributes[i];
        const struct json *v;

        if (!attribute->is_reference && !attribute->secret && created(&g, i, &v, &ignored))
            json_add(a, expected, attribute->target, v ? json_clone(a, v) : json_null(a));
    }
    json_add_str(a, out, "name", name);
    json_add_str(a, out, "objectMapping", m->name);
    json_add(a, out, STR("source"), attributes);
    json_add(a, out, STR("expected"), expected);
    json_add_bool(a, out, "inScope",
                  m->enabled && mapping_in_scope(m, &g.source, &g.context, a, &reason));
    return out;
}
