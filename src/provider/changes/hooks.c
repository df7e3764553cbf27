#include "provider/changes/hooks.h"

#include "base/log.h"
#include "notify/webhook.h"
#include "provider/changes/keep.h"
#include "provider/changes/webhook.h"

#include <string.h>

enum {
    LOOK_MS = 1000,   /* for what other processes have written */
    GATHER_MS = 20,   /* between two looks: what is written meanwhile is told together */
    TURN_MS = 200,    /* while something is under way */
    DRAIN_S = 3,      /* what is under way at the end */
    TROUBLE_MS = 5000 /* after the database has failed */
};
#define PRUNE_EVERY_US (10 * US_PER_MINUTE)
#define PRUNE_AGAIN_US (5 * US_PER_SECOND) /* when there may be more to remove */
#define PAUSE_US       (5 * US_PER_SECOND)
#define PAUSE_MAX_US   (5 * US_PER_MINUTE)
#define WAIT_MAX_US    US_PER_HOUR /* however long the receiver asks for */
#define CLAIM_US       (20 * US_PER_SECOND)

/* --- One delivery --- */

/* Whether an answer says something about what was sent, rather than about the receiver as a whole:
 * its address, its key, its load. */
static bool is_about_changes(const struct http_answer *answer)
{
    static const int others[] = {401, 407, 408, 410, 421, 425, 429, 502, 503, 504};

    if (answer->failure != HTTP_OK || answer->status < 400)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        if (answer->status == others[i])
            return false;
    }
    return true;
}

static int64_t pause_after(const struct hook *hook, enum notify_outcome outcome,
                           const struct http_answer *answer)
{
    int64_t pause = hook->hooks->how.pause_us;
    int64_t wished = answer && answer->failure == HTTP_OK && answer->retry_after_ms > 0
                         ? answer->retry_after_ms * US_PER_MS
                         : 0;

    /* what is refused among others is looked for at once, what is refused alone takes longer and
     * longer */
    int64_t times = !hook->refused ? hook->attempts : hook->count == 1 ? hook->alone : 0;

    for (int64_t i = 0; i < times && pause < PAUSE_MAX_US; i++)
        pause *= 2;
    pause = pause < PAUSE_MAX_US ? pause : PAUSE_MAX_US;
    if (outcome == NOTIFY_OUTCOME_REFUSED)
        pause = WAIT_MAX_US;
    pause = wished > pause ? wished : pause;
    return pause < WAIT_MAX_US ? pause : WAIT_MAX_US;
}

static void failed(struct hook *hook, enum notify_outcome outcome, const struct http_answer *answer)
{
    hook->state = HOOK_FAILED;
    hook->wait_us = pause_after(hook, outcome, answer);
    if (hook->attempts == 0)
        log_error("provider_webhook_failed", &hook->err);
}

static void on_done(void *ctx, const struct http_answer *answer)
{
    struct hook *hook = ctx;
    enum notify_outcome outcome = notify_webhook_outcome(hook->url, answer, &hook->err);

    if (outcome == NOTIFY_OUTCOME_SENT) {
        hook->state = HOOK_TAKEN;
    } else {
        hook->refused = is_about_changes(answer);
        failed(hook, outcome, answer);
    }
}

static bool send_next(struct hook *hook, struct db *db, struct err *err)
{
    CLEANUP(buf_done) struct buf body = {0};
    CLEANUP(secret_done) struct secret secret = {0};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct hooks *h = hook->hooks;
    struct str signature;
    enum hook_body what;

    buf_init(&body, PROVIDER_ANSWER_MAX);
    if (!hook_fill(hook, db, &body, &what, &hook->err)) {
        if (hook->err.kind == ERR_UNAVAILABLE) { /* the database, so nothing of the others either */
            *err = hook->err;
            return false;
        }
        failed(hook, NOTIFY_OUTCOME_LATER, NULL);
        return true;
    }
    if (what != HOOK_BODY) {
        hook->state = what == HOOK_PASSED ? HOOK_PASS : HOOK_RELEASE;
        return true;
    }
    if (!provider_webhook_unseal(h->how.key, hook->tenant_no, hook->sealed, &secret, &hook->err)) {
        failed(hook, NOTIFY_OUTCOME_LATER, NULL);
        return true;
    }
    signature =
        notify_webhook_signature(a, &secret, clock_now(h->provider->config.clock), buf_str(&body));
    hook->state = HOOK_SENDING;
    notify_webhook_start(h->client, hook->url, signature, buf_str(&body), on_done, hook);
    return true;
}

/* --- The thread --- */

static bool is_finished(const struct hook *hook)
{
    return hook->state == HOOK_TAKEN || hook->state == HOOK_FAILED || hook->state == HOOK_PASS ||
           hook->state == HOOK_RELEASE;
}

static bool has_finished(const struct hooks *h)
{
    for (size_t i = 0; i < HOOKS_MAX; i++) {
        if (is_finished(&h->all[i]))
            return true;
    }
    return false;
}

/* Claims, sends and stores until all that can be done at the moment is under way. */
static bool turn(struct hooks *h, struct db *db, struct err *err)
{
    do {
        /* What was delivered is stored before looking: what came meanwhile makes it due again. */
        if (!hooks_store(h, err) || (!atomic_load(&h->stop) && !hooks_look(h, db, err)) ||
            !hooks_store(h, err))
            return false;
        for (size_t i = 0; i < HOOKS_MAX; i++) {
            struct hook *hook = &h->all[i];

            if (hook->state != HOOK_CLAIMED)
                continue;
            if (atomic_load(&h->stop)) {
                hook->state = HOOK_RELEASE;
            } else if (!send_next(hook, db, err)) {
                return false;
            }
        }
    } while (has_finished(h));
    return true;
}

static void prune(struct hooks *h, struct db *db, int64_t *next_us)
{
    struct err err = {0};
    int64_t removed;
    bool done;

    if (clock_monotonic_us() < *next_us)
        return;
    *next_us = clock_monotonic_us() + PRUNE_EVERY_US;
    if (!provider_changes_prune(db, h->provider->config.clock, &h->stop, &removed, &done, &err)) {
        log_error("provider_changes_not_pruned", &err);
    } else if (!done) {
        *next_us = clock_monotonic_us() + PRUNE_AGAIN_US;
    }
}

/* After the database has failed nobody knows what is ours: claims end by themselves. */
static void forget_all(struct hooks *h)
{
    for (size_t i = 0; i < HOOKS_MAX; i++) {
        if (h->all[i].state != HOOK_SENDING)
            h->all[i].state = HOOK_FREE;
    }
}

/* Looking costs as much as many writes do: not after each of them. */
static void gather(struct hooks *h)
{
    int64_t now = clock_monotonic_us();

    while (now < h->look_us && !atomic_load(&h->stop)) {
        (void)http_client_run(h->client, (h->look_us - now + US_PER_MS - 1) / US_PER_MS);
        now = clock_monotonic_us();
    }
    h->look_us = now + GATHER_MS * US_PER_MS;
}

static void work(struct hooks *h, int64_t *prune_us)
{
    struct err err = {0};
    struct db *db = NULL;
    int64_t wait_ms = TROUBLE_MS;

    gather(h);
    /* Before looking: what is written from here on wakes, unless an answer will anyway. */
    atomic_store(&h->idle, h->any && http_client_in_flight(h->client) == 0);
    if (pool_take(&h->provider->pool, &db, &err)) {
        if (turn(h, db, &err))
            wait_ms = http_client_in_flight(h->client) > 0 ? TURN_MS : LOOK_MS;
        if (wait_ms != TROUBLE_MS)
            prune(h, db, prune_us);
        pool_give(&h->provider->pool, db);
    }
    if (wait_ms == TROUBLE_MS) {
        log_error("provider_webhooks_not_read", &err);
        forget_all(h);
    }
    if (!atomic_load(&h->stop))
        (void)http_client_run(h->client, wait_ms);
}

/* What is under way may end; what was taken is stored. */
static void drain(struct hooks *h)
{
    int64_t until = clock_monotonic_us() + DRAIN_S * US_PER_SECOND;
    struct err err = {0};

    while (http_client_in_flight(h->client) > 0 && clock_monotonic_us() < until)
        (void)http_client_run(h->client, TURN_MS);
    for (size_t i = 0; i < HOOKS_MAX; i++) {
        if (h->all[i].state == HOOK_SENDING || h->all[i].state == HOOK_CLAIMED)
            h->all[i].state = HOOK_RELEASE;
    }
    if (!hooks_store(h, &err))
        log_error("provider_webhooks_not_stored", &err);
}

static void *run(void *arg)
{
    struct hooks *h = arg;
    int64_t prune_us = clock_monotonic_us();

    while (!atomic_load(&h->stop))
        work(h, &prune_us);
    drain(h);
    return NULL;
}

bool hooks_start(struct hooks *h, struct provider *p, struct err *err)
{
    struct http_client_config config = {.ca_file = p->config.delivery.ca_file,
                                        .max_connections = HOOKS_MAX,
                                        .max_answer = (size_t)64 * 1024};

    h->provider = p;
    h->how = p->config.delivery;
    if (h->how.pause_us == 0)
        h->how.pause_us = PAUSE_US;
    if (h->how.claim_us == 0)
        h->how.claim_us = CLAIM_US;
    for (size_t i = 0; i < HOOKS_MAX; i++)
        h->all[i].hooks = h;
    if (!h->how.key)
        return true;
    h->any = true; /* until the first look */
    if (!http_client_new(&config, &h->client, err))
        return false;
    h->started = pthread_create(&h->thread, NULL, run, h) == 0;
    return h->started || err_set(err, ERR_INTERNAL, "thread", "cannot start the webhooks");
}

void hooks_stop(struct hooks *h)
{
    atomic_store(&h->stop, true);
    if (h->started) {
        http_client_wake(h->client);
        pthread_join(h->thread, NULL);
    }
    http_client_free(h->client);
    for (size_t i = 0; i < HOOKS_MAX; i++) {
        arena_free(h->all[i].arena);
        arena_free(h->all[i].sent);
    }
}

void hooks_wake(struct hooks *h)
{
    if (h->started && atomic_load_explicit(&h->idle, memory_order_relaxed) &&
        atomic_exchange(&h->idle, false))
        http_client_wake(h->client);
}
