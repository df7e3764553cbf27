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

enum followed {
    FOLLOWED_TO_THE_END, /* of a cycle that ended while we waited */
    FOLLOWED_UNTIL_STOPPED,
    FOLLOWED_NOBODY, /* nobody runs it, or whoever does has no cycle yet */
    FOLLOWED_FAILED
};

/* Another process runs the job: shows what it does until its cycle has ended. A cycle that ended
 * before since_us is not the one that was waited for. */
static enum followed follow(struct cli_wire *w, const struct job *job, struct display *d,
                            int64_t since_us, struct cycle *out, struct err *err)
{
    CLEANUP(arena_freep) struct arena *tmp = arena_new();
    struct cli *c = w->cli;

    for (;;) {
        struct engine_status s;

        arena_reset(tmp);
        if (!engine_status_load(&w->engine, job->no, tmp, &s, err))
            return FOLLOWED_FAILED;
        if (!s.running && s.has_last && s.last.ended_us >= since_us) {
            return cycle_load(c->db_handle, c->arena, s.last.id, out, err) ? FOLLOWED_TO_THE_END
                                                                           : FOLLOWED_FAILED;
        }
        if (s.has_cycle)
            draw(d, &s.cycle);
        if (*cli_interrupted()) {
            *out = (struct cycle){.job_no = job->no};
            return FOLLOWED_UNTIL_STOPPED;
        }
        pause_ms(LOOK_EVERY_MS);
        if (!s.running)
            return FOLLOWED_NOBODY;
    }
}

static bool is_held_elsewhere(const struct err *err)
{
    return err->code && strcmp(err->code, "leaseHeld") == 0;
}

bool cli_cycle_run(struct cli_wire *w, const struct job *job, struct cycle *out, bool *out_stopped,
                   struct err *err)
{
    struct display d = {.cli = w->cli, .began_us = clock_monotonic_us()};
    struct engine_observer observer = {.progress = on_progress, .ctx = &d};
    struct err first = {.kind = ERR_NONE};
    int64_t since_us = clock_now(w->cli->clock);
    enum followed followed = FOLLOWED_NOBODY;
    bool told = false;
    bool ok;

    *out_stopped = false;
    cli_interrupt_begin();
    /* Whoever ran it may have died or been stopped: then its cycle is gone on with here. */
    while (!(ok = engine_cycle(&w->engine, job->no, &observer, cli_interrupted(), w->cli->arena,
                               out, &first)) &&
           is_held_elsewhere(&first)) {
        if (!told)
            cli_say(w->cli, "another process runs this job's cycle; waiting for it");
        told = true;
        followed = follow(w, job, &d, since_us, out, &first);
        if (followed != FOLLOWED_NOBODY)
            break;
    }
    if (followed == FOLLOWED_TO_THE_END || followed == FOLLOWED_UNTIL_STOPPED)
        ok = true;
    *out_stopped = ok && (followed == FOLLOWED_UNTIL_STOPPED ||
                          (followed == FOLLOWED_NOBODY && out->state == CYCLE_RUNNING));
    clear(&d);
    if (!ok)
        *err = first;
    return ok;
}
