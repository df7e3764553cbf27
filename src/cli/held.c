/* `usher held N`, `usher held allow|reject N`: the removals and mass updates that the guard holds,
 * and what is to become of them. */
#include "engine/guard/held.h"

#include "base/file.h"
#include "cli/csv.h"
#include "cli/wire.h"
#include "directory/object.h"

enum { LIMIT_DEFAULT = 40, LIMIT_MAX = 1000000, REASONS_MAX = 200, EXPORT_MAX = 512 << 20 };

/* --- listing --- */

struct reason {
    enum held_action action;
    struct str text;
    int64_t count;
};

struct list {
    struct cli *cli;
    int64_t limit;
    int64_t rows;
    struct reason reasons[REASONS_MAX];
    size_t reason_count;
    struct cli_table *table;
    struct json *array;
    struct buf *file; /* NULL: no export */
    bool csv;
};

/* Reasons of updates name values: they are one. */
static struct str reason_of(const struct held *row)
{
    return row->class_ == HELD_UPDATE ? STR("a matching or sign-in attribute changes")
                                      : row->reason;
}

static void count_reason(struct list *l, const struct held *row)
{
    struct str text = reason_of(row);

    for (size_t i = 0; i < l->reason_count; i++) {
        if (l->reasons[i].action == row->action && str_eq(l->reasons[i].text, text)) {
            l->reasons[i].count++;
            return;
        }
    }
    if (l->reason_count < REASONS_MAX) {
        l->reasons[l->reason_count++] =
            (struct reason){row->action, arena_str(l->cli->arena, text), 1};
    }
}

static struct json *row_json(struct arena *a, const struct held *row)
{
    struct json *v = json_new(a, JSON_OBJECT);
    char at[TIME_TEXT_MAX];

    json_add_str(a, v, "sourceId", row->source_id);
    json_add_z(a, v, "kind", row->kind == SOURCE_USER ? "user" : "group");
    json_add_str(a, v, "name", row->name);
    json_add_str(a, v, "targetId", row->target_id);
    json_add_z(a, v, "action", held_action_name(row->action));
    json_add_str(a, v, "code", row->code);
    json_add_str(a, v, "reason", row->reason);
    json_add_str(a, v, "cycleId", row->cycle_id);
    json_add_str(a, v, "since", time_write(row->planned_us, at));
    return v;
}

static void export_row(struct list *l, const struct held *row)
{
    CLEANUP(arena_freep) struct arena *tmp = arena_new();
    char at[TIME_TEXT_MAX];

    if (!l->csv) {
        json_write(l->file, row_json(tmp, row));
        buf_add_char(l->file, '\n');
        return;
    }
    cli_csv_cell(l->file, str_from_z(held_action_name(row->action)), ',');
    cli_csv_cell(l->file, str_from_z(row->kind == SOURCE_USER ? "user" : "group"), ',');
    cli_csv_cell(l->file, row->name, ',');
    cli_csv_cell(l->file, row->source_id, ',');
    cli_csv_cell(l->file, row->target_id, ',');
    cli_csv_cell(l->file, row->code, ',');
    cli_csv_cell(l->file, row->reason, ',');
    cli_csv_cell(l->file, row->cycle_id, ',');
    cli_csv_cell(l->file, time_write(row->planned_us, at), '\n');
}

static bool take_row(void *ctx, const struct held *row, struct err *err)
{
    struct list *l = ctx;
    struct arena *a = l->cli->arena;

    (void)err;
    l->rows++;
    count_reason(l, row);
    if (l->file)
        export_row(l, row);
    if (l->rows > l->limit)
        return true;
    if (l->cli->json) {
        json_append(l->array, json_clone(a, row_json(a, row)));
    } else {
        cli_table_row(l->table, (struct str[]){
                                    str_from_z(held_action_name(row->action)),
                                    str_from_z(row->kind == SOURCE_USER ? "user" : "group"),
                                    arena_str(a, row->name),
                                    arena_str(a, row->target_id),
                                    arena_str(a, row->reason),
                                });
    }
    return true;
}

static void print_json(struct list *l, const char *digest, int64_t count)
{
    struct arena *a = l->cli->arena;
    struct json *v = json_new(a, JSON_OBJECT);
    struct json *reasons = json_new(a, JSON_ARRAY);

    for (size_t i = 0; i < l->reason_count; i++) {
        struct json *r = json_new(a, JSON_OBJECT);

        json_add_z(a, r, "action", held_action_name(l->reasons[i].action));
        json_add_str(a, r, "reason", l->reasons[i].text);
        json_add_int(a, r, "count", l->reasons[i].count);
        json_append(reasons, r);
    }
    json_add_z(a, v, "set", digest);
    json_add_int(a, v, "count", count);
    json_add(a, v, STR("reasons"), reasons);
    json_add(a, v, STR("rows"), l->array);
    cli_print_json(l->cli, v);
}

static void print_reasons(struct list *l)
{
    static const char *const headers[] = {"COUNT", "ACTION", "WHY"};
    struct cli_table *table = cli_table_new(l->cli, headers, ARRAY_LEN(headers));

    for (size_t i = 0; i < l->reason_count; i++) {
        cli_table_row(table,
                      (struct str[]){
                          arena_printf(l->cli->arena, "%lld", (long long)l->reasons[i].count),
                          str_from_z(held_action_name(l->reasons[i].action)),
                          l->reasons[i].text,
                      });
    }
    cli_table_print(table);
}

static void print_text(struct list *l, const struct job *job, const char *digest)
{
    struct cli *c = l->cli;

    if (l->rows == 0) {
        cli_say(c, "nothing is held of '%.*s'", STR_ARG(job->name));
        return;
    }
    cli_say(c, "%lld held, set %s\n", (long long)l->rows, digest);
    print_reasons(l);
    if (l->limit > 0) {
        cli_say(c, "%s", "");
        cli_table_print(l->table);
    }
    if (l->rows > l->limit) {
        cli_say(c, "... and %lld more (--limit shows more of them, --export FILE has them all)",
                (long long)(l->rows - l->limit));
    }
    cli_say(c,
            "\nto let them through:  %s held allow '%.*s' --set %s\n"
            "to leave them alone:  %s held reject '%.*s' --set %s\n"
            "or put it right in the directory: what is in scope again is no longer held",
            c->program, STR_ARG(job->name), digest, c->program, STR_ARG(job->name), digest);
}

static bool write_file(struct list *l, const char *path, struct err *err)
{
    if (l->file->overflowed)
        return err_set(err, ERR_LIMIT, "exportTooLarge", "the held set is too large for a file");
    if (!file_write(path, buf_str(l->file), 0600, err))
        return err_wrap(err, "'%s'", path);
    cli_say(l->cli, "%lld rows written to %s", (long long)l->rows, path);
    return true;
}

static bool list_held(struct list *l, struct cli_wire *w, const struct job *job, const char *path,
                      struct err *err)
{
    char digest[HELD_DIGEST_MAX];
    int64_t count;

    if (l->csv)
        buf_add_z(l->file, "action,kind,name,sourceId,targetId,code,reason,cycleId,since\n");
    if (!engine_held_each(&w->engine, job->no, take_row, l, digest, &count, err))
        return false;
    if (path && !write_file(l, path, err))
        return false;
    if (l->cli->json) {
        print_json(l, digest, count);
    } else if (!path) {
        print_text(l, job, digest);
    }
    return true;
}

static int run_held(struct cli *c, const struct cli_args *args)
{
    static const char *const headers[] = {"ACTION", "KIND", "NAME", "ACCOUNT", "WHY"};
    CLEANUP(cli_wire_end) struct cli_wire w = {.cli = c};
    CLEANUP(buf_done) struct buf file;
    const char *path = cli_value(args, "--export");
    struct list l = {
        .cli = c,
        .limit = c->json ? LIMIT_MAX : LIMIT_DEFAULT,
        .table = cli_table_new(c, headers, ARRAY_LEN(headers)),
        .array = json_new(c->arena, JSON_ARRAY),
        .file = path ? &file : NULL,
        .csv = path && str_ends(str_from_z(path), STR(".csv")),
    };
    struct err err = {.kind = ERR_NONE};
    struct job job;

    buf_init(&file, EXPORT_MAX);
    if (!cli_value_int(args, "--limit", 0, LIMIT_MAX, &l.limit, &err) ||
        !cli_wire_begin(&w, c, &err) || !cli_job(c, cli_arg(args, 0), &job, &err) ||
        !list_held(&l, &w, &job, path, &err))
        return cli_fail(c, &err);
    return 0;
}

/* --- deciding --- */

/* WHO as everywhere; the directory no longer knows who was deleted for good, the held rows do. */
static bool resolve(struct cli_wire *w, const struct job *job, const char *who, struct str *out,
                    struct err *err)
{
    struct cli *c = w->cli;
    struct directory_object found;
    struct err why = {.kind = ERR_NONE};
    struct held row;
    bool held = false;

    if (directory_find(c->db_handle, c->arena, str_from_z(who), DIRECTORY_ANY, &found, &why)) {
        if (!held_load(c->db_handle, c->arena, job->no, found.id, &row, &held, err))
            return false;
        *out = found.id;
        if (held)
            return true;
    } else if (why.kind != ERR_NOT_FOUND && why.kind != ERR_CONFLICT) {
        *err = why;
        return false;
    }
    return engine_held_find(&w->engine, job->no, str_from_z(who), c->arena, out, err);
}

static bool decide(struct cli_wire *w, const struct cli_args *args,
                   enum engine_held_decision decision, struct job *job, int64_t *out_count,
                   struct err *err)
{
    struct cli *c = w->cli;
    size_t count = (size_t)cli_arg_count(args) - 1;
    struct str *ids = ARENA_ARRAY(c->arena, struct str, count + 1);
    const char *set = cli_value(args, "--set");

    if (!set) {
        return err_set(err, ERR_INVALID, "usage",
                       "--set DIGEST says which set was looked at; 'usher held %s' shows it",
                       cli_arg(args, 0));
    }
    if (!cli_wire_begin(w, c, err) || !cli_job(c, cli_arg(args, 0), job, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!resolve(w, job, cli_arg(args, (int)i + 1), &ids[i], err))
            return false;
    }
    return engine_held_decide(&w->engine, job->no, decision, str_from_z(set), ids, count, out_count,
                              err);
}

static int run_decision(struct cli *c, const struct cli_args *args,
                        enum engine_held_decision decision)
{
    CLEANUP(cli_wire_end) struct cli_wire w = {.cli = c};
    bool allow = decision == ENGINE_HELD_ALLOW;
    struct err err = {.kind = ERR_NONE};
    struct job job;
    int64_t count;

    if (!decide(&w, args, decision, &job, &count, &err))
        return cli_fail(c, &err);
    if (c->json) {
        struct json *v = json_new(c->arena, JSON_OBJECT);

        json_add_z(c->arena, v, "decision", allow ? "allow" : "reject");
        json_add_int(c->arena, v, "rows", count);
        cli_print_json(c, v);
        return 0;
    }
    if (allow) {
        cli_say(c,
                "%lld allowed; the next cycle sends them ('usher start %.*s --wait' runs it here)",
                (long long)count, STR_ARG(job.name));
    } else {
        cli_say(c, "%lld rejected; they are left alone until the person or group changes",
                (long long)count);
    }
    return 0;
}

static int run_allow(struct cli *c, const struct cli_args *args)
{
    return run_decision(c, args, ENGINE_HELD_ALLOW);
}

static int run_reject(struct cli *c, const struct cli_args *args)
{
    return run_decision(c, args, ENGINE_HELD_REJECT);
}

static const struct cli_option list_options[] = {
    {"--limit", "N", "how many rows to show (default 40); all are counted. --json has them all"},
    {"--export", "FILE",
     "write all rows to a file: CSV when its name ends in .csv, else JSON Lines"},
};
static const struct cli_option decision_options[] = {
    {"--set", "DIGEST", "the set that was looked at, as 'usher held N' shows it"},
};

static const struct cli_command commands[] = {
    {
        .name = "held",
        .usage = "N [--limit N] [--export FILE]",
        .summary = "removals and mass updates that the guard holds",
        .help =
            "Removals over the guard's numbers are held until somebody decides; everything\n"
            "else goes on meanwhile. The numbers are settings of the application (guard.count,\n"
            "guard.percent, guard.percentLeast, guard.window).\n\n"
            "  usher held demo\n",
        .options = list_options,
        .option_count = ARRAY_LEN(list_options),
        .min_args = 1,
        .max_args = 1,
        .run = run_held,
    },
    {
        .name = "held allow",
        .usage = "N [WHO ...] --set DIGEST",
        .summary = "let what is held through: all of it, or some people and groups",
        .help = "The approval is for the set as it was listed: when rows have come or gone since,\n"
                "it is refused and the list is to be looked at again.\n\n"
                "  usher held allow demo --set 1f6c0a9b2d3e4f50\n",
        .options = decision_options,
        .option_count = ARRAY_LEN(decision_options),
        .min_args = 1,
        .max_args = -1,
        .run = run_allow,
    },
    {
        .name = "held reject",
        .usage = "N [WHO ...] --set DIGEST",
        .summary = "leave the accounts alone that the guard holds",
        .help = "Account and connection stay as they are; the removal is not planned again until\n"
                "the person or group, or the verdict on its scope, changes.\n\n"
                "  usher held reject demo ada@example.com --set 1f6c0a9b2d3e4f50\n",
        .options = decision_options,
        .option_count = ARRAY_LEN(decision_options),
        .min_args = 1,
        .max_args = -1,
        .run = run_reject,
    },
};

const struct cli_commands held_commands = {commands, ARRAY_LEN(commands)};
