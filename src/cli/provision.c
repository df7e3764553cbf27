/* `usher provision N WHO`: one person or group, on demand, step by step. */
#include "cli/record.h"
#include "cli/wire.h"

static void print_outcome(struct cli *c, const struct journal_record *r, bool dry)
{
    if (r->code.len || r->message.len) {
        cli_say(c, "%.*s%s%.*s", STR_ARG(r->code), r->code.len ? ": " : "", STR_ARG(r->message));
    }
    cli_say(c, "%s: %s %.*s%s%.*s%s", journal_status_name(r->status),
            journal_action_name(r->action), STR_ARG(r->source_name),
            r->target_id.len ? ", account " : "", STR_ARG(r->target_id),
            dry ? " (dry run: nothing was sent)" : "");
}

static int print_result(struct cli *c, const struct journal_record *r, bool dry)
{
    if (c->json) {
        cli_print_json(c, journal_to_json(c->arena, r));
    } else {
        cli_record_print(c, r);
        print_outcome(c, r, dry);
    }
    return r->status == STATUS_FAILURE ? 1 : 0;
}

static int run_provision(struct cli *c, const struct cli_args *args)
{
    CLEANUP(cli_wire_end) struct cli_wire w = {.cli = c};
    bool dry = cli_flag(args, "--dry-run");
    struct err err = {.kind = ERR_NONE};
    struct journal_record record;
    struct job job;

    if (!cli_wire_begin(&w, c, &err) || !cli_job(c, cli_arg(args, 0), &job, &err) ||
        !engine_provision(&w.engine, job.no, str_from_z(cli_arg(args, 1)),
                          dry ? ENGINE_SHOW : ENGINE_SEND, w.engine.author, c->arena, &record,
                          &err))
        return cli_fail(c, &err);
    return print_result(c, &record, dry);
}

static const struct cli_option provision_options[] = {
    {"--dry-run", NULL, "everything but sending: shows the request that would go out"},
    CLI_RECORD_OPTION,
};

static const struct cli_command commands[] = {
    {
        .name = "provision",
        .usage = "N WHO [--dry-run]",
        .summary = "bring one person or group up to date, step by step",
        .help =
            "WHO is an id, userPrincipalName, mail, employeeId or display name; who is disabled, out\n"
            "of scope or deleted, too. A group goes with all its members. The job need not be\n"
            "started. Takes the same walk as a cycle, and asks the application about an account\n"
            "that seems to be right, too.\n\n"
            "  usher provision demo WHO --dry-run\n",
        .options = provision_options,
        .option_count = ARRAY_LEN(provision_options),
        .min_args = 2,
        .max_args = 2,
        .run = run_provision,
    },
};

const struct cli_commands provision_commands = {commands, ARRAY_LEN(commands)};
