/* `usher members reassert N GROUP|--all`: the members of a group, sent again. */
#include "cli/cycle.h"
#include "cli/wire.h"

static bool reassert(struct cli_wire *w, const struct cli_args *args, struct job *job,
                     int64_t *out_groups, struct err *err)
{
    const char *group = cli_arg(args, 1);

    if ((group[0] != '\0') == cli_flag(args, "--all"))
        return err_set(err, ERR_INVALID, "usage", "say which group, or --all");
    return cli_wire_begin(w, w->cli, err) && cli_job(w->cli, cli_arg(args, 0), job, err) &&
           engine_reassert(&w->engine, job->no, str_from_z(group), out_groups, err);
}

static int run_reassert(struct cli *c, const struct cli_args *args)
{
    CLEANUP(cli_wire_end) struct cli_wire w = {.cli = c};
    struct err err = {.kind = ERR_NONE};
    int64_t groups = 0;
    struct job job;

    if (!reassert(&w, args, &job, &groups, &err))
        return cli_fail(c, &err);
    if (c->json) {
        struct json *out = json_new(c->arena, JSON_OBJECT);

        json_add_int(c->arena, out, "groups", groups);
        cli_print_json(c, out);
    } else {
        cli_say(c,
                "the next cycle of '%.*s' sends the members of %lld groups again; it runs in "
                "'usher serve', or now with 'usher start %.*s --wait'",
                STR_ARG(job.name), (long long)groups, STR_ARG(job.name));
    }
    return 0;
}

static const struct cli_option options[] = {
    {"--all", NULL, "all groups that the application has from here"},
};

static const struct cli_command commands[] = {
    {
        .name = "members reassert",
        .usage = "N GROUP | N --all",
        .summary = "send the members of a group again",
        .help =
            "An application is told who joins a group and who leaves it; its own list is not\n"
            "read. When somebody has taken members out there, this puts them back with the next\n"
            "cycle. Nobody is taken out by it.\n\n"
            "  usher members reassert demo --all\n",
        .options = options,
        .option_count = ARRAY_LEN(options),
        .min_args = 1,
        .max_args = 2,
        .run = run_reassert,
    },
};
const struct cli_commands members_commands = {commands, ARRAY_LEN(commands)};
