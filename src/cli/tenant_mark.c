/* `usher tenant mark`: what a person does in an application that a tenant imitates. */
#include "cli/author.h"
#include "provider/imitation/mark.h"

#include <string.h>

static const struct {
    const char *name;
    enum provider_marking what;
    const char *said;
} marks[] = {
    {"accepted", PROVIDER_ACCEPT, "has accepted"},
    {"busy", PROVIDER_BUSY, "is busy"},
    {"free", PROVIDER_FREE, "is not busy any more"},
};

static bool mark_and_note(struct cli *c, struct str tenant, struct str user, size_t mark,
                          struct err *err)
{
    struct json *after = json_new(c->arena, JSON_OBJECT);
    const struct audit_change change = {
        .activity = AUDIT_SETTING,
        .subject = arena_printf(c->arena, "tenant %.*s", STR_ARG(tenant)),
        .after = after,
    };

    json_add_str(c->arena, after, "user", user);
    json_add_z(c->arena, after, "mark", marks[mark].name);
    if (!db_begin(c->db_handle, DB_WRITE, err))
        return false;
    if (provider_mark_user(c->db_handle, tenant, user, marks[mark].what, err) &&
        cli_note(c, &change, err))
        return db_commit(c->db_handle, err);
    db_rollback(c->db_handle);
    return false;
}

static int run_mark(struct cli *c, const struct cli_args *args)
{
    struct str tenant = str_from_z(cli_arg(args, 0)), user = str_from_z(cli_arg(args, 1));
    const char *name = cli_arg(args, 2);
    struct err err = {.kind = ERR_NONE};
    size_t mark = 0;

    while (mark < ARRAY_LEN(marks) && strcmp(name, marks[mark].name) != 0)
        mark++;
    if (mark == ARRAY_LEN(marks))
        return cli_usage(c, "'%s' is not accepted, busy or free", name);
    if (!cli_db_open(c, &err) || !mark_and_note(c, tenant, user, mark, &err))
        return cli_fail(c, &err);
    if (c->json) {
        struct json *out = json_new(c->arena, JSON_OBJECT);

        json_add_str(c->arena, out, "tenant", tenant);
        json_add_str(c->arena, out, "user", user);
        json_add_z(c->arena, out, "mark", name);
        cli_print_json(c, out);
    }
    cli_say(c, "%.*s %s", STR_ARG(user), marks[mark].said);
    return 0;
}

static const struct cli_command commands[] = {
    {
        .name = "tenant mark",
        .usage = "NAME USER accepted|busy|free",
        .summary = "say of a user of a tenant that they accepted, or are busy",
        .help = "For tenants that imitate an application in which new users first accept an "
                "invitation\n(--switch activationDelay=on, deleteOnDisable=invited), or in which "
                "a user who is busy\ncannot be deleted (deleteRefused). USER is a userName.\n\n"
                "  usher tenant mark field-crew ada@contoso.test accepted\n",
        .min_args = 3,
        .max_args = 3,
        .run = run_mark,
    },
};

extern const struct cli_commands tenant_mark_commands;
const struct cli_commands tenant_mark_commands = {commands, ARRAY_LEN(commands)};
