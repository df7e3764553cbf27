/* `usher watch N`: what a job does, live. */
#include "cli/record.h"
#include "cli/status.h"
#include "cli/wire.h"

#include <string.h>
#include <time.h>

enum { LOOK_EVERY_MS = 500, EVENTS_MAX = 6 };

/* One line: the running cycle, or how things stand. */
static struct str line_of(struct cli *c, struct arena *a, const struct engine_status *s)
{
    char next[TIME_TEXT_MAX];
    const char *when = "";

    if (s->running && s->has_cycle)
        return cli_status_line(c, a, s);
    if (s->next_cycle_us < 0) {
        when = "no next cycle";
    } else if (s->next_cycle_us <= clock_now(c->clock)) {
        when = "next cycle due now";
    } else {
        when = arena_printf(a, "next cycle %.*s", STR_ARG(time_write(s->next_cycle_us, next))).ptr;
    }
    return arena_printf(a, "%s  %lld people, %lld groups, %lld retries, %s", s->code,
                        (long long)s->users, (long long)s->groups, (long long)s->retries, when);
}

/* --- events --- */

/* What the log has got since the last look: the newest few, oldest of them first. */
static bool show_events(struct cli *c, struct arena *a, const struct engine_status *s,
                        int64_t *last_no, struct err *err)
{
    const struct journal_query q = {.after_no = *last_no, .limit = EVENTS_MAX};
    struct journal_record *list;
    char at[TIME_TEXT_MAX];
    size_t count;

    if (!journal_list(c->db_handle, a, s->job.no,
                      *last_no < 0 ? &(struct journal_query){.limit = 1} : &q, &list, &count, err))
        return false;
    if (*last_no < 0) { /* what was before the first look is not told */
        *last_no = count > 0 ? list[0].no : 0;
        return true;
    }
    if (count > 0 && c->out_is_terminal)
        fputs("\r\033[K", c->out);
    if (count > 0 && list[count - 1].no > *last_no + 1)
        cli_say(c, "  ...");
    for (size_t i = count; i-- > 0;) {
        const struct journal_record *r = &list[i];

        cli_say(c, "  %.*s  %-12s %-8s %.*s%s%.*s", 8, str_from(time_write(r->at_us, at), 11).ptr,
                journal_action_name(r->action), journal_status_name(r->status),
                STR_ARG(cli_one_line(a, r->source_name)), r->code.len ? "  " : "",
                STR_ARG(r->code));
    }
    if (count > 0)
        *last_no = list[0].no;
    return true;
}

static void report_ended(struct cli *c, const struct engine_status *s)
{
    if (c->json)
        return;
    if (c->out_is_terminal)
        fputs("\r\033[K", c->out);
    cli_cycle_report(c, &s->job, &s->last);
}

/* A terminal shows one line that changes; a pipe gets a line whenever it differs from the last one.
 */
static void show(struct cli *c, struct arena *a, const struct engine_status *s, int64_t began_us,
                 struct buf *shown)
{
    struct str line;

    if (c->json) {
        line = json_text(a, cli_status_json(a, s, began_us));
    } else {
        line = line_of(c, a, s);
    }
    if (str_eq(line, buf_str(shown)))
        return;
    buf_reset(shown);
    buf_add(shown, line);
    if (c->out_is_terminal && !c->json) {
        fprintf(c->out, "\r\033[K%.*s", STR_ARG(line));
    } else {
        fprintf(c->out, "%.*s\n", STR_ARG(line));
    }
    fflush(c->out);
}

static bool watch(struct cli_wire *w, int64_t job_no, bool once, struct buf *shown, struct err *err)
{
    CLEANUP(arena_freep) struct arena *tmp = arena_new();
    const struct timespec wait = {.tv_nsec = LOOK_EVERY_MS * 1000000L};
    char last_id[64] = "";
    int64_t began_us = clock_now(w->cli->clock); /* stands for "now", so that it is no change */
    int64_t last_no = -1;
    bool first = true;

    do {
        struct engine_status s;

        arena_reset(tmp);
        if (!engine_status_load(&w->engine, job_no, tmp, &s, err))
            return false;
        if (!w->cli->json && !show_events(w->cli, tmp, &s, &last_no, err))
            return false;
        if (s.has_last && !str_eq_z(s.last.id, last_id)) {
            snprintf(last_id, sizeof(last_id), "%.*s", STR_ARG(s.last.id));
            if (!first)
                report_ended(w->cli, &s);
        }
        show(w->cli, tmp, &s, began_us, shown);
        first = false;
        if (!once)
            nanosleep(&wait, NULL);
    } while (!once && !*cli_interrupted() && !ferror(w->cli->out));
    return true;
}

static int run_watch(struct cli *c, const struct cli_args *args)
{
    CLEANUP(cli_wire_end) struct cli_wire w = {.cli = c};
    CLEANUP(buf_done) struct buf shown;
    struct err err = {.kind = ERR_NONE};
    struct job job;
    bool ok;

    buf_init(&shown, (size_t)64 * 1024);
    if (!cli_wire_begin(&w, c, &err) || !cli_job(c, cli_arg(args, 0), &job, &err))
        return cli_fail(c, &err);
    cli_interrupt_begin();
    ok = watch(&w, job.no, cli_flag(args, "--once"), &shown, &err);
    if (c->out_is_terminal && !c->json)
        fputc('\n', c->out);
    return ok ? 0 : cli_fail(c, &err);
}

static const struct cli_option watch_options[] = {
    {"--once", NULL, "one look, then end"},
};

static const struct cli_command commands[] = {
    {
        .name = "watch",
        .usage = "N [--once]",
        .summary = "follow a job live, until interrupted",
        .help =
            "Shows the running cycle with its phase, rate, time left and throttling, in whichever process\n"
            "it runs; the newest records of the provisioning log; and what each cycle did. With --json:\n"
            "one status a line, whenever it changes.\n\n"
            "  usher watch demo\n",
        .options = watch_options,
        .option_count = ARRAY_LEN(watch_options),
        .min_args = 1,
        .max_args = 1,
        .run = run_watch,
    },
};

const struct cli_commands watch_commands = {commands, ARRAY_LEN(commands)};
