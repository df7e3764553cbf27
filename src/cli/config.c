/* `usher config export|import|diff|history|rollback|test`: the synchronization schema of an
 * application, in versions. */
#include "cli/config.h"

#include "base/file.h"

#include <inttypes.h>
#include <string.h>

enum { HISTORY_DEFAULT = 20, HISTORY_MAX = 10000, DIFFERENCES_MAX = 10000 };

/* --- export, import --- */

static int run_export(struct cli *c, const struct cli_args *args)
{
    CLEANUP(cli_config_end) struct cli_config g;
    struct err err = {.kind = ERR_NONE};
    const char *path = cli_arg(args, 1);
    int64_t version = 0;
    struct json *document;
    struct str text;

    if (!cli_config_begin(&g, c, args, &err) ||
        !cli_value_int(args, "--version", 1, INT64_MAX, &version, &err) ||
        !cli_config_load(&g, version, &document, &version, &err))
        return cli_fail(c, &err);
    text = mapping_document_text(c->arena, document);
    if (!*path || strcmp(path, "-") == 0) {
        (void)fwrite(text.ptr, 1, text.len, c->out);
        return 0;
    }
    if (!file_write(path, text, 0644, &err))
        return cli_fail(c, &err);
    if (c->json) {
        struct json *v = json_new(c->arena, JSON_OBJECT);

        json_add_z(c->arena, v, "file", path);
        json_add_int(c->arena, v, "version", version);
        cli_print_json(c, v);
    }
    cli_say(c, "wrote version %" PRId64 " to %s", version, path);
    return 0;
}

static int run_import(struct cli *c, const struct cli_args *args)
{
    CLEANUP(cli_config_end) struct cli_config g;
    struct err err = {.kind = ERR_NONE};
    struct json *draft;

    if (!cli_config_begin(&g, c, args, &err) || !cli_config_read(c, cli_arg(args, 1), &draft, &err))
        return cli_fail(c, &err);
    return cli_config_save(
        &g, args, draft,
        arena_z(c->arena, arena_printf(c->arena, "import of %s", cli_arg(args, 1))));
}

/* --- diff --- */

/* "12" is a version, anything else a file. */
static bool side(struct cli_config *g, const char *word, const struct json *stored,
                 struct json **out, struct str *out_title, struct err *err)
{
    struct cli *c = g->wire.cli;
    struct json *given;
    int64_t version;

    if (str_to_int(str_from_z(word), 1, INT64_MAX, &version)) {
        *out_title = arena_printf(c->arena, "version %" PRId64, version);
        return cli_config_load(g, version, out, &version, err);
    }
    *out_title = str_from_z(word);
    if (!cli_config_read(c, word, &given, err))
        return false;
    mapping_document_keep(c->arena, given, stored);
    if (!mapping_document_check(c->arena, given, out, NULL, &g->check.findings, err))
        return false;
    mapping_document_adopt(c->arena, *out, stored, c->rng);
    return true;
}

static bool both_sides(struct cli_config *g, const struct cli_args *args, struct json **before,
                       struct json **after, struct str titles[2], struct err *err)
{
    struct arena *a = g->wire.cli->arena;
    int64_t version;
    int64_t ignored;

    if (!cli_config_load(g, 0, after, &version, err))
        return false;
    titles[1] = arena_printf(a, "version %" PRId64, version);
    *before = *after;
    titles[0] = titles[1];
    if (cli_arg_count(args) == 1) { /* the last change */
        if (version == 1)
            return err_set(err, ERR_NOT_FOUND, "schemaNotFound", "there is one version only");
        titles[0] = arena_printf(a, "version %" PRId64, version - 1);
        return cli_config_load(g, version - 1, before, &ignored, err);
    }
    if (cli_arg_count(args) == 3) {
        const struct json *stored = *after;

        return side(g, cli_arg(args, 1), stored, before, &titles[0], err) &&
               side(g, cli_arg(args, 2), stored, after, &titles[1], err);
    }
    if (str_to_int(str_from_z(cli_arg(args, 1)), 1, INT64_MAX, &ignored))
        return side(g, cli_arg(args, 1), *after, before, &titles[0], err);
    return side(g, cli_arg(args, 1), *before, after, &titles[1], err);
}

static int run_diff(struct cli *c, const struct cli_args *args)
{
    CLEANUP(cli_config_end) struct cli_config g;
    struct err err = {.kind = ERR_NONE};
    struct json *before;
    struct json *after;
    struct str titles[2];
    struct mapping_difference *list;
    size_t count;

    if (!cli_config_begin(&g, c, args, &err) ||
        !both_sides(&g, args, &before, &after, titles, &err))
        return cli_config_fail(&g, &err);
    mapping_document_compare(c->arena, before, after, DIFFERENCES_MAX, &list, &count);
    if (c->json) {
        struct json *v = json_new(c->arena, JSON_OBJECT);

        json_add_str(c->arena, v, "before", titles[0]);
        json_add_str(c->arena, v, "after", titles[1]);
        json_add_int(c->arena, v, "differenceCount", (int64_t)count);
        json_add(c->arena, v, STR("differences"), cli_config_differences_json(c->arena, list));
        cli_print_json(c, v);
        return 0;
    }
    if (count == 0) {
        cli_say(c, "%.*s and %.*s say the same", STR_ARG(titles[0]), STR_ARG(titles[1]));
        return 0;
    }
    cli_say(c, "from %.*s to %.*s:", STR_ARG(titles[0]), STR_ARG(titles[1]));
    cli_config_print_differences(c, list, count);
    return 0;
}

/* --- history, rollback --- */

/* What a version changed; the first one has nothing before it. */
static bool changes_of(struct cli_config *g, int64_t version, struct mapping_difference **out,
                       size_t *out_count, struct err *err)
{
    struct json *before;
    struct json *after;
    int64_t ignored;

    *out = NULL;
    *out_count = 0;
    if (version == 1)
        return true;
    if (!cli_config_load(g, version - 1, &before, &ignored, err) ||
        !cli_config_load(g, version, &after, &ignored, err))
        return false;
    mapping_document_compare(g->wire.cli->arena, before, after, DIFFERENCES_MAX, out, out_count);
    return true;
}

static bool print_details(struct cli_config *g, const struct job_schema_version *v, struct err *err)
{
    struct cli *c = g->wire.cli;
    struct mapping_difference *list;
    size_t count;
    char when[TIME_TEXT_MAX];

    if (!changes_of(g, v->version, &list, &count, err))
        return false;
    fprintf(c->out, "version %" PRId64 "  %.*s  %.*s  %.*s\n", v->version,
            STR_ARG(time_write(v->created_us, when)), STR_ARG(v->author), STR_ARG(v->comment));
    cli_config_print_differences(c, list, count);
    return true;
}

static bool print_history(struct cli_config *g, const struct job_schema_version *list, size_t count,
                          bool details, struct err *err)
{
    static const char *const headers[] = {"VERSION", "WHEN", "WHO", "WHY"};
    struct cli *c = g->wire.cli;
    struct cli_table *table = cli_table_new(c, headers, ARRAY_LEN(headers));
    char when[TIME_TEXT_MAX];

    for (size_t i = 0; i < count; i++) {
        if (details && !print_details(g, &list[i], err))
            return false;
        cli_table_row(table,
                      (struct str[]){arena_printf(c->arena, "%" PRId64, list[i].version),
                                     arena_str(c->arena, time_write(list[i].created_us, when)),
                                     list[i].author, list[i].comment});
    }
    if (!details)
        cli_table_print(table);
    return true;
}

static bool history_json(struct cli_config *g, const struct job_schema_version *list, size_t count,
                         bool details, struct err *err)
{
    struct cli *c = g->wire.cli;
    struct arena *a = c->arena;
    struct json *out = json_new(a, JSON_ARRAY);
    char when[TIME_TEXT_MAX];

    for (size_t i = 0; i < count; i++) {
        struct json *v = json_new(a, JSON_OBJECT);
        struct mapping_difference *changes;
        size_t change_count;

        json_add_int(a, v, "version", list[i].version);
        json_add_str(a, v, "created", time_write(list[i].created_us, when));
        json_add_str(a, v, "author", list[i].author);
        json_add_str(a, v, "comment", list[i].comment);
        if (details) {
            if (!changes_of(g, list[i].version, &changes, &change_count, err))
                return false;
            json_add(a, v, STR("differences"), cli_config_differences_json(a, changes));
        }
        json_append(out, v);
    }
    cli_print_json(c, out);
    return true;
}

static int run_history(struct cli *c, const struct cli_args *args)
{
    CLEANUP(cli_config_end) struct cli_config g;
    struct err err = {.kind = ERR_NONE};
    bool details = cli_flag(args, "--details");
    struct job_schema_version *list;
    int64_t limit = HISTORY_DEFAULT;
    size_t count;

    if (!cli_config_begin(&g, c, args, &err) ||
        !cli_value_int(args, "--limit", 1, HISTORY_MAX, &limit, &err) ||
        !job_schema_list(c->db_handle, c->arena, g.job.no, 0, (size_t)limit, &list, &count, &err) ||
        !(c->json ? history_json(&g, list, count, details, &err)
                  : print_history(&g, list, count, details, &err)))
        return cli_fail(c, &err);
    return 0;
}

static int run_rollback(struct cli *c, const struct cli_args *args)
{
    CLEANUP(cli_config_end) struct cli_config g;
    struct err err = {.kind = ERR_NONE};
    const char *word = cli_arg(args, 1);
    struct json *document;
    int64_t version;

    if (!cli_config_begin(&g, c, args, &err))
        return cli_fail(c, &err);
    version = g.job.schema_version - 1;
    if (*word && !str_to_int(str_from_z(word), 1, INT64_MAX, &version)) {
        return cli_usage(c, "'%s' is no version; usher config history %s lists them", word,
                         arena_z(c->arena, g.job.name));
    }
    if (version < 1)
        return cli_usage(c, "there is one version only");
    if (!cli_config_load(&g, version, &document, &version, &err))
        return cli_fail(c, &err);
    /* Absent would mean that those of the newest version stay. */
    if (!json_get(document, STR("goldenCases")))
        json_add(c->arena, document, STR("goldenCases"), json_new(c->arena, JSON_ARRAY));
    return cli_config_save(
        &g, args, document,
        arena_z(c->arena, arena_printf(c->arena, "rollback to version %" PRId64, version)));
}

/* --- test --- */

static int run_test(struct cli *c, const struct cli_args *args)
{
    CLEANUP(cli_config_end) struct cli_config g;
    struct err err = {.kind = ERR_NONE};
    struct json *draft;
    int64_t version;

    if (!cli_config_begin(&g, c, args, &err) ||
        !(*cli_arg(args, 1) ? cli_config_read(c, cli_arg(args, 1), &draft, &err)
                            : cli_config_load(&g, 0, &draft, &version, &err)) ||
        !engine_config_check(&g.wire.engine, g.job.no, draft, GOLDEN_MAY_FAIL, c->arena, &g.check,
                             &err))
        return cli_config_fail(&g, &err);
    if (c->json) {
        struct json *v = json_new(c->arena, JSON_OBJECT);

        json_add_int(c->arena, v, "passed",
                     (int64_t)(g.check.golden.count - g.check.golden.failed));
        json_add_int(c->arena, v, "failed", (int64_t)g.check.golden.failed);
        json_add(c->arena, v, STR("cases"), cli_config_golden_json(c->arena, &g.check));
        cli_print_json(c, v);
    } else {
        cli_config_print_golden(c, c->out, &g.check, c->quiet);
        fprintf(c->out, "%zu passed, %zu failed\n", g.check.golden.count - g.check.golden.failed,
                g.check.golden.failed);
        if (g.check.golden.count == 0)
            cli_say(c, "usher config golden '%.*s' WHO stores a case", STR_ARG(g.job.name));
    }
    return g.check.golden.failed ? 1 : 0;
}

static const struct cli_option export_options[] = {
    {"--version", "V", "an older version (default: the newest)"},
};
static const struct cli_option save_options[] = {CLI_CONFIG_SAVE_OPTIONS};
static const struct cli_option history_options[] = {
    {"--limit", "N", "how many versions (default 20)"},
    {"--details", NULL, "what each of them changed"},
};

static const struct cli_command commands[] = {
    {
        .name = "config export",
        .usage = "N [FILE] [--version V]",
        .summary = "write an application's synchronization schema as JSON",
        .help = "Rules, mappings, filters, attribute lists and golden cases; no secrets. The same\n"
                "content always gives the same bytes. Without FILE: on standard output.\n\n"
                "  usher config export demo demo.json\n",
        .options = export_options,
        .option_count = ARRAY_LEN(export_options),
        .min_args = 1,
        .max_args = 2,
        .run = run_export,
    },
    {
        .name = "config import",
        .usage = "N FILE [--dry-run] [--comment TEXT] [--author NAME] [--force]",
        .summary = "replace an application's synchronization schema",
        .help =
            "Takes what 'config export' writes, and what the reference service exports, as it is.\n"
            "Everything that is wrong is told at once, each with a JSON pointer; then nothing is\n"
            "changed. Rules, directories or goldenCases that the file does not have stay as they\n"
            "are. The next cycle looks at everybody again; accounts stay connected. Look first:\n\n"
            "  usher config try demo demo.json\n"
            "  usher config import demo demo.json --comment 'titles from HR'\n",
        .options = save_options,
        .option_count = ARRAY_LEN(save_options),
        .min_args = 2,
        .max_args = 2,
        .run = run_import,
    },
    {
        .name = "config diff",
        .usage = "N [VERSION|FILE [VERSION|FILE]]",
        .summary = "say in words what differs between two schemas",
        .help =
            "Without versions: the last change. With a version: what has changed since. With a\n"
            "file: what importing it would change.\n\n"
            "  usher config diff demo 1\n",
        .min_args = 1,
        .max_args = 3,
        .run = run_diff,
    },
    {
        .name = "config history",
        .usage = "N [--details] [--limit N]",
        .summary = "list the versions of a schema: when, who, why",
        .help = "  usher config history demo --details\n",
        .options = history_options,
        .option_count = ARRAY_LEN(history_options),
        .min_args = 1,
        .max_args = 1,
        .run = run_history,
    },
    {
        .name = "config rollback",
        .usage = "N [VERSION] [--dry-run] [--comment TEXT] [--author NAME] [--force]",
        .summary = "go back to an older version of the schema",
        .help = "Saves the older version as a new one; nothing of the history is lost. Without\n"
                "VERSION: the one before the newest.\n\n"
                "  usher config rollback demo 1\n",
        .options = save_options,
        .option_count = ARRAY_LEN(save_options),
        .min_args = 1,
        .max_args = 2,
        .run = run_rollback,
    },
    {
        .name = "config test",
        .usage = "N [FILE]",
        .summary = "run the golden cases of a schema, or of a draft",
        .help = "Golden cases are people with the attributes that are expected for them. They run\n"
                "at every save, too. The last line says how many passed and failed.\n\n"
                "  usher config test demo\n",
        .min_args = 1,
        .max_args = 2,
        .run = run_test,
    },
};

extern const struct cli_commands config_commands;
const struct cli_commands config_commands = {commands, ARRAY_LEN(commands)};
