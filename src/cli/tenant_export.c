/* `usher tenant export`: the users and groups of a tenant as JSON or CSV. */
#include "cli/cli.h"
#include "cli/csv.h"
#include "provider/profile.h"
#include "provider/tenant.h"
#include "scim/filter.h"

#include <string.h>

#define CELL_MAX ((size_t)256 * 1024 * 1024)

/* Without --columns; those that the tenant does not have are left out. */
static const char *const usual[] = {
    "id",
    "userName",
    "externalId",
    "active",
    "displayName",
    "name.givenName",
    "name.familyName",
    "title",
    "emails[type eq \"work\"].value",
    "phoneNumbers[type eq \"mobile\"].value",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
};
static const char *const usual_of_groups[] = {"id", "displayName", "externalId", "members"};

/* A path as in the mapping notation. */
struct column {
    struct str name;
    struct scim_path path;
    struct scim_ref ref;
};

struct export
{
    struct cli *cli;
    const struct provider_profile *profile;
    struct buf line, cell;
    struct column *columns;
    size_t count, cap;
    bool csv, groups, plain;
};

/* --- Columns --- */

static const struct scim_resource_type *type_of(const struct export *e)
{
    return e->groups ? &e->profile->group : &e->profile->user;
}

/* type eq "work", or any other single comparison with a text. */
static bool filter_fits(const struct scim_path *path, const struct scim_ref *ref)
{
    const struct scim_filter *f = path->filter;

    return !f || (ref->attribute->multi && f->op == SCIM_EQ && !f->path.filter &&
                  f->path.sub.len == 0 && json_is(f->value, JSON_STRING));
}

static bool make_column(const struct export *e, struct str name, struct column *out,
                        struct err *err)
{
    *out = (struct column){.name = name};
    if (!scim_path_parse(e->cli->arena, name, &out->path, err))
        return err_wrap(err, "--columns: '%.*s'", STR_ARG(str_sub(name, 0, 100)));
    if (!scim_resolve(type_of(e), &out->path, &out->ref) || !out->ref.attribute) {
        return err_set(err, ERR_INVALID, "badColumn", "--columns: %s have no attribute '%.*s'",
                       e->groups ? "groups" : "users", STR_ARG(str_sub(name, 0, 100)));
    }
    return filter_fits(&out->path, &out->ref) ||
           err_set(err, ERR_INVALID, "badColumn",
                   "--columns: '%.*s': brackets take one comparison, such as [type eq \"work\"]",
                   STR_ARG(str_sub(name, 0, 100)));
}

static void add_column(struct export *e, const struct column *column)
{
    ARENA_GROW(e->cli->arena, e->columns, e->count, e->cap);
    e->columns[e->count++] = *column;
}

/* What a profile does not know is not among the usual columns, nor among all. */
static void add_known(struct export *e, struct str name)
{
    struct err ignored = {0};
    struct column column;

    if (make_column(e, name, &column, &ignored))
        add_column(e, &column);
}

/* Where a comma is outside of brackets and quotes. */
static struct str next_name(struct str *rest)
{
    bool quoted = false;
    struct str name = *rest;
    int depth = 0;

    for (size_t i = 0; i < rest->len; i++) {
        char c = rest->ptr[i];

        if (c == '"')
            quoted = !quoted;
        depth += quoted ? 0 : (c == '[') - (c == ']');
        if (c == ',' && !quoted && depth == 0) {
            name = str_sub(*rest, 0, i);
            *rest = str_from(*rest, i + 1);
            return str_trim(name);
        }
    }
    *rest = (struct str){0};
    return str_trim(name);
}

static bool is_shown(const struct scim_attribute *attribute)
{
    return attribute->returned != SCIM_NEVER && attribute->mutability != SCIM_WRITE_ONLY;
}

static const struct scim_attribute *sub_named(const struct scim_attribute *attribute,
                                              const char *name)
{
    return scim_sub_attribute(attribute, str_from_z(name));
}

/* A column for each type of value that the schema names. */
static void add_typed(struct export *e, struct str name, const struct scim_attribute *attribute)
{
    const struct scim_attribute *type = sub_named(attribute, "type");
    struct str types = type ? type->canonical : (struct str){0}, one;
    bool more = types.len > 0, has_value = sub_named(attribute, "value") != NULL;

    while (more) {
        more = str_cut(&types, ',', &one);
        for (size_t i = 0; i < attribute->sub_count; i++) {
            const struct scim_attribute *sub = &attribute->subs[i];

            if (sub == type || sub->type == SCIM_BOOLEAN || !is_shown(sub) ||
                (has_value && !str_eq(sub->name, STR("value"))))
                continue;
            add_known(e, arena_printf(e->cli->arena, "%.*s[type eq \"%.*s\"].%.*s", STR_ARG(name),
                                      STR_ARG(one), STR_ARG(sub->name)));
        }
    }
}

/* A column for each sub-attribute. */
static void add_parts(struct export *e, struct str name, const struct scim_attribute *attribute)
{
    for (size_t i = 0; i < attribute->sub_count; i++) {
        if (is_shown(&attribute->subs[i])) {
            add_known(e, arena_printf(e->cli->arena, "%.*s.%.*s", STR_ARG(name),
                                      STR_ARG(attribute->subs[i].name)));
        }
    }
}

static void add_all_of(struct export *e, struct str prefix, const struct scim_schema *schema)
{
    for (size_t i = 0; i < schema->count; i++) {
        const struct scim_attribute *attribute = &schema->attributes[i];
        struct str name =
            arena_printf(e->cli->arena, "%.*s%.*s", STR_ARG(prefix), STR_ARG(attribute->name));

        if (!is_shown(attribute))
            continue;
        if (attribute->type != SCIM_COMPLEX) {
            add_known(e, name);
        } else if (attribute->multi) {
            add_typed(e, name, attribute);
            add_known(e, name);
        } else {
            add_parts(e, name, attribute);
        }
    }
}

static void add_all(struct export *e)
{
    const struct scim_resource_type *type = type_of(e);

    add_known(e, STR("id"));
    add_known(e, STR("externalId"));
    add_all_of(e, (struct str){0}, type->core);
    for (size_t i = 0; i < type->extension_count; i++) {
        add_all_of(e, arena_printf(e->cli->arena, "%.*s:", STR_ARG(type->extensions[i]->urn)),
                   type->extensions[i]);
    }
}

static bool choose_columns(struct export *e, const char *text, struct err *err)
{
    const char *const *names = e->groups ? usual_of_groups : usual;
    size_t count = e->groups ? ARRAY_LEN(usual_of_groups) : ARRAY_LEN(usual);
    struct str rest = str_from_z(text);

    for (size_t i = 0; !text && i < count; i++)
        add_known(e, str_from_z(names[i]));
    if (text && strcmp(text, "all") == 0) {
        add_all(e);
        return true;
    }
    while (rest.len > 0) {
        struct column column;

        if (!make_column(e, next_name(&rest), &column, err))
            return false;
        add_column(e, &column);
    }
    return e->count > 0 || err_set(err, ERR_INVALID, "usage", "--columns names no attribute");
}

/* --- Cells --- */

static struct str text_of(struct arena *a, const struct json *value)
{
    switch (value->type) {
    case JSON_STRING:
    case JSON_NUMBER:
        return value->text;
    case JSON_BOOL:
        return value->boolean ? STR("true") : STR("false");
    case JSON_NULL:
        return (struct str){0};
    case JSON_ARRAY:
    case JSON_OBJECT:
        break;
    }
    return json_text(a, value);
}

static bool element_fits(const struct column *column, const struct json *element)
{
    const struct scim_filter *f = column->path.filter;

    return !f || str_eq_ascii_nocase(json_get_nocase(element, f->path.attribute)
                                         ? json_get_nocase(element, f->path.attribute)->text
                                         : (struct str){0},
                                     f->value->text);
}

/* Of an element: the sub-attribute that is asked for, else its value, else all of it. */
static const struct json *part_of(const struct column *column, const struct json *element)
{
    const struct json *value;

    if (element->type != JSON_OBJECT)
        return element;
    if (column->ref.sub)
        return json_get(element, column->ref.sub->name);
    value = json_get(element, STR("value"));
    return value ? value : element;
}

/* Values joined by semicolons; as a JSON array when one of them has a semicolon itself. */
static struct str join(struct export *e, struct arena *a, const struct column *column,
                       const struct json *list)
{
    struct json *parts = json_new(a, JSON_ARRAY);
    bool clear = true;

    JSON_EACH(element, list)
    {
        const struct json *part = element_fits(column, element) ? part_of(column, element) : NULL;
        struct str text = part ? text_of(a, part) : (struct str){0};

        if (text.len == 0)
            continue;
        clear = clear && !str_find_char(text, ';', &(size_t){0});
        json_append(parts, json_string(a, text));
    }
    if (parts->count == 1)
        return parts->first->text;
    if (!clear)
        return json_text(a, parts);
    buf_reset(&e->cell);
    JSON_EACH(part, parts)
    buf_addf(&e->cell, "%s%.*s", part == parts->first ? "" : ";", STR_ARG(part->text));
    return buf_str(&e->cell);
}

static struct str cell_text(struct export *e, struct arena *a, const struct column *column,
                            const struct json *resource)
{
    const struct scim_ref *ref = &column->ref;
    const struct json *value = json_get(
        ref->extension ? json_get(resource, ref->extension->urn) : resource, ref->attribute->name);

    if (json_is(value, JSON_ARRAY))
        return join(e, a, column, value);
    if (value && ref->sub)
        value = json_get(value, ref->sub->name);
    return value ? text_of(a, value) : (struct str){0};
}

static void add_cell(struct export *e, size_t i, struct str text)
{
    if (i > 0)
        buf_add_char(&e->line, ',');
    if (e->plain) {
        cli_csv_plain(&e->line, text);
    } else {
        cli_csv_field(&e->line, text);
    }
}

/* --- The command --- */

static bool export_one(void *ctx, const struct json *resource)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct export *e = ctx;

    buf_reset(&e->line);
    if (!e->csv) {
        json_write(&e->line, resource);
        buf_add_char(&e->line, '\n');
    } else if ((json_get(resource, STR("userName")) == NULL) == e->groups) {
        for (size_t i = 0; i < e->count; i++)
            add_cell(e, i, cell_text(e, a, &e->columns[i], resource));
        buf_add_z(&e->line, "\r\n");
    }
    return fwrite(e->line.ptr, 1, e->line.len, e->cli->out) == e->line.len;
}

static bool begin_csv(struct export *e, struct str tenant, const char *columns, struct err *err)
{
    struct provider_tenant loaded;

    if (!provider_tenant_load(e->cli->db_handle, e->cli->arena, tenant, &loaded, err) ||
        !provider_tenant_profile(e->cli->arena, &loaded, &e->profile, err))
        return false;
    if (e->groups && !e->profile->has_groups) {
        return err_set(err, ERR_INVALID, "noGroups", "tenant '%.*s' has no groups",
                       STR_ARG(tenant));
    }
    if (!choose_columns(e, columns, err))
        return false;
    for (size_t i = 0; i < e->count; i++)
        add_cell(e, i, e->columns[i].name);
    fprintf(e->cli->out, "%s\r\n", buf_z(&e->line));
    return true;
}

static int run_export(struct cli *c, const struct cli_args *args)
{
    const char *format = cli_value(args, "--format");
    struct export e = {.cli = c,
                       .csv = format && strcmp(format, "csv") == 0,
                       .groups = cli_flag(args, "--groups"),
                       .plain = cli_flag(args, "--plain")};
    const char *columns = cli_value(args, "--columns");
    struct str tenant = str_from_z(cli_arg(args, 0));
    struct err err = {.kind = ERR_NONE};
    bool ok;

    if (format && !e.csv && strcmp(format, "json") != 0)
        return cli_usage(c, "--format is csv or json, not '%s'", format);
    if (!e.csv && (columns || e.groups || e.plain))
        return cli_usage(c, "--columns, --groups and --plain go with --format csv");
    buf_init(&e.line, CELL_MAX);
    buf_init(&e.cell, CELL_MAX);
    ok = cli_db_open(c, &err) && (!e.csv || begin_csv(&e, tenant, columns, &err)) &&
         provider_tenant_export(c->db_handle, tenant, export_one, &e, &err);
    buf_done(&e.line);
    buf_done(&e.cell);
    if (ok && (fflush(c->out) != 0 || ferror(c->out)))
        ok = err_set(&err, ERR_LIMIT, "writeFailed", "the export could not be written");
    return ok ? 0 : cli_fail(c, &err);
}

static const struct cli_option export_options[] = {
    {"--format", "F", "json: one object a line (default), or csv"},
    {"--columns", "LIST", "csv: attributes, comma-separated, or all of the schema"},
    {"--groups", NULL, "csv: groups instead of users"},
    {"--plain", NULL, "csv: no apostrophe before what a spreadsheet takes for a formula"},
};

static const struct cli_command commands[] = {
    {
        .name = "tenant export",
        .usage = "NAME [--format csv|json] [--columns LIST] [--groups] [--plain]",
        .summary = "write a tenant's users and groups",
        .help = "JSON has one resource a line, users first, groups with their members. In CSV, "
                "several values of\nan attribute are joined by ';' (as a JSON array when one of "
                "them has a ';' itself).\n\n"
                "  usher tenant export field-crew --format csv > users.csv\n"
                "  usher tenant export field-crew --format csv --columns "
                "'userName,emails[type eq \"work\"].value,emails'\n",
        .options = export_options,
        .option_count = ARRAY_LEN(export_options),
        .min_args = 1,
        .max_args = 1,
        .run = run_export,
    },
};

extern const struct cli_commands tenant_export_commands;
const struct cli_commands tenant_export_commands = {commands, ARRAY_LEN(commands)};
