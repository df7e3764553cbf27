#include "cli/cycle.h"

#include "cli/status.h"

#include <string.h>
#include <time.h>

enum { SHOW_EVERY_US = 100 * 1000, LOOK_EVERY_MS = 500, SHOW_AFTER_US = 300 * 1000 };

struct display {
    struct cli *cli;
    int64_t began_us;
    int64_t shown_us;
    bool visible;
};

static void draw(struct display *d, const struct cycle *cycle)
{
    CLEANUP(arena_freep) struct arena *tmp = NULL;
    int64_t now_us = clock_monotonic_us();

    if (!d->cli->err_is_terminal || d->cli->quiet || now_us - d->shown_us < SHOW_EVERY_US ||
        now_us - d->began_us < SHOW_AFTER_US)
        return;
    d->shown_us = now_us;
    d->visible = true;
    tmp = arena_new();
    fprintf(d->cli->err, "\r\033[K%.*s", STR_ARG(cli_cycle_line(d->cli, tmp, cycle)));
    fflush(d->cli->err);
}

static void clear(struct display *d)
{
    if (d->visible)
        fputs("\r\033[K", d->cli->err);
    d->visible = false;
    fflush(d->cli->err);
}

static void on_progress(void *ctx, const struct job *job, const struct cycle *cycle)
{
    (void)job;
    draw(ctx, cycle);
}

static void pause_ms(int64_t ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (ms % 1000) * 1000000};

    nanosleep(&t, NULL);
}

/* Another process runs the job: shows what it does until its cycle has ended. */
static bool follow(struct cli_wire *w, const struct job *job, struct display *d, struct cycle *out,
                   bool *out_stopped, struct err *err)
{
    CLEANUP(arena_freep) struct arena *tmp = arena_new();
    struct cli *c = w->cli;

    cli_say(c, "another process runs this job's cycle; waiting for it");
    for (;;) {
        struct engine_status s;

        arena_reset(tmp);
        if (!engine_status_load(&w->engine, job->no, tmp, &s, err))
            return false;
        if (!s.running && s.has_last)
            return cycle_load(c->db_handle, c->arena, s.last.id, out, err);
        if (!s.running) {
            return err_set(err, ERR_UNAVAILABLE, "cycleLost",
                           "the process that ran the cycle has stopped; start again to go on");
        }
        if (s.has_cycle)
            draw(d, &s.cycle);
        if (*cli_interrupted()) {
            *out_stopped = true;
            *out = (struct cycle){.job_no = job->no};
            return true;
        }
        pause_ms(LOOK_EVERY_MS);
    }
}

bool cli_cycle_run(struct cli_wire *w, const struct job *job, struct cycle *out, bool *out_stopped,
                   struct err *err)
{
    struct display d = {.cli = w->cli, .began_us = clock_monotonic_us()};
    struct engine_observer observer = {.progress = on_progress, .ctx = &d};
    struct err first = {.kind = ERR_NONE};
    bool ok;

    *out_stopped = false;
    cli_interrupt_begin();
    ok =
        engine_cycle(&w->engine, job->no, &observer, cli_interrupted(), w->cli->arena, out, &first);
    if (!ok && first.code && strcmp(first.code, "leaseHeld") == 0) {
        ok = follow(w, job, &d, out, out_stopped, &first);
    } else if (ok) {
        *out_stopped = out->state == CYCLE_RUNNING;
    }
    clear(&d);
    if (!ok)
        *err = first;
    return ok;
}
