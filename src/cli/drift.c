/* `usher drift N`: reads the application back and shows what is not as it was exported. */
#include "engine/drift/drift.h"

#include "cli/wire.h"

enum { LIMIT_DEFAULT = 40, LIMIT_MAX = 1000000, ROWS_AT_ONCE = 500 };

struct drift_print {
    struct cli *cli;
    struct arena *tmp; /* of one page of rows */
    int64_t limit;
    int64_t rows;
};

/* The text of a JSON value as it stands in a row, or nothing. */
static struct json *value_json(struct arena *a, struct str text)
{
    struct json *v;
    struct err ignored;

    if (text.len == 0)
        return json_null(a);
    return json_parse(a, text, NULL, &v, NULL, &ignored) ? v : json_string(a, text);
}

static struct json *row_json(struct arena *a, const struct drift_row *row)
{
    struct json *v = json_new(a, JSON_OBJECT);

    json_add_z(a, v, "finding", drift_finding_name(row->finding));
    json_add_z(a, v, "kind", row->kind == SOURCE_USER ? "user" : "group");
    json_add_str(a, v, "name", row->name);
    json_add_str(a, v, "sourceId", row->source_id);
    json_add_str(a, v, "targetId", row->target_id);
    json_add_str(a, v, "attribute", row->attribute);
    json_add(a, v, STR("exported"), value_json(a, row->exported));
    json_add(a, v, STR("found"), value_json(a, row->found));
    json_add_z(a, v, "answer", drift_answer_name(row->answer));
    return v;
}

static struct str shown(struct str value)
{
    return value.len ? value : STR("nothing");
}

static struct str finding_text(struct arena *a, const struct drift_row *row)
{
    struct str id = row->target_id;

    switch (row->finding) {
    case DRIFT_CHANGED:
        return arena_printf(a, "%.*s is %.*s, not %.*s", STR_ARG(row->attribute),
                            STR_ARG(shown(row->found)), STR_ARG(shown(row->exported)));
    case DRIFT_MISSING:
        return arena_printf(a, "account %.*s is gone", STR_ARG(id));
    case DRIFT_NOBODYS:
        return arena_printf(a, "account %.*s", STR_ARG(id));
    case DRIFT_MEMBER:
        return row->found.len
                   ? arena_printf(a, "account %.*s is in it and should not be", STR_ARG(row->found))
                   : arena_printf(a, "%.*s should be in it and is not", STR_ARG(row->exported));
    case DRIFT_FINDING_COUNT:
        break;
    }
    return STR("");
}

static void print_row(struct cli *c, struct arena *tmp, const struct drift_row *row)
{
    static const char *const labels[] = {
        [DRIFT_CHANGED] = "changed",
        [DRIFT_MISSING] = "missing",
        [DRIFT_NOBODYS] = "nobody's",
        [DRIFT_MEMBER] = "member",
    };
    static const char *const done[] = {
        [DRIFT_REPORT] = "",
        [DRIFT_REPAIR] = "; repaired",
        [DRIFT_ACCEPT] = "; accepted",
    };

    cli_say(c, "%-8s %-5s  %.*s: %.*s%s", labels[row->finding],
            row->kind == SOURCE_USER ? "user" : "group", STR_ARG(row->name),
            STR_ARG(finding_text(tmp, row)),
            row->finding == DRIFT_NOBODYS ? "" : done[row->answer]);
}

/* As they come, so that rows of any number cost no memory. */
static bool print_rows(struct drift_print *p, int64_t job_no, struct err *err)
{
    struct drift_row *rows;
    int64_t after = 0;
    size_t count;

    do {
        arena_reset(p->tmp);
        if (!drift_rows(p->cli->db_handle, p->tmp, job_no, after, ROWS_AT_ONCE, &rows, &count, err))
            return false;
        for (size_t i = 0; i < count; i++) {
            p->rows++;
            if (p->cli->json) {
                fprintf(p->cli->out, "%s    %.*s", p->rows == 1 ? "\n" : ",\n",
                        STR_ARG(json_text(p->tmp, row_json(p->tmp, &rows[i]))));
            } else if (p->rows <= p->limit) {
                print_row(p->cli, p->tmp, &rows[i]);
            }
            after = rows[i].no;
        }
    } while (count == ROWS_AT_ONCE);
    return true;
}

static struct json *result_json(struct arena *a, const struct drift *d)
{
    struct json *v = json_new(a, JSON_OBJECT);
    struct json *counts = json_new(a, JSON_OBJECT);
    char at[TIME_TEXT_MAX];

    json_add_str(a, v, "beganAt", time_write(d->began_us, at));
    json_add_str(a, v, "endedAt", time_write(d->ended_us, at));
    json_add_bool(a, v, "complete", d->complete);
    json_add_str(a, v, "why", d->why);
    json_add_int(a, v, "accounts", d->accounts);
    for (int f = 0; f < DRIFT_FINDING_COUNT; f++)
        json_add_int(a, counts, drift_finding_name((enum drift_finding)f), d->by_finding[f]);
    json_add_int(a, counts, "repaired", d->repaired);
    json_add_int(a, counts, "accepted", d->accepted);
    json_add(a, v, STR("counts"), counts);
    return v;
}

static void print_summary(struct drift_print *p, const struct drift *d)
{
    struct cli *c = p->cli;

    if (p->rows > p->limit) {
        cli_say(c, "... and %lld more (--limit shows more of them)",
                (long long)(p->rows - p->limit));
    }
    cli_say(c,
            "%s%lld accounts read: %lld values changed by hand, %lld accounts missing, %lld belong "
            "to nobody, %lld memberships differ; %lld repaired, %lld accepted",
            p->rows ? "\n" : "", (long long)d->accounts, (long long)d->by_finding[DRIFT_CHANGED],
            (long long)d->by_finding[DRIFT_MISSING], (long long)d->by_finding[DRIFT_NOBODYS],
            (long long)d->by_finding[DRIFT_MEMBER], (long long)d->repaired, (long long)d->accepted);
    if (!d->complete) {
        cli_say(c,
                "the application could not be read to its end, so nothing is said to be missing: "
                "%.*s",
                STR_ARG(d->why));
    }
}

static void on_progress(void *ctx, int64_t accounts)
{
    cli_progress_step(ctx, accounts, 0);
}

static bool read_back(struct cli_wire *w, const struct job *job, struct drift *out, struct err *err)
{
    struct cli_progress progress;
    const struct engine_reading how = {
        .stop = cli_interrupted(), .progress = on_progress, .ctx = &progress};
    bool ok;

    cli_interrupt_begin();
    cli_progress_begin(&progress, w->cli, "accounts");
    ok = engine_drift(&w->engine, job->no, &how, w->cli->arena, out, err);
    cli_progress_end(&progress);
    return ok;
}

static bool obtain(struct cli_wire *w, const struct job *job, bool last, struct drift *out,
                   struct err *err)
{
    struct cli *c = w->cli;
    bool found;

    if (!last)
        return read_back(w, job, out, err);
    if (!drift_load(c->db_handle, c->arena, job->no, out, &found, err))
        return false;
    if (!found) {
        return err_set(err, ERR_NOT_FOUND, "neverRead",
                       "'%.*s' was never read back: run 'usher drift %.*s' first",
                       STR_ARG(job->name), STR_ARG(job->name));
    }
    return true;
}

static int run_drift(struct cli *c, const struct cli_args *args)
{
    CLEANUP(cli_wire_end) struct cli_wire w = {.cli = c};
    CLEANUP(arena_freep) struct arena *tmp = arena_new();
    struct drift_print p = {.cli = c, .tmp = tmp, .limit = LIMIT_DEFAULT};
    struct err err = {.kind = ERR_NONE};
    struct drift d = {0};
    struct job job;

    if (!cli_value_int(args, "--limit", 0, LIMIT_MAX, &p.limit, &err) ||
        !cli_wire_begin(&w, c, &err) || !cli_job(c, cli_arg(args, 0), &job, &err) ||
        !obtain(&w, &job, cli_flag(args, "--last"), &d, &err))
        return cli_fail(c, &err);
    if (c->json) {
        fprintf(c->out, "{\n  \"result\": %.*s,\n  \"rows\": [",
                STR_ARG(json_text(c->arena, result_json(c->arena, &d))));
    }
    if (!print_rows(&p, job.no, &err))
        return cli_fail(c, &err);
    if (c->json) {
        fprintf(c->out, "%s]\n}\n", p.rows ? "\n  " : "");
    } else {
        print_summary(&p, &d);
    }
    return drift_was_stopped(&d) ? 1 : 0;
}

static const struct cli_option drift_options[] = {
    {"--last", NULL, "show what the newest reading has found; the application is not asked"},
    {"--limit", "N", "how many rows to show (default 40); all are counted. --json has them all"},
    CLI_RECORD_OPTION,
};

static const struct cli_command commands[] = {
    {
        .name = "drift",
        .usage = "N [--last] [--limit N]",
        .summary = "read the application back: what is not as it was exported",
        .help =
            "Finds values that somebody changed in the application, accounts that are gone, and\n"
            "accounts and memberships that nobody here has made. What is done about a difference\n"
            "say the settings drift.answer and drift.attributes: report, repair or accept.\n\n"
            "  usher drift demo\n",
        .options = drift_options,
        .option_count = ARRAY_LEN(drift_options),
        .min_args = 1,
        .max_args = 1,
        .run = run_drift,
    },
};

const struct cli_commands drift_commands = {commands, ARRAY_LEN(commands)};
