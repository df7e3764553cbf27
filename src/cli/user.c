/* `usher user ...`: people. */
#include "cli/object.h"

static int run_list(struct cli *c, const struct cli_args *args)
{
    return cli_object_list(c, args, SOURCE_USER);
}

static int run_show(struct cli *c, const struct cli_args *args)
{
    return cli_object_show(c, args, SOURCE_USER);
}

static int run_add(struct cli *c, const struct cli_args *args)
{
    return cli_object_add(c, args, SOURCE_USER);
}

static int run_set(struct cli *c, const struct cli_args *args)
{
    return cli_object_set(c, args, SOURCE_USER);
}

static int run_remove(struct cli *c, const struct cli_args *args)
{
    return cli_object_remove(c, args, SOURCE_USER);
}

static int run_restore(struct cli *c, const struct cli_args *args)
{
    return cli_object_restore(c, args, SOURCE_USER);
}

static const struct cli_command commands[] = {
    {
        .name = "user list",
        .usage = "[--limit N] [--after ID] [--deleted]",
        .summary = "list the people of the directory",
        .help = "  usher user list --limit 20\n  usher user list --deleted\n",
        .options = cli_object_list_options,
        .option_count = ARRAY_LEN(cli_object_list_options),
        .run = run_list,
    },
    {
        .name = "user show",
        .usage = "WHO",
        .summary = "show all attributes of a person, and the groups",
        .help = "WHO is an id, userPrincipalName, mail, employeeId or display name.\n\n"
                "  usher user show ada@example.com\n",
        .min_args = 1,
        .max_args = 1,
        .run = run_show,
    },
    {
        .name = "user add",
        .makes_data = true,
        .usage = "UPN [ATTRIBUTE=VALUE ...]",
        .summary = "add a person",
        .help =
            "UPN is the userPrincipalName, alias@domain. Attributes are those of 'usher import'.\n\n"
            "  usher user add ada@example.com displayName=\"Ada Lovelace\" department=Research\n",
        .min_args = 1,
        .max_args = -1,
        .run = run_add,
    },
    {
        .name = "user set",
        .usage = "WHO ATTRIBUTE=VALUE ...",
        .summary = "change attributes of a person",
        .help = "An empty value clears the attribute. manager takes an id, userPrincipalName or\n"
                "employeeId; values of a multi-valued attribute are separated by ';'.\n\n"
                "  usher user set ada@example.com department=Research manager=\n",
        .min_args = 2,
        .max_args = -1,
        .run = run_set,
    },
    {
        .name = "user remove",
        .usage = "WHO [--permanently]",
        .summary = "move a person to the recycle bin, or remove for good",
        .help =
            "From the recycle bin 'usher user restore' brings a person back. Accounts are\n"
            "disabled while somebody is there, and deleted when somebody is removed for good.\n\n"
            "  usher user remove ada@example.com\n",
        .options = cli_object_remove_options,
        .option_count = ARRAY_LEN(cli_object_remove_options),
        .min_args = 1,
        .max_args = 1,
        .run = run_remove,
    },
    {
        .name = "user restore",
        .usage = "WHO",
        .summary = "bring a person back from the recycle bin",
        .help = "  usher user restore ada@example.com\n",
        .min_args = 1,
        .max_args = 1,
        .run = run_restore,
    },
};
extern const struct cli_commands user_commands;
const struct cli_commands user_commands = {commands, ARRAY_LEN(commands)};
