/* `usher filter test`: tries a scoping filter on an object, clause by clause, or a SCIM filter on a
 * resource. */
#include "base/file.h"
#include "cli/cli.h"
#include "mapping/program.h"
#include "scim/match.h"
#include "scim/resource.h"

enum { FILTER_MAX_BYTES = 1 << 20 };

static bool read_object(struct cli *c, const struct cli_args *args, const char *option,
                        struct json **out, struct err *err)
{
    const char *text = cli_value(args, option);

    *out = json_new(c->arena, JSON_OBJECT);
    if (!text)
        return true;
    if (!json_parse(c->arena, str_from_z(text), NULL, out, NULL, err))
        return err_wrap(err, "%s", option);
    return json_is(*out, JSON_OBJECT) ||
           err_set(err, ERR_INVALID, "usage",
                   "%s needs a JSON object such as '{\"city\": \"Bonn\"}'", option);
}

static bool read_kind(const struct cli_args *args, enum source_kind *out, struct err *err)
{
    const char *type = cli_value(args, "--type");
    struct str name = str_from_z(type ? type : "user");

    *out = str_eq_z(name, "group") ? SOURCE_GROUP : SOURCE_USER;
    return *out == SOURCE_GROUP || str_eq_z(name, "user") ||
           err_set(err, ERR_INVALID, "usage", "--type is user or group");
}

/* --- scoping filters --- */

/* The file is a filter, or has one as its member scope. */
static bool read_filter(struct cli *c, const struct cli_args *args, const struct json **out,
                        struct err *err)
{
    struct json *document;
    struct str text;

    if (!file_read(c->arena, cli_arg(args, 0), FILTER_MAX_BYTES, &text, err) ||
        !json_parse(c->arena, text, NULL, &document, NULL, err))
        return err_wrap(err, "%s", cli_arg(args, 0));
    *out = json_get(document, STR("scope"));
    if (!*out)
        *out = document;
    return json_is(*out, JSON_OBJECT) ||
           err_set(err, ERR_INVALID, "filterInvalid",
                   "%s is no filter: expected an object with groups", cli_arg(args, 0));
}

static int refuse(struct cli *c, const struct mapping_finding *findings, const struct err *err)
{
    /* The first one is the error itself. */
    for (const struct mapping_finding *f = findings ? findings->next : NULL; f && !c->json;
         f = f->next) {
        (void)fprintf(c->err, "  %.*s: %.*s\n", STR_ARG(f->pointer), STR_ARG(f->message));
    }
    return cli_fail(c, err);
}

/* A group that is named by its display name is one whose name stands among memberOf. */
static struct str name_as_id(void *ctx, struct str name)
{
    (void)ctx;
    return name;
}

static struct json *verdict_json(struct arena *a, const struct mapping_verdict *v)
{
    struct json *o = json_new(a, JSON_OBJECT);
    struct json *clauses = json_new(a, JSON_ARRAY);
    char time[TIME_TEXT_MAX];

    json_add_bool(a, o, "inScope", v->in_scope);
    if (!v->in_scope)
        json_add_str(a, o, "reason", v->reason);
    if (v->turns_us != 0)
        json_add_str(a, o, "turnsAt", arena_str(a, time_write(v->turns_us, time)));
    for (size_t i = 0; i < v->clause_count; i++) {
        const struct mapping_clause_verdict *one = &v->clauses[i];
        struct json *clause = json_new(a, JSON_OBJECT);

        json_add_z(a, clause, "set", one->set);
        json_add_int(a, clause, "group", (int64_t)one->group);
        json_add_str(a, clause, "name", one->title);
        json_add_str(a, clause, "clause", one->text);
        json_add_bool(a, clause, "holds", one->holds);
        json_add(a, clause, STR("value"), one->value ? json_clone(a, one->value) : json_null(a));
        json_append(clauses, clause);
    }
    json_add(a, o, STR("clauses"), clauses);
    return o;
}

static void say_clauses(struct cli *c, const struct mapping_verdict *v)
{
    for (size_t i = 0; i < v->clause_count; i++) {
        const struct mapping_clause_verdict *one = &v->clauses[i];

        if (i == 0 || one[-1].group != one->group || strcmp(one[-1].set, one->set) != 0) {
            cli_say(c, "%s, group %zu%s%.*s", one->set, one->group + 1,
                    one->title.len > 0 ? ": " : "", STR_ARG(one->title));
        }
        cli_say(c, "  %s  %.*s   (%s)", one->holds ? "yes" : "no ", STR_ARG(one->text),
                one->empty ? "no value" : json_text(c->arena, one->value).ptr);
    }
}

static void say_verdict(struct cli *c, const struct mapping_verdict *v)
{
    char time[TIME_TEXT_MAX];

    say_clauses(c, v);
    if (v->in_scope) {
        cli_say(c, "in scope");
    } else {
        cli_say(c, "out of scope: %.*s", STR_ARG(v->reason));
    }
    if (v->turns_us != 0)
        cli_say(c, "to be judged again at %.*s", STR_ARG(time_write(v->turns_us, time)));
}

static int test_scope(struct cli *c, const struct cli_args *args)
{
    struct mapping_context context = {
        .now_us = clock_now(c->clock), .rng = c->rng, .group_id = name_as_id};
    struct mapping_source source = {0};
    struct mapping_finding *findings = NULL;
    const struct mapping_object *m;
    const char *now = cli_value(args, "--now");
    const struct json *filter;
    struct mapping_verdict v;
    struct json *attributes;
    struct json *manager;
    struct err err = {0};

    if (now && !time_parse(str_from_z(now), &context.now_us))
        return cli_usage(c, "--now needs a time such as 2026-03-01T12:00:00Z");
    if (!read_kind(args, &source.kind, &err) || !read_filter(c, args, &filter, &err) ||
        !read_object(c, args, "--attributes", &attributes, &err) ||
        !read_object(c, args, "--manager", &manager, &err))
        return cli_fail(c, &err);
    if (!mapping_compile_filter(c->arena, filter, source.kind, &m, &findings, &err))
        return refuse(c, findings, &err);
    source.attributes = attributes;
    source.manager = manager;
    mapping_judge(m, &source, &context, c->arena, &v);
    if (c->json) {
        cli_print_json(c, verdict_json(c->arena, &v));
    } else {
        say_verdict(c, &v);
    }
    return 0;
}

/* --- SCIM filters --- */

static const struct scim_schema *const user_extensions[] = {&scim_enterprise_schema};
static const struct scim_resource_type resource_types[] = {
    [SOURCE_USER] = {.name = STR_INIT("User"),
                     .endpoint = STR_INIT("/Users"),
                     .core = &scim_user_schema,
                     .extensions = user_extensions,
                     .extension_count = ARRAY_LEN(user_extensions)},
    [SOURCE_GROUP] = {.name = STR_INIT("Group"),
                      .endpoint = STR_INIT("/Groups"),
                      .core = &scim_group_schema},
};

/* In canonical spelling, with what a client cannot write: id, meta, groups. */
static bool read_resource(struct cli *c, const struct scim_resource_type *type,
                          const struct json *given, struct json **out, struct err *err)
{
    static const struct scim_rules rules = {0};

    if (!scim_resource_read(c->arena, type, &rules, given, out, err))
        return err_wrap(err, "--resource");
    JSON_EACH(member, given)
    {
        const struct scim_attribute *known = scim_top_attribute(type, member->name);

        if (known && !json_get(*out, known->name))
            json_add(c->arena, *out, known->name, json_clone(c->arena, member));
    }
    return true;
}

static int test_scim(struct cli *c, const struct cli_args *args)
{
    const struct scim_resource_type *type;
    const struct scim_filter *filter;
    const struct scim_matcher *matcher;
    CLEANUP(buf_done) struct buf text = {0};
    enum source_kind kind;
    struct json *given;
    struct json *resource;
    struct json *result;
    struct err err = {0};
    bool match;

    if (!read_kind(args, &kind, &err) || !read_object(c, args, "--resource", &given, &err))
        return cli_fail(c, &err);
    type = &resource_types[kind];
    if (!scim_filter_parse(c->arena, str_from_z(cli_value(args, "--scim")), &filter, &err) ||
        (filter && !scim_matcher_compile(c->arena, type, NULL, filter, &matcher, &err)) ||
        !read_resource(c, type, given, &resource, &err))
        return cli_fail(c, &err);
    match = !filter || scim_match(c->arena, matcher, resource);
    buf_init(&text, (size_t)SCIM_FILTER_MAX_BYTES * 4);
    if (filter)
        scim_filter_write(&text, filter);
    result = json_new(c->arena, JSON_OBJECT);
    json_add_bool(c->arena, result, "matches", match);
    json_add_str(c->arena, result, "filter", buf_str(&text));
    if (c->json) {
        cli_print_json(c, result);
    } else {
        cli_say(c, "%s: %s", match ? "matches" : "does not match", buf_z(&text));
    }
    return 0;
}

static int run_test(struct cli *c, const struct cli_args *args)
{
    bool scim = cli_value(args, "--scim") != NULL;

    if (scim == (cli_arg_count(args) > 0))
        return cli_usage(c, "filter test takes a FILE with a scoping filter, or --scim FILTER");
    return scim ? test_scim(c, args) : test_scope(c, args);
}

static const struct cli_option test_options[] = {
    {"--attributes", "JSON", "the source attributes, as one JSON object"},
    {"--manager", "JSON", "the manager's attributes, for clauses on manager.NAME"},
    {"--type", "user|group", "what the object is (default: user)"},
    {"--now", "TIME", "the present, for clauses on now (default: the clock)"},
    {"--scim", "FILTER", "a SCIM filter instead of a file"},
    {"--resource", "JSON", "the SCIM resource to test it on"},
};

static const struct cli_command commands[] = {
    {
        .name = "filter test",
        .usage = "FILE [--attributes JSON] | --scim FILTER [--resource JSON]",
        .summary = "try a scoping filter or a SCIM filter on one object",
        .help =
            "FILE holds a scoping filter, {\"groups\": [{\"name\": ..., \"clauses\": [...]}]}, or an\n"
            "object mapping with the member scope; \"-\" reads standard input. Every clause is shown\n"
            "with its verdict and the value it looked at. Groups of memberOf can be given by id or\n"
            "by name. No database is needed.\n\n"
            "  usher filter test --scim 'userName sw \"ad\"' --resource '{\"userName\": \"ada\"}'\n",
        .options = test_options,
        .option_count = ARRAY_LEN(test_options),
        .max_args = 1,
        .run = run_test,
    },
};

extern const struct cli_commands filter_commands;
const struct cli_commands filter_commands = {commands, ARRAY_LEN(commands)};
