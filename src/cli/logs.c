/* `usher logs N`: the provisioning log, newest first. */
#include "cli/record.h"
#include "cli/wire.h"
#include "directory/object.h"

#include <string.h>

enum { LIMIT_DEFAULT = 50, LIMIT_MAX = 10000 };

static bool parse_query(const struct cli_args *args, struct journal_query *q, struct err *err)
{
    const char *status = cli_value(args, "--status");
    const char *action = cli_value(args, "--action");
    int64_t limit = LIMIT_DEFAULT;
    int64_t before = 0;

    *q = (struct journal_query){
        .who = str_from_z(cli_value(args, "--who")),
        .cycle_id = str_from_z(cli_value(args, "--cycle")),
        .code = str_from_z(cli_value(args, "--code")),
        .by_status = status != NULL,
        .by_action = action != NULL,
    };
    if (status && !journal_status_from_name(str_from_z(status), &q->status)) {
        return err_set(err, ERR_INVALID, "usage",
                       "--status is success, failure, skipped or warning, not '%s'", status);
    }
    if (action && !journal_action_from_name(str_from_z(action), &q->action)) {
        return err_set(err, ERR_INVALID, "usage",
                       "--action is create, update, delete, disable, stagedDelete or other, not "
                       "'%s'",
                       action);
    }
    if (!cli_value_int(args, "--limit", 1, LIMIT_MAX, &limit, err) ||
        !cli_value_int(args, "--before", 1, INT64_MAX, &before, err))
        return false;
    q->limit = (size_t)limit;
    q->before_no = before;
    return true;
}

/* Records know names and ids. What else means somebody in the directory (userPrincipalName, mail,
 * employeeId) is turned into the id; any other text is looked for as it is. */
static bool resolve_who(struct cli *c, struct journal_query *q, struct err *err)
{
    struct directory_object found;
    struct err why = {.kind = ERR_NONE};

    if (!q->who.len) {
        return true;
    }
    if (directory_find(c->db_handle, c->arena, q->who, DIRECTORY_ANY, &found, &why)) {
        q->who = found.id;
        return true;
    }
    if (why.kind == ERR_NOT_FOUND || why.kind == ERR_CONFLICT) {
        return true;
    }
    *err = why;
    return false;
}

static bool is_filtered(const struct journal_query *q)
{
    return q->who.len || q->cycle_id.len || q->code.len || q->by_action || q->by_status ||
           q->before_no;
}

static void print_json(struct cli *c, const struct journal_record *records, size_t count)
{
    struct json *array = json_new(c->arena, JSON_ARRAY);

    for (size_t i = 0; i < count; i++)
        json_append(array, journal_to_json(c->arena, &records[i]));
    cli_print_json(c, array);
}

static struct str name_of(const struct journal_record *r)
{
    return r->source_name.len ? r->source_name : r->source_id.len ? r->source_id : r->target_id;
}

static struct str detail_of(struct cli *c, const struct journal_record *r)
{
    if (r->code.len)
        return arena_printf(c->arena, "%.*s: %.*s", STR_ARG(r->code), STR_ARG(r->message));
    if (r->message.len)
        return r->message;
    return arena_printf(c->arena, "%zu attribute%s", r->property_count,
                        r->property_count == 1 ? "" : "s");
}

static void print_table(struct cli *c, const struct journal_record *records, size_t count)
{
    static const char *const headers[] = {"NO", "TIME", "ACTION", "STATUS", "WHO", "WHAT"};
    struct cli_table *table = cli_table_new(c, headers, ARRAY_LEN(headers));

    for (size_t i = 0; i < count; i++) {
        const struct journal_record *r = &records[i];
        char time[TIME_TEXT_MAX];

        time_write(r->at_us, time);
        cli_table_row(table, (struct str[]){
                                 arena_printf(c->arena, "%lld", (long long)r->no),
                                 str_sub(str_from_z(time), 0, sizeof("2026-03-01T10:15:30") - 1),
                                 str_from_z(journal_action_name(r->action)),
                                 str_from_z(journal_status_name(r->status)),
                                 name_of(r),
                                 detail_of(c, r),
                             });
    }
    cli_table_print(table);
}

static void print_steps(struct cli *c, const struct journal_record *records, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct journal_record *r = &records[i];
        char time[TIME_TEXT_MAX];

        fprintf(c->out, "%s#%lld  %.*s  %s %s  %.*s\n", i ? "\n" : "", (long long)r->no,
                STR_ARG(time_write(r->at_us, time)), journal_action_name(r->action),
                journal_status_name(r->status), STR_ARG(name_of(r)));
        if (r->code.len || r->message.len) {
            fprintf(c->out, "   %.*s%s%.*s\n", STR_ARG(r->code), r->code.len ? ": " : "",
                    STR_ARG(r->message));
        }
        cli_record_print(c, r);
    }
}

static int run_logs(struct cli *c, const struct cli_args *args)
{
    struct err err = {.kind = ERR_NONE};
    struct journal_record *records;
    struct journal_query q;
    struct job job;
    size_t count;

    if (!parse_query(args, &q, &err) || !cli_job(c, cli_arg(args, 0), &job, &err) ||
        !resolve_who(c, &q, &err) ||
        !journal_list(c->db_handle, c->arena, job.no, &q, &records, &count, &err))
        return cli_fail(c, &err);
    if (c->json) {
        print_json(c, records, count);
    } else if (!count) {
        cli_say(c, "no records%s", is_filtered(&q) ? " that fit" : " yet");
    } else if (cli_flag(args, "--steps")) {
        print_steps(c, records, count);
    } else {
        print_table(c, records, count);
    }
    if (count == q.limit)
        cli_say(c, "older ones: --before %lld", (long long)records[count - 1].no);
    return 0;
}

static const struct cli_option logs_options[] = {
    {"--who", "TEXT", "name, id or userPrincipalName; a part of a name is enough"},
    {"--status", "S", "success, failure, skipped or warning"},
    {"--action", "A", "create, update, delete, disable, stagedDelete or other"},
    {"--cycle", "ID", "records of one cycle"},
    {"--code", "CODE", "an error code or skip reason"},
    {"--limit", "N", "how many, newest first (default 50)"},
    {"--before", "NO", "only records older than this number"},
    {"--steps", NULL, "each record's steps and what changed"},
};

static const struct cli_command commands[] = {
    {
        .name = "logs",
        .usage = "N [--who TEXT] [--status S] [--action A] [--steps] ...",
        .summary = "what was done for whom, why, and what failed",
        .help = "  usher logs demo --status failure --steps\n",
        .options = logs_options,
        .option_count = ARRAY_LEN(logs_options),
        .min_args = 1,
        .max_args = 1,
        .run = run_logs,
    },
};

const struct cli_commands logs_commands = {commands, ARRAY_LEN(commands)};
