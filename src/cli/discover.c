/* `usher discover N`: whose are the accounts that the application has; with --assign, those of
 * people who are not assigned yet are taken over. */
#include "engine/drift/discover.h"

#include "base/file.h"
#include "base/unicode.h"
#include "cli/author.h"
#include "cli/csv.h"
#include "cli/wire.h"
#include "directory/assignment.h"
#include "directory/object.h"

enum { LIMIT_DEFAULT = 40, LIMIT_MAX = 1000000, CSV_CELL_MAX = 1 << 20 };

struct discovery {
    struct cli *cli;
    struct arena *tmp; /* of one row */
    const struct job *job;
    bool by_class;
    enum discover_class class_;
    struct str search; /* folded */
    bool duplicates;
    struct file_draft draft; /* of the export */
    FILE *file;              /* its stream; NULL: there is none */
    bool assign, dry;
    int64_t limit, rows, assigned;
};

static bool is_wanted(struct discovery *d, const struct discover_row *row)
{
    const struct str texts[] = {row->target_id, row->target_name, row->value, row->source_id,
                                row->source_name};
    bool found = d->search.len == 0;
    size_t at;

    if ((d->by_class && row->class_ != d->class_) ||
        (d->duplicates && !row->several_sources && row->twin.len == 0))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(texts) && !found; i++)
        found = str_find(str_fold(d->tmp, texts[i]), d->search, &at);
    return found;
}

static struct str note_of(struct arena *a, const struct discover_row *row)
{
    if (row->twin.len)
        return arena_printf(a, "account %.*s is the same person's", STR_ARG(row->twin));
    if (row->several_sources)
        return STR("several people have its matching values");
    return row->connected ? STR("connected") : STR("");
}

static bool export_row(struct discovery *d, const struct discover_row *row, struct err *err)
{
    CLEANUP(buf_done) struct buf line;

    buf_init(&line, CSV_CELL_MAX);
    cli_csv_cell(&line, str_from_z(discover_class_name(row->class_)), ',');
    cli_csv_cell(&line, row->target_id, ',');
    cli_csv_cell(&line, row->target_name, ',');
    cli_csv_cell(&line, row->value, ',');
    cli_csv_cell(&line, row->source_id, ',');
    cli_csv_cell(&line, row->source_name, ',');
    cli_csv_cell(&line, note_of(d->tmp, row), '\n');
    if (fwrite(line.ptr, 1, line.len, d->file) != line.len)
        return err_set(err, ERR_UNAVAILABLE, "diskFull", "the export cannot be written: %m");
    return true;
}

static void json_row(struct discovery *d, const struct discover_row *row)
{
    struct json *v = json_new(d->tmp, JSON_OBJECT);

    json_add_z(d->tmp, v, "class", discover_class_name(row->class_));
    json_add_z(d->tmp, v, "status", discover_status_name(row->class_));
    json_add_str(d->tmp, v, "targetId", row->target_id);
    json_add_str(d->tmp, v, "targetName", row->target_name);
    json_add_str(d->tmp, v, "value", row->value);
    json_add_str(d->tmp, v, "sourceId", row->source_id);
    json_add_str(d->tmp, v, "sourceName", row->source_name);
    json_add_bool(d->tmp, v, "connected", row->connected);
    json_add_bool(d->tmp, v, "severalSources", row->several_sources);
    json_add_str(d->tmp, v, "duplicateOf", row->twin);
    fprintf(d->cli->out, "%s    %.*s", d->rows == 1 ? "\n" : ",\n", STR_ARG(json_text(d->tmp, v)));
}

static void print_row(struct discovery *d, const struct discover_row *row)
{
    struct str note = note_of(d->tmp, row);

    cli_say(d->cli, "%-10s  %-36.*s  %.*s%s%.*s%s%.*s", discover_class_name(row->class_),
            STR_ARG(row->value.len ? row->value : row->target_id), STR_ARG(row->target_name),
            row->source_name.len ? "  <- " : "", STR_ARG(row->source_name), note.len ? "  " : "",
            STR_ARG(note));
}

static bool note_assignment(struct discovery *d, const struct directory_object *o, struct err *err)
{
    struct json *v = json_new(d->tmp, JSON_OBJECT);

    json_add_str(d->tmp, v, "principalId", o->id);
    json_add_str(d->tmp, v, "principalDisplayName", directory_object_name(o));
    json_add_z(d->tmp, v, "role", "default access");
    return cli_note(d->cli,
                    &(struct audit_change){
                        .activity = AUDIT_USER,
                        .app_id = d->job->id,
                        .app_name = d->job->name,
                        .subject = STR("assignment"),
                        .after = v,
                    },
                    err);
}

/* Whoever is meant beyond doubt gets the application assigned; the next cycle connects the account.
 */
static bool assign(struct discovery *d, const struct discover_row *row, struct err *err)
{
    static const struct directory_role role = {0};
    struct cli *c = d->cli;
    struct directory_object o;
    struct directory_tx tx;
    bool found, changed;

    if (row->class_ != DISCOVER_UNASSIGNED || row->several_sources || row->twin.len)
        return true;
    if (!d->dry) {
        if (!directory_load(c->db_handle, d->tmp, row->source_id, &o, &found, err))
            return false;
        if (!found)
            return true;
        if (!directory_begin(c->db_handle, c->clock, c->rng, &tx, err))
            return false;
        if (!directory_assign(&tx, d->job->id, &o, &role, &changed, err) ||
            !note_assignment(d, &o, err)) {
            directory_rollback(&tx);
            return false;
        }
        if (!directory_commit(&tx, err))
            return false;
    }
    d->assigned++;
    return true;
}

static bool on_row(void *ctx, const struct discover_row *row, struct err *err)
{
    struct discovery *d = ctx;

    arena_reset(d->tmp);
    if (!is_wanted(d, row))
        return true;
    d->rows++;
    if (d->file && !export_row(d, row, err))
        return false;
    if (d->cli->json) {
        json_row(d, row);
    } else if (!d->file && d->rows <= d->limit) {
        print_row(d, row);
    }
    return !d->assign || assign(d, row, err);
}

static void print_json_end(struct discovery *d, const struct discover_counts *n)
{
    struct arena *a = d->cli->arena;
    struct json *v = json_new(a, JSON_OBJECT);

    json_add_int(a, v, "accounts", n->accounts);
    for (int i = 0; i < DISCOVER_CLASS_COUNT; i++)
        json_add_int(a, v, discover_class_name((enum discover_class)i), n->by_class[i]);
    json_add_int(a, v, "connected", n->connected);
    json_add_int(a, v, "duplicates", n->duplicates);
    json_add_bool(a, v, "complete", n->complete);
    json_add_str(a, v, "why", n->why);
    if (d->assign)
        json_add_int(a, v, d->dry ? "wouldAssign" : "nowAssigned", d->assigned);
    fprintf(d->cli->out, "%s],\n  \"counts\": %.*s\n}\n", d->rows ? "\n  " : "",
            STR_ARG(json_text(a, v)));
}

static void print_end(struct discovery *d, const struct discover_counts *n, const char *path)
{
    struct cli *c = d->cli;

    if (path) {
        cli_say(c, "%lld rows written to %s", (long long)d->rows, path);
    } else if (d->rows > d->limit) {
        cli_say(c, "... and %lld more (--limit shows more of them, --export FILE.csv has them all)",
                (long long)(d->rows - d->limit));
    }
    cli_say(c,
            "%s%lld accounts: %lld of people who are assigned (%lld connected), %lld of people who "
            "are not, %lld of nobody here; %lld duplicates",
            d->rows ? "\n" : "", (long long)n->accounts, (long long)n->by_class[DISCOVER_ASSIGNED],
            (long long)n->connected, (long long)n->by_class[DISCOVER_UNASSIGNED],
            (long long)n->by_class[DISCOVER_LOCAL], (long long)n->duplicates);
    if (!n->complete)
        cli_say(c, "the application could not be read to its end: %.*s", STR_ARG(n->why));
    if (d->assign && d->dry) {
        cli_say(c, "%lld people would be assigned (dry run: nobody was)", (long long)d->assigned);
    } else if (d->assign) {
        cli_say(c, "%lld people are assigned now; the next cycle connects their accounts",
                (long long)d->assigned);
    }
}

static bool take_class(struct discovery *d, const char *name, struct err *err)
{
    if (!name)
        return true;
    d->by_class = true;
    for (int i = 0; i < DISCOVER_CLASS_COUNT; i++) {
        d->class_ = (enum discover_class)i;
        if (str_eq_ascii_nocase(str_from_z(name), str_from_z(discover_class_name(d->class_))) ||
            str_eq_ascii_nocase(str_from_z(name), str_from_z(discover_status_name(d->class_))))
            return true;
    }
    return err_set(err, ERR_INVALID, "usage", "--class is local, unassigned or assigned, not '%s'",
                   name);
}

static bool open_export(struct discovery *d, const char *path, struct err *err)
{
    if (!path)
        return true;
    if (!file_draft_open(&d->draft, path, 0600, err))
        return false;
    d->file = d->draft.stream;
    fputs("class,targetId,targetName,value,sourceId,sourceName,note\n", d->file);
    return true;
}

static int run_discover(struct cli *c, const struct cli_args *args)
{
    CLEANUP(cli_wire_end) struct cli_wire w = {.cli = c};
    CLEANUP(arena_freep) struct arena *tmp = arena_new();
    const char *search = cli_value(args, "--search");
    const char *path = cli_value(args, "--export");
    struct job job;
    struct discovery d = {
        .cli = c,
        .tmp = tmp,
        .job = &job,
        .search = str_fold(c->arena, str_from_z(search)),
        .duplicates = cli_flag(args, "--duplicates"),
        .assign = cli_flag(args, "--assign"),
        .dry = cli_flag(args, "--dry-run"),
        .limit = LIMIT_DEFAULT,
    };
    const struct engine_reading how = {.stop = cli_interrupted()};
    struct err err = {.kind = ERR_NONE};
    struct discover_counts counts = {0};
    bool ok;

    if (!cli_value_int(args, "--limit", 0, LIMIT_MAX, &d.limit, &err) ||
        !take_class(&d, cli_value(args, "--class"), &err) || !cli_wire_begin(&w, c, &err) ||
        !cli_job(c, cli_arg(args, 0), &job, &err) || !open_export(&d, path, &err))
        return cli_fail(c, &err);
    if (c->json)
        fprintf(c->out, "{\n  \"rows\": [");
    cli_interrupt_begin();
    ok = engine_discover(&w.engine, job.no, on_row, &d, &how, c->arena, &counts, &err);
    if (ok && *cli_interrupted()) /* a file of some of them would look like one of all */
        d.file = NULL;
    ok = ok && (!d.file || file_draft_commit(&d.draft, &err));
    file_draft_drop(&d.draft);
    if (!ok)
        return cli_fail(c, &err);
    if (c->json) {
        print_json_end(&d, &counts);
    } else {
        print_end(&d, &counts, d.file ? path : NULL);
    }
    return counts.complete ? 0 : 1;
}

static const struct cli_option discover_options[] = {
    {"--class", "CLASS", "only local (nobody's here), unassigned, or assigned ones"},
    {"--search", "TEXT", "only those with the text in a name, an id or the matching value"},
    {"--duplicates", NULL, "only those that share a person, or that several people match"},
    {"--export", "FILE", "all of them as CSV"},
    {"--limit", "N", "how many rows to show (default 40); all are counted. --json has them all"},
    {"--assign", NULL, "assign the application to the unassigned people among them"},
    {"--dry-run", NULL, "with --assign: only say how many that would be"},
    CLI_RECORD_OPTION,
};

static const struct cli_command commands[] = {
    {
        .name = "discover",
        .usage = "N [--class CLASS] [--search TEXT] [--duplicates] [--export FILE] [--limit N] "
                 "[--assign [--dry-run]]",
        .summary = "whose are the accounts that the application has already?",
        .help = "Reads all accounts of the application and everybody in the directory, and brings\n"
                "them together by the matching attributes of the mapping. Nothing is written in\n"
                "the application. The exit code is 1 when it could not be read to its end.\n\n"
                "  usher discover demo --class local\n",
        .options = discover_options,
        .option_count = ARRAY_LEN(discover_options),
        .min_args = 1,
        .max_args = 1,
        .run = run_discover,
    },
};

const struct cli_commands discover_commands = {commands, ARRAY_LEN(commands)};
