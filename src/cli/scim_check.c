/* `usher scim check`: conformance of anybody's SCIM server, as a report. */
#include "cli/wire.h"
#include "conformance/check.h"

#include <string.h>

enum { SHOWN_MAX = 600 }; /* bytes of a body in the readable report */

struct report {
    struct cli *cli;
    struct json *checks; /* with --json */
};

static void show_text(struct cli *c, const char *label, struct str text)
{
    if (!text.len)
        return;
    fprintf(c->out, "      %-9s", label);
    for (size_t i = 0; i < text.len && i < SHOWN_MAX; i++)
        fputc((unsigned char)text.ptr[i] < ' ' ? ' ' : text.ptr[i], c->out);
    fputs(text.len > SHOWN_MAX ? "...\n" : "\n", c->out);
}

static void print_result(struct cli *c, const struct check_result *r)
{
    bool advice = r->verdict == CHECK_FAILED && r->level == CHECK_SHOULD;
    const char *verdict = advice                       ? "advice"
                          : r->verdict == CHECK_FAILED ? "FAILED"
                                                       : check_verdict_name(r->verdict);

    fprintf(c->out, "%-8s%-7s%-18s %s\n", verdict, check_level_name(r->level), r->section, r->name);
    if (r->verdict == CHECK_PASSED)
        return;
    if (r->verdict == CHECK_SKIPPED && !r->sent.len) {
        show_text(c, "because", r->why);
        return;
    }
    show_text(c, "sent", r->sent);
    show_text(c, "body", r->sent_body);
    show_text(c, "expected", r->expected);
    show_text(c, "found", r->why);
    if (r->status) {
        fprintf(c->out, "      %-9s%d %.*s\n", "answered", r->status, STR_ARG(r->content_type));
        show_text(c, "body", r->answer);
    }
}

static void add_json(struct report *report, const struct check_result *r)
{
    struct arena *a = report->cli->arena;
    struct json *out = json_new(a, JSON_OBJECT);

    json_add_z(a, out, "name", r->name);
    json_add_z(a, out, "section", r->section);
    json_add_z(a, out, "level", check_level_name(r->level));
    json_add_z(a, out, "verdict", check_verdict_name(r->verdict));
    if (r->verdict != CHECK_PASSED) {
        json_add_str(a, out, "why", r->why);
        json_add_str(a, out, "expected", r->expected);
        json_add_str(a, out, "sent", r->sent);
        json_add_str(a, out, "sentBody", r->sent_body);
        json_add_int(a, out, "status", r->status);
        json_add_str(a, out, "answer", str_sub(r->answer, 0, 64 << 10));
    }
    json_append(report->checks, out);
}

static void on_result(void *ctx, const struct check_result *r)
{
    struct report *report = ctx;

    if (report->checks) {
        add_json(report, r);
    } else if (!(report->cli->quiet && r->verdict == CHECK_PASSED)) {
        print_result(report->cli, r);
        fflush(report->cli->out); /* who waits sees how far it is */
    }
}

static void print_summary(struct cli *c, const struct check_options *o,
                          const struct check_summary *s)
{
    fprintf(c->out, "\n%u passed, %u failed, %u skipped, %u pieces of advice\n", s->passed,
            s->failed, s->skipped, s->advice);
    if (!o->write)
        fputs("Nothing was written; --write also checks accounts, groups and PATCH.\n", c->out);
    if (s->stopped)
        fputs("Interrupted: the other checks were not made.\n", c->out);
    if (s->left.len)
        fprintf(c->out, "Could not be removed:\n%.*s\n", STR_ARG(s->left));
}

static void print_json(struct report *report, const struct check_options *o,
                       const struct check_summary *s)
{
    struct arena *a = report->cli->arena;
    struct json *out = json_new(a, JSON_OBJECT), *left = json_new(a, JSON_ARRAY);
    struct str rest = s->left, path;

    while (rest.len > 0) {
        (void)str_cut(&rest, '\n', &path);
        json_append(left, json_string(a, path));
    }
    json_add_str(a, out, "url", o->url);
    json_add_bool(a, out, "write", o->write);
    json_add_int(a, out, "passed", s->passed);
    json_add_int(a, out, "failed", s->failed);
    json_add_int(a, out, "skipped", s->skipped);
    json_add_int(a, out, "advice", s->advice);
    json_add_bool(a, out, "interrupted", s->stopped);
    json_add(a, out, STR("left"), left);
    json_add(a, out, STR("checks"), report->checks);
    cli_print_json(report->cli, out);
}

/* "-" is a line of standard input, so that the token need not stand on a command line. */
static bool read_token(struct cli *c, const struct cli_args *args, struct str *out, struct err *err)
{
    const char *text = cli_value(args, "--token");
    char line[SECRET_MAX + 2];

    *out = arena_str(c->arena, str_from_z(text));
    if (!text || strcmp(text, "-") != 0)
        return true;
    if (!fgets(line, sizeof(line), stdin))
        return err_set(err, ERR_INVALID, "usage", "there is no token on standard input");
    *out = arena_str(c->arena, str_trim(str_from_z(line)));
    return true;
}

static int run_check(struct cli *c, const struct cli_args *args)
{
    struct report report = {.cli = c};
    struct check_options options = {
        .url = str_from_z(cli_arg(args, 0)),
        .write = cli_flag(args, "--write"),
        .ca_file = cli_value(args, "--ca-file"),
        .rng = c->rng,
        .stop = cli_interrupted(),
        .seen = on_result,
        .ctx = &report,
    };
    struct err err = {.kind = ERR_NONE};
    struct check_summary summary;

    if (!read_token(c, args, &options.token, &err))
        return cli_fail(c, &err);
    if (c->json)
        report.checks = json_new(c->arena, JSON_ARRAY);
    cli_interrupt_begin();
    if (!check_run(&options, c->arena, &summary, &err))
        return cli_fail(c, &err);
    if (c->json) {
        print_json(&report, &options, &summary);
    } else {
        print_summary(c, &options, &summary);
    }
    return summary.failed || summary.stopped || summary.left.len ? 1 : 0;
}

static const struct cli_option check_options[] = {
    {"--token", "T", "bearer token; '-' reads it from standard input"},
    {"--write", NULL, "also make, change and remove test accounts and groups"},
    {"--ca-file", "FILE", "PEM of authorities to trust beside the system's"},
};

static const struct cli_command commands[] = {
    {
        .name = "scim check",
        .usage = "URL [--token T] [--write]",
        .summary = "conformance of anybody's SCIM server",
        .help =
            "Sends what RFC 7643, 7644 and 9865 describe, and what the provisioning services of\n"
            "Entra ID and Okta send, and says which answers are not as they have to be, with what was\n"
            "sent and answered. Only reads, unless --write is given: then test accounts and groups,\n"
            "whose names begin with usher-check-, are made and removed again, also after a failure\n"
            "and when it is interrupted. A SHOULD that is not met is advice. The exit code is 0 when\n"
            "nothing failed. --quiet leaves out what passed.\n\n"
            "  usher scim check http://127.0.0.1:8080/scim/demo/v2 --token T --write\n",
        .options = check_options,
        .option_count = ARRAY_LEN(check_options),
        .min_args = 1,
        .max_args = 1,
        .run = run_check,
    },
};

const struct cli_commands scim_commands = {commands, ARRAY_LEN(commands)};
