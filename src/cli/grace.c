/* `usher grace N`, `usher grace cancel N WHO`: removals in their grace period (engine.md 6.3). */
#include "cli/author.h"
#include "cli/wire.h"
#include "directory/object.h"
#include "job/due.h"

enum { PAGE = 200, LIMIT_DEFAULT = 100, LIMIT_MAX = 1000000 };

static struct json *row_json(struct arena *a, const struct due *row)
{
    struct json *v = json_new(a, JSON_OBJECT);
    char at[TIME_TEXT_MAX];

    json_add_str(a, v, "sourceId", row->source_id);
    json_add_z(a, v, "kind", row->kind == SOURCE_USER ? "user" : "group");
    json_add_str(a, v, "name", row->display_name);
    json_add_z(a, v, "event", removal_event_name((enum removal_event)row->reason));
    json_add_str(a, v, "action", row->action);
    json_add_z(a, v, "state", row->state == DUE_CANCELLED ? "cancelled" : "waiting");
    json_add_str(a, v, "since", arena_str(a, time_write(row->since_us, at)));
    if (row->state == DUE_WAITING) {
        json_add_str(a, v, "due", arena_str(a, time_write(row->due_us, at)));
    } else {
        json_add_null(a, v, "due");
    }
    return v;
}

static void table_row(struct cli *c, struct cli_table *table, const struct due *row)
{
    char at[TIME_TEXT_MAX];

    time_write(row->due_us, at);
    cli_table_row(table, (struct str[]){
                             row->state == DUE_CANCELLED
                                 ? STR("cancelled")
                                 : arena_str(c->arena, str_sub(str_from_z(at), 0, 19)),
                             row->action,
                             str_from_z(removal_event_name((enum removal_event)row->reason)),
                             row->display_name.len ? row->display_name : row->source_id,
                             row->source_id,
                         });
}

/* Calls for each row until limit; *out_more when there are others. */
static bool list(struct cli *c, int64_t job_no, int64_t limit, struct cli_table *table,
                 struct json *array, int64_t *out_count, bool *out_more, struct err *err)
{
    struct due *rows = NULL;
    size_t count = PAGE;

    *out_count = 0;
    *out_more = false;
    while (count == PAGE) {
        const struct due *after = rows ? &rows[PAGE - 1] : NULL;

        if (!due_removals(c->db_handle, c->arena, job_no, after, PAGE, &rows, &count, err))
            return false;
        for (size_t i = 0; i < count; i++) {
            if (*out_count == limit) {
                *out_more = true;
                return true;
            }
            (*out_count)++;
            if (array) {
                json_append(array, row_json(c->arena, &rows[i]));
            } else {
                table_row(c, table, &rows[i]);
            }
        }
    }
    return true;
}

static int run_grace(struct cli *c, const struct cli_args *args)
{
    static const char *const headers[] = {"DUE", "ACTION", "BECAUSE", "WHO", "ID"};
    struct cli_table *table;
    struct json *array = c->json ? json_new(c->arena, JSON_ARRAY) : NULL;
    struct err err = {.kind = ERR_NONE};
    struct job job;
    int64_t limit = c->json ? LIMIT_MAX : LIMIT_DEFAULT;
    int64_t count;
    bool more;

    table = cli_table_new(c, headers, ARRAY_LEN(headers));
    if (!cli_value_int(args, "--limit", 1, LIMIT_MAX, &limit, &err) || !cli_db_open(c, &err) ||
        !cli_job(c, cli_arg(args, 0), &job, &err) ||
        !list(c, job.no, limit, table, array, &count, &more, &err))
        return cli_fail(c, &err);
    if (array) {
        cli_print_json(c, array);
    } else if (count == 0) {
        cli_say(c, "no removal of '%.*s' waits for the end of a grace period", STR_ARG(job.name));
    } else {
        cli_table_print(table);
        if (more)
            cli_say(c, "... and more (--limit shows them)");
    }
    return 0;
}

/* Who has gone for good is known by id, or by the name in the list. */
static bool resolve(struct cli *c, int64_t job_no, struct str who, struct str *out, struct err *err)
{
    struct directory_object o;
    struct due *rows = NULL;
    struct err why = {.kind = ERR_NONE};
    size_t count = PAGE;

    if (directory_find(c->db_handle, c->arena, who, DIRECTORY_ANY, &o, &why)) {
        *out = o.id;
        return true;
    }
    *err = why;
    if (why.kind != ERR_NOT_FOUND)
        return false;
    while (count == PAGE) {
        const struct due *after = rows ? &rows[PAGE - 1] : NULL;

        if (!due_removals(c->db_handle, c->arena, job_no, after, PAGE, &rows, &count, err))
            return false;
        for (size_t i = 0; i < count; i++) {
            if (str_eq(rows[i].source_id, who) || str_eq_ascii_nocase(rows[i].display_name, who)) {
                *out = rows[i].source_id;
                return true;
            }
        }
    }
    *err = why;
    return false;
}

static bool cancel(struct cli *c, const struct job *job, struct str who, struct str id,
                   int64_t *out_count, struct err *err)
{
    struct json *after = json_new(c->arena, JSON_OBJECT);
    const struct audit_change change = {
        .activity = AUDIT_OTHER,
        .app_id = job->id,
        .app_name = job->name,
        .subject = STR("removal in its grace period"),
        .after = after,
    };

    json_add_str(c->arena, after, "cancelled", id);
    json_add_str(c->arena, after, "who", who);
    if (!due_cancel(c->db_handle, job->no, id, out_count, err))
        return false;
    if (*out_count == 0) {
        return err_set(err, ERR_NOT_FOUND, "noRemoval",
                       "no removal of '%.*s' waits in '%.*s'; 'usher grace' lists them",
                       STR_ARG(who), STR_ARG(job->name));
    }
    return cli_note(c, &change, err);
}

static int run_cancel(struct cli *c, const struct cli_args *args)
{
    struct str who = str_from_z(cli_arg(args, 1));
    struct err err = {.kind = ERR_NONE};
    struct job job;
    struct str id;
    int64_t count;

    if (!cli_db_open(c, &err) || !cli_job(c, cli_arg(args, 0), &job, &err) ||
        !resolve(c, job.no, who, &id, &err) || !db_begin(c->db_handle, DB_WRITE, &err))
        return cli_fail(c, &err);
    if (!cancel(c, &job, who, id, &count, &err) || !db_commit(c->db_handle, &err)) {
        db_rollback(c->db_handle);
        return cli_fail(c, &err);
    }
    if (c->json) {
        struct json *v = json_new(c->arena, JSON_OBJECT);

        json_add_str(c->arena, v, "sourceId", id);
        json_add_int(c->arena, v, "cancelled", count);
        cli_print_json(c, v);
    } else {
        cli_say(c, "cancelled: the account stays as it is until its person or group changes");
    }
    return 0;
}

static const struct cli_option list_options[] = {
    {"--limit", "N", "how many rows to show (default 100; --json: all)"},
};

static const struct cli_command commands[] = {
    {
        .name = "grace",
        .usage = "N [--limit N]",
        .summary = "removals that wait for the end of their grace period",
        .help = "Removals wait where a setting says so, such as\n"
                "deprovision.unassigned=disable after P14D. Who comes back into scope meanwhile\n"
                "keeps the account as it is.\n\n"
                "  usher grace demo\n",
        .options = list_options,
        .option_count = ARRAY_LEN(list_options),
        .min_args = 1,
        .max_args = 1,
        .run = run_grace,
    },
    {
        .name = "grace cancel",
        .usage = "N WHO",
        .summary = "let an account stay although its grace period ends",
        .help = "The removal is not planned again until the person or group changes, or comes\n"
                "back into scope and leaves it once more.\n\n"
                "  usher grace cancel demo ada@example.com\n",
        .min_args = 2,
        .max_args = 2,
        .run = run_cancel,
    },
};

const struct cli_commands grace_commands = {commands, ARRAY_LEN(commands)};
