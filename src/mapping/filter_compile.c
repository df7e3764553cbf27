/* From the scope of an object mapping to a filter (scoping-filters.md 1, 2). What cannot be
 * evaluated is a finding: a clause is never left out. */
#include "base/clock.h"
#include "base/rng.h"
#include "mapping/filter.h"

enum {
    STRING = 1u << ATTRIBUTE_STRING,
    INTEGER = 1u << ATTRIBUTE_INTEGER,
    BOOLEAN = 1u << ATTRIBUTE_BOOLEAN,
    DATE = 1u << ATTRIBUTE_DATETIME,
    REFERENCE = 1u << ATTRIBUTE_REFERENCE,
    BINARY = 1u << ATTRIBUTE_BINARY,
    ANY_TYPE = STRING | INTEGER | BOOLEAN | DATE | REFERENCE | BINARY,
    ORDERED = STRING | INTEGER | DATE,
    COMPARED = STRING | INTEGER | BOOLEAN | DATE | REFERENCE,
};

/* clang-format off */
static const struct filter_operator operators[] = {
    {STR_INIT("EQUALS"), TEST_EQUALS, false, false, false, COMPARED},
    {STR_INIT("NOT EQUALS"), TEST_EQUALS, true, false, false, COMPARED},
    {STR_INIT("IS TRUE"), TEST_TRUE, false, true, false, BOOLEAN},
    {STR_INIT("IS FALSE"), TEST_FALSE, false, true, false, BOOLEAN},
    {STR_INIT("IS NULL"), TEST_NULL, false, true, false, ANY_TYPE},
    {STR_INIT("IS NOT NULL"), TEST_NULL, true, true, false, ANY_TYPE},
    {STR_INIT("PRESENT"), TEST_NULL, true, true, false, ANY_TYPE},
    {STR_INIT("REGEX MATCH"), TEST_MATCHES, false, false, true, STRING | INTEGER},
    {STR_INIT("NOT REGEX MATCH"), TEST_MATCHES, true, false, true, STRING | INTEGER},
    {STR_INIT("GREATER_THAN"), TEST_GREATER, false, false, true, ORDERED},
    {STR_INIT("GREATER_THAN_OR_EQUALS"), TEST_GREATER_OR_EQUAL, false, false, true, ORDERED},
    {STR_INIT("LESS_THAN"), TEST_LESS, false, false, true, ORDERED},
    {STR_INIT("LESS_THAN_OR_EQUALS"), TEST_LESS_OR_EQUAL, false, false, true, ORDERED},
    {STR_INIT("INCLUDES"), TEST_INCLUDES, false, false, true, STRING},
    {STR_INIT("ENDS_WITH"), TEST_ENDS, false, false, true, STRING},
    {STR_INIT("&"), TEST_AND, false, false, true, STRING | INTEGER},
    {STR_INIT("!&"), TEST_AND, true, false, true, STRING | INTEGER},
    {STR_INIT("IS_MEMBER_OF"), TEST_MEMBER, false, false, true, STRING},
    {STR_INIT("NOT IS_MEMBER_OF"), TEST_MEMBER, true, false, true, STRING},
};
/* clang-format on */

static char folded(char c)
{
    return (char)(c == '_' ? ' ' : ascii_upper(c));
}

/* Letter case and '_' for ' ' do not matter. NULL if unknown. */
static const struct filter_operator *find_operator(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(operators); i++) {
        struct str known = operators[i].name;
        size_t n = 0;

        while (known.len == name.len && n < name.len && folded(known.ptr[n]) == folded(name.ptr[n]))
            n++;
        if (n == known.len && n == name.len)
            return &operators[i];
    }
    return NULL;
}

const char *const filter_set_names[SET_COUNT] = {
    [SET_INPUT] = "inputFilterGroups",
    [SET_CATEGORY] = "categoryFilterGroups",
    [SET_GROUPS] = "groups",
};

struct clause_compiler {
    struct compiler *k;
    struct mapping_filter *filter;
    const struct source_scope *source;
    const struct place *at;
    struct filter_clause *clause;
};

static bool unknown_operator(const struct clause_compiler *c, struct str name)
{
    struct place place = {.parent = c->at, .name = "operatorName"};
    CLEANUP(buf_done) struct buf known = {0};

    buf_init(&known, 400);
    for (size_t i = 0; i < ARRAY_LEN(operators); i++)
        buf_addf(&known, "%s%.*s", i > 0 ? ", " : "", STR_ARG(operators[i].name));
    return schema_finding(c->k, &place, "UnknownOperator",
                          "there is no filter operator '%.*s'; they are %s",
                          STR_ARG(str_sub(name, 0, 40)), buf_z(&known));
}

static struct str canonical_user_name(const void *ctx, struct str name)
{
    const struct source_attribute *a = source_attribute_find(SOURCE_USER, name);

    (void)ctx;
    return a ? a->name : name;
}

static enum attribute_type type_of(const struct source_scope *source,
                                   const struct source_attribute *a, struct str name)
{
    struct str type = json_get_text(schema_attribute_definition(source->definition, name), "type");

    /* Roles are compared by the text of their value (section 2). */
    if (a)
        return str_eq_z(a->name, "appRoleAssignments") ? ATTRIBUTE_STRING : a->type;
    for (int t = 0; t < ATTRIBUTE_TYPE_COUNT; t++) {
        if (str_eq_ascii_nocase(type, str_from_z(attribute_type_name((enum attribute_type)t))))
            return (enum attribute_type)t;
    }
    return ATTRIBUTE_STRING;
}

static void give_slot(const struct clause_compiler *c, struct str name)
{
    struct mapping_filter *f = c->filter;

    if (c->clause->of_manager && !f->manager_names)
        f->manager_names = expr_names_new(c->k->arena, canonical_user_name, NULL);
    c->clause->slot = (unsigned)expr_names_slot(
        c->clause->of_manager ? f->manager_names : c->source->names, name);
}

/* The attribute's type; names that filters cannot use are findings. */
static bool compile_operand_name(const struct clause_compiler *c, struct str name)
{
    static const struct str prefix = STR_INIT("manager.");
    struct place place = {.parent = c->at, .name = "sourceOperandName"};
    struct str own = name;
    const struct source_attribute *a;

    if (name.len == 0)
        return schema_finding(c->k, &place, "MissingValue", "sourceOperandName is missing");
    c->clause->of_manager = str_starts(name, prefix) && c->source->kind == SOURCE_USER;
    if (c->clause->of_manager)
        own = str_from(name, prefix.len);
    a = source_attribute_find(c->source->kind, own);
    if (a && str_eq_z(a->name, "members")) {
        return schema_finding(c->k, &place, "UnsupportedAttribute",
                              "'members' cannot be used in a filter");
    }
    if (c->clause->of_manager && str_starts(own, prefix)) {
        return schema_finding(c->k, &place, "UnsupportedAttribute",
                              "only the direct manager's attributes can be used in a filter");
    }
    if (!source_check_name(c->k, &place, 0, c->source, own))
        return false;
    c->clause->type = type_of(c->source, a, own);
    give_slot(c, own);
    if (c->clause->op->types & 1u << c->clause->type)
        return true;
    return schema_finding(c->k, c->at, "WrongOperator", "%.*s cannot be used with '%.*s', a %s",
                          STR_ARG(c->clause->op->name), STR_ARG(str_sub(name, 0, 80)),
                          attribute_type_name(c->clause->type));
}

static bool needs_number(const struct filter_clause *clause)
{
    switch (clause->op->test) {
    case TEST_GREATER:
    case TEST_GREATER_OR_EQUAL:
    case TEST_LESS:
    case TEST_LESS_OR_EQUAL:
        return true;
    case TEST_EQUALS:
    case TEST_AND:
        return clause->type == ATTRIBUTE_INTEGER || clause->type == ATTRIBUTE_DATETIME;
    case TEST_TRUE:
    case TEST_FALSE:
    case TEST_NULL:
    case TEST_MATCHES:
    case TEST_INCLUDES:
    case TEST_ENDS:
    case TEST_MEMBER:
        return false;
    }
    return false;
}

/* now, now+P14D, now-PT12H */
static bool read_from_now(struct str text, int64_t *out_us)
{
    bool minus;

    *out_us = 0;
    if (!str_starts(text, STR("now")))
        return false;
    text = str_trim(str_from(text, 3));
    if (text.len == 0)
        return true;
    minus = text.ptr[0] == '-';
    if ((!minus && text.ptr[0] != '+') || !duration_parse(str_from(text, 1), out_us))
        return false;
    *out_us = minus ? -*out_us : *out_us;
    return true;
}

static void note_group_name(struct arena *a, struct mapping_filter *f, struct str name)
{
    if (f->group_name_count == f->group_name_cap) {
        size_t cap = f->group_name_cap ? f->group_name_cap * 2 : 4;
        struct str *names = ARENA_ARRAY(a, struct str, cap);

        for (size_t i = 0; i < f->group_name_count; i++)
            names[i] = f->group_names[i];
        f->group_names = names;
        f->group_name_cap = cap;
    }
    f->group_names[f->group_name_count++] = name;
}

static bool compile_number(const struct clause_compiler *c, const struct place *at,
                           struct filter_operand *operand)
{
    struct str text = str_trim(operand->text);

    if (c->clause->type != ATTRIBUTE_DATETIME) {
        if (str_starts(text, STR("+")))
            text = str_from(text, 1);
        operand->has_number = str_to_int(text, INT64_MIN, INT64_MAX, &operand->number);
        return operand->has_number ||
               schema_finding(c->k, at, "InvalidValue", "'%.*s' is not an integer",
                              STR_ARG(str_sub(operand->text, 0, 60)));
    }
    operand->from_now = read_from_now(text, &operand->number);
    if (operand->from_now) {
        operand->has_number = true;
        return true;
    }
    operand->has_number = time_parse(text, &operand->number);
    return operand->has_number ||
           schema_finding(
               c->k, at, "InvalidValue",
               "'%.*s' is neither an ISO 8601 date or time nor now, now+P14D or now-PT12H",
               STR_ARG(str_sub(operand->text, 0, 60)));
}

static bool compile_operand(const struct clause_compiler *c, const struct place *at,
                            const struct json *value, struct filter_operand *operand)
{
    struct expr_error error;

    if (!json_is(value, JSON_STRING))
        return schema_finding(c->k, at, "WrongType", "the values of a filter are texts");
    operand->text = arena_str(c->k->arena, value->text);
    if (c->clause->op->needs_text && operand->text.len == 0) {
        return schema_finding(c->k, at, "MissingValue", "%.*s needs a value that is not empty",
                              STR_ARG(c->clause->op->name));
    }
    if (needs_number(c->clause))
        return compile_number(c, at, operand);
    if (c->clause->op->test == TEST_MEMBER && !uuid_valid(operand->text)) {
        operand->by_name = true;
        note_group_name(c->k->arena, c->filter, operand->text);
    }
    if (c->clause->op->test != TEST_MATCHES)
        return true;
    operand->regex = expr_regex_compile(c->k->arena, operand->text, &error);
    if (operand->regex)
        return true;
    return schema_finding_at(c->k, at, error.offset, "Regex", str_from_z(error.err.message));
}

static bool compile_values(const struct clause_compiler *c, const struct json *clause)
{
    struct place operand = {.parent = c->at, .name = "targetOperand"};
    struct place list = {.parent = &operand, .name = "values"};
    const struct json *values =
        schema_array(c->k, &operand, schema_object(c->k, c->at, clause, "targetOperand"), "values");
    size_t i = 0;

    if (c->clause->op->unary)
        return true;
    if (!values || values->count == 0) {
        return schema_finding(c->k, &operand, "MissingValue", "%.*s needs a value",
                              STR_ARG(c->clause->op->name));
    }
    c->clause->operands = ARENA_ARRAY(c->k->arena, struct filter_operand, values->count);
    c->clause->operand_count = values->count;
    JSON_EACH(value, values)
    {
        struct place at = {.parent = &list, .index = i};

        if (!compile_operand(c, &at, value, &c->clause->operands[i++]))
            return false;
    }
    return true;
}

static struct str describe(struct arena *a, const struct filter_clause *clause, struct str name)
{
    CLEANUP(buf_done) struct buf text = {0};

    buf_init(&text, 256);
    buf_addf(&text, "%.*s %.*s", STR_ARG(name), STR_ARG(clause->op->name));
    for (size_t i = 0; i < clause->operand_count; i++) {
        buf_addf(&text, "%s '%.*s'", i > 0 ? "," : "",
                 STR_ARG(str_sub(clause->operands[i].text, 0, 80)));
    }
    return arena_str(a, buf_str(&text));
}

static void compile_clause(struct compiler *k, struct mapping_filter *filter,
                           const struct source_scope *source, const struct place *at,
                           const struct json *json, struct filter_clause *out)
{
    struct clause_compiler c = {k, filter, source, at, out};
    struct str name = schema_text(k, at, json, "sourceOperandName");
    struct str op = schema_text(k, at, json, "operatorName");

    if (json->type != JSON_OBJECT) {
        schema_finding(k, at, "WrongType", "a clause must be an object");
        return;
    }
    out->op = find_operator(op);
    if (!out->op) {
        unknown_operator(&c, op);
        return;
    }
    if (!compile_operand_name(&c, name) || !compile_values(&c, json))
        return;
    if (out->op->test == TEST_MEMBER && !str_eq_z(name, "memberOf")) {
        schema_finding(k, at, "WrongOperator", "%.*s can be used with memberOf only",
                       STR_ARG(out->op->name));
    }
    out->text = describe(k->arena, out, name);
}

static void compile_group(struct compiler *k, struct mapping_filter *filter,
                          const struct source_scope *source, const struct place *at,
                          const struct json *json, struct filter_group *out)
{
    struct place list = {.parent = at, .name = "clauses"};
    const struct json *clauses;
    size_t i = 0;

    if (json->type != JSON_OBJECT) {
        schema_finding(k, at, "WrongType", "a filter group must be an object");
        return;
    }
    out->name = arena_str(k->arena, schema_text(k, at, json, "name"));
    clauses = schema_array(k, at, json, "clauses");
    if (!clauses || clauses->count == 0) {
        schema_finding(k, &list, "MissingValue", "a filter group needs a clause");
        return;
    }
    out->clauses = ARENA_ARRAY(k->arena, struct filter_clause, clauses->count);
    JSON_EACH(clause, clauses)
    {
        struct place place = {.parent = &list, .index = i};

        compile_clause(k, filter, source, &place, clause, &out->clauses[i++]);
    }
    out->clause_count = i;
}

const struct mapping_filter *filter_compile(struct compiler *k, const struct place *at,
                                            const struct json *scope,
                                            const struct source_scope *source)
{
    struct mapping_filter *filter = ARENA_NEW(k->arena, struct mapping_filter);
    struct place place = {.parent = at, .name = "scope"};
    bool any = false;

    for (int set = 0; set < SET_COUNT; set++) {
        struct place list = {.parent = &place, .name = filter_set_names[set]};
        const struct json *groups = schema_array(k, &place, scope, filter_set_names[set]);
        size_t i = 0;

        if (!groups || groups->count == 0)
            continue;
        any = true;
        filter->sets[set].groups = ARENA_ARRAY(k->arena, struct filter_group, groups->count);
        JSON_EACH(group, groups)
        {
            struct place one = {.parent = &list, .index = i};

            compile_group(k, filter, source, &one, group, &filter->sets[set].groups[i++]);
        }
        filter->sets[set].count = i;
    }
    return any ? filter : NULL;
}
