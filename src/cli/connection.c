/* `usher connection list|show|set|remove N`: which account is whose (engine.md 11.1). */
#include "base/file.h"
#include "base/unicode.h"
#include "cli/csv.h"
#include "cli/wire.h"
#include "engine/connections.h"

enum {
    PAGE = 500,
    LIMIT_DEFAULT = 40,
    LIMIT_MAX = 100000000,
    LINE_BYTES_MAX = 1 << 20,
    CURSOR_MAX = 1024
};

/* --- list --- */

struct list {
    struct cli *cli;
    struct arena *tmp; /* of one page */
    struct str search; /* folded; empty: all */
    bool kinds[SOURCE_KIND_COUNT];
    bool by_origin, only_disabled;
    enum connection_origin origin;
    int64_t limit, shown, matched;
    struct cli_table *table;
    struct json *array;
    struct file_draft file; /* stream NULL: no export */
    bool csv;
};

static struct json *row_json(struct arena *a, const struct connection *c)
{
    struct json *v = json_new(a, JSON_OBJECT);
    char at[TIME_TEXT_MAX];

    json_add_str(a, v, "sourceId", arena_str(a, c->source_id));
    json_add_z(a, v, "kind", c->kind == SOURCE_USER ? "user" : "group");
    json_add_str(a, v, "name", arena_str(a, c->display_name));
    json_add_str(a, v, "targetId", arena_str(a, c->target_id));
    json_add_z(a, v, "origin", connection_origin_name(c->origin));
    json_add_bool(a, v, "disabled", c->soft_deleted);
    json_add_str(a, v, "since", arena_str(a, time_write(c->created_us, at)));
    json_add_str(a, v, "lastSent", arena_str(a, time_write(c->changed_us, at)));
    return v;
}

static bool is_wanted(struct list *l, const struct connection *c)
{
    const struct str texts[] = {c->display_name, c->source_id, c->target_id};
    bool found = l->search.len == 0;
    size_t at;

    if ((l->by_origin && c->origin != l->origin) || (l->only_disabled && !c->soft_deleted))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(texts) && !found; i++)
        found = str_find(str_fold(l->tmp, texts[i]), l->search, &at);
    return found;
}

static void export_row(struct list *l, const struct connection *c)
{
    CLEANUP(buf_done) struct buf line;
    char at[TIME_TEXT_MAX];

    buf_init(&line, LINE_BYTES_MAX);
    if (l->csv) {
        cli_csv_cell(&line, str_from_z(c->kind == SOURCE_USER ? "user" : "group"), ',');
        cli_csv_cell(&line, c->display_name, ',');
        cli_csv_cell(&line, c->source_id, ',');
        cli_csv_cell(&line, c->target_id, ',');
        cli_csv_cell(&line, str_from_z(connection_origin_name(c->origin)), ',');
        cli_csv_cell(&line, c->soft_deleted ? STR("true") : STR("false"), ',');
        cli_csv_cell(&line, time_write(c->created_us, at), ',');
        cli_csv_cell(&line, time_write(c->changed_us, at), '\n');
    } else {
        json_write(&line, row_json(l->tmp, c));
        buf_add_char(&line, '\n');
    }
    (void)fwrite(buf_str(&line).ptr, 1, buf_str(&line).len,
                 l->file.stream); /* a failure shows later */
}

static void show_row(struct list *l, const struct connection *c)
{
    struct arena *a = l->cli->arena;

    if (l->array) {
        json_append(l->array, row_json(a, c));
        return;
    }
    cli_table_row(l->table, (struct str[]){
                                str_from_z(c->kind == SOURCE_USER ? "user" : "group"),
                                arena_str(a, c->display_name),
                                arena_str(a, c->target_id),
                                str_from_z(connection_origin_name(c->origin)),
                                c->soft_deleted ? STR("disabled") : STR(""),
                                arena_str(a, c->source_id),
                            });
}

static void take(struct list *l, const struct connection *c)
{
    if (!is_wanted(l, c))
        return;
    l->matched++;
    if (l->file.stream) {
        export_row(l, c);
    } else if (l->shown < l->limit) {
        l->shown++;
        show_row(l, c);
    }
}

static bool list_kind(struct list *l, int64_t job_no, enum source_kind kind, struct err *err)
{
    CLEANUP(buf_done) struct buf after;
    struct connection *rows;
    size_t count = PAGE;

    buf_init(&after, LINE_BYTES_MAX);
    while (count == PAGE) {
        arena_reset(l->tmp);
        if (!connection_page(l->cli->db_handle, l->tmp, job_no, kind, buf_str(&after), PAGE, &rows,
                             &count, err))
            return false;
        for (size_t i = 0; i < count; i++)
            take(l, &rows[i]);
        if (count > 0) {
            buf_reset(&after);
            buf_add(&after, rows[count - 1].source_id);
        }
    }
    return true;
}

static bool parse_origin(struct list *l, const char *text, struct err *err)
{
    if (!text)
        return true;
    l->by_origin = true;
    for (int o = 0; o < CONNECTION_ORIGIN_COUNT; o++) {
        l->origin = (enum connection_origin)o;
        if (strcmp(text, connection_origin_name(l->origin)) == 0)
            return true;
    }
    return err_set(err, ERR_INVALID, "usage", "--origin is created, matched or manual, not '%s'",
                   text);
}

static bool parse_kinds(struct list *l, const char *text, struct err *err)
{
    l->kinds[SOURCE_USER] = !text || strcmp(text, "user") == 0;
    l->kinds[SOURCE_GROUP] = !text || strcmp(text, "group") == 0;
    return l->kinds[SOURCE_USER] || l->kinds[SOURCE_GROUP] ||
           err_set(err, ERR_INVALID, "usage", "--type is user or group, not '%s'", text);
}

static void print_list(struct list *l, const struct job *job, const char *path)
{
    if (path) {
        cli_say(l->cli, "%lld rows written to %s", (long long)l->matched, path);
    } else if (l->array) {
        cli_print_json(l->cli, l->array);
    } else if (l->matched == 0) {
        cli_say(l->cli, "nobody is connected%s in '%.*s'",
                l->search.len || l->by_origin || l->only_disabled ? " like that" : "",
                STR_ARG(job->name));
    } else {
        cli_table_print(l->table);
        if (l->matched > l->shown) {
            cli_say(l->cli, "... and %lld more (--limit shows more, --export FILE has them all)",
                    (long long)(l->matched - l->shown));
        }
    }
}

static bool open_export(struct list *l, const char *path, struct err *err)
{
    if (!path)
        return true;
    l->csv = str_ends(str_from_z(path), STR(".csv"));
    if (!file_draft_open(&l->file, path, 0600, err))
        return false;
    if (l->csv)
        fputs("kind,name,sourceId,targetId,origin,disabled,since,lastSent\n", l->file.stream);
    return true;
}

static bool list_all(struct list *l, const struct job *job, const struct cli_args *args,
                     struct err *err)
{
    const char *path = cli_value(args, "--export");
    bool ok = open_export(l, path, err);

    for (int k = 0; ok && k < SOURCE_KIND_COUNT; k++)
        ok = !l->kinds[k] || list_kind(l, job->no, (enum source_kind)k, err);
    ok = ok && (!path || file_draft_commit(&l->file, err));
    file_draft_drop(&l->file);
    if (ok)
        print_list(l, job, path);
    return ok;
}

static int run_list(struct cli *c, const struct cli_args *args)
{
    static const char *const headers[] = {"KIND", "NAME", "ACCOUNT", "ORIGIN", "STATE", "ID"};
    CLEANUP(arena_freep) struct arena *tmp = arena_new();
    const char *search = cli_value(args, "--search");
    struct list l = {
        .cli = c,
        .tmp = tmp,
        .search = search ? str_fold(c->arena, str_from_z(search)) : (struct str){0},
        .only_disabled = cli_flag(args, "--disabled"),
        .limit = c->json ? LIMIT_MAX : LIMIT_DEFAULT,
        .table = cli_table_new(c, headers, ARRAY_LEN(headers)),
        .array = c->json ? json_new(c->arena, JSON_ARRAY) : NULL,
    };
    struct err err = {.kind = ERR_NONE};
    struct job job;

    if (!parse_kinds(&l, cli_value(args, "--type"), &err) ||
        !parse_origin(&l, cli_value(args, "--origin"), &err) ||
        !cli_value_int(args, "--limit", 1, LIMIT_MAX, &l.limit, &err) || !cli_db_open(c, &err) ||
        !cli_job(c, cli_arg(args, 0), &job, &err) || !list_all(&l, &job, args, &err))
        return cli_fail(c, &err);
    return 0;
}

/* --- one --- */

static void print_one(struct cli *c, const struct connection *row)
{
    char since[TIME_TEXT_MAX], sent[TIME_TEXT_MAX];

    time_write(row->created_us, since);
    time_write(row->changed_us, sent);
    cli_say(c,
            "%.*s (%s %.*s)\n"
            "  account    %.*s%s\n"
            "  origin     %s, %.16s UTC\n"
            "  last sent  %.16s UTC\n"
            "  %.*s",
            STR_ARG(row->display_name), row->kind == SOURCE_USER ? "user" : "group",
            STR_ARG(row->source_id), STR_ARG(row->target_id), row->soft_deleted ? ", disabled" : "",
            connection_origin_name(row->origin), since, sent, STR_ARG(row->exported));
}

static int run_show(struct cli *c, const struct cli_args *args)
{
    CLEANUP(cli_wire_end) struct cli_wire w = {.cli = c};
    struct err err = {.kind = ERR_NONE};
    struct connection row;
    struct json *exported;
    struct json *v;
    struct job job;

    if (!cli_wire_begin(&w, c, &err) || !cli_job(c, cli_arg(args, 0), &job, &err) ||
        !engine_connection_find(&w.engine, job.no, str_from_z(cli_arg(args, 1)), c->arena, &row,
                                &err))
        return cli_fail(c, &err);
    if (!c->json) {
        print_one(c, &row);
        return 0;
    }
    v = row_json(c->arena, &row);
    if (!json_parse(c->arena, row.exported, NULL, &exported, NULL, &err))
        return cli_fail(c, &err);
    json_add(c->arena, v, STR("exported"), exported);
    cli_print_json(c, v);
    return 0;
}

static int run_set(struct cli *c, const struct cli_args *args)
{
    CLEANUP(cli_wire_end) struct cli_wire w = {.cli = c};
    struct err err = {.kind = ERR_NONE};
    struct connection before, now;
    struct job job;
    struct str had;
    bool was;

    if (!cli_wire_begin(&w, c, &err) || !cli_job(c, cli_arg(args, 0), &job, &err) ||
        !engine_connection_set(&w.engine, job.no, str_from_z(cli_arg(args, 1)),
                               str_from_z(cli_arg(args, 2)), c->arena, &was, &before, &now, &err))
        return cli_fail(c, &err);
    had = was ? before.target_id : STR("");
    if (c->json) {
        struct json *v = row_json(c->arena, &now);

        json_add_str(c->arena, v, "before", had);
        cli_print_json(c, v);
    } else {
        cli_say(c,
                "%.*s is connected with account %.*s%s%.*s; see what would be sent: "
                "%s provision '%.*s' %.*s --dry-run",
                STR_ARG(now.display_name), STR_ARG(now.target_id), was ? ", no longer with " : "",
                STR_ARG(had), c->program, STR_ARG(job.name), STR_ARG(now.source_id));
    }
    return 0;
}

static int run_remove(struct cli *c, const struct cli_args *args)
{
    CLEANUP(cli_wire_end) struct cli_wire w = {.cli = c};
    struct err err = {.kind = ERR_NONE};
    struct connection row;
    struct job job;
    bool removed;

    if (!cli_wire_begin(&w, c, &err) || !cli_job(c, cli_arg(args, 0), &job, &err) ||
        !engine_connection_remove(&w.engine, job.no, str_from_z(cli_arg(args, 1)), c->arena,
                                  &removed, &row, &err))
        return cli_fail(c, &err);
    if (c->json) {
        struct json *v = json_new(c->arena, JSON_OBJECT);

        json_add_bool(c->arena, v, "removed", removed);
        cli_print_json(c, v);
    } else if (removed) {
        cli_say(
            c,
            "%.*s is no longer connected with account %.*s, which stays as it is; the next look "
            "at the object matches it again",
            STR_ARG(row.display_name), STR_ARG(row.target_id));
    } else {
        cli_say(c, "'%s' is connected with nothing in '%.*s'", cli_arg(args, 1), STR_ARG(job.name));
    }
    return 0;
}

static const struct cli_option set_options[] = {
    CLI_RECORD_OPTION,
};
static const struct cli_option list_options[] = {
    {"--search", "TEXT", "only where the name or an id contains it, in any case"},
    {"--type", "user|group", "only these"},
    {"--origin", "created|matched|manual", "only those that came about like this"},
    {"--disabled", NULL, "only those whose account usher has disabled"},
    {"--limit", "N", "how many rows to show (default 40; --json: all)"},
    {"--export", "FILE",
     "write all rows to a file: CSV when its name ends in .csv, else JSON Lines"},
};

static const struct cli_command commands[] = {
    {
        .name = "connection list",
        .usage = "N [--search TEXT] [--type T] [--origin O] [--disabled] [--export FILE]",
        .summary = "which account of an application is whose",
        .help =
            "usher makes a connection when it creates an account or finds one that matches, and\n"
            "keeps to it from then on, even when the matching values change.\n\n"
            "  usher connection list demo\n"
            "  usher connection list demo --export accounts.csv\n",
        .options = list_options,
        .option_count = ARRAY_LEN(list_options),
        .min_args = 1,
        .max_args = 1,
        .run = run_list,
    },
    {
        .name = "connection show",
        .usage = "N WHO",
        .summary = "the account of one person or group, and what was last sent to it",
        .help = "WHO is a person or group as everywhere, its id, or the id of an account.\n\n"
                "  usher connection show demo ada@example.com\n",
        .min_args = 2,
        .max_args = 2,
        .run = run_show,
    },
    {
        .name = "connection set",
        .usage = "N WHO ACCOUNT",
        .summary = "say by hand which account is somebody's",
        .help =
            "ACCOUNT is its id in the application, where it is looked up first. The job has to be\n"
            "paused. When the object is next looked at, its account is brought up to date: who is\n"
            "out of scope is disabled there, too.\n\n"
            "  usher pause demo\n"
            "  usher connection set demo ada@example.com 2819c223\n"
            "  usher provision demo ada@example.com --dry-run\n"
            "  usher start demo\n",
        .options = set_options,
        .option_count = ARRAY_LEN(set_options),
        .min_args = 3,
        .max_args = 3,
        .run = run_set,
    },
    {
        .name = "connection remove",
        .usage = "N WHO",
        .summary = "let somebody be matched anew",
        .help =
            "For an account that was connected wrongly. Nothing happens to the account itself. The\n"
            "job has to be paused; put the cause right first, or the same account is found again.\n\n"
            "  usher pause demo\n"
            "  usher connection remove demo ada@example.com\n"
            "  usher provision demo ada@example.com --dry-run\n"
            "  usher start demo\n",
        .min_args = 2,
        .max_args = 2,
        .run = run_remove,
    },
};
const struct cli_commands connection_commands = {commands, ARRAY_LEN(commands)};
