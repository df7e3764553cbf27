/* The station scope of the walk, as far as scoping filters decide it (scoping-filters.md 2 to 5).
 */
#include "mapping/filter.h"

#include "base/clock.h"

/* One object that is being judged. */
struct judge {
    const struct mapping_context *context;
    const struct json *const *slots;
    const struct json *const *manager; /* by the slots of manager_names; NULL if none are asked */
};

static struct str text_of(const struct json *v)
{
    struct str id;

    if (v->type == JSON_BOOL)
        return v->boolean ? STR("True") : STR("False");
    if (v->type != JSON_OBJECT)
        return v->text;
    /* A role: its value, or its name. Default access, all zeros, is none. */
    id = json_get_text(v, "id");
    if (id.len > 0 && str_eq_z(id, "00000000-0000-0000-0000-000000000000"))
        return (struct str){"", 0};
    id = json_get_text(v, "value");
    return id.len > 0 ? id : json_get_text(v, "displayName");
}

static bool number_of(const struct filter_clause *c, const struct json *v, int64_t *out)
{
    if (c->type == ATTRIBUTE_DATETIME)
        return v->type == JSON_STRING && time_parse(v->text, out);
    if (v->type == JSON_NUMBER)
        return json_to_int(v, out);
    return v->type == JSON_STRING && str_to_int(str_trim(v->text), INT64_MIN, INT64_MAX, out);
}

static bool matches(const struct expr_regex *regex, struct str text)
{
    CLEANUP(expr_matcher_freep) struct expr_matcher *m = expr_matcher_new(regex, text, NULL);

    return expr_matcher_next(m) == EXPR_MATCH_YES;
}

/* The value of the filter as a number: a date may be counted from the present. */
static int64_t wanted(const struct judge *j, const struct filter_operand *o)
{
    return o->from_now ? j->context->now_us + o->number : o->number;
}

static bool is_member(const struct judge *j, const struct filter_operand *o, const struct json *v)
{
    struct str id = o->text;

    if (o->by_name) {
        if (!j->context->group_id)
            return false;
        id = j->context->group_id(j->context->group_ctx, o->text);
    }
    return id.len > 0 && str_eq_ascii_nocase(text_of(v), id);
}

static bool equals(const struct judge *j, const struct filter_clause *c,
                   const struct filter_operand *o, const struct json *v)
{
    int64_t n;

    if (o->has_number)
        return number_of(c, v, &n) && n == wanted(j, o);
    if (c->type == ATTRIBUTE_BOOLEAN)
        return str_eq_ascii_nocase(text_of(v), o->text);
    return str_eq(text_of(v), o->text);
}

/* One value of the attribute against one value of the filter. */
static bool holds(const struct judge *j, const struct filter_clause *c,
                  const struct filter_operand *o, const struct json *v)
{
    size_t at;
    int64_t n;

    switch (c->op->test) {
    case TEST_EQUALS:
        return equals(j, c, o, v);
    case TEST_MEMBER:
        return is_member(j, o, v);
    case TEST_MATCHES:
        return matches(o->regex, text_of(v));
    case TEST_GREATER:
        return number_of(c, v, &n) && n > wanted(j, o);
    case TEST_GREATER_OR_EQUAL:
        return number_of(c, v, &n) && n >= wanted(j, o);
    case TEST_LESS:
        return number_of(c, v, &n) && n < wanted(j, o);
    case TEST_LESS_OR_EQUAL:
        return number_of(c, v, &n) && n <= wanted(j, o);
    case TEST_INCLUDES:
        return str_find(text_of(v), o->text, &at);
    case TEST_ENDS:
        return str_ends(text_of(v), o->text);
    case TEST_AND:
        if (o->has_number)
            return number_of(c, v, &n) && (n & o->number) != 0;
        return str_find(o->text, text_of(v), &at);
    case TEST_TRUE:
    case TEST_FALSE:
    case TEST_NULL:
        break;
    }
    return false;
}

static bool holds_any(const struct judge *j, const struct filter_clause *c, const struct json *v)
{
    if (c->op->test == TEST_TRUE || c->op->test == TEST_FALSE) {
        bool yes = str_eq_ascii_nocase(text_of(v), STR("true"));
        bool no = str_eq_ascii_nocase(text_of(v), STR("false"));

        return c->op->test == TEST_TRUE ? yes : no;
    }
    for (size_t i = 0; i < c->operand_count; i++) {
        if (holds(j, c, &c->operands[i], v))
            return true;
    }
    return false;
}

static bool is_empty(const struct json *v)
{
    if (!v || v->type == JSON_NULL)
        return true;
    if (v->type == JSON_ARRAY) {
        JSON_EACH(item, v)
        {
            if (!is_empty(item))
                return false;
        }
        return true;
    }
    return v->type == JSON_OBJECT ? text_of(v).len == 0
                                  : v->type == JSON_STRING && v->text.len == 0;
}

/* A clause is false for an attribute without value, whatever the operator, with few exceptions. */
static bool holds_empty(const struct filter_clause *c, enum filter_set_kind set)
{
    if (c->op->test == TEST_NULL)
        return !c->op->negated;
    if (c->op->test == TEST_MEMBER)
        return c->op->negated;
    return set == SET_INPUT && (c->op->negated || c->op->test == TEST_FALSE);
}

/* In `groups` a list needs one value that satisfies, and none for the negation; in the other sets
 * every value has to. */
static bool holds_list(const struct judge *j, const struct filter_clause *c,
                       const struct json *list, enum filter_set_kind set)
{
    bool all = true;
    bool any = false;

    JSON_EACH(item, list)
    {
        bool one;

        if (is_empty(item))
            continue;
        one = holds_any(j, c, item);
        all &= one;
        any |= one;
    }
    if (c->op->negated)
        return !any;
    return set == SET_GROUPS || c->op->test == TEST_MEMBER ? any : all;
}

static const struct json *value_of(const struct judge *j, const struct filter_clause *c)
{
    if (c->of_manager)
        return j->manager ? j->manager[c->slot] : NULL;
    return j->slots[c->slot];
}

static bool clause_holds(const struct judge *j, const struct filter_clause *c,
                         enum filter_set_kind set)
{
    const struct json *v = value_of(j, c);

    if (is_empty(v))
        return holds_empty(c, set);
    if (c->op->test == TEST_NULL)
        return c->op->negated;
    if (v->type == JSON_ARRAY)
        return holds_list(j, c, v, set);
    return holds_any(j, c, v) != c->op->negated;
}

/* True if one group holds; else *why names the clause of each group that failed first. */
static bool set_holds(const struct judge *j, const struct filter_set *set,
                      enum filter_set_kind kind, struct buf *why)
{
    for (size_t g = 0; g < set->count; g++) {
        const struct filter_group *group = &set->groups[g];
        size_t i = 0;

        while (i < group->clause_count && clause_holds(j, &group->clauses[i], kind))
            i++;
        if (i == group->clause_count)
            return true;
        buf_addf(why, "%s%.*s%s%.*s", why->len > 0 ? "; " : "", STR_ARG(group->name),
                 group->name.len > 0 ? ": " : "", STR_ARG(group->clauses[i].text));
    }
    return set->count == 0;
}

static struct judge judge_of(const struct mapping_object *m, const struct mapping_source *s,
                             const struct mapping_context *c, struct arena *a)
{
    struct judge j = {.context = c, .slots = mapping_bind(m, s, a)};

    if (m->scope->manager_names) {
        const struct json **slots =
            ARENA_ARRAY(a, const struct json *, expr_names_count(m->scope->manager_names));

        expr_names_bind(m->scope->manager_names, s->manager, slots);
        j.manager = slots;
    }
    return j;
}

/* The sets before `end`, in their order. */
static bool sets_hold(const struct mapping_object *m, int end, const struct mapping_source *s,
                      const struct mapping_context *c, struct arena *a, struct str *out_reason)
{
    CLEANUP(buf_done) struct buf why = {0};
    struct judge j;

    if (!m->scope)
        return true;
    j = judge_of(m, s, c, a);
    buf_init(&why, 1024);
    for (int set = 0; set < end; set++) {
        buf_reset(&why);
        if (set_holds(&j, &m->scope->sets[set], (enum filter_set_kind)set, &why))
            continue;
        if (out_reason)
            *out_reason = arena_printf(a, "does not hold: %.*s", STR_ARG(buf_str(&why)));
        return false;
    }
    return true;
}

bool mapping_in_scope(const struct mapping_object *m, const struct mapping_source *s,
                      const struct mapping_context *c, struct arena *a, struct str *out_reason)
{
    return sets_hold(m, SET_COUNT, s, c, a, out_reason);
}

bool mapping_handles(const struct mapping_object *m, const struct mapping_source *s,
                     const struct mapping_context *c, struct arena *a, struct str *out_reason)
{
    static_assert(SET_INPUT < SET_GROUPS && SET_CATEGORY < SET_GROUPS, "judged before it");
    return !m->scope || m->scope->sets[SET_INPUT].count + m->scope->sets[SET_CATEGORY].count == 0 ||
           sets_hold(m, SET_GROUPS, s, c, a, out_reason);
}

/* When the present passes the value of an attribute, moved by the clause's distance. */
static void note_turn(const struct judge *j, const struct filter_clause *c, const struct json *v,
                      int64_t *turns_us)
{
    for (size_t i = 0; v && i < c->operand_count; i++) {
        int64_t at;

        if (!c->operands[i].from_now || !number_of(c, v, &at))
            continue;
        at -= c->operands[i].number;
        if (at >= j->context->now_us && (*turns_us == 0 || at + 1 < *turns_us))
            *turns_us = at + 1; /* all comparisons have turned one microsecond later */
    }
}

static size_t clauses_of(const struct mapping_filter *f)
{
    size_t count = 0;

    for (int set = 0; set < SET_COUNT; set++) {
        for (size_t g = 0; g < f->sets[set].count; g++)
            count += f->sets[set].groups[g].clause_count;
    }
    return count;
}

static void judge_group(const struct judge *j, const struct filter_set *set, int kind, size_t group,
                        struct mapping_verdict *out)
{
    const struct filter_group *g = &set->groups[group];

    for (size_t i = 0; i < g->clause_count; i++) {
        const struct filter_clause *c = &g->clauses[i];
        const struct json *v = value_of(j, c);

        out->clauses[out->clause_count++] = (struct mapping_clause_verdict){
            .set = filter_set_names[kind],
            .group = group,
            .title = g->name,
            .text = c->text,
            .holds = clause_holds(j, c, (enum filter_set_kind)kind),
            .empty = is_empty(v),
            .value = v,
        };
        note_turn(j, c, v, &out->turns_us);
    }
}

void mapping_judge(const struct mapping_object *m, const struct mapping_source *s,
                   const struct mapping_context *c, struct arena *a, struct mapping_verdict *out)
{
    struct judge j;

    *out = (struct mapping_verdict){0};
    out->in_scope = mapping_in_scope(m, s, c, a, &out->reason);
    if (!m->scope)
        return;
    j = judge_of(m, s, c, a);
    out->clauses = ARENA_ARRAY(a, struct mapping_clause_verdict, clauses_of(m->scope) + 1);
    for (int set = 0; set < SET_COUNT; set++) {
        for (size_t g = 0; g < m->scope->sets[set].count; g++)
            judge_group(&j, &m->scope->sets[set], set, g, out);
    }
}

/* Calls fn for each clause of the filter. */
static void each_clause(const struct mapping_filter *f,
                        void (*fn)(void *ctx, const struct filter_clause *c), void *ctx)
{
    for (int set = 0; f && set < SET_COUNT; set++) {
        for (size_t g = 0; g < f->sets[set].count; g++) {
            for (size_t i = 0; i < f->sets[set].groups[g].clause_count; i++)
                fn(ctx, &f->sets[set].groups[g].clauses[i]);
        }
    }
}

static void note_present(void *ctx, const struct filter_clause *c)
{
    bool *out = ctx;

    for (size_t i = 0; i < c->operand_count; i++)
        *out |= c->operands[i].from_now;
}

bool mapping_needs_now(const struct mapping_object *m)
{
    bool needed = false;

    each_clause(m->scope, note_present, &needed);
    return needed;
}

struct turn {
    const struct judge *judge;
    int64_t at_us;
};

static void note_clause_turn(void *ctx, const struct filter_clause *c)
{
    struct turn *t = ctx;

    note_turn(t->judge, c, value_of(t->judge, c), &t->at_us);
}

int64_t mapping_turns_us(const struct mapping_object *m, const struct mapping_source *s,
                         const struct mapping_context *c, struct arena *a)
{
    struct judge j;
    struct turn t = {.judge = &j};

    if (!mapping_needs_now(m))
        return 0;
    j = judge_of(m, s, c, a);
    each_clause(m->scope, note_clause_turn, &t);
    return t.at_us;
}

bool mapping_needs_manager(const struct mapping_object *m)
{
    return m->scope && m->scope->manager_names;
}

size_t mapping_group_names(const struct mapping_object *m, const struct str **out_names)
{
    *out_names = m->scope ? m->scope->group_names : NULL;
    return m->scope ? m->scope->group_name_count : 0;
}
