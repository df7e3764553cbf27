#include "provider/imitation/delay.h"

#define HELD_MAX    4096 /* answers; beyond, they go at once */
#define LATENCY_MAX 60000

struct delayed {
    struct delayed *next;
    struct http_exchange *x;
    int64_t due_us; /* monotonic */
    int status;
    const char *type;
    struct str body;
};

void delay_init(struct delay *d)
{
    pthread_condattr_t monotonic;

    *d = (struct delay){0};
    pthread_mutex_init(&d->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&d->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

/* The first that is due, taken out of the list; NULL: stopped, and nothing is left. Waits. */
static struct delayed *take_due(struct delay *d)
{
    struct delayed *due;

    pthread_mutex_lock(&d->lock);
    for (;;) {
        due = d->first;
        if (d->stopping || (due && due->due_us <= clock_monotonic_us()))
            break;
        if (due) {
            struct timespec until = {.tv_sec = due->due_us / US_PER_SECOND,
                                     .tv_nsec = due->due_us % US_PER_SECOND * 1000};

            pthread_cond_timedwait(&d->wake, &d->lock, &until);
        } else {
            pthread_cond_wait(&d->wake, &d->lock);
        }
    }
    if (due) {
        d->first = due->next;
        d->count--;
    }
    pthread_mutex_unlock(&d->lock);
    return due;
}

static void *run(void *arg)
{
    struct delayed *due;

    while ((due = take_due(arg)))
        http_reply(due->x, due->status, due->type, due->body); /* due ends with its exchange */
    return NULL;
}

void delay_done(struct delay *d)
{
    pthread_mutex_lock(&d->lock);
    d->stopping = true;
    pthread_cond_signal(&d->wake);
    pthread_mutex_unlock(&d->lock);
    if (d->started)
        pthread_join(d->thread, NULL);
    pthread_cond_destroy(&d->wake);
    pthread_mutex_destroy(&d->lock);
}

static int64_t choose_ms(struct rng *rng, const struct json *latency)
{
    int64_t least = 0, most = 0;

    if (json_to_int(latency, &least))
        return least;
    if (!latency->first || !json_to_int(latency->first, &least))
        return 0;
    if (latency->first->next && json_to_int(latency->first->next, &most) && most > least)
        least += (int64_t)rng_below(rng, (uint64_t)(most - least) + 1);
    return least > LATENCY_MAX ? LATENCY_MAX : least;
}

/* False when there is no room, or no thread. */
static bool insert(struct delay *d, struct delayed *held)
{
    struct delayed **at = &d->first;
    bool room;

    pthread_mutex_lock(&d->lock);
    if (!d->started && !d->stopping)
        d->started = pthread_create(&d->thread, NULL, run, d) == 0;
    room = d->started && !d->stopping && d->count < HELD_MAX;
    if (room) {
        while (*at && (*at)->due_us <= held->due_us)
            at = &(*at)->next;
        held->next = *at;
        *at = held;
        d->count++;
        pthread_cond_signal(&d->wake);
    }
    pthread_mutex_unlock(&d->lock);
    return room;
}

bool delay_reply(const struct call *c, const struct json *latency, int status, const char *type,
                 struct str body)
{
    struct arena *a = http_arena(c->x);
    struct delayed *held = ARENA_NEW(a, struct delayed);
    int64_t ms = choose_ms(c->provider->config.rng, latency);

    if (ms <= 0)
        return false;
    *held = (struct delayed){.x = c->x,
                             .due_us = clock_monotonic_us() + ms * US_PER_MS,
                             .status = status,
                             .type = type ? arena_z(a, str_from_z(type)) : NULL,
                             .body = arena_str(a, body)};
    return insert(c->provider->delay, held);
}
