/* `usher status`: how the jobs stand, one line each; `usher status N`: a page on one of them, with
 * what to do where something is wrong. */
#include "cli/status.h"
#include "cli/wire.h"
#include "engine/failures/quarantine.h"

#include <stdarg.h>

enum { LABEL_WIDTH = 12, BAR_MAX = 24 };

/* A page being printed: labels on the left, what is to be done gathered for its end. */
struct page {
    struct cli *c;
    const struct engine_status *s;
    int64_t now_us;
    struct buf todo;
};

PRINTF_LIKE(3, 4) static void line(struct page *p, const char *label, const char *format, ...)
{
    va_list args;

    fprintf(p->c->out, "%-*s", LABEL_WIDTH, label);
    va_start(args, format);
    vfprintf(p->c->out, format, args);
    va_end(args);
    fputc('\n', p->c->out);
}

/* A command to paste, and what it is for. */
static void advise(struct page *p, const char *before, const char *after, const char *what)
{
    struct str command = arena_printf(p->c->arena, "%s %s '%.*s'%s", p->c->program, before,
                                      STR_ARG(p->s->job.name), after);

    buf_addf(&p->todo, "  %-38.*s  %s\n", STR_ARG(command), what);
}

static const char *count(struct page *p, int64_t n)
{
    char text[32];

    cli_count_text(n, text, sizeof(text));
    return arena_str(p->c->arena, str_from_z(text)).ptr;
}

static const char *some(struct page *p, int64_t n, const char *one, const char *many)
{
    return arena_printf(p->c->arena, "%s %s", count(p, n), n == 1 ? one : many).ptr;
}

static const char *ago(struct page *p, int64_t us)
{
    char text[32];

    if (us <= 0)
        return "never";
    if (us >= p->now_us)
        return "just now";
    cli_duration_text(p->now_us - us, text, sizeof(text));
    return arena_printf(p->c->arena, "%s ago", text).ptr;
}

/* "in 38 min (2026-03-01T00:40:00.000Z)". */
static const char *ahead(struct page *p, int64_t us)
{
    char at[TIME_TEXT_MAX];
    char text[32];

    if (us <= p->now_us)
        return "now";
    cli_duration_text(us - p->now_us, text, sizeof(text));
    return arena_printf(p->c->arena, "in %s (%.*s)", text, STR_ARG(time_write(us, at))).ptr;
}

/* --- what goes on --- */

struct str cli_status_line(struct cli *c, struct arena *a, const struct engine_status *s)
{
    int64_t now_us = clock_now(c->clock);
    int64_t left = cli_status_left_us(s, now_us);
    double rate = cli_status_rate(s, now_us);
    bool phase = s->has_pulse && s->pulse.phase == s->cycle.phase && s->pulse.phase_total > 0;
    int64_t done, total;
    struct buf text;
    struct str result;
    char word[64];

    cli_cycle_progress(&s->cycle, &done, &total);
    buf_init(&text, 1024);
    buf_addf(&text, "%s cycle, %s", cycle_kind_name(s->cycle.kind),
             cycle_phase_name(s->cycle.phase));
    if (total <= done && phase) { /* the whole is not known, or behind it: its phase is */
        done = s->pulse.phase_done;
        total = s->pulse.phase_total;
    }
    if (total > 0 && c->width >= 70) {
        buf_add_z(&text, "  ");
        cli_bar(&text, done, total, c->width - 60 < BAR_MAX ? c->width - 60 : BAR_MAX);
    }
    cli_count_text(done, word, sizeof(word));
    buf_addf(&text, "  %s", word);
    if (total > 0) {
        cli_count_text(total, word, sizeof(word));
        buf_addf(&text, " of %s  %d %%", word, (int)((double)done * 100 / (double)total));
    }
    if (rate >= 0.5) {
        cli_count_text((int64_t)(rate + 0.5), word, sizeof(word));
        buf_addf(&text, "  %s/s", word);
    }
    if (left >= 0) {
        cli_left_text(left, word, sizeof(word));
        buf_addf(&text, "  %s left", word);
    }
    if (s->has_pulse && s->pulse.pause_until_us > now_us) {
        cli_left_text(s->pulse.pause_until_us - now_us, word, sizeof(word));
        buf_addf(&text, "  throttled for %s", word);
    }
    if (s->cycle.counters.failed)
        buf_addf(&text, "  %lld failed", (long long)s->cycle.counters.failed);
    result = arena_str(a, buf_str(&text));
    buf_done(&text);
    return result;
}

static void print_pace(struct page *p)
{
    const struct job_pulse *u = &p->s->pulse;
    const char *of = "";
    const char *by = "";

    if (!p->s->has_pulse)
        return;
    if (u->allowed_rate > 0)
        of = arena_printf(p->c->arena, " of at most %.1f", u->allowed_rate).ptr;
    if (u->allowed_connections > 0)
        by = arena_printf(p->c->arena, " of at most %lld", (long long)u->allowed_connections).ptr;
    line(p, "pace", "%.1f requests a second%s, %lld at once%s", u->requests_rate, of,
         (long long)u->under_way, by);
    if (u->pause_until_us > p->now_us) {
        line(p, "throttled", "the application asked for a pause, which ends %s; %s so far",
             ahead(p, u->pause_until_us), some(p, u->throttled, "time", "times"));
    } else if (u->throttled > 0) {
        line(p, "throttled", "%s in this cycle; no failure, only slower",
             some(p, u->throttled, "time", "times"));
    }
}

static void print_now(struct page *p)
{
    const struct engine_status *s = p->s;

    if (!s->has_cycle)
        return;
    line(p, s->running ? "running" : "stopped", "%.*s",
         STR_ARG(cli_status_line(p->c, p->c->arena, s)));
    line(p, "", "%.*s; began %s", STR_ARG(cli_cycle_counts(p->c->arena, &s->cycle.counters)),
         ago(p, s->cycle.began_us));
    if (!s->running)
        line(p, "", "the next cycle goes on from there");
    if (s->cycle.error_code.len)
        line(p, "", "%.*s", STR_ARG(s->cycle.error_message));
    print_pace(p);
}

static void print_cycles(struct page *p)
{
    const struct engine_status *s = p->s;
    char took[32];

    if (s->has_last) {
        cli_duration_text(s->last.ended_us - s->last.began_us, took, sizeof(took));
        line(p, "last cycle", "%s, %s, ended %s after %s", cycle_kind_name(s->last.kind),
             cycle_state_name(s->last.state), ago(p, s->last.ended_us), took);
        line(p, "", "%.*s", STR_ARG(cli_cycle_counts(p->c->arena, &s->last.counters)));
        if (s->last.error_code.len)
            line(p, "", "%.*s", STR_ARG(s->last.error_message));
    }
    if (s->next_cycle_us < 0) {
        line(p, "next cycle", "none: the job is %s", job_state_name(s->job.state));
    } else if (s->next_cycle_us <= p->now_us) {
        line(p, "next cycle", "%s",
             s->running ? "after this one" : "now, as soon as 'usher serve' runs");
    } else {
        line(p, "next cycle", "%s", ahead(p, s->next_cycle_us));
    }
}

/* --- what waits --- */

static void print_quarantine(struct page *p)
{
    const struct job *job = &p->s->job;

    if (job->quarantined) {
        line(p, "quarantine", "%.*s, since %s%s", STR_ARG(job->quarantine_reason),
             ago(p, job->quarantine_since_us),
             job->quarantine_count == 0
                 ? ""
                 : arena_printf(p->c->arena, ", tried again %s",
                                some(p, job->quarantine_count, "time", "times"))
                       .ptr);
        line(p, "", "%.*s", STR_ARG(job->quarantine_message));
        if (p->s->next_cycle_us >= 0)
            line(p, "", "next attempt %s", ahead(p, job->next_cycle_us));
    }
    if (job->escrows_pruned)
        line(p, "", "its first cycle went on although many objects failed");
}

static void print_escrows(struct page *p)
{
    const struct engine_status *s = p->s;

    if (s->retries == 0)
        return;
    line(p, "failures", "%s for another try", some(p, s->retries, "object waits", "objects wait"));
    for (size_t i = 0; i < s->escrow_count; i++) {
        const struct retry_code *e = &s->escrows[i];

        line(p, "", "%8s  %-28.*s  %s%s", count(p, e->count), STR_ARG(e->code),
             e->next_us == RETRY_NEVER
                 ? "given up"
                 : arena_printf(p->c->arena, "next %s", ahead(p, e->next_us)).ptr,
             e->given_up > 0 && e->next_us != RETRY_NEVER
                 ? arena_printf(p->c->arena, ", %s given up", count(p, e->given_up)).ptr
                 : "");
    }
    advise(p, "retry", " --list", "who fails, why, and when it is tried next");
}

static void print_held(struct page *p)
{
    const int64_t *removals = p->s->held.n[HELD_REMOVAL];
    const int64_t *updates = p->s->held.n[HELD_UPDATE];

    if (removals[HELD_WAITING] > 0) {
        line(p, "held", "%s for a decision: nothing of it is sent",
             some(p, removals[HELD_WAITING], "removal waits", "removals wait"));
    }
    if (updates[HELD_WAITING] > 0) {
        line(p, "held", "%s for a decision",
             some(p, updates[HELD_WAITING], "change of a sign-in name waits",
                  "changes of sign-in names wait"));
    }
    if (removals[HELD_WAITING] + updates[HELD_WAITING] > 0)
        advise(p, "held", "", "what is held, to allow or reject it");
}

static void print_waiting(struct page *p)
{
    const struct engine_status *s = p->s;

    print_escrows(p);
    print_held(p);
    if (s->in_grace > 0) {
        line(p, "grace", "%s, the first ends %s",
             some(p, s->in_grace, "removal in its grace period", "removals in their grace period"),
             ahead(p, s->grace_ends_us));
    }
    if (s->pending > 0) {
        line(p, "references", "%s somebody without an account here",
             some(p, s->pending, "names", "name"));
    }
    if (s->undone > 0) {
        line(p, "undone", "%s as an undo left %s",
             some(p, s->undone, "object stays", "objects stay"), s->undone == 1 ? "it" : "them");
        advise(p, "release", " --all", "let what was undone go its way again");
    }
}

/* Only what was not told: silence is the ordinary case. */
/* Only of a receiver that is away. */
static void print_stream(struct page *p)
{
    const struct job_stream *s = &p->s->stream;

    if (p->s->streams && s->failures > 0)
        line(p, "log", "is not sent on: %.*s", STR_ARG(s->error));
}

static void print_notices(struct page *p)
{
    const struct notify_backlog *b = &p->s->notices;

    if (b->waiting + b->given_up == 0)
        return;
    line(p, "notices", "%lld wait%s", (long long)b->waiting,
         b->given_up ? arena_printf(p->c->arena, ", %lld given up", (long long)b->given_up).ptr
                     : "");
    if (b->error.len)
        line(p, "", "%.*s", STR_ARG(b->error));
}

/* --- to date, and what to do --- */

static void print_history(struct page *p)
{
    const struct job_history *h = &p->s->history;
    const struct cycle_counters n = {.created = h->created,
                                     .matched = h->matched,
                                     .updated = h->updated,
                                     .disabled = h->disabled,
                                     .deleted = h->deleted,
                                     .failed = h->failed};

    if (h->cycles == 0)
        return;
    line(p, "to date", "%s: %.*s", some(p, h->cycles, "cycle", "cycles"),
         STR_ARG(cli_cycle_counts(p->c->arena, &n)));
    if (h->steady_first_us == 0) {
        line(p, "steady", "not yet: something was left to do after every cycle");
    } else {
        line(p, "steady", "nothing was left to do %s; for the first time %s",
             ago(p, h->steady_last_us), ago(p, h->steady_first_us));
    }
}

static void advise_state(struct page *p)
{
    const struct engine_status *s = p->s;

    if (!s->has_secrets) {
        advise(p, "app set", " --token T", "the token of the application is missing");
    } else if (s->job.state != JOB_ACTIVE) {
        advise(p, "start", "", "switch the job on");
    } else if (s->job.quarantined &&
               quarantine_reason_of(s->job.quarantine_reason) != QUARANTINE_TOO_MANY_DELETES) {
        advise(p, "app test", "", "whether the application answers");
        advise(p, "start", "", "try at once, when that is put right");
    }
    if (s->has_last && s->last.counters.failed + s->last.counters.failed_references > 0)
        advise(p, "logs", " --status failure", "what failed in the last cycles");
    if (s->notices.given_up > 0)
        advise(p, "notify test", "", "whether notices arrive");
}

static void print_page(struct cli *c, const struct engine_status *s)
{
    struct page p = {.c = c, .s = s, .now_us = clock_now(c->clock)};

    buf_init(&p.todo, (size_t)16 * 1024);
    fprintf(c->out, "%.*s  %s%s, %s people, %s groups\n\n", STR_ARG(s->job.name), s->code,
            s->running ? " (running)" : "", count(&p, s->users), count(&p, s->groups));
    print_quarantine(&p);
    print_now(&p);
    print_cycles(&p);
    print_waiting(&p);
    print_notices(&p);
    print_stream(&p);
    print_history(&p);
    advise_state(&p);
    if (p.todo.len > 0)
        fprintf(c->out, "\nwhat to do\n%.*s", STR_ARG(buf_str(&p.todo)));
    buf_done(&p.todo);
}

/* --- all jobs --- */

/* The one thing most worth knowing. */
static struct str remark(struct cli *c, const struct engine_status *s)
{
    const int64_t held =
        s->held.n[HELD_REMOVAL][HELD_WAITING] + s->held.n[HELD_UPDATE][HELD_WAITING];
    char text[32];
    int64_t done, total;

    if (s->running) {
        cli_cycle_progress(&s->cycle, &done, &total);
        if (total > 0) {
            return arena_printf(c->arena, "%s, %d %%", cycle_phase_name(s->cycle.phase),
                                (int)((double)done * 100 / (double)total));
        }
        return str_from_z(cycle_phase_name(s->cycle.phase));
    }
    cli_count_text(held, text, sizeof(text));
    if (held > 0)
        return arena_printf(c->arena, "%s held", text);
    if (s->job.quarantined)
        return s->job.quarantine_code;
    cli_count_text(s->retries, text, sizeof(text));
    return s->retries > 0 ? arena_printf(c->arena, "%s failed", text) : STR("");
}

static bool print_all(struct cli_wire *w, struct err *err)
{
    static const char *const headers[] = {"NAME", "STATE", "PEOPLE", "GROUPS", "NEXT CYCLE", ""};
    struct cli *c = w->cli;
    struct json *array = json_new(c->arena, JSON_ARRAY);
    struct cli_table *table = cli_table_new(c, headers, ARRAY_LEN(headers));
    struct page p = {.c = c, .now_us = clock_now(c->clock)};
    struct job *jobs;
    size_t n;

    if (!job_list(c->db_handle, c->arena, &jobs, &n, err))
        return false;
    for (size_t i = 0; i < n; i++) {
        struct engine_status s;
        char left[32] = "now";

        if (!engine_status_load(&w->engine, jobs[i].no, c->arena, &s, err))
            return false;
        json_append(array, cli_status_json(c->arena, &s, p.now_us));
        if (s.next_cycle_us > p.now_us)
            cli_duration_text(s.next_cycle_us - p.now_us, left, sizeof(left));
        cli_table_row(table,
                      (struct str[]){
                          s.job.name,
                          str_from_z(s.running ? "running" : s.code),
                          str_from_z(count(&p, s.users)),
                          str_from_z(count(&p, s.groups)),
                          s.next_cycle_us < 0           ? STR("-")
                          : s.next_cycle_us <= p.now_us ? STR("now")
                                                        : arena_printf(c->arena, "in %s", left),
                          remark(c, &s),
                      });
    }
    if (c->json) {
        cli_print_json(c, array);
    } else if (n > 0) {
        cli_table_print(table);
    } else {
        cli_say(c, "no applications yet; 'usher app add --help' shows how to add one");
    }
    return true;
}

static int run_status(struct cli *c, const struct cli_args *args)
{
    CLEANUP(cli_wire_end) struct cli_wire w = {.cli = c};
    struct err err = {.kind = ERR_NONE};
    struct engine_status s;
    struct job job;

    if (!cli_arg_count(args)) {
        if (!cli_wire_begin(&w, c, &err) || !print_all(&w, &err))
            return cli_fail(c, &err);
        return 0;
    }
    if (!cli_wire_begin(&w, c, &err) || !cli_job(c, cli_arg(args, 0), &job, &err) ||
        !engine_status_load(&w.engine, job.no, c->arena, &s, &err))
        return cli_fail(c, &err);
    if (c->json) {
        cli_print_json(c, cli_status_json(c->arena, &s, clock_now(c->clock)));
    } else {
        print_page(c, &s);
    }
    return 0;
}

static const struct cli_command commands[] = {
    {
        .name = "status",
        .usage = "[N]",
        .summary = "how a job stands and what to do; without N: all jobs",
        .help =
            "Phase, rate and time left of a running cycle, in whichever process it runs; what waits and for\n"
            "what; the last and the next cycle; and the commands that help where something is wrong.\n\n"
            "  usher status demo\n",
        .max_args = 1,
        .run = run_status,
    },
};

const struct cli_commands status_commands = {commands, ARRAY_LEN(commands)};
