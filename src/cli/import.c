/* `usher import FILE`: people and groups from CSV or JSON. */
#include "directory/import/import.h"

#include "base/file.h"
#include "cli/author.h"
#include "cli/cli.h"

#include <errno.h>
#include <string.h>

#define MAP_FILE     "import.map" /* in the data directory */
#define MAP_FILE_MAX ((size_t)1 << 20)

/* The file, with its beginning looked at. */
struct input {
    FILE *file;
    char head[4096];
    size_t head_len, head_at;
    const char *name;
};

static void input_close(struct input *in)
{
    if (in->file && in->file != stdin)
        (void)fclose(in->file); /* only read from */
}

static bool input_open(struct input *in, const char *path, struct err *err)
{
    bool standard = strcmp(path, "-") == 0;

    in->name = standard ? "standard input" : path;
    in->file = standard ? stdin : fopen(path, "rb");
    if (!in->file) {
        return err_set(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_DENIED, "cannotOpen",
                       "cannot open '%s': %s", path,
                       errno == ENOENT ? "no such file" : strerrordesc_np(errno));
    }
    in->head_len = fread(in->head, 1, sizeof(in->head), in->file);
    if (ferror(in->file)) {
        return err_set(err, ERR_INVALID, "cannotRead", "cannot read '%s': %s", path,
                       strerrordesc_np(errno));
    }
    return true;
}

static bool input_read(void *ctx, char *to, size_t room, size_t *out_read, struct err *err)
{
    struct input *in = ctx;
    size_t n = in->head_len - in->head_at;

    if (n > 0) {
        n = n < room ? n : room;
        memcpy(to, in->head + in->head_at, n);
        in->head_at += n;
    } else {
        n = fread(to, 1, room, in->file);
        if (ferror(in->file)) {
            return err_set(err, ERR_INVALID, "cannotRead", "cannot read '%s': %s", in->name,
                           strerrordesc_np(errno));
        }
    }
    *out_read = n;
    return true;
}

/* By the name, else by the first sign: no header of a CSV file begins with a bracket. */
static enum import_format input_format(const struct input *in)
{
    struct str head = {in->head, in->head_len};
    struct str name = str_from_z(in->name);

    if (str_ends(name, STR(".csv")) || str_ends(name, STR(".CSV")))
        return IMPORT_CSV;
    if (str_ends(name, STR(".json")) || str_ends(name, STR(".JSON")))
        return IMPORT_JSON;
    if (str_starts(head, STR("\xEF\xBB\xBF")))
        head = str_from(head, 3);
    head = str_trim(head);
    return head.len && (head.ptr[0] == '{' || head.ptr[0] == '[') ? IMPORT_JSON : IMPORT_CSV;
}

/* --- What the columns mean --- */

struct rules {
    const char *path;
    struct import_rule *items;
    size_t count;
    bool changed; /* to be kept */
};

static bool load_rules(struct cli *c, const struct cli_args *args, struct rules *r, struct err *err)
{
    const char *given = cli_value(args, "--map-file");
    struct str text;

    r->path = given ? given : arena_printf(c->arena, "%s/%s", c->data_dir, MAP_FILE).ptr;
    if (!file_read(c->arena, r->path, MAP_FILE_MAX, &text, err)) {
        /* A file that was named has to be there, unless this import is to write it. */
        return err->kind == ERR_NOT_FOUND &&
               (!given || cli_value(args, "--map") || cli_value(args, "--ignore"));
    }
    return import_rules_parse(r->path, text, c->arena, &r->items, &r->count, err);
}

static bool parse_map(struct cli *c, const char *text, struct import_rule *out, struct err *err)
{
    struct str s = str_from_z(text);
    size_t sign;

    if (!str_find_last_char(s, '=', &sign) || str_trim(str_sub(s, 0, sign)).len == 0 ||
        str_trim(str_from(s, sign + 1)).len == 0) {
        return err_set(err, ERR_INVALID, "usage",
                       "--map takes COLUMN=ATTRIBUTE, and '%s' is not of that form", text);
    }
    *out = (struct import_rule){arena_str(c->arena, str_trim(str_sub(s, 0, sign))),
                                arena_str(c->arena, str_trim(str_from(s, sign + 1)))};
    return true;
}

/* The kept rules, then those of the command line, which come later and so win. */
static bool read_rules(struct cli *c, const struct cli_args *args, struct rules *r, struct err *err)
{
    struct import_rule *all;
    size_t maps = 0;
    size_t ignores = 0;

    if (!load_rules(c, args, r, err))
        return false;
    while (cli_value_at(args, "--map", maps))
        maps++;
    while (cli_value_at(args, "--ignore", ignores))
        ignores++;
    all = ARENA_ARRAY(c->arena, struct import_rule, r->count + maps + ignores);
    if (r->count)
        memcpy(all, r->items, r->count * sizeof(*all));
    r->items = all;
    r->changed = maps + ignores > 0;
    for (size_t i = 0; i < maps; i++) {
        if (!parse_map(c, cli_value_at(args, "--map", i), &all[r->count++], err))
            return false;
    }
    for (size_t i = 0; i < ignores; i++) {
        all[r->count++] =
            (struct import_rule){.column = str_trim(str_from_z(cli_value_at(args, "--ignore", i)))};
    }
    return true;
}

static bool keep_rules(struct cli *c, const struct rules *r, struct err *err)
{
    if (!r->changed)
        return true;
    if (!file_write(r->path, import_rules_write(r->items, r->count, c->arena), 0644, err))
        return err_wrap(err, "the import is done, but the mapping could not be kept");
    cli_say(c, "what the columns mean is kept for the next import in %s", r->path);
    return true;
}

/* --- What happened --- */

static const char *const kind_names[] = {[SOURCE_USER] = "users", [SOURCE_GROUP] = "groups"};

static struct json *result_json(struct cli *c, const struct import_result *r, bool dry_run)
{
    struct json *v = json_new(c->arena, JSON_OBJECT);

    json_add_int(c->arena, v, "rows", r->rows);
    for (int k = 0; k < SOURCE_KIND_COUNT; k++) {
        struct json *of = json_new(c->arena, JSON_OBJECT);

        json_add_int(c->arena, of, "created", r->created[k]);
        json_add_int(c->arena, of, "updated", r->updated[k]);
        json_add_int(c->arena, of, "unchanged", r->unchanged[k]);
        json_add_int(c->arena, of, "restored", r->restored[k]);
        json_add_int(c->arena, of, "removed", r->removed[k]);
        json_add(c->arena, v, str_from_z(kind_names[k]), of);
    }
    json_add_int(c->arena, v, "membersAdded", r->members_added);
    json_add_int(c->arena, v, "membersRemoved", r->members_removed);
    json_add_bool(c->arena, v, "dryRun", dry_run);
    return v;
}

static void add_count(struct buf *b, int64_t n, const char *what)
{
    char text[32];

    if (n == 0)
        return;
    cli_count_text(n, text, sizeof(text));
    buf_addf(b, "%s%s %s", b->len ? ", " : "", text, what);
}

static void say_result(struct cli *c, const struct import_result *r, bool dry_run)
{
    struct buf line;

    buf_init(&line, 1000);
    for (int k = 0; k < SOURCE_KIND_COUNT; k++) {
        if (!r->had[k])
            continue;
        buf_reset(&line);
        add_count(&line, r->created[k], "created");
        add_count(&line, r->updated[k], "updated");
        add_count(&line, r->restored[k], "restored");
        add_count(&line, r->removed[k], "removed");
        add_count(&line, r->unchanged[k], "unchanged");
        cli_say(c, "%s: %s", kind_names[k], line.len ? buf_z(&line) : "none in the file");
    }
    buf_reset(&line);
    add_count(&line, r->members_added, "added");
    add_count(&line, r->members_removed, "removed");
    if (line.len)
        cli_say(c, "members: %s", buf_z(&line));
    if (dry_run)
        cli_say(c, "dry run: nothing was changed");
    buf_done(&line);
}

/* --- The command --- */

/* One record, whatever the size: who brought which file in, and what came of it. Nothing is told of
 * a file that changed nothing. */
static bool note_import(struct cli *c, const struct import_options *o,
                        const struct import_result *r, struct err *err)
{
    struct json *v = result_json(c, r, false);
    int64_t changes = r->members_added + r->members_removed;
    const struct audit_change change = {.activity = AUDIT_IMPORT,
                                        .subject = arena_printf(c->arena, "import of %s", o->name),
                                        .after = v};

    for (int k = 0; k < SOURCE_KIND_COUNT; k++)
        changes += r->created[k] + r->updated[k] + r->restored[k] + r->removed[k];
    json_set(c->arena, v, STR("complete"), json_bool(c->arena, o->complete));
    return o->dry_run || changes == 0 || cli_note(c, &change, err);
}

static void on_rows(void *ctx, int64_t rows)
{
    if (rows % 200 == 0)
        cli_progress_step(ctx, rows, 0);
}

static bool read_options(const struct cli_args *args, struct import_options *o, struct err *err)
{
    const char *type = cli_value(args, "--type");

    o->kind_given = type != NULL;
    if (type && strcmp(type, "user") != 0 && strcmp(type, "group") != 0)
        return err_set(err, ERR_INVALID, "usage", "--type is user or group, not '%s'", type);
    o->kind = type && strcmp(type, "group") == 0 ? SOURCE_GROUP : SOURCE_USER;
    o->dry_run = cli_flag(args, "--dry-run");
    o->complete = cli_flag(args, "--complete");
    o->allow_removals = -1;
    return cli_value_int(args, "--batch", 1, INT64_C(1000000000), &o->batch, err) &&
           cli_value_int(args, "--allow-removals", 0, INT64_C(1000000000), &o->allow_removals, err);
}

static bool import(struct cli *c, struct import_options *o, struct import_result *result,
                   struct err *err)
{
    struct cli_progress progress;
    bool ok;

    cli_progress_begin(&progress, c, "import");
    o->progress = on_rows;
    o->progress_ctx = &progress;
    ok = directory_import(c->db_handle, o, result, err);
    cli_progress_end(&progress);
    return ok;
}

static int run_import(struct cli *c, const struct cli_args *args)
{
    CLEANUP(input_close) struct input in = {.file = NULL};
    struct import_options o = {.clock = c->clock, .rng = c->rng};
    struct import_result result;
    struct rules rules = {.items = NULL};
    struct err err = {.kind = ERR_NONE};

    if (!read_options(args, &o, &err) || !input_open(&in, cli_arg(args, 0), &err) ||
        !read_rules(c, args, &rules, &err) || !cli_db_open(c, &err))
        return cli_fail(c, &err);
    o.name = in.name;
    o.format = input_format(&in);
    o.read = input_read;
    o.read_ctx = &in;
    o.rules = rules.items;
    o.rule_count = rules.count;
    if (!import(c, &o, &result, &err))
        return cli_fail(c, &err);
    if (c->json) {
        cli_print_json(c, result_json(c, &result, o.dry_run));
    } else {
        say_result(c, &result, o.dry_run);
    }
    if (!note_import(c, &o, &result, &err))
        return cli_fail(c, &err);
    if (!o.dry_run && !keep_rules(c, &rules, &err))
        return cli_fail(c, &err);
    return 0;
}

static const struct cli_option import_options[] = {
    {"--type", "user|group", "what the rows are (default: groups when there are members)"},
    {"--map", "COLUMN=ATTRIBUTE", "what a column means; may be repeated"},
    {"--ignore", "COLUMN", "leave a column out; may be repeated"},
    {"--map-file", "F", "where the mapping is kept (default: import.map in the data directory)"},
    {"--dry-run", NULL, "say what would change, and change nothing"},
    {"--complete", NULL, "the file is everybody: remove who is not in it"},
    {"--allow-removals", "N", "with --complete: as many may be removed"},
    {"--batch", "N", "commit every N rows instead of the whole file at once"},
};

static const struct cli_command commands[] = {
    {
        .name = "import",
        .makes_data = true,
        .usage = "FILE [--type user|group] [--map COLUMN=ATTRIBUTE ...] [--ignore COLUMN ...] "
                 "[--dry-run] [--complete] [--batch N]",
        .summary = "bring people and groups in from CSV or JSON",
        .help =
            "CSV: the header names attributes; rows are matched by id, else by userPrincipalName\n"
            "(groups: displayName). A column that is absent leaves the attribute alone, an empty\n"
            "cell clears it. manager holds an id, userPrincipalName or employeeId; values of a\n"
            "multi-valued attribute and members are separated by ';'. They may be named before\n"
            "they appear in the file.\n"
            "JSON: {\"users\": [...], \"groups\": [...]}, or an array with --type.\n"
            "FILE '-' is standard input. An error names file, line and column, and nothing is\n"
            "changed (with --batch: nothing after the last full batch).\n"
            "--complete moves who is missing to the recycle bin. More than 500 of them, or 25 and\n"
            "more than 10 %, are refused until --allow-removals says how many may go.\n"
            "--map and --ignore are kept for the next import.\n\n"
            "  usher import people.csv --dry-run\n"
            "  usher import hr.csv --map \"Last name=surname\" --ignore \"Shoe size\"\n",
        .options = import_options,
        .option_count = ARRAY_LEN(import_options),
        .min_args = 1,
        .max_args = 1,
        .run = run_import,
    },
};
extern const struct cli_commands import_commands;
const struct cli_commands import_commands = {commands, ARRAY_LEN(commands)};
