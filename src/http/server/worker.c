/* The worker pool: threads for handlers that may block. Its queue is bounded by the number of
 * connections, since each has at most one request with a handler. */
#include "base/log.h"
#include "http/server/internal.h"

#include <signal.h>

struct worker {
    struct http_server *server;
    pthread_t handle;
    bool busy; /* in a handler; guarded by the pool's lock */
    bool detached;
};

static struct http_exchange *next_job(struct worker_pool *pool, struct worker *w)
{
    struct http_exchange *x = NULL;

    pthread_mutex_lock(&pool->lock);
    if (w->busy) {
        w->busy = false;
        pool->busy--;
        pthread_cond_signal(&pool->idle);
    }
    while (!pool->first && !pool->stopping)
        pthread_cond_wait(&pool->work, &pool->lock);
    if (!pool->stopping) {
        x = pool->first;
        pool->first = x->next;
        w->busy = true;
        pool->busy++;
    }
    pthread_mutex_unlock(&pool->lock);
    return x;
}

static void *worker_main(void *ctx)
{
    struct worker *w = ctx;
    struct http_server *s = w->server;

    pthread_setname_np(pthread_self(), "usher-worker");
    for (struct http_exchange *x; (x = next_job(&s->workers, w));)
        x->route->handle(x, x->route->ctx);
    server_unref(s);
    return NULL;
}

void worker_init(struct worker_pool *pool)
{
    pthread_condattr_t monotonic;

    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work, NULL);
    pthread_cond_init(&pool->idle, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

void worker_done(struct worker_pool *pool)
{
    free(pool->workers);
    pthread_mutex_destroy(&pool->lock);
    pthread_cond_destroy(&pool->work);
    pthread_cond_destroy(&pool->idle);
}

bool worker_start(struct http_server *s, unsigned threads, struct err *err)
{
    struct worker_pool *pool = &s->workers;
    sigset_t all, before;
    int failed = 0;

    pool->workers = mem_alloc(threads * sizeof(*pool->workers));
    sigfillset(&all); /* signals are for the threads of the program that asked for them */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (pool->started < threads && !failed) {
        struct worker *w = &pool->workers[pool->started];

        w->server = s;
        atomic_fetch_add(&s->refs, 1);
        failed = pthread_create(&w->handle, NULL, worker_main, w);
        if (failed) {
            atomic_fetch_sub(&s->refs, 1);
        } else {
            pool->started++;
        }
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed) {
        return err_set(err, ERR_INTERNAL, "threadFailed", "cannot start a thread: %s",
                       strerrordesc_np(failed));
    }
    return true;
}

void worker_give(struct http_server *s, struct http_exchange *x)
{
    struct worker_pool *pool = &s->workers;

    x->next = NULL;
    pthread_mutex_lock(&pool->lock);
    if (pool->first) {
        pool->last->next = x;
    } else {
        pool->first = x;
    }
    pool->last = x;
    pthread_cond_signal(&pool->work);
    pthread_mutex_unlock(&pool->lock);
}

void worker_stop(struct http_server *s, int64_t until_us)
{
    struct worker_pool *pool = &s->workers;
    struct timespec until = {.tv_sec = until_us / US_PER_SECOND,
                             .tv_nsec = until_us % US_PER_SECOND * 1000};
    struct http_exchange *left;
    bool late = false;

    pthread_mutex_lock(&pool->lock);
    pool->stopping = true;
    left = pool->first;
    pool->first = NULL;
    pthread_cond_broadcast(&pool->work);
    while (pool->busy > 0 && !late)
        late = pthread_cond_timedwait(&pool->idle, &pool->lock, &until) != 0;
    for (unsigned i = 0; i < pool->started; i++) {
        struct worker *w = &pool->workers[i];

        if (w->busy) {
            pthread_detach(w->handle); /* it holds the server's memory until its handler returns */
            w->detached = true;
        }
    }
    pthread_mutex_unlock(&pool->lock);
    if (late)
        log_event(LOG_WARNING, "http_handler_still_runs");
    for (unsigned i = 0; i < pool->started; i++) {
        if (!pool->workers[i].detached)
            pthread_join(pool->workers[i].handle, NULL);
    }
    while (left) {
        struct http_exchange *x = left;

        left = x->next;
        reply_late(x);
    }
}
