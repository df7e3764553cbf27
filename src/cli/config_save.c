#include "base/file.h"
#include "cli/author.h"
#include "cli/config.h"

#include <inttypes.h>
#include <string.h>

enum { FINDINGS_SHOWN = 50, AUTHOR_MAX = 200, COMMENT_MAX = 2000 };

bool cli_config_begin(struct cli_config *g, struct cli *c, const struct cli_args *args,
                      struct err *err)
{
    *g = (struct cli_config){.wire = {.cli = c}};
    return cli_wire_begin(&g->wire, c, err) && cli_job(c, cli_arg(args, 0), &g->job, err);
}

void cli_config_end(struct cli_config *g)
{
    cli_wire_end(&g->wire);
}

bool cli_config_read(struct cli *c, const char *path, struct json **out, struct err *err)
{
    struct str text;
    size_t offset = 0;
    size_t line, column;

    if (!file_read(c->arena, path, MAPPING_DOCUMENT_MAX_BYTES, &text, err))
        return false;
    if (mapping_document_parse(c->arena, text, out, &offset, err))
        return true;
    json_line_column(text, offset, &line, &column);
    return err_at(err, "%s:%zu:%zu", strcmp(path, "-") == 0 ? "standard input" : path, line,
                  column);
}

bool cli_config_load(struct cli_config *g, int64_t version, struct json **out, int64_t *out_version,
                     struct err *err)
{
    struct cli *c = g->wire.cli;

    return engine_config_load(c->db_handle, c->arena, g->job.no, version, out, out_version, err);
}

/* --- Words --- */

void cli_config_print_differences(struct cli *c, const struct mapping_difference *list,
                                  size_t count)
{
    size_t shown = 0;

    for (; list; list = list->next, shown++) {
        fprintf(c->out, "  %.*s%s%.*s\n", STR_ARG(list->where), list->where.len ? ": " : "",
                STR_ARG(list->text));
    }
    if (shown < count)
        fprintf(c->out, "  ... and %zu more\n", count - shown);
}

struct json *cli_config_differences_json(struct arena *a, const struct mapping_difference *list)
{
    struct json *out = json_new(a, JSON_ARRAY);

    for (; list; list = list->next) {
        struct json *v = json_new(a, JSON_OBJECT);

        json_add_str(a, v, "pointer", list->pointer);
        json_add_str(a, v, "where", list->where);
        json_add_str(a, v, "text", list->text);
        json_append(out, v);
    }
    return out;
}

void cli_config_print_golden(struct cli *c, FILE *to, const struct engine_config_check *check,
                             bool only_failed)
{
    (void)c;
    for (size_t i = 0; i < check->golden.count; i++) {
        const struct mapping_golden_result *r = &check->golden.results[i];

        if (r->passed && only_failed)
            continue;
        fprintf(to, "%-6s %.*s\n", r->passed ? "ok" : "FAILED", STR_ARG(r->name));
        for (size_t k = 0; k < r->line_count; k++)
            fprintf(to, "         %.*s\n", STR_ARG(r->lines[k]));
    }
}

struct json *cli_config_golden_json(struct arena *a, const struct engine_config_check *check)
{
    struct json *out = json_new(a, JSON_ARRAY);

    for (size_t i = 0; i < check->golden.count; i++) {
        const struct mapping_golden_result *r = &check->golden.results[i];
        struct json *v = json_new(a, JSON_OBJECT);
        struct json *lines = json_new(a, JSON_ARRAY);

        json_add_str(a, v, "name", r->name);
        json_add_bool(a, v, "passed", r->passed);
        for (size_t k = 0; k < r->line_count; k++)
            json_append(lines, json_string(a, r->lines[k]));
        json_add(a, v, STR("failures"), lines);
        json_append(out, v);
    }
    return out;
}

/* --- Refusing --- */

static struct json *findings_json(struct arena *a, const struct mapping_finding *f)
{
    struct json *out = json_new(a, JSON_ARRAY);

    for (; f; f = f->next) {
        struct json *v = json_new(a, JSON_OBJECT);

        json_add_str(a, v, "pointer", f->pointer);
        json_add_z(a, v, "code", f->code);
        json_add_str(a, v, "message", f->message);
        json_add_int(a, v, "offset", (int64_t)f->offset);
        json_append(out, v);
    }
    return out;
}

static void print_findings(struct cli *c, const struct mapping_finding *f)
{
    size_t n = 0;

    for (; f; f = f->next) {
        if (n++ >= FINDINGS_SHOWN)
            continue;
        fprintf(c->err, "%.*s", STR_ARG(f->message));
        if (f->offset)
            fprintf(c->err, " (character %zu)", f->offset + 1);
        fprintf(c->err, "\n    at %s\n", f->pointer.len ? f->pointer.ptr : "/");
    }
    if (n > FINDINGS_SHOWN)
        fprintf(c->err, "... and %zu more (--json has them all)\n", n - FINDINGS_SHOWN);
    fprintf(c->err, "usher: refused with %zu finding%s; nothing was changed\n", n,
            n == 1 ? "" : "s");
}

int cli_config_fail(struct cli_config *g, const struct err *err)
{
    struct cli *c = g->wire.cli;
    bool golden = err->code && strcmp(err->code, "goldenCaseFailed") == 0;

    if (!g->check.findings && !golden)
        return cli_fail(c, err);
    if (c->json) {
        struct json *v = json_new(c->arena, JSON_OBJECT);

        json_add_z(c->arena, v, "code", err->code);
        json_add_z(c->arena, v, "message", err->message);
        json_add_z(c->arena, v, "place", err->place);
        json_add(c->arena, v, STR("findings"), findings_json(c->arena, g->check.findings));
        json_add(c->arena, v, STR("golden"), cli_config_golden_json(c->arena, &g->check));
        fprintf(c->err, "%.*s\n", STR_ARG(json_text(c->arena, v)));
    } else if (golden) {
        cli_config_print_golden(c, c->err, &g->check, true);
        fprintf(c->err,
                "usher: %zu of %zu golden cases fail; nothing was changed (--force saves "
                "anyway)\n",
                g->check.golden.failed, g->check.golden.count);
    } else {
        print_findings(c, g->check.findings);
    }
    return 1;
}

/* --- Saving --- */

static bool change_of(struct cli *c, const struct cli_args *args, const char *comment,
                      struct engine_config_change *out, struct err *err)
{
    const char *author = cli_value(args, "--author");
    const char *given = cli_value(args, "--comment");

    out->author = author ? str_from_z(author) : cli_author(c);
    out->comment = str_from_z(given ? given : comment);
    if (out->author.len > AUTHOR_MAX || out->comment.len > COMMENT_MAX) {
        return err_set(err, ERR_INVALID, "usage",
                       "--author takes at most %d bytes and --comment %d", AUTHOR_MAX, COMMENT_MAX);
    }
    return true;
}

static int report(struct cli_config *g, int64_t version, bool dry_run)
{
    struct cli *c = g->wire.cli;
    const struct engine_config_check *k = &g->check;
    bool changed = k->difference_count > 0;
    const char *name = arena_z(c->arena, g->job.name);

    if (c->json) {
        struct json *v = json_new(c->arena, JSON_OBJECT);

        json_add_int(c->arena, v, "version", version);
        json_add_bool(c->arena, v, "saved", changed && !dry_run);
        json_add_int(c->arena, v, "differenceCount", (int64_t)k->difference_count);
        json_add(c->arena, v, STR("differences"),
                 cli_config_differences_json(c->arena, k->differences));
        json_add(c->arena, v, STR("golden"), cli_config_golden_json(c->arena, k));
        cli_print_json(c, v);
        return 0;
    }
    if (!changed) {
        cli_say(c, "no difference: '%s' stays at version %" PRId64, name, version);
        return 0;
    }
    if (!c->quiet)
        cli_config_print_differences(c, k->differences, k->difference_count);
    if (k->golden.failed > 0) {
        cli_config_print_golden(c, c->out, k, true);
        cli_say(c, "%zu of %zu golden cases fail", k->golden.failed, k->golden.count);
    }
    if (dry_run) {
        cli_say(c, "nothing was saved");
    } else {
        cli_say(c,
                "saved as version %" PRId64 " of '%s'; the next cycle looks at everybody, "
                "accounts stay connected",
                version, name);
    }
    return 0;
}

int cli_config_save(struct cli_config *g, const struct cli_args *args, struct json *draft,
                    const char *comment)
{
    struct cli *c = g->wire.cli;
    bool dry_run = cli_flag(args, "--dry-run");
    enum engine_config_golden golden =
        cli_flag(args, "--force") ? GOLDEN_MAY_FAIL : GOLDEN_MUST_PASS;
    struct engine_config_change change;
    struct err err = {.kind = ERR_NONE};
    int64_t version;

    if (!change_of(c, args, comment, &change, &err) ||
        !engine_config_check(&g->wire.engine, g->job.no, draft, golden, c->arena, &g->check, &err))
        return cli_config_fail(g, &err);
    version = g->check.base_version;
    if (!dry_run &&
        !engine_config_save(&g->wire.engine, g->job.no, &g->check, &change, &version, &err))
        return cli_config_fail(g, &err);
    return report(g, version, dry_run);
}
