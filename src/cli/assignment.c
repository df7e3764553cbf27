/* `usher assignment ...`: who may use which application. */
#include "directory/assignment.h"

#include "cli/author.h"
#include "cli/object.h"
#include "cli/wire.h"

#include <string.h>

enum { LIST_DEFAULT = 100 };

/* --- list --- */

static struct json *assignment_json(struct cli *c, const struct directory_assignment *x,
                                    const struct directory_object *principal)
{
    struct json *v = json_new(c->arena, JSON_OBJECT);
    char created[TIME_TEXT_MAX];

    json_add_str(c->arena, v, "principalId", x->principal_id);
    json_add_z(c->arena, v, "principalType", x->kind == SOURCE_USER ? "User" : "Group");
    json_add_str(c->arena, v, "principalDisplayName",
                 principal ? directory_object_name(principal) : STR(""));
    if (principal && principal->kind == SOURCE_USER)
        json_add_str(c->arena, v, "userPrincipalName", directory_object_upn(principal));
    json_add_str(c->arena, v, "appRoleId", x->role.id);
    json_add_str(c->arena, v, "roleValue", x->role.value);
    json_add_str(c->arena, v, "roleName", x->role.name);
    json_add_str(c->arena, v, "createdDateTime", time_write(x->created_us, created));
    return v;
}

static struct str role_text(const struct directory_role *role)
{
    if (role->name.len)
        return role->name;
    if (role->value.len)
        return role->value;
    return str_eq(role->id, DIRECTORY_DEFAULT_ROLE) ? STR("default access") : role->id;
}

static bool print_assignments(struct cli *c, const struct directory_assignment *list, size_t count,
                              struct err *err)
{
    static const char *const headers[] = {"NAME", "WHO", "TYPE", "ROLE"};
    struct json *all = json_new(c->arena, JSON_ARRAY);
    struct cli_table *table = cli_table_new(c, headers, ARRAY_LEN(headers));

    for (size_t i = 0; i < count; i++) {
        struct directory_object o;
        struct str who;
        bool found;

        if (!directory_load(c->db_handle, c->arena, list[i].principal_id, &o, &found, err))
            return false;
        who = found ? directory_object_upn(&o) : STR("");
        json_append(all, assignment_json(c, &list[i], found ? &o : NULL));
        cli_table_row(table,
                      (const struct str[]){found ? directory_object_name(&o) : STR("?"),
                                           who.len ? who : list[i].principal_id,
                                           list[i].kind == SOURCE_USER ? STR("user") : STR("group"),
                                           role_text(&list[i].role)});
    }
    if (c->json) {
        cli_print_json(c, all);
    } else if (count) {
        cli_table_print(table);
    }
    return true;
}

static int run_list(struct cli *c, const struct cli_args *args)
{
    struct err err = {.kind = ERR_NONE};
    struct directory_assignment *list;
    int64_t limit = LIST_DEFAULT;
    struct job job;
    size_t count;
    size_t shown;

    if (!cli_value_int(args, "--limit", 1, 1000000, &limit, &err) ||
        !cli_job(c, cli_arg(args, 0), &job, &err) ||
        !directory_assignments(c->db_handle, c->arena, job.id,
                               str_from_z(cli_value(args, "--after")), STR("~"), (size_t)limit + 1,
                               &list, &count, &err))
        return cli_fail(c, &err);
    shown = count > (size_t)limit ? (size_t)limit : count;
    if (!print_assignments(c, list, shown, &err))
        return cli_fail(c, &err);
    if (count == 0)
        cli_say(c, "nobody is assigned to '%.*s'", STR_ARG(job.name));
    if (count > shown) {
        cli_say(c, "there are more: --limit %zu --after %.*s", shown,
                STR_ARG(list[shown - 1].principal_id));
    }
    return 0;
}

/* --- add, remove --- */

/* The id of a role that was given by its value alone: the same for the same value. */
static struct str role_id(struct cli *c, struct str value)
{
    uint64_t a = str_hash(value);
    uint64_t b = str_hash(arena_printf(c->arena, "role %.*s", STR_ARG(value)));

    return arena_printf(c->arena, "%08llx-%04llx-8%03llx-%04llx-%012llx",
                        (unsigned long long)(a >> 32), (unsigned long long)(a >> 16 & 0xFFFF),
                        (unsigned long long)(a & 0xFFF),
                        (unsigned long long)((b >> 48 & 0x3FFF) | 0x8000),
                        (unsigned long long)(b & UINT64_C(0xFFFFFFFFFFFF)));
}

static bool read_role(struct cli *c, const struct cli_args *args, struct directory_role *out,
                      struct err *err)
{
    const char *value = cli_value(args, "--role");
    const char *id = cli_value(args, "--role-id");

    *out = (struct directory_role){.value = str_from_z(value),
                                   .id = str_from_z(id),
                                   .name = str_from_z(cli_value(args, "--role-name"))};
    if (id && !uuid_valid(out->id))
        return err_set(err, ERR_INVALID, "usage", "--role-id takes a UUID, not '%s'", id);
    if (!id && value)
        out->id = role_id(c, out->value);
    return true;
}

struct change {
    struct job job;
    struct directory_role role;
    bool remove;
};

static bool note_change(struct cli *c, const struct change *x, const struct directory_object *o,
                        struct err *err)
{
    struct json *v = json_new(c->arena, JSON_OBJECT);
    const struct audit_change change = {
        .activity = AUDIT_USER,
        .app_id = x->job.id,
        .app_name = x->job.name,
        .subject = STR("assignment"),
        .before = x->remove ? v : NULL,
        .after = x->remove ? NULL : v,
    };

    json_add_str(c->arena, v, "principalId", o->id);
    json_add_str(c->arena, v, "principalDisplayName", directory_object_name(o));
    json_add_str(c->arena, v, "role", role_text(&x->role));
    return cli_note(c, &change, err);
}

static bool change_one(struct cli *c, struct directory_tx *tx, const struct change *x,
                       const char *who, bool *out_changed, struct err *err)
{
    struct directory_object o;

    if (!cli_object_find(c, who, DIRECTORY_ANY, &o, err))
        return false;
    if (x->remove ? !directory_unassign(tx, x->job.id, o.id, x->role.id, out_changed, err)
                  : !directory_assign(tx, x->job.id, &o, &x->role, out_changed, err))
        return false;
    return !*out_changed || note_change(c, x, &o, err);
}

static bool change_all(struct cli *c, const struct cli_args *args, const struct change *x,
                       int64_t *out_changed, struct err *err)
{
    struct directory_tx tx;

    if (!cli_directory_begin(c, &tx, err))
        return false;
    *out_changed = 0;
    for (int i = 1; i < cli_arg_count(args); i++) {
        bool changed;

        if (!change_one(c, &tx, x, cli_arg(args, i), &changed, err)) {
            directory_rollback(&tx);
            return false;
        }
        *out_changed += changed;
    }
    return directory_commit(&tx, err);
}

static int run_change(struct cli *c, const struct cli_args *args, struct change *x)
{
    struct err err = {.kind = ERR_NONE};
    int64_t changed;

    if (!cli_job(c, cli_arg(args, 0), &x->job, &err) || !read_role(c, args, &x->role, &err) ||
        !change_all(c, args, x, &changed, &err))
        return cli_fail(c, &err);
    if (c->json) {
        struct json *v = json_new(c->arena, JSON_OBJECT);

        json_add_str(c->arena, v, "application", x->job.name);
        json_add_int(c->arena, v, "changed", changed);
        cli_print_json(c, v);
    }
    if (changed == 0) {
        cli_say(c, "nothing to change for '%.*s'", STR_ARG(x->job.name));
    } else {
        cli_say(c, "%s %lld %s '%.*s'", x->remove ? "removed" : "assigned", (long long)changed,
                x->remove ? "from" : "to", STR_ARG(x->job.name));
    }
    return 0;
}

static int run_add(struct cli *c, const struct cli_args *args)
{
    struct change x = {.remove = false};

    return run_change(c, args, &x);
}

static int run_remove(struct cli *c, const struct cli_args *args)
{
    struct change x = {.remove = true};

    return run_change(c, args, &x);
}

static const struct cli_option list_options[] = {
    {"--limit", "N", "how many at most (default 100)"},
    {"--after", "ID", "go on after this person or group"},
};
static const struct cli_option add_options[] = {
    {"--role", "VALUE", "the role, as the application knows it (default: default access)"},
    {"--role-name", "NAME", "the role, as people know it"},
    {"--role-id", "UUID", "the id of the role (default: made from its value)"},
};
static const struct cli_option remove_options[] = {
    {"--role", "VALUE", "only this role (default: all roles)"},
    {"--role-id", "UUID", "only the role with this id"},
};

static const struct cli_command commands[] = {
    {
        .name = "assignment list",
        .usage = "N [--limit N] [--after ID]",
        .summary = "list who is assigned to an application",
        .help = "  usher assignment list demo\n",
        .options = list_options,
        .option_count = ARRAY_LEN(list_options),
        .min_args = 1,
        .max_args = 1,
        .run = run_list,
    },
    {
        .name = "assignment add",
        .usage = "N WHO ... [--role VALUE]",
        .summary = "assign people or groups to an application",
        .help = "WHO is an id, userPrincipalName, mail, employeeId or display name. An assigned\n"
                "group brings in its direct members; a group inside it does not count.\n\n"
                "  usher assignment add Plant ada@example.com \"Service Team\"\n",
        .options = add_options,
        .option_count = ARRAY_LEN(add_options),
        .min_args = 2,
        .max_args = -1,
        .run = run_add,
    },
    {
        .name = "assignment remove",
        .usage = "N WHO ... [--role VALUE]",
        .summary = "take the assignment of people or groups away",
        .help = "Who has no other assignment is out of scope then: the account is disabled.\n\n"
                "  usher assignment remove Plant ada@example.com\n",
        .options = remove_options,
        .option_count = ARRAY_LEN(remove_options),
        .min_args = 2,
        .max_args = -1,
        .run = run_remove,
    },
};
extern const struct cli_commands assignment_commands;
const struct cli_commands assignment_commands = {commands, ARRAY_LEN(commands)};
