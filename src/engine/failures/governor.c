#include "engine/failures/governor.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { HOST_MAX = 264 };

struct host {
    char name[HOST_MAX]; /* "https://host:port", in small letters */
    struct pace pace;
    pthread_mutex_t lock; /* guards pace */
    unsigned users;
    struct host *next;
};

struct governor {
    struct target_gate gate; /* first */
    struct host *host;       /* with client.rate auto; else NULL */
    struct pace own;         /* the job's: fixed rate and connections, pauses */
    bool shut;
    int64_t requests, throttled;
    double rate_before; /* what was learned when it was opened */
};

/* The one list of hosts of the process. */
static struct {
    pthread_mutex_t lock;
    struct host *first;
} registry = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct str host_part(struct str base_url)
{
    size_t at;
    size_t i;

    for (at = 0; at + 3 <= base_url.len && !str_eq(str_sub(base_url, at, 3), STR("://")); at++)
        ;
    at = at + 3 <= base_url.len ? at + 3 : 0;
    for (i = at; i < base_url.len && !strchr("/?#", base_url.ptr[i]); i++)
        ;
    return str_sub(base_url, at, i - at);
}

/* Whether the URL names this machine. */
static bool is_loopback(struct str base_url)
{
    static const char *const names[] = {"localhost", "[::1]"};
    struct str host = host_part(base_url);

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct str name = str_from_z(names[i]);

        if (str_eq_ascii_nocase(str_sub(host, 0, name.len), name) &&
            (host.len == name.len || host.ptr[name.len] == ':'))
            return true;
    }
    return str_starts(host, STR("127."));
}

static void host_name(struct str base_url, char *out)
{
    struct str host = host_part(base_url);
    size_t len = (size_t)(host.ptr - base_url.ptr) + host.len;

    if (len >= HOST_MAX)
        len = HOST_MAX - 1;
    for (size_t i = 0; i < len; i++)
        out[i] = ascii_lower(base_url.ptr[i]);
    out[len] = '\0';
}

/* A host's pace at its beginning: as learned, else unlimited on this machine, else careful. */
static void begin_auto(struct pace *p, struct str base_url, const struct job_pace *learned)
{
    bool loopback = is_loopback(base_url);

    if (learned && learned->rate > 0) {
        pace_init(p, learned->rate, (unsigned)learned->connections);
    } else {
        pace_init(p, loopback ? 0 : PACE_RATE_START, loopback ? 0 : PACE_CONNECTIONS_START);
    }
    p->adaptive = true;
    p->holds = false; /* the pauses are those of the jobs */
}

static struct host *host_take(struct str base_url, const struct job_pace *learned)
{
    char name[HOST_MAX];
    struct host *h;

    host_name(base_url, name);
    pthread_mutex_lock(&registry.lock);
    for (h = registry.first; h && strcmp(h->name, name) != 0;)
        h = h->next;
    if (!h) {
        h = mem_alloc(sizeof(*h));
        memset(h, 0, sizeof(*h));
        memcpy(h->name, name, sizeof(name));
        pthread_mutex_init(&h->lock, NULL);
        begin_auto(&h->pace, base_url, learned);
        h->next = registry.first;
        registry.first = h;
    }
    h->users++;
    pthread_mutex_unlock(&registry.lock);
    return h;
}

static void host_drop(struct host *h)
{
    pthread_mutex_lock(&registry.lock);
    if (--h->users == 0) {
        struct host **at = &registry.first;

        while (*at != h)
            at = &(*at)->next;
        *at = h->next;
        pthread_mutex_destroy(&h->lock);
        free(h);
    }
    pthread_mutex_unlock(&registry.lock);
}

static int64_t admit(struct target_gate *gate)
{
    struct governor *g = (struct governor *)gate;
    int64_t now = clock_monotonic_us();
    int64_t wait;

    if (g->shut)
        return TARGET_GATE_CLOSED;
    wait = pace_admit(&g->own, now);
    if (wait > 0 || !g->host)
        return wait;
    pthread_mutex_lock(&g->host->lock);
    wait = pace_admit(&g->host->pace, now);
    pthread_mutex_unlock(&g->host->lock);
    if (wait > 0)
        pace_withdraw(&g->own);
    return wait;
}

static enum pace_answer kind_of(int status, int64_t retry_after_ms)
{
    if (status == 429 || (status == 503 && retry_after_ms >= 0))
        return PACE_THROTTLED;
    return status == 0 || status >= 500 ? PACE_TROUBLED : PACE_ACCEPTED;
}

static void answered(struct target_gate *gate, int status, int64_t retry_after_ms,
                     int64_t duration_us)
{
    struct governor *g = (struct governor *)gate;
    int64_t now = clock_monotonic_us();
    int64_t hold = retry_after_ms < 0 ? -1 : retry_after_ms * US_PER_MS;
    enum pace_answer kind = kind_of(status, retry_after_ms);
    unsigned setbacks;

    g->requests++;
    g->throttled += kind == PACE_THROTTLED || status == 503;
    pace_answered(&g->own, kind, hold, duration_us, now);
    if (!g->host)
        return;
    /* A 503 that says nothing is no pause for the job, but the host is asked less (scim.md 10.5).
     * The pause is the job's: other jobs on the host have their own. */
    if (status == 503)
        kind = PACE_THROTTLED;
    pthread_mutex_lock(&g->host->lock);
    setbacks = g->host->pace.setbacks;
    pace_answered(&g->host->pace, kind, hold < 0 ? 0 : hold, duration_us, now);
    if (g->host->pace.setbacks > setbacks) {
        log_event(LOG_INFO, "target_throttles", LOG_TEXT("host", str_from_z(g->host->name)),
                  LOG_NUM("status", status), LOG_NUM("pause_ms", retry_after_ms),
                  LOG_NUM("rate_milli", (int64_t)(g->host->pace.rate * 1000)));
    }
    pthread_mutex_unlock(&g->host->lock);
}

struct governor *governor_open(const struct job_settings *s, struct str base_url,
                               const struct job_pace *learned)
{
    struct governor *g = mem_alloc(sizeof(*g));

    *g = (struct governor){.gate = {.admit = admit, .answered = answered}};
    if (s->rate == RATE_AUTO) {
        g->host = host_take(base_url, learned);
        g->rate_before = learned ? learned->rate : 0;
    }
    pace_init(&g->own, s->rate == RATE_AUTO ? 0 : (double)s->rate, (unsigned)s->concurrency);
    return g;
}

void governor_close(struct governor *g)
{
    if (!g)
        return;
    if (g->host)
        host_drop(g->host);
    free(g);
}

struct target_gate *governor_gate(struct governor *g)
{
    return &g->gate;
}

void governor_shut(struct governor *g)
{
    g->shut = true;
}

int64_t governor_hold_us(const struct governor *g)
{
    return pace_hold_us(&g->own, clock_monotonic_us());
}

/* The stricter of two limits; 0 is none. */
static double stricter(double a, double b)
{
    return a > 0 && (b <= 0 || a < b) ? a : b;
}

void governor_look(const struct governor *g, struct governor_state *out)
{
    *out = (struct governor_state){
        .rate = g->own.rate,
        .connections = g->own.connections,
        .under_way = g->own.under_way,
        .requests = g->requests,
        .throttled = g->throttled,
        .hold_us = governor_hold_us(g),
    };
    if (!g->host)
        return;
    pthread_mutex_lock(&g->host->lock);
    out->rate = stricter(out->rate, g->host->pace.rate);
    out->connections =
        (int64_t)stricter((double)out->connections, (double)g->host->pace.connections);
    pthread_mutex_unlock(&g->host->lock);
}

bool governor_learned(const struct governor *g, struct job_pace *out)
{
    double change;

    if (!g->host)
        return false;
    pthread_mutex_lock(&g->host->lock);
    out->rate = g->host->pace.rate;
    out->connections = g->host->pace.connections;
    pthread_mutex_unlock(&g->host->lock);
    /* Not every run has to be written down: a rate that is nearly the same is no news. */
    change = out->rate - g->rate_before;
    return change > g->rate_before / 10 || change < -g->rate_before / 10;
}
