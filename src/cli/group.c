/* `usher group ...`: groups and their members. */
#include "cli/object.h"
#include "directory/member.h"

static int run_list(struct cli *c, const struct cli_args *args)
{
    return cli_object_list(c, args, SOURCE_GROUP);
}

static int run_show(struct cli *c, const struct cli_args *args)
{
    return cli_object_show(c, args, SOURCE_GROUP);
}

static int run_add(struct cli *c, const struct cli_args *args)
{
    return cli_object_add(c, args, SOURCE_GROUP);
}

static int run_set(struct cli *c, const struct cli_args *args)
{
    return cli_object_set(c, args, SOURCE_GROUP);
}

static int run_remove(struct cli *c, const struct cli_args *args)
{
    return cli_object_remove(c, args, SOURCE_GROUP);
}

static int run_restore(struct cli *c, const struct cli_args *args)
{
    return cli_object_restore(c, args, SOURCE_GROUP);
}

typedef bool change_member(struct directory_tx *tx, struct str group_id, struct str member_id,
                           bool *out_changed, struct err *err);

/* All members of the command line in one transaction, so that a misspelt one leaves nothing. */
static bool change_members(struct cli *c, const struct cli_args *args, change_member *fn,
                           const struct directory_object *group, int64_t *out_changed,
                           struct err *err)
{
    enum cli_members_change what =
        fn == directory_member_add ? CLI_MEMBERS_ADDED : CLI_MEMBERS_REMOVED;
    struct json *names = json_new(c->arena, JSON_ARRAY);
    struct directory_tx tx;

    if (!cli_directory_begin(c, &tx, err))
        return false;
    *out_changed = 0;
    for (int i = 1; i < cli_arg_count(args); i++) {
        struct directory_object member;
        bool changed;

        if (!cli_object_find(c, cli_arg(args, i), DIRECTORY_ANY, &member, err) ||
            !fn(&tx, group->id, member.id, &changed, err)) {
            directory_rollback(&tx);
            return false;
        }
        *out_changed += changed;
        if (changed)
            json_append(names, json_string(c->arena, cli_object_title(c, &member)));
    }
    if (names->count > 0 && !cli_members_note(c, group, names, what, err)) {
        directory_rollback(&tx);
        return false;
    }
    return directory_commit(&tx, err);
}

static int run_members(struct cli *c, const struct cli_args *args, change_member *fn,
                       const char *what)
{
    struct err err = {.kind = ERR_NONE};
    struct directory_object group;
    int64_t changed;

    if (!cli_object_find(c, cli_arg(args, 0), DIRECTORY_GROUPS, &group, &err) ||
        !change_members(c, args, fn, &group, &changed, &err))
        return cli_fail(c, &err);
    if (c->json) {
        struct json *v = json_new(c->arena, JSON_OBJECT);

        json_add_str(c->arena, v, "objectId", group.id);
        json_add_int(c->arena, v, "changed", changed);
        cli_print_json(c, v);
    }
    cli_say(c, "%s %lld of %d in %.*s", what, (long long)changed, cli_arg_count(args) - 1,
            STR_ARG(cli_object_title(c, &group)));
    return 0;
}

static int run_add_member(struct cli *c, const struct cli_args *args)
{
    return run_members(c, args, directory_member_add, "added");
}

static int run_remove_member(struct cli *c, const struct cli_args *args)
{
    return run_members(c, args, directory_member_remove, "removed");
}

static const struct cli_command commands[] = {
    {
        .name = "group list",
        .usage = "[--limit N] [--after ID] [--deleted]",
        .summary = "list the groups of the directory",
        .help = "  usher group list\n",
        .options = cli_object_list_options,
        .option_count = ARRAY_LEN(cli_object_list_options),
        .run = run_list,
    },
    {
        .name = "group show",
        .usage = "WHO",
        .summary = "show a group and its members",
        .help = "WHO is the id, mail or display name of the group.\n\n"
                "  usher group show \"Service Team\"\n",
        .min_args = 1,
        .max_args = 1,
        .run = run_show,
    },
    {
        .name = "group add",
        .makes_data = true,
        .usage = "NAME [ATTRIBUTE=VALUE ...]",
        .summary = "add a group",
        .help = "  usher group add \"Service Team\" description=\"Everybody who drives\"\n",
        .min_args = 1,
        .max_args = -1,
        .run = run_add,
    },
    {
        .name = "group set",
        .usage = "WHO ATTRIBUTE=VALUE ...",
        .summary = "change attributes of a group",
        .help = "  usher group set \"Service Team\" displayName=\"Field Service\"\n",
        .min_args = 2,
        .max_args = -1,
        .run = run_set,
    },
    {
        .name = "group remove",
        .usage = "WHO [--permanently]",
        .summary = "move a group to the recycle bin, or remove for good",
        .help = "While a group is in the recycle bin, its members have nothing through it.\n\n"
                "  usher group remove \"Service Team\"\n",
        .options = cli_object_remove_options,
        .option_count = ARRAY_LEN(cli_object_remove_options),
        .min_args = 1,
        .max_args = 1,
        .run = run_remove,
    },
    {
        .name = "group restore",
        .usage = "WHO",
        .summary = "bring a group back from the recycle bin",
        .help = "  usher group restore \"Service Team\"\n",
        .min_args = 1,
        .max_args = 1,
        .run = run_restore,
    },
    {
        .name = "group add-member",
        .usage = "GROUP WHO ...",
        .summary = "put people or groups into a group",
        .help = "  usher group add-member \"Service Team\" ada@example.com grace@example.com\n",
        .min_args = 2,
        .max_args = -1,
        .run = run_add_member,
    },
    {
        .name = "group remove-member",
        .usage = "GROUP WHO ...",
        .summary = "take people or groups out of a group",
        .help = "  usher group remove-member \"Service Team\" ada@example.com\n",
        .min_args = 2,
        .max_args = -1,
        .run = run_remove_member,
    },
};
extern const struct cli_commands group_commands;
const struct cli_commands group_commands = {commands, ARRAY_LEN(commands)};
