#include "cli/status.h"

static const struct {
    const char *name; /* of the JSON */
    const char *word; /* for people; NULL: not told */
    size_t offset;
} counters[] = {
    {"imported", NULL, offsetof(struct cycle_counters, imported)},
    {"inScope", NULL, offsetof(struct cycle_counters, in_scope)},
    {"created", "created", offsetof(struct cycle_counters, created)},
    {"matched", "matched", offsetof(struct cycle_counters, matched)},
    {"updated", "updated", offsetof(struct cycle_counters, updated)},
    {"disabled", "disabled", offsetof(struct cycle_counters, disabled)},
    {"deleted", "deleted", offsetof(struct cycle_counters, deleted)},
    {"skipped", "skipped", offsetof(struct cycle_counters, skipped)},
    {"unchanged", "unchanged", offsetof(struct cycle_counters, unchanged)},
    {"failed", "failed", offsetof(struct cycle_counters, failed)},
    {"warnings", "warnings", offsetof(struct cycle_counters, warnings)},
    {"requests", NULL, offsetof(struct cycle_counters, requests)},
    {"skippedNotEntitled", NULL, offsetof(struct cycle_counters, skipped_entitled)},
    {"skippedFilteredOut", NULL, offsetof(struct cycle_counters, skipped_filtered)},
    {"skippedSourceDisabled", NULL, offsetof(struct cycle_counters, skipped_disabled)},
    {"skippedSourceDeleted", NULL, offsetof(struct cycle_counters, skipped_deleted)},
    {"skippedActionDisabled", NULL, offsetof(struct cycle_counters, skipped_off)},
};

static int64_t counter(const struct cycle_counters *n, size_t i)
{
    return *(const int64_t *)(const void *)((const char *)n + counters[i].offset);
}

static void add_time(struct arena *a, struct json *v, const char *name, int64_t us)
{
    char text[TIME_TEXT_MAX];

    if (us > 0) {
        json_add_str(a, v, name, time_write(us, text));
    } else {
        json_add_null(a, v, name);
    }
}

static struct json *error_json(struct arena *a, struct str code, struct str message)
{
    struct json *v = json_new(a, JSON_OBJECT);

    json_add_str(a, v, "code", code);
    json_add_str(a, v, "message", message);
    return v;
}

struct json *cli_cycle_json(struct arena *a, const struct cycle *cycle)
{
    struct json *v = json_new(a, JSON_OBJECT);
    struct json *counts = json_new(a, JSON_OBJECT);

    json_add_str(a, v, "id", cycle->id);
    json_add_z(a, v, "kind", cycle_kind_name(cycle->kind));
    json_add_z(a, v, "state", cycle_state_name(cycle->state));
    json_add_z(a, v, "phase", cycle_phase_name(cycle->phase));
    add_time(a, v, "began", cycle->began_us);
    add_time(a, v, "ended", cycle->ended_us);
    for (size_t i = 0; i < ARRAY_LEN(counters); i++)
        json_add_int(a, counts, counters[i].name, counter(&cycle->counters, i));
    json_add(a, v, STR("counts"), counts);
    if (cycle->error_code.len) {
        json_add(a, v, STR("error"), error_json(a, cycle->error_code, cycle->error_message));
    } else {
        json_add_null(a, v, "error");
    }
    return v;
}

static struct json *progress_json(struct arena *a, const struct cycle *cycle)
{
    struct json *v = json_new(a, JSON_OBJECT);
    int64_t done;
    int64_t total;

    cli_cycle_progress(cycle, &done, &total);
    json_add_z(a, v, "phase", cycle_phase_name(cycle->phase));
    json_add_int(a, v, "completed", done);
    json_add_int(a, v, "total", total);
    return v;
}

static struct json *quarantine_json(struct arena *a, const struct job *job)
{
    struct json *v = json_new(a, JSON_OBJECT);

    json_add_str(a, v, "reason", job->quarantine_reason);
    add_time(a, v, "since", job->quarantine_since_us);
    add_time(a, v, "currentBegan", job->quarantine_current_us);
    json_add_int(a, v, "seriesCount", job->quarantine_count);
    add_time(a, v, "nextAttempt", job->next_cycle_us);
    json_add(a, v, STR("error"), error_json(a, job->quarantine_code, job->quarantine_message));
    return v;
}

static struct json *notices_json(struct arena *a, const struct notify_backlog *b)
{
    struct json *v = json_new(a, JSON_OBJECT);

    json_add_int(a, v, "waiting", b->waiting);
    json_add_int(a, v, "givenUp", b->given_up);
    json_add_str(a, v, "error", b->error);
    return v;
}

static struct json *history_json(struct arena *a, const struct job_history *h)
{
    struct json *v = json_new(a, JSON_OBJECT);

    json_add_int(a, v, "cycles", h->cycles);
    json_add_int(a, v, "created", h->created);
    json_add_int(a, v, "matched", h->matched);
    json_add_int(a, v, "updated", h->updated);
    json_add_int(a, v, "disabled", h->disabled);
    json_add_int(a, v, "deleted", h->deleted);
    json_add_int(a, v, "failed", h->failed);
    return v;
}

static void add_cycles(struct arena *a, struct json *v, const struct engine_status *s)
{
    if (s->has_cycle) {
        json_add(a, v, STR("progress"), progress_json(a, &s->cycle));
        json_add(a, v, STR("cycle"), cli_cycle_json(a, &s->cycle));
    } else {
        json_add_null(a, v, "progress");
        json_add_null(a, v, "cycle");
    }
    if (s->has_last) {
        json_add(a, v, STR("lastCycle"), cli_cycle_json(a, &s->last));
    } else {
        json_add_null(a, v, "lastCycle");
    }
}

struct json *cli_status_json(struct arena *a, const struct engine_status *s, int64_t now_us)
{
    struct json *v = json_new(a, JSON_OBJECT);
    struct json *counts = json_new(a, JSON_OBJECT);

    json_add_str(a, v, "id", s->job.id);
    json_add_str(a, v, "name", s->job.name);
    json_add_str(a, v, "template", s->job.template_id);
    json_add_z(a, v, "state", s->code);
    json_add_z(a, v, "schedule", job_state_name(s->job.state));
    json_add_bool(a, v, "running", s->running);
    json_add_int(a, counts, "users", s->users);
    json_add_int(a, counts, "groups", s->groups);
    json_add_int(a, counts, "retries", s->retries);
    json_add_int(a, counts, "undone", s->undone);
    json_add_int(a, counts, "pendingReferences", s->pending);
    json_add(a, v, STR("counts"), counts);
    add_cycles(a, v, s);
    if (s->next_cycle_us < 0) {
        json_add_null(a, v, "nextCycle");
    } else {
        add_time(a, v, "nextCycle", s->next_cycle_us > now_us ? s->next_cycle_us : now_us);
    }
    json_add(a, v, STR("toDate"), history_json(a, &s->history));
    add_time(a, v, "steadyStateFirst", s->history.steady_first_us);
    add_time(a, v, "steadyStateLast", s->history.steady_last_us);
    json_add(a, v, STR("notices"), notices_json(a, &s->notices));
    if (s->job.quarantined) {
        json_add(a, v, STR("quarantine"), quarantine_json(a, &s->job));
    } else {
        json_add_null(a, v, "quarantine");
    }
    return v;
}

struct str cli_cycle_counts(struct arena *a, const struct cycle_counters *n)
{
    struct buf out;
    struct str text;
    char number[32];

    buf_init(&out, 1024);
    for (size_t i = 0; i < ARRAY_LEN(counters); i++) {
        int64_t count = counter(n, i);

        if (!counters[i].word || !count)
            continue;
        cli_count_text(count, number, sizeof(number));
        buf_addf(&out, "%s%s %s", out.len ? ", " : "", number, counters[i].word);
    }
    text = out.len ? arena_str(a, buf_str(&out)) : STR("nothing to do");
    buf_done(&out);
    return text;
}

void cli_cycle_progress(const struct cycle *cycle, int64_t *out_done, int64_t *out_total)
{
    *out_done = cycle->counters.imported;
    *out_total = cycle->total > *out_done ? cycle->total : *out_done;
    if (!cycle->total)
        *out_total = 0;
}

struct str cli_cycle_line(struct cli *c, struct arena *a, const struct cycle *cycle)
{
    double seconds = (double)(clock_now(c->clock) - cycle->began_us) / 1e6;
    int64_t done;
    int64_t total;
    double rate;
    char text[64];
    struct buf line;
    struct str result;

    cli_cycle_progress(cycle, &done, &total);
    rate = seconds > 0.1 ? (double)done / seconds : 0;
    buf_init(&line, 1024);
    buf_addf(&line, "%s cycle  %-10s  ", cycle_kind_name(cycle->kind),
             cycle_phase_name(cycle->phase));
    if (total && c->width > 78)
        cli_bar(&line, done, total, c->width - 78 < 24 ? c->width - 78 : 24);
    cli_count_text(done, text, sizeof(text));
    buf_addf(&line, "  %s", text);
    if (total) {
        cli_count_text(total, text, sizeof(text));
        buf_addf(&line, " of %s", text);
    }
    cli_count_text((int64_t)rate, text, sizeof(text));
    buf_addf(&line, "  %s/s", text);
    if (total > done && rate > 0) {
        cli_left_text((int64_t)((double)(total - done) / rate * 1e6), text, sizeof(text));
        buf_addf(&line, "  %s left", text);
    }
    if (cycle->counters.failed)
        buf_addf(&line, "  %lld failed", (long long)cycle->counters.failed);
    result = arena_str(a, buf_str(&line));
    buf_done(&line);
    return result;
}

void cli_cycle_report(struct cli *c, const struct job *job, const struct cycle *cycle)
{
    char took[32];

    cli_duration_text(cycle->ended_us - cycle->began_us, took, sizeof(took));
    cli_say(c, "%s cycle %s in %s: %.*s", cycle_kind_name(cycle->kind),
            cycle->state == CYCLE_FAILED ? "failed" : "done", took,
            STR_ARG(cli_cycle_counts(c->arena, &cycle->counters)));
    if (cycle->state == CYCLE_FAILED)
        cli_say(c, "%.*s", STR_ARG(cycle->error_message));
    if (cycle->counters.failed)
        cli_say(c, "what failed and why: usher logs '%.*s' --status failure", STR_ARG(job->name));
}

static void print_last(struct cli *c, const struct cycle *cycle)
{
    char ended[TIME_TEXT_MAX];
    char took[32];

    time_write(cycle->ended_us, ended);
    cli_duration_text(cycle->ended_us - cycle->began_us, took, sizeof(took));
    fprintf(c->out, "last cycle  %s, %s, ended %s after %s\n            %.*s\n",
            cycle_kind_name(cycle->kind), cycle_state_name(cycle->state), ended, took,
            STR_ARG(cli_cycle_counts(c->arena, &cycle->counters)));
    if (cycle->error_code.len)
        fprintf(c->out, "            %.*s\n", STR_ARG(cycle->error_message));
}

static void print_next(struct cli *c, const struct engine_status *s)
{
    char text[TIME_TEXT_MAX];

    if (s->next_cycle_us < 0) {
        fprintf(c->out, "next cycle  none: 'usher start' switches the job on\n");
    } else if (s->next_cycle_us <= clock_now(c->clock)) {
        fprintf(c->out, "next cycle  now, as soon as 'usher serve' runs\n");
    } else {
        fprintf(c->out, "next cycle  %.*s\n", STR_ARG(time_write(s->next_cycle_us, text)));
    }
}

static void print_now(struct cli *c, const struct engine_status *s)
{
    if (s->running) {
        fprintf(c->out, "running     %.*s\n",
                STR_ARG(s->has_cycle ? cli_cycle_line(c, c->arena, &s->cycle) : s->runner));
    } else if (s->has_cycle) {
        fprintf(c->out, "stopped     %.*s\n            the next cycle goes on from there\n",
                STR_ARG(cli_cycle_line(c, c->arena, &s->cycle)));
    }
}

/* Only what was not told: silence is the ordinary case. */
static void print_notices(struct cli *c, const struct notify_backlog *b)
{
    if (b->waiting + b->given_up == 0)
        return;
    fprintf(c->out, "notices     %lld wait", (long long)b->waiting);
    if (b->given_up)
        fprintf(c->out, ", %lld given up", (long long)b->given_up);
    fprintf(c->out, "%s%.*s\n", b->error.len ? "\n            " : "", STR_ARG(b->error));
}

void cli_status_print(struct cli *c, const struct engine_status *s)
{
    char users[32];
    char groups[32];

    cli_count_text(s->users, users, sizeof(users));
    cli_count_text(s->groups, groups, sizeof(groups));
    fprintf(c->out, "%.*s  %s\n", STR_ARG(s->job.name), s->code);
    fprintf(c->out, "accounts    %s people, %s groups\n", users, groups);
    if (s->retries) {
        fprintf(c->out, "retries     %lld objects wait for another try\n", (long long)s->retries);
    }
    if (s->undone) {
        fprintf(c->out,
                "undone      %lld objects stay as an undo left them: 'usher release %.*s --all' "
                "lets them go\n",
                (long long)s->undone, STR_ARG(s->job.name));
    }
    if (s->pending) {
        fprintf(c->out, "pending     %lld references name somebody without an account here\n",
                (long long)s->pending);
    }
    if (s->job.quarantined) {
        fprintf(c->out, "quarantine  %.*s\n            %.*s\n", STR_ARG(s->job.quarantine_reason),
                STR_ARG(s->job.quarantine_message));
    }
    print_now(c, s);
    if (s->has_last) {
        print_last(c, &s->last);
    }
    print_next(c, s);
    print_notices(c, &s->notices);
}
