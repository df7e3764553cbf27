/* `usher audit ...`: who changed the configuration, when, and from what to what. */
#include "base/file.h"
#include "cli/author.h"
#include "cli/wire.h"

#include <inttypes.h>
#include <string.h>

enum { LIMIT_DEFAULT = 50, LIMIT_MAX = 10000, PAGE = 500, SHOWN_MAX = 160 };

/* --- list --- */

static bool parse_query(struct cli *c, const struct cli_args *args, struct audit_query *q,
                        struct err *err)
{
    const char *app = cli_value(args, "--app");
    const char *since = cli_value(args, "--since");
    int64_t limit = LIMIT_DEFAULT;
    struct job job;

    *q = (struct audit_query){0};
    if (since && !time_parse(str_from_z(since), &q->from_us)) {
        return err_set(err, ERR_INVALID, "usage",
                       "--since is a time such as 2026-03-01T08:00:00Z, not '%s'", since);
    }
    if (!cli_value_int(args, "--limit", 1, LIMIT_MAX, &limit, err) ||
        !cli_value_int(args, "--before", 1, INT64_MAX, &q->before_no, err))
        return false;
    q->limit = (size_t)limit;
    if (!app)
        return true;
    /* What is an id may be that of an application that was removed. */
    if (uuid_valid(str_from_z(app))) {
        q->app_id = str_from_z(app);
        return true;
    }
    if (!cli_job(c, app, &job, err))
        return false;
    q->app_id = job.id;
    return true;
}

static struct str change_text(struct cli *c, const struct audit_record *r)
{
    struct str text = r->before.len && r->after.len
                          ? arena_printf(c->arena, "%.*s: %.*s -> %.*s", STR_ARG(r->subject),
                                         STR_ARG(r->before), STR_ARG(r->after))
                          : arena_printf(c->arena, "%.*s%s%.*s%.*s", STR_ARG(r->subject),
                                         r->before.len  ? ": was "
                                         : r->after.len ? ": "
                                                        : "",
                                         STR_ARG(r->before), STR_ARG(r->after));

    return text;
}

static void print_table(struct cli *c, const struct audit_record *list, size_t count)
{
    static const char *const headers[] = {"NO", "TIME", "WHO", "APPLICATION", "ACTIVITY", "CHANGE"};
    struct cli_table *table = cli_table_new(c, headers, ARRAY_LEN(headers));

    for (size_t i = 0; i < count; i++) {
        const struct audit_record *r = &list[i];
        char time[TIME_TEXT_MAX];

        time_write(r->at_us, time);
        cli_table_row(table,
                      (struct str[]){arena_printf(c->arena, "%" PRId64, r->no),
                                     arena_str(c->arena, str_sub(str_from_z(time), 0, 19)),
                                     r->author, r->app_name, r->activity, change_text(c, r)});
    }
    cli_table_print(table);
}

static int run_list(struct cli *c, const struct cli_args *args)
{
    struct err err = {.kind = ERR_NONE};
    struct audit_record *list;
    struct audit_query q;
    size_t count;

    if (!cli_db_open(c, &err) || !parse_query(c, args, &q, &err) ||
        !audit_list(c->db_handle, c->arena, &q, &list, &count, &err))
        return cli_fail(c, &err);
    if (c->json) {
        struct json *array = json_new(c->arena, JSON_ARRAY);

        for (size_t i = 0; i < count; i++)
            json_append(array, audit_to_json(c->arena, &list[i]));
        cli_print_json(c, array);
    } else if (count) {
        print_table(c, list, count);
    } else {
        cli_say(c, "no records");
    }
    if (count == q.limit)
        cli_say(c, "older ones: --before %" PRId64, list[count - 1].no);
    return 0;
}

/* --- verify --- */

static const struct {
    const char *word; /* of the JSON */
    const char *text; /* for people; %lld: the number */
} verdicts[] = {
    [AUDIT_INTACT] = {"intact", "intact"},
    [AUDIT_CHANGED] = {"changed", "record %lld was changed, or another one put in its place"},
    [AUDIT_MISSING] = {"missing", "record %lld was removed"},
    [AUDIT_CUT] = {"cut", "the records from %lld on were cut off"},
    [AUDIT_ADDED] = {"added", "record %lld was added by something else than usher"},
    [AUDIT_UNSEALED] = {"unsealed",
                        "the records fit each other, but the seal of the last one was altered or "
                        "made with another key: records may have been cut off"},
};

static int run_verify(struct cli *c, const struct cli_args *args)
{
    CLEANUP(secret_key_done) struct secret_key key = {0};
    struct err err = {.kind = ERR_NONE};
    struct audit_finding f;

    (void)args;
    if (!cli_db_open(c, &err) || !cli_secret_key(c, &key, &err) ||
        !audit_verify(c->db_handle, &key, &f, &err))
        return cli_fail(c, &err);
    if (c->json) {
        struct json *v = json_new(c->arena, JSON_OBJECT);

        json_add_bool(c->arena, v, "intact", f.verdict == AUDIT_INTACT);
        json_add_z(c->arena, v, "verdict", verdicts[f.verdict].word);
        json_add_int(c->arena, v, "no", f.no);
        json_add_int(c->arena, v, "count", f.count);
        json_add_z(c->arena, v, "hash", f.hash);
        cli_print_json(c, v);
    } else if (f.verdict == AUDIT_INTACT) {
        cli_say(c, "intact: %" PRId64 " records%s%s", f.count, f.count ? ", the last one is " : "",
                f.hash);
    } else {
        struct str head = str_from_z(verdicts[f.verdict].text);
        size_t at;

        if (str_find(head, STR("%lld"), &at)) {
            fprintf(c->out, "%.*s%" PRId64 "%s\n", (int)at, head.ptr, f.no, head.ptr + at + 4);
        } else {
            fprintf(c->out, "%s\n", head.ptr);
        }
    }
    return f.verdict == AUDIT_INTACT ? 0 : 1;
}

static int run_reseal(struct cli *c, const struct cli_args *args)
{
    CLEANUP(secret_key_done) struct secret_key key = {0};
    struct err err = {.kind = ERR_NONE};

    (void)args;
    if (!cli_db_open(c, &err) || !cli_secret_key(c, &key, &err) ||
        !audit_reseal(c->db_handle,
                      &(struct audit){.key = &key, .clock = c->clock, .author = cli_author(c)},
                      &err))
        return cli_fail(c, &err);
    cli_say(c, "sealed anew; a record says so");
    return 0;
}

/* --- export --- */

static bool write_all(struct cli *c, FILE *out, int64_t *out_count, struct err *err)
{
    int64_t after = 0;
    size_t count;

    *out_count = 0;
    do {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct audit_record *list;

        if (!audit_page(c->db_handle, a, after, PAGE, &list, &count, err))
            return false;
        for (size_t i = 0; i < count; i++) {
            struct str line = json_text(a, audit_to_json(a, &list[i]));

            fprintf(out, "%.*s\n", STR_ARG(line));
            after = list[i].no;
        }
        *out_count += (int64_t)count;
    } while (count == PAGE);
    if (fflush(out) != 0 || ferror(out))
        return err_set(err, ERR_INTERNAL, "notWritten", "the export could not be written");
    return true;
}

static int run_export(struct cli *c, const struct cli_args *args)
{
    bool to_file = cli_arg_count(args) > 0 && strcmp(cli_arg(args, 0), "-") != 0;
    const char *path = to_file ? cli_arg(args, 0) : NULL;
    struct err err = {.kind = ERR_NONE};
    int64_t count;
    struct file_draft draft = {0};
    bool ok;

    if (!cli_db_open(c, &err) || (path && !file_draft_open(&draft, path, 0600, &err)))
        return cli_fail(c, &err);
    ok = write_all(c, path ? draft.stream : c->out, &count, &err) &&
         (!path || file_draft_commit(&draft, &err));
    file_draft_drop(&draft);
    if (!ok)
        return cli_fail(c, &err);
    if (path)
        cli_say(c, "%" PRId64 " records in %s", count, path);
    return 0;
}

static const struct cli_option list_options[] = {
    {"--app", "N", "only one application's; of a removed one: its id"},
    {"--since", "TIME", "not older than this"},
    {"--limit", "N", "how many, newest first (default 50)"},
    {"--before", "NO", "only records older than this number"},
};

static const struct cli_command commands[] = {
    {
        .name = "audit list",
        .usage = "[--app N] [--since TIME] [--limit N] [--before NO]",
        .summary = "who changed the configuration, and what",
        .help = "Newest first. Values of secrets are never in it.\n\n"
                "  usher audit list --app demo\n",
        .options = list_options,
        .option_count = ARRAY_LEN(list_options),
        .run = run_list,
    },
    {
        .name = "audit verify",
        .usage = "",
        .summary = "check that no record was changed, removed, inserted or cut off",
        .help =
            "Names the first record that does not fit and ends with 1 then. Number and hash of\n"
            "the last record can be kept elsewhere, to compare later.\n\n"
            "  usher audit verify\n",
        .run = run_verify,
    },
    {
        .name = "audit export",
        .usage = "[FILE]",
        .summary = "the whole audit log as JSON Lines, oldest first",
        .help = "  usher audit export audit.jsonl\n",
        .max_args = 1,
        .run = run_export,
    },
    {
        .name = "audit reseal",
        .usage = "",
        .summary = "go on with the audit log after its key was lost or damage was looked into",
        .help = "Takes the records as they are; a record says who did it.\n\n"
                "  usher audit reseal\n",
        .run = run_reseal,
    },
};

extern const struct cli_commands audit_commands;
const struct cli_commands audit_commands = {commands, ARRAY_LEN(commands)};
