/* `usher logs N`: the provisioning log, newest first. */
#include "cli/logs_export.h"
#include "cli/record.h"
#include "cli/wire.h"
#include "directory/object.h"

#include <string.h>
#include <time.h>

enum { LIMIT_DEFAULT = 50, LIMIT_MAX = 10000, FOLLOW_FIRST = 10, LOOK_EVERY_MS = 500 };

static bool parse_time(const struct cli_args *args, const char *option, int64_t *out,
                       struct err *err)
{
    const char *text = cli_value(args, option);

    return !text || time_parse(str_from_z(text), out) ||
           err_set(err, ERR_INVALID, "usage", "%s is a time such as 2026-03-01T08:00:00Z, not '%s'",
                   option, text);
}

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
    return parse_time(args, "--since", &q->from_us, err) &&
           parse_time(args, "--until", &q->to_us, err);
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

static bool resolve_cycle(struct cli *c, const struct job *job, struct journal_query *q,
                          struct err *err)
{
    struct cycle cycle;

    if (!q->cycle_id.len)
        return true;
    if (!cycle_find(c->db_handle, c->arena, job, q->cycle_id, &cycle, err))
        return false;
    q->cycle_id = cycle.id;
    return true;
}

static bool is_filtered(const struct journal_query *q)
{
    return q->who.len || q->cycle_id.len || q->code.len || q->by_action || q->by_status ||
           q->before_no || q->from_us || q->to_us;
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

/* --- following --- */

static void print_line(struct cli *c, struct arena *a, const struct journal_record *r)
{
    char time[TIME_TEXT_MAX];

    if (c->json) {
        fprintf(c->out, "%.*s\n", STR_ARG(json_text(a, journal_to_json(a, r))));
        return;
    }
    time_write(r->at_us, time);
    fprintf(c->out, "%lld  %.19s  %-12s  %-8s  %.*s  %.*s\n", (long long)r->no, time,
            journal_action_name(r->action), journal_status_name(r->status),
            STR_ARG(cli_one_line(a, name_of(r))), STR_ARG(cli_one_line(a, detail_of(c, r))));
}

/* What came after the newest one seen, oldest first; of more than a page at once the newest. */
static bool follow(struct cli *c, int64_t job_no, struct journal_query q, struct err *err)
{
    const struct timespec wait = {.tv_nsec = LOOK_EVERY_MS * 1000000L};
    CLEANUP(arena_freep) struct arena *a = arena_new();

    q.limit = FOLLOW_FIRST;
    while (!*cli_interrupted() && !ferror(c->out)) {
        struct journal_record *list;
        size_t count;

        arena_reset(a);
        if (!journal_list(c->db_handle, a, job_no, &q, &list, &count, err))
            return false;
        for (size_t i = count; i-- > 0;)
            print_line(c, a, &list[i]);
        fflush(c->out);
        if (count)
            q.after_no = list[0].no;
        q.limit = LIMIT_MAX;
        nanosleep(&wait, NULL);
    }
    return true;
}

static int run_follow(struct cli *c, int64_t job_no, const struct journal_query *q)
{
    struct err err = {.kind = ERR_NONE};

    cli_interrupt_begin();
    return follow(c, job_no, *q, &err) ? 0 : cli_fail(c, &err);
}

static int run_export(struct cli *c, int64_t job_no, const struct journal_query *q,
                      const char *path)
{
    struct err err = {.kind = ERR_NONE};
    int64_t count;

    if (!cli_logs_export(c, job_no, q, path, &count, &err))
        return cli_fail(c, &err);
    if (strcmp(path, "-") != 0)
        cli_say(c, "%lld records in %s", (long long)count, path);
    return *cli_interrupted() ? 1 : 0;
}

/* --- one record --- */

/* By the record's id, or by its number in an application's log. */
static bool find_record(struct cli *c, const struct cli_args *args, struct journal_record *out,
                        struct err *err)
{
    struct str id = str_from_z(cli_arg(args, cli_arg_count(args) - 1));
    int64_t job_no, no;
    struct job job;
    bool found;

    if (cli_arg_count(args) == 2) {
        if (!str_to_int(id, 1, INT64_MAX, &no))
            return err_set(err, ERR_INVALID, "usage", "a record's number, not '%.*s'", STR_ARG(id));
        if (!cli_job(c, cli_arg(args, 0), &job, err))
            return false;
        job_no = job.no;
    } else if (!journal_record_numbers(id, &job_no, &no)) {
        return err_set(err, ERR_INVALID, "usage",
                       "'%.*s' is no record's id; with a number: usher logs show N NO",
                       STR_ARG(id));
    }
    if (!cli_db_open(c, err) || !journal_load(c->db_handle, c->arena, job_no, no, out, &found, err))
        return false;
    return found || err_set(err, ERR_NOT_FOUND, "recordNotFound",
                            "no record '%.*s': records go after the application's "
                            "journal.retention",
                            STR_ARG(id));
}

static int run_show(struct cli *c, const struct cli_args *args)
{
    struct err err = {.kind = ERR_NONE};
    struct journal_record r;

    if (!find_record(c, args, &r, &err))
        return cli_fail(c, &err);
    if (c->json) {
        cli_print_json(c, journal_to_json(c->arena, &r));
        return 0;
    }
    print_steps(c, &r, 1);
    fprintf(c->out, "   source %.*s %.*s\n   target %.*s %.*s\n", STR_ARG(r.source_id),
            STR_ARG(cli_one_line(c->arena, r.source_login)),
            STR_ARG(cli_one_line(c->arena, r.target_id)),
            STR_ARG(cli_one_line(c->arena, r.target_name)));
    fprintf(c->out, "   cycle  %.*s\n   took   %lld ms, by %.*s\n",
            STR_ARG(r.cycle_id.len ? r.cycle_id : STR("none: on demand")),
            (long long)(r.duration_us / US_PER_MS), STR_ARG(r.initiated_by));
    return 0;
}

static int run_logs(struct cli *c, const struct cli_args *args)
{
    struct err err = {.kind = ERR_NONE};
    struct journal_record *records;
    struct journal_query q;
    struct job job;
    size_t count;

    if (!parse_query(args, &q, &err) || !cli_job(c, cli_arg(args, 0), &job, &err) ||
        !resolve_who(c, &q, &err) || !resolve_cycle(c, &job, &q, &err))
        return cli_fail(c, &err);
    if (cli_value(args, "--export") && (cli_flag(args, "--follow") || cli_flag(args, "-f")))
        return cli_usage(c, "--export writes what there is, --follow waits for more: one of them");
    if (cli_value(args, "--export"))
        return run_export(c, job.no, &q, cli_value(args, "--export"));
    if (cli_flag(args, "--follow") || cli_flag(args, "-f"))
        return run_follow(c, job.no, &q);
    if (!journal_list(c->db_handle, c->arena, job.no, &q, &records, &count, &err))
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
    {"--cycle", "ID", "records of one cycle: its id or the first letters of it, or 'last'"},
    {"--code", "CODE", "an error code or skip reason"},
    {"--since", "TIME", "not older than this"},
    {"--until", "TIME", "not newer than this"},
    {"--export", "FILE", "all that fit, as JSON Lines, or as three files of CSV: NAME.csv"},
    {"--follow", NULL, "show new records as they come, until interrupted"},
    {"-f", NULL, "the same"},
    {"--limit", "N", "how many, newest first (default 50)"},
    {"--before", "NO", "only records older than this number"},
    {"--steps", NULL, "each record's steps and what changed"},
};

static const struct cli_command commands[] = {
    {
        .name = "logs",
        .usage = "N [--who TEXT] [--status S] [--since TIME] [--export FILE | --follow] ...",
        .summary = "what was done for whom, why, and what failed",
        .help =
            "Conditions are combined. An export has all records that fit, newest first; as CSV it\n"
            "is three files joined by changeId: NAME.csv, NAME_ProvisioningSteps.csv and\n"
            "NAME_ModifiedProperties.csv.\n\n"
            "  usher logs demo --status failure --steps\n"
            "  usher logs demo --since 2026-03-01 --export ProvisioningLogs.csv\n",
        .options = logs_options,
        .option_count = ARRAY_LEN(logs_options),
        .min_args = 1,
        .max_args = 1,
        .run = run_logs,
    },
    {
        .name = "logs show",
        .usage = "ID | N NO",
        .summary = "one record of the log, with its steps",
        .help =
            "ID is the id of the record, as in the JSON; or N an application and NO the number.\n\n"
            "  usher logs show demo 1\n",
        .min_args = 1,
        .max_args = 2,
        .run = run_show,
    },
};

const struct cli_commands logs_commands = {commands, ARRAY_LEN(commands)};
