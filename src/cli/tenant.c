/* `usher tenant ...`: the tenants of the SCIM service provider. */
#include "provider/tenant.h"

#include "base/file.h"
#include "cli/author.h"
#include "provider/address.h"
#include "provider/template.h"

#include <string.h>

#define SCHEMA_MAX         ((size_t)1024 * 1024) /* bytes of a file of attributes */
#define PUBLIC_URL_DEFAULT "http://127.0.0.1:8080"

/* Where clients reach the service: as it is set, else as the service said itself. */
static bool find_origin(struct cli *c, const struct cli_args *args, struct str *out,
                        struct err *err)
{
    const char *url = cli_setting(args, "--public-url");
    struct str origin = str_from_z(url ? url : "");

    if (!origin.len && !provider_address_load(c->db_handle, c->arena, &origin, err))
        return false;
    if (!origin.len)
        origin = STR(PUBLIC_URL_DEFAULT);
    while (str_ends(origin, STR("/")))
        origin = str_sub(origin, 0, origin.len - 1);
    *out = origin;
    return true;
}

static struct str base_url(struct cli *c, struct str origin, struct str name)
{
    return arena_printf(c->arena, "%.*s/scim/%.*s/v2", STR_ARG(origin), STR_ARG(name));
}

static struct json *tenant_json(struct cli *c, struct str origin,
                                const struct provider_tenant *tenant)
{
    struct json *out = json_new(c->arena, JSON_OBJECT);

    json_add_str(c->arena, out, "name", tenant->name);
    json_add_str(c->arena, out, "kind", tenant->kind);
    json_add_str(c->arena, out, "baseUrl", base_url(c, origin, tenant->name));
    return out;
}

static bool note_tenant(struct cli *c, struct str name, struct json *before, struct json *after,
                        struct err *err)
{
    const struct audit_change change = {
        .activity = before ? AUDIT_DELETE : AUDIT_ADD,
        .subject = arena_printf(c->arena, "tenant %.*s", STR_ARG(name)),
        .before = before,
        .after = after,
    };

    return cli_note(c, &change, err);
}

static void print_finding(void *ctx, const char *place, const char *what)
{
    struct cli *c = ctx;

    if (!c->json)
        fprintf(c->err, "%s: %s\n", place, what);
}

/* The template of --schema, with all that is wrong in it told. */
static bool read_schema(struct cli *c, const char *path, struct str kind, struct str *out,
                        struct err *err)
{
    if (!path)
        return true;
    if (!str_eq(kind, STR("generic")))
        return err_set(err, ERR_INVALID, "usage", "--schema goes with the kind generic");
    if (!file_read(c->arena, path, SCHEMA_MAX, out, err))
        return false;
    return provider_template_check(*out, print_finding, c, err) || err_wrap(err, "%s", path);
}

static bool add_tenant(struct cli *c, const struct provider_tenant *t, struct err *err)
{
    struct json *after = json_new(c->arena, JSON_OBJECT);

    json_add_str(c->arena, after, "name", t->name);
    json_add_str(c->arena, after, "kind", t->kind);
    if (!db_begin(c->db_handle, DB_WRITE, err))
        return false;
    if ((t->template.len > 0
             ? provider_tenant_add_custom(c->db_handle, t->template, t->name, c->clock, err)
             : provider_tenant_add(c->db_handle, t->kind, t->name, c->clock, err)) &&
        note_tenant(c, t->name, NULL, after, err))
        return db_commit(c->db_handle, err);
    db_rollback(c->db_handle);
    return false;
}

static bool remove_tenant(struct cli *c, struct str name, struct err *err)
{
    struct json *before = json_new(c->arena, JSON_OBJECT);

    json_add_str(c->arena, before, "name", name);
    if (!db_begin(c->db_handle, DB_WRITE, err))
        return false;
    if (provider_tenant_remove(c->db_handle, name, err) && note_tenant(c, name, before, NULL, err))
        return db_commit(c->db_handle, err);
    db_rollback(c->db_handle);
    return false;
}

static int run_add(struct cli *c, const struct cli_args *args)
{
    struct provider_tenant tenant = {.kind = str_from_z(cli_arg(args, 0)),
                                     .name = str_from_z(cli_arg(args, 1))};
    struct err err = {.kind = ERR_NONE};
    struct str origin;

    if (!read_schema(c, cli_value(args, "--schema"), tenant.kind, &tenant.template, &err) ||
        !cli_db_open(c, &err) || !find_origin(c, args, &origin, &err) ||
        !add_tenant(c, &tenant, &err))
        return cli_fail(c, &err);
    if (c->json)
        cli_print_json(c, tenant_json(c, origin, &tenant));
    cli_say(c, "tenant %.*s is ready at %.*s", STR_ARG(tenant.name),
            STR_ARG(base_url(c, origin, tenant.name)));
    cli_say(c, "make a key for it: usher key add %.*s --description \"my connector\"",
            STR_ARG(tenant.name));
    return 0;
}

static void print_list(struct cli *c, struct str origin, const struct provider_tenant *tenants,
                       size_t count)
{
    static const char *const headers[] = {"NAME", "KIND", "USERS", "GROUPS", "BASE URL"};
    struct cli_table *table = cli_table_new(c, headers, ARRAY_LEN(headers));

    for (size_t i = 0; i < count; i++) {
        char users[32], groups[32];

        cli_count_text(tenants[i].users, users, sizeof(users));
        cli_count_text(tenants[i].groups, groups, sizeof(groups));
        cli_table_row(table,
                      (struct str[]){tenants[i].name, tenants[i].kind, str_from_z(users),
                                     str_from_z(groups), base_url(c, origin, tenants[i].name)});
    }
    cli_table_print(table);
}

static int run_list(struct cli *c, const struct cli_args *args)
{
    struct err err = {.kind = ERR_NONE};
    struct provider_tenant *tenants;
    struct str origin;
    struct json *list;
    size_t count;

    if (!cli_db_open(c, &err) || !find_origin(c, args, &origin, &err) ||
        !provider_tenant_list(c->db_handle, c->arena, &tenants, &count, &err))
        return cli_fail(c, &err);
    if (!c->json) {
        if (count > 0) {
            print_list(c, origin, tenants, count);
        } else {
            cli_say(c, "no tenants yet; usher tenant add joynfsm NAME makes one");
        }
        return 0;
    }
    list = json_new(c->arena, JSON_ARRAY);
    for (size_t i = 0; i < count; i++) {
        struct json *tenant = tenant_json(c, origin, &tenants[i]);

        json_add_int(c->arena, tenant, "users", tenants[i].users);
        json_add_int(c->arena, tenant, "groups", tenants[i].groups);
        json_append(list, tenant);
    }
    cli_print_json(c, list);
    return 0;
}

static int run_remove(struct cli *c, const struct cli_args *args)
{
    struct str name = str_from_z(cli_arg(args, 0));
    struct err err = {.kind = ERR_NONE};

    if (!cli_db_open(c, &err) || !remove_tenant(c, name, &err))
        return cli_fail(c, &err);
    if (c->json) {
        struct json *out = json_new(c->arena, JSON_OBJECT);

        json_add_str(c->arena, out, "removed", name);
        cli_print_json(c, out);
    }
    cli_say(c, "tenant %.*s is gone, with its users, groups and keys", STR_ARG(name));
    return 0;
}

static const struct cli_option add_options[] = {
    {"--public-url", "URL", "where clients reach this service (default: where it listens)"},
    {"--schema", "FILE", "with generic: SCIM schemas, or a list of attributes, as JSON"},
};

static const struct cli_option list_options[] = {
    {"--public-url", "URL", "where clients reach this service (default: where it listens)"},
};

static const struct cli_command commands[] = {
    {
        .name = "tenant add",
        .makes_data = true,
        .usage = "KIND NAME [--schema FILE] [--public-url URL]",
        .summary = "add a tenant to the SCIM provider",
        .help =
            "A tenant is one application's user store behind a SCIM 2.0 base URL. KIND says how "
            "it\nbehaves: joynfsm and jostle like those applications, generic takes every "
            "standard\nattribute and groups. NAME becomes a part of the URL.\n\n"
            "  usher tenant add joynfsm field-crew\n"
            "  usher key add field-crew --description \"my connector\"\n",
        .options = add_options,
        .option_count = ARRAY_LEN(add_options),
        .min_args = 2,
        .max_args = 2,
        .run = run_add,
    },
    {
        .name = "tenant list",
        .usage = "[--public-url URL]",
        .summary = "list the tenants with their numbers of users and groups",
        .help = "  usher tenant list\n",
        .options = list_options,
        .option_count = ARRAY_LEN(list_options),
        .run = run_list,
    },
    {
        .name = "tenant remove",
        .usage = "NAME",
        .summary = "remove a tenant with its users, groups and keys",
        .help =
            "Nothing of it can be brought back; usher tenant export NAME writes a copy before.\n\n"
            "  usher tenant remove field-crew\n",
        .min_args = 1,
        .max_args = 1,
        .run = run_remove,
    },
};

extern const struct cli_commands tenant_commands;
const struct cli_commands tenant_commands = {commands, ARRAY_LEN(commands)};
