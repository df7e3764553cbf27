/* `usher config map|unmap|filter|golden`: one change of the schema, made as if the whole had been
 * exported, edited and imported. */
#include "cli/config.h"

#include <inttypes.h>
#include <string.h>

static enum source_kind kind_of(const struct cli_args *args)
{
    return cli_flag(args, "--groups") ? SOURCE_GROUP : SOURCE_USER;
}

/* The newest schema, and the object mapping that the command changes. */
static bool load_object(struct cli_config *g, const struct cli_args *args, struct json **document,
                        struct json **object, struct err *err)
{
    int64_t version;

    if (!cli_config_load(g, 0, document, &version, err))
        return false;
    *object = mapping_document_object(*document, kind_of(args));
    return *object ||
           err_set(err, ERR_NOT_FOUND, "noObjectMapping", "'%.*s' has no mapping of %s",
                   STR_ARG(g->job.name), kind_of(args) == SOURCE_GROUP ? "groups" : "people");
}

static int save(struct cli_config *g, const struct cli_args *args, struct json *document,
                struct str comment)
{
    return cli_config_save(g, args, document, arena_z(g->wire.cli->arena, comment));
}

/* --- map, unmap --- */

static const struct {
    const char *option;
    const char *type;   /* of the source */
    const char *member; /* that the option's value is */
} sources[] = {
    {"--attribute", "Attribute", "name"},
    {"--constant", "Constant", "name"},
    {"--expression", "Function", "expression"},
};

/* The source that the options say; NULL when they say none. */
static bool source_of(struct cli *c, const struct cli_args *args, struct json **out,
                      struct err *err)
{
    size_t given = cli_flag(args, "--none");

    *out = given ? json_null(c->arena) : NULL;
    for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
        const char *value = cli_value(args, sources[i].option);

        if (!value)
            continue;
        given++;
        *out = json_new(c->arena, JSON_OBJECT);
        json_add_z(c->arena, *out, "type", sources[i].type);
        json_add_z(c->arena, *out, sources[i].member, value);
    }
    return given <= 1 || err_set(err, ERR_INVALID, "usage",
                                 "give one of --attribute, --constant, --expression and --none");
}

static bool apply(struct cli *c, const struct cli_args *args, struct json *mapping, struct err *err)
{
    struct arena *a = c->arena;
    const char *otherwise = cli_value(args, "--default");
    int64_t priority = json_get_int(mapping, "matchingPriority", 0);

    if (!cli_value_int(args, "--match", 0, INT32_MAX, &priority, err))
        return false;
    if (cli_flag(args, "--only-create") && cli_flag(args, "--always"))
        return err_set(err, ERR_INVALID, "usage", "either --only-create or --always, not both");
    json_set(a, mapping, STR("matchingPriority"), json_int(a, priority));
    if (cli_flag(args, "--only-create"))
        json_set(a, mapping, STR("flowType"), json_string(a, STR("ObjectAddOnly")));
    if (cli_flag(args, "--always"))
        json_set(a, mapping, STR("flowType"), json_string(a, STR("Always")));
    if (otherwise) {
        json_set(a, mapping, STR("defaultValue"),
                 *otherwise ? json_string(a, str_from_z(otherwise)) : json_null(a));
    }
    return true;
}

static int run_map(struct cli *c, const struct cli_args *args)
{
    CLEANUP(cli_config_end) struct cli_config g;
    struct err err = {.kind = ERR_NONE};
    struct str target = str_from_z(cli_arg(args, 1));
    struct json *document;
    struct json *object;
    struct json *mapping;
    struct json *source;

    if (!source_of(c, args, &source, &err) || !cli_config_begin(&g, c, args, &err) ||
        !load_object(&g, args, &document, &object, &err))
        return cli_fail(c, &err);
    mapping = mapping_document_attribute(object, target);
    if (!mapping && !source) {
        return cli_usage(c,
                         "'%s' is not mapped yet: give --attribute, --constant, --expression or "
                         "--none",
                         cli_arg(args, 1));
    }
    if (!mapping) {
        mapping = json_new(c->arena, JSON_OBJECT);
        json_add_str(c->arena, mapping, "targetAttributeName", target);
        json_append(json_get(object, STR("attributeMappings")), mapping);
    }
    if (source)
        json_set(c->arena, mapping, STR("source"), source);
    if (!apply(c, args, mapping, &err))
        return cli_fail(c, &err);
    return save(&g, args, document, arena_printf(c->arena, "mapping of %.*s", STR_ARG(target)));
}

static int run_unmap(struct cli *c, const struct cli_args *args)
{
    CLEANUP(cli_config_end) struct cli_config g;
    struct err err = {.kind = ERR_NONE};
    struct json *document;
    struct json *object;
    struct json *mapping;

    if (!cli_config_begin(&g, c, args, &err) || !load_object(&g, args, &document, &object, &err))
        return cli_fail(c, &err);
    mapping = mapping_document_attribute(object, str_from_z(cli_arg(args, 1)));
    if (!mapping) {
        err_fill(&err, ERR_NOT_FOUND, "notMapped", "nothing is mapped to '%s'", cli_arg(args, 1));
        return cli_fail(c, &err);
    }
    json_unlink(json_get(object, STR("attributeMappings")), mapping);
    return save(&g, args, document,
                arena_printf(c->arena, "no mapping of %s any more", cli_arg(args, 1)));
}

/* --- filter --- */

static bool is_unary(struct str op)
{
    static const char *const names[] = {"IS TRUE", "IS FALSE", "IS NULL", "IS NOT NULL", "PRESENT"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (str_eq_ascii_nocase(op, str_from_z(names[i])))
            return true;
    }
    return false;
}

/* 'Berlin', 'Köln' */
static bool quoted_values(struct arena *a, struct str text, struct json *values)
{
    bool more = true;

    while (more) {
        size_t end;

        text = str_trim(text);
        if (!str_starts(text, STR("'")) || !str_find_char(str_from(text, 1), '\'', &end))
            return false;
        json_append(values, json_string(a, str_sub(text, 1, end)));
        text = str_trim(str_from(text, end + 2));
        more = text.len > 0;
        if (more && !str_starts(text, STR(",")))
            return false;
        text = str_from(text, 1);
    }
    return true;
}

/* "city EQUALS 'Berlin'", as plans and logs print it; one plain word needs no quotes. */
static bool parse_clause(struct arena *a, const char *word, struct json **out, struct err *err)
{
    struct str rest = str_trim(str_from_z(word));
    struct json *values = json_new(a, JSON_ARRAY);
    struct json *operand = json_new(a, JSON_OBJECT);
    struct str attribute, op;
    size_t at;
    bool ok = str_cut(&rest, ' ', &attribute);

    op = rest = str_trim(rest);
    if (str_find_char(rest, '\'', &at)) {
        op = str_trim(str_sub(rest, 0, at));
        ok = ok && quoted_values(a, str_from(rest, at), values);
    } else if (!is_unary(rest) && str_find_last_char(rest, ' ', &at)) {
        op = str_trim(str_sub(rest, 0, at));
        json_append(values, json_string(a, str_from(rest, at + 1)));
    }
    if (!ok || op.len == 0) {
        return err_set(err, ERR_INVALID, "usage",
                       "'%s' is no clause such as \"city EQUALS 'Berlin'\" or \"mail IS NOT NULL\"",
                       word);
    }
    *out = json_new(a, JSON_OBJECT);
    json_add_str(a, *out, "sourceOperandName", attribute);
    json_add_str(a, *out, "operatorName", op);
    json_add(a, operand, STR("values"), values);
    json_add(a, *out, STR("targetOperand"), values->count ? operand : json_null(a));
    return true;
}

static struct json *find_group(struct json *groups, const char *name)
{
    JSON_EACH(group, groups)
    {
        if (str_eq_z(json_get_text(group, "name"), name))
            return group;
    }
    return NULL;
}

static struct json *groups_of(struct cli *c, struct json *object)
{
    struct json *scope = json_get(object, STR("scope"));

    if (!json_is(scope, JSON_OBJECT)) {
        scope = json_new(c->arena, JSON_OBJECT);
        json_set(c->arena, object, STR("scope"), scope);
    }
    if (!json_get(scope, STR("groups")))
        json_add(c->arena, scope, STR("groups"), json_new(c->arena, JSON_ARRAY));
    return json_get(scope, STR("groups"));
}

static bool set_group(struct cli *c, const struct cli_args *args, struct json *object,
                      struct err *err)
{
    const char *name = cli_value(args, "--name");
    struct json *groups = groups_of(c, object);
    struct json *clauses = json_new(c->arena, JSON_ARRAY);
    struct json *group;
    struct json *clause;

    name = name ? name : "Filter";
    for (int i = 1; i < cli_arg_count(args); i++) {
        if (!parse_clause(c->arena, cli_arg(args, i), &clause, err))
            return false;
        json_append(clauses, clause);
    }
    group = find_group(groups, name);
    if (!group) {
        group = json_new(c->arena, JSON_OBJECT);
        json_add_z(c->arena, group, "name", name);
        json_append(groups, group);
    }
    json_set(c->arena, group, STR("clauses"), clauses);
    return true;
}

static bool remove_group(struct cli *c, struct json *object, const char *name, struct err *err)
{
    struct json *groups = groups_of(c, object);
    struct json *group = find_group(groups, name);

    if (!group)
        return err_set(err, ERR_NOT_FOUND, "noSuchFilter", "there is no filter named '%s'", name);
    json_unlink(groups, group);
    return true;
}

static void print_clause(struct cli *c, const struct json *clause)
{
    const struct json *values = json_get(json_get(clause, STR("targetOperand")), STR("values"));

    fprintf(c->out, "%.*s %.*s", STR_ARG(json_get_text(clause, "sourceOperandName")),
            STR_ARG(json_get_text(clause, "operatorName")));
    JSON_EACH(v, values)
    {
        fprintf(c->out, " '%.*s'%s", STR_ARG(v->text), v->next ? "," : "");
    }
    fputc('\n', c->out);
}

static void print_filter(struct cli *c, const struct json *groups)
{
    if (!groups || groups->count == 0)
        cli_say(c, "no filter: nobody is excluded");
    JSON_EACH(group, groups)
    {
        const struct json *clauses = json_get(group, STR("clauses"));

        fprintf(c->out, "%.*s:\n", STR_ARG(json_get_text(group, "name")));
        JSON_EACH(clause, clauses)
        {
            fputs(clause == clauses->first ? "  " : "  and ", c->out);
            print_clause(c, clause);
        }
    }
}

static int run_filter(struct cli *c, const struct cli_args *args)
{
    CLEANUP(cli_config_end) struct cli_config g;
    struct err err = {.kind = ERR_NONE};
    const char *removed = cli_value(args, "--remove");
    bool clear = cli_flag(args, "--clear");
    bool sets = cli_arg_count(args) > 1;
    struct json *document;
    struct json *object;

    if ((removed != NULL) + clear + sets > 1)
        return cli_usage(c, "give clauses, --remove or --clear, one of them");
    if (!cli_config_begin(&g, c, args, &err) || !load_object(&g, args, &document, &object, &err))
        return cli_fail(c, &err);
    if (!removed && !clear && !sets) {
        const struct json *groups = json_get(json_get(object, STR("scope")), STR("groups"));

        if (c->json) {
            cli_print_json(c, groups ? groups : json_new(c->arena, JSON_ARRAY));
        } else {
            print_filter(c, groups);
        }
        return 0;
    }
    if ((sets && !set_group(c, args, object, &err)) ||
        (removed && !remove_group(c, object, removed, &err)))
        return cli_fail(c, &err);
    if (clear)
        json_set(c->arena, object, STR("scope"), json_null(c->arena));
    return save(&g, args, document, STR("scoping filter"));
}

/* --- golden --- */

static struct json *cases_of(struct cli *c, struct json *document)
{
    if (!json_get(document, STR("goldenCases")))
        json_add(c->arena, document, STR("goldenCases"), json_new(c->arena, JSON_ARRAY));
    return json_get(document, STR("goldenCases"));
}

/* Only the attributes that are asked for; all when none is. */
static void keep_attributes(struct json *expected, const struct cli_args *args)
{
    const struct json *v = expected->first;

    while (v && cli_value(args, "--attribute")) {
        struct str name = v->name;
        bool wanted = false;

        v = v->next;
        for (size_t i = 0; cli_value_at(args, "--attribute", i); i++)
            wanted |= str_eq_ascii_nocase(name, str_from_z(cli_value_at(args, "--attribute", i)));
        if (!wanted)
            json_remove(expected, name);
    }
}

static bool new_case(struct cli_config *g, const struct cli_args *args, struct json *document,
                     struct json **out, struct err *err)
{
    struct cli *c = g->wire.cli;
    CLEANUP(source_closep) struct source *source = NULL;
    const char *name = cli_value(args, "--name");
    const struct mapping_program *program;
    const struct mapping_object *m;
    struct mapping_source from;
    struct source_entry entry;
    struct json *checked;

    if (!g->wire.engine.open_source(c->db_handle, &g->job, &source, err) ||
        !source->ops->find(source, str_from_z(cli_arg(args, 1)), c->arena, &entry, err) ||
        !mapping_document_check(c->arena, document, &checked, &program, &g->check.findings, err))
        return false;
    m = mapping_for(program, entry.kind);
    if (!m) {
        return err_set(err, ERR_NOT_FOUND, "noObjectMapping", "nothing maps '%s'",
                       cli_arg(args, 1));
    }
    from = (struct mapping_source){.kind = entry.kind, .attributes = entry.attributes};
    *out = mapping_golden_case(c->arena, m, name ? str_from_z(name) : entry.display_name, &from,
                               clock_now(c->clock), c->rng);
    keep_attributes(json_get(*out, STR("expected")), args);
    return true;
}

static int run_golden(struct cli *c, const struct cli_args *args)
{
    CLEANUP(cli_config_end) struct cli_config g;
    struct err err = {.kind = ERR_NONE};
    const char *removed = cli_value(args, "--remove");
    struct json *document;
    struct json *cases;
    struct json *one;
    struct json *old;
    int64_t version;

    if ((removed != NULL) == (cli_arg_count(args) == 2))
        return cli_usage(c, "give WHO, or --remove NAME");
    if (!cli_config_begin(&g, c, args, &err) || !cli_config_load(&g, 0, &document, &version, &err))
        return cli_fail(c, &err);
    cases = cases_of(c, document);
    if (removed) {
        one = find_group(cases, removed);
        if (!one) {
            err_fill(&err, ERR_NOT_FOUND, "noSuchCase", "there is no golden case named '%s'",
                     removed);
            return cli_fail(c, &err);
        }
        json_unlink(cases, one);
        return save(&g, args, document, STR("golden case removed"));
    }
    if (!new_case(&g, args, document, &one, &err))
        return cli_config_fail(&g, &err);
    old = find_group(cases, arena_z(c->arena, json_get_text(one, "name")));
    if (old)
        json_unlink(cases, old);
    json_append(cases, one);
    return save(&g, args, document, STR("golden case"));
}

#define GROUPS                                                   \
    {                                                            \
        "--groups", NULL, "the mapping of groups, not of people" \
    }

static const struct cli_option map_options[] = {
    {"--attribute", "A", "the value of a source attribute"},
    {"--constant", "C", "always this text"},
    {"--expression", "E", "the result of an expression"},
    {"--none", NULL, "leave the attribute alone, except for --default"},
    {"--default", "TEXT", "for a new account without value; '' takes it away"},
    {"--only-create", NULL, "written when the account is created, never afterwards"},
    {"--always", NULL, "written on creation and on every change"},
    {"--match", "N", "find accounts by it: 1 is tried first; 0: not at all"},
    GROUPS,
    CLI_CONFIG_SAVE_OPTIONS,
};
static const struct cli_option unmap_options[] = {GROUPS, CLI_CONFIG_SAVE_OPTIONS};
static const struct cli_option filter_options[] = {
    {"--name", "TITLE", "the filter that the clauses make or replace (default: Filter)"},
    {"--remove", "TITLE", "take a filter away"},
    {"--clear", NULL, "take all filters away"},
    GROUPS,
    CLI_CONFIG_SAVE_OPTIONS,
};
static const struct cli_option golden_options[] = {
    {"--name", "TITLE", "of the case (default: the person's name)"},
    {"--attribute", "TARGET", "only this target attribute; may be repeated"},
    {"--remove", "TITLE", "take a case away"},
    CLI_CONFIG_SAVE_OPTIONS,
};

static const struct cli_command commands[] = {
    {
        .name = "config map",
        .usage = "N TARGET --attribute A | --constant C | --expression E | --none [--match N]",
        .summary = "map a target attribute",
        .help =
            "Makes the mapping or changes it; what is not given stays. Checked and saved as an\n"
            "import is.\n\n"
            "  usher config map demo title --expression 'Trim([jobTitle])' --dry-run\n",
        .options = map_options,
        .option_count = ARRAY_LEN(map_options),
        .min_args = 2,
        .max_args = 2,
        .run = run_map,
    },
    {
        .name = "config unmap",
        .usage = "N TARGET [--groups]",
        .summary = "take the mapping of a target attribute away",
        .help = "Accounts keep the value that they have.\n\n"
                "  usher config unmap demo name.formatted --dry-run\n",
        .options = unmap_options,
        .option_count = ARRAY_LEN(unmap_options),
        .min_args = 2,
        .max_args = 2,
        .run = run_unmap,
    },
    {
        .name = "config filter",
        .usage = "N [CLAUSE ...] [--name TITLE] [--remove TITLE] [--clear] [--groups]",
        .summary = "show or change who is in scope by their attributes",
        .help =
            "All clauses of a filter must hold; of several filters one is enough. Without\n"
            "clauses the filters are shown.\n\n"
            "  usher config filter demo \"city EQUALS 'Berlin'\" \"mail IS NOT NULL\" --dry-run\n",
        .options = filter_options,
        .option_count = ARRAY_LEN(filter_options),
        .min_args = 1,
        .max_args = -1,
        .run = run_filter,
    },
    {
        .name = "config golden",
        .usage = "N WHO [--name TITLE] [--attribute TARGET ...] | N --remove TITLE",
        .summary = "store a person with the attributes that are expected, as a test",
        .help = "The case has the person's source attributes and what the mapping makes of them\n"
                "now. It runs at every save and with 'usher config test'.\n\n"
                "  usher config golden demo sabine.richter@contoso.example --dry-run\n",
        .options = golden_options,
        .option_count = ARRAY_LEN(golden_options),
        .min_args = 1,
        .max_args = 2,
        .run = run_golden,
    },
};

extern const struct cli_commands config_edit_commands;
const struct cli_commands config_edit_commands = {commands, ARRAY_LEN(commands)};
