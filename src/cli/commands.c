#include "cli/commands.h"

#include "cli/nearest.h"

#include <string.h>

#define COMMANDS(chapter, name) extern const struct cli_commands name##_commands;
#include "cli/commands.list"
#undef COMMANDS

#define COMMANDS(chapter, name) {chapter, &name##_commands},
const struct cli_entry cli_entries[] = {
#include "cli/commands.list"
};
#undef COMMANDS
const size_t cli_entry_count = ARRAY_LEN(cli_entries);

void cli_command_each(void (*fn)(void *ctx, const struct cli_command *command), void *ctx)
{
    for (size_t i = 0; i < cli_entry_count; i++) {
        for (size_t k = 0; k < cli_entries[i].table->count; k++)
            fn(ctx, &cli_entries[i].table->commands[k]);
    }
}

struct search {
    struct str name;  /* one word or two */
    struct str group; /* the first word */
    const struct cli_command *found;
    struct cli_nearest near_name;
    struct cli_nearest near_group;
    struct buf subs; /* second words of the group */
};

static void match(void *ctx, const struct cli_command *command)
{
    struct search *s = ctx;

    if (str_eq_z(s->name, command->name))
        s->found = command;
}

static void consider(void *ctx, const struct cli_command *command)
{
    struct search *s = ctx;
    struct str rest = str_from_z(command->name);
    struct str head;

    cli_nearest_try(&s->near_name, command->name);
    cli_nearest_try(&s->near_group, command->name);
    if (str_cut(&rest, ' ', &head) && str_eq(head, s->group))
        buf_addf(&s->subs, "%s%.*s", s->subs.len ? ", " : "", STR_ARG(rest));
}

static const struct cli_command *find(struct str name)
{
    struct search s = {.name = name};

    cli_command_each(match, &s);
    return s.found;
}

static bool unknown(struct str group, struct str name, struct err *err)
{
    struct search s = {.name = name, .group = group};
    const char *near;

    buf_init(&s.subs, 1024);
    cli_nearest_init(&s.near_name, name);
    cli_nearest_init(&s.near_group, group);
    cli_command_each(consider, &s);
    near = s.near_name.best;
    if (s.near_group.best && (!near || s.near_group.distance < s.near_name.distance))
        near = s.near_group.best;
    if (s.subs.len && name.len == group.len) {
        err_fill(err, ERR_INVALID, "usage", "'usher %.*s' needs one of: %.*s", STR_ARG(group),
                 STR_ARG(buf_str(&s.subs)));
    } else if (s.subs.len) {
        err_fill(err, ERR_INVALID, "usage", "there is no command 'usher %.*s'; there are: %.*s",
                 STR_ARG(name), STR_ARG(buf_str(&s.subs)));
    } else if (near) {
        err_fill(err, ERR_INVALID, "usage",
                 "there is no command 'usher %.*s'; did you mean 'usher %s'?", STR_ARG(group),
                 near);
    } else {
        err_fill(err, ERR_INVALID, "usage",
                 "there is no command 'usher %.*s'; 'usher help' lists them all", STR_ARG(group));
    }
    buf_done(&s.subs);
    return false;
}

bool cli_command_find(int argc, char **argv, const struct cli_command **out, int *out_words,
                      struct err *err)
{
    const struct cli_command *command = NULL;
    struct str group = str_from_z(argv[0]);
    struct str pair = {NULL, 0};
    char both[128];

    if (argc > 1 && argv[1][0] != '-') {
        int n = snprintf(both, sizeof(both), "%s %s", argv[0], argv[1]);

        if (n > 0 && (size_t)n < sizeof(both)) {
            pair = (struct str){both, (size_t)n};
            command = find(pair);
        }
    }
    if (command) {
        *out_words = 2;
    } else {
        command = find(group);
        *out_words = 1;
    }
    if (!command)
        return unknown(group, pair.len ? pair : group, err);
    *out = command;
    return true;
}

struct group_search {
    struct str word;
    bool found;
};

static void is_member(void *ctx, const struct cli_command *command)
{
    struct group_search *s = ctx;
    struct str rest = str_from_z(command->name);
    struct str head;

    if (str_cut(&rest, ' ', &head) && str_eq(head, s->word))
        s->found = true;
}

bool cli_command_is_group(struct str word)
{
    struct group_search s = {.word = word};

    cli_command_each(is_member, &s);
    return s.found;
}
