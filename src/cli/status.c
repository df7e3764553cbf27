#include "cli/status.h"

enum { RATE_DECIMALS = 2 };

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
    {"references", "references", offsetof(struct cycle_counters, references)},
    {"failedReferences", "failed references", offsetof(struct cycle_counters, failed_references)},
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

/* Of late when the cycle has told, else since it began. */
double cli_status_rate(const struct engine_status *s, int64_t now_us)
{
    double seconds = (double)(now_us - s->cycle.began_us) / 1e6;

    if (s->has_pulse && s->pulse.objects_rate > 0)
        return s->pulse.objects_rate;
    return s->running && seconds > 0.1 ? (double)s->cycle.counters.imported / seconds : 0;
}

int64_t cli_status_left_us(const struct engine_status *s, int64_t now_us)
{
    double rate = cli_status_rate(s, now_us);
    int64_t pause =
        s->has_pulse && s->pulse.pause_until_us > now_us ? s->pulse.pause_until_us - now_us : 0;
    int64_t done;
    int64_t total;

    cli_cycle_progress(&s->cycle, &done, &total);
    if (!s->running || total <= done || rate <= 0)
        return -1;
    return (int64_t)((double)(total - done) / rate * 1e6) + pause;
}

static void add_phase(struct arena *a, struct json *v, const struct engine_status *s)
{
    const struct job_pulse *p = &s->pulse;

    if (!s->has_pulse || p->phase != s->cycle.phase) {
        json_add_null(a, v, "phaseCompleted");
        json_add_null(a, v, "phaseTotal");
        return;
    }
    json_add_int(a, v, "phaseCompleted", p->phase_done);
    if (p->phase_total > 0) {
        json_add_int(a, v, "phaseTotal", p->phase_total);
    } else {
        json_add_null(a, v, "phaseTotal");
    }
}

static struct json *progress_json(struct arena *a, const struct engine_status *s, int64_t now_us)
{
    struct json *v = json_new(a, JSON_OBJECT);
    int64_t left = cli_status_left_us(s, now_us);
    int64_t done;
    int64_t total;

    cli_cycle_progress(&s->cycle, &done, &total);
    json_add_z(a, v, "phase", cycle_phase_name(s->cycle.phase));
    json_add_int(a, v, "completed", done);
    json_add_int(a, v, "total", total);
    add_phase(a, v, s);
    json_add_real(a, v, "objectsPerSecond", cli_status_rate(s, now_us), RATE_DECIMALS);
    if (s->has_pulse) {
        json_add_real(a, v, "requestsPerSecond", s->pulse.requests_rate, RATE_DECIMALS);
    } else {
        json_add_null(a, v, "requestsPerSecond");
    }
    if (left >= 0) {
        json_add_int(a, v, "secondsLeft", (left + US_PER_SECOND - 1) / US_PER_SECOND);
    } else {
        json_add_null(a, v, "secondsLeft");
    }
    return v;
}

static void add_limit(struct arena *a, struct json *v, const char *name, int64_t n)
{
    if (n > 0) {
        json_add_int(a, v, name, n);
    } else {
        json_add_null(a, v, name);
    }
}

/* How the application holds the running cycle back. */
static struct json *throttling_json(struct arena *a, const struct job_pulse *p, int64_t now_us)
{
    struct json *v = json_new(a, JSON_OBJECT);

    add_time(a, v, "pausedUntil", p->pause_until_us > now_us ? p->pause_until_us : 0);
    json_add_int(a, v, "times", p->throttled);
    if (p->allowed_rate > 0) {
        json_add_real(a, v, "requestsPerSecondAllowed", p->allowed_rate, RATE_DECIMALS);
    } else {
        json_add_null(a, v, "requestsPerSecondAllowed");
    }
    add_limit(a, v, "connectionsAllowed", p->allowed_connections);
    json_add_int(a, v, "requestsUnderWay", p->under_way);
    return v;
}

static struct json *escrows_json(struct arena *a, const struct engine_status *s, int64_t now_us)
{
    struct json *list = json_new(a, JSON_ARRAY);

    for (size_t i = 0; i < s->escrow_count; i++) {
        const struct retry_code *e = &s->escrows[i];
        struct json *v = json_new(a, JSON_OBJECT);

        json_add_str(a, v, "code", e->code);
        json_add_int(a, v, "count", e->count);
        json_add_int(a, v, "givenUp", e->given_up);
        add_time(a, v, "nextTry",
                 e->next_us == RETRY_NEVER ? 0 : (e->next_us > now_us ? e->next_us : now_us));
        json_append(list, v);
    }
    return list;
}

static struct json *held_json(struct arena *a, const struct held_counts *c, enum held_class class_)
{
    struct json *v = json_new(a, JSON_OBJECT);

    json_add_int(a, v, "waiting", c->n[class_][HELD_WAITING]);
    json_add_int(a, v, "allowed", c->n[class_][HELD_ALLOWED]);
    json_add_int(a, v, "rejected", c->n[class_][HELD_REJECTED]);
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

static struct json *stream_json(struct arena *a, const struct job_stream *s)
{
    struct json *v = json_new(a, JSON_OBJECT);

    json_add_int(a, v, "sentUpTo", s->sent_no);
    json_add_int(a, v, "failures", s->failures);
    json_add_str(a, v, "error", s->error);
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

static void add_cycles(struct arena *a, struct json *v, const struct engine_status *s,
                       int64_t now_us)
{
    if (s->has_cycle) {
        json_add(a, v, STR("progress"), progress_json(a, s, now_us));
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

/* What waits for a time or for somebody, and what holds the cycle back. */
static void add_waiting(struct arena *a, struct json *v, const struct engine_status *s,
                        int64_t now_us)
{
    struct json *held = json_new(a, JSON_OBJECT);
    struct json *grace = json_new(a, JSON_OBJECT);

    json_add(a, v, STR("escrows"), escrows_json(a, s, now_us));
    json_add_bool(a, v, "escrowsPruned", s->job.escrows_pruned);
    json_add(a, held, STR("removals"), held_json(a, &s->held, HELD_REMOVAL));
    json_add(a, held, STR("updates"), held_json(a, &s->held, HELD_UPDATE));
    json_add(a, v, STR("held"), held);
    json_add_int(a, grace, "waiting", s->in_grace);
    add_time(a, grace, "firstEnds", s->grace_ends_us);
    json_add(a, v, STR("grace"), grace);
    if (s->has_pulse) {
        json_add(a, v, STR("throttling"), throttling_json(a, &s->pulse, now_us));
    } else {
        json_add_null(a, v, "throttling");
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
    json_add_int(a, counts, "heldRemovals", s->held.n[HELD_REMOVAL][HELD_WAITING]);
    json_add_int(a, counts, "heldUpdates", s->held.n[HELD_UPDATE][HELD_WAITING]);
    json_add_int(a, counts, "inGrace", s->in_grace);
    add_waiting(a, v, s, now_us);
    add_cycles(a, v, s, now_us);
    if (s->next_cycle_us < 0) {
        json_add_null(a, v, "nextCycle");
    } else {
        add_time(a, v, "nextCycle", s->next_cycle_us > now_us ? s->next_cycle_us : now_us);
    }
    json_add(a, v, STR("toDate"), history_json(a, &s->history));
    add_time(a, v, "steadyStateFirst", s->history.steady_first_us);
    add_time(a, v, "steadyStateLast", s->history.steady_last_us);
    json_add(a, v, STR("notices"), notices_json(a, &s->notices));
    json_add(a, v, STR("logStream"), s->streams ? stream_json(a, &s->stream) : json_null(a));
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
    struct held_counts held = {0};
    struct err ignored;
    char took[32];

    cli_duration_text(cycle->ended_us - cycle->began_us, took, sizeof(took));
    cli_say(c, "%s cycle %s in %s: %.*s", cycle_kind_name(cycle->kind),
            cycle->state == CYCLE_FAILED ? "failed" : "done", took,
            STR_ARG(cli_cycle_counts(c->arena, &cycle->counters)));
    if (cycle->state == CYCLE_FAILED)
        cli_say(c, "%.*s", STR_ARG(cycle->error_message));
    if (cycle->counters.failed + cycle->counters.failed_references)
        cli_say(c, "what failed and why: usher logs '%.*s' --status failure", STR_ARG(job->name));
    if (held_count(c->db_handle, job->no, &held, &ignored) &&
        held.n[HELD_REMOVAL][HELD_WAITING] + held.n[HELD_UPDATE][HELD_WAITING] > 0) {
        int64_t waiting = held.n[HELD_REMOVAL][HELD_WAITING] + held.n[HELD_UPDATE][HELD_WAITING];

        cli_say(c, "the guard holds %lld of them until you decide: usher held '%.*s'",
                (long long)waiting, STR_ARG(job->name));
    }
}
