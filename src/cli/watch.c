/* `usher watch N`: what a job does, live. */
#include "cli/status.h"
#include "cli/wire.h"

#include <string.h>
#include <time.h>

enum { LOOK_EVERY_MS = 500 };

/* One line: the running cycle, or how things stand. */
static struct str line_of(struct cli *c, struct arena *a, const struct engine_status *s)
{
    char next[TIME_TEXT_MAX];
    const char *when = "";

    if (s->running && s->has_cycle)
        return cli_cycle_line(c, a, &s->cycle);
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
    bool first = true;

    do {
        struct engine_status s;

        arena_reset(tmp);
        if (!engine_status_load(&w->engine, job_no, tmp, &s, err))
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
            "Shows the running cycle with its rate and time left, in whichever process it runs,\n"
            "and what each cycle did. With --json: one status a line, whenever it changes.\n\n"
            "  usher watch demo\n",
        .options = watch_options,
        .option_count = ARRAY_LEN(watch_options),
        .min_args = 1,
        .max_args = 1,
        .run = run_watch,
    },
};

const struct cli_commands watch_commands = {commands, ARRAY_LEN(commands)};
